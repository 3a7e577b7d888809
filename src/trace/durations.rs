//! Durations in little room, for percentiles: a few are kept one by one, many in steps.

/// Durations that are kept one by one.
const EXACT: usize = 1024;
/// Steps per power of two of those that are not: what is read off them is at most 1.6 % too high.
const STEPS: u32 = 64;

/// Durations, one by one or in steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    exact: Vec<u64>,
    /// How many are in each step, once there are too many.
    steps: Vec<u64>,
    count: u64,
}

impl Durations {
    /// Counts one, in ns.
    #[inline]
    pub(super) fn add(&mut self, ns: u64) {
        self.count += 1;
        let step = step_of(ns);
        match self.steps.get_mut(step) {
            Some(count) => *count += 1,
            None => self.add_far(ns),
        }
    }

    /// One by one, or in a step that is further than all before.
    #[cold]
    fn add_far(&mut self, ns: u64) {
        if self.is_exact() && self.exact.len() < EXACT {
            self.exact.push(ns);
            return;
        }
        let step = step_of(ns);
        let all = std::mem::take(&mut self.exact);
        let last = all.iter().map(|ns| step_of(*ns)).max().unwrap_or(0).max(step);
        self.steps.resize(last + 1, 0);
        for ns in all.into_iter().chain([ns]) {
            self.steps[step_of(ns)] += 1;
        }
    }

    /// Whether they are kept one by one.
    pub(super) fn is_exact(&self) -> bool {
        self.steps.is_empty()
    }

    /// For each share in percent the shortest duration that so many of all do not exceed.
    pub(super) fn at_most<const N: usize>(&self, percents: [u64; N]) -> [Option<u64>; N] {
        let mut sorted = self.exact.clone();
        sorted.sort_unstable();
        percents.map(|percent| {
            let wanted = (self.count * percent).div_ceil(100).max(1);
            if self.is_exact() {
                return sorted.get(wanted as usize - 1).copied();
            }
            let mut seen = 0;
            let step = self.steps.iter().position(|count| {
                seen += count;
                seen >= wanted
            })?;
            Some(end_of(step))
        })
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        (self.exact.capacity() + self.steps.capacity()) * 8
    }
}

/// Up to 64 one by one, then 64 steps for every power of two.
fn step_of(ns: u64) -> usize {
    let shift = (64 - ns.leading_zeros()).saturating_sub(STEPS.trailing_zeros() + 1);
    (u64::from(shift * STEPS) + (ns >> shift)) as usize
}

/// The longest duration of a step.
fn end_of(step: usize) -> u64 {
    let step = step as u64;
    let shift = (step / u64::from(STEPS)).saturating_sub(1);
    let base = step - shift * u64::from(STEPS);
    (base << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_narrow_and_in_order() {
        for ns in (0..20_000).chain((14..63).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1])) {
            let end = end_of(step_of(ns));
            assert!(end >= ns && end - ns <= ns / u64::from(STEPS), "{ns} is in the step up to {end}");
            assert!(step_of(ns + 1) >= step_of(ns));
        }
    }

    #[test]
    fn few_durations_are_exact_and_many_are_near() {
        let mut durations = Durations::default();
        assert_eq!(durations.at_most([50]), [None]);
        (1..=1000).rev().for_each(|ns| durations.add(ns));
        assert_eq!(durations.at_most([50, 99]), [Some(500), Some(990)]);
        (1001..=100_000).for_each(|ns| durations.add(ns));
        let p99 = durations.at_most([99])[0].unwrap();
        assert!((99_000..101_000).contains(&p99), "{p99}");
    }
}
