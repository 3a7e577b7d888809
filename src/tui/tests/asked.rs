//! What is asked of a recording: before, keys, after.

use super::replay::{enter, opened, press, serving};
use super::*;
use crate::trace::{Command, Event, Kind, Seq};

#[test]
fn a_search_lists_its_matches_and_n_goes_through_them() {
    serving(SCREEN, |ui| {
        enter(ui, "/", "get", "enter");
        assert!(text(ui).contains("Search · get") && text(ui).contains("6 matches"), "{}", text(ui));
        press(ui, "down enter");
        assert!(ui.overlay.is_none());
        assert_eq!(ui.cursor(), opened(ui, "gethostbyaddr") + 2);
        assert!(text(ui).contains("◆ match 2 of 6"), "{}", text(ui));
        press(ui, "n n");
        assert_eq!(ui.cursor(), opened(ui, "get") + 2);
        press(ui, "N N N N");
        assert!(text(ui).contains("◆ match 6 of 6"), "round the beginning: {}", text(ui));
        press(ui, "m");
        assert!(matches!(ui.overlay, Some(Overlay::Matches { .. })));
        press(ui, "esc");
        assert!(ui.asked.search.is_some(), "the list is closed, the search is not");
        press(ui, "esc");
        assert!(ui.asked.search.is_none() && !text(ui).contains('◆'));
    });
}

#[test]
fn a_match_at_a_stop_of_another_lane_is_the_one_we_are_at() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        let hold = fixture::hold_of_hub(ui);
        ui.absorb(|log| {
            log.push(hold.clone());
            // The worker calls on while the hub is held.
            let worker = log.latest().lane_named("worker-1").unwrap();
            let (lane, thread, span) = (worker.id, worker.thread.clone(), crate::trace::SpanId(800));
            let call = log.span(worker.stack[0].span).unwrap().callsite;
            let open = Kind::Open { span, parent: None, callsite: call, fields: Vec::new() };
            for kind in [open, Kind::Enter { span }, Kind::Dropped { count: 0 }] {
                let seq = Seq(log.len() as u64);
                log.push(Event { seq, lane, thread: thread.clone(), kind, ..hold.clone() });
            }
            News::More
        });
        enter(ui, "/", "name=run lane:worker", "enter enter n");
        assert!(text(ui).contains("◆ match 2 of 2"), "{}", text(ui));
        press(ui, "n");
        assert!(text(ui).contains("◆ match 1 of 2"), "{}", text(ui));
    });
}

#[test]
fn n_steps_over_once_the_search_is_over() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        enter(ui, "/", "start", "enter esc");
        assert_eq!(press(ui, "n"), Effect::None);
        assert!(text(ui).contains("n next match"), "{}", text(ui));
        assert_eq!(press(ui, "esc n"), Effect::Command(Command::Over));
    });
}

#[test]
fn a_query_that_is_none_stays_in_the_prompt_with_what_to_write() {
    serving((80, 24), |ui| {
        enter(ui, "/", "dur:1", "enter");
        let text = text(ui);
        assert!(text.contains("a time is compared with < <= > >=, as in dur>1ms"), "{text}");
        assert_eq!(ui.mode(), Mode::Text);
        press(ui, "backspace backspace");
        enter(ui, "", ">100us", "enter");
        assert!(ui.asked.search.is_some());
    });
}

#[test]
fn a_search_goes_on_as_the_recording_grows() {
    let events: Vec<Event> = fixture::run_until(Until::Request).events_in(..).collect();
    serving(SCREEN, |ui| {
        enter(ui, "/", "name=handle", "enter esc");
        assert_eq!(ui.asked.search.as_ref().unwrap().len(), 0);
        let known = ui.log.len();
        ui.absorb(|log| {
            events[known..].iter().for_each(|event| log.push(event.clone()));
            News::More
        });
        assert!(ui.has_work());
        ui.work(|| true);
        assert!(text(ui).contains("◆ 3 matches"), "{}", text(ui));
        // A new run begins it again.
        keep(ui, 5);
        ui.work(|| true);
        assert!(text(ui).contains("◆ 0 matches"), "{}", text(ui));
    });
}

#[test]
fn the_timeline_marks_where_matches_begin() {
    serving(SCREEN, |ui| {
        enter(ui, "/", "get", "enter esc");
        let text = text(ui);
        let row = text.lines().find(|line| line.contains("matches ")).unwrap();
        assert!((4..=6).contains(&row.matches('◆').count()), "{text}");
    });
}

