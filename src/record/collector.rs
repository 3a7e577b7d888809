//! The collector: the words of all threads become one log.
//!
//! ```text
//!   thread 1  new enter exit drop …  ┐
//!   thread 2  new …                  ├─ by time, as far as was written before now ─► spans, lanes ─► chunks
//!   thread 3  …                      ┘
//! ```
//!
//! Whoever needs the log up to date runs it: its own thread when pages are full, a reader, the gate, a recording thread
//! that has run out of room. It is behind a lock and does nothing but compute.
//!
//! Records are taken in the order of their times, up to the instant at which the collection began: what a record
//! depends on was written before it, so it has been seen by then. Readings of the counter on two cores may still be a few
//! ns out of order; so a thread that is about a span nobody has opened yet waits until the others are taken. A thread
//! that was stopped between its reading of the clock and its writing comes late: its record keeps its own time, takes the
//! next place, and is counted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::clock::{Clock, Rate};
use super::local::{COUNT_BITS, STREAM_BITS, Stream};
use super::model::Model;
use super::page::{self, Page};
use super::shared::Shared;
use super::spans::Slot;
use crate::trace::{Kind, LaneId, Thread};

/// Everything that has been recorded, in order.
pub(super) struct Collector {
    /// Which recording is being written.
    key: u64,
    inputs: Vec<Input>,
    /// Streams of recordings that are over, whose threads may still be about to look.
    old: Vec<Arc<Stream>>,
    pub(super) model: Model,
}

/// The reading end of a stream.
pub(super) struct Input {
    pub(super) stream: Arc<Stream>,
    /// Pages that are not read to their ends; how much of each is there to read.
    pages: VecDeque<(&'static Page, usize)>,
    /// Words of the first that have been read.
    read: usize,
    /// Time of the last record that had one.
    pub(super) ticks: u64,
    /// What the thread has entered, outermost first, and whether it had entered it already.
    pub(super) entered: Vec<(Slot, bool)>,
    /// The lane of what the thread does in no task.
    pub(super) lane: Option<LaneId>,
    /// Nothing more will be written.
    is_over: bool,
}

impl Input {
    fn new(stream: Arc<Stream>) -> Self {
        let (pages, entered) = (VecDeque::new(), Vec::new());
        Self { stream, pages, read: 0, ticks: 0, entered, lane: None, is_over: false }
    }

    pub(super) fn thread(&self) -> &Arc<Thread> {
        &self.stream.thread
    }

    /// A word of the record that is next.
    #[inline]
    pub(super) fn word(&self, at: usize) -> u64 {
        self.pages.front().map_or(0, |(page, _)| page.word(self.read + at))
    }

    /// The record that is next has been taken.
    #[inline]
    pub(super) fn advance(&mut self, words: usize) {
        self.read += words;
    }

    /// When the next record was written. Leaves pages that are read to their ends.
    #[inline]
    fn head(&mut self, shared: &Shared) -> Option<u64> {
        while let Some(&(page, end)) = self.pages.front() {
            if self.read < end {
                let ticks = page.word(self.read) >> 8;
                return Some(if ticks == 0 { self.ticks } else { ticks });
            }
            if self.pages.len() == 1 {
                // It may be written further.
                return None;
            }
            self.leave_page(page, shared);
        }
        None
    }

    fn leave_page(&mut self, page: &'static Page, shared: &Shared) {
        self.pages.pop_front();
        self.read = 0;
        self.stream.pages().pop_front();
        shared.page_read(page);
        page::give_back(page);
    }

    /// Looks how far the stream has been written.
    fn look(&mut self) {
        // Once it is over, all that was written is there.
        self.is_over = self.stream.is_over.load(Ordering::Acquire);
        let pages = self.stream.pages();
        self.pages.clear();
        self.pages.extend(pages.iter().map(|page| (*page, page.published())));
    }
}

impl Collector {
    pub(super) fn new(clock: &Clock, key: u64, ring: usize) -> Self {
        Self { key, inputs: Vec::new(), old: Vec::new(), model: Model::new(Rate::new(clock), ring) }
    }

    /// Takes what has been written by all threads before now. False if there was nothing.
    pub(super) fn collect(&mut self, shared: &Shared) -> bool {
        for stream in shared.take_new_streams() {
            if stream.key == self.key { self.inputs.push(Input::new(stream)) } else { self.old.push(stream) }
        }
        self.old.retain(|stream| {
            let is_over = stream.is_over.load(Ordering::Acquire);
            if is_over {
                give_back(stream, shared);
            }
            !is_over
        });
        // Before looking: what was written before this instant is then seen.
        let until = shared.clock.ticks();
        self.inputs.iter_mut().for_each(Input::look);
        let mut due: Vec<(u64, usize)> = Vec::new();
        for (at, input) in self.inputs.iter_mut().enumerate() {
            due.extend(input.head(shared).map(|ticks| (ticks, at)));
        }
        if due.is_empty() {
            self.retire(shared);
            self.complete_if(|model| model.store.is_old());
            return false;
        }
        self.model.rate.measure(&shared.clock);
        self.merge(due, until, shared);
        self.retire(shared);
        self.complete_if(|model| model.store.is_old());
        if !shared.gate.is_armed() {
            // Nobody asks.
            self.model.ended.clear();
        }
        true
    }

