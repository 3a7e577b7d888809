//! tracing-cache: closed spans, sent to whoever has subscribed. It takes only spans that are below one made as a root, so
//! each thread's are put below one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing::info_span;
use tracing_cache::SpanCache;

use super::{Delivered, Recorder, floor, settled};
use crate::workload::Shape;

struct Cache {
    kept: Arc<AtomicU64>,
}

/// How many records may be under way: more than a measurement makes, so that what is lost is lost by the cache.
const UNDER_WAY: u64 = 1 << 24;

pub fn start() -> Box<dyn Recorder> {
    let (cache, driver) = SpanCache::new(1 << 16);
    let mut closed = cache.subscribe(UNDER_WAY);
    let kept = Arc::new(AtomicU64::new(0));
    let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    std::thread::spawn(move || runtime().block_on(driver.run()));
    let counted = kept.clone();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let mut records = Vec::new();
            while let Some(record) = closed.next().await {
                counted.fetch_add(u64::from(record.metadata.name() == "work"), Ordering::Relaxed);
                records.push(record);
            }
        });
    });
    floor::set(cache);
    Box::new(Cache { kept })
}

impl Recorder for Cache {
    fn make(&self, shape: Shape, spans: u64) -> u64 {
        info_span!(parent: None, "root").in_scope(|| shape.make(spans))
    }

    fn leave(&self) {
        // A thread sends eight at a time: the last few of those that count go with some that do not.
        for _ in 0..8 {
            info_span!(parent: None, "root").in_scope(|| {});
        }
    }

    fn end(&mut self) -> Instant {
        settled(&self.kept)
    }

    fn delivered(&mut self) -> Delivered {
        Delivered { spans: Some(self.kept.load(Ordering::Relaxed)), ..Delivered::default() }
    }
}
