//! What keys do to the screens, and what they ask of the program.

use std::time::Duration;

use super::super::command::command;
use super::replay::{enter, press};
use super::*;
use crate::trace::{Command, Run, Status, Target};

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
fn the_server_is_asked_to_stop_by_a_key_and_by_its_name() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        assert_eq!(press(ui, "Q"), Effect::Stop);
        enter(ui, ":", "stop the", "");
        assert_eq!(press(ui, "enter"), Effect::Stop);
    });
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
fn every_command_is_in_help() {
    with_ui(Until::Spawn, (120, 160), Theme::default(), |ui| {
        ui.act(Action::Help);
        let text = text(ui);
        for row in COMMANDS {
            let line = match row.keys {
                [] => format!(":{:width$}{}: ", "", row.label, width = 12),
                keys => format!("{}  ", keys.join(" ")),
            };
            let room = if row.keys.is_empty() { 50 - row.label.len() } else { 50 };
            let start: String = row.doc.replace('`', "").chars().take(room).collect();
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
    use crate::tui::hints::{
        ALWAYS, CHOOSE, CLAIMS, COMPARE, COPY, FIND, FREE, GO_TO, GROUP, HELD, LESSON, LOOP, MATCHES, PALETTE, PAST,
        PATH, PLAYING, RANGE, READ, RECORDED,
    };
    use crate::tui::hints::{GUESS, RESTART, SCENES, SEARCHED, STATISTICS, TIMES, TYPE};
    let all = [CHOOSE, COMPARE, FIND, FREE, GO_TO, HELD, LESSON, LOOP, MATCHES, PAST, PATH, PLAYING, READ, RECORDED];
    let others =
        [ALWAYS, CLAIMS, COPY, GROUP, GUESS, PALETTE, RANGE, RESTART, SCENES, SEARCHED, STATISTICS, TIMES, TYPE];
    for (id, _) in all.into_iter().chain(others).flatten() {
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
        ui.set_status(Status { run: Run::Free, held: Vec::new(), detached: true, ..Status::default() });
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
