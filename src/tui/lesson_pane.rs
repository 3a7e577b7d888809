//! The lesson of a step: what the report says, whether that is right, what this run shows, what to look at.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::lesson::{Card, Evidence, Outcome, Verdict};
use super::page;
use super::text::{ends, wrap, wrap_plain};
use super::theme::{Role, Theme};
use super::ui::Ui;

/// The pane's title and its lines, wrapped to a width.
pub(super) fn lines(ui: &Ui, columns: usize) -> (String, Vec<Line<'static>>) {
    let lessons = ui.material.lessons;
    let theme = &ui.theme;
    if let Some(page) = ui.page.and_then(|at| lessons.pages().get(at)) {
        return (page.title.clone(), page::lines(&page.body, theme, columns));
    }
    let steps = ui.material.chain.steps();
    let Some((at, step)) = ui.known.shown_step.and_then(|at| Some((at, steps.get(at)?))) else {
        let call = ui.selected_span().and_then(|span| ui.log.span(span)).map(|record| &record.callsite);
        let text = match (call, lessons.pages().first()) {
            (Some(call), _) => format!(
                "{} in {} is not a step of the documented chain. s goes on; i lists the steps.",
                call.name,
                call.file_name()
            ),
            (None, Some(page)) => return (page.title.clone(), page::lines(&page.body, theme, columns)),
            (None, None) => "No documented step has run yet.".into(),
        };
        return ("Lesson".into(), wrap_plain(&text, theme.style(Role::Dim), columns, ""));
    };
    let title = format!("{} · {}", at + 1, step.id);
    match lessons.card(at) {
        Some(card) => (title, card_lines(card, &ui.known.evidence, ui.shows_answer, theme, columns)),
        None => (title, wrap_plain("Nothing is written about this step.", theme.style(Role::Dim), columns, "")),
    }
}

/// A verdict as shape and word.
pub(super) fn badge(card: &Card) -> (&'static str, Role) {
    match card.verdict {
        Verdict::True => ("✓ TRUE", Role::Good),
        Verdict::Imprecise => ("≈ IMPRECISE", Role::Doubt),
        Verdict::Wrong => ("✗ WRONG", Role::Bad),
        Verdict::Missing => ("+ MISSING", Role::New),
        // The report has the place and nothing in it.
        Verdict::Empty if card.report.is_some() => ("○ EMPTY", Role::New),
        Verdict::Empty => ("", Role::Dim),
    }
}

fn card_lines(
    card: &Card,
    evidence: &[Evidence],
    shows_answer: bool,
    theme: &Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines = wrap_plain(&card.title, theme.style(Role::Heading), columns, "");
    let plain = theme.style(Role::Plain);
    let (badge, role) = badge(card);
    let says = match (&card.report, card.verdict) {
        (Some(_), _) => "The report says",
        (None, Verdict::Empty) => "",
        (None, _) => "The report leaves this out",
    };
    if !says.is_empty() || !badge.is_empty() {
        lines.push(Line::default());
        let (left, right) = ends(says, badge, columns);
        lines
            .push(Line::from(vec![Span::styled(left, theme.style(Role::Dim)), Span::styled(right, theme.style(role))]));
    }
    if let Some(report) = &card.report {
        let quote = format!("“{}”", report.trim().trim_matches(['"', '“', '”']));
        lines.extend(wrap_plain(&quote, plain.add_modifier(Modifier::ITALIC), columns, ""));
    }
    if !card.truth.is_empty() {
        lines.push(Line::styled("What happens", theme.style(Role::Dim)));
        lines.extend(page::lines(&card.truth, theme, columns));
    }
    if !evidence.is_empty() {
        lines.push(Line::styled("In this run", theme.style(Role::Dim)));
        lines.extend(evidence.iter().flat_map(|evidence| evidence_lines(evidence, theme, columns)));
    }
    lines.push(Line::default());
    let labelled = |label: &str, text: &str| {
        let runs = [(format!("{label} "), theme.style(Role::Dim)), (text.to_owned(), plain)];
        wrap(&runs, columns, "  ")
    };
    if !card.look.is_empty() {
        lines.extend(labelled("Look at:", &card.look));
    }
    if !card.question.is_empty() {
        lines.extend(labelled("Question:", &card.question));
        if shows_answer {
            lines.extend(labelled("Answer:", &card.answer));
        } else if !card.answer.is_empty() {
            let runs =
                [("a".to_owned(), theme.style(Role::Key)), (" shows the answer".to_owned(), theme.style(Role::Dim))];
            lines.extend(wrap(&runs, columns, ""));
        }
    }
    if !card.body.is_empty() {
        lines.push(Line::default());
        lines.extend(page::lines(&card.body, theme, columns));
    }
    if !card.upstream.is_empty() {
        lines.push(Line::default());
        lines.extend(labelled("In Python:", &card.upstream));
        lines.extend(wrap_plain(&card.link, theme.style(Role::Dim), columns, ""));
    }
    lines
}

fn evidence_lines(evidence: &Evidence, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let (mark, role, word) = match evidence.outcome {
        Outcome::Holds => ("✓", Role::Good, ""),
        Outcome::Contradicted => ("✗", Role::Bad, "not so: "),
        Outcome::NotRun => ("·", Role::Dim, ""),
    };
    let quiet = theme.style(Role::Dim);
    let claim = if evidence.outcome == Outcome::NotRun { quiet } else { theme.style(Role::Plain) };
    let mut runs = vec![
        (format!("{mark} "), theme.style(role)),
        (word.to_owned(), theme.style(role)),
        (evidence.claim.clone(), claim),
    ];
    let detail = match (&*evidence.detail, evidence.outcome) {
        ("", Outcome::NotRun) => "not run yet",
        (detail, _) => detail,
    };
    if !detail.is_empty() {
        runs.push((format!(" ({detail})"), quiet));
    }
    wrap(&runs, columns, "  ")
}
