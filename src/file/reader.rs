//! Reads a file into a log: all of it, what undamaged blocks there are of it, or as much as has been written so far.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::append::append;
use super::extra::{self, EXTRA_HEADER, Extra, MARK, Unknown};
use super::index::{self, Extent};
use super::{
    BLOCK, BLOCK_HEADER, DENSEST, END, END_LENGTH, EXTRA, FileError, GOES_ON, HEADER, INDEX, LONGEST, MAGIC, OLDEST,
    VERSION,
};
use crate::trace::{BookmarkEdit, Chunk, Log, Seq, Time};

/// A file that is being read. It may still be growing.
pub struct Reader {
    file: File,
    path: PathBuf,
    /// Read from the file and not yet understood.
    pending: Vec<u8>,
    /// How much of `pending` is done with.
    done: usize,
    /// Where in the file the rest of `pending` begins.
    offset: u64,
    /// The place in the recording of the event that should come next.
    next_seq: u64,
    /// Where in the file a damaged stretch that is not over began.
    damaged_from: Option<u64>,
    damage: Vec<Damage>,
    /// Good bytes behind a damaged stretch that do not tell what is missing: an index, extras.
    good_behind_damage: usize,
    unknown: Option<Unknown>,
    is_ended: bool,
    extent: Option<Extent>,
    /// Bytes that were taken for blocks, checked, and were none.
    in_vain: u64,
    /// What a block is unpacked into, one after another.
    unpacked: Vec<u8>,
}

/// How much of a file is read at once.
const PIECE: u64 = 1 << 20;
/// How many bytes may be checked in vain for each byte of a file, and without a reason. In a file that something happened to
/// they are hardly more than it has; one that was made to waste time has blocks within blocks, and is given up.
const IN_VAIN: (u64, u64) = (4, 64 << 20);

/// Bytes of a file that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Where they begin.
    pub offset: u64,
    /// How many they are.
    pub bytes: u64,
    /// How many events are known to be missing for it; `None` at the end of a file, where nobody knows.
    pub events: Option<u64>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at offset {} cannot be read", self.bytes, self.offset)?;
        match self.events {
            Some(events) => write!(f, "; {events} events are missing"),
            None => write!(f, ", and nothing follows"),
        }
    }
}

