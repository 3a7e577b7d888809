//! What this program was built as: for reports of what does not work.

use std::sync::LazyLock;

/// Behind the name: the version, and a fact a line.
pub(super) static FACTS: LazyLock<String> = LazyLock::new(|| {
    let has = |is_on: bool, name: &'static str| is_on.then_some(name);
    let features = [
        has(cfg!(feature = "app"), "app"),
        has(cfg!(feature = "console"), "console"),
        has(cfg!(feature = "tokio"), "tokio"),
    ];
    let features: Vec<&str> = features.into_iter().flatten().collect();
    let unstable = match (cfg!(tokio_unstable), cfg!(feature = "console")) {
        (true, true) => "yes, --console works",
        (true, false) => "yes, but without the feature `console`: --console is refused",
        (false, _) => "no, --console is refused",
    };
    let environment = if cfg!(target_env = "gnu") {
        " gnu"
    } else if cfg!(target_env = "musl") {
        " musl"
    } else if cfg!(target_env = "msvc") {
        " msvc"
    } else {
        ""
    };
    let built = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "{}\nfeatures: {}\ntokio_unstable: {unstable}\ntarget: {} {}{environment}\nbuild: {built}",
        env!("CARGO_PKG_VERSION"),
        features.join(", "),
        std::env::consts::ARCH,
        std::env::consts::OS,
    )
});
