//! Trace events in JSON, told apart into rows.
//!
//! ```text
//!   [{"name":"spawn","cat":"gevent","ph":"X","ts":1893.042,"dur":118.488,"pid":1,"tid":2,"args":{"func":"gethostbyaddr"}}, …
//!   {"traceEvents":[ … ],"displayTimeUnit":"ns"}
//! ```
//!
//! The format is that of "Trace Event Format" (Chromium, 2016): phases `X`, `B`/`E`, `b`/`n`/`e` and their older `S`/`T`/`p`/`F`,
//! instants `i`, `I`, `R`, flows `s`/`t`/`f`, names of threads and processes `M`. The array may lack its end, as the format
//! allows, and the file may be cut off anywhere: what is whole is read. Times are read digit by digit, not as floats.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::Malformed;
use super::begun::Begun;
use super::scan::{Scan, Stop, Token};
use crate::trace::{Callsite, LaneKind};

/// What an exported span has beside its fields: where it comes from, its id and that of the span around it, what its end is.
const SOURCE: &[u8] = b"span.source";
pub(super) const SPAN: &str = "span.id";
pub(super) const PARENT: &str = "span.parent";
pub(super) const BESIDE: [&str; 4] = ["span.source", SPAN, PARENT, "spanwalk.mark"];
/// Events between two looks at the time.
const ROUND: usize = 256;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// With begin and end in one.
    Whole,
    /// Its end comes, or does not.
    Begun,
    /// Something said.
    Point,
    /// An arrow to another lane.
    Flow { to: u32, is_switch: bool },
}

/// An event, or two that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) what: What,
    /// In ns, from anywhere.
    pub(super) begin: i64,
    /// The same, if it is known.
    pub(super) end: Option<i64>,
    pub(super) lane: u32,
    /// Its callsite's number.
    pub(super) site: u32,
    /// Where its arguments are: begin and length, an object.
    pub(super) args: (usize, u32),
    /// The places in the file of what began it and of what ended it, among all events.
    pub(super) order: u64,
    pub(super) end_order: u64,
}

/// A line of execution of the file.
pub(super) struct Line {
    pub(super) name: Option<Arc<str>>,
    pub(super) pid: Arc<str>,
    pub(super) tid: Arc<str>,
    pub(super) kind: LaneKind,
    /// Threads of these lines are not lines of execution: they show what is in others.
    pub(super) is_shadow: bool,
}

/// The events of a file.
#[derive(Default)]
pub(super) struct Chrome {
    at: usize,
    is_first: bool,
    /// Events so far.
    count: u64,
    pub(super) rows: Vec<Row>,
    pub(super) lanes: Vec<Line>,
    /// Written by this program: then it has what other files lack.
    pub(super) is_ours: bool,
    lane_numbers: HashMap<Vec<u8>, u32>,
    /// Lane and track by process and thread or id.
    tracks: HashMap<Vec<u8>, (u32, u32)>,
    /// Rows of a track that have begun and not ended.
    open: Vec<Begun>,
    /// Lane and track of the event before, and by what they were found.
    last: (Vec<u8>, (u32, u32)),
    pub(super) sites: Vec<Arc<Callsite>>,
    site_numbers: HashMap<Vec<u8>, u32>,
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
    scratch: Vec<u8>,
}

/// The parts of an event that matter.
#[derive(Default)]
struct Parts {
    phase: u8,
    name: Option<Token>,
    category: Option<Token>,
    time: Option<Range<usize>>,
    duration: Option<Range<usize>>,
    pid: Option<Token>,
    tid: Option<Token>,
    id: Option<Token>,
    args: Option<Range<usize>>,
    file: Option<Token>,
    line: Option<Range<usize>>,
}

