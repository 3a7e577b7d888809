//! The loads: what clients do, how often it was done in how long, and what the server took for it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::crowd::{Client, Crowd};
use crate::process::{Process, Usage};
use crate::wire;

/// A name to ask for it, and what it is.
pub struct Load {
    pub name: &'static str,
    /// What is counted.
    pub operation: &'static str,
    kind: Kind,
    clients: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Requests one after another on connections that are kept.
    Get(&'static str),
    /// An event and the same back, one in flight for each client.
    Echo,
    /// An event to everybody, one in flight.
    Broadcast,
    /// Clients that have joined and say nothing.
    Idle,
}

/// All there are, in the order of the tables.
pub const LOADS: [Load; 8] = [
    Load { name: "get-50", operation: "GET /", kind: Kind::Get("/"), clients: 50 },
    Load { name: "get-500", operation: "GET /", kind: Kind::Get("/"), clients: 500 },
    Load { name: "hello-50", operation: "GET of 6 bytes", kind: Kind::Get("/static/hello.txt"), clients: 50 },
    Load { name: "hello-500", operation: "GET of 6 bytes", kind: Kind::Get("/static/hello.txt"), clients: 500 },
    Load { name: "echo-50", operation: "echo", kind: Kind::Echo, clients: 50 },
    Load { name: "echo-500", operation: "echo", kind: Kind::Echo, clients: 500 },
    Load { name: "broadcast-200", operation: "delivery", kind: Kind::Broadcast, clients: 200 },
    Load { name: "idle-5000", operation: "client", kind: Kind::Idle, clients: 5000 },
];

/// What one measurement found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Operations in the time that was measured.
    pub count: f64,
    /// That time, in seconds. For clients that idle: how long all took to connect.
    pub seconds: f64,
    /// Milliseconds that half of the operations took at most.
    pub p50: f64,
    /// Milliseconds that 99 of 100 took at most.
    pub p99: f64,
    /// What the server took meanwhile.
    pub usage: Usage,
}

/// How many clients are between the connection and the namespace at a time: fewer than any server's backlog.
const JOINING: usize = 50;
/// What an echo and a broadcast carry.
const PAD: &str = "0123456789abcdef0123456789abcdef";
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(30);

impl Load {
    /// Whether it keeps a server busy for as long as is asked.
    pub fn is_busy(&self) -> bool {
        !matches!(self.kind, Kind::Idle)
    }

    /// Loads a server for so many seconds, after a third as many that are not counted.
    pub fn run(&self, address: SocketAddr, process: &Process, seconds: f64) -> Result<Outcome, String> {
        let mut crowd = Crowd::new(address).map_err(|error| format!("cannot make a loop: {error}"))?;
        let mut window = Window::new(process, seconds);
        match self.kind {
            Kind::Get(path) => self.get(&mut crowd, path, &mut window),
            Kind::Echo => self.echo(&mut crowd, &mut window),
            Kind::Broadcast => self.broadcast(&mut crowd, &mut window),
            Kind::Idle => return self.idle(&mut crowd, process),
        }?;
        window.outcome()
    }

    fn get(&self, crowd: &mut Crowd, path: &str, window: &mut Window) -> Result<(), String> {
        let request = wire::get(path);
        for _ in 0..self.clients {
            crowd.connect()?.send(&request)?;
        }
        window.open();
        while window.is_on()? {
            crowd.turn(window.left(), |client, _| {
                client.sent = window.count(client.sent, 1);
                client.send(&request)
            })?;
        }
        Ok(())
    }

