//! When calls of our own files were on threads, and on which.
//!
//! ```text
//!   {"ph":"M","tid":3,"name":"thread_name","args":{"name":"conn-1","kind":"task","thread.id":2,"thread":"hub"}}
//!   {"ph":"M","tid":4,"name":"thread_name","args":{"name":"conn-1 polls","polls_of":3}}
//!   {"ph":"B","tid":4,"name":"app","args":{"span.id":14,"thread.id":2,"thread":"hub"}} ──► enter 14 on thread 2
//!   {"ph":"E","tid":4} ──────────────────────────────────────────────────────────────────► exit 14
//! ```
//!
//! A lane with polls is on threads when they are, and at no other time. Files of older versions do not say of a poll which thread
//! it took: when their lanes ran is not known, as it is not known of async calls of other tools.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::merge::Merge;
use super::piece::{Phase, Told};
use super::rows::{Known, Line, NONE, Row, Rows, SPAN, key};
use super::scan::raw;
use crate::trace::{At, LaneId, LaneKind, SpanId, Thread, ThreadId, Time, ValueRef};

/// What an event has that says which thread it was on.
const THREAD: &str = "thread.id";
const NAME: &str = "thread";
/// The largest number of a thread that is believed: others are behind it.
const LARGEST: u32 = i32::MAX as u32;

/// When the calls of a line are on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// As long as they are open.
    WhileOpen,
    /// When their polls say so.
    Polled,
    /// Nobody knows.
    Unknown,
}

/// Threads of the program that the file names.
#[derive(Default)]
pub(super) struct Threads {
    all: Vec<Arc<Thread>>,
    numbers: HashMap<ThreadId, u32>,
}

impl Threads {
    /// The number here of another thread.
    fn add(&mut self, thread: Thread) -> u32 {
        let number = self.all.len() as u32;
        self.numbers.insert(thread.id, number);
        self.all.push(Arc::new(thread));
        number
    }

    /// The one of a number.
    pub(super) fn get(&self, number: u32) -> Option<&Arc<Thread>> {
        self.all.get(number as usize)
    }

    /// The first id behind those of all of them.
    pub(super) fn past(&self) -> u32 {
        self.all.iter().map(|thread| thread.id.0 + 1).max().unwrap_or(1)
    }
}

impl Line {
    /// When its calls are on a thread.
    pub(super) fn runs(&self) -> Runs {
        match self.kind {
            LaneKind::Async => Runs::Unknown,
            LaneKind::Task => Runs::Polled,
            LaneKind::Thread if self.has_polls => Runs::Polled,
            LaneKind::Thread => Runs::WhileOpen,
        }
    }

    /// Whether there is something in it that is not in others too.
    pub(super) fn has(&self, what: Phase) -> bool {
        !self.is_shadow || self.polls_of.is_some() && matches!(what, Phase::Begin | Phase::End)
    }
}

impl Rows {
    /// The number of the thread that an event was on, if it says so.
    fn thread(&mut self, event: &Told) -> Option<u32> {
        let id = ThreadId(u32::try_from(self.number(event, THREAD)?).ok().filter(|id| *id <= LARGEST)?);
        let known = self.threads.numbers.get(&id).copied();
        Some(known.unwrap_or_else(|| {
            let name = self.said(event, NAME).unwrap_or_default();
            self.threads.add(Thread { id, name })
        }))
    }

    /// The same of a poll. If it does not say, it is not known when its lane ran.
    pub(super) fn thread_of_poll(&mut self, event: &Told, lane: u32) -> u32 {
        self.thread(event).unwrap_or_else(|| {
            self.lanes[lane as usize].kind = LaneKind::Async;
            self.threadless += 1;
            NONE
        })
    }

    /// What the name of one of our own lines says of threads: on which it was, or of which lane it shows the polls.
    pub(super) fn threads_of(&mut self, known: &Known<'_>, event: &Told, lane: u32) {
        self.lanes[lane as usize].thread = self.thread(event);
        let Some(of) = self.number(event, "polls_of") else { return };
        let pid = known.tracks[event.track as usize].pid.map_or(&b""[..], |pid| raw(known.bytes, pid));
        let of = self.lane_numbers.get(&key(&[pid, of.to_string().as_bytes()])).copied();
        self.lanes[lane as usize].polls_of = of;
        if let Some(of) = of {
            self.lanes[of as usize].has_polls = true;
        }
    }
}

/// Polls under way: of which call, and their rows.
#[derive(Default)]
pub(super) struct Polls {
    open: BTreeSet<(SpanId, u32)>,
}

impl Merge {
    /// A call is put on a thread.
    pub(super) fn begin_poll(&mut self, number: u32, row: &Row, time: Time) {
        let Some((span, thread)) = self.polled_span(row).zip(self.rows.threads.get(row.site)) else { return };
        let lane = &mut self.lanes[row.lane as usize];
        lane.thread = thread.clone();
        self.packer.enter(At { time, thread, lane: lane.id }, span);
        self.span_of[number as usize] = span.0 as u32;
        self.polls.open.insert((span, number));
    }

    /// It is taken off.
    pub(super) fn end_poll(&mut self, number: u32, row: &Row, time: Time) {
        let span = SpanId(self.span_of[number as usize].into());
        if self.polls.open.remove(&(span, number)) {
            self.leave(span, row, time);
        }
    }

    /// A call is over: so are its polls, though a recording that was cut before their ends does not have those.
    pub(super) fn end_polls_of(&mut self, span: SpanId, time: Time) {
        while let Some(poll) = self.polls.open.range((span, 0)..=(span, u32::MAX)).next().copied() {
            self.polls.open.remove(&poll);
            let row = self.rows.all[poll.1 as usize];
            self.leave(span, &row, time);
        }
    }

    fn leave(&mut self, span: SpanId, row: &Row, time: Time) {
        let lane = LaneId(row.lane + 1);
        if let Some(thread) = self.rows.threads.get(row.site) {
            self.packer.exit(At { time, thread, lane }, span);
        }
    }

    /// The call that a poll is of, if that has begun.
    fn polled_span(&self, row: &Row) -> Option<SpanId> {
        let id = self.rows.fields(row.args).find_map(|(name, value)| match value {
            ValueRef::U64(id) if &*self.rows.names[name as usize] == SPAN => Some(id),
            _ => None,
        });
        id.and_then(|id| self.known.get(&id).copied())
    }
}
