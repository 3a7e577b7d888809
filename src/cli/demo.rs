//! `spanwalk demo`: the server under the recorder, on a screen or as text.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::args::{DemoArgs, Held, ServerArgs, Until};
use super::plain::Plain;
use super::session::Session;
use super::sources::BuiltIn;
use super::{UsageError, complain, hint, prompt, recording, settings, signals, watch};
use crate::format::jsonl;
use crate::lesson::Book;
use crate::record::{Control, HoldMode, Reader};
use crate::server::{self, Server, Settings};
use crate::trace::{Chain, Command, Event, Log, Run, Target};
use crate::tui;

/// How often a run without a screen looks whether it should end, when nothing happens.
const LOOK: Duration = Duration::from_millis(50);

/// How long clients of a server that somebody may hold have to answer, and wait for it.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Runs the demo in the way its arguments ask for.
pub(super) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let book = book(args.walkthrough.as_deref())?;
    let breakpoints = args.breaks.breakpoints(&book.chain())?;
    // Better said now than when somebody has stepped to it.
    server::check_address(&args.server.host, args.server.port)?;
    if args.interactive {
        hint::say_once(hint::Next::Prompt);
        return held_server(args, |session, asked_to_end| {
            prompt::run(session, (&book, &BuiltIn), false, breakpoints, asked_to_end)
                .context("cannot write to standard output")
        });
    }
    if args.jsonl || args.plain || !io::stdout().is_terminal() {
        if !args.breaks.is_empty() {
            let message = "`--break` stops for a person, on the screen or with --interactive; --plain and --jsonl print all \
                           there is, and --until ends them";
            return Err(UsageError(message.to_owned()).into());
        }
        return without_screen(args, &book);
    }
    for (is_given, flag) in [(args.until.is_some(), "--until"), (args.for_.is_some(), "--for")] {
        if is_given {
            let message = format!("`{flag}` is for runs without a screen; add --plain or --jsonl");
            return Err(UsageError(message).into());
        }
    }
    let options =
        tui::Options { step_every: args.step_every, breakpoints, ..settings::screen(&args.screen, args.ascii)? };
    hint::say_once(hint::Next::Screens(&options.keys));
    on_screen(args, &book, options)
}

/// How the server is to run when somebody may hold it: a person takes their time, and no client is cut off for that.
pub(super) fn held(server: &ServerArgs) -> Settings {
    let mut settings = server.settings_if(Held::ByAPerson);
    settings.engineio.ping_timeout = server.clients.ping_timeout.unwrap_or(PATIENCE);
    settings
}

/// The pages of a directory, or the built-in ones.
pub(super) fn book(directory: Option<&Path>) -> anyhow::Result<Book> {
    Ok(match directory {
        Some(directory) => Book::read_dir(directory)?,
        None => Book::embedded(),
    })
}

/// Something that writes a log while it grows.
trait Sink {
    fn event(&mut self, log: &Log, event: &Event) -> io::Result<()>;
    fn flush(&mut self) -> io::Result<()>;
}

impl<W: Write> Sink for Plain<'_, W> {
    fn event(&mut self, log: &Log, event: &Event) -> io::Result<()> {
        Plain::event(self, log, event)
    }

    fn flush(&mut self) -> io::Result<()> {
        Plain::flush(self)
    }
}

struct Jsonl<W>(W);

