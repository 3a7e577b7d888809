//! Before, during, after: the three instants at which the stacks are compared, and who accepts clients at each.
//!
//! Everything here comes from the log. Who accepts is answered from two facts only: the call that opens the listener is
//! over, the call that arms accepting has begun. An instant that the run has not reached is said to be missing.

use crate::trace::{Chain, Event, Kind, Landmarks, Log, SpanId};

/// Calls among which the first that is over is looked for.
const FEW_CALLS: usize = 16;

/// One of the three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    /// `before`, `during` or `after`.
    pub title: &'static str,
    /// Which instant it is, in a few words.
    pub what: &'static str,
    /// Where it is: how many events are before it; else why this run has no such instant, in a sentence.
    pub cursor: Result<usize, &'static str>,
    /// Who accepts, and what becomes of clients: sentences without a final stop.
    pub accepting: Vec<String>,
}

/// The three instants of a log, given its landmarks.
#[must_use]
pub fn instants(log: &Log, chain: &Chain, marks: &Landmarks) -> [Instant; 3] {
    // Held in `spawn` is how a person who steps has seen it.
    let before = marks.before.map(|at| held_at(log, at));
    let has_spawned = |at| chain.key("spawn").is_some_and(|key| log.has_opened(key, at));
    // There is no worker: main looks the name up by itself.
    let is_alone = before.is_some_and(|at| !has_spawned(at));
    let first = if is_alone { "in main's own lookup" } else { "in spawn" };
    let instant = |title, what, cursor: Option<usize>| {
        // What is missing although a later instant has been reached will not come.
        let why = if marks.loop_serves.is_some() {
            "it did not happen in this run: no worker was at its lookup while the loop ran"
        } else {
            "the run has not come so far"
        };
        let accepting = cursor.map_or_else(Vec::new, |cursor| accepting(log, chain, cursor));
        Instant { title, what, cursor: cursor.ok_or(why), accepting }
    };
    [
        instant("before", first, before),
        instant("during", "the lookup runs", marks.during),
        instant("after", "the loop serves", marks.loop_serves),
    ]
}

/// Behind the hold that ends the step, if one does before anything else happens than that values are recorded.
fn held_at(log: &Log, cursor: usize) -> usize {
    let is_value = |event: &Event| matches!(event.kind, Kind::Record { .. } | Kind::Note { .. });
    let values = log.events_in(cursor..).take_while(is_value).count();
    let is_held = log.event(cursor + values).is_some_and(|event| matches!(event.kind, Kind::Hold { .. }));
    if is_held { cursor + values + 1 } else { cursor }
}

fn accepting(log: &Log, chain: &Chain, cursor: usize) -> Vec<String> {
    let called = |id: &str, is_over: bool| {
        let calls = log.calls(chain.key(id)?, cursor).first(FEW_CALLS);
        calls.into_iter().find(|call| !is_over || call.closed.is_some()).map(|call| call.span)
    };
    let on = |span: SpanId| log.recorded(span, "fd", cursor).map_or(String::new(), |(_, fd)| format!(" on fd {fd}"));
    let Some(listener) = called("tcp_listener", true) else {
        return vec!["nobody: no listener is open yet".into()];
    };
    let Some(armed) = called("start_accepting", false) else {
        return vec![
            "nobody: start_accepting has not been called".into(),
            format!("the socket listens{}: the kernel queues clients", on(listener)),
        ];
    };
    let taken = match (chain.key("do_read"), called("do_read", false)) {
        (None, _) => None,
        (_, Some(_)) => Some("do_read has taken clients"),
        (_, None) => Some("no client was taken by then: do_read had not run"),
    };
    let mut lines = vec![format!("the io watcher{}, armed by start_accepting", on(armed))];
    lines.extend(taken.map(str::to_owned));
    lines
}
