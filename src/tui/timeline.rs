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
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};

use super::lane_label::LaneLabel;
use super::text::{cut, width};
use super::theme::{Role, Theme};
use super::time_window::{axis, fitting};
use crate::trace::{Bar, Cell, Finder, Landmarks, LaneId, Log, MarkKind, SpanId, State, Time, Timeline, Window};

/// The name of the row that marks the matches of a search.
const MATCHES: &str = "matches";
/// Lanes whose names are measured: more of them are not on the screen at once, and thousands may be over.
const LANES: usize = 200;
/// Columns of a name, and of one with what its lane lost, at the most.
const NAME: (usize, usize) = (12, 20);

/// What the timeline shows.
pub(super) struct View<'a> {
    pub(super) log: &'a Log,
    pub(super) landmarks: &'a Landmarks,
    /// `None` is the end. Else what is later is drawn too, and dim.
    pub(super) cursor: Option<usize>,
    /// The program time that the cursor is drawn at.
    pub(super) now: Time,
    /// The state at the cursor.
    pub(super) state: &'a State,
    /// `None`: the start-up, then what happens last.
    pub(super) window: Option<Window>,
    /// How many lanes are scrolled away above.
    pub(super) skip: usize,
    /// Where we are: its name stands out.
    pub(super) current: Option<SpanId>,
    /// The matches of a search.
    pub(super) search: Option<&'a Finder>,
}

/// The room inside the pane's border.
pub(super) fn inside(pane: Rect) -> Rect {
    if pane.width < 3 || pane.height < 3 { pane } else { pane.inner(Margin::new(1, 1)) }
}

