//! Playing: the cursor follows a clock of its own, which goes at some multiple of program time, either way.
//!
//! The clock is told what time it is, like everything here. What happens between two pictures is jumped over by time: a
//! second of program time costs the same whether three events are in it or three million.

use std::time::Duration;

use super::ui::Ui;
use crate::trace::Time;

/// The slowest and the fastest, as powers of ten.
const POWERS: std::ops::RangeInclusive<i32> = -6..=6;
/// How long the timeline's window takes at the speed that is chosen for it, about.
const WINDOW_TAKES: f64 = 10e9;
/// A clock that was not asked for longer than this has stood still meanwhile.
const LONGEST_TICK: Duration = Duration::from_millis(250);

/// Program time going by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Play {
    /// Program time now.
    pub(super) at: Time,
    /// What the rounding to nanoseconds has left over.
    rest: f64,
    told: Duration,
}

/// How fast, as a power of ten, and which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Speed {
    power: Option<i32>,
    pub(super) is_back: bool,
}

impl Speed {
    /// `100×`, `0.001×`.
    pub(super) fn text(self) -> String {
        let power = self.power.unwrap_or(0);
        if power >= 0 {
            format!("{}×", 10_u64.pow(power as u32))
        } else {
            format!("{:.digits$}×", 10_f64.powi(power), digits = power.unsigned_abs() as usize)
        }
    }
}

impl Ui<'_> {
    /// Starts from the cursor, or from the beginning of the timeline's window if there is nothing left to play; or stops.
    pub(super) fn play_or_pause(&mut self) {
        if self.play.take().is_some() {
            return;
        }
        if self.log.is_empty() {
            self.notify("nothing is recorded yet");
            return;
        }
        let window = self.window_now();
        if self.speed.power.is_none() {
            let power = (window.to.since(window.from).max(1) as f64 / WINDOW_TAKES).log10().round() as i32;
            self.speed.power = Some(power.clamp(*POWERS.start(), *POWERS.end()));
        }
        let is_over = if self.speed.is_back { self.cursor() == 0 } else { self.is_live() };
        let at = match (is_over, self.speed.is_back) {
            (false, _) => self.time_now(),
            (true, false) => self.window.map_or(Time(0), |window| window.from),
            (true, true) => self.last_time(),
        };
        self.play = Some(Play { at, rest: 0.0, told: self.now });
        self.cursor = self.cursor_by(at);
        self.page = None;
    }

    /// Ten times faster or slower.
    pub(super) fn change_speed(&mut self, by: i32) {
        let power = self.speed.power.unwrap_or(0) + by;
        self.speed.power = Some(power.clamp(*POWERS.start(), *POWERS.end()));
        if self.play.is_none() {
            let way = if self.speed.is_back { ", backwards" } else { "" };
            self.notify(format!("V plays at {} of program time{way}", self.speed.text()));
        }
    }

    /// Turns round, and plays.
    pub(super) fn reverse(&mut self) {
        self.speed.is_back = !self.speed.is_back;
        if self.play.is_none() {
            self.play_or_pause();
        }
    }

    /// Lets the clock go on to now. Says whether the picture changes.
    pub(super) fn play_on(&mut self) -> bool {
        let Some(mut play) = self.play else { return false };
        let passed = self.now.saturating_sub(play.told).min(LONGEST_TICK);
        let ns = passed.as_nanos() as f64 * 10_f64.powi(self.speed.power.unwrap_or(0)) + play.rest;
        (play.told, play.rest) = (self.now, ns.fract());
        let end = self.last_time();
        let ns = ns as u64;
        play.at = if self.speed.is_back {
            Time(play.at.0.saturating_sub(ns))
        } else {
            Time(play.at.0.saturating_add(ns)).min(end)
        };
        let is_over = if self.speed.is_back { play.at == Time(0) } else { play.at >= end };
        self.play = (!is_over).then_some(play);
        let cursor = if is_over && !self.speed.is_back { None } else { self.cursor_by(play.at) };
        if cursor != self.cursor {
            self.cursor = cursor;
            self.keep_in_window(play.at);
            self.refresh();
        }
        true
    }

    /// The cursor at a program time; `None` is the end.
    pub(super) fn cursor_by(&self, at: Time) -> Option<usize> {
        let cursor = self.log.cursor_at(at);
        (cursor < self.log.len()).then_some(cursor)
    }

    /// Program time at the end of the recording.
    pub(super) fn last_time(&self) -> Time {
        self.log.clock().program(self.log.time_at(self.log.len()))
    }
}
