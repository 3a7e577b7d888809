//! Every span of a log in forty-four bytes, by its number.
//!
//! ```text
//!   number   0, 1, 2 … in the order of `Open` events; ids are found by stretches of consecutive ones
//!   times    the opening, then ns from it to the first enter, the exit of that, and the close
//! ```
//!
//! What does not fit, such as a call of more than four seconds or an id out of order, is in tables beside it, and so are
//! the further stretches of a span that is entered again and again.

use std::collections::HashMap;

use super::{LaneId, SpanId, Stretch, Time};

/// Spans a page: what is allocated at a time.
const PAGE: usize = 1 << 14;
/// In `enter`, `exit`, `close` and `closed_after`: it has not happened.
const NEVER: u32 = u32::MAX;
/// It has, and is to be found in `wide`.
const WIDE: u32 = u32::MAX - 1;
/// In `callsite`: to be found in `wide`.
const WIDE_CALLSITE: u16 = u16::MAX;
/// Deeper than this is as deep as this.
const DEEPEST: u16 = 0x0fff;
const HAS_FIELDS: u16 = 0x8000;
const BLOCKS: u16 = 0x4000;
const AGAIN: u16 = 0x2000;
const RECORDED: u16 = 0x1000;

/// One span.
#[derive(Clone, Copy, Debug)]
struct Slim {
    /// The low half and the high half: whole, it would cost four bytes of room beside it.
    opened: [u32; 2],
    /// Where in the bytes of its segment it is opened.
    at: u32,
    /// Place of its opening, the low half.
    seq: u32,
    /// Events from there to its close.
    closed_after: u32,
    enter: u32,
    exit: u32,
    close: u32,
    lane: u32,
    /// How far back its parent is; 0 is none.
    parent: u32,
    callsite: u16,
    /// Depth and flags.
    depth: u16,
}

/// What did not fit.
#[derive(Clone, Copy, Debug, Default)]
struct Wide {
    callsite: u32,
    enter: u64,
    exit: u64,
    close: u64,
    closed: u64,
}

/// What is known of a span when it is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub(super) seq: u64,
    pub(super) time: Time,
    /// Where in the bytes of its segment.
    pub(super) at: u32,
    pub(super) id: SpanId,
    pub(super) lane: LaneId,
    pub(super) parent: Option<u32>,
    pub(super) callsite: u32,
    pub(super) depth: usize,
    pub(super) has_fields: bool,
    pub(super) blocks: bool,
}

/// All spans.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    pages: Vec<Vec<Slim>>,
    len: u32,
    /// The number at which the place went over the low half, as often as it did.
    carries: Vec<u32>,
    wide: HashMap<u32, Wide>,
    /// Stretches after the first.
    again: HashMap<u32, Vec<Stretch>>,
    ids: Ids,
}

impl Spans {
    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Adds a span: its number. Nothing if its id is known, or if there are four billion.
    #[inline]
    pub(super) fn open(&mut self, opening: &Opening) -> Option<u32> {
        let number = self.len;
        if number >= WIDE || !self.ids.add(number, opening.id) {
            return None;
        }
        let flags = if opening.has_fields { HAS_FIELDS } else { 0 } | if opening.blocks { BLOCKS } else { 0 };
        let callsite = u16::try_from(opening.callsite).unwrap_or(WIDE_CALLSITE);
        if callsite == WIDE_CALLSITE {
            self.wide.entry(number).or_default().callsite = opening.callsite;
        }
        while (opening.seq >> 32) as usize > self.carries.len() {
            self.carries.push(number);
        }
        if (number as usize).is_multiple_of(PAGE) {
            self.pages.push(Vec::with_capacity(if number == 0 { 0 } else { PAGE }));
        }
        self.len += 1;
        self.pages[number as usize / PAGE].push(Slim {
            opened: [opening.time.0 as u32, (opening.time.0 >> 32) as u32],
            at: opening.at,
            seq: opening.seq as u32,
            closed_after: NEVER,
            enter: NEVER,
            exit: NEVER,
            close: NEVER,
            lane: opening.lane.0,
            parent: opening.parent.map_or(0, |parent| number - parent),
            callsite,
            depth: (opening.depth.min(DEEPEST.into()) as u16) | flags,
        });
        Some(number)
    }

    #[inline]
    fn slim(&self, number: u32) -> &Slim {
        &self.pages[number as usize / PAGE][number as usize % PAGE]
    }

    #[inline]
    fn slim_mut(&mut self, number: u32) -> &mut Slim {
        &mut self.pages[number as usize / PAGE][number as usize % PAGE]
    }

    /// It is put on a thread; whether for the first time.
    #[inline]
    pub(super) fn enter(&mut self, number: u32, time: Time) -> bool {
        let slim = self.slim_mut(number);
        if slim.enter != NEVER {
            slim.depth |= AGAIN;
            self.again.entry(number).or_default().push((time, None));
            return false;
        }
        slim.enter = slim.offset(time);
        if slim.enter == WIDE {
            self.wide.entry(number).or_default().enter = time.0;
        }
        true
    }

