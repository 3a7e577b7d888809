use std::sync::Arc;

use super::*;
use crate::trace::{Event, Field, Kind, LaneId, LaneKind, Seq, Thread, ThreadId, Time, Value};

/// A log of calls, written as `lane call(call call(…)) lane …`; a name may have a field: `call:value`. Each call takes 1 µs and
/// what is inside.
fn log(text: &str) -> Log {
    let mut log = Log::new();
    let (mut now, mut spans) = (0, 0);
    for (number, line) in (1..).zip(text.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let (lane, calls) = line.split_once(": ").unwrap();
        let thread = Arc::new(Thread { id: ThreadId(number), name: lane.into() });
        let mut push = |time, kind| {
            let (thread, lane) = (thread.clone(), LaneId(number));
            log.push(Event { seq: Seq(0), time: Time(time), thread, lane, kind });
        };
        push(now, Kind::LaneOpen { name: lane.into(), kind: LaneKind::Thread });
        let mut open: Vec<SpanId> = Vec::new();
        let close = |push: &mut dyn FnMut(u64, Kind), now: &mut u64, span: SpanId| {
            *now += 1_000;
            push(*now, Kind::Exit { span });
            push(*now, Kind::Close { span });
        };
        let mut is_leaf = false;
        for word in calls.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
            match word {
                "(" => is_leaf = false,
                ")" => {
                    for _ in 0..=usize::from(is_leaf) {
                        close(&mut push, &mut now, open.pop().unwrap());
                    }
                    is_leaf = false;
                    continue;
                }
                name => {
                    if is_leaf {
                        close(&mut push, &mut now, open.pop().unwrap());
                    }
                    let (name, value) = name.split_once(':').map_or((name, None), |(name, value)| (name, Some(value)));
                    let value = value.map(|value| Field { name: "is".into(), value: Value::from(value) });
                    let callsite = Callsite { name: name.into(), target: "app".into(), file: None, line: None };
                    spans += 1;
                    let (span, parent) = (SpanId(spans), open.last().copied());
                    push(
                        now,
                        Kind::Open { span, parent, callsite: Arc::new(callsite), fields: value.into_iter().collect() },
                    );
                    push(now, Kind::Enter { span });
                    open.push(span);
                    is_leaf = true;
                }
            }
        }
        while let Some(span) = open.pop() {
            close(&mut push, &mut now, span);
        }
    }
    log
}

/// What differs between two, in words.
#[track_caller]
fn check(a: &str, b: &str, expected: &[&str]) {
    let found = differences(&log(a), &log(b));
    assert_eq!(found, expected);
}

fn differences(a: &Log, b: &Log) -> Vec<String> {
    let compared = Comparison::new(a, b, &Tolerance::default());
    let mut found = Vec::new();
    for (at, node) in compared.nodes().iter().enumerate() {
        for difference in &node.differences {
            let from = node.moved.map(|from| format!(", from {}", compared.path(from))).unwrap_or_default();
            found.push(format!("{} {}{from}", difference.word(), compared.path(at)));
        }
    }
    found.sort();
    found
}

#[test]
fn a_recording_is_the_same_as_itself() {
    check("main: run(start(listen) wait)", "main: run(start(listen) wait)", &[]);
    check("", "", &[]);
}

#[test]
fn calls_come_and_go() {
    check("main: run(start)", "main: run(start wait)", &["added main: run > wait"]);
    check(
        "main: run(start(listen) wait)",
        "main: run(wait)",
        &["removed main: run > start", "removed main: run > start > listen"],
    );
}

#[test]
fn a_call_with_another_parent_or_lane_has_moved_and_takes_along_what_is_in_it() {
    check(
        "main: run(apply(spawn))\nworker-1: loop(lookup(resolve))",
        "main: run(apply(lookup(resolve)))",
        &[
            "moved main: run > apply > lookup, from worker-*: loop > lookup",
            "removed main: run > apply > spawn",
            "removed worker-*: loop",
        ],
    );
}

#[test]
fn of_what_moved_along_only_what_is_different_is_said() {
    check(
        "main: run(a(b c))\nhub: run",
        "main: run\nhub: run(a(b d))",
        &["added hub: run > a > d", "moved hub: run > a, from main: run > a", "removed main: run > a > c"],
    );
}

#[test]
fn neighbours_in_another_order_are_reordered_if_there_is_an_order() {
    check("main: run(a b c)", "main: run(b c a)", &["reordered main: run > a"]);
    check("main: run(a b) run(a b)", "main: run(b a) run(b a)", &[]);
}

#[test]
fn lanes_of_a_kind_are_one_and_their_calls_are_counted() {
    check("conn-1: serve\nconn-2: serve", "conn-7: serve\nconn-9: serve", &[]);
    check("conn-1: serve", "conn-1: serve\nconn-2: serve", &["count conn-*: serve"]);
}

