//! The breakpoints of a gate, each with its hits so far.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Point;
use crate::trace::{Breakpoint, BreakpointId, Callsite, Candidate};

/// Breakpoints, and how often each was hit.
pub(super) struct Breaks {
    list: Vec<(Breakpoint, u64)>,
    /// Another for each set of breakpoints in the process: what a thread has found of one is of no use for the next.
    pub(super) set: u64,
}

/// The number of the next set. 0 is none.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Breaks {
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), set: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Takes these instead. Those that are what they were keep their counts.
    pub(super) fn change(&mut self, breakpoints: Vec<Breakpoint>) {
        let before = std::mem::replace(self, Self::new()).list;
        let is_same = |new: &Breakpoint, old: &Breakpoint| {
            (new.id, new.rule) == (old.id, old.rule) && new.condition == old.condition
        };
        let hits = |new: &Breakpoint| before.iter().find(|old| is_same(new, &old.0)).map_or(0, |old| old.1);
        self.list = breakpoints.into_iter().map(|new| (hits(&new), new)).map(|(hits, new)| (new, hits)).collect();
    }

    /// Counts from nothing again.
    pub(super) fn begin_again(&mut self) {
        self.list.iter_mut().for_each(|entry| entry.1 = 0);
    }

    fn on(&self) -> impl Iterator<Item = &Breakpoint> {
        self.list.iter().map(|entry| &entry.0).filter(|breakpoint| breakpoint.is_on)
    }

    pub(super) fn is_any_on(&self) -> bool {
        self.on().next().is_some()
    }

    pub(super) fn is_on(&self, id: BreakpointId) -> bool {
        self.on().any(|breakpoint| breakpoint.id == id)
    }

    pub(super) fn want_fields(&self) -> bool {
        self.on().any(|breakpoint| breakpoint.condition.wants_fields())
    }

    /// Whether calls of this callsite can be hits.
    pub(super) fn allow(&self, callsite: &Callsite) -> bool {
        self.on().any(|breakpoint| breakpoint.condition.allows(callsite))
    }

    /// Counts a call that begins. The first breakpoint that stops there, if any does.
    pub(super) fn count(&mut self, point: &Point<'_>) -> Option<BreakpointId> {
        let call = Candidate::beginning(point.callsite, point.lane_name, point.fields);
        let mut stops = None;
        for (breakpoint, hits) in &mut self.list {
            if breakpoint.is_on && breakpoint.condition.matches(&call) {
                *hits += 1;
                stops = stops.or(breakpoint.rule.stops_at(*hits).then_some(breakpoint.id));
            }
        }
        stops
    }

    pub(super) fn hits(&self) -> Vec<(BreakpointId, u64)> {
        self.list.iter().map(|(breakpoint, hits)| (breakpoint.id, *hits)).collect()
    }
}
