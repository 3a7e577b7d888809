//! Mirrors `gevent/pywsgi.py`: the WSGI server on top of the stream server, and what handles a connection.

pub mod framing;
pub(super) mod rfile;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version, header};
use hyper_util::rt::TokioIo;
use tracing::field::Empty;
use tracing::{Span, debug, debug_span, instrument};

use self::rfile::{Flight, RFile};
use super::baseserver::{Accepting, Connection};
use super::call::call;
use super::engineio::refusal::Refusal;
use super::event::{Event, Interrupt};
use super::flask::{Flask, Visit};
use super::greenlet::{Connections, Greenlet};
use super::hub::Hub;
use super::resolver::Resolver;
use super::stream_server::{self, BACKLOG};
use super::{Limits, ResolverKind, ServerError, Settings, baseserver, socketcommon};

/// hyper takes no smaller one.
const LEAST_BUFFER: usize = 8192;

/// As many headers as hyper takes by itself. It has room for them on the stack; told of a number, be it the same, it asks for
/// memory at every request.
const HEADERS: usize = 100;

/// What every request's environ begins with: gevent's nine keys, then `SERVER_NAME` and `SERVER_PORT`.
pub type Environ = BTreeMap<&'static str, String>;

/// `WSGIServer`, and what it inherits from `StreamServer` and `BaseServer`: their methods are further `impl` blocks, in
/// `stream_server.rs` and `baseserver.rs`.
pub struct WSGIServer {
    pub(super) settings: Settings,
    pub(super) app: Flask,
    pub(super) hub: Arc<Hub>,
    pub(super) resolver: Option<Resolver>,
    /// Set while the server is stopped. `started` is its opposite.
    pub(super) stop_event: Event,
    /// `None` until `init_socket`.
    pub(super) socket: Option<std::net::TcpListener>,
    /// What accepts; `None` until `start_accepting`.
    pub(super) watcher: Option<Accepting>,
    pub(super) connections: Arc<Connections>,
    pub(super) environ: Environ,
    /// The address it really got.
    pub(super) address: Arc<OnceLock<SocketAddr>>,
}

impl WSGIServer {
    /// Mirrors `WSGIServer.__init__` and the constructors it calls. `get_hub()` happens in here: the hub and its loop
    /// exist from now on, and neither runs. There is no socket yet.
    ///
    /// # Errors
    /// If the system gives no event loop.
    #[instrument(skip_all, fields(
        address = %stream_server::spelled(&settings.host, settings.port), family = stream_server::family(&settings.host), handler_class = "hyper http1",
        backlog = BACKLOG, reuse_addr = true, max_accept = baseserver::MAX_ACCEPT, started = false, environ_keys,
    ))]
    pub fn new(
        settings: Settings,
        app: Flask,
        address: Arc<OnceLock<SocketAddr>>,
        interrupt: Interrupt,
    ) -> Result<Self, ServerError> {
        let hub = Arc::new(Hub::new(interrupt)?);
        let environ = set_environ();
        Span::current().record("environ_keys", environ.len());
        Ok(Self {
            connections: Arc::new(Connections::new(hub.event_loop().clone(), settings.max_connections)),
            settings,
            app,
            hub,
            resolver: None,
            stop_event: Event::new_set(),
            socket: None,
            watcher: None,
            environ,
            address,
        })
    }

    /// Mirrors `WSGIServer.init_socket`: the stream server's, then the environ. The lookup of the host's name happens in
    /// the second half, when the socket listens already: that is why the whole chain down to `spawn` hangs below a
    /// function called `init_socket`.
    ///
    /// # Errors
    /// What keeps it from listening, or [`ServerError::Interrupted`].
    #[instrument(skip_all)]
    pub fn init_socket(&mut self) -> Result<(), ServerError> {
        stream_server::init_socket(self)?;
        self.update_environ()
    }

    /// Mirrors `WSGIServer.update_environ`: adds `SERVER_NAME` and `SERVER_PORT`, and nothing else. The name comes from
    /// `getfqdn`, and that is a lookup.
    ///
    /// # Errors
    /// Only [`ServerError::Interrupted`]: a name that cannot be found leaves the address as the name.
    #[instrument(skip_all, fields(keys_before = self.environ.len(), server_name, server_port, keys_after))]
    fn update_environ(&mut self) -> Result<(), ServerError> {
        let name = socketcommon::getfqdn(&self.settings.host.clone(), self)?;
        let port = self.address.get().map_or(self.settings.port, SocketAddr::port);
        let span = Span::current();
        span.record("server_name", &name);
        debug!(server_name = name, "SERVER_NAME set");
        self.environ.insert("SERVER_NAME", name);
        span.record("server_port", port);
        self.environ.insert("SERVER_PORT", port.to_string());
        span.record("keys_after", self.environ.len());
        Ok(())
    }

    /// Mirrors `hub.resolver`: made at its first use, and with it the pool, which has no thread yet.
    pub(super) fn resolver(&mut self) -> &mut Resolver {
        let (settings, hub) = (&self.settings, &self.hub);
        self.resolver.get_or_insert_with(|| match settings.resolver {
            ResolverKind::Thread => Resolver::thread(hub.clone(), settings.worker_idle, settings.slow_dns),
            ResolverKind::Block => Resolver::blocking(hub.interrupt().clone(), settings.slow_dns),
        })
    }
}

/// Mirrors `WSGIServer.set_environ`: the nine keys that do not depend on the socket.
fn set_environ() -> Environ {
    let software = concat!("spanwalk/", env!("CARGO_PKG_VERSION"));
    [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_SOFTWARE", software),
        ("SCRIPT_NAME", ""),
        ("wsgi.version", "(1, 0)"),
        ("wsgi.multithread", "False"),
        ("wsgi.multiprocess", "False"),
        ("wsgi.run_once", "False"),
        ("wsgi.url_scheme", "http"),
        ("wsgi.errors", "stderr"),
    ]
    .into_iter()
    .map(|(key, value)| (key, value.to_owned()))
    .collect()
}

