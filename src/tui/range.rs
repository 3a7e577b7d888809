//! A stretch of time that a person has chosen: from a key to the next, or by dragging, with what was called in it.
//!
//! ```text
//!   ┌ Timeline ──────────── 2.20 ms chosen: 312 calls, total 5.10 ms, self 2.00 ms ┐
//!   │           0.0 ms   ├──────── 2.20 ms ─────────┤   4.0 ms                     │
//! ```
//!
//! The count is a [`Tally`]: read a slice at a time between pictures, however long the stretch is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{count, width};
use super::theme::{Role, Theme};
use super::timeline::is_inside_text;
use super::ui::Ui;
use crate::trace::{Log, Tally, Time, Window};

/// What was chosen.
pub(super) struct Range {
    /// Where it was begun, in program time.
    begin: Time,
    /// Where it was ended; until then it ends at the cursor.
    end: Option<Time>,
    tally: Option<Tally>,
}

impl Range {
    pub(super) fn new(begin: Time) -> Self {
        Self { begin, end: None, tally: None }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn end(&mut self, at: Time) {
        self.end = Some(at);
    }

    /// The stretch, if it has a length.
    pub(super) fn window(&self, now: Time) -> Option<Window> {
        let end = self.end.unwrap_or(now);
        (end != self.begin).then(|| Window { from: self.begin.min(end), to: self.begin.max(end) })
    }

    pub(super) fn is_behind(&self, log: &Log) -> bool {
        self.tally.as_ref().is_some_and(|tally| tally.is_behind(log))
    }

    pub(super) fn read(&mut self, log: &Log, at_most: usize) {
        if let Some(tally) = &mut self.tally {
            tally.read(log, at_most);
        }
    }

    /// Begins the count again if the stretch is another one.
    pub(super) fn look(&mut self, now: Time) {
        let window = self.window(now);
        if self.tally.as_ref().map(Tally::window) != window {
            self.tally = window.map(Tally::new);
        }
    }

    pub(super) fn ask_again(&mut self) {
        self.tally = None;
    }

    /// What is in it, in words; shorter ones follow.
    pub(super) fn texts(&self, log: &Log) -> Vec<String> {
        let Some(tally) = &self.tally else {
            return vec!["a range begins here: move, then x again".to_owned(), "range: x ends it".to_owned()];
        };
        let window = tally.window();
        let long = Time(window.to.since(window.from));
        if tally.is_behind(log) {
            let (done, all) = tally.progress(log);
            return vec![format!("{long} chosen: {} % read", 100 * done / all.max(1))];
        }
        let calls = tally.calls(log);
        let sum = |of: fn(&crate::trace::CallStats) -> u64| calls.iter().map(of).fold(0, u64::saturating_add);
        let number = sum(|call| call.count);
        let (total, own) = (Time(sum(|call| call.total)), Time(sum(|call| call.own.unwrap_or(0))));
        let what = if number == 1 { "call" } else { "calls" };
        let number = count(number);
        vec![
            format!("{long} chosen: {number} {what}, total {total}, self {own}"),
            format!("{long}: {number} {what}, {total}, self {own}"),
            format!("{long}: {number} {what}"),
        ]
    }
}

/// Where it is on the axis.
pub(super) fn draw(buffer: &mut Buffer, chart: Rect, axis: u16, theme: &Theme, window: Window, range: Window) {
    if range.to < window.from || range.from > window.to || chart.width == 0 {
        return;
    }
    let column = |time: Time| window.column(time.clamp(window.from, window.to), chart.width).unwrap_or(0);
    let (from, to) = (column(range.from), column(range.to));
    let style = theme.style(Role::Key);
    let has_begin = range.from >= window.from;
    let has_end = range.to <= window.to;
    for at in from..=to {
        let mark = match at {
            _ if at == from && has_begin => '├',
            _ if at == to && has_end => '┤',
            _ => '─',
        };
        buffer[(chart.x + at, axis)].set_char(mark).set_style(style);
    }
    let text = format!(" {} ", Time(range.to.since(range.from)));
    let room = usize::from(to - from).saturating_sub(1);
    if width(&text) <= room {
        let x = chart.x + from + 1 + ((room - width(&text)) / 2) as u16;
        buffer.set_string(x, axis, text, style);
    }
    for at in [(from, has_begin), (to, has_end)].into_iter().filter(|at| at.1).map(|at| at.0) {
        for y in chart.y..chart.bottom() {
            let place = (chart.x + at, y);
            if is_inside_text(buffer, chart, place) {
                continue;
            }
            let cell = &mut buffer[place];
            if matches!(cell.symbol(), " " | "━" | "╌" | "┊") {
                cell.set_char('┆').set_style(style);
            }
        }
    }
}

impl Ui<'_> {
    /// Begins a range at the cursor, or ends it there.
    pub(super) fn mark_range(&mut self) {
        let now = self.time_now();
        match &mut self.range {
            Some(range) if !range.is_ended() => {
                if range.window(now).is_some() {
                    range.end(now);
                } else {
                    self.range = None;
                }
            }
            _ => self.range = Some(Range::new(now)),
        }
    }

    /// The stretch that was chosen, if one was.
    pub(super) fn range_now(&self) -> Option<Window> {
        self.range.as_ref().and_then(|range| range.window(self.time_now()))
    }

    /// The stretch that questions are about: the one that was chosen, else what the timeline shows.
    pub(super) fn stretch_now(&self) -> Window {
        self.range_now().unwrap_or_else(|| self.window_now())
    }

    /// Lets the chosen stretch fill the timeline.
    pub(super) fn zoom_to_range(&mut self) {
        match self.range_now() {
            Some(range) => self.window = Some(range),
            None => {
                let key = self.keys.shown("range");
                self.notify(format!(
                    "choose a range first: {key} where it begins, and {key} where it ends; or shift and drag"
                ));
            }
        }
    }
}
