//! What is hard on a recorder: panics, threads that come and go, values of every kind and size, a filter that changes,
//! a ring that is much too small. On both faces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recorded;

use std::cell::OnceCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::time::Duration;

use recorded::reference::lines;
use spanwalk::record::{Builder, Recorder};
use spanwalk::trace::{Field, Kind, Log, Value};
use tracing::{Dispatch, Span, debug, debug_span, dispatcher, info, info_span, trace_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// How a recorder is connected.
type Face = (&'static str, fn(&Recorder) -> Dispatch);

const FACES: [Face; 3] = [
    ("subscriber", |recorder| Dispatch::new(recorder.subscriber())),
    ("layer", |recorder| Dispatch::new(tracing_subscriber::registry().with(recorder.layer()))),
    ("layer with the filter on the stack", |recorder| {
        Dispatch::new(tracing_subscriber::registry().with(recorder.layer().with_filter(recorder.filter())))
    }),
];

/// A recorder of what these tests do, in the order in which it is done.
fn recorder() -> Builder {
    Recorder::builder().counted_clock().filter(Targets::new().with_target("hard", LevelFilter::TRACE))
}

fn read(recorder: &Recorder) -> Log {
    let mut log = Log::new();
    recorder.reader().read_into(&mut log, Duration::ZERO);
    log
}

/// Runs a program on each face, on a thread of its own, with a recorder of its own.
#[track_caller]
fn on_every_face(builder: impl Fn() -> Builder, run: impl Fn(&Recorder) + Sync, check: impl Fn(&str, &Recorder, &Log)) {
    on(&FACES, builder, run, check);
}

#[track_caller]
fn on(
    faces: &[Face],
    builder: impl Fn() -> Builder,
    run: impl Fn(&Recorder) + Sync,
    check: impl Fn(&str, &Recorder, &Log),
) {
    for (name, face) in faces {
        let recorder = builder().build();
        let dispatch = face(&recorder);
        std::thread::scope(|scope| {
            let work = || dispatcher::with_default(&dispatch, || run(&recorder));
            let ran = std::thread::Builder::new().name("main".to_owned()).spawn_scoped(scope, work).unwrap().join();
            if let Err(panic) = ran {
                std::panic::resume_unwind(panic);
            }
        });
        check(name, &recorder, &read(&recorder));
    }
}

/// What every face tells of a program that runs on one thread, named `main`; that it ends its lane is left out.
#[track_caller]
fn check(run: impl Fn(&Recorder) + Sync, expected: &[&str]) {
    check_with(recorder, run, expected);
}

#[track_caller]
fn check_with(builder: impl Fn() -> Builder, run: impl Fn(&Recorder) + Sync, expected: &[&str]) {
    on_every_face(builder, run, |name, _, log| {
        let told: Vec<String> = lines(log).into_iter().filter(|line| !line.starts_with("lane_close")).collect();
        let told: Vec<String> = told.iter().map(|line| line.replace(" on main in main:", "")).collect();
        assert_eq!(told, expected, "{name}");
    });
}

/// Panics as a program may, without telling everybody on standard error.
fn quiet_panic() -> ! {
    std::panic::resume_unwind(Box::new("on purpose"))
}

#[derive(Clone, Copy)]
struct Bomb;

impl fmt::Debug for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "half of it")?;
        quiet_panic()
    }
}

#[test]
fn a_panic_leaves_and_closes_what_it_unwinds_through() {
    check(
        |_| {
            let outer = info_span!("outer");
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _outer = outer.enter();
                let _middle = info_span!("middle").entered();
                info_span!("innermost").in_scope(|| quiet_panic())
            }));
            assert!(caught.is_err() && Span::current().is_none());
            info_span!("after").in_scope(|| info!("goes on"));
        },
        &[
            "lane_open on main in main",
            "open 1 outer inside nothing",
            "enter 1",
            "open 2 middle inside 1",
            "enter 2",
            "open 3 innermost inside 2",
            "enter 3",
            "exit 3",
            "close 3",
            "exit 2",
            "close 2",
            "exit 1",
            "open 4 after inside nothing",
            "enter 4",
            "note inside 4 message=goes on",
            "exit 4",
            "close 4",
            "close 1",
        ],
    );
}

