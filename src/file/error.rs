//! Why a file cannot be written or read. Each message names the file; the remedy is the caller's to know.

use std::io;
use std::path::PathBuf;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is a file of that name.
    #[error("`{path}` exists")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot {doing} `{path}`: {}", reason(.cause))]
    Io {
        /// What was tried: read, write or remove.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Its permissions say that nobody writes to it.
    #[error("`{path}` is read-only")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes to it.
    #[error("`{path}` is still being written by another program")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It is not the file that was opened under this name.
    #[error("there is another file now in the place of `{path}`")]
    Another {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{path}` is no recording: it does not begin with SPANWALK")]
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// The file ends before a recording could begin.
    #[error(
        "`{path}` is no recording: {}",
        if *.length == 0 { "it is empty" } else { "it is cut off in its first 16 bytes" }
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        length: usize,
    },
    /// The file was written by an older or a newer program.
    #[error("`{path}` is of version {found}, and this spanwalk reads version {newest}; one of its own time opens it")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The one that is understood here.
        newest: u16,
    },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::FileTooLarge => "the system allows no larger file".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        _ => error.to_string(),
    }
}
