//! Moves of the cursor through the recording: by step, event, call, lane, time, and to a place that is typed.
//!
//! What is looked for may be far away: a move that has not arrived after a few thousand events goes on in slices, between
//! pictures, until it has, or until `esc`.

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
            Sought::Lane(lane) => format!("an event of {}", log.lane(*lane).map_or("?", |lane| &lane.name)),
            Sought::Named { name, .. } => format!("`{name}`"),
        };
        let share = 100 * self.at / log.len().max(1);
        format!("looking for {what}: {share} % of the recording; esc stops")
    }

    fn is_it(&self, log: &Log, event: &Event) -> bool {
        match &self.sought {
            Sought::Call => changes_a_stack(log, event),
            Sought::Lane(lane) => event.lane == *lane,
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
        match self.selected_lane() {
            Some(lane) => self.seek(Sought::Lane(lane), is_forth),
            None => self.notify("select a lane in the call stack first"),
        }
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
        let Some(record) = self.log.span(span) else { return };
        let opened = record.open.0.0 as usize + 1;
        let mut near = self.log.events_in(opened..opened + BLOCK);
        let entered = near.position(|event| event.kind == Kind::Enter { span }).map(|found| opened + found + 1);
        drop(near);
        let far = || record.entered.map(|entered| self.log.cursor_at(self.log.clock().program(entered)));
        let at = entered.or_else(far).unwrap_or(opened);
        self.move_to(at);
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
            Some(Some(at)) => self.move_to(at),
            Some(None) => match (&seek.sought, seek.is_forth) {
                (Sought::Named { name, .. }, _) => {
                    self.notify(format!("no call so far is named `{name}`; {} searches", self.keys.shown("search")));
                }
                (Sought::Call, true) => self.move_to(self.log.len()),
                (Sought::Call, false) => self.move_to(0),
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
