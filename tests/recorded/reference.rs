//! What a recorder should tell of a program, by a subscriber that is slow and obvious: one lock, one list of lines.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Mutex;

use spanwalk::trace::{Kind, Log, field};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// The target of what is recorded.
const TARGET: &str = "recorder";

#[derive(Default)]
pub struct Reference(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    lines: Vec<String>,
    spans: HashMap<u64, Span>,
    made: u64,
    entered: HashMap<std::thread::ThreadId, Vec<u64>>,
    /// Names of the lanes that are open.
    lanes: Vec<String>,
    /// Those that a span with nothing around it has named, or one that opened them.
    rooted: Vec<String>,
}

#[derive(Clone)]
struct Span {
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
    lane: String,
    reason: Option<String>,
    uses: usize,
}

#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find(|field| field.0 == name).map(|field| field.1.clone())
    }

    fn line(&self) -> String {
        self.0.iter().map(|(name, value)| format!(" {name}={value}")).collect()
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name().to_owned(), value.to_string()));
    }
}

fn here() -> String {
    std::thread::current().name().unwrap().to_owned()
}

/// What tokio shows a task as.
fn task() -> Option<String> {
    tokio::task::try_id().map(|task| format!("task-{task}"))
}

impl Inner {
    fn say(&mut self, what: &str, lane: &str, rest: &str) {
        let line = format!("{what} on {} in {lane}:{rest}", here());
        self.lines.push(line.trim_end_matches(':').to_owned());
    }

    /// What the thread entered last, among what it had not entered before that.
    fn current(&self) -> Option<u64> {
        let entered = self.entered.get(&std::thread::current().id())?;
        (0..entered.len()).rev().find(|at| !entered[..*at].contains(&entered[*at])).map(|at| entered[at])
    }

    fn innermost(&self) -> Option<u64> {
        self.entered.get(&std::thread::current().id())?.last().copied()
    }

    fn lane(&mut self, name: &str) -> String {
        if !self.lanes.iter().any(|lane| lane == name) {
            self.lanes.push(name.to_owned());
            self.say("lane_open", name, "");
        }
        name.to_owned()
    }

    fn lane_of_here(&mut self) -> String {
        self.lane(&task().unwrap_or_else(here))
    }

    fn let_go(&mut self, id: u64) {
        let Some(span) = self.spans.get_mut(&id) else { return };
        span.uses -= 1;
        if span.uses > 0 {
            return;
        }
        let span = self.spans.remove(&id).unwrap();
        self.say("close", &span.lane, &format!(" {id}"));
        if self.rooted.contains(&span.lane) && self.spans.values().all(|other| other.lane != span.lane) {
            self.rooted.retain(|lane| *lane != span.lane);
            self.lanes.retain(|lane| *lane != span.lane);
            self.say("lane_close", &span.lane, "");
        }
        if let Some(parent) = span.parent {
            self.let_go(parent);
        }
    }
}

impl Reference {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone()
    }
}

