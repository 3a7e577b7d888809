//! The critical path as a list: who, what, since when, how long, and why it could begin.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::asked::Path;
use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, rows_between};
use super::overlay::Overlay;
use super::stack::RowId;
use super::text::{cut, pad, width};
use super::theme::Role;
use super::ui::Ui;
use crate::trace::{Doing, How, Part, Time};

/// Cells of the bar of a share.
const BAR: usize = 8;

/// How wide the list is, where there is room.
pub(super) const WIDTH: u16 = 130;

/// The number of the first row that is seen, and where the rows are; `at` is the selected one.
pub(super) fn rows(body: Rect, ui: &Ui, at: usize) -> (usize, Rect) {
    let count = ui.asked.path.as_ref().and_then(|path| path.parts.as_ref()?.as_ref().ok()).map_or(0, Vec::len);
    rows_between(inside(body), 1, 2, at, count)
}

/// Draws the list; `at` is the selected part.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let Some(path) = &ui.asked.path else { return };
    let theme = &ui.theme;
    let dim = theme.style(Role::Dim);
    let whole = length(ui, path.stage.from, path.stage.to);
    let inner = framed(buffer, body, ui, &format!("Critical path of {}", of(ui, path)), &Time(whole).to_string(), true);
    let columns = usize::from(inner.width);
    let parts = match &path.parts {
        Some(Ok(parts)) => parts,
        Some(Err(error)) => {
            let text = super::text::wrap_plain(&error.to_string(), theme.style(Role::Doubt), columns, "");
            put_lines(buffer, inner, &text, 0);
            return;
        }
        None => {
            let (done, all) = path.progress();
            let text = format!(" Reading: {} %", 100 * done / all.max(1));
            put_lines(buffer, inner, &[Line::styled(text, dim)], 0);
            return;
        }
    };
    let (top, area) = rows(body, ui, at);
    let rows = usize::from(area.height);
    let lane = |part: &Part| ui.log.lane(part.lane).map_or_else(String::new, |lane| lane.name.to_string());
    let lanes = parts[top..].iter().take(rows).map(|part| width(&lane(part))).max().unwrap_or(4).clamp(4, 14);
    let bar_head = pad("share", BAR + 6);
    let head = format!(" {:>9}  {:>9}  {bar_head}  {}  call", "at", "took", pad("lane", lanes));
    let mut lines = vec![Line::styled(cut(&head, columns), dim)];
    for (index, part) in parts.iter().enumerate().skip(top).take(rows) {
        let took = length(ui, part.from, part.to);
        let left = format!(" {:>9}  {:>9}  ", ui.log.clock().program(part.from), Time(took));
        let role = if part.doing == Doing::Works { Role::Plain } else { Role::Dim };
        let (call, why) = (call(ui, part), why(ui, part));
        let used = width(&left) + BAR + 8 + lanes + 2;
        let room = columns.saturating_sub(used);
        let (call, why) = (cut(&call, room), cut(&why, room.saturating_sub(width(&call) + 2)));
        let fill = room.saturating_sub(width(&call) + width(&why) + 2);
        let mut line = Line::from(vec![
            Span::styled(left, theme.style(role)),
            Span::styled(
                bar(took, whole),
                theme.style(if part.doing == Doing::Works { Role::Busy } else { Role::Waiting }),
            ),
            Span::styled(format!("  {}  ", pad(&lane(part), lanes)), theme.style(role)),
            Span::styled(call, theme.style(if part.doing == Doing::Works { Role::Heading } else { Role::Dim })),
            Span::styled(format!("  {why}{}", " ".repeat(fill)), theme.style(Role::Landmark)),
        ]);
        if index == at {
            line = chosen(line, ui);
        }
        lines.push(line);
    }
    if parts.is_empty() {
        lines.push(Line::styled(" Nothing was waited for: this took no time.", dim));
    }
    put_lines(buffer, Rect { height: inner.height.saturating_sub(1), ..inner }, &lines, 0);
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner };
    put_lines(buffer, foot, &[Line::styled(cut(&totals(ui, parts, whole), columns), dim)], 0);
}

