//! The state of all lanes in numbers: who is open where, without names and fields.
//!
//! The same few lines of code bring the live outline on with every event, and a kept one from its place to a cursor. Names,
//! callsites and fields come from the tables of the log when a [`State`](super::State) is asked for.

use std::collections::VecDeque;

use super::{Edge, ItemKind, LaneId, SpanId, Stop, ThreadId};

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
    last_lane: usize,
    last_thread: usize,
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
                if let Some(open) = self.lane_mut(lane).and_then(|lane| lane.open_mut(span)) {
                    open.is_entered = false;
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

/// Outlines kept along the log: close enough to each other that the way from one to any cursor is short, and no more than
/// a byte per event.
#[derive(Clone, Debug, Default)]
pub(super) struct Outlines {
    bytes: Vec<u8>,
    /// The place of each, and where it begins.
    places: Vec<(u64, usize)>,
}

/// Events between two outlines at the least.
const INTERVAL: u64 = 256;

impl Outlines {
    /// Keeps the outline before the event at a place, if one is due.
    #[inline]
    pub(super) fn keep(&mut self, place: u64, outline: &Outline) {
        let since = self.places.last().map_or(u64::MAX, |last| place - last.0);
        if since < INTERVAL {
            return;
        }
        let length = self.places.last().map_or(0, |last| self.bytes.len() - last.1);
        if length as u64 > since {
            return;
        }
        self.places.push((place, self.bytes.len()));
        outline.write(&mut self.bytes);
    }

    /// The last outline kept at or before a cursor, and its place.
    pub(super) fn before(&self, cursor: u64) -> (u64, Outline) {
        let Some(at) = self.places.partition_point(|kept| kept.0 <= cursor).checked_sub(1) else {
            return (0, Outline::default());
        };
        let (place, begin) = self.places[at];
        (place, Outline::read(&mut &self.bytes[begin..]))
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.places.capacity() * 16
    }
}

impl Outline {
    fn write(&self, bytes: &mut Vec<u8>) {
        let mut last = 0;
        write_lanes(bytes, &self.lanes, &mut last, self.records);
        write_lanes(bytes, self.done.iter(), &mut last, self.records);
        let threads = || self.threads.iter().filter(|entry| !entry.1.is_empty());
        put(bytes, threads().count() as u64);
        for (thread, entered) in threads() {
            put(bytes, thread.0.into());
            put(bytes, entered.len() as u64);
            for (span, lane) in entered {
                put_near(bytes, span.0, &mut last);
                put(bytes, lane.0.into());
            }
        }
        put(bytes, self.held.len() as u64);
        for stop in &self.held {
            put(bytes, stop.lane.0.into());
            put(bytes, u64::from(stop.thread.0) << 1 | u64::from(stop.edge == Edge::Exit));
            put_near(bytes, stop.span.0, &mut last);
        }
        put(bytes, self.paused.map_or(0, |thread| u64::from(thread.0) + 1));
        put(bytes, self.last_entered.is_some().into());
        put_near(bytes, self.last_entered.map_or(last, |span| span.0), &mut last);
        put(bytes, self.records);
    }

    fn read(bytes: &mut &[u8]) -> Self {
        let mut last = 0;
        let mut lanes = read_lanes(bytes, &mut last);
        let mut done = read_lanes(bytes, &mut last);
        let threads = (0..take(bytes)).map(|_| {
            let thread = ThreadId(take(bytes) as u32);
            let entered = (0..take(bytes)).map(|_| (SpanId(take_near(bytes, &mut last)), LaneId(take(bytes) as u32)));
            (thread, entered.collect())
        });
        let threads = threads.collect();
        let held = (0..take(bytes)).map(|_| {
            let (lane, thread) = (LaneId(take(bytes) as u32), take(bytes));
            let edge = if thread & 1 == 1 { Edge::Exit } else { Edge::Enter };
            Stop { lane, thread: ThreadId((thread >> 1) as u32), span: SpanId(take_near(bytes, &mut last)), edge }
        });
        let held = held.collect();
        let paused = take(bytes).checked_sub(1).map(|thread| ThreadId(thread as u32));
        let has_entered = take(bytes) == 1;
        let last_entered = SpanId(take_near(bytes, &mut last));
        let records = take(bytes);
        // They were written as how long ago.
        for open in lanes.iter_mut().chain(&mut done).flat_map(|lane| &mut lane.stack).filter(|open| open.record > 0) {
            open.record = records + 1 - open.record;
        }
        Self {
            lanes,
            done: done.into(),
            threads,
            held,
            paused,
            last_entered: has_entered.then_some(last_entered),
            records,
            last_lane: 0,
            last_thread: 0,
        }
    }
}

fn write_lanes<'a>(
    bytes: &mut Vec<u8>,
    lanes: impl IntoIterator<Item = &'a LaneOutline, IntoIter: ExactSizeIterator>,
    last: &mut u64,
    records: u64,
) {
    let lanes = lanes.into_iter();
    put(bytes, lanes.len() as u64);
    for lane in lanes {
        put(bytes, lane.id.0.into());
        put(bytes, lane.thread.0.into());
        put(bytes, (lane.stack.len() as u64) << 1 | u64::from(lane.has_run));
        for open in &lane.stack {
            put_near(bytes, open.span.0, last);
            let has_record = open.record > 0;
            put(bytes, u64::from(open.enters) << 2 | u64::from(has_record) << 1 | u64::from(open.is_entered));
            if has_record {
                put(bytes, records + 1 - open.record);
            }
        }
    }
}

fn read_lanes(bytes: &mut &[u8], last: &mut u64) -> Vec<LaneOutline> {
    let lanes = (0..take(bytes)).map(|_| {
        let (id, thread) = (LaneId(take(bytes) as u32), ThreadId(take(bytes) as u32));
        let head = take(bytes);
        let stack = (0..head >> 1).map(|_| {
            let span = SpanId(take_near(bytes, last));
            let flags = take(bytes);
            let record = if flags & 2 == 0 { 0 } else { take(bytes) };
            OpenSpan { span, enters: (flags >> 2) as u32, is_entered: flags & 1 == 1, record }
        });
        LaneOutline { id, thread, has_run: head & 1 == 1, stack: stack.collect() }
    });
    lanes.collect()
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_first() else { break };
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

/// A number near the one before, whichever is larger.
fn put_near(bytes: &mut Vec<u8>, number: u64, last: &mut u64) {
    let step = number.wrapping_sub(*last) as i64;
    put(bytes, ((step << 1) ^ (step >> 63)) as u64);
    *last = number;
}

fn take_near(bytes: &mut &[u8], last: &mut u64) -> u64 {
    let step = take(bytes);
    *last = last.wrapping_add(((step >> 1) as i64 ^ -((step & 1) as i64)) as u64);
    *last
}
