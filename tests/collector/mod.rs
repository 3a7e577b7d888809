//! A collector for spans that answers as a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a request is answered with.
pub enum Answer {
    /// All of it is taken.
    Taken,
    /// So many spans are rejected.
    Partial(usize),
    /// Not now: this status, and to be tried again at once.
    Later(u16),
    /// This status.
    Other(u16),
    /// The connection is closed.
    Nothing,
}

#[derive(Default)]
struct Seen {
    requests: usize,
    failed: usize,
    /// Ids of the spans that were taken.
    arrived: Vec<String>,
}

/// Answers until the test ends.
pub struct Collector {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Collector {
    /// One that answers by the number of the request, from 0.
    pub fn start(answer: fn(usize) -> Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Seen::default())));
        let all = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = all.clone();
                thread::spawn(move || serve(stream, answer, &seen));
            }
        });
        Self { address, seen }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ids of the spans that were taken.
    pub fn arrived(&self) -> Vec<String> {
        self.seen.lock().unwrap().arrived.clone()
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    /// How many of them got no good answer.
    pub fn failed(&self) -> usize {
        self.seen.lock().unwrap().failed
    }
}

/// Answers the requests of a connection.
fn serve(stream: TcpStream, answer: fn(usize) -> Answer, seen: &Mutex<Seen>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(body) = request(&mut reader) {
        let mut seen = seen.lock().unwrap();
        let number = seen.requests;
        seen.requests += 1;
        let answer = answer(number);
        if let Answer::Taken | Answer::Partial(_) = answer {
            seen.arrived.extend(ids(&body));
        } else {
            seen.failed += 1;
        }
        let (status, header, body) = match answer {
            Answer::Taken => (200, "", "{}".to_owned()),
            Answer::Partial(rejected) => {
                let of = serde_json::json!({ "rejectedSpans": rejected.to_string(), "errorMessage": "not today" });
                (200, "", serde_json::json!({ "partialSuccess": of }).to_string())
            }
            Answer::Later(status) => (status, "Retry-After: 0\r\n", String::new()),
            Answer::Other(status) => (status, "", "no".to_owned()),
            Answer::Nothing => return,
        };
        let head = format!("HTTP/1.1 {status} -\r\n{header}Content-Type: application/json\r\n");
        let sent = write!(&stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        if sent.is_err() {
            return;
        }
    }
}

/// The body of the next request, which must be one of OTLP's.
fn request(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_ascii_lowercase());
    }
    assert_eq!(lines[0], "post /v1/traces http/1.1");
    assert!(lines.iter().any(|line| line == "content-type: application/json"), "{lines:?}");
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn ids(body: &[u8]) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let scopes = body["resourceSpans"][0]["scopeSpans"].as_array().unwrap();
    let spans = scopes.iter().flat_map(|scope| scope["spans"].as_array().unwrap());
    spans.map(|span| span["spanId"].as_str().unwrap().to_owned()).collect()
}
