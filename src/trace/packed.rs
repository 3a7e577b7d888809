//! Events in few bytes: runs that stand alone, in memory and on disk the same.
//!
//! ```text
//!   events ──► Packer ──► Chunk: what is open at its beginning · events      Chunk ──► Unpacker ──► items, events
//!
//!   record   tag and flags (1 byte) · ns since the record before · thread, lane if they are others · what is particular
//!   open     callsite · fields · [ns until it is entered]        number and parent only if they are not the usual ones
//!   exit     [ns until it is closed]                             its span only if it is not the newest
//! ```
//!
//! Numbers are LEB128. Strings, threads and callsites are defined once a chunk, before the first record that names them,
//! and go by small numbers from then on. An enter right after its open, and a close right after its exit, are part of
//! the record before: a call without anything inside it is two records. What is read may be anything: then the answer
//! is [`Corrupt`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use super::{Callsite, Edge, Event, Field, Kind, LaneId, LaneKind, Seq, SpanId, Thread, ThreadId, Time, Value};

/// A run of consecutive events that needs nothing before it: it begins with what was open then.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The place in the recording of its first event.
    pub first: Seq,
    /// How many of its items are the open set: events that rebuild what was open when it began.
    pub open: u32,
    /// How many events follow the open set.
    pub count: u32,
    /// The earliest and the latest time of those events.
    pub times: (Time, Time),
    /// The open set and the events.
    pub bytes: Arc<[u8]>,
}

/// Bytes that are no chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a run of events")]
pub struct Corrupt;

const LANE_OPEN: u8 = 0;
const LANE_CLOSE: u8 = 1;
const OPEN: u8 = 2;
const ENTER: u8 = 3;
const EXIT: u8 = 4;
const CLOSE: u8 = 5;
const RECORD: u8 = 6;
const NOTE: u8 = 7;
const SWITCH: u8 = 8;
const WAKE: u8 = 9;
const HOLD: u8 = 10;
const RELEASE: u8 = 11;
const DROPPED: u8 = 12;
/// Not events: the next span's number, a step back in time, and a name for what follows.
const SPAN: u8 = 13;
const BACK: u8 = 14;
const DEFINE: u8 = 15;

const TAG: u8 = 0x0f;
/// Thread and lane follow; else they are those of the record before.
const CONTEXT: u8 = 0x10;
/// What these two mean depends on the tag.
const A: u8 = 0x20;
const B: u8 = 0x40;
/// The enter of this open, or the close of this exit, follows as nothing but its time.
const FUSED: u8 = 0x80;

const DEFINE_STRING: u8 = DEFINE;
const DEFINE_THREAD: u8 = DEFINE | 0x10;
const DEFINE_CALLSITE: u8 = DEFINE | 0x20;

/// When and where something happened.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Raw monotonic time.
    pub time: Time,
    /// The thread that did it.
    pub thread: &'a Arc<Thread>,
    /// The lane it belongs to.
    pub lane: LaneId,
}

/// A value that is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are those of `Value`")]
pub enum ValueRef<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Str(&'a str),
    Span(SpanId),
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::I64(value) => Self::I64(*value),
            Value::U64(value) => Self::U64(*value),
            Value::I128(value) => Self::I128(*value),
            Value::U128(value) => Self::U128(*value),
            Value::F64(value) => Self::F64(*value),
            Value::Str(text) => Self::Str(text),
            Value::Span(span) => Self::Span(*span),
        }
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Bool(value) => Self::Bool(value),
            ValueRef::I64(value) => Self::I64(value),
            ValueRef::U64(value) => Self::U64(value),
            ValueRef::I128(value) => Self::I128(value),
            ValueRef::U128(value) => Self::U128(value),
            ValueRef::F64(value) => Self::F64(value),
            ValueRef::Str(text) => Self::Str(text.into()),
            ValueRef::Span(span) => Self::Span(span),
        }
    }
}

/// What one record is relative to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Context {
    time: u64,
    thread: u32,
    lane: u32,
    /// The span opened last.
    span: u64,
}

/// Writes one chunk after another.
#[derive(Default)]
pub struct Packer {
    bytes: Vec<u8>,
    first: u64,
    open: u32,
    count: u32,
    /// The earliest and the latest.
    times: (u64, u64),
    /// The open set is being written: its events do not count.
    in_open_set: bool,
    strings: Names<str>,
    callsites: Names<Callsite>,
    threads: HashMap<ThreadId, u32>,
    last_thread: Option<ThreadId>,
    context: Context,
    /// The record before was one that the next may be fused with: where it begins, its span and its tag.
    fusible: Option<(usize, SpanId, u8)>,
}

