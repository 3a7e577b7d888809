//! When calls of our own trace events were on threads: what is read back says the same as what was recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use spanwalk::format::{Excerpt, Format, Which};
use spanwalk::trace::{
    Activity, Callsite, Event, Kind, LaneId, LaneKind, Log, Seq, SpanId, State, Thread, ThreadId, Time, call_stats,
};

use super::programs::log;
use super::{bytes, exported};

/// What a log says of its lanes at a time: of each by name what it does, what is under way in it, and what of that is on a thread.
/// A lane that does nothing at all is left out: when one came to be, and when it was over, is not in trace events.
fn told(state: &State) -> BTreeSet<String> {
    let busy = |lane: &&Arc<spanwalk::trace::Lane>| lane.frames().next().is_some();
    let told = |lane: &Arc<spanwalk::trace::Lane>| {
        let frames = lane.frames().map(|frame| (frame.callsite.name.to_string(), frame.enters, frame.is_entered));
        let frames: Vec<_> = frames.collect();
        format!("{} {:?} on {}: {:?} {frames:?}", lane.name, lane.kind, lane.thread.name, state.activity(lane))
    };
    state.lanes().iter().filter(busy).map(told).collect()
}

/// Every time at which something happens in a log.
fn times(log: &Log) -> BTreeSet<Time> {
    log.events_in(..).map(|event| log.clock().program(event.time)).collect()
}

/// Own times by name.
fn own(log: &Log) -> BTreeSet<(String, Option<u64>)> {
    call_stats(log).iter().map(|call| (call.callsite.name.to_string(), call.own)).collect()
}

fn again(log: &Log) -> (Log, Vec<String>) {
    bytes("polls.json", exported(log, "chrome").as_bytes()).unwrap()
}

#[track_caller]
fn is_alike(log: &Log, again: &Log) {
    for time in times(log) {
        let [was, is] = [log, again].map(|log| told(&log.state_at(log.cursor_at(time))));
        assert_eq!(is, was, "at {time}");
    }
    assert_eq!(own(again), own(log));
}

