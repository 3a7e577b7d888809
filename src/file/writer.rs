//! Writes a log while it grows.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::codec::Encoder;
use super::{BLOCK, END, FileError, HEADER, LONGEST, MAGIC, VERSION};
use crate::trace::{Event, State};

/// Bytes of events, not yet packed, after which a block is written.
const BLOCK_SIZE: usize = 64 << 10;
/// How old the first event of a block may get before the block is written.
const AGE: Duration = Duration::from_millis(250);

/// What to do about a file that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and refuse.
    Keep,
    /// Replace it.
    Replace,
}

/// A file that is being written. Dropped without [`Writer::finish`] it lacks its end and what is younger than 250 ms.
pub struct Writer {
    file: File,
    path: PathBuf,
    /// After the events written so far, those of the open block among them.
    state: State,
    block: Option<Block>,
    events: u64,
}

/// Events that are not on disk yet.
struct Block {
    encoder: Encoder,
    /// Bytes of the open set.
    base: usize,
    first_seq: u64,
    count: u32,
    began: Instant,
}

impl Writer {
    /// Makes the file and writes its header.
    ///
    /// # Errors
    /// If it exists and is to be kept, or the system refuses.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        options.write(true);
        match existing {
            Existing::Keep => options.create_new(true),
            Existing::Replace => options.create(true).truncate(true),
        };
        let path = path.to_owned();
        let mut file = match options.open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Err(FileError::Exists { path }),
            Err(cause) => return Err(FileError::Io { doing: "write", path, cause }),
        };
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        if let Err(cause) = file.write_all(&header) {
            return Err(FileError::Io { doing: "write", path, cause });
        }
        Ok(Self { file, path, state: State::default(), block: None, events: 0 })
    }

    /// Takes in what happened next.
    ///
    /// # Errors
    /// If a block was due and the system refuses it: a full disk, for instance. What was written before stays good.
    pub fn push(&mut self, event: &Event) -> Result<(), FileError> {
        let is_next = |block: &Block| block.first_seq + u64::from(block.count) == event.seq.0;
        if self.block.as_ref().is_some_and(|block| !is_next(block)) {
            self.flush()?;
        }
        let state = &self.state;
        let block = self.block.get_or_insert_with(|| Block::new(state, event.seq.0));
        block.encoder.event(event);
        block.count += 1;
        self.state.apply(event);
        self.events += 1;
        // The events, not the open set, fill a block; and they are at least as long as it is, so that a file grows with
        // what happens and not with what is open.
        let events = block.encoder.bytes.len() - block.base;
        if events >= BLOCK_SIZE.max(block.base) { self.flush() } else { self.tick() }
    }

    /// Writes the open block if its first event is 250 ms old. To be called at least that often while nothing happens.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn tick(&mut self) -> Result<(), FileError> {
        if self.block.as_ref().is_some_and(|block| block.began.elapsed() >= AGE) {
            return self.flush();
        }
        Ok(())
    }

    /// Writes the open block now.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn flush(&mut self) -> Result<(), FileError> {
        let Some(block) = self.block.take() else { return Ok(()) };
        if block.encoder.bytes.len() > LONGEST {
            let cause = io::Error::other("what is open takes more than a block may hold");
            return Err(FileError::Io { doing: "write", path: self.path.clone(), cause });
        }
        self.write(&block.packed())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let write = self.file.write_all(bytes);
        write.map_err(|cause| FileError::Io { doing: "write", path: self.path.clone(), cause })
    }

    /// Writes what is left, and the end.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn finish(mut self) -> Result<(), FileError> {
        self.flush()?;
        let mut end = END.to_vec();
        end.extend(self.events.to_le_bytes());
        end.extend(crc32fast::hash(&end).to_le_bytes());
        self.write(&end)
    }
}

impl Block {
    /// A block that begins with what is open.
    fn new(state: &State, first_seq: u64) -> Self {
        let mut encoder = Encoder::default();
        let open = state.open_set();
        encoder.number(open.len() as u64);
        for event in &open {
            encoder.event(event);
        }
        let base = encoder.bytes.len();
        Self { encoder, base, first_seq, count: 0, began: Instant::now() }
    }

    fn packed(&self) -> Vec<u8> {
        let raw = &self.encoder.bytes;
        let payload = lz4_flex::block::compress(raw);
        let mut bytes = BLOCK.to_vec();
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend((raw.len() as u32).to_le_bytes());
        bytes.extend(self.first_seq.to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        let mut check = crc32fast::Hasher::new();
        check.update(&bytes);
        check.update(&payload);
        bytes.extend(check.finalize().to_le_bytes());
        bytes.extend(payload);
        bytes
    }
}
