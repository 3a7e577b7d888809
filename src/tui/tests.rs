//! What the screens promise, checked on pictures of a run written by hand.

mod against;
mod asked;
mod blank;
mod breaks;
mod claims;
mod class;
mod commands;
mod desk;
mod event_loop;
mod foreign;
mod lists;
mod look;
mod notes;
mod panes;
mod predict;
mod replay;
mod scenes;
mod time;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::fixture::{Until, with_ui};
use super::overlay::Overlay;
use super::*;
use crate::trace::Log;

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
    for action in
        [Action::Moments, Action::Help, Action::Steps, Action::Restart, Action::RunUntil, Action::Back, Action::Request]
    {
        println!("{action:?}\n{}", after(Until::Request, size, &[action]));
    }
}

/// Only the first `count` events of the log.
fn keep(ui: &mut Ui<'_>, count: usize) {
    let events: Vec<_> = ui.log.events_in(..count).collect();
    ui.absorb(|log| {
        *log = Log::new();
        events.into_iter().for_each(|event| log.push(event));
        News::Another
    });
}

#[test]
fn without_colour_nothing_is_coloured() {
    let plain = Theme { has_colour: false, is_ascii: false, ..Theme::default() };
    let overlays =
        [Action::Moments, Action::Help, Action::Steps, Action::Statistics, Action::CriticalPath, Action::Request];
    for action in overlays.into_iter().chain([Action::Fit, Action::EventLoop]) {
        with_ui(Until::Request, SCREEN, plain, |ui| {
            ui.act(action);
            ui.work(|| true);
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
    let ascii = Theme { has_colour: true, is_ascii: true, ..Theme::default() };
    let overlays =
        [Action::Moments, Action::Help, Action::Statistics, Action::CriticalPath, Action::Request, Action::Notes];
    for action in overlays.into_iter().chain([Action::Note, Action::Fit, Action::Play, Action::EventLoop]) {
        with_ui(Until::Serving, SCREEN, ascii, |ui| {
            ui.act(action);
            ui.work(|| true);
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
                ui.search("get".parse().unwrap());
                for pane in Pane::ALL {
                    ui.focus = pane;
                    // Those lie over everything, whoever has the keys.
                    let asked = [
                        "event loop",
                        "go to",
                        "search",
                        "matches",
                        "statistics",
                        "path",
                        "scenes",
                        "palette",
                        "copy",
                        "notes",
                        "note",
                    ];
                    let asked = &asked[..if pane == Pane::Stack { asked.len() } else { 0 }];
                    for overlay in ["", "help", "steps", "until", "restart", "moments"].iter().chain(asked) {
                        ui.act(Action::Close);
                        ui.act(match *overlay {
                            "help" => Action::Help,
                            "steps" => Action::Steps,
                            "until" => Action::RunUntil,
                            "restart" => Action::Restart,
                            "moments" => Action::Moments,
                            "event loop" => Action::EventLoop,
                            "go to" => Action::GoTo,
                            "search" => Action::Search,
                            "matches" => Action::Matches,
                            "statistics" => Action::Statistics,
                            "path" => Action::CriticalPath,
                            "scenes" => Action::Request,
                            "palette" => Action::Palette,
                            "copy" => Action::Copy,
                            "notes" => Action::Notes,
                            "note" => Action::Note,
                            _ => Action::Down,
                        });
                        ui.work(|| true);
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
                ui.work(|| key % 3 > 0);
                ui.tick(std::time::Duration::from_millis(40 * key as u64));
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