/// The same with tasks for lanes, and without holds, which take no time in an export. It ends with something that is in one.
fn of_tasks(log: &Log) -> Log {
    let mut made = Log::new();
    for event in log.events_in(..) {
        let kind = match event.kind {
            Kind::LaneOpen { name, .. } => Kind::LaneOpen { name, kind: LaneKind::Task },
            Kind::Hold { .. } | Kind::Release { .. } => continue,
            kind => kind,
        };
        made.push(Event { seq: Seq(made.len() as u64), kind, ..event });
    }
    if let Some(last) = made.event(made.len().saturating_sub(1)) {
        let site = Callsite { name: "end".into(), target: "t".into(), file: None, line: None };
        let kind = Kind::Note { span: None, callsite: Arc::new(site), fields: Vec::new() };
        made.push(Event { seq: Seq(made.len() as u64), kind, ..last });
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tasks_run_and_wait_as_they_did(log in log()) {
        let log = of_tasks(&log);
        let (again, remarks) = again(&log);
        is_alike(&log, &again);
        prop_assert_eq!(remarks, Vec::<String>::new());
    }
}

/// One that is written down: times in ns.
struct Maker {
    log: Log,
}

impl Maker {
    fn push(&mut self, (time, thread, lane): (u64, u32, u32), kind: Kind) {
        let name = ["", "MainThread", "worker"][thread as usize].into();
        let thread = Arc::new(Thread { id: ThreadId(thread), name });
        let seq = Seq(self.log.len() as u64);
        self.log.push(Event { seq, time: Time(time), thread, lane: LaneId(lane), kind });
    }

    fn lane(&mut self, at: (u64, u32, u32), name: &str, kind: LaneKind) {
        self.push(at, Kind::LaneOpen { name: name.into(), kind });
    }

    fn open(&mut self, at: (u64, u32, u32), span: u64, parent: Option<u64>, name: &str) {
        let site = Callsite { name: name.into(), target: "shop".into(), file: Some("a.rs".into()), line: Some(1) };
        let (span, parent) = (SpanId(span), parent.map(SpanId));
        self.push(at, Kind::Open { span, parent, callsite: Arc::new(site), fields: Vec::new() });
        self.enter(at, span.0);
    }

    fn enter(&mut self, at: (u64, u32, u32), span: u64) {
        self.push(at, Kind::Enter { span: SpanId(span) });
    }

    fn exit(&mut self, at: (u64, u32, u32), span: u64) {
        self.push(at, Kind::Exit { span: SpanId(span) });
    }

    fn close(&mut self, at: (u64, u32, u32), span: u64) {
        self.exit(at, span);
        self.push(at, Kind::Close { span: SpanId(span) });
    }
}

/// A hub that takes the main thread inside a call of another lane, and a task that it polls there; then a worker polls that.
fn hub_and_task() -> Log {
    let mut made = Maker { log: Log::new() };
    made.lane((0, 1, 1), "main", LaneKind::Thread);
    made.open((0, 1, 1), 1, None, "run");
    made.open((100, 1, 1), 2, Some(1), "apply");
    made.lane((200, 1, 2), "hub", LaneKind::Thread);
    made.open((200, 1, 2), 3, None, "loop");
    made.lane((300, 1, 3), "conn-1", LaneKind::Task);
    made.open((300, 1, 3), 4, None, "handle");
    made.open((350, 1, 3), 5, Some(4), "read");
    made.exit((400, 1, 3), 5);
    made.exit((450, 1, 3), 4);
    made.exit((500, 1, 2), 3);
    made.close((550, 1, 1), 2);
    made.enter((700, 2, 3), 4);
    made.enter((750, 2, 3), 5);
    let site = Callsite { name: "said".into(), target: "shop".into(), file: None, line: None };
    let said = Kind::Note { span: Some(SpanId(5)), callsite: Arc::new(site), fields: Vec::new() };
    made.push((760, 2, 3), said);
    made.enter((800, 1, 2), 3);
    made.close((900, 2, 3), 5);
    made.exit((950, 2, 3), 4);
    made.enter((1_000, 1, 3), 4);
    // A lane of its own on one thread and then on the other.
    made.lane((1_100, 1, 4), "errand", LaneKind::Thread);
    made.open((1_100, 1, 4), 6, None, "fetch");
    made.close((1_150, 1, 4), 6);
    made.open((1_200, 2, 4), 7, None, "bring");
    made.log
}

#[test]
fn lanes_on_one_thread_and_a_task_on_two_come_back_as_they_were() {
    let log = hub_and_task();
    let (again, remarks) = again(&log);
    is_alike(&log, &again);
    assert_eq!(remarks, Vec::<String>::new());
    assert_eq!(exported(&again, "chrome"), exported(&log, "chrome"));
    let on = |log: &Log| {
        // Where a call was opened is not told.
        let is_told =
            |event: &Event| !matches!(event.kind, Kind::LaneOpen { .. } | Kind::LaneClose | Kind::Open { .. });
        let events = log.events_in(..).filter(is_told);
        events.map(|event| (event.time, event.kind.word(), event.thread)).collect::<Vec<_>>()
    };
    assert_eq!(on(&again), on(&log));
    // Who waits, and for whom, is seen where the thread is given away.
    let state = again.state_at(again.cursor_at(Time(420)));
    let activity = |name: &str| state.activity(state.lane_named(name).unwrap());
    let waiting = |what: &str| Activity::Waiting(what.to_owned());
    assert_eq!(["main", "hub", "conn-1"].map(activity), [waiting("apply"), waiting("loop"), Activity::Running]);
}

#[test]
fn a_call_that_was_polled_before_an_excerpt_waits_in_it() {
    let log = hub_and_task();
    for until in [650, 780, 2_000] {
        let which = Which { from: Some(Time(600)), until: Some(Time(until)), ..Which::default() };
        let mut text = Vec::new();
        Format::named("chrome").unwrap().write(&Excerpt::new(&log, &which).unwrap(), &mut text).unwrap();
        let (again, _) = bytes("part.json", &text).unwrap();
        for time in [620, 720, 820].into_iter().filter(|time| *time < until) {
            let told = |log: &Log| {
                let state = log.state_at(log.cursor_at(Time(time)));
                ["main", "hub", "conn-1"].map(|name| state.activity(state.lane_named(name).unwrap()))
            };
            assert_eq!(told(&again), told(&log), "at {time} until {until}");
        }
    }
}

/// What was cut by the end of an excerpt is not on a thread after that.
#[test]
fn a_poll_that_is_cut_ends_with_its_call() {
    let text = r#"{"otherData":{"exporter":"spanwalk 0"},"traceEvents":[
        {"ph":"M","pid":1,"tid":2,"name":"thread_name","args":{"name":"conn-1","kind":"task"}},
        {"ph":"M","pid":1,"tid":3,"name":"thread_name","args":{"name":"conn-1 polls","polls_of":2}},
        {"ph":"B","pid":1,"tid":2,"ts":1,"name":"handle","args":{"span.id":7}},
        {"ph":"B","pid":1,"tid":3,"ts":2,"name":"handle","args":{"span.id":7,"thread.id":9,"thread":"worker"}},
        {"ph":"E","pid":1,"tid":2,"ts":3},
        {"ph":"B","pid":1,"tid":3,"ts":4,"name":"nobody","args":{"span.id":8,"thread.id":9,"thread":"worker"}}]}"#;
    let (log, _) = bytes("cut-poll.json", text.as_bytes()).unwrap();
    let kinds: Vec<&str> = log.events_in(..).map(|event| event.kind.word()).collect();
    assert_eq!(kinds, ["lane_open", "open", "enter", "exit", "close", "lane_close"]);
    assert_eq!(log.latest().on_thread(ThreadId(9)), None);
}

