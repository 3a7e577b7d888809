//! What an excerpt is made of: spans, points, flows.

use std::sync::Arc;

use crate::trace::{Callsite, Field, LaneId, Seq, SpanId, Time};

/// A span of an excerpt. Times are ns on its clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its id.
    pub id: SpanId,
    /// The nearest span around it that is in the excerpt.
    pub parent: Option<SpanId>,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// How many spans of its lane are around it.
    pub depth: usize,
    /// Its opening, or the begin of the excerpt.
    pub begin: Time,
    /// Its end, or the end of the excerpt.
    pub end: Time,
    /// It was not over when the recording ended.
    pub is_open: bool,
    /// It had begun before the excerpt.
    pub begins_before: bool,
    /// It ended, but after the excerpt.
    pub ends_after: bool,
    /// The place of its opening in the log.
    pub at: Seq,
    /// The place of its close, if that is in the excerpt.
    pub over: Option<Seq>,
}

impl Span {
    /// Its time, in ns of the excerpt's clock.
    #[must_use]
    pub fn duration(&self) -> u64 {
        self.end.since(self.begin)
    }

    /// What has to be said of its end, where a format cannot leave a span open or cut: `open` or `cut`.
    #[must_use]
    pub fn mark(&self) -> Option<&'static str> {
        if self.is_open {
            Some("open")
        } else if self.begins_before || self.ends_after {
            Some("cut")
        } else {
            None
        }
    }
}

/// Something that was said inside a span: a `tracing` event.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its place in the log.
    pub place: Seq,
    /// When, on the excerpt's clock.
    pub at: Time,
    /// In which lane.
    pub lane: LaneId,
    /// The nearest span around it that is in the excerpt.
    pub span: Option<SpanId>,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// What was said.
    pub fields: Vec<Field>,
}

/// Control or a wake-up that passes from lane to lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its place in the log.
    pub place: Seq,
    /// When, on the excerpt's clock.
    pub at: Time,
    /// The lane that gives.
    pub from: LaneId,
    /// The lane that gets.
    pub to: LaneId,
    /// Control of the thread passed; otherwise the lane was only made ready.
    pub is_switch: bool,
    /// Why, if the program said so.
    pub reason: Option<Arc<str>>,
}
