//! Recordings of other tools, read into a log.
//!
//! ```text
//!   file ──► told by content ─┬─► chrome   trace events ──► rows ──► in the order of time ─┬─► chunks ──► Log
//!                             └─► lines    our own jsonl, an event a line ─────────────────┘
//! ```
//!
//! What a format cannot say is not made up: it is left out, and [`Import::remarks`] says so. The memory that is taken is bounded
//! by the length of the input, whatever is in it; the input itself is not kept.

mod args;
mod begun;
mod chrome;
mod digits;
mod edges;
mod lines;
mod members;
mod merge;
mod piece;
mod polls;
mod rows;
mod scan;
mod stack;
mod window;

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use self::chrome::{Chrome, PIECE, threads};
use self::lines::Lines;
use self::merge::Merge;
use self::window::Window;
use crate::trace::Log;

/// Bytes from which the format is told.
const HEAD: usize = 4096;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Trace events in JSON, as Chrome, Perfetto, `VizTracer` and tracing-chrome write them.
    Chrome,
    /// The `jsonl` of this program.
    Lines,
}

impl Foreign {
    /// What a file is, by the first of its bytes; nothing if it is something else.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        match head.first()? {
            b'[' => Some(Self::Chrome),
            // Each of our lines begins with its number.
            b'{' if head[1..].trim_ascii_start().starts_with(b"\"seq\"") => Some(Self::Lines),
            b'{' => Some(Self::Chrome),
            _ => None,
        }
    }

    /// What a file is; nothing if it cannot be read or is something else.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        let mut head = Vec::with_capacity(HEAD);
        fs::File::open(path).ok()?.take(HEAD as u64).read_to_end(&mut head).ok()?;
        Self::of(&head)
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chrome => "Chrome trace JSON",
            Self::Lines => "spanwalk's JSON lines",
        }
    }
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The system says no.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what it seemed to be.
    #[error("`{}` is no {}: {expected} was expected at byte {at}", path.display(), what.name())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it seemed to be.
        what: Foreign,
        /// What should be there.
        expected: &'static str,
        /// Where, from the beginning of the file.
        at: usize,
    },
}

/// What is wrong with bytes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Malformed {
    expected: &'static str,
    at: usize,
}

/// Why it cannot be read on.
#[derive(Debug)]
enum Wrong {
    Io(io::Error),
    Malformed(Malformed),
}

/// A file of another format, being read.
pub struct Import {
    path: PathBuf,
    what: Foreign,
    /// Bytes of the file.
    length: u64,
    stage: Stage,
}

enum Stage {
    /// Trace events are told apart.
    Chrome(Box<(Chrome, Window)>),
    /// They are put in order.
    Merge(Box<Merge>),
    Lines(Box<Lines>),
}

impl Import {
    /// Opens a file, of which nothing is read yet.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(path: &Path, what: Foreign) -> Result<Self, ImportError> {
        let cannot = |source| ImportError::Io { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(cannot)?;
        let length = file.metadata().map_err(cannot)?.len();
        Ok(Self::of(path, what, length, Box::new(file), (threads(), PIECE)))
    }

    /// The same of bytes that are there already; the path is for messages.
    #[must_use]
    pub fn new(path: &Path, what: Foreign, bytes: Vec<u8>) -> Self {
        Self::of(path, what, bytes.len() as u64, Box::new(Cursor::new(bytes)), (threads(), PIECE))
    }

    /// With so many threads at a time, each with so many bytes.
    fn of(
        path: &Path,
        what: Foreign,
        length: u64,
        from: Box<dyn Read + Send>,
        (threads, piece): (usize, usize),
    ) -> Self {
        let stage = match what {
            Foreign::Chrome => Stage::Chrome(Box::new((Chrome::new(threads, piece), Window::new(from)))),
            Foreign::Lines => Stage::Lines(Box::new(Lines::new(from))),
        };
        Self { path: path.to_owned(), what, length, stage }
    }

    /// What the file is.
    #[must_use]
    pub fn what(&self) -> Foreign {
        self.what
    }

