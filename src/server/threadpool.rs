//! Mirrors `gevent/threadpool.py`: threads for what would block the loop, one way in and one way back.
//!
//! ```text
//!   main   spawn ──task──► queue ──► worker: run > run_task ──► the lookup
//!                                                    │
//!   hub    on_async ◄── async watcher ◄── eventfd ◄──┘ set
//! ```
//!
//! A worker never touches a socket of the server. It takes a task, runs it, writes eight bytes into the watcher's
//! eventfd, and asks for the next task; after a while without one it leaves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::{Span, debug, debug_span, instrument};

use super::event::{AsyncResult, Interrupt};
use super::hub::Hub;
use super::netdb::{Host, LookupError};
use super::threading::Queue;
use super::watcher::{AsyncSender, AsyncWatcher};

/// gevent's default `maxsize` of the hub's pool.
const MAXSIZE: usize = 10;
/// How long `close` waits for a thread that is in the middle of a task.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

type Answer = Result<Host, LookupError>;
type Work = Box<dyn FnOnce(&Interrupt) -> Answer + Send>;

/// Something to do on a thread of the pool.
pub(super) struct Job {
    func: &'static str,
    argument: String,
    work: Work,
}

impl Job {
    pub(super) fn new(
        func: &'static str,
        argument: &str,
        work: impl FnOnce(&Interrupt) -> Answer + Send + 'static,
    ) -> Self {
        Self { func, argument: argument.to_owned(), work: Box::new(work) }
    }

    pub(super) fn func(&self) -> &'static str {
        self.func
    }
}

/// A job on the queue, and whom to tell.
struct Task {
    job: Job,
    result: ThreadResult,
}

/// Mirrors `ThreadPool`: a queue, a semaphore that bounds what is on it, and threads made when needed.
pub(super) struct ThreadPool {
    hub: Arc<Hub>,
    /// One more than `MAXSIZE`, as upstream.
    semaphore: Arc<Semaphore>,
    task_queue: Arc<Queue<Task>>,
    workers: Arc<Workers>,
    /// Stops what a worker is in the middle of.
    interrupt: Interrupt,
    started: usize,
    ended: mpsc::Receiver<()>,
    end: mpsc::Sender<()>,
}

/// How many threads and tasks there are.
#[derive(Default)]
struct Workers {
    size: AtomicUsize,
    unfinished: AtomicUsize,
}

