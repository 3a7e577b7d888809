//! What happens at one time in a lane: points, and the two ends of what passes between lanes.

use std::collections::HashMap;
use std::sync::Arc;

use super::tracks::Instant;
use super::{Excerpt, Point};
use crate::trace::{LaneId, Seq, SpanId, Time, Value, field};

/// Something that happens at one time.
pub(super) enum Mark {
    /// A point.
    Point(Point),
    /// A flow leaves the lane.
    Gives(FlowEnd),
    /// A flow comes to the lane.
    Gets(FlowEnd),
}

/// One of the two ends of a flow.
pub(super) struct FlowEnd {
    /// The number of the flow, from 1.
    pub(super) id: u64,
    pub(super) at: Time,
    pub(super) place: Seq,
    /// The name of the lane at the other end.
    pub(super) other: Arc<str>,
    pub(super) is_switch: bool,
    pub(super) reason: Option<Arc<str>>,
}

impl FlowEnd {
    /// `switch` or `wake`.
    pub(super) fn word(&self) -> &'static str {
        if self.is_switch { "switch" } else { "wake" }
    }
}

impl Mark {
    /// When it is.
    pub(super) fn at(&self) -> Instant {
        match self {
            Self::Point(point) => (point.at, point.place),
            Self::Gives(end) | Self::Gets(end) => (end.at, end.place),
        }
    }

    /// The span it is inside of, if that is said.
    pub(super) fn span(&self) -> Option<SpanId> {
        match self {
            Self::Point(point) => point.span,
            Self::Gives(_) | Self::Gets(_) => None,
        }
    }

    /// `switch to hub`, `wake from worker-1`, or what the point says.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Point(point) => point.name().to_owned(),
            Self::Gives(end) => format!("{} to {}", end.word(), end.other),
            Self::Gets(end) => format!("{} from {}", end.word(), end.other),
        }
    }
}

impl Point {
    /// What was said, or else the name that `tracing` gave it.
    pub(super) fn name(&self) -> &str {
        field(&self.fields, "message").and_then(Value::as_str).unwrap_or(&self.callsite.name)
    }
}

/// The marks of all lanes.
pub(super) struct Marks(HashMap<LaneId, Vec<Mark>>);

impl Marks {
    /// Those of an excerpt.
    pub(super) fn of(excerpt: &Excerpt<'_>) -> Self {
        let mut marks: HashMap<LaneId, Vec<Mark>> = HashMap::new();
        for point in excerpt.points() {
            marks.entry(point.lane).or_default().push(Mark::Point(point));
        }
        let name = |lane| excerpt.log().lane(lane).map_or_else(|| "?".into(), |lane| lane.name.clone());
        for (id, flow) in (1..).zip(excerpt.flows()) {
            let end = |other| FlowEnd {
                id,
                at: flow.at,
                place: flow.place,
                other: name(other),
                is_switch: flow.is_switch,
                reason: flow.reason.clone(),
            };
            marks.entry(flow.from).or_default().push(Mark::Gives(end(flow.to)));
            marks.entry(flow.to).or_default().push(Mark::Gets(end(flow.from)));
        }
        marks.values_mut().for_each(|marks| marks.sort_by_key(Mark::at));
        Self(marks)
    }

    /// The lanes that have any.
    pub(super) fn lanes(&self) -> impl Iterator<Item = LaneId> + '_ {
        self.0.keys().copied()
    }

    /// Those of a lane, in order.
    pub(super) fn take(&mut self, lane: LaneId) -> Vec<Mark> {
        self.0.remove(&lane).unwrap_or_default()
    }
}
