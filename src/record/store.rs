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
    /// Bytes of the growing chunk's open set.
    base: usize,
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
        Self { packer: Packer::default(), base: 0, began: None, whole: VecDeque::new(), bytes: 0, limit, chunk }
    }

    /// The open set of the growing chunk is complete.
    pub(super) fn begun(&mut self) {
        self.packer.begin_events();
        self.base = self.packer.len();
        self.began = None;
    }

    /// Whether the growing chunk is full: its events take at least as much as its open set, so that what is kept grows with
    /// what happens and not with what is open.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.packer.len() - self.base >= self.chunk.max(self.base)
    }

    /// Whether the growing chunk is old. To be asked often.
    pub(super) fn is_old(&mut self) -> bool {
        !self.packer.is_empty() && self.began.get_or_insert_with(Instant::now).elapsed() >= AGE
    }

    /// Completes the growing chunk; the next has to be begun.
    pub(super) fn complete(&mut self) {
        let chunk = self.packer.chunk();
        self.bytes += chunk.bytes.len();
        self.whole.push_back(chunk);
        while self.bytes > self.limit && self.whole.len() > 1 {
            if let Some(oldest) = self.whole.pop_front() {
                self.bytes -= oldest.bytes.len();
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.whole.clear();
        self.bytes = 0;
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
