//! Breakpoints: what a person sets, takes away and goes to. A running program is told of each change and stops there by
//! itself; in a recording the hits are looked for between pictures.

use ratatui::layout::Position;

use super::break_list;
use super::command::Action;
use super::layout::Pane;
use super::overlay::Overlay;
use super::stack::RowId;
use super::ui::{Effect, Ui};
use crate::trace::{
    BreakpointId, Breakpoints, Callsite, Candidate, ChainStep, Command, Condition, Frame, Hits, Log, Look, Run, Stops,
};

/// The list, and what the log has of it.
#[derive(Default)]
pub(super) struct Breaks {
    pub(super) list: Breakpoints,
    /// Where they stop in the log.
    pub(super) stops: Stops,
    /// A move to a hit that has not arrived; true is forth.
    going: Option<bool>,
}

/// Whether a run stops at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    Off,
    On,
}

impl Mark {
    pub(super) fn char(self) -> char {
        match self {
            Self::None => ' ',
            Self::Off => '○',
            Self::On => '●',
        }
    }
}

impl Breaks {
    /// How much of the log has been looked through, in percent.
    pub(super) fn share(&self, log: &Log) -> usize {
        100 * self.stops.read_so_far(log) / log.len().max(1)
    }

    pub(super) fn is_going(&self) -> bool {
        self.going.is_some()
    }

    pub(super) fn stop_going(&mut self) {
        self.going = None;
    }

    /// Whether a run stops at calls like this frame, by what it has recorded.
    pub(super) fn mark(&self, frame: &Frame, lane: &str) -> Mark {
        let call = Candidate::beginning(&frame.callsite, lane, &frame.fields);
        self.mark_if(|condition| condition.matches(&call))
    }

    /// Whether a run stops at a step.
    pub(super) fn mark_of_step(&self, step: &ChainStep) -> Mark {
        let call = Callsite {
            name: step.key.name.as_str().into(),
            target: step.key.target.as_str().into(),
            file: None,
            line: None,
        };
        self.mark_if(|condition| condition.names_call() && condition.allows(&call))
    }

    fn mark_if(&self, is_it: impl Fn(&Condition) -> bool) -> Mark {
        let mut mark = Mark::None;
        for breakpoint in self.list.all().iter().filter(|breakpoint| is_it(&breakpoint.condition)) {
            match breakpoint.is_on {
                true => return Mark::On,
                false => mark = Mark::Off,
            }
        }
        mark
    }
}

