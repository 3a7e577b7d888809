//! What is asked for of a log, and why that may not be had.

use thiserror::Error;

use crate::trace::{LaneId, Log, Query, Time};

/// Lanes that an error names.
const NAMED: usize = 8;

/// Which clock tells the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Program time: what passed while the program was held is left out.
    #[default]
    Program,
    /// The clock on the wall: holds are in it, and shown.
    Wall,
}

/// What is wanted of a log. The default is all of it.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// From this time on, on the clock.
    pub from: Option<Time>,
    /// Up to and with this time, on the clock.
    pub until: Option<Time>,
    /// Of lanes with these names alone; of all, if none is named.
    pub lanes: Vec<String>,
    /// Spans that answer this.
    pub query: Query,
    /// Spans with fewer than so many of their lane around them.
    pub depth: Option<usize>,
    /// The clock.
    pub clock: Clock,
}

/// Why there is no such excerpt.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoExcerpt {
    /// A lane that is not there.
    #[error("no lane is called `{name}`; there are {}", known.join(", "))]
    NoLane {
        /// What was asked for.
        name: String,
        /// Lanes that there are, the first of them.
        known: Vec<String>,
    },
    /// A stretch that ends before it begins.
    #[error("`{from}` is later than `{until}`; the stretch would end before it begins")]
    Backwards {
        /// Its begin.
        from: Time,
        /// Its end.
        until: Time,
    },
}

/// The lanes of a name; several connections may have been called the same.
pub(super) fn lanes_called(log: &Log, name: &str) -> Result<Vec<LaneId>, NoExcerpt> {
    let called = log.lanes().iter().filter(|lane| &*lane.name == name);
    let lanes: Vec<LaneId> = called.map(|lane| lane.id).collect();
    if lanes.is_empty() {
        let mut known: Vec<String> = log.lanes().iter().take(NAMED).map(|lane| format!("`{}`", lane.name)).collect();
        if log.lanes().len() > NAMED {
            known.push(format!("and {} more", log.lanes().len() - NAMED));
        }
        return Err(NoExcerpt::NoLane { name: name.to_owned(), known });
    }
    Ok(lanes)
}
