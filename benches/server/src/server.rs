//! The servers: how each is built or installed, started on its core, and stopped.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::process::Process;
use crate::wire;

/// The core of the server, and that of the clients.
const CORES: [usize; 2] = [0, 1];
/// How long a server may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A name to ask for it, and what runs.
pub struct Server {
    pub name: &'static str,
    pub what: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Peer,
    Off,
    Memory,
    File,
    Node,
    Flask,
}

/// All there are, in the order of the tables.
pub const SERVERS: [Server; 6] = [
    Server { name: "socketioxide", what: "socketioxide on axum and hyper, one thread", kind: Kind::Peer },
    Server { name: "spanwalk", what: "`spanwalk serve`", kind: Kind::Off },
    Server { name: "spanwalk-memory", what: "the same, recorded in memory", kind: Kind::Memory },
    Server { name: "spanwalk-file", what: "`spanwalk serve --record`", kind: Kind::File },
    Server { name: "node", what: "socket.io on node", kind: Kind::Node },
    Server { name: "flask", what: "Flask-SocketIO on gevent", kind: Kind::Flask },
];

/// Where things are: the sources of the package, and what is made.
pub struct Places {
    package: PathBuf,
    target: PathBuf,
}

impl Places {
    /// What is made goes beside this program, into the target directory.
    pub fn find() -> Result<Self, String> {
        let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let target = this.ancestors().nth(2).ok_or("this program is not in a target directory")?;
        Ok(Self { package: env!("CARGO_MANIFEST_DIR").into(), target: target.into() })
    }

    /// The page that `/` answers, for those who are given it.
    fn page(&self) -> PathBuf {
        self.target.join("page.html")
    }

    fn recording(&self) -> PathBuf {
        self.target.join("load.spanwalk")
    }
}

/// Keeps this thread, and what it starts, on a core.
pub fn pin(core: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(CORES[core]);
    sched_setaffinity(None, &set).map_err(|error| format!("cannot pin to core {}: {error}", CORES[core]))
}

