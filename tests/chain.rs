//! The chain, as it really runs: the server under the recorder, in this process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use spanwalk::format::jsonl;
use spanwalk::lesson::{Book, Outcome, evaluate};
use spanwalk::record::{Control, HoldMode, Recorder};
use spanwalk::server::engineio::Options;
use spanwalk::server::{ResolverKind, Server, Settings};
use spanwalk::trace::{
    Chain, Command, CriticalPath, Event, How, Key, Kind, Log, Part, Run, SpanId, SpanRecord, Stage, Target, field,
};
use tracing_subscriber::filter::{LevelFilter, Targets};
use wire::client::Client;
use wire::engine::{ECHO, Engine, Packet, SOCKETIO, Transport, Way, text};

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

fn settings(resolver: ResolverKind) -> Settings {
    Settings { port: 0, resolver, ..Settings::default() }
}

fn read(recorder: &Recorder, log: &mut Log) {
    // What the log has already is passed over.
    recorder.reader().read_into(log, Duration::ZERO);
}

/// Reads until `is_there` is true of the log.
#[track_caller]
fn read_until(recorder: &Recorder, log: &mut Log, is_there: impl Fn(&Log) -> bool) {
    let began = std::time::Instant::now();
    let mut reader = recorder.reader();
    while !is_there(log) {
        assert!(began.elapsed() < LONG, "it did not happen");
        reader.read_into(log, Duration::from_millis(50));
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Serves, answers one request, stops: the whole log.
fn whole_run(recorder: &Recorder, resolver: ResolverKind, chain: &Chain) -> Log {
    run_with(recorder, settings(resolver), chain, |address, _| {
        assert!(get(address, "/static/hello.txt").ends_with("\r\n\r\nhello\n"));
    })
}

/// Serves, lets clients do what they do, stops: the whole log. What they leave is dropped when the server has ended.
fn run_with<T>(
    recorder: &Recorder,
    settings: Settings,
    chain: &Chain,
    clients: impl FnOnce(SocketAddr, &mut Log) -> T,
) -> Log {
    recorder.restart(HoldMode::Follow);
    let mut log = Log::new();
    let server = Server::start(settings).unwrap();
    read_until(recorder, &mut log, |log| chain.landmarks(log).loop_serves.is_some());
    let left = clients(server.address().unwrap(), &mut log);
    server.stopper()();
    server.join().unwrap();
    drop(left);
    read(recorder, &mut log);
    log
}

/// The default's heartbeat is too slow for a test; a client may take as long as it likes to answer.
fn quick_pings() -> Settings {
    let engineio = Options { ping_interval: Duration::from_millis(100), ping_timeout: LONG, ..Options::default() };
    Settings { engineio, ..settings(ResolverKind::Thread) }
}

/// The way of a packet: a client that polls, whose first probe fails, and that goes over to WebSocket then; one that begins
/// by WebSocket; a message, a broadcast, pings.
fn two_clients_chat(address: SocketAddr) -> [Client; 2] {
    let mut first = Client::on(Engine::open_at(address, SOCKETIO, Transport::Polling), "40");
    let mut wrong = first.engine.second();
    wrong.send(&text("4no probe"));
    assert_eq!(wrong.try_next(), None, "the WebSocket is closed");
    first.say(r#"42["message","by polling"]"#);
    first.hears(&[text(r#"42["message-back","by polling"]"#)]);
    go_over(&mut first.engine);
    first.say(r#"42["message","hi"]"#);
    first.hears(&[text(r#"42["message-back","hi"]"#)]);
    let mut second = Client::on(Engine::open_at(address, SOCKETIO, Transport::WebSocket), "40");
    first.say(r#"42["all","hello"]"#);
    for client in [&mut first, &mut second] {
        client.hears(&[text(r#"42["all","hello"]"#)]);
    }
    assert_eq!(second.engine.next(), text("2"));
    [first, second]
}

/// To WebSocket, with no poll under way. A ping that is due meanwhile comes by the WebSocket.
#[track_caller]
fn go_over(engine: &mut Engine) {
    let mut socket = engine.second();
    socket.send(&text("2probe"));
    assert_eq!(socket.next(), text("3probe"));
    socket.send(&text("5"));
    engine.way = Way::WebSocket(Box::new(socket));
}

/// The spans of a step, in the order in which they were opened.
fn spans_of(log: &Log, chain: &Chain, step: &str) -> Vec<SpanRecord> {
    let key = chain.key(step).unwrap();
    log.spans().filter(|span| key.matches(&span.callsite)).collect()
}

/// What happened between the beginning and the end of a span.
fn during(log: &Log, span: &SpanRecord) -> impl Iterator<Item = Event> {
    log.events_in(span.open.0.0 as usize..span.close.unwrap().0.0 as usize)
}

/// The last value of a field of a span.
fn value(log: &Log, span: SpanId, name: &str) -> Option<String> {
    log.recorded(span, name, log.len()).map(|(_, value)| value.to_string())
}

fn opened(log: &Log, chain: &Chain) -> Vec<String> {
    let mut steps = Vec::new();
    for event in log.events_in(..) {
        if let Kind::Open { callsite, .. } = &event.kind
            && let Some(step) = chain.step_of(callsite)
        {
            steps.push(chain.steps()[step].id.clone());
        }
    }
    steps
}

#[test]
fn every_page_is_about_a_span_of_a_real_run_and_every_claim_comes_out_as_its_page_says() {
    let (_turn, recorder) = recorder();
    let book = Book::embedded();
    let chain = book.chain();
    let log = run_with(&recorder, quick_pings(), &chain, |address, _| two_clients_chat(address));
    let seen = opened(&log, &chain);
    for page in book.pages() {
        if let Some(call) = &page.call {
            assert!(seen.contains(&call.step), "{}: no span in a real run", page.file);
            let is_it = |kind: &Kind| {
                kind.span().and_then(|span| log.span(span)).is_some_and(|s| call.key.matches(&s.callsite))
            };
            let recorded = log.events_in(..).filter(|event| is_it(&event.kind)).flat_map(|event| match &event.kind {
                Kind::Open { fields, .. } | Kind::Record { fields, .. } => fields.clone(),
                _ => Vec::new(),
            });
            let recorded: Vec<_> = recorded.collect();
            for name in &page.fields {
                assert!(field(&recorded, name).is_some(), "{}: the span has no field `{name}`", page.file);
            }
        }
        for claim in &page.claims {
            let found = evaluate(&claim.predicate, &log, &chain, log.len());
            assert_eq!(found.outcome, claim.expected(), "{}: {}: {}", page.file, claim.predicate, found.detail);
        }
    }
}

#[test]
fn without_a_client_no_claim_about_packets_is_decided_and_the_drain_is_empty() {
    let (_turn, recorder) = recorder();
    let book = Book::embedded();
    let chain = book.chain();
    let log = run_with(&recorder, settings(ResolverKind::Thread), &chain, |_, _| ());
    let of_clients: Vec<&str> = chain.steps().iter().map(|step| &*step.id).skip_while(|id| *id != "do_read").collect();
    let of_clients: Vec<&str> = of_clients.into_iter().take_while(|id| *id != "stop").collect();
    let seen = opened(&log, &chain);
    assert!(!seen.iter().any(|step| of_clients.contains(&&**step)), "{seen:?}");
    let end: Vec<&str> =
        seen.iter().map(|step| &**step).filter(|step| ["stop", "close", "drain"].contains(step)).collect();
    assert_eq!((end, seen.last().map(|step| &**step)), (vec!["stop", "close", "drain"], Some("drain")));
    let packets = ["engineio.", "upgrade_", "handle_event_", "socketio.", "send_ping"];
    for claim in book.pages().iter().flat_map(|page| &page.claims) {
        if claim.predicate.steps().any(|step| packets.iter().any(|packet| step.starts_with(packet))) {
            let found = evaluate(&claim.predicate, &log, &chain, log.len());
            assert_eq!(found.outcome, Outcome::NotRun, "{}: {}", claim.predicate, found.detail);
        }
    }
    let drain = spans_of(&log, &chain, "drain")[0].id;
    assert_eq!(value(&log, drain, "sessions").as_deref(), Some("0"));
}

#[test]
fn a_session_changes_its_lane_with_the_upgrade_and_outlives_a_probe_that_fails() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let log = run_with(&recorder, quick_pings(), &chain, |address, _| two_clients_chat(address));
    let upgrades = spans_of(&log, &chain, "upgrade_websocket");
    let outcomes: Vec<_> = upgrades.iter().map(|span| value(&log, span.id, "outcome").unwrap()).collect();
    assert_eq!(outcomes, ["Invalid packet", "upgraded"]);
    // The handlers of the same client, before and after: in the lane that began the session, and in the WebSocket's.
    let handled = spans_of(&log, &chain, "handle_event_internal");
    let lane = |span: &SpanRecord| log.lane(span.lane).unwrap().name.to_string();
    assert_eq!(lane(&handled[0]), lane(&spans_of(&log, &chain, "engineio.handle_connect")[0]));
    assert_eq!(lane(&handled[1]), lane(&upgrades[1]));
    assert_ne!(lane(&handled[0]), lane(&handled[1]));
}

#[test]
fn a_broadcast_is_encoded_once_and_wakes_the_lane_of_the_other() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let log = run_with(&recorder, quick_pings(), &chain, |address, _| two_clients_chat(address));
    let emits = spans_of(&log, &chain, "socketio.emit");
    let [emit] = &*emits else { panic!("{} broadcasts", emits.len()) };
    assert_eq!(value(&log, emit.id, "recipients").as_deref(), Some("2"));
    let inside = log.spans().filter(|span| span.parent == Some(emit.id));
    assert_eq!(inside.map(|span| span.callsite.name.to_string()).collect::<Vec<_>>(), ["encode"]);
    let woken = during(&log, emit).filter_map(|event| match event.kind {
        Kind::Wake { to, .. } => Some(to),
        _ => None,
    });
    let second = spans_of(&log, &chain, "engineio.handle_connect")[1].lane;
    assert_eq!(woken.collect::<Vec<_>>(), [second]);
}

#[test]
fn events_begin_in_order_and_one_that_waits_is_overtaken() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let log = run_with(&recorder, settings(ResolverKind::Thread), &chain, |address, _| {
        let mut client = Client::on(Engine::open_at(address, SOCKETIO, Transport::WebSocket), "40");
        // Its handler waits for the client's ack.
        client.say(r#"42["emit-with-ack","first"]"#);
        client.say(r#"42["message","second"]"#);
        client.hears(&[text(r#"420["emit-with-ack","first"]"#), text(r#"42["message-back","second"]"#)]);
        client.say(r#"430["first"]"#);
        client.hears(&[text(r#"42["emit-with-ack","first"]"#)]);
        client
    });
    let mut handled = spans_of(&log, &chain, "handle_event_internal");
    let names = |handled: &[SpanRecord]| -> Vec<String> {
        handled.iter().map(|span| value(&log, span.id, "event").unwrap()).collect()
    };
    assert_eq!(names(&handled), ["emit-with-ack", "message"]);
    handled.sort_by_key(|span| span.close.unwrap().1);
    assert_eq!(names(&handled), ["message", "emit-with-ack"]);
}

#[test]
fn a_handler_that_blocks_ends_a_session_whose_pong_had_come() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let timeout = Duration::from_millis(800);
    let engineio = Options { ping_interval: Duration::from_millis(50), ping_timeout: timeout, ..Options::default() };
    let settings = Settings { engineio, block_handler: Some(2 * timeout), ..settings(ResolverKind::Thread) };
    let blocks = |log: &Log| log.spans().find(|span| *span.callsite.name == *"block_the_thread").map(|span| span.id);
    let log = run_with(&recorder, settings, &chain, |address, log| {
        let mut client = Engine::open_at(address, ECHO, Transport::WebSocket);
        assert_eq!(client.next(), text("2"));
        std::thread::scope(|scope| {
            scope.spawn(move || get(address, "/block"));
            read_until(&recorder, log, |log| blocks(log).is_some());
            client.send(text("3"));
            assert_eq!(client.try_next(), None, "the session is over");
        });
    });
    // While it blocks nothing else happens on its thread.
    let block = log.span(blocks(&log).unwrap()).unwrap();
    assert!(during(&log, &block).all(|event| event.lane == block.lane || &*event.thread.name != "MainThread"));
    let ended = log.spans().filter(|span| *span.callsite.name == *"websocket_handler");
    let ended: Vec<_> = ended.filter_map(|span| value(&log, span.id, "ended")).collect();
    assert_eq!(ended, ["ping timeout"]);
}

#[test]
fn stopping_tells_clients_that_wait_by_either_transport() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    recorder.restart(HoldMode::Follow);
    let mut log = Log::new();
    let server = Server::start(settings(ResolverKind::Thread)).unwrap();
    read_until(&recorder, &mut log, |log| chain.landmarks(log).loop_serves.is_some());
    let address = server.address().unwrap();
    let mut polling = Engine::open_at(address, ECHO, Transport::Polling);
    let mut socket = Client::on(Engine::open_at(address, SOCKETIO, Transport::WebSocket), "40").engine;
    polling.begin_poll();
    server.stopper()();
    let answer = polling.polling().polls.answer();
    assert_eq!((answer.status, &*answer.text()), (200, "1"));
    assert_eq!(socket.try_next(), Some(text("1")));
    assert_eq!((socket.try_next(), socket.socket().code), (None::<Packet>, Some(1001)));
    server.join().unwrap();
    read(&recorder, &mut log);
    let drain = &spans_of(&log, &chain, "drain")[0];
    assert_eq!(value(&log, drain.id, "sessions").as_deref(), Some("2"));
    let why = log.spans().filter(|span| *span.callsite.name == *"on_disconnect");
    let why: Vec<_> = why.filter_map(|span| value(&log, span.id, "why")).collect();
    assert_eq!(why, ["server shutting down"]);
}

#[test]
fn with_the_blocking_resolver_there_is_no_worker_and_no_claim_fails_that_did_run() {
    let (_turn, recorder) = recorder();
    let book = Book::embedded();
    let chain = book.chain();
    let log = whole_run(&recorder, ResolverKind::Block, &chain);
    let lanes: Vec<&str> = log.lanes().iter().map(|lane| &*lane.name).collect();
    assert_eq!(lanes, ["main", "hub", "conn-1"]);
    let seen = opened(&log, &chain);
    assert!(!seen.iter().any(|step| ["apply", "spawn", "get", "worker.run_task"].contains(&&**step)), "{seen:?}");
    assert!(seen.iter().any(|step| step == "app"), "it serves all the same");
    // The hub first runs when main waits for the stop event.
    let landmarks = chain.landmarks(&log);
    assert_eq!(landmarks.during, None);
    let before = log.state_at(landmarks.before.unwrap());
    let innermost = before.lane_named("main").unwrap().stack.last().unwrap().clone();
    assert_eq!(&*innermost.callsite.target, "spanwalk::server::netdb", "before the loop main looks the name up itself");
    assert!(landmarks.loop_starts < landmarks.loop_serves);
}

#[test]
fn state_at_any_cursor_is_the_state_that_was_live_there() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let whole = whole_run(&recorder, ResolverKind::Thread, &chain);
    let mut live = Log::new();
    for (cursor, event) in whole.events_in(..).enumerate() {
        assert_eq!(whole.state_at(cursor), *live.latest(), "event {cursor}");
        live.push(event);
    }
    assert_eq!(whole.state_at(whole.len()), *live.latest());
}

/// The place in the log of the first line that is this, by `seq`.
struct Lines(Vec<serde_json::Value>);

impl Lines {
    fn of(log: &Log) -> Self {
        let lines = log.events_in(..).map(|event| jsonl::line(log, &event));
        Self(lines.map(|line| serde_json::from_str(&line).unwrap()).collect())
    }

    #[track_caller]
    fn first(&self, kind: &str, target: &str, name: &str) -> u64 {
        let target = format!("spanwalk::server::{target}");
        let is_it = |line: &&serde_json::Value| {
            let message = line["fields"]["message"].as_str();
            line["kind"] == kind && line["target"] == target && message.or(line["name"].as_str()) == Some(name)
        };
        self.0.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {target} {name}"))["seq"].as_u64().unwrap()
    }
}

#[test]
fn the_ordered_pairs_hold_in_every_start_while_the_machine_is_busy() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let checked = std::panic::catch_unwind(|| {
            for _ in 0..100 {
                ordered_pairs_of_a_start(&recorder, &chain, ResolverKind::Thread);
                ordered_pairs_of_a_start(&recorder, &chain, ResolverKind::Block);
            }
        });
        is_over.store(true, Ordering::Relaxed);
        if let Err(failed) = checked {
            std::panic::resume_unwind(failed);
        }
    });
}

#[track_caller]
fn ordered_pairs_of_a_start(recorder: &Recorder, chain: &Chain, resolver: ResolverKind) {
    let lines = Lines::of(&whole_run(recorder, resolver, chain));
    let listen = lines.first("note", "stream_server", "listen");
    let hub_run = lines.first("enter", "hub", "run");
    let named = lines.first("note", "pywsgi", "SERVER_NAME set");
    let then = [
        named,
        lines.first("close", "event", "clear"),
        lines.first("enter", "baseserver", "start_accepting"),
        lines.first("enter", "event", "wait"),
        lines.first("enter", "baseserver", "do_read"),
    ];
    assert!(then.is_sorted(), "{then:?}");
    assert!(listen < named);
    if resolver == ResolverKind::Block {
        assert!(then[3] < hub_run, "without a pool the hub first runs when main waits for the stop event");
        return;
    }
    let spawn = lines.first("enter", "threadpool", "spawn");
    let run_task = lines.first("enter", "threadpool", "run_task");
    let looked_up = lines.first("exit", "netdb", "gethostbyaddr");
    let on_async = lines.first("enter", "threadpool", "on_async");
    let resumes = lines.first("exit", "event", "get");
    assert!(listen < spawn && spawn < hub_run.min(run_task));
    assert!(hub_run.max(looked_up) < on_async && on_async < resumes && resumes < named);
}

struct Walk {
    recorder: Recorder,
    control: Control,
    server: Server,
    log: Log,
}

impl Walk {
    fn new(recorder: Recorder) -> Self {
        recorder.restart(HoldMode::Hold { silence: LONG, settle: LONG });
        let control = recorder.control();
        let server = Server::start(settings(ResolverKind::Thread)).unwrap();
        Self { recorder, control, server, log: Log::new() }
    }

    #[track_caller]
    fn stop(&mut self) -> String {
        let status = self.control.wait_for_stop(LONG);
        let Run::Paused(stop) = status.run else { panic!("no stop: {status:?}") };
        read(&self.recorder, &mut self.log);
        let lane = &self.log.lane(stop.lane).unwrap().name;
        format!("{lane} {} {}", stop.edge.word(), self.log.span(stop.span).unwrap().callsite.name)
    }

    #[track_caller]
    fn after(&mut self, command: Command) -> String {
        self.control.command(command);
        self.stop()
    }

    fn stack(&self, lane: &str) -> Vec<String> {
        let lane = self.log.latest().lane_named(lane).unwrap();
        lane.stack.iter().rev().map(|frame| frame.callsite.name.to_string()).collect()
    }

    fn end(self) {
        self.control.detach();
        self.server.stopper()();
        self.server.join().unwrap();
    }
}

#[test]
fn stepping_shows_the_frames_in_order_down_to_spawn_and_into_the_loop() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let mut walk = Walk::new(recorder);
    let mut entered = vec![walk.stop()];
    while entered.last().is_none_or(|last| last != "main enter spawn") {
        let stop = walk.after(Command::Into);
        if stop.contains(" enter ") {
            entered.push(stop);
        }
        assert!(entered.len() < 40, "{entered:?}");
    }
    let expected = [
        "run",
        "new",
        "serve_forever",
        "start",
        "init_socket",
        "init_socket",
        "get_listener",
        "tcp_listener",
        "update_environ",
        "getfqdn",
        "gethostbyaddr",
        "gethostbyaddr",
        "apply",
        "spawn",
    ];
    assert_eq!(entered, expected.map(|name| format!("main enter {name}")));
    // The stack of the report's picture, without what Python puts around it.
    let picture = [
        "spawn",
        "apply",
        "gethostbyaddr",
        "gethostbyaddr",
        "getfqdn",
        "update_environ",
        "init_socket",
        "start",
        "serve_forever",
        "run",
    ];
    assert_eq!(walk.stack("main"), picture);
    let hub = walk.log.latest().lane_named("hub").unwrap();
    assert!(!hub.has_run && walk.log.latest().lane_named("worker-1").is_none());

    assert_eq!(walk.after(Command::RunTo(Target::Call(chain.key("hub.run").unwrap().clone()))), "hub enter run");
    assert_eq!(walk.stack("main")[..2], ["get", "apply"]);
    walk.end();
}

#[test]
fn over_apply_comes_back_with_the_name_though_hub_and_worker_must_run_for_it() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let mut walk = Walk::new(recorder);
    walk.stop();
    walk.after(Command::RunTo(Target::Call(chain.key("apply").unwrap().clone())));
    assert_eq!(walk.after(Command::Over), "main exit apply");
    let apply = walk.log.latest().lane_named("main").unwrap().stack.last().unwrap().clone();
    assert!(apply.field("result").is_some(), "an exit shows what came back");
    assert!(chain.landmarks(&walk.log).loop_starts.is_some());
    assert_eq!(walk.after(Command::Out), "main exit gethostbyaddr");
    walk.end();
}

#[test]
fn a_request_is_stepped_from_accept_to_the_answer() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    let mut walk = Walk::new(recorder);
    walk.stop();
    let serves = Target::After {
        first: chain.key("start_accepting").unwrap().clone(),
        call: chain.key("loop.poll").unwrap().clone(),
    };
    assert_eq!(walk.after(Command::RunTo(serves)), "hub enter poll");
    let address = walk.server.address().unwrap();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let mut stops = Vec::new();
    while !client.is_finished() {
        walk.control.command(Command::Into);
        // The last stop before the answer is written is followed by none.
        if matches!(walk.control.wait_for_stop(Duration::from_millis(200)).run, Run::Paused(_)) {
            stops.push(walk.stop());
        }
        assert!(stops.len() < 500, "{stops:?}");
    }
    assert!(client.join().unwrap().starts_with("HTTP/1.1 200"));
    let at = |stop: &str| stops.iter().position(|seen| seen == stop).unwrap_or_else(|| panic!("{stop}: {stops:?}"));
    let order = [
        "hub enter do_read",
        "hub enter do_handle",
        "conn-1 enter handle",
        "conn-1 enter handle_one_request",
        "conn-1 enter app",
        "conn-1 exit app",
        "conn-1 exit handle_one_request",
    ];
    assert!(order.map(at).is_sorted(), "{stops:?}");
    walk.end();
}

#[test]
fn a_client_connects_during_the_lookup_and_is_answered_after_it() {
    let (_turn, recorder) = recorder();
    let mut walk = Walk::new(recorder);
    walk.stop();
    // The lookup is under way for as long as the worker is held in it.
    let lookup = Key { name: "gethostbyaddr".to_owned(), target: "spanwalk::server::netdb".to_owned() };
    assert_eq!(walk.after(Command::RunTo(Target::Call(lookup))), "worker-1 enter gethostbyaddr");
    let mut client = TcpStream::connect(walk.server.address().unwrap()).unwrap();
    client.write_all(b"GET /static/hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody has accepted");
    client.set_nonblocking(false).unwrap();
    walk.control.command(Command::Continue);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("hello\n"));
    walk.end();
}

#[test]
fn a_handler_that_blocks_lets_nobody_else_in() {
    let (_turn, recorder) = recorder();
    recorder.restart(HoldMode::Follow);
    let block_handler = Some(Duration::from_millis(200));
    let server = Server::start(Settings { block_handler, ..settings(ResolverKind::Thread) }).unwrap();
    let chain = Book::embedded().chain();
    let mut log = Log::new();
    let at = |log: &Log, kind: &str, name: &str| {
        let is_it = |event: &Event| {
            event.kind.word() == kind
                && event.kind.span().and_then(|span| log.span(span)).is_some_and(|span| *span.callsite.name == *name)
        };
        log.events_in(..).filter(is_it).map(|event| event.seq).collect::<Vec<_>>()
    };
    read_until(&recorder, &mut log, |log| chain.landmarks(log).loop_serves.is_some());
    let address = server.address().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || get(address, "/block"));
        read_until(&recorder, &mut log, |log| !at(log, "enter", "block_the_thread").is_empty());
        assert!(get(address, "/static/hello.txt").ends_with("hello\n"));
    });
    server.stopper()();
    server.join().unwrap();
    read(&recorder, &mut log);
    let (unblocked, accepts) = (at(&log, "exit", "block_the_thread"), at(&log, "enter", "do_handle"));
    assert_eq!((unblocked.len(), accepts.len()), (1, 2));
    assert!(accepts[1] > unblocked[0], "the second client was let in while the first blocked the thread");
}

#[test]
fn a_held_server_stops_when_it_is_asked_to() {
    let (_turn, recorder) = recorder();
    let mut walk = Walk::new(recorder);
    assert_eq!(walk.stop(), "main enter run");
    walk.end();
}

#[test]
fn stopping_finishes_what_is_in_flight() {
    let (_turn, recorder) = recorder();
    recorder.restart(HoldMode::Follow);
    let server =
        Server::start(Settings { block_handler: Some(Duration::from_millis(150)), ..settings(ResolverKind::Thread) })
            .unwrap();
    let chain = Book::embedded().chain();
    let mut log = Log::new();
    read_until(&recorder, &mut log, |log| chain.landmarks(log).loop_serves.is_some());
    let address = server.address().unwrap();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /block HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    read_until(&recorder, &mut log, |log| opened(log, &chain).iter().any(|step| step == "app"));
    server.stopper()();
    server.join().unwrap();
    assert!(client.join().unwrap().contains("blocked everybody"), "the answer came though the server was stopping");
    assert!(TcpStream::connect(address).is_err(), "nothing listens any more");
    // The client would have kept its connection: it was told to go, not cut.
    read(&recorder, &mut log);
    let recorded = log.events_in(..).filter_map(|event| match &event.kind {
        Kind::Record { fields, .. } => field(fields, "cut").cloned(),
        _ => None,
    });
    assert_eq!(recorded.map(|cut| cut.to_string()).collect::<Vec<_>>(), ["0"]);
}

#[test]
fn the_start_waits_for_the_hub_and_the_worker_by_way_of_who_had_them_go_on() {
    let (_turn, recorder) = recorder();
    let chain = Book::embedded().chain();
    recorder.restart(HoldMode::Follow);
    let mut log = Log::new();
    // A lookup that is over before the loop polls is waited for by nobody.
    let slow = Settings { slow_dns: Some(Duration::from_millis(40)), ..settings(ResolverKind::Thread) };
    let server = Server::start(slow).unwrap();
    read_until(&recorder, &mut log, |log| chain.landmarks(log).loop_serves.is_some());
    server.stopper()();
    server.join().unwrap();
    read(&recorder, &mut log);
    let key = chain.key("start").unwrap();
    let start = log.spans().find(|span| key.matches(&span.callsite)).unwrap();
    let (from, to) = (start.entered.unwrap(), start.close.unwrap().1);
    let mut path = CriticalPath::new(&log, Stage { lane: start.lane, from, to });
    while path.is_behind() {
        path.read(&log, 100);
    }
    let parts = path.parts().unwrap();
    let lane = |part: &Part| log.lane(part.lane).unwrap().name.to_string();
    let edges = parts.iter().filter_map(|part| Some((part.because.as_ref()?, lane(part))));
    let edges: Vec<(How, String)> = edges.map(|(because, lane)| (because.how, lane)).collect();
    let expected = [(How::Made, "worker-1"), (How::Woken, "hub"), (How::Given, "main")];
    assert_eq!(edges, expected.map(|(how, lane)| (how, lane.to_owned())));
    let names = |lane_named: &str| -> Vec<String> {
        let of_lane = parts.iter().filter(|part| lane(part) == lane_named);
        of_lane.filter_map(|part| log.span(part.span?)).map(|span| span.callsite.name.to_string()).collect()
    };
    assert!(names("worker-1").contains(&"gethostbyaddr".to_owned()), "the lookup itself");
    assert!(names("hub").contains(&"on_async".to_owned()) && names("main").contains(&"spawn".to_owned()));
}
