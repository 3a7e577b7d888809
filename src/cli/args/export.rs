//! What can be asked of `export`: a format, a part of a recording, a place to write to.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::trace::{Place, Query};

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk export --list                   the formats there are
  spanwalk export run.spanwalk --to text   the tree of calls
  spanwalk export run.spanwalk -o run.pftrace           for ui.perfetto.dev
  spanwalk export run.spanwalk --push http://localhost:4318
  spanwalk export run.spanwalk -o run.html  a page to step through, to mail
  spanwalk export run.spanwalk --to csv --lane hub      one lane
  spanwalk export run.spanwalk --to text --until loop   before the loop
  spanwalk export run.spanwalk --to csv --filter name:spawn")]
pub struct ExportArgs {
    /// The recording.
    #[arg(value_name = "FILE", required_unless_present = "list")]
    pub(in crate::cli) file: Option<PathBuf>,

    /// The format; without it, the one that the output's name ends in.
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) to: Option<String>,

    /// List the formats, and who reads them.
    #[arg(long)]
    pub(in crate::cli) list: bool,

    /// Write into this file; `-` is standard output, as is nothing.
    #[arg(short, long, value_name = "OUT")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Replace the output if it exists.
    #[arg(long, requires = "output")]
    pub(in crate::cli) force: bool,

    /// Send the spans to an OpenTelemetry collector at this address instead, such as http://localhost:4318, by OTLP over HTTP. What
    /// it cannot take now is sent again; the last line says how much has arrived.
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    pub(in crate::cli) push: Option<String>,

    /// What was recorded is called this in the export; without it, as the file is.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) service: Option<String>,

    /// The time of day at which the recording began, such as 2025-01-31T09:30:00Z, for otlp. Without it the file's modification
    /// time is taken for the recording's end: true of a file that has not been copied or touched since.
    #[arg(long, value_name = "TIME", value_parser = epoch)]
    pub(in crate::cli) epoch: Option<SystemTime>,

    /// From here on: a time such as 1.2ms, a share such as 50%, #12 (a span), @340 (an event), loop, serves, or the name of a
    /// call. Spans that begin before it are cut, and marked.
    #[arg(long, value_name = "PLACE")]
    pub(in crate::cli) from: Option<Place>,

    /// Up to here.
    #[arg(long, value_name = "PLACE")]
    pub(in crate::cli) until: Option<Place>,

    /// Of this lane alone; may be given again.
    #[arg(long, value_name = "LANE")]
    pub(in crate::cli) lane: Vec<String>,

    /// Spans that answer this query alone, such as 'name:spawn field.fd:5 dur>1ms'.
    #[arg(long, value_name = "QUERY")]
    pub(in crate::cli) filter: Option<Query>,

    /// Calls up to this depth of their lane alone: 1 is the outermost.
    #[arg(long, value_name = "DEPTH")]
    pub(in crate::cli) depth: Option<NonZero<usize>>,

    /// Tell the time of the clock on the wall, with the holds.
    #[arg(long)]
    pub(in crate::cli) wall: bool,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) walkthrough: Option<PathBuf>,
}

/// A time of day with its date.
fn epoch(text: &str) -> Result<SystemTime, String> {
    humantime::parse_rfc3339_weak(text)
        .ok()
        .filter(|time| *time >= SystemTime::UNIX_EPOCH)
        .ok_or_else(|| "not a time since 1970; write one such as 2025-01-31T09:30:00Z".to_owned())
}
