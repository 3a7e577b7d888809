//! The event loop's screen, over a run by hand: in `spawn`, during the lookup, the answer, two clients accepted.

use std::sync::Arc;

use super::replay::{enter, press};
use super::*;
use crate::trace::{
    Callsite, Chain, ChainStep, Event, Field, Key, Kind, LaneId, LaneKind, Run, Seq, SpanId, Status, Thread, ThreadId,
    Time, Value,
};
use crate::tui::{Material, fixture};

const MAIN: LaneId = LaneId(1);
const HUB: LaneId = LaneId(2);
const WORKER: LaneId = LaneId(3);

/// A run, and the cursors of what happened in it.
struct Told {
    log: Log,
    time: u64,
    spans: u64,
    moments: Vec<(&'static str, usize)>,
}

impl Told {
    fn push(&mut self, lane: LaneId, kind: Kind) {
        self.time += 20_000;
        let (id, name) = if lane == WORKER { (2, "ThreadPoolWorker-1") } else { (1, "MainThread") };
        let thread = Arc::new(Thread { id: ThreadId(id), name: name.into() });
        let seq = Seq(self.log.len() as u64);
        self.log.push(Event { seq, time: Time(self.time), thread, lane, kind });
    }

    fn call(&mut self, lane: LaneId, parent: Option<SpanId>, call: &str, values: &[(&str, Value)]) -> SpanId {
        self.spans += 1;
        let span = SpanId(self.spans);
        let kind = Kind::Open { span, parent, callsite: callsite(call), fields: fields(values) };
        self.push(lane, kind);
        self.push(lane, Kind::Enter { span });
        span
    }

    fn finish(&mut self, lane: LaneId, span: SpanId) {
        self.push(lane, Kind::Exit { span });
        self.push(lane, Kind::Close { span });
    }

    fn record(&mut self, lane: LaneId, span: SpanId, values: &[(&str, Value)]) {
        self.push(lane, Kind::Record { span, fields: fields(values) });
    }

    fn note(&mut self, span: SpanId, values: &[(&str, Value)]) {
        let fields = fields(values);
        self.push(HUB, Kind::Note { span: Some(span), callsite: callsite("event_loop.event"), fields });
    }

