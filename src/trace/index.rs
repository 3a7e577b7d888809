//! What is kept of every event as it goes by, so that no question walks the log.
//!
//! ```text
//!   item ──► spans, lanes, calls by callsite, switches, recorded fields, program clock
//!        └─► outline: the live state in numbers ──every thousand events──► outlines
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use super::calls::Calls;
use super::holders::Holders;
use super::lanes::Lanes;
use super::outline::Outline;
use super::outlines::Outlines;
use super::records::Records;
use super::spans::{Opening, Spans};
use super::store::Seen;
use super::{Callsite, Item, ItemFields, ItemKind, LaneId, ProgramClock, Seq, SpanId, Tables, Thread, ThreadId, Time};

/// The field by which a call says that it blocks its lane in the operating system.
const BLOCKS: &str = "blocks";

/// Everything but the events themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    pub(super) spans: Spans,
    pub(super) lanes: Lanes,
    pub(super) calls: Calls,
    pub(super) clock: ProgramClock,
    /// The state at the end.
    pub(super) outline: Outline,
    pub(super) outlines: Outlines,
    /// The events that recorded fields.
    pub(super) records: Records,
    /// Places of the events at which control passed.
    pub(super) switches: Vec<u64>,
    pub(super) threads: HashMap<ThreadId, Arc<Thread>>,
    pub(super) dropped: u64,
    /// What of it is said of each lane, without what was let go on purpose.
    pub(super) dropped_in: HashMap<LaneId, u64>,
    /// Raw time of the last event.
    pub(super) time: Time,
    holders: Holders,
    local: Local,
}

/// What the names of a segment are to the log.
#[derive(Clone, Debug, Default)]
struct Local {
    segment: u64,
    callsites: Vec<u32>,
    threads: Vec<ThreadId>,
    strings: usize,
    /// The number of the name [`BLOCKS`].
    blocks: Option<u32>,
}

impl Index {
    /// Takes in what was seen.
    #[inline]
    pub(super) fn take(&mut self, seen: &Seen<'_>, tables: &mut Tables) {
        if seen.segment != self.local.segment {
            self.local = Local { segment: seen.segment, ..Local::default() };
        }
        if tables.threads.len() != self.local.threads.len()
            || tables.callsites.len() != self.local.callsites.len()
            || tables.strings.len() != self.local.strings
        {
            self.learn(tables);
        }
        match seen.rest {
            Some(rest) => self.call(seen, rest, tables),
            None => self.event(seen, tables),
        }
    }

    /// Takes in a call with nothing in it, and most of them at once.
    #[inline]
    fn call(&mut self, seen: &Seen<'_>, rest @ [enter, exit, close]: [Time; 3], tables: &Tables) {
        let Seen { place, item, .. } = *seen;
        let ItemKind::Open { span, parent, callsite, fields } = item.kind else { return };
        let (lane, thread) = (item.lane, self.local.threads[item.thread as usize]);
        self.outlines.keep(place, &self.outline);
        let number = self.open(seen, (span, parent), callsite, fields);
        if let Some(number) = number
            && !self.spans.blocks(number)
            && let Some(holder) = self.holders.place(thread)
            && self.outline.pass(lane, thread, number)
        {
            let (callsite, around) = (self.spans.callsite(number), self.holders.all()[holder].running);
            debug_assert_eq!(around, self.running_on(thread), "who had control has it again");
            self.spans.pass(number, rest);
            self.calls.enter(callsite, number);
            self.pass_control(holder, Some((lane, callsite)), enter);
            self.pass_control(holder, around, exit);
            self.calls.close(callsite, self.clock.program(close).since(self.clock.program(item.time)));
            self.time = close;
            return;
        }
        self.time = item.time;
        self.outline.apply(lane, thread, &item.kind, number, number.is_some());
        let kinds = [ItemKind::Enter { span }, ItemKind::Exit { span }, ItemKind::Close { span }];
        for (place, (kind, time)) in (place + 1..).zip(kinds.into_iter().zip(rest)) {
            self.event(&Seen { place, item: Item { time, kind, ..item }, rest: None, ..*seen }, tables);
        }
    }

