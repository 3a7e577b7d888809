//! Who has a thread, from when until when: the innermost entered call of each thread, told as it ends.
//!
//! ```text
//!   thread 1   enter run ─ enter get ──────── exit get ─ exit run
//!              └ run ────┘└ get (its turn) ──┘└ run ───┘
//! ```
//!
//! The time of all turns of a call is its own time. A turn is *blocked* while the call says so by its field `blocks`: then
//! the lane has the thread, and the operating system has the lane. Fed event by event; holds as many turns as threads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Event, Field, ItemKind, Kind, LaneId, Log, SpanId, Thread, ThreadId, Time, field};

/// A stretch in which one call was the innermost of its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The lane of the call.
    pub lane: LaneId,
    /// The call.
    pub span: SpanId,
    /// Its beginning, raw.
    pub from: Time,
    /// Its end, raw.
    pub to: Time,
    /// The thread was blocked in the operating system.
    pub is_blocked: bool,
}

/// The turns of all threads.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// Per thread what is entered, outermost first, and since when the innermost has its turn.
    threads: HashMap<ThreadId, (Vec<(SpanId, LaneId)>, Time)>,
    blocking: HashSet<SpanId>,
}

impl Turns {
    /// Takes in what happened next; gives the turn that ended with it, if one did.
    pub fn feed(&mut self, event: &Event) -> Option<Turn> {
        let thread = event.thread.id;
        match &event.kind {
            Kind::Open { span, fields, .. } => {
                if blocks(fields) {
                    self.blocking.insert(*span);
                }
                None
            }
            Kind::Record { span, fields } if blocks(fields) && !self.blocking.contains(span) => {
                let of = self.threads.iter().find(|(_, (stack, _))| stack.last().is_some_and(|top| top.0 == *span));
                let ended = of.map(|of| *of.0).and_then(|thread| self.end(thread, event.time));
                self.blocking.insert(*span);
                ended
            }
            Kind::Enter { span } => {
                let ended = self.end(thread, event.time);
                self.threads.entry(thread).or_insert_with(|| (Vec::new(), event.time)).0.push((*span, event.lane));
                ended
            }
            Kind::Exit { span } => {
                let (stack, _) = self.threads.get(&thread)?;
                let at = stack.iter().rposition(|entered| entered.0 == *span)?;
                let ended = if at + 1 == stack.len() { self.end(thread, event.time) } else { None };
                self.threads.get_mut(&thread)?.0.remove(at);
                ended
            }
            Kind::Close { span } => {
                self.blocking.remove(span);
                None
            }
            _ => None,
        }
    }

    /// The turns that have not ended, as if they did at a raw time.
    pub fn under_way(&self, now: Time) -> impl Iterator<Item = Turn> + '_ {
        self.threads.values().filter_map(move |(stack, since)| self.turn(stack, *since, now))
    }

    /// The lane that has a thread.
    #[must_use]
    pub fn lane_on(&self, thread: ThreadId) -> Option<LaneId> {
        self.threads.get(&thread).and_then(|(stack, _)| stack.last()).map(|top| top.1)
    }

    fn end(&mut self, thread: ThreadId, now: Time) -> Option<Turn> {
        let (stack, since) = self.threads.get(&thread)?;
        let turn = self.turn(stack, *since, now);
        self.threads.get_mut(&thread)?.1 = now;
        turn
    }

    fn turn(&self, stack: &[(SpanId, LaneId)], from: Time, now: Time) -> Option<Turn> {
        let &(span, lane) = stack.last()?;
        Some(Turn { lane, span, from, to: now.max(from), is_blocked: self.blocking.contains(&span) })
    }
}

impl Log {
    /// Which lane was put on which thread, each time before a cursor, in order: what else there is of an event is not read.
    pub fn enters(&self, cursor: usize) -> impl Iterator<Item = (LaneId, &Arc<Thread>)> {
        let items = self.store.items(0).take(cursor);
        let enters = items.filter(|(_, item, _)| matches!(item.kind, ItemKind::Enter { .. }));
        enters.map(|(_, item, tables)| (item.lane, &tables.threads[item.thread as usize]))
    }
}

fn blocks(fields: &[Field]) -> bool {
    field(fields, "blocks").is_some()
}