#[test]
fn a_value_that_panics_while_it_is_formatted_costs_its_own_record_and_no_other() {
    check(
        |_| {
            let around = info_span!("around", late = tracing::field::Empty).entered();
            // A registry never lets go of the parent of a span that was not finished being opened: so it has none.
            assert!(catch_unwind(|| info_span!(parent: None, "bomb", value = ?Bomb)).is_err());
            assert!(catch_unwind(|| info!(value = ?Bomb, "bomb")).is_err());
            let record = || around.record("late", tracing::field::debug(Bomb)).is_none();
            assert!(catch_unwind(AssertUnwindSafe(record)).is_err());
            around.record("late", 7);
            info_span!("inside", text = %"whole").in_scope(|| ());
        },
        &[
            "lane_open on main in main",
            "open 1 around inside nothing",
            "enter 1",
            "record 1 late=7",
            "open 2 inside inside 1 text=whole",
            "enter 2",
            "exit 2",
            "close 2",
            "exit 1",
            "close 1",
        ],
    );
}

#[test]
fn spans_outlive_the_threads_that_opened_and_entered_them() {
    let run = |recorder: &Recorder| {
        let dispatch = dispatcher::get_default(Clone::clone);
        let work = move || {
            dispatcher::with_default(&dispatch, || {
                let span = info_span!("handed on", number = 7);
                span.in_scope(|| info!("here"));
                // Still entered when its thread ends.
                std::mem::forget(info_span!("never left").entered());
                span
            })
        };
        let span = std::thread::Builder::new().name("gone".to_owned()).spawn(work).unwrap().join().unwrap();
        // That it has ended is noticed by whoever looks.
        assert_eq!(recorder.counts().spans, 2);
        span.in_scope(|| info_span!("inside").in_scope(|| ()));
    };
    on_every_face(recorder, run, |name, recorder, log| {
        let told: Vec<String> =
            lines(log).into_iter().filter(|line| !line.contains("lane_") && !line.contains("note ")).collect();
        let expected = [
            "open on gone in gone: 1 handed on inside nothing number=7",
            "enter on gone in gone: 1",
            "exit on gone in gone: 1",
            "open on gone in gone: 2 never left inside nothing",
            "enter on gone in gone: 2",
            "exit on gone in gone: 2",
            "enter on main in gone: 1",
            "open on main in gone: 3 inside inside 1",
            "enter on main in gone: 3",
            "exit on main in gone: 3",
            "close on main in gone: 3",
            "exit on main in gone: 1",
            "close on main in gone: 1",
        ];
        assert_eq!(told, expected, "{name}");
        assert_eq!(recorder.counts().spans, 3);
    });
}

#[test]
fn threads_beyond_number_lose_nothing_in_the_least_room() {
    const THREADS: usize = 64;
    const SPANS: usize = 1_000;
    // No thread may have more than a page or two to itself: all run out of room all the time.
    let builder = || Recorder::builder().in_flight(0).filter(Targets::new().with_target("hard", LevelFilter::TRACE));
    let run = |_: &Recorder| {
        let (dispatch, begin) = (dispatcher::get_default(Clone::clone), Barrier::new(THREADS));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (dispatch, begin) = (&dispatch, &begin);
                let work = move || {
                    dispatcher::with_default(dispatch, || {
                        begin.wait();
                        for number in 0..SPANS {
                            let _outer = info_span!("outer", thread, number).entered();
                            info_span!("inner", text = "of some length, so that pages are full soon").in_scope(|| ());
                        }
                    });
                };
                std::thread::Builder::new().name(format!("thread {thread}")).spawn_scoped(scope, work).unwrap();
            }
        });
    };
    on_every_face(builder, run, |name, recorder, log| {
        assert_eq!(recorder.counts().spans, (THREADS * SPANS * 2) as u64, "{name}");
        let mut next = [0; THREADS];
        let mut closed = 0;
        for event in log.events_in(..) {
            match &event.kind {
                Kind::Open { callsite, fields, .. } if &*callsite.name == "outer" => {
                    let number = |at: usize| fields[at].value.to_string().parse::<usize>().unwrap();
                    assert_eq!(*event.thread.name, format!("thread {}", number(0)), "{name}");
                    assert_eq!(number(1), next[number(0)], "{name}: in order on its thread");
                    next[number(0)] += 1;
                }
                Kind::Close { .. } => closed += 1,
                _ => {}
            }
        }
        assert_eq!(next, [SPANS; THREADS], "{name}");
        assert_eq!(closed, THREADS * SPANS * 2, "{name}");
    });
}

