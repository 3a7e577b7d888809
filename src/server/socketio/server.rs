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
use tracing::field::Empty;
use tracing::{Span, debug, debug_span, instrument, record_all};

use super::args::Args;
use super::handlers::{HandlerError, Handlers, Running};
use super::manager::Manager;
use super::namespaces::{Asked, Namespaces};
use super::socket::{Socket, encode, id_of, name_of};
use crate::server::call::call;
use crate::server::engineio::service::Application;
use crate::server::engineio::session::Reason;
use crate::server::engineio::socket::Socket as EngineSocket;
use crate::server::engineio::{Message, shortened};

/// The most events of a client in a namespace that wait to be begun; while there are as many, nothing more is received.
const BEHIND: usize = 256;
/// The most that have begun and are not over.
const UNDER_WAY: usize = 1024;

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
    /// What those carry.
    bytes: usize,
    /// What has begun and is not over, in the order in which it began.
    running: Vec<Begun>,
    /// Its connect handler has not decided yet; nothing else begins.
    is_connecting: bool,
    /// Its disconnect handler has been set in train.
    is_leaving: bool,
}

/// A job that has begun, and how many bytes it carries.
struct Begun {
    bytes: usize,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
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
            Asked::Disconnect { namespace } => {
                if let Some(client) = self.client(&namespace) {
                    client.leave("client namespace disconnect");
                }
            }
            Asked::More => {}
            Asked::Late => debug!("of a namespace that has been left"),
        }
        Ok(())
    }

    fn poll(&mut self, may_begin: bool, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sending) = &mut self.sending
            && sending.as_mut().poll(cx).is_ready()
        {
            self.sending = None;
        }
        for client in &mut self.clients {
            let was_leaving = client.is_leaving;
            client.poll(&self.server, self.engine.max_payload(), may_begin, cx);
            if client.is_leaving && !was_leaving {
                // From now on it may come again, whatever is still under way.
                self.namespaces.left(client.socket.namespace());
            }
        }
        self.clients.retain(|client| !client.is_leaving || !client.running.is_empty() || !client.jobs.is_empty());
        let is_idle = self.clients.iter().all(|client| client.running.is_empty()) && self.sending.is_none();
        if is_idle { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_full(&self) -> bool {
        let limit = self.engine.max_payload();
        self.sending.is_some()
            || self.clients.iter().any(|client| client.jobs.len() >= BEHIND || client.bytes as u64 > limit)
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
    fn decode(&self, message: Message) -> Result<Option<Packet>, Reason> {
        let span =
            debug_span!("decode", packet = Empty, namespace = Empty, id = Empty, attachments_due = Empty).entered();
        let packet = self.namespaces.decode(message)?;
        match &packet {
            Some(Packet { inner, ns }) => {
                record_all!(span, packet = name_of(inner), namespace = &**ns, id = id_of(inner));
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
        Span::current().record("sid", &*shortened(socket.id()));
        let jobs = VecDeque::from([Job::Connect(auth)]);
        self.clients.push(Client {
            socket,
            jobs,
            bytes: 0,
            running: Vec::new(),
            is_connecting: false,
            is_leaving: false,
        });
    }

    #[instrument(skip_all, fields(namespace = &*namespace))]
    fn refuse(&mut self, namespace: String) {
        let packets = encode(Packet::connect_error(namespace, "Invalid namespace"));
        let engine = self.engine.clone();
        // Until it is sent nothing else is received.
        self.sending = Some(Box::pin(async move {
            // If the client is gone, the session says so.
            let _ = engine.send(&packets).await;
        }));
    }

    /// Mirrors `Server._handle_event`. Upstream starts a greenlet for every event, which is why two of them may
    /// overtake each other there; here each begins in its turn.
    fn handle_event(&mut self, namespace: &str, event: String, args: Args, ack: Option<i64>) {
        let client = self.client(namespace);
        let waiting = client.as_ref().map(|client| client.jobs.len() + 1);
        let (told, attachments) = (args.told(), args.attachments());
        let _entered =
            debug_span!("handle_event", namespace, event, id = ack, args = told, attachments, waiting).entered();
        let Some(client) = client else { return };
        client.bytes += args.bytes();
        client.jobs.push_back(Job::Event { event, args, ack });
    }

    /// Mirrors `Server._handle_ack`.
    #[instrument(skip_all, fields(namespace = namespace, id = ack, args = args.told(), awaited))]
    fn handle_ack(&mut self, namespace: &str, ack: i64, args: Args) {
        let Some(client) = self.client(namespace) else { return };
        let is_awaited = client.socket.trigger_callback(ack, args);
        Span::current().record("awaited", is_awaited);
    }

    fn client(&mut self, namespace: &str) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| !client.is_leaving && &**client.socket.namespace() == namespace)
    }
}

impl Client {
    /// It has left, or its session is over: what it said before is still handled, then its disconnect handler is next.
    fn leave(&mut self, reason: &'static str) {
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        let has_begun = !matches!(self.jobs.front(), Some(Job::Connect(_)));
        self.socket.leave();
        if has_begun {
            self.jobs.push_back(Job::Disconnect(reason));
        } else {
            self.forget_events();
        }
    }

    /// Its events that have not begun are not handled.
    fn forget_events(&mut self) {
        let unhandled = self.jobs.iter().filter(|job| matches!(job, Job::Event { .. })).count();
        if unhandled > 0 {
            debug!(unhandled, "events of a client that may not be here");
        }
        (self.jobs, self.bytes) = (VecDeque::new(), 0);
    }

    /// Goes on with what is under way, and begins what is next. An event begins when those before it have begun; one whose
    /// handler waits, for an ack say, keeps nobody waiting.
    fn poll(&mut self, server: &Arc<Server>, max_payload: u64, may_begin: bool, cx: &mut Context<'_>) {
        self.running.retain_mut(|running| running.future.as_mut().poll(cx).is_pending());
        self.is_connecting &= !self.running.is_empty();
        loop {
            if self.socket.is_gone() && !self.is_leaving {
                // By a handler of its own, or somebody else's.
                self.forget_events();
                self.leave("server namespace disconnect");
            }
            if self.socket.is_refused() {
                self.forget_events();
            }
            // Handlers that wait, for a slow client say, hold what they carry.
            let held: usize = self.running.iter().map(|running| running.bytes).sum();
            let is_much = self.running.len() >= UNDER_WAY || held as u64 > max_payload;
            let may_begin = may_begin || self.is_leaving;
            if self.is_connecting || is_much || !may_begin {
                return;
            }
            let Some(job) = self.jobs.pop_front() else { return };
            let (server, socket) = (Arc::downgrade(server), self.socket.clone());
            self.is_connecting = matches!(job, Job::Connect(_));
            let mut begun = match job {
                Job::Connect(auth) => Begun { bytes: 0, future: Box::pin(connect(server, socket, auth)) },
                Job::Event { event, args, ack } => {
                    let bytes = args.bytes();
                    self.bytes -= bytes;
                    Begun { bytes, future: Box::pin(handle_event_internal(server, socket, event, args, ack)) }
                }
                Job::Disconnect(reason) => {
                    Begun { bytes: 0, future: Box::pin(handle_disconnect(server, socket, reason)) }
                }
            };
            if begun.future.as_mut().poll(cx).is_pending() {
                self.running.push(begun);
            } else {
                self.is_connecting = false;
            }
        }
    }
}

impl Drop for Connection {
    /// However it comes to that: nobody who is not served is in a room.
    fn drop(&mut self) {
        self.clients.iter().for_each(|client| client.socket.leave());
    }
}

/// Mirrors the second half of `Server._handle_connect`: the connect handler decides, then the client is told.
#[instrument(name = "handle_connect_internal", skip_all, fields(
    namespace = &**socket.namespace(), sid = &*shortened(socket.id()), reason = "the handler", outcome,
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
            socket.accept().await;
        }
        Err(error) => {
            span.record("outcome", "refused");
            let packets = encode(Packet::connect_error(socket.packet_namespace(), error.to_string()));
            socket.refuse(&packets).await;
        }
    }
}

