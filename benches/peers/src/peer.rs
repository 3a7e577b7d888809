//! Who is compared.

mod cache;
mod chrome;
mod console;
mod floor;
mod ours;
mod perfetto;
mod venator;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::workload::Shape;

/// A recorder, and how to set it up as the subscriber of this process.
pub struct Peer {
    /// As it stands in the tables.
    pub name: &'static str,
    /// What can be had from it afterwards.
    pub keeps: &'static str,
    /// Sets it up.
    pub start: fn() -> Box<dyn Recorder>,
}

/// Everybody, in the order of the tables.
pub const PEERS: [Peer; 12] = [
    Peer { name: "none", keeps: "nothing: no subscriber is set", start: floor::none },
    Peer { name: "no-op", keeps: "nothing: a `Subscriber` that does nothing", start: floor::noop },
    Peer { name: "registry", keeps: "nothing: a `Registry` with a `Layer` that does nothing", start: floor::registry },
    Peer {
        name: "console-subscriber",
        keeps: "tokio's own spans; for others a list of callsites",
        start: console::start,
    },
    Peer { name: "tracing-chrome", keeps: "enter and exit, without fields", start: chrome::start },
    Peer { name: "tracing-chrome +args", keeps: "enter and exit, with fields", start: chrome::start_with_args },
    Peer { name: "tracing-cache", keeps: "open and close, with fields, of spans below a root", start: cache::start },
    Peer { name: "venator", keeps: "everything, sent to a reader over TCP", start: venator::start },
    Peer { name: "venator alone", keeps: "nothing: no reader is there", start: venator::start_alone },
    Peer {
        name: "perfetto-recorder",
        keeps: "begin and end, with fields; own macro, sync only",
        start: perfetto::start,
    },
    Peer { name: "spanwalk", keeps: "everything, in memory: the `Subscriber`", start: ours::start },
    Peer {
        name: "spanwalk layer",
        keeps: "everything, in memory: the `Layer` on a `Registry`",
        start: ours::start_layer,
    },
];

impl Peer {
    /// Whether it can record this at all.
    pub fn does(&self, shape: Shape) -> bool {
        self.name != "perfetto-recorder" || matches!(shape, Shape::Calls { .. })
    }
}

/// A recorder at work.
pub trait Recorder: Sync {
    /// Makes spans on the calling thread; how many.
    fn make(&self, shape: Shape, spans: u64) -> u64 {
        shape.make(spans)
    }

    /// The calling thread makes no more.
    fn leave(&self) {}

    /// All threads are done: whatever the recorder has still to do is done here. When it was done.
    fn end(&mut self) -> Instant {
        Instant::now()
    }

    /// Looks for what has been recorded. Not timed.
    fn delivered(&mut self) -> Delivered {
        Delivered::default()
    }
}

/// What can be had from a recorder afterwards.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Spans whose beginning and end are there.
    pub spans: Option<u64>,
    /// Bytes of its file.
    pub disk: Option<u64>,
    /// Bytes that the records take in its memory, where it tells.
    pub store: Option<u64>,
}

/// Waits until a count does not grow any more; when it did last.
fn settled(count: &AtomicU64) -> Instant {
    let (mut before, mut grew) = (0, Instant::now());
    while grew.elapsed() < Duration::from_millis(100) {
        let now = count.load(Ordering::Relaxed);
        if now != before {
            (before, grew) = (now, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    grew
}

/// A file that goes when it is dropped.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(ending: &str) -> Self {
        Self(std::env::temp_dir().join(format!("spanwalk-peers-{}.{ending}", std::process::id())))
    }

    fn size(&self) -> Option<u64> {
        std::fs::metadata(&self.0).ok().map(|file| file.len())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
