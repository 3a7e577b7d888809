//! The lanes of a log, with their spans by depth.
//!
//! A row is all spans of a lane at one depth, in the order of opening. Beside the numbers of the spans it keeps when they
//! opened: what a screen looks for in a row it finds without a look at the spans.

use std::collections::HashMap;
use std::sync::Arc;

use super::group::{GroupId, Groups, LaneGroup};
use super::spans::Spans;
use super::{LaneId, LaneKind, Seq, Stretch, Time};

/// Spans of a row that share a full time.
const GROUP: usize = 64;

/// A lane over its whole life.
#[derive(Clone, Debug)]
pub struct LaneRecord {
    /// Its id.
    pub id: LaneId,
    /// Its name, such as `hub` or `conn-1`.
    pub name: Arc<str>,
    /// Thread or task.
    pub kind: LaneKind,
    /// When it came to be: place in the log and raw time.
    pub open: (Seq, Time),
    /// When it was over.
    pub close: Option<(Seq, Time)>,
    /// Stretches in which it had control of its thread and was not blocked in the operating system.
    pub(super) runs: Vec<Stretch>,
    /// On how many threads it has control now.
    running: u32,
    /// Of which kind it is.
    kind_of: u32,
    /// Its spans by depth.
    pub(super) rows: Vec<LaneRow>,
}

/// The spans of a lane at one depth.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneRow {
    spans: Vec<u32>,
    /// When each opened: ns after its group's first.
    after: Vec<u32>,
    /// When the first of each group opened.
    firsts: Vec<u64>,
}

impl LaneRow {
    #[inline]
    fn push(&mut self, span: u32, opened: Time) {
        if self.spans.len().is_multiple_of(GROUP) {
            self.firsts.push(opened.0);
        }
        let first = self.firsts.last().copied().unwrap_or_default();
        let after = opened.0.checked_sub(first).and_then(|after| u32::try_from(after).ok());
        self.spans.push(span);
        self.after.push(after.unwrap_or(u32::MAX));
    }

    /// The spans, in the order of opening.
    pub(super) fn spans(&self) -> &[u32] {
        &self.spans
    }

    /// How many of the first `end` spans opened before a raw time. `from` is a place at which the search may begin.
    pub(super) fn opened_before(&self, spans: &Spans, time: Time, from: usize, end: usize) -> usize {
        let end = end.min(self.spans.len());
        if from >= end {
            return end;
        }
        // Most searches end near the place they begin at.
        let groups = &self.firsts[..end.div_ceil(GROUP)];
        let (mut low, mut step) = (from / GROUP, 1);
        while low + step < groups.len() && groups[low + step] < time.0 {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(groups.len());
        let group = low + groups[low..high].partition_point(|first| *first < time.0).saturating_sub(1);
        let begin = (group * GROUP).max(from);
        let within = begin..end.min((group + 1) * GROUP).max(begin);
        let first = self.firsts[group];
        let is_before = |at: usize| match self.after[at] {
            u32::MAX => spans.opened(self.spans[at]).0 < time.0,
            after => first + u64::from(after) < time.0,
        };
        let (mut low, mut high) = (within.start, within.end);
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn bytes(&self) -> usize {
        self.spans.capacity() * 4 + self.after.capacity() * 4 + self.firsts.capacity() * 8
    }
}

impl LaneRecord {
    /// Whether it was over before a cursor.
    #[must_use]
    pub fn is_over(&self, cursor: usize) -> bool {
        self.close.is_some_and(|close| close.0.0 < cursor as u64)
    }

    /// When it ran for the first time, raw.
    #[must_use]
    pub fn first_run(&self) -> Option<Time> {
        self.runs.first().map(|run| run.0)
    }
}

/// All lanes, in the order in which they came to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    all: Vec<LaneRecord>,
    /// Places of the lanes that did not come in the order of their ids.
    odd: HashMap<LaneId, usize>,
    /// The highest id so far, and the places of those that were the highest when they came.
    rising: Vec<(LaneId, u32)>,
    groups: Groups,
}

impl Lanes {
    /// All, in the order in which they came to be.
    pub(super) fn all(&self) -> &[LaneRecord] {
        &self.all
    }

