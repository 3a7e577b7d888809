//! A file that is written whole or not at all, and that takes the place of another only if it is asked to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file being written: under a name of its own beside the one it gets when it is finished.
pub(super) struct Output {
    path: PathBuf,
    partial: PathBuf,
    file: Option<BufWriter<File>>,
    replaces: bool,
}

impl Output {
    /// Begins one. Says at once what is wrong with the place.
    pub(super) fn create(path: &Path, replaces: bool) -> anyhow::Result<Self> {
        if path.is_dir() {
            anyhow::bail!("cannot write `{}`: it is a directory; name a file with -o", path.display());
        }
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let partial = path.with_file_name(name);
        let cannot = || format!("cannot write `{}`; name another file with -o", path.display());
        let file = File::create_new(&partial).with_context(cannot)?;
        Ok(Self { path: path.to_owned(), partial, file: Some(BufWriter::new(file)), replaces })
    }

    /// What went wrong, with the name of the file.
    pub(super) fn error(&self, error: io::Error) -> anyhow::Error {
        anyhow::Error::from(error).context(format!("cannot write `{}`", self.path.display()))
    }

    /// Gives it its name.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.flush().map_err(|error| self.error(error))?;
        self.file = None;
        if self.replaces {
            return fs::rename(&self.partial, &self.path).map_err(|error| self.error(error));
        }
        // A link, unlike a new name, replaces nothing; not every file system has links.
        match fs::hard_link(&self.partial, &self.path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&self.path)),
            Err(_) => fs::rename(&self.partial, &self.path).map_err(|error| self.error(error)),
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
        let _ = fs::remove_file(&self.partial);
    }
}
