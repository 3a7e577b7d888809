//! How things look: the accent says where we are and nothing else, what is selected is one bar, and
//! nothing is cut without a sign.

use ratatui::style::Modifier;

use super::blank::{SIZES, set_over};
use super::replay::press;
use super::*;
use crate::trace::{Run, Status};

/// The cells of a row between two columns.
fn cells(buffer: &Buffer, y: u16, columns: std::ops::Range<u16>) -> Vec<&ratatui::buffer::Cell> {
    columns.map(|x| &buffer[(x, y)]).collect()
}

/// Where a text begins in the picture: column and row.
#[track_caller]
fn find(buffer: &Buffer, text: &str) -> (u16, u16) {
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let found: String =
                (x..buffer.area.width).map(|x| buffer[(x, y)].symbol()).take(text.chars().count()).collect();
            if found == text {
                return (x, y);
            }
        }
    }
    panic!("`{text}` is not shown");
}

#[test]
fn the_pane_that_has_the_keys_lends_its_colour_to_no_other_title() {
    let accent = Theme::default().style(Role::Focus).fg;
    for size in SIZES {
        with_ui(Until::Spawn, size, Theme::default(), |ui| {
            for (focus, title) in
                [(Pane::Stack, " Timeline "), (Pane::Timeline, " Call stack "), (Pane::Lesson, " Timeline ")]
            {
                ui.focus = focus;
                let buffer = picture(ui);
                let (x, y) = find(&buffer, title);
                let width = title.chars().count() as u16;
                let others = cells(&buffer, y, x..x + width);
                assert!(others.iter().all(|cell| Some(cell.fg) != accent), "{title} with {focus:?} at {size:?}");
            }
            ui.focus = Pane::Timeline;
            let buffer = picture(ui);
            let (x, y) = find(&buffer, " Timeline ");
            assert_eq!(Some(buffer[(x + 1, y)].fg), accent);
        });
    }
}

#[test]
fn the_accent_is_for_where_we_are() {
    let theme = Theme { base: Base::Dark, ..Theme::default() };
    let accent = theme.style(Role::Accent).fg.unwrap();
    with_ui(Until::Spawn, SCREEN, theme, |ui| {
        let buffer = picture(ui);
        let last = cells(&buffer, SCREEN.1 - 1, 0..SCREEN.0);
        assert!(last.iter().all(|cell| cell.fg != accent), "keys are no place");
        // A box has it in its border and its title, and nothing below the box has it.
        for keys in ["?", "i", "R", "g", "T", ":", "y", "A"] {
            press(ui, keys);
            let buffer = picture(ui);
            for y in 1..SCREEN.1 {
                for x in 0..SCREEN.0 {
                    let cell = &buffer[(x, y)];
                    let is_border = cell.symbol().chars().all(|mark| ('\u{2500}'..='\u{257f}').contains(&mark));
                    let is_title = cell.modifier.contains(Modifier::BOLD);
                    assert!(cell.fg != accent || is_border || is_title, "{keys} at {x}, {y}: {cell:?}");
                }
            }
            press(ui, "esc");
        }
    });
}

#[test]
fn what_lies_below_a_box_steps_back() {
    let theme = Theme { base: Base::Light, ..Theme::default() };
    let dim = theme.style(Role::Dim).fg;
    for keys in ["R", "g", "T", ":"] {
        with_ui(Until::Serving, SCREEN, theme, |ui| {
            press(ui, keys);
            let buffer = picture(ui);
            let below = cells(&buffer, 2, 0..SCREEN.0);
            assert!(below.iter().all(|cell| cell.symbol() == " " || Some(cell.fg) == dim), "{keys}");
            assert!(below.iter().any(|cell| cell.symbol() != " "), "{keys}");
        });
    }
}

#[test]
fn a_box_leaves_no_scraps_beside_it() {
    for keys in ["R", "g", "T", "P", "u"] {
        with_ui(Until::Spawn, (80, 24), Theme::default(), |ui| {
            let held = ui.known.state.paused().unwrap();
            ui.set_status(Status {
                run: Run::Paused(held),
                held: vec![held],
                detached: false,
                on: None,
                hits: Vec::new(),
            });
            press(ui, keys);
            let shown = text(ui);
            let tops = shown.lines().filter(|line| line.starts_with('┌') && line.ends_with('┐')).count();
            // The panes', and the box's.
            assert_eq!((tops, shown.matches('┌').count()), (2, 2), "{keys}:\n{shown}");
        });
    }
}

/// Of the row with all its cells reversed: the look of each.
fn bar(buffer: &Buffer) -> Option<Vec<ratatui::style::Style>> {
    let inner = 1..buffer.area.width - 1;
    (0..buffer.area.height).find_map(|y| {
        let row = cells(buffer, y, inner.clone());
        let first = row.iter().position(|cell| cell.modifier.contains(Modifier::REVERSED))?;
        let reversed: Vec<_> =
            row[first..].iter().take_while(|cell| cell.modifier.contains(Modifier::REVERSED)).collect();
        (reversed.len() > 20).then(|| {
            // From border to border.
            let last = inner.start + (first + reversed.len()) as u16;
            let border = |x: u16| matches!(buffer[(x, y)].symbol(), "│" | "┤" | "├");
            assert!(border(inner.start + first as u16 - 1) && border(last), "row {y}, to {last}");
            reversed.iter().map(|cell| cell.style()).collect()
        })
    })
}

