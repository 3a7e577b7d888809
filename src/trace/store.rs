//! The events of a log, packed as they came, and found again by their place.
//!
//! ```text
//!   segment   a chunk's bytes · what its numbers name · a block for every 64 events: where to begin reading
//! ```
//!
//! A chunk is kept as it is. What is pushed event by event, and chunks that turned out small, are packed into segments of
//! our own: a recording that was watched for a day is not a million crumbs.

use std::sync::Arc;

use super::packed::Position;
use super::{Chunk, Corrupt, Event, Item, ItemKind, Packer, Seq, SpanId, Tables, Time, Unpacker};

/// Events a block.
const BLOCK: u32 = 64;
/// A segment of our own that is longer is complete.
const FULL: usize = 1 << 16;
/// A chunk that is shorter, when the next one comes, is packed together with others.
const SMALL: usize = 1 << 13;

/// All events.
#[derive(Default)]
pub(super) struct Store {
    segments: Vec<Segment>,
    /// How many segments were begun.
    begun: u64,
    /// Writes the segment `own`.
    packer: Packer,
    /// The segment that is not complete: the last or the one before.
    own: Option<usize>,
}

/// A run of events in one piece of memory.
#[derive(Clone, Debug)]
struct Segment {
    /// Which of those that were begun.
    serial: u64,
    /// The place of its first event.
    first: u64,
    count: u32,
    bytes: Arc<[u8]>,
    tables: Tables,
    blocks: Vec<Block>,
    /// Where reading goes on if more comes.
    end: Option<Position>,
    /// The latest time of all events up to its end.
    latest: Time,
}

/// An event as it is read for the first time.
pub(super) struct Seen<'a> {
    /// Its segment, of all that were begun.
    pub(super) segment: u64,
    pub(super) place: u64,
    /// Where in the bytes of its segment.
    pub(super) at: u32,
    pub(super) item: Item<'a>,
    /// If it opens a call with nothing in it, whose other events are seen with it: when it is entered, left and closed.
    pub(super) rest: Option<[Time; 3]>,
}

/// How many events such a call has.
pub(super) const CALL: u32 = 4;

/// Where reading may begin.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Events of the segment before it.
    first: u32,
    position: Position,
    /// The latest time of all events before it.
    latest: Time,
}

impl Clone for Store {
    fn clone(&self) -> Self {
        let mut segments = self.segments.clone();
        if let Some(own) = self.own {
            segments[own].bytes = self.packer.bytes().into();
        }
        Self { segments, begun: self.begun, packer: Packer::default(), own: None }
    }
}

