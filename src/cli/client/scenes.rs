//! The scenes: what a client does, and the sentence that says what it saw.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::connected::Connected;
use super::http::Http;
use super::packet::{Event, Packet};
use super::polling::Polling;
use super::socket::Socket;
use super::{Crowd, Failed, failed, lock};
use crate::tui::Scene;

/// What a slow client has sent back to it: more than the buffers of two systems and a patient server take.
pub(super) const TEXTS: usize = 2048;
/// The length of one, well below every usual limit of a payload.
const TEXT: usize = 16_384;
/// Nothing more is taken for so long: the server waits for the client to read.
const STALLED: Duration = Duration::from_secs(1);

impl Crowd {
    /// Plays a scene to its end.
    pub(super) fn play(self: &Arc<Self>, scene: Scene, address: SocketAddr) -> Result<String, Failed> {
        match scene {
            Scene::Get => self.get(address),
            Scene::Connect => self.connect(address),
            Scene::Message => self.message(address),
            Scene::Broadcast => self.broadcast(address),
            Scene::SlowClient => self.slow_client(address, TEXTS),
            Scene::VanishingClient => self.vanishing_client(address),
            Scene::Disconnect => self.disconnect(),
        }
    }

    fn get(&self, address: SocketAddr) -> Result<String, Failed> {
        let mut http = Http::new(self.wires.clone(), address);
        let answer = http.ask("GET", "/", "Connection: close\r\n", "").and_then(|()| http.answer());
        answer.map(|answer| format!("GET / was answered: {}", answer.status)).map_err(|error| failed("GET /", error))
    }

    /// As the official client does: by polling until the namespace is connected, then a WebSocket is tried and taken.
    fn connect(self: &Arc<Self>, address: SocketAddr) -> Result<String, Failed> {
        let mut numbers = lock(&self.numbers);
        let (mut polling, handshake) = Polling::open(self.wires.clone(), address)?;
        polling.post("40")?;
        let during = "the connect of namespace /";
        let mut sid = None;
        while sid.is_none() {
            polling.ask(during)?;
            for packet in polling.polled(during)? {
                match packet {
                    Packet::Connected(id) => sid = Some(id),
                    Packet::Refused(why) => return Err(failed(during, why)),
                    Packet::Close => return Err(failed(during, "the server closed the session, packet 1")),
                    Packet::Ping(_) => polling.post("3")?,
                    _ => {}
                }
            }
        }
        if !handshake.can_upgrade {
            return Err(failed("the upgrade to WebSocket", "the server offers none"));
        }
        // There is always one poll waiting, also while the other transport is tried. The server ends it when it has seen
        // `2probe`.
        let during = "the last poll";
        polling.ask(during)?;
        let mut socket = Socket::open(&self.wires, address, Some(&handshake.sid))?;
        let probe = "the probe of the WebSocket";
        socket.send("2probe").map_err(|why| failed(probe, why))?;
        match socket.next().map_err(|why| failed(probe, why))? {
            Packet::Pong(with) if with == "probe" => {}
            other => return Err(failed(probe, format!("no 3probe but {other:?}"))),
        }
        let last = polling.polled(during)?;
        socket.send("5").map_err(|why| failed(probe, why))?;
        for packet in last {
            match packet {
                Packet::Ping(_) => socket.send("3").map_err(|why| failed("the answer to a ping", why))?,
                Packet::Close => return Err(failed(during, "the server closed the session, packet 1")),
                _ => {}
            }
        }
        *numbers += 1;
        let client = Connected::stay(self, socket, *numbers)?;
        let every = Duration::from_millis(handshake.ping_interval);
        Ok(format!("client {} connected by polling, then WebSocket; pings every {every:?}", client.number))
    }

    fn message(self: &Arc<Self>, address: SocketAddr) -> Result<String, Failed> {
        let clients = self.at_least(1, address)?;
        let client = &clients[0];
        let (sent, wanted) = (Event::new("message", "hi"), Event::new("message-back", "hi"));
        client.emit(&sent)?;
        let got = client.take(&wanted)?;
        Ok(format!("client {} sent {}, got {}", client.number, sent.text(), got.text()))
    }