    fn mark(&mut self, name: &'static str) {
        self.moments.push((name, self.log.len()));
    }
}

fn callsite(call: &str) -> Arc<Callsite> {
    let (module, name) = call.rsplit_once('.').unwrap();
    let target = format!("spanwalk::server::{module}").into();
    Arc::new(Callsite {
        name: name.into(),
        target,
        file: Some(format!("src/server/{module}.rs").into()),
        line: Some(7),
    })
}

fn fields(values: &[(&str, Value)]) -> Vec<Field> {
    values.iter().map(|(name, value)| Field { name: (*name).into(), value: value.clone() }).collect()
}

fn n(number: u64) -> Value {
    Value::U64(number)
}

fn s(text: &str) -> Value {
    Value::from(text)
}

const STEPS: [(&str, &str); 12] = [
    ("run", "socketio.run"),
    ("spawn", "threadpool.spawn"),
    ("get", "event.get"),
    ("hub.run", "hub.run"),
    ("loop.run", "event_loop.run"),
    ("loop.poll", "event_loop.poll"),
    ("run_callbacks", "event_loop.run_callbacks"),
    ("worker.run_task", "threadpool.run_task"),
    ("on_async", "threadpool.on_async"),
    ("start_accepting", "baseserver.start_accepting"),
    ("do_read", "baseserver.do_read"),
    ("close", "baseserver.close"),
];

fn chain() -> Chain {
    let step = |(id, call): (&str, &str)| {
        let (module, name) = call.rsplit_once('.').unwrap();
        let key = Key { name: name.into(), target: format!("spanwalk::server::{module}") };
        ChainStep { id: id.into(), key }
    };
    Chain::new(STEPS.map(step).to_vec())
}

/// The run. `resolver`: with `block` there is no pool.
fn told(resolver: &str) -> Told {
    let mut t = Told { log: Log::new(), time: 0, spans: 0, moments: Vec::new() };
    t.push(MAIN, Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
    let run = t.call(MAIN, None, "socketio.run", &[("resolver", s(resolver))]);
    t.push(HUB, Kind::LaneOpen { name: "hub".into(), kind: LaneKind::Thread });
    t.mark("begin");
    let (mut hub, mut turns) = (SpanId(0), SpanId(0));
    if resolver == "thread" {
        let spawn = [
            ("func", s("gethostbyaddr")),
            ("argument", s("127.0.0.1")),
            ("semaphore_before", n(11)),
            ("pool_max", n(10)),
        ];
        let spawn = t.call(MAIN, Some(run), "threadpool.spawn", &spawn);
        t.record(MAIN, spawn, &[("semaphore_after", n(10))]);
        t.record(MAIN, spawn, &[("watcher_fd", Value::I64(9))]);
        let put = t.call(MAIN, Some(spawn), "threading.put", &[]);
        t.record(MAIN, put, &[("queued", n(1))]);
        t.finish(MAIN, put);
        t.record(MAIN, spawn, &[("worker", s("worker-1"))]);
        t.mark("in spawn");
        t.push(WORKER, Kind::LaneOpen { name: "worker-1".into(), kind: LaneKind::Thread });
        t.record(MAIN, spawn, &[("pool_size", n(1))]);
        t.finish(MAIN, spawn);
        let get = t.call(MAIN, Some(run), "event.get", &[("reason", s("AsyncResult.get"))]);
        let waits = [("blocks", s("a task")), ("idle_ms", n(5000))];
        let worker = t.call(WORKER, None, "threadpool.run", &[("tasks", n(0))]);
        t.push(MAIN, Kind::Switch { to: HUB, reason: None });
        hub = t.call(HUB, None, "hub.run", &[]);
        turns = t.call(HUB, Some(hub), "event_loop.run", &[]);
        t.mark("starts");
        let poll = [("turn", n(1)), ("watchers", n(1)), ("blocks", s("poll"))];
        let poll = t.call(HUB, Some(turns), "event_loop.poll", &poll);
        let task = [("func", s("gethostbyaddr")), ("argument", s("127.0.0.1"))];
        let task = t.call(WORKER, Some(worker), "threadpool.run_task", &task);
        t.time += 2_000_000;
        t.mark("lookup");
        t.record(WORKER, task, &[("result", s("localhost"))]);
        t.push(WORKER, Kind::Wake { to: HUB, reason: Some("async watcher".into()) });
        t.finish(WORKER, task);
        t.mark("written");
        t.call(WORKER, Some(worker), "threading.get", &waits);
        t.finish(HUB, poll);
        t.note(turns, &[("watcher", s("async watcher")), ("fd", Value::I64(9))]);
        let on_async = t.call(HUB, Some(turns), "threadpool.on_async", &[("semaphore_before", n(10))]);
        t.record(HUB, on_async, &[("semaphore_after", n(11))]);
        t.push(HUB, Kind::Wake { to: MAIN, reason: Some("AsyncResult.set".into()) });
        t.mark("on_async");
        t.finish(HUB, on_async);
        let callbacks = t.call(HUB, Some(turns), "event_loop.run_callbacks", &[("turn", n(1))]);
        t.finish(HUB, callbacks);
        t.note(turns, &[("turn", n(1)), ("woke", s("async watcher on fd 9")), ("callbacks", n(1))]);
        t.push(HUB, Kind::Exit { span: turns });
        t.push(HUB, Kind::Exit { span: hub });
        t.push(HUB, Kind::Switch { to: MAIN, reason: None });
        t.finish(MAIN, get);
        t.mark("away");
    }
    let accepting = t.call(MAIN, Some(run), "baseserver.start_accepting", &[("watcher", s("io"))]);
    t.record(MAIN, accepting, &[("fd", Value::I64(8))]);
    t.finish(MAIN, accepting);
    t.call(MAIN, Some(run), "event.wait", &[("reason", s("stop_event"))]);
    t.push(MAIN, Kind::Switch { to: HUB, reason: None });
    if resolver == "thread" {
        t.push(HUB, Kind::Enter { span: hub });
        t.push(HUB, Kind::Enter { span: turns });
    } else {
        hub = t.call(HUB, None, "hub.run", &[]);
        turns = t.call(HUB, Some(hub), "event_loop.run", &[]);
    }
    let first = if resolver == "thread" { 2 } else { 1 };
    let poll = [("turn", n(first)), ("watchers", n(1)), ("blocks", s("poll"))];
    let poll = t.call(HUB, Some(turns), "event_loop.poll", &poll);
    t.mark("serving");
    t.time += 3_200_000;
    t.finish(HUB, poll);
    t.note(turns, &[("watcher", s("io watcher")), ("fd", Value::I64(8))]);
    let read = t.call(HUB, Some(turns), "baseserver.do_read", &[("fd", Value::I64(8)), ("accepted", n(0))]);
    let mut handlers = Vec::new();
    for at in [1, 2] {
        let lane = LaneId(10 + at);
        t.push(lane, Kind::LaneOpen { name: format!("conn-{at}").into(), kind: LaneKind::Task });
        t.spans += 1;
        let span = SpanId(t.spans);
        let values = fields(&[("fd", n(9 + u64::from(at))), ("reason", s("its socket"))]);
        t.push(lane, Kind::Open { span, parent: None, callsite: callsite("pywsgi.handle"), fields: values });
        t.record(HUB, read, &[("accepted", n(at.into()))]);
        handlers.push((lane, span));
    }
    t.mark("accepts");
    t.record(HUB, read, &[("last", s("EAGAIN"))]);
    t.finish(HUB, read);
    let callbacks = t.call(HUB, Some(turns), "event_loop.run_callbacks", &[("turn", n(first))]);
    for (at, (lane, span)) in handlers.into_iter().enumerate() {
        t.push(HUB, Kind::Switch { to: lane, reason: None });
        t.push(lane, Kind::Enter { span });
        if at == 1 {
            let request = t.call(lane, Some(span), "pywsgi.handle_one_request", &[("reason", s("the body"))]);
            t.mark("handles");
            t.finish(lane, request);
        }
        t.push(lane, Kind::Exit { span });
        t.push(lane, Kind::Switch { to: HUB, reason: None });
    }
    t.finish(HUB, callbacks);
    t.note(turns, &[("turn", n(first)), ("woke", s("io watcher on fd 8")), ("callbacks", n(2))]);
    let poll = [("turn", n(first + 1)), ("watchers", n(1)), ("blocks", s("poll"))];
    t.call(HUB, Some(turns), "event_loop.poll", &poll);
    t.mark("end");
    t
}

/// The screen at a moment of the run.
fn at<T>(resolver: &str, moment: &str, size: (u16, u16), theme: Theme, test: impl FnOnce(&mut Ui<'_>) -> T) -> T {
    let Told { log, moments, .. } = told(resolver);
    let (chain, book) = (chain(), fixture::book());
    let material = Material { chain: &chain, book: &book, sources: &fixture::Files };
    let mut ui = Ui::new(log, material, size, theme);
    ui.set_program("127.0.0.1:5000".into(), Restart::default());
    ui.set_status(Status { run: Run::Over, held: Vec::new(), detached: true, ..Status::default() });
    ui.set_cursor(moments.iter().find(|known| known.0 == moment).unwrap().1);
    ui.act(Action::EventLoop);
    test(&mut ui)
}

#[track_caller]
fn check_at(resolver: &str, moment: &str, shown: &[&str], not_shown: &[&str]) {
    let text = at(resolver, moment, SCREEN, Theme::default(), |ui| text(ui));
    for part in shown {
        assert!(text.contains(part), "`{part}` is missing {moment} in\n{text}");
    }
    for part in not_shown {
        assert!(!text.contains(part), "`{part}` is shown {moment} in\n{text}");
    }
}

/// `LOOK=120x40 cargo test --lib tui::tests::event_loop::look -- --nocapture` shows every moment to a person.
#[test]
fn look_at_the_loop() {
    let size = std::env::var("LOOK").unwrap_or_default();
    let Some((width, height)) = size.split_once('x') else { return };
    let theme = Theme { is_ascii: std::env::var_os("LOOK_ASCII").is_some(), ..Theme::default() };
    for (moment, _) in told("thread").moments {
        let size = (width.parse().unwrap(), height.parse().unwrap());
        println!("{moment}\n{}", at("thread", moment, size, theme, |ui| text(ui)));
    }
    println!("block\n{}", at("block", "end", (width.parse().unwrap(), height.parse().unwrap()), theme, |ui| text(ui)));
}

#[test]
fn before_the_loop_nothing_is_claimed_of_it() {
    check_at(
        "thread",
        "begin",
        &["The loop has not run", "has not run", "none is armed", "nobody is ready", "no job so far", "no turn yet"],
        &["POLLING", "▶ 1 Poll", "semaphore", "accepts"],
    );
}

#[test]
fn in_spawn_a_place_is_taken_a_task_is_queued_and_a_worker_is_being_started() {
    check_at(
        "thread",
        "in spawn",
        &[
            "semaphore 10 of 11 free",
            "queue     1: gethostbyaddr",
            "worker-1  being started",
            "○ async fd 9  armed",
            "no turn yet",
        ],
        &["accepts", "POLLING", "RUNS"],
    );
}

#[test]
fn during_the_lookup_the_loop_polls_and_the_worker_runs_it() {
    check_at(
        "thread",
        "lookup",
        &[
            "Turn 1: polling.",
            "▶ 1 Poll",
            "POLLING",
            "nothing yet",
            "worker-1  RUNS gethostbyaddr",
            "µs so far",
            "queue     empty",
            "semaphore 10 of 11 free",
        ],
        &["accepts", "▶ Pool", "conn-1"],
    );
}

#[test]
fn an_answer_on_its_way_back_is_seen() {
    check_at("thread", "written", &["→ async fd 9  written to", "the answer is written"], &["RUNS", "FIRES"]);
}

#[test]
fn the_async_watcher_fires_and_main_is_ready() {
    check_at(
        "thread",
        "on_async",
        &[
            "Turn 1, woken by async watcher on fd 9: the hub calls on_async.",
            "▶ 2 Watchers",
            "▶ async fd 9  FIRES: on_async",
            "→ main READY:",
            "AsyncResult.set",
            "semaphore 11 of 11 free",
            "✓ gethostbyaddr 127.0.0.1",
            "worker-1  waits for a task",
        ],
        &["accepts"],
    );
}

#[test]
fn while_main_has_the_thread_the_loop_stands_still() {
    check_at(
        "thread",
        "away",
        &[
            "Turn 1: the loop stands still",
            "main runs run",
            "✓ async fd 9  fired, closed",
            "▶ 1 ",
            "1 → on_async",
            "1: main",
        ],
        &["POLLING", "READY"],
    );
}

#[test]
fn the_io_watcher_accepts_and_two_handlers_are_ready() {
    check_at(
        "thread",
        "accepts",
        &[
            "▶ io    fd 8  FIRES: do_read",
            "accepts: do_read ran 1×",
            "accepted 2",
            "→ conn-1 READY: is new",
            "→ conn-2 READY: is new",
        ],
        &["▶ async"],
    );
    check_at(
        "thread",
        "handles",
        &[
            "▶ 3 Ready callbacks",
            "▶ conn-2",
            "runs handle_one_request",
            "✓ conn-1 has run",
            "1 handler waits",
            "conn-1 fd 10: its socket",
        ],
        &["READY"],
    );
}

#[test]
fn the_turns_say_what_each_did() {
    check_at(
        "thread",
        "end",
        &[
            "io watcher on fd 8",
            "1 → do_read",
            "2: conn-1, conn-2",
            "async watcher on fd 9",
            "1 → on_async",
            "▶ 3 ",
            "POLLING",
        ],
        &[],
    );
}

#[test]
fn with_the_blocking_resolver_there_is_no_pool() {
    check_at(
        "block",
        "end",
        &["no pool, no worker thread", "resolver block", "○ io    fd 8  armed", "1 → do_read"],
        &["semaphore", "async", "worker-1"],
    );
}

#[test]
fn what_is_not_recorded_is_said_to_be() {
    check_at("thread", "end", &["timers, sockets: not recorded", "socket wakes not recorded"], &[]);
}

#[test]
fn a_program_without_a_loop_is_told_so_with_what_to_do() {
    at("thread", "end", SCREEN, Theme::default(), |ui| {
        let mut events: Vec<Event> = ui.log.events_in(..12).collect();
        for event in &mut events {
            if let Kind::Open { callsite, .. } = &mut event.kind {
                *callsite = Arc::new(Callsite { target: "shop".into(), ..(**callsite).clone() });
            }
        }
        ui.absorb(|log| {
            *log = Log::new();
            events.into_iter().for_each(|event| log.push(event));
            News::Another
        });
        let text = text(ui);
        assert!(text.contains("Nothing of an event loop is recorded here") && text.contains("spanwalk demo"), "{text}");
        assert!(!text.contains("1 Poll") && !text.contains("Pool"), "{text}");
    });
}

#[test]
fn the_arrows_go_from_turn_to_turn_and_the_keys_do_so_everywhere() {
    at("thread", "end", SCREEN, Theme::default(), |ui| {
        press(ui, "h");
        assert!(text(ui).contains("▶ 2 "), "{}", text(ui));
        let second = ui.cursor();
        press(ui, "up");
        assert!(text(ui).contains("▶ 1 ") && ui.cursor() < second, "{}", text(ui));
        press(ui, "right");
        assert_eq!(ui.cursor(), second);
        press(ui, "right");
        assert!(ui.is_live());
        press(ui, "right");
        assert!(text(ui).contains("this is the last turn so far"), "{}", text(ui));
        press(ui, "w {");
        assert!(!ui.shows_loop && ui.cursor() == second);
        press(ui, "{ { {");
        assert!(text(ui).contains("the loop had not polled"), "{}", text(ui));
        press(ui, "}");
        press(ui, "}");
        assert_eq!(ui.cursor(), second);
    });
}

#[test]
fn a_click_on_a_turn_goes_to_its_end_and_events_are_stepped_inside_it() {
    at("thread", "end", SCREEN, Theme::default(), |ui| {
        let shown = text(ui);
        let row = shown.lines().position(|line| line.contains("1 → on_async")).unwrap();
        ui.act(Action::Click(20, row as u16));
        assert!(text(ui).contains("▶ 1 "), "{}", text(ui));
        let end = ui.cursor();
        press(ui, "E E");
        assert!(ui.cursor() == end - 2 && ui.shows_loop);
    });
}

#[test]
fn what_is_opened_on_top_of_the_loop_leaves_it_there() {
    at("thread", "end", SCREEN, Theme::default(), |ui| {
        press(ui, "?");
        assert!(text(ui).contains("Help") && ui.overlay.is_some());
        press(ui, "esc");
        assert!(text(ui).contains("1 Poll"), "{}", text(ui));
        enter(ui, ":", "@44", "enter");
        assert!(text(ui).contains("FIRES: on_async"), "{}", text(ui));
        press(ui, "B esc g esc");
        assert!(text(ui).contains("FIRES: on_async"), "{}", text(ui));
        press(ui, "esc");
        assert!(text(ui).contains("Call stack"), "{}", text(ui));
    });
}

#[test]
fn every_moment_is_a_picture_at_every_size_and_in_ascii() {
    for (moment, _) in told("thread").moments {
        for size in [(1, 1), (3, 3), (20, 5), (40, 12), (60, 19), (80, 24), (111, 20), (112, 24), (120, 40), (200, 60)]
        {
            for is_ascii in [false, true] {
                at("thread", moment, size, Theme { has_colour: !is_ascii, is_ascii, ..Theme::default() }, |ui| {
                    let shown = text(ui);
                    assert!(
                        !is_ascii || (shown.is_ascii() && !shown.contains('?') || shown.contains("? help")),
                        "{shown}"
                    );
                });
            }
        }
    }
}

#[test]
fn the_loop_at_three_sizes() {
    for (name, size) in [("80_by_24", (80, 24)), ("120_by_40", SCREEN), ("200_by_60", (200, 60))] {
        for moment in ["lookup", "accepts"] {
            let picture = at("thread", moment, size, Theme::default(), |ui| text(ui));
            insta::assert_snapshot!(format!("the_loop_{moment}_at_{name}"), picture);
        }
    }
    let ascii = Theme { has_colour: false, is_ascii: true, ..Theme::default() };
    insta::assert_snapshot!("the_loop_in_ascii", at("thread", "accepts", (80, 24), ascii, |ui| text(ui)));
    insta::assert_snapshot!(
        "the_loop_on_a_small_screen",
        at("thread", "accepts", (50, 20), Theme::default(), |ui| text(ui))
    );
}
