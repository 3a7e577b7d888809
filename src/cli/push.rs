//! `spanwalk export FILE --push URL`: spans to a collector, by OTLP over HTTP.
//!
//! ```text
//!   batch ──POST URL/v1/traces──► 200               arrived, but for what the answer says was rejected
//!                                 429 502 503 504   again, when it says (Retry-After) or after 100 ms, 200 ms, 400 ms …
//!                                 no answer         again, over a new connection
//!                                 400 413           this batch is given up
//!                                 anything else     all is given up: the address is wrong, or not for us
//! ```
//!
//! One batch after another, over one connection. A batch whose answer is lost is sent once more under the same ids. As the
//! specification has it: "OTLP/HTTP", <https://opentelemetry.io/docs/specs/otlp/>.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::UsageError;
use super::progress::Progress;
use crate::format::{Excerpt, otlp};

/// How often a batch is sent before it is given up.
const TRIES: u32 = 8;
/// How long one waits before the second.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest that a collector may ask us to wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a connection, or an answer, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER: usize = 1 << 20;

/// Where spans are pushed to.
pub(super) struct Collector {
    host: String,
    port: u16,
    authority: String,
    path: String,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// What became of the spans.
#[derive(Default)]
struct Outcome {
    spans: usize,
    arrived: usize,
    requests: usize,
    /// Why the first that did not arrive has not.
    why: Option<anyhow::Error>,
}

/// An answer, or none.
enum Answer {
    Taken { rejected: usize, why: String },
    Later { why: anyhow::Error, pause: Option<Duration> },
    NotThis(anyhow::Error),
    Never(anyhow::Error),
}

impl Collector {
    /// The collector at an address such as `http://localhost:4318`.
    pub(super) fn at(url: &str) -> anyhow::Result<Self> {
        let wrong = |what: &str| UsageError(format!("cannot push to `{url}`: {what}, such as http://localhost:4318"));
        let uri: Uri = url.parse().map_err(|_| wrong("that is no address; name one"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                let text = "there is no TLS in this program; push to a collector on this machine that sends it on";
                return Err(wrong(text).into());
            }
            _ => return Err(wrong("name the address of a collector").into()),
        }
        let authority = uri.authority().ok_or_else(|| wrong("it has no host; name one"))?;
        let path = uri.path().trim_end_matches('/');
        let path = if path.ends_with("/v1/traces") { path.to_owned() } else { format!("{path}/v1/traces") };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.host().to_owned()
                + &authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default(),
            path,
            connection: None,
        })
    }

    /// Pushes all spans of an excerpt, and says what has arrived.
    pub(super) fn push(mut self, excerpt: &Excerpt<'_>) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let Outcome { spans, arrived, requests, why } = runtime.block_on(self.push_all(excerpt));
        let url = format!("http://{}{}", self.authority, self.path);
        match why {
            None => {
                let plural = if requests == 1 { "" } else { "s" };
                writeln!(io::stdout(), "{arrived} of {spans} spans arrived at {url} in {requests} request{plural}")?;
                Ok(())
            }
            Some(why) => Err(why.context(format!("{arrived} of {spans} spans arrived at `{url}`"))),
        }
    }

    async fn push_all(&mut self, excerpt: &Excerpt<'_>) -> Outcome {
        let mut outcome = Outcome { spans: excerpt.span_count(), ..Outcome::default() };
        let mut progress = Progress::new();
        let mut done = 0;
        for batch in otlp::batches(excerpt) {
            outcome.requests += 1;
            let body = Bytes::from(batch.request(excerpt));
            let is_over = match self.deliver(&body).await {
                Answer::Taken { rejected, why } => {
                    let rejected = rejected.min(batch.spans);
                    outcome.arrived += batch.spans - rejected;
                    if rejected > 0 {
                        outcome.why.get_or_insert_with(|| anyhow::anyhow!("the collector rejected spans: {why}"));
                    }
                    false
                }
                Answer::NotThis(why) => {
                    outcome.why.get_or_insert(why);
                    false
                }
                Answer::Later { why, .. } | Answer::Never(why) => {
                    outcome.why.get_or_insert(why);
                    true
                }
            };
            done += batch.spans;
            progress.tell(|| format!("pushing: {} %", done * 100 / outcome.spans.max(1)));
            if is_over {
                break;
            }
        }
        outcome
    }

    /// Sends a batch until there is an answer that stands, or patience ends.
    async fn deliver(&mut self, body: &Bytes) -> Answer {
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            let answer = match timeout(PATIENCE, self.send(body)).await {
                Ok(answer) => answer,
                Err(_) => Err(anyhow::anyhow!("there was no answer for {} s", PATIENCE.as_secs())),
            };
            let answer = answer.unwrap_or_else(|why| {
                self.connection = None;
                Answer::Later { why, pause: None }
            });
            match answer {
                Answer::Later { pause: asked, .. } if tries < TRIES => {
                    sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                    pause *= 2;
                    tries += 1;
                }
                Answer::Later { why, pause } => {
                    return Answer::Later { why: why.context(format!("given up after {tries} tries")), pause };
                }
                answer => return answer,
            }
        }
    }

    async fn send(&mut self, body: &Bytes) -> anyhow::Result<Answer> {
        let request = Request::post(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("spanwalk/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body.clone()))?;
        let kept = match self.connection.take() {
            Some(mut kept) => kept.ready().await.is_ok().then_some(kept),
            None => None,
        };
        let mut connection = match kept {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let response = connection.send_request(request).await.context("the connection broke")?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?.to_bytes();
        self.connection = Some(connection);
        let said = || {
            let text: String = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(200).collect();
            let colon = if text.is_empty() { "" } else { ": " };
            anyhow::anyhow!("the collector answered {}{colon}{text}", head.status)
        };
        Ok(match head.status {
            status if status.is_success() => taken(&body),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let after = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
                Answer::Later { why: said(), pause: after.map(Duration::from_secs) }
            }
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Answer::NotThis(said()),
            _ => Answer::Never(said()),
        })
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((&*self.host, self.port)).await.context("no connection")?;
        // A small last packet does not wait for an answer to the one before.
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what goes wrong, the sender says.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"…"}}`, or anything else if all is well.
fn taken(body: &[u8]) -> Answer {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let number = &partial["rejectedSpans"];
    let rejected = number.as_u64().or_else(|| number.as_str()?.parse().ok()).unwrap_or(0);
    let why = partial["errorMessage"].as_str().unwrap_or("it does not say why").to_owned();
    Answer::Taken { rejected: usize::try_from(rejected).unwrap_or(usize::MAX), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_path_of_traces_once() {
        let path = |url: &str| Collector::at(url).map(|to| (to.authority, to.port, to.path)).ok();
        let expected = |authority: &str, port, path: &str| Some((authority.to_owned(), port, path.to_owned()));
        assert_eq!(path("http://localhost:4318"), expected("localhost:4318", 4318, "/v1/traces"));
        assert_eq!(path("http://localhost:4318/"), expected("localhost:4318", 4318, "/v1/traces"));
        assert_eq!(path("http://tempo/otlp/v1/traces"), expected("tempo", 80, "/otlp/v1/traces"));
        assert_eq!(path("http://[::1]:4318"), expected("[::1]:4318", 4318, "/v1/traces"));
        assert_eq!(["localhost:4318", "https://collector", "/v1/traces", ""].map(path), [None, None, None, None]);
    }

    #[test]
    fn what_a_collector_rejects_is_counted() {
        let rejected = |body: &str| match taken(body.as_bytes()) {
            Answer::Taken { rejected, .. } => rejected,
            _ => usize::MAX,
        };
        let bodies =
            ["", "{}", r#"{"partialSuccess":{"rejectedSpans":"3"}}"#, r#"{"partialSuccess":{"rejectedSpans":4}}"#];
        assert_eq!(bodies.map(rejected), [0, 0, 3, 4]);
    }
}
