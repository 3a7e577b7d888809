//! The WebSocket transport: one packet is one frame, both ways, on a connection of its own.
//!
//! ```text
//!   GET, Upgrade: websocket ──► 101 ──► frames                        a session that begins with it
//!                                └───► 2probe 3probe 5 ──► frames     one that was polled until now
//! ```

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use engineioxide_core::{Packet, TransportType};
use futures_util::{Sink as _, Stream as _};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message as Frame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, debug_span, instrument, record_all};

use super::refusal::Refusal;
use super::service::{Next, Service};
use super::session::{Reason, Received};
use super::socket::{Probing, Socket};
use super::{polling, shortened, type_of};
use crate::server::pywsgi::rfile::RFile;

/// What is read at a time. A connection that says nothing keeps it.
const BUFFER: usize = 4096;
/// Packets that are written before something else has its turn.
const AT_ONCE: usize = 64;
/// Bytes after which the same is true.
const BYTES_AT_ONCE: usize = 64 << 10;
/// How long the peer may take to take what is still to be said, and to close its end.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

type Stream = WebSocketStream<TcpStream>;

/// Whether a request asks for a WebSocket that can be had; the answer to its key.
///
/// # Errors
/// What is wrong with it.
pub(super) fn accept<B: hyper::body::Body>(request: &Request<B>) -> Result<HeaderValue, Refusal> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11 || !request.body().is_end_stream() {
        return Err(Refusal::BadRequest);
    }
    let has = |name, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(Refusal::BadRequest);
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refusal::UnsupportedWebSocket);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).ok_or(Refusal::BadRequest)?;
    derive_accept_key(key.as_bytes()).parse().map_err(|_| Refusal::BadRequest)
}

/// Whether it is 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    matches!(key.strip_suffix(b"=="), Some(digits) if digits.len() == 22 && digits.iter().all(is_digit))
}

/// `101 Switching Protocols`, and the connection for afterwards.
pub(super) fn switch(request: Request<Incoming>, accepted: HeaderValue) -> (Response<Body>, OnUpgrade) {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    (response, hyper::upgrade::on(request))
}

/// The connection, as a WebSocket.
async fn take_over(connection: OnUpgrade, max_payload: u64) -> Option<Stream> {
    let upgraded = connection.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<RFile>>().ok()?;
    let limit = usize::try_from(max_payload).unwrap_or(usize::MAX);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let (stream, read) = (parts.io.into_inner().into_inner(), parts.read_buf.to_vec());
    Some(WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await)
}

/// A WebSocket that a session has no use for: it is told so, and the session goes on without it.
pub(super) async fn refuse(connection: OnUpgrade, socket: Arc<Socket>, refusal: Refusal) {
    if let Some(stream) = take_over(connection, socket.options.max_payload).await {
        close(stream, refusal.answer().2, "the session has a WebSocket").await;
    }
}

/// Mirrors `Socket._websocket_handler` for a session that begins by WebSocket.
pub(super) async fn begin(connection: OnUpgrade, service: Service) {
    let socket = service.socket.clone();
    let Some(stream) = take_over(connection, socket.options.max_payload).await else {
        socket.close(Reason::TransportClosed);
        return service.finish(Reason::TransportClosed).await;
    };
    let mut handler = Handler { stream, service, is_flushing: false };
    let span = handler_span(&socket);
    async move {
        handler.put(socket.open_packet());
        handler.websocket_handler().await;
    }
    .instrument(span)
    .await;
}

/// Mirrors `Socket._upgrade_websocket`: a WebSocket for a session that is polled. It has to prove itself first: what is
/// lost with it then is the WebSocket, and not the session.
#[instrument(skip_all, fields(sid = &*shortened(socket.sid), reason = "the probe", outcome))]
pub(super) async fn upgrade_websocket(connection: OnUpgrade, socket: Arc<Socket>, probing: Probing, lane: Arc<str>) {
    let Some(mut stream) = take_over(connection, socket.options.max_payload).await else { return };
    let probed = probe(&mut stream, &socket, probing);
    let probed = match socket.options.upgrade_timeout {
        Some(within) => tokio::time::timeout(within, probed).await.unwrap_or(Err(Refusal::TooSlow)),
        None => probed.await,
    };
    let service = match probed {
        Ok(service) => service,
        Err(refusal) => {
            Span::current().record("outcome", refusal.to_string());
            return close(stream, refusal.answer().2, "the probe failed").await;
        }
    };
    Span::current().record("outcome", "upgraded");
    socket.set_lane(&lane);
    Handler { stream, service, is_flushing: false }.websocket_handler().instrument(handler_span(&socket)).await;
}

