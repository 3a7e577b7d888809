//! Pages of words: what a recording thread writes and the collector reads, at the same time and without a lock.
//!
//! A page has one writer. Full pages that have been read go back to a pool and are written again: they stay in the
//! processor's caches, where a page that is fresh from the system costs more than all that is written into it. Pages are
//! never given back to the system, so a thread may keep a plain reference to its page, also while it ends.

use std::sync;

mod handover;

pub(super) use handover::Page;
use handover::Pool;

/// Words of a page: 64 KiB.
pub(super) const WORDS: usize = 8 << 10;

/// Pages that nobody uses, of all recorders of the process.
static FREE: Pool = Pool { free: sync::Mutex::new(Vec::new()) };

/// An empty page of so many words at the least: one that was given back, or a new one.
pub(super) fn take(words: usize) -> &'static Page {
    FREE.take(words).unwrap_or_else(|| Box::leak(Box::new(Page::new(words.max(WORDS)))))
}

/// Gives a page back. Nobody may write it or read it any more.
pub(super) fn give_back(page: &'static Page) {
    FREE.give_back(page);
}
