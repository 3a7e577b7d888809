//! What the screens promise, checked on pictures of a run written by hand.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::command::command;
use super::fixture::{Until, with_ui};
use super::overlay::Overlay;
use super::*;
use crate::trace::{Command, Log, Run, Status, Target};

const SCREEN: (u16, u16) = (120, 40);

fn picture(ui: &Ui<'_>) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, ui.size.0, ui.size.1));
    draw(&mut buffer, ui);
    buffer
}

fn text(ui: &Ui<'_>) -> String {
    let buffer = picture(ui);
    let width = usize::from(buffer.area.width).max(1);
    let rows =
        buffer.content.chunks(width).map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    rows.map(|row| row.trim_end().to_owned() + "\n").collect()
}

/// Does the actions and gives the picture.
fn after(until: Until, size: (u16, u16), actions: &[Action]) -> String {
    with_ui(until, size, Theme::default(), |ui| {
        for &action in actions {
            ui.act(action);
        }
        text(ui)
    })
}

#[track_caller]
fn check(until: Until, actions: &[Action], shown: &[&str], not_shown: &[&str]) {
    let text = after(until, SCREEN, actions);
    for part in shown {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    for part in not_shown {
        assert!(!text.contains(part), "`{part}` is shown in\n{text}");
    }
}

/// `LOOK=120x40 cargo test --lib tui::tests::look -- --nocapture` shows the screens to a person.
#[test]
fn look() {
    let size = std::env::var("LOOK").unwrap_or_default();
    let Some((width, height)) = size.split_once('x') else {
        return;
    };
    let size = (width.parse().unwrap(), height.parse().unwrap());
    for until in [Until::Spawn, Until::Serving, Until::Request] {
        println!("{until:?}\n{}", after(until, size, &[]));
    }
    for action in [Action::Moments, Action::Help, Action::Steps, Action::Restart, Action::RunUntil, Action::Back] {
        println!("{action:?}\n{}", after(Until::Request, size, &[action]));
    }
}

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
            true
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
                    true
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
fn back_and_forth_move_through_the_recording() {
    // Before the hold and the field that was recorded comes the call itself, before that its caller.
    check(
        Until::Spawn,
        &[Action::Back, Action::Back],
        &["10/21 apply", "◂ LOOKING BACK", "main enters apply", "event 24 of 28"],
        &["LIVE", "spawn           threadpool.rs"],
    );
    check(Until::Spawn, &[Action::Back, Action::Back, Action::ToLive], &["LIVE", "11/21 spawn"], &["event 24"]);
    check(Until::Spawn, &[Action::Back, Action::Forth], &["LIVE"], &[]);
    check(Until::Spawn, &[Action::ToStart], &["event 0 of 28", "before the first event"], &["PAUSED"]);
}

#[test]
fn stepping_from_the_past_steps_from_where_the_program_stands() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.act(Action::Back);
        assert!(!ui.is_live());
        assert_eq!(ui.act(Action::Into), Effect::Command(Command::Into));
        assert!(ui.is_live());
    });
}

#[track_caller]
fn check_run_to_loop(log: impl FnOnce(&mut Ui<'_>), expected: &str) {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        log(ui);
        let effect = ui.act(Action::RunToLoop);
        let told = match &effect {
            Effect::Command(Command::RunTo(Target::Call(key))) => {
                format!("call {}.{}", key.target, key.name)
            }
            Effect::Command(Command::RunTo(Target::After { first, call })) => {
                format!("{} then {}", first.name, call.name)
            }
            _ => format!("{effect:?}"),
        };
        assert_eq!(told, expected);
    });
}

/// Only the first `count` events of the log.
fn keep(ui: &mut Ui<'_>, count: usize) {
    let events: Vec<_> = ui.log.events_in(..count).collect();
    ui.absorb(|log| {
        *log = Log::new();
        events.into_iter().for_each(|event| log.push(event));
        true
    });
}

#[test]
fn r_runs_to_the_start_of_the_loop_then_to_its_service() {
    check_run_to_loop(|ui| keep(ui, 28), "call spanwalk::server::hub.run");
    check_run_to_loop(|ui| keep(ui, ui.known.landmarks.loop_starts.unwrap() + 4), "start_accepting then poll");
    check_run_to_loop(
        |ui| keep(ui, ui.known.landmarks.loop_serves.unwrap() - 4),
        "call spanwalk::server::event_loop.poll",
    );
    check_run_to_loop(|_| (), "None");
}

