//! The rules of Socket.IO on one connection, pure: a message goes in, what is asked for comes out. It knows no socket, no
//! handler and no clock.
//!
//! ```text
//!   40/chat,{…}  ──► Connect ──(accepted)──► connected ──► Event, Ack …  ──► 41/chat, ──► Disconnect
//!        └── an unknown namespace: Refuse
//! ```
//!
//! Source: Socket.IO protocol, revision 5.

use std::sync::Arc;

use engineioxide_core::Str;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::{Parse as _, ParseConfig, ParseError, ParserState};
use socketioxide_parser_common::CommonParser;

use super::args::{Args, is_json};
use crate::server::engineio::Message;
use crate::server::engineio::session::Reason;

/// The most attachments of a packet.
const ATTACHMENTS: usize = 1000;
/// The most digits of an ack's number: with more it is not exact in JavaScript.
const DIGITS: usize = 15;

/// What a client has asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Nothing yet: attachments are still to come.
    More,
    /// To be connected to a namespace. The authentication is a JSON object, or was not sent.
    Connect {
        /// Which.
        namespace: Arc<str>,
        /// As it was sent. It is never told to whoever watches.
        auth: Option<Str>,
    },
    /// To be connected to a namespace that there is not.
    Refuse {
        /// As it was sent.
        namespace: String,
    },
    /// That an event be handled.
    Event {
        /// Where.
        namespace: Arc<str>,
        /// Its name.
        event: String,
        /// What it carries.
        args: Args,
        /// The number of the ack it asks for.
        ack: Option<i64>,
    },
    /// Nothing: it answers an event of ours.
    Ack {
        /// Where.
        namespace: Arc<str>,
        /// The number that was asked for.
        ack: i64,
        /// What it carries.
        args: Args,
    },
    /// To leave a namespace.
    Disconnect {
        /// Which.
        namespace: Arc<str>,
    },
    /// Something of a namespace that has been left meanwhile.
    Late,
}

/// The state of one connection.
#[derive(Debug)]
pub struct Namespaces {
    known: Vec<Arc<str>>,
    connected: Vec<Arc<str>>,
    /// Asked for at any time.
    seen: Vec<Arc<str>>,
    has_asked: bool,
    parser: ParserState,
    config: ParseConfig,
}

impl Namespaces {
    /// A connection that has asked for nothing. `known`: the namespaces that there are.
    #[must_use]
    pub fn new(known: Vec<Arc<str>>, max_payload: u64) -> Self {
        let config = ParseConfig {
            max_incoming_binaries: ATTACHMENTS,
            max_incoming_binary_buf_size: usize::try_from(max_payload).unwrap_or(usize::MAX).saturating_mul(10),
            ..ParseConfig::default()
        };
        Self {
            known,
            connected: Vec::new(),
            seen: Vec::new(),
            has_asked: false,
            parser: ParserState::default(),
            config,
        }
    }

