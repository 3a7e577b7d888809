//! The menu of what a client does: keys, then what the program is asked for.

use ratatui::style::Modifier;

use super::replay::press;
use super::*;
use crate::tui::scene::{Clients, SCENES, Scene};

#[track_caller]
fn check(clients: Clients, keys: &str, expected: Effect) {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        ui.set_clients(clients);
        assert_eq!(press(ui, keys), expected, "{keys}");
    });
}

const NOBODY: Clients = Clients::Connected(0);

#[test]
fn every_scene_has_one_row_and_what_needs_somebody_stands_last() {
    let seen: std::collections::HashSet<Scene> = SCENES.iter().map(|row| row.scene).collect();
    assert_eq!(seen.len(), SCENES.len());
    assert!(SCENES.is_sorted_by_key(|row| row.needs_somebody), "digits stay what they are when somebody connects");
    assert!(SCENES.len() < 10, "a digit each");
}

#[test]
fn a_digit_chooses_at_once_and_enter_chooses_the_row() {
    for (at, row) in SCENES.iter().enumerate() {
        check(Clients::Connected(1), &format!("g {}", at + 1), Effect::Send(row.scene));
    }
    check(NOBODY, "g enter", Effect::Send(Scene::Get));
    check(NOBODY, "g down down enter", Effect::Send(Scene::Message));
    check(NOBODY, "g j j k enter", Effect::Send(Scene::Connect));
    check(NOBODY, "g end enter", Effect::Send(Scene::VanishingClient));
    check(NOBODY, "g end home enter", Effect::Send(Scene::Get));
    // Beyond the last row, and not in the menu.
    check(NOBODY, "g 7", Effect::None);
    check(NOBODY, "g esc", Effect::None);
}

#[test]
fn g_again_repeats_what_was_chosen_last() {
    check(NOBODY, "g g", Effect::Send(Scene::Get));
    check(NOBODY, "g 3 g g", Effect::Send(Scene::Message));
    check(NOBODY, "g 3 g enter", Effect::Send(Scene::Message));
    check(NOBODY, "g 3 g down esc g g", Effect::Send(Scene::Message));
}

#[test]
fn disconnect_is_offered_when_somebody_is_connected() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        press(ui, "g");
        assert!(!text(ui).contains("disconnect"), "{}", text(ui));
        ui.set_clients(Clients::Connected(2));
        assert!(text(ui).contains("disconnect") && text(ui).contains("2 are connected"), "{}", text(ui));
        assert_eq!(press(ui, "7"), Effect::Send(Scene::Disconnect));
        // Nobody is left: there is nothing to repeat, and the menu stays open.
        ui.set_clients(NOBODY);
        assert_eq!(press(ui, "g g"), Effect::None);
        assert!(text(ui).contains("vanishing client"), "{}", text(ui));
    });
}

#[test]
fn a_row_that_goes_while_it_is_selected_chooses_nothing_else() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        ui.set_clients(Clients::Connected(1));
        press(ui, "g end");
        ui.set_clients(NOBODY);
        assert_eq!(press(ui, "enter"), Effect::None);
    });
}

#[test]
fn a_recording_has_no_clients_and_says_so() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        ui.set_clients(Clients::Impossible("there is no server"));
        assert_eq!(press(ui, "g"), Effect::None);
        assert!(ui.overlay.is_none() && text(ui).contains("there is no server"), "{}", text(ui));
    });
}

#[test]
fn a_choice_leads_back_to_live_and_opening_the_menu_does_not() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        press(ui, "b g");
        assert!(!ui.is_live());
        press(ui, "esc");
        assert!(!ui.is_live());
        press(ui, "g g");
        assert!(ui.is_live());
    });
}

#[test]
fn the_comparison_stays_below_the_menu() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        press(ui, "B");
        let before = text(ui);
        press(ui, "g");
        assert!(text(ui).contains("BEFORE") && text(ui).contains("vanishing client"), "{}", text(ui));
        press(ui, "esc");
        assert_eq!(text(ui), before);
        assert_eq!(press(ui, "g 4"), Effect::Send(Scene::Broadcast));
        assert_eq!(text(ui), before);
    });
}

#[test]
fn a_click_chooses_the_row_under_it() {
    for size in [(80, 24), SCREEN, (200, 60), (40, 8)] {
        with_ui(Until::Serving, size, Theme::default(), |ui| {
            press(ui, "g");
            let shown = text(ui);
            let found = shown.lines().enumerate().find_map(|(row, line)| Some((row, line.find("3  message")?, line)));
            let (row, at, line) = found.unwrap();
            let column = line[..at].chars().count() as u16;
            assert_eq!(ui.act(Action::Click(0, 0)), Effect::None);
            assert_eq!(ui.act(Action::Click(column, row as u16)), Effect::Send(Scene::Message), "{shown}");
        });
    }
}

#[test]
fn the_selected_row_is_told_without_colour() {
    with_ui(Until::Serving, SCREEN, Theme { has_colour: false, is_ascii: false, ..Theme::default() }, |ui| {
        press(ui, "g down");
        let shown = text(ui);
        assert!(shown.contains("→ 2  connect"), "{shown}");
        let buffer = picture(ui);
        assert!(buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
    });
}

#[test]
fn the_menu_at_two_sizes() {
    for (name, size) in [("80_by_24", (80, 24)), ("120_by_40", SCREEN)] {
        with_ui(Until::Serving, size, Theme::default(), |ui| {
            ui.set_clients(Clients::Connected(1));
            press(ui, "g down");
            insta::assert_snapshot!(format!("the_menu_at_{name}"), text(ui));
        });
    }
}
