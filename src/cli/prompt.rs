//! A walk by typed commands: everything the screens say, in short lines, for who listens to them, and for scripts.
//!
//! ```text
//!   stdin, on a thread ──lines──► Prompt ──► Program (command, restart, scene)
//!                                   │ ▲
//!                 answers, lines ◄──┘ └── log, status, notices ◄── Program
//! ```
//!
//! A line is a command; an empty one is the last again; the end of the input is `quit`. What is typed by a person comes
//! behind a `> `; what comes from a pipe is repeated there, so that what is printed reads as a conversation. The lane
//! comes before what it does, nothing is drawn, no column has to be seen, and no line is wider than 80. The program is reached
//! through the same [`Program`] as by the screens: whether it is live or a file, commands have the same names.

mod asked;
mod breaks;
mod commands;
mod event_loop;
mod guess;
mod lessons;
mod moves;
mod notes;
mod pictures;
mod places;
mod typed;
mod words;

use std::collections::VecDeque;
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use self::words::{broken, ended, sentence};
use crate::lesson::{Book, Score};
use crate::trace::{
    Activity, BreakpointId, Breakpoints, Chain, Finder, Kind, Landmarks, Log, Lookout, Run, State, Status, Stops,
};
use crate::tui::{News, Program, Progress, Sources};

/// How often the program hears of its viewer while a person thinks: a gate that hears nothing for a second opens.
const SIGN_OF_LIFE: Duration = Duration::from_millis(100);
/// How often one looks whether a step has come to its end.
const LOOK: Duration = Duration::from_millis(1);
/// How long nothing must have happened before a loop that polls is said to wait.
const QUIET: Duration = Duration::from_millis(100);
/// How long a command waits before it says that it does not wait any longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often one who waits for a file to be read is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// What happened since the last answer is told up to so many events.
const TOLD: usize = 6;

/// Lines to print.
type Lines = Vec<String>;
/// Lines to print, or why there are none, in a sentence.
type Answer = Result<Lines, String>;

/// Where a step has led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    /// To the next stop.
    Stopped,
    /// Everybody waits for the world outside.
    Waiting,
    /// Nobody is held, and nobody will be.
    Free,
    /// It has run to its end.
    Over,
    /// Nowhere, for as long as one waits.
    NotYet,
}

/// The conversation.
struct Prompt<'a> {
    program: &'a mut dyn Program,
    book: &'a Book,
    sources: &'a dyn Sources,
    chain: Chain,
    log: Log,
    /// Where somebody looks back, or reads a recording; `None` is the end.
    cursor: Option<usize>,
    is_recording: bool,
    lookout: Lookout,
    /// The page that was read last, by its place in the book.
    page: Option<usize>,
    /// Nobody has moved since.
    is_page_here: bool,
    search: Option<Search>,
    breaks: Breakpoints,
    /// Where they stop in the log.
    stops: Stops,
    /// The hit that the program stood at when it was last looked at.
    hit_told: Option<(BreakpointId, u64)>,
    /// It was let go, and nobody has waited for it since.
    is_on_its_own: bool,
    /// Up to where it has been told what happened.
    told: usize,
    notices: Lines,
    last: String,
    /// How guesses came out.
    score: Score,
    /// What would be lost by leaving or starting again has been said: who says it again means it.
    warned: bool,
    asked_to_end: Arc<AtomicBool>,
}

/// A search, and how many of its matches have been listed.
struct Search {
    finder: Finder,
    listed: usize,
}

