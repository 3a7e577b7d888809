//! The thread pool at a cursor: its jobs, by which every other thing about it is known.
//!
//! ```text
//!   spawn ──► queued ──► run_task ──► written ──► on_async
//!   takes a place                                 gives it back, and the watcher is closed
//! ```
//!
//! The queue is first in, first out, so the n-th job that was spawned is the n-th that was begun; the way back is told
//! apart by its descriptor. Only the latest jobs are looked at: as many as can be under way, and some more.

use std::sync::Arc;

use super::turns::{number, signed, text};
use crate::trace::{Call, Chain, Field, Key, Kind, Lane, LaneId, Log, SpanId, State, Time, Value, field};

/// Jobs that are looked at: a pool of gevent's has eleven places.
const JOBS: usize = 16;
/// Events at each end of a call that are looked at for what it recorded.
const NEAR: usize = 96;

/// The thread pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// Who looks names up, as the program was told: `thread` or `block`.
    pub resolver: Option<Arc<str>>,
    /// Places of the semaphore that are free, and all of them.
    pub places: Option<(u64, u64)>,
    /// How many threads there may be.
    pub most: Option<u64>,
    /// How many jobs there were.
    pub spawned: usize,
    /// The latest, the oldest first: all that are under way.
    pub jobs: Vec<Job>,
    /// Its threads that are there, or have left lately.
    pub workers: Vec<Worker>,
}

/// A job for the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What is to be called.
    pub func: Arc<str>,
    /// With what.
    pub argument: Option<Arc<str>>,
    /// How far it is.
    pub state: JobState,
    /// Who did it, or is at it.
    pub worker: Option<LaneId>,
    /// What came of it.
    pub result: Option<Arc<str>>,
    /// Its watcher: the descriptor, and since when it is armed, in program time.
    pub watcher: Option<(i64, Time)>,
    /// When the loop took the answer, in program time.
    pub fired: Option<Time>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobState {
    /// `spawn` prepares it.
    Spawning,
    /// It is on the queue.
    Queued,
    /// A worker is at it.
    Running,
    /// The worker has written into the watcher; the loop has not seen it.
    Written,
    /// The loop has taken the answer.
    Done,
    /// `spawn` could not.
    Refused,
    /// What became of it is among events that are missing.
    Lost,
}

/// A thread of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// Its name.
    pub name: Arc<str>,
    /// What it does.
    pub doing: Doing,
}

/// What a worker does.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    /// It is being started: it has run nothing.
    Starting,
    /// It is at a job, since this program time.
    Runs {
        /// What was called.
        func: Arc<str>,
        /// With what.
        argument: Option<Arc<str>>,
        /// Since when, in program time.
        since: Time,
    },
    /// It waits for a job, and leaves after so many ms without one.
    Waits {
        /// For what, in the program's words.
        what: Arc<str>,
        /// For how long at the most.
        at_most_ms: Option<u64>,
        /// Since when, in program time.
        since: Time,
    },
    /// It is between two of these.
    Between,
    /// It has left.
    Left {
        /// Why, in the program's words.
        why: Option<Arc<str>>,
    },
}

/// What is known of a call: every field that it recorded, later ones last, with places.
pub(super) struct Told {
    fields: Vec<(usize, Field)>,
    /// Those of the calls inside it.
    inner: Vec<Field>,
}

impl Told {
    /// What a call told before a cursor.
    pub(super) fn of(log: &Log, span: SpanId, cursor: usize) -> Self {
        let mut told = Self { fields: Vec::new(), inner: Vec::new() };
        let Some(record) = log.span(span) else { return told };
        let from = record.open.0.0 as usize;
        let to = record.close.map_or(cursor, |close| (close.0.0 as usize).min(cursor)).max(from);
        let parts = if to - from <= 2 * NEAR { [from..to, to..to] } else { [from..from + NEAR, to - NEAR..to] };
        for part in parts {
            for (place, event) in part.clone().zip(log.events_in(part)) {
                let (Kind::Open { span: of, fields, .. } | Kind::Record { span: of, fields }) = event.kind else {
                    continue;
                };
                if of == span {
                    told.fields.extend(fields.into_iter().map(|field| (place, field)));
                } else if event.lane == record.lane {
                    told.inner.extend(fields);
                }
            }
        }
        told
    }

