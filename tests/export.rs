//! Exports, read back by what their consumers publish: all formats of one recording say the same.
//!
//! `tests/export/read.py` reads them with Perfetto's and OpenTelemetry's own messages, the JSON schema of speedscope's package, and
//! Python's readers of JSON and CSV; they are installed under `target/export/`. Where python3 or npm is missing, or the
//! installation fails, a line says so and the test ends; where the environment has `CI=true`, that is a failure.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod programs;
mod recorded;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use collector::Collector;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;
use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::format::{Clock, Excerpt, FORMATS, Span, Which};
use spanwalk::record::Recorder;
use spanwalk::trace::{LaneId, Log, SpanId, Time, Value};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A directory that is empty when the test begins.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("export-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8(output.stdout).unwrap()),
        Ok(output) => Err(format!("`{name}` failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("`{name}` is not here: {error}")),
    }
}

/// What the exports are read with: a python with the packages, and speedscope's schema.
fn installed() -> Result<(PathBuf, PathBuf), String> {
    const SPEEDSCOPE: &str = "speedscope@1.25.0";
    let directory = Path::new(ROOT).join("target/export");
    let wanted = fs::read_to_string(Path::new(ROOT).join("tests/export/requirements.txt")).unwrap() + SPEEDSCOPE;
    let (python, schema) =
        (directory.join("venv/bin/python"), directory.join("package/dist/release/file-format-schema.json"));
    // Written last, so that half an installation is none.
    let done = directory.join("installed-from");
    if fs::read_to_string(&done).is_ok_and(|from| from == wanted) {
        return Ok((python, schema));
    }
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    run(Command::new("python3").args(["-m", "venv"]).arg(directory.join("venv")))?;
    let pip = ["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r"];
    run(Command::new(&python).args(pip).arg(Path::new(ROOT).join("tests/export/requirements.txt")))?;
    let packed = run(Command::new("npm").args(["pack", "--silent", SPEEDSCOPE]).current_dir(&directory))?;
    run(Command::new("tar").arg("xzf").arg(packed.trim()).current_dir(&directory))?;
    fs::write(&done, wanted).unwrap();
    Ok((python, schema))
}

/// What each file of a directory says, by stem and ending. Nothing if there is nothing to read with.
fn read(directory: &Path) -> Option<HashMap<(String, String), Json>> {
    let (python, schema) = match installed() {
        Ok(installed) => installed,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI=true asks for the readers: {why}");
            let _ = writeln!(std::io::stderr(), "\nskipped: reading exports back: {why}");
            return None;
        }
    };
    let script = Path::new(ROOT).join("tests/export/read.py");
    let said = run(Command::new(python).arg(script).arg(schema).arg(directory)).unwrap();
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let reading = |line: &str| {
        let json: Json = serde_json::from_str(line).unwrap();
        ((text(&json["stem"]), text(&json["ending"])), json)
    };
    Some(said.lines().map(reading).collect())
}

fn write_all(excerpt: &Excerpt<'_>, directory: &Path, stem: &str) {
    for format in FORMATS {
        let mut bytes = Vec::new();
        format.write(excerpt, &mut bytes).unwrap();
        fs::write(directory.join(format!("{stem}.{}", format.ending)), bytes).unwrap();
    }
}

