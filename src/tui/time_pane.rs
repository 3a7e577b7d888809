//! What keys and the mouse do in the timeline: zoom, pan, choose a line, fold a group, set the cursor, choose a range.
//!
//! ```text
//!   axis      ├── drag ──┤   the cursor goes along
//!   conn-*    │          │   a click folds or unfolds the group, and chooses a line; the wheel scrolls
//!   ▐run━━━   │          │   a click sets the cursor, a drag moves the window, the wheel zooms around the pointer;
//!             │          │   with shift, or the right button, a drag chooses a range
//!   ─▁▂[▇▇▅]▁─┘              the whole recording: a click or a drag moves the window there
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::layout::Pane;
use super::range::Range;
use super::stack::RowId;
use super::theme::Role;
use super::time_window::{dragged, panned, zoomed};
use super::timeline::{LineId, Plan, inside};
use super::ui::Ui;
use crate::trace::{LaneId, Line, Time, Window};

/// How much one key makes the window shorter, and how much one turn of the wheel.
const IN: [(u64, u64); 2] = [(1, 2), (4, 5)];
const OUT: [(u64, u64); 2] = [(2, 1), (5, 4)];

/// The lines of the timeline, as a person has arranged them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// The line that was chosen.
    pub(super) chosen: Option<LineId>,
    /// The groups that were opened or folded, by what their names begin with: that stays what it is from run to run.
    pub(super) opened: BTreeMap<Arc<str>, bool>,
    /// How many are scrolled away above.
    pub(super) skipped: usize,
}

/// What the mouse has taken hold of in the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grip {
    /// The cursor, by the axis.
    Cursor,
    /// The window: the column and the row that the button went down at, and the window then. It has not moved at first.
    Window { column: u16, row: u16, window: Window, has_moved: bool },
    /// The end of a range that begins at a time.
    Range(Time),
    /// The window's place in the whole recording.
    Map,
}

