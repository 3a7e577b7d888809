//! Mirrors the application: `Flask.__call__` behind `_SocketIOMiddleware.__call__`. axum is the Flask of this server.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use axum::routing::get;
use hyper::body::{Body as _, Incoming};
use tower_service::Service;
use tracing::field::Empty;
use tracing::{debug, debug_span, instrument};

use super::baseserver::Connection;
use super::call::call;
use super::engineio::echo::Echo;
use super::engineio::server::Server as EngineIo;
use super::pywsgi::{Environ, Successor};
use super::{ResolverKind, Settings, chat};

/// The application: routes and what they answer.
#[derive(Clone)]
pub struct Flask {
    router: Router,
    /// Under `/socket.io/`.
    socketio: Arc<EngineIo>,
    /// Under `/engine.io/`: the lower protocol alone.
    echo: Arc<EngineIo>,
}

/// What the requests of a connection have gone through before they reach the application.
pub struct Visit {
    /// The lane of its connection.
    pub lane: Arc<str>,
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
    /// What the server says of itself. gevent copies it for every request, since applications add to it; here nobody does.
    pub environ: Arc<Environ>,
    /// What goes on with the connection when HTTP is over.
    pub successor: Successor,
    /// What the front page tells of it, before the number of the request and after; written when it is first asked for.
    pub told: OnceLock<[String; 2]>,
}

/// A request of a visit, by its number on the connection, from 1.
#[derive(Clone)]
struct Asked {
    visit: Arc<Visit>,
    number: u64,
}

impl Flask {
    /// The routes. `GET /block` exists only with `block_handler`: a handler that blocks the thread, and with it everybody.
    pub(super) fn new(settings: &Settings) -> Self {
        // Where a name is spelled with percents, or the method is another: else the file has been found before.
        let decoded = async |Path(file): Path<String>| send_static_file(&file).ok_or(StatusCode::NOT_FOUND);
        let mut router = Router::new().route("/", get(index)).route("/static/{file}", get(decoded));
        if let Some(this_long) = settings.block_handler {
            router = router.route("/block", get(move || async move { block_the_thread(this_long) }));
        }
        let options = settings.engineio.clone();
        let chat = chat::server(&options);
        Self {
            router: router.with_state(settings.resolver),
            socketio: EngineIo::new(options.clone(), move |socket| chat.handle_eio_connect(socket)),
            echo: EngineIo::new(options, |socket| Box::new(Echo::new(socket))),
        }
    }

    /// Mirrors `Flask.__call__`, and `_SocketIOMiddleware.__call__` inside it, which takes the paths of the protocols before
    /// Flask sees them: a request in, a response out. Files of the page are found here by their names: Flask has a route for
    /// them, and axum's router takes as long as all the rest.
    pub(super) async fn app(
        &self,
        connection: &Connection,
        visit: Arc<Visit>,
        number: u64,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let span = debug_span!("app", endpoint = request.uri().path(), reason = "the handler", status = Empty);
        let answer = async {
            let path = request.uri().path();
            let file = path.strip_prefix("/static/").filter(|_| request.method() == Method::GET);
            let response = match path {
                // A session's requests are few, and what they wait in is large.
                "/socket.io/" => Box::pin(self.socketio.handle_request(connection, &visit, request)).await,
                "/engine.io/" => Box::pin(self.echo.handle_request(connection, &visit, request)).await,
                _ => match file.and_then(send_static_file) {
                    Some(file) => file,
                    None => self.wsgi_app(Asked { visit, number }, request).await,
                },
            };
            span.record("status", response.status().as_u16());
            response
        };
        call(&span, answer).await
    }

    async fn wsgi_app(&self, asked: Asked, request: Request<Incoming>) -> Response<Body> {
        // Most bring nothing, and an empty body needs no memory.
        let mut request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        request.extensions_mut().insert(asked);
        let Ok(response) = self.router.clone().call(request).await;
        response
    }

