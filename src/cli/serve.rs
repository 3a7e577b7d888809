//! `spanwalk serve`: the server and nothing else.

use std::io::Write as _;
use std::time::Duration;

use super::args::ServeArgs;
use super::{complain, recording, signals, watch};
use crate::record::HoldMode;
use crate::server::Server;

/// Runs until a signal ends it.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let recorder = args.server.record.is_some().then(|| watch::recorder(HoldMode::Follow));
    let recording = match &recorder {
        Some(recorder) => args.server.recording(recorder, |text| complain(&text))?,
        None => None,
    };
    watch::install(recorder.as_ref(), args.server.console)?;
    let server = Server::start(args.server.settings())?;
    signals::on_end(server.stopper())?;
    // The address is known as soon as the socket listens; the lookup may take longer.
    while server.address().is_none() && !server.wait(Duration::from_millis(1)) {}
    if let Some(address) = server.address() {
        let mut out = std::io::stdout().lock();
        let console = args.server.console.map_or_else(String::new, |door| format!(", tokio-console on {door}"));
        writeln!(out, "spanwalk: serving http://{address}/{console} (ctrl-c stops)")?;
        out.flush()?;
    }
    if let Some(text) = recorder.as_ref().and_then(watch::hidden) {
        complain(&text);
    }
    let ended = server.join();
    let recorded = recording::finish(recording);
    ended?;
    Ok(recorded?)
}
