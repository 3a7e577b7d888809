//! A filter of somebody else's that hides what the recorder wants is noticed. The levels in force are the process's: one test
//! has it to itself.

use spanwalk::record::Recorder;
use tracing::{Dispatch, Level, debug_span, dispatcher, info, info_span, trace_span};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

/// What somebody else has on the stack: it wants everything.
struct Other;

impl<S: tracing::Subscriber> Layer<S> for Other {}

fn program() {
    let _around = info_span!(target: "hidden::app", "around").entered();
    let _call = debug_span!(target: "hidden::app", "call").entered();
    debug_span!(target: "hidden::app", "another").in_scope(|| ());
    trace_span!(target: "hidden::db", "query").in_scope(|| info!(target: "hidden::db", "found"));
    trace_span!(target: "elsewhere", "not wanted").in_scope(|| ());
}

/// Runs the program on a stack, and checks what is said to be hidden: target, level and number of callsites.
#[track_caller]
fn check(stack: impl FnOnce(&Recorder) -> Dispatch, expected: &[(&str, Level, usize)]) -> Recorder {
    let filter = Targets::new().with_target("hidden::app", Level::TRACE).with_target("hidden::db", Level::TRACE);
    let recorder = Recorder::builder().filter(filter).build();
    let hidden = dispatcher::with_default(&stack(&recorder), || {
        program();
        recorder.hidden()
    });
    let told: Vec<_> = hidden.callsites.iter().map(|of| (&*of.target, of.level, of.count)).collect();
    assert_eq!(told, expected);
    recorder
}

/// All of the program's callsites are met, whatever the stacks under test want.
fn with_a_subscriber_that_wants_all(run: impl FnOnce()) {
    let all = Dispatch::new(Registry::default());
    dispatcher::with_default(&all, program);
    run();
    drop(all);
}

#[test]
fn what_another_filter_of_the_stack_hides_is_told_by_target_and_level() {
    let app = ("hidden::app", Level::DEBUG, 2);
    let app_info = ("hidden::app", Level::INFO, 1);
    let (db, db_info) = (("hidden::db", Level::TRACE, 1), ("hidden::db", Level::INFO, 1));
    with_a_subscriber_that_wants_all(|| {
        let shown = check(|recorder| Dispatch::new(recorder.subscriber()), &[]);
        assert_eq!(shown.counts().spans, 4);
        check(|recorder| Dispatch::new(Registry::default().with(recorder.layer())), &[]);
        let behind_its_filter = |recorder: &Recorder| recorder.layer().with_filter(recorder.filter());
        check(|recorder| Dispatch::new(Registry::default().with(behind_its_filter(recorder)).with(Other)), &[]);
        // A filter of one layer holds for that one.
        check(
            |recorder| {
                Dispatch::new(
                    Registry::default().with(behind_its_filter(recorder)).with(Other.with_filter(LevelFilter::INFO)),
                )
            },
            &[],
        );
        check(
            |recorder| {
                Dispatch::new(Registry::default().with(Other.with_filter(LevelFilter::INFO)).with(recorder.layer()))
            },
            &[],
        );

        // One of the whole stack hides, whether it is above or below.
        let above = |recorder: &Recorder| Registry::default().with(recorder.layer()).with(LevelFilter::INFO);
        let hides = check(|recorder| Dispatch::new(above(recorder)), &[app, db]);
        assert_eq!(hides.counts().spans, 1, "and it does hide");
        check(|recorder| Dispatch::new(Registry::default().with(LevelFilter::INFO).with(recorder.layer())), &[app, db]);
        check(|recorder| Dispatch::new(recorder.subscriber().with(LevelFilter::DEBUG)), &[db]);
        let only = || Targets::new().with_target("hidden::app", Level::TRACE);
        check(
            |recorder| Dispatch::new(Registry::default().with(behind_its_filter(recorder)).with(only())),
            &[db_info, db],
        );
        let by_name = || filter_fn(|metadata| metadata.name() != "query");
        check(|recorder| Dispatch::new(Registry::default().with(recorder.layer()).with(by_name())), &[db]);
        // One of our own layer that is not the recorder's, though others on the stack want to see.
        let ours = |recorder: &Recorder| recorder.layer().with_filter(LevelFilter::INFO);
        check(
            |recorder| {
                Dispatch::new(Registry::default().with(ours(recorder)).with(Other.with_filter(LevelFilter::TRACE)))
            },
            &[app, db],
        );

        // It is connected to nothing.
        check(|_| Dispatch::new(Registry::default()), &[app_info, app, db_info, db]);
    });

    // Callsites beyond what anybody wants are not even reached.
    let beyond = |recorder: &Recorder, level: LevelFilter| {
        let stack = Registry::default().with(recorder.layer()).with(level);
        dispatcher::with_default(&Dispatch::new(stack), || {
            debug_span!(target: "hidden::late", "met by nobody").in_scope(|| ());
            recorder.hidden()
        })
    };
    let to_debug = Recorder::builder().filter(Targets::new().with_target("hidden::late", Level::DEBUG)).build();
    let hidden = beyond(&to_debug, LevelFilter::INFO);
    assert_eq!((hidden.beyond, hidden.callsites.len()), (Some(LevelFilter::INFO), 0));
    assert!(beyond(&to_debug, LevelFilter::DEBUG).is_empty());
}