impl<W: Write> Sink for Jsonl<W> {
    fn event(&mut self, log: &Log, event: &Event) -> io::Result<()> {
        writeln!(self.0, "{}", jsonl::line(log, event))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn without_screen(args: &DemoArgs, book: &Book) -> anyhow::Result<()> {
    let target = args.until.and_then(|until| end_of_walk(until, &book.chain()));
    // Held only where the walk ends, and then for no longer than it takes to say stop.
    let hold = HoldMode::Hold { silence: Duration::from_secs(60), settle: Duration::ZERO };
    let recorder = watch::recorder(if target.is_some() { hold } else { HoldMode::Follow });
    let control = recorder.control();
    if let Some(target) = target {
        control.command(Command::RunTo(target));
    }
    let recording = args.server.recording(&recorder, |text| complain(&text))?;
    watch::install(Some(&recorder), args.server.console)?;
    let server = Server::start(args.server.settings())?;
    let stop = server.stopper();
    signals::on_end(args.server.stop_timeout(), {
        let (stop, detach) = (stop.clone(), control.detacher());
        move || {
            stop();
            detach();
        }
    })?;
    // Standard output is locked line by line: nothing that is held could wait for it, but a panic's message might.
    let out = BufWriter::new(io::stdout());
    let mut sink: Box<dyn Sink> = if args.jsonl { Box::new(Jsonl(out)) } else { Box::new(Plain::new(out, book)) };
    let written = follow(args, recorder.reader(), &control, &server, &mut *sink, &stop);
    if written.is_err() {
        stop();
        control.detach();
    }
    let ended = server.join();
    if let Some(text) = watch::hidden(&recorder) {
        complain(&text);
    }
    let recorded = recording::finish(recording);
    written.context("cannot write to standard output")?;
    ended?;
    Ok(recorded?)
}

/// Writes what is recorded until the server has ended; stops it when the arguments say so.
fn follow(
    args: &DemoArgs,
    mut reader: Reader,
    control: &Control,
    server: &Server,
    sink: &mut dyn Sink,
    stop: &dyn Fn(),
) -> io::Result<()> {
    let deadline = args.for_.map(|time| Instant::now() + time);
    let mut log = Log::new();
    let mut is_stopped = false;
    loop {
        // Looked at before the drain: what an ended server did is in it.
        let has_ended = server.is_ended();
        let known = log.len();
        let left = deadline.filter(|_| !is_stopped).map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let wait = if has_ended { Duration::ZERO } else { left.map_or(LOOK, |left| left.min(LOOK)) };
        reader.read_into(&mut log, wait);
        for event in log.events_in(known..) {
            sink.event(&log, &event)?;
        }
        sink.flush()?;
        if has_ended {
            return Ok(());
        }
        let is_reached = matches!(control.status().run, Run::Paused(_));
        let is_over = is_reached || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if is_over && !std::mem::replace(&mut is_stopped, true) {
            stop();
            control.detach();
        }
    }
}

/// The instant at which a walk is to end, as a target of the gate: the run stops there, not somewhat later.
fn end_of_walk(until: Until, chain: &Chain) -> Option<Target> {
    let key = |step| chain.key(step).cloned();
    match until {
        Until::Start => key("hub.run").map(Target::Call),
        Until::Loop => Some(Target::After { first: key("start_accepting")?, call: key("loop.poll")? }),
    }
}

/// The screen, over a server that is held at its first step.
fn on_screen(args: &DemoArgs, book: &Book, options: tui::Options) -> anyhow::Result<()> {
    held_server(args, |session, asked_to_end| {
        let chain = book.chain();
        let material = tui::Material { chain: &chain, book, sources: &BuiltIn };
        tui::run(session, material, &tui::Options { asked_to_end, ..options }).context("cannot draw on the terminal")
    })
}

/// A server that is held at its first step, for a person to walk through in some way.
fn held_server(
    args: &DemoArgs,
    walk: impl FnOnce(&mut Session, Arc<AtomicBool>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let recorder = watch::recorder(HoldMode::stepping());
    let (notify, notices) = mpsc::channel();
    let tell = notify.clone();
    let recording = args.server.recording(&recorder, move |text| drop(tell.send(text)))?;
    watch::install(Some(&recorder), args.server.console)?;
    // Whoever steps through the stop takes their time for that, too; whoever leaves does not.
    let leave_within = args.server.stop_timeout();
    let stop_timeout = args.server.stop_timeout_if_held().unwrap_or(PATIENCE);
    let settings = Settings { stop_timeout, ..held(&args.server) };
    let mut session = Session::start(recorder, recording, settings, leave_within, (notify, notices))?;
    let asked_to_end = signals::on_end(args.server.stop_timeout(), session.ender())?;
    let walked = walk(&mut session, asked_to_end);
    let ended = session.end(|| complain("waiting for what the server has in flight; ctrl-c leaves now"));
    walked?;
    ended
}
