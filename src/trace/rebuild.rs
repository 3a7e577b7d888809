//! A state with names and fields, made from its outline and the tables of the log.

use std::sync::Arc;

use super::outline::{LaneOutline, OpenSpan, Outline};
use super::{Field, Frame, Item, ItemFields, ItemKind, Lane, LaneKind, Log, State, Tables, Thread, ThreadId};

impl Log {
    /// The outline after the first `cursor` events: the one kept before, and what has happened since.
    pub(super) fn outline_at(&self, cursor: u64) -> Outline {
        let (place, mut outline) = self.index.outlines.before(cursor);
        let items = self.store.items(place).take((cursor - place) as usize);
        for (place, item, tables) in items {
            // Whoever says so may be wrong: a span is opened once, and so is a lane.
            let is_new = match item.kind {
                ItemKind::Open { span, .. } => {
                    self.index.spans.number(span).is_some_and(|number| self.index.spans.seq(number) == place)
                }
                ItemKind::LaneOpen { .. } => self.lane(item.lane).is_some_and(|lane| lane.open.0.0 == place),
                _ => true,
            };
            outline.apply(item.lane, tables.threads[item.thread as usize].id, &item.kind, is_new);
        }
        outline
    }

    pub(super) fn state_of(&self, outline: &Outline) -> State {
        let mut lanes: Vec<Arc<Lane>> = Vec::with_capacity(outline.lanes.len() + outline.done.len());
        lanes.extend(outline.lanes.iter().map(|lane| Arc::new(self.lane_of(lane, false))));
        lanes.extend(outline.done.iter().map(|lane| Arc::new(self.lane_of(lane, true))));
        lanes.sort_by_key(|lane| lane.id);
        let threads = outline.threads.iter().filter(|entry| !entry.1.is_empty()).cloned().collect();
        let done = outline.done.iter().map(|lane| lane.id).collect();
        let known = outline.held.iter().map(|stop| stop.thread);
        let known = known.chain(outline.threads.iter().filter(|entry| !entry.1.is_empty()).map(|entry| entry.0));
        let names = known.map(|thread| (thread, self.thread(thread))).collect();
        let Outline { held, paused, last_entered, .. } = outline;
        State { lanes, done, threads, names, held: held.clone(), paused: *paused, last_entered: *last_entered }
    }

    fn thread(&self, id: ThreadId) -> Arc<Thread> {
        let known = self.index.threads.get(&id).cloned();
        known.unwrap_or_else(|| Arc::new(Thread { id, name: Arc::default() }))
    }

    fn lane_of(&self, lane: &LaneOutline, is_done: bool) -> Lane {
        let record = self.lane(lane.id);
        let frame = |open: &OpenSpan| {
            let number = self.index.spans.number(open.span)?;
            let spans = &self.index.spans;
            Some(Frame {
                span: open.span,
                parent: spans.parent(number).map(|parent| spans.id(parent)),
                callsite: self.index.callsite(spans.callsite(number)).clone(),
                fields: self.fields_of(number, open),
                opened: spans.opened(number),
                enters: open.enters,
                is_entered: open.is_entered,
            })
        };
        Lane {
            id: lane.id,
            name: record.map_or_else(Arc::default, |record| record.name.clone()),
            kind: record.map_or(LaneKind::Thread, |record| record.kind),
            thread: self.thread(lane.thread),
            stack: lane.stack.iter().filter_map(frame).collect(),
            has_run: lane.has_run,
            is_done,
        }
    }

    /// The fields of an open span as far as they have been recorded.
    fn fields_of(&self, number: u32, open: &OpenSpan) -> Vec<Field> {
        let spans = &self.index.spans;
        if open.record > 0 {
            let places = self.places_of_fields(number, open.record);
            return places.into_iter().flat_map(|place| self.fields_at(place)).collect();
        }
        // Most have only what they were opened with, and thousands may be open.
        let found =
            spans.has_fields(number).then(|| self.store.open_at(spans.seq(number), spans.at(number), open.span));
        match found.flatten() {
            Some((ItemKind::Open { fields, .. }, tables)) => owned(fields, tables),
            _ => Vec::new(),
        }
    }

    /// The places of the event that opened a span with fields, and of those that recorded some, up to a record of its.
    pub(super) fn places_of_fields(&self, number: u32, last: u64) -> Vec<u64> {
        let mut places = Vec::new();
        let mut record = last;
        while let Some(&(place, before)) = record.checked_sub(1).and_then(|at| self.index.records.get(at as usize)) {
            places.push(place);
            record = before;
        }
        if self.index.spans.has_fields(number) {
            places.push(self.index.spans.seq(number));
        }
        places.reverse();
        places
    }

    /// The fields that the event at a place opened a span with, or recorded.
    pub(super) fn fields_at(&self, place: u64) -> Vec<Field> {
        let found = self.store.items(place).next();
        let Some((_, Item { kind: ItemKind::Open { fields, .. } | ItemKind::Record { fields, .. }, .. }, tables)) =
            found
        else {
            return Vec::new();
        };
        owned(fields, tables)
    }
}

fn owned(fields: ItemFields<'_>, tables: &Tables) -> Vec<Field> {
    let name = |name: u32| tables.strings[name as usize].clone();
    fields.iter().map(|(number, value)| Field { name: name(number), value: value.into() }).collect()
}
