//! A crowd that chats while everything is recorded: nothing said is lost, nothing recorded is lost, nobody is left over.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::collections::HashMap;
use std::sync::Barrier;
use std::time::Instant;

use wire::Server;
use wire::client::{Client, parts};
use wire::engine::Transport::{Polling, WebSocket};
use wire::engine::{Packet, text};
use wire::recorded::Recorded;

/// How many chat, on how many threads, and in rooms of how many.
const CLIENTS: usize = 200;
const THREADS: usize = 4;
const ROOM: usize = 10;

/// How many messages are said, each third to a room, the others to all; each reaches 200 clients or 9. With
/// `SPANWALK_CROWD_MESSAGES=6000` they chat for about a minute.
const MESSAGES: usize = 900;

/// One of the crowd.
struct Guest {
    client: Client,
    number: usize,
    /// What it has heard, by who said it: the number of the message.
    heard: HashMap<usize, Vec<usize>>,
    count: usize,
}

impl Guest {
    /// A third by polling, a third by WebSocket, a third upgraded. Each in a room with its neighbours.
    fn enter(server: &Server, number: usize) -> Self {
        let mut client = Client::connect(server, if number % 3 == 1 { WebSocket } else { Polling });
        if number % 3 == 2 {
            client.engine.upgrade();
        }
        client.enter(&format!("room-{}", number / ROOM));
        Self { client, number, heard: HashMap::new(), count: 0 }
    }

    fn say(&mut self, message: usize) {
        let content = format!("[{},{message}]", self.number);
        match message % 3 {
            0 => self.client.say(&format!("42[\"room\",\"room-{}\",{content}]", self.number / ROOM)),
            _ => self.client.say(&format!("42[\"all\",{content}]")),
        }
    }

    fn hear(&mut self) {
        let Packet::Text(packet) = self.client.hear() else { panic!("bytes") };
        let json = parts(&packet).1.unwrap_or_else(|| panic!("{packet:?}"));
        let [from, message] = [0, 1].map(|at| json[1][at].as_u64().unwrap() as usize);
        assert_eq!(json[0], if message % 3 == 0 { "room" } else { "all" }, "{packet}");
        self.heard.entry(from).or_default().push(message);
        self.count += 1;
    }

    /// In one of the ways in which clients go.
    fn go(mut self) {
        let is_polling = self.number.is_multiple_of(3);
        match self.number % 4 {
            0 => {
                self.client.say("41");
                self.client.engine.send(text("1"));
            }
            1 if !is_polling => self.client.engine.socket().write_frame(0x88, &[3, 233]),
            // Its WebSocket is cut. By polling only the heartbeat would find out.
            2 if !is_polling => {}
            _ => self.client.engine.send(text("1")),
        }
    }
}

/// Who says a message: everybody in turn, but not in the order of numbers.
fn speaker(message: usize) -> usize {
    message * 73 % CLIENTS
}

/// The messages that a guest is to hear, by who says them.
fn expected(number: usize, messages: usize) -> HashMap<usize, Vec<usize>> {
    let mut expected: HashMap<usize, Vec<usize>> = HashMap::new();
    for message in 0..messages {
        let from = speaker(message);
        if message % 3 != 0 || from / ROOM == number / ROOM && from != number {
            expected.entry(from).or_default().push(message);
        }
    }
    expected
}

#[test]
fn two_hundred_chat_and_leave_and_the_recording_has_all_of_it_and_no_lane_left() {
    let messages = std::env::var("SPANWALK_CROWD_MESSAGES").map_or(MESSAGES, |count| count.parse().unwrap());
    // Nobody is found out by a clock, however slow the machine: whoever goes is seen to go.
    let clocks =
        ["ping-interval", "header-timeout", "body-timeout", "idle-timeout", "upgrade-timeout", "connect-timeout"];
    let flags: Vec<_> = clocks.iter().flat_map(|clock| [format!("--{clock}"), "1h".to_owned()]).collect();
    let mut recorded = Recorded::start("crowd", &flags.iter().map(String::as_str).collect::<Vec<_>>());
    let server = &recorded.server;
    let everybody_is_here = Barrier::new(THREADS);
    let everybody_has_heard = Barrier::new(THREADS);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (everybody_is_here, everybody_has_heard) = (&everybody_is_here, &everybody_has_heard);
            scope.spawn(move || {
                let mut guests: Vec<_> =
                    (thread..CLIENTS).step_by(THREADS).map(|number| Guest::enter(server, number)).collect();
                let expected: Vec<_> = guests.iter().map(|guest| self::expected(guest.number, messages)).collect();
                let totals: Vec<usize> = expected.iter().map(|heard| heard.values().map(Vec::len).sum()).collect();
                everybody_is_here.wait();
                // One says something, and everybody reads on; by the end everybody has heard everything.
                for message in (0..messages).filter(|message| speaker(*message) % THREADS == thread) {
                    guests[speaker(message) / THREADS].say(message);
                    for (guest, total) in guests.iter_mut().zip(&totals) {
                        // Not all at once: others have said about so much by now.
                        while guest.count * messages < total * message.saturating_sub(20) {
                            guest.hear();
                        }
                    }
                }
                for ((guest, total), expected) in guests.iter_mut().zip(&totals).zip(&expected) {
                    while guest.count < *total {
                        guest.hear();
                    }
                    assert_eq!(guest.heard, *expected, "guest {}", guest.number);
                    guest.client.hears_nothing("");
                }
                everybody_has_heard.wait();
                guests.into_iter().for_each(Guest::go);
            });
        }
    });
    let chatted = began.elapsed();
    recorded.wait_until_all_have_gone(CLIENTS);
    recorded.stop();
    println!("{messages} messages in {chatted:?}, {} events", recorded.log.len());
}

#[test]
fn who_vanishes_while_polling_leaves_no_lane() {
    // It has to live until it is in the room, however long it is kept off the processor on its way.
    let mut recorded = Recorded::start("vanished", &["--ping-interval", "300ms", "--ping-timeout", "3s"]);
    let mut client = Client::connect(&recorded.server, Polling);
    client.enter("room");
    // Both its connections are cut, and nobody says so to the session.
    drop(client);
    recorded.wait_until_all_have_gone(2);
    recorded.stop();
}