/// Talks until somebody quits.
pub(super) fn run(
    program: &mut dyn Program,
    (book, sources): (&Book, &dyn Sources),
    is_recording: bool,
    breaks: Breakpoints,
    asked_to_end: Arc<AtomicBool>,
) -> io::Result<()> {
    let mut prompt = Prompt {
        program,
        book,
        sources,
        chain: book.chain(),
        log: Log::new(),
        cursor: is_recording.then_some(0),
        is_recording,
        lookout: Lookout::default(),
        page: None,
        is_page_here: false,
        search: None,
        breaks,
        stops: Stops::default(),
        hit_told: None,
        is_on_its_own: false,
        told: 0,
        notices: Lines::new(),
        last: String::new(),
        score: Score::default(),
        warned: false,
        asked_to_end,
    };
    if !prompt.breaks.all().is_empty() {
        prompt.breaks_changed();
    }
    let is_typed = io::stdin().is_terminal();
    let lines = read_lines()?;
    let mut out = io::stdout();
    let columns = words::columns(io::stdout().is_terminal());
    prompt.load(&mut out)?;
    print(&mut out, &prompt.greeting(), columns)?;
    loop {
        if is_typed {
            write!(out, "> ")?;
            out.flush()?;
        }
        let Some(line) = prompt.listen(&lines) else { break };
        let line = if line.trim().is_empty() { prompt.last.clone() } else { line.trim().to_owned() };
        if !is_typed {
            writeln!(out, "> {line}")?;
        }
        if line.is_empty() {
            continue;
        }
        prompt.last.clone_from(&line);
        match prompt.answer(&line) {
            Some(lines) => print(&mut out, &lines, columns)?,
            None => break,
        }
    }
    print(&mut out, &prompt.farewell(), columns)
}

