//! A log's answers beside those of a slow and obvious model that keeps every event and walks them all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod programs;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use programs::log;
use proptest::prelude::*;
use spanwalk::trace::{
    Bar, Callsite, Cell, Chain, ChainStep, Edge, Event, Field, Finder, Key, Kind, LaneId, LaneKind, Line, LineChoice,
    Log, Lookout, Packer, Query, Seq, SpanId, State, Tally, Thread, ThreadId, Time, Timeline, Value, Wanted, Window,
    call_stats,
};

/// What is known of a span by walking all events.
#[derive(Default)]
struct Walked {
    lane: Option<LaneId>,
    parent: Option<SpanId>,
    callsite: Option<Arc<Callsite>>,
    depth: usize,
    open: (u64, u64),
    close: Option<(u64, u64)>,
    stretches: Vec<(Time, Option<Time>)>,
    entered_at: Option<usize>,
    blocks: bool,
}

/// Spans, runs of lanes, and time of their own by callsite, by walking all events.
#[derive(Default)]
struct Model {
    spans: BTreeMap<SpanId, Walked>,
    runs: HashMap<LaneId, Vec<(Time, Option<Time>)>>,
    own: HashMap<String, u64>,
}

impl Model {
    fn new(log: &Log) -> Self {
        let mut model = Self::default();
        let mut threads: BTreeMap<ThreadId, Vec<(SpanId, LaneId)>> = BTreeMap::new();
        let mut before = Time(0);
        for (at, event) in log.events_in(..).enumerate() {
            let clock = log.clock();
            let passed = clock.program(event.time).since(clock.program(before));
            before = event.time;
            for (span, _) in model.running(&threads) {
                let name = model.spans[&span].callsite.as_ref().unwrap().name.to_string();
                *model.own.entry(name).or_default() += passed;
            }
            let was: Vec<LaneId> = model.running(&threads).into_iter().map(|entry| entry.1).collect();
            model.take(at, &event, &mut threads);
            let is: Vec<LaneId> = model.running(&threads).into_iter().map(|entry| entry.1).collect();
            for lane in was.iter().filter(|lane| !is.contains(lane)) {
                model.runs.get_mut(lane).unwrap().last_mut().unwrap().1 = Some(event.time);
            }
            for lane in is.iter().filter(|lane| !was.contains(lane)) {
                let runs = model.runs.entry(*lane).or_default();
                if runs.last().is_none_or(|run| run.1.is_some()) {
                    runs.push((event.time, None));
                }
            }
        }
        model
    }

    /// The innermost span and the lane of each thread, unless it blocks.
    fn running(&self, threads: &BTreeMap<ThreadId, Vec<(SpanId, LaneId)>>) -> Vec<(SpanId, LaneId)> {
        let tops = threads.values().filter_map(|stack| stack.last().copied());
        tops.filter(|top| !(self.spans[&top.0].blocks && self.spans[&top.0].close.is_none())).collect()
    }

    fn take(&mut self, at: usize, event: &Event, threads: &mut BTreeMap<ThreadId, Vec<(SpanId, LaneId)>>) {
        let time = event.time;
        match &event.kind {
            Kind::Open { span, parent, callsite, fields } => {
                let around = parent.and_then(|parent| self.spans.get(&parent));
                let depth =
                    around.filter(|around| around.lane == Some(event.lane)).map_or(0, |around| around.depth + 1);
                let walked = Walked {
                    lane: Some(event.lane),
                    parent: *parent,
                    callsite: Some(callsite.clone()),
                    depth,
                    open: (at as u64, time.0),
                    blocks: fields.iter().any(|field| *field.name == *"blocks"),
                    ..Walked::default()
                };
                self.spans.insert(*span, walked);
            }
            Kind::Enter { span } => {
                threads.entry(event.thread.id).or_default().push((*span, event.lane));
                let walked = self.spans.get_mut(span).unwrap();
                walked.entered_at.get_or_insert(at);
                walked.stretches.push((time, None));
            }
            Kind::Exit { span } => {
                let stack = threads.entry(event.thread.id).or_default();
                if let Some(at) = stack.iter().rposition(|entered| entered.0 == *span) {
                    stack.remove(at);
                }
                if let Some(last) = self.spans.get_mut(span).unwrap().stretches.last_mut() {
                    last.1 = Some(time);
                }
            }
            Kind::Close { span } => self.spans.get_mut(span).unwrap().close = Some((at as u64, time.0)),
            _ => {}
        }
    }
}

