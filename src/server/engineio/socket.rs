//! Mirrors `engineio/socket.py`: one client's session, and the queue of what it is sent.
//!
//! ```text
//!   handler: emit ─► send ─► queue ─┬─► a poll that waits, or the next that comes
//!                                   └─► the WebSocket's writer
//!   POST: receive ─► inbox ─► the task that serves the session
//! ```

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use engineioxide_core::{OpenPacket, Packet, Sid, TransportType};
use tokio::sync::oneshot;
use tracing::{Span, debug, instrument};

use super::queue::Queue;
use super::refusal::Refusal;
use super::service::{Next, Service};
use super::session::{Due, Reason, Received, Session};
use super::{Message, Options, WhenFull, shortened, type_of};
use crate::server::greenlet::getcurrent;

/// The most messages of a client's POSTs that wait for its handlers; a POST that brings more waits for room.
const INBOX: usize = 256;

/// The most packets that a poll takes. python-engineio's client refuses more (`Payload.max_decode_packets`).
const POLLED: usize = 16;

/// One client's session.
pub struct Socket {
    pub(super) sid: Sid,
    pub(super) options: Arc<Options>,
    created: Instant,
    state: Mutex<State>,
}

struct State {
    session: Session,
    /// To the client.
    queue: Queue,
    /// From the client, by polling, and how many bytes that are.
    inbox: VecDeque<Message>,
    inbox_bytes: usize,
    /// The lane of the task that serves it, and who wakes it.
    lane: Arc<str>,
    service: Option<Waker>,
    /// A poll that waits, and its lane.
    poll: Option<(Waker, Arc<str>)>,
    /// Whoever waits for room in the inbox, or for the session's end.
    waiting: Vec<Waker>,
    /// The WebSocket that asks to serve the session from now on.
    successor: Option<oneshot::Sender<Service>>,
}

/// The session is over, for this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone: {0}")]
pub struct Gone(pub Reason);

/// Who is to be woken, with its lane; never done while something is locked.
#[must_use]
struct Wake(Option<(Waker, Arc<str>)>);

impl Wake {
    fn go(self, reason: &'static str) {
        if let Some((waker, lane)) = self.0 {
            if getcurrent().as_ref() != Some(&lane) {
                debug!(wakes = &*lane, reason);
            }
            waker.wake();
        }
    }
}

impl State {
    fn service(&mut self) -> Wake {
        Wake(self.service.take().map(|waker| (waker, self.lane.clone())))
    }

    /// Whoever takes packets out of the queue.
    fn reader(&mut self) -> Wake {
        if self.session.is_upgraded() { self.service() } else { Wake(self.poll.take()) }
    }

    /// Has somebody woken for the inbox or for the end, once.
    fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}

