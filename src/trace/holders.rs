//! Who has control of each thread, as it was when last somebody looked.

use std::collections::HashMap;

use super::{LaneId, ThreadId, Time};

/// Threads known before those that nobody has are forgotten.
const THREADS: usize = 64;

/// Who has control of a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) thread: ThreadId,
    /// The lane, and the callsite of its innermost call.
    pub(super) running: Option<(LaneId, u32)>,
    /// Since when, in program time.
    pub(super) since: Time,
}

/// Of all threads; those that nobody has may be forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    all: Vec<Holder>,
    places: HashMap<ThreadId, usize>,
    /// The place that was looked for last: mostly it is again.
    last: usize,
    /// At how many some are forgotten.
    due: usize,
}

impl Holders {
    pub(super) fn all(&self) -> &[Holder] {
        &self.all
    }

    /// The place of a thread.
    #[inline]
    pub(super) fn place(&mut self, thread: ThreadId) -> Option<usize> {
        if self.all.get(self.last).is_none_or(|holder| holder.thread != thread) {
            self.last = *self.places.get(&thread)?;
        }
        Some(self.last)
    }

    /// Adds a thread that is not known, and that nobody has: its place. Places of others may be others now.
    pub(super) fn add(&mut self, thread: ThreadId, since: Time) -> usize {
        if self.all.len() >= self.due.max(THREADS) {
            self.all.retain(|holder| holder.running.is_some());
            self.places = self.all.iter().enumerate().map(|(at, holder)| (holder.thread, at)).collect();
            // However many are in use, each is looked at a few times in all.
            self.due = 2 * self.all.len();
        }
        self.last = self.all.len();
        self.places.insert(thread, self.last);
        self.all.push(Holder { thread, running: None, since });
        self.last
    }

    /// Control of the thread at a place passes on at a program time; who had it.
    #[inline]
    pub(super) fn pass(&mut self, place: usize, running: Option<(LaneId, u32)>, since: Time) -> Holder {
        let holder = &mut self.all[place];
        std::mem::replace(holder, Holder { running, since, ..*holder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_nobody_has_are_forgotten_and_the_others_are_found() {
        let mut holders = Holders::default();
        for id in 0..10_000_u32 {
            let place = holders.place(ThreadId(id)).unwrap_or_else(|| holders.add(ThreadId(id), Time(0)));
            holders.pass(place, (id % 100 == 0).then_some((LaneId(id), id)), Time(1));
        }
        assert!(holders.all.len() < 400, "{}", holders.all.len());
        for id in (0..10_000).step_by(100) {
            let place = holders.place(ThreadId(id)).expect("it is in use");
            assert_eq!(holders.pass(place, None, Time(2)).running, Some((LaneId(id), id)));
        }
        assert_eq!(holders.place(ThreadId(1)), None);
    }
}