    /// Takes in the event at a place.
    #[inline]
    fn event(&mut self, seen: &Seen<'_>, tables: &Tables) {
        let &Seen { place, ref item, .. } = seen;
        self.outlines.keep(place, &self.outline);
        let (lane, time, thread) = (item.lane, item.time, self.local.threads[item.thread as usize]);
        let at = (Seq(place), time);
        self.time = time;
        let mut is_new = true;
        let mut number = match item.kind {
            ItemKind::Open { .. } => None,
            kind => kind.moved().and_then(|span| self.spans.number(span)),
        };
        match item.kind {
            ItemKind::LaneOpen { name, kind, .. } => {
                is_new = self.lanes.open(lane, tables.strings[name as usize].clone(), kind, at);
            }
            ItemKind::LaneClose => self.lanes.close(lane, at),
            ItemKind::Open { span, parent, callsite, fields } => {
                number = self.open(seen, (span, parent), callsite, fields);
                is_new = number.is_some();
            }
            ItemKind::Close { .. } => {
                if let Some(number) = number {
                    self.close(place, number, time);
                }
            }
            ItemKind::Record { fields, .. } => {
                let open = number.and_then(|number| Some((number, self.outline.open(lane, number)?.record)));
                if let Some((number, _)) = open {
                    self.spans.set_recorded(number);
                }
                let names = fields.iter().map(|(name, _)| &tables.strings[name as usize]);
                self.records.add(place, open, names);
                self.blocks_from_now(number, fields, time);
            }
            ItemKind::Switch { .. } => self.switches.push(place),
            ItemKind::Hold { is_shown: true, .. } => self.clock.hold(time),
            ItemKind::Release { .. } => self.clock.release(time),
            ItemKind::Dropped { count } => {
                self.dropped = self.dropped.saturating_add(count);
                let in_lane = self.dropped_in.entry(lane).or_default();
                *in_lane = in_lane.saturating_add(count);
            }
            ItemKind::Enter { .. }
            | ItemKind::Exit { .. }
            | ItemKind::Hold { .. }
            | ItemKind::Note { .. }
            | ItemKind::Wake { .. } => {}
        }
        let Some(moved) = self.outline.apply(lane, thread, &item.kind, number, is_new) else { return };
        if let ItemKind::Exit { .. } = item.kind {
            self.spans.exit(moved.number, moved.stretch, time);
        } else if self.spans.enter(moved.number, time) {
            self.calls.enter(self.spans.callsite(moved.number), moved.number);
        }
        self.control_of(thread, time);
    }

    /// Takes in names that the segment has defined.
    #[cold]
    fn learn(&mut self, tables: &mut Tables) {
        let local = &mut self.local;
        for callsite in &mut tables.callsites[local.callsites.len()..] {
            let number = self.calls.number(callsite);
            // One of each is enough.
            *callsite = self.calls.callsite(number).clone();
            local.callsites.push(number);
        }
        for thread in &mut tables.threads[local.threads.len()..] {
            let known = self.threads.entry(thread.id).or_insert_with(|| thread.clone());
            if known == thread {
                *thread = known.clone();
            }
            local.threads.push(thread.id);
        }
        let strings = tables.strings.iter().enumerate().skip(local.strings);
        let blocks = strings.filter(|(_, name)| ***name == *BLOCKS).map(|(at, _)| at as u32).next();
        local.blocks = local.blocks.or(blocks);
        local.strings = tables.strings.len();
    }

    fn has_blocks(&self, fields: ItemFields<'_>) -> bool {
        self.local.blocks.is_some_and(|blocks| fields.iter().any(|(name, _)| name == blocks))
    }

