//! The documented chain: which step a span is, where we are in it, and the two instants everything turns on.

use thiserror::Error;

use super::{Activity, Callsite, ItemKind, Log, SpanId, SpanRecord, State};

/// A call by what `tracing` knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The span's name.
    pub name: String,
    /// The module path.
    pub target: String,
}

impl Key {
    /// Whether a callsite is this call.
    #[must_use]
    pub fn matches(&self, callsite: &Callsite) -> bool {
        *callsite.name == *self.name && *callsite.target == *self.target
    }
}

/// A documented call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainStep {
    /// Its id, such as `hub.run`.
    pub id: String,
    /// How to recognise it.
    pub key: Key,
}

/// Why a text names no step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum StepError {
    #[error("there are {0} steps, and no step {1}")]
    Number(usize, String),
    #[error("no step is called `{0}`")]
    Name(String),
    #[error("`{0}` may be {1}")]
    Several(String, String),
}

/// The steps in the order of the documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    steps: Vec<ChainStep>,
}

/// The call we are in at a cursor, given the state there: where the shown lane stands; in the loop's poll, while everybody
/// waits for the world; in the call entered last, if it is still open; else in what the event before the cursor was about,
/// or what is around that.
#[must_use]
pub fn here(log: &Log, state: &State, cursor: usize) -> Option<SpanId> {
    let is_open = |span: &SpanId| state.frame(*span).is_some();
    let polling = || {
        let polls = state.lanes().iter().filter(|lane| state.activity(lane) == Activity::Polling);
        polls.filter_map(|lane| lane.frames().last()).map(|frame| frame.span).next()
    };
    let around = || {
        let event = log.event(cursor.checked_sub(1)?)?;
        let mut span = event.kind.span();
        while let Some(record) = span.filter(|span| !is_open(span)).and_then(|span| log.span(span)) {
            span = record.parent;
        }
        span
    };
    let waits = cursor >= log.len() && state.held().is_empty();
    let stop = state.paused().map(|stop| stop.span);
    stop.or_else(|| waits.then(polling).flatten()).or_else(|| state.last_entered().filter(is_open)).or_else(around)
}

/// Cursors (number of events before them) of the instants that screens refer to; `None` where the run has not come
/// that far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landmarks {
    /// Just after the first enter of `spawn`: the report's "before". In a run without a worker, once the loop starts: inside
    /// the lookup that main made itself.
    pub before: Option<usize>,
    /// The lookup runs on the worker while main waits and the hub polls: all three are alive.
    pub during: Option<usize>,
    /// Just after the first enter of the hub's run.
    pub loop_starts: Option<usize>,
    /// Just after the first enter of `poll` that follows `start_accepting`: the report's "after".
    pub loop_serves: Option<usize>,
}

impl Chain {
    /// A chain of these steps.
    #[must_use]
    pub fn new(steps: Vec<ChainStep>) -> Self {
        Self { steps }
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[ChainStep] {
        &self.steps
    }

    /// The call with this id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&Key> {
        self.steps.iter().find(|step| step.id == id).map(|step| &step.key)
    }

    /// The step that a person means, by its index in the chain: its number from 1, its id, or the end of an id or a name that
    /// no other has.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn called(&self, text: &str) -> Result<usize, StepError> {
        if let Ok(number) = text.parse::<usize>() {
            let at = number.checked_sub(1).filter(|at| *at < self.steps.len());
            return at.ok_or_else(|| StepError::Number(self.steps.len(), text.to_owned()));
        }
        if let Some(at) = self.steps.iter().position(|step| step.id == text) {
            return Ok(at);
        }
        let ending = format!(".{text}");
        let is_it = |step: &ChainStep| step.id.ends_with(&ending) || step.key.name == text;
        let same: Vec<usize> = (0..self.steps.len()).filter(|at| is_it(&self.steps[*at])).collect();
        match same[..] {
            [at] => Ok(at),
            [] => Err(StepError::Name(text.to_owned())),
            _ => {
                let names: Vec<&str> = same.iter().map(|at| &*self.steps[*at].id).collect();
                Err(StepError::Several(text.to_owned(), names.join(" or ")))
            }
        }
    }

    /// Which step a callsite is: its index in the chain.
    #[must_use]
    pub fn step_of(&self, callsite: &Callsite) -> Option<usize> {
        self.steps.iter().position(|step| step.key.matches(callsite))
    }

    /// The step of a span, or of the nearest documented call around it.
    #[must_use]
    pub fn step_around(&self, log: &Log, span: SpanId) -> Option<usize> {
        let mut at = Some(span);
        while let Some(record) = at.and_then(|id| log.span(id)) {
            if let Some(step) = self.step_of(&record.callsite) {
                return Some(step);
            }
            at = record.parent;
        }
        None
    }

    /// The instants, found by one pass over the log.
    #[must_use]
    pub fn landmarks(&self, log: &Log) -> Landmarks {
        let mut lookout = Lookout::default();
        lookout.read(self, log);
        lookout.landmarks()
    }
}

