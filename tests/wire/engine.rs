//! An Engine.IO session, by polling or by WebSocket.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use super::http::{Answer, Http, connect};
use super::{LIMIT, Server};

/// Where the demo app has its bare echo.
pub const ECHO: &str = "/engine.io/";
/// Where it has Socket.IO.
pub const SOCKETIO: &str = "/socket.io/";

/// One packet: `4hello` with its type in front, or the bytes of a binary message, which has none.
#[derive(Clone, PartialEq)]
pub enum Packet {
    Text(String),
    Binary(Vec<u8>),
}

pub fn text(packet: impl Into<String>) -> Packet {
    Packet::Text(packet.into())
}

pub fn binary(bytes: impl Into<Vec<u8>>) -> Packet {
    Packet::Binary(bytes.into())
}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) if text.len() > 200 => {
                write!(f, "{} bytes {:?}…", text.len(), text.chars().take(40).collect::<String>())
            }
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Binary(bytes) if bytes.len() > 20 => write!(f, "{} bytes {:?}…", bytes.len(), &bytes[..20]),
            Self::Binary(bytes) => write!(f, "{bytes:?}"),
        }
    }
}

/// Packets as a body holds them: joined by 0x1e, bytes as `b` and base64.
pub fn joined(packets: &[Packet]) -> String {
    let encode = |packet: &Packet| match packet {
        Packet::Text(text) => text.clone(),
        Packet::Binary(bytes) => format!("b{}", BASE64_STANDARD.encode(bytes)),
    };
    packets.iter().map(encode).collect::<Vec<_>>().join("\u{1e}")
}

#[track_caller]
fn split(body: &str) -> impl Iterator<Item = Packet> {
    body.split('\u{1e}').map(|packet| match packet.strip_prefix('b') {
        Some(bytes) => Packet::Binary(BASE64_STANDARD.decode(bytes).unwrap_or_else(|_| panic!("no base64: {packet}"))),
        None => text(packet),
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Polling,
    WebSocket,
}

/// What holds by one transport holds by the other.
pub const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// The headers with which a request asks for a WebSocket.
pub const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// How a server answers who asks for a WebSocket: an answer of HTTP, or the socket.
pub fn try_websocket(address: SocketAddr, target: &str) -> Result<Socket, u16> {
    match client(format!("ws://{address}{target}"), connect(address)) {
        Ok((socket, _)) => Ok(Socket { socket, code: None, is_over: false }),
        Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status().as_u16()),
        Err(error) => panic!("no answer: {error}"),
    }
}

/// A WebSocket.
pub struct Socket {
    pub socket: WebSocket<TcpStream>,
    /// The code in the server's close frame.
    pub code: Option<u16>,
    is_over: bool,
}

impl Socket {
    #[track_caller]
    pub fn connect(address: SocketAddr, target: &str) -> Self {
        try_websocket(address, target).unwrap_or_else(|status| panic!("{target}: no WebSocket but {status}"))
    }

    pub fn send(&mut self, packet: &Packet) {
        let message = match packet {
            Packet::Text(text) => Message::text(&**text),
            Packet::Binary(bytes) => Message::binary(bytes.clone()),
        };
        // A server that has closed is seen when its packets are read.
        let _ = self.socket.send(message);
    }

    /// Bytes as they are, past the rules of WebSocket.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.socket.get_mut().write_all(bytes);
    }

    /// One frame with a first byte (FIN, RSV, opcode), masked as a client's must be.
    pub fn write_frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length @ ..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        let mask = [0x12, 0x34, 0x56, 0x78];
        frame.extend(mask);
        frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        self.write(&frame);
    }

    /// The next packet; none once the server has closed, in whatever way.
    #[track_caller]
    pub fn try_next(&mut self) -> Option<Packet> {
        self.try_get().unwrap_or_else(|nothing| panic!("{nothing}"))
    }

    /// As [`Socket::try_next`]; an error where nothing comes at all.
    pub fn try_get(&mut self) -> Result<Option<Packet>, String> {
        if self.is_over {
            return Ok(None);
        }
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(Some(Packet::Text(text.as_str().to_owned()))),
                Ok(Message::Binary(bytes)) => return Ok(Some(Packet::Binary(bytes.to_vec()))),
                Ok(Message::Close(frame)) => self.code = frame.map(|frame| frame.code.into()),
                Ok(_) => continue,
                Err(Error::Io(error))
                    if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) =>
                {
                    return Err(format!("nothing came for {LIMIT:?}"));
                }
                Err(_) => {}
            }
            self.is_over = true;
            return Ok(None);
        }
    }

    #[track_caller]
    pub fn next(&mut self) -> Packet {
        self.try_next().expect("it is closed")
    }
}

