//! Where each pane stands, for a size. Neighbours share their border, so rectangles overlap by one.

use std::collections::BTreeMap;

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
    /// The borders between them that can be moved.
    pub(super) borders: Vec<Border>,
}

impl Layout {
    /// The layout of a screen of `size` (columns, rows).
    #[must_use]
    pub fn new(size: (u16, u16), focus: Pane, is_zoomed: bool, story: Story, arrangement: &Arrangement) -> Self {
        let (width, height) = size;
        // Too low for everything: the pane matters most, then the status line.
        let status = Rect::new(0, 0, width, u16::from(height >= 3));
        let hint_rows = u16::from(height >= 4);
        let hint = Rect::new(0, height - hint_rows.min(height), width, hint_rows);
        let body = Rect::new(0, status.height, width, height - status.height - hint.height);
        let form = if width >= 160 && body.height >= 34 {
            Form::Large
        } else if width >= 100 && body.height >= 30 {
            Form::Wide
        } else {
            Form::Small
        };
        let preset = match (arrangement.preset, story) {
            // There is no page and no source text to make room for.
            (Preset::Lesson | Preset::Loop | Preset::Code, Story::Foreign) => None,
            // What lies below the picture of the loop.
            (Preset::Loop, Story::Taught) => Some(Preset::Lesson),
            (preset, _) => Some(preset),
        };
        let mut splits = Splits { arrangement, preset, form, borders: Vec::new() };
        let panes = if is_zoomed || width < 60 || body.height < 14 {
            vec![(focus, body)]
        } else {
            match (preset, form) {
                (None, _) => splits.foreign(body, focus),
                (Some(Preset::Lesson | Preset::Loop), Form::Large) => splits.large(body),
                (Some(Preset::Lesson | Preset::Loop), Form::Wide) => splits.wide(body),
                (Some(Preset::Lesson | Preset::Loop), Form::Small) => splits.small(body, focus),
                (Some(Preset::Stack), form) => splits.stack(body, focus, form, story),
                (Some(Preset::Timeline), _) => splits.timeline(body, focus, story),
                (Some(Preset::Code), form) => splits.code(body, focus, form),
            }
        };
        Self { status, body, hint, panes, borders: splits.borders }
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

    /// The border at a column and row; where two meet, the one that divides more.
    pub(super) fn border_at(&self, column: u16, row: u16) -> Option<Border> {
        self.borders.iter().find(|border| border.line().contains(Position::new(column, row))).copied()
    }

    /// The borders around a pane, and whether the pane is above or left of each.
    pub(super) fn borders_of(&self, pane: Pane) -> Vec<(Border, bool)> {
        let Some(rect) = self.pane(pane) else { return Vec::new() };
        let touching = self.borders.iter().filter_map(|border| {
            let (begin, end) = match border.axis {
                Axis::Columns => (rect.x, rect.right() - 1),
                Axis::Rows => (rect.y, rect.bottom() - 1),
            };
            let is_inside = border.whole.intersection(rect) == rect;
            let is_first = end == border.at;
            (is_inside && (is_first || begin == border.at)).then_some((*border, is_first))
        });
        touching.collect()
    }
}

/// How the panes share the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Preset {
    /// Everything, the page beside the stack.
    #[default]
    Lesson,
    /// The stacks of all lanes in full height.
    Stack,
    /// The timeline has most of the screen.
    Timeline,
    /// The event loop's picture; without it as for a lesson.
    Loop,
    /// The source text has most of the screen.
    Code,
}

impl Preset {
    /// All presets, in the order of the key that goes from one to the next.
    pub const ALL: [Self; 5] = [Self::Lesson, Self::Stack, Self::Timeline, Self::Loop, Self::Code];

    /// Its name, as it is written on the command line and in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lesson => "lesson",
            Self::Stack => "stack",
            Self::Timeline => "timeline",
            Self::Loop => "loop",
            Self::Code => "code",
        }
    }

    /// The preset of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The pane that it is about.
    pub(super) fn pane(self) -> Pane {
        match self {
            Self::Lesson | Self::Stack | Self::Loop => Pane::Stack,
            Self::Timeline => Pane::Timeline,
            Self::Code => Pane::Source,
        }
    }
}

/// How much room a screen has. A border is moved for one of these: what fits a large screen does not fit a small one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    Small,
    Wide,
    Large,
}

/// A border that can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Split {
    /// Above the timeline.
    Time,
    /// Between the left part and the rest.
    Left,
    /// Between the middle part and the right one.
    Right,
    /// Between above and below, in the left part.
    LeftRows,
    /// Between above and below, in the right part.
    RightRows,
}

