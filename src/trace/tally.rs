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

use super::turns::{Turn, Turns};
use super::{Callsite, Event, Kind, Log, SpanId, Time, Window};

/// Durations of one callsite that are kept one by one.
const EXACT: usize = 1024;
/// Steps per power of two of those that are not: what is read off them is at most 1.6 % too high.
const STEPS: u32 = 64;

/// All calls from one callsite.
#[derive(Clone, Debug, PartialEq)]
pub struct CallTally {
    /// Where they come from.
    pub callsite: Arc<Callsite>,
    /// How many were open in the stretch.
    pub count: u64,
    /// How many of them are not over.
    pub open: u64,
    /// Program time of their own in it, in ns.
    pub own: u64,
    /// Program time in which they were open in it, in ns.
    pub total: u64,
    /// Half of those that ended took at most this, in ns; `None` if none ended.
    pub p50: Option<u64>,
    /// 99 of 100 that ended took at most this, in ns.
    pub p99: Option<u64>,
    /// The two are exact.
    pub is_exact: bool,
}

/// A count under way.
#[derive(Clone, Debug)]
pub struct Tally {
    window: Option<Window>,
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
    total: u64,
    durations: Durations,
}

impl Tally {
    /// A count over a stretch of program time, or over all there is.
    #[must_use]
    pub fn new(window: Option<Window>) -> Self {
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
    pub fn window(&self) -> Option<Window> {
        self.window
    }

    /// The place in the log at which it ends, as far as the log goes.
    fn end(&self, log: &Log) -> usize {
        self.window.map_or(log.len(), |window| log.cursor_at(window.to))
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
        let first = self.window.map_or(0, |window| log.cursor_at(window.from));
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
                self.open.insert(*span, Open { row, opened: log.clock().program(event.time) });
            }
            Kind::Close { span } => {
                let Some(open) = self.open.remove(span) else { return };
                let now = log.clock().program(event.time);
                let row = &mut self.rows[open.row];
                row.total += now.since(open.opened.max(self.window.map_or(Time(0), |window| window.from)));
                row.durations.add(now.since(open.opened));
            }
            _ => {}
        }
    }

    fn row(&mut self, callsite: &Arc<Callsite>) -> usize {
        if let Some(at) = self.places.get(callsite) {
            return *at;
        }
        self.rows.push(Row { callsite: callsite.clone(), count: 0, own: 0, total: 0, durations: Durations::default() });
        self.places.insert(callsite.clone(), self.rows.len() - 1);
        self.rows.len() - 1
    }

    fn count(&mut self, log: &Log, turn: Turn) {
        let own = self.own(log, turn);
        if let Some(open) = self.open.get(&turn.span) {
            self.rows[open.row].own += own;
        }
    }

    /// The own time of a turn that lies in the stretch.
    fn own(&self, log: &Log, turn: Turn) -> u64 {
        if turn.is_blocked {
            return 0;
        }
        let from = log.clock().program(turn.from).max(self.window.map_or(Time(0), |window| window.from));
        log.clock().program(turn.to).since(from)
    }

    /// What has been counted so far; calls that are open count up to where it has been read.
    #[must_use]
    pub fn calls(&self, log: &Log) -> Vec<CallTally> {
        let mut calls: Vec<CallTally> = self.rows.iter().map(Row::tally).collect();
        let raw = log.time_at(self.at.unwrap_or(0));
        let window_end = self.window.map(|window| window.to);
        let is_whole = !self.is_behind(log);
        let read = log.clock().program(raw);
        // The stretch goes on after the last event in it, as far as the log does.
        let last = log.clock().program(log.time_at(log.len()));
        let now = if is_whole { window_end.map_or(last, |end| end.min(last)) } else { read };
        let begin = self.window.map_or(Time(0), |window| window.from);
        for open in self.open.values() {
            let call = &mut calls[open.row];
            call.open += 1;
            call.total += now.since(open.opened.max(begin));
        }
        let rest = now.since(read);
        for turn in self.turns.under_way(raw) {
            if let Some(open) = self.open.get(&turn.span) {
                calls[open.row].own += self.own(log, turn) + if turn.is_blocked { 0 } else { rest };
            }
        }
        calls
    }
}

impl Row {
    fn tally(&self) -> CallTally {
        CallTally {
            callsite: self.callsite.clone(),
            count: self.count,
            open: 0,
            own: self.own,
            total: self.total,
            p50: self.durations.at_most(50),
            p99: self.durations.at_most(99),
            is_exact: self.durations.steps.is_empty(),
        }
    }
}

/// Durations, one by one or in steps.
#[derive(Clone, Debug, Default)]
struct Durations {
    exact: Vec<u64>,
    /// How many are in each step, once there are too many.
    steps: Vec<u64>,
    count: u64,
}

impl Durations {
    fn add(&mut self, ns: u64) {
        self.count += 1;
        if self.steps.is_empty() && self.exact.len() < EXACT {
            self.exact.push(ns);
            return;
        }
        for ns in std::mem::take(&mut self.exact).into_iter().chain([ns]) {
            let step = step_of(ns);
            if self.steps.len() <= step {
                self.steps.resize(step + 1, 0);
            }
            self.steps[step] += 1;
        }
    }

    /// The shortest duration that `percent` of all do not exceed.
    fn at_most(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        if self.steps.is_empty() {
            let mut sorted = self.exact.clone();
            sorted.sort_unstable();
            return sorted.get(wanted as usize - 1).copied();
        }
        let mut seen = 0;
        let step = self.steps.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(end_of(step))
    }
}

/// Up to 64 one by one, then 64 steps for every power of two.
fn step_of(ns: u64) -> usize {
    let shift = (64 - ns.leading_zeros()).saturating_sub(STEPS.trailing_zeros() + 1);
    (u64::from(shift * STEPS) + (ns >> shift)) as usize
}

/// The longest duration of a step.
fn end_of(step: usize) -> u64 {
    let step = step as u64;
    let shift = (step / u64::from(STEPS)).saturating_sub(1);
    let base = step - shift * u64::from(STEPS);
    (base << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_narrow_and_in_order() {
        for ns in (0..20_000).chain((14..63).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1])) {
            let end = end_of(step_of(ns));
            assert!(end >= ns && end - ns <= ns / u64::from(STEPS), "{ns} is in the step up to {end}");
            assert!(step_of(ns + 1) >= step_of(ns));
        }
    }

    #[test]
    fn few_durations_are_exact_and_many_are_near() {
        let mut durations = Durations::default();
        assert_eq!(durations.at_most(50), None);
        (1..=1000).rev().for_each(|ns| durations.add(ns));
        assert_eq!((durations.at_most(50), durations.at_most(99)), (Some(500), Some(990)));
        (1001..=100_000).for_each(|ns| durations.add(ns));
        let p99 = durations.at_most(99).unwrap();
        assert!((99_000..101_000).contains(&p99), "{p99}");
    }
}
