//! The whole recording in one row, and where in it the timeline's window is: in the lower border of the pane.
//!
//! ```text
//!   └──────────▂▁▁───▁▁▃▇▇▅[▂▂▁▁▁▇▇▇]▁▁▁▂▂▁───┘      how much happened, column by column; [ ] is what is seen above
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::{Role, Theme};
use crate::trace::{Log, Time, Window};

/// From nothing to most.
const LEVELS: [char; 8] = ['─', '▁', '▂', '▃', '▄', '▅', '▆', '▇'];

/// How much happened in each column, as of a look at the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Minimap {
    levels: Vec<u8>,
    /// The length of the log, and the time of its end, when it was looked at.
    as_of: (usize, Time),
}

impl Minimap {
    /// Looks at the log again, if it has become longer by what can be seen. Costs a search per column.
    pub(super) fn look(&mut self, log: &Log, columns: usize) {
        let old = self.as_of.0;
        if self.levels.len() == columns && (old..=old + old / 256).contains(&log.len()) {
            return;
        }
        let clock = log.clock();
        let end = clock.program(log.time_at(log.len()));
        let all = Window { from: Time(0), to: Time(end.0.max(1)) };
        let mut before = 0;
        let counts = (1..=columns as u16).map(|column| {
            let until = if usize::from(column) == columns {
                log.len()
            } else {
                log.cursor_at_raw(clock.raw(all.time_of(column, columns as u16))).max(before)
            };
            let count = until - before;
            before = until;
            count
        });
        let counts: Vec<usize> = counts.collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let scale = (most as f64).ln_1p().max(1.0);
        self.levels = counts.iter().map(|count| (7.0 * (*count as f64).ln_1p() / scale).ceil() as u8).collect();
        self.as_of = (log.len(), end);
    }

    /// The recording from its beginning to its end, if there is more of it than a window shows.
    pub(super) fn whole(&self, window: Window) -> Option<Window> {
        let whole = Window { from: Time(0), to: Time(self.as_of.1.0.max(1)) };
        let is_more = window.from > whole.from || window.to < whole.to;
        (is_more && !self.levels.is_empty() && self.as_of.0 > 0).then_some(whole)
    }

    /// Draws it into a row.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, window: Window) {
        let Some(whole) = self.whole(window) else { return };
        let width = (self.levels.len() as u16).min(area.width);
        if width < 3 {
            return;
        }
        let column = |time: Time| whole.column(time.min(whole.to), width).unwrap_or(0);
        let from = column(window.from).min(width - 2);
        let to = column(window.to).max(from + 1);
        for at in 0..width {
            let level = self.levels[usize::from(at)].min(7);
            let (mark, role) = match at {
                _ if at == from => ('[', Role::Accent),
                _ if at == to => (']', Role::Accent),
                _ if (from..to).contains(&at) => (LEVELS[usize::from(level)], Role::Accent),
                _ => (LEVELS[usize::from(level)], Role::Dim),
            };
            buffer[(area.x + at, area.y)].set_char(mark).set_style(theme.style(role));
        }
    }
}
