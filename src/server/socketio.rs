//! Mirrors `flask_socketio/__init__.py`: `SocketIO.run`, where an application starts its server; and below it
//! `python-socketio`, the upper of the two protocols, which speaks through the sessions of [`super::engineio`].
//!
//! | file | what it is |
//! |---|---|
//! | `namespaces` | the rules of one connection, pure: a message in, what is asked for out |
//! | `args` | what events carry |
//! | `server` | runs handlers, one after the other for each client and namespace |
//! | `handlers` | how an application says what is to be done |
//! | `socket` | what a handler has of its client: emit, call, rooms, disconnect |
//! | `manager` | who is where |

pub mod args;
pub mod handlers;
mod manager;
pub mod namespaces;
pub mod server;
pub mod socket;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tracing::instrument;

use super::event::Interrupt;
use super::flask::Flask;
use super::pywsgi::WSGIServer;
use super::{ServerError, Settings};

/// Mirrors `SocketIO.run`. Upstream it settles host and port (127.0.0.1 and 5000 unless told otherwise), picks the
/// server for the async mode, builds it, and calls its `serve_forever`. Building creates the hub and its loop, and
/// runs neither.
///
/// `address` is set as soon as the socket listens.
///
/// # Errors
/// What keeps it from serving; [`ServerError::Interrupted`] if it is stopped before it does.
#[instrument(parent = None, skip_all, fields(
    lane = "main", host = %settings.host, port = settings.port, async_mode = "tokio", resolver = settings.resolver.word(),
))]
pub fn run(settings: Settings, address: Arc<OnceLock<SocketAddr>>, interrupt: Interrupt) -> Result<(), ServerError> {
    let app = Flask::new(&settings);
    let mut wsgi_server = WSGIServer::new(settings, app, address, interrupt)?;
    wsgi_server.serve_forever()
}
