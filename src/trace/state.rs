//! The state of every lane at one position of the log.
//!
//! ```text
//!   lane main  PAUSED ON STEP        lane hub  created, not run
//!     spawn      ◄ innermost
//!     apply
//!     run
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::event::keep_last;
use super::outline::LATELY_DONE;
use super::{
    Callsite, Edge, Event, Field, Kind, LaneId, LaneKind, Seq, SpanId, Stop, Thread, ThreadId, Time, Value, field,
};

/// All lanes that are not over, and the few that were over last, after some number of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// In the order of their ids. Shared with other states until they change: a state is cheap to keep.
    pub(super) lanes: Vec<Arc<Lane>>,
    /// Those of them that are over, in the order of their ends.
    pub(super) done: VecDeque<LaneId>,
    /// Per thread the spans entered and not exited, outermost first. No thread without one.
    pub(super) threads: BTreeMap<ThreadId, Vec<(SpanId, LaneId)>>,
    /// The threads that have entered or are held.
    pub(super) names: BTreeMap<ThreadId, Arc<Thread>>,
    /// Held threads, in the order of arrival.
    pub(super) held: Vec<Stop>,
    /// The held thread that is shown as paused.
    pub(super) paused: Option<ThreadId>,
    /// Span entered last, whichever lane.
    pub(super) last_entered: Option<SpanId>,
}

/// One line of execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Its id.
    pub id: LaneId,
    /// Its name.
    pub name: Arc<str>,
    /// Thread or task.
    pub kind: LaneKind,
    /// The thread that ran it last, or made it.
    pub thread: Arc<Thread>,
    /// Its open spans, outermost first.
    pub stack: Vec<Frame>,
    /// It has entered a span at some time.
    pub has_run: bool,
    /// It will not run again.
    pub is_done: bool,
}

/// An open span.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The span.
    pub span: SpanId,
    /// The span it is inside of.
    pub parent: Option<SpanId>,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// Its fields as recorded so far, later values last: of one that was recorded again and again the last four.
    pub fields: Vec<Field>,
    /// When it was opened, raw.
    pub opened: Time,
    /// How often it was entered: for a future once per poll.
    pub enters: u32,
    /// It is on a thread now.
    pub is_entered: bool,
}

impl Lane {
    /// The calls that are under way, outermost first: open spans that were entered at least once.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = &Frame> {
        self.stack.iter().filter(|frame| frame.enters > 0)
    }
}

impl Frame {
    /// The latest value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        field(&self.fields, name)
    }
}

/// What a lane is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It exists and has not run.
    Created,
    /// It has control of a thread.
    Running,
    /// Its thread is blocked in the event loop's poll.
    Polling,
    /// It has open spans and no control: what it waits for, in the program's words.
    Waiting(String),
    /// It has open spans, and the recording does not say whether it runs or waits.
    Unknown,
    /// It is held at the edge of a call and is the lane the person looks at.
    Paused(Edge),
    /// It is held at its next watched point while another lane is stepped.
    Held(Edge),
    /// It has run, has no open span, and may run again.
    Idle,
    /// It is over.
    Done,
}