/// A preset, and where a person has moved its borders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// How the panes share the screen.
    pub preset: Preset,
    /// The part of the whole that is above or left of a border, in thousandths.
    moved: BTreeMap<Place, u16>,
}

/// A border of a preset at a size; no preset is what is shown of programs that are not the lesson's.
type Place = (Option<Preset>, Form, Split);

impl Arrangement {
    /// Puts a border where a column or row is.
    pub(super) fn move_to(&mut self, border: Border, to: u16) {
        let (begin, length) = match border.axis {
            Axis::Columns => (border.whole.x, border.whole.width),
            Axis::Rows => (border.whole.y, border.whole.height),
        };
        let share = u32::from(to.saturating_sub(begin)) * 1000 / u32::from(length.max(1));
        // Rounded up, so that the border comes to lie where it was put.
        self.moved.insert(border.place, (share as u16 + 1).clamp(1, 999));
    }

    /// Puts all borders of the preset back to where they are without anybody moving them. Says whether there were any.
    pub(super) fn reset(&mut self) -> bool {
        let before = self.moved.len();
        let preset = self.preset;
        self.moved.retain(|place, _| place.0.is_some_and(|other| other != preset));
        self.moved.len() < before
    }

    /// The preset and the moved borders as lines, to be kept: `layout = "code"`, `code.wide.left = 412`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("layout = \"{}\"\n", self.preset.name());
        for ((preset, form, split), share) in &self.moved {
            let preset = preset.map_or("other", Preset::name);
            text.push_str(&format!("{preset}.{}.{} = {share}\n", form.name(), split.name()));
        }
        text
    }

    /// Reads what [`Arrangement::to_text`] has written; what it does not know is passed over.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut arrangement = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let (name, value) = (name.trim(), value.trim());
            if name == "layout" {
                arrangement.preset = Preset::named(value.trim_matches('"')).unwrap_or_default();
            } else if let (Some(place), Ok(share)) = (place(name), value.parse::<u16>()) {
                arrangement.moved.insert(place, share.clamp(1, 999));
            }
        }
        arrangement
    }
}

fn place(name: &str) -> Option<Place> {
    let mut parts = name.split('.');
    let preset = match parts.next()? {
        "other" => None,
        name => Some(Preset::named(name)?),
    };
    let form = parts.next().and_then(|name| Form::ALL.into_iter().find(|form| form.name() == name))?;
    let split = parts.next().and_then(|name| Split::ALL.into_iter().find(|split| split.name() == name))?;
    Some((preset, form, split))
}

impl Form {
    const ALL: [Self; 3] = [Self::Small, Self::Wide, Self::Large];

    fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Wide => "wide",
            Self::Large => "large",
        }
    }
}

impl Split {
    const ALL: [Self; 5] = [Self::Time, Self::Left, Self::Right, Self::LeftRows, Self::RightRows];

    fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Left => "left",
            Self::Right => "right",
            Self::LeftRows => "left-rows",
            Self::RightRows => "right-rows",
        }
    }
}

/// What a border divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// Left and right.
    Columns,
    /// Above and below.
    Rows,
}

/// A border between panes, where it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Border {
    place: Place,
    pub(super) axis: Axis,
    /// What it divides.
    whole: Rect,
    /// Its column or row.
    pub(super) at: u16,
}

impl Border {
    fn line(&self) -> Rect {
        match self.axis {
            Axis::Columns => Rect { x: self.at, width: 1, ..self.whole },
            Axis::Rows => Rect { y: self.at, height: 1, ..self.whole },
        }
    }
}

/// The least columns and rows that a moved border leaves on each side, borders included.
const LEAST: (u16, u16) = (16, 4);

/// What divides the body, and remembers where.
struct Splits<'a> {
    arrangement: &'a Arrangement,
    preset: Option<Preset>,
    form: Form,
    borders: Vec<Border>,
}

