//! What each pane shows of a run.

use std::sync::Arc;

use super::*;
use crate::trace::{Callsite, Event, Kind};

#[test]
fn a_stop_shows_the_stack_innermost_first_with_function_file_and_line() {
    let text = after(Until::Spawn, SCREEN, &[]);
    let row =
        |part: &str| text.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}\n{text}"));
    let rows = [
        "▾ MainThread · main",
        "→ spawn           threadpool.rs",
        "  apply           pool.rs",
        "  run             socketio.rs",
        "MainThread · hub",
    ]
    .map(row);
    assert!(rows.is_sorted(), "{rows:?}\n{text}");
    check(
        Until::Spawn,
        &[],
        &["PAUSED ON STEP│", "created, not run│", "‖ PAUSED ON STEP", "11/21 spawn", "before the loop"],
        &["▶"],
    );
}

#[test]
fn a_call_that_was_made_and_has_not_begun_is_no_frame() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        keep(ui, fixture::opened_ahead(ui));
        let hold = fixture::hold_of_hub(ui);
        ui.absorb(|log| {
            log.push(hold);
            News::More
        });
        let text = text(ui);
        assert!(text.contains("→ run             hub.rs") && !text.contains("event_loop.rs   "), "{text}");
    });
}

#[test]
fn the_states_of_lanes_are_words() {
    check(Until::Serving, &[], &["WAITING for stop_event", "POLLING", "WAITING for a task", "serving"], &["PAUSED"]);
}

#[test]
fn many_finished_connections_are_one_line() {
    check(Until::Request, &[], &["▸ 2 lanes are done", "conn-3"], &["· conn-1", "· conn-2"]);
    let open = [Action::PageDown, Action::PageDown, Action::Toggle];
    check(Until::Request, &open, &["▾ 2 lanes are done", "· conn-1", "· conn-2"], &[]);
}

#[test]
fn the_selection_goes_along_with_the_program_until_another_row_is_chosen() {
    let events = fixture::run_until(Until::Spawn).events_in(..).collect::<Vec<_>>();
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let feed = |ui: &mut Ui<'_>, range: std::ops::Range<usize>| {
            for event in &events[range] {
                ui.absorb(|log| {
                    log.push(event.clone());
                    News::More
                });
            }
        };
        keep(ui, 20);
        feed(ui, 20..24);
        assert!(text(ui).contains("10 · apply"), "{}", text(ui));
        ui.act(Action::Down);
        ui.act(Action::Down);
        feed(ui, 24..27);
        assert!(text(ui).contains("8 · socketcommon"), "{}", text(ui));
        feed(ui, 27..28);
        assert!(text(ui).contains("11 · spawn"), "a stop takes it back: {}", text(ui));
    });
}

#[test]
fn a_lane_folds_and_unfolds() {
    check(Until::Spawn, &[Action::Left], &["▸ MainThread · main"], &["getfqdn         socketcommon"]);
    check(Until::Spawn, &[Action::Left, Action::Toggle], &["▾ MainThread · main", "getfqdn         socketcommon"], &[]);
}

#[test]
fn frames_that_do_not_fit_are_counted_and_come_back_when_asked_for() {
    let size = (80, 18);
    let cut = after(Until::Spawn, size, &[]);
    assert!(cut.contains("… 3 more frames") && cut.contains("MainThread · hub"), "{cut}");
    let whole = after(Until::Spawn, size, &[Action::PageDown, Action::Up, Action::Toggle]);
    assert!(!whole.contains("more frames"), "{whole}");
}

#[test]
fn the_lesson_is_that_of_the_selected_frame() {
    check(Until::Spawn, &[], &["11 · spawn", "✗ WRONG", "Question: Who will wake"], &["The worker writes"]);
    check(Until::Spawn, &[Action::Answer], &["Answer: The worker writes to the eventfd"], &[]);
    check(Until::Spawn, &[Action::Down], &[" 10 · apply "], &["11 · spawn"]);
}

#[test]
fn evidence_is_that_of_the_cursor() {
    check(Until::Spawn, &[], &["✓ spawn runs in the lane main", "· the worker never accepts (not yet)"], &[]);
    check(Until::Serving, &[], &["✓ the worker never accepts"], &["(not yet)"]);
    check(Until::Serving, &[Action::ToStart, Action::Forth, Action::Forth], &["(not yet)"], &[]);
}

#[test]
fn the_source_marks_the_whole_function_and_nothing_else() {
    let text = after(Until::Spawn, (200, 60), &[]);
    let marked = text.lines().filter(|line| line.contains('▌') && line.contains("▌ ") && !line.contains('▐')).count();
    assert_eq!(marked, 10, "{text}");
    assert!(text.contains("▌  3 pub fn spawn") && text.contains("▌ 12 }") && text.contains("   2 #[instrument"));
}

