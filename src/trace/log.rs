//! The append-only log, with the indexes that keep every question cheap.
//!
//! ```text
//!   Chunk, Event ──► store: the packed events          event(at), events_in(range), cursor_at(time)
//!                └─► index: spans, lanes, calls …      span(id), lane(id), state_at(cursor), first_enter(key), call_stats
//! ```
//!
//! Nothing is kept per event but its bytes. A span takes forty-four bytes more, twelve in the lists of its lane and its
//! callsite, and a few for the places from which reading may begin.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, OnceLock};

use super::event::keep_last;
use super::index::Index;
use super::outline::Outline;
use super::packed::LaneCounts;
use super::store::{Seen, Store};
use super::{
    Bookmarks, Callsite, Event, Field, GroupId, ItemKind, Key, LaneGroup, LaneId, LaneRecord, ProgramClock, Seq,
    SpanId, State, Stretch, Time, Value, field,
};

/// Events that recorded fields while a span was open, of which each is looked at for whether it was one of that span's.
const FEW_RECORDS: u64 = 4;

/// Everything that happened, in order. Grows at the end only.
#[derive(Clone, Default)]
pub struct Log {
    pub(super) store: Store,
    pub(super) index: Index,
    /// The state at the end, once somebody has asked.
    latest: OnceLock<State>,
    /// How many events of the recording are before the log, and not missing.
    pub(super) begins_at: u64,
    /// The place in the recording of the chunk that should come next: the log's own places have no gaps.
    pub(super) next_in_recording: u64,
    /// The place in the recording of the chunk that came last, while nothing else has come.
    pub(super) last_chunk: Option<u64>,
    /// Where events of the recording are missing, in order.
    pub(super) gaps: Vec<Gap>,
    /// Events of the recording by lane, those in gaps too.
    pub(super) counts: LaneCounts,
    /// What a person has marked.
    pub(super) bookmarks: Bookmarks,
}

/// A stretch of the recording that is not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The place in the log of what says so, lane by lane; what brings the log over it follows.
    pub at: usize,
    /// The place of the first event of the recording behind it.
    pub resumed: usize,
    /// How many events are missing: none if it is only that the log begins here, with what was open.
    pub missing: u64,
    /// They were let go on purpose, to bound the log.
    pub is_forgotten: bool,
}

