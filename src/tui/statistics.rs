//! How often each call was made and how long it took, as a table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::asked::Column;
use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, rows_between};
use super::text::{count, ends, pad, width};
use super::theme::Role;
use super::ui::Ui;
use crate::trace::{CallStats, Time};

/// How wide the number columns are, right-aligned, with a blank before each: a little wider where there is room.
fn wide(columns: usize) -> usize {
    if columns < 90 { 10 } else { 11 }
}

/// How wide the list is, where there is room.
pub(super) const WIDTH: u16 = 110;

/// The number of the first row that is seen, and where the rows are; `at` is the selected one.
pub(super) fn rows(body: Rect, ui: &Ui, at: usize) -> (usize, Rect) {
    let count = ui.asked.statistics.as_ref().map_or(0, |statistics| statistics.calls.len());
    rows_between(inside(body), 1, 2, at, count)
}

/// Draws the table; `at` is the selected row.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let Some(statistics) = &ui.asked.statistics else { return };
    let theme = &ui.theme;
    let of = match statistics.window() {
        None => "everything".to_owned(),
        Some(window) if ui.range_now() == Some(window) => format!("{} to {}, the chosen range", window.from, window.to),
        Some(window) => format!("{} to {}, the timeline's window", window.from, window.to),
    };
    let behind = statistics.tally.as_ref().filter(|tally| tally.is_behind(&ui.log));
    let remark = match behind.map(|tally| tally.progress(&ui.log)) {
        Some((done, all)) => format!("{} % read", 100 * done / all.max(1)),
        None => format!("{} different calls", statistics.calls.len()),
    };
    let inner = framed(buffer, body, ui, &format!("Statistics of {of}"), &remark, true);
    let columns = usize::from(inner.width);
    let numbers = 5 * wide(columns) + 1;
    let names = columns.saturating_sub(numbers + 1);
    let (top, area) = rows(body, ui, at);
    let mut lines = vec![head(ui, statistics.sort, names, wide(columns))];
    for (index, call) in statistics.calls.iter().enumerate().skip(top).take(usize::from(area.height)) {
        let line = row(ui, call, names, columns);
        lines.push(if index == at { chosen(line, ui) } else { line });
    }
    if statistics.calls.is_empty() && behind.is_none() {
        lines.push(Line::styled(" No call was open in this stretch.", theme.style(Role::Dim)));
    }
    put_lines(buffer, Rect { height: inner.height.saturating_sub(1), ..inner }, &lines, 0);
    let told = " self: on its thread, in no inner call · p99: 99 of 100 took at most this";
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner };
    put_lines(buffer, foot, &[Line::styled(super::text::cut(told, columns), theme.style(Role::Dim))], 0);
}

fn head(ui: &Ui, sort: Column, names: usize, wide: usize) -> Line<'static> {
    let title = |column: Column, text: &str| if column == sort { format!("▾{text}") } else { text.to_owned() };
    let role = |column: Column| ui.theme.style(if column == sort { Role::Heading } else { Role::Dim });
    let mut spans =
        vec![Span::styled(pad(&format!(" {}", title(Column::Name, "call")), names + 1), role(Column::Name))];
    let numbers = [
        (Column::Count, "count"),
        (Column::Own, "self"),
        (Column::Total, "total"),
        (Column::P50, "p50"),
        (Column::P99, "p99"),
    ];
    spans.extend(numbers.map(|(column, text)| Span::styled(right(&title(column, text), wide), role(column))));
    Line::from(spans)
}

fn row(ui: &Ui, call: &CallStats, names: usize, columns: usize) -> Line<'static> {
    let theme = &ui.theme;
    let open = if call.open > 0 { format!("{} open", call.open) } else { String::new() };
    let module = call.callsite.target.rsplit("::").next().unwrap_or_default();
    // The module where there is room beside the name: `run` is several calls.
    let (name, rest) = (call.callsite.name.to_string(), names.saturating_sub(width(&call.callsite.name) + 2));
    let (module, open) = ends(module, &open, rest);
    let mut spans = vec![
        Span::raw(format!(" {}", pad(&name, names.min(width(&name))))),
        Span::styled(pad(&format!("  {module}{open}"), names.saturating_sub(width(&name))), theme.style(Role::Dim)),
    ];
    let percentile = |value: Option<u64>| match value {
        None => "–".to_owned(),
        Some(value) if call.is_exact => Time(value).to_string(),
        Some(value) => format!("≈{}", Time(value)),
    };
    let numbers = [
        count(call.count),
        call.own.map_or_else(|| "unknown".to_owned(), |own| Time(own).to_string()),
        Time(call.total).to_string(),
        percentile(call.p50),
        percentile(call.p99),
    ];
    spans.extend(numbers.map(|text| Span::raw(right(&text, wide(columns)))));
    spans.push(Span::raw(" ".repeat(columns.saturating_sub(names + 1 + 5 * wide(columns)))));
    Line::from(spans)
}

fn right(text: &str, wide: usize) -> String {
    format!("{}{text}", " ".repeat(wide.saturating_sub(width(text))))
}
