//! When spans of an excerpt were on threads, and how much of that was their own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Excerpt, Span};
use crate::trace::{Callsite, Kind, LaneId, Seq, SpanId, Thread, ThreadId, Time, Turns};

/// A stretch in which a span was on a thread: of a future a poll. Times are ns on the excerpt's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// The span.
    pub span: SpanId,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// Where that comes from.
    pub callsite: Arc<Callsite>,
    /// The thread.
    pub thread: Arc<Thread>,
    /// Its begin, or that of the excerpt.
    pub begin: Time,
    /// Its end, or that of the excerpt.
    pub end: Time,
    /// The place of its begin in the log.
    pub at: Seq,
    /// The place of its end, if that is in the excerpt.
    pub over: Option<Seq>,
    /// The number of the poll it is inside of, if that is of the same lane.
    pub within: Option<usize>,
}

impl Excerpt<'_> {
    /// Whether a span was on a thread, and was taken off it, before the excerpt begins. Of async calls it is not known.
    #[must_use]
    pub fn was_polled(&self, span: &Span) -> bool {
        let first = || self.log.stretches(span.id).next().and_then(|stretch| stretch.1);
        let tells_runs = || self.log.lane(span.lane).is_none_or(|lane| lane.kind.tells_runs());
        span.begins_before && tells_runs() && first().is_some_and(|end| end < self.from)
    }

    /// Which lane was put on which thread, each time up to its end. Reads the log once.
    pub fn enters(&self) -> impl Iterator<Item = (LaneId, &Arc<Thread>)> {
        self.log.enters(self.log.cursor_at_raw(self.until))
    }

    /// The stretches on threads of its spans in some lanes, in order of their begin; they nest as they did there. Reads the log
    /// once.
    #[must_use]
    pub fn polls(&self, lanes: &HashSet<LaneId>) -> Vec<Poll> {
        let mut polls: Vec<Poll> = Vec::new();
        let mut is_before: Vec<bool> = Vec::new();
        // Per thread what is on it, outermost first: the number of the poll, if it is wanted.
        let mut threads: HashMap<ThreadId, Vec<(SpanId, Option<usize>)>> = HashMap::new();
        for event in self.log.events_in(..self.log.cursor_at_raw(self.until)) {
            match event.kind {
                Kind::Enter { span } => {
                    let stack = threads.entry(event.thread.id).or_default();
                    let record = self.log.span(span).filter(|record| lanes.contains(&record.lane) && self.has(record));
                    let number = record.map(|record| {
                        let around = stack.iter().rev().find_map(|entered| entered.1);
                        is_before.push(false);
                        polls.push(Poll {
                            span,
                            lane: record.lane,
                            callsite: record.callsite,
                            thread: event.thread.clone(),
                            begin: self.time(event.time.max(self.from)),
                            end: self.time(self.until),
                            at: event.seq,
                            over: None,
                            within: around.filter(|around| polls[*around].lane == record.lane),
                        });
                        polls.len() - 1
                    });
                    stack.push((span, number));
                }
                Kind::Exit { span } | Kind::Close { span } => {
                    // Where events are missing a span may be closed that has not been exited.
                    let is_close = matches!(event.kind, Kind::Close { .. });
                    for (_, stack) in threads.iter_mut().filter(|of| is_close || *of.0 == event.thread.id) {
                        let Some(at) = stack.iter().rposition(|entered| entered.0 == span) else { continue };
                        let Some(number) = stack.remove(at).1 else { continue };
                        polls[number].end = self.time(event.time.max(self.from));
                        polls[number].over = Some(event.seq);
                        is_before[number] = event.time < self.from;
                    }
                }
                _ => {}
            }
        }
        // Those before the stretch were needed for what is around what.
        let mut kept = 0..;
        let numbers: Vec<Option<usize>> =
            is_before.iter().map(|is_before| if *is_before { None } else { kept.next() }).collect();
        let kept = polls.into_iter().zip(is_before).filter(|(_, is_before)| !is_before);
        kept.map(|(poll, _)| Poll { within: poll.within.and_then(|within| numbers[within]), ..poll }).collect()
    }

    /// For each span the time in which it, or a call inside it that is not in the excerpt, was the innermost of its thread
    /// and did not block it, in ns of the clock. Reads the log once.
    #[must_use]
    pub fn own_times(&self) -> HashMap<SpanId, u64> {
        let mut own: HashMap<SpanId, u64> = HashMap::new();
        let mut turns = Turns::default();
        // Of what is left out the nearest around it, once found: calls may be deep.
        let mut known: HashMap<SpanId, Option<SpanId>> = HashMap::new();
        let mut nearest = |span: SpanId| {
            let (mut left_out, mut next) = (Vec::new(), Some(span));
            let found = loop {
                let Some(record) = next.and_then(|span| self.log.span(span)) else { break None };
                if self.has(&record) {
                    break Some(record.id);
                }
                if let Some(found) = known.get(&record.id) {
                    break *found;
                }
                left_out.push(record.id);
                next = record.parent;
            };
            known.extend(left_out.into_iter().map(|span| (span, found)));
            found
        };
        let mut count = |turn: crate::trace::Turn| {
            let (from, to) = (turn.from.max(self.from), turn.to.min(self.until));
            if from < to
                && !turn.is_blocked
                && let Some(span) = nearest(turn.span)
            {
                *own.entry(span).or_default() += self.time(to).since(self.time(from));
            }
        };
        for event in self.log.events_in(..) {
            if let Some(turn) = turns.feed(&event) {
                count(turn);
            }
        }
        turns.under_way(self.log.time_at(self.log.len())).for_each(count);
        own
    }
}
