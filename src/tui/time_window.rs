//! Which stretch of program time the timeline shows, and the axis above it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::width;
use super::theme::{Role, Theme};
use crate::trace::{Landmarks, Log, Time, Window};

/// The shortest window, in nanoseconds.
const SHORTEST: u64 = 200;

/// The window that fits: from the beginning until the loop serves. Live, it is later one of that length that ends now; in the
/// past, one of the pages that follow each other, so that what is seen stands still while the cursor moves. Without a loop
/// it is all there is.
pub(super) fn fitting(log: &Log, landmarks: &Landmarks, cursor: Option<usize>) -> Window {
    let program = |cursor| log.clock().program(log.time_at(cursor)).0;
    let end = program(log.len());
    let length = landmarks.loop_serves.map_or(end, program).max(1_000);
    // A second page with nearly nothing on it is no page.
    let length = if cursor.is_some() && end < 2 * length { length.max(end) } else { length };
    let padded = length + length / 8;
    let from = match cursor {
        None if end <= padded => 0,
        None => end - length,
        Some(cursor) => program(cursor) / padded * padded,
    };
    Window { from: Time(from), to: Time(from + padded) }
}

/// The window with its length multiplied by a fraction, around a time or else the middle.
pub(super) fn zoomed(window: Window, at: Time, (numerator, denominator): (u64, u64)) -> Window {
    let length = window.to.since(window.from);
    let middle = if (window.from..=window.to).contains(&at) { at.0 } else { window.from.0 + length / 2 };
    let new = (length.saturating_mul(numerator) / denominator).clamp(SHORTEST, 1 << 50);
    // The middle keeps its place on the screen.
    let share = u128::from(middle - window.from.0) * u128::from(new) / u128::from(length.max(1));
    let from = middle.saturating_sub(share as u64);
    Window { from: Time(from), to: Time(from + new) }
}

/// The window moved by so many of its columns, to the left or to the right, as far as there is a recording.
pub(super) fn dragged(window: Window, columns: i32, width: u16, end: Time) -> Window {
    let length = window.to.since(window.from);
    let by = u128::from(length) * u128::from(columns.unsigned_abs()) / u128::from(width.max(1));
    let by = by.min(1 << 60) as u64;
    let from = if columns < 0 { window.from.0.saturating_sub(by) } else { window.from.0.saturating_add(by) };
    let from = from.min(end.0.saturating_sub(length / 10).max(window.from.0.min(end.0)));
    Window { from: Time(from), to: Time(from.saturating_add(length)) }
}

/// The window a quarter of its length earlier or later.
pub(super) fn panned(window: Window, later: bool) -> Window {
    let length = window.to.since(window.from);
    let by = (length / 4).max(1);
    let from = if later { window.from.0.saturating_add(by) } else { window.from.0.saturating_sub(by) };
    Window { from: Time(from), to: Time(from.saturating_add(length)) }
}

/// Times at round numbers, at least a label apart.
pub(super) fn axis(buffer: &mut Buffer, area: Rect, theme: &Theme, window: Window) {
    let length = window.to.since(window.from).max(1);
    let wanted = (u64::from(area.width) / 14).max(1);
    let step = round_step(length / wanted);
    let (unit, name) = match window.to.0 {
        0..10_000 => (1, "ns"),
        10_000..1_000_000 => (1_000, "µs"),
        1_000_000..2_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let digits = (0..9).find(|digits| step.saturating_mul(10_u64.pow(*digits)) % unit == 0).unwrap_or(9) as usize;
    let mut at = window.from.0.div_ceil(step) * step;
    while at <= window.to.0 {
        let label = format!("{:.digits$} {name}", at as f64 / unit as f64);
        if let Some(column) = window.column(Time(at), area.width) {
            let x = area.x + column;
            let length = width(&label) as u16;
            // A blank on both sides, and nothing of a mark's label is covered.
            let around = x.saturating_sub(1).max(area.x)..(x + length + 1).min(area.right());
            let is_free = around.into_iter().all(|x| buffer[(x, area.y)].symbol() == " ");
            if is_free && x + length <= area.right() {
                buffer.set_stringn(x, area.y, &label, usize::from(length), theme.style(Role::Dim));
            }
        }
        at += step;
    }
}

/// The next of 1, 2, 5, 10, 20, 50, … that is not smaller.
fn round_step(at_least: u64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if factor * power >= at_least {
                return factor * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_numbers() {
        assert_eq!([0, 1, 3, 7, 11, 49, 51, 999].map(round_step), [1, 1, 5, 10, 20, 50, 100, 1000]);
    }

    #[test]
    fn zooming_in_and_out_keeps_the_cursor_in_its_place() {
        let window = Window { from: Time(1_000), to: Time(9_000) };
        assert_eq!(zoomed(window, Time(3_000), (1, 2)), Window { from: Time(2_000), to: Time(6_000) });
        assert_eq!(zoomed(zoomed(window, Time(3_000), (1, 2)), Time(3_000), (2, 1)), window);
    }

    #[test]
    fn the_window_never_starts_before_the_beginning() {
        let window = Window { from: Time(100), to: Time(1_100) };
        assert_eq!(panned(window, false), Window { from: Time(0), to: Time(1_000) });
    }

    #[test]
    fn a_window_is_dragged_by_columns_and_stays_with_the_recording() {
        let window = Window { from: Time(1_000), to: Time(2_000) };
        let from = |columns, end| dragged(window, columns, 100, Time(end)).from.0;
        assert_eq!([from(10, 9_000), from(-10, 9_000), from(-100, 9_000), from(-300, 9_000)], [1_100, 900, 0, 0]);
        assert_eq!([from(300, 2_000), from(90, 900)], [1_900, 900]);
    }
}