    /// Whether it has asked to be connected to anything.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        self.has_asked
    }

    /// A namespace has been left, by whoever's will.
    pub fn left(&mut self, namespace: &str) {
        self.connected.retain(|connected| &**connected != namespace);
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// If it is no packet.
    pub fn decode(&self, message: Message) -> Result<Option<Packet>, Reason> {
        let decoded = match message {
            // The parser passes over this.
            Message::Text(text) if is_more_than_it_can_be(&text) => return Err(Reason::InvalidPacket),
            Message::Text(text) => CommonParser.decode_str(&self.config, &self.parser, text),
            Message::Binary(bytes) => CommonParser.decode_bin(&self.config, &self.parser, bytes),
        };
        match decoded {
            Ok(packet) => Ok(Some(packet)),
            Err(ParseError::NeedsMoreBinaryData) => Ok(None),
            Err(_) => Err(Reason::InvalidPacket),
        }
    }

    /// What a packet asks for.
    ///
    /// # Errors
    /// If it is not one that a client may send now.
    pub fn receive(&mut self, packet: Packet) -> Result<Asked, Reason> {
        // A query after the namespace, `/chat?token=…`, is no part of its name.
        let name = packet.ns.split('?').next().unwrap_or_default().to_owned();
        match packet.inner {
            PacketData::Connect(auth) => {
                let auth = auth.and_then(|auth| auth.as_str().cloned());
                self.connect(name, auth)
            }
            PacketData::Disconnect => Ok(match self.connected(&name)? {
                Some(namespace) => {
                    self.left(&name);
                    Asked::Disconnect { namespace }
                }
                None => Asked::Late,
            }),
            PacketData::Event(data, ack) | PacketData::BinaryEvent(data, ack) => {
                let (event, args) = Args::of_event(data).ok_or(Reason::InvalidPacket)?;
                let namespace = self.connected(&name)?;
                Ok(namespace.map_or(Asked::Late, |namespace| Asked::Event { namespace, event, args, ack }))
            }
            PacketData::EventAck(data, ack) | PacketData::BinaryAck(data, ack) => {
                let args = Args::checked(data).ok_or(Reason::InvalidPacket)?;
                Ok(self.connected(&name)?.map_or(Asked::Late, |namespace| Asked::Ack { namespace, ack, args }))
            }
            PacketData::ConnectError(_) => Err(Reason::InvalidPacket),
        }
    }

    fn connect(&mut self, name: String, auth: Option<Str>) -> Result<Asked, Reason> {
        let is_object = |auth: &Str| auth.starts_with('{') && is_json(auth);
        if auth.as_ref().is_some_and(|auth| !is_object(auth)) || self.is_connected(&name) {
            return Err(Reason::InvalidPacket);
        }
        self.has_asked = true;
        let Some(namespace) = self.known.iter().find(|known| ***known == *name).cloned() else {
            return Ok(Asked::Refuse { namespace: name });
        };
        self.connected.push(namespace.clone());
        if !self.seen.contains(&namespace) {
            self.seen.push(namespace.clone());
        }
        Ok(Asked::Connect { namespace, auth })
    }

    fn is_connected(&self, name: &str) -> bool {
        self.connected.iter().any(|connected| &**connected == name)
    }

    /// The namespace, if it is connected; nothing if it was.
    fn connected(&self, name: &str) -> Result<Option<Arc<str>>, Reason> {
        if let Some(namespace) = self.connected.iter().find(|connected| &***connected == name) {
            return Ok(Some(namespace.clone()));
        }
        if self.seen.iter().any(|seen| &**seen == name) { Ok(None) } else { Err(Reason::InvalidPacket) }
    }
}

