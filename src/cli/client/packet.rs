//! Packets as text: `42["message","hi"]` is an Engine.IO message (`4`) that holds a Socket.IO event (`2`).

use serde_json::Value;

/// What a server may send to these clients, which use the namespace `/` and no binary.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Packet {
    /// `0{"sid":…}`: the Engine.IO session is open.
    Open(Handshake),
    /// `1`.
    Close,
    /// `2`, and what is behind it.
    Ping(String),
    /// `3`, and what is behind it.
    Pong(String),
    /// `6`.
    Noop,
    /// `40{"sid":…}`: the namespace is connected.
    Connected(String),
    /// `41`.
    Disconnected,
    /// `42["name",…]`.
    Event(Event),
    /// `44{"message":…}`: the namespace refuses, and why.
    Refused(String),
    /// Acks, binary, other namespaces: nothing that was asked for.
    Other,
}

/// What the server says at the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Handshake {
    pub(super) sid: String,
    pub(super) can_upgrade: bool,
    /// Milliseconds between two pings.
    pub(super) ping_interval: u64,
}

/// A Socket.IO event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) args: Vec<Value>,
}

impl Event {
    pub(super) fn new(name: &str, arg: &str) -> Self {
        Self { name: name.to_owned(), args: vec![Value::from(arg)] }
    }

    /// `42["message","hi"]`.
    pub(super) fn text(&self) -> String {
        let parts: Vec<Value> = std::iter::once(Value::from(&*self.name)).chain(self.args.iter().cloned()).collect();
        format!("42{}", Value::Array(parts))
    }
}

impl Packet {
    /// Reads one packet.
    ///
    /// # Errors
    /// The text, if it is none.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut letters = text.chars();
        let kind = letters.next();
        let rest = letters.as_str();
        let packet = match kind {
            Some('0') => handshake(rest).map(Self::Open),
            Some('1') => Some(Self::Close),
            Some('2') => Some(Self::Ping(rest.to_owned())),
            Some('3') => Some(Self::Pong(rest.to_owned())),
            Some('4') => message(rest),
            Some('6') => Some(Self::Noop),
            // Binary by polling.
            Some('b') => Some(Self::Other),
            _ => None,
        };
        packet.ok_or_else(|| format!("`{}` is no packet", text.chars().take(40).collect::<String>()))
    }
}

fn handshake(text: &str) -> Option<Handshake> {
    let value: Value = serde_json::from_str(text).ok()?;
    let upgrades = value.get("upgrades")?.as_array()?;
    Some(Handshake {
        sid: value.get("sid")?.as_str()?.to_owned(),
        can_upgrade: upgrades.iter().any(|upgrade| upgrade == "websocket"),
        ping_interval: value.get("pingInterval")?.as_u64()?,
    })
}

fn message(text: &str) -> Option<Packet> {
    let mut letters = text.chars();
    let kind = letters.next();
    let rest = letters.as_str();
    if rest.starts_with('/') {
        return Some(Packet::Other);
    }
    let value = || serde_json::from_str::<Value>(rest).ok();
    match kind {
        Some('0') => Some(Packet::Connected(value()?.get("sid")?.as_str()?.to_owned())),
        Some('1') => Some(Packet::Disconnected),
        Some('2') => {
            // An event that asks for an ack has a number in front.
            let list = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let mut parts = serde_json::from_str::<Vec<Value>>(list).ok()?.into_iter();
            let name = parts.next()?.as_str()?.to_owned();
            Some(Packet::Event(Event { name, args: parts.collect() }))
        }
        Some('4') => {
            let value = value()?;
            let why = value.get("message").and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned);
            Some(Packet::Refused(why))
        }
        Some('3' | '5' | '6') => Some(Packet::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Packet) {
        assert_eq!(Packet::read(text), Ok(expected));
    }

    #[test]
    fn packets_are_read_as_servers_write_them() {
        let open =
            r#"0{"sid":"a-1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        check(open, Packet::Open(Handshake { sid: "a-1".into(), can_upgrade: true, ping_interval: 25_000 }));
        check("1", Packet::Close);
        check("2", Packet::Ping(String::new()));
        check("3probe", Packet::Pong("probe".into()));
        check("6", Packet::Noop);
        check(r#"40{"sid":"b"}"#, Packet::Connected("b".into()));
        check("41", Packet::Disconnected);
        check(r#"42["message-back","hi"]"#, Packet::Event(Event::new("message-back", "hi")));
        check(r#"427["all","x"]"#, Packet::Event(Event::new("all", "x")));
        check(r#"44{"message":"Invalid namespace"}"#, Packet::Refused("Invalid namespace".into()));
        check(r#"44"no""#, Packet::Refused("\"no\"".into()));
        check(r#"42/custom,["all","x"]"#, Packet::Other);
        check(r#"430["ok"]"#, Packet::Other);
        check("bAQI=", Packet::Other);
    }

    #[test]
    fn what_is_no_packet_is_said_and_cut() {
        for text in ["", "x", "0", "0{}", "40", "42", "42{}", "42[]", "42[1]", "4", "4x", "é"] {
            assert!(Packet::read(text).is_err(), "{text}");
        }
        assert_eq!(Packet::read(&"x".repeat(100)), Err(format!("`{}` is no packet", "x".repeat(40))));
    }

    #[test]
    fn an_event_is_written_as_it_is_read() {
        assert_eq!(Event::new("message", "a \"b\"").text(), r#"42["message","a \"b\""]"#);
    }
}
