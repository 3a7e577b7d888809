//! A Socket.IO client: what it says and hears, packet by packet.

use serde_json::Value;

use super::Server;
use super::engine::{Engine, Packet, SOCKETIO, Transport, binary, text};

pub struct Client {
    pub engine: Engine,
    /// Of the namespace it connected to first.
    pub id: String,
}

impl Client {
    /// Connected to `/`, and the event `auth` is read.
    #[track_caller]
    pub fn connect(server: &Server, transport: Transport) -> Self {
        Self::connect_with(server, transport, "40")
    }

    /// Connected by this packet.
    #[track_caller]
    pub fn connect_with(server: &Server, transport: Transport, packet: &str) -> Self {
        Self::on(Engine::open(server, SOCKETIO, transport), packet)
    }

    /// Connected by this packet in a session that has begun.
    #[track_caller]
    pub fn on(engine: Engine, packet: &str) -> Self {
        let mut client = Self { engine, id: String::new() };
        client.id = client.join(packet);
        client
    }

    /// Connects to a namespace by this packet, reads what comes first in it and gives the id.
    #[track_caller]
    pub fn join(&mut self, packet: &str) -> String {
        self.say(packet);
        let (head, auth) = parts(packet);
        let (accepted, welcome) = match self.hear() {
            Packet::Text(text) => parts(&text),
            Packet::Binary(bytes) => panic!("no answer but {bytes:?}"),
        };
        assert_eq!(accepted, head, "{welcome:?}");
        let id = welcome.as_ref().and_then(|welcome| welcome["sid"].as_str());
        let id = id.unwrap_or_else(|| panic!("no sid in {welcome:?}")).to_owned();
        let auth = auth.unwrap_or(Value::Object(serde_json::Map::new()));
        self.hears(&[text(format!("42{}[\"auth\",{auth}]", &head[2..]))]);
        id
    }

    #[track_caller]
    pub fn say(&mut self, packet: &str) {
        self.engine.send(text(format!("4{}", packet.strip_prefix('4').unwrap())));
    }

    /// A packet and its attachments.
    #[track_caller]
    pub fn say_with(&mut self, packet: &str, attachments: &[&[u8]]) {
        let mut packets = vec![text(packet)];
        packets.extend(attachments.iter().map(|bytes| binary(*bytes)));
        self.engine.send_all(&packets);
    }

    /// The next packet, answering pings.
    #[track_caller]
    pub fn hear(&mut self) -> Packet {
        self.engine.next_but_pings().expect("the session is over")
    }

    /// Exactly these packets come next. JSON is compared as JSON.
    #[track_caller]
    pub fn hears(&mut self, expected: &[Packet]) {
        for (at, expected) in expected.iter().enumerate() {
            match self.engine.next_but_pings() {
                Some(got) => assert!(is_same(&got, expected), "packet {at}: got {got:?}, expected {expected:?}"),
                None => panic!("packet {at}: the session is over, expected {expected:?}"),
            }
        }
    }

    /// Says something that is answered at once and hears nothing but the answer: nothing else was under way.
    #[track_caller]
    pub fn hears_nothing(&mut self, namespace: &str) {
        self.say(&format!("42{namespace}[\"echo\",\"nothing else\"]"));
        self.hears(&[text(format!("42{namespace}[\"echo\",\"nothing else\"]"))]);
    }

    /// In a room of `/`.
    #[track_caller]
    pub fn enter(&mut self, room: &str) {
        self.say(&format!("427[\"join\",\"{room}\"]"));
        self.hears(&[text("437[\"ok\"]")]);
    }

    #[track_caller]
    pub fn leave(&mut self, room: &str) {
        self.say(&format!("428[\"leave\",\"{room}\"]"));
        self.hears(&[text("438[\"ok\"]")]);
    }
}

/// A packet's text up to its JSON, and the JSON.
pub fn parts(packet: &str) -> (String, Option<Value>) {
    let at = packet.find(['[', '{']).unwrap_or(packet.len());
    (packet[..at].to_owned(), serde_json::from_str(&packet[at..]).ok())
}

fn is_same(got: &Packet, expected: &Packet) -> bool {
    match (got, expected) {
        (Packet::Text(got), Packet::Text(expected)) => {
            got == expected || parts(got) == parts(expected) && parts(got).1.is_some()
        }
        _ => got == expected,
    }
}
