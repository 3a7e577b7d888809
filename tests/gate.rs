//! The gate, driven as a person drives it, over small programs that know nothing of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "gate/breaks.rs"]
mod breaks;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use spanwalk::record::{Control, HoldMode, Reader, Recorder};
use spanwalk::trace::{Activity, Command, Key, Log, Run, Target};
use tracing::{Dispatch, Instrument as _, debug_span, dispatcher};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Longer than anything takes here; only a failure waits for it.
const LONG: Duration = Duration::from_secs(20);

struct Walk {
    reader: Reader,
    control: Option<Control>,
    dispatch: Dispatch,
    log: Log,
}

impl Walk {
    fn new(hold: HoldMode) -> Self {
        let recorder =
            Recorder::builder().hold(hold).filter(Targets::new().with_target("gate", LevelFilter::TRACE)).build();
        let dispatch = Dispatch::new(recorder.subscriber());
        let (control, reader) = (Some(recorder.control()), recorder.reader());
        Self { reader, control, dispatch, log: Log::new() }
    }

    fn stepping() -> Self {
        Self::new(HoldMode::Hold { silence: LONG, settle: LONG })
    }

    fn thread(&self, name: &str, program: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        let dispatch = self.dispatch.clone();
        let run = move || dispatcher::with_default(&dispatch, program);
        std::thread::Builder::new().name(name.to_owned()).spawn(run).unwrap()
    }

    fn control(&self) -> &Control {
        self.control.as_ref().unwrap()
    }

    fn read(&mut self) {
        self.reader.read_into(&mut self.log, Duration::ZERO);
    }

    /// Waits for the next stop: `lane enter name` or `lane exit name`.
    #[track_caller]
    fn stop(&mut self) -> String {
        let status = self.control().wait_for_stop(LONG);
        let Run::Paused(stop) = status.run else { panic!("no stop: {status:?}") };
        self.read();
        let lane = &self.log.lane(stop.lane).unwrap().name;
        let span = &self.log.span(stop.span).unwrap().callsite.name;
        assert_eq!(self.log.latest().paused(), Some(stop), "the log shows the same lane as paused as the gate");
        format!("{lane} {} {span}", stop.edge.word())
    }

    /// Gives a command and waits for the stop it leads to.
    #[track_caller]
    fn after(&mut self, command: Command) -> String {
        self.control().command(command);
        self.stop()
    }

    #[track_caller]
    fn all_into(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.after(Command::Into), *expected);
        }
    }

    fn finish(&self) {
        self.control().command(Command::Continue);
    }
}

fn call(name: &'static str, inside: impl FnOnce()) {
    // The name is a field of the macro, so a match makes it one.
    let span = match name {
        "a" => debug_span!("a"),
        "b" => debug_span!("b"),
        "c" => debug_span!("c"),
        "d" => debug_span!("d"),
        other => panic!("no span {other}"),
    };
    span.in_scope(inside);
}

fn nothing() {}

/// a( b( c ) d )
fn nested() {
    call("a", || {
        call("b", || call("c", nothing));
        call("d", nothing);
    });
}

#[test]
fn into_stops_at_every_enter_and_exit_in_order() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", nested);
    assert_eq!(walk.stop(), "main enter a");
    walk.all_into(&["main enter b", "main enter c", "main exit c", "main exit b", "main enter d", "main exit d"]);
    walk.all_into(&["main exit a"]);
    walk.finish();
    program.join().unwrap();
}

#[test]
fn over_goes_to_the_end_of_the_call_and_from_there_to_the_next() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", nested);
    assert_eq!(walk.stop(), "main enter a");
    assert_eq!(walk.after(Command::Into), "main enter b");
    assert_eq!(walk.after(Command::Over), "main exit b");
    assert_eq!(walk.after(Command::Over), "main enter d");
    assert_eq!(walk.after(Command::Over), "main exit d");
    assert_eq!(walk.after(Command::Over), "main exit a");
    walk.finish();
    program.join().unwrap();
}

#[test]
fn out_goes_to_the_end_of_the_call_around() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", nested);
    walk.stop();
    walk.all_into(&["main enter b", "main enter c"]);
    assert_eq!(walk.after(Command::Out), "main exit b");
    assert_eq!(walk.after(Command::Out), "main exit a");
    walk.finish();
    program.join().unwrap();
}

