//! OpenTelemetry's protocol, OTLP, as JSON: for collectors, and the tools behind them.
//!
//! ```text
//! {"resourceSpans":[{"resource":{"attributes":[service.name …]},"scopeSpans":[
//!   {"scope":{"name":"spanwalk::server::threadpool"},"spans":[{"traceId":…,"spanId":"000000000000000e",…}]}]}]}
//! ```
//!
//! A recording is one trace. Its id is made of the times of its first events: the same in every export of it. A span's id is
//! the log's; its target is the scope; what `follows_from` names are links; points inside it are events, those outside of any
//! span have no place. OTLP has no open spans: they end with the excerpt, and `spanwalk.mark` is `open`; of cut ones it is `cut`.
//!
//! OTLP wants the time of day, which the log does not know: it is told from outside ([`Epoch`]), and `spanwalk.epoch` among the
//! resource's attributes says how. On the program's clock that of a later span is early by what was held before it.
//!
//! The format: `opentelemetry/proto/collector/trace/v1/trace_service.proto`, and for JSON the section "JSON Protobuf Encoding"
//! of the specification (ids in hexadecimal digits, 64-bit integers as strings).

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::{Clock, Epoch, Excerpt, Point, Span};
use crate::trace::{Field, SpanId, Time, Value};

/// Spans that are sent at once.
const SPANS: usize = 512;
/// Bytes that are sent at once, or what one span more takes.
const BYTES: usize = 1 << 20;
/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;
/// Events that the id of a trace is made of.
const TELLING: usize = 64;
/// The field that links are made of.
const FOLLOWS_FROM: &str = "follows_from";

/// Writes one request with all spans.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\"resourceSpans\":[{{\"resource\":{},\"scopeSpans\":[", resource(excerpt))?;
    let mut comma = "";
    for batch in batches(excerpt) {
        write!(out, "{comma}\n{}", batch.scopes())?;
        comma = ",";
    }
    writeln!(out, "\n]}}]}}")
}

/// Spans that are sent at once.
#[derive(Default)]
pub struct Batch {
    /// How many.
    pub spans: usize,
    bytes: usize,
    /// By target, in the order in which these appear.
    by_scope: Vec<(Arc<str>, Vec<String>)>,
    places: HashMap<Arc<str>, usize>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.spans >= SPANS || self.bytes >= BYTES
    }

    fn push(&mut self, scope: &Arc<str>, span: String) {
        let place = *self.places.entry(scope.clone()).or_insert_with(|| {
            self.by_scope.push((scope.clone(), Vec::new()));
            self.by_scope.len() - 1
        });
        self.spans += 1;
        self.bytes += span.len();
        self.by_scope[place].1.push(span);
    }

    fn scopes(&self) -> String {
        let scope = |(name, spans): &(Arc<str>, Vec<String>)| {
            format!("{{\"scope\":{},\"spans\":[\n{}]}}", json!({ "name": &**name }), spans.join(",\n"))
        };
        self.by_scope.iter().map(scope).collect::<Vec<_>>().join(",\n")
    }

    /// The body of a request that has these spans alone.
    #[must_use]
    pub fn request(&self, excerpt: &Excerpt<'_>) -> String {
        let (resource, scopes) = (resource(excerpt), self.scopes());
        format!("{{\"resourceSpans\":[{{\"resource\":{resource},\"scopeSpans\":[{scopes}]}}]}}")
    }
}

/// The spans of an excerpt, in the order of opening, as many at a time as a collector takes at once.
pub fn batches<'a>(excerpt: &'a Excerpt<'_>) -> impl Iterator<Item = Batch> + 'a {
    let told = Told::new(excerpt);
    let mut spans = excerpt.spans();
    std::iter::from_fn(move || {
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some(span) = spans.next()
        {
            batch.push(&span.callsite.target, told.span(&span));
        }
        (batch.spans > 0).then_some(batch)
    })
}

/// What was recorded, and by what its times are to be judged.
fn resource(excerpt: &Excerpt<'_>) -> String {
    let epoch = match excerpt.origin().epoch {
        Epoch::Unknown => "unknown: times count from 1970",
        Epoch::Said(_) => "as given to the export",
        Epoch::Written(_) => "the file's modification time, less the length of the recording",
    };
    let clock = match excerpt.clock() {
        Clock::Program => "program",
        Clock::Wall => "wall",
    };
    let name = &*excerpt.origin().name;
    let pairs = [("service.name", name), ("spanwalk.epoch", epoch), ("spanwalk.clock", clock)];
    let attributes = pairs.map(|(key, value)| Attribute { key, value: Any::Text(value.into()) });
    json!({ "attributes": attributes }).to_string()
}

/// An excerpt being told.
struct Told<'a> {
    excerpt: &'a Excerpt<'a>,
    trace: String,
    /// When its clock began, in ns since 1970.
    epoch: u64,
    points: HashMap<SpanId, Vec<Point>>,
}

impl<'a> Told<'a> {
    fn new(excerpt: &'a Excerpt<'_>) -> Self {
        let log = excerpt.log();
        let epoch = match excerpt.origin().epoch {
            Epoch::Unknown => 0,
            Epoch::Said(at) => at,
            Epoch::Written(at) => at.saturating_sub(log.time_at(log.len()).ns()),
        };
        let mut points: HashMap<SpanId, Vec<Point>> = HashMap::new();
        for point in excerpt.points() {
            if let Some(span) = point.span {
                points.entry(span).or_default().push(point);
            }
        }
        Self { excerpt, trace: trace_id(excerpt), epoch, points }
    }

