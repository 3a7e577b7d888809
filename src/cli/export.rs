//! `spanwalk export`: a recording, or a part of it, in the format of another tool.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::ExportArgs;
use super::companion::companion;
use super::input::Input;
use super::output::Output;
use super::progress::Watched;
use super::push::Collector;
use super::sources::BuiltIn;
use super::{UsageError, complain, demo};
use crate::format::{Clock, Epoch, Excerpt, FORMATS, Format, Origin, Which};
use crate::lesson::Book;
use crate::trace::{Log, Place, SpanId, Time};

/// Writes it, or lists the formats.
pub(super) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    if args.list {
        return list(&mut io::stdout().lock());
    }
    let file = args.file.as_deref().ok_or_else(|| UsageError("name the recording to export".to_owned()))?;
    let book = demo::book(args.walkthrough.as_deref())?;
    if let Some(url) = &args.push {
        if args.to.as_deref().is_some_and(|name| name != "otlp") {
            return Err(UsageError("--push sends otlp; leave --to out".to_owned()).into());
        }
        let collector = Collector::at(url)?;
        let log = log(file)?;
        let excerpt = excerpt(args, file, &log, &book)?;
        say_epoch(&excerpt);
        return collector.push(&excerpt);
    }
    let format = format(args)?;
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if output.is_none() && format.is_binary && io::stdout().is_terminal() {
        let text = format!("`{}` is no text; name a file with -o, such as trace.{}", format.name, format.ending);
        return Err(UsageError(text).into());
    }
    // What is wrong with the output is said before a long file is read.
    let output = output.map(|path| Output::create(path, args.force)).transpose()?;
    let log = log(file)?;
    let tell = |excerpt: &Excerpt<'_>| companion(excerpt, &book, &BuiltIn, file);
    let excerpt = excerpt(args, file, &log, &book)?.told_by(&tell);
    if format.has_time_of_day {
        say_epoch(&excerpt);
    }
    let written = match output {
        None => {
            let mut out = Watched::new(BufWriter::new(io::stdout().lock()));
            format.write(&excerpt, &mut out)?;
            out.flush()?;
            out.written()
        }
        Some(output) => {
            let mut out = Watched::new(output);
            let written = format.write(&excerpt, &mut out);
            let (output, bytes) = out.into_parts();
            written.map_err(|error| output.error(error))?;
            output.finish()?;
            bytes
        }
    };
    if format.name == "html" && written > LARGE {
        complain(&format!(
            "the page has {} MB, which browsers are slow with; --from, --until, --lane, --depth or --filter make it smaller",
            written / 1_000_000
        ));
    }
    Ok(())
}

/// Says what the times of day are worth, if nobody has given one.
fn say_epoch(excerpt: &Excerpt<'_>) {
    match excerpt.origin().epoch {
        Epoch::Said(_) => {}
        Epoch::Written(_) => {
            complain(
                "times of day: the recording is taken to end when its file was last written; --epoch sets its begin",
            );
        }
        Epoch::Unknown => {
            complain("times of day: nothing says when this was, so it begins in 1970; --epoch sets its begin");
        }
    }
}

/// What is asked for of a log, and what is known of it from elsewhere.
fn excerpt<'a>(args: &ExportArgs, file: &Path, log: &'a Log, book: &Book) -> anyhow::Result<Excerpt<'a>> {
    let stem = || file.file_stem().map_or_else(|| "recording".into(), |stem| stem.to_string_lossy().into_owned());
    let since_1970 = |time: SystemTime| u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok();
    let written = || file.metadata().and_then(|metadata| metadata.modified()).ok().and_then(since_1970);
    let epoch = match args.epoch.and_then(since_1970) {
        Some(at) => Epoch::Said(at),
        None => written().map_or(Epoch::Unknown, Epoch::Written),
    };
    let origin = Origin { name: args.service.clone().unwrap_or_else(stem), epoch };
    let excerpt = Excerpt::new(log, &which(args, log, book)?)?.with_origin(origin);
    if log.span_count() > 0 && excerpt.spans().next().is_none() {
        complain("no call of the recording is in what is asked for");
    }
    Ok(excerpt)
}