impl Chrome {
    /// Finds the first event.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut chrome = Self { is_first: true, ..Self::default() };
        let begin = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        match find_events(&mut Scan::new(bytes, begin)) {
            Ok((at, is_ours)) => (chrome.at, chrome.is_ours) = (at, is_ours),
            Err(Stop::Bad(wrong)) => return Err(wrong),
            Err(Stop::End) => return Err(Malformed { expected: "`traceEvents`", at: bytes.len() }),
        }
        Ok(chrome)
    }

    /// How far it has come, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Reads on while there is time; whether all is read.
    pub(super) fn read(&mut self, bytes: &[u8], is_time: &dyn Fn() -> bool) -> Result<bool, Malformed> {
        loop {
            for _ in 0..ROUND {
                match self.event(bytes) {
                    Ok(true) => {}
                    Ok(false) => return Ok(true),
                    Err(Stop::End) => {
                        // An array may lack its end; an event that lacks its own was cut off.
                        let rest = bytes[self.at..].trim_ascii();
                        self.cut = (!rest.is_empty() && rest != b",").then_some(self.at);
                        return Ok(true);
                    }
                    Err(Stop::Bad(wrong)) => return Err(wrong),
                }
            }
            if !is_time() {
                return Ok(false);
            }
        }
    }

    /// Takes an event; false if there is none.
    fn event(&mut self, bytes: &[u8]) -> Result<bool, Stop> {
        let mut scan = Scan::new(bytes, self.at);
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
            let parts = parts(bytes, &mut scan)?;
            self.take(bytes, begin, parts)?;
        }
        (self.at, self.is_first) = (scan.at(), false);
        self.count += 1;
        Ok(true)
    }

    fn take(&mut self, bytes: &[u8], begin: usize, parts: Parts) -> Result<(), Stop> {
        let bad = |expected| Stop::Bad(Malformed { expected, at: begin });
        let phase = parts.phase;
        match phase {
            0 => return Err(bad("an event with a phase `ph`")),
            b'M' => return self.metadata(bytes, &parts),
            b'X' | b'B' | b'E' | b'b' | b'n' | b'e' | b'S' | b'T' | b'p' | b'F' | b'i' | b'I' | b'R' | b's' | b't'
            | b'f' => {}
            _ => {
                *self.others.entry(phase).or_default() += 1;
                return Ok(());
            }
        }
        let time = parts.time.clone().ok_or_else(|| bad("an event with a time `ts`"))?;
        let time = nanoseconds(&bytes[time]).ok_or_else(|| bad("a time `ts` in microseconds"))?;
        let is_async = matches!(phase, b'b' | b'n' | b'e' | b'S' | b'T' | b'p' | b'F');
        let (lane, track) = self.lane(bytes, &parts, is_async);
        // An arrow's ends are told twice: as such, and for who sees no arrows.
        let is_arrow = phase == b'i' && matches!(category(bytes, &parts), b"switch" | b"wake");
        if self.lanes[lane as usize].is_shadow || (self.is_ours && is_arrow) {
            return Ok(());
        }
        let mut row = Row {
            what: What::Begun,
            begin: time,
            end: None,
            lane,
            site: 0,
            args: (0, 0),
            order: self.count,
            end_order: 0,
        };
        if let Some(args) = &parts.args {
            // An event is shorter than 4 GiB, or has no arguments.
            row.args = u32::try_from(args.len()).map_or((0, 0), |length| (args.start, length));
        }
        match phase {
            b'E' | b'e' | b'F' => {
                self.end(bytes, &parts, track, time);
                return Ok(());
            }
            b's' | b't' | b'f' => {
                self.flow(bytes, &parts, row);
                return Ok(());
            }
            b'X' => {
                let duration = match &parts.duration {
                    Some(duration) => nanoseconds(&bytes[duration.clone()]).filter(|duration| *duration >= 0),
                    None => None,
                };
                row.what = What::Whole;
                row.end = duration.map(|duration| time.saturating_add(duration));
                if parts.duration.is_some() && row.end.is_none() {
                    return Err(bad("a duration `dur` in microseconds"));
                }
            }
            b'B' | b'b' | b'S' => {}
            _ => row.what = What::Point,
        }
        row.site = self.site(bytes, &parts);
        let number = u32::try_from(self.rows.len()).map_err(|_| bad("no more than 4,294,967,296 events"))?;
        if row.what == What::Begun {
            let name = parts.name.as_ref().map_or(0..0, Token::range);
            self.open[track as usize].begin(bytes, number, name);
        }
        self.rows.push(row);
        Ok(())
    }

    /// An end: of the last that has begun by this name, or of the last.
    fn end(&mut self, bytes: &[u8], parts: &Parts, track: u32, time: i64) {
        let name = parts.name.as_ref().map(|name| raw(bytes, name));
        let is_over = |row: u32| self.rows[row as usize].end.is_some();
        match self.open[track as usize].end(bytes, name, is_over) {
            Some(row) => {
                let row = &mut self.rows[row as usize];
                (row.end, row.end_order) = (Some(time.max(row.begin)), self.count);
                if let Some(args) = parts.args.clone().filter(|_| row.args.1 == 0) {
                    row.args = u32::try_from(args.len()).map_or((0, 0), |length| (args.start, length));
                }
            }
            None => self.ends += 1,
        }
    }

    /// An arrow begins, or comes somewhere.
    fn flow(&mut self, bytes: &[u8], parts: &Parts, row: Row) {
        let mut key = Vec::new();
        for part in [&parts.id, &parts.category, &parts.name] {
            key.extend_from_slice(part.as_ref().map_or(b"", |token| raw(bytes, token)));
            key.push(0);
        }
        if parts.phase != b's'
            && let Some((from, begin)) = self.flows.remove(&key)
        {
            let what = What::Flow { to: row.lane, is_switch: self.is_ours && category(bytes, parts) == b"switch" };
            let site = self.site(bytes, parts);
            self.rows.push(Row { what, lane: from, begin, site, ..row });
            if parts.phase == b'f' {
                return;
            }
        } else if parts.phase != b's' {
            self.ends += 1;
            return;
        }
        self.flows.insert(key, (row.lane, row.begin));
    }

    /// The lane of an event, and the track on which its calls nest: in our own files several tracks may be one lane's.
    fn lane(&mut self, bytes: &[u8], parts: &Parts, is_async: bool) -> (u32, u32) {
        let mut key = std::mem::take(&mut self.scratch);
        key.clear();
        let put = |key: &mut Vec<u8>, token: &Option<Token>| {
            key.extend_from_slice(token.as_ref().map_or(b"", |token| raw(bytes, token)));
            key.push(0);
        };
        put(&mut key, &parts.pid);
        if !is_async || self.is_ours {
            put(&mut key, &parts.tid);
        }
        let of_lane = key.len();
        if is_async {
            put(&mut key, if self.is_ours { &None } else { &parts.category });
            put(&mut key, &parts.id);
            key.push(1);
        }
        if self.last.0 == key && !self.lanes.is_empty() {
            self.scratch = key;
            return self.last.1;
        }
        if let Some(found) = self.tracks.get(&key).copied() {
            self.last.0.clone_from(&key);
            (self.last.1, self.scratch) = (found, key);
            return found;
        }
        let is_lane = is_async && !self.is_ours;
        let lane_key = if is_lane { &key[..] } else { &key[..of_lane] };
        let number = match self.lane_numbers.get(lane_key) {
            Some(number) => *number,
            None => {
                let number = self.lanes.len() as u32;
                let of = |token: &Option<Token>| token.as_ref().map_or("?".into(), |token| text(bytes, token));
                let (pid, tid) = (of(&parts.pid), if is_lane { of(&parts.id) } else { of(&parts.tid) });
                // An async line is called after what begins it.
                let name = is_lane.then(|| format!("{} {tid}", of(&parts.name)).into());
                let kind = if is_lane { LaneKind::Async } else { LaneKind::Thread };
                self.lanes.push(Line { name, pid, tid, kind, is_shadow: false });
                self.lane_numbers.insert(lane_key.to_vec(), number);
                number
            }
        };
        let found = (number, self.open.len() as u32);
        self.open.push(Begun::default());
        self.last.0.clone_from(&key);
        self.last.1 = found;
        self.tracks.insert(key, found);
        found
    }

    /// The callsite of an event.
    fn site(&mut self, bytes: &[u8], parts: &Parts) -> u32 {
        let mut key = std::mem::take(&mut self.scratch);
        key.clear();
        for part in [&parts.name, &parts.category, &parts.file] {
            key.extend_from_slice(part.as_ref().map_or(b"", |token| raw(bytes, token)));
            key.push(0);
        }
        if let Some(line) = &parts.line {
            key.extend_from_slice(&bytes[line.clone()]);
        }
        let source = parts.args.clone().filter(|_| self.is_ours).and_then(|args| member(bytes, args, SOURCE));
        if let Some(source) = &source {
            key.extend_from_slice(raw(bytes, source));
        }
        let number = match self.site_numbers.get(&key) {
            Some(number) => *number,
            None => {
                let number = self.sites.len() as u32;
                self.sites.push(Arc::new(callsite(bytes, parts, source)));
                self.site_numbers.insert(key.clone(), number);
                number
            }
        };
        self.scratch = key;
        number
    }

    /// Names of threads and processes; there are others, for the order and the colours of a screen.
    fn metadata(&mut self, bytes: &[u8], parts: &Parts) -> Result<(), Stop> {
        let what = parts.name.as_ref().map(|name| text(bytes, name));
        let name = parts.args.clone().and_then(|args| member(bytes, args, b"name"));
        let Some(name) = name.map(|name| text(bytes, &name)) else { return Ok(()) };
        match what.as_deref() {
            Some("thread_name") => {
                let (lane, _) = self.lane(bytes, parts, false);
                let line = &mut self.lanes[lane as usize];
                line.name = Some(name);
                let has = |what: &[u8]| self.is_ours.then(|| member(bytes, parts.args.clone()?, what)).flatten();
                line.is_shadow = has(b"polls_of").is_some() || has(b"holds").is_some();
                let kind = has(b"kind").and_then(|kind| LaneKind::of_word(&text(bytes, &kind)));
                line.kind = kind.unwrap_or(line.kind);
            }
            Some("process_name") => {
                let pid = parts.pid.as_ref().map_or("?".into(), |pid| text(bytes, pid));
                self.processes.insert(pid, name);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Goes to the first event: of an array, or of the member `traceEvents`.
fn find_events(scan: &mut Scan<'_>) -> Result<(usize, bool), Stop> {
    if scan.peek()? == b'[' {
        return Ok((scan.at() + 1, false));
    }
    scan.take(b'{', "an array of events, or an object with one")?;
    let (mut is_first, mut is_ours) = (true, false);
    let bytes = scan.bytes();
    while let Some(key) = scan.key(is_first)? {
        is_first = false;
        if &bytes[key.clone()] == b"traceEvents" {
            scan.take(b'[', "an array of events")?;
            return Ok((scan.at(), is_ours));
        }
        if let (b"otherData", Token::Nested(data)) = (&bytes[key], scan.value()?) {
            let exporter = member(bytes, data, b"exporter");
            is_ours = exporter.is_some_and(|exporter| raw(bytes, &exporter).starts_with(b"spanwalk "));
        }
    }
    scan.bad("an object with `traceEvents`")
}

fn parts(bytes: &[u8], scan: &mut Scan<'_>) -> Result<Parts, Stop> {
    let mut parts = Parts::default();
    let mut is_first = true;
    while let Some(key) = scan.key(is_first)? {
        is_first = false;
        let token = scan.value()?;
        let word = |token: Token| token.range();
        match &bytes[key] {
            b"ph" => parts.phase = bytes[word(token)].first().copied().unwrap_or(0),
            b"name" => parts.name = Some(token),
            b"cat" => parts.category = Some(token),
            b"ts" => parts.time = Some(word(token)),
            b"dur" => parts.duration = Some(word(token)),
            b"pid" => parts.pid = Some(token),
            b"tid" => parts.tid = Some(token),
            b"id" | b"id2" | b"bind_id" => parts.id = Some(token),
            b"args" => parts.args = matches!(token, Token::Nested(_)).then(|| word(token)),
            b".file" => parts.file = Some(token),
            b".line" => parts.line = Some(word(token)),
            _ => {}
        }
    }
    Ok(parts)
}

/// What kind of thing an event is, as it lies there.
fn category<'a>(bytes: &'a [u8], parts: &Parts) -> &'a [u8] {
    parts.category.as_ref().map_or(b"", |category| raw(bytes, category))
}

/// A token as it lies there.
fn raw<'a>(bytes: &'a [u8], token: &Token) -> &'a [u8] {
    &bytes[token.range()]
}

