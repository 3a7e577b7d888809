//! A search through a log, a slice at a time, that goes on as the log grows.
//!
//! One pass in the order of events: a call that can match waits, with its fields and its own time, until it ends; then it
//! is decided. Calls that are open where the pass has come to the end of the log are decided for now, and again later.
//! Holds the matches and what is open, not the log.

use std::collections::HashMap;
use std::sync::Arc;

use super::found::Found;
use super::turns::{Turn, Turns};
use super::{Callsite, Candidate, Event, Field, Kind, LaneId, Log, Query, SpanId, Time};

/// A span that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The span.
    pub span: SpanId,
    /// The place of its opening in the log.
    pub at: usize,
    /// The program time of that.
    pub opened: Time,
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Finder {
    query: Query,
    /// How many events have been read.
    read: usize,
    turns: Turns,
    waiting: HashMap<SpanId, Waiting>,
    /// Matches that are over, in the order of their openings.
    closed: Found,
    /// Matches that are open, in that order, each with how many of `closed` are before it.
    open: Vec<(Match, usize)>,
}

/// An open span that can match.
#[derive(Clone, Debug)]
struct Waiting {
    at: usize,
    opened: Time,
    lane: LaneId,
    callsite: Arc<Callsite>,
    fields: Vec<Field>,
    own: u64,
}

impl Finder {
    /// A search that has read nothing.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            read: 0,
            turns: Turns::default(),
            waiting: HashMap::new(),
            closed: Found::default(),
            open: Vec::new(),
        }
    }

    /// What is looked for.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Whether there is something that has not been read.
    #[must_use]
    pub fn is_behind(&self, log: &Log) -> bool {
        self.read < log.len()
    }

    /// How many events have been read.
    #[must_use]
    pub fn read_so_far(&self) -> usize {
        self.read
    }

    /// Reads on, at most this many events.
    pub fn read(&mut self, log: &Log, at_most: usize) {
        let to = log.len().min(self.read.saturating_add(at_most));
        if to <= self.read {
            return;
        }
        // Some of them end in what is read now.
        self.open.clear();
        for event in log.events_in(self.read..to) {
            if let Some(turn) = self.turns.feed(&event) {
                self.count(log, turn);
            }
            self.take(log, &event);
            self.read += 1;
        }
        self.read = to;
        if to == log.len() {
            self.decide_for_now(log);
        }
    }

    fn count(&mut self, log: &Log, turn: Turn) {
        if let Some(waiting) = self.waiting.get_mut(&turn.span).filter(|_| !turn.is_blocked) {
            let took = log.clock().program(turn.to).since(log.clock().program(turn.from));
            waiting.own = waiting.own.saturating_add(took);
        }
    }

    fn take(&mut self, log: &Log, event: &Event) {
        match &event.kind {
            Kind::Open { span, callsite, fields, .. } => {
                let lane = log.lane(event.lane).map_or("", |lane| &lane.name);
                if !self.query.allows(callsite, lane) {
                    return;
                }
                let fields = if self.query.wants_fields() { fields.clone() } else { Vec::new() };
                let opened = log.clock().program(event.time);
                let (at, lane, callsite) = (self.read, event.lane, callsite.clone());
                self.waiting.insert(*span, Waiting { at, opened, lane, callsite, fields, own: 0 });
            }
            Kind::Record { span, fields } if self.query.wants_fields() => {
                if let Some(waiting) = self.waiting.get_mut(span) {
                    waiting.fields.extend(fields.iter().cloned());
                }
            }
            Kind::Close { span } => {
                let Some(waiting) = self.waiting.remove(span) else { return };
                if self.holds(log, &waiting, waiting.own, event.time, false) {
                    let found = Match { span: *span, at: waiting.at, opened: waiting.opened };
                    self.closed.insert(found);
                }
            }
            _ => {}
        }
    }

    fn holds(&self, log: &Log, waiting: &Waiting, own: u64, end: Time, is_open: bool) -> bool {
        let lane = log.lane(waiting.lane).map_or("", |lane| &lane.name);
        let own = log.tells_runs(waiting.lane).then_some(own);
        let total = log.clock().program(end).since(waiting.opened);
        let Waiting { callsite, fields, .. } = waiting;
        self.query.matches(&Candidate { callsite, lane, fields, total, own, is_open })
    }

    fn decide_for_now(&mut self, log: &Log) {
        let now = log.time_at(log.len());
        let clock = log.clock();
        let own: HashMap<SpanId, u64> = self
            .turns
            .under_way(now)
            .filter(|turn| !turn.is_blocked)
            .map(|turn| (turn.span, clock.program(turn.to).since(clock.program(turn.from))))
            .collect();
        let holds = |(span, waiting): &(&SpanId, &Waiting)| {
            let own = waiting.own.saturating_add(own.get(span).copied().unwrap_or(0));
            self.holds(log, waiting, own, now, true)
        };
        let open = self.waiting.iter().filter(holds);
        let mut open: Vec<(Match, usize)> =
            open.map(|(span, found)| (Match { span: *span, at: found.at, opened: found.opened }, 0)).collect();
        open.sort_by_key(|found| found.0.at);
        for found in &mut open {
            found.1 = self.closed.count_while(|other| other.at < found.0.at);
        }
        self.open = open;
    }

    /// How many matches there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.closed.len() + self.open.len()
    }

    /// Whether there is no match so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A match by its number, from 0, in the order of their openings.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<Match> {
        // The open match `i` has `i` open ones and its count of closed ones before it.
        let before = partition(self.open.len(), |at| at + self.open[at].1 < number);
        match self.open.get(before) {
            Some((found, closed)) if before + closed == number => Some(*found),
            _ => self.closed.get(number - before),
        }
    }

    /// How many matches open before a place in the log.
    #[must_use]
    pub fn before(&self, at: usize) -> usize {
        self.closed.count_while(|found| found.at < at) + self.open.partition_point(|found| found.0.at < at)
    }

    /// How many matches open before a program time.
    #[must_use]
    pub fn before_time(&self, time: Time) -> usize {
        self.closed.count_while(|found| found.opened < time) + self.open.partition_point(|found| found.0.opened < time)
    }
}

/// The first of `count` places for which a claim does not hold, if it holds for all before.
fn partition(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
