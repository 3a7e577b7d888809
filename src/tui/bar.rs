//! One row of the timeline: bars with their names, how long they took, and when they were polled.
//!
//! ```text
//!   ▐serve_forever 1.90 ms━━━▌       a call that is over: its time stands inside where there is room for it,
//!   ▐▌ accept 12.3 µs                beside it where there is not
//!   ▐handle━━▌╌╌╌▐━▌╌╌┃╌╌╌▐━━▌       an async call: it is open all the time, and on its thread in each poll
//!   ▐request?????▌                   an async call of another tool: it is open, and whether it runs or waits is not known
//!   ▓ 120 calls                      more calls than columns
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::{count, cut, width};
use super::theme::{Role, Theme};
use crate::trace::{Bar, Cell, Log, SpanId, Time};

/// Draws the bars of one row.
pub(super) struct Painter<'a> {
    pub(super) log: &'a Log,
    pub(super) theme: &'a Theme,
    /// Where we are: its name stands out.
    pub(super) current: Option<SpanId>,
}

/// Writes over a bar: nothing of how the bar looks is left in the text.
pub(super) fn write(buffer: &mut Buffer, (x, y): (u16, u16), text: &str, style: Style) {
    buffer.set_string(x, y, text, Style::reset().patch(style));
}

/// What a column is filled with, and in which colour.
pub(super) fn look(cell: Cell) -> (char, Role) {
    match cell {
        Cell::Busy => ('━', Role::Busy),
        Cell::Waiting => ('╌', Role::Waiting),
        Cell::Unknown => ('?', Role::Waiting),
    }
}

/// A part of a bar that is seen.
struct Part<'b> {
    bar: &'b Bar,
    /// Columns of the row.
    from: usize,
    to: usize,
    /// What of the bar is hidden left of it.
    skipped: usize,
}

impl Part<'_> {
    fn is_first(&self) -> bool {
        self.skipped == 0
    }

    fn is_last(&self) -> bool {
        self.skipped + self.to - self.from == self.bar.cells.len()
    }
}

/// What has been written into a bar.
#[derive(Clone, Copy, Default)]
struct Written {
    name: bool,
    time: bool,
}

