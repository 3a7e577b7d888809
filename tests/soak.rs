//! Clients that come, vanish, break off and come again, for as long as is asked: nothing of them may be left.
//!
//! ```sh
//! SPANWALK_SOAK=10m cargo test --release --test soak -- --nocapture     # prints the curve of its memory
//! ```
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wire;

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use spanwalk::file::Reader;
use spanwalk::trace::Log;
use wire::client::Client;
use wire::engine::Transport::{Polling, WebSocket};
use wire::engine::{ECHO, Engine, SOCKETIO, Socket, Way, text};
use wire::http::{Http, connect};
use wire::{LIMIT, Server};

/// How long it goes on if nobody says how long.
const SHORT: Duration = Duration::from_secs(3);
/// From here on memory is judged: before, it has not settled.
const LONG: Duration = Duration::from_secs(60);
const THREADS: usize = 4;
/// Sessions at the most, so that their end can be seen: as many must be free then.
const SESSIONS: usize = 3_000;
/// Samples of memory.
const SAMPLES: u32 = 30;

/// What a client may do with itself.
const LIVES: [fn(&Server, usize); 9] = [
    // Vanishes by polling, without a word; only the heartbeat finds out.
    |server, number| echoes(&mut Engine::open(server, ECHO, Polling), number),
    // Is reset by WebSocket.
    |server, number| {
        let mut session = Engine::open(server, ECHO, WebSocket);
        echoes(&mut session, number);
        reset(session.socket().socket.get_ref());
    },
    // Upgrades, and says good-bye.
    |server, number| {
        let mut session = Engine::open(server, ECHO, Polling);
        let mut socket = session.second();
        socket.send(&text("2probe"));
        assert_eq!(socket.next(), text("3probe"));
        socket.send(&text("5"));
        session.way = Way::WebSocket(Box::new(socket));
        echoes(&mut session, number);
        session.socket().write_frame(0x88, &[3, 232]);
    },
    // Breaks an upgrade off, goes on by polling, and closes.
    |server, number| {
        let mut session = Engine::open(server, ECHO, Polling);
        let mut socket: Socket = session.second();
        if number.is_multiple_of(2) {
            socket.send(&text("2probe"));
        }
        reset(socket.socket.get_ref());
        session.send_unasked(&[text("1")]);
    },
    // Has a poll under way when it vanishes, and comes again at once.
    |server, number| {
        for _ in 0..2 {
            let mut session = Engine::open(server, SOCKETIO, Polling);
            let target = session.target(Polling);
            session.polling().polls.send("GET", &target, &[], b"");
        }
        echoes(&mut Engine::open(server, ECHO, WebSocket), number);
    },
    // Chats, and is cut.
    |server, number| {
        let mut client = Client::connect(server, if number.is_multiple_of(2) { WebSocket } else { Polling });
        client.enter(&format!("room-{}", number % 7));
        client.say(&format!("42[\"room\",\"room-{}\",{number}]", (number + 1) % 7));
    },
    // Never ends its headers, or its body.
    |server, number| {
        let mut stream = connect(server.address);
        let _ = stream
            .write_all(["GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4"][number % 2].as_bytes());
        if number.is_multiple_of(3) {
            reset(&stream);
        }
    },
    // Breaks the rules.
    |server, _| {
        let mut session = Engine::open(server, SOCKETIO, WebSocket);
        session.send(text("42nonsense"));
        let _ = session.rest("nonsense");
    },
    // Is a browser.
    |server, _| {
        let mut http = Http::connect(server.address);
        for path in ["/", "/static/chat.js", "/nowhere"] {
            http.get(path);
        }
    },
];

#[track_caller]
fn echoes(session: &mut Engine, number: usize) {
    for part in 0..3 {
        let packet = text(format!("4{number} {part}"));
        session.send(packet.clone());
        assert_eq!(session.next_but_pings(), Some(packet));
    }
}

/// Ends a connection without a word.
fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    let _ = stream.shutdown(Shutdown::Both);
}

