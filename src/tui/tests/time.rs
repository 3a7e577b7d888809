//! The timeline as something to work in: before, keys or mouse, after.

use std::sync::Arc;

use super::replay::{press, serving};
use super::*;
use crate::trace::*;
use crate::tui::range::Range;
use crate::tui::time_pane::Grip;
use crate::tui::timeline::LineId;

/// Main, a loop, and so many connections that come one after the other and stay, each answered by a task that is polled
/// three times.
fn crowd(connections: u32) -> Log {
    let mut log = Log::new();
    let mut time = 0;
    let mut push = |lane: u32, kind: Kind| {
        time += 10_000;
        let thread = Arc::new(Thread { id: ThreadId(1), name: "MainThread".into() });
        let seq = Seq(log.len() as u64);
        log.push(Event { seq, time: Time(time), thread, lane: LaneId(lane), kind });
    };
    let callsite = |name: &str| Arc::new(Callsite { name: name.into(), target: "app".into(), file: None, line: None });
    let open = |span: u64, parent: Option<u64>, name: &str| Kind::Open {
        span: SpanId(span),
        parent: parent.map(SpanId),
        callsite: callsite(name),
        fields: Vec::new(),
    };
    for (lane, name) in [(1, "main"), (2, "hub")] {
        push(lane, Kind::LaneOpen { name: name.into(), kind: LaneKind::Thread });
    }
    push(2, open(1, None, "run"));
    push(2, Kind::Enter { span: SpanId(1) });
    let lane = |number: u32| 10 + number;
    for number in 1..=connections {
        push(lane(number), Kind::LaneOpen { name: format!("conn-{number}").into(), kind: LaneKind::Task });
        push(lane(number), open(u64::from(number) * 10, None, "handle"));
    }
    for poll in 0..3 {
        for number in 1..=connections {
            let (task, call) = (SpanId(u64::from(number) * 10), u64::from(number) * 10 + 1 + poll);
            push(2, Kind::Switch { to: LaneId(lane(number)), reason: None });
            push(lane(number), Kind::Enter { span: task });
            push(lane(number), open(call, Some(task.0), "read"));
            push(lane(number), Kind::Enter { span: SpanId(call) });
            push(lane(number), Kind::Exit { span: SpanId(call) });
            push(lane(number), Kind::Close { span: SpanId(call) });
            push(lane(number), Kind::Exit { span: task });
            push(lane(number), Kind::Switch { to: LaneId(2), reason: None });
        }
    }
    push(lane(1), Kind::Close { span: SpanId(10) });
    push(lane(1), Kind::LaneClose);
    log
}