impl Socket {
    pub(in crate::server) fn new(transport: TransportType, lane: &str, options: Arc<Options>) -> Self {
        let may_upgrade = options.transports.contains(&TransportType::Websocket);
        let session = Session::new(transport, may_upgrade, options.ping_interval, options.ping_timeout);
        Self {
            sid: Sid::new(),
            created: Instant::now(),
            state: Mutex::new(State {
                session,
                queue: Queue::new(options.queue, options.bytes()),
                inbox: VecDeque::new(),
                inbox_bytes: 0,
                lane: lane.into(),
                service: None,
                poll: None,
                waiting: Vec::new(),
                successor: None,
            }),
            options,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the session began.
    pub(super) fn now(&self) -> Duration {
        self.created.elapsed()
    }

    /// When a time of the session is by the clock.
    pub(super) fn instant(&self, at: Duration) -> tokio::time::Instant {
        (self.created + at).into()
    }

    /// The handshake's packet: `0{"sid":…}`.
    pub(super) fn open_packet(&self) -> Packet {
        let upgrades = if self.state().session.may_upgrade() { [TransportType::Websocket].as_slice() } else { &[] };
        Packet::Open(OpenPacket {
            sid: self.sid,
            upgrades: upgrades.iter().copied().collect(),
            ping_interval: self.options.ping_interval,
            ping_timeout: self.options.ping_timeout,
            max_payload: self.options.max_payload,
        })
    }

    /// The most bytes that a message may have.
    pub(in crate::server) fn max_payload(&self) -> u64 {
        self.options.max_payload
    }

    /// The most packets that may wait for the client.
    pub(in crate::server) fn queue_size(&self) -> usize {
        self.options.queue
    }

    /// Why the session is over, if it is.
    pub(in crate::server) fn ended(&self) -> Option<Reason> {
        self.state().session.ended()
    }

    /// When to look at the heartbeat again.
    pub(super) fn deadline(&self) -> Duration {
        self.state().session.deadline()
    }

    /// How many packets wait for the client.
    pub(super) fn queued(&self) -> usize {
        self.state().queue.len()
    }

    /// The task that serves the session begins to look at all of it: until it waits again, nobody has to wake it. Whether
    /// anything may be begun that leads to more for the client; not while so much waits for it.
    pub(super) fn begin_look(&self) -> bool {
        let mut state = self.state();
        state.service = None;
        // Its end is told by the session.
        !state.queue.is_long() || state.session.ended().is_some()
    }

    /// Ready when the session is over.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<Reason> {
        let mut state = self.state();
        match state.session.ended() {
            Some(reason) => Poll::Ready(reason),
            None => {
                state.wait(cx.waker());
                Poll::Pending
            }
        }
    }

    /// Mirrors `Socket.check_ping_timeout`, and sends the ping that is due. Whoever asks finds the session as it is by now.
    pub(super) fn check_ping_timeout(&self, now: Duration) -> Due {
        let due = self.state().session.check_ping_timeout(now);
        match due {
            Due::Ping => self.send_ping(),
            Due::Ended => self.wake_all("the session's end"),
            Due::Nothing => {}
        }
        due
    }

    /// Mirrors `Socket._send_ping`.
    #[instrument(skip_all, fields(sid = &*shortened(self.sid), timeout_ms = self.options.ping_timeout.as_millis() as u64, queue))]
    fn send_ping(&self) {
        let wake = {
            let mut state = self.state();
            state.queue.push(Packet::Ping);
            Span::current().record("queue", state.queue.len());
            state.reader()
        };
        wake.go("ping");
    }

    /// Mirrors `Socket.receive`: what follows from a packet.
    ///
    /// # Errors
    /// What the session says.
    #[instrument(skip_all, fields(packet = type_of(&packet), sid = &*shortened(self.sid), refused))]
    pub(super) fn receive(&self, by: TransportType, packet: Packet, now: Duration) -> Result<Received, Refusal> {
        let received = self.state().session.receive(by, packet, now);
        match &received {
            Err(refusal) => {
                Span::current().record("refused", refusal.to_string());
                if self.ended().is_some() {
                    self.wake_all("the session's end");
                }
            }
            Ok(Received::Ended(reason)) => {
                debug!(reason = reason.words(), "the client closed the session");
                self.wake_all("the session's end");
            }
            // A pong may bring the next ping before what the timer waits for.
            Ok(Received::Nothing) => self.wake_service("the heartbeat"),
            Ok(Received::Probed(_)) => {
                let wake = Wake(self.state().poll.take());
                wake.go("the probe");
            }
            _ => {}
        }
        received
    }

    /// Puts a message where the task that serves the session takes it from; waits while there is no room.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub(super) async fn deliver(&self, message: Message) -> Result<(), Gone> {
        let mut message = Some(message);
        let wake = poll_fn(|cx| {
            let mut state = self.state();
            if let Some(reason) = state.session.ended() {
                return Poll::Ready(Err(Gone(reason)));
            }
            let bytes = message.as_ref().map_or(0, Message::len);
            let is_full = state.inbox.len() >= INBOX || state.inbox_bytes + bytes > self.options.bytes();
            if is_full && !state.inbox.is_empty() {
                state.wait(cx.waker());
                return Poll::Pending;
            }
            state.inbox.extend(message.take());
            state.inbox_bytes += bytes;
            Poll::Ready(Ok(state.service()))
        })
        .await?;
        wake.go("a message");
        Ok(())
    }

