//! A stretch of trace events, told apart without what is before it: so several are at a time.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Malformed;
use super::args::Args;
use super::rows::NEVER;
use super::scan::{NoTime, Scan, Stop, Token, member, raw};

/// What an exported span has beside its fields: where it comes from.
const SOURCE: &[u8] = b"span.source";
/// Bytes by which one event is like the next: of its first key.
const ALIKE: usize = 6;

/// An event.
pub(super) struct Told {
    pub(super) what: Phase,
    /// In ns, from anywhere.
    pub(super) time: i64,
    /// Numbers of its site and its track, in the piece.
    pub(super) site: u32,
    pub(super) track: u32,
    /// Where its fields are among those of the piece.
    pub(super) args: Range<usize>,
    /// How many events of the piece are before it.
    pub(super) place: u32,
}

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A call with its length, in ns, if that is said.
    Whole(Option<i64>),
    Begin,
    End,
    /// Something said.
    Point,
    /// A part of an arrow; its id is that of the piece by this number.
    Flow {
        part: Part,
        id: u32,
    },
    /// A name of a thread or a process.
    Named,
}

/// Where on an arrow something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Begin,
    Middle,
    End,
}

/// Where events come from, by what lies in the file.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) name: Option<Token>,
    pub(super) category: Option<Token>,
    pub(super) file: Option<Token>,
    pub(super) line: Option<Token>,
    pub(super) source: Option<Token>,
}

/// On what calls nest: a thread, or an id of async spans.
#[derive(Clone)]
pub(super) struct Track {
    pub(super) pid: Option<Token>,
    pub(super) tid: Option<Token>,
    /// Category and id, if it is of async spans.
    pub(super) of: Option<(Option<Token>, Option<Token>)>,
}

/// Why a piece ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The next one begins.
    Next,
    /// There are no more events.
    Last,
    /// The window ends inside an event.
    Short,
    Bad(Malformed),
}

/// A stretch of a file's window.
pub(super) struct Piece<'w> {
    bytes: &'w [u8],
    is_ours: bool,
    is_first: bool,
    /// Where it begins, and where it ends: behind an event.
    pub(super) begin: usize,
    pub(super) at: usize,
    pub(super) ending: Ending,
    pub(super) events: Vec<Told>,
    /// How many events there are, of those that are not told too.
    pub(super) count: u32,
    pub(super) args: Args<'w>,
    pub(super) sites: Vec<Site>,
    pub(super) tracks: Vec<Track>,
    pub(super) ids: Vec<Option<Token>>,
    /// Events of other phases, by phase.
    pub(super) others: HashMap<u8, u64>,
    site_numbers: HashTable<u32>,
    /// The site that had a name the last time.
    last_sites: HashTable<u32>,
    track_numbers: HashTable<u32>,
    last_track: u32,
    hash: DefaultHashBuilder,
    /// The members of the event before, as most events have the same: what lies before their values, and what they are.
    shape: Vec<(&'w [u8], Member)>,
}

/// What a member of an event says.
#[derive(Clone, Copy)]
enum Member {
    Phase,
    Name,
    Category,
    Time,
    Duration,
    Pid,
    Tid,
    Id,
    Args,
    File,
    Line,
    Other,
}

impl Member {
    fn of(key: &[u8]) -> Self {
        match key {
            b"ph" => Self::Phase,
            b"name" => Self::Name,
            b"cat" => Self::Category,
            b"ts" => Self::Time,
            b"dur" => Self::Duration,
            b"pid" => Self::Pid,
            b"tid" => Self::Tid,
            b"id" | b"id2" | b"bind_id" => Self::Id,
            b"args" => Self::Args,
            b".file" => Self::File,
            b".line" => Self::Line,
            _ => Self::Other,
        }
    }
}

/// The parts of an event that matter.
#[derive(Default)]
struct Parts {
    phase: u8,
    name: Option<Token>,
    category: Option<Token>,
    /// In ns; what is there and no time is `Err`.
    time: Option<Result<i64, NoTime>>,
    duration: Option<Result<i64, NoTime>>,
    pid: Option<Token>,
    tid: Option<Token>,
    id: Option<Token>,
    args: Option<Range<usize>>,
    /// The same as JSON.
    object: Option<Range<usize>>,
    file: Option<Token>,
    line: Option<Token>,
}

