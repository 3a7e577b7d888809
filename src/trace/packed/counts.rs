//! How many events each lane has had, told run by run: nothing is done while the lane stays the same.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::LaneId;
use super::names::AddressHasher;

/// Events of each lane that is not over.
#[derive(Clone, Debug, Default)]
pub(in crate::trace) struct LaneCounts {
    /// The lane of what comes now, and the place at which its run began.
    run: (LaneId, u64),
    before: HashMap<LaneId, u64, BuildHasherDefault<AddressHasher>>,
}

impl LaneCounts {
    /// Counts from a place on. What lies between there and what was [settled](Self::settle) last is not counted.
    pub(in crate::trace) fn resume(&mut self, at: u64) {
        self.run.1 = at;
    }

    /// What comes at a place is in this lane, and so is what follows, until something else is said.
    #[inline]
    pub(in crate::trace) fn turn(&mut self, lane: LaneId, at: u64) {
        if lane != self.run.0 {
            self.settle(at);
            self.run.0 = lane;
        }
    }

    /// Everything up to a place is counted.
    pub(in crate::trace) fn settle(&mut self, at: u64) {
        let (lane, from) = self.run;
        if at > from {
            let before = self.before.entry(lane).or_default();
            // What a chunk says may be anything.
            *before = before.saturating_add(at - from);
        }
        self.run.1 = at;
    }

    /// A lane is over, and all that comes of it up to a place: it is not counted any more.
    pub(in crate::trace) fn close(&mut self, lane: LaneId, at: u64) {
        self.settle(at);
        self.before.remove(&lane);
    }

    /// What a lane had when it was [settled](Self::settle) last.
    pub(in crate::trace) fn of(&self, lane: LaneId) -> u64 {
        self.before.get(&lane).copied().unwrap_or(0)
    }

    /// Another count is right; what it was.
    pub(in crate::trace) fn replace(&mut self, lane: LaneId, count: u64) -> u64 {
        self.before.insert(lane, count).unwrap_or(0)
    }

    /// Lanes that are none of these are over.
    pub(in crate::trace) fn retain(&mut self, is_open: impl Fn(LaneId) -> bool) {
        self.before.retain(|lane, _| is_open(*lane));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_one_lane_asks_for_no_memory_and_looks_nothing_up() {
        let mut counts = LaneCounts::default();
        (0..1_000).for_each(|at| counts.turn(LaneId(1), at));
        assert_eq!(counts.before.capacity(), 0);
        counts.turn(LaneId(2), 1_000);
        counts.turn(LaneId(1), 1_001);
        counts.settle(1_003);
        assert_eq!([1, 2, 3].map(|lane| counts.of(LaneId(lane))), [1_002, 1, 0]);
        counts.close(LaneId(1), 1_004);
        assert_eq!(counts.of(LaneId(1)), 0);
        // What another wrote in between does not count.
        counts.resume(2_000);
        counts.turn(LaneId(2), 2_000);
        counts.settle(2_001);
        assert_eq!((counts.of(LaneId(1)), counts.of(LaneId(2))), (0, 2));
    }
}
