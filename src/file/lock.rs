//! Who may write to a file: the recording that makes it, alone, until it ends; then whoever adds to it, one at a time.
//!
//! On Unix that is an advisory lock, which the system takes back from a process that is killed, and which no reader asks for.
//! A child that was forked while the file was open has a part in it, and keeps it taken for as long as it lives.
//! A lock of Windows would keep readers out too: there the file is opened so that nobody else may open it to write.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::time::Duration;

/// How often it is tried to get a file that somebody else adds to, and how long is waited in between.
const TRIES: (u32, Duration) = (10, Duration::from_millis(3));

/// Has a file that is opened to be recorded to be kept from other writers.
pub(super) fn keep_out_others(options: &mut OpenOptions) {
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt as _;
        // FILE_SHARE_READ and FILE_SHARE_DELETE.
        options.share_mode(1 | 4);
    }
    #[cfg(not(windows))]
    let _ = options;
}

/// Takes a file that is recorded to. Where that cannot be, it is recorded to all the same.
pub(super) fn take(file: &File) {
    if cfg!(not(windows)) {
        let _ = file.try_lock();
    }
}

/// Takes a file for as long as it is open, unless somebody else has it and keeps it. Where there are no locks, it is taken.
pub(super) fn take_soon(file: &File) -> bool {
    let (times, wait) = TRIES;
    if cfg!(windows) {
        return true;
    }
    for _ in 0..times {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(wait),
            Ok(()) | Err(TryLockError::Error(_)) => return true,
        }
    }
    false
}

/// Whether a file cannot be opened because somebody writes to it, who keeps others out.
pub(super) fn is_held(cause: &io::Error) -> bool {
    /// A violation of how the file is shared.
    const SHARING: i32 = 32;
    cfg!(windows) && cause.raw_os_error() == Some(SHARING)
}
