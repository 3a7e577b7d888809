//! The lanes that are open, by name and by number.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::spans::IdHasher;
use crate::trace::{LaneId, LaneKind, Thread, ThreadId};

/// Lanes of tasks that have nothing open, beyond which the one that has been so for longest ends: nobody tells when a task
/// is over.
const IDLE_TASKS: usize = 256;
/// Lanes that were announced and have not run, beyond which the one that has waited longest ends: nobody tells when a task
/// was dropped before it ran. Many more than of those that have run: a burst of new connections is to wait for its turn.
const ANNOUNCED: usize = 4096;

/// A lane that is open.
pub(super) struct OpenLane {
    pub(super) name: Arc<str>,
    pub(super) kind: LaneKind,
    /// The thread on which it was made, or that ran it last.
    pub(super) thread: Arc<Thread>,
    /// The task whose doings it is, where they name no lane; or the thread that is not over, outside of tasks.
    task: Option<u64>,
    owner: Option<ThreadId>,
    /// A span that nobody is around has named it, or one that opened it: with its last span it ends.
    has_root: bool,
    /// Something has been done in it; until then it was only announced.
    has_run: bool,
    /// Its place among the lanes that wait for something to do, if it is there.
    waits: Option<u64>,
}

/// Every open lane.
#[derive(Default)]
pub(super) struct Lanes {
    made: u32,
    open: BTreeMap<LaneId, OpenLane>,
    by_name: HashMap<Arc<str>, LaneId>,
    by_task: HashMap<u64, LaneId>,
    by_thread: HashMap<ThreadId, LaneId>,
    spans: Counts,
    /// Lanes of tasks that had nothing open when they were used last, and those that have not run, oldest first.
    idle: BTreeMap<u64, LaneId>,
    announced: BTreeMap<u64, LaneId>,
    /// How often a lane has begun to wait.
    waits: u64,
    /// How many have been closed: as long as it is the same, all that were open are.
    pub(super) closed: u64,
}

impl Lanes {
    /// The open lane of a name, and whether it had to be opened.
    pub(super) fn named(&mut self, name: &Arc<str>, kind: LaneKind, thread: &Arc<Thread>) -> (LaneId, bool) {
        if let Some(lane) = self.by_name.get(name) {
            return (*lane, false);
        }
        self.made += 1;
        let lane = LaneId(self.made);
        let thread = thread.clone();
        let (task, owner, has_root, has_run, waits) = (None, None, false, false, None);
        self.open.insert(lane, OpenLane { name: name.clone(), kind, thread, task, owner, has_root, has_run, waits });
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
        self.runs(lane);
        (lane, is_new)
    }

    /// The lane of a thread, and whether it had to be opened. It has the thread's name, unless that is the lane of another
    /// thread: the workers of a runtime are all called the same.
    pub(super) fn of_thread(&mut self, thread: &Arc<Thread>) -> (LaneId, bool) {
        if let Some(lane) = self.by_thread.get(&thread.id) {
            return (*lane, false);
        }
        let owner = self.find(&thread.name).and_then(|lane| self.get(lane)?.owner);
        let (lane, is_new) = match owner {
            Some(_) => self.named(&format!("{}#{}", thread.name, thread.id).into(), LaneKind::Thread, thread),
            None => self.named(&thread.name, LaneKind::Thread, thread),
        };
        if let Some(open) = self.open.get_mut(&lane) {
            open.owner = Some(thread.id);
        }
        self.by_thread.insert(thread.id, lane);
        self.runs(lane);
        (lane, is_new)
    }

    /// A thread is over. Its lane, if it has one, ends at once or with its last span; which lane that is if it is at once.
    pub(super) fn thread_ended(&mut self, thread: ThreadId) -> Option<LaneId> {
        let lane = self.by_thread.remove(&thread)?;
        let is_idle = self.is_idle(lane);
        let open = self.open.get_mut(&lane)?;
        (open.owner, open.has_root) = (None, true);
        is_idle.then_some(lane)
    }

