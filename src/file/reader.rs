//! Reads a file into a log: all of it, what undamaged blocks there are of it, or as much as has been written so far.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::codec::Decoder;
use super::{BLOCK, BLOCK_HEADER, END, END_LENGTH, FileError, HEADER, LONGEST, MAGIC, VERSION};
use crate::trace::{Event, Kind, Log, Seq};

/// A file that is being read. It may still be growing.
pub struct Reader {
    file: File,
    path: PathBuf,
    /// Read from the file and not yet understood.
    pending: Vec<u8>,
    /// Where in the file `pending` begins.
    offset: u64,
    /// The place in the recording of the event that should come next.
    next_seq: u64,
    /// Where in the file a damaged stretch that is not over began.
    damaged_from: Option<u64>,
    damage: Vec<Damage>,
    is_ended: bool,
}

/// Bytes of a file that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let (file, length) = match opened {
            Ok(opened) => opened,
            Err(cause) => return Err(FileError::Io { doing: "read", path, cause }),
        };
        if length < HEADER || &header[..8] != MAGIC {
            return Err(FileError::NotARecording { path });
        }
        let found = u16::from_le_bytes([header[8], header[9]]);
        if found > VERSION {
            return Err(FileError::Version { path, found, newest: VERSION });
        }
        Ok(Self {
            file,
            path,
            pending: Vec::new(),
            offset: HEADER as u64,
            next_seq: 0,
            damaged_from: None,
            damage: Vec::new(),
            is_ended: false,
        })
    }

    /// Adds to the log what can be read by now, and says whether that was anything. A block that is not there yet in full is
    /// left for the next call.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn read(&mut self, log: &mut Log) -> Result<bool, FileError> {
        let before = log.len();
        loop {
            let read = (&self.file).take(1 << 20).read_to_end(&mut self.pending);
            let read = read.map_err(|cause| FileError::Io { doing: "read", path: self.path.clone(), cause })?;
            while self.block(log) {}
            if read == 0 {
                return Ok(log.len() > before);
            }
        }
    }

    /// What could not be read so far. What is left over at the end of a file that does not grow any more is damage too.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        let mut damage = self.damage.clone();
        let end = self.offset + self.pending.len() as u64;
        let begin = self.damaged_from.unwrap_or(self.offset);
        if begin < end {
            damage.push(Damage { offset: begin, bytes: end - begin, events: None });
        }
        damage
    }

    /// Whether the file was closed in order.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Takes the next block, the end, or a byte of damage. False if there is not enough to tell.
    fn block(&mut self, log: &mut Log) -> bool {
        let Some(header) = self.pending.get(..BLOCK_HEADER) else {
            return self.end();
        };
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (length, raw, count, check) = (number(4) as usize, number(8) as usize, number(20), number(24));
        let mut first = [0; 8];
        first.copy_from_slice(&header[12..20]);
        // The most that lz4 can unpack to, so that a wrong length asks for no memory the file does not account for.
        let is_sane = &header[..4] == BLOCK && raw <= LONGEST && raw <= length.saturating_mul(256).saturating_add(64);
        if !is_sane {
            return self.end() || self.skip();
        }
        let Some(payload) = self.pending.get(BLOCK_HEADER..BLOCK_HEADER + length) else {
            // Not there yet; or the length is wrong, and a later block will say so.
            return self.has_block_behind() && self.skip();
        };
        let mut sum = crc32fast::Hasher::new();
        sum.update(&header[..24]);
        sum.update(payload);
        let events = (sum.finalize() == check).then(|| decode(payload, raw, count)).flatten();
        let Some((open, events)) = events else {
            return self.skip();
        };
        self.take(log, u64::from_le_bytes(first), open, events);
        self.consume(BLOCK_HEADER + length);
        true
    }

    /// Whether a checked block begins somewhere behind the first byte.
    fn has_block_behind(&self) -> bool {
        let rest = &self.pending[1..];
        rest.windows(BLOCK.len()).enumerate().filter(|(_, word)| word == BLOCK).any(|(at, _)| {
            let block = &rest[at..];
            let Some(header) = block.get(..BLOCK_HEADER) else { return false };
            let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let Some(payload) = block.get(BLOCK_HEADER..BLOCK_HEADER.saturating_add(number(4) as usize)) else {
                return false;
            };
            let mut sum = crc32fast::Hasher::new();
            sum.update(&header[..24]);
            sum.update(payload);
            sum.finalize() == number(24)
        })
    }

    /// Takes the end, if that is what comes.
    fn end(&mut self) -> bool {
        let Some(end) = self.pending.get(..END_LENGTH) else { return false };
        let (said, check) = end.split_at(END_LENGTH - 4);
        if &said[..4] != END || crc32fast::hash(said).to_le_bytes() != check {
            return false;
        }
        self.is_ended = true;
        self.consume(END_LENGTH);
        true
    }

    /// Passes over one byte of damage, and whatever else cannot be the beginning of a block or of the end.
    fn skip(&mut self) -> bool {
        self.damaged_from.get_or_insert(self.offset);
        let rest = &self.pending[1..];
        let next = rest.windows(4).position(|word| word == BLOCK || word == END);
        // A beginning may be cut off at the end of what is there.
        let length = next.map_or(self.pending.len().saturating_sub(3).max(1), |at| at + 1);
        self.pending.drain(..length);
        self.offset += length as u64;
        true
    }

    fn consume(&mut self, length: usize) {
        self.pending.drain(..length);
        self.offset += length as u64;
    }

    /// Adds a block to the log, and says what is missing before it.
    fn take(&mut self, log: &mut Log, first: u64, open: Vec<Event>, events: Vec<Event>) {
        let missing = first.saturating_sub(self.next_seq);
        if let Some(begin) = self.damaged_from.take() {
            self.damage.push(Damage { offset: begin, bytes: self.offset - begin, events: Some(missing) });
        }
        if missing > 0 {
            bridge(log, missing, open);
        }
        self.next_seq = first + events.len() as u64;
        for event in events {
            push(log, event);
        }
    }
}

