//! Which lanes a screen has room for.
//!
//! Thousands of lanes may have come and gone. Those that are alive are known from the state; of those that are over only
//! the ones are looked at that overlap the window and fit.

use super::{LaneId, Log, State, Window};

/// The lanes to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneChoice {
    /// Those that fit, in the order in which they came to be.
    pub lanes: Vec<LaneId>,
    /// How many there are, those that were skipped and those that do not fit among them.
    pub all: usize,
}

impl Log {
    /// How many lanes had come to be among the first `cursor` events.
    #[must_use]
    pub fn lane_count(&self, cursor: usize) -> usize {
        self.lanes().partition_point(|lane| lane.open.0.0 < cursor as u64)
    }

    /// The lanes that are alive in a state, and those that are over and overlap a window: so many of them as there is room
    /// for, after `skip`. If they do not fit, one row is left for a remark, and without a skip the lane at which the state
    /// is paused and those that are alive go first.
    #[must_use]
    pub fn lanes_in(&self, window: Window, state: &State, cursor: usize, skip: usize, room: usize) -> LaneChoice {
        let (all, clock) = (self.lanes(), self.clock());
        let place = |id: LaneId| self.index().lanes.place(id);
        let end = all.partition_point(|lane| lane.open.0.0 < cursor as u64 && clock.program(lane.open.1) <= window.to);
        let begin = all[..end].partition_point(|lane| clock.program(lane.open.1) < window.from);
        let mut alive: Vec<usize> =
            state.lanes().iter().filter(|lane| !lane.is_done).filter_map(|lane| place(lane.id)).collect();
        alive.sort_unstable();
        // Over by now, and not yet when the window begins.
        let from = clock.raw(window.from).0.checked_sub(1).map_or(0, |before| self.cursor_at_raw(super::Time(before)));
        let then = self.outline_at(from.min(cursor) as u64);
        let mut before: Vec<usize> = then.lanes.iter().filter_map(|lane| place(lane.id)).collect();
        before.retain(|at| *at < begin && all[*at].is_over(cursor));
        before.sort_unstable();
        let is_alive = |at: &usize| alive.binary_search(at).is_ok();
        let over = (end - begin) - alive.iter().filter(|at| (begin..end).contains(at)).count();
        let count = alive.len() + before.len() + over;
        let skip = skip.min(count.saturating_sub(1));
        let mut apart: Vec<usize> = alive.iter().chain(&before).copied().collect();
        apart.sort_unstable();
        let in_order = || {
            let earlier = apart.iter().copied().filter(|at| *at < begin);
            let later = apart.iter().copied().filter(|at| *at >= end);
            earlier.chain(begin..end).chain(later)
        };
        let chosen: Vec<usize> = if count - skip <= room {
            in_order().skip(skip).collect()
        } else if skip > 0 {
            in_order().skip(skip).take(room.saturating_sub(1)).collect()
        } else {
            let here = state.paused().and_then(|stop| place(stop.lane));
            let others = alive.iter().copied().filter(|at| Some(*at) != here);
            let over = before.iter().copied().chain((begin..end).filter(|at| !is_alive(at)));
            let first = here.into_iter().chain(others).chain(over);
            let mut chosen: Vec<usize> = first.take(room.saturating_sub(1)).collect();
            chosen.sort_unstable();
            chosen
        };
        LaneChoice { lanes: chosen.into_iter().map(|at| all[at].id).collect(), all: count }
    }
}
