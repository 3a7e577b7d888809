//! The gate: where a thread may be held at the beginning or the end of a call, so that a person can step.
//!
//! ```text
//!   thread ──arrive──► held? ──no──► goes on
//!                        │yes
//!                        ▼
//!                waits, is shown ◄── into, over, out, next lane, run to, continue, pause
//! ```
//!
//! A stop is an all-stop: one thread is shown as paused, every other waits where it next arrives. *Into* lets the shown
//! thread go on until anybody arrives; the runs (*over*, *out*, *run to*) let everybody go until the one they are for
//! has arrived.
//!
//! A breakpoint is asked of every call that begins, whatever the gate is doing: it ends a run, and stops a program that goes
//! freely. Whoever reaches one while another is shown is held like everybody, and is shown before the next run begins.
//!
//! Nobody is held for ever: a viewer that drops its control, panics, or gives no sign of life for the silence limit
//! takes the gate down. A panicking thread is never held. Nothing is locked while a thread waits.

mod breaks;
mod until;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::breaks::Breaks;
use self::until::Until;
use super::shared::Shared;
use crate::trace::{
    BreakpointId, Callsite, Command, Edge, Field, Kind, LaneId, Run, SpanId, Status, Stop, Thread, ThreadId,
};

/// How long a viewer may be silent: with the last look a ninth longer, and still under a second.
const SILENCE: Duration = Duration::from_millis(800);
/// How long the stepped thread may take to arrive.
const SETTLE: Duration = Duration::from_millis(250);
/// How often somebody who waits for a stop looks whether another thread is to be shown.
const SETTLE_LOOK: Duration = Duration::from_millis(10);
/// How often a held thread looks whether its viewer is alive, per silence limit.
const LOOKS: u32 = 8;

/// What a recording does with the threads it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldMode {
    /// Hold nobody, but at breakpoints.
    Follow,
    /// Hold at the first watched point and be stepped.
    Hold {
        /// How long a viewer may give no sign of life before everybody is let go.
        silence: Duration,
        /// How long the stepped thread may take to arrive somewhere before another held thread is shown instead. Threads
        /// that say that they block (`blocks`) are not waited for.
        settle: Duration,
    },
}

impl HoldMode {
    /// Held from the first step on; let go after 800 ms of silence, settled after 250 ms.
    #[must_use]
    pub fn stepping() -> Self {
        Self::Hold { silence: SILENCE, settle: SETTLE }
    }
}

/// One end of a call that a thread has reached.
pub(super) struct Point<'a> {
    pub(super) lane: LaneId,
    pub(super) thread: &'a Arc<Thread>,
    pub(super) span: SpanId,
    pub(super) depth: usize,
    pub(super) edge: Edge,
    pub(super) callsite: &'a Callsite,
    pub(super) lane_name: &'a str,
    /// What it has recorded so far, if a breakpoint wants to know.
    pub(super) fields: &'a [Field],
    /// The recording it is in.
    pub(super) key: u64,
}

/// Holds threads, and lets them go.
pub(super) struct Gate {
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Who is to ask: read without the lock.
    asks: AtomicU8,
    /// The breakpoints that are set: another number for each set of them.
    set: AtomicU64,
    wants_fields: AtomicBool,
}

/// Nobody asks: nobody is held.
const NOBODY: u8 = 0;
/// Calls that begin are asked about, as there are breakpoints.
const BEGINS: u8 = 1;
/// Every point is asked about.
const EVERYBODY: u8 = 2;

struct Inner {
    mode: Mode,
    held: Vec<Held>,
    /// The thread that is shown.
    shown: Option<ThreadId>,
    /// Threads blocked in the operating system.
    blocked: HashSet<ThreadId>,
    silence: Duration,
    settle: Duration,
    /// Counts the viewer's signs of life.
    beats: u64,
    detached: bool,
    breaks: Breaks,
}

struct Held {
    stop: Stop,
    thread: Arc<Thread>,
    depth: usize,
    key: u64,
    goes: bool,
    /// The breakpoint that it has stopped at, and whether anybody has seen that.
    on: Option<BreakpointId>,
    is_seen: bool,
}

enum Mode {
    /// Hold nobody.
    Free,
    /// Hold whoever arrives.
    Stop,
    /// Hold whoever arrives; this thread was let go and is waited for.
    Step { thread: ThreadId, since: Instant },
    /// Hold nobody until this is true of an arrival; then stop.
    Until(Until),
}

