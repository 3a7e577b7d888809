//! Engine.IO v4 on the wire, by polling and by WebSocket: what its specification and its clients ask of a server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use serde_json::json;
use wire::engine::Transport::{Polling, WebSocket};
use wire::engine::{BOTH, ECHO, Engine, Packet, SOCKETIO, Socket, UPGRADE, binary, joined, text, try_websocket};
use wire::http::{Answer, Http};
use wire::{EARLY, INTERVAL, LIMIT, MAX_PAYLOAD, PATIENCE, Server, TIMEOUT};

/// Sends these and gets them back, in order.
#[track_caller]
fn check(session: &mut Engine, packets: &[Packet]) {
    session.send_all(packets);
    echoed(session, packets);
}

#[track_caller]
fn echoed(session: &mut Engine, packets: &[Packet]) {
    for (at, packet) in packets.iter().enumerate() {
        let got = session.try_next();
        assert!(got.as_ref() == Some(packet), "packet {at}: got {got:?}, expected {packet:?}");
    }
}

/// An echo comes back: the session lives.
#[track_caller]
fn check_lives(session: &mut Engine) {
    check(session, &[text("4it lives")]);
}

/// The session is over, and nothing but its closing came before: `1`, or `6` for a poll that waited.
#[track_caller]
fn check_over(session: &mut Engine, after: &str) {
    let rest = session.rest(after);
    assert!(rest.iter().all(|packet| [text("1"), text("6")].contains(packet)), "after {after:?}: {rest:?}");
    if let wire::engine::Way::Polling(_) = session.way {
        check_error(&session.poll(), 1);
    }
}

/// 400, and the code of this mistake in the body.
#[track_caller]
fn check_error(answer: &Answer, code: u64) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.code(), code, "{}", answer.text());
}

const TRANSPORT_UNKNOWN: u64 = 0;
const SESSION_UNKNOWN: u64 = 1;
const BAD_METHOD: u64 = 2;
const BAD_REQUEST: u64 = 3;
const FORBIDDEN: u64 = 4;
const BAD_VERSION: u64 = 5;

// ---- Handshake

#[test]
fn a_handshake_has_exactly_the_keys_of_the_protocol_and_the_values_asked_for() {
    #[track_caller]
    fn check(flags: &[&str], [interval, timeout, payload]: [u64; 3]) {
        let server = Server::with(flags);
        for path in [ECHO, SOCKETIO] {
            for (transport, upgrades) in [(Polling, json!(["websocket"])), (WebSocket, json!([]))] {
                let handshake = Engine::open(&server, path, transport).handshake;
                let keys: BTreeSet<_> = handshake.as_object().unwrap().keys().map(String::as_str).collect();
                let expected = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];
                assert_eq!(keys.into_iter().collect::<Vec<_>>(), expected);
                assert_eq!(handshake["upgrades"], upgrades, "{transport:?}");
                let announced = ["pingInterval", "pingTimeout", "maxPayload"].map(|key| handshake[key].as_u64());
                assert_eq!(announced, [interval, timeout, payload].map(Some), "{handshake}");
            }
        }
    }
    let flags =
        |interval, timeout, payload| ["--ping-interval", interval, "--ping-timeout", timeout, "--max-payload", payload];
    check(&flags("300ms", "200ms", "1MB"), [300, 200, 1_000_000]);
    check(&flags("25s", "1500ms", "2MB"), [25_000, 1500, 2_000_000]);
}

#[test]
fn a_handshake_is_the_only_packet_of_its_answer_and_is_text() {
    let server = Server::calm();
    let answer = Http::connect(server.address).get(&format!("{ECHO}?EIO=4&transport=polling"));
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("0{") && !answer.text().contains('\u{1e}'), "{}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{:?}", answer.headers);
    // Between a browser and a server nobody keeps it.
    assert!(answer.header("etag").is_none(), "{:?}", answer.headers);
}

#[test]
fn ids_of_sessions_are_long_and_never_the_same() {
    let server = Server::calm();
    let sessions: Vec<_> = (0..40).map(|at| Engine::open(&server, ECHO, BOTH[at % 2]).sid).collect();
    assert_eq!(sessions.iter().collect::<BTreeSet<_>>().len(), 40);
    for sid in sessions {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        assert!(sid.len() >= 16 && sid.chars().all(is_plain), "{sid}");
    }
}

#[test]
fn a_version_that_is_missing_or_not_4_is_400() {
    let server = Server::calm();
    for path in [ECHO, SOCKETIO] {
        for version in ["", "EIO=3&", "EIO=5&", "EIO=abc&", "EIO=&"] {
            for transport in BOTH {
                let headers = if transport == WebSocket { &UPGRADE[..] } else { &[] };
                let target = format!("{path}?{version}transport={}", transport.name());
                check_error(&Http::connect(server.address).request("GET", &target, headers, &[]), BAD_VERSION);
            }
        }
    }
}

