//! The event loop at a cursor: what it polls for, which watchers are armed, who is ready to run, what the pool does.
//!
//! ```text
//!   poll ──► fired watchers ──► callbacks ──► poll …        pool: semaphore · queue · workers
//!            └── phase: the part of the turn we are in
//! ```
//!
//! Read off recorded events alone, by the chain and by conventions on fields that any program may follow:
//!
//! | what | where it is said |
//! |---|---|
//! | the loop runs, polls, gives control | the steps `hub.run`, `loop.poll` (fields `turn`, `watchers`), `run_callbacks` |
//! | a watcher fired | an event with `watcher` and `fd`; what the lane calls next is called for it |
//! | a turn is over | an event with `woke` and `callbacks` |
//! | a job for the pool | the step `spawn`: `func`, `argument`, `semaphore_before`, `semaphore_after`, `watcher_fd`, `worker`, `pool_size`; a call inside it says `queued` |
//! | a job is done | the steps `worker.run_task` and `on_async` |
//! | accepting | the steps `start_accepting` and `close` (`fd`), `do_read` (`accepted`, `last`) |
//!
//! What is not said is left out: timers, the watchers of connections, polls that could not block, and what a poll woke for
//! when nothing of the program's own followed. Everything is found in the indexes: a picture costs what is in it.

mod pool;
mod turns;
mod watchers;

use std::sync::Arc;

pub use pool::{Doing, Job, JobState, Pool, Worker};
pub use turns::{Fired, LoopTurn, LoopTurns};
pub use watchers::{Waiter, Waiting, Watcher, WatcherState};

use super::{Activity, Chain, Key, Lane, LaneId, LaneKind, Log, SpanId, State};

/// Events of the present turn that are looked at.
const LOOK: usize = 4096;
/// Events of all turns before, and of each of them at the most and at the least.
const GLANCE: (usize, usize, usize) = (8192, 512, 32);
/// Callbacks that are named of all that are ready.
const NAMED: usize = 24;

/// The event loop at a cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopState {
    /// What it does.
    pub phase: Phase,
    /// The turn we are in; `None` while the loop has not run.
    pub turn: Option<LoopTurn>,
    /// The turns before it, the oldest first.
    pub before: Vec<LoopTurn>,
    /// Who is to be given control, and has not had it.
    pub ready: Vec<Callback>,
    /// How many those are.
    pub ready_count: usize,
    /// Who has the loop's thread and is not the hub, and its innermost call.
    pub running: Option<(LaneId, SpanId)>,
    /// The watchers that the program has told of.
    pub watchers: Vec<Watcher>,
    /// The handlers that wait.
    pub waiting: Waiting,
    /// The thread pool.
    pub pool: Pool,
    /// Events before the cursor are missing: how often something happened is a least, and some of it may be old.
    pub has_gaps: bool,
}

/// What the loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The recording has nothing of a loop.
    Absent,
    /// It has not been entered.
    Created,
    /// It has been entered and has not polled.
    Starts,
    /// It sleeps in the system, or looks there for news.
    Polls,
    /// It has polled: watchers that fired have their turn.
    Watchers,
    /// Whoever is ready has its turn.
    Callbacks,
    /// It has given the thread back to a lane that is not run by it, and stands still.
    Away,
    /// It will not run again.
    Over,
}

/// Somebody who is ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    /// The lane.
    pub lane: LaneId,
    /// Its name.
    pub name: Arc<str>,
    /// What made it ready.
    pub why: Why,
}

/// What made somebody ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has been made, and has not run.
    Made,
    /// Somebody woke it.
    Woken {
        /// Why, in the program's words.
        reason: Option<Arc<str>>,
        /// The lane that did.
        by: LaneId,
    },
}

