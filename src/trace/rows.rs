//! The bars of one lane after the other, for the columns of a window.
//!
//! ```text
//!   edges     │       │       │       │     raw times at which columns begin
//!   depth 0   ▐───────────────────────      one span: busy where its lane ran
//!   depth 1   ▐▐▐▐▐▐▐▐▐  ▐▐▐▐▐▐▐▐▐▐▐        a crowd: of each column the first and the last, and how many there are
//! ```

use super::group::LaneGroup;
use super::lanes::LaneRow;
use super::outline::Outline;
use super::{Bar, Cell, LaneRecord, Log, Row, Stretch, Time, Window};

/// Depths of a lane that are drawn.
const DEPTHS: usize = 256;
/// Spans, or stretches, of one column that are looked at one by one.
const FEW: usize = 4;

/// The columns of a window over a log.
pub(super) struct Columns<'a> {
    log: &'a Log,
    window: Window,
    width: u16,
    /// Raw times at which columns begin, and one more. Everything before the window is in the first.
    edges: Vec<Time>,
    cursor: usize,
    now: Time,
    /// Spans that were opened before the cursor.
    spans: u32,
    /// What was open when the window begins.
    begin: Outline,
}

/// When a lane ran, by column.
struct Runs<'a> {
    all: &'a [Stretch],
    /// The first run that ends in each column or later; one more than there are columns.
    first: Vec<usize>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(log: &'a Log, cursor: usize, window: Window, width: u16) -> Self {
        let clock = log.clock();
        let length = u128::from(window.to.since(window.from).max(1));
        let edge = |column: u16| {
            let offset = (u128::from(column) * length).div_ceil(u128::from(width)) as u64;
            clock.raw(Time(window.from.0.saturating_add(offset)))
        };
        let last = clock.raw(Time(window.to.0.saturating_add(1)));
        let edges: Vec<Time> = (0..width).map(edge).chain([last]).collect();
        let index = log.index();
        let spans = partition(index.spans.len(), |number| index.spans.seq(number) < cursor as u64);
        let begin = edges[0].0.checked_sub(1).map_or(0, |before| log.cursor_at_raw(Time(before))).min(cursor);
        let begin = log.outline_at(begin as u64);
        Self { log, window, width, edges, cursor, now: log.time_at(cursor), spans, begin }
    }

    /// The column of a raw time in the window.
    pub(super) fn of(&self, raw: Time) -> Option<u16> {
        self.window.column(self.log.clock().program(raw), self.width)
    }

    /// Whether a raw time is behind the window.
    pub(super) fn is_after(&self, raw: Time) -> bool {
        raw >= self.edges[usize::from(self.width)]
    }

    /// How many events there are before a column begins.
    pub(super) fn places_before(&self, column: u16) -> usize {
        let edge = self.edges[usize::from(column.min(self.width))];
        edge.0.checked_sub(1).map_or(0, |before| self.log.cursor_at_raw(Time(before)))
    }

    /// The rows of a lane: the outermost, and those that have bars.
    pub(super) fn rows(&self, lane: &LaneRecord) -> Vec<Row> {
        let runs = self.runs(lane);
        let mut rows = Vec::new();
        for depth in 0..lane.rows.len().clamp(1, DEPTHS) {
            let bars = lane.rows.get(depth).map_or_else(Vec::new, |row| self.bars(lane, depth, row, &runs));
            if depth == 0 || !bars.is_empty() {
                rows.push(Row { lane: lane.id, depth, bars });
            }
        }
        rows
    }

    /// What the lanes of a group did, by column: the cost is that of the columns, however many lanes there are.
    pub(super) fn group(&self, group: &LaneGroup) -> Vec<Option<Cell>> {
        let (runs, lives) = (self.runs_of(&group.runs.all), self.runs_of(&group.lives.all));
        let open = if group.tells_runs { Cell::Waiting } else { Cell::Unknown };
        let cell = |column: usize| {
            let (begin, end) = (self.edges[column], self.edges[column + 1]);
            let touches = |runs: &Runs<'_>| begin <= self.now && runs.is_busy(column, begin, end, end, self.now);
            if touches(&runs) { Some(Cell::Busy) } else { touches(&lives).then_some(open) }
        };
        (0..usize::from(self.width)).map(cell).collect()
    }

    fn runs<'b>(&self, lane: &'b LaneRecord) -> Runs<'b> {
        self.runs_of(&lane.runs)
    }

    fn runs_of<'b>(&self, all: &'b [Stretch]) -> Runs<'b> {
        let mut at = 0;
        let ends_before = |run: &Stretch, edge: Time| run.1.is_some_and(|end| end < edge);
        let first = self.edges.iter().map(|edge| {
            at = gallop(all, at, |run| ends_before(run, *edge));
            at
        });
        Runs { all, first: first.collect() }
    }

    fn bars(&self, lane: &LaneRecord, depth: usize, row: &LaneRow, runs: &Runs<'_>) -> Vec<Bar> {
        let (index, numbers) = (self.log.index(), row.spans());
        let end = numbers.partition_point(|number| *number < self.spans);
        let last = self.edges[usize::from(self.width)];
        let end = row.opened_before(&index.spans, last, 0, end);
        let mut next = row.opened_before(&index.spans, self.edges[0], 0, end);
        let mut bars = Vec::new();
        // What reaches into the window.
        let open = self.begin.lane(lane.id).into_iter().flat_map(|lane| lane.stack.iter()).map(|open| open.number);
        for number in open.filter(|number| index.spans.depth(*number) == depth) {
            if index.spans.opened(number) < self.edges[0] {
                add(&mut bars, self.bar(number, runs), 1);
            }
        }
        while next < end {
            let column = self.column(index.spans.opened(numbers[next]));
            let stop = row.opened_before(&index.spans, self.edges[column + 1], next, end).max(next + 1);
            let crowd = &numbers[next..stop];
            if crowd.len() <= FEW {
                for number in crowd {
                    add(&mut bars, self.bar(*number, runs), 1);
                }
            } else {
                let (first, last) = (self.bar(crowd[0], runs), self.bar(crowd[crowd.len() - 1], runs));
                let rest = if first.is_some() { 1 } else { crowd.len() };
                add(&mut bars, first, crowd.len() - 1);
                add(&mut bars, last, rest);
            }
            next = stop;
        }
        // Calls need not begin in the order in which they were made.
        bars.sort_by_key(|bar| bar.from);
        bars.dedup_by(|later, kept| {
            let is_same = later.from == kept.from;
            if is_same {
                join(kept, later);
            }
            is_same
        });
        bars
    }

    /// The column of a raw time that is before the end of the window.
    fn column(&self, raw: Time) -> usize {
        let program = self.log.clock().program(raw).max(self.window.from);
        self.window.clamped(program, self.width).into()
    }

    fn bar(&self, number: u32, runs: &Runs<'_>) -> Option<Bar> {
        let spans = &self.log.index().spans;
        let clock = self.log.clock();
        // A call may be made long before it first runs: a bar is what ran.
        let start = clock.program(spans.entered(number).filter(|enter| *enter <= self.now)?);
        let close = spans.closed(number).filter(|close| close.0 < self.cursor as u64).map(|close| close.1);
        let end = clock.program(close.unwrap_or(self.now));
        if end < self.window.from || start > self.window.to {
            return None;
        }
        let from = self.window.clamped(start.max(self.window.from), self.width);
        let to = self.window.clamped(end.min(self.window.to), self.width).max(from);
        let is_told = self.log.tells_runs(spans.lane(number));
        let open = if is_told { Cell::Waiting } else { Cell::Unknown };
        let mut cells = vec![open; usize::from(to - from) + 1];
        if is_told {
            self.paint(&mut cells, from.into(), number, runs);
        }
        Some(Bar {
            span: spans.id(number),
            callsite: self.log.index().callsite(spans.callsite(number)).clone(),
            from,
            cells,
            has_start: start >= self.window.from,
            has_end: close.is_some() && end <= self.window.to,
            count: 1,
        })
    }

    /// Marks as busy the columns in which a span was on a thread and its lane ran.
    fn paint(&self, cells: &mut [Cell], from: usize, number: u32, runs: &Runs<'_>) {
        let (first, again) = self.log.index().spans.stretches(number);
        let mut at = 0;
        for (column, cell) in (from..).zip(cells) {
            let (begin, end) = (self.edges[column], self.edges[column + 1]);
            // The window's first column takes in nothing that was over before the window.
            let touches = |stretch: &Stretch| {
                let exit = stretch.1.unwrap_or(self.now).min(self.now);
                stretch.0 <= self.now && stretch.0 < end && exit >= begin
            };
            let is_busy = |stretch: &Stretch| {
                touches(stretch) && {
                    let exit = stretch.1.unwrap_or(self.now).min(self.now);
                    runs.is_busy(column, stretch.0.max(begin), exit, end, self.now)
                }
            };
            at = gallop(again, at, |stretch| stretch.1.is_some_and(|exit| exit < begin));
            let few = &again[at..again.len().min(at + FEW)];
            let is_crowd = few.len() == FEW && few.last().is_some_and(touches);
            if first.as_ref().is_some_and(is_busy)
                || few.iter().any(is_busy)
                || (is_crowd && runs.is_busy(column, begin, end, end, self.now))
            {
                *cell = Cell::Busy;
            }
        }
    }
}

