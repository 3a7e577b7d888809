//! The log in the formats of others, one file per format, and one table that names them.
//!
//! ```text
//!   Log ──► Excerpt ──► text  csv  jsonl  …      what is exported, and on which clock, is decided once for all of them
//! ```
//!
//! A format is a function from an [`Excerpt`] to bytes. It leaves spans open that are open, where it can say so, and marks them
//! where it cannot.

mod csv;
mod excerpt;
pub mod jsonl;
mod marks;
mod perfetto;
mod text;
mod tracks;
mod value;

use std::io::{self, Write};

pub use excerpt::{Clock, Epoch, Excerpt, Flow, NoExcerpt, Origin, Point, Poll, Span, Which};

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
        name: "jsonl",
        ending: "jsonl",
        doc: "the log itself, an event a line, for scripts; opens here again",
        is_binary: false,
        write: jsonl::write,
    },
    Format {
        name: "perfetto",
        ending: "pftrace",
        doc: "tracks, slices and flows, for ui.perfetto.dev",
        is_binary: true,
        write: perfetto::write,
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
