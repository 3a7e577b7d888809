//! The matches of a search: when, how long, where, and inside which calls.
//!
//! Only the rows that are seen are made; how many matches there are does not matter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, rows_between};
use super::text::{count, cut, pad, width, wrap};
use super::theme::Role;
use super::ui::Ui;
use crate::trace::{Finder, Log, Match, SpanRecord, Time};

/// How wide the list is, where there is room.
pub(super) const WIDTH: u16 = 140;

/// The number of the first row that is seen, and where the rows are; `at` is the selected one.
pub(super) fn rows(body: Rect, ui: &Ui, at: usize) -> (usize, Rect) {
    let inner = inside(body);
    let search = ui.asked.search.as_ref();
    let found = search.and_then(|search| search.get(at));
    let foot = found.map(|found| foot(ui, &found, usize::from(inner.width))).unwrap_or_default();
    let foot = (foot.len() as u16).min(inner.height / 3);
    rows_between(inner, 1, foot + 1, at, search.map_or(0, Finder::len))
}

/// Draws the list; `at` is the selected number.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let Some(search) = &ui.asked.search else { return };
    let query = search.query().to_string();
    let inner = framed(buffer, body, ui, &format!("Search · {query}"), &remark(search, &ui.log), true);
    let theme = &ui.theme;
    let columns = usize::from(inner.width);
    if search.is_empty() {
        let text = match search.is_behind(&ui.log) {
            true => " Nothing so far.".to_owned(),
            false => format!(" Nothing matches: {} changes the search.", ui.keys.shown("search")),
        };
        put_lines(buffer, inner, &[Line::styled(text, theme.style(Role::Dim))], 0);
        return;
    }
    // What is around the selected one, whole, below the list.
    let foot = search.get(at).map(|found| foot(ui, &found, columns)).unwrap_or_default();
    let foot_rows = (foot.len() as u16).min(inner.height / 3);
    let (top, area) = rows(body, ui, at);
    let numbers: Vec<usize> = (top..search.len().min(top + usize::from(area.height))).collect();
    let found: Vec<(usize, Match, SpanRecord)> = numbers
        .into_iter()
        .filter_map(|number| {
            let found = search.get(number)?;
            Some((number, found, ui.log.span(found.span)?))
        })
        .collect();
    let names = found.iter().map(|row| width(&row.2.callsite.name)).max().unwrap_or(4).clamp(4, 24);
    let lane = |span: &SpanRecord| ui.log.lane(span.lane).map_or_else(String::new, |lane| lane.name.to_string());
    let lanes = found.iter().map(|row| width(&lane(&row.2))).max().unwrap_or(4).clamp(4, 16);
    let head = format!("  {:>9}  {:>9}  {}  {}  inside", "at", "took", pad("lane", lanes), pad("call", names));
    let mut lines = vec![Line::styled(head, theme.style(Role::Dim))];
    for (number, found, span) in &found {
        let left = format!("  {:>9}  {:>9}  {}  ", found.opened, took(&ui.log, span), pad(&lane(span), lanes));
        let room = columns.saturating_sub(width(&left) + names + 2);
        let around = around(&ui.log, span, 12).join(" ‹ ");
        let mut line = Line::from(vec![
            Span::styled(left, theme.style(Role::Plain)),
            Span::styled(pad(&span.callsite.name, names), theme.style(Role::Heading)),
            Span::styled(format!("  {}", pad(&around, room)), theme.style(Role::Dim)),
        ]);
        if *number == at {
            line = chosen(line, ui);
        }
        lines.push(line);
    }
    put_lines(buffer, Rect { height: area.height + 1, ..inner }.intersection(inner), &lines, 0);
    let below = Rect { y: inner.bottom() - foot_rows, height: foot_rows, ..inner };
    put_lines(buffer, below, &foot, 0);
}

/// `17 matches`, and how far the search has come.
pub(super) fn remark(search: &Finder, log: &Log) -> String {
    let found = match search.len() {
        1 => "1 match".to_owned(),
        many => format!("{} matches", count(many as u64)),
    };
    if search.is_behind(log) {
        let share = 100 * search.read_so_far() / log.len().max(1);
        format!("{found} so far, {share} % read")
    } else {
        found
    }
}

/// How long a call took, `open` if it is not over.
fn took(log: &Log, span: &SpanRecord) -> String {
    match span.close {
        Some((_, close)) => Time(log.clock().program(close).since(log.clock().program(span.open.1))).to_string(),
        None => "open".to_owned(),
    }
}

/// The names of the calls around a call, innermost first.
fn around(log: &Log, span: &SpanRecord, at_most: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut parent = span.parent;
    while let Some(record) = parent.and_then(|parent| log.span(parent)) {
        if names.len() == at_most {
            names.push("…".to_owned());
            break;
        }
        names.push(record.callsite.name.to_string());
        parent = record.parent;
    }
    names
}

fn foot(ui: &Ui, found: &Match, columns: usize) -> Vec<Line<'static>> {
    let Some(span) = ui.log.span(found.span) else { return Vec::new() };
    let theme = &ui.theme;
    let mut names = around(&ui.log, &span, 60);
    names.reverse();
    let dim = theme.style(Role::Dim);
    let outer = names.iter().map(|name| format!("{name} › ")).collect::<String>();
    let runs = [(outer, dim), (span.callsite.name.to_string(), theme.style(Role::Heading))];
    let mut lines = vec![Line::styled("─".repeat(columns), theme.style(Role::Border))];
    let place = format!("{} · {}", span.callsite.target, span.callsite.file_name());
    let place = span.callsite.line.map_or(place.clone(), |line| format!("{place}:{line}"));
    let below = wrap(&runs, columns.saturating_sub(2), "  ").into_iter();
    lines.extend(below.chain([Line::styled(cut(&place, columns.saturating_sub(2)), dim)]).map(|mut line| {
        line.spans.insert(0, Span::raw(" "));
        line
    }));
    lines
}