impl<'w> Piece<'w> {
    /// One that begins at a place: at the first event of the file, or behind another.
    pub(super) fn new(bytes: &'w [u8], begin: usize, is_first: bool, is_ours: bool) -> Self {
        Self {
            bytes,
            is_ours,
            is_first,
            begin,
            at: begin,
            ending: Ending::Next,
            events: Vec::new(),
            count: 0,
            args: Args::default(),
            sites: Vec::new(),
            tracks: Vec::new(),
            ids: Vec::new(),
            others: HashMap::new(),
            site_numbers: HashTable::new(),
            last_sites: HashTable::new(),
            track_numbers: HashTable::new(),
            last_track: 0,
            hash: DefaultHashBuilder::default(),
            shape: Vec::new(),
        }
    }

    /// Reads events until one ends at this place or behind it.
    pub(super) fn read(mut self, until: usize) -> Self {
        while self.at < until {
            let before = self.args.bytes.len();
            let ending = match self.event() {
                Ok(true) => continue,
                Ok(false) => Ending::Last,
                Err(Stop::End) => Ending::Short,
                Err(Stop::Bad(wrong)) => Ending::Bad(wrong),
            };
            self.args.bytes.truncate(before);
            self.ending = ending;
            break;
        }
        self.args.bytes.shrink_to_fit();
        self
    }

    /// Takes an event; false if there is none.
    fn event(&mut self) -> Result<bool, Stop> {
        let mut scan = Scan::new(self.bytes, self.at);
        let mut letter = scan.peek()?;
        if letter == b']' {
            return Ok(false);
        }
        if !self.is_first {
            scan.take(b',', "`,` or `]`")?;
            letter = scan.peek()?;
            if letter == b']' {
                // One comma too many is usual.
                return Ok(false);
            }
        }
        if letter != b'{' {
            return scan.bad("an event");
        }
        let begin = scan.at();
        scan.take(b'{', "an event")?;
        // An empty event behind the last comma is usual too.
        if scan.peek()? == b'}' {
            scan.take(b'}', "an event")?;
        } else {
            let mut parts = Parts::default();
            self.parts(&mut scan, &mut parts)?;
            self.take(begin, &mut parts)?;
        }
        (self.at, self.is_first) = (scan.at(), false);
        self.count += 1;
        Ok(true)
    }

    #[inline]
    fn parts(&mut self, scan: &mut Scan<'w>, parts: &mut Parts) -> Result<(), Stop> {
        let mut at = 0;
        while let Some(member) = self.member(scan, at)? {
            at += 1;
            match member {
                Member::Time => parts.time = Some(scan.nanoseconds()?),
                Member::Duration => parts.duration = Some(scan.nanoseconds()?),
                Member::Args if scan.peek()? == b'{' => {
                    let begin = scan.at();
                    parts.args = Some(self.args.take(scan)?);
                    parts.object = Some(begin..scan.at());
                }
                Member::Phase => {
                    let phase = scan.value()?;
                    parts.phase = self.bytes[phase.range()].first().copied().unwrap_or(0);
                }
                Member::Name => parts.name = Some(scan.value()?),
                Member::Category => parts.category = Some(scan.value()?),
                Member::Pid => parts.pid = Some(scan.value()?),
                Member::Tid => parts.tid = Some(scan.value()?),
                Member::Id => parts.id = Some(scan.value()?),
                Member::File => parts.file = Some(scan.value()?),
                Member::Line => parts.line = Some(scan.value()?),
                Member::Args | Member::Other => {
                    scan.value()?;
                }
            }
        }
        Ok(())
    }

    /// Takes the name of an event's next member and what else is before its value. Nothing if the event ends.
    #[inline]
    fn member(&mut self, scan: &mut Scan<'w>, at: usize) -> Result<Option<Member>, Stop> {
        if let Some((before, member)) = self.shape.get(at)
            && scan.skip(before)
        {
            return Ok(Some(*member));
        }
        self.other_member(scan, at)
    }

