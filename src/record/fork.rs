//! Forked children: copies of the process that was recorded, of whose threads only the one that forked goes on.
//!
//! ```text
//!   parent   thread ── fork ──────────────────► is recorded as before
//!            collector, readers, the file ────►
//!   child    thread ──► fills the page it has, in memory of its own, and then writes no more
//! ```
//!
//! A copy records nothing: its collector does not exist, and its file is the parent's. Nobody asks which process this is for
//! every span, as that is a system call: a thread asks when its page is full or when it is new. And a lock that somebody
//! had at the instant of the fork stays locked for ever in the copy. So a lock that a recording thread may need is tried
//! first, and who does not get it asks before waiting.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, TryLockError};

/// The process that made the newest recorder; 0 if there is none.
static RECORDED: AtomicU32 = AtomicU32::new(0);

/// The process that a recorder was made in.
#[derive(Clone, Copy)]
pub(super) struct Process(u32);

impl Process {
    /// This one, which has a recorder from now on.
    pub(super) fn recorded() -> Self {
        let this = std::process::id();
        RECORDED.store(this, Ordering::Relaxed);
        Self(this)
    }

    /// Whether this is a copy of it. A system call.
    pub(super) fn is_forked(self) -> bool {
        std::process::id() != self.0
    }
}

fn is_copy() -> bool {
    Process(RECORDED.load(Ordering::Relaxed)).is_forked()
}

/// Locks, unless this is a copy in which that may never be possible.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    lock_unless(is_copy, mutex)
}

fn lock_unless<T>(is_copy: impl FnOnce() -> bool, mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) if is_copy() => None,
        Err(TryLockError::WouldBlock) => Some(mutex.lock().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Locks to read, unless this is a copy in which that may never be possible.
pub(super) fn read<T>(lock: &RwLock<T>) -> Option<RwLockReadGuard<'_, T>> {
    match lock.try_read() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) if is_copy() => None,
        Err(TryLockError::WouldBlock) => Some(lock.read().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_lock_that_another_thread_has_is_waited_for_but_not_by_a_copy() {
        let mutex = Mutex::new(7);
        let (asks, asked) = mpsc::channel();
        std::thread::scope(|scope| {
            let guard = mutex.lock();
            assert!(lock_unless(|| true, &mutex).is_none());
            let says = move || asks.send(()).is_err();
            let waits = scope.spawn(|| lock_unless(says, &mutex).map(|guard| *guard));
            // It found the lock taken.
            asked.recv().unwrap();
            drop(guard);
            assert_eq!(waits.join().unwrap(), Some(7));
        });
        assert_eq!(lock_unless(|| true, &mutex).map(|guard| *guard), Some(7));
    }
}
