//! Requests that are broken, slow or meant ill, byte for byte: each is refused, and the server has lost nothing by it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use spanwalk::file::Reader;
use spanwalk::trace::{Kind, Log};
use wire::engine::Transport::Polling;
use wire::engine::{ECHO, Engine, Packet, SOCKETIO, Way, joined, text};
use wire::http::{Http, connect};
use wire::recorded::Recorded;
use wire::{LIMIT, Server};

/// Who accepts.
#[cfg(target_os = "linux")]
const BASESERVER: &str = "spanwalk::server::baseserver";

/// Too long to be waited for: a limit that a test is not about.
const NEVER: &str = "1h";

/// All that a server says to these bytes until it ends the connection.
#[track_caller]
fn all_said(server: &Server, sent: &[u8]) -> String {
    let mut stream = connect(server.address);
    let _ = stream.write_all(sent);
    rest(&mut stream)
}

/// All that is said from now on. The connection is ended by the server; that it is reset counts as that.
#[track_caller]
fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => {
            panic!("the connection is not ended: {error} after {:?}", String::from_utf8_lossy(&said))
        }
        _ => String::from_utf8_lossy(&said).into_owned(),
    }
}

/// The statuses of all answers in what was said.
fn statuses(said: &str) -> Vec<&str> {
    said.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect()
}

/// One request and a second behind it: the first is answered so, the second not at all.
#[track_caller]
fn check(server: &Server, first: &str, status: &str) {
    let sent = format!("{first}GET /static/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    let said = all_said(server, sent.as_bytes());
    assert_eq!(statuses(&said), [status], "to {first:?}: {said:?}");
    // What a proxy sees in one answer and this server does not must not be seen by a client either.
    assert!(!said.contains("hello"), "{said:?}");
    check_lives(server);
}

#[track_caller]
fn check_lives(server: &Server) {
    assert_eq!(Http::connect(server.address).get("/static/hello.txt").text(), "hello\n");
}

// ---- What can be read in two ways

#[test]
fn a_head_that_can_be_read_in_two_ways_is_400_and_nothing_after_it_is_answered() {
    let server = Server::calm_with(&["--header-timeout", NEVER, "--idle-timeout", NEVER]);
    let inner = "GET /static/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n";
    for lines in [
        // Both, either way round.
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        // Two of one, equal or not.
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 48",
        "Content-Length: 0\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        // Encodings that are not this one word.
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked; a=b",
        "Transfer-Encoding: chunked\u{b}",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        // Lengths that are no length.
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 5 5",
        "Content-Length: 5, 5",
        "Content-Length: 0x5",
        "Content-Length: 5;",
        "Content-Length:",
        "Content-Length: 99999999999999999999999999",
        "Content-Length: 18446744073709551615",
        // Names that are none, and a value that goes on in the next line.
        "Content-Length : 5",
        "Content-\0Length: 5",
        "X\0: 5",
        "X Y: 5",
        " X: 5",
        ": 5",
        "X",
        "X: 5\r\n Content-Length: 5",
        "X: 5\r\n\tY",
        "X: a\0b",
        "X: a\rb",
        "Transfer-Encoding:\r\n chunked",
    ] {
        for target in ["/", "/engine.io/?EIO=4&transport=polling"] {
            check(&server, &format!("POST {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n0\r\n\r\n{inner}"), "400");
            check(&server, &format!("POST {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n"), "400");
        }
    }
    // There are no chunks in HTTP/1.0.
    check(&server, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400");
}

#[test]
fn the_second_head_of_a_connection_is_looked_at_as_the_first_was() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    let target = session.target(Polling);
    let good = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4a\u{1e}4bc");
    let bad = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n";
    let said = all_said(&server, format!("{good}{good}{bad}{good}").as_bytes());
    assert_eq!(statuses(&said), ["200", "200", "400"], "{said}");
    for packet in ["4a", "4bc", "4a", "4bc"] {
        assert_eq!(session.try_next(), Some(text(packet)));
    }
}

#[test]
fn a_body_of_chunks_is_the_last_of_its_connection() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    let target = session.target(Polling);
    let chunks = "2\r\n4h\r\n3;a=b\r\ney!\r\n0\r\nX: y\r\n\r\n";
    check(&server, &format!("POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n{chunks}"), "200");
    assert_eq!(session.try_next(), Some(text("4hey!")));
    // What is asked to become something else, and does not, too: nobody has looked at what comes then.
    check(&server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "200");
}

