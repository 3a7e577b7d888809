//! The tools of the desk: the palette, copying, layouts, chosen keys, help by pane. Before, keys, after.

use super::replay::{enter, press, serving};
use super::*;
use crate::trace::Command;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Snapshots of one screen at the three sizes.
fn snapshots(name: &str, until: Until, keys: &[&str], typed: &str) {
    for size in SIZES {
        with_ui(until, size, Theme::default(), |ui| {
            keys.iter().for_each(|keys| drop(press(ui, keys)));
            typed.chars().for_each(|letter| drop(ui.act(Action::Type(letter))));
            insta::assert_snapshot!(format!("{name}_at_{}_by_{}", size.0, size.1), text(ui));
        });
    }
}

#[test]
fn a_command_is_found_by_a_few_letters_and_run_with_enter() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        assert_eq!(press(ui, ":"), Effect::None);
        assert!(text(ui).contains("Commands") && text(ui).contains("To the end of the call around this one."));
        enter(ui, "", "stat", "enter");
        assert!(matches!(ui.overlay, Some(Overlay::Statistics { .. })), "{:?}", ui.overlay);
        // From any list: what was open gives way.
        press(ui, ":");
        "over".chars().for_each(|letter| drop(ui.act(Action::Type(letter))));
        assert_eq!(press(ui, "enter"), Effect::Command(Command::Over));
        assert!(ui.overlay.is_none());
        press(ui, ":");
        "quit".chars().for_each(|letter| drop(ui.act(Action::Type(letter))));
        assert_eq!(press(ui, "enter"), Effect::Quit);
    });
}

#[test]
fn the_palette_is_walked_with_arrows_and_the_mouse_and_left_with_esc() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        press(ui, ": down down up");
        assert_eq!(press(ui, "enter"), Effect::Command(Command::Over), "the second command of the table");
        press(ui, ": esc");
        assert!(ui.overlay.is_none());
        press(ui, ":");
        let row = text(ui).lines().position(|line| line.contains("To the end of the call around")).unwrap();
        assert_eq!(ui.act(Action::Click(30, row as u16)), Effect::Command(Command::Out));
        press(ui, ":");
        "xyzzy".chars().for_each(|letter| drop(ui.act(Action::Type(letter))));
        assert!(text(ui).contains("nothing fits"));
        press(ui, "enter");
        assert!(ui.overlay.is_some(), "there is nothing to run");
        press(ui, "backspace backspace backspace backspace backspace");
        assert!(text(ui).contains("type a few letters ┐"), "{}", text(ui));
    });
}

#[test]
fn a_place_in_the_palette_is_gone_to() {
    serving(SCREEN, |ui| {
        enter(ui, ":", "#3", "enter");
        assert!(!ui.is_live() && ui.overlay.is_none());
        enter(ui, ":", "#9999", "enter");
        assert!(ui.overlay.is_some() && ui.notice().is_some_and(|text| text.contains("9999")));
    });
}

#[test]
fn the_palette_by_size() {
    snapshots("the_palette", Until::Spawn, &[":"], "");
    snapshots("the_palette_for_zoom", Until::Spawn, &[":"], "zoom");
}

#[test]
fn chosen_keys_are_those_that_work_and_that_are_shown() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.set_keys(Keys::with(&[("into".to_owned(), vec!["J".to_owned()]), ("pause".to_owned(), Vec::new())]));
        assert_eq!(press(ui, "J"), Effect::Command(Command::Into));
        assert!(text(ui).lines().last().unwrap().contains("J into"), "{}", text(ui));
        press(ui, "?");
        assert!(text(ui).contains("J          To the next step") || text(ui).contains("J  "), "{}", text(ui));
        press(ui, "esc :");
        assert!(text(ui).lines().any(|line| line.contains(" J ") && line.contains("into")), "{}", text(ui));
    });
}

/// What is copied after these keys, and what is said of it.
fn copied(until: Until, keys: &str) -> (String, String) {
    with_ui(until, SCREEN, Theme::default(), |ui| {
        let effect = press(ui, keys);
        let said = ui.notice().unwrap_or_default().to_owned();
        let Effect::Copy(text) = effect else { panic!("{effect:?}, {said}") };
        (text, said)
    })
}

#[test]
fn y_y_copies_the_frame() {
    let (text, said) = copied(Until::Spawn, "y y");
    assert_eq!(text, "spawn  src/server/threadpool.rs:2\n    func = gethostbyaddr\n    semaphore = 11 → 10\n");
    assert_eq!(said, "copied the frame spawn: 3 lines");
    // Of the frame that is selected, whichever that is.
    assert!(copied(Until::Spawn, "down y enter").0.starts_with("apply  src/server/pool.rs:41\n"));
}