impl Gate {
    pub(super) fn new(hold: HoldMode) -> Self {
        let gate = Self {
            inner: Mutex::new(Inner::new(hold)),
            changed: Condvar::new(),
            asks: AtomicU8::new(NOBODY),
            set: AtomicU64::new(0),
            wants_fields: AtomicBool::new(false),
        };
        gate.reset(hold);
        gate
    }

    /// As new, with the breakpoints there are. Whoever is held goes on.
    pub(super) fn reset(&self, hold: HoldMode) {
        let mut inner = self.lock();
        let beats = inner.beats;
        inner.release_all();
        let leaving = std::mem::take(&mut inner.held);
        let mut breaks = std::mem::replace(&mut inner.breaks, Breaks::new());
        breaks.begin_again();
        *inner = Inner { beats, held: leaving, breaks, ..Inner::new(hold) };
        self.tell(&inner);
    }

    /// Says to whom it matters who is to ask from now on, and wakes whoever waits.
    fn tell(&self, inner: &Inner) {
        self.set.store(inner.breaks.set, Ordering::Release);
        self.wants_fields.store(inner.breaks.want_fields(), Ordering::Release);
        let asks = match inner.mode {
            Mode::Free if inner.detached || !inner.breaks.is_any_on() => NOBODY,
            Mode::Free => BEGINS,
            _ => EVERYBODY,
        };
        self.asks.store(asks, Ordering::Release);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody may be held.
    #[inline]
    pub(super) fn is_armed(&self) -> bool {
        self.asks.load(Ordering::Acquire) != NOBODY
    }

    /// Whether anybody may be held anywhere, not only at a breakpoint.
    #[inline]
    pub(super) fn is_shut(&self) -> bool {
        self.asks.load(Ordering::Acquire) == EVERYBODY
    }

    /// The number of the set of breakpoints that is asked.
    pub(super) fn breakpoint_set(&self) -> u64 {
        self.set.load(Ordering::Acquire)
    }

    /// Whether calls of this callsite can stop at a breakpoint, and of which set that is said.
    pub(super) fn may_stop_at(&self, callsite: &Callsite) -> (u64, bool) {
        let inner = self.lock();
        (inner.breaks.set, inner.breaks.allow(callsite))
    }

    /// Whether a breakpoint asks for fields.
    pub(super) fn wants_fields(&self) -> bool {
        self.wants_fields.load(Ordering::Acquire)
    }

    /// A thread has reached a point: returns at once, or when it may go on.
    pub(super) fn arrive(&self, point: &Point<'_>, shared: &Shared) {
        if !self.is_armed() || std::thread::panicking() {
            return;
        }
        let mut inner = self.lock();
        // A new log may have been begun since the thread looked: then it belongs to the old one.
        if point.key != shared.key() || inner.detached {
            return;
        }
        inner.lanes_ended(shared);
        let on = if point.edge == Edge::Enter { inner.breaks.count(point) } else { None };
        if on.is_none() && !inner.holds(point) {
            return;
        }
        let stop = Stop { lane: point.lane, thread: point.thread.id, span: point.span, edge: point.edge };
        let (span, edge, key) = (point.span, point.edge, point.key);
        let thread = point.thread.clone();
        inner.held.push(Held { stop, thread, depth: point.depth, key, goes: false, on, is_seen: false });
        let is_shown = inner.shows_arrival(stop);
        // Whoever sees the stop finds the hold in the log: both are under the gate's lock.
        shared.say(key, point.thread, point.lane, Kind::Hold { span, edge, is_shown });
        // A breakpoint may have ended a run of everybody.
        self.tell(&inner);
        self.wait(inner, stop);
        shared.say(key, point.thread, point.lane, Kind::Release { span, edge });
    }

    fn wait(&self, mut inner: MutexGuard<'_, Inner>, stop: Stop) {
        // Looks are counted, not the time since the last sign of life: a process that was stopped and goes on has a viewer
        // that was stopped as well.
        let look = inner.silence / LOOKS;
        let (mut beats, mut silent, mut next_look) = (inner.beats, 0, Instant::now() + look);
        loop {
            if !inner.waiting().any(|held| held.stop == stop) {
                inner.held.retain(|held| held.stop != stop);
                return;
            }
            let left = next_look.saturating_duration_since(Instant::now());
            inner = self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
            if inner.beats != beats {
                (beats, silent, next_look) = (inner.beats, 0, Instant::now() + look);
            } else if Instant::now() >= next_look {
                (silent, next_look) = (silent + 1, Instant::now() + look);
                if silent >= LOOKS {
                    self.take_down(&mut inner);
                }
            }
        }
    }

    fn take_down(&self, inner: &mut Inner) {
        inner.mode = Mode::Free;
        inner.detached = true;
        inner.release_all();
        self.tell(inner);
    }

    /// Lets everybody go and never holds again.
    pub(super) fn detach(&self) {
        self.take_down(&mut self.lock());
    }

    /// A thread begins or ends to be blocked in the operating system: it will not arrive, so another may be shown.
    pub(super) fn blocks(&self, thread: ThreadId, is_blocked: bool, shared: &Shared) {
        let mut inner = self.lock();
        if is_blocked {
            inner.blocked.insert(thread);
            inner.settle(shared);
            self.changed.notify_all();
        } else {
            inner.blocked.remove(&thread);
        }
    }

    pub(super) fn command(&self, command: Command, shared: &Shared) {
        let mut inner = self.lock();
        inner.beats += 1;
        if inner.detached {
            return;
        }
        // Threads that blocked while nobody could be held did not say so.
        let held: HashSet<ThreadId> = inner.waiting().map(|held| held.stop.thread).collect();
        inner.blocked = shared.collected().blocked().filter(|thread| !held.contains(thread)).collect();
        inner.carry_out(command, shared);
        self.tell(&inner);
    }

    pub(super) fn status(&self, shared: &Shared) -> Status {
        let mut inner = self.lock();
        inner.beats += 1;
        inner.settle(shared);
        inner.status()
    }

    pub(super) fn wait_for_stop(&self, at_most: Duration, shared: &Shared) -> Status {
        let until = Instant::now() + at_most;
        let mut inner = self.lock();
        loop {
            inner.beats += 1;
            inner.settle(shared);
            let status = inner.status();
            let left = until.saturating_duration_since(Instant::now());
            if matches!(status.run, Run::Paused(_)) || left.is_zero() {
                return status;
            }
            let (woken, _) =
                self.changed.wait_timeout(inner, left.min(SETTLE_LOOK)).unwrap_or_else(PoisonError::into_inner);
            inner = woken;
        }
    }
}

impl Inner {
    fn new(hold: HoldMode) -> Self {
        let (mode, silence, settle) = match hold {
            HoldMode::Follow => (Mode::Free, SILENCE, SETTLE),
            HoldMode::Hold { silence, settle } => (Mode::Stop, silence, settle),
        };
        Self {
            mode,
            held: Vec::new(),
            shown: None,
            blocked: HashSet::new(),
            silence,
            settle,
            beats: 0,
            detached: false,
            breaks: Breaks::new(),
        }
    }