/// Whether a DISCONNECT, `1` or `1/chat,`, has data, or a packet has a number for its ack that is out of reach.
fn is_more_than_it_can_be(text: &str) -> bool {
    let Some(kind) = text.chars().next().filter(char::is_ascii_digit) else { return false };
    let mut rest = &text[1..];
    if matches!(kind, '5' | '6') {
        rest = rest.split_once('-').map_or("", |(_, rest)| rest);
    }
    if rest.starts_with('/') {
        rest = rest.split_once(',').map_or("", |(_, rest)| rest);
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > DIGITS || kind == '1' && !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use socketioxide_core::Value;

    use super::*;

    fn namespaces() -> Namespaces {
        Namespaces::new(vec!["/".into(), "/custom".into()], 1000)
    }

    fn ask(namespaces: &mut Namespaces, text: &str) -> Result<Asked, Reason> {
        match namespaces.decode(Message::Text(text.to_owned().into()))? {
            Some(packet) => namespaces.receive(packet),
            None => Ok(Asked::More),
        }
    }

    /// What follows from a packet after those that precede it.
    #[track_caller]
    fn check(before: &[&str], packet: &str, expected: &Result<Asked, Reason>) {
        let mut namespaces = namespaces();
        for packet in before {
            ask(&mut namespaces, packet).unwrap();
        }
        assert_eq!(&ask(&mut namespaces, packet), expected, "{before:?} {packet}");
    }

    #[test]
    fn a_namespace_is_connected_to_before_it_is_used_and_not_twice() {
        let connect = |namespace: &str, auth: Option<&str>| {
            let auth = auth.map(|auth| auth.to_owned().into());
            Ok(Asked::Connect { namespace: namespace.into(), auth })
        };
        check(&[], "0", &connect("/", None));
        check(&[], r#"0{"token":1}"#, &connect("/", Some(r#"{"token":1}"#)));
        check(&["0"], "0/custom,", &connect("/custom", None));
        check(&["0"], "0/custom?a=b,", &connect("/custom", None));
        check(&[], "0/random", &Ok(Asked::Refuse { namespace: "/random".to_owned() }));
        check(&["0"], "0", &Err(Reason::InvalidPacket));
        check(&[], "0[]", &Err(Reason::InvalidPacket));
        check(&[], "0abc", &Err(Reason::InvalidPacket));
        check(&[], r#"2["message"]"#, &Err(Reason::InvalidPacket));
        check(&["0"], r#"2/custom,["message"]"#, &Err(Reason::InvalidPacket));
    }

    #[test]
    fn what_comes_after_a_namespace_was_left_is_late_and_no_mistake() {
        check(&["0/custom", "1/custom"], r#"2/custom,["message"]"#, &Ok(Asked::Late));
        check(&["0/custom", "1/custom"], "1/custom", &Ok(Asked::Late));
        check(&["0/custom", "1/custom"], "0/custom", &Ok(Asked::Connect { namespace: "/custom".into(), auth: None }));
    }

    #[test]
    fn events_and_acks_carry_arguments() {
        let args = |json: &str| Args::checked(socketioxide_core::Value::Str(json.to_owned().into(), None)).unwrap();
        let event = |ack, json: &str| {
            Ok(Asked::Event { namespace: "/".into(), event: "message".to_owned(), args: args(json), ack })
        };
        check(&["0"], r#"2["message","hi"]"#, &event(None, r#"["hi"]"#));
        check(&["0"], r#"217["message"]"#, &event(Some(17), "[]"));
        check(&["0"], "33[1]", &Ok(Asked::Ack { namespace: "/".into(), ack: 3, args: args("[1]") }));
        for wrong in
            ["1{}", "1/custom,[]", "", "abc", "2{}", "2abc[]", "2[]", "3[]", "4{}", "7", "2", "50-", "33", "5[]"]
        {
            check(&["0"], wrong, &Err(Reason::InvalidPacket));
        }
    }

    #[test]
    fn attachments_follow_their_packet_and_nothing_comes_between() {
        let mut namespaces = namespaces();
        ask(&mut namespaces, "0").unwrap();
        let two = r#"52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        assert_eq!(ask(&mut namespaces, two), Ok(Asked::More));
        let bytes = |byte| Message::Binary(vec![byte].into());
        assert_eq!(namespaces.decode(bytes(1)), Ok(None));
        let packet = namespaces.decode(bytes(2)).unwrap().unwrap();
        let Ok(Asked::Event { args, .. }) = namespaces.receive(packet) else { panic!("an event") };
        assert_eq!(args.get::<(bytes::Bytes, bytes::Bytes)>().unwrap(), (vec![1].into(), vec![2].into()));
        assert_eq!(namespaces.decode(bytes(3)), Err(Reason::InvalidPacket));
        assert_eq!(ask(&mut namespaces, two), Ok(Asked::More));
        assert_eq!(ask(&mut namespaces, r#"2["message"]"#), Err(Reason::InvalidPacket));
    }

    /// Parts that packets are made of, in any order.
    const PARTS: [&str; 26] = [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "-",
        ",",
        "/",
        "/custom",
        "/random",
        "12",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "message",
        "é",
        r#"["message""#,
        r#"{"_placeholder":true,"num":0}"#,
        r#"["message",{"_placeholder":true,"num":1}]"#,
        "null",
        "?a=b",
        " ",
    ];

    proptest! {
        #[test]
        fn whatever_comes_nothing_is_asked_of_a_namespace_that_is_not_connected(
            messages in prop::collection::vec(
                prop_oneof![
                    3 => prop::collection::vec(prop::sample::select(&PARTS[..]), 0..7)
                        .prop_map(|parts| Message::Text(parts.concat().into())),
                    1 => prop::sample::select(vec!["0", "0/custom", "1/custom", "1"])
                        .prop_map(|text| Message::Text(text.into())),
                    1 => any::<u8>().prop_map(|byte| Message::Binary(vec![byte].into())),
                ],
                0..40,
            ),
        ) {
            let mut namespaces = namespaces();
            let mut connected = std::collections::BTreeSet::new();
            for message in messages {
                let Ok(Some(packet)) = namespaces.decode(message) else { continue };
                match namespaces.receive(packet) {
                    Ok(Asked::Connect { namespace, auth }) => {
                        prop_assert!(connected.insert(namespace.to_string()), "twice");
                        prop_assert!(auth.is_none_or(|auth| is_json(&auth)));
                    }
                    Ok(Asked::Event { namespace, args, .. } | Asked::Ack { namespace, args, .. }) => {
                        prop_assert!(connected.contains(&*namespace));
                        prop_assert!(args.get::<serde::de::IgnoredAny>().is_ok() || args == Args::default());
                        let Value::Str(event, _) = args.with_event("message") else { panic!("text") };
                        prop_assert!(is_json(&event), "{event:?}");
                    }
                    Ok(Asked::Disconnect { namespace }) => prop_assert!(connected.remove(&*namespace)),
                    Ok(Asked::Refuse { namespace }) => prop_assert!(!["/", "/custom"].contains(&&*namespace)),
                    Ok(Asked::More | Asked::Late) | Err(_) => {}
                }
            }
        }
    }
}
