//! What records mean: which spans live, on which lane each is, what switches, what is over.
//!
//! A span lives as long as somebody has a handle on it, is in it, or a span inside it lives, as with the registry of
//! `tracing-subscriber`: so both faces give the same log. The span a thread entered last is the parent of what it opens, but
//! one that it had entered already does not count again.

use std::collections::HashSet;
use std::sync::Arc;

use super::callsites;
use super::clock::{Rate, Times};
use super::collector::{Entered, Input, Seen};
use super::lanes::Lanes;
use super::spans::{Living, Slot, Spans};
use super::store::Store;
use super::words::{self, FOLLOWS_FROM, FieldReader, HAS_CALLSITE, HAS_PARENT, HAS_TASK, IS_ROOT, Kinds, Read};
use crate::trace::{At, Callsite, Event, Kind, LaneId, LaneKind, Seq, SpanId, Thread, Time, Value, ValueRef};

/// How many spans that were waited for in vain are remembered.
const MISSING: usize = 4096;

/// The state that records change.
pub(super) struct Model {
    pub(super) times: Times,
    pub(super) store: Store,
    pub(super) spans: Spans,
    pub(super) lanes: Lanes,
    callsites: Vec<Option<Known>>,
    threads: Vec<Arc<Thread>>,
    seen: Seen,
    /// Ids of spans that will not come: of an older log, or waited for in vain.
    missing: HashSet<u64>,
    opened: u64,
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
    /// Its number and those of its names in the chunk that begins here.
    number: u32,
    numbers: Vec<u32>,
    chunk: Option<Seq>,
    lane: Option<usize>,
    reason: Option<usize>,
    blocks: Option<usize>,
    opens_lane: Option<usize>,
    task: Option<usize>,
    wakes: Option<usize>,
    /// It has one of them that matters to a span.
    is_special: bool,
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
        let is_special = ["lane", "reason", "blocks"].into_iter().any(|name| index(name).is_some());
        Some(Self {
            is_special,
            number: 0,
            numbers: Vec::new(),
            chunk: None,
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
    pub(super) fn new(rate: Rate, store: Store) -> Self {
        let mut model = Self {
            times: Times::new(rate),
            store,
            spans: Spans::default(),
            lanes: Lanes::default(),
            callsites: Vec::new(),
            threads: Vec::new(),
            seen: Seen::default(),
            missing: HashSet::new(),
            opened: 0,
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
        // Who has them still may enter them, in the new log.
        self.missing.extend(self.spans.ids());
        self.spans = Spans::default();
        self.lanes = Lanes::default();
        self.threads.clear();
        // What was defined was so in the old chunks.
        self.callsites.iter_mut().flatten().for_each(|known| known.chunk = None);
        self.opened = 0;
        self.times.restart();
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

    /// The number of a thread of this recording.
    pub(super) fn thread_number(&mut self, thread: &Arc<Thread>) -> u32 {
        self.threads.push(thread.clone());
        self.threads.len() as u32 - 1
    }

    /// Takes the next record of a thread, and those that belong to it if they are there and not later than `limit`. False
    /// if it is about a span that has yet to come; if nothing will come any more (`is_last`), such a record is passed over.
    #[inline]
    pub(super) fn take(&mut self, input: &mut Input, limit: u64, is_last: bool) -> bool {
        let head = input.word(0);
        let ticks = head >> 8;
        match head as u8 {
            words::PLAIN => {
                if let Some(length) = self.take_plain(input, ticks, limit) {
                    input.advance(length);
                    return true;
                }
                return self.take_new(input, true, ticks, limit, is_last);
            }
            words::NEW => return self.take_new(input, false, ticks, limit, is_last),
            words::EVENT => return self.take_event(input, ticks, is_last),
            words::ENTER_NEWEST => {
                let (id, newest) = input.newest;
                let slot = newest.filter(|(slot, span)| self.spans.is_alive(*slot, *span)).map(|newest| newest.0);
                self.enter(input, ticks, id, slot);
                input.advance(1);
            }
            words::EXIT_LAST => {
                if let Some(entered) = input.entered.pop() {
                    self.exit(input, ticks, entered);
                }
                input.advance(1);
            }
            tag @ (words::DROP_LEFT | words::CLOSE_LEFT) => {
                if let Some((slot, span)) = input.left.take().filter(|(slot, span)| self.spans.is_alive(*slot, *span)) {
                    debug_assert!(self.spans.is_alive(slot, span));
                    if tag == words::DROP_LEFT {
                        self.let_go(input, ticks, slot);
                    } else {
                        self.close(input, ticks, slot);
                    }
                }
                input.advance(1);
            }
            tag => return self.take_of_span(input, tag, ticks, is_last),
        }
        input.ticks = ticks;
        true
    }

    /// A record about a span that is named by its id.
    fn take_of_span(&mut self, input: &mut Input, tag: u8, ticks: u64, is_last: bool) -> bool {
        let id = input.word(1);
        let length = match tag {
            words::RECORD => 3 + (input.word(2) >> 8) as usize,
            words::FOLLOWS => 3,
            _ => 2,
        };
        let slot = self.spans.find(id);
        if slot.is_none() && self.may_come(id) {
            if !is_last {
                return false;
            }
            self.give_up(id);
        }
        input.ticks = ticks;
        match (tag, slot) {
            (words::ENTER, slot) => self.enter(input, ticks, id, slot),
            (words::EXIT, slot) => {
                // Guards may be dropped in any order.
                match input.entered.iter().rposition(|entered| entered.id == id) {
                    Some(at) => {
                        let entered = input.entered.remove(at);
                        self.exit(input, ticks, entered);
                    }
                    None => self.exit_elsewhere(input, ticks, slot),
                }
            }
            (words::DROP, Some(slot)) => self.let_go(input, ticks, slot),
            (words::CLOSE, Some(slot)) => self.close(input, ticks, slot),
            (words::CLOSE, None) => {
                self.missing.remove(&id);
            }
            (words::CLONE, Some(slot)) => self.spans.get_mut(slot).uses += 1,
            (words::RECORD, Some(slot)) => self.record(input, ticks, slot, length),
            (words::FOLLOWS, Some(slot)) => self.follow(input, ticks, slot),
            _ => {}
        }
        input.advance(length);
        true
    }

    /// Whether a span that is not there has yet to come.
    fn may_come(&self, id: u64) -> bool {
        !self.seen.has(id) && !self.missing.contains(&id)
    }

    /// A span has been waited for in vain, and is not again.
    fn give_up(&mut self, id: u64) {
        if self.missing.len() >= MISSING {
            self.missing.clear();
        }
        self.missing.insert(id);
    }

    #[inline]
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

    /// The parent that a record names or implies; nothing if it has yet to come.
    #[inline]
    fn parent(&mut self, input: &Input, flags: u64, at: &mut usize, is_last: bool) -> Option<Option<Slot>> {
        if flags & HAS_PARENT != 0 {
            let id = input.word(*at);
            *at += 1;
            let parent = self.spans.find(id);
            if parent.is_none() && self.may_come(id) {
                if !is_last {
                    return None;
                }
                self.give_up(id);
            }
            return Some(parent);
        }
        Some(if flags & IS_ROOT == 0 { input.around() } else { None })
    }

    /// A new span.
    #[inline]
    fn take_new(&mut self, input: &mut Input, is_plain: bool, ticks: u64, limit: u64, is_last: bool) -> bool {
        let (id, info, mut at) = (input.word(1), input.word(2), 3);
        let has_callsite = info & HAS_CALLSITE != 0;
        let callsite = if has_callsite { input.word(3) as u32 } else { (id >> (64 - callsites::BITS)) as u32 };
        at += usize::from(has_callsite);
        let Some(parent) = self.parent(input, info, &mut at, is_last) else { return false };
        if has_callsite && let Some(before) = self.spans.find(id) {
            // A registry gives an id again once the span is over: that has yet to come.
            if !is_last {
                return false;
            }
            self.replace(input, ticks, before);
        }
        let has_task = info & HAS_TASK != 0;
        let task = has_task.then(|| input.word(at));
        at += usize::from(has_task);
        input.ticks = ticks;
        let end = self.read_fields(input, at, (!is_plain).then_some(3 + (info >> 8) as usize), info >> 8);
        input.newest = (id, None);
        if !has_callsite {
            self.seen.note(id);
        } else if !self.missing.is_empty() {
            self.missing.remove(&id);
        }
        let mut length = end;
        if self.known(callsite) {
            let whole = Self::whole_call(input, end, limit);
            length = self.open(input, ticks, id, callsite, parent, task, (at, end), whole);
        }
        input.advance(length);
        true
    }

    /// A span inside what its thread is in, with nothing special about it. Almost all are such, so they are read without a
    /// look at anything else; and a whole call with nothing in it, as most are, goes from words to bytes at once. Returns
    /// how many words that takes.
    #[inline]
    fn take_plain(&mut self, input: &mut Input, ticks: u64, limit: u64) -> Option<usize> {
        let (id, info) = (input.word(1), input.word(2));
        let has_callsite = info & HAS_CALLSITE != 0;
        if info & (HAS_PARENT | IS_ROOT | HAS_TASK) != 0 {
            return None;
        }
        let (callsite, at) = match has_callsite {
            true if self.spans.find(id).is_some() => return None,
            true => (input.word(3) as u32, 4),
            false => ((id >> (64 - callsites::BITS)) as u32, 3),
        };
        let (is_task, depth, lane, parent) = match input.entered.last() {
            Some(entered) => {
                let slot = entered.slot.filter(|_| !entered.again)?;
                let around = self.spans.get(slot);
                (around.is_task, around.depth + 1, around.lane, Some((slot, around.span)))
            }
            None => (false, 0, input.lane.filter(|_| input.lane_as_of == self.lanes.closed)?, None),
        };
        let (count, are_words) = (Kinds::count(info), Kinds::are_words(info));
        let end = if are_words { at + count } else { self.read_fields(input, at, None, info >> 8) };
        let known = self.callsites.get(callsite as usize)?.as_ref()?;
        if known.is_special || known.chunk != Some(self.store.packer.first()) {
            return None;
        }
        input.ticks = ticks;
        let whole = Self::whole_call(input, end, limit);
        let opened = self.times.at(ticks);
        let whole = whole.map(|[enter, exit, close]| {
            let (enter, exit) = (self.times.at(enter), self.times.at(exit));
            [enter, exit, self.times.at(close)]
        });
        self.opened += 1;
        let span = SpanId(self.opened);
        let here = At { time: opened, thread: input.thread(), lane };
        let (parent_span, name) = (parent.map(|it| it.1), |index: usize| known.numbers[index]);
        if are_words {
            let words = (0..count).map(|place| Kinds::value(info, place, input.word(at + place)));
            let fields = words.map(|(index, value)| (name(index), value));
            self.store.packer.open_known(here, span, parent_span, known.number, fields, whole);
        } else {
            let fields = self.fields.iter().map(|(index, value)| (name(*index), value.value(&self.texts)));
            self.store.packer.open_known(here, span, parent_span, known.number, fields, whole);
        }
        if !has_callsite {
            self.seen.note(id);
        }
        if whole.is_some() {
            input.newest = (id, None);
            input.left = None;
            return Some(end + 3);
        }
        self.lanes.span_opened(lane, false);
        if let Some((parent, _)) = parent {
            self.spans.get_mut(parent).uses += 1;
        }
        let (slot, living) = self.spans.insert(id);
        (living.span, living.parent, living.parent_span) = (span, parent.map(|it| it.0), parent_span);
        (living.lane, living.is_task, living.depth, living.callsite) = (lane, is_task, depth, callsite);
        (living.names_lane, living.blocks, living.reason) = (false, false, None);
        (living.opened, living.thread) = (opened, input.number);
        if are_words {
            for place in 0..count {
                let (index, value) = Kinds::value(info, place, input.word(at + place));
                words::put(&mut living.fields, index, value);
            }
        } else {
            for (index, value) in &self.fields {
                words::put(&mut living.fields, *index, value.value(&self.texts));
            }
        }
        input.newest = (id, Some((slot, span)));
        Some(end)
    }

    /// If the records that follow a new one say that it was entered, left and closed at once: when that was.
    #[inline]
    fn whole_call(input: &Input, end: usize, limit: u64) -> Option<[u64; 3]> {
        let [enter, exit, close] = input.three_words(end)?;
        let is_call = enter as u8 == words::ENTER_NEWEST
            && exit as u8 == words::EXIT_LAST
            && matches!(close as u8, words::DROP_LEFT | words::CLOSE_LEFT);
        let times = [enter >> 8, exit >> 8, close >> 8];
        (is_call && times.is_sorted() && input.ticks <= times[0] && times[2] <= limit).then_some(times)
    }

    /// Reads the fields of the record that is next, and says where they end.
    #[inline]
    fn read_fields(&mut self, input: &Input, at: usize, end: Option<usize>, kinds: u64) -> usize {
        self.fields.clear();
        self.texts.clear();
        let mut reader = FieldReader::new(|at| input.word(at), at, end.unwrap_or(usize::MAX));
        if end.is_none() {
            let mut rest = kinds >> 8;
            for _ in 0..kinds & 0xff {
                self.fields.push(reader.next_plain(&mut rest, &mut self.texts));
            }
        } else {
            while let Some(field) = reader.next(&mut self.texts) {
                self.fields.push(field);
            }
        }
        reader.at()
    }

    /// Opens a span. If it is known to have been a whole call with nothing inside it, it is over at once. Returns how many
    /// words that takes.
    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    #[inline]
    fn open(
        &mut self,
        input: &mut Input,
        ticks: u64,
        id: u64,
        callsite: u32,
        parent: Option<Slot>,
        task: Option<u64>,
        (at, end): (usize, usize),
        whole: Option<[u64; 3]>,
    ) -> usize {
        let time = self.times.at(ticks);
        let known = self.callsites[callsite as usize].as_ref().expect("a callsite is known before its records are");
        let (mut named, mut reason, mut blocks) = (None, None, false);
        if known.is_special {
            (named, reason) =
                (text(&self.fields, &self.texts, known.lane), text(&self.fields, &self.texts, known.reason));
            blocks = known.blocks.is_some_and(|index| self.fields.iter().any(|(at, _)| *at == index));
        }
        let is_here_task = task.is_some();
        let around = parent.map(|slot| self.spans.get(slot)).map(|it| (it.lane, it.is_task, it.depth, it.span));
        let (lane, is_task) = match (&named, around) {
            (Some(name), _) => {
                let kind = if is_here_task { LaneKind::Task } else { LaneKind::Thread };
                (self.lane_named(input.thread(), time, &name.clone(), kind), is_here_task)
            }
            (None, Some((lane, is_task, ..))) => (lane, is_task),
            (None, None) => (self.lane_of(input, time, task), is_here_task),
        };
        let depth = around.filter(|around| around.0 == lane).map_or(0, |around| around.2 + 1);
        self.opened += 1;
        let span = SpanId(self.opened);
        let parent_span = around.map(|around| around.3);
        let is_leaf = named.is_none() && input.innermost().is_none_or(|around| self.spans.get(around).lane == lane);
        let whole = whole.filter(|_| is_leaf).map(|ticks| ticks.map(|ticks| self.times.at(ticks)));
        let known = self.callsites[callsite as usize].as_mut().expect("a callsite is known before its records are");
        let packer = &mut self.store.packer;
        if known.chunk != Some(packer.first()) {
            known.number = packer.define(&known.callsite, known.names.iter(), &mut known.numbers);
            known.chunk = Some(packer.first());
        }
        let (numbers, texts) = (&known.numbers, &self.texts);
        packer.open_known(
            At { time, thread: input.thread(), lane },
            span,
            parent_span,
            known.number,
            self.fields.iter().map(|(index, value)| (numbers[*index], value.value(texts))),
            whole,
        );
        if whole.is_some() {
            input.left = None;
            return end + 3;
        }
        self.lanes.span_opened(lane, named.is_some() && parent.is_none());
        if let Some(parent) = parent {
            self.spans.get_mut(parent).uses += 1;
        }
        let (slot, living) = self.spans.insert(id);
        (living.span, living.parent, living.parent_span) = (span, parent, parent_span);
        (living.lane, living.is_task, living.depth, living.callsite) = (lane, is_task, depth, callsite);
        living.names_lane = named.is_some();
        (living.blocks, living.reason) = (blocks, reason);
        (living.opened, living.thread) = (time, input.number);
        if at < end {
            // Of plain fields too, in the general form.
            for (index, value) in &self.fields {
                words::put(&mut living.fields, *index, value.value(&self.texts));
            }
        }
        input.newest = (id, Some((slot, span)));
        end
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
        if task.is_none()
            && let Some(lane) = input.lane
            && (input.lane_as_of == self.lanes.closed || self.lanes.get(lane).is_some())
        {
            input.lane_as_of = self.lanes.closed;
            return lane;
        }
        let thread = input.thread().clone();
        if let Some(task) = task {
            let (lane, is_new) = self.lanes.of_task(task, &thread);
            if is_new {
                let name = self.lanes.get(lane).map_or_else(|| "".into(), |open| open.name.clone());
                self.emit(&thread, time, lane, Kind::LaneOpen { name, kind: LaneKind::Task });
            }
            return lane;
        }
        let lane = self.lane_named(&thread, time, &thread.name, LaneKind::Thread);
        (input.lane, input.lane_as_of) = (Some(lane), self.lanes.closed);
        lane
    }

    #[inline]
    fn enter(&mut self, input: &mut Input, ticks: u64, id: u64, slot: Option<Slot>) {
        let Some(slot) = slot else {
            // It is not recorded, but the thread is in it.
            input.entered.push(Entered { id, slot, again: false });
            return;
        };
        let time = self.times.at(ticks);
        let living = self.spans.get_mut(slot);
        let again = living.is_on > 0 && input.entered.iter().any(|entered| entered.slot == Some(slot));
        living.enters += 1;
        living.is_on += 1;
        living.uses += u32::from(!again);
        living.thread = input.number;
        let (lane, span) = (living.lane, living.span);
        if let Some(before) = input.innermost() {
            let before = self.spans.get(before);
            if before.lane != lane {
                let (from, reason) = (before.lane, before.reason.clone());
                self.emit(input.thread(), time, from, Kind::Switch { to: lane, reason });
            }
        }
        input.entered.push(Entered { id, slot: Some(slot), again });
        self.store.packer.enter(At { time, thread: input.thread(), lane }, span);
    }

    /// A thread has left what it was in.
    #[inline]
    fn exit(&mut self, input: &mut Input, ticks: u64, entered: Entered) {
        let Some(slot) = entered.slot else { return };
        let time = self.times.at(ticks);
        let living = self.spans.get_mut(slot);
        living.is_on -= 1;
        let (lane, span) = (living.lane, living.span);
        self.store.packer.exit(At { time, thread: input.thread(), lane }, span);
        if let Some(after) = input.innermost() {
            let after = self.spans.get(after);
            if after.lane != lane {
                let (to, reason) = (after.lane, after.reason.clone());
                self.emit(input.thread(), time, lane, Kind::Switch { to, reason });
            }
        }
        input.left = Some((slot, span));
        if !entered.again {
            self.let_go(input, ticks, slot);
        }
    }

    /// A thread says that it leaves what it is not in.
    fn exit_elsewhere(&mut self, input: &Input, ticks: u64, slot: Option<Slot>) {
        if let Some(slot) = slot {
            let time = self.times.at(ticks);
            let living = self.spans.get(slot);
            self.store.packer.exit(At { time, thread: input.thread(), lane: living.lane }, living.span);
        }
    }

    /// Somebody who had a use for the span has none any more.
    #[inline]
    fn let_go(&mut self, input: &Input, ticks: u64, slot: Slot) {
        let living = self.spans.get_mut(slot);
        living.uses = living.uses.saturating_sub(1);
        if living.uses == 0 {
            self.close(input, ticks, slot);
        }
    }

    fn close(&mut self, input: &Input, ticks: u64, slot: Slot) {
        let time = self.times.at(ticks);
        let mut next = Some(slot);
        while let Some(slot) = next.take() {
            self.spans.remove(slot);
            let living = self.spans.get(slot);
            let (lane, parent) = (living.lane, living.parent);
            self.store.packer.close(At { time, thread: input.thread(), lane }, living.span);
            if let Some(ended) = self.lanes.span_closed(lane) {
                self.end_lane(input.thread(), time, ended);
            }
            if let Some(parent) = parent {
                let around = self.spans.get_mut(parent);
                around.uses = around.uses.saturating_sub(1);
                next = (around.uses == 0).then_some(parent);
            }
        }
    }

    /// A span's id has been given to another although it was not seen to end.
    fn replace(&mut self, input: &Input, ticks: u64, slot: Slot) {
        if self.spans.get(slot).is_on == 0 {
            self.close(input, ticks, slot);
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

    /// A thread is over: it is in nothing any more, though nobody said that it left. So is its lane, unless something in it
    /// lives on elsewhere.
    pub(super) fn thread_ended(&mut self, input: &Input) {
        for slot in input.entered.iter().rev().filter_map(|entered| entered.slot) {
            let time = self.times.at(input.ticks).max(self.times.last);
            let living = self.spans.get_mut(slot);
            living.is_on -= 1;
            self.store.packer.exit(At { time, thread: input.thread(), lane: living.lane }, living.span);
        }
        let Some(lane) = input.lane.filter(|lane| self.lanes.get(*lane).is_some()) else { return };
        if self.lanes.is_idle(lane) {
            let time = self.times.at(input.ticks);
            self.end_lane(input.thread(), time.max(self.times.last), lane);
        }
    }

    fn record(&mut self, input: &Input, ticks: u64, slot: Slot, end: usize) {
        let time = self.times.at(ticks);
        self.read_fields(input, 3, Some(end), 0);
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
        let time = self.times.at(ticks);
        let living = self.spans.get_mut(slot);
        words::put(&mut living.fields, FOLLOWS_FROM, ValueRef::Span(cause));
        let field = [(&self.follows_from, ValueRef::Span(cause))].into_iter();
        self.store.packer.record(At { time, thread: input.thread(), lane: living.lane }, living.span, field);
    }

    /// Something said.
    fn take_event(&mut self, input: &mut Input, ticks: u64, is_last: bool) -> bool {
        let (info, callsite, mut at) = (input.word(1), input.word(2) as u32, 3);
        let end = 3 + (info >> 8) as usize;
        let Some(inside) = self.parent(input, info, &mut at, is_last) else { return false };
        let has_task = info & HAS_TASK != 0;
        let task = has_task.then(|| input.word(at));
        input.ticks = ticks;
        self.read_fields(input, at + usize::from(has_task), Some(end), 0);
        if self.known(callsite) {
            self.say_in(input, ticks, callsite, inside, task);
        }
        input.advance(end);
        true
    }

    /// Something said: a note, or what the conventions make of it.
    fn say_in(&mut self, input: &mut Input, ticks: u64, callsite: u32, inside: Option<Slot>, task: Option<u64>) {
        let time = self.times.at(ticks);
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
        let time = self.times.at(ticks);
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
            let thread = &self.threads[living.thread as usize];
            let at = At { time: living.opened, thread, lane: living.lane };
            packer.open(at, living.span, living.parent_span, &known.callsite, latest.iter().copied());
            if living.enters > 0 && living.is_on == 0 {
                packer.enter(at, living.span);
                packer.exit(at, living.span);
            }
        }
        for input in inputs {
            for slot in input.entered.iter().filter_map(|entered| entered.slot) {
                let living = self.spans.get(slot);
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
