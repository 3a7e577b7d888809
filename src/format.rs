//! The log in the formats of others, one file per format, and one table that names them.
//!
//! ```text
//!   Log ──► Excerpt ──► text  csv  jsonl  …      what is exported, and on which clock, is decided once for all of them
//! ```
//!
//! What is told about a program beside its log, lessons and source text, comes with the excerpt as a [`Companion`].
//!
//! A format is a function from an [`Excerpt`] to bytes. It leaves spans open that are open, where it can say so, and marks them
//! where it cannot.

mod companion;
mod csv;
mod excerpt;
mod folded;
mod html;
pub mod jsonl;
mod mermaid;
mod text;
mod value;

use std::io::{self, Write};

pub use companion::{Claim, Companion, Listing, Mark, Moment, Outcome, Page, Step};
pub use excerpt::{Change, Clock, Excerpt, Flow, NoExcerpt, Point, Span, Which};

/// A format that a recording can leave in.
pub struct Format {
    /// What it is called on the command line.
    pub name: &'static str,
    /// How the names of its files end.
    pub ending: &'static str,
    /// What it is, and who reads it.
    pub doc: &'static str,
    /// Its bytes are no text: not for a terminal.
    pub is_binary: bool,
    write: fn(&Excerpt<'_>, &mut dyn Write) -> io::Result<()>,
}

/// Every format there is.
pub const FORMATS: &[Format] = &[
    Format {
        name: "csv",
        ending: "csv",
        doc: "a row per span, for spreadsheets and data frames",
        is_binary: false,
        write: csv::write,
    },
    Format {
        name: "flamegraph",
        ending: "svg",
        doc: "a picture: how wide a call is, is how long it was open",
        is_binary: false,
        write: folded::write_svg,
    },
    Format {
        name: "folded",
        ending: "folded",
        doc: "stacks with their times, for inferno, flamegraph.pl and speedscope",
        is_binary: false,
        write: folded::write,
    },
    Format {
        name: "html",
        ending: "html",
        doc: "a page to step through in any browser, with the lessons; one file, to mail",
        is_binary: false,
        write: html::write,
    },
    Format {
        name: "jsonl",
        ending: "jsonl",
        doc: "the log itself, an event a line, for scripts; opens here again",
        is_binary: false,
        write: jsonl::write,
    },
    Format {
        name: "mermaid",
        ending: "mmd",
        doc: "a sequence diagram of lanes, for wikis and Markdown",
        is_binary: false,
        write: mermaid::write,
    },
    Format {
        name: "text",
        ending: "txt",
        doc: "an indented tree of calls for each lane, to read or to mail",
        is_binary: false,
        write: text::write,
    },
];

impl Format {
    /// The format of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The format of a file with this ending, if one alone has it.
    #[must_use]
    pub fn ending_in(ending: &str) -> Option<&'static Self> {
        let mut all = FORMATS.iter().filter(|format| format.ending.eq_ignore_ascii_case(ending));
        all.next().filter(|_| all.next().is_none())
    }

    /// Writes an excerpt.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn write(&self, excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
        (self.write)(excerpt, out)
    }
}
