//! Moves of the cursor through the recording: by step, event, call, lane, time, and to a place that is typed.
//!
//! What is looked for may be far away: a move that has not arrived after a few thousand events goes on in slices, between
//! pictures, until it has, or until `esc`.

use super::stack::RowId;
use super::timeline::LineId;
use super::ui::Ui;
use crate::trace::{Event, Key, Kind, LaneId, Log, LoopTurns, Place, SpanId, Time};

/// Events that a move reads at once.
const SLICE: usize = 20_000;
/// Events that are looked at together, backwards.
const BLOCK: usize = 512;

/// What a move looks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sought {
    /// Where a call begins or ends.
    Call,
    /// Anything in a lane.
    Lane(LaneId),
    /// A switch or a wake by a lane.
    Given(LaneId),
    /// A switch or a wake to a lane.
    Got(LaneId),
    /// Where a call of this name begins, or of this key; from the start again after the end.
    Named { name: String, key: Option<Key>, has_turned: bool },
}

/// A move that has not arrived.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seek {
    sought: Sought,
    is_forth: bool,
    /// How far it has come, as a cursor.
    at: usize,
}

impl Seek {
    /// What it is doing, for the last line.
    pub(super) fn text(&self, log: &Log) -> String {
        let what = match &self.sought {
            Sought::Call => "a call that begins or ends".to_owned(),
            Sought::Lane(lane) => format!("an event of {}", lane_name(log, *lane)),
            Sought::Given(lane) => format!("what {} gives or wakes", lane_name(log, *lane)),
            Sought::Got(lane) => format!("what gives way to {} or wakes it", lane_name(log, *lane)),
            Sought::Named { name, .. } => format!("`{name}`"),
        };
        let share = 100 * self.at / log.len().max(1);
        format!("looking for {what}: {share} % of the recording; esc stops")
    }

    fn is_it(&self, log: &Log, event: &Event) -> bool {
        match &self.sought {
            Sought::Call => changes_a_stack(log, event),
            Sought::Lane(lane) => event.lane == *lane,
            Sought::Given(lane) => event.lane == *lane && given_to(&event.kind).is_some_and(|to| to != *lane),
            Sought::Got(lane) => event.lane != *lane && given_to(&event.kind) == Some(*lane),
            Sought::Named { name, key, .. } => match event.kind {
                Kind::Enter { span } if is_first(log, span, event.time) => {
                    let call = log.span(span).map(|span| span.callsite);
                    call.is_some_and(|call| key.as_ref().map_or(*call.name == **name, |key| key.matches(&call)))
                }
                _ => false,
            },
        }
    }

    /// Reads on. `Some` is the end: where it has arrived, or nowhere.
    fn read(&mut self, log: &Log, at_most: usize) -> Option<Option<usize>> {
        if self.is_forth {
            let to = log.len().min(self.at + at_most);
            let found = log.events_in(self.at..to).position(|event| self.is_it(log, &event));
            if let Some(found) = found {
                return Some(Some(self.at + found + 1));
            }
            self.at = to;
            if to < log.len() {
                return None;
            }
            match &mut self.sought {
                Sought::Named { has_turned, .. } if !*has_turned => {
                    (*has_turned, self.at) = (true, 0);
                    None
                }
                _ => Some(None),
            }
        } else {
            // The event before the cursor is where we are.
            let mut left = at_most;
            while self.at > 0 && left > 0 {
                let end = self.at - 1;
                let begin = end.saturating_sub(BLOCK);
                let fits = log.events_in(begin..end).enumerate().filter(|(_, event)| self.is_it(log, event));
                if let Some((found, _)) = fits.last() {
                    return Some(Some(begin + found + 1));
                }
                self.at = if begin == 0 { 0 } else { begin + 1 };
                left = left.saturating_sub(BLOCK);
            }
            (self.at == 0).then_some(None)
        }
    }
}

fn lane_name(log: &Log, lane: LaneId) -> &str {
    log.lane(lane).map_or("?", |lane| &lane.name)
}

/// The lane that an event gives control to, or wakes.
fn given_to(kind: &Kind) -> Option<LaneId> {
    match kind {
        Kind::Switch { to, .. } | Kind::Wake { to, .. } => Some(*to),
        _ => None,
    }
}

/// Whether an event changes what a person sees as a stack: a call begins to run, or is over.
fn changes_a_stack(log: &Log, event: &Event) -> bool {
    match event.kind {
        Kind::Enter { span } => is_first(log, span, event.time),
        Kind::Close { span } => log.span(span).is_some_and(|span| span.entered.is_some()),
        _ => false,
    }
}

fn is_first(log: &Log, span: SpanId, entered: Time) -> bool {
    log.span(span).is_some_and(|span| span.entered == Some(entered))
}

