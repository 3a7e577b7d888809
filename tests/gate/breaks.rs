//! Breakpoints: who stops there, whatever the gate is doing.

use spanwalk::trace::{Breakpoint, BreakpointId, Breakpoints, Chain, ChainStep, Condition};
use tracing::{debug_span, field};

use super::*;

fn chain() -> Chain {
    let key = Key { name: "c".to_owned(), target: "gate::breaks".to_owned() };
    Chain::new(vec![ChainStep { id: "step.c".to_owned(), key }])
}

/// Breakpoints as they are typed.
fn list(texts: &[&str]) -> Vec<Breakpoint> {
    let mut list = Breakpoints::default();
    for text in texts {
        let (condition, rule) = Condition::parse(text, &chain()).unwrap();
        list.add(condition, rule);
    }
    list.all().to_vec()
}

impl Walk {
    fn set(&self, breakpoints: Vec<Breakpoint>) {
        self.control().command(Command::Breakpoints(breakpoints));
    }

    /// The breakpoint that it stands at, and how often that was hit.
    fn at(&self) -> Option<(u32, u64)> {
        let status = self.control().status();
        status.on.map(|on| (on.0, status.hits_of(on)))
    }
}

/// Calls with fields, as `work` says: each `a(size)`, inside it `c`.
fn sized(sizes: &'static [u64]) -> impl FnOnce() + Send {
    move || {
        for size in sizes {
            debug_span!("a", size, late = field::Empty).in_scope(|| {
                tracing::Span::current().record("late", 7);
                debug_span!("c").in_scope(nothing);
            });
        }
    }
}

/// The stops of a program that goes freely but for these breakpoints, each with the breakpoint and its hits.
#[track_caller]
fn check(hold: HoldMode, breakpoints: &[&str], program: impl FnOnce() + Send + 'static, expected: &[(&str, u32, u64)]) {
    let mut walk = Walk::new(hold);
    walk.set(list(breakpoints));
    walk.control().command(Command::Continue);
    let program = walk.thread("main", program);
    for (stop, on, hits) in expected {
        assert_eq!((walk.stop(), walk.at()), ((*stop).to_owned(), Some((*on, *hits))));
        walk.control().command(Command::Continue);
    }
    // Not stopped once more: the join would wait for ever.
    program.join().unwrap();
    assert_eq!(walk.control().status().run, Run::Free);
}

const HOLD: HoldMode = HoldMode::Hold { silence: LONG, settle: LONG };

#[test]
fn a_program_that_goes_freely_stops_where_a_call_begins_by_name_target_lane_file_and_step() {
    let c: &[_] = &[("main enter c", 1, 1), ("main enter c", 1, 2)];
    check(HOLD, &["name=c"], sized(&[1, 2]), c);
    check(HOLD, &["step:step.c"], sized(&[1, 2]), c);
    check(HOLD, &["step:1 lane:main"], sized(&[1, 2]), c);
    check(HOLD, &["target:gate::breaks file:breaks.rs !name:a"], sized(&[1, 2]), c);
    check(HOLD, &["name=c lane:other"], sized(&[1, 2]), &[]);
    check(HOLD, &["target:server"], sized(&[1, 2]), &[]);
}

#[test]
fn fields_count_as_they_are_when_the_call_begins() {
    check(HOLD, &["field.size>1"], sized(&[1, 2, 3]), &[("main enter a", 1, 1), ("main enter a", 1, 2)]);
    check(HOLD, &["field.size:2"], sized(&[1, 2, 3]), &[("main enter a", 1, 1)]);
    check(HOLD, &["field.late:7"], sized(&[1, 2, 3]), &[]);
    let recorded_before = || {
        let span = debug_span!("a", late = field::Empty);
        span.record("late", 7);
        span.in_scope(nothing);
    };
    check(HOLD, &["field.late:7"], recorded_before, &[("main enter a", 1, 1)]);
}