    /// Ends all sessions when the server stops: their clients are told, and what waits for them is sent first.
    #[instrument(skip_all, fields(sessions = self.socketio.len() + self.echo.len()))]
    pub(super) fn drain(&self) {
        self.socketio.drain();
        self.echo.drain();
    }
}

/// Blocks the thread of the loop: what a handler must never do.
#[instrument(skip_all, fields(ms = this_long.as_millis()))]
fn block_the_thread(this_long: Duration) -> String {
    debug!("the thread sleeps: no poll, no accept, no other handler");
    std::thread::sleep(this_long);
    format!("blocked everybody for {} ms\n", this_long.as_millis())
}

/// Mirrors `Flask.send_static_file`: one of the files of the page.
fn send_static_file(file: &str) -> Option<Response<Body>> {
    let (_, kind, text) = STATIC.into_iter().find(|(name, ..)| *name == file)?;
    Some(respond(kind, "no-cache", text))
}

/// An answer with these headers, as they are: axum would copy each value, and check it.
fn respond(kind: &'static str, cache: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// Name, type and text of what stands under `/static/`.
const STATIC: [(&str, &str, &str); 6] = [
    ("hello.txt", "text/plain; charset=utf-8", "hello\n"),
    ("chat.css", "text/css; charset=utf-8", include_str!("chat/chat.css")),
    ("chat.js", "text/javascript; charset=utf-8", include_str!("chat/chat.js")),
    ("panel.js", "text/javascript; charset=utf-8", include_str!("chat/panel.js")),
    ("socketio.js", "text/javascript; charset=utf-8", include_str!("chat/socketio.js")),
    ("wire.js", "text/javascript; charset=utf-8", include_str!("chat/wire.js")),
];

/// What stands before and after the visit on the front page; looked for once.
static PAGE: LazyLock<(&str, &str)> = LazyLock::new(|| {
    let page = include_str!("chat/index.html");
    page.split_once("<!-- visit -->").unwrap_or((page, ""))
});

/// The front page: the chat, and at its end what the request that fetched it has gone through.
async fn index(Extension(asked): Extension<Asked>, State(resolver): State<ResolverKind>) -> Response<Body> {
    let (before, after) = *PAGE;
    let Asked { visit, number } = asked;
    let [told, rest] = visit.told.get_or_init(|| told(&visit, resolver));
    let page = [before, told, &number.to_string(), rest, after].concat();
    respond("text/html; charset=utf-8", "no-store", page)
}

/// What the requests of a connection have gone through, as HTML, before the number of the request and after. Nothing in it was
/// chosen by the client.
fn told(visit: &Visit, resolver: ResolverKind) -> [String; 2] {
    let of = |key: &str| visit.environ.get(key).map_or("?", String::as_str);
    let nodelay = if visit.nodelay { "on" } else { "off" };
    let Visit { lane, number, peer, fd, accepted_in_turn, .. } = visit;
    let threads = match resolver {
        ResolverKind::Thread => {
            "The one thread this server ever starts looks up the server's own name, and leaves after a while without work."
        }
        ResolverKind::Block => "This server never started one: it looked up its own name on its only thread.",
    };
    let before = format!(
        "<ol>
<li>The kernel took your connection from <code>{peer}</code> into the backlog: <code>listen(128)</code> was called long ago.</li>
<li>In turn {accepted_in_turn} of the event loop the <em>io watcher</em> on the listener fired. In the hub,
<code>do_read</code> called <code>accept</code> and got descriptor {fd}.</li>
<li><code>do_handle</code> made a task for you: connection {number}, lane <code>{lane}</code>, TCP_NODELAY {nodelay}.</li>
<li><code>run_callbacks</code> gave that task control: <code>handle</code>, then <code>handle_one_request</code> for request
"
    );
    let after = format!(
        " on this connection, then <code>app</code>, which wrote this page.</li>
</ol>
<p>No thread was started for you. {threads} The name is <code>{name}</code>, the port {port}.</p>
",
        name = of("SERVER_NAME"),
        port = of("SERVER_PORT"),
    );
    [before, after]
}
