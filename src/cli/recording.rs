//! A file that is written beside whatever else happens to the log, on a thread of its own: neither the server nor a screen
//! waits for the disk.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::file::{Existing, FileError, Writer};
use crate::trace::{Batch, Log, Source};

/// How often the writer reads what there is.
const LOOK: Duration = Duration::from_millis(50);

/// A recording in progress.
pub(super) struct Recording {
    /// Each asks for everything up to now, and is answered when it is written. Without askers the recording ends.
    asks: mpsc::Sender<mpsc::Sender<()>>,
    thread: JoinHandle<Result<(), FileError>>,
}

impl Recording {
    /// Makes the file, so that what is wrong with it is said before anything starts.
    /// `tell` is called once, by the recording's thread, if it has to stop before its end.
    pub(super) fn start(
        path: &Path,
        existing: Existing,
        source: impl Source + 'static,
        tell: impl FnOnce(String) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let writer = Writer::create(path, existing)?;
        let (asks, asked) = mpsc::channel();
        let mut file = Output { source, writer, log: Log::new(), written: 0, generation: 0, run: 1 };
        let path = path.to_owned();
        let write = move || {
            let written = file.write(&path, existing, &asked);
            if let Err(error) = &written {
                // The program goes on; what was written before stays good.
                tell(format!("{error}; recording has stopped"));
            }
            written.and_then(|()| file.writer.finish())
        };
        let thread = std::thread::Builder::new().name("recording".to_owned()).spawn(write)?;
        Ok(Self { asks, thread })
    }

    /// Waits until what has been recorded up to now is written.
    pub(super) fn catch_up(&self) {
        let (answer, answered) = mpsc::channel();
        // A writer that has given up answers nothing.
        if self.asks.send(answer).is_ok() {
            let _ = answered.recv();
        }
    }

    /// Waits until everything is written, and ends the file.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        drop(self.asks);
        match self.thread.join() {
            Ok(written) => Ok(written?),
            Err(_) => Err(anyhow::anyhow!("the recording's thread failed; the file holds what was written before")),
        }
    }
}

struct Output<S> {
    source: S,
    writer: Writer,
    log: Log,
    written: usize,
    generation: u64,
    run: u32,
}

impl<S: Source> Output<S> {
    fn write(
        &mut self,
        path: &Path,
        existing: Existing,
        asked: &mpsc::Receiver<mpsc::Sender<()>>,
    ) -> Result<(), FileError> {
        loop {
            match asked.recv_timeout(LOOK) {
                Ok(answer) => {
                    let batch = self.source.finish();
                    self.take(batch, path, existing)?;
                    let _ = answer.send(());
                }
                Err(RecvTimeoutError::Timeout) => {
                    let batch = self.source.read(Duration::ZERO);
                    self.take(batch, path, existing)?;
                    self.writer.tick()?;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let batch = self.source.finish();
                    return self.take(batch, path, existing);
                }
            }
        }
    }

    fn take(&mut self, batch: Batch, path: &Path, existing: Existing) -> Result<(), FileError> {
        if self.generation != 0 && batch.generation != self.generation {
            self.run += 1;
            let next = Writer::create(&numbered(path, self.run), existing)?;
            std::mem::replace(&mut self.writer, next).finish()?;
            (self.log, self.written) = (Log::new(), 0);
        }
        self.generation = batch.generation;
        for chunk in &batch.chunks {
            let _ = self.log.append(chunk);
        }
        for event in self.log.events_in(self.written..self.log.len()) {
            self.writer.push(&event)?;
        }
        self.written = self.log.len();
        Ok(())
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
