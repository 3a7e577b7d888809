//! The calls of every callsite, counted and found without a walk.

use std::collections::HashMap;
use std::sync::Arc;

use super::durations::Durations;
use super::{Callsite, ItemKind, Key, LaneId, Log, SpanId};

/// All callsites that have been met, with their calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    all: Vec<OfCallsite>,
    numbers: HashMap<Arc<Callsite>, u32>,
}

/// The calls of one callsite.
#[derive(Clone, Debug)]
pub(super) struct OfCallsite {
    pub(super) callsite: Arc<Callsite>,
    /// How many were opened.
    pub(super) count: u64,
    /// The place of the first opening.
    pub(super) first: Option<u64>,
    /// Numbers of the spans that were entered, in the order of their first enters.
    pub(super) entered: Vec<u32>,
    /// Program time from opening to close of those that are over, in ns.
    pub(super) total: u64,
    /// Program time in which they were the innermost call with control of a thread, in ns.
    pub(super) own: u64,
    /// That is known of one at least.
    pub(super) tells_runs: bool,
    /// Program time of each that is over.
    pub(super) durations: Durations,
}

impl Calls {
    /// The number of a callsite; a new one if it is new.
    pub(super) fn number(&mut self, callsite: &Arc<Callsite>) -> u32 {
        if let Some(number) = self.numbers.get(callsite) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.numbers.insert(callsite.clone(), number);
        let callsite = callsite.clone();
        let (entered, durations, tells_runs) = (Vec::new(), Durations::default(), false);
        self.all.push(OfCallsite { callsite, count: 0, first: None, entered, total: 0, own: 0, tells_runs, durations });
        number
    }

    /// A callsite by its number.
    pub(super) fn callsite(&self, number: u32) -> &Arc<Callsite> {
        &self.all[number as usize].callsite
    }

    /// Every callsite with its calls; some only said something.
    pub(super) fn all(&self) -> &[OfCallsite] {
        &self.all
    }

    #[inline]
    pub(super) fn open(&mut self, callsite: u32, place: u64, tells_runs: bool) {
        let of = &mut self.all[callsite as usize];
        of.tells_runs |= tells_runs;
        of.count += 1;
        of.first.get_or_insert(place);
    }

    #[inline]
    pub(super) fn enter(&mut self, callsite: u32, span: u32) {
        self.all[callsite as usize].entered.push(span);
    }

    #[inline]
    pub(super) fn close(&mut self, callsite: u32, took: u64) {
        let of = &mut self.all[callsite as usize];
        of.total = of.total.saturating_add(took);
        of.durations.add(took);
    }

    #[inline]
    pub(super) fn spend(&mut self, callsite: u32, took: u64) {
        let of = &mut self.all[callsite as usize];
        of.own = of.own.saturating_add(took);
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        let of = |of: &OfCallsite| size_of::<OfCallsite>() + of.entered.capacity() * 4 + of.durations.bytes();
        self.all.iter().map(of).sum()
    }
}

/// A span that was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The span.
    pub span: SpanId,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// The place of its first enter.
    pub entered: usize,
    /// The place of its close, if that is before the cursor.
    pub closed: Option<usize>,
}

/// The spans of a call that were entered before a cursor, in the order of their first enters. Made without a look at any
/// but those that are asked for.
#[derive(Clone, Debug)]
pub struct CallsOf<'a> {
    log: &'a Log,
    cursor: usize,
    /// One list per callsite: a call may be written in several places.
    lists: Vec<&'a [u32]>,
}

impl Log {
    /// The spans of a call that were entered before a cursor.
    #[must_use]
    pub fn calls(&self, key: &Key, cursor: usize) -> CallsOf<'_> {
        let cursor = cursor.min(self.len());
        let matching = self.index.calls.all().iter().filter(|of| key.matches(&of.callsite));
        let is_before = |span: &u32| self.entered_at(*span).is_some_and(|at| at < cursor);
        let before = |of: &'_ OfCallsite| {
            if cursor == self.len() { of.entered.len() } else { of.entered.partition_point(is_before) }
        };
        let lists = matching.map(|of| &of.entered[..before(of)]).collect();
        CallsOf { log: self, cursor, lists }
    }

    /// The place of a span's first enter.
    fn entered_at(&self, number: u32) -> Option<usize> {
        let spans = &self.index.spans;
        let (id, time) = (spans.id(number), spans.entered(number)?);
        let is_it = |item: &(usize, super::Time, LaneId, ItemKind<'_>)| matches!(item.3, ItemKind::Enter { span } if span == id);
        let open = spans.seq(number) as usize;
        // Most are entered at once. Of the others it is known when.
        if let Some(found) = self.kinds(open + 1, open + 3).find(is_it) {
            return Some(found.0);
        }
        let from = time.0.checked_sub(1).map_or(0, |before| self.cursor_at_raw(super::Time(before)));
        self.kinds(from.max(open), self.len()).find(is_it).map(|found| found.0)
    }
}

impl CallsOf<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.iter().map(|list| list.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are of each place in which the call is written, in the order in which the places were met. Grows, and
    /// what is in it stays where it is, as the log grows and with the cursor.
    pub fn lens(&self) -> impl Iterator<Item = usize> + '_ {
        self.lists.iter().map(|list| list.len())
    }

    /// The span and the lane of one of them, by the place in which it is written and its number there. Costs less than
    /// [`CallsOf::get`].
    #[must_use]
    pub fn span(&self, list: usize, at: usize) -> Option<(SpanId, LaneId)> {
        let spans = &self.log.index.spans;
        let number = *self.lists.get(list)?.get(at)?;
        Some((spans.id(number), spans.lane(number)))
    }

    /// The place of the first enter of one of them, by the place in which it is written and its number there.
    pub(super) fn entered(&self, list: usize, at: usize) -> Option<usize> {
        self.log.entered_at(*self.lists.get(list)?.get(at)?)
    }

    /// One of them, by the place in which it is written and its number there.
    #[must_use]
    pub fn get(&self, list: usize, at: usize) -> Option<Call> {
        self.call(*self.lists.get(list)?.get(at)?)
    }

    fn call(&self, number: u32) -> Option<Call> {
        let spans = &self.log.index.spans;
        let entered = self.log.entered_at(number)?;
        let closed = spans.closed(number).map(|close| close.0 as usize).filter(|at| *at < self.cursor);
        Some(Call { span: spans.id(number), lane: spans.lane(number), entered, closed })
    }

    /// The first of them, so many at the most.
    #[must_use]
    pub fn first(&self, at_most: usize) -> Vec<Call> {
        let of = self.lists.iter().flat_map(|list| list.iter().take(at_most));
        let mut calls: Vec<Call> = of.filter_map(|number| self.call(*number)).collect();
        if self.lists.len() > 1 {
            calls.sort_by_key(|call| call.entered);
            calls.truncate(at_most);
        }
        calls
    }

    /// The last of them, so many at the most, in the order of their first enters.
    #[must_use]
    pub fn latest(&self, at_most: usize) -> Vec<Call> {
        let of = self.lists.iter().flat_map(|list| &list[list.len().saturating_sub(at_most)..]);
        let mut calls: Vec<Call> = of.filter_map(|number| self.call(*number)).collect();
        if self.lists.len() > 1 {
            calls.sort_by_key(|call| call.entered);
            calls.drain(..calls.len().saturating_sub(at_most));
        }
        calls
    }

    /// The last of them.
    #[must_use]
    pub fn last(&self) -> Option<Call> {
        let lasts = self.lists.iter().filter_map(|list| list.last());
        lasts.filter_map(|number| self.call(*number)).max_by_key(|call| call.entered)
    }
}