#[test]
fn a_stack_is_copied_as_it_is_seen() {
    let (text, said) = copied(Until::Spawn, "y 2");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "MainThread · main  PAUSED ON STEP");
    assert_eq!(lines[1], "    spawn           src/server/threadpool.rs:2");
    assert_eq!((lines.len(), lines[10]), (11, "    run             src/server/socketio.rs:44"));
    assert_eq!(said, "copied the stack of main: 11 lines");
    let (all, said) = copied(Until::Serving, "y down down enter");
    for lane in ["MainThread · main  ", "\nMainThread · hub  POLLING", "\nworker-1  WAITING"] {
        assert!(all.contains(lane), "{lane} in {all}");
    }
    assert!(said.starts_with("copied the stacks of 3 lanes"), "{said}");
}

#[test]
fn the_claims_of_the_page_are_copied_with_what_the_run_says() {
    let (text, said) = copied(Until::Spawn, "y 4");
    assert!(text.starts_with("Step 11, spawn: Hand a blocking job"), "{text}");
    for part in
        ["The report says: start a thread", "Verdict: that is wrong", "    holds: spawn runs in the lane main ("]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(said.starts_with("copied the claims of spawn: "), "{said}");
}

#[test]
fn what_cannot_be_copied_says_why() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        keep(ui, 0);
        for keys in ["y y", "y 2", "y 3", "y 4"] {
            assert_eq!(press(ui, keys), Effect::None);
            assert!(ui.notice().is_some() && ui.overlay.is_none(), "{keys}");
            ui.hush();
        }
        // In tmux it is said what tmux does.
        ui.set_clipboard(Clipboard::Tmux);
    });
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        ui.set_clipboard(Clipboard::Tmux);
        press(ui, "y y");
        assert_eq!(ui.notice(), Some("copied the frame spawn: 3 lines; tmux needs set-clipboard on"));
    });
}

#[test]
fn the_list_to_copy_by_size() {
    snapshots("the_list_to_copy", Until::Spawn, &["y"], "");
}

#[track_caller]
fn panes(ui: &Ui<'_>) -> Vec<Pane> {
    ui.layout().panes.into_iter().map(|entry| entry.0).collect()
}

#[test]
fn a_key_goes_from_layout_to_layout_and_the_palette_has_each() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let lesson = text(ui);
        for (preset, focus) in [
            (Preset::Stack, Pane::Stack),
            (Preset::Timeline, Pane::Timeline),
            (Preset::Loop, Pane::Stack),
            (Preset::Code, Pane::Source),
        ] {
            press(ui, "M");
            assert_eq!((ui.arrangement.preset, ui.focus), (preset, focus));
            assert!(text(ui).contains(&format!("layout {}; M is the next", preset.name())), "{}", text(ui));
            assert_ne!(text(ui), lesson);
        }
        press(ui, "M");
        ui.hush();
        assert_eq!(text(ui), lesson);
        enter(ui, ":", "layout code", "enter");
        assert_eq!(ui.arrangement.preset, Preset::Code);
        let layout = ui.layout();
        assert!(layout.pane(Pane::Source).unwrap().height == layout.body.height, "the source has the full height");
    });
}

#[test]
fn tab_reaches_every_pane_of_every_layout() {
    for size in SIZES {
        with_ui(Until::Spawn, size, Theme::default(), |ui| {
            for _ in Preset::ALL {
                press(ui, "M");
                for _ in Pane::ALL {
                    press(ui, "tab");
                    assert!(panes(ui).contains(&ui.focus), "{:?} at {size:?}", ui.arrangement.preset);
                }
            }
        });
    }
}

#[test]
fn a_pane_grows_and_shrinks_and_its_borders_go_back() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let before = ui.layout();
        press(ui, "*");
        let (old, new) = (before.pane(Pane::Stack).unwrap(), ui.layout().pane(Pane::Stack).unwrap());
        assert!(new.width == old.width + 4 && new.height > old.height, "{old:?} {new:?}");
        for _ in 0..40 {
            press(ui, "_");
        }
        let least = ui.layout().pane(Pane::Stack).unwrap();
        assert!(least.width >= 16 && least.height >= 4, "{least:?}");
        assert!(text(ui).contains("it cannot be smaller"));
        enter(ui, ":", "reset layout", "enter");
        assert_eq!(ui.layout(), before);
        // Of the timeline: upwards.
        press(ui, "tab tab *");
        assert_eq!(ui.layout().pane(Pane::Timeline).unwrap().y, before.pane(Pane::Timeline).unwrap().y - 2);
        press(ui, "z *");
        assert!(text(ui).contains("one pane fills the screen: z shows the others"));
    });
}

