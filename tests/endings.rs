//! How programs end, and what is in the file then. Each test runs itself again, as a program of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recorded;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recorded::reference::lines;
use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::record::Recorder;
use spanwalk::trace::{Kind, Log};
use tracing::{info, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

/// The face that a program is to use: without it this is the test.
const FACE: &str = "SPANWALK_TEST_FACE";
/// The file that it is to write.
const FILE: &str = "SPANWALK_TEST_FILE";

/// What a program has: a recorder that is connected for the whole process, and its file.
struct Started {
    recorder: Recorder,
    recording: Recording,
    path: PathBuf,
}

/// In the program: connects the recorder. In the test: nothing.
fn started() -> Option<Started> {
    let face = std::env::var(FACE).ok()?;
    let path = PathBuf::from(std::env::var_os(FILE).unwrap());
    let filter = Targets::new().with_target("endings", LevelFilter::TRACE);
    let recorder = Recorder::builder().filter(filter).build();
    let recording = Recording::start(&path, Ways::default(), recorder.chunks(), |_| ()).unwrap();
    match &*face {
        "subscriber" => tracing::subscriber::set_global_default(recorder.subscriber()).unwrap(),
        _ => tracing::subscriber::set_global_default(tracing_subscriber::registry().with(recorder.layer())).unwrap(),
    }
    Some(Started { recorder, recording, path })
}

/// Runs a test again as a program, on each face, and looks at how it ended and at its file.
#[track_caller]
fn check(test: &str, code: i32, look: impl Fn(&Log, &Reader)) {
    for face in ["subscriber", "layer"] {
        let path = std::env::temp_dir().join(format!("spanwalk-{test}-{face}-{}.spanwalk", std::process::id()));
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        command.args(["--exact", test, "--nocapture"]).env(FACE, face).env(FILE, &path);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{face}: {said}");
        let (log, reader) = read(&path);
        assert!(reader.damage().iter().all(|damage| damage.events.is_none()), "{face}: {:?}", reader.damage());
        look(&log, &reader);
        std::fs::remove_file(&path).unwrap();
    }
}

fn read(path: &Path) -> (Log, Reader) {
    let (mut log, mut reader) = (Log::new(), Reader::open(path).unwrap());
    reader.read(&mut log).unwrap();
    (log, reader)
}

/// How many calls of a name have ended.
fn ended(log: &Log, name: &str) -> u64 {
    let mut open = std::collections::HashSet::new();
    let mut ended = 0;
    for event in log.events_in(..) {
        match &event.kind {
            Kind::Open { span, callsite, .. } if &*callsite.name == name => drop(open.insert(*span)),
            Kind::Close { span } if open.remove(span) => ended += 1,
            _ => {}
        }
    }
    ended
}

const CALLS: u64 = 1_000;

fn calls() {
    for number in 0..CALLS {
        info_span!("call", number).in_scope(|| ());
    }
}

#[test]
fn what_is_on_disk_when_the_process_exits_is_all_but_the_last_moment() {
    if let Some(program) = started() {
        let _open = info_span!("open").entered();
        calls();
        // Some 250 ms later, whatever the program does.
        let until = Instant::now() + Duration::from_secs(20);
        while ended(&read(&program.path).0, "call") < CALLS {
            assert!(Instant::now() < until, "it is not written at all");
            std::thread::yield_now();
        }
        calls();
        std::process::exit(7);
    }
    check("what_is_on_disk_when_the_process_exits_is_all_but_the_last_moment", 7, |log, reader| {
        assert!(ended(log, "call") >= CALLS && !reader.is_ended());
        assert!(log.latest().lanes().iter().any(|lane| lane.stack.iter().any(|frame| &*frame.callsite.name == "open")));
    });
}

#[test]
fn what_was_caught_up_with_is_on_disk_when_the_process_exits() {
    if let Some(program) = started() {
        calls();
        program.recording.catch_up();
        std::process::exit(7);
    }
    check("what_was_caught_up_with_is_on_disk_when_the_process_exits", 7, |log, reader| {
        assert!(ended(log, "call") == CALLS && !reader.is_ended());
    });
}

/// Threads that never end; returns when each has done something.
fn threads_at_work() {
    static CALLED: AtomicU64 = AtomicU64::new(0);
    const THREADS: u64 = 4;
    for _ in 0..THREADS {
        std::thread::spawn(|| {
            let _forever = info_span!("forever").entered();
            for number in 0_u64.. {
                info_span!("work", number).in_scope(|| ());
                if number == 0 {
                    CALLED.fetch_add(1, Ordering::Relaxed);
                }
                // What is written is to stay small.
                std::thread::park_timeout(Duration::from_micros(50));
            }
        });
    }
    while CALLED.load(Ordering::Relaxed) < THREADS {
        std::thread::yield_now();
    }
}

#[test]
fn a_file_is_ended_in_good_order_when_its_guard_goes_while_threads_are_at_work() {
    if let Some(program) = started() {
        threads_at_work();
        calls();
        drop(program.recording);
        assert!(read(&program.path).1.is_ended());
        // They go on, and find a recorder that nobody reads.
        calls();
        return;
    }
    check("a_file_is_ended_in_good_order_when_its_guard_goes_while_threads_are_at_work", 0, |log, reader| {
        assert!(reader.is_ended());
        assert_eq!(ended(log, "call"), CALLS);
        assert!(ended(log, "work") >= 4 && ended(log, "forever") == 0);
    });
}

#[test]
fn a_process_that_exits_while_threads_are_at_work_ends_at_once() {
    if let Some(program) = started() {
        threads_at_work();
        calls();
        program.recording.catch_up();
        std::process::exit(7);
    }
    check("a_process_that_exits_while_threads_are_at_work_ends_at_once", 7, |log, reader| {
        assert!(!reader.is_ended());
        assert_eq!(ended(log, "call"), CALLS);
    });
}

/// Opens spans of its own while it is formatted.
struct Loud(i64);

impl fmt::Debug for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _inner = info_span!("inner", number = self.0, text = %"formatted too").entered();
        info!(number = self.0, "formatting");
        if self.0 > 0 {
            // And once more.
            info_span!("deep", value = ?Self(self.0 - 1)).in_scope(|| ());
        }
        write!(f, "Loud({})", self.0)
    }
}

