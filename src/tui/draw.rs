//! One picture from one [`Ui`]: status line, panes, what lies on top, and the line of keys.
//!
//! Drawing reads and never changes anything: same `Ui`, same picture. It does not look at the clock, the program or
//! the whole log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::keymap::{command, short};
use super::layout::{Layout, Pane};
use super::overlay::{self, Overlay};
use super::text::{cut, width};
use super::theme::Role;
use super::ui::Ui;
use super::{fields, lesson_pane, stack, timeline};
use crate::trace::{Edge, Kind, Log, Run};

/// Draws everything into a buffer, whatever its size.
pub fn draw(buffer: &mut Buffer, ui: &Ui) {
    let area = buffer.area;
    if area.width == 0 || area.height == 0 {
        return;
    }
    let layout = Layout::new((area.width, area.height), ui.focus, ui.is_zoomed);
    if layout.status.height > 0 {
        status_line(buffer, layout.status, ui);
    }
    if layout.hint.height > 0 {
        hint_line(buffer, layout.hint, ui);
    }
    if matches!(ui.overlay, Some(Overlay::Moments { .. })) {
        overlay::draw(buffer, layout.body, ui);
    } else {
        // The focused pane last: its border is the one that is seen.
        let (focused, others): (Vec<_>, Vec<_>) = layout
            .panes
            .iter()
            .copied()
            .partition(|entry| entry.0 == ui.focus);
        for (pane, rect) in others.into_iter().chain(focused) {
            draw_pane(buffer, rect, ui, pane);
        }
        overlay::draw(buffer, layout.body, ui);
    }
    ui.theme.finish(buffer);
}

/// A border with a title left and a remark right; gives the room inside. `is_on_top` wipes what is below.
pub(super) fn framed(
    buffer: &mut Buffer,
    area: Rect,
    ui: &Ui,
    title: &str,
    remark: &str,
    is_on_top: bool,
) -> Rect {
    frame_as(buffer, area, ui, (title, remark), is_on_top, is_on_top)
}

fn frame_as(
    buffer: &mut Buffer,
    area: Rect,
    ui: &Ui,
    titles: (&str, &str),
    has_keys: bool,
    is_on_top: bool,
) -> Rect {
    if area.width < 3 || area.height < 3 {
        // No room for a border: the content matters more.
        return area;
    }
    let theme = &ui.theme;
    let (border, role) = if has_keys {
        (Role::Focus, Role::Focus)
    } else {
        (Role::Border, Role::Heading)
    };
    let room = usize::from(area.width) - 2;
    let title = cut(&format!(" {} ", titles.0), room);
    let mut block = Block::bordered()
        .border_style(theme.style(border))
        .merge_borders(MergeStrategy::Exact);
    if is_on_top {
        Clear.render(area, buffer);
    }
    let inner = block.inner(area);
    let left = width(&title);
    block = block.title(Span::styled(title, theme.style(role)));
    if !titles.1.is_empty() && left + width(titles.1) + 4 <= room {
        let remark = Span::styled(format!(" {} ", titles.1), theme.style(Role::Dim));
        block = block.title(Line::from(remark).right_aligned());
    }
    block.render(area, buffer);
    inner
}

/// Puts lines into an area, from the line `scroll` on.
pub(super) fn put_lines(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], scroll: usize) {
    let top = scroll.min(lines.len().saturating_sub(usize::from(area.height)));
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(top)) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

