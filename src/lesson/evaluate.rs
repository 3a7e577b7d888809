//! Whether a run bears a predicate out, as far as the cursor has come.
//!
//! | predicate | holds | contradicted | not run |
//! |---|---|---|---|
//! | `order a < b` | a, then b | b, and a later or not yet | b has not happened |
//! | `inside a b` | every call of a is inside b | a call of a is not | no call of a |
//! | `lane a = x` | every call of a is on x | a call of a is elsewhere | no call of a |
//! | `never a on x` | no call of a is on x | a call of a is on x | no call of a |
//! | `count a = n` | n calls | more than n | fewer than n |
//! | `field a.f = v` | every value of f is v | a value is another | no value yet |
//!
//! A call is a span that was entered. `inside` follows the parents of spans: the first span of a lane has none, so
//! what a hub or a worker does is inside nothing of the main lane, however long main waits for it. Time is for `order`.
//!
//! The log knows the calls of each step, and what was seen of a call stays so: [`Checked`] looks at each once, however
//! often it is asked and wherever the cursor is. While it has not looked at all of them the answer says so.

use std::collections::HashMap;
use std::fmt;

use super::{Moment, Predicate};
use crate::trace::{Call, CallsOf, Chain, LaneId, Log, SpanId};

/// Calls whose fields are looked at.
const READ: usize = 100;

/// How a predicate fares in a run, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It holds, so far.
    Holds,
    /// The run contradicts it.
    Contradicted,
    /// Nothing that has happened decides it.
    NotRun,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "holds so far",
            Self::Contradicted => "contradicted",
            Self::NotRun => "not run",
        })
    }
}

/// An outcome and what in the log it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The outcome.
    pub outcome: Outcome,
    /// A short sentence without a final stop. Events are counted from 1, as in `event 9 of 41`.
    pub detail: String,
    /// The events that decide it, or would if more had happened: those the sentence names, counted from 1 and in the order of
    /// the log. A cursor of that value stands right behind the event.
    pub events: Vec<usize>,
    /// Calls that have not been looked at.
    pub left: usize,
}

/// How a predicate fares over the first `cursor` events.
#[must_use]
pub fn evaluate(predicate: &Predicate, log: &Log, chain: &Chain, cursor: usize) -> Evidence {
    Checked::default().evaluate(predicate, (log, cursor), chain, &mut usize::MAX.clone())
}

/// What is known already of claims about every call of a step, in one log that grows.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// For each of the places in which the call is written.
    of: HashMap<Predicate, Vec<OfPlace>>,
}

/// The calls that are written in one place.
#[derive(Clone, Copy, Debug, Default)]
struct OfPlace {
    looked_at: usize,
    /// The first that is not as the claim says; none behind it is looked at.
    exception: Option<usize>,
}

impl Checked {
    /// How a predicate fares over the first events of a log, up to a cursor. Looks at so many calls at the most, and says
    /// in `budget` how many more it might have; [`Evidence::left`] are for another time.
    pub fn evaluate(
        &mut self,
        predicate: &Predicate,
        (log, cursor): (&Log, usize),
        chain: &Chain,
        budget: &mut usize,
    ) -> Evidence {
        if let Some(step) = predicate.steps().find(|step| chain.key(step).is_none()) {
            return not_run(format!("no page has the step {step}"), []);
        }
        let run = Run { log, chain, cursor: cursor.min(log.len()) };
        let known = (self.of.entry(predicate.clone()).or_default(), budget);
        match predicate {
            Predicate::Order { first, then } => run.order(first, then),
            Predicate::Inside { inner, outer } => {
                let key = chain.key(outer);
                let is_inside = |span: SpanId, _| {
                    let mut around = log.span(span).and_then(|span| span.parent);
                    while let Some(span) = around.and_then(|id| log.span(id)) {
                        if key.is_some_and(|key| key.matches(&span.callsite)) {
                            return true;
                        }
                        around = span.parent;
                    }
                    false
                };
                let says = (&*format!("inside {outer}"), &*format!("not inside {outer}"));
                run.every(inner, is_inside, says, known)
            }
            Predicate::Lane { step, lane } => {
                let is_there = |_, id| lane.matches(run.lane(id));
                run.every(step, is_there, (&format!("on {lane}"), &format!("not on {lane}")), known)
            }
            Predicate::Never { step, lane } => {
                let is_elsewhere = |_, id| !lane.matches(run.lane(id));
                run.every(step, is_elsewhere, (&format!("not on {lane}"), &format!("on {lane}")), known)
            }
            Predicate::Count { step, count } => run.count(step, *count),
            Predicate::Field { step, field, value } => run.field(step, field, value),
        }
    }
}

