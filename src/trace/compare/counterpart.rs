//! Where another recording is when it is as far as this one.
//!
//! ```text
//!   A at the 2nd `get` of  worker-*: run > get      B: behind the enter of its own 2nd
//!   A at the 7th, of which B has 3                   B: at its 3rd, and it is said that it is not the same
//!   A at a call that B does not make                 B: where the call around that one is, and so on outwards
//!   A in a lane that B does not have                 B: where the last call is that both make
//! ```

use std::collections::HashMap;

use super::tree::{Numbers, place};
use crate::trace::{Event, Kind, Log, SpanId};

/// The spans of two recordings by their paths.
#[derive(Default)]
pub struct Counterpart {
    /// For each span of the first its path, and which of that path's it is.
    of_a: HashMap<SpanId, (usize, usize)>,
    /// For each path the spans of the second.
    in_b: Vec<Vec<SpanId>>,
}

/// A place in the other recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opposite {
    /// The cursor there.
    pub cursor: usize,
    /// The call there.
    pub span: SpanId,
    /// The call here that it is the counterpart of: the one asked about, or one around it.
    pub of: SpanId,
    /// It is as many-th of its path as the one here.
    pub is_same: bool,
}

impl Counterpart {
    /// Takes in both. Costs a walk over their spans.
    #[must_use]
    pub fn new(a: &Log, b: &Log) -> Self {
        let mut numbers = Numbers::default();
        let mut counts: Vec<usize> = Vec::new();
        let mut of_a = HashMap::new();
        place(a, &mut numbers, |placed| {
            let path = placed.path;
            if counts.len() <= path {
                counts.resize(path + 1, 0);
            }
            of_a.insert(placed.span.id, (path, counts[path]));
            counts[path] += 1;
        });
        let mut in_b: Vec<Vec<SpanId>> = Vec::new();
        place(b, &mut numbers, |placed| {
            let path = placed.path;
            if in_b.len() <= path {
                in_b.resize_with(path + 1, Vec::new);
            }
            in_b[path].push(placed.span.id);
        });
        Self { of_a, in_b }
    }

    /// Where the second recording is when the first is in this call: at its beginning, or behind its end. Nothing if it is in
    /// none of the calls around either.
    #[must_use]
    pub fn of(&self, (a, b): (&Log, &Log), span: SpanId, is_over: bool) -> Option<Opposite> {
        let mut next = Some(span);
        while let Some(of) = next {
            let known = self.of_a.get(&of).copied();
            let found = known.and_then(|(path, place)| {
                let spans = self.in_b.get(path)?;
                let there = *spans.get(place).or(spans.last())?;
                Some((there, place < spans.len()))
            });
            if let Some((there, is_same)) = found {
                let record = b.span(there)?;
                let ended = record.close.filter(|_| is_over && of == span).map(|close| close.0.0 as usize + 1);
                let cursor = ended.unwrap_or_else(|| behind_enter(b, there, record.open.0.0 as usize));
                return Some(Opposite { cursor, span: there, of, is_same: is_same && of == span });
            }
            next = a.span(of)?.parent;
        }
        None
    }
}

impl Counterpart {
    /// Where the second recording is at the last call that was opened before a cursor of the first and that both make. Looks at
    /// so many events before the cursor and at no more.
    #[must_use]
    pub fn last_common(&self, (a, b): (&Log, &Log), cursor: usize) -> Option<Opposite> {
        /// Events that are looked at.
        const NEAR: usize = 4_096;
        let opened = a.events_in(cursor.saturating_sub(NEAR)..cursor).filter_map(|event| match event.kind {
            Kind::Open { span, .. } => Some(span),
            _ => None,
        });
        let opened: Vec<SpanId> = opened.collect();
        opened.into_iter().rev().find_map(|span| {
            let is_over = a.span(span)?.close.is_some_and(|close| close.0.0 < cursor as u64);
            self.of((a, b), span, is_over).filter(|found| found.of == span)
        })
    }
}

/// The cursor behind the first enter of a span; behind its opening, if it is not entered soon.
fn behind_enter(log: &Log, span: SpanId, opened: usize) -> usize {
    /// Events that are looked at.
    const SOON: usize = 64;
    let events = log.events_in(opened..opened.saturating_add(SOON));
    let is_enter = |event: Event| event.kind == Kind::Enter { span };
    opened + 1 + events.map(is_enter).position(|is| is).unwrap_or(0)
}