#[test]
fn a_transport_that_is_missing_or_unknown_is_400() {
    let server = Server::calm();
    for path in [ECHO, SOCKETIO] {
        for transport in ["", "&transport=abc", "&transport=", "&transport=Polling", "&transport=webtransport"] {
            for headers in [&[][..], &UPGRADE] {
                let target = format!("{path}?EIO=4{transport}");
                check_error(&Http::connect(server.address).request("GET", &target, headers, &[]), TRANSPORT_UNKNOWN);
            }
        }
    }
}

#[test]
fn a_post_or_put_without_a_session_is_400() {
    let server = Server::calm();
    for path in [ECHO, SOCKETIO] {
        for method in ["POST", "PUT"] {
            let target = format!("{path}?EIO=4&transport=polling");
            check_error(&Http::connect(server.address).request(method, &target, &[], b"4abc"), BAD_METHOD);
        }
    }
}

#[test]
fn a_session_that_is_unknown_is_400_by_both_transports() {
    let server = Server::calm();
    for path in [ECHO, SOCKETIO] {
        for (method, transport, headers) in
            [("GET", Polling, &[][..]), ("POST", Polling, &[]), ("GET", WebSocket, &UPGRADE)]
        {
            let target = format!("{path}?EIO=4&transport={}&sid=AAAAAAAAAAAAAAAAAAAA", transport.name());
            check_error(&Http::connect(server.address).request(method, &target, headers, b""), SESSION_UNKNOWN);
        }
    }
}

#[test]
fn a_session_of_one_path_is_unknown_at_the_other() {
    let server = Server::calm();
    let session = Engine::open(&server, ECHO, Polling);
    let elsewhere = format!("{SOCKETIO}?EIO=4&transport=polling&sid={}", session.sid);
    check_error(&Http::connect(server.address).get(&elsewhere), SESSION_UNKNOWN);
}

#[test]
fn a_websocket_that_asks_for_no_upgrade_is_400() {
    let server = Server::calm();
    let answer = Http::connect(server.address).get(&format!("{ECHO}?EIO=4&transport=websocket"));
    check_error(&answer, BAD_REQUEST);
}

#[test]
fn another_version_of_websocket_is_426_and_the_answer_names_13() {
    let server = Server::calm();
    for version in ["8", "12", "14", "abc"] {
        let mut headers = UPGRADE;
        headers[2].1 = version;
        let target = format!("{ECHO}?EIO=4&transport=websocket");
        let answer = Http::connect(server.address).request("GET", &target, &headers, &[]);
        assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, Some("13")), "{version}");
    }
}