    /// What there is for the task that serves the session; if there is nothing, it is woken for what comes.
    pub(super) fn poll_next(&self, is_full: bool, waker: &Waker) -> Poll<Next> {
        let mut state = self.state();
        state.service = None;
        let ended = state.session.ended();
        // What was taken from the client before the end counts.
        if (!is_full || ended.is_some())
            && let Some(message) = state.inbox.pop_front()
        {
            state.inbox_bytes -= message.len();
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
            return Poll::Ready(Next::Message(message));
        }
        if let Some(reason) = ended {
            // A WebSocket that waits to take over has nothing to wait for.
            state.successor = None;
            return Poll::Ready(Next::Ended(reason));
        }
        if let Some(successor) = state.successor.take() {
            return Poll::Ready(Next::Upgraded(successor));
        }
        state.service = Some(waker.clone());
        Poll::Pending
    }

    /// Mirrors `Socket.send`: packets into the queue, all or none. If it is full, waits or ends the session, as
    /// the options say; nothing is dropped in silence.
    ///
    /// # Errors
    /// If the client is gone.
    pub(in crate::server) async fn send(&self, packets: &[Packet]) -> Result<(), Gone> {
        let mut place = Place { socket: self, number: None };
        poll_fn(|cx| match self.try_send(packets, &mut place.number, cx) {
            Some(sent) => Poll::Ready(sent),
            None => Poll::Pending,
        })
        .await
    }

    /// `None` if there is no room and the options say to wait.
    fn try_send(&self, packets: &[Packet], number: &mut Option<u64>, cx: &mut Context<'_>) -> Option<Result<(), Gone>> {
        let mut state = self.state();
        if let Some(reason) = state.session.ended() {
            return Some(Err(Gone(reason)));
        }
        if !state.queue.put(packets, *number) {
            if self.options.when_full == WhenFull::Wait {
                state.queue.wait(number, cx.waker());
                return None;
            }
            let reason = state.session.end(Reason::QueueFull);
            let queue = state.queue.len();
            drop(state);
            debug!(sid = &*shortened(self.sid), queue, "the queue is full: disconnected");
            self.wake_all("the session's end");
            return Some(Err(Gone(reason)));
        }
        *number = None;
        let bytes: usize = packets.iter().map(|packet| packet.get_size_hint(false)).sum();
        let (queue, next, wake) = (state.queue.len(), state.queue.next_sender(), state.reader());
        drop(state);
        debug!(message = "queued", sid = &*shortened(self.sid), packets = packets.len(), bytes, queue);
        next.into_iter().for_each(Waker::wake);
        wake.go("a packet to send");
        Some(Ok(()))
    }

    /// The next packet for the client.
    pub(in crate::server) fn take_packet(&self) -> Option<Packet> {
        let (packet, next) = {
            let mut state = self.state();
            (state.queue.pop(), state.queue.next_sender())
        };
        next.into_iter().for_each(Waker::wake);
        packet
    }

    /// Mirrors `Socket.close`: ends the session, unless it is over already.
    #[instrument(skip_all, fields(sid = &*shortened(self.sid), reason = %reason, queue))]
    pub(in crate::server) fn close(&self, reason: Reason) {
        {
            let mut state = self.state();
            state.session.end(reason);
            Span::current().record("queue", state.queue.len());
        }
        self.wake_all("the session's end");
    }

    fn wake_all(&self, reason: &'static str) {
        let (service, poll, waiting, senders) = {
            let mut state = self.state();
            let waiting = std::mem::take(&mut state.waiting);
            (state.service(), Wake(state.poll.take()), waiting, state.queue.take_senders())
        };
        service.go(reason);
        poll.go(reason);
        waiting.into_iter().chain(senders).for_each(Waker::wake);
    }

