//! What can be wrong with a walkthrough. Each message names the value and the remedy: it is read by teachers.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A walkthrough that cannot be used.
#[derive(Debug, Error)]
pub enum LessonError {
    /// The directory or a page of it cannot be read.
    #[error(
        "cannot read the walkthrough in `{path}`: {}; name a directory that holds the Markdown pages, or leave \
         --walkthrough out to use the built-in ones",
        reason(.cause)
    )]
    Read {
        /// The directory, or the page.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The directory has no page.
    #[error("no page in `{path}`; a page is a file whose name ends in `.md`")]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A page is not as it should be.
    #[error("`{file}`, line {line}: {problem}")]
    Page {
        /// The page's file name.
        file: String,
        /// The line of the file, from 1.
        line: usize,
        /// What is wrong and what was expected.
        problem: String,
    },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such directory".to_owned(),
        io::ErrorKind::NotADirectory => "it is no directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
