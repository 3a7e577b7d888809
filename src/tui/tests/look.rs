//! How things look: what is empty says what to do, the accent says where we are and nothing else, what is selected is one
//! bar, and nothing is cut without a sign.

use std::time::Duration;

use ratatui::style::Modifier;

use super::replay::press;
use super::*;
use crate::trace::{Event, Kind, Run, Seq, Status};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

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

/// A recording, or a program that is watched.
fn set_over(ui: &mut Ui<'_>, is_over: bool) {
    let run = if is_over { Run::Over } else { Run::Free };
    ui.set_status(Status { run, held: Vec::new(), detached: true });
}

#[test]
fn an_empty_screen_says_why_and_what_to_do() {
    #[track_caller]
    fn check(is_over: bool, remark: Option<&str>, is_loading: bool, expected: &[&str]) {
        for size in SIZES {
            with_ui(Until::Spawn, size, Theme::default(), |ui| {
                keep(ui, 0);
                set_over(ui, is_over);
                ui.set_remark(remark.map(str::to_owned));
                ui.set_progress(is_loading.then_some(Progress { done: 1, all: 2 }));
                ui.tick(Duration::from_secs(1));
                let shown = text(ui).split_whitespace().collect::<Vec<_>>().join(" ");
                // Lines of a pane stand between those of others.
                for word in expected.iter().flat_map(|text| text.split(' ')) {
                    assert!(shown.contains(word), "`{word}` at {size:?}:\n{}", text(ui));
                }
                for pane in Pane::ALL {
                    (ui.focus, ui.is_zoomed) = (pane, true);
                    let shown = text(ui);
                    let body: String = shown.lines().skip(2).take(usize::from(size.1) - 4).collect();
                    assert!(body.contains(char::is_alphabetic), "{pane:?} is blank at {size:?}:\n{shown}");
                }
            });
        }
    }
    check(false, None, false, &["STARTING", "The program is starting.", "To start it again: R;".split_at(3).1]);
    check(false, Some("cannot listen"), false, &["ENDED", "has ended: cannot listen."]);
    check(true, None, false, &["RECORDED", "Nothing was recorded", "To leave: q."]);
    check(true, Some("1 stretch damaged"), false, &["Nothing could be read", "`spanwalk info`"]);
    check(true, None, true, &["LOADING", "The file is being read."]);
}

#[test]
fn the_beginning_of_a_recording_says_how_to_go_on() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.set_cursor(0);
        let shown = text(ui);
        assert!(shown.contains("Nothing has happened yet at this place. To go"), "{shown}");
    });
}

#[test]
fn a_program_that_has_ended_says_so_and_what_to_do() {
    with_ui(Until::Serving, (80, 24), Theme::default(), |ui| {
        set_over(ui, false);
        assert!(!text(ui).contains("ENDED"));
        ui.absorb(|log| {
            let last = log.event(log.len() - 1).unwrap();
            for lane in log.lanes().iter().map(|lane| lane.id).collect::<Vec<_>>() {
                let seq = Seq(log.len() as u64);
                log.push(Event { seq, lane, kind: Kind::LaneClose, ..last.clone() });
            }
            News::More
        });
        let shown = text(ui);
        assert!(shown.contains("■ ENDED") && shown.contains("the program has ended: R starts it again"), "{shown}");
        assert!(shown.contains("No call is open any more.") && shown.contains("program again: R"), "{shown}");
        // Of a recording that is no news.
        set_over(ui, true);
        let shown = text(ui);
        assert!(shown.contains("RECORDED") && !shown.contains("ENDED"), "{shown}");
        assert!(shown.contains("No call is open any more.") && !shown.contains("again: R"), "{shown}");
    });
}

#[test]
fn too_small_a_screen_says_which_would_do() {
    #[track_caller]
    fn check(size: (u16, u16), expected: Option<&str>) {
        with_ui(Until::Spawn, size, Theme::default(), |ui| {
            let last = text(ui).lines().last().unwrap().to_owned();
            match expected {
                Some(expected) => assert!(last.contains(expected), "{last}"),
                None => assert!(!last.contains("40×10"), "{last}"),
            }
        });
    }
    check((60, 9), Some("60×9 is too small: 40×10 shows a pane"));
    check((20, 5), Some("needs 40×10 or more"));
    check((12, 6), Some("too small"));
    check((40, 10), None);
    check((80, 24), None);
}

