//! The process-wide subscriber: the recorder's layer, and console-subscriber's beside it where that is asked for.

use std::net::SocketAddr;

use anyhow::Context as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use super::UsageError;
use crate::record::Recorder;

/// What is recorded: the server's own spans.
const WATCHED: &str = "spanwalk::server";

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
        layers.push(recorder.layer(WATCHED).boxed());
    }
    if layers.is_empty() {
        return Ok(());
    }
    let subscriber = Registry::default().with(layers);
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
