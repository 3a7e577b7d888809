//! What a log of ten million spans costs: loading, a state at a cursor, an event, a whole picture.
//!
//! `cargo bench --bench log` prints a table; a number is another number of spans, the word `load` leaves out the rest. Two programs are made up, in
//! memory: a loop on one thread, and 500 connections on four, with thousands that have come and gone.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use spanwalk::lesson::Book;
use spanwalk::trace::{
    Callsite, Chain, ChainStep, Chunk, Event, Field, Key, Kind, LaneId, LaneKind, Log, LoopState, Packer, Seq, SpanId,
    State, Thread, ThreadId, Time, Value, call_stats,
};
use spanwalk::tui::{Action, Material, Sources, Theme, Ui, draw};

/// Events a chunk.
const CHUNK: u32 = 25_000;

fn main() {
    let spans = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    for (name, chunks) in [("a loop", looping(spans)), ("500 lanes", serving(spans))] {
        println!("{name}");
        let log = load(&chunks);
        drop(chunks);
        if !std::env::args().any(|word| word == "load") {
            measure(log);
        }
    }
}

fn load(chunks: &[Chunk]) -> Log {
    let begin = Instant::now();
    let mut log = Log::new();
    let mut slowest = Duration::ZERO;
    for chunk in chunks {
        let begin = Instant::now();
        log.append(chunk).expect("a chunk that was packed is a chunk");
        slowest = slowest.max(begin.elapsed());
    }
    let took = begin.elapsed();
    let (spans, memory) = (log.span_count() as f64, log.memory());
    println!(
        "  load          {took:.2?}, {:.2} M spans/s; slowest chunk {slowest:.2?}",
        spans / took.as_secs_f64() / 1e6
    );
    println!("  events        {} in {} spans, {} lanes", log.len(), log.span_count(), log.lanes().len());
    println!(
        "  memory        {:.1} B a span packed, {:.1} B index",
        memory.packed as f64 / spans,
        memory.index as f64 / spans
    );
    log
}

fn measure(log: Log) {
    let mut random = Random(7);
    let mut anywhere = |len: usize| (random.next() % len as u64) as usize;
    let len = log.len();
    let cursors: Vec<usize> = (0..2_000).map(|_| anywhere(len)).collect();
    let at = |name: &str, of: &mut dyn FnMut(usize)| {
        let took = cursors.iter().map(|cursor| {
            let begin = Instant::now();
            of(*cursor);
            begin.elapsed()
        });
        report(name, took.collect());
    };
    at("event", &mut |cursor| drop(black_box(log.event(cursor))));
    at("state_at", &mut |cursor| drop(black_box(log.state_at(cursor))));
    at("cursor_at", &mut |cursor| {
        black_box(log.cursor_at_raw(log.time_at(cursor)));
    });
    at("call_stats", &mut |_| drop(black_box(call_stats(&log))));
    loop_pictures(&log, &cursors);
    frames(log);
}

/// The event loop at a cursor with forty of its turns, taken as if the calls of `turn` were its polls.
fn loop_pictures(log: &Log, cursors: &[usize]) {
    let step = |(id, name): (&str, &str)| ChainStep {
        id: id.to_owned(),
        key: Key { name: name.to_owned(), target: "app".to_owned() },
    };
    let steps = [("hub.run", "run"), ("loop.poll", "turn"), ("do_read", "request"), ("start_accepting", "run")];
    let chain = Chain::new(steps.map(step).to_vec());
    let took = cursors.iter().map(|cursor| {
        let state = log.state_at(*cursor);
        let begin = Instant::now();
        black_box(LoopState::new(log, &chain, &state, *cursor, 40));
        begin.elapsed()
    });
    report("loop picture", took.collect());
}

struct Nothing;

impl Sources for Nothing {
    fn source(&self, _: &str) -> Option<&str> {
        None
    }
}

