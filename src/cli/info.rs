//! `spanwalk info`: what is in a file.

use std::cmp::Reverse;
use std::io::{self, Write as _};

use serde_json::json;

use super::args::InfoArgs;
use super::input::Input;
use super::sentences::in_line;
use crate::format::Import;
use crate::trace::{Bookmark, CallStats, LaneRecord, Log, Time, call_stats};

/// Callsites that the text names.
const NAMED: usize = 10;
/// Prints it.
pub(super) fn run(args: &InfoArgs) -> anyhow::Result<()> {
    let mut input = Input::open(&args.file)?;
    let mut log = Log::new();
    let blocks = input.blocks()?;
    input.read(&mut log)?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", as_json(&log, &input, blocks))?;
    } else {
        write!(out, "{}", as_text(&log, &input, blocks, &args.file.display().to_string()))?;
    }
    Ok(())
}

struct Summary {
    wall: Time,
    program: Time,
    threads: usize,
    stats: Vec<CallStats>,
}

fn summary(log: &Log) -> Summary {
    let wall = log.time_at(log.len());
    Summary { wall, program: log.clock().program(wall), threads: log.thread_count(), stats: call_stats(log) }
}

/// The lanes that lost events, the one with the most first; what is in none of them comes last.
fn dropped_in(log: &Log) -> Vec<(Option<&LaneRecord>, u64)> {
    let lanes = log.lanes().iter().map(|lane| (Some(lane), log.dropped_in(lane.id)));
    let mut dropped: Vec<(Option<&LaneRecord>, u64)> = lanes.filter(|lane| lane.1 > 0).collect();
    dropped.sort_by_key(|lane| Reverse(lane.1));
    let known = dropped.iter().fold(0_u64, |sum, lane| sum.saturating_add(lane.1));
    let rest = log.dropped().saturating_sub(known);
    dropped.extend((rest > 0).then_some((None, rest)));
    dropped
}

fn as_json(log: &Log, input: &Input, blocks: Option<(usize, bool)>) -> serde_json::Value {
    let Summary { wall, program, threads, stats } = summary(log);
    let calls = stats.iter().map(|call| {
        json!({
            "name": &*call.callsite.name, "target": &*call.callsite.target, "count": call.count,
            "self_ns": call.own, "total_ns": call.total,
        })
    });
    let damage = input
        .damage()
        .into_iter()
        .map(|damage| json!({ "offset": damage.offset, "bytes": damage.bytes, "events": damage.events }));
    let dropped_in = dropped_in(log).into_iter().map(|(lane, events)| {
        json!({
            "lane": lane.map(|lane| lane.id.0), "name": lane.map(|lane| &*lane.name), "events": events,
        })
    });
    let bookmarks = log.bookmarks().all().iter().map(|bookmark| {
        let call = bookmark.span.and_then(|span| log.span(span));
        json!({
            "at": bookmark.at,
            "t_ns": bookmark.time.ns(),
            "program_ns": log.clock().program(bookmark.time).ns(),
            "span": bookmark.span.map(|span| span.0),
            "name": call.as_ref().map(|call| &*call.callsite.name),
            "lane": call.as_ref().and_then(|call| log.lane(call.lane)).map(|lane| &*lane.name),
            "text": bookmark.text(),
        })
    });
    json!({
        "wall_ns": wall.ns(),
        "program_ns": program.ns(),
        "events": log.len(),
        "begins_at": log.begins_at(),
        "spans": log.span_count(),
        "lanes": log.lanes().len(),
        "threads": threads,
        "callsites": stats.len(),
        "dropped": log.dropped(),
        "dropped_in": dropped_in.collect::<Vec<_>>(),
        "bytes": input.progress().1,
        "blocks": blocks.map(|blocks| blocks.0),
        "indexed": blocks.map(|blocks| blocks.1),
        "format": input.foreign().map_or("spanwalk", |import| import.what().name()),
        "remarks": input.foreign().map(Import::remarks).unwrap_or_default(),
        "ended": input.is_ended(),
        "damage": damage.collect::<Vec<_>>(),
        "unknown_blocks": input.unknown().map_or(0, |unknown| unknown.blocks),
        "bookmarks": bookmarks.collect::<Vec<_>>(),
        "bookmarks_left_out": log.bookmarks().left_out(),
        "calls": calls.collect::<Vec<_>>(),
    })
}

