//! What the faces, the gate, the collector and the readers of one recorder share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use super::clock::Clock;
use super::collector::Collector;
use super::filter::Filters;
use super::fork::Process;
use super::gate::Gate;
use super::local;
use super::page::Page;
use super::recorder::Options;
use super::store::Store;
use super::stream::Stream;
use crate::trace::{Kind, LaneId, Thread, ThreadId};

/// How long a thread that found no room waits before it looks again.
const LOOK: Duration = Duration::from_micros(50);

/// One recorder's common ground.
pub(super) struct Shared {
    /// Which recorder of the process this is.
    pub(super) id: u64,
    /// Which recording of all is being written; another after every restart.
    key: AtomicU64,
    pub(super) clock: Clock,
    pub(super) gate: Gate,
    pub(super) options: Options,
    pub(super) filters: Filters,
    collector: Mutex<Collector>,
    new_streams: Mutex<Vec<Arc<Stream>>>,
    /// Handles on the gate.
    pub(super) controls: AtomicUsize,
    threads: AtomicU32,
    /// Words of full pages that have not been read to their ends. The page that a thread writes is none: there may be
    /// thousands of threads, and what they have written is read long before those are full.
    in_flight: AtomicUsize,
    signal: Arc<Signal>,
    process: Process,
    /// Texts that were cut.
    pub(super) cut: AtomicU64,
    /// Spans and events of callsites beyond the last number.
    pub(super) unnumbered: AtomicU64,
}

/// How the collector's thread is called.
struct Signal {
    is_asleep: AtomicBool,
    is_over: AtomicBool,
    called: Mutex<bool>,
    changed: Condvar,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Shared {
    pub(super) fn new(options: Options, filter: Targets, clock: Clock) -> Arc<Self> {
        let signal = Signal {
            is_asleep: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            called: Mutex::new(false),
            changed: Condvar::new(),
        };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Self {
            id,
            key: AtomicU64::new(id),
            gate: Gate::new(options.hold),
            collector: Mutex::new(Collector::new(&clock, id, Store::new(options.ring, options.chunk))),
            clock,
            options,
            filters: Filters::new(filter),
            new_streams: Mutex::new(Vec::new()),
            controls: AtomicUsize::new(0),
            threads: AtomicU32::new(0),
            in_flight: AtomicUsize::new(0),
            signal: Arc::new(signal),
            process: Process::recorded(),
            cut: AtomicU64::new(0),
            unnumbered: AtomicU64::new(0),
        });
        let (weak, signal) = (Arc::downgrade(&shared), shared.signal.clone());
        // Without it the recording threads collect when they run out of room.
        let thread = std::thread::Builder::new().name("spanwalk-collector".to_owned());
        drop(thread.spawn(move || local::muted(|| collect_when_called(&weak, &signal))));
        shared
    }

    /// Which recording is being written.
    #[inline]
    pub(super) fn key(&self) -> u64 {
        self.key.load(Ordering::Relaxed)
    }

    /// Whether this is a copy of the process that was recorded.
    pub(super) fn is_forked(&self) -> bool {
        self.process.is_forked()
    }

    /// A stream of this thread.
    pub(super) fn new_stream(&self) -> Arc<Stream> {
        let id = self.threads.fetch_add(1, Ordering::Relaxed) + 1;
        let current = std::thread::current();
        let name = current.name().map_or_else(|| format!("thread-{id}").into(), Into::into);
        let stream = Arc::new(Stream::new(Arc::new(Thread { id: ThreadId(id), name }), self.key()));
        self.new_streams.lock().unwrap_or_else(PoisonError::into_inner).push(stream.clone());
        stream
    }

