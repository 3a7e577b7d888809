//! Mirrors what gevent's greenlets are to connections: one line of execution for each, run by the hub in turns.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Span;

use super::ServerError;
use super::event_loop::EventLoop;
use super::hub::{self, Hub};

/// A future with its span: the span is entered whenever the future runs, and at no other time.
pub struct Greenlet {
    span: Span,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Greenlet {
    pub(super) fn new(span: Span, future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { span, future: Box::pin(future) }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Mirrors `gevent.getcurrent`: the lane of the greenlet that runs, if one does.
pub(super) fn getcurrent() -> Option<Arc<str>> {
    CURRENT.with_borrow(Clone::clone)
}

/// A greenlet as a task of the loop: every resumption goes through `run_callbacks`.
struct Scheduled {
    lane: Arc<str>,
    event_loop: Arc<EventLoop>,
    greenlet: Greenlet,
    _counted: (Option<Counted>, Counted),
    _listed: Listed,
}

impl Future for Scheduled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { lane, event_loop, greenlet: Greenlet { span, future }, .. } = self.get_mut();
        let before = CURRENT.replace(Some(lane.clone()));
        let polled = event_loop.resume(lane, || span.in_scope(|| future.as_mut().poll(cx)));
        CURRENT.set(before);
        polled
    }
}

/// The connections of a server: mirrors the `Pool` that a server spawns into.
pub struct Connections {
    event_loop: Arc<EventLoop>,
    most: Option<usize>,
    numbers: AtomicU64,
    drain: watch::Sender<bool>,
    /// How many there are.
    connected: watch::Sender<usize>,
    /// The same with the sessions that have no connection of their own; who waits for the end of all watches this.
    alive: watch::Sender<usize>,
    tasks: Tasks,
    /// How many tasks were made.
    scheduled: AtomicU64,
}

/// The tasks that have not ended, for who may have to end them. What a task took in memory is kept as long as it is listed.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<HashMap<u64, JoinHandle<()>>>>);

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task is listed until this is dropped, with its future.
struct Listed(Tasks, u64);

impl Drop for Listed {
    fn drop(&mut self) {
        let task = self.0.lock().remove(&self.1);
        // Behind the lock.
        drop(task);
    }
}

struct Counted(watch::Sender<usize>);

impl Counted {
    fn one_more(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Tells a handler that the server stops.
pub(super) struct Draining(watch::Receiver<bool>);

impl Draining {
    /// Of a server that does not stop.
    #[cfg(test)]
    pub(super) fn never() -> Self {
        Self(watch::Sender::new(false).subscribe())
    }

    /// Whether it does.
    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Ready when the server stops.
    pub(super) async fn begun(&mut self) {
        // The sender lives as long as the server; if it is gone the server is too.
        let _ = self.0.wait_for(|drains| *drains).await;
    }
}

impl Connections {
    /// `most`: how many there may be at a time.
    pub(super) fn new(event_loop: Arc<EventLoop>, most: Option<usize>) -> Self {
        Self {
            event_loop,
            most,
            numbers: AtomicU64::new(0),
            drain: watch::Sender::new(false),
            connected: watch::Sender::new(0),
            alive: watch::Sender::new(0),
            tasks: Tasks::default(),
            scheduled: AtomicU64::new(0),
        }
    }

    pub(super) fn event_loop(&self) -> &Arc<EventLoop> {
        &self.event_loop
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the server stops.
    pub(super) fn is_draining(&self) -> bool {
        *self.drain.borrow()
    }

    pub(super) fn draining(&self) -> Draining {
        Draining(self.drain.subscribe())
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        *self.connected.borrow()
    }

    /// Mirrors `Pool.full`.
    pub(super) fn full(&self) -> bool {
        self.most.is_some_and(|most| self.len() >= most)
    }

    /// Ready when there is room for another connection.
    pub(super) async fn has_room(&self) {
        let Some(most) = self.most else { return };
        // The sender lives as long as this.
        let _ = self.connected.subscribe().wait_for(|connected| *connected < most).await;
    }

    /// Mirrors `Pool.start`: a connection's greenlet is scheduled; it runs when the callbacks of this or the next turn do.
    pub(super) fn start(&self, lane: &str, greenlet: Greenlet) {
        self.schedule(lane, greenlet, Some(Counted::one_more(&self.connected)));
    }

    /// Mirrors `Greenlet.spawn`: the same for one that is not in the pool, and is waited for all the same when the server stops.
    pub(super) fn spawn(&self, lane: &str, greenlet: Greenlet) {
        self.schedule(lane, greenlet, None);
    }

    fn schedule(&self, lane: &str, greenlet: Greenlet, connected: Option<Counted>) {
        let number = self.scheduled.fetch_add(1, Ordering::Relaxed);
        let scheduled = Scheduled {
            lane: lane.into(),
            event_loop: self.event_loop.clone(),
            greenlet,
            _counted: (connected, Counted::one_more(&self.alive)),
            _listed: Listed(self.tasks.clone(), number),
        };
        // It does not run before this thread, which is the loop's, gets back to the loop.
        let task = hub::spawn(lane, scheduled);
        self.tasks.lock().insert(number, task);
    }

    /// Mirrors `Pool.join(timeout)`: asks every handler to end after the request it is in, and waits for that.
    ///
    /// # Errors
    /// [`ServerError::Interrupted`].
    #[tracing::instrument(skip_all, fields(reason = "pool.join"))]
    pub(super) fn join(&self, hub: &Hub, at_most: Duration) -> Result<(), ServerError> {
        self.drain.send_replace(true);
        let mut alive = self.alive.subscribe();
        if *alive.borrow_and_update() == 0 {
            return Ok(());
        }
        let all_gone = async move {
            let gone = alive.wait_for(|alive| *alive == 0);
            let _ = tokio::time::timeout(at_most, gone).await;
        };
        hub.switch(all_gone)
    }

    /// Mirrors `Pool.kill`: ends what is left, and says how many that were.
    pub(super) fn kill(&self) -> usize {
        let listed = std::mem::take(&mut *self.tasks.lock());
        let left = listed.values().filter(|task| !task.is_finished());
        left.inspect(|task| task.abort()).count()
    }
}