/// A session.
pub struct Engine {
    pub address: SocketAddr,
    pub path: String,
    pub sid: String,
    /// The JSON of its handshake.
    pub handshake: Value,
    /// Before its handshake was asked for, and after it was answered: the session began in between.
    pub asked: Instant,
    pub answered: Instant,
    pub way: Way,
}

pub enum Way {
    Polling(Polling),
    WebSocket(Box<Socket>),
}

/// Requests of a session by polling: those that wait on one connection, those that bring something on another.
pub struct Polling {
    pub polls: Http,
    pub posts: Http,
    got: VecDeque<Packet>,
}

impl Engine {
    #[track_caller]
    pub fn open(server: &Server, path: &str, transport: Transport) -> Self {
        Self::open_at(server.address, path, transport)
    }

    /// With the server that is there.
    #[track_caller]
    pub fn open_at(address: SocketAddr, path: &str, transport: Transport) -> Self {
        let target = format!("{path}?EIO=4&transport={}", transport.name());
        let asked = Instant::now();
        let (way, first) = match transport {
            Transport::Polling => {
                let mut polls = Http::connect(address);
                let answer = polls.get(&target);
                assert_eq!(answer.status, 200, "{}", answer.text());
                let mut got: VecDeque<_> = split(&answer.text()).collect();
                let first = got.pop_front();
                (Way::Polling(Polling { polls, posts: Http::connect(address), got }), first)
            }
            Transport::WebSocket => {
                let mut socket = Socket::connect(address, &target);
                let first = socket.try_next();
                (Way::WebSocket(Box::new(socket)), first)
            }
        };
        let answered = Instant::now();
        let Some(Packet::Text(first)) = first else { panic!("no handshake but {first:?}") };
        let handshake: Value = first
            .strip_prefix('0')
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_else(|| panic!("no handshake but {first:?}"));
        let sid = handshake["sid"].as_str().unwrap_or_else(|| panic!("no sid in {handshake}")).to_owned();
        Self { address, path: path.to_owned(), sid, handshake, asked, answered, way }
    }

    /// What requests of this session go to.
    pub fn target(&self, transport: Transport) -> String {
        format!("{}?EIO=4&transport={}&sid={}", self.path, transport.name(), self.sid)
    }

    pub fn polling(&mut self) -> &mut Polling {
        match &mut self.way {
            Way::Polling(polling) => polling,
            Way::WebSocket(_) => panic!("it is by WebSocket"),
        }
    }

    pub fn socket(&mut self) -> &mut Socket {
        match &mut self.way {
            Way::WebSocket(socket) => socket,
            Way::Polling(_) => panic!("it is by polling"),
        }
    }

    #[track_caller]
    pub fn send(&mut self, packet: Packet) {
        self.send_all(&[packet]);
    }

    /// Together: in one body by polling.
    #[track_caller]
    pub fn send_all(&mut self, packets: &[Packet]) {
        let target = self.target(Transport::Polling);
        match &mut self.way {
            Way::Polling(polling) => {
                let answer = polling.posts.post(&target, joined(packets).as_bytes());
                assert_eq!((answer.status, &*answer.text()), (200, "ok"), "POST of {packets:?}");
            }
            Way::WebSocket(socket) => packets.iter().for_each(|packet| socket.send(packet)),
        }
    }

    /// As [`Engine::send_all`], where the server may refuse it.
    #[track_caller]
    pub fn send_unasked(&mut self, packets: &[Packet]) {
        let target = self.target(Transport::Polling);
        match &mut self.way {
            Way::Polling(polling) => {
                polling.posts.send("POST", &target, &[], joined(packets).as_bytes());
                let _ = polling.posts.try_answer();
            }
            Way::WebSocket(socket) => packets.iter().for_each(|packet| socket.send(packet)),
        }
    }

