//! What records mean: which spans live, on which lane each is, what switches, what is over.
//!
//! A span lives as long as somebody has a handle on it, is in it, or a span inside it lives, as with the registry of
//! `tracing-subscriber`: so both faces give the same log. The span a thread entered last is the parent of what it opens, but
//! one that it had entered already does not count again.

use std::sync::Arc;

use super::callsites;
use super::clock::Rate;
use super::collector::{Input, Seen};
use super::lanes::Lanes;
use super::spans::{Living, Slot, Spans};
use super::store::Store;
use super::words::{self, FOLLOWS_FROM, FieldReader, HAS_CALLSITE, HAS_PARENT, HAS_TASK, IS_ROOT, Read};
use crate::trace::{At, Callsite, Event, Kind, LaneId, LaneKind, Seq, SpanId, Thread, Time, Value, ValueRef};

/// The state that records change.
pub(super) struct Model {
    pub(super) rate: Rate,
    pub(super) store: Store,
    pub(super) spans: Spans,
    pub(super) lanes: Lanes,
    callsites: Vec<Option<Known>>,
    seen: Seen,
    opened: u64,
    /// ns on the clock at the first event.
    zero: Option<u64>,
    /// Time of the last event.
    last: Time,
    /// Records that came after the place that their time would give them.
    pub(super) late: u64,
    /// Lanes that have ended since the gate asked.
    pub(super) ended: Vec<LaneId>,
    /// Threads that are held, as the log has it.
    holds: Vec<Event>,
    follows_from: Arc<str>,
    fields: Vec<(usize, Read)>,
    texts: String,
}

/// A callsite, with where its fields of special meaning are.
struct Known {
    callsite: Arc<Callsite>,
    names: Vec<Arc<str>>,
    lane: Option<usize>,
    reason: Option<usize>,
    blocks: Option<usize>,
    opens_lane: Option<usize>,
    task: Option<usize>,
    wakes: Option<usize>,
}

impl Known {
    fn new(number: u32) -> Option<Self> {
        let metadata = callsites::metadata(number)?;
        let index = |name: &str| metadata.fields().field(name).map(|field| field.index());
        let callsite = Callsite {
            name: metadata.name().into(),
            target: metadata.target().into(),
            file: metadata.file().map(Into::into),
            line: metadata.line(),
        };
        Some(Self {
            callsite: Arc::new(callsite),
            names: metadata.fields().iter().map(|field| field.name().into()).collect(),
            lane: index("lane"),
            reason: index("reason"),
            blocks: index("blocks"),
            opens_lane: index("opens_lane"),
            task: index("task"),
            wakes: index("wakes"),
        })
    }
}

/// The text of a field, if the callsite has it and the record sets it.
fn text(fields: &[(usize, Read)], texts: &str, index: Option<usize>) -> Option<Arc<str>> {
    let index = index?;
    let (_, value) = fields.iter().rev().find(|(at, _)| *at == index)?;
    Some(match value.value(texts) {
        ValueRef::Str(text) => text.into(),
        other => Value::from(other).to_string().into(),
    })
}

impl Model {
    pub(super) fn new(rate: Rate, ring: usize) -> Self {
        let mut model = Self {
            rate,
            store: Store::new(ring),
            spans: Spans::default(),
            lanes: Lanes::default(),
            callsites: Vec::new(),
            seen: Seen::default(),
            opened: 0,
            zero: None,
            last: Time(0),
            late: 0,
            ended: Vec::new(),
            holds: Vec::new(),
            follows_from: "follows_from".into(),
            fields: Vec::new(),
            texts: String::new(),
        };
        model.store.packer.begin(Seq(0));
        model.store.begun();
        model
    }

    /// Forgets everything, for another recording.
    pub(super) fn restart(&mut self) {
        self.store.clear();
        self.store.packer.begin(Seq(0));
        self.store.begun();
        self.spans = Spans::default();
        self.lanes = Lanes::default();
        (self.opened, self.zero, self.last) = (0, None, Time(0));
        self.ended.clear();
        self.holds.clear();
    }

    /// How many spans have been opened.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    /// Where a span comes from.
    pub(super) fn callsite_of(&self, living: &Living) -> Option<Arc<Callsite>> {
        self.callsites.get(living.callsite as usize)?.as_ref().map(|known| known.callsite.clone())
    }

