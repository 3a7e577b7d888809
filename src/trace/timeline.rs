//! Rows of bars for a window of time and a width in columns.
//!
//! ```text
//!            from                                   to
//!   main     ▐run───────────────────╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌      depth 0: one bar, busy then waiting
//!            ▐  serve_forever───────╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌      depth 1
//! ```
//!
//! Only the lanes that are asked for are looked at, and of them what lies in the window: what is in a column is found by
//! binary search, and a crowd in one column is one bar, so a frame costs the width, not the length of the recording.

use std::sync::Arc;

use super::rows::Columns;
use super::{Callsite, GroupId, ItemKind, Landmarks, LaneId, Line, Log, SpanId, Time};

/// Switches that are looked at in one column.
const SWITCHES: usize = 2;

/// A stretch of program time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from: Time,
    /// Its end, later than the beginning.
    pub to: Time,
}

impl Window {
    /// The column of a program time, from 0; `None` left or right of the window.
    #[must_use]
    pub fn column(&self, at: Time, width: u16) -> Option<u16> {
        (self.from..=self.to).contains(&at).then(|| self.clamped(at, width))
    }

    pub(super) fn clamped(&self, at: Time, width: u16) -> u16 {
        let length = self.to.since(self.from).max(1);
        let offset = at.since(self.from).min(length);
        let column = u128::from(offset) * u128::from(width) / u128::from(length);
        (column as u16).min(width.saturating_sub(1))
    }

    /// The program time at the left edge of a column.
    #[must_use]
    pub fn time_of(&self, column: u16, width: u16) -> Time {
        let length = u128::from(self.to.since(self.from));
        Time(self.from.0 + (u128::from(column) * length / u128::from(width.max(1))) as u64)
    }
}

/// What a lane did in one column of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Open and on the thread.
    Busy,
    /// Open and waiting.
    Waiting,
    /// Open; whether on the thread is not known.
    Unknown,
}

/// A span in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The span; the longest of the first and the last of them where several share the column.
    pub span: SpanId,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// First column.
    pub from: u16,
    /// One per column from `from` on.
    pub cells: Vec<Cell>,
    /// It begins in this window, not before it.
    pub has_start: bool,
    /// It ends in this window and before the cursor.
    pub has_end: bool,
    /// How many spans this bar stands for.
    pub count: usize,
}

/// The spans of one lane at one depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The lane.
    pub lane: LaneId,
    /// The depth in it, 0 outermost.
    pub depth: usize,
    /// Bars from left to right, at most one per column.
    pub bars: Vec<Bar>,
}

/// What a mark means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The hub's run was entered for the first time.
    LoopStarts,
    /// The loop polls with accepting armed.
    LoopServes,
    /// The cursor.
    Cursor,
    /// Control passed between lanes.
    Switch {
        /// From this lane.
        from: LaneId,
        /// To this lane.
        to: LaneId,
    },
}

/// An instant in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its column.
    pub column: u16,
    /// Its meaning.
    pub kind: MarkKind,
}

/// The rows and marks of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Rows, lanes in the order in which they were asked for.
    pub rows: Vec<Row>,
    /// Marks, in the order of the log.
    pub marks: Vec<Mark>,
    /// What the lanes of groups did together, a cell per column; `None` where there was no such lane.
    pub groups: Vec<(GroupId, Vec<Option<Cell>>)>,
}

impl Timeline {
    /// What a window of `width` columns shows of some lanes up to the cursor. Lanes that had not come to be by then have no
    /// rows.
    #[must_use]
    pub fn new(
        log: &Log,
        landmarks: &Landmarks,
        cursor: usize,
        window: Window,
        width: u16,
        lanes: impl IntoIterator<Item = LaneId>,
    ) -> Self {
        let lines = |_: &[Mark]| lanes.into_iter().map(Line::Lane);
        Self::of_lines(log, landmarks, cursor, window, width, lines)
    }

    /// The same of lines, which may be groups, and are chosen once the marks of the window are known.
    #[must_use]
    pub fn of_lines<L: IntoIterator<Item = Line>>(
        log: &Log,
        landmarks: &Landmarks,
        cursor: usize,
        window: Window,
        width: u16,
        choose: impl FnOnce(&[Mark]) -> L,
    ) -> Self {
        let cursor = cursor.min(log.len());
        let columns = Columns::new(log, cursor, window, width.max(1));
        let marks = marks(log, landmarks, cursor, &columns);
        let (mut rows, mut groups) = (Vec::new(), Vec::new());
        for line in choose(&marks) {
            match line {
                Line::Lane(lane) => {
                    let lane = log.lane(lane).filter(|lane| lane.open.0.0 < cursor as u64);
                    rows.extend(lane.into_iter().flat_map(|lane| columns.rows(lane)));
                }
                Line::Group { id, .. } => {
                    groups.extend(log.lane_group(id).map(|group| (id, columns.group(group))));
                }
            }
        }
        Self { rows, marks, groups }
    }
}

fn marks(log: &Log, landmarks: &Landmarks, cursor: usize, columns: &Columns<'_>) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let switches = &log.index().switches;
    let from_place = |place: usize| switches.partition_point(|at| (*at as usize) < place);
    let end = from_place(cursor);
    let mut next = from_place(columns.places_before(0)).min(end);
    // A few of each column.
    let mut in_column = (0, 0);
    while next < end {
        let place = switches[next] as usize;
        let Some((_, time, from, ItemKind::Switch { to, .. })) = log.kinds(place, place + 1).next() else { break };
        next += 1;
        let Some(column) = columns.of(time) else {
            if columns.is_after(time) {
                break;
            }
            continue;
        };
        let mark = Mark { column, kind: MarkKind::Switch { from, to } };
        if marks.last() != Some(&mark) {
            marks.push(mark);
        }
        in_column = if in_column.0 == column { (column, in_column.1 + 1) } else { (column, 1) };
        if in_column.1 >= SWITCHES {
            next = next.max(from_place(columns.places_before(column + 1)));
        }
    }
    let instants = [
        (landmarks.loop_starts, MarkKind::LoopStarts),
        (landmarks.loop_serves, MarkKind::LoopServes),
        (Some(cursor), MarkKind::Cursor),
    ];
    for (at, kind) in instants {
        if let Some(at) = at.filter(|at| *at <= cursor)
            && let Some(column) = columns.of(log.time_at(at))
        {
            marks.push(Mark { column, kind });
        }
    }
    marks
}
