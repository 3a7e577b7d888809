//! What is said: fields that become known later, what a span follows from, and events.

use super::super::collector::Input;
use super::super::spans::Slot;
use super::super::words::{self, FOLLOWS_FROM, HAS_TASK};
use super::Model;
use super::known::text;
use crate::trace::{At, Kind, LaneKind, ValueRef};

/// Words of fields that are not looked through for what has been replaced.
const FEW: usize = 64;

impl Model {
    pub(super) fn record(&mut self, input: &Input, ticks: u64, slot: Slot, end: usize) {
        let time = self.times.at(ticks);
        self.read_fields(input, 3, Some(end), 0);
        let living = self.spans.get_mut(slot);
        let Some(known) = &mut self.callsites[living.callsite as usize] else { return };
        let before = living.fields.len();
        living.fields.extend((3..end).map(|at| input.word(at)));
        // A span that never ends may say something for ever. Not each time: only when there is twice as much.
        if living.fields.len() > before.next_power_of_two().max(FEW) {
            words::keep_latest(&mut living.fields);
        }
        if let Some(reason) = known.reason(&self.fields, &self.texts) {
            living.reason = Some(reason);
        }
        known.define(&mut self.store.packer);
        let (numbers, texts) = (&known.numbers, &self.texts);
        let at = At { time, thread: input.thread(), lane: living.lane };
        let fields = self.fields.iter().map(|(index, value)| (numbers[*index], value.value(texts)));
        self.store.packer.record_known(at, living.span, fields);
    }

    pub(super) fn follow(&mut self, input: &Input, ticks: u64, slot: Slot) {
        let Some(cause) = self.spans.find(input.word(2)).map(|cause| self.spans.get(cause).span) else { return };
        let time = self.times.at(ticks);
        let living = self.spans.get_mut(slot);
        words::put(&mut living.fields, FOLLOWS_FROM, ValueRef::Span(cause));
        let field = [(&self.follows_from, ValueRef::Span(cause))].into_iter();
        self.store.packer.record(At { time, thread: input.thread(), lane: living.lane }, living.span, field);
    }

    /// Something said.
    pub(super) fn take_event(&mut self, input: &mut Input, ticks: u64, is_last: bool) -> bool {
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
        let Some(known) = &mut self.callsites[callsite as usize] else { return };
        let reason = known.reason(&self.fields, &self.texts);
        let get = |index| text(&self.fields, &self.texts, index);
        let (opens, is_task) = (get(known.opens_lane), get(known.task).is_some_and(|task| &*task == "true"));
        let wakes = get(known.wakes);
        if let Some(name) = opens {
            let kind = if is_task { LaneKind::Task } else { LaneKind::Thread };
            let thread = input.thread();
            let lane = self.lane_named(thread, time, &name, kind);
            if let Some(ended) = self.lanes.announced(lane) {
                self.end_lane(thread, time, ended);
            }
            return;
        }
        let inside = inside.map(|slot| self.spans.get(slot)).map(|inside| (inside.span, inside.lane));
        let lane = match inside {
            Some((_, lane)) => lane,
            None => self.lane_of(input, time, task),
        };
        if inside.is_none() && task.is_some() {
            self.lane_used(input.thread(), time, lane);
        }
        if let Some(to) = wakes.and_then(|name| self.lanes.find(&name)) {
            self.emit(input.thread(), time, lane, Kind::Wake { to, reason });
            return;
        }
        let Some(known) = &mut self.callsites[callsite as usize] else { return };
        known.define(&mut self.store.packer);
        let (numbers, texts) = (&known.numbers, &self.texts);
        self.store.packer.note_known(
            At { time, thread: input.thread(), lane },
            inside.map(|inside| inside.0),
            known.number,
            self.fields.iter().map(|(index, value)| (numbers[*index], value.value(texts))),
        );
    }
}
