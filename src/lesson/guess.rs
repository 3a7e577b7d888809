//! Guessing what comes next in the chain, before the step is taken: what may be chosen, and what of it was right.
//!
//! Asked of a place in the log, answered by the run. The score is kept by who asks, and goes nowhere.

use crate::trace::{Callsite, Chain, Edge, Key, Log, SpanId};

/// Choices beside *something else*.
const MOST: usize = 4;

/// What may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A step of the chain is called.
    Call {
        /// The id of the step.
        step: String,
        /// Its call.
        key: Key,
    },
    /// A call ends.
    End {
        /// The call.
        span: SpanId,
        /// Its name.
        name: String,
    },
    /// None of the others.
    Other,
}

impl Choice {
    /// It in words, as the end of a question.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Call { step, .. } => format!("{step} is called"),
            Self::End { name, .. } => format!("{name} ends"),
            Self::Other => "something else".to_owned(),
        }
    }

    /// What may come after a place: the end of a call, what the documented chain has next after the step we are in, what it
    /// has elsewhere, and none of these. Nothing, of a program that has nothing of the chain. Not always in the same order, and always the same for the same place.
    #[must_use]
    pub fn all(log: &Log, chain: &Chain, ends: Option<SpanId>, step: Option<usize>, cursor: usize) -> Vec<Self> {
        let end = ends.and_then(|span| Some(Self::End { span, name: log.span(span)?.callsite.name.to_string() }));
        let mut choices: Vec<Self> = end.into_iter().collect();
        let steps = chain.steps();
        if !steps.iter().any(|step| log.has_entered(&step.key)) {
            return Vec::new();
        }
        let at = step.unwrap_or(0);
        // The next by the book first, then some that are near, then some that are not.
        let near = [1, 2, 5, 9].map(|by| (at + by) % steps.len().max(1));
        for step in near.iter().filter_map(|at| steps.get(*at)) {
            let call = Self::Call { step: step.id.clone(), key: step.key.clone() };
            if choices.len() < MOST && !choices.contains(&call) {
                choices.push(call);
            }
        }
        let by = cursor % choices.len().max(1);
        choices.rotate_left(by);
        choices.push(Self::Other);
        choices
    }

    /// Which of them has come: the beginning or the end of a call.
    #[must_use]
    pub fn right(choices: &[Self], span: SpanId, edge: Edge, callsite: &Callsite) -> usize {
        let fits = |choice: &Self| match choice {
            Self::Call { key, .. } => edge == Edge::Enter && key.matches(callsite),
            Self::End { span: ended, .. } => edge == Edge::Exit && *ended == span,
            Self::Other => false,
        };
        choices.iter().position(fits).unwrap_or(choices.len().saturating_sub(1))
    }
}

/// How many guesses were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// That many.
    pub right: u32,
    /// Of that many.
    pub asked: u32,
}

impl Score {
    /// Takes in another guess.
    pub fn add(&mut self, is_right: bool) {
        self.asked += 1;
        self.right += u32::from(is_right);
    }
}
