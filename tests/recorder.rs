//! The recorder, held to a slow and obvious one: both faces tell the same of any program, whoever reads meanwhile.
//!
//! With more programs than the default: `PROPTEST_CASES=10000 cargo test --test recorder`. With every access to memory
//! checked, and what is never let go of found:
//!
//! ```text
//! RUSTFLAGS="-Zsanitizer=address --cfg tokio_unstable" PROPTEST_CASES=300 \
//!     cargo +nightly test --target x86_64-unknown-linux-gnu --target-dir target/address --test recorder --test hard
//! ```
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recorded;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use recorded::reference::{Reference, lines};
use recorded::{Program, program, run};
use spanwalk::record::{Builder, Recorder};
use spanwalk::trace::{LaneId, Log};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// A lane's name, and its open spans: name, whether it is on a thread, the latest of its fields.
type Stack = (String, Vec<(String, bool, String)>);

/// As many as asked for.
fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(default), failure_persistence: None, ..ProptestConfig::default() }
}

fn recorder() -> Builder {
    let filter = Targets::new().with_target("recorder", LevelFilter::TRACE);
    Recorder::builder().counted_clock().filter(filter)
}

fn expected(program: &Program) -> Vec<String> {
    let reference = Arc::new(Reference::default());
    let mut told = Vec::new();
    run(program, &Dispatch::new(reference.clone()), || told = reference.lines());
    told
}

fn read(recorder: &Recorder) -> Log {
    let mut log = Log::new();
    recorder.reader().read_into(&mut log, Duration::ZERO);
    log
}

/// Tasks have other numbers in every run: they are named in the order in which they appear.
fn renamed(lines: Vec<String>) -> Vec<String> {
    let mut names: HashMap<String, String> = HashMap::new();
    let rename = |line: String| {
        let words = line.split(' ').map(|word| {
            let number = word.trim_end_matches(':').strip_prefix("task-").map(str::to_owned);
            let Some(number) = number else { return word.to_owned() };
            let next = format!("task-{}", (b'a' + (names.len() % 26) as u8) as char);
            let name = names.entry(number.clone()).or_insert(next).clone();
            word.replace(&format!("task-{number}"), &name)
        });
        words.collect::<Vec<_>>().join(" ")
    };
    lines.into_iter().map(rename).collect()
}

