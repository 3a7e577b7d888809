//! Mirrors `engineio/server.py`: finds the session that a request is for, or begins one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use engineioxide_core::{Sid, TransportType};
use hyper::body::Incoming;
use tracing::{Span, debug, instrument};

use super::refusal::Refusal;
use super::service::{self, Application, Service};
use super::session::{Due, Reason};
use super::socket::Socket;
use super::{Options, polling, shortened, websocket};
use crate::server::baseserver::Connection;
use crate::server::flask::Visit;

/// An Engine.IO server: the sessions of one path.
pub struct Server {
    options: Arc<Options>,
    sockets: Mutex<Sockets>,
    application: Box<dyn Fn(Arc<Socket>) -> Box<dyn Application> + Send + Sync>,
}

#[derive(Default)]
struct Sockets {
    by_sid: HashMap<Sid, Arc<Socket>>,
    is_stopping: bool,
}

/// What a request says of itself in its query: `?EIO=4&transport=polling&sid=…`.
#[derive(Default)]
struct Query<'a> {
    version: Option<&'a str>,
    transport: Option<&'a str>,
    sid: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn of(query: &'a str) -> Self {
        let mut said = Self::default();
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "EIO" => said.version = Some(value),
                "transport" => said.transport = Some(value),
                "sid" => said.sid = Some(value),
                _ => {}
            }
        }
        said
    }
}

