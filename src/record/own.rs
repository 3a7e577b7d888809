//! What a thread has of its own, at the price of an address: `LocalKey::with` is a call of its own where what it runs is long,
//! and that was 7 % of what a recorded echo takes.
#![expect(unsafe_code, reason = "a reference to what is the thread's own is made of its address")]

use std::thread::LocalKey;

/// Runs something with what this thread has of its own.
#[inline(always)]
pub(super) fn with<T, R>(key: &'static LocalKey<T>, run: impl FnOnce(&T) -> R) -> R {
    const { assert!(!std::mem::needs_drop::<T>(), "what has a destructor may be gone while the thread ends") };
    let own = key.with(std::ptr::from_ref);
    // SAFETY: what has no destructor is there until its thread has run all of its code, and this call is part of that. The
    // reference does not outlive the call: `run` takes one of any lifetime, and can neither keep it nor return it.
    run(unsafe { &*own })
}
