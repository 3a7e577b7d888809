//! Guesses at what comes next: before, keys, after.

use super::replay::press;
use super::*;
use crate::trace::{Command, Edge, Kind, Run, Status, Stop};

/// A run that is held at the beginning of `spawn`.
fn held(test: impl FnOnce(&mut Ui<'_>, Stop)) {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let hold = ui.log.events_in(..).find_map(|event| match event.kind {
            Kind::Hold { span, edge, .. } => Some(Stop { lane: event.lane, thread: event.thread.id, span, edge }),
            _ => None,
        });
        let stop = hold.unwrap();
        ui.set_status(Status { run: Run::Paused(stop), held: vec![stop], detached: false, ..Status::default() });
        test(ui, stop);
    });
}

fn stands_at(ui: &mut Ui<'_>, stop: Stop) {
    ui.set_status(Status { run: Run::Paused(stop), held: vec![stop], detached: false, ..Status::default() });
    ui.tick(std::time::Duration::ZERO);
}

/// The digit of the row that says this.
#[track_caller]
fn digit(ui: &Ui<'_>, says: &str) -> String {
    let shown = text(ui);
    let row = shown.lines().find(|line| line.contains(says)).unwrap_or_else(|| panic!("no `{says}` in\n{shown}"));
    let before = row.split(says).next().unwrap();
    before.split_whitespace().last().unwrap().to_owned()
}

#[test]
fn a_guess_takes_the_step_and_what_came_says_whether_it_was_right() {
    for (says, edge, expected) in [
        ("spawn ends", Edge::Exit, "right: on main, spawn ends; 1 of 1 so far"),
        ("something else", Edge::Exit, "not so: on main, spawn ends, and not: something else; 0 of 1 so far"),
    ] {
        held(|ui, stop| {
            press(ui, "P");
            assert!(text(ui).contains("What comes next?"), "{}", text(ui));
            let digit = digit(ui, says);
            assert_eq!(press(ui, &digit), Effect::Command(Command::Into));
            // Nothing is said before it has come.
            stands_at(ui, stop);
            assert!(!text(ui).contains("so far"));
            stands_at(ui, Stop { edge, ..stop });
            assert!(text(ui).contains(expected), "{}", text(ui));
            press(ui, "P");
            assert!(text(ui).contains("of 1 right"), "{}", text(ui));
        });
    }
}

#[test]
fn in_a_recording_it_is_the_next_change_of_a_stack() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        ui.set_status(Status { run: Run::Over, held: Vec::new(), detached: false, ..Status::default() });
        ui.set_cursor(super::replay::opened(ui, "spawn") + 2);
        press(ui, "P");
        let digit = digit(ui, "spawn ends");
        press(ui, &digit);
        ui.tick(std::time::Duration::ZERO);
        assert!(text(ui).contains("right: on main, spawn ends") || text(ui).contains("not so: on "), "{}", text(ui));
        press(ui, "G P");
        assert!(text(ui).contains("this is the end of the recording"), "{}", text(ui));
    });
}

#[test]
fn who_is_free_is_told_to_pause_and_esc_takes_nothing() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        ui.set_status(Status { run: Run::Free, held: Vec::new(), detached: false, ..Status::default() });
        assert_eq!(press(ui, "P"), Effect::None);
        assert!(text(ui).contains("nobody is held: p pauses"), "{}", text(ui));
    });
    held(|ui, stop| {
        assert_eq!(press(ui, "P esc"), Effect::None);
        stands_at(ui, Stop { edge: Edge::Exit, ..stop });
        assert!(!text(ui).contains("so far"));
    });
}

#[test]
fn the_question_and_its_answers_are_seen_at_every_size() {
    for size in [(120, 40), (80, 24), (40, 10), (20, 5), (1, 1)] {
        held(|ui, _| {
            ui.act(Action::Resize(size.0, size.1));
            press(ui, "P");
            let shown = text(ui);
            assert!(size.1 < 10 || shown.contains("spawn ends") && shown.contains("something else"), "{shown}");
        });
    }
}
