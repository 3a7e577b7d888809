//! The call stack: lanes, and the open calls of each, innermost first.
//!
//! Rows are made once per change of the state, not per frame. A lane that is over is folded; many of them are one
//! line. Where the pane is too low, the outer frames of a lane give way to `… n more frames`, so that the state of
//! every lane stays in sight.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{cut, ends, pad, width};
use super::theme::{Role, Theme};
use crate::trace::{Activity, Edge, Frame, Lane, LaneId, SpanId, State};

/// What a row of the pane is, and what is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// The header of a lane.
    Lane(LaneId),
    /// A frame.
    Frame(SpanId),
    /// The frames of a lane that were cut.
    More(LaneId),
    /// The lanes that are over.
    DoneLanes,
}

/// A row, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: RowId,
    left: String,
    /// State of a lane, file of a frame.
    right: String,
    line: String,
    role: Role,
    is_lane: bool,
    /// Width of the name column of this lane's frames.
    names: usize,
}

/// Which lanes the person has folded or unfolded against the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Folds {
    turned: HashSet<LaneId>,
    /// Lanes shown with all their frames.
    pub(super) whole: HashSet<LaneId>,
    pub(super) shows_done: bool,
}

impl Folds {
    fn is_folded(&self, lane: &Lane) -> bool {
        (lane.is_done || lane.stack.is_empty()) != self.turned.contains(&lane.id)
    }

    /// Folds or unfolds what a row stands for.
    pub(super) fn toggle(&mut self, row: RowId, state: &State) {
        match row {
            RowId::Lane(id) => self.turn(id),
            RowId::Frame(span) => {
                if let Some((lane, _)) = state.frame(span) {
                    self.turn(lane.id);
                }
            }
            RowId::More(id) => drop(self.whole.insert(id)),
            RowId::DoneLanes => self.shows_done = !self.shows_done,
        }
    }

    fn turn(&mut self, lane: LaneId) {
        if !self.turned.remove(&lane) {
            self.turned.insert(lane);
        }
        self.whole.remove(&lane);
    }

    /// Folds or unfolds a lane, whatever it is now.
    pub(super) fn set(&mut self, lane: &Lane, is_folded: bool) {
        if self.is_folded(lane) != is_folded {
            self.turn(lane.id);
        }
    }
}

/// The word for what a lane is doing.
pub(super) fn word(activity: &Activity) -> String {
    match activity {
        Activity::Created => "created, not run".to_owned(),
        Activity::Running => "RUNNING".to_owned(),
        Activity::Polling => "POLLING".to_owned(),
        Activity::Waiting(what) => format!("WAITING for {what}"),
        Activity::Paused(Edge::Enter) => "PAUSED ON STEP".to_owned(),
        Activity::Paused(Edge::Exit) => "PAUSED, returning".to_owned(),
        Activity::Held(_) => "held".to_owned(),
        Activity::Idle => "idle".to_owned(),
        Activity::Done => "done".to_owned(),
    }
}

/// The colour that goes with it.
pub(super) fn role(activity: &Activity) -> Role {
    match activity {
        Activity::Paused(_) => Role::Accent,
        Activity::Running | Activity::Polling => Role::Good,
        Activity::Waiting(_) => Role::Plain,
        Activity::Created | Activity::Held(_) | Activity::Idle | Activity::Done => Role::Dim,
    }
}

/// `MainThread · main`; one name where thread and lane have the same.
pub(super) fn lane_title(lane: &Lane) -> String {
    if lane.thread.name == lane.name || lane.thread.name.is_empty() {
        return lane.name.to_string();
    }
    format!("{} · {}", lane.thread.name, lane.name)
}

/// All rows of the pane, for a height of `room` rows.
pub(super) fn rows(state: &State, folds: &Folds, current: Option<SpanId>, room: usize) -> Vec<Row> {
    let (done, alive): (Vec<&Lane>, Vec<&Lane>) =
        state.lanes().iter().partition(|lane| lane.is_done);
    let groups_done = done.len() > 1;
    let mut lanes = alive;
    if !groups_done || folds.shows_done {
        lanes.extend(&done);
    }
    let current_lane = state.paused().map(|stop| stop.lane).or(current
        .and_then(|span| state.frame(span))
        .map(|found| found.0.id));
    let caps = caps(
        &lanes,
        folds,
        current_lane,
        room.saturating_sub(lanes.len() + usize::from(groups_done)),
    );
    let mut rows = Vec::new();
    for (index, (lane, cap)) in lanes.iter().zip(caps).enumerate() {
        if groups_done && index == lanes.len() - done.len() && folds.shows_done {
            rows.push(done_row(done.len(), true));
        }
        push_lane(&mut rows, state, lane, folds, cap);
    }
    if groups_done && !folds.shows_done {
        rows.push(done_row(done.len(), false));
    }
    rows
}

