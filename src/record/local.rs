//! What every recording thread has of its own: the page it writes, the spans it has entered, and its share of ids.
//!
//! It is plain data without a destructor, so that it is there at the price of an address and also while the thread ends. A
//! second thread-local, which is touched once a recorder, says goodbye for it.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::Metadata;

use super::callsites::{self, Numbered};
use super::fields::AnyFields;
use super::own;
use super::page::{self, Page};
use super::shared::Shared;
use super::stream::{COUNT_BITS, Stream, give_back_index, take_index};
use super::words::{ENTER, ENTER_NEWEST};
use crate::trace::Thread;

/// Full pages of a thread that the collector has not read, after which it is called.
const BEHIND: usize = 3;
/// Callsites whose numbers a thread has at hand; fewer, since each has one place, and some have the same.
const AT_HAND: usize = 256;

/// The writing end.
pub(super) struct Local {
    /// The recording that the rest is about; 0 is none.
    key: Cell<u64>,
    stream: ManuallyDrop<RefCell<Option<Arc<Stream>>>>,
    page: Cell<Option<&'static Page>>,
    at: Cell<usize>,
    /// Number of the stream in ids, and how many ids were given.
    index: Cell<u64>,
    count: Cell<u32>,
    /// There was no number left for its stream when one was asked for last.
    lacks_number: Cell<bool>,
    /// Nothing is to be recorded: the thread belongs to an older log of the same recorder, or is the recorder at work.
    is_muted: Cell<bool>,
    /// The span that was opened last.
    newest: Cell<u64>,
    /// The span that was left last, when, and how far the page was written then.
    left: Cell<(u64, u64, usize)>,
    /// The spans that the thread has entered, outermost first.
    entered: ManuallyDrop<RefCell<Vec<u64>>>,
    callsites: [Cell<(usize, Numbered)>; AT_HAND],
    /// Of callsites: for which set of breakpoints it was asked whether a call can stop there, and whether it can.
    stops: [Cell<(usize, u64, bool)>; AT_HAND],
    scratch: ManuallyDrop<RefCell<Option<Box<AnyFields>>>>,
}

thread_local! {
    static LOCAL: Local = const {
        Local {
            key: Cell::new(0),
            stream: ManuallyDrop::new(RefCell::new(None)),
            page: Cell::new(None),
            at: Cell::new(0),
            index: Cell::new(0),
            count: Cell::new(0),
            lacks_number: Cell::new(false),
            is_muted: Cell::new(false),
            newest: Cell::new(0),
            left: Cell::new((0, 0, 0)),
            entered: ManuallyDrop::new(RefCell::new(Vec::new())),
            callsites: [const { Cell::new((0, Numbered::NONE)) }; AT_HAND],
            stops: [const { Cell::new((0, 0, false)) }; AT_HAND],
            scratch: ManuallyDrop::new(RefCell::new(None)),
        }
    };
    static SEAT: RefCell<Seat> = const { RefCell::new(Seat { parts: Vec::new() }) };
}

/// The recordings this thread takes part in; when the thread ends, they are told.
struct Seat {
    parts: Vec<Part>,
}

struct Part {
    recorder: u64,
    stream: Arc<Stream>,
    /// What [`Local`] had for it when another recording took its place.
    saved: Option<Saved>,
}

struct Saved {
    page: Option<&'static Page>,
    at: usize,
    index: u64,
    count: u32,
    entered: Vec<u64>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            if let Some(saved) = &part.saved {
                give_back_index(saved.index, saved.count);
            }
            part.stream.is_over.store(true, Ordering::Release);
        }
        LOCAL.with(|local| {
            local.go();
            local.scratch.take();
        });
    }
}

/// Runs something with what this thread has of its own.
#[inline(always)]
pub(super) fn with<R>(run: impl FnOnce(&Local) -> R) -> R {
    own::with(&LOCAL, run)
}

/// Runs the recorder's own work: should it come back as a span, by an allocator that traces for instance, that asks for
/// nothing which may be taken: no number, no page, no place at the gate. What can be written without is recorded.
pub(super) fn muted<R>(run: impl FnOnce() -> R) -> R {
    LOCAL.with(|local| {
        let _quiet = Quiet::new(local);
        run()
    })
}

