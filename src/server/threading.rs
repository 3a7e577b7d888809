//! Mirrors `gevent/_threading.py`: the queue between the loop's thread and the workers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Span, instrument};

/// Mirrors `Queue`: tasks in, tasks out, from any thread.
pub(super) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
    idle: Duration,
}

struct Inner<T> {
    tasks: VecDeque<T>,
    is_closed: bool,
}

impl<T> Queue<T> {
    /// A queue whose takers give up after `idle` without a task.
    pub(super) fn new(idle: Duration) -> Self {
        Self { inner: Mutex::new(Inner { tasks: VecDeque::new(), is_closed: false }), changed: Condvar::new(), idle }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mirrors `Queue.put`.
    #[instrument(skip_all, fields(queued))]
    pub(super) fn put(&self, task: T) {
        let queued = {
            let mut inner = self.lock();
            inner.tasks.push_back(task);
            inner.tasks.len()
        };
        Span::current().record("queued", queued);
        self.changed.notify_one();
    }

    /// Takes back what was put last, if nobody has it yet.
    pub(super) fn take_back(&self) {
        self.lock().tasks.pop_back();
    }

    /// Mirrors `Queue.get`: the next task. Waits for one, asleep in the kernel and on no socket, until it has been idle
    /// for long enough.
    #[instrument(skip_all, fields(blocks = "a task", idle_ms = self.idle.as_millis(), got))]
    pub(super) fn get(&self) -> Option<T> {
        let task = {
            let inner = self.lock();
            let is_empty = |inner: &mut Inner<T>| inner.tasks.is_empty() && !inner.is_closed;
            let (mut inner, _) =
                self.changed.wait_timeout_while(inner, self.idle, is_empty).unwrap_or_else(PoisonError::into_inner);
            inner.tasks.pop_front()
        };
        Span::current().record("got", if task.is_some() { "a task" } else { "nothing" });
        task
    }

    /// No more tasks: whoever waits gets nothing.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        inner.tasks.clear();
        self.changed.notify_all();
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}
