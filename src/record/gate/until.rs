//! Where a run of everybody ends.

use super::Point;
use crate::trace::{Edge, LaneId, Target};

/// Where a run ends.
pub(super) enum Until {
    /// An arrival in the lane that is no deeper, or at an exit no deeper if only exits count.
    Depth {
        lane: LaneId,
        depth: usize,
        exits_only: bool,
    },
    OtherLane(LaneId),
    Target(Target),
    /// Never by an arrival: the lane's end turns this into a stop.
    LaneEnd(LaneId),
}

impl Until {
    /// Whether this arrival ends the run. May move the target on.
    pub(super) fn ends_at(&mut self, point: &Point<'_>) -> bool {
        match self {
            Self::Depth { lane, depth, exits_only } => {
                point.lane == *lane && point.depth <= *depth && !(*exits_only && point.edge == Edge::Enter)
            }
            Self::OtherLane(lane) => point.lane != *lane,
            Self::LaneEnd(_) => false,
            Self::Target(_) if point.edge == Edge::Exit => false,
            Self::Target(Target::Call(key)) => key.matches(point.callsite),
            Self::Target(Target::Name(name)) => *point.callsite.name == **name,
            Self::Target(Target::After { first, call }) => {
                if first.matches(point.callsite) {
                    *self = Self::Target(Target::Call(call.clone()));
                }
                false
            }
        }
    }

    pub(super) fn is_for(&self, lane: LaneId) -> bool {
        match self {
            Self::Depth { lane: own, .. } | Self::LaneEnd(own) => *own == lane,
            Self::OtherLane(_) | Self::Target(_) => false,
        }
    }
}
