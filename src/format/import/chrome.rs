//! Trace events in JSON, told apart into rows.
//!
//! ```text
//!   [{"name":"spawn","cat":"gevent","ph":"X","ts":1893.042,"dur":118.488,"pid":1,"tid":2,"args":{"func":"gethostbyaddr"}}, …
//!   {"traceEvents":[ … ],"displayTimeUnit":"ns"}
//!
//!   window ──cut where events seem to begin──► pieces, a thread each ──one after the other──► rows, lanes, callsites
//! ```
//!
//! The format is that of "Trace Event Format" (Chromium, 2016): phases `X`, `B`/`E`, `b`/`n`/`e` and their older `S`/`T`/`p`/`F`,
//! instants `i`, `I`, `R`, flows `s`/`t`/`f`, names of threads and processes `M`. The array may lack its end, as the format
//! allows, and the file may be cut off anywhere: what is whole is read. Times are read digit by digit, not as floats.
//!
//! Where an event begins cannot be known without reading all before it. So that is guessed, and a piece counts only if the one
//! before it ended where it begins.

use std::thread;

use super::piece::{Ending, Piece, guess};
use super::rows::Rows;
use super::scan::{Scan, Stop, TokenKind, member, raw};
use super::window::Window;
use super::{Malformed, Wrong};

/// Bytes of a piece, about.
pub(super) const PIECE: usize = 1 << 20;
/// A place in a window is a number of 32 bits.
const WINDOW: usize = u32::MAX as usize;
/// More threads than this are not worth their while.
const THREADS: usize = 8;

/// A file that is being read.
pub(super) struct Chrome {
    /// Where in the window the next event begins, or the comma before it; before the first is known, nothing.
    at: Option<usize>,
    is_first: bool,
    /// Bytes of the window that are looked at together, and of a piece of it.
    span: usize,
    piece: usize,
    threads: usize,
    /// Bytes of a window at the most.
    longest: usize,
    rows: Rows,
}

impl Chrome {
    /// Of a file that is read with so many threads at a time, each with so many bytes.
    pub(super) fn new(threads: usize, piece: usize) -> Self {
        let (span, rows) = (threads * piece, Rows::default());
        Self { at: None, is_first: true, span, piece, threads, longest: WINDOW, rows }
    }

    /// What has been read.
    pub(super) fn take_rows(&mut self) -> Rows {
        std::mem::take(&mut self.rows)
    }

    /// Reads on while there is time; whether all is read.
    pub(super) fn read(&mut self, window: &mut Window, is_time: &dyn Fn() -> bool) -> Result<bool, Wrong> {
        loop {
            if self.turn(window)? {
                return Ok(true);
            }
            if !is_time() {
                return Ok(false);
            }
        }
    }

    /// Reads the next window; whether all is read.
    fn turn(&mut self, window: &mut Window) -> Result<bool, Wrong> {
        let past = self.at.unwrap_or(0);
        window.move_on(past, self.span).map_err(Wrong::Io)?;
        let base = window.base();
        let wrong = |wrong: Malformed| Wrong::Malformed(Malformed { at: wrong.at + base, ..wrong });
        if self.at.is_some() {
            self.at = Some(0);
        } else if !self.find(window).map_err(wrong)? {
            self.widen(0).map_err(wrong)?;
            return Ok(false);
        }
        let begin = self.at.unwrap_or(0);
        let ending = self.pieces(window.bytes(), begin).map_err(wrong)?;
        let at = self.at.unwrap_or(0);
        if ending == Ending::Last {
            return Ok(true);
        }
        if ending == Ending::Short && window.is_end() {
            // An array may lack its end; an event that lacks its own was cut off.
            let rest = window.bytes()[at..].trim_ascii();
            self.rows.cut = (!rest.is_empty() && rest != b",").then_some(base + at);
            return Ok(true);
        }
        if at == begin {
            // A longer event than that.
            self.widen(at).map_err(wrong)?;
        }
        Ok(false)
    }

    /// Looks at more together, as what begins at a place ends behind the window.
    fn widen(&mut self, at: usize) -> Result<(), Malformed> {
        if self.span >= self.longest {
            return Err(Malformed { expected: "an event of less than 4 GiB", at });
        }
        self.span = (self.span * 2).min(self.longest);
        Ok(())
    }

