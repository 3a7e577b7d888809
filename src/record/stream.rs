//! A stream: what one thread writes for one recording, page after page, and its number in ids.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::page::{self, Page};
use super::{callsites, fork};
use crate::trace::Thread;

/// Bits of an id: callsite, stream, count. No id is given twice.
pub(super) const COUNT_BITS: u32 = 32;
pub(super) const STREAM_BITS: u32 = 64 - COUNT_BITS - callsites::BITS;

/// What one thread has written for one recording and the collector has not taken yet.
pub(super) struct Stream {
    pub(super) thread: Arc<Thread>,
    /// The recording it belongs to.
    pub(super) key: u64,
    /// Oldest first; the last is being written.
    pages: Mutex<VecDeque<&'static Page>>,
    /// Nothing more will be written.
    pub(super) is_over: AtomicBool,
}

impl Stream {
    pub(super) fn new(thread: Arc<Thread>, key: u64) -> Self {
        Self { thread, key, pages: Mutex::new(VecDeque::new()), is_over: AtomicBool::new(false) }
    }

    /// Nobody writes any more, and nobody will read.
    pub(super) fn give_back_pages(&self) {
        self.pages().drain(..).for_each(page::give_back);
    }

    pub(super) fn pages(&self) -> MutexGuard<'_, VecDeque<&'static Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers of streams that are free, each with how many ids have been given under it.
static INDEXES: Mutex<(u64, Vec<(u64, u32)>)> = Mutex::new((0, Vec::new()));

/// A number for a stream, and how many ids have been given under it; none if too many threads are recorded.
pub(super) fn take_index() -> Option<(u64, u32)> {
    let mut indexes = INDEXES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(free) = indexes.1.pop() {
        return Some(free);
    }
    indexes.0 += 1;
    (indexes.0 < 1 << STREAM_BITS).then_some((indexes.0, 0))
}

/// A stream has no use for its number any more.
pub(super) fn give_back_index(index: u64, count: u32) {
    // One that is used up is not given again.
    if count < u32::MAX
        && let Some(mut indexes) = fork::lock(&INDEXES)
    {
        indexes.1.push((index, count));
    }
}
