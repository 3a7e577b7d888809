//! `spanwalk check`: every claim of every page over a recording, and whether each comes out as its page says.
//!
//! ```text
//!   14-spawn.md · Hand a blocking job to another thread
//!     14.1  contradicted  as said    event 310       the thread watches until a request comes  [lane do_read = worker-*]
//!     14.2  holds         as said    event 40        spawn is called by apply  [inside spawn apply]
//!   …
//!   180 claims are as their pages say, 5 have not run, 0 are otherwise
//! ```
//!
//! The input is a file, read once as far as it goes; the output is text or one JSON object. Nothing is judged here but
//! that: what a predicate means is said in [`crate::lesson`].

use std::io::{self, Write as _};

use serde_json::{Value, json};

use super::args::CheckArgs;
use super::demo;
use super::input::Input;
use crate::lesson::{Book, Checked, Claim, Evidence, Outcome, Page};
use crate::trace::{Chain, Kind, Log};

/// Something came out otherwise than its page says, or nothing was decided: told on standard output, and an exit status.
#[derive(Debug, thiserror::Error)]
#[error("not every claim is as its page says")]
pub(super) struct NotAsSaid;

/// Prints the table.
pub(super) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let book = demo::book(args.walkthrough.as_deref())?;
    let mut input = Input::open(&args.file)?;
    let mut log = Log::new();
    input.read(&mut log)?;
    let rows = rows(&book, &log, log.len());
    let sums = Sums::of(&rows);
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", as_json(&rows, sums, &log, &input))?;
    } else {
        write!(out, "{}", as_text(&rows, sums, &log, &input, &args.file.display().to_string()))?;
    }
    out.flush()?;
    if sums.is_good(args.all) { Ok(()) } else { Err(NotAsSaid.into()) }
}

/// A claim and how it fares.
pub(super) struct Row<'a> {
    pub(super) page: &'a Page,
    pub(super) claim: &'a Claim,
    /// What it is called by, such as `14.2`.
    pub(super) number: String,
    pub(super) evidence: Evidence,
}

/// Every claim of a book, in the order of the pages, over the first events of a log.
pub(super) fn rows<'a>(book: &'a Book, log: &Log, cursor: usize) -> Vec<Row<'a>> {
    let chain: Chain = book.chain();
    let mut checked = Checked::default();
    let mut weigh = |page: &'a Page, (at, claim): (usize, &'a Claim)| {
        let evidence = checked.evaluate(&claim.predicate, (log, cursor), &chain, &mut usize::MAX.clone());
        Row { page, claim, number: number(page, at), evidence }
    };
    let mut rows = Vec::new();
    for page in book.pages() {
        rows.extend(page.claims.iter().enumerate().map(|claim| weigh(page, claim)));
    }
    rows
}

/// What a claim of a page is called by, given its place there.
pub(super) fn number(page: &Page, at: usize) -> String {
    format!("{}.{}", page.number(), at + 1)
}

/// `holds`, without the reserve that a run under way asks for.
pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::Contradicted => "contradicted",
        Outcome::NotRun => "not run",
    }
}

impl Row<'_> {
    /// Whether it came out as its page says; `None` if nothing decided it.
    pub(super) fn is_as_said(&self) -> Option<bool> {
        let outcome = self.evidence.outcome;
        (outcome != Outcome::NotRun).then(|| outcome == self.claim.expected())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    as_said: usize,
    otherwise: usize,
    not_run: usize,
}

