//! The list of breakpoints: number, on or off, how often hit, at which hits it stops, and where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::breaks::Mark;
use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, list_area, listed};
use super::text::{count, pad, width, wrap_plain};
use super::theme::Role;
use super::ui::Ui;
use crate::trace::{Breakpoint, Hits, Run};

/// Rows below the list, for what is to be known of the selected one.
const FOOT: u16 = 4;

/// Where the list lies.
fn area(body: Rect) -> Rect {
    list_area(body, 110)
}

/// The number of the first row that is seen, and where the rows are.
pub(super) fn rows(body: Rect, at: usize, count: usize) -> (usize, Rect) {
    let inside = inside(area(body));
    let head = 1.min(inside.height);
    let foot = if inside.height > FOOT + 4 { FOOT } else { 0 };
    let rows = Rect { y: inside.y + head, height: inside.height - head - foot, ..inside };
    (listed(at, usize::from(rows.height), count), rows)
}

/// Draws the list; `at` is the selected row.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let list = ui.breaks.list.all();
    let inner = framed(buffer, area(body), ui, "Breakpoints", &remark(ui), true);
    let theme = &ui.theme;
    let columns = usize::from(inner.width);
    if list.is_empty() {
        let [here, add] = ["break-here", "break-add"].map(|id| ui.keys.shown(id));
        let text = format!(
            "No breakpoint. {here} sets one on the selected frame or step; {add} takes one as text, such as step:spawn, \
             name:get lane:main, target:server::hub or field.fd:5 #3."
        );
        let mut lines = wrap_plain(&text, theme.style(Role::Dim), columns.saturating_sub(2), "");
        lines.iter_mut().for_each(|line| line.spans.insert(0, Span::raw(" ")));
        put_lines(buffer, inner, &lines, 0);
        return;
    }
    let (top, area) = rows(body, at, list.len());
    let rules = list.iter().map(|breakpoint| width(&breakpoint.rule.words())).max().unwrap_or(0).max(8);
    let head = format!("  {:>3}  {}  {:>7}  {}  where", "no", pad("", 5), "hits", pad("stops at", rules));
    put_lines(buffer, inner, &[Line::styled(head, theme.style(Role::Dim))], 0);
    let seen = list.iter().enumerate().skip(top).take(usize::from(area.height));
    let lines: Vec<Line<'static>> = seen
        .map(|(index, breakpoint)| {
            let line = row(ui, breakpoint, rules, columns);
            if index == at { chosen(line, ui) } else { line }
        })
        .collect();
    put_lines(buffer, area, &lines, 0);
    let mut lines = list.get(at).map(|breakpoint| foot(ui, breakpoint, columns)).unwrap_or_default();
    lines.iter_mut().skip(1).for_each(|line| line.spans.insert(0, Span::raw(" ")));
    let foot = Rect { y: area.bottom(), height: inner.bottom() - area.bottom(), ..inner };
    put_lines(buffer, foot, &lines, 0);
}

/// What the hits are counted from.
fn remark(ui: &Ui) -> String {
    match ui.status.run {
        _ if ui.breaks.list.all().is_empty() => String::new(),
        Run::Over if ui.breaks.stops.is_behind(&ui.log) => format!("counting, {} % read", ui.breaks.share(&ui.log)),
        Run::Over => "hits of the recording".to_owned(),
        _ => "hits since each was set".to_owned(),
    }
}

fn row(ui: &Ui, breakpoint: &Breakpoint, rules: usize, columns: usize) -> Line<'static> {
    let theme = &ui.theme;
    let is_here = ui.on_breakpoint() == Some(breakpoint.id)
        || ui.breaks.stops.at(ui.cursor()).is_some_and(|at| at.0 == breakpoint.id);
    let (mark, word, role) = match breakpoint.is_on {
        true => (Mark::On, "on ", Role::Bad),
        false => (Mark::Off, "off", Role::Dim),
    };
    let left = format!("{} {:>3}  ", if is_here { '→' } else { ' ' }, breakpoint.id.0);
    let state = format!("{} {word}", mark.char());
    let hits = format!("  {:>7}  {}  ", count(ui.hits_of(breakpoint.id)), pad(&breakpoint.rule.words(), rules));
    let room = columns.saturating_sub(width(&left) + width(&state) + width(&hits));
    let quiet = if breakpoint.is_on { Role::Plain } else { Role::Dim };
    Line::from(vec![
        Span::styled(left, theme.style(if is_here { Role::Accent } else { quiet })),
        Span::styled(state, theme.style(role)),
        Span::styled(hits, theme.style(quiet)),
        Span::styled(pad(&breakpoint.condition.to_string(), room), theme.style(quiet)),
    ])
}

/// Where the last hit of the selected one is, and what a hit is.
fn foot(ui: &Ui, breakpoint: &Breakpoint, columns: usize) -> Vec<Line<'static>> {
    let theme = &ui.theme;
    let last = ui.breaks.stops.hits(breakpoint.id).and_then(Hits::last);
    let event = last.and_then(|cursor| ui.log.event(cursor - 1));
    let span = event.and_then(|event| ui.log.span(event.kind.span()?));
    let text = span.map_or_else(
        || "It has no hit so far.".to_owned(),
        |span| {
            let lane = ui.log.lane(span.lane).map_or("?", |lane| &lane.name);
            let at = ui.log.clock().program(span.entered.unwrap_or(span.open.1));
            let line = span.callsite.line.map_or_else(String::new, |line| format!(":{line}"));
            let file = span.callsite.file_name();
            format!("Last hit at {at}: {lane} › {}, {file}{line}; enter goes there.", span.callsite.name)
        },
    );
    let mut lines = vec![Line::styled("─".repeat(columns), theme.style(Role::Border))];
    lines.extend(wrap_plain(&text, theme.style(Role::Plain), columns.saturating_sub(2), ""));
    let told = "A hit is a call that begins. Fields count as they are then: what a call records later does not.";
    lines.extend(wrap_plain(told, theme.style(Role::Dim), columns.saturating_sub(2), ""));
    lines
}