#[test]
fn a_typed_name_is_a_step_or_else_a_span() {
    let target = |typed: &str| {
        with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
            ui.act(Action::RunUntil);
            assert_eq!(ui.mode(), Mode::Text);
            typed.chars().for_each(|letter| drop(ui.act(Action::Type(letter))));
            ui.act(Action::Toggle)
        })
    };
    let Effect::Command(Command::RunTo(Target::Call(key))) = target("hub.run") else { panic!() };
    assert_eq!(key.target, "spanwalk::server::hub");
    let named = Effect::Command(Command::RunTo(Target::Name("init_socket".into())));
    assert_eq!(target("init_socket"), named);
    assert_eq!(target("nothing_is_named_so"), Effect::None, "a run for it would never end");
}

#[test]
fn the_restart_dialog_changes_resolver_and_delay() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        for action in [Action::Restart, Action::Right, Action::Down, Action::Right, Action::Right] {
            ui.act(action);
        }
        assert!(text(ui).contains("[by main itself]") && text(ui).contains("[2s]"), "{}", text(ui));
        let wanted = Restart { resolver: Resolver::Block, slow_dns: Some(Duration::from_secs(2)) };
        assert_eq!(ui.act(Action::Toggle), Effect::Restart(wanted));
    });
}

#[test]
fn the_first_line_names_the_call_that_is_inside_a_step() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        assert!(text(ui).contains("11/21 spawn  "));
        keep(ui, 26);
        for event in fixture::put_inside_spawn(ui) {
            ui.absorb(|log| {
                log.push(event);
                true
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
fn a_new_run_forgets_the_old_one() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        keep(ui, 5);
        assert_eq!(ui.known.landmarks, crate::trace::Landmarks::default());
        assert!(text(ui).contains("before the loop"));
    });
}

#[test]
fn a_waiting_loop_says_what_to_do() {
    check(Until::Serving, &[], &["running: nothing to step until something arrives — g sends a request"], &[]);
    check(Until::Request, &[], &["s into  n over"], &["nothing to step"]);
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
        &["Not reached"],
    );
}

#[test]
fn the_comparison_claims_nothing_that_was_not_recorded() {
    check(Until::Spawn, &[Action::Moments], &["Not reached yet: press r."], &["the io watcher", "do_read"]);
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
fn zooming_the_timeline_changes_its_window_and_0_brings_it_back() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        let fitting = text(ui);
        ui.act(Action::ZoomIn);
        assert_ne!(text(ui), fitting);
        ui.act(Action::Fit);
        assert_eq!(text(ui), fitting);
    });
}

#[test]
fn the_paused_lane_is_in_the_timeline_however_low_it_is() {
    let text = after(Until::Request, (80, 24), &[]);
    let timeline = &text[text.find("Timeline").unwrap()..];
    assert!(timeline.contains("conn-3") && timeline.contains("more lanes"), "{text}");
}

#[test]
fn every_command_is_in_help() {
    with_ui(Until::Spawn, (120, 110), Theme::default(), |ui| {
        ui.act(Action::Help);
        let text = text(ui);
        for row in COMMANDS {
            let line = format!("{}  ", row.keys.join(" "));
            let start: String = row.doc.chars().take(50).collect();
            assert!(
                text.lines().any(|text| text.contains(&line) && text.contains(start.trim())),
                "`{}`\n{text}",
                row.id
            );
        }
    });
}

#[test]
fn every_hint_is_a_command() {
    use super::bars::{CHOOSE, COMPARE, FIND, FREE, GO_TO, HELD, LESSON, MATCHES, PAST, PATH, PLAYING, READ, RECORDED};
    use super::bars::{RESTART, SEARCHED, STATISTICS, TIMES, TYPE};
    let all = [CHOOSE, COMPARE, FIND, FREE, GO_TO, HELD, LESSON, MATCHES, PAST, PATH, PLAYING, READ, RECORDED];
    for (id, _) in all.into_iter().chain([RESTART, SEARCHED, STATISTICS, TIMES, TYPE]).flatten() {
        assert!(command(id).is_some(), "`{id}`");
    }
}

#[test]
fn a_notice_is_shown_for_a_moment() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.tick(Duration::from_secs(1));
        ui.notify("200 OK in 1.2 ms");
        assert!(!ui.tick(Duration::from_secs(2)));
        assert!(text(ui).contains("200 OK in 1.2 ms"));
        assert!(ui.tick(Duration::from_secs(20)), "the picture changes when it goes");
        assert!(!text(ui).contains("200 OK"));
    });
}

