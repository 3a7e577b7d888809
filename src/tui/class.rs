//! For a class: one idea on the screen, large and alone; the chain as a checklist beside it; and a walk that goes on by itself.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::draw::{framed_quietly, put_lines};
use super::lesson_pane::badge;
use super::text::{cut, pad, wrap};
use super::theme::Role;
use super::ui::{Effect, Ui};
use crate::trace::{Command, Run};

/// How often the walk goes on if nothing else was asked for.
const EVERY: Duration = Duration::from_secs(3);

/// A walk that goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    every: Duration,
    /// When the next step is due; nothing while it must not be taken.
    due: Option<Duration>,
}

impl Ui<'_> {
    /// Lets the walk go on by itself from now on.
    pub fn walk_every(&mut self, every: Duration) {
        (self.walk, self.walks_every) = (Some(Walk { every, due: None }), Some(every));
    }

    /// Begins to walk, or stops.
    pub(super) fn walk_or_stop(&mut self) {
        if self.walk.take().is_some() {
            return self.notify("the walk is yours again");
        }
        let every = self.walks_every.unwrap_or(EVERY);
        self.walk_every(every);
        self.notify(format!("a step every {every:?}; the same key stops"));
    }

    /// The step that is due. Not while somebody reads what lies on top, looks back, or the program is on its way.
    pub(super) fn walk_on(&mut self) -> Option<Effect> {
        let may = match self.status.run {
            Run::Paused(_) => self.cursor.is_none(),
            Run::Over => self.cursor.is_some() && self.seek.is_none(),
            _ => false,
        };
        let (may, now) = (may && self.overlay.is_none() && self.guess.is_none(), self.now);
        let walk = self.walk.as_mut()?;
        if !may {
            walk.due = None;
            return None;
        }
        let due = *walk.due.get_or_insert(now + walk.every);
        if now < due {
            return None;
        }
        walk.due = None;
        if self.status.run == Run::Over {
            self.move_by_step(true);
            return Some(Effect::None);
        }
        Some(self.step(Command::Into))
    }
}

/// Draws the checklist and the step.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui) {
    let left = if body.width >= 70 { (body.width / 3).min(40) } else { 0 };
    let (list, rest) = (
        Rect { width: left, ..body },
        Rect { x: body.x + left.saturating_sub(1), width: body.width - left.saturating_sub(1), ..body },
    );
    if left > 0 {
        checklist(buffer, list, ui);
    }
    let (frames, (title, lines)) = (stack(ui), step(ui, usize::from(rest.width.saturating_sub(2))));
    // The stack gets what the step leaves; for two frames it is not worth a border.
    let left = usize::from(rest.height).saturating_sub(lines.len() + 3);
    let height = (frames.len() + 2).min(left) as u16;
    let height = if height >= 5 { height } else { 0 };
    let above = Rect { height: rest.height - height.saturating_sub(1), ..rest };
    let inner = framed_quietly(buffer, above, ui, &title, "");
    // The blank line above the first is the first to go.
    let is_high = usize::from(inner.height) >= lines.len();
    put_lines(buffer, inner, if is_high { &lines } else { lines.get(1..).unwrap_or_default() }, 0);
    if height > 0 {
        let area = Rect { y: rest.bottom() - height, height, ..rest };
        let inner = framed_quietly(buffer, area, ui, "Call stack", "");
        put_lines(buffer, inner, &frames, 0);
    }
}

