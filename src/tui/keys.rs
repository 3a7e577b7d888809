//! Which key does what: the keys of the table of commands, or those that a person has chosen instead.
//!
//! A key is written as in the table: `s`, `G`, `tab`, `shift-tab`, `ctrl-x`, `alt-x`, `f5`. Three are fixed, so that no
//! settings can lock anybody in: `enter` accepts, `esc` closes, `ctrl-c` leaves.

use super::command::{Action, COMMANDS, CommandRow, command};

/// The keys that always mean what they mean, by the id of their command.
pub const FIXED: [(&str, &str); 3] = [("enter", "toggle"), ("esc", "close"), ("ctrl-c", "quit")];

/// The keys of every command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// As many as there are commands, in their order.
    of: Vec<Vec<String>>,
}

impl Default for Keys {
    fn default() -> Self {
        let of = COMMANDS.iter().map(|row| row.keys.iter().map(|key| (*key).to_owned()).collect());
        Self { of: of.collect() }
    }
}

impl Keys {
    /// The keys of the table, but these commands have these keys alone. A key that is chosen is taken away from the command
    /// that has it in the table. Ids that are no command's are passed over.
    #[must_use]
    pub fn with(chosen: &[(String, Vec<String>)]) -> Self {
        let mut keys = Self::default();
        for list in &mut keys.of {
            list.retain(|key| !chosen.iter().any(|(_, taken)| taken.contains(key)));
        }
        for (id, list) in chosen {
            if let Some(at) = COMMANDS.iter().position(|row| row.id == id) {
                keys.of[at].clone_from(list);
            }
        }
        for (key, id) in FIXED {
            let at = COMMANDS.iter().position(|row| row.id == id);
            let list = &mut keys.of[at.expect("the fixed keys are those of commands")];
            if list.iter().all(|other| other != key) {
                list.push(key.to_owned());
            }
        }
        keys
    }

    /// The keys of a command; the first is the one that is shown.
    #[must_use]
    pub fn of(&self, row: &CommandRow) -> &[String] {
        COMMANDS.iter().position(|other| other.id == row.id).map_or(&[], |at| &self.of[at])
    }

    /// The key of the command with this id, or how it is reached without one.
    #[must_use]
    pub fn shown(&self, id: &str) -> String {
        let Some(row) = command(id) else { return String::new() };
        match self.of(row).first() {
            Some(key) => short(key).to_owned(),
            None => self.without_key(row),
        }
    }

    /// What is pressed now for what a text calls by one letter, as pages do: the key of that command of the table. Nothing, if
    /// the letter is none of the table's.
    pub(super) fn now(&self, letter: &str) -> Option<String> {
        let is_letter = letter.len() == 1 && letter.chars().all(char::is_alphabetic);
        let row = COMMANDS.iter().find(|row| is_letter && row.keys.contains(&letter))?;
        Some(self.shown(row.id))
    }

    /// A sentence of the table of commands with the keys as they are now: in it they stand between backticks.
    pub(super) fn told(&self, sentence: &str) -> String {
        let parts = sentence.split('`').enumerate();
        parts.map(|(at, part)| self.now(part).filter(|_| at % 2 == 1).unwrap_or_else(|| part.to_owned())).collect()
    }

    /// How a command that has no key is reached.
    pub(super) fn without_key(&self, row: &CommandRow) -> String {
        let palette = command("palette").and_then(|row| self.of(row).first());
        format!("{}{}", palette.map_or("", |key| key), row.id)
    }

    /// What a key does, by its name.
    pub(super) fn action(&self, name: &str) -> Option<Action> {
        self.of.iter().position(|keys| keys.iter().any(|key| key == name)).map(|at| COMMANDS[at].action)
    }
}

/// Whether a terminal can send a key of this name.
#[must_use]
pub fn is_key(name: &str) -> bool {
    const NAMED: [&str; 15] = [
        "space",
        "enter",
        "esc",
        "tab",
        "backspace",
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
        "insert",
        "delete",
    ];
    let is_one = |text: &str| {
        let mut letters = text.chars();
        letters.next().is_some_and(|letter| !letter.is_control() && letter != ' ') && letters.next().is_none()
    };
    let base = name.strip_prefix("ctrl-").unwrap_or(name);
    let base = base.strip_prefix("alt-").unwrap_or(base);
    let is_function = base.strip_prefix('f').and_then(|number| number.parse::<u8>().ok());
    let is_function = is_function.is_some_and(|number| (1..=12).contains(&number) && !base.starts_with("f0"));
    name == "shift-tab" || is_function || NAMED.contains(&base) || is_one(base)
}

/// A key as it is shown where room is short.
pub(super) fn short(key: &str) -> &str {
    match key {
        "up" => "↑",
        "down" => "↓",
        "left" => "←",
        "right" => "→",
        "pagedown" => "PgDn",
        "pageup" => "PgUp",
        key => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(entries: &[(&str, &[&str])]) -> Keys {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Keys::with(&entries.iter().map(|(id, keys)| ((*id).to_owned(), owned(keys))).collect::<Vec<_>>())
    }

    #[test]
    fn a_chosen_key_is_taken_from_who_had_it() {
        let keys = chosen(&[("over", &["s", "f10"]), ("live", &["end"])]);
        assert_eq!(keys.action("s"), Some(Action::Over));
        assert_eq!(keys.action("f10"), Some(Action::Over));
        assert_eq!(keys.action("n"), None, "the keys of the table give way to the chosen ones");
        assert_eq!(keys.action("G"), None);
        assert_eq!((&*keys.shown("over"), &*keys.shown("into"), &*keys.shown("live")), ("s", ":into", "end"));
    }

    #[test]
    fn nobody_is_locked_in() {
        let keys = chosen(&[("quit", &["Q"]), ("close", &[]), ("toggle", &["space"])]);
        assert_eq!(keys.action("ctrl-c"), Some(Action::Quit));
        assert_eq!(keys.action("esc"), Some(Action::Close));
        assert_eq!(keys.action("enter"), Some(Action::Toggle));
        assert_eq!(keys.action("q"), None);
        assert_eq!(&*keys.shown("close"), "esc");
    }

    #[test]
    fn every_key_of_the_table_is_one_and_other_words_are_none() {
        assert!(COMMANDS.iter().flat_map(|row| row.keys).all(|key| is_key(key)));
        for key in ["f1", "f12", "alt-x", "ctrl-alt-x", "é", "shift-tab", "-", "ctrl--"] {
            assert!(is_key(key), "{key}");
        }
        for word in ["", " ", "f0", "f13", "f01", "ctrl-", "Ctrl-x", "xx", "return", "shift-x", "cmd-x"] {
            assert!(!is_key(word), "{word}");
        }
    }
}