/// Bytes of a page from which on there is a warning.
const LARGE: u64 = 20_000_000;

/// The format that is asked for, or else that of the output's name.
fn format(args: &ExportArgs) -> anyhow::Result<&'static Format> {
    let names = || FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ");
    if let Some(name) = &args.to {
        return Ok(Format::named(name).ok_or_else(|| UsageError(format!("no format `{name}`; there are {}", names())))?);
    }
    let name = args.output.as_deref().and_then(|path| path.file_name()?.to_str());
    let known = name.and_then(Format::of_file);
    Ok(known.ok_or_else(|| UsageError(format!("name the format with --to; there are {}", names())))?)
}

fn list(out: &mut dyn Write) -> anyhow::Result<()> {
    let widest = FORMATS.iter().map(|format| format.name.len()).max().unwrap_or(0);
    let endings = FORMATS.iter().map(|format| format.ending.len()).max().unwrap_or(0) + 1;
    for format in FORMATS {
        let ending = format!(".{}", format.ending);
        writeln!(out, "{:widest$}  {ending:endings$}  {}", format.name, format.doc)?;
    }
    Ok(())
}

/// A file, read as far as it goes.
fn log(path: &Path) -> anyhow::Result<Log> {
    let mut log = Log::new();
    Input::open(path)?.read(&mut log)?;
    Ok(log)
}

fn which(args: &ExportArgs, log: &Log, book: &Book) -> anyhow::Result<Which> {
    let clock = if args.wall { Clock::Wall } else { Clock::Program };
    let time = |place: &Place| -> anyhow::Result<Time> {
        Ok(match clock {
            Clock::Program => log.clock().program(raw_time(place, log, book)?),
            Clock::Wall => raw_time(place, log, book)?,
        })
    };
    Ok(Which {
        from: args.from.as_ref().map(time).transpose()?,
        until: args.until.as_ref().map(time).transpose()?,
        lanes: args.lane.clone(),
        query: args.filter.clone().unwrap_or_default(),
        depth: args.depth.map(std::num::NonZero::get),
        clock,
    })
}

/// When a recording comes to a place, raw.
fn raw_time(place: &Place, log: &Log, book: &Book) -> anyhow::Result<Time> {
    let chain = book.chain();
    let clock = log.clock();
    let end = clock.program(log.time_at(log.len()));
    let marked = |mark: Option<usize>, what: &str| {
        mark.map(|at| log.time_at(at)).ok_or_else(|| anyhow::anyhow!("the loop {what} nowhere in this recording"))
    };
    Ok(match place {
        Place::At(time) | Place::Later(time) => clock.raw(*time),
        Place::Earlier(by) => clock.raw(Time(end.since(*by))),
        Place::Share(share) => clock.raw(Time((end.ns() as f64 * share / 100.0) as u64)),
        Place::Event(at) => log.time_at(*at),
        Place::Span(number) => {
            let span = log.span(SpanId(*number)).ok_or_else(|| anyhow::anyhow!("there is no span {number}"))?;
            span.open.1
        }
        Place::LoopStarts => marked(chain.landmarks(log).loop_starts, "starts")?,
        Place::LoopServes => marked(chain.landmarks(log).loop_serves, "serves")?,
        Place::Note(number) => {
            let note = number.checked_sub(1).and_then(|at| log.bookmarks().all().get(at));
            note.ok_or_else(|| anyhow::anyhow!("there is no note {number}"))?.time
        }
        Place::Call(name) => {
            let first = match chain.key(name) {
                Some(key) => log.first_enter(key),
                None => {
                    let named = log.spans().find(|span| *span.callsite.name == **name);
                    named.map(|span| span.open.0.0 as usize + 1)
                }
            };
            let at = first.ok_or_else(|| anyhow::anyhow!("no call in this recording is named `{name}`"))?;
            log.time_at(at)
        }
    })
}
