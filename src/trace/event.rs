//! One thing that happened.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{Edge, LaneId, Seq, SpanId, ThreadId, Time};

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the log.
    pub seq: Seq,
    /// Raw monotonic time.
    pub time: Time,
    /// The thread that did it.
    pub thread: Arc<Thread>,
    /// The lane it belongs to; for a switch the lane that gives control away.
    pub lane: LaneId,
    /// What happened.
    pub kind: Kind,
}

/// A thread of the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub id: ThreadId,
    /// Its name, such as `MainThread`.
    pub name: Arc<str>,
}

/// Where in the program a span or a note comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Callsite {
    /// The span's name; for the server the name of the function.
    pub name: Arc<str>,
    /// The module path.
    pub target: Arc<str>,
    /// The source file, as the compiler names it.
    pub file: Option<Arc<str>>,
    /// The line of the `#[instrument]` attribute or of the span macro, from 1.
    pub line: Option<u32>,
}

impl Callsite {
    /// The file's last part, such as `threadpool.rs`; `?` where the program does not say.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.file.as_deref().map_or("?", |file| file.rsplit(['/', '\\']).next().unwrap_or(file))
    }
}

/// What kind of line of execution a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneKind {
    /// Runs on a thread without being a task: the main lane, the hub, a worker.
    Thread,
    /// A task of an async runtime: entered once per poll, may move between threads.
    Task,
    /// Async calls as another tool wrote them down: when they were open is known, not when they were on a thread. Of such a
    /// call the enter says only that it began, and the exit right behind it nothing.
    Async,
}

impl LaneKind {
    /// All of them.
    const ALL: [Self; 3] = [Self::Thread, Self::Task, Self::Async];

    /// The word for it in exports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Task => "task",
            Self::Async => "async",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it is known when calls of such a lane are on a thread, and so whether they run or wait.
    #[must_use]
    pub fn tells_runs(self) -> bool {
        self != Self::Async
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are what their types say")]
pub enum Kind {
    /// A lane exists from here on. It may not have run yet.
    LaneOpen { name: Arc<str>, kind: LaneKind },
    /// The lane will not run again.
    LaneClose,
    /// A call begins.
    Open { span: SpanId, parent: Option<SpanId>, callsite: Arc<Callsite>, fields: Vec<Field> },
    /// The span is put on a thread: for a future once per poll.
    Enter { span: SpanId },
    /// The span is taken off its thread.
    Exit { span: SpanId },
    /// The call is over.
    Close { span: SpanId },
    /// Fields of a span that became known later, `follows_from` among them.
    Record { span: SpanId, fields: Vec<Field> },
    /// A `tracing` event: something said inside a span.
    Note { span: Option<SpanId>, callsite: Arc<Callsite>, fields: Vec<Field> },
    /// Control of the thread passes from the event's lane to another.
    Switch { to: LaneId, reason: Option<Arc<str>> },
    /// The event's lane makes another lane ready to run.
    Wake { to: LaneId, reason: Option<Arc<str>> },
    /// The gate holds the thread here. `is_shown` says that this is the lane the person looks at, with which the whole
    /// program stands still; a thread that was held already is held again when it becomes the one shown.
    Hold { span: SpanId, edge: Edge, is_shown: bool },
    /// The gate lets the thread go on.
    Release { span: SpanId, edge: Edge },
    /// This many events of the lane were not recorded, or of lanes that are not known, then it is in [`LaneId::NONE`].
    Dropped { count: u64 },
}

impl Kind {
    /// The word for it in logs and exports.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::LaneOpen { .. } => "lane_open",
            Self::LaneClose => "lane_close",
            Self::Open { .. } => "open",
            Self::Enter { .. } => "enter",
            Self::Exit { .. } => "exit",
            Self::Close { .. } => "close",
            Self::Record { .. } => "record",
            Self::Note { .. } => "note",
            Self::Switch { .. } => "switch",
            Self::Wake { .. } => "wake",
            Self::Hold { .. } => "hold",
            Self::Release { .. } => "release",
            Self::Dropped { .. } => "dropped",
        }
    }

    /// The span it is about.
    #[must_use]
    pub fn span(&self) -> Option<SpanId> {
        match *self {
            Self::Open { span, .. }
            | Self::Enter { span }
            | Self::Exit { span }
            | Self::Close { span }
            | Self::Record { span, .. }
            | Self::Hold { span, .. }
            | Self::Release { span, .. } => Some(span),
            Self::Note { span, .. } => span,
            _ => None,
        }
    }
}

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name, as in the source.
    pub name: Arc<str>,
    /// The value.
    pub value: Value,
}

/// The value named `name`, the latest if it was recorded more than once.
#[must_use]
pub fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a Value> {
    fields.iter().rev().find(|field| &*field.name == name).map(|field| &field.value)
}

/// How many values of a field are remembered: what it is, and how it came to be so. A span that never ends may say
/// something for ever.
pub(super) const REMEMBERED: usize = 4;
/// The field whose values are remembered all.
pub(super) const FOLLOWS_FROM: &str = "follows_from";

/// Forgets all but the last values of each name.
pub(super) fn keep_last(fields: &mut Vec<Field>) {
    if fields.len() <= REMEMBERED {
        return;
    }
    let mut counts: HashMap<Arc<str>, usize> = HashMap::new();
    let mut keep: Vec<bool> = Vec::with_capacity(fields.len());
    for field in fields.iter().rev() {
        let count = counts.entry(field.name.clone()).or_default();
        *count += 1;
        keep.push(*count <= REMEMBERED || *field.name == *FOLLOWS_FROM);
    }
    fields.retain(|_| keep.pop().unwrap_or(true));
}

/// A value of any type that `tracing` can carry.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are what their types say")]
pub enum Value {
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    /// A string, or what `Display` or `Debug` wrote.
    Str(Arc<str>),
    /// Another span, as in `follows_from`.
    Span(SpanId),
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::I128(value) => value.fmt(f),
            Self::U128(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::Str(text) => text.fmt(f),
            Self::Span(span) => write!(f, "span {span}"),
        }
    }
}