    /// Sends a poll that somebody else reads the answer of.
    pub fn begin_poll(&mut self) {
        let target = self.target(Transport::Polling);
        self.polling().polls.send("GET", &target, &[], &[]);
        self.polling().polls.wait_until_read();
    }

    /// A poll, alone.
    #[track_caller]
    pub fn poll(&mut self) -> Answer {
        let target = self.target(Transport::Polling);
        self.polling().polls.get(&target)
    }

    /// The next packet, pings too; none once the session is over.
    #[track_caller]
    pub fn try_next(&mut self) -> Option<Packet> {
        self.try_get().unwrap_or_else(|nothing| panic!("{nothing}"))
    }

    /// As [`Engine::try_next`]; an error where nothing comes at all.
    pub fn try_get(&mut self) -> Result<Option<Packet>, String> {
        let target = self.target(Transport::Polling);
        match &mut self.way {
            Way::WebSocket(socket) => socket.try_get(),
            Way::Polling(polling) => {
                if polling.got.is_empty() {
                    polling.polls.send("GET", &target, &[], &[]);
                    let answer = polling.polls.try_answer().map_err(|error| error.to_string())?;
                    match answer.status {
                        200 => polling.got.extend(split(&answer.text())),
                        400 => return Ok(None),
                        status => return Err(format!("a poll is answered by {status} {}", answer.text())),
                    }
                }
                Ok(polling.got.pop_front())
            }
        }
    }

    #[track_caller]
    pub fn next(&mut self) -> Packet {
        self.try_next().expect("the session is over")
    }

    /// The next packet that is no ping; pings are answered.
    #[track_caller]
    pub fn next_but_pings(&mut self) -> Option<Packet> {
        let limit = Instant::now() + LIMIT;
        loop {
            match self.try_next()? {
                Packet::Text(ping) if ping == "2" => {
                    assert!(Instant::now() < limit, "nothing but pings came for {LIMIT:?}");
                    self.send_unasked(&[text("3")]);
                }
                packet => return Some(packet),
            }
        }
    }

    /// Waits for the end of the session, answering pings, and gives what came before it. Says what it waits after.
    #[track_caller]
    pub fn rest(&mut self, after: &str) -> Vec<Packet> {
        let limit = Instant::now() + LIMIT;
        let mut rest = Vec::new();
        loop {
            match self.try_get() {
                Ok(Some(packet)) if packet == text("2") => self.send_unasked(&[text("3")]),
                Ok(Some(packet)) => rest.push(packet),
                Ok(None) => return rest,
                Err(nothing) => panic!("after {after:?} the session lives on: {rest:?}, then {nothing}"),
            }
            assert!(Instant::now() < limit, "after {after:?} the session lives on: {rest:?}");
        }
    }

    /// A WebSocket with the id of this session, which has not said anything yet.
    #[track_caller]
    pub fn second(&self) -> Socket {
        Socket::connect(self.address, &self.target(Transport::WebSocket))
    }

    /// Goes over to WebSocket, as a client does: probe, wait for the poll under way, confirm. Nothing else is on its way.
    #[track_caller]
    pub fn upgrade(&mut self) {
        let got = self.upgrade_meanwhile();
        assert!(got.is_empty(), "take what was sent before the upgrade first: {got:?}");
    }

    /// As [`Engine::upgrade`], and gives what has come by the poll under way.
    #[track_caller]
    pub fn upgrade_meanwhile(&mut self) -> VecDeque<Packet> {
        let mut socket = self.second();
        self.begin_poll();
        socket.send(&text("2probe"));
        assert_eq!(socket.next(), text("3probe"));
        let mut got = std::mem::take(&mut self.polling().got);
        let answer = self.polling().polls.answer();
        assert_eq!(answer.status, 200, "{}", answer.text());
        got.extend(split(&answer.text()).filter(|packet| *packet != text("6")));
        socket.send(&text("5"));
        self.way = Way::WebSocket(Box::new(socket));
        got
    }
}
