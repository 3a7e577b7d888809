//! The handles of whoever watches: the recorder, its options, its readers and the gate's controls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing_core::callsite::rebuild_interest_cache;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::clock::Clock;
use super::shared::Shared;
use super::{Hidden, HoldMode, RecorderFilter, RecorderLayer, RecorderSubscriber};
use crate::trace::{Batch, Chunk, Command, Log, Seq, Source, Status};

/// How long a reader that waits sleeps between two looks, at first and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// A recording in progress: the handle of whoever watches. Clones share it.
///
/// ```
/// use spanwalk::record::Recorder;
///
/// let recorder = Recorder::new();
/// tracing::subscriber::with_default(recorder.subscriber(), || {
///     tracing::info_span!("work", number = 7).in_scope(|| tracing::info!("half done"));
/// });
/// assert_eq!(recorder.counts().spans, 1);
/// ```
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

/// What a recorder is made with.
#[derive(Clone, Debug)]
pub struct Builder {
    options: Options,
    filter: Targets,
    is_counted: bool,
}

/// Sizes and ways.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) hold: HoldMode,
    /// Bytes of packed events.
    pub(super) ring: usize,
    /// Bytes of packed events that make a complete chunk.
    pub(super) chunk: usize,
    /// Bytes of raw records.
    pub(super) in_flight: usize,
}

/// What has been recorded so far, and what of it could not be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Spans that were opened.
    pub spans: u64,
    /// Events of the log.
    pub events: u64,
    /// Bytes that the kept events take.
    pub bytes: u64,
    /// Texts that were longer than 64 KiB and were cut there.
    pub cut_texts: u64,
    /// Records that a thread wrote so late that others have taken their place; they have their own times all the same.
    pub late: u64,
    /// Spans and events that are not recorded: of callsites beyond the 262,143rd, and of more than 16,383 threads at a time.
    pub unnumbered: u64,
}

impl Recorder {
    /// A recorder with the defaults of [`Builder`], connected to nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A recorder with other ways.
    #[must_use]
    pub fn builder() -> Builder {
        let options = Options { hold: HoldMode::Follow, ring: 64 << 20, chunk: 64 << 10, in_flight: 32 << 20 };
        Builder { options, filter: Targets::new().with_default(LevelFilter::TRACE), is_counted: false }
    }

    /// The fast face: a whole subscriber. One face of a recorder is to be used at a time.
    #[must_use]
    pub fn subscriber(&self) -> RecorderSubscriber {
        RecorderSubscriber::new(self.shared.clone())
    }

    /// The face beside others: a layer for a `Registry`.
    #[must_use]
    pub fn layer(&self) -> RecorderLayer {
        RecorderLayer::new(self.shared.clone())
    }

    /// What is recorded, as a filter for the stack of layers that the recorder's own is in:
    /// `recorder.layer().with_filter(recorder.filter())`. It changes with [`Recorder::set_filter`].
    #[must_use]
    pub fn filter(&self) -> RecorderFilter {
        RecorderFilter::new(self.shared.clone())
    }

    /// Changes what is recorded, from the next span on. Spans that are open stay recorded until they are over.
    pub fn set_filter(&self, filter: Targets) {
        self.shared.filters.change(filter);
        // What was said of each callsite is asked again.
        rebuild_interest_cache();
    }

    /// What the recorder's filter lets through and does not come, as another filter hides it: as far as the program has
    /// run, and with the subscriber that the calling thread uses. Filters that decide anew at every span are not in it.
    ///
    /// Every callsite of the program is asked about, as when a filter changes: for a person, not for every picture.
    #[must_use]
    pub fn hidden(&self) -> Hidden {
        self.shared.hidden()
    }