#[test]
fn a_request_of_http_1_1_without_host_is_400() {
    let server = Server::calm();
    for target in ["/", "/engine.io/?EIO=4&transport=polling"] {
        let mut http = Http::connect(server.address);
        http.write(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!(http.answer().status, 400, "{target}");
    }
}

#[test]
fn transports_are_those_that_the_flag_names() {
    let server = Server::calm_with(&["--transports", "polling"]);
    assert_eq!(Engine::open(&server, ECHO, Polling).handshake["upgrades"], json!([]));
    let target = |transport| format!("{ECHO}?EIO=4&transport={transport}");
    let answer = Http::connect(server.address).request("GET", &target("websocket"), &UPGRADE, &[]);
    check_error(&answer, TRANSPORT_UNKNOWN);
    let session = Engine::open(&server, ECHO, Polling);
    assert_eq!(try_websocket(server.address, &session.target(WebSocket)).err(), Some(400), "nor by an upgrade");
    let server = Server::calm_with(&["--transports", "websocket"]);
    check_lives(&mut Engine::open(&server, ECHO, WebSocket));
    check_error(&Http::connect(server.address).get(&target("polling")), TRANSPORT_UNKNOWN);
}

// ---- Origins

/// The statuses of a handshake from this origin, by both transports.
fn from_origin(server: &Server, origin: &str) -> [Answer; 2] {
    BOTH.map(|transport| {
        let mut headers = vec![("Origin", origin)];
        if transport == WebSocket {
            headers.extend(UPGRADE);
        }
        let target = format!("{SOCKETIO}?EIO=4&transport={}", transport.name());
        Http::connect(server.address).request("GET", &target, &headers, &[])
    })
}

#[test]
fn a_page_of_another_origin_is_400_unless_the_flag_names_it() {
    #[track_caller]
    fn check(server: &Server, origin: &str, is_allowed: bool) {
        let answers = from_origin(server, origin);
        let expected = if is_allowed { [200, 101] } else { [400, 400] };
        assert_eq!(answers.each_ref().map(|answer| answer.status), expected, "{origin}");
        if !is_allowed {
            answers.iter().for_each(|answer| {
                let code = answer.code();
                assert!([BAD_REQUEST, FORBIDDEN].contains(&code), "{code}");
                assert_eq!(answer.header("access-control-allow-origin"), None);
            });
        }
    }
    let server = Server::calm();
    check(&server, &format!("http://{}", server.address), true);
    for foreign in ["http://a.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "not an origin"] {
        check(&server, foreign, false);
    }
    let server = Server::calm_with(&["--cors-allowed-origins", "http://a.example,https://b.example:8443"]);
    check(&server, "http://a.example", true);
    check(&server, "https://b.example:8443", true);
    for foreign in ["http://b.example:8443", "https://a.example", "http://a.example.org", "http://a.example:81"] {
        check(&server, foreign, false);
    }
    let server = Server::calm_with(&["--cors-allowed-origins", "*"]);
    check(&server, "http://anybody.example", true);
}

#[test]
fn a_page_of_an_allowed_origin_may_read_the_answer() {
    let origin = "http://a.example";
    let server = Server::calm_with(&["--cors-allowed-origins", origin]);
    let [answer, _] = from_origin(&server, origin);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    let asked = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    let answer = Http::connect(server.address).request("OPTIONS", "/socket.io/?EIO=4&transport=polling", &asked, &[]);
    assert!([200, 204].contains(&answer.status), "{}", answer.status);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    assert!(answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
}

// ---- Messages

#[test]
fn a_text_message_comes_back_as_it_was() {
    let server = Server::calm();
    for transport in BOTH {
        let mut session = Engine::open(&server, ECHO, transport);
        for message in ["hello", "", "0", "€ ünï😀\u{7f}", "line\nline\r\n\ttab", "b4", "{\"sid\":1}", "\u{0}"] {
            check(&mut session, &[text(format!("4{message}"))]);
        }
    }
}

#[test]
fn a_binary_message_comes_back_as_it_was() {
    let server = Server::calm();
    for transport in BOTH {
        let mut session = Engine::open(&server, ECHO, transport);
        for bytes in [&[1, 2, 3, 4][..], &[0], &[0x1e, 0x1e], b"4text", &[255; 1000], &(0..=255).collect::<Vec<u8>>()] {
            check(&mut session, &[binary(bytes)]);
        }
    }
}

#[test]
fn text_and_bytes_together_keep_their_order() {
    let server = Server::calm();
    let packets = [text("4first"), binary([1, 2]), text("4third"), text("4"), binary([0x1e]), text("4last")];
    for transport in BOTH {
        check(&mut Engine::open(&server, ECHO, transport), &packets);
    }
}

#[test]
fn a_polled_body_is_packets_joined_by_0x1e_and_bytes_are_b_and_base64() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    let body = "4hello\u{1e}bAQIDBA==\u{1e}4";
    let target = session.target(Polling);
    let answer = session.polling().posts.post(&target, body.as_bytes());
    assert_eq!((answer.status, &*answer.text()), (200, "ok"));
    // They may come by one poll or by several.
    let mut got = String::new();
    while got.len() < body.len() {
        let answer = session.poll();
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{:?}", answer.headers);
        got += if got.is_empty() { "" } else { "\u{1e}" };
        got += &answer.text();
    }
    assert_eq!(got, body);
}

#[test]
fn five_hundred_quick_messages_come_back_in_order() {
    let server = Server::calm();
    for transport in BOTH {
        let mut session = Engine::open(&server, ECHO, transport);
        let packets: Vec<_> =
            (0..500).map(|n| if n % 7 == 0 { binary([n as u8, 7]) } else { text(format!("4{n}")) }).collect();
        packets.iter().for_each(|packet| session.send(packet.clone()));
        echoed(&mut session, &packets);
        check(&mut session, &packets);
    }
}

#[test]
fn a_message_in_several_websocket_frames_is_one_message() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    let socket = session.socket();
    let euro = "€".as_bytes();
    socket.write_frame(0x01, &[b"4one ", &euro[..1]].concat());
    socket.write_frame(0x00, &euro[1..2]);
    // A ping of WebSocket between the parts is answered, and disturbs nothing.
    socket.write_frame(0x89, b"still there?");
    socket.write_frame(0x80, &[&euro[2..], b" three"].concat());
    assert_eq!(socket.next(), text("4one € three"));
    socket.write_frame(0x02, &[1]);
    socket.write_frame(0x80, &[2]);
    assert_eq!(socket.next(), binary([1, 2]));
}

#[test]
fn a_ping_of_websocket_is_answered_with_what_it_said() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    let socket = session.socket();
    socket.write_frame(0x89, b"are you there?");
    let mut frame = [0; 16];
    socket.socket.get_mut().read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"\x8a\x0eare you there?");
}

