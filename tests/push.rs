//! `spanwalk export`, as it is asked on the command line: spans that are pushed to a collector, times of day, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use collector::Collector;
use serde_json::Value as Json;
use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::format::FORMATS;
use spanwalk::record::Recorder;
use spanwalk::trace::Log;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// A directory that is empty when the test begins.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("push-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A recording of requests with calls inside, so many spans in all.
fn large(path: &Path, spans: usize) {
    let recorder = Recorder::builder().filter(Targets::new().with_target("push", LevelFilter::TRACE)).build();
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
    // `SPANS=100000 cargo test --test push` takes half a minute unoptimized.
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
    let mut log = Log::new();
    Reader::open(&file).unwrap().read(&mut log).unwrap();
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
        told["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"].as_str().unwrap().to_owned()
    };
    let trace = check(&[], day.as_nanos() as u64 - end, "modification time", true);
    let same = check(&["--epoch", "2025-01-31T09:30:00Z"], 1_738_315_800_000_000_000, "as given", false);
    assert_eq!(trace, same, "a recording is one trace, however it is exported");
    assert!(trace.len() == 32 && trace.bytes().any(|digit| digit != b'0'));
}
