//! A file that is written beside whatever else happens to the log, on a thread of its own: nobody who records, and no screen,
//! waits for the disk.
//!
//! What has happened is in the file 250 ms later:
//!
//! ```text
//!     0 ms  it happens
//!    20     the source is looked at, and takes it in                       every LOOK
//!   140     its chunk is complete: it has been known for 120 ms            the recorder's rule
//!   160     the chunk is read, packed and written                          at the next look
//!   250     it has to be there: 90 ms are left for a machine that has other things to do
//! ```

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::append::append;
use super::{Existing, FileError, MAGIC, Writer};
use crate::trace::{Batch, BookmarkEdit, Seq, Source};

/// How often the source is read.
const LOOK: Duration = Duration::from_millis(20);

/// How a recording is written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ways {
    /// What to do about the file if it exists. With `rotate`, to replace it is to remove the numbered files of earlier
    /// recordings too; files that are no recordings stay.
    pub existing: Existing,
    /// Bytes after which the next file is begun, if any: `work.spanwalk`, `work-2.spanwalk`, … Each opens alone. Numbers that
    /// are taken are passed over.
    pub rotate: Option<u64>,
    /// How many files of this recording are kept, if not all: with `rotate`, what it takes on disk is bounded. Files that were
    /// there before and are not replaced are nobody's to remove.
    pub keep: Option<NonZero<usize>>,
}

impl Default for Ways {
    /// One file, and none is replaced.
    fn default() -> Self {
        Self { existing: Existing::Keep, rotate: None, keep: None }
    }
}

impl Ways {
    /// Replaces what exists: see [`Ways::existing`].
    #[must_use]
    pub fn replacing(self) -> Self {
        Self { existing: Existing::Replace, ..self }
    }

    /// Begins the next file after so many bytes: see [`Ways::rotate`].
    #[must_use]
    pub fn rotating(self, bytes: u64) -> Self {
        Self { rotate: Some(bytes), ..self }
    }

    /// Keeps so many files: see [`Ways::keep`].
    #[must_use]
    pub fn keeping(self, files: NonZero<usize>) -> Self {
        Self { keep: Some(files), ..self }
    }
}

/// What is asked of a recording.
enum Ask {
    /// To write everything up to now, and to answer then.
    CatchUp(mpsc::Sender<()>),
    /// The same, and then what a person has marked; to call this when it is in the file.
    Mark(BookmarkEdit, Box<dyn FnOnce() + Send>),
}

/// A recording in progress. Dropping it ends the file in good order; [`Recording::finish`] also says what went wrong.
///
/// A program that ends without either, by `std::process::exit` or a signal, leaves a file without its end, that opens all
/// the same: what [`Recording::catch_up`] has waited for is in it, and what is older than 250 ms.
///
/// A forked child has no part in it: there it does nothing and waits for nothing.
#[must_use = "what is dropped is ended"]
pub struct Recording {
    /// What is asked of the thread. Without askers the recording ends.
    asks: Option<mpsc::Sender<Ask>>,
    thread: Option<JoinHandle<Result<(), FileError>>>,
    /// The process that the thread is in.
    process: u32,
}

impl Recording {
    /// Makes the file, so that what is wrong with it is said before anything starts, and writes what the source gives, each
    /// chunk as it comes. `tell` is called once, by the recording's thread, if it has to stop before its end: the program
    /// goes on, and what was written before stays good.
    ///
    /// A source that is begun anew, or a file that is full, goes on in the next file.
    ///
    /// # Errors
    /// If the file exists and is to be kept, or the system refuses.
    pub fn start(
        path: &Path,
        ways: Ways,
        source: impl Source + 'static,
        tell: impl FnOnce(&FileError) + Send + 'static,
    ) -> Result<Self, FileError> {
        let writer = Writer::create(path, ways.existing)?;
        if ways.existing == Existing::Replace && ways.rotate.is_some() {
            earlier(path).iter().try_for_each(|path| remove(path))?;
        }
        let (asks, asked) = mpsc::channel();
        let mut output =
            Output { source, writer, path: path.to_owned(), ways, generation: 0, files: 1, ended: VecDeque::new() };
        let write = move || {
            let written = output.write(&asked).and_then(|()| output.writer.finish());
            if let Err(error) = &written {
                tell(error);
            }
            written
        };
        let thread = std::thread::Builder::new().name("recording".to_owned()).spawn(write);
        let thread = thread.map_err(|cause| FileError::Io { doing: "write", path: path.to_owned(), cause })?;
        Ok(Self { asks: Some(asks), thread: Some(thread), process: std::process::id() })
    }

    /// Waits until what has been recorded up to now is written.
    pub fn catch_up(&self) {
        if self.is_forked() {
            return;
        }
        let (answer, answered) = mpsc::channel();
        // A writer that has given up answers nothing.
        if self.asks.as_ref().is_some_and(|asks| asks.send(Ask::CatchUp(answer)).is_ok()) {
            let _ = answered.recv();
        }
    }

    /// Has a bookmark written, behind everything up to now, or that there is none any more: into the file that has its place,
    /// if that is an earlier one of a rotation. Waits for nothing; `done` is called when it is in the file, and is not if the
    /// recording has stopped.
    pub fn mark(&self, edit: BookmarkEdit, done: impl FnOnce() + Send + 'static) {
        if let Some(asks) = self.asks.as_ref().filter(|_| !self.is_forked()) {
            // A writer that has given up does nothing.
            let _ = asks.send(Ask::Mark(edit, Box::new(done)));
        }
    }

