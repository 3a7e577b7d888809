//! What is told about a recorded program beside its log: lessons, instants, source text.
//!
//! ```text
//!   lesson, tui ──► cli ──► Companion ──► a format that shows more than the log (html)
//! ```
//!
//! Plain data, filled in by whoever knows the rooms it comes from, as this one knows none but the log's. Places are
//! cursors of the whole log: how many events are before them.

/// Everything that is told. The default tells nothing, and a format shows the log alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Companion {
    /// What the recording is called, such as `lesson.spanwalk`.
    pub title: String,
    /// The documented calls, in order.
    pub steps: Vec<Step>,
    /// Pages about them.
    pub pages: Vec<Page>,
    /// Instants that everything turns on, in order: `loop starts`, `loop serves`.
    pub marks: Vec<Mark>,
    /// Instants whose stacks are compared, in order.
    pub moments: Vec<Moment>,
    /// Functions of the program, of each callsite that has one.
    pub listings: Vec<Listing>,
}

/// A documented call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its id, such as `hub.run`.
    pub id: String,
    /// The name of its spans.
    pub name: String,
    /// Their module path.
    pub target: String,
    /// The place of its page in [`Companion::pages`].
    pub page: Option<usize>,
}

/// A page about a step, or about none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// What a report says of the step, and how that fares.
    pub report: Option<String>,
    /// `true`, `imprecise`, `wrong`, `missing` or `empty`.
    pub verdict: Option<&'static str>,
    /// What really happens.
    pub truth: Option<String>,
    /// What to look at.
    pub look: Option<String>,
    /// A question.
    pub question: Option<String>,
    /// Its answer.
    pub answer: Option<String>,
    /// Sentences that the recording can bear out.
    pub claims: Vec<Claim>,
    /// The text, Markdown.
    pub prose: String,
    /// The mirrored function, and where to read it.
    pub upstream: Option<(String, String)>,
}

/// A sentence about the program, and how it fares in the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it is called by, such as `14.1`.
    pub number: String,
    /// The sentence.
    pub says: String,
    /// Who says so: `report` or `lesson`.
    pub by: String,
    /// The question that was asked of the log.
    pub predicate: String,
    /// What its page expects: `holds` or `contradicted`.
    pub expected: &'static str,
    /// How it comes out, from one cursor to the next. Before the first it has not run.
    pub outcomes: Vec<Outcome>,
}

/// How a claim comes out from a cursor on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// From here on.
    pub cursor: usize,
    /// `holds`, `contradicted` or `not run`.
    pub word: &'static str,
    /// Why, in a sentence.
    pub detail: String,
    /// Cursors behind the events that decide it.
    pub events: Vec<usize>,
}

/// An instant with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where it is.
    pub cursor: usize,
    /// What it is called.
    pub word: &'static str,
}

/// One of the instants whose stacks are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// `before`, `during` or `after`.
    pub title: &'static str,
    /// Which it is, in a few words.
    pub what: &'static str,
    /// Where it is, or why there is none.
    pub cursor: Result<usize, &'static str>,
    /// What can be said of it, in sentences without a final stop.
    pub facts: Vec<String>,
}

/// A function of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The file, as callsites name it.
    pub file: String,
    /// The line of the callsite.
    pub line: u32,
    /// The number of the first line that is here, from 1.
    pub first: usize,
    /// First and last line of the function.
    pub function: (usize, usize),
    /// The lines, each in pieces: what a piece is, in a word or none, and its text.
    pub lines: Vec<Vec<(&'static str, String)>>,
}
