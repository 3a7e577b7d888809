//! The walk as lines of text: for pipes, for screen readers, for logs.
//!
//! ```text
//!  14 main      → spawn                      threadpool.rs:108  func=gethostbyaddr semaphore_before=11
//!       report: “start a thread that has the purpose of watching until a request is received”
//!       WRONG: the thread runs one job, the name lookup, …
//!     main      ← spawn                      semaphore_after=10
//!     main ⇄ hub                             AsyncResult.get
//!  16 hub       → run                        hub.rs:87
//!     ═══ the loop starts ═══
//! ```
//!
//! `→` is the beginning of a call, `←` its end with what became known in between, `·` a note, `⇄` a switch, `⇢` a wake.
//! A call that is left and entered again, as every poll of a future is, is printed once.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::lesson::{Book, Verdict};
use crate::trace::{Chain, Event, Field, Kind, LaneId, Log, SpanId, Time, Value};

/// Fields that steer the recorder and say nothing to a reader.
pub(super) const CONVENTIONS: [&str; 3] = ["lane", "reason", "blocks"];

/// Writes a log as it grows.
pub(super) struct Plain<'a, W> {
    out: W,
    book: &'a Book,
    chain: Chain,
    entered: HashSet<SpanId>,
    told: HashSet<usize>,
    /// What a call recorded since it began.
    recorded: HashMap<SpanId, Vec<Field>>,
    loop_started: bool,
    accepting: bool,
    loop_serves: bool,
}

impl<'a, W: Write> Plain<'a, W> {
    pub(super) fn new(out: W, book: &'a Book) -> Self {
        Self {
            out,
            book,
            chain: book.chain(),
            entered: HashSet::new(),
            told: HashSet::new(),
            recorded: HashMap::new(),
            loop_started: false,
            accepting: false,
            loop_serves: false,
        }
    }

    /// Writes what an event adds. The log holds it and everything before it.
    pub(super) fn event(&mut self, log: &Log, event: &Event) -> io::Result<()> {
        match &event.kind {
            Kind::Enter { span } if self.entered.insert(*span) => self.enter(log, event, *span),
            Kind::Close { span } if self.entered.contains(span) => self.close(log, event, *span),
            Kind::Record { span, fields } => {
                let known = self.recorded.entry(*span).or_default();
                for field in fields {
                    known.retain(|known| known.name != field.name);
                    known.push(field.clone());
                }
                Ok(())
            }
            Kind::Note { span, fields, .. } => {
                let depth = span.and_then(|span| log.span(span)).map_or(0, |span| span.depth + 1);
                let message = crate::trace::field(fields, "message").map_or_else(String::new, ToString::to_string);
                let rest = list(fields.iter().filter(|field| &*field.name != "message"));
                self.line(log, event.lane, &format!("{:depth$}· {message}", "", depth = 2 * depth), "", &rest)
            }
            Kind::Switch { to, reason } => self.between(log, event.lane, "⇄", *to, reason.as_deref()),
            Kind::Wake { to, reason } => self.between(log, event.lane, "⇢", *to, reason.as_deref()),
            Kind::LaneOpen { .. } => self.line(log, event.lane, "+ lane opened", "", ""),
            Kind::LaneClose => self.line(log, event.lane, "− lane closed", "", ""),
            Kind::Dropped { count } => match log.lane(event.lane) {
                Some(lane) => writeln!(self.out, "    {count} events of {} were not recorded", lane.name),
                None => writeln!(self.out, "    {count} events were not recorded"),
            },
            _ => Ok(()),
        }
    }

