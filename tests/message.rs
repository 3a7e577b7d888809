//! A message on its way from one client to another, stepped: the server under the recorder in this process, real clients.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use spanwalk::format::jsonl;
use spanwalk::record::{Control, HoldMode, Recorder};
use spanwalk::server::{Server, Settings};
use spanwalk::trace::{Command, Kind, Log, Run};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Longer than anything takes here; only a failure waits for it.
const LONG: Duration = Duration::from_secs(20);
/// What the client authenticates itself with.
const SECRET: &str = "open-sesame";

struct Client(WebSocket<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut client = Self(tungstenite::client(url, stream).unwrap().0);
        assert!(client.next().starts_with("0{"));
        client.say(&format!(r#"40{{"token":"{SECRET}"}}"#));
        assert!(client.next().starts_with("40{"));
        assert_eq!(client.next(), format!(r#"42["auth",{{"token":"{SECRET}"}}]"#));
        client
    }

    fn say(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).unwrap();
    }

    fn next(&mut self) -> String {
        self.0.read().unwrap().into_text().unwrap().as_str().to_owned()
    }
}

struct Walk {
    recorder: Recorder,
    control: Control,
    log: Log,
}

impl Walk {
    fn read(&mut self) {
        self.recorder.reader().read_into(&mut self.log, Duration::ZERO);
    }

    #[track_caller]
    fn stop(&mut self) -> String {
        let status = self.control.wait_for_stop(LONG);
        let Run::Paused(stop) = status.run else { panic!("no stop: {status:?}") };
        self.read();
        let lane = &self.log.lane(stop.lane).unwrap().name;
        format!("{lane} {} {}", stop.edge.word(), self.log.span(stop.span).unwrap().callsite.name)
    }

    fn stack(&self, lane: &str) -> Vec<String> {
        let state = self.log.latest();
        state.lane_named(lane).unwrap().stack.iter().map(|frame| frame.callsite.name.to_string()).collect()
    }
}

/// Sends one text to everybody when it has connected, and says what it hears.
fn speaker(address: SocketAddr, text: String) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut client = Client::connect(address);
        client.say(&format!(r#"42["all","{text}"]"#));
        client.next()
    })
}

#[test]
fn a_message_is_stepped_from_accept_to_the_write_of_the_other_client() {
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    let recorder = Recorder::builder().filter(filter).hold(HoldMode::Hold { silence: LONG, settle: LONG }).build();
    tracing::subscriber::set_global_default(recorder.subscriber()).unwrap();
    let control = recorder.control();
    control.command(Command::Continue);
    let mut settings = Settings { port: 0, ..Settings::default() };
    // However long the steps take.
    (settings.engineio.connect_timeout, settings.engineio.ping_timeout) = (None, LONG * 10);
    let server = Server::start(settings).unwrap();
    let mut reader = recorder.reader();
    let mut walk = Walk { recorder, control, log: Log::new() };
    while server.address().is_none() {
        reader.read_into(&mut walk.log, Duration::from_millis(20));
    }
    let address = server.address().unwrap();

    let mut listener = Client::connect(address);
    walk.control.command(Command::Pause);
    let text = "hi".repeat(100);
    let speaking = speaker(address, text.clone());
    let mut stops = vec![walk.stop()];
    while stops.last().is_none_or(|last| last != "conn-1 enter writer") {
        walk.control.command(Command::Into);
        stops.push(walk.stop());
        assert!(stops.len() < 500, "{stops:#?}");
    }
    let mut way = [
        "hub enter do_read",
        "conn-2 enter handle",
        "conn-2 enter handle_one_request",
        "conn-2 enter handle_request",
        "conn-2 enter handle_connect",
        "conn-2 enter websocket_handler",
        "conn-2 enter handle_connect_internal",
        "conn-2 enter on_connect",
        "conn-2 enter handle_eio_message",
        "conn-2 enter decode",
        "conn-2 enter handle_event",
        "conn-2 enter handle_event_internal",
        "conn-2 enter on_all",
        "conn-2 enter emit",
        "conn-2 enter encode",
        "conn-1 enter writer",
    ]
    .iter()
    .peekable();
    for stop in &stops {
        way.next_if(|expected| *expected == stop);
    }
    assert_eq!(way.next(), None, "{stops:#?}");
    assert_eq!(walk.stack("conn-1"), ["handle", "websocket_handler", "writer"]);
    let lane = |name: &str| walk.log.lanes().iter().find(|lane| &*lane.name == name).unwrap().id;
    let (from, to) = (lane("conn-2"), lane("conn-1"));
    let woke = walk
        .log
        .events_in(..)
        .any(|event| event.lane == from && matches!(&event.kind, Kind::Wake { to: woken, .. } if *woken == to));
    assert!(woke, "the speaker's lane woke the listener's");

    // Nobody has been cut off for waiting, and the message arrives when its writer may write.
    let (heard, hears) = mpsc::channel();
    let listening = std::thread::spawn(move || heard.send(listener.next()).unwrap());
    assert!(hears.try_recv().is_err());
    walk.control.command(Command::Continue);
    let expected = format!(r#"42["all","{text}"]"#);
    assert_eq!(hears.recv_timeout(LONG).as_ref(), Ok(&expected));
    assert_eq!(speaking.join().unwrap(), expected);
    listening.join().unwrap();

    server.stopper()();
    server.join().unwrap();
    walk.read();
    let told: Vec<String> = walk.log.events_in(..).map(|event| jsonl::line(&walk.log, &event)).collect();
    let told = told.join("\n");
    assert!(told.contains("hihihi") && !told.contains(&text), "a message is told up to a limit");
    assert!(!told.contains(SECRET) && told.contains(r#""auth":"given""#), "an authentication is not told");
    assert!(
        walk.log.latest().lanes().iter().all(|lane| lane.is_done || !lane.name.starts_with("conn-")),
        "no lane stays open"
    );
}
