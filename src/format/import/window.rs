//! The part of a file that is being looked at.

use std::io::{self, Read};

/// Bytes of a file from one place to another, which goes on towards its end.
pub(super) struct Window {
    from: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// The place in the file of the first of them.
    base: usize,
    is_end: bool,
}

impl Window {
    pub(super) fn new(from: Box<dyn Read + Send>) -> Self {
        Self { from, bytes: Vec::new(), base: 0, is_end: false }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place in the file at which it begins.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Whether the file ends where it does.
    pub(super) fn is_end(&self) -> bool {
        self.is_end
    }

    /// Lets go of so many bytes at its beginning, and has so many at its end that it is of this length, if the file goes on so long.
    pub(super) fn move_on(&mut self, past: usize, length: usize) -> io::Result<()> {
        self.bytes.drain(..past);
        self.base += past;
        let missing = length.saturating_sub(self.bytes.len());
        let read = self.from.by_ref().take(missing as u64).read_to_end(&mut self.bytes)?;
        self.is_end = read < missing;
        Ok(())
    }
}
