//! The call stack: lanes, and the open calls of each, innermost first.
//!
//! Rows are made once per change of the state, not per frame. A lane that is over is folded; many of them are one
//! line. Where the pane is too low, the outer frames of a lane give way to `… n more frames`, so that the state of
//! every lane stays in sight.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::breaks::Breaks;
use super::notes;
use super::text::{cut, ends, pad, width};
use super::theme::{Role, Theme};
use crate::trace::{Activity, Bookmarks, BreakpointId, Edge, Frame, Lane, LaneId, SpanId, State};

/// The last column, from the border, that belongs to the mark of a breakpoint.
pub(super) const GUTTER: u16 = 2;

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
    shape: Shape,
    role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Fold mark, name with and without the thread, state.
    Lane { fold: char, title: String, name: String, state: String },
    /// Whether a run stops there, whether it is marked, mark, function, file, line.
    Frame { stops: char, noted: char, mark: char, name: String, file: String, line: String },
    /// One text.
    Text(String),
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

/// The word for what a lane is doing. A lane that waits for no stated reason reports the name of its `innermost`
/// call, which says nothing here: the frame stands right below.
pub(super) fn word(activity: &Activity, innermost: Option<&str>) -> String {
    match activity {
        Activity::Created => "created, not run".to_owned(),
        Activity::Running => "RUNNING".to_owned(),
        Activity::Polling => "POLLING".to_owned(),
        Activity::Waiting(what) if Some(&**what) == innermost => "WAITING".to_owned(),
        Activity::Waiting(what) => format!("WAITING for {what}"),
        Activity::Unknown => "unknown".to_owned(),
        Activity::Paused(Edge::Enter) => "PAUSED ON STEP".to_owned(),
        Activity::Paused(Edge::Exit) => "PAUSED, returning".to_owned(),
        Activity::Held(_) => "held".to_owned(),
        Activity::Idle => "idle".to_owned(),
        Activity::Done => "done".to_owned(),
    }
}

/// The word for a lane of a state; the shown one may stand at a breakpoint.
pub(super) fn lane_word(state: &State, lane: &Lane, on: Option<BreakpointId>) -> String {
    let activity = state.activity(lane);
    if let (Activity::Paused(Edge::Enter), Some(on)) = (&activity, on) {
        return format!("PAUSED ON BREAKPOINT {on}");
    }
    let innermost =
        lane.frames().last().filter(|frame| frame.field("reason").is_none() && frame.field("blocks").is_none());
    word(&activity, innermost.map(|frame| &*frame.callsite.name))
}