fn print(out: &mut impl Write, lines: &[String], columns: usize) -> io::Result<()> {
    for line in lines.iter().flat_map(|line| broken(line, columns)) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// The lines of standard input, read on a thread of their own: who waits for one goes on giving signs of life.
fn read_lines() -> io::Result<Receiver<String>> {
    let (send, lines) = mpsc::channel();
    let read = move || {
        for line in io::stdin().lock().lines() {
            let line = match line {
                Ok(line) => line,
                // What is no text is no command either, and is told so.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => char::REPLACEMENT_CHARACTER.to_string(),
                Err(_) => return,
            };
            if send.send(line).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
    Ok(lines)
}

impl Prompt<'_> {
    /// The next line; nothing at the end of the input, or when the process is asked to end.
    fn listen(&mut self, lines: &Receiver<String>) -> Option<String> {
        loop {
            if self.asked_to_end.load(Ordering::Acquire) {
                return None;
            }
            match lines.recv_timeout(SIGN_OF_LIFE) {
                Ok(line) => return Some(line),
                Err(RecvTimeoutError::Timeout) => drop(self.attend()),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Takes in what has happened, and tells the program that somebody is there.
    fn attend(&mut self) -> Status {
        let status = self.program.status();
        match self.program.update(&mut self.log) {
            News::Nothing | News::More => {}
            News::Another => {
                (self.cursor, self.told, self.search, self.page) = (None, 0, None, None);
                self.stops.begin_again();
                self.lookout = Lookout::default();
            }
            News::Shorter => {
                if self.cursor.take().is_some() {
                    self.notices.push("what you looked at has been let go: this is the end of the log".to_owned());
                }
                self.told = self.log.len();
                (self.lookout, self.search) = (Lookout::default(), None);
                self.stops.begin_again();
            }
        }
        self.lookout.read(&self.chain, &self.log);
        while let Some(notice) = self.program.notice() {
            self.notices.push(notice);
        }
        self.note_hit(&status);
        status
    }

    /// Reads what a file has, and says how far it has come to who waits for long.
    fn load(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut told = Instant::now();
        while let Some(Progress { done, all }) = self.program.progress() {
            if self.asked_to_end.load(Ordering::Acquire) {
                break;
            }
            self.attend();
            if told.elapsed() > TELL_EVERY {
                told = Instant::now();
                writeln!(out, "Reading, {} percent.", 100 * done / all.max(1))?;
                out.flush()?;
            }
        }
        Ok(())
    }

    /// Reads what has come to a file since.
    fn read_on(&mut self) {
        self.attend();
        while self.program.progress().is_some() && !self.asked_to_end.load(Ordering::Acquire) {
            self.attend();
        }
    }

    /// Waits until a step has come to its end.
    fn settle(&mut self) -> Arrival {
        let began = Instant::now();
        let mut changed = (self.log.len(), began);
        loop {
            let status = self.attend();
            match status.run {
                Run::Paused(stop) => {
                    // The log says so too, a moment later.
                    if self.log.latest().held().iter().any(|held| held.thread == stop.thread) {
                        return Arrival::Stopped;
                    }
                }
                Run::Free if self.breaks.is_any_on() && !status.detached => {}
                Run::Free | Run::Over if self.has_ended() => return Arrival::Over,
                Run::Free | Run::Over => return Arrival::Free,
                Run::Stepping if status.detached => return Arrival::Free,
                Run::Stepping => {}
            }
            if self.has_ended() {
                return Arrival::Over;
            }
            if self.log.len() != changed.0 {
                changed = (self.log.len(), Instant::now());
            } else if changed.1.elapsed() > QUIET && self.is_waiting() {
                return Arrival::Waiting;
            }
            if began.elapsed() > PATIENCE || self.asked_to_end.load(Ordering::Acquire) {
                return Arrival::NotYet;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Whether every lane is over.
    fn has_ended(&self) -> bool {
        let state = self.log.latest();
        !state.lanes().is_empty() && state.lanes().iter().all(|lane| lane.is_done)
    }

    /// Whether nothing will happen before something comes from outside.
    fn is_waiting(&self) -> bool {
        let state = self.log.latest();
        let doing: Vec<Activity> = state.lanes().iter().map(|lane| state.activity(lane)).collect();
        doing.contains(&Activity::Polling)
            && !doing.iter().any(|doing| matches!(doing, Activity::Running | Activity::Held(_) | Activity::Paused(_)))
    }

    fn cursor(&self) -> usize {
        self.cursor.unwrap_or(self.log.len()).min(self.log.len())
    }

    fn state(&self) -> State {
        self.log.state_at(self.cursor())
    }

    fn marks(&self) -> Landmarks {
        self.lookout.landmarks()
    }

    fn greeting(&mut self) -> Lines {
        let mut lines = Lines::new();
        if self.is_recording {
            let end = self.log.clock().program(self.log.time_at(self.log.len()));
            let what = format!("{}: a recording of {} events, {end}.", self.program.address(), self.log.len());
            lines.push(what);
            lines.extend(self.program.remark().map(|remark| format!("It is {remark}.")));
            lines.append(&mut self.notices);
            lines.push("You are at its beginning. step goes on, help lists the commands, quit leaves.".to_owned());
        } else {
            self.settle();
            lines.push("The server is held at its first call. step goes on, help lists the commands.".to_owned());
            lines.push("lesson says what a call is about, quit stops the server. An empty line repeats.".to_owned());
            lines.extend(self.tell());
        }
        lines.extend(breaks::greeting(self.breaks.all()));
        lines
    }

    /// What is said to a line; nothing says goodbye.
    fn answer(&mut self, line: &str) -> Option<Lines> {
        self.attend();
        let answer = self.obey(line)?;
        let mut lines: Lines = self.notices.drain(..).map(|notice| format!("Meanwhile: {}", ended(&notice))).collect();
        lines.extend(answer.unwrap_or_else(|why| vec![sentence(&why)]));
        Some(lines)
    }

    /// What happened since the last answer, as far as control passed on, and where we are.
    fn tell(&mut self) -> Lines {
        self.is_page_here = false;
        let cursor = self.cursor();
        let mut lines = Lines::new();
        if self.told < cursor {
            let marks = self.marks();
            // The last of them: a recording may be long.
            let (mut news, mut more) = (VecDeque::new(), 0);
            let mut push = |text: String| {
                news.push_back(text);
                if news.len() > TOLD {
                    news.pop_front();
                    more += 1;
                }
            };
            for (at, event) in (self.told..cursor).zip(self.log.events_in(self.told..cursor)) {
                if matches!(
                    event.kind,
                    Kind::Switch { .. } | Kind::Wake { .. } | Kind::LaneOpen { .. } | Kind::LaneClose
                ) {
                    push(super::sentences::event(&self.log, &event));
                }
                if Some(at + 1) == marks.loop_starts {
                    push("The loop starts".to_owned());
                }
                if Some(at + 1) == marks.loop_serves {
                    push("The loop serves".to_owned());
                }
            }
            lines.extend(
                (more > 0).then(|| format!("{} before these; events lists them.", words::counted(more, "event"))),
            );
            lines.extend(news.into_iter().map(|text| format!("{text}.")));
        }
        self.told = cursor;
        lines.extend(self.whereabouts());
        lines
    }
}
