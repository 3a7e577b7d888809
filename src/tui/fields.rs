//! The fields of the selected frame, or the facts about the selected lane.

use ratatui::text::{Line, Span};

use super::stack::{self, RowId};
use super::text::{pad, width, wrap_plain};
use super::theme::Role;
use super::ui::Ui;
use crate::trace::{Frame, Lane, LaneKind};

/// The lines of the pane, wrapped to a width.
pub(super) fn lines(ui: &Ui, columns: usize) -> Vec<Line<'static>> {
    let state = &ui.known.state;
    let entries = match ui.selected {
        Some(RowId::Frame(span)) => state.frame(span).map(|(_, frame)| frame_entries(ui, frame)),
        Some(RowId::Lane(lane) | RowId::More(lane)) => {
            state.lane(lane).map(|lane| lane_entries(lane, stack::lane_word(state, lane, ui.on_breakpoint())))
        }
        _ => None,
    };
    let entries = entries.unwrap_or_default();
    let names = entries.iter().map(|entry| width(&entry.0)).max().unwrap_or(0).min(columns / 2);
    let mut lines = Vec::new();
    for (name, value, is_field) in entries {
        let style = ui.theme.style(if is_field { Role::Plain } else { Role::Dim });
        let room = columns.saturating_sub(names + 2).max(1);
        for (index, line) in wrap_plain(&value, style, room, "").into_iter().enumerate() {
            let label = if index == 0 { pad(&name, names) } else { " ".repeat(names) };
            let mut spans = vec![Span::styled(format!("{label}  "), ui.theme.style(Role::Dim))];
            spans.extend(line.spans);
            lines.push(Line::from(spans));
        }
    }
    lines
}

/// Name, value, and whether it is a field of the call.
pub(super) fn frame_entries(ui: &Ui, frame: &Frame) -> Vec<(String, String, bool)> {
    let mut entries: Vec<(String, String, bool)> = Vec::new();
    for field in &frame.fields {
        let value = field.value.to_string();
        match entries.iter_mut().find(|entry| entry.0 == *field.name) {
            // Recorded again: what it was and what it became.
            Some(entry) if !entry.1.ends_with(&value) => entry.1 = format!("{} → {value}", entry.1),
            Some(_) => {}
            None => entries.push((field.name.to_string(), value, true)),
        }
    }
    let clock = ui.log.clock();
    let opened = clock.program(frame.opened);
    let now = clock.program(ui.log.time_at(ui.cursor()));
    let open_for = crate::trace::Time(now.since(opened));
    // While the program runs the recording is behind; how long a call is open is known at a stop, or in the past.
    let is_known = !ui.is_live() || ui.known.state.paused().is_some();
    let open_for = if is_known { format!("open for {open_for}") } else { "and still open".to_owned() };
    entries.push(("opened".into(), format!("at {opened}, {open_for}"), false));
    if frame.enters > 1 {
        entries.push(("entered".into(), format!("{} times", frame.enters), false));
    }
    entries.push(("module".into(), frame.callsite.target.to_string(), false));
    for bookmark in ui.log.bookmarks().about(frame.span).filter(|bookmark| !bookmark.text().is_empty()) {
        let at = clock.program(bookmark.time);
        entries.push((format!("{} note", super::notes::MARK), format!("{} (at {at})", bookmark.text()), true));
    }
    entries
}

fn lane_entries(lane: &Lane, state: String) -> Vec<(String, String, bool)> {
    let kind = match lane.kind {
        LaneKind::Thread => "plain code on a thread",
        LaneKind::Task => "a task of the loop: runs when it is polled",
        LaneKind::Async => "async calls: when they ran is not in the file",
    };
    vec![
        ("lane".into(), lane.name.to_string(), true),
        ("state".into(), state, true),
        ("thread".into(), lane.thread.name.to_string(), true),
        ("frames".into(), lane.stack.len().to_string(), true),
        ("kind".into(), kind.into(), false),
    ]
}
