//! Moving through a recording: before, keys, after.

use std::time::Duration;

use ratatui::crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::trace::{Edge, Event, Kind, Packer, Retained, Run, Seq, SpanId, State, Status, Time};

/// Types keys, by the names of the table: `/ g e t enter`.
pub(super) fn press(ui: &mut Ui<'_>, keys: &str) -> Effect {
    let mut effect = Effect::None;
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "down" => KeyCode::Down,
            "up" => KeyCode::Up,
            "right" => KeyCode::Right,
            "backspace" => KeyCode::Backspace,
            "delete" => KeyCode::Delete,
            "space" => KeyCode::Char(' '),
            letter => KeyCode::Char(letter.chars().next().unwrap()),
        };
        let input = Input::Key(KeyEvent::new(code, KeyModifiers::NONE));
        let action = keymap::action(&input, ui.mode(), &ui.keys).unwrap_or_else(|| panic!("`{key}` does nothing"));
        effect = ui.act(action);
        ui.work(|| true);
    }
    effect
}

/// Types a text, then the keys.
pub(super) fn enter(ui: &mut Ui<'_>, first: &str, text: &str, then: &str) {
    press(ui, first);
    for letter in text.chars() {
        ui.act(Action::Type(letter));
    }
    press(ui, then);
}