#[test]
fn a_text_of_megabytes_is_cut_where_it_is_said_and_counted() {
    const LIMIT: usize = 64 << 10;
    // Two bytes a letter, and one before them: the limit is within a letter.
    let long = format!("a{}", "ä".repeat(5 << 19));
    let whole = "b".repeat(LIMIT);
    let run = |_: &Recorder| {
        let _span = info_span!("long", text = long, shown = %long, debug = ?long, after = 7).entered();
        info!(text = long);
        info_span!("whole", text = whole, again = whole, third = %whole).in_scope(|| ());
    };
    on_every_face(recorder, run, |name, recorder, log| {
        assert_eq!(recorder.counts().cut_texts, 4, "{name}");
        let cut = |quote: &str| format!("{quote}{}…", &long[..LIMIT - 1 - quote.len()]);
        let mut seen = 0;
        for event in log.events_in(..) {
            let (Kind::Open { fields, .. } | Kind::Note { fields, .. }) = &event.kind else { continue };
            for field in fields {
                let (Field { name: field, value }, text) = (field, field.value.as_str());
                match (&**field, text) {
                    ("text" | "again" | "third", Some(text)) if text.starts_with('b') => {
                        assert!(text == whole, "{name}");
                    }
                    ("text" | "shown", Some(text)) => assert!(text == cut(""), "{name}: {field}"),
                    ("debug", Some(text)) => assert!(text == format!("\"{}…", &long[..LIMIT - 1]), "{name}"),
                    _ => assert_eq!((&**field, value), ("after", &Value::I64(7)), "{name}"),
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 8, "{name}");
    });
}

#[derive(Debug)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it failed")
    }
}

impl std::error::Error for Failed {}

