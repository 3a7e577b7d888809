//! What a long recording is asked, held to answers that are slow and obvious.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod programs;

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use spanwalk::trace::{
    CallStats, Callsite, Candidate, CriticalPath, Doing, Event, Field, Finder, How, Kind, LaneId, LaneKind, Log, Query,
    Seq, SpanId, Stage, Tally, Thread, ThreadId, Time, Turns, Value, Window, call_stats,
};

fn program(log: &Log, raw: Time) -> Time {
    log.clock().program(raw)
}

/// Every span that matches, by looking at each with all that was ever said of it.
fn found_slowly(log: &Log, query: &Query) -> Vec<SpanId> {
    let end = log.time_at(log.len());
    let mut own: HashMap<SpanId, u64> = HashMap::new();
    let mut turns = Turns::default();
    let mut ended: Vec<_> = log.events_in(..).filter_map(|event| turns.feed(&event)).collect();
    ended.extend(turns.under_way(end));
    for turn in ended.into_iter().filter(|turn| !turn.is_blocked) {
        *own.entry(turn.span).or_default() += program(log, turn.to).since(program(log, turn.from));
    }
    let mut spans: Vec<_> = log.spans().collect();
    spans.sort_by_key(|span| span.open.0);
    let is_match = |span: &spanwalk::trace::SpanRecord| {
        let fields: Vec<Field> = log
            .events_in(..)
            .flat_map(|event| match event.kind {
                Kind::Open { span: of, fields, .. } | Kind::Record { span: of, fields } if of == span.id => fields,
                _ => Vec::new(),
            })
            .collect();
        let total = program(log, span.close.map_or(end, |close| close.1)).since(program(log, span.open.1));
        query.matches(&Candidate {
            callsite: &span.callsite,
            lane: &log.lane(span.lane).unwrap().name,
            fields: &fields,
            total,
            own: Some(own.get(&span.id).copied().unwrap_or(0)),
            is_open: span.close.is_none(),
        })
    };
    spans.into_iter().filter(is_match).map(|span| span.id).collect()
}

fn found(finder: &Finder) -> Vec<SpanId> {
    (0..finder.len()).map(|number| finder.get(number).unwrap().span).collect()
}

fn queries() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "(run|poll|spawn|start)",
        "lane:lane-[1-5]",
        "dur(<|>)[0-9]{1,2}(0|7)ns",
        "self(<=|>)[0-9]{1,2}ns",
        "field\\.n(<|>)[0-9]{1,4}",
        Just("field.n:".to_owned()),
        Just("open:".to_owned()),
    ];
    proptest::collection::vec(("!?", word).prop_map(|(not, word)| format!("{not}{word}")), 0..4)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_in_slices_over_a_growing_log_finds_what_looking_at_each_span_finds(
        whole in programs::log(),
        query in queries(),
        slice in 1_usize..200,
        grown in 1_usize..50,
    ) {
        let query: Query = query.parse().unwrap();
        let (mut log, mut finder) = (Log::new(), Finder::new(query.clone()));
        for (at, event) in whole.events_in(..).enumerate() {
            log.push(event);
            if at % grown == 0 {
                finder.read(&log, slice);
            }
        }
        while finder.is_behind(&log) {
            finder.read(&log, slice);
        }
        let expected = found_slowly(&log, &query);
        prop_assert_eq!(found(&finder), expected.clone());
        prop_assert_eq!(finder.get(expected.len()), None);
        for at in (0..log.len()).step_by(7) {
            let before = expected.iter().filter(|id| (log.span(**id).unwrap().open.0.0 as usize) < at).count();
            prop_assert_eq!(finder.before(at), before);
        }
    }

    #[test]
    fn a_count_over_everything_says_what_the_log_itself_says(log in programs::log(), slice in 1_usize..200) {
        let (from, to) = (Time(0), program(&log, log.time_at(log.len())));
        let mut tally = Tally::new(Window { from, to });
        while tally.is_behind(&log) {
            tally.read(&log, slice);
        }
        let calls = tally.calls(&log);
        let expected = call_stats(&log);
        prop_assert_eq!(calls.len(), expected.len());
        for call in expected {
            let counted = calls.iter().find(|counted| counted.callsite == call.callsite).unwrap();
            let of = |call: &CallStats| (call.count, call.open, call.total, call.p50, call.p99);
            prop_assert_eq!(of(counted), of(&call), "{}", call.callsite.name);
        }
    }

    #[test]
    fn the_counts_of_two_halves_add_up(log in programs::log(), share in 0_u64..=100) {
        let end = program(&log, log.time_at(log.len()));
        let middle = Time(end.0 * share / 100);
        let count = |from, to| {
            let mut tally = Tally::new(Window { from, to });
            while tally.is_behind(&log) {
                tally.read(&log, 50);
            }
            let mut times: HashMap<Arc<Callsite>, (u64, u64)> = HashMap::new();
            for call in tally.calls(&log) {
                times.insert(call.callsite, (call.own.unwrap_or_default(), call.total));
            }
            times
        };
        let (whole, first, second) = (count(Time(0), end), count(Time(0), middle), count(middle, end));
        for (callsite, times) in whole {
            let part = |half: &HashMap<Arc<Callsite>, (u64, u64)>| half.get(&callsite).copied().unwrap_or_default();
            let sum = (part(&first).0 + part(&second).0, part(&first).1 + part(&second).1);
            prop_assert_eq!(sum, times, "{}", callsite.name);
        }
    }

    #[test]
    fn the_critical_path_fills_its_stretch_without_gaps(
        log in programs::log(),
        lane in 1_u32..6,
        ends in (0_u64..=100, 0_u64..=100),
        slice in 1_usize..200,
    ) {
        let end = log.time_at(log.len());
        let at = |share: u64| Time(end.0 * share / 100);
        let (from, to) = (at(ends.0.min(ends.1)), at(ends.0.max(ends.1)));
        let mut path = CriticalPath::new(&log, Stage { lane: LaneId(lane), from, to });
        while path.is_behind() {
            path.read(&log, slice);
        }
        let mut now = from;
        for part in path.parts().unwrap() {
            prop_assert_eq!(part.from, now);
            prop_assert!(part.to > part.from);
            now = part.to;
        }
        prop_assert_eq!(now, to);
    }
}

