//! How the server is to run, and whether it is recorded, as the command line says it.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::clients::ClientArgs;
use super::limits::{Held, LimitArgs};
use super::units::{duration, size};
use crate::cli::recording;
use crate::file::{Existing, Recording, Ways};
use crate::record::Recorder;
use crate::server::{ResolverKind, Settings};

/// How the server is to run, whoever watches.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// Name or address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(in crate::cli) host: String,

    /// Port to listen on; 0 is any free one.
    #[arg(long, default_value_t = 5000)]
    pub(in crate::cli) port: u16,

    /// Who looks up the host's name: a thread of the pool while the loop runs, or the calling thread itself.
    #[arg(long, value_enum, default_value_t = Resolver::Thread)]
    pub(in crate::cli) resolver: Resolver,

    /// Make that lookup slower by this time, such as 300ms or 2s.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(in crate::cli) slow_dns: Option<Duration>,

    /// Add `GET /block`, which blocks the thread of the loop for this time.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(in crate::cli) block_handler: Option<Duration>,

    /// How long a worker thread waits for another task before it leaves.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true, default_value = "5s")]
    pub(in crate::cli) worker_idle: Duration,

    #[command(flatten)]
    pub(in crate::cli) clients: ClientArgs,

    #[command(flatten)]
    pub(in crate::cli) limits: LimitArgs,

    /// Write what happens into this file, to be opened with `spanwalk open`.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) record: Option<PathBuf>,

    /// Replace the file of --record if it exists; with --rotate, also the numbered ones of earlier recordings.
    #[arg(long, requires = "record")]
    pub(in crate::cli) force: bool,

    /// Begin another file after this size, such as 100MB: lesson.spanwalk, lesson-2.spanwalk and so on. Each opens alone.
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "record")]
    pub(in crate::cli) rotate: Option<u64>,

    /// With --rotate, keep only so many files: the oldest of this recording is removed when another is begun.
    #[arg(long, value_name = "FILES", requires = "rotate")]
    pub(in crate::cli) keep: Option<NonZero<usize>>,

    /// Let tokio-console attach, at this address if one is given.
    #[arg(
        long, value_name = "ADDR", num_args = 0..=1, require_equals = false,
        default_missing_value = DEFAULT_CONSOLE_ADDRESS,
    )]
    pub(in crate::cli) console: Option<SocketAddr>,
}

/// Where tokio-console looks if it is told nothing.
const DEFAULT_CONSOLE_ADDRESS: &str = "127.0.0.1:6669";

/// Who looks names up.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Resolver {
    /// A thread of the pool.
    Thread,
    /// The calling thread.
    Block,
}

impl ServerArgs {
    /// The recording that is asked for, begun. `tell` is called if it has to stop.
    pub(in crate::cli) fn recording(
        &self,
        recorder: &Recorder,
        tell: impl FnOnce(String) + Send + 'static,
    ) -> anyhow::Result<Option<Recording>> {
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let ways = Ways { existing, rotate: self.rotate, keep: self.keep };
        self.record.as_deref().map(|path| recording::start(path, ways, recorder, tell)).transpose()
    }

    pub(in crate::cli) fn settings(&self) -> Settings {
        self.settings_if(Held::Never)
    }

    /// How long it waits, when it stops, for what is under way.
    pub(in crate::cli) fn stop_timeout(&self) -> Duration {
        self.settings().stop_timeout
    }

    /// The same, where somebody may hold it meanwhile: the clock would go on.
    pub(in crate::cli) fn stop_timeout_if_held(&self) -> Option<Duration> {
        self.limits.stop_timeout
    }

    /// The same, for a server that may be held.
    pub(in crate::cli) fn settings_if(&self, held: Held) -> Settings {
        let mut settings = Settings {
            host: self.host.clone(),
            port: self.port,
            resolver: match self.resolver {
                Resolver::Thread => ResolverKind::Thread,
                Resolver::Block => ResolverKind::Block,
            },
            worker_idle: self.worker_idle,
            slow_dns: self.slow_dns,
            block_handler: self.block_handler,
            engineio: self.clients.engineio(),
            max_connections: self.clients.max_connections.map(NonZero::get),
            ..Settings::default()
        };
        self.limits.set(&mut settings, held);
        settings
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Args, Subcommand};
    use super::*;

    #[test]
    fn console_takes_an_address_or_the_default() {
        #[track_caller]
        fn check(args: &[&str], expected: Option<&str>) {
            let parsed = Args::try_parse_from(args).unwrap();
            let Some(Subcommand::Serve(serve)) = parsed.command else { panic!("not serve") };
            assert_eq!(serve.server.console, expected.map(|address| address.parse().unwrap()));
        }
        check(&["spanwalk", "serve"], None);
        check(&["spanwalk", "serve", "--console"], Some(DEFAULT_CONSOLE_ADDRESS));
        check(&["spanwalk", "serve", "--console", "[::1]:7000"], Some("[::1]:7000"));
    }
}
