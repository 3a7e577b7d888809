//! One picture from one [`Ui`]: status line, panes, what lies on top, and the line of keys.
//!
//! Drawing reads and never changes anything: same `Ui`, same picture. It does not look at the clock, the program or
//! the whole log.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::layout::{Layout, Pane};
use super::overlay::{self, Overlay};
use super::text::{cut, width};
use super::theme::Role;
use super::ui::Ui;
use super::{bars, blank, class, event_loop, fields, lesson_pane, pane_help, stack};
use crate::lesson::Call;

/// Draws everything into a buffer, whatever its size.
pub fn draw(buffer: &mut Buffer, ui: &Ui) {
    let area = buffer.area;
    if area.width == 0 || area.height == 0 {
        return;
    }
    let layout = Layout::new((area.width, area.height), ui.focus, ui.is_zoomed, ui.story(), &ui.arrangement);
    if layout.status.height > 0 {
        bars::status_line(buffer, layout.status, ui);
    }
    if layout.hint.height > 0 {
        bars::hint_line(buffer, layout.hint, ui);
    }
    if ui.overlay.as_ref().is_some_and(Overlay::compares_moments) {
        overlay::draw(buffer, layout.body, ui);
    } else if ui.shows_loop {
        event_loop::draw(buffer, layout.body, ui);
        overlay::draw(buffer, layout.body, ui);
    } else if ui.is_class {
        class::draw(buffer, layout.body, ui);
        overlay::draw(buffer, layout.body, ui);
    } else {
        // The focused pane last: its border is the one that is seen.
        let (focused, others): (Vec<_>, Vec<_>) = layout.panes.iter().copied().partition(|entry| entry.0 == ui.focus);
        for (pane, rect) in others.into_iter().chain(focused) {
            draw_pane(buffer, rect, ui, pane);
        }
        overlay::draw(buffer, layout.body, ui);
    }
    ui.theme.finish(buffer);
}

/// A border with a title left and a remark right; gives the room inside. `is_on_top` wipes what is below.
pub(super) fn framed(buffer: &mut Buffer, area: Rect, ui: &Ui, title: &str, remark: &str, is_on_top: bool) -> Rect {
    frame_as(buffer, area, ui, (title, remark), is_on_top, is_on_top)
}

/// A border around something that has no keys of its own.
pub(super) fn framed_quietly(buffer: &mut Buffer, area: Rect, ui: &Ui, title: &str, remark: &str) -> Rect {
    frame_as(buffer, area, ui, (title, remark), false, false)
}

pub(super) fn frame_as(
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
    let (border, role) = if has_keys { (Role::Focus, Role::Focus) } else { (Role::Border, Role::Heading) };
    let room = usize::from(area.width) - 2;
    let title = cut(&format!(" {} ", titles.0), room);
    let titled = Style::reset().patch(theme.style(role));
    let mut block = Block::bordered().border_style(theme.style(border)).merge_borders(MergeStrategy::Exact);
    if is_on_top {
        Clear.render(area, buffer);
    }
    let inner = block.inner(area);
    let left = width(&title);
    block = block.title(Span::styled(title, titled));
    if !titles.1.is_empty() && left + width(titles.1) + 4 <= room {
        // Nothing of the border's look is left in it: the accent is for where we are.
        let remark = Span::styled(format!(" {} ", titles.1), Style::reset().patch(theme.style(Role::Dim)));
        block = block.title(Line::from(remark).right_aligned());
    }
    let written = written(buffer, area);
    block.render(area, buffer);
    for (at, before) in written {
        let cell = &mut buffer[at];
        if cell.symbol() == before.symbol() {
            *cell = before;
        }
    }
    inner
}

/// What neighbours have written into the lower border of this area, which is the upper of theirs: their titles stay as they
/// are, whoever has the keys.
fn written(buffer: &Buffer, area: Rect) -> Vec<(Position, Cell)> {
    let places = (area.x..area.right()).map(|x| Position::new(x, area.bottom() - 1));
    let cells = places.filter_map(|at| Some((at, buffer.cell(at)?.clone())));
    cells.filter(|(_, cell)| !matches!(cell.symbol().chars().next(), None | Some('\u{2500}'..='\u{257f}'))).collect()
}