impl ThreadPool {
    /// Mirrors `ThreadPool.__init__`. The queue is made here, not in `spawn`; there is no thread yet.
    pub(super) fn new(hub: Arc<Hub>, idle: Duration) -> Self {
        let (end, ended) = mpsc::channel();
        debug!(size = 0, maxsize = MAXSIZE, semaphore = MAXSIZE + 1, idle_ms = idle.as_millis(), "thread pool created");
        Self {
            hub,
            semaphore: Arc::new(Semaphore::new(MAXSIZE + 1)),
            task_queue: Arc::new(Queue::new(idle)),
            workers: Arc::default(),
            interrupt: Interrupt::default(),
            started: 0,
            ended,
            end,
        }
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Mirrors `ThreadPool.spawn`: takes a place of the semaphore, arms a watcher through which the answer will come
    /// back, puts the task on the queue, and starts a thread if there are fewer threads than tasks. Nothing listens here,
    /// and nothing waits.
    ///
    /// # Errors
    /// If the system gives no descriptor or no thread.
    #[instrument(skip_all, fields(
        func = job.func, argument = job.argument, semaphore_before = self.semaphore.available_permits(), semaphore_after,
        pool_size_before = self.workers.size.load(Ordering::Relaxed), pool_size, pool_max = MAXSIZE,
        unfinished_before = self.workers.unfinished.load(Ordering::Relaxed), unfinished,
        watcher = "async, one-shot", callback = "on_async", watcher_fd, worker,
    ))]
    pub(super) fn spawn(&mut self, job: Job) -> Result<Arc<AsyncResult<Answer>>, LookupError> {
        let span = Span::current();
        let place =
            self.semaphore.clone().try_acquire_owned().map_err(|_| LookupError::NotAsked("the pool has no place"))?;
        span.record("semaphore_after", self.semaphore.available_permits());
        let promise = Arc::new(AsyncResult::new(self.hub.event_loop().clone()));
        let result = ThreadResult::new(&self.hub, &promise, &self.semaphore).map_err(|error| {
            debug!(%error, "no watcher");
            LookupError::NotAsked("the system gives no descriptor")
        })?;
        span.record("watcher_fd", result.sender.fd());
        let unfinished = self.workers.unfinished.fetch_add(1, Ordering::Relaxed) + 1;
        span.record("unfinished", unfinished);
        self.task_queue.put(Task { job, result });
        if let Err(error) = self.adjust(&span) {
            debug!(%error, "no thread");
            self.workers.unfinished.fetch_sub(1, Ordering::Relaxed);
            self.task_queue.take_back();
            return Err(LookupError::NotAsked("the system gives no thread"));
        }
        // Given back by `on_async`, in the hub.
        place.forget();
        span.record("pool_size", self.workers.size.load(Ordering::Relaxed));
        Ok(promise)
    }

    /// Mirrors `ThreadPool.adjust`: threads as long as there are more tasks than threads.
    fn adjust(&mut self, span: &Span) -> std::io::Result<()> {
        let (size, unfinished) = (&self.workers.size, &self.workers.unfinished);
        while unfinished.load(Ordering::Relaxed) > size.load(Ordering::Relaxed)
            && size.load(Ordering::Relaxed) < MAXSIZE
        {
            self.started += 1;
            let worker = Worker {
                lane: format!("worker-{}", self.started),
                task_queue: self.task_queue.clone(),
                workers: self.workers.clone(),
                interrupt: self.interrupt.clone(),
                end: self.end.clone(),
            };
            span.record("worker", &worker.lane);
            let name = format!("ThreadPoolWorker-{}", self.started);
            let run = run(worker);
            match std::thread::Builder::new().name(name).spawn(run) {
                Ok(_) => size.fetch_add(1, Ordering::Relaxed),
                // One thread is enough for everything; without any nothing would ever be done.
                Err(_) if size.load(Ordering::Relaxed) > 0 => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    /// Lets every worker leave, and waits a moment for those in the middle of a task.
    pub(super) fn close(&mut self) {
        self.task_queue.close();
        self.interrupt.interrupt();
        for _ in 0..self.started {
            if self.ended.recv_timeout(CLOSE_WITHIN).is_err() {
                return;
            }
        }
    }
}

struct Worker {
    lane: String,
    task_queue: Arc<Queue<Task>>,
    workers: Arc<Workers>,
    interrupt: Interrupt,
    end: mpsc::Sender<()>,
}

/// Mirrors `_WorkerGreenlet.run`: a task, and another, until there was none for the idle time. Makes the function that
/// the thread will run; its span begins with what spawned it, not inside it.
fn run(worker: Worker) -> impl FnOnce() + Send + 'static {
    let span = debug_span!(parent: None, "run", lane = %worker.lane, tasks = 0, os_thread = tracing::field::Empty,
        left = tracing::field::Empty);
    span.follows_from(Span::current());
    move || {
        span.in_scope(|| {
            #[cfg(target_os = "linux")]
            span.record("os_thread", rustix::thread::gettid().as_raw_nonzero().get());
            let mut tasks = 0_u64;
            while let Some(task) = worker.task_queue.get() {
                run_task(task, &worker.interrupt);
                worker.workers.unfinished.fetch_sub(1, Ordering::Relaxed);
                tasks += 1;
                span.record("tasks", tasks);
            }
            worker.workers.size.fetch_sub(1, Ordering::Relaxed);
            span.record("left", if worker.task_queue.is_closed() { "the pool closed" } else { "idle" });
        });
        drop(span);
        let _ = worker.end.send(());
    }
}

/// Mirrors `_WorkerGreenlet.__run_task`: the one thing a worker is for.
#[instrument(skip_all, fields(func = task.job.func, argument = task.job.argument, result, took_us))]
fn run_task(task: Task, interrupt: &Interrupt) {
    let began = std::time::Instant::now();
    let answer = (task.job.work)(interrupt);
    let span = Span::current();
    span.record("took_us", began.elapsed().as_micros());
    span.record("result", answer.as_ref().map_or_else(ToString::to_string, |host| host.name.clone()));
    task.result.set(answer);
}

/// Mirrors `ThreadResult`: the way back from a worker to the loop. It is armed in `spawn`, on the main thread.
struct ThreadResult {
    promise: Arc<AsyncResult<Answer>>,
    answer: Arc<std::sync::Mutex<Option<Answer>>>,
    sender: AsyncSender,
}

impl ThreadResult {
    /// Mirrors `ThreadResult.__init__`: makes and starts the async watcher, in the loop of the calling thread.
    fn new(hub: &Hub, promise: &Arc<AsyncResult<Answer>>, semaphore: &Arc<Semaphore>) -> std::io::Result<Self> {
        let answer = Arc::new(std::sync::Mutex::new(None));
        let (watcher, sender) = {
            let _runtime = hub.enter_runtime();
            AsyncWatcher::new()?
        };
        let (fd, event_loop) = (sender.fd(), hub.event_loop().clone());
        let (fired, receiver, places) = (answer.clone(), promise.clone(), semaphore.clone());
        hub.watch("async watcher", async move {
            watcher.fired().await;
            event_loop.fired("async watcher", fd);
            on_async(watcher, &fired, &receiver, &places);
        });
        Ok(Self { promise: promise.clone(), answer, sender })
    }

    /// Mirrors `ThreadResult.set`, on the worker: keep the answer, wake the loop.
    #[instrument(skip_all, fields(fd = self.sender.fd(), bytes))]
    fn set(self, answer: Answer) {
        // Kept for `on_async`: the promise itself belongs to the loop's thread.
        *self.answer.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(answer);
        debug!(wakes = "hub", reason = "async watcher");
        match self.sender.send() {
            Ok(bytes) => drop(Span::current().record("bytes", bytes)),
            Err(error) => debug!(%error, "the loop could not be woken"),
        }
        drop(self.promise);
    }
}

/// Mirrors `ThreadResult._on_async`, in the hub: the watcher has done its work and is closed, the semaphore gets its
/// place back, and the promise is kept, which schedules whoever waits for it.
#[instrument(skip_all, fields(
    value, semaphore_before = semaphore.available_permits(), semaphore_after, watcher = "closed",
))]
fn on_async(
    watcher: AsyncWatcher,
    answer: &std::sync::Mutex<Option<Answer>>,
    promise: &AsyncResult<Answer>,
    semaphore: &Semaphore,
) {
    drop(watcher);
    let span = Span::current();
    semaphore.add_permits(1);
    span.record("semaphore_after", semaphore.available_permits());
    let answer = answer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let answer = answer.unwrap_or(Err(LookupError::NotAsked("the worker left no answer")));
    span.record("value", answer.as_ref().map_or_else(ToString::to_string, |host| host.name.clone()));
    promise.set(answer);
}
