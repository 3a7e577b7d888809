//! Clients that come, vanish, break off and come again, for as long as is asked: nothing of them may be left.
//!
//! ```sh
//! SPANWALK_SOAK=10m cargo test --release --test soak -- --nocapture     # prints its curve, thirty lines
//! ```
//!
//! ```text
//!   time      memory   clients so far   sessions   lanes
//! ```
//!
//! From five minutes on its memory is judged: in the last third of the time there may not be more than in the middle, but for
//! [`SLACK`]. [`remains.rs`](remains.rs) counts bytes instead, after a few thousand clients.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use spanwalk::file::Reader;
use spanwalk::trace::Log;
use wire::http::Http;
use wire::lives::LIVES;
use wire::{LIMIT, Server};

/// How long it goes on if nobody says how long.
const SHORT: Duration = Duration::from_secs(3);
/// From here on memory is judged: before, the ring has not been full for long, or on a slow machine not at all.
const LONG: Duration = Duration::from_secs(5 * 60);
const THREADS: usize = 4;
/// Sessions at the most, so that their end can be seen: as many must be free then.
const SESSIONS: usize = 3_000;
/// Points of the curve.
const SAMPLES: u32 = 30;
/// What memory may vary by from one moment to the next, in kB.
const SLACK: u64 = 2 << 10;

/// Resident memory, in kB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A point of the curve.
struct Sample {
    at: Duration,
    /// Resident memory, in kB.
    memory: u64,
    /// How many clients have lived so far, and what there is of them.
    clients: usize,
    sessions: usize,
    lanes: usize,
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, megabytes) = (self.at.as_secs_f64(), self.memory as f64 / 1024.0);
        let Self { clients, sessions, lanes, .. } = self;
        write!(f, "{seconds:>8.1} s {megabytes:>8.1} MB {clients:>9} clients {sessions:>6} sessions {lanes:>6} lanes")
    }
}

/// A directory for files of the recording, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-soak-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The file that was begun last.
    fn newest(&self) -> PathBuf {
        let number = |path: &Path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            name.strip_prefix("soak-").map_or(1, |number| number.parse::<u32>().unwrap())
        };
        std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).max_by_key(|path| number(path)).unwrap()
    }

    /// How many sessions are served by now, and how many lanes are open, as the recording has it.
    fn open(&self) -> (usize, usize) {
        let mut log = Log::new();
        let began = Instant::now();
        // One that has just been begun has nothing in it, and says nothing.
        while log.is_empty() {
            assert!(began.elapsed() < LIMIT, "nothing is recorded");
            Reader::open(&self.newest()).unwrap().read(&mut log).unwrap();
        }
        let open = log.latest().lanes().iter().filter(|lane| !lane.is_done);
        let serves = |name: &str| ["session", "websocket_handler"].contains(&name);
        let sessions = open.clone().flat_map(|lane| &lane.stack).filter(|call| serves(&call.callsite.name));
        (sessions.count(), open.count())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The recording of it shows no connection that is open.
#[track_caller]
fn check_no_lanes(directory: &Directory) {
    let (mut log, mut reader) = (Log::new(), Reader::open(&directory.newest()).unwrap());
    let began = Instant::now();
    loop {
        reader.read(&mut log).unwrap();
        let open = log.lanes().iter().filter(|lane| lane.name.starts_with("conn-") && lane.close.is_none());
        let left: Vec<_> = open.map(|lane| &*lane.name).collect();
        if left.is_empty() {
            assert!(
                reader.damage().is_empty() && log.dropped() == 0,
                "{:?}, {} dropped",
                reader.damage(),
                log.dropped()
            );
            return;
        }
        assert!(began.elapsed() < 3 * LIMIT, "{} lanes are left: {left:?}", left.len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the curve must not do: go on rising when everything that fills has filled.
#[track_caller]
fn check_is_flat(curve: &[Sample]) {
    let most = |part: &[Sample]| part.iter().map(|sample| sample.memory).max().unwrap();
    let (middle, end) = (most(&curve[curve.len() / 3..curve.len() * 2 / 3]), most(&curve[curve.len() * 2 / 3..]));
    assert!(end < middle + SLACK, "it grows: {middle} kB, then {end} kB");
}

#[test]
fn of_clients_that_vanish_nothing_is_left_neither_memory_nor_descriptors_nor_sessions_nor_lanes() {
    let length = std::env::var("SPANWALK_SOAK").map_or(SHORT, |length| humantime::parse_duration(&length).unwrap());
    let directory = Directory::new();
    let (file, sessions) = (directory.0.join("soak.spanwalk"), SESSIONS.to_string());
    let mut server = Server::with(
        &[
            &["--ping-interval", "3s", "--ping-timeout", "3s", "--header-timeout", "3s", "--idle-timeout", "3s"][..],
            &["--body-timeout", "3s", "--upgrade-timeout", "3s", "--max-sessions", &sessions],
            &["--record", file.to_str().unwrap(), "--rotate", "10MB", "--keep", "3"],
        ]
        .concat(),
    );
    let before = server.descriptors();
    let (began, lives) = (Instant::now(), AtomicUsize::new(0));
    let sample = || {
        let ((sessions, lanes), clients) = (directory.open(), lives.load(Relaxed));
        Sample { at: began.elapsed(), memory: resident(&server), clients, sessions, lanes }
    };
    let mut curve = vec![sample()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (lives, server) = (&lives, &server);
                scope.spawn(move || {
                    let mut number = thread;
                    while began.elapsed() < length {
                        LIVES[number % LIVES.len()](server.address, number);
                        lives.fetch_add(1, Relaxed);
                        number += THREADS;
                        // Fewer than there may be sessions, however fast the machine: half of those that vanish live on for a while.
                        std::thread::sleep(Duration::from_millis(5));
                    }
                })
            })
            .collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(length / SAMPLES);
            curve.push(sample());
        }
    });
    curve.iter().for_each(|sample| println!("{sample}"));
    server.wait_for_descriptors(before);
    check_no_lanes(&directory);
    // No session of theirs is left: there is room for all that there may be, and for no more.
    let mut http = Http::connect(server.address);
    let statuses: Vec<_> = (0..=SESSIONS)
        .map(|_| http.get("/socket.io/?EIO=4&transport=polling").status)
        .take_while(|status| *status == 200)
        .collect();
    // While they are begun the first of them end: there may be a few more.
    assert!(statuses.len() >= SESSIONS, "{} of {SESSIONS} sessions are free", statuses.len());
    let most = curve.iter().map(|sample| sample.memory).max().unwrap();
    assert!(most < 300 << 10, "{most} kB");
    if length >= LONG {
        check_is_flat(&curve);
    }
    server.ask_to_stop();
    assert_eq!(server.exit_code(), Some(0));
}
