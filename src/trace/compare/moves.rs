//! Calls that one recording misses where the other has them, and has elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Comparison, Node};

/// Finds for every path that is in the first recording alone the one in the second alone that is the same call, the outermost
/// first. What is below both moves along, as far as it is the same.
pub(super) fn find(merged: &mut Comparison) {
    let order = outermost_first(merged);
    let key = |node: &Node| (node.callsite.target.clone(), node.callsite.name.clone());
    let mut added: HashMap<(Arc<str>, Arc<str>), Vec<usize>> = HashMap::new();
    for &at in &order {
        if let [None, Some(_)] = merged.nodes[at].calls {
            added.entry(key(&merged.nodes[at])).or_default().push(at);
        }
    }
    for &at in &order {
        let node = &merged.nodes[at];
        let ([Some(calls), None], None) = (&node.calls, node.moved) else { continue };
        let Some(candidates) = added.get(&key(node)) else { continue };
        let free = candidates.iter().filter(|other| merged.nodes[**other].moved.is_none());
        // Of several the one that is most like it.
        let likeness = |other: usize| {
            let other = &merged.nodes[other];
            let same_count = other.calls[1].as_ref().is_some_and(|calls_b| calls_b.count == calls.count);
            let same_around = match (node.parent, other.parent) {
                (Some(a), Some(b)) => key(&merged.nodes[a]) == key(&merged.nodes[b]),
                (a, b) => a == b,
            };
            (same_around, node.lane == other.lane, same_count)
        };
        let best = free.copied().max_by_key(|other| (likeness(*other), std::cmp::Reverse(*other)));
        if let Some(other) = best {
            pair(merged, at, other);
        }
    }
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
        for &child in &merged.nodes[from].children {
            let of = |at: usize| (&merged.nodes[at].callsite.target, &merged.nodes[at].callsite.name);
            let is_free = |at: usize| merged.nodes[at].moved.is_none();
            let only_a = matches!(merged.nodes[child].calls, [Some(_), None]) && is_free(child);
            let same = merged.nodes[to].children.iter().copied().find(|other| {
                of(*other) == of(child) && is_free(*other) && matches!(merged.nodes[*other].calls, [None, Some(_)])
            });
            if let Some(same) = same.filter(|_| only_a) {
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
