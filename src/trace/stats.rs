//! How often each call was made, and how much time it took.

use std::sync::Arc;

use super::calls::OfCallsite;
use super::{Callsite, Log};

/// All calls from one callsite, in a whole log or in a stretch of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallStats {
    /// Where they come from.
    pub callsite: Arc<Callsite>,
    /// How many there were: of a stretch, how many were open in it.
    pub count: u64,
    /// How many of them are not over.
    pub open: u64,
    /// Program time in which they were the innermost call on a thread and did not block it, in ns; `None` if the recording
    /// says of none of them when it was on one.
    pub own: Option<u64>,
    /// Program time from their openings to their ends, or to the end of the log, in ns.
    pub total: u64,
    /// Half of those that ended took at most this, in ns; `None` if none ended.
    pub p50: Option<u64>,
    /// 99 of 100 that ended took at most this, in ns.
    pub p99: Option<u64>,
    /// The two are exact.
    pub is_exact: bool,
}

/// Every callsite of a log, the one with the most time of its own first. Counted as the log grows: asking costs the
/// same however long it is.
#[must_use]
pub fn call_stats(log: &Log) -> Vec<CallStats> {
    let index = log.index();
    let all = index.calls.all().iter();
    let of_callsite = |of: &OfCallsite| {
        let [p50, p99] = of.durations.at_most([50, 99]);
        let (callsite, is_exact) = (of.callsite.clone(), of.durations.is_exact());
        let own = of.tells_runs.then_some(of.own);
        CallStats { callsite, count: of.count, open: 0, own, total: of.total, p50, p99, is_exact }
    };
    let mut stats: Vec<CallStats> = all.map(of_callsite).collect();
    for (callsite, took) in index.under_way() {
        let stats = &mut stats[callsite as usize];
        stats.own = stats.own.map(|own| own.saturating_add(took));
    }
    let now = index.clock.program(index.time);
    let lanes = index.outline.lanes.iter().chain(&index.outline.done);
    for number in lanes.flat_map(|lane| lane.stack.iter()).map(|open| open.number) {
        if index.spans.closed(number).is_none() {
            let took = now.since(index.clock.program(index.spans.opened(number)));
            let stats = &mut stats[index.spans.callsite(number) as usize];
            (stats.open, stats.total) = (stats.open + 1, stats.total.saturating_add(took));
        }
    }
    stats.retain(|call| call.count > 0);
    stats.sort_by(|a, b| (b.own, b.count, &a.callsite.name).cmp(&(a.own, a.count, &b.callsite.name)));
    stats
}