impl Ui<'_> {
    /// To the next event after which the picture is a whole one.
    pub(super) fn move_by_step(&mut self, is_forth: bool) {
        let mut at = self.cursor();
        loop {
            at = if is_forth { at + 1 } else { at.saturating_sub(1) };
            if at == 0 || at >= self.log.len() || is_moment(&self.log, at) {
                break;
            }
        }
        self.move_to(at);
    }

    /// To the next event, whatever it is.
    pub(super) fn move_by_event(&mut self, is_forth: bool) {
        let at = self.cursor();
        self.move_to(if is_forth { at + 1 } else { at.saturating_sub(1) });
    }

    /// To where a call begins or ends.
    pub(super) fn move_by_call(&mut self, is_forth: bool) {
        self.seek(Sought::Call, is_forth);
    }

    /// To where a turn of the event loop ends.
    pub(super) fn move_by_turn(&mut self, is_forth: bool) {
        let cursor = self.cursor();
        let Some(turns) = LoopTurns::of(&self.log, self.material.chain) else {
            self.notify("no turn of an event loop has been recorded");
            return;
        };
        match if is_forth { turns.next(cursor) } else { turns.previous(cursor) } {
            Some(at) => self.move_to(at),
            None if is_forth => self.notify("this is the last turn so far"),
            None => self.notify("before this the loop had not polled"),
        }
    }

    /// To the next event of the selected lane.
    pub(super) fn move_by_lane(&mut self, is_forth: bool) {
        match self.lane_now() {
            Some(lane) => self.seek(Sought::Lane(lane), is_forth),
            None => self.notify("select a lane in the call stack first"),
        }
    }

    /// To the call beside the selected one: in the same lane, as deep as it.
    pub(super) fn move_by_slice(&mut self, is_forth: bool) {
        let Some(lane) = self.lane_now() else {
            self.notify("select a lane in the call stack or in the timeline first");
            return;
        };
        self.hush();
        let frames = self.known.state.lane(lane).map_or(0, |lane| lane.frames().count());
        let selected = match self.selected {
            Some(RowId::Frame(span)) => self.log.span(span).filter(|span| span.lane == lane).map(|span| span.depth),
            _ => None,
        };
        let depth = selected.unwrap_or(frames.saturating_sub(1));
        let before = self.cursor();
        let mut found = self.log.call_beside(lane, depth, before, is_forth);
        // From within a call back is to its beginning, and from there to the one before.
        if let Some(span) = found.filter(|span| !is_forth && self.cursor_at_span(*span) == Some(before)) {
            let opened = self.log.span(span).map_or(0, |span| span.open.0.0 as usize);
            found = self.log.call_beside(lane, depth, opened, false);
        }
        let Some(span) = found else {
            let way = if is_forth { "after" } else { "before" };
            let text = format!("{} has no call {way} this at depth {}", lane_name(&self.log, lane), depth + 1);
            self.notify(text);
            return;
        };
        self.move_to_span(span);
        self.lines.chosen = Some(LineId::Lane(lane));
        self.refresh();
        if self.known.rows.iter().any(|row| row.id == RowId::Frame(span)) {
            self.selected = Some(RowId::Frame(span));
        }
    }

    /// Along a switch or a wake: to whom the lane gives next, or from whom it got what it has.
    pub(super) fn move_along(&mut self, is_forth: bool) {
        let Some(lane) = self.lane_now() else {
            self.notify("select a lane in the call stack or in the timeline first");
            return;
        };
        // At the switch already: along it.
        let here = self.cursor().checked_sub(1).and_then(|at| self.log.event(at));
        let is_here = |event: &Event| event.lane == lane && given_to(&event.kind).is_some_and(|to| to != lane);
        match here.filter(is_here) {
            Some(event) if is_forth => self.arrive(given_to(&event.kind).unwrap_or(lane), self.cursor()),
            _ if is_forth => self.seek(Sought::Given(lane), true),
            _ => self.seek(Sought::Got(lane), false),
        }
    }

    /// To the first event of a lane behind a cursor, which is its own from then on.
    fn arrive(&mut self, lane: LaneId, at: usize) {
        self.choose_lane(lane);
        self.seek_from(Seek { sought: Sought::Lane(lane), is_forth: true, at });
    }

    /// A hundredth of the timeline's window, and one event at the least.
    pub(super) fn scrub(&mut self, is_forth: bool) {
        let window = self.window_now();
        let by = (window.to.since(window.from) / 100).max(1);
        let now = self.time_now().0;
        let at = self.log.cursor_at(Time(if is_forth { now.saturating_add(by) } else { now.saturating_sub(by) }));
        let cursor = self.cursor();
        self.move_to(if is_forth {
            at.max(cursor + 1)
        } else if now == 0 {
            0
        } else {
            at.min(cursor.saturating_sub(1))
        });
    }

    /// Puts the cursor behind so many events, in sight.
    pub(super) fn move_to(&mut self, at: usize) {
        self.cursor = (at < self.log.len()).then_some(at);
        (self.page, self.play, self.seek) = (None, None, None);
        self.keep_in_window(self.time_now());
    }

    /// Puts the cursor behind the beginning of a span.
    pub(super) fn move_to_span(&mut self, span: SpanId) {
        if let Some(at) = self.cursor_at_span(span) {
            self.move_to(at);
        }
    }

    fn cursor_at_span(&self, span: SpanId) -> Option<usize> {
        let record = self.log.span(span)?;
        let opened = record.open.0.0 as usize + 1;
        let mut near = self.log.events_in(opened..opened + BLOCK);
        let entered = near.position(|event| event.kind == Kind::Enter { span }).map(|found| opened + found + 1);
        drop(near);
        let far = || record.entered.map(|entered| self.log.cursor_at(self.log.clock().program(entered)));
        Some(entered.or_else(far).unwrap_or(opened))
    }

    /// To a place that was typed. Says why not, if not.
    pub(super) fn go_to(&mut self, text: &str) -> Result<(), String> {
        let place: Place = text.parse().map_err(|error: crate::trace::PlaceError| error.to_string())?;
        let end = self.last_time();
        let now = self.time_now();
        let marks = self.known.landmarks;
        let is_there =
            |mark: Option<usize>, what: &str| mark.ok_or(format!("the loop {what} nowhere in this recording"));
        match place {
            Place::At(time) if time > end => return Err(format!("the recording ends at {end}")),
            Place::At(time) => self.move_to(self.log.cursor_at(time)),
            Place::Later(by) => self.move_to(self.log.cursor_at(Time(now.0.saturating_add(by.0)))),
            Place::Earlier(by) => self.move_to(self.log.cursor_at(Time(now.0.saturating_sub(by.0)))),
            Place::Share(share) => self.move_to(self.log.cursor_at(Time((end.0 as f64 * share / 100.0) as u64))),
            Place::Event(at) if at > self.log.len() => return Err(format!("there are {} events", self.log.len())),
            Place::Event(at) => self.move_to(at),
            Place::Span(number) if self.log.span(SpanId(number)).is_none() => {
                return Err(format!("there is no span {number}"));
            }
            Place::Span(number) => self.move_to_span(SpanId(number)),
            Place::LoopStarts => self.move_to(is_there(marks.loop_starts, "starts")?),
            Place::LoopServes => self.move_to(is_there(marks.loop_serves, "serves")?),
            Place::Note(number) => self.move_to_note(number.wrapping_sub(1))?,
            Place::Call(name) => {
                let key = self.material.chain.key(&name).cloned();
                self.seek(Sought::Named { name, key, has_turned: false }, true);
            }
        }
        Ok(())
    }

    /// To where a call began for the first time.
    pub(super) fn move_to_first(&mut self, id: &str, key: Key) {
        let sought = Sought::Named { name: id.to_owned(), key: Some(key), has_turned: true };
        self.seek_from(Seek { sought, is_forth: true, at: 0 });
    }

    fn seek(&mut self, sought: Sought, is_forth: bool) {
        self.seek_from(Seek { sought, is_forth, at: self.cursor() });
    }

    fn seek_from(&mut self, seek: Seek) {
        self.play = None;
        self.hush();
        self.seek = Some(seek);
        self.seek_on(SLICE);
    }

    /// Reads on for a move that has not arrived, at most this many events.
    pub(super) fn seek_on(&mut self, at_most: usize) {
        let Some(mut seek) = self.seek.take() else { return };
        match seek.read(&self.log, at_most) {
            None => self.seek = Some(seek),
            Some(Some(at)) => {
                let event = at.checked_sub(1).and_then(|at| self.log.event(at));
                self.move_to(at);
                match (&seek.sought, event) {
                    (Sought::Given(_), Some(event)) => {
                        if let Some(to) = given_to(&event.kind) {
                            self.arrive(to, at);
                        }
                    }
                    (Sought::Got(_), Some(event)) => self.choose_lane(event.lane),
                    (Sought::Lane(lane), _) if self.lines.chosen == Some(LineId::Lane(*lane)) => {
                        self.choose_lane(*lane);
                    }
                    _ => {}
                }
            }
            Some(None) => match (&seek.sought, seek.is_forth) {
                (Sought::Named { name, .. }, _) => {
                    self.notify(format!("no call so far is named `{name}`; {} searches", self.keys.shown("search")));
                }
                (Sought::Call, true) => self.move_to(self.log.len()),
                (Sought::Call, false) => self.move_to(0),
                (Sought::Given(lane), _) => {
                    let text =
                        format!("{} gives way to nobody after this, and wakes nobody", lane_name(&self.log, *lane));
                    self.notify(text);
                }
                (Sought::Got(lane), _) => {
                    let text = format!("nobody gave way to {} before this, or woke it", lane_name(&self.log, *lane));
                    self.notify(text);
                }
                (Sought::Lane(lane), is_forth) => {
                    let name = self.log.lane(*lane).map_or("?", |lane| &lane.name);
                    let way = if is_forth { "after" } else { "before" };
                    self.notify(format!("nothing happens in {name} {way} this"));
                }
            },
        }
    }
}

/// Whether the picture after `cursor` events is one a person would stop at: not between the parts of one step.
fn is_moment(log: &Log, cursor: usize) -> bool {
    let Some(last) = cursor.checked_sub(1).and_then(|at| log.event(at)) else {
        return true;
    };
    let is_half = matches!(last.kind, Kind::Release { .. } | Kind::Open { .. });
    let is_held_next =
        log.event(cursor).is_some_and(|next| matches!(next.kind, Kind::Hold { .. }) && next.lane == last.lane);
    !is_half && !is_held_next
}
