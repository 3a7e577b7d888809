//! Mirrors `gevent/baseserver.py`: the life of a server, from `serve_forever` to `close`, and what accepts.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{Span, debug, instrument};

use super::flask::{Flask, Visit};
use super::greenlet::Connections;
use super::pywsgi::{Environ, Successor, WSGIServer};
use super::watcher::IoWatcher;
use super::{Limits, ServerError, pywsgi, stream_server};

/// Connections taken at the most each time the listener becomes readable.
pub const MAX_ACCEPT: usize = 100;
/// The most that is accepted at the end: what may have waited in the kernel's queue.
const ACCEPT_AT_END: usize = 2 * MAX_ACCEPT;
/// How long nothing is accepted after `accept` failed, for want of file descriptors for instance.
const DELAY_AFTER_ERROR: Duration = Duration::from_millis(100);

impl WSGIServer {
    /// Mirrors `BaseServer.started`: whether the stop event is clear.
    fn started(&self) -> bool {
        !self.stop_event.is_set()
    }

    /// Mirrors `BaseServer.serve_forever`. It does not loop: it starts the server, waits for the stop event, and stops
    /// the server again. What loops is the hub.
    ///
    /// # Errors
    /// What keeps it from serving.
    #[instrument(skip_all, fields(started = self.started()))]
    pub fn serve_forever(&mut self) -> Result<(), ServerError> {
        let served = self.start_and_wait();
        let stopped = self.stop();
        served.and(stopped)
    }

