//! Mirrors `gevent/hub.py`: the hub, which runs the loop whenever everybody else waits.
//!
//! gevent's hub is a greenlet: a stack of its own on the same thread, entered once and parked whenever another greenlet
//! runs. Here it is a tokio runtime on the calling thread, and the switch to it is `block_on`: control goes in, and comes
//! back when what was waited for has happened. The spans of the hub's run and of the loop's run are opened at the first
//! switch and kept: entered at each switch in, left at each switch back, open in between, as upstream.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{EnterGuard, Runtime};
use tokio::task::JoinHandle;
use tracing::{Span, debug, debug_span};

use super::ServerError;
use super::event::Interrupt;
use super::event_loop::{self, EventLoop};

/// Mirrors `Hub`.
pub struct Hub {
    runtime: Runtime,
    event_loop: Arc<EventLoop>,
    interrupt: Interrupt,
    /// The hub's run and the loop's run, from the first switch on.
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    hub: Option<Span>,
    event_loop: Option<Span>,
}

impl Hub {
    /// Mirrors `Hub.__init__`: creates the loop (an epoll and an eventfd, on Linux) and runs nothing.
    pub(super) fn new(interrupt: Interrupt) -> Result<Self, ServerError> {
        let event_loop = Arc::new(EventLoop::default());
        let (park, unpark) = (event_loop.clone(), event_loop.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || park.before_poll())
            .on_thread_unpark(move || unpark.after_poll())
            .build()
            .map_err(ServerError::Loop)?;
        debug!(opens_lane = "hub");
        debug!(
            event_loop = "tokio current_thread",
            backend = event_loop::BACKEND,
            state = "created, not run",
            "hub created"
        );
        Ok(Self { runtime, event_loop, interrupt, running: Mutex::default() })
    }

    pub(super) fn event_loop(&self) -> &Arc<EventLoop> {
        &self.event_loop
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Registering a descriptor with the loop needs to know which loop.
    pub(super) fn enter_runtime(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Mirrors starting a watcher: a task of the loop, which names itself to tokio-console.
    pub(super) fn watch(&self, name: &str, watcher: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.event_loop.watcher_started();
        let event_loop = self.event_loop.clone();
        let _runtime = self.enter_runtime();
        spawn(name, async move {
            let _counted = event_loop.count_watcher();
            watcher.await;
        })
    }

    /// Mirrors `watcher.stop()` and `watcher.close()`: waits until the task, which has been asked to, has ended, and dropped what
    /// it owns.
    pub(super) fn join(&self, watcher: JoinHandle<()>) {
        let abort = watcher.abort_handle();
        // A second interrupt leaves it to the runtime's end.
        let _ = self.switch(watcher);
        abort.abort();
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mirrors `Hub.run`, which calls the loop's run and is left only when somebody else is to run. Its span is opened at
    /// the first switch, and that of the loop's run inside it.
    fn run<T>(&self, until: impl Future<Output = T>) -> T {
        let run = self.running().hub.clone();
        let run = run.unwrap_or_else(|| {
            let run = debug_span!(parent: None, "run", lane = "hub", reason = "main to wait again");
            run.follows_from(Span::current());
            self.running().hub.insert(run).clone()
        });
        run.in_scope(|| {
            let loop_run = self.running().event_loop.clone();
            let loop_run = loop_run.unwrap_or_else(|| self.running().event_loop.insert(self.event_loop.run()).clone());
            loop_run.in_scope(|| self.runtime.block_on(until))
        })
    }

    /// Mirrors `Hub.switch`: the calling lane gives control away and gets it back when `future` is ready, or when
    /// somebody interrupts. Only the main lane may do this; tokio panics if a task tries.
    pub(super) fn switch<T>(&self, future: impl Future<Output = T>) -> Result<T, ServerError> {
        let output = self.run(self.event_loop.resume_main(future, &self.interrupt));
        debug!("block_on returned");
        output
    }
}

/// A task of the running loop, with a name where the build can give it one.
pub(super) fn spawn(name: &str, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    #[cfg(all(tokio_unstable, feature = "console"))]
    {
        tokio::task::Builder::new().name(name).spawn(task).expect("the runtime is entered by the caller")
    }
    #[cfg(not(all(tokio_unstable, feature = "console")))]
    {
        let _ = name;
        tokio::spawn(task)
    }
}