pub(super) fn serving<T>(size: (u16, u16), test: impl FnOnce(&mut Ui<'_>) -> T) -> T {
    with_ui(Until::Serving, size, Theme::default(), |ui| {
        ui.set_status(Status { run: Run::Over, held: Vec::new(), detached: true, ..Status::default() });
        test(ui)
    })
}

/// Where the keys lead from a cursor.
#[track_caller]
fn check(from: usize, keys: &str, expected: usize) {
    serving(SCREEN, |ui| {
        ui.set_cursor(from);
        press(ui, keys);
        assert_eq!(ui.cursor(), expected, "{keys} from {from}");
    });
}

/// The number of the call of this name, from the first.
pub(super) fn opened(ui: &Ui<'_>, name: &str) -> usize {
    let is_it = |event: Event| matches!(event.kind, Kind::Open { callsite, .. } if *callsite.name == *name);
    ui.log.events_in(..).position(is_it).unwrap()
}

#[test]
fn moves_by_event_go_one_event() {
    check(10, "e", 11);
    check(10, "E", 9);
    check(0, "E", 0);
    let end = serving(SCREEN, |ui| ui.log.len());
    check(end - 1, "e e e", end);
}

#[test]
fn a_recording_cannot_be_stepped_and_the_cursor_stays() {
    for key in ["s", "n", "o", "c", "r"] {
        serving(SCREEN, |ui| {
            ui.set_cursor(10);
            assert_eq!(press(ui, key), Effect::None);
            assert_eq!(ui.cursor(), 10, "{key}");
            assert!(text(ui).contains("serves already") || text(ui).contains("this is a recording: b and f step"));
        });
    }
}

#[test]
fn moves_by_call_go_to_where_a_stack_changes() {
    serving(SCREEN, |ui| {
        ui.set_cursor(0);
        let mut seen = Vec::new();
        while !ui.is_live() {
            press(ui, "d");
            seen.push(ui.cursor());
        }
        seen.pop();
        let changes = |event: &Event| match event.kind {
            Kind::Enter { span } => ui.log.span(span).unwrap().entered == Some(event.time),
            Kind::Close { .. } => true,
            _ => false,
        };
        let all = ui.log.events_in(..).enumerate().filter(|(_, event)| changes(event)).map(|(at, _)| at + 1);
        let mut expected: Vec<usize> = all.collect();
        expected.retain(|at| *at < ui.log.len());
        assert_eq!(seen, expected);
        let mut back = Vec::new();
        while ui.cursor() > 0 {
            press(ui, "D");
            back.push(ui.cursor());
        }
        back.pop();
        back.reverse();
        assert_eq!(back, expected);
    });
}

#[test]
fn moves_by_lane_stay_in_the_selected_lane() {
    serving(SCREEN, |ui| {
        let worker = ui.log.lanes().iter().find(|lane| &*lane.name == "worker-1").unwrap().id;
        let of_worker: Vec<usize> =
            ui.log.events_in(..).enumerate().filter(|(_, event)| event.lane == worker).map(|(at, _)| at + 1).collect();
        ui.set_cursor(of_worker[2]);
        ui.selected = Some(RowId::Lane(worker));
        press(ui, "L");
        assert_eq!(ui.cursor(), of_worker[3]);
        ui.selected = Some(RowId::Lane(worker));
        press(ui, "H");
        assert_eq!(ui.cursor(), of_worker[2]);
        ui.set_cursor(of_worker[0]);
        ui.selected = Some(RowId::Lane(worker));
        press(ui, "H");
        assert!(text(ui).contains("nothing happens in worker-1 before this"), "{}", text(ui));
    });
}

#[test]
fn a_place_that_is_typed_is_gone_to() {
    #[track_caller]
    fn check(typed: &str, place: impl Fn(&Ui<'_>) -> usize) {
        serving(SCREEN, |ui| {
            ui.set_cursor(40);
            enter(ui, "T", typed, "enter");
            assert_eq!(ui.cursor(), place(ui), "{typed}\n{}", text(ui));
            assert!(ui.overlay.is_none());
        });
    }
    check("0.3ms", |ui| ui.log.cursor_at(Time(300_000)));
    check("50%", |ui| ui.log.cursor_at(Time(ui.last_time().0 / 2)));
    check("100%", |ui| ui.log.len());
    check("+100us", |ui| ui.log.cursor_at(Time(ui.log.clock().program(ui.log.time_at(40)).0 + 100_000)));
    check("-100us", |ui| ui.log.cursor_at(Time(ui.log.clock().program(ui.log.time_at(40)).0 - 100_000)));
    check("@7", |_| 7);
    check("#3", |ui| opened(ui, "start") + 2);
    check("loop", |ui| ui.known.landmarks.loop_starts.unwrap());
    check("serves", |ui| ui.known.landmarks.loop_serves.unwrap());
    check("wait", |ui| opened(ui, "wait") + 2);
    check("serve_forever", |ui| opened(ui, "serve_forever") + 2);
    check("on_async", |ui| opened(ui, "on_async") + 2);
}

#[test]
fn a_place_that_is_none_stays_in_the_prompt_with_what_to_write() {
    serving(SCREEN, |ui| {
        enter(ui, "T", "12", "");
        assert!(text(ui).contains("`12` is a number of what?"), "{}", text(ui));
        press(ui, "enter");
        assert!(ui.mode() == Mode::Text && ui.is_live());
        press(ui, "esc");
        enter(ui, "T", "no_such_call", "enter");
        assert!(text(ui).contains("no call so far is named `no_such_call`; / searches"), "{}", text(ui));
        enter(ui, "T", "9s", "enter");
        assert!(text(ui).contains("the recording ends at"), "{}", text(ui));
    });
}

#[test]
fn a_hundredth_of_the_window_moves_the_cursor_and_never_stays() {
    serving(SCREEN, |ui| {
        ui.set_cursor(0);
        let mut moves = 0;
        while !ui.is_live() {
            let before = ui.cursor();
            press(ui, ")");
            assert!(ui.cursor() > before);
            moves += 1;
        }
        assert!(moves <= 110, "{moves} moves");
        for _ in 0..moves + 10 {
            press(ui, "(");
        }
        assert_eq!(ui.cursor(), 0);
    });
}

#[test]
fn the_mouse_drags_the_cursor_along_the_axis_of_the_timeline() {
    serving(SCREEN, |ui| {
        let pane = ui.layout().pane(Pane::Timeline).unwrap();
        let (y, right) = (pane.y + 1, pane.right() - 2);
        ui.act(Action::Click(60, y));
        let at_60 = ui.cursor();
        assert!(!ui.is_live() && text(ui).contains("◂ LOOKING BACK"));
        ui.act(Action::Drag(40, 2));
        assert!(ui.cursor() < at_60, "the button is down: the row no longer matters");
        ui.act(Action::Drag(right, y));
        assert!(ui.is_live());
        ui.act(Action::Drop);
        ui.act(Action::Click(10, 4));
        let before = ui.cursor();
        ui.act(Action::Drag(30, y));
        assert_eq!(ui.cursor(), before, "it went down somewhere else");
    });
}

#[test]
fn what_is_later_than_the_cursor_is_drawn_and_dim() {
    serving(SCREEN, |ui| {
        let now = ui.known.landmarks.loop_starts.unwrap();
        ui.set_cursor(now);
        let picture = picture(ui);
        let pane = ui.layout().pane(Pane::Timeline).unwrap();
        let row: Vec<_> = (pane.x..pane.right()).map(|x| picture[(x, pane.y + 2)].clone()).collect();
        let cursor = row.iter().position(|cell| cell.symbol() == "│" && cell.fg == Color::Cyan).unwrap();
        let is_dim = |cell: &ratatui::buffer::Cell| cell.modifier.contains(ratatui::style::Modifier::DIM);
        let later = row[cursor + 1..].iter().filter(|cell| matches!(cell.symbol(), "━" | "╌"));
        assert!(later.clone().count() > 5 && later.clone().all(is_dim), "{}", text(ui));
    });
}

#[test]
fn playing_follows_a_clock_of_its_own_and_ends_at_the_end() {
    serving(SCREEN, |ui| {
        let at = |ms: u64| Duration::from_millis(ms);
        ui.tick(at(1_000));
        press(ui, "home V");
        let speed = ui.speed.text();
        assert!(text(ui).contains(&format!("▶ PLAYING {speed}")), "{}", text(ui));
        let mut before = ui.cursor();
        let mut ms = 1_000;
        while ui.play.is_some() {
            ms += 100;
            assert!(ui.tick(at(ms)));
            assert!(ui.cursor() >= before);
            before = ui.cursor();
            assert!(ms < 60_000, "it takes about ten seconds");
        }
        assert!(ui.is_live() && ms > 3_000, "{ms}");
        press(ui, "v");
        assert!(text(ui).contains(&format!("◀ PLAYING {speed}")), "{}", text(ui));
        ui.tick(at(ms + 200));
        assert!(!ui.is_live());
        press(ui, "V");
        let stopped = ui.cursor();
        ui.tick(at(ms + 400));
        assert_eq!(ui.cursor(), stopped);
    });
}

#[test]
fn playing_faster_takes_ten_times_less() {
    let after = |keys: &str| {
        serving(SCREEN, |ui| {
            press(ui, &format!("home {keys}"));
            ui.tick(Duration::from_millis(200));
            ui.play.unwrap().at.0
        })
    };
    let (slow, fast) = (after("V"), after("V ]"));
    assert!(fast.abs_diff(slow * 10) <= 10, "{slow} and {fast}");
    assert!(after("V [").abs_diff(slow / 10) <= 1);
}

#[test]
fn a_move_ends_the_playing() {
    serving(SCREEN, |ui| {
        press(ui, "home V e");
        assert!(ui.play.is_none());
        assert_eq!(ui.cursor(), 1);
    });
}

#[test]
fn a_move_that_looks_far_says_so_and_can_be_stopped() {
    serving(SCREEN, |ui| {
        let event = ui.log.event(0).unwrap();
        let main = ui.log.lanes()[0].id;
        ui.absorb(|log| {
            let lane = log.lanes()[1].id;
            for _ in 0..60_000 {
                let kind = Kind::Dropped { count: 0 };
                log.push(Event { seq: Seq(log.len() as u64), lane, kind, ..event.clone() });
            }
            News::More
        });
        let last = ui.log.len();
        ui.set_cursor(last - 1);
        ui.selected = Some(RowId::Lane(main));
        ui.act(Action::LaneBack);
        assert!(text(ui).contains("looking for an event of main: ") && ui.has_work(), "{}", text(ui));
        ui.act(Action::Close);
        assert!(!ui.has_work() && ui.cursor() == last - 1);
        press(ui, "H");
        assert!(ui.cursor() < last - 60_000, "it arrives");
    });
}

#[test]
fn a_file_on_its_way_in_and_its_damage_are_told() {
    serving(SCREEN, |ui| {
        let progress = |done| Some(Progress { done, all: 1_000 });
        ui.tick(Duration::from_millis(10));
        ui.set_progress(progress(100));
        assert!(!text(ui).contains("LOADING"), "not for a moment");
        assert!(ui.tick(Duration::from_millis(300)));
        ui.set_progress(progress(420));
        assert!(text(ui).contains("LOADING ████░░░░░░ 42 %"), "{}", text(ui));
        ui.set_progress(None);
        assert!(ui.set_remark(Some("not closed".into())));
        assert!(text(ui).contains("not closed") && !text(ui).contains("LOADING"), "{}", text(ui));
    });
}

/// A log of some of the events, in chunks of 16, and what a bounded one would retain of it.
fn in_chunks(events: &[Event]) -> (Log, Retained) {
    let (mut state, mut packer) = (State::default(), Packer::default());
    let (mut log, mut retained) = (Log::new(), Retained::new(600, 1200));
    for run in events.chunks(16) {
        packer.begin(run[0].seq);
        state.open_set().iter().for_each(|event| packer.event(event));
        packer.begin_events();
        for event in run {
            packer.event(event);
            state.apply(event);
        }
        log.append(&packer.chunk()).unwrap();
        retained.take(&packer.chunk());
    }
    (log, retained)
}

#[test]
fn a_log_that_is_shortened_leaves_the_cursor_the_stack_and_the_time_where_they_were() {
    serving(SCREEN, |ui| {
        let mut events: Vec<Event> = ui.log.events_in(..).collect();
        // Held for a second in what will be forgotten.
        let held_at = events.len() / 2;
        let event = events[held_at].clone();
        events[held_at + 1..].iter_mut().for_each(|event| event.time.0 += 1_000_000_000);
        let (span, edge) = (SpanId(1), Edge::Enter);
        let hold = Event { kind: Kind::Hold { span, edge, is_shown: true }, ..event.clone() };
        let end = Time(event.time.0 + 1_000_000_000);
        let release = Event { kind: Kind::Release { span, edge }, time: end, ..event };
        events.splice(held_at + 1..=held_at, [hold, release]);
        (0..).zip(&mut events).for_each(|(at, event)| event.seq = Seq(at));
        let (whole, retained) = in_chunks(&events);
        ui.absorb(|log| {
            *log = whole.clone();
            News::Another
        });
        let shorter = retained.log(whole.clock()).unwrap();
        let gap = shorter.gaps()[0];
        let behind = gap.at + gap.missing as usize;
        assert!((gap.at..behind).contains(&held_at) && gap.missing > 20 && events.len() > behind + 20, "{gap:?}");
        // Which call was entered last the open set does not say.
        let is_enter = |event: &Event| matches!(event.kind, Kind::Enter { .. });
        let later = events[behind..].iter().position(is_enter).unwrap() + 1;
        let seen = |ui: &Ui<'_>| (ui.time_now(), ui.selected, ui.known.state.lanes().len(), ui.known.seen.clone());
        // In the beginning, in what is newest, in the middle, live.
        for (from, expected) in
            [(9, 9), (behind + later, gap.resumed + later), (gap.at + 9, gap.resumed), (events.len(), shorter.len())]
        {
            ui.absorb(|log| {
                *log = whole.clone();
                News::Another
            });
            ui.set_cursor(from);
            let before = seen(ui);
            ui.absorb(|log| {
                *log = shorter.clone();
                News::Shorter
            });
            assert_eq!(ui.cursor(), expected);
            if from != gap.at + 9 {
                assert_eq!(seen(ui), before, "from {from}");
            }
            let text = text(ui);
            assert!(text.contains(&format!("{} events forgotten", gap.missing)) && !text.contains("dropped"), "{text}");
            assert!(text.contains("is forgotten, to bound the memory; --record keeps it"), "{text}");
        }
    });
}
