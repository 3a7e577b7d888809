//! For a class: what is left on the screen, and the walk that goes on by itself.

use std::time::Duration;

use super::replay::press;
use super::*;
use crate::trace::{Command, Edge, Kind, Run, Status, Stop};

const S: Duration = Duration::from_secs(1);

fn held(size: (u16, u16), test: impl FnOnce(&mut Ui<'_>)) {
    with_ui(Until::Spawn, size, Theme::default(), |ui| {
        let hold = ui.log.events_in(..).find_map(|event| match event.kind {
            Kind::Hold { span, edge, .. } => Some(Stop { lane: event.lane, thread: event.thread.id, span, edge }),
            _ => None,
        });
        stands(ui, hold.unwrap());
        test(ui);
    });
}

fn stands(ui: &mut Ui<'_>, stop: Stop) {
    ui.set_status(Status { run: Run::Paused(stop), held: vec![stop], detached: false, ..Status::default() });
}

#[test]
fn one_idea_is_left_on_the_screen_and_the_chain_beside_it() {
    held(SCREEN, |ui| {
        press(ui, "K");
        let shown = text(ui);
        for part in ["The chain", "▸ 11 spawn", "✓", "Look at:", "Question:", "▸ spawn"] {
            assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
        }
        assert!(!shown.contains("Timeline") && !shown.contains("Fields"), "{shown}");
        press(ui, "a");
        assert!(text(ui).contains("Answer:"), "{}", text(ui));
        press(ui, "K");
        assert!(text(ui).contains("Timeline"));
    });
}

#[test]
fn it_survives_every_size() {
    for size in [(200, 60), (120, 40), (80, 24), (60, 14), (20, 5), (3, 3), (1, 1)] {
        held(size, |ui| {
            press(ui, "K");
            let shown = text(ui);
            assert!(size.1 < 20 || shown.contains("Question:"), "{shown}");
        });
    }
}

#[test]
fn the_class_at_two_sizes() {
    for (size, name) in [((120, 40), "the_class_at_120_by_40"), ((80, 24), "the_class_at_80_by_24")] {
        held(size, |ui| {
            press(ui, "K");
            insta::assert_snapshot!(name, text(ui));
        });
    }
}

#[test]
fn a_walk_takes_a_step_when_it_is_due_and_only_where_the_program_stands() {
    held(SCREEN, |ui| {
        let at = |ui: &mut Ui<'_>, now| {
            ui.tick(now);
            ui.walk_on()
        };
        assert_eq!(at(ui, 9 * S), None);
        press(ui, "W");
        assert_eq!((at(ui, 10 * S), at(ui, 12 * S)), (None, None));
        assert_eq!(at(ui, 13 * S), Some(Effect::Command(Command::Into)));
        // It is on its way, and then stands somewhere else: the time begins anew.
        ui.set_status(Status { run: Run::Stepping, held: Vec::new(), detached: false, ..Status::default() });
        assert_eq!(at(ui, 20 * S), None);
        held_again(ui);
        assert_eq!((at(ui, 21 * S), at(ui, 23 * S)), (None, None));
        // Not while somebody reads, and not from the past.
        press(ui, "?");
        assert_eq!(at(ui, 30 * S), None);
        press(ui, "esc");
        assert_eq!(at(ui, 31 * S), None);
        assert_eq!(at(ui, 34 * S), Some(Effect::Command(Command::Into)));
        press(ui, "W");
        assert_eq!((at(ui, 40 * S), at(ui, 50 * S)), (None, None));
        ui.walk_every(S);
        assert_eq!((at(ui, 60 * S), at(ui, 61 * S)), (None, Some(Effect::Command(Command::Into))));
        press(ui, "W W");
        assert_eq!(
            (at(ui, 70 * S), at(ui, 71 * S)),
            (None, Some(Effect::Command(Command::Into))),
            "as it was asked for"
        );
    });
}

fn held_again(ui: &mut Ui<'_>) {
    let span = ui.known.here.unwrap();
    let (lane, thread) = ui.known.state.frame(span).map(|found| (found.0.id, found.0.thread.id)).unwrap();
    stands(ui, Stop { lane, thread, span, edge: Edge::Exit });
}
