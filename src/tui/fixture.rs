//! A small run by hand: main down to `spawn`, the hub, a worker; held at `spawn`, then on until the loop serves.

use std::sync::Arc;

use super::{Material, Sources, Theme, Ui};
use crate::lesson::{Author, Book, Call, Claim, Page, Verdict};
use crate::trace::*;

/// What can be written into the log, in few letters.
pub(super) struct Writer {
    pub(super) log: Log,
    time: u64,
    spans: u64,
}

const MAIN: LaneId = LaneId(1);
const HUB: LaneId = LaneId(2);
const WORKER: LaneId = LaneId(3);

impl Writer {
    pub(super) fn new() -> Self {
        Self { log: Log::new(), time: 0, spans: 0 }
    }

    fn push(&mut self, lane: LaneId, kind: Kind) {
        self.time += 20_000;
        let (id, name) = if lane == WORKER { (2, "worker-1") } else { (1, "MainThread") };
        let thread = Arc::new(Thread { id: ThreadId(id), name: name.into() });
        let seq = Seq(self.log.len() as u64);
        self.log.push(Event { seq, time: Time(self.time), thread, lane, kind });
    }

    pub(super) fn lane(&mut self, lane: LaneId, name: &str, kind: LaneKind) {
        self.push(lane, Kind::LaneOpen { name: name.into(), kind });
    }

    /// Opens and enters a span.
    fn call(
        &mut self,
        lane: LaneId,
        parent: Option<SpanId>,
        place: (&str, &str, u32),
        fields: &[(&str, &str)],
    ) -> SpanId {
        self.spans += 1;
        let span = SpanId(self.spans);
        let (name, module, line) = place;
        let file = format!("src/server/{}.rs", module.replace("::", "/"));
        let callsite = Arc::new(Callsite {
            name: name.into(),
            target: format!("spanwalk::server::{module}").into(),
            file: Some(file.into()),
            line: Some(line),
        });
        let fields =
            fields.iter().map(|(name, value)| Field { name: (*name).into(), value: Value::from(*value) }).collect();
        self.push(lane, Kind::Open { span, parent, callsite, fields });
        self.push(lane, Kind::Enter { span });
        span
    }

    fn finish(&mut self, lane: LaneId, span: SpanId) {
        self.push(lane, Kind::Exit { span });
        self.push(lane, Kind::Close { span });
    }

    fn hold(&mut self, lane: LaneId, span: SpanId) {
        self.push(lane, Kind::Hold { span, edge: Edge::Enter, is_shown: true });
    }

    fn release(&mut self, lane: LaneId, span: SpanId) {
        self.time += 900_000_000;
        self.push(lane, Kind::Release { span, edge: Edge::Enter });
    }
}

/// How far the run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Until {
    Spawn,
    Serving,
    Request,
}

