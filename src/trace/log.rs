//! The append-only log, with the indexes that keep every question cheap.

use std::collections::HashMap;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use super::{Callsite, Event, Key, Kind, LaneId, LaneKind, ProgramClock, Seq, SpanId, State, Time};

/// Events between two kept states of a short log: what `state_at` replays at the most.
const INTERVAL: usize = 256;
/// Kept states at the most. A log that needs more keeps every other of them and doubles the interval.
const CHECKPOINTS: usize = 256;

/// Everything that happened, in order. Grows at the end only.
#[derive(Clone, Debug)]
pub struct Log {
    events: Vec<Event>,
    spans: HashMap<SpanId, (SpanRecord, Vec<Stretch>)>,
    lanes: Vec<LaneRecord>,
    clock: ProgramClock,
    /// State before event `i * interval`.
    checkpoints: Vec<State>,
    interval: usize,
    latest: State,
    dropped: u64,
    /// The place in the recording of the chunk that should come next: the log's own places have no gaps.
    pub(super) next_in_recording: u64,
}

/// A span over its whole life, as far as the log goes.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanRecord {
    /// Its id.
    pub id: SpanId,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// The span it is inside of.
    pub parent: Option<SpanId>,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// How many spans of its lane are around it.
    pub depth: usize,
    /// Its opening: place in the log and raw time.
    pub open: (Seq, Time),
    /// Its close, if it is over.
    pub close: Option<(Seq, Time)>,
    /// When it was first put on a thread, raw; [`Log::stretches`] has all of its time there.
    pub entered: Option<Time>,
}

/// A stretch of raw time; without an end it goes on.
pub type Stretch = (Time, Option<Time>);

