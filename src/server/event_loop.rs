//! Mirrors `gevent/libuv/loop.py`: one turn after another of poll, fired watchers, callbacks.
//!
//! ```text
//!   poll ──► fired watchers (on_async, do_read) ──► run_callbacks (main, handlers) ──► poll …
//!            └─────────────── one turn ───────────────────────┘
//! ```
//!
//! The loop is tokio's; this file says what tokio lets us know of it. `poll` comes from the hooks around parking, so it is
//! a poll that may block; polls of zero length under load have no hook and are not claimed. A watcher is a task that waits
//! for its descriptor and says so when it fires. Callbacks are what gets control back afterwards: the main lane, or a
//! handler. The reason why the loop woke is the first watcher or callback of the turn. tokio does not tell the descriptors of
//! its epoll and of its own eventfd, nor how many bytes hyper has read: they are left out.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tracing::span::EnteredSpan;
use tracing::{Span, debug, debug_span};

use super::ServerError;
use super::event::Interrupt;

/// What tokio asks the system with.
pub(super) const BACKEND: &str = if cfg!(any(target_os = "linux", target_os = "android")) {
    "epoll"
} else if cfg!(windows) {
    "iocp"
} else {
    "kqueue"
};

/// Mirrors `loop`.
#[derive(Default)]
pub struct EventLoop {
    turn: AtomicU64,
    watchers: AtomicUsize,
    /// Somebody was scheduled with `run_callback` and has not run: the next poll cannot block.
    callbacks_pending: AtomicBool,
}

/// What is going on in this turn. Kept by the thread, since entered spans are.
#[derive(Default)]
struct Turn {
    poll: Option<EnteredSpan>,
    callbacks: Option<EnteredSpan>,
    /// Since `callbacks` was opened.
    callbacks_open: u64,
    /// In the whole turn.
    callbacks_run: u64,
    watchers_fired: u64,
    woke: Option<Woke>,
}

/// Why the loop woke. Put into words only for whoever watches.
enum Woke {
    /// A watcher of this name fired, on this descriptor.
    Watcher(&'static str, i64),
    /// The main lane was ready.
    Main,
    /// The handler of this lane was.
    Handler(Arc<str>),
}

impl fmt::Display for Woke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watcher(watcher, fd) => write!(f, "{watcher} on fd {fd}"),
            Self::Main => f.write_str("main"),
            Self::Handler(lane) => f.write_str(lane),
        }
    }
}

thread_local! {
    static TURN: RefCell<Turn> = RefCell::new(Turn::default());
}

/// Changes what is kept of the turn. Spans are never entered or left inside: the thread may be held there.
fn with_turn<T>(change: impl FnOnce(&mut Turn) -> T) -> T {
    TURN.with_borrow_mut(change)
}

impl EventLoop {
    /// Mirrors `loop.run`: its span. Upstream it is called once and does not return.
    pub(super) fn run(&self) -> Span {
        debug_span!("run", lane = "hub", reason = "main to wait again", backend = BACKEND)
    }

    /// Which turn this is, from 1; 0 before the first poll.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    pub(super) fn watcher_started(&self) {
        self.watchers.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a watcher as stopped when the guard is dropped.
    pub(super) fn count_watcher(self: &Arc<Self>) -> impl Drop + Send + use<> {
        struct Counted(Arc<EventLoop>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.watchers.fetch_sub(1, Ordering::Relaxed);
            }
        }
        Counted(self.clone())
    }

    /// The runtime is about to poll: the turn is over.
    pub(super) fn before_poll(&self) {
        self.end_turn();
        if !self.callbacks_pending.load(Ordering::Acquire) {
            self.poll();
        }
    }

    /// The system call in which the loop sleeps until a descriptor is ready, a timer is due or somebody wakes it. It has no
    /// Python function of its own: upstream it is inside libuv's `uv_run`.
    fn poll(&self) {
        let watchers = self.watchers.load(Ordering::Relaxed);
        let poll = debug_span!("poll", turn = self.turn() + 1, watchers, blocks = "poll").entered();
        with_turn(|turn| turn.poll = Some(poll));
    }

    /// The runtime has polled: a turn begins.
    pub(super) fn after_poll(&self) {
        let poll = with_turn(|turn| turn.poll.take());
        if poll.is_some() {
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
        drop(poll);
    }

    /// A watcher's descriptor is ready; its callback runs next, in the hub.
    pub(super) fn fired(&self, watcher: &'static str, fd: i64) {
        self.end_callbacks();
        with_turn(|turn| {
            turn.watchers_fired += 1;
            turn.woke.get_or_insert(Woke::Watcher(watcher, fd));
        });
        debug!(watcher, fd, "watcher fired");
    }

    /// Mirrors `loop.run_callback`: somebody is to run when the watchers of this turn have had theirs.
    pub(super) fn run_callback(&self, who: Waker) {
        self.callbacks_pending.store(true, Ordering::Release);
        who.wake();
    }

    /// Mirrors `loop._run_callbacks`: gives control to whoever is ready. Open from the first of them to the end of the turn,
    /// or until the main lane has it.
    fn run_callbacks(&self, who: impl FnOnce() -> Woke) {
        self.callbacks_pending.store(false, Ordering::Release);
        let is_open = with_turn(|turn| {
            turn.callbacks_run += 1;
            turn.callbacks_open += 1;
            turn.woke.get_or_insert_with(who);
            turn.callbacks.is_some()
        });
        if !is_open {
            let callbacks =
                debug_span!("run_callbacks", turn = self.turn(), callbacks = tracing::field::Empty).entered();
            with_turn(|turn| turn.callbacks = Some(callbacks));
        }
    }

    fn end_callbacks(&self) {
        let (callbacks, count) = with_turn(|turn| (turn.callbacks.take(), std::mem::take(&mut turn.callbacks_open)));
        if let Some(callbacks) = callbacks {
            callbacks.record("callbacks", count);
        }
    }

    fn end_turn(&self) {
        self.end_callbacks();
        let Turn { callbacks_run, watchers_fired, woke, .. } = with_turn(std::mem::take);
        if let Some(woke) = woke {
            debug!(message = "turn over", turn = self.turn(), %woke, watchers_fired, callbacks = callbacks_run);
        }
    }

    /// Gives a handler control: everything that is polled as one goes through here.
    pub(super) fn resume<T>(&self, lane: &Arc<str>, poll: impl FnOnce() -> T) -> T {
        self.run_callbacks(|| Woke::Handler(lane.clone()));
        poll()
    }

    /// What the main lane waits for, or an interrupt. When it is ready, `run_callbacks` gives the main lane control; it is
    /// closed before `block_on` returns, or it would take the main lane's next spans for its own.
    pub(super) async fn resume_main<T>(
        &self,
        future: impl Future<Output = T>,
        interrupt: &Interrupt,
    ) -> Result<T, ServerError> {
        let mut future = pin!(future);
        let output = std::future::poll_fn(|cx: &mut Context<'_>| {
            if interrupt.poll(cx.waker()).is_ready() {
                return Poll::Ready(Err(ServerError::Interrupted));
            }
            future.as_mut().poll(cx).map(Ok)
        })
        .await;
        self.run_callbacks(|| Woke::Main);
        self.end_turn();
        output
    }
}
