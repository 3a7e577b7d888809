//! The loop: input first, then what arrived, then one picture, if anything changed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event};

use super::against::Against;
use super::command::Action;
use super::copy::Clipboard;
use super::keys::Keys;
use super::layout::Arrangement;
use super::material::Material;
use super::program::Program;
use super::scene::scene as row_of;
use super::terminal::{Screen, new_panics};
use super::theme::Theme;
use super::ui::{Effect, Ui};
use super::{draw, keymap};
use crate::trace::{Breakpoints, Command, Log, Run};

/// Keeps an arrangement of the panes.
pub type Remember = Arc<dyn Fn(&Arrangement) + Send + Sync>;

/// What the command line may ask for.
#[derive(Clone, Default)]
pub struct Options {
    /// How the panes are arranged at first.
    pub arrangement: Arrangement,
    /// Told in the end how they are arranged, if a person has changed that.
    pub remember: Option<Remember>,
    /// How roles look. `NO_COLOR` takes the colours away.
    pub theme: Theme,
    /// Which key does what.
    pub keys: Keys,
    /// Who stands between the screens and the clipboard.
    pub clipboard: Clipboard,
    /// Where the run stops by itself.
    pub breakpoints: Breakpoints,
    /// Another recording, to be looked at beside this one.
    pub against: Option<Against>,
    /// Take a step every so often.
    pub step_every: Option<Duration>,
    /// Set by whoever wants the screen to end, a signal for instance.
    pub asked_to_end: Arc<AtomicBool>,
}

/// The least time between two pictures: 60 a second.
const FRAME: Duration = Duration::from_micros(16_667);
/// The same while a file is read and nobody types: a picture takes as long as some thousand events.
const FRAME_OF_LOADING: Duration = Duration::from_millis(50);
/// How much input is taken in at once.
const INPUTS: usize = 64;
/// How long is worked at once at what a person has asked of the whole recording: less than a picture takes.
const WORK: Duration = Duration::from_millis(5);
/// How often a program is asked for news while nobody types. Also the sign of life that its gate wants.
const LOOK: Duration = Duration::from_millis(16);

/// Shows a program until the person quits. Needs the thread for itself; the terminal is given back on every way out.
///
/// # Errors
/// If there is no terminal, or it goes away.
pub fn run(program: &mut dyn Program, material: Material<'_>, options: &Options) -> io::Result<()> {
    let mut screen = Screen::take()?;
    let mut ui = Ui::new(Log::new(), material, screen.size()?, options.theme.in_env());
    ui.set_keys(options.keys.clone());
    ui.set_clipboard(options.clipboard);
    ui.set_arrangement(options.arrangement.clone());
    if !options.breakpoints.all().is_empty() {
        program.command(Command::Breakpoints(options.breakpoints.all().to_vec()));
        ui.set_breakpoints(options.breakpoints.clone());
    }
    if let Some(against) = &options.against {
        ui.set_against(against.clone());
    }
    if let Some(every) = options.step_every {
        ui.walk_every(every);
    }
    let ended = show(program, &mut screen, &mut ui, &options.asked_to_end);
    if let Some(remember) = options.remember.as_ref().filter(|_| *ui.arrangement() != options.arrangement) {
        remember(ui.arrangement());
    }
    ended
}

