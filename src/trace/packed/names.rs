//! Small numbers for what is named more than once in a chunk.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

/// Small numbers for shared things: found by address, which is cheap, then by content.
pub(super) struct Names<T: ?Sized> {
    by_address: HashMap<usize, u32, BuildHasherDefault<AddressHasher>>,
    by_content: HashMap<Arc<T>, u32>,
    /// Keeps the addresses from being used again.
    kept: Vec<Arc<T>>,
    /// Those that were asked for last, by the low bits of their addresses; an address of none is 0.
    lately: Box<[(usize, u32); LATELY]>,
}

/// So many are found without a search: callsites and names of a program, in most.
const LATELY: usize = 128;
/// Things lie so far apart at the least, by a power of two.
const APART: u32 = 4;

impl<T: ?Sized> Default for Names<T> {
    fn default() -> Self {
        Self {
            by_address: HashMap::default(),
            by_content: HashMap::new(),
            kept: Vec::new(),
            lately: Box::new([(0, 0); LATELY]),
        }
    }
}

impl<T: ?Sized + Hash + Eq> Names<T> {
    pub(super) fn clear(&mut self) {
        self.by_address.clear();
        self.by_content.clear();
        self.kept.clear();
        self.lately.fill((0, 0));
    }

    /// The number of a thing, and whether it is new.
    #[inline]
    pub(super) fn number(&mut self, thing: &Arc<T>) -> (u32, bool) {
        let address = Arc::as_ptr(thing).cast::<u8>() as usize;
        let lately = (address >> APART) % LATELY;
        let (known, number) = self.lately[lately];
        if known == address {
            return (number, false);
        }
        let found = self.search(thing, address);
        self.lately[lately] = (address, found.0);
        found
    }

    #[inline(never)]
    fn search(&mut self, thing: &Arc<T>, address: usize) -> (u32, bool) {
        if let Some(&number) = self.by_address.get(&address) {
            return (number, false);
        }
        let next = self.by_content.len() as u32;
        let number = *self.by_content.entry(thing.clone()).or_insert(next);
        self.kept.push(thing.clone());
        self.by_address.insert(address, number);
        (number, number == next)
    }
}

/// Spreads addresses, whose low bits are alike, and small numbers by one multiplication.
#[derive(Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_usize(number as usize);
    }

    fn write_usize(&mut self, address: usize) {
        let mixed = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
