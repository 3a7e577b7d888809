//! Socket.IO v5 on the wire, by polling and by WebSocket: the demo app's events, and what the protocol asks around them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::collections::BTreeSet;
use std::time::Instant;

use wire::client::{Client, parts};
use wire::engine::Transport::{Polling, WebSocket};
use wire::engine::{BOTH, Engine, Packet, SOCKETIO, binary, text};
use wire::{LIMIT, Server};

/// By each transport: what a client of `/` says, and all that it hears then.
#[track_caller]
fn check(says: &[Packet], hears: &[Packet]) {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        check_with(&mut client, says, hears);
    }
}

#[track_caller]
fn check_with(client: &mut Client, says: &[Packet], hears: &[Packet]) {
    client.engine.send_all(says);
    client.hears(hears);
    client.hears_nothing("");
}

/// By each transport: text packets without attachments.
#[track_caller]
fn check_texts(says: &str, hears: &[&str]) {
    check(&[text(says)], &hears.iter().map(|packet| text(*packet)).collect::<Vec<_>>());
}

/// The session ends, and nothing is answered but the end.
#[track_caller]
fn check_closed(session: &mut Engine, after: &str) {
    let rest = session.rest(after);
    let is_end = |packet: &Packet| [text("1"), text("6"), text("41")].contains(packet);
    assert!(rest.iter().all(is_end), "after {after:?}: {rest:?}");
}

// ---- Connect

#[test]
fn a_connect_is_answered_with_an_id_and_then_the_event_auth_with_what_was_sent() {
    let server = Server::calm();
    for transport in BOTH {
        // `join` looks at both, and `{}` stands for none.
        for packet in
            ["40", "40{\"token\":\"123\"}", "40/custom,", "40/custom,{\"token\":\"abc\",\"nested\":[{\"a\":1},null]}"]
        {
            let mut client = Client::connect_with(&server, transport, packet);
            client.hears_nothing(if packet.starts_with("40/") { "/custom," } else { "" });
        }
    }
}

#[test]
fn a_connect_to_a_namespace_may_leave_out_the_comma() {
    let server = Server::calm();
    for transport in BOTH {
        let mut engine = Engine::open(&server, SOCKETIO, transport);
        engine.send(text("40/custom"));
        let Some(Packet::Text(answer)) = engine.try_next() else { panic!("no answer") };
        assert_eq!(parts(&answer).0, "40/custom,");
    }
}

#[test]
fn a_socket_has_an_id_of_its_own_in_each_namespace_and_none_is_the_sessions() {
    let server = Server::calm();
    let mut ids = BTreeSet::new();
    for transport in BOTH {
        for _ in 0..3 {
            let mut client = Client::connect(&server, transport);
            let custom = client.join("40/custom,");
            for id in [client.engine.sid.clone(), client.id.clone(), custom] {
                assert!(id.len() >= 16 && ids.insert(id.clone()), "{id} is used twice");
            }
        }
    }
}

#[test]
fn an_unknown_namespace_is_refused_in_the_words_of_the_protocol_and_the_client_may_go_on() {
    let server = Server::calm();
    for transport in BOTH {
        for packet in ["40/random", "40/random,", "40/random,{\"token\":1}", "40/custo,", "40/custom/x,"] {
            let mut engine = Engine::open(&server, SOCKETIO, transport);
            engine.send(text(packet));
            let namespace = packet[2..].split(',').next().unwrap();
            let expected = format!("44{namespace},{{\"message\":\"Invalid namespace\"}}");
            assert_eq!(engine.try_next(), Some(text(expected)));
            let mut client = Client { engine, id: String::new() };
            client.join("40");
            client.hears_nothing("");
        }
    }
}

#[test]
fn who_connects_to_nothing_and_is_silent_is_closed() {
    let server = Server::quick();
    for transport in BOTH {
        let mut engine = Engine::open(&server, SOCKETIO, transport);
        while let Some(packet) = engine.try_next() {
            assert!([text("2"), text("1"), text("6")].contains(&packet), "{packet:?}");
        }
    }
}

#[test]
fn who_connects_to_nothing_is_closed_though_it_answers_pings() {
    let server = Server::patient();
    for transport in BOTH {
        let mut engine = Engine::open(&server, SOCKETIO, transport);
        while let Some(packet) = engine.try_next() {
            match packet {
                ping if ping == text("2") => engine.send_unasked(&[text("3")]),
                packet => assert_eq!(packet, text("1")),
            }
            assert!(engine.answered.elapsed() < LIMIT * 2, "it lives on");
        }
    }
}

