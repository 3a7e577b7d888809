//! Rows in the order of time, as the events of a log.
//!
//! ```text
//!   rows ──► marks: begins, ends, points, arrows ──sorted──► open enter … exit close, packed ──chunk by chunk──► Log
//! ```
//!
//! Who is inside whom is not written in trace events: of a line, what is open when a call begins is around it, unless it ends
//! before that does. A line of a thread has the thread while a call is open. Of an async line nobody knows; its calls are put on
//! a thread for no time at all, which such a lane says nothing by.

use std::collections::HashMap;
use std::sync::Arc;

use super::chrome::{BESIDE, Chrome, Line, PARENT, Row, SPAN, What, text};
use super::scan::{Scan, Token};
use super::stack::Stack;
use crate::trace::{
    At, Event, Field, Kind, LaneId, LaneKind, Log, Packer, Seq, SpanId, Thread, ThreadId, Time, Value, ValueRef, field,
};

/// Bytes of a chunk, about.
const CHUNK: usize = 1 << 16;
/// Marks between two looks at the time.
const ROUND: usize = 512;

/// A begin or an end of a row, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    time: i64,
    /// At one time: ends of whole rows, the later begun first; then what has an order of its own; then begins of whole rows, the
    /// longer first.
    class: u8,
    tie: u64,
    /// Its row, twice, and whether it is the end.
    row: u64,
}

/// A line while it is told.
struct Lane {
    id: LaneId,
    thread: Arc<Thread>,
    kind: LaneKind,
    /// Its open spans.
    open: Stack,
    /// Marks that are still to come.
    left: u64,
    is_told: bool,
}

/// Rows that are being told.
pub(super) struct Merge {
    chrome: Chrome,
    marks: Vec<Mark>,
    /// How many marks have been told.
    told: usize,
    lanes: Vec<Lane>,
    /// The earliest time.
    base: i64,
    packer: Packer,
    spans: u64,
    /// By row the number of its span, if that does not end at once. There are no more spans than rows.
    span_of: Vec<u32>,
    names: Names,
    fields: Vec<Field>,
    /// In our own files the spans by the ids that they had.
    known: HashMap<u64, SpanId>,
    is_over: bool,
}

impl Merge {
    pub(super) fn new(mut chrome: Chrome) -> Self {
        let rows = std::mem::take(&mut chrome.rows);
        // Times of our own files are those of the recording already.
        let first = rows.iter().map(|row| row.begin).min().unwrap_or(0);
        let base = if chrome.is_ours { first.min(0) } else { first };
        let mut marks = Vec::with_capacity(rows.len() * 2);
        let mut left = vec![0_u64; chrome.lanes.len()];
        for (number, row) in rows.iter().enumerate() {
            let mark = |time, class, tie, is_end: bool| Mark {
                time,
                class,
                tie,
                row: (number as u64) << 1 | u64::from(is_end),
            };
            left[row.lane as usize] += 1;
            match (row.what, row.end) {
                (What::Whole, Some(end)) if end > row.begin => {
                    let length = end.abs_diff(row.begin);
                    marks.push(mark(row.begin, 2, u64::MAX - length, false));
                    marks.push(mark(end, 0, u64::MAX - row.begin.abs_diff(base), true));
                    left[row.lane as usize] += 1;
                }
                // One that takes no time is begun and ended at once.
                (What::Whole, Some(_)) => marks.push(mark(row.begin, 2, u64::MAX, false)),
                (What::Whole, None) => marks.push(mark(row.begin, 2, 0, false)),
                (What::Begun, Some(end)) => {
                    // Ends of these were found in the order of the file, in which the sort keeps them.
                    marks.push(mark(row.begin, 1, row.order * 2, false));
                    marks.push(mark(end, 1, row.end_order * 2, true));
                    left[row.lane as usize] += 1;
                }
                _ => marks.push(mark(row.begin, 1, row.order * 2, false)),
            }
        }
        // Most files are nearly in order.
        marks.sort();
        let processes = chrome.lanes.iter().map(|line| &line.pid).collect::<std::collections::HashSet<_>>().len();
        let lanes = chrome.lanes.iter().enumerate().map(|(at, line)| {
            let name = name_of(line, &chrome, processes > 1);
            let (id, thread) = (LaneId(at as u32 + 1), ThreadId(at as u32 + 1));
            let thread = Arc::new(Thread { id: thread, name });
            Lane { id, thread, kind: line.kind, open: Stack::default(), left: left[at], is_told: false }
        });
        let lanes = lanes.collect();
        let span_of = vec![0; rows.len()];
        chrome.rows = rows;
        let mut packer = Packer::default();
        packer.begin(Seq(0));
        packer.begin_events();
        let (told, spans, is_over) = (0, 0, false);
        Self {
            chrome,
            marks,
            told,
            lanes,
            base,
            packer,
            spans,
            span_of,
            names: Names::default(),
            fields: Vec::new(),
            known: HashMap::new(),
            is_over,
        }
    }

