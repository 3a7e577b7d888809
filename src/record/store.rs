//! What has been recorded: a ring of chunks, and the one that is being written.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::trace::{Chunk, Packer, Seq};

/// For how long the first event of a chunk may be known before the chunk is complete. Until it is known, and from then on
/// until it is written, whoever reads may take a look each: a file has 250 ms in all.
const AGE: Duration = Duration::from_millis(120);

/// The newest chunks, and the one that grows.
pub(super) struct Store {
    pub(super) packer: Packer,
    /// Bytes of the open set that was written last.
    base: usize,
    /// Bytes of events in complete chunks since then.
    since: usize,
    /// Bytes of the growing chunk before its events, and those at which it is full.
    own: usize,
    full: usize,
    /// When the growing chunk got its first event.
    began: Option<Instant>,
    whole: VecDeque<Chunk>,
    bytes: usize,
    /// How many bytes of whole chunks are kept.
    limit: usize,
    /// Bytes of events after which a chunk is complete.
    chunk: usize,
}

impl Store {
    /// Keeps that many bytes of chunks that are complete at so many. A chunk has to be begun.
    pub(super) fn new(limit: usize, chunk: usize) -> Self {
        let (packer, whole) = (Packer::default(), VecDeque::new());
        Self { packer, base: 0, since: 0, own: 0, full: 0, began: None, whole, bytes: 0, limit, chunk }
    }

    /// Whether the next chunk has to begin with what is open. Not if events have taken less since the last open set than that
    /// did: chunks that are complete since they are old would else repeat, eight times a second, all that thousands of idle
    /// clients have open.
    pub(super) fn needs_open_set(&self) -> bool {
        self.since >= self.base
    }

    /// The growing chunk is begun, with its open set if it has one.
    pub(super) fn begun(&mut self) {
        self.own = self.packer.len();
        if self.packer.has_open_set() {
            self.packer.begin_events();
            (self.base, self.since) = (self.own, 0);
        }
        self.full = self.own + self.chunk.max(self.base) - self.since;
        self.began = None;
    }

    /// Whether the growing chunk is full: events take at least as much as the open set before them, so that what is kept
    /// grows with what happens and not with what is open.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.packer.len() >= self.full
    }

    /// Whether the growing chunk is old. To be asked often.
    pub(super) fn is_old(&mut self) -> bool {
        !self.packer.is_empty() && self.began.get_or_insert_with(Instant::now).elapsed() >= AGE
    }

    /// Completes the growing chunk; the next has to be begun.
    pub(super) fn complete(&mut self) {
        let chunk = self.packer.chunk();
        self.since += chunk.bytes.len() - self.own;
        self.bytes += chunk.bytes.len();
        self.whole.push_back(chunk);
        // What is kept begins with what is open.
        while self.bytes > self.limit
            && let Some(next) = (1..self.whole.len()).find(|at| self.whole[*at].has_open_set)
        {
            self.bytes -= self.whole.drain(..next).map(|chunk| chunk.bytes.len()).sum::<usize>();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.whole.clear();
        (self.bytes, self.base, self.since) = (0, 0, 0);
    }

    /// The chunks with events from that place on, and the growing one with them if it is wanted.
    pub(super) fn since(&mut self, next: Seq, with_growing: bool) -> Vec<Chunk> {
        let end = |chunk: &Chunk| chunk.first.0 + u64::from(chunk.count);
        let first = self.whole.partition_point(|chunk| end(chunk) <= next.0);
        let mut chunks: Vec<Chunk> = self.whole.range(first..).cloned().collect();
        if with_growing && !self.packer.is_empty() && self.packer.next() > next {
            chunks.push(self.packer.chunk());
        }
        chunks
    }

    /// Bytes that the events in the ring take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.packer.len()
    }
}
