//! Recorders of spans, compared: what a span costs with each, what it takes, and how many spans each really delivers.
//!
//! ```text
//!   cargo run --release -- [--rounds 5] [--spans 300000] [--only NAME,NAME] [--load NAME,NAME]
//!
//!   main ── for each round, each workload, each peer ──► this program again, as `measure PEER WORKLOAD SPANS`
//!     └── medians ──► two tables as Markdown
//! ```
//!
//! Every measurement is a process of its own, since a process has one global subscriber, and the rounds are interleaved, so
//! that what else the machine does falls on all alike.

mod measure;
mod peer;
mod table;
#[path = "../../record/workload.rs"]
mod workload;

use std::io::IsTerminal as _;
use std::process::{Command, ExitCode};

use measure::Outcome;
use peer::PEERS;
use workload::WORKLOADS;

/// What is asked for.
struct Options {
    rounds: usize,
    spans: u64,
    peers: Vec<&'static str>,
    workloads: Vec<&'static str>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["measure", peer, workload, spans] => measure::run(peer, workload, spans),
        args => options(args).and_then(|options| compare(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(args: &[&str]) -> Result<Options, String> {
    let peers = PEERS.iter().map(|peer| peer.name).collect();
    let workloads = WORKLOADS.iter().map(|workload| workload.name).collect();
    let mut options = Options { rounds: 5, spans: 300_000, peers, workloads };
    for pair in args.chunks(2) {
        let &[flag, value] = pair else { return Err(format!("`{}` needs a value", pair[0])) };
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number; {flag} takes one"));
        let named = |known: &mut Vec<&'static str>| known.retain(|name| value.split(',').any(|asked| asked == *name));
        match flag {
            "--rounds" => options.rounds = number()?.max(1) as usize,
            "--spans" => options.spans = number()?.max(1_000),
            "--only" => named(&mut options.peers),
            "--load" => named(&mut options.workloads),
            _ => return Err(format!("`{flag}` is not known; there are --rounds, --spans, --only and --load")),
        }
    }
    Ok(options)
}

/// One line that replaces the one before, for a person who waits.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

fn compare(options: &Options) -> Result<(), String> {
    let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let mut outcomes = Vec::new();
    for round in 1..=options.rounds {
        for workload in WORKLOADS.iter().filter(|workload| options.workloads.contains(&workload.name)) {
            for peer in PEERS.iter().filter(|peer| options.peers.contains(&peer.name)) {
                if !peer.does(workload.shape) {
                    continue;
                }
                progress(&format!("round {round} of {}: {}, {}", options.rounds, workload.name, peer.name));
                let mut command = Command::new(&this);
                command.args(["measure", peer.name, workload.name, &options.spans.to_string()]);
                let output = command.output().map_err(|error| format!("cannot measure: {error}"))?;
                let said = String::from_utf8_lossy(&output.stdout);
                let outcome = Outcome::parse(&said).ok_or_else(|| {
                    format!("{} failed at {}: {}", peer.name, workload.name, String::from_utf8_lossy(&output.stderr))
                })?;
                outcomes.push((peer.name, workload.name, outcome));
            }
        }
    }
    progress("");
    print!("{}", table::of(&outcomes, options));
    Ok(())
}