impl Store {
    /// How many events there are.
    #[inline]
    pub(super) fn len(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.first + u64::from(last.count))
    }

    /// The latest time of all events.
    pub(super) fn latest(&self) -> Time {
        self.segments.last().map_or(Time(0), |last| last.latest)
    }

    fn begin(&mut self, bytes: Arc<[u8]>, end: Option<Position>) {
        let (first, latest) = (self.len(), self.latest());
        let tables = Tables::default();
        self.begun += 1;
        let serial = self.begun;
        self.segments.push(Segment { serial, first, count: 0, bytes, tables, blocks: Vec::new(), end, latest });
    }

    /// Writes an event. It is part of the log when it has been [read](Self::read).
    pub(super) fn pack(&mut self, event: &Event) {
        let is_open = self.own.is_some_and(|own| own + 1 == self.segments.len()) && self.packer.len() < FULL;
        if !is_open {
            self.complete();
            let place = Seq(self.len());
            self.packer.begin(place);
            self.packer.begin_events();
            let end = self.packer.position();
            self.begin(Arc::default(), Some(end));
            self.own = Some(self.segments.len() - 1);
        }
        self.packer.event(event);
        // What has been read does not change any more.
        self.packer.position();
    }

    /// The segment of our own is complete.
    fn complete(&mut self) {
        if let Some(own) = self.own.take() {
            self.segments[own].bytes = self.packer.bytes().into();
        }
    }

    /// Puts the bytes of the next chunk behind what there is; they become part of the log when they have been
    /// [read](Self::read). `moved` is told where events that open spans are now, if small chunks before it are packed together.
    pub(super) fn put(&mut self, chunk: &Chunk, moved: impl FnMut(SpanId, u64, u32)) -> Result<(), Corrupt> {
        let mut unpacker = Unpacker::new(&chunk.bytes, Tables::default());
        for _ in 0..chunk.open {
            unpacker.next_item()?.ok_or(Corrupt)?;
        }
        let end = unpacker.position().ok_or(Corrupt)?;
        let tables = unpacker.into_tables();
        self.gather(moved);
        self.begin(chunk.bytes.clone(), Some(end));
        if let Some(last) = self.segments.last_mut() {
            last.tables = tables;
        }
        Ok(())
    }

    /// Takes the bytes of the last chunk once more: there is more of them. Says whether they are the same as far as they
    /// have been read.
    pub(super) fn grow(&mut self, chunk: &Chunk) -> bool {
        let is_own = self.own.is_some_and(|own| own + 1 == self.segments.len());
        let Some(last) = self.segments.last_mut().filter(|last| !is_own && last.end.is_some()) else { return false };
        let is_more = chunk.bytes.starts_with(&last.bytes);
        if is_more {
            last.bytes = chunk.bytes.clone();
        }
        is_more
    }

    /// Reads what was put or packed and not read yet, at most so many events. Gives each to `see`, with the names of its
    /// segment; a call with nothing in it once.
    pub(super) fn read(&mut self, at_most: u64, mut see: impl FnMut(Seen<'_>, &mut Tables)) -> Result<u64, Corrupt> {
        let own = self.own;
        let at = self.segments.len().wrapping_sub(1);
        let Some(segment) = self.segments.last_mut() else { return Ok(0) };
        let bytes = if own == Some(at) { self.packer.bytes() } else { &segment.bytes };
        let Some(end) = segment.end else { return Err(Corrupt) };
        let mut unpacker = Unpacker::new(bytes, std::mem::take(&mut segment.tables));
        unpacker.seek(end);
        let mut read = 0;
        let mut due = segment.blocks.last().map_or(0, |last| last.first + BLOCK);
        let mut result = Ok(());
        while read < at_most && segment.count < u32::MAX {
            if segment.count >= due
                && let Some(position) = unpacker.position()
            {
                segment.blocks.push(Block { first: segment.count, position, latest: segment.latest });
                due = segment.count + BLOCK;
            }
            let at = unpacker.offset();
            match unpacker.next_item() {
                Ok(Some(item)) => {
                    let is_room = at_most - read >= u64::from(CALL) && segment.count <= u32::MAX - CALL;
                    let rest = if is_room { unpacker.rest_of_call() } else { None };
                    segment.latest =
                        rest.iter().flatten().fold(segment.latest.max(item.time), |latest, time| latest.max(*time));
                    let place = segment.first + u64::from(segment.count);
                    see(Seen { segment: segment.serial, place, at, item, rest }, unpacker.tables_mut());
                    let seen = if rest.is_some() { CALL } else { 1 };
                    segment.count += seen;
                    read += u64::from(seen);
                }
                Ok(None) => break,
                Err(corrupt) => {
                    result = Err(corrupt);
                    break;
                }
            }
        }
        segment.end = if result.is_ok() { unpacker.position() } else { None };
        segment.tables = unpacker.into_tables();
        if segment.count == 0 {
            segment.blocks.clear();
        }
        result.map(|()| read)
    }

    /// Packs the last chunk together with what was gathered before, if it stayed small.
    fn gather(&mut self, mut moved: impl FnMut(SpanId, u64, u32)) {
        let at = self.segments.len().wrapping_sub(1);
        let is_small = |last: &Segment| last.bytes.len() < SMALL;
        if self.own == Some(at) || !self.segments.last().is_some_and(is_small) {
            return;
        }
        let Some(crumb) = self.segments.pop() else { return };
        let before = crumb.first;
        if self.own.is_none_or(|own| own + 1 != at) || self.packer.len() >= FULL {
            self.complete();
            self.packer.begin(Seq(before));
            self.packer.begin_events();
            let end = self.packer.position();
            self.begin(Arc::default(), Some(end));
            self.own = Some(at);
        }
        let Some(block) = crumb.blocks.first() else { return };
        let mut unpacker = Unpacker::resume(&crumb.bytes, &crumb.tables, block.position);
        for packed in 0..crumb.count {
            let Ok(Some(item)) = unpacker.next_item() else { break };
            let event = crumb.tables.event(&item, Seq(before));
            self.packer.event(&event);
            if packed % BLOCK == BLOCK - 1 {
                self.packer.position();
            }
        }
        self.packer.position();
        // They are part of the log already: only where to begin reading is new.
        let _ = self.read(crumb.count.into(), |seen, _| {
            if let ItemKind::Open { span, .. } = seen.item.kind {
                moved(span, seen.place, seen.at);
            }
        });
    }

    fn bytes_of(&self, at: usize) -> &[u8] {
        if self.own == Some(at) { self.packer.bytes() } else { &self.segments[at].bytes }
    }

    /// Items from a place on, each with its place and the names of its segment.
    pub(super) fn items(&self, from: u64) -> Items<'_> {
        let at = self.segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
        let mut items = Items { store: self, at, place: 0, left: 0, unpacker: None };
        items.enter(from);
        while items.place < from && items.next().is_some() {}
        items
    }

    /// The event at a place that opens a span, if it is known where in the bytes it is: what it opens it with, and the names.
    pub(super) fn open_at(&self, place: u64, at: u32, span: SpanId) -> Option<(ItemKind<'_>, &Tables)> {
        let segment = self.segments.partition_point(|segment| segment.first <= place).checked_sub(1)?;
        let tables = &self.segments[segment].tables;
        Some((Unpacker::open_at(self.bytes_of(segment), tables, at, span)?, tables))
    }

    /// How many events there are up to the last at which nothing later than a time had happened.
    pub(super) fn until(&self, time: Time) -> u64 {
        let at = self.segments.partition_point(|segment| segment.latest <= time);
        let Some(segment) = self.segments.get(at) else { return self.len() };
        let block = segment.blocks.partition_point(|block| block.latest <= time).saturating_sub(1);
        let Some(block) = segment.blocks.get(block) else { return segment.first };
        let mut latest = block.latest;
        let items = self.items(segment.first + u64::from(block.first));
        let is_until = |item: &(u64, Item<'_>, &Tables)| {
            latest = latest.max(item.1.time);
            latest <= time
        };
        let items = items.take_while(is_until);
        segment.first + u64::from(block.first) + items.count() as u64
    }

    /// Bytes in memory: of packed events, and of what it takes to find them.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let own = self.own.map_or(0, |_| self.packer.len());
        let packed = own + self.segments.iter().map(|segment| segment.bytes.len()).sum::<usize>();
        let tables =
            |tables: &Tables| 40 * tables.strings.len() + 48 * tables.threads.len() + 8 * tables.callsites.len();
        let of = |segment: &Segment| {
            size_of::<Segment>() + segment.blocks.capacity() * size_of::<Block>() + tables(&segment.tables)
        };
        (packed, self.segments.iter().map(of).sum())
    }
}