#[test]
fn fields_are_compared_by_their_values() {
    check("main: run(listen:5000)", "main: run(listen:80)", &["fields main: run > listen"]);
    check("main: run(a:1 a:2)", "main: run(a:2 a:1)", &[]);
}

#[test]
fn times_differ_only_beyond_what_is_taken_as_the_same() {
    let many = format!("main: run({})", "a ".repeat(3_000));
    let (a, b) = (log("main: run(a)"), log(&many));
    assert_eq!(differences(&a, &b), ["count main: run > a", "time main: run", "time main: run > a"]);
    let wide = Tolerance { ns: 10_000_000, ..Tolerance::default() };
    assert_eq!(Comparison::new(&a, &b, &wide).counts().keys().collect::<Vec<_>>(), [&Difference::Count]);
}

#[test]
fn a_longest_part_that_rises_is_found() {
    let kept = |list: &[usize]| longest_rising(list).into_iter().map(|at| list[at]).collect::<Vec<_>>();
    assert_eq!(kept(&[]), Vec::<usize>::new());
    assert_eq!(kept(&[1, 2, 0]), [1, 2]);
    assert_eq!(kept(&[3, 0, 4, 1, 5, 2, 6]), [0, 1, 2, 6]);
    assert_eq!(kept(&[2, 1, 0]).len(), 1);
}

#[test]
fn a_call_has_its_counterpart_in_another_recording() {
    let a = log("main: run(start(listen) get get get)\nhub: poll");
    let b = log("hub: poll\nmain: run(get start get)");
    let both = Counterpart::new(&a, &b);
    let named = |log: &Log, name: &str, number: usize| {
        log.spans().filter(|span| &*span.callsite.name == name).nth(number).unwrap().id
    };
    let check = |name: &str, number: usize, expected: (&str, usize, bool)| {
        let span = named(&a, name, number);
        let found = both.of((&a, &b), span, false).unwrap();
        assert_eq!((found.span, found.is_same), (named(&b, expected.0, expected.1), expected.2), "{name} {number}");
        // The call there has just begun.
        assert_eq!(b.event(found.cursor - 1).unwrap().kind, Kind::Enter { span: found.span });
    };
    check("start", 0, ("start", 0, true));
    check("poll", 0, ("poll", 0, true));
    check("get", 1, ("get", 1, true));
    // There are two only.
    check("get", 2, ("get", 1, false));
    // Not made there: where the call around it is.
    check("listen", 0, ("start", 0, false));
    let over = both.of((&a, &b), named(&a, "get", 0), true).unwrap();
    assert_eq!(b.event(over.cursor - 1).unwrap().kind, Kind::Close { span: over.span });
    let alone = log("other: work");
    assert_eq!(Counterpart::new(&alone, &b).of((&alone, &b), named(&alone, "work", 0), false), None);
}

#[test]
fn in_a_lane_that_the_other_lacks_it_is_at_the_last_common_call() {
    let (a, b) = (log("main: run(start(listen))\nworker-1: loop(work)"), log("main: run(start(listen) wait)"));
    let both = Counterpart::new(&a, &b);
    let work = a.spans().find(|span| &*span.callsite.name == "work").unwrap();
    assert_eq!(both.of((&a, &b), work.id, false), None);
    let found = both.last_common((&a, &b), work.open.0.0 as usize + 2).unwrap();
    let listen = b.spans().find(|span| &*span.callsite.name == "listen").unwrap();
    // It is over there as it is here.
    assert_eq!(found.span, listen.id);
    assert_eq!(b.event(found.cursor - 1).unwrap().kind, Kind::Close { span: listen.id });
    assert_eq!(both.last_common((&a, &b), 0), None);
}

#[test]
fn ids_of_a_run_in_the_names_of_lanes_and_calls_are_no_difference() {
    let [a, b] = ["0x55d0c0f1", "0x7f31aa0e"]
        .map(|id| log(&format!("task {id}: run(poll-{id}(read))\nconn-{}: serve", id.trim_start_matches("0x"))));
    assert_eq!(differences(&a, &b), Vec::<String>::new());
    let compared = Comparison::new(&a, &b, &Tolerance::default());
    let paths: Vec<String> = (0..compared.nodes().len()).map(|at| compared.path(at)).collect();
    assert!(paths.contains(&"task *: run > poll-* > read".to_owned()), "{paths:?}");
    // Other numbers are.
    check("main: step1", "main: step2", &["added main: step2", "removed main: step1"]);
    let pairs = side_by_side(&a.state_at(7), &b.state_at(7));
    assert_eq!(pairs.len(), 1);
    assert!(pairs[0].frames.iter().all(|frame| frame.iter().all(Option::is_some)), "{pairs:?}");
}