    /// Tells on while there is time.
    pub(super) fn read(&mut self, bytes: &[u8], log: &mut Log, is_time: &dyn Fn() -> bool) {
        while !self.is_over {
            for _ in 0..ROUND {
                let Some(mark) = self.marks.get(self.told).copied() else {
                    self.hand_over(log);
                    // Where a line that ended is not needed any more.
                    self.is_over = true;
                    self.marks = Vec::new();
                    self.chrome.rows = Vec::new();
                    self.span_of = Vec::new();
                    return;
                };
                self.told += 1;
                self.tell(bytes, mark);
                if self.packer.len() >= CHUNK {
                    self.hand_over(log);
                }
            }
            if !is_time() {
                return;
            }
        }
    }

    fn hand_over(&mut self, log: &mut Log) {
        if !self.packer.is_empty() {
            // It was packed here, and follows the one before.
            let _ = log.append(&self.packer.chunk());
            self.packer.go_on();
        }
    }

    fn tell(&mut self, bytes: &[u8], mark: Mark) {
        let number = (mark.row >> 1) as u32;
        let row = self.chrome.rows[number as usize];
        let time = Time(mark.time.abs_diff(self.base));
        if let What::Flow { to, .. } = row.what {
            self.lane(to, time);
        }
        self.lane(row.lane, time);
        let lane = &mut self.lanes[row.lane as usize];
        lane.left -= 1;
        let at = At { time, thread: &lane.thread, lane: lane.id };
        if mark.row & 1 == 1 {
            let span = SpanId(self.span_of[number as usize].into());
            lane.open.end(span);
            if lane.kind == LaneKind::Thread {
                self.packer.exit(at, span);
            }
            self.packer.close(at, span);
        } else {
            let site = &self.chrome.sites[row.site as usize];
            self.fields.clear();
            self.names.fields(bytes, row, &mut self.fields);
            let mut parent = None;
            if self.chrome.is_ours && matches!(row.what, What::Whole | What::Begun) {
                let id = |name: &str| match field(&self.fields, name) {
                    Some(Value::U64(id)) => Some(*id),
                    _ => None,
                };
                parent = id(PARENT).and_then(|parent| self.known.get(&parent).copied());
                self.known.extend(id(SPAN).map(|id| (id, SpanId(self.spans + 1))));
                self.fields.retain(|field| !BESIDE.contains(&&*field.name));
            }
            let fields = self.fields.iter().map(|field| (&field.name, ValueRef::from(&field.value)));
            match row.what {
                What::Whole | What::Begun => {
                    self.spans += 1;
                    let span = SpanId(self.spans);
                    let end = row.end.unwrap_or(i64::MAX);
                    let parent = if self.chrome.is_ours { parent } else { lane.open.around(end) };
                    self.packer.open(at, span, parent, site, fields);
                    self.packer.enter(at, span);
                    if lane.kind != LaneKind::Thread {
                        self.packer.exit(at, span);
                    }
                    if row.what == What::Whole && row.end == Some(row.begin) {
                        if lane.kind == LaneKind::Thread {
                            self.packer.exit(at, span);
                        }
                        self.packer.close(at, span);
                    } else {
                        lane.open.push(span, end);
                        self.span_of[number as usize] = self.spans as u32;
                    }
                }
                What::Point => self.packer.note(at, lane.open.last(), site, fields),
                What::Flow { to, is_switch } => {
                    let name = Some(site.name.clone()).filter(|name| !name.is_empty() && !self.chrome.is_ours);
                    let said = field(&self.fields, "reason").and_then(Value::as_str).filter(|_| self.chrome.is_ours);
                    let reason = name.or_else(|| said.map(Into::into));
                    let (lane, thread, to) = (at.lane, at.thread.clone(), LaneId(to + 1));
                    let kind = if is_switch { Kind::Switch { to, reason } } else { Kind::Wake { to, reason } };
                    self.packer.event(&Event { seq: Seq(0), time, thread, lane, kind });
                }
            }
        }
        let lane = &self.lanes[row.lane as usize];
        if lane.kind != LaneKind::Thread && lane.left == 0 && lane.open.is_empty() {
            let (lane, thread) = (lane.id, lane.thread.clone());
            self.packer.event(&Event { seq: Seq(0), time, thread, lane, kind: Kind::LaneClose });
        }
    }

