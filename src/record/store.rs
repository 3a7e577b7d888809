//! The events that have happened and that nobody has fetched yet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::{Gate, HoldMode, RecorderLayer};
use crate::trace::{Callsite, Event, Kind, LaneId, LaneKind, Seq, SpanId, Thread, ThreadId, Time};

/// A recording in progress: the handle of whoever watches. Clones share it.
#[derive(Clone)]
pub struct Recorder {
    pub(super) shared: Arc<Shared>,
}

/// Events fetched from a recorder.
pub struct Batch {
    /// Counts how often the recording was begun anew: events of another generation belong to another log.
    pub generation: u64,
    /// What happened since the last fetch, in order.
    pub events: Vec<Event>,
}

/// What the layer, the gate and the watcher share.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) gate: Gate,
}

impl Recorder {
    /// A recorder that is not connected to anything yet.
    #[must_use]
    pub fn new(hold: HoldMode) -> Self {
        let shared = Arc::new(Shared { store: Store::new(), gate: Gate::new(hold) });
        Self { shared }
    }

    /// The layer to put on a `Registry`. Only spans and events whose target is `prefix`, or a module below it, are
    /// recorded; what other layers see is not changed by that.
    pub fn layer<S>(&self, prefix: &'static str) -> impl tracing_subscriber::Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        use tracing_subscriber::Layer as _;
        let is_below = move |target: &str| {
            target.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        RecorderLayer::new(self.shared.clone())
            .with_filter(tracing_subscriber::filter::filter_fn(move |metadata| is_below(metadata.target())))
    }

    /// Takes what has happened since the last call. Holds the recorder's lock only to swap two vectors.
    #[must_use]
    pub fn drain(&self) -> Batch {
        self.shared.store.drain()
    }

    /// Waits until there is something to drain, at most this long.
    pub fn wait(&self, at_most: Duration) {
        self.shared.store.wait(at_most);
    }

    /// Forgets everything and begins a new log, for a program that is started anew. Spans that are still open, and threads
    /// that were recorded, belong to the old log and are ignored from here on.
    pub fn restart(&self, hold: HoldMode) {
        self.shared.store.restart();
        self.shared.gate.reset(hold);
    }

    /// The gate's controls.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { shared: self.shared.clone() }
    }
}

/// The controls of a recorder's gate. Dropping it takes the gate down: whoever is held goes on.
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    /// Asks the gate for something.
    pub fn command(&self, command: crate::trace::Command) {
        self.shared.gate.command(command, &self.shared.store);
    }

    /// How the program stands. Also the sign of life of the viewer.
    #[must_use]
    pub fn status(&self) -> crate::trace::Status {
        self.shared.gate.status(&self.shared.store)
    }

    /// Waits until a thread is held, at most this long.
    #[must_use]
    pub fn wait_for_stop(&self, at_most: Duration) -> crate::trace::Status {
        self.shared.gate.wait_for_stop(at_most, &self.shared.store)
    }

    /// Takes the gate down for good.
    pub fn detach(&self) {
        self.shared.gate.detach();
    }

    /// A way to take the gate down that may be given to another thread.
    pub fn detacher(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        let shared = self.shared.clone();
        move || shared.gate.detach()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.shared.gate.detach();
    }
}

/// The log's growing end.
pub(super) struct Store {
    inner: Mutex<Inner>,
    grown: Condvar,
    /// Counts restarts; also in `Inner::generation`, this one is read without the lock.
    generation: AtomicU64,
    spans: AtomicU64,
    threads: AtomicU32,
    began: Instant,
}

struct Inner {
    generation: u64,
    next_seq: u64,
    pending: Vec<Event>,
    began: Duration,
    lanes: u32,
    /// Open lanes by name.
    open_lanes: HashMap<Arc<str>, LaneId>,
    callsites: HashMap<usize, Arc<Callsite>>,
}

