//! The table of claims: what it shows, and where enter leads.

use super::replay::press;
use super::*;

#[test]
fn every_claim_is_shown_with_how_it_fares_and_enter_goes_to_what_decides_it() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        press(ui, "A");
        let shown = text(ui);
        assert!(shown.contains("Claims") && shown.contains("decided"), "{shown}");
        assert!(shown.contains("As a predicate:") && shown.contains("In this run:"), "{shown}");
        let decided = ui.known.claims.as_ref().unwrap().rows.iter().position(|row| !row.evidence.events.is_empty());
        let at = decided.expect("something of this run decides a claim");
        let event = *ui.known.claims.as_ref().unwrap().rows[at].evidence.events.last().unwrap();
        press(ui, &"down ".repeat(at));
        press(ui, "enter");
        assert_eq!(ui.cursor(), event);
        assert!(ui.known.claims.is_none() && !text(ui).contains("As a predicate:"));
    });
}

#[test]
fn the_table_follows_the_cursor() {
    with_ui(Until::Serving, SCREEN, Theme::default(), |ui| {
        press(ui, "home A");
        assert!(text(ui).contains(" 0 of "), "{}", text(ui));
        press(ui, "A end A");
        assert!(!text(ui).contains(" 0 of "), "{}", text(ui));
    });
}

#[test]
fn it_survives_every_size() {
    for size in [(200, 60), (80, 24), (40, 10), (20, 5), (3, 3), (1, 1)] {
        with_ui(Until::Serving, size, Theme::default(), |ui| {
            press(ui, "A down");
            text(ui);
        });
    }
}

#[test]
fn the_claims_at_two_sizes() {
    for (size, name) in [((120, 40), "the_claims_at_120_by_40"), ((80, 24), "the_claims_at_80_by_24")] {
        with_ui(Until::Serving, size, Theme::default(), |ui| {
            press(ui, "A");
            insta::assert_snapshot!(name, text(ui));
        });
    }
}
