//! The face beside other layers: every new, enter, exit, close, record and event of `tracing`, as it happens.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event as TracingEvent, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::gate::Point;
use super::store::Shared;
use crate::trace::{Callsite, Edge, Field, Kind, LaneId, LaneKind, SpanId, Thread, Value};

/// Records the spans and events it is shown. Made by [`Recorder::layer`](super::Recorder::layer).
pub struct RecorderLayer {
    shared: Arc<Shared>,
}

/// What is kept with a span while it lives.
struct SpanState {
    id: SpanId,
    generation: u64,
    lane: LaneId,
    lane_kind: LaneKind,
    depth: usize,
    callsite: Arc<Callsite>,
    /// It named its lane and has nobody around it: its close ends the lane.
    is_lane_root: bool,
    /// It named its lane: leaving it may be a switch, so only its close is its end.
    names_lane: bool,
    /// While it is entered its thread is blocked.
    blocks: bool,
    reason: Mutex<Option<Arc<str>>>,
    enters: AtomicU32,
}

impl SpanState {
    /// Futures and the roots of lanes are left and entered many times; for them only the close is an end. A span of another
    /// lane that is entered again is taken for a future from then on.
    fn ends_at_close(&self) -> bool {
        self.names_lane || self.lane_kind == LaneKind::Task || self.enters.load(Ordering::Relaxed) > 1
    }

    fn reason(&self) -> Option<Arc<str>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

thread_local! {
    /// The recorded spans this thread has entered, outermost first.
    static ENTERED: RefCell<Vec<Arc<SpanState>>> = const { RefCell::new(Vec::new()) };
    /// This thread, and the log in which it was first met.
    static THREAD: RefCell<Option<(Arc<Thread>, u64)>> = const { RefCell::new(None) };
}

impl RecorderLayer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// This thread. A thread that belongs to an older log has no place in the new one: a program that was started anew has
    /// new threads, and what is left of the old one may still be running.
    fn thread(&self) -> Option<Arc<Thread>> {
        let generation = self.shared.store.generation();
        THREAD.with_borrow_mut(|known| {
            let (thread, first_met) = known.get_or_insert_with(|| {
                let id = self.shared.store.next_thread();
                let current = std::thread::current();
                let name = current.name().map_or_else(|| format!("thread-{id}").into(), Into::into);
                (Arc::new(Thread { id, name }), generation)
            });
            (*first_met == generation).then(|| thread.clone())
        })
    }

    /// The state of a span of the log that is being written now.
    fn state<S>(&self, id: &Id, ctx: &Context<'_, S>) -> Option<Arc<SpanState>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let span = ctx.span(id)?;
        let state = span.extensions().get::<Arc<SpanState>>()?.clone();
        (state.generation == self.shared.store.generation()).then_some(state)
    }

    /// The lane of a span that neither names one nor is inside another.
    fn lane_of_here(&self, thread: &Arc<Thread>) -> (LaneId, LaneKind) {
        #[cfg(feature = "tokio")]
        if let Some(task) = tokio::task::try_id() {
            let lane = self.shared.store.lane(&format!("task-{task}").into(), LaneKind::Task, thread);
            return (lane, LaneKind::Task);
        }
        (self.shared.store.lane(&thread.name, LaneKind::Thread, thread), LaneKind::Thread)
    }

    fn kind_of_here() -> LaneKind {
        #[cfg(feature = "tokio")]
        if tokio::task::try_id().is_some() {
            return LaneKind::Task;
        }
        LaneKind::Thread
    }

    /// Stops here if the gate says so. No lock and no span guard is held by the caller.
    fn gate(&self, state: &SpanState, thread: &Arc<Thread>, edge: Edge) {
        let point = Point {
            lane: state.lane,
            thread,
            span: state.id,
            depth: state.depth,
            edge,
            callsite: &state.callsite,
            generation: state.generation,
        };
        self.shared.gate.arrive(&point, &self.shared.store);
    }
}

fn innermost() -> Option<Arc<SpanState>> {
    ENTERED.with_borrow(|entered| entered.last().cloned())
}

