//! Every screen by name, for pictures: the one table that `spanwalk shot` and its help are read off.

use super::command::Action;
use super::layout::{Arrangement, Pane, Preset};
use super::ui::Ui;

/// A screen that can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct ScreenRow {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows.
    pub doc: &'static str,
    way: Way,
}

/// How to come to a screen from the panes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The panes arranged like this.
    Layout(Preset),
    /// A pane in the whole of the screen.
    Pane(Pane),
    /// What a person would do.
    Do(&'static [Action]),
}

const fn row(name: &'static str, way: Way, doc: &'static str) -> ScreenRow {
    ScreenRow { name, doc, way }
}

/// Every screen there is.
pub const SCREENS: &[ScreenRow] = &[
    row("lesson", Way::Layout(Preset::Lesson), "all panes, the page beside the stack"),
    row("stack", Way::Layout(Preset::Stack), "the stacks of all lanes in full height"),
    row("timeline", Way::Layout(Preset::Timeline), "the timeline has most of the screen"),
    row("code", Way::Layout(Preset::Code), "the source has most of the screen"),
    row("pane-stack", Way::Pane(Pane::Stack), "the call stack alone"),
    row("pane-lesson", Way::Pane(Pane::Lesson), "the page alone"),
    row("pane-timeline", Way::Pane(Pane::Timeline), "the timeline alone"),
    row("pane-fields", Way::Pane(Pane::Fields), "the fields alone"),
    row("pane-source", Way::Pane(Pane::Source), "the source alone"),
    row("answer", Way::Do(&[Action::Answer]), "all panes, with the answer to the question"),
    row("class", Way::Do(&[Action::Class]), "one idea, large, beside the chain as a checklist"),
    row("loop", Way::Do(&[Action::EventLoop]), "the event loop: poll, watchers, callbacks, pool"),
    row("moments", Way::Do(&[Action::Moments]), "before, during and after, side by side"),
    row("steps", Way::Do(&[Action::Steps]), "the list of steps"),
    row("claims", Way::Do(&[Action::Claims]), "every claim, as of --at"),
    row("breakpoints", Way::Do(&[Action::Breakpoints]), "the list of breakpoints"),
    row("notes", Way::Do(&[Action::Notes]), "the notes and bookmarks of the recording"),
    row("matches", Way::Do(&[Action::Matches]), "the matches of --search"),
    row("statistics", Way::Do(&[Action::Statistics]), "how often each call was made, and how long it took"),
    row("critical-path", Way::Do(&[Action::CriticalPath]), "what the selected call had to wait for"),
    row("predict", Way::Do(&[Action::Predict]), "what may come next, to be guessed"),
    row("search", Way::Do(&[Action::Search]), "the prompt for a search"),
    row("go-to", Way::Do(&[Action::GoTo]), "the prompt for a place"),
    row("run-until", Way::Do(&[Action::RunUntil]), "the prompt for a step to run to"),
    row("palette", Way::Do(&[Action::Palette]), "the list of commands"),
    row("copy", Way::Do(&[Action::Copy]), "the menu of what can be copied"),
    row("restart", Way::Do(&[Action::Restart]), "the settings of another start"),
    row("help", Way::Do(&[Action::Help]), "all keys"),
];

impl ScreenRow {
    /// The screen of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCREENS.iter().find(|row| row.name == name)
    }
}

impl Ui<'_> {
    /// Shows a screen, at a place as a person types it or else at the end, with what a query finds marked.
    ///
    /// # Errors
    ///
    /// In a sentence: there is no such place, the query cannot be read, or there is nothing that the screen could show.
    pub fn show(&mut self, screen: &ScreenRow, at: Option<&str>, search: Option<&str>) -> Result<(), String> {
        if let Some(text) = search {
            text.parse::<crate::trace::Query>().map_err(|error| error.to_string())?;
            let typed = [Action::Search].into_iter().chain(text.chars().map(Action::Type));
            typed.chain([Action::Toggle, Action::Close]).for_each(|action| drop(self.act(action)));
            self.work(|| true);
        }
        if let Some(text) = at {
            // A name is that of the first call; what is earlier, is so than the end.
            self.move_to(if text.trim().starts_with('-') { self.log.len() } else { 0 });
            self.hush();
            self.go_to(text)?;
            self.work(|| true);
            if let Some(why) = self.notice() {
                return Err(why.to_owned());
            }
            self.refresh();
        }
        self.hush();
        match screen.way {
            Way::Layout(preset) => {
                let mut arrangement = Arrangement::default();
                arrangement.preset = preset;
                self.set_arrangement(arrangement);
            }
            Way::Pane(pane) => (self.focus, self.is_zoomed) = (pane, true),
            Way::Do(actions) => {
                actions.iter().for_each(|action| drop(self.act(*action)));
                let is_there = self.overlay.is_some() || self.shows_loop || self.is_class || self.shows_answer;
                if !is_there {
                    let why = self.notice().unwrap_or("there is nothing to show here");
                    return Err(format!("no screen `{}` here: {why}", screen.name));
                }
            }
        }
        self.work(|| true);
        self.refresh();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_screens_share_a_name() {
        let mut names: Vec<&str> = SCREENS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SCREENS.len());
    }
}