#[test]
fn a_pane_that_is_alone_says_how_to_reach_the_others() {
    with_ui(Until::Spawn, (50, 20), Theme::default(), |ui| {
        assert!(text(ui).contains("┌ Call stack · 1 of 5, tab ─"), "{}", text(ui));
        press(ui, "tab tab");
        assert!(text(ui).contains("┌ Timeline · 3 of 5, tab ─"), "{}", text(ui));
    });
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, "z");
        assert!(text(ui).contains("┌ Call stack · zoomed, z ends it ─"), "{}", text(ui));
        press(ui, "z");
        assert!(text(ui).contains("┌ Call stack ─"), "{}", text(ui));
    });
}

#[test]
fn what_is_to_be_known_of_a_file_is_not_what_goes_first() {
    with_ui(Until::Spawn, (80, 24), Theme::default(), |ui| {
        set_over(ui, true);
        ui.set_remark(Some("1 stretch damaged, not closed".into()));
        let first = text(ui).lines().next().unwrap().to_owned();
        assert!(
            first.contains("RECORDED") && first.contains("spawn") && first.contains("damaged, not closed"),
            "{first}"
        );
    });
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
            ui.set_status(Status { run: Run::Paused(held), held: vec![held], detached: false });
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
                ui.set_status(Status { run: Run::Paused(held), held: vec![held], detached: false });
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
            ui.set_status(Status { run: Run::Paused(held), held: vec![held], detached: false });
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
fn in_a_recording_the_last_line_offers_nothing_that_only_a_program_can() {
    for keys in ["", "B", "w", "tab", "tab tab", "b", "b tab", "x", "A", "i"] {
        with_ui(Until::Serving, (200, 60), Theme::default(), |ui| {
            set_over(ui, true);
            press(ui, keys);
            let last = text(ui).lines().last().unwrap().to_owned();
            for id in ["into", "over", "out", "run-to-loop", "request"] {
                let row = command::command(id).unwrap();
                assert!(!last.contains(&format!(" {} {} ", row.keys[0], row.label)), "{id} after `{keys}`: {last}");
            }
        });
    }
}

#[test]
fn a_recording_of_something_else_says_what_is_not_in_it() {
    with_ui(Until::Spawn, (80, 24), Theme::default(), |ui| {
        keep(ui, 1);
        set_over(ui, true);
        press(ui, "B");
        assert!(text(ui).contains("Nothing of the documented chain is in this recording."), "{}", text(ui));
        press(ui, "esc w");
        let last = text(ui).lines().last().unwrap().to_owned();
        assert!(last.starts_with(" esc back to the panes"), "{last}");
        press(ui, "w / z z enter");
        let last = text(ui).lines().last().unwrap().to_owned();
        assert!(last.starts_with(" / change"), "{last}");
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
            ui.set_status(Status { run: Run::Paused(held), held: vec![held], detached: false });
            for (keys, what) in [("i", "steps"), ("R", "restart"), ("P", "guess")] {
                press(ui, keys);
                insta::assert_snapshot!(name(what), text(ui));
                press(ui, "esc");
            }
            keep(ui, 0);
            ui.set_status(Status { run: Run::Stepping, held: Vec::new(), detached: false });
            insta::assert_snapshot!(name("starting"), text(ui));
            set_over(ui, true);
            insta::assert_snapshot!(name("empty"), text(ui));
        });
    }
}

#[test]
fn nothing_breaks_where_nothing_is() {
    for size in [(1, 1), (2, 2), (3, 3), (20, 5), (39, 9), (40, 10), (80, 24)] {
        for is_over in [true, false] {
            with_ui(Until::Spawn, size, Theme::default(), |ui| {
                keep(ui, 0);
                set_over(ui, is_over);
                for pane in Pane::ALL {
                    (ui.focus, ui.is_zoomed) = (pane, true);
                    for action in [Action::Steps, Action::Restart, Action::Claims, Action::Class, Action::EventLoop] {
                        ui.act(action);
                        picture(ui);
                        ui.act(action);
                        ui.act(Action::Close);
                    }
                }
            });
        }
    }
}