    fn echo(&self, crowd: &mut Crowd, window: &mut Window) -> Result<(), String> {
        join(crowd, self.clients)?;
        let answer = format!("42[\"echo\",\"{PAD}\"]");
        let request = wire::frame(&answer);
        for client in crowd.clients() {
            client.sent = Instant::now();
            client.send(&request)?;
        }
        window.open();
        while window.is_on()? {
            crowd.turn(window.left(), |client, frame| {
                if event(client, frame)? == Some(answer.as_bytes()) {
                    client.sent = window.count(client.sent, 1);
                    client.send(&request)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn broadcast(&self, crowd: &mut Crowd, window: &mut Window) -> Result<(), String> {
        join(crowd, self.clients)?;
        let event_text = format!("42[\"all\",\"{PAD}\"]");
        let request = wire::frame(&event_text);
        window.open();
        let (mut sent, mut missing) = (Instant::now(), 0);
        while window.is_on()? {
            if missing == 0 {
                crowd.clients()[0].send(&request)?;
                missing = self.clients;
            }
            crowd.turn(window.left(), |client, frame| {
                if event(client, frame)? == Some(event_text.as_bytes()) {
                    missing -= 1;
                    if missing == 0 {
                        sent = window.count(sent, self.clients);
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn idle(&self, crowd: &mut Crowd, process: &Process) -> Result<Outcome, String> {
        let (before, begun) = (process.usage()?, Instant::now());
        join(crowd, self.clients)?;
        let seconds = begun.elapsed().as_secs_f64();
        // What is not answered at once, such as a ping after the handshake, is over by then.
        let quiet = Instant::now() + Duration::from_secs(1);
        while let Some(left) = quiet.checked_duration_since(Instant::now()) {
            crowd.turn(left, |client, frame| event(client, frame).map(drop))?;
        }
        let usage = process.usage()?.since(&before);
        Ok(Outcome { count: self.clients as f64, seconds, p50: 0.0, p99: 0.0, usage })
    }
}

/// Adds so many clients that have joined the namespace `/`.
fn join(crowd: &mut Crowd, count: usize) -> Result<(), String> {
    let (upgrade, connect) = (wire::upgrade(), wire::frame("40"));
    let (mut begun, mut ready) = (0, 0);
    let mut heard = Instant::now();
    while ready < count {
        while begun < count && begun - ready < JOINING {
            crowd.connect()?.send(&upgrade)?;
            begun += 1;
        }
        crowd.turn(Duration::from_millis(100), |client, message| {
            heard = Instant::now();
            if !client.is_upgraded {
                client.is_upgraded = true;
                return Ok(());
            }
            match event(client, message)? {
                Some([b'0', ..]) => client.send(&connect),
                Some([b'4', b'0', ..]) => {
                    client.is_ready = true;
                    ready += 1;
                    Ok(())
                }
                _ => Ok(()),
            }
        })?;
        if heard.elapsed() > PATIENCE {
            return Err(format!("{ready} of {count} clients have joined, and nothing happens any more"));
        }
    }
    Ok(())
}

/// The packet of a frame, if it is for the client's program: pings are answered here.
fn event<'a>(client: &mut Client, frame: &'a [u8]) -> Result<Option<&'a [u8]>, String> {
    match wire::text(frame) {
        Some(b"2") => {
            client.send(&wire::frame("3"))?;
            Ok(None)
        }
        Some(b"1" | [b'4', b'4', ..] | [b'4', b'1', ..]) => Err("the server has thrown a client out".to_owned()),
        Some(packet) => Ok(Some(packet)),
        None if frame[0] == 0x88 => Err("the server has closed a WebSocket".to_owned()),
        None => Ok(None),
    }
}

/// The time in which operations count.
struct Window<'a> {
    process: &'a Process,
    seconds: f64,
    begin: Instant,
    end: Instant,
    before: Option<(Usage, Instant)>,
    after: Option<(Usage, Instant)>,
    count: usize,
    last: Instant,
    latencies: Vec<u32>,
}

impl<'a> Window<'a> {
    fn new(process: &'a Process, seconds: f64) -> Self {
        let now = Instant::now();
        let latencies = Vec::with_capacity(1 << 20);
        Self { process, seconds, begin: now, end: now, before: None, after: None, count: 0, last: now, latencies }
    }

    /// Begins, when everybody is there.
    fn open(&mut self) {
        self.last = Instant::now();
        self.begin = self.last + Duration::from_secs_f64(self.seconds / 3.0);
        self.end = self.begin + Duration::from_secs_f64(self.seconds);
    }

    fn left(&self) -> Duration {
        let until = if self.before.is_none() { self.begin } else { self.end };
        until.saturating_duration_since(Instant::now())
    }

    /// Whether it goes on. At its beginning and at its end the server is asked what it has taken.
    fn is_on(&mut self) -> Result<bool, String> {
        let now = Instant::now();
        if now.saturating_duration_since(self.last) > PATIENCE {
            return Err("nothing happens any more".to_owned());
        }
        if self.before.is_none() && now >= self.begin {
            self.before = Some((self.process.usage()?, now));
        } else if self.before.is_some() && now >= self.end {
            self.after = Some((self.process.usage()?, now));
        }
        Ok(self.after.is_none())
    }

    /// So many operations that were begun at `sent` are done. Returns the time, at which the next begins.
    fn count(&mut self, sent: Instant, operations: usize) -> Instant {
        self.last = Instant::now();
        if self.before.is_some() {
            self.count += operations;
            let took = self.last.saturating_duration_since(sent).as_nanos();
            self.latencies.push(took.try_into().unwrap_or(u32::MAX));
        }
        self.last
    }

    fn outcome(mut self) -> Result<Outcome, String> {
        let (Some((before, begin)), Some((after, end))) = (self.before, self.after) else {
            return Err("ended before its time".to_owned());
        };
        if self.latencies.is_empty() {
            return Err("nothing was done in time".to_owned());
        }
        self.latencies.sort_unstable();
        let at = |share: usize| f64::from(self.latencies[(self.latencies.len() - 1) * share / 100]) / 1e6;
        Ok(Outcome {
            count: self.count as f64,
            seconds: (end - begin).as_secs_f64(),
            p50: at(50),
            p99: at(99),
            usage: after.since(&before),
        })
    }
}
