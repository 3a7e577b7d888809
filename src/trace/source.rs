//! Where the chunks of a recording come from: a recorder, a file, whoever has one.

use std::time::Duration;

use super::Chunk;

/// A recording that grows, read from where one left off.
pub trait Source: Send {
    /// What has come since the last call; waits at most this long for it.
    fn read(&mut self, at_most: Duration) -> Batch;

    /// All that has come up to now, whether or not its last chunk is complete. Reading may go on: what comes next may then begin
    /// with more of that chunk.
    fn finish(&mut self) -> Batch {
        self.read(Duration::ZERO)
    }
}

/// Chunks that have come since a source was read last.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Counts how often the recording was begun anew: chunks of another generation belong to another log.
    pub generation: u64,
    /// In order. The first may begin where the last of the batch before began: then it is more of that one.
    pub chunks: Vec<Chunk>,
}
