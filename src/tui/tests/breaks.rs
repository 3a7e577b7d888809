//! Breakpoints on the screen: before, keys, after.

use super::replay::{enter, opened, press, serving};
use super::*;
use crate::trace::{Breakpoint, BreakpointId, Command, Run, SpanId, Status};

/// What the program is told, as text.
#[track_caller]
fn told(effect: &Effect) -> Vec<String> {
    let Effect::Command(Command::Breakpoints(list)) = effect else { panic!("{effect:?} is no list of breakpoints") };
    let said = |breakpoint: &Breakpoint| {
        let off = if breakpoint.is_on { "" } else { " off" };
        format!("{} {breakpoint}{off}", breakpoint.id)
    };
    list.iter().map(said).collect()
}

/// The line of the picture that has this in it.
#[track_caller]
fn line(ui: &Ui<'_>, part: &str) -> String {
    let text = text(ui);
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("`{part}` is missing in\n{text}")).to_owned()
}

/// The first line of the picture.
fn first(ui: &Ui<'_>) -> String {
    text(ui).lines().next().unwrap().to_owned()
}

/// The program stands at the beginning of a call, at this breakpoint.
fn stands_at(ui: &mut Ui<'_>, on: Option<u32>, hits: &[(u32, u64)]) {
    let stop = ui.log.latest().paused().unwrap();
    let hits = hits.iter().map(|(id, hits)| (BreakpointId(*id), *hits)).collect();
    let on = on.map(BreakpointId);
    ui.set_status(Status { run: Run::Paused(stop), held: vec![stop], detached: false, on, hits });
}

#[test]
fn one_key_sets_a_breakpoint_on_the_frame_marks_it_and_takes_it_away() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        assert!(!text(ui).contains('●'));
        assert_eq!(told(&press(ui, "!")), ["1 step:spawn"]);
        assert!(line(ui, "→ spawn").contains("● → spawn"), "{}", text(ui));
        assert!(line(ui, "11 · spawn").contains("11 · spawn ●"), "{}", text(ui));
        assert!(text(ui).contains("breakpoint 1 is set: step:spawn; $ lists them"), "{}", text(ui));
        // The frame below, by the other key's action, then both away.
        assert_eq!(told(&press(ui, "down !")), ["1 step:spawn", "2 step:apply"]);
        assert!(line(ui, "  apply  ").contains("●   apply"), "{}", text(ui));
        assert_eq!(told(&press(ui, "!")), ["1 step:spawn"]);
        assert_eq!(told(&press(ui, "up !")), [""; 0]);
        assert!(!text(ui).contains('●'), "{}", text(ui));
    });
}

#[test]
fn a_call_that_is_no_step_is_stopped_at_by_its_name_and_target() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        for event in fixture::put_inside_spawn(ui) {
            ui.absorb(|log| {
                log.push(event);
                News::More
            });
        }
        let put = ui.known.rows.iter().position(|row| row.id == RowId::Frame(SpanId(900))).unwrap();
        (0..20).for_each(|_| drop(press(ui, "up")));
        (0..put).for_each(|_| drop(press(ui, "down")));
        assert_eq!(told(&press(ui, "!")), ["1 name=put target=spanwalk::server::threading"]);
    });
}

#[test]
fn marks_have_shapes_of_their_own_without_colour_and_in_ascii() {
    for (theme, on, off) in [
        (Theme { is_ascii: true, ..Theme::default() }, "@ > spawn", "o > spawn"),
        (Theme { base: Base::Mono, ..Theme::default() }, "● → spawn", "○ → spawn"),
    ] {
        with_ui(Until::Spawn, SCREEN, theme, |ui| {
            press(ui, "!");
            assert!(text(ui).contains(on), "{}", text(ui));
            press(ui, "$ ! esc");
            assert!(text(ui).contains(off) && !text(ui).contains(on), "{}", text(ui));
        });
    }
}

#[test]
fn steps_are_marked_and_set_in_their_list_and_in_the_class() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, "i down");
        assert_eq!(told(&press(ui, "!")), ["1 step:get"]);
        assert!(line(ui, "12 get").contains("●  12 get"), "the list stays: {}", text(ui));
        press(ui, "up");
        assert_eq!(told(&press(ui, "!")), ["1 step:get", "2 step:spawn"]);
        press(ui, "esc K");
        assert!(text(ui).contains("●· 12 get") && text(ui).contains("●▸ 11 spawn"), "{}", text(ui));
        assert_eq!(told(&press(ui, "!")), ["1 step:get"]);
    });
}

#[test]
fn a_click_left_of_a_frame_sets_it_and_a_click_on_the_name_selects() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let pane = ui.layout().pane(Pane::Stack).unwrap();
        let row = |ui: &Ui<'_>| {
            pane.y + 1 + ui.known.rows.iter().position(|row| matches!(row.id, RowId::Frame(_))).unwrap() as u16
        };
        let (first, second) = (row(ui), row(ui) + 1);
        assert_eq!(ui.act(Action::Click(pane.x + 6, second)), Effect::None);
        assert_eq!(told(&ui.act(Action::Click(pane.x + 1, first))), ["1 step:spawn"]);
        assert_eq!(told(&ui.act(Action::Click(pane.x + 2, second))), ["1 step:spawn", "2 step:apply"]);
        assert_eq!(told(&ui.act(Action::Click(pane.x + 1, first))), ["2 step:apply"]);
        // On the header of a lane there is nothing to set.
        assert_eq!(ui.act(Action::Click(pane.x + 1, pane.y + 1)), Effect::None);
    });
}

