//! The server that is watched: Flask-SocketIO on gevent, mirrored call by call.
//!
//! ```text
//!   MainThread                            the hub, on the same thread             a pool thread
//!   socketio::run
//!     baseserver::serve_forever
//!       baseserver::start
//!         pywsgi::init_socket
//!           … tcp_listener                                                         listen(128)
//!           … getfqdn … apply > spawn ──────────────────────────────────────────►  threadpool::run_task
//!                              get ═══ SWITCH ═══► hub::run > event_loop::run > poll        │ the lookup
//!                                                    on_async ◄──────── eventfd ────────────┘
//!                              get ◄══ SWITCH ════ run_callbacks
//!         baseserver::start_accepting
//!       event::wait ═══════════ SWITCH ══════════► poll … do_read … handlers, for good
//! ```
//!
//! One file per upstream module, functions under their upstream names, every one a `tracing` span: the span's name is
//! the function's, its target the module's path. Python's class hierarchy becomes `impl` blocks of one
//! [`WSGIServer`](pywsgi::WSGIServer), one block in each upstream file.
//!
//! Where thousands of calls a second wait for something, `call` stands in for `#[instrument]`: the same span, for less.
//! Above the HTTP of [`pywsgi`] stand [`engineio`], the sessions, and [`socketio`], the events; [`chat`] is the application.
//! The codecs of both protocols and the frames of WebSocket are libraries'; what may be stepped is here.
//!
//! What is deliberately absent: this room knows `tokio`, `tracing`, `hyper`, `axum` and those codecs, and nothing of this crate. It
//! never learns that it is watched; the few words it says to whoever watches are plain fields (`lane`, `reason`,
//! `blocks`, `opens_lane`, `wakes`).

pub mod baseserver;
mod call;
pub mod chat;
pub mod engineio;
pub mod event;
pub mod event_loop;
pub mod flask;
pub mod greenlet;
pub mod hub;
mod netdb;
pub mod pool;
pub mod pywsgi;
pub mod resolver;
pub mod socketcommon;
pub mod socketio;
pub mod stream_server;
pub mod threading;
pub mod threadpool;
pub mod watcher;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use event::Interrupt;

/// How the server is to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name or address to listen on.
    pub host: String,
    /// Port to listen on; 0 is any free one.
    pub port: u16,
    /// Who looks the host's name up.
    pub resolver: ResolverKind,
    /// How long a pool thread waits for another task before it leaves.
    pub worker_idle: Duration,
    /// Makes the lookup this much slower.
    pub slow_dns: Option<Duration>,
    /// Adds `GET /block`, which blocks the thread of the loop for this long.
    pub block_handler: Option<Duration>,
    /// What a request may be, and how long it may take.
    pub limits: Limits,
    /// How long `stop` waits for requests in flight.
    pub stop_timeout: Duration,
    /// What clients of Engine.IO and Socket.IO are told, and held to.
    pub engineio: engineio::Options,
    /// The most connections at a time; others wait in the kernel's queue. gevent's `Pool(n)`.
    pub max_connections: Option<usize>,
    /// Who tells the operator what the server cannot do for want of something. gevent's hub writes to standard error.
    pub complain: fn(&str),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 5000,
            resolver: ResolverKind::Thread,
            worker_idle: Duration::from_secs(5),
            slow_dns: None,
            block_handler: None,
            limits: Limits::default(),
            stop_timeout: Duration::from_secs(2),
            engineio: engineio::Options::default(),
            max_connections: None,
            complain: |_| {},
        }
    }
}

/// What a request of HTTP may be, and how long it may take. A time of `None` is for ever, as when a person holds the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a client may take to send a request's headers, the first of them from when it connects.
    pub header_timeout: Option<Duration>,
    /// How long a connection may be kept between two requests, and how long a client may take nothing of an answer.
    pub idle_timeout: Option<Duration>,
    /// The most headers of a request.
    pub headers: usize,
    /// The most bytes of its headers, with its first line.
    pub header_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Some(Duration::from_secs(10)),
            idle_timeout: Some(Duration::from_secs(75)),
            headers: 100,
            header_size: 64_000,
        }
    }
}

/// Who looks names up; gevent's `GEVENT_RESOLVER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolverKind {
    /// A thread of the pool, while the loop runs.
    #[default]
    Thread,
    /// The calling thread.
    Block,
}

impl ResolverKind {
    /// `thread` or `block`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Block => "block",
        }
    }
}

/// What ends a server early.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket could not be made to listen.
    #[error("cannot listen on `{address}`: {reason}; {remedy}")]
    Listen {
        /// What was asked for.
        address: String,
        /// What the system says.
        reason: String,
        /// What to try.
        remedy: &'static str,
    },
    /// The system gives no event loop.
    #[error("cannot make an event loop: {0}")]
    Loop(std::io::Error),
    /// The system gives no thread.
    #[error("cannot start the thread `{name}`: {cause}")]
    Thread {
        /// Its name.
        name: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The server failed in its own code.
    #[error("the server panicked: {0}")]
    Panicked(String),
    /// Somebody asked the server to stop before it served.
    #[error("interrupted")]
    Interrupted,
}

/// A server on a thread of its own.
pub struct Server {
    thread: JoinHandle<Result<(), ServerError>>,
    address: Arc<OnceLock<SocketAddr>>,
    interrupt: Interrupt,
    ended: mpsc::Receiver<()>,
}

impl Server {
    /// Starts the server on a thread named `MainThread`.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(settings: Settings) -> Result<Self, ServerError> {
        let address = Arc::new(OnceLock::new());
        let interrupt = Interrupt::default();
        let (end, ended) = mpsc::channel();
        let run = {
            let (address, interrupt) = (address.clone(), interrupt.clone());
            move || {
                let result = socketio::run(settings, address, interrupt);
                let _ = end.send(());
                result
            }
        };
        let name = "MainThread".to_owned();
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(run)
            .map_err(|cause| ServerError::Thread { name, cause })?;
        Ok(Self { thread, address, interrupt, ended })
    }

    /// The address it really got, once it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// A way to stop it that may be given to another thread: it stops accepting, finishes what is in flight within
    /// [`Settings::stop_timeout`], and closes. A second call does not wait for what is in flight.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        let interrupt = self.interrupt.clone();
        move || interrupt.interrupt()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits at most this long for its end, and says whether it has come.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        self.thread.is_finished() || !matches!(self.ended.recv_timeout(at_most), Err(mpsc::RecvTimeoutError::Timeout))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What ended it early; being stopped is no error.
    pub fn join(self) -> Result<(), ServerError> {
        match self.thread.join() {
            Ok(Err(ServerError::Interrupted)) => Ok(()),
            Ok(result) => result,
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Err(ServerError::Panicked(text.unwrap_or_else(|| "no message".to_owned())))
            }
        }
    }
}

/// Tries whether the address can be bound now, and lets it go again.
///
/// # Errors
/// [`ServerError::Listen`], as the server itself would say it.
pub fn check_address(host: &str, port: u16) -> Result<(), ServerError> {
    stream_server::bind(&(host.to_owned(), port)).map(drop)
}