    /// Reads the log from its oldest kept event on, up to the instant of each reading.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { shared: self.shared.clone(), key: 0, generation: 0, next: Seq(0), is_live: true }
    }

    /// Reads complete chunks only: those of 64 KiB, or that have been known for 120 ms. For files.
    #[must_use]
    pub fn chunks(&self) -> Reader {
        Reader { is_live: false, ..self.reader() }
    }

    /// What has been recorded so far; nothing in a forked child.
    #[must_use]
    pub fn counts(&self) -> Counts {
        if self.shared.is_forked() {
            return Counts::default();
        }
        let collector = self.shared.collected();
        let model = &collector.model;
        Counts {
            spans: model.opened(),
            events: model.store.packer.next().0,
            bytes: model.store.bytes() as u64,
            cut_texts: self.shared.cut.load(Ordering::Relaxed),
            late: model.times.late,
            unnumbered: self.shared.unnumbered.load(Ordering::Relaxed),
        }
    }

    /// Forgets everything and begins a new log, for a program that is started anew. Spans that are still open, and threads
    /// that were recorded, belong to the old log and are ignored from here on.
    pub fn restart(&self, hold: HoldMode) {
        self.shared.restart();
        self.shared.gate.reset(hold);
    }

    /// The gate's controls, for as long as they are kept: when the last of them is dropped, so is the gate.
    pub fn control(&self) -> Control {
        self.shared.controls.fetch_add(1, Ordering::Relaxed);
        Control { shared: self.shared.clone() }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// What is recorded: everything, unless something else is said. Targets and levels that are left out cost nothing.
    #[must_use]
    pub fn filter(mut self, filter: Targets) -> Self {
        self.filter = filter;
        self
    }

    /// Whether the gate holds threads: it does not, unless something else is said.
    #[must_use]
    pub fn hold(mut self, hold: HoldMode) -> Self {
        self.options.hold = hold;
        self
    }

    /// How many bytes of packed events are kept in memory, 64 MiB if nothing is said: some five million spans. When it is
    /// full the oldest events go; what is open is kept whatever its age.
    #[must_use]
    pub fn ring(mut self, bytes: usize) -> Self {
        self.options.ring = bytes;
        self
    }

    /// How many bytes of packed events make a complete chunk, 64 KiB if nothing is said. The ring is cut by whole chunks, and
    /// most repeat what is open: smaller ones make a finer cut, and take more.
    #[must_use]
    pub fn chunk(mut self, bytes: usize) -> Self {
        self.options.chunk = bytes;
        self
    }

    /// How many bytes of raw records may wait to be packed, 32 MiB if nothing is said, besides the 64 KiB that each thread
    /// writes. A thread that would write more does the packing itself first, so that nothing is lost. The memory of those that
    /// have waited is kept for those that will: where the processor is busy with other programs it may be all of this.
    #[must_use]
    pub fn in_flight(mut self, bytes: usize) -> Self {
        self.options.in_flight = bytes;
        self
    }

    /// Takes a count instead of the time: every record gets the next number, across all threads. For tests that compare
    /// logs.
    #[doc(hidden)]
    #[must_use]
    pub fn counted_clock(mut self) -> Self {
        self.is_counted = true;
        self
    }

    /// Makes the recorder.
    #[must_use]
    pub fn build(self) -> Recorder {
        let clock = if self.is_counted { Clock::counted() } else { Clock::new() };
        Recorder { shared: Shared::new(self.options, self.filter, clock) }
    }
}

/// Reads a recorder's log from where it left off.
pub struct Reader {
    shared: Arc<Shared>,
    /// Which recording was read last.
    key: u64,
    generation: u64,
    next: Seq,
    is_live: bool,
}

impl Source for Reader {
    fn read(&mut self, at_most: Duration) -> Batch {
        if self.shared.is_forked() {
            return Batch { generation: self.generation, chunks: Vec::new() };
        }
        let until = Instant::now() + at_most;
        let mut pause = LOOKS.0;
        loop {
            let chunks = self.look();
            let left = until.saturating_duration_since(Instant::now());
            if !chunks.is_empty() || left.is_zero() {
                return Batch { generation: self.generation, chunks };
            }
            // Nobody who records calls a reader: that would cost every span. So it looks, the less often the longer it waits.
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(LOOKS.1);
        }
    }

    fn finish(&mut self) -> Batch {
        let was_live = std::mem::replace(&mut self.is_live, true);
        let rest = self.read(Duration::ZERO);
        self.is_live = was_live;
        rest
    }
}

impl Reader {
    /// Adds what has been recorded since the last reading to a log; begins an empty one if the recording was begun anew.
    /// Waits at most this long for something, and says whether there was anything.
    pub fn read_into(&mut self, log: &mut Log, at_most: Duration) -> bool {
        let generation = self.generation;
        let Batch { generation: now, chunks } = self.read(at_most);
        let is_new = generation != 0 && now != generation;
        if is_new {
            *log = Log::new();
        }
        for chunk in &chunks {
            log.append(chunk).expect("the recorder's own chunks are well-formed");
        }
        is_new || !chunks.is_empty()
    }

