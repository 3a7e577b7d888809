//! `spanwalk worksheet`: questions on paper, and on pages of their own the answers, from one and the same run.
//!
//! ```text
//!   a file, or a fresh run ─► Log ─┬─► 1. order of the calls   2. questions   3. stacks, blank   4. true or wrong?
//!                                  └─► answers to each: times, stacks before, during and after, verdicts
//! ```
//!
//! The output is Markdown that reads well as it is: tables, headings that nest, lines to write on. What the questions are
//! is the lessons' business, what the answers are the log's; nothing is drawn at random, so a sheet can be made again.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use anyhow::Context as _;

use super::args::WorksheetArgs;
use super::check::{self, Row};
use super::fresh_run::fresh_run;
use super::input::Input;
use super::{demo, sentences};
use crate::lesson::{Author, Book, Page, instants};
use crate::trace::{Activity, ChainStep, Key, Lane, Log, State, Time};

/// Where a page ends when it is printed.
const PAGE_BREAK: &str = "<div style=\"page-break-before: always\"></div>";
/// A line to write on: a rule where it is rendered.
const LINE: &str = "________________________________________________________________________";
/// Rows of a blank stack beyond those that the run had: their number is not to be the answer.
const SPARE: usize = 2;

/// Writes it.
pub(super) fn run(args: &WorksheetArgs) -> anyhow::Result<()> {
    let book = demo::book(args.walkthrough.as_deref())?;
    if let Some(path) = args.output.as_deref().filter(|path| path.exists() && !args.force) {
        anyhow::bail!("`{}` exists; name another file, or replace it with --force", path.display());
    }
    let (log, source) = match &args.file {
        Some(path) => {
            let mut input = Input::open(path)?;
            let mut log = Log::new();
            input.read(&mut log)?;
            let remark = if input.is_whole(&log) { "" } else { ", of which not everything could be read" };
            (log, format!("the recording `{}`{remark}", path.display()))
        }
        None => (fresh_run(&book)?, "a run of its own".to_owned()),
    };
    let sheet = Sheet::new(&book, &log);
    let mut text = sheet.heading(&source);
    if !args.answers {
        text += &sheet.questions();
    }
    if !args.no_answers {
        if !args.answers {
            write!(text, "\n{PAGE_BREAK}\n\n").expect("writing to a string succeeds");
        }
        text += &sheet.answers();
    }
    match &args.output {
        Some(path) => fs::write(path, text)
            .with_context(|| format!("cannot write `{}`; name another file with -o", path.display()))?,
        None => io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(())
}

/// What is asked, and what the run answers.
struct Sheet<'a> {
    book: &'a Book,
    log: &'a Log,
    claims: Vec<Row<'a>>,
    /// The steps of the start that ran, by their places in the chain, in the order in which they began.
    order: Vec<(usize, usize)>,
}

impl<'a> Sheet<'a> {
    fn new(book: &'a Book, log: &'a Log) -> Self {
        let chain = book.chain();
        let end = chain.landmarks(log).loop_serves.unwrap_or(log.len());
        let first =
            |(at, step): (usize, &ChainStep)| Some((log.calls(&step.key, log.len()).first(1).first()?.entered, at));
        let mut order: Vec<(usize, usize)> = chain.steps().iter().enumerate().filter_map(first).collect();
        order.retain(|(event, _)| *event < end);
        order.sort_unstable();
        let mut claims = check::rows(book, log, log.len());
        claims.retain(|row| row.claim.by == Author::Report);
        Self { book, log, claims, order }
    }

    fn heading(&self, source: &str) -> String {
        let (log, end) = (self.log, self.log.clock().program(self.log.time_at(self.log.len())));
        format!(
            "# Worksheet: the call chain of a server\n\nName: {} Date: {}\n\nMade by spanwalk {} from {source}: {} events, \
             {} calls in {} lanes, {end} of the program's time.\n\n",
            &LINE[..36],
            &LINE[..16],
            env!("CARGO_PKG_VERSION"),
            log.len(),
            log.span_count(),
            log.lanes().len(),
        )
    }

    fn questions(&self) -> String {
        [self.order_asked(), self.questions_asked(), self.stacks(false), self.claims_asked()].join("\n")
    }

    fn answers(&self) -> String {
        let parts = [self.order_told(), self.questions_told(), self.stacks(true), self.claims_told()];
        format!("## Answers\n\n{}", parts.join("\n"))
    }

