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
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::{Clock, Rate};
use super::model::Model;
use super::page::{self, Page};
use super::shared::Shared;
use super::spans::Slot;
use super::store::Store;
use super::stream::{COUNT_BITS, STREAM_BITS, Stream};
use crate::trace::{Kind, LaneId, SpanId, Thread, ThreadId};

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
    /// What is there of the first, and how many of its words have been read.
    words: &'static [AtomicU64],
    read: usize,
    /// Time of the last record that had one.
    pub(super) ticks: u64,
    /// What the thread has entered, outermost first.
    pub(super) entered: Vec<Entered>,
    /// The span it opened last, and the one it left last.
    pub(super) newest: (u64, Option<(Slot, SpanId)>),
    pub(super) left: Option<(Slot, SpanId)>,
    /// Its number among the threads of the recording.
    pub(super) number: u32,
    /// The lane of what the thread does in no task.
    pub(super) lane: Option<LaneId>,
    /// How many lanes had been closed when it was known to be open.
    pub(super) lane_as_of: u64,
    /// The last collection ended waiting for a span that the next record is about.
    has_waited: bool,
    /// Nothing more will be written.
    is_over: bool,
}

/// Why no more records of a stream were taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Others are earlier, or there is none.
    Done,
    /// The growing chunk is full.
    Full,
    /// The next one is about a span that has yet to come.
    Waits,
}

impl Model {
    /// Takes records of one stream from that time on, up to a time, or only one. Says why it stopped, and the time of the
    /// next record.
    fn take_all(
        &mut self,
        input: &mut Input,
        (mut ticks, limit): (u64, u64),
        only_one: bool,
        shared: &Shared,
    ) -> (Stop, u64) {
        loop {
            if !self.take(input, limit, false) {
                return (Stop::Waits, ticks);
            }
            input.has_waited = false;
            ticks = input.head(shared).unwrap_or(u64::MAX);
            if self.store.is_full() {
                return (Stop::Full, ticks);
            }
            if only_one || ticks > limit {
                return (Stop::Done, ticks);
            }
        }
    }
}

/// A span that a thread is in.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    pub(super) id: u64,
    /// Nothing if it is not recorded.
    pub(super) slot: Option<Slot>,
    /// The thread was in it already.
    pub(super) again: bool,
}

impl Input {
    fn new(stream: Arc<Stream>, number: u32) -> Self {
        Self {
            stream,
            pages: VecDeque::new(),
            words: &[],
            read: 0,
            ticks: 0,
            entered: Vec::new(),
            newest: (0, None),
            left: None,
            number,
            lane: None,
            lane_as_of: 0,
            has_waited: false,
            is_over: false,
        }
    }

    /// The recorded span that the thread entered last.
    #[inline]
    pub(super) fn innermost(&self) -> Option<Slot> {
        self.entered.iter().rev().find_map(|entered| entered.slot)
    }

    /// The recorded span that the thread entered last and not before that: the parent of what it opens.
    #[inline]
    pub(super) fn around(&self) -> Option<Slot> {
        self.entered.iter().rev().find_map(|entered| entered.slot.filter(|_| !entered.again))
    }

    pub(super) fn thread(&self) -> &Arc<Thread> {
        &self.stream.thread
    }

    /// A word of the record that is next.
    #[inline]
    pub(super) fn word(&self, at: usize) -> u64 {
        self.words.get(self.read + at).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Three of them, if they are all on its page.
    #[inline]
    pub(super) fn three_words(&self, at: usize) -> Option<[u64; 3]> {
        let words = self.words.get(self.read + at..)?.first_chunk::<3>()?;
        Some([&words[0], &words[1], &words[2]].map(|word| word.load(Ordering::Relaxed)))
    }

    /// The record that is next has been taken.
    #[inline]
    pub(super) fn advance(&mut self, words: usize) {
        self.read += words;
    }

    /// When the next record was written. Leaves pages that are read to their ends.
    #[inline]
    fn head(&mut self, shared: &Shared) -> Option<u64> {
        loop {
            if let Some(word) = self.words.get(self.read) {
                return Some(word.load(Ordering::Relaxed) >> 8);
            }
            if self.pages.len() < 2 {
                // It may be written further.
                return None;
            }
            self.leave_page(shared);
        }
    }

    fn leave_page(&mut self, shared: &Shared) {
        let Some((page, _)) = self.pages.pop_front() else { return };
        self.begin_page();
        self.read = 0;
        self.stream.pages().pop_front();
        shared.page_read(page);
        page::give_back(page);
    }

    fn begin_page(&mut self) {
        self.words = self.pages.front().map_or(&[], |(page, end)| &page.words[..*end]);
    }

    /// Looks how far the stream has been written.
    fn look(&mut self) {
        // Once it is over, all that was written is there.
        self.is_over = self.stream.is_over.load(Ordering::Acquire);
        let pages = self.stream.pages();
        self.pages.clear();
        self.pages.extend(pages.iter().map(|page| (*page, page.published())));
        drop(pages);
        self.begin_page();
    }
}

impl Collector {
    pub(super) fn new(clock: &Clock, key: u64, store: Store) -> Self {
        Self { key, inputs: Vec::new(), old: Vec::new(), model: Model::new(Rate::new(clock), store) }
    }

