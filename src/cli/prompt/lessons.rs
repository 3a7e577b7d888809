//! What the lessons say, and how their claims stand.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::places::verdict_text;
use super::typed::{of_letter, told};
use super::words::ended;
use super::{Answer, Lines, Prompt};
use crate::cli::{check, sentences};
use crate::lesson::{Author, Evidence, Outcome, Page, evaluate};

impl Prompt<'_> {
    /// The place of a page: of the one that is named, else of the step we are in, else of the first there is.
    fn page_at(&self, text: &str) -> Result<usize, String> {
        let pages = self.book.pages();
        let of_step = |step: usize| {
            let page = self.book.step_page(step)?;
            pages.iter().position(|other| other.file == page.file)
        };
        if text.is_empty() {
            return Ok(self.step_here().and_then(of_step).unwrap_or(0));
        }
        if let Some(at) = pages.iter().position(|page| page.number() == text || page.file == text) {
            return Ok(at);
        }
        let step = self.step_called(text)?;
        of_step(step).ok_or_else(|| format!("nothing is written about `{text}`"))
    }

    pub(super) fn lesson(&mut self, text: &str) -> Answer {
        let at = self.page_at(text)?;
        (self.page, self.is_page_here) = (Some(at), true);
        let page = &self.book.pages()[at];
        let mut lines = vec![heading(page)];
        if let Some(report) = &page.report {
            lines.push(format!("The report says: {}", ended(report.trim().trim_matches(['"', '“', '”']))));
        }
        if let Some(verdict) = page.verdict {
            lines.push(format!("{}.", verdict_text(verdict)));
        }
        lines.extend(page.truth.as_ref().map(|truth| format!("What happens: {}", ended(&plain(truth).join(" ")))));
        for (at, (claim, evidence)) in page.claims.iter().zip(self.evidence(page)).enumerate() {
            lines.push(format!("Claim {}: {}. {}.", check::number(page, at), claim.says, in_this_run(&evidence)));
        }
        lines.extend(page.look.as_ref().map(|look| format!("Look at: {}", ended(look))));
        if let Some(question) = &page.question {
            lines.push(format!("Question: {} answer tells.", ended(question)));
        }
        lines.push("page reads the whole text.".to_owned());
        Ok(lines)
    }

    fn evidence(&self, page: &Page) -> Vec<Evidence> {
        let weigh = |claim: &crate::lesson::Claim| evaluate(&claim.predicate, &self.log, &self.chain, self.cursor());
        page.claims.iter().map(weigh).collect()
    }

    pub(super) fn page_text(&mut self, text: &str) -> Answer {
        // Of the lesson that was read here, and not only of the one we are in.
        let read = self.page.filter(|_| text.is_empty() && self.is_page_here);
        let at = read.map_or_else(|| self.page_at(text), Ok)?;
        (self.page, self.is_page_here) = (Some(at), true);
        let page = &self.book.pages()[at];
        let mut lines = vec![heading(page)];
        lines.extend(plain(&told(&page.prose)));
        if let Some(call) = &page.call {
            lines.push(format!("In Python: {}. {}", call.upstream_name().replace(" · ", ", "), call.link));
        }
        Ok(lines)
    }

    pub(super) fn lesson_answer(&mut self) -> Answer {
        let at = self.page.map_or_else(|| self.page_at(""), Ok)?;
        let page = &self.book.pages()[at];
        match (&page.question, &page.answer) {
            (Some(question), Some(answer)) => {
                Ok(vec![format!("Question: {}", ended(question)), format!("Answer: {}", ended(answer))])
            }
            _ => Err(format!("the lesson {} asks nothing", page.title)),
        }
    }

    /// Why a claim stands as it does: `14.2`, or `2` of the lesson that was read last.
    pub(super) fn why(&mut self, text: &str) -> Answer {
        if text.is_empty() {
            return Err("say which claim, such as why 14.2; lesson numbers them".to_owned());
        }
        let number = match text.contains('.') {
            true => text.to_owned(),
            false => {
                let at = self.page.map_or_else(|| self.page_at(""), Ok)?;
                format!("{}.{text}", self.book.pages()[at].number())
            }
        };
        let all =
            self.book.pages().iter().flat_map(|page| page.claims.iter().enumerate().map(move |claim| (page, claim)));
        let found = all.into_iter().find(|(page, (at, _))| check::number(page, *at) == number);
        let (page, (_, claim)) = found.ok_or_else(|| format!("there is no claim `{number}`; lesson numbers them"))?;
        let evidence = evaluate(&claim.predicate, &self.log, &self.chain, self.cursor());
        let by = if claim.by == Author::Report { "The report" } else { "The lesson" };
        let mut lines = vec![
            format!("Claim {number}, of {}. {by} says: {}.", page.title, claim.says),
            format!("Its page calls this {}. As a question to a run: {}.", claim.verdict, claim.predicate),
            format!("{}: {}.", in_this_run(&evidence), evidence.detail),
        ];
        if evidence.outcome != Outcome::NotRun && evidence.outcome != claim.expected() {
            lines.push("That is not as its page says.".to_owned());
        }
        for at in &evidence.events {
            let Some(event) = at.checked_sub(1).and_then(|at| self.log.event(at)) else { continue };
            let when = sentences::when(&self.log, &event);
            lines.push(format!(
                "Event {at}, at {when}: {}. goto @{at} looks at it.",
                sentences::event(&self.log, &event)
            ));
        }
        Ok(lines)
    }

    pub(super) fn claims(&mut self, text: &str) -> Answer {
        if !matches!(text, "" | "all") {
            return Err(format!("`{text}` is not `all`"));
        }
        let rows = check::rows(self.book, &self.log, self.cursor());
        let count = |is: Option<bool>| rows.iter().filter(|row| row.is_as_said() == is).count();
        let (so, otherwise, open) = (count(Some(true)), count(Some(false)), count(None));
        let mut lines =
            vec![format!("{so} claims are as their pages say, {open} have not run, {otherwise} are otherwise.")];
        let is_told = |row: &&check::Row<'_>| text == "all" || row.evidence.outcome == Outcome::Contradicted;
        lines.extend(rows.iter().filter(is_told).map(|row| {
            let otherwise = if row.is_as_said() == Some(false) { " That is not as its page says." } else { "" };
            let how = match row.evidence.outcome {
                Outcome::Holds => "Holds so far",
                Outcome::Contradicted => "Contradicted",
                Outcome::NotRun => "Not run",
            };
            format!("{how}, {}: {}.{otherwise}", row.number, row.claim.says)
        }));
        lines.push("why and a number tells what decides it, claims all says it of each.".to_owned());
        Ok(lines)
    }

    pub(super) fn steps(&mut self) -> Lines {
        let (here, cursor) = (self.step_here(), self.cursor());
        let line = |(at, step): (usize, &crate::trace::ChainStep)| {
            let lane = self.book.step_page(at).and_then(|page| page.call.as_ref()).map_or("", |call| &call.lane);
            let has_run = self.log.first_enter(&step.key).is_some_and(|first| first <= cursor);
            let seen = if has_run { "has run" } else { "has not run" };
            let mark = if here == Some(at) { ", we are here" } else { "" };
            format!("{}. {}, lane {lane}: {seen}{mark}.", at + 1, step.id)
        };
        self.chain.steps().iter().enumerate().map(line).collect()
    }
}