impl Ui<'_> {
    /// Has these breakpoints from now on.
    pub fn set_breakpoints(&mut self, list: Breakpoints) {
        self.breaks.list = list;
        self.breaks.stops.follow(&self.breaks.list);
        self.refresh();
    }

    /// The breakpoint that the program stands at, where we see it stand there.
    pub(super) fn on_breakpoint(&self) -> Option<BreakpointId> {
        self.status.on.filter(|_| self.is_live())
    }

    /// How often a breakpoint was hit: by the gate's account, or in the recording as far as it has been read.
    pub(super) fn hits_of(&self, id: BreakpointId) -> u64 {
        match self.status.run {
            Run::Over => self.breaks.stops.hits(id).map_or(0, |hits| hits.len() as u64),
            _ => self.status.hits_of(id),
        }
    }

    /// Says at which breakpoint the program has come to stand.
    pub(super) fn tell_hit(&mut self) {
        let on = self.status.on.and_then(|on| self.breaks.list.get(on));
        if let Some(text) =
            on.map(|on| format!("breakpoint {}, hit {}: {}", on.id, self.status.hits_of(on.id), on.condition))
        {
            self.notify(text);
        }
    }

    /// The row of a breakpoint in the list.
    pub(super) fn break_row(&self, id: BreakpointId) -> usize {
        self.breaks.list.all().iter().position(|breakpoint| breakpoint.id == id).unwrap_or(0)
    }

    /// The row of the breakpoint that we are at, or the first.
    pub(super) fn break_now(&self) -> usize {
        let here = self.on_breakpoint().or_else(|| self.breaks.stops.at(self.cursor()).map(|at| at.0));
        here.map_or(0, |id| self.break_row(id))
    }

    /// The list has changed: the program is told.
    fn breakpoints_changed(&mut self) -> Effect {
        self.breaks.stops.follow(&self.breaks.list);
        Effect::Command(Command::Breakpoints(self.breaks.list.all().to_vec()))
    }

    /// Sets a breakpoint on what is selected, or takes it away.
    pub(super) fn break_here(&mut self) -> Effect {
        let steps = self.material.chain.steps();
        let is_page = self.is_class || self.focus == Pane::Lesson;
        let step = self.known.shown_step.and_then(|at| steps.get(at)).filter(|_| is_page && self.page.is_none());
        let call = self.selected_span().and_then(|span| self.log.span(span)).map(|span| span.callsite);
        let condition = match (step, call) {
            (Some(step), _) => Condition::of_step(step),
            (None, Some(call)) => Condition::of(&call, self.material.chain),
            (None, None) => {
                let add = self.keys.shown("break-add");
                self.notify(format!("select a frame in the call stack first; {add} takes a breakpoint as text"));
                return Effect::None;
            }
        };
        self.turn_break(condition)
    }

    /// Sets a breakpoint on a row of the list of steps, or takes it away.
    pub(super) fn break_at_step(&mut self, at: usize) -> Effect {
        match self.material.chain.steps().get(at) {
            Some(step) => self.turn_break(Condition::of_step(step)),
            None => Effect::None,
        }
    }

    fn turn_break(&mut self, condition: Condition) -> Effect {
        let text = match self.breaks.list.of(&condition).map(|breakpoint| breakpoint.id) {
            Some(id) => {
                self.breaks.list.remove(id);
                format!("breakpoint {id} is gone: {condition}")
            }
            None => {
                let id = self.breaks.list.add(condition.clone(), Default::default());
                format!("breakpoint {id} is set: {condition}; {} lists them", self.keys.shown("breakpoints"))
            }
        };
        self.notify(text);
        self.breakpoints_changed()
    }

    /// Takes what was typed as a breakpoint, or as what one is to be; the prompt stays if it is none.
    pub(super) fn accept_break(&mut self, text: String, of: Option<BreakpointId>) -> Effect {
        let Ok((condition, rule)) = Condition::parse(&text, self.material.chain) else {
            // What is wrong stands in the prompt.
            self.overlay = Some(Overlay::Break { text, of });
            return Effect::None;
        };
        let list = &mut self.breaks.list;
        let id = match of {
            Some(of) => list.change(of, condition, rule),
            None => list.add(condition, rule),
        };
        self.overlay = Some(Overlay::Breaks { at: self.break_row(id) });
        self.breakpoints_changed()
    }

    /// In the list, which has been taken out.
    pub(super) fn act_in_breaks(&mut self, at: usize, action: Action, by: isize) -> Effect {
        let count = self.breaks.list.all().len();
        let last = count.saturating_sub(1);
        let mut at = at.min(last);
        let mut wants_turn = action == Action::BreakHere;
        if let Action::Click(column, row) = action {
            let rows = break_list::rows(self.layout().body, at, count);
            if rows.1.contains(Position::new(column, row)) {
                at = (rows.0 + usize::from(row - rows.1.y)).min(last);
                wants_turn = rows.0 + usize::from(row - rows.1.y) < count;
            }
        }
        let selected = self.breaks.list.all().get(at).map(|breakpoint| (breakpoint.id, breakpoint.is_on));
        let mut effect = Effect::None;
        match (action, selected) {
            (Action::Close | Action::Breakpoints, _) => return Effect::None,
            (Action::BreakAdd | Action::Palette | Action::Continue | Action::HitBack, _) => {
                return self.act_without_overlay(action);
            }
            (Action::Toggle, Some((id, _))) => match self.breaks.stops.hits(id).and_then(Hits::last) {
                Some(cursor) => {
                    self.move_to_hit(cursor);
                    return Effect::None;
                }
                None => self.notify(format!("breakpoint {id} has no hit so far")),
            },
            (Action::BreakEdit, Some((id, _))) => {
                let text = self.breaks.list.get(id).map(ToString::to_string).unwrap_or_default();
                self.overlay = Some(Overlay::Break { text, of: Some(id) });
                return Effect::None;
            }
            (Action::BreakRemove, Some((id, _))) => {
                self.breaks.list.remove(id);
                effect = self.breakpoints_changed();
                at = at.min(last.saturating_sub(1));
            }
            (_, Some((id, is_on))) if wants_turn => {
                self.breaks.list.turn(id, !is_on);
                effect = self.breakpoints_changed();
            }
            (Action::ToStart, _) => at = 0,
            (Action::ToLive, _) => at = last,
            _ => at = at.saturating_add_signed(by).min(last),
        }
        self.overlay = Some(Overlay::Breaks { at });
        effect
    }

    /// To the next hit of the recording at which a breakpoint stops, or to the one before.
    pub(super) fn move_by_hit(&mut self, is_forth: bool) {
        if !self.breaks.list.is_any_on() {
            let [here, add] = ["break-here", "break-add"].map(|id| self.keys.shown(id));
            self.notify(format!("no breakpoint is on: {here} sets one on the selected frame, {add} takes one as text"));
            return;
        }
        (self.play, self.seek) = (None, None);
        self.hush();
        self.breaks.going = Some(is_forth);
        self.arrive_at_hit();
    }

    /// Arrives at the hit that is looked for, if enough has been read.
    pub(super) fn arrive_at_hit(&mut self) {
        let Some(is_forth) = self.breaks.going else { return };
        let held = self.known.state.paused().filter(|_| self.is_live() && !is_forth);
        let standing = held.and_then(|stop| self.breaks.stops.standing(&self.log, stop.span));
        match self.breaks.stops.look(standing.unwrap_or_else(|| self.cursor()), is_forth, &self.log) {
            Look::Later => return,
            Look::At(cursor) => self.move_to_hit(cursor),
            Look::Nowhere => {
                let back = self.keys.shown(if is_forth { "hit-back" } else { "continue" });
                let way = if is_forth { "after" } else { "before" };
                let so_far = if is_forth && self.is_loading() { " in what has been read" } else { "" };
                self.notify(format!("no breakpoint stops {way} this{so_far}; {back} goes the other way"));
            }
        }
        self.breaks.going = None;
    }

    fn move_to_hit(&mut self, cursor: usize) {
        let span = cursor.checked_sub(1).and_then(|at| self.log.event(at)).and_then(|event| event.kind.span());
        self.move_to(cursor);
        // At a stop in another lane the frame is not the one we are at.
        self.selected = span.map(RowId::Frame).or(self.selected);
    }
}
