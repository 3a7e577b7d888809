//! The rules of a session, pure: a packet or the time goes in, what follows from it comes out. It knows no socket, no
//! clock and no task: `now` is always the time since the session began.
//!
//! ```text
//!             probe            upgrade
//!   Polling ────────► Probing ─────────► WebSocket           a session begun by WebSocket begins there
//!      ▲                 │
//!      └── probe failed ─┘                                   and from everywhere: ended, with a reason
//!
//!   0 ──ping interval──► ping ──ping timeout──► ended         a pong begins the interval anew
//! ```
//!
//! Source: Engine.IO protocol, revision 4.

use std::fmt;
use std::time::Duration;

use engineioxide_core::{Packet, TransportType};

use super::Message;
use super::refusal::Refusal;

/// A timer is a little late by itself, and on a busy machine a little more. A ping that was late by no more than this, and
/// than a tenth of the client's time for an answer, was sent in time: the answer is due as if it had been sent to the
/// moment, and delays do not add up.
const LATE: Duration = Duration::from_millis(50);

/// One client's session.
#[derive(Debug)]
pub struct Session {
    transport: Transport,
    /// Whether a change to WebSocket is offered.
    upgrades: bool,
    is_polled: bool,
    heartbeat: Heartbeat,
    interval: Duration,
    timeout: Duration,
    ended: Option<Reason>,
}

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Polling,
    /// By polling, while a WebSocket is tried.
    Probing {
        /// It has been answered.
        is_answered: bool,
    },
    WebSocket,
}

/// What is due next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heartbeat {
    Ping(Duration),
    Pong(Duration),
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The client sent a close packet.
    ClosedByClient,
    /// The connection was closed or broke.
    TransportClosed,
    /// A ping was not answered.
    PingTimeout,
    /// The client sent what is no packet.
    InvalidPacket,
    /// A message or a request was larger than announced.
    TooLarge,
    /// The client polled twice at once.
    TwoPolls,
    /// The client took nothing for so long that its queue is full.
    QueueFull,
    /// The client did not say in time what it wants.
    NoConnect,
    /// The server's own code ended it.
    ClosedByServer,
    /// The server stops.
    ServerStops,
}

impl Reason {
    /// What is told to handlers and to whoever watches; the words of Socket.IO where it has some.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ClosedByClient => "client disconnect",
            Self::TransportClosed => "transport close",
            Self::PingTimeout => "ping timeout",
            Self::InvalidPacket => "parse error",
            Self::TooLarge => "payload too large",
            Self::TwoPolls => "two polls at once",
            Self::QueueFull => "queue full",
            Self::NoConnect => "connect timeout",
            Self::ClosedByServer => "server disconnect",
            Self::ServerStops => "server shutting down",
        }
    }

    /// The refusal that tells a WebSocket's peer of it; nothing if it is no mistake of the peer.
    #[must_use]
    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Self::InvalidPacket => Some(Refusal::InvalidPacket),
            Self::TooLarge => Some(Refusal::TooLarge),
            Self::ServerStops => Some(Refusal::Stopping),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What follows from a packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// Nothing.
    Nothing,
    /// It is for the layer above.
    Message(Message),
    /// The probe is answered with this, and a poll that waits is let go with a noop.
    Probed(Packet),
    /// From now on packets travel by WebSocket.
    Upgraded,
    /// The session is over.
    Ended(Reason),
}

/// What has become due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A ping is to be sent.
    Ping,
    /// The answer to one has not come: the session is over.
    Ended,
}

impl Session {
    /// A session that begins now, by that transport. `upgrades`: whether the client may change to WebSocket.
    #[must_use]
    pub fn new(transport: TransportType, upgrades: bool, interval: Duration, timeout: Duration) -> Self {
        let transport = match transport {
            TransportType::Polling => Transport::Polling,
            TransportType::Websocket => Transport::WebSocket,
        };
        let heartbeat = Heartbeat::Ping(interval);
        Self { transport, upgrades, is_polled: false, heartbeat, interval, timeout, ended: None }
    }

    /// Why it is over; nothing while it is not.
    #[must_use]
    pub fn ended(&self) -> Option<Reason> {
        self.ended
    }

    /// Ends it, unless it is over already. What it is over for.
    pub fn end(&mut self, reason: Reason) -> Reason {
        *self.ended.get_or_insert(reason)
    }