    /// It is taken off a thread, on which it was put as often as that before.
    #[inline]
    pub(super) fn exit(&mut self, number: u32, stretch: u32, time: Time) {
        if let Some(again) = stretch.checked_sub(1) {
            if let Some(left) = self.again.get_mut(&number).and_then(|all| all.get_mut(again as usize)) {
                left.1 = Some(time);
            }
            return;
        }
        let slim = self.slim_mut(number);
        slim.exit = slim.offset(time);
        if slim.exit == WIDE {
            self.wide.entry(number).or_default().exit = time.0;
        }
    }

    /// It is over; whether that is new.
    #[inline]
    pub(super) fn close(&mut self, number: u32, seq: u64, time: Time) -> bool {
        if self.slim(number).close != NEVER {
            return false;
        }
        let after = seq.saturating_sub(self.seq(number));
        let slim = self.slim_mut(number);
        slim.close = slim.offset(time);
        slim.closed_after = u32::try_from(after).unwrap_or(WIDE).min(WIDE);
        if slim.close == WIDE || slim.closed_after == WIDE {
            let wide = self.wide.entry(number).or_default();
            (wide.close, wide.closed) = (time.0, seq);
        }
        true
    }

    /// It has just been opened, and is put on a thread, taken off and over, with nothing between.
    #[inline]
    pub(super) fn pass(&mut self, number: u32, times: [Time; 3]) {
        let slim = self.slim_mut(number);
        let offsets @ [enter, exit, close] = times.map(|time| slim.offset(time));
        if offsets.contains(&WIDE) {
            let seq = self.seq(number) + 3;
            let [enter, exit, close] = times;
            self.enter(number, enter);
            self.exit(number, 0, exit);
            self.close(number, seq, close);
            return;
        }
        (slim.enter, slim.exit, slim.close, slim.closed_after) = (enter, exit, close, 3);
    }

    /// From now on it says that it blocks, or not.
    pub(super) fn set_blocks(&mut self, number: u32, blocks: bool) {
        let slim = self.slim_mut(number);
        slim.depth = if blocks { slim.depth | BLOCKS } else { slim.depth & !BLOCKS };
    }

    /// Whether it says that its lane is blocked in the operating system.
    #[inline]
    pub(super) fn blocks(&self, number: u32) -> bool {
        self.slim(number).depth & BLOCKS != 0
    }

    /// Fields were recorded for it later.
    pub(super) fn set_recorded(&mut self, number: u32) {
        self.slim_mut(number).depth |= RECORDED;
    }

    /// Whether that was so.
    #[inline]
    pub(super) fn is_recorded(&self, number: u32) -> bool {
        self.slim(number).depth & RECORDED != 0
    }

    /// Whether it was opened with fields.
    pub(super) fn has_fields(&self, number: u32) -> bool {
        self.slim(number).depth & HAS_FIELDS != 0
    }

    /// Where in the bytes of its segment it is opened.
    pub(super) fn at(&self, number: u32) -> u32 {
        self.slim(number).at
    }

    /// The event that opened it, if it was the one at that place, is elsewhere now.
    pub(super) fn set_at(&mut self, id: SpanId, seq: u64, at: u32) {
        if let Some(number) = self.number(id).filter(|number| self.seq(*number) == seq) {
            self.slim_mut(number).at = at;
        }
    }

    /// The number of a span.
    #[inline]
    pub(super) fn number(&self, id: SpanId) -> Option<u32> {
        self.ids.number(id, self.len)
    }

    /// The span of a number.
    pub(super) fn id(&self, number: u32) -> SpanId {
        self.ids.id(number)
    }

    /// The place of its opening.
    #[inline]
    pub(super) fn seq(&self, number: u32) -> u64 {
        let carries = if self.carries.is_empty() { 0 } else { self.carries.partition_point(|at| *at <= number) };
        (carries as u64) << 32 | u64::from(self.slim(number).seq)
    }

    /// The raw time of its opening.
    #[inline]
    pub(super) fn opened(&self, number: u32) -> Time {
        Time(self.slim(number).opened())
    }

    /// The lane it belongs to.
    #[inline]
    pub(super) fn lane(&self, number: u32) -> LaneId {
        LaneId(self.slim(number).lane)
    }

    /// How many spans of its lane are around it.
    #[inline]
    pub(super) fn depth(&self, number: u32) -> usize {
        (self.slim(number).depth & DEEPEST).into()
    }

    /// The number of its parent.
    pub(super) fn parent(&self, number: u32) -> Option<u32> {
        let back = self.slim(number).parent;
        (back > 0).then(|| number - back)
    }

    /// The number of its callsite.
    #[inline]
    pub(super) fn callsite(&self, number: u32) -> u32 {
        match self.slim(number).callsite {
            WIDE_CALLSITE => self.wide.get(&number).map_or(0, |wide| wide.callsite),
            callsite => callsite.into(),
        }
    }