    /// Streams that the collector has not met.
    pub(super) fn take_new_streams(&self) -> Vec<Arc<Stream>> {
        std::mem::take(&mut self.new_streams.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn page_full(&self, page: &Page) {
        self.in_flight.fetch_add(page.words.len(), Ordering::Relaxed);
    }

    pub(super) fn page_read(&self, page: &Page) {
        self.in_flight.fetch_sub(page.words.len(), Ordering::Relaxed);
    }

    /// Wakes the collector's thread if it sleeps.
    pub(super) fn call_collector(&self) {
        if self.signal.is_asleep.swap(false, Ordering::AcqRel) {
            *self.signal.called.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.signal.changed.notify_one();
        }
    }

    /// While more is written than may lie about, a thread that wants to write more does the collector's work, or waits
    /// while another does: nothing is lost, and nobody waits for a viewer or a disk.
    pub(super) fn wait_for_room(&self, stream: &Stream) {
        while self.in_flight.load(Ordering::Relaxed) * 8 > self.options.in_flight && stream.pages().len() > 1 {
            match self.collector.try_lock() {
                Ok(mut collector) => drop(collector.collect(self)),
                Err(TryLockError::Poisoned(poisoned)) => drop(poisoned.into_inner().collect(self)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            }
        }
    }

    /// The collector, with everything in it that was recorded before this call.
    pub(super) fn collected(&self) -> MutexGuard<'_, Collector> {
        let mut collector = self.collector();
        local::muted(|| collector.collect(self));
        collector
    }

    /// The collector as it is.
    pub(super) fn collector(&self) -> MutexGuard<'_, Collector> {
        self.collector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that happened to a thread now, by the gate's account. Nothing if another recording has begun.
    pub(super) fn say(&self, key: u64, thread: &Arc<Thread>, lane: LaneId, kind: Kind) {
        let mut collector = self.collected();
        if key == self.key() {
            collector.say(self, thread, lane, kind);
        }
    }

    /// Begins a new recording: what was recorded before is forgotten, and the threads that recorded it have no part in the
    /// new one.
    pub(super) fn restart(&self) {
        // What was open is then known to be of the old one.
        let mut collector = self.collected();
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        self.key.store(key, Ordering::Relaxed);
        collector.restart(self, key);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.is_forked() {
            // Whoever had a lock when this copy was made has it for ever, and there is no thread to tell.
            return;
        }
        self.signal.is_over.store(true, Ordering::Release);
        *self.signal.called.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.signal.changed.notify_one();
        let collector = self.collector.get_mut().unwrap_or_else(PoisonError::into_inner);
        let new = self.new_streams.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Nobody writes any more: whoever writes has a hold on this.
        collector.streams().chain(new.drain(..)).for_each(|stream| stream.give_back_pages());
    }
}

/// The collector's thread: sleeps until it is called, which is when there are full pages. It does not look for more at
/// once, however much there is: when it followed right behind a writer, that one took some 103 ns a span instead of some
/// 75. Likely because a page that is read while it is written goes back and forth between two cores.
fn collect_when_called(shared: &Weak<Shared>, signal: &Signal) {
    while !signal.is_over.load(Ordering::Acquire) {
        if let Some(shared) = shared.upgrade() {
            shared.collector().collect(&shared);
        }
        let mut called = signal.called.lock().unwrap_or_else(PoisonError::into_inner);
        signal.is_asleep.store(true, Ordering::Release);
        while !*called {
            called = signal.changed.wait(called).unwrap_or_else(PoisonError::into_inner);
        }
        *called = false;
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;

    use super::*;
    use crate::record::{HoldMode, RecorderSubscriber};

    #[test]
    fn what_waits_to_be_packed_is_full_pages_and_not_every_thread_that_is_recorded() {
        const THREADS: usize = 20;
        let options = Options { hold: HoldMode::Follow, ring: 1 << 20, chunk: 64 << 10, in_flight: 1 << 20 };
        let shared = Shared::new(options, Targets::new().with_default(LevelFilter::TRACE), Clock::counted());
        let dispatch = tracing::Dispatch::new(RecorderSubscriber::new(shared.clone()));
        let in_flight = || shared.in_flight.load(Ordering::Relaxed);
        let barrier = std::sync::Barrier::new(THREADS + 1);
        std::thread::scope(|scope| {
            let work = || {
                tracing::dispatcher::with_default(&dispatch, || {
                    tracing::info_span!("work").in_scope(|| ());
                    barrier.wait();
                    barrier.wait();
                    // Some pages.
                    (0..5_000).for_each(|_| tracing::info_span!("work").in_scope(|| ()));
                });
            };
            for _ in 0..THREADS {
                scope.spawn(work);
            }
            barrier.wait();
            let words = in_flight();
            barrier.wait();
            assert_eq!(words, 0, "while each has written a few");
        });
        drop(shared.collected());
        assert_eq!(in_flight(), 0, "words when all is read");
    }
}
