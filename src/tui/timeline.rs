//! The timeline: lanes × program time.
//!
//! ```text
//!            0 ms          0.5 ms        1.0 ms  ┊ loop starts
//!   main     ▐run━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┊╌╌╌╌╌╌╌╌╌╌╌
//!            ▐serve_forever━━━━━━━━━━━━━━━━━━━━━━⇣╌╌╌╌╌╌╌╌╌╌╌
//!   hub                                          ▐run━━━━━━━━
//! ```
//!
//! Which spans are in the window is the model's business; here they get rows and marks. Where there are fewer rows
//! than depths, the last row of a lane shows the innermost call of each instant.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{cut, pad, width};
use super::theme::{Role, Theme};
use crate::trace::{Bar, Cell, Landmarks, LaneId, Log, MarkKind, SpanId, Time, Timeline, Window};

/// The shortest window, in nanoseconds.
const SHORTEST: u64 = 200;

/// What the timeline shows.
pub(super) struct View<'a> {
    pub(super) log: &'a Log,
    pub(super) landmarks: &'a Landmarks,
    pub(super) cursor: usize,
    /// `None`: the start-up, then what happens last.
    pub(super) window: Option<Window>,
    /// How many lanes are scrolled away above.
    pub(super) skip: usize,
    /// Where we are: its name stands out.
    pub(super) current: Option<SpanId>,
}

/// The window that fits: from the beginning until the loop serves; later a window of that length at the cursor.
pub(super) fn fitting(log: &Log, landmarks: &Landmarks, cursor: usize) -> Window {
    let program = |cursor| log.clock().program(log.time_at(cursor)).0;
    let now = program(cursor);
    let length = landmarks.loop_serves.map_or(now, program).max(1_000);
    let padded = length + length / 8;
    let from = if now <= padded { 0 } else { now - length };
    Window {
        from: Time(from),
        to: Time(from + padded),
    }
}

/// The window with its length multiplied by `numerator / 2`, around the cursor or the middle.
pub(super) fn zoomed(window: Window, at: Time, numerator: u64) -> Window {
    let length = window.to.since(window.from);
    let middle = if (window.from..=window.to).contains(&at) {
        at.0
    } else {
        window.from.0 + length / 2
    };
    let new = (length.saturating_mul(numerator) / 2).clamp(SHORTEST, 1 << 50);
    // The middle keeps its place on the screen.
    let share = u128::from(middle - window.from.0) * u128::from(new) / u128::from(length.max(1));
    let from = middle.saturating_sub(share as u64);
    Window {
        from: Time(from),
        to: Time(from + new),
    }
}

/// The window a quarter of its length earlier or later.
pub(super) fn panned(window: Window, later: bool) -> Window {
    let length = window.to.since(window.from);
    let by = (length / 4).max(1);
    let from = if later {
        window.from.0.saturating_add(by)
    } else {
        window.from.0.saturating_sub(by)
    };
    Window {
        from: Time(from),
        to: Time(from.saturating_add(length)),
    }
}

