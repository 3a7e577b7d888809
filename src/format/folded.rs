//! Folded stacks, one a line with its time, and the flame graph that is made of them.
//!
//! ```text
//!   main;run;serve_forever;start;init_socket;init_socket 41211
//!   hub;run (open);run (open);poll 1183902
//! ```
//!
//! The outermost frame is the lane. The number is the time in ns in which the call was the innermost of its lane, also waiting: the
//! width of a frame is the time that it was open, as everywhere else.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use inferno::flamegraph::{self, Options, TextTruncateDirection};

use super::{Clock, Excerpt};
use crate::trace::{LaneId, SpanId};

/// Writes the lines, in the order of their texts.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    stacks(excerpt).iter().try_for_each(|(stack, ns)| writeln!(out, "{stack} {ns}"))
}

/// Writes the picture.
pub(super) fn write_svg(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let stacks = stacks(excerpt);
    let lines: Vec<String> = stacks.iter().map(|(stack, ns)| format!("{stack} {ns}")).collect();
    let mut options = Options::default();
    options.title = "Calls by lane".to_owned();
    options.subtitle = Some(match excerpt.clock() {
        Clock::Program => "time open, waiting too, in which the program was not held".to_owned(),
        Clock::Wall => "time open, waiting too, by the clock".to_owned(),
    });
    options.count_name = "ns".to_owned();
    options.text_truncate_direction = TextTruncateDirection::Right;
    // Colours that are the same each time.
    options.hash = true;
    // Nothing can be drawn of what took no time.
    let is_empty = stacks.values().all(|ns| *ns == 0);
    if is_empty {
        let what = if lines.is_empty() { "No calls" } else { "No calls that took time" };
        options.title = format!("{what} in this excerpt");
    }
    // Drawn in memory: what the reader of the picture says is to be known as what it is.
    let mut picture = Vec::new();
    let lines = if is_empty { vec!["nothing 1".to_owned()] } else { lines };
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut picture).map_err(io::Error::other)?;
    out.write_all(&picture)
}

/// Every stack with its time, in the order of their texts.
fn stacks(excerpt: &Excerpt<'_>) -> BTreeMap<String, u64> {
    let mut inside: HashMap<SpanId, u64> = HashMap::new();
    let lane_of = |span: SpanId| excerpt.log().span(span).map(|span| span.lane);
    let around = |span: &super::Span| span.parent.filter(|parent| lane_of(*parent) == Some(span.lane));
    for span in excerpt.spans() {
        if let Some(parent) = around(&span) {
            *inside.entry(parent).or_default() += span.duration();
        }
    }
    // Stacks by number: each is another and a frame more.
    let mut paths = Paths::default();
    let mut path_of: HashMap<SpanId, usize> = HashMap::new();
    for span in excerpt.spans() {
        let under = around(&span).and_then(|parent| path_of.get(&parent).copied());
        let under = under.unwrap_or_else(|| paths.of_lane(span.lane));
        let path = paths.of(under, frame(&span));
        let own = span.duration().saturating_sub(inside.get(&span.id).copied().unwrap_or(0));
        paths.all[path].ns += own;
        path_of.insert(span.id, path);
    }
    let name = |lane: LaneId| excerpt.log().lane(lane).map_or_else(|| "?".to_owned(), |lane| plain(&lane.name));
    let mut stacks = BTreeMap::new();
    for (at, path) in paths.all.iter().enumerate() {
        // A frame that only holds others has a line of its own only if it had time of its own.
        if path.ns > 0 || (path.is_leaf && path.under.is_some()) {
            *stacks.entry(paths.text(at, &name)).or_default() += path.ns;
        }
    }
    stacks
}

/// A frame's text, with what must be said of its end.
fn frame(span: &super::Span) -> String {
    let mark = span.mark().map(|mark| format!(" ({mark})")).unwrap_or_default();
    format!("{}{mark}", plain(&span.callsite.name))
}

/// Without what would end a frame or a line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c == ';' || c.is_control() { '_' } else { c }).collect()
}

#[derive(Default)]
struct Paths {
    all: Vec<Path>,
    numbers: HashMap<(usize, String), usize>,
    lanes: HashMap<LaneId, usize>,
}

struct Path {
    /// The stack without the innermost frame.
    under: Option<usize>,
    frame: String,
    lane: LaneId,
    ns: u64,
    is_leaf: bool,
}

impl Paths {
    fn of_lane(&mut self, lane: LaneId) -> usize {
        let next = self.all.len();
        let at = *self.lanes.entry(lane).or_insert(next);
        if at == next {
            self.all.push(Path { under: None, frame: String::new(), lane, ns: 0, is_leaf: true });
        }
        at
    }

    fn of(&mut self, under: usize, frame: String) -> usize {
        if let Some(at) = self.numbers.get(&(under, frame.clone())) {
            return *at;
        }
        let (at, lane) = (self.all.len(), self.all[under].lane);
        self.all[under].is_leaf = false;
        self.numbers.insert((under, frame.clone()), at);
        self.all.push(Path { under: Some(under), frame, lane, ns: 0, is_leaf: true });
        at
    }

    fn text(&self, at: usize, lane: &dyn Fn(LaneId) -> String) -> String {
        let mut frames = Vec::new();
        let mut path = &self.all[at];
        while let Some(under) = path.under {
            frames.push(path.frame.clone());
            path = &self.all[under];
        }
        frames.push(lane(path.lane));
        frames.reverse();
        frames.join(";")
    }
}
