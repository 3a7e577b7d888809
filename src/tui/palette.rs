//! The command palette: every command with its key and its sentence, found by a few letters of its name or a word of its
//! sentence, and run with enter. A place is accepted too, and gone to.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::command::{Action, COMMANDS, CommandRow};
use super::draw::{framed, inside, put_lines};
use super::keys::short;
use super::lists::{chosen, listed};
use super::overlay::{Overlay, centred};
use super::prompt::typed;
use super::text::{cut, pad, width, wrap_plain};
use super::theme::Role;
use super::ui::{Effect, Ui};
use crate::trace::Place;

/// What stands above the list: what is typed, and a blank line.
const HEAD: u16 = 2;
/// What stands below: a line across, and the whole sentence of the chosen row.
const FOOT: u16 = 3;

/// Something that can be chosen.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// A command, and whether its name fits what was typed, or only its sentence.
    Command { row: &'static CommandRow, by_name: bool },
    /// What was typed is a place.
    Place,
}

/// What fits a text, the best first; everything in the table's order if nothing is typed.
fn choices(text: &str) -> Vec<Choice> {
    let text = text.trim();
    let rows = COMMANDS.iter().filter(|row| row.action != Action::Palette);
    if text.is_empty() {
        return rows.map(|row| Choice::Command { row, by_name: true }).collect();
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = |kind| Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, kind);
    let (letters, words) = (pattern(AtomKind::Fuzzy), pattern(AtomKind::Substring));
    let mut buffer = Vec::new();
    let mut score = |pattern: &Pattern, text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
    let mut found: Vec<(bool, u32, &CommandRow)> = Vec::new();
    for row in rows {
        let named = score(&letters, row.label).map(|score| score + 8).max(score(&letters, row.id));
        let mut told = || score(&words, row.doc);
        if let Some((by_name, score)) = named.map(|score| (true, score)).or_else(|| told().map(|score| (false, score)))
        {
            found.push((by_name, score, row));
        }
    }
    // Stable: what fits equally well stays in the table's order.
    found.sort_by_key(|found| std::cmp::Reverse((found.0, found.1)));
    let is_place = text.parse::<Place>().is_ok_and(|place| !matches!(place, Place::Call(_)));
    let place = is_place.then_some(Choice::Place);
    place.into_iter().chain(found.into_iter().map(|(by_name, _, row)| Choice::Command { row, by_name })).collect()
}

impl Ui<'_> {
    /// In the palette, which has been taken out.
    pub(super) fn act_in_palette(&mut self, mut text: String, at: usize, action: Action, by: isize) -> Effect {
        let found = choices(&text);
        let last = found.len().saturating_sub(1);
        let at = at.min(last);
        let mut picked = (action == Action::Toggle).then_some(at);
        if let Action::Click(column, row) = action {
            let list = list(area(self.layout().body, found.len()));
            let clicked = usize::from(row.saturating_sub(list.y)) + listed(at, usize::from(list.height), found.len());
            picked = list.contains(Position::new(column, row)).then_some(clicked);
        }
        match picked.and_then(|picked| found.get(picked)) {
            Some(Choice::Command { row, .. }) => return self.run_command(row.action),
            Some(Choice::Place) => {
                if let Err(why) = self.go_to(text.trim()) {
                    self.notify(why);
                    self.overlay = Some(Overlay::Palette { text, at });
                }
                return Effect::None;
            }
            None => {}
        }
        let at = match action {
            Action::Type(letter) => {
                text.push(letter);
                0
            }
            Action::Erase => {
                text.pop();
                0
            }
            _ => at.saturating_add_signed(by).min(last),
        };
        self.overlay = Some(Overlay::Palette { text, at });
        Effect::None
    }

    fn run_command(&mut self, action: Action) -> Effect {
        if action == Action::Quit { Effect::Quit } else { self.act_without_overlay(action) }
    }
}

/// Where it lies: the upper border stays where it is while the list gets shorter.
fn area(body: Rect, count: usize) -> Rect {
    let whole = centred(body, 104, 26);
    let height = HEAD + FOOT + 2 + u16::try_from(count.max(1)).unwrap_or(u16::MAX - 8);
    Rect { height: whole.height.min(height), ..whole }
}

fn list(area: Rect) -> Rect {
    let inside = inside(area);
    let head = HEAD.min(inside.height);
    // Where there is no room for both, the list matters more.
    let foot = if inside.height > HEAD + FOOT { FOOT } else { 0 };
    Rect { y: inside.y + head, height: inside.height - head - foot, ..inside }
}

