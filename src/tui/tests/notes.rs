//! Notes and bookmarks: before, keys, after.

use super::replay::{enter, opened, press, serving};
use super::*;
use crate::trace::{Bookmark, BookmarkEdit, BookmarkKey, SpanId, Time};

/// What the program is asked to keep.
fn marked(effect: Effect) -> (BookmarkKey, String) {
    let Effect::Mark(BookmarkEdit::Set(bookmark)) = effect else { panic!("{effect:?}") };
    (bookmark.key(), bookmark.text().to_owned())
}

fn texts(ui: &Ui<'_>) -> Vec<String> {
    ui.log.bookmarks().all().iter().map(|bookmark| bookmark.text().to_owned()).collect()
}

/// A note as if it came from a file.
fn put(ui: &mut Ui<'_>, cursor: usize, span: Option<SpanId>, text: &str) {
    ui.absorb(|log| {
        log.edit_bookmarks(BookmarkEdit::Set(log.bookmark_at(cursor, span, text)));
        News::More
    });
}

#[test]
fn a_note_is_set_at_the_cursor_about_the_selected_call_and_typed_again_it_is_edited() {
    serving(SCREEN, |ui| {
        let at = opened(ui, "gethostbyaddr") + 2;
        ui.set_cursor(at);
        let span = ui.selected_span().unwrap();
        press(ui, "J");
        assert!(text(ui).contains("about main › gethostbyaddr"), "{}", text(ui));
        assert_eq!(ui.mode(), Mode::Text);
        let effect = {
            enter(ui, "", "who waits here?", "");
            press(ui, "backspace enter")
        };
        assert_eq!(marked(effect), ((at as u64, Some(span)), "who waits here".to_owned()));
        assert!(ui.overlay.is_none() && text(ui).contains("O lists all, backspace removes it"), "{}", text(ui));
        // What was said stands there again.
        press(ui, "J");
        assert!(text(ui).contains(" who waits here"), "{}", text(ui));
        let effect = press(ui, "! enter");
        assert_eq!(marked(effect).1, "who waits here!");
        assert_eq!(texts(ui), ["who waits here!"]);
        // About another call the same place has another.
        press(ui, "down J");
        assert_ne!(marked(press(ui, "enter")).0, (at as u64, Some(span)));
        assert_eq!(texts(ui).len(), 2);
    });
}

#[test]
fn enter_with_nothing_typed_is_a_bookmark_and_esc_is_nothing() {
    serving(SCREEN, |ui| {
        ui.set_cursor(5);
        assert_eq!(press(ui, "J x esc"), Effect::None);
        assert!(texts(ui).is_empty());
        assert_eq!(marked(press(ui, "J enter")).1, "");
        assert!(text(ui).contains("bookmark at"), "{}", text(ui));
        press(ui, "O");
        assert!(text(ui).contains("1 bookmark ") && text(ui).contains("(bookmark)"), "{}", text(ui));
    });
}

#[test]
fn i_and_u_go_from_one_marked_place_to_the_next() {
    serving(SCREEN, |ui| {
        for (cursor, text) in [(30, "c"), (10, "a"), (20, "b")] {
            put(ui, cursor, None, text);
        }
        put(ui, 20, Some(SpanId(1)), "b too");
        let mut go = |keys, expected| {
            press(ui, keys);
            assert_eq!(ui.cursor(), expected, "{keys}");
            text(ui)
        };
        assert!(go("U", 30).contains("⚑ 4 of 4  c"));
        assert!(go("U", 20).contains("⚑ 2 of 4  b"), "of two at one place the first");
        go("U", 10);
        assert!(go("U", 10).contains("no note is before this"));
        go("home I", 10);
        go("I I", 30);
        assert!(go("I", 30).contains("no note is after this"));
    });
}

