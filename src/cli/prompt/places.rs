//! Where we are, and how one gets to a place that is named.

use std::collections::VecDeque;

use super::words::sentence;
use super::{Answer, Lines, Prompt};
use crate::cli::sentences;
use crate::lesson::Verdict;
use crate::trace::{Edge, Event, Kind, LaneId, Place, PlaceError, Run, SpanId, Time, here};

/// Events that are looked at together, backwards.
const BLOCK: usize = 512;
/// Calls around ours that are named.
const AROUND: usize = 4;
/// Lanes that are named unasked.
pub(super) const LANES: usize = 8;

impl Prompt<'_> {
    /// The call we are in, or whose end we look at, or nothing.
    pub(super) fn here(&self) -> Option<SpanId> {
        let (state, cursor) = (self.state(), self.cursor());
        let is_past = state.paused().is_none() && (self.is_recording || cursor < self.log.len());
        let event = is_past.then(|| self.log.event(cursor.checked_sub(1)?)).flatten();
        let edge = event.filter(|event| self.is_edge(event)).and_then(|event| event.kind.span());
        edge.or_else(|| here(&self.log, &state, cursor))
    }

    /// The step we are in.
    pub(super) fn step_here(&self) -> Option<usize> {
        self.chain.step_around(&self.log, self.here()?)
    }

    /// The lane we are in.
    pub(super) fn lane_here(&self) -> Option<LaneId> {
        let stop = self.state().paused().map(|stop| stop.lane);
        stop.or_else(|| self.here().and_then(|span| self.log.span(span)).map(|span| span.lane))
    }

    /// Where we are, and of what.
    pub(super) fn where_we_are(&mut self) -> Lines {
        let mut lines = self.whereabouts();
        let (marks, cursor) = (self.marks(), self.cursor());
        let has_been = |mark: Option<usize>| mark.is_some_and(|mark| mark <= cursor);
        let phase = match (has_been(marks.loop_starts), has_been(marks.loop_serves)) {
            (_, true) => "after the loop serves",
            (true, false) => "the loop has started, and does not serve yet",
            (false, false) => "before the loop",
        };
        let now = self.log.clock().program(self.log.time_at(cursor));
        // A program that has nothing of the chain has no such loop.
        let is_known = self.chain.steps().iter().any(|step| self.log.has_entered(&step.key));
        lines.push(match is_known {
            true => format!("{}, {now} of program time.", sentence(phase).trim_end_matches('.')),
            false => format!("At {now} of program time."),
        });
        let address = self.program.address();
        if self.has_ended() && !self.is_recording {
            lines.push("The program has ended; restart starts it again.".to_owned());
            return lines;
        }
        let listens = self.chain.key("tcp_listener").is_some_and(|key| self.log.has_entered(key));
        lines.push(match (self.is_recording, listens) {
            (true, _) => format!("Of the recording {address}."),
            (false, true) => format!("The server's address is {address}."),
            (false, false) => format!("The server will listen on {address}."),
        });
        lines
    }

    /// Where we are, in a few lines.
    pub(super) fn whereabouts(&mut self) -> Lines {
        let (cursor, state) = (self.cursor(), self.state());
        let mut lines = Lines::new();
        if cursor < self.log.len() {
            let now = self.log.clock().program(self.log.time_at(cursor));
            let back = if self.is_recording { "" } else { ", looking back" };
            lines.push(format!("Event {cursor} of {}, at {now}{back}.", self.log.len()));
        } else if self.is_recording {
            lines.push("This is the end of the recording.".to_owned());
        }
        if cursor == 0 {
            lines.push("Nothing has happened yet.".to_owned());
            return lines;
        }
        lines.extend(self.hit_line());
        let event = self.log.event(cursor - 1);
        let edge = event.filter(|event| self.is_edge(event)).and_then(|event| match event.kind {
            Kind::Enter { span } => Some((span, Edge::Enter)),
            Kind::Close { span } => Some((span, Edge::Exit)),
            _ => None,
        });
        // Where the program stands at a place that is no stop, it goes on: what its lanes do says more.
        let is_past = self.is_recording || cursor < self.log.len();
        match state.paused().map(|stop| (stop.span, stop.edge)).or(edge.filter(|_| is_past)) {
            Some((span, edge)) => lines.extend(self.edge_lines(span, edge)),
            None => {
                let is_now = cursor == self.log.len() && !self.is_recording;
                if is_now && self.program.status().run == Run::Free && !self.has_ended() {
                    lines.push("The program runs on its own.".to_owned());
                }
                let lanes: Vec<_> = state.lanes().iter().filter(|lane| !lane.is_done).collect();
                let shown = lanes.iter().take(LANES);
                lines.extend(shown.map(|lane| format!("{}: {}.", lane.name, sentences::doing(&state, lane))));
                lines.extend(more_lanes(lanes.len()));
            }
        }
        lines
    }

    /// A call that begins or ends.
    fn edge_lines(&self, span: SpanId, edge: Edge) -> Lines {
        let Some(record) = self.log.span(span) else { return Lines::new() };
        let cursor = self.cursor();
        let (lane, name) = (sentences::lane(&self.log, record.lane), &record.callsite.name);
        let fields = self.log.fields(span, cursor);
        let given = match self.log.event(record.open.0.0 as usize).map(|event| event.kind) {
            Some(Kind::Open { fields, .. }) => fields.len(),
            _ => 0,
        };
        let mut lines = Lines::new();
        if edge == Edge::Exit {
            let clock = self.log.clock();
            let end = record.close.map_or(self.log.time_at(cursor), |(_, time)| time);
            let took = Time(clock.program(end).since(clock.program(record.entered.unwrap_or(record.open.1))));
            lines.push(format!("{lane}: {name} ends, after {took}."));
            let known = sentences::fields(fields.get(given..).unwrap_or_default());
            lines.extend((!known.is_empty()).then(|| format!("It recorded {}.", known.join("; "))));
            return lines;
        }
        let step = self.chain.step_of(&record.callsite);
        let page = step.and_then(|step| self.book.step_page(step));
        match (step, page) {
            (Some(step), Some(page)) => {
                lines.push(format!("{lane}: {name} begins. Step {}, {}.", step + 1, page.title));
            }
            _ => lines.push(format!("{lane}: {name} begins.")),
        }
        let around = sentences::around(&self.log, span, AROUND);
        let line = record.callsite.line.map_or_else(String::new, |line| format!(" line {line}"));
        let place = match (&record.callsite.file, &*around) {
            (Some(_), "") => format!("At {}{line}.", record.callsite.file_name()),
            (Some(_), around) => format!("At {}{line}, {around}.", record.callsite.file_name()),
            (None, "") => String::new(),
            (None, around) => sentence(around),
        };
        lines.extend((!place.is_empty()).then_some(place));
        let known = sentences::fields(&fields);
        lines.extend((!known.is_empty()).then(|| format!("With {}.", known.join("; "))));
        if let Some(verdict) = page.and_then(|page| page.verdict) {
            lines.push(format!("{}; lesson says more.", verdict_text(verdict)));
        }
        lines
    }

    pub(super) fn go_to(&mut self, text: &str) -> Answer {
        if self.is_recording {
            self.read_on();
        }
        let at = self.place(text)?;
        Ok(self.look_at(at))
    }

    /// Puts the cursor there.
    fn look_at(&mut self, at: usize) -> Lines {
        self.cursor = (self.is_recording || at < self.log.len()).then_some(at);
        (self.told, self.is_page_here) = (at, false);
        self.whereabouts()
    }

    /// The cursor at a place that is named.
    pub(super) fn place(&self, text: &str) -> Result<usize, String> {
        let place: Place = match text {
            "end" => Place::Share(100.0),
            text => text.parse().map_err(|error: PlaceError| error.to_string())?,
        };
        let clock = self.log.clock();
        let end = clock.program(self.log.time_at(self.log.len()));
        let now = clock.program(self.log.time_at(self.cursor()));
        let marks = self.marks();
        let is_there = |mark: Option<usize>, what: &str| {
            mark.ok_or(format!("the loop {what} nowhere in what has happened so far"))
        };
        Ok(match place {
            Place::At(time) if time > end => return Err(format!("it has come to {end} so far")),
            Place::At(time) => self.log.cursor_at(time),
            Place::Later(by) => self.log.cursor_at(Time(now.0.saturating_add(by.0))),
            Place::Earlier(by) => self.log.cursor_at(Time(now.0.saturating_sub(by.0))),
            Place::Share(share) if share <= 0.0 => 0,
            Place::Share(share) if share >= 100.0 => self.log.len(),
            Place::Share(share) => self.log.cursor_at(Time((end.0 as f64 * share / 100.0) as u64)),
            Place::Event(at) if at > self.log.len() => return Err(format!("there are {} events", self.log.len())),
            Place::Event(at) => at,
            Place::Span(number) => {
                let span = self.log.span(SpanId(number)).ok_or_else(|| format!("there is no call {number}"))?;
                let opened = span.open.0.0 as usize;
                let begun = |event: &Event| event.kind == Kind::Enter { span: span.id };
                let behind = self.log.events_in(opened..).position(|event| begun(&event));
                opened + 1 + behind.unwrap_or(0)
            }
            Place::LoopStarts => is_there(marks.loop_starts, "starts")?,
            Place::LoopServes => is_there(marks.loop_serves, "serves")?,
            Place::Note(number) => self.place_of_note(number)?,
            Place::Call(name) => self.first_call(&name)?,
        })
    }

    /// Along the next switch or wake of our lane, to the first that happens in the lane it was given to.
    pub(super) fn go_to_whom(&mut self) -> Answer {
        let from = self.cursor();
        let along = |at: usize, lane: Option<LaneId>| {
            let event = self.log.event(at).filter(|event| lane.is_none_or(|lane| event.lane == lane))?;
            given_to(&event, event.lane).map(|to| (at, event, to))
        };
        // At a switch already: along it.
        let here = from.checked_sub(1).and_then(|at| along(at, None));
        let lane = self.lane_here().ok_or("there is no lane yet")?;
        let next = || {
            let found = self.log.events_in(from..).position(|event| given_to(&event, lane).is_some())?;
            along(from + found, Some(lane))
        };
        let name = sentences::lane(&self.log, lane);
        let found = here.or_else(next);
        let (at, event, to) = found.ok_or_else(|| format!("after this nobody is given control by {name}, or woken"))?;
        let first = self.log.events_in(at + 1..).position(|event| event.lane == to);
        let mut lines = vec![format!("{}.", sentences::event(&self.log, &event))];
        lines.append(&mut self.look_at(first.map_or(at + 1, |found| at + found + 2)));
        Ok(lines)
    }

    /// Back along the last switch or wake to our lane, to where it was given.
    pub(super) fn go_from_whom(&mut self) -> Answer {
        let lane = self.lane_here().ok_or("there is no lane yet")?;
        let is_it = |event: &Event| event.lane != lane && given_to(event, event.lane) == Some(lane);
        let mut end = self.cursor().saturating_sub(1);
        let found = loop {
            let begin = end.saturating_sub(BLOCK);
            let last = (begin..end).zip(self.log.events_in(begin..end)).filter(|(_, event)| is_it(event)).last();
            if last.is_some() || begin == 0 {
                break last;
            }
            end = begin;
        };
        let name = sentences::lane(&self.log, lane);
        let (at, event) = found.ok_or_else(|| format!("before this nobody gave control to {name}, or woke it"))?;
        let mut lines = vec![format!("{}.", sentences::event(&self.log, &event))];
        lines.append(&mut self.look_at(at + 1));
        Ok(lines)
    }

    /// Behind the beginning of the next call of a step or of that name; from the start again after the end.
    fn first_call(&self, name: &str) -> Result<usize, String> {
        let key = self.chain.key(name);
        let is_it = |event: &Event| {
            let Kind::Enter { span } = event.kind else { return false };
            let called = self.log.span(span).map(|span| span.callsite);
            self.is_edge(event) && called.is_some_and(|call| key.map_or(*call.name == *name, |key| key.matches(&call)))
        };
        let cursor = self.cursor();
        let later = self.log.events_in(cursor..).position(|event| is_it(&event)).map(|found| cursor + found + 1);
        let earlier = || self.log.events_in(..cursor).position(|event| is_it(&event)).map(|found| found + 1);
        later.or_else(earlier).ok_or_else(|| format!("no call so far is named `{name}`"))
    }

    pub(super) fn events(&mut self, text: &str) -> Answer {
        // A lane's name may have blanks.
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (count, lane) = match first.starts_with(|letter: char| letter.is_ascii_digit()) {
            true => (super::commands::number(first)?, rest.trim()),
            false => (10, text),
        };
        let lane = if lane.is_empty() { None } else { Some(self.lane_called(lane)?) };
        let cursor = self.cursor();
        let mut found = VecDeque::new();
        let mut end = cursor;
        while end > 0 && found.len() < count {
            let begin = end.saturating_sub(BLOCK);
            let block: Vec<_> = (begin..end).zip(self.log.events_in(begin..end)).collect();
            let fits = block.into_iter().rev().filter(|(_, event)| lane.is_none_or(|lane| event.lane == lane));
            fits.take(count - found.len()).for_each(|event| found.push_front(event));
            end = begin;
        }
        let lines = found.into_iter().map(|(at, event)| {
            let when = sentences::when(&self.log, &event);
            format!("Event {}, at {when}: {}.", at + 1, sentences::event(&self.log, &event))
        });
        let lines: Lines = lines.collect();
        if lines.is_empty() { Err("nothing has happened yet".to_owned()) } else { Ok(lines) }
    }
}

/// The other lane that an event of a lane gives control to, or wakes.
fn given_to(event: &Event, lane: LaneId) -> Option<LaneId> {
    match event.kind {
        Kind::Switch { to, .. } | Kind::Wake { to, .. } if event.lane == lane && to != lane => Some(to),
        _ => None,
    }
}

/// What is said of the lanes beyond those that are named.
pub(super) fn more_lanes(all: usize) -> Option<String> {
    let more = all.saturating_sub(LANES);
    (more > 0).then(|| format!("{more} more lanes; timeline names them."))
}

/// What a verdict says of the report.
pub(super) fn verdict_text(verdict: Verdict) -> String {
    sentence(match verdict {
        Verdict::True => "the report is right here",
        Verdict::Imprecise => "the report is imprecise here",
        Verdict::Wrong => "the report is wrong here",
        Verdict::Missing => "the report leaves this out",
        Verdict::Empty => "the report has the heading for this, and nothing under it",
    })
    .trim_end_matches('.')
    .to_owned()
}