/// A span over its whole life, as far as the log goes.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanRecord {
    /// Its id.
    pub id: SpanId,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// The span it is inside of.
    pub parent: Option<SpanId>,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// How many spans of its lane are around it.
    pub depth: usize,
    /// Its opening: place in the log and raw time.
    pub open: (Seq, Time),
    /// Its close, if it is over.
    pub close: Option<(Seq, Time)>,
    /// When it was first put on a thread, raw; [`Log::stretches`] has all of its time there.
    pub entered: Option<Time>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("len", &self.len()).field("spans", &self.span_count()).finish_non_exhaustive()
    }
}

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what happened next, under the next place: its own `seq` is not looked at. Something that is recorded in
    /// chunks comes in faster with [`Log::append`].
    pub fn push(&mut self, event: Event) {
        self.store.pack(&event);
        self.last_chunk = None;
        // What was just packed is well-formed.
        let _ = self.read(u64::MAX, |_| {});
    }

    /// Takes in what the store has got; `see` has a look at each event too, at a call with nothing in it once.
    pub(super) fn read(&mut self, at_most: u64, mut see: impl FnMut(&Seen<'_>)) -> Result<u64, super::Corrupt> {
        self.latest.take();
        let index = &mut self.index;
        self.store.read(at_most, |seen, tables| {
            see(&seen);
            index.take(&seen, tables);
        })
    }

    /// An empty log for what has been in another, with the program time of that.
    pub(super) fn told_again(clock: &ProgramClock) -> Self {
        let mut log = Self::new();
        log.index.clock = clock.told_again();
        log
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// How many events there are; also the cursor that stands at the end.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len() as usize
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at a place, from 0. The cursor behind it is one more.
    #[must_use]
    pub fn event(&self, at: usize) -> Option<Event> {
        self.events_in(at..=at).next()
    }

    /// The events at some places, in order: `..` for all, `..cursor` for those before a cursor.
    pub fn events_in(&self, range: impl RangeBounds<usize>) -> impl Iterator<Item = Event> + '_ {
        let (from, to) = self.bounds(range);
        let items = self.store.items(from as u64).take(to - from);
        items.map(|(place, item, tables)| tables.event(&item, Seq(place)))
    }

    fn bounds(&self, range: impl RangeBounds<usize>) -> (usize, usize) {
        let from = match range.start_bound() {
            Bound::Included(at) => *at,
            Bound::Excluded(at) => at.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(at) => at.saturating_add(1),
            Bound::Excluded(at) => *at,
            Bound::Unbounded => self.len(),
        };
        let to = to.min(self.len());
        (from.min(to), to)
    }

    /// The cursor behind everything that had happened at a raw time.
    #[must_use]
    pub fn cursor_at_raw(&self, time: Time) -> usize {
        self.store.until(time) as usize
    }

    /// How many spans were opened.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.index.spans.len() as usize
    }

    /// All spans, in the order in which they were opened.
    pub fn spans(&self) -> impl Iterator<Item = SpanRecord> + '_ {
        (0..self.index.spans.len()).map(|number| self.record(number))
    }

    /// A span that was opened.
    #[must_use]
    pub fn span(&self, id: SpanId) -> Option<SpanRecord> {
        self.index.spans.number(id).map(|number| self.record(number))
    }

    pub(super) fn record(&self, number: u32) -> SpanRecord {
        let spans = &self.index.spans;
        SpanRecord {
            id: spans.id(number),
            lane: spans.lane(number),
            parent: spans.parent(number).map(|parent| spans.id(parent)),
            callsite: self.index.callsite(spans.callsite(number)).clone(),
            depth: spans.depth(number),
            open: (Seq(spans.seq(number)), spans.opened(number)),
            close: spans.closed(number).map(|(seq, time)| (Seq(seq), time)),
            entered: spans.entered(number),
        }
    }

    /// A span's stretches on a thread, in order: of a future one per poll.
    pub fn stretches(&self, id: SpanId) -> impl Iterator<Item = Stretch> + '_ {
        let found = self.index.spans.number(id).map(|number| self.index.spans.stretches(number));
        let (first, again) = found.unwrap_or((None, &[]));
        first.into_iter().chain(again.iter().copied())
    }

    /// Whether any call so far has this name.
    #[must_use]
    pub fn has_call_named(&self, name: &str) -> bool {
        self.index.calls.all().iter().any(|of| of.count > 0 && *of.callsite.name == *name)
    }

    /// Whether a call had been opened among the first `cursor` events.
    #[must_use]
    pub fn has_opened(&self, key: &Key, cursor: usize) -> bool {
        let mut firsts = self.index.calls.all().iter().filter(|of| key.matches(&of.callsite)).filter_map(|of| of.first);
        firsts.any(|first| first < cursor as u64)
    }

    /// Whether a call has been entered at any time.
    #[must_use]
    pub fn has_entered(&self, key: &Key) -> bool {
        self.index.calls.all().iter().any(|of| !of.entered.is_empty() && key.matches(&of.callsite))
    }

    /// The cursor behind the first enter of any span of a call.
    #[must_use]
    pub fn first_enter(&self, key: &Key) -> Option<usize> {
        self.calls(key, self.len()).first(1).first().map(|call| call.entered + 1)
    }

    /// All lanes, in the order in which they came to be.
    #[must_use]
    pub fn lanes(&self) -> &[LaneRecord] {
        self.index.lanes.all()
    }

    /// Whether it is known when calls of a lane are on a thread; so it is but for [`LaneKind::Async`].
    ///
    /// [`LaneKind::Async`]: super::LaneKind::Async
    #[must_use]
    pub fn tells_runs(&self, lane: LaneId) -> bool {
        self.lane(lane).is_none_or(|lane| lane.kind.tells_runs())
    }

    /// A lane by its id.
    #[must_use]
    pub fn lane(&self, id: LaneId) -> Option<&LaneRecord> {
        self.index.lanes.get(id)
    }

    /// Lanes of a kind, where there are many of it, in the order in which the first of each came to be.
    pub fn lane_groups(&self) -> impl Iterator<Item = &LaneGroup> {
        self.index.lanes.groups()
    }

    /// A group of lanes by its id.
    #[must_use]
    pub fn lane_group(&self, id: GroupId) -> Option<&LaneGroup> {
        self.index.lanes.group(id)
    }

    /// The group that a lane is in, if there are many of its kind.
    #[must_use]
    pub fn group_of(&self, lane: LaneId) -> Option<&LaneGroup> {
        self.index.lanes.place(lane).and_then(|place| self.index.lanes.group_of(place))
    }

    /// The next call of a lane at a depth that was opened behind a cursor and has run; or the last before it.
    #[must_use]
    pub fn call_beside(&self, lane: LaneId, depth: usize, cursor: usize, is_forth: bool) -> Option<SpanId> {
        let spans = &self.index.spans;
        let row = self.lane(lane)?.rows.get(depth)?.spans();
        let at = row.partition_point(|number| spans.seq(*number) < cursor as u64);
        let has_run = |number: &&u32| spans.entered(**number).is_some();
        let found = if is_forth { row[at..].iter().find(has_run) } else { row[..at].iter().rfind(has_run) };
        found.map(|number| spans.id(*number))
    }

    /// How many threads have done something.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        self.index.threads.len()
    }

    /// Program time.
    #[must_use]
    pub fn clock(&self) -> &ProgramClock {
        &self.index.clock
    }

    /// How many events the recorder could not keep.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let forgotten = self.gaps.iter().filter(|gap| gap.is_forgotten).map(|gap| gap.missing);
        self.index.dropped.saturating_sub(forgotten.sum())
    }

    /// How many of them were in a lane. The rest, which is in [`LaneId::NONE`], was in lanes that were over when the log
    /// went on, or in nobody knows which.
    #[must_use]
    pub fn dropped_in(&self, lane: LaneId) -> u64 {
        self.index.dropped_in.get(&lane).copied().unwrap_or(0)
    }

    /// Where events of the recording are missing, in order.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// How many events of the recording came before the log begins: they are elsewhere, in the files before this one.
    #[must_use]
    pub fn begins_at(&self) -> u64 {
        self.begins_at
    }

    /// How many events of the recording are before a cursor, those that are missing and those that are elsewhere too.
    #[must_use]
    pub fn in_recording(&self, cursor: usize) -> u64 {
        let mut ahead = self.begins_at;
        for gap in self.gaps.iter().take_while(|gap| gap.at < cursor) {
            if cursor < gap.resumed {
                return (gap.at as u64).wrapping_add(ahead);
            }
            ahead = ahead.wrapping_add(gap.missing).wrapping_add(gap.at as u64).wrapping_sub(gap.resumed as u64);
        }
        (cursor as u64).wrapping_add(ahead)
    }

    /// The cursor behind so many events of the recording; behind the gap, if it would be in one.
    #[must_use]
    pub fn from_recording(&self, count: u64) -> usize {
        if count <= self.begins_at {
            return 0;
        }
        let mut ahead = self.begins_at;
        for gap in &self.gaps {
            let begin = (gap.at as u64).wrapping_add(ahead);
            if count <= begin {
                break;
            }
            if count < begin + gap.missing {
                return gap.resumed;
            }
            ahead = ahead.wrapping_add(gap.missing).wrapping_add(gap.at as u64).wrapping_sub(gap.resumed as u64);
        }
        (count.wrapping_sub(ahead) as usize).min(self.len())
    }

    /// Raw time at a cursor: of the last event before it.
    #[must_use]
    pub fn time_at(&self, cursor: usize) -> Time {
        match cursor.min(self.len()).checked_sub(1) {
            None => Time(0),
            Some(last) if last + 1 == self.len() => self.index.time,
            Some(last) => self.store.items(last as u64).next().map_or(Time(0), |found| found.1.time),
        }
    }

    /// The cursor at a program time: behind the last event that is not later.
    #[must_use]
    pub fn cursor_at(&self, program: Time) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            // The cursor behind an event stands at its time.
            if self.clock().program(self.time_at(middle + 1)) <= program { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The state at the end: what is live.
    #[must_use]
    pub fn latest(&self) -> &State {
        self.latest.get_or_init(|| self.state_of(&self.index.outline))
    }

    /// The state after the first `cursor` events (all of them if there are fewer).
    #[must_use]
    pub fn state_at(&self, cursor: usize) -> State {
        if cursor >= self.len() {
            return self.latest().clone();
        }
        self.state_of(&self.outline_at(cursor as u64))
    }

    /// The fields of a span as they were recorded before a cursor, later values last: of one that was recorded again and
    /// again the last four.
    #[must_use]
    pub fn fields(&self, id: SpanId, cursor: usize) -> Vec<Field> {
        let places = self.recorded_before(id, cursor);
        match (&*places, self.index.spans.number(id)) {
            // Most have only what they were opened with.
            ([opened], Some(number)) if *opened == self.index.spans.seq(number) => {
                let mut fields = self.opened_with(number);
                keep_last(&mut fields);
                fields
            }
            _ => self.remembered(places),
        }
    }

    /// The last value of a field of a span that was recorded before a cursor, and the place of the event that brought it.
    #[must_use]
    pub fn recorded(&self, id: SpanId, name: &str, cursor: usize) -> Option<(usize, Value)> {
        let places = self.recorded_before(id, cursor);
        let values = places.into_iter().rev().filter_map(|place| {
            let value = field(&self.fields_at(place), name)?.clone();
            Some((place as usize, value))
        });
        values.into_iter().next()
    }

    /// Places of the events before a cursor that have fields of a span.
    fn recorded_before(&self, id: SpanId, cursor: usize) -> Vec<u64> {
        let spans = &self.index.spans;
        let Some(number) = spans.number(id).filter(|number| spans.seq(*number) < cursor as u64) else {
            return Vec::new();
        };
        // What a call had when it was closed, it has for ever.
        let until = spans.closed(number).map_or(u64::MAX, |close| close.0).min(cursor as u64);
        let last = |outline: &Outline| outline.open(spans.lane(number), number).map_or(0, |open| open.record);
        let records = self.index.records.between(spans.seq(number) + 1, until);
        let last = if until >= self.store.len() {
            last(&self.index.outline)
        } else if records.end - records.start <= FEW_RECORDS {
            records.rev().find(|record| self.is_record_of(*record, number)).unwrap_or(0)
        } else {
            last(&self.outline_at(until))
        };
        self.places_of_fields(number, last)
    }

    /// What the log takes in memory, in bytes.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let (packed, blocks) = self.store.bytes();
        Memory { packed, index: blocks + self.index.bytes() }
    }

    /// The items at some places.
    pub(super) fn kinds(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, Time, LaneId, ItemKind<'_>)> {
        let items = self.store.items(from as u64).take(to.saturating_sub(from));
        items.map(|(place, item, _)| (place as usize, item.time, item.lane, item.kind))
    }
}

/// Bytes that a log takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The packed events.
    pub packed: usize,
    /// Everything by which they are found.
    pub index: usize,
}
