//! The events of a file, each as a row of numbers, with what the numbers mean.

use std::collections::HashMap;
use std::sync::Arc;

use super::Malformed;
use super::begun::Begun;
use super::piece::{Part, Phase, Piece, Site, Told, Track};
use super::polls::Threads;
use super::scan::{Token, raw, text};
use crate::trace::{Callsite, ItemFields, LaneKind, PackedValue, Value, ValueRef};

/// What an exported span has beside its fields: its id, that of the span around it, where it comes from, what its end is, whether it
/// has polls that are not in the file.
pub(super) const SPAN: &str = "span.id";
pub(super) const PARENT: &str = "span.parent";
pub(super) const POLLED: &str = "span.polled";
pub(super) const BESIDE: [&str; 5] = [SPAN, PARENT, POLLED, "span.source", "spanwalk.mark"];
/// No row, or no name.
pub(super) const NONE: u32 = u32::MAX;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// With begin and end in one.
    Whole,
    /// Its end comes, or does not.
    Begun,
    /// A call is on a thread meanwhile.
    Poll,
    /// Something said.
    Point,
    /// An arrow to another lane, at which control passes or not.
    Switch,
    Wake,
}

/// An event, or two that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// In ns, from anywhere.
    pub(super) begin: i64,
    /// The same, or [`NEVER`].
    pub(super) end: i64,
    pub(super) args: Place,
    pub(super) lane: u32,
    /// Its callsite's number; of a poll its thread's.
    pub(super) site: u32,
    /// The place in the file of what began it, among all events.
    pub(super) order: u32,
    /// The same of what ended it; of an arrow the lane to which it goes.
    pub(super) other: u32,
    pub(super) what: What,
}

/// In [`Row::end`]: it is not known.
pub(super) const NEVER: i64 = i64::MAX;

impl Row {
    /// Whether it has an end that is told by itself.
    #[inline]
    pub(super) fn has_end(&self) -> bool {
        self.end != NEVER && (matches!(self.what, What::Begun | What::Poll) || self.end > self.begin)
    }
}

/// Where the fields of a row are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Among those of which piece.
    piece: u32,
    begin: u32,
    length: u32,
}

/// Fields of the rows of a piece.
struct Fields {
    bytes: Vec<u8>,
    /// The numbers that its names have here.
    names: Vec<u32>,
}

/// A line of execution of the file.
pub(super) struct Line {
    pub(super) name: Option<Arc<str>>,
    pub(super) pid: Arc<str>,
    pub(super) tid: Arc<str>,
    pub(super) kind: LaneKind,
    /// Threads of these lines are not lines of execution: they show what is in others.
    pub(super) is_shadow: bool,
    /// Or when the calls of this one were on threads.
    pub(super) polls_of: Option<u32>,
    pub(super) has_polls: bool,
    /// The number of the thread it was on first, if that is said.
    pub(super) thread: Option<u32>,
}

/// The events of a file.
#[derive(Default)]
pub(super) struct Rows {
    /// Events so far, of those that are no rows too.
    count: u64,
    pub(super) all: Vec<Row>,
    fields: Vec<Fields>,
    /// Names of fields.
    pub(super) names: Vec<Arc<str>>,
    pub(super) lanes: Vec<Line>,
    pub(super) threads: Threads,
    /// Polls that do not say which thread they took.
    pub(super) threadless: u64,
    /// Written by this program: then it has what other files lack.
    pub(super) is_ours: bool,
    name_numbers: HashMap<Box<[u8]>, u32>,
    pub(super) lane_numbers: HashMap<Vec<u8>, u32>,
    /// Lane and track by process and thread or id.
    tracks: HashMap<Vec<u8>, (u32, u32)>,
    /// Rows of a track that have begun and not ended.
    open: Vec<Begun>,
    pub(super) sites: Vec<Arc<Callsite>>,
    site_numbers: HashMap<Vec<u8>, u32>,
    /// Numbers of names of calls.
    calls: HashMap<Box<[u8]>, u32>,
    /// Names of processes.
    pub(super) processes: HashMap<Arc<str>, Arc<str>>,
    /// Arrows that have begun: lane and time.
    flows: HashMap<Vec<u8>, (u32, i64)>,
    /// Where the file was cut off, if it was.
    pub(super) cut: Option<usize>,
    /// Ends without a beginning.
    pub(super) ends: u64,
    /// Events of other phases, by phase.
    pub(super) others: HashMap<u8, u64>,
}

