//! Where a thread stands when the gate is asked about it.

use std::sync::Arc;

use tracing_core::Metadata;

use super::callsites;
use super::gate::Point;
use super::local;
use super::shared::Shared;
use crate::trace::{Callsite, Edge, Field, LaneId, SpanId, Thread};

/// A thread at a span.
pub(super) struct Stand {
    pub(super) thread: Arc<Thread>,
    lane: LaneId,
    span: SpanId,
    depth: usize,
    callsite: Arc<Callsite>,
    lane_name: Arc<str>,
    /// What it has recorded so far; nothing if no breakpoint asks for fields.
    fields: Vec<Field>,
    key: u64,
    pub(super) enters: u32,
    pub(super) uses: u32,
    pub(super) blocks: bool,
    pub(super) ends_at_close: bool,
}

impl Stand {
    pub(super) fn point(&self, edge: Edge) -> Point<'_> {
        Point {
            lane: self.lane,
            thread: &self.thread,
            span: self.span,
            depth: self.depth,
            edge,
            callsite: &self.callsite,
            lane_name: &self.lane_name,
            fields: &self.fields,
            key: self.key,
        }
    }
}

impl Shared {
    /// Whether a call of this callsite can stop at a breakpoint. Each thread asks the gate once.
    pub(super) fn may_stop_at(&self, metadata: &'static Metadata<'static>) -> bool {
        let address = std::ptr::from_ref(metadata) as usize;
        let ask = || self.gate.may_stop_at(&callsites::callsite(metadata));
        local::with(|local| local.may_stop_at(address, self.gate.breakpoint_set(), ask))
    }

    /// Where this thread stands, at a span of the recording that is being written.
    pub(super) fn stand(&self, id: u64) -> Option<Stand> {
        let thread = local::with(local::Local::thread)?;
        // Who is at the recorder's own work may have the collector.
        if self.is_forked() || local::with(local::Local::is_muted) {
            return None;
        }
        let collector = self.collected();
        let model = &collector.model;
        let living = model.spans.get(model.spans.find(id)?);
        Some(Stand {
            thread,
            lane: living.lane,
            span: living.span,
            depth: living.depth as usize,
            callsite: model.callsite_of(living)?,
            lane_name: model.lane_name(living.lane),
            fields: if self.gate.wants_fields() { model.fields_of(living) } else { Vec::new() },
            key: self.key(),
            enters: living.enters,
            uses: living.uses,
            blocks: living.blocks,
            ends_at_close: living.ends_at_close(),
        })
    }
}