/// One value of a strategy, the same in every run.
fn example<T>(strategy: impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// What a program that is recorded for real leaves, with all that is open at its end.
fn recorded(program: &recorded::Program) -> Log {
    let filter = Targets::new().with_target("export", LevelFilter::TRACE);
    let recorder = Recorder::builder().counted_clock().filter(filter).build();
    let mut log = Log::new();
    recorded::run(program, &Dispatch::new(recorder.subscriber()), || {
        recorder.reader().read_into(&mut log, Duration::ZERO);
    });
    log
}

fn open(path: &Path) -> Log {
    let mut log = Log::new();
    Reader::open(path).unwrap().read(&mut log).unwrap();
    log
}

/// A run of the server that clients have asked for something, and one that ends when its loop starts.
fn demo(directory: &Path) -> [Log; 2] {
    use std::io::{BufRead as _, BufReader, Read as _};
    let spanwalk = || Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let [served, started] = ["served", "started"].map(|name| directory.join(name).with_extension("spanwalk"));
    let until = ["demo", "--plain", "--port", "0", "--until", "loop", "--record"];
    run(spanwalk().args(until).arg(&started)).unwrap();
    let mut server =
        spanwalk().args(["serve", "--port", "0", "--record"]).arg(&served).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.strip_prefix("spanwalk: serving ").unwrap().split(' ').next().unwrap();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    for path in ["/", "/nothing", "/socket.io/?EIO=4&transport=polling"] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    run(Command::new("kill").arg(server.id().to_string())).unwrap();
    server.wait().unwrap();
    [open(&served), open(&started)]
}

/// A span as a format says it is.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    name: String,
    lane: String,
    target: String,
    begin: u64,
    /// Nothing if it is left open.
    end: Option<u64>,
    mark: Option<String>,
    parent: Option<u64>,
}

