//! The server from its outside: the program in a process of its own, and a raw client of its wire.
//!
//! ```text
//!   Server   the program, killed at the end of a test
//!   http     requests on a connection that stays, one after the other, byte for byte
//!   engine   an Engine.IO session by polling or by WebSocket: packets in, packets out
//!   lives    what clients do from their beginning to their end, however that comes
//!   client   a Socket.IO client on it: text packets and attachments
//!   recorded a server that records, and what it has recorded
//! ```
//!
//! Nothing here corrects what the server does: no retry, no reconnect, no packet is passed over unless a function says
//! so. Every wait has the limit [`LIMIT`] and fails with what had come by then.
#![allow(dead_code, reason = "each test uses a part of this")]

pub mod client;
pub mod engine;
pub mod http;
pub mod lives;
pub mod recorded;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

/// Longer than anything takes here; only a failure waits for it.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The heartbeat that section 7 of the reference asks for.
pub const INTERVAL: Duration = Duration::from_millis(300);
pub const TIMEOUT: Duration = Duration::from_millis(200);
/// The time for a pong where a client is to live on.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// How much earlier than asked a deadline may be: clocks have grains. Later it may be by whatever the machine is busy.
pub const EARLY: Duration = Duration::from_millis(10);

/// The largest message, as `--max-payload 1MB` announces it.
pub const MAX_PAYLOAD: usize = 1_000_000;

/// A server that runs.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Kept open: a server whose output nobody reads ends.
    out: BufReader<ChildStdout>,
    /// The lines that it complains in, where a test asked for that.
    complaints: Option<Mutex<mpsc::Receiver<String>>>,
}

impl Server {
    /// With a heartbeat so slow that a test never sees it.
    #[track_caller]
    pub fn calm() -> Self {
        Self::calm_with(&[])
    }

    /// As [`Server::calm`], and with these flags too.
    #[track_caller]
    pub fn calm_with(flags: &[&str]) -> Self {
        let calm = ["--ping-interval", "60s", "--ping-timeout", "60s", "--max-payload", "1MB"];
        Self::with(&[&calm, flags].concat())
    }

    /// With the heartbeat and limits of section 7. Whoever is to live on there has 200 ms for a pong.
    #[track_caller]
    pub fn quick() -> Self {
        Self::with(&["--ping-interval", "300ms", "--ping-timeout", "200ms", "--max-payload", "1MB"])
    }

    /// With the same pings, and so much time for a pong as a busy machine may need.
    #[track_caller]
    pub fn patient() -> Self {
        Self::with(&["--ping-interval", "300ms", "--ping-timeout", "3s", "--max-payload", "1MB"])
    }

    /// With these flags, on a port of the system's choice.
    #[track_caller]
    pub fn with(flags: &[&str]) -> Self {
        Self::on(0, flags)
    }

    /// With these flags, on this port.
    #[track_caller]
    pub fn on(port: u16, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
        command.args(["serve", "--port", &port.to_string()]).args(flags);
        Self::started(command)
    }

    /// With these flags, in a shell that has limited what it may have. Its complaints are kept for [`Server::complaint`].
    #[cfg(unix)]
    #[track_caller]
    pub fn limited(limit: &str, flags: &[&str]) -> Self {
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_spanwalk");
        command.args(["-c", &format!("{limit} && exec \"$0\" \"$@\""), program, "serve", "--port", "0"]).args(flags);
        command.stderr(Stdio::piped());
        Self::started(command)
    }

    #[track_caller]
    fn started(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (said, hears) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = out.read_line(&mut line);
            let _ = said.send((line, out));
        });
        let Ok((line, out)) = hears.recv_timeout(LIMIT) else {
            let _ = child.kill();
            panic!("the server says nothing");
        };
        let address = line.strip_prefix("spanwalk: serving http://").and_then(|rest| rest.split('/').next());
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            let _ = child.kill();
            panic!("the server does not say where it serves: {line:?}");
        };
        let complaints = child.stderr.take().map(|stream| Mutex::new(lines(stream)));
        Self { child, address, out, complaints }
    }

    /// The next line that it complains in; nothing if it has ended without one.
    #[track_caller]
    pub fn complaint(&mut self) -> String {
        match self.complaints.as_mut().unwrap().get_mut().unwrap().recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => String::new(),
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the server complains of nothing"),
        }
    }

    /// The system's number of it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many descriptors it has.
    #[cfg(target_os = "linux")]
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Waits until it has no more than so many.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn wait_for_descriptors(&self, most: usize) {
        let limit = Instant::now() + 3 * LIMIT;
        while self.descriptors() > most {
            assert!(Instant::now() < limit, "{} descriptors, {most} before", self.descriptors());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Elsewhere nobody says how many.
    #[cfg(not(target_os = "linux"))]
    pub fn descriptors(&self) -> usize {
        0
    }

    #[cfg(not(target_os = "linux"))]
    pub fn wait_for_descriptors(&self, _: usize) {}

    /// Asks it to stop, as a person with `kill` does.
    pub fn ask_to_stop(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Its exit code, once it has ended by itself.
    #[track_caller]
    pub fn exit_code(&mut self) -> Option<i32> {
        let limit = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < limit, "the server does not end");
            std::thread::yield_now();
        }
    }
}

/// The lines of a stream, as they come.
fn lines(stream: ChildStderr) -> mpsc::Receiver<String> {
    let (say, hears) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stream).lines();
        lines.map_while(Result::ok).try_for_each(|line| say.send(line))
    });
    hears
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