    fn start_and_wait(&mut self) -> Result<(), ServerError> {
        if !self.started() {
            self.start()?;
        }
        Span::current().record("started", self.started());
        match self.stop_event.wait(&self.hub) {
            Err(ServerError::Interrupted) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Mirrors `BaseServer.start`: a socket, the stop event cleared (from now on `started` is true), and only then
    /// accepting.
    ///
    /// # Errors
    /// What keeps it from listening.
    #[instrument(skip_all, fields(started = self.started(), stop_event = self.stop_event.is_set(), watcher = "none"))]
    fn start(&mut self) -> Result<(), ServerError> {
        self.init_socket()?;
        self.stop_event.clear();
        let span = Span::current();
        span.record("started", self.started());
        span.record("stop_event", self.stop_event.is_set());
        self.start_accepting()?;
        span.record("watcher", "io");
        Ok(())
    }

    /// Mirrors `BaseServer.start_accepting`: an io watcher on the listener, whose callback is `do_read`. *This* is what
    /// accepts; the kernel has queued clients since `listen`.
    ///
    /// # Errors
    /// If the loop takes no more descriptors.
    #[instrument(skip_all, fields(watcher = "io", fd, events = "READ", callback = "do_read"))]
    fn start_accepting(&mut self) -> Result<(), ServerError> {
        let Some(socket) = self.socket.take() else { return Ok(()) };
        let fd = stream_server::fileno(&socket);
        Span::current().record("fd", fd);
        let connection = Arc::new(Connection {
            app: self.app.clone(),
            environ: Arc::new(self.environ.clone()),
            connections: self.connections.clone(),
            limits: self.settings.limits,
            complain: self.settings.complain,
        });
        let watcher = {
            let _runtime = self.hub.enter_runtime();
            IoWatcher::new(socket).map_err(ServerError::Loop)?
        };
        let (close, closing) = oneshot::channel();
        let task = self.hub.watch("io watcher", accept(watcher, connection, fd, closing));
        self.watcher = Some(Accepting { task, fd, close });
        Ok(())
    }

    /// Mirrors `BaseServer.stop`: closes, then gives what is in flight some time. What is not done by then is cut.
    ///
    /// # Errors
    /// None that it does not report as already ended.
    #[instrument(skip_all, fields(timeout_ms = self.settings.stop_timeout.as_millis(), in_flight = self.connections.len(), cut))]
    fn stop(&mut self) -> Result<(), ServerError> {
        self.close();
        self.app.drain();
        let finished = self.connections.join(&self.hub, self.settings.stop_timeout);
        let cut = self.connections.kill();
        Span::current().record("cut", cut);
        if let Some(resolver) = &mut self.resolver {
            resolver.close();
        }
        match finished {
            // A second signal: do not wait.
            Err(ServerError::Interrupted) => Ok(()),
            other => other,
        }
    }

    /// Mirrors `BaseServer.close`: the io watcher stopped, the listener closed, the stop event set. gevent closes a watcher
    /// on the spot, and whoever waits in the kernel's queue is reset; here they are taken first, since their requests may have
    /// been sent long ago. A task of tokio ends when the loop next runs, so this waits for that.
    #[instrument(skip_all, fields(fd, reason = "the io watcher's end"))]
    fn close(&mut self) {
        if let Some(Accepting { task, fd, close }) = self.watcher.take() {
            Span::current().record("fd", fd);
            // The task owns the listener; its end closes it.
            let _ = close.send(());
            self.hub.join(task);
        }
        self.socket = None;
        self.stop_event.set();
    }
}

/// The io watcher's task, and the listener's descriptor.
pub(super) struct Accepting {
    task: JoinHandle<()>,
    fd: i64,
    close: oneshot::Sender<()>,
}

/// What a connection's handler needs of its server; all handlers share it.
pub struct Connection {
    pub(super) app: Flask,
    pub(super) environ: Arc<Environ>,
    pub(super) connections: Arc<Connections>,
    pub(super) limits: Limits,
    pub(super) complain: fn(&str),
}

/// What the io watcher does until it is to close; then, once more, what has waited until now.
async fn accept(mut watcher: IoWatcher, connection: Arc<Connection>, fd: i64, closing: oneshot::Receiver<()>) {
    tokio::select! {
        biased;
        // A server that is gone has said nothing; neither is anything accepted for it.
        Ok(()) = closing => {}
        () = accept_for_ever(&mut watcher, &connection, fd) => {}
    }
    let mut left = ACCEPT_AT_END;
    while left > 0
        && watcher.has_waiting()
        && let Ok(accepted @ 1..) = do_read(&mut watcher, &connection, fd)
    {
        left = left.saturating_sub(accepted);
    }
}

/// Whenever the listener becomes readable, `do_read`.
async fn accept_for_ever(watcher: &mut IoWatcher, connection: &Arc<Connection>, fd: i64) {
    let mut is_failing = false;
    let event_loop = connection.connections.event_loop().clone();
    loop {
        if connection.connections.full() {
            debug!("the pool is full: accepting stops until a connection has gone");
            connection.connections.has_room().await;
            debug!("accepting again");
        }
        watcher.readable().await;
        event_loop.fired("io watcher", fd);
        let done = do_read(watcher, connection, fd);
        if is_failing && done.as_ref().is_ok_and(|accepted| *accepted > 0) {
            is_failing = false;
            debug!("accepting again");
            (connection.complain)("accepting connections again");
        }
        match done {
            // Nobody waits any more: the next readiness is news.
            Ok(accepted) if accepted < MAX_ACCEPT => {}
            // There may be more, but handlers run first.
            Ok(_) => tokio::task::yield_now().await,
            // Whoever waited has gone: nothing is wrong with the server.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => tokio::task::yield_now().await,
            Err(error) => {
                // Once: it may last.
                if !std::mem::replace(&mut is_failing, true) {
                    debug!(%error, "accept failed; trying again every 100 ms");
                    (connection.complain)(&format!(
                        "cannot accept connections: {error}; trying again every 100 ms; raise the limit with ulimit -n, or \
                         set --max-connections below it"
                    ));
                }
                tokio::time::sleep(DELAY_AFTER_ERROR).await;
            }
        }
    }
}

/// Mirrors `BaseServer._do_read`: takes waiting connections until there are none left, and starts a handler for each.
/// It runs in the hub and must not wait: the handlers run later, from `run_callbacks`.
///
/// # Errors
/// What `accept` says, other than that nobody is waiting.
#[instrument(skip_all, fields(fd = fd, accepted = 0, last))]
fn do_read(watcher: &mut IoWatcher, connection: &Arc<Connection>, fd: i64) -> io::Result<usize> {
    let span = Span::current();
    for accepted in 0..MAX_ACCEPT {
        if connection.connections.full() {
            // gevent stops its io watcher; whoever comes now waits in the kernel's queue.
            span.record("last", "full");
            return Ok(accepted);
        }
        match stream_server::do_read(watcher) {
            Ok(Some((stream, peer))) => {
                span.record("accepted", accepted + 1);
                do_handle(connection, stream, peer);
            }
            Ok(None) => {
                span.record("last", "EAGAIN");
                return Ok(accepted);
            }
            Err(error) => {
                span.record("last", error.to_string());
                return Err(error);
            }
        }
    }
    Ok(MAX_ACCEPT)
}

/// Mirrors `BaseServer.do_handle`: a greenlet for the connection. It is only scheduled here.
#[instrument(skip_all, fields(fd, peer = %peer, lane_of_handler))]
fn do_handle(connection: &Arc<Connection>, stream: std::net::TcpStream, peer: std::net::SocketAddr) {
    let span = Span::current();
    let fd = stream_server::fileno(&stream);
    let number = connection.connections.next_number();
    let lane = format!("conn-{number}");
    span.record("fd", fd);
    span.record("lane_of_handler", &lane);
    debug!(opens_lane = lane, task = true);
    // gevent leaves Nagle's algorithm on, writes head and body apart, and waits 40 ms for the client's delayed ACK.
    let socket = socket2::SockRef::from(&stream);
    let nodelay = socket.set_tcp_nodelay(true).and_then(|()| socket.tcp_nodelay()).unwrap_or(false);
    let turn = connection.connections.event_loop().turn();
    let visit = Visit {
        lane: lane.as_str().into(),
        number,
        peer,
        fd,
        nodelay,
        accepted_in_turn: turn,
        environ: connection.environ.clone(),
        successor: Successor::default(),
        told: OnceLock::new(),
    };
    let handler = pywsgi::handle(connection.clone(), stream, visit);
    connection.connections.start(&lane, handler);
}
