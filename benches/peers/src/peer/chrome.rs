//! tracing-chrome: a file of JSON, written by a thread of its own behind an unbounded channel. The making thread sees half
//! of what it costs, the rest comes at the flush.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Delivered, Recorder, Scratch, floor};
use crate::workload::Shape;

struct Chrome {
    /// How often a span is entered.
    enters: AtomicU64,
    /// Used by one thread at a time: the one that measures.
    guard: Option<Mutex<FlushGuard>>,
    file: Scratch,
}

pub fn start() -> Box<dyn Recorder> {
    start_as(false)
}

pub fn start_with_args() -> Box<dyn Recorder> {
    start_as(true)
}

fn start_as(has_args: bool) -> Box<dyn Recorder> {
    let file = Scratch::new("json");
    let (layer, guard) = ChromeLayerBuilder::new().file(&file.0).include_args(has_args).build();
    floor::set(tracing_subscriber::registry().with(layer));
    Box::new(Chrome { enters: AtomicU64::new(1), guard: Some(Mutex::new(guard)), file })
}

impl Recorder for Chrome {
    fn make(&self, shape: Shape, spans: u64) -> u64 {
        // A future is entered with each of its three polls, and once more to be dropped.
        self.enters.store(if shape == Shape::Futures { 4 } else { 1 }, Ordering::Relaxed);
        shape.make(spans)
    }

    fn end(&mut self) -> Instant {
        drop(self.guard.take());
        Instant::now()
    }

    fn delivered(&mut self) -> Delivered {
        let text = std::fs::read_to_string(&self.file.0).unwrap_or_default();
        let ends = text.lines().filter(|line| line.contains("\"ph\":\"E\"")).count() as u64;
        Delivered {
            spans: Some(ends / self.enters.load(Ordering::Relaxed)),
            disk: self.file.size(),
            ..Delivered::default()
        }
    }
}