#[test]
fn runs_end_at_their_target() {
    let key = |name: &str| Key { name: name.to_owned(), target: "gate".to_owned() };
    let mut walk = Walk::stepping();
    let program = walk.thread("main", || {
        nested();
        nested();
    });
    walk.stop();
    assert_eq!(walk.after(Command::RunTo(Target::Name("d".to_owned()))), "main enter d");
    assert_eq!(walk.after(Command::RunTo(Target::Call(key("c")))), "main enter c");
    walk.finish();
    program.join().unwrap();

    let mut walk = Walk::stepping();
    let program = walk.thread("main", || {
        nested();
        nested();
    });
    walk.stop();
    let after = Target::After { first: key("d"), call: key("c") };
    assert_eq!(walk.after(Command::RunTo(after)), "main enter c");
    assert_eq!(walk.log.latest().lanes()[0].stack.len(), 3);
    let opened = walk.log.events_in(..).filter(|event| event.kind.word() == "open").count();
    assert_eq!(opened, 7, "the second c, not the first");
    walk.finish();
    program.join().unwrap();
}

/// Main waits inside `b` for what another lane does in `c`.
fn main_needs_worker(walk: &Walk) -> [JoinHandle<()>; 2] {
    let (send, receive) = mpsc::channel();
    let worker = walk.thread("worker", move || {
        call("c", || send.send(()).unwrap());
        call("d", nothing);
    });
    let main = walk.thread("main", move || {
        call("a", || {
            debug_span!("b", blocks = "the worker").in_scope(|| receive.recv().unwrap());
        });
    });
    [main, worker]
}

#[test]
fn over_lets_the_lanes_run_that_the_call_needs() {
    let mut walk = Walk::stepping();
    let threads = main_needs_worker(&walk);
    // Either lane may be the first; both are held before anything goes on.
    while walk.stop().is_empty() || walk.control().status().held.len() < 2 {}
    if walk.stop().starts_with("worker") {
        assert_eq!(walk.after(Command::NextLane), "main enter a");
    }
    assert_eq!(walk.after(Command::Into), "main enter b");
    assert_eq!(walk.after(Command::Over), "main exit b");
    walk.finish();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_lane_that_is_held_is_shown_when_the_stepped_one_blocks() {
    let mut walk = Walk::stepping();
    let threads = main_needs_worker(&walk);
    while walk.stop().is_empty() || walk.control().status().held.len() < 2 {}
    if walk.stop().starts_with("worker") {
        assert_eq!(walk.after(Command::NextLane), "main enter a");
    }
    walk.all_into(&["main enter b", "worker enter c"]);
    let main = walk.log.latest().lane_named("main").unwrap();
    assert_eq!(walk.log.latest().activity(main), Activity::Waiting("the worker".to_owned()));
    walk.finish();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_lane_that_is_held_is_shown_when_the_stepped_one_does_not_settle() {
    let mut walk = Walk::new(HoldMode::Hold { silence: LONG, settle: Duration::from_millis(20) });
    let (send, receive) = mpsc::channel();
    let main = walk.thread("main", move || {
        call("a", || receive.recv().unwrap());
    });
    assert_eq!(walk.stop(), "main enter a");
    let worker = walk.thread("worker", move || call("c", || send.send(()).unwrap()));
    while walk.control().status().held.len() < 2 {}
    assert_eq!(walk.after(Command::Into), "worker enter c");
    walk.finish();
    main.join().unwrap();
    worker.join().unwrap();
}

#[test]
fn next_lane_goes_round_the_held_lanes_and_back() {
    let mut walk = Walk::stepping();
    let one = walk.thread("one", || call("a", nothing));
    let two = walk.thread("two", || call("b", nothing));
    while walk.stop().is_empty() || walk.control().status().held.len() < 2 {}
    let first = walk.stop();
    let second = walk.after(Command::NextLane);
    assert_ne!(first, second);
    assert_eq!(walk.after(Command::NextLane), first);
    walk.finish();
    one.join().unwrap();
    two.join().unwrap();
}

#[test]
fn continue_holds_nobody_until_pause() {
    let mut walk = Walk::stepping();
    let (send, receive) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel::<()>();
    let program = walk.thread("main", move || {
        nested();
        done.send(()).unwrap();
        receive.recv().unwrap();
        call("a", nothing);
    });
    walk.stop();
    walk.control().command(Command::Continue);
    assert_eq!(walk.control().status().run, Run::Free);
    is_done.recv().unwrap();
    walk.control().command(Command::Pause);
    send.send(()).unwrap();
    assert_eq!(walk.stop(), "main enter a");
    walk.finish();
    program.join().unwrap();
}

#[test]
fn a_future_is_held_at_its_first_poll_and_at_its_end_only() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let yields = async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            call("c", nothing);
        };
        let task = yields.instrument(debug_span!("a", lane = "task"));
        runtime.block_on(async { tokio::spawn(task).await.unwrap() });
        call("d", nothing);
    });
    assert_eq!(walk.stop(), "task enter a");
    walk.all_into(&["task enter c", "task exit c", "task exit a", "main enter d"]);
    let a = walk.log.span(walk.log.events_in(..).find_map(|event| event.kind.span()).unwrap()).unwrap();
    assert_eq!(walk.log.stretches(a.id).count(), 4, "three polls and the enter that the drop makes");
    walk.finish();
    program.join().unwrap();
}