/// What a border leaves of an area, as [`framed`] does it.
pub(super) fn inside(area: Rect) -> Rect {
    let has_border = area.width >= 3 && area.height >= 3;
    if has_border { Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2) } else { area }
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
    let beside = ui.others();
    let mut pane_frame = |title: &str, remark: &str| {
        let inner = frame_as(buffer, area, ui, (&format!("{title}{beside}"), remark), has_keys, false);
        inner.intersection(area)
    };
    if let Some(text) = ui.blank(pane) {
        let inner = pane_frame(pane_help::title(pane).0, "");
        return blank::draw(buffer, inner, ui, &text);
    }
    match pane {
        Pane::Stack => {
            let inner = pane_frame("Call stack", "");
            let role = if has_keys { Role::Selected } else { Role::SelectedElsewhere };
            stack::draw(buffer, inner, &ui.theme, &ui.known.rows, ui.stack_top, (ui.selected, role));
            let used = (ui.known.rows.len().saturating_sub(ui.stack_top) + 1).min(usize::from(inner.height)) as u16;
            if let Some(text) = ui.all_over() {
                let rest = Rect { y: inner.y + used, height: inner.height - used, ..inner };
                blank::draw(buffer, rest, ui, &text);
            }
            let below = ui.known.rows.len().saturating_sub(ui.stack_top + usize::from(inner.height));
            if below > 0 && area.height > 2 {
                let text = format!(" {below} more ↓ ");
                let x = area.right().saturating_sub(width(&text) as u16 + 1).max(area.x);
                buffer.set_stringn(x, area.bottom() - 1, text, usize::from(area.width), ui.theme.style(Role::Dim));
            }
        }
        Pane::Lesson => {
            let columns = usize::from(area.width.saturating_sub(4)).max(1);
            let (title, lines) = lesson_pane::lines(ui, columns);
            let rows = usize::from(area.height.saturating_sub(2));
            let remark = if lines.len() > rows + ui.lesson_scroll { "more ↓" } else { "" };
            let inner = pane_frame(&title, remark);
            put_lines(buffer, padded(inner), &lines, ui.lesson_scroll);
        }
        Pane::Source => {
            let known = &ui.known;
            let page = known.shown_step.and_then(|step| ui.material.book.step_page(step));
            let upstream = page.and_then(|page| page.call.as_ref()).map_or_else(String::new, Call::upstream_name);
            if let Some(source) = &known.source {
                let name = source.file.rsplit('/').next().unwrap_or_default();
                let inner = pane_frame(name, &upstream);
                source.draw(buffer, inner, &ui.theme, known.source_line, ui.source_scroll);
            }
        }
        Pane::Fields => {
            let columns = usize::from(area.width.saturating_sub(4)).max(1);
            let lines = fields::lines(ui, columns);
            let name = match ui.selected {
                Some(stack::RowId::Frame(span)) => {
                    ui.log.span(span).map(|span| format!("Fields of {}", span.callsite.name))
                }
                _ => None,
            };
            let rows = usize::from(area.height.saturating_sub(2));
            let remark = if lines.len() > rows + ui.fields_scroll { "more ↓" } else { "" };
            let inner = pane_frame(name.as_deref().unwrap_or("Fields"), remark);
            put_lines(buffer, padded(inner), &lines, ui.fields_scroll);
        }
        Pane::Timeline => {
            let texts = ui.range.as_ref().map(|range| range.texts(&ui.log)).unwrap_or_default();
            let fits = |text: &&String| width(text) + 16 <= usize::from(area.width);
            let inner = pane_frame("Timeline", texts.iter().find(fits).map_or("program time", |text| text));
            let view = ui.timeline();
            view.draw(buffer, inner, &ui.theme);
            if let Some(y) = ui.map_row(area) {
                let (chart, window) = view.chart(inner);
                ui.known.minimap.draw(buffer, Rect { y, height: 1, ..chart }, &ui.theme, window);
            }
        }
    }
}

fn padded(area: Rect) -> Rect {
    if area.width < 3 { area } else { Rect { x: area.x + 1, width: area.width - 2, ..area } }
}