/// What each lane has of it, the most first.
fn totals(ui: &Ui, parts: &[Part], whole: u64) -> String {
    let mut lanes: Vec<(String, u64)> = Vec::new();
    for part in parts {
        let name = match part.doing {
            Doing::Works => ui.log.lane(part.lane).map_or_else(String::new, |lane| lane.name.to_string()),
            Doing::Starts => "starting".to_owned(),
            Doing::Waits => "waiting".to_owned(),
            Doing::Unknown => "unknown".to_owned(),
        };
        let took = length(ui, part.from, part.to);
        match lanes.iter_mut().find(|lane| lane.0 == name) {
            Some(lane) => lane.1 += took,
            None => lanes.push((name, took)),
        }
    }
    lanes.sort_by_key(|lane| std::cmp::Reverse(lane.1));
    let told = lanes.into_iter().map(|(name, took)| format!("{name} {}", share(took, whole)));
    format!(" {}", told.collect::<Vec<_>>().join(" · "))
}

fn share(took: u64, whole: u64) -> String {
    let share = took as f64 * 100.0 / whole.max(1) as f64;
    if took > 0 && share < 0.5 { "<1 %".to_owned() } else { format!("{share:.0} %") }
}

/// `█████      62 %`
fn bar(took: u64, whole: u64) -> String {
    let full = ((took as f64 / whole.max(1) as f64) * BAR as f64).round() as usize;
    let full = full.min(BAR);
    format!("{}{}{:>6}", "█".repeat(full), " ".repeat(BAR - full), share(took, whole))
}

fn length(ui: &Ui, from: Time, to: Time) -> u64 {
    ui.log.clock().program(to).since(ui.log.clock().program(from))
}

fn of(ui: &Ui, path: &Path) -> String {
    let lane = ui.log.lane(path.stage.lane).map_or("?", |lane| &lane.name);
    let name = path.span.and_then(|span| ui.log.span(span)).map(|span| span.callsite.name.clone());
    let program = |raw| ui.log.clock().program(raw);
    match name {
        Some(name) => format!("{name} in {lane}"),
        None => format!("{lane}, {} to {}", program(path.stage.from), program(path.stage.to)),
    }
}

fn call(ui: &Ui, part: &Part) -> String {
    let name = part.span.and_then(|span| ui.log.span(span)).map(|span| span.callsite.name.to_string());
    match (part.doing, name) {
        (Doing::Works, name) => name.unwrap_or_default(),
        (Doing::Starts, Some(name)) => format!("goes on in {name}"),
        (Doing::Starts, None) => "begins".to_owned(),
        (Doing::Waits, Some(name)) => format!("waits in {name}"),
        (Doing::Waits, None) => "waits since before this".to_owned(),
        (Doing::Unknown, Some(name)) => format!("is in {name}; whether it runs is not known"),
        (Doing::Unknown, None) => "whether it runs is not known".to_owned(),
    }
}

fn why(ui: &Ui, part: &Part) -> String {
    let Some(because) = &part.because else { return String::new() };
    let by = ui.log.lane(because.by).map_or("?", |lane| &lane.name);
    let how = match because.how {
        How::Woken => "woken by",
        How::Given => "thread from",
        How::Made => "made by",
    };
    let reason = because.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("← {how} {by}{reason}")
}

impl Ui<'_> {
    /// The path of the selected call, or else of the selected lane through the timeline's window.
    pub(super) fn open_path(&mut self) {
        match (self.selected, self.selected_lane()) {
            (Some(RowId::Frame(span)), _) => self.path_of_span(span),
            (_, Some(lane)) => self.path_of_window(lane),
            _ => {
                self.notify("select a call or a lane in the call stack first");
                return;
            }
        }
        self.overlay = self.asked.path.is_some().then_some(Overlay::Path { at: 0 });
    }

    /// The other selection: the timeline's window, or the selected call.
    pub(super) fn turn_path(&mut self) {
        let Some(path) = &self.asked.path else { return };
        match (path.span, self.selected) {
            (Some(_), _) => self.path_of_window(path.stage.lane),
            (None, Some(RowId::Frame(span))) => self.path_of_span(span),
            (None, _) => self.notify("select a call in the call stack for its path"),
        }
    }
}
