//! venator's layer, with a reader of its TCP stream in this process, or with nobody there.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing_subscriber::layer::SubscriberExt as _;
use venator::Venator;

use super::{Delivered, Recorder, floor, settled};

struct Reader {
    closed: Arc<AtomicU64>,
}

struct Alone;

pub fn start() -> Box<dyn Recorder> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let host = listener.local_addr().expect("it has an address").to_string();
    let closed = Arc::new(AtomicU64::new(0));
    let counted = closed.clone();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the layer connects");
        read(BufReader::with_capacity(1 << 16, stream), &counted)
    });
    floor::set(tracing_subscriber::registry().with(Venator::builder().with_host(host).build()));
    Box::new(Reader { closed })
}

pub fn start_alone() -> Box<dyn Recorder> {
    // A port that was just free: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
    floor::set(tracing_subscriber::registry().with(Venator::builder().with_host(port.to_string()).build()));
    Box::new(Alone)
}

/// Reads the chunks of an HTTP request: each is a length and a message.
fn read(mut stream: impl BufRead, closed: &AtomicU64) -> Option<()> {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    }
    let mut chunk = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        chunk.resize(length + 2, 0);
        stream.read_exact(&mut chunk).ok()?;
        if is_close(&chunk[2..length]) == Some(true) {
            closed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Whether a message is the close of a span: bincode with small numbers in one byte, and others behind a byte that says how
/// long they are.
fn is_close(message: &[u8]) -> Option<bool> {
    const CLOSE: u8 = 5;
    let number = |bytes: &[u8]| match bytes.first() {
        Some(251) => Some(3),
        Some(252) => Some(5),
        Some(253) => Some(9),
        Some(_) => Some(1),
        None => None,
    };
    let after_time = message.get(number(message)?..)?;
    let (has_span, rest) = after_time.split_first()?;
    let after_span = if *has_span == 1 { rest.get(number(rest)?..)? } else { rest };
    Some(*after_span.first()? == CLOSE)
}

impl Recorder for Reader {
    fn end(&mut self) -> Instant {
        settled(&self.closed)
    }

    fn delivered(&mut self) -> Delivered {
        Delivered { spans: Some(self.closed.load(Ordering::Relaxed)), ..Delivered::default() }
    }
}

impl Recorder for Alone {
    fn delivered(&mut self) -> Delivered {
        Delivered { spans: Some(0), ..Delivered::default() }
    }
}
