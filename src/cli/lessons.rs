//! The walkthrough as the screens want it.

use crate::lesson::{self, Book};
use crate::trace::{Chain, Log};
use crate::tui;

/// The cards and pages of a book.
pub(super) struct Lessons<'a> {
    book: &'a Book,
    chain: Chain,
    cards: Vec<tui::Card>,
    pages: Vec<tui::Page>,
}

impl<'a> Lessons<'a> {
    pub(super) fn new(book: &'a Book) -> Self {
        let chain = book.chain();
        let cards = (0..chain.steps().len()).filter_map(|step| book.step_page(step)).filter_map(card).collect();
        let page = |page: &lesson::Page| tui::Page { title: page.title.clone(), body: page.prose.clone() };
        Self { book, chain, cards, pages: book.other_pages().map(page).collect() }
    }
}

fn card(page: &lesson::Page) -> Option<tui::Card> {
    let call = page.call.as_ref()?;
    Some(tui::Card {
        step: call.step.clone(),
        title: page.title.clone(),
        lane: call.lane.clone(),
        report: page.report.clone(),
        verdict: match page.verdict {
            Some(lesson::Verdict::True) => tui::Verdict::True,
            Some(lesson::Verdict::Imprecise) => tui::Verdict::Imprecise,
            Some(lesson::Verdict::Wrong) => tui::Verdict::Wrong,
            Some(lesson::Verdict::Missing) => tui::Verdict::Missing,
            Some(lesson::Verdict::Empty) | None => tui::Verdict::Empty,
        },
        truth: page.truth.clone().unwrap_or_default(),
        look: page.look.clone().unwrap_or_default(),
        question: page.question.clone().unwrap_or_default(),
        answer: page.answer.clone().unwrap_or_default(),
        body: page.prose.clone(),
        upstream: format!("{} · {}", call.upstream_file, call.upstream),
        link: call.link.clone(),
    })
}

impl tui::Lessons for Lessons<'_> {
    fn card(&self, step: usize) -> Option<&tui::Card> {
        self.cards.get(step)
    }

    fn pages(&self) -> &[tui::Page] {
        &self.pages
    }

    fn evidence(&self, step: usize, log: &Log, cursor: usize) -> Vec<tui::Evidence> {
        let claims = self.book.step_page(step).into_iter().flat_map(|page| &page.claims);
        claims
            .map(|claim| {
                let found = lesson::evaluate(&claim.predicate, log, &self.chain, cursor);
                tui::Evidence {
                    claim: claim.says.clone(),
                    outcome: match found.outcome {
                        lesson::Outcome::Holds => tui::Outcome::Holds,
                        lesson::Outcome::Contradicted => tui::Outcome::Contradicted,
                        lesson::Outcome::NotRun => tui::Outcome::NotRun,
                    },
                    detail: found.detail,
                }
            })
            .collect()
    }
}
