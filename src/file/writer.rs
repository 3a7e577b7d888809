//! Writes chunks, one block each.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::index::{self, Block};
use super::{BLOCK, DENSEST, FileError, GOES_ON, HEADER, LONGEST, MAGIC, VERSION};
use super::{extra, lock};
use crate::trace::{BookmarkEdit, Chunk, Seq};

/// What to do about a file that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and refuse.
    Keep,
    /// Replace it.
    Replace,
}

/// A file that is being written. Dropped without [`Writer::finish`] it lacks its index and its end, and nothing else.
pub struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes written.
    length: u64,
    /// The place in the recording behind the last event written.
    next: u64,
    blocks: Vec<Block>,
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
        lock::keep_out_others(&mut options);
        let path = path.to_owned();
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Err(FileError::Exists { path }),
            Err(cause) => return Err(FileError::Io { doing: "write", path, cause }),
        };
        lock::take(&file);
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        let mut writer = Self { file, path, length: 0, next: 0, blocks: Vec::new() };
        writer.write(&header)?;
        Ok(writer)
    }

    /// Writes a chunk as a block, unless it has nothing that is not written. What is written is with the system when this
    /// returns: it survives the end of the process.
    ///
    /// # Errors
    /// If the system refuses: a full disk, for instance. What was written before stays good.
    pub fn push(&mut self, chunk: &Chunk) -> Result<(), FileError> {
        let end = chunk.first.0 + u64::from(chunk.count);
        if end <= self.next {
            return Ok(());
        }
        if chunk.bytes.len() > LONGEST {
            let cause = io::Error::other("what is open takes more than a block may hold");
            return Err(FileError::Io { doing: "write", path: self.path.clone(), cause });
        }
        let block = Block { offset: self.length, first: chunk.first, times: chunk.times };
        self.write(&packed(chunk))?;
        self.blocks.push(block);
        self.next = end;
        Ok(())
    }

    /// Writes what a person has marked, or marks no longer.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn mark(&mut self, edit: &BookmarkEdit) -> Result<(), FileError> {
        self.write(&extra::write(edit))
    }

    /// The place in the recording of the first event written.
    pub(super) fn first(&self) -> Option<Seq> {
        self.blocks.first().map(|block| block.first)
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        if let Err(cause) = self.file.write_all(bytes) {
            // Half a block is worth nothing, and takes room where there is none. What cannot be cut is read over.
            let _ = self.file.set_len(self.length);
            return Err(FileError::Io { doing: "write", path: self.path.clone(), cause });
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Writes the index and the end.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn finish(mut self) -> Result<(), FileError> {
        self.end()
    }

    /// Writes the index and the end; nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), FileError> {
        let end = index::write(&self.blocks, self.next, self.length);
        self.write(&end)
    }
}

fn packed(chunk: &Chunk) -> Vec<u8> {
    let packed = lz4_flex::block::compress(&chunk.bytes);
    let is_worth_it = packed.len() < chunk.bytes.len() && packed.len() * DENSEST >= chunk.bytes.len();
    let payload = if is_worth_it { &*packed } else { &*chunk.bytes };
    let mut bytes = BLOCK.to_vec();
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend((chunk.bytes.len() as u32).to_le_bytes());
    bytes.extend(chunk.first.0.to_le_bytes());
    bytes.extend((chunk.open | if chunk.has_open_set { 0 } else { GOES_ON }).to_le_bytes());
    bytes.extend(chunk.count.to_le_bytes());
    bytes.extend(chunk.times.0.0.to_le_bytes());
    bytes.extend(chunk.times.1.0.to_le_bytes());
    let mut check = crc32fast::Hasher::new();
    check.update(&bytes);
    check.update(payload);
    bytes.extend(check.finalize().to_le_bytes());
    bytes.extend(payload);
    bytes
}
