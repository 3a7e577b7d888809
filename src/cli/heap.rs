//! How the system's allocator keeps what a recorder keeps: some thousand pieces of 64 KiB, the oldest of which goes whenever
//! a new one comes, for as long as the program runs.

/// Bytes from which on a piece of memory has pages of its own, that go back to the system with it: a complete chunk.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const APART: i32 = 64 << 10;

/// Has large pieces of memory kept apart from small ones, and from each other.
///
/// glibc does so by itself until the first of them is freed; from then on it puts them among what is small, in an area for
/// each thread, where the holes that they leave do not fit what comes next. Under the clients of `tests/soak.rs` those holes
/// took 10 to 25 MB beside a ring of 64, more with every minute; kept apart they take 3.
pub(super) fn keep_large_apart() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "no library says this to the allocator")]
    {
        use std::ffi::c_int;

        /// `M_MMAP_THRESHOLD` of `malloc.h`.
        const MMAP_THRESHOLD: c_int = -3;
        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // SAFETY: it takes two numbers, and may be called at any time. That it has done nothing is no harm.
        let _ = unsafe { mallopt(MMAP_THRESHOLD, APART) };
    }
}
