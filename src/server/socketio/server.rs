//! Mirrors `socketio/server.py`: what the messages of a session lead to, namespace by namespace.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use engineioxide_core::{Sid, Str};
use futures_util::FutureExt as _;
use socketioxide_core::packet::Packet;
use tracing::{Instrument as _, Span, debug, debug_span, instrument};

use super::args::Args;
use super::handlers::{HandlerError, Handlers, Running};
use super::manager::Manager;
use super::namespaces::{Asked, Namespaces};
use super::socket::{Socket, encode, id_of, name_of};
use crate::server::engineio::service::Application;
use crate::server::engineio::session::Reason;
use crate::server::engineio::socket::Socket as EngineSocket;
use crate::server::engineio::{Message, shortened};

/// The most events of a client in a namespace that are being handled; while there are as many, nothing more is received.
const BEHIND: usize = 256;

/// A Socket.IO server.
pub struct Server {
    pub(super) manager: Manager,
    namespaces: HashMap<Arc<str>, Handlers>,
    connect_timeout: Option<Duration>,
}

impl Server {
    /// A server with these namespaces and no other.
    pub(in crate::server) fn new(
        namespaces: impl IntoIterator<Item = (Arc<str>, Handlers)>,
        connect_timeout: Option<Duration>,
    ) -> Arc<Self> {
        let namespaces = namespaces.into_iter().collect();
        Arc::new(Self { manager: Manager::default(), namespaces, connect_timeout })
    }

    /// Mirrors `Server._handle_eio_connect`: what a new session speaks to.
    pub(in crate::server) fn handle_eio_connect(self: &Arc<Self>, engine: Arc<EngineSocket>) -> Box<dyn Application> {
        let known = self.namespaces.keys().cloned().collect();
        let max_payload = engine.max_payload();
        Box::new(Connection {
            server: self.clone(),
            engine,
            namespaces: Namespaces::new(known, max_payload),
            clients: Vec::new(),
            sending: None,
        })
    }

    /// Mirrors `Server.emit`: an event for everybody in a room, or in the namespace, but for one. How many that are. It is
    /// encoded once.
    #[instrument(skip_all, fields(namespace = namespace, event = event, room = room, bytes = args.bytes(), recipients, reason = "room in the queues"))]
    pub(super) async fn emit(
        &self,
        namespace: &str,
        room: Option<&str>,
        but: Option<Sid>,
        event: &str,
        args: &Args,
    ) -> usize {
        let mut to = self.manager.get_participants(namespace, room);
        to.retain(|socket| Some(socket.id()) != but);
        Span::current().record("recipients", to.len());
        let packets = encode(Packet::event(namespace.to_owned(), args.with_event(event)));
        let mut reached = 0;
        for socket in to {
            // One that is gone is no concern of the others.
            reached += usize::from(socket.send(&packets).await.is_ok());
        }
        reached
    }
}