#[test]
fn a_gate_that_is_gone_takes_no_commands() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.set_status(Status { run: Run::Free, held: Vec::new(), detached: true });
        assert_eq!(ui.act(Action::Into), Effect::None);
        assert!(text(ui).contains("R starts it again"));
    });
}

#[test]
fn a_click_selects_a_frame_and_the_wheel_scrolls() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.act(Action::Click(10, 4));
        assert!(text(ui).contains("10 · apply"), "{}", text(ui));
        ui.act(Action::Click(80, 4));
        assert_eq!(ui.focus, Pane::Lesson);
        let before = text(ui);
        ui.act(Action::Wheel(80, 4, true));
        assert_ne!(text(ui), before);
    });
}

#[test]
fn without_colour_nothing_is_coloured() {
    let plain = Theme { has_colour: false, is_ascii: false };
    for action in [Action::Fit, Action::Moments, Action::Help, Action::Steps] {
        with_ui(Until::Request, SCREEN, plain, |ui| {
            ui.act(action);
            let buffer = picture(ui);
            assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        });
    }
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        assert!(picture(ui).content.iter().any(|cell| cell.fg != Color::Reset), "and with colour something is");
    });
}

#[test]
fn ascii_draws_nothing_else() {
    let ascii = Theme { has_colour: true, is_ascii: true };
    for action in [Action::Fit, Action::Moments, Action::Help] {
        with_ui(Until::Serving, SCREEN, ascii, |ui| {
            ui.act(action);
            let text = text(ui);
            assert!(text.is_ascii(), "{text}");
            assert!(!text.contains('?') || action == Action::Help || !text.contains("??"), "{text}");
        });
    }
    with_ui(Until::Serving, SCREEN, ascii, |ui| {
        let text = text(ui);
        assert!(
            text.contains("[serve_forever=====") && text.contains("....") && text.contains(": loop starts"),
            "{text}"
        );
    });
}

#[test]
fn the_screen_at_80_by_24() {
    insta::assert_snapshot!(after(Until::Spawn, (80, 24), &[]));
}

#[test]
fn the_screen_at_120_by_40() {
    insta::assert_snapshot!(after(Until::Serving, SCREEN, &[]));
}

#[test]
fn the_comparison_at_120_by_40() {
    insta::assert_snapshot!(after(Until::Serving, SCREEN, &[Action::Moments]));
}

#[test]
fn an_empty_log_is_a_picture_too() {
    for size in [(1, 1), (80, 24), (200, 60)] {
        with_ui(Until::Spawn, size, Theme::default(), |ui| {
            keep(ui, 0);
            for action in [Action::Moments, Action::Close, Action::ZoomIn, Action::Back, Action::Down] {
                ui.act(action);
                picture(ui);
            }
            assert!(size.0 < 80 || text(ui).contains("… STARTING"), "{}", text(ui));
        });
    }
}

#[test]
fn no_size_and_no_state_breaks_a_view() {
    let sizes = [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 3),
        (5, 3),
        (20, 5),
        (40, 12),
        (59, 15),
        (60, 16),
        (80, 24),
        (100, 30),
        (120, 40),
        (160, 40),
        (200, 60),
    ];
    for until in [Until::Spawn, Until::Serving, Until::Request] {
        for size in sizes {
            with_ui(until, size, Theme::default(), |ui| {
                for pane in Pane::ALL {
                    ui.focus = pane;
                    for overlay in ["", "help", "steps", "until", "restart", "moments"] {
                        ui.act(Action::Close);
                        ui.act(match overlay {
                            "help" => Action::Help,
                            "steps" => Action::Steps,
                            "until" => Action::RunUntil,
                            "restart" => Action::Restart,
                            "moments" => Action::Moments,
                            _ => Action::Down,
                        });
                        picture(ui);
                    }
                    ui.overlay = None;
                }
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_keys_breaks_a_view(
        size in (1_u16..210, 1_u16..64),
        drawn in (1_u16..210, 1_u16..64),
        keys in proptest::collection::vec(0..COMMANDS.len(), 0..24),
        start in 0_usize..70,
    ) {
        with_ui(Until::Request, size, Theme::default(), |ui| {
            ui.set_cursor(start);
            for key in keys {
                ui.act(super::command::nth_action(key));
            }
            // The terminal may have a new size that nobody has told yet.
            draw(&mut Buffer::empty(Rect::new(0, 0, drawn.0, drawn.1)), ui);
            picture(ui);
            assert!(ui.cursor() <= ui.log.len());
            if let Some(Overlay::Steps { at }) = ui.overlay {
                assert!(at <= ui.material.chain.steps().len());
            }
        });
    }
}