#[test]
fn a_rule_chooses_among_the_hits_and_all_are_counted() {
    const SIX: &[u64] = &[1, 2, 3, 4, 5, 6];
    check(HOLD, &["name=a #3"], sized(SIX), &[("main enter a", 1, 3)]);
    check(HOLD, &["name=a #5+"], sized(SIX), &[("main enter a", 1, 5), ("main enter a", 1, 6)]);
    check(HOLD, &["name=a #%3"], sized(SIX), &[("main enter a", 1, 3), ("main enter a", 1, 6)]);
    check(HOLD, &["name=a #7"], sized(SIX), &[]);
}

#[test]
fn several_breakpoints_each_count_and_the_first_that_stops_is_named() {
    let expected = [("main enter a", 2, 1), ("main enter c", 3, 1), ("main enter a", 1, 2), ("main enter c", 3, 2)];
    check(HOLD, &["name=a #2", "field.size:", "name=c"], sized(&[1, 2]), &expected);
}

#[test]
fn a_recorder_that_only_follows_stops_at_a_breakpoint_too() {
    check(HoldMode::Follow, &["name=c #2"], sized(&[1, 2, 3]), &[("main enter c", 1, 2)]);
}

#[test]
fn the_layer_stops_where_the_subscriber_does() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let recorder = Recorder::builder().hold(HOLD).build();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(recorder.layer()));
    let (control, reader) = (Some(recorder.control()), recorder.reader());
    let mut walk = Walk { reader, control, dispatch, log: Log::new() };
    walk.set(list(&["field.size:2"]));
    walk.control().command(Command::Continue);
    let program = walk.thread("main", sized(&[1, 2, 3]));
    assert_eq!((walk.stop(), walk.at()), ("main enter a".to_owned(), Some((1, 1))));
    walk.finish();
    program.join().unwrap();
}

#[test]
fn what_is_off_neither_stops_nor_counts_and_goes_on_counting_when_it_is_on_again() {
    let mut walk = Walk::stepping();
    let (mut off, on) = (list(&["name=c"]), list(&["name=c"]));
    off[0].is_on = false;
    walk.set(on.clone());
    let program = walk.thread("main", || (0..4).for_each(|_| call("c", nothing)));
    assert_eq!((walk.stop(), walk.at()), ("main enter c".to_owned(), Some((1, 1))));
    walk.set(off);
    assert_eq!(walk.at(), None, "it stands at nothing that is on");
    walk.all_into(&["main exit c", "main enter c"]);
    assert_eq!(walk.at(), None);
    walk.set(on);
    assert_eq!(walk.after(Command::Continue), "main enter c");
    assert_eq!(walk.at(), Some((1, 2)), "the one that came while it was off does not count");
    walk.set(list(&["name=c #2"]));
    assert_eq!(walk.control().status().hits_of(BreakpointId(1)), 0, "another rule counts anew");
    walk.set(Vec::new());
    assert_eq!(walk.control().status().hits, []);
    walk.finish();
    program.join().unwrap();
}

#[test]
fn a_breakpoint_ends_over_out_and_runs_to_elsewhere() {
    let far = Command::RunTo(Target::Name("d".to_owned()));
    for command in [Command::Over, Command::Out, Command::NextLane, far] {
        let mut walk = Walk::stepping();
        walk.set(list(&["name=c"]));
        let program = walk.thread("main", nested);
        assert_eq!(walk.stop(), "main enter a");
        assert_eq!(walk.at(), None);
        assert_eq!(walk.after(command.clone()), "main enter c", "{command:?}");
        assert_eq!(walk.at(), Some((1, 1)));
        walk.finish();
        program.join().unwrap();
    }
}

#[test]
fn who_stops_there_while_another_is_shown_is_shown_before_the_next_run() {
    let mut walk = Walk::stepping();
    walk.set(list(&["name=b"]));
    let one = walk.thread("one", || call("a", nothing));
    assert_eq!(walk.stop(), "one enter a");
    let two = walk.thread("two", || call("b", nothing));
    while walk.control().status().held.len() < 2 {}
    assert_eq!((walk.stop(), walk.at()), ("one enter a".to_owned(), None));
    assert_eq!(walk.after(Command::Continue), "two enter b");
    assert_eq!((walk.at(), walk.control().status().held.len()), (Some((1, 1)), 2));
    walk.finish();
    one.join().unwrap();
    two.join().unwrap();
}