impl Splits<'_> {
    fn large(&mut self, body: Rect) -> Vec<(Pane, Rect)> {
        let (upper, lower) = self.rows(Split::Time, body, body.height * 36 / 100);
        let (left, rest) = self.columns(Split::Left, upper, upper.width * 31 / 100);
        let (middle, right) = self.columns(Split::Right, rest, rest.width * 46 / 100);
        let (stack, fields) = self.rows(Split::LeftRows, left, (left.height * 30 / 100).max(7));
        vec![
            (Pane::Stack, stack),
            (Pane::Fields, fields),
            (Pane::Lesson, middle),
            (Pane::Source, right),
            (Pane::Timeline, lower),
        ]
    }

    fn wide(&mut self, body: Rect) -> Vec<(Pane, Rect)> {
        let (upper, lower) = self.rows(Split::Time, body, (body.height * 28 / 100).max(9));
        let (left, right) = self.columns(Split::Left, upper, upper.width * 46 / 100);
        let (stack, fields) = self.rows(Split::LeftRows, left, (left.height * 28 / 100).max(6));
        let (lesson, source) = self.rows(Split::RightRows, right, (right.height * 32 / 100).max(7));
        vec![
            (Pane::Stack, stack),
            (Pane::Fields, fields),
            (Pane::Lesson, lesson),
            (Pane::Source, source),
            (Pane::Timeline, lower),
        ]
    }

    fn small(&mut self, body: Rect, focus: Pane) -> Vec<(Pane, Rect)> {
        let (upper, lower) = self.rows(Split::Time, body, if body.height >= 20 { 7 } else { 5 });
        let (left, right) = self.columns(Split::Left, upper, upper.width / 2);
        vec![
            (if focus == Pane::Fields { Pane::Fields } else { Pane::Stack }, left),
            (if focus == Pane::Source { Pane::Source } else { Pane::Lesson }, right),
            (Pane::Timeline, lower),
        ]
    }

    fn foreign(&mut self, body: Rect, focus: Pane) -> Vec<(Pane, Rect)> {
        let (upper, lower) = self.rows(Split::Time, body, (body.height * 55 / 100).max(7));
        let (left, right) = self.columns(Split::Left, upper, upper.width * 54 / 100);
        let beside = if matches!(focus, Pane::Lesson | Pane::Source) { focus } else { Pane::Fields };
        vec![(Pane::Stack, left), (beside, right), (Pane::Timeline, lower)]
    }

    /// The stacks in full height; beside them what belongs to the selected frame, and a low timeline.
    fn stack(&mut self, body: Rect, focus: Pane, form: Form, story: Story) -> Vec<(Pane, Rect)> {
        let (left, right) = self.columns(Split::Left, body, body.width * 54 / 100);
        if form == Form::Small {
            // A second pane beside it would have no room for anything.
            let beside = one_of(focus, &[Pane::Fields, Pane::Lesson, Pane::Source, Pane::Timeline]);
            return vec![(Pane::Stack, left), (beside, right)];
        }
        let (upper, lower) = self.rows(Split::Time, right, right.height * 30 / 100);
        let mut panes = vec![(Pane::Stack, left), (Pane::Timeline, lower)];
        if story == Story::Foreign {
            panes.push((one_of(focus, &[Pane::Fields, Pane::Lesson, Pane::Source]), upper));
        } else {
            let (fields, below) = self.rows(Split::RightRows, upper, upper.height * 62 / 100);
            panes.push((Pane::Fields, fields));
            panes.push((one_of(focus, &[Pane::Source, Pane::Lesson]), below));
        }
        panes
    }

    /// The timeline has most of the height; above it the stacks and what belongs to the selected frame.
    fn timeline(&mut self, body: Rect, focus: Pane, story: Story) -> Vec<(Pane, Rect)> {
        let (upper, lower) = self.rows(Split::Time, body, body.height * 68 / 100);
        let (left, right) = self.columns(Split::Left, upper, upper.width * 54 / 100);
        let beside = if story == Story::Foreign {
            one_of(focus, &[Pane::Fields, Pane::Lesson, Pane::Source])
        } else {
            one_of(focus, &[Pane::Lesson, Pane::Fields, Pane::Source])
        };
        vec![(Pane::Stack, left), (beside, right), (Pane::Timeline, lower)]
    }

    /// The source text in full height, the stack and what belongs to the frame beside it.
    fn code(&mut self, body: Rect, focus: Pane, form: Form) -> Vec<(Pane, Rect)> {
        let (left, source) = self.columns(Split::Left, body, body.width * 40 / 100);
        if form == Form::Small {
            let beside = one_of(focus, &[Pane::Stack, Pane::Lesson, Pane::Fields, Pane::Timeline]);
            return vec![(Pane::Source, source), (beside, left)];
        }
        let (upper, lower) = self.rows(Split::Time, left, body.height * 26 / 100);
        let (stack, below) = self.rows(Split::LeftRows, upper, upper.height * 42 / 100);
        vec![
            (Pane::Source, source),
            (Pane::Timeline, lower),
            (Pane::Stack, stack),
            (one_of(focus, &[Pane::Lesson, Pane::Fields]), below),
        ]
    }

    /// Splits off the lowest `lower` rows, or as many as somebody has chosen, the border between them shared.
    fn rows(&mut self, split: Split, whole: Rect, lower: u16) -> (Rect, Rect) {
        let lower = match self.moved(split) {
            Some(share) => whole.height - chosen(share, whole.height, LEAST.1),
            None => lower,
        };
        let lower = lower.min(whole.height);
        let upper = Rect { height: (whole.height - lower + 1).min(whole.height), ..whole };
        let lower = Rect { y: whole.bottom() - lower, height: lower, ..whole };
        self.borders.push(Border { place: self.place(split), axis: Axis::Rows, whole, at: lower.y });
        (upper, lower)
    }

    /// Splits off the first `left` columns, or as many as somebody has chosen, the border between them shared.
    fn columns(&mut self, split: Split, whole: Rect, left: u16) -> (Rect, Rect) {
        let left = match self.moved(split) {
            Some(share) => chosen(share, whole.width, LEAST.0) + 1,
            None => left,
        };
        let left = left.clamp(1, whole.width.max(1));
        let right = Rect { x: whole.x + left - 1, width: whole.width - left + 1, ..whole };
        self.borders.push(Border { place: self.place(split), axis: Axis::Columns, whole, at: right.x });
        (Rect { width: left, ..whole }, right)
    }

    fn place(&self, split: Split) -> Place {
        (self.preset, self.form, split)
    }

    fn moved(&self, split: Split) -> Option<u16> {
        self.arrangement.moved.get(&self.place(split)).copied()
    }
}

