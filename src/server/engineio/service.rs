//! What one task does for a session, whatever transport it has: runs what the layer above has under way, keeps the
//! heartbeat, hands over to a WebSocket, and brings everything to its end.
//!
//! Upstream this is spread over three greenlets: the handler's own (for a WebSocket), `_send_ping`, and one for every event.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;
use tracing::{Span, debug, debug_span};

use super::session::{Due, Reason};
use super::socket::Socket;
use super::{Message, shortened};
use crate::server::greenlet::Greenlet;

/// What speaks through sessions: Socket.IO, or a plain echo. One for each session.
pub trait Application: Send {
    /// A message has come.
    ///
    /// # Errors
    /// Why the session is to end for it.
    fn receive(&mut self, message: Message) -> Result<(), Reason>;

    /// Goes on with what is under way, and begins more if it may. Ready when nothing is under way.
    fn poll(&mut self, may_begin: bool, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether so much waits to be begun that no further message is to be received.
    fn is_full(&self) -> bool;

    /// When the client must have said what it wants, as time since the session began; nothing if it has.
    fn connect_due(&self) -> Option<Duration>;

    /// The session is over. What is under way may still come to its end.
    fn end(&mut self, reason: Reason);
}

/// Serves one session.
pub struct Service {
    pub(super) socket: Arc<Socket>,
    application: Box<dyn Application>,
    timer: Pin<Box<Sleep>>,
    /// Tells the server that the session is over.
    _entry: Box<dyn Send>,
}

/// What a session has to be looked at for.
pub(super) enum Next {
    /// A POST has brought messages.
    Message(Message),
    /// A time has come.
    Due,
    /// A WebSocket serves it from now on.
    Upgraded(tokio::sync::oneshot::Sender<Service>),
    /// It is over.
    Ended(Reason),
}

impl Service {
    /// Must be called inside the runtime. `entry` is dropped when the session has been served to its end.
    pub(super) fn new(socket: Arc<Socket>, application: Box<dyn Application>, entry: Box<dyn Send>) -> Self {
        let timer = Box::pin(tokio::time::sleep_until(socket.instant(socket.deadline())));
        Self { socket, application, timer, _entry: entry }
    }

    /// Whether messages must wait. Not as soon as the client does not take what is sent: then nothing is begun, but pongs and
    /// acks are among what it says.
    pub(super) fn is_full(&self) -> bool {
        self.application.is_full()
    }

    /// What is next, after everything that is under way has gone on as far as it can.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let may_begin = self.socket.begin_look();
        let _ = self.application.poll(may_begin, cx);
        if let Poll::Ready(next) = self.socket.poll_next(self.is_full(), cx.waker()) {
            return Poll::Ready(next);
        }
        let due = self.application.connect_due().unwrap_or(Duration::MAX).min(self.socket.deadline());
        let due = self.socket.instant(due);
        if self.timer.deadline() != due {
            self.timer.as_mut().reset(due);
        }
        self.timer.as_mut().poll(cx).map(|()| Next::Due)
    }

    /// A message for the layer above; a mistake in it ends the session.
    pub(super) fn receive(&mut self, message: Message) {
        if let Err(reason) = self.application.receive(message) {
            self.socket.close(reason);
        }
    }

    /// Looks what is due.
    pub(super) fn look(&mut self) {
        if self.socket.check_ping_timeout(self.socket.now()) == Due::Ended {
            debug!(sid = &*shortened(self.socket.sid), "no pong came in time");
        }
        if self.application.connect_due().is_some_and(|due| self.socket.now() >= due) {
            self.socket.close(Reason::NoConnect);
        }
    }

    /// Tells the layer above that the session is over, and lets what is under way come to its end.
    pub(super) async fn finish(mut self, reason: Reason) {
        self.application.end(reason);
        poll_fn(|cx| self.application.poll(true, cx)).await;
    }
}

impl Drop for Service {
    /// However it comes to that: a session that nobody serves is over.
    fn drop(&mut self) {
        if self.socket.ended().is_none() {
            self.socket.close(Reason::ClosedByServer);
        }
    }
}

/// What serves a session while it has no connection of its own: by polling, every request may come by another. It has the
/// lane of the connection that began it. This only makes the task's future.
pub(super) fn serve(mut service: Service, lane: &str) -> Greenlet {
    let span = debug_span!(
        parent: None, "session", lane, sid = &*shortened(service.socket.sid), transport = "polling",
        reason = "its client", ended = tracing::field::Empty,
    );
    span.follows_from(Span::current());
    let serve = async move {
        let reason = loop {
            match poll_fn(|cx| service.poll_next(cx)).await {
                Next::Message(message) => service.receive(message),
                Next::Due => service.look(),
                Next::Upgraded(successor) => {
                    Span::current().record("ended", "upgraded");
                    let Err(back) = successor.send(service) else { return };
                    // The WebSocket has gone away meanwhile, and the session with it: there is no way back to polling.
                    back.socket.close(Reason::TransportClosed);
                    return back.finish(Reason::TransportClosed).await;
                }
                Next::Ended(reason) => break reason,
            }
        };
        Span::current().record("ended", reason.words());
        service.finish(reason).await;
    };
    Greenlet::new(span, serve)
}
