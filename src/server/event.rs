//! Mirrors `gevent/event.py`: what one line of execution waits for and another brings about.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tracing::{Span, debug, instrument};

use super::ServerError;
use super::event_loop::EventLoop;
use super::hub::Hub;

/// Mirrors `AsyncResult`: a value that will be there.
pub(super) struct AsyncResult<T> {
    event_loop: Arc<EventLoop>,
    inner: Mutex<(Option<T>, Option<Waker>)>,
}

impl<T> AsyncResult<T> {
    pub(super) fn new(event_loop: Arc<EventLoop>) -> Self {
        Self { event_loop, inner: Mutex::new((None, None)) }
    }

    /// Mirrors `AsyncResult.get`: if the value is not there, gives control to the hub until it is. The first call of this
    /// is where the loop starts to run.
    ///
    /// # Errors
    /// [`ServerError::Interrupted`].
    #[instrument(skip_all, fields(reason = "AsyncResult.get", value))]
    pub(super) fn get(&self, hub: &Hub) -> Result<T, ServerError> {
        let value = hub.switch(poll_fn(|cx| {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            match inner.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    inner.1 = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        }));
        Span::current().record("value", if value.is_ok() { "there" } else { "interrupted" });
        value
    }

    /// Mirrors `AsyncResult.set`: the value is there, and whoever waits for it is scheduled. It runs later, from
    /// `run_callbacks`.
    pub(super) fn set(&self, value: T) {
        let waiting = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.0 = Some(value);
            inner.1.take()
        };
        if let Some(waiting) = waiting {
            debug!(wakes = "main", reason = "AsyncResult.set");
            self.event_loop.run_callback(waiting);
        }
    }
}

/// Mirrors `Event`: a flag to wait for.
pub(super) struct Event {
    is_set: AtomicBool,
}

impl Event {
    /// An event that is set.
    pub(super) fn new_set() -> Self {
        Self { is_set: AtomicBool::new(true) }
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Mirrors `Event.set`.
    #[instrument(skip_all)]
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
    }

    /// Mirrors `Event.clear`.
    #[instrument(skip_all)]
    pub(super) fn clear(&self) {
        self.is_set.store(false, Ordering::Release);
    }

    /// Mirrors `Event.wait`: gives control to the hub until the event is set. For the stop event that is the rest of the
    /// server's life; nothing but an interrupt ends it, since only `close` sets it and `close` comes after.
    ///
    /// # Errors
    /// [`ServerError::Interrupted`].
    #[instrument(skip_all, fields(reason = "stop_event", ended_by))]
    pub(super) fn wait(&self, hub: &Hub) -> Result<(), ServerError> {
        let ended = hub.switch(poll_fn(|_| if self.is_set() { Poll::Ready(()) } else { Poll::Pending }));
        Span::current().record("ended_by", if ended.is_ok() { "the event" } else { "an interrupt" });
        ended
    }
}

/// What Ctrl-C is to Python: something that ends whatever the main lane waits for. Clones share it; each interrupt ends
/// one wait.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<InterruptState>);

#[derive(Default)]
struct InterruptState {
    inner: Mutex<(u32, Option<Waker>)>,
    changed: Condvar,
}

impl Interrupt {
    /// Ends the wait that is going on, or the next.
    pub(super) fn interrupt(&self) {
        let waiting = {
            let mut inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.0 += 1;
            inner.1.take()
        };
        self.0.changed.notify_all();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Ready when there was one, which is used up by this.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<()> {
        let mut inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.0 > 0 {
            inner.0 -= 1;
            return Poll::Ready(());
        }
        inner.1 = Some(waker.clone());
        Poll::Pending
    }

    /// Blocks the thread this long. Says whether there was an interrupt instead, which is not used up.
    pub(super) fn sleep(&self, this_long: Duration) -> bool {
        let inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (inner, _) = self
            .0
            .changed
            .wait_timeout_while(inner, this_long, |inner| inner.0 == 0)
            .unwrap_or_else(PoisonError::into_inner);
        inner.0 > 0
    }
}
