//! Bytes as what happens to a session of Engine.IO: packets and bodies by either transport, polls, probes, time.

use std::time::Duration;

use spanwalk::server::engineio::TransportType::{Polling, Websocket};
use spanwalk::server::engineio::polling::{decode, packets};
use spanwalk::server::engineio::refusal::Refusal;
use spanwalk::server::engineio::session::{Due, Reason, Received, Session};
use spanwalk::server::engineio::{Packet, TransportType};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);

/// A session, and what must have become of it.
struct Watched {
    session: Session,
    now: Duration,
    was_upgraded: bool,
    ended: Option<Reason>,
}

/// Does to a session what the bytes say. Whatever that is, the first reason for its end stays, nothing is received after it,
/// one transport speaks, and a heartbeat is always due some time.
pub fn run(bytes: &[u8]) {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let begins = if first & 1 == 0 { Polling } else { Websocket };
    let may_upgrade = first & 2 == 0;
    let mut watched = Watched {
        session: Session::new(begins, may_upgrade, INTERVAL, TIMEOUT),
        now: Duration::ZERO,
        was_upgraded: begins == Websocket,
        ended: None,
    };
    while let Some((what, after)) = rest.split_first() {
        rest = after;
        let by = if what & 0x80 == 0 { Polling } else { Websocket };
        match what % 8 {
            // One packet, as a frame has it; or as many as a body has.
            kind @ 0..=1 => {
                let Some((length, after)) = rest.split_first() else { return };
                let (text, after) = after.split_at(usize::from(*length).min(after.len()));
                rest = after;
                let Ok(text) = String::from_utf8(text.to_vec()) else { continue };
                if kind == 0 {
                    decode(text.into()).into_iter().for_each(|packet| watched.receive(by, packet));
                } else {
                    let all = packets(text.clone().into()).map_while(Result::ok);
                    assert!(packets(text.clone().into()).count() == text.split('\u{1e}').count());
                    all.for_each(|packet| watched.receive(by, packet));
                }
            }
            2 => {
                let (was_over, was_upgraded) = (watched.session.ended().is_some(), watched.session.is_upgraded());
                let begun = watched.session.begin_poll();
                assert!(begun.is_err() || !was_over && !was_upgraded, "a poll of a session that has none");
            }
            3 => watched.session.end_poll(),
            4 => {
                let may_upgrade = watched.session.may_upgrade();
                assert_eq!(watched.session.begin_probe().is_ok(), may_upgrade);
            }
            5 if by == Polling => watched.session.probe_failed(),
            // The server's own code, or a connection that broke.
            5 => {
                let reason =
                    watched.session.end(if what & 8 == 0 { Reason::ClosedByServer } else { Reason::TransportClosed });
                assert_eq!(watched.session.ended(), Some(reason));
            }
            6 => {
                let deadline = watched.session.deadline();
                match watched.session.check_ping_timeout(watched.now) {
                    Due::Nothing => assert!(watched.now < deadline),
                    Due::Ping => assert!(watched.now >= deadline && watched.session.deadline() > watched.now),
                    Due::Ended => assert!(watched.session.ended().is_some()),
                }
            }
            _ => watched.now += Duration::from_millis(u64::from(what >> 3) * 20),
        }
        watched.check();
    }
}

impl Watched {
    fn receive(&mut self, by: TransportType, packet: Packet) {
        let (was_over, was_upgraded) = (self.session.ended().is_some(), self.session.is_upgraded());
        match self.session.receive(by, packet, self.now) {
            Ok(_) if was_over => panic!("received after the end"),
            Ok(Received::Message(_)) => assert_eq!(by == Websocket, was_upgraded, "a message by the other transport"),
            Ok(Received::Upgraded) => assert!(by == Websocket && !was_upgraded && self.session.is_upgraded()),
            Ok(Received::Ended(reason)) => assert_eq!(self.session.ended(), Some(reason)),
            Ok(Received::Nothing | Received::Probed(_)) => {}
            Err(refusal) => assert_eq!(was_over, refusal == Refusal::UnknownSession),
        }
        self.check();
    }

    fn check(&mut self) {
        assert!(self.ended.is_none() || self.session.ended() == self.ended, "the first reason stays");
        assert!(!self.was_upgraded || self.session.is_upgraded(), "there is no way back to polling");
        (self.ended, self.was_upgraded) = (self.session.ended(), self.session.is_upgraded());
    }
}

/// To begin with: what real clients do, and a little besides.
pub fn seeds() -> Vec<Vec<u8>> {
    let frame = |by: u8, text: &str| [&[by, text.len() as u8], text.as_bytes()].concat();
    let join = |parts: &[&[u8]]| parts.concat();
    let (poll, end_poll, probe, fails, look, wait) = ([2], [3], [4], [5], [6], [0xff]);
    vec![
        join(&[
            &[0],
            &poll,
            &frame(1, "4hello\u{1e}bAQID\u{1e}3"),
            &end_poll,
            &wait,
            &look,
            &frame(0, "3"),
            &wait,
            &look,
        ]),
        join(&[&[0], &probe, &frame(0x80, "2probe"), &frame(0x80, "5"), &frame(0x80, "4after"), &frame(0, "4before")]),
        join(&[&[0], &probe, &frame(0x80, "x"), &fails, &poll, &poll]),
        join(&[&[1], &frame(0x80, "4hello"), &frame(0x80, "1"), &frame(0x80, "4after")]),
        join(&[&[3], &wait, &look, &wait, &look, &wait, &look, &frame(0x80, "3")]),
        join(&[&[1], &[0x85], &[0x8d], &frame(0x80, "4after"), &look]),
        join(&[&[2], &probe, &frame(1, "b!\u{1e}\u{1e}6"), &frame(1, "0{\"sid\":\"x\"}")]),
    ]
}