#[test]
fn a_value_of_every_type_comes_as_what_it_is() {
    let run = |_: &Recorder| {
        let error: &(dyn std::error::Error + 'static) = &Failed;
        let span = info_span!(
            "values",
            i64 = i64::MIN,
            u64 = u64::MAX,
            i128 = i128::MIN,
            u128 = u128::MAX,
            f64 = -0.5,
            bool = true,
            str = "text",
            bytes = &b"\x00\xff"[..],
            error = error,
            debug = ?Some(1),
            display = %Failed,
            none = Option::<u64>::None,
            some = Some(8_u8),
            boxed = Box::new(9_i16),
            later = tracing::field::Empty,
            never = tracing::field::Empty,
        );
        span.record("later", u128::MAX).record("no such field", 7);
    };
    let text = |text: &str| Value::Str(text.into());
    let expected = [
        ("i64", Value::I64(i64::MIN)),
        ("u64", Value::U64(u64::MAX)),
        ("i128", Value::I128(i128::MIN)),
        ("u128", Value::U128(u128::MAX)),
        ("f64", Value::F64(-0.5)),
        ("bool", Value::Bool(true)),
        ("str", text("text")),
        ("bytes", text("[00 ff]")),
        ("error", text("it failed")),
        ("debug", text("Some(1)")),
        ("display", text("it failed")),
        ("some", Value::U64(8)),
        ("boxed", Value::I64(9)),
    ];
    on_every_face(recorder, run, |name, _, log| {
        let mut told = Vec::new();
        for event in log.events_in(..) {
            if let Kind::Open { fields, .. } | Kind::Record { fields, .. } = event.kind {
                told.push(fields);
            }
        }
        let opened: Vec<_> = told[0].iter().map(|field| (&*field.name, field.value.clone())).collect();
        assert_eq!(opened, expected, "{name}");
        assert_eq!(told[1..], [[Field { name: "later".into(), value: Value::U128(u128::MAX) }]], "{name}");
    });
}

#[test]
fn the_current_span_is_the_one_entered_last_on_this_thread() {
    check(
        |_| {
            let is_current = |span: &Span, name: &str| {
                let current = Span::current();
                current.id() == span.id() && current.metadata().map(tracing::Metadata::name) == Some(name)
            };
            assert!(Span::current().is_none());
            Span::none().in_scope(|| assert!(Span::current().is_none()));
            let (outer, inner) = (info_span!("outer"), info_span!("inner"));
            outer.in_scope(|| {
                assert!(is_current(&outer, "outer"));
                inner.in_scope(|| assert!(is_current(&inner, "inner")));
                // Entered twice it counts once.
                inner.in_scope(|| outer.in_scope(|| assert!(is_current(&inner, "inner"))));
                Span::none().in_scope(|| assert!(is_current(&outer, "outer")));
                let dispatch = dispatcher::get_default(Clone::clone);
                std::thread::scope(|scope| {
                    scope.spawn(|| dispatcher::with_default(&dispatch, || assert!(Span::current().is_none())));
                });
                info_span!(parent: Span::current(), "child").in_scope(|| ());
                info_span!(parent: Span::none(), "root").in_scope(|| ());
                outer.follows_from(Span::none());
                Span::none().follows_from(&outer);
                Span::none().record("field", 1);
            });
            assert!(Span::current().is_none());
        },
        &[
            "lane_open on main in main",
            "open 1 outer inside nothing",
            "open 2 inner inside nothing",
            "enter 1",
            "enter 2",
            "exit 2",
            "enter 2",
            "enter 1",
            "exit 1",
            "exit 2",
            "open 3 child inside 1",
            "enter 3",
            "exit 3",
            "close 3",
            "open 4 root inside nothing",
            "enter 4",
            "exit 4",
            "close 4",
            "exit 1",
            "close 2",
            "close 1",
        ],
    );
}

#[test]
fn a_filter_that_changes_holds_for_what_is_opened_from_then_on() {
    let at = |level| Targets::new().with_target("hard", level);
    check(
        |recorder| {
            let before = debug_span!("before").entered();
            recorder.set_filter(at(LevelFilter::INFO));
            let hidden = debug_span!("hidden");
            hidden.in_scope(|| {
                debug!("hidden");
                info_span!("shown").in_scope(|| ());
            });
            recorder.set_filter(at(LevelFilter::TRACE));
            // It was hidden when it was opened, and is to its end.
            hidden.in_scope(|| trace_span!("shown again").in_scope(|| ()));
            hidden.in_scope(|| ());
            drop(hidden);
            recorder.set_filter(Targets::new());
            info_span!("off").in_scope(|| info!("off"));
            drop(before);
            recorder.set_filter(at(LevelFilter::DEBUG));
            debug_span!("on").in_scope(|| trace_span!("off").in_scope(|| ()));
        },
        &[
            "lane_open on main in main",
            "open 1 before inside nothing",
            "enter 1",
            "open 2 shown inside 1",
            "enter 2",
            "exit 2",
            "close 2",
            "open 3 shown again inside 1",
            "enter 3",
            "exit 3",
            "close 3",
            "exit 1",
            "close 1",
            "open 4 on inside nothing",
            "enter 4",
            "exit 4",
            "close 4",
        ],
    );
}

#[test]
fn what_is_opened_under_a_wider_filter_is_recorded_to_its_end() {
    let at = |level| Targets::new().with_target("hard", level);
    check_with(
        || recorder().filter(at(LevelFilter::INFO)),
        |recorder| {
            let hidden = debug_span!("hidden").entered();
            recorder.set_filter(at(LevelFilter::DEBUG));
            let shown = debug_span!("shown").entered();
            recorder.set_filter(at(LevelFilter::INFO));
            drop(shown.exit());
            drop(hidden);
        },
        &["lane_open on main in main", "open 1 shown inside nothing", "enter 1", "exit 1", "close 1"],
    );
}

#[test]
fn what_was_open_before_everything_that_is_kept_is_in_every_picture() {
    const SPANS: u64 = 60_000;
    let ring = || recorder().chunk(1 << 10).ring(4 << 10);
    let run = |recorder: &Recorder| {
        let server = info_span!("server", lane = "hub", port = 8080, state = tracing::field::Empty).entered();
        let _waits = info_span!("waits", text = "it was long ago").entered();
        for number in 0..SPANS {
            info_span!("request", number).in_scope(|| ());
            if number % 10_000 == 0 {
                server.record("state", number);
            }
            if number % 10_000 == 9_999 {
                // Somebody who comes now.
                let log = read(recorder);
                let state = log.latest();
                let hub = state.lanes().iter().find(|lane| &*lane.name == "hub").unwrap();
                let frames: Vec<_> = hub.stack.iter().map(|frame| (&*frame.callsite.name, frame.is_entered)).collect();
                let mut expected = vec![("server", true), ("waits", true)];
                if frames[0].0 != "server" {
                    expected.reverse();
                }
                assert_eq!(frames, expected);
                let get = |name: &str| hub.stack.iter().find_map(|frame| frame.field(name)).unwrap().to_string();
                assert_eq!(get("port"), "8080");
                assert_eq!(get("state"), (number / 10_000 * 10_000).to_string());
                assert_eq!(get("text"), "it was long ago");
            }
        }
    };
    on_every_face(ring, run, |name, recorder, log| {
        let counts = recorder.counts();
        assert_eq!(counts.spans, SPANS + 2, "{name}");
        assert!(counts.bytes < 8 << 10, "{name}: {} bytes", counts.bytes);
        assert!(log.dropped() > SPANS, "{name}");
    });
}

// A registry panics when a thread-local that goes late enters a span: there is only the fast face to look at.
#[test]
fn what_a_thread_does_while_it_ends_is_recorded() {
    struct Last(Span);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.in_scope(|| self.0.record("number", 7));
        }
    }
    thread_local! {
        static AFTER: OnceCell<Last> = const { OnceCell::new() };
        static BEFORE: OnceCell<Last> = const { OnceCell::new() };
    }
    let run = |_: &Recorder| {
        let dispatch = dispatcher::get_default(Clone::clone);
        let work = move || {
            dispatcher::with_default(&dispatch, || {
                let open = || Last(info_span!("last", number = tracing::field::Empty));
                // What is used first goes last: after the recorder's own, and before it.
                AFTER.with(|last| drop(last.set(open())));
                BEFORE.with(|last| drop(last.set(open())));
            });
        };
        std::thread::Builder::new().name("main".to_owned()).spawn(work).unwrap().join().unwrap();
    };
    on(&FACES[..1], recorder, run, |name, _, log| {
        for span in [1, 2] {
            let told = lines(log).into_iter().filter(|line| line.contains(&format!(": {span}")));
            let told: Vec<String> = told.map(|line| line.replace(" in main:", "").replace(" on main", "")).collect();
            let expected = ["open", "enter", "record", "exit", "close"].map(|word| match word {
                "open" => format!("open {span} last inside nothing"),
                "record" => format!("record {span} number=7"),
                word => format!("{word} {span}"),
            });
            assert_eq!(told, expected, "{name}");
        }
    });
}

