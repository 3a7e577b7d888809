//! Time as the recording threads take it, in ticks, and as the log has it, in ns.
//!
//! A tick is whatever costs least. The collector measures how long one is, once before it needs it and from then on
//! about every second, off the recording threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::tsc;
use crate::trace::Time;

/// How long the first measurement of a tick takes at the least: to some 20 parts in a million.
const FIRST: Duration = Duration::from_millis(2);
/// How often it is measured again.
const AGAIN: Duration = Duration::from_secs(1);
/// How far the two clocks may part between two measurements, in ns and in parts of the time between them. More than that is
/// no error of measurement: the machine has slept, and one of them went on.
const APART: (u64, u64) = (20_000_000, 100);

/// A clock that is read in ticks since it was made.
pub(super) struct Clock {
    source: Source,
    began: Instant,
    base: u64,
}

enum Source {
    /// The processor's counter.
    Counter,
    /// The operating system's monotonic clock: a tick is 1 ns.
    System,
    /// Every reading is one more than the one before, across all threads: the order of things made exact, for tests.
    Counted(AtomicU64),
}

impl Clock {
    pub(super) fn new() -> Self {
        let source = if tsc::is_invariant() { Source::Counter } else { Source::System };
        Self { source, began: Instant::now(), base: tsc::read() }
    }

    pub(super) fn counted() -> Self {
        Self { source: Source::Counted(AtomicU64::new(0)), ..Self::new() }
    }

    /// Now, in ticks; 56 bits of them last for most of a year.
    #[inline]
    pub(super) fn ticks(&self) -> u64 {
        match &self.source {
            Source::Counter => tsc::read().wrapping_sub(self.base),
            Source::System => self.began.elapsed().as_nanos() as u64,
            Source::Counted(count) => count.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }
}

impl Clock {
    /// Whether every reading is to be another.
    #[inline]
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.source, Source::Counted(_))
    }
}

/// How long ticks are: straight lines, each beginning where the one before ends.
pub(super) struct Rate {
    /// The last two.
    lines: [Line; 2],
    measured: Option<Instant>,
    /// Ticks and ns from which the true slope is reckoned, and those of the last measurement.
    origin: (u64, u64),
    last: (u64, u64),
    /// That slope: a line bends away from it for a second, to come back to the truth.
    slope: u64,
}

#[derive(Clone, Copy, Default)]
struct Line {
    ticks: u64,
    ns: u64,
    /// ns in a tick, times 2^32.
    slope: u64,
}

impl Line {
    fn at(&self, ticks: u64) -> u64 {
        if ticks >= self.ticks {
            self.ns.saturating_add(((u128::from(ticks - self.ticks) * u128::from(self.slope)) >> 32) as u64)
        } else {
            self.ns.saturating_sub(((u128::from(self.ticks - ticks) * u128::from(self.slope)) >> 32) as u64)
        }
    }
}

impl Rate {
    pub(super) fn new(clock: &Clock) -> Self {
        let line = Line { ticks: 0, ns: 0, slope: 1 << 32 };
        let is_exact = !matches!(clock.source, Source::Counter);
        Self { lines: [line; 2], measured: is_exact.then(Instant::now), origin: (0, 0), last: (0, 0), slope: 1 << 32 }
    }

    /// Measures again if it is time to. Waits up to 2 ms the first time.
    pub(super) fn measure(&mut self, clock: &Clock) {
        if !matches!(clock.source, Source::Counter) {
            return;
        }
        let is_due = self.measured.is_none_or(|at| at.elapsed() >= AGAIN);
        if !is_due && !self.has_parted((clock.ticks(), clock.began.elapsed().as_nanos() as u64)) {
            return;
        }
        if self.measured.is_none() {
            std::thread::sleep(FIRST.saturating_sub(clock.began.elapsed()));
        }
        if self.take(both(clock), is_due) {
            self.measured = Some(Instant::now());
        }
    }

    /// Takes in what the counter and the system's clock say at one instant, and says whether that changes anything. It is
    /// due every second.
    fn take(&mut self, (ticks, ns): (u64, u64), is_due: bool) -> bool {
        if self.last == (0, 0) {
            self.slope = ((u128::from(ns) << 32) / u128::from(ticks.max(1))) as u64;
            self.lines = [Line { ticks: 0, ns: 0, slope: self.slope }; 2];
        } else if self.has_parted((ticks, ns)) {
            // The system's clock is right; how long a tick is has not changed.
            self.lines = [self.lines[1], Line { ticks, ns, slope: self.slope }];
            self.origin = (ticks, ns);
        } else if is_due {
            let last = self.lines[1];
            // From where the last line is now to where the true one will be when it is measured next.
            let begin = last.at(ticks);
            let (ticks_before, ns_before) = self.origin;
            let true_slope = (u128::from(ns - ns_before) << 32) / u128::from((ticks - ticks_before).max(1));
            let step = AGAIN.as_nanos() as u64;
            let ticks_of_step = ((u128::from(step) << 32) / true_slope.max(1)).max(1);
            let aim = (ns + step).saturating_sub(begin).max(step / 2);
            let slope = ((u128::from(aim) << 32) / ticks_of_step) as u64;
            self.lines = [last, Line { ticks, ns: begin, slope }];
            self.slope = true_slope as u64;
        } else {
            return false;
        }
        self.last = (ticks, ns);
        true
    }

