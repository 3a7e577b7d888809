//! The lanes that are open, by name and by number.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::trace::{LaneId, LaneKind, Thread};

/// Lanes of tasks that have nothing open, beyond which the one that has been so for longest ends: nobody tells when a task
/// is over.
const IDLE_TASKS: usize = 256;

/// A lane that is open.
pub(super) struct OpenLane {
    pub(super) name: Arc<str>,
    pub(super) kind: LaneKind,
    /// The thread on which it was made, or that ran it last.
    pub(super) thread: Arc<Thread>,
    /// The task whose doings it is, where they name no lane.
    task: Option<u64>,
    /// Its open spans, counted for such a task only.
    spans: u32,
}

/// Every open lane.
#[derive(Default)]
pub(super) struct Lanes {
    made: u32,
    open: BTreeMap<LaneId, OpenLane>,
    by_name: HashMap<Arc<str>, LaneId>,
    by_task: HashMap<u64, LaneId>,
    idle: VecDeque<LaneId>,
}

impl Lanes {
    /// The open lane of a name, and whether it had to be opened.
    pub(super) fn named(&mut self, name: &Arc<str>, kind: LaneKind, thread: &Arc<Thread>) -> (LaneId, bool) {
        if let Some(lane) = self.by_name.get(name) {
            return (*lane, false);
        }
        self.made += 1;
        let lane = LaneId(self.made);
        let open = OpenLane { name: name.clone(), kind, thread: thread.clone(), task: None, spans: 0 };
        self.open.insert(lane, open);
        self.by_name.insert(name.clone(), lane);
        (lane, true)
    }

    /// The lane of a task that names none, and whether it had to be opened.
    pub(super) fn of_task(&mut self, task: u64, thread: &Arc<Thread>) -> (LaneId, bool) {
        if let Some(lane) = self.by_task.get(&task) {
            return (*lane, false);
        }
        let (lane, is_new) = self.named(&format!("task-{task}").into(), LaneKind::Task, thread);
        self.by_task.insert(task, lane);
        if let Some(open) = self.open.get_mut(&lane) {
            open.task = Some(task);
        }
        (lane, is_new)
    }

    /// The open lane of a name.
    pub(super) fn find(&self, name: &str) -> Option<LaneId> {
        self.by_name.get(name).copied()
    }

    /// An open lane.
    pub(super) fn get(&self, lane: LaneId) -> Option<&OpenLane> {
        self.open.get(&lane)
    }

    /// All open lanes, in the order in which they came to be.
    pub(super) fn iter(&self) -> impl Iterator<Item = (LaneId, &OpenLane)> {
        self.open.iter().map(|(lane, open)| (*lane, open))
    }

    /// A span of a task's lane was opened.
    pub(super) fn span_opened(&mut self, lane: LaneId) {
        if let Some(open) = self.open.get_mut(&lane) {
            open.spans += 1;
        }
    }

    /// A span of a task's lane is over. The lane of another task may end for that.
    pub(super) fn span_closed(&mut self, lane: LaneId) -> Option<LaneId> {
        let open = self.open.get_mut(&lane)?;
        open.spans = open.spans.saturating_sub(1);
        if open.spans > 0 || open.task.is_none() {
            return None;
        }
        self.idle.push_back(lane);
        let oldest = if self.idle.len() > IDLE_TASKS { self.idle.pop_front() } else { None }?;
        let is_idle = self.open.get(&oldest).is_some_and(|open| open.spans == 0);
        (is_idle && !self.idle.contains(&oldest)).then_some(oldest)
    }

    /// The lane ends, and its name is free. False if it was not open.
    pub(super) fn close(&mut self, lane: LaneId) -> bool {
        let Some(open) = self.open.remove(&lane) else { return false };
        self.by_name.remove(&open.name);
        if let Some(task) = open.task {
            self.by_task.remove(&task);
        }
        true
    }
}
