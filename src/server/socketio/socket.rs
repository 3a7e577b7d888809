//! What a handler has of its client: Flask-SocketIO's `request.sid`, `emit`, `join_room` and `disconnect`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use engineioxide_core::{Sid, Str};
use socketioxide_core::Value;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::Parse as _;
use socketioxide_parser_common::CommonParser;
use tokio::sync::oneshot;
use tracing::field::Empty;
use tracing::{Span, debug, debug_span, instrument, record_all};

use super::args::Args;
use super::server::Server;
use crate::server::call::call;
use crate::server::engineio::session::Reason;
use crate::server::engineio::socket::{Gone, Socket as EngineSocket};
use crate::server::engineio::{self, shortened};

/// A client in one namespace. Clones are the same client.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    /// Not the session's: with that, anybody could speak for the client.
    id: Sid,
    namespace: Arc<str>,
    engine: Arc<EngineSocket>,
    server: Weak<Server>,
    state: AtomicU8,
    /// What was sent while the client was not told yet that it is connected.
    held: Mutex<Vec<engineio::Packet>>,
    acks: Mutex<Acks>,
}

#[derive(Default)]
struct Acks {
    count: i64,
    waiting: HashMap<i64, oneshot::Sender<Args>>,
}

const CONNECTING: u8 = 0;
const CONNECTED: u8 = 1;
const GONE: u8 = 2;
/// Gone before it was connected, by its connect handler.
const REFUSED: u8 = 3;

/// Why a client did not answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is not there any more.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// It took too long.
    #[error("no ack within {0:?}")]
    Timeout(Duration),
    /// It has not been told yet that it is connected.
    #[error("the client is not connected yet")]
    Connecting,
    /// It has not answered so many others.
    #[error("{0} other acks are still to come")]
    TooMany(usize),
}

/// Between CONNECT and what the connect handler has sent. A client may listen for events only once it has been told that it is
/// connected, as the protocol's own suite does; in one segment with CONNECT they would come too early for it.
const APART: Duration = Duration::from_millis(2);

/// The most acks of a client that may be still to come.
const UNANSWERED: usize = 512;

impl Socket {
    pub(super) fn new(namespace: Arc<str>, engine: Arc<EngineSocket>, server: Weak<Server>) -> Self {
        Self(Arc::new(Inner {
            id: Sid::new(),
            namespace,
            engine,
            server,
            state: AtomicU8::new(CONNECTING),
            held: Mutex::default(),
            acks: Mutex::default(),
        }))
    }