#[test]
fn a_breakpoint_is_typed_with_what_is_wrong_said_and_changed_and_removed_in_the_list() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        enter(ui, "@", "dur>1ms", "");
        assert!(text(ui).contains("`dur>1ms` is not known yet when a call begins"), "{}", text(ui));
        assert_eq!(press(ui, "enter"), Effect::None);
        assert!(matches!(ui.overlay, Some(Overlay::Break { .. })), "it stays");
        (0..7).for_each(|_| drop(press(ui, "backspace")));
        for letter in "step:run_task field.func:get #2".chars() {
            ui.act(Action::Type(letter));
        }
        assert_eq!(told(&press(ui, "enter")), ["1 step:worker.run_task field.func:get #2"]);
        assert!(line(ui, "worker.run_task").contains("1  ● on "), "{}", text(ui));
        assert!(line(ui, "worker.run_task").contains("hit 2 only"), "{}", text(ui));
        enter(ui, "@", "lane:hub", "");
        assert_eq!(told(&press(ui, "enter")), ["1 step:worker.run_task field.func:get #2", "2 lane:hub"]);
        // The new one is selected; up to the first.
        assert_eq!(told(&press(ui, "! ")), ["1 step:worker.run_task field.func:get #2", "2 lane:hub off"]);
        press(ui, "up #");
        (0..2).for_each(|_| drop(press(ui, "backspace")));
        for letter in "#%4".chars() {
            ui.act(Action::Type(letter));
        }
        assert_eq!(told(&press(ui, "enter")), ["1 step:worker.run_task field.func:get #%4", "2 lane:hub off"]);
        assert_eq!(told(&press(ui, "delete")), ["2 lane:hub off"]);
        assert_eq!(told(&press(ui, "delete")), [""; 0]);
        assert!(text(ui).contains("No breakpoint."), "{}", text(ui));
        press(ui, "delete # ! enter $");
        assert!(ui.overlay.is_none());
    });
}

#[test]
fn a_click_in_the_list_turns_a_row_off_and_on() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, "! down ! $");
        let at = text(ui).lines().position(|line| line.contains("step:apply")).unwrap() as u16;
        assert_eq!(told(&ui.act(Action::Click(40, at))), ["1 step:spawn", "2 step:apply off"]);
        assert_eq!(told(&ui.act(Action::Click(40, at))), ["1 step:spawn", "2 step:apply"]);
        // Below the last row there is none.
        assert_eq!(ui.act(Action::Click(40, at + 2)), Effect::None);
    });
}

#[test]
fn a_stop_at_a_breakpoint_is_called_so_with_its_hits_and_only_where_the_program_stands() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, "!");
        assert!(line(ui, "MainThread").contains("PAUSED ON STEP"));
        stands_at(ui, Some(1), &[(1, 3)]);
        assert!(first(ui).contains("‖ PAUSED ON BREAKPOINT 1"), "{}", text(ui));
        assert!(text(ui).contains("breakpoint 1, hit 3: step:spawn"), "{}", text(ui));
        assert!(line(ui, "▾ MainThread").contains("PAUSED ON BREAKPOINT 1"), "{}", text(ui));
        press(ui, "$");
        assert!(line(ui, "step:spawn").contains("→   1  ● on         3  every hit"), "{}", text(ui));
        press(ui, "esc b");
        assert!(!text(ui).contains("ON BREAKPOINT"), "{}", text(ui));
        press(ui, "end");
        stands_at(ui, None, &[(1, 3)]);
        assert!(!text(ui).contains("ON BREAKPOINT") && text(ui).contains("‖ PAUSED ON STEP"), "{}", text(ui));
        assert_eq!(press(ui, "c"), Effect::Command(Command::Continue));
    });
}

#[test]
fn an_older_stop_that_is_looked_back_at_is_not_the_one_at_the_breakpoint() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        let hold = ui.log.events_in(..).position(|event| event.kind.word() == "hold").unwrap();
        ui.set_cursor(hold + 1);
        let stop = ui.known.state.paused().unwrap();
        let on = Some(BreakpointId(1));
        ui.set_status(Status { run: Run::Paused(stop), held: vec![stop], on, ..Status::default() });
        assert!(line(ui, "MainThread").contains("PAUSED ON STEP"), "{}", text(ui));
    });
}

