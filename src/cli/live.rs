//! The log of a program that runs, as a screen holds it: bounded, however long it is watched.
//!
//! When the log has grown to its limit a thread makes a shorter one of what is retained, and the two change places. The
//! recorder, the file that is written and the program know nothing of it.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::record::Reader;
use crate::trace::{Batch, Log, Retained, Source as _};
use crate::tui::News;

/// How much a screen holds, in bytes of packed events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Of the beginning: the start of the program with room to spare.
    head: usize,
    /// Of what is newest.
    recent: usize,
    /// In all, before what is between is let go.
    all: usize,
}

/// Some two million spans, and a third of a gigabyte with what finds them.
pub(super) const LIMITS: Limits = Limits { head: 1 << 20, recent: 12 << 20, all: 24 << 20 };

/// Keeps a log up with a recorder.
pub(super) struct Live {
    reader: Reader,
    generation: u64,
    limits: Limits,
    retained: Retained,
    /// The shorter log that is being made.
    shorter: Option<Receiver<Log>>,
}

impl Live {
    pub(super) fn new(reader: Reader, limits: Limits) -> Self {
        let retained = Retained::new(limits.head, limits.recent);
        Self { reader, generation: 0, limits, retained, shorter: None }
    }

    /// Adds what has been recorded since the last call.
    pub(super) fn update(&mut self, log: &mut Log) -> News {
        let Batch { generation, chunks } = self.reader.read(Duration::ZERO);
        let is_another = self.generation != 0 && self.generation != generation;
        self.generation = generation;
        if is_another {
            *log = Log::new();
            self.retained = Retained::new(self.limits.head, self.limits.recent);
            self.shorter = None;
        }
        for chunk in &chunks {
            self.retained.take(chunk);
            log.append(chunk).expect("the recorder's own chunks are well-formed");
        }
        if is_another {
            return News::Another;
        }
        if let Some(mut shorter) = self.shorter.as_ref().and_then(|shorter| shorter.try_recv().ok()) {
            self.shorter = None;
            self.retained.bring(&mut shorter).expect("the recorder's own chunks are well-formed");
            shorter.adopt_bookmarks(log);
            let whole = std::mem::replace(log, shorter);
            // To let so much go takes longer than a picture may.
            let _ = std::thread::Builder::new().name("forget".to_owned()).spawn(move || drop(whole));
            return News::Shorter;
        }
        if self.shorter.is_none()
            && !chunks.is_empty()
            && self.retained.has_forgotten()
            && log.memory().packed > self.limits.all
        {
            self.begin_shorter(log);
        }
        if chunks.is_empty() { News::Nothing } else { News::More }
    }

    fn begin_shorter(&mut self, log: &Log) {
        let (retained, clock) = (self.retained.clone(), log.clock().clone());
        let (send, receive) = mpsc::channel();
        let make = move || {
            let log = retained.log(&clock).expect("the recorder's own chunks are well-formed");
            // If the program was started again meanwhile, nobody wants it.
            let _ = send.send(log);
        };
        // Without a thread the log grows on, and the next call tries again.
        let made = std::thread::Builder::new().name("shorten".to_owned()).spawn(make);
        self.shorter = made.ok().map(|_| receive);
    }
}

#[cfg(test)]
mod tests {
    use tracing::info_span;

    use super::*;
    use crate::record::Recorder;
    use crate::trace::{BookmarkEdit, Event, Kind};

    /// The names of the open calls of a lane, outermost first.
    fn stack(log: &Log, cursor: usize) -> Vec<String> {
        let state = log.state_at(cursor);
        let lane = &state.lanes()[0];
        lane.stack.iter().map(|frame| format!("{} {:?}", frame.callsite.name, frame.field("number"))).collect()
    }

    #[test]
    fn a_log_that_is_watched_for_long_keeps_its_beginning_what_is_newest_and_what_is_open() {
        let recorder = Recorder::builder().chunk(512).build();
        let limits = Limits { head: 2_000, recent: 4_000, all: 12_000 };
        let mut live = Live::new(recorder.reader(), limits);
        let (mut log, mut whole, mut reader) = (Log::new(), Log::new(), recorder.reader());
        let (mut longest, mut shortened) = (0, 0);
        tracing::subscriber::with_default(recorder.subscriber(), || {
            let _outer = info_span!(parent: None, "outer", lane = "main", number = 7).entered();
            let mut number = 0;
            while shortened < 5 {
                if shortened == 1 && log.bookmarks().all().is_empty() {
                    log.edit_bookmarks(BookmarkEdit::Set(log.bookmark_at(9, None, "kept")));
                }
                // While a shorter log is being made, nothing more comes than it has room for.
                if live.shorter.is_none() {
                    for _ in 0..20 {
                        number += 1;
                        info_span!("inner", number).in_scope(|| {});
                    }
                }
                shortened += usize::from(live.update(&mut log) == News::Shorter);
                longest = longest.max(log.memory().packed);
            }
        });
        reader.read_into(&mut whole, Duration::ZERO);
        live.update(&mut log);
        assert_eq!(log.bookmarks().all()[0].text(), "kept", "what a person says is not let go");
        assert!(longest < limits.all + 4_000, "{longest} bytes");
        assert_eq!(stack(&log, log.len()), stack(&whole, whole.len()));
        let gap = log.gaps()[0];
        assert!(gap.is_forgotten && gap.missing > 0 && log.dropped() == 0);
        assert!(log.lanes().iter().all(|lane| log.dropped_in(lane.id) == 0), "what is let go is not lost");
        assert_eq!(log.in_recording(log.len()), whole.len() as u64);
        let same = |a: Event, b: Event| (a.time, a.kind) == (b.time, b.kind);
        let mut head = log.events_in(..gap.at).zip(whole.events_in(..));
        assert!(gap.at > 20 && head.all(|(a, b)| same(a, b)), "the beginning is there");
        let begin = log.in_recording(gap.resumed) as usize;
        assert!(log.events_in(gap.resumed..).zip(whole.events_in(begin..)).all(|(a, b)| same(a, b)));
        assert!(matches!(log.event(gap.at).unwrap().kind, Kind::Dropped { count } if count == gap.missing));
        for cursor in [0, gap.at, gap.resumed, gap.resumed + 9, log.len()] {
            assert_eq!(log.from_recording(log.in_recording(cursor)), cursor);
            if cursor > 0 {
                assert_eq!(stack(&log, cursor), stack(&whole, log.in_recording(cursor) as usize), "at {cursor}");
            }
        }
    }
}
