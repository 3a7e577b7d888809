//! The clients against servers that follow a script, with the bytes that servers send.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Condvar, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use super::scenes::TEXTS;
use super::*;

/// What a server does on one connection.
enum Step {
    /// Reads a request that begins like this and has this body, and answers with this.
    Answer(&'static str, &'static str, String),
    /// Reads a request to become a WebSocket with this in its address, and does.
    Upgrade(&'static str),
    /// Reads a text frame.
    Reads(&'static str),
    /// Reads so many events of any text, and sends each back.
    Echoes(usize),
    Sends(&'static str),
    /// Sends a close frame.
    Closes(u16, &'static str),
    /// Reads a close frame and answers it.
    ReadsClose,
    /// Reads to the end, which is a reset.
    IsReset,
    /// Lets another connection go on, and waits for one.
    Says(usize),
    Awaits(usize),
    /// Waits for the end of the connection.
    ReadsNoMore,
}
use Step::*;

type Marks = Arc<(Mutex<Vec<usize>>, Condvar)>;

/// Serves one connection after the other, each by its own script and in a thread of its own; panics in them are met by `join`.
fn server(scripts: Vec<Vec<Step>>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        let marks = Marks::default();
        let threads: Vec<_> = scripts
            .into_iter()
            .map(|script| {
                let (stream, _) = listener.accept().unwrap();
                let marks = marks.clone();
                std::thread::spawn(move || follow(stream, script, &marks))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    (address, std::thread::spawn(serve))
}

fn follow(stream: TcpStream, script: Vec<Step>, marks: &Marks) {
    let mut http = BufReader::new(stream.try_clone().unwrap());
    let mut frames: Option<WebSocket<TcpStream>> = None;
    for step in script {
        let socket = frames.as_mut();
        match step {
            Answer(begins, body, answer) => {
                let (head, got) = request(&mut http);
                assert!(head.starts_with(begins), "{head}");
                assert_eq!(got, body);
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
            Upgrade(part) => {
                let mut start = [0; 200];
                let length = stream.peek(&mut start).unwrap();
                let head = String::from_utf8_lossy(&start[..length]).into_owned();
                assert!(head.starts_with("GET /socket.io/?EIO=4&transport=websocket") && head.contains(part), "{head}");
                frames = Some(accept(stream.try_clone().unwrap()).unwrap());
            }
            Reads(text) => assert_eq!(socket.unwrap().read().unwrap(), Message::text(text)),
            Echoes(count) => {
                let socket = socket.unwrap();
                for _ in 0..count {
                    let text = socket.read().unwrap().into_text().unwrap();
                    socket.send(Message::text(text.replacen("message", "message-back", 1))).unwrap();
                }
            }
            Sends(text) => socket.unwrap().send(Message::text(text)).unwrap(),
            Closes(code, reason) => {
                let frame = CloseFrame { code: code.into(), reason: reason.into() };
                socket.unwrap().close(Some(frame)).unwrap();
            }
            ReadsClose => {
                let socket = socket.unwrap();
                assert_eq!(socket.read().unwrap(), Message::Close(None));
                let _ = socket.flush();
            }
            IsReset => {
                let error = (&stream).read(&mut [0; 8]).unwrap_err();
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            }
            Says(mark) => {
                marks.0.lock().unwrap().push(mark);
                marks.1.notify_all();
            }
            Awaits(mark) => drop(marks.1.wait_while(marks.0.lock().unwrap(), |marks| !marks.contains(&mark)).unwrap()),
            ReadsNoMore => drop((&stream).read_to_end(&mut Vec::new())),
        }
    }
}

/// Head and body of a request.
fn request(http: &mut BufReader<TcpStream>) -> (String, String) {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        http.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    http.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

const OPEN: &str =
    r#"0{"sid":"s1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const OPEN_WS: &str = r#"0{"sid":"s2","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const POLL: &str = "GET /socket.io/?EIO=4&transport=polling&sid=s1 ";
const POST: &str = "POST /socket.io/?EIO=4&transport=polling&sid=s1 ";

/// The steps of a client that connects by WebSocket alone.
fn by_websocket() -> Vec<Step> {
    vec![Upgrade("websocket "), Sends(OPEN_WS), Reads("40"), Sends(r#"40{"sid":"n2"}"#), Sends(r#"42["auth",{}]"#)]
}

fn then(mut script: Vec<Step>, more: Vec<Step>) -> Vec<Step> {
    script.extend(more);
    script
}

struct Play {
    clients: Clients,
    said: mpsc::Receiver<String>,
}

impl Play {
    fn new() -> Self {
        let (notify, said) = mpsc::channel();
        Self { clients: Clients::new(notify), said }
    }

    /// Plays a scene and gives its sentence without the time it took.
    fn play(&self, scene: Scene, address: SocketAddr) -> String {
        self.clients.play(scene, address).unwrap();
        self.said()
    }

    fn said(&self) -> String {
        let said = self.said.recv_timeout(Duration::from_secs(20)).unwrap();
        let (said, time) = said.rsplit_once(", ").unwrap();
        assert!(time.ends_with('s') || time.ends_with("it connected"), "{time}");
        said.to_owned()
    }
}

#[track_caller]
fn check(scene: Scene, scripts: Vec<Vec<Step>>, expected: &str) {
    let (address, server) = server(scripts);
    let play = Play::new();
    assert_eq!(play.play(scene, address), expected);
    play.clients.cutter()();
    server.join().unwrap();
}

#[test]
fn a_get_says_its_status() {
    check(Scene::Get, vec![vec![Answer("GET / HTTP/1.1", "", ok("hi"))]], "GET / was answered: 200 OK");
    let chunked = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    check(Scene::Get, vec![vec![Answer("GET", "", chunked.into())]], "GET / was answered: 404 Not Found");
    check(Scene::Get, vec![vec![Answer("GET", "", String::new())]], "GET: GET / failed: closed without an answer");
    check(Scene::Get, vec![vec![Answer("GET", "", "SSH-2.0\r\n".into())]], "GET: GET / failed: no HTTP answer");
}

/// Handshake, connect and upgrade as node's server answers them, up to `5`.
fn by_polling() -> Vec<Vec<Step>> {
    let both = "40{\"sid\":\"n1\"}\u{1e}42[\"auth\",{}]";
    let first = vec![
        Answer("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1:", "", ok(OPEN)),
        Answer(POST, "40", ok("ok")),
        Answer(POLL, "", ok(both)),
        // Asked for before the WebSocket is there, answered when it has been tried.
        Awaits(1),
        Answer(POLL, "", ok("6")),
        ReadsNoMore,
    ];
    vec![first, vec![Upgrade("&sid=s1 "), Reads("2probe"), Says(1), Sends("3probe"), Reads("5")]]
}

#[test]
fn a_client_connects_by_polling_is_upgraded_and_stays_until_it_says_goodbye() {
    let mut scripts = by_polling();
    // A heartbeat while an answer is waited for.
    let more = vec![Reads(r#"42["message","hi"]"#), Sends("2"), Reads("3"), Sends(r#"42["message-back","hi"]"#)];
    scripts[1].extend(then(more, vec![Reads("41"), ReadsClose]));
    let (address, server) = server(scripts);
    let play = Play::new();
    let connected = "client 1 connected by polling, then WebSocket; pings every 25s";
    assert_eq!(play.play(Scene::Connect, address), connected);
    assert_eq!(play.clients.count(), 1);
    let message = r#"client 1 sent 42["message","hi"], got 42["message-back","hi"]"#;
    assert_eq!(play.play(Scene::Message, address), message);
    let goodbye = "1 client said 41 and close; the server sent a close frame";
    assert_eq!(play.play(Scene::Disconnect, address), goodbye);
    assert_eq!(play.clients.count(), 0);
    server.join().unwrap();
}

#[test]
fn a_refusal_is_said_with_its_place() {
    let refuse =
        |status: &str, body: &str| format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let unknown = refuse("400 Bad Request", r#"{"code":1,"message":"Session ID unknown"}"#);
    let open = || Answer("GET /socket.io/?EIO=4", "", ok(OPEN));
    let check = |script: Vec<Step>, expected| check(Scene::Connect, vec![script], expected);
    let none = refuse("501 Not Implemented", "");
    check(vec![Answer("GET /socket.io/", "", none)], "connect: the handshake by polling failed: 501 Not Implemented");
    check(
        vec![open(), Answer(POST, "40", unknown)],
        r#"connect: the POST of 40 failed: 400 Bad Request, {"code":1,"message":"Session ID unknown"}"#,
    );
    check(
        vec![open(), Answer(POST, "40", ok("ok")), Answer(POLL, "", ok(r#"44{"message":"Invalid namespace"}"#))],
        "connect: the connect of namespace / failed: Invalid namespace",
    );
    check(
        vec![open(), Answer(POST, "40", ok("ok")), Answer(POLL, "", ok("hello"))],
        "connect: the connect of namespace / failed: `hello` is no packet",
    );
}

#[test]
fn a_refused_upgrade_is_said_with_its_status() {
    let mut scripts = by_polling();
    scripts[0].truncate(3);
    scripts[0].push(ReadsNoMore);
    let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad";
    scripts[1] = vec![Answer("GET /socket.io/?EIO=4&transport=websocket&sid=s1 ", "", answer.to_owned())];
    check(Scene::Connect, scripts, "connect: the upgrade to WebSocket failed: 400 Bad Request, bad");
}

#[test]
fn a_ping_of_the_last_poll_is_answered_after_the_upgrade() {
    let mut scripts = by_polling();
    scripts[0][4] = Answer(POLL, "", ok("2"));
    scripts[1].extend([Reads("3"), ReadsNoMore]);
    check(Scene::Connect, scripts, "client 1 connected by polling, then WebSocket; pings every 25s");
}

#[test]
fn a_broadcast_brings_who_is_missing_and_counts_who_got_it() {
    let all = r#"42["all","hello 1"]"#;
    // The second is connected when the first emits.
    let first = then(by_websocket(), vec![Reads(all), Says(1), Sends(all), ReadsNoMore]);
    let second = then(by_websocket(), vec![Awaits(1), Sends(all), ReadsNoMore]);
    let expected = r#"client 1 sent 42["all","hello 1"]; 2 of 2 got it"#;
    check(Scene::Broadcast, vec![first, second], expected);
    let first = then(by_websocket(), vec![Reads(all), Says(1), Sends(all), ReadsNoMore]);
    let second = then(by_websocket(), vec![Awaits(1)]);
    let (address, server) = server(vec![first, second]);
    let play = Play::new();
    play.clients.play(Scene::Broadcast, address).unwrap();
    assert!(play.said().starts_with("client 2 is disconnected: it ended without a close frame"));
    let lost = "; 1 of 2 got it, waiting for all of client 2 failed: it ended without a close frame";
    assert!(play.said().ends_with(lost));
    play.clients.cutter()();
    server.join().unwrap();
}

#[test]
fn an_end_that_the_server_makes_is_told_with_its_reason() {
    #[track_caller]
    fn check(last: Step, expected: &str) {
        let script = then(by_websocket(), vec![Reads(r#"42["message","hi"]"#), Sends(r#"42["message-back","hi"]"#)]);
        let (address, server) = server(vec![then(script, vec![Awaits(1), last]), vec![Says(1)]]);
        let play = Play::new();
        play.play(Scene::Message, address);
        // Lets the first connection go on.
        drop(TcpStream::connect(address).unwrap());
        assert_eq!(play.said(), format!("client 1 is disconnected: {expected}"));
        assert_eq!(play.clients.count(), 0);
        server.join().unwrap();
    }
    check(Sends("1"), "the server closed the session, packet 1");
    check(Sends("41"), "the server disconnected it, packet 41");
    check(Closes(1001, "going away"), "the server sent a close frame, 1001 going away");
    check(Says(2), "it ended without a close frame");
}

#[test]
fn a_slow_client_reads_nothing_while_it_is_sent_to_and_then_everything() {
    let goodbye = || vec![Reads("3"), Reads("41"), ReadsClose];
    let script = then(by_websocket(), then(vec![Sends("2"), Echoes(3)], goodbye()));
    let (address, few) = server(vec![script]);
    let said = Play::new().clients.crowd.slow_client(address, 3);
    assert_eq!(said, Ok("the server took all 3 texts unread; read on: all came".to_owned()));
    few.join().unwrap();
    // More than the system keeps for both: then the server cannot write, and reads no further.
    let (address, many) = server(vec![then(by_websocket(), vec![Echoes(TEXTS), Reads("41"), ReadsClose])]);
    let said = Play::new().clients.crowd.slow_client(address, TEXTS).unwrap();
    assert!(said.ends_with(" of 2048 texts, then waited; read on: all came"), "{said}");
    many.join().unwrap();
}

#[test]
fn a_slow_client_that_is_cut_off_says_why() {
    let script = then(by_websocket(), vec![Echoes(2), Closes(1008, "too slow"), ReadsNoMore]);
    let (address, server) = server(vec![script]);
    let said = Play::new().clients.crowd.slow_client(address, TEXTS).unwrap();
    assert!(said.ends_with("; read on: 2 came, then the server sent a close frame, 1008 too slow"), "{said}");
    server.join().unwrap();
}

#[test]
fn a_vanishing_client_ends_with_a_reset() {
    let expected = "a client connected and vanished: a TCP reset, no close frame";
    let mut script = by_websocket();
    // All that was sent is read: only then is the end a reset for sure.
    script.truncate(4);
    check(Scene::VanishingClient, vec![then(script, vec![IsReset])], expected);
}

#[test]
fn a_run_that_is_over_cuts_its_clients_and_says_nothing() {
    let (address, server) = server(vec![then(by_websocket(), vec![ReadsNoMore])]);
    let play = Play::new();
    // Its answer never comes.
    play.clients.play(Scene::Message, address).unwrap();
    while play.clients.count() == 0 {
        std::thread::yield_now();
    }
    play.clients.cutter()();
    // The scene and the client that stayed have ended: nobody else holds the crowd, and so the channel.
    let Play { clients, said } = play;
    drop(clients);
    assert_eq!(said.recv(), Err(mpsc::RecvError));
    server.join().unwrap();
}

/// `PEER=127.0.0.1:5000 cargo test --lib client::tests::with_a_peer -- --nocapture` plays every scene with a server that runs.
#[test]
fn with_a_peer() {
    let Ok(address) = std::env::var("PEER") else { return };
    let address = address.parse().unwrap();
    let play = Play::new();
    for row in SCENES.iter().filter(|row| row.scene != Scene::Disconnect).chain(SCENES.iter().rev().take(1)) {
        play.clients.play(row.scene, address).unwrap();
        println!("{}: {}", row.name, play.said.recv_timeout(Duration::from_secs(60)).unwrap());
    }
}