#[test]
fn whoever_is_held_goes_on_when_the_viewer_is_gone() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", nested);
    walk.stop();
    walk.control = None;
    program.join().unwrap();
}

#[test]
fn whoever_is_held_goes_on_when_the_viewer_panics() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", nested);
    walk.stop();
    let control = walk.control.take().unwrap();
    let viewer = std::thread::spawn(move || {
        let _control = control;
        panic!("the viewer fails, as this test wants");
    });
    assert!(viewer.join().is_err());
    program.join().unwrap();
}

#[test]
fn whoever_is_held_goes_on_when_the_viewer_is_silent() {
    let silence = Duration::from_millis(600);
    let mut walk = Walk::new(HoldMode::Hold { silence, settle: LONG });
    let program = walk.thread("main", nested);
    let began = Instant::now();
    walk.stop();
    // From here on the viewer says nothing; the join would wait for ever.
    program.join().unwrap();
    assert!(began.elapsed() >= silence / 2, "it was held at all");
    assert!(walk.control().status().detached);
}

#[test]
fn signs_of_life_keep_the_gate_shut() {
    let mut walk = Walk::new(HoldMode::Hold { silence: Duration::from_secs(1), settle: LONG });
    let program = walk.thread("main", nested);
    walk.stop();
    let until = Instant::now() + Duration::from_millis(1_500);
    while Instant::now() < until {
        assert!(!walk.control().status().detached);
        std::thread::yield_now();
    }
    assert_eq!(walk.control().status().held.len(), 1);
    walk.finish();
    program.join().unwrap();
}

#[test]
fn a_panicking_thread_is_not_held() {
    struct CallsInDrop;
    impl Drop for CallsInDrop {
        fn drop(&mut self) {
            call("d", nothing);
        }
    }
    let mut walk = Walk::stepping();
    let program = walk.thread("main", || {
        let _guard = CallsInDrop;
        call("a", || panic!("the program fails, as this test wants"));
    });
    assert_eq!(walk.stop(), "main enter a");
    walk.control().command(Command::Into);
    assert!(program.join().is_err());
    assert!(!walk.control().status().detached, "it went on by itself, not because the viewer was taken for dead");
    walk.read();
    let entered = walk.log.events_in(..).filter(|event| event.kind.word() == "enter").count();
    assert_eq!(entered, 2, "d was recorded all the same");
}

#[test]
fn program_time_stands_still_while_a_person_holds() {
    let mut walk = Walk::stepping();
    let program = walk.thread("main", nested);
    walk.stop();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(30) {
        let _ = walk.control().status();
    }
    walk.finish();
    program.join().unwrap();
    walk.read();
    let raw = walk.log.time_at(walk.log.len());
    let program_time = walk.log.clock().program(raw);
    assert!(raw.since(program_time) >= 30_000_000, "raw {raw}, program {program_time}");
}

#[test]
fn the_gate_is_taken_down_with_its_last_control_and_not_before() {
    let recorder = Recorder::builder().hold(HoldMode::stepping()).build();
    let (kept, other) = (recorder.control(), recorder.control());
    drop(other);
    drop(recorder.control());
    assert!(!kept.status().detached);
    drop(kept);
    assert!(recorder.control().status().detached);
}
