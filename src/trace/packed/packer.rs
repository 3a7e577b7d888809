//! Events into a chunk.

mod parts;

pub use parts::Packable;
pub(super) use parts::put_text_field;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::counts::LaneCounts;
use super::names::{AddressHasher, Names};
use super::*;
use crate::trace::{Callsite, Edge, Event, Field, Kind, LaneKind, ThreadId};

/// Writes one chunk after another.
#[derive(Default)]
pub struct Packer {
    bytes: Vec<u8>,
    first: u64,
    open: u32,
    count: u32,
    /// The earliest and the latest.
    times: (u64, u64),
    /// The chunk begins with what is open.
    has_open_set: bool,
    /// The open set is being written: its events do not count.
    in_open_set: bool,
    /// Events of each lane, if this packer has written the recording from its beginning.
    lanes: LaneCounts,
    knows_counts: bool,
    strings: Names<str>,
    callsites: Names<Callsite>,
    threads: HashMap<ThreadId, u32, BuildHasherDefault<AddressHasher>>,
    last_thread: Option<ThreadId>,
    /// The fields that are being written: their names have to be defined before the record begins.
    fields: Vec<u8>,
    context: Context,
    /// The record before was one that the next may be fused with: where it begins, its span and its tag.
    fusible: Option<(usize, SpanId, u8)>,
}

impl Packer {
    /// Begins a chunk whose first event will have this place in the recording. What is written from here to
    /// [`Packer::begin_events`] is the open set.
    pub fn begin(&mut self, first: Seq) {
        if first.0 == 0 {
            (self.lanes, self.knows_counts) = (LaneCounts::default(), true);
        } else {
            self.knows_counts &= first == self.next();
            self.lanes.settle(self.next().0);
        }
        self.bytes.clear();
        (self.first, self.open, self.count, self.times) = (first.0, 0, 0, (u64::MAX, 0));
        (self.has_open_set, self.in_open_set) = (true, true);
        self.strings.clear();
        self.callsites.clear();
        self.threads.clear();
        self.last_thread = None;
        self.context = Context::default();
        self.fusible = None;
    }

    /// Begins a chunk without an open set, where the last one ends: for who has that one.
    pub fn go_on(&mut self) {
        self.begin(self.next());
        self.has_open_set = false;
        self.begin_events();
    }

    /// The open set is complete; what follows are the events.
    pub fn begin_events(&mut self) {
        self.in_open_set = false;
        self.lanes.turn(LaneId(self.context.lane), self.first);
        self.fusible = None;
    }

    /// Whether the chunk begins with what is open.
    #[must_use]
    pub fn has_open_set(&self) -> bool {
        self.has_open_set
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
    pub(in crate::trace) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the next record begins. It will not be fused with the one before.
    pub(in crate::trace) fn position(&mut self) -> Position {
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
            has_open_set: self.has_open_set,
            open: self.open,
            count: self.count,
            times: (Time(from), Time(to)),
            bytes: self.bytes.as_slice().into(),
        }
    }

