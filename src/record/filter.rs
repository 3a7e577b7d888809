//! What is recorded: by target and level, now and when a span was opened.
//!
//! The filter may change at any time. A span that was opened under an older one is recorded to its end if it was then, and
//! hidden to its end if it was not. The fast face knows by itself: a span that is hidden has no id there. Beside others
//! every span has one; so from the first change on a layer notes at each new span how it was judged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

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
    inner: RwLock<Inner>,
    /// Everything is wanted and has always been.
    wants_all: AtomicBool,
}

struct Inner {
    first: Targets,
    /// Another that has taken its place.
    changed: Option<Targets>,
}

/// Which recorders have judged a span, and whether they record it.
struct Judged(Vec<(u64, bool)>);

impl Filters {
    pub(super) fn new(filter: Targets) -> Self {
        let is_default_only = filter.iter().next().is_none();
        let wants_all = is_default_only && filter.default_level() == Some(LevelFilter::TRACE);
        let inner = RwLock::new(Inner { first: filter, changed: None });
        Self { inner, wants_all: AtomicBool::new(wants_all) }
    }

    /// Another holds from now on.
    pub(super) fn change(&self, filter: Targets) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        self.wants_all.store(false, Ordering::Relaxed);
        inner.changed = Some(filter);
    }

    /// Whether nothing is hidden and nothing ever was.
    #[inline]
    pub(super) fn wants_all(&self) -> bool {
        self.wants_all.load(Ordering::Relaxed)
    }

    /// Whether what comes from a callsite now is recorded.
    pub(super) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.inner().is_some_and(|inner| inner.wants(metadata))
    }

    /// Always or never: then nobody is asked again for any span.
    pub(super) fn interest(&self, metadata: &Metadata<'_>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    /// The most verbose level of which anything is wanted.
    pub(super) fn max_level(&self) -> Option<LevelFilter> {
        let inner = self.inner()?;
        let filter = inner.now();
        filter.iter().map(|(_, level)| level).chain(filter.default_level()).max()
    }

    /// Judges a new span: whether it is recorded, for good.
    pub(super) fn judge<'a, S: LookupSpan<'a>>(&self, recorder: u64, span: &SpanRef<'a, S>) -> bool {
        let Some(inner) = self.inner() else { return false };
        let is_wanted = inner.wants(span.metadata());
        if inner.changed.is_some() {
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
        let Some(inner) = self.inner() else { return false };
        if inner.changed.is_some()
            && let Some(judged) = span.extensions().get::<Judged>()
            && let Some((_, is_wanted)) = judged.0.iter().find(|(by, _)| *by == recorder)
        {
            return *is_wanted;
        }
        // It is older than the first change.
        inner.first.would_enable(span.metadata().target(), span.metadata().level())
    }

    /// The filter as it is; none in a forked child, where it may be locked for ever.
    fn inner(&self) -> Option<RwLockReadGuard<'_, Inner>> {
        fork::read(&self.inner)
    }
}

impl Inner {
    fn now(&self) -> &Targets {
        self.changed.as_ref().unwrap_or(&self.first)
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.now().would_enable(metadata.target(), metadata.level())
    }
}