/// `2probe` → `3probe`, `5`: then the task that has served the session gives it away.
async fn probe(stream: &mut Stream, socket: &Socket, probing: Probing) -> Result<Service, Refusal> {
    loop {
        let frame = poll_fn(|cx| match socket.poll_ended(cx) {
            Poll::Ready(_) => Poll::Ready(Err(Refusal::UnknownSession)),
            Poll::Pending => Pin::new(&mut *stream).poll_next(cx).map(Ok),
        });
        let text = match frame.await? {
            Some(Ok(Frame::Text(text))) => text,
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => continue,
            Some(Ok(Frame::Binary(_) | Frame::Close(_) | Frame::Frame(_))) => return Err(Refusal::InvalidPacket),
            Some(Err(error)) => return Err(of_error(&error).map_or(Refusal::BadRequest, |(_, refusal)| refusal)),
            None => return Err(Refusal::BadRequest),
        };
        let packet = polling::decode(text.as_str().to_owned().into())?;
        match socket.receive(TransportType::Websocket, packet, socket.now())? {
            Received::Probed(answer) => {
                let frame = Frame::text(String::from(answer));
                let sent = Pin::new(&mut *stream).start_send(frame);
                sent.map_err(|_| Refusal::BadRequest)?;
                let flushed = poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await;
                flushed.map_err(|_| Refusal::BadRequest)?;
            }
            Received::Upgraded => break,
            _ => return Err(Refusal::InvalidPacket),
        }
    }
    drop(probing);
    socket.succeed().await.map_err(|_| Refusal::UnknownSession)
}

fn handler_span(socket: &Socket) -> Span {
    debug_span!(
        "websocket_handler",
        sid = &*shortened(socket.sid),
        transport = "websocket",
        reason = "its client",
        ended = Empty,
    )
}

/// Serves a session by a WebSocket.
struct Handler {
    stream: Stream,
    service: Service,
    /// Something was written and not given to the system yet.
    is_flushing: bool,
}

/// What a connection has to be looked at for.
enum Event {
    /// A packet can be written.
    Writable,
    /// A frame has come, or none will.
    Frame(Option<Result<Frame, tungstenite::Error>>),
    /// The session itself.
    Session(Next),
}

impl Handler {
    /// Mirrors `Socket._websocket_handler`: reads, and runs what the messages lead to; and, unlike it, also writes
    /// and keeps the heartbeat, each when it is its turn.
    async fn websocket_handler(mut self) {
        let mut code = None;
        let reason = loop {
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Writable => self.writer(),
                Event::Frame(frame) => code = self.websocket_wait(frame).or(code),
                Event::Session(Next::Message(message)) => self.service.receive(message),
                Event::Session(Next::Due) => self.service.look(),
                // Nobody upgrades what has been upgraded.
                Event::Session(Next::Upgraded(_)) => {}
                Event::Session(Next::Ended(reason)) => break reason,
            }
        };
        Span::current().record("ended", reason.words());
        let Self { mut stream, service, .. } = self;
        // What was said before the end is still sent, unless there is nobody any more.
        while let Some(packet) = service.socket.take_packet() {
            let _ = Pin::new(&mut stream).start_send(frame_of(packet));
        }
        if reason == Reason::ServerStops || reason == Reason::ClosedByServer {
            let _ = Pin::new(&mut stream).start_send(Frame::text("1"));
        }
        let code = code.or_else(|| reason.refusal().map(|refusal| refusal.answer().2)).unwrap_or(CloseCode::Normal);
        // Handlers may take long to end; the client need not wait for that.
        tokio::join!(close(stream, code, reason.words()), service.finish(reason));
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        // Writing first: what is read leads to more to write.
        if self.service.socket.queued() > 0 && Pin::new(&mut self.stream).poll_ready(cx).is_ready() {
            return Poll::Ready(Event::Writable);
        }
        if self.is_flushing && Pin::new(&mut self.stream).poll_flush(cx).is_ready() {
            // If it failed, reading fails too.
            self.is_flushing = false;
        }
        if let Poll::Ready(next) = self.service.poll_next(cx) {
            return Poll::Ready(Event::Session(next));
        }
        // Handlers have just run.
        if self.service.socket.queued() > 0 && Pin::new(&mut self.stream).poll_ready(cx).is_ready() {
            return Poll::Ready(Event::Writable);
        }
        if self.service.is_full() {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_next(cx).map(Event::Frame)
    }