impl Packer {
    /// Begins a chunk whose first event will have this place in the recording. What is written from here to
    /// [`Packer::begin_events`] is the open set.
    pub fn begin(&mut self, first: Seq) {
        self.bytes.clear();
        (self.first, self.open, self.count, self.times) = (first.0, 0, 0, (u64::MAX, 0));
        self.in_open_set = true;
        self.strings.clear();
        self.callsites.clear();
        self.threads.clear();
        self.last_thread = None;
        self.context = Context::default();
        self.fusible = None;
    }

    /// The open set is complete; what follows are the events.
    pub fn begin_events(&mut self) {
        self.in_open_set = false;
        self.fusible = None;
    }

    /// Bytes so far, the open set's among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no event in the chunk yet; there may be an open set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The place in the recording of the chunk's first event.
    #[must_use]
    pub fn first(&self) -> Seq {
        Seq(self.first)
    }

    /// What has been written so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the next record begins. It will not be fused with the one before.
    pub(super) fn position(&mut self) -> Position {
        self.fusible = None;
        Position { at: self.bytes.len() as u32, context: self.context }
    }

    /// The place in the recording that the next event takes.
    #[must_use]
    pub fn next(&self) -> Seq {
        Seq(self.first + u64::from(self.count))
    }

    /// What has been written so far, as a chunk. Writing may go on: a later chunk of the same `first` begins with the bytes
    /// of this one.
    #[must_use]
    pub fn chunk(&mut self) -> Chunk {
        // What has been handed out does not change any more.
        self.fusible = None;
        let (from, to) = if self.is_empty() { (0, 0) } else { self.times };
        Chunk {
            first: Seq(self.first),
            open: self.open,
            count: self.count,
            times: (Time(from), Time(to)),
            bytes: self.bytes.as_slice().into(),
        }
    }

