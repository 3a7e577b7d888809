//! What the screens show of the documentation: plain data that somebody else fills in.
//!
//! A [`Card`] belongs to a step of the chain, a [`Page`] to none. Nothing here reads a file, knows a format of lesson
//! pages, or decides whether a claim is true: verdicts and evidence arrive ready.

use crate::trace::{Chain, Log};

/// What is told about one step of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The step's id, such as `hub.run`.
    pub step: String,
    /// What the step does, in a few words.
    pub title: String,
    /// The lane it runs in.
    pub lane: String,
    /// What the report says about it.
    pub report: Option<String>,
    /// Whether the report is right.
    pub verdict: Verdict,
    /// What really happens, in a sentence or two.
    pub truth: String,
    /// What to look at on the screen.
    pub look: String,
    /// One question.
    pub question: String,
    /// Its answer, shown when asked for.
    pub answer: String,
    /// The page, in Markdown.
    pub body: String,
    /// The mirrored function, such as `gevent/threadpool.py · ThreadPool.spawn`.
    pub upstream: String,
    /// Where to read the mirrored function.
    pub link: String,
}

/// A page that belongs to no step: an introduction, an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Its text, in Markdown.
    pub body: String,
}

/// How the report's sentence about a step stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    True,
    /// It is right in the main and wrong in a detail.
    Imprecise,
    /// It is wrong.
    Wrong,
    /// The report does not mention the step.
    Missing,
    /// The report has a place for it and says nothing; or nobody has judged it.
    #[default]
    Empty,
}

/// What this run says about one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The claim, as a sentence.
    pub claim: String,
    /// How it stands up to the cursor.
    pub outcome: Outcome,
    /// What was seen, such as `main, event 41`; may be empty.
    pub detail: String,
}

/// How a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything recorded so far agrees.
    Holds,
    /// Something recorded disagrees.
    Contradicted,
    /// What it speaks of has not happened.
    NotRun,
}

/// The documentation, as the screens ask for it.
pub trait Lessons {
    /// What is told about a step, by its index in the chain.
    fn card(&self, step: usize) -> Option<&Card>;

    /// The pages that belong to no step, in order.
    fn pages(&self) -> &[Page];

    /// What the first `cursor` events of the log say about the claims of a step.
    fn evidence(&self, step: usize, log: &Log, cursor: usize) -> Vec<Evidence>;
}

/// The program's source text.
pub trait Sources {
    /// The text of a file, by the name that callsites carry, such as `src/server/threadpool.rs`.
    fn source(&self, file: &str) -> Option<&str>;
}

/// Everything the screens need to know beside the log.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The documented chain.
    pub chain: &'a Chain,
    /// What is told about its steps.
    pub lessons: &'a dyn Lessons,
    /// The program's source text.
    pub sources: &'a dyn Sources,
}
