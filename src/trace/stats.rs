//! How often each call was made, and how much time it took.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Callsite, Log, SpanId, SpanRecord, Time};

/// All calls from one callsite.
#[derive(Clone, Debug, PartialEq)]
pub struct CallStats {
    /// Where they come from.
    pub callsite: Arc<Callsite>,
    /// How many there were.
    pub count: u64,
    /// Program time from their openings to their ends, or to the end of the log, in ns.
    pub total: u64,
    /// Program time in which they had control of a thread and no call inside them, in the same lane, had it, in ns.
    pub own: u64,
}

/// Every callsite of a log, the one with the most time of its own first.
#[must_use]
pub fn call_stats(log: &Log) -> Vec<CallStats> {
    let clock = log.clock();
    let end = log.time_at(log.len());
    let busy: HashMap<SpanId, u64> = log.spans().map(|span| (span.id, busy(log, &span, end))).collect();
    let mut inside: HashMap<SpanId, u64> = HashMap::new();
    for span in log.spans() {
        let around = span.parent.and_then(|parent| log.span(parent)).filter(|around| around.lane == span.lane);
        if let Some(around) = around {
            *inside.entry(around.id).or_default() += busy[&span.id];
        }
    }
    let mut stats: HashMap<Arc<Callsite>, CallStats> = HashMap::new();
    for span in log.spans() {
        let total = clock.program(span.close.map_or(end, |close| close.1)).since(clock.program(span.open.1));
        let own = busy[&span.id].saturating_sub(inside.get(&span.id).copied().unwrap_or(0));
        let fresh = || CallStats { callsite: span.callsite.clone(), count: 0, total: 0, own: 0 };
        let known = stats.entry(span.callsite.clone()).or_insert_with(fresh);
        known.count += 1;
        known.total += total;
        known.own += own;
    }
    let mut stats: Vec<CallStats> = stats.into_values().collect();
    stats.sort_by(|a, b| (b.own, b.count, &a.callsite.name).cmp(&(a.own, a.count, &b.callsite.name)));
    stats
}

/// Program time in which a span was on a thread and its lane ran.
fn busy(log: &Log, span: &SpanRecord, end: Time) -> u64 {
    let clock = log.clock();
    let runs = log.lane(span.lane).map_or(&[][..], |lane| &lane.runs);
    let mut busy = 0;
    for (enter, exit) in log.stretches(span.id) {
        let exit = exit.unwrap_or(end);
        let first = runs.partition_point(|(_, over)| over.is_some_and(|over| over < enter));
        for &(begin, over) in runs[first..].iter().take_while(|run| run.0 <= exit) {
            let (from, to) = (begin.max(enter), over.unwrap_or(end).min(exit));
            busy += clock.program(to.max(from)).since(clock.program(from));
        }
    }
    busy
}
