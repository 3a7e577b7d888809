//! What can be asked on the command line.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::Styles;
use clap::{Parser, ValueEnum};

use super::recording;
use crate::file::{Existing, Recording, Ways};
use crate::record::Recorder;
use crate::server::{ResolverKind, Settings, engineio};

/// Step through the call chain of a running server.
///
/// Without a subcommand this is `spanwalk demo`: a complete server in the shape of Flask-SocketIO on gevent starts, held
/// at its first call, and is stepped by key from `run` to the serving loop, with the stack of every lane, the timeline and
/// the lesson of each step on screen.
#[derive(Debug, Parser)]
#[command(
    name = "spanwalk",
    version,
    styles = Styles::plain(),
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  spanwalk                                   step through the start of a server
  spanwalk demo --resolver block             the same without a worker thread: it still serves
  spanwalk demo --plain --until loop         the whole chain as text
  spanwalk demo --jsonl --until loop         the log, one JSON object a line
  spanwalk demo --record lesson.spanwalk     the same, kept in a file
  spanwalk open lesson.spanwalk              the file, in the same screens
  spanwalk serve --port 8000 --console       the server alone, with a door for tokio-console

Exit codes: 0 ok, 1 failed, 2 wrong use."
)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Subcommand>,

    #[command(flatten)]
    pub(super) demo: DemoArgs,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Start the server held at its first step, and step through it (the default).
    Demo(DemoArgs),
    /// Run the server without a screen.
    Serve(ServeArgs),
    /// Look at a recording with the screens of the demo; also while it is being written.
    Open(OpenArgs),
    /// Print what is in a recording.
    Info(InfoArgs),
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,

    /// Print the walk as lines of text instead of opening a screen. This is what happens anyway when standard output is
    /// not a terminal.
    #[arg(long, conflicts_with = "jsonl")]
    pub(super) plain: bool,

    /// Print the log instead, one JSON object a line.
    #[arg(long)]
    pub(super) jsonl: bool,

    /// Without a screen: stop the server once the loop starts, or once it serves.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) until: Option<Until>,

    /// Without a screen: stop the server after this time, such as 300ms or 2s.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(super) for_: Option<Duration>,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(super) walkthrough: Option<PathBuf>,

    /// On the screen: take a step every so often, such as 3s; W stops it and begins again.
    #[arg(long, value_name = "DURATION", value_parser = pace, allow_hyphen_values = true, conflicts_with_all = ["plain", "jsonl"])]
    pub(super) step_every: Option<Duration>,

    /// Draw with plain ASCII characters.
    #[arg(long)]
    pub(super) ascii: bool,
}

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// Arguments of `open`.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(super) walkthrough: Option<PathBuf>,

    /// Draw with plain ASCII characters.
    #[arg(long)]
    pub(super) ascii: bool,
}

/// Arguments of `info`.
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// As one JSON object, with every callsite.
    #[arg(long)]
    pub(super) json: bool,
}