#[test]
fn the_list_is_in_the_order_of_time_and_goes_edits_and_removes() {
    serving(SCREEN, |ui| {
        let call = opened(ui, "apply");
        let span = match ui.log.event(call).unwrap().kind {
            crate::trace::Kind::Open { span, .. } => span,
            kind => panic!("{kind:?}"),
        };
        put(ui, call + 2, Some(span), "where it waits");
        put(ui, 4, None, "first");
        put(ui, call + 9, None, "");
        press(ui, "O");
        let rows: Vec<usize> = ["first", "where it waits", "(bookmark)"].map(|row| text(ui).find(row).unwrap()).into();
        assert!(rows.is_sorted() && text(ui).contains("2 notes, 1 bookmark"), "{}", text(ui));
        // From the end the last before it is chosen.
        press(ui, "up enter");
        assert!(ui.overlay.is_none());
        assert_eq!((ui.cursor(), ui.selected), (call + 2, Some(RowId::Frame(span))));
        assert!(text(ui).contains("⚑ 2 of 3  where it waits"), "{}", text(ui));
        press(ui, "O J");
        assert_eq!(ui.mode(), Mode::Text);
        assert_eq!(marked(press(ui, "? enter")), (((call + 2) as u64, Some(span)), "where it waits?".to_owned()));
        assert!(matches!(ui.overlay, Some(Overlay::Notes { at: 1 })), "the list is still there");
        let effect = press(ui, "up backspace");
        assert_eq!(effect, Effect::Mark(BookmarkEdit::Remove((4, None))));
        assert_eq!(texts(ui), ["where it waits?", ""]);
        press(ui, "down backspace");
        assert!(matches!(ui.overlay, Some(Overlay::Notes { at: 0 })), "the selection stays in the list");
        press(ui, "backspace");
        assert!(text(ui).contains("Nothing is marked yet. J marks the place"), "{}", text(ui));
        press(ui, "O");
        assert!(ui.overlay.is_none());
    });
}

#[test]
fn backspace_removes_the_note_at_the_cursor_and_nothing_elsewhere() {
    serving(SCREEN, |ui| {
        put(ui, 10, None, "here");
        ui.set_cursor(11);
        assert_eq!(press(ui, "backspace"), Effect::None);
        assert!(text(ui).contains("no note is here; O lists all"), "{}", text(ui));
        ui.set_cursor(10);
        assert_eq!(press(ui, "backspace"), Effect::Mark(BookmarkEdit::Remove((10, None))));
        assert!(text(ui).contains("removed: note “here”"), "{}", text(ui));
        // Of two about other calls it is not known which.
        put(ui, 10, Some(SpanId(900)), "one");
        put(ui, 10, Some(SpanId(901)), "two");
        assert_eq!(press(ui, "backspace"), Effect::None);
        assert_eq!(texts(ui).len(), 2);
    });
}

#[test]
fn marks_stand_in_the_ruler_and_beside_the_call_in_every_look() {
    let looks = [
        (Theme::default(), '⚑'),
        (Theme { has_colour: false, ..Theme::default() }, '⚑'),
        (Theme { base: Base::Mono, ..Theme::default() }, '⚑'),
        (Theme { is_ascii: true, ..Theme::default() }, 'P'),
    ];
    for (theme, mark) in looks {
        with_ui(Until::Serving, SCREEN, theme, |ui| {
            let ruler = |ui: &Ui<'_>| {
                let pane = ui.layout().pane(Pane::Timeline).unwrap();
                let buffer = picture(ui);
                (pane.x..pane.right()).map(|x| buffer[(x, pane.y + 1)].symbol().to_owned()).collect::<String>()
            };
            let count = |ui: &Ui<'_>| ruler(ui).chars().filter(|letter| *letter == mark).count();
            assert_eq!(count(ui), 0);
            let at = opened(ui, "serve_forever") + 2;
            let span = SpanId(2);
            put(ui, at, Some(span), "it never returns");
            assert_eq!(count(ui), 1, "{}", ruler(ui));
            assert!(ruler(ui).contains("loop starts") && ruler(ui).contains("ms"), "{}", ruler(ui));
            let row = text(ui).lines().find(|line| line.contains(" serve_forever ")).unwrap().to_owned();
            assert!(
                row.starts_with(&format!("{} {mark}  serve_forever", if mark == 'P' { '|' } else { '│' })),
                "{row}"
            );
            assert!(text(ui).lines().filter(|line| line.contains(mark) && line.contains("   run ")).count() == 0);
            // What it says is among the fields of the call.
            ui.act(Action::ZoomPane);
            (ui.focus, ui.selected) = (Pane::Fields, Some(RowId::Frame(span)));
            ui.refresh();
            assert!(text(ui).contains("it never returns (at "), "{}", text(ui));
        });
    }
}

#[test]
fn a_mark_at_the_cursor_gives_way_to_the_cursor_and_one_outside_the_window_is_not_drawn() {
    serving(SCREEN, |ui| {
        put(ui, 10, None, "");
        let rulers = |ui: &Ui<'_>| text(ui).matches('⚑').count();
        assert_eq!(rulers(ui), 1);
        ui.set_cursor(10);
        assert_eq!(rulers(ui), 0);
        ui.set_cursor(30);
        ui.window = Some(crate::trace::Window { from: Time(1 << 40), to: Time(1 << 41) });
        assert_eq!(rulers(ui), 0);
    });
}

