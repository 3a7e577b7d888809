//! The list of steps and pages, and running until a step or a call whose name is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{framed, inside, put_lines};
use super::lesson_pane::badge;
use super::lists::{chosen, rows_between};
use super::overlay::centred;
use super::text::{cut, pad, width};
use super::theme::Role;
use super::ui::{Effect, Ui};
use crate::trace::{Command, Target};

impl Ui<'_> {
    /// Runs to the step with this id, or else to a span of this name.
    pub(super) fn run_until(&mut self, text: &str) -> Effect {
        let chain = self.material.chain;
        let is_known = self.log.has_call_named(text) || chain.steps().iter().any(|step| step.key.name == text);
        let target = match chain.key(text) {
            Some(key) => Target::Call(key.clone()),
            None if is_known => Target::Name(text.to_owned()),
            None => {
                let steps = self.keys.shown("steps");
                self.notify(format!("no step and no call so far is named `{text}`; {steps} lists the steps"));
                return Effect::None;
            }
        };
        let effect = self.step(Command::RunTo(target));
        self.say_of_run(format!("running until `{text}`; {} pauses", self.keys.shown("pause")));
        effect
    }

    pub(super) fn choose_step(&mut self, at: usize) -> Effect {
        let steps = self.material.chain.steps();
        match steps.get(at) {
            // What has been is looked at in the recording; what has not is run to.
            Some(step) if self.known.has_run(self.material.chain, &step.id) => {
                self.move_to_first(&step.id, step.key.clone());
                Effect::None
            }
            Some(step) => self.run_until(&step.id),
            None => {
                self.page = Some(at - steps.len());
                self.shows_loop = false;
                self.lesson_scroll = 0;
                Effect::None
            }
        }
    }
}

/// Draws what is typed, and the steps that are named like it.
pub(super) fn draw_until(buffer: &mut Buffer, body: Rect, ui: &Ui, text: &str) {
    let area = centred(body, 64, 4);
    let inner = framed(buffer, area, ui, "Run until", "enter runs", true);
    let line = Line::from(vec![Span::raw(format!(" {text}")), Span::styled(" ", ui.theme.style(Role::Selected))]);
    let ids: Vec<&str> = ui.material.chain.steps().iter().map(|step| &*step.id).collect();
    let matching: Vec<&str> = ids.into_iter().filter(|id| id.contains(text.trim())).collect();
    let hint = if matching.is_empty() { "no step is named like that".into() } else { matching.join("  ") };
    let hint = Line::styled(cut(&format!(" {hint}"), usize::from(inner.width)), ui.theme.style(Role::Dim));
    put_lines(buffer, inner, &[line, hint], 0);
}

/// The head of the list, and its rows.
fn steps(ui: &Ui, at: usize, columns: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let theme = &ui.theme;
    let steps = ui.material.chain.steps();
    let ids = steps.iter().map(|step| width(&step.id)).max().unwrap_or(0);
    let room = columns.saturating_sub(6 + ids + 2 + 13);
    let head = format!("      {}  {} the report", pad("step", ids), pad("what it does", room));
    let head = Line::styled(pad(&head, columns), theme.style(Role::Dim));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let page = ui.material.book.step_page(index);
        let (verdict, role) = page.map_or(("", Role::Dim), badge);
        let has_run = ui.known.seen.get(index).copied().unwrap_or(false);
        let is_here = ui.known.step == Some(index);
        let mark = match (is_here, has_run) {
            (true, _) => "→",
            (false, true) => "•",
            (false, false) => " ",
        };
        let title = page.map_or("", |page| &page.title);
        let stops = ui.breaks.mark_of_step(step).char();
        let left = format!("{stops}{mark} {:>2} {}  ", index + 1, pad(&step.id, ids));
        lines.push(Line::from(vec![
            Span::styled(left, theme.style(if is_here { Role::Accent } else { Role::Plain })),
            Span::styled(pad(title, room), theme.style(if has_run { Role::Plain } else { Role::Dim })),
            Span::styled(format!(" {}", pad(verdict, 12)), theme.style(role)),
        ]));
    }
    for page in ui.material.book.other_pages() {
        lines.push(Line::from(pad(&format!("   page  {}", page.title), columns)));
    }
    if let Some(line) = lines.get_mut(at) {
        *line = chosen(std::mem::take(line), ui);
    }
    (head, lines)
}

/// Where the list lies.
fn area(body: Rect, ui: &Ui) -> Rect {
    centred(body, 84, count(ui) as u16 + 3)
}

fn count(ui: &Ui) -> usize {
    ui.material.chain.steps().len() + ui.material.book.other_pages().count()
}

/// The number of the first row that is seen, and where the rows are; `at` is the selected one.
pub(super) fn rows(body: Rect, ui: &Ui, at: usize) -> (usize, Rect) {
    let inner = inside(area(body, ui));
    // Where there are few rows the steps need them.
    rows_between(inner, u16::from(inner.height > 4), 0, at, count(ui))
}

/// Draws the list; `at` is the selected row.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let inner = framed(buffer, area(body, ui), ui, "Steps", "→ here   • has run", true);
    let (head, lines) = steps(ui, at, usize::from(inner.width));
    let (top, list) = rows(body, ui, at);
    put_lines(buffer, Rect { height: list.y - inner.y, ..inner }, &[head], 0);
    put_lines(buffer, list, &lines, top);
}
