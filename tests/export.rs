//! Exports, read back by what their consumers publish: all formats of one recording say the same.
//!
//! `tests/export/read.py` reads them with Perfetto's and OpenTelemetry's own messages, the JSON schema of speedscope's package, and
//! Python's readers of JSON and CSV, `tests/export/mermaid.mjs` with Mermaid's parser; they are installed under `target/export/`.
//! Where python3, node or npm is missing, or the installation fails, a line says so and the test ends; where the environment has
//! `CI=true`, that is a failure.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "export/mermaid.rs"]
mod mermaid;
mod programs;
mod recorded;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use spanwalk::file::Reader;
use spanwalk::format::{Clock, Epoch, Excerpt, FORMATS, Origin, Span, Which};
use spanwalk::record::Recorder;
use spanwalk::trace::{
    Callsite, Event, Field, Kind, LaneId, LaneKind, Log, Seq, SpanId, Thread, ThreadId, Time, Value,
};
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

/// What the exports are read with, installed once for all tests.
static READERS: LazyLock<Result<Readers, String>> = LazyLock::new(installed);

struct Readers {
    /// A python with the packages.
    python: PathBuf,
    /// Speedscope's schema.
    schema: PathBuf,
    /// Mermaid, as it is published.
    mermaid: PathBuf,
}

fn installed() -> Result<Readers, String> {
    run(Command::new("node").arg("--version"))?;
    const PACKAGES: [&str; 2] = ["speedscope@1.25.0", "mermaid@11.12.0"];
    let directory = Path::new(ROOT).join("target/export");
    let requirements = fs::read_to_string(Path::new(ROOT).join("tests/export/requirements.txt")).unwrap();
    let wanted = requirements + &PACKAGES.join("\n");
    let python = directory.join("venv/bin/python");
    let schema = directory.join("speedscope/package/dist/release/file-format-schema.json");
    let readers = Readers { python, schema, mermaid: directory.join("mermaid/package/dist") };
    // Written last, so that half an installation is none.
    let done = directory.join("installed-from");
    if fs::read_to_string(&done).is_ok_and(|from| from == wanted) {
        return Ok(readers);
    }
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    run(Command::new("python3").args(["-m", "venv"]).arg(directory.join("venv")))?;
    let pip = ["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r"];
    run(Command::new(&readers.python).args(pip).arg(Path::new(ROOT).join("tests/export/requirements.txt")))?;
    for package in PACKAGES {
        let directory = directory.join(package.split_once('@').unwrap().0);
        fs::create_dir(&directory).unwrap();
        let packed = run(Command::new("npm").args(["pack", "--silent", package]).current_dir(&directory))?;
        run(Command::new("tar").arg("xzf").arg(packed.trim()).current_dir(&directory))?;
    }
    fs::write(&done, wanted).unwrap();
    Ok(readers)
}

/// What each file of a directory says, by stem and ending. Nothing if there is nothing to read with.
fn read(directory: &Path) -> Option<HashMap<(String, String), Json>> {
    let Readers { python, schema, mermaid } = match &*READERS {
        Ok(readers) => readers,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI=true asks for the readers: {why}");
            let _ = writeln!(std::io::stderr(), "\nskipped: reading exports back: {why}");
            return None;
        }
    };
    let script = |name: &str| Path::new(ROOT).join("tests/export").join(name);
    let said = run(Command::new(python).arg(script("read.py")).arg(schema).arg(directory)).unwrap()
        + &run(Command::new("node").arg(script("mermaid.mjs")).arg(mermaid).arg(directory)).unwrap();
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
    check_stacks(excerpt, reading("folded"), reading("svg"), stem);
    mermaid::check(excerpt, stem, reading("mmd"));

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