    /// Defines a callsite and the names of its fields, for [`Packer::open_known`] and the like. What is returned is good for this
    /// chunk.
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
    /// it was entered, left and closed with nothing between, at these times, in this order and none before `at`, that is
    /// part of it.
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
        let count = fields.len();
        let fused = if whole.is_some() { FUSED } else { 0 };
        let begin = self.begin_open(at, span, parent, callsite, if count > 0 { B | fused } else { fused });
        if count > 0 {
            self.fields_known(fields);
        }
        self.end_open(at, span, begin, whole);
    }

    #[inline]
    fn begin_open(&mut self, at: At<'_>, span: SpanId, parent: Option<SpanId>, callsite: u32, flags: u8) -> usize {
        if span.0 != self.context.span.wrapping_add(1) {
            self.bytes.push(SPAN);
            self.number(span.0);
        }
        self.context.span = span.0;
        let begin = self.head(OPEN, if parent.is_some() { A | flags } else { flags }, at);
        if let Some(parent) = parent {
            self.number(span.0.wrapping_sub(parent.0));
        }
        self.number(callsite.into());
        begin
    }

    #[inline]
    fn end_open(&mut self, at: At<'_>, span: SpanId, begin: usize, whole: Option<[Time; 3]>) {
        let Some([enter, exit, close]) = whole else {
            self.fusible = Some((begin, span, OPEN));
            return;
        };
        debug_assert!(at.time <= enter && enter <= exit && exit <= close, "a whole call's times are in order");
        self.number(enter.0.wrapping_sub(at.time.0));
        self.bytes.push(EXIT | A | FUSED);
        self.number(exit.0.wrapping_sub(enter.0));
        self.number(close.0.wrapping_sub(exit.0));
        self.context.time = close.0;
        if self.in_open_set {
            self.open += 3;
        } else {
            self.count += 3;
            self.times.1 = self.times.1.max(close.0);
        }
    }

    /// A call begins. `whole` as in [`Packer::open_known`].
    #[inline]
    pub fn open<'f, V: Packable>(
        &mut self,
        at: At<'_>,
        span: SpanId,
        parent: Option<SpanId>,
        callsite: &Arc<Callsite>,
        fields: impl Iterator<Item = (&'f Arc<str>, V)>,
        whole: Option<[Time; 3]>,
    ) {
        let callsite = self.callsite(callsite);
        let count = self.gather(fields);
        let fused = if whole.is_some() { FUSED } else { 0 };
        let begin = self.begin_open(at, span, parent, callsite, if count > 0 { B | fused } else { fused });
        if count > 0 {
            self.gathered(count);
        }
        self.end_open(at, span, begin, whole);
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
            && self.is_here(at)
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
            Kind::Open { span, parent, callsite, fields } => {
                self.open(at, *span, *parent, callsite, refs(fields), None);
            }
            Kind::Enter { span } => self.enter(at, *span),
            Kind::Exit { span } => self.exit(at, *span),
            Kind::Close { span } => self.close(at, *span),
            Kind::LaneOpen { name, kind } => {
                let name = self.string(name);
                let before = (self.in_open_set && self.knows_counts).then(|| self.lanes.of(at.lane));
                let flags = lane_flag(*kind) | if before.is_some() { B } else { 0 };
                self.head(LANE_OPEN, flags, at);
                self.number(name.into());
                if let Some(before) = before {
                    self.number(before);
                }
            }
            Kind::LaneClose => {
                self.head(LANE_CLOSE, 0, at);
                if !self.in_open_set {
                    self.lanes.close(at.lane, self.next().0);
                }
            }
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
    pub fn record<'f>(&mut self, at: At<'_>, span: SpanId, fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)>) {
        let count = self.gather(fields);
        self.head(RECORD, 0, at);
        self.number(self.context.span.wrapping_sub(span.0));
        self.gathered(count);
    }

    /// The same, with names that were [defined](Packer::define) in this chunk.
    pub fn record_known<'f>(
        &mut self,
        at: At<'_>,
        span: SpanId,
        fields: impl ExactSizeIterator<Item = (u32, ValueRef<'f>)>,
    ) {
        self.head(RECORD, 0, at);
        self.number(self.context.span.wrapping_sub(span.0));
        self.fields_known(fields);
    }

    /// Something said, inside a span or outside of all.
    pub fn note<'f>(
        &mut self,
        at: At<'_>,
        span: Option<SpanId>,
        callsite: &Arc<Callsite>,
        fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)>,
    ) {
        let callsite = self.callsite(callsite);
        let count = self.gather(fields);
        self.head(NOTE, if span.is_some() { A } else { 0 }, at);
        if let Some(span) = span {
            self.number(self.context.span.wrapping_sub(span.0));
        }
        self.number(callsite.into());
        self.gathered(count);
    }

    /// The same, from a callsite that was [defined](Packer::define) in this chunk.
    pub fn note_known<'f>(
        &mut self,
        at: At<'_>,
        span: Option<SpanId>,
        callsite: u32,
        fields: impl ExactSizeIterator<Item = (u32, ValueRef<'f>)>,
    ) {
        self.head(NOTE, if span.is_some() { A } else { 0 }, at);
        if let Some(span) = span {
            self.number(self.context.span.wrapping_sub(span.0));
        }
        self.number(callsite.into());
        self.fields_known(fields);
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
        let step = at.time.0.wrapping_sub(self.context.time);
        if step as i64 >= 0 && self.is_here(at) {
            let begin = self.bytes.len();
            self.bytes.push(tag | flags);
            self.number(step);
            self.context.time = at.time.0;
            self.counted(at.time.0);
            return begin;
        }
        self.head_elsewhere(tag | flags, at)
    }

    /// Whether something happened on the thread and in the lane of the record before.
    #[inline]
    fn is_here(&self, at: At<'_>) -> bool {
        at.lane.0 == self.context.lane && Some(at.thread.id) == self.last_thread
    }

    /// The beginning of a record of another thread or lane, or of an earlier time.
    #[inline(never)]
    fn head_elsewhere(&mut self, tag: u8, at: At<'_>) -> usize {
        if at.time.0 < self.context.time {
            self.bytes.push(BACK);
            self.number(self.context.time - at.time.0);
            self.context.time = at.time.0;
        }
        let is_here = self.is_here(at);
        let thread = if is_here { self.context.thread } else { self.thread(at.thread) };
        let begin = self.bytes.len();
        self.bytes.push(tag | if is_here { 0 } else { CONTEXT });
        self.number(at.time.0 - self.context.time);
        self.context.time = at.time.0;
        if !is_here {
            if !self.in_open_set {
                self.lanes.turn(at.lane, self.next().0);
            }
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
}

fn lane_flag(kind: LaneKind) -> u8 {
    match kind {
        LaneKind::Thread => 0,
        LaneKind::Task => A,
        LaneKind::Async => ASYNC,
    }
}

fn edge_flag(edge: Edge) -> u8 {
    if edge == Edge::Exit { A } else { 0 }
}

fn refs(fields: &[Field]) -> impl Iterator<Item = (&Arc<str>, ValueRef<'_>)> + Clone {
    fields.iter().map(|field| (&field.name, ValueRef::from(&field.value)))
}
