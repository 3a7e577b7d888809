//! The state of all lanes in numbers: who is open where, without names and fields. A span goes by its number in the log, so
//! that those of a lane are in order and any of thousands is found at once.
//!
//! The same few lines of code bring the live outline on with every event, and a kept one from its place to a cursor; of a call
//! with nothing in it the live one takes all four events at once, to the same end. Names, callsites and fields come from the
//! tables of the log when a [`State`](super::State) is asked for.

use std::collections::VecDeque;

use super::{ItemKind, LaneId, Stop, ThreadId};

/// Lanes that are over and still are part of a state. What is older is in the log's list of lanes.
pub(super) const LATELY_DONE: usize = 32;

/// Threads known before those without a span are forgotten.
const THREADS: usize = 64;
/// How far from its innermost span a thread may leave one: a file that says otherwise is not worth the search.
const DEEP: usize = 1024;
/// Spans of a lane that are over and keep their place until there are as many others.
const OVER: usize = 32;

/// All lanes after some number of events.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// Those that are not over, by id.
    pub(super) lanes: Vec<LaneOutline>,
    /// Those that were over last, in that order.
    pub(super) done: VecDeque<LaneOutline>,
    /// Per thread, by id, the spans entered and not exited, outermost first; some have none.
    pub(super) threads: Vec<(ThreadId, Vec<Entered>)>,
    /// Held threads, in the order of arrival.
    pub(super) held: Vec<Stop>,
    /// The held thread that is shown as paused.
    pub(super) paused: Option<ThreadId>,
    /// Span entered last.
    pub(super) last_entered: Option<u32>,
    /// How many events have recorded fields.
    pub(super) records: u64,
    /// The place of the lane, and of the thread, that were looked for last: mostly they are again.
    pub(super) last_lane: usize,
    pub(super) last_thread: usize,
    /// At how many threads those without a span are forgotten.
    pub(super) threads_due: usize,
}

/// One lane.
#[derive(Clone, Debug)]
pub(super) struct LaneOutline {
    pub(super) id: LaneId,
    /// The thread that ran it last, or made it.
    pub(super) thread: ThreadId,
    pub(super) has_run: bool,
    pub(super) stack: Stack,
}

/// The open spans of a lane, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    /// In the order of their numbers, with some that are over.
    all: Vec<OpenSpan>,
    /// How many of them are.
    over: usize,
}

/// An open span.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenSpan {
    pub(super) number: u32,
    /// How often it was entered.
    pub(super) enters: u32,
    /// How often it is on a thread: it may be on several, or on one for a second time.
    pub(super) on: u32,
    pub(super) is_over: bool,
    /// Which of the events that record fields was its last, from 1; 0 is none.
    pub(super) record: u64,
}

/// A span that a thread has entered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered {
    pub(super) number: u32,
    pub(super) lane: LaneId,
    /// How often it had been entered before.
    pub(super) stretch: u32,
}