#[test]
fn what_comes_before_a_connect_closes() {
    let server = Server::calm();
    for transport in BOTH {
        for packet in ["42[\"message\"]", "430[]", "42/custom,[\"echo\",1]"] {
            let mut engine = Engine::open(&server, SOCKETIO, transport);
            engine.send_unasked(&[text(packet)]);
            check_closed(&mut engine, packet);
        }
    }
}

#[test]
fn several_namespaces_are_one_session() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        client.join("40/custom,{\"token\":1}");
        client.engine.send_all(&[text("42[\"echo\",1]"), text("42/custom,[\"echo\",2]"), text("42[\"echo\",3]")]);
        client.hears(&[text("42[\"echo\",1]"), text("42/custom,[\"echo\",2]"), text("42[\"echo\",3]")]);
    }
}

// ---- Events

#[test]
fn a_message_comes_back_with_all_its_arguments() {
    check_texts("42[\"message\"]", &["42[\"message-back\"]"]);
    check_texts(
        "42[\"message\",1,\"2\",{\"3\":[true,null,1.5,-7]}]",
        &["42[\"message-back\",1,\"2\",{\"3\":[true,null,1.5,-7]}]"],
    );
    check_texts(
        "42[\"message\",\"€ ünï😀 \\\"quoted\\\" \\u0000\"]",
        &["42[\"message-back\",\"€ ünï😀 \\\"quoted\\\" \\u0000\"]"],
    );
    check_texts("42[\"message\",[],{},\"\",[[[]]]]", &["42[\"message-back\",[],{},\"\",[[[]]]]"]);
    check_texts("42[\"message\",9007199254740991,1e300]", &["42[\"message-back\",9007199254740991,1e300]"]);
}

#[test]
fn keys_of_objects_keep_their_order() {
    let server = Server::calm();
    let mut client = Client::connect(&server, WebSocket);
    client.say("42[\"message\",{\"z\":1,\"a\":{\"y\":2,\"b\":3}}]");
    assert_eq!(client.hear(), text("42[\"message-back\",{\"z\":1,\"a\":{\"y\":2,\"b\":3}}]"));
}

const PLACEHOLDER: &str = "{\"_placeholder\":true,\"num\":0}";
const PLACEHOLDER_1: &str = "{\"_placeholder\":true,\"num\":1}";

#[test]
fn attachments_come_back_where_they_were() {
    check(
        &[text(format!("451-[\"message\",{PLACEHOLDER}]")), binary([1, 2, 3])],
        &[text(format!("451-[\"message-back\",{PLACEHOLDER}]")), binary([1, 2, 3])],
    );
    check(
        &[
            text(format!("452-[\"message\",{PLACEHOLDER},\"text\",{{\"in\":[{PLACEHOLDER_1}]}}]")),
            binary([]),
            binary([0xff; 500]),
        ],
        &[
            text(format!("452-[\"message-back\",{PLACEHOLDER},\"text\",{{\"in\":[{PLACEHOLDER_1}]}}]")),
            binary([]),
            binary([0xff; 500]),
        ],
    );
    check(
        &[text(format!("451-7[\"message-with-ack\",{PLACEHOLDER},1]")), binary([7; 20])],
        &[text(format!("461-7[{PLACEHOLDER},1]")), binary([7; 20])],
    );
    check(
        &[text(format!("451-[\"echo\",{PLACEHOLDER}]")), binary([9])],
        &[text(format!("451-[\"echo\",{PLACEHOLDER}]")), binary([9])],
    );
}

#[test]
fn attachments_may_come_in_bodies_and_frames_of_their_own() {
    let server = Server::calm();
    let mut client = Client::connect(&server, Polling);
    for packet in [text(format!("452-[\"message\",{PLACEHOLDER},{PLACEHOLDER_1}]")), binary([1]), binary([2, 2])] {
        client.engine.send(packet);
    }
    let expected = [text(format!("452-[\"message-back\",{PLACEHOLDER},{PLACEHOLDER_1}]")), binary([1]), binary([2, 2])];
    client.hears(&expected);
    let mut client = Client::connect(&server, WebSocket);
    let socket = client.engine.socket();
    let head = format!("452-[\"message\",{PLACEHOLDER},{PLACEHOLDER_1}]");
    let (one, two) = head.split_at(9);
    socket.write_frame(0x01, one.as_bytes());
    socket.write_frame(0x80, two.as_bytes());
    socket.write_frame(0x82, &[1]);
    socket.write_frame(0x02, &[2]);
    socket.write_frame(0x00, &[]);
    socket.write_frame(0x80, &[2]);
    client.hears(&expected);
}

