//! The event loop as a picture: poll, watchers and callbacks in the order of a turn, the pool beside them, the turns below.
//!
//! ```text
//!   ┌ ▶ 1 Poll ┬ 2 Watchers ┬ 3 Callbacks ┬ Pool ──┐     the part of the turn we are in is lit
//!   ├ Turns ───┴────────────┴─────────────┴────────┤
//!   │ ▶ 3   1.19 s   io watcher on fd 8   do_read …│     the last turns, the present one last
//! ```
//!
//! Everything is of the cursor. What was not recorded is said to be not recorded.

mod areas;
mod boxes;
mod pool;
mod turns;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use self::areas::Areas;
use self::boxes::Said;
use self::turns::seen;
use super::command::Action;
use super::draw::{frame_as, framed, put_lines};
use super::text::{count, cut, wrap_plain};
use super::theme::{Role, Theme};
use super::ui::{Effect, Ui};
use crate::trace::{Activity, LaneId, LoopState, Phase};

/// Turns that page up and page down go.
const PAGE: usize = 10;

impl Ui<'_> {
    /// Keys while the loop is looked at: what they are elsewhere, but for the arrows, which go from turn to turn, and for
    /// what is of the panes.
    pub(super) fn act_in_loop(&mut self, action: Action) -> Effect {
        let (action, times) = match action {
            Action::Left | Action::Up | Action::Wheel(_, _, false) => (Action::TurnBack, 1),
            Action::Right | Action::Down | Action::Wheel(_, _, true) => (Action::TurnForth, 1),
            Action::PageUp => (Action::TurnBack, PAGE),
            Action::PageDown => (Action::TurnForth, PAGE),
            Action::Click(column, row) => {
                if let Some(at) = self.turn_at(Position::new(column, row)) {
                    self.move_to(at);
                }
                return Effect::None;
            }
            Action::Toggle
            | Action::NextPane
            | Action::PreviousPane
            | Action::ZoomPane
            | Action::Answer
            | Action::Drag(..) => return Effect::None,
            action => (action, 1),
        };
        let mut effect = Effect::None;
        for _ in 0..times {
            effect = self.act_in_panes(action);
        }
        effect
    }

    /// The end of the turn whose row is at a place of the screen.
    fn turn_at(&self, place: Position) -> Option<usize> {
        let state = self.known.event_loop.as_ref()?;
        let areas = Areas::of(self.layout().body);
        areas.boxes?;
        let rows = rows(self.layout().body);
        let row = usize::from(place.y.checked_sub(areas.below.y + 2)?);
        let turns = seen(state, rows);
        (areas.below.contains(place)).then(|| turns.get(row).map(|turn| turn.range.1)).flatten()
    }
}

/// How many turns there is room for.
pub(super) fn rows(body: Rect) -> usize {
    let areas = Areas::of(body);
    areas.boxes.map_or(0, |_| usize::from(areas.below.height.saturating_sub(3)))
}

/// Draws the picture over the whole body.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui) {
    let Some(state) = &ui.known.event_loop else { return };
    let picture = Picture { ui, state, theme: &ui.theme };
    if state.phase == Phase::Absent {
        let inner = framed(buffer, body, ui, "Event loop", "", true);
        let columns = usize::from(inner.width.saturating_sub(2)).max(1);
        let lines = wrap_plain(&picture.absent(), ui.theme.style(Role::Plain), columns, "");
        put_lines(
            buffer,
            Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner }.intersection(inner),
            &lines,
            0,
        );
        return;
    }
    let areas = Areas::of(body);
    let (sentence, role) = picture.sentence();
    let Some(boxes) = areas.boxes else {
        put_lines(buffer, body, &picture.stacked(usize::from(body.width)), 0);
        return;
    };
    let sentence = Line::styled(cut(&format!(" {sentence}"), usize::from(body.width)), ui.theme.style(role));
    put_lines(buffer, areas.sentence, &[sentence], 0);
    picture.turns(buffer, areas.below);
    let lit = picture.lit();
    let mut order: Vec<usize> = (0..4).filter(|at| Some(*at) != lit).collect();
    order.extend(lit);
    for at in order {
        let is_lit = Some(at) == lit;
        let (title, remark) = picture.title(at);
        let title = if is_lit { format!("▶ {title}") } else { title.to_owned() };
        let area = boxes[at];
        let inner = frame_as(buffer, area, ui, (&title, &remark), is_lit, false).intersection(area);
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
        let (said, foot) = picture.lines(at, usize::from(inner.width));
        // What was not recorded is said on the last row, where there is room.
        let rows = usize::from(inner.height);
        let pinned = usize::from(foot.is_some() && rows > 3);
        let (mut lines, left_out) = said.fitting(rows - pinned);
        if left_out > 0 {
            lines.push(picture.plain(&format!("… {left_out} more"), Role::Dim, usize::from(inner.width)));
        }
        put_lines(buffer, Rect { height: inner.height - pinned as u16, ..inner }, &lines, 0);
        if let Some(foot) = foot.filter(|_| pinned > 0) {
            let area = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            put_lines(buffer, area, &[picture.plain(foot, Role::Dim, usize::from(inner.width))], 0);
        }
    }
}

struct Picture<'a> {
    ui: &'a Ui<'a>,
    state: &'a LoopState,
    theme: &'a Theme,
}

