//! The timeline: lanes × program time.
//!
//! ```text
//!              0 ms          0.5 ms        1.0 ms  ┊ loop starts
//!   main       ▐run━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┊╌╌╌╌╌╌╌╌╌╌╌
//!              ▐serve_forever━━━━━━━━━━━━━━━━━━━━━━⇣╌╌╌╌╌╌╌╌╌╌╌
//!   hub        created, not run                    ▐run━━━━━━━━
//!   ▸ conn-*                                         97 lanes, 3 busy━╌━
//! ```
//!
//! Which spans are in the window is the model's business; here they get rows and marks. Where there are fewer rows
//! than depths, the last row of a lane shows the innermost call of each instant. What is drawn, and what is under the
//! pointer, are read off the same [`Plan`].

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};

use super::bar::{Painter, look, write};
use super::lane_label::LaneLabel;
use super::text::{count, cut, width};
use super::theme::{Role, Theme};
use super::time_window::{axis, fitting};
use super::{notes, range};
use crate::trace::{
    Cell, Finder, GroupId, Landmarks, LaneId, Line, LineChoice, Log, Mark, MarkKind, SpanId, State, Time, Timeline,
    Wanted, Window,
};

/// The name of the row that marks the matches of a search.
const MATCHES: &str = "matches";
/// Lanes whose names are measured: more of them are not on the screen at once, and thousands may be over.
const LANES: usize = 200;
/// Columns of a name, and of one with what its lane lost, at the most.
const NAME: (usize, usize) = (12, 20);
/// Columns between two arrows from and to a group, at the least.
const APART: u16 = 4;
/// What a stretch of a lane says in which it was there and no call was open: its code may have run all the same.
const GAP: [&str; 3] = ["not instrumented", "no span", "?"];
/// The same before it ran for the first time.
const CREATED: [&str; 2] = ["created, not run", "not run"];

/// Which line of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineId {
    Lane(LaneId),
    Group(GroupId),
}

impl LineId {
    pub(super) fn of(line: &Line) -> Self {
        match line {
            Line::Lane(lane) => Self::Lane(*lane),
            Line::Group { id, .. } => Self::Group(*id),
        }
    }
}

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
    /// How many lines are scrolled away above.
    pub(super) skip: usize,
    /// Where we are: its name stands out.
    pub(super) current: Option<SpanId>,
    /// The matches of a search.
    pub(super) search: Option<&'a Finder>,
    /// The groups that a person has opened or folded, by what their names begin with.
    pub(super) opened: &'a BTreeMap<Arc<str>, bool>,
    /// The line that a person has chosen, and how it is marked.
    pub(super) chosen: Option<(LineId, Role)>,
    /// Lanes that have a line even if their group is folded.
    pub(super) here: Vec<LaneId>,
    /// The stretch that a person has chosen.
    pub(super) range: Option<Window>,
}

/// What is where.
pub(super) struct Plan {
    /// Where time goes from left to right: the rows of the lanes.
    pub(super) chart: Rect,
    pub(super) window: Window,
    /// Lines with their first and their last row.
    pub(super) places: Vec<Place>,
    /// How many lines there are, those that do not fit too.
    pub(super) all: usize,
    /// How many are not seen below.
    hidden: usize,
    pub(super) timeline: Timeline,
}

/// Where a line stands on the screen: its first and its last row.
pub(super) struct Place {
    pub(super) line: Line,
    pub(super) top: u16,
    pub(super) bottom: u16,
}

impl Plan {
    /// The line at a row of the screen.
    pub(super) fn at(&self, y: u16) -> Option<&Place> {
        self.places.iter().find(|place| (place.top..=place.bottom).contains(&y))
    }