    /// Whether packets travel by WebSocket.
    #[must_use]
    pub fn is_upgraded(&self) -> bool {
        self.transport == Transport::WebSocket
    }

    /// Whether the client may change to WebSocket now.
    #[must_use]
    pub fn may_upgrade(&self) -> bool {
        self.upgrades && self.transport == Transport::Polling && self.ended.is_none()
    }

    /// When to look for what is due.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        match self.heartbeat {
            Heartbeat::Ping(at) | Heartbeat::Pong(at) => at,
        }
    }

    /// What has become due. To be asked before everything else: a request after the end of a session must find it ended,
    /// whether or not a timer has said so.
    pub fn check_ping_timeout(&mut self, now: Duration) -> Due {
        if self.ended.is_some() {
            return Due::Ended;
        }
        match self.heartbeat {
            Heartbeat::Ping(at) if now >= at => {
                let sent = if now - at <= LATE.min(self.timeout / 10) { at } else { now };
                self.heartbeat = Heartbeat::Pong(sent + self.timeout);
                Due::Ping
            }
            Heartbeat::Pong(at) if now >= at => {
                self.end(Reason::PingTimeout);
                Due::Ended
            }
            _ => Due::Nothing,
        }
    }

    /// A packet has come.
    ///
    /// # Errors
    /// [`Refusal`], and the session is over for it, but for a probe that failed.
    pub fn receive(&mut self, by: TransportType, packet: Packet, now: Duration) -> Result<Received, Refusal> {
        if self.ended.is_some() {
            return Err(Refusal::UnknownSession);
        }
        if let (TransportType::Websocket, Transport::Probing { is_answered }) = (by, self.transport) {
            return self.receive_while_probing(&packet, is_answered);
        }
        if self.is_upgraded() != (by == TransportType::Websocket) {
            // The old transport after the upgrade; the session goes on by the new one.
            return Err(Refusal::BadRequest);
        }
        match packet {
            Packet::Message(text) => Ok(Received::Message(Message::Text(text))),
            Packet::Binary(bytes) => Ok(Received::Message(Message::Binary(bytes))),
            Packet::Pong => {
                // One that nobody asked for says nothing.
                if matches!(self.heartbeat, Heartbeat::Pong(_)) {
                    self.heartbeat = Heartbeat::Ping(now + self.interval);
                }
                Ok(Received::Nothing)
            }
            Packet::Close => Ok(Received::Ended(self.end(Reason::ClosedByClient))),
            _ => {
                self.end(Reason::InvalidPacket);
                Err(Refusal::InvalidPacket)
            }
        }
    }

    fn receive_while_probing(&mut self, packet: &Packet, is_answered: bool) -> Result<Received, Refusal> {
        match packet {
            Packet::PingUpgrade if !is_answered => {
                self.transport = Transport::Probing { is_answered: true };
                Ok(Received::Probed(Packet::PongUpgrade))
            }
            Packet::Upgrade if is_answered => {
                self.transport = Transport::WebSocket;
                Ok(Received::Upgraded)
            }
            _ => Err(Refusal::InvalidPacket),
        }
    }

    /// A WebSocket comes for this session.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] if it travels by one already, or another is being tried; the session goes on.
    pub fn begin_probe(&mut self) -> Result<(), Refusal> {
        if self.ended.is_some() {
            return Err(Refusal::UnknownSession);
        }
        if !self.may_upgrade() {
            return Err(Refusal::BadRequest);
        }
        self.transport = Transport::Probing { is_answered: false };
        Ok(())
    }

    /// It went away, or said something else than it should: the session goes on by polling.
    pub fn probe_failed(&mut self) {
        if matches!(self.transport, Transport::Probing { .. }) {
            self.transport = Transport::Polling;
        }
    }

    /// Whether a poll must not wait: the probe was answered, and the client changes over once it is told.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.transport == Transport::Probing { is_answered: true }
    }

    /// A poll has come.
    ///
    /// # Errors
    /// If the session is over, has changed to WebSocket, or is polled already; the last ends it.
    pub fn begin_poll(&mut self) -> Result<(), Refusal> {
        if self.ended.is_some() {
            return Err(Refusal::UnknownSession);
        }
        if self.is_upgraded() {
            return Err(Refusal::BadRequest);
        }
        if std::mem::replace(&mut self.is_polled, true) {
            self.end(Reason::TwoPolls);
            return Err(Refusal::TwoPolls);
        }
        Ok(())
    }

    /// The poll has its answer, or its client is gone.
    pub fn end_poll(&mut self) {
        self.is_polled = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use TransportType::{Polling, Websocket};

    const MS: Duration = Duration::from_millis(1);

    fn session(transport: TransportType) -> Session {
        Session::new(transport, true, 300 * MS, 200 * MS)
    }

    fn upgraded() -> Session {
        let mut session = session(Polling);
        session.begin_probe().unwrap();
        session.receive(Websocket, Packet::PingUpgrade, MS).unwrap();
        assert_eq!(session.receive(Websocket, Packet::Upgrade, MS), Ok(Received::Upgraded));
        session
    }

    #[test]
    fn the_first_ping_is_due_one_interval_after_the_beginning() {
        let mut session = session(Polling);
        assert_eq!((session.deadline(), session.check_ping_timeout(299 * MS)), (300 * MS, Due::Nothing));
        assert_eq!(session.check_ping_timeout(301 * MS), Due::Ping);
        assert_eq!(session.check_ping_timeout(301 * MS), Due::Nothing);
    }

    #[test]
    fn a_ping_without_an_answer_ends_it_to_the_moment_though_the_timer_was_late() {
        let mut session = session(Websocket);
        session.check_ping_timeout(302 * MS);
        assert_eq!(session.deadline(), 500 * MS);
        assert_eq!(session.check_ping_timeout(499 * MS), Due::Nothing);
        assert_eq!(session.check_ping_timeout(500 * MS), Due::Ended);
        assert_eq!(session.ended(), Some(Reason::PingTimeout));
        assert_eq!(session.receive(Websocket, Packet::Pong, 501 * MS), Err(Refusal::UnknownSession));
    }

    #[test]
    fn a_ping_that_was_held_up_gives_the_client_its_whole_time() {
        let mut session = session(Websocket);
        assert_eq!(session.check_ping_timeout(2000 * MS), Due::Ping);
        assert_eq!(session.deadline(), 2200 * MS);
    }

    #[test]
    fn a_pong_begins_the_interval_anew_and_only_if_it_was_asked_for() {
        let mut session = session(Polling);
        session.receive(Polling, Packet::Pong, 10 * MS).unwrap();
        assert_eq!(session.deadline(), 300 * MS);
        session.check_ping_timeout(300 * MS);
        assert_eq!(session.receive(Polling, Packet::Pong, 310 * MS), Ok(Received::Nothing));
        assert_eq!(session.deadline(), 610 * MS);
    }

    #[test]
    fn two_polls_at_once_end_it() {
        let mut session = session(Polling);
        session.begin_poll().unwrap();
        session.end_poll();
        session.begin_poll().unwrap();
        assert_eq!(session.begin_poll(), Err(Refusal::TwoPolls));
        assert_eq!(session.ended(), Some(Reason::TwoPolls));
    }

    #[test]
    fn an_upgrade_goes_by_probe_answer_and_upgrade_and_in_no_other_way() {
        let mut session = session(Polling);
        assert_eq!(session.receive(Websocket, Packet::PingUpgrade, MS), Err(Refusal::BadRequest));
        session.begin_probe().unwrap();
        assert_eq!(session.begin_probe(), Err(Refusal::BadRequest));
        assert_eq!(session.receive(Websocket, Packet::Upgrade, MS), Err(Refusal::InvalidPacket));
        assert_eq!(session.receive(Websocket, Packet::PingUpgrade, MS), Ok(Received::Probed(Packet::PongUpgrade)));
        assert!(session.is_changing());
        // Until then the old transport serves.
        let hello = Packet::Message("hello".into());
        assert!(matches!(session.receive(Polling, hello.clone(), MS), Ok(Received::Message(_))));
        assert_eq!(session.receive(Websocket, Packet::Upgrade, MS), Ok(Received::Upgraded));
        assert_eq!(session.receive(Polling, hello.clone(), MS), Err(Refusal::BadRequest));
        assert_eq!(session.begin_poll(), Err(Refusal::BadRequest));
        assert!(matches!(session.receive(Websocket, hello, MS), Ok(Received::Message(_))));
        assert_eq!(session.ended(), None);
    }

    #[test]
    fn a_probe_that_fails_leaves_the_session_as_it_was() {
        let mut session = session(Polling);
        session.begin_probe().unwrap();
        assert_eq!(session.receive(Websocket, Packet::Message("x".into()), MS), Err(Refusal::InvalidPacket));
        session.probe_failed();
        assert_eq!((session.ended(), session.may_upgrade()), (None, true));
        session.begin_poll().unwrap();
    }

    #[test]
    fn what_a_client_never_sends_ends_it() {
        for packet in [Packet::Ping, Packet::Noop, Packet::PongUpgrade, Packet::Upgrade, Packet::PingUpgrade] {
            let mut session = upgraded();
            assert_eq!(session.receive(Websocket, packet, MS), Err(Refusal::InvalidPacket));
            assert_eq!(session.ended(), Some(Reason::InvalidPacket));
        }
    }

    #[test]
    fn a_close_packet_ends_it_and_the_first_reason_stays() {
        let mut session = session(Polling);
        assert_eq!(session.receive(Polling, Packet::Close, MS), Ok(Received::Ended(Reason::ClosedByClient)));
        assert_eq!(session.end(Reason::TransportClosed), Reason::ClosedByClient);
        assert_eq!(session.check_ping_timeout(MS), Due::Ended);
    }

    /// Something that happens to a session.
    #[derive(Clone, Debug)]
    enum Happens {
        Packet(TransportType, Packet),
        Poll,
        PollEnds,
        Probe,
        ProbeFails,
        Look,
        Time(u64),
    }

    fn happens() -> impl Strategy<Value = Happens> {
        let packet = prop::sample::select(vec![
            Packet::Message("hello".into()),
            Packet::Binary(vec![1].into()),
            Packet::Ping,
            Packet::Pong,
            Packet::PingUpgrade,
            Packet::PongUpgrade,
            Packet::Upgrade,
            Packet::Noop,
            Packet::Close,
        ]);
        prop_oneof![
            4 => (prop::sample::select(vec![Polling, Websocket]), packet).prop_map(|(by, packet)| Happens::Packet(by, packet)),
            1 => Just(Happens::Poll),
            1 => Just(Happens::PollEnds),
            1 => Just(Happens::Probe),
            1 => Just(Happens::ProbeFails),
            2 => Just(Happens::Look),
            2 => (0..400_u64).prop_map(Happens::Time),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_first_reason_stays_and_one_transport_speaks(
            begins in prop::sample::select(vec![Polling, Websocket]),
            all in prop::collection::vec(happens(), 0..60),
        ) {
            let mut session = session(begins);
            let (mut now, mut ended, mut was_upgraded) = (Duration::ZERO, None, begins == Websocket);
            for what in all {
                let before = (session.ended(), session.deadline());
                match what {
                    Happens::Packet(by, packet) => match session.receive(by, packet, now) {
                        Ok(Received::Message(_)) => {
                            prop_assert_eq!(by == Websocket, session.is_upgraded(), "a message by the other transport");
                            prop_assert_eq!(before.0, None);
                        }
                        Ok(Received::Upgraded) => prop_assert!(!was_upgraded && session.is_upgraded()),
                        Ok(Received::Ended(reason)) => prop_assert_eq!(session.ended(), Some(reason)),
                        Ok(_) => {}
                        Err(refusal) => {
                            prop_assert_eq!(before.0.is_some(), refusal == Refusal::UnknownSession);
                        }
                    },
                    Happens::Poll => {
                        let begun = session.begin_poll();
                        prop_assert!(begun.is_err() || !was_upgraded && before.0.is_none());
                    }
                    Happens::PollEnds => session.end_poll(),
                    Happens::Probe => {
                        let begun = session.begin_probe();
                        prop_assert!(begun.is_err() || !was_upgraded && before.0.is_none());
                    }
                    Happens::ProbeFails => session.probe_failed(),
                    Happens::Look => match session.check_ping_timeout(now) {
                        Due::Nothing => prop_assert!(now < before.1),
                        Due::Ping => prop_assert!(now >= before.1 && session.deadline() > now),
                        Due::Ended => prop_assert!(session.ended().is_some()),
                    },
                    Happens::Time(ms) => now += Duration::from_millis(ms),
                }
                prop_assert!(ended.is_none() || session.ended() == ended, "the first reason stays");
                prop_assert!(!was_upgraded || session.is_upgraded(), "there is no way back to polling");
                (ended, was_upgraded) = (session.ended(), session.is_upgraded());
            }
        }
    }
}