    /// Its id, by which other clients may know it.
    #[must_use]
    pub fn id(&self) -> Sid {
        self.0.id
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &Arc<str> {
        &self.0.namespace
    }

    /// Its namespace, as packets have it.
    pub(super) fn packet_namespace(&self) -> Str {
        match &**self.namespace() {
            // Almost all are in this one, and it needs no memory.
            "/" => "/".into(),
            other => other.to_owned().into(),
        }
    }

    /// Whether it has left.
    pub(super) fn is_gone(&self) -> bool {
        self.0.state.load(Ordering::Acquire) >= GONE
    }

    /// Whether it has been told that it is connected, and has not left.
    pub(super) fn is_connected(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == CONNECTED
    }

    /// Whether its connect handler has refused it.
    pub(super) fn is_refused(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == REFUSED
    }

    fn server(&self) -> Option<Arc<Server>> {
        self.0.server.upgrade()
    }

    /// Mirrors `emit` in a handler: an event for this client.
    ///
    /// # Errors
    /// If the client is gone.
    pub async fn emit(&self, event: &str, args: &Args) -> Result<(), Gone> {
        let span = debug_span!(
            "emit",
            namespace = &**self.namespace(),
            event,
            to = &*shortened(self.id()),
            bytes = args.bytes(),
            reason = "room in the queue",
        );
        call(&span, async { self.send_packet(Packet::event(self.packet_namespace(), args.with_event(event))).await })
            .await
    }

    /// Mirrors `call`: an event that the client is to acknowledge, and the arguments of its ack.
    ///
    /// # Errors
    /// If the client is gone, takes longer than that, is still being connected, or has very many others to acknowledge.
    #[instrument(skip_all, fields(
        namespace = &**self.namespace(), event = event, to = &*shortened(self.id()), bytes = args.bytes(), reason = "the client's ack", id,
    ))]
    pub async fn call(&self, event: &str, args: &Args, within: Option<Duration>) -> Result<Args, CallError> {
        if !self.is_connected() && !self.is_gone() {
            return Err(CallError::Connecting);
        }
        let (id, answer) = {
            let mut acks = self.acks();
            if acks.waiting.len() >= UNANSWERED {
                return Err(CallError::TooMany(acks.waiting.len()));
            }
            let id = acks.count;
            acks.count += 1;
            let (give, answer) = oneshot::channel();
            acks.waiting.insert(id, give);
            (id, answer)
        };
        Span::current().record("id", id);
        let mut packet = Packet::event(self.packet_namespace(), args.with_event(event));
        packet.inner.set_ack_id(id);
        // However this ends, the ack is not waited for any longer.
        let _forget = Forget(self, id);
        self.send_packet(packet).await?;
        let answered = match within {
            Some(within) => tokio::time::timeout(within, answer).await.map_err(|_| CallError::Timeout(within))?,
            None => answer.await,
        };
        answered.map_err(|_| self.gone().into())
    }

    fn gone(&self) -> Gone {
        Gone(self.0.engine.ended().unwrap_or(Reason::ClosedByServer))
    }

    fn acks(&self) -> MutexGuard<'_, Acks> {
        self.0.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mirrors `Manager.trigger_callback`: an ack has come. Whether anybody waits for it.
    pub(super) fn trigger_callback(&self, id: i64, args: Args) -> bool {
        let waiting = self.acks().waiting.remove(&id);
        waiting.is_some_and(|waiting| waiting.send(args).is_ok())
    }

    /// Mirrors `join_room`.
    pub fn join_room(&self, room: &str) {
        if let Some(server) = self.server() {
            server.manager.enter_room(self, room);
        }
    }

    /// Mirrors `leave_room`.
    pub fn leave_room(&self, room: &str) {
        if let Some(server) = self.server() {
            server.manager.leave_room(self, room);
        }
    }

    /// Mirrors `emit(…, to=room, include_self=False)`: an event for everybody else in a room. How many that are.
    pub async fn emit_to(&self, room: &str, event: &str, args: &Args) -> usize {
        let Some(server) = self.server() else { return 0 };
        server.emit(self.namespace(), Some(room), Some(self.id()), event, args).await
    }

    /// Mirrors `emit(…, broadcast=True)`: an event for everybody in the namespace. How many that are.
    pub async fn broadcast(&self, event: &str, args: &Args) -> usize {
        let Some(server) = self.server() else { return 0 };
        server.emit(self.namespace(), None, None, event, args).await
    }

    /// Mirrors `disconnect`: the client is told, and leaves this namespace.
    #[instrument(skip_all, fields(namespace = &**self.namespace(), sid = &*shortened(self.id())))]
    pub async fn disconnect(&self) {
        if self.is_gone() {
            return;
        }
        if !self.is_connected() {
            // It is told when the connect handler is done, and nothing else.
            self.leave();
            *self.held() =
                encode(Packet::connect_error(self.packet_namespace(), "disconnected by the connect handler"));
            return;
        }
        // If it is gone already, that is what was wanted.
        let _ = self.send_packet(Packet::disconnect(self.packet_namespace())).await;
        self.leave();
        self.0.engine.wake_service("the disconnect");
    }

    /// Nothing reaches it any more, and nobody waits for its answers.
    pub(super) fn leave(&self) {
        self.0.state.fetch_max(GONE, Ordering::AcqRel);
        if let Some(server) = self.server() {
            server.manager.disconnect(self);
        }
        self.acks().waiting.clear();
        self.held().clear();
    }

    fn held(&self) -> MutexGuard<'_, Vec<engineio::Packet>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client is told that it is connected, and then what its connect handler has sent; or that it is not, if the handler
    /// has disconnected it; or nothing, if it has left meanwhile.
    pub(super) async fn accept(&self) {
        let accepted = self.0.state.compare_exchange(CONNECTING, CONNECTED, Ordering::AcqRel, Ordering::Acquire);
        let held = std::mem::take(&mut *self.held());
        if accepted.is_ok() {
            let told = Value::Str(format!("{{\"sid\":\"{}\"}}", self.id().as_str()).into(), None);
            let packets = encode(Packet::connect(self.packet_namespace(), Some(told)));
            if self.0.engine.send(&packets).await.is_err() || held.is_empty() {
                return;
            }
            tokio::time::sleep(APART).await;
            if !self.is_connected() {
                return;
            }
        }
        if !held.is_empty() {
            // If the client is gone meanwhile, the session says so.
            let _ = self.0.engine.send(&held).await;
        }
    }

    /// The client is told why it is not connected; nothing else of what its connect handler has sent.
    pub(super) async fn refuse(&self, packets: &[engineio::Packet]) {
        self.leave();
        self.0.state.store(REFUSED, Ordering::Release);
        // If it is gone meanwhile, the session says so.
        let _ = self.0.engine.send(packets).await;
    }

    /// Mirrors `Server._send_packet`.
    pub(super) async fn send_packet(&self, packet: Packet) -> Result<(), Gone> {
        let (name, id) = (name_of(&packet.inner), id_of(&packet.inner));
        let span = debug_span!("send_packet", packet = name, id, reason = "room in the queue");
        call(&span, async { self.send(&encode(packet)).await }).await
    }

    /// Puts packets that are encoded already into the client's queue.
    pub(super) async fn send(&self, packets: &[engineio::Packet]) -> Result<(), Gone> {
        match self.0.state.load(Ordering::Acquire) {
            CONNECTING => {
                debug!("held until the client is connected");
                let mut held = self.held();
                if held.len() + packets.len() > self.0.engine.queue_size() {
                    drop(held);
                    self.0.engine.close(Reason::QueueFull);
                    return Err(self.gone());
                }
                held.extend_from_slice(packets);
                Ok(())
            }
            CONNECTED => self.0.engine.send(packets).await,
            _ => Err(self.gone()),
        }
    }
}

