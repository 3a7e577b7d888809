//! A line on a terminal for who waits longer than a moment: how far something has come.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

/// How long one waits without being told why.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often one is told how far it has come.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// How far something has come. The line goes when this does.
pub(super) struct Progress {
    next: Instant,
    is_terminal: bool,
    is_shown: bool,
}

impl Progress {
    /// Of something that begins now.
    pub(super) fn new() -> Self {
        Self { next: Instant::now() + PATIENCE, is_terminal: io::stderr().is_terminal(), is_shown: false }
    }

    /// Shows it, if it is time to.
    pub(super) fn tell(&mut self, text: impl FnOnce() -> String) {
        if self.is_terminal && Instant::now() >= self.next {
            self.is_shown = true;
            self.next = Instant::now() + LOOK;
            // A line that cannot be shown is not missed.
            let _ = write!(io::stderr(), "\r{:24}", text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r{:24}\r", "");
        }
    }
}

/// Tells how much has been written.
pub(super) struct Watched<W> {
    out: W,
    bytes: u64,
    progress: Progress,
}

impl<W> Watched<W> {
    /// Of what is written to this.
    pub(super) fn new(out: W) -> Self {
        Self { out, bytes: 0, progress: Progress::new() }
    }

    /// How many bytes have been written.
    pub(super) fn written(&self) -> u64 {
        self.bytes
    }

    /// What was written to, and how many bytes.
    pub(super) fn into_parts(self) -> (W, u64) {
        (self.out, self.bytes)
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        let all = self.bytes;
        // Not for every word: looking at a clock costs more than writing one.
        if all / 65_536 != (all - written as u64) / 65_536 {
            self.progress.tell(|| format!("writing: {:.1} MB", all as f64 / 1e6));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