    /// Adds a lane; false if there is one of this id.
    pub(super) fn open(&mut self, id: LaneId, name: Arc<str>, kind: LaneKind, open: (Seq, Time)) -> bool {
        if self.rising.last().is_none_or(|last| last.0 < id) {
            self.rising.push((id, self.all.len() as u32));
        } else if self.place(id).is_some() {
            return false;
        } else {
            self.odd.insert(id, self.all.len());
        }
        let kind_of = self.groups.open(self.all.len() as u32, &name, kind, open.1);
        let (close, runs, rows) = (None, Vec::new(), Vec::new());
        self.all.push(LaneRecord { id, name, kind, open, close, runs, running: 0, kind_of, rows });
        true
    }

    /// The place of a lane among all.
    #[inline]
    pub(super) fn place(&self, id: LaneId) -> Option<usize> {
        let guess = id.0.wrapping_sub(1) as usize;
        if self.all.get(guess).is_some_and(|lane| lane.id == id) {
            return Some(guess);
        }
        let at = self.rising.binary_search_by_key(&id, |lane| lane.0);
        at.map(|at| self.rising[at].1 as usize).ok().or_else(|| self.odd.get(&id).copied())
    }

    /// A lane by its id.
    #[inline]
    pub(super) fn get(&self, id: LaneId) -> Option<&LaneRecord> {
        self.place(id).map(|at| &self.all[at])
    }

    fn get_mut(&mut self, id: LaneId) -> Option<&mut LaneRecord> {
        self.place(id).map(|at| &mut self.all[at])
    }

    /// A lane is over.
    pub(super) fn close(&mut self, id: LaneId, close: (Seq, Time)) {
        if let Some(lane) = self.get_mut(id).filter(|lane| lane.close.is_none()) {
            lane.close = Some(close);
            let kind_of = lane.kind_of;
            self.groups.close(kind_of, close.1);
        }
    }

    /// A span was opened in a lane; whether it will be known when it is on a thread.
    #[inline]
    pub(super) fn opened(&mut self, id: LaneId, depth: usize, span: u32, time: Time) -> bool {
        let Some(lane) = self.get_mut(id) else { return true };
        if lane.rows.len() <= depth {
            lane.rows.resize_with(depth + 1, LaneRow::default);
        }
        lane.rows[depth].push(span, time);
        lane.kind.tells_runs()
    }

    /// A lane has got control of a thread.
    pub(super) fn begin_run(&mut self, id: LaneId, time: Time) {
        if let Some(lane) = self.get_mut(id) {
            lane.running += 1;
            if lane.running == 1 {
                lane.runs.push((time, None));
                let kind_of = lane.kind_of;
                if lane.kind.tells_runs() {
                    self.groups.begin_run(kind_of, time);
                }
            }
        }
    }

    /// A lane has lost control of a thread, or blocks.
    pub(super) fn end_run(&mut self, id: LaneId, time: Time) {
        if let Some(lane) = self.get_mut(id) {
            let was_running = lane.running > 0;
            lane.running = lane.running.saturating_sub(1);
            if lane.running == 0
                && let Some(run) = lane.runs.last_mut()
            {
                run.1.get_or_insert(time);
                let kind_of = lane.kind_of;
                if was_running && lane.kind.tells_runs() {
                    self.groups.end_run(kind_of, time);
                }
            }
        }
    }

    /// The group that a lane at a place is in.
    pub(super) fn group_of(&self, place: usize) -> Option<&LaneGroup> {
        self.all.get(place).and_then(|lane| self.groups.get(lane.kind_of))
    }

    /// A group by its id.
    pub(super) fn group(&self, id: GroupId) -> Option<&LaneGroup> {
        self.groups.get(id.0)
    }

    /// All groups, in the order in which the first of their lanes came to be.
    pub(super) fn groups(&self) -> impl Iterator<Item = &LaneGroup> {
        self.groups.groups()
    }

    /// Places of the lanes that are in no group.
    pub(super) fn loose(&self) -> &[u32] {
        self.groups.loose()
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        let of = |lane: &LaneRecord| {
            let rows: usize = lane.rows.iter().map(LaneRow::bytes).sum();
            rows + lane.rows.capacity() * size_of::<LaneRow>() + lane.runs.capacity() * size_of::<Stretch>()
        };
        self.all.capacity() * size_of::<LaneRecord>() + self.all.iter().map(of).sum::<usize>() + self.groups.bytes()
    }
}