    /// Defines a callsite and the names of its fields, for [`Packer::open_known`]. What is returned is good for this chunk.
    pub fn define<'n>(
        &mut self,
        callsite: &Arc<Callsite>,
        names: impl Iterator<Item = &'n Arc<str>>,
        numbers: &mut Vec<u32>,
    ) -> u32 {
        numbers.clear();
        numbers.extend(names.map(|name| self.string(name)));
        self.callsite(callsite)
    }

    /// A call begins, from a callsite and with names of fields that were defined in this chunk. If it is known already that
    /// it was entered, left and closed with nothing between, at these times, that is part of it.
    #[inline]
    pub fn open_known<'f>(
        &mut self,
        at: At<'_>,
        span: SpanId,
        parent: Option<SpanId>,
        callsite: u32,
        fields: impl ExactSizeIterator<Item = (u32, ValueRef<'f>)>,
        whole: Option<[Time; 3]>,
    ) {
        if span.0 != self.context.span.wrapping_add(1) {
            self.bytes.push(SPAN);
            self.number(span.0);
        }
        self.context.span = span.0;
        let count = fields.len();
        let flags = if parent.is_some() { A } else { 0 } | if count > 0 { B } else { 0 };
        // Times run backwards only where a clock does.
        let whole = whole.filter(|[enter, exit, close]| at.time <= *enter && enter <= exit && exit <= close);
        let begin = self.head(OPEN, if whole.is_some() { flags | FUSED } else { flags }, at);
        if let Some(parent) = parent {
            self.number(span.0.wrapping_sub(parent.0));
        }
        self.number(callsite.into());
        if count > 0 {
            self.number(count as u64);
            for (name, value) in fields {
                self.field(name, value);
            }
        }
        let Some([enter, exit, close]) = whole else {
            self.fusible = Some((begin, span, OPEN));
            return;
        };
        self.number(enter.0 - at.time.0);
        self.bytes.push(EXIT | A | FUSED);
        self.number(exit.0 - enter.0);
        self.number(close.0 - exit.0);
        self.context.time = close.0;
        if self.in_open_set {
            self.open += 3;
        } else {
            self.count += 3;
            self.times.1 = self.times.1.max(close.0);
        }
    }

    /// A call begins.
    pub fn open<'f>(
        &mut self,
        at: At<'_>,
        span: SpanId,
        parent: Option<SpanId>,
        callsite: &Arc<Callsite>,
        fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)> + Clone,
    ) {
        let callsite = self.callsite(callsite);
        let count = self.define_names(fields.clone());
        if span.0 != self.context.span.wrapping_add(1) {
            self.bytes.push(SPAN);
            self.number(span.0);
        }
        self.context.span = span.0;
        let flags = if parent.is_some() { A } else { 0 } | if count > 0 { B } else { 0 };
        let begin = self.head(OPEN, flags, at);
        if let Some(parent) = parent {
            self.number(span.0.wrapping_sub(parent.0));
        }
        self.number(callsite.into());
        if count > 0 {
            self.fields(count, fields);
        }
        self.fusible = Some((begin, span, OPEN));
    }

    /// The span is put on a thread.
    #[inline]
    pub fn enter(&mut self, at: At<'_>, span: SpanId) {
        self.of_span(ENTER, OPEN, at, span);
    }

    /// The span is taken off its thread.
    #[inline]
    pub fn exit(&mut self, at: At<'_>, span: SpanId) {
        self.of_span(EXIT, TAG, at, span);
    }

    /// The call is over.
    #[inline]
    pub fn close(&mut self, at: At<'_>, span: SpanId) {
        self.of_span(CLOSE, EXIT, at, span);
    }

    #[inline]
    fn of_span(&mut self, tag: u8, after: u8, at: At<'_>, span: SpanId) {
        if let Some((begin, of, what)) = self.fusible
            && what == after
            && of == span
            && at.lane.0 == self.context.lane
            && Some(at.thread.id) == self.last_thread
            && at.time.0 >= self.context.time
        {
            self.bytes[begin] |= FUSED;
            let step = at.time.0 - self.context.time;
            self.context.time = at.time.0;
            self.number(step);
            self.counted(at.time.0);
            self.fusible = None;
            return;
        }
        let is_newest = span.0 == self.context.span;
        let begin = self.head(tag, if is_newest { A } else { 0 }, at);
        if !is_newest {
            self.number(self.context.span.wrapping_sub(span.0));
        }
        self.fusible = (tag == EXIT).then_some((begin, span, EXIT));
    }

    /// Any event; its own `seq` is not looked at.
    pub fn event(&mut self, event: &Event) {
        let at = At { time: event.time, thread: &event.thread, lane: event.lane };
        match &event.kind {
            Kind::Open { span, parent, callsite, fields } => self.open(at, *span, *parent, callsite, refs(fields)),
            Kind::Enter { span } => self.enter(at, *span),
            Kind::Exit { span } => self.exit(at, *span),
            Kind::Close { span } => self.close(at, *span),
            Kind::LaneOpen { name, kind } => {
                let name = self.string(name);
                self.head(LANE_OPEN, if *kind == LaneKind::Task { A } else { 0 }, at);
                self.number(name.into());
            }
            Kind::LaneClose => drop(self.head(LANE_CLOSE, 0, at)),
            Kind::Record { span, fields } => self.record(at, *span, refs(fields)),
            Kind::Note { span, callsite, fields } => self.note(at, *span, callsite, refs(fields)),
            Kind::Switch { to, reason } => self.between(SWITCH, at, *to, reason.as_ref()),
            Kind::Wake { to, reason } => self.between(WAKE, at, *to, reason.as_ref()),
            Kind::Hold { span, edge, is_shown } => {
                self.head(HOLD, edge_flag(*edge) | if *is_shown { B } else { 0 }, at);
                self.number(self.context.span.wrapping_sub(span.0));
            }
            Kind::Release { span, edge } => {
                self.head(RELEASE, edge_flag(*edge), at);
                self.number(self.context.span.wrapping_sub(span.0));
            }
            Kind::Dropped { count } => {
                self.head(DROPPED, 0, at);
                self.number(*count);
            }
        }
    }

    /// Fields of a span that became known later.
    pub fn record<'f>(
        &mut self,
        at: At<'_>,
        span: SpanId,
        fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)> + Clone,
    ) {
        let count = self.define_names(fields.clone());
        self.head(RECORD, 0, at);
        self.number(self.context.span.wrapping_sub(span.0));
        self.fields(count, fields);
    }

    /// Something said, inside a span or outside of all.
    pub fn note<'f>(
        &mut self,
        at: At<'_>,
        span: Option<SpanId>,
        callsite: &Arc<Callsite>,
        fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)> + Clone,
    ) {
        let callsite = self.callsite(callsite);
        let count = self.define_names(fields.clone());
        self.head(NOTE, if span.is_some() { A } else { 0 }, at);
        if let Some(span) = span {
            self.number(self.context.span.wrapping_sub(span.0));
        }
        self.number(callsite.into());
        self.fields(count, fields);
    }

    fn between(&mut self, tag: u8, at: At<'_>, to: LaneId, reason: Option<&Arc<str>>) {
        let reason = reason.map(|reason| self.string(reason));
        self.head(tag, if reason.is_some() { A } else { 0 }, at);
        self.number(to.0.into());
        if let Some(reason) = reason {
            self.number(reason.into());
        }
    }

    /// The beginning of every event's record: where that is.
    #[inline]
    fn head(&mut self, tag: u8, flags: u8, at: At<'_>) -> usize {
        self.fusible = None;
        if at.time.0 < self.context.time {
            self.bytes.push(BACK);
            self.number(self.context.time - at.time.0);
            self.context.time = at.time.0;
        }
        let is_same = Some(at.thread.id) == self.last_thread && at.lane.0 == self.context.lane;
        let thread = if is_same { self.context.thread } else { self.thread(at.thread) };
        let begin = self.bytes.len();
        self.bytes.push(tag | flags | if is_same { 0 } else { CONTEXT });
        self.number(at.time.0 - self.context.time);
        self.context.time = at.time.0;
        if !is_same {
            self.last_thread = Some(at.thread.id);
            (self.context.thread, self.context.lane) = (thread, at.lane.0);
            self.number(thread.into());
            self.number(at.lane.0.into());
        }
        self.counted(at.time.0);
        begin
    }

    #[inline]
    fn counted(&mut self, time: u64) {
        if self.in_open_set {
            self.open += 1;
            return;
        }
        self.count += 1;
        self.times = (self.times.0.min(time), self.times.1.max(time));
    }

    #[inline]
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &Arc<str>) -> u32 {
        let (number, is_new) = self.strings.number(text);
        if is_new {
            self.bytes.push(DEFINE_STRING);
            self.number(number.into());
            self.text(text);
        }
        number
    }

    fn thread(&mut self, thread: &Arc<Thread>) -> u32 {
        if let Some(number) = self.threads.get(&thread.id) {
            return *number;
        }
        let name = self.string(&thread.name);
        let number = self.threads.len() as u32;
        self.threads.insert(thread.id, number);
        self.bytes.push(DEFINE_THREAD);
        self.number(number.into());
        self.number(thread.id.0.into());
        self.number(name.into());
        number
    }

    #[inline]
    fn callsite(&mut self, callsite: &Arc<Callsite>) -> u32 {
        let (number, is_new) = self.callsites.number(callsite);
        if is_new {
            let name = self.string(&callsite.name);
            let target = self.string(&callsite.target);
            let file = callsite.file.as_ref().map(|file| self.string(file));
            self.bytes.push(DEFINE_CALLSITE);
            self.number(number.into());
            self.number(name.into());
            self.number(target.into());
            // Nothing is 0.
            self.number(file.map_or(0, |file| u64::from(file) + 1));
            self.number(callsite.line.map_or(0, |line| u64::from(line) + 1));
        }
        number
    }

    /// Defines the names of fields that have not been used in this chunk; how many fields there are.
    #[inline]
    fn define_names<'f>(&mut self, fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)>) -> u64 {
        let mut count = 0;
        for (name, _) in fields {
            self.string(name);
            count += 1;
        }
        count
    }

    #[inline]
    fn fields<'f>(&mut self, count: u64, fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)>) {
        self.number(count);
        for (name, value) in fields {
            let name = self.strings.number(name).0;
            self.field(name, value);
        }
    }

    #[inline]
    fn field(&mut self, name: u32, value: ValueRef<'_>) {
        let name = u64::from(name) << 3;
        match value {
            ValueRef::Bool(value) => self.number(name | u64::from(value)),
            ValueRef::U64(value) => {
                self.number(name | 2);
                self.number(value);
            }
            ValueRef::I64(value) => {
                self.number(name | 3);
                self.number(((value << 1) ^ (value >> 63)) as u64);
            }
            ValueRef::Str(text) => {
                self.number(name | 4);
                self.text(text);
            }
            ValueRef::F64(value) => {
                self.number(name | 5);
                self.bytes.extend(value.to_le_bytes());
            }
            ValueRef::Span(span) => {
                self.number(name | 6);
                self.number(span.0);
            }
            ValueRef::I128(value) => {
                self.number(name | 7);
                self.bytes.push(0);
                self.bytes.extend(value.to_le_bytes());
            }
            ValueRef::U128(value) => {
                self.number(name | 7);
                self.bytes.push(1);
                self.bytes.extend(value.to_le_bytes());
            }
        }
    }
}

