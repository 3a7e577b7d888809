//! Profiles for speedscope (<https://www.speedscope.app>): what was open, lane by lane.
//!
//! ```text
//! {"type":"evented","name":"main","unit":"nanoseconds","startValue":0,"endValue":…,
//!  "events":[{"type":"O","frame":0,"at":1893042},…]}
//! ```
//!
//! A profile for each lane with spans, in the order of the log; spans that do not nest have further ones, `conn-1 (2)`. Frames are
//! shared: the name of the call, its file and line. Speedscope knows nothing that is open, nor anything cut: it ends with the
//! profile, and its frame says so, `run (open)`. Points, fields, flows and polls have no place in it.
//!
//! The format: `file-format-schema.json` of its package.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::lanes::{self, Lane, Step};
use super::{Excerpt, Span};
use crate::trace::Callsite;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let lanes: Vec<Lane> =
        lanes::all(excerpt, std::iter::empty()).into_iter().filter(|lane| !lane.spans.is_empty()).collect();
    let mut frames = Frames::default();
    for span in lanes.iter().flat_map(|lane| &lane.spans) {
        frames.number(span);
    }
    writeln!(out, "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",")?;
    writeln!(out, "\"exporter\":\"spanwalk@{}\",", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "\"name\":{},\"activeProfileIndex\":0,", Json::from(&*excerpt.origin().name))?;
    write!(out, "\"shared\":{{\"frames\":{}}},\n\"profiles\":[", Json::from(frames.all.clone()))?;
    let (begin, end) = excerpt.bounds();
    let mut comma = "";
    for lane in &lanes {
        for (track, steps) in lane.steps(&[]).iter().enumerate() {
            let name = if track == 0 { lane.name.to_string() } else { format!("{} ({})", lane.name, track + 1) };
            let name = Json::from(name);
            let (begin, end) = (begin.ns(), end.ns());
            write!(out, "{comma}\n{{\"type\":\"evented\",\"name\":{name},\"unit\":\"nanoseconds\",")?;
            write!(out, "\"startValue\":{begin},\"endValue\":{end},\"events\":[")?;
            comma = "";
            for step in steps {
                let (kind, span, at) = match step {
                    Step::Begin(span) => ("O", span, span.begin),
                    Step::End(span) => ("C", span, span.end),
                    Step::Mark(_) | Step::BeginPoll(_) | Step::EndPoll(_) => continue,
                };
                let frame = frames.number(span);
                write!(out, "{comma}\n{{\"type\":\"{kind}\",\"frame\":{frame},\"at\":{}}}", at.ns())?;
                comma = ",";
            }
            write!(out, "]}}")?;
            comma = ",";
        }
    }
    writeln!(out, "\n]}}")
}

/// The frames of all profiles.
#[derive(Default)]
struct Frames {
    all: Vec<Json>,
    numbers: HashMap<(Arc<Callsite>, Option<&'static str>), usize>,
}

impl Frames {
    /// The number of the frame of a span.
    fn number(&mut self, span: &Span) -> usize {
        *self.numbers.entry((span.callsite.clone(), span.mark())).or_insert_with(|| {
            let name = &span.callsite.name;
            let name = span.mark().map_or_else(|| name.to_string(), |mark| format!("{name} ({mark})"));
            let mut frame = json!({ "name": name });
            if let Some(file) = &span.callsite.file {
                frame["file"] = Json::from(&**file);
            }
            if let Some(line) = span.callsite.line {
                frame["line"] = Json::from(line);
            }
            self.all.push(frame);
            self.all.len() - 1
        })
    }
}