/// The events packed anew, in chunks of so many, each with what was open before it; some come growing.
fn again(whole: &Log, each: usize) -> Log {
    let (mut state, mut packer, mut log) = (State::default(), Packer::default(), Log::new());
    let events: Vec<Event> = whole.events_in(..).collect();
    for run in events.chunks(each) {
        packer.begin(run[0].seq);
        state.open_set().iter().for_each(|event| packer.event(event));
        packer.begin_events();
        for (at, event) in run.iter().enumerate() {
            packer.event(event);
            state.apply(event);
            if at % 16 == 7 {
                log.append(&packer.chunk()).unwrap();
            }
        }
        log.append(&packer.chunk()).unwrap();
    }
    log
}

fn key(name: &str) -> Key {
    Key { name: name.into(), target: "t".into() }
}

fn lanes(log: &Log) -> Vec<LaneId> {
    log.lanes().iter().map(|lane| lane.id).collect()
}

/// The bars of a row, from every span in it; nothing where a crowd shares a column.
fn bars(log: &Log, model: &Model, row: (LaneId, usize), cursor: usize, window: Window, width: u16) -> Option<Vec<Bar>> {
    let (clock, now) = (log.clock(), log.time_at(cursor));
    let column = |raw: Time| {
        let program = clock.program(raw).clamp(window.from, window.to);
        window.column(program, width).unwrap()
    };
    let mut bars: Vec<Bar> = Vec::new();
    let mut opened: HashMap<u16, usize> = HashMap::new();
    let of_row = model.spans.iter().filter(|(_, span)| (span.lane.unwrap(), span.depth) == row);
    for (id, span) in of_row.filter(|(_, span)| (span.open.0 as usize) < cursor) {
        if clock.program(Time(span.open.1)) > window.to {
            continue;
        }
        if clock.program(Time(span.open.1)) >= window.from {
            *opened.entry(column(Time(span.open.1))).or_default() += 1;
        }
        let Some(first) = span.stretches.first().filter(|first| first.0 <= now) else { continue };
        let close = span.close.filter(|close| (close.0 as usize) < cursor).map(|close| Time(close.1));
        let (start, end) = (first.0, close.unwrap_or(now));
        if clock.program(end) < window.from || clock.program(start) > window.to {
            continue;
        }
        let (from, to) = (column(start), column(end).max(column(start)));
        let mut cells = vec![Cell::Waiting; usize::from(to - from) + 1];
        for (enter, exit) in &span.stretches {
            for (begin, over) in model.runs.get(&row.0).into_iter().flatten() {
                let begin = (*begin).max(*enter);
                let over = over.unwrap_or(now).min(exit.unwrap_or(now)).min(now);
                if begin > over || clock.program(over) < window.from || clock.program(begin) > window.to {
                    continue;
                }
                for at in column(begin)..=column(over) {
                    if let Some(cell) = cells.get_mut(usize::from(at.saturating_sub(from))) {
                        *cell = Cell::Busy;
                    }
                }
            }
        }
        let has_start = clock.program(start) >= window.from;
        let has_end = close.is_some_and(|close| clock.program(close) <= window.to);
        let callsite = span.callsite.clone().unwrap();
        bars.push(Bar { span: *id, callsite, from, cells, has_start, has_end, count: 1 });
    }
    if opened.values().any(|count| *count > 4) {
        return None;
    }
    // Of those that begin in one column the longest is seen, the first of equals.
    bars.sort_by_key(|bar| (bar.from, std::cmp::Reverse(bar.cells.len())));
    bars.dedup_by(|other, kept| {
        let is_same = other.from == kept.from;
        kept.count += usize::from(is_same);
        is_same
    });
    Some(bars)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_are_what_a_walk_over_all_events_finds(whole in log(), each in 1..200_usize) {
        let model = Model::new(&whole);
        let packed = again(&whole, each);
        for log in [&whole, &packed] {
            prop_assert_eq!(log.span_count(), model.spans.len());
            for (id, walked) in &model.spans {
                let span = log.span(*id).unwrap();
                let at = |(seq, time)| (Seq(seq), Time(time));
                prop_assert_eq!((span.id, Some(span.lane), span.parent), (*id, walked.lane, walked.parent));
                prop_assert_eq!((span.depth, Some(span.callsite)), (walked.depth, walked.callsite.clone()));
                prop_assert_eq!((span.open, span.close), (at(walked.open), walked.close.map(at)));
                prop_assert_eq!(span.entered, walked.stretches.first().map(|first| first.0));
                prop_assert_eq!(log.stretches(*id).collect::<Vec<_>>(), walked.stretches.clone());
            }
            prop_assert_eq!(log.span(SpanId(0)), None);
            prop_assert_eq!(log.span(SpanId(model.spans.len() as u64 + 1)), None);
        }
    }

    #[test]
    fn a_state_is_what_replaying_all_events_gives(whole in log(), each in 1..200_usize) {
        let packed = again(&whole, each);
        let mut replayed = State::default();
        for (cursor, event) in whole.events_in(..).enumerate() {
            prop_assert_eq!(&whole.state_at(cursor), &replayed, "cursor {}", cursor);
            prop_assert_eq!(&packed.state_at(cursor), &replayed, "packed, cursor {}", cursor);
            replayed.apply(&event);
            // The event just before the cursor says whose fields may have changed.
            if let Some((_, frame)) = event.kind.span().and_then(|span| replayed.frame(span)) {
                prop_assert_eq!(&whole.fields(frame.span, cursor + 1), &frame.fields);
                let found = packed.recorded(frame.span, "n", cursor + 1).map(|found| found.1);
                prop_assert_eq!(found.as_ref(), frame.field("n"));
            }
        }
        prop_assert_eq!(whole.latest(), &replayed);
        prop_assert_eq!(packed.latest(), &replayed);
    }

    #[test]
    fn events_and_times_are_found_at_any_place(whole in log(), each in 1..200_usize, time in 0..6_000_u64) {
        let packed = again(&whole, each);
        let events: Vec<Event> = whole.events_in(..).collect();
        for log in [&whole, &packed] {
            prop_assert_eq!(log.len(), events.len());
            for (at, event) in events.iter().enumerate() {
                let found = log.event(at);
                prop_assert_eq!(found.as_ref(), Some(event));
                prop_assert_eq!(log.time_at(at + 1), event.time);
            }
            prop_assert_eq!(log.event(events.len()), None);
            let times = events.iter().step_by(5).map(|event| event.time);
            for time in times.chain([Time(time)]) {
                let until = events.iter().take_while(|event| event.time <= time).count();
                prop_assert_eq!(log.cursor_at_raw(time), until);
            }
        }
    }

    #[test]
    fn calls_of_a_step_are_those_a_walk_finds(whole in log(), at in 0.0..=1.0_f64, each in 1..200_usize) {
        let model = Model::new(&whole);
        let cursor = (whole.len() as f64 * at) as usize;
        let packed = again(&whole, each);
        for log in [&whole, &packed] {
            for name in programs::NAMES {
                let is_it = |span: &&Walked| *span.callsite.as_ref().unwrap().name == *name;
                let mut expected: Vec<(usize, Option<u64>)> = model
                    .spans
                    .values()
                    .filter(is_it)
                    .filter_map(|span| Some((span.entered_at.filter(|at| *at < cursor)?, span.close.map(|close| close.0))))
                    .collect();
                expected.sort_unstable();
                let key = key(name);
                let calls = log.calls(&key, cursor);
                prop_assert_eq!(calls.len(), expected.len());
                let found: Vec<_> = calls.first(usize::MAX).into_iter().map(|call| (call.entered, call.closed)).collect();
                let before = |close: Option<u64>| close.map(|at| at as usize).filter(|at| *at < cursor);
                prop_assert_eq!(found, expected.iter().map(|call| (call.0, before(call.1))).collect::<Vec<_>>());
                prop_assert_eq!(calls.last().map(|call| call.entered), expected.last().map(|call| call.0));
                let first = model.spans.values().filter(is_it).filter_map(|span| span.entered_at).min();
                prop_assert_eq!(log.first_enter(&key), first.map(|at| at + 1));
                let opened = model.spans.values().filter(is_it).any(|span| (span.open.0 as usize) < cursor);
                prop_assert_eq!(log.has_opened(&key, cursor), opened);
            }
        }
    }

    #[test]
    fn statistics_are_those_of_a_walk(whole in log(), each in 1..200_usize) {
        let model = Model::new(&whole);
        let clock = whole.clock();
        let end = whole.time_at(whole.len());
        let packed = again(&whole, each);
        for log in [&whole, &packed] {
            let stats = call_stats(log);
            for call in &stats {
                let is_it = |span: &&Walked| span.callsite.as_ref() == Some(&call.callsite);
                let spans: Vec<&Walked> = model.spans.values().filter(is_it).collect();
                prop_assert_eq!(call.count, spans.len() as u64);
                let took = |span: &&Walked| {
                    let close = span.close.map_or(end, |close| Time(close.1));
                    clock.program(close).since(clock.program(Time(span.open.1)))
                };
                prop_assert_eq!(call.total, spans.iter().map(took).sum::<u64>());
                prop_assert_eq!(call.own, Some(model.own.get(&*call.callsite.name).copied().unwrap_or(0)));
            }
            let all: u64 = stats.iter().map(|call| call.count).sum();
            prop_assert_eq!(all, model.spans.len() as u64);
        }
    }

    #[test]
    fn bars_are_those_of_all_spans_in_the_window(
        whole in log(), at in 0.0..=1.0_f64, from in 0..4_000_u64, length in 1..9_000_u64, width in 1..200_u16,
    ) {
        let model = Model::new(&whole);
        let cursor = (whole.len() as f64 * at) as usize;
        let window = Window { from: Time(from), to: Time(from + length) };
        let timeline = Timeline::new(&whole, &Lookout::default().landmarks(), cursor, window, width, lanes(&whole));
        for lane in lanes(&whole) {
            for depth in 0..40 {
                let Some(expected) = bars(&whole, &model, (lane, depth), cursor, window, width) else { continue };
                let row = timeline.rows.iter().find(|row| (row.lane, row.depth) == (lane, depth));
                let shape = |bar: &Bar| (bar.from, bar.cells.clone(), bar.count);
                let found: Vec<_> = row.into_iter().flat_map(|row| &row.bars).map(shape).collect();
                prop_assert_eq!(found, expected.iter().map(shape).collect::<Vec<_>>(), "lane {} depth {}", lane, depth);
            }
        }
    }

    #[test]
    fn instants_that_are_looked_for_while_the_log_grows_are_those_of_the_whole(whole in log(), each in 1..50_usize) {
        let steps = [("hub.run", 0), ("loop.poll", 1), ("spawn", 2), ("start_accepting", 3), ("worker.run_task", 4)];
        let step = |(id, at): (&str, usize)| ChainStep { id: id.into(), key: key(programs::NAMES[at]) };
        let chain = Chain::new(steps.map(step).to_vec());
        let (mut log, mut lookout) = (Log::new(), Lookout::default());
        let events: Vec<Event> = whole.events_in(..).collect();
        for run in events.chunks(each) {
            run.iter().for_each(|event| log.push(event.clone()));
            lookout.read(&chain, &log);
        }
        prop_assert_eq!(lookout.landmarks(), chain.landmarks(&whole));
    }

    #[test]
    fn what_a_hostile_file_says_breaks_nothing_and_takes_no_more_than_it_is_worth(
        events in prop::collection::vec((0..9_u8, 0..12_usize, 0..12_usize, 0..6_usize, any::<u32>()), 0..300),
    ) {
        const IDS: [u64; 12] = [1, 2, 3, 4, 5, 0, 1 << 40, u64::MAX, 1 << 20, 7, u64::MAX - 1, 6];
        const LANES: [u32; 6] = [1, 2, u32::MAX, 0, 3, 1 << 30];
        let thread = Arc::new(Thread { id: ThreadId(u32::MAX), name: "x".into() });
        let callsite = Arc::new(Callsite { name: "poll".into(), target: "t".into(), file: None, line: None });
        let mut log = Log::new();
        for &(what, span, parent, lane, time) in &events {
            let span = SpanId(IDS[span]);
            let fields = vec![Field { name: "blocks".into(), value: Value::U64(1) }];
            let kind = match what {
                0 => Kind::LaneOpen { name: "lane".into(), kind: LaneKind::Task },
                1 => Kind::LaneClose,
                2 | 3 => {
                    let parent = Some(SpanId(IDS[parent]));
                    Kind::Open { span, parent, callsite: callsite.clone(), fields }
                }
                4 => Kind::Enter { span },
                5 => Kind::Exit { span },
                6 => Kind::Close { span },
                7 => Kind::Record { span, fields },
                _ => Kind::Switch { to: LaneId(LANES[parent % 6]), reason: None },
            };
            let lane = LaneId(LANES[lane]);
            // Some are centuries away.
            let time = if time % 4 == 0 { u64::MAX - u64::from(time) } else { time.into() };
            log.push(Event { seq: Seq(0), time: Time(time), thread: thread.clone(), lane, kind });
        }
        prop_assert_eq!(log.len(), events.len());
        prop_assert!(log.memory().index < 200_000 + events.len() * 2_000, "{:?}", log.memory());
        let window = Window { from: Time(0), to: Time(u64::from(u32::MAX)) };
        for cursor in (0..=log.len()).step_by(7) {
            let state = log.state_at(cursor);
            prop_assert!(log.latest().held().is_empty());
            let chosen = log.lanes_in(window, &state, cursor, 0, 4);
            let timeline = Timeline::new(&log, &Lookout::default().landmarks(), cursor, window, 9, chosen.lanes);
            prop_assert!(timeline.rows.iter().all(|row| row.bars.is_sorted_by(|a, b| a.from < b.from)));
            let _ = (log.calls(&key("poll"), cursor).first(9), log.cursor_at(log.time_at(cursor)));
        }
        for span in log.spans() {
            prop_assert_eq!(log.span(span.id).map(|found| found.open), Some(span.open), "an id is of one span");
            let (mut around, mut depth) = (span.parent, 0);
            while let Some(parent) = around.and_then(|parent| log.span(parent)) {
                (around, depth) = (parent.parent, depth + 1);
                prop_assert!(depth <= log.span_count(), "who is inside whom has an end");
            }
            let _ = (log.fields(span.id, log.len()), log.stretches(span.id).count());
        }
        let _ = call_stats(&log);
        let mut tally = Tally::new(Window { from: Time(0), to: Time(u64::MAX) });
        tally.read(&log, usize::MAX);
        let _ = tally.calls(&log);
        let mut finder = Finder::new("self>1us".parse::<Query>().unwrap());
        finder.read(&log, usize::MAX);
    }
}