/// A lane over its whole life.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneRecord {
    /// Its id.
    pub id: LaneId,
    /// Its name, such as `hub` or `conn-1`.
    pub name: Arc<str>,
    /// Thread or task.
    pub kind: LaneKind,
    /// When it came to be: place in the log and raw time.
    pub open: (Seq, Time),
    /// Stretches in which it had control of its thread and was not blocked in the operating system.
    pub(super) runs: Vec<Stretch>,
    /// Its spans by depth, each list in the order of opening.
    pub(super) rows: Vec<Vec<SpanId>>,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self {
            events: Vec::new(),
            spans: HashMap::new(),
            lanes: Vec::new(),
            clock: ProgramClock::default(),
            checkpoints: Vec::new(),
            interval: INTERVAL,
            latest: State::default(),
            dropped: 0,
            next_in_recording: 0,
        }
    }

    /// Adds what happened next. Events must come in the order of `seq`, lanes in the order of their ids.
    pub fn push(&mut self, event: Event) {
        if self.events.len().is_multiple_of(self.interval) {
            if self.checkpoints.len() == CHECKPOINTS {
                let mut at = 0;
                self.checkpoints.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.interval *= 2;
            }
            // After a doubling this place is a multiple of the new interval too: there is an even number of checkpoints.
            self.checkpoints.push(self.latest.clone());
        }
        self.index(&event);
        let before = self.latest.running_lanes();
        self.latest.apply(&event);
        let after = self.latest.running_lanes();
        if before != after {
            for lane in before.iter().filter(|lane| !after.contains(lane)) {
                if let Some(run) = self.lane_mut(*lane).and_then(|lane| lane.runs.last_mut()) {
                    run.1.get_or_insert(event.time);
                }
            }
            for lane in after.iter().filter(|lane| !before.contains(lane)) {
                if let Some(lane) = self.lane_mut(*lane) {
                    lane.runs.push((event.time, None));
                }
            }
        }
        self.events.push(event);
    }

    fn index(&mut self, event: &Event) {
        let at = (event.seq, event.time);
        match &event.kind {
            Kind::LaneOpen { name, kind } => self.lanes.push(LaneRecord {
                id: event.lane,
                name: name.clone(),
                kind: *kind,
                open: at,
                runs: Vec::new(),
                rows: Vec::new(),
            }),
            Kind::Open { span, parent, callsite, .. } => {
                let around = parent.and_then(|parent| self.spans.get(&parent));
                let depth = around.filter(|parent| parent.0.lane == event.lane).map_or(0, |parent| parent.0.depth + 1);
                let record = SpanRecord {
                    id: *span,
                    lane: event.lane,
                    parent: *parent,
                    callsite: callsite.clone(),
                    depth,
                    open: at,
                    close: None,
                    entered: None,
                };
                self.spans.insert(*span, (record, Vec::new()));
                if let Some(lane) = self.lane_mut(event.lane) {
                    if lane.rows.len() <= depth {
                        lane.rows.resize_with(depth + 1, Vec::new);
                    }
                    lane.rows[depth].push(*span);
                }
            }
            Kind::Enter { span } => {
                if let Some(span) = self.spans.get_mut(span) {
                    span.0.entered.get_or_insert(event.time);
                    span.1.push((event.time, None));
                }
            }
            Kind::Exit { span } => {
                if let Some(stretch) = self.spans.get_mut(span).and_then(|span| span.1.last_mut()) {
                    stretch.1 = Some(event.time);
                }
            }
            Kind::Close { span } => {
                if let Some(span) = self.spans.get_mut(span) {
                    span.0.close = Some(at);
                }
            }
            Kind::Hold { is_shown, .. } => {
                if *is_shown {
                    self.clock.hold(event.time);
                }
            }
            Kind::Release { .. } => self.clock.release(event.time),
            Kind::Dropped { count } => self.dropped = self.dropped.saturating_add(*count),
            Kind::LaneClose | Kind::Record { .. } | Kind::Note { .. } | Kind::Switch { .. } | Kind::Wake { .. } => {}
        }
    }

    fn lane_mut(&mut self, id: LaneId) -> Option<&mut LaneRecord> {
        self.lanes.binary_search_by_key(&id, |lane| lane.id).ok().map(|at| &mut self.lanes[at])
    }

    /// How many events there are; also the cursor that stands at the end.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The event at a place, from 0. The cursor behind it is one more.
    #[must_use]
    pub fn event(&self, at: usize) -> Option<Event> {
        self.events.get(at).cloned()
    }

    /// The events at some places, in order: `..` for all, `..cursor` for those before a cursor.
    pub fn events_in(&self, range: impl RangeBounds<usize>) -> impl Iterator<Item = Event> + '_ {
        let from = match range.start_bound() {
            Bound::Included(at) => *at,
            Bound::Excluded(at) => at.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(at) => at.saturating_add(1),
            Bound::Excluded(at) => *at,
            Bound::Unbounded => self.len(),
        };
        let to = to.min(self.len());
        self.events[from.min(to)..to].iter().cloned()
    }

    /// How many spans were opened.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.spans.len()
    }

    /// All spans, in no order.
    pub fn spans(&self) -> impl Iterator<Item = SpanRecord> + '_ {
        self.spans.values().map(|span| span.0.clone())
    }

    /// A span that was opened.
    #[must_use]
    pub fn span(&self, id: SpanId) -> Option<SpanRecord> {
        self.spans.get(&id).map(|span| span.0.clone())
    }

    /// A span's stretches on a thread, in order: of a future one per poll.
    pub fn stretches(&self, id: SpanId) -> impl Iterator<Item = Stretch> + '_ {
        self.spans.get(&id).into_iter().flat_map(|span| span.1.iter().copied())
    }

    /// Whether any call so far has this name.
    #[must_use]
    pub fn has_call_named(&self, name: &str) -> bool {
        self.spans.values().any(|span| *span.0.callsite.name == *name)
    }

    /// Whether a call had been opened among the first `cursor` events.
    #[must_use]
    pub fn has_opened(&self, key: &Key, cursor: usize) -> bool {
        let events = &self.events[..cursor.min(self.events.len())];
        events.iter().any(|event| matches!(&event.kind, Kind::Open { callsite, .. } if key.matches(callsite)))
    }

    /// All lanes, in the order in which they came to be.
    #[must_use]
    pub fn lanes(&self) -> &[LaneRecord] {
        &self.lanes
    }

    /// A lane by its id.
    #[must_use]
    pub fn lane(&self, id: LaneId) -> Option<&LaneRecord> {
        self.lanes.binary_search_by_key(&id, |lane| lane.id).ok().map(|at| &self.lanes[at])
    }

    /// Program time.
    #[must_use]
    pub fn clock(&self) -> &ProgramClock {
        &self.clock
    }

    /// How many events the recorder could not keep.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Raw time at a cursor: of the last event before it.
    #[must_use]
    pub fn time_at(&self, cursor: usize) -> Time {
        let last = cursor.min(self.events.len()).checked_sub(1);
        last.map_or(Time(0), |last| self.events[last].time)
    }

    /// The cursor at a program time: behind the last event that is not later.
    #[must_use]
    pub fn cursor_at(&self, program: Time) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            // The cursor behind an event stands at its time.
            if self.clock.program(self.time_at(middle + 1)) <= program { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The state at the end: what is live.
    #[must_use]
    pub fn latest(&self) -> &State {
        &self.latest
    }

    /// The state after the first `cursor` events (all of them if there are fewer).
    #[must_use]
    pub fn state_at(&self, cursor: usize) -> State {
        if cursor >= self.events.len() {
            return self.latest.clone();
        }
        let checkpoint = cursor / self.interval;
        let mut state = self.checkpoints[checkpoint].clone();
        for event in &self.events[checkpoint * self.interval..cursor] {
            state.apply(event);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Thread, ThreadId};

    /// Lanes that come and go, one call each: three events a lane and one for its end.
    fn long(events: u64) -> Log {
        let mut log = Log::new();
        let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
        let callsite = Arc::new(Callsite { name: "call".into(), target: "test".into(), file: None, line: None });
        for seq in 0..events {
            let number = seq / 4;
            let (lane, span) = (LaneId(number as u32 + 1), SpanId(number + 1));
            let kind = match seq % 4 {
                0 => Kind::LaneOpen { name: format!("lane-{number}").into(), kind: LaneKind::Task },
                1 => Kind::Open { span, parent: None, callsite: callsite.clone(), fields: Vec::new() },
                2 => Kind::Close { span },
                _ => Kind::LaneClose,
            };
            log.push(Event { seq: Seq(seq), time: Time(seq), thread: thread.clone(), lane, kind });
        }
        log
    }

    #[test]
    fn a_long_log_keeps_few_states_and_rebuilds_all() {
        // Long enough for two doublings.
        let events = 3 * INTERVAL * CHECKPOINTS;
        let log = long(events as u64);
        assert!(log.checkpoints.len() <= CHECKPOINTS);
        assert_eq!(log.interval, 4 * INTERVAL);
        for cursor in [0, 1, 1_023, 1_024, 1_025, 99_999, events - 1, events] {
            let mut replayed = State::default();
            for event in log.events_in(..cursor) {
                replayed.apply(&event);
            }
            assert!(log.state_at(cursor) == replayed, "cursor {cursor}");
        }
    }
}