fn draw_pane(buffer: &mut Buffer, area: Rect, ui: &Ui, pane: Pane) {
    let has_keys = ui.focus == pane && ui.overlay.is_none();
    let mut pane_frame = |title: &str, remark: &str| {
        let inner = frame_as(buffer, area, ui, (title, remark), has_keys, false);
        inner.intersection(area)
    };
    match pane {
        Pane::Stack => {
            let inner = pane_frame("Call stack", "");
            let role = if has_keys {
                Role::Selected
            } else {
                Role::SelectedElsewhere
            };
            stack::draw(
                buffer,
                inner,
                &ui.theme,
                &ui.known.rows,
                ui.stack_top,
                (ui.selected, role),
            );
            let below = ui
                .known
                .rows
                .len()
                .saturating_sub(ui.stack_top + usize::from(inner.height));
            if below > 0 && area.height > 2 {
                let text = format!(" {below} more ↓ ");
                let x = area
                    .right()
                    .saturating_sub(width(&text) as u16 + 1)
                    .max(area.x);
                buffer.set_stringn(
                    x,
                    area.bottom() - 1,
                    text,
                    usize::from(area.width),
                    ui.theme.style(Role::Dim),
                );
            }
        }
        Pane::Lesson => {
            let columns = usize::from(area.width.saturating_sub(4)).max(1);
            let (title, lines) = lesson_pane::lines(ui, columns);
            let rows = usize::from(area.height.saturating_sub(2));
            let remark = if lines.len() > rows + ui.lesson_scroll {
                "more ↓"
            } else {
                ""
            };
            let inner = pane_frame(&title, remark);
            put_lines(buffer, padded(inner), &lines, ui.lesson_scroll);
        }
        Pane::Source => {
            let known = &ui.known;
            let card = known
                .shown_step
                .and_then(|step| ui.material.lessons.card(step));
            let upstream = card.map_or("", |card| &card.upstream);
            match &known.source {
                Some(source) => {
                    let name = source.file.rsplit('/').next().unwrap_or_default();
                    let inner = pane_frame(name, upstream);
                    source.draw(
                        buffer,
                        inner,
                        &ui.theme,
                        known.source_line,
                        ui.source_scroll,
                    );
                }
                None => {
                    let inner = pane_frame("Source", "");
                    let line = Line::styled(
                        " No source for what is selected.",
                        ui.theme.style(Role::Dim),
                    );
                    put_lines(buffer, inner, &[line], 0);
                }
            }
        }
        Pane::Fields => {
            let columns = usize::from(area.width.saturating_sub(4)).max(1);
            let lines = fields::lines(ui, columns);
            let name = match ui.selected {
                Some(stack::RowId::Frame(span)) => ui
                    .log
                    .span(span)
                    .map(|span| format!("Fields of {}", span.callsite.name)),
                _ => None,
            };
            let inner = pane_frame(name.as_deref().unwrap_or("Fields"), "");
            put_lines(buffer, padded(inner), &lines, ui.fields_scroll);
        }
        Pane::Timeline => {
            let inner = pane_frame("Timeline", "program time");
            timeline::View {
                log: &ui.log,
                landmarks: &ui.known.landmarks,
                state: &ui.known.state,
                cursor: ui.cursor(),
                window: ui.window,
                skip: ui.lanes_skipped,
                current: ui.known.here,
            }
            .draw(buffer, inner, &ui.theme);
        }
    }
}

fn padded(area: Rect) -> Rect {
    if area.width < 3 {
        area
    } else {
        Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        }
    }
}