    fn look(&mut self) -> Vec<Chunk> {
        let mut collector = self.shared.collected();
        if self.key != self.shared.key() {
            (self.key, self.generation, self.next) = (self.shared.key(), self.generation + 1, Seq(0));
        }
        let chunks = collector.model.store.since(self.next, self.is_live);
        if let Some(last) = chunks.last() {
            self.next = Seq(last.first.0 + u64::from(last.count));
        }
        chunks
    }
}

/// The controls of a recorder's gate. When the last of them is dropped the gate is taken down for good: whoever is held goes
/// on, and nobody is held until the recording is [begun anew](Recorder::restart).
#[must_use = "the gate is taken down when its last control is dropped"]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    /// Asks the gate for something.
    pub fn command(&self, command: Command) {
        self.shared.gate.command(command, &self.shared);
    }

    /// How the program stands. Also the sign of life of the viewer.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.gate.status(&self.shared)
    }

    /// Waits until a thread is held, at most this long.
    #[must_use]
    pub fn wait_for_stop(&self, at_most: Duration) -> Status {
        self.shared.gate.wait_for_stop(at_most, &self.shared)
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
        let is_last = self.shared.controls.fetch_sub(1, Ordering::Relaxed) == 1;
        // In a forked child: whom it holds, and who watches, is in the other process.
        if is_last && !self.shared.is_forked() {
            self.shared.gate.detach();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Kind, Value};

    #[test]
    fn texts_of_every_length_are_told_as_they_were_given_however_they_were() {
        let recorder = Recorder::new();
        let text = "aé…𝄞b".repeat(6);
        let ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
        let texts: Vec<&str> = ends.map(|end| &text[..end]).collect();
        tracing::subscriber::with_default(recorder.subscriber(), || {
            for text in &texts {
                let span = tracing::info_span!("plain", text, later = tracing::field::Empty);
                span.record("later", text);
                tracing::info!(parent: &span, text, formatted = %text);
            }
        });
        let mut log = Log::new();
        recorder.reader().read_into(&mut log, Duration::ZERO);
        let mut told = Vec::new();
        for event in log.events_in(..) {
            if let Kind::Open { fields, .. } | Kind::Record { fields, .. } | Kind::Note { fields, .. } = event.kind {
                told.extend(fields.into_iter().map(|field| field.value));
            }
        }
        let given: Vec<Value> = texts.iter().flat_map(|text| vec![Value::Str((*text).into()); 4]).collect();
        assert_eq!(told, given);
    }

    #[test]
    fn the_reason_of_a_switch_is_its_own_and_not_that_of_another_call_from_the_same_place() {
        const REASONS: [&str; 4] = ["one", "two", "two", "one"];
        let recorder = Recorder::new();
        tracing::subscriber::with_default(recorder.subscriber(), || {
            for reason in REASONS {
                let waits = tracing::info_span!("waits", lane = "a", reason);
                waits.in_scope(|| tracing::info_span!(parent: None, "runs", lane = "b").in_scope(|| ()));
            }
        });
        let mut log = Log::new();
        recorder.reader().read_into(&mut log, Duration::ZERO);
        let reasons = log.events_in(..).filter_map(|event| match event.kind {
            Kind::Switch { reason, .. } => reason,
            _ => None,
        });
        // There and back.
        let expected: Vec<&str> = REASONS.iter().flat_map(|reason| [*reason; 2]).collect();
        assert_eq!(reasons.map(|reason| reason.to_string()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_span_keeps_of_each_field_the_latest_and_of_what_it_follows_from_all() {
        const TIMES: u64 = 3_000;
        let recorder = Recorder::builder().chunk(100).build();
        tracing::subscriber::with_default(recorder.subscriber(), || {
            let server = tracing::info_span!("server", port = 80, requests = 0_u64, state = tracing::field::Empty);
            let causes = [tracing::info_span!("one"), tracing::info_span!("two")];
            causes.iter().for_each(|cause| _ = server.follows_from(cause));
            for number in 1..=TIMES {
                server.record("requests", number).record("state", "x".repeat(number as usize % 50));
            }
            let collector = recorder.shared.collected();
            let words = collector.model.spans.by_age()[0].fields.len();
            drop(collector);
            assert!(words < 200, "{words} words");
            let mut log = Log::new();
            recorder.reader().read_into(&mut log, Duration::ZERO);
            let state = log.latest();
            let fields = &state.lanes()[0].stack[0].fields;
            let told: Vec<String> = fields.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
            for said in ["port=80", "requests=3000", "state=", "follows_from=span 2", "follows_from=span 3"] {
                assert!(told.iter().any(|told| told == said), "{said} is not in {told:?}");
            }
        });
    }
}
