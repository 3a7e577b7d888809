//! A few lines for who runs the program for the first time: once per user, on a terminal, and never a reason to fail.
//!
//! That they have been said is remembered by an empty file in the platform's directory for such things:
//! `$XDG_STATE_HOME/spanwalk`, or `~/.local/state/spanwalk`. Where it cannot be written nothing is said: it would be said
//! every time.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use crate::tui::Keys;

/// What comes next, and the way to the other half of the program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next<'a> {
    /// The screens, with these keys.
    Screens(&'a Keys),
    /// The prompt.
    Prompt,
}

/// The lines, none wider than 80 columns: what to do first, as it is done where one is about to be.
fn lines(next: Next<'_>) -> String {
    let first = match next {
        Next::Screens(keys) => {
            let [step, help, quit] = ["into", "help", "quit"].map(|id| keys.shown(id));
            format!(
                "New here? {step} takes a step, {help} lists the keys, {quit} leaves; the lesson beside\nthe stack says what \
                 each step is. spanwalk demo --interactive does it in words."
            )
        }
        Next::Prompt => {
            "New here? step takes a step, help lists the commands, quit leaves; lesson\nsays what a step is. spanwalk \
                         demo does the same on a screen."
                .to_owned()
        }
    };
    let more = "--record FILE keeps a run, spanwalk open FILE shows it. spanwalk --help has\nexamples, spanwalk man the manual. \
                This is said once.";
    format!("{first}\n{more}")
}

/// Says them on standard error, if they have not been said.
pub(super) fn say_once(next: Next<'_>) {
    let is_person = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
    if is_person && std::env::var_os("CI").is_none() && remember().is_ok() {
        let _ = writeln!(io::stderr(), "{}", lines(next));
    }
}

/// Fails if it is remembered already, or cannot be.
fn remember() -> io::Result<()> {
    let directory = directory().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(&directory)?;
    fs::File::create_new(directory.join("hint-said")).map(drop)
}

/// Where the program remembers things of its user.
fn directory() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("spanwalk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_small_terminal_and_keys_are_those_of_the_person() {
        let keys = Keys::with(&[("into".to_owned(), vec!["f7".to_owned()])]);
        let screens = lines(Next::Screens(&keys));
        assert!(screens.starts_with("New here? f7 takes a step, ? lists the keys"), "{screens}");
        for text in [screens, lines(Next::Prompt), lines(Next::Screens(&Keys::default()))] {
            assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        }
    }
}
