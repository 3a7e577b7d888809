//! Engine.IO by polling: packets as bodies of requests.

use std::net::SocketAddr;
use std::sync::Arc;

use super::http::{Answer, Http};
use super::packet::{Handshake, Packet};
use super::wire::Wires;
use super::{Failed, failed};

/// What stands between the packets of one answer.
const SEPARATOR: char = '\u{1e}';

/// A session by polling.
pub(super) struct Polling {
    http: Http,
    path: String,
}

impl Polling {
    /// Opens a session: the first GET.
    pub(super) fn open(wires: Arc<Wires>, address: SocketAddr) -> Result<(Self, Handshake), Failed> {
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        let mut polling = Self { http: Http::new(wires, address), path };
        let during = "the handshake by polling";
        polling.ask(during)?;
        match &*polling.polled(during)? {
            [Packet::Open(handshake)] => {
                polling.path = format!("{}&sid={}", polling.path, handshake.sid);
                Ok((polling, handshake.clone()))
            }
            others => Err(failed(during, format!("no open packet but {others:?}"))),
        }
    }

    /// Sends packets, and waits until they were taken.
    pub(super) fn post(&mut self, packets: &str) -> Result<(), Failed> {
        let during = || format!("the POST of {packets}");
        let length = packets.len();
        let headers = format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n");
        self.http.ask("POST", &self.path, &headers, packets).map_err(|error| failed(during(), error))?;
        taken(self.http.answer(), &during()).map(drop)
    }

    /// Asks for packets. They are read by [`Self::polled`], which waits until there are some.
    pub(super) fn ask(&mut self, during: &str) -> Result<(), Failed> {
        self.http.ask("GET", &self.path, "", "").map_err(|error| failed(during, error))
    }

    /// The packets that were asked for.
    pub(super) fn polled(&mut self, during: &str) -> Result<Vec<Packet>, Failed> {
        let answer = taken(self.http.answer(), during)?;
        answer.body.split(SEPARATOR).map(|text| Packet::read(text).map_err(|error| failed(during, error))).collect()
    }
}

/// An answer that is no refusal.
fn taken(answer: std::io::Result<Answer>, during: &str) -> Result<Answer, Failed> {
    let answer = answer.map_err(|error| failed(during, error))?;
    if answer.is_ok() { Ok(answer) } else { Err(failed(during, answer.complaint())) }
}
