//! What both faces write: one record each for what `tracing` tells them.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::Event;
use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Id, Record};

use super::callsites::Numbered;
use super::fields::{AnyFields, PlainFields};
use super::local::{self, Local};
use super::shared::Shared;
use super::task;
use super::words::{
    CLONE, EVENT, FOLLOWS, HAS_CALLSITE, HAS_PARENT, HAS_TASK, HEAD, IS_ROOT, NEW, PLAIN, RECORD, Sink,
};

/// The words of a record before its fields, but for its time.
struct Head {
    words: [u64; HEAD],
    used: usize,
}

impl Head {
    #[inline]
    fn new(tag: u8) -> Self {
        Self { words: [u64::from(tag), 0, 0, 0, 0, 0], used: 3 }
    }
}

impl Sink for Head {
    fn push(&mut self, word: u64) {
        self.words[self.used] = word;
        self.used += 1;
    }
}

/// An id for a span that is not recorded; it still names its callsite.
fn unrecorded(callsite: Numbered) -> u64 {
    u64::from(callsite.number.max(1)) << (64 - super::callsites::BITS)
}

impl Shared {
    /// Writes that a span is new. `id` is what its face calls it; without it, one is made.
    #[inline]
    pub(super) fn write_new(&self, attrs: &Attributes<'_>, id: Option<u64>) -> u64 {
        local::with(|local| {
            let callsite = local.callsite(attrs.metadata());
            if callsite.number == 0 || !local.is_ready(self) {
                if !local.is_muted() && (callsite.number == 0 || local.lacks_number()) {
                    self.unnumbered.fetch_add(1, Ordering::Relaxed);
                }
                return unrecorded(callsite);
            }
            let seal = || {
                let id = id.unwrap_or_else(|| local.next_id(callsite.number));
                local.note_new(id);
                id
            };
            let room = local.room();
            if room.len() > HEAD {
                let mut plain = PlainFields::<true>::new(&room[3..]);
                let flags = self.place_new(local, &mut plain, attrs, id.is_some(), callsite);
                attrs.record(&mut plain);
                if plain.is_whole() {
                    let id = seal();
                    self.complete(local, room, PLAIN, [id, plain.kinds.word(flags)], plain.used);
                    return id;
                }
            }
            let mut head = Head::new(NEW);
            let flags = self.place_new(local, &mut head, attrs, id.is_some(), callsite);
            let seal = |head: &mut Head| head.words[1] = seal();
            self.write_fields(local, head, 2, flags, seal, |visit| attrs.record(visit))
        })
    }

    /// What a new span's record says before its fields.
    #[inline(always)]
    fn place_new(
        &self,
        local: &Local,
        words: &mut impl Sink,
        attrs: &Attributes<'_>,
        names_callsite: bool,
        callsite: Numbered,
    ) -> u64 {
        let mut flags = 0;
        if names_callsite {
            flags |= HAS_CALLSITE;
            words.push(callsite.number.into());
        }
        flags | self.place(local, words, attrs.parent(), attrs.is_root(), callsite.has_lane)
    }

    /// Where something is: its parent, and the task if nothing else tells the lane.
    #[inline(always)]
    fn place(&self, local: &Local, words: &mut impl Sink, parent: Option<&Id>, is_root: bool, has_lane: bool) -> u64 {
        let mut flags = 0;
        if let Some(parent) = parent {
            flags |= HAS_PARENT;
            words.push(parent.into_u64());
        } else if is_root {
            flags |= IS_ROOT;
        }
        if (flags != 0 || has_lane || local.is_outside(self))
            && let Some(task) = task::current()
        {
            flags |= HAS_TASK;
            words.push(task);
        }
        flags
    }

    /// Completes a record whose words behind its head are in the page already, so many of them.
    #[inline]
    fn complete(&self, local: &Local, room: &[AtomicU64], tag: u8, head: [u64; 2], used: usize) {
        room[1].store(head[0], Ordering::Relaxed);
        room[2].store(head[1], Ordering::Relaxed);
        room[0].store(self.clock.ticks() << 8 | u64::from(tag), Ordering::Relaxed);
        local.publish(3 + used);
    }

