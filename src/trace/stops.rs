//! Where the breakpoints of a list stop in a log, worked at in slices.

use super::{Breakpoint, BreakpointId, Breakpoints, Hits, Log, SpanId};

/// The hits of every breakpoint of a list.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    found: Vec<(Breakpoint, Hits)>,
}

/// What a look for a stop has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is behind this cursor.
    At(usize),
    /// There is none.
    Nowhere,
    /// Not everything has been read that matters.
    Later,
}

impl Stops {
    /// Looks for what is new in the list from now on, and forgets what is gone.
    pub fn follow(&mut self, list: &Breakpoints) {
        let mut before = std::mem::take(&mut self.found);
        for breakpoint in list.all() {
            let is_it =
                |known: &(Breakpoint, Hits)| known.0.id == breakpoint.id && known.0.condition == breakpoint.condition;
            let known = before.iter().position(is_it).map(|at| before.swap_remove(at).1);
            let hits = known.unwrap_or_else(|| Hits::new(breakpoint.condition.clone()));
            self.found.push((breakpoint.clone(), hits));
        }
    }

    /// Begins once more, over another log.
    pub fn begin_again(&mut self) {
        self.found.iter_mut().for_each(|(breakpoint, hits)| *hits = Hits::new(breakpoint.condition.clone()));
    }

    /// Whether there is something that has not been read.
    #[must_use]
    pub fn is_behind(&self, log: &Log) -> bool {
        self.found.iter().any(|found| found.1.is_behind(log))
    }

    /// Reads on, for each at most this many events.
    pub fn read(&mut self, log: &Log, at_most: usize) {
        self.found.iter_mut().for_each(|found| found.1.read(log, at_most));
    }

    /// How many events have been read for all of them; everything if there are none.
    #[must_use]
    pub fn read_so_far(&self, log: &Log) -> usize {
        self.found.iter().map(|found| found.1.read_so_far()).min().unwrap_or(log.len())
    }

    /// The hits of one.
    #[must_use]
    pub fn hits(&self, id: BreakpointId) -> Option<&Hits> {
        self.found.iter().find(|found| found.0.id == id).map(|found| &found.1)
    }

    fn on(&self) -> impl Iterator<Item = &(Breakpoint, Hits)> {
        self.found.iter().filter(|found| found.0.is_on)
    }

    /// The breakpoint whose hit is just before a cursor, and the number of that hit. One that stops there before one that
    /// only counts.
    #[must_use]
    pub fn at(&self, cursor: usize) -> Option<(BreakpointId, usize)> {
        let here = || {
            self.on().filter_map(|(breakpoint, hits)| {
                let number = hits.before(cursor);
                let is_here = number > hits.before(cursor.saturating_sub(1));
                is_here.then_some((breakpoint, number))
            })
        };
        let stops = here().find(|(breakpoint, number)| breakpoint.rule.stops_at(*number as u64));
        stops.or_else(|| here().next()).map(|(breakpoint, number)| (breakpoint.id, number))
    }

    /// The hit that a program stands at, which is held in a call, as a cursor behind it: to go back from there is to go to the
    /// one before.
    #[must_use]
    pub fn standing(&self, log: &Log, held: SpanId) -> Option<usize> {
        let last = self.on().filter_map(|(_, hits)| hits.last());
        last.filter(|cursor| log.event(cursor - 1).and_then(|event| event.kind.span()) == Some(held)).max()
    }

    /// Where one of them stops next, or stopped before.
    #[must_use]
    pub fn look(&self, cursor: usize, is_forth: bool, log: &Log) -> Look {
        let places = self.on().filter_map(|(breakpoint, hits)| match is_forth {
            true => hits.next(cursor, breakpoint.rule),
            false => hits.previous(cursor, breakpoint.rule),
        });
        let place = if is_forth { places.min() } else { places.max() };
        // Nobody else's is nearer once all has been read up to it, or, backwards, up to here.
        let far = if is_forth { place.unwrap_or(log.len()) } else { cursor };
        if self.on().any(|(_, hits)| hits.is_behind(log) && hits.read_so_far() < far) {
            return Look::Later;
        }
        place.map_or(Look::Nowhere, Look::At)
    }
}