/// Pictures at several zooms, each at many cursors: the move of the cursor and the drawing.
fn frames(log: Log) {
    let book = Book::embedded();
    let chain = book.chain();
    let material = Material { chain: &chain, book: &book, sources: &Nothing };
    let (len, has_groups) = (log.len(), log.lane_groups().next().is_some());
    let mut ui = Ui::new(log, material, (200, 60), Theme::default());
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
    let mut random = Random(9);
    // A click gives it the keys.
    ui.act(Action::Click(100, 50));
    ui.act(Action::Drop);
    for (name, action) in [
        ("frame, panes", Action::Fit),
        ("frame, timeline", Action::ZoomPane),
        ("frame, unfolded", Action::FoldLanes),
        ("panes, unfolded", Action::ZoomPane),
    ] {
        if name.ends_with("unfolded") && !has_groups {
            continue;
        }
        ui.act(action);
        let mut all = Vec::new();
        for zoom in [0, 1, 4, 8, 12, 16, 20, 24] {
            let mut of_zoom = Vec::new();
            for _ in 0..100 {
                let cursor = (random.next() % len as u64) as usize;
                ui.set_cursor(cursor);
                ui.act(Action::Fit);
                for _ in 0..14 {
                    ui.act(Action::ZoomOut);
                }
                for _ in 0..zoom {
                    ui.act(Action::ZoomIn);
                }
                let begin = Instant::now();
                ui.set_cursor(cursor);
                buffer.reset();
                draw(&mut buffer, &ui);
                of_zoom.push(begin.elapsed());
            }
            report(&format!("  zoom {zoom}"), of_zoom.clone());
            all.extend(of_zoom);
        }
        report(name, all);
    }
}

fn report(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() * share / 1000).min(took.len() - 1)];
    println!("  {name:<16} median {:>9.2?}   p99 {:>9.2?}   worst {:>9.2?}", at(500), at(990), at(1000));
}

/// A multiplicative generator: the same picture in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// Packs a made-up program.
struct Maker {
    packer: Packer,
    state: State,
    chunks: Vec<Chunk>,
    next: u64,
    in_chunk: u32,
    time: u64,
    spans: u64,
    callsites: Vec<Arc<Callsite>>,
    threads: Vec<Arc<Thread>>,
    field: Arc<str>,
    random: Random,
}

impl Maker {
    fn new() -> Self {
        let names = ["run", "serve", "turn", "poll", "handle", "request", "parse", "query", "row", "reply"];
        let callsite = |(line, name): (usize, &&str)| {
            let file = Some(format!("src/{name}.rs").into());
            Arc::new(Callsite { name: (*name).into(), target: "app".into(), file, line: Some(line as u32) })
        };
        let thread = |id: u32| Arc::new(Thread { id: ThreadId(id), name: format!("thread-{id}").into() });
        let mut packer = Packer::default();
        packer.begin(Seq(0));
        packer.begin_events();
        Self {
            packer,
            state: State::default(),
            chunks: Vec::new(),
            next: 0,
            in_chunk: 0,
            time: 0,
            spans: 0,
            callsites: names.iter().enumerate().map(callsite).collect(),
            threads: (1..=4).map(thread).collect(),
            field: "number".into(),
            random: Random(1),
        }
    }

