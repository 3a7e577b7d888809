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
//! flow, `s` and `f`. Of lanes that give their thread away inside a call, or that take several, the polls have a thread of their own
//! below. `pid` and `tid` are numbers of this file: the log does not know those of the program. Beside the fields `args` has what an
//! import needs to make the same log of it: ids of the span and of the one around it, its place in the source, the kind of a lane, the
//! thread that it, or each of its polls, was on.
//!
//! The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::json;

use super::lanes::{self, Step};
use super::marks::{Mark, Marks};
use super::value::Object;
use super::{Excerpt, Span};
use crate::trace::{Field, LaneKind, Thread, Time};

/// The process. No thread has its number: viewers would take that one for the main thread.
const PROCESS: usize = 1;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head =
        json!({ "exporter": concat!("spanwalk ", env!("CARGO_PKG_VERSION")), "recording": excerpt.origin().name });
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{head},\"traceEvents\":[")?;
    let mut events = Events { out, threads: PROCESS, is_first: true, text: Vec::new() };
    events.metadata("process_name", Args::Process { name: &excerpt.origin().name })?;
    let mut marks = Marks::of(excerpt);
    let lanes = lanes::all(excerpt, marks.lanes());
    let marks: Vec<Vec<Mark>> = lanes.iter().map(|lane| marks.take(lane.id)).collect();
    let ran = lanes::ran(excerpt);
    let polls = lanes::polls(excerpt, &lanes, &ran);
    let (mut tracks, mut steps) = (Vec::new(), Vec::new());
    for (lane, marks) in lanes.iter().zip(&marks) {
        let ran_on = ran.get(&lane.id).map(|ran| OnThread::of(&ran.first));
        let tid = events.thread(Args::Lane { name: &lane.name, kind: lane.kind.map(LaneKind::word), ran_on })?;
        for (number, track) in lane.steps(marks).into_iter().enumerate() {
            tracks.push(Track { tid, nest: (number > 0).then(Nest::default) });
            steps.push(track);
        }
        for track in polls.get(&lane.id).map(|polls| lanes::poll_steps(polls)).unwrap_or_default() {
            let name = format!("{} polls", lane.name);
            let tid = events.thread(Args::Polls { name: &name, polls_of: tid })?;
            tracks.push(Track { tid, nest: None });
            steps.push(track);
        }
    }
    // Of what has the same time viewers take first what is written first: a flow has to begin before it ends.
    for (track, step) in lanes::in_order(&steps) {
        events.step(excerpt, &mut tracks[track], step)?;
    }
    let mut holds = excerpt.holds().peekable();
    if holds.peek().is_some() {
        let tid = events.thread(Args::Holds { name: "holds", holds: true })?;
        for (begin, end) in holds {
            events.event("B", tid, begin, &More { cat: Some("hold"), name: Some("held"), ..More::default() })?;
            events.event("E", tid, end, &More::default())?;
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
    /// The rest of an event.
    text: Vec<u8>,
}

/// What an event has beyond its phase, its thread and its time.
#[derive(Default, Serialize)]
struct More<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Args<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'a str>,
    /// Of an async event: what tells it from others of its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    id2: Option<Local>,
}

#[derive(Serialize)]
struct Local {
    local: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Args<'a> {
    Process {
        name: &'a str,
    },
    Lane {
        name: &'a str,
        kind: Option<&'a str>,
        #[serde(flatten)]
        ran_on: Option<OnThread<'a>>,
    },
    Polls {
        name: &'a str,
        polls_of: usize,
    },
    Holds {
        name: &'a str,
        holds: bool,
    },
    Order {
        sort_index: usize,
    },
    Span(Begun<'a>),
    Poll {
        #[serde(rename = "span.id")]
        span: u64,
        #[serde(flatten)]
        on: OnThread<'a>,
    },
    Point(Object<'a>),
    End {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    Flow {
        reason: Option<&'a str>,
    },
}

/// A thread of the program.
#[derive(Serialize)]
struct OnThread<'a> {
    #[serde(rename = "thread.id")]
    id: u32,
    thread: &'a str,
}

impl<'a> OnThread<'a> {
    fn of(thread: &'a Thread) -> Self {
        Self { id: thread.id.0, thread: &thread.name }
    }
}

/// The fields of a span, and before them what the log knows beside them.
struct Begun<'a> {
    span: &'a Span,
    source: String,
    fields: &'a [Field],
    /// It was on a thread before the excerpt, and that is not in it.
    was_polled: bool,
}

impl Serialize for Begun<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { span, source, fields, was_polled } = self;
        let source = Some(&**source).filter(|source| !source.is_empty());
        let known = [
            Some(("span.id", Known::Number(span.id.0))),
            span.parent.map(|parent| ("span.parent", Known::Number(parent.0))),
            source.map(|source| ("span.source", Known::Text(source))),
            span.mark().map(|mark| ("spanwalk.mark", Known::Text(mark))),
            was_polled.then_some(("span.polled", Known::Truth(true))),
        ];
        let mut map = to.serialize_map(None)?;
        // A field that is called as one of them takes its place.
        for (name, value) in known.iter().flatten() {
            match Object(fields).entries().find(|field| field.0 == *name) {
                Some((_, value)) => map.serialize_entry(name, &value)?,
                None => map.serialize_entry(name, value)?,
            }
        }
        for (name, value) in Object(fields).entries() {
            if known.iter().flatten().all(|known| known.0 != name) {
                map.serialize_entry(name, &value)?;
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Known<'a> {
    Number(u64),
    Text(&'a str),
    Truth(bool),
}

impl Events<'_> {
    fn begin_line(&mut self) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.is_first) { "\n" } else { ",\n" };
        self.out.write_all(comma.as_bytes())
    }