    /// Writes a record with fields of any kind, put together apart from the page. The word at `info` says how much follows; `seal` completes the head at the last moment.
    /// Returns the head's second word.
    fn write_fields(
        &self,
        local: &Local,
        mut head: Head,
        info: usize,
        flags: u64,
        seal: impl FnOnce(&mut Head),
        visit: impl FnOnce(&mut dyn Visit),
    ) -> u64 {
        let mut fields = local.take_scratch();
        // Here the program's own code may run, and open spans of its own.
        visit(&mut *fields);
        let AnyFields { words, cut, .. } = &mut *fields;
        if *cut > 0 {
            self.cut.fetch_add(*cut, Ordering::Relaxed);
        }
        seal(&mut head);
        let used = head.used + words.len();
        head.words[info] = flags | (used as u64 - 3) << 8;
        head.words[0] |= self.clock.ticks() << 8;
        words.splice(0..0, head.words[..head.used].iter().copied());
        local.write_words(self, words);
        local.give_scratch(fields);
        head.words[1]
    }

    /// Writes that a span has values it had not.
    pub(super) fn write_record(&self, id: &Id, values: &Record<'_>) {
        local::with(|local| {
            if !local.is_ready(self) {
                return;
            }
            let room = local.room();
            if room.len() > HEAD {
                let mut plain = PlainFields::<false>::new(&room[3..]);
                values.record(&mut plain);
                if plain.is_whole() {
                    self.complete(local, room, RECORD, [id.into_u64(), (plain.used as u64) << 8], plain.used);
                    return;
                }
            }
            let mut head = Head::new(RECORD);
            head.words[1] = id.into_u64();
            self.write_fields(local, head, 2, 0, |_| {}, |visit| values.record(visit));
        });
    }

    /// Writes that something was said.
    pub(super) fn write_event(&self, event: &Event<'_>) {
        local::with(|local| {
            let callsite = local.callsite(event.metadata());
            if callsite.number == 0 || !local.is_ready(self) {
                if !local.is_muted() && (callsite.number == 0 || local.lacks_number()) {
                    self.unnumbered.fetch_add(1, Ordering::Relaxed);
                }
                return;
            }
            let room = local.room();
            if room.len() > HEAD {
                let mut plain = PlainFields::<false>::new(&room[3..]);
                let flags = self.place(local, &mut plain, event.parent(), event.is_root(), false);
                event.record(&mut plain);
                if plain.is_whole() {
                    let info = flags | (plain.used as u64) << 8;
                    self.complete(local, room, EVENT, [info, callsite.number.into()], plain.used);
                    return;
                }
            }
            let mut head = Head::new(EVENT);
            head.words[2] = callsite.number.into();
            let flags = self.place(local, &mut head, event.parent(), event.is_root(), false);
            self.write_fields(local, head, 1, flags, |_| {}, |visit| event.record(visit));
        });
    }

    /// Writes that one span follows from another.
    pub(super) fn write_follows(&self, id: &Id, cause: &Id) {
        let ticks = self.clock.ticks();
        local::with(|local| local.write(self, [ticks << 8 | u64::from(FOLLOWS), id.into_u64(), cause.into_u64()]));
    }

    /// Writes that there is one handle more on a span. It has a time, as it must come before the end of any other.
    #[inline]
    pub(super) fn write_clone(&self, id: &Id) {
        let ticks = self.clock.ticks();
        local::with(|local| local.write(self, [ticks << 8 | u64::from(CLONE), id.into_u64()]));
    }
}

#[cfg(test)]
mod tests {
    use tracing::field::Empty;
    use tracing::{debug, debug_span};

    use super::local;
    use crate::record::Recorder;

    #[test]
    fn plain_values_go_straight_into_the_page_whatever_they_are_said_of() {
        let recorder = Recorder::builder().build();
        let is_put_together_apart = || local::with(local::Local::forget_scratch);
        tracing::subscriber::with_default(recorder.subscriber(), || {
            let span = debug_span!("span", text = "text", number = Empty, is_true = Empty);
            // The first there is begins a page.
            is_put_together_apart();
            span.record("number", 1_i64);
            tracing::record_all!(span, number = 2_u64, is_true = true);
            debug!(parent: &span, message = "said", wide = 1_u64, more = 2.0);
            assert!(!is_put_together_apart());
            debug!("{}", "formatted");
            assert!(is_put_together_apart());
        });
        assert_eq!(recorder.counts().spans, 1);
    }
}