/// Forgets an ack when it is dropped.
struct Forget<'a>(&'a Socket, i64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.acks().waiting.remove(&self.1);
    }
}

/// Mirrors `Packet.encode`: the text, and its attachments.
pub(super) fn encode(packet: Packet) -> Vec<engineio::Packet> {
    let span = debug_span!("encode", packet = name_of(&packet.inner), bytes = Empty, attachments = Empty).entered();
    let (text, attachments) = match CommonParser.encode(packet) {
        Value::Str(text, attachments) => (text, attachments.unwrap_or_default()),
        Value::Bytes(_) => (Str::default(), Default::default()),
    };
    record_all!(span, bytes = text.len(), attachments = attachments.len());
    let mut packets = Vec::with_capacity(1 + attachments.len());
    packets.push(engineio::Packet::Message(text));
    packets.extend(attachments.into_iter().map(engineio::Packet::Binary));
    packets
}

/// The name of a packet's type, as the specification has it.
pub(super) fn name_of(packet: &PacketData) -> &'static str {
    match packet {
        PacketData::Connect(_) => "CONNECT",
        PacketData::Disconnect => "DISCONNECT",
        PacketData::Event(..) => "EVENT",
        PacketData::EventAck(..) => "ACK",
        PacketData::ConnectError(_) => "CONNECT_ERROR",
        PacketData::BinaryEvent(..) => "BINARY_EVENT",
        PacketData::BinaryAck(..) => "BINARY_ACK",
    }
}

/// The number of the ack that a packet asks for or is.
pub(super) fn id_of(packet: &PacketData) -> Option<i64> {
    match packet {
        PacketData::Event(_, id) | PacketData::BinaryEvent(_, id) => *id,
        PacketData::EventAck(_, id) | PacketData::BinaryAck(_, id) => Some(*id),
        _ => None,
    }
}
