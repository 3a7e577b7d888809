//! Every mistake that a peer can make, and the one table of what it is answered with.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use serde::Serialize;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Why a request or a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `transport` is missing, unknown, or not offered.
    #[error("Transport unknown")]
    UnknownTransport,
    /// No session has this `sid`, or it has ended.
    #[error("Session ID unknown")]
    UnknownSession,
    /// A session is begun with GET.
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    /// The session is not in a state for this.
    #[error("Bad request")]
    BadRequest,
    /// Two polls of one session at once.
    #[error("Another poll is waiting already")]
    TwoPolls,
    /// Not the packet of a protocol that both speak.
    #[error("Invalid packet")]
    InvalidPacket,
    /// The page comes from elsewhere.
    #[error("Not an accepted origin")]
    ForeignOrigin,
    /// `EIO` is not 4.
    #[error("Unsupported protocol version")]
    UnsupportedVersion,
    /// More than was announced.
    #[error("Payload too large")]
    TooLarge,
    /// The body does not come.
    #[error("The request's body did not come in time")]
    TooSlow,
    /// HTTP/1.1 without a host, or with more than one.
    #[error("No host, or not one that there may be")]
    NoHost,
    /// Another version of WebSocket than 13.
    #[error("Unsupported WebSocket version")]
    UnsupportedWebSocket,
    /// Neither GET, POST nor OPTIONS.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// There are as many sessions as there may be.
    #[error("Too many sessions")]
    TooManySessions,
    /// The server is stopping.
    #[error("The server is stopping")]
    Stopping,
}

impl Refusal {
    /// The status of the answer, the number in its body, and the code that closes a WebSocket. The numbers are those of
    /// the reference implementation (engine.io, `server.ts`); what it has no number for is a bad request.
    #[must_use]
    pub fn answer(self) -> (StatusCode, u8, CloseCode) {
        match self {
            Self::UnknownTransport => (StatusCode::BAD_REQUEST, 0, CloseCode::Policy),
            Self::UnknownSession => (StatusCode::BAD_REQUEST, 1, CloseCode::Policy),
            Self::BadHandshakeMethod => (StatusCode::BAD_REQUEST, 2, CloseCode::Policy),
            Self::BadRequest | Self::TwoPolls | Self::NoHost => (StatusCode::BAD_REQUEST, 3, CloseCode::Policy),
            Self::InvalidPacket => (StatusCode::BAD_REQUEST, 3, CloseCode::Protocol),
            Self::ForeignOrigin => (StatusCode::BAD_REQUEST, 4, CloseCode::Policy),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, 5, CloseCode::Policy),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 3, CloseCode::Size),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, 3, CloseCode::Policy),
            Self::UnsupportedWebSocket => (StatusCode::UPGRADE_REQUIRED, 3, CloseCode::Protocol),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, 3, CloseCode::Policy),
            Self::TooManySessions => (StatusCode::SERVICE_UNAVAILABLE, 3, CloseCode::Again),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, 3, CloseCode::Away),
        }
    }

    /// The answer: `{"code":1,"message":"Session ID unknown"}`.
    pub(in crate::server) fn response(self) -> Response<Body> {
        #[derive(Serialize)]
        struct Told {
            code: u8,
            message: String,
        }
        let (status, code, _) = self.answer();
        let body = serde_json::to_string(&Told { code, message: self.to_string() }).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        if self == Self::UnsupportedWebSocket {
            headers.insert(header::SEC_WEBSOCKET_VERSION, header::HeaderValue::from_static("13"));
        }
        if self == Self::MethodNotAllowed {
            headers.insert(header::ALLOW, header::HeaderValue::from_static("GET, POST, OPTIONS"));
        }
        if matches!(self, Self::TooLarge | Self::TooSlow) {
            // The rest of the body is not read.
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        response
    }
}
