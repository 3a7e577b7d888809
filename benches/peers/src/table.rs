//! Outcomes as Markdown: what a span costs in each workload, and what it takes and gives.

use std::fmt::Write as _;

use crate::Options;
use crate::measure::Outcome;
use crate::peer::PEERS;

/// Both tables.
pub fn of(outcomes: &[(&str, &str, Outcome)], options: &Options) -> String {
    let all = |peer: &str, workload: &str, what: &dyn Fn(&Outcome) -> Option<f64>| {
        let asked = outcomes.iter().filter(|(one, load, _)| *one == peer && *load == workload);
        median(asked.filter_map(|(_, _, outcome)| what(outcome)).collect())
    };
    let mut text = format!(
        "{} spans a thread and measurement, medians of {} interleaved rounds, one process each.\n\n\
         Nanoseconds a span (new, enter, exit, close) of the thread that makes it, and the ratio to the no-op subscriber:\n\n",
        options.spans, options.rounds
    );
    let _ = writeln!(text, "| | {} |", options.workloads.join(" | "));
    let _ = writeln!(text, "|-|{}", "-|".repeat(options.workloads.len()));
    for peer in &options.peers {
        let cells = options.workloads.iter().map(|workload| {
            let ns = all(peer, workload, &|outcome| Some(outcome.ns));
            let floor = all("no-op", workload, &|outcome| Some(outcome.ns));
            match (ns, floor) {
                (Some(ns), Some(floor)) => format!("{} ({})", digits(ns), digits(ns / floor)),
                (Some(ns), None) => digits(ns),
                _ => "–".to_owned(),
            }
        });
        let _ = writeln!(text, "| {peer} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }

    let first = options.workloads.iter().find(|name| **name == "d1f1").or(options.workloads.first()).copied();
    let Some(first) = first else { return text };
    let _ = write!(text, "\nWhat a span takes in `{first}`, and what part of the spans could be had afterwards:\n\n");
    let loads = options.workloads.iter().map(|name| format!("delivered {name}")).collect::<Vec<_>>().join(" | ");
    let _ = writeln!(
        text,
        "| | after the loop, ns | processor, ns | memory, B | of it records, B | disk, B | {loads} | keeps |"
    );
    let _ = writeln!(text, "|-|-|-|-|-|-|{}-|", "-|".repeat(options.workloads.len()));
    for peer in &options.peers {
        let number =
            |what: &dyn Fn(&Outcome) -> Option<f64>| all(peer, first, what).map_or_else(|| "–".to_owned(), digits);
        let parts = options.workloads.iter().map(|load| {
            let part = all(peer, load, &|outcome| outcome.delivered);
            part.map_or_else(|| "–".to_owned(), |part| format!("{:.1} %", 100.0 * part))
        });
        let keeps = PEERS.iter().find(|one| one.name == *peer).map_or("", |one| one.keeps);
        let cells = [
            number(&|outcome| Some(outcome.finish)),
            number(&|outcome| Some(outcome.cpu)),
            number(&|outcome| Some(outcome.memory)),
            number(&|outcome| outcome.store),
            number(&|outcome| outcome.disk),
            parts.collect::<Vec<_>>().join(" | "),
            keeps.to_owned(),
        ];
        let _ = writeln!(text, "| {peer} | {} |", cells.join(" | "));
    }
    text
}

/// The middle of them.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(numbers[middle]),
        _ => Some(f64::midpoint(numbers[middle - 1], numbers[middle])),
    }
}

/// Three digits, or all before the point.
fn digits(number: f64) -> String {
    match number {
        number if number < 10.0 => format!("{number:.2}"),
        number if number < 100.0 => format!("{number:.1}"),
        number => format!("{number:.0}"),
    }
}
