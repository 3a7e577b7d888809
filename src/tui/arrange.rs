//! What a person does to the arrangement of the panes: another layout, a border that is moved by key or by mouse.

use super::layout::{Axis, Preset, Story};
use super::ui::Ui;

/// How far a key moves a border: columns, rows.
const STEP: (i32, i32) = (4, 2);

impl Ui<'_> {
    pub(super) fn next_layout(&mut self) {
        let at = Preset::ALL.iter().position(|preset| *preset == self.arrangement.preset).unwrap_or(0);
        let mut others = (1..Preset::ALL.len()).map(|by| Preset::ALL[(at + by) % Preset::ALL.len()]);
        if let Some(next) = others.find(|preset| self.has_something_for(*preset)) {
            self.arrange(next);
        }
    }

    fn has_something_for(&self, preset: Preset) -> bool {
        self.story() == Story::Taught || !matches!(preset, Preset::Code | Preset::Loop)
    }

    pub(super) fn arrange(&mut self, preset: Preset) {
        if !self.has_something_for(preset) {
            self.notify(match preset {
                Preset::Loop => "this program has no event loop of the lesson's",
                _ => "there is no source text of this program to make room for",
            });
            return;
        }
        self.arrangement.preset = preset;
        // What it is about has the keys; a zoomed pane would hide that anything has changed.
        (self.focus, self.is_zoomed, self.is_class) = (preset.pane(), false, false);
        self.shows_loop = preset == Preset::Loop;
        let (name, next, tab) = (preset.name(), self.keys.shown("next-layout"), self.keys.shown("next-pane"));
        self.notify(if self.shows_loop {
            format!("layout {name}; {next} is the next, {} shows the panes", self.keys.shown("event-loop"))
        } else if self.layout().panes.len() < 2 {
            format!("layout {name}: this screen has room for one pane; {tab} shows the others")
        } else {
            format!("layout {name}; {next} is the next, {tab} goes through its panes")
        });
    }

    /// Something else takes their place.
    fn hides_panes(&self) -> bool {
        self.shows_loop || self.is_class
    }

    /// Moves the borders around the focused pane, outwards or inwards.
    pub(super) fn grow(&mut self, is_larger: bool) {
        let before = self.layout();
        let borders = before.borders_of(self.focus);
        if self.hides_panes() {
            self.notify("the panes are not on the screen");
            return;
        }
        if borders.is_empty() {
            let zoom = self.keys.shown("zoom-pane");
            self.notify(if self.is_zoomed {
                format!("one pane fills the screen: {zoom} shows the others")
            } else {
                "this screen has room for one pane".to_owned()
            });
            return;
        }
        for (border, is_first) in borders {
            let step = if border.axis == Axis::Columns { STEP.0 } else { STEP.1 };
            let by = if is_first == is_larger { step } else { -step };
            let to = i32::from(border.at) + by;
            self.arrangement.move_to(border, u16::try_from(to).unwrap_or(0));
        }
        if self.layout().panes == before.panes {
            self.notify(if is_larger { "its neighbours have no room to give" } else { "it cannot be smaller" });
        }
    }

    pub(super) fn reset_layout(&mut self) {
        let has_reset = self.arrangement.reset();
        self.notify(if has_reset { "the borders are where they were at first" } else { "no border was moved" });
    }

    /// The button goes down: takes the border that is there. Says whether there is one.
    pub(super) fn take_border(&mut self, column: u16, row: u16) -> bool {
        self.held_border = self.layout().border_at(column, row).filter(|_| !self.hides_panes());
        self.held_border.is_some()
    }

    /// The button is down: the border goes where the mouse is.
    pub(super) fn drag_border(&mut self, column: u16, row: u16) {
        if let Some(border) = self.held_border {
            self.arrangement.move_to(border, if border.axis == Axis::Columns { column } else { row });
        }
    }
}
