//! Engine.IO by WebSocket: one end that reads and one that writes, for two threads.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::packet::{Event, Packet};
use super::wire::{Wire, Wires};
use super::{Failed, failed, http, lock};

/// The end that reads. It answers no WebSocket ping frames while nothing is read; no server here sends any.
pub(super) struct Socket {
    frames: WebSocket<Wire>,
    writer: Arc<Writer>,
    wire: Wire,
}

impl Socket {
    /// A WebSocket of a new session, or of the session `sid`.
    pub(super) fn open(wires: &Wires, address: SocketAddr, sid: Option<&str>) -> Result<Self, Failed> {
        let during = if sid.is_some() { "the upgrade to WebSocket" } else { "opening a WebSocket" };
        let sid = sid.map_or_else(String::new, |sid| format!("&sid={sid}"));
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{sid}");
        let wire = wires.connect(address).map_err(|error| failed(during, error))?;
        let (frames, _) = client(&*url, wire.clone()).map_err(|error| failed(during, refusal(error)))?;
        let writer = Writer::new(wire.clone());
        Ok(Self { frames, writer: Arc::new(writer), wire })
    }

    /// A new session, connected to the namespace `/`, without any polling. Gives the id that the namespace has given.
    pub(super) fn connect(wires: &Wires, address: SocketAddr) -> Result<(Self, String), Failed> {
        let mut socket = Self::open(wires, address, None)?;
        let during = "the handshake by WebSocket";
        match socket.next().map_err(|why| failed(during, why))? {
            Packet::Open(_) => {}
            other => return Err(failed(during, format!("no open packet but {other:?}"))),
        }
        let during = "the connect of namespace /";
        socket.send("40").map_err(|why| failed(during, why))?;
        loop {
            match socket.next().map_err(|why| failed(during, why))? {
                Packet::Connected(sid) => return Ok((socket, sid)),
                Packet::Refused(why) => return Err(failed(during, why)),
                _ => {}
            }
        }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    pub(super) fn writer(&self) -> Arc<Writer> {
        self.writer.clone()
    }

    pub(super) fn send(&self, text: &str) -> Result<(), String> {
        self.writer.send(Message::text(text))
    }

    /// The next packet; a heartbeat is answered before it is given.
    ///
    /// # Errors
    /// Why there will be no more.
    pub(super) fn next(&mut self) -> Result<Packet, String> {
        loop {
            let text = match self.frames.read().map_err(|error| ended(&error))? {
                Message::Text(text) => text,
                Message::Close(frame) => {
                    // The answer to it, if the goodbye is not ours.
                    let _ = self.frames.flush();
                    return Err(match frame {
                        Some(frame) if frame.reason.is_empty() => {
                            format!("the server sent a close frame, {}", u16::from(frame.code))
                        }
                        Some(frame) => {
                            format!("the server sent a close frame, {} {}", u16::from(frame.code), frame.reason)
                        }
                        None => "the server sent a close frame".to_owned(),
                    });
                }
                _ => continue,
            };
            let packet = Packet::read(&text)?;
            match &packet {
                Packet::Ping(with) if with.is_empty() => {
                    let _ = self.send("3");
                }
                Packet::Close => return Err("the server closed the session, packet 1".to_owned()),
                Packet::Disconnected => return Err("the server disconnected it, packet 41".to_owned()),
                _ => {}
            }
            return Ok(packet);
        }
    }
}

/// The end that writes. Whoever comes while another writes leaves what it has to that one: a heartbeat is never kept waiting
/// behind a server that reads no further, and no frame gets into another.
pub(super) struct Writer {
    queue: Mutex<Queue>,
    frames: Mutex<WebSocket<Wire>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Message>,
    is_being_written: bool,
}

impl Writer {
    fn new(wire: Wire) -> Self {
        Self { queue: Mutex::default(), frames: Mutex::new(WebSocket::from_raw_socket(wire, Role::Client, None)) }
    }

    /// Emits an event.
    pub(super) fn emit(&self, event: &Event) -> Result<(), String> {
        self.send(Message::text(event.text()))
    }

    /// Leaves in good order: the namespace, then the connection.
    pub(super) fn say_goodbye(&self) -> Result<(), String> {
        self.send(Message::text("41"))?;
        self.send(Message::Close(None))
    }

    /// Writes a message and all that others leave meanwhile.
    ///
    /// # Errors
    /// Why the connection takes no more.
    fn send(&self, message: Message) -> Result<(), String> {
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(message);
        if std::mem::replace(&mut queue.is_being_written, true) {
            return Ok(());
        }
        drop(queue);
        let mut frames = lock(&self.frames);
        loop {
            let mut queue = lock(&self.queue);
            let Some(message) = queue.waiting.pop_front() else {
                queue.is_being_written = false;
                return Ok(());
            };
            drop(queue);
            if let Err(error) = frames.send(message) {
                *lock(&self.queue) = Queue::default();
                return Err(ended(&error));
            }
        }
    }
}

/// Why a WebSocket was refused.
fn refusal<S: tokio_tungstenite::tungstenite::handshake::HandshakeRole>(error: HandshakeError<S>) -> String {
    match error {
        HandshakeError::Failure(Error::Http(answer)) => {
            let body = answer.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            http::complaint(&answer.status().to_string(), &body)
        }
        HandshakeError::Failure(error) => ended(&error),
        HandshakeError::Interrupted(_) => "interrupted".to_owned(),
    }
}

/// Why a connection is over, in words.
fn ended(error: &Error) -> String {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, TimedOut, WouldBlock};
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "the connection is closed".to_owned(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "it ended without a close frame".to_owned(),
        Error::Io(error) if matches!(error.kind(), ConnectionReset | BrokenPipe) => "the server reset it".to_owned(),
        Error::Io(error) if matches!(error.kind(), TimedOut | WouldBlock) => "no answer within an hour".to_owned(),
        error => error.to_string(),
    }
}
