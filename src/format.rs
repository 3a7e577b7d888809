//! The log in the formats of others, one file per format, and one table that names them.
//!
//! ```text
//!   Log ──► Excerpt ──┬──────────────► text  csv  jsonl  otlp      what is exported, and on which clock, is decided once for all
//!                     └─► lanes: tracks, marks ──► perfetto  chrome  speedscope      so is what is drawn beside and inside what
//! ```
//!
//! What is told about a program beside its log, lessons and source text, comes with the excerpt as a [`Companion`].
//!
//! A format is a function from an [`Excerpt`] to bytes. It leaves spans open that are open, where it can say so, and marks them
//! where it cannot.

mod chrome;
mod companion;
mod csv;
mod excerpt;
mod folded;
mod html;
mod import;
pub mod jsonl;
mod lanes;
mod marks;
mod mermaid;
pub mod otlp;
mod perfetto;
mod speedscope;
mod text;
mod tracks;
mod value;

use std::io::{self, Write};

pub use companion::{Claim, Companion, Listing, Mark, Moment, Outcome, Page, Step};
pub use excerpt::{Clock, Epoch, Excerpt, Flow, NoExcerpt, Origin, Point, Poll, Span, Which};
pub use import::{Foreign, Import, ImportError};

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
    /// It tells the time of day, which the log does not know.
    pub has_time_of_day: bool,
    write: fn(&Excerpt<'_>, &mut dyn Write) -> io::Result<()>,
}

/// Every format there is.
pub const FORMATS: &[Format] = &[
    Format {
        name: "chrome",
        ending: "chrome.json",
        doc: "trace events in JSON, for chrome://tracing, Perfetto and VizTracer",
        is_binary: false,
        has_time_of_day: false,
        write: chrome::write,
    },
    Format {
        name: "csv",
        ending: "csv",
        doc: "a row per span, for spreadsheets and data frames",
        is_binary: false,
        has_time_of_day: false,
        write: csv::write,
    },
    Format {
        name: "flamegraph",
        ending: "svg",
        doc: "a picture: how wide a call is, is how long it was open",
        is_binary: false,
        has_time_of_day: false,
        write: folded::write_svg,
    },
    Format {
        name: "folded",
        ending: "folded",
        doc: "stacks with their times, for inferno, flamegraph.pl and speedscope",
        is_binary: false,
        has_time_of_day: false,
        write: folded::write,
    },
    Format {
        name: "html",
        ending: "html",
        doc: "a page to step through in any browser, with the lessons; one file, to mail",
        is_binary: false,
        has_time_of_day: false,
        write: html::write,
    },
    Format {
        name: "jsonl",
        ending: "jsonl",
        doc: "the log itself, an event a line, for scripts; opens here again",
        is_binary: false,
        has_time_of_day: false,
        write: jsonl::write,
    },
    Format {
        name: "mermaid",
        ending: "mmd",
        doc: "a sequence diagram of lanes, for wikis and Markdown",
        is_binary: false,
        has_time_of_day: false,
        write: mermaid::write,
    },
    Format {
        name: "otlp",
        ending: "otlp.json",
        doc: "one trace, for OpenTelemetry's collectors; --push URL sends it",
        is_binary: false,
        has_time_of_day: true,
        write: otlp::write,
    },
    Format {
        name: "perfetto",
        ending: "pftrace",
        doc: "tracks, slices and flows, for ui.perfetto.dev",
        is_binary: true,
        has_time_of_day: false,
        write: perfetto::write,
    },
    Format {
        name: "speedscope",
        ending: "speedscope.json",
        doc: "a profile per lane, for speedscope.app",
        is_binary: false,
        has_time_of_day: false,
        write: speedscope::write,
    },
    Format {
        name: "text",
        ending: "txt",
        doc: "an indented tree of calls for each lane, to read or to mail",
        is_binary: false,
        has_time_of_day: false,
        write: text::write,
    },
];

impl Format {
    /// The format of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The format of a file of this name: the one with the longest ending that it has.
    #[must_use]
    pub fn of_file(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        let is_it = |format: &&Self| name.strip_suffix(format.ending).is_some_and(|stem| stem.ends_with('.'));
        FORMATS.iter().filter(is_it).max_by_key(|format| format.ending.len())
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