/// A stack with all that is above it is as wide as its calls were open together, and the picture has frames of that width. Where
/// calls of one stack overlap, or outlive those around them, widths are bounds and no more.
fn check_stacks(excerpt: &Excerpt<'_>, folded: &Json, picture: &Json, stem: &str) {
    let spans: HashMap<SpanId, Span> = excerpt.spans().map(|span| (span.id, span)).collect();
    let frame = |span: &Span| {
        format!("{}{}", span.callsite.name, span.mark().map(|mark| format!(" ({mark})")).unwrap_or_default())
    };
    let mut open: HashMap<String, u64> = HashMap::new();
    let mut within: HashMap<SpanId, u64> = HashMap::new();
    let around = |span: &Span| span.parent.filter(|parent| spans[parent].lane == span.lane);
    for span in spans.values() {
        let mut frames = vec![frame(span)];
        let mut next = around(span);
        while let Some(parent) = next {
            frames.push(frame(&spans[&parent]));
            next = around(&spans[&parent]);
        }
        frames.push(excerpt.log().lane(span.lane).map_or_else(|| "?".to_owned(), |lane| lane.name.to_string()));
        frames.reverse();
        *open.entry(frames.join(";")).or_default() += span.duration();
        if let Some(parent) = around(span) {
            *within.entry(parent).or_default() += span.duration();
        }
    }
    let total = folded["total"].as_object().unwrap();
    let overflows = within.iter().any(|(span, within)| *within > spans[span].duration());
    for (stack, open) in &open {
        let found = total[stack].as_u64().unwrap();
        assert!(found == *open || (overflows && found >= *open), "{stem}.folded: {stack} has {found}, was open {open}");
    }
    let mut expected: Vec<Json> = total
        .iter()
        .filter(|(_, ns)| ns.as_u64() > Some(0))
        .map(|(stack, ns)| json!([stack.rsplit(';').next().unwrap(), ns]))
        .collect();
    expected.sort_by_key(|frame| (frame[0].as_str().unwrap().to_owned(), frame[1].as_u64()));
    let drawn: Vec<Json> =
        picture["frames"].as_array().unwrap().iter().filter(|frame| frame[1].as_u64() > Some(0)).cloned().collect();
    let (mut drawn, mut expected) = (drawn, expected);
    // The frame around all lanes, and frames too narrow to be drawn.
    drawn.retain(|frame| frame[0] != "all" && !(open.is_empty() && frame[0] == "nothing"));
    expected.retain(|frame| drawn.contains(frame));
    drawn.sort_by_key(|frame| (frame[0].as_str().unwrap().to_owned(), frame[1].as_u64()));
    assert_eq!(drawn, expected, "{stem}.svg");
}

