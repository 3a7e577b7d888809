//! The face beside other layers: it tells the same as the fast one, of the spans that a registry counts.

use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::local;
use super::shared::Shared;
use super::words::{CLOSE, CLOSE_LEFT};

/// Records the spans and events it is shown and the recorder's filter lets through. Made by
/// [`Recorder::layer`](super::Recorder::layer).
///
/// Spans go by the registry's own ids, and who counts them is the registry. So that spans which nobody wants cost nothing,
/// put the filter on the stack as well: `recorder.layer().with_filter(recorder.filter())`.
pub struct RecorderLayer {
    shared: Arc<Shared>,
}

impl RecorderLayer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Whether a span is one that is recorded.
    #[inline]
    fn is_ours<S>(&self, id: &Id, ctx: &Context<'_, S>) -> bool
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let filters = &self.shared.filters;
        filters.wants_all() || ctx.span(id).is_some_and(|span| filters.is_recorded(self.shared.id, &span))
    }
}

impl<S> Layer<S> for RecorderLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.shared.note_asked(metadata);
        // What this one does not want others may: it never says never.
        Interest::always()
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let filters = &self.shared.filters;
        if filters.wants_all() || ctx.span(id).is_some_and(|span| filters.judge(self.shared.id, &span)) {
            self.shared.write_new(attrs, Some(id.into_u64()));
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        if self.is_ours(id, &ctx) {
            self.shared.write_enter(id.into_u64(), || ctx.metadata(id));
        }
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        if self.is_ours(id, &ctx) {
            self.shared.write_exit(id.into_u64());
        }
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        if !self.is_ours(&id, &ctx) {
            return;
        }
        let id = id.into_u64();
        if self.shared.gate.is_shut() {
            self.shared.gate_close(id, false);
        }
        local::with(|local| {
            if let Some(ticks) = local.just_left(id, &self.shared) {
                // A span that is closed right after it was left ended when it was left.
                local.write(&self.shared, [ticks << 8 | u64::from(CLOSE_LEFT)]);
            } else {
                local.write(&self.shared, [self.shared.clock.ticks() << 8 | u64::from(CLOSE), id]);
            }
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if self.is_ours(id, &ctx) {
            self.shared.write_record(id, values);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        if self.is_ours(id, &ctx) {
            self.shared.write_follows(id, follows);
        }
    }

    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        if self.shared.filters.wants_all() || self.shared.filters.wants(event.metadata()) {
            self.shared.write_event(event);
        }
    }
}
