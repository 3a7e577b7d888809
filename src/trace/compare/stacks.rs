//! The stacks of two recordings side by side, as they are at one moment of each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::tree::kind_of;
use crate::trace::{Activity, Callsite, Lane, State};

/// Pairs of calls that are compared for one lane: a screen waits for it.
const CELLS: usize = 1 << 18;

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
    let (left, right) = (alive(a), alive(b));
    let mut partners: Vec<Option<usize>> = vec![None; left.len()];
    let mut is_taken = vec![false; right.len()];
    let by_name = |lane: &Lane| lane.name.clone();
    let by_kind = |lane: &Lane| kind_of(&lane.name);
    for key in [&by_name as &dyn Fn(&Lane) -> Arc<str>, &by_kind] {
        let mut free: HashMap<Arc<str>, VecDeque<usize>> = HashMap::new();
        for (at, lane) in right.iter().enumerate().filter(|(at, _)| !is_taken[*at]) {
            free.entry(key(lane)).or_default().push_back(at);
        }
        for (lane, partner) in left.iter().zip(&mut partners).filter(|(_, partner)| partner.is_none()) {
            *partner = free.get_mut(&key(lane)).and_then(VecDeque::pop_front);
            if let Some(at) = *partner {
                is_taken[at] = true;
            }
        }
    }
    let said = |state: &State, lane: &Lane| (lane.name.clone(), state.activity(lane));
    let mut pairs: Vec<LanePair> = Vec::new();
    for (lane, partner) in left.iter().zip(partners) {
        let partner = partner.map(|at| &right[at]);
        let frames = aligned(&calls(lane), &partner.map(|lane| calls(lane)).unwrap_or_default());
        pairs.push(LanePair { lanes: [Some(said(a, lane)), partner.map(|lane| said(b, lane))], frames });
    }
    for (lane, _) in right.iter().zip(is_taken).filter(|(_, is_taken)| !is_taken) {
        pairs.push(LanePair { lanes: [None, Some(said(b, lane))], frames: aligned(&[], &calls(lane)) });
    }
    pairs
}

/// Outermost first.
fn calls(lane: &Lane) -> Vec<Arc<Callsite>> {
    lane.frames().map(|frame| frame.callsite.clone()).collect()
}

/// Two stacks in rows, innermost first: a longest part that both have is in both columns. Where they are too deep to find it, it
/// is what they have in common from the outermost in, and from the innermost out.
fn aligned(a: &[Arc<Callsite>], b: &[Arc<Callsite>]) -> Vec<[Option<Arc<Callsite>>; 2]> {
    let same = |(a, b): (&Arc<Callsite>, &Arc<Callsite>)| a.name == b.name && a.target == b.target;
    let outer = a.iter().zip(b).take_while(|both| same(*both)).count();
    let (rest_a, rest_b) = (&a[outer..], &b[outer..]);
    let inner = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|both| same(*both)).count();
    let (rest_a, rest_b) = (&rest_a[..rest_a.len() - inner], &rest_b[..rest_b.len() - inner]);
    let mut rows: Vec<_> = a[..outer].iter().zip(b).map(|(a, b)| [Some(a.clone()), Some(b.clone())]).collect();
    if rest_a.len().saturating_mul(rest_b.len()) <= CELLS {
        rows.extend(in_common(rest_a, rest_b));
    } else {
        rows.extend(rest_a.iter().map(|call| [Some(call.clone()), None]));
        rows.extend(rest_b.iter().map(|call| [None, Some(call.clone())]));
    }
    let last = a[a.len() - inner..].iter().zip(&b[b.len() - inner..]);
    rows.extend(last.map(|(a, b)| [Some(a.clone()), Some(b.clone())]));
    rows.reverse();
    rows
}

/// Two lists of calls in rows: a longest part that both have is in both columns.
fn in_common(a: &[Arc<Callsite>], b: &[Arc<Callsite>]) -> Vec<[Option<Arc<Callsite>>; 2]> {
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
    rows
}
