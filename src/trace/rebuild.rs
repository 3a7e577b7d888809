//! A state with names and fields, made from its outline and the tables of the log.

use std::sync::Arc;

use super::event::keep_last;
use super::outline::{Entered, LaneOutline, OpenSpan, Outline};
use super::{Field, Frame, Item, ItemFields, ItemKind, Lane, LaneKind, Log, State, Tables, Thread, ThreadId};

impl Log {
    /// The outline after the first `cursor` events: the one kept before, and what has happened since.
    pub(super) fn outline_at(&self, cursor: u64) -> Outline {
        let (place, mut outline) = self.index.outlines.before(cursor);
        let items = self.store.items(place).take((cursor - place) as usize);
        for (place, item, tables) in items {
            let number = item.kind.moved().and_then(|span| self.index.spans.number(span));
            // Whoever says so may be wrong: a span is opened once, and so is a lane.
            let is_new = match item.kind {
                ItemKind::Open { .. } => number.is_some_and(|number| self.index.spans.seq(number) == place),
                ItemKind::LaneOpen { .. } => self.lane(item.lane).is_some_and(|lane| lane.open.0.0 == place),
                _ => true,
            };
            outline.apply(item.lane, tables.threads[item.thread as usize].id, &item.kind, number, is_new);
        }
        outline
    }

    pub(super) fn state_of(&self, outline: &Outline) -> State {
        let mut lanes: Vec<Arc<Lane>> = Vec::with_capacity(outline.lanes.len() + outline.done.len());
        lanes.extend(outline.lanes.iter().map(|lane| Arc::new(self.lane_of(lane, false))));
        lanes.extend(outline.done.iter().map(|lane| Arc::new(self.lane_of(lane, true))));
        lanes.sort_by_key(|lane| lane.id);
        let id = |number: u32| self.index.spans.id(number);
        let entered = |all: &Vec<Entered>| all.iter().map(|entered| (id(entered.number), entered.lane)).collect();
        let threads = outline.threads.iter().filter(|entry| !entry.1.is_empty());
        let threads = threads.map(|(thread, all)| (*thread, entered(all))).collect();
        let done = outline.done.iter().map(|lane| lane.id).collect();
        let known = outline.held.iter().map(|stop| stop.thread);
        let known = known.chain(outline.threads.iter().filter(|entry| !entry.1.is_empty()).map(|entry| entry.0));
        let names = known.map(|thread| (thread, self.thread(thread))).collect();
        let Outline { held, paused, last_entered, .. } = outline;
        State { lanes, done, threads, names, held: held.clone(), paused: *paused, last_entered: last_entered.map(id) }
    }

    fn thread(&self, id: ThreadId) -> Arc<Thread> {
        let known = self.index.threads.get(&id).cloned();
        known.unwrap_or_else(|| Arc::new(Thread { id, name: Arc::default() }))
    }

    fn lane_of(&self, lane: &LaneOutline, is_done: bool) -> Lane {
        let record = self.lane(lane.id);
        let frame = |open: &OpenSpan| {
            let (number, spans) = (open.number, &self.index.spans);
            Frame {
                span: spans.id(number),
                parent: spans.parent(number).map(|parent| spans.id(parent)),
                callsite: self.index.callsite(spans.callsite(number)).clone(),
                fields: self.fields_of(open),
                opened: spans.opened(number),
                enters: open.enters,
                is_entered: open.is_entered(),
            }
        };
        Lane {
            id: lane.id,
            name: record.map_or_else(Arc::default, |record| record.name.clone()),
            kind: record.map_or(LaneKind::Thread, |record| record.kind),
            thread: self.thread(lane.thread),
            stack: lane.stack.iter().map(frame).collect(),
            has_run: lane.has_run,
            is_done,
        }
    }

    /// The fields of an open span as far as they have been recorded.
    fn fields_of(&self, open: &OpenSpan) -> Vec<Field> {
        let number = open.number;
        if open.record > 0 {
            return self.remembered(self.places_of_fields(number, open.record));
        }
        // Most have only what they were opened with, and thousands may be open.
        self.opened_with(number)
    }

    /// The fields that a span was opened with.
    pub(super) fn opened_with(&self, number: u32) -> Vec<Field> {
        let spans = &self.index.spans;
        let found =
            spans.has_fields(number).then(|| self.store.open_at(spans.seq(number), spans.at(number), spans.id(number)));
        match found.flatten() {
            Some((ItemKind::Open { fields, .. }, tables)) => owned(fields, tables),
            _ => Vec::new(),
        }
    }

    /// Whether one of the events that record fields does so for a span.
    pub(super) fn is_record_of(&self, record: u64, number: u32) -> bool {
        let place = self.index.records.place(record);
        let item = place.and_then(|place| self.store.items(place).next()).map(|found| found.1);
        item.is_some_and(|item| {
            item.lane == self.index.spans.lane(number)
                && item.kind.moved().and_then(|span| self.index.spans.number(span)) == Some(number)
        })
    }

