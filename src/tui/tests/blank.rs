//! What is empty, over, alone or too small says so, and what to do.

use std::time::Duration;

use super::replay::press;
use super::*;
use crate::trace::{Event, Kind, Run, Seq, Status};

pub(super) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A recording, or a program that is watched.
pub(super) fn set_over(ui: &mut Ui<'_>, is_over: bool) {
    let run = if is_over { Run::Over } else { Run::Free };
    ui.set_status(Status { run, held: Vec::new(), detached: true, on: None, hits: Vec::new() });
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
