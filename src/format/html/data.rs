//! An excerpt and its companion as JSON, packed: words by number, times as differences, an array per event.
//!
//! ```text
//!   words   ["spawn", "spanwalk::server::threadpool", …]
//!   lanes   [[name, 0 on a thread, 1 a task, 2 async calls], …]      threads [word, …]
//!   sites   [[word, word of the target, word of the file, line], …]
//!   events  [[kind, Δt ns, thread, lane, …], …]
//!           0 lane_open  1 lane_close      2 open span parent site fields    3 enter span    4 exit span    5 close span
//!           6 record span fields           7 note span site fields           8 switch to reason   9 wake to reason
//!           10 hold span edge is_shown     11 release span edge              12 dropped count
//!           13 takes span blocks           14 gives span: a call that is not in the excerpt takes a thread from one that is
//!   fields  [name, value, …]: a text is a text, anything else its text in an array
//!   gaps    [[i, seq], …]: from event i on the log's own numbers are seq, seq + 1, …
//! ```

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::markdown::markup;
use crate::format::{Clock, Companion, Excerpt, Page};
use crate::trace::{Callsite, Edge, Event, Field, Kind, LaneId, LaneKind, SpanId, Thread, ThreadId, Time, Value};

/// Letters of a value that are kept.
const LONGEST: usize = 2_000;

/// Writes it, so that it cannot end the element that it is in.
pub(super) fn write(excerpt: &Excerpt<'_>, companion: &Companion, out: &mut dyn Write) -> io::Result<()> {
    let mut packer = Packer::new(excerpt);
    excerpt.so_far().for_each(|event| packer.see(&event));
    let (from, until) = excerpt.bounds();
    let mut data = json!({
        "title": companion.title,
        "clock": if excerpt.clock() == Clock::Wall { "wall" } else { "program" },
        "from": from.ns(),
        "until": until.ns(),
        "dropped": excerpt.log().dropped(),
        "whole": excerpt.log().len(),
        "threads": packer.threads,
        "lanes": packer.lanes,
        "sites": packer.sites,
        "words": packer.words.list,
        "gaps": packer.gaps,
        "holds": excerpt.holds().map(|(begin, end)| json!([begin.ns(), end.ns()])).collect::<Vec<_>>(),
    });
    told(&mut data, companion);
    // The events last, an event a line: a page that is looked at as text can be read, and compared.
    let head = safe(&data.to_string());
    write!(out, "{},\"events\":[", head.strip_suffix('}').unwrap_or(&head))?;
    out.write_all(packer.events.as_bytes())?;
    write!(out, "]}}")
}