// ---- Limits

#[test]
fn a_body_of_max_payload_is_taken_and_a_larger_one_is_413() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    check(&mut session, &[text(format!("4{}", "x".repeat(MAX_PAYLOAD - 1)))]);
    for head in [format!("Content-Length: {}", MAX_PAYLOAD + 1), "Transfer-Encoding: chunked".to_owned()] {
        let session = Engine::open(&server, ECHO, Polling);
        let mut http = Http::connect(server.address);
        let target = session.target(Polling);
        http.write(format!("POST {target} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n").as_bytes());
        if head.contains("chunked") {
            // One byte too many, and no end.
            for chunk in [MAX_PAYLOAD / 2, MAX_PAYLOAD / 2 + 1] {
                http.write(format!("{chunk:x}\r\n{}\r\n", "4".repeat(chunk)).as_bytes());
            }
        } else {
            http.write(&[b'4'; MAX_PAYLOAD + 1]);
        }
        assert_eq!(http.answer().status, 413, "{head}");
    }
    check_lives(&mut session);
}

#[test]
fn a_message_of_max_payload_is_echoed_by_websocket_and_a_larger_one_closes_with_1009() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    check(&mut session, &[text(format!("4{}", "x".repeat(MAX_PAYLOAD - 1)))]);
    check(&mut session, &[binary(vec![7; MAX_PAYLOAD])]);
    let too_long = vec![b'4'; MAX_PAYLOAD + 1];
    for frames in [&[(0x81, &too_long[..])][..], &[(0x82, &too_long)], &[(0x01, &too_long[2..]), (0x80, b"xyz")]] {
        let mut session = Engine::open(&server, ECHO, WebSocket);
        frames.iter().for_each(|(first, payload)| session.socket().write_frame(*first, payload));
        check_over(&mut session, "a message that is too long");
        assert_eq!(session.socket().code, Some(1009));
    }
    check_lives(&mut session);
}

#[test]
fn whoever_breaks_the_rules_of_websocket_is_told_which() {
    #[track_caller]
    fn check(server: &Server, code: u16, write: impl Fn(&mut Socket)) {
        let mut session = Engine::open(server, ECHO, WebSocket);
        write(session.socket());
        check_over(&mut session, &code.to_string());
        assert_eq!(session.socket().code, Some(code));
    }
    let server = Server::calm();
    check(&server, 1007, |socket| socket.write_frame(0x81, &[b'4', 0xff, 0xfe]));
    check(&server, 1007, |socket| socket.write_frame(0x81, &[b'4', 0xe2, 0x82]));
    // Not masked.
    check(&server, 1002, |socket| socket.write(&[0x81, 2, b'4', b'x']));
    // A reserved bit, reserved opcodes, a control frame in parts, one that is too long, a part of nothing.
    check(&server, 1002, |socket| socket.write_frame(0xc1, b"4x"));
    check(&server, 1002, |socket| socket.write_frame(0x83, b"4x"));
    check(&server, 1002, |socket| socket.write_frame(0x8b, b""));
    check(&server, 1002, |socket| socket.write_frame(0x09, b"ping"));
    check(&server, 1002, |socket| socket.write_frame(0x89, &[b'x'; 126]));
    check(&server, 1002, |socket| socket.write_frame(0x80, b"4x"));
    // Another message begins before the first has ended.
    check(&server, 1002, |socket| {
        socket.write_frame(0x01, b"4x");
        socket.write_frame(0x81, b"4y");
    });
}

#[test]
fn connections_beyond_the_limit_wait_until_another_has_gone() {
    let server = Server::calm_with(&["--max-connections", "2"]);
    let mut first = Http::connect(server.address);
    let mut second = Engine::open(&server, ECHO, WebSocket);
    assert_eq!(first.get("/").status, 200);
    let mut third = Http::connect(server.address);
    third.send("GET", "/", &[], &[]);
    // Nobody answers, however long one waits.
    third.stream.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    match third.try_answer() {
        Ok(answer) => panic!("it is answered: {}", answer.status),
        Err(error) => assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()), "{error}"),
    }
    third.stream.get_ref().set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(first.get("/").status, 200, "those that are in are served");
    check_lives(&mut second);
    first.hang_up();
    assert_eq!(third.answer().status, 200);
}

// ---- Heartbeat

/// Answers the pings of these numbers, and looks at when they come.
#[track_caller]
fn check_pings(session: &mut Engine, numbers: RangeInclusive<u32>) {
    for number in numbers {
        assert_eq!(session.next(), text("2"));
        let after = session.asked.elapsed();
        assert!(after + EARLY >= INTERVAL * number, "ping {number} after {after:?}");
        session.send(text("3"));
    }
}