impl State {
    /// Takes in what happened next.
    pub fn apply(&mut self, event: &Event) {
        let lane = event.lane;
        match &event.kind {
            Kind::LaneOpen { name, kind } => {
                let lane = Lane {
                    id: lane,
                    name: name.clone(),
                    kind: *kind,
                    thread: event.thread.clone(),
                    stack: Vec::new(),
                    has_run: false,
                    is_done: false,
                };
                if let Err(at) = self.lanes.binary_search_by_key(&lane.id, |other| other.id) {
                    self.lanes.insert(at, Arc::new(lane));
                }
            }
            Kind::LaneClose => {
                if self.lane(lane).is_some_and(|lane| !lane.is_done) {
                    self.with_lane(lane, |lane| lane.is_done = true);
                    self.done.push_back(lane);
                }
                if self.done.len() > LATELY_DONE {
                    let oldest = self.done.pop_front();
                    self.lanes.retain(|lane| Some(lane.id) != oldest);
                }
            }
            Kind::Open { span, parent, callsite, fields } => {
                let frame = Frame {
                    span: *span,
                    parent: *parent,
                    callsite: callsite.clone(),
                    fields: fields.clone(),
                    opened: event.time,
                    enters: 0,
                    is_entered: false,
                };
                self.with_lane(lane, |lane| lane.stack.push(frame));
            }
            Kind::Enter { span } => {
                let is_open = |lane: &Lane| lane.stack.iter().any(|frame| frame.span == *span);
                if !self.lane(lane).is_some_and(is_open) {
                    return;
                }
                self.names.entry(event.thread.id).or_insert_with(|| event.thread.clone());
                self.threads.entry(event.thread.id).or_default().push((*span, lane));
                self.last_entered = Some(*span);
                self.with_lane(lane, |lane| {
                    lane.has_run = true;
                    lane.thread = event.thread.clone();
                });
                self.with_frame(lane, *span, |frame| {
                    frame.enters += 1;
                    frame.is_entered = true;
                });
            }
            Kind::Exit { span } => {
                if let Some(stack) = self.threads.get_mut(&event.thread.id)
                    && let Some(at) = stack.iter().rposition(|entered| entered.0 == *span)
                {
                    stack.remove(at);
                    if stack.is_empty() {
                        self.threads.remove(&event.thread.id);
                    }
                }
                // It may be on another thread as well, or on this one for a second time.
                let is_entered = self.threads.values().flatten().any(|entered| entered.0 == *span);
                self.with_frame(lane, *span, |frame| frame.is_entered = is_entered);
                self.forget_if_idle(event.thread.id);
            }
            Kind::Close { span } => self.with_lane(lane, |lane| lane.stack.retain(|frame| frame.span != *span)),
            Kind::Record { span, fields } => {
                self.with_frame(lane, *span, |frame| {
                    frame.fields.extend(fields.iter().cloned());
                    keep_last(&mut frame.fields);
                });
            }
            Kind::Hold { span, edge, is_shown } => {
                let thread = event.thread.id;
                self.names.entry(thread).or_insert_with(|| event.thread.clone());
                if !self.held.iter().any(|held| held.thread == thread) {
                    self.held.push(Stop { lane, thread, span: *span, edge: *edge });
                }
                if *is_shown {
                    self.paused = Some(thread);
                }
            }
            Kind::Release { .. } => {
                self.held.retain(|held| held.thread != event.thread.id);
                if self.paused == Some(event.thread.id) {
                    self.paused = None;
                }
                self.forget_if_idle(event.thread.id);
            }
            Kind::Note { .. } | Kind::Switch { .. } | Kind::Wake { .. } | Kind::Dropped { .. } => {}
        }
    }

    fn forget_if_idle(&mut self, thread: ThreadId) {
        if !self.threads.contains_key(&thread) && !self.held.iter().any(|held| held.thread == thread) {
            self.names.remove(&thread);
        }
    }

    fn with_lane(&mut self, id: LaneId, change: impl FnOnce(&mut Lane)) {
        if let Ok(at) = self.lanes.binary_search_by_key(&id, |lane| lane.id) {
            change(Arc::make_mut(&mut self.lanes[at]));
        }
    }

    fn with_frame(&mut self, lane: LaneId, span: SpanId, change: impl FnOnce(&mut Frame)) {
        self.with_lane(lane, |lane| {
            if let Some(frame) = lane.stack.iter_mut().rev().find(|frame| frame.span == span) {
                change(frame);
            }
        });
    }

    /// The lanes that are not over and the few that were over last, in the order of their ids. [`Log::lanes`] has all.
    ///
    /// [`Log::lanes`]: super::Log::lanes
    #[must_use]
    pub fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// A lane by its id, unless it has been over for long.
    #[must_use]
    pub fn lane(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.binary_search_by_key(&id, |lane| lane.id).ok().map(|at| &*self.lanes[at])
    }

    /// A lane by its name, the newest of that name.
    #[must_use]
    pub fn lane_named(&self, name: &str) -> Option<&Lane> {
        self.lanes.iter().rev().find(|lane| &*lane.name == name).map(|lane| &**lane)
    }

    /// An open span, with its lane.
    #[must_use]
    pub fn frame(&self, span: SpanId) -> Option<(&Lane, &Frame)> {
        self.lanes.iter().find_map(|lane| Some((&**lane, lane.stack.iter().find(|frame| frame.span == span)?)))
    }

