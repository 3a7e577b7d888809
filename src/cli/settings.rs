//! What the screens are like, put together: flags, the file of settings, and how a person has left the panes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy as _;

use super::args::ScreenArgs;
use super::config;
use crate::tui::{self, Arrangement, Clipboard, Theme};

/// The options of the screens. Flags go before settings, and those before what is remembered.
pub(super) fn screen(args: &ScreenArgs, is_ascii: bool) -> anyhow::Result<tui::Options> {
    let config = config::read(args.config.as_deref())?;
    let memory = memory();
    let mut arrangement = memory.as_deref().map_or_else(Arrangement::default, remembered);
    arrangement.preset = args.layout.or(config.layout).unwrap_or(arrangement.preset);
    let is_in_tmux = std::env::var_os("TMUX").is_some_and(|value| !value.is_empty());
    Ok(tui::Options {
        theme: Theme { is_ascii: is_ascii || config.is_ascii, ..config.theme },
        keys: config.keys,
        arrangement,
        remember: memory.map(|path| Arc::new(move |kept: &Arrangement| remember(&path, kept)) as _),
        clipboard: match (is_in_tmux, config.passes_through_tmux) {
            (false, _) => Clipboard::Terminal,
            (true, false) => Clipboard::Tmux,
            (true, true) => Clipboard::TmuxPassthrough,
        },
        ..tui::Options::default()
    })
}

/// The file of this person where the arrangement of the panes is kept, if there is a home for it.
fn memory() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    let directory = places.state_dir().unwrap_or_else(|| places.data_dir());
    Some(directory.join("spanwalk").join("layout"))
}

/// How the panes were left. Whatever is wrong with that file, there is a layout.
fn remembered(path: &Path) -> Arrangement {
    std::fs::read_to_string(path).map_or_else(|_| Arrangement::default(), |text| Arrangement::from_text(&text))
}

/// Keeps it, all or nothing. Not worth a word if that fails: nothing is lost but where some borders were.
fn remember(path: &Path, kept: &Arrangement) {
    let Some(directory) = path.parent() else { return };
    let fresh = directory.join(format!("layout.{}", std::process::id()));
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&fresh, kept.to_text()))
        .and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::Preset;

    #[test]
    fn what_is_kept_is_there_again_and_what_cannot_be_kept_is_no_failure() {
        let directory = std::env::temp_dir().join(format!("spanwalk-layout-{}", std::process::id()));
        let path = directory.join("a").join("layout");
        let mut kept = Arrangement::default();
        kept.preset = Preset::Code;
        assert_eq!(remembered(&path), Arrangement::default());
        remember(&path, &kept);
        assert_eq!(remembered(&path), kept);
        // A file stands where a directory should be.
        remember(&path.join("layout"), &kept);
        assert_eq!(std::fs::read_dir(directory.join("a")).unwrap().count(), 1, "nothing is left behind");
        std::fs::remove_dir_all(directory).unwrap();
    }
}