impl LoopState {
    /// The loop at a cursor, given the state there, with at most so many of the turns before.
    #[must_use]
    pub fn new(log: &Log, chain: &Chain, state: &State, cursor: usize, before: usize) -> Self {
        let cursor = cursor.min(log.len());
        let hub = hub(chain, state);
        let turns = LoopTurns::of(log, chain);
        let turns = turns.filter(|turns| turns.began() < cursor);
        let at = turns.as_ref().map_or(0, |turns| turns.at(cursor));
        let lane = hub.map(|hub| hub.id);
        let turn = turns.as_ref().map(|turns| turns.turn(at, cursor, LOOK));
        let glance = (GLANCE.0 / before.max(1)).clamp(GLANCE.2, GLANCE.1);
        let earlier = turns.iter().flat_map(|turns| {
            // What comes before the first poll is no turn once there is one.
            (at.saturating_sub(before).max(1)..at).map(|number| turns.turn(number, cursor, glance))
        });
        let before = earlier.collect();
        let running = running(state, hub);
        let phase = phase(log, chain, hub, turn.as_ref(), running);
        let (ready, ready_count) = ready(state, turn.as_ref(), lane);
        let pool = pool::pool(log, chain, state, cursor);
        let watchers = watchers::watchers(log, chain, cursor, &pool.jobs);
        let has_gaps = log.gaps().iter().any(|gap| gap.at < cursor);
        Self {
            has_gaps,
            phase,
            turn,
            before,
            ready,
            ready_count,
            running,
            watchers,
            waiting: watchers::waiting(state),
            pool,
        }
    }
}

/// The lane of the loop, while it is open.
fn hub<'a>(chain: &Chain, state: &'a State) -> Option<&'a Lane> {
    let key = chain.key("hub.run")?;
    let mut lanes = state.lanes().iter().map(|lane| &**lane);
    lanes.find(|lane| lane.stack.first().is_some_and(|frame| key.matches(&frame.callsite)))
}

/// Who has the loop's thread beside the hub.
fn running(state: &State, hub: Option<&Lane>) -> Option<(LaneId, SpanId)> {
    let hub = hub?;
    let (span, lane) = state.on_thread(hub.thread.id)?;
    (lane != hub.id).then_some((lane, span))
}

fn phase(
    log: &Log,
    chain: &Chain,
    hub: Option<&Lane>,
    turn: Option<&LoopTurn>,
    running: Option<(LaneId, SpanId)>,
) -> Phase {
    let Some(turn) = turn else {
        // It may be in what follows; or the program that has it has come so far.
        let is_known = LoopTurns::of(log, chain).is_some() || is_the_program(log, chain);
        return if is_known { Phase::Created } else { Phase::Absent };
    };
    let Some(hub) = hub else { return Phase::Over };
    let is = |key: Option<&Key>| {
        hub.frames().any(|frame| frame.is_entered && key.is_some_and(|key| key.matches(&frame.callsite)))
    };
    if is(chain.key("loop.poll")) {
        return Phase::Polls;
    }
    if is(chain.key("run_callbacks")) {
        return Phase::Callbacks;
    }
    if !hub.stack.first().is_some_and(|frame| frame.is_entered) {
        return Phase::Away;
    }
    match turn {
        turn if running.is_some() || turn.callbacks > 0 => Phase::Callbacks,
        turn if turn.polled.is_none() => Phase::Starts,
        _ => Phase::Watchers,
    }
}

/// Whether the program of the chain is recorded, as far as it may have come: its first step has been seen.
fn is_the_program(log: &Log, chain: &Chain) -> bool {
    chain.key("loop.poll").is_some() && chain.steps().iter().any(|step| log.has_entered(&step.key))
}

/// Who was made ready in this turn, and tasks that have not run.
fn ready(state: &State, turn: Option<&LoopTurn>, hub: Option<LaneId>) -> (Vec<Callback>, usize) {
    let mut ready = Vec::new();
    for (id, reason, by) in turn.iter().flat_map(|turn| &turn.woken) {
        if let Some(lane) = state.lane(*id).filter(|lane| !lane.is_done && Some(lane.id) != hub) {
            let why = Why::Woken { reason: reason.clone(), by: *by };
            ready.push(Callback { lane: lane.id, name: lane.name.clone(), why });
        }
    }
    for lane in state.lanes().iter().filter(|lane| lane.kind == LaneKind::Task) {
        let is_new = !lane.has_run && !ready.iter().any(|known: &Callback| known.lane == lane.id);
        if is_new && matches!(state.activity(lane), Activity::Created) {
            ready.push(Callback { lane: lane.id, name: lane.name.clone(), why: Why::Made });
        }
    }
    let count = ready.len();
    ready.truncate(NAMED);
    (ready, count)
}
