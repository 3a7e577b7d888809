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
//! `tid` are numbers of this file: the log does not know those of the program.
//!
//! The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.

use std::io::{self, Write};

use serde_json::{Map, Value as Json, json};

use super::marks::{Mark, Marks};
use super::tracks::{self, Edge, Step};
use super::{Excerpt, Poll, Span, value};
use crate::trace::Time;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head =
        json!({ "exporter": concat!("spanwalk ", env!("CARGO_PKG_VERSION")), "recording": excerpt.origin().name });
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{head},\"traceEvents\":[")?;
    let mut events = Events { out, threads: 0, is_first: true };
    events.name("process", &excerpt.origin().name)?;
    let mut marks = Marks::of(excerpt);
    let mut polls = tracks::polls(excerpt);
    for lane in tracks::lanes(excerpt) {
        events.thread(&lane.name)?;
        let marks = marks.take(lane.id);
        for (track, steps) in lane.steps(&marks).into_iter().enumerate() {
            events.track(excerpt, &steps, track > 0)?;
        }
        if let Some(polls) = polls.remove(&lane.id) {
            events.polls(&lane.name, &polls)?;
        }
    }
    let mut holds = excerpt.holds().peekable();
    if holds.peek().is_some() {
        events.thread("holds")?;
        for (begin, end) in holds {
            events.event("B", begin, json!({ "cat": "hold", "name": "held" }))?;
            events.event("E", end, json!({}))?;
        }
    }
    writeln!(events.out, "\n]}}")
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
    fn name(&mut self, what: &str, name: &str) -> io::Result<()> {
        let tid = self.threads;
        let event =
            json!({ "ph": "M", "pid": 1, "tid": tid, "name": format!("{what}_name"), "args": { "name": name } });
        self.line(&event.to_string())
    }

    /// Begins the next thread.
    fn thread(&mut self, name: &str) -> io::Result<()> {
        self.threads += 1;
        self.name("thread", name)?;
        let tid = self.threads;
        let args = json!({ "sort_index": tid });
        self.line(&json!({ "ph": "M", "pid": 1, "tid": tid, "name": "thread_sort_index", "args": args }).to_string())
    }

    /// Writes an event of the last thread. `more` is an object.
    fn event(&mut self, ph: &str, at: Time, more: Json) -> io::Result<()> {
        let (us, ns, tid) = (at.ns() / 1_000, at.ns() % 1_000, self.threads);
        let more = more.to_string();
        let comma = if more == "{}" { "" } else { "," };
        self.line(&format!("{{\"ph\":\"{ph}\",\"pid\":1,\"tid\":{tid},\"ts\":{us}.{ns:03}{comma}{}", &more[1..]))
    }

    /// Writes a track of the last thread: as its calls, or as async events.
    fn track(&mut self, excerpt: &Excerpt<'_>, steps: &[Step<'_>], is_async: bool) -> io::Result<()> {
        // Of async events: the outermost span that is under way, and how many are.
        let (mut id, mut depth) = (0, 0_usize);
        for step in steps {
            match step {
                Step::Mark(mark) => self.mark(mark)?,
                Step::Begin(span) if is_async => {
                    id = if depth == 0 { span.id.0 } else { id };
                    depth += 1;
                    self.event("b", span.begin, with_id(begin(excerpt, span), id))?;
                }
                Step::Begin(span) => self.event("B", span.begin, begin(excerpt, span))?,
                Step::End(span) if is_async => {
                    depth -= 1;
                    if !span.is_open {
                        self.event("e", span.end, with_id(title(span), id))?;
                    }
                }
                Step::End(span) if span.is_open => {}
                Step::End(span) => self.event("E", span.end, title(span))?,
            }
        }
        Ok(())
    }

    fn mark(&mut self, mark: &Mark) -> io::Result<()> {
        match mark {
            Mark::Point(point) => {
                let args = value::object(&point.fields);
                let of = json!({ "s": "t", "cat": &*point.callsite.target, "name": point.name(), "args": args });
                self.event("i", point.at, of)
            }
            Mark::Gives(end) | Mark::Gets(end) => {
                let args = end.reason.as_deref().map(|reason| json!({ "reason": reason }));
                let args = args.unwrap_or_else(|| json!({}));
                let of = json!({ "s": "t", "cat": end.word(), "name": mark.title(), "args": args });
                self.event("i", end.at, of)?;
                // A flow is drawn from and to the slice around it; the instant is one for those that look for the last.
                let mut flow = json!({ "cat": end.word(), "name": end.word(), "id": end.id });
                let is_given = matches!(mark, Mark::Gives(_));
                if !is_given {
                    flow["bp"] = Json::from("e");
                }
                self.event(if is_given { "s" } else { "f" }, end.at, flow)
            }
        }
    }

    fn polls(&mut self, lane: &str, polls: &[Poll]) -> io::Result<()> {
        // Two threads may have had calls of a lane at once.
        for edges in tracks::lay_out(&tracks::poll_pieces(polls)) {
            self.thread(&format!("{lane} polls"))?;
            for edge in edges {
                let (Edge::Begin(number) | Edge::End(number)) = edge;
                let poll = &polls[number];
                let args = json!({ "span.id": poll.span.0, "thread": &*poll.thread.name });
                let of = json!({ "cat": "poll", "name": &*poll.callsite.name, "args": args });
                match edge {
                    Edge::Begin(_) => self.event("B", poll.begin, of)?,
                    Edge::End(_) if poll.over.is_none() => {}
                    Edge::End(_) => self.event("E", poll.end, json!({}))?,
                }
            }
        }
        Ok(())
    }
}

fn title(span: &Span) -> Json {
    json!({ "cat": &*span.callsite.target, "name": &*span.callsite.name })
}

/// The fields, and what the log knows beside them.
fn begin(excerpt: &Excerpt<'_>, span: &Span) -> Json {
    let mut args = Map::new();
    args.insert("span.id".to_owned(), span.id.0.into());
    if let Some(file) = &span.callsite.file {
        let line = span.callsite.line.map(|line| format!(":{line}")).unwrap_or_default();
        args.insert("source".to_owned(), format!("{file}{line}").into());
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
