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

use serde_json::{Value as Json, json};

use super::Excerpt;
use super::value::object;
use crate::trace::{Callsite, Event, Kind, LaneId, LaneKind, Log, SpanId};

/// Writes the lines of an excerpt. What it has is whole: of a span that began before the stretch all lines are there, with
/// their own times.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    excerpt.lines().try_for_each(|event| writeln!(out, "{}", line(excerpt.log(), &event)))
}

/// One event as a line without its end. The log must hold the event and everything before it.
#[must_use]
pub fn line(log: &Log, event: &Event) -> String {
    let lane_name = |lane: LaneId| log.lane(lane).map_or(Json::Null, |lane| Json::from(&*lane.name));
    let span = event.kind.span();
    let record = span.and_then(|span| log.span(span));
    let callsite = match &event.kind {
        Kind::Note { callsite, .. } => Some(callsite),
        _ => record.as_ref().map(|record| &record.callsite),
    };
    let of = |part: fn(&Callsite) -> Option<&str>| callsite.and_then(|callsite| part(callsite));
    let parent = match &event.kind {
        Kind::Note { span, .. } => *span,
        _ => record.as_ref().and_then(|record| record.parent),
    };
    let id = |span: Option<SpanId>| span.map_or(Json::Null, |span| Json::from(span.0));
    json!({
        "seq": event.seq.0,
        "t_ns": event.time.ns(),
        "kind": event.kind.word(),
        "lane": lane_name(event.lane),
        "lane_id": event.lane.0,
        "thread": &*event.thread.name,
        "thread_id": event.thread.id.0,
        "span": id(span.filter(|_| !matches!(event.kind, Kind::Note { .. }))),
        "parent": id(parent),
        "name": of(|callsite| Some(&callsite.name)),
        "target": of(|callsite| Some(&callsite.target)),
        "file": of(|callsite| callsite.file.as_deref()),
        "line": callsite.and_then(|callsite| callsite.line),
        "fields": fields(&event.kind, &lane_name),
    })
    .to_string()
}

fn fields(kind: &Kind, lane_name: &dyn Fn(LaneId) -> Json) -> Json {
    let reason = |reason: &Option<std::sync::Arc<str>>| reason.as_deref().map_or(Json::Null, Json::from);
    match kind {
        Kind::Open { fields, .. } | Kind::Record { fields, .. } | Kind::Note { fields, .. } => object(fields),
        Kind::Switch { to, reason: why } | Kind::Wake { to, reason: why } => {
            json!({ "to": lane_name(*to), "to_id": to.0, "reason": reason(why) })
        }
        Kind::Hold { edge, is_shown, .. } => json!({ "edge": edge.word(), "shown": is_shown }),
        Kind::Release { edge, .. } => json!({ "edge": edge.word() }),
        Kind::LaneOpen { kind: LaneKind::Thread, .. } => json!({ "kind": "thread" }),
        Kind::LaneOpen { kind: LaneKind::Task, .. } => json!({ "kind": "task" }),
        Kind::Dropped { count } => json!({ "count": count }),
        Kind::LaneClose | Kind::Enter { .. } | Kind::Exit { .. } | Kind::Close { .. } => json!({}),
    }
}
