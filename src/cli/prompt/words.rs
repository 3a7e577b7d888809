//! How answers are worded and broken into lines: whole sentences, and no line wider than the terminal or 80 columns.
//!
//! A line that goes on from the one before begins with two blanks: who reads with a program puts them together again.

use super::Lines;

/// Columns of a line, where the terminal has no fewer.
const COLUMNS: usize = 80;
/// What a line begins with that goes on from the one before.
const GOES_ON: &str = "  ";

/// Columns that there are, of a terminal or for a pipe.
pub(super) fn columns(is_terminal: bool) -> usize {
    let size = if is_terminal { crossterm_size() } else { None };
    size.map_or(COLUMNS, |columns| columns.clamp(20, COLUMNS))
}

fn crossterm_size() -> Option<usize> {
    ratatui::crossterm::terminal::size().ok().map(|size| usize::from(size.0)).filter(|columns| *columns > 0)
}

/// Breaks a line at blanks. A word that is too long stays whole: a path or an address is copied in one piece.
pub(super) fn broken(line: &str, columns: usize) -> Lines {
    use unicode_width::UnicodeWidthStr as _;
    let mut lines = Lines::new();
    let mut rest = line.trim_end();
    loop {
        let lead = if lines.is_empty() { "" } else { GOES_ON };
        let room = columns.saturating_sub(lead.len());
        // Indentation is no place to break.
        let indent = rest.len() - rest.trim_start().len();
        let breaks = rest.char_indices().filter(|(at, letter)| *letter == ' ' && *at > indent).map(|(at, _)| at);
        let is_short = |end: usize| rest[..end].width() <= room;
        let end = if is_short(rest.len()) {
            rest.len()
        } else {
            let mut breaks = breaks.peekable();
            let first = breaks.peek().copied().unwrap_or(rest.len());
            breaks.take_while(|at| is_short(*at)).last().unwrap_or(first)
        };
        lines.push(format!("{lead}{}", rest[..end].trim_end()));
        rest = rest[end..].trim_start();
        if rest.is_empty() {
            return lines;
        }
    }
}

/// A text of ours as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    ended(&chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect::<String>()))
}

/// A text with its final stop. It may begin with the name of a call, which stays as it is.
pub(super) fn ended(text: &str) -> String {
    if text.ends_with(['.', '?', '!', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// `1 call`, `2 calls`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_blanks_and_goes_on_behind_two_of_them() {
        #[track_caller]
        fn check(line: &str, expected: &[&str]) {
            assert_eq!(broken(line, 12), expected);
        }
        check("", &[""]);
        check("main: runs.", &["main: runs."]);
        check("main: spawn begins.", &["main: spawn", "  begins."]);
        check("one two three four five", &["one two", "  three four", "  five"]);
        check("a_path_that_is_long it is", &["a_path_that_is_long", "  it is"]);
        check("    indented_for_long more", &["    indented_for_long", "  more"]);
        check("µs µs µs µs µs", &["µs µs µs µs", "  µs"]);
    }
}
