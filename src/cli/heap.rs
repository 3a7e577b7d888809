//! How the system's allocator keeps what a recorder keeps: some thousand pieces of 64 KiB, the oldest of which goes whenever
//! a new one comes, for as long as the program runs.

/// Bytes from which on a piece of memory that fits nowhere gets pages of its own, that go back to the system with it: a
/// complete chunk.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const APART: i32 = 64 << 10;

/// Has large pieces of memory kept apart from small ones, and from each other.
///
/// glibc does so by itself until the first of them is freed; from then on it puts them among what is small, in an area for
/// each thread, where the holes that they leave do not fit what comes next. Under the clients of `tests/soak.rs` those holes
/// took 9 to 14 MB beside a ring of 64 in five minutes, going up and down; kept apart they take 3.
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

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn most_chunks_have_pages_of_their_own_also_when_larger_pieces_have_been_freed() {
        keep_large_apart();
        // What would make the allocator put as much as that among what is small.
        drop(vec![1_u8; 8 << 20]);
        let chunks: Vec<Vec<u8>> = (0..64).map(|_| vec![1; APART as usize + 100]).collect();
        // A piece with pages of its own begins behind two words of the first. A few fit into what is there already.
        let apart = chunks.iter().filter(|chunk| chunk.as_ptr() as usize % 4096 == 16).count();
        assert!(apart >= 48, "{apart} of {}", chunks.len());
    }
}