    /// Takes records in the order of their times. `due`: streams that have a record, and its time.
    fn merge(&mut self, mut due: Vec<(u64, usize)>, until: u64, shared: &Shared) {
        // Latest first: few threads run at a time, and the next is at the end.
        due.sort_unstable_by(|a, b| b.cmp(a));
        let mut waiting: Vec<(u64, usize)> = Vec::new();
        loop {
            let Some((mut ticks, at)) = due.pop() else {
                // Nobody else is left: what is waited for will not come.
                let Some(last) = waiting.pop() else { return };
                self.model.take(&mut self.inputs[last.1], true);
                due.extend(self.inputs[last.1].head(shared).map(|ticks| (ticks, last.1)));
                due.append(&mut waiting);
                due.sort_unstable_by(|a, b| b.cmp(a));
                continue;
            };
            let next = due.last().map_or(u64::MAX, |other| other.0);
            let mut waits = false;
            while ticks <= next && ticks <= until {
                if !self.model.take(&mut self.inputs[at], false) {
                    waits = true;
                    break;
                }
                if self.model.store.is_full() {
                    self.complete_if(|_| true);
                }
                match self.inputs[at].head(shared) {
                    Some(head) => ticks = head,
                    None => {
                        ticks = u64::MAX;
                        break;
                    }
                }
                if !waiting.is_empty() {
                    break;
                }
            }
            if waits {
                waiting.push((ticks, at));
                continue;
            }
            let mut again = std::mem::take(&mut waiting);
            again.extend((ticks <= until).then_some((ticks, at)));
            for entry in again {
                let place = due.partition_point(|other| *other > entry);
                due.insert(place, entry);
            }
        }
    }

    /// Lets go of streams that are over and read.
    fn retire(&mut self, shared: &Shared) {
        let model = &mut self.model;
        self.inputs.retain_mut(|input| {
            let is_done = input.is_over && input.head(shared).is_none();
            if is_done {
                give_back(&input.stream, shared);
                model.thread_ended(input);
            }
            !is_done
        });
    }

    /// Completes the growing chunk, and begins the next with what is open.
    fn complete_if(&mut self, is_due: impl FnOnce(&mut Model) -> bool) {
        if is_due(&mut self.model) {
            self.model.store.complete();
            self.model.begin_chunk(&self.inputs);
        }
    }

    /// Something that happened to a thread now, by the gate's account.
    pub(super) fn say(&mut self, shared: &Shared, thread: &Arc<Thread>, lane: LaneId, kind: Kind) {
        self.model.rate.measure(&shared.clock);
        let ticks = shared.clock.ticks();
        self.model.say(ticks, thread, lane, kind);
    }

    /// Begins another recording.
    pub(super) fn restart(&mut self, shared: &Shared, key: u64) {
        self.key = key;
        for input in self.inputs.drain(..) {
            self.old.push(input.stream);
        }
        self.old.extend(shared.take_new_streams());
        self.model.restart();
    }

    /// Threads that are in a span which says that it blocks.
    pub(super) fn blocked(&self) -> impl Iterator<Item = &Arc<Thread>> {
        let is_blocked =
            |input: &&Input| input.entered.last().is_some_and(|(slot, _)| self.model.spans.get(*slot).blocks);
        self.inputs.iter().filter(is_blocked).map(Input::thread)
    }

    /// The stream of a thread.
    pub(super) fn streams(&mut self) -> impl Iterator<Item = Arc<Stream>> {
        self.inputs.drain(..).map(|input| input.stream).chain(self.old.drain(..))
    }
}

fn give_back(stream: &Stream, shared: &Shared) {
    let mut pages = stream.pages();
    for page in pages.drain(..) {
        shared.page_read(page);
        page::give_back(page);
    }
}

/// The highest count that has come of each stream number: an id beyond it is still on its way.
#[derive(Default)]
pub(super) struct Seen(Vec<u32>);

impl Seen {
    #[inline]
    fn split(id: u64) -> (usize, u32) {
        ((id >> COUNT_BITS) as usize & ((1 << STREAM_BITS) - 1), id as u32)
    }

    /// An id has come.
    #[inline]
    pub(super) fn note(&mut self, id: u64) {
        let (stream, count) = Self::split(id);
        if stream >= self.0.len() {
            self.0.resize(stream + 1, 0);
        }
        self.0[stream] = self.0[stream].max(count + 1);
    }

    /// Whether an id has come, or one after it, or never will.
    pub(super) fn has(&self, id: u64) -> bool {
        let (stream, count) = Self::split(id);
        stream == 0 || self.0.get(stream).is_some_and(|seen| count < *seen)
    }
}