    /// Something is done in a lane that was looked for by its name. Whether it is the first.
    pub(super) fn runs(&mut self, lane: LaneId) -> bool {
        let Some(open) = self.open.get_mut(&lane) else { return false };
        let is_first = !std::mem::replace(&mut open.has_run, true);
        if is_first && let Some(place) = open.waits.take() {
            self.announced.remove(&place);
        }
        is_first
    }

    /// A lane has been announced. Which lane ends for that: one that has not run for long.
    pub(super) fn announced(&mut self, lane: LaneId) -> Option<LaneId> {
        let open = self.open.get_mut(&lane).filter(|open| !open.has_run && open.waits.is_none())?;
        self.waits += 1;
        open.waits = Some(self.waits);
        self.announced.insert(self.waits, lane);
        if self.announced.len() > ANNOUNCED { self.announced.pop_first().map(|oldest| oldest.1) } else { None }
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

    /// A span of the lane was opened.
    #[inline]
    pub(super) fn span_opened(&mut self, lane: LaneId) {
        *self.spans.of(lane) += 1;
    }

    /// The lane ends with its last span.
    pub(super) fn got_root(&mut self, lane: LaneId) {
        if let Some(open) = self.open.get_mut(&lane) {
            open.has_root = true;
        }
    }

    /// A span of the lane is over. Which lane ends for that: this one, or that of a task which has done nothing for long.
    #[inline]
    pub(super) fn span_closed(&mut self, lane: LaneId) -> Option<LaneId> {
        let spans = self.spans.of(lane);
        *spans = spans.checked_sub(1)?;
        if *spans > 0 {
            return None;
        }
        if self.open.get(&lane)?.has_root { Some(lane) } else { self.used(lane) }
    }

    /// Something was done in a lane, if it is that of a task and has nothing open now. Which lane ends for that: that of a
    /// task which has done nothing for long.
    pub(super) fn used(&mut self, lane: LaneId) -> Option<LaneId> {
        if !self.is_idle(lane) || self.idle.last_key_value().is_some_and(|last| *last.1 == lane) {
            return None;
        }
        let open = self.open.get_mut(&lane).filter(|open| open.task.is_some())?;
        self.waits += 1;
        if let Some(before) = open.waits.replace(self.waits) {
            self.idle.remove(&before);
        }
        self.idle.insert(self.waits, lane);
        if self.idle.len() <= IDLE_TASKS {
            return None;
        }
        let (_, oldest) = self.idle.pop_first()?;
        if let Some(open) = self.open.get_mut(&oldest) {
            open.waits = None;
        }
        // Else it has something open again.
        self.is_idle(oldest).then_some(oldest)
    }

    /// Whether a lane has no open span.
    pub(super) fn is_idle(&self, lane: LaneId) -> bool {
        self.spans.is_none(lane)
    }

    /// The lane ends, and its name is free. False if it was not open.
    pub(super) fn close(&mut self, lane: LaneId) -> bool {
        let Some(open) = self.open.remove(&lane) else { return false };
        self.closed += 1;
        self.by_name.remove(&open.name);
        if let Some(task) = open.task {
            self.by_task.remove(&task);
        }
        if let Some(owner) = open.owner {
            self.by_thread.remove(&owner);
        }
        if let Some(place) = open.waits {
            self.idle.remove(&place);
            self.announced.remove(&place);
        }
        true
    }
}

/// Open spans of each lane that has any. Most of what happens is in the lane in which something happened before.
#[derive(Default)]
struct Counts {
    last: (LaneId, u32),
    others: HashMap<LaneId, u32, BuildHasherDefault<IdHasher>>,
}

impl Counts {
    /// The count of a lane.
    #[inline]
    fn of(&mut self, lane: LaneId) -> &mut u32 {
        if self.last.0 != lane {
            let count = self.others.remove(&lane).unwrap_or(0);
            let before = std::mem::replace(&mut self.last, (lane, count));
            if before.1 > 0 {
                self.others.insert(before.0, before.1);
            }
        }
        &mut self.last.1
    }

    fn is_none(&self, lane: LaneId) -> bool {
        if self.last.0 == lane { self.last.1 == 0 } else { !self.others.contains_key(&lane) }
    }
}