impl Subscriber for Reference {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(TARGET)
    }

    fn new_span(&self, attrs: &Attributes<'_>) -> Id {
        // Formatting may come back here: before the lock.
        let mut fields = Fields::default();
        attrs.record(&mut fields);
        let mut inner = self.0.lock().unwrap();
        let parent = match attrs.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if attrs.is_root() => None,
            None => inner.current(),
        };
        let parent = parent.filter(|parent| inner.spans.contains_key(parent));
        let named = fields.get("lane");
        let is_first = named.as_ref().is_some_and(|name| !inner.lanes.contains(name));
        let lane = match (&named, parent) {
            (Some(name), _) => inner.lane(name),
            (None, Some(parent)) => inner.spans[&parent].lane.clone(),
            (None, None) => inner.lane_of_here(),
        };
        inner.made += 1;
        let id = inner.made;
        let around = parent.map_or_else(|| "nothing".to_owned(), |parent| parent.to_string());
        let name = attrs.metadata().name();
        inner.say("open", &lane, &format!(" {id} {name} inside {around}{}", fields.line()));
        if let Some(parent) = parent {
            inner.spans.get_mut(&parent).unwrap().uses += 1;
        }
        if is_first || named.is_some() && parent.is_none() {
            inner.rooted.push(lane.clone());
        }
        let span = Span { metadata: attrs.metadata(), parent, lane, reason: fields.get("reason"), uses: 1 };
        inner.spans.insert(id, span);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let mut inner = self.0.lock().unwrap();
        let id = id.into_u64();
        let Some(span) = inner.spans.get_mut(&id) else { return };
        if let Some(reason) = fields.get("reason") {
            span.reason = Some(reason);
        }
        let lane = span.lane.clone();
        inner.say("record", &lane, &format!(" {id}{}", fields.line()));
    }

    fn record_follows_from(&self, id: &Id, cause: &Id) {
        let mut inner = self.0.lock().unwrap();
        let (id, cause) = (id.into_u64(), cause.into_u64());
        if inner.spans.contains_key(&cause) && inner.spans.contains_key(&id) {
            let lane = inner.spans[&id].lane.clone();
            inner.say("record", &lane, &format!(" {id} follows_from=span {cause}"));
        }
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut inner = self.0.lock().unwrap();
        let inside = match event.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if event.is_root() => None,
            None => inner.current(),
        };
        let inside = inside.filter(|inside| inner.spans.contains_key(inside));
        let lane = match inside {
            Some(inside) => inner.spans[&inside].lane.clone(),
            None => inner.lane_of_here(),
        };
        let inside = inside.map_or_else(|| "nothing".to_owned(), |inside| inside.to_string());
        inner.say("note", &lane, &format!(" inside {inside}{}", fields.line()));
    }

    fn enter(&self, id: &Id) {
        let mut inner = self.0.lock().unwrap();
        let id = id.into_u64();
        let before = inner.innermost().map(|before| inner.spans[&before].clone());
        let lane = inner.spans[&id].lane.clone();
        if let Some(before) = before.filter(|before| before.lane != lane) {
            let reason = before.reason.map_or_else(String::new, |reason| format!(" {reason}"));
            inner.say("switch", &before.lane, &format!(" to {lane}{reason}"));
        }
        let entered = inner.entered.entry(std::thread::current().id()).or_default();
        let is_first = !entered.contains(&id);
        entered.push(id);
        if is_first {
            inner.spans.get_mut(&id).unwrap().uses += 1;
        }
        inner.say("enter", &lane, &format!(" {id}"));
    }

    fn exit(&self, id: &Id) {
        let mut inner = self.0.lock().unwrap();
        let id = id.into_u64();
        let lane = inner.spans[&id].lane.clone();
        inner.say("exit", &lane, &format!(" {id}"));
        let entered = inner.entered.entry(std::thread::current().id()).or_default();
        let Some(at) = entered.iter().rposition(|other| *other == id) else { return };
        let was_first = !entered[..at].contains(&id);
        entered.remove(at);
        if let Some(after) = inner.innermost().map(|after| inner.spans[&after].clone())
            && after.lane != lane
        {
            let reason = after.reason.map_or_else(String::new, |reason| format!(" {reason}"));
            inner.say("switch", &lane, &format!(" to {}{reason}", after.lane));
        }
        if was_first {
            inner.let_go(id);
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(span) = self.0.lock().unwrap().spans.get_mut(&id.into_u64()) {
            span.uses += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.0.lock().unwrap().let_go(id.into_u64());
        false
    }

    fn current_span(&self) -> Current {
        let inner = self.0.lock().unwrap();
        match inner.current() {
            Some(id) => Current::new(Id::from_u64(id), inner.spans[&id].metadata),
            None => Current::none(),
        }
    }
}

/// A log as the reference tells it.
pub fn lines(log: &Log) -> Vec<String> {
    let name = |lane| log.lane(lane).map_or_else(|| "?".to_owned(), |lane| lane.name.to_string());
    let fields = |fields: &[spanwalk::trace::Field]| -> String {
        assert!(fields.iter().all(|one| field(fields, &one.name).is_some()));
        fields.iter().map(|field| format!(" {}={}", field.name, field.value)).collect()
    };
    let around = |span: Option<spanwalk::trace::SpanId>| span.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
    let reason =
        |reason: &Option<std::sync::Arc<str>>| reason.as_ref().map_or_else(String::new, |text| format!(" {text}"));
    let line = |event: spanwalk::trace::Event| {
        let rest = match &event.kind {
            Kind::Open { span, parent, callsite, fields: of } => {
                format!(" {span} {} inside {}{}", callsite.name, around(*parent), fields(of))
            }
            Kind::Record { span, fields: of } => format!(" {span}{}", fields(of)),
            Kind::Note { span, fields: of, .. } => format!(" inside {}{}", around(*span), fields(of)),
            Kind::Switch { to, reason: why } => format!(" to {}{}", name(*to), reason(why)),
            kind => kind.span().map_or_else(String::new, |span| format!(" {span}")),
        };
        let line = format!("{} on {} in {}:{rest}", event.kind.word(), event.thread.name, name(event.lane));
        line.trim_end_matches(':').to_owned()
    };
    log.events_in(..).map(line).collect()
}