impl Server {
    /// Builds or installs it, once.
    ///
    /// # Errors
    /// What is missing.
    pub fn prepare(&self, places: &Places) -> Result<(), String> {
        let Places { package, target } = places;
        match self.kind {
            Kind::Peer => build(places, "peer"),
            Kind::Off | Kind::Memory | Kind::File => build(places, "ours"),
            Kind::Node => {
                let into = target.join("node");
                if into.join("node_modules/socket.io").exists() {
                    return Ok(());
                }
                fs::create_dir_all(&into).map_err(|error| error.to_string())?;
                for file in ["package.json", "package-lock.json"] {
                    fs::copy(package.join("peers").join(file), into.join(file)).map_err(|error| error.to_string())?;
                }
                run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&into))
            }
            Kind::Flask => {
                let into = target.join("flask");
                // The last thing that is made: an installation that failed is tried again.
                let done = into.join("installed");
                if done.exists() {
                    return Ok(());
                }
                run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&into))?;
                let list = package.join("peers/requirements.txt");
                run(Command::new(into.join("bin/pip")).args(["install", "--quiet", "-r"]).arg(list))?;
                fs::write(done, "").map_err(|error| error.to_string())
            }
        }
    }

    /// Starts it on the server's core, and waits until it answers.
    pub fn start(&self, places: &Places) -> Result<Running, String> {
        let port = free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = self.command(places, &port.to_string());
        let errors = places.target.join("server.log");
        let log = fs::File::create(&errors).map_err(|error| format!("cannot write `{}`: {error}", errors.display()))?;
        // A child runs where its parent did when it was made.
        pin(0)?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn();
        pin(1)?;
        let child = child.map_err(|error| format!("cannot start it: {error}"))?;
        let process = Process(child.id());
        let mut running = Running { child, process, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            let has_ended = running.child.try_wait().map_or(true, |status| status.is_some());
            if has_ended || begun.elapsed() > PATIENCE {
                let said = fs::read_to_string(&errors).unwrap_or_default();
                return Err(format!("it does not listen: {}", said.trim()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // What begins with a lookup of its own name listens before it serves.
        fetch(address, "/static/hello.txt")?;
        Ok(running)
    }

    /// Ends it, and says what it has lost of what it should have recorded.
    pub fn stop(&self, mut running: Running, places: &Places) -> Result<Recorded, String> {
        if self.kind == Kind::Memory {
            drop(running.child.stdin.take());
        } else if let Some(pid) = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let begun = Instant::now();
        while running.child.try_wait().map_err(|error| error.to_string())?.is_none() {
            if begun.elapsed() > PATIENCE {
                return Err("it does not stop".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        match self.kind {
            Kind::Memory => {
                let mut said = String::new();
                if let Some(mut output) = running.child.stdout.take() {
                    output.read_to_string(&mut said).map_err(|error| error.to_string())?;
                }
                Recorded::parse(&said)
            }
            Kind::File => {
                let file = places.recording();
                let bytes = fs::metadata(&file).map_or(0, |about| about.len());
                let info = Command::new(program(places, "ours")).arg("info").arg(&file).arg("--json").output();
                let info = info.map_err(|error| error.to_string())?;
                let recorded = Recorded { bytes, ..Recorded::parse(&String::from_utf8_lossy(&info.stdout))? };
                fs::remove_file(&file).map_err(|error| error.to_string())?;
                Ok(recorded)
            }
            _ => Ok(Recorded::default()),
        }
    }

    /// Whether what it does is written down.
    pub fn is_recorded(&self) -> bool {
        matches!(self.kind, Kind::Memory | Kind::File)
    }

    fn command(&self, places: &Places, port: &str) -> Command {
        let Places { package, target } = places;
        let with = |program: PathBuf| Command::new(program);
        match self.kind {
            Kind::Peer => {
                let mut command = with(program(places, "peer"));
                command.arg(port).arg(places.page());
                command
            }
            Kind::Off => {
                let mut command = with(program(places, "ours"));
                command.args(["serve", "--port", port]);
                command
            }
            Kind::Memory => {
                let mut command = with(program(places, "ours"));
                command.args(["memory", port]);
                command
            }
            Kind::File => {
                let mut command = with(program(places, "ours"));
                command.args(["serve", "--port", port, "--force", "--record"]).arg(places.recording());
                command
            }
            Kind::Node => {
                let mut command = with("node".into());
                command.arg(package.join("peers/node.mjs")).arg(port).arg(places.page());
                command.env("PACKAGES", target.join("node")).env("NODE_ENV", "production");
                command
            }
            Kind::Flask => {
                let mut command = with(target.join("flask/bin/python"));
                command.arg(package.join("peers/flask_app.py")).arg(port).arg(places.page());
                command
            }
        }
    }
}

/// A server that runs. It is killed when this is dropped before it was stopped.
pub struct Running {
    child: Child,
    pub process: Process,
    pub address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What has become of what was recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    pub events: u64,
    pub dropped: u64,
    /// Of the file, if there is one.
    pub bytes: u64,
}

impl Recorded {
    fn parse(json: &str) -> Result<Self, String> {
        let number = |key: &str| {
            let (_, rest) = json.split_once(&format!("\"{key}\":"))?;
            let end = rest.trim_start().split(|at: char| !at.is_ascii_digit()).next()?;
            end.parse().ok()
        };
        let (events, dropped) = (number("events"), number("dropped"));
        let (Some(events), Some(dropped)) = (events, dropped) else {
            return Err("it does not say what it has recorded".to_owned());
        };
        Ok(Self { events, dropped, bytes: 0 })
    }
}

/// Asks ours for the page that all are to answer with, so that all answer the same.
pub fn take_page(places: &Places) -> Result<(), String> {
    let ours = SERVERS.iter().find(|server| server.kind == Kind::Off).expect("ours is among them");
    ours.prepare(places)?;
    let running = ours.start(places)?;
    let page = fetch(running.address, "/")?;
    ours.stop(running, places)?;
    fs::write(places.page(), page).map_err(|error| format!("cannot write `{}`: {error}", places.page().display()))
}

/// The body of one answer.
fn fetch(address: SocketAddr, path: &str) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("it does not answer: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.write_all(&wire::get(path)).map_err(failed)?;
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4096];
        let count = stream.read(&mut more).map_err(failed)?;
        bytes.extend_from_slice(&more[..count]);
        match wire::response_length(&bytes)? {
            Some(length) => {
                let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
                return Ok(bytes[head..length].to_vec());
            }
            None if count == 0 => return Err("it ends in the middle of an answer".to_owned()),
            None => {}
        }
    }
}

/// A port that nobody has right now.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port is free: {error}"))?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// Builds a server of this package by itself: with others' features it would be another.
fn build(Places { package, target }: &Places, name: &str) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--bin", name, "--features", name, "--target-dir"]);
    run(command.arg(target.join(name)).current_dir(package))
}

/// Where that has put it.
fn program(places: &Places, name: &str) -> PathBuf {
    places.target.join(name).join("release").join(name)
}

fn run(command: &mut Command) -> Result<(), String> {
    let what = Path::new(command.get_program()).display().to_string();
    // What it prints is not part of the tables.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{what}` failed: {status}")),
        Err(error) => Err(format!("cannot run `{what}`: {error}")),
    }
}