    /// Whether it has stopped before its end. What has been asked of it until then and is not done, never will be.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until everything is written, and ends the file.
    ///
    /// # Errors
    /// Why the recording stopped before its end.
    pub fn finish(mut self) -> Result<(), FileError> {
        self.end()
    }

    fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    fn end(&mut self) -> Result<(), FileError> {
        if self.is_forked() {
            // There is no such thread here, and whatever it had locked stays so.
            std::mem::forget((self.asks.take(), self.thread.take()));
            return Ok(());
        }
        drop(self.asks.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Whoever wants to know calls `finish`; `tell` has been told.
            let _ = self.end();
        }
    }
}

struct Output<S> {
    source: S,
    writer: Writer,
    path: PathBuf,
    ways: Ways,
    generation: u64,
    /// How many files were begun.
    files: u32,
    /// Those before this one, oldest first.
    ended: VecDeque<Ended>,
}

/// A file that is full, or whose source was begun anew.
struct Ended {
    path: PathBuf,
    /// The place in the recording of its first event.
    first: Option<Seq>,
    generation: u64,
}

impl<S: Source> Output<S> {
    fn write(&mut self, asked: &mpsc::Receiver<Ask>) -> Result<(), FileError> {
        loop {
            match asked.recv_timeout(LOOK) {
                Ok(Ask::Mark(edit, done)) => {
                    let batch = self.source.finish();
                    self.take(batch)?;
                    self.mark(&edit)?;
                    done();
                }
                Ok(Ask::CatchUp(answer)) => {
                    let batch = self.source.finish();
                    self.take(batch)?;
                    // Whoever asked may have gone.
                    let _ = answer.send(());
                }
                Err(RecvTimeoutError::Timeout) => {
                    let batch = self.source.read(Duration::ZERO);
                    self.take(batch)?;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let batch = self.source.finish();
                    return self.take(batch);
                }
            }
        }
    }

    fn take(&mut self, batch: Batch) -> Result<(), FileError> {
        if self.generation != 0 && batch.generation != self.generation {
            self.next_file()?;
        }
        self.generation = batch.generation;
        for chunk in &batch.chunks {
            // Each opens alone: it begins with what is open.
            if chunk.has_open_set && self.ways.rotate.is_some_and(|most| self.writer.length() >= most) {
                self.next_file()?;
            }
            self.writer.push(chunk)?;
        }
        Ok(())
    }

    fn mark(&mut self, edit: &BookmarkEdit) -> Result<(), FileError> {
        let at = edit.key().0;
        // The cursor at the first event of a file is at the end of the one before.
        let begins_before = |first: Option<Seq>| first.is_none_or(|first| first.0 < at.max(1));
        if !begins_before(self.writer.first()) {
            let of_this = self.ended.iter().rev().filter(|file| file.generation == self.generation);
            let file = of_this.into_iter().find(|file| begins_before(file.first));
            // A file that somebody has taken away has no room for it.
            if file.is_some_and(|file| append(&file.path, None, std::slice::from_ref(edit)).is_ok()) {
                return Ok(());
            }
        }
        self.writer.mark(edit)
    }

    fn next_file(&mut self) -> Result<(), FileError> {
        // In good order, whether or not the next can be made.
        self.writer.end()?;
        let (path, first) = (self.writer.path().to_owned(), self.writer.first());
        self.ended.push_back(Ended { path, first, generation: self.generation });
        self.writer = loop {
            self.files += 1;
            // Whatever has the name by now is not a part of what is to be replaced.
            match Writer::create(&numbered(&self.path, self.files), Existing::Keep) {
                Err(FileError::Exists { .. }) if self.files < u32::MAX => {}
                made => break made?,
            }
        };
        self.remove_oldest()
    }

    /// Removes files of this recording until no more are left than are kept.
    fn remove_oldest(&mut self) -> Result<(), FileError> {
        let Some(keep) = self.ways.keep else { return Ok(()) };
        while self.ended.len() >= keep.get()
            && let Some(file) = self.ended.pop_front()
        {
            remove(&file.path)?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        // Somebody has taken it away.
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(FileError::Io { doing: "remove", path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}

/// The numbered files of earlier recordings to this path.
fn earlier(path: &Path) -> Vec<PathBuf> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A directory that cannot be read has nothing that is in the way.
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let [before, behind] = around_number(path);
    let is_earlier = |other: &PathBuf| {
        let name = other.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix(&*before).and_then(|name| name.strip_suffix(&*behind));
        number.is_some_and(is_number) && is_recording(other)
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_earlier).collect()
}

/// Whether it is a number that a rotation gives. A day, such as 20240229, is none.
fn is_number(text: &str) -> bool {
    let is_short = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_short && !text.starts_with('0') && text != "1"
}

fn is_recording(path: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *MAGIC
}

/// `lesson.spanwalk` becomes `lesson-2.spanwalk`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let [before, behind] = around_number(path);
    path.with_file_name(format!("{before}{number}{behind}"))
}

/// What is before and behind the number in the name of a further file.
fn around_number(path: &Path) -> [String; 2] {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map_or_else(String::new, |ending| format!(".{}", ending.to_string_lossy()));
    [format!("{stem}-"), ending]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_gets_a_number_before_its_ending() {
        assert_eq!(numbered(Path::new("a/lesson.spanwalk"), 2), Path::new("a/lesson-2.spanwalk"));
        assert_eq!(numbered(Path::new("lesson"), 3), Path::new("lesson-3"));
    }
}