impl Outline {
    /// Takes in what happened next. `number` is that of the span it is about, if there is one; `is_new` says of what opens a
    /// span or a lane that there was none of its id before. What enters or leaves a span that is not open changes nothing.
    /// Returns what a thread has entered or left.
    #[inline]
    pub(super) fn apply(
        &mut self,
        lane: LaneId,
        thread: ThreadId,
        kind: &ItemKind<'_>,
        number: Option<u32>,
        is_new: bool,
    ) -> Option<Entered> {
        match *kind {
            ItemKind::LaneOpen { .. } => {
                let at = self.lanes.partition_point(|other| other.id < lane);
                if is_new {
                    self.lanes.insert(at, LaneOutline { id: lane, thread, has_run: false, stack: Stack::default() });
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
            ItemKind::Open { .. } => {
                if is_new && let Some((number, lane)) = number.zip(self.lane_mut(lane)) {
                    lane.stack.push(OpenSpan { number, enters: 0, on: 0, is_over: false, record: 0 });
                }
            }
            ItemKind::Enter { .. } => {
                if let Some(number) = number
                    && let Some(at) = self.lane_mut(lane)
                    && let Some(open) = at.stack.find_mut(number)
                {
                    let entered = Entered { number, lane, stretch: open.enters };
                    open.enters = open.enters.saturating_add(1);
                    open.on = open.on.saturating_add(1);
                    at.has_run = true;
                    at.thread = thread;
                    self.last_entered = Some(number);
                    match self.thread_mut(thread) {
                        Some(all) => all.push(entered),
                        None => self.meet(thread, entered),
                    }
                    return Some(entered);
                }
            }
            ItemKind::Exit { .. } => {
                let all = self.thread_mut(thread)?;
                let back = all.iter().rev().take(DEEP).position(|entered| Some(entered.number) == number)?;
                let left = all.remove(all.len() - 1 - back);
                if let Some(open) = self.lane_mut(lane).and_then(|lane| lane.stack.find_mut(left.number)) {
                    open.on = open.on.saturating_sub(1);
                }
                return Some(left);
            }
            ItemKind::Close { .. } => {
                if let Some((number, lane)) = number.zip(self.lane_mut(lane)) {
                    lane.stack.remove(number);
                }
            }
            ItemKind::Record { .. } => {
                self.records += 1;
                let record = self.records;
                if let Some((number, lane)) = number.zip(self.lane_mut(lane))
                    && let Some(open) = lane.stack.find_mut(number)
                {
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
        None
    }

    /// The same of a span that is opened, entered, left and closed with nothing between; false, and nothing is taken in, if its
    /// thread or its lane is not known.
    #[inline]
    pub(super) fn pass(&mut self, lane: LaneId, thread: ThreadId, number: u32) -> bool {
        if self.thread_mut(thread).is_none() {
            return false;
        }
        let Some(lane) = self.lane_mut(lane) else { return false };
        (lane.has_run, lane.thread) = (true, thread);
        self.last_entered = Some(number);
        true
    }

    /// A thread that was not known enters a span. Those that have left all of theirs are forgotten by the way.
    fn meet(&mut self, thread: ThreadId, entered: Entered) {
        if self.threads.len() >= self.threads_due.max(THREADS) {
            self.threads.retain(|entry| !entry.1.is_empty());
            self.threads_due = 2 * self.threads.len();
        }
        let at = self.threads.partition_point(|entry| entry.0 < thread);
        self.threads.insert(at, (thread, vec![entered]));
    }

    #[inline]
    fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Vec<Entered>> {
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
    pub(super) fn open(&self, lane: LaneId, number: u32) -> Option<&OpenSpan> {
        self.lane(lane).and_then(|lane| lane.stack.find(number))
    }

    /// The innermost span on a thread, and the lane that has control with it.
    #[inline]
    pub(super) fn top(&self, thread: ThreadId) -> Option<Entered> {
        let last = self.threads.get(self.last_thread).filter(|entry| entry.0 == thread);
        let search = || self.threads.binary_search_by_key(&thread, |entry| entry.0).ok().map(|at| &self.threads[at]);
        last.or_else(search)?.1.last().copied()
    }
}

impl Stack {
    /// Those that are open, outermost first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &OpenSpan> {
        self.all.iter().filter(|open| !open.is_over)
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenSpan> {
        self.all.iter_mut().filter(|open| !open.is_over)
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.all.len() - self.over
    }

    fn push(&mut self, open: OpenSpan) {
        self.all.push(open);
    }

    #[inline]
    fn place(&self, number: u32) -> Option<usize> {
        // Mostly it is the innermost.
        match self.all.last() {
            Some(last) if last.number == number => Some(self.all.len() - 1),
            _ => self.all.binary_search_by_key(&number, |open| open.number).ok().filter(|at| !self.all[*at].is_over),
        }
    }

    fn find(&self, number: u32) -> Option<&OpenSpan> {
        self.place(number).map(|at| &self.all[at])
    }

    #[inline]
    fn find_mut(&mut self, number: u32) -> Option<&mut OpenSpan> {
        self.place(number).map(|at| &mut self.all[at])
    }

    /// A span is over. One that is not the innermost leaves its place to be filled later: among thousands of futures every
    /// end would move them all.
    #[inline]
    fn remove(&mut self, number: u32) {
        let Some(at) = self.place(number) else { return };
        if at + 1 == self.all.len() {
            self.all.pop();
            while self.over > 0 && self.all.pop_if(|last| last.is_over).is_some() {
                self.over -= 1;
            }
            return;
        }
        self.all[at].is_over = true;
        self.over += 1;
        if self.over > OVER.max(self.all.len() / 2) {
            self.all.retain(|open| !open.is_over);
            self.over = 0;
        }
    }
}

impl FromIterator<OpenSpan> for Stack {
    fn from_iter<I: IntoIterator<Item = OpenSpan>>(all: I) -> Self {
        Self { all: all.into_iter().collect(), over: 0 }
    }
}

impl OpenSpan {
    /// It is on a thread.
    pub(super) fn is_entered(&self) -> bool {
        self.on > 0
    }
}