impl<S> Layer<S> for RecorderLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        attrs.record(&mut fields);
        let Some(thread) = self.thread() else { return };
        let store = &self.shared.store;
        let generation = store.generation();
        let around = if attrs.is_root() {
            None
        } else if let Some(parent) = attrs.parent() {
            self.state(parent, &ctx)
        } else {
            innermost().filter(|around| around.generation == generation)
        };
        let named = fields.text("lane");
        let (lane, lane_kind) = match (&named, &around) {
            (Some(name), _) => {
                let kind = Self::kind_of_here();
                (store.lane(name, kind, &thread), kind)
            }
            (None, Some(around)) => (around.lane, around.lane_kind),
            (None, None) => self.lane_of_here(&thread),
        };
        let reason = Mutex::new(fields.text("reason"));
        let state = Arc::new(SpanState {
            id: store.next_span(),
            generation,
            lane,
            lane_kind,
            depth: around.as_ref().filter(|around| around.lane == lane).map_or(0, |around| around.depth + 1),
            callsite: store.callsite(attrs.metadata()),
            is_lane_root: named.is_some() && around.is_none(),
            names_lane: named.is_some(),
            blocks: fields.text("blocks").is_some(),
            reason,
            enters: AtomicU32::new(0),
        });
        let (span, callsite) = (state.id, state.callsite.clone());
        if let Some(registered) = ctx.span(id) {
            registered.extensions_mut().insert(state);
        }
        let parent = around.map(|around| around.id);
        store.push(generation, &thread, lane, Kind::Open { span, parent, callsite, fields: fields.0 });
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let Some(state) = self.state(id, &ctx) else { return };
        let Some(thread) = self.thread() else { return };
        let store = &self.shared.store;
        if let Some(before) = innermost()
            && before.lane != state.lane
            && before.generation == state.generation
        {
            store.push(
                state.generation,
                &thread,
                before.lane,
                Kind::Switch { to: state.lane, reason: before.reason() },
            );
        }
        ENTERED.with_borrow_mut(|entered| entered.push(state.clone()));
        store.push(state.generation, &thread, state.lane, Kind::Enter { span: state.id });
        // Later enters are polls and switches back, not calls; among them the one that dropping a future makes.
        if state.enters.fetch_add(1, Ordering::Relaxed) == 0 {
            self.gate(&state, &thread, Edge::Enter);
        }
        if state.blocks {
            self.shared.gate.blocks(thread.id, true, &self.shared.store);
        }
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        let Some(state) = self.state(id, &ctx) else { return };
        let Some(thread) = self.thread() else { return };
        let store = &self.shared.store;
        if state.blocks {
            self.shared.gate.blocks(thread.id, false, &self.shared.store);
        }
        if !state.ends_at_close() {
            self.gate(&state, &thread, Edge::Exit);
        }
        // Guards may be dropped in any order.
        let after = ENTERED.with_borrow_mut(|entered| {
            if let Some(at) = entered.iter().rposition(|span| span.id == state.id) {
                entered.remove(at);
            }
            entered.last().cloned()
        });
        store.push(state.generation, &thread, state.lane, Kind::Exit { span: state.id });
        if let Some(after) = after
            && after.lane != state.lane
            && after.generation == state.generation
        {
            store.push(state.generation, &thread, state.lane, Kind::Switch { to: after.lane, reason: after.reason() });
        }
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(state) = self.state(&id, &ctx) else { return };
        let Some(thread) = self.thread() else { return };
        if state.ends_at_close() && state.enters.load(Ordering::Relaxed) > 0 {
            self.gate(&state, &thread, Edge::Exit);
        }
        self.shared.store.push(state.generation, &thread, state.lane, Kind::Close { span: state.id });
        if state.is_lane_root {
            self.shared.store.close_lane(state.lane, &thread);
            self.shared.gate.lane_closed(state.lane);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let Some(state) = self.state(id, &ctx) else { return };
        if let Some(text) = fields.text("reason") {
            *state.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
        let Some(thread) = self.thread() else { return };
        self.shared.store.push(
            state.generation,
            &thread,
            state.lane,
            Kind::Record { span: state.id, fields: fields.0 },
        );
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        let (Some(state), Some(cause)) = (self.state(id, &ctx), self.state(follows, &ctx)) else { return };
        let field = Field { name: "follows_from".into(), value: Value::Span(cause.id) };
        let Some(thread) = self.thread() else { return };
        self.shared.store.push(
            state.generation,
            &thread,
            state.lane,
            Kind::Record { span: state.id, fields: vec![field] },
        );
    }

    fn on_event(&self, event: &TracingEvent<'_>, _ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(thread) = self.thread() else { return };
        let store = &self.shared.store;
        let generation = store.generation();
        let inside = innermost().filter(|inside| inside.generation == generation);
        if let Some(name) = fields.text("opens_lane") {
            let is_task = fields.text("task").is_some_and(|task| &*task == "true");
            store.lane(&name, if is_task { LaneKind::Task } else { LaneKind::Thread }, &thread);
            return;
        }
        let lane = inside.as_ref().map_or_else(|| self.lane_of_here(&thread).0, |inside| inside.lane);
        if let Some(to) = fields.text("wakes").and_then(|name| store.find_lane(&name)) {
            store.push(generation, &thread, lane, Kind::Wake { to, reason: fields.text("reason") });
            return;
        }
        let callsite = store.callsite(event.metadata());
        let span = inside.map(|inside| inside.id);
        store.push(generation, &thread, lane, Kind::Note { span, callsite, fields: fields.0 });
    }
}