impl Server {
    /// A server whose sessions speak to what `application` makes for each.
    pub(in crate::server) fn new(
        options: Options,
        application: impl Fn(Arc<Socket>) -> Box<dyn Application> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { options: Arc::new(options), sockets: Mutex::default(), application: Box::new(application) })
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mirrors `Server.handle_request`.
    #[instrument(skip_all, fields(
        method = %request.method(), transport, sid, reason = "the answer", refused,
    ))]
    pub(in crate::server) async fn handle_request(
        self: &Arc<Self>,
        connection: &Connection,
        visit: &Visit,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let answered = if self.options.origins.accept(request.headers()) {
            let answered = self.answer(connection, visit, request).await;
            answered.map(|mut response| {
                self.options.origins.allow(origin.as_ref(), response.headers_mut());
                response
            })
        } else {
            Err(Refusal::ForeignOrigin)
        };
        let mut response = answered.unwrap_or_else(|refusal| {
            Span::current().record("refused", refusal.to_string());
            let mut response = refusal.response();
            if refusal != Refusal::ForeignOrigin {
                self.options.origins.allow(origin.as_ref(), response.headers_mut());
            }
            response
        });
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn answer(
        self: &Arc<Self>,
        connection: &Connection,
        visit: &Visit,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        if request.method() == Method::OPTIONS {
            return Ok(preflight(request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS)));
        }
        let uri = request.uri().clone();
        let query = Query::of(uri.query().unwrap_or_default());
        let transport = query.transport.and_then(|name| name.parse().ok()).ok_or(Refusal::UnknownTransport)?;
        let span = Span::current();
        span.record("transport", <&str>::from(transport));
        if !self.options.transports.contains(&transport) {
            return Err(Refusal::UnknownTransport);
        }
        let Some(sid) = query.sid else {
            if request.method() != Method::GET {
                return Err(Refusal::BadHandshakeMethod);
            }
            if query.version != Some("4") {
                return Err(Refusal::UnsupportedVersion);
            }
            return self.handle_connect(connection, visit, transport, request);
        };
        let socket = self.get_socket(sid)?;
        span.record("sid", &*shortened(socket.sid));
        if query.version != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        if socket.check_ping_timeout(socket.now()) == Due::Ended {
            return Err(Refusal::UnknownSession);
        }
        match (transport, request.method().as_str()) {
            (TransportType::Websocket, "GET") => upgrade(visit, socket, request),
            (TransportType::Polling, "GET") => polling::handle_get_request(&socket, &visit.lane).await,
            (TransportType::Polling, "POST") => polling::handle_post_request(&socket, request.into_body()).await,
            _ => Err(Refusal::MethodNotAllowed),
        }
    }

    /// Mirrors `Server._handle_connect`: a session begins. By polling the answer is its open packet, and a task is
    /// made that serves it; by WebSocket the connection's own task will.
    ///
    /// # Errors
    /// If the server is stopping, or the request asks for no WebSocket that can be had.
    #[instrument(skip_all, fields(transport = <&str>::from(transport), sid))]
    fn handle_connect(
        self: &Arc<Self>,
        connection: &Connection,
        visit: &Visit,
        transport: TransportType,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let accepted = match transport {
            TransportType::Websocket => Some(websocket::accept(&request)?),
            TransportType::Polling => None,
        };
        let socket = Arc::new(Socket::new(transport, &visit.lane, self.options.clone()));
        Span::current().record("sid", &*shortened(socket.sid));
        let entry = self.enter(&socket)?;
        let service = Service::new(socket.clone(), (self.application)(socket.clone()), Box::new(entry));
        debug!(
            sessions = self.len(),
            ping_interval_ms = self.options.ping_interval.as_millis() as u64,
            ping_timeout_ms = self.options.ping_timeout.as_millis() as u64,
            max_payload = self.options.max_payload,
            "announced",
        );
        if let Some(accepted) = accepted {
            let (response, upgraded) = websocket::switch(request, accepted);
            visit.successor.set(websocket::begin(upgraded, service));
            return Ok(response);
        }
        connection.connections.spawn(&visit.lane, service::serve(service, &visit.lane));
        Ok(polling::response(polling::encode(vec![socket.open_packet()])))
    }

    /// Mirrors `Server._get_socket`.
    ///
    /// # Errors
    /// If there is none.
    fn get_socket(&self, sid: &str) -> Result<Arc<Socket>, Refusal> {
        let sid: Sid = sid.parse().map_err(|_| Refusal::UnknownSession)?;
        self.sockets().by_sid.get(&sid).cloned().ok_or(Refusal::UnknownSession)
    }

    fn enter(self: &Arc<Self>, socket: &Arc<Socket>) -> Result<Entry, Refusal> {
        let mut sockets = self.sockets();
        if sockets.is_stopping {
            return Err(Refusal::Stopping);
        }
        if sockets.by_sid.len() >= self.options.max_sessions {
            return Err(Refusal::TooManySessions);
        }
        sockets.by_sid.insert(socket.sid, socket.clone());
        Ok(Entry(Arc::downgrade(self), socket.sid))
    }

    /// How many sessions there are.
    pub(in crate::server) fn len(&self) -> usize {
        self.sockets().by_sid.len()
    }

    /// Ends every session, and lets none begin. A client with a WebSocket, or with a poll that waits, is told after what waits
    /// for it; one that is between two polls is not there to be told.
    pub(in crate::server) fn drain(&self) {
        let sockets: Vec<_> = {
            let mut sockets = self.sockets();
            sockets.is_stopping = true;
            sockets.by_sid.values().cloned().collect()
        };
        for socket in sockets {
            socket.close(Reason::ServerStops);
        }
    }
}

/// A session's place in its server; dropped when it has been served to its end.
struct Entry(Weak<Server>, Sid);

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(server) = self.0.upgrade() {
            server.sockets().by_sid.remove(&self.1);
        }
    }
}

/// A WebSocket for a session that is polled.
fn upgrade(visit: &Visit, socket: Arc<Socket>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let accepted = websocket::accept(&request)?;
    let probing = match socket.begin_probe() {
        Ok(probing) => probing,
        // It has one already, or one is being tried. The session is there: so this is said by the frame that closes.
        Err(refusal @ Refusal::BadRequest) => {
            Span::current().record("refused", refusal.to_string());
            let (response, upgraded) = websocket::switch(request, accepted);
            visit.successor.set(websocket::refuse(upgraded, socket, refusal));
            return Ok(response);
        }
        Err(refusal) => return Err(refusal),
    };
    let (response, upgraded) = websocket::switch(request, accepted);
    visit.successor.set(websocket::upgrade_websocket(upgraded, socket, probing, visit.lane.clone()));
    Ok(response)
}

/// What a browser asks before a page of another origin may talk to the server. It may send the headers that it asks for.
fn preflight(asked: Option<&HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    let asked = asked.cloned().unwrap_or(HeaderValue::from_static("content-type"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    response
}
