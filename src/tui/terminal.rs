//! The terminal: taken over in one place, given back in one place.
//!
//! Output goes to a handle of its own (`/dev/tty`, `CONOUT$`), never through `stdout()`: a thread of the watched
//! program that is held while it has stdout's lock must not freeze the screen. It is given back when [`Screen`] is
//! dropped, when the thread of the screens panics, and by [`restore`], which may be called from any thread.
//! Panics of other threads are kept and told later: they must not end or spoil a screen that lives on.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use ratatui::crossterm::{execute, queue, terminal};

/// Bytes that a whole picture fits in, so that it reaches the terminal in one piece.
const PICTURE: usize = 1 << 18;

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The thread that draws.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);
/// What other threads said when they panicked.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

type Backend = CrosstermBackend<BufWriter<Box<dyn Write>>>;

/// A terminal that is ours until this is dropped.
pub(super) struct Screen {
    /// Never dropped: ratatui's drop shows the cursor, which [`restore`] does already, and panics where the terminal and
    /// stderr are both gone.
    terminal: ManuallyDrop<Terminal<Backend>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If there is none, or it cannot be put into raw mode.
    pub(super) fn take() -> io::Result<Self> {
        hook_panics();
        *DRAWS.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let entered = execute!(handle(), EnterAlternateScreen, EnableMouseCapture, Hide);
        let screen =
            entered.and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(PICTURE, handle()))));
        match screen {
            Ok(terminal) => Ok(Self { terminal: ManuallyDrop::new(terminal) }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// If the terminal does not say.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        terminal::size()
    }

    /// Puts one picture on the screen.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        // A terminal that knows how shows all of it at once.
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| picture(frame.buffer_mut()))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }
}

impl Screen {
    /// Sends the terminal something that is no picture.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) fn send(&mut self, sequence: &str) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        backend.write_all(sequence.as_bytes())?;
        io::Write::flush(backend)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if it is ours. May be called from any thread, any number of times.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Nobody is left to tell if this fails: the terminal is gone.
    let _ = execute!(handle(), EndSynchronizedUpdate, DisableMouseCapture, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let panics = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
    if !panics.is_empty() {
        let _ = writeln!(io::stderr(), "{}", panics.join("\n"));
    }
}

/// The panics of other threads since the last call; they are told again on stderr when the terminal is given back.
pub(super) fn new_panics(told: &mut usize) -> Vec<String> {
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let new = panics.get(*told..).unwrap_or_default().to_vec();
    *told = panics.len();
    new
}

/// A handle to the terminal that shares no lock with anybody.
fn handle() -> Box<dyn Write> {
    let path = if cfg!(windows) { "CONOUT$" } else { "/dev/tty" };
    let opened: io::Result<File> = OpenOptions::new().read(cfg!(windows)).write(true).open(path);
    match opened {
        Ok(file) => Box::new(file),
        Err(_) => Box::new(io::stdout()),
    }
}

fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let draws = *DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
            if draws == Some(thread::current().id()) {
                restore();
            }
            if TAKEN.load(Ordering::SeqCst) {
                let name = thread::current().name().unwrap_or("unnamed").to_owned();
                let panics = &mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner);
                panics.push(format!("thread `{name}`: {info}"));
            } else {
                before(info);
            }
        }));
    });
}