    fn broadcast(self: &Arc<Self>, address: SocketAddr) -> Result<String, Failed> {
        let clients = self.at_least(2, address)?;
        let sender = &clients[0];
        // Of its own, so that nobody takes that of another scene for this one.
        let number = self.broadcasts.fetch_add(1, Ordering::Relaxed) + 1;
        let event = Event::new("all", &format!("hello {number}"));
        sender.emit(&event)?;
        let got: Vec<_> = clients.iter().map(|client| client.take(&event)).collect();
        let told = format!("client {} sent {}", sender.number, event.text());
        let came = got.iter().filter(|got| got.is_ok()).count();
        let told = format!("{told}; {came} of {} got it", clients.len());
        match got.into_iter().find_map(Result::err) {
            Some(lost) => Ok(format!("{told}, {lost}")),
            None => Ok(told),
        }
    }

    pub(super) fn slow_client(&self, address: SocketAddr, texts: usize) -> Result<String, Failed> {
        let during = "being slow";
        let (mut socket, _) = Socket::connect(&self.wires, address)?;
        let (taken, is_taken) = mpsc::channel();
        let emit = {
            let (writer, event) = (socket.writer(), Event::new("message", &"x".repeat(TEXT)));
            move || (0..texts).all(|_| writer.emit(&event).is_ok() && taken.send(()).is_ok())
        };
        let thread = std::thread::Builder::new().name("client".to_owned());
        let emitter = thread.spawn(emit).map_err(|error| failed(during, error))?;
        let mut unread = 0;
        let has_stalled = loop {
            match is_taken.recv_timeout(STALLED) {
                Ok(()) => unread += 1,
                // Whoever is held takes nothing either.
                Err(RecvTimeoutError::Timeout) if self.is_held.load(Ordering::Relaxed) && !self.wires.is_closed() => {}
                Err(RecvTimeoutError::Timeout) => break true,
                Err(RecvTimeoutError::Disconnected) => break false,
            }
        };
        let told = match (has_stalled, unread == texts) {
            (true, _) => format!("the server took {unread} of {texts} texts, then waited"),
            (false, true) => format!("the server took all {texts} texts unread"),
            (false, false) => format!("the server took {unread} of {texts} texts, then cut"),
        };
        let mut came = 0;
        while came < texts {
            match socket.next() {
                Ok(Packet::Event(event)) if event.name == "message-back" => came += 1,
                Ok(_) => {}
                Err(why) => return Ok(format!("{told}; read on: {came} came, then {why}")),
            }
        }
        let _ = emitter.join();
        let _ = socket.writer().say_goodbye();
        while socket.next().is_ok() {}
        Ok(format!("{told}; read on: all came"))
    }

    fn vanishing_client(&self, address: SocketAddr) -> Result<String, Failed> {
        let (socket, _) = Socket::connect(&self.wires, address)?;
        socket.wire().reset_at_the_end().map_err(|error| failed("vanishing", error))?;
        drop(socket);
        Ok("a client connected and vanished: a TCP reset, no close frame".to_owned())
    }

    fn disconnect(&self) -> Result<String, Failed> {
        let clients = self.connected().clone();
        clients.iter().try_for_each(|client| client.leave())?;
        let ends: Vec<String> = clients.iter().map(|client| client.end()).collect();
        let last = ends.last().ok_or_else(|| failed("leaving", "nobody is connected"))?;
        let who = if ends.len() == 1 { "1 client".to_owned() } else { format!("{} clients", ends.len()) };
        Ok(format!("{who} said 41 and close; {last}"))
    }

    /// Everybody who is connected; those who are missing connect by WebSocket.
    fn at_least(self: &Arc<Self>, count: usize, address: SocketAddr) -> Result<Vec<Arc<Connected>>, Failed> {
        let mut numbers = lock(&self.numbers);
        while self.connected().len() < count {
            let (socket, _) = Socket::connect(&self.wires, address)?;
            *numbers += 1;
            Connected::stay(self, socket, *numbers)?;
        }
        drop(numbers);
        let clients = self.connected().clone();
        // One may have been cut since.
        if clients.len() < count { Err(failed("connecting", "the server closed it at once")) } else { Ok(clients) }
    }
}