    /// Whether an arrival is held. Ends a run that has reached its end.
    fn holds(&mut self, point: &Point<'_>) -> bool {
        let ends = match &mut self.mode {
            Mode::Free => return false,
            Mode::Stop | Mode::Step { .. } => return true,
            Mode::Until(until) => until.ends_at(point),
        };
        if ends {
            self.mode = Mode::Stop;
            self.shown = None;
        }
        ends
    }

    fn waiting(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| !held.goes)
    }

    fn shown(&self) -> Option<&Held> {
        self.waiting().find(|held| Some(held.stop.thread) == self.shown)
    }

    /// Whether an arrival is the one to show: if nobody is shown, and no other thread was let go and is still expected.
    fn shows_arrival(&mut self, stop: Stop) -> bool {
        let is_due = match self.mode {
            Mode::Step { thread, .. } => thread == stop.thread || self.blocked.contains(&thread),
            _ => self.shown().is_none(),
        };
        if is_due {
            self.mode = Mode::Stop;
            self.shown = Some(stop.thread);
            self.held.iter_mut().filter(|held| held.stop == stop).for_each(|held| held.is_seen = true);
        }
        is_due
    }

    /// Shows a thread that was held already, and says so in the log.
    fn show(&mut self, thread: ThreadId, shared: &Shared) {
        self.shown = Some(thread);
        self.held.iter_mut().filter(|held| held.stop.thread == thread).for_each(|held| held.is_seen = true);
        if let Some(held) = self.shown() {
            let Stop { lane, span, edge, .. } = held.stop;
            shared.say(held.key, &held.thread, lane, Kind::Hold { span, edge, is_shown: true });
        }
    }

