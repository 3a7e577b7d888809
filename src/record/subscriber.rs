//! The fast face: a whole `Subscriber`, for programs that need no other.

use std::sync::Arc;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};

use super::callsites;
use super::local;
use super::shared::Shared;
use super::words::{DROP, DROP_LEFT, ENTER, ENTER_NEWEST, EXIT, EXIT_LAST};
use crate::trace::Edge;

/// Records every span and event that the recorder's filter lets through. Made by
/// [`Recorder::subscriber`](super::Recorder::subscriber).
///
/// It is meant to stand alone: it keeps no data of spans for others, and does not tell when one is closed. Beside other
/// layers use [`Recorder::layer`](super::Recorder::layer).
pub struct RecorderSubscriber {
    shared: Arc<Shared>,
}

impl RecorderSubscriber {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Subscriber for RecorderSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.shared.note_asked(metadata);
        self.shared.filters.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.shared.filters.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.shared.filters.max_level()
    }

    #[inline]
    fn new_span(&self, attrs: &Attributes<'_>) -> Id {
        Id::from_u64(self.shared.write_new(attrs, None))
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.shared.write_record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.shared.write_follows(id, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.shared.write_event(event);
    }

    #[inline]
    fn enter(&self, id: &Id) {
        let id = id.into_u64();
        self.shared.write_enter(id, || callsites::metadata((id >> (64 - callsites::BITS)) as u32));
    }

    #[inline]
    fn exit(&self, id: &Id) {
        self.shared.write_exit(id.into_u64());
    }

    #[inline]
    fn clone_span(&self, id: &Id) -> Id {
        self.shared.write_clone(id);
        id.clone()
    }

    #[inline]
    fn try_close(&self, id: Id) -> bool {
        let id = id.into_u64();
        if self.shared.gate.is_shut() {
            self.shared.gate_close(id, true);
        }
        local::with(|local| {
            if let Some(ticks) = local.just_left(id, &self.shared) {
                // A handle that goes right after its span was left went when it was left.
                local.write(&self.shared, [ticks << 8 | u64::from(DROP_LEFT)]);
            } else {
                local.write(&self.shared, [self.shared.clock.ticks() << 8 | u64::from(DROP), id]);
            }
        });
        // Nobody counts here: the collector does. Who wraps this subscriber must not rely on it.
        false
    }

    fn current_span(&self) -> Current {
        let current = local::with(|local| local.current(&self.shared));
        let metadata = current.and_then(|id| callsites::metadata((id >> (64 - callsites::BITS)) as u32));
        match current.zip(metadata) {
            Some((id, metadata)) => Current::new(Id::from_u64(id), metadata),
            None => Current::none(),
        }
    }
}

impl Shared {
    /// Writes that a thread enters a span, and stops there if the gate says so. `metadata`: where the span comes from, if the
    /// gate wants to know.
    #[inline]
    pub(super) fn write_enter(&self, id: u64, metadata: impl FnOnce() -> Option<&'static Metadata<'static>>) {
        local::with(|local| {
            let ticks = self.clock.ticks();
            if local.is_newest(id) {
                local.write(self, [ticks << 8 | u64::from(ENTER_NEWEST)]);
            } else {
                local.write(self, [ticks << 8 | u64::from(ENTER), id]);
            }
            local.push_entered(id);
        });
        if self.gate.is_armed() {
            self.gate_enter(id, metadata());
        }
    }

    /// Stops at the end of a span if the gate says so, and writes that the thread leaves it.
    #[inline]
    pub(super) fn write_exit(&self, id: u64) {
        if self.gate.is_shut() {
            self.gate_exit(id);
        }
        local::with(|local| {
            let was_last = local.pop_entered(id);
            let ticks = self.clock.ticks();
            if was_last {
                local.write(self, [ticks << 8 | u64::from(EXIT_LAST)]);
            } else {
                local.write(self, [ticks << 8 | u64::from(EXIT), id]);
            }
            local.note_exit(id, ticks);
        });
    }

    /// A span has been entered.
    #[cold]
    fn gate_enter(&self, id: u64, metadata: Option<&'static Metadata<'static>>) {
        // Where a program goes freely, most calls are of no interest to any breakpoint: they are not stopped to be looked at.
        if !self.gate.is_shut() && metadata.is_some_and(|metadata| !self.may_stop_at(metadata)) {
            return;
        }
        let Some(stand) = self.stand(id) else { return };
        // Later enters are polls and switches back, not calls; among them the one that dropping a future makes.
        if stand.enters == 1 {
            self.gate.arrive(&stand.point(Edge::Enter), self);
        }
        if stand.blocks {
            self.gate.blocks(stand.thread.id, true, self);
        }
    }

    /// A span is about to be left.
    #[cold]
    fn gate_exit(&self, id: u64) {
        let Some(stand) = self.stand(id) else { return };
        if stand.blocks {
            self.gate.blocks(stand.thread.id, false, self);
        }
        if !stand.ends_at_close {
            self.gate.arrive(&stand.point(Edge::Exit), self);
        }
    }

    /// A span is about to be closed, or to lose a handle.
    #[cold]
    pub(super) fn gate_close(&self, id: u64, is_handle: bool) {
        let Some(stand) = self.stand(id) else { return };
        if stand.ends_at_close && stand.enters > 0 && (!is_handle || stand.uses == 1) {
            self.gate.arrive(&stand.point(Edge::Exit), self);
        }
    }
}