#[test]
fn while_one_stands_at_a_breakpoint_everybody_else_stands_still() {
    let mut walk = Walk::stepping();
    walk.set(list(&["name=b"]));
    walk.control().command(Command::Continue);
    let one = walk.thread("one", || call("b", nothing));
    assert_eq!(walk.stop(), "one enter b");
    let two = walk.thread("two", || call("a", nothing));
    // Nobody asked for this: no breakpoint is there.
    while walk.control().status().held.len() < 2 {}
    assert_eq!(walk.stop(), "one enter b");
    assert_eq!(walk.after(Command::NextLane), "two enter a");
    assert_eq!(walk.at(), None);
    walk.finish();
    one.join().unwrap();
    two.join().unwrap();
}

#[test]
fn two_threads_that_go_freely_stop_one_after_the_other_and_every_hit_is_counted() {
    const EACH: u64 = 50;
    let mut walk = Walk::stepping();
    walk.set(list(&["name=b #%10"]));
    walk.control().command(Command::Continue);
    let work = || (0..EACH).for_each(|_| call("a", || call("b", nothing)));
    let threads = [walk.thread("one", work), walk.thread("two", work)];
    for stop in 1..=EACH / 5 {
        assert!(walk.stop().ends_with("enter b"));
        assert_eq!(walk.at().map(|at| at.0), Some(1));
        assert!(walk.at().unwrap().1 >= stop * 10);
        walk.control().command(Command::Continue);
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(walk.control().status().hits_of(BreakpointId(1)), 2 * EACH);
}

#[test]
fn whoever_is_held_at_a_breakpoint_goes_on_when_the_viewer_is_silent_or_gone() {
    let silence = Duration::from_millis(300);
    let mut walk = Walk::new(HoldMode::Hold { silence, settle: LONG });
    walk.set(list(&["name=c"]));
    walk.control().command(Command::Continue);
    let program = walk.thread("main", nested);
    assert_eq!(walk.stop(), "main enter c");
    program.join().unwrap();
    assert!(walk.control().status().detached);

    let mut walk = Walk::stepping();
    walk.set(list(&["name=c"]));
    walk.control().command(Command::Continue);
    let program = walk.thread("main", nested);
    walk.stop();
    walk.control = None;
    program.join().unwrap();
}

#[test]
fn a_panicking_thread_is_not_held_at_a_breakpoint() {
    struct CallsInDrop;
    impl Drop for CallsInDrop {
        fn drop(&mut self) {
            call("d", nothing);
        }
    }
    let walk = Walk::stepping();
    walk.set(list(&["name=d"]));
    walk.control().command(Command::Continue);
    let program = walk.thread("main", || {
        let _guard = CallsInDrop;
        panic!("the program fails, as this test wants");
    });
    assert!(program.join().is_err());
    assert_eq!(walk.control().status().hits_of(BreakpointId(1)), 0);
}

#[test]
fn a_new_log_keeps_the_breakpoints_and_counts_them_anew() {
    let recorder = Recorder::builder().hold(HOLD).build();
    let (control, dispatch) = (recorder.control(), Dispatch::new(recorder.subscriber()));
    control.command(Command::Breakpoints(list(&["name=c"])));
    control.command(Command::Continue);
    let run = |name: &str| {
        let dispatch = dispatch.clone();
        let run = move || dispatcher::with_default(&dispatch, nested);
        std::thread::Builder::new().name(name.to_owned()).spawn(run).unwrap()
    };
    let program = run("one");
    assert!(control.wait_for_stop(LONG).on.is_some());
    control.command(Command::Continue);
    program.join().unwrap();
    recorder.restart(HoldMode::Follow);
    assert_eq!(control.status().hits, [(BreakpointId(1), 0)]);
    let program = run("two");
    let status = control.wait_for_stop(LONG);
    assert_eq!((status.on, status.hits_of(BreakpointId(1))), (Some(BreakpointId(1)), 1));
    control.command(Command::Continue);
    program.join().unwrap();
}