/// Lanes that come and go, a call in each, a few at a time.
fn coming_and_going(lanes: u32) -> Log {
    let mut log = Log::new();
    let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
    let callsite = Arc::new(Callsite { name: "call".into(), target: "t".into(), file: None, line: None });
    let mut push = |lane: u32, kind: Kind| {
        let seq = Seq(log.len() as u64);
        log.push(Event { seq, time: Time(seq.0 * 10), thread: thread.clone(), lane: LaneId(lane), kind });
    };
    for lane in 1..=lanes + 3 {
        if lane <= lanes {
            push(lane, Kind::LaneOpen { name: format!("lane-{lane}").into(), kind: LaneKind::Task });
            let span = SpanId(lane.into());
            let fields = vec![Field { name: "lane".into(), value: Value::U64(lane.into()) }];
            push(lane, Kind::Open { span, parent: None, callsite: callsite.clone(), fields });
            push(lane, Kind::Enter { span });
            push(lane, Kind::Exit { span });
        }
        // Every hundredth stays.
        if let Some(over) = lane.checked_sub(3).filter(|over| *over > 0 && over % 100 != 0) {
            push(over, Kind::Close { span: SpanId(over.into()) });
            push(over, Kind::LaneClose);
        }
    }
    log
}

#[test]
fn lanes_that_are_over_are_no_part_of_a_state_for_long_and_of_the_log_for_ever() {
    let log = coming_and_going(1_000);
    let mut replayed = State::default();
    for (cursor, event) in log.events_in(..).enumerate() {
        if cursor % 97 == 0 {
            assert_eq!(log.state_at(cursor), replayed, "cursor {cursor}");
        }
        replayed.apply(&event);
    }
    assert_eq!(*log.latest(), replayed);
    assert_eq!(replayed.lanes().iter().filter(|lane| !lane.is_done).count(), 10);
    assert!(replayed.lanes().len() < 50, "{} lanes", replayed.lanes().len());
    assert_eq!(log.lanes().len(), 1_000);
    let first = log.lane(LaneId(1)).unwrap();
    assert!(&*first.name == "lane-1" && first.is_over(log.len()) && !first.is_over(10));
    assert_eq!(log.fields(SpanId(1), log.len())[0].value, Value::U64(1));
}

