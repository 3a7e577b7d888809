//! Guessing what comes next, before the step is taken. What really comes is read off the run; the score is kept here and
//! goes nowhere.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::command::Action;
use super::draw::{framed, put_lines};
use super::lists::chosen;
use super::overlay::{Overlay, centred};
use super::text::{pad, wrap};
use super::theme::Role;
use super::ui::{Effect, Ui};
use crate::lesson::{Choice, Score};
use crate::trace::{Callsite, Command, Edge, Kind, Run, SpanId, Stop};

/// A guess that the run has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    choices: Vec<Choice>,
    chosen: usize,
    from: From,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Where the program stood.
    Live(Stop),
    /// Where the cursor stood in a recording.
    Recorded(usize),
}

/// What has come.
struct Next {
    span: SpanId,
    edge: Edge,
    callsite: std::sync::Arc<Callsite>,
    lane: String,
}

impl Ui<'_> {
    /// Asks what comes next.
    pub(super) fn predict(&mut self) {
        let is_recorded = self.status.run == Run::Over;
        match self.status.run {
            Run::Paused(_) => (self.cursor, self.page) = (None, None),
            Run::Over if self.cursor() < self.log.len() => {}
            Run::Over => {
                let back = self.keys.shown("back");
                return self.notify(format!("this is the end of the recording; {back} goes back"));
            }
            _ => {
                let pause = self.keys.shown("pause");
                return self.notify(format!("nobody is held: {pause} pauses, then guess what comes next"));
            }
        }
        self.refresh();
        let choices = self.choices(is_recorded);
        if choices.len() < 2 {
            return self.notify("the documented chain says nothing about this place");
        }
        self.overlay = Some(Overlay::Predict { at: 0, choices });
    }

    /// What may come, after the place where the program or the cursor stands.
    fn choices(&self, is_recorded: bool) -> Vec<Choice> {
        let frame = |span: SpanId| self.log.span(span);
        let ends = match self.status.run {
            Run::Paused(Stop { span, edge: Edge::Enter, .. }) => Some(span),
            Run::Paused(Stop { span, .. }) => frame(span).and_then(|span| span.parent),
            _ => self.known.here.filter(|_| is_recorded),
        };
        Choice::all(&self.log, self.material.chain, ends, self.known.step, self.cursor())
    }

    /// In the list of choices. The overlay has been taken out.
    pub(super) fn act_in_prediction(&mut self, at: usize, choices: Vec<Choice>, action: Action, by: isize) -> Effect {
        let area = area(self, &choices);
        let picked = match action {
            Action::Toggle => Some(at),
            Action::Type(digit) => digit.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1)),
            Action::Click(column, row) => {
                let first = area.bottom().saturating_sub(choices.len() as u16 + 1);
                let is_in = area.contains(Position::new(column, row)) && row >= first;
                is_in.then(|| usize::from(row - first))
            }
            _ => None,
        };
        if let Some(chosen) = picked.filter(|picked| *picked < choices.len()) {
            return self.guess(choices, chosen);
        }
        let at = at.saturating_add_signed(by).min(choices.len() - 1);
        self.overlay = Some(Overlay::Predict { at, choices });
        Effect::None
    }

    fn guess(&mut self, choices: Vec<Choice>, chosen: usize) -> Effect {
        match self.status.run {
            Run::Paused(stop) => {
                let effect = self.step(Command::Into);
                self.guess = Some(Guess { choices, chosen, from: From::Live(stop) });
                effect
            }
            _ => {
                let from = From::Recorded(self.cursor());
                self.guess = Some(Guess { choices, chosen, from });
                self.move_by_call(true);
                Effect::None
            }
        }
    }

    /// If what a person has guessed at has come: says whether it was right.
    pub(super) fn reveal(&mut self) -> bool {
        let Some(guess) = &self.guess else { return false };
        let next = match (guess.from, self.status.run) {
            (From::Live(before), Run::Paused(stop)) if stop != before => self.next_live(stop),
            (From::Live(_), Run::Paused(_) | Run::Stepping) => return false,
            // Nobody is held any more: what comes next is not to be said.
            (From::Live(_), _) => {
                self.guess = None;
                return false;
            }
            (From::Recorded(_), _) if self.seek.is_some() => return false,
            (From::Recorded(before), _) if self.cursor() == before => {
                self.guess = None;
                return false;
            }
            (From::Recorded(_), _) => self.next_recorded(),
        };
        let Some(next) = next else { return false };
        let Some(guess) = self.guess.take() else { return false };
        let right = Choice::right(&guess.choices, next.span, next.edge, &next.callsite);
        let is_right = right == guess.chosen;
        self.score.add(is_right);
        let does = if next.edge == Edge::Enter { "is called" } else { "ends" };
        let came = format!("on {}, {} {does}", next.lane, next.callsite.name);
        let Score { right, asked } = self.score;
        self.notify(match is_right {
            true => format!("right: {came}; {right} of {asked} so far"),
            false => {
                let said = guess.choices[guess.chosen].text();
                format!("not so: {came}, and not: {said}; {right} of {asked} so far")
            }
        });
        true
    }

    fn next_live(&self, stop: Stop) -> Option<Next> {
        let callsite = self.log.span(stop.span)?.callsite;
        let lane = self.log.lane(stop.lane)?.name.to_string();
        Some(Next { span: stop.span, edge: stop.edge, callsite, lane })
    }

    fn next_recorded(&self) -> Option<Next> {
        let event = self.log.events_in(self.cursor().checked_sub(1)?..self.cursor()).next()?;
        let (span, edge) = match event.kind {
            Kind::Enter { span } => (span, Edge::Enter),
            Kind::Close { span } => (span, Edge::Exit),
            _ => return None,
        };
        let lane = self.log.lane(event.lane)?.name.to_string();
        Some(Next { span, edge, callsite: self.log.span(span)?.callsite, lane })
    }
}