/// A log by hand: thread, lane and time of each event are said.
struct Hand(Log);

impl Hand {
    fn say(&mut self, time: u64, thread: u32, lane: u32, kind: Kind) -> &mut Self {
        let thread = Arc::new(Thread { id: ThreadId(thread), name: format!("thread-{thread}").into() });
        self.0.push(Event { seq: Seq(self.0.len() as u64), time: Time(time), thread, lane: LaneId(lane), kind });
        self
    }

    fn lane(&mut self, time: u64, thread: u32, lane: u32, name: &str) -> &mut Self {
        self.say(time, thread, lane, Kind::LaneOpen { name: name.into(), kind: LaneKind::Thread })
    }

    fn call(&mut self, time: u64, thread: u32, lane: u32, span: u64, name: &str, blocks: bool) -> &mut Self {
        let callsite = Callsite { name: name.into(), target: "t".into(), file: None, line: None };
        let fields =
            if blocks { vec![Field { name: "blocks".into(), value: Value::from("poll") }] } else { Vec::new() };
        let open = Kind::Open { span: SpanId(span), parent: None, callsite: Arc::new(callsite), fields };
        self.say(time, thread, lane, open).say(time, thread, lane, Kind::Enter { span: SpanId(span) })
    }

    fn end(&mut self, time: u64, thread: u32, lane: u32, span: u64) -> &mut Self {
        self.say(time, thread, lane, Kind::Exit { span: SpanId(span) });
        self.say(time, thread, lane, Kind::Close { span: SpanId(span) })
    }
}

const MAIN: u32 = 1;
const HUB: u32 = 2;
const WORKER: u32 = 3;

/// The start-up in small: main spawns, waits in `get`; the hub polls on the same thread; the worker looks a name up and wakes
/// the loop, which gives main the thread back.
fn start_up() -> Log {
    let mut hand = Hand(Log::new());
    let wake = |to| Kind::Wake { to: LaneId(to), reason: Some("async watcher".into()) };
    let switch = |to| Kind::Switch { to: LaneId(to), reason: Some("AsyncResult.get".into()) };
    hand.lane(0, 1, MAIN, "main")
        .lane(0, 1, HUB, "hub")
        .call(0, 1, MAIN, 1, "start", false)
        .call(10, 1, MAIN, 2, "spawn", false)
        .lane(20, 1, WORKER, "worker-1")
        .end(30, 1, MAIN, 2)
        .call(35, 1, MAIN, 3, "get", false)
        .say(40, 1, MAIN, switch(HUB))
        .call(40, 1, HUB, 4, "run", false)
        .call(45, 1, HUB, 5, "poll", true)
        .call(60, 2, WORKER, 6, "run_task", false)
        .say(160, 2, WORKER, wake(HUB))
        .end(170, 2, WORKER, 6)
        .end(175, 1, HUB, 5)
        .call(180, 1, HUB, 7, "on_async", false)
        .end(190, 1, HUB, 7)
        .say(195, 1, HUB, Kind::Exit { span: SpanId(4) })
        // Said after the fact: main has had the thread since the hub left it.
        .say(196, 1, HUB, switch(MAIN))
        .end(200, 1, MAIN, 3)
        .end(210, 1, MAIN, 1);
    hand.0
}

