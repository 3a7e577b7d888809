//! Recordings of other tools, and our own lines, read back into logs.
//!
//! `tests/foreign/` has what `VizTracer` 1.1.1 and tracing-chrome 0.7 wrote of small programs; paths of their libraries are shortened.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "import/polls.rs"]
mod polls;
mod programs;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use programs::log;
use proptest::prelude::*;
use serde_json::Value as Json;
use spanwalk::format::{Excerpt, Foreign, Format, Import};
use spanwalk::trace::{Activity, Cell, LaneId, LaneKind, Log, Lookout, SpanRecord, Time, Timeline, Window, call_stats};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name)
}

/// A file that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-import-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// All of a file, or what is wrong with it.
fn import(path: &Path) -> Result<(Log, Vec<String>), String> {
    let what = Foreign::of_file(path).ok_or("of no known format")?;
    let mut import = Import::open(path, what).map_err(|error| error.to_string())?;
    let mut log = Log::new();
    while !import.is_done() {
        // In many short rounds.
        import.read_for(&mut log, Duration::ZERO).map_err(|error| error.to_string())?;
    }
    let (done, all) = import.progress();
    assert_eq!(done, all);
    Ok((log, import.remarks()))
}

fn bytes(name: &str, bytes: &[u8]) -> Result<(Log, Vec<String>), String> {
    import(&Scratch::new(name, bytes).0)
}

