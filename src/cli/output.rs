//! A file that is written whole or not at all, and that takes the place of another only if it is asked to.
//!
//! What is no file, such as a pipe or `/dev/null`, is written to as it is: nothing in it could be replaced.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::signals;

/// A file being written: under a name of its own beside the one it gets when it is finished.
pub(super) struct Output {
    path: PathBuf,
    /// Its name until then. What is no file has none.
    partial: Option<PathBuf>,
    file: Option<BufWriter<File>>,
    replaces: bool,
}

impl Output {
    /// Begins one. Says at once what is wrong with the place.
    pub(super) fn create(path: &Path, replaces: bool) -> anyhow::Result<Self> {
        if path.is_dir() {
            anyhow::bail!("cannot write `{}`: it is a directory; name a file with -o", path.display());
        }
        let cannot = || format!("cannot write `{}`; name another file with -o", path.display());
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            let file = File::options().write(true).open(path).with_context(cannot)?;
            return Ok(Self { path: path.to_owned(), partial: None, file: Some(BufWriter::new(file)), replaces });
        }
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        // A link stays one: what it leads to is replaced.
        let is_link = path.symlink_metadata().is_ok_and(|there| there.is_symlink());
        let target = if is_link { path.canonicalize().ok() } else { None };
        let path = target.unwrap_or_else(|| path.to_owned());
        let is_directory = path.as_os_str().as_encoded_bytes().last().is_none_or(|last| matches!(last, b'/' | b'\\'));
        let (Some(name), false) = (path.file_name(), is_directory) else {
            anyhow::bail!("cannot write `{}`: that is no name of a file; name one with -o", path.display());
        };
        let mut name = name.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let partial = path.with_file_name(name);
        // What is not finished is not left behind.
        let left = partial.clone();
        signals::before_end(move || drop(fs::remove_file(&left)))?;
        let file = File::create_new(&partial).with_context(cannot)?;
        Ok(Self { path, partial: Some(partial), file: Some(BufWriter::new(file)), replaces })
    }

    /// What went wrong, with the name of the file.
    pub(super) fn error(&self, error: io::Error) -> anyhow::Error {
        anyhow::Error::from(error).context(format!("cannot write `{}`", self.path.display()))
    }

    /// Gives it its name.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.flush().map_err(|error| self.error(error))?;
        self.file = None;
        let Some(partial) = &self.partial else { return Ok(()) };
        if self.replaces {
            return fs::rename(partial, &self.path).map_err(|error| self.error(error));
        }
        // A link, unlike a new name, replaces nothing; not every file system has links.
        match fs::hard_link(partial, &self.path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&self.path)),
            Err(_) => fs::rename(partial, &self.path).map_err(|error| self.error(error)),
        }
    }
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("`{}` exists; name another file, or replace it with --force", path.display())
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.file = None;
        // It has its name, or is not wanted.
        let _ = self.partial.as_ref().map(fs::remove_file);
    }
}
