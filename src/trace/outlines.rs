//! Outlines kept along the log, in few bytes.
//!
//! ```text
//!   lanes · lanes that are done · threads · held · paused · entered last        spans as the distance from the one before
//! ```

use super::outline::{Entered, LaneOutline, OpenSpan, Outline};
use super::{Edge, LaneId, SpanId, Stop, ThreadId};

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
            for entered in entered {
                put_near(bytes, entered.number.into(), &mut last);
                put(bytes, entered.lane.0.into());
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
        put_near(bytes, self.last_entered.map_or(last, u64::from), &mut last);
        put(bytes, self.records);
    }

    fn read(bytes: &mut &[u8]) -> Self {
        let mut last = 0;
        let mut lanes = read_lanes(bytes, &mut last);
        let mut done = read_lanes(bytes, &mut last);
        let threads = (0..take(bytes)).map(|_| {
            let thread = ThreadId(take(bytes) as u32);
            // Which stretch it is matters only where the log grows.
            let entered = (0..take(bytes)).map(|_| {
                let number = take_near(bytes, &mut last) as u32;
                Entered { number, lane: LaneId(take(bytes) as u32), stretch: 0 }
            });
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
        let last_entered = take_near(bytes, &mut last) as u32;
        let records = take(bytes);
        // They were written as how long ago.
        for open in
            lanes.iter_mut().chain(&mut done).flat_map(|lane| lane.stack.iter_mut()).filter(|open| open.record > 0)
        {
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
            threads_due: 0,
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
        for open in lane.stack.iter() {
            put_near(bytes, open.number.into(), last);
            let has_record = open.record > 0;
            put(bytes, u64::from(open.enters) << 2 | u64::from(has_record) << 1 | u64::from(open.is_entered()));
            if open.is_entered() {
                put(bytes, open.on.into());
            }
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
            let number = take_near(bytes, last) as u32;
            let flags = take(bytes);
            let on = if flags & 1 == 0 { 0 } else { take(bytes) as u32 };
            let record = if flags & 2 == 0 { 0 } else { take(bytes) };
            OpenSpan { number, enters: (flags >> 2) as u32, on, is_over: false, record }
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
