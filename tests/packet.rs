//! What one packet and one request leave in the log: every call once, and nothing that was not there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use spanwalk::record::Recorder;
use spanwalk::server::{Server, Settings};
use spanwalk::trace::{Event, Log, SpanRecord};
use tracing_subscriber::filter::{LevelFilter, Targets};
use wire::client::Client;
use wire::engine::{Engine, SOCKETIO, Transport, text};
use wire::http::Http;

/// How many echoes and requests there are, one after the other.
const MANY: usize = 8;

/// A server to which clients do something.
fn serve(clients: impl FnOnce(SocketAddr)) {
    let server = Server::start(Settings { port: 0, ..Settings::default() }).unwrap();
    let address = loop {
        match server.address() {
            Some(address) => break address,
            None => std::thread::yield_now(),
        }
    };
    clients(address);
    server.stopper()();
    server.join().unwrap();
}

/// What is recorded of it.
fn log(clients: impl FnOnce(SocketAddr)) -> Log {
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    let recorder = Recorder::builder().filter(filter).build();
    // The server has threads of its own.
    tracing::subscriber::set_global_default(recorder.subscriber()).unwrap();
    serve(clients);
    let mut log = Log::new();
    recorder.reader().read_into(&mut log, Duration::ZERO);
    log
}

fn echoes(address: SocketAddr) {
    let mut client = Client::on(Engine::open_at(address, SOCKETIO, Transport::WebSocket), "40");
    for _ in 0..MANY {
        client.say(r#"42["echo","hi"]"#);
        client.hears(&[text(r#"42["echo","hi"]"#)]);
    }
}

/// The front page as often, on one connection.
fn pages(address: SocketAddr) -> Vec<String> {
    let mut http = Http::connect(address);
    (0..MANY).map(|_| http.get("/").text()).collect()
}

/// The calls of that name, in the order in which they began.
fn calls(log: &Log, name: &str) -> Vec<SpanRecord> {
    log.spans().filter(|span| *span.callsite.name == *name).collect()
}

/// How often each kind of event is in a lane from the beginning of one call to that of the next of the same name.
fn between(log: &Log, calls: &[SpanRecord], nth: usize) -> BTreeMap<String, usize> {
    let [from, to] = [nth, nth + 1].map(|at| calls[at].open.0.0 as usize);
    let mut kinds = BTreeMap::new();
    for event in log.events_in(from..to).filter(|event| event.lane == calls[nth].lane) {
        *kinds.entry(event.kind.word().to_owned()).or_default() += 1;
    }
    kinds
}

/// How often calls of that name were entered.
fn enters(log: &Log, name: &str) -> Vec<usize> {
    let is_enter = |event: &Event, of: &SpanRecord| event.kind.word() == "enter" && event.kind.span() == Some(of.id);
    calls(log, name).iter().map(|call| log.events_in(..).filter(|event| is_enter(event, call)).count()).collect()
}

#[test]
fn every_call_is_entered_once_and_a_lane_is_resumed_once_for_each_packet() {
    let log = log(|address| {
        echoes(address);
        pages(address);
    });
    let echo = calls(&log, "websocket_wait");
    // The calls; and the lane, and the handler's call.
    for nth in 2..MANY {
        let kinds = between(&log, &echo, nth);
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        assert_eq!(kinds.join(", "), "13 close, 15 enter, 15 exit, 2 note, 13 open, 5 record, 1 switch");
    }
    for name in
        ["handle_event_internal", "trigger_event", "on_echo", "emit", "send_packet", "handle_one_request", "app"]
    {
        let enters = enters(&log, name);
        assert!(enters.len() >= MANY && enters.iter().all(|enters| *enters == 1), "{name}: {enters:?}");
    }
}

#[test]
fn the_front_page_tells_what_its_connection_has_gone_through_and_which_request_it_is() {
    serve(|address| {
        for connection in 1..=2 {
            for (page, request) in pages(address).iter().zip(1..) {
                let told = format!("connection {connection}, lane <code>conn-{connection}</code>");
                assert!(page.contains(&told), "{told}: {page}");
                let told = format!("for request\n{request} on this connection");
                assert!(page.contains(&told), "{told}: {page}");
            }
        }
    });
}
