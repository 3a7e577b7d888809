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
        Self { lines: [line; 2], measured: is_exact.then(Instant::now) }
    }

    /// Measures again if it is time to. Waits up to 2 ms the first time.
    pub(super) fn measure(&mut self, clock: &Clock) {
        if !matches!(clock.source, Source::Counter) || self.measured.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        if self.measured.is_none() {
            std::thread::sleep(FIRST.saturating_sub(clock.began.elapsed()));
        }
        let (ticks, ns) = both(clock);
        let now = Instant::now();
        if self.measured.is_none() {
            let slope = ((u128::from(ns) << 32) / u128::from(ticks.max(1))) as u64;
            self.lines = [Line { ticks: 0, ns: 0, slope }; 2];
        } else {
            let last = self.lines[1];
            // From where the last line is now to where the true one will be when it is measured next.
            let begin = last.at(ticks);
            let true_slope = (u128::from(ns) << 32) / u128::from(ticks.max(1));
            let step = AGAIN.as_nanos() as u64;
            let ticks_of_step = ((u128::from(step) << 32) / true_slope.max(1)).max(1);
            let aim = (ns + step).saturating_sub(begin).max(step / 2);
            let slope = ((u128::from(aim) << 32) / ticks_of_step) as u64;
            self.lines = [last, Line { ticks, ns: begin, slope }];
        }
        self.measured = Some(now);
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
        (after - before, before + (after - before) / 2, ns)
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