#[test]
fn attachments_of_two_namespaces_do_not_mix() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        client.join("40/custom,");
        client.say_with(&format!("451-/custom,[\"message\",{PLACEHOLDER}]"), &[&[1]]);
        client.say_with(&format!("451-[\"message\",{PLACEHOLDER}]"), &[&[2]]);
        client.hears(&[
            text(format!("451-/custom,[\"message-back\",{PLACEHOLDER}]")),
            binary([1]),
            text(format!("451-[\"message-back\",{PLACEHOLDER}]")),
            binary([2]),
        ]);
    }
}

#[test]
fn an_ack_has_the_id_and_the_arguments_of_its_event() {
    check_texts("421[\"message-with-ack\"]", &["431[]"]);
    check_texts("420[\"message-with-ack\",1,\"2\",{\"3\":[false]}]", &["430[1,\"2\",{\"3\":[false]}]"]);
    check_texts("42456789[\"message-with-ack\",null]", &["43456789[null]"]);
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect_with(&server, transport, "40/custom,");
        client.say("42/custom,12[\"message-with-ack\",\"x\"]");
        client.hears(&[text("43/custom,12[\"x\"]")]);
    }
}

#[test]
fn who_asks_for_no_ack_gets_none() {
    check_texts("42[\"message-with-ack\",1]", &[]);
    check_texts("42[\"join\",\"room\"]", &[]);
}

/// The id in `42ID["emit-with-ack",…]`.
#[track_caller]
fn ack_id(packet: &Packet, prefix: &str, arguments: &str) -> u64 {
    let Packet::Text(packet) = packet else { panic!("{packet:?}") };
    let (head, json) = parts(packet);
    assert_eq!(json, serde_json::from_str(arguments).ok(), "{packet}");
    let id = head.strip_prefix(prefix).unwrap_or_else(|| panic!("{packet}"));
    id.parse().unwrap_or_else(|_| panic!("no id to acknowledge in {packet}"))
}

#[test]
fn the_server_asks_for_an_ack_and_gets_its_arguments() {
    let server = Server::calm();
    for transport in BOTH {
        for (namespace, connect) in [("", "40"), ("/custom,", "40/custom,")] {
            let mut client = Client::connect_with(&server, transport, connect);
            client.say(&format!("42{namespace}[\"emit-with-ack\",1,\"2\",{{\"3\":[false]}}]"));
            let id = ack_id(&client.hear(), &format!("42{namespace}"), "[\"emit-with-ack\",1,\"2\",{\"3\":[false]}]");
            client.say(&format!("43{namespace}{id}[\"thanks\",[2]]"));
            client.hears(&[text(format!("42{namespace}[\"emit-with-ack\",\"thanks\",[2]]"))]);
            // Binary, both ways.
            client.say_with(&format!("451-{namespace}[\"emit-with-ack\",{PLACEHOLDER}]"), &[&[1, 2]]);
            let id = ack_id(&client.hear(), &format!("451-{namespace}"), &format!("[\"emit-with-ack\",{PLACEHOLDER}]"));
            client.hears(&[binary([1, 2])]);
            client.say_with(&format!("461-{namespace}{id}[{PLACEHOLDER}]"), &[&[3, 4]]);
            client.hears(&[text(format!("451-{namespace}[\"emit-with-ack\",{PLACEHOLDER}]")), binary([3, 4])]);
            client.hears_nothing(namespace);
        }
    }
}

#[test]
fn acks_may_come_in_another_order_than_they_were_asked_for() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        let mut ids = Vec::new();
        for number in 0..5 {
            client.say(&format!("42[\"emit-with-ack\",{number}]"));
            ids.push(ack_id(&client.hear(), "42", &format!("[\"emit-with-ack\",{number}]")));
        }
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 5, "{ids:?}");
        for number in [3, 0, 4, 2, 1] {
            client.say(&format!("43{}[\"ack of {number}\"]", ids[number]));
            client.hears(&[text(format!("42[\"emit-with-ack\",\"ack of {number}\"]"))]);
        }
    }
}