/// What a piece's numbers are here, as far as they were asked for.
pub(super) struct Known<'w> {
    pub(super) bytes: &'w [u8],
    sites: Vec<Site>,
    site_numbers: Vec<u32>,
    /// Numbers of the names of its sites.
    call_numbers: Vec<u32>,
    pub(super) tracks: Vec<Track>,
    /// Lane and track.
    track_numbers: Vec<Option<(u32, u32)>>,
    ids: Vec<Option<Token>>,
}

impl Rows {
    /// Adds the events of a piece.
    pub(super) fn add(&mut self, bytes: &[u8], piece: Piece<'_>) -> Result<(), Malformed> {
        let Piece { events, count, args, sites, tracks, ids, others, begin, .. } = piece;
        let too_many = Malformed { expected: "no more than 4,294,967,295 events", at: begin };
        if self.count + u64::from(count) >= NONE.into() {
            return Err(too_many);
        }
        let names = args.names.iter().map(|name| self.name(name)).collect();
        self.fields.push(Fields { bytes: args.bytes, names });
        let mut known = Known {
            bytes,
            site_numbers: vec![NONE; sites.len()],
            call_numbers: sites.iter().map(|site| self.call(bytes, site)).collect(),
            sites,
            track_numbers: vec![None; tracks.len()],
            tracks,
            ids,
        };
        self.all.reserve(events.len());
        for event in &events {
            self.take(&mut known, event);
        }
        self.count += u64::from(count);
        for (phase, count) in others {
            *self.others.entry(phase).or_default() += count;
        }
        Ok(())
    }

    fn take(&mut self, known: &mut Known<'_>, event: &Told) {
        if event.what == Phase::Named {
            self.named(known, event);
            return;
        }
        let (lane, track) = self.lane(known, event);
        let category = || known.sites[event.site as usize].category.map_or(&b""[..], |it| raw(known.bytes, it));
        // An arrow's ends are told twice: as such, and for who sees no arrows.
        let is_arrow = || self.is_ours && event.what == Phase::Point && matches!(category(), b"switch" | b"wake");
        if !self.lanes[lane as usize].has(event.what) || is_arrow() {
            return;
        }
        let mut row = Row {
            what: What::Begun,
            begin: event.time,
            end: NEVER,
            lane,
            site: NONE,
            args: self.place(event),
            order: self.count as u32 + event.place,
            other: NONE,
        };
        match event.what {
            Phase::End => {
                let is_named = known.sites[event.site as usize].name.is_some();
                self.end(is_named.then_some(known.call_numbers[event.site as usize]), track, &row);
                return;
            }
            Phase::Flow { part, id } => {
                self.flow(known, event.site, (part, id), row);
                return;
            }
            Phase::Whole(duration) => {
                row.what = What::Whole;
                row.end = duration.map_or(NEVER, |duration| event.time.saturating_add(duration).min(NEVER - 1));
            }
            Phase::Begin => {
                let call = known.call_numbers[event.site as usize];
                self.open[track as usize].begin(call, self.all.len() as u32);
                if let Some(of) = self.lanes[lane as usize].polls_of {
                    (row.what, row.lane, row.site) = (What::Poll, of, self.thread_of_poll(event, of));
                    self.all.push(row);
                    return;
                }
            }
            Phase::Point | Phase::Named => row.what = What::Point,
        }
        row.site = self.site(known, event.site);
        self.all.push(row);
    }

    /// Where the fields of an event are.
    fn place(&self, event: &Told) -> Place {
        // A piece is shorter than 4 GiB, or what is behind that has no arguments.
        let place = u32::try_from(event.args.end).ok().map(|end| {
            let begin = event.args.start as u32;
            Place { piece: self.fields.len() as u32 - 1, begin, length: end - begin }
        });
        place.unwrap_or_default()
    }

    /// The fields of a row, their names as numbers.
    pub(super) fn fields(&self, place: Place) -> impl Iterator<Item = (u32, ValueRef<'_>)> + Clone {
        let (fields, names) = self.fields_at(place);
        fields.iter().map(|(name, value)| (names[name as usize], value))
    }

    /// The same with values that are not looked at, and names by their texts.
    #[inline]
    pub(super) fn packed_fields(&self, place: Place) -> impl Iterator<Item = (&Arc<str>, PackedValue<'_>)> + Clone {
        let (fields, names) = self.fields_at(place);
        fields.packed().map(|(name, value)| (&self.names[names[name as usize] as usize], value))
    }