/// The pane that has the keys if it is one of these, else the first.
fn one_of(focus: Pane, panes: &[Pane]) -> Pane {
    if panes.contains(&focus) { focus } else { panes[0] }
}

/// Where a share of a length is, with the least left on both sides.
fn chosen(share: u16, length: u16, least: u16) -> u16 {
    let at = (u32::from(length) * u32::from(share) / 1000) as u16;
    if length < 2 * least { length / 2 } else { at.clamp(least, length - least) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dragged(preset: Preset, share: Option<u16>) -> Arrangement {
        let mut arrangement = Arrangement { preset, ..Arrangement::default() };
        for (form, split) in Form::ALL.into_iter().flat_map(|form| Split::ALL.map(|split| (form, split))) {
            for preset in [None, Some(preset)] {
                arrangement.moved.extend(share.map(|share| ((preset, form, split), share)));
            }
        }
        arrangement
    }

    #[test]
    fn a_border_comes_to_lie_where_it_is_put() {
        for preset in Preset::ALL {
            for size in [(80, 24), (120, 40), (200, 60)] {
                let layout =
                    |arrangement: &Arrangement| Layout::new(size, Pane::Stack, false, Story::Taught, arrangement);
                let mut arrangement = Arrangement { preset, ..Arrangement::default() };
                for index in 0..layout(&arrangement).borders.len() {
                    let border = layout(&arrangement).borders[index];
                    let to = border.at + 1;
                    arrangement.move_to(border, to);
                    assert_eq!(layout(&arrangement).borders[index].at, to, "{border:?} at {size:?}");
                }
            }
        }
    }

    #[test]
    fn an_arrangement_is_read_as_it_was_written_and_nonsense_is_passed_over() {
        let arrangement = dragged(Preset::Code, Some(321));
        assert_eq!(Arrangement::from_text(&arrangement.to_text()), arrangement);
        let text =
            "layout = \"nonsense\"\n\u{0}\u{1}=\ncode.wide.left=70000\ncode.tiny.left = 5\nlesson.small.time = 0\n";
        let read = Arrangement::from_text(text);
        assert_eq!(read.preset, Preset::Lesson);
        assert_eq!(read.moved.into_iter().collect::<Vec<_>>(), [((Some(Preset::Lesson), Form::Small, Split::Time), 1)]);
    }

    #[test]
    fn every_pane_is_inside_the_screen_at_every_size() {
        // As it is, and with every border dragged to an end.
        let ends = Preset::ALL.into_iter().flat_map(|preset| [None, Some(1), Some(999)].map(|share| (preset, share)));
        let arrangements: Vec<_> = ends.map(|(preset, share)| dragged(preset, share)).collect();
        for (index, arrangement) in arrangements.iter().enumerate() {
            // All sizes, shared out among the arrangements but for the first.
            let step = if index == 0 { 1 } else { 3 };
            for (width, height) in
                (index as u16 % 3..210).step_by(step).flat_map(|width| (0..64).map(move |y| (width, y)))
            {
                for (pane, story) in
                    Pane::ALL.into_iter().flat_map(|pane| [(pane, Story::Taught), (pane, Story::Foreign)])
                {
                    let screen = Rect::new(0, 0, width, height);
                    let layout = Layout::new((width, height), pane, false, story, arrangement);
                    let preset = arrangement.preset;
                    for (_, rect) in &layout.panes {
                        assert_eq!(rect.intersection(screen), *rect, "{width}x{height} {preset:?}");
                    }
                    assert!(layout.pane(pane).is_some(), "{pane:?} is seen at {width}x{height} {preset:?}");
                }
            }
        }
    }
}