/// Mirrors `Server._handle_event_internal`: the event's handler, and the ack if one is asked for.
async fn handle_event_internal(server: Weak<Server>, socket: Socket, event: String, args: Args, ack: Option<i64>) {
    let span = debug_span!(
        "handle_event_internal",
        namespace = &**socket.namespace(),
        event,
        sid = &*shortened(socket.id()),
        id = ack,
        reason = "the handler",
        outcome = Empty,
    );
    let handle = async {
        let Some(server) = server.upgrade() else { return };
        let handlers = server.namespaces.get(socket.namespace());
        let handler = handlers.and_then(|handlers| handlers.events.get(&event).cloned());
        let Some(handler) = handler else {
            span.record("outcome", "no handler");
            return;
        };
        match trigger_event(&server, &socket, &event, handler(socket.clone(), args)).await {
            Ok(reply) => {
                span.record("outcome", "handled");
                if let Some(id) = ack {
                    let reply = reply.unwrap_or_default();
                    let _ = socket.send_packet(Packet::ack(socket.packet_namespace(), reply.into_value(), id)).await;
                }
            }
            Err(_) => {
                span.record("outcome", "failed");
            }
        }
    };
    call(&span, handle).await;
}

/// Mirrors `Server._handle_disconnect`: the disconnect handler.
#[instrument(skip_all, fields(
    namespace = &**socket.namespace(), sid = &*shortened(socket.id()), why = reason, reason = "the handler",
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
    let span = debug_span!("trigger_event", event, reason = "the handler", error = Empty);
    let outcome = AssertUnwindSafe(call(&span, running)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("the handler panicked: {}", said.unwrap_or_else(|| "no message".to_owned())).into())
    });
    if let Err(error) = &outcome {
        if event == "connect" {
            // What a client has authenticated itself with may be in the error's words.
            span.record("error", "refused");
        } else {
            span.record("error", error.to_string());
        }
        let handlers = server.namespaces.get(socket.namespace());
        if let Some(told) = handlers.and_then(|handlers| handlers.error.clone()) {
            // One that panics has been told on standard error, and there is nobody else to tell.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| told(socket, event, error)));
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::Waker;

    use engineioxide_core::TransportType;
    use tokio::sync::Notify;

    use super::*;
    use crate::server::engineio::Options;

    /// A connection without a network: what it was sent comes out as text.
    struct Harness {
        engine: Arc<EngineSocket>,
        connection: Box<dyn Application>,
    }

    impl Harness {
        fn new(server: &Arc<Server>) -> Self {
            let engine = EngineSocket::new(TransportType::Websocket, "conn-1", Arc::new(Options::default()));
            let engine = Arc::new(engine);
            Self { connection: server.handle_eio_connect(engine.clone()), engine }
        }

        /// What is sent when a message has come and everything has gone on as far as it can.
        fn say(&mut self, text: &str) -> String {
            self.connection.receive(Message::Text(text.to_owned().into())).unwrap();
            self.go_on()
        }

        /// What is sent until nothing is under way any more.
        fn finish(&mut self) -> String {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(std::future::poll_fn(|cx| self.connection.poll(true, cx)));
            self.sent()
        }

        fn go_on(&mut self) -> String {
            let _ = self.connection.poll(true, &mut Context::from_waker(Waker::noop()));
            self.sent()
        }

        fn sent(&mut self) -> String {
            let packets = std::iter::from_fn(|| self.engine.take_packet()).map(String::from);
            packets.map(|packet| packet[1..].to_owned()).collect::<Vec<_>>().join(" ")
        }
    }

    fn server(handlers: Handlers) -> Arc<Server> {
        Server::new([("/".into(), handlers)], None)
    }

    fn connected(server: &Arc<Server>) -> Harness {
        let mut client = Harness::new(server);
        assert!(client.say("0").starts_with("0{\"sid\":"));
        client
    }

    /// Handlers that echo, and one that waits until it is told.
    fn slow() -> (Handlers, Arc<Notify>) {
        let (mut handlers, go) = (Handlers::default(), Arc::new(Notify::new()));
        let told = go.clone();
        handlers
            .on("echo", async |socket: Socket, args: Args| socket.emit("echo", &args).await.map_err(HandlerError::from))
            .on("slow", move |socket, args| {
                let told = told.clone();
                async move {
                    told.notified().await;
                    socket.emit("slow", &args).await.map_err(HandlerError::from)
                }
            })
            .on("kick", async |socket: Socket, _| socket.disconnect().await);
        (handlers, go)
    }

    #[test]
    fn a_handler_that_waits_keeps_no_event_waiting() {
        let (handlers, go) = slow();
        let mut client = connected(&server(handlers));
        assert_eq!(client.say(r#"2["slow",1]"#), "");
        assert_eq!(client.say(r#"2["echo",2]"#), r#"2["echo",2]"#);
        go.notify_one();
        assert_eq!(client.go_on(), r#"2["slow",1]"#);
    }

    #[test]
    fn who_left_or_was_thrown_out_may_come_again_whatever_is_under_way() {
        for leaves in ["1", r#"2["kick"]"#] {
            let (handlers, go) = slow();
            let mut client = connected(&server(handlers));
            client.say(r#"2["slow"]"#);
            client.say(leaves);
            assert!(client.say("0").starts_with("0{"), "{leaves}");
            // What ends only now was the old one's.
            go.notify_one();
            assert_eq!(client.go_on(), "");
            assert_eq!(client.say(r#"2["echo",3]"#), r#"2["echo",3]"#, "{leaves}");
        }
    }

    #[test]
    fn what_was_said_before_leaving_is_handled_though_the_connect_handler_is_still_at_work() {
        for leaves in [Some("1"), None] {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let (mut handlers, go) = slow();
            let (told, sink, left) = (go.clone(), heard.clone(), heard.clone());
            handlers
                .on_connect(move |_, _| {
                    let told = told.clone();
                    async move { told.notified().await }
                })
                .on("said", move |_, args: Args| {
                    sink.lock().unwrap().push(args.told().to_owned());
                    std::future::ready(())
                })
                .on_disconnect(move |_, _| {
                    left.lock().unwrap().push("left".to_owned());
                    std::future::ready(())
                });
            let mut client = Harness::new(&server(handlers));
            client.say("0");
            client.say(r#"2["said",1]"#);
            match leaves {
                Some(packet) => drop(client.say(packet)),
                None => client.connection.end(Reason::TransportClosed),
            }
            assert!(heard.lock().unwrap().is_empty(), "nothing begins before it is connected");
            go.notify_one();
            assert_eq!(client.go_on(), "", "nothing is sent to who has left");
            assert_eq!(*heard.lock().unwrap(), ["[1]", "left"], "{leaves:?}");
        }
    }

    #[test]
    fn who_is_thrown_out_or_refused_is_not_listened_to() {
        let (mut handlers, go) = slow();
        let told = go.clone();
        handlers.on_connect(move |_, _| {
            let told = told.clone();
            async move {
                told.notified().await;
                Err::<(), HandlerError>("not you".into())
            }
        });
        let mut client = Harness::new(&server(handlers));
        client.say("0");
        client.say(r#"2["echo",1]"#);
        go.notify_one();
        assert_eq!(client.go_on(), r#"4{"message":"not you"}"#);
    }

    #[test]
    fn while_the_client_is_behind_nothing_begins_and_acks_are_taken() {
        let mut handlers = Handlers::default();
        handlers.on("ask", async |socket: Socket, args: Args| {
            let answer = socket.call("ask", &args, None).await?;
            socket.emit("answer", &answer).await.map_err(HandlerError::from)
        });
        let mut client = connected(&server(handlers));
        assert_eq!(client.say(r#"2["ask",1]"#), r#"20["ask",1]"#);
        let mut behind = |text: &str| {
            client.connection.receive(Message::Text(text.to_owned().into())).unwrap();
            let _ = client.connection.poll(false, &mut Context::from_waker(Waker::noop()));
            client.engine.take_packet().map(String::from)
        };
        assert_eq!(behind(r#"2["ask",2]"#), None);
        assert_eq!(behind("30[7]").as_deref(), Some(r#"42["answer",7]"#));
        assert_eq!(client.go_on(), r#"21["ask",2]"#);
    }

    #[test]
    fn a_handler_that_panics_or_fails_ends_its_own_event_and_is_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let (mut handlers, _) = slow();
        let sink = told.clone();
        handlers
            .on("at once", |_, _| -> std::future::Ready<()> { panic!("at once") })
            .on("later", async |_, _| -> () { panic!("later") })
            .on("fails", async |_, _| Err::<(), HandlerError>("no".into()))
            .on_error(move |_, event, error| {
                sink.lock().unwrap().push(format!("{event}: {error}"));
                panic!("so does this");
            });
        let mut client = connected(&server(handlers));
        for event in ["at once", "later", "fails"] {
            assert_eq!(client.say(&format!(r#"25["{event}"]"#)), "", "no ack");
        }
        assert_eq!(client.say(r#"2["echo"]"#), r#"2["echo"]"#);
        let expected = ["at once: the handler panicked: at once", "later: the handler panicked: later", "fails: no"];
        assert_eq!(*told.lock().unwrap(), expected);
    }

    #[test]
    fn a_connect_handler_decides_and_what_it_sends_comes_after() {
        #[track_caller]
        fn check(auth: &str, expected: &str) {
            let left = Arc::new(Mutex::new(0));
            let counts = left.clone();
            let mut handlers = Handlers::default();
            handlers
                .on_connect(async |socket: Socket, auth: Args| {
                    socket.emit("hello", &auth).await?;
                    match auth.get::<HashMap<String, String>>()?.get("do").map(String::as_str) {
                        Some("refuse") => Err::<(), HandlerError>("not you".into()),
                        Some("disconnect") => {
                            socket.disconnect().await;
                            Ok(())
                        }
                        Some("call") => {
                            let called = socket.call("x", &auth, None).await;
                            socket.emit("called", &Args::of(&called.is_err())?).await?;
                            Ok(())
                        }
                        _ => Ok(()),
                    }
                })
                .on_disconnect(move |_, _| {
                    *counts.lock().unwrap() += 1;
                    std::future::ready(())
                });
            let mut client = Harness::new(&server(handlers));
            client.connection.receive(Message::Text(format!("0{auth}").into())).unwrap();
            let said = client.finish();
            let said = said.split_once("\"}").filter(|_| said.starts_with("0{\"sid")).map_or(&*said, |said| said.1);
            assert_eq!(said.trim(), expected, "{auth}");
            let is_connected = !expected.starts_with('4');
            client.connection.end(Reason::TransportClosed);
            client.go_on();
            assert_eq!(*left.lock().unwrap(), i32::from(is_connected || auth.contains("disconnect")), "{auth}");
        }
        check("", r#"2["hello",{}]"#);
        check(r#"{"do":"refuse"}"#, r#"4{"message":"not you"}"#);
        check(r#"{"do":"disconnect"}"#, r#"4{"message":"disconnected by the connect handler"}"#);
        check(r#"{"do":"call"}"#, r#"2["hello",{"do":"call"}] 2["called",true]"#);
    }
}