fn edge_flag(edge: Edge) -> u8 {
    if edge == Edge::Exit { A } else { 0 }
}

fn refs(fields: &[Field]) -> impl Iterator<Item = (&Arc<str>, ValueRef<'_>)> + Clone {
    fields.iter().map(|field| (&field.name, ValueRef::from(&field.value)))
}

/// Small numbers for shared things: found by address, which is cheap, then by content.
struct Names<T: ?Sized> {
    by_address: HashMap<usize, u32, BuildHasherDefault<AddressHasher>>,
    by_content: HashMap<Arc<T>, u32>,
    /// Keeps the addresses from being used again.
    kept: Vec<Arc<T>>,
    last: (usize, u32),
}

impl<T: ?Sized> Default for Names<T> {
    fn default() -> Self {
        Self { by_address: HashMap::default(), by_content: HashMap::new(), kept: Vec::new(), last: (0, 0) }
    }
}

impl<T: ?Sized + Hash + Eq> Names<T> {
    fn clear(&mut self) {
        self.by_address.clear();
        self.by_content.clear();
        self.kept.clear();
        self.last = (0, 0);
    }

    /// The number of a thing, and whether it is new.
    #[inline]
    fn number(&mut self, thing: &Arc<T>) -> (u32, bool) {
        let address = Arc::as_ptr(thing).cast::<u8>() as usize;
        if self.last.0 == address {
            return (self.last.1, false);
        }
        if let Some(&number) = self.by_address.get(&address) {
            self.last = (address, number);
            return (number, false);
        }
        let next = self.by_content.len() as u32;
        let number = *self.by_content.entry(thing.clone()).or_insert(next);
        self.kept.push(thing.clone());
        self.by_address.insert(address, number);
        self.last = (address, number);
        (number, number == next)
    }
}