#[test]
fn an_ack_that_nobody_asked_for_or_that_comes_twice_is_ignored() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        client.say("4399[1]");
        client.hears_nothing("");
        client.say("42[\"emit-with-ack\"]");
        let id = ack_id(&client.hear(), "42", "[\"emit-with-ack\"]");
        client.say(&format!("43{id}[]"));
        client.say(&format!("43{id}[2]"));
        client.hears(&[text("42[\"emit-with-ack\"]")]);
        client.hears_nothing("");
    }
}

#[test]
fn an_event_that_nobody_handles_is_ignored() {
    check_texts("42[\"nobody-handles-this\",1]", &[]);
    check_texts("425[\"nobody-handles-this\"]", &[]);
    check(&[text(format!("451-[\"nobody-handles-this\",{PLACEHOLDER}]")), binary([1])], &[]);
}

#[test]
fn events_of_the_demo_with_other_arguments_than_they_expect_harm_nobody() {
    let server = Server::calm();
    for transport in BOTH {
        for packet in [
            "42[\"echo\"]",
            "42[\"join\"]",
            "42[\"join\",{\"a\":1}]",
            "42[\"room\"]",
            "42[\"leave\",[]]",
            "421[\"join\",7]",
        ] {
            let mut client = Client::connect(&server, transport);
            client.say(packet);
            // Whatever it answers to that, it goes on.
            client.say("42[\"message\",\"after\"]");
            let limit = Instant::now() + LIMIT;
            while client.hear() != text("42[\"message-back\",\"after\"]") {
                assert!(Instant::now() < limit, "{packet}");
            }
        }
    }
}

#[test]
fn five_hundred_quick_events_are_answered_in_order() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        // One by one, and with an attachment or an ack in between.
        let (mut says, mut hears) = (Vec::new(), Vec::new());
        for number in 0..500u16 {
            match number % 5 {
                3 => {
                    says.push(vec![
                        text(format!("451-[\"message\",{number},{PLACEHOLDER}]")),
                        binary(number.to_be_bytes()),
                    ]);
                    hears.push(text(format!("451-[\"message-back\",{number},{PLACEHOLDER}]")));
                    hears.push(binary(number.to_be_bytes()));
                }
                4 => {
                    says.push(vec![text(format!("42{number}[\"message-with-ack\",{number}]"))]);
                    hears.push(text(format!("43{number}[{number}]")));
                }
                _ => {
                    says.push(vec![text(format!("42[\"message\",{number}]"))]);
                    hears.push(text(format!("42[\"message-back\",{number}]")));
                }
            }
        }
        says.iter().for_each(|packets| client.engine.send_all(packets));
        client.hears(&hears);
        // And all together.
        client.engine.send_all(&says.concat());
        client.hears(&hears);
        client.hears_nothing("");
    }
}

// ---- Mistakes

#[test]
fn a_malformed_packet_closes_the_session() {
    let server = Server::calm();
    let packets = [
        "4abc",
        "42{}",
        "42abc[\"message\"]",
        "42[\"message\"",
        "42[]",
        "42[{}]",
        "42\"message\"",
        "42[\"message\"]trailing",
        "4",
        "48[\"message\"]",
        "4-1",
        "43abc",
        "430{}",
        "41{\"a\"",
        "45[\"message\"]",
        "45x-[\"message\"]",
        "45-1-[\"message\"]",
        "451[\"message\"]",
        "40[\"not an object\"",
    ];
    for packet in packets {
        for transport in BOTH {
            let mut client = Client::connect(&server, transport);
            client.engine.send_unasked(&[text(packet)]);
            check_closed(&mut client.engine, packet);
        }
    }
}

#[test]
fn attachments_that_nobody_announced_or_that_do_not_come_close_the_session() {
    let server = Server::calm();
    for transport in BOTH {
        for packets in [
            vec![binary([1])],
            vec![text(format!("451-[\"message\",{PLACEHOLDER}]")), text("42[\"message\",1]")],
            vec![text(format!("451-[\"message\",{PLACEHOLDER_1}]")), binary([1])],
            vec![text("451-[\"message\",{\"_placeholder\":true,\"num\":-1}]"), binary([1])],
        ] {
            let mut client = Client::connect(&server, transport);
            client.engine.send_unasked(&packets);
            check_closed(&mut client.engine, &format!("{packets:?}"));
        }
    }
}