impl Picture<'_> {
    fn absent(&self) -> String {
        let key = self.ui.keys.shown("event-loop");
        format!(
            "Nothing of an event loop is recorded here: there is no call of the chain's polls in it. \
             `spanwalk demo`, then {key}, shows one."
        )
    }

    /// Which box is the part of the turn we are in.
    fn lit(&self) -> Option<usize> {
        match self.state.phase {
            Phase::Starts | Phase::Polls => Some(0),
            Phase::Watchers => Some(1),
            Phase::Callbacks | Phase::Away => Some(2),
            Phase::Absent | Phase::Created | Phase::Over => None,
        }
    }

    fn title(&self, at: usize) -> (&'static str, String) {
        let turn = self.state.turn.as_ref();
        match at {
            0 => ("1 Poll", turn.map_or_else(String::new, |turn| format!("turn {}", count(turn.number)))),
            1 => {
                let fired = turn.map_or(0, |turn| turn.fired.len());
                ("2 Watchers", if fired > 0 { format!("fired {fired}") } else { String::new() })
            }
            2 => {
                let ran = turn.map_or(0, |turn| turn.callbacks);
                ("3 Ready callbacks", if ran > 0 { format!("ran {}", count(ran)) } else { String::new() })
            }
            _ => ("Pool", "other threads".to_owned()),
        }
    }

    fn name(&self, lane: LaneId) -> &str {
        self.ui.log.lane(lane).map_or("?", |lane| &lane.name)
    }

    /// Who has the loop's thread, and what it does there.
    fn running(&self) -> Option<(String, String)> {
        let (lane, span) = self.state.running?;
        let call = self.ui.log.span(span);
        let call = call.as_ref().map_or("?", |call| &call.callsite.name);
        Some((self.name(lane).to_owned(), format!("{} {call}", self.verb(lane))))
    }

    fn verb(&self, lane: LaneId) -> &'static str {
        let state = &self.ui.known.state;
        match state.lane(lane).map(|lane| state.activity(lane)) {
            Some(Activity::Paused(_) | Activity::Held(_)) => "is held in",
            _ => "runs",
        }
    }

    /// What the loop does, in one sentence.
    fn sentence(&self) -> (String, Role) {
        let turn = self.state.turn.as_ref();
        let number = turn.map_or(0, |turn| turn.number);
        // A watcher wakes the loop; a handler is what it woke to run.
        let woke = turn.and_then(|turn| turn.woke.as_deref());
        let fired = turn.and_then(|turn| turn.fired.first());
        let is_watcher = fired.is_some_and(|fired| woke.is_some_and(|woke| woke.starts_with(&*fired.watcher)));
        let how = if is_watcher { "woken by" } else { "woken for" };
        let woke = woke.map_or_else(String::new, |woke| format!(", {how} {woke}"));
        match self.state.phase {
            Phase::Absent => (self.absent(), Role::Plain),
            Phase::Created if self.state.pool.spawned > 0 => {
                ("The loop has not run: main has its thread, and a job is with the pool.".into(), Role::Plain)
            }
            Phase::Created => ("The loop has not run: main has its thread.".into(), Role::Plain),
            Phase::Starts => ("The loop has begun to run, and has not polled.".into(), Role::Accent),
            Phase::Polls => {
                (format!("Turn {number}: polling. Nothing runs on this thread until something happens."), Role::Good)
            }
            Phase::Watchers => {
                let call = turn.and_then(|turn| turn.fired.last()).and_then(|fired| fired.call.as_ref());
                let is_open = |span| self.ui.known.state.frame(span).is_some();
                let what = match call {
                    Some((span, name)) if is_open(*span) => format!("the hub calls {name}"),
                    Some((_, name)) => format!("the hub has called {name}"),
                    None => "the poll is over; nothing has followed yet".to_owned(),
                };
                (format!("Turn {number}{woke}: {what}."), Role::Accent)
            }
            Phase::Callbacks => {
                let who = self
                    .running()
                    .map_or_else(|| "the callbacks have run".to_owned(), |(who, what)| format!("{who} {what}"));
                (format!("Turn {number}{woke}: {who}."), Role::Accent)
            }
            Phase::Away => {
                let who =
                    self.running().map_or_else(|| "nobody runs".to_owned(), |(who, what)| format!("{who} {what}"));
                (format!("Turn {number}: the loop stands still until its thread comes back: {who}."), Role::Accent)
            }
            Phase::Over => (format!("The loop is over, after {number} turns."), Role::Plain),
        }
    }

    /// The lines of a box, and what is to be said of what is not in it.
    fn lines(&self, at: usize, columns: usize) -> (Said, Option<&'static str>) {
        match at {
            0 => (self.poll(columns), None),
            1 => (self.watchers(columns), Some("timers, sockets: not recorded")),
            2 => (self.callbacks(columns), Some("socket wakes not recorded")),
            _ => (self.pool(columns), None),
        }
    }

    fn plain(&self, text: &str, role: Role, columns: usize) -> Line<'static> {
        Line::styled(cut(text, columns), self.theme.style(role))
    }

    /// Everything in lines, where there is no room for boxes: what is lit comes first.
    fn stacked(&self, columns: usize) -> Vec<Line<'static>> {
        let (sentence, role) = self.sentence();
        let mut lines = wrap_plain(&sentence, self.theme.style(role), columns, "");
        let lit = self.lit();
        for at in lit.into_iter().chain((0..4).filter(|at| Some(*at) != lit)) {
            let (title, remark) = self.title(at);
            let mark = if Some(at) == lit { "▶ " } else { "" };
            let role = if Some(at) == lit { Role::Focus } else { Role::Heading };
            lines.push(self.plain(format!("{mark}{title}  {remark}").trim_end(), role, columns));
            let (said, _) = self.lines(at, columns.saturating_sub(2));
            lines.extend(said.0.into_iter().map(|(mut line, _)| {
                line.spans.insert(0, Span::raw("  "));
                line
            }));
        }
        lines
    }
}