#[test]
fn in_a_recording_c_and_z_go_from_hit_to_hit_and_the_list_counts_all() {
    serving(SCREEN, |ui| {
        press(ui, "home c");
        assert_eq!(ui.cursor(), 0, "without a breakpoint nothing is gone to");
        enter(ui, "@", "name:gethostbyaddr", "enter esc");
        enter(ui, "@", "name=poll #2", "enter esc");
        let begin = opened(ui, "gethostbyaddr") + 2;
        let mut seen = Vec::new();
        for _ in 0..5 {
            press(ui, "c");
            seen.push(ui.cursor());
        }
        assert_eq!(seen[..2], [begin, begin + 2], "calls of the same name, one inside the other");
        assert!(seen.is_sorted() && seen[3] == seen[4], "four stops: {seen:?}");
        assert!(text(ui).contains("no breakpoint stops after this; Z goes the other way"), "{}", text(ui));
        for at in seen[..3].iter().rev() {
            press(ui, "Z");
            assert_eq!(ui.cursor(), *at);
        }
        assert!(first(ui).contains("● breakpoint 1, hit 1"), "{}", text(ui));
        press(ui, "Z");
        assert_eq!(ui.cursor(), begin);
        assert!(text(ui).contains("no breakpoint stops before this; c goes the other way"), "{}", text(ui));
        press(ui, "$");
        assert!(line(ui, "  gethostbyaddr").contains("→   1  ● on         3  every hit"), "{}", text(ui));
        assert!(line(ui, "poll").contains("    2  ● on         2  hit 2 only"), "{}", text(ui));
        press(ui, "end enter");
        assert_eq!((ui.cursor(), ui.overlay.is_none()), (seen[3], true), "its last hit");
        // What is off is passed over.
        press(ui, "$ down ! esc home Z c c c");
        assert_eq!(ui.cursor(), seen[2]);
        press(ui, "c");
        assert_eq!(ui.cursor(), seen[2]);
    });
}

#[test]
fn looking_back_in_a_program_that_runs_goes_to_hits_before_too() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        enter(ui, "@", "name=spawn", "enter esc Z");
        assert_eq!(ui.cursor(), opened(ui, "spawn") + 2);
        assert_eq!(press(ui, "c"), Effect::Command(Command::Continue), "which goes on where the program stands");
        assert!(ui.is_live());
    });
}

#[test]
fn back_from_a_hit_that_the_program_stands_at_is_to_the_one_before() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, "! down !");
        stands_at(ui, Some(1), &[(1, 1), (2, 1)]);
        press(ui, "Z");
        assert_eq!(ui.cursor(), opened(ui, "apply") + 2);
        press(ui, "end home end G");
        press(ui, "$ ! esc Z");
        assert_eq!(ui.cursor(), opened(ui, "apply") + 2, "what is off is not stood at");
    });
}

#[test]
fn another_run_is_looked_through_anew_and_the_list_stays() {
    serving(SCREEN, |ui| {
        enter(ui, "@", "name=spawn", "enter esc");
        ui.absorb(|log| {
            *log = Log::new();
            News::Another
        });
        ui.work(|| true);
        assert_eq!(ui.hits_of(BreakpointId(1)), 0);
        ui.absorb(|log| {
            *log = fixture::run_until(Until::Spawn);
            News::More
        });
        ui.work(|| true);
        assert_eq!(ui.hits_of(BreakpointId(1)), 1);
    });
}

#[test]
fn esc_leads_from_the_change_of_one_back_to_the_list_and_from_a_new_one_to_the_panes() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, "! down ! $ down #");
        assert!(matches!(ui.overlay, Some(Overlay::Break { .. })));
        press(ui, "esc");
        assert_eq!(ui.overlay, Some(Overlay::Breaks { at: 1 }));
        press(ui, "@ esc");
        assert_eq!(ui.overlay, None);
    });
}

#[test]
fn it_survives_every_size() {
    for size in [(200, 60), (80, 24), (40, 10), (20, 5), (3, 3), (1, 1)] {
        with_ui(Until::Serving, size, Theme::default(), |ui| {
            press(ui, "$");
            text(ui);
            press(ui, "@");
            text(ui);
            press(ui, "esc");
            (0..40).for_each(|at| enter(ui, "@", &format!("field.n>{at}"), "enter esc"));
            press(ui, "$ end");
            text(ui);
            press(ui, "delete up");
            (0..size.1).for_each(|row| drop(ui.act(Action::Click(size.0 / 2, row))));
            text(ui);
        });
    }
}

#[test]
fn the_list_of_breakpoints_at_three_sizes() {
    for (name, size) in [("80_by_24", (80, 24)), ("120_by_40", SCREEN), ("200_by_60", (200, 60))] {
        serving(size, |ui| {
            for typed in ["step:spawn", "name=poll #2+", "field.address:127.0.0.1 lane:main #%3", "target:server::hub"]
            {
                enter(ui, "@", typed, "enter esc");
            }
            press(ui, "$ down down down ! up");
            insta::assert_snapshot!(format!("the_breakpoints_at_{name}"), text(ui));
            press(ui, "#");
            insta::assert_snapshot!(format!("a_breakpoint_typed_at_{name}"), text(ui));
        });
        with_ui(Until::Spawn, size, Theme::default(), |ui| {
            press(ui, "down ! up !");
            stands_at(ui, Some(2), &[(1, 1), (2, 1)]);
            insta::assert_snapshot!(format!("at_a_breakpoint_at_{name}"), text(ui));
        });
    }
}
