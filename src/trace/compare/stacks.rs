//! The stacks of two recordings side by side, as they are at one moment of each.

use std::sync::Arc;

use super::tree::kind_of;
use crate::trace::{Activity, Callsite, Lane, State};

/// A lane in two recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct LanePair {
    /// What it is called, and what it is doing, where there is such a lane.
    pub lanes: [Option<(Arc<str>, Activity)>; 2],
    /// Calls under way, innermost first: those that both make stand in one row.
    pub frames: Vec<[Option<Arc<Callsite>>; 2]>,
}

/// Pairs the lanes of two states, those of one name first, then those of one kind, and lays their stacks side by side. Lanes that
/// are over are left out.
#[must_use]
pub fn side_by_side(a: &State, b: &State) -> Vec<LanePair> {
    let alive = |state: &State| state.lanes().iter().filter(|lane| !lane.is_done).cloned().collect::<Vec<_>>();
    let (left, mut right) = (alive(a), alive(b));
    let mut partners: Vec<Option<Arc<Lane>>> = vec![None; left.len()];
    let by_name = |lane: &Lane, other: &Lane| lane.name == other.name;
    let by_kind = |lane: &Lane, other: &Lane| kind_of(&lane.name) == kind_of(&other.name);
    for same in [&by_name as &dyn Fn(&Lane, &Lane) -> bool, &by_kind] {
        for (lane, partner) in left.iter().zip(&mut partners) {
            if partner.is_none() {
                *partner = right.iter().position(|other| same(lane, other)).map(|at| right.remove(at));
            }
        }
    }
    let said = |state: &State, lane: &Lane| (lane.name.clone(), state.activity(lane));
    let mut pairs: Vec<LanePair> = Vec::new();
    for (lane, partner) in left.iter().zip(partners) {
        let frames = aligned(&calls(lane), &partner.as_ref().map(|lane| calls(lane)).unwrap_or_default());
        pairs.push(LanePair { lanes: [Some(said(a, lane)), partner.map(|lane| said(b, &lane))], frames });
    }
    for lane in right {
        pairs.push(LanePair { lanes: [None, Some(said(b, &lane))], frames: aligned(&[], &calls(&lane)) });
    }
    pairs
}

/// Outermost first.
fn calls(lane: &Lane) -> Vec<Arc<Callsite>> {
    lane.frames().map(|frame| frame.callsite.clone()).collect()
}

/// Two stacks in rows, innermost first: a longest part that both have is in both columns.
fn aligned(a: &[Arc<Callsite>], b: &[Arc<Callsite>]) -> Vec<[Option<Arc<Callsite>>; 2]> {
    let same = |at: usize, other: usize| a[at].name == b[other].name && a[at].target == b[other].target;
    // How long the longest part is that is common to both from two places on.
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for at in (0..a.len()).rev() {
        for other in (0..b.len()).rev() {
            common[at][other] = match same(at, other) {
                true => common[at + 1][other + 1] + 1,
                false => common[at + 1][other].max(common[at][other + 1]),
            };
        }
    }
    let (mut at, mut other, mut rows) = (0, 0, Vec::new());
    while at < a.len() || other < b.len() {
        if at < a.len() && other < b.len() && same(at, other) {
            rows.push([Some(a[at].clone()), Some(b[other].clone())]);
            (at, other) = (at + 1, other + 1);
        } else if other == b.len() || (at < a.len() && common[at + 1][other] >= common[at][other + 1]) {
            rows.push([Some(a[at].clone()), None]);
            at += 1;
        } else {
            rows.push([None, Some(b[other].clone())]);
            other += 1;
        }
    }
    rows.reverse();
    rows
}