#[test]
fn a_packet_that_announces_attachments_without_end_does_no_harm() {
    let server = Server::calm();
    let mut other = Client::connect(&server, WebSocket);
    for transport in BOTH {
        for count in ["4294967295", "18446744073709551615", "99999999999999999999999999"] {
            let mut client = Client::connect(&server, transport);
            let mut packets = vec![text(format!("45{count}-[\"message\",{PLACEHOLDER}]"))];
            packets.resize(100, binary([1; 100]));
            client.engine.send_unasked(&packets);
            other.hears_nothing("");
        }
    }
}

#[test]
fn one_clients_mistake_leaves_the_others_alone() {
    let server = Server::calm();
    let mut others = BOTH.map(|transport| Client::connect(&server, transport));
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        client.engine.send_unasked(&[text("4abc")]);
        check_closed(&mut client.engine, "4abc");
    }
    others.iter_mut().for_each(|other| other.hears_nothing(""));
}

// ---- Disconnect

#[test]
fn who_leaves_its_last_namespace_keeps_the_session_its_pings_and_the_right_to_come_back() {
    let server = Server::patient();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        let id = client.id.clone();
        client.say("41");
        // Two pings: a whole interval after it has left.
        for _ in 0..2 {
            assert_eq!(client.engine.try_next(), Some(text("2")));
            client.engine.send(text("3"));
        }
        assert_ne!(client.join("40"), id);
        client.hears_nothing("");
    }
}

#[test]
fn who_leaves_one_namespace_stays_in_the_other() {
    let server = Server::calm();
    for transport in BOTH {
        for packet in ["41/custom", "41/custom,"] {
            let mut client = Client::connect(&server, transport);
            client.join("40/custom,");
            client.say(packet);
            client.hears_nothing("");
        }
    }
}

#[test]
fn a_kick_disconnects_the_socket_and_no_other() {
    let server = Server::calm();
    for transport in BOTH {
        let mut other = Client::connect(&server, transport);
        let mut client = Client::connect(&server, transport);
        client.enter("room");
        client.say("42[\"kick\"]");
        client.hears(&[text("41")]);
        // Nothing reaches it any more.
        other.say("42[\"all\",1]");
        other.hears(&[text("42[\"all\",1]")]);
        other.say("42[\"room\",\"room\",2]");
        other.hears_nothing("");
    }
}

#[test]
fn a_kick_from_one_namespace_leaves_the_socket_in_the_other() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        client.join("40/custom,");
        client.say("42/custom,[\"kick\"]");
        client.hears(&[text("41/custom,")]);
        client.hears_nothing("");
    }
}

#[test]
fn who_comes_back_is_in_no_room_that_it_was_in() {
    let server = Server::calm();
    let mut other = Client::connect(&server, WebSocket);
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        client.enter("room");
        client.say("41");
        client.join("40");
        other.say("42[\"room\",\"room\",1]");
        other.hears_nothing("");
        client.hears_nothing("");
    }
}

#[test]
fn at_a_signal_every_client_is_told_and_the_program_ends() {
    let mut server = Server::calm();
    let mut clients = BOTH.map(|transport| Client::connect(&server, transport));
    clients[0].engine.begin_poll();
    server.ask_to_stop();
    let answer = clients[0].engine.polling().polls.answer();
    assert!(answer.status == 200 && !answer.body.is_empty(), "{answer:?}");
    check_closed(&mut clients[1].engine, "a signal");
    assert!(clients[1].engine.socket().code.is_some(), "it ended without a close frame");
    assert_eq!(server.exit_code(), Some(0));
}

// ---- Rooms and broadcasts

/// A client by this transport, whose upgrade is behind it where it is by none of both.
#[track_caller]
fn connect(server: &Server, number: usize) -> Client {
    let mut client = Client::connect(server, if number % 3 == 1 { WebSocket } else { Polling });
    if number % 3 == 2 {
        client.engine.upgrade();
    }
    client
}

