//! What is recorded: by target and level, now and when a span was opened.
//!
//! The filter may change at any time. A span that was opened under an older one is recorded to its end if it was then, and
//! hidden to its end if it was not. The fast face knows by itself: a span that is hidden has no id there. Beside others
//! every span has one; so from the first change on a layer notes at each new span how it was judged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{self, Context};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fork;
use super::shared::Shared;

/// A recorder's filter on a stack of layers: `recorder.layer().with_filter(recorder.filter())`. Made by
/// [`Recorder::filter`](super::Recorder::filter).
///
/// It is what the recorder's filter is at any time: changes hold for it too.
#[derive(Clone)]
pub struct RecorderFilter {
    shared: Arc<Shared>,
}

impl RecorderFilter {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> layer::Filter<S> for RecorderFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _ctx: &Context<'_, S>) -> bool {
        self.shared.filters.wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.shared.filters.interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.shared.filters.max_level()
    }
}

/// The filter of a recorder, and the one it began with.
pub(super) struct Filters {
    /// The one it began with; as long as it holds, nobody needs a lock.
    first: Targets,
    /// Another has taken its place.
    has_changed: AtomicBool,
    /// It.
    changed: RwLock<Targets>,
    /// Everything is wanted and has always been.
    wants_all: AtomicBool,
}

/// Which recorders have judged a span, and whether they record it.
struct Judged(Vec<(u64, bool)>);

impl Filters {
    pub(super) fn new(filter: Targets) -> Self {
        let is_default_only = filter.iter().next().is_none();
        let wants_all = is_default_only && filter.default_level() == Some(LevelFilter::TRACE);
        Self {
            first: filter,
            has_changed: AtomicBool::new(false),
            changed: RwLock::new(Targets::new()),
            wants_all: AtomicBool::new(wants_all),
        }
    }

    /// Another holds from now on.
    pub(super) fn change(&self, filter: Targets) {
        let mut changed = self.changed.write().unwrap_or_else(PoisonError::into_inner);
        *changed = filter;
        self.wants_all.store(false, Ordering::Relaxed);
        self.has_changed.store(true, Ordering::Release);
    }

    /// Whether nothing is hidden and nothing ever was.
    #[inline]
    pub(super) fn wants_all(&self) -> bool {
        self.wants_all.load(Ordering::Relaxed)
    }

    /// Whether what comes from a callsite now is recorded.
    pub(super) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.with_now(|filter| would_enable(filter, metadata)).unwrap_or(false)
    }

    /// Always or never: then nobody is asked again for any span.
    pub(super) fn interest(&self, metadata: &Metadata<'_>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    /// The most verbose level of which anything is wanted.
    pub(super) fn max_level(&self) -> Option<LevelFilter> {
        self.with_now(|filter| filter.iter().map(|(_, level)| level).chain(filter.default_level()).max())?
    }

    /// Judges a new span: whether it is recorded, for good.
    pub(super) fn judge<'a, S: LookupSpan<'a>>(&self, recorder: u64, span: &SpanRef<'a, S>) -> bool {
        let is_wanted = self.wants(span.metadata());
        if self.has_changed() {
            let mut extensions = span.extensions_mut();
            match extensions.get_mut::<Judged>() {
                Some(judged) => judged.0.push((recorder, is_wanted)),
                None => extensions.insert(Judged(vec![(recorder, is_wanted)])),
            }
        }
        is_wanted
    }

    /// How a span was judged when it was new.
    pub(super) fn is_recorded<'a, S: LookupSpan<'a>>(&self, recorder: u64, span: &SpanRef<'a, S>) -> bool {
        if self.has_changed()
            && let Some(judged) = span.extensions().get::<Judged>()
            && let Some((_, is_wanted)) = judged.0.iter().find(|(by, _)| *by == recorder)
        {
            return *is_wanted;
        }
        // It is older than the first change.
        would_enable(&self.first, span.metadata())
    }

    fn has_changed(&self) -> bool {
        self.has_changed.load(Ordering::Acquire)
    }

    /// Asks the filter that holds now; nothing in a forked child, where it may be locked for ever.
    fn with_now<R>(&self, ask: impl FnOnce(&Targets) -> R) -> Option<R> {
        if self.has_changed() { fork::read(&self.changed).map(|filter| ask(&filter)) } else { Some(ask(&self.first)) }
    }
}

fn would_enable(filter: &Targets, metadata: &Metadata<'_>) -> bool {
    filter.would_enable(metadata.target(), metadata.level())
}