/// One session's share.
struct Connection {
    server: Arc<Server>,
    engine: Arc<EngineSocket>,
    namespaces: Namespaces,
    clients: Vec<Client>,
    /// Refusals on their way.
    sending: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// The client in one namespace, with what is to be done for it.
struct Client {
    socket: Socket,
    jobs: VecDeque<Job>,
    /// What has begun and is not over, in the order in which it began.
    running: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Its connect handler has not decided yet; nothing else begins.
    is_connecting: bool,
    /// Its disconnect handler has been set in train.
    is_leaving: bool,
}

enum Job {
    Connect(Option<Str>),
    Event { event: String, args: Args, ack: Option<i64> },
    Disconnect(&'static str),
}

impl Application for Connection {
    /// Mirrors `Server._handle_eio_message`.
    #[instrument(name = "handle_eio_message", skip_all, fields(bytes = message.len()))]
    fn receive(&mut self, message: Message) -> Result<(), Reason> {
        let Some(packet) = self.decode(message)? else { return Ok(()) };
        match self.namespaces.receive(packet)? {
            Asked::Connect { namespace, auth } => self.handle_connect(namespace, auth),
            Asked::Refuse { namespace } => self.refuse(namespace),
            Asked::Event { namespace, event, args, ack } => self.handle_event(&namespace, event, args, ack),
            Asked::Ack { namespace, ack, args } => self.handle_ack(&namespace, ack, args),
            Asked::Disconnect { namespace } => self.leave(&namespace, "client namespace disconnect"),
            Asked::More => {}
            Asked::Late => debug!("of a namespace that has been left"),
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sending) = &mut self.sending
            && sending.as_mut().poll(cx).is_ready()
        {
            self.sending = None;
        }
        for client in &mut self.clients {
            client.poll(&self.server, cx);
        }
        let namespaces = &mut self.namespaces;
        self.clients.retain(|client| {
            let is_done = client.is_leaving && client.running.is_empty() && client.jobs.is_empty();
            if is_done {
                namespaces.left(client.socket.namespace());
            }
            !is_done
        });
        let is_idle = self.clients.iter().all(|client| client.running.is_empty()) && self.sending.is_none();
        if is_idle { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_full(&self) -> bool {
        self.sending.is_some() || self.clients.iter().any(|client| client.jobs.len() + client.running.len() >= BEHIND)
    }

    fn connect_due(&self) -> Option<Duration> {
        self.server.connect_timeout.filter(|_| !self.namespaces.has_asked())
    }

    /// Mirrors `Server._handle_eio_disconnect`.
    #[instrument(name = "handle_eio_disconnect", skip_all, fields(reason = reason.words(), namespaces = self.clients.len()))]
    fn end(&mut self, reason: Reason) {
        for client in &mut self.clients {
            client.leave(reason.words());
        }
    }
}

impl Connection {
    /// Mirrors `Packet.decode`. An authentication is not told.
    #[instrument(skip_all, fields(packet, namespace, id, attachments_due))]
    fn decode(&self, message: Message) -> Result<Option<Packet>, Reason> {
        let packet = self.namespaces.decode(message)?;
        let span = Span::current();
        match &packet {
            Some(packet) => {
                span.record("packet", name_of(&packet.inner));
                span.record("namespace", &*packet.ns);
                span.record("id", id_of(&packet.inner));
            }
            None => {
                span.record("attachments_due", true);
            }
        }
        Ok(packet)
    }

    /// Mirrors the first half of `Server._handle_connect`: the client has a name in the namespace; its connect handler is next.
    #[instrument(skip_all, fields(namespace = &*namespace, sid, auth = if auth.is_some() { "given" } else { "none" }))]
    fn handle_connect(&mut self, namespace: Arc<str>, auth: Option<Str>) {
        let socket = Socket::new(namespace, self.engine.clone(), Arc::downgrade(&self.server));
        Span::current().record("sid", shortened(socket.id()));
        let jobs = VecDeque::from([Job::Connect(auth)]);
        self.clients.push(Client { socket, jobs, running: Vec::new(), is_connecting: false, is_leaving: false });
    }

    #[instrument(skip_all, fields(namespace = &*namespace))]
    fn refuse(&mut self, namespace: String) {
        let packets = encode(Packet::connect_error(namespace, "Invalid namespace"));
        let engine = self.engine.clone();
        let before = self.sending.take();
        self.sending = Some(Box::pin(async move {
            if let Some(before) = before {
                before.await;
            }
            let _ = engine.send(&packets).await;
        }));
    }

    /// Mirrors `Server._handle_event`. Upstream starts a greenlet for every event, which is why two of them may
    /// overtake each other there; here each begins in its turn.
    #[instrument(skip_all, fields(namespace = namespace, event = &*event, id = ack, args = args.told(), attachments = args.attachments(), waiting))]
    fn handle_event(&mut self, namespace: &str, event: String, args: Args, ack: Option<i64>) {
        let Some(client) = self.client(namespace) else { return };
        client.jobs.push_back(Job::Event { event, args, ack });
        Span::current().record("waiting", client.jobs.len());
    }

    /// Mirrors `Server._handle_ack`.
    #[instrument(skip_all, fields(namespace = namespace, id = ack, args = args.told(), awaited))]
    fn handle_ack(&mut self, namespace: &str, ack: i64, args: Args) {
        let Some(client) = self.client(namespace) else { return };
        let is_awaited = client.socket.trigger_callback(ack, args);
        Span::current().record("awaited", is_awaited);
    }

    fn leave(&mut self, namespace: &str, reason: &'static str) {
        if let Some(client) = self.client(namespace) {
            client.leave(reason);
        }
    }

    fn client(&mut self, namespace: &str) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| !client.is_leaving && &**client.socket.namespace() == namespace)
    }
}

impl Client {
    /// Its events that have not begun are not handled; its disconnect handler is next.
    fn leave(&mut self, reason: &'static str) {
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        let unhandled = self.jobs.iter().filter(|job| matches!(job, Job::Event { .. })).count();
        if unhandled > 0 {
            debug!(unhandled, "events of a client that is gone");
        }
        let has_begun = !matches!(self.jobs.front(), Some(Job::Connect(_)));
        self.jobs.clear();
        self.socket.leave();
        if has_begun {
            self.jobs.push_back(Job::Disconnect(reason));
        }
    }

