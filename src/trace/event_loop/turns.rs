//! The turns of the event loop, found by its polls: where each begins and ends, and what was done in it.
//!
//! ```text
//!   turn 0            turn 1                               turn 2
//!   before any poll │ poll ─ fired watchers ─ callbacks │ poll …
//!                   └ a turn ends where the next poll is entered
//! ```
//!
//! Polls are in the index of calls, so a turn is found without a look at any other, and only its own events are read; of
//! a turn that is longer than what is to be looked at, its beginning and its end.

use std::sync::Arc;

use crate::trace::{CallsOf, Chain, Event, Field, Key, Kind, LaneId, LaneKind, Log, SpanId, Time, Value, field};

/// The turns of a log.
#[derive(Clone, Debug)]
pub struct LoopTurns<'a> {
    log: &'a Log,
    polls: CallsOf<'a>,
    /// The callsite of the polls. A call that is written in several places has them in turn in one of these only.
    list: usize,
    count: usize,
    /// Where the loop was first entered.
    began: usize,
    /// The loop's lane.
    lane: Option<LaneId>,
    /// What gives control to whoever is ready.
    run_callbacks: Option<&'a Key>,
}

/// One turn, as far as the cursor goes.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopTurn {
    /// Its number, in the program's own count; 0 is what comes before the first poll.
    pub number: u64,
    /// The places of its events.
    pub range: (usize, usize),
    /// From when until when it polled, in program time; the end is `None` while it does.
    pub polled: Option<(Time, Option<Time>)>,
    /// How many watchers the program had armed when it polled.
    pub watchers: Option<u64>,
    /// What the loop woke for: the first watcher or callback. `None` if nothing of that was recorded, or not by now.
    pub woke: Option<Arc<str>>,
    /// The watchers that fired, in order.
    pub fired: Vec<Fired>,
    /// Who was given control by the hub, in order; each once.
    pub ran: Vec<LaneId>,
    /// How many callbacks were run.
    pub callbacks: u64,
    /// Who was made ready and has not had control since, with why and by whom.
    pub woken: Vec<(LaneId, Option<Arc<str>>, LaneId)>,
    /// It is longer than what was looked at: of its middle nothing is known here.
    pub is_cut: bool,
}

/// A watcher that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// What kind, in the program's words: `io watcher`.
    pub watcher: Arc<str>,
    /// Its descriptor.
    pub fd: Option<i64>,
    /// When, in program time.
    pub at: Time,
    /// What was called for it.
    pub call: Option<(SpanId, Arc<str>)>,
}

impl<'a> LoopTurns<'a> {
    /// The turns of a log. `None` if the chain names no poll, or nothing of the loop has ever run.
    #[must_use]
    pub fn of(log: &'a Log, chain: &'a Chain) -> Option<Self> {
        let hub = chain.key("hub.run").and_then(|key| log.calls(key, log.len()).first(1).pop());
        let polls = log.calls(chain.key("loop.poll")?, log.len());
        let (list, count) = polls.lens().enumerate().max_by_key(|of| of.1).unwrap_or((0, 0));
        let began = hub.map(|hub| hub.entered).into_iter().chain(polls.entered(list, 0)).min()?;
        let lane = polls.span(list, 0).map(|poll| poll.1).or(hub.map(|hub| hub.lane));
        let run_callbacks = chain.key("run_callbacks");
        Some(Self { log, polls, list, count, began, lane, run_callbacks })
    }

    /// How many there are in the whole log: one more than there are polls.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count + 1
    }

    /// Where the loop was first entered.
    #[must_use]
    pub fn began(&self) -> usize {
        self.began
    }

    /// The place where a turn ends: before the next poll is entered, or at the end of the log.
    fn end(&self, turn: usize) -> usize {
        self.polls.entered(self.list, turn).unwrap_or(self.log.len())
    }

    /// The turn at a cursor: how many polls were entered before it.
    #[must_use]
    pub fn at(&self, cursor: usize) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.end(middle) < cursor { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The next cursor at which a turn has ended.
    #[must_use]
    pub fn next(&self, cursor: usize) -> Option<usize> {
        let at = self.at(cursor);
        let next = if self.end(at) > cursor { self.end(at) } else { self.end((at + 1).min(self.count)) };
        (next > cursor).then_some(next)
    }

    /// The cursor before at which a turn had ended.
    #[must_use]
    pub fn previous(&self, cursor: usize) -> Option<usize> {
        // All turns before this one have ended before the cursor.
        self.at(cursor).checked_sub(1).map(|turn| self.end(turn))
    }

    /// The cursor at which a turn has ended.
    #[must_use]
    pub fn end_of(&self, turn: usize) -> usize {
        self.end(turn.min(self.count))
    }

    /// A turn, as of a cursor behind its beginning. At most `look` of its events are read.
    #[must_use]
    pub fn turn(&self, turn: usize, cursor: usize, look: usize) -> LoopTurn {
        let from = match turn.checked_sub(1) {
            Some(before) => self.end(before),
            None => self.began,
        };
        let to = self.end(turn).min(cursor).max(from);
        let poll = turn.checked_sub(1).and_then(|poll| self.polls.span(self.list, poll)).map(|poll| poll.0);
        let mut reading =
            Reading { poll, hub: self.lane, ..Reading::new(self.log, turn as u64, (from, to), self.run_callbacks) };
        reading.open();
        let half = look / 2;
        if to - from <= look {
            self.log.events_in(from..to).for_each(|event| reading.take(&event));
        } else {
            reading.turn.is_cut = true;
            self.log.events_in(from..from + half).for_each(|event| reading.take(&event));
            self.log.events_in(to - half..to).for_each(|event| reading.take(&event));
        }
        reading.finish()
    }
}