pub(super) fn run_until(until: Until) -> Log {
    let mut w = Writer::new();
    w.lane(MAIN, "main", LaneKind::Thread);
    let mut parent = None;
    let down = [
        ("run", "socketio", 44),
        ("serve_forever", "baseserver", 38),
        ("start", "baseserver", 60),
        ("init_socket", "pywsgi", 97),
    ];
    for place in down {
        parent = Some(w.call(MAIN, parent, place, &[]));
        if place.0 == "run" {
            w.lane(HUB, "hub", LaneKind::Thread);
        }
    }
    let start = SpanId(3);
    let listener = w.call(MAIN, parent, ("tcp_listener", "stream_server", 70), &[("fd", "5"), ("backlog", "128")]);
    w.finish(MAIN, listener);
    let down = [
        ("update_environ", "pywsgi", 120),
        ("getfqdn", "socketcommon", 31),
        ("gethostbyaddr", "socketcommon", 52),
        ("gethostbyaddr", "resolver::thread", 29),
        ("apply", "pool", 41),
    ];
    for place in down {
        parent = Some(w.call(MAIN, parent, place, &[("address", "127.0.0.1")]));
    }
    let spawn = w.call(MAIN, parent, ("spawn", "threadpool", 2), &[("func", "gethostbyaddr"), ("semaphore", "11")]);
    let record = vec![Field { name: "semaphore".into(), value: Value::U64(10) }];
    w.push(MAIN, Kind::Record { span: spawn, fields: record });
    w.hold(MAIN, spawn);
    if until == Until::Spawn {
        return w.log;
    }
    w.release(MAIN, spawn);
    w.lane(WORKER, "worker-1", LaneKind::Thread);
    w.finish(MAIN, spawn);
    let get = w.call(MAIN, parent, ("get", "event", 12), &[("reason", "AsyncResult.get")]);
    w.push(MAIN, Kind::Switch { to: HUB, reason: Some("AsyncResult.get".into()) });
    let hub = w.call(HUB, None, ("run", "hub", 9), &[]);
    let turns = w.call(HUB, Some(hub), ("run", "event_loop", 20), &[]);
    let worker = w.call(WORKER, None, ("run", "threadpool", 90), &[]);
    let task = w.call(WORKER, Some(worker), ("run_task", "threadpool", 99), &[("func", "gethostbyaddr")]);
    let poll = w.call(HUB, Some(turns), ("poll", "event_loop", 33), &[("blocks", "poll")]);
    let lookup = w.call(WORKER, Some(task), ("gethostbyaddr", "netdb", 12), &[]);
    w.time += 400_000;
    w.finish(WORKER, lookup);
    w.finish(WORKER, task);
    let idle = w.call(WORKER, Some(worker), ("get", "threading", 5), &[("blocks", "a task")]);
    let _ = idle;
    w.finish(HUB, poll);
    let fired = w.call(HUB, Some(turns), ("on_async", "threadpool", 130), &[]);
    w.finish(HUB, fired);
    w.push(HUB, Kind::Exit { span: turns });
    w.push(HUB, Kind::Exit { span: hub });
    w.push(HUB, Kind::Switch { to: MAIN, reason: None });
    w.finish(MAIN, get);
    for span in (3..=10).rev().filter(|id| *id != listener.0) {
        if SpanId(span) != start {
            w.finish(MAIN, SpanId(span));
        }
    }
    let accepting = w.call(MAIN, Some(start), ("start_accepting", "baseserver", 80), &[("fd", "5")]);
    w.finish(MAIN, accepting);
    w.finish(MAIN, start);
    w.call(MAIN, Some(SpanId(2)), ("wait", "event", 30), &[("reason", "stop_event")]);
    w.push(MAIN, Kind::Switch { to: HUB, reason: Some("stop_event".into()) });
    w.push(HUB, Kind::Enter { span: hub });
    w.push(HUB, Kind::Enter { span: turns });
    let poll = w.call(HUB, Some(turns), ("poll", "event_loop", 33), &[("blocks", "poll")]);
    if until == Until::Serving {
        return w.log;
    }
    w.time += 3_000_000;
    w.finish(HUB, poll);
    for conn in 1..=3 {
        let lane = LaneId(10 + conn);
        w.lane(lane, &format!("conn-{conn}"), LaneKind::Task);
        let handle = w.call(lane, None, ("handle", "pywsgi", 140), &[("peer", "127.0.0.1:49152")]);
        let request =
            w.call(lane, Some(handle), ("handle_one_request", "pywsgi", 150), &[("method", "GET"), ("path", "/")]);
        if conn == 3 {
            w.hold(lane, request);
            break;
        }
        w.finish(lane, request);
        w.finish(lane, handle);
        w.push(lane, Kind::LaneClose);
    }
    w.log
}

/// How many events there are when the event loop's run is open and not entered.
pub(super) fn opened_ahead(ui: &Ui<'_>) -> usize {
    let is_loop = |event: &Event| match &event.kind {
        Kind::Open { callsite, .. } => &*callsite.target == "spanwalk::server::event_loop",
        _ => false,
    };
    ui.log.events_in(..).position(|event| is_loop(&event)).expect("the loop runs") + 1
}

/// A call that no page is about, inside the innermost call of main.
pub(super) fn put_inside_spawn(ui: &Ui<'_>) -> [Event; 2] {
    let main = ui.log.latest().lane_named("main").expect("there is a main lane");
    let last = ui.log.event(ui.log.len() - 1).expect("something happened");
    let callsite =
        Callsite { name: "put".into(), target: "spanwalk::server::threading".into(), file: None, line: None };
    let (span, parent) = (SpanId(900), main.stack.last().map(|frame| frame.span));
    let open = Kind::Open { span, parent, callsite: Arc::new(callsite), fields: Vec::new() };
    [(1, open), (2, Kind::Enter { span })].map(|(by, kind)| Event { seq: Seq(last.seq.0 + by), kind, ..last.clone() })
}

/// The gate holds the hub at its outermost call.
pub(super) fn hold_of_hub(ui: &Ui<'_>) -> Event {
    let hub = ui.log.latest().lane_named("hub").expect("there is a hub");
    let last = ui.log.event(ui.log.len() - 1).expect("something happened");
    let kind = Kind::Hold { span: hub.stack[0].span, edge: Edge::Enter, is_shown: true };
    Event { seq: Seq(last.seq.0 + 1), lane: HUB, kind, ..last }
}

