//! The spans that are alive, as the collector knows them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::trace::{LaneId, LaneKind, SpanId, Thread, Time};

/// Which of the living spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

/// A span that is alive.
pub(super) struct Living {
    /// What its face calls it.
    pub(super) face: u64,
    pub(super) span: SpanId,
    pub(super) parent: Option<Slot>,
    pub(super) parent_span: Option<SpanId>,
    pub(super) lane: LaneId,
    pub(super) lane_kind: LaneKind,
    /// How many spans of its lane are around it.
    pub(super) depth: u32,
    pub(super) callsite: u32,
    /// Handles, spans inside it, and threads that are in it.
    pub(super) uses: u32,
    pub(super) enters: u32,
    /// On how many threads it is.
    pub(super) is_on: u32,
    /// It named its lane: leaving it may be a switch, so only its close is its end.
    pub(super) names_lane: bool,
    /// Its close ends the lane.
    pub(super) is_lane_root: bool,
    /// While it is entered its thread is blocked.
    pub(super) blocks: bool,
    pub(super) reason: Option<Arc<str>>,
    pub(super) opened: Time,
    /// The thread that opened it, or had it last.
    pub(super) thread: Arc<Thread>,
    /// Its fields as they were written.
    pub(super) fields: Vec<u64>,
}

impl Living {
    /// Futures and the roots of lanes are left and entered many times; for them only the close is an end. A span of
    /// another lane that is entered again is taken for a future from then on.
    pub(super) fn ends_at_close(&self) -> bool {
        self.names_lane || self.lane_kind == LaneKind::Task || self.enters > 1
    }
}

/// Entries of the short way from an id to a span.
const SHORT: usize = 1 << 10;

/// All living spans, found by the ids of their face. Most spans are found where they were put a moment ago; those that
/// live longer move to a map.
pub(super) struct Spans {
    slots: Vec<Option<Living>>,
    free: Vec<u32>,
    /// Fields of spans that are over, to be used again.
    spare: Vec<Vec<u64>>,
    short: Box<[(u64, u32)]>,
    long: HashMap<u64, u32, BuildHasherDefault<IdHasher>>,
}

impl Default for Spans {
    fn default() -> Self {
        let short = vec![(0, 0); SHORT].into_boxed_slice();
        Self { slots: Vec::new(), free: Vec::new(), spare: Vec::new(), short, long: HashMap::default() }
    }
}

fn mixed(id: u64) -> u64 {
    let mixed = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 32
}

fn place(id: u64) -> usize {
    mixed(id) as usize % SHORT
}

impl Spans {
    /// The span of this id.
    #[inline]
    pub(super) fn find(&self, face: u64) -> Option<Slot> {
        let (known, slot) = self.short[place(face)];
        if known == face {
            return Some(Slot(slot));
        }
        self.long.get(&face).map(|slot| Slot(*slot))
    }

    /// Takes in a span whose id nobody alive has.
    pub(super) fn insert(&mut self, living: Living) -> Slot {
        let face = living.face;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(living);
                slot
            }
            None => {
                self.slots.push(Some(living));
                self.slots.len() as u32 - 1
            }
        };
        let before = std::mem::replace(&mut self.short[place(face)], (face, slot));
        if before.0 != 0 {
            self.long.insert(before.0, before.1);
        }
        Slot(slot)
    }

    /// A span is not found by its id any more.
    pub(super) fn forget_id(&mut self, slot: Slot) {
        let face = std::mem::take(&mut self.get_mut(slot).face);
        let short = &mut self.short[place(face)];
        if face != 0 && short.0 == face {
            *short = (0, 0);
        } else {
            self.long.remove(&face);
        }
    }

    /// Lets a span go.
    pub(super) fn remove(&mut self, slot: Slot) -> Living {
        self.forget_id(slot);
        let mut living = self.slots[slot.0 as usize].take().expect("a slot is a living span's until it is removed");
        self.free.push(slot.0);
        let mut fields = std::mem::take(&mut living.fields);
        if fields.capacity() > 0 && fields.capacity() < 64 && self.spare.len() < 64 {
            fields.clear();
            self.spare.push(fields);
        }
        living
    }

    /// An empty list for fields.
    pub(super) fn spare(&mut self) -> Vec<u64> {
        self.spare.pop().unwrap_or_default()
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Living {
        self.slots[slot.0 as usize].as_ref().expect("a slot is a living span's until it is removed")
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Living {
        self.slots[slot.0 as usize].as_mut().expect("a slot is a living span's until it is removed")
    }

    /// Whether any span of a lane lives.
    pub(super) fn is_any_of(&self, lane: LaneId) -> bool {
        self.slots.iter().flatten().any(|living| living.lane == lane)
    }

    /// All of them, in the order in which they were opened.
    pub(super) fn by_age(&self) -> Vec<&Living> {
        let mut all: Vec<&Living> = self.slots.iter().flatten().collect();
        all.sort_unstable_by_key(|living| living.span);
        all
    }
}

/// Ids are spread by one multiplication.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = mixed(self.0 ^ id);
    }
}