/// The crowd, with the timeline on the whole screen and in possession of the keys.
fn crowded<T>(connections: u32, size: (u16, u16), test: impl FnOnce(&mut Ui<'_>) -> T) -> T {
    serving(size, |ui| {
        ui.absorb(|log| {
            *log = crowd(connections);
            News::Another
        });
        ui.focus = Pane::Timeline;
        ui.is_zoomed = true;
        ui.refresh();
        test(ui)
    })
}

#[track_caller]
fn shows(ui: &Ui<'_>, parts: &[&str]) {
    let text = text(ui);
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[track_caller]
fn hides(ui: &Ui<'_>, parts: &[&str]) {
    let text = text(ui);
    for part in parts {
        assert!(!text.contains(part), "`{part}` is shown in\n{text}");
    }
}

fn row_of(ui: &Ui<'_>, part: &str) -> u16 {
    let text = text(ui);
    let row = text.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("`{part}`\n{text}"));
    row as u16
}

#[test]
fn lanes_of_a_kind_are_one_line_and_unfold_by_key_and_by_mouse() {
    crowded(200, SCREEN, |ui| {
        shows(ui, &["▸ conn-*", "200 lanes: 0 busy, 199 waiting, 1 over ", "main", "hub"]);
        hides(ui, &["conn-1 ", "conn-57 ", "more lanes"]);
        // Main, hub, and the group.
        press(ui, "down down down");
        shows(ui, &["enter fold or unfold  F all"]);
        press(ui, "enter");
        shows(ui, &["▾ conn-*", "conn-2 ", "conn-30 ", "more lanes"]);
        press(ui, "enter");
        hides(ui, &["conn-2 "]);
        press(ui, "F");
        shows(ui, &["▾ conn-*", "conn-2 "]);
        press(ui, "F");
        hides(ui, &["conn-2 "]);
        let row = row_of(ui, "▸ conn-*");
        ui.act(Action::Click(3, row));
        ui.act(Action::Drop);
        shows(ui, &["▾ conn-*", "conn-2 "]);
        ui.act(Action::Click(3, row));
        hides(ui, &["conn-2 "]);
    });
}

#[test]
fn a_group_is_unfolded_where_all_of_it_fits() {
    crowded(12, SCREEN, |ui| {
        shows(ui, &["▾ conn-*", "conn-1 ", "conn-12 "]);
        press(ui, "F");
        shows(ui, &["▸ conn-*"]);
        hides(ui, &["conn-12 "]);
    });
    crowded(12, (80, 12), |ui| {
        shows(ui, &["▸ conn-*"]);
        press(ui, "F");
        shows(ui, &["▾ conn-*", "more lanes"]);
    });
}

#[test]
fn who_does_something_in_the_window_is_seen_where_not_all_fit() {
    crowded(200, SCREEN, |ui| {
        press(ui, "F");
        hides(ui, &["conn-150 "]);
        let polled = ui.log.stretches(SpanId(1500)).nth(1).unwrap();
        let window = Window { from: Time(polled.0.0 - 15_000), to: Time(polled.0.0 + 9_000) };
        ui.window = Some(window);
        shows(ui, &["conn-150 ", "conn-2 ", "more lanes"]);
    });
}

#[test]
fn no_lane_has_two_lines_wherever_the_cursor_and_the_window_are() {
    crowded(7, (80, 30), |ui| {
        let end = ui.last_time().0;
        for cursor in (0..=ui.log.len()).step_by(9) {
            ui.set_cursor(cursor);
            for (from, to) in [(0, end), (0, end / 2), (end / 3, end), (end / 2, end / 2 + 100), (end - 9, end + 99)] {
                ui.window = Some(Window { from: Time(from), to: Time(to) });
                let plan = ui.plan().unwrap();
                let mut lines: Vec<String> = plan.places.iter().map(|place| format!("{:?}", place.line)).collect();
                lines.sort();
                let all = lines.len();
                lines.dedup();
                assert_eq!(lines.len(), all, "{}", text(ui));
            }
        }
    });
}

#[test]
fn four_of_a_kind_are_no_group() {
    crowded(4, SCREEN, |ui| {
        shows(ui, &["conn-1 ", "conn-4 "]);
        hides(ui, &["conn-*"]);
    });
}

#[test]
fn a_lane_where_we_are_has_a_line_in_a_folded_group() {
    crowded(200, SCREEN, |ui| {
        ui.lines.chosen = Some(LineId::Lane(LaneId(67)));
        shows(ui, &["▸ conn-*", "conn-57 "]);
        hides(ui, &["conn-56 "]);
    });
}

#[test]
fn the_lines_scroll_with_the_chosen_one() {
    crowded(200, (80, 24), |ui| {
        press(ui, "F");
        ui.act(Action::PageDown);
        for _ in 0..120 {
            press(ui, "down");
        }
        let chosen = ui.lines.chosen;
        assert!(matches!(chosen, Some(LineId::Lane(lane)) if lane.0 > 100), "{chosen:?}");
        let plan = ui.plan().unwrap();
        assert!(plan.places.iter().any(|place| Some(LineId::of(&place.line)) == chosen), "{}", text(ui));
        for _ in 0..300 {
            press(ui, "up");
        }
        assert_eq!(ui.lines.chosen, Some(LineId::Lane(LaneId(1))));
    });
}

#[test]
fn nothing_is_scrolled_away_where_all_of_it_fits() {
    crowded(4, (80, 24), |ui| {
        ui.is_zoomed = false;
        ui.act(Action::Wheel(2, 20, true));
        ui.act(Action::Wheel(2, 20, true));
        assert_eq!(ui.lines.skipped, 2);
        let lines = |ui: &Ui<'_>| ui.plan().unwrap().places.len();
        assert_eq!(lines(ui), 4, "{}", text(ui));
        press(ui, "z");
        assert_eq!((ui.lines.skipped, lines(ui)), (0, 6), "{}", text(ui));
    });
}

#[test]
fn slices_are_gone_through_in_the_chosen_lane_only() {
    crowded(6, SCREEN, |ui| {
        ui.set_cursor(0);
        ui.lines.chosen = Some(LineId::Lane(LaneId(13)));
        let names = |ui: &Ui<'_>| ui.known.here.map(|span| span.0);
        // The call of the lane, then the reads inside.
        press(ui, ".");
        assert_eq!(names(ui), Some(30));
        press(ui, ".");
        shows(ui, &["conn-3 has no call after this at depth 1"]);
        press(ui, "L L L");
        assert_eq!(names(ui), Some(31), "in the first read");
        press(ui, ".");
        assert_eq!(names(ui), Some(32));
        press(ui, ".");
        assert_eq!(names(ui), Some(33));
        press(ui, ".");
        shows(ui, &["conn-3 has no call after this at depth 2"]);
        press(ui, ", ,");
        assert_eq!(names(ui), Some(31));
        press(ui, ",");
        shows(ui, &["conn-3 has no call before this at depth 2"]);
        // From within it, back to its beginning.
        press(ui, ". e ,");
        assert_eq!(names(ui), Some(32));
    });
}

#[test]
fn switches_and_wakes_are_followed_to_whom_and_from_whom() {
    crowded(6, SCREEN, |ui| {
        ui.set_cursor(0);
        ui.lines.chosen = Some(LineId::Lane(LaneId(2)));
        press(ui, ";");
        assert_eq!(ui.lines.chosen, Some(LineId::Lane(LaneId(11))));
        assert_eq!(ui.known.here, Some(SpanId(10)));
        press(ui, ";");
        assert_eq!(ui.lines.chosen, Some(LineId::Lane(LaneId(2))), "it gives back to the loop");
        press(ui, ";");
        assert_eq!(ui.lines.chosen, Some(LineId::Lane(LaneId(12))));
        press(ui, "'");
        assert_eq!(ui.lines.chosen, Some(LineId::Lane(LaneId(2))));
        let at = ui.cursor();
        press(ui, "} {");
        assert_eq!(ui.cursor(), at, "there and back");
        ui.lines.chosen = Some(LineId::Lane(LaneId(1)));
        press(ui, ";");
        shows(ui, &["main gives way to nobody after this, and wakes nobody"]);
        press(ui, "'");
        shows(ui, &["nobody gave way to main before this, or woke it"]);
    });
}

#[test]
fn a_range_counts_what_is_in_it() {
    serving(SCREEN, |ui| {
        ui.set_cursor(0);
        press(ui, "x");
        shows(ui, &["a range begins here", "x end it, or another  S its calls"]);
        let until = ui.known.landmarks.loop_starts.unwrap();
        ui.set_cursor(until);
        ui.work(|| true);
        let mut tally = Tally::new(ui.range_now().unwrap());
        tally.read(&ui.log, usize::MAX / 2);
        let calls = tally.calls(&ui.log);
        let (number, own) =
            (calls.iter().map(|call| call.count).sum::<u64>(), calls.iter().filter_map(|call| call.own).sum());
        let total = calls.iter().map(|call| call.total).sum();
        let expected = format!("chosen: {number} calls, total {}, self {}", Time(total), Time(own));
        assert!(number > 10);
        shows(ui, &[&expected, "├───", "───┤"]);
        press(ui, "x e e e e");
        shows(ui, &[&expected]);
        press(ui, "S");
        shows(ui, &["the chosen range"]);
        press(ui, "esc X");
        assert_eq!(ui.window, ui.range_now());
        press(ui, "esc");
        hides(ui, &["chosen"]);
        press(ui, "X");
        shows(ui, &["choose a range first"]);
    });
}

#[test]
fn a_drag_with_shift_chooses_a_range_of_whole_columns() {
    serving(SCREEN, |ui| {
        let (chart, window) = ui.chart().unwrap();
        ui.act(Action::Choose(chart.x + 10, chart.y + 1));
        ui.act(Action::Drag(chart.x + 29, chart.y + 1));
        ui.act(Action::Drop);
        ui.work(|| true);
        let range = ui.range_now().unwrap();
        assert_eq!(range, Window { from: window.time_of(10, chart.width), to: window.time_of(30, chart.width) });
        assert!(ui.is_live(), "the cursor stays");
        shows(ui, &["chosen: "]);
        // And backwards.
        ui.act(Action::Choose(chart.x + 29, chart.y + 1));
        ui.act(Action::Drag(chart.x + 10, chart.y + 1));
        assert_eq!(ui.range_now().unwrap().from, window.time_of(10, chart.width));
    });
}

#[test]
fn the_wheel_zooms_around_the_pointer() {
    serving(SCREEN, |ui| {
        let (chart, before) = ui.chart().unwrap();
        let x = chart.x + 25;
        let under = before.time_of(25, chart.width);
        for _ in 0..5 {
            ui.act(Action::Wheel(x, chart.y + 2, false));
        }
        let window = ui.window_now();
        let long = |window: Window| window.to.since(window.from);
        assert!(long(window) * 2 < long(before));
        let column = window.column(under, chart.width).unwrap();
        assert!(column.abs_diff(25) <= 1, "what was under the pointer still is: {column}");
        ui.act(Action::Wheel(x, chart.y + 2, true));
        assert!(long(ui.window_now()) > long(window));
        let before = ui.window_now();
        ui.act(Action::WheelAside(x, chart.y + 2, true));
        assert!(ui.window_now().from > before.from && long(ui.window_now()) == long(before));
        assert!(ui.is_live());
    });
}

#[test]
fn a_drag_moves_the_window_and_a_click_sets_the_cursor() {
    serving(SCREEN, |ui| {
        let (chart, _) = ui.chart().unwrap();
        for _ in 0..3 {
            press(ui, "+");
        }
        let before = ui.window_now();
        ui.act(Action::Click(chart.x + 40, chart.y + 1));
        ui.act(Action::Drag(chart.x + 60, chart.y + 9));
        let moved = ui.window_now();
        assert!(moved.from < before.from && ui.is_live());
        let by = before.from.since(moved.from);
        assert_eq!(by, before.to.since(before.from) * 20 / u64::from(chart.width));
        ui.act(Action::Drag(chart.x + 40, chart.y + 1));
        assert_eq!(ui.window_now(), before, "back where it was");
        ui.act(Action::Drop);
        assert!(ui.is_live() && ui.grip.is_none(), "it was a drag");
        ui.act(Action::Click(chart.x + 40, chart.y + 1));
        ui.act(Action::Drop);
        assert!(!ui.is_live());
        let column = ui.window_now().column(ui.time_now(), chart.width).unwrap();
        assert!(column <= 40, "{column}");
    });
}

#[test]
fn a_click_chooses_the_lane_and_the_call_under_the_pointer() {
    serving(SCREEN, |ui| {
        let plan = ui.plan().unwrap();
        let main = &plan.places[0];
        assert_eq!(main.line, Line::Lane(LaneId(1)));
        ui.act(Action::Click(plan.chart.x + 20, main.top + 1));
        ui.act(Action::Drop);
        assert_eq!(ui.lines.chosen, Some(LineId::Lane(LaneId(1))));
        let span = ui.selected_span().and_then(|span| ui.log.span(span)).unwrap();
        assert_eq!(&*span.callsite.name, "serve_forever");
    });
}

#[test]
fn the_minimap_shows_where_the_window_is_and_moves_it() {
    crowded(200, SCREEN, |ui| {
        assert!(ui.window.is_none());
        hides(ui, &["─]"]);
        for _ in 0..6 {
            press(ui, "+");
        }
        let lower = |ui: &Ui<'_>| text(ui).lines().rev().nth(1).unwrap_or_default().to_owned();
        let before = lower(ui);
        assert!(before.contains('[') && before.contains(']') && before.contains('▇'), "{}", text(ui));
        let pane = ui.layout().pane(Pane::Timeline).unwrap();
        let (chart, window) = ui.chart().unwrap();
        ui.act(Action::Click(chart.x + 30, pane.bottom() - 1));
        assert_eq!(ui.grip, Some(Grip::Map));
        let moved = ui.window_now();
        assert!(moved.from < window.from && moved.to.since(moved.from) == window.to.since(window.from));
        assert_ne!(lower(ui), before);
        ui.act(Action::Drag(chart.x, 0));
        assert_eq!(ui.window_now().from, Time(0));
        ui.act(Action::Drag(chart.right(), 0));
        assert_eq!(ui.window_now().to, ui.last_time());
        assert!(ui.is_live());
    });
}

#[test]
fn polls_stand_apart_in_a_call_that_is_open_all_the_time() {
    crowded(6, (200, 60), |ui| {
        let row = row_of(ui, "conn-3 ");
        let line = text(ui).lines().nth(row.into()).unwrap_or_default().to_owned();
        assert!(line.matches("╌▐━").count() == 2 && line.matches("▌╌").count() == 2, "{line}");
        // The call that the polls are of is drawn once.
        assert_eq!(line.matches("handle").count(), 1, "{line}");
    });
}

#[test]
fn times_are_printed_where_they_fit_and_gaps_say_what_they_are() {
    serving((200, 60), |ui| {
        ui.focus = Pane::Timeline;
        ui.is_zoomed = true;
        let whole = text(ui);
        let start = ui.log.spans().find(|span| &*span.callsite.name == "start").unwrap();
        let clock = ui.log.clock();
        let took = Time(clock.program(start.close.unwrap().1).since(clock.program(start.entered.unwrap())));
        assert!(whole.contains(&format!("▐start {took} ━")), "{took}\n{whole}");
        assert!(whole.contains("created, not run"), "{whole}");
        assert!(!whole.contains("idle"), "{whole}");
        let listener = ui.log.spans().find(|span| &*span.callsite.name == "tcp_listener").unwrap();
        let took = Time(listener.close.unwrap().1.since(listener.entered.unwrap()));
        press(ui, "home + + +");
        shows(ui, &[&took.to_string()]);
    });
}

#[test]
fn a_lane_that_was_there_without_a_call_is_not_instrumented() {
    crowded(6, (200, 60), |ui| {
        let thread = ui.log.event(0).unwrap();
        ui.absorb(|log| {
            let at = log.time_at(log.len()).0;
            let span = SpanId(9_000);
            let callsite = Arc::new(Callsite { name: "tick".into(), target: "app".into(), file: None, line: None });
            let open = Kind::Open { span, parent: None, callsite, fields: Vec::new() };
            let all = [open, Kind::Enter { span }, Kind::Exit { span }, Kind::Close { span }];
            for (after, kind) in (1..).zip(all) {
                let (seq, time) = (Seq(log.len() as u64), Time(at + after * 40_000));
                log.push(Event { seq, time, lane: LaneId(1), kind, ..thread.clone() });
            }
            let (seq, time) = (Seq(log.len() as u64), Time(at + 2_000_000));
            log.push(Event { seq, time, kind: Kind::Switch { to: LaneId(2), reason: None }, ..thread.clone() });
            News::More
        });
        let row = row_of(ui, "main ");
        let line = text(ui).lines().nth(row.into()).unwrap_or_default().to_owned();
        assert!(line.contains("created, not run") && line.contains("not instrumented"), "{line}");
        hides(ui, &["idle"]);
    });
}

#[test]
fn the_mouse_breaks_no_view_anywhere() {
    let sizes = [(1, 1), (3, 3), (20, 5), (60, 16), (80, 24), (200, 60)];
    for size in sizes {
        for zoomed in [false, true] {
            crowded(60, size, |ui| {
                ui.is_zoomed = zoomed;
                for key in ["+", "F", "x", "down"] {
                    press(ui, key);
                    for column in (0..size.0).step_by(7) {
                        for row in (0..size.1).step_by(3) {
                            ui.act(Action::Wheel(column, row, (column + row) % 3 == 0));
                            ui.act(Action::Choose(column, row));
                            ui.act(Action::Drag(row, column));
                            ui.act(Action::Drop);
                            ui.act(Action::Click(column, row));
                            ui.act(Action::Drag(column + 3, row));
                            ui.act(Action::Drop);
                            ui.act(Action::Click(column, row));
                            ui.act(Action::Drop);
                            ui.act(Action::WheelAside(column, row, row % 2 == 0));
                        }
                        picture(ui);
                    }
                }
            });
        }
    }
}

#[test]
fn a_range_that_ends_where_it_begins_is_none() {
    serving(SCREEN, |ui| {
        ui.set_cursor(10);
        press(ui, "x x");
        assert!(ui.range.is_none());
        assert!(Range::new(Time(5)).window(Time(5)).is_none());
    });
}

#[test]
fn the_crowd_at_80_by_24() {
    insta::assert_snapshot!(crowded(200, (80, 24), |ui| {
        ui.is_zoomed = false;
        press(ui, "+ +");
        text(ui)
    }));
}

#[test]
fn the_crowd_unfolded_at_120_by_40() {
    insta::assert_snapshot!(crowded(12, SCREEN, |ui| {
        let last = ui.log.len();
        ui.set_cursor(last / 2);
        press(ui, "x e e e e e e e e e e e e e e e e e e e e e e e x");
        text(ui)
    }));
}

#[test]
fn the_crowd_folded_at_200_by_60() {
    insta::assert_snapshot!(crowded(200, (200, 60), |ui| {
        press(ui, "+ + +");
        text(ui)
    }));
}