/// Spreads addresses, whose low bits are alike, by one multiplication.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        let mixed = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// What a chunk has defined so far: the things that its items name by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Names of lanes and fields, reasons, and the parts of callsites.
    pub strings: Vec<Arc<str>>,
    /// Threads.
    pub threads: Vec<Arc<Thread>>,
    /// Callsites.
    pub callsites: Vec<Arc<Callsite>>,
}

/// An event, or a part of the open set, as it stands in a chunk: names are numbers into [`Tables`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item<'a> {
    /// Raw monotonic time.
    pub time: Time,
    /// Number of the thread.
    pub thread: u32,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// What happened.
    pub kind: ItemKind<'a>,
}

/// What happened, as [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are those of `Kind`; numbers are into `Tables`")]
pub enum ItemKind<'a> {
    LaneOpen { name: u32, kind: LaneKind },
    LaneClose,
    Open { span: SpanId, parent: Option<SpanId>, callsite: u32, fields: ItemFields<'a> },
    Enter { span: SpanId },
    Exit { span: SpanId },
    Close { span: SpanId },
    Record { span: SpanId, fields: ItemFields<'a> },
    Note { span: Option<SpanId>, callsite: u32, fields: ItemFields<'a> },
    Switch { to: LaneId, reason: Option<u32> },
    Wake { to: LaneId, reason: Option<u32> },
    Hold { span: SpanId, edge: Edge, is_shown: bool },
    Release { span: SpanId, edge: Edge },
    Dropped { count: u64 },
}

/// The fields of an item, not looked at yet beyond that they are well-formed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ItemFields<'a>(&'a [u8]);

impl<'a> ItemFields<'a> {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Names, as numbers of strings, and values.
    pub fn iter(self) -> impl Iterator<Item = (u32, ValueRef<'a>)> + Clone {
        let mut rest = Bytes { bytes: self.0, at: 0 };
        std::iter::from_fn(move || rest.field().ok())
    }
}

/// A place between two items of a chunk, from which reading may begin. Belongs to the chunk it was asked of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    at: u32,
    context: Context,
}

/// Reads a chunk item by item.
#[derive(Clone, Debug)]
pub struct Unpacker<'a> {
    tables: Cow<'a, Tables>,
    bytes: Bytes<'a>,
    context: Context,
    /// The second half of a record that stands for two items.
    fused: Option<(u8, SpanId)>,
}