impl Runs<'_> {
    /// Whether the lane ran between two raw times, of which the first is in a column, and before the end of that.
    fn is_busy(&self, column: usize, from: Time, to: Time, end: Time, now: Time) -> bool {
        let near = &self.all[self.first[column]..self.all.len().min(self.first[column + 1] + 1)];
        let at = near.partition_point(|run| run.1.is_some_and(|over| over < from));
        near.get(at).is_some_and(|run| run.0 <= to && run.0 < end && run.0 <= now)
    }
}

/// Adds a bar that stands for so many spans; one that begins where the last one does becomes part of it.
fn add(bars: &mut Vec<Bar>, bar: Option<Bar>, count: usize) {
    let Some(mut bar) = bar else { return };
    bar.count = count;
    match bars.last_mut() {
        Some(last) if last.from == bar.from => join(last, &mut bar),
        _ => bars.push(bar),
    }
}

/// Two bars that begin in the same column become one: the longer is what is seen.
fn join(kept: &mut Bar, other: &mut Bar) {
    let count = kept.count + other.count;
    if other.cells.len() > kept.cells.len() {
        std::mem::swap(kept, other);
    }
    kept.count = count;
}

/// The first place from `at` on at which something no longer holds. Cheap if it is near.
fn gallop<T>(all: &[T], at: usize, holds: impl Fn(&T) -> bool) -> usize {
    let (mut low, mut step) = (at, 1);
    while low + step <= all.len() && holds(&all[low + step - 1]) {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(all.len());
    low + all[low..high].partition_point(holds)
}

/// How many of the first numbers something holds for.
fn partition(len: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
