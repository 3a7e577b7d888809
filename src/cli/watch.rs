//! The process-wide subscriber: the recorder's layer, and console-subscriber's beside it where that is asked for.

use std::net::SocketAddr;

use anyhow::Context as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use super::{UsageError, heap};
use crate::record::{HoldMode, Recorder};

/// A recorder of the server's own spans.
pub(super) fn recorder(hold: HoldMode) -> Recorder {
    heap::keep_large_apart();
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    Recorder::builder().hold(hold).filter(filter).build()
}

type Layer = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

/// Sets the subscriber of the process. May be called once.
pub(super) fn install(recorder: Option<&Recorder>, console: Option<SocketAddr>) -> anyhow::Result<()> {
    let mut layers: Vec<Layer> = Vec::new();
    if let Some(address) = console {
        if address.port() == 0 {
            let message =
                format!("no tokio-console can be told the port of `--console {address}`; name one, such as 6669");
            return Err(UsageError(message).into());
        }
        layers.push(console_layer(address)?);
    }
    if let Some(recorder) = recorder {
        if layers.is_empty() {
            // Nobody beside it: the fast face.
            return set(recorder.subscriber());
        }
        layers.push(recorder.layer().with_filter(recorder.filter()).boxed());
    }
    if layers.is_empty() {
        return Ok(());
    }
    set(Registry::default().with(layers))
}

/// What is missing from the recording because the rest of the stack hides it, in a sentence. To be asked when the server has
/// begun: before that there are no callsites.
pub(super) fn hidden(recorder: &Recorder) -> Option<String> {
    let hidden = recorder.hidden();
    (!hidden.is_empty()).then(|| format!("not everything is recorded: {hidden}"))
}

fn set(subscriber: impl tracing::Subscriber + Send + Sync) -> anyhow::Result<()> {
    tracing::subscriber::set_global_default(subscriber).context("cannot set the tracing subscriber")
}

#[cfg(all(tokio_unstable, feature = "console"))]
fn console_layer(address: SocketAddr) -> anyhow::Result<Layer> {
    // console-subscriber reports a taken address from a thread of its own, by a panic.
    drop(std::net::TcpListener::bind(address).map_err(|error| {
        let remedy = "try another port, such as --console 127.0.0.1:6670";
        anyhow::anyhow!("cannot open the door for tokio-console on `{address}`: {error}; {remedy}")
    })?);
    Ok(console_subscriber::ConsoleLayer::builder().server_addr(address).spawn().boxed())
}

#[cfg(not(all(tokio_unstable, feature = "console")))]
fn console_layer(_address: SocketAddr) -> anyhow::Result<Layer> {
    let missing = if cfg!(feature = "console") {
        "was built without tokio's unstable hooks; build it with RUSTFLAGS=\"--cfg tokio_unstable\", or inside its \
         repository, where .cargo/config.toml says so"
    } else {
        "was built without the feature `console`; build it with --features console"
    };
    Err(UsageError(format!("cannot use `--console`: this spanwalk {missing}")).into())
}
