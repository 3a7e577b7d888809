//! Begins and ends of rows, in the order in which they are told.
//!
//! ```text
//!   rows ──a part for each thread──► begins, sorted · ends, sorted ──the first of all heads──► one edge after the other
//! ```

use std::cmp::Ordering;
use std::thread;

use super::chrome::threads;
use super::rows::{Row, What};

/// A begin or an end of a row, in the order in which they are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) time: i64,
    /// Its row, twice, and whether it is the end.
    row: u64,
}

impl Edge {
    fn new(time: i64, row: usize, is_end: bool) -> Self {
        Self { time, row: (row as u64) << 1 | u64::from(is_end) }
    }

    /// Which of two is told first.
    #[inline]
    fn order(&self, other: &Self, rows: &[Row]) -> Ordering {
        let class = |edge: &Self| edge.class(&rows[edge.number() as usize]);
        let at_one_time = || class(self).cmp(&class(other)).then(self.row.cmp(&other.row));
        self.time.cmp(&other.time).then_with(at_one_time)
    }

    pub(super) fn is_end(self) -> bool {
        self.row & 1 == 1
    }

    pub(super) fn number(self) -> u32 {
        (self.row >> 1) as u32
    }

    /// What goes first of those at one time: ends of whole rows, the later begun first; then what has an order of its own; then
    /// begins of whole rows, the longer first.
    fn class(self, row: &Row) -> (u8, u64) {
        match (row.what, self.is_end()) {
            (What::Whole, true) => (0, u64::MAX - row.begin.abs_diff(i64::MIN)),
            (What::Whole, false) => (2, u64::MAX - row.end.abs_diff(row.begin)),
            (What::Begun | What::Poll, true) => (1, row.other.into()),
            _ => (1, row.order.into()),
        }
    }
}

/// Edges in order, of which some have been told.
struct Run {
    edges: Vec<Edge>,
    told: usize,
}

/// The edges of all rows.
#[derive(Default)]
pub(super) struct Edges {
    /// Begins and ends by themselves, as the one or the other are in order in most files.
    runs: Vec<Run>,
    /// The run with the next edge, and that.
    next: Option<(usize, Edge)>,
    all: usize,
    told: usize,
}

impl Edges {
    /// Of rows, each with one begin, and an end unless it takes no time or does not end.
    pub(super) fn new(rows: &[Row]) -> Self {
        let each = rows.len() / threads() + 1;
        let of_part = |number: usize| {
            let part = number * each..rows.len().min((number + 1) * each);
            let begins = sorted(rows, part.clone().map(|row| Edge::new(rows[row].begin, row, false)));
            let ended = part.filter(|row| rows[*row].has_end());
            [begins, sorted(rows, ended.map(|row| Edge::new(rows[row].end, row, true)))]
        };
        let runs = thread::scope(|scope| {
            let beside = |number| (number, thread::Builder::new().spawn_scoped(scope, move || of_part(number)).ok());
            let others: Vec<_> = (1..rows.len().div_ceil(each)).map(beside).collect();
            let first = of_part(0);
            // Where the system gives no thread it is done here.
            let others = others.into_iter().map(|(number, other)| match other {
                Some(other) => other.join().expect("nothing in there panics"),
                None => of_part(number),
            });
            [first].into_iter().chain(others).flatten().map(|edges| Run { edges, told: 0 }).collect::<Vec<_>>()
        });
        let all = runs.iter().map(|run| run.edges.len()).sum();
        let mut edges = Self { runs, next: None, all, told: 0 };
        edges.look(rows);
        edges
    }

    /// The next edge, which is not taken.
    #[inline]
    pub(super) fn peek(&self) -> Option<Edge> {
        self.next.map(|next| next.1)
    }

    /// Takes the next edge.
    #[inline]
    pub(super) fn take(&mut self, rows: &[Row]) -> Option<Edge> {
        let (run, edge) = self.next?;
        self.runs[run].told += 1;
        self.told += 1;
        self.look(rows);
        Some(edge)
    }

    /// Looks for the next edge.
    #[inline]
    fn look(&mut self, rows: &[Row]) {
        self.next = None;
        for (number, run) in self.runs.iter().enumerate() {
            if let Some(edge) = run.edges.get(run.told)
                && self.next.is_none_or(|(_, first)| edge.order(&first, rows).is_lt())
            {
                self.next = Some((number, *edge));
            }
        }
    }

    /// How many there are, and how many have been told.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.all, self.told)
    }
}

/// Edges by their times, and by what goes first of those at one time.
fn sorted(rows: &[Row], edges: impl Iterator<Item = Edge>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = edges.collect();
    edges.sort_by_key(|edge| edge.time);
    for at_one_time in edges.chunk_by_mut(|one, next| one.time == next.time).filter(|edges| edges.len() > 1) {
        at_one_time.sort_by(|one, other| one.order(other, rows));
    }
    edges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::import::rows::{NEVER, Place};

    fn row() -> impl Strategy<Value = Row> {
        let what = prop_oneof![Just(What::Whole), Just(What::Begun), Just(What::Point)];
        (what, 0..4_i64, prop::option::of(0..4_i64)).prop_map(|(what, begin, length)| {
            let end = length.filter(|_| what != What::Point).map_or(NEVER, |length| begin + length);
            Row { begin, end, args: Place::default(), lane: 0, site: 0, order: 0, other: 0, what }
        })
    }

    proptest! {
        #[test]
        fn parts_of_the_rows_are_told_as_if_all_were_sorted_at_once(rows in prop::collection::vec(row(), 0..40)) {
            let rows: Vec<Row> = (0..).zip(rows).map(|(at, row)| Row { order: 2 * at, other: 2 * at + 1, ..row }).collect();
            let mut all: Vec<Edge> = (0..rows.len()).map(|row| Edge::new(rows[row].begin, row, false)).collect();
            all.extend((0..rows.len()).filter(|row| rows[*row].has_end()).map(|row| Edge::new(rows[row].end, row, true)));
            all.sort_by(|one, other| one.order(other, &rows));
            let mut edges = Edges::new(&rows);
            let told: Vec<(u32, bool)> =
                std::iter::from_fn(|| edges.take(&rows)).map(|edge| (edge.number(), edge.is_end())).collect();
            prop_assert_eq!(told, all.iter().map(|edge| (edge.number(), edge.is_end())).collect::<Vec<_>>());
            prop_assert_eq!(edges.count(), (all.len(), all.len()));
        }
    }
}