fn path(log: &Log, lane: u32, from: u64, to: u64) -> Vec<(String, u64, Doing, Option<How>)> {
    let mut path = CriticalPath::new(log, Stage { lane: LaneId(lane), from: Time(from), to: Time(to) });
    while path.is_behind() {
        path.read(log, 3);
    }
    let name = |span: Option<SpanId>| span.and_then(|span| log.span(span)).map(|span| span.callsite.name.to_string());
    let parts = path.parts().unwrap().into_iter();
    parts
        .map(|part| {
            let lane = &log.lane(part.lane).unwrap().name;
            let who = name(part.span).map_or(lane.to_string(), |name| format!("{lane} {name}"));
            (who, part.to.since(part.from), part.doing, part.because.map(|because| because.how))
        })
        .collect()
}

#[test]
fn main_waits_for_the_hub_which_waits_for_the_worker_which_main_had_made() {
    let expected = [
        ("main start", 10, Doing::Works, None),
        ("main spawn", 10, Doing::Works, None),
        ("worker-1", 40, Doing::Starts, Some(How::Made)),
        ("worker-1 run_task", 100, Doing::Works, None),
        ("hub poll", 15, Doing::Starts, Some(How::Woken)),
        ("hub run", 5, Doing::Works, None),
        ("hub on_async", 10, Doing::Works, None),
        ("hub run", 5, Doing::Works, None),
        ("main get", 5, Doing::Works, Some(How::Given)),
        ("main start", 10, Doing::Works, None),
    ];
    let expected = expected.map(|(who, took, doing, how)| (who.to_owned(), took, doing, how));
    assert_eq!(path(&start_up(), MAIN, 0, 210), expected);
}

#[test]
fn a_task_that_is_woken_while_its_loop_polls_has_both_go_on() {
    let mut hand = Hand(Log::new());
    let switch = Kind::Switch { to: LaneId(3), reason: None };
    let wake = Kind::Wake { to: LaneId(3), reason: None };
    hand.lane(0, 1, HUB, "hub")
        .lane(0, 1, 3, "conn-1")
        .lane(0, 2, 4, "worker-1")
        .call(0, 1, HUB, 1, "run", false)
        .call(5, 1, HUB, 2, "poll", true)
        .call(5, 2, 4, 3, "work", false)
        .say(50, 2, 4, wake)
        .end(60, 1, HUB, 2)
        .say(65, 1, HUB, switch)
        .call(65, 1, 3, 4, "handle", false)
        .end(80, 1, 3, 4);
    let expected = [
        ("worker-1", 5, Doing::Waits, None),
        ("worker-1 work", 45, Doing::Works, None),
        ("hub poll", 10, Doing::Starts, Some(How::Woken)),
        ("hub run", 5, Doing::Works, None),
        ("conn-1 handle", 15, Doing::Works, Some(How::Given)),
    ];
    let expected = expected.map(|(who, took, doing, how)| (who.to_owned(), took, doing, how));
    assert_eq!(path(&hand.0, 3, 0, 80), expected);
}

#[test]
fn a_poll_that_nobody_ends_waits_for_the_world() {
    let found = path(&start_up(), HUB, 50, 150);
    assert_eq!(found, [("hub poll".to_owned(), 100, Doing::Waits, None)]);
}

#[test]
fn the_cursor_at_a_time_is_behind_everything_that_is_not_later() {
    let log = start_up();
    for time in 0..220 {
        let expected = log.events_in(..).filter(|event| event.time.0 <= time).count();
        assert_eq!(log.cursor_at(Time(time)), expected, "at {time}");
    }
}
