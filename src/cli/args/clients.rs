//! What can be asked about clients: the flags of Engine.IO and Socket.IO.

use std::num::NonZero;
use std::time::Duration;

use clap::ValueEnum;

use super::units::{bytes, duration};
use crate::server::engineio;

/// Where they stand in the help. On each: a heading of the whole would go on to the flags that follow.
const HEADING: &str = "Clients (Engine.IO and Socket.IO)";

/// What clients are told, and held to.
#[derive(Debug, clap::Args)]
pub struct ClientArgs {
    /// How long after the handshake, and after every answer, a client is sent a ping.
    #[arg(
        long, help_heading = HEADING, value_name = "DURATION", value_parser = heartbeat, allow_hyphen_values = true, default_value = "25s",
    )]
    pub(in crate::cli) ping_interval: Duration,

    /// How long a client may take to answer it before it is disconnected. 20s if the server runs by itself; an hour in
    /// the screens of the demo, where somebody may hold it.
    #[arg(
        long, help_heading = HEADING, value_name = "DURATION", value_parser = heartbeat, allow_hyphen_values = true,
    )]
    pub(in crate::cli) ping_timeout: Option<Duration>,

    /// The most bytes a client may send at once, such as 100kB or 1MB.
    #[arg(long, help_heading = HEADING, value_name = "SIZE", value_parser = payload, default_value = "1MB")]
    pub(in crate::cli) max_payload: u64,

    /// Let pages from these origins talk to the server, such as `https://example.org`, or * for any; without it only its own.
    #[arg(long, help_heading = HEADING, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub(in crate::cli) cors_allowed_origins: Vec<String>,

    /// The transports of Engine.IO that are offered.
    #[arg(long, help_heading = HEADING, value_enum, value_name = "TRANSPORT", value_delimiter = ',', default_value = "polling,websocket")]
    pub(in crate::cli) transports: Vec<Transport>,

    /// The most connections at a time; others wait until one has gone.
    #[arg(long, help_heading = HEADING, value_name = "CONNECTIONS")]
    pub(in crate::cli) max_connections: Option<NonZero<usize>>,

    /// The most Engine.IO sessions at a time; the handshake of another is answered 503.
    #[arg(long, help_heading = HEADING, value_name = "SESSIONS", default_value = "10000")]
    pub(in crate::cli) max_sessions: NonZero<usize>,

    /// What happens when a client takes nothing and its queue is full, with --max-queue packets or four times --max-payload: it is
    /// disconnected, or whoever sends waits.
    #[arg(long, help_heading = HEADING, value_enum, value_name = "WHAT", default_value_t = WhenFull::Disconnect)]
    pub(in crate::cli) when_full: WhenFull,
}

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

impl ClientArgs {
    /// As the server takes it.
    pub(super) fn engineio(&self) -> engineio::Options {
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
        engineio::Options {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout.unwrap_or(defaults.ping_timeout),
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Args;
    use super::*;

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
}
