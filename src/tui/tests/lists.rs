//! Lists under the mouse: a click selects, a click on what is selected is enter.

use super::replay::{enter, press, serving};
use super::*;
use crate::trace::BookmarkEdit;

/// The row of the screen on which a text stands, below the first line.
#[track_caller]
fn row_of(ui: &Ui<'_>, wanted: &str) -> u16 {
    let text = text(ui);
    let found = text.lines().skip(1).position(|line| line.contains(wanted));
    found.unwrap_or_else(|| panic!("{wanted:?} is not in\n{text}")) as u16 + 1
}

#[track_caller]
fn click(ui: &mut Ui<'_>, wanted: &str) -> Effect {
    let row = row_of(ui, wanted);
    ui.act(Action::Click(20, row))
}

#[test]
fn a_click_selects_a_note_and_another_goes_there() {
    serving(SCREEN, |ui| {
        for (cursor, text) in [(5, "the first"), (30, "the second"), (60, "the third")] {
            ui.absorb(|log| {
                log.edit_bookmarks(BookmarkEdit::Set(log.bookmark_at(cursor, None, text)));
                News::More
            });
        }
        press(ui, "O home");
        click(ui, "the third");
        assert_eq!(ui.overlay, Some(Overlay::Notes { at: 2 }));
        click(ui, "the second");
        assert_eq!(ui.overlay, Some(Overlay::Notes { at: 1 }));
        let row = row_of(ui, "the second");
        // What is no row does nothing.
        ui.act(Action::Click(20, 2));
        assert_eq!(ui.overlay, Some(Overlay::Notes { at: 1 }));
        ui.act(Action::Click(20, row));
        assert_eq!((ui.overlay.clone(), ui.cursor()), (None, 30));
    });
}

/// The row of the screen that is marked as the selected one of a list.
#[track_caller]
fn selected_row(ui: &Ui<'_>) -> u16 {
    let (buffer, style) = (picture(ui), ui.theme.style(Role::Selected));
    let is_selected = |row: &u16| {
        buffer[(40, *row)].bg == style.bg.unwrap_or_default()
            && buffer[(40, *row)].style().add_modifier == style.add_modifier
    };
    let found: Vec<u16> = (0..buffer.area.height).filter(is_selected).collect();
    assert_eq!(found.len(), 1, "{}", text(ui));
    found[0]
}

#[test]
fn every_list_is_clicked_as_it_is_stepped_through() {
    for screen in [SCREEN, (80, 24)] {
        serving(screen, |ui| {
            for keys in ["m", "S", "C tab", "A", "i"] {
                enter(ui, "/", "name:run", "enter esc");
                press(ui, keys);
                press(ui, if keys == "i" { "" } else { "home" });
                let above = ui.overlay.clone();
                press(ui, "down");
                let (below, row) = (ui.overlay.clone(), selected_row(ui));
                press(ui, "up");
                assert_eq!((ui.overlay.clone(), above != below), (above, true), "{keys}");
                ui.act(Action::Click(40, row));
                assert_eq!(ui.overlay, below, "{keys} on {screen:?}");
                press(ui, "esc");
            }
        });
    }
}

#[test]
fn rows_of_the_restart_dialog_are_clicked() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.act(Action::Restart);
        let (first, second) = (row_of(ui, "names looked up"), row_of(ui, "lookup slower by"));
        for (row, shown) in [(first, "[by main itself]"), (second, "[off]"), (second, "[300ms]")] {
            ui.act(Action::Click(40, row));
            assert!(text(ui).contains(shown), "{shown}: {}", text(ui));
        }
    });
}