impl<'a> Unpacker<'a> {
    /// Reads the bytes of a chunk from their beginning. `tables` is what is known of its names already: nothing, or what an
    /// earlier reader of the same chunk has gathered.
    #[must_use]
    pub fn new(bytes: &'a [u8], tables: Tables) -> Self {
        let tables = Cow::Owned(tables);
        Self { tables, bytes: Bytes { bytes, at: 0 }, context: Context::default(), fused: None }
    }

    /// Reads the one item that begins at an offset and opens a span, out of its context: its time and its lane mean nothing.
    pub(super) fn open_at(bytes: &'a [u8], tables: &'a Tables, at: u32, span: SpanId) -> Option<ItemKind<'a>> {
        let context = Context { span: span.0.wrapping_sub(1), ..Context::default() };
        let item = Self::resume(bytes, tables, Position { at, context }).next_item();
        item.ok().flatten().map(|item| item.kind)
    }

    /// Reads the bytes of a chunk whose names are all known from a place on.
    pub(super) fn resume(bytes: &'a [u8], tables: &'a Tables, position: Position) -> Self {
        let Position { at, context } = position;
        Self { tables: Cow::Borrowed(tables), bytes: Bytes { bytes, at: at as usize }, context, fused: None }
    }

    /// What has been defined so far.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// How many bytes have been read.
    #[inline]
    pub(super) fn offset(&self) -> u32 {
        self.bytes.at as u32
    }

    /// What has been defined so far, to put what is shared in the place of what is equal to it.
    pub(super) fn tables_mut(&mut self) -> &mut Tables {
        self.tables.to_mut()
    }

    /// What has been defined, for a later reader of the chunk.
    #[must_use]
    pub fn into_tables(self) -> Tables {
        self.tables.into_owned()
    }

    /// Where the next item begins; nothing in the middle of a record that stands for two.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.fused.is_none().then_some(Position { at: self.bytes.at as u32, context: self.context })
    }

    /// Goes to a place that was asked of the same chunk.
    pub fn seek(&mut self, position: Position) {
        (self.bytes.at, self.context, self.fused) = (position.at as usize, position.context, None);
    }

    /// The next item; nothing at the end.
    ///
    /// # Errors
    /// If the bytes are no chunk. What follows is then of no meaning.
    #[inline]
    pub fn next_item(&mut self) -> Result<Option<Item<'a>>, Corrupt> {
        if let Some((tag, span)) = self.fused.take() {
            self.context.time = self.context.time.wrapping_add(self.bytes.number()?);
            let kind = if tag == OPEN { ItemKind::Enter { span } } else { ItemKind::Close { span } };
            return Ok(Some(self.item(kind)));
        }
        let head = loop {
            if self.bytes.is_at_end() {
                return Ok(None);
            }
            let head = self.bytes.byte()?;
            match head & TAG {
                SPAN => self.context.span = self.bytes.number()?.wrapping_sub(1),
                BACK => self.context.time = self.context.time.wrapping_sub(self.bytes.number()?),
                DEFINE => self.define(head)?,
                _ => break head,
            }
        };
        self.context.time = self.context.time.wrapping_add(self.bytes.number()?);
        if head & CONTEXT != 0 {
            self.context.thread = self.bytes.index(self.tables.threads.len())?;
            self.context.lane = self.bytes.small()?;
        } else if self.context.thread as usize >= self.tables.threads.len() {
            return Err(Corrupt);
        }
        let kind = self.kind(head)?;
        Ok(Some(self.item(kind)))
    }

    #[inline]
    fn item(&self, kind: ItemKind<'a>) -> Item<'a> {
        let Context { time, thread, lane, .. } = self.context;
        Item { time: Time(time), thread, lane: LaneId(lane), kind }
    }

    #[inline]
    fn kind(&mut self, head: u8) -> Result<ItemKind<'a>, Corrupt> {
        let (a, b) = (head & A != 0, head & B != 0);
        let edge = if a { Edge::Exit } else { Edge::Enter };
        let tables = &self.tables;
        Ok(match head & TAG {
            LANE_OPEN => ItemKind::LaneOpen {
                name: self.bytes.index(tables.strings.len())?,
                kind: if a { LaneKind::Task } else { LaneKind::Thread },
            },
            LANE_CLOSE => ItemKind::LaneClose,
            OPEN => {
                self.context.span = self.context.span.wrapping_add(1);
                let span = SpanId(self.context.span);
                let parent = if a { Some(SpanId(span.0.wrapping_sub(self.bytes.number()?))) } else { None };
                let callsite = self.bytes.index(tables.callsites.len())?;
                let fields = if b { self.bytes.fields(tables)? } else { ItemFields::default() };
                self.fused = (head & FUSED != 0).then_some((OPEN, span));
                ItemKind::Open { span, parent, callsite, fields }
            }
            tag @ (ENTER | EXIT | CLOSE) => {
                let span = if a { SpanId(self.context.span) } else { self.span()? };
                self.fused = (tag == EXIT && head & FUSED != 0).then_some((EXIT, span));
                match tag {
                    ENTER => ItemKind::Enter { span },
                    EXIT => ItemKind::Exit { span },
                    _ => ItemKind::Close { span },
                }
            }
            RECORD => ItemKind::Record { span: self.span()?, fields: self.bytes.fields(&self.tables)? },
            NOTE => {
                let span = if a { Some(self.span()?) } else { None };
                let callsite = self.bytes.index(self.tables.callsites.len())?;
                ItemKind::Note { span, callsite, fields: self.bytes.fields(&self.tables)? }
            }
            tag @ (SWITCH | WAKE) => {
                let to = LaneId(self.bytes.small()?);
                let reason = if a { Some(self.bytes.index(tables.strings.len())?) } else { None };
                if tag == SWITCH { ItemKind::Switch { to, reason } } else { ItemKind::Wake { to, reason } }
            }
            HOLD => ItemKind::Hold { span: self.span()?, edge, is_shown: b },
            RELEASE => ItemKind::Release { span: self.span()?, edge },
            DROPPED => ItemKind::Dropped { count: self.bytes.number()? },
            _ => return Err(Corrupt),
        })
    }

    /// A span by its distance from the newest.
    fn span(&mut self) -> Result<SpanId, Corrupt> {
        Ok(SpanId(self.context.span.wrapping_sub(self.bytes.number()?)))
    }

    #[cold]
    fn define(&mut self, head: u8) -> Result<(), Corrupt> {
        let Self { tables, bytes, .. } = self;
        match head {
            DEFINE_STRING => {
                let number = bytes.number()?;
                let text = bytes.text()?;
                if is_next(&tables.strings, number)? {
                    tables.to_mut().strings.push(text.into());
                }
                Ok(())
            }
            DEFINE_THREAD => {
                let number = bytes.number()?;
                let id = ThreadId(bytes.small()?);
                let name = bytes.index(tables.strings.len())? as usize;
                if is_next(&tables.threads, number)? {
                    let name = tables.strings[name].clone();
                    tables.to_mut().threads.push(Arc::new(Thread { id, name }));
                }
                Ok(())
            }
            DEFINE_CALLSITE => {
                let number = bytes.number()?;
                let name = bytes.index(tables.strings.len())? as usize;
                let target = bytes.index(tables.strings.len())? as usize;
                let file = (bytes.index(tables.strings.len() + 1)? as usize).checked_sub(1);
                let line = bytes.number()?.checked_sub(1);
                let line = line.map(u32::try_from).transpose().map_err(|_| Corrupt)?;
                if is_next(&tables.callsites, number)? {
                    let string = |number: usize| tables.strings[number].clone();
                    let callsite =
                        Callsite { name: string(name), target: string(target), file: file.map(string), line };
                    tables.to_mut().callsites.push(Arc::new(callsite));
                }
                Ok(())
            }
            _ => Err(Corrupt),
        }
    }

    /// An item of this chunk as an event in its own right.
    #[must_use]
    pub fn event(&self, item: &Item<'_>, seq: Seq) -> Event {
        self.tables.event(item, seq)
    }
}

