//! Mirrors the application: `Flask.__call__` behind `_SocketIOMiddleware.__call__`. axum is the Flask of this server.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::{Request, Response, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{any, get};
use hyper::body::Incoming;
use tower_service::Service;
use tracing::{Span, debug, instrument};

use super::ResolverKind;
use super::pywsgi::Environ;

/// The application: routes and what they answer.
#[derive(Clone)]
pub struct Flask {
    router: Router,
}

/// What a request has gone through before it reaches the application.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The lane of its connection.
    pub lane: String,
    /// The number of its connection.
    pub number: u64,
    /// Who sent it.
    pub peer: SocketAddr,
    /// The descriptor of its connection.
    pub fd: i64,
    /// Whether Nagle's algorithm is off.
    pub nodelay: bool,
    /// In which turn of the loop it was accepted.
    pub accepted_in_turn: u64,
    /// The number of the request on its connection, from 1.
    pub request: u64,
}

impl Flask {
    /// The routes. `GET /block` exists only with `block`: a handler that blocks the thread, and with it everybody.
    pub(super) fn new(resolver: ResolverKind, block: Option<Duration>) -> Self {
        let mut router = Router::new()
            .route("/", get(index))
            .route("/static/hello.txt", get(|| async { "hello\n" }))
            // Socket.IO's place: `_SocketIOMiddleware` takes this path before Flask sees it.
            .route("/socket.io/", any(socket_io));
        if let Some(this_long) = block {
            router = router.route("/block", get(move || async move { block_the_thread(this_long) }));
        }
        Self { router: router.layer(Extension(resolver)) }
    }

    /// Mirrors `Flask.__call__`: a request in, a response out.
    #[instrument(skip_all, fields(endpoint = request.uri().path(), reason = "the handler", status))]
    pub(super) async fn app(&self, environ: &Environ, visit: Visit, request: Request<Incoming>) -> Response<Body> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(visit);
        request.extensions_mut().insert(environ.clone());
        let Ok(response) = self.router.clone().call(request).await;
        Span::current().record("status", response.status().as_u16());
        response
    }
}

/// Blocks the thread of the loop: what a handler must never do.
#[instrument(skip_all, fields(ms = this_long.as_millis()))]
fn block_the_thread(this_long: Duration) -> String {
    debug!("the thread sleeps: no poll, no accept, no other handler");
    std::thread::sleep(this_long);
    format!("blocked everybody for {} ms\n", this_long.as_millis())
}

async fn socket_io() -> impl IntoResponse {
    let body = "Engine.IO and Socket.IO have their place here; this server answers HTTP only.\n";
    (StatusCode::NOT_IMPLEMENTED, body)
}

/// The front page: what the request that fetches it has just gone through.
async fn index(
    Extension(visit): Extension<Visit>,
    Extension(environ): Extension<Environ>,
    Extension(resolver): Extension<ResolverKind>,
) -> impl IntoResponse {
    let of = |key: &str| environ.get(key).map_or("?", String::as_str);
    let nodelay = if visit.nodelay { "on" } else { "off" };
    let Visit { lane, number, peer, fd, accepted_in_turn, request, .. } = &visit;
    let page = format!(
        "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>spanwalk</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
li {{ margin: .4rem 0 }} code {{ font-size: .95em }}
</style>
<h1>What your request has just gone through</h1>
<ol>
<li>The kernel took your connection from <code>{peer}</code> into the backlog: <code>listen(128)</code> was called long ago.</li>
<li>In turn {accepted_in_turn} of the event loop the <em>io watcher</em> on the listener fired. In the hub,
<code>do_read</code> called <code>accept</code> and got descriptor {fd}.</li>
<li><code>do_handle</code> made a task for you: connection {number}, lane <code>{lane}</code>, TCP_NODELAY {nodelay}.</li>
<li><code>run_callbacks</code> gave that task control: <code>handle</code>, then <code>handle_one_request</code> for request
{request} on this connection, then <code>app</code>, which wrote this page.</li>
</ol>
<p>No thread was started for you. {threads} The name is <code>{name}</code>, the port {port}.</p>
</html>
",
        threads = match resolver {
            ResolverKind::Thread => {
                "The one thread this server ever starts looks up the server's own name, and leaves after a while \
                 without work."
            }
            ResolverKind::Block => "This server never started one: it looked up its own name on its only thread.",
        },
        name = of("SERVER_NAME"),
        port = of("SERVER_PORT"),
    );
    ([(header::CACHE_CONTROL, "no-store")], Html(page))
}