    #[inline]
    fn fields_at(&self, place: Place) -> (ItemFields<'_>, &[u32]) {
        let range = place.begin as usize..(place.begin + place.length) as usize;
        let of = self.fields.get(place.piece as usize);
        of.map_or((ItemFields::default(), &[]), |of| (ItemFields::of(&of.bytes[range]), &of.names))
    }

    /// What a field says.
    pub(super) fn said(&self, event: &Told, name: &str) -> Option<Arc<str>> {
        let (_, value) = self.fields(self.place(event)).find(|(number, _)| &*self.names[*number as usize] == name)?;
        Some(Value::from(value).to_string().into())
    }

    /// What a field says, if it is a number.
    pub(super) fn number(&self, event: &Told, name: &str) -> Option<u64> {
        self.fields(self.place(event)).find_map(|(number, value)| match value {
            ValueRef::U64(value) if &*self.names[number as usize] == name => Some(value),
            _ => None,
        })
    }

    /// Lets go of what is needed no more when all is told.
    pub(super) fn forget(&mut self) {
        (self.all, self.fields) = (Vec::new(), Vec::new());
    }

    /// The number of a field's name.
    fn name(&mut self, raw: &[u8]) -> u32 {
        if let Some(number) = self.name_numbers.get(raw) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(unquoted(raw));
        self.name_numbers.insert(raw.into(), number);
        number
    }

    /// The number of a call's name.
    fn call(&mut self, bytes: &[u8], site: &Site) -> u32 {
        let name = site.name.map_or(&b""[..], |name| raw(bytes, name));
        if let Some(number) = self.calls.get(name) {
            return *number;
        }
        let number = self.calls.len() as u32;
        self.calls.insert(name.into(), number);
        number
    }

    /// An end: of the last that has begun by this name, or of the last.
    fn end(&mut self, call: Option<u32>, track: u32, event: &Row) {
        let is_over = |row: u32| self.all[row as usize].end != NEVER;
        match self.open[track as usize].end(call, is_over) {
            Some(row) => {
                let row = &mut self.all[row as usize];
                row.end = event.begin.max(row.begin).min(NEVER - 1);
                row.other = event.order;
                if row.args.length == 0 {
                    row.args = event.args;
                }
            }
            None => self.ends += 1,
        }
    }

    /// An arrow begins, or comes somewhere.
    fn flow(&mut self, known: &mut Known<'_>, site: u32, (part, id): (Part, u32), row: Row) {
        let mut key = Vec::new();
        let Site { name, category, .. } = &known.sites[site as usize];
        for part in [known.ids[id as usize], *category, *name] {
            key.extend_from_slice(part.map_or(b"", |token| raw(known.bytes, token)));
            key.push(0);
        }
        let is_switch = self.is_ours && category.is_some_and(|it| raw(known.bytes, it) == b"switch");
        let before = if part == Part::Begin { None } else { self.flows.remove(&key) };
        if let Some((from, begin)) = before {
            let what = if is_switch { What::Switch } else { What::Wake };
            let site = self.site(known, site);
            self.all.push(Row { what, lane: from, other: row.lane, begin, site, ..row });
            if part == Part::End {
                return;
            }
        } else if part != Part::Begin {
            self.ends += 1;
            return;
        }
        self.flows.insert(key, (row.lane, row.begin));
    }

    /// The lane of an event, and the track on which its calls nest: in our own files several tracks may be one lane's.
    #[inline]
    fn lane(&mut self, known: &mut Known<'_>, event: &Told) -> (u32, u32) {
        if let Some(found) = known.track_numbers[event.track as usize] {
            return found;
        }
        let found = self.new_lane(known, event);
        known.track_numbers[event.track as usize] = Some(found);
        found
    }

    fn new_lane(&mut self, known: &Known<'_>, event: &Told) -> (u32, u32) {
        let track = &known.tracks[event.track as usize];
        let (is_async, parts) = track.key(known.bytes, self.is_ours);
        let mut track_key = key(&parts);
        track_key.push(is_async.into());
        if let Some(found) = self.tracks.get(&track_key) {
            return *found;
        }
        let is_lane = is_async && !self.is_ours;
        let lane_key = if is_lane { track_key.clone() } else { key(&parts[..2]) };
        let number = match self.lane_numbers.get(&lane_key) {
            Some(number) => *number,
            None => {
                let number = self.lanes.len() as u32;
                let of = |token: Option<Token>| token.map_or("?".into(), |token| text(known.bytes, token));
                let id = track.of.filter(|_| is_lane).map_or(track.tid, |(_, id)| id);
                let (pid, tid) = (of(track.pid), of(id));
                // An async line is called after what begins it.
                let name = is_lane.then(|| format!("{} {tid}", of(known.sites[event.site as usize].name)).into());
                let kind = if is_lane { LaneKind::Async } else { LaneKind::Thread };
                let (is_shadow, has_polls, polls_of, thread) = (false, false, None, None);
                self.lanes.push(Line { name, pid, tid, kind, is_shadow, polls_of, has_polls, thread });
                self.lane_numbers.insert(lane_key, number);
                number
            }
        };
        let found = (number, self.open.len() as u32);
        self.open.push(Begun::default());
        self.tracks.insert(track_key, found);
        found
    }