/// How many rows the frames of each lane may take.
fn caps(lanes: &[&Lane], folds: &Folds, current: Option<LaneId>, room: usize) -> Vec<usize> {
    let wants = |lane: &Lane| {
        if folds.is_folded(lane) {
            0
        } else {
            lane.stack.len()
        }
    };
    let total: usize = lanes.iter().map(|lane| wants(lane)).sum();
    if total <= room {
        return lanes.iter().map(|lane| wants(lane)).collect();
    }
    let others: usize = lanes
        .iter()
        .filter(|lane| Some(lane.id) != current)
        .map(|lane| wants(lane).min(3))
        .sum();
    let cap = |lane: &&Lane| {
        if folds.whole.contains(&lane.id) {
            wants(lane)
        } else if Some(lane.id) == current {
            wants(lane).min(room.saturating_sub(others).max(3))
        } else {
            wants(lane).min(3)
        }
    };
    lanes.iter().map(cap).collect()
}

fn push_lane(rows: &mut Vec<Row>, state: &State, lane: &Lane, folds: &Folds, cap: usize) {
    let activity = state.activity(lane);
    let fold = match (lane.stack.is_empty(), folds.is_folded(lane)) {
        (true, _) => ' ',
        (false, true) => '▸',
        (false, false) => '▾',
    };
    rows.push(Row {
        id: RowId::Lane(lane.id),
        left: format!("{fold} {}", lane_title(lane)),
        right: word(&activity),
        line: lane.name.to_string(),
        role: role(&activity),
        is_lane: true,
        names: 0,
    });
    let (shown, more) = if lane.stack.len() > cap {
        (cap.saturating_sub(1), cap > 0)
    } else {
        (cap, false)
    };
    let names = lane
        .stack
        .iter()
        .map(|frame| width(&frame.callsite.name))
        .max()
        .unwrap_or(0);
    let paused = matches!(activity, Activity::Paused(_));
    for (index, frame) in lane.stack.iter().rev().take(shown).enumerate() {
        rows.push(frame_row(frame, index == 0 && paused, names));
    }
    if more {
        let hidden = lane.stack.len() - shown;
        rows.push(Row {
            id: RowId::More(lane.id),
            left: format!("    … {hidden} more frames"),
            right: String::new(),
            line: String::new(),
            role: Role::Dim,
            is_lane: false,
            names: 0,
        });
    }
}

fn frame_row(frame: &Frame, is_here: bool, names: usize) -> Row {
    Row {
        id: RowId::Frame(frame.span),
        left: format!(
            "{} {}",
            if is_here { "  →" } else { "   " },
            frame.callsite.name
        ),
        right: frame.callsite.file_name().to_owned(),
        line: frame
            .callsite
            .line
            .map_or(String::new(), |line| line.to_string()),
        role: if is_here { Role::Accent } else { Role::Plain },
        is_lane: false,
        names: names + 4,
    }
}

fn done_row(count: usize, is_open: bool) -> Row {
    Row {
        id: RowId::DoneLanes,
        left: format!("{} {count} lanes are done", if is_open { '▾' } else { '▸' }),
        right: String::new(),
        line: String::new(),
        role: Role::Dim,
        is_lane: false,
        names: 0,
    }
}

/// Draws the rows from `top` on; the selected one as `selected` says.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    theme: &Theme,
    rows: &[Row],
    top: usize,
    selected: (Option<RowId>, Role),
) {
    let columns = usize::from(area.width);
    for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(top)) {
        let style = theme.style(row.role);
        if row.is_lane {
            // The state is what matters: the thread's name gives way, then the state is cut.
            let bare = format!(
                "{}{}",
                &row.left[..row.left.chars().next().map_or(0, char::len_utf8)],
                format_args!(" {}", row.line)
            );
            let fits = width(&row.left) + 1 + width(&row.right) <= columns;
            let left = if fits { &row.left } else { &bare };
            let right = cut(&row.right, columns.saturating_sub(width(left) + 1));
            let (left, right) = ends(left, &right, columns);
            let bold = if row.role == Role::Dim {
                style
            } else {
                theme.style(Role::Heading).patch(style)
            };
            let (x, _) = buffer.set_stringn(area.x, y, &left, columns, bold);
            buffer.set_stringn(
                x,
                y,
                &right,
                usize::from(area.right().saturating_sub(x)),
                bold,
            );
        } else {
            let file = width(&row.right);
            let names = row
                .names
                .clamp(0, columns.saturating_sub(file + 8).max(columns / 2))
                .min(columns);
            let (x, _) = buffer.set_stringn(
                area.x,
                y,
                pad(
                    &row.left,
                    if row.right.is_empty() { columns } else { names },
                ),
                columns,
                style,
            );
            if !row.right.is_empty() && columns > names + 3 {
                let room = columns - names;
                let (file, line) = ends(&format!("  {}", row.right), &row.line, room);
                let quiet = if row.role == Role::Accent {
                    style
                } else {
                    theme.style(Role::Dim)
                };
                let (x, _) = buffer.set_stringn(x, y, &file, room, quiet);
                buffer.set_stringn(
                    x,
                    y,
                    &line,
                    usize::from(area.right().saturating_sub(x)),
                    quiet,
                );
            }
        }
        if Some(row.id) == selected.0 {
            buffer.set_style(
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                theme.style(selected.1),
            );
        }
    }
}