impl Reader {
    /// Opens a file and looks at its header.
    ///
    /// # Errors
    /// If it cannot be read, is no recording, or is of a later version.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let path = path.to_owned();
        let mut header = [0; HEADER];
        let opened = File::open(&path).and_then(|mut file| {
            let mut length = 0;
            while length < HEADER {
                match file.read(&mut header[length..])? {
                    0 => break,
                    read => length += read,
                }
            }
            Ok((file, length))
        });
        let (mut file, length) = match opened {
            Ok(opened) => opened,
            Err(cause) => return Err(FileError::Io { doing: "read", path, cause }),
        };
        if length < HEADER && (length == 0 || header.starts_with(MAGIC)) {
            return Err(FileError::Short { path, length });
        }
        if !header.starts_with(MAGIC) {
            return Err(FileError::NotARecording { path });
        }
        let found = u16::from_le_bytes([header[8], header[9]]);
        if !(OLDEST..=VERSION).contains(&found) {
            return Err(FileError::Version { path, found, newest: VERSION });
        }
        let extent = index::read(&mut file);
        let rewound = file.seek(SeekFrom::Start(HEADER as u64));
        rewound.map_err(|cause| FileError::Io { doing: "read", path: path.clone(), cause })?;
        Ok(Self {
            file,
            path,
            pending: Vec::new(),
            done: 0,
            offset: HEADER as u64,
            next_seq: 0,
            damaged_from: None,
            damage: Vec::new(),
            good_behind_damage: 0,
            unknown: None,
            is_ended: false,
            extent,
            in_vain: 0,
            unpacked: Vec::new(),
        })
    }

    /// Adds to the log what can be read by now, and says whether that was anything. A block that is not there yet in full is
    /// left for the next call.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn read(&mut self, log: &mut Log) -> Result<bool, FileError> {
        self.read_until(log, None)
    }

    /// The same, but for so long at the most, give or take a block: the rest is left for the next call. A file of any length
    /// can so be shown while it is read.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn read_for(&mut self, log: &mut Log, at_most: Duration) -> Result<bool, FileError> {
        self.read_until(log, Some(Instant::now() + at_most))
    }

    fn read_until(&mut self, log: &mut Log, until: Option<Instant>) -> Result<bool, FileError> {
        let before = (log.len(), log.bookmarks().changes());
        let has_grown = |log: &Log| (log.len(), log.bookmarks().changes()) != before;
        let is_time = || until.is_some_and(|until| Instant::now() >= until);
        loop {
            let mut is_stopped = false;
            while !is_stopped && self.block(log) {
                is_stopped = is_time();
            }
            if is_stopped {
                return Ok(has_grown(log));
            }
            self.pending.drain(..self.done);
            self.done = 0;
            // What is long is looked through again when more of it has come.
            let piece = PIECE.max(self.pending.len() as u64);
            let read = (&self.file).take(piece).read_to_end(&mut self.pending);
            let read = read.map_err(|cause| FileError::Io { doing: "read", path: self.path.clone(), cause })?;
            if read == 0 {
                return Ok(has_grown(log));
            }
        }
    }

    /// How many bytes have been taken in, and how many there are by now.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let all = self.file.metadata().map_or(self.offset, |metadata| metadata.len());
        (self.offset, all.max(self.offset))
    }

    /// What the index of the file says is in it; nothing if it was not closed in order.
    #[must_use]
    pub fn extent(&self) -> Option<&Extent> {
        self.extent.as_ref()
    }

    /// What is in the file by now: by its index, or where there is none by the headers of its blocks, up to the first damage.
    /// Costs a look at each header, and changes nothing about what is read next.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn survey(&mut self) -> Result<Extent, FileError> {
        if let Some(extent) = &self.extent {
            return Ok(extent.clone());
        }
        let file = &mut self.file;
        let found = file.stream_position().and_then(|at| {
            let found = index::rebuild(file);
            file.seek(SeekFrom::Start(at))?;
            found
        });
        found.map_err(|cause| FileError::Io { doing: "read", path: self.path.clone(), cause })
    }

    /// What could not be read so far. What is left over at the end of a file that does not grow any more is damage too.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        let mut damage = self.damage.clone();
        let end = self.offset + self.pending.len() as u64;
        let begin = self.damaged_from.unwrap_or(self.offset);
        if begin < end {
            damage.push(Damage { offset: begin, bytes: end - begin - self.good_behind_damage as u64, events: None });
        }
        damage
    }

    /// Whether the file was closed in order.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Blocks that this reader does not know, if there have been any.
    #[must_use]
    pub fn unknown(&self) -> Option<Unknown> {
        self.unknown
    }

    /// Adds to the file what a person has marked, unless somebody else is writing it. What was added is read like all else.
    ///
    /// # Errors
    /// If somebody else is writing it, if it must not be written to or is another file by now, or the system refuses. Nothing
    /// of what was there is changed.
    pub fn append(&self, edits: &[BookmarkEdit]) -> Result<(), FileError> {
        append(&self.path, Some(&self.file), edits)
    }

    fn rest(&self) -> &[u8] {
        &self.pending[self.done..]
    }

    /// Takes the next block, the end, or some damage. False if there is not enough to tell.
    fn block(&mut self, log: &mut Log) -> bool {
        if self.is_given_up() {
            return !self.rest().is_empty() && self.damaged(self.rest().len());
        }
        if self.end() {
            return true;
        }
        if index::is_cut(self.rest()) {
            // Not there yet in full, or spoilt: something good behind it tells.
            return self.next_good().is_some_and(|length| self.damaged(length));
        }
        if self.rest().starts_with(EXTRA) {
            return self.extra(log);
        }
        let Some(header) = Header::read(self.rest()) else {
            // Too short for a block: it may grow, unless the end is behind it.
            let is_long_enough = self.rest().len() >= BLOCK_HEADER;
            return match is_long_enough {
                true => self.skip(),
                false => self.next_good().is_some_and(|length| self.damaged(length)),
            };
        };
        let Some(payload) = header.checked(&self.pending[self.done..]) else {
            // Spoilt, or not there yet in full: a good block behind it tells. If what is there is long enough, it is spoilt.
            let is_whole = header.is_whole(self.rest());
            self.in_vain += if is_whole { header.length as u64 } else { 0 };
            return match self.next_good() {
                Some(length) => self.damaged(length),
                None => is_whole && self.skip(),
            };
        };
        // A block may be more of the one before: that one was written before its chunk was complete.
        let end = header.first.0.checked_add(header.count.into()).filter(|end| *end > self.next_seq);
        let Some((end, chunk)) = end.zip(header.chunk(payload, &mut self.unpacked)) else { return self.skip() };
        if !header.has_open_set && header.first.0 > self.next_seq {
            // It goes on where something ends that is not there: nobody can tell what is open.
            return self.damaged(BLOCK_HEADER + header.length);
        }
        if self.next_seq == 0 {
            // What is before the first block is in another file. If something spoilt is before this one, the index may say
            // which was the first.
            let first = self.extent.as_ref().and_then(|extent| extent.blocks.first()).map(|block| block.first.0);
            let unspoilt = self.damaged_from.is_none().then_some(header.first.0);
            self.next_seq = first.or(unspoilt).unwrap_or(0).min(header.first.0);
            log.begin_at(self.next_seq);
        }
        if log.append(&chunk).is_err() {
            return self.skip();
        }
        let missing = header.first.0.saturating_sub(self.next_seq);
        self.end_damage(missing);
        self.next_seq = end;
        self.consume(BLOCK_HEADER + header.length);
        true
    }

    /// Takes a block beside the events.
    fn extra(&mut self, log: &mut Log) -> bool {
        let Some(extra) = Extra::read(self.rest()) else {
            return match self.rest().len() < EXTRA_HEADER {
                true => self.next_good().is_some_and(|length| self.damaged(length)),
                false => self.skip(),
            };
        };
        let Some(payload) = extra.checked(self.rest()) else {
            let is_whole = self.rest().len() >= extra.size();
            self.in_vain += if is_whole { extra.length as u64 } else { 0 };
            return match self.next_good() {
                Some(length) => self.damaged(length),
                None => is_whole && self.skip(),
            };
        };
        if extra.kind == MARK {
            let Some(edit) = extra::edit(payload) else { return self.damaged(extra.size()) };
            log.edit_bookmarks(edit);
        } else {
            let unknown = self.unknown.get_or_insert(Unknown { kind: extra.kind, blocks: 0 });
            unknown.blocks = unknown.blocks.saturating_add(1);
        }
        if self.is_ended {
            // There were no events behind the end.
            self.end_damage(0);
        }
        self.pass(extra.size());
        true
    }

    /// What was damaged is over, and so many events are missing.
    fn end_damage(&mut self, missing: u64) {
        let good = std::mem::take(&mut self.good_behind_damage) as u64;
        if let Some(begin) = self.damaged_from.take() {
            self.damage.push(Damage { offset: begin, bytes: self.offset - begin - good, events: Some(missing) });
        }
    }

    /// Passes over something good that does not tell what is missing.
    fn pass(&mut self, length: usize) {
        if self.damaged_from.is_some() {
            self.good_behind_damage += length;
        }
        self.consume(length);
    }

    /// How far behind the next byte a checked block, or the end, begins.
    fn next_good(&mut self) -> Option<usize> {
        let behind = self.pending[self.done..].get(1..)?;
        for at in (0..behind.len().saturating_sub(3)).filter(|at| is_beginning(&behind[*at..at + 4])) {
            let rest = &behind[at..];
            let header = Header::read(rest);
            if header.as_ref().is_some_and(|header| header.checked(rest).is_some())
                || Extra::read(rest).is_some_and(|extra| extra.checked(rest).is_some())
                || index::length_of(rest).is_some()
                || index::end_of(rest).is_some()
            {
                return Some(at + 1);
            }
            let length = header.map(|header| header.length).or_else(|| index::said_length(rest));
            let length = length.or_else(|| Extra::read(rest).map(|extra| extra.length));
            self.in_vain += length.filter(|length| *length <= rest.len()).map_or(0, |length| length as u64);
            if self.is_given_up() {
                break;
            }
        }
        None
    }

    /// Whether too much was checked in vain.
    fn is_given_up(&self) -> bool {
        let (each, free) = IN_VAIN;
        self.in_vain > (self.offset + self.rest().len() as u64).saturating_mul(each).saturating_add(free)
    }

    /// Takes the index, or the end, if that is what comes.
    fn end(&mut self) -> bool {
        if let Some(length) = index::length_of(self.rest()) {
            // It repeats what the blocks have said.
            self.pass(length);
            return true;
        }
        let Some((events, _)) = index::end_of(self.rest()) else { return false };
        self.end_damage(events.saturating_sub(self.next_seq));
        self.is_ended = true;
        self.consume(END_LENGTH);
        true
    }

    /// Passes over damage, up to what may be the beginning of a block or of the end.
    fn skip(&mut self) -> bool {
        let rest = &self.rest()[1..];
        let next = rest.windows(4).position(is_beginning);
        // A beginning may be cut off at the end of what is there.
        let length = next.map_or(self.rest().len().saturating_sub(3).max(1), |at| at + 1);
        self.damaged(length)
    }

    fn damaged(&mut self, length: usize) -> bool {
        self.damaged_from.get_or_insert(self.offset);
        self.consume(length);
        true
    }

    fn consume(&mut self, length: usize) {
        self.done += length;
        self.offset += length as u64;
    }
}