impl Painter<'_> {
    /// Of bars that lie on each other the innermost is seen, if it is wide enough to be one.
    pub(super) fn row<'b>(&self, buffer: &mut Buffer, area: Rect, bars: impl Iterator<Item = (bool, &'b Bar)>) {
        let mut owners: Vec<Option<&Bar>> = vec![None; usize::from(area.width)];
        for (is_deeper, bar) in bars {
            if is_deeper && bar.cells.len() < 3 {
                continue;
            }
            let from = usize::from(bar.from).min(owners.len());
            let to = (from + bar.cells.len()).min(owners.len());
            owners[from..to].fill(Some(bar));
        }
        let mut at = 0;
        while at < owners.len() {
            let owner = owners[at];
            let same = |other: &&Option<&Bar>| other.map(|bar| bar.span) == owner.map(|bar| bar.span);
            let to = at + owners[at..].iter().take_while(same).count();
            if let Some(bar) = owner {
                let part = Part { bar, from: at, to, skipped: at - usize::from(bar.from) };
                let written = self.part(buffer, area, &part);
                let blank = owners[to..].iter().take_while(|owner| owner.is_none()).count();
                if part.is_last() {
                    self.beside(buffer, area, &part, written, blank);
                }
            }
            at = to;
        }
    }

    fn part(&self, buffer: &mut Buffer, area: Rect, part: &Part<'_>) -> Written {
        let bar = part.bar;
        let cells = &bar.cells[part.skipped..part.skipped + part.to - part.from];
        let starts = bar.has_start && part.is_first();
        let ends = bar.has_end && part.is_last();
        let is_polled = cells.contains(&Cell::Waiting)
            && cells.contains(&Cell::Busy)
            && self.log.stretches(bar.span).nth(1).is_some();
        // Where a poll begins or ends inside of the bar.
        let waits = |index: Option<usize>| is_polled && index.and_then(|at| cells.get(at)) == Some(&Cell::Waiting);
        for (index, cell) in cells.iter().enumerate() {
            let (fill, role) = look(*cell);
            let is_busy = *cell == Cell::Busy;
            let mark = match (bar.cells.len(), bar.count) {
                (1, 1) => '┃',
                (1, _) => '▓',
                _ if index == 0 && starts => '▐',
                _ if index + 1 == cells.len() && ends => '▌',
                _ if is_busy && waits(index.checked_sub(1)) && waits(Some(index + 1)) => '┃',
                _ if is_busy && waits(index.checked_sub(1)) => '▐',
                _ if is_busy && waits(Some(index + 1)) => '▌',
                _ => fill,
            };
            buffer[(area.x + (part.from + index) as u16, area.y)].set_char(mark).set_style(self.theme.style(role));
        }
        self.inside(buffer, area, part, cells.len().saturating_sub(usize::from(starts) + usize::from(ends)))
    }

    /// A name stands at the beginning of its bar, whole or long enough to be recognised; behind it the time, if all of that fits.
    fn inside(&self, buffer: &mut Buffer, area: Rect, part: &Part<'_>, room: usize) -> Written {
        let (bar, name) = (part.bar, &*part.bar.callsite.name);
        if !part.is_first() || bar.cells.len() < 3 || (width(name) > room && room < 6) {
            return Written::default();
        }
        let x = area.x + part.from as u16 + u16::from(bar.has_start);
        let role = if self.current == Some(bar.span) { Role::Accent } else { Role::Heading };
        write(buffer, (x, area.y), &cut(name, room), self.theme.style(role));
        // The shortest time takes four columns.
        let time = if width(name) + 6 < room { self.took(bar) } else { None };
        let time = time.map(|took| format!(" {took} ")).filter(|time| width(name) + width(time) < room);
        if let Some(time) = &time {
            write(buffer, (x + width(name) as u16, area.y), time, self.theme.style(Role::Dim));
        }
        Written { name: true, time: time.is_some() }
    }

    /// What did not fit into a bar, right of it, if nothing else is there.
    fn beside(&self, buffer: &mut Buffer, area: Rect, part: &Part<'_>, written: Written, blank: usize) {
        // Where nothing fits, nothing is looked up: of many bars beside each other.
        if blank < 4 {
            return;
        }
        let bar = part.bar;
        let name = bar.callsite.name.to_string();
        let time = self.took(bar).filter(|_| !written.time).map(|took| took.to_string());
        let texts = match (bar.cells.len(), bar.count, written.name, time) {
            (1, 2.., ..) => vec![format!("{} calls", count(bar.count as u64)), format!("{}×", count(bar.count as u64))],
            (_, _, true, Some(time)) => vec![time],
            (_, _, true, None) => return,
            (_, _, false, Some(time)) if part.is_first() => vec![format!("{name} {time}"), name],
            (_, _, false, None) if part.is_first() => vec![name],
            (_, _, false, Some(time)) => vec![time],
            (_, _, false, None) => return,
        };
        // A blank on both sides.
        if let Some(text) = texts.iter().find(|text| width(text) + 2 <= blank) {
            write(buffer, (area.x + part.to as u16 + 1, area.y), text, self.theme.style(Role::Dim));
        }
    }

    /// How long a call took, from when it first ran to its end, in program time: what its bar shows. Of one that is not over
    /// nobody knows.
    fn took(&self, bar: &Bar) -> Option<Time> {
        if bar.count > 1 && bar.cells.len() < 2 {
            return None;
        }
        let (span, clock) = (self.log.span(bar.span)?, self.log.clock());
        let from = span.entered.unwrap_or(span.open.1);
        Some(Time(clock.program(span.close?.1).since(clock.program(from))))
    }
}
