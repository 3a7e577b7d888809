//! Packed events: what was packed comes back, from any place, and no bytes make the reader panic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chunks;
mod programs;

use std::collections::HashMap;
use std::sync::Arc;

use chunks::pack;
use programs::log;
use proptest::prelude::*;
use spanwalk::trace::{
    Callsite, Chunk, Edge, Event, Field, ItemKind, Kind, LaneId, LaneKind, Log, Packer, Seq, SpanId, State, Tables,
    Thread, ThreadId, Time, Unpacker, Value,
};

/// All events of a log.
fn events(log: &Log) -> Vec<Event> {
    log.events_in(..).collect()
}

/// What lanes lost.
fn dropped(log: &Log) -> HashMap<LaneId, u64> {
    let lanes = log.lanes().iter().map(|lane| lane.id).chain([LaneId::NONE]);
    lanes.map(|lane| (lane, log.dropped_in(lane))).filter(|lost| lost.1 > 0).collect()
}

/// The open set and the events of a chunk.
fn unpack(chunk: &Chunk) -> (Vec<Event>, Vec<Event>) {
    let mut unpacker = Unpacker::new(&chunk.bytes, Tables::default());
    let (mut open, mut events) = (Vec::new(), Vec::new());
    while let Some(item) = unpacker.next_item().unwrap() {
        if open.len() < chunk.open as usize {
            open.push(unpacker.event(&item, Seq(open.len() as u64)));
        } else {
            events.push(unpacker.event(&item, Seq(chunk.first.0 + events.len() as u64)));
        }
    }
    assert_eq!(events.len(), chunk.count as usize);
    (open, events)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_packed_is_unpacked(whole in log(), each in 1..300_usize) {
        let chunks = pack(&events(&whole), each);
        let back: Vec<Event> = chunks.iter().flat_map(|chunk| unpack(chunk).1).collect();
        prop_assert_eq!(back, events(&whole));
        let mut before = State::default();
        for chunk in &chunks {
            let (open, events) = unpack(chunk);
            prop_assert_eq!(open, before.open_set(), "a chunk begins with what was open");
            let times: Vec<Time> = events.iter().map(|event| event.time).collect();
            prop_assert_eq!(chunk.times, (*times.iter().min().unwrap(), *times.iter().max().unwrap()));
            events.iter().for_each(|event| before.apply(event));
        }
    }

    #[test]
    fn chunks_make_the_log_again_also_if_they_come_growing(whole in log(), each in 1..300_usize) {
        let mut back = Log::new();
        for chunk in pack(&events(&whole), each) {
            back.append(&chunk).unwrap();
        }
        prop_assert_eq!(events(&back), events(&whole));
        let (mut growing, mut packer) = (Log::new(), Packer::default());
        packer.begin(Seq(0));
        packer.begin_events();
        for (at, event) in whole.events_in(..).enumerate() {
            packer.event(&event);
            if at % 5 == 0 || at + 1 == whole.len() {
                growing.append(&packer.chunk()).unwrap();
            }
        }
        prop_assert_eq!(events(&growing), events(&whole));
    }

    #[test]
    fn a_chunk_that_is_missing_is_bridged(whole in log(), each in 1..60_usize, lost in 0..20_usize) {
        let mut chunks = pack(&events(&whole), each);
        prop_assume!(lost + 1 < chunks.len());
        let gone = chunks.remove(lost);
        let mut back = Log::new();
        for chunk in &chunks {
            back.append(chunk).unwrap();
        }
        prop_assert_eq!(back.dropped(), u64::from(gone.count));
        let mut expected: HashMap<LaneId, u64> = HashMap::new();
        for event in whole.events_in(gone.first.0 as usize..chunks[lost].first.0 as usize) {
            *expected.entry(event.lane).or_default() += 1;
        }
        prop_assert_eq!(dropped(&back), expected, "each lane knows what it lost");
        prop_assert_eq!(back.latest().paused(), whole.latest().paused());
        let stacks = |log: &Log| -> Vec<_> {
            let lanes = log.latest().lanes().iter().filter(|lane| !lane.is_done);
            lanes.map(|lane| lane.stack.iter().map(|frame| (frame.span, frame.is_entered)).collect::<Vec<_>>()).collect()
        };
        prop_assert_eq!(stacks(&back), stacks(&whole), "what is open survives");
    }

    #[test]
    fn a_chunk_says_how_many_events_each_of_its_lanes_had_before(whole in log(), each in 1..60_usize) {
        let mut expected: HashMap<LaneId, u64> = HashMap::new();
        let mut is_first = true;
        for chunk in pack(&events(&whole), each) {
            let mut unpacker = Unpacker::new(&chunk.bytes, Tables::default());
            let mut said = HashMap::new();
            for _ in 0..chunk.open {
                let item = unpacker.next_item().unwrap().unwrap();
                if let ItemKind::LaneOpen { before, .. } = item.kind {
                    said.insert(item.lane, before.unwrap());
                }
            }
            prop_assert!(is_first || !said.is_empty());
            prop_assert_eq!(&said, &expected);
            is_first = false;
            unpack(&chunk).1.iter().for_each(|event| *expected.entry(event.lane).or_default() += 1);
        }
    }

    #[test]
    fn of_several_gaps_every_one_is_told_once(whole in log(), each in 1..30_usize, kept in any::<u64>()) {
        let chunks = pack(&events(&whole), each);
        let (mut back, mut shorter, mut expected) = (Log::new(), Log::new(), HashMap::<LaneId, u64>::new());
        let mut lost = HashMap::<LaneId, u64>::new();
        for (at, chunk) in chunks.iter().enumerate() {
            if kept >> (at % 64) & 1 == 0 {
                unpack(chunk).1.iter().for_each(|event| *lost.entry(event.lane).or_default() += 1);
                continue;
            }
            back.append(chunk).unwrap();
            shorter.append(chunk).unwrap();
            lost.drain().for_each(|(lane, count)| *expected.entry(lane).or_default() += count);
            // What is not of the recording does not count.
            let kind = Kind::Note { span: None, callsite: callsite(None, None), fields: vec![] };
            let template = shorter.event(0).unwrap();
            for lane in [1, 2, 1] {
                shorter.push(Event { lane: LaneId(lane), kind: kind.clone(), ..template.clone() });
            }
        }
        prop_assert_eq!(dropped(&back), expected.clone());
        prop_assert_eq!(dropped(&shorter), expected);
        let said = back.events_in(..).filter_map(|event| match event.kind {
            Kind::Dropped { count } => Some(count),
            _ => None,
        });
        prop_assert_eq!(said.sum::<u64>(), back.gaps().iter().map(|gap| gap.missing).sum::<u64>());
    }

    #[test]
    fn reading_may_begin_at_any_position(whole in log()) {
        for chunk in pack(&events(&whole), 500) {
            let mut all = Unpacker::new(&chunk.bytes, Tables::default());
            let (mut items, mut positions) = (Vec::new(), Vec::new());
            loop {
                positions.extend(all.position().map(|position| (items.len(), position)));
                let Some(item) = all.next_item().unwrap() else { break };
                items.push(item);
            }
            for (at, position) in positions {
                let mut again = Unpacker::new(&chunk.bytes, all.tables().clone());
                again.seek(position);
                for item in &items[at..] {
                    prop_assert_eq!(&again.next_item().unwrap().unwrap(), item);
                }
            }
        }
    }

    #[test]
    fn a_chunk_that_grows_keeps_its_beginning(whole in log()) {
        let mut packer = Packer::default();
        packer.begin(Seq(0));
        packer.begin_events();
        let mut before = Vec::new();
        for (at, event) in whole.events_in(..).enumerate() {
            packer.event(&event);
            if at % 3 == 0 {
                let now = packer.chunk();
                prop_assert!(now.bytes.starts_with(&before));
                prop_assert_eq!(unpack(&now).1, whole.events_in(..=at).collect::<Vec<_>>());
                before = now.bytes.to_vec();
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0..400_usize) {
        let whole = every_kind();
        for start in [&[][..], &pack(&whole, 100)[0].bytes[..at.min(pack(&whole, 100)[0].bytes.len())]] {
            let bytes = [start, &std::mem::take(&mut bytes)].concat();
            let mut unpacker = Unpacker::new(&bytes, Tables::default());
            let mut seen = 0;
            while let Ok(Some(item)) = unpacker.next_item() {
                let _ = unpacker.event(&item, Seq(seen));
                seen += 1;
                prop_assert!(seen as usize <= bytes.len(), "an item takes a byte at least");
            }
        }
    }
}

fn callsite(file: Option<&str>, line: Option<u32>) -> Arc<Callsite> {
    Arc::new(Callsite { name: "call".into(), target: "app::päth".into(), file: file.map(Into::into), line })
}

/// Every kind of event with every kind of value.
fn every_kind() -> Vec<Event> {
    let thread = |id: u32, name: &str| Arc::new(Thread { id: ThreadId(id), name: name.into() });
    let (main, worker) = (thread(1, "main"), thread(u32::MAX, "worker"));
    let values = [
        Value::Bool(true),
        Value::Bool(false),
        Value::I64(i64::MIN),
        Value::I64(-1),
        Value::U64(u64::MAX),
        Value::I128(i128::MIN),
        Value::U128(u128::MAX),
        Value::F64(-0.5),
        Value::from("tëxt"),
        Value::from(""),
        Value::Span(SpanId(7)),
    ];
    let fields: Vec<Field> = values.into_iter().map(|value| Field { name: "field".into(), value }).collect();
    let span = SpanId(u64::MAX);
    let kinds = [
        Kind::LaneOpen { name: "hub".into(), kind: LaneKind::Task },
        Kind::LaneOpen { name: "request 1".into(), kind: LaneKind::Async },
        Kind::Open { span: SpanId(9), parent: None, callsite: callsite(None, None), fields: fields.clone() },
        Kind::Enter { span: SpanId(9) },
        Kind::Open { span, parent: Some(SpanId(9)), callsite: callsite(Some("a.rs"), Some(u32::MAX)), fields: vec![] },
        Kind::Enter { span },
        Kind::Record { span: SpanId(9), fields: fields.clone() },
        Kind::Note { span: None, callsite: callsite(Some("b.rs"), Some(0)), fields: fields.clone() },
        Kind::Note { span: Some(span), callsite: callsite(None, None), fields: vec![] },
        Kind::Switch { to: LaneId(u32::MAX), reason: None },
        Kind::Switch { to: LaneId(1), reason: Some("because".into()) },
        Kind::Wake { to: LaneId(2), reason: Some("hub".into()) },
        Kind::Hold { span, edge: Edge::Exit, is_shown: true },
        Kind::Hold { span, edge: Edge::Enter, is_shown: false },
        Kind::Release { span, edge: Edge::Exit },
        Kind::Dropped { count: u64::MAX },
        Kind::Exit { span },
        Kind::Close { span },
        Kind::Close { span: SpanId(9) },
        Kind::LaneClose,
    ];
    let mut events = Vec::new();
    for (at, kind) in kinds.into_iter().enumerate() {
        let (thread, lane) = if at % 5 == 4 { (&worker, LaneId(2)) } else { (&main, LaneId(1)) };
        // Time may step back between lanes, and be as large as it likes.
        let time = Time([10, 7, u64::MAX, 11][at % 4]);
        events.push(Event { seq: Seq(at as u64), time, thread: thread.clone(), lane, kind });
    }
    events
}

#[test]
fn every_kind_of_event_and_value_is_packed() {
    let events = every_kind();
    let mut packer = Packer::default();
    packer.begin(Seq(0));
    packer.begin_events();
    events.iter().for_each(|event| packer.event(event));
    let chunk = packer.chunk();
    assert_eq!(unpack(&chunk).1, events);
}

#[test]
fn counts_that_cannot_be_true_lose_no_more_than_is_missing() {
    // A string, a thread, a lane that had as many events as there are numbers, and two wakes in it.
    let mut bytes = b"\x0f\0\x01a\x1f\0\x01\0\x50\0\0\x01\0".to_vec();
    bytes.extend([0xff; 9]);
    bytes.extend(b"\x01\x09\0\x01\x09\0\x01");
    let mut log = Log::new();
    for (first, lost) in [(10, [10, 0]), (20, [10, 8]), (30, [10, 16])] {
        let chunk = Chunk {
            first: Seq(first),
            has_open_set: true,
            open: 1,
            count: 2,
            times: (Time(0), Time(0)),
            bytes: bytes.as_slice().into(),
        };
        log.append(&chunk).unwrap();
        assert_eq!([LaneId(1), LaneId::NONE].map(|lane| log.dropped_in(lane)), lost);
        assert_eq!(log.dropped(), lost.iter().sum::<u64>());
    }
}

#[test]
fn a_call_in_a_loop_takes_few_bytes() {
    let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
    let callsite = Arc::new(Callsite { name: "call".into(), target: "app".into(), file: None, line: Some(3) });
    let name: Arc<str> = "number".into();
    let mut packer = Packer::default();
    packer.begin(Seq(0));
    packer.begin_events();
    let (mut time, calls) = (0, 10_000);
    for number in 1..=calls {
        let span = SpanId(number);
        let fields = vec![Field { name: name.clone(), value: Value::U64(number) }];
        let open = Kind::Open { span, parent: None, callsite: callsite.clone(), fields };
        for kind in [open, Kind::Enter { span }, Kind::Exit { span }, Kind::Close { span }] {
            time += 17;
            packer.event(&Event { seq: Seq(0), time: Time(time), thread: thread.clone(), lane: LaneId(1), kind });
        }
    }
    let each = packer.len() as u64 / calls;
    assert!(each <= 11, "{each} bytes a span");
}

#[test]
fn a_call_with_nothing_in_it_may_take_longer_than_most() {
    const SECOND: u64 = 1_000_000_000;
    let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
    let mut packer = Packer::default();
    packer.begin(Seq(0));
    packer.begin_events();
    let mut say = |seconds: u64, kind| {
        let event = Event { seq: Seq(0), time: Time(seconds * SECOND), thread: thread.clone(), lane: LaneId(1), kind };
        packer.event(&event);
    };
    say(0, Kind::LaneOpen { name: "lane".into(), kind: LaneKind::Thread });
    for number in [0, 1] {
        let (span, begin) = (SpanId(number + 1), number * 100);
        say(begin, Kind::Open { span, parent: None, callsite: callsite(None, None), fields: Vec::new() });
        say(begin + 10, Kind::Enter { span });
        say(begin + 20, Kind::Exit { span });
        say(begin + 30, Kind::Close { span });
    }
    let mut log = Log::new();
    log.append(&packer.chunk()).unwrap();
    for (number, seq) in [(0, 4), (1, 8)] {
        let [enter, exit, close] = [10, 20, 30].map(|after| Time((number * 100 + after) * SECOND));
        let span = log.span(SpanId(number + 1)).unwrap();
        assert_eq!((span.entered, span.close), (Some(enter), Some((Seq(seq), close))));
        assert_eq!(log.stretches(span.id).collect::<Vec<_>>(), [(enter, Some(exit))]);
    }
}