    /// Says something of the process or of the last thread.
    fn metadata(&mut self, name: &str, args: Args<'_>) -> io::Result<()> {
        let tid = self.threads;
        self.begin_line()?;
        write!(self.out, "{{\"ph\":\"M\",\"pid\":{PROCESS},\"tid\":{tid},")?;
        self.rest(&More { name: Some(name), args: Some(args), ..More::default() })
    }

    /// Makes the next thread.
    fn thread(&mut self, args: Args<'_>) -> io::Result<usize> {
        self.threads += 1;
        self.metadata("thread_name", args)?;
        let tid = self.threads;
        self.metadata("thread_sort_index", Args::Order { sort_index: tid })?;
        Ok(tid)
    }

    fn event(&mut self, ph: &str, tid: usize, at: Time, more: &More<'_>) -> io::Result<()> {
        let (us, ns) = (at.ns() / 1_000, at.ns() % 1_000);
        self.begin_line()?;
        write!(self.out, "{{\"ph\":\"{ph}\",\"pid\":{PROCESS},\"tid\":{tid},\"ts\":{us}.{ns:03}")?;
        let comma: &[u8] = if more.is_empty() { b"" } else { b"," };
        self.out.write_all(comma)?;
        self.rest(more)
    }

    /// Ends the object that is being written.
    fn rest(&mut self, more: &More<'_>) -> io::Result<()> {
        self.text.clear();
        serde_json::to_writer(&mut self.text, more)?;
        self.out.write_all(&self.text[1..])
    }

    fn step(&mut self, excerpt: &Excerpt<'_>, track: &mut Track, step: Step<'_>) -> io::Result<()> {
        let tid = track.tid;
        match (step, &mut track.nest) {
            (Step::Mark(mark), _) => self.mark(tid, mark),
            (Step::Begin(span), None) => self.begin(excerpt, tid, span, None),
            (Step::Begin(span), Some(nest)) => {
                nest.id = if nest.depth == 0 { span.id.0 } else { nest.id };
                nest.depth += 1;
                self.begin(excerpt, tid, span, Some(nest.id))
            }
            (Step::End(span), Some(nest)) => {
                nest.depth -= 1;
                self.end(tid, span, Some(nest.id))
            }
            (Step::End(span), None) => self.end(tid, span, None),
            (Step::BeginPoll(poll), _) => {
                let args = Args::Poll { span: poll.span.0, on: OnThread::of(&poll.thread) };
                let (cat, name) = (Some("poll"), Some(&*poll.callsite.name));
                self.event("B", tid, poll.begin, &More { cat, name, args: Some(args), ..More::default() })
            }
            (Step::EndPoll(poll), _) if poll.over.is_none() => Ok(()),
            (Step::EndPoll(poll), _) => self.event("E", tid, poll.end, &More::default()),
        }
    }

    /// Begins a span; an async one has the id of its nest.
    fn begin(&mut self, excerpt: &Excerpt<'_>, tid: usize, span: &Span, nest: Option<u64>) -> io::Result<()> {
        let line = span.callsite.line.map(|line| format!(":{line}")).unwrap_or_default();
        let source = format!("{}{line}", span.callsite.file.as_deref().unwrap_or_default());
        let args =
            Args::Span(Begun { span, source, fields: &excerpt.fields(span.id), was_polled: excerpt.was_polled(span) });
        let ph = if nest.is_some() { "b" } else { "B" };
        self.event(ph, tid, span.begin, &More { args: Some(args), ..of(span, nest) })
    }

    /// Ends a span that is over.
    fn end(&mut self, tid: usize, span: &Span, nest: Option<u64>) -> io::Result<()> {
        let ph = if nest.is_some() { "e" } else { "E" };
        if span.is_open { Ok(()) } else { self.event(ph, tid, span.end, &of(span, nest)) }
    }

    fn mark(&mut self, tid: usize, mark: &Mark) -> io::Result<()> {
        match mark {
            Mark::Point(point) => {
                let (cat, name, args) = (&*point.callsite.target, point.name(), Args::Point(Object(&point.fields)));
                self.instant(tid, point.at, (cat, name), args)
            }
            Mark::Gives(end) | Mark::Gets(end) => {
                let (word, reason) = (end.word(), end.reason.as_deref());
                self.instant(tid, end.at, (word, &mark.title()), Args::End { reason })?;
                // A flow is drawn from and to the slice around it; the instant is one for those that look for the last.
                let is_given = matches!(mark, Mark::Gives(_));
                let flow = More {
                    cat: Some(word),
                    name: Some(word),
                    id: Some(end.id),
                    args: Some(Args::Flow { reason }),
                    bp: (!is_given).then_some("e"),
                    ..More::default()
                };
                self.event(if is_given { "s" } else { "f" }, tid, end.at, &flow)
            }
        }
    }

    fn instant(&mut self, tid: usize, at: Time, (cat, name): (&str, &str), args: Args<'_>) -> io::Result<()> {
        let more = More { s: Some("t"), cat: Some(cat), name: Some(name), args: Some(args), ..More::default() };
        self.event("i", tid, at, &more)
    }
}

impl More<'_> {
    /// A name is what nothing goes without.
    fn is_empty(&self) -> bool {
        self.name.is_none()
    }
}

/// What begin and end of a span have.
fn of(span: &Span, nest: Option<u64>) -> More<'_> {
    More {
        cat: Some(&span.callsite.target),
        name: Some(&span.callsite.name),
        id2: nest.map(|id| Local { local: format!("{id:#x}") }),
        ..More::default()
    }
}