#[test]
fn a_border_is_dragged_by_mouse() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let stack = |ui: &Ui<'_>| ui.layout().pane(Pane::Stack).unwrap();
        let right = stack(ui).right() - 1;
        ui.act(Action::Click(right, 6));
        ui.act(Action::Drag(right + 10, 6));
        assert_eq!(stack(ui).right() - 1, right + 10);
        let at = ui.cursor();
        let top = ui.layout().pane(Pane::Timeline).unwrap().y;
        ui.act(Action::Click(60, top));
        ui.act(Action::Drag(50, top - 5));
        assert_eq!(ui.layout().pane(Pane::Timeline).unwrap().y, top - 5);
        assert_eq!(ui.cursor(), at, "the border is moved, not the cursor");
        // Let go, the mouse does what it did.
        ui.act(Action::Drop);
        assert!(ui.held_border.is_none());
        ui.act(Action::Click(60, top));
        ui.act(Action::Drop);
        assert!(!ui.is_live(), "the cursor is");
    });
}

#[test]
fn a_moved_border_stays_with_its_layout_and_its_size() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        let before = ui.layout();
        press(ui, "* M");
        let kept = Arrangement::from_text(&ui.arrangement().to_text());
        assert_eq!(kept, *ui.arrangement());
        with_ui(Until::Spawn, SCREEN, Theme::default(), |other| {
            other.set_arrangement(kept);
            assert_eq!(other.arrangement.preset, Preset::Stack);
            press(other, "M M M M");
            assert_ne!(other.layout().panes, before.panes);
            let small = |ui: &mut Ui<'_>| {
                ui.act(Action::Resize(80, 24));
                ui.layout().panes
            };
            let moved = small(other);
            other.set_arrangement(Arrangement::default());
            assert_eq!(small(other), moved, "another size, other borders");
        });
    });
}

#[test]
fn the_layouts_by_size() {
    for (at, preset) in Preset::ALL.into_iter().enumerate().skip(1) {
        snapshots(&format!("the_layout_{}", preset.name()), Until::Serving, &vec!["M"; at], "");
    }
}

#[test]
fn help_begins_with_what_works_in_the_pane_that_has_the_keys() {
    with_ui(Until::Spawn, (80, 24), Theme::default(), |ui| {
        let first = |ui: &mut Ui<'_>, keys: &str| {
            press(ui, keys);
            text(ui).lines().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>().join("\n")
        };
        let stack = first(ui, "?");
        assert!(stack.contains("Here: Call stack  who is where?") && stack.contains("↑ ↓"), "{stack}");
        let lesson = first(ui, "esc tab ?");
        assert!(lesson.contains("Here: Lesson") && lesson.contains("scroll"), "{lesson}");
        let timeline = first(ui, "esc tab ?");
        assert!(timeline.contains("Here: Timeline  when?") && timeline.contains("+ - 0"), "{timeline}");
        assert!(first(ui, "esc w ?").contains("Here: Event loop"));
        assert!(first(ui, "esc w K ?").contains("Here: For a class"));
    });
}

#[test]
fn help_by_size() {
    snapshots("help_of_the_stack", Until::Spawn, &["?"], "");
}

#[test]
fn a_program_without_source_text_has_no_layout_for_it() {
    with_ui(Until::Spawn, SCREEN, Theme::default(), |ui| {
        keep(ui, 0);
        // One lane of a program that has nothing of the chain.
        ui.absorb(|log| {
            let mut writer = fixture::Writer::new();
            writer.lane(crate::trace::LaneId(1), "main", crate::trace::LaneKind::Thread);
            *log = writer.log;
            News::Another
        });
        for expected in [Preset::Stack, Preset::Timeline, Preset::Lesson, Preset::Stack] {
            press(ui, "M");
            assert_eq!(ui.arrangement.preset, expected);
            for pane in panes(ui) {
                assert!(!matches!(pane, Pane::Lesson | Pane::Source), "{expected:?}");
            }
        }
        enter(ui, ":", "layout code", "enter");
        assert_eq!(ui.arrangement.preset, Preset::Stack);
        assert!(text(ui).contains("there is no source text of this program"), "{}", text(ui));
    });
}