/// How the server is to run, whoever watches.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// Name or address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(super) host: String,

    /// Port to listen on; 0 is any free one.
    #[arg(long, default_value_t = 5000)]
    pub(super) port: u16,

    /// Who looks up the host's name: a thread of the pool while the loop runs, or the calling thread itself.
    #[arg(long, value_enum, default_value_t = Resolver::Thread)]
    pub(super) resolver: Resolver,

    /// Make that lookup slower by this time, such as 300ms or 2s.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(super) slow_dns: Option<Duration>,

    /// Add `GET /block`, which blocks the thread of the loop for this time.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(super) block_handler: Option<Duration>,

    /// How long a worker thread waits for another task before it leaves.
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true, default_value = "5s")]
    pub(super) worker_idle: Duration,

    /// How long after the handshake, and after every answer, a client is sent a ping.
    #[arg(
        long, value_name = "DURATION", value_parser = heartbeat, allow_hyphen_values = true, default_value = "25s",
        help_heading = CLIENTS,
    )]
    pub(super) ping_interval: Duration,

    /// How long a client may take to answer it before it is disconnected. 20s if the server runs by itself; an hour in
    /// the screens of the demo, where somebody may hold it.
    #[arg(
        long, value_name = "DURATION", value_parser = heartbeat, allow_hyphen_values = true, help_heading = CLIENTS,
    )]
    pub(super) ping_timeout: Option<Duration>,

    /// The most bytes a client may send at once, such as 100kB or 1MB.
    #[arg(long, value_name = "SIZE", value_parser = payload, default_value = "1MB", help_heading = CLIENTS)]
    pub(super) max_payload: u64,

    /// Let pages from these origins talk to the server, such as `https://example.org`, or * for any; without it only its own.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin, help_heading = CLIENTS)]
    pub(super) cors_allowed_origins: Vec<String>,

    /// The transports of Engine.IO that are offered.
    #[arg(
        long, value_enum, value_name = "TRANSPORT", value_delimiter = ',', default_value = "polling,websocket",
        help_heading = CLIENTS,
    )]
    pub(super) transports: Vec<Transport>,

    /// The most connections at a time; others wait until one has gone.
    #[arg(long, value_name = "CONNECTIONS", help_heading = CLIENTS)]
    pub(super) max_connections: Option<NonZero<usize>>,

    /// The most Engine.IO sessions at a time; the handshake of another is answered 503.
    #[arg(long, value_name = "SESSIONS", default_value = "10000", help_heading = CLIENTS)]
    pub(super) max_sessions: NonZero<usize>,

    /// What happens when a client takes nothing and 1,024 packets wait for it: it is disconnected, or whoever sends waits.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = WhenFull::Disconnect, help_heading = CLIENTS)]
    pub(super) when_full: WhenFull,

    /// Write what happens into this file, to be opened with `spanwalk open`.
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,

    /// Replace the file of --record if it exists; with --rotate, also the numbered ones of earlier recordings.
    #[arg(long, requires = "record")]
    pub(super) force: bool,

    /// Begin another file after this size, such as 100MB: lesson.spanwalk, lesson-2.spanwalk and so on. Each opens alone.
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "record")]
    pub(super) rotate: Option<u64>,

    /// With --rotate, keep only so many files: the oldest of this recording is removed when another is begun.
    #[arg(long, value_name = "FILES", requires = "rotate")]
    pub(super) keep: Option<NonZero<usize>>,

    /// Let tokio-console attach, at this address if one is given.
    #[arg(
        long, value_name = "ADDR", num_args = 0..=1, require_equals = false,
        default_missing_value = DEFAULT_CONSOLE_ADDRESS,
    )]
    pub(super) console: Option<SocketAddr>,
}

/// Where the flags about clients stand in the help.
const CLIENTS: &str = "Clients (Engine.IO and Socket.IO)";

/// A transport of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// HTTP requests: GET to receive, POST to send.
    Polling,
    /// A WebSocket, from the beginning or as an upgrade.
    Websocket,
}

/// What happens when too much waits for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhenFull {
    /// The client is disconnected.
    Disconnect,
    /// Whoever sends waits.
    Wait,
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

/// When a walk without a screen ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// The hub runs for the first time, inside `apply`.
    Start,
    /// The loop polls, and accepting is armed.
    Loop,
}

impl ServerArgs {
    /// The recording that is asked for, begun. `tell` is called if it has to stop.
    pub(super) fn recording(
        &self,
        recorder: &Recorder,
        tell: impl FnOnce(String) + Send + 'static,
    ) -> anyhow::Result<Option<Recording>> {
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let ways = Ways { existing, rotate: self.rotate, keep: self.keep };
        self.record.as_deref().map(|path| recording::start(path, ways, recorder, tell)).transpose()
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            host: self.host.clone(),
            port: self.port,
            resolver: match self.resolver {
                Resolver::Thread => ResolverKind::Thread,
                Resolver::Block => ResolverKind::Block,
            },
            worker_idle: self.worker_idle,
            slow_dns: self.slow_dns,
            block_handler: self.block_handler,
            engineio: self.engineio(),
            max_connections: self.max_connections.map(NonZero::get),
            ..Settings::default()
        }
    }

    fn engineio(&self) -> engineio::Options {
        let defaults = engineio::Options::default();
        let mut transports = Vec::new();
        for transport in &self.transports {
            let transport = match transport {
                Transport::Polling => engineio::TransportType::Polling,
                Transport::Websocket => engineio::TransportType::Websocket,
            };
            if !transports.contains(&transport) {
                transports.push(transport);
            }
        }
        let ping_timeout = self.ping_timeout.unwrap_or(defaults.ping_timeout);
        engineio::Options {
            ping_interval: self.ping_interval,
            ping_timeout,
            // Who answers pings and says nothing else is not waited for much longer than who does not answer.
            connect_timeout: defaults.connect_timeout.min(Some((self.ping_interval + ping_timeout) * 5 / 2)),
            max_payload: self.max_payload,
            origins: match self.cors_allowed_origins.as_slice() {
                [] => engineio::origin::Origins::Same,
                listed if listed.iter().any(|origin| origin == "*") => engineio::origin::Origins::Any,
                listed => engineio::origin::Origins::Listed(listed.to_vec()),
            },
            transports,
            max_sessions: self.max_sessions.get(),
            when_full: match self.when_full {
                WhenFull::Disconnect => engineio::WhenFull::Disconnect,
                WhenFull::Wait => engineio::WhenFull::Wait,
            },
            ..defaults
        }
    }
}

