//! Pages of words: what a recording thread writes and the collector reads, at the same time and without a lock.
//!
//! ```text
//!   thread     words[..len] are written and do not change ─► store len (Release)
//!   collector  load len (Acquire) ─► reads words[..len]
//! ```
//!
//! A page has one writer. Full pages that have been read go back to a pool and are written again: they stay in the
//! processor's caches, where a page that is fresh from the system costs more than all that is written into it. Pages are
//! never given back to the system, so a thread may keep a plain reference to its page, also while it ends.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Words of a page: 64 KiB.
pub(super) const WORDS: usize = 8 << 10;

/// A page.
pub(super) struct Page {
    pub(super) words: Box<[AtomicU64]>,
    len: AtomicU32,
}

impl Page {
    pub(super) fn new(words: usize) -> Self {
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect(), len: AtomicU32::new(0) }
    }

    /// Makes the first `len` words known to the reader. They must not be written again.
    #[inline]
    pub(super) fn publish(&self, len: usize) {
        self.len.store(len as u32, Ordering::Release);
    }

    /// How many words the reader may read.
    #[inline]
    pub(super) fn published(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }
}

/// Pages that nobody uses, of all recorders of the process.
static FREE: Mutex<Vec<&'static Page>> = Mutex::new(Vec::new());

/// An empty page of so many words at the least: the one that was given back last, or a new one.
pub(super) fn take(words: usize) -> &'static Page {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    match free.iter().rposition(|page| page.words.len() >= words) {
        Some(at) => free.swap_remove(at),
        None => {
            drop(free);
            Box::leak(Box::new(Page::new(words.max(WORDS))))
        }
    }
}

/// Gives a page back. Nobody may write it or read it any more.
pub(super) fn give_back(page: &'static Page) {
    page.len.store(0, Ordering::Relaxed);
    FREE.lock().unwrap_or_else(PoisonError::into_inner).push(page);
}
