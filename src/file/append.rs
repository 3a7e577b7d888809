//! Adds what a person has marked to a file that nobody writes any more.
//!
//! ```text
//!   … IDX2 END2                          as it was closed
//!   … IDX2 END2 mark END2                a bookmark later: the index stays where it is, and the end says again where
//!   … BLK2 (half of one)                 of a program that was killed
//!   … BLK2 (half of one) mark            it is not closed by this: it was not closed
//! ```
//!
//! Nothing that is there is changed. What is added goes in with one write, while no other process may do the same; a process
//! that is killed in it leaves a file that opens, without what it was adding.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::{END_LENGTH, FileError, extra, index, lock};
use crate::trace::BookmarkEdit;

/// Adds the edits, in their order. `opened`: what was read, which has to be the same file.
pub(super) fn append(path: &Path, opened: Option<&File>, edits: &[BookmarkEdit]) -> Result<(), FileError> {
    let failed = |cause| FileError::Io { doing: "write", path: path.to_owned(), cause };
    let found = std::fs::metadata(path).map_err(failed)?;
    if found.permissions().readonly() {
        // To who may do everything the system would give way.
        return Err(FileError::ReadOnly { path: path.to_owned() });
    }
    let mut file = match OpenOptions::new().read(true).append(true).open(path) {
        Err(cause) if lock::is_held(&cause) => return Err(FileError::Busy { path: path.to_owned() }),
        opened => opened.map_err(failed)?,
    };
    if opened.is_some_and(|opened| !is_same(opened, &file)) {
        return Err(FileError::Another { path: path.to_owned() });
    }
    if !lock::take_soon(&file) {
        return Err(FileError::Busy { path: path.to_owned() });
    }
    let (length, end) = end_of(&mut file).map_err(failed)?;
    let mut bytes: Vec<u8> = edits.iter().flat_map(extra::write).collect();
    bytes.extend(end.unwrap_or_default());
    file.write_all(&bytes).map_err(|cause| {
        // Half of it is worth nothing. What cannot be cut is read over.
        let _ = file.set_len(length);
        failed(cause)
    })
}

/// How long the file is, and the end that it has, if it was closed in order.
fn end_of(file: &mut File) -> io::Result<(u64, Option<Vec<u8>>)> {
    let length = file.metadata()?.len();
    let mut end = vec![0; END_LENGTH];
    let Some(at) = length.checked_sub(END_LENGTH as u64) else { return Ok((length, None)) };
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut end)?;
    Ok((length, index::end_of(&end).is_some().then_some(end)))
}

/// Whether two open files are one, as far as the system tells.
fn is_same(one: &File, other: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let which = |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
        which(one) == which(other)
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}
