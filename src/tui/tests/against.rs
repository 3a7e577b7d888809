//! Two recordings side by side: before, keys, after.

use super::replay::{press, serving};
use super::*;
use crate::trace::Log;
use crate::tui::Against;

/// The first events of a log.
fn part(log: &Log, events: usize) -> Log {
    let mut part = Log::new();
    log.events_in(..events).for_each(|event| part.push(event));
    part
}

fn line<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("`{part}` is missing in\n{text}"))
}

#[test]
fn both_go_on_together_and_what_one_has_alone_is_marked() {
    serving(SCREEN, |ui| {
        let log = ui.log.clone();
        ui.set_against(Against { name: "same.spanwalk".into(), log });
        press(ui, "home");
        assert!(text(ui).contains("before the first call"), "{}", text(ui));
        press(ui, "f f f f");
        for _ in 0..5 {
            press(ui, "f");
            assert!(text(ui).contains("at the same call"), "{}", text(ui));
        }
        // The same on both sides.
        let shown = text(ui);
        assert_eq!(line(&shown, "serve_forever").matches("serve_forever").count(), 2, "{shown}");
        assert!(!shown.contains('−'), "{shown}");
        press(ui, "esc");
        assert!(ui.overlay.is_none());
        press(ui, "|");
        assert!(text(ui).contains("same.spanwalk"));
    });
}

#[test]
fn where_the_other_has_no_such_call_that_is_said() {
    serving(SCREEN, |ui| {
        // It ends in `spawn`, before the lookup was waited for.
        let cut = ui.log.events_in(..).position(|event| {
            event.kind.span().and_then(|span| ui.log.span(span)).is_some_and(|span| &*span.callsite.name == "get")
        });
        let log = part(&ui.log, cut.unwrap());
        ui.set_against(Against { name: "cut.spanwalk".into(), log });
        let get = ui.log.spans().find(|span| &*span.callsite.name == "get").unwrap();
        ui.set_cursor(get.open.0.0 as usize + 2);
        assert!(text(ui).contains("it does not call get here: in apply"), "{}", text(ui));
        assert!(text(ui).contains("− get "), "{}", text(ui));
    });
}

#[test]
fn without_another_the_key_says_how_to_have_one() {
    serving(SCREEN, |ui| {
        press(ui, "|");
        assert!(ui.overlay.is_none() && text(ui).contains("--against"), "{}", text(ui));
    });
}

#[test]
fn both_by_size() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 60), (20, 5), (1, 1)] {
        serving((columns, rows), |ui| {
            let log = part(&ui.log, 40);
            ui.set_against(Against { name: "other.spanwalk".into(), log });
            ui.set_cursor(45);
            if columns >= 80 {
                insta::assert_snapshot!(format!("a_and_b_at_{columns}_by_{rows}"), text(ui));
            } else {
                press(ui, "f b down | |");
            }
        });
    }
}
