//! The chain of what had to be waited for: what a lane did until an instant, and where it waited, what the one did that
//! ended the waiting.
//!
//! ```text
//!   main    spawn ─┐                                            ┌─ get … ◄ asked for
//!   hub            ┆              ┌ poll wakes ─ on_async ─ gives way ┘
//!   worker         └► run_task ── wakes the loop ┘
//! ```
//!
//! Walked backwards from the end. A lane that had its thread was at work: its innermost call is a part of the path. Before
//! that somebody had woken it, given it the thread, or made it: the latest of these, and the path goes on there. Where the
//! recording names nobody, the lane waited for the world outside. The parts lie end to end and fill the whole stretch.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::turns::{Turn, Turns};
use super::{Event, Kind, LaneId, Log, SpanId, Time, Value, field};

/// Turns and edges that are kept at the most. A longer stretch has no path: nobody would read it.
const LONGEST: usize = 2_000_000;

/// What the path is asked for: a lane in a stretch of raw time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Where the path ends.
    pub lane: LaneId,
    /// Its beginning, raw.
    pub from: Time,
    /// Its end, raw.
    pub to: Time,
}

/// A part of the path.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Who.
    pub lane: LaneId,
    /// The innermost call, if there was one.
    pub span: Option<SpanId>,
    /// Its beginning, raw.
    pub from: Time,
    /// Its end, raw.
    pub to: Time,
    /// At work or waiting.
    pub doing: Doing,
    /// What made it begin, where another lane did.
    pub because: Option<Because>,
}

/// What a lane does in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It has the thread.
    Works,
    /// It could go on, and has not got the thread yet.
    Starts,
    /// It waits, and the recording does not say for whom.
    Waits,
    /// It is there, and the recording does not say whether it runs or waits.
    Unknown,
}

/// How one lane made another go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Because {
    /// Who did.
    pub by: LaneId,
    /// How.
    pub how: How,
    /// In the program's words.
    pub reason: Option<Arc<str>>,
}

/// The ways of making another lane go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was woken.
    Woken,
    /// It was given the thread.
    Given,
    /// It was made.
    Made,
}

/// A search for the path under way: reads the stretch a slice at a time, then walks back.
#[derive(Clone, Debug)]
pub struct CriticalPath {
    stage: Stage,
    at: Option<usize>,
    first: usize,
    end: usize,
    turns: Turns,
    lanes: HashMap<LaneId, Past>,
    /// Lanes of which it is not known when they ran.
    untold: HashSet<LaneId>,
    kept: usize,
}

/// What is known of a lane in the stretch.
#[derive(Clone, Debug, Default)]
struct Past {
    /// In order.
    turns: Vec<Turn>,
    /// Those that were blocked, in order: in what the lane waited.
    blocked: Vec<Turn>,
    /// Who made it go on, in order.
    edges: Vec<(Time, Because)>,
}

/// The stretch is too long for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this stretch has more than {LONGEST} turns; zoom the timeline in, or choose a shorter call")]
pub struct TooLong;

impl CriticalPath {
    /// A search that has read nothing.
    #[must_use]
    pub fn new(log: &Log, stage: Stage) -> Self {
        let program = |raw| log.clock().program(raw);
        let first = log.cursor_at(Time(program(stage.from).0.saturating_sub(1)));
        let end = log.cursor_at(program(stage.to));
        let (turns, lanes, untold) = (Turns::default(), HashMap::new(), HashSet::new());
        Self { stage, at: None, first, end: end.max(first), turns, lanes, untold, kept: 0 }
    }

    /// What was asked for.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether there is something that has not been read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.kept <= LONGEST && self.at.is_none_or(|at| at < self.end)
    }

    /// How many of how many events have been read.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.at.map_or(0, |at| at - self.first), self.end - self.first)
    }

    /// Reads on, at most this many events.
    pub fn read(&mut self, log: &Log, at_most: usize) {
        let from = self.at.unwrap_or_else(|| {
            if self.first > 0 {
                for mut event in log.state_at(self.first).open_set() {
                    event.time = event.time.max(self.stage.from);
                    self.turns.feed(&event);
                }
            }
            self.first
        });
        let to = self.end.min(from.saturating_add(at_most));
        for event in log.events_in(from..to) {
            self.take(log, &event);
        }
        self.at = Some(to);
        if to == self.end {
            let under_way: Vec<Turn> = self.turns.under_way(self.stage.to).collect();
            under_way.into_iter().for_each(|turn| self.keep(turn));
            let met = self.lanes.keys().copied().chain([self.stage.lane]);
            self.untold = met.filter(|lane| !log.tells_runs(*lane)).collect();
            for past in self.lanes.values_mut() {
                past.turns.sort_by_key(|turn| turn.from);
                past.blocked.sort_by_key(|turn| turn.from);
            }
        }
    }

    fn keep(&mut self, turn: Turn) {
        let turn = Turn { from: turn.from.max(self.stage.from), to: turn.to.min(self.stage.to), ..turn };
        if turn.from < turn.to {
            self.kept += 1;
            let past = self.lanes.entry(turn.lane).or_default();
            if turn.is_blocked { past.blocked.push(turn) } else { past.turns.push(turn) }
        }
    }

    fn edge(&mut self, lane: LaneId, at: Time, by: LaneId, how: How, reason: Option<Arc<str>>) {
        if by != lane {
            self.kept += 1;
            self.lanes.entry(lane).or_default().edges.push((at, Because { by, how, reason }));
        }
    }

    fn take(&mut self, log: &Log, event: &Event) {
        match &event.kind {
            Kind::Switch { to, reason } => self.edge(*to, event.time, event.lane, How::Given, reason.clone()),
            Kind::Wake { to, reason } => self.edge(*to, event.time, event.lane, How::Woken, reason.clone()),
            Kind::LaneOpen { .. } => {
                if let Some(by) = self.turns.lane_on(event.thread.id) {
                    self.edge(event.lane, event.time, by, How::Made, None);
                }
            }
            // Who made a lane is said by its first call, where no thread tells.
            Kind::Open { fields, .. } | Kind::Record { fields, .. } => {
                let cause = match field(fields, "follows_from") {
                    Some(Value::Span(cause)) => log.span(*cause),
                    _ => None,
                };
                let is_first = self.lanes.get(&event.lane).is_none_or(|past| past.edges.is_empty());
                if let Some(cause) = cause.filter(|_| is_first) {
                    self.edge(event.lane, event.time, cause.lane, How::Made, None);
                }
            }
            _ => {}
        }
        if let Some(turn) = self.turns.feed(event) {
            self.keep(turn);
        }
    }

    /// The path, from the beginning to the end, once everything is read.
    ///
    /// # Errors
    /// If the stretch is too long.
    pub fn parts(&self) -> Result<Vec<Part>, TooLong> {
        if self.kept > LONGEST {
            return Err(TooLong);
        }
        let Stage { lane, from, to } = self.stage;
        let mut walk = Walk { lanes: &self.lanes, parts: Vec::new(), lane, turn_to: to, heir: None, met: vec![lane] };
        let mut now = to;
        while now > from {
            now = walk.back(now, from);
        }
        let mut parts = walk.parts;
        parts.reverse();
        for part in parts.iter_mut().filter(|part| self.untold.contains(&part.lane)) {
            part.doing = Doing::Unknown;
        }
        Ok(parts)
    }
}