#[test]
fn stacks_stand_side_by_side_with_what_both_call_in_one_row() {
    let (a, b) = (log("main: run(start(apply(get)))\nworker-1: run"), log("main: run(start(lookup(apply)))\nhub: run"));
    // Before anything ends, which is what each log begins with.
    let begun = |log: &Log| log.events_in(..).position(|event| matches!(event.kind, Kind::Exit { .. })).unwrap();
    let pairs = side_by_side(&a.state_at(begun(&a)), &b.state_at(begun(&b)));
    let names: Vec<[String; 2]> = pairs[0]
        .frames
        .iter()
        .map(|row| {
            [0, 1].map(|side| row[side].as_ref().map_or_else(String::new, |call| call.callsite.name.to_string()))
        })
        .collect();
    assert_eq!(names, [["get", ""], ["apply", "apply"], ["", "lookup"], ["start", "start"], ["run", "run"]]);
    let pairs = side_by_side(a.latest(), b.latest());
    let lanes: Vec<[String; 2]> = pairs
        .iter()
        .map(|pair| [0, 1].map(|side| pair.lanes[side].as_ref().map_or_else(String::new, |lane| lane.name.to_string())))
        .collect();
    assert_eq!(lanes, [["main", "main"], ["worker-1", ""], ["", "hub"]]);
}

/// The calls of a pair by name.
fn rows(pair: &LanePair) -> Vec<[String; 2]> {
    let name =
        |call: &Option<PairedCall>| call.as_ref().map_or_else(String::new, |call| call.callsite.name.to_string());
    pair.frames.iter().map(|row| [name(&row[0]), name(&row[1])]).collect()
}

#[test]
fn of_two_moments_of_one_recording_a_call_elsewhere_is_another_and_one_in_its_place_is_not() {
    let log = log("main: run(start(get) wait(get) wait(read))\nhub: run");
    // Behind the enter of the call so and so, from 1.
    let inside = |span: u64| {
        let at = log.events_in(..).position(|event| event.kind == Kind::Enter { span: SpanId(span) });
        log.state_at(at.unwrap() + 1)
    };
    let (first, second, third, last) = (inside(3), inside(5), inside(7), inside(8));
    let pairs = before_and_after(&first, &second);
    assert_eq!(rows(&pairs[0]), [["", "get"], ["", "wait"], ["get", ""], ["start", ""], ["run", "run"]]);
    let pairs = before_and_after(&second, &third);
    assert_eq!(rows(&pairs[0]), [["", "read"], ["get", ""], ["wait", "wait"], ["run", "run"]]);
    let pairs = before_and_after(&first, &last);
    let names = pairs.iter().map(|pair| pair.lanes.each_ref().map(|lane| lane.as_ref().map(|lane| &*lane.name)));
    assert_eq!(names.collect::<Vec<_>>(), [[Some("main"), Some("main")], [None, Some("hub")]]);
}

/// A call of each of many names, in lanes that are of no kind.
fn crowd(letter: char) -> String {
    let name = |number: usize| number.to_string().bytes().map(|digit| char::from(digit + 49)).collect::<String>();
    (0..4_000).map(|number| format!("{letter}{}: serve(f)\n", name(number))).collect()
}

#[test]
fn thousands_of_calls_that_moved_are_found_without_comparing_each_with_each() {
    let (a, b) = (log(&crowd('x')), log(&crowd('y')));
    let counts = Comparison::new(&a, &b, &Tolerance::default()).counts();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(Difference::Moved, 4_000)]);
}

#[test]
fn stacks_of_any_depth_are_laid_side_by_side() {
    let deep = |middle: &str| {
        let mut log = Log::new();
        let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
        let mut push =
            |kind| log.push(Event { seq: Seq(0), time: Time(0), thread: thread.clone(), lane: LaneId(1), kind });
        push(Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
        for (span, name) in (1..).zip(["run"].into_iter().chain(vec![middle; 20_000]).chain(["poll"])) {
            let (parent, span) = (Some(SpanId(span - 1)).filter(|_| span > 1), SpanId(span));
            let callsite = Arc::new(Callsite { name: name.into(), target: "app".into(), file: None, line: None });
            push(Kind::Open { span, parent, callsite, fields: Vec::new() });
            push(Kind::Enter { span });
        }
        log
    };
    let pairs = side_by_side(deep("fib").latest(), deep("fac").latest());
    let [LanePair { frames, .. }] = &*pairs else { panic!("one lane") };
    let in_both = |frame: &[Option<PairedCall>; 2]| frame.iter().all(Option::is_some);
    assert_eq!((frames.len(), frames.iter().filter(|frame| in_both(frame)).count()), (40_002, 2));
    assert!(in_both(&frames[0]) && in_both(&frames[40_001]));
}