#[test]
fn the_first_ping_comes_one_interval_after_the_handshake_and_the_next_one_interval_later() {
    let server = Server::patient();
    for path in [ECHO, SOCKETIO] {
        for transport in BOTH {
            let mut session = Engine::open(&server, path, transport);
            if path == SOCKETIO {
                session.send(text("40"));
                assert!(matches!(session.next(), Packet::Text(packet) if packet.starts_with("40{")));
                assert_eq!(session.next(), text("42[\"auth\",{}]"));
            }
            check_pings(&mut session, 1..=3);
        }
    }
}

#[test]
fn a_session_that_answers_pings_outlives_one_that_is_silent() {
    let server = Server::patient();
    for transport in BOTH {
        let mut session = Engine::open(&server, ECHO, transport);
        let mut count = 0;
        while session.answered.elapsed() <= INTERVAL + PATIENCE {
            count += 1;
            check_pings(&mut session, count..=count);
        }
        session.send(text("4it lives"));
        assert_eq!(session.next_but_pings(), Some(text("4it lives")));
    }
}

#[test]
fn pings_go_on_where_the_timeout_is_much_longer_than_the_interval() {
    let server = Server::with(&["--ping-interval", "300ms", "--ping-timeout", "60s"]);
    for transport in BOTH {
        check_pings(&mut Engine::open(&server, ECHO, transport), 1..=3);
    }
}

#[test]
fn a_session_that_answers_no_ping_is_over_after_interval_and_timeout_and_not_before() {
    let server = Server::quick();
    for transport in BOTH {
        let mut session = Engine::open(&server, ECHO, transport);
        assert_eq!(session.next(), text("2"));
        let rest = std::iter::from_fn(|| session.try_next()).collect::<Vec<_>>();
        let after = session.asked.elapsed();
        assert!(rest.iter().all(|packet| [text("1"), text("6")].contains(packet)), "{rest:?}");
        assert!(after + EARLY >= INTERVAL + TIMEOUT, "{transport:?}: {after:?}");
        assert!(after < LIMIT, "{transport:?}: {after:?}");
    }
}

#[test]
fn a_poll_at_the_deadline_is_400_though_no_poll_waited_before() {
    let server = Server::quick();
    // On a machine so busy that the ping was late, the session has its whole time from then on. It is not so each time.
    let is_over = |_: u32| {
        let mut session = Engine::open(&server, ECHO, Polling);
        std::thread::sleep((INTERVAL + TIMEOUT).saturating_sub(session.answered.elapsed()));
        let answer = session.poll();
        if answer.status != 400 {
            assert_eq!((answer.status, &*answer.text()), (200, "2"));
            return false;
        }
        assert_eq!(answer.code(), SESSION_UNKNOWN);
        true
    };
    assert!((0..10).any(is_over), "each time it still lives");
}

#[test]
fn messages_do_not_stand_for_a_pong_and_are_echoed_until_the_end() {
    let server = Server::quick();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    while let Some(packet) = session.try_next() {
        if packet == text("2") {
            session.send(text("4a message"));
        } else {
            assert!([text("4a message"), text("1")].contains(&packet), "{packet:?}");
        }
        assert!(session.asked.elapsed() < LIMIT, "it lives on");
    }
}

// ---- Mistakes

#[test]
fn a_malformed_packet_ends_the_session() {
    let server = Server::calm();
    let packets = ["abc", "9", "7x", "-4", " 4hello", "é"];
    for packet in packets {
        for transport in BOTH {
            let mut session = Engine::open(&server, ECHO, transport);
            match transport {
                Polling => check_refused(&mut session, packet.as_bytes()),
                WebSocket => session.socket().send(&text(packet)),
            }
            check_over(&mut session, packet);
        }
    }
}

/// A POST of this is 400, or the connection is cut.
#[track_caller]
fn check_refused(session: &mut Engine, body: &[u8]) {
    let target = session.target(Polling);
    session.polling().posts.send("POST", &target, &[], body);
    if let Ok(answer) = session.polling().posts.try_answer() {
        assert_eq!(answer.status, 400, "{:?}: {}", String::from_utf8_lossy(body), answer.text());
    }
}

#[test]
fn a_malformed_body_is_400_and_ends_the_session() {
    let server = Server::calm();
    let bodies: [&[u8]; 7] =
        [b"", b"\x1e", b"4hello\x1e", b"\x1e4hello", b"4hello\x1eabc", b"4\xff\xfe", b"4hello\x1ebnot base64!"];
    for body in bodies {
        let mut session = Engine::open(&server, ECHO, Polling);
        check_refused(&mut session, body);
        // What was whole before the mistake may have been echoed.
        let rest = session.rest(&String::from_utf8_lossy(body));
        assert!(rest.iter().all(|packet| [text("1"), text("6"), text("4hello")].contains(packet)), "{rest:?}");
    }
}

