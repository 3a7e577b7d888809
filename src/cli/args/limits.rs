//! What can be asked about time and size: how long a client may take, and how much it may send.

use std::num::NonZero;
use std::time::Duration;

use super::units::{bytes, duration};
use crate::server::{Limits, Settings, engineio};

/// Where they stand in the help. On each, as in `clients.rs`.
const HEADING: &str = "Limits";

/// What a client may take of the server's time and memory. In the screens of the demo, where somebody may hold the server,
/// the clock goes on meanwhile: there a time is limited only if it is given.
#[derive(Debug, clap::Args)]
pub struct LimitArgs {
    /// How long a client may take to send a request's headers, the first from when it connects. 10s, but no limit in
    /// the screens of the demo, where somebody may hold the server.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    header_timeout: Option<Duration>,

    /// How long a client may take to send the body of a request. 20s; none in the screens.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    body_timeout: Option<Duration>,

    /// How long a connection is kept between two requests, or while the client takes nothing of an answer. 75s; none in
    /// the screens.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    idle_timeout: Option<Duration>,

    /// How long an upgrade to a WebSocket may take. 10s; none in the screens.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    upgrade_timeout: Option<Duration>,

    /// How long a client may take to connect to a namespace of Socket.IO. 45s, or two and a half times what a client may
    /// take for a ping if that is less; none in the screens.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    connect_timeout: Option<Duration>,

    /// How long a client may take to acknowledge an event. 10s; none in the screens.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    ack_timeout: Option<Duration>,

    /// How long the server waits, when it is asked to stop, for what is under way. 2s; in the screens, where somebody may
    /// step through that, for as long as they do.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", value_parser = limit, allow_hyphen_values = true)]
    pub(super) stop_timeout: Option<Duration>,

    /// The most headers of a request; one with more is answered 431.
    #[arg(long, help_heading = HEADING, value_name = "HEADERS", value_parser = headers, default_value = "100")]
    max_headers: usize,

    /// The most bytes of a request's headers, such as 8kB; one with more is answered 431.
    #[arg(long, help_heading = HEADING, value_name = "SIZE", value_parser = header_size, default_value = "64kB")]
    max_header_size: usize,

    /// The most packets that wait for a client; see --when-full.
    #[arg(long, help_heading = HEADING, value_name = "PACKETS", default_value = "1024")]
    max_queue: NonZero<usize>,
}

/// Who may hold the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Held {
    /// Nobody: times have their limits.
    Never,
    /// Somebody, who takes their time: no limit but those that were asked for.
    ByAPerson,
}

impl LimitArgs {
    /// Puts them into the settings.
    pub(super) fn set(&self, settings: &mut Settings, held: Held) {
        let or = |given: Option<Duration>, default: Option<Duration>| match held {
            Held::Never => given.or(default),
            Held::ByAPerson => given,
        };
        let Limits { header_timeout, idle_timeout, .. } = Limits::default();
        settings.limits = Limits {
            header_timeout: or(self.header_timeout, header_timeout),
            idle_timeout: or(self.idle_timeout, idle_timeout),
            headers: self.max_headers,
            header_size: self.max_header_size,
        };
        settings.stop_timeout = self.stop_timeout.unwrap_or(settings.stop_timeout);
        let engineio::Options { body_timeout, connect_timeout, upgrade_timeout, ack_timeout, .. } =
            engineio::Options::default();
        let options = &mut settings.engineio;
        // Who answers pings and says nothing else is not waited for much longer than who does not answer.
        let heartbeats = (options.ping_interval + options.ping_timeout) * 5 / 2;
        options.connect_timeout = or(self.connect_timeout, connect_timeout.min(Some(heartbeats)));
        options.body_timeout = or(self.body_timeout, body_timeout);
        options.upgrade_timeout = or(self.upgrade_timeout, upgrade_timeout);
        options.ack_timeout = or(self.ack_timeout, ack_timeout);
        options.queue = self.max_queue.get();
    }
}

