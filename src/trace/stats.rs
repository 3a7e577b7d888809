//! How often each call was made, and how much time it took.

use std::sync::Arc;

use super::{Callsite, Log};

/// All calls from one callsite.
#[derive(Clone, Debug, PartialEq)]
pub struct CallStats {
    /// Where they come from.
    pub callsite: Arc<Callsite>,
    /// How many there were.
    pub count: u64,
    /// Program time from their openings to their ends, or to the end of the log, in ns.
    pub total: u64,
    /// Program time in which they were the innermost call on a thread and did not block it, in ns.
    pub own: u64,
}

/// Every callsite of a log, the one with the most time of its own first. Counted as the log grows: asking costs nothing.
#[must_use]
pub fn call_stats(log: &Log) -> Vec<CallStats> {
    let index = log.index();
    let all = index.calls.all().iter();
    let mut stats: Vec<CallStats> = all
        .map(|of| CallStats { callsite: of.callsite.clone(), count: of.count, total: of.total, own: of.own })
        .collect();
    for (callsite, took) in index.under_way() {
        stats[callsite as usize].own += took;
    }
    let now = index.clock.program(index.time);
    let lanes = index.outline.lanes.iter().chain(&index.outline.done);
    for open in lanes.flat_map(|lane| &lane.stack) {
        if let Some(number) = index.spans.number(open.span).filter(|number| index.spans.closed(*number).is_none()) {
            let took = now.since(index.clock.program(index.spans.opened(number)));
            stats[index.spans.callsite(number) as usize].total += took;
        }
    }
    stats.retain(|call| call.count > 0);
    stats.sort_by(|a, b| (b.own, b.count, &a.callsite.name).cmp(&(a.own, a.count, &b.callsite.name)));
    stats
}