    /// The callsite of an event.
    #[inline]
    fn site(&mut self, known: &mut Known<'_>, site: u32) -> u32 {
        let number = known.site_numbers[site as usize];
        if number != NONE {
            return number;
        }
        let of = &known.sites[site as usize];
        let parts = of.key(known.bytes);
        let key: Vec<u8> = parts.1.iter().flat_map(|part| part.iter().chain(&[0])).copied().collect();
        let next = self.sites.len() as u32;
        let number = *self.site_numbers.entry(key).or_insert(next);
        if number == next {
            self.sites.push(Arc::new(callsite(known.bytes, of)));
        }
        known.site_numbers[site as usize] = number;
        number
    }

    /// Names of threads and processes; there are others, for the order and the colours of a screen.
    fn named(&mut self, known: &mut Known<'_>, event: &Told) {
        let what = known.sites[event.site as usize].name.map(|name| text(known.bytes, name));
        let Some(name) = self.said(event, "name") else { return };
        match what.as_deref() {
            Some("thread_name") => {
                let has =
                    |what: &str| self.fields(self.place(event)).any(|(name, _)| &*self.names[name as usize] == what);
                let is_shadow = self.is_ours && (has("polls_of") || has("holds"));
                let said = self.said(event, "kind").filter(|_| self.is_ours);
                let (lane, _) = self.lane(known, event);
                let line = &mut self.lanes[lane as usize];
                (line.name, line.is_shadow) = (Some(name), is_shadow);
                line.kind = said.and_then(|kind| LaneKind::of_word(&kind)).unwrap_or(line.kind);
                if self.is_ours {
                    self.threads_of(known, event, lane);
                }
            }
            Some("process_name") => {
                let pid = known.tracks[event.track as usize].pid;
                self.processes.insert(pid.map_or("?".into(), |pid| text(known.bytes, pid)), name);
            }
            _ => {}
        }
    }
}

/// Parts of the name of a track or a lane, as one.
pub(super) fn key(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter().chain(&[0])).copied().collect()
}

/// A name of a member, as it lies there.
fn unquoted(raw: &[u8]) -> Arc<str> {
    if raw.contains(&b'\\')
        && let Ok(name) = serde_json::from_slice::<String>(&[b"\"", raw, b"\""].concat())
    {
        return name.into();
    }
    String::from_utf8_lossy(raw).into()
}

fn callsite(bytes: &[u8], site: &Site) -> Callsite {
    let of = |token: Option<Token>| token.map_or_else(|| "".into(), |token| text(bytes, token));
    let (name, target) = (of(site.name), of(site.category));
    let line = |text: &str| text.parse().ok();
    if let Some(file) = site.file {
        let number = site.line.and_then(|number| line(&text(bytes, number)));
        return Callsite { name, target, file: Some(text(bytes, file)), line: number };
    }
    if let Some(source) = site.source {
        let source = text(bytes, source);
        let (file, number) = match source.rsplit_once(':') {
            Some((file, number)) if line(number).is_some() => (file, line(number)),
            _ => (&*source, None),
        };
        return Callsite {
            name,
            target,
            file: Some(file.into()).filter(|file: &Arc<str>| !file.is_empty()),
            line: number,
        };
    }
    // As VizTracer writes a function: `fib (/home/me/fib.py:12)`.
    let place = name.strip_suffix(')').and_then(|name| name.rsplit_once(" ("));
    if let Some((function, (file, number))) =
        place.and_then(|(function, place)| Some((function, place.rsplit_once(':')?)))
        && let Some(number) = line(number)
    {
        return Callsite { name: function.into(), target, file: Some(file.into()), line: Some(number) };
    }
    Callsite { name, target, file: None, line: None }
}
