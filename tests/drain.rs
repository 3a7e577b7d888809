//! A server that is asked to stop while it is busy: what was sent before is answered, and everybody is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use wire::Server;
use wire::client::Client;
use wire::engine::Transport::{Polling, WebSocket};
use wire::engine::{BOTH, ECHO, Engine, SOCKETIO, text};
use wire::http::Http;

const GET: &[u8] = b"GET /static/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n";

#[track_caller]
fn check_answer(http: &mut Http, what: &str) {
    let answer = http.try_answer().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(answer.status, 200, "{what}");
}

/// Told that it is over: by Engine.IO's `1` and a close frame, or by what lets a poll go that has waited.
#[track_caller]
fn check_told(session: &mut Engine) {
    match session.way {
        wire::engine::Way::Polling(ref mut polling) => {
            let answer = polling.polls.answer();
            assert_eq!(answer.status, 200);
            assert!(["1", "6"].contains(&&*answer.text()), "{}", answer.text());
        }
        wire::engine::Way::WebSocket(_) => {
            assert_eq!(session.rest("the signal").last(), Some(&text("1")), "not told");
            assert!(session.socket().code.is_some(), "no close frame");
        }
    }
}

#[test]
fn whatever_was_sent_before_the_signal_is_answered_wherever_it_waits() {
    const COUNT: usize = 40;
    let mut server = Server::calm_with(&["--block-handler", "1s", "--stop-timeout", "10s"]);
    // Connections that have been served, and are idle; sessions with a poll that waits or a WebSocket.
    let mut idle: Vec<_> = (0..COUNT).map(|_| Http::connect(server.address)).collect();
    for http in &mut idle {
        assert_eq!(http.get("/static/hello.txt").status, 200);
    }
    let mut silent = Http::connect(server.address);
    assert_eq!(silent.get("/static/hello.txt").status, 200);
    let mut sessions: Vec<_> =
        BOTH.map(|way| [ECHO, SOCKETIO].map(|path| Engine::open(&server, path, way))).into_iter().flatten().collect();
    for session in sessions.iter_mut().filter(|session| matches!(session.way, wire::engine::Way::Polling(_))) {
        session.begin_poll();
    }
    // From here on nothing is read by the server, for a second: all of it waits in the kernel.
    let mut blocked = Http::connect(server.address);
    blocked.send("GET", "/block", &[], b"");
    blocked.wait_until_read();
    let began = Instant::now();
    idle.iter_mut().for_each(|http| http.write(GET));
    let mut waiting: Vec<_> = (0..COUNT).map(|_| Http::connect(server.address)).collect();
    waiting.iter_mut().for_each(|http| http.write(GET));
    server.ask_to_stop();
    assert!(began.elapsed() < Duration::from_secs(1), "too slow to have been sent while the server was blocked");
    check_answer(&mut blocked, "the request under way");
    for http in &mut idle {
        check_answer(http, "a request on a connection that was idle");
    }
    for http in &mut waiting {
        check_answer(http, "a request on a connection that was not accepted yet");
    }
    sessions.iter_mut().for_each(check_told);
    // Whoever had sent nothing is let go, and not waited for.
    assert_eq!(silent.try_answer().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(server.exit_code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "it was waited until the limit");
}

#[test]
fn under_load_every_request_sent_before_the_signal_is_answered_and_every_socket_is_told() {
    const CLIENTS: usize = 24;
    const SOCKETS: usize = 40;
    const FIRST: usize = 2_000;
    let mut server = Server::calm_with(&["--stop-timeout", "10s"]);
    let mut sockets: Vec<_> = (0..SOCKETS)
        .map(|number| Client::connect(&server, if number % 2 == 0 { Polling } else { WebSocket }))
        .collect();
    for client in sockets.iter_mut().filter(|client| matches!(client.engine.way, wire::engine::Way::Polling(_))) {
        client.engine.begin_poll();
    }
    let (is_over, sent, answered, refused) = <(AtomicBool, AtomicUsize, AtomicUsize, AtomicUsize)>::default();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (is_over, sent, answered, refused, server) = (&is_over, &sent, &answered, &refused, &server);
            scope.spawn(move || {
                let mut http = Http::connect(server.address);
                let post = format!("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nnumber {number:02}");
                loop {
                    http.write(if number % 2 == 0 { GET } else { post.as_bytes() });
                    // What is sent after the signal may find nobody.
                    let counts = !is_over.load(SeqCst);
                    sent.fetch_add(counts.into(), SeqCst);
                    let Ok(answer) = http.try_answer() else { break };
                    answered.fetch_add(counts.into(), SeqCst);
                    refused.fetch_add(usize::from(answer.status >= 500), SeqCst);
                    if answer.header("connection") == Some("close") {
                        break;
                    }
                }
            });
        }
        let began = Instant::now();
        while answered.load(SeqCst) < FIRST {
            assert!(began.elapsed() < 6 * wire::LIMIT, "too few are answered");
            std::thread::yield_now();
        }
        is_over.store(true, SeqCst);
        server.ask_to_stop();
    });
    assert_eq!(answered.load(SeqCst), sent.load(SeqCst), "answered and sent");
    assert_eq!(refused.load(SeqCst), 0);
    sockets.iter_mut().for_each(|client| check_told(&mut client.engine));
    assert_eq!(server.exit_code(), Some(0));
}

#[cfg(unix)]
#[test]
fn what_is_not_done_within_the_limit_is_cut() {
    let flags = ["--ping-interval", "60s", "--stop-timeout", "300ms", "--header-timeout", "1h", "--body-timeout", "1h"];
    let mut server = Server::limited("true", &flags);
    let mut half = Http::connect(server.address);
    half.write(b"GET / HTTP/1.1\r\nHost: x\r\n");
    half.wait_until_read();
    let began = Instant::now();
    server.ask_to_stop();
    assert_eq!(half.try_answer().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(server.exit_code(), Some(0));
    assert!(began.elapsed() >= Duration::from_millis(300), "it was not given its time");
    assert_eq!(server.complaint(), "", "it had to be left by force");
}

#[test]
fn a_head_that_is_under_way_at_the_signal_may_come_to_its_end() {
    let mut server = Server::calm_with(&["--stop-timeout", "10s"]);
    let mut half = Http::connect(server.address);
    half.write(&GET[..20]);
    half.wait_until_read();
    let mut silent = Http::connect(server.address);
    assert_eq!(silent.get("/static/hello.txt").status, 200);
    server.ask_to_stop();
    // It is being stopped: whoever says nothing has been let go.
    assert_eq!(silent.try_answer().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    half.write(&GET[20..]);
    let answer = half.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(server.exit_code(), Some(0));
}