fn show(program: &mut dyn Program, screen: &mut Screen, ui: &mut Ui<'_>, asked_to_end: &AtomicBool) -> io::Result<()> {
    let began = Instant::now();
    let mut is_dirty = true;
    let mut is_typed = false;
    let mut drawn: Option<Instant> = None;
    let mut panics_told = 0;
    let inputs = inputs()?;
    let mut waiting = None;
    while !asked_to_end.load(Ordering::Acquire) {
        // A flood of input must not keep the gate waiting for its sign of life.
        for input in waiting.take().into_iter().chain(inputs.try_iter()).take(INPUTS) {
            let Some(action) = keymap::action(&input?, ui.mode(), &ui.keys) else {
                continue;
            };
            (is_dirty, is_typed) = (true, true);
            match ui.act(action) {
                Effect::Quit => return Ok(()),
                Effect::Copy(text) => screen.send(&ui.clipboard.sequence(&text))?,
                effect => carry_out(effect, program, ui),
            }
        }
        // Asked for, not only waited for: several changes in a row may arrive as one, or as one too few.
        if let Ok((columns, rows)) = screen.size()
            && ui.size != (columns, rows)
        {
            ui.act(Action::Resize(columns, rows));
            is_dirty = true;
        }
        is_dirty |= ui.tick(began.elapsed());
        if let Some(effect) = ui.walk_on() {
            carry_out(effect, program, ui);
            is_dirty = true;
        }
        let has_come = ui.absorb(|log| program.update(log));
        is_dirty |= has_come;
        is_dirty |= ui.set_status(program.status());
        is_dirty |= ui.set_program(program.address(), program.started_with());
        is_dirty |= ui.set_clients(program.clients());
        is_dirty |= ui.set_progress(program.progress());
        is_dirty |= ui.set_remark(program.remark());
        is_dirty |= ui.set_unkept(program.unkept());
        if ui.has_work() {
            let began = Instant::now();
            ui.work(|| began.elapsed() < WORK);
            is_dirty = true;
        }
        for notice in program.notice().into_iter().chain(new_panics(&mut panics_told)) {
            ui.notify(notice.lines().collect::<Vec<_>>().join(" "));
            is_dirty = true;
        }
        let frame = if ui.is_loading() && !is_typed && has_come { FRAME_OF_LOADING } else { FRAME };
        if is_dirty && drawn.is_none_or(|at| at.elapsed() >= frame) {
            screen.draw(|buffer| draw::draw(buffer, ui))?;
            (is_dirty, is_typed, drawn) = (false, false, Some(Instant::now()));
        }
        // Sleeps until a key comes, or until it is time to look again; not while there is something to do.
        let is_busy = ui.has_work() || (has_come && ui.is_loading());
        let wait = if is_busy { Duration::ZERO } else { LOOK };
        match inputs.recv_timeout(wait) {
            Ok(input) => waiting = Some(input),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the terminal's input has ended")),
        }
    }
    Ok(())
}

/// What is typed, read by a thread of its own: reading from a terminal that was closed may never come back, and must not
/// keep the screens from ending.
fn inputs() -> io::Result<Receiver<io::Result<Event>>> {
    let (send, receive) = mpsc::channel();
    let read = move || {
        loop {
            let input = event::read();
            let has_failed = input.is_err();
            if send.send(input).is_err() || has_failed {
                return;
            }
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(receive)
}

fn carry_out(effect: Effect, program: &mut dyn Program, ui: &mut Ui<'_>) {
    match effect {
        Effect::None | Effect::Quit | Effect::Copy(_) => {}
        Effect::Command(command) => program.command(command),
        Effect::Stop => match program.stop() {
            Ok(()) => {
                let text = format!("the server is asked to stop: {} steps through it", ui.keys.shown("into"));
                ui.notify(text);
            }
            Err(why) => ui.notify(why),
        },
        Effect::Restart(restart) => match program.restart(restart) {
            // The new run begins with an empty log: then everything about the old one is forgotten.
            Ok(()) => ui.say_of_run("the server stops and starts again".to_owned()),
            Err(why) => ui.notify(why),
        },
        Effect::Mark(edit) => {
            ui.told_of_note(program.mark(&edit));
            // Before the next key: whoever leaves now is told.
            ui.set_unkept(program.unkept());
        }
        Effect::Send(scene) => match program.send(scene) {
            Ok(()) => {
                let then = if ui.status.run == Run::Free {
                    format!("to step through it, press {} first", ui.keys.shown("pause"))
                } else {
                    format!("{} steps through it", ui.keys.shown("into"))
                };
                ui.notify(format!("{}; {then}", row_of(scene).begun));
            }
            Err(why) => ui.notify(why),
        },
    }
}
