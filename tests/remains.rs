//! Clients that come, vanish, break off and come again, and a count of every byte: when they have gone nothing of them is in
//! memory, neither with the server nor with the recorder nor with the file that is written. What takes ten minutes to see
//! in [a soak](soak.rs), since the system gives memory in large pieces, is seen here after some thousand clients.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

mod wire;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use spanwalk::file::{Recording, Ways};
use spanwalk::record::Recorder;
use spanwalk::server::{Limits, Server, Settings, engineio};
use spanwalk::trace::Log;
use tracing_subscriber::filter::{LevelFilter, Targets};
use wire::LIMIT;
use wire::client::Client;
use wire::engine::Transport::{Polling, WebSocket};
use wire::engine::{Engine, SOCKETIO};
use wire::lives::LIVES;

/// Lives that are lived before the first count, when all that grows with the size of the crowd has grown, and after it.
const BEFORE: usize = 1_800;
const AFTER: usize = 1_800;
const THREADS: usize = 4;
/// Clients at a time, once.
const CROWD: usize = 1_000;
/// Bytes that may come and go with the moment: tables and queues that keep their room. A pointer or two for each client.
const GRAIN: usize = 24 << 10;
/// Bytes of raw records that may wait, and threads that record at a time, once: their pages are kept for whoever comes.
const IN_FLIGHT: usize = 64 << 10;
const PAGES: usize = 16;
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes that somebody has.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: what is asked for is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the layout is the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: both are the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// All that is in memory but what the ring holds, which is full of the past and has a bound of its own.
fn kept(recorder: &Recorder) -> usize {
    LIVE.load(Relaxed).saturating_sub(recorder.counts().bytes as usize)
}

/// Lets so many lives be lived, some at a time.
fn live(address: SocketAddr, count: usize) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let live = move || (thread..count).step_by(THREADS).for_each(|at| LIVES[at % LIVES.len()](address, at));
            scope.spawn(live);
        }
    });
}

/// More at a time than there will be again: whatever keeps the room of the largest crowd has it from then on.
fn crowd(address: SocketAddr) {
    let way = |number: usize| if number.is_multiple_of(2) { Polling } else { WebSocket };
    let open = |number| Client::on(Engine::open_at(address, SOCKETIO, way(number)), "40");
    drop((0..CROWD).map(open).collect::<Vec<_>>());
    let everybody_has_a_page = Barrier::new(PAGES);
    std::thread::scope(|scope| {
        for _ in 0..PAGES {
            scope.spawn(|| {
                tracing::info!(target: "spanwalk::server", "a page");
                everybody_has_a_page.wait();
            });
        }
    });
}

/// Waits until no connection and no session is open, and as little as that is kept.
#[track_caller]
fn wait_until_all_have_gone(recorder: &Recorder, at_most: usize) -> usize {
    let limit = Instant::now() + 3 * LIMIT;
    loop {
        let mut log = Log::new();
        recorder.reader().read_into(&mut log, Duration::ZERO);
        let state = log.latest();
        let left = state.lanes().iter().filter(|lane| lane.name.starts_with("conn-") && !lane.is_done).count();
        drop(log);
        let kept = kept(recorder);
        if left == 0 && kept <= at_most {
            return kept;
        }
        assert!(Instant::now() < limit, "{left} lanes are left, and {kept} bytes are kept where {at_most} may be");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn settings() -> Settings {
    let defaults = engineio::Options::default();
    Settings {
        port: 0,
        worker_idle: Duration::from_millis(1),
        limits: Limits { header_timeout: Some(PATIENCE), idle_timeout: Some(PATIENCE), ..Limits::default() },
        engineio: engineio::Options {
            ping_interval: PATIENCE,
            ping_timeout: PATIENCE,
            body_timeout: Some(PATIENCE),
            upgrade_timeout: Some(PATIENCE),
            ..defaults
        },
        ..Settings::default()
    }
}

#[test]
fn of_clients_that_have_gone_no_byte_is_kept() {
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    let recorder = Recorder::builder().ring(1 << 20).chunk(16 << 10).in_flight(IN_FLIGHT).filter(filter).build();
    tracing::subscriber::set_global_default(recorder.subscriber()).unwrap();
    let directory = std::env::temp_dir().join(format!("spanwalk-remains-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let ways = Ways::default().rotating(200_000).keeping(NonZero::new(2).unwrap());
    let recording = Recording::start(&directory.join("r.spanwalk"), ways, recorder.chunks(), |_| ()).unwrap();
    let server = Server::start(settings()).unwrap();
    let address = loop {
        match server.address() {
            Some(address) => break address,
            None => std::thread::yield_now(),
        }
    };
    crowd(address);
    live(address, BEFORE);
    let before = wait_until_all_have_gone(&recorder, usize::MAX);
    live(address, AFTER);
    let after = wait_until_all_have_gone(&recorder, before + GRAIN);
    println!("{before} bytes after {BEFORE} clients, {after} after {AFTER} more");
    server.stopper()();
    server.join().unwrap();
    recording.finish().unwrap();
    let _ = std::fs::remove_dir_all(&directory);
}