impl Tables {
    /// An item as an event in its own right. The item must be of the chunk whose names these are.
    #[must_use]
    pub fn event(&self, item: &Item<'_>, seq: Seq) -> Event {
        let string = |number: u32| self.strings[number as usize].clone();
        let callsite = |number: u32| self.callsites[number as usize].clone();
        let fields = |fields: ItemFields<'_>| -> Vec<Field> {
            fields.iter().map(|(name, value)| Field { name: string(name), value: value.into() }).collect()
        };
        let kind = match item.kind {
            ItemKind::LaneOpen { name, kind } => Kind::LaneOpen { name: string(name), kind },
            ItemKind::LaneClose => Kind::LaneClose,
            ItemKind::Open { span, parent, callsite: at, fields: of } => {
                Kind::Open { span, parent, callsite: callsite(at), fields: fields(of) }
            }
            ItemKind::Enter { span } => Kind::Enter { span },
            ItemKind::Exit { span } => Kind::Exit { span },
            ItemKind::Close { span } => Kind::Close { span },
            ItemKind::Record { span, fields: of } => Kind::Record { span, fields: fields(of) },
            ItemKind::Note { span, callsite: at, fields: of } => {
                Kind::Note { span, callsite: callsite(at), fields: fields(of) }
            }
            ItemKind::Switch { to, reason } => Kind::Switch { to, reason: reason.map(string) },
            ItemKind::Wake { to, reason } => Kind::Wake { to, reason: reason.map(string) },
            ItemKind::Hold { span, edge, is_shown } => Kind::Hold { span, edge, is_shown },
            ItemKind::Release { span, edge } => Kind::Release { span, edge },
            ItemKind::Dropped { count } => Kind::Dropped { count },
        };
        Event { seq, time: item.time, thread: self.threads[item.thread as usize].clone(), lane: item.lane, kind }
    }
}