    /// Raw time in the log.
    #[inline]
    fn time(&mut self, ticks: u64) -> Time {
        let ns = self.rate.ns(ticks);
        // The first event is the zero of its log.
        let time = Time(ns.saturating_sub(*self.zero.get_or_insert(ns)));
        if time < self.last {
            self.late += 1;
        } else {
            self.last = time;
        }
        time
    }

    /// Takes the next record of a thread. False if it is about a span that has yet to come; if nothing will come any more
    /// (`is_last`), such a record is passed over.
    pub(super) fn take(&mut self, input: &mut Input, is_last: bool) -> bool {
        let head = input.word(0);
        let tag = head as u8;
        let id = input.word(1);
        let ticks = if head >> 8 == 0 { input.ticks } else { head >> 8 };
        if matches!(tag, words::NEW | words::EVENT) {
            return self.take_long(input, tag, ticks, is_last);
        }
        let Some(slot) = self.spans.find(id) else {
            let waits = !is_last && !self.seen.has(id);
            if !waits {
                input.ticks = ticks;
                input.advance(length(tag, input));
            }
            return !waits;
        };
        input.ticks = ticks;
        let length = length(tag, input);
        match tag {
            words::ENTER => self.enter(input, ticks, slot),
            words::EXIT => self.exit(input, ticks, slot),
            words::DROP => self.let_go(input.thread(), ticks, slot),
            words::CLOSE => self.close(input.thread(), ticks, slot),
            words::CLONE => self.spans.get_mut(slot).uses += 1,
            words::RECORD => self.record(input, ticks, slot, length),
            words::FOLLOWS => self.follow(input, ticks, slot),
            _ => {}
        }
        input.advance(length);
        true
    }

    fn known(&mut self, number: u32) -> bool {
        let at = number as usize;
        if at >= self.callsites.len() {
            self.callsites.resize_with(at + 1, || None);
        }
        if self.callsites[at].is_none() {
            self.callsites[at] = Known::new(number);
        }
        self.callsites[at].is_some()
    }

    /// A record with a head of its own: a new span, or something said.
    fn take_long(&mut self, input: &mut Input, tag: u8, ticks: u64, is_last: bool) -> bool {
        let is_new = tag == words::NEW;
        let id = if is_new { input.word(1) } else { 0 };
        let info = input.word(1 + usize::from(is_new));
        let mut at = 3;
        let callsite = if is_new { (id >> (64 - callsites::BITS)) as u32 } else { input.word(2) as u32 };
        let end = 3 + (info >> 8) as usize;
        let callsite = if is_new && info & HAS_CALLSITE != 0 {
            at += 1;
            input.word(3) as u32
        } else {
            callsite
        };
        let mut parent = None;
        if info & HAS_PARENT != 0 {
            let id = input.word(at);
            at += 1;
            parent = self.spans.find(id);
            if parent.is_none() && !is_last && !self.seen.has(id) {
                return false;
            }
        } else if info & IS_ROOT == 0 {
            parent = input.entered.iter().rev().find(|(_, again)| !again).map(|(slot, _)| *slot);
        }
        if is_new && let Some(before) = self.spans.find(id) {
            // A registry gives an id again once the span is over: that has yet to come.
            if !is_last {
                return false;
            }
            self.replace(input.thread(), ticks, before);
        }
        let task = (info & HAS_TASK != 0).then(|| {
            at += 1;
            input.word(at - 1)
        });
        input.ticks = ticks;
        if self.known(callsite) {
            self.read_fields(input, at, end);
            if is_new {
                self.open(input, ticks, id, callsite, parent, task, (at, end));
            } else {
                self.say_in(input, ticks, callsite, parent, task);
            }
        }
        if is_new && info & HAS_CALLSITE == 0 {
            self.seen.note(id);
        }
        input.advance(end);
        true
    }

