//! Trace events in JSON, as chrome://tracing has them: for that, for VizTracer's viewer, and for whatever else reads them.
//!
//! ```text
//! {"ph":"B","pid":1,"tid":1,"ts":1893.042,"cat":"spanwalk::server::threadpool","name":"spawn","args":{"span.id":14,…}}
//! ```
//!
//! Every lane is a thread of its own to these viewers, so that its name stands beside it and its calls nest: they begin with `B`
//! and end with `E`, in the order of the log. `X`, which says both in one, would leave to the viewer what is inside what where
//! times are the same, as they are on the program's clock during a hold, and cannot say that a span is not over. Spans that do
//! not nest in their lane are async events, `b` and `e`, with the id of the outermost: however they overlap, they are never taken for each
//! other. (Their `tid` is that of the lane.) A span that is not over has no end.
//!
//! `ts` is in µs with three decimals: exact. Points are instants, `i`; a switch or a wake is an instant in both lanes, joined by a
//! flow, `s` and `f`. Of lanes that give their thread away inside a call the polls have a thread of their own below. `pid` and
//! `tid` are numbers of this file: the log does not know those of the program. Beside the fields `args` has what an import needs to make
//! the same log of it: ids of the span and of the one around it, its place in the source, the kind of a lane.
//!
//! The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.

use std::io::{self, Write};

use serde_json::{Map, Value as Json, json};

use super::lanes::{self, Step};
use super::marks::{Mark, Marks};
use super::{Excerpt, Span, value};
use crate::trace::{LaneKind, Time};

/// The process. No thread has its number: viewers would take that one for the main thread.
const PROCESS: usize = 1;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head =
        json!({ "exporter": concat!("spanwalk ", env!("CARGO_PKG_VERSION")), "recording": excerpt.origin().name });
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{head},\"traceEvents\":[")?;
    let mut events = Events { out, threads: PROCESS, is_first: true };
    events.name("process", &excerpt.origin().name, json!({}))?;
    let mut marks = Marks::of(excerpt);
    let lanes = lanes::all(excerpt, marks.lanes());
    let marks: Vec<Vec<Mark>> = lanes.iter().map(|lane| marks.take(lane.id)).collect();
    let polls = lanes::polls(excerpt, &lanes);
    let (mut tracks, mut steps) = (Vec::new(), Vec::new());
    for (lane, marks) in lanes.iter().zip(&marks) {
        let tid = events.thread(&lane.name, json!({ "kind": lane.kind.map(LaneKind::word) }))?;
        for (number, track) in lane.steps(marks).into_iter().enumerate() {
            tracks.push(Track { tid, nest: (number > 0).then(Nest::default) });
            steps.push(track);
        }
        for track in polls.get(&lane.id).map(|polls| lanes::poll_steps(polls)).unwrap_or_default() {
            tracks.push(Track {
                tid: events.thread(&format!("{} polls", lane.name), json!({ "polls_of": tid }))?,
                nest: None,
            });
            steps.push(track);
        }
    }
    // Of what has the same time viewers take first what is written first: a flow has to begin before it ends.
    for (track, step) in lanes::in_order(&steps) {
        events.step(excerpt, &mut tracks[track], step)?;
    }
    let mut holds = excerpt.holds().peekable();
    if holds.peek().is_some() {
        let tid = events.thread("holds", json!({ "holds": true }))?;
        for (begin, end) in holds {
            events.event("B", tid, begin, json!({ "cat": "hold", "name": "held" }))?;
            events.event("E", tid, end, json!({}))?;
        }
    }
    writeln!(events.out, "\n]}}")
}

/// A track of a lane.
struct Track {
    /// The thread that it is on, or under.
    tid: usize,
    /// Its spans are async events.
    nest: Option<Nest>,
}

/// Of async events the id of the outermost that is under way, and how many are.
#[derive(Default)]
struct Nest {
    id: u64,
    depth: usize,
}

/// The events that are being written.
struct Events<'a> {
    out: &'a mut dyn Write,
    /// The thread that has been named last.
    threads: usize,
    is_first: bool,
}

