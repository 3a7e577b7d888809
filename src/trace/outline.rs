//! The state of all lanes in numbers: who is open where, without names and fields.
//!
//! The same few lines of code bring the live outline on with every event, and a kept one from its place to a cursor. Names,
//! callsites and fields come from the tables of the log when a [`State`](super::State) is asked for.

use std::collections::VecDeque;

use super::{ItemKind, LaneId, SpanId, Stop, ThreadId};

/// Lanes that are over and still are part of a state. What is older is in the log's list of lanes.
pub(super) const LATELY_DONE: usize = 32;

/// Threads known before those without a span are forgotten.
const THREADS: usize = 64;

/// All lanes after some number of events.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// Those that are not over, by id.
    pub(super) lanes: Vec<LaneOutline>,
    /// Those that were over last, in that order.
    pub(super) done: VecDeque<LaneOutline>,
    /// Per thread, by id, the spans entered and not exited, outermost first; some have none.
    pub(super) threads: Vec<(ThreadId, Vec<(SpanId, LaneId)>)>,
    /// Held threads, in the order of arrival.
    pub(super) held: Vec<Stop>,
    /// The held thread that is shown as paused.
    pub(super) paused: Option<ThreadId>,
    /// Span entered last.
    pub(super) last_entered: Option<SpanId>,
    /// How many events have recorded fields.
    pub(super) records: u64,
    /// The place of the lane, and of the thread, that were looked for last: mostly they are again.
    pub(super) last_lane: usize,
    pub(super) last_thread: usize,
}

/// One lane.
#[derive(Clone, Debug)]
pub(super) struct LaneOutline {
    pub(super) id: LaneId,
    /// The thread that ran it last, or made it.
    pub(super) thread: ThreadId,
    pub(super) has_run: bool,
    /// Its open spans, outermost first.
    pub(super) stack: Vec<OpenSpan>,
}

/// An open span.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSpan {
    pub(super) span: SpanId,
    /// How often it was entered.
    pub(super) enters: u32,
    pub(super) is_entered: bool,
    /// Which of the events that record fields was its last, from 1; 0 is none.
    pub(super) record: u64,
}

impl Outline {
    /// Takes in what happened next. `is_new` says of what opens a span or a lane that there was none of its id before.
    #[inline]
    pub(super) fn apply(&mut self, lane: LaneId, thread: ThreadId, kind: &ItemKind<'_>, is_new: bool) {
        match *kind {
            ItemKind::LaneOpen { .. } => {
                let at = self.lanes.partition_point(|other| other.id < lane);
                if is_new {
                    self.lanes.insert(at, LaneOutline { id: lane, thread, has_run: false, stack: Vec::new() });
                }
            }
            ItemKind::LaneClose => {
                if let Ok(at) = self.lanes.binary_search_by_key(&lane, |lane| lane.id) {
                    let over = self.lanes.remove(at);
                    if self.done.len() == LATELY_DONE {
                        self.done.pop_front();
                    }
                    self.done.push_back(over);
                }
            }
            ItemKind::Open { span, .. } => {
                if is_new && let Some(lane) = self.lane_mut(lane) {
                    lane.stack.push(OpenSpan { span, enters: 0, is_entered: false, record: 0 });
                }
            }
            ItemKind::Enter { span } => {
                match self.thread_mut(thread) {
                    Some(entered) => entered.push((span, lane)),
                    None => self.meet(thread, (span, lane)),
                }
                self.last_entered = Some(span);
                if let Some(lane) = self.lane_mut(lane) {
                    lane.has_run = true;
                    lane.thread = thread;
                    if let Some(open) = lane.open_mut(span) {
                        open.enters = open.enters.saturating_add(1);
                        open.is_entered = true;
                    }
                }
            }
            ItemKind::Exit { span } => {
                if let Some(entered) = self.thread_mut(thread)
                    && let Some(at) = entered.iter().rposition(|entered| entered.0 == span)
                {
                    entered.remove(at);
                }
                // It may be on another thread as well, or on this one for a second time.
                let is_entered = self.threads.iter().any(|entry| entry.1.iter().any(|entered| entered.0 == span));
                if let Some(open) = self.lane_mut(lane).and_then(|lane| lane.open_mut(span)) {
                    open.is_entered = is_entered;
                }
            }
            ItemKind::Close { span } => {
                if let Some(lane) = self.lane_mut(lane)
                    && let Some(at) = lane.stack.iter().rposition(|open| open.span == span)
                {
                    lane.stack.remove(at);
                }
            }
            ItemKind::Record { span, .. } => {
                self.records += 1;
                let record = self.records;
                if let Some(open) = self.lane_mut(lane).and_then(|lane| lane.open_mut(span)) {
                    open.record = record;
                }
            }
            ItemKind::Hold { span, edge, is_shown } => {
                if !self.held.iter().any(|held| held.thread == thread) {
                    self.held.push(Stop { lane, thread, span, edge });
                }
                if is_shown {
                    self.paused = Some(thread);
                }
            }
            ItemKind::Release { .. } => {
                self.held.retain(|held| held.thread != thread);
                if self.paused == Some(thread) {
                    self.paused = None;
                }
            }
            ItemKind::Note { .. } | ItemKind::Switch { .. } | ItemKind::Wake { .. } | ItemKind::Dropped { .. } => {}
        }
    }