    /// Reads the fields of the record that is next.
    #[inline]
    fn read_fields(&mut self, input: &Input, at: usize, end: usize) {
        self.fields.clear();
        self.texts.clear();
        let mut reader = FieldReader::new(|at| input.word(at), at, end);
        while let Some(field) = reader.next(&mut self.texts) {
            self.fields.push(field);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    fn open(
        &mut self,
        input: &mut Input,
        ticks: u64,
        id: u64,
        callsite: u32,
        parent: Option<Slot>,
        task: Option<u64>,
        (at, end): (usize, usize),
    ) {
        let time = self.time(ticks);
        let (fields, texts) = (std::mem::take(&mut self.fields), std::mem::take(&mut self.texts));
        let known = self.callsites[callsite as usize].as_ref().expect("a callsite is known before its records are");
        let (named, reason) = (text(&fields, &texts, known.lane), text(&fields, &texts, known.reason));
        let blocks = known.blocks.is_some_and(|index| fields.iter().any(|(at, _)| *at == index));
        let here = if task.is_some() { LaneKind::Task } else { LaneKind::Thread };
        let around = parent.map(|slot| self.spans.get(slot));
        let (around_lane, around_kind, around_depth, parent_span) = match around {
            Some(around) => (Some(around.lane), around.lane_kind, around.depth, Some(around.span)),
            None => (None, here, 0, None),
        };
        let (lane, lane_kind) = match (&named, around_lane) {
            (Some(name), _) => (self.lane_named(input.thread(), time, name, here), here),
            (None, Some(lane)) => (lane, around_kind),
            (None, None) => (self.lane_of(input, time, task), here),
        };
        let depth = if around_lane == Some(lane) { around_depth + 1 } else { 0 };
        self.opened += 1;
        let span = SpanId(self.opened);
        let known = self.callsites[callsite as usize].as_ref().expect("a callsite is known before its records are");
        self.store.packer.open(
            At { time, thread: input.thread(), lane },
            span,
            parent_span,
            &known.callsite,
            fields.iter().map(|(index, value)| (&known.names[*index], value.value(&texts))),
        );
        let mut kept = if at < end { self.spans.spare() } else { Vec::new() };
        kept.extend((at..end).map(|at| input.word(at)));
        if lane_kind == LaneKind::Task {
            self.lanes.span_opened(lane);
        }
        if let Some(parent) = parent {
            self.spans.get_mut(parent).uses += 1;
        }
        self.spans.insert(Living {
            face: id,
            span,
            parent,
            parent_span,
            lane,
            lane_kind,
            depth,
            callsite,
            uses: 1,
            enters: 0,
            is_on: 0,
            names_lane: named.is_some(),
            is_lane_root: named.is_some() && parent.is_none(),
            blocks,
            reason,
            opened: time,
            thread: input.thread().clone(),
            fields: kept,
        });
        (self.fields, self.texts) = (fields, texts);
    }

    /// The open lane of a name; it is opened if there is none.
    fn lane_named(&mut self, thread: &Arc<Thread>, time: Time, name: &Arc<str>, kind: LaneKind) -> LaneId {
        let (lane, is_new) = self.lanes.named(name, kind, thread);
        if is_new {
            self.emit(thread, time, lane, Kind::LaneOpen { name: name.clone(), kind });
        }
        lane
    }

    /// The lane of what neither names one nor is inside a span.
    fn lane_of(&mut self, input: &mut Input, time: Time, task: Option<u64>) -> LaneId {
        let thread = input.thread().clone();
        if let Some(task) = task {
            let (lane, is_new) = self.lanes.of_task(task, &thread);
            if is_new {
                let name = self.lanes.get(lane).map_or_else(|| "".into(), |open| open.name.clone());
                self.emit(&thread, time, lane, Kind::LaneOpen { name, kind: LaneKind::Task });
            }
            return lane;
        }
        if let Some(lane) = input.lane.filter(|lane| self.lanes.get(*lane).is_some()) {
            return lane;
        }
        let lane = self.lane_named(&thread, time, &thread.name, LaneKind::Thread);
        input.lane = Some(lane);
        lane
    }

    #[inline]
    fn enter(&mut self, input: &mut Input, ticks: u64, slot: Slot) {
        let time = self.time(ticks);
        let (lane, span, is_again) = {
            let living = self.spans.get_mut(slot);
            let is_again = living.is_on > 0 && input.entered.iter().any(|entered| entered.0 == slot);
            living.enters += 1;
            living.is_on += 1;
            living.uses += u32::from(!is_again);
            if living.thread.id != input.thread().id {
                living.thread = input.thread().clone();
            }
            (living.lane, living.span, is_again)
        };
        if let Some((before, _)) = input.entered.last() {
            let before = self.spans.get(*before);
            if before.lane != lane {
                let (from, reason) = (before.lane, before.reason.clone());
                self.emit(input.thread(), time, from, Kind::Switch { to: lane, reason });
            }
        }
        input.entered.push((slot, is_again));
        self.store.packer.enter(At { time, thread: input.thread(), lane }, span);
    }

    #[inline]
    fn exit(&mut self, input: &mut Input, ticks: u64, slot: Slot) {
        let time = self.time(ticks);
        let (lane, span) = {
            let living = self.spans.get(slot);
            (living.lane, living.span)
        };
        self.store.packer.exit(At { time, thread: input.thread(), lane }, span);
        // Guards may be dropped in any order.
        let Some(at) = input.entered.iter().rposition(|entered| entered.0 == slot) else { return };
        let (_, was_again) = input.entered.remove(at);
        self.spans.get_mut(slot).is_on -= 1;
        if let Some((after, _)) = input.entered.last() {
            let after = self.spans.get(*after);
            if after.lane != lane {
                let (to, reason) = (after.lane, after.reason.clone());
                self.emit(input.thread(), time, lane, Kind::Switch { to, reason });
            }
        }
        if !was_again {
            self.let_go(input.thread(), ticks, slot);
        }
    }

    /// Somebody who had a use for the span has none any more.
    #[inline]
    fn let_go(&mut self, thread: &Arc<Thread>, ticks: u64, slot: Slot) {
        let living = self.spans.get_mut(slot);
        living.uses = living.uses.saturating_sub(1);
        if living.uses == 0 {
            self.close(thread, ticks, slot);
        }
    }

    fn close(&mut self, thread: &Arc<Thread>, ticks: u64, slot: Slot) {
        let time = self.time(ticks);
        let mut next = Some(slot);
        while let Some(slot) = next.take() {
            let living = self.spans.remove(slot);
            self.store.packer.close(At { time, thread, lane: living.lane }, living.span);
            if living.lane_kind == LaneKind::Task
                && let Some(idle) = self.lanes.span_closed(living.lane)
            {
                self.end_lane(thread, time, idle);
            }
            if living.is_lane_root {
                self.end_lane(thread, time, living.lane);
            }
            if let Some(parent) = living.parent {
                let around = self.spans.get_mut(parent);
                around.uses = around.uses.saturating_sub(1);
                next = (around.uses == 0).then_some(parent);
            }
        }
    }

    /// A span's id has been given to another although it was not seen to end.
    fn replace(&mut self, thread: &Arc<Thread>, ticks: u64, slot: Slot) {
        if self.spans.get(slot).is_on == 0 {
            self.close(thread, ticks, slot);
        } else {
            self.spans.forget_id(slot);
        }
    }

    fn end_lane(&mut self, thread: &Arc<Thread>, time: Time, lane: LaneId) {
        if self.lanes.close(lane) {
            self.ended.push(lane);
            self.emit(thread, time, lane, Kind::LaneClose);
        }
    }

    /// A thread is over: so is its lane, unless something in it lives on elsewhere.
    pub(super) fn thread_ended(&mut self, input: &Input) {
        let Some(lane) = input.lane.filter(|lane| self.lanes.get(*lane).is_some()) else { return };
        if !self.spans.is_any_of(lane) {
            let time = self.time(input.ticks);
            self.end_lane(input.thread(), time.max(self.last), lane);
        }
    }

    fn record(&mut self, input: &Input, ticks: u64, slot: Slot, end: usize) {
        let time = self.time(ticks);
        self.read_fields(input, 3, end);
        let living = self.spans.get_mut(slot);
        let Some(known) = &self.callsites[living.callsite as usize] else { return };
        living.fields.extend((3..end).map(|at| input.word(at)));
        if let Some(reason) = text(&self.fields, &self.texts, known.reason) {
            living.reason = Some(reason);
        }
        let fields = self.fields.iter().map(|(index, value)| (&known.names[*index], value.value(&self.texts)));
        self.store.packer.record(At { time, thread: input.thread(), lane: living.lane }, living.span, fields);
    }

    fn follow(&mut self, input: &Input, ticks: u64, slot: Slot) {
        let Some(cause) = self.spans.find(input.word(2)).map(|cause| self.spans.get(cause).span) else { return };
        let time = self.time(ticks);
        let living = self.spans.get_mut(slot);
        words::put(&mut living.fields, FOLLOWS_FROM, ValueRef::Span(cause));
        let field = [(&self.follows_from, ValueRef::Span(cause))].into_iter();
        self.store.packer.record(At { time, thread: input.thread(), lane: living.lane }, living.span, field);
    }

    /// Something said: a note, or what the conventions make of it.
    fn say_in(&mut self, input: &mut Input, ticks: u64, callsite: u32, inside: Option<Slot>, task: Option<u64>) {
        let time = self.time(ticks);
        let Some(known) = &self.callsites[callsite as usize] else { return };
        let get = |index| text(&self.fields, &self.texts, index);
        let (opens, is_task) = (get(known.opens_lane), get(known.task).is_some_and(|task| &*task == "true"));
        let (wakes, reason) = (get(known.wakes), get(known.reason));
        if let Some(name) = opens {
            let kind = if is_task { LaneKind::Task } else { LaneKind::Thread };
            self.lane_named(&input.thread().clone(), time, &name, kind);
            return;
        }
        let inside = inside.map(|slot| self.spans.get(slot)).map(|inside| (inside.span, inside.lane));
        let lane = match inside {
            Some((_, lane)) => lane,
            None => self.lane_of(input, time, task),
        };
        if let Some(to) = wakes.and_then(|name| self.lanes.find(&name)) {
            self.emit(input.thread(), time, lane, Kind::Wake { to, reason });
            return;
        }
        let Some(known) = &self.callsites[callsite as usize] else { return };
        self.store.packer.note(
            At { time, thread: input.thread(), lane },
            inside.map(|inside| inside.0),
            &known.callsite,
            self.fields.iter().map(|(index, value)| (&known.names[*index], value.value(&self.texts))),
        );
    }

    /// An event that the gate or a convention makes.
    pub(super) fn say(&mut self, ticks: u64, thread: &Arc<Thread>, lane: LaneId, kind: Kind) {
        let time = self.time(ticks);
        match kind {
            Kind::Hold { .. } => {
                self.holds.retain(|hold| hold.thread.id != thread.id || !is_same_stop(&hold.kind, &kind));
                let hold = Event { seq: Seq(0), time, thread: thread.clone(), lane, kind: kind.clone() };
                self.holds.push(hold);
            }
            Kind::Release { .. } => self.holds.retain(|hold| hold.thread.id != thread.id),
            _ => {}
        }
        self.emit(thread, time, lane, kind);
    }

    fn emit(&mut self, thread: &Arc<Thread>, time: Time, lane: LaneId, kind: Kind) {
        self.store.packer.event(&Event { seq: Seq(0), time, thread: thread.clone(), lane, kind });
    }

    /// Begins a chunk with what is open: lanes, calls, which of them are on a thread, and who is held.
    pub(super) fn begin_chunk(&mut self, inputs: &[Input]) {
        let next = self.store.packer.next();
        let packer = &mut self.store.packer;
        packer.begin(next);
        for (lane, open) in self.lanes.iter() {
            let kind = Kind::LaneOpen { name: open.name.clone(), kind: open.kind };
            packer.event(&Event { seq: Seq(0), time: Time(0), thread: open.thread.clone(), lane, kind });
        }
        for living in self.spans.by_age() {
            let Some(known) = &self.callsites[living.callsite as usize] else { continue };
            let (mut texts, mut fields) = (String::new(), Vec::new());
            let mut reader = FieldReader::new(|at| living.fields[at], 0, living.fields.len());
            while let Some(field) = reader.next(&mut texts) {
                fields.push(field);
            }
            // The latest value of each name; of what it follows from all.
            let is_latest = |at: usize| {
                fields[at].0 == FOLLOWS_FROM || fields[at + 1..].iter().all(|later| later.0 != fields[at].0)
            };
            let latest: Vec<(&Arc<str>, ValueRef<'_>)> = (0..fields.len())
                .filter(|at| is_latest(*at))
                .map(|at| {
                    let (index, value) = fields[at];
                    (known.names.get(index).unwrap_or(&self.follows_from), value.value(&texts))
                })
                .collect();
            let at = At { time: living.opened, thread: &living.thread, lane: living.lane };
            packer.open(at, living.span, living.parent_span, &known.callsite, latest.iter().copied());
            if living.enters > 0 && living.is_on == 0 {
                packer.enter(at, living.span);
                packer.exit(at, living.span);
            }
        }
        for input in inputs {
            for (slot, _) in &input.entered {
                let living = self.spans.get(*slot);
                packer.enter(At { time: living.opened, thread: input.thread(), lane: living.lane }, living.span);
            }
        }
        self.holds.iter().for_each(|hold| packer.event(hold));
        self.store.begun();
    }
}

fn is_same_stop(one: &Kind, other: &Kind) -> bool {
    one.span() == other.span()
}

/// Words of a record that has no head of its own.
fn length(tag: u8, input: &Input) -> usize {
    match tag {
        words::RECORD => 3 + (input.word(2) >> 8) as usize,
        words::FOLLOWS => 3,
        _ => 2,
    }
}