pub(super) fn chain() -> Chain {
    let steps = [
        ("run", "run", "socketio"),
        ("serve_forever", "serve_forever", "baseserver"),
        ("start", "start", "baseserver"),
        ("pywsgi.init_socket", "init_socket", "pywsgi"),
        ("tcp_listener", "tcp_listener", "stream_server"),
        ("update_environ", "update_environ", "pywsgi"),
        ("getfqdn", "getfqdn", "socketcommon"),
        ("socketcommon.gethostbyaddr", "gethostbyaddr", "socketcommon"),
        ("resolver.gethostbyaddr", "gethostbyaddr", "resolver::thread"),
        ("apply", "apply", "pool"),
        ("spawn", "spawn", "threadpool"),
        ("get", "get", "event"),
        ("hub.run", "run", "hub"),
        ("loop.run", "run", "event_loop"),
        ("loop.poll", "poll", "event_loop"),
        ("worker.run_task", "run_task", "threadpool"),
        ("on_async", "on_async", "threadpool"),
        ("start_accepting", "start_accepting", "baseserver"),
        ("wait", "wait", "event"),
        ("handle", "handle", "pywsgi"),
        ("handle_one_request", "handle_one_request", "pywsgi"),
    ];
    let step = |(id, name, module): (&str, &str, &str)| ChainStep {
        id: id.into(),
        key: Key { name: name.into(), target: format!("spanwalk::server::{module}") },
    };
    Chain::new(steps.into_iter().map(step).collect())
}

pub(super) fn book() -> Book {
    let claim = |says: &str, predicate: &str| Claim {
        says: says.into(),
        by: Author::Lesson,
        verdict: Verdict::True,
        predicate: predicate.parse().unwrap(),
    };
    let page = |step: &ChainStep| {
        Page {
        file: format!("{}.md", step.id),
        title: "Hand a blocking job to another thread.".into(),
        call: Some(Call {
            step: step.id.clone(),
            key: step.key.clone(),
            source: "src/server/threadpool.rs".into(),
            lane: "main".into(),
            upstream: "ThreadPool.spawn".into(),
            upstream_file: "gevent/threadpool.py".into(),
            link: "https://github.com/gevent/gevent/blob/26.9.0/src/gevent/threadpool.py".into(),
        }),
        report: Some("start a thread that has the purpose of watching until a request is received.".into()),
        verdict: Some(Verdict::Wrong),
        truth: Some("The thread runs one thing, `gethostbyaddr`, and will leave after 5 s idle. Accepting is armed later, by start_accepting.".into()),
        look: Some("the semaphore going 11 → 10; a third lane appearing.".into()),
        fields: Vec::new(),
        question: Some("Who will wake MainThread, and how?".into()),
        answer: Some("The worker writes to the eventfd of an async watcher.".into()),
        claims: vec![
            claim("spawn runs in the lane main", "lane spawn = main"),
            claim("the worker never accepts", "never start_accepting on worker-*"),
        ],
        prose: "# Spawn\n\nThe pool has *no* thread yet, so it makes one. It counts with a semaphore:\n\n- one unit per thread that may run\n- given back when the task is done\n".into(),
    }
    };
    let about = Page {
        file: "about.md".into(),
        title: "About".into(),
        prose: "What this is.".into(),
        call: None,
        report: None,
        verdict: None,
        truth: None,
        look: None,
        fields: Vec::new(),
        question: None,
        answer: None,
        claims: Vec::new(),
    };
    let steps = chain();
    Book::new(std::iter::once(about).chain(steps.steps().iter().map(page)).collect()).unwrap()
}

pub(super) struct Files;

impl Sources for Files {
    fn source(&self, file: &str) -> Option<&str> {
        (file == "src/server/threadpool.rs").then_some(
            "/// gevent/threadpool.py · ThreadPool.spawn\n#[instrument(skip_all, fields(semaphore, func))]\npub fn spawn(&self, job: Job) -> AsyncResult {\n    self.semaphore.acquire();\n    // The watcher is what wakes the loop.\n    let result = AsyncResult::new(self.hub.watcher(), \"async\", 1);\n    if self.size() < self.max {\n        self.start_worker();\n    }\n    self.queue.put(job);\n    result\n}\n\nfn next() {}\n",
        )
    }
}

/// Screens over the run, with everything there is to know.
pub(super) fn with_ui<T>(until: Until, size: (u16, u16), theme: Theme, test: impl FnOnce(&mut Ui<'_>) -> T) -> T {
    let (chain, book) = (chain(), book());
    let material = Material { chain: &chain, book: &book, sources: &Files };
    let mut ui = Ui::new(run_until(until), material, size, theme);
    ui.set_program("127.0.0.1:5000".into(), super::Restart::default());
    test(&mut ui)
}
