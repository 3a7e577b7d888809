//! The events that recorded fields, linked for each span from the last to the first.
//!
//! ```text
//!   events   1 ◄── 2 ◄── 3 ◄── 4 … ◄── 17          what is open knows the last
//!   again                 3 ◄── 14 ◄── 16 ◄─┘      when there are many: those whose values are remembered, and no others
//! ```
//!
//! So what a span has at any cursor is found by a look at a few events, however often it was recorded.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::event::{FOLLOWS_FROM, REMEMBERED};

/// Links of a span that are followed, beyond twice as many as have something to say.
const FEW: usize = 8;
/// In a link: it is in `again`.
const AGAIN: u64 = 1 << 63;

/// All events that recorded fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// Each: its place, and the link to the one before for the same span. A link counts from 1; 0 is none.
    all: Vec<(u64, u64)>,
    /// The same, of those that are linked again.
    again: Vec<(u64, u64)>,
    /// By the number of the span.
    open: HashMap<u32, History>,
}

/// What is remembered of an open span.
#[derive(Clone, Debug, Default)]
struct History {
    /// The places of the values of each name.
    names: HashMap<Arc<str>, VecDeque<u64>>,
    /// How many they are.
    values: usize,
    /// Links from its last event to its first.
    links: usize,
}

impl Records {
    /// Adds the event at a place; if its span is open: the number of that, and the link to the event before.
    pub(super) fn add<'a>(&mut self, place: u64, open: Option<(u32, u64)>, names: impl Iterator<Item = &'a Arc<str>>) {
        let Some((span, mut before)) = open else {
            self.all.push((place, 0));
            return;
        };
        let history = self.open.entry(span).or_default();
        for name in names {
            let places = history.names.entry(name.clone()).or_default();
            history.values += 1;
            if places.len() >= REMEMBERED && **name != *FOLLOWS_FROM {
                places.pop_front();
                history.values -= 1;
            }
            places.push_back(place);
        }
        history.links += 1;
        if history.links > 2 * history.values + FEW {
            let mut places: Vec<u64> = history.names.values().flatten().copied().collect();
            places.sort_unstable();
            places.dedup();
            before = 0;
            for other in places.iter().copied().filter(|other| *other != place) {
                self.again.push((other, before));
                before = AGAIN | self.again.len() as u64;
            }
            history.links = places.len();
        }
        self.all.push((place, before));
    }

    /// A span is over: nothing more is recorded of it.
    pub(super) fn close(&mut self, span: u32) {
        self.open.remove(&span);
    }

    /// The places of an event and of those before it that are remembered, from the last to the first.
    pub(super) fn before(&self, last: u64) -> impl Iterator<Item = u64> + '_ {
        let mut link = last;
        std::iter::from_fn(move || {
            let all = if link & AGAIN == 0 { &self.all } else { &self.again };
            let (place, before) = *all.get(((link & !AGAIN) as usize).checked_sub(1)?)?;
            link = before;
            Some(place)
        })
    }

    /// Those from a place on and before another, counted as links are: from 1.
    pub(super) fn between(&self, from: u64, until: u64) -> Range<u64> {
        let before = |place: u64| self.all.partition_point(|record| record.0 < place) as u64;
        before(from) + 1..before(until) + 1
    }

    /// The place of one, by its number.
    pub(super) fn place(&self, number: u64) -> Option<u64> {
        Some(self.all.get((number as usize).checked_sub(1)?)?.0)
    }

    /// Bytes in memory, of what grows with the log.
    pub(super) fn bytes(&self) -> usize {
        (self.all.capacity() + self.again.capacity()) * 16
    }

    #[cfg(test)]
    pub(super) fn histories(&self) -> usize {
        self.open.len()
    }
}
