//! What is typed here for what the screens have keys for, and the pages' sentences with the one put for the other.
//!
//! ```text
//!   press `g`, then `2`, and step over with `n`   ──►   type "client connect", and step over with "over"
//! ```

use crate::tui::{COMMANDS, SCENES};

/// Each command of the screens with what is typed instead. Nothing, where only what a screen looks like is meant, or where a
/// line of text is already what it is for.
const TYPED: &[(&str, &str)] = &[
    ("into", "step"),
    ("over", "over"),
    ("predict", "guess"),
    ("walk", ""),
    ("out", "out"),
    ("next-lane", "next-lane"),
    ("run-to-loop", "run-to loop"),
    ("run-until", "run-to"),
    ("steps", "steps"),
    ("continue", "continue"),
    ("pause", "pause"),
    ("breakpoints", "breaks"),
    ("break-here", "break"),
    ("break-add", "break"),
    ("break-edit", "break"),
    ("break-remove", "delete"),
    ("hit-back", "continue back"),
    ("back", "back"),
    ("forth", "forth"),
    ("event-forth", "events"),
    ("event-back", "events"),
    ("call-forth", "forth"),
    ("call-back", "back"),
    ("lane-forth", "events"),
    ("lane-back", "events"),
    ("turn-forth", "loop next"),
    ("turn-back", "loop before"),
    ("slice-forth", "timeline"),
    ("slice-back", "timeline"),
    ("to-whom", "to-whom"),
    ("from-whom", "from-whom"),
    ("go-to", "goto"),
    ("note-forth", "goto note"),
    ("note-back", "goto note"),
    ("scrub-forth", "goto"),
    ("scrub-back", "goto"),
    ("play", "continue"),
    ("faster", ""),
    ("slower", ""),
    ("reverse", ""),
    ("start", "goto 0%"),
    ("live", "goto end"),
    ("zoom-in", ""),
    ("zoom-out", ""),
    ("earlier", ""),
    ("later", ""),
    ("fit", ""),
    ("range", "stats"),
    ("zoom-range", ""),
    ("fold-lanes", ""),
    ("search", "search"),
    ("matches", "search"),
    ("previous-match", "search"),
    ("statistics", "stats"),
    ("note", "note"),
    ("notes", "notes"),
    ("remove-note", "notes remove"),
    ("claims", "claims"),
    ("critical-path", "path"),
    ("moments", "before-after"),
    ("against", ""),
    ("event-loop", "loop"),
    ("answer", "answer"),
    ("next-pane", ""),
    ("previous-pane", ""),
    ("zoom-pane", ""),
    ("next-layout", ""),
    ("layout-lesson", ""),
    ("layout-stack", ""),
    ("layout-timeline", ""),
    ("layout-loop", ""),
    ("layout-code", ""),
    ("larger", ""),
    ("smaller", ""),
    ("reset-layout", ""),
    ("up", ""),
    ("down", ""),
    ("left", ""),
    ("right", ""),
    ("page-up", ""),
    ("page-down", ""),
    ("toggle", ""),
    ("copy", ""),
    ("copy-frame", ""),
    ("copy-stack", ""),
    ("copy-stacks", ""),
    ("copy-claims", ""),
    ("palette", "help"),
    ("class", "steps"),
    ("help", "help"),
    ("close", ""),
    ("request", "client"),
    ("stop", "stop"),
    ("restart", "restart"),
    ("quit", "quit"),
];

/// What is typed for a letter that is a key of the screens.
pub(super) fn of_letter(letter: &str) -> Option<&'static str> {
    let is_letter = letter.len() == 1 && letter.chars().all(char::is_alphabetic);
    let row = COMMANDS.iter().find(|row| is_letter && row.keys.contains(&letter))?;
    TYPED.iter().find(|typed| typed.0 == row.id).map(|typed| typed.1).filter(|typed| !typed.is_empty())
}

/// A page's Markdown for who types. Letters that stand alone are left to [`of_letter`].
pub(super) fn told(markdown: &str) -> String {
    // A page's lines are broken where they are full.
    let mut text = markdown.to_owned();
    let key = COMMANDS.iter().find(|row| row.id == "request").and_then(|row| row.keys.first()).copied();
    let key = format!("`{}`", key.unwrap_or_default());
    for (at, row) in SCENES.iter().enumerate() {
        let typed = format!("\"client {}\"", row.name.to_lowercase().replace(' ', "-"));
        text = text.replace(&format!("{key}, then `{}`", at + 1), &typed);
        if at == 0 {
            // Its menu begins with the first.
            text = text.replace(&format!("{key} twice"), &typed).replace(&format!("{key} {key}"), &typed);
        }
    }
    for (seen, read) in [
        (" → ", ", then "),
        ("On this screen", "Here"),
        ("on this screen", "here"),
        ("This screen shows", "The commands tell"),
        ("of this screen", "of this program"),
        ("press ", "type "),
        ("press\n", "type\n"),
        ("Press ", "Type "),
    ] {
        text = text.replace(seen, read);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::prompt::commands::find;

    #[test]
    fn every_command_of_the_screens_is_one_here_or_is_about_a_screen_alone() {
        let ids: Vec<&str> = TYPED.iter().map(|typed| typed.0).collect();
        assert_eq!(ids, COMMANDS.iter().map(|row| row.id).collect::<Vec<_>>());
        for (id, typed) in TYPED.iter().filter(|typed| !typed.1.is_empty()) {
            let word = typed.split(' ').next().unwrap_or_default();
            assert_eq!(find(word).map(|row| row.name), Ok(word), "for {id}");
        }
    }

    #[test]
    fn a_page_that_is_read_names_no_key() {
        for page in crate::lesson::Book::embedded().pages() {
            let text = told(&page.prose);
            for word in ["screen", "press ", "Press "] {
                assert!(!text.contains(word), "{word:?} in {}", page.title);
            }
            for part in text.split('`').skip(1).step_by(2) {
                let is_key = part.len() == 1 && COMMANDS.iter().any(|row| row.keys.contains(&part));
                let is_digit = part.chars().all(|letter| letter.is_ascii_digit());
                let is_path = part == "/";
                assert!(!is_key || is_digit || is_path || of_letter(part).is_some(), "`{part}` in {}", page.title);
            }
        }
    }

    #[test]
    fn the_menu_of_clients_is_a_command_with_a_name() {
        #[track_caller]
        fn check(page: &str, expected: &str) {
            assert_eq!(told(page), expected);
        }
        check("press `g`, then `2`, and", "type \"client connect\", and");
        check("Press `g` twice.", "Type \"client get\".");
        check("with `g` `g` and", "with \"client get\" and");
        check("`g`, then `6`", "\"client vanishing-client\"");
    }
}