/// Resident memory, in kB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A directory for files of the recording, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-soak-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The file that was begun last.
    fn newest(&self) -> PathBuf {
        let number = |path: &Path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            name.strip_prefix("soak-").map_or(1, |number| number.parse::<u32>().unwrap())
        };
        std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).max_by_key(|path| number(path)).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The recording of it shows no connection that is open.
#[track_caller]
fn check_no_lanes(directory: &Directory) {
    let (mut log, mut reader) = (Log::new(), Reader::open(&directory.newest()).unwrap());
    let began = Instant::now();
    loop {
        reader.read(&mut log).unwrap();
        let open = log.lanes().iter().filter(|lane| lane.name.starts_with("conn-") && lane.close.is_none());
        let left: Vec<_> = open.map(|lane| &*lane.name).collect();
        if left.is_empty() {
            assert!(
                reader.damage().is_empty() && log.dropped() == 0,
                "{:?}, {} dropped",
                reader.damage(),
                log.dropped()
            );
            return;
        }
        assert!(began.elapsed() < 3 * LIMIT, "{} lanes are left: {left:?}", left.len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn of_clients_that_vanish_nothing_is_left_neither_memory_nor_descriptors_nor_sessions_nor_lanes() {
    let length = std::env::var("SPANWALK_SOAK").map_or(SHORT, |length| humantime::parse_duration(&length).unwrap());
    let directory = Directory::new();
    let (file, sessions) = (directory.0.join("soak.spanwalk"), SESSIONS.to_string());
    let mut server = Server::with(
        &[
            &["--ping-interval", "3s", "--ping-timeout", "3s", "--header-timeout", "3s", "--idle-timeout", "3s"][..],
            &["--body-timeout", "3s", "--upgrade-timeout", "3s", "--max-sessions", &sessions],
            &["--record", file.to_str().unwrap(), "--rotate", "50MB", "--keep", "3"],
        ]
        .concat(),
    );
    let before = server.descriptors();
    let (began, lives) = (Instant::now(), AtomicUsize::new(0));
    let mut curve = vec![(Duration::ZERO, resident(&server))];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (lives, server) = (&lives, &server);
                scope.spawn(move || {
                    let mut number = thread;
                    while began.elapsed() < length {
                        LIVES[number % LIVES.len()](server, number);
                        lives.fetch_add(1, Relaxed);
                        number += THREADS;
                        // Fewer than there may be sessions, however fast the machine: half of those that vanish live on for a while.
                        std::thread::sleep(Duration::from_millis(5));
                    }
                })
            })
            .collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(length / SAMPLES);
            curve.push((began.elapsed(), resident(&server)));
        }
    });
    for (at, kilobytes) in &curve {
        println!("{:>8.1} s {:>8.1} MB", at.as_secs_f64(), *kilobytes as f64 / 1024.0);
    }
    println!("{} clients in {:.0?}", lives.load(Relaxed), began.elapsed());
    server.wait_for_descriptors(before);
    check_no_lanes(&directory);
    // No session of theirs is left: there is room for all that there may be, and for no more.
    let mut http = Http::connect(server.address);
    let statuses: Vec<_> = (0..=SESSIONS)
        .map(|_| http.get("/socket.io/?EIO=4&transport=polling").status)
        .take_while(|status| *status == 200)
        .collect();
    // While they are begun the first of them end: there may be a few more.
    assert!(statuses.len() >= SESSIONS, "{} of {SESSIONS} sessions are free", statuses.len());
    let most = |part: &[(Duration, u64)]| part.iter().map(|sample| sample.1).max().unwrap();
    assert!(most(&curve) < 300 << 10, "{} kB", most(&curve));
    if length >= LONG {
        let (middle, end) = (most(&curve[curve.len() / 3..curve.len() * 2 / 3]), most(&curve[curve.len() * 2 / 3..]));
        assert!(end < middle + middle / 4, "it grows: {middle} kB, then {end} kB");
    }
    server.ask_to_stop();
    assert_eq!(server.exit_code(), Some(0));
}
