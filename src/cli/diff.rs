//! `spanwalk diff`: two recordings laid side by side by what calls what.
//!
//! ```text
//!      main
//!        run                          6.68 ms → 5.90 ms
//!          …
//!   -        spawn                    541.8 µs            removed
//!   >        gethostbyaddr            345.2 µs → 310 µs   moved from worker-*: run > run_task
//!
//!   3 removed, 1 moved; 30 paths are the same
//! ```
//!
//! What is compared and how is [`Comparison`]'s business; here it is asked, told, and turned into an exit status.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::args::DiffArgs;
use super::input::Input;
use super::sentences::in_line;
use crate::trace::{Comparison, Difference, Log, PathCalls, PathNode, Time, Tolerance};

/// Values of a field that are told.
const VALUES: usize = 3;
/// Letters of a value that are told.
const WIDEST: usize = 40;

/// There is a difference that was not to be there: told on standard output, and an exit status.
#[derive(Debug, thiserror::Error)]
#[error("the recordings differ")]
pub(super) struct Differ;

/// Prints what is different.
pub(super) fn run(args: &DiffArgs) -> anyhow::Result<()> {
    let tolerance = Tolerance {
        ratio: args.ratio,
        ns: u64::try_from(args.min_time.as_nanos()).unwrap_or(u64::MAX),
        ignored: args.ignore_field.iter().cloned().collect(),
    };
    let compared = {
        let (a, b) = (read(&args.a)?, read(&args.b)?);
        Comparison::new(&a, &b, &tolerance)
    };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", as_json(&compared, args))?;
    } else {
        write!(out, "{}", as_text(&compared, args))?;
    }
    out.flush()?;
    let counts = compared.counts();
    if args.fail_on.iter().any(|fails| fails.is_among(&counts)) { Err(Differ.into()) } else { Ok(()) }
}

fn read(path: &Path) -> anyhow::Result<Log> {
    let mut log = Log::new();
    Input::open(path)?.read(&mut log)?;
    Ok(log)
}

/// The differences that are counted, in words: `3 removed, 1 moved`.
fn summary(compared: &Comparison) -> String {
    let counts = compared.counts();
    let words = Difference::ALL.iter().filter_map(|difference| {
        let count = counts.get(difference)?;
        let what = match difference {
            Difference::Count => "called another number of times",
            Difference::Fields => "with other fields",
            Difference::Time => "that took longer or shorter",
            other => other.word(),
        };
        Some(format!("{count} {what}"))
    });
    let words: Vec<String> = words.collect();
    let same = compared.nodes().iter().filter(|node| is_same(node)).count();
    let paths = if same == 1 { "1 path is".to_owned() } else { format!("{same} paths are") };
    if words.is_empty() { format!("{paths} the same") } else { format!("{}; {paths} the same", words.join(", ")) }
}

/// Whether a path is in both, where it was and as it was.
fn is_same(node: &PathNode) -> bool {
    node.differences.is_empty() && node.moved.is_none()
}

fn as_text(compared: &Comparison, args: &DiffArgs) -> String {
    let mut rows: Vec<Row> = Vec::new();
    let shown = shown(compared, args.all);
    let mut lane = "";
    for &root in compared.roots() {
        if !shown.contains(&root) {
            continue;
        }
        let node = &compared.nodes()[root];
        if *node.lane != *lane {
            lane = &node.lane;
            rows.push(Row { mark: ' ', name: in_line(lane), times: String::new(), remarks: Vec::new() });
        }
        let mut todo = vec![(root, 1)];
        while let Some((at, depth)) = todo.pop() {
            rows.push(Row::of(compared, at, depth));
            let children = compared.nodes()[at].children.iter().rev().filter(|child| shown.contains(child));
            todo.extend(children.map(|child| (*child, depth + 1)));
        }
    }
    let names = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let times = rows.iter().map(|row| row.times.chars().count()).max().unwrap_or(0);
    let mut text = format!("--- A  {}\n+++ B  {}\n", args.a.display(), args.b.display());
    for row in rows {
        let Row { mark, name, times: took, remarks } = row;
        let line = format!("{mark} {name:names$}  {took:times$}  {}", remarks.join("; "));
        text += line.trim_end();
        text.push('\n');
    }
    text + &format!("\n{}\n", summary(compared))
}

/// What is different, and what is around it.
fn shown(compared: &Comparison, all: bool) -> BTreeSet<usize> {
    let mut shown = BTreeSet::new();
    for (at, node) in compared.nodes().iter().enumerate() {
        // What moved away is told where it came to, and here.
        let is_told = all || !node.differences.is_empty() || (node.moved.is_some() && !node.moved_along);
        let mut next = Some(at).filter(|_| is_told);
        while let Some(at) = next.filter(|at| shown.insert(*at)) {
            next = compared.nodes()[at].parent;
        }
    }
    shown
}

struct Row {
    mark: char,
    name: String,
    times: String,
    remarks: Vec<String>,
}