impl View<'_> {
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let lanes: Vec<_> = self
            .log
            .lanes()
            .iter()
            .filter(|lane| (lane.open.0.0 as usize) < self.cursor)
            .collect();
        let names = lanes
            .iter()
            .map(|lane| width(&lane.name))
            .max()
            .unwrap_or(0)
            .clamp(4, 12) as u16
            + 1;
        let names = names.min(area.width / 2);
        let chart = Rect {
            x: area.x + names,
            y: area.y + 1,
            width: area.width - names,
            height: area.height - 1,
        };
        let window = self
            .window
            .unwrap_or_else(|| fitting(self.log, self.landmarks, self.cursor));
        let timeline = Timeline::new(self.log, self.landmarks, self.cursor, window, chart.width);
        axis(
            buffer,
            Rect {
                height: 1,
                y: area.y,
                ..chart
            },
            theme,
            window,
        );
        let heights = self.heights(&timeline, usize::from(chart.height));
        let mut y = chart.y;
        let mut last_rows: Vec<(LaneId, u16)> = Vec::new();
        for &(lane, rows) in &heights {
            let name = self.log.lane(lane).map_or("", |lane| &lane.name);
            buffer.set_stringn(
                area.x,
                y,
                cut(name, usize::from(names) - 1),
                usize::from(names),
                theme.style(Role::Heading),
            );
            for row in timeline.rows.iter().filter(|row| row.lane == lane) {
                let y = y + (row.depth.min(rows - 1)) as u16;
                for bar in &row.bars {
                    self.bar(
                        buffer,
                        Rect {
                            y,
                            height: 1,
                            ..chart
                        },
                        theme,
                        bar,
                    );
                }
            }
            y += rows as u16;
            last_rows.push((lane, y - 1));
        }
        let hidden = timeline_lanes(&timeline).len() - heights.len();
        if hidden > 0 && y < area.bottom() {
            buffer.set_stringn(
                area.x,
                y,
                format!("… {hidden} more lanes"),
                usize::from(area.width),
                theme.style(Role::Dim),
            );
        }
        self.marks(buffer, area, chart, theme, &timeline, &last_rows);
    }

    /// The lanes that are seen and how many rows each gets.
    fn heights(&self, timeline: &Timeline, room: usize) -> Vec<(LaneId, usize)> {
        let mut lanes = timeline_lanes(timeline);
        lanes.drain(..self.skip.min(lanes.len().saturating_sub(1)));
        let is_cut = lanes.len() > room;
        lanes.truncate(if is_cut { room.saturating_sub(1) } else { room });
        let mut heights: Vec<(LaneId, usize)> = lanes.iter().map(|lane| (lane.0, 1)).collect();
        let mut free = if is_cut { 0 } else { room - heights.len() };
        // Row by row to the lane that has the fewest, so that no lane starves the others.
        while free > 0 {
            let next = heights
                .iter_mut()
                .zip(&lanes)
                .filter(|(height, lane)| height.1 < lane.1)
                .min_by_key(|(height, _)| height.1);
            let Some((height, _)) = next else { break };
            height.1 += 1;
            free -= 1;
        }
        heights
    }

    fn bar(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, bar: &Bar) {
        let length = bar.cells.len();
        for (index, cell) in bar.cells.iter().enumerate() {
            let x = area.x + bar.from + index as u16;
            if x >= area.right() {
                break;
            }
            let (fill, role) = match cell {
                Cell::Busy => ('━', Role::Busy),
                Cell::Waiting => ('╌', Role::Waiting),
            };
            let mark = if length == 1 && bar.count > 1 {
                '▓'
            } else if length == 1 {
                '┃'
            } else if index == 0 && bar.has_start {
                '▐'
            } else if index + 1 == length && bar.has_end {
                '▌'
            } else {
                fill
            };
            buffer[(x, area.y)].reset();
            buffer[(x, area.y)]
                .set_char(mark)
                .set_style(theme.style(role));
        }
        let start = u16::from(bar.has_start);
        let room = length.saturating_sub(usize::from(start) + usize::from(bar.has_end));
        let name = &*bar.callsite.name;
        if length > 2 && (width(name) <= room || room >= 5) {
            let is_here = self.current == Some(bar.span);
            let role = if is_here { Role::Accent } else { Role::Plain };
            let style = if is_here {
                theme.style(role)
            } else {
                theme.style(Role::Heading)
            };
            buffer.set_stringn(
                area.x + bar.from + start,
                area.y,
                cut(name, room),
                room,
                style,
            );
        }
    }

    fn marks(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        chart: Rect,
        theme: &Theme,
        timeline: &Timeline,
        lanes: &[(LaneId, u16)],
    ) {
        let place = |lane: LaneId| lanes.iter().position(|entry| entry.0 == lane);
        let mut label_from = chart.x;
        for mark in &timeline.marks {
            let x = chart.x + mark.column;
            match mark.kind {
                MarkKind::Switch { from, to } => {
                    let (Some(from), Some(to)) = (place(from), place(to)) else {
                        continue;
                    };
                    let y = lanes[from.min(to)].1;
                    let arrow = if from < to { '⇣' } else { '⇡' };
                    buffer[(x, y)]
                        .set_char(arrow)
                        .set_style(theme.style(Role::Accent));
                }
                MarkKind::LoopStarts | MarkKind::LoopServes => {
                    let label = if mark.kind == MarkKind::LoopStarts {
                        "┊ loop starts"
                    } else {
                        "┊ loop serves"
                    };
                    self.line(buffer, chart, theme.style(Role::Landmark), x, '┊');
                    let room = usize::from(chart.right().saturating_sub(x));
                    // Right of its line where there is room, else left of it, else the line alone.
                    if x >= label_from && room > width(label) {
                        buffer.set_stringn(
                            x,
                            area.y,
                            format!("{label} "),
                            room,
                            theme.style(Role::Landmark),
                        );
                        label_from = x + width(label) as u16 + 1;
                    } else {
                        let flipped = format!(" {} ┊", &label["┊ ".len()..]);
                        let left = (x + 1).saturating_sub(width(&flipped) as u16);
                        if left >= label_from {
                            buffer.set_stringn(
                                left,
                                area.y,
                                flipped,
                                usize::from(chart.width),
                                theme.style(Role::Landmark),
                            );
                        } else {
                            buffer[(x, area.y)]
                                .set_char('┊')
                                .set_style(theme.style(Role::Landmark));
                        }
                        label_from = x + 1;
                    }
                }
                MarkKind::Cursor => {
                    self.line(buffer, chart, theme.style(Role::Accent), x, '│');
                    buffer[(x, area.y)]
                        .set_char('▼')
                        .set_style(theme.style(Role::Accent));
                }
            }
        }
    }

    /// A vertical line that leaves names and the ends of bars readable.
    fn line(
        &self,
        buffer: &mut Buffer,
        chart: Rect,
        style: ratatui::style::Style,
        x: u16,
        mark: char,
    ) {
        for y in chart.y..chart.bottom() {
            let cell = &mut buffer[(x, y)];
            if matches!(cell.symbol(), " " | "━" | "╌" | "┊") {
                cell.set_char(mark).set_style(style);
            }
        }
    }
}

