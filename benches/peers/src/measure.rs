//! One measurement: this process is given a subscriber, makes spans, and says what came of it as one line.

use std::time::Instant;

use crate::peer::PEERS;
use crate::workload::{self, WORKLOADS};

/// What one measurement found. Numbers are per span.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Nanoseconds of the thread that makes them.
    pub ns: f64,
    /// Nanoseconds of work that was left after the last span.
    pub finish: f64,
    /// Nanoseconds of processor time, on whatever thread, all in all.
    pub cpu: f64,
    /// Bytes by which the process grew, at the most.
    pub memory: f64,
    /// Bytes that the records take in memory, where the peer tells.
    pub store: Option<f64>,
    /// Bytes on disk; none if the peer writes no file.
    pub disk: Option<f64>,
    /// The part of the spans that can be had from the peer afterwards; none if it is not for that.
    pub delivered: Option<f64>,
}

/// Measures, and prints the outcome.
pub fn run(peer: &str, workload: &str, spans: &str) -> Result<(), String> {
    let unknown = |what: &str| format!("`{what}` is not known");
    let peer = PEERS.iter().find(|one| one.name == peer).ok_or_else(|| unknown(peer))?;
    let workload = *WORKLOADS.iter().find(|one| one.name == workload).ok_or_else(|| unknown(workload))?;
    let spans = spans.parse().map_err(|_| unknown(spans))?;

    let before = resident("VmRSS:");
    let mut recorder = (peer.start)();
    let cpu_before = cpu();
    let made = workload::measure(workload, spans, &|shape, spans| recorder.make(shape, spans), &|| recorder.leave());
    let ended = Instant::now();
    let finish = recorder.end().saturating_duration_since(ended);
    let cpu = cpu() - cpu_before;
    let memory = resident("VmHWM:").saturating_sub(before);
    let delivered = recorder.delivered();

    let each = |amount: f64| amount / made.spans as f64;
    let outcome = Outcome {
        ns: made.ns_per_span(),
        finish: each(finish.as_nanos() as f64),
        cpu: each(cpu as f64),
        memory: each(memory as f64),
        store: delivered.store.map(|bytes| each(bytes as f64)),
        disk: delivered.disk.map(|bytes| each(bytes as f64)),
        delivered: delivered.spans.map(|spans| each(spans as f64)),
    };
    println!("{}", outcome.line());
    Ok(())
}

impl Outcome {
    fn line(&self) -> String {
        let Self { ns, finish, cpu, memory, store, disk, delivered } = self;
        let perhaps = |number: &Option<f64>| number.map_or("-".to_owned(), |number| number.to_string());
        format!("{ns} {finish} {cpu} {memory} {} {} {}", perhaps(store), perhaps(disk), perhaps(delivered))
    }

    /// An outcome from its line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut number = || words.next()?.parse::<f64>().ok();
        let (ns, finish, cpu, memory) = (number()?, number()?, number()?, number()?);
        let (store, disk, delivered) = (number(), number(), number());
        Some(Self { ns, finish, cpu, memory, store, disk, delivered })
    }
}

/// A line of `/proc/self/status` in bytes; 0 where there is none.
fn resident(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|one| one.strip_prefix(line));
    found.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Nanoseconds of processor time this process has taken, to some ten milliseconds; 0 where that is not told.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second part is a name in brackets, which may hold blanks; user and system time are the 14th and 15th.
    let parts = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    parts.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000_000
}
