//! The picture of the event loop, of real runs: what it says at moments that are known; and its laws.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod programs;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use programs::log;
use proptest::prelude::*;
use spanwalk::lesson::Book;
use spanwalk::record::{HoldMode, Recorder};
use spanwalk::server::{ResolverKind, Server, Settings};
use spanwalk::trace::{
    Callsite, Chain, ChainStep, Event, Field, JobState, Key, Kind, LaneId, LaneKind, Log, LoopState, LoopTurns, Packer,
    Phase, Seq, SpanId, State, Thread, ThreadId, Time, Value, WatcherState, Why, WorkerDoing, field,
};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Longer than anything takes here; only a failure waits for it.
const LONG: Duration = Duration::from_secs(20);

/// The subscriber of a process is set once, so runs take turns.
fn recorder() -> (MutexGuard<'static, ()>, Recorder) {
    static TURN: Mutex<()> = Mutex::new(());
    static RECORDER: OnceLock<Recorder> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = RECORDER.get_or_init(|| {
        let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
        let recorder = Recorder::builder().filter(filter).build();
        tracing::subscriber::set_global_default(recorder.subscriber()).unwrap();
        recorder
    });
    (turn, recorder.clone())
}

fn get(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /static/hello.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("hello\n"));
}

/// A run in which a slow lookup is made by the resolver, two clients connect during it, and one request is answered.
fn run(resolver: ResolverKind, chain: &Chain) -> Log {
    let (_turn, recorder) = recorder();
    recorder.restart(HoldMode::Follow);
    let slow_dns = Some(Duration::from_millis(100));
    let mut log = Log::new();
    let mut reader = recorder.reader();
    let server = Server::start(Settings { port: 0, resolver, slow_dns, ..Settings::default() }).unwrap();
    let began = Instant::now();
    let mut read_until = |log: &mut Log, is_there: &dyn Fn(&Log) -> bool| {
        while !is_there(log) {
            assert!(began.elapsed() < LONG, "it did not happen");
            reader.read_into(log, Duration::from_millis(20));
        }
    };
    read_until(&mut log, &|log| chain.landmarks(log).loop_serves.is_some());
    let address = server.address().unwrap();
    let clients = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
    read_until(&mut log, &|log| log.lanes().iter().any(|lane| &*lane.name == "conn-2"));
    get(address);
    server.stopper()();
    drop(clients);
    server.join().unwrap();
    recorder.reader().read_into(&mut log, Duration::ZERO);
    log
}

fn picture(log: &Log, chain: &Chain, cursor: usize) -> LoopState {
    LoopState::new(log, chain, &log.state_at(cursor), cursor, 50)
}

/// The cursor behind the first event that fits.
#[track_caller]
fn after(log: &Log, from: usize, fits: impl Fn(&Event) -> bool) -> usize {
    from + log.events_in(from..).position(|event| fits(&event)).expect("it happens") + 1
}

fn records<'a>(log: &'a Log, step: &'a Key, name: &'a str) -> impl Fn(&Event) -> bool + 'a {
    move |event| match &event.kind {
        Kind::Record { span, fields } => {
            field(fields, name).is_some() && step.matches(&log.span(*span).unwrap().callsite)
        }
        _ => false,
    }
}

fn closes<'a>(log: &'a Log, step: &'a Key) -> impl Fn(&Event) -> bool + 'a {
    move |event| match event.kind {
        Kind::Close { span } => step.matches(&log.span(span).unwrap().callsite),
        _ => false,
    }
}