impl Events<'_> {
    fn line(&mut self, line: &str) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        write!(self.out, "{comma}\n{line}")
    }

    /// Gives the process or the last thread a name.
    fn name(&mut self, what: &str, name: &str, more: Json) -> io::Result<()> {
        let tid = self.threads;
        let mut args = Map::from_iter([("name".to_owned(), name.into())]);
        if let Json::Object(more) = more {
            args.extend(more);
        }
        let event = json!({ "ph": "M", "pid": PROCESS, "tid": tid, "name": format!("{what}_name"), "args": args });
        self.line(&event.to_string())
    }

    /// Makes the next thread.
    fn thread(&mut self, name: &str, more: Json) -> io::Result<usize> {
        self.threads += 1;
        self.name("thread", name, more)?;
        let tid = self.threads;
        let args = json!({ "sort_index": tid });
        self.line(
            &json!({ "ph": "M", "pid": PROCESS, "tid": tid, "name": "thread_sort_index", "args": args }).to_string(),
        )?;
        Ok(tid)
    }

    /// Writes an event. `more` is an object.
    fn event(&mut self, ph: &str, tid: usize, at: Time, more: Json) -> io::Result<()> {
        let (us, ns) = (at.ns() / 1_000, at.ns() % 1_000);
        let more = more.to_string();
        let comma = if more == "{}" { "" } else { "," };
        self.line(&format!(
            "{{\"ph\":\"{ph}\",\"pid\":{PROCESS},\"tid\":{tid},\"ts\":{us}.{ns:03}{comma}{}",
            &more[1..]
        ))
    }

    fn step(&mut self, excerpt: &Excerpt<'_>, track: &mut Track, step: Step<'_>) -> io::Result<()> {
        let tid = track.tid;
        match (step, &mut track.nest) {
            (Step::Mark(mark), _) => self.mark(tid, mark),
            (Step::Begin(span), None) => self.event("B", tid, span.begin, begin(excerpt, span)),
            (Step::Begin(span), Some(nest)) => {
                nest.id = if nest.depth == 0 { span.id.0 } else { nest.id };
                nest.depth += 1;
                self.event("b", tid, span.begin, with_id(begin(excerpt, span), nest.id))
            }
            (Step::End(span), Some(nest)) => {
                nest.depth -= 1;
                if span.is_open { Ok(()) } else { self.event("e", tid, span.end, with_id(title(span), nest.id)) }
            }
            (Step::End(span), None) if span.is_open => Ok(()),
            (Step::End(span), None) => self.event("E", tid, span.end, title(span)),
            (Step::BeginPoll(poll), _) => {
                let args = json!({ "span.id": poll.span.0, "thread": &*poll.thread.name });
                let of = json!({ "cat": "poll", "name": &*poll.callsite.name, "args": args });
                self.event("B", tid, poll.begin, of)
            }
            (Step::EndPoll(poll), _) if poll.over.is_none() => Ok(()),
            (Step::EndPoll(poll), _) => self.event("E", tid, poll.end, json!({})),
        }
    }

    fn mark(&mut self, tid: usize, mark: &Mark) -> io::Result<()> {
        match mark {
            Mark::Point(point) => {
                let args = value::object(&point.fields);
                let of = json!({ "s": "t", "cat": &*point.callsite.target, "name": point.name(), "args": args });
                self.event("i", tid, point.at, of)
            }
            Mark::Gives(end) | Mark::Gets(end) => {
                let args = end.reason.as_deref().map(|reason| json!({ "reason": reason }));
                let args = args.unwrap_or_else(|| json!({}));
                let of = json!({ "s": "t", "cat": end.word(), "name": mark.title(), "args": args });
                self.event("i", tid, end.at, of)?;
                // A flow is drawn from and to the slice around it; the instant is one for those that look for the last.
                let reason = end.reason.as_deref();
                let args = json!({ "reason": reason });
                let mut flow = json!({ "cat": end.word(), "name": end.word(), "id": end.id, "args": args });
                let is_given = matches!(mark, Mark::Gives(_));
                if !is_given {
                    flow["bp"] = Json::from("e");
                }
                self.event(if is_given { "s" } else { "f" }, tid, end.at, flow)
            }
        }
    }
}

fn title(span: &Span) -> Json {
    json!({ "cat": &*span.callsite.target, "name": &*span.callsite.name })
}

/// The fields, and what the log knows beside them.
fn begin(excerpt: &Excerpt<'_>, span: &Span) -> Json {
    let mut args = Map::new();
    args.insert("span.id".to_owned(), span.id.0.into());
    if let Some(parent) = span.parent {
        args.insert("span.parent".to_owned(), parent.0.into());
    }
    let line = span.callsite.line.map(|line| format!(":{line}")).unwrap_or_default();
    let source = format!("{}{line}", span.callsite.file.as_deref().unwrap_or_default());
    if !source.is_empty() {
        args.insert("span.source".to_owned(), source.into());
    }
    if let Some(mark) = span.mark() {
        args.insert("spanwalk.mark".to_owned(), mark.into());
    }
    if let Json::Object(fields) = value::object(&excerpt.fields(span.id)) {
        args.extend(fields);
    }
    let mut event = title(span);
    event["args"] = Json::Object(args);
    event
}

/// For an async event: what tells it from others of its process.
fn with_id(mut event: Json, id: u64) -> Json {
    event["id2"] = json!({ "local": format!("{id:#x}") });
    event
}