impl Sums {
    fn of(rows: &[Row<'_>]) -> Self {
        let mut sums = Self::default();
        for row in rows {
            match row.is_as_said() {
                Some(true) => sums.as_said += 1,
                Some(false) => sums.otherwise += 1,
                None => sums.not_run += 1,
            }
        }
        sums
    }

    /// Whether it is a success. A recording that decides nothing is none: it may be of another program.
    fn is_good(self, wants_all: bool) -> bool {
        self.otherwise == 0 && self.as_said > 0 && (!wants_all || self.not_run == 0)
    }
}

/// What is to be known of the recording itself, in sentences.
fn remarks(log: &Log, input: &Input) -> Vec<String> {
    let mut remarks = Vec::new();
    if !input.is_ended() {
        let text =
            "the recording is not closed: its program was killed, or is still writing; more of it may decide more";
        remarks.push(text.to_owned());
    }
    let damage = input.damage();
    remarks.extend(damage.iter().map(|damage| format!("the recording is damaged: {damage}")));
    if log.dropped() > 0 {
        remarks.push(format!("{} events are missing; what they would decide is not known", log.dropped()));
    }
    remarks
}

fn events_text(events: &[usize]) -> String {
    let numbers: Vec<String> = events.iter().map(usize::to_string).collect();
    if numbers.is_empty() { String::new() } else { format!("event {}", numbers.join(", ")) }
}

fn as_text(rows: &[Row<'_>], sums: Sums, log: &Log, input: &Input, name: &str) -> String {
    let columns = |text: fn(&Row<'_>) -> String| {
        let widths = rows.iter().map(|row| text(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let numbers = columns(|row| row.number.clone());
    let events = columns(|row| events_text(&row.evidence.events));
    let mut lines = vec![format!("{name}: {} events, {} claims", log.len(), rows.len())];
    let mut page: Option<&Page> = None;
    for row in rows {
        if page.is_none_or(|page| page.file != row.page.file) {
            page = Some(row.page);
            lines.push(format!("\n{} · {}", row.page.file, row.page.title));
        }
        let said = match row.is_as_said() {
            Some(true) => "as said",
            Some(false) => "OTHERWISE",
            None => "",
        };
        let line = format!(
            "  {:<numbers$}  {:<12}  {said:<9}  {:<events$}  {}  [{}]",
            row.number,
            word(row.evidence.outcome),
            events_text(&row.evidence.events),
            row.claim.says,
            row.claim.predicate,
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.push(String::new());
    let otherwise: Vec<&Row<'_>> = rows.iter().filter(|row| row.is_as_said() == Some(false)).collect();
    for row in &otherwise {
        lines.push(format!(
            "OTHERWISE {} in {}: its page says that this {}; {}",
            row.number,
            row.page.file,
            if row.claim.expected() == Outcome::Holds { "holds" } else { "does not hold" },
            row.evidence.detail,
        ));
    }
    lines.extend(remarks(log, input));
    let Sums { as_said, otherwise, not_run } = sums;
    lines.push(format!("{as_said} claims are as their pages say, {not_run} have not run, {otherwise} are otherwise"));
    if as_said + otherwise == 0 {
        lines.push("nothing was decided: no step of these pages is in the recording, or it ends too early".to_owned());
    }
    lines.join("\n") + "\n"
}

fn as_json(rows: &[Row<'_>], sums: Sums, log: &Log, input: &Input) -> Value {
    let claims = rows.iter().map(|row| {
        json!({
            "claim": row.number,
            "page": row.page.file,
            "step": row.page.call.as_ref().map(|call| &call.step),
            "says": row.claim.says,
            "by": row.claim.by.to_string(),
            "verdict": row.claim.verdict.word(),
            "predicate": row.claim.predicate.to_string(),
            "outcome": word(row.evidence.outcome).replace(' ', "_"),
            "as_said": row.is_as_said(),
            "detail": row.evidence.detail,
            "events": row.evidence.events.iter().map(|event| event_json(log, *event)).collect::<Vec<_>>(),
        })
    });
    let damage = input.damage();
    let damage =
        damage.iter().map(|damage| json!({ "offset": damage.offset, "bytes": damage.bytes, "events": damage.events }));
    json!({
        "events": log.len(),
        "ended": input.is_ended(),
        "damage": damage.collect::<Vec<_>>(),
        "dropped": log.dropped(),
        "as_said": sums.as_said,
        "otherwise": sums.otherwise,
        "not_run": sums.not_run,
        "claims": claims.collect::<Vec<_>>(),
    })
}

/// An event by its number, from 1: its place in the recording and its raw time as in `demo --jsonl`, where and what.
fn event_json(log: &Log, event: usize) -> Value {
    let at = event.saturating_sub(1);
    let Some(found) = log.event(at) else { return json!({ "event": event }) };
    let call = found.kind.span().and_then(|span| log.span(span));
    let name = match &found.kind {
        Kind::LaneOpen { name, .. } => Some(name.to_string()),
        _ => call.map(|call| call.callsite.name.to_string()),
    };
    json!({
        "event": event,
        "seq": log.in_recording(at),
        "t_ns": found.time.ns(),
        "program_ns": log.clock().program(found.time).ns(),
        "lane": log.lane(found.lane).map(|lane| &*lane.name),
        "kind": found.kind.word(),
        "name": name,
    })
}