/// The colour that goes with it.
pub(super) fn role(activity: &Activity) -> Role {
    match activity {
        Activity::Paused(_) => Role::Accent,
        Activity::Running | Activity::Polling => Role::Good,
        Activity::Waiting(_) | Activity::Unknown => Role::Plain,
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

/// What a person has put on frames.
#[derive(Clone, Copy)]
pub(super) struct Marks<'a> {
    pub(super) notes: &'a Bookmarks,
    pub(super) breaks: &'a Breaks,
    /// The program stands at this breakpoint.
    pub(super) on: Option<BreakpointId>,
}

/// All rows of the pane, for a height of `room` rows. So many lanes there have been, those over for long among them.
pub(super) fn rows(
    (state, all): (&State, usize),
    folds: &Folds,
    current: Option<SpanId>,
    room: usize,
    marks: Marks<'_>,
) -> Vec<Row> {
    let (done, alive): (Vec<&Lane>, Vec<&Lane>) =
        state.lanes().iter().map(|lane| &**lane).partition(|lane| lane.is_done);
    let over = all.saturating_sub(alive.len());
    let groups_done = over > 1;
    let mut lanes = alive;
    if !groups_done || folds.shows_done {
        lanes.extend(&done);
    }
    let current_lane =
        state.paused().map(|stop| stop.lane).or(current.and_then(|span| state.frame(span)).map(|found| found.0.id));
    let caps = caps(&lanes, folds, current_lane, room.saturating_sub(lanes.len() + usize::from(groups_done)));
    let mut rows = Vec::new();
    for (index, (lane, cap)) in lanes.iter().zip(caps).enumerate() {
        if groups_done && folds.shows_done && index + done.len() == lanes.len() {
            rows.push(done_row(over, Some(done.len())));
        }
        push_lane(&mut rows, state, lane, (folds, cap), marks);
    }
    if groups_done && !folds.shows_done {
        rows.push(done_row(over, None));
    }
    rows
}

/// How many rows the frames of each lane may take.
fn caps(lanes: &[&Lane], folds: &Folds, current: Option<LaneId>, room: usize) -> Vec<usize> {
    let wants = |lane: &Lane| {
        if folds.is_folded(lane) { 0 } else { lane.frames().count() }
    };
    let total: usize = lanes.iter().map(|lane| wants(lane)).sum();
    if total <= room {
        return lanes.iter().map(|lane| wants(lane)).collect();
    }
    let least = |lane: &Lane| if folds.whole.contains(&lane.id) { wants(lane) } else { wants(lane).min(3) };
    let mut caps: Vec<usize> = lanes.iter().map(|lane| least(lane)).collect();
    let mut free = room.saturating_sub(caps.iter().sum());
    // What is left goes to the lane we are at, then to the others from above.
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    order.sort_by_key(|at| Some(lanes[*at].id) != current);
    for at in order {
        let more = (wants(lanes[at]) - caps[at]).min(free);
        caps[at] += more;
        free -= more;
    }
    caps
}

fn push_lane(rows: &mut Vec<Row>, state: &State, lane: &Lane, (folds, cap): (&Folds, usize), marks: Marks<'_>) {
    let activity = state.activity(lane);
    let fold = match (lane.frames().next().is_none(), folds.is_folded(lane)) {
        (true, _) => ' ',
        (false, true) => '▸',
        (false, false) => '▾',
    };
    rows.push(Row {
        id: RowId::Lane(lane.id),
        shape: Shape::Lane {
            fold,
            title: lane_title(lane),
            name: lane.name.to_string(),
            state: lane_word(state, lane, marks.on),
        },
        role: role(&activity),
    });
    let frames = lane.frames().count();
    let (shown, more) = if frames > cap { (cap.saturating_sub(1), cap > 0) } else { (cap, false) };
    // Not always the innermost: a call may be held at its end while another is open.
    let here = state.paused().filter(|stop| stop.lane == lane.id).map(|stop| stop.span);
    for frame in lane.frames().rev().take(shown) {
        let noted = if marks.notes.is_about(frame.span) { notes::MARK } else { ' ' };
        let stops = marks.breaks.mark(frame, &lane.name).char();
        rows.push(frame_row(frame, here == Some(frame.span), stops, noted));
    }
    if more {
        let hidden = frames - shown;
        let shape = Shape::Text(format!("    … {hidden} more frames"));
        rows.push(Row { id: RowId::More(lane.id), shape, role: Role::Dim });
    }
}

fn frame_row(frame: &Frame, is_here: bool, stops: char, noted: char) -> Row {
    let role = if is_here { Role::Accent } else { Role::Plain };
    let shape = Shape::Frame {
        stops,
        noted,
        mark: if is_here { '→' } else { ' ' },
        name: frame.callsite.name.to_string(),
        file: frame.callsite.file_name().to_owned(),
        line: frame.callsite.line.map_or(String::new(), |line| line.to_string()),
    };
    Row { id: RowId::Frame(frame.span), shape, role }
}

/// How many lanes are over, and how many of them follow.
fn done_row(count: usize, shown: Option<usize>) -> Row {
    let shape = Shape::Text(match shown {
        None => format!("▸ {count} lanes are done"),
        Some(shown) if shown < count => format!("▾ {count} lanes are done, the last {shown}:"),
        Some(_) => format!("▾ {count} lanes are done"),
    });
    Row { id: RowId::DoneLanes, shape, role: Role::Dim }
}

/// The columns that all rows of the pane share.
struct Columns {
    /// Threads are named, because every header has the room.
    names_threads: bool,
    /// Width of the function's name.
    names: usize,
    /// Blanks between the name and the file.
    gap: usize,
}

impl Columns {
    fn new(rows: &[Row], columns: usize) -> Self {
        let (mut names_threads, mut names, mut files, mut lines) = (true, 0, 0, 0);
        for row in rows {
            match &row.shape {
                Shape::Lane { title, state, .. } => {
                    names_threads &= 2 + width(title) + 1 + width(state) <= columns;
                }
                Shape::Frame { name, file, line, .. } => {
                    names = names.max(width(name));
                    files = files.max(width(file));
                    lines = lines.max(width(line));
                }
                Shape::Text(_) => {}
            }
        }
        let room = columns.saturating_sub(4 + 1 + files + 1 + lines);
        Self { names_threads, names: names.min(room.max(10)), gap: if names < room { 2 } else { 1 } }
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
    let shared = Columns::new(rows, columns);
    for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(top)) {
        let style = theme.style(row.role);
        let quiet = if row.role == Role::Accent { style } else { theme.style(Role::Dim) };
        let (left, right, right_style) = match &row.shape {
            Shape::Lane { fold, title, name, state } => {
                let name = if shared.names_threads { title } else { name };
                // The state matters most, but a lane without a name is nobody's.
                let state = cut(state, columns.saturating_sub(width(name) + 3));
                (format!("{fold} {name}"), state, style)
            }
            Shape::Frame { stops, noted, mark, name, file, line } => {
                let left = format!("{stops}{noted}{mark} {}{:gap$}", pad(name, shared.names), "", gap = shared.gap);
                let (file, line) = ends(file, line, columns.saturating_sub(width(&left)));
                (left, format!("{file}{line}"), quiet)
            }
            Shape::Text(text) => (text.clone(), String::new(), style),
        };
        let bold = matches!(row.shape, Shape::Lane { .. }) && row.role != Role::Dim;
        let style_of = |style| {
            if bold { theme.style(Role::Heading).patch(style) } else { style }
        };
        let (left, right) =
            if let Shape::Lane { .. } = row.shape { ends(&left, &right, columns) } else { (left, right) };
        let (x, _) = buffer.set_stringn(area.x, y, left, columns, style_of(style));
        buffer.set_stringn(x, y, right, usize::from(area.right().saturating_sub(x)), style_of(right_style));
        if Some(row.id) == selected.0 {
            // One look for all of the row, but for where we are.
            let own = if row.role == Role::Accent { Style::new() } else { Style::reset() };
            buffer.set_style(Rect { y, height: 1, ..area }, own.patch(theme.style(selected.1)));
        }
    }
}
