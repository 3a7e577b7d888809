//! Which pages may talk to the server: Flask-SocketIO's `cors_allowed_origins`.
//!
//! A browser sends the page's origin with every request to another host and with every WebSocket handshake, and leaves it
//! to the server to say no: a WebSocket knows no same-origin policy. Without the check any page that somebody opens could
//! talk to this server in their name.

use axum::http::{HeaderMap, HeaderValue, header};

/// From where pages may talk to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// From the server itself.
    #[default]
    Same,
    /// From anywhere: `*`.
    Any,
    /// From the server itself and from these, such as `https://example.org`.
    Listed(Vec<String>),
}

impl Origins {
    /// Whether a request may pass. One without an origin does not come from a foreign page.
    pub(super) fn accept(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        match self {
            Self::Any => true,
            Self::Same => is_own(origin, headers),
            Self::Listed(listed) => listed.iter().any(|listed| listed.as_bytes() == origin) || is_own(origin, headers),
        }
    }

    /// Tells the browser that the page may read the answer.
    pub(super) fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let Some(origin) = origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Whether the page comes from the host that it talks to.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    matches!((origin, host), (Some(("http" | "https", of)), Some(host)) if of.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origins: &Origins, host: &'static str, origin: Option<&'static str>, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(origins.accept(&headers), expected, "{origins:?} {host} {origin:?}");
    }

    #[test]
    fn only_pages_of_the_server_and_those_that_are_listed_may_talk_to_it() {
        let listed = Origins::Listed(vec!["https://example.org".to_owned()]);
        check(&Origins::Same, "127.0.0.1:5000", None, true);
        check(&Origins::Same, "127.0.0.1:5000", Some("http://127.0.0.1:5000"), true);
        check(&Origins::Same, "127.0.0.1:5000", Some("http://127.0.0.1:5001"), false);
        check(&Origins::Same, "127.0.0.1:5000", Some("null"), false);
        check(&Origins::Same, "127.0.0.1:5000", Some("file://127.0.0.1:5000"), false);
        check(&Origins::Any, "127.0.0.1:5000", Some("http://elsewhere"), true);
        check(&listed, "127.0.0.1:5000", Some("https://example.org"), true);
        check(&listed, "127.0.0.1:5000", Some("http://127.0.0.1:5000"), true);
        check(&listed, "127.0.0.1:5000", Some("https://example.org.evil"), false);
    }
}