    /// Finds the first event; false if the window is too short for that.
    fn find(&mut self, window: &Window) -> Result<bool, Malformed> {
        let bytes = window.bytes();
        let begin = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        match find_events(&mut Scan::new(bytes, begin)) {
            Ok((at, is_ours)) => (self.at, self.rows.is_ours) = (Some(at), is_ours),
            Err(Stop::Bad(wrong)) => return Err(wrong),
            Err(Stop::End) if window.is_end() => {
                return Err(Malformed { expected: "`traceEvents`", at: bytes.len() });
            }
            Err(Stop::End) => return Ok(false),
        }
        Ok(true)
    }

    /// Reads a window from a place on, in pieces at once.
    fn pieces(&mut self, bytes: &[u8], begin: usize) -> Result<Ending, Malformed> {
        let mut begins = vec![begin];
        let each = ((bytes.len() - begin) / self.threads + 1).max(self.piece);
        for from in (begin..bytes.len()).step_by(each).skip(1) {
            begins.extend(guess(bytes, begin, from.max(begins[begins.len() - 1])));
        }
        let (is_first, is_ours) = (self.is_first, self.rows.is_ours);
        let read = |number: usize| {
            let until = begins.get(number + 1).copied().unwrap_or(usize::MAX);
            Piece::new(bytes, begins[number], is_first && number == 0, is_ours).read(until)
        };
        let pieces: Vec<Piece<'_>> = thread::scope(|scope| {
            let beside = |number| thread::Builder::new().spawn_scoped(scope, move || read(number)).ok();
            // Where the system gives no thread the pieces from there on are left for later.
            let others: Vec<_> = (1..begins.len()).map_while(beside).collect();
            let first = read(0);
            let others = others.into_iter().map(|other| other.join().expect("nothing in there panics"));
            std::iter::once(first).chain(others).collect()
        });
        let mut ending = Ending::Next;
        let mut at = begin;
        for piece in pieces {
            if piece.begin != at {
                // It was guessed wrong.
                return Ok(Ending::Next);
            }
            (at, ending) = (piece.at, piece.ending);
            self.is_first &= piece.count == 0;
            self.rows.add(bytes, piece)?;
            self.at = Some(at);
            match ending {
                Ending::Next => {}
                Ending::Bad(wrong) => return Err(wrong),
                Ending::Last | Ending::Short => return Ok(ending),
            }
        }
        Ok(ending)
    }
}

/// How many threads read a file.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(THREADS)
}

/// Goes to the first event: of an array, or of the member `traceEvents`.
fn find_events(scan: &mut Scan<'_>) -> Result<(usize, bool), Stop> {
    if scan.peek()? == b'[' {
        return Ok((scan.at() + 1, false));
    }
    scan.take(b'{', "an array of events, or an object with one")?;
    let (mut is_first, mut is_ours) = (true, false);
    let bytes = scan.bytes();
    while let Some(key) = scan.key(is_first)? {
        is_first = false;
        if &bytes[key.clone()] == b"traceEvents" {
            scan.take(b'[', "an array of events")?;
            return Ok((scan.at(), is_ours));
        }
        let data = scan.value()?;
        if &bytes[key] == b"otherData" && data.kind == TokenKind::Nested {
            let exporter = member(bytes, data.range(), b"exporter");
            is_ours = exporter.is_some_and(|exporter| raw(bytes, exporter).starts_with(b"spanwalk "));
        }
    }
    scan.bad("an object with `traceEvents`")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _};

    use super::*;

    #[test]
    fn an_event_without_end_is_no_reason_to_take_all_memory() {
        for (before, begin) in [(&b"[{\"ph\":\"X\",\"ts\":1,\"dur\":1},{\"a\":\""[..], 26), (b"{\"a\":\"", 0)] {
            let endless = before.chain(io::repeat(b'x'));
            let (mut chrome, mut window) = (Chrome::new(1, 16), Window::new(Box::new(endless)));
            chrome.longest = 100;
            let ended = chrome.read(&mut window, &|| true);
            assert!(matches!(ended, Err(Wrong::Malformed(Malformed { at, .. })) if at == begin), "{ended:?}");
            assert!(window.bytes().len() <= 100);
        }
    }
}
