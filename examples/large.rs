//! Records a large file, to see how the tools stand it: `cargo run --release --example large -- large.spanwalk 10000000`.
//!
//! What is recorded is a server under load: two workers, each with connections that take turns on it. A request is read,
//! routed, waits for the database once or more, is rendered and written; connections come and go, and some stay for ever.
//! With `loop` behind the number it is a loop around one span with one field instead: what the size of a span is measured by.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::record::Recorder;
use tracing::{Span, debug, field, info_span};

/// Worker threads.
const WORKERS: u64 = 2;
/// Connections of each at a time.
const CONNECTIONS: usize = 12;
/// Requests after which a connection is closed, unless it stays for ever.
const REQUESTS: u64 = 2_000;

#[expect(clippy::print_stdout, reason = "it says what it has made")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("name the file to write, such as large.spanwalk")?);
    let spans: u64 = arguments.next().map_or(Ok(10_000_000), |number| number.parse())?;
    let is_loop = arguments.next().is_some_and(|shape| shape == "loop");

    // Room for what is recorded faster than it is written: nothing is to be missing.
    let recorder = Recorder::builder().ring(2 << 30).build();
    let ways = Ways::default().replacing();
    let recording = Recording::start(&path, ways, recorder.chunks(), |_| ())?;
    tracing::subscriber::set_global_default(recorder.subscriber())?;

    let began = Instant::now();
    let recorded = if is_loop { turn(spans) } else { serve(spans) };
    let worked = began.elapsed();
    recording.finish()?;
    let took = began.elapsed();

    let bytes = std::fs::metadata(&path)?.len();
    // By the index, without reading it.
    let blocks = Reader::open(&path)?.extent().map_or(0, |extent| extent.blocks.len());
    let each = bytes as f64 / recorded as f64;
    let rate = recorded as f64 / worked.as_secs_f64() / 1e6;
    println!("{}: {recorded} spans in {bytes} bytes and {blocks} blocks, {each:.2} bytes a span", path.display());
    println!("recorded in {worked:.2?}, {rate:.2} million spans a second; written {:.2?} later", took - worked);
    Ok(())
}

/// A loop around one span.
fn turn(spans: u64) -> u64 {
    for number in 0..spans {
        info_span!("turn", number).in_scope(|| ());
    }
    spans
}

/// The server. The call that serves is left open, as are the connections that stay.
fn serve(spans: u64) -> u64 {
    let server = info_span!(parent: None, "serve", lane = "main", port = 8000_u64, reason = "the workers").entered();
    let worker = |number| {
        let work = move || Worker::new(number).run(spans / WORKERS);
        std::thread::Builder::new().name(format!("worker-{number}")).spawn(work)
    };
    let workers: Vec<_> = (1..=WORKERS).filter_map(|number| worker(number).ok()).collect();
    let recorded = workers.into_iter().filter_map(|worker| worker.join().ok()).sum::<u64>();
    std::mem::forget(server);
    recorded + 1
}

/// A thread that serves some connections in turns.
struct Worker {
    number: u64,
    connections: Vec<Connection>,
    accepted: u64,
    /// Spans so far.
    spans: u64,
    /// What looks like chance, the same in every run.
    chance: u64,
}

struct Connection {
    span: Span,
    served: u64,
    /// How many requests there are to be.
    requests: u64,
    request: Option<Request>,
}

/// A request that waits for the database.
struct Request {
    span: Span,
    query: Span,
    /// Queries still to come.
    left: u64,
    began: Instant,
}

const PATHS: [&str; 6] = ["/", "/login", "/static/app.js", "/api/orders", "/api/orders/17/items", "/socket.io/"];
const TABLES: [&str; 4] = ["users", "orders", "items", "sessions"];

impl Worker {
    fn new(number: u64) -> Self {
        Self { number, connections: Vec::new(), accepted: 0, spans: 0, chance: number }
    }

    /// Serves until so many spans have been opened, and says how many it were.
    fn run(mut self, spans: u64) -> u64 {
        let looped = info_span!(parent: None, "run", lane = format!("worker-{}", self.number)).entered();
        self.spans += 1;
        while self.spans < spans {
            let turn = info_span!("turn", ready = self.connections.len()).entered();
            self.spans += 1;
            if self.connections.len() < CONNECTIONS {
                self.accept();
            }
            for at in 0..self.connections.len() {
                // Not everybody's answer has come.
                if self.any(3) != 0 {
                    self.poll(at);
                }
            }
            self.connections
                .retain(|connection| connection.request.is_some() || connection.served < connection.requests);
            drop(turn);
        }
        // Whoever is there stays: the recording ends, and not the server.
        self.connections.into_iter().for_each(std::mem::forget);
        std::mem::forget(looped);
        self.spans
    }

    fn any(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn accept(&mut self) {
        self.accepted += 1;
        let requests = if self.any(8) == 0 { u64::MAX } else { self.any(REQUESTS) + 1 };
        let port = 40_000 + self.any(20_000);
        let accept = info_span!("accept", peer = format!("10.0.0.{}:{port}", self.accepted % 250)).entered();
        let lane = format!("conn-{}-{}", self.number, self.accepted);
        let span = info_span!(parent: None, "connection", lane, reason = field::Empty);
        drop(accept);
        self.spans += 2;
        self.connections.push(Connection { span, served: 0, requests, request: None });
    }

    /// A connection's turn: as far as it gets without waiting.
    fn poll(&mut self, at: usize) {
        let chance = self.any(1 << 20);
        let connection = &mut self.connections[at];
        let _connection = connection.span.enter();
        let Some(mut request) = connection.request.take() else {
            connection.request = Some(begin(chance));
            self.spans += 4;
            return;
        };
        let _request = request.span.clone().entered();
        request.query.in_scope(|| request.query.record("rows", chance % 40));
        request.query = Span::none();
        if request.left > 0 {
            request.left -= 1;
            request.query = query(chance);
            self.spans += 1;
            connection.request = Some(request);
            return;
        }
        let bytes = 200 + chance % 30_000;
        info_span!("render", template = "page.html", bytes).in_scope(|| ());
        info_span!("write", bytes).in_scope(|| ());
        let status = if chance.is_multiple_of(50) { 404_u64 } else { 200 };
        request.span.record("status", status);
        if request.began.elapsed() > Duration::from_micros(500) {
            debug!(status, "slow");
        }
        self.spans += 2;
        connection.served += 1;
    }
}

/// A request has come; it is served up to the first thing it has to wait for.
fn begin(chance: u64) -> Request {
    let path = PATHS[(chance % 6) as usize];
    let span = info_span!("request", method = "GET", path, status = field::Empty);
    let _request = span.clone().entered();
    info_span!("parse", bytes = 80 + chance % 400).in_scope(|| ());
    info_span!("route", path).in_scope(|| ());
    Request { query: query(chance), left: chance / 6 % 3, began: Instant::now(), span }
}

fn query(chance: u64) -> Span {
    let query = info_span!("query", table = TABLES[(chance % 4) as usize], rows = field::Empty);
    query.in_scope(|| ());
    query
}