#[test]
fn an_empty_text_message_of_websocket_is_malformed() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    session.socket().send(&text(""));
    check_over(&mut session, "an empty message");
}

#[test]
fn one_sessions_mistake_leaves_the_others_alone() {
    let server = Server::calm();
    let mut others = BOTH.map(|transport| Engine::open(&server, ECHO, transport));
    for transport in BOTH {
        let mut session = Engine::open(&server, ECHO, transport);
        session.send_unasked(&[text("abc")]);
        check_over(&mut session, "abc");
    }
    others.iter_mut().for_each(check_lives);
}

#[test]
fn of_two_polls_at_once_the_first_is_told_that_it_is_over_and_the_second_is_refused() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    session.begin_poll();
    let target = session.target(Polling);
    let second = Http::connect(server.address).get(&target);
    assert!([400, 500].contains(&second.status), "{}", second.status);
    let first = session.polling().polls.answer();
    assert_eq!((first.status, &*first.text()), (200, "1"));
    check_error(&session.poll(), SESSION_UNKNOWN);
}

#[test]
fn two_posts_at_once_are_one_after_the_other_or_end_the_session() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    let target = session.target(Polling);
    let mut first = Http::connect(server.address);
    // The head of a request, and the first half of its body.
    first.write(format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4ab").as_bytes());
    first.wait_until_read();
    let second = session.polling().posts.post(&target, b"4second");
    if second.status == 200 {
        first.write(b"cde");
        assert_eq!(first.answer().status, 200);
        let mut got = [session.next(), session.next()];
        got.sort_by_key(|packet| format!("{packet:?}"));
        assert_eq!(got, [text("4abcde"), text("4second")]);
    } else {
        assert!([400, 500].contains(&second.status), "{}", second.status);
        first.write(b"cde");
        let _ = first.try_answer();
        check_over(&mut session, "half a body");
    }
}

#[test]
fn another_method_than_get_and_post_is_refused() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    for method in ["PUT", "DELETE", "PATCH"] {
        let target = session.target(Polling);
        let answer = Http::connect(server.address).request(method, &target, &[], b"4x");
        assert!((400..=405).contains(&answer.status), "{method}: {}", answer.status);
    }
    check_lives(&mut session);
}

// ---- Close

#[test]
fn a_close_by_post_answers_the_waiting_poll_with_noop_and_the_next_poll_is_400() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    session.begin_poll();
    session.send(text("1"));
    let waited = session.polling().polls.answer();
    assert_eq!((waited.status, &*waited.text()), (200, "6"));
    check_error(&session.poll(), SESSION_UNKNOWN);
}

#[test]
fn a_close_packet_by_websocket_closes_the_websocket() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    session.send(text("1"));
    check_over(&mut session, "1");
}

#[test]
fn a_close_frame_is_answered_by_one() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    // 1000 in two bytes.
    session.socket().write_frame(0x88, &[3, 232]);
    check_over(&mut session, "a close frame");
    assert_eq!(session.socket().code, Some(1000));
}

#[test]
fn a_session_by_websocket_is_not_polled() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    let target = session.target(Polling);
    check_error(&Http::connect(server.address).get(&target), BAD_REQUEST);
    check_error(&Http::connect(server.address).post(&target, b"4x"), BAD_REQUEST);
    check_lives(&mut session);
}

#[test]
fn at_a_signal_every_websocket_is_closed_and_every_waiting_poll_is_answered() {
    for path in [ECHO, SOCKETIO] {
        let mut server = Server::calm();
        let mut polled = Engine::open(&server, path, Polling);
        let mut session = Engine::open(&server, path, WebSocket);
        polled.begin_poll();
        server.ask_to_stop();
        let answer = polled.polling().polls.answer();
        assert_eq!(answer.status, 200);
        assert!(["1", "6"].contains(&&*answer.text()), "{}", answer.text());
        check_over(&mut session, "a signal");
        assert!(session.socket().code.is_some(), "it ended without a close frame");
        assert_eq!(server.exit_code(), Some(0));
    }
}

// ---- Upgrade

#[test]
fn an_upgrade_goes_step_by_step_and_then_polls_are_400() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    check_lives(&mut session);
    let mut socket = session.second();
    session.begin_poll();
    socket.send(&text("2probe"));
    assert_eq!(socket.next(), text("3probe"));
    let waited = session.polling().polls.answer();
    assert_eq!((waited.status, &*waited.text()), (200, "6"));
    socket.send(&text("5"));
    socket.send(&text("4by websocket"));
    assert_eq!(socket.next(), text("4by websocket"));
    check_error(&session.poll(), BAD_REQUEST);
    let target = session.target(Polling);
    check_error(&session.polling().posts.post(&target, b"4x"), BAD_REQUEST);
    socket.send(&text("4it lives"));
    assert_eq!(socket.next(), text("4it lives"));
}

