//! Outcomes as Markdown: processor time, then rates, memory, and what was to be reached.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::load::{Load, Outcome};
use crate::server::SERVERS;
use crate::{Measured, Options};

/// Whom the ratios are to.
const BASE: &str = "socketioxide";

/// One measurement as text.
pub fn sentence(load: &Load, outcome: &Outcome) -> String {
    let Outcome { count, seconds, p50, p99, usage } = outcome;
    let (served, apart) = (usage.served() / count, usage.apart() / count);
    let operation = load.operation;
    if load.is_busy() {
        let rate = digits(count / seconds);
        let (served, apart) = (digits(served), digits(apart));
        format!("{served} µs (+ {apart} apart) per {operation}, {rate}/s, p50 {p50:.2} ms, p99 {p99:.2} ms")
    } else {
        let (resident, seconds) = (digits(usage.resident / count / 1e3), digits(*seconds));
        format!("{resident} kB per {operation}, {} µs to connect it, {seconds} s for all", digits(served))
    }
}

/// All tables.
pub fn of(all: &[Measured], options: &Options) -> String {
    let tables = Tables { all, options };
    let mut text = tables.about();
    tables.processor(&mut text);
    tables.rates(&mut text);
    tables.idle(&mut text);
    tables.recorded(&mut text);
    tables.targets(&mut text);
    let servers = options.servers.iter().map(|server| format!("{}: {}", server.name, server.what));
    let _ = writeln!(text, "\n{}.", servers.collect::<Vec<_>>().join("; "));
    text
}

struct Tables<'a> {
    all: &'a [Measured],
    options: &'a Options,
}

