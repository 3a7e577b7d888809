//! What each action does to the screens, and what it asks of the program.

use ratatui::text::Line;

use super::claims::Claims;
use super::command::Action;
use super::layout::{Pane, Story};
use super::overlay::Overlay;
use super::stack::{self, RowId};
use super::ui::{Effect, Ui};
use super::{fields, lesson_pane, time_window};
use crate::trace::{Command, LaneId, Run, Target, Time, Window};

impl Ui<'_> {
    /// Does what a person wants.
    pub fn act(&mut self, action: Action) -> Effect {
        self.is_leaving &= action == Action::Quit;
        let effect = match action {
            Action::Resize(width, height) => {
                self.size = (width, height);
                Effect::None
            }
            Action::Quit if self.may_leave() => return Effect::Quit,
            Action::Quit => return Effect::None,
            action if self.overlay.is_some() => self.act_in_overlay(action),
            action if self.shows_loop => self.act_in_loop(action),
            action => self.act_in_panes(action),
        };
        self.refresh();
        effect
    }

    pub(super) fn act_in_panes(&mut self, action: Action) -> Effect {
        match action {
            Action::Into => return self.step(Command::Into),
            Action::Over if self.asked.search.is_some() => self.move_by_match(true),
            Action::Over => return self.step(Command::Over),
            Action::Out => return self.step(Command::Out),
            Action::NextLane => return self.step(Command::NextLane),
            Action::Continue => return self.step(Command::Continue),
            Action::Pause => return self.step(Command::Pause),
            Action::HitBack => self.move_by_hit(false),
            Action::Breakpoints | Action::BreakEdit => self.overlay = Some(Overlay::Breaks { at: self.break_now() }),
            Action::BreakRemove => {
                let [list, remove] = ["breakpoints", "break-remove"].map(|id| self.keys.shown(id));
                self.notify(format!("{list} lists the breakpoints; there {remove} removes the selected one"));
            }
            Action::BreakHere => return self.break_here(),
            Action::BreakAdd => self.overlay = Some(Overlay::Break { text: String::new(), of: None }),
            Action::RunToLoop => return self.run_to_loop(),
            Action::Request => self.open_scenes(None),
            Action::RunUntil => {
                self.overlay = Some(Overlay::Until { text: String::new() });
            }
            Action::Steps => {
                self.overlay = Some(Overlay::Steps { at: self.known.step.unwrap_or(0) });
            }
            Action::Stop => return Effect::Stop,
            Action::Restart => {
                self.overlay = Some(Overlay::Restart { row: 0, choice: self.started_with });
            }
            Action::Moments => {
                self.overlay = Some(Overlay::Moments { column: self.moment_now(), scroll: 0 });
            }
            Action::Against if self.other.is_some() => self.overlay = Some(Overlay::Against { scroll: 0 }),
            Action::Against => self.notify("there is nothing to compare with: `spanwalk open A --against B` has two"),
            Action::Copy => self.overlay = Some(Overlay::Copy { at: 0 }),
            Action::CopyOne(what) => return self.copy(what),
            Action::NextLayout => self.next_layout(),
            Action::Arrange(preset) => self.arrange(preset),
            Action::Larger | Action::Smaller => self.grow(action == Action::Larger),
            Action::ResetLayout => self.reset_layout(),
            Action::Palette => self.overlay = Some(Overlay::Palette { text: String::new(), at: 0 }),
            Action::EventLoop => self.shows_loop = !self.shows_loop,
            Action::Help => self.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::Back | Action::Forth => self.move_by_step(action == Action::Forth),
            Action::EventBack | Action::EventForth => self.move_by_event(action == Action::EventForth),
            Action::CallBack | Action::CallForth => self.move_by_call(action == Action::CallForth),
            Action::LaneBack | Action::LaneForth => self.move_by_lane(action == Action::LaneForth),
            Action::TurnBack | Action::TurnForth => self.move_by_turn(action == Action::TurnForth),
            Action::SliceBack | Action::SliceForth => self.move_by_slice(action == Action::SliceForth),
            Action::ToWhom | Action::FromWhom => self.move_along(action == Action::ToWhom),
            Action::Range => self.mark_range(),
            Action::ZoomRange => self.zoom_to_range(),
            Action::FoldLanes => self.fold_all(),
            Action::ScrubBack | Action::ScrubForth => self.scrub(action == Action::ScrubForth),
            Action::ToStart => self.move_to(0),
            Action::ToLive => self.move_to(self.log.len()),
            Action::GoTo => self.overlay = Some(Overlay::GoTo { text: String::new() }),
            Action::Play => self.play_or_pause(),
            Action::Predict => self.predict(),
            Action::Claims => {
                self.known.claims = Some(Claims::default());
                self.overlay = Some(Overlay::Claims { at: 0 });
                self.weigh_claims();
            }
            Action::Note => self.write_note(),
            Action::Notes => self.overlay = Some(Overlay::Notes { at: self.note_now() }),
            Action::RemoveNote => return self.remove_note_here(),
            Action::NoteBack | Action::NoteForth => self.move_by_note(action == Action::NoteForth),
            Action::Walk => self.walk_or_stop(),
            Action::Class => self.is_class = !self.is_class,
            Action::Faster => self.change_speed(1),
            Action::Slower => self.change_speed(-1),
            Action::Reverse => self.reverse(),
            Action::Search => {
                let text = self.asked.search.as_ref().map_or_else(String::new, |search| search.query().to_string());
                self.overlay = Some(Overlay::Search { text });
            }
            Action::Matches if self.asked.search.is_some() => {
                self.overlay = Some(Overlay::Matches { at: None });
            }
            Action::Matches => {
                let [search, matches] = ["search", "matches"].map(|id| self.keys.shown(id));
                self.notify(format!("{search} searches; then {matches} lists the matches"));
            }
            Action::PreviousMatch => self.move_by_match(false),
            Action::Statistics => {
                self.count_calls(self.range_now());
                self.overlay = Some(Overlay::Statistics { at: 0 });
            }
            Action::CriticalPath => self.open_path(),
            Action::Answer => {
                self.shows_answer = !self.shows_answer;
                self.find_answer();
            }
            Action::NextPane => self.move_focus(1),
            Action::PreviousPane => self.move_focus(Pane::ALL.len() - 1),
            Action::ZoomPane => {
                self.is_zoomed = !self.is_zoomed;
                self.scroll_back();
            }
            Action::Close if self.seek.is_some() || self.play.is_some() => (self.seek, self.play) = (None, None),
            Action::Close if self.breaks.is_going() => self.breaks.stop_going(),
            Action::Close if self.shows_loop => self.shows_loop = false,
            Action::Close if self.range.is_some() => self.range = None,
            Action::Close if self.is_zoomed => self.is_zoomed = false,
            Action::Close if self.asked.search.is_some() => self.asked.search = None,
            Action::Close => self.page = None,
            Action::ZoomIn | Action::ZoomOut => self.zoom(action == Action::ZoomIn),
            Action::Earlier => self.pan(false),
            Action::Later => self.pan(true),
            Action::Fit => self.window = None,
            Action::Up => self.scroll(self.focus, -1),
            Action::Down => self.scroll(self.focus, 1),
            Action::PageUp => self.scroll(self.focus, -10),
            Action::PageDown => self.scroll(self.focus, 10),
            Action::Left | Action::Right => self.sideways(action == Action::Right),
            Action::Toggle => self.toggle(),
            Action::Click(column, row) => return self.click(column, row),
            Action::Drag(column, row) if self.held_border.is_some() => self.drag_border(column, row),
            Action::Choose(column, row) => {
                if self.layout().at(column, row) == Some(Pane::Timeline) {
                    self.focus = Pane::Timeline;
                    self.press_timeline(column, row, true);
                }
            }
            Action::Drag(column, _) => self.drag_timeline(column),
            Action::Drop => {
                self.held_border = None;
                self.release_timeline();
            }
            Action::Wheel(column, row, is_down) => match self.layout().at(column, row) {
                Some(Pane::Timeline) => self.wheel_timeline(column, is_down),
                Some(pane) => self.scroll(pane, if is_down { 3 } else { -3 }),
                None => {}
            },
            Action::WheelAside(column, row, is_right) => {
                if self.layout().at(column, row) == Some(Pane::Timeline) {
                    self.pan(is_right);
                }
            }
            Action::Type(_) | Action::Erase | Action::Resize(..) | Action::Quit => {}
        }
        Effect::None
    }

    fn move_focus(&mut self, by: usize) {
        self.focus = self.focus.moved(by);
        while self.story() == Story::Foreign && matches!(self.focus, Pane::Lesson | Pane::Source) {
            self.focus = self.focus.moved(by);
        }
    }

    /// Steps from where the program stands, which is live.
    pub(super) fn step(&mut self, command: Command) -> Effect {
        (self.play, self.seek) = (None, None);
        self.hush();
        if self.status.run == Run::Over && command == Command::Continue && self.breaks.list.is_any_on() {
            self.move_by_hit(true);
            return Effect::None;
        }
        if self.status.run == Run::Over {
            // Who looks at a place in it stays there.
            let [back, forth, play, place] = ["back", "forth", "play", "go-to"].map(|id| self.keys.shown(id));
            self.notify(format!(
                "this is a recording: {back} and {forth} step through it, {play} plays it, {place} goes to a place"
            ));
            return Effect::None;
        }
        (self.cursor, self.page) = (None, None);
        if self.status.detached {
            let restart = self.keys.shown("restart");
            self.notify(format!("the gate was taken down: the program runs on its own; {restart} starts it again"));
            return Effect::None;
        }
        Effect::Command(command)
    }

    fn run_to_loop(&mut self) -> Effect {
        let chain = self.material.chain;
        let keys = ["hub.run", "start_accepting", "loop.poll"].map(|id| chain.key(id).cloned());
        let [Some(hub), Some(accepting), Some(poll)] = keys else {
            self.notify("this chain names no loop to run to");
            return Effect::None;
        };
        let is_armed = self.known.has_run(chain, "start_accepting");
        let target = match self.known.landmarks {
            marks if marks.loop_serves.is_some() => {
                let [request, go_on] = ["request", "continue"].map(|id| self.keys.shown(id));
                self.notify(format!("the loop serves already: {request} sends a request, {go_on} continues"));
                return Effect::None;
            }
            marks if marks.loop_starts.is_none() => Target::Call(hub),
            _ if is_armed => Target::Call(poll),
            _ => Target::After { first: accepting, call: poll },
        };
        self.step(Command::RunTo(target))
    }

    /// The lane that the selected row is in.
    pub(super) fn selected_lane(&self) -> Option<LaneId> {
        match self.selected {
            Some(RowId::Lane(id) | RowId::More(id)) => Some(id),
            Some(RowId::Frame(span)) => self.known.state.frame(span).map(|found| found.0.id),
            _ => None,
        }
    }

    pub(super) fn time_now(&self) -> Time {
        self.log.clock().program(self.log.time_at(self.cursor()))
    }

    pub(super) fn window_now(&self) -> Window {
        self.window.unwrap_or_else(|| time_window::fitting(&self.log, &self.known.landmarks, self.cursor))
    }

    /// The column of the comparison that we are in.
    fn moment_now(&self) -> usize {
        let marks = self.known.landmarks;
        let is_past = |mark: Option<usize>| mark.is_some_and(|mark| mark <= self.cursor());
        if is_past(marks.loop_serves) { 2 } else { usize::from(is_past(marks.during)) }
    }

    fn scroll(&mut self, pane: Pane, by: isize) {
        let layout = self.layout();
        let inner = |pane| {
            layout.pane(pane).map_or((0, 0), |rect| (rect.width.saturating_sub(2), rect.height.saturating_sub(2)))
        };
        match pane {
            Pane::Stack => {
                let at = self.selected.and_then(|id| self.known.rows.iter().position(|row| row.id == id)).unwrap_or(0);
                let at = at.saturating_add_signed(by).min(self.known.rows.len().saturating_sub(1));
                self.selected = self.known.rows.get(at).map(|row| row.id);
                self.lines.chosen = None;
            }
            Pane::Lesson => {
                let (columns, rows) = inner(pane);
                let total = lesson_pane::lines(self, usize::from(columns)).1.len();
                let limit = total.saturating_sub(usize::from(rows));
                self.lesson_scroll = self.lesson_scroll.min(limit).saturating_add_signed(by).min(limit);
            }
            Pane::Source => {
                let limit = self.known.source.as_ref().map_or(0, |source| source.scroll_limit(self.known.source_line));
                self.source_scroll = self.source_scroll.saturating_add_signed(by).min(limit);
            }
            Pane::Fields => {
                let (columns, rows) = inner(pane);
                let total = fields::lines(self, usize::from(columns)).len();
                let limit = total.saturating_sub(usize::from(rows));
                self.fields_scroll = self.fields_scroll.saturating_add_signed(by).min(limit);
            }
            Pane::Timeline => self.move_line(by),
        }
    }

    /// Scrolls the lesson so that the answer is in sight.
    fn find_answer(&mut self) {
        let Some(pane) = self.layout().pane(Pane::Lesson).filter(|_| self.shows_answer) else { return };
        let (columns, rows) =
            (usize::from(pane.width.saturating_sub(4)).max(1), usize::from(pane.height.saturating_sub(2)));
        let lines = lesson_pane::lines(self, columns).1;
        let begins = |line: &&Line<'_>| line.spans.first().is_some_and(|span| span.content.starts_with("Answer:"));
        if let Some(at) = lines.iter().position(|line| begins(&line)) {
            let end = (at + 4).min(lines.len());
            self.lesson_scroll = self.lesson_scroll.clamp(end.saturating_sub(rows).min(at), at);
        }
    }

    fn sideways(&mut self, is_right: bool) {
        match self.focus {
            Pane::Timeline => self.pan(is_right),
            Pane::Stack => {
                if let Some(id) = self.selected_lane()
                    && let Some(lane) = self.known.state.lane(id)
                {
                    self.folds.set(lane, !is_right);
                    if !is_right {
                        self.selected = Some(RowId::Lane(id));
                    }
                }
            }
            Pane::Lesson | Pane::Source | Pane::Fields => {}
        }
    }

    fn toggle(&mut self) {
        match (self.focus, self.selected) {
            (Pane::Lesson, _) => self.shows_answer = !self.shows_answer,
            (Pane::Timeline, _) if self.toggle_group() => {}
            (Pane::Timeline, _) => self.play_or_pause(),
            (Pane::Stack, Some(row)) => {
                self.folds.toggle(row, &self.known.state);
                if let RowId::Frame(span) = row
                    && let Some((lane, _)) = self.known.state.frame(span)
                {
                    self.selected = Some(RowId::Lane(lane.id));
                }
            }
            _ => {}
        }
    }

    fn click(&mut self, column: u16, row: u16) -> Effect {
        let layout = self.layout();
        self.grip = None;
        let Some(pane) = layout.at(column, row) else {
            return Effect::None;
        };
        self.focus = pane;
        if self.take_border(column, row) {
            return Effect::None;
        }
        if pane == Pane::Timeline {
            self.press_timeline(column, row, false);
        }
        if let (Pane::Stack, Some(rect)) = (pane, layout.pane(pane))
            && row > rect.y
            && row + 1 < rect.bottom()
        {
            let at = self.stack_top + usize::from(row - rect.y - 1);
            if let Some(clicked) = self.known.rows.get(at).map(|row| row.id) {
                // A second click on a header folds it.
                if self.selected == Some(clicked) && !matches!(clicked, RowId::Frame(_)) {
                    self.folds.toggle(clicked, &self.known.state);
                }
                self.selected = Some(clicked);
                self.lines.chosen = None;
                // Left of the frame is where its breakpoint stands.
                if matches!(clicked, RowId::Frame(_)) && column <= rect.x + stack::GUTTER {
                    return self.break_here();
                }
            }
        }
        Effect::None
    }
}