/// A size with its unit.
fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let (number, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*unit)
}

/// A size between a kilobyte and a gigabyte.
fn payload(text: &str) -> Result<u64, String> {
    let wrong = || "not a size; write a whole number with its unit, such as 100kB or 1MB".to_owned();
    let bytes = bytes(text).ok_or_else(wrong)?;
    if !(1_000..=1_000_000_000).contains(&bytes) {
        return Err("not between 1kB and 1GB; write another, such as 100kB or 1MB".to_owned());
    }
    Ok(bytes)
}

/// An origin, as browsers send it: no path, and no slash at the end.
fn origin(text: &str) -> Result<String, String> {
    let is_origin = text == "*"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', ' '])
        });
    if is_origin {
        return Ok(text.to_owned());
    }
    Err("not an origin; write scheme, host and port, such as https://example.org or http://localhost:3000, or *"
        .to_owned())
}

/// A duration of whole milliseconds, as clients are told it.
fn heartbeat(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() || !duration.subsec_nanos().is_multiple_of(1_000_000) {
        return Err("not a whole number of milliseconds above 0; write another, such as 300ms or 25s".to_owned());
    }
    Ok(duration)
}

/// A pace that can be followed.
fn pace(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_millis(100) {
        return Err("faster than ten steps a second; write a longer one, such as 500ms or 3s".to_owned());
    }
    Ok(duration)
}

/// A size with its unit, of a megabyte at the least.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size; write a whole number with its unit, such as 100MB or 2GB".to_owned();
    let bytes = bytes(text).ok_or_else(wrong)?;
    if bytes < 1_000_000 {
        return Err("smaller than 1MB; write a larger one, such as 100MB".to_owned());
    }
    Ok(bytes)
}

/// A duration with its unit, between nothing and a day.
fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let duration = humantime::parse_duration(text)
        .map_err(|_| "not a duration; write a number with its unit, such as 300ms or 2s".to_owned())?;
    if duration > LONGEST {
        return Err("longer than a day; write a shorter one, such as 300ms or 2s".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_subcommand_is_the_demo_with_its_flags() {
        let demo = Args::try_parse_from(["spanwalk"]).unwrap().demo;
        assert_eq!(demo.server.settings().port, Settings::default().port);
        assert_eq!(demo.server.settings().worker_idle, Duration::from_secs(5));
        assert!(!demo.plain);
        let args = Args::try_parse_from(["spanwalk", "--port", "7", "--plain"]).unwrap();
        assert!(args.command.is_none() && args.demo.plain && args.demo.server.port == 7);
        assert!(Args::try_parse_from(["spanwalk", "--plain", "serve"]).is_err());
    }

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

    #[test]
    fn sizes_have_units_and_are_no_smaller_than_a_megabyte() {
        assert_eq!(size("100MB"), Ok(100_000_000));
        assert_eq!(size("2GB"), Ok(2_000_000_000));
        for bad in ["100", "", "MB", "1kB", "-1MB", "99999999999999999999GB", "1.5GB"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_clients_are_told_is_what_was_given() {
        let given = |args: &[&str]| Args::try_parse_from(args).unwrap().demo.server.settings().engineio;
        let defaults = given(&["spanwalk"]);
        let expected = engineio::Options::default();
        assert_eq!(format!("{defaults:?}"), format!("{expected:?}"));
        let options =
            given(&["spanwalk", "--ping-interval", "300ms", "--ping-timeout", "200ms", "--max-payload", "5kB"]);
        assert_eq!((options.ping_interval.as_millis(), options.ping_timeout.as_millis()), (300, 200));
        assert_eq!(options.max_payload, 5000);
        let origins = |origins| given(&["spanwalk", "--cors-allowed-origins", origins]).origins;
        assert_eq!(origins("https://a.org,*"), engineio::origin::Origins::Any);
        assert_eq!(origins("https://a.org"), engineio::origin::Origins::Listed(vec!["https://a.org".to_owned()]));
        assert_eq!(given(&["spanwalk", "--transports", "websocket"]).transports, [engineio::TransportType::Websocket]);
        for bad in [
            ["--ping-interval", "0s"],
            ["--ping-timeout", "1us"],
            ["--max-payload", "5"],
            ["--max-payload", "1B"],
            ["--cors-allowed-origins", "example.org"],
            ["--cors-allowed-origins", "https://example.org/"],
            ["--transports", "carrier-pigeon"],
            ["--max-connections", "0"],
        ] {
            assert!(Args::try_parse_from(["spanwalk", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_have_units_and_are_no_longer_than_a_day() {
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        for bad in ["2", "", "-1s", "fast", "25h", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