    /// The call that is drawn at a column and row of the screen.
    pub(super) fn span_at(&self, x: u16, y: u16) -> Option<SpanId> {
        let place = self.at(y)?;
        let Line::Lane(lane) = place.line else { return None };
        let (column, at) = (x.checked_sub(self.chart.x)?, usize::from(y - place.top));
        // The last row takes in all depths below it.
        let is_shown = |depth: usize| depth == at || (y == place.bottom && depth > at);
        let rows = self.timeline.rows.iter().filter(|row| row.lane == lane && is_shown(row.depth));
        let covers = |from: u16, cells: usize| (usize::from(from)..usize::from(from) + cells).contains(&column.into());
        let mut bars = rows.filter_map(|row| row.bars.iter().find(|bar| covers(bar.from, bar.cells.len())));
        bars.next_back().map(|bar| bar.span)
    }
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
        let groups = self.log.lane_groups().map(|group| width(&group.stem) + 3).max().unwrap_or(0);
        let names = labels.map(|label| label.name_width()).max().unwrap_or(0).max(groups).clamp(least, NAME.0);
        let names = (names.max(lost) as u16 + 1).min(area.width / 2);
        let chart = Rect {
            x: area.x + names,
            y: area.y + 1.min(area.height),
            width: area.width - names,
            height: area.height.saturating_sub(1),
        };
        (chart, self.window.unwrap_or_else(|| fitting(self.log, self.landmarks, self.cursor)))
    }

    /// What is where in an area.
    pub(super) fn plan(&self, area: Rect) -> Plan {
        let (mut chart, window) = self.chart(area);
        if self.search.is_some() && chart.height > 1 {
            (chart.y, chart.height) = (chart.y + 1, chart.height - 1);
        }
        let room = usize::from(chart.height);
        let is_open = |id: GroupId| self.log.lane_group(id).and_then(|group| self.opened.get(&group.stem)).copied();
        let (state, skip, here) = (self.state, self.skip, &self.here);
        let mut chosen = LineChoice { lines: Vec::new(), all: 0 };
        let choose = |marks: &[Mark]| {
            let switches = marks.iter().filter_map(|mark| match mark.kind {
                MarkKind::Switch { from, to } => Some([from, to]),
                _ => None,
            });
            let busy: Vec<LaneId> = switches.flatten().collect();
            chosen = self.log.lines_in(&Wanted { window, state, here, busy: &busy, is_open: &is_open, skip, room });
            chosen.lines.clone()
        };
        let timeline = Timeline::of_lines(self.log, self.landmarks, self.log.len(), window, chart.width, choose);
        let skipped = self.skip.min(chosen.all.saturating_sub(1));
        let hidden = chosen.all - skipped - chosen.lines.len();
        let mut y = chart.y;
        let mut places = Vec::new();
        for (line, rows) in self.heights(&chosen.lines, &timeline, room.saturating_sub((hidden > 0).into())) {
            places.push(Place { line, top: y, bottom: y + rows as u16 - 1 });
            y += rows as u16;
        }
        Plan { chart, window, places, all: chosen.all, hidden, timeline }
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let plan = self.plan(area);
        let (chart, window) = (plan.chart, plan.window);
        let names = chart.x - area.x;
        if let Some(search) = self.search.filter(|_| chart.y > area.y + 1) {
            buffer.set_stringn(area.x, chart.y - 1, MATCHES, usize::from(names), theme.style(Role::Dim));
            found(buffer, Rect { y: chart.y - 1, height: 1, ..chart }, theme, window, search);
        }
        for place in &plan.places {
            let rows = place.bottom + 1 - place.top;
            self.name(buffer, Rect { x: area.x, y: place.top, width: names, height: rows }, theme, &place.line);
            match place.line {
                Line::Lane(lane) => self.lane(buffer, Rect { y: place.top, height: rows, ..chart }, theme, &plan, lane),
                Line::Group { .. } => {
                    self.group(buffer, Rect { y: place.top, height: 1, ..chart }, theme, &plan, place);
                }
            }
        }
        let below = plan.places.last().map_or(chart.y, |place| place.bottom + 1);
        if plan.hidden > 0 && below < area.bottom() {
            let text = format!("… {} more lanes", plan.hidden);
            buffer.set_stringn(area.x, below, text, usize::from(area.width), theme.style(Role::Dim));
        }
        if self.cursor.is_some() {
            self.dim_what_is_later(buffer, chart, window);
        }
        if let Some(range) = self.range {
            range::draw(buffer, chart, area.y, theme, window, range);
        }
        self.marks(buffer, (area, chart, window), theme, &plan);
        axis(buffer, Rect { height: 1, y: area.y, ..chart }, theme, window);
    }

    /// The name of a line, left of its rows.
    fn name(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, line: &Line) {
        let is_here = |lane| self.state.paused().is_some_and(|stop| stop.lane == lane);
        let chosen = self.chosen.filter(|chosen| chosen.0 == LineId::of(line)).map(|chosen| theme.style(chosen.1));
        match *line {
            Line::Lane(lane) => {
                let style = chosen.unwrap_or(theme.style(if is_here(lane) { Role::Accent } else { Role::Heading }));
                if let Some(lane) = self.log.lane(lane) {
                    LaneLabel::new(self.log, lane).draw(buffer, area, theme, style);
                }
            }
            Line::Group { id, is_open, .. } => {
                let Some(group) = self.log.lane_group(id) else { return };
                let room = usize::from(area.width.saturating_sub(1));
                let text = cut(&format!("{} {}", if is_open { '▾' } else { '▸' }, group.name()), room);
                buffer.set_stringn(area.x, area.y, text, room, chosen.unwrap_or(theme.style(Role::Heading)));
            }
        }
    }

    fn lane(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, plan: &Plan, lane: LaneId) {
        let painter = Painter { log: self.log, theme, current: self.current };
        let rows = usize::from(area.height);
        for at in 0..rows {
            let row = Rect { y: area.y + at as u16, height: 1, ..area };
            // The last row takes in all depths below it.
            let is_shown = |depth: usize| depth == at || (at + 1 == rows && depth > at);
            let depths = plan.timeline.rows.iter().filter(|row| row.lane == lane && is_shown(row.depth));
            painter.row(buffer, row, depths.flat_map(|row| row.bars.iter().map(|bar| (row.depth > at, bar))));
        }
        self.gaps(buffer, Rect { height: 1, ..area }, theme, plan, lane);
    }

    /// Where a lane was there and no call was open: nobody knows what it did, and that is said.
    fn gaps(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, plan: &Plan, lane: LaneId) {
        let (Some(lane), clock, window) = (self.log.lane(lane), self.log.clock(), plan.window) else { return };
        let end = clock.program(lane.close.map_or(self.log.time_at(self.log.len()), |close| close.1));
        let (begin, end) = (clock.program(lane.open.1).max(window.from), end.min(window.to));
        let (Some(first), Some(last)) = (window.column(begin, area.width), window.column(end, area.width)) else {
            return;
        };
        let mut is_covered = vec![false; usize::from(area.width)];
        for bar in plan.timeline.rows.iter().filter(|row| row.lane == lane.id).flat_map(|row| &row.bars) {
            let from = usize::from(bar.from).min(is_covered.len());
            let to = (from + bar.cells.len()).min(is_covered.len());
            is_covered[from..to].fill(true);
        }
        let first_run = lane.first_run().map(|time| clock.program(time));
        let is_blank =
            |buffer: &Buffer, at: u16| !is_covered[usize::from(at)] && buffer[(area.x + at, area.y)].symbol() == " ";
        let mut at = first;
        while at <= last {
            let length = (at..=last).take_while(|at| is_blank(buffer, *at)).count() as u16;
            if length > 0 {
                let has_run = first_run.is_some_and(|run| window.time_of(at + length, area.width) > run);
                let texts = if has_run { &GAP[..] } else { &CREATED[..] };
                // A blank on both sides.
                if let Some(text) = texts.iter().find(|text| width(text) + 2 <= usize::from(length)) {
                    buffer.set_string(area.x + at + 1, area.y, text, theme.style(Role::Dim));
                }
            }
            at += length + 1;
        }
    }

    /// What many lanes do together.
    fn group(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, plan: &Plan, place: &Place) {
        let Line::Group { id, lanes, alive, busy, .. } = place.line else { return };
        let Some((_, cells)) = plan.timeline.groups.iter().find(|group| group.0 == id) else { return };
        for (x, cell) in (area.x..area.right()).zip(cells) {
            let Some((mark, role)) = cell.map(look) else { continue };
            buffer[(x, area.y)].set_char(mark).set_style(theme.style(role));
        }
        let room = usize::from(area.width);
        let number = count(lanes as u64);
        let what = if lanes == 1 { "lane" } else { "lanes" };
        let waiting = alive - busy.min(alive);
        // Of a place in the past some have not come to be.
        let others = match (lanes - alive, self.cursor) {
            (0, _) => String::new(),
            (others, None) => format!(", {} over", count(others as u64)),
            (others, Some(_)) => format!(", {} over or not yet", count(others as u64)),
        };
        let (whole, short) = if cells.contains(&Some(Cell::Unknown)) {
            (format!("{alive} open, busy or waiting"), format!("{alive} open"))
        } else {
            (format!("{busy} busy, {waiting} waiting"), format!("{busy} busy"))
        };
        let texts = [
            format!("{number} {what}: {whole}{others} "),
            format!("{number} {what}, {short} "),
            format!("{number} {what} "),
            number,
        ];
        let first = cells.iter().position(Option::is_some).unwrap_or(0);
        // What they do is seen in one half at the least.
        let fits = |text: &&String| width(text) <= room / 2;
        let text = texts.iter().find(fits).or(texts.iter().find(|text| width(text) <= room));
        if let Some(text) = text {
            // Left of what they do, if there is room for it.
            let at = if width(text) <= first { 0 } else { first.min(room - width(text)) };
            write(buffer, (area.x + at as u16, area.y), text, theme.style(Role::Heading));
        }
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

    /// How many rows each line gets.
    fn heights(&self, lines: &[Line], timeline: &Timeline, room: usize) -> Vec<(Line, usize)> {
        let depths = |lane: LaneId| {
            let rows = timeline.rows.iter().filter(|row| row.lane == lane);
            rows.map(|row| row.depth + 1).max()
        };
        // What is over and has nothing in the window says nothing.
        let is_over = |lane: LaneId| self.log.lane(lane).is_some_and(|lane| lane.is_over(self.log.len()));
        let has_bars = |lane: LaneId| timeline.rows.iter().any(|row| row.lane == lane && !row.bars.is_empty());
        let wanted = lines.iter().filter_map(|line| match *line {
            Line::Lane(lane) => depths(lane).filter(|_| !is_over(lane) || has_bars(lane)).map(|depths| (*line, depths)),
            Line::Group { .. } => Some((*line, 1)),
        });
        let wanted: Vec<(Line, usize)> = wanted.take(room).collect();
        let mut heights: Vec<(Line, usize)> = wanted.iter().map(|line| (line.0, 1)).collect();
        let mut free = room - heights.len();
        // Row by row to the lane that has the fewest, so that no lane starves the others.
        while free > 0 {
            let pairs = heights.iter_mut().zip(&wanted);
            let next = pairs.filter(|(height, lane)| height.1 < lane.1).min_by_key(|(height, _)| height.1);
            let Some((height, _)) = next else { break };
            height.1 += 1;
            free -= 1;
        }
        heights
    }

    fn marks(&self, buffer: &mut Buffer, (area, chart, window): (Rect, Rect, Window), theme: &Theme, plan: &Plan) {
        let lanes = &plan.places;
        // A lane that has no line of its own is in that of its group.
        let group = |lane: LaneId| self.log.group_of(lane).map(|group| LineId::Group(group.id));
        let find = |id: LineId| lanes.iter().position(|place| LineId::of(&place.line) == id);
        let place = |lane: LaneId| find(LineId::Lane(lane)).or_else(|| group(lane).and_then(find));
        // First, so that labels make room for them; and again, where the line of an instant came over one.
        let ruler = Rect { y: area.y, height: 1, ..chart };
        notes::mark_ruler(buffer, ruler, theme, self.log, window);
        let (mut label_from, mut arrow_at) = (chart.x, None);
        let cursor = window.column(self.now, chart.width).map(|column| chart.x + column);
        for mark in &plan.timeline.marks {
            let x = chart.x + mark.column;
            match mark.kind {
                MarkKind::Switch { from, to } => {
                    let (Some(from), Some(to)) = (place(from), place(to)) else {
                        continue;
                    };
                    // Within a group nothing is seen of it.
                    if from == to {
                        continue;
                    }
                    // In the upper of the two lanes, as low as it can stand without covering a name or an end.
                    let upper = &lanes[from.min(to)];
                    let is_free = |y: &u16| {
                        matches!(buffer[(x, *y)].symbol(), " " | "━" | "╌" | "┊")
                            && !is_inside_text(buffer, chart, (x, *y))
                    };
                    let y = (upper.top..=upper.bottom).rev().find(is_free).unwrap_or(upper.bottom);
                    let is_name = buffer[(x, y)].symbol().chars().all(char::is_alphanumeric)
                        || is_inside_text(buffer, chart, (x, y));
                    // With many lanes in one line there is one in every column, and nothing else to be seen.
                    let is_group = [from, to].iter().any(|at| matches!(lanes[*at].line, Line::Group { .. }));
                    if is_name || (is_group && arrow_at.is_some_and(|last: u16| x < last + APART)) {
                        continue;
                    }
                    arrow_at = Some(x);
                    let arrow = if from < to { '⇣' } else { '⇡' };
                    buffer[(x, y)].set_char(arrow).set_style(theme.style(Role::Heading));
                }
                MarkKind::LoopStarts | MarkKind::LoopServes => {
                    let label = if mark.kind == MarkKind::LoopStarts { "┊ loop starts" } else { "┊ loop serves" };
                    self.line(buffer, chart, theme.style(Role::Landmark), x, '┊');
                    // Right of its line where there is room, else left of it, else the line alone.
                    let flipped = format!(" {} ┊", &label["┊ ".len()..]);
                    let left = (x + 1).saturating_sub(width(&flipped) as u16);
                    let right = x + width(label) as u16;
                    let is_blank = |from: u16, to: u16| (from..to).all(|x| buffer[(x, area.y)].symbol() == " ");
                    let is_free = |from: u16, to: u16| {
                        from >= label_from && cursor.is_none_or(|at| at < from || at > to) && is_blank(from, to)
                    };
                    let style = theme.style(Role::Landmark);
                    // In its own column something may be marked, which is drawn again.
                    let is_marked = buffer[(x, area.y)].symbol().starts_with(notes::MARK) && cursor != Some(x);
                    if right < chart.right() && x >= label_from && is_free(x + u16::from(is_marked), right) {
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
        notes::mark_ruler(buffer, ruler, theme, self.log, window);
        if let Some(x) = cursor {
            self.line(buffer, chart, theme.style(Role::Accent), x, '│');
            buffer[(x, area.y)].set_char('▼').set_style(theme.style(Role::Accent));
        }
    }

    /// A vertical line that leaves names and the ends of bars readable.
    fn line(&self, buffer: &mut Buffer, chart: Rect, style: Style, x: u16, mark: char) {
        for y in chart.y..chart.bottom() {
            if is_inside_text(buffer, chart, (x, y)) {
                continue;
            }
            let cell = &mut buffer[(x, y)];
            if matches!(cell.symbol(), " " | "━" | "╌" | "┊" | "┆") {
                cell.set_char(mark).set_style(style);
            }
        }
    }
}

/// Whether a cell is the blank between two words: it belongs to them.
pub(super) fn is_inside_text(buffer: &Buffer, chart: Rect, (x, y): (u16, u16)) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, ',' | '.' | ':');
    let is_word = |x: u16| (chart.x..chart.right()).contains(&x) && buffer[(x, y)].symbol().chars().all(is_letter);
    buffer[(x, y)].symbol() == " " && x > 0 && is_word(x - 1) && is_word(x + 1)
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