/// Adds an event under the next number: a log's own have no gaps.
fn push(log: &mut Log, event: Event) {
    let seq = Seq(log.len() as u64);
    log.push(Event { seq, ..event });
}

/// Brings a log over a gap: what was open and is not any more is closed, what is open is opened.
fn bridge(log: &mut Log, missing: u64, open: Vec<Event>) {
    let Some(first) = open.first().cloned() else { return };
    let now = open.iter().map(|event| event.time).max().unwrap_or(first.time).max(log.time_at(log.len()));
    let at_now = |event: &Event, kind: Kind| Event { time: now, kind, ..event.clone() };
    push(log, at_now(&first, Kind::Dropped { count: missing }));
    let is_in =
        |kind: &Kind| open.iter().any(|event| event.kind.word() == kind.word() && event.kind.span() == kind.span());
    let before = log.latest().open_set();
    for event in before.iter().rev() {
        let gone = match event.kind {
            Kind::Enter { span } if !is_in(&event.kind) => Kind::Exit { span },
            Kind::Open { span, .. } if !is_in(&event.kind) => Kind::Close { span },
            Kind::LaneOpen { .. } if !open.iter().any(|other| other.lane == event.lane) => Kind::LaneClose,
            _ => continue,
        };
        push(log, at_now(event, gone));
    }
    for event in open {
        let was = before.iter().any(|old| {
            old.kind.word() == event.kind.word() && old.kind.span() == event.kind.span() && old.lane == event.lane
        });
        if !was {
            push(log, at_now(&event, event.kind.clone()));
        }
    }
}

/// The open set and the events of a payload.
fn decode(payload: &[u8], raw: usize, count: u32) -> Option<(Vec<Event>, Vec<Event>)> {
    let bytes = lz4_flex::block::decompress(payload, raw).ok()?;
    let mut decoder = Decoder::new(&bytes);
    let open = decoder.number()?;
    let open = (0..open).map(|at| decoder.event(at)).collect::<Option<Vec<_>>>()?;
    let events = (0..count).map(|at| decoder.event(at.into())).collect::<Option<Vec<_>>>()?;
    Some((open, events))
}
