//! Text that has to fit: cutting, padding and wrapping by display width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A number as people read it: `42,727,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The text in at most `columns`, its end replaced by `…` where it does not fit.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let next = letter.width().unwrap_or(0);
        if used + next + 1 > columns {
            break;
        }
        out.push(letter);
        used += next;
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text in exactly `columns`, cut or filled with blanks on the right.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

/// `left` and `right` at the two ends of `columns`; `left` is cut first.
pub(super) fn ends(left: &str, right: &str, columns: usize) -> (String, String) {
    let right = cut(right, columns);
    let room = columns.saturating_sub(width(&right));
    let left = if right.is_empty() { pad(left, room) } else { pad(&pad(left, room.saturating_sub(1)), room) };
    (left, right)
}

/// Wraps styled runs at blanks; a word longer than a line is broken. `indent` starts every line but the first.
pub(super) fn wrap(runs: &[(String, Style)], columns: usize, indent: &str) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let indent = if width(indent) < columns { indent } else { "" };
    let mut lines: Vec<Vec<Span<'static>>> = vec![Vec::new()];
    let mut used = 0;
    let mut wants_blank: Option<Style> = None;
    let mut fresh = true;
    // A word may be made of several runs: `**a**b`.
    for word in words(runs) {
        let Some(word) = word else {
            wants_blank = wants_blank.or(Some(Style::new()));
            continue;
        };
        let length: usize = word.iter().map(|piece| width(&piece.0)).sum();
        let blank = usize::from(!fresh && wants_blank.is_some());
        if !fresh && used + blank + length > columns {
            lines.push(start(indent));
            used = width(indent);
        } else if blank == 1 {
            let line = lines.last_mut().expect("there is a first line");
            let before = line.last().map_or(Style::new(), |span| span.style);
            let after = word.first().map_or(Style::new(), |piece| piece.1);
            line.push(Span::styled(" ", if before == after { after } else { Style::new() }));
            used += 1;
        }
        for (text, style) in word {
            let mut piece = String::new();
            for letter in text.chars() {
                let next = letter.width().unwrap_or(0);
                if used + next > columns && used > width(indent) {
                    lines
                        .last_mut()
                        .expect("there is a first line")
                        .push(Span::styled(std::mem::take(&mut piece), style));
                    lines.push(start(indent));
                    used = width(indent);
                }
                piece.push(letter);
                used += next;
            }
            lines.last_mut().expect("there is a first line").push(Span::styled(piece, style));
        }
        fresh = false;
        wants_blank = None;
    }
    lines.into_iter().map(Line::from).collect()
}

fn start(indent: &str) -> Vec<Span<'static>> {
    if indent.is_empty() { Vec::new() } else { vec![Span::raw(indent.to_owned())] }
}

/// Words as lists of styled pieces; `None` is the blank between two of them.
fn words(runs: &[(String, Style)]) -> Vec<Option<Vec<(String, Style)>>> {
    let mut out: Vec<Option<Vec<(String, Style)>>> = Vec::new();
    for (text, style) in runs {
        for (index, part) in text.split(char::is_whitespace).enumerate() {
            if index > 0 && !matches!(out.last(), Some(None)) {
                out.push(None);
            }
            if part.is_empty() {
                continue;
            }
            let piece = (part.to_owned(), *style);
            match out.last_mut() {
                Some(Some(word)) => word.push(piece),
                _ => out.push(Some(vec![piece])),
            }
        }
    }
    out
}

/// Wraps one plain text in one style.
pub(super) fn wrap_plain(text: &str, style: Style, columns: usize, indent: &str) -> Vec<Line<'static>> {
    wrap(&[(text.to_owned(), style)], columns, indent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, columns: usize, expected: &[&str]) {
        let lines = wrap_plain(text, Style::new(), columns, "");
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn text_wraps_at_blanks_and_breaks_only_words_that_are_too_long() {
        check("one two three", 7, &["one two", "three"]);
        check("one two three", 100, &["one two three"]);
        check("abcdefgh i", 3, &["abc", "def", "gh", "i"]);
        check("日本語 x", 4, &["日本", "語 x"]);
        check("", 4, &[""]);
    }

    #[test]
    fn large_numbers_are_read_in_groups() {
        assert_eq!([0, 999, 1_000, 42_727_567].map(count), ["0", "999", "1,000", "42,727,567"]);
    }

    #[test]
    fn cutting_counts_columns_and_not_bytes() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("naïve", 5), "naïve");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(pad("ab", 4), "ab  ");
    }
}