    fn put(&mut self, packet: Packet) {
        debug!(message = "write", packet = type_of(&packet), bytes = packet.get_size_hint(false));
        // A connection that is broken says so when it is read.
        let _ = Pin::new(&mut self.stream).start_send(frame_of(packet));
        self.is_flushing = true;
    }

    /// Mirrors `writer`, which upstream is a greenlet that waits for the queue.
    fn writer(&mut self) {
        let span = debug_span!("writer", packets = Empty, left = Empty).entered();
        let (mut packets, mut bytes) = (0, 0);
        while packets < AT_ONCE
            && bytes < BYTES_AT_ONCE
            && let Some(packet) = self.service.socket.take_packet()
        {
            bytes += packet.get_size_hint(false);
            self.put(packet);
            packets += 1;
        }
        record_all!(span, packets = packets, left = self.service.socket.queued());
    }

    /// Mirrors `websocket_wait`: what came. Says with which code to close if it was a mistake.
    fn websocket_wait(&mut self, frame: Option<Result<Frame, tungstenite::Error>>) -> Option<CloseCode> {
        let (kind, bytes) = told(frame.as_ref());
        let span = debug_span!("websocket_wait", frame = kind, bytes, error = Empty).entered();
        let socket = self.service.socket.clone();
        let packet = match frame {
            Some(Ok(Frame::Text(text))) => polling::decode(text.as_str().to_owned().into()),
            Some(Ok(Frame::Binary(bytes))) => Ok(Packet::Binary(bytes)),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {
                // A pong frame was put in place by the library.
                self.is_flushing = true;
                return None;
            }
            Some(Ok(Frame::Close(_))) | None => {
                socket.close(Reason::TransportClosed);
                return None;
            }
            Some(Err(error)) => {
                span.record("error", error.to_string());
                let mistake = of_error(&error);
                socket.close(match mistake {
                    Some((_, Refusal::TooLarge)) => Reason::TooLarge,
                    Some(_) => Reason::InvalidPacket,
                    None => Reason::TransportClosed,
                });
                return mistake.map(|mistake| mistake.0);
            }
        };
        let received = packet.and_then(|packet| {
            // The heartbeat's deadline counts before what comes after it.
            let now = socket.now();
            let _ = socket.check_ping_timeout(now);
            socket.receive(TransportType::Websocket, packet, now)
        });
        match received {
            Ok(Received::Message(message)) => self.service.receive(message),
            Ok(_) => {}
            Err(Refusal::InvalidPacket) => socket.close(Reason::InvalidPacket),
            // It is over already.
            Err(_) => {}
        }
        None
    }
}

/// What a frame is, and how many bytes it has, for whoever watches.
fn told(frame: Option<&Result<Frame, tungstenite::Error>>) -> (Option<&'static str>, Option<usize>) {
    match frame {
        Some(Ok(Frame::Text(text))) => (Some("text"), Some(text.len())),
        Some(Ok(Frame::Binary(bytes))) => (Some("binary"), Some(bytes.len())),
        Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => (Some("control"), None),
        Some(Ok(Frame::Close(_))) | None => (Some("close"), None),
        Some(Err(_)) => (None, None),
    }
}

fn frame_of(packet: Packet) -> Frame {
    match packet {
        Packet::Binary(bytes) => Frame::Binary(bytes),
        Packet::Message(text) => {
            let mut frame = String::with_capacity(text.len() + 1);
            frame.push('4');
            frame.push_str(&text);
            Frame::text(frame)
        }
        packet => Frame::text(String::from(packet)),
    }
}

/// The code that answers a mistake of the peer, and what it is called; nothing if the connection just broke.
fn of_error(error: &tungstenite::Error) -> Option<(CloseCode, Refusal)> {
    match error {
        tungstenite::Error::Capacity(_) => Some((CloseCode::Size, Refusal::TooLarge)),
        tungstenite::Error::Utf8(_) => Some((CloseCode::Invalid, Refusal::InvalidPacket)),
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some((CloseCode::Protocol, Refusal::InvalidPacket)),
        _ => None,
    }
}

/// Says why, and gives the peer a moment to take it: a connection that is dropped with bytes unread is reset, and what was
/// sent last may be lost.
async fn close(mut stream: Stream, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let said = async {
        let _ = Pin::new(&mut stream).start_send(Frame::Close(Some(frame)));
        let _ = poll_fn(|cx| Pin::new(&mut stream).poll_flush(cx)).await;
        while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {}
    };
    let _ = tokio::time::timeout(CLOSE_WITHIN, said).await;
}