#[test]
fn a_screen_gets_the_lanes_that_are_alive_and_of_the_others_those_in_the_window() {
    let log = coming_and_going(1_000);
    #[track_caller]
    fn check(log: &Log, window: (u64, u64), cursor: usize, skip: usize, room: usize) {
        let window = Window { from: Time(window.0), to: Time(window.1) };
        let state = log.state_at(cursor);
        let is_seen = |lane: &&spanwalk::trace::LaneRecord| {
            let is_open = (lane.open.0.0 as usize) < cursor;
            let overlaps = lane.open.1 <= window.to && lane.close.is_none_or(|close| close.1 >= window.from);
            is_open && (!lane.is_over(cursor) || overlaps)
        };
        let seen: Vec<LaneId> = log.lanes().iter().filter(is_seen).map(|lane| lane.id).collect();
        let chosen = log.lanes_in(window, &state, cursor, skip, room);
        assert_eq!(chosen.all, seen.len());
        let rest = &seen[skip.min(seen.len().saturating_sub(1))..];
        let expected: Vec<LaneId> = if rest.len() <= room {
            rest.to_vec()
        } else if skip > 0 {
            rest[..room - 1].to_vec()
        } else {
            let alive = |lane: &&LaneId| !log.lane(**lane).unwrap().is_over(cursor);
            let mut first: Vec<LaneId> =
                rest.iter().filter(alive).chain(rest.iter().filter(|lane| !alive(lane))).copied().collect();
            first.truncate(room - 1);
            first.sort();
            first
        };
        assert_eq!(chosen.lanes, expected);
    }
    for cursor in [0, 1, 50, 1_000, 3_333, log.len()] {
        for window in [(0, 100_000), (0, 90), (20_000, 20_500), (30_000, 31_000), (90_000, 99_000)] {
            for (skip, room) in [(0, 5), (0, 20), (3, 6), (900, 10), (0, 5_000)] {
                check(&log, window, cursor, skip, room);
            }
        }
    }
}

