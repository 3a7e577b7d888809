//! `spanwalk serve`: the server and nothing else.

use std::io::Write as _;
use std::time::Duration;

use super::args::ServeArgs;
use super::{signals, watch};
use crate::server::Server;

/// Runs until a signal ends it.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    watch::install(None, args.server.console)?;
    let server = Server::start(args.server.settings())?;
    signals::on_end(server.stopper())?;
    // The address is known as soon as the socket listens; the lookup may take longer.
    let address = loop {
        if let Some(address) = server.address() {
            break address;
        }
        if server.wait(Duration::from_millis(1)) {
            return Ok(server.join()?);
        }
    };
    let mut out = std::io::stdout().lock();
    let console = args.server.console.map_or_else(String::new, |door| format!(", tokio-console on {door}"));
    writeln!(out, "spanwalk: serving http://{address}/{console} (ctrl-c stops)")?;
    out.flush()?;
    drop(out);
    Ok(server.join()?)
}