/// Mirrors `WSGIServer.handle` and `WSGIHandler.handle`: one connection, from its first byte to its close, request by
/// request. gevent gives it a greenlet; here it is a task, and a lane of its own. This only makes the task's future.
///
/// hyper parses requests and writes answers where gevent has `read_requestline` and `finalize_headers`.
pub fn handle(connection: Arc<Connection>, stream: TcpStream, visit: Visit) -> Greenlet {
    let span = debug_span!(
        parent: None, "handle", lane = %visit.lane, peer = %visit.peer, fd = visit.fd, nodelay = visit.nodelay,
        reason = "its socket", requests = Empty,
    );
    span.follows_from(Span::current());
    let visit = Arc::new(visit);
    let mut drain = connection.connections.draining();
    let serve = async move {
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
        let (limits, flight) = (connection.limits, Flight::default());
        let rfile = RFile::new(stream, flight.clone(), connection.connections.draining(), limits);
        let answer = {
            let visit = visit.clone();
            let requests = AtomicU64::new(0);
            // The one that `handle` has made: this runs inside it.
            let span = Span::current();
            move |request| {
                let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
                span.record("requests", number);
                let (connection, visit) = (connection.clone(), visit.clone());
                let flying = flight.begin();
                async move {
                    let response = handle_one_request(&connection, visit, number, request).await;
                    drop(flying);
                    Ok::<_, Infallible>(response)
                }
            }
        };
        let serving = http(limits).serve_connection(TokioIo::new(rfile), service_fn(answer)).with_upgrades();
        let mut serving = std::pin::pin!(serving);
        let ended = tokio::select! {
            ended = &mut serving => ended,
            // What is under way is answered; if nothing is, `rfile` says that there is no more. It has to be asked.
            () = drain.begun() => serving.await,
        };
        if let Err(error) = ended {
            debug!(%error, "the connection failed");
        }
        // HTTP is over. What a WebSocket's handshake has left goes on here, in the same task and lane.
        if let Some(then) = visit.successor.take() {
            then.await;
        }
    };
    Greenlet::new(span, serve)
}

/// What reads requests and writes answers, within these limits.
fn http(limits: Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_header_size(limits.header_size).max_buf_size(limits.header_size.max(LEAST_BUFFER));
    if limits.headers != HEADERS {
        http.max_headers(limits.headers);
    }
    http
}

/// Mirrors `WSGIHandler.handle_one_request`: from a request's head to its answer.
async fn handle_one_request(
    connection: &Connection,
    visit: Arc<Visit>,
    number: u64,
    request: Request<Incoming>,
) -> Response<axum::body::Body> {
    let span = debug_span!(
        "handle_one_request",
        method = request.method().as_str(),
        path = request.uri().path(),
        version = spelled(request.version()),
        request = number,
        server_name = visit.environ.get("SERVER_NAME"),
        reason = "the body",
        status = Empty,
    );
    let answer = async {
        // Whatever follows these was not looked at.
        let headers = request.headers();
        let is_last = headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::UPGRADE);
        let mut response = if has_host(&request) {
            connection.app.app(connection, visit, number, request).await
        } else {
            Refusal::NoHost.response()
        };
        let is_over = is_last || connection.connections.is_draining();
        if is_over && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        span.record("status", response.status().as_u16());
        response
    };
    call(&span, answer).await
}

/// A version of HTTP, as it is spelled in a request.
fn spelled(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        // hyper takes no other here.
        _ => "?",
    }
}

/// Whether a request names one host, as every one of HTTP/1.1 must (RFC 9112, section 3.2).
fn has_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            let is_named = |host: &str| {
                host.is_empty() || host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'))
            };
            is_plain(host.as_bytes()) || host.to_str().is_ok_and(is_named)
        }
        (None, _) => request.version() == Version::HTTP_10,
        (Some(_), Some(_)) => false,
    }
}

/// Whether it is a name or an IPv4 address, with a port or without, and nothing else: as almost all are, and then it need not
/// be parsed.
fn is_plain(host: &[u8]) -> bool {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'.' || *byte == b'-';
    match host.split_at(host.iter().take_while(|byte| is_of_name(byte)).count()) {
        ([], _) | (_, [b':']) => false,
        (_, []) => true,
        (_, [first, port @ ..]) => *first == b':' && port.iter().all(u8::is_ascii_digit),
    }
}

/// What goes on with a connection when HTTP is over: the other half of a handshake that was answered `101`.
#[derive(Default)]
pub struct Successor(Mutex<Option<Then>>);

type Then = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Successor {
    pub(super) fn set(&self, then: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(then));
    }

    fn take(&self) -> Option<Then> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(host: &str, is_one: bool) {
        assert_eq!(is_plain(host.as_bytes()), is_one, "{host:?}");
    }

    #[test]
    fn names_and_addresses_are_plain_and_what_has_to_be_parsed_is_not() {
        for host in ["localhost", "127.0.0.1:5000", "a-b.example:80"] {
            check(host, true);
        }
        for host in ["", ":80", "a:", "[::1]:80", "user@host", "a:80:90", "a b", "a/b", "a:8o"] {
            check(host, false);
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_is_a_host_to_the_parser_too(host in "[a-zA-Z0-9.:@/_-]{0,12}") {
            let parsed = host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'));
            prop_assert!(parsed || !is_plain(host.as_bytes()));
        }
    }
}
