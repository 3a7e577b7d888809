//! The log as JSON, one object a line.
//!
//! ```text
//! {"seq":41,"t_ns":1893042,"kind":"enter","lane":"main","lane_id":1,"thread":"MainThread","thread_id":1,"span":14,
//!  "parent":13,"name":"spawn","target":"spanwalk::server::threadpool","file":"src/server/threadpool.rs","line":88,"fields":{}}
//! ```
//!
//! Every line has every key; what does not apply is `null`, fields are an object. `seq` counts from 0 and has no gaps,
//! `t_ns` is raw monotonic time (holds included), `span`, `parent`, `lane_id` and
//! `thread_id` are the recorder's own ids: two lanes may have one name. What an event has
//! beyond that is among its fields: `to`, `to_id` and `reason` of a switch or wake, `edge` of a hold or release, `shown` of a hold, `kind` of a lane.

use std::io::{self, Write};

use serde::Serialize;

use super::Excerpt;
use super::value::Object;
use crate::trace::{Event, Kind, LaneId, Log, SpanId};

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    t_ns: u64,
    kind: &'a str,
    lane: Option<&'a str>,
    lane_id: u32,
    thread: &'a str,
    thread_id: u32,
    span: Option<u64>,
    parent: Option<u64>,
    name: Option<&'a str>,
    target: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    fields: More<'a>,
}

/// What an event has beyond that.
#[derive(Serialize)]
#[serde(untagged)]
enum More<'a> {
    Fields(Object<'a>),
    Flow { to: Option<&'a str>, to_id: u32, reason: Option<&'a str> },
    Hold { edge: &'a str, shown: bool },
    Release { edge: &'a str },
    Lane { kind: &'a str },
    Dropped { count: u64 },
}

/// Writes the lines of an excerpt. What it has is whole: of a span that began before the stretch all lines are there, with
/// their own times.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    excerpt.lines().try_for_each(|event| {
        text.clear();
        write_line(excerpt.log(), &event, &mut text)?;
        text.push(b'\n');
        out.write_all(&text)
    })
}

/// One event as a line without its end. The log must hold the event and everything before it.
#[must_use]
pub fn line(log: &Log, event: &Event) -> String {
    let mut text = Vec::new();
    // A text in memory takes all.
    let _ = write_line(log, event, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

fn write_line(log: &Log, event: &Event, text: &mut Vec<u8>) -> io::Result<()> {
    let lane_name = |lane: LaneId| log.lane(lane).map(|lane| &*lane.name);
    let is_note = matches!(event.kind, Kind::Note { .. });
    let span = event.kind.span();
    let record = span.filter(|_| !is_note).and_then(|span| log.span(span));
    let callsite = match &event.kind {
        Kind::Note { callsite, .. } => Some(callsite),
        _ => record.as_ref().map(|record| &record.callsite),
    };
    let parent = if is_note { span } else { record.as_ref().and_then(|record| record.parent) };
    let id = |span: Option<SpanId>| span.map(|span| span.0);
    let fields = match &event.kind {
        Kind::Open { fields, .. } | Kind::Record { fields, .. } | Kind::Note { fields, .. } => {
            More::Fields(Object(fields))
        }
        Kind::Switch { to, reason } | Kind::Wake { to, reason } => {
            More::Flow { to: lane_name(*to), to_id: to.0, reason: reason.as_deref() }
        }
        Kind::Hold { edge, is_shown, .. } => More::Hold { edge: edge.word(), shown: *is_shown },
        Kind::Release { edge, .. } => More::Release { edge: edge.word() },
        Kind::LaneOpen { kind, .. } => More::Lane { kind: kind.word() },
        Kind::Dropped { count } => More::Dropped { count: *count },
        Kind::LaneClose | Kind::Enter { .. } | Kind::Exit { .. } | Kind::Close { .. } => More::Fields(Object(&[])),
    };
    let line = Line {
        seq: event.seq.0,
        t_ns: event.time.ns(),
        kind: event.kind.word(),
        lane: lane_name(event.lane),
        lane_id: event.lane.0,
        thread: &event.thread.name,
        thread_id: event.thread.id.0,
        span: id(span.filter(|_| !is_note)),
        parent: id(parent),
        name: callsite.map(|callsite| &*callsite.name),
        target: callsite.map(|callsite| &*callsite.target),
        file: callsite.and_then(|callsite| callsite.file.as_deref()),
        line: callsite.and_then(|callsite| callsite.line),
        fields,
    };
    Ok(serde_json::to_writer(text, &line)?)
}
