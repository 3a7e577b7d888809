//! Rows of bars for a window of time and a width in columns.
//!
//! ```text
//!            from                                   to
//!   main     ▐run───────────────────╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌      depth 0: one bar, busy then waiting
//!            ▐  serve_forever───────╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌      depth 1
//! ```
//!
//! Only what lies in the window is looked at: rows are found by binary search, and a crowd of bars in one column is
//! one bar, so a frame costs the width, not the length of the recording.

use std::sync::Arc;

use super::{Callsite, Kind, Landmarks, LaneId, Log, SpanId, SpanRecord, Stretch, Time};

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

    fn clamped(&self, at: Time, width: u16) -> u16 {
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
}

/// A span in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The span; the first of them where several share the column.
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
    /// Rows, lanes in the order in which they came to be.
    pub rows: Vec<Row>,
    /// Marks, in the order of the log.
    pub marks: Vec<Mark>,
}

impl Timeline {
    /// What a window of `width` columns shows of the log up to the cursor.
    #[must_use]
    pub fn new(log: &Log, landmarks: &Landmarks, cursor: usize, window: Window, width: u16) -> Self {
        let width = width.max(1);
        let now = log.time_at(cursor);
        let mut rows = Vec::new();
        for lane in log.lanes().iter().filter(|lane| (lane.open.0.0 as usize) < cursor) {
            let depths = lane.rows.len().max(1);
            for depth in 0..depths {
                let spans = lane.rows.get(depth).map_or(&[][..], Vec::as_slice);
                let view = RowView { log, runs: &lane.runs, window, width, now, cursor };
                let bars = view.bars(spans);
                if depth == 0 || !bars.is_empty() {
                    rows.push(Row { lane: lane.id, depth, bars });
                }
            }
        }
        Self { rows, marks: marks(log, landmarks, cursor, window, width) }
    }
}

fn marks(log: &Log, landmarks: &Landmarks, cursor: usize, window: Window, width: u16) -> Vec<Mark> {
    let column = |raw: Time| window.column(log.clock().program(raw), width);
    let mut marks = Vec::new();
    let cursor = cursor.min(log.len());
    // Events in the window only: the log is in the order of time.
    let in_window = log.events_in(..cursor).skip_while(|event| log.clock().program(event.time) < window.from);
    for event in in_window.take_while(|event| log.clock().program(event.time) <= window.to) {
        if let Kind::Switch { to, .. } = event.kind
            && let Some(column) = column(event.time)
        {
            let kind = MarkKind::Switch { from: event.lane, to };
            let mark = Mark { column, kind };
            if marks.last() != Some(&mark) {
                marks.push(mark);
            }
        }
    }
    let instants = [
        (landmarks.loop_starts, MarkKind::LoopStarts),
        (landmarks.loop_serves, MarkKind::LoopServes),
        (Some(cursor), MarkKind::Cursor),
    ];
    for (at, kind) in instants {
        if let Some(at) = at.filter(|at| *at <= cursor)
            && let Some(column) = column(log.time_at(at))
        {
            marks.push(Mark { column, kind });
        }
    }
    marks
}

struct RowView<'a> {
    log: &'a Log,
    runs: &'a [Stretch],
    window: Window,
    width: u16,
    now: Time,
    cursor: usize,
}

impl RowView<'_> {
    fn bars(&self, spans: &[SpanId]) -> Vec<Bar> {
        let clock = self.log.clock();
        let record = |id: &SpanId| self.log.span(*id).expect("a row holds spans that were opened");
        let end = spans.partition_point(|id| {
            let span = record(id);
            (span.open.0.0 as usize) < self.cursor && clock.program(span.open.1) <= self.window.to
        });
        let spans = &spans[..end];
        // Spans of a row do not overlap, but for futures that are joined: start at the last that can reach in.
        let mut next =
            spans.partition_point(|id| clock.program(record(id).open.1) < self.window.from).saturating_sub(1);
        let mut bars: Vec<Bar> = Vec::new();
        while next < spans.len() {
            let span = record(&spans[next]);
            if let Some(bar) = self.bar(&span) {
                match bars.last_mut() {
                    Some(last) if last.from == bar.from => last.count += 1,
                    _ => bars.push(bar),
                }
            }
            next += 1;
            // A crowd in one column: jump to the first span that opens in the next.
            if let Some(last) = bars.last_mut()
                && last.count > 4
            {
                let edge = self.window.time_of(last.from + 1, self.width);
                let skip = spans[next..].partition_point(|id| clock.program(record(id).open.1) < edge);
                last.count += skip;
                next += skip;
            }
        }
        // Calls need not begin in the order in which they were made.
        bars.sort_by_key(|bar| bar.from);
        bars.dedup_by(|later, kept| {
            let is_same = later.from == kept.from;
            kept.count += if is_same { later.count } else { 0 };
            is_same
        });
        bars
    }

    fn bar(&self, span: &SpanRecord) -> Option<Bar> {
        let clock = self.log.clock();
        // A call may be made long before it first runs: a bar is what ran.
        let start = clock.program(span.entered.filter(|enter| *enter <= self.now)?);
        let close = span.close.filter(|(seq, _)| (seq.0 as usize) < self.cursor).map(|(_, time)| time);
        let end_raw = close.unwrap_or(self.now);
        let end = clock.program(end_raw);
        if end < self.window.from || start > self.window.to {
            return None;
        }
        let from = self.window.clamped(start.max(self.window.from), self.width);
        let to = self.window.clamped(end.min(self.window.to), self.width);
        let mut cells = vec![Cell::Waiting; usize::from(to - from) + 1];
        let is_before = |(_, exit): &Stretch| exit.is_some_and(|exit| clock.program(exit) < self.window.from);
        for (enter, exit) in self.log.stretches(span.id).skip_while(is_before) {
            if clock.program(enter) > self.window.to || enter > self.now {
                break;
            }
            self.paint(&mut cells, from, enter, exit.unwrap_or(self.now).min(self.now));
        }
        Some(Bar {
            span: span.id,
            callsite: span.callsite.clone(),
            from,
            cells,
            has_start: start >= self.window.from,
            has_end: close.is_some() && end <= self.window.to,
            count: 1,
        })
    }

    /// Marks as busy the columns in which the lane ran between two raw times.
    fn paint(&self, cells: &mut [Cell], from: u16, enter: Time, exit: Time) {
        let clock = self.log.clock();
        let first = self.runs.partition_point(|(_, end)| end.is_some_and(|end| end < enter));
        for &(begin, end) in &self.runs[first..] {
            if begin > exit {
                break;
            }
            let begin = clock.program(begin.max(enter));
            let end = clock.program(end.unwrap_or(self.now).min(exit));
            if end < self.window.from || begin > self.window.to {
                continue;
            }
            let left = self.window.clamped(begin.max(self.window.from), self.width).max(from) - from;
            let right = self.window.clamped(end.min(self.window.to), self.width).max(from) - from;
            let right = usize::from(right).min(cells.len() - 1);
            for cell in &mut cells[usize::from(left).min(right)..=right] {
                *cell = Cell::Busy;
            }
        }
    }
}
