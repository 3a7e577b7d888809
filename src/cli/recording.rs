//! `--record`: the recording that is asked for, and what is said if it has to stop.

use std::path::Path;

use super::AlreadySaid;
use crate::file::{FileError, Recording, Ways};
use crate::record::Recorder;

/// Makes the file, so that what is wrong with it is said before anything starts. `tell` is called once, by the recording's
/// thread, if it has to stop before its end.
pub(super) fn start(
    path: &Path,
    ways: Ways,
    recorder: &Recorder,
    tell: impl FnOnce(String) + Send + 'static,
) -> anyhow::Result<Recording> {
    let stopped = move |error: &FileError| tell(format!("{error}; recording has stopped"));
    Ok(Recording::start(path, ways, recorder.chunks(), stopped)?)
}

/// Ends a recording whose `tell` goes to standard error: why it stopped has been said there, when it did.
pub(super) fn finish(recording: Option<Recording>) -> Result<(), AlreadySaid> {
    recording.map_or(Ok(()), Recording::finish).map_err(AlreadySaid)
}
