//! A lane's name in the timeline, with how many of its events are missing.
//!
//! ```text
//!   worker-1 −1,204 lost     worker-1 −1,204     worker-1          work… −1,204
//!                                                −1,204 lost
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::{count, cut, width};
use super::theme::{Role, Theme};
use crate::trace::{LaneRecord, Log};

/// Columns of a name that is cut, at the least.
const NAME: usize = 3;

/// What stands left of a lane's rows.
pub(super) struct LaneLabel<'a> {
    name: &'a str,
    lost: u64,
}

impl<'a> LaneLabel<'a> {
    pub(super) fn new(log: &Log, lane: &'a LaneRecord) -> Self {
        Self { name: &lane.name, lost: log.dropped_in(lane.id) }
    }

    /// Columns of the name alone.
    pub(super) fn name_width(&self) -> usize {
        width(self.name)
    }

    /// Columns of all of it in one line, if something is lost.
    pub(super) fn lost_width(&self) -> Option<usize> {
        (self.lost > 0).then(|| width(self.name) + 1 + width(&self.losses()[0]))
    }

    /// What is lost, in words and without.
    fn losses(&self) -> [String; 2] {
        let number = format!("−{}", count(self.lost));
        [format!("{number} lost"), number]
    }

    /// Draws it into the columns left of the lane's rows; a column is left free. What is lost goes beside the name, else
    /// below it, else a part of the name goes.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, style: Style) {
        let room = usize::from(area.width).saturating_sub(1);
        let lost = theme.style(Role::Bad);
        let losses = if self.lost > 0 { self.losses() } else { Default::default() };
        let beside = losses.iter().find(|text| width(self.name) + 1 + width(text) <= room);
        let below = losses.iter().find(|text| width(text) <= room).filter(|_| area.height > 1);
        let short = (room.saturating_sub(width(&losses[1]) + 1), &losses[1]);
        let (name, beside) = match (beside, below) {
            _ if self.lost == 0 => (room, None),
            (Some(beside), _) => (width(self.name), Some(beside)),
            (None, Some(below)) => {
                buffer.set_stringn(area.x, area.y + 1, below, room, lost);
                (room, None)
            }
            _ if short.0 < NAME => (room, None),
            _ => (short.0, Some(short.1)),
        };
        let (x, _) = buffer.set_stringn(area.x, area.y, cut(self.name, name), name, style);
        if let Some(beside) = beside {
            buffer.set_stringn(x + 1, area.y, beside, room, lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((name, lost): (&str, u64), (width, height): (u16, u16), expected: &str) {
        let area = Rect { x: 0, y: 0, width, height };
        let mut buffer = Buffer::empty(area);
        LaneLabel { name, lost }.draw(&mut buffer, area, &Theme::default(), Style::new());
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        let rows: Vec<String> = (0..height).map(row).collect();
        assert_eq!(rows.join("\n").trim_end(), expected);
    }

    #[test]
    fn what_a_lane_lost_stands_beside_its_name_or_below_it_or_in_its_place() {
        check(("hub", 0), (9, 1), "hub");
        check(("hub", 7), (13, 1), "hub −7 lost");
        check(("worker-1", 1_204), (21, 1), "worker-1 −1,204 lost");
        check(("worker-1", 1_204), (20, 1), "worker-1 −1,204");
        check(("worker-1", 1_204), (13, 2), "worker-1\n−1,204 lost");
        check(("worker-1", 1_204), (9, 2), "worker-1\n−1,204");
        check(("worker-1", 1_204), (13, 1), "work… −1,204");
        check(("worker-1", 1_204_000), (13, 1), "worker-1");
        check(("worker-1", u64::MAX), (5, 2), "wor…");
        check(("worker-1", 3), (1, 1), "");
        check(("worker-1", 3), (0, 0), "");
    }
}