    /// What is remembered of the fields that the events at some places have.
    pub(super) fn remembered(&self, places: Vec<u64>) -> Vec<Field> {
        let mut fields = places.into_iter().flat_map(|place| self.fields_at(place)).collect();
        keep_last(&mut fields);
        fields
    }

    /// The places of the event that opened a span with fields, and of those that recorded some and are remembered, up to a
    /// record of its.
    pub(super) fn places_of_fields(&self, number: u32, last: u64) -> Vec<u64> {
        let mut places: Vec<u64> = self.index.records.before(last).collect();
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

#[cfg(test)]
mod tests {
    use super::super::{Callsite, Event, Kind, LaneId, Seq, SpanId, Time, Value};
    use super::*;

    #[test]
    fn what_a_span_has_is_found_by_a_look_at_a_few_events_however_often_it_was_recorded() {
        const TIMES: u64 = 5_000;
        let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
        let callsite = Arc::new(Callsite { name: "handle".into(), target: "t".into(), file: None, line: None });
        let (lane, span, mut log, mut replayed) = (LaneId(1), SpanId(1), Log::new(), State::default());
        let fields = |name: &str, value: u64| vec![Field { name: name.into(), value: Value::U64(value) }];
        let mut push = |log: &mut Log, kind: Kind| {
            let event = Event { seq: Seq(0), time: Time(log.len() as u64), thread: thread.clone(), lane, kind };
            replayed.apply(&event);
            log.push(event);
            let cursor = log.len();
            if cursor.is_multiple_of(197) {
                assert_eq!(log.state_at(cursor), replayed, "cursor {cursor}");
            }
            cursor
        };
        push(&mut log, Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
        push(&mut log, Kind::Open { span, parent: None, callsite, fields: fields("port", 80) });
        for number in 0..TIMES {
            let name = if number % 3 == 0 { "requests" } else { "bytes" };
            push(&mut log, Kind::Record { span, fields: fields(name, number) });
            if number == 7 {
                push(&mut log, Kind::Record { span, fields: fields("once", number) });
            }
        }
        for cursor in [20, 1_000, 1_001, log.len() / 2, log.len()] {
            let record = log.outline_at(cursor as u64).open(lane, 0).unwrap().record;
            let places = log.places_of_fields(0, record);
            assert!(places.len() < 64 && places.is_sorted(), "cursor {cursor}: {places:?}");
            let told: Vec<_> = log.fields(span, cursor).iter().map(|field| field.name.to_string()).collect();
            let count = |name: &str| told.iter().filter(|told| *told == name).count();
            assert_eq!((count("port"), count("once"), count("requests"), count("bytes")), (1, 1, 4, 4));
            assert_eq!(log.recorded(span, "once", cursor), Some((10, Value::U64(7))));
        }
        push(&mut log, Kind::Close { span });
        assert_eq!(log.index.records.histories(), 0);
    }

    #[test]
    fn what_a_span_was_closed_with_is_the_same_however_it_is_found() {
        const SPANS: u64 = 200;
        let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
        let callsite = Arc::new(Callsite { name: "handle".into(), target: "t".into(), file: None, line: None });
        let (mut log, mut replayed, mut expected) = (Log::new(), State::default(), Vec::new());
        let field = |name: &str, value: u64| vec![Field { name: name.into(), value: Value::U64(value) }];
        let mut push = |lane: u32, kind: Kind| {
            let lane = LaneId(lane);
            let event = Event { seq: Seq(0), time: Time(0), thread: thread.clone(), lane, kind };
            if let Kind::Close { span } = event.kind {
                expected.push((span, replayed.frame(span).unwrap().1.fields.clone()));
            }
            replayed.apply(&event);
            log.push(event);
        };
        for lane in 1..=2 {
            push(lane, Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
        }
        for number in 0..SPANS {
            // Of seven that are open at a time each is recorded now and then, none, once or often.
            let (span, lane) = (SpanId(number + 1), number as u32 % 2 + 1);
            let fields = if number % 3 == 0 { Vec::new() } else { field("port", number) };
            push(lane, Kind::Open { span, parent: None, callsite: callsite.clone(), fields });
            for back in (0..7).filter(|back| *back <= number && (number - back) % 7 < 1 + number % 4) {
                let span = number - back;
                push(span as u32 % 2 + 1, Kind::Record { span: SpanId(span + 1), fields: field("again", number) });
            }
            if let Some(over) = number.checked_sub(6) {
                push(over as u32 % 2 + 1, Kind::Close { span: SpanId(over + 1) });
            }
        }
        let counts: std::collections::HashSet<usize> = expected.iter().map(|(_, fields)| fields.len()).collect();
        assert!(counts.len() > 3 && expected.len() as u64 == SPANS - 6, "{counts:?}");
        for (span, fields) in expected {
            assert_eq!(log.fields(span, log.len()), fields, "{span}");
        }
    }
}