#[test]
fn fields_that_changed_show_both_values() {
    check(Until::Spawn, &[], &["func       gethostbyaddr", "semaphore  11 → 10"], &[]);
}

#[test]
fn the_first_line_names_the_call_that_is_inside_a_step() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        assert!(text(ui).contains("11/21 spawn  "));
        keep(ui, 26);
        for event in fixture::put_inside_spawn(ui) {
            ui.absorb(|log| {
                log.push(event);
                News::More
            });
        }
        assert!(text(ui).contains("11/21 spawn › put  "), "{}", text(ui));
    });
}

#[test]
fn a_call_that_is_not_documented_says_so() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        while !matches!(ui.selected_span().and_then(|span| ui.log.span(span)), Some(span) if &*span.callsite.target == "spanwalk::server::threading")
        {
            ui.act(Action::Down);
        }
        assert!(text(ui).contains("get in threading.rs is not a step of the documented chain."), "{}", text(ui));
    });
}

#[test]
fn a_recording_that_has_nothing_of_the_chain_gives_the_room_of_the_lesson_to_time() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        let taught = ui.layout().pane(Pane::Timeline).unwrap().height;
        let mut events: Vec<Event> = ui.log.events_in(..12).collect();
        for event in &mut events {
            if let Kind::Open { callsite, .. } = &mut event.kind {
                *callsite = Arc::new(Callsite { target: "shop".into(), ..(**callsite).clone() });
            }
        }
        ui.absorb(|log| {
            *log = Log::new();
            events.into_iter().for_each(|event| log.push(event));
            News::Another
        });
        assert!(ui.layout().pane(Pane::Timeline).unwrap().height > taught + 8);
        let mut seen = Vec::new();
        for _ in 0..3 {
            let text = text(ui);
            assert!(!text.contains("Lesson") && !text.contains("Source") && text.contains("Fields"), "{text}");
            assert!(!text.contains("before/after"), "{text}");
            seen.push(ui.focus);
            ui.act(Action::NextPane);
        }
        assert_eq!(seen, [Pane::Stack, Pane::Timeline, Pane::Fields]);
        // A page that is asked for is shown.
        ui.page = Some(0);
        assert!(text(ui).contains("┬ About"), "{}", text(ui));
    });
}

#[test]
fn the_comparison_shows_what_came_and_went_and_who_accepts() {
    check(
        Until::Serving,
        &[Action::Moments],
        &[
            "BEFORE  in spawn",
            "main     PAUSED ON STEP",
            "− spawn           threadpool.rs",
            "+ get             event.rs",
            "+ worker-1 RUNNING",
            "− get … start  (8 frames gone)",
            "+ wait            event.rs",
            "nobody: start_accepting has not been",
            "the socket listens on fd 5",
            "the io watcher on fd 5",
        ],
        &["has not come so far"],
    );
}

#[test]
fn the_comparison_claims_nothing_that_was_not_recorded() {
    check(Until::Spawn, &[Action::Moments], &["The run has not come so far: press r."], &["the io watcher", "do_read"]);
}

#[test]
fn the_comparison_is_one_moment_at_a_time_on_a_narrow_screen() {
    let text = after(Until::Serving, (80, 24), &[Action::Moments]);
    assert!(text.contains("the io watcher on fd 5") && text.contains("worker-1"), "{text}");
    let text = after(Until::Serving, (80, 24), &[Action::Moments, Action::Left, Action::Left]);
    assert!(text.contains("created, not run") && !text.contains("the io watcher"), "{text}");
}

#[test]
fn the_timeline_has_lanes_marks_and_the_cursor() {
    check(
        Until::Serving,
        &[],
        &["┊ loop starts", "loop serves", "▐serve_forever━", "hub ", "worker-1 ", "▐run", "⇣", "⇡", "▼", "╌╌╌"],
        &[],
    );
    check(Until::Spawn, &[], &["▐serve_forever━"], &["loop starts", "⇣"]);
}

#[test]
fn a_lane_that_lost_events_says_so_beside_its_name() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        assert!(!text(ui).contains(" lost"), "{}", text(ui));
        let worker = ui.log.lanes().iter().find(|lane| &*lane.name == "worker-1").unwrap().id;
        let event = ui.log.event(0).unwrap();
        ui.absorb(|log| {
            log.push(Event { lane: worker, kind: Kind::Dropped { count: 1_204 }, ..event });
            News::More
        });
        let text = text(ui);
        assert!(text.contains("worker-1 −1,204 lost") && text.contains("1,204 events dropped"), "{text}");
        assert_eq!(text.matches(" lost").count(), 1, "{text}");
    });
}

#[test]
fn the_paused_lane_is_in_the_timeline_however_low_it_is() {
    let text = after(Until::Request, (80, 24), &[]);
    let timeline = &text[text.find("Timeline").unwrap()..];
    assert!(timeline.contains("conn-3") && timeline.contains("more lanes"), "{text}");
}
