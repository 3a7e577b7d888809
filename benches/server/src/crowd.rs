//! Many clients on one thread: their sockets, and what has come of each, cut into messages.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::wire;

/// What is read at a time.
const AT_ONCE: usize = 64 << 10;

/// Who waits for answers.
pub struct Crowd {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    read: Box<[u8]>,
}

/// One of them.
pub struct Client {
    stream: TcpStream,
    /// The beginning of a message whose end has not come.
    kept: Vec<u8>,
    /// Whether HTTP is over and frames are next.
    pub is_upgraded: bool,
    /// Whether it has joined the namespace.
    pub is_ready: bool,
    /// When it sent what it waits for.
    pub sent: Instant,
}

impl Client {
    /// Sends all of it: so little that the kernel takes it at once.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        match self.stream.write(bytes) {
            Ok(taken) if taken == bytes.len() => Ok(()),
            Ok(_) => Err("the server does not read what it is sent".to_owned()),
            Err(error) => Err(format!("cannot send: {error}")),
        }
    }

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        if self.is_upgraded { Ok(wire::frame_length(bytes)) } else { wire::response_length(bytes) }
    }
}

impl Crowd {
    /// Nobody yet.
    pub fn new(address: SocketAddr) -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(1024));
        Ok(Self { address, poll, events, clients: Vec::new(), read: vec![0; AT_ONCE].into_boxed_slice() })
    }

    /// Another client. The kernel completes the connection whether the server looks or not, as long as few wait for it.
    pub fn connect(&mut self) -> Result<&mut Client, String> {
        let stream = std::net::TcpStream::connect(self.address).map_err(|error| format!("cannot connect: {error}"))?;
        let known = |error: io::Error| format!("cannot set a socket up: {error}");
        stream.set_nodelay(true).map_err(known)?;
        stream.set_nonblocking(true).map_err(known)?;
        let mut stream = TcpStream::from_std(stream);
        let token = Token(self.clients.len());
        self.poll.registry().register(&mut stream, token, Interest::READABLE).map_err(known)?;
        let sent = Instant::now();
        self.clients.push(Client { stream, kept: Vec::new(), is_upgraded: false, is_ready: false, sent });
        Ok(self.clients.last_mut().expect("one was pushed"))
    }

    /// The clients, in the order in which they came.
    pub fn clients(&mut self) -> &mut [Client] {
        &mut self.clients
    }

    /// Waits for something to come, at most so long, and gives every complete message to `take`.
    pub fn turn(
        &mut self,
        at_most: Duration,
        mut take: impl FnMut(&mut Client, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        match self.poll.poll(&mut self.events, Some(at_most)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(format!("cannot poll: {error}")),
            _ => {}
        }
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            loop {
                let count = match client.stream.read(&mut self.read) {
                    Ok(0) => return Err("the server has closed a connection".to_owned()),
                    Ok(count) => count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(format!("cannot receive: {error}")),
                };
                receive(client, &self.read[..count], &mut take)?;
                if count < self.read.len() {
                    // All that was there. What comes later is another event.
                    break;
                }
            }
        }
        Ok(())
    }
}

fn receive(
    client: &mut Client,
    bytes: &[u8],
    take: &mut impl FnMut(&mut Client, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut kept = std::mem::take(&mut client.kept);
    let joined = if kept.is_empty() {
        bytes
    } else {
        kept.extend_from_slice(bytes);
        &kept[..]
    };
    let mut rest = joined;
    while let Some(length) = client.length(rest)?.filter(|_| !rest.is_empty()) {
        let (message, after) = rest.split_at(length);
        take(client, message)?;
        rest = after;
    }
    if !rest.is_empty() {
        client.kept = rest.to_vec();
    }
    Ok(())
}