fn as_text(log: &Log, input: &Input, blocks: Option<(usize, bool)>, name: &str) -> String {
    let Summary { wall, program, threads, stats } = summary(log);
    let end = match input.foreign() {
        Some(import) => import.what().name(),
        None if input.is_ended() => "closed in order",
        None => "not closed: its program was killed, or is still writing",
    };
    let blocks = match blocks {
        Some((blocks, true)) => format!(" in {blocks} blocks"),
        Some((blocks, false)) => format!(" in {blocks} blocks, counted without an index"),
        None => String::new(),
    };
    let mut lines = vec![
        format!("{name}: {end}"),
        format!("  time      {program} of the program, {wall} by the clock"),
        format!("  size      {} bytes{blocks}", input.progress().1),
        format!("  events    {}", log.len()),
        format!("  spans     {} from {} callsites", log.span_count(), stats.len()),
        format!("  lanes     {} on {threads} threads", log.lanes().len()),
        format!("  dropped   {}", log.dropped()),
    ];
    if log.begins_at() > 0 {
        lines.insert(
            4,
            format!("  begins    at event {}; those before are in the files before this one", log.begins_at()),
        );
    }
    let dropped = dropped_in(log);
    for (lane, events) in dropped.iter().take(NAMED) {
        let lane = lane.map_or("lanes that are over, or that are not known", |lane| &lane.name);
        lines.push(format!("            {events} in {lane}"));
    }
    if dropped.len() > NAMED {
        lines.push(format!("            and more in {} more lanes; --json has all", dropped.len() - NAMED));
    }
    match &*input.damage() {
        [] => lines.push("  damage    none".to_owned()),
        damage => lines.extend(damage.iter().map(|damage| format!("  damage    {damage}"))),
    }
    for remark in input.foreign().map(Import::remarks).unwrap_or_default() {
        lines.push(format!("  remark    {remark}"));
    }
    lines.extend(input.unknown().map(|unknown| format!("  unknown   {unknown}")));
    lines.extend(note_lines(log));
    lines.push(String::new());
    lines.push(format!("  {:>10} {:>10} {:>7}  call", "self", "total", "count"));
    for call in stats.iter().take(NAMED) {
        let own = call.own.map_or_else(|| "unknown".to_owned(), |own| Time(own).to_string());
        let total = Time(call.total).to_string();
        let CallStats { callsite, count, .. } = call;
        lines.push(format!("  {own:>10} {total:>10} {count:>7}  {} ({})", callsite.name, callsite.target));
    }
    if stats.len() > NAMED {
        lines.push(format!("  and {} more callsites; --json has all", stats.len() - NAMED));
    }
    lines.iter().map(|line| in_line(line) + "\n").collect()
}

/// What has been marked, the first of it.
fn note_lines(log: &Log) -> Vec<String> {
    let all = log.bookmarks().all();
    let bare = all.iter().filter(|bookmark| bookmark.text().is_empty()).count();
    let bare = match bare {
        0 => String::new(),
        count => format!(", {count} of them without a text"),
    };
    let mut lines = vec![format!("  notes     {}{bare}", all.len())];
    let left_out = log.bookmarks().left_out();
    lines
        .extend((left_out > 0).then(|| format!("            and {left_out} more than a recording may have, left out")));
    lines.extend(all.iter().take(NAMED).map(|bookmark| format!("            {}", note_line(log, bookmark))));
    if all.len() > NAMED {
        lines.push(format!("            and {} more; --json has all", all.len() - NAMED));
    }
    lines
}

/// `1.21 ms  main › spawn  look at the semaphore`
fn note_line(log: &Log, bookmark: &Bookmark) -> String {
    let mut line = format!("{:>9}", log.clock().program(bookmark.time));
    if let Some(call) = bookmark.span.and_then(|span| log.span(span)) {
        let lane = log.lane(call.lane).map_or("?", |lane| &lane.name);
        line += &format!("  {lane} › {}", call.callsite.name);
    }
    if !bookmark.text().is_empty() {
        line += &format!("  {}", bookmark.text());
    }
    line
}