impl View<'_> {
    /// Where time goes from left to right, and which stretch of it.
    pub(super) fn chart(&self, area: Rect) -> (Rect, Window) {
        let labels = self.log.lanes().iter().take(LANES).map(|lane| LaneLabel::new(self.log, lane));
        // What is lost takes no more than a quarter of it all.
        let lost = labels.clone().filter_map(|label| label.lost_width()).max().unwrap_or(0);
        let lost = lost.min(NAME.1).min(usize::from(area.width / 4));
        let least = if self.search.is_some() { MATCHES.len() } else { 4 };
        let names = labels.map(|label| label.name_width()).max().unwrap_or(0).clamp(least, NAME.0);
        let names = (names.max(lost) as u16 + 1).min(area.width / 2);
        let chart = Rect {
            x: area.x + names,
            y: area.y + 1.min(area.height),
            width: area.width - names,
            height: area.height.saturating_sub(1),
        };
        (chart, self.window.unwrap_or_else(|| fitting(self.log, self.landmarks, self.cursor)))
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let (mut chart, window) = self.chart(area);
        let names = chart.x - area.x;
        if let Some(search) = self.search.filter(|_| chart.height > 1) {
            buffer.set_stringn(area.x, chart.y, MATCHES, usize::from(names), theme.style(Role::Dim));
            found(buffer, Rect { height: 1, ..chart }, theme, window, search);
            (chart.y, chart.height) = (chart.y + 1, chart.height - 1);
        }
        let room = usize::from(chart.height);
        let chosen = self.log.lanes_in(window, self.state, self.log.len(), self.skip, room);
        let lanes = chosen.lanes.iter().copied();
        let timeline = Timeline::new(self.log, self.landmarks, self.log.len(), window, chart.width, lanes);
        let skipped = self.skip.min(chosen.all.saturating_sub(1));
        let hidden = chosen.all - skipped - chosen.lanes.len();
        let heights = self.heights(&timeline, room.saturating_sub((hidden > 0).into()));
        let mut y = chart.y;
        let mut places: Vec<Place> = Vec::new();
        for &(lane, rows) in &heights {
            let is_here = self.state.paused().is_some_and(|stop| stop.lane == lane);
            let style = theme.style(if is_here { Role::Accent } else { Role::Heading });
            if let Some(lane) = self.log.lane(lane) {
                let left = Rect { x: area.x, y, width: names, height: rows as u16 };
                LaneLabel::new(self.log, lane).draw(buffer, left, theme, style);
            }
            for at in 0..rows {
                let row = Rect { y: y + at as u16, height: 1, ..chart };
                // The last row takes in all depths below it.
                let is_shown = |depth: usize| depth == at || (at + 1 == rows && depth > at);
                let depths = timeline.rows.iter().filter(|row| row.lane == lane && is_shown(row.depth));
                self.row(buffer, row, theme, depths.flat_map(|row| row.bars.iter().map(|bar| (row.depth > at, bar))));
            }
            places.push(Place { lane, top: y, bottom: y + rows as u16 - 1 });
            y += rows as u16;
        }
        if hidden > 0 && y < area.bottom() {
            buffer.set_stringn(
                area.x,
                y,
                format!("… {hidden} more lanes"),
                usize::from(area.width),
                theme.style(Role::Dim),
            );
        }
        if self.cursor.is_some() {
            self.dim_what_is_later(buffer, chart, window);
        }
        self.marks(buffer, (area, chart, window), theme, &timeline, &places);
        axis(buffer, Rect { height: 1, y: area.y, ..chart }, theme, window);
    }

    /// What is right of the cursor has not happened yet, as far as the other panes know.
    fn dim_what_is_later(&self, buffer: &mut Buffer, chart: Rect, window: Window) {
        let seen = match window.column(self.now, chart.width) {
            Some(column) => column + 1,
            None if self.now < window.from => 0,
            None => chart.width,
        };
        let later = Rect { x: chart.x + seen, width: chart.width - seen, ..chart };
        for y in later.y..later.bottom() {
            for x in later.x..later.right() {
                buffer[(x, y)].set_style(Style::reset().add_modifier(Modifier::DIM));
            }
        }
    }

    /// How many rows each lane gets.
    fn heights(&self, timeline: &Timeline, room: usize) -> Vec<(LaneId, usize)> {
        let mut lanes = timeline_lanes(timeline);
        // What is over and has nothing in the window says nothing.
        let is_over = |lane: LaneId| self.log.lane(lane).is_some_and(|lane| lane.is_over(self.log.len()));
        let has_bars = |lane: LaneId| timeline.rows.iter().any(|row| row.lane == lane && !row.bars.is_empty());
        lanes.retain(|lane| !is_over(lane.0) || has_bars(lane.0));
        lanes.truncate(room);
        let mut heights: Vec<(LaneId, usize)> = lanes.iter().map(|lane| (lane.0, 1)).collect();
        let mut free = room - heights.len();
        // Row by row to the lane that has the fewest, so that no lane starves the others.
        while free > 0 {
            let pairs = heights.iter_mut().zip(&lanes);
            let next = pairs.filter(|(height, lane)| height.1 < lane.1).min_by_key(|(height, _)| height.1);
            let Some((height, _)) = next else { break };
            height.1 += 1;
            free -= 1;
        }
        heights
    }

    /// One row of the screen: of bars that lie on each other the innermost is seen, if it is wide enough to be one.
    fn row<'b>(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, bars: impl Iterator<Item = (bool, &'b Bar)>) {
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
            let length = owners[at..].iter().take_while(same).count();
            if let Some(bar) = owner {
                self.stretch(
                    buffer,
                    Rect { x: area.x + at as u16, width: length as u16, ..area },
                    theme,
                    bar,
                    at - usize::from(bar.from),
                );
            }
            at += length;
        }
    }

    /// The part of a bar that is seen, `skipped` columns after its beginning.
    fn stretch(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, bar: &Bar, skipped: usize) {
        let seen = usize::from(area.width);
        let starts = bar.has_start && skipped == 0;
        let ends = bar.has_end && skipped + seen == bar.cells.len();
        for (index, cell) in bar.cells[skipped..].iter().take(seen).enumerate() {
            let (fill, role) = match cell {
                Cell::Busy => ('━', Role::Busy),
                Cell::Waiting => ('╌', Role::Waiting),
            };
            let mark = match (bar.cells.len(), bar.count) {
                (1, 1) => '┃',
                (1, _) => '▓',
                _ if index == 0 && starts => '▐',
                _ if index + 1 == seen && ends => '▌',
                _ => fill,
            };
            buffer[(area.x + index as u16, area.y)].set_char(mark).set_style(theme.style(role));
        }
        // A name stands at the beginning of its bar, whole or long enough to be recognised.
        let room = seen.saturating_sub(usize::from(starts) + usize::from(ends));
        let name = &*bar.callsite.name;
        if skipped == 0 && bar.cells.len() > 2 && (width(name) <= room || room >= 6) {
            let style = theme.style(if self.current == Some(bar.span) { Role::Accent } else { Role::Heading });
            buffer.set_stringn(area.x + u16::from(starts), area.y, cut(name, room), room, style);
        }
    }

    fn marks(
        &self,
        buffer: &mut Buffer,
        (area, chart, window): (Rect, Rect, Window),
        theme: &Theme,
        timeline: &Timeline,
        lanes: &[Place],
    ) {
        let place = |lane: LaneId| lanes.iter().position(|entry| entry.lane == lane);
        let mut label_from = chart.x;
        let cursor = window.column(self.now, chart.width).map(|column| chart.x + column);
        for mark in &timeline.marks {
            let x = chart.x + mark.column;
            match mark.kind {
                MarkKind::Switch { from, to } => {
                    let (Some(from), Some(to)) = (place(from), place(to)) else {
                        continue;
                    };
                    // In the upper of the two lanes, as low as it can stand without covering a name or an end.
                    let upper = &lanes[from.min(to)];
                    let is_free = |y: &u16| matches!(buffer[(x, *y)].symbol(), " " | "━" | "╌" | "┊");
                    let y = (upper.top..=upper.bottom).rev().find(is_free).unwrap_or(upper.bottom);
                    let arrow = if from < to { '⇣' } else { '⇡' };
                    buffer[(x, y)].set_char(arrow).set_style(theme.style(Role::Accent));
                }
                MarkKind::LoopStarts | MarkKind::LoopServes => {
                    let label = if mark.kind == MarkKind::LoopStarts { "┊ loop starts" } else { "┊ loop serves" };
                    self.line(buffer, chart, theme.style(Role::Landmark), x, '┊');
                    // Right of its line where there is room, else left of it, else the line alone.
                    let flipped = format!(" {} ┊", &label["┊ ".len()..]);
                    let left = (x + 1).saturating_sub(width(&flipped) as u16);
                    let right = x + width(label) as u16;
                    let is_free =
                        |from: u16, to: u16| from >= label_from && cursor.is_none_or(|at| at < from || at > to);
                    let style = theme.style(Role::Landmark);
                    if right < chart.right() && is_free(x, right) {
                        buffer.set_stringn(x, area.y, label, width(label), style);
                        label_from = right + 1;
                    } else if left >= chart.x && is_free(left, x.saturating_sub(1)) {
                        buffer.set_stringn(left, area.y, flipped, usize::from(x + 1 - left), style);
                        label_from = x + 1;
                    } else {
                        buffer[(x, area.y)].set_char('┊').set_style(style);
                        label_from = x + 1;
                    }
                }
                // It is the end of the log; the cursor may stand elsewhere.
                MarkKind::Cursor => {}
            }
        }
        if let Some(x) = cursor {
            self.line(buffer, chart, theme.style(Role::Accent), x, '│');
            buffer[(x, area.y)].set_char('▼').set_style(theme.style(Role::Accent));
        }
    }

    /// A vertical line that leaves names and the ends of bars readable.
    fn line(&self, buffer: &mut Buffer, chart: Rect, style: ratatui::style::Style, x: u16, mark: char) {
        for y in chart.y..chart.bottom() {
            let cell = &mut buffer[(x, y)];
            if matches!(cell.symbol(), " " | "━" | "╌" | "┊") {
                cell.set_char(mark).set_style(style);
            }
        }
    }
}

/// A mark in every column that a match opens in.
fn found(buffer: &mut Buffer, area: Rect, theme: &Theme, window: Window, search: &Finder) {
    let mut before = search.before_time(window.from);
    for column in 0..area.width {
        let until = search.before_time(window.time_of(column + 1, area.width));
        if until > before {
            buffer[(area.x + column, area.y)].set_char('◆').set_style(theme.style(Role::Doubt));
        }
        before = until;
    }
}

/// Where a lane stands on the screen: its first and its last row.
struct Place {
    lane: LaneId,
    top: u16,
    bottom: u16,
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