#[test]
fn long_work_is_done_in_slices() {
    serving(SCREEN, |ui| {
        let event = ui.log.event(ui.log.len() - 1).unwrap();
        ui.absorb(|log| {
            for _ in 0..20_000 {
                log.push(Event { seq: Seq(log.len() as u64), kind: Kind::Dropped { count: 0 }, ..event.clone() });
            }
            News::More
        });
        enter(ui, "/", "get", "");
        ui.act(Action::Toggle);
        let mut slices = 0;
        while ui.has_work() {
            let mut is_first = true;
            ui.work(|| std::mem::take(&mut is_first));
            slices += 1;
            assert!(slices > 4 || text(ui).contains("% read"), "{}", text(ui));
        }
        assert!((4..8).contains(&slices), "{slices}");
    });
}

#[test]
fn statistics_are_sorted_by_the_column_that_is_chosen() {
    serving(SCREEN, |ui| {
        press(ui, "S");
        assert!(text(ui).contains("▾self"), "{}", text(ui));
        press(ui, "right");
        let text = text(ui);
        let run = text.lines().position(|line| line.contains(" run  socketio")).unwrap();
        let head = text.lines().position(|line| line.contains("▾total")).unwrap();
        assert_eq!(run, head + 1, "nothing took longer than run: {text}");
    });
}

#[test]
fn statistics_of_everything_are_there_at_once_and_grow_with_the_recording() {
    let events: Vec<Event> = fixture::run_until(Until::Request).events_in(..).collect();
    serving(SCREEN, |ui| {
        ui.act(Action::Statistics);
        let count =
            |ui: &Ui<'_>| ui.asked.statistics.as_ref().unwrap().calls.iter().map(|call| call.count).sum::<u64>();
        let before = ui.log.span_count() as u64;
        assert!(count(ui) == before && !ui.has_work());
        let known = ui.log.len();
        ui.absorb(|log| {
            events[known..].iter().for_each(|event| log.push(event.clone()));
            News::More
        });
        ui.work(|| true);
        assert!(count(ui) == ui.log.span_count() as u64 && count(ui) > before && !ui.has_work());
    });
}

#[test]
fn statistics_are_of_everything_or_of_the_timelines_window() {
    serving(SCREEN, |ui| {
        press(ui, "S");
        assert!(text(ui).contains("Statistics of everything"));
        press(ui, "esc home + + + + S tab");
        let text = text(ui);
        assert!(text.contains("the timeline's window") && !text.contains("on_async"), "{text}");
    });
}

#[test]
fn a_row_of_statistics_lists_its_calls() {
    serving(SCREEN, |ui| {
        press(ui, "S");
        let at = ui.asked.statistics.as_ref().unwrap().calls.iter().position(|call| call.count == 2).unwrap();
        (0..at).for_each(|_| drop(press(ui, "down")));
        press(ui, "enter");
        assert!(text(ui).contains("Search · name=poll target=spanwalk::server::event_loop"), "{}", text(ui));
        assert!(text(ui).contains("2 matches"), "{}", text(ui));
    });
}

#[test]
fn the_critical_path_is_that_of_the_selected_call_or_of_the_window() {
    serving(SCREEN, |ui| {
        enter(ui, "T", "get", "enter C");
        let shown = text(ui);
        assert!(shown.contains("Critical path of get in main"), "{shown}");
        assert!(shown.contains("← thread from hub"), "{shown}");
        press(ui, "tab");
        assert!(text(ui).contains("Critical path of main, "), "{}", text(ui));
        press(ui, "down down enter");
        assert!(ui.overlay.is_none() && !ui.is_live());
    });
}

#[test]
fn the_new_overlays_at_two_sizes() {
    for (name, size) in [("80_by_24", (80, 24)), ("120_by_40", SCREEN)] {
        serving(size, |ui| {
            enter(ui, "/", "name:get dur>20us", "");
            insta::assert_snapshot!(format!("the_search_at_{name}"), text(ui));
            press(ui, "enter down");
            insta::assert_snapshot!(format!("the_matches_at_{name}"), text(ui));
            press(ui, "enter");
            insta::assert_snapshot!(format!("a_match_at_{name}"), text(ui));
            press(ui, "esc T");
            insta::assert_snapshot!(format!("going_to_at_{name}"), text(ui));
            press(ui, "esc S");
            insta::assert_snapshot!(format!("the_statistics_at_{name}"), text(ui));
            enter(ui, "esc T", "start", "enter C");
            insta::assert_snapshot!(format!("the_path_at_{name}"), text(ui));
        });
    }
}