#[test]
fn what_is_for_all_reaches_every_client_of_the_namespace_and_nobody_else() {
    let server = Server::calm();
    let mut clients: Vec<_> = (0..30).map(|number| connect(&server, number)).collect();
    let mut outside = Client::connect_with(&server, WebSocket, "40/custom,");
    let mut nowhere = Engine::open(&server, SOCKETIO, WebSocket);
    for number in 0..10 {
        clients[number * 3].say(&format!("42[\"all\",{number}]"));
        let expected = [text(format!("42[\"all\",{number}]"))];
        clients.iter_mut().for_each(|client| client.hears(&expected));
    }
    let bytes = [text(format!("451-[\"all\",{PLACEHOLDER}]")), binary([1, 2])];
    clients[0].engine.send_all(&bytes);
    clients.iter_mut().for_each(|client| client.hears(&bytes));
    clients.iter_mut().for_each(|client| client.hears_nothing(""));
    outside.hears_nothing("/custom,");
    nowhere.send(text("40"));
    assert!(matches!(nowhere.try_next(), Some(Packet::Text(packet)) if packet.starts_with("40{")));
}

#[test]
fn what_several_say_to_all_reaches_everybody_in_one_order() {
    let server = Server::calm();
    let mut clients: Vec<_> = (0..6).map(|number| connect(&server, number)).collect();
    for number in 0..20 {
        clients.iter_mut().enumerate().for_each(|(at, client)| client.say(&format!("42[\"all\",[{at},{number}]]")));
    }
    let heard: Vec<Vec<_>> = clients.iter_mut().map(|client| (0..120).map(|_| client.hear()).collect()).collect();
    for (at, one) in heard.iter().enumerate() {
        assert_eq!(one, &heard[0], "client {at}");
    }
    for at in 0..6 {
        let of_one = heard[0].iter().filter_map(|packet| match packet {
            Packet::Text(packet) => parts(packet).1.filter(|json| json[1][0] == at),
            Packet::Binary(_) => None,
        });
        assert!(of_one.map(|json| json[1][1].as_u64()).eq((0..20).map(Some)), "what client {at} said is out of order");
    }
}

#[test]
fn what_is_for_a_room_reaches_those_in_it_but_not_who_says_it() {
    let server = Server::calm();
    let mut clients: Vec<_> = (0..6).map(|number| connect(&server, number)).collect();
    (0..3).for_each(|at| clients[at].enter("one"));
    (2..5).for_each(|at| clients[at].enter("two"));
    // From inside, and from outside.
    for (from, room, hear) in [(0, "one", &[1, 2][..]), (2, "two", &[3, 4]), (5, "one", &[0, 1, 2]), (0, "none", &[])] {
        clients[from].say(&format!("42[\"room\",\"{room}\",{from}]"));
        hear.iter().for_each(|at| clients[*at].hears(&[text(format!("42[\"room\",{from}]"))]));
        clients.iter_mut().for_each(|client| client.hears_nothing(""));
    }
    // Binary too.
    clients[0].say_with(&format!("451-[\"room\",\"one\",{PLACEHOLDER}]"), &[&[7]]);
    (1..3).for_each(|at| clients[at].hears(&[text(format!("451-[\"room\",{PLACEHOLDER}]")), binary([7])]));
}

#[test]
fn who_has_left_a_room_hears_nothing_of_it() {
    let server = Server::calm();
    let mut clients: Vec<_> = (0..3).map(|number| connect(&server, number)).collect();
    clients.iter_mut().for_each(|client| client.enter("room"));
    // Twice in it is in it, once out of it is out of it.
    clients[1].enter("room");
    clients[1].leave("room");
    // Of a room that it is not in.
    clients[2].leave("other");
    clients[0].say("42[\"room\",\"room\",1]");
    clients[2].hears(&[text("42[\"room\",1]")]);
    clients[1].hears_nothing("");
    clients[1].enter("room");
    clients[0].say("42[\"room\",\"room\",2]");
    clients[1].hears(&[text("42[\"room\",2]")]);
}

#[test]
fn rooms_of_one_name_in_two_namespaces_are_two_rooms() {
    let server = Server::calm();
    for transport in BOTH {
        let mut one = Client::connect(&server, transport);
        let mut two = Client::connect_with(&server, transport, "40/custom,");
        one.enter("room");
        two.say("42/custom,1[\"join\",\"room\"]");
        two.hears(&[text("43/custom,1[\"ok\"]")]);
        let mut third = Client::connect(&server, transport);
        third.say("42[\"room\",\"room\",1]");
        one.hears(&[text("42[\"room\",1]")]);
        two.hears_nothing("/custom,");
    }
}