    /// Whether the two clocks, as they stand, have parted since they were measured last.
    fn has_parted(&self, (ticks, ns): (u64, u64)) -> bool {
        let Some(ticks) = ticks.checked_sub(self.last.0) else { return true };
        let (told, is) = (Line { ticks: 0, ns: 0, slope: self.slope }.at(ticks), ns.saturating_sub(self.last.1));
        told.abs_diff(is) > APART.0 + is / APART.1
    }

    /// ns since the clock was made.
    #[inline]
    pub(super) fn ns(&self, ticks: u64) -> u64 {
        let [before, last] = &self.lines;
        if ticks >= last.ticks { last.at(ticks) } else { before.at(ticks).min(last.ns) }
    }
}

/// Time in the log: ns since its first event.
pub(super) struct Times {
    pub(super) rate: Rate,
    /// ns on the clock at the first event.
    zero: Option<u64>,
    /// The latest so far.
    pub(super) last: Time,
    /// How many were asked for after a later one.
    pub(super) late: u64,
}

impl Times {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, zero: None, last: Time(0), late: 0 }
    }

    /// The time of an event.
    #[inline]
    pub(super) fn at(&mut self, ticks: u64) -> Time {
        let ns = self.rate.ns(ticks);
        let time = Time(ns.saturating_sub(*self.zero.get_or_insert(ns)));
        if time < self.last {
            self.late += 1;
        } else {
            self.last = time;
        }
        time
    }

    /// The time of what is known to have happened at some time after this, and only now.
    pub(super) fn by_now(&mut self, ticks: u64) -> Time {
        let zero = self.zero.unwrap_or(0);
        self.last = self.last.max(Time(self.rate.ns(ticks).saturating_sub(zero)));
        self.last
    }

    /// The next event is the first of another log.
    pub(super) fn restart(&mut self) {
        (self.zero, self.last) = (None, Time(0));
    }
}

/// The counter and the system's clock at one instant: of a few readings the one that took least.
fn both(clock: &Clock) -> (u64, u64) {
    let read = || {
        let before = clock.ticks();
        let ns = clock.began.elapsed().as_nanos() as u64;
        let after = clock.ticks();
        let took = after.saturating_sub(before);
        (took, before + took / 2, ns)
    };
    let best = (0..8).map(|_| read()).min_by_key(|reading| reading.0);
    best.map_or((1, 1), |(_, ticks, ns)| (ticks, ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds_that_never_run_backwards() {
        let clock = Clock::new();
        let mut rate = Rate::new(&clock);
        rate.measure(&clock);
        let (ticks, ns) = both(&clock);
        let told = rate.ns(ticks);
        // Both began within the making of the clock, and a tick was measured over 2 ms at the least.
        assert!(told.abs_diff(ns) < 50_000 + ns / 500, "{told} is not {ns}");
        let mut last = 0;
        for ticks in (0..4)
            .flat_map(|step| [rate.lines[1].ticks + step, step * 1_000_000])
            .collect::<std::collections::BTreeSet<_>>()
        {
            let now = rate.ns(ticks);
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn a_counter_that_went_on_or_back_while_the_machine_slept_tells_the_time_of_the_system() {
        #[track_caller]
        fn check(jump: impl Fn(u64) -> u64) {
            const MS: u64 = 1_000_000;
            let mut rate = Rate::new(&Clock::new());
            // Two ticks a ns.
            assert!(rate.take((4 * MS, 2 * MS), true));
            assert!(rate.take((2_004 * MS, 1_002 * MS), true));
            // Not due, and nothing has happened.
            assert!(!rate.take((2_204 * MS, 1_102 * MS), false));
            // Now something has.
            let ticks = |ns: u64| jump(2 * ns);
            let now = 1_202 * MS;
            assert!(rate.take((ticks(now), now), false));
            assert_eq!([now, now + 100 * MS].map(|ns| rate.ns(ticks(ns))), [now, now + 100 * MS]);
            let later = now + 1_000 * MS;
            assert!(rate.take((ticks(later), later), true));
            let told = [later, later + 1_000 * MS].map(|ns| rate.ns(ticks(ns)));
            assert_eq!(told, [later, later + 1_000 * MS]);
        }
        check(|ticks| ticks + 7_200_000_000_000);
        check(|ticks| ticks - 2_200_000_000);
        check(|ticks| ticks - 300_000_000);
    }

    #[test]
    fn a_new_line_begins_where_the_last_one_ends_and_bends_towards_the_truth() {
        let clock = Clock::new();
        let mut rate = Rate::new(&clock);
        rate.measure(&clock);
        if !matches!(clock.source, Source::Counter) {
            return;
        }
        // As if the first measurement had been 1 % wrong.
        for line in &mut rate.lines {
            line.slope += line.slope / 100;
        }
        rate.measured = Some(Instant::now() - AGAIN);
        let wrong = rate.lines[1].slope;
        rate.measure(&clock);
        assert!(rate.lines[1].slope < wrong);
        let seam = rate.lines[1].ticks;
        assert!(rate.ns(seam) >= rate.ns(seam - 1) && rate.ns(seam) - rate.ns(seam - 1) <= 2);
    }
}
