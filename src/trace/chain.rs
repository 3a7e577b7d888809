//! The documented chain: which step a span is, where we are in it, and the two instants everything turns on.

use super::{Activity, Callsite, Kind, Log, SpanId, State};

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
        let keys =
            ["spawn", "hub.run", "loop.poll", "start_accepting", "worker.run_task", "socketcommon.gethostbyaddr"];
        let [spawn, hub_run, poll, start_accepting, run_task, ask] = keys.map(|id| self.key(id));
        let mut found = Landmarks::default();
        let (mut accepting, mut polling, mut held) = (false, false, 0_u32);
        // The job of the worker is the first call inside its task.
        let (mut job, mut job_of) = (None, None);
        let mut both_alive = None;
        // Without a worker the question is answered on the spot: the innermost call inside it.
        let (mut asked, mut answered) = (None, false);
        for (at, event) in log.events_in(..).enumerate() {
            let (span, entered) = match event.kind {
                Kind::Enter { span } => (span, true),
                Kind::Exit { span } => (span, false),
                Kind::Hold { .. } => {
                    held += 1;
                    continue;
                }
                Kind::Release { .. } => {
                    held = 0;
                    continue;
                }
                _ => continue,
            };
            let Some(record) = log.span(span) else { continue };
            let is = |key: Option<&Key>| key.is_some_and(|key| key.matches(&record.callsite));
            if is(poll) {
                polling = entered;
            }
            if entered {
                accepting |= is(start_accepting);
                if is(spawn) {
                    found.before.get_or_insert(at + 1);
                }
                if is(hub_run) {
                    found.loop_starts.get_or_insert(at + 1);
                }
                if is(run_task) {
                    job_of = Some(span);
                }
                if job_of.is_some() && record.parent == job_of && job.is_none() {
                    job = Some(span);
                }
                if !answered && (is(ask) || asked.is_some()) {
                    asked = Some(at + 1);
                }
                if is(poll) && accepting {
                    found.loop_serves.get_or_insert(at + 1);
                    break;
                }
            } else {
                answered |= asked.is_some();
                if Some(span) == job {
                    (job, job_of) = (None, None);
                }
            }
            if job.is_some() && found.loop_starts.is_some() {
                if both_alive.is_none() || held == 0 {
                    both_alive = Some(at + 1);
                }
                if polling {
                    found.during.get_or_insert(at + 1);
                }
            }
        }
        // A worker may be done before the hub polls; then the nearest truth is that both had begun: the last instant of
        // that, and rather one at which nobody was held.
        found.during = found.during.or(both_alive);
        if found.loop_starts.is_some() {
            found.before = found.before.or(asked);
        }
        found
    }
}