struct Run<'a> {
    log: &'a Log,
    chain: &'a Chain,
    cursor: usize,
}

impl Run<'_> {
    /// The calls of a step.
    fn calls(&self, step: &str) -> Option<CallsOf<'_>> {
        let calls = self.chain.key(step).map(|key| self.log.calls(key, self.cursor));
        calls.filter(|calls| !calls.is_empty())
    }

    /// The name of a lane.
    fn lane(&self, id: LaneId) -> &str {
        self.log.lane(id).map_or("?", |lane| &lane.name)
    }

    /// The event of a moment, from 1, if it has come.
    fn when(&self, moment: &Moment) -> Option<usize> {
        let first = self.calls(&moment.step)?.first(1).into_iter().next()?;
        let at = if moment.is_end { first.closed } else { Some(first.entered) };
        at.map(|at| at + 1)
    }

    /// Whether a moment is the end of a call that had begun by an event.
    fn has_begun_before(&self, moment: &Moment, event: usize) -> bool {
        let began = self.when(&Moment { is_end: false, ..moment.clone() });
        moment.is_end && began.is_some_and(|began| began < event)
    }

    fn order(&self, first: &Moment, then: &Moment) -> Evidence {
        let (at_first, at_then) = (self.when(first), self.when(then));
        let events = || at_first.into_iter().chain(at_then);
        match (at_first, at_then) {
            (Some(one), Some(two)) if one < two => {
                holds(format!("{} at event {one}, {} at event {two}", done(first), done(then)), events())
            }
            (Some(one), Some(two)) => {
                contradicted(format!("{} at event {two}, {} at event {one}", done(then), done(first)), events())
            }
            // A call that is under way when the second comes cannot have ended before it. One that never began decides
            // nothing: the program may be one that does without it.
            (None, Some(two)) if self.has_begun_before(first, two) => {
                contradicted(format!("{} at event {two}, {}", done(then), not_yet(first)), events())
            }
            (None, Some(two)) => not_run(format!("{} at event {two}, {}", done(then), not_yet(first)), events()),
            // What happens while a call is under way happens before its end.
            (Some(one), None) if self.has_begun_before(then, one) => {
                holds(format!("{} at event {one}, {}", done(first), not_yet(then)), events())
            }
            (Some(one), None) => not_run(format!("{} at event {one}, {}", done(first), not_yet(then)), events()),
            (None, None) => not_run(format!("{}, {}", not_yet(first), not_yet(then)), events()),
        }
    }

    /// Whether every call of a step is as it should be; `so` and `otherwise` say how it is and is not.
    fn every(
        &self,
        step: &str,
        is_so: impl Fn(SpanId, LaneId) -> bool,
        (so, otherwise): (&str, &str),
        (known, budget): (&mut Vec<OfPlace>, &mut usize),
    ) -> Evidence {
        let Some(calls) = self.calls(step) else {
            return not_run(format!("{step} has not run"), []);
        };
        known.resize(known.len().max(calls.lens().count()), OfPlace::default());
        let mut left = 0;
        let mut found: Option<Call> = None;
        for (place, (of, end)) in known.iter_mut().zip(calls.lens()).enumerate() {
            while of.exception.is_none() && of.looked_at < end && *budget > 0 {
                let is_exception = calls.span(place, of.looked_at).is_some_and(|(span, lane)| !is_so(span, lane));
                of.exception = is_exception.then_some(of.looked_at);
                of.looked_at += 1;
                *budget -= 1;
            }
            match of.exception {
                None => left += end.saturating_sub(of.looked_at),
                Some(at) if at < end => {
                    found = found.into_iter().chain(calls.get(place, at)).min_by_key(|call| call.entered);
                }
                Some(_) => {}
            }
        }
        let entered = |call: &Call, how: &str| {
            let text = format!("{step} entered at event {} on {}", call.entered + 1, self.lane(call.lane));
            if text.ends_with(how) { text } else { format!("{text}, {how}") }
        };
        let last = || calls.last().filter(|_| left == 0);
        match (found, calls.len(), last()) {
            (Some(call), ..) => contradicted(entered(&call, otherwise), [call.entered + 1]),
            (None, 1, Some(only)) => holds(entered(&only, so), [only.entered + 1]),
            (None, count, Some(last)) => {
                let detail = format!("{count} calls of {step} up to event {}, all {so}", last.entered + 1);
                holds(detail, [last.entered + 1])
            }
            (None, count, None) => {
                let detail = format!("{} of {count} calls of {step} so far, all {so}", count - left);
                Evidence { left, ..holds(detail, []) }
            }
        }
    }

    fn count(&self, step: &str, count: u64) -> Evidence {
        let calls = self.calls(step);
        let number = calls.as_ref().map_or(0, CallsOf::len);
        let last = calls.and_then(|calls| calls.last());
        let event = last.map(|last| last.entered + 1);
        let detail = match last {
            None => format!("{step} has not run"),
            Some(last) => {
                let plural = if number == 1 { "" } else { "s" };
                format!("{number} call{plural} of {step}, the last at event {}", last.entered + 1)
            }
        };
        match (number as u64).cmp(&count) {
            std::cmp::Ordering::Less => not_run(detail, event),
            std::cmp::Ordering::Equal => holds(detail, event),
            std::cmp::Ordering::Greater => contradicted(detail, event),
        }
    }

    fn field(&self, step: &str, name: &str, value: &str) -> Evidence {
        let Some(calls) = self.calls(step) else {
            return not_run(format!("{step} has not run"), []);
        };
        let value_of = |call: Call| {
            let (at, value) = self.log.recorded(call.span, name, self.cursor)?;
            Some((at + 1, value.to_string()))
        };
        let mut found = calls.first(READ).into_iter().filter_map(value_of).peekable();
        let Some(mut shown) = found.peek().cloned() else {
            return not_run(format!("{step} has no {name} yet"), []);
        };
        let is_so = found.all(|next| {
            shown = next;
            shown.1 == value
        });
        let (at, said) = shown;
        let detail = format!("{step} has {name} = {said} at event {at}");
        if is_so { holds(detail, [at]) } else { contradicted(detail, [at]) }
    }
}