#[test]
fn a_mark_where_the_loop_starts_is_seen_beside_its_label() {
    serving(SCREEN, |ui| {
        let starts = ui.known.landmarks.loop_starts.unwrap();
        put(ui, starts, None, "here");
        ui.set_cursor(30);
        let text = text(ui);
        assert!(text.contains("loop starts ⚑") || text.contains("⚑ loop starts"), "{text}");
    });
}

#[test]
fn what_a_file_says_is_drawn_without_what_a_terminal_obeys() {
    serving(SCREEN, |ui| {
        put(ui, 10, None, "a\u{1b}]52;c;AAAA\u{7}b\nc\u{202e}d");
        for keys in ["O", "enter", "J"] {
            press(ui, keys);
            assert!(!text(ui).chars().any(|letter| letter != '\n' && (letter.is_control() || letter == '\u{202e}')));
        }
        assert!(text(ui).contains("a ]52;c;AAAA b c d"), "{}", text(ui));
    });
}

#[test]
fn a_place_that_is_not_in_this_file_is_said_to_be_elsewhere() {
    serving(SCREEN, |ui| {
        ui.absorb(|log| {
            let edit = BookmarkEdit::Set(Bookmark::new((1 << 40, Some(SpanId(999))), Time(1 << 40), "later"));
            log.edit_bookmarks(edit);
            News::More
        });
        press(ui, "O");
        assert!(text(ui).contains("a call that is not here"), "{}", text(ui));
        assert!(text(ui).contains("this place is behind the end of what there is"), "{}", text(ui));
        let before = ui.cursor();
        press(ui, "enter");
        assert_eq!(ui.cursor(), before);
        assert!(text(ui).contains("that place is behind the end"), "{}", text(ui));
    });
}

#[test]
fn a_note_is_a_place_to_go_to() {
    serving(SCREEN, |ui| {
        put(ui, 10, None, "a");
        put(ui, 20, None, "b");
        enter(ui, "T", "note 2", "enter");
        assert_eq!(ui.cursor(), 20);
        enter(ui, "T", "note 3", "enter");
        assert!(text(ui).contains("there are 2 notes") && ui.overlay.is_some(), "{}", text(ui));
    });
}

#[test]
fn what_is_not_saved_is_said_in_the_first_line_and_before_one_leaves() {
    serving(SCREEN, |ui| {
        let why = "this run is not recorded".to_owned();
        assert!(ui.set_unkept(Some(Unkept { count: 2, why })));
        assert!(text(ui).lines().next().unwrap().contains("2 notes not saved"), "{}", text(ui));
        assert_eq!(press(ui, "q"), Effect::None);
        let said = "q again leaves; 2 notes not saved: this run is not recorded";
        assert!(text(ui).lines().last().unwrap().contains(said), "{}", text(ui));
        press(ui, "R");
        assert!(text(ui).contains("and with it 2"), "{}", text(ui));
        // Whoever does something else has not left.
        press(ui, "esc");
        assert_eq!(press(ui, "q"), Effect::None);
        assert_eq!(press(ui, "q"), Effect::Quit);
        ui.set_unkept(None);
        assert_eq!(press(ui, "q"), Effect::Quit);
    });
    serving(SCREEN, |ui| {
        ui.told_of_note(Err("`a` is read-only".to_owned()));
        assert!(text(ui).contains("not saved: `a` is read-only"));
    });
}

#[test]
fn a_new_run_has_no_notes_and_a_shorter_log_keeps_them() {
    serving(SCREEN, |ui| {
        put(ui, 10, None, "old");
        ui.absorb(|log| {
            let mut shorter = Log::new();
            log.events_in(..).for_each(|event| shorter.push(event));
            shorter.adopt_bookmarks(log);
            *log = shorter;
            News::Shorter
        });
        assert_eq!(texts(ui), ["old"]);
        keep(ui, 3);
        assert!(texts(ui).is_empty());
    });
}

#[test]
fn the_list_of_notes_at_three_sizes() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        serving(size, |ui| {
            let waits = opened(ui, "get") + 2;
            put(ui, 4, Some(SpanId(1)), "everything is inside this");
            put(
                ui,
                waits,
                Some(SpanId(13)),
                "who wakes main here, and how? Ask before the next step, and let them draw the two stacks",
            );
            put(ui, waits + 6, None, "");
            put(ui, waits + 8, Some(SpanId(15)), "日本語でも書ける");
            press(ui, "O up");
            insta::assert_snapshot!(format!("notes_at_{}_by_{}", size.0, size.1), text(ui));
            press(ui, "up up J");
            insta::assert_snapshot!(format!("a_note_at_{}_by_{}", size.0, size.1), text(ui));
        });
    }
}