/// The message of this number: every third is binary.
fn numbered(number: usize) -> Packet {
    if number.is_multiple_of(3) { binary(number.to_be_bytes()) } else { text(format!("4{number}")) }
}

#[test]
fn what_is_under_way_during_an_upgrade_arrives_once_and_in_order_both_ways() {
    let server = Server::calm();
    // So many messages are posted before the probe, after it, and once the poll has been let go.
    for [before, during, after] in [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [3, 3, 3], [20, 0, 7], [0, 20, 1]] {
        let mut session = Engine::open(&server, ECHO, Polling);
        let mut sent = 0;
        let mut post = |session: &mut Engine, count: usize| {
            for _ in 0..count {
                sent += 1;
                session.send(numbered(sent));
            }
        };
        post(&mut session, before);
        let mut socket = session.second();
        socket.send(&text("2probe"));
        assert_eq!(socket.next(), text("3probe"));
        post(&mut session, during);
        // A client polls until the server lets go of the poll.
        let mut got = Vec::new();
        loop {
            match session.next() {
                noop if noop == text("6") => break,
                packet => got.push(packet),
            }
        }
        post(&mut session, after);
        // Then it confirms, and goes on at once.
        socket.send(&text("5"));
        let all: Vec<_> = (1..=before + during + after + 10).map(numbered).collect();
        all[before + during + after..].iter().for_each(|packet| socket.send(packet));
        while got.len() < all.len() {
            match socket.next() {
                noop if noop == text("6") => {}
                packet => got.push(packet),
            }
        }
        assert_eq!(got, all, "{before} before, {during} during, {after} after");
    }
}

#[test]
fn a_poll_that_waits_is_let_go_with_noop_though_messages_came_by_it_before() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    check(&mut session, &[text("4one"), binary([2])]);
    session.upgrade();
    check(&mut session, &[text("4three"), binary([4])]);
}

#[test]
fn a_second_websocket_for_an_upgraded_session_is_closed_and_the_first_goes_on() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    session.upgrade();
    let second = try_websocket(server.address, &session.target(WebSocket));
    match second {
        Ok(mut socket) => {
            socket.send(&text("2probe"));
            assert_eq!(socket.try_next(), None);
        }
        Err(status) => assert_eq!(status, 400),
    }
    check_lives(&mut session);
    let by_websocket = Engine::open(&server, ECHO, WebSocket);
    if let Ok(mut socket) = try_websocket(server.address, &by_websocket.target(WebSocket)) {
        assert_eq!(socket.try_next(), None, "nor has one that began by websocket a second");
    }
}

/// The server has closed this WebSocket without a word.
#[track_caller]
fn check_closed(socket: &mut Socket, after: &str) {
    match socket.try_get() {
        Ok(None) => {}
        got => panic!("after {after:?}: {got:?}"),
    }
}

#[test]
fn a_failed_upgrade_leaves_the_session_to_polling() {
    #[track_caller]
    fn check(server: &Server, fail: impl FnOnce(&mut Engine, Socket)) {
        let mut session = Engine::open(server, ECHO, Polling);
        let socket = session.second();
        fail(&mut session, socket);
        // Whoever was told to let go of a poll polls again.
        session.send(text("4it lives"));
        let mut got = session.next();
        while got == text("6") {
            got = session.next();
        }
        assert_eq!(got, text("4it lives"));
        self::check(&mut session, &[binary([1]), text("4and on")]);
        // And may try again.
        session.upgrade();
        self::check(&mut session, &[text("4upgraded")]);
    }
    let server = Server::calm();
    check(&server, |_, socket| drop(socket));
    for garbage in ["garbage", "", "2", "2other", "4message", "1"] {
        check(&server, |_, mut socket| {
            socket.send(&text(garbage));
            check_closed(&mut socket, garbage);
        });
    }
    check(&server, |_, mut socket| {
        socket.write(&[0x81, 2, b'4', b'x']);
        check_closed(&mut socket, "not masked");
    });
    // After the first half of the upgrade.
    for garbage in [None, Some(binary([1])), Some(text("abc"))] {
        check(&server, |_, mut socket| {
            socket.send(&text("2probe"));
            assert_eq!(socket.next(), text("3probe"));
            if let Some(garbage) = garbage {
                socket.send(&garbage);
                check_closed(&mut socket, &format!("3probe, then {garbage:?}"));
            }
        });
    }
}