    /// Takes what has been written by all threads before now. False if there was nothing.
    pub(super) fn collect(&mut self, shared: &Shared) -> bool {
        // Before looking, for new streams too: what was written before this instant is then seen.
        let until = shared.clock.ticks();
        for stream in shared.take_new_streams() {
            if stream.key == self.key {
                let number = self.model.thread_number(&stream.thread, &self.inputs);
                self.inputs.push(Input::new(stream, number));
            } else {
                self.old.push(stream);
            }
        }
        self.old.retain(|stream| {
            let is_over = stream.is_over.load(Ordering::Acquire);
            if is_over {
                give_back(stream, shared);
            }
            !is_over
        });
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
        self.model.times.rate.measure(&shared.clock);
        self.merge(due, until, shared);
        self.retire(shared);
        self.complete_if(|model| model.store.is_old());
        if !shared.gate.is_shut() {
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
                // Nobody else is left. What is waited for may have come a moment too late for this time; if it was so the
                // last time already, it will not come.
                let Some(at) = waiting.iter().position(|(_, at)| self.inputs[*at].has_waited) else {
                    waiting.iter().for_each(|(_, at)| self.inputs[*at].has_waited = true);
                    return;
                };
                let (_, last) = waiting.swap_remove(at);
                self.inputs[last].has_waited = false;
                self.model.take(&mut self.inputs[last], 0, true);
                due.extend(self.inputs[last].head(shared).filter(|ticks| *ticks <= until).map(|ticks| (ticks, last)));
                due.append(&mut waiting);
                due.sort_unstable_by(|a, b| b.cmp(a));
                continue;
            };
            let limit = due.last().map_or(until, |other| other.0.min(until));
            let mut waits = false;
            while ticks <= limit {
                let (stop, then) =
                    self.model.take_all(&mut self.inputs[at], (ticks, limit), !waiting.is_empty(), shared);
                ticks = then;
                match stop {
                    Stop::Full => self.complete_if(|model| model.store.is_full()),
                    Stop::Waits => waits = true,
                    Stop::Done => {}
                }
                if stop != Stop::Full || !waiting.is_empty() {
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

    /// Completes the growing chunk, and begins the next.
    fn complete_if(&mut self, is_due: impl FnOnce(&mut Model) -> bool) {
        if is_due(&mut self.model) {
            self.model.store.complete();
            self.model.begin_chunk(&self.inputs);
        }
    }

    /// Something that happened to a thread now, by the gate's account.
    pub(super) fn say(&mut self, shared: &Shared, thread: &Arc<Thread>, lane: LaneId, kind: Kind) {
        self.model.times.rate.measure(&shared.clock);
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
    pub(super) fn blocked(&self) -> impl Iterator<Item = ThreadId> {
        let is_blocked = |input: &&Input| input.innermost().is_some_and(|slot| self.model.spans.get(slot).blocks);
        self.inputs.iter().filter(is_blocked).map(|input| input.thread().id)
    }

    /// The stream of a thread.
    pub(super) fn streams(&mut self) -> impl Iterator<Item = Arc<Stream>> {
        self.inputs.drain(..).map(|input| input.stream).chain(self.old.drain(..))
    }
}

fn give_back(stream: &Stream, shared: &Shared) {
    let mut pages = stream.pages();
    while let Some(page) = pages.pop_front() {
        // The last was never full.
        if !pages.is_empty() {
            shared.page_read(page);
        }
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

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::Targets;

    use super::*;
    use crate::record::recorder::Options;
    use crate::record::{HoldMode, RecorderSubscriber};
    use crate::trace::{Chunk, Log, Retained, Seq};

    /// What a chunk that is complete since it is old costs, when much is open and little happens.
    #[test]
    fn what_is_open_is_not_repeated_in_every_chunk_and_is_in_the_ring_after_every_cut() {
        const CLIENTS: u64 = 2_000;
        let options = Options { hold: HoldMode::Follow, ring: 300_000, chunk: 64 << 10, in_flight: 1 << 20 };
        let filter = Targets::new().with_default(tracing_subscriber::filter::LevelFilter::TRACE);
        let shared = Shared::new(options, filter, Clock::counted());
        let store = |see: &mut dyn FnMut(&mut Store)| see(&mut shared.collected().model.store);
        let (mut log, mut next, mut bytes) = (Log::new(), Seq(0), Vec::new());
        let mut retained = Retained::new(1_000, 100_000);
        tracing::subscriber::with_default(RecorderSubscriber::new(shared.clone()), || {
            let open = |number| tracing::info_span!(parent: None, "client", number, lane = format!("conn-{number}"));
            let clients: Vec<_> = (0..CLIENTS).map(open).collect();
            for round in 0..3_000 {
                clients[round % 7].in_scope(|| tracing::info!("ping"));
                shared.collected().complete_if(|_| true);
                store(&mut |store| {
                    let chunks = store.since(next, false);
                    chunks.iter().for_each(|chunk| log.append(chunk).unwrap());
                    chunks.iter().for_each(|chunk| retained.take(chunk));
                    next = chunks.last().map(|last: &Chunk| Seq(last.first.0 + u64::from(last.count))).unwrap();
                    bytes.extend(chunks.iter().map(|chunk| chunk.bytes.len()));
                    if round % 500 == 499 {
                        // Somebody who comes now.
                        let mut late = Log::new();
                        store.since(Seq(0), true).iter().for_each(|chunk| late.append(chunk).unwrap());
                        assert_eq!(late.span_count() as u64, CLIENTS);
                        assert_eq!(late.in_recording(late.len()), log.in_recording(log.len()));
                        assert!(store.bytes() < 700_000, "{} bytes", store.bytes());
                    }
                });
            }
        });
        assert_eq!((log.span_count() as u64, log.dropped()), (CLIENTS, 0));
        // So is it in a log that is bounded otherwise.
        let shorter = retained.log(log.clock()).unwrap();
        assert!(retained.has_forgotten() && shorter.span_count() as u64 == CLIENTS);
        assert_eq!(shorter.in_recording(shorter.len()), log.in_recording(log.len()));
        // The first has them all; so has one of the others once as much has happened.
        let all: usize = bytes[1..].iter().sum();
        let large = bytes[1..].iter().filter(|bytes| **bytes > 20_000).count();
        assert!((1..20).contains(&large) && all < 3_000 * 700, "{large} of {}, {all} bytes", bytes.len());
    }

    #[test]
    fn threads_that_are_over_are_not_late_and_not_remembered() {
        let options = Options { hold: HoldMode::Follow, ring: 1 << 20, chunk: 64 << 10, in_flight: 1 << 20 };
        let filter = Targets::new().with_default(tracing_subscriber::filter::LevelFilter::TRACE);
        let shared = Shared::new(options, filter, Clock::counted());
        let dispatch = tracing::Dispatch::new(RecorderSubscriber::new(shared.clone()));
        let on_a_thread = |name: &str| {
            let work = || tracing::dispatcher::with_default(&dispatch, || tracing::info_span!("work"));
            std::thread::scope(|scope| {
                std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work).unwrap().join().unwrap()
            })
        };
        let left = [on_a_thread("one"), on_a_thread("two")];
        for _ in 0..1_000 {
            drop(on_a_thread("request"));
            tracing::dispatcher::with_default(&dispatch, || tracing::info!("later"));
            drop(shared.collected());
        }
        let mut collector = shared.collected();
        assert_eq!(collector.model.times.late, 0);
        assert!(collector.model.threads.len() < 100, "{} threads", collector.model.threads.len());
        // What a thread has left open is still known to be of it.
        collector.complete_if(|model| {
            model.store.clear();
            true
        });
        let mut log = Log::new();
        collector.model.store.since(Seq(0), false).iter().for_each(|chunk| log.append(chunk).unwrap());
        drop(collector);
        tracing::dispatcher::with_default(&dispatch, || tracing::info!("last"));
        let mut late = Log::new();
        let chunks = shared.collected().model.store.since(Seq(0), true);
        late.append(chunks.last().unwrap()).unwrap();
        let names: Vec<_> = late.events_in(..).filter(|event| matches!(event.kind, Kind::Open { .. })).collect();
        let names: Vec<_> = names.iter().map(|event| &*event.thread.name).collect();
        assert_eq!(names, ["one", "two"]);
        drop(left);
    }
}