#[test]
fn a_lookup_by_the_pool_is_seen_from_spawn_to_on_async() {
    let chain = Book::embedded().chain();
    let log = run(ResolverKind::Thread, &chain);
    let key = |id: &str| chain.key(id).unwrap();

    let before = picture(&log, &chain, log.first_enter(key("spawn")).unwrap() - 2);
    assert_eq!((before.phase, before.pool.spawned, before.watchers.len()), (Phase::Created, 0, 0));

    // In spawn: a place is taken, the watcher armed, the task queued, the thread being made.
    let spawn = log.first_enter(key("spawn")).unwrap();
    let seen = picture(&log, &chain, spawn);
    assert_eq!((seen.pool.places, seen.pool.jobs[0].state), (Some((11, 11)), JobState::Spawning));
    let named = after(&log, spawn, records(&log, key("spawn"), "worker"));
    let seen = picture(&log, &chain, named);
    assert_eq!(seen.phase, Phase::Created);
    assert_eq!((seen.pool.places, seen.pool.most), (Some((10, 11)), Some(10)));
    assert_eq!(seen.pool.jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Queued]);
    assert_eq!(seen.pool.jobs[0].func.as_ref(), "gethostbyaddr");
    let [worker] = &seen.pool.workers[..] else { panic!("{:?}", seen.pool) };
    assert_eq!((&*worker.name, &worker.doing), ("worker-1", &WorkerDoing::Starting));
    let [watcher] = &seen.watchers[..] else { panic!("{:?}", seen.watchers) };
    assert_eq!((watcher.kind, watcher.state), ("async", WatcherState::Armed));

    // All three are alive: the loop polls, the worker looks up, the queue is empty.
    let during = picture(&log, &chain, chain.landmarks(&log).during.unwrap());
    assert_eq!(during.phase, Phase::Polls);
    assert_eq!(during.pool.jobs[0].state, JobState::Running);
    assert!(matches!(&during.pool.workers[0].doing, WorkerDoing::Runs { func, .. } if &**func == "gethostbyaddr"));
    let turn = during.turn.unwrap();
    assert!(turn.number >= 1, "the system may wake it for nothing");
    assert_eq!((turn.woke, turn.watchers), (None, Some(1)));
    assert!(turn.polled.unwrap().1.is_none());

    // The worker has written, the loop fires, main is ready.
    let fires = log.first_enter(key("on_async")).unwrap();
    let seen = picture(&log, &chain, after(&log, fires, |event| matches!(event.kind, Kind::Wake { .. })));
    assert_eq!(seen.phase, Phase::Watchers);
    assert_eq!((seen.watchers[0].kind, seen.watchers[0].state), ("async", WatcherState::Fires));
    assert_eq!(seen.pool.places, Some((11, 11)));
    assert_eq!(&*seen.ready[0].name, "main");
    assert!(matches!(&seen.ready[0].why, Why::Woken { reason: Some(reason), .. } if &**reason == "AsyncResult.set"));
    let turn = seen.turn.unwrap();
    let fd = turn.fired[0].fd.unwrap();
    assert_eq!(turn.woke.as_deref(), Some(&*format!("async watcher on fd {fd}")));
    assert_eq!(turn.fired[0].call.as_ref().map(|call| &*call.1), Some("on_async"));

    // Main has the thread: the loop stands still, and the watcher is closed.
    let away = after(&log, fires, closes(&log, key("get")));
    let seen = picture(&log, &chain, away);
    assert_eq!(seen.phase, Phase::Away);
    assert_eq!(seen.running.map(|running| running.0), log.state_at(away).lane_named("main").map(|lane| lane.id));
    assert_eq!(seen.ready, [], "main has had its turn");
    assert_eq!((seen.watchers[0].state, seen.watchers.len()), (WatcherState::Closed, 1));
    assert_eq!(seen.pool.jobs[0].state, JobState::Done);
    assert_eq!(seen.pool.jobs[0].result.as_deref(), Some("localhost"));

    accepts(&log, &chain);
    the_turns_agree_with_what_the_program_counts(&log, &chain);

    let end = picture(&log, &chain, log.len());
    assert_eq!(end.phase, Phase::Over);
    let hub = log.lanes().iter().find(|lane| &*lane.name == "hub").unwrap().id;
    assert!(
        end.before.iter().chain(&end.turn).all(|turn| !turn.ran.contains(&hub)),
        "it gives control, and gets it back"
    );
    assert!(end.watchers.iter().all(|watcher| watcher.state == WatcherState::Closed), "{:?}", end.watchers);
    assert!(matches!(&end.pool.workers[..], [worker] if matches!(&worker.doing, WorkerDoing::Left { why: Some(_) })));
}