#[test]
fn spans_of_a_log_that_was_begun_anew_hold_up_nobody() {
    const ROUNDS: u64 = 100;
    let run = |recorder: &Recorder| {
        let dispatch = dispatcher::get_default(Clone::clone);
        let thread = |work: &(dyn Fn() + Sync)| {
            std::thread::scope(|scope| scope.spawn(|| dispatcher::with_default(&dispatch, work)).join().unwrap());
        };
        let old = std::sync::OnceLock::new();
        thread(&|| drop(old.set(info_span!("old"))));
        recorder.restart(spanwalk::record::HoldMode::Follow);
        thread(&|| {
            for _ in 0..ROUNDS {
                old.get().unwrap().in_scope(|| info_span!("new").in_scope(|| ()));
                info_span!(parent: old.get().unwrap(), "inside").in_scope(|| ());
            }
        });
        // Whoever looks once has it all.
        let closed = |log: &Log| log.events_in(..).filter(|event| matches!(event.kind, Kind::Close { .. })).count();
        assert_eq!(closed(&read(recorder)) as u64, 2 * ROUNDS);
    };
    on_every_face(recorder, run, |name, recorder, log| {
        assert_eq!(recorder.counts().spans, 2 * ROUNDS, "{name}");
        assert!(lines(log).iter().all(|line| !line.contains("old")), "{name}");
    });
}

#[test]
fn a_thread_may_record_for_one_recorder_after_another_without_end() {
    // Each takes one of the 16,383 numbers that there are for streams.
    for number in 0..17_000_u64 {
        let recorder = recorder().build();
        dispatcher::with_default(&Dispatch::new(recorder.subscriber()), || drop(info_span!("work", number)));
        assert_eq!(recorder.counts().spans, 1, "by recorder {number}");
    }
}

/// Runs something in so many tasks of tokio's, one after another, on this thread.
fn in_tasks(count: u64, run: impl Fn(u64) + Clone + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for number in 0..count {
            let run = run.clone();
            tokio::spawn(async move { run(number) }).await.unwrap();
        }
    });
}

/// How many lanes are not over at the end.
fn open_lanes(log: &Log) -> usize {
    log.latest().lanes().iter().filter(|lane| !lane.is_done).count()
}

