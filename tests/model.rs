//! Laws of the model, over random logs of programs that could have run.

mod programs;

use std::collections::HashMap;

use programs::log;
use proptest::prelude::*;
use spanwalk::trace::{
    Chain, ChainStep, Key, Kind, LaneId, Log, SpanId, State, Time, Timeline, Window, before_and_after,
};

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

/// The calls of every lane that is not over, outermost first.
fn stacks(state: &State) -> HashMap<LaneId, Vec<SpanId>> {
    let alive = state.lanes().iter().filter(|lane| !lane.is_done);
    alive.map(|lane| (lane.id, lane.frames().map(|frame| frame.span).collect())).collect()
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
        let timeline = Timeline::new(&whole, &landmarks, cursor, window, width, whole.lanes().iter().map(|lane| lane.id));
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
    fn a_state_differs_from_itself_in_nothing(whole in log()) {
        let state = whole.latest();
        for pair in before_and_after(state, state) {
            prop_assert_eq!(&pair.lanes[0], &pair.lanes[1]);
            prop_assert!(pair.frames.iter().all(|frame| frame[0].is_some() && frame[0] == frame[1]));
            prop_assert_eq!(pair.frames.len(), state.lane(pair.lanes[0].as_ref().unwrap().id).unwrap().frames().count());
        }
    }

    #[test]
    fn two_moments_side_by_side_are_the_stacks_of_both_with_what_stayed_in_one_row(
        whole in log(), one in 0.0..=1.0_f64, two in 0.0..=1.0_f64,
    ) {
        let at = |share: f64| (whole.len() as f64 * share) as usize;
        let states = [whole.state_at(at(one.min(two))), whole.state_at(at(one.max(two)))];
        let stacks = [stacks(&states[0]), stacks(&states[1])];
        let mut shown = [0, 0];
        for pair in before_and_after(&states[0], &states[1]) {
            for side in [0, 1] {
                let Some(lane) = &pair.lanes[side] else { continue };
                let mut calls: Vec<SpanId> = pair.frames.iter().flat_map(|frame| &frame[side]).map(|call| call.span).collect();
                calls.reverse();
                prop_assert_eq!(Some(&calls), stacks[side].get(&lane.id));
                shown[side] += 1;
            }
            if let [Some(a), Some(b)] = &pair.lanes {
                prop_assert_eq!(a.id, b.id);
            }
            for frame in &pair.frames {
                match frame {
                    [Some(a), Some(b)] => prop_assert_eq!(&a.callsite.name, &b.callsite.name),
                    // What went is not there any more, what came was not there before.
                    [Some(call), None] => prop_assert!(states[1].frame(call.span).is_none()),
                    [None, Some(call)] => prop_assert!(!stacks[0].values().flatten().any(|span| *span == call.span)),
                    [None, None] => prop_assert!(false, "a row of nothing"),
                }
            }
        }
        prop_assert_eq!(shown, [stacks[0].len(), stacks[1].len()]);
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