fn done(moment: &Moment) -> String {
    format!("{} {}", moment.step, if moment.is_end { "closed" } else { "entered" })
}

fn not_yet(moment: &Moment) -> String {
    format!("{} not {} yet", moment.step, if moment.is_end { "closed" } else { "entered" })
}

fn holds(detail: String, events: impl IntoIterator<Item = usize>) -> Evidence {
    evidence(Outcome::Holds, detail, events)
}

fn contradicted(detail: String, events: impl IntoIterator<Item = usize>) -> Evidence {
    evidence(Outcome::Contradicted, detail, events)
}

fn not_run(detail: String, events: impl IntoIterator<Item = usize>) -> Evidence {
    evidence(Outcome::NotRun, detail, events)
}

fn evidence(outcome: Outcome, detail: String, events: impl IntoIterator<Item = usize>) -> Evidence {
    let mut events: Vec<usize> = events.into_iter().collect();
    events.sort_unstable();
    events.dedup();
    Evidence { outcome, detail, events, left: 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::{Callsite, ChainStep, Event, Field, Key, Kind, LaneKind, Seq, Thread, ThreadId, Time, Value};

    /// Writes a log in the order of the calls below; step ids are `target.name`.
    #[derive(Default)]
    struct Scene {
        log: Log,
    }

    impl Scene {
        fn push(&mut self, lane: u32, kind: Kind) {
            let at = self.log.len() as u64;
            let thread = Arc::new(Thread { id: ThreadId(1), name: "MainThread".into() });
            self.log.push(Event { seq: Seq(at), time: Time(at), thread, lane: LaneId(lane), kind });
        }

        fn lane(mut self, lane: u32, name: &str) -> Self {
            self.push(lane, Kind::LaneOpen { name: name.into(), kind: LaneKind::Thread });
            self
        }

        /// Opens and enters: two events.
        fn enter(mut self, lane: u32, span: u64, parent: u64, step: &str) -> Self {
            let callsite = Callsite { name: step.into(), target: "app".into(), file: None, line: None };
            let parent = (parent > 0).then_some(SpanId(parent));
            let kind = Kind::Open { span: SpanId(span), parent, callsite: Arc::new(callsite), fields: Vec::new() };
            self.push(lane, kind);
            self.push(lane, Kind::Enter { span: SpanId(span) });
            self
        }

        fn record(mut self, lane: u32, span: u64, name: &str, value: u64) -> Self {
            let fields = vec![Field { name: name.into(), value: Value::U64(value) }];
            self.push(lane, Kind::Record { span: SpanId(span), fields });
            self
        }

        /// Exits and closes: two events.
        fn close(mut self, lane: u32, span: u64) -> Self {
            self.push(lane, Kind::Exit { span: SpanId(span) });
            self.push(lane, Kind::Close { span: SpanId(span) });
            self
        }

        #[track_caller]
        fn check_at(&self, cursor: usize, predicate: &str, outcome: Outcome, detail: &str) {
            let steps = ["apply", "spawn", "hub_run", "run_task", "do_read", "stop"]
                .map(|id| ChainStep { id: id.into(), key: Key { name: id.into(), target: "app".into() } });
            let found = evaluate(&predicate.parse().unwrap(), &self.log, &Chain::new(steps.into()), cursor);
            assert_eq!((found.outcome, &*found.detail), (outcome, detail));
        }

        #[track_caller]
        fn check(&self, predicate: &str, outcome: Outcome, detail: &str) {
            self.check_at(usize::MAX, predicate, outcome, detail);
        }
    }

    /// ```text
    ///   main    apply(3) > spawn(5..9) … waits …                        apply closes (19)
    ///   hub                              hub_run(12) > do_read(21), do_read(25)
    ///   worker                                         run_task(15..17)
    /// ```
    fn startup() -> Scene {
        let scene = Scene::default().lane(1, "main").enter(1, 1, 0, "apply").enter(1, 2, 1, "spawn");
        let scene = scene.record(1, 2, "semaphore_before", 11).record(1, 2, "semaphore_after", 10).close(1, 2);
        let scene = scene.lane(2, "hub").enter(2, 3, 0, "hub_run").lane(3, "worker-1").enter(3, 4, 0, "run_task");
        let scene = scene.close(3, 4).close(1, 1);
        scene.enter(2, 5, 3, "do_read").close(2, 5).enter(2, 6, 3, "do_read").close(2, 6)
    }

    use Outcome::{Contradicted, Holds, NotRun};

    #[test]
    fn order_holds_when_the_first_came_first() {
        startup().check("order spawn < hub_run", Holds, "spawn entered at event 5, hub_run entered at event 12");
        startup().check("order hub_run < end(apply)", Holds, "hub_run entered at event 12, apply closed at event 19");
    }

    #[test]
    fn order_is_contradicted_when_the_second_came_first() {
        startup().check(
            "order end(apply) < hub_run",
            Contradicted,
            "hub_run entered at event 12, apply closed at event 19",
        );
    }

    #[test]
    fn order_is_contradicted_as_soon_as_the_second_comes_while_the_first_is_under_way() {
        startup().check_at(
            12,
            "order end(apply) < hub_run",
            Contradicted,
            "hub_run entered at event 12, apply not closed yet",
        );
    }

    #[test]
    fn order_is_open_while_the_first_has_not_begun() {
        startup().check("order stop < do_read", NotRun, "do_read entered at event 21, stop not entered yet");
        startup().check("order end(stop) < do_read", NotRun, "do_read entered at event 21, stop not closed yet");
    }

    #[test]
    fn order_is_open_while_the_second_has_not_come() {
        startup().check_at(5, "order spawn < hub_run", NotRun, "spawn entered at event 5, hub_run not entered yet");
        startup().check_at(0, "order spawn < hub_run", NotRun, "spawn not entered yet, hub_run not entered yet");
    }

    #[test]
    fn a_moment_never_comes_before_itself() {
        startup().check("order spawn < spawn", Contradicted, "spawn entered at event 5, spawn entered at event 5");
    }

    #[test]
    fn events_at_and_after_the_cursor_do_not_count() {
        startup().check_at(4, "count spawn = 1", NotRun, "spawn has not run");
        startup().check_at(5, "count spawn = 1", Holds, "1 call of spawn, the last at event 5");
    }

    #[test]
    fn inside_looks_at_any_ancestor_of_every_call() {
        startup().check("inside spawn apply", Holds, "spawn entered at event 5 on main, inside apply");
        startup().check("inside do_read hub_run", Holds, "2 calls of do_read up to event 25, all inside hub_run");
        startup().check(
            "inside do_read run_task",
            Contradicted,
            "do_read entered at event 21 on hub, not inside run_task",
        );
        startup().check("inside stop apply", NotRun, "stop has not run");
        let deep = startup().enter(2, 7, 3, "spawn").enter(2, 8, 7, "do_read");
        deep.check("inside do_read hub_run", Holds, "3 calls of do_read up to event 31, all inside hub_run");
    }

    #[test]
    fn what_the_hub_does_while_main_waits_is_not_inside_mains_call() {
        startup().check("inside hub_run apply", Contradicted, "hub_run entered at event 12 on hub, not inside apply");
    }

    #[test]
    fn one_call_elsewhere_contradicts_a_lane() {
        startup().check("lane run_task = worker-*", Holds, "run_task entered at event 15 on worker-1, on worker-*");
        let moved = startup().enter(1, 7, 0, "run_task");
        moved.check("lane run_task = worker-*", Contradicted, "run_task entered at event 29 on main, not on worker-*");
    }

    #[test]
    fn never_is_put_to_the_test_by_the_first_call_only() {
        startup().check_at(20, "never do_read on worker-*", NotRun, "do_read has not run");
        startup().check("never do_read on worker-*", Holds, "2 calls of do_read up to event 25, all not on worker-*");
        startup().check("never do_read on hub", Contradicted, "do_read entered at event 21 on hub");
    }

    #[test]
    fn a_count_is_open_below_and_contradicted_above() {
        startup().check("count do_read = 3", NotRun, "2 calls of do_read, the last at event 25");
        startup().check("count do_read = 2", Holds, "2 calls of do_read, the last at event 25");
        startup().check("count do_read = 1", Contradicted, "2 calls of do_read, the last at event 25");
        startup().check("count stop = 0", Holds, "stop has not run");
    }

    #[test]
    fn a_span_entered_twice_is_one_call() {
        let mut again = startup();
        again.push(2, Kind::Exit { span: SpanId(3) });
        again.push(2, Kind::Enter { span: SpanId(3) });
        again.check("count hub_run = 1", Holds, "1 call of hub_run, the last at event 12");
    }

    #[test]
    fn a_field_is_compared_with_the_latest_value_before_the_cursor() {
        startup().check("field spawn.semaphore_after = 10", Holds, "spawn has semaphore_after = 10 at event 7");
        startup().check(
            "field spawn.semaphore_before = 10",
            Contradicted,
            "spawn has semaphore_before = 11 at event 6",
        );
        startup().check_at(6, "field spawn.semaphore_after = 10", NotRun, "spawn has no semaphore_after yet");
        startup().check("field stop.timeout = 1", NotRun, "stop has not run");
        let changed = startup().enter(2, 7, 3, "do_read").record(2, 7, "accepted", 1).close(2, 7);
        let changed = changed.enter(2, 8, 3, "do_read").record(2, 8, "accepted", 2);
        changed.check("field do_read.accepted = 1", Contradicted, "do_read has accepted = 2 at event 35");
    }

    #[test]
    fn calls_are_looked_at_a_few_at_a_time_and_once_whatever_the_cursor_is() {
        let mut scene = startup();
        for span in 10..40 {
            scene = scene.enter(if span == 35 { 3 } else { 2 }, span, 3, "do_read").close(2, span);
        }
        let steps = [ChainStep { id: "do_read".into(), key: Key { name: "do_read".into(), target: "app".into() } }];
        let (chain, predicate) = (Chain::new(steps.into()), "lane do_read = hub".parse().unwrap());
        let mut checked = Checked::default();
        let mut ask = |cursor: usize, budget: usize| {
            let mut left = budget;
            let found = checked.evaluate(&predicate, (&scene.log, cursor), &chain, &mut left);
            (found.outcome, found.detail, found.left, budget - left)
        };
        let end = scene.log.len();
        let so_far = |count: usize| format!("{count} of 32 calls of do_read so far, all on hub");
        assert_eq!(ask(end, 10), (Holds, so_far(10), 22, 10));
        assert_eq!(ask(end, 0), (Holds, so_far(10), 22, 0));
        assert_eq!(ask(28, 10), (Holds, "2 calls of do_read up to event 25, all on hub".into(), 0, 0));
        let exception = "do_read entered at event 129 on worker-1, not on hub".to_owned();
        assert_eq!(ask(end, 100), (Contradicted, exception.clone(), 0, 18));
        assert_eq!(ask(end, 100), (Contradicted, exception, 0, 0));
        assert_eq!(ask(100, 100).0, Holds, "it has not happened there");
    }

    #[test]
    fn the_deciding_events_are_those_that_the_sentence_names() {
        #[track_caller]
        fn check(predicate: &str, expected: &[usize]) {
            let scene = startup();
            let steps = ["spawn", "hub_run", "do_read", "run_task", "stop"]
                .map(|name| ChainStep { id: name.into(), key: Key { name: name.into(), target: "app".into() } });
            let found = evaluate(&predicate.parse().unwrap(), &scene.log, &Chain::new(steps.into()), scene.log.len());
            assert_eq!(found.events, expected, "{}", found.detail);
            for event in &found.events {
                assert!(found.detail.contains(&format!("event {event}")), "{}", found.detail);
            }
        }
        check("order spawn < hub_run", &[5, 12]);
        check("order hub_run < spawn", &[5, 12]);
        check("order spawn < spawn", &[5]);
        check("order spawn < stop", &[5]);
        check("lane run_task = worker-*", &[15]);
        check("lane do_read = hub", &[25]);
        check("never do_read on hub", &[21]);
        check("count do_read = 1", &[25]);
        check("count stop = 0", &[]);
        check("field spawn.semaphore_after = 10", &[7]);
    }

    #[test]
    fn a_step_that_no_page_has_is_not_run() {
        startup().check("order spawn < jump", NotRun, "no page has the step jump");
    }
}