struct Walk<'a> {
    lanes: &'a HashMap<LaneId, Past>,
    /// Latest first.
    parts: Vec<Part>,
    lane: LaneId,
    /// The end of the turn that begins at this instant: a thread is given with its first turn, and may be said to be after it.
    turn_to: Time,
    /// The lane that got the thread from this one: who wakes it while this one is blocked has both go on.
    heir: Option<LaneId>,
    /// The lanes the path has come through at this instant; it comes back to none of them.
    met: Vec<LaneId>,
}

impl Walk<'_> {
    /// Goes back from an instant, and says to which.
    fn back(&mut self, now: Time, begin: Time) -> Time {
        let turns = self.lanes.get(&self.lane).map_or(&[][..], |past| &past.turns);
        let before = turns.partition_point(|turn| turn.from < now);
        let last = before.checked_sub(1).map(|at| turns[at]);
        if let Some(turn) = last.filter(|turn| turn.to >= now) {
            self.add(Some(turn.span), turn.from, now, Doing::Works);
            (self.turn_to, self.met) = (turn.to, vec![self.lane]);
            return turn.from;
        }
        // It did not work. Since when, and who ended that?
        let idle_from = last.map_or(begin, |turn| turn.to).max(begin);
        let span = self.waits_in(idle_from, now).or(last.map(|turn| turn.span));
        let Some((at, because)) = self.edge(idle_from, now) else {
            self.add(span, idle_from, now, Doing::Waits);
            self.heir = None;
            (self.turn_to, self.met) = (idle_from, vec![self.lane]);
            return idle_from;
        };
        if at < now {
            self.add(span, at, now, Doing::Starts);
            self.met.clear();
        }
        self.heir = (because.how == How::Given).then_some(self.lane);
        self.met.push(self.lane);
        self.turn_to = at;
        let by = because.by;
        if let Some(part) = self.parts.last_mut().filter(|part| part.lane == self.lane) {
            part.because = Some(because);
        }
        self.lane = by;
        at
    }

    /// The call in which the lane was blocked.
    fn waits_in(&self, from: Time, to: Time) -> Option<SpanId> {
        let blocked = self.lanes.get(&self.lane).map_or(&[][..], |past| &past.blocked);
        let last = blocked.partition_point(|turn| turn.from < to).checked_sub(1)?;
        (blocked[last].to > from).then_some(blocked[last].span)
    }

    /// The latest that had the lane go on, or woke its heir.
    fn edge(&self, after: Time, now: Time) -> Option<(Time, Because)> {
        let mut found: Option<(Time, Because)> = None;
        for lane in [self.lane].iter().chain(&self.heir) {
            let edges = self.lanes.get(lane).map_or(&[][..], |past| &past.edges);
            let end = edges.partition_point(|edge| edge.0 <= self.turn_to);
            let fits = |(at, because): &&(Time, Because)| {
                let is_in_time = *at <= now || because.how == How::Given;
                let is_for_us = *lane == self.lane || because.how == How::Woken;
                is_in_time && is_for_us && because.by != self.lane && !self.met.contains(&because.by)
            };
            let latest = edges[..end].iter().rev().take_while(|edge| edge.0 >= after).find(fits);
            if let Some((at, because)) = latest {
                let at = (*at).min(now);
                if found.as_ref().is_none_or(|found| found.0 < at) {
                    found = Some((at, because.clone()));
                }
            }
        }
        found
    }

    fn add(&mut self, span: Option<SpanId>, from: Time, to: Time, doing: Doing) {
        match self.parts.last_mut() {
            // The same call before and after something that took no time.
            Some(later)
                if later.because.is_none()
                    && (later.lane, later.span, later.doing) == (self.lane, span, doing)
                    && later.from == to =>
            {
                later.from = from;
            }
            _ => self.parts.push(Part { lane: self.lane, span, from, to, doing, because: None }),
        }
    }
}