#[test]
fn rooms_and_acks_under_way_outlive_an_upgrade() {
    let server = Server::calm();
    let mut client = Client::connect(&server, Polling);
    let mut other = Client::connect(&server, WebSocket);
    client.enter("room");
    client.say("42[\"emit-with-ack\",1]");
    let id = ack_id(&client.hear(), "42", "[\"emit-with-ack\",1]");
    client.engine.upgrade();
    client.say(&format!("43{id}[\"after the upgrade\"]"));
    client.hears(&[text("42[\"emit-with-ack\",\"after the upgrade\"]")]);
    other.say("42[\"room\",\"room\",2]");
    client.hears(&[text("42[\"room\",2]")]);
    client.hears_nothing("");
}

#[test]
fn what_is_broadcast_during_an_upgrade_arrives_once_and_in_order() {
    let server = Server::calm();
    for _ in 0..5 {
        let mut client = Client::connect(&server, Polling);
        let mut other = Client::connect(&server, WebSocket);
        let mut said = 0;
        let mut tell = |count: u32| {
            for _ in 0..count {
                said += 1;
                other.say(&format!("42[\"all\",{said}]"));
                other.hears(&[text(format!("42[\"all\",{said}]"))]);
            }
        };
        let mut socket = client.engine.second();
        tell(3);
        socket.send(&text("2probe"));
        assert_eq!(socket.next(), text("3probe"));
        tell(3);
        let mut got = Vec::new();
        loop {
            match client.engine.next() {
                noop if noop == text("6") => break,
                packet => got.push(packet),
            }
        }
        tell(3);
        socket.send(&text("5"));
        tell(3);
        while got.len() < 12 {
            match socket.next() {
                noop if noop == text("6") => {}
                packet => got.push(packet),
            }
        }
        let all: Vec<_> = (1..=12).map(|number| text(format!("42[\"all\",{number}]"))).collect();
        assert_eq!(got, all);
    }
}

#[test]
fn a_slow_client_misses_nothing_or_is_disconnected_and_nobody_waits_for_it() {
    const COUNT: usize = 400;
    let server = Server::calm();
    let mut slow = Client::connect(&server, WebSocket);
    let mut quick = Client::connect(&server, WebSocket);
    let filler = "x".repeat(20_000);
    let expected = |number: usize| text(format!("42[\"all\",[{number},\"{filler}\"]]"));
    for number in 0..COUNT {
        quick.engine.send(expected(number));
        assert_eq!(quick.hear(), expected(number));
    }
    for number in 0..COUNT {
        match slow.engine.try_next() {
            Some(packet) if packet == text("1") || packet == text("41") => return,
            Some(packet) => assert_eq!(packet, expected(number), "message {number}"),
            None => return,
        }
    }
    slow.hears_nothing("");
}

// ---- Auth

#[test]
fn what_one_client_authenticates_with_is_told_to_nobody_else() {
    let server = Server::calm();
    let secret = "c0rrect-h0rse";
    let mut others: Vec<_> = (0..3).map(|number| connect(&server, number)).collect();
    for transport in BOTH {
        let mut client = Client::connect_with(&server, transport, &format!("40{{\"token\":\"{secret}\"}}"));
        client.join(&format!("40/custom,{{\"token\":\"{secret}\"}}"));
        client.say("42[\"all\",1]");
        for other in &mut others {
            other.hears(&[text("42[\"all\",1]")]);
            other.hears_nothing("");
        }
    }
    let page = wire::http::Http::connect(server.address).get("/");
    assert!(!page.text().contains(secret));
}