/// The io watcher is armed by `start_accepting` and by nothing before; when it fires, handlers are made ready.
fn accepts(log: &Log, chain: &Chain) {
    let key = |id: &str| chain.key(id).unwrap();
    let io = |seen: &LoopState| seen.watchers.iter().find(|watcher| watcher.kind == "io").cloned();
    let arming = log.first_enter(key("start_accepting")).unwrap();
    assert_eq!(io(&picture(log, chain, arming)), None);
    let armed = after(log, arming, closes(log, key("start_accepting")));
    let watcher = io(&picture(log, chain, armed)).unwrap();
    assert_eq!((watcher.state, watcher.fired), (WatcherState::Armed, 0));
    let serves = picture(log, chain, chain.landmarks(log).loop_serves.unwrap());
    assert_eq!(serves.phase, Phase::Polls);

    let reads = log.first_enter(key("do_read")).unwrap();
    let made = after(
        log,
        reads,
        |event| matches!(&event.kind, Kind::Open { callsite, .. } if key("handle").matches(callsite)),
    );
    let seen = picture(log, chain, made);
    assert_eq!(seen.phase, Phase::Watchers);
    assert_eq!(io(&seen).unwrap().state, WatcherState::Fires);
    let [ready] = &seen.ready[..] else { panic!("{:?}", seen.ready) };
    assert_eq!((&*ready.name, &ready.why), ("conn-1", &Why::Made));
    assert_eq!(seen.running, None);

    let runs = log.first_enter(key("handle")).unwrap();
    let seen = picture(log, chain, runs);
    assert_eq!(seen.phase, Phase::Callbacks);
    assert_eq!(seen.running.map(|running| running.0), Some(ready.lane));
    assert!(!seen.ready.iter().any(|other| other.lane == ready.lane));

    // Both clients send nothing: they wait for their sockets.
    let app = picture(log, chain, log.first_enter(key("app")).unwrap());
    let waiting: Vec<_> = app.waiting.first.iter().map(|waiter| (&*waiter.name, &*waiter.reason)).collect();
    assert_eq!(waiting, [("conn-1", "its socket"), ("conn-2", "its socket")]);
    assert!(app.waiting.count == 2 && app.waiting.first.iter().all(|waiter| waiter.fd.is_some()));
    assert!(io(&app).unwrap().fired >= 2);
}

fn the_turns_agree_with_what_the_program_counts(log: &Log, chain: &Chain) {
    let turns = LoopTurns::of(log, chain).unwrap();
    let polls = log.calls(chain.key("loop.poll").unwrap(), log.len()).len();
    assert_eq!(turns.count(), polls + 1);
    let all: Vec<_> = (0..turns.count()).map(|turn| turns.turn(turn, log.len(), usize::MAX)).collect();
    for (at, turn) in all.iter().enumerate() {
        assert_eq!(turn.number, at as u64, "the program counts its polls too");
        let said = log.events_in(turn.range.0..turn.range.1).filter_map(|event| match event.kind {
            Kind::Note { fields, .. } if field(&fields, "woke").is_some() => Some(fields),
            _ => None,
        });
        let said: Vec<_> = said.collect();
        let sum = |name| {
            let counts = said.iter().map(|fields| field(fields, name).unwrap().to_string().parse::<u64>().unwrap());
            counts.sum::<u64>()
        };
        assert_eq!(turn.fired.len() as u64, sum("watchers_fired"), "{turn:?}");
        assert_eq!(turn.callbacks, sum("callbacks"), "{turn:?}");
        assert_eq!(turn.woke.is_some(), !said.is_empty(), "{turn:?}");
    }
    // Looked at from its end, and while it is under way, it is the same beginning.
    for cursor in (0..log.len()).step_by(7) {
        let turn = turns.turn(turns.at(cursor), cursor, usize::MAX);
        let whole = &all[turns.at(cursor)];
        assert!(
            whole.fired.iter().map(|fired| fired.fd).take(turn.fired.len()).eq(turn.fired.iter().map(|fired| fired.fd))
        );
        assert!(whole.ran.starts_with(&turn.ran));
    }
}