    /// Reads on for at most about this long; whether there is more in the log than before.
    ///
    /// # Errors
    ///
    /// What the system says, and a file that is not what it seemed to be. What is before that is in the log only if it is
    /// [`Foreign::Lines`].
    pub fn read_for(&mut self, log: &mut Log, at_most: Duration) -> Result<bool, ImportError> {
        let until = Instant::now() + at_most;
        let before = log.len();
        let is_time = || Instant::now() < until;
        let Self { path, what, stage, .. } = self;
        let error = |wrong| match wrong {
            Wrong::Io(source) => ImportError::Io { path: path.clone(), source },
            Wrong::Malformed(Malformed { expected, at }) => {
                ImportError::Malformed { path: path.clone(), what: *what, expected, at }
            }
        };
        if let Stage::Chrome(reading) = stage {
            let (chrome, window) = &mut **reading;
            if !chrome.read(window, &is_time).map_err(error)? {
                return Ok(false);
            }
            *stage = Stage::Merge(Box::new(Merge::new(chrome.take_rows())));
        }
        match stage {
            Stage::Chrome(_) => {}
            Stage::Merge(merge) => merge.read(log, &is_time),
            Stage::Lines(lines) => lines.read(log, &is_time).map_err(error)?,
        }
        Ok(log.len() > before)
    }

    /// How much has been done of how much, in bytes.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let all = self.length;
        // To tell the events apart takes about as long as to put them in order.
        let done = match &self.stage {
            Stage::Chrome(reading) => reading.1.base() as u64 / 2,
            Stage::Merge(merge) => all / 2 + (all as f64 / 2.0 * merge.share()) as u64,
            Stage::Lines(lines) => lines.at() as u64,
        };
        (if self.is_done() { all } else { done.min(all.saturating_sub(1)) }, all)
    }

    /// Whether all has been read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.stage {
            Stage::Chrome(_) => false,
            Stage::Merge(merge) => merge.is_done(),
            Stage::Lines(lines) => lines.is_done(),
        }
    }

    /// What was in the file and is not in the log, and what the format could not say, a sentence each.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        match &self.stage {
            Stage::Chrome(_) => Vec::new(),
            Stage::Merge(merge) => merge.remarks(),
            Stage::Lines(lines) => lines.remarks(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::{Excerpt, Format};

    /// What comes of a file, read by so many threads with so many bytes each: its lines as our own, and what is said of it.
    fn read(text: &str, size: (usize, usize)) -> Result<(String, Vec<String>), String> {
        let bytes = text.as_bytes().to_vec();
        let from = Box::new(Cursor::new(bytes));
        let mut import = Import::of(Path::new("file"), Foreign::Chrome, text.len() as u64, from, size);
        let mut log = Log::new();
        while !import.is_done() {
            import.read_for(&mut log, Duration::ZERO).map_err(|error| error.to_string())?;
        }
        let mut lines = Vec::new();
        Format::named("jsonl").expect("it exists").write(&Excerpt::whole(&log), &mut lines).expect("memory takes all");
        Ok((String::from_utf8(lines).expect("it is JSON"), import.remarks()))
    }

    fn event() -> impl Strategy<Value = String> {
        // What looks like the begin of an event, in a text and in arguments.
        let args = prop_oneof![
            Just(String::new()),
            Just(r#","args":{"a":1}"#.to_owned()),
            Just(r#","args":{"b":"},{\"ph\":","a":[{"ph":1},{"ph":2}],"c":-1.5}"#.to_owned()),
        ];
        ("[XBEbeisfMC]", 0..50_u32, 0..3_u8, 0..5_u8, args, "[ \n]{0,2}").prop_map(
            |(phase, time, thread, name, args, blank)| {
                let called = match name {
                    // None is not an empty one.
                    3 => String::new(),
                    4 => r#","name":"""#.to_owned(),
                    name => format!(r#","name":"n{name}""#),
                };
                let said = format!(r#""tid":{thread},"pid":1,"id":{thread},"cat":"c"{called}{args}"#);
                format!(r#"{{"ph":"{phase}","ts":{time}.5,"dur":{name},{said}}}{blank}"#)
            },
        )
    }

    proptest! {
        #[test]
        fn a_file_is_the_same_in_pieces_of_any_size(
            events in prop::collection::vec(event(), 0..40),
            size in (1..5_usize, 1..300_usize),
            cut in prop::option::of(1..4_000_usize),
        ) {
            let mut text = format!(r#"{{"otherData":{{}},"traceEvents":[{}]}}"#, events.join(","));
            text.truncate(cut.unwrap_or(text.len()));
            prop_assert_eq!(read(&text, size), read(&text, (1, 1 << 20)));
        }
    }
}