#[test]
fn what_a_client_authenticates_with_is_in_no_recording() {
    let path = std::env::temp_dir().join(format!("spanwalk-auth-{}.spanwalk", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let mut server = Server::calm_with(&["--record", path.to_str().unwrap()]);
    let secret = "c0rrect-h0rse";
    for transport in BOTH {
        for namespace in ["", "/custom,"] {
            let packet = format!("40{namespace}{{\"token\":\"{secret}\"}}");
            let mut client = Client::connect_with(&server, transport, &packet);
            client.say(&format!("42{namespace}[\"message\",\"a message that is no secret\"]"));
            client.hear();
        }
    }
    server.ask_to_stop();
    assert_eq!(server.exit_code(), Some(0));
    let mut log = spanwalk::trace::Log::new();
    spanwalk::file::Reader::open(&path).unwrap().read(&mut log).unwrap();
    std::fs::remove_file(&path).unwrap();
    let lines: Vec<_> = log.events_in(..).map(|event| spanwalk::format::jsonl::line(&log, &event)).collect();
    assert!(lines.iter().any(|line| line.contains("message")), "what is said is recorded: {} lines", lines.len());
    for line in lines {
        assert!(!line.contains(secret), "{line}");
    }
}

#[test]
fn clients_may_come_and_go_again_and_again() {
    let server = Server::calm();
    for number in 0..60 {
        let mut client = connect(&server, number);
        client.hears_nothing("");
        client.say("41");
        client.engine.send(text("1"));
    }
}

#[test]
fn what_a_client_says_before_it_closes_is_heard_by_others() {
    let server = Server::calm();
    for transport in BOTH {
        let mut other = Client::connect(&server, WebSocket);
        let mut client = Client::connect(&server, transport);
        let said = [r#"42["all",1]"#, r#"42["all",2]"#, r#"42["all",3]"#].map(text);
        client.engine.send_unasked(&[&said[..], &[text("41"), text("1")]].concat());
        other.hears(&said);
    }
}

#[test]
fn acks_are_read_though_hundreds_are_still_to_come() {
    let server = Server::calm();
    for transport in BOTH {
        let mut client = Client::connect(&server, transport);
        let asked: Vec<_> = (0..400).map(|number| text(format!("42[\"emit-with-ack\",{number}]"))).collect();
        let packets: Vec<_> = std::thread::scope(|scope| {
            asked.chunks(100).for_each(|some| client.engine.send_all(some));
            scope.spawn(|| asked.iter().map(|_| client.hear()).collect()).join().unwrap()
        });
        let acks = packets.iter().enumerate().map(|(number, packet)| {
            text(format!("43{}[\"thanks\"]", ack_id(packet, "42", &format!("[\"emit-with-ack\",{number}]"))))
        });
        let acks: Vec<_> = acks.collect();
        acks.chunks(100).for_each(|some| client.engine.send_all(some));
        client.hears(&vec![text(r#"42["emit-with-ack","thanks"]"#); acks.len()]);
    }
}

/// A client in a room that does not read, and one that says this many messages of half a megabyte to it: more than queues
/// and the system's buffers take.
const MUCH: usize = 80;

fn slow_and_loud(server: &Server) -> (Client, Client) {
    let (mut slow, loud) = (Client::connect(server, WebSocket), Client::connect(server, WebSocket));
    slow.enter("slow");
    (slow, loud)
}

fn much(number: usize) -> String {
    format!("42[\"room\",\"slow\",{number},\"{}\"]", "x".repeat(500_000))
}

/// The number in a message that has come.
fn number(packet: &Packet) -> usize {
    let Packet::Text(packet) = packet else { panic!("{packet:?}") };
    let (_, json) = parts(packet);
    json.unwrap()[1].as_u64().unwrap() as usize
}

#[test]
fn who_takes_nothing_is_disconnected_when_its_queue_is_full_and_nobody_waits_for_it() {
    let server = Server::calm();
    let (mut slow, mut loud) = slow_and_loud(&server);
    (0..MUCH).for_each(|number| loud.say(&much(number)));
    loud.hears_nothing("");
    let mut got = Vec::new();
    while let Some(packet) = slow.engine.try_next() {
        got.push(number(&packet));
    }
    assert!(!got.is_empty() && got.len() < MUCH, "{got:?}");
    assert_eq!(got, (0..got.len()).collect::<Vec<_>>(), "what came is whole and in order");
}

#[test]
fn who_takes_nothing_is_waited_for_if_that_is_asked_for_and_misses_nothing() {
    let server = Server::calm_with(&["--when-full", "wait"]);
    let (mut slow, mut loud) = slow_and_loud(&server);
    let (done, is_done) = std::sync::mpsc::channel();
    let saying = std::thread::spawn(move || {
        (0..MUCH).for_each(|number| loud.say(&much(number)));
        done.send(()).unwrap();
        loud.hears_nothing("");
    });
    let waits = is_done.recv_timeout(std::time::Duration::from_secs(2));
    assert!(waits.is_err(), "all of it was taken though nobody read");
    for expected in 0..MUCH {
        assert_eq!(number(&slow.hear()), expected);
    }
    saying.join().unwrap();
    slow.hears_nothing("");
}
