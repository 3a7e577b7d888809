//! A file that is written beside whatever else happens to the log, on a thread of its own: neither the server nor a screen
//! waits for the disk.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::file::{Existing, FileError, Writer};
use crate::trace::Event;

/// How often the writer looks whether a block is old enough, while nothing happens.
const LOOK: Duration = Duration::from_millis(50);

enum Order {
    Take(Vec<Event>),
    /// The program was started again: what follows is another log, and goes to another file.
    NextRun,
}

/// A recording in progress.
pub(super) struct Recording {
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<Result<(), FileError>>,
}

impl Recording {
    /// Makes the file, so that what is wrong with it is said before anything starts.
    /// `tell` is called once, by the recording's thread, if it has to stop before its end.
    pub(super) fn start(
        path: &Path,
        existing: Existing,
        tell: impl FnOnce(String) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let writer = Writer::create(path, existing)?;
        let (orders, taken) = mpsc::channel();
        let path = path.to_owned();
        let write = move || {
            let written = write(writer, &path, existing, &taken);
            if let Err(error) = &written {
                // The program goes on; what was written before stays good.
                tell(format!("{error}; recording has stopped"));
            }
            written
        };
        let thread = std::thread::Builder::new().name("recording".to_owned()).spawn(write)?;
        Ok(Self { orders, thread })
    }

    /// Takes in what happened next.
    pub(super) fn take(&self, events: &[Event]) {
        if !events.is_empty() {
            // A writer that has given up takes nothing any more.
            let _ = self.orders.send(Order::Take(events.to_vec()));
        }
    }

    /// The next event begins another log.
    pub(super) fn next_run(&self) {
        let _ = self.orders.send(Order::NextRun);
    }

    /// Waits until everything is written, and ends the file.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        drop(self.orders);
        match self.thread.join() {
            Ok(written) => Ok(written?),
            Err(_) => Err(anyhow::anyhow!("the recording's thread failed; the file holds what was written before")),
        }
    }
}

fn write(mut writer: Writer, path: &Path, existing: Existing, orders: &mpsc::Receiver<Order>) -> Result<(), FileError> {
    let mut run = 1;
    loop {
        match orders.recv_timeout(LOOK) {
            Ok(Order::Take(events)) => events.iter().try_for_each(|event| writer.push(event))?,
            Ok(Order::NextRun) => {
                writer.finish()?;
                run += 1;
                writer = Writer::create(&numbered(path, run), existing)?;
            }
            Err(RecvTimeoutError::Timeout) => writer.tick()?,
            Err(RecvTimeoutError::Disconnected) => return writer.finish(),
        }
    }
}

/// `lesson.spanwalk` becomes `lesson-2.spanwalk`.
fn numbered(path: &Path, run: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map_or_else(String::new, |ending| format!(".{}", ending.to_string_lossy()));
    path.with_file_name(format!("{stem}-{run}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_run_gets_a_number_before_its_ending() {
        assert_eq!(numbered(Path::new("a/lesson.spanwalk"), 2), Path::new("a/lesson-2.spanwalk"));
        assert_eq!(numbered(Path::new("lesson"), 3), Path::new("lesson-3"));
    }
}
