//! What both faces write: one record each for what `tracing` tells them.

use std::sync::atomic::Ordering;

use tracing_core::Event;
use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Id, Record};

use super::callsites::Numbered;
use super::fields::{AnyFields, PlainFields};
use super::local::{self, Local};
use super::shared::Shared;
use super::task;
use super::words::{CLONE, EVENT, FOLLOWS, HAS_CALLSITE, HAS_PARENT, HAS_TASK, HEAD, IS_ROOT, NEW, RECORD};

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

    #[inline]
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
                if callsite.number == 0 {
                    self.unnumbered.fetch_add(1, Ordering::Relaxed);
                }
                return unrecorded(callsite);
            }
            let mut head = Head::new(NEW);
            let mut flags = 0;
            if id.is_some() {
                flags |= HAS_CALLSITE;
                head.push(callsite.number.into());
            }
            flags |= self.place(local, &mut head, attrs.parent(), attrs.is_root(), callsite.has_lane);
            self.write_fields(
                local,
                head,
                2,
                flags,
                |head| {
                    let id = id.unwrap_or_else(|| local.next_id(callsite.number));
                    head.words[1] = id;
                },
                |visit| attrs.record(visit),
            )
        })
    }

    /// Where something is: its parent, and the task if nothing else tells the lane.
    #[inline]
    fn place(&self, local: &Local, head: &mut Head, parent: Option<&Id>, is_root: bool, has_lane: bool) -> u64 {
        let mut flags = 0;
        if let Some(parent) = parent {
            flags |= HAS_PARENT;
            head.push(parent.into_u64());
        } else if is_root {
            flags |= IS_ROOT;
        }
        if (flags != 0 || has_lane || local.is_outside(self))
            && let Some(task) = task::current()
        {
            flags |= HAS_TASK;
            head.push(task);
        }
        flags
    }

    /// Writes a record with fields. The word at `info` says how much follows; `seal` completes the head at the last moment.
    /// Returns the head's second word.
    #[inline]
    fn write_fields(
        &self,
        local: &Local,
        mut head: Head,
        info: usize,
        flags: u64,
        seal: impl FnOnce(&mut Head),
        visit: impl Fn(&mut dyn Visit),
    ) -> u64 {
        let room = local.room(self);
        if room.len() > HEAD {
            let mut fields = PlainFields::new(&room[head.used..]);
            visit(&mut fields);
            if fields.is_whole() {
                let used = head.used + fields.used;
                seal(&mut head);
                head.words[info] = flags | (used as u64 - 3) << 8;
                head.words[0] |= self.clock.ticks() << 8;
                for (place, word) in room.iter().zip(&head.words[..head.used]) {
                    place.store(*word, Ordering::Relaxed);
                }
                local.publish(used);
                return head.words[1];
            }
        }
        self.write_any_fields(local, head, info, flags, seal, visit)
    }

    /// The same for values that must be formatted, or that the page has no room for.
    #[cold]
    #[inline(never)]
    fn write_any_fields(
        &self,
        local: &Local,
        mut head: Head,
        info: usize,
        flags: u64,
        seal: impl FnOnce(&mut Head),
        visit: impl Fn(&mut dyn Visit),
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
                if callsite.number == 0 {
                    self.unnumbered.fetch_add(1, Ordering::Relaxed);
                }
                return;
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

    /// Writes that there is one handle more on a span. It needs no time: it counts before what comes after it.
    #[inline]
    pub(super) fn write_clone(&self, id: &Id) {
        local::with(|local| local.write(self, [u64::from(CLONE), id.into_u64()]));
    }
}