impl Ui<'_> {
    /// Zooms around the cursor.
    pub(super) fn zoom(&mut self, is_in: bool) {
        let by = if is_in { IN[0] } else { OUT[0] };
        self.window = Some(zoomed(self.window_now(), self.time_now(), by));
    }

    /// Moves the timeline's window, as far as there is something to see.
    pub(super) fn pan(&mut self, is_later: bool) {
        let moved = panned(self.window_now(), is_later);
        if moved.from < self.last_time() {
            self.window = Some(moved);
        }
    }

    /// The timeline's window follows the cursor out of its ends, a page at a time: what is seen stands still.
    pub(super) fn keep_in_window(&mut self, at: Time) {
        if let Some(window) = self.window
            && !(window.from..=window.to).contains(&at)
        {
            let length = window.to.since(window.from);
            let before = if at > window.to { length / 10 } else { length - length / 10 };
            let from = at.0.saturating_sub(before);
            self.window = Some(Window { from: Time(from), to: Time(from + length) });
        }
    }

    /// The lane that moves along a lane are in: of the chosen line, else that of the selected frame.
    pub(super) fn lane_now(&self) -> Option<LaneId> {
        match self.lines.chosen {
            Some(LineId::Lane(lane)) => Some(lane),
            _ => self.selected_lane(),
        }
    }

    /// Chooses a lane, in the call stack too if it is there.
    pub(super) fn choose_lane(&mut self, lane: LaneId) {
        self.lines.chosen = Some(LineId::Lane(lane));
        // What the cursor did to the selection is done first.
        self.refresh();
        if self.known.rows.iter().any(|row| row.id == RowId::Lane(lane)) && self.selected_lane() != Some(lane) {
            self.selected = Some(RowId::Lane(lane));
        }
    }

    /// The line above or below the chosen one; the lines are scrolled where it would be out of sight.
    pub(super) fn move_line(&mut self, by: isize) {
        let Some(plan) = self.plan() else { return };
        let at = |plan: &Plan, id: LineId| plan.places.iter().position(|place| LineId::of(&place.line) == id);
        let chosen = self.lines.chosen.or_else(|| self.selected_lane().map(LineId::Lane));
        let is_first = self.lines.chosen.is_none();
        let Some(now) = chosen.and_then(|id| at(&plan, id)) else {
            let line = if by < 0 { plan.places.last() } else { plan.places.first() };
            self.lines.chosen = line.map(|place| LineId::of(&place.line));
            return;
        };
        // Of nothing the first move makes what is selected anyway the chosen one.
        let wanted = if is_first { now } else { now.saturating_add_signed(by) };
        let fell_short = now as isize + by;
        if wanted < plan.places.len() && fell_short >= 0 {
            self.choose_place(&plan, wanted);
            return;
        }
        let missing = if fell_short < 0 { fell_short } else { (wanted + 1 - plan.places.len()) as isize };
        let before = self.lines.skipped;
        self.scroll_lines(missing);
        if self.lines.skipped == before {
            self.choose_place(&plan, if by < 0 { 0 } else { plan.places.len() - 1 });
        } else if let Some(plan) = self.plan().filter(|plan| !plan.places.is_empty()) {
            self.choose_place(&plan, if by < 0 { 0 } else { plan.places.len() - 1 });
        }
    }

    fn choose_place(&mut self, plan: &Plan, at: usize) {
        match plan.places.get(at).map(|place| LineId::of(&place.line)) {
            Some(LineId::Lane(lane)) => self.choose_lane(lane),
            Some(group) => self.lines.chosen = Some(group),
            None => {}
        }
    }

    /// Scrolls the lines; the last ones stay in sight.
    pub(super) fn scroll_lines(&mut self, by: isize) {
        let Some(plan) = self.plan() else { return };
        let limit = plan.all.saturating_sub(usize::from(plan.chart.height).max(2) / 2);
        self.lines.skipped = self.lines.skipped.saturating_add_signed(by).min(limit);
    }

    /// Where all lines fit now, none is scrolled away.
    pub(super) fn scroll_back(&mut self) {
        if self.plan().is_some_and(|plan| plan.all <= usize::from(plan.chart.height)) {
            self.lines.skipped = 0;
        }
    }

    /// Folds or unfolds the chosen group. False if none is chosen.
    pub(super) fn toggle_group(&mut self) -> bool {
        let Some(LineId::Group(chosen)) = self.lines.chosen else { return false };
        let Some(stem) = self.log.lane_group(chosen).map(|group| group.stem.clone()) else { return false };
        let is_it = |line: &Line| matches!(line, Line::Group { id, is_open: true, .. } if *id == chosen);
        let is_open = self.plan().is_some_and(|plan| plan.places.iter().any(|place| is_it(&place.line)));
        self.lines.opened.insert(stem, !is_open);
        true
    }

    /// Folds all groups, or unfolds them if all are folded.
    pub(super) fn fold_all(&mut self) {
        let stems: Vec<Arc<str>> = self.log.lane_groups().map(|group| group.stem.clone()).collect();
        if stems.is_empty() {
            self.notify("nothing to fold: five lanes of a name, such as conn-1 to conn-5, are a group");
        }
        let is_open = |line: &Line| matches!(line, Line::Group { is_open: true, .. });
        let is_any_open = stems.iter().any(|stem| self.lines.opened.get(stem) == Some(&true))
            || self.plan().is_some_and(|plan| plan.places.iter().any(|place| is_open(&place.line)));
        self.lines.opened = stems.into_iter().map(|stem| (stem, !is_any_open)).collect();
        self.lines.skipped = 0;
    }

    /// What is where in the timeline, if it is seen.
    pub(super) fn plan(&self) -> Option<Plan> {
        let pane = self.layout().pane(Pane::Timeline)?;
        Some(self.timeline().plan(inside(pane)))
    }

    /// How the chosen line is marked.
    pub(super) fn chosen_line(&self) -> Option<(LineId, Role)> {
        let has_keys = self.focus == Pane::Timeline && self.overlay.is_none();
        let role = if has_keys { Role::Selected } else { Role::SelectedElsewhere };
        let selected = || self.selected_lane().filter(|_| has_keys).map(LineId::Lane);
        self.lines.chosen.or_else(selected).map(|line| (line, role))
    }

    /// Lanes that are seen in a folded group too.
    pub(super) fn lanes_here(&self) -> Vec<LaneId> {
        let paused = self.known.state.paused().map(|stop| stop.lane);
        let looked_at = if self.is_live() { None } else { self.selected_lane() };
        let chosen = self.lines.chosen.and_then(|line| match line {
            LineId::Lane(lane) => Some(lane),
            LineId::Group(_) => None,
        });
        paused.into_iter().chain(looked_at).chain(chosen).collect()
    }

    /// The row of the minimap, if there is one.
    pub(super) fn map_row(&self, pane: Rect) -> Option<u16> {
        (inside(pane) != pane && self.known.minimap.whole(self.window_now()).is_some()).then(|| pane.bottom() - 1)
    }

    /// A button goes down in the timeline.
    pub(super) fn press_timeline(&mut self, column: u16, row: u16, is_range: bool) {
        let Some((pane, plan)) = self.layout().pane(Pane::Timeline).zip(self.plan()) else { return };
        let chart = plan.chart;
        if self.map_row(pane) == Some(row) {
            self.grip = Some(Grip::Map);
            self.show_on_map(column);
        } else if column < chart.x {
            if let Some(at) = plan.places.iter().position(|place| (place.top..=place.bottom).contains(&row)) {
                self.choose_place(&plan, at);
                if matches!(plan.places[at].line, Line::Group { .. }) {
                    self.toggle_group();
                }
            }
        } else if column >= chart.right() {
        } else if is_range {
            let at = plan.window.time_of(column - chart.x, chart.width);
            self.window.get_or_insert(plan.window);
            self.grip = Some(Grip::Range(at));
            self.range = None;
        } else if row < chart.y {
            self.grip = Some(Grip::Cursor);
            self.scrub_to(column);
        } else {
            self.grip = Some(Grip::Window { column, row, window: plan.window, has_moved: false });
        }
    }

    /// The mouse moves with a button down that went down in the timeline.
    pub(super) fn drag_timeline(&mut self, column: u16) {
        let Some((chart, _)) = self.chart() else { return };
        match self.grip {
            Some(Grip::Cursor) => self.scrub_to(column),
            Some(Grip::Map) => self.show_on_map(column),
            Some(Grip::Window { column: from, row, window, has_moved }) if has_moved || from != column => {
                let moved = dragged(window, i32::from(from) - i32::from(column), chart.width, self.last_time());
                self.window = Some(moved);
                self.grip = Some(Grip::Window { column: from, row, window, has_moved: true });
            }
            Some(Grip::Range(begin)) => {
                let column = column.clamp(chart.x, chart.right().saturating_sub(1)) - chart.x;
                let window = self.window_now();
                // Whole columns: the one under the pointer is in it.
                let at = window.time_of(column, chart.width);
                let at = if at >= begin { window.time_of(column + 1, chart.width) } else { at };
                let mut range = Range::new(begin);
                range.end(at);
                self.range = Some(range);
            }
            _ => {}
        }
    }

    /// The button goes up again: what was not dragged was clicked.
    pub(super) fn release_timeline(&mut self) {
        if let Some(Grip::Window { column, row, has_moved: false, .. }) = self.grip.take() {
            let Some(plan) = self.plan() else { return };
            let span = plan.span_at(column, row);
            self.scrub_to(column);
            match plan.at(row).map(|place| place.line) {
                Some(Line::Lane(lane)) => self.choose_lane(lane),
                Some(Line::Group { id, .. }) => self.lines.chosen = Some(LineId::Group(id)),
                None => {}
            }
            let id = span.map(RowId::Frame).filter(|id| self.known.rows.iter().any(|row| row.id == *id));
            self.selected = id.or(self.selected);
        }
    }

    /// The wheel is turned in the timeline.
    pub(super) fn wheel_timeline(&mut self, column: u16, is_down: bool) {
        let Some((chart, window)) = self.chart() else { return };
        if !(chart.x..chart.right()).contains(&column) {
            self.scroll_lines(if is_down { 1 } else { -1 });
            return;
        }
        let at = window.time_of(column - chart.x, chart.width);
        self.window = Some(zoomed(window, at, if is_down { OUT[1] } else { IN[1] }));
    }

    /// Puts the cursor where a column of the timeline is; dragged past an end, it stays there.
    fn scrub_to(&mut self, column: u16) {
        let Some((chart, window)) = self.chart().filter(|chart| chart.0.width > 0) else { return };
        let column = column.clamp(chart.x, chart.right() - 1) - chart.x;
        // The whole column is before the cursor then.
        let at = Time(window.time_of(column + 1, chart.width).0.saturating_sub(1));
        self.window.get_or_insert(window);
        self.move_to(self.log.cursor_at(at));
    }

    /// The window goes to where a column of the minimap is.
    fn show_on_map(&mut self, column: u16) {
        let Some((chart, window)) = self.chart().filter(|chart| chart.0.width > 0) else { return };
        let Some(whole) = self.known.minimap.whole(window) else { return };
        let column = column.clamp(chart.x, chart.right() - 1) - chart.x;
        let length = window.to.since(window.from);
        let at = if column + 1 == chart.width { whole.to } else { whole.time_of(column, chart.width) };
        let from = at.0.saturating_sub(length / 2);
        let from = from.min(whole.to.0.saturating_sub(length));
        self.window = Some(Window { from: Time(from), to: Time(from + length) });
    }

    pub(super) fn chart(&self) -> Option<(Rect, Window)> {
        let pane = self.layout().pane(Pane::Timeline)?;
        Some(self.timeline().chart(inside(pane)))
    }
}
