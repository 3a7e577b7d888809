//! How often each call was made in a stretch of time, and how long it took: counted a slice at a time.
//!
//! ```text
//!   stretch          ├────────────────────────┤
//!   call    ├────────┼──┤      ├───┤      ├───┼─────┤     count 3: those that were open in it
//!   total            ├──┤      ├───┤      ├───┤           the time of each that lies in it
//!   p50, p99         ▲         ▲                          the whole time of those that ended in it
//! ```
//!
//! A call's own time is that of its turns ([`Turns`]): it had the thread, was the innermost there, and was not blocked.

use std::collections::HashMap;
use std::sync::Arc;

use super::durations::Durations;
use super::turns::{Turn, Turns};
use super::{CallStats, Callsite, Event, Kind, Log, SpanId, Time, Window};

/// A count under way.
#[derive(Clone, Debug)]
pub struct Tally {
    window: Window,
    /// The place in the log that is read next; `None` before the beginning is known.
    at: Option<usize>,
    first: usize,
    turns: Turns,
    open: HashMap<SpanId, Open>,
    rows: Vec<Row>,
    places: HashMap<Arc<Callsite>, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    row: usize,
    /// Program time of its opening, before the stretch perhaps.
    opened: Time,
}

#[derive(Clone, Debug)]
struct Row {
    callsite: Arc<Callsite>,
    count: u64,
    own: u64,
    /// Own times are known of one call at least.
    tells_runs: bool,
    total: u64,
    durations: Durations,
}

impl Tally {
    /// A count over a stretch of program time. The log itself knows what there is in all of it: [`call_stats`].
    ///
    /// [`call_stats`]: super::call_stats
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            window,
            at: None,
            first: 0,
            turns: Turns::default(),
            open: HashMap::new(),
            rows: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// The stretch.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// The place in the log at which it ends, as far as the log goes.
    fn end(&self, log: &Log) -> usize {
        log.cursor_at(self.window.to)
    }

    /// Whether there is something that has not been read.
    #[must_use]
    pub fn is_behind(&self, log: &Log) -> bool {
        self.at.is_none_or(|at| at < self.end(log))
    }

    /// How many of how many events have been read.
    #[must_use]
    pub fn progress(&self, log: &Log) -> (usize, usize) {
        (self.at.map_or(0, |at| at - self.first), self.end(log).saturating_sub(self.first))
    }

    /// Reads on, at most this many events.
    pub fn read(&mut self, log: &Log, at_most: usize) {
        let from = match self.at {
            Some(at) => at,
            None => self.begin(log),
        };
        let to = self.end(log).min(from.saturating_add(at_most)).max(from);
        for event in log.events_in(from..to) {
            self.take(log, &event);
        }
        self.at = Some(to);
    }

    /// What was open when the stretch began is open in it.
    fn begin(&mut self, log: &Log) -> usize {
        let first = log.cursor_at(self.window.from);
        if first > 0 {
            for event in log.state_at(first).open_set() {
                self.take(log, &event);
            }
        }
        self.first = first;
        first
    }

    fn take(&mut self, log: &Log, event: &Event) {
        if let Some(turn) = self.turns.feed(event) {
            self.count(log, turn);
        }
        match &event.kind {
            Kind::Open { span, callsite, .. } => {
                let row = self.row(callsite);
                self.rows[row].count += 1;
                self.rows[row].tells_runs |= log.tells_runs(event.lane);
                self.open.insert(*span, Open { row, opened: log.clock().program(event.time) });
            }
            Kind::Close { span } => {
                let Some(open) = self.open.remove(span) else { return };
                let now = log.clock().program(event.time);
                let row = &mut self.rows[open.row];
                row.total = row.total.saturating_add(now.since(open.opened.max(self.window.from)));
                row.durations.add(now.since(open.opened));
            }
            _ => {}
        }
    }

    fn row(&mut self, callsite: &Arc<Callsite>) -> usize {
        if let Some(at) = self.places.get(callsite) {
            return *at;
        }
        let (callsite, durations) = (callsite.clone(), Durations::default());
        self.places.insert(callsite.clone(), self.rows.len());
        self.rows.push(Row { callsite, count: 0, own: 0, tells_runs: false, total: 0, durations });
        self.rows.len() - 1
    }

    fn count(&mut self, log: &Log, turn: Turn) {
        let own = self.own(log, turn);
        if let Some(open) = self.open.get(&turn.span) {
            let row = &mut self.rows[open.row];
            row.own = row.own.saturating_add(own);
        }
    }

    /// The own time of a turn that lies in the stretch.
    fn own(&self, log: &Log, turn: Turn) -> u64 {
        if turn.is_blocked {
            return 0;
        }
        let from = log.clock().program(turn.from).max(self.window.from);
        log.clock().program(turn.to).since(from)
    }

    /// What has been counted so far; calls that are open count up to where it has been read.
    #[must_use]
    pub fn calls(&self, log: &Log) -> Vec<CallStats> {
        let mut calls: Vec<CallStats> = self.rows.iter().map(Row::tally).collect();
        let raw = log.time_at(self.at.unwrap_or(0));
        let is_whole = !self.is_behind(log);
        let read = log.clock().program(raw);
        // The stretch goes on after the last event in it, as far as the log does.
        let last = log.clock().program(log.time_at(log.len()));
        let now = if is_whole { self.window.to.min(last) } else { read };
        let begin = self.window.from;
        for open in self.open.values() {
            let call = &mut calls[open.row];
            call.open += 1;
            call.total = call.total.saturating_add(now.since(open.opened.max(begin)));
        }
        let rest = now.since(read);
        for turn in self.turns.under_way(raw) {
            if let Some(open) = self.open.get(&turn.span) {
                let call = &mut calls[open.row];
                let since_read = if turn.is_blocked { 0 } else { rest };
                let more = self.own(log, turn).saturating_add(since_read);
                call.own = call.own.map(|own| own.saturating_add(more));
            }
        }
        calls
    }
}

impl Row {
    fn tally(&self) -> CallStats {
        let [p50, p99] = self.durations.at_most([50, 99]);
        let Self { count, total, .. } = *self;
        let own = self.tells_runs.then_some(self.own);
        let is_exact = self.durations.is_exact();
        CallStats { callsite: self.callsite.clone(), count, open: 0, own, total, p50, p99, is_exact }
    }
}