/// The lanes of a timeline, each with its number of depths.
fn timeline_lanes(timeline: &Timeline) -> Vec<(LaneId, usize)> {
    let mut lanes: Vec<(LaneId, usize)> = Vec::new();
    for row in &timeline.rows {
        match lanes.last_mut() {
            Some(last) if last.0 == row.lane => last.1 = last.1.max(row.depth + 1),
            _ => lanes.push((row.lane, row.depth + 1)),
        }
    }
    lanes
}

/// Times at round numbers, at least a label apart.
fn axis(buffer: &mut Buffer, area: Rect, theme: &Theme, window: Window) {
    let length = window.to.since(window.from).max(1);
    let wanted = (u64::from(area.width) / 14).max(1);
    let step = round_step(length / wanted);
    let (unit, name) = match window.to.0 {
        0..10_000 => (1, "ns"),
        10_000..1_000_000 => (1_000, "µs"),
        1_000_000..2_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let digits = (0..9)
        .find(|digits| step.saturating_mul(10_u64.pow(*digits)) % unit == 0)
        .unwrap_or(9) as usize;
    let mut free = area.x;
    let mut at = window.from.0.div_ceil(step) * step;
    while at <= window.to.0 {
        let label = format!("{:.digits$} {name}", at as f64 / unit as f64);
        if let Some(column) = window.column(Time(at), area.width) {
            let x = area.x + column;
            if x >= free && usize::from(area.right() - x) >= width(&label) {
                let padded = pad(&label, width(&label));
                buffer.set_stringn(
                    x,
                    area.y,
                    padded,
                    usize::from(area.right() - x),
                    theme.style(Role::Dim),
                );
                free = x + width(&label) as u16 + 2;
            }
        }
        at += step;
    }
}

/// The next of 1, 2, 5, 10, 20, 50, … that is not smaller.
fn round_step(at_least: u64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if factor * power >= at_least {
                return factor * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_numbers() {
        assert_eq!(
            [0, 1, 3, 7, 11, 49, 51, 999].map(round_step),
            [1, 1, 5, 10, 20, 50, 100, 1000]
        );
    }

    #[test]
    fn zooming_in_and_out_keeps_the_cursor_in_its_place() {
        let window = Window {
            from: Time(1_000),
            to: Time(9_000),
        };
        assert_eq!(
            zoomed(window, Time(3_000), 1),
            Window {
                from: Time(2_000),
                to: Time(6_000)
            }
        );
        assert_eq!(
            zoomed(zoomed(window, Time(3_000), 1), Time(3_000), 4),
            window
        );
    }

    #[test]
    fn the_window_never_starts_before_the_beginning() {
        let window = Window {
            from: Time(100),
            to: Time(1_100),
        };
        assert_eq!(
            panned(window, false),
            Window {
                from: Time(0),
                to: Time(1_000)
            }
        );
    }
}