    /// Has the task that serves the session look at it again.
    pub(in crate::server) fn wake_service(&self, reason: &'static str) {
        let wake = self.state().service();
        wake.go(reason);
    }

    /// Begins a poll.
    ///
    /// # Errors
    /// What the session says.
    pub(super) fn begin_poll(self: &Arc<Self>) -> Result<Polling, Refusal> {
        let begun = self.state().session.begin_poll();
        if begun == Err(Refusal::TwoPolls) {
            self.wake_all("the session's end");
        }
        begun.map(|()| Polling { socket: self.clone(), is_answered: false })
    }

    /// Begins an upgrade.
    ///
    /// # Errors
    /// What the session says.
    pub(super) fn begin_probe(self: &Arc<Self>) -> Result<Probing, Refusal> {
        self.state().session.begin_probe()?;
        Ok(Probing(self.clone()))
    }

    /// A WebSocket asks to serve the session from now on, in its own lane; it waits for the answer.
    pub(super) fn succeed(&self) -> oneshot::Receiver<Service> {
        let (give, given) = oneshot::channel();
        let wake = {
            let mut state = self.state();
            state.successor = Some(give);
            state.service()
        };
        wake.go("the upgrade");
        given
    }

    /// The session is served in this lane now.
    pub(super) fn set_lane(&self, lane: &str) {
        let mut state = self.state();
        state.lane = lane.into();
        state.service = None;
    }
}

/// Somebody's place among those who wait for room; given up when it is dropped.
struct Place<'a> {
    socket: &'a Socket,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let next = {
                let mut state = self.socket.state();
                state.queue.give_up(number);
                state.queue.next_sender()
            };
            next.into_iter().for_each(Waker::wake);
        }
    }
}

/// A poll of a session; when it is dropped, another may come.
pub(super) struct Polling {
    socket: Arc<Socket>,
    is_answered: bool,
}

impl Polling {
    /// Waits until there is something for the client, and takes it.
    pub(super) async fn packets(&mut self, lane: &Arc<str>) -> Vec<Packet> {
        let socket = self.socket.clone();
        let packets = poll_fn(|cx| {
            let mut state = socket.state();
            if !state.queue.is_empty() {
                let was_behind = state.queue.is_long();
                let packets: Vec<_> = std::iter::from_fn(|| state.queue.pop()).take(POLLED).collect();
                // Events wait to be begun where the queue was too long for what they lead to.
                let service = if was_behind { state.service() } else { Wake(None) };
                let next = state.queue.next_sender();
                drop(state);
                service.go("room in the queue");
                next.into_iter().for_each(Waker::wake);
                return Poll::Ready(packets);
            }
            match state.session.ended() {
                // Its own close is not told back to it.
                Some(Reason::ClosedByClient) => Poll::Ready(vec![Packet::Noop]),
                Some(_) => Poll::Ready(vec![Packet::Close]),
                None if state.session.is_changing() || state.session.is_upgraded() => Poll::Ready(vec![Packet::Noop]),
                None => {
                    state.poll = Some((cx.waker().clone(), lane.clone()));
                    Poll::Pending
                }
            }
        });
        let packets = packets.await;
        self.is_answered = true;
        packets
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        let is_over = {
            let mut state = self.socket.state();
            state.poll = None;
            state.session.end_poll();
            state.session.ended().is_some()
        };
        if !self.is_answered && !is_over {
            // Its client has gone away from it, and would not know what it has missed.
            self.socket.close(Reason::TransportClosed);
        }
    }
}

/// A WebSocket that is tried; dropped before it has taken over, the session goes on by polling.
pub(super) struct Probing(Arc<Socket>);

impl Drop for Probing {
    fn drop(&mut self) {
        self.0.state().session.probe_failed();
    }
}