fn exported(log: &Log, format: &str) -> String {
    let mut text = Vec::new();
    Format::named(format).unwrap().write(&Excerpt::whole(log), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// What a span is called, when it began and ended, and what is around it.
fn described(log: &Log, span: &SpanRecord) -> (String, u64, Option<u64>, Option<String>) {
    let parent = span.parent.and_then(|parent| log.span(parent)).map(|parent| parent.callsite.name.to_string());
    (span.callsite.name.to_string(), span.open.1.0, span.close.map(|close| close.1.0), parent)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_comes_back_from_its_own_lines(log in log()) {
        let lines = exported(&log, "jsonl");
        let (again, remarks) = bytes("lines.jsonl", lines.as_bytes()).unwrap_or_default();
        prop_assert_eq!(remarks, Vec::<String>::new());
        prop_assert_eq!(exported(&again, "jsonl"), lines);
        for format in ["text", "csv", "folded"] {
            prop_assert_eq!(exported(&again, format), exported(&log, format));
        }
    }

    #[test]
    fn spans_come_back_from_trace_events(log in log()) {
        let (again, _) = bytes("round.json", exported(&log, "chrome").as_bytes()).unwrap_or_default();
        prop_assert_eq!(spans(&again), spans(&log));
    }

    #[test]
    fn anything_is_an_answer_or_an_error(parts in prop::collection::vec(part(), 0..40)) {
        let text = format!("[{}", parts.concat());
        let _ = bytes("anything.json", text.as_bytes());
    }

    #[test]
    fn one_spoilt_byte_is_an_answer_or_an_error(at in 0_usize..5_000, byte in any::<u8>()) {
        for name in ["tracing-chrome-async.json", "tracing-chrome-threaded.json", "viztracer.json"] {
            let mut text = std::fs::read(fixture(name)).unwrap();
            let at = at % text.len();
            text[at] = byte;
            let _ = bytes("spoilt.json", &text);
        }
    }
}

/// Every span with its lane, its source, its program times, the number of the one around it, and the latest of its fields.
fn spans(log: &Log) -> Vec<String> {
    let numbers: HashMap<_, _> = log.spans().enumerate().map(|(number, span)| (span.id, number)).collect();
    let described = |span: SpanRecord| {
        let lane = log.lane(span.lane).map(|lane| (lane.name.to_string(), lane.kind));
        let time = |time| log.clock().program(time);
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        for field in log.fields(span.id, log.len()) {
            fields.insert(field.name.to_string(), field.value.to_string());
        }
        let parent = span.parent.map(|parent| numbers.get(&parent));
        let close = span.close.map(|close| time(close.1));
        format!("{:?} in {lane:?} {} {close:?} {parent:?} {fields:?}", span.callsite, time(span.open.1))
    };
    log.spans().map(described).collect()
}

/// A piece of JSON, of trace events mostly.
fn part() -> impl Strategy<Value = String> {
    let event = ("[XBEbeniItsfMC]", -5_i64..5, 0..3_u8, 0..2_u8).prop_map(|(phase, time, duration, thread)| {
        format!(r#"{{"ph":"{phase}","ts":{time}.5,"dur":{duration},"pid":1,"tid":{thread},"id":{thread},"name":"n{duration}"}},"#)
    });
    prop_oneof![
        20 => event,
        1 => "[\\[\\]{}:,\"0-9a-z. -]{0,6}",
        1 => Just("{\"ph\":\"X\",\"ts\":1e400},".to_owned()),
        1 => Just("{\"ph\":\"X\",\"ts\":9223372036854775,\"dur\":9223372036854775,\"tid\":1},".to_owned()),
        1 => Just("{\"ph\":\"X\",\"ts\":-9223372036854775,\"dur\":1,\"tid\":1},".to_owned()),
    ]
}

/// Every whole event of a file and the call around it: the shortest of its thread that has it inside.
#[test]
fn functions_of_viztracer_are_inside_of_who_called_them() {
    let json: Json = serde_json::from_slice(&std::fs::read(fixture("viztracer.json")).unwrap()).unwrap();
    let ns = |event: &Json, key: &str| (event[key].as_f64().unwrap() * 1e3).round() as i64;
    let events: Vec<&Json> =
        json["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    let base = events.iter().map(|event| ns(event, "ts")).min().unwrap();
    let function = |event: &Json| event["name"].as_str().unwrap().rsplit_once(" (").unwrap().0.to_owned();
    let mut expected: Vec<_> = events
        .iter()
        .map(|event| {
            let (begin, length) = (ns(event, "ts"), ns(event, "dur"));
            let is_around = |other: &&&Json| {
                let (around, long) = (ns(other, "ts"), ns(other, "dur"));
                other["tid"] == event["tid"] && around <= begin && begin + length <= around + long && long > length
            };
            let around = events.iter().filter(is_around).min_by_key(|other| ns(other, "dur"));
            let times = ((begin - base) as u64, Some((begin + length - base) as u64));
            (function(event), times.0, times.1, around.map(|around| function(around)))
        })
        .collect();
    let (log, remarks) = import(&fixture("viztracer.json")).unwrap();
    let mut found: Vec<_> = log.spans().map(|span| described(&log, &span)).collect();
    expected.sort();
    found.sort();
    // Times that large are not exact as floats.
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((&found.0, &found.3), (&expected.0, &expected.3));
        assert!(found.1.abs_diff(expected.1) <= 8 && found.2.unwrap().abs_diff(expected.2.unwrap()) <= 8);
    }
    assert_eq!(remarks, Vec::<String>::new());
    let names: Vec<&str> = log.lanes().iter().map(|lane| &*lane.name).collect();
    assert_eq!(names, ["MainThread", "Thread-1 (fib)"]);
    let fib = log.spans().find(|span| &*span.callsite.name == "fib").unwrap();
    assert_eq!((fib.callsite.file.as_deref(), fib.callsite.line), (Some("example.py"), Some(4)));
    let fields: HashMap<String, String> =
        log.fields(fib.id, log.len()).iter().map(|field| (field.name.to_string(), field.value.to_string())).collect();
    assert_eq!(fields["func_args"], r#"{"n": "4"}"#);
}

#[test]
fn async_spans_have_a_lane_for_each_id_and_nest_there() {
    let (log, remarks) = import(&fixture("tracing-chrome-async.json")).unwrap();
    let found: Vec<String> = log
        .spans()
        .map(|span| {
            let (name, _, end, parent) = described(&log, &span);
            assert!(end.is_some());
            let lane = log.lane(span.lane).unwrap();
            assert_eq!(lane.kind, LaneKind::Async);
            // Calls with others in them and calls without are on a thread for no time.
            assert!(log.stretches(span.id).all(|(begin, end)| end == Some(begin)), "{name}");
            format!("{}: {name} in {}", lane.name, parent.unwrap_or_default())
        })
        .collect();
    let expected = [
        "render 1: render in ",
        "render 1: parse in render",
        "request 2251799813685249: request in ",
        "request 2251799813685249: query in request",
        "request 3: request in ",
        "request 3: query in request",
        "request 3: query in request",
        "request 2251799813685249: query in request",
    ];
    assert_eq!(found, expected);
    assert_eq!(remarks, ["when async spans were on a thread is not in the file"]);
    let request = log.spans().find(|span| &*span.callsite.name == "request").unwrap();
    assert_eq!((request.callsite.file.as_deref(), request.callsite.line), (Some("src/main.rs"), Some(4)));
    // Lanes of async spans end; the thread may go on.
    assert_eq!(log.lanes().iter().filter(|lane| lane.close.is_none()).count(), 1);
}

/// What the file does not say no command says either.
#[test]
fn whether_async_spans_run_or_wait_is_not_known() {
    let (log, _) = import(&fixture("tracing-chrome-async.json")).unwrap();
    let is_async = |lane: LaneId| log.lane(lane).unwrap().kind == LaneKind::Async;
    let mut unknown = 0;
    for cursor in 0..=log.len() {
        let state = log.state_at(cursor);
        for lane in state.lanes().iter().filter(|lane| is_async(lane.id)) {
            let activity = state.activity(lane);
            assert!(!matches!(activity, Activity::Running | Activity::Waiting(_)), "{activity:?} at {cursor}");
            unknown += usize::from(activity == Activity::Unknown);
        }
    }
    assert!(unknown > 0);
    assert!(call_stats(&log).iter().all(|call| call.own.is_none()));
    let window = Window { from: Time(0), to: log.clock().program(log.time_at(log.len())) };
    let lanes = log.lanes().iter().map(|lane| lane.id);
    let timeline = Timeline::new(&log, &Lookout::default().landmarks(), log.len(), window, 80, lanes);
    let cells = timeline.rows.iter().flat_map(|row| &row.bars).flat_map(|bar| &bar.cells);
    assert!(cells.clone().count() > 0 && cells.clone().all(|cell| *cell == Cell::Unknown));

    // `self_ns` and `enters` are empty.
    let csv = exported(&log, "csv");
    let row = csv.lines().find(|line| line.contains(",query,")).unwrap();
    let cells: Vec<&str> = row.split(',').collect();
    assert_eq!(cells[11..13], ["", ""], "{row}");
    assert!(exported(&log, "jsonl").contains(r#""fields":{"kind":"async"}"#));
    assert!(!exported(&log, "chrome").contains("polls_of"));
    let path = fixture("tracing-chrome-async.json");
    let (_, out, _) = spanwalk(&["info", path.to_str().unwrap()]);
    assert!(out.lines().any(|line| line.trim_start().starts_with("unknown ") && line.contains("query")), "{out}");
    let (_, out, _) = spanwalk(&["info", path.to_str().unwrap(), "--json"]);
    let info: Json = serde_json::from_str(&out).unwrap();
    assert!(info["calls"].as_array().unwrap().iter().all(|call| call["self_ns"].is_null()), "{out}");
}

#[test]
fn what_was_unknown_comes_back_so_from_our_own_formats() {
    let (log, _) = import(&fixture("tracing-chrome-async.json")).unwrap();
    let lines = exported(&log, "jsonl");
    let (again, _) = bytes("again.jsonl", lines.as_bytes()).unwrap();
    assert_eq!(exported(&again, "jsonl"), lines);
    let (again, remarks) = bytes("again.json", exported(&log, "chrome").as_bytes()).unwrap();
    assert_eq!(spans(&again), spans(&log));
    assert_eq!(remarks, ["when async spans were on a thread is not in the file"]);
}

#[test]
fn begins_and_ends_of_a_thread_are_its_stack() {
    let (log, remarks) = import(&fixture("tracing-chrome-threaded.json")).unwrap();
    let text = std::fs::read_to_string(fixture("tracing-chrome-threaded.json")).unwrap();
    assert_eq!(log.span_count(), text.matches(r#""ph":"B""#).count());
    assert_eq!(remarks, Vec::<String>::new());
    let mut parents: Vec<(String, String)> = log
        .spans()
        .map(|span| described(&log, &span))
        .map(|(name, _, _, parent)| (name, parent.unwrap_or_default()))
        .collect();
    parents.dedup();
    let expected = [("render", ""), ("parse", "render"), ("request", ""), ("query", "request")];
    let is_expected = |pair: &(String, String)| expected.contains(&(&pair.0, &pair.1));
    assert!(parents.iter().all(is_expected), "{parents:?}");
}

#[test]
fn what_names_a_process_or_counts_is_no_line_of_execution() {
    let text = r#"[{"ph":"M","name":"process_name","pid":2,"args":{"name":"idle"}},
        {"ph":"C","name":"memory","pid":3,"tid":9,"ts":0,"args":{"bytes":1}},
        {"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":5}},
        {"ph":"X","ts":1,"dur":1,"pid":1,"tid":1,"name":"a"}]"#;
    let (log, _) = bytes("named.json", text.as_bytes()).unwrap();
    let names: Vec<String> = log.lanes().iter().map(|lane| lane.name.to_string()).collect();
    assert_eq!(names, ["5"]);
}

#[test]
fn an_end_without_a_name_is_of_the_last_call_whatever_that_is_called() {
    let text =
        r#"[{"ph":"B","ts":1,"name":"","tid":1},{"ph":"B","ts":2,"name":"x","tid":1},{"ph":"E","ts":3,"tid":1}]"#;
    let (log, _) = bytes("nameless.json", text.as_bytes()).unwrap();
    let open: Vec<String> =
        log.spans().filter(|span| span.close.is_none()).map(|span| span.callsite.name.to_string()).collect();
    assert_eq!(open, [""]);
}

#[test]
fn a_call_at_the_last_of_all_times_ends_behind_its_begin() {
    for event in [
        r#"{"ph":"B","ts":9223372036854775.807,"name":"a","tid":1},{"ph":"E","ts":9223372036854775.807,"name":"a","tid":1}"#,
        r#"{"ph":"X","ts":9223372036854775.807,"dur":5,"name":"a","tid":1}"#,
    ] {
        let (log, _) = bytes("late.json", format!("[{event}]").as_bytes()).unwrap();
        let closed: Vec<bool> = log.spans().map(|span| span.close.is_some()).collect();
        assert_eq!(closed, [true], "{event}");
    }
}

#[test]
fn a_file_may_be_cut_off_anywhere() {
    for name in ["tracing-chrome-async.json", "tracing-chrome-threaded.json", "viztracer.json"] {
        let text = std::fs::read(fixture(name)).unwrap();
        let all = import(&fixture(name)).unwrap().0.span_count();
        let begin = text.iter().position(|letter| *letter == b'[').unwrap() + 1;
        let mut before = 0;
        for end in (begin..text.len()).step_by(7) {
            let (log, _) = bytes("cut.json", &text[..end]).unwrap();
            let spans = log.span_count();
            assert!(before <= spans && spans <= all, "{name} cut at {end}: {spans} after {before}");
            before = spans;
        }
        assert_eq!(before, all, "{name}");
    }
}

#[test]
fn what_begins_twice_ends_in_its_own_order_and_what_does_not_end_is_open() {
    let text = r#"{"otherData":{"a":[1,{}]},"traceEvents":[
        {"ph":"B","ts":1,"name":"a","pid":1,"tid":1},{"ph":"B","ts":2,"name":"b","pid":1,"tid":1},
        {"ph":"E","ts":3,"name":"a","pid":1,"tid":1},{"ph":"E","ts":4,"pid":1,"tid":1},{"ph":"E","ts":5,"pid":1,"tid":1},
        {"ph":"X","ts":6,"name":"c","pid":1,"tid":1},{"ph":"X","ts":7,"dur":0,"name":"d","pid":1,"tid":1,"args":{"n":-1,"x":1.5,"t":true,"s":"\u00e9"}},
        {"ph":"i","ts":8,"name":"said","pid":1,"tid":1,"s":"t"},{"ph":"C","ts":8,"name":"count","pid":1,"args":{"n":1}},
        {"ph":"s","ts":8,"id":1,"name":"go","pid":1,"tid":1},{"ph":"f","ts":9,"id":1,"name":"go","pid":1,"tid":2,"bp":"e"},
    {} ]}"#;
    let (log, remarks) = bytes("small.json", text.as_bytes()).unwrap();
    let found: Vec<_> = log.spans().map(|span| described(&log, &span)).collect();
    let expected = [
        ("a", 0, Some(2_000), None),
        ("b", 1_000, Some(3_000), Some("a")),
        ("c", 5_000, None, None),
        ("d", 6_000, Some(6_000), Some("c")),
    ];
    let mut expected: Vec<_> = expected
        .into_iter()
        .map(|(name, begin, end, parent)| (name.to_owned(), begin, end, parent.map(str::to_owned)))
        .collect();
    // `b` outlives `a`: it is not called inside it for all of its time.
    expected[1].3 = None;
    assert_eq!(found, expected);
    let text = exported(&log, "text");
    assert!(text.contains("n=-1 x=1.5 t=true s=é"), "{text}");
    assert_eq!(remarks, ["1 ends without a beginning are left out", "1 counters are left out"]);
    let said: Vec<String> =
        exported(&log, "jsonl").lines().filter(|line| line.contains("said")).map(str::to_owned).collect();
    assert!(said.len() == 1 && said[0].contains(r#""kind":"note""#), "{said:?}");
    assert!(exported(&log, "mermaid").contains("l1-)l2: wake: go"));
}

/// Thousands of calls that overlap without nesting are told apart about as fast as others.
#[test]
fn ends_in_the_order_of_begins_do_not_take_longer_with_each() {
    const CALLS: usize = 20_000;
    let wholes = (0..CALLS).map(|at| format!(r#"{{"ph":"X","ts":{at},"dur":{CALLS},"name":"n"}},"#));
    let begins = (0..CALLS).map(|at| format!(r#"{{"ph":"B","ts":{at},"tid":1,"name":"n{at}"}},"#));
    let ends = (0..CALLS).map(|at| format!(r#"{{"ph":"E","ts":{},"tid":1,"name":"n{at}"}},"#, CALLS + at));
    for text in [wholes.collect::<String>(), begins.chain(ends).collect()] {
        let (log, _) = bytes("overlap.json", format!("[{text}").as_bytes()).unwrap();
        let took = |span: SpanRecord| span.close.unwrap().1.since(span.open.1);
        assert_eq!(log.span_count(), CALLS);
        assert!(log.spans().all(|span| span.parent.is_none() && took(span) == 1_000 * CALLS as u64));
    }
}

#[test]
fn an_error_names_the_place() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = bytes("wrong.json", text.as_bytes()).unwrap_err();
        assert!(error.ends_with(expected) && error.lines().count() == 1, "{error}");
    }
    check(r#"{"a":1}"#, "an object with `traceEvents` was expected at byte 7");
    check(r#"[{"ph":"X"},"#, "an event with a time `ts` was expected at byte 1");
    check(r#"[{"ph":"X","ts":"soon"},"#, "a time `ts` in microseconds was expected at byte 1");
    check(r#"[{"ph":"B","ts":1} {"#, "`,` or `]` was expected at byte 19");
    check(r#"[1]"#, "an event was expected at byte 1");
    check("{\"seq\":0}\n{}\n", "a line of an event was expected at byte 0");
    check("hello", "of no known format");
}

fn spanwalk(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_spanwalk")).args(args).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn every_command_takes_them() {
    let path = fixture("viztracer.json");
    let path = path.to_str().unwrap();
    let (code, out, err) = spanwalk(&["info", path, "--json"]);
    let info: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &*err, &info["format"]), (0, "", &Json::from("Chrome trace JSON")));
    let (code, out, _) = spanwalk(&["export", path, "--to", "folded"]);
    assert!(code == 0 && out.contains("MainThread;<module>;work;fib;fib "), "{out}");
    let (code, out, _) = spanwalk(&["diff", path, path, "--fail-on", "any"]);
    assert!(code == 0 && out.contains("paths are the same"), "{out}");
    let (code, out, _) = spanwalk(&["open", path, "--plain"]);
    assert!(code == 0 && !out.is_empty(), "{out}");
    // Nothing of the lessons ran.
    assert_eq!(spanwalk(&["check", path]).0, 1);
    let wrong = Scratch::new("wrong-args.json", b"[{\"ph\":\"X\"},");
    let (code, out, err) = spanwalk(&["info", wrong.0.to_str().unwrap()]);
    assert!(code == 1 && out.is_empty() && err.lines().count() == 1 && err.contains("at byte 1"), "{err}");
}

#[test]
fn names_with_control_characters_do_not_reach_the_terminal() {
    let text =
        "[{\"ph\":\"B\",\"ts\":1,\"pid\":1,\"tid\":1,\"name\":\"a\\u001b[2Jb\\nc\",\"args\":{\"x\\ny\":\"1\\n2\"}}]";
    let wild = Scratch::new("wild.json", text.as_bytes());
    let (wild, tame) = (wild.0.to_str().unwrap(), fixture("viztracer.json"));
    for args in [&["info", wild][..], &["export", wild, "--to", "text"], &["diff", tame.to_str().unwrap(), wild]] {
        let (code, out, _) = spanwalk(args);
        assert!(code == 0 && out.contains("a·[2Jb·c") && !out.contains('\u{1b}'), "{out}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_as_a_file_is() {
    let program = env!("CARGO_BIN_EXE_spanwalk");
    let of_pipe = |text: &str| {
        let mut child = Command::new(program);
        child.args(["info", "/dev/stdin"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    };
    let text = std::fs::read_to_string(fixture("viztracer.json")).unwrap();
    let (code, out, err) = of_pipe(&text);
    assert!(code == Some(0) && out.contains("Chrome trace JSON"), "{out}{err}");
    let (code, _, err) = of_pipe("SPANWALK or anything");
    assert!(code == Some(1) && err.contains("is no file") && err.lines().count() == 1, "{err}");
}