#[test]
fn the_selected_row_is_one_bar_from_border_to_border() {
    for size in [(80, 24), (120, 40)] {
        for keys in
            ["", "down", "i", "i down down", "g down", "A", "A down", "S", "C", "y", ": z o", "/ g e t enter", "P"]
        {
            with_ui(Until::Spawn, size, Theme::default(), |ui| {
                let held = ui.known.state.paused().unwrap();
                ui.set_status(Status {
                    run: Run::Paused(held),
                    held: vec![held],
                    detached: false,
                    on: None,
                    hits: Vec::new(),
                });
                press(ui, keys);
                let bar =
                    bar(&picture(ui)).unwrap_or_else(|| panic!("nothing is selected after `{keys}`\n{}", text(ui)));
                assert!(bar.iter().all(|style| *style == bar[0]), "`{keys}` at {size:?}: {bar:?}");
            });
        }
    }
}

#[test]
fn the_selected_row_is_seen_however_low_the_screen_is() {
    for keys in ["i", "i down down down", "P", "P down", "g down down"] {
        with_ui(Until::Spawn, (30, 6), Theme::default(), |ui| {
            let held = ui.known.state.paused().unwrap();
            ui.set_status(Status {
                run: Run::Paused(held),
                held: vec![held],
                detached: false,
                on: None,
                hits: Vec::new(),
            });
            press(ui, keys);
            assert!(bar(&picture(ui)).is_some(), "`{keys}`\n{}", text(ui));
        });
    }
}

#[test]
fn in_a_search_the_last_line_speaks_of_it_even_while_the_program_runs() {
    with_ui(Until::Serving, (80, 24), Theme::default(), |ui| {
        set_over(ui, false);
        assert!(text(ui).contains("running freely"));
        press(ui, "/ g e t enter esc");
        let last = text(ui).lines().last().unwrap().to_owned();
        assert!(last.contains("next match") && !last.contains("running freely"), "{last}");
    });
}

#[test]
fn in_ascii_a_word_that_was_cut_does_not_end_like_a_sentence() {
    let ascii = Theme { is_ascii: true, ..Theme::default() };
    with_ui(Until::Spawn, (80, 24), ascii, |ui| {
        press(ui, ": l a y");
        let shown = text(ui);
        assert!(shown.contains('~') && shown.contains("Another layout: lesson, stack"), "{shown}");
    });
}

#[test]
fn a_line_of_the_timeline_goes_around_words() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        for cursor in 0..ui.log.len() {
            ui.set_cursor(cursor);
            let shown = text(ui);
            ui.act(Action::Range);
            ui.act(Action::ScrubForth);
            let ranged = text(ui);
            assert!(!ranged.contains("not│run") && !ranged.contains("not┆run") && !ranged.contains("0┆µs"), "{ranged}");
            ui.act(Action::Range);
            ui.act(Action::Close);
            assert!(!shown.contains("not│run") && !shown.contains("not┊run") && !shown.contains(",│not"), "{shown}");
        }
    });
}

#[test]
fn there_is_more_is_said_of_fields_too() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let shown = text(ui);
        let title = shown.lines().find(|line| line.contains("Fields of")).unwrap();
        assert!(!title.contains("more ↓"), "{shown}");
        for _ in 0..6 {
            ui.focus = Pane::Fields;
            ui.act(Action::Smaller);
        }
        let shown = text(ui);
        let title = shown.lines().find(|line| line.contains("Fields of")).unwrap();
        assert!(title.contains("more ↓"), "{shown}");
    });
}

#[test]
fn the_states_at_three_sizes() {
    for size in SIZES {
        let name = |what: &str| format!("{what}_at_{}_by_{}", size.0, size.1);
        with_ui(Until::Spawn, size, Theme::default(), |ui| {
            let held = ui.known.state.paused().unwrap();
            ui.set_status(Status {
                run: Run::Paused(held),
                held: vec![held],
                detached: false,
                on: None,
                hits: Vec::new(),
            });
            for (keys, what) in [("i", "steps"), ("R", "restart"), ("P", "guess")] {
                press(ui, keys);
                insta::assert_snapshot!(name(what), text(ui));
                press(ui, "esc");
            }
            keep(ui, 0);
            ui.set_status(Status { run: Run::Stepping, held: Vec::new(), detached: false, on: None, hits: Vec::new() });
            insta::assert_snapshot!(name("starting"), text(ui));
            set_over(ui, true);
            insta::assert_snapshot!(name("empty"), text(ui));
        });
    }
}