    fn time(&self, at: Time) -> String {
        self.epoch.saturating_add(at.ns()).to_string()
    }

    fn span(&self, span: &Span) -> String {
        let fields = self.excerpt.fields(span.id);
        let links = fields.iter().filter_map(|field| match field.value {
            Value::Span(to) if is_link(field) => Some(Link { trace: &self.trace, span: span_id(to) }),
            _ => None,
        });
        let events = self.points.get(&span.id).into_iter().flatten().map(|point| Said {
            time: self.time(point.at),
            name: point.name(),
            attributes: attributes(&point.fields).collect(),
        });
        let told = ToldSpan {
            trace: &self.trace,
            id: span_id(span.id),
            name: &span.callsite.name,
            kind: INTERNAL,
            begin: self.time(span.begin),
            end: self.time(span.end),
            attributes: self.known(span).chain(attributes(&fields)).collect(),
            events: events.collect(),
            links: links.collect(),
            parent: span.parent.map(span_id),
        };
        serde_json::to_string(&told).expect("texts and numbers become JSON")
    }

    /// What the log knows beside the fields.
    fn known<'s>(&'s self, span: &'s Span) -> impl Iterator<Item = Attribute<'s>> {
        let text = |text: &'s str| Any::Text(text.into());
        let lane = self.excerpt.log().lane(span.lane).map(|lane| text(&lane.name));
        let pairs = [
            ("spanwalk.lane", lane),
            ("spanwalk.mark", span.mark().map(text)),
            ("code.file.path", span.callsite.file.as_deref().map(text)),
            ("code.line.number", span.callsite.line.map(|line| Any::Int(line.to_string()))),
        ];
        pairs.into_iter().filter_map(|(key, value)| Some(Attribute { key, value: value? }))
    }
}

/// A span as OTLP has it.
#[derive(Serialize)]
struct ToldSpan<'a> {
    #[serde(rename = "traceId")]
    trace: &'a str,
    #[serde(rename = "spanId")]
    id: String,
    name: &'a str,
    kind: u8,
    #[serde(rename = "startTimeUnixNano")]
    begin: String,
    #[serde(rename = "endTimeUnixNano")]
    end: String,
    attributes: Vec<Attribute<'a>>,
    events: Vec<Said<'a>>,
    links: Vec<Link<'a>>,
    #[serde(rename = "parentSpanId", skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
}

/// A point inside a span.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(rename = "timeUnixNano")]
    time: String,
    name: &'a str,
    attributes: Vec<Attribute<'a>>,
}

/// What a span follows from.
#[derive(Serialize)]
struct Link<'a> {
    #[serde(rename = "traceId")]
    trace: &'a str,
    #[serde(rename = "spanId")]
    span: String,
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: Any<'a>,
}

/// `AnyValue`.
#[derive(Serialize)]
enum Any<'a> {
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[serde(rename = "intValue")]
    Int(String),
    #[serde(rename = "doubleValue")]
    Double(f64),
    /// A float that JSON has no number for.
    #[serde(rename = "doubleValue")]
    Odd(&'a str),
    #[serde(rename = "stringValue")]
    Text(Cow<'a, str>),
}

impl<'a> From<&'a Value> for Any<'a> {
    fn from(value: &'a Value) -> Self {
        let int = |number: Option<i64>| number.map(|number| Self::Int(number.to_string()));
        let found = match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::I64(value) => int(Some(*value)),
            Value::U64(value) => int(i64::try_from(*value).ok()),
            Value::I128(value) => int(i64::try_from(*value).ok()),
            Value::U128(value) => int(i64::try_from(*value).ok()),
            Value::F64(value) if value.is_nan() => Some(Self::Odd("NaN")),
            Value::F64(value) if value.is_infinite() => {
                Some(Self::Odd(if *value > 0.0 { "Infinity" } else { "-Infinity" }))
            }
            Value::F64(value) => Some(Self::Double(*value)),
            Value::Span(span) => Some(Self::Text(span_id(*span).into())),
            Value::Str(text) => Some(Self::Text((&**text).into())),
        };
        // Whole numbers beyond 64 bits are text: OTLP has no room for them.
        found.unwrap_or_else(|| Self::Text(value.to_string().into()))
    }
}

fn is_link(field: &Field) -> bool {
    *field.name == *FOLLOWS_FROM && matches!(field.value, Value::Span(_))
}

/// Keys are told once: of a name that was recorded again the last value.
fn attributes(fields: &[Field]) -> impl Iterator<Item = Attribute<'_>> {
    let is_last = |at: usize| fields[at + 1..].iter().all(|later| later.name != fields[at].name);
    let last = fields.iter().enumerate().filter(move |(at, field)| is_last(*at) && !is_link(field));
    last.map(|(_, field)| Attribute { key: &field.name, value: Any::from(&field.value) })
}

fn span_id(span: SpanId) -> String {
    format!("{:016x}", span.0)
}

/// FNV-1a over when, and on which threads, the recording's first events were.
fn trace_id(excerpt: &Excerpt<'_>) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = OFFSET;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    };
    for event in excerpt.log().events_in(..TELLING) {
        take(&event.time.ns().to_le_bytes());
        take(event.kind.word().as_bytes());
        take(event.thread.name.as_bytes());
    }
    // Zero is no id.
    format!("{:032x}", hash.max(1))
}