/// What there is room for is a part of what there would be without bounds, with every group in sight at first.
#[test]
fn a_screen_gets_the_lines_of_lanes_and_groups_that_it_has_room_for() {
    let log = coming_and_going(1_000);
    let group = log.lane_groups().next().unwrap();
    assert_eq!((log.lane_groups().count(), group.count(), group.name()), (1, 1_000, "lane-*".to_owned()));
    let here = [LaneId(300)];
    for cursor in [1, 50, 3_333, log.len()] {
        let state = log.state_at(cursor);
        for window in [(0, 100_000), (20_000, 20_500), (30_000, 31_000)] {
            let window = Window { from: Time(window.0), to: Time(window.1) };
            let lines = |is_open: Option<bool>, skip: usize, room: usize| {
                let (here, busy, is_open) = (&here[..], &[LaneId(600)][..], &move |_| is_open);
                log.lines_in(&Wanted { window, state: &state, here, busy, is_open, skip, room })
            };
            let all = lines(Some(true), 0, 5_000);
            assert_eq!((all.lines.len(), lines(None, 0, 5_000)), (all.all, all.clone()));
            let expected = log.lanes_in(window, &state, log.len(), 0, 5_000).lanes;
            assert_eq!(all.lines[1..], expected.iter().copied().map(Line::Lane).collect::<Vec<_>>());
            for (skip, room) in [(1, 5), (7, 1), (300, 20), (999, 4)] {
                let skip = skip.min(all.all - 1);
                let rest = &all.lines[skip..];
                let fits = if rest.len() <= room { rest.len() } else { room - 1 };
                assert_eq!(lines(Some(true), skip, room).lines, rest[..fits]);
            }
            for is_open in [None, Some(false)] {
                let folded = lines(is_open, 0, 9);
                let alive = state.lanes().iter().filter(|lane| !lane.is_done).count();
                let Line::Group { lanes, alive: counted, is_open: false, .. } = folded.lines[0] else { panic!() };
                assert_eq!((lanes, counted), (expected.len(), alive));
                assert_eq!(folded.lines[1..], [Line::Lane(LaneId(300))], "where we are");
            }
            let first = lines(Some(true), 0, 12);
            assert!(matches!(first.lines[0], Line::Group { .. }));
            assert_eq!(first.lines.len(), 11.min(all.all));
            let has = |choice: &LineChoice, lane: u32| choice.lines.contains(&Line::Lane(LaneId(lane)));
            assert!([300, 600].into_iter().all(|lane| has(&first, lane) == has(&all, lane)), "these go first");
        }
    }
}

