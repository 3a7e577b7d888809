//! Mirrors how Flask-SocketIO's handlers are registered: `@socketio.on("message", namespace="/chat")`.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::args::Args;
use super::socket::Socket;

/// What a handler that fails says. `?` makes one of any error.
pub type HandlerError = Box<dyn Error + Send + Sync>;

/// What came of a handler: the arguments of its ack, if it has an answer.
pub(super) type Outcome = Result<Option<Args>, HandlerError>;
pub(super) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Handler = Arc<dyn Fn(Socket, Args) -> Running + Send + Sync>;

/// What a handler may return: nothing; [`Args`], which answer whoever asks for an ack; or a `Result` of these.
pub trait Reply {
    /// As an outcome.
    ///
    /// # Errors
    /// The handler's own.
    fn outcome(self) -> Result<Option<Args>, HandlerError>;
}

impl Reply for () {
    fn outcome(self) -> Outcome {
        Ok(None)
    }
}

impl Reply for Args {
    fn outcome(self) -> Outcome {
        Ok(Some(self))
    }
}

impl<T: Reply> Reply for Result<T, HandlerError> {
    fn outcome(self) -> Outcome {
        self.and_then(Reply::outcome)
    }
}

/// What is done in one namespace.
#[derive(Clone, Default)]
pub struct Handlers {
    pub(super) connect: Option<Handler>,
    pub(super) disconnect: Option<Handler>,
    pub(super) error: Option<ErrorHandler>,
    pub(super) events: HashMap<String, Handler>,
}

pub(super) type ErrorHandler = Arc<dyn Fn(&Socket, &str, &HandlerError) + Send + Sync>;

fn handler<F, Fut>(handle: F) -> Handler
where
    F: Fn(Socket, Args) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Reply> + Send + 'static,
{
    let handle = Arc::new(handle);
    Arc::new(move |socket, args| {
        let handle = handle.clone();
        // Called where its panic is caught.
        Box::pin(async move { handle(socket, args).await.outcome() })
    })
}

impl Handlers {
    /// Mirrors `SocketIO.on`: an event of that name runs this. The events of one client begin in the order
    /// in which they were sent; one that waits keeps no other waiting. An event without a handler is ignored.
    pub fn on<F, Fut>(&mut self, event: &str, handle: F) -> &mut Self
    where
        F: Fn(Socket, Args) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Reply> + Send + 'static,
    {
        self.events.insert(event.to_owned(), handler(handle));
        self
    }

    /// Mirrors `on("connect")`: runs before the client is told that it is connected; what it sends comes after. The
    /// argument is the client's authentication, `{}` if it sent none. If it fails the client is refused, and told why.
    pub fn on_connect<F, Fut>(&mut self, handle: F) -> &mut Self
    where
        F: Fn(Socket, Args) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Reply> + Send + 'static,
    {
        self.connect = Some(handler(handle));
        self
    }

    /// Mirrors `on("disconnect")`: runs when the client has left, by whoever's will. The argument is the reason, such as
    /// `ping timeout`.
    pub fn on_disconnect<F, Fut>(&mut self, handle: F) -> &mut Self
    where
        F: Fn(Socket, Args) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Reply> + Send + 'static,
    {
        self.disconnect = Some(handler(handle));
        self
    }

    /// Mirrors `SocketIO.on_error`: is told of every handler that failed, and of its event. A handler that panics counts as
    /// one that failed.
    pub fn on_error(&mut self, handle: impl Fn(&Socket, &str, &HandlerError) + Send + Sync + 'static) -> &mut Self {
        self.error = Some(Arc::new(handle));
        self
    }
}
