//! What recording a span costs: `cargo bench --bench record`, or with the name of a workload, such as
//! `cargo bench --bench record -- d4f1`.
//!
//! ```text
//!   cargo bench ──► for each round, workload and face ──► this program again, which measures one of them
//! ```
//!
//! Every measurement is a process of its own, since a process has one global subscriber. Others are measured beside it by
//! `benches/peers/`.

#[path = "record/workload.rs"]
mod workload;

use std::error::Error;
use std::io::Write as _;
use std::process::Command;

use spanwalk::record::Recorder;
use tracing::subscriber::{Interest, set_global_default};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::SubscriberExt as _;
use workload::{WORKLOADS, Workload};

const ROUNDS: usize = 5;
const SPANS: u64 = 1_000_000;
/// Who takes the spans; the first is the floor that the others are compared with.
const FACES: [&str; 4] = ["no-op", "subscriber", "registry", "layer"];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let workload = |name: &str| WORKLOADS.iter().find(|workload| workload.name == name).copied();
    if let [mode, face, name] = args.as_slice()
        && mode == "measure"
    {
        return one(face, workload(name).ok_or("no such workload")?);
    }
    let chosen = WORKLOADS.iter().filter(|workload| args.is_empty() || args.iter().any(|name| name == workload.name));
    let mut out = std::io::stdout().lock();
    writeln!(out, "ns a span (new, enter, exit, close) and the ratio to the no-op subscriber; medians of {ROUNDS}")?;
    for workload in chosen {
        let mut times = [const { Vec::new() }; FACES.len()];
        for _ in 0..ROUNDS {
            for (face, times) in FACES.iter().zip(&mut times) {
                times.push(measured(face, workload)?);
            }
        }
        let medians = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        });
        write!(out, "{:8}", workload.name)?;
        for (face, ns) in FACES.iter().zip(medians) {
            write!(out, "{face:>12} {ns:6.1} ({:.2})", ns / medians[0])?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// One measurement by a process of its own.
fn measured(face: &str, workload: &Workload) -> Result<f64, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).args(["measure", face, workload.name]).output()?;
    let said = String::from_utf8(output.stdout)?;
    said.trim().parse().map_err(|_| format!("{face} failed at {}", workload.name).into())
}

/// One measurement by this process.
fn one(face: &str, workload: Workload) -> Result<(), Box<dyn Error>> {
    match face {
        "subscriber" => set_global_default(Recorder::new().subscriber())?,
        "registry" => set_global_default(tracing_subscriber::registry().with(NoOp))?,
        "layer" => set_global_default(tracing_subscriber::registry().with(Recorder::new().layer()))?,
        _ => set_global_default(NoOp)?,
    }
    let made = workload::measure(workload, SPANS, &workload::Shape::make, &|| {});
    writeln!(std::io::stdout(), "{}", made.ns_per_span())?;
    Ok(())
}

/// Does nothing, as a subscriber and as a layer.
struct NoOp;

impl Subscriber for NoOp {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for NoOp {}