/// Draws the palette.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, text: &str, at: usize) {
    let theme = &ui.theme;
    let found = choices(text);
    let area = area(body, found.len());
    let remark = match found.len() {
        0 => "nothing fits".to_owned(),
        _ if text.trim().is_empty() => "type a few letters".to_owned(),
        1 => "1 fits".to_owned(),
        count => format!("{count} fit"),
    };
    let inner = framed(buffer, area, ui, "Commands", &remark, true);
    put_lines(buffer, inner, &[typed(text, usize::from(inner.width), theme)], 0);
    let list = list(area).intersection(inner);
    let columns = usize::from(list.width);
    let key = |row: &'static CommandRow| ui.keys.of(row).first().map_or("", |key| short(key)).to_owned();
    let keys = COMMANDS.iter().map(|row| width(&key(row))).max().unwrap_or(0);
    let labels = COMMANDS.iter().map(|row| width(row.label)).max().unwrap_or(0);
    let room = columns.saturating_sub(keys + labels + 7);
    let at = at.min(found.len().saturating_sub(1));
    // Large enough that one for every row would be felt.
    let mut matcher = Matcher::new(Config::DEFAULT);
    let lines = found.iter().enumerate().map(|(index, choice)| {
        let (key, label, doc, by_name) = match *choice {
            Choice::Command { row, by_name } => (key(row), row.label, ui.keys.told(row.doc), by_name),
            Choice::Place => {
                let doc = "That place in the recording: a time, a share, a span or an event.".to_owned();
                (String::new(), "go to", doc, false)
            }
        };
        let mark = if index == at { '→' } else { ' ' };
        let mut spans = vec![Span::styled(format!(" {mark} {}  ", pad(&key, keys)), theme.style(Role::Key))];
        spans.extend(marked(label, if by_name { text } else { "" }, ui, &mut matcher));
        spans.push(Span::raw(" ".repeat(labels - width(label) + 2)));
        spans.push(Span::styled(pad(&cut(&doc, room.saturating_sub(1)), room), theme.style(Role::Dim)));
        let line = Line::from(spans);
        if index == at { chosen(line, ui) } else { line }
    });
    let mut lines: Vec<Line<'static>> = lines.collect();
    if let Some(Choice::Command { row, .. }) = found.get(at)
        && list.bottom() < inner.bottom()
    {
        let foot = Rect { y: list.bottom(), height: FOOT, ..list };
        let mut said = wrap_plain(&ui.keys.told(row.doc), theme.style(Role::Plain), columns.saturating_sub(4), "");
        said.iter_mut().for_each(|line| line.spans.insert(0, Span::raw("   ")));
        said.insert(0, Line::styled("─".repeat(columns), theme.style(Role::Border)));
        said.truncate(usize::from(FOOT));
        put_lines(buffer, foot.intersection(inner), &said, 0);
    }
    if lines.is_empty() {
        let text = " No command is called like that, and no sentence has these words. Fewer letters find more.";
        lines.push(Line::styled(cut(text, columns), theme.style(Role::Dim)));
    }
    put_lines(buffer, list, &lines, listed(at, usize::from(list.height), lines.len()));
}

/// A name with the letters that were typed marked.
fn marked(label: &'static str, text: &str, ui: &Ui, matcher: &mut Matcher) -> Vec<Span<'static>> {
    let pattern = Pattern::new(text.trim(), CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let (mut buffer, mut places) = (Vec::new(), Vec::new());
    if text.trim().is_empty() || pattern.indices(Utf32Str::new(label, &mut buffer), matcher, &mut places).is_none() {
        return vec![Span::raw(label)];
    }
    let letters = label.chars().enumerate().map(|(at, letter)| {
        let role = if places.contains(&(at as u32)) { Role::SelectedElsewhere } else { Role::Plain };
        Span::styled(letter.to_string(), ui.theme.style(role))
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, first: &str) {
        let found = choices(text);
        let name = match found.first() {
            Some(Choice::Command { row, .. }) => row.id,
            Some(Choice::Place) => "a place",
            None => "nothing",
        };
        assert_eq!(name, first, "{text}: {found:?}");
    }

    #[test]
    fn a_few_letters_of_a_name_find_a_command() {
        check("stat", "statistics");
        check("critp", "critical-path");
        check("Zoom In", "zoom-in");
        check("bef/aft", "moments");
        check("run-to-loop", "run-to-loop");
        check("quit", "quit");
    }

    #[test]
    fn a_word_of_the_sentence_does_where_no_name_fits() {
        check("side by side", "moments");
        check("clipboard of nobody", "nothing");
    }

    #[test]
    fn a_place_is_gone_to() {
        check("50%", "a place");
        check("+10us", "a place");
        check("#12", "a place");
    }

    #[test]
    fn everything_is_there_when_nothing_is_typed_but_the_palette_itself() {
        assert_eq!(choices(" ").len(), COMMANDS.len() - 1);
    }
}