fn heading(page: &Page) -> String {
    match &page.call {
        Some(call) => format!("Lesson {}, {}: {}.", page.number(), call.step, page.title),
        None => format!("Lesson {}: {}.", page.number(), page.title),
    }
}

fn in_this_run(evidence: &Evidence) -> &'static str {
    match evidence.outcome {
        Outcome::Holds => "Holds in this run so far",
        Outcome::Contradicted => "Not so in this run",
        Outcome::NotRun => "Not decided yet",
    }
}

/// Markdown as lines: a paragraph, an item or a row each; the text of a link without its target.
fn plain(markdown: &str) -> Lines {
    let mut lines = Lines::new();
    let mut line = String::new();
    let mut end = |line: &mut String| {
        let text = std::mem::take(line);
        if !text.trim().is_empty() {
            lines.push(text.trim().to_owned());
        }
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Code(text) => match of_letter(&text) {
                Some(typed) => line.push_str(&format!("\"{typed}\"")),
                None => line.push_str(&text),
            },
            // What stands in a block of its own does so line by line.
            Event::Text(text) => {
                for (at, part) in text.trim_end_matches('\n').split('\n').enumerate() {
                    if at > 0 {
                        end(&mut line);
                    }
                    line.push_str(part);
                }
            }
            Event::SoftBreak | Event::HardBreak => line.push(' '),
            Event::Start(Tag::Item) => line.push_str("- "),
            Event::End(TagEnd::TableCell) => line.push_str("; "),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Item
                | TagEnd::Heading(_)
                | TagEnd::CodeBlock
                | TagEnd::TableRow
                | TagEnd::TableHead,
            ) => end(&mut line),
            _ => {}
        }
    }
    end(&mut line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_a_line_for_each_paragraph_item_and_row() {
        let text = "One [link](http://x) and\n`code_x`.\n\n- first\n- second\n\n```sh\na 1\nb 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        assert_eq!(plain(text), ["One link and code_x.", "- first", "- second", "a 1", "b 2", "a; b;", "1; 2;"]);
    }
}
