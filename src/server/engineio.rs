//! Mirrors `engineio`, the lower of the two protocols: a session over HTTP polling, over a WebSocket, or over first the
//! one and then the other. Its messages mean nothing to it; what they mean to Socket.IO is in [`super::socketio`].
//!
//! ```text
//!   GET ?transport=polling       handshake  ──► 0{"sid":…}            a session
//!   GET ?transport=polling&sid=  poll       ──► 4hello ␞ 2            what waits in its queue, or the next that comes
//!   POST ?transport=polling&sid=            ◄── 4hello ␞ 3            what the client says
//!   GET ?transport=websocket&sid= upgrade   ◄── 2probe ──► 3probe ◄── 5     from now on one packet is one frame
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `session` | the rules, pure: a packet and the time in, what follows from it out |
//! | `queue` | what waits for a client |
//! | `socket` | one session with its queue: who writes into it, who waits for it |
//! | `service` | what one task does for a session: receives, runs handlers, keeps the heartbeat |
//! | `server` | finds the session of a request, or begins one |
//! | `polling`, `websocket` | the two transports |
//! | `refusal` | every mistake of a peer, and what it is answered with |
//!
//! gevent gives a WebSocket three greenlets (reader, writer, ping) and each event one more. Here one task serves a
//! connection and turns to whatever is ready: so one lane shows all that happens to it, and nothing else has to be woken.

pub mod echo;
pub mod origin;
pub mod polling;
mod queue;
pub mod refusal;
pub mod server;
pub mod service;
pub mod session;
pub mod socket;
pub mod websocket;

use std::ops::Deref;
use std::time::Duration;

pub use engineioxide_core::{Packet, Sid, Str, TransportType};

/// What a message may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// `4…`, or a text frame.
    Text(Str),
    /// `b…` with base64, or a binary frame.
    Binary(bytes::Bytes),
}

impl Message {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Message> for Packet {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Message(text),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

/// What is announced to clients in the handshake, and what is kept to.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long after the handshake, and after every answer, the next ping is sent.
    pub ping_interval: Duration,
    /// How long a client may take to answer it.
    pub ping_timeout: Duration,
    /// The most bytes that a request or a message may have.
    pub max_payload: u64,
    /// From where pages may talk to this server.
    pub origins: origin::Origins,
    /// Which transports there are.
    pub transports: Vec<TransportType>,
    /// The most packets that wait for one client.
    pub queue: usize,
    /// What happens when there are as many.
    pub when_full: WhenFull,
    /// How long a request's body may take.
    pub body_timeout: Option<Duration>,
    /// How long a client may take to say what it wants of the layer above: for Socket.IO, to send CONNECT.
    pub connect_timeout: Option<Duration>,
    /// How long an upgrade may take from its probe to its end.
    pub upgrade_timeout: Option<Duration>,
    /// How long a client may take to acknowledge an event.
    pub ack_timeout: Option<Duration>,
    /// The most sessions at a time.
    pub max_sessions: usize,
}

impl Default for Options {
    /// What Flask-SocketIO announces.
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: 1_000_000,
            origins: origin::Origins::Same,
            transports: vec![TransportType::Polling, TransportType::Websocket],
            queue: 1024,
            when_full: WhenFull::Disconnect,
            body_timeout: Some(Duration::from_secs(20)),
            connect_timeout: Some(Duration::from_secs(45)),
            upgrade_timeout: Some(Duration::from_secs(10)),
            ack_timeout: Some(Duration::from_secs(10)),
            max_sessions: 10_000,
        }
    }
}

impl Options {
    /// The most bytes that wait, one way, of one client: a few messages of the largest kind.
    fn bytes(&self) -> usize {
        usize::try_from(self.max_payload).unwrap_or(usize::MAX).saturating_mul(4)
    }
}

/// What happens to who sends more than a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// The client is disconnected; whoever sends goes on.
    #[default]
    Disconnect,
    /// Whoever sends waits until the client has taken something, or is gone.
    Wait,
}

/// The first characters of an id, for whoever watches: the whole of it lets anybody speak for its client.
#[must_use]
pub fn shortened(sid: Sid) -> Shortened {
    let mut text = *b"......\xe2\x80\xa6";
    text[..6].copy_from_slice(&sid.as_str().as_bytes()[..6]);
    Shortened(text)
}

/// Six characters of an id and `…`: a text that needs no memory, since it is told with every packet.
#[derive(Clone, Copy, Debug)]
pub struct Shortened([u8; 9]);

impl Deref for Shortened {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The name of a packet's type, as the specification has it.
#[must_use]
pub fn type_of(packet: &Packet) -> &'static str {
    match packet {
        Packet::Open(_) => "open",
        Packet::Close => "close",
        Packet::Ping => "ping",
        Packet::Pong => "pong",
        Packet::PingUpgrade => "ping probe",
        Packet::PongUpgrade => "pong probe",
        Packet::Message(_) => "message",
        Packet::Upgrade => "upgrade",
        Packet::Noop => "noop",
        Packet::Binary(_) | Packet::BinaryV3(_) => "binary message",
    }
}
