//! Mirrors what gevent's greenlets are to connections: one line of execution for each, run by the hub in turns.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

/// A greenlet as a task of the loop: every resumption goes through `run_callbacks`.
struct Scheduled {
    lane: String,
    event_loop: Arc<EventLoop>,
    greenlet: Greenlet,
    _counted: Counted,
}

impl Future for Scheduled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { lane, event_loop, greenlet: Greenlet { span, future }, .. } = self.get_mut();
        event_loop.resume(lane, || span.in_scope(|| future.as_mut().poll(cx)))
    }
}

/// The connections of a server: mirrors the `Pool` that a server spawns into.
pub struct Connections {
    event_loop: Arc<EventLoop>,
    numbers: AtomicU64,
    drain: watch::Sender<bool>,
    /// How many there are; who waits for the end of all of them watches this.
    alive: watch::Sender<usize>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

struct Counted(watch::Sender<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|alive| *alive -= 1);
    }
}

/// Tells a handler that the server stops.
pub(super) struct Draining(watch::Receiver<bool>);

impl Draining {
    /// Ready when the server stops.
    pub(super) async fn begun(&mut self) {
        // The sender lives as long as the server; if it is gone the server is too.
        let _ = self.0.wait_for(|drains| *drains).await;
    }
}

impl Connections {
    pub(super) fn new(event_loop: Arc<EventLoop>) -> Self {
        Self {
            event_loop,
            numbers: AtomicU64::new(0),
            drain: watch::Sender::new(false),
            alive: watch::Sender::new(0),
            tasks: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn event_loop(&self) -> &Arc<EventLoop> {
        &self.event_loop
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn draining(&self) -> Draining {
        Draining(self.drain.subscribe())
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        *self.alive.borrow()
    }

    /// Mirrors `Greenlet.start`: schedules the greenlet; it runs when the callbacks of this or the next turn do.
    pub(super) fn spawn(&self, lane: &str, greenlet: Greenlet) {
        self.alive.send_modify(|alive| *alive += 1);
        let scheduled = Scheduled {
            lane: lane.to_owned(),
            event_loop: self.event_loop.clone(),
            greenlet,
            _counted: Counted(self.alive.clone()),
        };
        let task = hub::spawn(lane, scheduled);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
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
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let left: Vec<_> = tasks.into_iter().filter(|task| !task.is_finished()).collect();
        for task in &left {
            task.abort();
        }
        left.len()
    }
}
