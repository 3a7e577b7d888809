//! What records mean: which spans live, on which lane each is, what switches, what is over.
//!
//! A span lives as long as somebody has a handle on it, is in it, or a span inside it lives, as with the registry of
//! `tracing-subscriber`: so both faces give the same log. The span a thread entered last is the parent of what it opens, but
//! one that it had entered already does not count again.

mod known;
mod opening;
mod said;

use std::collections::HashSet;
use std::sync::Arc;

use super::clock::{Rate, Times};
use super::collector::{Entered, Input, Seen};
use super::lanes::Lanes;
use super::spans::{Living, Slot, Spans};
use super::store::Store;
use super::words::{self, FOLLOWS_FROM, FieldReader, Read, Texts};
use crate::trace::{At, Callsite, Event, Field, Kind, LaneId, LaneKind, Seq, Thread, Time};

use known::Known;

/// How many spans that were waited for in vain are remembered.
const MISSING: usize = 4096;

/// How many threads are met before those that are over are forgotten.
const THREADS: usize = 64;

/// The state that records change.
pub(super) struct Model {
    pub(super) times: Times,
    pub(super) store: Store,
    pub(super) spans: Spans,
    pub(super) lanes: Lanes,
    callsites: Vec<Option<Known>>,
    /// By their numbers; some are over, and nothing is left of them.
    pub(super) threads: Vec<Arc<Thread>>,
    free_threads: Vec<u32>,
    /// How many numbers are given before free ones are looked for.
    threads_due: usize,
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

impl Model {
    pub(super) fn new(rate: Rate, store: Store) -> Self {
        let mut model = Self {
            times: Times::new(rate),
            store,
            spans: Spans::default(),
            lanes: Lanes::default(),
            callsites: Vec::new(),
            threads: Vec::new(),
            free_threads: Vec::new(),
            threads_due: THREADS,
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
        (self.threads, self.free_threads, self.threads_due) = (Vec::new(), Vec::new(), THREADS);
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

    /// What a lane is called.
    pub(super) fn lane_name(&self, lane: LaneId) -> Arc<str> {
        self.lanes.get(lane).map_or_else(|| "".into(), |lane| lane.name.clone())
    }

    /// What a span has recorded so far.
    pub(super) fn fields_of(&self, living: &Living) -> Vec<Field> {
        let Some(Some(known)) = self.callsites.get(living.callsite as usize) else { return Vec::new() };
        let (mut texts, mut fields) = (Texts::default(), Vec::new());
        let mut reader = FieldReader::new(|at| living.fields[at], 0, living.fields.len());
        while let Some(field) = reader.next(&mut texts) {
            fields.push(field);
        }
        let texts = texts.done();
        let name = |index| known.names.get(index).unwrap_or(&self.follows_from).clone();
        fields.into_iter().map(|(index, read)| Field { name: name(index), value: read.value(&texts).into() }).collect()
    }

    /// A number for a thread of this recording; `inputs` have theirs.
    pub(super) fn thread_number(&mut self, thread: &Arc<Thread>, inputs: &[Input]) -> u32 {
        if self.free_threads.is_empty() && self.threads.len() >= self.threads_due {
            self.free_threads(inputs);
        }
        if let Some(number) = self.free_threads.pop() {
            self.threads[number as usize] = thread.clone();
            return number;
        }
        self.threads.push(thread.clone());
        self.threads.len() as u32 - 1
    }

    /// Finds the numbers of threads that are over and have left nothing open. A program may have one for each request.
    #[cold]
    fn free_threads(&mut self, inputs: &[Input]) {
        let mut is_free = vec![true; self.threads.len()];
        inputs.iter().for_each(|input| is_free[input.number as usize] = false);
        self.spans.threads().for_each(|number| is_free[number as usize] = false);
        self.free_threads
            .extend((0..).zip(is_free).filter_map(|(number, is_free): (u32, bool)| is_free.then_some(number)));
        // Where most are at work there is no use in looking often.
        let is_worth_it = self.free_threads.len() >= self.threads.len() / 2;
        self.threads_due = if is_worth_it { self.threads.len() } else { 2 * self.threads.len() };
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
        let (lane, is_new) = self.lanes.of_thread(&thread);
        if is_new {
            let name = self.lanes.get(lane).map_or_else(|| thread.name.clone(), |open| open.name.clone());
            self.emit(&thread, time, lane, Kind::LaneOpen { name, kind: LaneKind::Thread });
        }
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

    /// Something that leaves nothing open was done in the lane of a task: so it waits, and one that has done so for long ends.
    fn lane_used(&mut self, thread: &Arc<Thread>, time: Time, lane: LaneId) {
        if let Some(ended) = self.lanes.used(lane) {
            self.end_lane(thread, time, ended);
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
            let time = self.times.by_now(input.ticks);
            let living = self.spans.get_mut(slot);
            living.is_on -= 1;
            self.store.packer.exit(At { time, thread: input.thread(), lane: living.lane }, living.span);
        }
        if let Some(lane) = self.lanes.thread_ended(input.thread().id) {
            let time = self.times.by_now(input.ticks);
            self.end_lane(input.thread(), time, lane);
        }
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

    /// Begins a chunk: if it is due, with what is open: lanes, calls, which of them are on a thread, and who is held.
    pub(super) fn begin_chunk(&mut self, inputs: &[Input]) {
        if !self.store.needs_open_set() {
            self.store.packer.go_on();
            self.store.begun();
            return;
        }
        let next = self.store.packer.next();
        let packer = &mut self.store.packer;
        packer.begin(next);
        for (lane, open) in self.lanes.iter() {
            let kind = Kind::LaneOpen { name: open.name.clone(), kind: open.kind };
            packer.event(&Event { seq: Seq(0), time: Time(0), thread: open.thread.clone(), lane, kind });
        }
        let (mut texts, mut fields) = (String::new(), Vec::new());
        for living in self.spans.by_age() {
            let Some(known) = &self.callsites[living.callsite as usize] else { continue };
            fields.clear();
            let mut read = Texts::again(&mut texts);
            let mut reader = FieldReader::new(|at| living.fields[at], 0, living.fields.len());
            while let Some(field) = reader.next(&mut read) {
                fields.push(field);
            }
            texts = read.done();
            // The latest value of each name; of what it follows from all.
            let is_latest = |at: usize| {
                fields[at].0 == FOLLOWS_FROM || fields[at + 1..].iter().all(|later| later.0 != fields[at].0)
            };
            let latest = (0..fields.len()).filter(|at| is_latest(*at)).map(|at| {
                let (index, value): (usize, Read) = fields[at];
                (known.names.get(index).unwrap_or(&self.follows_from), value.value(&texts))
            });
            let thread = &self.threads[living.thread as usize];
            let at = At { time: living.opened, thread, lane: living.lane };
            packer.open(at, living.span, living.parent_span, &known.callsite, latest, None);
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