    #[inline(never)]
    fn other_member(&mut self, scan: &mut Scan<'w>, at: usize) -> Result<Option<Member>, Stop> {
        let begin = scan.at();
        let Some(key) = scan.key(at == 0)? else { return Ok(None) };
        scan.peek()?;
        let member = Member::of(&self.bytes[key]);
        self.shape.truncate(at);
        self.shape.push((&self.bytes[begin..scan.at()], member));
        Ok(Some(member))
    }

    #[inline]
    fn take(&mut self, begin: usize, parts: &mut Parts) -> Result<(), Stop> {
        let bad = |expected| Stop::Bad(Malformed { expected, at: begin });
        let is_async = matches!(parts.phase, b'b' | b'n' | b'e' | b'S' | b'T' | b'p' | b'F');
        let mut flow = |part| {
            self.ids.push(parts.id.clone());
            Phase::Flow { part, id: self.ids.len() as u32 - 1 }
        };
        let what = match parts.phase {
            0 => return Err(bad("an event with a phase `ph`")),
            b'X' => Phase::Whole(None),
            b'B' | b'b' | b'S' => Phase::Begin,
            b'E' | b'e' | b'F' => Phase::End,
            b'n' | b'T' | b'p' | b'i' | b'I' | b'R' => Phase::Point,
            b's' => flow(Part::Begin),
            b't' => flow(Part::Middle),
            b'f' => flow(Part::End),
            b'M' => Phase::Named,
            phase => {
                if let Some(args) = &parts.args {
                    self.args.bytes.truncate(args.start);
                }
                *self.others.entry(phase).or_default() += 1;
                return Ok(());
            }
        };
        let time = match parts.time {
            _ if what == Phase::Named => 0,
            Some(time) => time.map_err(|NoTime| bad("a time `ts` in microseconds"))?.min(NEVER - 1),
            None => return Err(bad("an event with a time `ts`")),
        };
        let what = match (what, parts.duration) {
            (Phase::Whole(_), Some(Ok(duration))) if duration >= 0 => Phase::Whole(Some(duration)),
            (Phase::Whole(_), Some(_)) => return Err(bad("a duration `dur` in microseconds")),
            _ => what,
        };
        let args = parts.args.take().unwrap_or_default();
        let (track, site) = (self.track(parts, is_async), self.site(parts));
        self.events.push(Told { what, time, site, track, args, place: self.count });
        Ok(())
    }

    /// The number of an event's track.
    #[inline]
    fn track(&mut self, parts: &mut Parts, is_async: bool) -> u32 {
        let is_alike = |last: &Track| {
            let is_same = |one, other| some_raw(self.bytes, one) == some_raw(self.bytes, other);
            last.of.is_none() && is_same(&last.pid, &parts.pid) && is_same(&last.tid, &parts.tid)
        };
        if !is_async && self.tracks.get(self.last_track as usize).is_some_and(is_alike) {
            return self.last_track;
        }
        let of = is_async.then(|| (parts.category.clone(), parts.id.take()));
        self.other_track(Track { pid: parts.pid.take(), tid: parts.tid.take(), of })
    }

    #[inline(never)]
    fn other_track(&mut self, track: Track) -> u32 {
        let (bytes, is_ours) = (self.bytes, self.is_ours);
        let key = move |track: &Track| track.key(bytes, is_ours);
        let wanted = key(&track);
        let Self { tracks, track_numbers, hash, .. } = self;
        let is_it = |at: &u32| key(&tracks[*at as usize]) == wanted;
        let rehash = |at: &u32| hash.hash_one(key(&tracks[*at as usize]));
        let number = *track_numbers.entry(hash.hash_one(wanted), is_it, rehash).or_insert(tracks.len() as u32).get();
        if number as usize == tracks.len() {
            tracks.push(track);
        }
        self.last_track = number;
        number
    }

