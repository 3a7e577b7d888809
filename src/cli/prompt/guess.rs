//! Guessing what comes next: `guess` asks, `guess 2` takes the step and says whether it was so.

use super::words::ended;
use super::{Answer, Lines, Prompt};
use crate::cli::sentences;
use crate::lesson::Choice;
use crate::trace::{Edge, Kind, Run, SpanId};

impl Prompt<'_> {
    pub(super) fn guess(&mut self, text: &str) -> Answer {
        let choices = self.choices()?;
        if text.is_empty() {
            return Ok(self.ask(&choices));
        }
        let number = super::commands::number(text)?;
        let chosen = number.checked_sub(1).filter(|at| *at < choices.len());
        let chosen = chosen.ok_or_else(|| format!("there is no {number}; guess lists what may come"))?;
        let (before, lines) = (self.edge_here(), self.step()?);
        let Some((span, edge)) = self.edge_here().filter(|now| Some(*now) != before) else { return Ok(lines) };
        let Some(record) = self.log.span(span) else { return Ok(lines) };
        let right = Choice::right(&choices, span, edge, &record.callsite);
        self.score.add(right == chosen);
        let does = if edge == Edge::Enter { "is called" } else { "ends" };
        let came = format!("on {}, {} {does}", sentences::lane(&self.log, record.lane), record.callsite.name);
        let score = format!("{} of {} right so far.", self.score.right, self.score.asked);
        let verdict = match right == chosen {
            true => format!("Right: {came}."),
            false => format!("Not so: {came}, and not: {}.", choices[chosen].text()),
        };
        Ok([verdict, score].into_iter().chain(lines).collect())
    }

    fn choices(&mut self) -> Result<Vec<Choice>, String> {
        if self.is_recording {
            self.read_on();
            if self.cursor() >= self.log.len() {
                return Err("this is the end of the recording; back goes back".to_owned());
            }
        } else {
            let Run::Paused(_) = self.attend().run else {
                return Err("nobody is held: pause holds the program, then guess what comes next".to_owned());
            };
            // It is asked of where the program stands.
            self.cursor = None;
        }
        let ends = match self.edge_here() {
            Some((span, Edge::Enter)) => Some(span),
            Some((span, Edge::Exit)) => self.log.span(span).and_then(|span| span.parent),
            None => self.here(),
        };
        let choices = Choice::all(&self.log, &self.chain, ends, self.step_here(), self.cursor());
        if choices.len() < 2 {
            return Err("the documented chain says nothing about this place".to_owned());
        }
        Ok(choices)
    }

    fn ask(&self, choices: &[Choice]) -> Lines {
        let page = self.step_here().and_then(|step| self.book.step_page(step));
        let question = page.and_then(|page| page.question.as_ref());
        let mut lines: Lines = question.map(|text| format!("To think about: {}", ended(text))).into_iter().collect();
        lines.push("What comes next?".to_owned());
        lines.extend(choices.iter().enumerate().map(|(at, choice)| format!("{}. {}.", at + 1, choice.text())));
        lines.push("guess and a number takes the step, and says whether it was so.".to_owned());
        lines
    }

    /// The beginning or end of a call where the program is held, or that the cursor is behind.
    fn edge_here(&self) -> Option<(SpanId, Edge)> {
        if let Some(stop) = self.state().paused() {
            return Some((stop.span, stop.edge));
        }
        let event = self.log.event(self.cursor().checked_sub(1)?).filter(|event| self.is_edge(event))?;
        match event.kind {
            Kind::Enter { span } => Some((span, Edge::Enter)),
            Kind::Close { span } => Some((span, Edge::Exit)),
            _ => None,
        }
    }
}