    /// Opens a lane before the first thing that happens in it.
    fn lane(&mut self, number: u32, time: Time) {
        let lane = &mut self.lanes[number as usize];
        if !lane.is_told {
            lane.is_told = true;
            let (id, thread, kind) = (lane.id, lane.thread.clone(), lane.kind);
            let kind = Kind::LaneOpen { name: thread.name.clone(), kind };
            self.packer.event(&Event { seq: Seq(0), time, thread, lane: id, kind });
        }
    }

    /// Which share of the marks has been told.
    pub(super) fn share(&self) -> f64 {
        if self.is_over { 1.0 } else { self.told as f64 / self.marks.len().max(1) as f64 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_over
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let Chrome { cut, ends, others, lanes, .. } = &self.chrome;
        let mut remarks = Vec::new();
        if let Some(at) = cut {
            remarks.push(format!("cut off in the event at byte {at}; what is before it is here"));
        }
        if *ends > 0 {
            remarks.push(format!("{ends} ends without a beginning are left out"));
        }
        let mut others: Vec<(u8, u64)> = others.iter().map(|(phase, count)| (*phase, *count)).collect();
        others.sort_unstable();
        for (phase, count) in others {
            let what = match phase {
                b'C' => "counters".to_owned(),
                b'N' | b'O' | b'D' => "objects".to_owned(),
                b'P' => "samples".to_owned(),
                phase => format!("events of phase `{}`", char::from(phase).escape_default()),
            };
            remarks.push(format!("{count} {what} are left out"));
        }
        if lanes.iter().any(|lane| lane.kind != LaneKind::Thread && !lane.is_shadow) {
            remarks.push("when async spans were on a thread is not in the file".to_owned());
        }
        remarks
    }
}

fn name_of(line: &Line, chrome: &Chrome, has_processes: bool) -> Arc<str> {
    let name = line.name.clone().unwrap_or_else(|| format!("thread {}", line.tid).into());
    if !has_processes {
        return name;
    }
    match chrome.processes.get(&line.pid) {
        Some(process) => format!("{process} {}/{name}", line.pid).into(),
        None => format!("{}/{name}", line.pid).into(),
    }
}

/// Names of arguments, one of each.
#[derive(Default)]
struct Names {
    known: HashMap<Vec<u8>, Arc<str>>,
}

impl Names {
    /// The arguments of a row: numbers, texts and truths as they are, what is nested as JSON.
    fn fields(&mut self, bytes: &[u8], row: Row, fields: &mut Vec<Field>) {
        let (begin, length) = row.args;
        if length < 2 {
            return;
        }
        let mut scan = Scan::new(&bytes[..begin + length as usize], begin + 1);
        let mut is_first = true;
        while let Ok(Some(key)) = scan.key(is_first) {
            is_first = false;
            let Ok(token) = scan.value() else { return };
            let name = match self.known.get(&bytes[key.clone()]) {
                Some(name) => name.clone(),
                None => {
                    let quoted = Token::Text { range: key.clone(), is_plain: !bytes[key.clone()].contains(&b'\\') };
                    let name = text(bytes, &quoted);
                    self.known.insert(bytes[key].to_vec(), name.clone());
                    name
                }
            };
            fields.push(Field { name, value: value(bytes, &token) });
        }
    }
}

fn value(bytes: &[u8], token: &Token) -> Value {
    let Token::Word(range) = token else { return Value::Str(text(bytes, token)) };
    let word = std::str::from_utf8(&bytes[range.clone()]).unwrap_or_default();
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        word => {
            let whole = word.parse().map(Value::U64).or_else(|_| word.parse().map(Value::I64));
            whole.or_else(|_| word.parse().map(Value::F64)).unwrap_or_else(|_| Value::Str(word.into()))
        }
    }
}
