//! An allocator that traces: whatever the recorder asks it for memory for, it holds up nobody.
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::mpsc;
use std::time::Duration;

use spanwalk::record::{HoldMode, Recorder};
use spanwalk::trace::Command;
use tracing::subscriber::with_default;
use tracing::{Span, info_span, trace_span};

thread_local!(static TRACES: Cell<bool> = const { Cell::new(false) });

struct Tracing;

// SAFETY: what is asked for is passed on unchanged.
unsafe impl GlobalAlloc for Tracing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Not what tracing takes for that itself: it would have no end.
        if TRACES.replace(false) {
            memory(layout.size());
            TRACES.set(true);
        }
        // SAFETY: the layout is the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: both are the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Tracing = Tracing;

fn memory(bytes: usize) {
    trace_span!("memory", bytes).in_scope(|| ());
}

/// Fails if it takes longer than anything that does not wait for itself.
#[track_caller]
fn check(run: impl FnOnce() + Send + 'static) {
    let (says, said) = mpsc::channel();
    std::thread::spawn(move || {
        run();
        says.send(()).ok();
    });
    assert!(said.recv_timeout(Duration::from_secs(20)).is_ok(), "it waits for itself");
}

macro_rules! callsites {
    ($($name:ident)*) => { [$(|| info_span!(stringify!($name))),*] };
}

#[test]
fn an_allocator_that_traces_holds_up_nobody() {
    // Some of them are one more than there is room for in a table.
    let callsites: [fn() -> Span; 30] = callsites!(a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd);
    // What tracing itself does for a new one has been done.
    with_default(tracing_subscriber::registry(), || {
        callsites.iter().for_each(|open| drop(open()));
        memory(0);
    });
    // For all of the process: a subscriber of a thread is never called out of itself.
    let hold = HoldMode::Hold { silence: Duration::from_secs(60), settle: Duration::from_millis(10) };
    let recorder = Recorder::builder().hold(hold).build();
    let control = recorder.control();
    control.command(Command::Continue);
    tracing::subscriber::set_global_default(recorder.subscriber()).expect("it is the only one");
    for open in callsites {
        // A thread of its own, that has no callsite at hand.
        check(move || {
            TRACES.set(true);
            let span = open();
            TRACES.set(false);
            drop(span);
        });
    }
    let watched = recorder.clone();
    check(move || {
        TRACES.set(true);
        for number in 0..20_000 {
            info_span!("many", number, text = %number).in_scope(|| ());
        }
        let _ = watched.counts();
        TRACES.set(false);
    });
    let counts = recorder.counts();
    assert!(counts.spans > 20_030 && counts.unnumbered == 0, "{counts:?}");
}