/// A turn while its events are read.
struct Reading<'a> {
    log: &'a Log,
    turn: LoopTurn,
    poll: Option<SpanId>,
    hub: Option<LaneId>,
    run_callbacks: Option<&'a Key>,
    /// Callbacks that the program has not counted yet.
    counted: u64,
    told: Option<Arc<str>>,
    first: Option<Arc<str>>,
}

impl<'a> Reading<'a> {
    fn new(log: &'a Log, number: u64, range: (usize, usize), run_callbacks: Option<&'a Key>) -> Self {
        let turn = LoopTurn {
            number,
            range,
            polled: None,
            watchers: None,
            woke: None,
            fired: Vec::new(),
            ran: Vec::new(),
            callbacks: 0,
            woken: Vec::new(),
            is_cut: false,
        };
        Self { log, turn, run_callbacks, poll: None, hub: None, counted: 0, told: None, first: None }
    }

    /// What was said when the poll was opened, just before it was entered.
    fn open(&mut self) {
        let opened =
            self.poll.and_then(|poll| self.log.span(poll)).and_then(|span| self.log.event(span.open.0.0 as usize));
        if let Some(Event { kind: Kind::Open { fields, .. }, .. }) = opened {
            self.turn.number = field(&fields, "turn").and_then(number).unwrap_or(self.turn.number);
            self.turn.watchers = field(&fields, "watchers").and_then(number);
        }
    }

    fn take(&mut self, event: &Event) {
        let turn = &mut self.turn;
        let now = || self.log.clock().program(event.time);
        let is_hub = self.hub.is_none_or(|hub| hub == event.lane);
        match &event.kind {
            Kind::Enter { span } if Some(*span) == self.poll => turn.polled = Some((now(), None)),
            Kind::Exit { span } if Some(*span) == self.poll => {
                if let Some(polled) = &mut turn.polled {
                    polled.1 = Some(now());
                }
            }
            Kind::Note { fields, .. } if is_hub => {
                if let Some(watcher) = text(fields, "watcher") {
                    let fd = field(fields, "fd").and_then(signed);
                    let name = || fd.map_or_else(|| watcher.clone(), |fd| format!("{watcher} on fd {fd}").into());
                    self.first.get_or_insert_with(name);
                    let at = now();
                    turn.fired.push(Fired { watcher, fd, at, call: None });
                } else if let Some(woke) = text(fields, "woke") {
                    self.told.get_or_insert(woke);
                    turn.callbacks += field(fields, "callbacks").and_then(number).unwrap_or(0);
                    self.counted = 0;
                }
            }
            // What is called next is called for the watcher.
            Kind::Open { span, callsite, .. } if is_hub => {
                if let Some(fired) = turn.fired.last_mut().filter(|fired| fired.call.is_none())
                    && !self.run_callbacks.is_some_and(|key| key.matches(callsite))
                {
                    fired.call = Some((*span, callsite.name.clone()));
                }
            }
            Kind::Switch { to, .. } if is_hub && *to != event.lane => {
                turn.woken.retain(|woken| woken.0 != *to);
                if !turn.ran.contains(to) {
                    turn.ran.push(*to);
                }
                let lane = self.log.lane(*to);
                // The program counts main before it has control, which it gets when the loop has told of its turn.
                if self.told.is_none() || lane.is_none_or(|lane| lane.kind == LaneKind::Task) {
                    self.counted += 1;
                }
                self.first = self.first.take().or_else(|| lane.map(|lane| lane.name.clone()));
            }
            Kind::Wake { to, reason } => {
                turn.woken.retain(|woken| woken.0 != *to);
                turn.woken.push((*to, reason.clone(), event.lane));
            }
            _ => {}
        }
    }

    fn finish(self) -> LoopTurn {
        let mut turn = self.turn;
        turn.callbacks += self.counted;
        turn.woke = self.told.or(self.first);
        turn
    }
}

/// A field that is a text.
pub(super) fn text(fields: &[Field], name: &str) -> Option<Arc<str>> {
    match field(fields, name)? {
        Value::Str(text) => Some(text.clone()),
        _ => None,
    }
}

/// A field that is a number.
pub(super) fn number(value: &Value) -> Option<u64> {
    match *value {
        Value::U64(value) => Some(value),
        Value::I64(value) => value.try_into().ok(),
        Value::U128(value) => value.try_into().ok(),
        Value::I128(value) => value.try_into().ok(),
        _ => None,
    }
}

/// A field that is a number, below zero too.
pub(super) fn signed(value: &Value) -> Option<i64> {
    match *value {
        Value::I64(value) => Some(value),
        _ => number(value).and_then(|value| value.try_into().ok()),
    }
}