fn checklist(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    let steps = ui.material.chain.steps();
    let seen = &ui.known.seen;
    let done = seen.iter().filter(|seen| **seen).count();
    let inner = framed_quietly(buffer, area, ui, "The chain", &format!("{done} of {}", steps.len()));
    let now = ui.known.step;
    let room = usize::from(inner.width).saturating_sub(7);
    let lines: Vec<Line<'static>> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let has_run = seen.get(at).copied().unwrap_or(false);
            let (mark, role) = match (now == Some(at), has_run) {
                (true, _) => ("▸", Role::Accent),
                (false, true) => ("✓", Role::Good),
                (false, false) => ("·", Role::Dim),
            };
            let stops = ui.breaks.mark_of_step(step).char();
            let text = format!("{:>2} {}", at + 1, cut(&step.id, room));
            let said = if role == Role::Good { Role::Plain } else { role };
            Line::from(vec![
                Span::styled(format!("{stops}{mark} "), ui.theme.style(role)),
                Span::styled(pad(&text, usize::from(inner.width).saturating_sub(3)), ui.theme.style(said)),
            ])
        })
        .collect();
    let rows = usize::from(inner.height);
    let top = now.unwrap_or(0).saturating_sub(rows / 2).min(lines.len().saturating_sub(rows));
    put_lines(buffer, inner, &lines, top);
}

/// The current lane's frames, innermost first.
fn stack(ui: &Ui) -> Vec<Line<'static>> {
    let lane = ui.known.here.and_then(|span| ui.known.state.frame(span)).map(|found| found.0);
    let Some(lane) = lane else { return Vec::new() };
    let here = ui.known.here;
    let frames = lane.stack.iter().rev().map(|frame| {
        let is_here = Some(frame.span) == here;
        let mark = if is_here { "▸" } else { " " };
        let style = ui.theme.style(if is_here { Role::Accent } else { Role::Plain });
        Line::styled(format!(" {mark} {}", frame.callsite.name), style)
    });
    std::iter::once(Line::styled(format!(" {}", lane.name), ui.theme.style(Role::Heading))).chain(frames).collect()
}

/// One idea: what the step is, what is said of it, what is true, and what to look at.
fn step(ui: &Ui, width: usize) -> (String, Vec<Line<'static>>) {
    let steps = ui.material.chain.steps();
    let shown = ui.known.shown_step.and_then(|at| Some((at, steps.get(at)?)));
    let title = shown.map_or_else(|| "Lesson".to_owned(), |(at, step)| format!("{} · {}", at + 1, step.id));
    // Wide lines are not read from the last row of seats.
    let columns = width.saturating_sub(6).clamp(1, 72);
    let theme = &ui.theme;
    let (plain, dim) = (theme.style(Role::Plain), theme.style(Role::Dim));
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut part = |runs: &[(String, ratatui::style::Style)]| {
        lines.push(Line::default());
        lines.extend(wrap(runs, columns, ""));
    };
    match shown.and_then(|(at, _)| ui.material.book.step_page(at)) {
        Some(page) => {
            part(&[(page.title.clone(), theme.style(Role::Heading).add_modifier(Modifier::BOLD))]);
            if let Some(report) = &page.report {
                let quote = format!("“{}”", report.trim().trim_matches(['"', '“', '”']));
                part(&[(quote, plain.add_modifier(Modifier::ITALIC))]);
                let (badge, role) = badge(page);
                part(&[(badge.to_owned(), theme.style(role))]);
            }
            if let Some(truth) = &page.truth {
                part(&[(truth.clone(), plain)]);
            }
            if let Some(look) = &page.look {
                part(&[("Look at: ".to_owned(), dim), (look.clone(), plain)]);
            }
            if let Some(question) = &page.question {
                part(&[("Question: ".to_owned(), dim), (question.clone(), plain)]);
            }
            if let Some(answer) = page.answer.as_ref().filter(|_| ui.shows_answer) {
                part(&[("Answer: ".to_owned(), dim), (answer.clone(), plain)]);
            }
        }
        None => {
            let [into, forth, steps, class] = ["into", "forth", "steps", "class"].map(|id| ui.keys.shown(id));
            let next = if ui.status.run == Run::Over { forth } else { into };
            let text =
                format!("No documented step is shown. To the next: {next}; all steps: {steps}; all panes: {class}.");
            part(&[(text, dim)]);
        }
    }
    let margin = width.saturating_sub(columns) / 2;
    let indented = lines.into_iter().map(|line| {
        let mut spans = vec![Span::raw(" ".repeat(margin.min(8)))];
        spans.extend(line.spans);
        Line::from(spans).style(line.style)
    });
    (title, indented.collect())
}
