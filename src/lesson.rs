//! The lessons: what each step of the chain is, what a report claims about it, and whether this run bears that out.
//!
//! ```text
//!   walkthrough/*.md ──Page──► Book ──┬─► chain()      which span is which step: the catalogue of steps
//!                                     ├─► step_page()  the page a screen shows for a step
//!                                     └─► claims ──┐
//!   trace::Log, cursor ───────────────────────────┼─► evaluate()  holds so far | contradicted | not run
//!                                                 ├─► instants()  before, during, after; who accepts
//!                                                 └─► Choice      what may come next, and what did
//! ```
//!
//! The pages are Markdown with a front matter of TOML, so a teacher edits and translates them without Rust. They are
//! part of the program; a directory may take their place. Nothing here draws, colours or lays out text, runs a
//! server, or decides what is asked: a claim is asked of (log, cursor), and [`Checked`] spares the asker a second look.

mod book;
mod embedded;
mod error;
mod evaluate;
mod guess;
mod instants;
mod page;
mod predicate;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod walkthrough;

pub use book::Book;
pub use error::LessonError;
pub use evaluate::{Checked, Evidence, Outcome, evaluate};
pub use guess::{Choice, Score};
pub use instants::{Instant, instants};
pub use page::{Author, Call, Claim, Page, Verdict};
pub use predicate::{LanePattern, Moment, Predicate, PredicateError};
