//! Raw time and program time.
//!
//! The log stores raw monotonic nanoseconds. While a person holds the program, wall time goes on and the program
//! does not: *program time* leaves the stops out. A stop begins when a held lane is shown, and ends with the next
//! `release` of any lane:
//!
//! ```text
//!   raw      0────hold══════════release────hold═══release──►
//!   program  0────┤             ├──────────┤      ├────────►
//! ```
//!
//! One clock serves all lanes. It is not the union of all holds: a worker that waits at its next watched point, while the
//! main lane is stepped, must not turn the main lane's steps into nothing. So its hold alone stops no clock.

use std::fmt;
use std::str::FromStr;

/// Nanoseconds since the recording started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The nanoseconds.
    #[must_use]
    pub fn ns(self) -> u64 {
        self.0
    }

    /// Nanoseconds from `earlier` to this, 0 if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A stretch of raw time; without an end it goes on.
pub type Stretch = (Time, Option<Time>);

/// A duration for people: `740 ns`, `12.3 µs`, `1.90 ms`, `2.50 s`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} ns", self.0),
            1_000..1_000_000 => format!("{:.1} µs", ns / 1e3),
            1_000_000..1_000_000_000 => format!("{:.2} ms", ns / 1e6),
            _ => format!("{:.2} s", ns / 1e9),
        };
        f.pad(&text)
    }
}

/// A duration as a person writes it: `740ns`, `12.3us`, `12.3µs`, `1.9 ms`, `2.5s`, `1m`.
impl FromStr for Time {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let text = text.trim();
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(NoTime)?);
        let ns = match unit.trim() {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 6e10,
            _ => return Err(NoTime),
        };
        let number: f64 = number.parse().map_err(|_| NoTime)?;
        Ok(Self((number * ns).round() as u64))
    }
}

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a number and its unit, such as 740ns, 12.3us, 1.9ms or 2.5s")]
pub struct NoTime;

/// Raw time with the stops taken out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgramClock {
    /// Finished stops: raw begin, raw end, and how long all stops up to and with this one lasted.
    stops: Vec<(Time, Time, u64)>,
    open: Option<Time>,
    /// What is said of a time up to this is known.
    known: Option<Time>,
}

impl ProgramClock {
    /// This clock for a log that tells some of it once more, and not all.
    pub(super) fn told_again(&self) -> Self {
        let last = self.open.max(self.stops.last().map(|stop| stop.1));
        Self { known: self.known.max(last), ..self.clone() }
    }

    fn knows(&self, at: Time) -> bool {
        self.known.is_some_and(|known| at <= known)
    }

    /// The program is held from `at` on; a second hold during a stop changes nothing.
    pub(super) fn hold(&mut self, at: Time) {
        if !self.knows(at) {
            self.open.get_or_insert(at);
        }
    }

    /// Somebody was let go at `at`.
    pub(super) fn release(&mut self, at: Time) {
        if !self.knows(at)
            && let Some(begin) = self.open.take()
        {
            let before = self.stops.last().map_or(0, |stop| stop.2);
            self.stops.push((begin, at, before + at.since(begin)));
        }
    }

    /// Program time at a raw time.
    #[must_use]
    pub fn program(&self, raw: Time) -> Time {
        if self.stops.is_empty() && self.open.is_none() {
            return raw;
        }
        let finished = self.stops.partition_point(|stop| stop.1 <= raw);
        let mut held = finished.checked_sub(1).map_or(0, |last| self.stops[last].2);
        if let Some(&(begin, _, _)) = self.stops.get(finished) {
            held += raw.since(begin);
        } else if let Some(begin) = self.open {
            held += raw.since(begin);
        }
        Time(raw.0 - held.min(raw.0))
    }

    /// The first raw time whose program time is not before `program`: the end of time, if a stop that is not over keeps the
    /// program from coming there.
    #[must_use]
    pub fn raw(&self, program: Time) -> Time {
        if self.open.is_some_and(|begin| self.program(begin) < program) {
            return Time(u64::MAX);
        }
        // What was held before a stop is the same from its end to the next stop.
        let passed = self.stops.partition_point(|&(_, end, held)| end.0.saturating_sub(held) < program.0);
        Time(program.0.saturating_add(passed.checked_sub(1).map_or(0, |last| self.stops[last].2)))
    }

    /// The finished and the running stops as (raw begin, raw end if over).
    pub fn stops(&self) -> impl Iterator<Item = (Time, Option<Time>)> + '_ {
        let finished = self.stops.iter().map(|&(begin, end, _)| (begin, Some(end)));
        finished.chain(self.open.map(|begin| (begin, None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stops: &[(u64, Option<u64>)], raw: u64, expected: u64) {
        let mut clock = ProgramClock::default();
        for &(begin, end) in stops {
            clock.hold(Time(begin));
            if let Some(end) = end {
                clock.release(Time(end));
            }
        }
        assert_eq!(clock.program(Time(raw)), Time(expected));
    }

    #[test]
    fn stops_are_left_out_of_program_time() {
        check(&[], 7, 7);
        check(&[(10, Some(30))], 5, 5);
        check(&[(10, Some(30))], 10, 10);
        check(&[(10, Some(30))], 25, 10);
        check(&[(10, Some(30))], 31, 11);
        check(&[(10, Some(30)), (40, Some(45))], 50, 25);
        check(&[(10, Some(30)), (40, None)], 99, 20);
    }

    #[test]
    fn a_clock_that_is_told_again_forgets_no_stop_and_takes_up_new_ones() {
        let mut clock = ProgramClock::default();
        let stop = |clock: &mut ProgramClock, begin, end| {
            clock.hold(Time(begin));
            clock.release(Time(end));
        };
        stop(&mut clock, 10, 30);
        stop(&mut clock, 40, 45);
        clock.hold(Time(60));
        let mut again = clock.told_again();
        // The second stop is not told; of the last one only its end.
        stop(&mut again, 10, 30);
        again.release(Time(70));
        stop(&mut again, 80, 81);
        assert_eq!([25, 50, 65, 75, 90].map(|at| again.program(Time(at)).0), [10, 25, 35, 40, 54]);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let read = ["740ns", "12.5us", "12.5 µs", "1.9ms", "2.5 s", "1m"].map(|text| text.parse::<Time>().unwrap().0);
        assert_eq!(read, [740, 12_500, 12_500, 1_900_000, 2_500_000_000, 60_000_000_000]);
        assert!(["", "12", "ms", "-1ms", "1.2.3ms", "1 hour"].iter().all(|text| text.parse::<Time>().is_err()));
    }

    #[test]
    fn a_raw_time_is_the_first_that_comes_there() {
        let mut clock = ProgramClock::default();
        clock.hold(Time(10));
        clock.release(Time(30));
        assert_eq!([9, 10, 11].map(|at| clock.raw(Time(at)).0), [9, 10, 31]);
        clock.hold(Time(40));
        assert_eq!([19, 20, 21].map(|at| clock.raw(Time(at)).0), [39, 40, u64::MAX]);
    }

    #[test]
    fn durations_read_like_a_person_writes_them() {
        let texts = [999, 1_500, 1_900_000, 2_500_000_000].map(|ns| Time(ns).to_string());
        assert_eq!(texts, ["999 ns", "1.5 µs", "1.90 ms", "2.50 s"]);
    }
}