    fn enter(&mut self, log: &Log, event: &Event, span: SpanId) -> io::Result<()> {
        let Some(record) = log.span(span) else { return Ok(()) };
        let step = self.chain.step_of(&record.callsite);
        let fields = log.fields(span, event.seq.0 as usize + 1);
        let fields = list(fields.iter().filter(|field| !CONVENTIONS.contains(&&*field.name)));
        let place = format!("{}:{}", record.callsite.file_name(), record.callsite.line.unwrap_or(0));
        let text = format!("{:depth$}→ {}", "", record.callsite.name, depth = 2 * record.depth);
        let number = step.map_or_else(String::new, |step| (step + 1).to_string());
        write!(self.out, "{number:>3} ")?;
        self.columns(log, event.lane, &text, &place, &fields)?;
        if let Some(step) = step {
            self.tell(step)?;
            self.mark(step, log.clock().program(event.time))?;
        }
        Ok(())
    }

    /// What the lesson says of a step, the first time it is entered.
    fn tell(&mut self, step: usize) -> io::Result<()> {
        if !self.told.insert(step) {
            return Ok(());
        }
        let Some(page) = self.book.step_page(step) else { return Ok(()) };
        if let Some(report) = &page.report {
            writeln!(self.out, "       report: “{report}”")?;
        }
        let verdict = match page.verdict {
            Some(Verdict::True) => "TRUE: ",
            Some(Verdict::Imprecise) => "IMPRECISE: ",
            Some(Verdict::Wrong) => "WRONG: ",
            Some(Verdict::Missing) => "THE REPORT IS SILENT: ",
            Some(Verdict::Empty) => "THE REPORT LEAVES THIS EMPTY: ",
            None => "",
        };
        writeln!(self.out, "       {verdict}{}", page.truth.as_deref().unwrap_or(&page.title))
    }

    /// The two instants everything turns on.
    fn mark(&mut self, step: usize, at: Time) -> io::Result<()> {
        let id = &*self.chain.steps()[step].id;
        let said = match id {
            "hub.run" if !std::mem::replace(&mut self.loop_started, true) => "the loop starts",
            "loop.poll" if self.accepting && !std::mem::replace(&mut self.loop_serves, true) => "the loop serves",
            "start_accepting" => {
                self.accepting = true;
                return Ok(());
            }
            _ => return Ok(()),
        };
        writeln!(self.out, "    ═══ {said}, {at} after the start ═══")
    }

    fn close(&mut self, log: &Log, event: &Event, span: SpanId) -> io::Result<()> {
        let Some(record) = log.span(span) else { return Ok(()) };
        let recorded = self.recorded.remove(&span).unwrap_or_default();
        let fields = list(recorded.iter().filter(|field| !CONVENTIONS.contains(&&*field.name)));
        let text = format!("{:depth$}← {}", "", record.callsite.name, depth = 2 * record.depth);
        let took = log.clock().program(event.time).since(log.clock().program(record.open.1));
        self.line(log, event.lane, &text, &Time(took).to_string(), &fields)
    }

    fn between(&mut self, log: &Log, from: LaneId, arrow: &str, to: LaneId, reason: Option<&str>) -> io::Result<()> {
        let text = format!("{} {arrow} {}", name(log, from), name(log, to));
        writeln!(self.out, "    {text:<42} {}", reason.unwrap_or_default())
    }

    fn line(&mut self, log: &Log, lane: LaneId, text: &str, place: &str, rest: &str) -> io::Result<()> {
        write!(self.out, "    ")?;
        self.columns(log, lane, text, place, rest)
    }

    fn columns(&mut self, log: &Log, lane: LaneId, text: &str, place: &str, rest: &str) -> io::Result<()> {
        let line = format!("{:<9} {text:<44} {place:<22} {rest}", name(log, lane));
        writeln!(self.out, "{}", line.trim_end())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn name(log: &Log, lane: LaneId) -> &str {
    log.lane(lane).map_or("?", |lane| &lane.name)
}

/// `name=value`, with quotes where a value has blanks or is empty.
fn list<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let mut text = String::new();
    for field in fields {
        let blank = if text.is_empty() { "" } else { " " };
        let written = match &field.value {
            Value::Str(value) if value.is_empty() || value.contains(char::is_whitespace) => {
                write!(text, "{blank}{}={value:?}", field.name)
            }
            value => write!(text, "{blank}{}={value}", field.name),
        };
        written.expect("writing to a string succeeds");
    }
    text
}