    /// A run that was for a lane which is over ends with the next arrival of anybody.
    fn lanes_ended(&mut self, shared: &Shared) {
        let ended = std::mem::take(&mut shared.collector().model.ended);
        if let Mode::Until(until) = &self.mode
            && ended.iter().any(|lane| until.is_for(*lane))
        {
            self.mode = Mode::Stop;
        }
    }

    /// If the thread that was let go does not arrive, shows one that is held.
    fn settle(&mut self, shared: &Shared) {
        let Mode::Step { thread, since } = self.mode else { return };
        let expected = !self.blocked.contains(&thread) && since.elapsed() < self.settle;
        let other = self.waiting().next().map(|held| held.stop.thread);
        if let Some(other) = other.filter(|_| !expected) {
            self.mode = Mode::Stop;
            self.show(other, shared);
        }
    }

    fn release_all(&mut self) {
        for held in &mut self.held {
            held.goes = true;
        }
        self.shown = None;
    }

    fn run_until(&mut self, until: Until) {
        self.mode = Mode::Until(until);
        self.release_all();
    }

    fn carry_out(&mut self, command: Command, shared: &Shared) {
        self.settle(shared);
        let runs = matches!(command, Command::Continue | Command::RunTo(_) | Command::Over | Command::Out);
        let unseen = self.waiting().find(|held| held.on.is_some() && !held.is_seen).map(|held| held.stop.thread);
        if let Some(thread) = unseen.filter(|_| runs) {
            self.mode = Mode::Stop;
            return self.show(thread, shared);
        }
        let shown = self.shown().map(|held| (held.stop, held.depth));
        match (command, shown) {
            (Command::Breakpoints(breakpoints), _) => {
                self.breaks.change(breakpoints);
                let Self { breaks, held, .. } = self;
                held.iter_mut().for_each(|held| held.on = held.on.filter(|id| breaks.is_on(*id)));
            }
            (Command::Continue, _) => {
                self.mode = Mode::Free;
                self.release_all();
            }
            (Command::RunTo(target), _) => self.run_until(Until::Target(target)),
            (Command::Pause, None) => {
                if !matches!(self.mode, Mode::Step { .. }) {
                    self.mode = Mode::Stop;
                }
            }
            (Command::Pause, Some(_)) => {}
            // Nobody is held: the next watched point is where to go, whatever was asked.
            (Command::Into | Command::Over | Command::Out | Command::NextLane, None) => {
                if !matches!(self.mode, Mode::Step { .. }) {
                    self.mode = Mode::Stop;
                }
            }
            (Command::Into, Some((stop, _))) => self.step(stop),
            (Command::Over, Some((stop, depth))) => {
                self.run_until(Until::Depth { lane: stop.lane, depth, exits_only: false });
            }
            (Command::Out, Some((stop, 0))) => self.run_until(Until::LaneEnd(stop.lane)),
            (Command::Out, Some((stop, depth))) => {
                self.run_until(Until::Depth { lane: stop.lane, depth: depth - 1, exits_only: true });
            }
            (Command::NextLane, Some((stop, _))) => {
                let at = self.waiting().position(|held| held.stop == stop).unwrap_or(0);
                let others: Vec<_> = self.waiting().map(|held| held.stop.thread).collect();
                match others.iter().cycle().nth(at + 1) {
                    Some(next) if *next != stop.thread => self.show(*next, shared),
                    _ => self.run_until(Until::OtherLane(stop.lane)),
                }
            }
        }
    }

    fn step(&mut self, stop: Stop) {
        if let Some(held) = self.held.iter_mut().find(|held| held.stop == stop) {
            held.goes = true;
        }
        self.shown = None;
        self.mode = Mode::Step { thread: stop.thread, since: Instant::now() };
    }

    fn status(&self) -> Status {
        let run = match (&self.mode, self.shown()) {
            (Mode::Free, _) => Run::Free,
            (_, Some(held)) => Run::Paused(held.stop),
            (_, None) => Run::Stepping,
        };
        let on = self.shown().and_then(|held| held.on);
        let held = self.waiting().map(|held| held.stop).collect();
        Status { run, held, detached: self.detached, on, hits: self.breaks.hits() }
    }
}