/// A duration above nothing.
fn limit(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() {
        return Err("no time at all; write a longer one, such as 300ms or 10s".to_owned());
    }
    Ok(duration)
}

/// How many headers, of which a browser sends a dozen.
fn headers(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| "not a number; write how many, such as 100".to_owned())?;
    if (16..=10_000).contains(&count) {
        Ok(count)
    } else {
        Err("not between 16 and 10000; write another, such as 100".to_owned())
    }
}

/// A size of at least what hyper reads at a time.
fn header_size(text: &str) -> Result<usize, String> {
    let size = bytes(text).ok_or("not a size; write a whole number with its unit, such as 8kB or 64kB")?;
    match usize::try_from(size) {
        Ok(size @ 8_000..=1_000_000) => Ok(size),
        _ => Err("not between 8kB and 1MB; write another, such as 64kB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::super::Args;
    use super::*;

    fn settings(args: &[&str], held: Held) -> Settings {
        Args::try_parse_from([&["spanwalk"], args].concat()).unwrap().demo.server.settings_if(held)
    }

    #[test]
    fn limits_are_those_of_the_server_unless_asked_for_otherwise() {
        let (given, defaults) = (settings(&[], Held::Never), Settings::default());
        assert_eq!(format!("{given:?}"), format!("{defaults:?}"));
        let given =
            settings(&["--header-timeout", "1s", "--connect-timeout", "2s", "--stop-timeout", "3s"], Held::Never);
        assert_eq!(given.stop_timeout, Duration::from_secs(3));
        let given =
            settings(&["--header-timeout", "1s", "--connect-timeout", "2s", "--max-headers", "20"], Held::Never);
        assert_eq!((given.limits.header_timeout, given.limits.headers), (Some(Duration::from_secs(1)), 20));
        assert_eq!(given.engineio.connect_timeout, Some(Duration::from_secs(2)));
    }

    #[test]
    fn where_a_person_may_hold_the_server_only_what_was_given_is_limited() {
        let held = settings(&[], Held::ByAPerson);
        let options = &held.engineio;
        let times =
            [held.limits.header_timeout, held.limits.idle_timeout, options.body_timeout, options.connect_timeout];
        assert_eq!(times, [None; 4]);
        assert_eq!((options.upgrade_timeout, options.ack_timeout), (None, None));
        let held = settings(&["--body-timeout", "3s", "--idle-timeout", "4s"], Held::ByAPerson);
        assert_eq!(held.engineio.body_timeout, Some(Duration::from_secs(3)));
        assert_eq!(held.limits.idle_timeout, Some(Duration::from_secs(4)));
    }

    #[test]
    fn the_help_says_each_default() {
        let mut command = Args::command();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let options = engineio::Options::default();
        let limits = Limits::default();
        for (name, default) in [
            ("header-timeout", limits.header_timeout),
            ("idle-timeout", limits.idle_timeout),
            ("body-timeout", options.body_timeout),
            ("upgrade-timeout", options.upgrade_timeout),
            ("connect-timeout", options.connect_timeout),
            ("ack-timeout", options.ack_timeout),
            ("stop-timeout", Some(Settings::default().stop_timeout)),
        ] {
            let flag = serve.get_arguments().find(|flag| flag.get_long() == Some(name)).unwrap();
            let help = flag.get_help().unwrap().to_string();
            let default = humantime::format_duration(default.unwrap()).to_string();
            let default = if default == "1m 15s" { "75s".to_owned() } else { default };
            assert!(help.contains(&format!(" {default}")), "--{name}: {help}");
        }
    }

    #[test]
    fn what_would_keep_everybody_out_is_no_limit() {
        for bad in [
            ["--header-timeout", "0s"],
            ["--idle-timeout", "-1s"],
            ["--stop-timeout", "2"],
            ["--stop-timeout", "0s"],
            ["--max-headers", "0"],
            ["--max-headers", "20000"],
            ["--max-header-size", "1kB"],
            ["--max-header-size", "2MB"],
            ["--max-queue", "0"],
        ] {
            assert!(Args::try_parse_from(["spanwalk", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }
}