    fn last(&self, name: &str) -> Option<&(usize, Field)> {
        self.fields.iter().rev().find(|told| &*told.1.name == name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.last(name).map(|told| &told.1.value)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.value(name).and_then(number)
    }

    pub(super) fn signed(&self, name: &str) -> Option<i64> {
        self.value(name).and_then(signed)
    }

    pub(super) fn text(&self, name: &str) -> Option<Arc<str>> {
        match self.value(name)? {
            Value::Str(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The pool at a cursor.
pub(super) fn pool(log: &Log, chain: &Chain, state: &State, cursor: usize) -> Pool {
    let mut pool = Pool { resolver: resolver(log, chain, cursor), ..Pool::default() };
    let spawns = chain.key("spawn").map(|key| log.calls(key, cursor));
    let Some(spawns) = spawns.filter(|spawns| !spawns.is_empty()) else { return pool };
    pool.spawned = spawns.len();
    let latest = spawns.latest(JOBS);
    let told: Vec<Told> = latest.iter().map(|call| Told::of(log, call.span, cursor)).collect();
    let answers = answers(log, chain, cursor);
    pool.most = told.last().and_then(|told| told.number("pool_max"));
    pool.places = places(&latest, &told, &answers);
    pool.jobs = jobs(log, chain, cursor, (pool.spawned, &latest, &told), &answers);
    pool.workers = workers(log, chain, state, (&latest, &told));
    pool
}

/// Who looks names up: the program says so once, where it begins.
fn resolver(log: &Log, chain: &Chain, cursor: usize) -> Option<Arc<str>> {
    let run = log.calls(chain.key("run")?, cursor).first(1);
    Told::of(log, run.first()?.span, cursor.min(run.first()?.entered + 1)).text("resolver")
}

/// An answer that the loop took: the call, its descriptor, and what it told.
struct Answer {
    call: Call,
    fd: Option<i64>,
    told: Told,
}

fn answers(log: &Log, chain: &Chain, cursor: usize) -> Vec<Answer> {
    let Some(key) = chain.key("on_async") else { return Vec::new() };
    let latest = log.calls(key, cursor).latest(JOBS);
    let answer = |call: Call| {
        let open = log.span(call.span).map_or(call.entered, |span| span.open.0.0 as usize);
        let said = log.events_in(open.saturating_sub(NEAR)..open).filter(|event| event.lane == call.lane);
        let fds = said.filter_map(|event| match event.kind {
            Kind::Note { fields, .. } if field(&fields, "watcher").is_some() => field(&fields, "fd").and_then(signed),
            _ => None,
        });
        Answer { call, fd: fds.last(), told: Told::of(log, call.span, cursor) }
    };
    latest.into_iter().map(answer).collect()
}

/// What the semaphore was last said to have.
fn places(spawns: &[Call], told: &[Told], answers: &[Answer]) -> Option<(u64, u64)> {
    let of = |told: &Told, is_refused: bool| {
        let after = told.number("semaphore_after").filter(|_| !is_refused);
        after.or_else(|| told.number("semaphore_before"))
    };
    let all = told.iter().chain(answers.iter().map(|answer| &answer.told));
    let all = all.flat_map(|told| [told.number("semaphore_before"), told.number("semaphore_after")]);
    let all = all.flatten().max()?;
    let taken = spawns.iter().zip(told).map(|(call, told)| (call.entered, of(told, is_refused(call, told))));
    let given = answers.iter().map(|answer| (answer.call.entered, of(&answer.told, false)));
    let last = taken.chain(given).max_by_key(|told| told.0)?;
    Some((last.1?, all))
}

/// The end of `spawn` says how many threads there are; without that it could not.
fn is_refused(spawn: &Call, told: &Told) -> bool {
    spawn.closed.is_some() && told.number("pool_size").is_none()
}

fn jobs(
    log: &Log,
    chain: &Chain,
    cursor: usize,
    (spawned, spawns, told): (usize, &[Call], &[Told]),
    answers: &[Answer],
) -> Vec<Job> {
    let tasks = chain.key("worker.run_task").map(|key| log.calls(key, cursor));
    let begun = tasks.as_ref().map_or(0, super::super::calls::CallsOf::len);
    let tasks: Vec<Call> = tasks.map_or_else(Vec::new, |tasks| tasks.latest(2 * JOBS));
    let program = |place: usize| log.clock().program(log.time_at(place + 1));
    let mut is_taken = vec![false; answers.len()];
    let missing = log.gaps().iter().rev().find(|gap| gap.at < cursor).map(|gap| gap.at);
    let mut jobs = Vec::new();
    let mut refused = 0;
    for (at, (spawn, told)) in spawns.iter().zip(told).enumerate() {
        let watcher = told.last("watcher_fd").and_then(|(place, field)| Some((signed(&field.value)?, program(*place))));
        let mut job = Job {
            func: told.text("func").unwrap_or_else(|| "?".into()),
            argument: told.text("argument"),
            state: JobState::Spawning,
            worker: None,
            result: None,
            watcher,
            fired: None,
        };
        if is_refused(spawn, told) {
            refused += 1;
            job.state = JobState::Refused;
            jobs.push(job);
            continue;
        }
        // Its number among all that were put on the queue, and the call that is the same number from the last.
        let number = spawned - spawns.len() + at - refused;
        let task = (number < begun).then(|| tasks.get((tasks.len() + number).checked_sub(begun)?)).flatten();
        let is_its = |answer: &Answer| {
            answer.call.entered > spawn.entered
                && (answer.fd.is_none() || answer.fd == watcher.map(|watcher| watcher.0))
        };
        let answer = answers.iter().zip(&is_taken).position(|(answer, is_taken)| !is_taken && is_its(answer));
        if told.inner.iter().any(|field| &*field.name == "queued") {
            job.state = JobState::Queued;
        }
        if let Some(task) = task {
            let did = Told::of(log, task.span, cursor);
            job.worker = Some(task.lane);
            job.result = did.text("result");
            job.state = if task.closed.is_some() { JobState::Written } else { JobState::Running };
        }
        if let Some(answer) = answer {
            is_taken[answer] = true;
            job.fired = Some(program(answers[answer].call.entered));
            job.state = JobState::Done;
        } else if missing.is_some_and(|missing| missing > spawn.entered) {
            job.state = JobState::Lost;
        }
        jobs.push(job);
    }
    jobs
}

/// Lanes that are threads of the pool: those that say how many tasks they have done, in the module of what runs a task;
/// and the one that is being made.
fn workers(log: &Log, chain: &Chain, state: &State, (spawns, told): (&[Call], &[Told])) -> Vec<Worker> {
    let run_task = chain.key("worker.run_task");
    let is_worker = |lane: &Lane| match lane.stack.first() {
        Some(frame) => {
            run_task.is_some_and(|key| *frame.callsite.target == *key.target) && frame.field("tasks").is_some()
        }
        // Over: known by its name.
        None => told.iter().any(|told| told.text("worker").is_some_and(|name| name == lane.name)),
    };
    let lanes = state.lanes().iter().filter(|lane| is_worker(lane));
    let mut workers: Vec<Worker> =
        lanes.map(|lane| Worker { name: lane.name.clone(), doing: doing(log, lane, run_task) }).collect();
    // A spawn that has named its worker, which has no lane yet.
    if let (Some(spawn), Some(told)) = (spawns.last(), told.last())
        && spawn.closed.is_none()
        && let Some(name) = told.text("worker")
        && state.lane_named(&name).is_none()
    {
        workers.push(Worker { name, doing: Doing::Starting });
    }
    workers
}

fn doing(log: &Log, lane: &Lane, run_task: Option<&Key>) -> Doing {
    let program = |raw: Time| log.clock().program(raw);
    if lane.is_done {
        let root = log.lane(lane.id).and_then(|lane| lane.rows.first()).and_then(|row| row.spans().last());
        let root = root.map(|number| log.index().spans.id(*number));
        let why = root.and_then(|root| Told::of(log, root, log.len()).text("left"));
        return Doing::Left { why };
    }
    if !lane.has_run {
        return Doing::Starting;
    }
    let is_task = |frame: &&crate::trace::Frame| run_task.is_some_and(|key| key.matches(&frame.callsite));
    if let Some(frame) = lane.frames().find(is_task) {
        let func = text(&frame.fields, "func").unwrap_or_else(|| frame.callsite.name.clone());
        return Doing::Runs { func, argument: text(&frame.fields, "argument"), since: program(frame.opened) };
    }
    let innermost = lane.frames().last();
    match innermost.and_then(|frame| Some((frame, text(&frame.fields, "blocks")?))) {
        // It has got one already.
        Some((frame, _)) if frame.field("got").is_some() => Doing::Between,
        Some((frame, what)) => {
            let at_most_ms = frame.field("idle_ms").and_then(number);
            Doing::Waits { what, at_most_ms, since: program(frame.opened) }
        }
        None => Doing::Between,
    }
}