/// The tree has the spans of each lane in the order of opening, and how deep they are.
fn check_tree(excerpt: &Excerpt<'_>, lanes: Vec<&Vec<Json>>, stem: &str) {
    let mut expected: Vec<Vec<(String, String, usize)>> = Vec::new();
    // Those that were over before their spans, and before the excerpt, come last.
    let late = excerpt.log().lanes().iter().filter(|lane| excerpt.lanes().all(|other| other.id != lane.id));
    for lane in excerpt.lanes().chain(late) {
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
    // Of a lane that is over before, something is still open, and something still wakes it.
    let late = late();
    let which = Which { from: Some(Time(1_000_002_700)), ..Which::default() };
    excerpts.push(("late".to_owned(), Excerpt::new(&late, &which).unwrap()));
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

/// A request that is not over, on a task of its own, with a push that outlives the call around it.
fn small() -> Log {
    let thread = Arc::new(Thread { id: ThreadId(1), name: "MainThread".into() });
    let callsite = |name: &str, line| {
        let (target, file) = ("shop::orders".into(), Some("src/orders.rs".into()));
        Arc::new(Callsite { name: name.into(), target, file, line: Some(line) })
    };
    let field = |name: &str, value| Field { name: name.into(), value };
    let (main, task) = (LaneId(1), LaneId(2));
    let open = |span, parent: Option<u64>, name, line, fields| {
        let parent = parent.map(SpanId);
        Kind::Open { span: SpanId(span), parent, callsite: callsite(name, line), fields }
    };
    let [enter, exit, close]: [fn(u64) -> Kind; 3] = [
        |span| Kind::Enter { span: SpanId(span) },
        |span| Kind::Exit { span: SpanId(span) },
        |span| Kind::Close { span: SpanId(span) },
    ];
    let events = [
        (0, main, Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread }),
        (100, main, open(1, None, "serve", 7, vec![field("port", Value::U64(80)), field("host", Value::from("a, b"))])),
        (110, main, enter(1)),
        (1_000, task, Kind::LaneOpen { name: "conn-1".into(), kind: LaneKind::Task }),
        (1_000, main, Kind::Wake { to: task, reason: None }),
        (1_200, main, Kind::Switch { to: task, reason: Some("await".into()) }),
        (1_200, task, open(2, None, "handle", 20, vec![field("follows_from", Value::Span(SpanId(1)))])),
        (1_250, task, enter(2)),
        (1_300, task, open(3, Some(2), "read", 30, vec![field("fresh", Value::Bool(true))])),
        (1_310, task, enter(3)),
        (
            1_400,
            task,
            Kind::Note {
                span: Some(SpanId(3)),
                callsite: callsite("event src/orders.rs:33", 33),
                fields: vec![field("message", Value::from("half a request")), field("bytes", Value::I64(-1))],
            },
        ),
        (1_500, task, open(4, Some(3), "push", 40, vec![field("ratio", Value::F64(0.5))])),
        (1_600, task, exit(3)),
        (1_600, task, exit(2)),
        (1_600, task, Kind::Switch { to: main, reason: None }),
        (2_000, main, Kind::Switch { to: task, reason: None }),
        (2_100, task, enter(2)),
        (2_200, task, close(3)),
        (2_300, task, close(4)),
        (2_400, task, exit(2)),
        (1_000_002_500, main, exit(1)),
    ];
    let mut log = Log::new();
    for (at, (time, lane, kind)) in events.into_iter().enumerate() {
        log.push(Event { seq: Seq(at as u64), time: Time(time), thread: thread.clone(), lane, kind });
    }
    log
}

/// The same, and then its task is over before its calls are.
fn late() -> Log {
    let mut log = small();
    let last = log.event(log.len() - 1).unwrap();
    let more = [
        (2_600, LaneId(2), Kind::LaneClose),
        (2_800, LaneId(1), Kind::Wake { to: LaneId(2), reason: None }),
        (2_900, LaneId(1), Kind::Close { span: SpanId(1) }),
    ];
    for (at, lane, kind) in more {
        log.push(Event { time: Time(1_000_000_000 + at), lane, kind, ..last.clone() });
    }
    log
}

#[test]
fn each_format_of_text_is_as_its_module_says() {
    let log = small();
    let origin = Origin { name: "shop".to_owned(), epoch: Epoch::Said(1_700_000_000_000_000_000) };
    let excerpt = Excerpt::whole(&log).with_origin(origin);
    for format in FORMATS.iter().filter(|format| !format.is_binary) {
        let mut bytes = Vec::new();
        format.write(&excerpt, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(format!("export_{}", format.name), text);
    }
}

#[test]
fn what_ends_later_is_not_said_to_be_open() {
    let log = small();
    let until = Which { until: Some(Time(1_550)), ..Which::default() };
    let mut text = Vec::new();
    let mermaid = FORMATS.iter().find(|format| format.name == "mermaid").unwrap();
    mermaid.write(&Excerpt::new(&log, &until).unwrap(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("Note over l1: serve is open") && text.contains("Note over l2: read ends later"), "{text}");
    assert!(!text.contains("read is open"), "{text}");
}

/// Names in which Mermaid could see something of its own.
#[test]
fn a_sequence_diagram_says_any_name_as_it_is() {
    let names = [
        "",
        " ",
        "end",
        "END",
        "wrap: a",
        "nowrap:a",
        "a;b",
        "#35;",
        "#amp;",
        "%% a",
        "<b>a</b>",
        "a: b",
        ":",
        "+a",
        "-",
        "->>",
        "l1->>l2: a",
        "a as b",
        "{a: 1}",
        "note over l1: a",
        "autonumber",
        "two\nlines",
        "größe ✓ 𝄞",
        "\\n",
        "<br/>",
        "a\u{2028}b",
        "title: a",
        "@{ \"type\": \"actor\" }",
    ];
    let (directory, thread) = (scratch("odd"), Arc::new(Thread { id: ThreadId(1), name: "MainThread".into() }));
    let mut log = Log::new();
    let mut push = |lane, kind| {
        let seq = Seq(log.len() as u64);
        log.push(Event { seq, time: Time(seq.0), thread: thread.clone(), lane: LaneId(lane), kind });
    };
    for (number, name) in (1..).zip(names) {
        push(number, Kind::LaneOpen { name: name.into(), kind: LaneKind::Thread });
        let callsite = Arc::new(Callsite { name: name.into(), target: "odd".into(), file: None, line: None });
        let span = SpanId(number.into());
        push(number, Kind::Open { span, parent: None, callsite, fields: Vec::new() });
        push(number, Kind::Switch { to: LaneId(1), reason: Some(name.into()) });
        push(number, Kind::Wake { to: LaneId(1), reason: None });
        if number % 2 == 0 {
            push(number, Kind::Close { span });
        }
    }
    let excerpt = Excerpt::whole(&log);
    let mut bytes = Vec::new();
    FORMATS.iter().find(|format| format.name == "mermaid").unwrap().write(&excerpt, &mut bytes).unwrap();
    fs::write(directory.join("odd.mmd"), bytes).unwrap();
    let Some(readings) = read(&directory) else { return };
    mermaid::check(&excerpt, "odd", &readings[&("odd".to_owned(), "mmd".to_owned())]);
    let _ = fs::remove_dir_all(&directory);
}

#[test]
fn calls_that_took_no_time_make_a_picture_that_says_so() {
    let mut log = Log::new();
    small().events_in(..2).for_each(|event| log.push(Event { time: Time(0), ..event }));
    let mut text = Vec::new();
    FORMATS.iter().find(|format| format.name == "flamegraph").unwrap().write(&Excerpt::whole(&log), &mut text).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("No calls that took time in this excerpt"));
}

/// A recording of another tool, written there.
fn exported(to: &Path, more: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    run(command
        .current_dir(ROOT)
        .args(["export", "tests/foreign/viztracer.json", "--to", "csv", "-o"])
        .arg(to)
        .args(more))
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_not_replaced() {
    let directory = scratch("places");
    let pipe = directory.join("pipe");
    run(Command::new("mkfifo").arg(&pipe)).unwrap();
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    exported(&pipe, &["--force"]).unwrap();
    let csv = reader.join().unwrap();
    assert!(csv.starts_with("id,parent,lane,"), "{csv}");
    // A link stays one; a directory, or what would be in none, is no file.
    let (file, link) = (directory.join("file.csv"), directory.join("link.csv"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink("file.csv", &link).unwrap();
    assert!(exported(&link, &[]).unwrap_err().contains("--force"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
    exported(&link, &["--force"]).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), csv);
    for place in [directory.clone(), directory.join("not-there/"), directory.join("not/there.csv")] {
        let error = exported(&place, &["--force"]).unwrap_err();
        assert!(error.contains("cannot write") && error.lines().count() == 1, "{error}");
    }
    let mut left: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["file.csv", "link.csv", "pipe"]);
    let _ = fs::remove_dir_all(&directory);
}

#[test]
fn what_has_no_call_in_it_is_said_to_have_none() {
    let said = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
        command.current_dir(ROOT).args(["export", "tests/foreign/viztracer.json", "--to", "csv"]).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    for nothing in [&["--from", "99s"][..], &["--filter", "name=nothing"]] {
        assert_eq!(said(nothing), "spanwalk: no call of the recording is in what is asked for\n");
    }
    assert_eq!(said(&["--from", "0ns"]), "");
}

#[cfg(unix)]
#[test]
fn an_export_that_is_interrupted_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt as _;
    let directory = scratch("interrupted");
    let (pipe, to) = (directory.join("pipe"), directory.join("to.csv"));
    run(Command::new("mkfifo").arg(&pipe)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let mut child = child.arg("export").arg(&pipe).args(["--to", "csv", "-o"]).arg(&to).spawn().unwrap();
    // It reads this when it has begun its output.
    let writer = fs::File::options().write(true).open(&pipe).unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
    run(Command::new("kill").args(["-INT", &child.id().to_string()])).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(2));
    drop(writer);
    let left: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["pipe"]);
    let _ = fs::remove_dir_all(&directory);
}
