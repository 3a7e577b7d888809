//! The hits of a breakpoint in a log, a slice at a time, as the log grows.
//!
//! One pass in the order of events: an opened call that can match waits, with its fields, until it is entered; then it is
//! decided. Holds the places of the hits and the calls that were opened and not entered.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Callsite, Candidate, Condition, Event, Field, HitRule, Kind, LaneId, Log, SpanId};

/// The hits of a condition, as far as they have been looked for.
#[derive(Clone, Debug)]
pub struct Hits {
    condition: Condition,
    /// How many events have been read.
    read: usize,
    waiting: HashMap<SpanId, Waiting>,
    /// The places of the enters, in order.
    found: Vec<usize>,
}

/// An opened call that can match.
#[derive(Clone, Debug)]
struct Waiting {
    lane: LaneId,
    callsite: Arc<Callsite>,
    fields: Vec<Field>,
}

impl Hits {
    /// Nothing has been read.
    #[must_use]
    pub fn new(condition: Condition) -> Self {
        Self { condition, read: 0, waiting: HashMap::new(), found: Vec::new() }
    }

    /// What is looked for.
    #[must_use]
    pub fn condition(&self) -> &Condition {
        &self.condition
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
        for event in log.events_in(self.read..to) {
            self.take(log, &event);
            self.read += 1;
        }
        self.read = to;
    }

    fn take(&mut self, log: &Log, event: &Event) {
        match &event.kind {
            Kind::Open { span, callsite, fields, .. } if self.condition.allows(callsite) => {
                let fields = if self.condition.wants_fields() { fields.clone() } else { Vec::new() };
                self.waiting.insert(*span, Waiting { lane: event.lane, callsite: callsite.clone(), fields });
            }
            Kind::Record { span, fields } if self.condition.wants_fields() => {
                if let Some(waiting) = self.waiting.get_mut(span) {
                    waiting.fields.extend(fields.iter().cloned());
                }
            }
            Kind::Enter { span } => {
                // Later enters are polls and switches back.
                let Some(Waiting { lane, callsite, fields }) = self.waiting.remove(span) else { return };
                let lane = log.lane(lane).map_or("", |lane| &lane.name);
                if self.condition.matches(&Candidate::beginning(&callsite, lane, &fields)) {
                    self.found.push(self.read);
                }
            }
            Kind::Close { span } => drop(self.waiting.remove(span)),
            _ => {}
        }
    }

    /// How many there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The place of the last hit, as a cursor behind it.
    #[must_use]
    pub fn last(&self) -> Option<usize> {
        self.found.last().map(|at| at + 1)
    }

    /// How many there are up to a cursor.
    #[must_use]
    pub fn before(&self, cursor: usize) -> usize {
        self.found.partition_point(|at| *at < cursor)
    }

    /// The next hit that stops, as a cursor behind it.
    #[must_use]
    pub fn next(&self, cursor: usize, rule: HitRule) -> Option<usize> {
        let number = rule.next(self.before(cursor) as u64)?;
        self.found.get(number as usize - 1).map(|at| at + 1)
    }

    /// The hit before that stops, as a cursor behind it.
    #[must_use]
    pub fn previous(&self, cursor: usize, rule: HitRule) -> Option<usize> {
        let number = rule.last(self.before(cursor.saturating_sub(1)) as u64)?;
        self.found.get(number as usize - 1).map(|at| at + 1)
    }
}
