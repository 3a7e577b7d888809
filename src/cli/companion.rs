//! What the lessons and the sources have to say about a recording, as plain data for formats.
//!
//! A claim is asked at the few cursors at which its answer can change: where calls it speaks of begin and end, and behind
//! the events that decide it in the end. Pages of steps that are not in the recording are left out.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::check;
use crate::format::{Claim, Companion, Excerpt, Listing, Mark, Moment, Outcome, Page, Step};
use crate::lesson::{self, Book, Checked, Evidence, Instant, instants};
use crate::trace::{Chain, Log};
use crate::tui::{Sources, listing};

/// Calls of a step at which a claim about it is asked.
const ASKED_AT: usize = 64;

/// Everything that is told about an excerpt.
pub(super) fn companion(excerpt: &Excerpt<'_>, book: &Book, sources: &dyn Sources, path: &Path) -> Companion {
    let (log, chain) = (excerpt.log(), book.chain());
    let sites: HashSet<_> = excerpt.spans().map(|span| span.callsite).collect();
    let has_run = |at: usize| sites.iter().any(|site| chain.step_of(site) == Some(at));
    let title = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let listings = sites.iter().filter_map(|site| {
        let (file, line) = (site.file.as_deref()?, site.line?);
        let found = listing(sources.source(file)?, line as usize)?;
        let lines =
            found.lines.into_iter().map(|line| line.into_iter().map(|(role, text)| (role.word(), text)).collect());
        let function = (*found.function.start(), *found.function.end());
        Some(Listing { file: file.to_owned(), line, first: found.first, function, lines: lines.collect() })
    });
    let mut listings: Vec<Listing> = listings.collect();
    listings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let mut told = Companion { title, listings, ..Companion::default() };
    if !(0..chain.steps().len()).any(has_run) {
        return told;
    }
    let mut checked = Checked::default();
    for (at, step) in chain.steps().iter().enumerate() {
        let found = book.step_page(at).filter(|_| has_run(at));
        let page = found.map(|found| {
            told.pages.push(page(found, log, &chain, &mut checked));
            told.pages.len() - 1
        });
        let (id, name, target) = (step.id.clone(), step.key.name.clone(), step.key.target.clone());
        told.steps.push(Step { id, name, target, page });
    }
    let marks = chain.landmarks(log);
    let named = [(marks.loop_starts, "loop starts"), (marks.loop_serves, "loop serves")];
    told.marks = named.into_iter().filter_map(|(cursor, word)| Some(Mark { cursor: cursor?, word })).collect();
    told.moments = instants(log, &chain, &marks).map(moment).into();
    told
}

fn moment(instant: Instant) -> Moment {
    Moment { title: instant.title, what: instant.what, cursor: instant.cursor, facts: instant.accepting }
}

fn page(page: &lesson::Page, log: &Log, chain: &Chain, checked: &mut Checked) -> Page {
    let claims = page.claims.iter().enumerate().map(|(at, claim)| Claim {
        number: check::number(page, at),
        says: claim.says.clone(),
        by: claim.by.to_string(),
        predicate: claim.predicate.to_string(),
        expected: check::word(claim.expected()),
        outcomes: outcomes(claim, log, chain, checked),
    });
    Page {
        title: page.title.clone(),
        report: page.report.clone(),
        verdict: page.verdict.map(lesson::Verdict::word),
        truth: page.truth.clone(),
        look: page.look.clone(),
        question: page.question.clone(),
        answer: page.answer.clone(),
        claims: claims.collect(),
        prose: page.prose.clone(),
        upstream: page.call.as_ref().map(|call| (call.upstream_name(), call.link.clone())),
    }
}

/// How a claim comes out, wherever that changes, and at the end of the log.
fn outcomes(claim: &lesson::Claim, log: &Log, chain: &Chain, checked: &mut Checked) -> Vec<Outcome> {
    let end = log.len();
    let mut ask = |cursor: usize| -> Evidence {
        checked.evaluate(&claim.predicate, (log, cursor), chain, &mut usize::MAX.clone())
    };
    let last = ask(end);
    let mut cursors: BTreeSet<usize> = last.events.iter().copied().collect();
    for key in claim.predicate.steps().filter_map(|step| chain.key(step)) {
        for call in log.calls(key, end).first(ASKED_AT) {
            cursors.insert(call.entered + 1);
            cursors.extend(call.closed.map(|at| at + 1));
        }
    }
    cursors.insert(end);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for cursor in cursors {
        let evidence = ask(cursor);
        let word = check::word(evidence.outcome);
        // What the whole recording shows is said in the words of its end.
        if cursor == end
            || outcomes.last().map_or(evidence.outcome != lesson::Outcome::NotRun, |last| last.word != word)
        {
            outcomes.push(Outcome { cursor, word, detail: evidence.detail, events: evidence.events });
        }
    }
    outcomes
}