impl Local {
    /// What is to be known of a callsite.
    #[inline]
    pub(super) fn callsite(&self, metadata: &'static Metadata<'static>) -> Numbered {
        let address = std::ptr::from_ref(metadata) as usize;
        let place = &self.callsites[(address >> 3 ^ address >> 10) % AT_HAND];
        let (known, numbered) = place.get();
        if known == address {
            return numbered;
        }
        self.number(metadata, place)
    }

    /// The same, of one that is not at hand.
    #[cold]
    fn number(&self, metadata: &'static Metadata<'static>, place: &Cell<(usize, Numbered)>) -> Numbered {
        if self.is_muted.get() {
            // This thread may be where numbers are given.
            return Numbered::NONE;
        }
        let _quiet = Quiet::new(self);
        let numbered = callsites::number(metadata);
        place.set((std::ptr::from_ref(metadata) as usize, numbered));
        numbered
    }

    /// Whether a call of a callsite can stop at one of a set of breakpoints, as `ask` has it, which says of which set.
    pub(super) fn may_stop_at(&self, address: usize, set: u64, ask: impl FnOnce() -> (u64, bool)) -> bool {
        let place = &self.stops[(address >> 3 ^ address >> 10) % AT_HAND];
        let (known, of, may) = place.get();
        if (known, of) == (address, set) {
            return may;
        }
        if self.is_muted.get() {
            return false;
        }
        let _quiet = Quiet::new(self);
        let (of, may) = ask();
        place.set((address, of, may));
        may
    }

    /// Whether this thread is at the recorder's own work.
    pub(super) fn is_muted(&self) -> bool {
        self.is_muted.get()
    }

    /// An id that was never given before. The thread must be ready.
    #[inline]
    pub(super) fn next_id(&self, callsite: u32) -> u64 {
        let count = self.count.get();
        self.count.set(count + 1);
        u64::from(callsite) << (64 - callsites::BITS) | self.index.get() << COUNT_BITS | u64::from(count)
    }

    /// Whether this thread cannot be recorded since too many are.
    pub(super) fn lacks_number(&self) -> bool {
        self.lacks_number.get()
    }

    /// Whether this thread writes for that recording; it is made to if it may.
    #[inline]
    pub(super) fn is_ready(&self, shared: &Shared) -> bool {
        self.is_at(shared) && self.count.get() < u32::MAX || self.settle(shared).is_some()
    }

    #[inline]
    fn is_at(&self, shared: &Shared) -> bool {
        self.key.get() == shared.key()
    }

    /// The thread, as the log has it.
    pub(super) fn thread(&self) -> Option<Arc<Thread>> {
        self.stream.try_borrow().ok()?.as_ref().map(|stream| stream.thread.clone())
    }

    /// The span that was entered last and not before that, if it is of that recording.
    pub(super) fn current(&self, shared: &Shared) -> Option<u64> {
        if !self.is_at(shared) {
            return None;
        }
        let entered = self.entered.try_borrow().ok()?;
        (0..entered.len()).rev().find(|at| !entered[..*at].contains(&entered[*at])).map(|at| entered[at])
    }

    /// Whether the thread is in no span of that recording.
    #[inline]
    pub(super) fn is_outside(&self, shared: &Shared) -> bool {
        !self.is_at(shared) || self.entered.try_borrow().is_ok_and(|entered| entered.is_empty())
    }

    /// Notes the span that was opened last.
    #[inline]
    pub(super) fn note_new(&self, id: u64) {
        self.newest.set(id);
    }

    /// Whether a span is the one that was opened last.
    #[inline]
    pub(super) fn is_newest(&self, id: u64) -> bool {
        self.newest.get() == id
    }

    #[inline]
    pub(super) fn push_entered(&self, id: u64) {
        if let Ok(mut entered) = self.entered.try_borrow_mut() {
            entered.push(id);
        }
    }

