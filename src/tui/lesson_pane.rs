//! The lesson of a step: what the report says, whether that is right, what this run shows, what to look at.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::layout::Pane;
use super::page;
use super::text::{ends, wrap, wrap_plain};
use super::theme::{Role, Theme};
use super::ui::Ui;
use crate::lesson::{Evidence, Outcome, Page, Verdict};

/// The pane's title and its lines, wrapped to a width.
pub(super) fn lines(ui: &Ui, columns: usize) -> (String, Vec<Line<'static>>) {
    let book = ui.material.book;
    let theme = &ui.theme;
    if let Some(page) = ui.page.and_then(|at| book.other_pages().nth(at)) {
        return (page.title.clone(), page::lines(&page.prose, theme, &ui.keys, columns));
    }
    let steps = ui.material.chain.steps();
    let Some((at, step)) = ui.known.shown_step.and_then(|at| Some((at, steps.get(at)?))) else {
        let call = ui.selected_span().and_then(|span| ui.log.span(span)).map(|record| record.callsite);
        let text = match (call, book.other_pages().next()) {
            (Some(call), _) => format!(
                "{} in {} is not a step of the documented chain. {} lists the steps.",
                call.name,
                call.file_name(),
                ui.keys.shown("steps")
            ),
            (None, Some(page)) => return (page.title.clone(), page::lines(&page.prose, theme, &ui.keys, columns)),
            (None, None) => "No documented step has run yet.".into(),
        };
        return ("Lesson".into(), wrap_plain(&text, theme.style(Role::Dim), columns, ""));
    };
    let stops = format!(" {}", ui.breaks.mark_of_step(step).char());
    let title = format!("{} · {}{}", at + 1, step.id, stops.trim_end());
    match book.step_page(at) {
        Some(page) => {
            let rows = ui.layout().pane(Pane::Lesson).map_or(0, |area| usize::from(area.height.saturating_sub(2)));
            // Blank lines between the parts, unless the question has to give way for them.
            let (lines, asked) = step_lines(page, ui, columns, true);
            (title, if asked <= rows { lines } else { step_lines(page, ui, columns, false).0 })
        }
        None => (title, wrap_plain("Nothing is written about this step.", theme.style(Role::Dim), columns, "")),
    }
}

/// A verdict as shape and word.
pub(super) fn badge(page: &Page) -> (&'static str, Role) {
    match page.verdict {
        Some(Verdict::True) => ("✓ TRUE", Role::Good),
        Some(Verdict::Imprecise) => ("≈ IMPRECISE", Role::Doubt),
        Some(Verdict::Wrong) => ("✗ WRONG", Role::Bad),
        Some(Verdict::Missing) => ("+ MISSING", Role::New),
        // The report has the place and nothing in it.
        Some(Verdict::Empty) => ("○ EMPTY", Role::New),
        None => ("", Role::Dim),
    }
}

/// The lines, and how many of them there are down to the question.
fn step_lines(page: &Page, ui: &Ui, columns: usize, is_roomy: bool) -> (Vec<Line<'static>>, usize) {
    let (theme, evidence) = (&ui.theme, &ui.known.evidence);
    let mut lines = wrap_plain(&page.title, theme.style(Role::Heading), columns, "");
    let (plain, dim) = (theme.style(Role::Plain), theme.style(Role::Dim));
    let apart = |lines: &mut Vec<Line<'static>>| lines.extend(is_roomy.then(Line::default));
    if page.verdict.is_some() {
        let (badge, role) = badge(page);
        let says = if page.report.is_some() { "The report says" } else { "The report leaves this out" };
        let (left, right) = ends(says, badge, columns);
        lines.push(Line::default());
        lines.push(Line::from(vec![Span::styled(left, dim), Span::styled(right, theme.style(role))]));
    }
    if let Some(report) = &page.report {
        let quote = format!("“{}”", report.trim().trim_matches(['"', '“', '”']));
        lines.extend(wrap_plain(&quote, plain.add_modifier(Modifier::ITALIC), columns, ""));
    }
    if let Some(truth) = &page.truth {
        apart(&mut lines);
        lines.push(Line::styled("What happens", dim));
        lines.extend(page::lines(truth, theme, &ui.keys, columns));
    }
    if !evidence.is_empty() {
        apart(&mut lines);
        lines.push(Line::styled("In this run", dim));
        lines.extend(evidence.iter().flat_map(|(claim, evidence)| evidence_lines(claim, evidence, theme, columns)));
    }
    lines.push(Line::default());
    let labelled = |label: &str, text: &str| {
        let runs = [(format!("{label} "), dim), (text.to_owned(), plain)];
        wrap(&runs, columns, "  ")
    };
    if let Some(look) = &page.look {
        lines.extend(labelled("Look at:", look));
    }
    if let Some(question) = &page.question {
        lines.extend(labelled("Question:", question));
        match &page.answer {
            Some(answer) if ui.shows_answer => lines.extend(labelled("Answer:", answer)),
            Some(_) => {
                let runs = [(ui.keys.shown("answer"), theme.style(Role::Key)), (" shows the answer".to_owned(), dim)];
                lines.extend(wrap(&runs, columns, ""));
            }
            None => {}
        }
    }
    let asked = lines.len();
    lines.push(Line::default());
    lines.extend(page::lines(&page.prose, theme, &ui.keys, columns));
    if let Some(call) = &page.call {
        lines.push(Line::default());
        lines.extend(labelled("In Python:", &call.upstream_name()));
        lines.extend(wrap_plain(&call.link, dim, columns, ""));
    }
    (lines, asked)
}

fn evidence_lines(claim: &str, evidence: &Evidence, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let (mark, role, word) = match evidence.outcome {
        Outcome::Holds => ("✓", Role::Good, ""),
        Outcome::Contradicted => ("✗", Role::Bad, "not so: "),
        Outcome::NotRun => ("·", Role::Dim, ""),
    };
    let quiet = theme.style(Role::Dim);
    let said = if evidence.outcome == Outcome::NotRun { quiet } else { theme.style(Role::Plain) };
    let runs = [
        (format!("{mark} "), theme.style(role)),
        (word.to_owned(), theme.style(role)),
        (claim.to_owned(), said),
        // What has not run is said in three words: the rest would be a list of what is missing.
        if evidence.outcome == Outcome::NotRun {
            (" (not yet)".to_owned(), quiet)
        } else {
            (format!(" ({})", evidence.detail), quiet)
        },
    ];
    wrap(&runs, columns, "  ")
}
