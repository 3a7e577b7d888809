//! New spans: in which lane each is, inside what, and whether it is over already.

use super::super::callsites;
use super::super::collector::Input;
use super::super::spans::Slot;
use super::super::words::{self, FieldReader, HAS_CALLSITE, HAS_PARENT, HAS_TASK, IS_ROOT, Kinds, Texts};
use super::Model;
use super::known::{Known, text};
use crate::trace::{At, LaneId, LaneKind, SpanId, Time};

impl Model {
    #[inline]
    pub(super) fn known(&mut self, number: u32) -> bool {
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
    pub(super) fn parent(&mut self, input: &Input, flags: u64, at: &mut usize, is_last: bool) -> Option<Option<Slot>> {
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
    pub(super) fn take_new(
        &mut self,
        input: &mut Input,
        is_plain: bool,
        ticks: u64,
        limit: u64,
        is_last: bool,
    ) -> bool {
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
    pub(super) fn take_plain(&mut self, input: &mut Input, ticks: u64, limit: u64) -> Option<usize> {
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
        let first = Some(self.store.packer.first());
        self.callsites.get(callsite as usize)?.as_ref().filter(|known| !known.is_special && known.chunk == first)?;
        let (count, are_words) = (Kinds::count(info), Kinds::are_words(info));
        let end = if are_words { at + count } else { self.read_fields(input, at, None, info >> 8) };
        let known = self.callsites[callsite as usize].as_ref()?;
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
        let around = parent.map(|it| it.0);
        let slot =
            self.live(input, id, Opened { span, parent: around, parent_span, lane, is_task, depth, callsite, opened });
        let living = self.spans.get_mut(slot);
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
    pub(super) fn read_fields(&mut self, input: &Input, at: usize, end: Option<usize>, kinds: u64) -> usize {
        self.fields.clear();
        let mut texts = Texts::again(&mut self.texts);
        let mut reader = FieldReader::new(|at| input.word(at), at, end.unwrap_or(usize::MAX));
        if end.is_none() {
            let mut rest = kinds >> 8;
            for _ in 0..kinds & 0xff {
                self.fields.push(reader.next_plain(&mut rest, &mut texts));
            }
        } else {
            while let Some(field) = reader.next(&mut texts) {
                self.fields.push(field);
            }
        }
        self.texts = texts.done();
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
        let known = self.callsites[callsite as usize].as_mut().expect("a callsite is known before its records are");
        let (mut named, mut reason, mut blocks) = (None, None, false);
        if known.is_special {
            (named, reason) = (text(&self.fields, &self.texts, known.lane), known.reason(&self.fields, &self.texts));
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
        known.define(packer);
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
            if is_here_task && parent.is_none() {
                self.lane_used(input.thread(), time, lane);
            }
            return end + 3;
        }
        let slot =
            self.live(input, id, Opened { span, parent, parent_span, lane, is_task, depth, callsite, opened: time });
        if named.is_some() && (self.lanes.runs(lane) || parent.is_none()) {
            self.lanes.got_root(lane);
        }
        let living = self.spans.get_mut(slot);
        living.names_lane = named.is_some();
        (living.blocks, living.reason) = (blocks, reason);
        if at < end {
            // Of plain fields too, in the general form.
            for (index, value) in &self.fields {
                words::put(&mut living.fields, *index, value.value(&self.texts));
            }
        }
        end
    }

    /// A span is alive from now on, and the one that its thread opened last.
    #[inline]
    fn live(&mut self, input: &mut Input, id: u64, new: Opened) -> Slot {
        self.lanes.span_opened(new.lane);
        if let Some(parent) = new.parent {
            self.spans.get_mut(parent).uses += 1;
        }
        let (slot, living) = self.spans.insert(id);
        (living.span, living.parent, living.parent_span) = (new.span, new.parent, new.parent_span);
        (living.lane, living.is_task, living.depth, living.callsite) = (new.lane, new.is_task, new.depth, new.callsite);
        (living.names_lane, living.blocks, living.reason) = (false, false, None);
        (living.opened, living.thread) = (new.opened, input.number);
        input.newest = (id, Some((slot, new.span)));
        slot
    }
}

/// A span that has been opened, with nothing special about it.
struct Opened {
    span: SpanId,
    parent: Option<Slot>,
    parent_span: Option<SpanId>,
    lane: LaneId,
    is_task: bool,
    depth: u32,
    callsite: u32,
    opened: Time,
}
