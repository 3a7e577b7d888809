//! How a page goes from the thread that writes it to the one that reads it, and back.
//!
//! ```text
//!   thread     words[..len] are written and do not change ─► store len (Release)
//!   collector  load len (Acquire) ─► reads words[..len]
//!   collector  has read it all ─► len = 0 ─► pool ─► another thread writes it again
//! ```
//!
//! `tests/handover.rs` runs this very file in every order that the memory model allows: so it takes its atomics and locks
//! from whoever it is part of.

use std::sync::PoisonError;

use super::sync::Mutex;
use super::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A page.
pub(in super::super) struct Page {
    pub(in super::super) words: Box<[AtomicU64]>,
    len: AtomicU32,
}

impl Page {
    pub(in super::super) fn new(words: usize) -> Self {
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect(), len: AtomicU32::new(0) }
    }

    /// Makes the first `len` words known to the reader. They must not be written again.
    #[inline]
    pub(in super::super) fn publish(&self, len: usize) {
        self.len.store(len as u32, Ordering::Release);
    }

    /// How many words the reader may read.
    #[inline]
    pub(in super::super) fn published(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }
}

/// Pages that nobody uses.
pub(super) struct Pool {
    pub(super) free: Mutex<Vec<&'static Page>>,
}

impl Pool {
    /// An empty page of so many words at the least: the one that was given back last.
    pub(super) fn take(&self, words: usize) -> Option<&'static Page> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.iter().rposition(|page| page.words.len() >= words)?;
        Some(free.swap_remove(at))
    }

    /// Takes a page back. Nobody may write it or read it any more.
    pub(super) fn give_back(&self, page: &'static Page) {
        // Before it is another's: who reads it next must not see the old end.
        page.len.store(0, Ordering::Relaxed);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(page);
    }
}
