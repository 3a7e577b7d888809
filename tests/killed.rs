//! A program that is killed: its file has everything that was older than 250 ms, and opens.
//!
//! `SPANWALK_KILLS=1000 cargo test --test killed -- --nocapture` kills more of them, and says how old the oldest was that
//! was lost.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::record::Recorder;
use spanwalk::trace::{Log, Value};

/// What is older than this when the program is killed is in its file.
const OLD: Duration = Duration::from_millis(250);
/// Names the file, in the environment of a program that is to be killed.
const FILE: &str = "SPANWALK_KILLED_FILE";
/// How fast it works: ns between two calls.
const PACE: &str = "SPANWALK_KILLED_PACE";
/// How many programs run at a time.
const AT_A_TIME: u64 = 4;
/// Spans inside of each call.
const INNER: u64 = 5;

/// Not a test in itself: the program that is killed. It says on its standard output what it has recorded, after it has.
#[test]
fn the_program_that_is_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let pace = Duration::from_nanos(std::env::var(PACE).unwrap().parse().unwrap());
    let recorder = Recorder::new();
    let _recording = Recording::start(Path::new(&path), Ways::default(), recorder.chunks(), |_| ()).unwrap();
    tracing::subscriber::set_global_default(recorder.subscriber()).unwrap();
    let threads = ["left", "right"].map(|lane| std::thread::spawn(move || work(lane, pace)));
    threads.map(std::thread::JoinHandle::join).into_iter().for_each(Result::unwrap);
}

fn work(lane: &str, pace: Duration) {
    let _server = tracing::info_span!("serve", lane).entered();
    let say = |line: String| std::io::stdout().write_all(line.as_bytes());
    for number in 1_u64.. {
        let call = tracing::info_span!("call", number).entered();
        say(format!("{lane} open {number}\n")).unwrap();
        for part in 0..INNER {
            tracing::info_span!("part", part).in_scope(|| ());
        }
        drop(call);
        // Whoever listens has gone: the test has failed.
        if say(format!("{lane} close {number}\n")).is_err() {
            return;
        }
        std::thread::sleep(pace);
    }
}

/// Something that was said, when it was heard: it happened before.
struct Heard {
    at: Instant,
    lane: String,
    is_closed: bool,
    number: u64,
}

impl Heard {
    /// Nothing for what the test harness of the program says.
    fn read(line: &str) -> Option<Self> {
        let at = Instant::now();
        let mut words = line.split_whitespace();
        let lane = words.next().filter(|lane| ["left", "right"].contains(lane))?.to_owned();
        let is_closed = words.next()? == "close";
        Some(Self { at, lane, is_closed, number: words.next()?.parse().ok()? })
    }
}

/// Something between two durations, another one each time.
fn any_time(from: Duration, to: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    from + (to - from).mul_f64(random as f64 / u64::MAX as f64)
}

/// Runs a program for a while, kills it, and says what it had said, and when it was about to be killed.
fn run_and_kill(path: &Path, pace: u64) -> (Vec<Heard>, Instant) {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "the_program_that_is_killed", "--nocapture", "--test-threads", "1"]);
    program.env(FILE, path).env(PACE, pace.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let (hears, heard) = mpsc::channel();
    let listener = std::thread::spawn(move || {
        let said = lines.map_while(Result::ok).filter_map(|line| Heard::read(&line));
        said.take_while(|one| hears.send((one.lane.clone(), one.number)).is_ok()).collect::<Vec<_>>()
    });
    heard.recv_timeout(Duration::from_secs(20)).expect("it begins to work");
    let end = Instant::now() + any_time(Duration::from_millis(20), Duration::from_millis(600));
    while heard.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() && Instant::now() < end {}
    let killed = Instant::now();
    program.kill().unwrap();
    assert_eq!(program.wait().unwrap().signal(), Some(9), "it lived until it was killed");
    drop(heard);
    (listener.join().unwrap(), killed)
}

/// For each lane the last call that was opened and the last that was closed. Every one before is there, with its parts.
fn recorded(log: &Log) -> HashMap<String, (u64, u64)> {
    let mut parts: HashMap<_, u64> = HashMap::new();
    for span in log.spans().filter(|span| &*span.callsite.name == "part" && span.close.is_some()) {
        *parts.entry(span.parent.unwrap()).or_default() += 1;
    }
    let mut last: HashMap<String, (u64, u64)> = HashMap::new();
    for call in log.spans().filter(|span| &*span.callsite.name == "call") {
        let (opened, closed) = last.entry(log.lane(call.lane).unwrap().name.to_string()).or_default();
        *opened += 1;
        assert_eq!(log.recorded(call.id, "number", log.len()).unwrap().1, Value::U64(*opened), "none is missing");
        if call.close.is_some() {
            *closed += 1;
            assert_eq!((*closed, parts[&call.id]), (*opened, INNER), "all of it is there");
        }
    }
    last
}

/// Kills one, looks at its file, and says how old the oldest of what is not in it was.
fn check(pace: u64) -> Duration {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // A disk that is busy with other things keeps its writers waiting: not what this is about.
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let path = Scratch(directory.join(format!("spanwalk-kill-{}-{count}.spanwalk", std::process::id())));
    let (heard, killed) = run_and_kill(&path.0, pace);
    let mut reader = Reader::open(&path.0).unwrap();
    let mut log = Log::new();
    reader.read(&mut log).unwrap();
    assert!(!reader.is_ended() && reader.damage().iter().all(|damage| damage.events.is_none()), "only the end is cut");
    let recorded = recorded(&log);
    let is_lost = |one: &&Heard| {
        let (opened, closed) = recorded.get(&one.lane).copied().unwrap_or_default();
        one.number > if one.is_closed { closed } else { opened }
    };
    let lost = heard.iter().filter(is_lost).map(|one| killed.saturating_duration_since(one.at)).max();
    let lost = lost.unwrap_or_default();
    let said = heard.len();
    assert!(lost <= OLD, "what happened {lost:?} before the kill is not in the file; {pace} ns, {said} lines");
    lost
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn what_was_older_than_250_ms_is_in_the_file_after_a_kill() {
    let kills = std::env::var("SPANWALK_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let next = AtomicU64::new(0);
    let run = || {
        let mut oldest = Duration::ZERO;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= kills {
                return oldest;
            }
            // As fast as it can be said, and as slow as a server at night.
            let pace = [100_000, 1_000_000, 20_000_000][number as usize % 3];
            oldest = oldest.max(check(pace));
        }
    };
    let oldest = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).max()
    });
    eprintln!("{kills} kills; the oldest that was lost was {:?} old", oldest.unwrap_or_default());
}
