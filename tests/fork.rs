//! A forked child records nothing, and is not in the way of what it was forked for; whatever the parent's threads were doing.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unsafe_code, reason = "forking, and an allocator that stops a thread in the middle of the recorder's work")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::record::{Control, HoldMode, Recorder};
use spanwalk::trace::{Command, Kind, Log, Source as _, Target};
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

thread_local!(static STOPS: Cell<bool> = const { Cell::new(false) });
static IS_STOPPED: AtomicBool = AtomicBool::new(false);
static GOES_ON: AtomicBool = AtomicBool::new(false);

/// Stops a thread that asked for it where it next allocates.
struct Stopping;

// SAFETY: what is asked for is passed on unchanged.
unsafe impl GlobalAlloc for Stopping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if STOPS.replace(false) {
            IS_STOPPED.store(true, Ordering::Release);
            while !GOES_ON.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        }
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Stopping = Stopping;

/// What a child does that knows nothing of the recorder's rules, and then everything that it must not.
fn child(recorder: &Recorder, dispatch: &Dispatch, recording: Recording, control: Control) {
    // Many pages.
    for number in 0..50_000 {
        let span = info_span!("child", number, later = tracing::field::Empty).entered();
        info!(text = %"formatted", "child");
        span.record("later", number);
    }
    let work = || dispatcher::with_default(dispatch, || info_span!("thread of the child").in_scope(|| ()));
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap();
    assert_eq!(recorder.counts().spans, 0);
    assert!(recorder.reader().read(Duration::from_secs(60)).chunks.is_empty());
    recording.catch_up();
    drop((recording, control));
}

/// Runs this in a forked child, and says how it ended: its code, or nothing if it crashed or did not end within 20 s.
fn forked(run: impl FnOnce()) -> Option<i32> {
    // SAFETY: the child allocates and locks only what the recorder is to be free of, and glibc's and macOS' allocators are
    // made for it.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: the call has no preconditions. It ends a child that hangs.
        unsafe { libc::alarm(20) };
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        // With all that is done when a process ends.
        std::process::exit(i32::from(ran.is_err()));
    }
    let mut status = 0;
    // SAFETY: `status` is a place for the answer.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}

#[track_caller]
fn check(face: &str, connect: impl Fn(&Recorder) -> Dispatch) {
    let path = std::env::temp_dir().join(format!("spanwalk-fork-{face}-{}.spanwalk", std::process::id()));
    let filter = Targets::new().with_target("fork", LevelFilter::TRACE);
    // The gate is asked at every span, and holds nobody.
    let long = Duration::from_secs(3600);
    let hold = HoldMode::Hold { silence: long, settle: long };
    // Whoever has filled a page waits for the collector.
    let recorder = Recorder::builder().filter(filter).hold(hold).in_flight(0).build();
    let control = recorder.control();
    control.command(Command::RunTo(Target::Name("no such span".into())));
    let ways = Ways::default().replacing();
    let recording = Recording::start(&path, ways, recorder.chunks(), |_| ()).unwrap();
    let dispatch = connect(&recorder);
    dispatcher::with_default(&dispatch, || {
        let around = info_span!("around").entered();
        info_span!("before").in_scope(|| ());
        let (mut recording, mut control) = (Some(recording), Some(control));
        std::thread::scope(|scope| {
            IS_STOPPED.store(false, Ordering::Release);
            GOES_ON.store(false, Ordering::Release);
            scope.spawn(|| {
                let mut reader = recorder.reader();
                STOPS.set(true);
                // It has the collector's lock when it first allocates, and keeps it while the process is copied.
                reader.read(Duration::ZERO)
            });
            while !IS_STOPPED.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            let code = forked(|| child(&recorder, &dispatch, recording.take().unwrap(), control.take().unwrap()));
            GOES_ON.store(true, Ordering::Release);
            assert_eq!(code, Some(0), "{face}");
        });
        info_span!("after").in_scope(|| ());
        drop(around);
        recording.unwrap().finish().unwrap();
    });
    let (mut live, mut log, mut reader) = (Log::new(), Log::new(), Reader::open(&path).unwrap());
    recorder.reader().read_into(&mut live, Duration::ZERO);
    reader.read(&mut log).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(reader.is_ended() && reader.damage().is_empty(), "{face}");
    for log in [live, log] {
        let opened = log.events_in(..).filter_map(|event| match event.kind {
            Kind::Open { callsite, .. } => Some(callsite.name.to_string()),
            _ => None,
        });
        assert_eq!(opened.collect::<Vec<_>>(), ["around", "before", "after"], "{face}");
    }
}

#[test]
fn a_forked_child_records_nothing_and_waits_for_nobody() {
    check("subscriber", |recorder| Dispatch::new(recorder.subscriber()));
    check("layer", |recorder| Dispatch::new(tracing_subscriber::registry().with(recorder.layer())));
}
