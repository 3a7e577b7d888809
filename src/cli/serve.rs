//! `spanwalk serve`: the server and nothing else.

use std::io::Write as _;
use std::time::Duration;

use super::args::ServeArgs;
use super::{complain, signals, watch};
use crate::record::{HoldMode, Recorder};
use crate::server::Server;

/// How often a recording looks whether the server has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Runs until a signal ends it.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let recording = args.server.recording(|text| complain(&text))?;
    let recorder = recording.as_ref().map(|_| Recorder::new(HoldMode::Follow));
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
    let (Some(recording), Some(recorder)) = (recording, recorder) else { return Ok(server.join()?) };
    while !server.is_ended() {
        recorder.wait(LOOK);
        recording.take(&recorder.drain().events);
    }
    let ended = server.join();
    recording.take(&recorder.drain().events);
    let written = recording.finish();
    ended?;
    written
}
