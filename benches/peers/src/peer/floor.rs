//! What `tracing` itself costs, and what a `Registry` adds.

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::SubscriberExt as _;

use super::Recorder;

struct Nothing;

impl Recorder for Nothing {}

pub fn none() -> Box<dyn Recorder> {
    Box::new(Nothing)
}

pub fn noop() -> Box<dyn Recorder> {
    set(NoOp);
    Box::new(Nothing)
}

/// Never a bare `Registry`: without a layer it does not give its spans free.
pub fn registry() -> Box<dyn Recorder> {
    set(tracing_subscriber::registry().with(NoOpLayer));
    Box::new(Nothing)
}

/// Makes it the subscriber of all threads. `set_default` would be slower for everybody, and unknown to new threads.
pub fn set(subscriber: impl Subscriber + Send + Sync) {
    tracing::subscriber::set_global_default(subscriber).expect("a process measures one peer");
}

struct NoOp;

impl Subscriber for NoOp {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct NoOpLayer;

impl<S: Subscriber> tracing_subscriber::Layer<S> for NoOpLayer {}
