//! Servers of HTTP and Socket.IO, compared: what an operation costs the server, and how many there are in a second.
//!
//! ```text
//!   cargo run --release -- [--rounds 3] [--seconds 3] [--only NAME,NAME] [--loads NAME,NAME]
//!   cargo run --release -- load NAME ADDRESS PID [SECONDS]       one load, on a server that somebody has started
//!
//!   main ── for each round, each load, each server ──► a fresh server, pinned to core 0
//!     │                                                    ▲ requests, frames
//!     ├── this process, pinned to core 1 ──────────────────┘
//!     └── medians ──► tables as Markdown
//! ```
//!
//! The servers' processor time comes first, since it does not depend on how fast the clients are: they have one core, and
//! for the fast servers that is the limit. The rounds are interleaved, so that what else the machine does falls on all alike.

mod crowd;
mod load;
mod process;
mod server;
mod table;
mod wire;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use load::{LOADS, Load, Outcome};
use process::Process;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::{Places, Recorded, SERVERS, Server};

/// What is asked for.
struct Options {
    rounds: usize,
    seconds: f64,
    servers: Vec<&'static Server>,
    loads: Vec<&'static Load>,
}

/// One measurement.
struct Measured {
    server: &'static str,
    load: &'static str,
    outcome: Outcome,
    recorded: Recorded,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["load", name, address, pid] => load_one(name, address, pid, "3"),
        ["load", name, address, pid, seconds] => load_one(name, address, pid, seconds),
        args => options(args).and_then(compare),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("servers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(args: &[&str]) -> Result<Options, String> {
    let mut options =
        Options { rounds: 3, seconds: 3.0, servers: SERVERS.iter().collect(), loads: LOADS.iter().collect() };
    for pair in args.chunks(2) {
        let &[flag, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
        match flag {
            "--rounds" => options.rounds = number::<usize>(value)?.max(1),
            "--seconds" => options.seconds = number::<f64>(value)?.clamp(0.1, 600.0),
            "--only" => options.servers = named(value, &SERVERS, |server| server.name)?,
            "--loads" => options.loads = named(value, &LOADS, |load| load.name)?,
            _ => return Err(format!("`{flag}` is not known; there are --rounds, --seconds, --only and --loads")),
        }
    }
    Ok(options)
}

/// Those of a table that a list names.
fn named<T>(list: &str, table: &'static [T], name: impl Fn(&T) -> &'static str) -> Result<Vec<&'static T>, String> {
    if let Some(unknown) = list.split(',').find(|asked| !table.iter().any(|one| name(one) == *asked)) {
        let known = table.iter().map(&name).collect::<Vec<_>>().join(", ");
        return Err(format!("`{unknown}` is not known; there are {known}"));
    }
    Ok(table.iter().filter(|one| list.split(',').any(|asked| asked == name(one))).collect())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// One load, on a server that runs already: to look at it with other tools meanwhile.
fn load_one(name: &str, address: &str, pid: &str, seconds: &str) -> Result<(), String> {
    let address =
        address.parse().map_err(|_| format!("`{address}` is no address; write one such as 127.0.0.1:5000"))?;
    allow_sockets()?;
    server::pin(1)?;
    for load in named(name, &LOADS, |load| load.name)? {
        let outcome = load.run(address, &Process(number(pid)?), number(seconds)?)?;
        println!("{}: {}", load.name, table::sentence(load, &outcome));
    }
    Ok(())
}

/// One line that replaces the one before, for a person who waits.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

fn compare(mut options: Options) -> Result<(), String> {
    allow_sockets()?;
    let places = Places::find()?;
    progress("building, and installing what is missing");
    server::take_page(&places)?;
    options.servers.retain(|server| match server.prepare(&places) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("servers: {} is left out: {error}", server.name);
            false
        }
    });
    server::pin(1)?;
    let mut all = Vec::new();
    for round in 1..=options.rounds {
        for load in &options.loads {
            for server in &options.servers {
                progress(&format!("round {round} of {}: {}, {}", options.rounds, load.name, server.name));
                match measure(server, load, &places, options.seconds) {
                    Ok((outcome, recorded)) => {
                        all.push(Measured { server: server.name, load: load.name, outcome, recorded });
                    }
                    Err(error) => eprintln!("servers: {} failed at {}: {error}", server.name, load.name),
                }
            }
        }
    }
    progress("");
    print!("{}", table::of(&all, &options));
    Ok(())
}

fn measure(server: &Server, load: &Load, places: &Places, seconds: f64) -> Result<(Outcome, Recorded), String> {
    let running = server.start(places)?;
    let outcome = load.run(running.address, &running.process, seconds)?;
    let recorded = server.stop(running, places)?;
    Ok((outcome, recorded))
}

/// As many open files as are allowed, here and in the servers: each client is one in both.
fn allow_sockets() -> Result<(), String> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .map_err(|error| format!("cannot allow more open files: {error}"))
}