#[test]
fn with_the_blocking_resolver_the_io_watcher_accepts_and_there_is_no_pool_at_all() {
    let chain = Book::embedded().chain();
    let log = run(ResolverKind::Block, &chain);
    accepts(&log, &chain);
    the_turns_agree_with_what_the_program_counts(&log, &chain);
    for cursor in (0..=log.len()).step_by(5) {
        let seen = picture(&log, &chain, cursor);
        assert!(seen.pool.spawned == 0 && seen.pool.workers.is_empty() && seen.pool.places.is_none());
        assert!(seen.watchers.iter().all(|watcher| watcher.kind == "io"));
    }
    let end = picture(&log, &chain, log.len());
    assert_eq!(end.pool.resolver.as_deref(), Some("block"));
}

/// A log by hand: what a thread did, in few letters.
#[derive(Default)]
struct Writer {
    log: Log,
    spans: u64,
}

const MAIN: LaneId = LaneId(1);
const HUB: LaneId = LaneId(2);

impl Writer {
    fn push(&mut self, lane: LaneId, kind: Kind) {
        let at = self.log.len() as u64;
        let id = if lane == HUB { MAIN.0 } else { lane.0 };
        let thread = Arc::new(Thread { id: ThreadId(id), name: format!("thread-{id}").into() });
        self.log.push(Event { seq: Seq(at), time: Time(at * 1000), thread, lane, kind });
    }

    fn lane(&mut self, lane: LaneId, name: &str) {
        let kind = if lane.0 < 10 { LaneKind::Thread } else { LaneKind::Task };
        self.push(lane, Kind::LaneOpen { name: name.into(), kind });
    }

    fn open(&mut self, lane: LaneId, parent: Option<SpanId>, name: &str, values: &[(&str, Value)]) -> SpanId {
        self.spans += 1;
        let span = SpanId(self.spans);
        let callsite = Callsite { name: name.into(), target: "t".into(), file: None, line: None };
        self.push(lane, Kind::Open { span, parent, callsite: Arc::new(callsite), fields: fields(values) });
        self.push(lane, Kind::Enter { span });
        span
    }

    fn record(&mut self, lane: LaneId, span: SpanId, values: &[(&str, Value)]) {
        self.push(lane, Kind::Record { span, fields: fields(values) });
    }

    fn close(&mut self, lane: LaneId, span: SpanId) {
        self.push(lane, Kind::Exit { span });
        self.push(lane, Kind::Close { span });
    }

    /// A job whose watcher has this descriptor, with a place fewer than before.
    fn spawn(&mut self, func: &str, fd: i64, before: u64) {
        let values = [("func", Value::from(func)), ("semaphore_before", Value::U64(before))];
        let spawn = self.open(MAIN, None, "spawn", &values);
        self.record(MAIN, spawn, &[("semaphore_after", Value::U64(before - 1)), ("watcher_fd", Value::I64(fd))]);
        let put = self.open(MAIN, Some(spawn), "put", &[]);
        self.record(MAIN, put, &[("queued", Value::U64(1))]);
        self.close(MAIN, put);
        self.record(MAIN, spawn, &[("pool_size", Value::U64(2))]);
        self.close(MAIN, spawn);
    }

    /// The loop takes the answer from this descriptor.
    fn fires(&mut self, run: SpanId, fd: i64, before: u64) {
        let said = fields(&[("watcher", Value::from("async watcher")), ("fd", Value::I64(fd))]);
        let callsite = Callsite { name: "event".into(), target: "t".into(), file: None, line: None };
        self.push(HUB, Kind::Note { span: Some(run), callsite: Arc::new(callsite), fields: said });
        let call = self.open(HUB, Some(run), "on_async", &[("semaphore_before", Value::U64(before))]);
        self.record(HUB, call, &[("semaphore_after", Value::U64(before + 1))]);
        self.close(HUB, call);
    }
}

