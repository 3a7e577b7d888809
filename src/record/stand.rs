//! Where a thread stands when the gate is asked about it.

use std::sync::Arc;

use super::gate::Point;
use super::local;
use super::shared::Shared;
use crate::trace::{Callsite, Edge, LaneId, SpanId, Thread};

/// A thread at a span.
pub(super) struct Stand {
    pub(super) thread: Arc<Thread>,
    lane: LaneId,
    span: SpanId,
    depth: usize,
    callsite: Arc<Callsite>,
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
            key: self.key,
        }
    }
}

impl Shared {
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
            key: self.key(),
            enters: living.enters,
            uses: living.uses,
            blocks: living.blocks,
            ends_at_close: living.ends_at_close(),
        })
    }
}
