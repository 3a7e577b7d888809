//! A stretch of trace events, told apart without what is before it: so several are at a time.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Malformed;
use super::args::Args;
use super::members::{Member, Parts, Shape};
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
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) name: Option<Token>,
    pub(super) category: Option<Token>,
    pub(super) file: Option<Token>,
    pub(super) line: Option<Token>,
    pub(super) source: Option<Token>,
}

/// On what calls nest: a thread, or an id of async spans.
#[derive(Clone, Copy)]
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
    shape: Shape<'w>,
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
            shape: Shape::default(),
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
            parts.take(&mut scan, &mut self.shape, &mut self.args)?;
            self.take(begin, &parts)?;
        }
        (self.at, self.is_first) = (scan.at(), false);
        self.count += 1;
        Ok(true)
    }

    #[inline]
    fn take(&mut self, begin: usize, parts: &Parts) -> Result<(), Stop> {
        let bad = |expected| Stop::Bad(Malformed { expected, at: begin });
        let phase = parts.get(Member::Phase);
        let phase = phase.and_then(|phase| self.bytes[phase.range()].first().copied()).unwrap_or(0);
        let is_async = matches!(phase, b'b' | b'n' | b'e' | b'S' | b'T' | b'p' | b'F');
        let mut flow = |part| {
            self.ids.push(parts.get(Member::Id));
            Phase::Flow { part, id: self.ids.len() as u32 - 1 }
        };
        let what = match phase {
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
        let args = parts.args.clone().unwrap_or_default();
        let (track, site) = (self.track(parts, is_async), self.site(parts));
        self.events.push(Told { what, time, site, track, args, place: self.count });
        Ok(())
    }

    /// The number of an event's track.
    #[inline]
    fn track(&mut self, parts: &Parts, is_async: bool) -> u32 {
        let [pid, tid] = [Member::Pid, Member::Tid].map(|member| parts.get(member));
        let is_alike = |last: &Track| {
            let is_same = |one, other| some_raw(self.bytes, one) == some_raw(self.bytes, other);
            last.of.is_none() && is_same(last.pid, pid) && is_same(last.tid, tid)
        };
        if !is_async && self.tracks.get(self.last_track as usize).is_some_and(is_alike) {
            return self.last_track;
        }
        let of = is_async.then(|| (parts.get(Member::Category), parts.get(Member::Id)));
        self.other_track(Track { pid, tid, of })
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
    fn site(&mut self, parts: &Parts) -> u32 {
        let bytes = self.bytes;
        let object = parts.object.clone().filter(|_| self.is_ours);
        let source = object.and_then(|object| member(bytes, object, SOURCE));
        let [name, category, file, line] =
            [Member::Name, Member::Category, Member::File, Member::Line].map(|member| parts.get(member));
        let called = some_raw(bytes, name);
        let Self { sites, last_sites, hash, .. } = self;
        let hashed = hash.hash_one(called);
        let has_name = |at: &u32| {
            let other = sites[*at as usize].name;
            other.is_some() == name.is_some() && some_raw(bytes, other) == called
        };
        let is_alike = |last: &Site| {
            let is_same = |one, other| some_raw(bytes, one) == some_raw(bytes, other);
            is_same(last.category, category)
                && is_same(last.file, file)
                && is_same(last.line, line)
                && is_same(last.source, source)
        };
        // Most names are of one site.
        if let Some(last) = last_sites.find(hashed, has_name).copied()
            && is_alike(&sites[last as usize])
        {
            return last;
        }
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
        let name = |at: &u32| some_raw(bytes, sites[*at as usize].name);
        let has_name = |at: &u32| sites[*at as usize].name.is_some() == wanted.0 && name(at) == wanted.1[0];
        *last_sites.entry(hashed, has_name, |at| hash.hash_one(name(at))).or_insert(number).get_mut() = number;
        number
    }
}

impl Site {
    /// What makes it another than others; no name is not the same as an empty one.
    pub(super) fn key<'w>(&self, bytes: &'w [u8]) -> (bool, [&'w [u8]; 5]) {
        let parts = [self.name, self.category, self.file, self.line, self.source];
        (self.name.is_some(), parts.map(|part| some_raw(bytes, part)))
    }
}

impl Track {
    /// What makes it another than others: process, thread, and of async spans category and id. Ids of other tools are of a process, ours
    /// of a thread, whatever they are called.
    pub(super) fn key<'w>(&self, bytes: &'w [u8], is_ours: bool) -> (bool, [&'w [u8]; 4]) {
        let [pid, tid] = [self.pid, self.tid].map(|part| some_raw(bytes, part));
        let Some((category, id)) = self.of else { return (false, [pid, tid, b"", b""]) };
        let [category, id] = [category, id].map(|part| some_raw(bytes, part));
        (true, if is_ours { [pid, tid, b"", id] } else { [pid, b"", category, id] })
    }
}

#[inline]
fn some_raw(bytes: &[u8], token: Option<Token>) -> &[u8] {
    token.map_or(b"", |token| raw(bytes, token))
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