/// Whether these bytes may begin something.
fn is_beginning(word: &[u8]) -> bool {
    word == BLOCK || word == INDEX || word == END || word == EXTRA
}

/// What a block says of itself.
pub(super) struct Header {
    pub(super) length: usize,
    raw: usize,
    pub(super) first: Seq,
    has_open_set: bool,
    open: u32,
    pub(super) count: u32,
    pub(super) times: (Time, Time),
    check: u32,
}

impl Header {
    /// The header of a block that could be one: no length in it asks for memory the file does not account for.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..BLOCK_HEADER)?;
        let small = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let large = |at: usize| u64::from(small(at)) | u64::from(small(at + 4)) << 32;
        let (length, raw) = (small(4) as usize, small(8) as usize);
        let is_sane = &header[..4] == BLOCK && raw <= LONGEST && length <= raw && raw <= length.saturating_mul(DENSEST);
        is_sane.then(|| Self {
            length,
            raw,
            first: Seq(large(12)),
            has_open_set: small(20) & GOES_ON == 0,
            open: small(20) & !GOES_ON,
            count: small(24),
            times: (Time(large(28)), Time(large(36))),
            check: small(44),
        })
    }

    /// Whether all of the block is there.
    fn is_whole(&self, bytes: &[u8]) -> bool {
        bytes.len() >= BLOCK_HEADER + self.length
    }

    /// The payload, if it is there and as it was written.
    fn checked<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let payload = bytes.get(BLOCK_HEADER..BLOCK_HEADER + self.length)?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&bytes[..BLOCK_HEADER - 4]);
        sum.update(payload);
        (sum.finalize() == self.check).then_some(payload)
    }

    /// What a checked payload holds.
    fn chunk(&self, payload: &[u8], unpacked: &mut Vec<u8>) -> Option<Chunk> {
        let bytes = if self.length == self.raw {
            payload
        } else {
            unpacked.resize(self.raw, 0);
            let length = lz4_flex::block::decompress_into(payload, unpacked).ok()?;
            &unpacked[..length]
        };
        let Self { first, has_open_set, open, count, times, .. } = *self;
        Some(Chunk { first, has_open_set, open, count, times, bytes: bytes.into() })
    }
}