#[test]
fn tasks_that_leave_nothing_open_leave_no_lane_open_for_ever() {
    const TASKS: u64 = 2_000;
    let check = |what: &str, run: fn(u64)| {
        on_every_face(
            recorder,
            |_| in_tasks(TASKS, run),
            |name, _, log| {
                let open = open_lanes(log);
                assert!(open < 300, "{open} lanes are open on {name} after tasks that {what}");
            },
        );
    };
    check("say something in no span", |number| info!(number, "said"));
    check("are one whole call", |number| info_span!("call", number).in_scope(|| ()));
    check("wake somebody", |_| info!(wakes = "nobody"));
    check("open a lane inside a span", |number| {
        let _around = info_span!("around").entered();
        info_span!("inside", lane = format!("lane-{number}")).in_scope(|| ());
    });
    check("end in a lane that was announced", |number| {
        let name = format!("lane-{number}");
        info!(opens_lane = name, task = true);
        let _around = info_span!("around").entered();
        info_span!("inside", lane = name).in_scope(|| ());
    });
}

#[test]
fn a_lane_that_was_announced_waits_until_it_runs_but_not_all_of_them_for_ever() {
    const ANNOUNCED: u64 = 1_000;
    let named = |log: &Log, name: &str| log.lanes().iter().filter(|lane| &*lane.name == name).count();
    let announce = |from: u64, to: u64| (from..to).for_each(|number| info!(opens_lane = format!("lane-{number}")));
    let run = |_: &Recorder| {
        announce(0, ANNOUNCED);
        in_tasks(ANNOUNCED, |number| info!(number, "another task"));
        let lanes = (0..ANNOUNCED).map(|number| info_span!(parent: None, "run", lane = format!("lane-{number}")));
        lanes.for_each(|span| span.in_scope(|| ()));
    };
    on_every_face(recorder, run, |name, _, log| {
        assert_eq!((named(log, "lane-0"), named(log, "lane-999")), (1, 1), "{name}");
        assert!(open_lanes(log) < 300, "{name}: {}", open_lanes(log));
    });
    on_every_face(
        recorder,
        |_| announce(0, 20 * ANNOUNCED),
        |name, _, log| assert!(open_lanes(log) < 5_000, "{name}: {}", open_lanes(log)),
    );
}

#[test]
fn threads_of_one_name_have_a_lane_each() {
    const THREADS: usize = 4;
    let run = |recorder: &Recorder| {
        let dispatch = dispatcher::get_default(Clone::clone);
        let barrier = Barrier::new(THREADS + 1);
        let held = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let spawn = |thread| {
                let (dispatch, barrier, held) = (&dispatch, &barrier, &held);
                let work = move || {
                    dispatcher::with_default(dispatch, || {
                        let outer = info_span!("outer", thread).entered();
                        info_span!("inner", thread).in_scope(|| {
                            barrier.wait();
                            barrier.wait();
                        });
                        held.lock().unwrap().push(outer.exit());
                    });
                };
                std::thread::Builder::new().name("worker".to_owned()).spawn_scoped(scope, work).unwrap()
            };
            let threads: Vec<_> = (0..THREADS).map(spawn).collect();
            barrier.wait();
            let log = read(recorder);
            let mut told: Vec<_> = log
                .latest()
                .lanes()
                .iter()
                .map(|lane| {
                    let frames = lane.stack.iter();
                    let frames = frames.map(|frame| format!("{} {}", frame.callsite.name, frame.fields[0].value));
                    (lane.name.to_string(), lane.thread.id, frames.collect::<Vec<_>>())
                })
                .collect();
            barrier.wait();
            told.sort_by_key(|lane| lane.1.0);
            let names: Vec<_> = told.iter().map(|lane| &*lane.0).collect();
            assert_eq!(names.len(), THREADS, "{told:?}");
            let is_named = |(name, id, _): &(String, spanwalk::trace::ThreadId, Vec<String>)| {
                *name == "worker" || *name == format!("worker#{}", id.0)
            };
            assert!(told.iter().all(is_named) && names.contains(&"worker"), "{told:?}");
            for (_, _, frames) in &told {
                let [outer, inner] = &frames[..] else { panic!("{told:?}") };
                assert_eq!(outer.strip_prefix("outer"), inner.strip_prefix("inner"));
            }
            // Also with what a thread does at its very end: a scope waits for less.
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        // The threads are over, and what they opened is not; with it their lanes go too.
        assert_eq!(open_lanes(&read(recorder)), THREADS);
        drop(held);
    };
    on_every_face(recorder, run, |name, _, log| assert_eq!(open_lanes(log), 0, "{name}"));
}
