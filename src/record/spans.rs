//! The spans that are alive, as the collector knows them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::trace::{LaneId, SpanId, Time};

/// Which of the living spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

/// A span that is alive.
#[derive(Default)]
pub(super) struct Living {
    /// What its face calls it; 0 if nothing is alive here.
    face: u64,
    pub(super) span: SpanId,
    pub(super) parent: Option<Slot>,
    pub(super) parent_span: Option<SpanId>,
    pub(super) lane: LaneId,
    pub(super) is_task: bool,
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
    /// While it is entered its thread is blocked.
    pub(super) blocks: bool,
    pub(super) reason: Option<Arc<str>>,
    pub(super) opened: Time,
    /// The thread that opened it, or had it last: its number among those of the recording.
    pub(super) thread: u32,
    /// Its fields, as in a general record.
    pub(super) fields: Vec<u64>,
}

impl Living {
    /// Futures and the roots of lanes are left and entered many times; for them only the close is an end. A span of
    /// another lane that is entered again is taken for a future from then on.
    pub(super) fn ends_at_close(&self) -> bool {
        self.names_lane || self.is_task || self.enters > 1
    }
}

/// Entries of the short way from an id to a span.
const SHORT: usize = 1 << 10;
/// Words of fields that a place may keep for the next span.
const SPARE: usize = 256;

/// All living spans, found by the ids of their face. Most spans are found where they were put a moment ago; those that
/// live longer move to a map.
pub(super) struct Spans {
    /// Places are used again, with the memory of their fields.
    places: Vec<Living>,
    free: Vec<u32>,
    short: Box<[(u64, u32); SHORT]>,
    long: HashMap<u64, u32, BuildHasherDefault<IdHasher>>,
}

impl Default for Spans {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), short: Box::new([(0, 0); SHORT]), long: HashMap::default() }
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

    /// A place for a span whose id nobody alive has, with one use. Everything else about it is to be set.
    #[inline]
    pub(super) fn insert(&mut self, face: u64) -> (Slot, &mut Living) {
        let at = self.free.pop().unwrap_or_else(|| {
            self.places.push(Living::default());
            self.places.len() as u32 - 1
        });
        let before = std::mem::replace(&mut self.short[place(face)], (face, at));
        if before.0 != 0 {
            self.long.insert(before.0, before.1);
        }
        let living = &mut self.places[at as usize];
        (living.face, living.uses, living.enters, living.is_on) = (face, 1, 0, 0);
        (Slot(at), living)
    }

    /// A span is not found by its id any more.
    pub(super) fn forget_id(&mut self, slot: Slot) {
        let face = self.get(slot).face;
        let short = &mut self.short[place(face)];
        if short.0 == face && short.1 == slot.0 {
            *short = (0, 0);
        } else if self.long.get(&face) == Some(&slot.0) {
            self.long.remove(&face);
        }
    }

    /// Lets a span go. Its place keeps what it was until another takes it.
    #[inline]
    pub(super) fn remove(&mut self, slot: Slot) {
        self.forget_id(slot);
        let living = self.get_mut(slot);
        living.face = 0;
        living.reason = None;
        if living.fields.capacity() > SPARE {
            living.fields = Vec::new();
        }
        living.fields.clear();
        self.free.push(slot.0);
    }

    /// Whether a place is still that span's.
    #[inline]
    pub(super) fn is_alive(&self, slot: Slot, span: SpanId) -> bool {
        let living = self.get(slot);
        living.face != 0 && living.span == span
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Living {
        &self.places[slot.0 as usize]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Living {
        &mut self.places[slot.0 as usize]
    }

    fn alive(&self) -> impl Iterator<Item = &Living> {
        self.places.iter().filter(|living| living.face != 0)
    }

    /// What their face calls them.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.alive().map(|living| living.face)
    }

    /// Numbers of the threads that opened them, or had them last.
    pub(super) fn threads(&self) -> impl Iterator<Item = u32> {
        self.alive().map(|living| living.thread)
    }

    /// All of them, in the order in which they were opened.
    pub(super) fn by_age(&self) -> Vec<&Living> {
        let mut all: Vec<&Living> = self.alive().collect();
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

    fn write_u32(&mut self, id: u32) {
        self.write_u64(id.into());
    }
}
