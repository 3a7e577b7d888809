//! Markdown as styled lines. Images and HTML are not drawn: lesson pages have none.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::keys::Keys;
use super::text::{pad, width, wrap};
use super::theme::{Role, Theme};

/// A page, wrapped to a width.
pub(super) fn lines(markdown: &str, theme: &Theme, keys: &Keys, columns: usize) -> Vec<Line<'static>> {
    let mut page = Page {
        theme,
        keys,
        columns,
        lines: Vec::new(),
        runs: Vec::new(),
        style: Vec::new(),
        lists: Vec::new(),
        marker: None,
        in_code: false,
        table: Vec::new(),
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.flush();
    while page.lines.last().is_some_and(|line| line.width() == 0) {
        page.lines.pop();
    }
    page.lines
}

struct Page<'a> {
    theme: &'a Theme,
    keys: &'a Keys,
    columns: usize,
    lines: Vec<Line<'static>>,
    runs: Vec<(String, Style)>,
    style: Vec<Style>,
    /// Numbers of the open lists; `None` is a list of dots.
    lists: Vec<Option<u64>>,
    /// What stands before the next paragraph.
    marker: Option<String>,
    in_code: bool,
    /// The rows of the open table; the last row is the one being read.
    table: Vec<Vec<String>>,
}

impl Page<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => {
                let style = self.theme.style(Role::Text);
                self.lines.extend(text.lines().map(|line| Line::from(Span::styled(format!("  {line}"), style))));
            }
            Event::Text(text) => self.run(&text, self.current()),
            // A letter is a key: pages name those of the table of commands, and a person may have others.
            Event::Code(text) => match self.keys.now(&text) {
                Some(key) => self.run(&key, self.theme.style(Role::Key)),
                None => self.run(&text, self.theme.style(Role::Text)),
            },
            Event::SoftBreak => self.run(" ", self.current()),
            Event::HardBreak => self.flush(),
            Event::Rule => self.blank(),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let style = self.current();
        match tag {
            Tag::Paragraph if self.marker.is_none() => self.blank(),
            Tag::Heading { level, .. } => {
                self.flush();
                self.blank();
                let underline = if *level == HeadingLevel::H1 { Modifier::UNDERLINED } else { Modifier::empty() };
                self.style.push(self.theme.style(Role::Heading).add_modifier(underline));
            }
            Tag::Emphasis => self.style.push(style.add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.style.push(style.add_modifier(Modifier::BOLD)),
            Tag::Link { .. } => self.style.push(style.add_modifier(Modifier::UNDERLINED)),
            Tag::BlockQuote(_) => self.style.push(style.add_modifier(Modifier::ITALIC)),
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.blank();
                }
                self.lists.push(*first);
            }
            Tag::Item => {
                self.flush();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "• ".to_owned(),
                });
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.blank();
                self.in_code = true;
            }
            Tag::TableHead | Tag::TableRow => self.table.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.style.pop();
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link | TagEnd::BlockQuote(_) => {
                self.style.pop();
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::TableCell => {
                let text = std::mem::take(&mut self.runs).into_iter().map(|run| run.0).collect();
                if let Some(row) = self.table.last_mut() {
                    row.push(text);
                }
            }
            TagEnd::Table => self.end_table(),
            _ => {}
        }
    }

    /// In columns, if there is the room; else row by row.
    fn end_table(&mut self) {
        let rows = std::mem::take(&mut self.table);
        let cells = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..cells).map(widest).collect();
        let fits = widths.iter().map(|width| width + 2).sum::<usize>() <= self.columns + 2;
        self.blank();
        for (at, row) in rows.iter().enumerate() {
            let style = if at == 0 { self.theme.style(Role::Heading) } else { Style::new() };
            if fits {
                let text: String = row.iter().zip(&widths).map(|(cell, width)| pad(cell, width + 2)).collect();
                self.lines.push(Line::styled(text.trim_end().to_owned(), style));
            } else {
                self.lines.extend(wrap(&[(row.join(" · "), style)], self.columns, "  "));
            }
        }
    }

    fn current(&self) -> Style {
        self.style.last().copied().unwrap_or_default()
    }

    fn run(&mut self, text: &str, style: Style) {
        self.runs.push((text.to_owned(), style));
    }

    fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    fn flush(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let mut runs = std::mem::take(&mut self.runs);
        let depth = self.lists.len().saturating_sub(1) * 2;
        let mut indent = " ".repeat(depth);
        if let Some(marker) = self.marker.take() {
            let lead = format!("{indent}{marker}");
            indent = " ".repeat(super::text::width(&lead));
            let room = self.columns.saturating_sub(indent.len()).max(1);
            for (index, mut line) in wrap(&runs, room, "").into_iter().enumerate() {
                line.spans.insert(0, Span::raw(if index == 0 { lead.clone() } else { indent.clone() }));
                self.lines.push(line);
            }
            return;
        }
        if !self.lists.is_empty() {
            indent.push_str("  ");
            runs.insert(0, (String::new(), Style::new()));
        }
        self.lines.extend(wrap(&runs, self.columns, &indent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_its_paragraphs_lists_and_code() {
        let text = "# Spawn\n\nOne *two* `three`\nfour.\n\n- a b\n- c\n\n```text\nx  y\n```\n";
        let lines: Vec<String> =
            lines(text, &Theme::default(), &Keys::default(), 12).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["Spawn", "", "One two", "three four.", "", "• a b", "• c", "", "  x  y"]);
    }

    #[test]
    fn a_key_in_a_page_is_the_one_that_a_person_has_chosen() {
        let keys = Keys::with(&[("into".to_owned(), vec!["f7".to_owned()]), ("over".to_owned(), Vec::new())]);
        let told = |text: &str| lines(text, &Theme::default(), &keys, 80)[0].to_string();
        assert_eq!(told("Press `s`, `n`, then `B`: `x11`, `/`, `2`."), "Press f7, :over, then B: x11, /, 2.");
    }

    #[test]
    fn a_letter_in_the_pages_is_a_key() {
        for page in crate::lesson::Book::embedded().pages() {
            for part in page.prose.split('`').skip(1).step_by(2) {
                let is_letter = part.len() == 1 && part.chars().all(char::is_alphabetic);
                assert!(!is_letter || Keys::default().now(part).is_some(), "`{part}` in {}", page.title);
            }
        }
    }

    #[test]
    fn a_table_stands_in_columns_or_row_by_row() {
        #[track_caller]
        fn check(columns: usize, expected: &[&str]) {
            let text = "| project | licence |\n|---|---|\n| gevent | MIT |\n| [Flask](https://x) | BSD |\n";
            let lines: Vec<String> =
                lines(text, &Theme::default(), &Keys::default(), columns).iter().map(ToString::to_string).collect();
            assert_eq!(lines, expected);
        }
        check(20, &["project  licence", "gevent   MIT", "Flask    BSD"]);
        check(14, &["project ·", "  licence", "gevent · MIT", "Flask · BSD"]);
    }
}