/// Looks for the instants while the log grows: every event is looked at once, and none after the last instant was found.
#[derive(Clone, Debug, Default)]
pub struct Lookout {
    found: Landmarks,
    read: usize,
    is_accepting: bool,
    is_polling: bool,
    held: u32,
    /// The job of the worker is the first call inside its task.
    job: Option<SpanId>,
    job_of: Option<SpanId>,
    both_alive: Option<usize>,
    /// Without a worker the question is answered on the spot: the innermost call inside it.
    asked: Option<usize>,
    is_answered: bool,
}

impl Lookout {
    /// What has been found so far.
    #[must_use]
    pub fn landmarks(&self) -> Landmarks {
        let mut found = self.found;
        // A worker may be done before the hub polls; then the nearest truth is that both had begun: the last instant of
        // that, and rather one at which nobody was held.
        found.during = found.during.or(self.both_alive);
        if found.loop_starts.is_some() {
            found.before = found.before.or(self.asked);
        }
        found
    }

    /// Looks at what is new in a log.
    pub fn read(&mut self, chain: &Chain, log: &Log) {
        let keys =
            ["spawn", "hub.run", "loop.poll", "start_accepting", "worker.run_task", "socketcommon.gethostbyaddr"];
        let keys = keys.map(|id| chain.key(id));
        let begin = self.read;
        self.read = log.len();
        if self.found.loop_serves.is_some() || begin >= log.len() {
            return;
        }
        // A program that has nothing of the chain is not walked through.
        if !keys.iter().flatten().any(|key| log.has_entered(key)) {
            return;
        }
        for (at, _, _, kind) in log.kinds(begin, log.len()) {
            let (span, is_enter) = match kind {
                ItemKind::Enter { span } => (span, true),
                ItemKind::Exit { span } => (span, false),
                ItemKind::Hold { .. } => {
                    self.held += 1;
                    continue;
                }
                ItemKind::Release { .. } => {
                    self.held = 0;
                    continue;
                }
                _ => continue,
            };
            if let Some(record) = log.span(span) {
                self.look(at + 1, &record, is_enter, keys);
            }
            if self.found.loop_serves.is_some() {
                return;
            }
        }
    }

    fn look(&mut self, cursor: usize, record: &SpanRecord, is_enter: bool, keys: [Option<&Key>; 6]) {
        let [spawn, hub_run, poll, start_accepting, run_task, ask] = keys;
        let is = |key: Option<&Key>| key.is_some_and(|key| key.matches(&record.callsite));
        let found = &mut self.found;
        if is(poll) {
            self.is_polling = is_enter;
        }
        if is_enter {
            self.is_accepting |= is(start_accepting);
            if is(spawn) {
                found.before.get_or_insert(cursor);
            }
            if is(hub_run) {
                found.loop_starts.get_or_insert(cursor);
            }
            if is(run_task) {
                self.job_of = Some(record.id);
            }
            if self.job_of.is_some() && record.parent == self.job_of && self.job.is_none() {
                self.job = Some(record.id);
            }
            if !self.is_answered && (is(ask) || self.asked.is_some()) {
                self.asked = Some(cursor);
            }
            if is(poll) && self.is_accepting {
                found.loop_serves.get_or_insert(cursor);
                return;
            }
        } else {
            self.is_answered |= self.asked.is_some();
            if Some(record.id) == self.job {
                (self.job, self.job_of) = (None, None);
            }
        }
        if self.job.is_some() && found.loop_starts.is_some() {
            if self.both_alive.is_none() || self.held == 0 {
                self.both_alive = Some(cursor);
            }
            if self.is_polling {
                found.during.get_or_insert(cursor);
            }
        }
    }
}