    fn step(&self, at: usize) -> &str {
        let page = self.book.step_page(at).and_then(|page| page.call.as_ref());
        page.map_or("", |call| &call.step)
    }

    /// The calls of the start in the order of the alphabet, to be numbered.
    fn order_asked(&self) -> String {
        let mut text =
            "## 1. In which order?\n\nNumber the calls in the order in which they begin, and say in which lane \
                        each runs: main, hub or worker.\n\n| number | call | file of the original | lane |\n\
                        |:------:|------|----------------------|------|\n"
                .to_owned();
        let mut steps: Vec<usize> = self.order.iter().map(|(_, at)| *at).collect();
        steps.sort_by_key(|at| self.step(*at));
        for at in steps {
            let call = self.book.step_page(at).and_then(|page| page.call.as_ref());
            let file = call.map_or("", |call| &call.upstream_file);
            line(&mut text, format!("|  | {} | {} |  |", cell(self.step(at)), code(file)));
        }
        text
    }

    fn order_told(&self) -> String {
        let mut text = "### 1. The order\n\nCalls of two threads that nothing orders may begin the other way round in \
                        another run.\n\n| number | call | lane | begins at | inside |\n|:------:|------|------|----------:|\
                        --------|\n"
            .to_owned();
        for (number, (event, at)) in self.order.iter().enumerate() {
            let Some(found) = self.log.event(*event) else { continue };
            let span = found.kind.span();
            let parent = span.and_then(|span| self.log.span(span)?.parent);
            let inside = parent.map_or_else(String::new, |parent| sentences::name(self.log, parent));
            let lane = sentences::lane(self.log, found.lane);
            let when = sentences::when(self.log, &found);
            let cells = [cell(self.step(*at)), cell(lane), when.to_string(), cell(&inside)];
            line(&mut text, format!("| {} | {} |", number + 1, cells.join(" | ")));
        }
        text
    }

    fn questions_asked(&self) -> String {
        let mut text = "## 2. Questions\n".to_owned();
        for page in self.book.pages() {
            let Some(question) = &page.question else { continue };
            line(&mut text, format!("\n### {}", self.title(page)));
            if let Some(call) = &page.call {
                line(&mut text, format!("\n`{}` in `{}`; here `{}`.", call.upstream, call.upstream_file, call.source));
            }
            line(&mut text, format!("\n{}\n\n{LINE}\n\n{LINE}", escaped(question)));
        }
        text
    }

    fn questions_told(&self) -> String {
        let mut text = "### 2. Questions\n".to_owned();
        for page in self.book.pages() {
            let (Some(_), Some(answer)) = (&page.question, &page.answer) else { continue };
            line(&mut text, format!("\n#### {}\n\n{}", self.title(page), escaped(answer)));
            if let Some(call) = &page.call {
                line(&mut text, format!("\n{}", self.in_this_run(&call.key)));
            }
        }
        text
    }

    fn title(&self, page: &Page) -> String {
        match &page.call {
            Some(call) => format!("{} · {}: {}", page.number(), escaped(&call.step), escaped(&page.title)),
            None => format!("{} · {}", page.number(), escaped(&page.title)),
        }
    }

    /// When a call was made in the run, by whom, and how long it took.
    fn in_this_run(&self, key: &Key) -> String {
        let calls = self.log.calls(key, self.log.len());
        let Some(first) = calls.first(1).into_iter().next() else { return "In this run: not called.".to_owned() };
        let clock = self.log.clock();
        let at = |event: usize| self.log.event(event).map(|event| clock.program(event.time));
        let begun = at(first.entered).unwrap_or_default();
        let took = match first.closed.and_then(at) {
            Some(end) => format!("took {}", Time(end.since(begun))),
            None => "was still under way at the end".to_owned(),
        };
        let lane = escaped(sentences::lane(self.log, first.lane));
        let often = match calls.len() {
            1 => String::new(),
            count => format!(", the first of {count} calls"),
        };
        format!("In this run: began at {begun} in lane {lane} and {took}{often}.")
    }