    /// Goes on with what is under way, and begins what is next. An event begins when those before it have begun; one whose
    /// handler waits, for an ack say, keeps nobody waiting.
    fn poll(&mut self, server: &Arc<Server>, cx: &mut Context<'_>) {
        self.running.retain_mut(|running| running.as_mut().poll(cx).is_pending());
        self.is_connecting &= !self.running.is_empty();
        loop {
            if self.socket.is_gone() {
                // By a handler of its own, or somebody else's.
                self.leave("server namespace disconnect");
            }
            if self.is_connecting || self.running.len() >= BEHIND {
                return;
            }
            let Some(job) = self.jobs.pop_front() else { return };
            let (server, socket) = (Arc::downgrade(server), self.socket.clone());
            self.is_connecting = matches!(job, Job::Connect(_));
            let mut begun: Pin<Box<dyn Future<Output = ()> + Send>> = match job {
                Job::Connect(auth) => Box::pin(connect(server, socket, auth)),
                Job::Event { event, args, ack } => Box::pin(handle_event_internal(server, socket, event, args, ack)),
                Job::Disconnect(_) if socket.is_refused() => continue,
                Job::Disconnect(reason) => Box::pin(handle_disconnect(server, socket, reason)),
            };
            if begun.as_mut().poll(cx).is_pending() {
                self.running.push(begun);
            } else {
                self.is_connecting = false;
            }
        }
    }
}

/// Mirrors the second half of `Server._handle_connect`: the connect handler decides, then the client is told.
#[instrument(name = "handle_connect_internal", skip_all, fields(
    namespace = &**socket.namespace(), sid = shortened(socket.id()), reason = "the handler", outcome,
))]
async fn connect(server: Weak<Server>, socket: Socket, auth: Option<Str>) {
    let Some(server) = server.upgrade() else { return };
    let auth = auth.unwrap_or_else(|| "{}".into());
    let args = Args::from_value(socketioxide_core::Value::Str(format!("[{auth}]").into(), None));
    let handlers = server.namespaces.get(socket.namespace());
    let handler = handlers.and_then(|handlers| handlers.connect.clone());
    server.manager.connect(&socket);
    let outcome = match handler {
        Some(handler) => trigger_event(&server, &socket, "connect", handler(socket.clone(), args)).await.map(drop),
        None => Ok(()),
    };
    let span = Span::current();
    match outcome {
        Ok(()) => {
            span.record("outcome", "accepted");
            // If the client is gone meanwhile, the session says so.
            let _ = socket.accept().await;
        }
        Err(error) => {
            span.record("outcome", "refused");
            let packets = encode(Packet::connect_error(socket.namespace().to_string(), error.to_string()));
            socket.refuse(&packets).await;
        }
    }
}

/// Mirrors `Server._handle_event_internal`: the event's handler, and the ack if one is asked for.
#[instrument(skip_all, fields(
    namespace = &**socket.namespace(), event = &*event, sid = shortened(socket.id()), id = ack, reason = "the handler", outcome,
))]
async fn handle_event_internal(server: Weak<Server>, socket: Socket, event: String, args: Args, ack: Option<i64>) {
    let Some(server) = server.upgrade() else { return };
    let handlers = server.namespaces.get(socket.namespace());
    let handler = handlers.and_then(|handlers| handlers.events.get(&event).cloned());
    let span = Span::current();
    let Some(handler) = handler else {
        span.record("outcome", "no handler");
        return;
    };
    match trigger_event(&server, &socket, &event, handler(socket.clone(), args)).await {
        Ok(reply) => {
            span.record("outcome", "handled");
            if let Some(id) = ack {
                let reply = reply.unwrap_or_default();
                let _ = socket.send_packet(Packet::ack(socket.namespace().to_string(), reply.into_value(), id)).await;
            }
        }
        Err(_) => {
            span.record("outcome", "failed");
        }
    }
}

/// Mirrors `Server._handle_disconnect`: the disconnect handler.
#[instrument(skip_all, fields(
    namespace = &**socket.namespace(), sid = shortened(socket.id()), why = reason, reason = "the handler",
))]
async fn handle_disconnect(server: Weak<Server>, socket: Socket, reason: &'static str) {
    let Some(server) = server.upgrade() else { return };
    let handlers = server.namespaces.get(socket.namespace());
    let handler = handlers.and_then(|handlers| handlers.disconnect.clone());
    if let (Some(handler), Ok(args)) = (handler, Args::of(reason)) {
        // Nobody waits for what comes of it.
        let _ = trigger_event(&server, &socket, "disconnect", handler(socket.clone(), args)).await;
    }
}

/// Mirrors `Server._trigger_event`: runs a handler. One that fails or panics ends its own event and nothing else.
async fn trigger_event(
    server: &Server,
    socket: &Socket,
    event: &str,
    running: Running,
) -> Result<Option<Args>, HandlerError> {
    let span = debug_span!("trigger_event", event, reason = "the handler", error = tracing::field::Empty);
    let outcome = AssertUnwindSafe(running.instrument(span.clone())).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("the handler panicked: {}", said.unwrap_or_else(|| "no message".to_owned())).into())
    });
    if let Err(error) = &outcome {
        span.record("error", error.to_string());
        let handlers = server.namespaces.get(socket.namespace());
        if let Some(told) = handlers.and_then(|handlers| handlers.error.clone()) {
            told(socket, event, error);
        }
    }
    outcome
}