#[test]
fn what_a_group_does_is_what_any_of_its_lanes_does() {
    let log = coming_and_going(200);
    let group = log.lane_groups().next().unwrap().id;
    let line = Line::Group { id: group, lanes: 0, alive: 0, busy: 0, is_open: false };
    let end = log.time_at(log.len());
    for (from, to) in [(0, end.0), (3_000, 3_400), (end.0 - 200, end.0 + 300)] {
        let window = Window { from: Time(from), to: Time(to) };
        let marks = Lookout::default().landmarks();
        let together = Timeline::of_lines(&log, &marks, log.len(), window, 50, |_| [line]).groups[0].1.clone();
        let each = Timeline::new(&log, &marks, log.len(), window, 50, lanes(&log));
        for (column, cell) in (0_usize..).zip(&together) {
            let cells = each.rows.iter().flat_map(|row| &row.bars);
            let cells = cells.filter_map(|bar| bar.cells.get(column.checked_sub(bar.from.into())?));
            let is_busy = cells.clone().any(|cell| *cell == Cell::Busy);
            assert_eq!(*cell == Some(Cell::Busy), is_busy, "column {column} of {from} to {to}");
            assert!(cell.is_some() || cells.count() == 0, "column {column} of {from} to {to}");
        }
    }
}

#[test]
fn a_crowd_in_a_column_is_one_bar_that_counts_and_a_long_call_behind_it_is_seen() {
    let mut log = Log::new();
    let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
    let callsite = Arc::new(Callsite { name: "call".into(), target: "t".into(), file: None, line: None });
    let mut push = |time: u64, kind: Kind| {
        let seq = Seq(log.len() as u64);
        log.push(Event { seq, time: Time(time), thread: thread.clone(), lane: LaneId(1), kind });
    };
    push(0, Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
    for number in 1..=1_000 {
        let span = SpanId(number);
        push(number, Kind::Open { span, parent: None, callsite: callsite.clone(), fields: Vec::new() });
        push(number, Kind::Enter { span });
        let end = if number == 1_000 { 90_000 } else { number };
        push(end, Kind::Exit { span });
        push(end, Kind::Close { span });
    }
    let window = Window { from: Time(0), to: Time(100_000) };
    let timeline = Timeline::new(&log, &Lookout::default().landmarks(), log.len(), window, 10, [LaneId(1)]);
    let [row] = &*timeline.rows else { panic!("one row") };
    let [bar] = &*row.bars else { panic!("one bar: {:?}", row.bars) };
    assert_eq!((bar.count, bar.span, &*bar.cells), (1_000, SpanId(1_000), &[Cell::Busy; 10][..]));
    // Stops do not last: half of the window is in a stop that is left out.
    let hold = Kind::Hold { span: SpanId(1), edge: Edge::Exit, is_shown: true };
    let last = log.event(log.len() - 1).unwrap();
    log.push(Event { time: Time(90_000), kind: hold, ..last.clone() });
    log.push(Event { time: Time(190_000), kind: Kind::Release { span: SpanId(1), edge: Edge::Exit }, ..last });
    assert_eq!(log.clock().raw(Time(90_000)), Time(90_000));
    assert_eq!(log.clock().raw(Time(90_001)), Time(190_001));
}

#[test]
fn a_lane_does_not_run_while_its_innermost_call_says_that_it_blocks() {
    let mut log = Log::new();
    let thread = Arc::new(Thread { id: ThreadId(1), name: "main".into() });
    let callsite = Arc::new(Callsite { name: "call".into(), target: "t".into(), file: None, line: None });
    let mut push = |time: u64, kind: Kind| {
        let seq = Seq(log.len() as u64);
        log.push(Event { seq, time: Time(time), thread: thread.clone(), lane: LaneId(1), kind });
    };
    let blocks = || vec![Field { name: "blocks".into(), value: Value::from("a task") }];
    let (outer, inner) = (SpanId(1), SpanId(2));
    push(0, Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
    push(0, Kind::Open { span: outer, parent: None, callsite: callsite.clone(), fields: Vec::new() });
    push(0, Kind::Enter { span: outer });
    push(20, Kind::Open { span: inner, parent: Some(outer), callsite, fields: Vec::new() });
    push(20, Kind::Enter { span: inner });
    // It turns out later that it blocks, and it is closed while it is still on the thread.
    push(40, Kind::Record { span: inner, fields: blocks() });
    push(60, Kind::Close { span: inner });
    push(80, Kind::Exit { span: inner });
    push(100, Kind::Exit { span: outer });
    let window = Window { from: Time(0), to: Time(100) };
    let timeline = Timeline::new(&log, &Lookout::default().landmarks(), log.len(), window, 10, [LaneId(1)]);
    let busy: Vec<bool> = timeline.rows[0].bars[0].cells.iter().map(|cell| *cell == Cell::Busy).collect();
    // A run that ends where a column begins is in that column too.
    assert_eq!(busy, [true, true, true, true, true, false, true, true, true, true]);
    assert_eq!(call_stats(&log)[0].own, Some(80));
}

/// A log of one lane and its events, one per ns, each with its thread.
fn one_lane(events: impl IntoIterator<Item = (u32, Kind)>) -> Log {
    let threads = [1, 2].map(|id| Arc::new(Thread { id: ThreadId(id), name: format!("thread {id}").into() }));
    let mut log = Log::new();
    let opens = (1, Kind::LaneOpen { name: "lane".into(), kind: LaneKind::Task });
    for (time, (thread, kind)) in std::iter::once(opens).chain(events).enumerate() {
        let thread = threads[thread as usize - 1].clone();
        log.push(Event { seq: Seq(0), time: Time(time as u64), thread, lane: LaneId(1), kind });
    }
    log
}

fn open(span: SpanId) -> Kind {
    let callsite = Callsite { name: "poll".into(), target: "t".into(), file: None, line: None };
    Kind::Open { span, parent: None, callsite: Arc::new(callsite), fields: Vec::new() }
}

#[test]
fn each_stretch_on_a_thread_ends_when_that_thread_leaves() {
    #[track_caller]
    fn check(events: &[(u32, bool)], expected: &[(u64, Option<u64>)]) {
        let span = SpanId(1);
        let kind = |enters| if enters { Kind::Enter { span } } else { Kind::Exit { span } };
        let events = events.iter().map(|(thread, enters)| (*thread, kind(*enters)));
        let log = one_lane([(1, open(span))].into_iter().chain(events));
        let stretches: Vec<_> = log.stretches(span).map(|(from, to)| (from.0, to.map(|to| to.0))).collect();
        assert_eq!(stretches, expected);
    }
    let (enter, exit) = (true, false);
    check(&[(1, enter), (1, exit), (2, enter), (2, exit)], &[(2, Some(3)), (4, Some(5))]);
    check(&[(1, enter), (2, enter), (2, exit), (1, exit)], &[(2, Some(5)), (3, Some(4))]);
    check(&[(1, enter), (2, enter), (1, exit), (2, exit)], &[(2, Some(4)), (3, Some(5))]);
    check(&[(1, enter), (1, enter), (1, exit), (1, exit)], &[(2, Some(5)), (3, Some(4))]);
    check(&[(1, enter), (2, enter), (2, exit)], &[(2, None), (3, Some(4))]);
    // Who is not in it leaves nothing.
    check(&[(1, enter), (2, exit)], &[(2, None)]);
    check(&[(1, exit), (1, enter), (1, exit)], &[(3, Some(4))]);
}

// Each takes hours if something is looked for among everything that is open or entered.
#[test]
fn a_thread_that_has_entered_much_and_a_lane_of_many_calls_cost_no_more_than_others() {
    const MANY: u64 = 60_000;
    let (outer, inner) = (SpanId(1), SpanId(2));
    let enters = (0..MANY).map(|_| (1, Kind::Enter { span: outer }));
    let inside = (0..MANY).flat_map(|_| [(2, Kind::Enter { span: inner }), (2, Kind::Exit { span: inner })]);
    let exits = (0..MANY).map(|_| (1, Kind::Exit { span: outer }));
    let log = one_lane([(1, open(outer)), (1, open(inner))].into_iter().chain(enters).chain(inside).chain(exits));
    let is_on = |cursor: u64| log.state_at(cursor as usize).frame(outer).unwrap().1.is_entered;
    assert_eq!([3, 4, 3 + MANY, log.len() as u64 - 1, log.len() as u64].map(is_on), [false, true, true, true, false]);

    let spans = || (1..=MANY).map(SpanId);
    let opens = spans().map(|span| (1, open(span)));
    let polls = spans().flat_map(|span| [(1, Kind::Enter { span }), (1, Kind::Exit { span })]);
    let closes = spans().map(|span| (1, Kind::Close { span }));
    let log = one_lane(opens.chain(polls).chain(closes));
    let half = log.state_at(log.len() - MANY as usize / 2);
    let stack = &half.lanes()[0].stack;
    assert_eq!((stack.len() as u64, stack[0].span), (MANY / 2, SpanId(MANY / 2 + 1)));
    assert!(stack.iter().all(|frame| frame.enters == 1 && !frame.is_entered));
    assert!(log.latest().lanes()[0].stack.is_empty());
}