    /// A thread that was not known enters a span. Those that have left all of theirs are forgotten by the way.
    fn meet(&mut self, thread: ThreadId, entered: (SpanId, LaneId)) {
        if self.threads.len() >= THREADS {
            self.threads.retain(|entry| !entry.1.is_empty());
        }
        let at = self.threads.partition_point(|entry| entry.0 < thread);
        self.threads.insert(at, (thread, vec![entered]));
    }

    #[inline]
    fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Vec<(SpanId, LaneId)>> {
        if self.threads.get(self.last_thread).is_none_or(|entry| entry.0 != id) {
            self.last_thread = self.threads.binary_search_by_key(&id, |entry| entry.0).ok()?;
        }
        Some(&mut self.threads[self.last_thread].1)
    }

    #[inline]
    fn lane_mut(&mut self, id: LaneId) -> Option<&mut LaneOutline> {
        if self.lanes.get(self.last_lane).is_none_or(|lane| lane.id != id) {
            return self.search_lane(id);
        }
        Some(&mut self.lanes[self.last_lane])
    }

    fn search_lane(&mut self, id: LaneId) -> Option<&mut LaneOutline> {
        match self.lanes.binary_search_by_key(&id, |lane| lane.id) {
            Ok(at) => {
                self.last_lane = at;
                Some(&mut self.lanes[at])
            }
            Err(_) => self.done.iter_mut().rev().find(|lane| lane.id == id),
        }
    }

    /// A lane that is not over, or has been for a short time.
    pub(super) fn lane(&self, id: LaneId) -> Option<&LaneOutline> {
        match self.lanes.binary_search_by_key(&id, |lane| lane.id) {
            Ok(at) => Some(&self.lanes[at]),
            Err(_) => self.done.iter().rev().find(|other| other.id == id),
        }
    }

    /// An open span of a lane.
    pub(super) fn open(&self, lane: LaneId, span: SpanId) -> Option<&OpenSpan> {
        self.lane(lane).and_then(|lane| lane.stack.iter().rfind(|open| open.span == span))
    }

    /// The innermost span on a thread, and the lane that has control with it.
    #[inline]
    pub(super) fn top(&self, thread: ThreadId) -> Option<(SpanId, LaneId)> {
        let last = self.threads.get(self.last_thread).filter(|entry| entry.0 == thread);
        let search = || self.threads.binary_search_by_key(&thread, |entry| entry.0).ok().map(|at| &self.threads[at]);
        last.or_else(search)?.1.last().copied()
    }
}

impl LaneOutline {
    #[inline]
    fn open_mut(&mut self, span: SpanId) -> Option<&mut OpenSpan> {
        self.stack.iter_mut().rfind(|open| open.span == span)
    }
}