    /// The number of an event's site.
    #[inline]
    fn site(&mut self, parts: &mut Parts) -> u32 {
        let bytes = self.bytes;
        let object = parts.object.take().filter(|_| self.is_ours);
        let source = object.and_then(|object| member(bytes, object, SOURCE));
        let name = some_raw(bytes, &parts.name);
        let Self { sites, last_sites, hash, .. } = self;
        let hashed = hash.hash_one(name);
        let has_name = |at: &u32| {
            let other = &sites[*at as usize].name;
            other.is_some() == parts.name.is_some() && some_raw(bytes, other) == name
        };
        let is_alike = |last: &Site| {
            let is_same = |one, other| some_raw(bytes, one) == some_raw(bytes, other);
            is_same(&last.category, &parts.category)
                && is_same(&last.file, &parts.file)
                && is_same(&last.line, &parts.line)
                && is_same(&last.source, &source)
        };
        // Most names are of one site.
        if let Some(last) = last_sites.find(hashed, has_name).copied()
            && is_alike(&sites[last as usize])
        {
            return last;
        }
        let Parts { name, category, file, line, .. } = std::mem::take(parts);
        self.other_site(Site { name, category, file, line, source }, hashed)
    }

    #[inline(never)]
    fn other_site(&mut self, site: Site, hashed: u64) -> u32 {
        let bytes = self.bytes;
        let wanted = site.key(bytes);
        let Self { sites, site_numbers, last_sites, hash, .. } = self;
        let is_it = |at: &u32| sites[*at as usize].key(bytes) == wanted;
        let rehash = |at: &u32| hash.hash_one(sites[*at as usize].key(bytes));
        let number = *site_numbers.entry(hash.hash_one(wanted), is_it, rehash).or_insert(sites.len() as u32).get();
        if number as usize == sites.len() {
            sites.push(site);
        }
        let name = |at: &u32| some_raw(bytes, &sites[*at as usize].name);
        let has_name = |at: &u32| sites[*at as usize].name.is_some() == wanted.0 && name(at) == wanted.1[0];
        *last_sites.entry(hashed, has_name, |at| hash.hash_one(name(at))).or_insert(number).get_mut() = number;
        number
    }
}

impl Site {
    /// What makes it another than others; no name is not the same as an empty one.
    pub(super) fn key<'w>(&self, bytes: &'w [u8]) -> (bool, [&'w [u8]; 5]) {
        let parts = [&self.name, &self.category, &self.file, &self.line, &self.source];
        (self.name.is_some(), parts.map(|part| some_raw(bytes, part)))
    }
}

impl Track {
    /// What makes it another than others: process, thread, and of async spans category and id. Ids of other tools are of a process, ours
    /// of a thread, whatever they are called.
    pub(super) fn key<'w>(&self, bytes: &'w [u8], is_ours: bool) -> (bool, [&'w [u8]; 4]) {
        let [pid, tid] = [&self.pid, &self.tid].map(|part| some_raw(bytes, part));
        let Some((category, id)) = &self.of else { return (false, [pid, tid, b"", b""]) };
        let [category, id] = [category, id].map(|part| some_raw(bytes, part));
        (true, if is_ours { [pid, tid, b"", id] } else { [pid, b"", category, id] })
    }
}

#[inline]
fn some_raw<'w>(bytes: &'w [u8], token: &Option<Token>) -> &'w [u8] {
    token.as_ref().map_or(b"", |token| raw(bytes, token))
}

/// A place from another on that is behind an event, as it seems: the next begins like the one that begins here.
pub(super) fn guess(bytes: &[u8], here: usize, from: usize) -> Option<usize> {
    let begin = here + bytes[here..].iter().position(|letter| *letter == b'{')?;
    let like = bytes.get(begin..begin + ALIKE)?;
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|letter| *letter == b'}')? + 1;
        let mut scan = Scan::new(bytes, at);
        if scan.take(b',', "").is_ok() && scan.peek().is_ok() && bytes[scan.at()..].starts_with(like) {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_behind_an_event_is_guessed_by_how_events_begin() {
        let text = br#"[{"pid":1,"args":{"a":[{"x":1},{"y":"},{"}]}}, {"pid":1}"#;
        let found = guess(text, 1, 2);
        assert_eq!(found, Some(45));
        assert_eq!(&text[45..], br#", {"pid":1}"#);
        assert_eq!(guess(text, 1, 46), None);
    }
}
