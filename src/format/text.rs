//! A tree of calls for each lane, to read or to mail.
//!
//! ```text
//!   main                                     0 ns   1.90 ms
//!     run              socketio.rs:44        0 ns   1.90 ms  open    app=chat
//!       new            pywsgi.rs:60        2.1 µs   30.2 µs
//! ```
//!
//! A line per span: name, place in the source, begin, time taken, what has to be said of its end, fields. Spans of a lane are in
//! the order of opening, indented by how deep they are.

use std::io::{self, Write};

use super::lanes::{self, Lane};
use super::{Excerpt, Span};
use crate::trace::{Field, Time, Value};

/// Letters of a value that are shown.
const WIDEST: usize = 60;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (at, lane) in lanes::all(excerpt, std::iter::empty()).iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write_lane(excerpt, lane, out)?;
    }
    for (begin, end) in excerpt.holds() {
        writeln!(out, "held by the debugger from {begin} for {}", Time(end.since(begin)))?;
    }
    if excerpt.log().dropped() > 0 {
        writeln!(out, "{} events were not recorded", excerpt.log().dropped())?;
    }
    Ok(())
}

fn write_lane(excerpt: &Excerpt<'_>, lane: &Lane, out: &mut dyn Write) -> io::Result<()> {
    let (spans, bounds, record) = (&lane.spans, excerpt.bounds(), excerpt.log().lane(lane.id));
    let place = |span: &Span| {
        let line = span.callsite.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", plain(span.callsite.file_name()))
    };
    let lane_name = plain(&lane.name);
    // The lane's own depth is that of its outermost span here.
    let outermost = spans.iter().map(|span| span.depth).min().unwrap_or(0);
    let indented = |span: &Span| format!("{}{}", "  ".repeat(span.depth - outermost + 1), plain(&span.callsite.name));
    let names =
        spans.iter().map(|span| indented(span).chars().count()).max().unwrap_or(0).max(lane_name.chars().count());
    let places = spans.iter().map(|span| place(span).chars().count()).max().unwrap_or(0);
    let begin = record.map_or(bounds.0, |lane| excerpt.time(lane.open.1).max(bounds.0));
    let end = record.and_then(|lane| lane.close).map_or(bounds.1, |close| excerpt.time(close.1).min(bounds.1));
    let took = Time(end.since(begin));
    writeln!(out, "{:names$}  {:places$}  {begin:>9}  {took:>9}", lane_name, "")?;
    for span in spans {
        let took = Time(span.duration());
        let mark = span.mark().unwrap_or_default();
        let line = format!(
            "{:names$}  {:places$}  {:>9}  {took:>9}  {mark:4}  {}",
            indented(span),
            place(span),
            span.begin,
            fields(&excerpt.fields(span.id)),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// `func=gethostbyaddr semaphore=11→10`: each once, with how it came to be so.
fn fields(fields: &[Field]) -> String {
    let mut named: Vec<(&str, Vec<String>)> = Vec::new();
    for field in fields {
        let value = short(&field.value);
        match named.iter_mut().find(|(name, _)| *name == &*field.name) {
            Some((_, values)) => values.push(value),
            None => named.push((&field.name, vec![value])),
        }
    }
    let words: Vec<String> =
        named.iter().map(|(name, values)| format!("{}={}", plain(name), values.join("→"))).collect();
    words.join(" ")
}

/// A value in one word: without what would break the line.
fn short(value: &Value) -> String {
    let text = plain(&value.to_string());
    let cut = if text.chars().count() > WIDEST { text.chars().take(WIDEST - 1).chain(['…']).collect() } else { text };
    if cut.contains(' ') { format!("\"{cut}\"") } else { cut }
}

/// Without what would break the line, or move the cursor of a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}
