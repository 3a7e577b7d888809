//! What there is to say of a log at a cursor, in short sentences: for whoever reads lines, or has them read out.
//!
//! The lane comes first, then what it does, then numbers. No columns, no signs that only mean something to the eye.

use std::fmt::Write as _;

use super::plain::CONVENTIONS;
use crate::trace::{
    Activity, Callsite, Edge, Event, Field, Frame, Kind, Lane, LaneId, Log, SpanId, State, Time, Value,
};

/// A text that somebody else wrote, without what would break a line or move the cursor of a terminal.
pub(super) fn in_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

/// What a lane is doing.
pub(super) fn doing(state: &State, lane: &Lane) -> String {
    let innermost = lane.frames().last();
    let stop = state.held().iter().find(|stop| stop.lane == lane.id);
    let at = |edge: Edge| {
        let call = stop.and_then(|stop| state.frame(stop.span)).map_or("a call", |(_, frame)| &frame.callsite.name);
        match edge {
            Edge::Enter => format!("at the beginning of {call}"),
            Edge::Exit => format!("at the end of {call}"),
        }
    };
    match state.activity(lane) {
        Activity::Created => "created, has not run".to_owned(),
        Activity::Running => "running".to_owned(),
        Activity::Polling => "polling: the loop waits for something to happen".to_owned(),
        // A lane that waits for no stated reason reports the name of its innermost call.
        Activity::Waiting(what) if innermost.is_some_and(|frame| *frame.callsite.name == *what) => {
            format!("waiting in {what}")
        }
        Activity::Waiting(what) => format!("waiting for {what}"),
        Activity::Unknown => "running or waiting, which the recording does not say".to_owned(),
        Activity::Paused(edge) => format!("paused {}", at(edge)),
        Activity::Held(edge) => format!("held {}", at(edge)),
        Activity::Idle => "idle".to_owned(),
        Activity::Done => "over".to_owned(),
    }
}

/// `spawn, threadpool.rs line 88`
pub(super) fn call(callsite: &Callsite) -> String {
    match callsite.line {
        Some(line) => format!("{}, {} line {line}", callsite.name, callsite.file_name()),
        None => callsite.name.to_string(),
    }
}

/// The stack of a lane, innermost first.
pub(super) fn stack(state: &State, lane: &Lane) -> Vec<String> {
    let frames: Vec<&Frame> = lane.frames().rev().collect();
    let count = match frames.len() {
        0 => "no call".to_owned(),
        1 => "1 call".to_owned(),
        count => format!("{count} calls, innermost first"),
    };
    let mut lines = vec![format!("{}: {}; {count}.", lane.name, doing(state, lane))];
    lines.extend(frames.iter().enumerate().map(|(at, frame)| format!("{}. {}.", at + 1, call(&frame.callsite))));
    lines
}

/// The latest value of every field that says something to a reader, as `name: value`.
pub(super) fn fields(fields: &[Field]) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for field in fields.iter().filter(|field| !CONVENTIONS.contains(&&*field.name)) {
        let value = match &field.value {
            Value::Str(text) if text.is_empty() => "empty".to_owned(),
            value => value.to_string(),
        };
        match lines.iter_mut().find(|line| line.0 == *field.name) {
            Some(line) => line.1 = value,
            None => lines.push((field.name.to_string(), value)),
        }
    }
    lines.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// The name of a lane.
pub(super) fn lane(log: &Log, lane: LaneId) -> &str {
    log.lane(lane).map_or("a lane that is not known", |lane| &lane.name)
}

/// The name of a call.
pub(super) fn name(log: &Log, span: SpanId) -> String {
    log.span(span).map_or_else(|| "a call that is not known".to_owned(), |span| span.callsite.name.to_string())
}

/// What happened in an event: `main: spawn begins`.
pub(super) fn event(log: &Log, event: &Event) -> String {
    let called = |span: SpanId| name(log, span);
    let because = |reason: &Option<std::sync::Arc<str>>| {
        reason.as_ref().map_or_else(String::new, |reason| format!(", because of {reason}"))
    };
    let what = match &event.kind {
        Kind::LaneOpen { .. } => "the lane begins".to_owned(),
        Kind::LaneClose => "the lane is over".to_owned(),
        Kind::Open { callsite, .. } => format!("{} is made", callsite.name),
        Kind::Enter { span } => {
            let is_first = log.span(*span).is_some_and(|span| span.entered == Some(event.time));
            format!("{} {}", called(*span), if is_first { "begins" } else { "goes on" })
        }
        Kind::Exit { span } if !log.tells_runs(event.lane) => format!("{} is under way", called(*span)),
        Kind::Exit { span } => format!("{} leaves the thread", called(*span)),
        Kind::Close { span } => format!("{} is over", called(*span)),
        Kind::Record { span, fields: known } => format!("{} records {}", called(*span), fields(known).join(", ")),
        Kind::Note { fields: known, .. } => {
            let message = crate::trace::field(known, "message").map_or_else(String::new, ToString::to_string);
            format!("note: {message}")
        }
        Kind::Switch { to, reason } => format!("control passes to {}{}", lane(log, *to), because(reason)),
        Kind::Wake { to, reason } => format!("wakes {}{}", lane(log, *to), because(reason)),
        Kind::Hold { span, edge, .. } => format!("is held at the {} of {}", end(*edge), called(*span)),
        Kind::Release { span, edge } => format!("is let go at the {} of {}", end(*edge), called(*span)),
        Kind::Dropped { count } => format!("{count} events were not recorded"),
    };
    format!("{}: {what}", lane(log, event.lane))
}

fn end(edge: Edge) -> &'static str {
    match edge {
        Edge::Enter => "beginning",
        Edge::Exit => "end",
    }
}

/// When an event was, in the program's own time.
pub(super) fn when(log: &Log, event: &Event) -> Time {
    log.clock().program(event.time)
}

/// The calls around a span, innermost first, so many at the most: `inside apply, inside run`.
pub(super) fn around(log: &Log, span: SpanId, at_most: usize) -> String {
    let mut text = String::new();
    let mut parent = log.span(span).and_then(|span| span.parent);
    for at in 0.. {
        let Some(record) = parent.and_then(|parent| log.span(parent)) else { break };
        if at == at_most {
            text.push_str(" and more");
            break;
        }
        let comma = if text.is_empty() { "inside " } else { ", " };
        write!(text, "{comma}{}", record.callsite.name).expect("writing to a string succeeds");
        parent = record.parent;
    }
    text
}
