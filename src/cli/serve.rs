//! `spanwalk serve`: the server and nothing else, but for breakpoints, of which each stop is a line.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::args::ServeArgs;
use super::live::{LIMITS, Live};
use super::{complain, demo, recording, sentences, signals, watch};
use crate::lesson::Book;
use crate::record::{Control, HoldMode, Recorder};
use crate::server::{Server, Settings};
use crate::trace::{Breakpoint, Breakpoints, Command, Log, Run, Status, Stop};

/// How often a server with breakpoints is looked at. Also the sign of life that its gate wants.
const LOOK: Duration = Duration::from_millis(50);
/// Calls around a stop that are named.
const AROUND: usize = 4;

/// Runs until a signal ends it.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let breakpoints = args.breaks.breakpoints(&Book::embedded().chain())?;
    let has_breakpoints = !breakpoints.all().is_empty();
    let recorder = (args.server.record.is_some() || has_breakpoints).then(|| watch::recorder(HoldMode::Follow));
    let recording = match &recorder {
        Some(recorder) => args.server.recording(recorder, |text| complain(&text))?,
        None => None,
    };
    watch::install(recorder.as_ref(), args.server.console)?;
    let control = recorder.as_ref().filter(|_| has_breakpoints).map(Recorder::control);
    if let Some(control) = &control {
        control.command(Command::Breakpoints(breakpoints.all().to_vec()));
    }
    // Somebody who is asked may take their time.
    let is_asked = has_breakpoints && io::stdin().is_terminal();
    let settings = if is_asked { demo::held(&args.server) } else { args.server.settings() };
    let server = Server::start(Settings { complain, ..settings })?;
    let (stop, detach) = (server.stopper(), control.as_ref().map(Control::detacher));
    let end = move || {
        stop();
        detach.iter().for_each(|detach| detach());
    };
    signals::on_end(args.server.stop_timeout(), end.clone())?;
    let mut stops = match (&recorder, &control) {
        (Some(recorder), Some(control)) => Some(Stops::new(recorder, control, &breakpoints, is_asked)?),
        _ => None,
    };
    let told = tell(args, &server, recorder.as_ref(), stops.as_mut());
    if told.is_err() {
        // Nobody would be told of the next stop.
        end();
    }
    let ended = server.join();
    let recorded = recording::finish(recording);
    told?;
    ended?;
    Ok(recorded?)
}

/// Says where it serves, and where it stops, as long as somebody is to be told.
fn tell(
    args: &ServeArgs,
    server: &Server,
    recorder: Option<&Recorder>,
    mut stops: Option<&mut Stops<'_>>,
) -> io::Result<()> {
    // The address is known as soon as the socket listens; the lookup may take longer.
    while server.address().is_none() && !server.wait(Duration::from_millis(1)) {
        stops.as_mut().map_or(Ok(()), |stops| stops.look())?;
    }
    if let Some(address) = server.address() {
        let mut out = io::stdout().lock();
        let console = args.server.console.map_or_else(String::new, |door| format!(", tokio-console on {door}"));
        writeln!(out, "spanwalk: serving http://{address}/{console} (ctrl-c stops)")?;
        out.flush()?;
    }
    if let Some(text) = recorder.and_then(watch::hidden) {
        complain(&text);
    }
    while let Some(stops) = stops.as_mut().filter(|_| !server.wait(LOOK)) {
        stops.look()?;
    }
    Ok(())
}

/// Who says each stop, and lets the server go on: at once, or when somebody presses enter.
struct Stops<'a> {
    control: &'a Control,
    breakpoints: &'a [Breakpoint],
    live: Live,
    log: Log,
    answers: Option<Receiver<()>>,
}

impl<'a> Stops<'a> {
    fn new(recorder: &Recorder, control: &'a Control, list: &'a Breakpoints, is_asked: bool) -> io::Result<Self> {
        let live = Live::new(recorder.reader(), LIMITS);
        let answers = if is_asked { Some(lines()?) } else { None };
        Ok(Self { control, breakpoints: list.all(), live, log: Log::new(), answers })
    }

    /// Says where it stands, if it stands at a breakpoint, and lets it go on.
    fn look(&mut self) -> io::Result<()> {
        self.live.update(&mut self.log);
        let status = self.control.status();
        let Run::Paused(stop) = status.run else { return Ok(()) };
        self.live.update(&mut self.log);
        let text = self.text(stop, &status);
        let ask = if self.answers.is_some() { " (enter goes on)" } else { "" };
        let mut out = io::stdout();
        writeln!(out, "spanwalk: {text}{ask}")?;
        out.flush()?;
        while let Some(answers) = &self.answers {
            // As long as nobody answers the gate hears of us; if it was taken down, the server is being stopped.
            if self.control.status().detached {
                break;
            }
            match answers.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) => break,
                // The end of the input: from here on it goes on by itself.
                Err(RecvTimeoutError::Disconnected) => self.answers = None,
            }
        }
        self.control.command(Command::Continue);
        Ok(())
    }

    fn text(&self, stop: Stop, status: &Status) -> String {
        let on = self.breakpoints.iter().find(|breakpoint| Some(breakpoint.id) == status.on);
        let on = on.map_or_else(String::new, |on| {
            format!("breakpoint {}, hit {} of {}: ", on.id, status.hits_of(on.id), on.condition)
        });
        let Some(span) = self.log.span(stop.span) else { return on };
        let line = span.callsite.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = format!("{} at {}{line}", span.callsite.name, span.callsite.file_name());
        let around = sentences::around(&self.log, stop.span, AROUND);
        let around = if around.is_empty() { around } else { format!(", {around}") };
        let fields = sentences::fields(&self.log.fields(stop.span, self.log.len()));
        let fields = if fields.is_empty() { String::new() } else { format!(", with {}", fields.join("; ")) };
        format!("{on}{}: {place}{around}{fields}", sentences::lane(&self.log, stop.lane))
    }
}

/// A sign for each line of standard input.
fn lines() -> io::Result<Receiver<()>> {
    let (send, answers) = mpsc::channel();
    let read = move || {
        let lines = io::stdin().lock().lines();
        let _ = lines.map_while(Result::ok).try_for_each(|_| send.send(()));
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
    Ok(answers)
}