/// Where we are, in one line: the parts that matter most survive a narrow screen.
fn status_line(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    let state = &ui.known.state;
    let (word, role) = match (state.paused(), ui.is_live(), ui.status.run) {
        (_, false, _) => ("◂ LOOKING BACK", Role::Doubt),
        (Some(stop), ..) if stop.edge == Edge::Exit => ("⏸ PAUSED, RETURNING", Role::Accent),
        (Some(_), ..) => ("⏸ PAUSED ON STEP", Role::Accent),
        (None, true, _) if ui.log.is_empty() => ("… STARTING", Role::Dim),
        (None, true, _) if ui.is_waiting_for_the_world() => ("▶ RUNNING, polling", Role::Good),
        (None, true, Run::Stepping) => ("▶ STEPPING", Role::Good),
        (None, ..) => ("▶ RUNNING", Role::Good),
    };
    let steps = ui.material.chain.steps();
    let step = ui
        .known
        .step
        .and_then(|at| Some(format!("{}/{} {}", at + 1, steps.len(), steps.get(at)?.id)));
    let cursor = ui.cursor();
    let place = if ui.is_live() {
        "LIVE".to_owned()
    } else {
        format!("event {cursor} of {}", ui.log.len())
    };
    let is_past = |mark: Option<usize>| mark.is_some_and(|mark| mark <= cursor);
    let phase = match ui.known.landmarks {
        marks if is_past(marks.loop_serves) => "serving",
        marks if is_past(marks.loop_starts) => "loop started",
        _ => "before the loop",
    };
    let time = ui.log.clock().program(ui.log.time_at(cursor));
    let dropped = ui.log.dropped();
    // Text, colour, and when it goes: the highest first.
    let mut parts = vec![
        ("spanwalk".to_owned(), Role::Heading, 5),
        (ui.address.clone(), Role::Plain, 4),
        (word.to_owned(), role, 0),
        (step.unwrap_or_default(), Role::Heading, 1),
        (
            place,
            if ui.is_live() {
                Role::Plain
            } else {
                Role::Doubt
            },
            u8::from(ui.is_live()) * 2,
        ),
        (phase.to_owned(), Role::Plain, 3),
        (format!("program {time}"), Role::Dim, 6),
    ];
    if dropped > 0 {
        parts.push((format!("{dropped} events dropped"), Role::Bad, 1));
    }
    parts.retain(|part| !part.0.is_empty());
    let room = usize::from(area.width);
    let total = |parts: &[(String, Role, u8)], gap: usize| {
        parts.iter().map(|part| width(&part.0) + gap).sum::<usize>()
    };
    while parts.len() > 1 && total(&parts, 2) > room {
        let worst = parts
            .iter()
            .enumerate()
            .max_by_key(|(_, part)| part.2)
            .map_or(0, |worst| worst.0);
        parts.remove(worst);
    }
    let gap = if total(&parts, 4) <= room { 4 } else { 2 };
    let mut spans = vec![Span::raw(" ")];
    for (index, (text, role, _)) in parts.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::raw(" ".repeat(gap)));
        }
        spans.push(Span::styled(text, ui.theme.style(role)));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// What the next keys do, by id; a word of its own where the table's is too general here.
type Hint = (&'static str, &'static str);

pub(super) const HELD: &[Hint] = &[
    ("into", ""),
    ("over", ""),
    ("out", ""),
    ("run-to-loop", ""),
    ("continue", ""),
    ("back", ""),
    ("moments", ""),
    ("request", ""),
    ("next-lane", ""),
    ("steps", ""),
    ("run-until", ""),
    ("next-pane", ""),
    ("restart", ""),
];
pub(super) const FREE: &[Hint] = &[
    ("request", ""),
    ("pause", ""),
    ("back", ""),
    ("moments", ""),
    ("steps", ""),
    ("restart", ""),
    ("next-pane", ""),
];
pub(super) const PAST: &[Hint] = &[
    ("back", ""),
    ("forth", ""),
    ("live", ""),
    ("start", ""),
    ("into", "live, and into"),
    ("moments", ""),
    ("next-pane", ""),
];
pub(super) const CHOOSE: &[Hint] = &[
    ("up", ""),
    ("down", ""),
    ("toggle", "run to it"),
    ("close", ""),
];
pub(super) const RESTART: &[Hint] = &[
    ("up", ""),
    ("down", ""),
    ("left", "other"),
    ("right", "other"),
    ("toggle", "start"),
    ("close", ""),
];
pub(super) const TYPE: &[Hint] = &[("toggle", "run"), ("close", "")];
pub(super) const READ: &[Hint] = &[("up", ""), ("down", ""), ("page-down", ""), ("close", "")];
pub(super) const COMPARE: &[Hint] = &[
    ("close", ""),
    ("run-to-loop", ""),
    ("left", "moment before"),
    ("right", "after"),
    ("up", ""),
    ("down", ""),
];
pub(super) const TIMES: &[Hint] = &[
    ("zoom-in", ""),
    ("zoom-out", ""),
    ("left", "earlier"),
    ("right", "later"),
    ("fit", ""),
    ("back", ""),
    ("forth", ""),
    ("into", ""),
    ("zoom-pane", ""),
    ("next-pane", ""),
];
pub(super) const LESSON: &[Hint] = &[
    ("up", ""),
    ("down", ""),
    ("answer", ""),
    ("zoom-pane", ""),
    ("into", ""),
    ("over", ""),
    ("next-pane", ""),
];
const ALWAYS: &[Hint] = &[("help", ""), ("quit", "")];

