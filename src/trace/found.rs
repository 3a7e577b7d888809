//! What a search has found, in the order of opening, in blocks: a call that ends late comes in among millions without
//! moving them.

use super::find::Match;

/// Matches a block at the most.
const BLOCK: usize = 4096;

/// Matches in the order of their openings.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Each not empty, with how many are in those before it.
    blocks: Vec<(usize, Vec<Match>)>,
}

impl Found {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| last.0 + last.1.len())
    }

    /// Puts one in its place.
    pub(super) fn insert(&mut self, found: Match) {
        let after = self.blocks.partition_point(|block| block.1[0].at < found.at);
        let Some(block) = self.blocks.get_mut(after.saturating_sub(1)) else {
            self.blocks.push((0, vec![found]));
            return;
        };
        let place = block.1.partition_point(|other| other.at < found.at);
        block.1.insert(place, found);
        for later in &mut self.blocks[after.max(1)..] {
            later.0 += 1;
        }
        self.split(after.saturating_sub(1));
    }

    /// Makes two blocks of one that is full. Most come in at the end: the last leaves its room to the next.
    fn split(&mut self, at: usize) {
        let is_last = at + 1 == self.blocks.len();
        let (first, block) = &mut self.blocks[at];
        if block.len() > BLOCK {
            let keep = if is_last { BLOCK * 3 / 4 } else { BLOCK / 2 };
            let rest = block.split_off(keep);
            let first = *first + keep;
            self.blocks.insert(at + 1, (first, rest));
        }
    }

    /// One by its number, from 0.
    pub(super) fn get(&self, number: usize) -> Option<Match> {
        let block = self.blocks.partition_point(|block| block.0 <= number).checked_sub(1)?;
        let (first, block) = &self.blocks[block];
        block.get(number - first).copied()
    }

    /// How many there are before the first for which something does not hold, if it holds for none behind that.
    pub(super) fn count_while(&self, holds: impl Fn(&Match) -> bool) -> usize {
        let Some(block) = self.blocks.partition_point(|block| holds(&block.1[0])).checked_sub(1) else { return 0 };
        let (first, block) = &self.blocks[block];
        first + block.partition_point(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{SpanId, Time};

    #[test]
    fn matches_come_in_at_the_end_near_it_and_anywhere_and_are_in_order() {
        let mut found = Found::default();
        let mut expected = Vec::new();
        // Every place once: mostly the next, every seventh much later than it is its turn.
        let (late, next): (Vec<usize>, Vec<usize>) = (0..30_000).partition(|at| at % 7 == 3);
        for at in next.into_iter().chain(late.into_iter().rev()) {
            found.insert(Match { span: SpanId(at as u64), at, opened: Time(at as u64) });
            expected.push(at);
            if expected.len() % 1_000 == 0 {
                expected.sort_unstable();
                let all: Vec<usize> = (0..).map_while(|number| found.get(number)).map(|found| found.at).collect();
                assert_eq!(all, expected);
                assert_eq!(found.len(), expected.len());
            }
        }
        assert_eq!([0, 1, 12_345, 40_000].map(|at| found.count_while(|found| found.at < at)), [0, 1, 12_345, 30_000]);
    }
}