/// Files of before polls had a thread that is told apart from others.
#[test]
fn polls_on_threads_that_are_not_said_leave_unknown_when_their_lane_ran() {
    let text = exported(&hub_and_task(), "chrome");
    let old: String = text
        .lines()
        .map(|line| [1, 2].iter().fold(line.to_owned(), |line, id| line.replace(&format!(r#","thread.id":{id}"#), "")))
        .map(|line| if line.contains("thread_name") { line.replace(r#","thread":"MainThread""#, "") } else { line })
        .collect();
    assert!(old.contains(r#""args":{"span.id":4,"thread":"MainThread"}"#) && !old.contains("thread.id"), "{old}");
    let (log, remarks) = bytes("old.json", old.as_bytes()).unwrap();
    let kinds: Vec<_> = log.lanes()[..3].iter().map(|lane| (&*lane.name, lane.kind)).collect();
    let expected = [("main", LaneKind::Thread), ("hub", LaneKind::Async), ("conn-1", LaneKind::Async)];
    assert_eq!(kinds, expected);
    let said = "9 polls do not say which thread they took: when their lanes ran is not known";
    assert_eq!(remarks, [said]);
    let state = log.state_at(log.cursor_at(Time(420)));
    assert_eq!(state.activity(state.lane_named("conn-1").unwrap()), Activity::Unknown);
    assert_eq!(state.activity(state.lane_named("main").unwrap()), Activity::Running);
}

#[test]
fn what_has_no_polls_is_written_without_their_tracks() {
    let mut made = Maker { log: Log::new() };
    made.lane((0, 1, 1), "main", LaneKind::Thread);
    made.open((0, 1, 1), 1, None, "run");
    made.open((100, 1, 1), 2, Some(1), "apply");
    made.close((200, 1, 1), 2);
    made.close((300, 1, 1), 1);
    let text = exported(&made.log, "chrome");
    assert!(!text.contains("polls"), "{text}");
    let (again, _) = again(&made.log);
    is_alike(&made.log, &again);
    assert_eq!(exported(&again, "jsonl"), exported(&made.log, "jsonl"));
}