fn hint_line(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    let room = usize::from(area.width);
    let theme = &ui.theme;
    let held = ui.known.state.paused().is_some();
    let hints = match &ui.overlay {
        Some(Overlay::Help { .. }) => READ,
        Some(Overlay::Steps { .. }) => CHOOSE,
        Some(Overlay::Until { .. }) => TYPE,
        Some(Overlay::Restart { .. }) => RESTART,
        Some(Overlay::Moments { .. }) => COMPARE,
        None if !ui.is_live() => PAST,
        None if ui.focus == Pane::Timeline => TIMES,
        None if ui.focus == Pane::Lesson => LESSON,
        None if held => HELD,
        None => FREE,
    };
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    // The sentence names the key for a request already.
    let mut is_told = false;
    if let Some(notice) = ui.notice() {
        let text = cut(notice, room.saturating_sub(4));
        used += width(&text) + 3;
        spans.push(Span::styled(text, theme.style(Role::Doubt)));
        spans.push(Span::raw("   "));
    } else if ui.overlay.is_none() && ui.is_waiting_for_the_world() {
        let text = "running: nothing to step until something arrives — g sends a request   ";
        spans.push(Span::styled(
            cut(text, room.saturating_sub(1)),
            theme.style(Role::Good),
        ));
        used += width(text);
        is_told = true;
    } else if ui.overlay.is_none() && !ui.is_live() && room >= 90 {
        let text = format!("{}   ", happened(&ui.log, ui.cursor()));
        used += width(&text);
        spans.push(Span::styled(text, theme.style(Role::Doubt)));
    }
    let item = |&(id, label): &Hint| {
        let row = command(id)?;
        Some((
            short(row.keys[0]),
            if label.is_empty() { row.label } else { label },
        ))
    };
    let last: Vec<_> = if matches!(ui.overlay, Some(Overlay::Until { .. })) {
        Vec::new()
    } else {
        ALWAYS.iter().filter_map(item).collect()
    };
    let size = |item: &(&str, &str)| width(item.0) + width(item.1) + 3;
    let mut left = room.saturating_sub(used + last.iter().map(size).sum::<usize>());
    let mut items = Vec::new();
    for item in hints
        .iter()
        .filter(|hint| !(is_told && hint.0 == "request"))
        .filter_map(item)
    {
        if size(&item) > left {
            break;
        }
        left -= size(&item);
        items.push(item);
    }
    for (key, label) in items.into_iter().chain(last) {
        spans.push(Span::styled(key, theme.style(Role::Key)));
        spans.push(Span::raw(format!(" {label}  ")));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// What the event just before the cursor was, in a few words.
fn happened(log: &Log, cursor: usize) -> String {
    let Some(event) = cursor.checked_sub(1).and_then(|at| log.events().get(at)) else {
        return "before the first event".into();
    };
    let lane = log.lane(event.lane).map_or("?", |lane| &lane.name);
    let span = event
        .kind
        .span()
        .and_then(|span| log.span(span))
        .map_or("", |span| &span.callsite.name);
    let what = match &event.kind {
        Kind::Switch { to, .. } => {
            return format!(
                "{lane}: switch to {}",
                log.lane(*to).map_or("?", |lane| &lane.name)
            );
        }
        Kind::Wake { to, .. } => {
            return format!(
                "{lane}: wakes {}",
                log.lane(*to).map_or("?", |lane| &lane.name)
            );
        }
        Kind::LaneOpen { .. } => return format!("a new lane: {lane}"),
        Kind::LaneClose => return format!("{lane} is over"),
        Kind::Hold { .. } => "held at",
        kind => kind.word(),
    };
    format!("{lane}: {what} {span}").trim_end().to_owned()
}
