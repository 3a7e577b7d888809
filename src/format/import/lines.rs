//! The `jsonl` of this program, back into a log: every line is an event.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Malformed;
use crate::trace::{
    Callsite, Edge, Event, Field, Kind, LaneId, LaneKind, Log, Seq, SpanId, Thread, ThreadId, Time, Value,
};

/// Lines between two looks at the time.
const ROUND: usize = 128;

/// A line, as `jsonl` writes it.
#[derive(Deserialize)]
struct Line<'a> {
    t_ns: u64,
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    lane: Option<String>,
    lane_id: u32,
    thread: String,
    thread_id: u32,
    span: Option<u64>,
    parent: Option<u64>,
    name: Option<String>,
    target: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    fields: Map<String, Json>,
}

/// Lines that are being read.
#[derive(Default)]
pub(super) struct Lines {
    at: usize,
    threads: HashMap<u32, Arc<Thread>>,
    names: HashMap<String, Arc<str>>,
    callsites: HashMap<Callsite, Arc<Callsite>>,
    /// Where the file was cut off, if it was.
    cut: Option<usize>,
}

impl Lines {
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Reads on while there is time.
    pub(super) fn read(&mut self, bytes: &[u8], log: &mut Log, is_time: &dyn Fn() -> bool) -> Result<(), Malformed> {
        while self.at < bytes.len() {
            for _ in 0..ROUND {
                let rest = &bytes[self.at..];
                let (line, length) = match rest.iter().position(|letter| *letter == b'\n') {
                    Some(end) => (&rest[..end], end + 1),
                    None => (rest, rest.len()),
                };
                if !line.trim_ascii().is_empty() {
                    match self.event(line) {
                        Some(event) => log.push(event),
                        // The last line may have been cut off.
                        None if length == line.len() => self.cut = Some(self.at),
                        None => return Err(Malformed { expected: "a line of an event", at: self.at }),
                    }
                }
                self.at += length;
                if self.at >= bytes.len() {
                    return Ok(());
                }
            }
            if !is_time() {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let cut = self.cut.map(|at| format!("cut off in the line at byte {at}; what is before it is here"));
        cut.into_iter().collect()
    }

    fn event(&mut self, line: &[u8]) -> Option<Event> {
        let line: Line<'_> = serde_json::from_slice(line).ok()?;
        let thread = self
            .threads
            .entry(line.thread_id)
            .or_insert_with(|| Arc::new(Thread { id: ThreadId(line.thread_id), name: line.thread.as_str().into() }));
        let (thread, lane) = (thread.clone(), LaneId(line.lane_id));
        let callsite = Callsite {
            name: self.name(line.name.as_deref().unwrap_or_default()),
            target: self.name(line.target.as_deref().unwrap_or_default()),
            file: line.file.as_deref().map(|file| self.name(file)),
            line: line.line,
        };
        let span = line.span.map(SpanId);
        let text = |name: &str| line.fields.get(name).and_then(Json::as_str);
        let kind = match &*line.kind {
            "lane_open" => {
                let kind = LaneKind::of_word(text("kind")?).unwrap_or(LaneKind::Thread);
                Kind::LaneOpen { name: self.name(line.lane.as_deref()?), kind }
            }
            "lane_close" => Kind::LaneClose,
            "open" => Kind::Open {
                span: span?,
                parent: line.parent.map(SpanId),
                callsite: self.callsite(callsite),
                fields: self.fields(&line.fields),
            },
            "enter" => Kind::Enter { span: span? },
            "exit" => Kind::Exit { span: span? },
            "close" => Kind::Close { span: span? },
            "record" => Kind::Record { span: span?, fields: self.fields(&line.fields) },
            "note" => Kind::Note {
                span: line.parent.map(SpanId),
                callsite: self.callsite(callsite),
                fields: self.fields(&line.fields),
            },
            what @ ("switch" | "wake") => {
                let to = LaneId(u32::try_from(line.fields.get("to_id")?.as_u64()?).ok()?);
                let reason = text("reason").map(|reason| self.name(reason));
                if what == "switch" { Kind::Switch { to, reason } } else { Kind::Wake { to, reason } }
            }
            what @ ("hold" | "release") => {
                let edge = match text("edge")? {
                    "enter" => Edge::Enter,
                    "exit" => Edge::Exit,
                    _ => return None,
                };
                let span = span?;
                match what {
                    "hold" => Kind::Hold { span, edge, is_shown: line.fields.get("shown")?.as_bool()? },
                    _ => Kind::Release { span, edge },
                }
            }
            "dropped" => Kind::Dropped { count: line.fields.get("count")?.as_u64()? },
            _ => return None,
        };
        Some(Event { seq: Seq(0), time: Time(line.t_ns), thread, lane, kind })
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(name) = self.names.get(name) {
            return name.clone();
        }
        let shared: Arc<str> = name.into();
        self.names.insert(name.to_owned(), shared.clone());
        shared
    }

    fn callsite(&mut self, callsite: Callsite) -> Arc<Callsite> {
        self.callsites.entry(callsite).or_insert_with_key(|callsite| Arc::new(callsite.clone())).clone()
    }

    fn fields(&mut self, fields: &Map<String, Json>) -> Vec<Field> {
        fields.iter().map(|(name, value)| Field { name: self.name(name), value: value_of(name, value) }).collect()
    }
}

/// The value of a field. What was a 128-bit number or a float that is no number is the text it became.
fn value_of(name: &str, value: &Json) -> Value {
    match value {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) if name == "follows_from" => {
            number.as_u64().map_or_else(|| Value::Str(number.to_string().into()), |span| Value::Span(SpanId(span)))
        }
        Json::Number(number) => {
            let whole = number.as_u64().map(Value::U64).or_else(|| number.as_i64().map(Value::I64));
            whole.unwrap_or_else(|| Value::F64(number.as_f64().unwrap_or(f64::NAN)))
        }
        Json::String(text) => Value::Str(text.as_str().into()),
        other => Value::Str(other.to_string().into()),
    }
}