/// What is asked: the lesson's question, if its page has one, then what comes next.
fn question(ui: &Ui, columns: usize) -> Vec<Line<'static>> {
    let (dim, plain) = (ui.theme.style(Role::Dim), ui.theme.style(Role::Plain));
    let page = ui.known.step.and_then(|step| ui.material.book.step_page(step));
    let mut lines = Vec::new();
    if let Some(question) = page.and_then(|page| page.question.clone()) {
        lines.extend(wrap(&[("To think about: ".to_owned(), dim), (question, plain)], columns, " "));
        lines.push(Line::default());
    }
    lines.push(Line::styled("What comes next?", ui.theme.style(Role::Heading)));
    lines
}

const WIDTH: u16 = 72;

fn area(ui: &Ui, choices: &[Choice]) -> Rect {
    let body = ui.layout().body;
    let columns = usize::from(WIDTH.min(body.width).saturating_sub(4)).max(1);
    centred(body, WIDTH, (question(ui, columns).len() + choices.len() + 2) as u16)
}

/// Draws the question and what may be answered.
pub(super) fn draw(buffer: &mut Buffer, ui: &Ui, at: usize, choices: &[Choice]) {
    let Score { right, asked } = ui.score;
    let score = if asked == 0 { "enter takes the step".to_owned() } else { format!("{right} of {asked} right") };
    let inner = framed(buffer, area(ui, choices), ui, "Guess", &score, true);
    let columns = usize::from(inner.width.saturating_sub(2)).max(1);
    let mut lines: Vec<Line<'static>> = question(ui, columns)
        .into_iter()
        .map(|line| {
            let spans = std::iter::once(Span::raw(" ")).chain(line.spans);
            Line::from(spans.collect::<Vec<_>>()).style(line.style)
        })
        .collect();
    for (index, choice) in choices.iter().enumerate() {
        let mark = if index == at { "→" } else { " " };
        let key = Span::styled(format!(" {mark} {}  ", index + 1), ui.theme.style(Role::Key));
        let line = Line::from(vec![key, Span::raw(pad(&choice.text(), usize::from(inner.width).saturating_sub(6)))]);
        lines.push(if index == at { chosen(line, ui) } else { line });
    }
    // The answers are seen, however low the screen is.
    let below = lines.len().saturating_sub(usize::from(inner.height));
    put_lines(buffer, inner, &lines, below.min(lines.len() - choices.len() + at));
}