    /// The lane that is shown as paused, and where.
    #[must_use]
    pub fn paused(&self) -> Option<Stop> {
        self.held.iter().find(|stop| Some(stop.thread) == self.paused).copied()
    }

    /// Every held thread.
    #[must_use]
    pub fn held(&self) -> &[Stop] {
        &self.held
    }

    /// The span entered last, in whichever lane; it may be closed.
    #[must_use]
    pub fn last_entered(&self) -> Option<SpanId> {
        self.last_entered
    }

    /// The lane that has control of a thread, and the innermost call with which it has.
    #[must_use]
    pub fn on_thread(&self, thread: ThreadId) -> Option<(SpanId, LaneId)> {
        self.threads.get(&thread).and_then(|stack| stack.last()).copied()
    }

    /// The lane that has control of a thread, by the thread's innermost entered span.
    pub(super) fn in_control(&self) -> impl Iterator<Item = (SpanId, LaneId)> + '_ {
        self.threads.values().filter_map(|stack| stack.last().copied())
    }

    /// What a lane is doing.
    #[must_use]
    pub fn activity(&self, lane: &Lane) -> Activity {
        if lane.is_done {
            return Activity::Done;
        }
        if let Some(stop) = self.paused().filter(|stop| stop.lane == lane.id) {
            return Activity::Paused(stop.edge);
        }
        if let Some(stop) = self.held.iter().find(|stop| stop.lane == lane.id) {
            return Activity::Held(stop.edge);
        }
        let Some(innermost) = lane.frames().last() else {
            return if lane.has_run { Activity::Idle } else { Activity::Created };
        };
        if !lane.kind.tells_runs() {
            return Activity::Unknown;
        }
        if let Some((top, _)) = self.in_control().find(|control| control.1 == lane.id) {
            let on_top = lane.stack.iter().find(|frame| frame.span == top).unwrap_or(innermost);
            return match on_top.field("blocks").and_then(Value::as_str) {
                Some("poll") => Activity::Polling,
                Some(what) => Activity::Waiting(what.to_owned()),
                None => Activity::Running,
            };
        }
        let reason = innermost.field("reason").and_then(Value::as_str).unwrap_or(&innermost.callsite.name);
        Activity::Waiting(reason.to_owned())
    }

    /// What is open, as events that rebuild it: lanes, calls, which of them are on a thread, and who is held. Times are those of
    /// the calls' openings; places in the log count from 0.
    #[must_use]
    pub fn open_set(&self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut push = |time: Time, thread: &Arc<Thread>, lane: LaneId, kind: Kind| {
            let seq = Seq(events.len() as u64);
            events.push(Event { seq, time, thread: thread.clone(), lane, kind });
        };
        for lane in self.lanes.iter().filter(|lane| !lane.is_done) {
            let began = lane.stack.first().map_or(Time(0), |frame| frame.opened);
            push(began, &lane.thread, lane.id, Kind::LaneOpen { name: lane.name.clone(), kind: lane.kind });
            for frame in &lane.stack {
                let Frame { span, parent, callsite, fields, .. } = frame.clone();
                // The latest value of each name.
                let later = |at: usize, field: &Field| fields[at + 1..].iter().any(|other| other.name == field.name);
                let latest = fields.iter().enumerate().filter(|(at, field)| !later(*at, field));
                let fields = latest.map(|(_, field)| field.clone()).collect();
                push(frame.opened, &lane.thread, lane.id, Kind::Open { span, parent, callsite, fields });
                if frame.enters > 0 && !frame.is_entered {
                    push(frame.opened, &lane.thread, lane.id, Kind::Enter { span });
                    push(frame.opened, &lane.thread, lane.id, Kind::Exit { span });
                }
            }
        }
        for (thread, entered) in &self.threads {
            for &(span, lane) in entered {
                let opened = self.frame(span).map_or(Time(0), |(_, frame)| frame.opened);
                push(opened, &self.names[thread], lane, Kind::Enter { span });
            }
        }
        for stop in &self.held {
            let opened = self.frame(stop.span).map_or(Time(0), |(_, frame)| frame.opened);
            let is_shown = self.paused == Some(stop.thread);
            push(
                opened,
                &self.names[&stop.thread],
                stop.lane,
                Kind::Hold { span: stop.span, edge: stop.edge, is_shown },
            );
        }
        events
    }
}
