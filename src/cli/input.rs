//! A file to be read: a recording of our own, or one of another tool, told by what is in it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::progress::{LOOK, Progress};
use crate::file::{Damage, Extent, FileError, Reader, Unknown};
use crate::format::{Foreign, Import};
use crate::trace::{BookmarkEdit, Log};

/// Bytes of a pipe from which it is told what comes out of it.
const HEAD: u64 = 4096;

/// A file that is being read.
pub(super) enum Input {
    /// Our own, which may be growing.
    Recording(Reader),
    /// Another tool's.
    Foreign(Import),
}

impl Input {
    /// Opens one.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return Self::of_pipe(path);
        }
        match Reader::open(path) {
            Ok(reader) => Ok(Self::Recording(reader)),
            Err(error @ (FileError::NotARecording { .. } | FileError::Short { .. })) => match Foreign::of_file(path) {
                Some(what) => Ok(Self::Foreign(Import::open(path, what)?)),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// What comes out of a pipe, which can be read once only.
    fn of_pipe(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read `{}`", path.display());
        let mut pipe = File::open(path).with_context(cannot)?;
        let mut bytes = Vec::new();
        pipe.by_ref().take(HEAD).read_to_end(&mut bytes).with_context(cannot)?;
        let Some(what) = Foreign::of(&bytes) else {
            anyhow::bail!("`{}` is no file, and what comes out of it is no trace of another tool", path.display());
        };
        pipe.read_to_end(&mut bytes).with_context(cannot)?;
        Ok(Self::Foreign(Import::new(path, what, bytes)))
    }

    /// Reads on for at most about so long; whether there is more in the log than before.
    pub(super) fn read_for(&mut self, log: &mut Log, at_most: Duration) -> anyhow::Result<bool> {
        Ok(match self {
            Self::Recording(reader) => reader.read_for(log, at_most)?,
            Self::Foreign(import) => import.read_for(log, at_most)?,
        })
    }

    /// Reads what there is when it is called. Who waits longer than a moment sees how far it has come, on a terminal.
    pub(super) fn read(&mut self, log: &mut Log) -> anyhow::Result<()> {
        let mut progress = Progress::new();
        let (mut done, all) = self.progress();
        loop {
            self.read_for(log, LOOK)?;
            let before = std::mem::replace(&mut done, self.progress().0);
            let is_stuck = matches!(self, Self::Recording(_)) && done == before;
            if done >= all || is_stuck {
                return Ok(());
            }
            progress.tell(|| format!("reading: {} %", done * 100 / all));
        }
    }

    /// How much has been read of how much, in bytes.
    pub(super) fn progress(&self) -> (u64, u64) {
        match self {
            Self::Recording(reader) => reader.progress(),
            Self::Foreign(import) => import.progress(),
        }
    }

    /// What could not be read.
    pub(super) fn damage(&self) -> Vec<Damage> {
        match self {
            Self::Recording(reader) => reader.damage(),
            Self::Foreign(_) => Vec::new(),
        }
    }

    /// Adds what a person has marked, which only a recording of our own has room for.
    pub(super) fn append(&mut self, edits: &[BookmarkEdit]) -> anyhow::Result<()> {
        match self {
            Self::Recording(reader) => Ok(reader.append(edits)?),
            Self::Foreign(import) => anyhow::bail!("{} has no room for notes", import.what().name()),
        }
    }

    /// Blocks of kinds that are not known here.
    pub(super) fn unknown(&self) -> Option<Unknown> {
        match self {
            Self::Recording(reader) => reader.unknown(),
            Self::Foreign(_) => None,
        }
    }

    /// Whether its end has been reached: the one that its writer made, if it is our own.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Recording(reader) => reader.is_ended(),
            Self::Foreign(import) => import.is_done(),
        }
    }

    /// The blocks of a recording, and whether an index tells them.
    pub(super) fn blocks(&mut self) -> anyhow::Result<Option<(usize, bool)>> {
        match self {
            Self::Recording(reader) => {
                let is_indexed = reader.extent().is_some();
                let blocks = |extent: &Extent| extent.blocks.len();
                Ok(Some((blocks(&reader.survey()?), is_indexed)))
            }
            Self::Foreign(_) => Ok(None),
        }
    }

    /// What another tool's file is.
    pub(super) fn foreign(&self) -> Option<&Import> {
        match self {
            Self::Recording(_) => None,
            Self::Foreign(import) => Some(import),
        }
    }

    /// Whether all of it is in the log that was read from it.
    pub(super) fn is_whole(&self, log: &Log) -> bool {
        let nothing_left_out = self.foreign().is_none_or(|import| import.remarks().is_empty());
        self.is_ended() && self.damage().is_empty() && log.dropped() == 0 && nothing_left_out
    }
}
