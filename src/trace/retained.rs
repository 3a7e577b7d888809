//! The chunks of a recording that a bounded log is made of: its beginning, and what is newest.
//!
//! ```text
//!   recording   ████████████████████████████████████████████████████
//!   retained    ████ head                              █████████████ recent
//!   log         ████ gap: what was open goes on or ends █████████████
//! ```
//!
//! The beginning stays because it is what lessons are about, and because it shows how the program came to be as it is.
//! Chunks share their bytes with the log that they are in.

use std::collections::VecDeque;

use super::{Chunk, Corrupt, Log, ProgramClock};

/// The first and the newest chunks of a recording.
#[derive(Clone, Debug)]
pub struct Retained {
    head: Vec<Chunk>,
    recent: VecDeque<Chunk>,
    /// Bytes that the first chunks may take, and the newest.
    limits: (usize, usize),
    recent_bytes: usize,
    has_forgotten: bool,
}

impl Retained {
    /// Retains so many bytes of the beginning and of what is newest, and at the most a chunk more of each.
    #[must_use]
    pub fn new(head: usize, recent: usize) -> Self {
        let limits = (head, recent);
        Self { head: Vec::new(), recent: VecDeque::new(), limits, recent_bytes: 0, has_forgotten: false }
    }

    /// Takes the next chunk, or more of the last one; lets go of what is neither first nor new.
    pub fn take(&mut self, chunk: &Chunk) {
        if let Some(last) = self.recent.back_mut().filter(|last| last.first == chunk.first) {
            self.recent_bytes = self.recent_bytes + chunk.bytes.len() - last.bytes.len();
            *last = chunk.clone();
            return;
        }
        if self.recent.is_empty() {
            if let Some(last) = self.head.last_mut().filter(|last| last.first == chunk.first) {
                *last = chunk.clone();
                return;
            }
            if self.head.iter().map(|chunk| chunk.bytes.len()).sum::<usize>() < self.limits.0 {
                self.head.push(chunk.clone());
                return;
            }
        }
        self.recent_bytes += chunk.bytes.len();
        self.recent.push_back(chunk.clone());
        // What is behind a gap begins with what is open.
        while let Some(next) = (1..self.recent.len()).find(|at| self.recent[*at].has_open_set) {
            let bytes: usize = self.recent.range(..next).map(|chunk| chunk.bytes.len()).sum();
            if self.recent_bytes - bytes < self.limits.1 {
                break;
            }
            self.recent_bytes -= bytes;
            self.recent.drain(..next);
            self.has_forgotten = true;
        }
    }

    /// Whether something has been let go: a log of what is retained is shorter than the recording.
    #[must_use]
    pub fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    /// A log of what is retained. Program time goes by in it as it did by `clock`, which has seen all of it.
    ///
    /// # Errors
    /// If a chunk is none.
    pub fn log(&self, clock: &ProgramClock) -> Result<Log, Corrupt> {
        let mut log = Log::told_again(clock);
        for chunk in &self.head {
            log.append(chunk)?;
        }
        self.bring(&mut log)?;
        Ok(log)
    }

    /// Brings such a log up to what has come since.
    ///
    /// # Errors
    /// If a chunk is none.
    pub fn bring(&self, log: &mut Log) -> Result<(), Corrupt> {
        self.recent.iter().try_for_each(|chunk| log.resume(chunk))
    }
}
