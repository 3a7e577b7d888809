//! Stacks side by side: of two recordings, as they are at one moment of each, or of two moments of one.
//!
//! ```text
//!   earlier                later
//!   main                   main
//!   − spawn                + get          innermost first; what both have under way stands in one row
//!     apply                  apply
//!     run                    run
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::alike::{call_of, kind_of};
use crate::trace::{Activity, Callsite, Lane, LaneId, SpanId, State};

/// Pairs of calls that are compared for one lane: a screen waits for it.
const CELLS: usize = 1 << 18;

/// A lane on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct LanePair {
    /// The lane, where there is one.
    pub lanes: [Option<PairedLane>; 2],
    /// Calls under way, innermost first: those that both make stand in one row.
    pub frames: Vec<[Option<PairedCall>; 2]>,
}

/// A lane on one side.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedLane {
    /// Its id there.
    pub id: LaneId,
    /// Its name.
    pub name: Arc<str>,
    /// What it is doing.
    pub activity: Activity,
}

/// A call that is under way on one side.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedCall {
    /// The span.
    pub span: SpanId,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// The same without ids in its name.
    function: Arc<Callsite>,
}

/// By what a lane finds the other.
#[derive(PartialEq, Eq, Hash)]
enum By {
    Id(LaneId),
    Name(Arc<str>),
}

/// Two recordings: lanes of one name are a pair, else those of one kind; calls of one function are the same. Lanes that are over are
/// left out.
#[must_use]
pub fn side_by_side(a: &State, b: &State) -> Vec<LanePair> {
    let by_name = |lane: &Lane| By::Name(lane.name.clone());
    let by_kind = |lane: &Lane| By::Name(kind_of(&lane.name));
    paired(a, b, &[&by_name, &by_kind], &|a, b| is_alike(a, b))
}

/// Two moments of one recording: a lane is a pair with itself, a call is the same as itself, or as one of the same function in its
/// place. Lanes that are over are left out.
#[must_use]
pub fn before_and_after(earlier: &State, later: &State) -> Vec<LanePair> {
    paired(earlier, later, &[&|lane| By::Id(lane.id)], &|a, b| a.span == b.span)
}

/// Whether two calls are of one function, but for ids in its name.
fn is_alike(a: &PairedCall, b: &PairedCall) -> bool {
    (&a.function.target, &a.function.name) == (&b.function.target, &b.function.name)
}

/// Pairs lanes by the first key, those that are left by the next, and lays their stacks side by side.
fn paired(a: &State, b: &State, keys: &[&dyn Fn(&Lane) -> By], same: &Same<'_>) -> Vec<LanePair> {
    let alive = |state: &State| state.lanes().iter().filter(|lane| !lane.is_done).cloned().collect::<Vec<_>>();
    let (left, right) = (alive(a), alive(b));
    let mut partners: Vec<Option<usize>> = vec![None; left.len()];
    let mut is_taken = vec![false; right.len()];
    for key in keys {
        let mut free: HashMap<By, VecDeque<usize>> = HashMap::new();
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
    let said = |state: &State, lane: &Lane| {
        Some(PairedLane { id: lane.id, name: lane.name.clone(), activity: state.activity(lane) })
    };
    let mut pairs: Vec<LanePair> = Vec::new();
    for (lane, partner) in left.iter().zip(partners) {
        let partner = partner.map(|at| &right[at]);
        let frames = aligned(&calls(lane), &partner.map(|lane| calls(lane)).unwrap_or_default(), same);
        pairs.push(LanePair { lanes: [said(a, lane), partner.and_then(|lane| said(b, lane))], frames });
    }
    for (lane, _) in right.iter().zip(is_taken).filter(|(_, is_taken)| !is_taken) {
        pairs.push(LanePair { lanes: [None, said(b, lane)], frames: aligned(&[], &calls(lane), same) });
    }
    pairs
}

/// Whether a call of each side is the same.
type Same<'a> = dyn Fn(&PairedCall, &PairedCall) -> bool + 'a;
/// A call that is on both sides, or on one of them.
type Frame = [Option<PairedCall>; 2];

/// Outermost first.
fn calls(lane: &Lane) -> Vec<PairedCall> {
    let call =
        |callsite: &Arc<Callsite>, span| PairedCall { span, callsite: callsite.clone(), function: call_of(callsite) };
    lane.frames().map(|frame| call(&frame.callsite, frame.span)).collect()
}

/// Two stacks in rows, innermost first: a longest part that both have is in both columns. Where they are too deep to find it, it
/// is what they have in common from the outermost in, and from the innermost out.
fn aligned(a: &[PairedCall], b: &[PairedCall], same: &Same<'_>) -> Vec<Frame> {
    let outer = a.iter().zip(b).take_while(|(a, b)| same(a, b)).count();
    let (rest_a, rest_b) = (&a[outer..], &b[outer..]);
    let inner = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (rest_a, rest_b) = (&rest_a[..rest_a.len() - inner], &rest_b[..rest_b.len() - inner]);
    let both = |(a, b): (&PairedCall, &PairedCall)| [Some(a.clone()), Some(b.clone())];
    let mut rows: Vec<Frame> = a[..outer].iter().zip(b).map(both).collect();
    if rest_a.len().saturating_mul(rest_b.len()) <= CELLS {
        in_common(rest_a, rest_b, same, &mut rows);
    } else {
        put_apart(rest_a, rest_b, &mut rows);
    }
    rows.extend(a[a.len() - inner..].iter().zip(&b[b.len() - inner..]).map(both));
    rows.reverse();
    rows
}

/// Two lists of calls in rows: a longest part that both have is in both columns.
fn in_common(a: &[PairedCall], b: &[PairedCall], same: &Same<'_>, rows: &mut Vec<Frame>) {
    // How long the longest part is that is common to both from two places on.
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for at in (0..a.len()).rev() {
        for other in (0..b.len()).rev() {
            common[at][other] = match same(&a[at], &b[other]) {
                true => common[at + 1][other + 1] + 1,
                false => common[at + 1][other].max(common[at][other + 1]),
            };
        }
    }
    let (mut at, mut other, mut apart) = (0, 0, (0, 0));
    while at < a.len() && other < b.len() {
        if same(&a[at], &b[other]) {
            put_apart(&a[apart.0..at], &b[apart.1..other], rows);
            rows.push([Some(a[at].clone()), Some(b[other].clone())]);
            (at, other) = (at + 1, other + 1);
            apart = (at, other);
        } else if common[at + 1][other] >= common[at][other + 1] {
            at += 1;
        } else {
            other += 1;
        }
    }
    put_apart(&a[apart.0..], &b[apart.1..], rows);
}

/// Calls of which none is the same: those that only stand in the place of one of the same function are in a row with it.
fn put_apart(a: &[PairedCall], b: &[PairedCall], rows: &mut Vec<Frame>) {
    let alike = a.iter().zip(b).take_while(|(a, b)| is_alike(a, b)).count();
    rows.extend(a[..alike].iter().zip(b).map(|(a, b)| [Some(a.clone()), Some(b.clone())]));
    rows.extend(a[alike..].iter().map(|call| [Some(call.clone()), None]));
    rows.extend(b[alike..].iter().map(|call| [None, Some(call.clone())]));
}