#[test]
fn chunks_that_are_none_end_the_connection_and_the_session() {
    let server = Server::calm();
    for chunks in ["zz\r\n4h\r\n", "-1\r\n", "fffffffffffffffff\r\n4h\r\n", "2\r\n4hX\r\n0\r\n\r\n", "2 2\r\n4h\r\n"] {
        let mut session = Engine::open(&server, ECHO, Polling);
        let target = session.target(Polling);
        let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        check(&server, &format!("{head}{chunks}"), "400");
        assert_eq!(session.poll().status, 400, "after {chunks:?}");
    }
}

// ---- Too much

#[test]
fn headers_that_are_too_large_or_too_many_are_431() {
    let server = Server::calm_with(&["--max-headers", "50", "--max-header-size", "16kB"]);
    let get = |lines: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    let large = |size: usize| get(&format!("X: {}\r\n", "x".repeat(size)));
    let many = |count: usize| get(&"X: y\r\n".repeat(count));
    check(&server, &large(1_000_000), "431");
    check(&server, &large(17_000), "431");
    check(&server, &many(20_000), "431");
    check(&server, &many(50), "431");
    for within in [large(15_000), many(49)] {
        let mut http = Http::connect(server.address);
        http.write(within.as_bytes());
        assert_eq!(http.answer().status, 200);
    }
    // An address that is longer than all headers may be.
    check(&server, &format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000)), "431");
}

#[test]
fn a_body_over_the_limit_is_413_before_it_has_been_taken() {
    let server = Server::with(&["--ping-interval", "60s", "--max-payload", "100kB"]);
    let head = |target: &str, line: &str| format!("POST {target} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");
    // Announced: not a byte of it is waited for.
    let mut session = Engine::open(&server, ECHO, Polling);
    let announced = head(&session.target(Polling), "Content-Length: 25000000");
    assert_eq!(statuses(&all_said(&server, announced.as_bytes())), ["413"]);
    assert_eq!(session.poll().status, 400, "the session is over");
    // In chunks, as many as it takes.
    let session = Engine::open(&server, ECHO, Polling);
    let mut stream = connect(server.address);
    stream.write_all(head(&session.target(Polling), "Transfer-Encoding: chunked").as_bytes()).unwrap();
    let chunk = [b"2710\r\n", &[b'x'; 10_000][..], b"\r\n"].concat();
    let taken = (0..2_500).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said);
    assert!(taken < 2_500, "all 25 MB were taken");
    assert!(said.is_empty() || statuses(&said) == ["413"], "{said:?}");
    // Whoever stops when told to is told.
    let session = Engine::open(&server, ECHO, Polling);
    let chunks = [head(&session.target(Polling), "Transfer-Encoding: chunked").as_bytes(), &chunk.repeat(11)].concat();
    assert_eq!(statuses(&all_said(&server, &chunks)), ["413"]);
    check_lives(&server);
}