/// What a token says.
pub(super) fn text(bytes: &[u8], token: &Token) -> Arc<str> {
    if let Token::Text { range, is_plain: false } = token {
        let quoted = &bytes[range.start - 1..=range.end];
        if let Ok(text) = serde_json::from_slice::<String>(quoted) {
            return text.into();
        }
    }
    String::from_utf8_lossy(raw(bytes, token)).into()
}

/// A member of an object.
fn member(bytes: &[u8], object: Range<usize>, name: &[u8]) -> Option<Token> {
    let mut scan = Scan::new(&bytes[..object.end], object.start + 1);
    let mut is_first = true;
    while let Ok(Some(key)) = scan.key(is_first) {
        is_first = false;
        let token = scan.value().ok()?;
        if &bytes[key] == name {
            return Some(token);
        }
    }
    None
}

fn callsite(bytes: &[u8], parts: &Parts, source: Option<Token>) -> Callsite {
    let of = |token: &Option<Token>| token.as_ref().map_or_else(|| "".into(), |token| text(bytes, token));
    let (name, target) = (of(&parts.name), of(&parts.category));
    let line = |text: &str| text.parse().ok();
    if let Some(file) = &parts.file {
        let number = parts.line.clone().and_then(|range| line(&String::from_utf8_lossy(&bytes[range])));
        return Callsite { name, target, file: Some(text(bytes, file)), line: number };
    }
    if let Some(source) = source {
        let source = text(bytes, &source);
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

/// Microseconds as they are written, in ns: beyond a thousandth they are rounded.
fn nanoseconds(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut ns, mut places) = (0_i64, None);
    for &digit in digits {
        match (digit, places) {
            (b'0'..=b'9', None) => ns = ns.checked_mul(10)?.checked_add(i64::from(digit - b'0') * 1000)?,
            (b'0'..=b'9', Some(place @ 0..3)) => {
                ns = ns.checked_add(i64::from(digit - b'0') * [100, 10, 1][place])?;
                places = Some(place + 1);
            }
            (b'0'..=b'9', Some(3)) => {
                ns = ns.checked_add(i64::from(digit >= b'5'))?;
                places = Some(4);
            }
            (b'0'..=b'9', Some(_)) => {}
            (b'.', None) => places = Some(0),
            // With an exponent: as a float.
            _ => {
                let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
                let ns = (number * 1e3).round();
                return (ns.abs() < 9e18).then_some(ns as i64);
            }
        }
    }
    (!digits.is_empty()).then_some(if is_negative { -ns } else { ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        let texts = ["0", "1893.042", "-2.5", "1.0004", "1.0005", "12e2", "9007199254740993.007", "", "x", "1e300"];
        let ns = texts.map(|text| nanoseconds(text.as_bytes()));
        let expected = [
            Some(0),
            Some(1_893_042),
            Some(-2_500),
            Some(1_000),
            Some(1_001),
            Some(1_200_000),
            Some(9_007_199_254_740_993_007),
            None,
            None,
            None,
        ];
        assert_eq!(ns, expected);
    }
}
