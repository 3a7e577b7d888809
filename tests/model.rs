//! Laws of the model, over random logs of programs that could have run.

mod programs;

use programs::log;
use proptest::prelude::*;
use spanwalk::trace::{Chain, ChainStep, Change, Key, Kind, Log, SpanId, Time, Timeline, Window, diff};

const STEPS: [(&str, &str); 5] = [
    ("hub.run", "run"),
    ("loop.poll", "poll"),
    ("spawn", "spawn"),
    ("start_accepting", "start_accepting"),
    ("worker.run_task", "run_task"),
];

fn chain() -> Chain {
    let step = |(id, name): (&str, &str)| ChainStep {
        id: id.to_owned(),
        key: Key { name: name.to_owned(), target: "t".to_owned() },
    };
    Chain::new(STEPS.map(step).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn state_rebuilt_at_a_cursor_equals_the_state_that_was_live_there(whole in log()) {
        let mut live = Log::new();
        for (cursor, event) in whole.events_in(..).enumerate() {
            prop_assert_eq!(&whole.state_at(cursor), live.latest());
            live.push(event);
        }
        prop_assert_eq!(&whole.state_at(whole.len()), live.latest());
    }

    #[test]
    fn a_stack_holds_the_open_spans_of_its_lane_and_no_others(whole in log(), at in 0.0..1.0_f64) {
        let cursor = (whole.len() as f64 * at) as usize;
        let state = whole.state_at(cursor);
        for lane in state.lanes() {
            let on_stack: Vec<SpanId> = lane.stack.iter().map(|frame| frame.span).collect();
            let mut open = Vec::new();
            for event in whole.events_in(..cursor) {
                match event.kind {
                    Kind::Open { span, .. } if event.lane == lane.id => open.push(span),
                    Kind::Close { span } => open.retain(|other| *other != span),
                    _ => {}
                }
            }
            prop_assert_eq!(on_stack, open);
        }
    }

    #[test]
    fn program_time_never_runs_backwards_and_never_faster_than_raw_time(whole in log()) {
        let clock = whole.clock();
        let times: Vec<Time> = whole.events_in(..).map(|event| event.time).collect();
        for pair in times.windows(2) {
            let (before, after) = (clock.program(pair[0]), clock.program(pair[1]));
            prop_assert!(before <= after);
            prop_assert!(after.since(before) <= pair[1].since(pair[0]));
        }
    }

    #[test]
    fn bars_lie_in_the_window_in_order_and_begin_and_end_where_their_spans_do(
        whole in log(), at in 0.0..=1.0_f64, from in 0..4_000_u64, length in 1..9_000_u64, width in 1..200_u16,
    ) {
        let cursor = (whole.len() as f64 * at) as usize;
        let window = Window { from: Time(from), to: Time(from + length) };
        let landmarks = chain().landmarks(&whole);
        let timeline = Timeline::new(&whole, &landmarks, cursor, window, width);
        for row in &timeline.rows {
            prop_assert!(row.bars.is_sorted_by(|a, b| a.from < b.from));
            for bar in &row.bars {
                prop_assert!(usize::from(bar.from) + bar.cells.len() <= usize::from(width));
                let span = whole.span(bar.span).unwrap();
                prop_assert!((span.open.0.0 as usize) < cursor, "nothing after the cursor is drawn");
                prop_assert_eq!(span.lane, row.lane);
                let start = whole.clock().program(span.entered.unwrap());
                prop_assert_eq!(bar.has_start, window.column(start, width).is_some());
            }
        }
        for mark in &timeline.marks {
            prop_assert!(mark.column < width);
        }
    }

    #[test]
    fn a_state_differs_from_itself_in_nothing_and_from_none_in_nothing(whole in log()) {
        let state = whole.latest();
        let kept = diff(None, state);
        prop_assert_eq!(&kept, &diff(Some(state), state));
        let frames: usize = kept.iter().map(|lane| lane.frames.len()).sum();
        prop_assert_eq!(frames, state.lanes().iter().map(|lane| lane.frames().count()).sum::<usize>());
    }

    #[test]
    fn a_comparison_shows_the_later_stacks_and_what_is_gone_from_the_earlier(
        whole in log(), one in 0.0..=1.0_f64, two in 0.0..=1.0_f64,
    ) {
        let at = |share: f64| (whole.len() as f64 * share) as usize;
        let (earlier, later) = (whole.state_at(at(one.min(two))), whole.state_at(at(one.max(two))));
        for lane in diff(Some(&earlier), &later) {
            let shown: Vec<SpanId> =
                lane.frames.iter().filter(|frame| frame.change != Change::Removed).map(|frame| frame.span).collect();
            let mut stack: Vec<SpanId> = later.lane(lane.lane).unwrap().frames().map(|frame| frame.span).collect();
            stack.reverse();
            prop_assert_eq!(shown.iter().collect::<std::collections::BTreeSet<_>>(), stack.iter().collect());
            for frame in lane.frames.iter().filter(|frame| frame.change == Change::Removed) {
                prop_assert!(earlier.frame(frame.span).is_some() && later.frame(frame.span).is_none());
            }
            // What is gone is shown as removed, or another call stands in its place.
            let old = earlier.lane(lane.lane);
            let is_old = |span: &SpanId| old.is_some_and(|old| old.frames().any(|frame| frame.span == *span));
            let gone = old.map_or(0, |old| old.frames().filter(|frame| later.frame(frame.span).is_none()).count());
            let of = |change: Change| lane.frames.iter().filter(move |frame| frame.change == change);
            let replaced = of(Change::Kept).filter(|frame| !is_old(&frame.span)).count();
            prop_assert_eq!(of(Change::Removed).count() + replaced, gone);
        }
    }

    #[test]
    fn landmarks_come_in_their_order(whole in log()) {
        let found = chain().landmarks(&whole);
        if let (Some(starts), Some(during)) = (found.loop_starts, found.during) {
            prop_assert!(starts <= during);
        }
        // Nothing is looked for behind the instant at which the loop serves.
        let last = found.loop_serves.unwrap_or(whole.len());
        prop_assert!([found.before, found.during, found.loop_starts].iter().flatten().all(|at| *at <= last));
    }
}
