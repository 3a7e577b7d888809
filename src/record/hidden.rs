//! What the recorder wants and does not get, since somebody else's filter hides it.
//!
//! A filter that is a layer of its own holds for the whole stack, ours included: spans that it hides are made nowhere, and
//! nobody is told. What can be known is which callsites exist, as every new subscriber is shown all of them, and what the
//! stack answers when it is asked about each.
//!
//! ```text
//!   a witness, for a moment ──► every callsite that has been reached
//!   the stack in use        ──► never, or without having asked the recorder ──► hidden
//!   the level in force      ──► callsites beyond it are not even reached
//! ```

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, Level, LevelFilter, Metadata, Subscriber, dispatcher};

use super::shared::Shared;

/// What a recorder's filter lets through and the process or the subscriber in use does not. Told by
/// [`Recorder::hidden`](super::Recorder::hidden).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hidden {
    /// Nothing more verbose than this is recorded, though the filter wants it: no subscriber of the process does, or the
    /// program was built without it.
    pub beyond: Option<LevelFilter>,
    /// Callsites that the program has come by, and that are hidden.
    pub callsites: Vec<HiddenCallsites>,
}

/// Callsites of one module and level.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HiddenCallsites {
    /// The target.
    pub target: String,
    /// The level.
    pub level: Level,
    /// How many there are.
    pub count: usize,
}

impl Hidden {
    /// Whether nothing is hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.beyond.is_none() && self.callsites.is_empty()
    }
}

/// One line, such as ``another filter hides 3 callsites: `db` DEBUG (2), `http` TRACE (1)``.
impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.callsites.iter().map(|of| of.count).sum();
        match (count, self.beyond) {
            (0, None) => return f.write_str("nothing is hidden"),
            (0, Some(_)) => {}
            (1, _) => f.write_str("another filter hides a callsite: ")?,
            (count, _) => write!(f, "another filter hides {count} callsites: ")?,
        }
        for (at, HiddenCallsites { target, level, count }) in self.callsites.iter().enumerate() {
            write!(f, "{}`{target}` {level} ({count})", if at == 0 { "" } else { ", " })?;
        }
        if let Some(level) = self.beyond {
            let join = if count == 0 { "" } else { "; " };
            write!(f, "{join}nothing more verbose than {} gets through at all", level.to_string().to_uppercase())?;
        }
        Ok(())
    }
}

thread_local! {
    /// The callsite that a recorder was asked about last, by this thread.
    static ASKED: Cell<(u64, usize)> = const { Cell::new((0, 0)) };
}

fn address(metadata: &'static Metadata<'static>) -> usize {
    std::ptr::from_ref(metadata) as usize
}

impl Shared {
    /// Notes that a face has been asked about a callsite.
    pub(super) fn note_asked(&self, metadata: &'static Metadata<'static>) {
        // A thread that is ending does not ask on purpose.
        let _ = ASKED.try_with(|asked| asked.set((self.id, address(metadata))));
    }

    /// What is hidden from the subscriber that this thread uses.
    pub(super) fn hidden(&self) -> Hidden {
        let wanted = callsites().into_iter().filter(|metadata| self.filters.wants(metadata));
        let mut counts: BTreeMap<(&str, Level), usize> = BTreeMap::new();
        let in_use = dispatcher::get_default(Dispatch::clone);
        for metadata in wanted {
            ASKED.set((0, 0));
            let interest = in_use.register_callsite(metadata);
            if interest.is_never() || ASKED.get() != (self.id, address(metadata)) {
                *counts.entry((metadata.target(), *metadata.level())).or_default() += 1;
            }
        }
        let hidden = counts.into_iter().map(|((target, level), count)| HiddenCallsites {
            target: target.to_owned(),
            level,
            count,
        });
        let in_force = LevelFilter::current().min(tracing::level_filters::STATIC_MAX_LEVEL);
        let wants_more = self.filters.max_level().is_some_and(|wanted| wanted > in_force);
        Hidden { beyond: wants_more.then_some(in_force), callsites: hidden.collect() }
    }
}

/// Every callsite that the program has come by.
fn callsites() -> Vec<&'static Metadata<'static>> {
    let found = Arc::new(Mutex::new(Vec::new()));
    drop(Dispatch::new(Witness(found.clone())));
    // Its answers have no part in what is asked from here on.
    rebuild_interest_cache();
    std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A subscriber that is shown all callsites and wants none.
struct Witness(Arc<Mutex<Vec<&'static Metadata<'static>>>>);

impl Subscriber for Witness {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(metadata);
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _attrs: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _id: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _id: &Id, _follows: &Id) {}

    fn event(&self, _event: &Event<'_>) {}

    fn enter(&self, _id: &Id) {}

    fn exit(&self, _id: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_said_in_one_line() {
        let of = |target: &str, level, count| HiddenCallsites { target: target.to_owned(), level, count };
        let check = |beyond, callsites: &[HiddenCallsites], expected: &str| {
            let hidden = Hidden { beyond, callsites: callsites.to_vec() };
            assert_eq!(hidden.to_string(), expected);
            assert_eq!(hidden.is_empty(), expected == "nothing is hidden");
        };
        let (db, http) = (of("db", Level::DEBUG, 2), of("http", Level::TRACE, 1));
        let beyond = "nothing more verbose than INFO gets through at all";
        check(None, &[], "nothing is hidden");
        check(None, &[db.clone(), http.clone()], "another filter hides 3 callsites: `db` DEBUG (2), `http` TRACE (1)");
        check(Some(LevelFilter::INFO), &[], beyond);
        check(
            Some(LevelFilter::INFO),
            &[http],
            &format!("another filter hides a callsite: `http` TRACE (1); {beyond}"),
        );
    }
}