/// Whether a definition is the next of its table. If not, it is known already, or of no chunk.
fn is_next<T>(table: &[T], number: u64) -> Result<bool, Corrupt> {
    let length = table.len() as u64;
    if number > length { Err(Corrupt) } else { Ok(number == length) }
}

#[derive(Clone, Debug)]
struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Corrupt> {
        let byte = *self.bytes.get(self.at).ok_or(Corrupt)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Corrupt> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length)).ok_or(Corrupt)?;
        let taken = self.bytes.get(self.at..end).ok_or(Corrupt)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        self.take(N as u64)?.try_into().map_err(|_| Corrupt)
    }

    #[inline]
    fn number(&mut self) -> Result<u64, Corrupt> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Corrupt)
    }

    fn small(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.number()?).map_err(|_| Corrupt)
    }

    /// A number into a table of this length.
    fn index(&mut self, length: usize) -> Result<u32, Corrupt> {
        self.small().and_then(|number| if (number as usize) < length { Ok(number) } else { Err(Corrupt) })
    }

    fn text(&mut self) -> Result<&'a str, Corrupt> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Corrupt)
    }

    /// A list of fields, looked through once, so that it can be read without errors later.
    fn fields(&mut self, tables: &Tables) -> Result<ItemFields<'a>, Corrupt> {
        let count = self.number()?;
        let begin = self.at;
        for _ in 0..count {
            let (name, _) = self.field()?;
            if name as usize >= tables.strings.len() {
                return Err(Corrupt);
            }
        }
        Ok(ItemFields(&self.bytes[begin..self.at]))
    }

    fn field(&mut self) -> Result<(u32, ValueRef<'a>), Corrupt> {
        let head = self.number()?;
        let name = u32::try_from(head >> 3).map_err(|_| Corrupt)?;
        let value = match head & 7 {
            0 => ValueRef::Bool(false),
            1 => ValueRef::Bool(true),
            2 => ValueRef::U64(self.number()?),
            3 => {
                let value = self.number()?;
                ValueRef::I64((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            4 => ValueRef::Str(self.text()?),
            5 => ValueRef::F64(f64::from_le_bytes(self.array()?)),
            6 => ValueRef::Span(SpanId(self.number()?)),
            _ => match self.byte()? {
                0 => ValueRef::I128(i128::from_le_bytes(self.array()?)),
                1 => ValueRef::U128(u128::from_le_bytes(self.array()?)),
                _ => return Err(Corrupt),
            },
        };
        Ok((name, value))
    }
}
