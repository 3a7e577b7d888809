//! Two states side by side: which frames stayed, came and went.

use std::sync::Arc;

use super::{Activity, Callsite, Lane, LaneId, SpanId, State};

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Open in both, or open in the later and in its place in the earlier another call of the same function.
    Kept,
    /// Open in the later only.
    Added,
    /// Open in the earlier only.
    Removed,
}

/// A frame in a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct DiffFrame {
    /// The span.
    pub span: SpanId,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// Kept, added or removed.
    pub change: Change,
}

/// A lane in a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneDiff {
    /// Its id.
    pub lane: LaneId,
    /// Its name.
    pub name: Arc<str>,
    /// What it is doing in the later state.
    pub activity: Activity,
    /// It did not exist in the earlier state.
    pub is_new: bool,
    /// Frames innermost first: those of the later state, and the removed ones where they stood.
    pub frames: Vec<DiffFrame>,
}

/// Every lane of the later state, compared with the earlier one. Without an earlier state all frames are `Kept`.
#[must_use]
pub fn diff(earlier: Option<&State>, later: &State) -> Vec<LaneDiff> {
    let lanes = later.lanes().iter();
    lanes
        .map(|lane| {
            let old = earlier.and_then(|state| state.lane(lane.id));
            let was_open = |span| earlier.is_none() || old.is_some_and(|old| old.frames().any(|f| f.span == span));
            let mut frames: Vec<DiffFrame> = Vec::new();
            for frame in old.into_iter().flat_map(Lane::frames) {
                if !lane.frames().any(|kept| kept.span == frame.span) {
                    frames.push(DiffFrame {
                        span: frame.span,
                        callsite: frame.callsite.clone(),
                        change: Change::Removed,
                    });
                }
            }
            let mut removed = std::mem::take(&mut frames);
            // Outermost first: what stayed, then what went, then what came.
            let now = lane.frames().map(|frame| DiffFrame {
                span: frame.span,
                callsite: frame.callsite.clone(),
                change: if was_open(frame.span) { Change::Kept } else { Change::Added },
            });
            let (mut kept, mut added): (Vec<_>, Vec<_>) = now.partition(|frame| frame.change == Change::Kept);
            // Another call of the same function in the same place, one poll after another, is no change of the picture.
            while let (Some(went), Some(came)) = (removed.first(), added.first())
                && went.callsite == came.callsite
            {
                removed.remove(0);
                kept.push(DiffFrame { change: Change::Kept, ..added.remove(0) });
            }
            frames.extend(kept);
            frames.extend(removed);
            frames.extend(added);
            frames.reverse();
            LaneDiff {
                lane: lane.id,
                name: lane.name.clone(),
                activity: later.activity(lane),
                is_new: earlier.is_some() && old.is_none(),
                frames,
            }
        })
        .collect()
}