/// Items one after the other, through all segments.
pub(super) struct Items<'a> {
    store: &'a Store,
    at: usize,
    place: u64,
    /// Events of the segment that follow.
    left: u64,
    unpacker: Option<Unpacker<'a>>,
}

impl Items<'_> {
    /// Begins reading at the last block before a place.
    fn enter(&mut self, from: u64) {
        self.left = 0;
        let Some(segment) = self.store.segments.get(self.at) else { return };
        let from = from.saturating_sub(segment.first).min(u32::MAX.into()) as u32;
        let block = segment.blocks.partition_point(|block| block.first <= from).saturating_sub(1);
        let Some(block) = segment.blocks.get(block) else { return };
        self.place = segment.first + u64::from(block.first);
        self.left = u64::from(segment.count - block.first);
        self.unpacker = Some(Unpacker::resume(self.store.bytes_of(self.at), &segment.tables, block.position));
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (u64, Item<'a>, &'a Tables);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.left == 0 {
            if self.at + 1 >= self.store.segments.len() {
                return None;
            }
            self.at += 1;
            let first = self.store.segments[self.at].first;
            self.enter(first);
        }
        // What was read once can be read again.
        let item = self.unpacker.as_mut()?.next_item().ok().flatten()?;
        self.left -= 1;
        self.place += 1;
        Some((self.place - 1, item, &self.store.segments[self.at].tables))
    }
}
