//! Mirrors `flask_socketio/__init__.py`: `SocketIO.run`, where an application starts its server.

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
    let app = Flask::new(settings.resolver, settings.block_handler);
    let mut wsgi_server = WSGIServer::new(settings, app, address, interrupt)?;
    wsgi_server.serve_forever()
}