impl Store {
    fn new() -> Self {
        let inner = Inner {
            generation: 1,
            next_seq: 0,
            pending: Vec::new(),
            began: Duration::ZERO,
            lanes: 0,
            open_lanes: HashMap::new(),
            callsites: HashMap::new(),
        };
        Self {
            inner: Mutex::new(inner),
            grown: Condvar::new(),
            generation: AtomicU64::new(1),
            spans: AtomicU64::new(0),
            threads: AtomicU32::new(0),
            began: Instant::now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self) -> Batch {
        let mut inner = self.lock();
        Batch { generation: inner.generation, events: std::mem::take(&mut inner.pending) }
    }

    fn wait(&self, at_most: Duration) {
        let inner = self.lock();
        let until = self.grown.wait_timeout_while(inner, at_most, |inner| inner.pending.is_empty());
        drop(until);
    }

    fn restart(&self) {
        let mut inner = self.lock();
        inner.generation += 1;
        self.generation.store(inner.generation, Ordering::Release);
        inner.next_seq = 0;
        inner.pending.clear();
        inner.lanes = 0;
        inner.open_lanes.clear();
        self.spans.store(0, Ordering::Relaxed);
    }

    /// The number of the log that is being written.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn next_span(&self) -> SpanId {
        SpanId(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn next_thread(&self) -> ThreadId {
        ThreadId(self.threads.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The callsite of a `tracing` metadata, interned.
    pub(super) fn callsite(&self, metadata: &'static tracing_core::Metadata<'static>) -> Arc<Callsite> {
        let mut inner = self.lock();
        let address = std::ptr::from_ref(metadata) as usize;
        let made = inner.callsites.entry(address).or_insert_with(|| {
            Arc::new(Callsite {
                name: metadata.name().into(),
                target: metadata.target().into(),
                file: metadata.file().map(Into::into),
                line: metadata.line(),
            })
        });
        made.clone()
    }

    /// The open lane of this name; one is opened if there is none.
    pub(super) fn lane(&self, name: &Arc<str>, kind: LaneKind, thread: &Arc<Thread>) -> LaneId {
        let mut inner = self.lock();
        if let Some(&lane) = inner.open_lanes.get(name) {
            return lane;
        }
        inner.lanes += 1;
        let lane = LaneId(inner.lanes);
        inner.open_lanes.insert(name.clone(), lane);
        self.push_locked(&mut inner, thread, lane, Kind::LaneOpen { name: name.clone(), kind });
        lane
    }

    /// The open lane of this name, if there is one.
    pub(super) fn find_lane(&self, name: &str) -> Option<LaneId> {
        self.lock().open_lanes.get(name).copied()
    }

    /// No span of this lane will follow; its name is free for another.
    pub(super) fn close_lane(&self, lane: LaneId, thread: &Arc<Thread>) {
        let mut inner = self.lock();
        let open = inner.open_lanes.len();
        inner.open_lanes.retain(|_, id| *id != lane);
        if inner.open_lanes.len() < open {
            self.push_locked(&mut inner, thread, lane, Kind::LaneClose);
        }
    }

    /// Appends an event to the log of that generation; its time and its place are given under one lock, so that both
    /// agree. Does nothing if a new log has been begun meanwhile.
    pub(super) fn push(&self, generation: u64, thread: &Arc<Thread>, lane: LaneId, kind: Kind) {
        let mut inner = self.lock();
        if inner.generation == generation {
            self.push_locked(&mut inner, thread, lane, kind);
        }
    }

    fn push_locked(&self, inner: &mut Inner, thread: &Arc<Thread>, lane: LaneId, kind: Kind) {
        if inner.next_seq == 0 {
            // The first event is the zero of its log.
            inner.began = self.began.elapsed();
        }
        let elapsed = self.began.elapsed().saturating_sub(inner.began);
        let seq = Seq(inner.next_seq);
        inner.next_seq += 1;
        let time = Time(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
        let is_first = inner.pending.is_empty();
        inner.pending.push(Event { seq, time, thread: thread.clone(), lane, kind });
        if is_first {
            self.grown.notify_all();
        }
    }
}