    /// The stacks at the three instants, as tables with a column for each lane: blank, or as they were.
    fn stacks(&self, is_told: bool) -> String {
        let chain = self.book.chain();
        let marks = chain.landmarks(self.log);
        let mut text = if is_told {
            "### 3. Stacks\n".to_owned()
        } else {
            "## 3. Stacks to fill in\n\nFor each lane: what it does (running, waiting for what, polling, idle, not there \
             yet), and its calls, the innermost at the top.\n"
                .to_owned()
        };
        for instant in instants(self.log, &chain, &marks) {
            let level = if is_told { "####" } else { "###" };
            let title = format!("{}{}", instant.title[..1].to_uppercase(), &instant.title[1..]);
            line(&mut text, format!("\n{level} {title}: {}\n", instant.what));
            let cursor = match instant.cursor {
                Ok(cursor) => cursor,
                Err(why) => {
                    line(&mut text, format!("Nothing to fill in: {why}."));
                    continue;
                }
            };
            if is_told {
                let now = self.log.clock().program(self.log.time_at(cursor));
                line(&mut text, format!("At {now}, after event {cursor}.\n"));
            }
            let state = self.log.state_at(cursor);
            text += &stack_table(&state, is_told);
            if is_told {
                line(&mut text, format!("\nWho accepts clients? {}.", escaped(&instant.accepting.join("; "))));
            } else {
                line(&mut text, format!("\nWho accepts clients now?\n\n{LINE}"));
            }
        }
        text
    }

    fn claims_asked(&self) -> String {
        let mut text = "## 4. True or wrong?\n\nWhat a report says about this chain. Write T or W, and what in the run shows \
                        it.\n\n| no. | the report says | T or W | because |\n|-----|-----------------|:------:|---------|\n"
            .to_owned();
        for row in &self.claims {
            line(&mut text, format!("| {} | {} |  |  |", cell(&row.number), cell(&row.claim.says)));
        }
        text
    }

    fn claims_told(&self) -> String {
        let mut text = "### 4. True or wrong?\n\n| no. | the report says | verdict | in this run | decided by |\n\
                        |-----|-----------------|---------|-------------|------------|\n"
            .to_owned();
        for row in &self.claims {
            let verdict = row.claim.verdict.word();
            let run = check::word(row.evidence.outcome);
            let cells = [&row.number, &row.claim.says, verdict, run, &row.evidence.detail].map(cell);
            line(&mut text, format!("| {} |", cells.join(" | ")));
        }
        text
    }
}

/// The lanes of a state as columns. Blank, there is a column for each lane that the course knows, whether it is there or not.
fn stack_table(state: &State, is_told: bool) -> String {
    let lanes: Vec<&Lane> =
        state.lanes().iter().map(|lane| &**lane).filter(|lane| state.activity(lane) != Activity::Done).collect();
    let deepest = lanes.iter().map(|lane| lane.frames().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut row = |first: &str, cells: Vec<String>| line(&mut text, format!("| {first} | {} |", cells.join(" | ")));
    if !is_told {
        let blank = || vec![String::new(); 3];
        row("lane", ["main", "hub", "worker"].map(str::to_owned).into());
        row("---", vec!["---".to_owned(); 3]);
        row("does", blank());
        row("innermost call", blank());
        for _ in 1..deepest + SPARE {
            row("", blank());
        }
        return text;
    }
    row("lane", lanes.iter().map(|lane| cell(&lane.name)).collect());
    row("---", vec!["---".to_owned(); lanes.len()]);
    row("does", lanes.iter().map(|lane| cell(&sentences::doing(state, lane))).collect());
    for at in 0..deepest {
        let frame =
            |lane: &&Lane| lane.frames().rev().nth(at).map_or_else(String::new, |frame| cell(&frame.callsite.name));
        row(if at == 0 { "innermost call" } else { "" }, lanes.iter().map(frame).collect());
    }
    text
}

fn line(text: &mut String, line: impl AsRef<str>) {
    text.push_str(line.as_ref());
    text.push('\n');
}

/// A text as the cell of a table.
fn cell(text: &(impl AsRef<str> + ?Sized)) -> String {
    escaped(text.as_ref()).replace('|', "\\|").replace('\n', " ")
}

/// A name of a file, as it is.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A text without the signs that Markdown would take for its own.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        // Within a word an underscore is one.
        let is_within = c == '_' && at > 0 && text[..at].ends_with(char::is_alphanumeric);
        if matches!(c, '*' | '<' | '>' | '`' | '[' | ']' | '\\') || (c == '_' && !is_within) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