fn fields(values: &[(&str, Value)]) -> Vec<Field> {
    values.iter().map(|(name, value)| Field { name: (*name).into(), value: value.clone() }).collect()
}

#[test]
fn jobs_of_several_workers_keep_their_watchers_apart_though_answers_come_out_of_order_and_descriptors_again() {
    let chain = small_chain();
    let mut w = Writer::default();
    let (one, two) = (LaneId(3), LaneId(4));
    for (lane, name) in [(MAIN, "main"), (HUB, "hub"), (one, "worker-1"), (two, "worker-2")] {
        w.lane(lane, name);
    }
    for (at, func) in ["a", "b", "c"].iter().enumerate() {
        w.spawn(func, 7 + at as i64, 11 - at as u64);
    }
    let roots = [one, two].map(|lane| w.open(lane, None, "run", &[("tasks", Value::U64(0))]));
    let states = |log: &Log| {
        let seen = picture(log, &chain, log.len());
        seen.pool.jobs.iter().map(|job| (job.func.to_string(), job.state)).collect::<Vec<_>>()
    };
    let expect = |states: [JobState; 3]| ["a", "b", "c"].map(str::to_owned).into_iter().zip(states).collect::<Vec<_>>();
    assert_eq!(states(&w.log), expect([JobState::Queued; 3]));
    let task = |w: &mut Writer, at: usize, func: &str| {
        let lane = [one, two][at];
        w.open(lane, Some(roots[at]), "run_task", &[("func", Value::from(func))])
    };
    let a = task(&mut w, 0, "a");
    let b = task(&mut w, 1, "b");
    assert_eq!(states(&w.log), expect([JobState::Running, JobState::Running, JobState::Queued]));
    let seen = picture(&w.log, &chain, w.log.len());
    assert_eq!((seen.pool.places, seen.pool.workers.len()), (Some((8, 11)), 2));
    // The second is done first.
    w.close(two, b);
    assert_eq!(states(&w.log), expect([JobState::Running, JobState::Written, JobState::Queued]));
    let hub = w.open(HUB, None, "run", &[]);
    w.fires(hub, 8, 8);
    let c = task(&mut w, 1, "c");
    assert_eq!(states(&w.log), expect([JobState::Running, JobState::Done, JobState::Running]));
    let armed = |log: &Log| {
        let seen = picture(log, &chain, log.len());
        let armed = seen.watchers.iter().filter(|watcher| watcher.state != WatcherState::Closed);
        armed.map(|watcher| watcher.fd).collect::<Vec<_>>()
    };
    assert_eq!(armed(&w.log), [7, 9]);
    // A new job gets the descriptor that is free.
    w.spawn("d", 8, 9);
    assert_eq!(armed(&w.log), [7, 9, 8]);
    w.close(one, a);
    w.close(two, c);
    w.fires(hub, 7, 8);
    w.fires(hub, 9, 9);
    let seen = picture(&w.log, &chain, w.log.len());
    assert_eq!((armed(&w.log), seen.pool.places), (vec![8], Some((10, 11))));
    assert_eq!(seen.pool.jobs.last().map(|job| job.state), Some(JobState::Queued));
}