// `tracing` keeps the spans of a formatting value from a subscriber of one thread: it takes one of the process.
#[test]
fn a_value_that_traces_while_it_is_formatted_is_recorded_with_what_it_does() {
    if let Some(program) = started() {
        let work = || {
            let span = info_span!("around", late = tracing::field::Empty).entered();
            info_span!("first", value = ?Loud(0)).in_scope(|| ());
            info!(value = ?Loud(0), "said");
            span.record("late", tracing::field::debug(Loud(0)));
            info_span!("last", value = ?Loud(1)).in_scope(|| ());
        };
        std::thread::Builder::new().name("main".to_owned()).spawn(work).unwrap().join().unwrap();
        assert_eq!(program.recorder.counts().spans, 9);
        return;
    }
    let inner = |span: u64, around: u64, number: u64| {
        vec![
            format!("open {span} inner inside {around} number={number} text=formatted too"),
            format!("enter {span}"),
            format!("note inside {span} message=formatting number={number}"),
        ]
    };
    let left = |span: u64| vec![format!("exit {span}"), format!("close {span}")];
    let line = |text: &str| vec![text.to_owned()];
    let expected = [
        line("open 1 around inside nothing"),
        line("enter 1"),
        inner(2, 1, 0),
        left(2),
        line("open 3 first inside 1 value=Loud(0)"),
        line("enter 3"),
        left(3),
        inner(4, 1, 0),
        left(4),
        line("note inside 1 message=said value=Loud(0)"),
        inner(5, 1, 0),
        left(5),
        line("record 1 late=Loud(0)"),
        inner(6, 1, 1),
        inner(7, 6, 0),
        left(7),
        line("open 8 deep inside 6 value=Loud(0)"),
        line("enter 8"),
        left(8),
        left(6),
        line("open 9 last inside 1 value=Loud(1)"),
        line("enter 9"),
        left(9),
        left(1),
    ]
    .concat();
    check("a_value_that_traces_while_it_is_formatted_is_recorded_with_what_it_does", 0, |log, _| {
        let told = lines(log).into_iter().filter(|line| !line.starts_with("lane_"));
        let told: Vec<String> = told.map(|line| line.replace(" on main in main:", "")).collect();
        assert_eq!(told, expected);
    });
}