#[test]
fn who_is_refused_while_still_sending_is_not_reset_and_so_hears_why() {
    let server = Server::with(&["--ping-interval", "60s", "--max-payload", "1kB"]);
    let body = "x".repeat(100_000);
    let post = |target: &str, line: &str| format!("POST {target} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");
    // A session does not outlive what is refused there.
    let session = || Engine::open(&server, ECHO, Polling).target(Polling);
    for (status, head) in [
        ("413", &(|| post(&session(), "Content-Length: 25000000")) as &dyn Fn() -> String),
        ("400", &|| post("/", "Content-Length: 1\r\nContent-Length: 1")),
        ("405", &|| post("/", "Content-Length: 25000000")),
    ] {
        let mut stream = connect(server.address);
        stream.write_all(head().as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap_or_else(|error| panic!("{status}: {error} after {said:?}"));
        assert_eq!(statuses(&said), [status]);
        // Nor is one that goes on when it has been told. It has a second for that, which may pass on a busy machine.
        let goes_on = || {
            let mut stream = connect(server.address);
            stream.write_all(head().as_bytes()).unwrap();
            assert_eq!(statuses(&rest(&mut stream)), [status]);
            // What it does at once is done by now.
            check_lives(&server);
            body.as_bytes().chunks(1_000).all(|part| stream.write_all(part).is_ok())
        };
        assert!((0..5).any(|_| goes_on()), "{status}: it is reset");
    }
}

#[test]
fn files_above_and_beside_the_static_ones_are_not_found() {
    let server = Server::calm();
    for path in [
        "/static/../Cargo.toml",
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/Cargo.toml",
        "/static/..%2fCargo.toml",
        "/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/static/..%5c..%5cetc%5cpasswd",
        "/static/..\\Cargo.toml",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/....//Cargo.toml",
        "/static/%252e%252e/Cargo.toml",
        "/static/%c0%ae%c0%ae/Cargo.toml",
        "/static/hello.txt%00.css",
        "/static/hello.txt/..",
        "/static/%zz",
        "/static/%ff",
        "/static/",
        "/static/.",
        "/../etc/passwd",
    ] {
        let answer = Http::connect(server.address).get(path);
        assert!([400, 404].contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        assert!(answer.body.len() < 100, "{path}: {}", answer.text());
    }
    check_lives(&server);
}

#[test]
fn a_static_file_is_the_same_however_its_name_is_spelled_and_is_only_got() {
    let server = Server::calm();
    let mut http = Http::connect(server.address);
    for path in ["/static/hello.txt", "/static/h%65llo%2Etxt"] {
        let file = http.get(path);
        assert_eq!((file.status, &*file.text()), (200, "hello\n"), "{path}");
        let told = ["content-type", "cache-control", "content-length"].map(|name| file.header(name));
        assert_eq!(told, [Some("text/plain; charset=utf-8"), Some("no-cache"), Some("6")], "{path}");
        http.send("POST", path, &[], b"");
        assert_eq!(http.answer().status, 405, "{path}");
        let mut head = connect(server.address);
        head.write_all(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let said = rest(&mut head);
        assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("content-length: 6\r\n"), "{path}: {said:?}");
        assert!(said.ends_with("\r\n\r\n"), "{path}: {said:?}");
    }
}

// ---- Too slow. A limit is never kept to the moment, and never ends too early.

/// Ended by the server, after this time at the earliest.
#[track_caller]
fn check_ended(stream: &mut TcpStream, began: Instant, at_least: Duration, said: &[&str]) {
    let all = rest(stream);
    assert!(began.elapsed() >= at_least, "ended after {:?}: {all:?}", began.elapsed());
    assert_eq!(statuses(&all), said, "{all:?}");
}

#[test]
fn headers_that_do_not_come_or_come_byte_by_byte_have_their_time() {
    let within = Duration::from_millis(500);
    let server = Server::calm_with(&["--header-timeout", "500ms", "--idle-timeout", NEVER]);
    for sent in ["", "\r\n", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n"] {
        let began = Instant::now();
        let mut stream = connect(server.address);
        stream.write_all(sent.as_bytes()).unwrap();
        check_ended(&mut stream, began, within, &[]);
    }
    // Each byte is a sign of life, and counts for nothing.
    let began = Instant::now();
    let mut stream = connect(server.address);
    let mut dribbles = stream.try_clone().unwrap();
    let dribble = std::thread::spawn(move || {
        let _ = dribbles.write_all(b"GET / HTTP/1.1\r\nX: ");
        while dribbles.write_all(b"x").is_ok() && began.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    check_ended(&mut stream, began, within, &[]);
    drop(stream);
    dribble.join().unwrap();
    assert!(began.elapsed() < LIMIT, "it was let go on");
    // The same for the second request of a connection, from its first byte.
    let mut http = Http::connect(server.address);
    assert_eq!(http.get("/").status, 200);
    let began = Instant::now();
    http.write(b"GET");
    check_ended(http.stream.get_mut(), began, within, &[]);
    check_lives(&server);
}

#[test]
fn a_connection_is_kept_between_requests_for_the_idle_time_and_a_poll_that_waits_is_not_idle() {
    let within = Duration::from_millis(500);
    let server = Server::calm_with(&["--idle-timeout", "500ms", "--header-timeout", "100ms"]);
    let mut session = Engine::open(&server, ECHO, Polling);
    session.begin_poll();
    let mut http = Http::connect(server.address);
    assert_eq!(http.get("/").status, 200);
    let began = Instant::now();
    check_ended(http.stream.get_mut(), began, within - Duration::from_millis(50), &[]);
    // The poll has waited for longer than both by now.
    // What it is posted by has been closed like any other.
    let posted = Http::connect(server.address).post(&session.target(Polling), b"4still there");
    assert_eq!(posted.text(), "ok");
    let answer = session.polling().polls.answer();
    assert_eq!((answer.status, &*answer.text()), (200, "4still there"));
}

#[test]
fn a_body_that_does_not_come_is_408_and_one_that_nobody_wants_is_not_waited_for() {
    let server = Server::calm_with(&["--body-timeout", "500ms", "--header-timeout", NEVER, "--idle-timeout", NEVER]);
    for (line, body) in
        [("Content-Length: 10", ""), ("Content-Length: 10", "4x"), ("Transfer-Encoding: chunked", "2\r\n4x\r\n")]
    {
        let mut session = Engine::open(&server, ECHO, Polling);
        let began = Instant::now();
        let mut stream = connect(server.address);
        let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n{body}", session.target(Polling));
        stream.write_all(head.as_bytes()).unwrap();
        check_ended(&mut stream, began, Duration::from_millis(500), &["408"]);
        assert_eq!(session.poll().status, 400, "the session is over");
    }
    for target in ["/", "/static/hello.txt", "/engine.io/?EIO=4&transport=polling&sid=x", "/nowhere"] {
        let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
        let said = all_said(&server, head.as_bytes());
        assert!(matches!(statuses(&said)[..], ["400" | "404" | "405"]), "{target}: {said:?}");
    }
    check_lives(&server);
}

/// A session for which a large answer waits, and the head of the poll that asks for it.
#[track_caller]
fn large_answer(server: &Server, connection: &str) -> (Engine, String) {
    let session = Engine::open(server, ECHO, Polling);
    for _ in 0..2 {
        // Each by a connection of its own: one that stays may be idle for too long.
        let message = format!("4{}", "x".repeat(LARGE));
        let posted = Http::connect(server.address).post(&session.target(Polling), message.as_bytes());
        assert_eq!(posted.text(), "ok");
    }
    let head = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n", session.target(Polling));
    (session, head)
}

/// More than the kernel keeps for who does not read.
const LARGE: usize = 9_000_000;

#[test]
fn an_answer_that_nobody_takes_ends_its_connection() {
    // No other limit would end it.
    let limits = ["--idle-timeout", "500ms", "--header-timeout", NEVER, "--max-payload", "10MB"];
    let mut recorded = Recorded::start("never-taken", &[&limits[..], &["--ping-interval", "60s"]].concat());
    // Whether or not another request may follow.
    for connection in ["keep-alive", "close"] {
        let (session, head) = large_answer(&recorded.server, connection);
        let mut stream = connect(recorded.server.address);
        stream.write_all(head.as_bytes()).unwrap();
        // It has begun to come.
        stream.read_exact(&mut [0]).unwrap();
        let peer = stream.local_addr().unwrap().to_string();
        recorded.wait_until("the end of its connection", |log| {
            log.spans().any(|span| {
                let is_its = || log.fields(span.id, log.len()).iter().any(|field| field.value.to_string() == peer);
                &*span.callsite.name == "handle" && span.close.is_some() && is_its()
            })
        });
        drop((session, stream));
    }
    check_lives(&recorded.server);
}

#[test]
fn a_client_that_connects_to_no_namespace_or_upgrades_to_nothing_has_its_time() {
    let within = Duration::from_millis(500);
    let server = Server::calm_with(&["--connect-timeout", "500ms", "--upgrade-timeout", "500ms"]);
    for transport in wire::engine::BOTH {
        let began = Instant::now();
        let mut session = Engine::open(&server, SOCKETIO, transport);
        let rest = session.rest("no CONNECT");
        assert!(began.elapsed() >= within, "{:?} {rest:?}", began.elapsed());
    }
    let mut session = Engine::open(&server, ECHO, Polling);
    for packets in [&[][..], &[text("2probe")]] {
        let began = Instant::now();
        let mut socket = session.second();
        packets.iter().for_each(|packet| socket.send(packet));
        while socket.try_next().is_some() {}
        assert!(began.elapsed() >= within, "{:?}", began.elapsed());
        assert!(socket.code.is_some(), "it is told");
    }
    // What was tried has gone; the session has not.
    session.send(text("4it lives"));
    assert_eq!(session.try_next(), Some(text("4it lives")));
}

// ---- Too many

#[test]
fn two_thousand_half_open_connections_keep_nobody_waiting_and_go() {
    const COUNT: usize = 2_000;
    let server = Server::calm_with(&["--header-timeout", "2s"]);
    let before = server.descriptors();
    let half = |number: usize| {
        let mut stream = connect(server.address);
        let sent = ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nContent-"][number % 4];
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    };
    let all: Vec<_> = (0..COUNT).map(half).collect();
    check_lives(&server);
    let mut session = Engine::open(&server, ECHO, Polling);
    session.send(text("4it lives"));
    assert_eq!(session.try_next(), Some(text("4it lives")));
    drop(session);
    server.wait_for_descriptors(before);
    drop(all);
}

#[test]
fn resets_at_every_point_of_an_upgrade_leave_neither_descriptors_nor_sessions_nor_lanes() {
    const ROUNDS: usize = 10;
    let flags =
        ["--ping-interval", "60s", "--max-sessions", "30", "--connect-timeout", "1s", "--upgrade-timeout", NEVER];
    let mut recorded = Recorded::start("resets", &flags);
    let server = &recorded.server;
    let before = server.descriptors();
    for path in [ECHO, SOCKETIO] {
        for round in 0..ROUNDS {
            let mut session = Engine::open(server, path, Polling);
            // By polling, nothing but the heartbeat tells that a client has gone: this one says so.
            let target = session.target(wire::engine::Transport::WebSocket);
            let stop = round % 5;
            if stop == 0 {
                let mut stream = connect(server.address);
                let head: Vec<_> =
                    wire::engine::UPGRADE.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                stream
                    .write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n{}\r\n", head.concat()).as_bytes())
                    .unwrap();
                reset(&stream);
            } else {
                let mut socket = session.second();
                if stop >= 2 {
                    socket.send(&text("2probe"));
                }
                if stop >= 3 {
                    assert_eq!(socket.next(), text("3probe"));
                }
                if stop >= 4 {
                    socket.send(&text("5"));
                }
                reset(socket.socket.get_ref());
            }
            session.send_unasked(&[text("1")]);
        }
    }
    // As many as there may be, and no connection is left of the others.
    server.wait_for_descriptors(before);
    let all: Vec<_> = (0..30).map(|_| Engine::open(server, ECHO, Polling)).collect();
    all.into_iter().for_each(|mut session| session.send_unasked(&[text("1")]));
    // Each had two connections, and those before a third.
    recorded.wait_until_all_have_gone(2 * ROUNDS * 3 + 30 * 2);
    recorded.stop();
}

/// Ends a connection without a word.
fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
}

#[test]
fn an_upgrade_with_the_id_of_another_path_is_400_and_the_session_goes_on() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    let foreign = session.target(wire::engine::Transport::WebSocket).replace(ECHO, SOCKETIO);
    for target in
        [foreign.clone(), foreign.replace("sid=", "sid=x"), format!("{foreign}x"), foreign.replace("sid=", "sid=%00")]
    {
        assert_eq!(wire::engine::try_websocket(server.address, &target).err(), Some(400), "{target}");
        let answer = Http::connect(server.address).request("GET", &target, &wire::engine::UPGRADE, &[]);
        assert_eq!((answer.status, &*answer.text()), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
    }
    session.send(text("4it lives"));
    assert_eq!(session.try_next(), Some(text("4it lives")));
}

#[test]
fn errors_have_the_bodies_of_the_reference_implementation() {
    let server = Server::calm();
    let mut polled = Engine::open(&server, ECHO, Polling);
    let target = polled.target(Polling);
    for (method, target, body) in [
        ("GET", "/engine.io/?EIO=4&transport=x", r#"{"code":0,"message":"Transport unknown"}"#),
        ("GET", "/engine.io/?EIO=4&transport=polling&sid=x", r#"{"code":1,"message":"Session ID unknown"}"#),
        ("POST", "/engine.io/?EIO=4&transport=polling", r#"{"code":2,"message":"Bad handshake method"}"#),
        ("GET", &*target.replace("polling", "websocket"), r#"{"code":3,"message":"Bad request"}"#),
        ("GET", "/engine.io/?EIO=3&transport=polling", r#"{"code":5,"message":"Unsupported protocol version"}"#),
    ] {
        let answer = Http::connect(server.address).request(method, target, &[], b"");
        assert_eq!((answer.status, &*answer.text()), (400, body), "{method} {target}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    polled.send(text("4it lives"));
    assert_eq!(polled.try_next(), Some(text("4it lives")));
}

// ---- Never read

/// The longest that a session's queue has been, as each packet that was put into it tells.
fn longest_queue(log: &Log) -> u64 {
    let fields = log.events_in(..).filter_map(|event| match event.kind {
        Kind::Note { fields, .. } => {
            fields.iter().find(|field| &*field.name == "queue").map(|field| field.value.to_string())
        }
        _ => None,
    });
    fields.map(|queue| queue.parse::<u64>().unwrap()).max().unwrap_or_default()
}

#[test]
fn an_echo_that_is_never_read_stops_at_the_bound_of_its_queue() {
    const MOST: u64 = 16;
    const MESSAGES: usize = 600;
    for transport in wire::engine::BOTH {
        let flags = ["--ping-interval", "60s", "--max-payload", "1MB", "--max-queue", "16"];
        let mut recorded = Recorded::start(&format!("never-read-{}", transport.name()), &flags);
        let session = Engine::open(&recorded.server, ECHO, transport);
        let sends = std::thread::spawn(|| send_without_reading(session, MESSAGES));
        // However long that takes; a while more, for who would not stop there.
        let mut last = (0, 0, Instant::now());
        recorded.wait_until("a queue that grows to its bound", |log| {
            if log.len() != last.0 {
                last = (log.len(), longest_queue(log), Instant::now());
            }
            last.1 >= MOST / 2 && last.2.elapsed() >= Duration::from_millis(500)
        });
        recorded.stop();
        let taken = sends.join().unwrap();
        assert!(taken < MESSAGES, "{transport:?}: all 60 MB were taken");
        let longest = longest_queue(&recorded.log);
        assert!(
            (MOST / 2..=MOST).contains(&longest),
            "{transport:?}: {longest} packets in the queue, {taken} messages taken"
        );
        assert!(recorded.log.dropped() == 0);
    }
}

/// Sends large messages until the server takes no more and is gone; gives how many it took.
fn send_without_reading(mut session: Engine, most: usize) -> usize {
    let message = text(format!("4{}", "x".repeat(100_000)));
    if let Way::WebSocket(ref mut socket) = session.way {
        return (0..most).take_while(|_| socket.socket.send(frame(&message)).is_ok()).count();
    }
    let target = session.target(Polling);
    let posts = &mut session.polling().posts;
    let posted = |_: &usize| {
        posts.send("POST", &target, &[], joined(std::slice::from_ref(&message)).as_bytes());
        posts.try_answer().is_ok_and(|answer| answer.status == 200)
    };
    (0..most).take_while(posted).count()
}

fn frame(packet: &Packet) -> tokio_tungstenite::tungstenite::Message {
    match packet {
        Packet::Text(text) => tokio_tungstenite::tungstenite::Message::text(&**text),
        Packet::Binary(bytes) => tokio_tungstenite::tungstenite::Message::binary(bytes.clone()),
    }
}

// ---- No more descriptors

#[cfg(target_os = "linux")]
#[test]
fn without_descriptors_it_says_so_once_waits_and_goes_on_when_there_are_some() {
    let path = std::env::temp_dir().join(format!("spanwalk-descriptors-{}.spanwalk", std::process::id()));
    let record = ["--record", path.to_str().unwrap(), "--force"];
    let limits = ["--header-timeout", NEVER, "--idle-timeout", NEVER];
    let began = Instant::now();
    let mut server = Server::limited("ulimit -n 40", &[&limits[..], &record].concat());
    let mut open: Vec<_> = (0..60).map(|_| connect(server.address)).collect();
    assert_eq!(server.complaint().split(':').nth(1), Some(" cannot accept connections"));
    // For a while nothing but waiting happens; its own clients are served meanwhile.
    let mut first = Http::connect(server.address);
    first.stream = std::io::BufReader::new(open.remove(0));
    for _ in 0..20 {
        assert_eq!(first.get("/static/hello.txt").status, 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    open.clear();
    assert_eq!(server.complaint(), "spanwalk: accepting connections again");
    check_lives(&server);
    server.ask_to_stop();
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(server.complaint(), "", "once");
    // And tried ten times a second at the most, instead of all the time.
    let mut log = Log::new();
    Reader::open(&path).unwrap().read(&mut log).unwrap();
    let lasts = log.spans().filter(|span| &*span.callsite.name == "do_read" && &*span.callsite.target == BASESERVER);
    let failed = lasts.filter(|span| {
        log.recorded(span.id, "last", log.len()).is_some_and(|(_, last)| last.to_string().contains("open files"))
    });
    let failed = failed.count() as u128;
    let _ = std::fs::remove_file(&path);
    assert!((2..=began.elapsed().as_millis() / 100 + 1).contains(&failed), "{failed} times in {:?}", began.elapsed());
}