#[test]
fn an_upgraded_session_has_one_heartbeat_and_it_goes_by_websocket() {
    let server = Server::patient();
    let mut session = Engine::open(&server, ECHO, Polling);
    check_pings(&mut session, 1..=1);
    // A ping that is due meanwhile comes by the poll that the upgrade ends; it is answered by WebSocket as well.
    let due = session.upgrade_meanwhile();
    assert!(due.is_empty() || due == [text("2")], "{due:?}");
    due.iter().for_each(|_| session.send(text("3")));
    check_pings(&mut session, 2 + due.len() as u32..=4);
    // Silent from here on, it is over a timeout after the next ping.
    assert_eq!(session.next(), text("2"));
    let rest = session.socket().try_next();
    assert!(rest.is_none() || rest == Some(text("1")), "{rest:?}");
    assert!(session.asked.elapsed() + EARLY >= INTERVAL * 5 + PATIENCE);
}

#[test]
fn a_session_ends_with_the_websocket_that_it_was_upgraded_to() {
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    session.upgrade();
    session.socket().write_frame(0x88, &[3, 232]);
    check_over(&mut session, "a close frame");
    assert_eq!(Http::connect(server.address).get(&session.target(Polling)).status, 400);
}

// ---- Back-pressure

#[test]
fn what_a_slow_client_has_not_read_is_kept_or_it_is_disconnected_but_nothing_is_missing() {
    const COUNT: usize = 300;
    let message = |number: usize| text(format!("4{number} {}", "x".repeat(50_000)));
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, WebSocket);
    let raw = session.socket().socket.get_ref().try_clone().unwrap();
    // 15 MB that nobody reads: the server may stop to read, so another thread writes.
    let writer = std::thread::spawn(move || {
        raw.set_write_timeout(Some(LIMIT)).unwrap();
        let config = None;
        let mut socket = tokio_tungstenite::tungstenite::WebSocket::from_raw_socket(
            raw,
            tokio_tungstenite::tungstenite::protocol::Role::Client,
            config,
        );
        (0..COUNT)
            .take_while(|number| {
                let Packet::Text(text) = message(*number) else { return false };
                socket.send(tokio_tungstenite::tungstenite::Message::text(text)).is_ok()
            })
            .count()
    });
    // Until the writer has done, or cannot go on.
    let slow = Instant::now();
    while !writer.is_finished() && slow.elapsed() < Duration::from_secs(2) {
        std::thread::yield_now();
    }
    for number in 0..COUNT {
        match session.try_next() {
            Some(packet) => assert_eq!(packet, message(number), "message {number}"),
            None => return,
        }
    }
    assert_eq!(writer.join().unwrap(), COUNT);
}

#[test]
fn what_nobody_polls_for_is_kept_or_the_session_is_over_but_nothing_is_missing() {
    const COUNT: usize = 2_000;
    let server = Server::calm();
    let mut session = Engine::open(&server, ECHO, Polling);
    let all: Vec<_> = (0..COUNT).map(numbered).collect();
    let mut posted = 0;
    for packets in all.chunks(100) {
        let target = session.target(Polling);
        let posts = &mut session.polling().posts;
        posts.send("POST", &target, &[], joined(packets).as_bytes());
        posted += packets.len();
        // A server that makes the client wait for its polls answers later.
        posts.stream.get_ref().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        if posts.try_answer().is_err() {
            break;
        }
    }
    for packet in &all[..posted] {
        match session.try_next() {
            Some(got) => assert_eq!(got, *packet),
            None => return,
        }
    }
}

#[test]
fn a_websocket_that_is_about_to_take_over_ends_with_its_session() {
    let server = Server::calm();
    for confirms in [false, true] {
        let mut session = Engine::open(&server, ECHO, Polling);
        let mut socket = session.second();
        socket.send(&text("2probe"));
        assert_eq!(socket.next(), text("3probe"));
        let target = session.target(Polling);
        session.polling().posts.send("POST", &target, &[], b"abc");
        if confirms {
            socket.send(&text("5"));
        }
        let began = Instant::now();
        while socket.try_next().is_some() {}
        assert!(began.elapsed() < Duration::from_secs(5), "it was waited for");
    }
}

#[test]
fn there_are_no_more_sessions_than_allowed() {
    let server = Server::calm_with(&["--max-sessions", "2"]);
    let mut first = Engine::open(&server, ECHO, Polling);
    let _second = Engine::open(&server, ECHO, WebSocket);
    let target = format!("{ECHO}?EIO=4&transport=polling");
    let refused = Http::connect(server.address).get(&target);
    assert_eq!((refused.status, refused.code()), (503, 3));
    first.send_unasked(&[text("1")]);
    let began = Instant::now();
    while Http::connect(server.address).get(&target).status != 200 {
        assert!(began.elapsed() < LIMIT, "there is no room though one has gone");
    }
}
