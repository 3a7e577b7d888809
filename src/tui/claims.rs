//! Every claim of every page, as this run has it so far, and the events that decide it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, rows_between};
use super::text::{cut, pad, width, wrap};
use super::theme::Role;
use super::ui::Ui;
use crate::lesson::{Author, Checked, Claim, Evidence, Outcome, Page};

/// Calls that are looked at for one picture.
const LOOKED_AT: usize = 20_000;

/// The table.
#[derive(Default)]
pub(super) struct Claims {
    pub(super) rows: Vec<Row>,
    checked: Checked,
    /// Up to where the rows are true.
    of: Option<usize>,
}

/// A claim.
pub(super) struct Row {
    /// Such as `14.2`.
    number: String,
    says: String,
    is_reports: bool,
    predicate: String,
    expected: Outcome,
    pub(super) evidence: Evidence,
}

impl Claims {
    /// Whether calls are left to be looked at.
    pub(super) fn is_weighing(&self) -> bool {
        self.rows.iter().any(|row| row.evidence.left > 0)
    }
}

impl Ui<'_> {
    /// Brings the table up to the cursor, a slice at a time, while it is looked at.
    pub(super) fn weigh_claims(&mut self) {
        let cursor = self.cursor();
        let Some(claims) = &mut self.known.claims else { return };
        if claims.of == Some(cursor) && !claims.is_weighing() {
            return;
        }
        let (chain, log, checked, mut budget) = (self.material.chain, &self.log, &mut claims.checked, LOOKED_AT);
        let mut row = |page: &Page, (at, claim): (usize, &Claim)| Row {
            number: format!("{}.{}", page.number(), at + 1),
            says: claim.says.clone(),
            is_reports: claim.by == Author::Report,
            predicate: claim.predicate.to_string(),
            expected: claim.expected(),
            evidence: checked.evaluate(&claim.predicate, (log, cursor), chain, &mut budget),
        };
        let pages = self.material.book.pages().iter();
        claims.rows = pages
            .flat_map(|page| page.claims.iter().enumerate().map(move |claim| (page, claim)))
            .map(|(page, claim)| row(page, claim))
            .collect();
        claims.of = Some(cursor);
    }

    /// Puts the cursor behind the last of the events that decide a claim.
    pub(super) fn go_to_evidence(&mut self, at: usize) {
        let row = self.known.claims.as_ref().and_then(|claims| claims.rows.get(at));
        match row.and_then(|row| row.evidence.events.last().copied()) {
            Some(event) => self.move_to(event),
            None => self.notify("nothing that has happened decides it"),
        }
    }
}

/// The mark of an outcome, and how it is to be read.
fn mark(row: &Row) -> (&'static str, Role) {
    match row.evidence.outcome {
        Outcome::NotRun => ("·  not yet    ", Role::Dim),
        Outcome::Holds if row.expected == Outcome::Holds => ("✓  holds      ", Role::Good),
        Outcome::Contradicted if row.expected == Outcome::Contradicted => ("✗  not so     ", Role::Bad),
        // Otherwise than its page says.
        Outcome::Holds => ("!  holds      ", Role::Doubt),
        Outcome::Contradicted => ("!  not so     ", Role::Doubt),
    }
}

/// How wide the list is, where there is room.
pub(super) const WIDTH: u16 = 130;

/// The number of the first row that is seen, and where the rows are; `at` is the selected one.
pub(super) fn rows(body: Rect, ui: &Ui, at: usize) -> (usize, Rect) {
    let inner = inside(body);
    let all = ui.known.claims.as_ref().map_or(&[][..], |claims| &claims.rows);
    let foot = all.get(at).map(|row| foot(row, ui, usize::from(inner.width))).unwrap_or_default();
    let foot = (foot.len() as u16).min(inner.height / 2);
    rows_between(inner, u16::from(inner.height > 6), foot, at, all.len())
}

/// Draws the table; `at` is the selected row.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let Some(claims) = &ui.known.claims else { return };
    let rows = &claims.rows;
    let decided = rows.iter().filter(|row| row.evidence.outcome != Outcome::NotRun).count();
    let otherwise = rows.iter().filter(|row| mark(row).0.starts_with('!')).count();
    let remark = match otherwise {
        0 => format!("{decided} of {} decided", rows.len()),
        _ => format!("{decided} of {} decided, {otherwise} otherwise than said", rows.len()),
    };
    let inner = framed(buffer, body, ui, "Claims", &remark, true);
    let (theme, columns) = (&ui.theme, usize::from(inner.width));
    if rows.is_empty() {
        put_lines(buffer, inner, &[Line::styled(" No page makes a claim.", theme.style(Role::Dim))], 0);
        return;
    }
    let foot = rows.get(at).map(|row| foot(row, ui, columns)).unwrap_or_default();
    let (top, area) = self::rows(body, ui, at);
    let heads = area.y - inner.y;
    let head = format!(" {:>5}  {}{}{}", "claim", pad("in this run", 14), "of     ", "what is claimed");
    put_lines(buffer, Rect { height: heads, ..inner }, &[Line::styled(cut(&head, columns), theme.style(Role::Dim))], 0);
    let lines: Vec<Line<'static>> = (top..rows.len().min(top + usize::from(area.height)))
        .filter_map(|index| Some((index, rows.get(index)?)))
        .map(|(index, row)| {
            let (mark, role) = mark(row);
            let by = if row.is_reports { "report " } else { "lesson " };
            let left = format!(" {:>5}  ", row.number);
            let room = columns.saturating_sub(left.len() + width(mark) + by.len());
            let line = Line::from(vec![
                Span::styled(left, theme.style(Role::Dim)),
                Span::styled(mark, theme.style(role)),
                Span::styled(by, theme.style(Role::Dim)),
                Span::raw(pad(&cut(&row.says, room.saturating_sub(1)), room)),
            ]);
            if index == at { chosen(line, ui) } else { line }
        })
        .collect();
    put_lines(buffer, area, &lines, 0);
    put_lines(buffer, Rect { y: area.bottom(), height: inner.bottom() - area.bottom(), ..inner }, &foot, 0);
}

/// The selected claim, whole: as a predicate, and what decides it.
fn foot(row: &Row, ui: &Ui, columns: usize) -> Vec<Line<'static>> {
    let (dim, plain) = (ui.theme.style(Role::Dim), ui.theme.style(Role::Plain));
    let who = if row.is_reports { "The report says: " } else { "The lesson says: " };
    let mut lines = vec![Line::styled("─".repeat(columns), ui.theme.style(Role::Border))];
    // One margin, and what is said in one column.
    let parts = [(who, &row.says), ("As a predicate:  ", &row.predicate), ("In this run:     ", &row.evidence.detail)];
    for (label, text) in parts {
        let room = columns.saturating_sub(width(label) + 2);
        for (index, line) in wrap(&[(text.clone(), plain)], room, "").into_iter().enumerate() {
            let label = if index == 0 { label.to_owned() } else { " ".repeat(width(label)) };
            let spans = [Span::raw(" "), Span::styled(label, dim)].into_iter().chain(line.spans);
            lines.push(Line::from(spans.collect::<Vec<_>>()));
        }
    }
    lines
}
