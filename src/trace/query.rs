//! What a person asks of spans.
//!
//! ```text
//!   spawn                  its name has `spawn` in it, in capitals or not
//!   "two words"            the same, with a blank in it
//!   name:… target:… lane:… file:…   the part has this in it        name=…  it is exactly this
//!   field.fd:5             a field was 5 at some time              field.fd:  it has such a field
//!   field.size>4096        a field was a number above that         < <= > >=
//!   dur>1ms  self<=20us    its time, and its time less that of the calls inside it; what is not known is neither more nor less
//!   open:                  it is not over
//!   !word  -word           not that
//! ```
//!
//! All words must hold. A query printed and read again is the same query. Which spans a query is asked about, and where
//! fields and times come from, is [`Finder`](super::Finder)'s business.

mod text;

pub use text::QueryError;

use super::{Callsite, Field, Value};

/// Words that all must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    words: Vec<Word>,
}

/// The numbers in it are finite: each is equal to itself.
impl Eq for Query {}

/// One word, or its opposite.
#[derive(Clone, Debug, PartialEq)]
struct Word {
    is_not: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// A text of the span has this in it, or is it.
    Text { of: Text, is_whole: bool, wanted: String },
    /// A field had this value, or one with this in it; it exists, if nothing is wanted.
    Field { name: String, is_whole: bool, wanted: String },
    /// A field was a number that compares so.
    Number { name: String, order: Order, than: f64 },
    /// A time compares so, in ns.
    Time { of: Span, order: Order, than: u64 },
    /// It is not over.
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    Name,
    Target,
    Lane,
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    Whole,
    Own,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A span as a query sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Where it comes from.
    pub callsite: &'a Callsite,
    /// The name of its lane.
    pub lane: &'a str,
    /// Every value that was recorded of it.
    pub fields: &'a [Field],
    /// Program time from its opening to its end, or to now, in ns.
    pub total: u64,
    /// Program time in which it was the innermost call of its thread, in ns; `None` if the recording does not say.
    pub own: Option<u64>,
    /// It is not over.
    pub is_open: bool,
}

impl<'a> Candidate<'a> {
    /// A span that begins.
    #[must_use]
    pub fn beginning(callsite: &'a Callsite, lane: &'a str, fields: &'a [Field]) -> Self {
        Self { callsite, lane, fields, total: 0, own: Some(0), is_open: true }
    }
}

impl Query {
    /// Spans of exactly this callsite's name and target.
    #[must_use]
    pub fn of(callsite: &Callsite) -> Self {
        let exactly = |of, wanted: &str| Word {
            is_not: false,
            test: Test::Text { of, is_whole: true, wanted: wanted.to_owned() },
        };
        Self { words: vec![exactly(Text::Name, &callsite.name), exactly(Text::Target, &callsite.target)] }
    }

    /// Whether nothing is asked, which every span answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a span matches.
    #[must_use]
    pub fn matches(&self, span: &Candidate<'_>) -> bool {
        self.words.iter().all(|word| word.test.holds(span) != word.is_not)
    }

    /// Whether spans of this callsite and lane can match, whatever their fields and times.
    #[must_use]
    pub fn allows(&self, callsite: &Callsite, lane: &str) -> bool {
        let span = Candidate { callsite, lane, fields: &[], total: 0, own: Some(0), is_open: false };
        let mut texts = self.words.iter().filter(|word| matches!(word.test, Test::Text { .. }));
        texts.all(|word| word.test.holds(&span) != word.is_not)
    }

    /// Whether spans of this callsite can match, whatever their lanes, fields and times.
    #[must_use]
    pub fn allows_callsite(&self, callsite: &Callsite) -> bool {
        let span = Candidate::beginning(callsite, "", &[]);
        let is_of_callsite = |word: &&Word| matches!(word.test, Test::Text { of, .. } if of != Text::Lane);
        self.words.iter().filter(is_of_callsite).all(|word| word.test.holds(&span) != word.is_not)
    }

    /// Whether it says what a span's name or target is.
    #[must_use]
    pub fn names_call(&self) -> bool {
        let names = |word: &Word| matches!(word.test, Test::Text { of: Text::Name | Text::Target, .. });
        self.words.iter().any(|word| !word.is_not && names(word))
    }

    /// The first word that cannot be decided when a span begins.
    pub(super) fn known_late(&self) -> Option<String> {
        let is_late = |word: &&Word| matches!(word.test, Test::Time { .. } | Test::Open);
        self.words.iter().find(is_late).map(ToString::to_string)
    }

    /// Whether it asks for fields.
    #[must_use]
    pub fn wants_fields(&self) -> bool {
        self.words.iter().any(|word| matches!(word.test, Test::Field { .. } | Test::Number { .. }))
    }
}

impl Test {
    fn holds(&self, span: &Candidate<'_>) -> bool {
        match self {
            Self::Text { of, is_whole, wanted } => {
                let text = match of {
                    Text::Name => &*span.callsite.name,
                    Text::Target => &*span.callsite.target,
                    Text::Lane => span.lane,
                    Text::File => span.callsite.file.as_deref().unwrap_or_default(),
                };
                if *is_whole { text == wanted } else { has(text, wanted) }
            }
            Self::Field { name, is_whole, wanted } => {
                let is_any = wanted.is_empty() && !is_whole;
                values(span, name).any(|value| is_any || is_value(value, wanted, *is_whole))
            }
            Self::Number { name, order, than } => {
                values(span, name).filter_map(number).any(|value| order.holds(value.partial_cmp(than)))
            }
            Self::Time { of, order, than } => {
                let time = if *of == Span::Own { span.own } else { Some(span.total) };
                time.is_some_and(|time| order.holds(time.partial_cmp(than)))
            }
            Self::Open => span.is_open,
        }
    }
}

impl Order {
    const ALL: [(&str, Self); 4] = [("<=", Self::AtMost), (">=", Self::AtLeast), ("<", Self::Less), (">", Self::More)];

    fn holds(self, found: Option<std::cmp::Ordering>) -> bool {
        found.is_some_and(|found| match self {
            Self::Less => found.is_lt(),
            Self::AtMost => found.is_le(),
            Self::More => found.is_gt(),
            Self::AtLeast => found.is_ge(),
        })
    }

    fn sign(self) -> &'static str {
        Self::ALL.iter().find(|entry| entry.1 == self).map_or("", |entry| entry.0)
    }
}

fn values<'a>(span: &Candidate<'a>, name: &'a str) -> impl Iterator<Item = &'a Value> {
    span.fields.iter().filter(move |field| &*field.name == name).map(|field| &field.value)
}

/// Numbers are compared as numbers: 5 is not in 15. All else is text.
fn is_value(value: &Value, wanted: &str, is_whole: bool) -> bool {
    if let (Some(value), Some(wanted)) = (number(value), finite(wanted)) {
        return value == wanted;
    }
    let text = |text: &str| if is_whole { text == wanted } else { has(text, wanted) };
    value.as_str().map_or_else(|| text(&value.to_string()), text)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::I64(value) => Some(*value as f64),
        Value::U64(value) => Some(*value as f64),
        Value::I128(value) => Some(*value as f64),
        Value::U128(value) => Some(*value as f64),
        Value::F64(value) => Some(*value),
        Value::Str(text) => finite(text),
        Value::Bool(_) | Value::Span(_) => None,
    }
}

/// A text that is a number; `inf` and `nan` are words.
fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether a text has another in it; ASCII letters may be capitals or not. Allocates nothing.
fn has(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}
