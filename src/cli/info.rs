//! `spanwalk info`: what is in a file.

use std::cmp::Reverse;
use std::io::{self, Write as _};

use serde_json::json;

use super::args::InfoArgs;
use super::progress::{LOOK, Progress};
use crate::file::{FileError, Reader};
use crate::trace::{CallStats, LaneRecord, Log, Time, call_stats};

/// Callsites that the text names.
const NAMED: usize = 10;

/// Prints it.
pub(super) fn run(args: &InfoArgs) -> anyhow::Result<()> {
    let mut reader = Reader::open(&args.file)?;
    let mut log = Log::new();
    let blocks = reader.survey()?.blocks.len();
    read(&mut reader, &mut log)?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", as_json(&log, &reader, blocks))?;
    } else {
        write!(out, "{}", as_text(&log, &reader, blocks, &args.file.display().to_string()))?;
    }
    Ok(())
}

/// Reads what there is when it is called. Who waits longer than a moment sees how far it has come, on a terminal.
pub(super) fn read(reader: &mut Reader, log: &mut Log) -> Result<(), FileError> {
    let mut progress = Progress::new();
    let (mut done, all) = reader.progress();
    loop {
        reader.read_for(log, LOOK)?;
        let before = std::mem::replace(&mut done, reader.progress().0);
        if done >= all || done == before {
            return Ok(());
        }
        progress.tell(|| format!("reading: {} %", done * 100 / all));
    }
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

fn as_json(log: &Log, reader: &Reader, blocks: usize) -> serde_json::Value {
    let Summary { wall, program, threads, stats } = summary(log);
    let calls = stats.iter().map(|call| {
        json!({
            "name": &*call.callsite.name, "target": &*call.callsite.target, "count": call.count,
            "self_ns": call.own, "total_ns": call.total,
        })
    });
    let damage = reader
        .damage()
        .into_iter()
        .map(|damage| json!({ "offset": damage.offset, "bytes": damage.bytes, "events": damage.events }));
    let dropped_in = dropped_in(log).into_iter().map(|(lane, events)| {
        json!({
            "lane": lane.map(|lane| lane.id.0), "name": lane.map(|lane| &*lane.name), "events": events,
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
        "bytes": reader.progress().1,
        "blocks": blocks,
        "indexed": reader.extent().is_some(),
        "ended": reader.is_ended(),
        "damage": damage.collect::<Vec<_>>(),
        "calls": calls.collect::<Vec<_>>(),
    })
}

fn as_text(log: &Log, reader: &Reader, blocks: usize, name: &str) -> String {
    let Summary { wall, program, threads, stats } = summary(log);
    let end =
        if reader.is_ended() { "closed in order" } else { "not closed: its program was killed, or is still writing" };
    let mut lines = vec![
        format!("{name}: {end}"),
        format!("  time      {program} of the program, {wall} by the clock"),
        format!(
            "  size      {} bytes in {blocks} blocks{}",
            reader.progress().1,
            if reader.extent().is_some() { "" } else { ", counted without an index" }
        ),
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
    match &*reader.damage() {
        [] => lines.push("  damage    none".to_owned()),
        damage => lines.extend(damage.iter().map(|damage| format!("  damage    {damage}"))),
    }
    lines.push(String::new());
    lines.push(format!("  {:>10} {:>10} {:>7}  call", "self", "total", "count"));
    for call in stats.iter().take(NAMED) {
        let (own, total) = (Time(call.own).to_string(), Time(call.total).to_string());
        let CallStats { callsite, count, .. } = call;
        lines.push(format!("  {own:>10} {total:>10} {count:>7}  {} ({})", callsite.name, callsite.target));
    }
    if stats.len() > NAMED {
        lines.push(format!("  and {} more callsites; --json has all", stats.len() - NAMED));
    }
    lines.join("\n") + "\n"
}