impl Tables<'_> {
    /// The median over the rounds.
    fn median(&self, server: &str, load: &str, what: impl Fn(&Measured) -> f64) -> Option<f64> {
        let asked = self.all.iter().filter(|one| one.server == server && one.load == load);
        median(asked.map(what).collect())
    }

    fn about(&self) -> String {
        let date = Command::new("date").args(["-u", "+%F"]).output();
        let date = date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        let models = read("/proc/cpuinfo");
        let model = models.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1));
        let kernel = read("/proc/sys/kernel/osrelease");
        let Options { rounds, seconds, .. } = self.options;
        format!(
            "{date}, {}, Linux {}; server on one core, clients on another; {seconds} s each, medians of {rounds} \
             interleaved rounds, a fresh process each.\n",
            model.unwrap_or("an unknown processor"),
            kernel.trim(),
        )
    }

    /// The head of a table with a column for each server.
    fn head(&self, text: &mut String, first: &str) {
        let names = self.options.servers.iter().map(|server| server.name);
        let _ = writeln!(text, "| {first} | {} |", names.collect::<Vec<_>>().join(" | "));
        let _ = writeln!(text, "|-|{}", "-|".repeat(self.options.servers.len()));
    }

    fn row(&self, text: &mut String, first: &str, cell: impl Fn(&str) -> Option<String>) {
        let cells = self.options.servers.iter().map(|server| cell(server.name).unwrap_or_else(|| "–".to_owned()));
        let _ = writeln!(text, "| {first} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }

    fn loads(&self, are_busy: bool) -> impl Iterator<Item = &'static Load> {
        self.options.loads.iter().copied().filter(move |load| load.is_busy() == are_busy)
    }

    fn served(&self, server: &str, load: &str) -> Option<f64> {
        self.median(server, load, |one| one.outcome.usage.served() / one.outcome.count)
    }

    fn processor(&self, text: &mut String) {
        if self.loads(true).next().is_none() {
            return;
        }
        let _ = write!(
            text,
            "\nMicroseconds of the server's processor time per operation, and the ratio to {BASE}; after `+` that of the \
             threads that write what is recorded:\n\n"
        );
        self.head(text, "µs");
        for load in self.loads(true) {
            self.row(text, load.name, |server| {
                let served = self.served(server, load.name)?;
                let apart = self.median(server, load.name, |one| one.outcome.usage.apart() / one.outcome.count)?;
                let apart = if apart > 0.0 { format!(" + {}", digits(apart)) } else { String::new() };
                let ratio = self.served(BASE, load.name).map(|base| format!(" ({})", digits(served / base)));
                Some(format!("{}{apart}{}", digits(served), ratio.unwrap_or_default()))
            });
        }
    }

    fn rates(&self, text: &mut String) {
        if self.loads(true).next().is_none() {
            return;
        }
        let _ = write!(
            text,
            "\nThousands of operations a second, and how many milliseconds half and 99 of 100 of them took at most (of \
             broadcasts: until all have it). Where the clients' core is the limit, this is a floor:\n\n"
        );
        self.head(text, "k/s");
        for load in self.loads(true) {
            self.row(text, load.name, |server| {
                let rate = self.median(server, load.name, |one| one.outcome.count / one.outcome.seconds)?;
                let p50 = self.median(server, load.name, |one| one.outcome.p50)?;
                let p99 = self.median(server, load.name, |one| one.outcome.p99)?;
                Some(format!("{}; {}, {}", digits(rate / 1e3), digits(p50), digits(p99)))
            });
        }
    }

    fn idle(&self, text: &mut String) {
        for load in self.loads(false) {
            let _ = writeln!(text, "\nWebSocket clients that have joined a namespace and say nothing:\n");
            self.head(text, load.name);
            let rows: [(&str, fn(&Outcome) -> f64); 3] = [
                ("kB resident each", |one| one.usage.resident / one.count / 1e3),
                ("µs of processor to connect each", |one| one.usage.served() / one.count),
                ("seconds to connect all", |one| one.seconds),
            ];
            for (name, what) in rows {
                self.row(text, name, |server| Some(digits(self.median(server, load.name, |one| what(&one.outcome))?)));
            }
        }
    }

    /// Whether all that was to be recorded was.
    fn recorded(&self, text: &mut String) {
        for server in SERVERS.iter().filter(|server| server.is_recorded()) {
            let (mut events, mut dropped, mut bytes) = (0, 0, 0);
            for one in self.all.iter().filter(|one| one.server == server.name) {
                events += one.recorded.events;
                dropped += one.recorded.dropped;
                bytes += one.recorded.bytes;
            }
            if events == 0 {
                continue;
            }
            let size = bytes as f64 / events as f64;
            let size = if bytes > 0 { format!(", {} bytes each in the file", digits(size)) } else { String::new() };
            let _ = write!(text, "\n{}: {events} events recorded, {dropped} lost{size}.\n", server.name);
        }
    }

    fn targets(&self, text: &mut String) {
        let mut rows = String::new();
        let mut row = |what: &str, reached: Option<f64>, target: f64| {
            let Some(reached) = reached else { return };
            let word = if reached <= target { "yes" } else { "**no**" };
            let _ = writeln!(rows, "| {what} | {} | {} | {word} |", digits(target), digits(reached));
        };
        // They are of what one client asks for.
        for load in self.loads(true).filter(|load| load.operation != "delivery") {
            let ratio = |to| Some(self.served("spanwalk", load.name)? / self.served(to, load.name)?);
            row(&format!("{}: processor, to {BASE}", load.name), ratio(BASE), 1.1);
            row(&format!("{}: processor, to flask", load.name), ratio("flask"), 0.2);
            for server in SERVERS.iter().filter(|server| server.is_recorded()) {
                let on = self.served(server.name, load.name);
                let ratio = on.zip(self.served("spanwalk", load.name)).map(|(on, off)| on / off);
                row(&format!("{}: processor, {} to not recorded", load.name, server.name), ratio, 1.2);
            }
        }
        for load in self.loads(false) {
            let each = self.median("spanwalk", load.name, |one| one.outcome.usage.resident / one.outcome.count / 1e3);
            row(&format!("{}: kB resident each", load.name), each, 18.0);
        }
        if !rows.is_empty() {
            let _ = write!(text, "\n| | at most | reached | |\n|-|-|-|-|\n{rows}");
        }
    }
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