#[test]
fn where_events_are_missing_no_job_is_said_to_be_under_way() {
    let chain = small_chain();
    let mut w = Writer::default();
    w.lane(MAIN, "main");
    w.lane(HUB, "hub");
    w.spawn("a", 7, 11);
    let hub = w.open(HUB, None, "run", &[]);
    let poll = w.open(HUB, Some(hub), "poll", &[]);
    let lost = w.log.len()..w.log.len() + 20;
    (0..10).for_each(|_| w.push(MAIN, Kind::Wake { to: HUB, reason: None }));
    w.close(HUB, poll);
    w.fires(hub, 7, 10);
    w.push(MAIN, Kind::Wake { to: HUB, reason: None });
    w.open(HUB, Some(hub), "poll", &[]);
    let whole = picture(&w.log, &chain, w.log.len());
    assert_eq!((whole.pool.jobs[0].state, whole.has_gaps), (JobState::Done, false));

    let (mut state, mut packer, mut log) = (State::default(), Packer::default(), Log::new());
    for (at, event) in w.log.events_in(..).enumerate() {
        if !lost.contains(&at) {
            packer.begin(event.seq);
            state.open_set().iter().for_each(|event| packer.event(event));
            packer.begin_events();
            packer.event(&event);
            log.append(&packer.chunk()).unwrap();
        }
        state.apply(&event);
    }
    assert_eq!(log.gaps().len(), 1);
    let seen = picture(&log, &chain, log.len());
    assert_eq!((seen.pool.jobs[0].state, seen.has_gaps, seen.phase), (JobState::Lost, true, Phase::Polls));
    assert!(seen.watchers.is_empty(), "{:?}", seen.watchers);
    let before = picture(&log, &chain, log.gaps()[0].at);
    assert_eq!((before.pool.jobs[0].state, before.has_gaps), (JobState::Queued, false));
    assert_eq!(before.watchers.len(), 1);
}

#[test]
fn of_a_turn_of_many_events_the_end_is_seen_and_that_it_is_cut() {
    let chain = small_chain();
    let mut w = Writer::default();
    w.lane(MAIN, "main");
    w.lane(HUB, "hub");
    w.lane(LaneId(11), "conn-1");
    let hub = w.open(HUB, None, "run", &[]);
    let poll = w.open(HUB, Some(hub), "poll", &[("turn", Value::U64(1)), ("watchers", Value::U64(3))]);
    w.close(HUB, poll);
    for _ in 0..3_000 {
        let call = w.open(HUB, Some(hub), "work", &[]);
        w.close(HUB, call);
    }
    w.push(HUB, Kind::Wake { to: LaneId(11), reason: Some("a packet".into()) });
    let seen = picture(&w.log, &chain, w.log.len());
    let turn = seen.turn.unwrap();
    assert!(turn.is_cut && turn.polled.unwrap().1.is_some());
    assert_eq!((turn.number, turn.watchers), (1, Some(3)));
    assert_eq!(seen.ready.iter().map(|ready| &*ready.name).collect::<Vec<_>>(), ["conn-1"]);
}

fn small_chain() -> Chain {
    let steps = ["hub.run", "loop.poll", "run_callbacks", "spawn", "worker.run_task", "on_async", "start_accepting"];
    let step = |id: &str| ChainStep {
        id: id.to_owned(),
        key: Key { name: id.rsplit('.').next().unwrap().to_owned(), target: "t".to_owned() },
    };
    Chain::new(steps.map(step).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_seen_at_a_cursor_is_what_was_seen_live_there(whole in log(), share in 0.0..=1.0_f64) {
        let chain = small_chain();
        let cursor = (whole.len() as f64 * share) as usize;
        let mut live = Log::new();
        whole.events_in(..cursor).for_each(|event| live.push(event));
        let (mut then, mut now) = (picture(&live, &chain, cursor), picture(&whole, &chain, cursor));
        // That a loop will come is not known before.
        if then.phase == Phase::Absent && now.phase == Phase::Created {
            (then.phase, now.phase) = (Phase::Created, Phase::Created);
        }
        prop_assert_eq!(then, now);
    }

    #[test]
    fn turns_lie_end_to_end_and_next_and_previous_go_from_end_to_end(whole in log(), share in 0.0..=1.0_f64) {
        let chain = small_chain();
        let Some(turns) = LoopTurns::of(&whole, &chain) else { return Ok(()) };
        let ends: Vec<usize> = (0..turns.count()).map(|turn| turns.end_of(turn)).collect();
        prop_assert!(ends.is_sorted());
        prop_assert_eq!(ends.last(), Some(&whole.len()));
        let cursor = (whole.len() as f64 * share) as usize;
        let next = ends.iter().copied().find(|end| *end > cursor);
        let previous = ends.iter().copied().rfind(|end| *end < cursor);
        prop_assert_eq!(turns.next(cursor), next);
        prop_assert_eq!(turns.previous(cursor), previous);
    }
}
