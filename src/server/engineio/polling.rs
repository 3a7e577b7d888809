//! The polling transport: what is sent waits for a GET, what is received comes by POST.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use engineioxide_core::{Packet, ProtocolVersion, Str, TransportType};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tracing::field::Empty;
use tracing::{Span, debug, debug_span, instrument};

use super::refusal::Refusal;
use super::session::{Reason, Received};
use super::socket::Socket;
use super::{shortened, type_of};

/// What stands between packets of one body.
const SEPARATOR: u8 = 0x1e;

/// Mirrors `Socket.handle_get_request`: a poll. It waits until there is something to send.
///
/// # Errors
/// If the session is over or polled already.
#[instrument(skip_all, fields(sid = &*shortened(socket.sid)))]
pub(super) async fn handle_get_request(socket: &Arc<Socket>, lane: &str) -> Result<Response<Body>, Refusal> {
    let packets = poll(socket, lane).await?;
    Ok(response(encode(packets)))
}

/// Mirrors `Socket.poll`. Upstream it waits in a queue for as long as a heartbeat may take.
///
/// # Errors
/// If the session is over or polled already.
#[instrument(skip_all, fields(sid = &*shortened(socket.sid), reason = "a packet to send", packets))]
async fn poll(socket: &Arc<Socket>, lane: &str) -> Result<Vec<Packet>, Refusal> {
    let mut polling = socket.begin_poll()?;
    let packets = polling.packets(&lane.into()).await;
    Span::current().record("packets", packets.len());
    Ok(packets)
}

/// Mirrors `Payload.encode`: `4hello␞2␞bAQID`.
#[instrument(skip_all, fields(packets = packets.len(), bytes))]
pub(super) fn encode(packets: Vec<Packet>) -> String {
    let size = packets.iter().map(|packet| packet.get_size_hint(true) + 1).sum();
    let mut body = String::with_capacity(size);
    for (at, packet) in packets.into_iter().enumerate() {
        if at > 0 {
            body.push(SEPARATOR.into());
        }
        debug!(message = "write", packet = type_of(&packet), bytes = packet.get_size_hint(true));
        match packet {
            Packet::Message(text) => {
                body.push('4');
                body.push_str(&text);
            }
            packet => body.push_str(&String::from(packet)),
        }
    }
    Span::current().record("bytes", body.len());
    body
}

/// An answer of packets.
pub(super) fn response(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    response
}

/// Mirrors `Socket.handle_post_request`: what the client says. It is answered `ok` when all of it has been taken;
/// what handlers make of it comes by a poll.
///
/// # Errors
/// If the body is too large, too slow, or not packets, which ends the session; or if the session is over.
#[instrument(skip_all, fields(sid = &*shortened(socket.sid), bytes, reason = "the body"))]
pub(super) async fn handle_post_request(socket: &Arc<Socket>, body: Incoming) -> Result<Response<Body>, Refusal> {
    let body = match read(socket, body).await {
        Ok(body) => body,
        Err(refusal) => {
            socket.close(if refusal == Refusal::TooLarge { Reason::TooLarge } else { Reason::TransportClosed });
            return Err(refusal);
        }
    };
    Span::current().record("bytes", body.len());
    let Ok(body) = String::from_utf8(body.into()) else { return Err(malformed(socket)) };
    for packet in packets(body.into()) {
        let packet = packet.map_err(|_| malformed(socket))?;
        match socket.receive(TransportType::Polling, packet, socket.now())? {
            Received::Message(message) => socket.deliver(message).await.map_err(|_| Refusal::UnknownSession)?,
            Received::Ended(_) => break,
            Received::Nothing | Received::Probed(_) | Received::Upgraded => {}
        }
    }
    let mut response = Response::new(Body::from("ok"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    Ok(response)
}

fn malformed(socket: &Socket) -> Refusal {
    socket.close(Reason::InvalidPacket);
    Refusal::InvalidPacket
}

/// Reads a body that is no longer and no slower than allowed.
async fn read(socket: &Socket, body: Incoming) -> Result<Bytes, Refusal> {
    let limit = usize::try_from(socket.options.max_payload).unwrap_or(usize::MAX);
    if body.size_hint().lower() > socket.options.max_payload {
        // It says so itself.
        return Err(Refusal::TooLarge);
    }
    let read = Limited::new(body, limit).collect();
    let read = match socket.options.body_timeout {
        Some(timeout) => tokio::time::timeout(timeout, read).await.map_err(|_| Refusal::TooSlow)?,
        None => read.await,
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::BadRequest),
    }
}

/// Mirrors `Payload.decode`: the packets of a body, one after the other.
pub fn packets(body: Str) -> impl Iterator<Item = Result<Packet, Refusal>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = body.as_bytes().get(from..)?;
        let to = rest.iter().position(|byte| *byte == SEPARATOR).map_or(body.len(), |at| from + at);
        let text = body.slice(from..to);
        from = to + 1;
        Some(decode(text))
    })
}

/// Mirrors `Packet.decode`.
///
/// # Errors
/// If it is none.
pub fn decode(text: Str) -> Result<Packet, Refusal> {
    let span = debug_span!("decode", bytes = text.len(), packet = Empty).entered();
    let packet = Packet::parse(ProtocolVersion::V4, text).map_err(|_| Refusal::InvalidPacket)?;
    span.record("packet", type_of(&packet));
    Ok(packet)
}