    #[inline]
    fn open(
        &mut self,
        seen: &Seen<'_>,
        (id, parent): (SpanId, Option<SpanId>),
        callsite: u32,
        fields: ItemFields<'_>,
    ) -> Option<u32> {
        let (lane, time, seq) = (seen.item.lane, seen.item.time, seen.place);
        let callsite = self.local.callsites[callsite as usize];
        let parent = parent.and_then(|parent| self.spans.number(parent));
        let around = parent.filter(|parent| self.spans.lane(*parent) == lane);
        let depth = around.map_or(0, |around| self.spans.depth(around) + 1);
        let has_fields = !fields.is_empty();
        let blocks = has_fields && self.has_blocks(fields);
        let opening = Opening { seq, time, at: seen.at, id, lane, parent, callsite, depth, has_fields, blocks };
        let number = self.spans.open(&opening)?;
        let tells_runs = self.lanes.opened(lane, self.spans.depth(number), number, time);
        self.calls.open(callsite, seq, tells_runs);
        Some(number)
    }

    fn close(&mut self, place: u64, number: u32, time: Time) {
        if !self.spans.close(number, place, time) {
            return;
        }
        if self.spans.is_recorded(number) {
            self.records.close(number);
        }
        let took = self.clock.program(time).since(self.clock.program(self.spans.opened(number)));
        self.calls.close(self.spans.callsite(number), took);
        if self.spans.blocks(number) {
            self.spans.set_blocks(number, false);
            self.control_of_all(time);
        }
    }

    fn blocks_from_now(&mut self, number: Option<u32>, fields: ItemFields<'_>, time: Time) {
        if self.has_blocks(fields)
            && let Some(number) = number
            && self.spans.closed(number).is_none()
        {
            self.spans.set_blocks(number, true);
            self.control_of_all(time);
        }
    }

    #[cold]
    fn control_of_all(&mut self, time: Time) {
        for at in 0..self.holders.all().len() {
            self.control_of(self.holders.all()[at].thread, time);
        }
    }

    /// Works out who has control of a thread now, and gives the time since to who had it.
    #[inline]
    fn control_of(&mut self, thread: ThreadId, time: Time) {
        let running = self.running_on(thread);
        let at = match self.holders.place(thread) {
            Some(at) => at,
            None => self.holders.add(thread, self.clock.program(time)),
        };
        self.pass_control(at, running, time);
    }

    /// Who has control of a thread: the lane, and the callsite of its innermost call.
    #[inline]
    fn running_on(&self, thread: ThreadId) -> Option<(LaneId, u32)> {
        let running = self.outline.top(thread).filter(|top| !self.spans.blocks(top.number));
        running.map(|top| (top.lane, self.spans.callsite(top.number)))
    }

    /// Control of the thread at a place passes on.
    #[inline]
    fn pass_control(&mut self, at: usize, running: Option<(LaneId, u32)>, time: Time) {
        let now = self.clock.program(time);
        let before = self.holders.pass(at, running, now);
        if let Some((_, callsite)) = before.running {
            self.calls.spend(callsite, now.since(before.since));
        }
        let (was, is) = (before.running.map(|had| had.0), running.map(|has| has.0));
        if was != is {
            if let Some(lane) = was {
                self.lanes.end_run(lane, time);
            }
            if let Some(lane) = is {
                self.lanes.begin_run(lane, time);
            }
        }
    }

    /// Program time until now of the calls that are on a thread: callsite and ns.
    pub(super) fn under_way(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let now = self.clock.program(self.time);
        self.holders.all().iter().filter_map(move |holder| Some((holder.running?.1, now.since(holder.since))))
    }

    /// Bytes in memory, of what grows with the log.
    pub(super) fn bytes(&self) -> usize {
        self.spans.bytes()
            + self.lanes.bytes()
            + self.calls.bytes()
            + self.outlines.bytes()
            + self.records.bytes()
            + self.switches.capacity() * 8
    }

    /// A callsite by its number.
    pub(super) fn callsite(&self, number: u32) -> &Arc<Callsite> {
        self.calls.callsite(number)
    }
}