#[track_caller]
fn check(told: Vec<String>, expected: &[String], program: &Program) -> Result<(), TestCaseError> {
    let (told, expected) = (renamed(told), renamed(expected.to_vec()));
    for (at, (told, expected)) in told.iter().zip(&expected).enumerate() {
        prop_assert_eq!(told, expected, "line {} of {:?}", at, program);
    }
    prop_assert_eq!(told.len(), expected.len());
    Ok(())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_subscriber_tells_what_happens(program in program(120)) {
        let recorder = recorder().build();
        let mut log = Log::new();
        run(&program, &Dispatch::new(recorder.subscriber()), || log = read(&recorder));
        check(lines(&log), &expected(&program), &program)?;
    }

    #[test]
    fn the_layer_tells_the_same(program in program(120)) {
        let recorder = recorder().build();
        let stack = tracing_subscriber::registry().with(recorder.layer().with_filter(recorder.filter()));
        let mut log = Log::new();
        run(&program, &Dispatch::new(stack), || log = read(&recorder));
        check(lines(&log), &expected(&program), &program)?;
    }

    #[test]
    fn who_reads_all_the_time_reads_the_same(program in program(120), chunk in 40..600_usize) {
        let recorder = recorder().chunk(chunk).build();
        let is_over = AtomicBool::new(false);
        let mut log = Log::new();
        let live = std::thread::scope(|scope| {
            let live = scope.spawn(|| {
                let (mut reader, mut live) = (recorder.reader(), Log::new());
                while !is_over.load(Ordering::Acquire) {
                    reader.read_into(&mut live, Duration::ZERO);
                }
                reader.read_into(&mut live, Duration::ZERO);
                live
            });
            run(&program, &Dispatch::new(recorder.subscriber()), || {
                log = read(&recorder);
                is_over.store(true, Ordering::Release);
            });
            live.join().unwrap()
        });
        let expected = expected(&program);
        check(lines(&log), &expected, &program)?;
        prop_assert_eq!(&lines(&live)[..expected.len().min(live.len())], &lines(&log)[..]);
    }

    #[test]
    fn what_is_open_survives_every_cut_of_the_ring(program in program(200), chunk in 40..300_usize) {
        let recorder = recorder().chunk(chunk).ring(chunk * 2).build();
        let (mut whole, mut cut) = (Log::new(), Log::new());
        run(&program, &Dispatch::new(recorder.subscriber()), || cut = read(&recorder));
        let whole_recorder = self::recorder().build();
        run(&program, &Dispatch::new(whole_recorder.subscriber()), || whole = read(&whole_recorder));
        let stacks = |log: &Log| -> Vec<Stack> {
            let state = log.latest();
            let lanes = state.lanes().iter().filter(|lane| !lane.is_done);
            let frames = |lane: &spanwalk::trace::Lane| {
                let frames = lane.stack.iter().map(|frame| {
                    let mut latest: Vec<String> = frame
                        .fields
                        .iter()
                        .filter(|field| &*field.name != "follows_from")
                        .map(|field| format!("{}={}", field.name, frame.field(&field.name).unwrap()))
                        .collect();
                    latest.sort();
                    latest.dedup();
                    (frame.callsite.name.to_string(), frame.is_entered, latest.join(" "))
                });
                frames.collect()
            };
            lanes.map(|lane| (lane.name.to_string(), frames(lane))).collect()
        };
        let renamed = |stacks: Vec<Stack>| -> Vec<Stack> {
            stacks.into_iter().map(|(name, frames)| (name.split("task-").next().unwrap().to_owned(), frames)).collect()
        };
        prop_assert_eq!(renamed(stacks(&cut)), renamed(stacks(&whole)), "{:?}", program);
    }

    #[test]
    fn who_falls_behind_the_ring_knows_what_each_lane_lost(
        acts in prop::collection::vec((0..6_usize, 1..40_u64, prop::bool::weighted(0.15)), 1..120),
        chunk in 100..500_usize,
    ) {
        let recorder = recorder().chunk(chunk).ring(2 << 10).build();
        let (mut keeping_up, mut behind) = (recorder.reader(), recorder.reader());
        let (mut whole, mut log) = (Log::new(), Log::new());
        tracing::subscriber::with_default(recorder.subscriber(), || {
            let open = |lane: &str| tracing::info_span!(target: "recorder", parent: None, "outer", lane);
            let mut outer = ["hub", "worker-1", "worker-2"].map(open);
            for (what, times, is_read) in acts {
                for number in 0..times {
                    match what {
                        // A lane that opens and ends.
                        3 => open("short").in_scope(|| ()),
                        // A lane that goes on under the same name, and is another.
                        4 if number == 0 => outer[2] = open("worker-2"),
                        4 | 5 => outer[2].in_scope(|| tracing::info!(target: "recorder", number, "said")),
                        at => drop(tracing::info_span!(target: "recorder", parent: &outer[at], "inner", number).entered()),
                    }
                    keeping_up.read_into(&mut whole, Duration::ZERO);
                }
                if is_read {
                    behind.read_into(&mut log, Duration::ZERO);
                }
            }
            behind.read_into(&mut log, Duration::ZERO);
        });
        prop_assert_eq!(whole.dropped(), 0);
        let mut expected: HashMap<LaneId, u64> = HashMap::new();
        for gap in log.gaps() {
            let from = log.in_recording(gap.at) as usize;
            let to = from + gap.missing as usize;
            for event in whole.events_in(from..to) {
                let is_over = whole.lane(event.lane).is_none_or(|lane| lane.is_over(to));
                *expected.entry(if is_over { LaneId::NONE } else { event.lane }).or_default() += 1;
            }
        }
        let mut told: HashMap<LaneId, u64> = HashMap::new();
        for lane in whole.lanes().iter().map(|lane| lane.id).chain([LaneId::NONE]) {
            told.extend(Some((lane, log.dropped_in(lane))).filter(|lost| lost.1 > 0));
        }
        prop_assert_eq!(told.values().sum::<u64>(), log.dropped());
        prop_assert_eq!(told, expected);
        prop_assert_eq!(log.in_recording(log.len()), whole.len() as u64);
    }
}