    fn event(&mut self, thread: usize, lane: u32, kind: Kind) {
        self.time += 20 + self.random.next() % 60;
        let (thread, seq) = (self.threads[thread].clone(), Seq(self.next));
        let event = Event { seq, time: Time(self.time), thread, lane: LaneId(lane), kind };
        self.packer.event(&event);
        self.state.apply(&event);
        self.next += 1;
        self.in_chunk += 1;
        if self.in_chunk == CHUNK {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.chunks.push(self.packer.chunk());
        self.in_chunk = 0;
        self.packer.begin(Seq(self.next));
        for event in self.state.open_set() {
            self.packer.event(&event);
        }
        self.packer.begin_events();
    }

    fn finish(mut self) -> Vec<Chunk> {
        if self.in_chunk > 0 {
            self.cut();
        }
        self.chunks
    }

    fn lane(&mut self, lane: u32, name: &str, kind: LaneKind) {
        self.event(0, lane, Kind::LaneOpen { name: name.into(), kind });
    }

    /// Opens a span with a field and enters it.
    fn enter(&mut self, thread: usize, lane: u32, parent: Option<SpanId>, callsite: usize) -> SpanId {
        self.spans += 1;
        let span = SpanId(self.spans);
        let fields = vec![Field { name: self.field.clone(), value: Value::U64(self.spans % 1_000) }];
        let callsite = self.callsites[callsite].clone();
        self.event(thread, lane, Kind::Open { span, parent, callsite, fields });
        self.event(thread, lane, Kind::Enter { span });
        span
    }

    fn leave(&mut self, thread: usize, lane: u32, span: SpanId) {
        self.event(thread, lane, Kind::Exit { span });
        self.event(thread, lane, Kind::Close { span });
    }
}

/// One thread, one lane, calls six deep.
fn looping(spans: u64) -> Vec<Chunk> {
    let mut m = Maker::new();
    m.lane(1, "main", LaneKind::Thread);
    let run = m.enter(0, 1, None, 0);
    let serve = m.enter(0, 1, Some(run), 1);
    while m.spans < spans {
        let turn = m.enter(0, 1, Some(serve), 2);
        let handle = m.enter(0, 1, Some(turn), 4);
        for callsite in [5, 6] {
            let request = m.enter(0, 1, Some(handle), callsite);
            for _ in 0..3 {
                let query = m.enter(0, 1, Some(request), 7);
                for _ in 0..m.random.next() % 4 {
                    let row = m.enter(0, 1, Some(query), 8);
                    m.leave(0, 1, row);
                }
                m.leave(0, 1, query);
            }
            m.leave(0, 1, request);
        }
        m.leave(0, 1, handle);
        m.leave(0, 1, turn);
        if m.random.next().is_multiple_of(10_000) {
            m.time += 1_000_000;
        }
    }
    m.finish()
}

/// Four threads, 500 connections at a time; each ends at some time and another comes.
fn serving(spans: u64) -> Vec<Chunk> {
    let mut m = Maker::new();
    let mut lanes: Vec<(u32, SpanId, SpanId)> = Vec::new();
    let mut count = 0;
    while m.spans < spans {
        if lanes.len() < 500 {
            count += 1;
            m.lane(count, &format!("conn-{count}"), LaneKind::Task);
            let handle = m.enter(0, count, None, 4);
            let serve = m.enter(0, count, Some(handle), 1);
            m.event(0, count, Kind::Exit { span: serve });
            m.event(0, count, Kind::Exit { span: handle });
            lanes.push((count, handle, serve));
            continue;
        }
        let at = (m.random.next() % 500) as usize;
        let (lane, handle, serve) = lanes[at];
        let thread = (m.random.next() % 4) as usize;
        m.event(thread, lane, Kind::Enter { span: handle });
        m.event(thread, lane, Kind::Enter { span: serve });
        for _ in 0..4 {
            let request = m.enter(thread, lane, Some(serve), 5);
            for callsite in [6, 7, 9] {
                let part = m.enter(thread, lane, Some(request), callsite);
                m.leave(thread, lane, part);
            }
            m.leave(thread, lane, request);
        }
        m.event(thread, lane, Kind::Exit { span: serve });
        m.event(thread, lane, Kind::Exit { span: handle });
        if m.random.next().is_multiple_of(20) {
            m.event(thread, lane, Kind::Close { span: serve });
            m.event(thread, lane, Kind::Close { span: handle });
            m.event(thread, lane, Kind::LaneClose);
            lanes.swap_remove(at);
        } else {
            let to = LaneId(lanes[(m.random.next() % 500) as usize].0);
            m.event(thread, lane, Kind::Switch { to, reason: None });
        }
    }
    m.finish()
}
