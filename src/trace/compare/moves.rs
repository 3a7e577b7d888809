//! Calls that one recording misses where the other has them, and has elsewhere.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Comparison, Node};

/// What a path calls, by target and name.
type Call = (Arc<str>, Arc<str>);

/// What of a path that is looked for has to be the same, beside what it calls: what is around it, its lane, how often it is called.
/// Where one of these may be anything it is left out.
type Likeness = (Call, Option<Option<Call>>, Option<Arc<str>>, Option<u64>);

/// Finds for every path that is in the first recording alone the one in the second alone that is the same call, the outermost
/// first; of several the one that is most like it. What is below both moves along, as far as it is the same.
pub(super) fn find(merged: &mut Comparison) {
    let order = outermost_first(merged);
    let mut added: HashMap<Likeness, VecDeque<usize>> = HashMap::new();
    for (at, node) in merged.nodes.iter().enumerate() {
        if let [None, Some(calls)] = &node.calls {
            for like in likenesses(merged, node, calls.count) {
                added.entry(like).or_default().push_back(at);
            }
        }
    }
    for &at in &order {
        let node = &merged.nodes[at];
        let ([Some(calls), None], None) = (&node.calls, node.moved) else { continue };
        let best = likenesses(merged, node, calls.count).find_map(|like| {
            let candidates = added.get_mut(&like)?;
            while candidates.front().is_some_and(|other| merged.nodes[*other].moved.is_some()) {
                candidates.pop_front();
            }
            candidates.front().copied()
        });
        if let Some(other) = best {
            pair(merged, at, other);
        }
    }
}

fn call_of(node: &Node) -> Call {
    (node.callsite.target.clone(), node.callsite.name.clone())
}

/// Everything that a path may be found by, the most like it first.
fn likenesses(merged: &Comparison, node: &Node, count: u64) -> impl Iterator<Item = Likeness> {
    let (call, lane) = (call_of(node), node.lane.clone());
    let around = node.parent.map(|parent| call_of(&merged.nodes[parent]));
    (0..8_u8).rev().map(move |same| {
        let has = |bit: u8| same & bit != 0;
        let (around, lane) = (has(4).then(|| around.clone()), has(2).then(|| lane.clone()));
        (call.clone(), around, lane, has(1).then_some(count))
    })
}

/// Says that two paths are one that moved, and those below that are the same.
fn pair(merged: &mut Comparison, from: usize, to: usize) {
    let mut todo = vec![(from, to)];
    let mut is_along = false;
    while let Some((from, to)) = todo.pop() {
        merged.nodes[from].moved = Some(to);
        merged.nodes[to].moved = Some(from);
        merged.nodes[from].moved_along = is_along;
        merged.nodes[to].moved_along = is_along;
        is_along = true;
        let free = |at: usize| Some(&merged.nodes[at]).filter(|node| node.moved.is_none());
        let mut there: HashMap<Call, usize> = HashMap::new();
        for &child in &merged.nodes[to].children {
            if let Some(node) = free(child).filter(|node| matches!(node.calls, [None, Some(_)])) {
                there.entry(call_of(node)).or_insert(child);
            }
        }
        for &child in &merged.nodes[from].children {
            let node = free(child).filter(|node| matches!(node.calls, [Some(_), None]));
            if let Some(same) = node.and_then(|node| there.remove(&call_of(node))) {
                todo.push((child, same));
            }
        }
    }
}

fn outermost_first(merged: &Comparison) -> Vec<usize> {
    let mut order = merged.roots.clone();
    let mut at = 0;
    while at < order.len() {
        order.extend(&merged.nodes[order[at]].children);
        at += 1;
    }
    order
}
