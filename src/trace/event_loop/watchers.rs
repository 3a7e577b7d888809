//! The watchers that the program armed: each with its descriptor, and what has come of it by the cursor.

use std::sync::Arc;

use super::pool::{Job, JobState, Told};
use super::turns::signed;
use crate::trace::{Activity, Call, Chain, LaneId, LaneKind, Log, State, Time};

/// Calls that arm, or stop, a watcher: the latest are looked at.
const LATEST: usize = 4;
/// Handlers that are named of all that wait.
const NAMED: usize = 24;

/// A watcher.
#[derive(Clone, Debug, PartialEq)]
pub struct Watcher {
    /// `io` or `async`.
    pub kind: &'static str,
    /// Its descriptor; below zero where the system has none.
    pub fd: i64,
    /// Since when it is armed, in program time.
    pub since: Time,
    /// What it does now.
    pub state: WatcherState,
    /// How often it has fired.
    pub fired: usize,
    /// When it fired last, in program time.
    pub last: Option<Time>,
    /// What is called when it fires.
    pub callback: Option<Arc<str>>,
    /// What that call said last: `accepted` and `last` of `do_read`, `value` of `on_async`.
    pub said: Vec<(Arc<str>, Arc<str>)>,
}

/// What a watcher does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatcherState {
    /// The loop looks at its descriptor.
    Armed,
    /// Somebody has written to it; the loop has not seen it.
    Written,
    /// Its callback runs.
    Fires,
    /// It is stopped and closed.
    Closed,
}

/// Handlers that wait. The loop watches their sockets and timers too, by watchers of the runtime's own, which are not
/// recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiting {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<Waiter>,
}

/// A handler that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiter {
    /// Its lane.
    pub lane: LaneId,
    /// The lane's name.
    pub name: Arc<str>,
    /// The descriptor of its socket, if it has told that.
    pub fd: Option<i64>,
    /// For what, in the program's words.
    pub reason: String,
}

/// The watchers at a cursor, those that are closed last.
pub(super) fn watchers(log: &Log, chain: &Chain, cursor: usize, jobs: &[Job]) -> Vec<Watcher> {
    let mut watchers: Vec<Watcher> = jobs.iter().filter_map(|job| of_job(log, chain, cursor, job)).collect();
    // Of those that have done their work only the last.
    let closed = watchers.iter().rposition(|watcher| watcher.state == WatcherState::Closed);
    let mut at = 0;
    watchers.retain(|watcher| {
        at += 1;
        watcher.state != WatcherState::Closed || Some(at - 1) == closed
    });
    watchers.extend(io(log, chain, cursor));
    watchers.sort_by_key(|watcher| (watcher.state == WatcherState::Closed, watcher.since));
    watchers
}

/// The one-shot watcher through which the answer to a job comes back.
fn of_job(log: &Log, chain: &Chain, cursor: usize, job: &Job) -> Option<Watcher> {
    let (fd, since) = job.watcher?;
    let on_async = chain.key("on_async");
    let is_under_way = || {
        let last = on_async.and_then(|key| log.calls(key, cursor).last());
        last.is_some_and(|last| last.closed.is_none() && Some(program(log, last.entered)) == job.fired)
    };
    let state = match job.state {
        JobState::Refused | JobState::Lost => return None,
        JobState::Done if is_under_way() => WatcherState::Fires,
        JobState::Done => WatcherState::Closed,
        JobState::Written => WatcherState::Written,
        JobState::Spawning | JobState::Queued | JobState::Running => WatcherState::Armed,
    };
    let said = job.result.iter().filter(|_| job.fired.is_some()).map(|value| ("value".into(), value.clone()));
    Some(Watcher {
        kind: "async",
        fd,
        since,
        state,
        fired: usize::from(job.fired.is_some()),
        last: job.fired,
        callback: on_async.map(|key| key.name.as_str().into()),
        said: said.collect(),
    })
}

/// The watcher of the listening socket: armed by `start_accepting`, stopped by `close`.
fn io(log: &Log, chain: &Chain, cursor: usize) -> Vec<Watcher> {
    let latest = |id: &str| chain.key(id).map_or_else(Vec::new, |key| log.calls(key, cursor).latest(LATEST));
    let stops: Vec<(Call, Option<i64>)> =
        latest("close").into_iter().map(|call| (call, Told::of(log, call.span, cursor).signed("fd"))).collect();
    let armings = latest("start_accepting");
    let reads = chain.key("do_read").map(|key| log.calls(key, cursor));
    let mut watchers = Vec::new();
    for (at, arming) in armings.iter().enumerate() {
        // It is armed when the call is over.
        let (Some(armed), Some(fd)) = (arming.closed, Told::of(log, arming.span, cursor).signed("fd")) else {
            continue;
        };
        let is_stopped = stops
            .iter()
            .any(|(stop, of)| stop.entered > armed && stop.closed.is_some() && of.is_none_or(|of| of == fd));
        let state = if is_stopped { WatcherState::Closed } else { WatcherState::Armed };
        let mut watcher = Watcher {
            kind: "io",
            fd,
            since: program(log, armed),
            state,
            fired: 0,
            last: None,
            callback: chain.key("do_read").map(|key| key.name.as_str().into()),
            said: Vec::new(),
        };
        // All that was read was read for the latest.
        if let (Some(reads), true) = (&reads, at + 1 == armings.len()) {
            watcher.fired = reads.len();
            if let Some(last) = reads.last() {
                watcher.last = Some(program(log, last.entered));
                if last.closed.is_none() && !is_stopped {
                    watcher.state = WatcherState::Fires;
                }
                let told = Told::of(log, last.span, cursor);
                let said = ["accepted", "last"].into_iter();
                watcher.said =
                    said.filter_map(|name| Some((name.into(), told.value(name)?.to_string().into()))).collect();
            }
        }
        watchers.push(watcher);
    }
    watchers
}

/// Tasks that wait, in the order of their lanes.
pub(super) fn waiting(state: &State) -> Waiting {
    let mut waiting = Waiting::default();
    for lane in state.lanes().iter().filter(|lane| lane.kind == LaneKind::Task && !lane.is_done) {
        let Activity::Waiting(reason) = state.activity(lane) else { continue };
        waiting.count += 1;
        if waiting.first.len() < NAMED {
            let fd = lane.frames().next().and_then(|frame| frame.field("fd")).and_then(signed);
            waiting.first.push(Waiter { lane: lane.id, name: lane.name.clone(), fd, reason });
        }
    }
    waiting
}

fn program(log: &Log, place: usize) -> Time {
    log.clock().program(log.time_at(place + 1))
}