impl Row {
    fn of(compared: &Comparison, at: usize, depth: usize) -> Self {
        let node = &compared.nodes()[at];
        let other = node.moved.map(|other| &compared.nodes()[other]);
        let is_away = node.moved.is_some() && node.calls[1].is_none();
        let has = |difference| node.differences.contains(&difference);
        let mark = match () {
            () if has(Difference::Added) => '+',
            () if has(Difference::Removed) => '-',
            () if is_away => '<',
            () if node.moved.is_some() => '>',
            () if has(Difference::Reordered) => '^',
            () if !node.differences.is_empty() => '~',
            () => ' ',
        };
        let [a, b] = sides(compared, at);
        let times = match (a, b) {
            // Told where it came to.
            _ if is_away => String::new(),
            (Some(a), Some(b)) => format!("{} → {}", Time(a.total), Time(b.total)),
            (Some(only), None) | (None, Some(only)) => Time(only.total).to_string(),
            (None, None) => String::new(),
        };
        let mut remarks = Vec::new();
        for difference in Difference::ALL.iter().filter(|difference| has(**difference)) {
            match difference {
                Difference::Added | Difference::Removed | Difference::Reordered => {
                    remarks.push(difference.word().to_owned());
                }
                Difference::Count => remarks.extend(a.zip(b).map(|(a, b)| counts(a, b))),
                Difference::Fields => remarks.extend(node.fields.iter().map(|name| values(a, b, name))),
                Difference::Time => remarks.push("time".to_owned()),
                Difference::Moved => {}
            }
        }
        if let (Some(moved), Some(_)) = (node.moved, other)
            && !node.moved_along
        {
            let (to_or_from, path) = (if is_away { "to" } else { "from" }, around(compared, moved));
            remarks.insert(0, format!("moved {to_or_from} {}", in_line(&path)));
        }
        Self { mark, name: format!("{}{}", "  ".repeat(depth), in_line(&node.callsite.name)), times, remarks }
    }
}

/// The calls of a path in both recordings, where it moved with those of the other place.
fn sides(compared: &Comparison, at: usize) -> [Option<&PathCalls>; 2] {
    let node = &compared.nodes()[at];
    let other = node.moved.map(|other| &compared.nodes()[other]);
    [0, 1].map(|side| node.calls[side].as_ref().or_else(|| other.and_then(|other| other.calls[side].as_ref())))
}

/// What is around a path, in words.
fn around(compared: &Comparison, at: usize) -> String {
    match compared.nodes()[at].parent {
        Some(parent) => compared.path(parent),
        None => format!("the outermost of {}", compared.nodes()[at].lane),
    }
}

fn counts(a: &PathCalls, b: &PathCalls) -> String {
    let open = |calls: &PathCalls| if calls.open > 0 { format!(" ({} open)", calls.open) } else { String::new() };
    format!("{}{} → {}{} calls", a.count, open(a), b.count, open(b))
}

/// `port 5000 → 8080`.
fn values(a: Option<&PathCalls>, b: Option<&PathCalls>, name: &str) -> String {
    let of = |calls: Option<&PathCalls>| {
        let all: Vec<String> = calls.map(|calls| calls.fields.of(name).map(short).collect()).unwrap_or_default();
        match &*all {
            [] => "nothing".to_owned(),
            all if all.len() <= VALUES => all.join(", "),
            all => format!("{}, and {} more", all[..VALUES].join(", "), all.len() - VALUES),
        }
    };
    format!("{} {} → {}", in_line(name), of(a), of(b))
}

fn short(value: &str) -> String {
    let plain = in_line(value);
    if plain.chars().count() <= WIDEST { plain } else { plain.chars().take(WIDEST - 1).chain(['…']).collect() }
}

fn as_json(compared: &Comparison, args: &DiffArgs) -> Value {
    let calls = |calls: Option<&PathCalls>| {
        calls.map(|calls| {
            json!({ "count": calls.count, "open": calls.open, "total_ns": calls.total, "first_span": calls.first.0 })
        })
    };
    let path = |at: usize| {
        let node = &compared.nodes()[at];
        let [a, b] = sides(compared, at);
        let fields = node.fields.iter().map(|name| {
            let of = |calls: Option<&PathCalls>| {
                calls.map(|calls| calls.fields.of(name).map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default()
            };
            json!({ "name": &**name, "a": of(a), "b": of(b) })
        });
        json!({
            "path": compared.path(at),
            "lane": &*node.lane,
            "name": &*node.callsite.name,
            "target": &*node.callsite.target,
            "differences": node.differences.iter().map(|difference| difference.word()).collect::<Vec<_>>(),
            "a": calls(a),
            "b": calls(b),
            "moved_from": node.moved.filter(|_| !node.moved_along).map(|from| compared.path(from)),
            "fields": fields.collect::<Vec<_>>(),
        })
    };
    let nodes = compared.nodes().iter().enumerate();
    // What moved away is told where it came to.
    let told = nodes.filter(|(_, node)| node.moved.is_none() || node.calls[1].is_some());
    let told = told.filter(|(_, node)| args.all || !node.differences.is_empty());
    let counts = compared.counts();
    let counts = Difference::ALL.iter().map(|difference| {
        let count = counts.get(difference).copied().unwrap_or(0);
        (difference.word().to_owned(), json!(count))
    });
    json!({
        "a": args.a.display().to_string(),
        "b": args.b.display().to_string(),
        "counts": counts.collect::<serde_json::Map<_, _>>(),
        "same": compared.nodes().iter().filter(|node| is_same(node)).count(),
        "paths": told.map(|(at, _)| path(at)).collect::<Vec<_>>(),
    })
}