/// JSON in which nothing looks like markup.
fn safe(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn told(data: &mut Json, companion: &Companion) {
    let outcome =
        |outcome: &crate::format::Outcome| json!([outcome.cursor, outcome.word, outcome.detail, outcome.events]);
    let page = |page: &Page| {
        let claims = page.claims.iter().map(|claim| {
            let outcomes: Vec<Json> = claim.outcomes.iter().map(outcome).collect();
            json!({
                "number": claim.number, "says": claim.says, "by": claim.by, "asked": claim.predicate,
                "expected": claim.expected, "outcomes": outcomes,
            })
        });
        json!({
            "title": page.title,
            "report": page.report,
            "verdict": page.verdict,
            "truth": page.truth.as_deref().map(markup),
            "look": page.look,
            "question": page.question,
            "answer": page.answer,
            "claims": claims.collect::<Vec<_>>(),
            "prose": markup(&page.prose),
            "upstream": page.upstream,
        })
    };
    let listing = |listing: &crate::format::Listing| {
        let line = |pieces: &Vec<(&'static str, String)>| -> Vec<Json> {
            pieces.iter().flat_map(|(what, text)| [json!(what), json!(text)]).collect()
        };
        json!({
            "file": listing.file, "line": listing.line, "first": listing.first, "function": listing.function,
            "lines": listing.lines.iter().map(line).collect::<Vec<_>>(),
        })
    };
    let steps = companion.steps.iter().map(|step| json!([step.id, step.name, step.target, step.page]));
    data["steps"] = steps.collect();
    data["pages"] = companion.pages.iter().map(page).collect();
    data["marks"] = companion.marks.iter().map(|mark| json!([mark.cursor, mark.word])).collect();
    let moment = |moment: &crate::format::Moment| {
        let (cursor, why) = (moment.cursor.ok(), moment.cursor.err());
        json!({ "title": moment.title, "what": moment.what, "cursor": cursor, "why": why, "facts": moment.facts })
    };
    data["moments"] = companion.moments.iter().map(moment).collect();
    data["listings"] = companion.listings.iter().map(listing).collect();
}

/// Words by number.
#[derive(Default)]
struct Words {
    list: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        self.list.push(word.to_owned());
        self.numbers.insert(word.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

struct Packer<'a> {
    excerpt: &'a Excerpt<'a>,
    words: Words,
    threads: Vec<usize>,
    thread_numbers: HashMap<ThreadId, usize>,
    lanes: Vec<Json>,
    lane_numbers: HashMap<LaneId, usize>,
    sites: Vec<Json>,
    site_numbers: HashMap<Arc<Callsite>, usize>,
    gaps: Vec<(usize, u64)>,
    /// The events, as they stand in the page: as values each would take many times as much.
    events: String,
    count: usize,
    next: u64,
    time: Time,
    /// Per thread the calls that are entered, outermost first.
    entered: HashMap<ThreadId, Vec<Entered>>,
}

/// A call on a thread.
struct Entered {
    span: SpanId,
    is_in: bool,
    /// The page is told of it.
    is_told: bool,
    /// Its lane, if that is in, and what it blocks its thread with.
    who: (Option<LaneId>, Option<String>),
}

impl<'a> Packer<'a> {
    fn new(excerpt: &'a Excerpt<'a>) -> Self {
        Self {
            excerpt,
            words: Words::default(),
            threads: Vec::new(),
            thread_numbers: HashMap::new(),
            lanes: Vec::new(),
            lane_numbers: HashMap::new(),
            sites: Vec::new(),
            site_numbers: HashMap::new(),
            gaps: Vec::new(),
            events: String::new(),
            count: 0,
            next: 0,
            time: Time(0),
            entered: HashMap::new(),
        }
    }

    /// Tells the page of an event, if it is to know of it: those of the excerpt; and of others only where they take a thread
    /// from a call that is in, so that nobody is said to run who does not.
    fn see(&mut self, event: &Event) {
        let is_in = self.excerpt.has_line(event);
        let thread = event.thread.id;
        match event.kind {
            Kind::Enter { span } => {
                let log = self.excerpt.log();
                let blocks = || Some(log.recorded(span, "blocks", log.len())?.1.as_str()?.to_owned());
                let lane = Some(event.lane).filter(|lane| self.excerpt.has_lane(*lane));
                let who = if is_in { (lane, None) } else { (lane, blocks()) };
                let stack = self.entered.entry(thread).or_default();
                let takes = stack.iter().rfind(|entered| entered.is_told).is_some_and(|top| top.who != who);
                let is_told = is_in || (takes && stack.iter().any(|entered| entered.is_in));
                let stranger = (!is_in).then(|| (TAKES, who.1.clone()));
                stack.push(Entered { span, is_in, is_told, who });
                if is_told {
                    self.event(event, stranger);
                }
            }
            Kind::Exit { span } => {
                let stack = self.entered.entry(thread).or_default();
                let at = stack.iter().rposition(|entered| entered.span == span);
                let was = at.map(|at| stack.remove(at));
                if was.map_or(is_in, |entered| entered.is_told) {
                    self.event(event, (!is_in).then_some((GIVES, None)));
                }
            }
            _ if is_in => self.event(event, None),
            _ => {}
        }
    }

    /// Tells of an event; of what a call does that is not in the excerpt with another code, and what it blocks its thread with.
    fn event(&mut self, event: &Event, stranger: Option<(u8, Option<String>)>) {
        if event.seq.0 != self.next {
            self.gaps.push((self.count, event.seq.0));
        }
        let comma = if self.count > 0 { "," } else { "" };
        (self.count, self.next) = (self.count + 1, event.seq.0 + 1);
        let time = self.excerpt.time(event.time);
        // A late event keeps its own time.
        let later = time.ns() as i64 - self.time.ns() as i64;
        self.time = time;
        let (code, blocks) = stranger.unwrap_or_else(|| (code(&event.kind), None));
        let (thread, lane) = (self.thread(&event.thread), self.lane(event.lane));
        let mut out = std::mem::take(&mut self.events);
        out += &format!("{comma}\n[{code},{later},{thread}");
        put(&mut out, lane);
        match &event.kind {
            Kind::LaneOpen { .. } | Kind::LaneClose => {}
            Kind::Open { span, parent, callsite, fields } => {
                let parent = parent.and_then(|parent| self.excerpt.nearest(parent));
                put(&mut out, Some(span.0));
                put(&mut out, parent.map(|parent| parent.0));
                put(&mut out, Some(self.site(callsite)));
                self.fields(&mut out, fields);
            }
            Kind::Enter { span } | Kind::Exit { span } | Kind::Close { span } => put(&mut out, Some(span.0)),
            Kind::Record { span, fields } => {
                put(&mut out, Some(span.0));
                self.fields(&mut out, fields);
            }
            Kind::Note { span, callsite, fields } => {
                let span = span.and_then(|span| self.excerpt.nearest(span));
                put(&mut out, span.map(|span| span.0));
                put(&mut out, Some(self.site(callsite)));
                self.fields(&mut out, fields);
            }
            Kind::Switch { to, reason } | Kind::Wake { to, reason } => {
                let reason = reason.as_deref().map(|reason| self.words.number(reason));
                put(&mut out, self.lane(*to));
                put(&mut out, reason);
            }
            Kind::Hold { span, edge, is_shown } => {
                put(&mut out, Some(span.0));
                put(&mut out, Some(edge_code(*edge)));
                put(&mut out, Some(u8::from(*is_shown)));
            }
            Kind::Release { span, edge } => {
                put(&mut out, Some(span.0));
                put(&mut out, Some(edge_code(*edge)));
            }
            Kind::Dropped { count } => put(&mut out, Some(count)),
        }
        if let Some(blocks) = blocks {
            out.push(',');
            put_text(&mut out, &blocks);
        }
        out.push(']');
        self.events = out;
    }

    fn thread(&mut self, thread: &Thread) -> usize {
        if let Some(number) = self.thread_numbers.get(&thread.id) {
            return *number;
        }
        self.threads.push(self.words.number(&thread.name));
        self.thread_numbers.insert(thread.id, self.threads.len() - 1);
        self.threads.len() - 1
    }

    /// `null` where a lane is not known: of what was not recorded.
    fn lane(&mut self, lane: LaneId) -> Option<usize> {
        if let Some(number) = self.lane_numbers.get(&lane) {
            return Some(*number);
        }
        let record = self.excerpt.log().lane(lane).filter(|_| self.excerpt.has_lane(lane))?;
        self.lanes.push(json!([&*record.name, lane_code(record.kind)]));
        self.lane_numbers.insert(lane, self.lanes.len() - 1);
        Some(self.lanes.len() - 1)
    }

    fn site(&mut self, callsite: &Arc<Callsite>) -> usize {
        if let Some(number) = self.site_numbers.get(callsite) {
            return *number;
        }
        let words = [Some(&*callsite.name), Some(&*callsite.target), callsite.file.as_deref()];
        let [name, target, file] = words.map(|word| word.map(|word| self.words.number(word)));
        self.sites.push(json!([name, target, file, callsite.line]));
        self.site_numbers.insert(callsite.clone(), self.sites.len() - 1);
        self.sites.len() - 1
    }

    fn fields(&mut self, out: &mut String, fields: &[Field]) {
        out.push_str(",[");
        for (at, field) in fields.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            *out += &format!("{comma}{},", self.words.number(&field.name));
            match &field.value {
                Value::Str(text) => put_text(out, &short(text)),
                value => {
                    out.push('[');
                    put_text(out, &value.to_string());
                    out.push(']');
                }
            }
        }
        out.push(']');
    }
}

/// A number more, or `null`.
fn put(out: &mut String, number: Option<impl Display>) {
    match number {
        Some(number) => *out += &format!(",{number}"),
        None => out.push_str(",null"),
    }
}

fn put_text(out: &mut String, text: &str) {
    *out += &safe(&Json::from(text).to_string());
}

/// Codes of what is done by calls that are not in the excerpt.
const TAKES: u8 = 13;
const GIVES: u8 = 14;

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} letters more)", &text[..end], text[end..].chars().count()),
    }
}

fn lane_code(kind: LaneKind) -> u8 {
    match kind {
        LaneKind::Thread => 0,
        LaneKind::Task => 1,
        LaneKind::Async => 2,
    }
}

fn edge_code(edge: Edge) -> u8 {
    u8::from(edge == Edge::Exit)
}

fn code(kind: &Kind) -> u8 {
    match kind {
        Kind::LaneOpen { .. } => 0,
        Kind::LaneClose => 1,
        Kind::Open { .. } => 2,
        Kind::Enter { .. } => 3,
        Kind::Exit { .. } => 4,
        Kind::Close { .. } => 5,
        Kind::Record { .. } => 6,
        Kind::Note { .. } => 7,
        Kind::Switch { .. } => 8,
        Kind::Wake { .. } => 9,
        Kind::Hold { .. } => 10,
        Kind::Release { .. } => 11,
        Kind::Dropped { .. } => 12,
    }
}