    fn time(&self, number: u32, offset: u32, wide: impl Fn(&Wide) -> u64) -> Option<Time> {
        match offset {
            NEVER => None,
            WIDE => self.wide.get(&number).map(|found| Time(wide(found))),
            offset => Some(Time(self.slim(number).opened() + u64::from(offset))),
        }
    }

    /// When it was first put on a thread.
    #[inline]
    pub(super) fn entered(&self, number: u32) -> Option<Time> {
        self.time(number, self.slim(number).enter, |wide| wide.enter)
    }

    /// Place and raw time of its close.
    #[inline]
    pub(super) fn closed(&self, number: u32) -> Option<(u64, Time)> {
        let slim = self.slim(number);
        let time = self.time(number, slim.close, |wide| wide.close)?;
        let seq = match slim.closed_after {
            WIDE => self.wide.get(&number).map_or(0, |wide| wide.closed),
            after => self.seq(number) + u64::from(after),
        };
        Some((seq, time))
    }

    /// The first stretch on a thread, and those after it, each list in order.
    pub(super) fn stretches(&self, number: u32) -> (Option<Stretch>, &[Stretch]) {
        let exit = self.time(number, self.slim(number).exit, |wide| wide.exit);
        let first = self.entered(number).map(|enter| (enter, exit));
        let is_again = self.slim(number).depth & AGAIN != 0;
        let again = is_again.then(|| self.again.get(&number)).flatten();
        (first, again.map_or(&[], Vec::as_slice))
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        let pages: usize = self.pages.iter().map(|page| page.capacity() * size_of::<Slim>()).sum();
        let again: usize = self.again.values().map(|all| 64 + all.capacity() * size_of::<Stretch>()).sum();
        pages + again + self.wide.capacity() * (8 + size_of::<Wide>()) + self.ids.bytes()
    }
}

impl Slim {
    #[inline]
    fn opened(&self) -> u64 {
        u64::from(self.opened[1]) << 32 | u64::from(self.opened[0])
    }

    /// Nanoseconds from the opening.
    #[inline]
    fn offset(&self, time: Time) -> u32 {
        let offset = time.0.checked_sub(self.opened());
        offset.and_then(|offset| u32::try_from(offset).ok()).unwrap_or(WIDE).min(WIDE)
    }
}

/// Which number an id has. A recording's own ids are consecutive but for gaps; others cost an entry of a table each.
#[derive(Clone, Debug, Default)]
struct Ids {
    /// Where consecutive ids begin: number and id, both rising.
    runs: Vec<(u32, u64)>,
    last: (u32, u64),
    highest: Option<u64>,
    odd: HashMap<u64, u32>,
    odd_ids: HashMap<u32, u64>,
}

impl Ids {
    /// Gives an id the next number; false if it has one.
    #[inline]
    fn add(&mut self, number: u32, id: SpanId) -> bool {
        let id = id.0;
        if self.highest.is_none_or(|highest| id > highest) {
            let (first, of) = self.last;
            if self.runs.is_empty() || id.wrapping_sub(of) != u64::from(number - first) {
                self.last = (number, id);
                self.runs.push(self.last);
            }
            self.highest = Some(id);
            return true;
        }
        if self.number(SpanId(id), number).is_some() {
            return false;
        }
        self.odd.insert(id, number);
        self.odd_ids.insert(number, id);
        true
    }

    #[inline]
    fn number(&self, id: SpanId, len: u32) -> Option<u32> {
        let id = id.0;
        let (first, of) = self.last;
        if id >= of && self.odd.is_empty() {
            // The last consecutive ids go on to the end.
            return u32::try_from(id - of).ok().filter(|by| *by < len - first).map(|by| first + by);
        }
        self.search(id, len)
    }

    fn search(&self, id: u64, len: u32) -> Option<u32> {
        let (first, of) = self.last;
        let found = if id >= of {
            Some((first, of))
        } else {
            self.runs.partition_point(|run| run.1 <= id).checked_sub(1).map(|at| self.runs[at])
        };
        let number = found.and_then(|(first, of)| u32::try_from(id - of).ok()?.checked_add(first));
        let is_in_run = |number: &u32| *number < len && self.id(*number).0 == id;
        number.filter(is_in_run).or_else(|| self.odd.get(&id).copied())
    }

    #[inline]
    fn id(&self, number: u32) -> SpanId {
        if !self.odd_ids.is_empty()
            && let Some(id) = self.odd_ids.get(&number)
        {
            return SpanId(*id);
        }
        let (first, of) = if number >= self.last.0 {
            self.last
        } else {
            self.runs[self.runs.partition_point(|run| run.0 <= number).saturating_sub(1)]
        };
        SpanId(of.wrapping_add((number - first).into()))
    }

    fn bytes(&self) -> usize {
        self.runs.capacity() * 16 + self.odd.capacity() * 24 + self.odd_ids.capacity() * 24
    }
}
