//! Reads a file into a log: all of it, what undamaged blocks there are of it, or as much as has been written so far.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::codec::Decoder;
use super::{BLOCK, BLOCK_HEADER, END, END_LENGTH, FileError, HEADER, LONGEST, MAGIC, VERSION};
use crate::trace::{Event, Kind, LaneId, Log, Seq, SpanId};

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
            done: 0,
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
            self.pending.drain(..self.done);
            self.done = 0;
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

    fn rest(&self) -> &[u8] {
        &self.pending[self.done..]
    }

    /// Takes the next block, the end, or some damage. False if there is not enough to tell.
    fn block(&mut self, log: &mut Log) -> bool {
        if self.end() {
            return true;
        }
        let Some(header) = Header::read(self.rest()) else {
            let is_long_enough = self.rest().len() >= BLOCK_HEADER;
            return is_long_enough && self.skip();
        };
        let Some(payload) = header.checked(self.rest()) else {
            // Spoilt, or not there yet in full: a good block behind it tells. If what is there is long enough, it is spoilt.
            let is_whole = self.rest().len() >= BLOCK_HEADER + header.length;
            return match self.next_good() {
                Some(length) => self.damaged(length),
                None => is_whole && self.skip(),
            };
        };
        let end = header.first.checked_add(header.count.into()).filter(|_| header.first >= self.next_seq);
        let Some((end, (open, events))) = end.zip(decode(payload, header.raw, header.count)) else {
            return self.skip();
        };
        let missing = header.first - self.next_seq;
        if let Some(begin) = self.damaged_from.take() {
            self.damage.push(Damage { offset: begin, bytes: self.offset - begin, events: Some(missing) });
        }
        if missing > 0 {
            bridge(log, missing, &open, &events);
        }
        self.next_seq = end;
        for event in events {
            push(log, event);
        }
        self.consume(BLOCK_HEADER + header.length);
        true
    }

    /// How far behind the next byte a checked block, or the end, begins.
    fn next_good(&self) -> Option<usize> {
        let behind = self.rest().get(1..)?;
        let mut words = behind.windows(4).enumerate().filter(|(_, word)| word == BLOCK || word == END);
        let is_good = |at: usize| {
            let rest = &behind[at..];
            Header::read(rest).is_some_and(|header| header.checked(rest).is_some()) || end_of(rest).is_some()
        };
        words.find(|(at, _)| is_good(*at)).map(|(at, _)| at + 1)
    }

    /// Takes the end, if that is what comes.
    fn end(&mut self) -> bool {
        let Some(events) = end_of(self.rest()) else { return false };
        if let Some(begin) = self.damaged_from.take() {
            let missing = events.saturating_sub(self.next_seq);
            self.damage.push(Damage { offset: begin, bytes: self.offset - begin, events: Some(missing) });
        }
        self.is_ended = true;
        self.consume(END_LENGTH);
        true
    }

    /// Passes over damage, up to what may be the beginning of a block or of the end.
    fn skip(&mut self) -> bool {
        let rest = &self.rest()[1..];
        let next = rest.windows(4).position(|word| word == BLOCK || word == END);
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

/// What a block says of itself.
struct Header {
    length: usize,
    raw: usize,
    first: u64,
    count: u32,
    check: u32,
}

impl Header {
    /// The header of a block that could be one: no length in it asks for memory the file does not account for.
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..BLOCK_HEADER)?;
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (length, raw) = (number(4) as usize, number(8) as usize);
        let first = u64::from(number(12)) | u64::from(number(16)) << 32;
        // The most that lz4 can unpack to, and the most that it packs to.
        let is_sane = &header[..4] == BLOCK
            && raw <= LONGEST
            && raw <= length.saturating_mul(256).saturating_add(64)
            && length <= lz4_flex::block::get_maximum_output_size(raw);
        is_sane.then_some(Self { length, raw, first, count: number(20), check: number(24) })
    }

    /// The payload, if it is there and as it was written.
    fn checked<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let payload = bytes.get(BLOCK_HEADER..BLOCK_HEADER + self.length)?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&bytes[..BLOCK_HEADER - 4]);
        sum.update(payload);
        (sum.finalize() == self.check).then_some(payload)
    }
}

/// How many events a file says it has, if these bytes are its end.
fn end_of(bytes: &[u8]) -> Option<u64> {
    let (said, check) = bytes.get(..END_LENGTH)?.split_at(END_LENGTH - 4);
    let count = said.strip_prefix(END)?;
    let is_good = crc32fast::hash(said).to_le_bytes() == check;
    is_good.then(|| count.try_into().map(u64::from_le_bytes).ok()).flatten()
}

/// Adds an event under the next number: a log's own have no gaps. A file may say anything: a call is opened once, and inside
/// one that was opened before it.
fn push(log: &mut Log, mut event: Event) {
    if let Kind::Open { span, parent, .. } = &mut event.kind {
        if log.span(*span).is_some() {
            return;
        }
        *parent = parent.filter(|parent| log.span(*parent).is_some());
    }
    log.push(Event { seq: Seq(log.len() as u64), ..event });
}

/// Brings a log over a gap: everybody goes on, leaves and ends who is not in the new open set; then what is open there is
/// opened, entered and held.
fn bridge(log: &mut Log, missing: u64, open: &[Event], events: &[Event]) {
    let Some(template) = open.first().or(events.first()) else { return };
    let now = events.first().map_or(template.time, |event| event.time).max(log.time_at(log.len()));
    let before = log.latest().open_set();
    let mut say = |event: &Event, kind: Kind| push(log, Event { time: now, kind, ..event.clone() });
    say(template, Kind::Dropped { count: missing });
    let is_left = |set: &[Event], at: usize| {
        let span = set[at].kind.span();
        set.get(at + 1).is_some_and(|next| matches!(next.kind, Kind::Exit { .. }) && next.kind.span() == span)
    };
    let opens = |set: &[Event], span: SpanId| {
        set.iter().any(|event| matches!(event.kind, Kind::Open { span: other, .. } if other == span))
    };
    let has_run =
        |span: SpanId| before.iter().any(|event| matches!(event.kind, Kind::Enter { span: other } if other == span));
    let has_lane = |set: &[Event], lane: LaneId| set.iter().any(|event| event.lane == lane);
    for (at, event) in before.iter().enumerate().rev() {
        match event.kind {
            Kind::Hold { span, edge, .. } => say(event, Kind::Release { span, edge }),
            Kind::Enter { span } if !is_left(&before, at) => say(event, Kind::Exit { span }),
            Kind::Open { span, .. } if !opens(open, span) => say(event, Kind::Close { span }),
            Kind::LaneOpen { .. } if !has_lane(open, event.lane) => say(event, Kind::LaneClose),
            _ => {}
        }
    }
    for (at, event) in open.iter().enumerate() {
        let was_open = event.kind.span().is_some_and(|span| opens(&before, span));
        match &event.kind {
            Kind::LaneOpen { .. } if has_lane(&before, event.lane) => {}
            Kind::Open { span, fields, .. } if was_open => {
                say(event, Kind::Record { span: *span, fields: fields.clone() });
            }
            // That it has run is known already.
            Kind::Enter { span } if is_left(open, at) && has_run(*span) => {}
            Kind::Exit { span } if has_run(*span) => {}
            kind => say(event, kind.clone()),
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
