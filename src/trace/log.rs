//! The append-only log, with the indexes that keep every question cheap.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Callsite, Event, Kind, LaneId, LaneKind, ProgramClock, Seq, SpanId, State, Time};

/// Events between two kept states: what `state_at` replays at the most.
const CHECKPOINT: usize = 256;

/// Everything that happened, in order. Grows at the end only.
#[derive(Clone, Debug, Default)]
pub struct Log {
    events: Vec<Event>,
    spans: HashMap<SpanId, SpanRecord>,
    lanes: Vec<LaneRecord>,
    clock: ProgramClock,
    /// State before event `i * CHECKPOINT`.
    checkpoints: Vec<State>,
    latest: State,
    dropped: u64,
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
    /// Stretches on a thread: raw times of enter and exit.
    pub entered: Vec<(Time, Option<Time>)>,
}

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
    pub runs: Vec<(Time, Option<Time>)>,
    /// Its spans by depth, each list in the order of opening.
    pub rows: Vec<Vec<SpanId>>,
}

impl Log {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what happened next. Events must come in the order of `seq`.
    pub fn push(&mut self, event: Event) {
        if self.events.len().is_multiple_of(CHECKPOINT) {
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
                let depth = around.filter(|parent| parent.lane == event.lane).map_or(0, |parent| parent.depth + 1);
                self.spans.insert(
                    *span,
                    SpanRecord {
                        id: *span,
                        lane: event.lane,
                        parent: *parent,
                        callsite: callsite.clone(),
                        depth,
                        open: at,
                        close: None,
                        entered: Vec::new(),
                    },
                );
                if let Some(lane) = self.lane_mut(event.lane) {
                    if lane.rows.len() <= depth {
                        lane.rows.resize_with(depth + 1, Vec::new);
                    }
                    lane.rows[depth].push(*span);
                }
            }
            Kind::Enter { span } => {
                if let Some(span) = self.spans.get_mut(span) {
                    span.entered.push((event.time, None));
                }
            }
            Kind::Exit { span } => {
                if let Some(stretch) = self.spans.get_mut(span).and_then(|span| span.entered.last_mut()) {
                    stretch.1 = Some(event.time);
                }
            }
            Kind::Close { span } => {
                if let Some(span) = self.spans.get_mut(span) {
                    span.close = Some(at);
                }
            }
            Kind::Hold { .. } => self.clock.hold(event.time),
            Kind::Release { .. } => self.clock.release(event.time),
            Kind::Dropped { count } => self.dropped += count,
            Kind::LaneClose | Kind::Record { .. } | Kind::Note { .. } | Kind::Switch { .. } | Kind::Wake { .. } => {}
        }
    }

    fn lane_mut(&mut self, id: LaneId) -> Option<&mut LaneRecord> {
        self.lanes.iter_mut().rev().find(|lane| lane.id == id)
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

    /// All events, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// A span that was opened.
    #[must_use]
    pub fn span(&self, id: SpanId) -> Option<&SpanRecord> {
        self.spans.get(&id)
    }

    /// All lanes, in the order in which they came to be.
    #[must_use]
    pub fn lanes(&self) -> &[LaneRecord] {
        &self.lanes
    }

    /// A lane by its id.
    #[must_use]
    pub fn lane(&self, id: LaneId) -> Option<&LaneRecord> {
        self.lanes.iter().rev().find(|lane| lane.id == id)
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
        let checkpoint = cursor / CHECKPOINT;
        let mut state = self.checkpoints[checkpoint].clone();
        for event in &self.events[checkpoint * CHECKPOINT..cursor] {
            state.apply(event);
        }
        state
    }
}