fn text(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

/// The slices that were read from a file, track by track.
fn slices(reading: &Json) -> Vec<&Vec<Json>> {
    reading["spans"].as_array().unwrap().iter().map(|track| track.as_array().unwrap()).collect()
}

/// The spans that were read from a file, by id.
fn told(reading: &Json) -> HashMap<u64, Told> {
    let mut told = HashMap::new();
    for slice in slices(reading).into_iter().flatten() {
        let span = Told {
            name: text(&slice["name"]).unwrap(),
            lane: text(&slice["lane"]).unwrap(),
            target: text(&slice["category"]).unwrap(),
            begin: slice["begin"].as_u64().unwrap(),
            end: slice["end"].as_u64(),
            mark: text(&slice["mark"]),
            parent: slice["parent"].as_u64(),
        };
        let before = told.insert(slice["id"].as_u64().unwrap(), span);
        assert_eq!(before, None, "a span is there twice");
    }
    told
}

fn expected(excerpt: &Excerpt<'_>) -> HashMap<u64, Told> {
    let told = |span: Span| {
        let told = Told {
            name: span.callsite.name.to_string(),
            lane: lane_name(excerpt, span.lane),
            target: span.callsite.target.to_string(),
            begin: span.begin.ns(),
            end: Some(span.end.ns()),
            mark: span.mark().map(str::to_owned),
            parent: span.parent.map(|parent| parent.0),
        };
        (span.id.0, told)
    };
    excerpt.spans().map(told).collect()
}

fn lane_name(excerpt: &Excerpt<'_>, lane: LaneId) -> String {
    excerpt.log().lane(lane).unwrap().name.to_string()
}

/// The spans that nothing keeps from being drawn inside their parent: it is of the same lane, is over later, and no other of its
/// children is in the way.
fn inside(excerpt: &Excerpt<'_>) -> HashSet<u64> {
    let spans: HashMap<SpanId, Span> = excerpt.spans().map(|span| (span.id, span)).collect();
    let over = |span: &Span| span.over.map_or(u64::MAX - u64::from(!span.is_open), |over| over.0);
    let mut children: HashMap<SpanId, Vec<&Span>> = HashMap::new();
    for span in spans.values() {
        children.entry(span.parent.unwrap_or_default()).or_default().push(span);
    }
    let is_inside = |span: &&Span| {
        let Some(parent) = span.parent.map(|parent| &spans[&parent]).filter(|parent| parent.lane == span.lane) else {
            return false;
        };
        let is_beside = |other: &&Span| {
            other.id == span.id || other.lane != span.lane || over(other) < span.at.0 || over(span) < other.at.0
        };
        span.at.0 < over(parent) && over(span) <= over(parent) && children[&parent.id].iter().all(is_beside)
    };
    spans.values().filter(is_inside).map(|span| span.id.0).collect()
}

/// Holds all formats of an excerpt to its spans, and to each other.
#[track_caller]
fn check(excerpt: &Excerpt<'_>, stem: &str, readings: &HashMap<(String, String), Json>) {
    let reading = |ending: &str| &readings[&(stem.to_owned(), ending.to_owned())];
    let expected = expected(excerpt);
    let in_order: Vec<u64> = excerpt.spans().map(|span| span.id.0).collect();
    for ending in ["csv", "otlp.json"] {
        assert_eq!(told(reading(ending)), expected, "{stem}.{ending}");
    }
    let (perfetto, chrome, csv) = (reading("pftrace"), reading("chrome.json"), reading("csv"));
    let rows: Vec<u64> = slices(csv).into_iter().flatten().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(rows, in_order, "{stem}.csv");

    // What draws spans says by which one is around it what it is inside of, and leaves open what is open.
    let drawn: HashMap<u64, Told> = expected
        .iter()
        .map(|(id, span)| {
            let end = span.end.filter(|_| span.mark.as_deref() != Some("open"));
            (*id, Told { end, parent: None, ..span.clone() })
        })
        .collect();
    let inside = inside(excerpt);
    for (reading, ending) in [(perfetto, "pftrace"), (chrome, "chrome.json")] {
        assert_eq!(told(reading), drawn, "{stem}.{ending}");
        for slice in slices(reading).into_iter().flatten() {
            let (id, around) = (slice["id"].as_u64().unwrap(), slice["around"].as_u64());
            assert!(around.is_none() || around == expected[&id].parent, "{stem}.{ending}: {slice} is not inside that");
            assert!(around.is_some() || !inside.contains(&id), "{stem}.{ending}: {slice} is not drawn in its parent");
        }
    }
    check_profiles(excerpt, slices(perfetto), slices(reading("speedscope.json")), stem);
    check_tree(excerpt, slices(reading("txt")), stem);

    // What is no span.
    let points: Vec<_> = excerpt.points().collect();
    let inside_of = points.iter().filter(|point| point.span.is_some()).count();
    assert_eq!([&perfetto["points"], &chrome["points"]], [points.len(), points.len()], "{stem}");
    assert_eq!(reading("otlp.json")["points"], inside_of, "{stem}");
    assert_eq!([&perfetto["flows"], &chrome["flows"]], [excerpt.flows().count(); 2], "{stem}");
    assert_eq!([&perfetto["holds"], &chrome["holds"]], [excerpt.holds().count(); 2], "{stem}");
    let links = |span: Span| {
        let is_link = |value: &Value| matches!(value, Value::Span(_));
        excerpt.fields(span.id).iter().filter(|of| &*of.name == "follows_from" && is_link(&of.value)).count()
    };
    assert_eq!(reading("otlp.json")["links"], excerpt.spans().map(links).sum::<usize>(), "{stem}");
    check_polls(excerpt, perfetto, chrome, stem);
}

/// Speedscope has the tracks of Perfetto, without ids.
fn check_profiles(excerpt: &Excerpt<'_>, tracks: Vec<&Vec<Json>>, profiles: Vec<&Vec<Json>>, stem: &str) {
    type Line = (String, u64, u64, Option<String>, Option<usize>);
    let end = excerpt.bounds().1.ns();
    let of_track = |track: &Vec<Json>| -> Vec<Line> {
        let numbers: HashMap<u64, usize> =
            track.iter().enumerate().map(|(at, slice)| (slice["id"].as_u64().unwrap(), at)).collect();
        let line = |slice: &Json| {
            let ends = slice["end"].as_u64().unwrap_or(end);
            let around = slice["around"].as_u64().map(|around| numbers[&around]);
            (text(&slice["name"]).unwrap(), slice["begin"].as_u64().unwrap(), ends, text(&slice["mark"]), around)
        };
        track.iter().map(line).collect()
    };
    let of_profile = |profile: &Vec<Json>| -> Vec<Line> {
        let line = |slice: &Json| {
            let around = slice["around"].as_u64().map(|around| around as usize);
            let [begin, end] = ["begin", "end"].map(|key| slice[key].as_u64().unwrap());
            (text(&slice["name"]).unwrap(), begin, end, text(&slice["mark"]), around)
        };
        profile.iter().map(line).collect()
    };
    let tracks: Vec<Vec<Line>> = tracks.into_iter().map(of_track).collect();
    assert_eq!(profiles.into_iter().map(of_profile).collect::<Vec<_>>(), tracks, "{stem}.speedscope.json");
}

/// The tree has the spans of each lane in the order of opening, and how deep they are.
fn check_tree(excerpt: &Excerpt<'_>, lanes: Vec<&Vec<Json>>, stem: &str) {
    let mut expected: Vec<Vec<(String, String, usize)>> = Vec::new();
    for lane in excerpt.lanes() {
        let spans: Vec<Span> = excerpt.spans().filter(|span| span.lane == lane.id).collect();
        let outermost = spans.iter().map(|span| span.depth).min();
        let line =
            |span: &Span| (span.callsite.name.to_string(), lane.name.to_string(), span.depth - outermost.unwrap() + 1);
        expected.extend((!spans.is_empty()).then(|| spans.iter().map(line).collect()));
    }
    let line = |slice: &Json| {
        (text(&slice["name"]).unwrap(), text(&slice["lane"]).unwrap(), slice["depth"].as_u64().unwrap() as usize)
    };
    let found: Vec<Vec<_>> = lanes.into_iter().map(|lane| lane.iter().map(line).collect()).collect();
    assert_eq!(found, expected, "{stem}.txt");
}

/// Each poll is a stretch of its span on a thread, and is drawn if its lane has polls at all.
fn check_polls(excerpt: &Excerpt<'_>, perfetto: &Json, chrome: &Json, stem: &str) {
    assert_eq!(perfetto["polls"], chrome["polls"], "{stem}");
    let mut drawn: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
    for poll in perfetto["polls_of"].as_array().unwrap() {
        let end = poll["end"].as_u64().unwrap_or(excerpt.bounds().1.ns());
        drawn.entry(poll["id"].as_u64().unwrap()).or_default().push((poll["begin"].as_u64().unwrap(), end));
    }
    for span in excerpt.spans() {
        let of_span = |(begin, end): (Time, Time)| (begin.ns(), end.ns());
        let mut stretches: Vec<_> = excerpt.stretches(span.id).map(of_span).collect();
        stretches.sort_unstable();
        let mut polls = drawn.remove(&span.id.0).unwrap_or_default();
        polls.sort_unstable();
        assert!(
            polls == stretches || polls.is_empty() && stretches.len() < 2,
            "{stem}: {polls:?} of {span:?}, {stretches:?}"
        );
    }
    assert!(drawn.is_empty(), "{stem}: polls of no span");
}

#[test]
fn all_formats_of_a_recording_agree_whoever_reads_them() {
    let directory = scratch("agree");
    let mut runner = TestRunner::deterministic();
    let mut logs: Vec<(String, Log)> = Vec::new();
    for number in 0..24 {
        logs.push((format!("program-{number}"), recorded(&example(recorded::program(160), &mut runner))));
        logs.push((format!("model-{number}"), example(programs::log(), &mut runner)));
    }
    let [served, started] = demo(&scratch("demo"));
    logs.extend([("served".to_owned(), served), ("started".to_owned(), started)]);
    let mut excerpts: Vec<(String, Excerpt<'_>)> = Vec::new();
    for (name, log) in &logs {
        let end = log.clock().program(log.time_at(log.len())).ns();
        let middle = Which { from: Some(Time(end / 4)), until: Some(Time(end / 4 * 3)), ..Which::default() };
        let which = [
            ("whole", Which::default()),
            ("wall", Which { clock: Clock::Wall, ..Which::default() }),
            ("middle", middle),
            ("shallow", Which { depth: Some(2), ..Which::default() }),
        ];
        for (part, which) in which {
            excerpts.push((format!("{name}-{part}"), Excerpt::new(log, &which).unwrap()));
        }
    }
    for (stem, excerpt) in &excerpts {
        write_all(excerpt, &directory, stem);
    }
    let Some(readings) = read(&directory) else { return };
    for (stem, excerpt) in &excerpts {
        check(excerpt, stem, &readings);
    }
    // The log itself is raw, and has of each span all.
    for (stem, excerpt) in excerpts.iter().filter(|(stem, _)| stem.ends_with("-wall")) {
        let jsonl = told(&readings[&(stem.clone(), "jsonl".to_owned())]);
        let end = |span: Told| Told { end: span.end.filter(|_| span.mark.is_none()), ..span };
        let expected = expected(excerpt).into_iter().map(|(id, span)| (id, end(span)));
        assert_eq!(jsonl, expected.collect(), "{stem}.jsonl");
    }
    let all = |is_it: fn(&Span) -> bool| excerpts.iter().flat_map(|(_, excerpt)| excerpt.spans()).filter(is_it).count();
    assert!(all(|span| span.is_open) > 100 && all(|span| span.mark() == Some("cut")) > 100, "too little was checked");
    let _ = fs::remove_dir_all(&directory);
}

/// A recording of requests with calls inside, so many spans in all.
fn large(path: &Path, spans: usize) {
    let recorder = Recorder::builder().filter(Targets::new().with_target("export", LevelFilter::TRACE)).build();
    let ways = Ways::default().replacing();
    let recording = Recording::start(path, ways, recorder.chunks(), |error| panic!("{error}")).unwrap();
    tracing::subscriber::with_default(recorder.subscriber(), || {
        for number in 0..spans / 4 {
            tracing::info_span!("handle", number).in_scope(|| {
                tracing::info_span!("parse", bytes = 120).in_scope(|| ());
                tracing::info_span!("app", path = "/").in_scope(|| tracing::info_span!("query").in_scope(|| ()));
            });
        }
    });
    recording.finish().unwrap();
}

fn spanwalk(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_collector_that_fails_every_third_request_gets_every_span_once() {
    // `SPANS=100000 cargo test --test export` takes half a minute unoptimized.
    let spans: usize = std::env::var("SPANS").ok().map_or(20_000, |text| text.parse().unwrap());
    let file = scratch("push").join("large.spanwalk");
    large(&file, spans);
    let collector = Collector::start(|number| match number % 9 {
        2 => collector::Answer::Later(503),
        5 => collector::Answer::Later(429),
        8 => collector::Answer::Nothing,
        _ => collector::Answer::Taken,
    });
    let (code, out, err) =
        spanwalk(&["export", file.to_str().unwrap(), "--push", &collector.url(), "--epoch", "2025-01-31T09:30:00Z"]);
    assert_eq!((code, &*err), (0, ""));
    assert!(
        out.starts_with(&format!("{spans} of {spans} spans arrived at {}/v1/traces in ", collector.url())),
        "{out}"
    );
    let arrived = collector.arrived();
    let once: HashSet<&String> = arrived.iter().collect();
    assert_eq!((arrived.len(), once.len()), (spans, spans));
    assert!(collector.failed() >= collector.requests() / 3 && collector.requests() > 2, "too little was checked");
}

#[test]
fn what_does_not_arrive_is_counted_and_is_a_failure() {
    #[track_caller]
    fn check(file: &Path, answer: fn(usize) -> collector::Answer, arrives: usize, requests: usize, words: &str) {
        let collector = Collector::start(answer);
        let (code, out, err) = spanwalk(&[
            "export",
            file.to_str().unwrap(),
            "--push",
            &collector.url(),
            "--epoch",
            "2025-01-31T09:30:00Z",
        ]);
        assert_eq!((code, &*out), (1, ""));
        assert!(err.contains(&format!("{arrives} of 2000 spans arrived")) && err.contains(words), "{err}");
        assert_eq!(collector.requests(), requests, "{err}");
    }
    use collector::Answer::{Other, Partial, Taken};
    let file = scratch("lost").join("lost.spanwalk");
    large(&file, 2_000);
    check(&file, |number| if number == 1 { Partial(12) } else { Taken }, 1_988, 4, "not today");
    check(&file, |number| if number == 1 { Other(400) } else { Taken }, 1_488, 4, "400");
    check(&file, |_| Other(404), 0, 1, "404");
    check(&file, |number| if number == 0 { Taken } else { collector::Answer::Later(503) }, 512, 9, "after 8 tries");
}

#[test]
fn an_export_that_cannot_be_says_why_and_leaves_nothing() {
    let directory = scratch("refused");
    let file = directory.join("run.spanwalk");
    large(&file, 400);
    let [file, there, nowhere] = [file, directory.join("there.csv"), directory.join("no/where.csv")]
        .map(|path| path.to_str().unwrap().to_owned());
    fs::write(&there, "kept").unwrap();
    let check = |args: &[&str], code: i32, words: &[&str]| {
        let (found, out, err) = spanwalk(&[&["export", &file], args].concat());
        assert_eq!((found, &*out, err.lines().count()), (code, "", 1), "{args:?}: {err}");
        assert!(words.iter().all(|word| err.contains(word)), "{args:?}: {err}");
    };
    check(&["--to", "xml"], 2, &["no format `xml`", "perfetto"]);
    check(&[], 2, &["--to", "speedscope"]);
    check(&["-o", "run.json"], 2, &["--to", "chrome"]);
    check(&["-o", &there], 1, &["exists", "--force"]);
    check(&["-o", &nowhere], 1, &["cannot write", "-o"]);
    check(&["--to", "csv", "-o", directory.to_str().unwrap()], 1, &["is a directory"]);
    check(&["--push", "https://localhost:4318"], 2, &["no TLS", "http://"]);
    check(&["--push", "localhost:4318"], 2, &["http://localhost:4318"]);
    check(&["--push", "http://localhost:4318", "--to", "csv"], 2, &["otlp"]);
    check(&["--push", "http://localhost:4318", "-o", "x.otlp.json"], 2, &["--push"]);
    check(&["--to", "otlp", "--epoch", "yesterday"], 2, &["2025-01-31T09:30:00Z"]);
    check(&["--to", "csv", "--lane", "nobody"], 1, &["no lane is called `nobody`"]);
    assert_eq!(fs::read_to_string(&there).unwrap(), "kept");
    let (code, out, err) = spanwalk(&["export", &file, "-o", &there, "--force"]);
    assert_eq!((code, &*out, &*err), (0, "", ""));
    assert_eq!(fs::read_to_string(&there).unwrap().lines().count(), 401);
    let mut left: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["run.spanwalk", "there.csv"]);
}

#[test]
fn a_reader_that_goes_away_is_success() {
    let file = scratch("closed").join("run.spanwalk");
    large(&file, 20_000);
    for format in FORMATS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
        command.arg("export").arg(&file).args(["--to", format.name, "--epoch", "2025-01-31T09:30:00Z"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{}", format.name);
    }
}

#[test]
fn times_of_day_are_told_from_what_is_said_or_from_the_file_which_is_said() {
    let file = scratch("epoch").join("run.spanwalk");
    large(&file, 40);
    let log = open(&file);
    let (first, end) = (log.spans().next().unwrap().open.1.ns(), log.time_at(log.len()).ns());
    let modified = fs::File::options().write(true).open(&file).unwrap();
    let day = Duration::from_secs(1_700_000_000);
    modified.set_modified(std::time::UNIX_EPOCH + day).unwrap();
    let check = |more: &[&str], epoch: u64, said: &str, is_noted: bool| {
        let args = [&["export", file.to_str().unwrap(), "--to", "otlp", "--service", "shop"], more].concat();
        let (code, out, err) = spanwalk(&args);
        assert_eq!((code, err.contains("--epoch")), (0, is_noted), "{err}");
        let told: Json = serde_json::from_str(&out).unwrap();
        let resource = told["resourceSpans"][0]["resource"].to_string();
        assert!(resource.contains("shop") && resource.contains(said), "{resource}");
        let begin = &told["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"];
        assert_eq!(begin.as_str(), Some(&*(epoch + first).to_string()));
        text(&told["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]).unwrap()
    };
    let trace = check(&[], day.as_nanos() as u64 - end, "modification time", true);
    let same = check(&["--epoch", "2025-01-31T09:30:00Z"], 1_738_315_800_000_000_000, "as given", false);
    assert_eq!(trace, same, "a recording is one trace, however it is exported");
    assert!(trace.len() == 32 && trace.bytes().any(|digit| digit != b'0'));
}
