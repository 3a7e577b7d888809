//! Where each pane stands, for a size. Neighbours share their border, so rectangles overlap by one.

use ratatui::layout::{Position, Rect};

/// A part of the screen that answers one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Who is where?
    Stack,
    /// What does this step do, and is the report right?
    Lesson,
    /// What code is that?
    Source,
    /// With which values?
    Fields,
    /// When?
    Timeline,
}

impl Pane {
    /// All panes, in the order of the tab key.
    pub const ALL: [Self; 5] = [Self::Stack, Self::Lesson, Self::Timeline, Self::Fields, Self::Source];

    /// The pane `by` places further in the order of the tab key.
    #[must_use]
    pub fn moved(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}

/// What a recording is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// The chain that the lessons tell of.
    Taught,
    /// Something else: there is no page and no source text to show, and more room for time.
    Foreign,
}

/// The parts of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The first line.
    pub status: Rect,
    /// Everything between the first and the last line.
    pub body: Rect,
    /// The last line.
    pub hint: Rect,
    /// The panes that are seen.
    pub panes: Vec<(Pane, Rect)>,
}

impl Layout {
    /// The layout of a screen of `size` (columns, rows).
    #[must_use]
    pub fn new(size: (u16, u16), focus: Pane, is_zoomed: bool, story: Story) -> Self {
        let (width, height) = size;
        // Too low for everything: the pane matters most, then the status line.
        let status = Rect::new(0, 0, width, u16::from(height >= 3));
        let hint_rows = u16::from(height >= 4);
        let hint = Rect::new(0, height - hint_rows.min(height), width, hint_rows);
        let body = Rect::new(0, status.height, width, height - status.height - hint.height);
        let panes = if is_zoomed || width < 60 || body.height < 14 {
            vec![(focus, body)]
        } else if story == Story::Foreign {
            foreign(body, focus)
        } else if width >= 160 && body.height >= 34 {
            large(body)
        } else if width >= 100 && body.height >= 30 {
            wide(body)
        } else {
            small(body, focus)
        };
        Self { status, body, hint, panes }
    }

    /// The rectangle of a pane that is seen.
    #[must_use]
    pub fn pane(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|entry| entry.0 == pane).map(|entry| entry.1)
    }

    /// The pane at a column and row.
    #[must_use]
    pub fn at(&self, column: u16, row: u16) -> Option<Pane> {
        self.panes.iter().find(|entry| entry.1.contains(Position::new(column, row))).map(|entry| entry.0)
    }
}

fn large(body: Rect) -> Vec<(Pane, Rect)> {
    let (upper, lower) = rows(body, body.height * 36 / 100);
    let (left, rest) = columns(upper, upper.width * 31 / 100);
    let (middle, right) = columns(rest, rest.width * 46 / 100);
    let (stack, fields) = rows(left, (left.height * 30 / 100).max(7));
    vec![
        (Pane::Stack, stack),
        (Pane::Fields, fields),
        (Pane::Lesson, middle),
        (Pane::Source, right),
        (Pane::Timeline, lower),
    ]
}

fn wide(body: Rect) -> Vec<(Pane, Rect)> {
    let (upper, lower) = rows(body, (body.height * 28 / 100).max(9));
    let (left, right) = columns(upper, upper.width * 46 / 100);
    let (stack, fields) = rows(left, (left.height * 28 / 100).max(6));
    let (lesson, source) = rows(right, (right.height * 32 / 100).max(7));
    vec![
        (Pane::Stack, stack),
        (Pane::Fields, fields),
        (Pane::Lesson, lesson),
        (Pane::Source, source),
        (Pane::Timeline, lower),
    ]
}

fn small(body: Rect, focus: Pane) -> Vec<(Pane, Rect)> {
    let (upper, lower) = rows(body, if body.height >= 20 { 7 } else { 5 });
    let (left, right) = columns(upper, upper.width / 2);
    vec![
        (if focus == Pane::Fields { Pane::Fields } else { Pane::Stack }, left),
        (if focus == Pane::Source { Pane::Source } else { Pane::Lesson }, right),
        (Pane::Timeline, lower),
    ]
}

fn foreign(body: Rect, focus: Pane) -> Vec<(Pane, Rect)> {
    let (upper, lower) = rows(body, (body.height * 55 / 100).max(7));
    let (left, right) = columns(upper, upper.width * 54 / 100);
    let beside = if matches!(focus, Pane::Lesson | Pane::Source) { focus } else { Pane::Fields };
    vec![(Pane::Stack, left), (beside, right), (Pane::Timeline, lower)]
}

/// Splits off the lowest `lower` rows, the border between them shared.
fn rows(area: Rect, lower: u16) -> (Rect, Rect) {
    let lower = lower.min(area.height);
    let upper = Rect { height: (area.height - lower + 1).min(area.height), ..area };
    (upper, Rect { y: area.bottom() - lower, height: lower, ..area })
}

/// Splits off the first `left` columns, the border between them shared.
fn columns(area: Rect, left: u16) -> (Rect, Rect) {
    let left = left.clamp(1, area.width.max(1));
    (Rect { width: left, ..area }, Rect { x: area.x + left - 1, width: area.width - left + 1, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pane_is_inside_the_screen_at_every_size() {
        for width in 0..210 {
            for height in 0..64 {
                for (pane, story) in
                    Pane::ALL.into_iter().flat_map(|pane| [(pane, Story::Taught), (pane, Story::Foreign)])
                {
                    let screen = Rect::new(0, 0, width, height);
                    let layout = Layout::new((width, height), pane, false, story);
                    for (_, rect) in &layout.panes {
                        assert_eq!(rect.intersection(screen), *rect, "{width}x{height}");
                    }
                    assert!(layout.pane(pane).is_some(), "the focused pane is seen at {width}x{height}");
                }
            }
        }
    }
}