    /// Whether it was the one entered last.
    #[inline]
    pub(super) fn pop_entered(&self, id: u64) -> bool {
        let Ok(mut entered) = self.entered.try_borrow_mut() else { return false };
        if entered.last() == Some(&id) {
            entered.pop();
            return true;
        }
        if let Some(at) = entered.iter().rposition(|other| *other == id) {
            entered.remove(at);
        }
        false
    }

    /// The free words of the page; none if a new one is due. The thread must be ready.
    #[inline(always)]
    pub(super) fn room(&self) -> &'static [AtomicU64] {
        self.page.get().and_then(|page| page.words.get(self.at.get()..)).unwrap_or_default()
    }

    /// Makes so many words known, that were written into [`Local::room`].
    #[inline(always)]
    pub(super) fn publish(&self, words: usize) {
        if let Some(page) = self.page.get() {
            let at = self.at.get() + words;
            self.at.set(at);
            page.publish(at);
        }
    }

    /// Writes a record.
    #[inline(always)]
    pub(super) fn write<const N: usize>(&self, shared: &Shared, words: [u64; N]) {
        let at = self.at.get();
        if self.is_at(shared)
            && let Some(page) = self.page.get()
            && let Some(room) = page.words.get(at..).and_then(|rest| rest.first_chunk::<N>())
        {
            for (place, word) in room.iter().zip(words) {
                place.store(word, Ordering::Relaxed);
            }
            self.at.set(at + N);
            page.publish(at + N);
        } else {
            self.write_elsewhere(shared, &words);
        }
    }

    /// Writes a record that was put together elsewhere.
    pub(super) fn write_words(&self, shared: &Shared, words: &[u64]) {
        let room = if self.is_at(shared) { self.room() } else { &[] };
        if let Some(room) = room.get(..words.len()) {
            for (place, word) in room.iter().zip(words) {
                place.store(*word, Ordering::Relaxed);
            }
            self.publish(words.len());
        } else {
            self.write_elsewhere(shared, words);
        }
    }

    /// Writes a record into a page that has room for it.
    #[cold]
    fn write_elsewhere(&self, shared: &Shared, words: &[u64]) {
        if self.settle(shared).is_none() || !self.turn_page(shared, words.len()) {
            return;
        }
        for (place, word) in self.room().iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
        self.publish(words.len());
        if SEAT.try_with(|_| ()).is_err() {
            // The thread is ending and nobody will say goodbye any more: each time it is in no span its stream ends.
            self.page.set(None);
            let enters = matches!(words[0] as u8, ENTER | ENTER_NEWEST);
            if !enters && self.entered.try_borrow().is_ok_and(|entered| entered.is_empty()) {
                let _quiet = Quiet::new(self);
                self.go();
            }
        }
    }

    /// Remembers when a span was left, for a close that follows at once.
    #[inline]
    pub(super) fn note_exit(&self, id: u64, ticks: u64) {
        self.left.set((id, ticks, self.at.get()));
    }

    /// When a span was left, if nothing has been recorded since.
    #[inline]
    pub(super) fn just_left(&self, id: u64, shared: &Shared) -> Option<u64> {
        let (left, ticks, at) = self.left.get();
        let is_it = left == id && at == self.at.get() && self.is_at(shared);
        is_it.then(|| if shared.clock.is_counted() { shared.clock.ticks() } else { ticks })
    }

    /// Takes the place for values that must be formatted; the program's own code may come back meanwhile and finds none.
    pub(super) fn take_scratch(&self) -> Box<AnyFields> {
        self.scratch.try_borrow_mut().ok().and_then(|mut scratch| scratch.take()).unwrap_or_default()
    }

    /// Lets go of it. Whether there was a use for it.
    #[cfg(test)]
    pub(super) fn forget_scratch(&self) -> bool {
        self.scratch.take().is_some()
    }

    /// Gives it back.
    pub(super) fn give_scratch(&self, mut scratch: Box<AnyFields>) {
        if self.page.get().is_none() {
            // The thread is ending, and nobody would let go of it.
            return;
        }
        scratch.words.clear();
        scratch.cut = 0;
        if let Ok(mut place) = self.scratch.try_borrow_mut() {
            *place = Some(scratch);
        }
    }

    /// Makes this thread one that writes for that recording. Nothing if it must not.
    #[cold]
    fn settle(&self, shared: &Shared) -> Option<()> {
        if self.is_muted.get() || shared.is_forked() {
            return None;
        }
        let _quiet = Quiet::new(self);
        if !self.is_at(shared) {
            // Without a seat the thread is ending.
            SEAT.try_with(|seat| self.change_over(&mut *seat.try_borrow_mut().ok()?, shared))
                .unwrap_or_else(|_| self.come(shared).map(drop))?;
        }
        if self.count.get() == u32::MAX {
            let Some((index, count)) = take_index() else {
                self.lacks_number.set(true);
                return None;
            };
            self.index.set(index);
            self.count.set(count);
        }
        Some(())
    }

    /// Puts aside what there is of another recording, and takes up this one.
    fn change_over(&self, seat: &mut Seat, shared: &Shared) -> Option<()> {
        if let Some(part) = seat.parts.iter_mut().find(|part| part.stream.key == self.key.get()) {
            part.saved = Some(Saved {
                page: self.page.get(),
                at: self.at.get(),
                index: self.index.get(),
                count: self.count.get(),
                entered: self.entered.take(),
            });
        }
        self.leave();
        let Some(part) = seat.parts.iter_mut().find(|part| part.recorder == shared.id) else {
            // Of recorders that are gone there is nothing to keep, and their numbers are free.
            for gone in seat.parts.extract_if(.., |part| Arc::strong_count(&part.stream) == 1) {
                gone.saved.iter().for_each(|saved| give_back_index(saved.index, saved.count));
            }
            let stream = self.come(shared)?;
            seat.parts.push(Part { recorder: shared.id, stream, saved: None });
            return Some(());
        };
        // Met in an older log: it has no place in the new one.
        if part.stream.key != shared.key() {
            return None;
        }
        let saved = part.saved.take()?;
        self.key.set(part.stream.key);
        self.stream.replace(Some(part.stream.clone()));
        self.page.set(saved.page);
        self.at.set(saved.at);
        self.index.set(saved.index);
        self.count.set(saved.count);
        self.entered.replace(saved.entered);
        Some(())
    }

    /// Begins a stream of this thread.
    fn come(&self, shared: &Shared) -> Option<Arc<Stream>> {
        let Some((index, count)) = take_index() else {
            self.lacks_number.set(true);
            return None;
        };
        let stream = shared.new_stream();
        self.leave();
        self.key.set(stream.key);
        self.stream.replace(Some(stream.clone()));
        self.index.set(index);
        self.count.set(count);
        Some(stream)
    }

    /// Ends the stream that this thread writes.
    fn go(&self) {
        if self.index.get() != 0 {
            give_back_index(self.index.get(), self.count.get());
        }
        if let Some(stream) = self.stream.take() {
            stream.is_over.store(true, Ordering::Release);
        }
        self.leave();
    }

    fn leave(&self) {
        self.key.set(0);
        self.stream.take();
        self.page.set(None);
        self.at.set(0);
        self.index.set(0);
        self.lacks_number.set(false);
        self.newest.set(0);
        self.left.set((0, 0, 0));
        self.entered.take();
    }

    /// Begins a page with room for so many words.
    fn turn_page(&self, shared: &Shared, words: usize) -> bool {
        let _quiet = Quiet::new(self);
        let Some(stream) = self.stream.borrow().clone() else { return false };
        let (waiting, full) = {
            let pages = stream.pages();
            (pages.len(), pages.back().copied())
        };
        // Before there is another behind it: only then is it read to its end.
        if let Some(full) = full {
            shared.page_full(full);
        }
        if waiting >= BEHIND {
            shared.call_collector();
        }
        if waiting > 1 {
            shared.wait_for_room(&stream);
        }
        let page = page::take(words);
        stream.pages().push_back(page);
        self.page.set(Some(page));
        self.at.set(0);
        true
    }
}

/// While it lives, this thread is muted.
struct Quiet<'a>(&'a Local, bool);

impl<'a> Quiet<'a> {
    fn new(local: &'a Local) -> Self {
        Self(local, local.is_muted.replace(true))
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.is_muted.set(self.1);
    }
}
