//! `spanwalk open`: the screens over a file, which may still be growing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::args::OpenArgs;
use super::input::Input;
use super::sources::BuiltIn;
use super::unkept::Unkept;
use super::{UsageError, demo, prompt, settings, signals};
use crate::trace::{BookmarkEdit, Command, Log, Run, Status};
use crate::tui::{self, Clients, News, Program, Progress, Restart, Scene};

/// Opens it until the person quits.
pub(super) fn run(args: &OpenArgs) -> anyhow::Result<()> {
    use std::io::IsTerminal as _;
    let input = Input::open(&args.file)?;
    let book = demo::book(args.walkthrough.as_deref())?;
    let breakpoints = args.breaks.breakpoints(&book.chain())?;
    let mut file = Recorded::new(input, args.file.clone());
    if args.plain {
        let asked_to_end = signals::on_end(signals::AT_ONCE, || {})?;
        prompt::run(&mut file, (&book, &BuiltIn), true, breakpoints, asked_to_end)?;
        return file.failure.map_or(Ok(()), Err);
    }
    if !std::io::stdout().is_terminal() {
        let message = "`spanwalk open` needs a terminal; --plain reads commands instead, and `spanwalk info` prints what is \
                       in a file";
        return Err(UsageError(message.to_owned()).into());
    }
    let options = settings::screen(&args.screen, args.ascii)?;
    let asked_to_end = signals::on_end(signals::AT_ONCE, || {})?;
    let against = args.against.as_deref().map(other).transpose()?;
    let chain = book.chain();
    let material = tui::Material { chain: &chain, book: &book, sources: &BuiltIn };
    let options = tui::Options { asked_to_end, breakpoints, against, ..options };
    tui::run(&mut file, material, &options).context("cannot draw on the terminal")
}

/// Another recording, to be looked at beside it: all of it, since where it is as far is to be found.
fn other(path: &Path) -> anyhow::Result<tui::Against> {
    let mut log = Log::new();
    Input::open(path)?.read(&mut log)?;
    Ok(tui::Against { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), log })
}

/// A program that is over, or elsewhere: its log comes from a file.
struct Recorded {
    input: Input,
    path: PathBuf,
    failure: Option<anyhow::Error>,
    damage_told: usize,
    /// Blocks of kinds that are not known have been spoken of.
    is_unknown_told: bool,
    /// What was marked and could not be added to the file, and why the last time.
    unkept: Unkept,
    why_unkept: String,
    /// The last look at the file has found nothing new: what may be left of it is the beginning of a block.
    is_caught_up: bool,
}

impl Recorded {
    fn new(input: Input, path: PathBuf) -> Self {
        Self {
            input,
            path,
            failure: None,
            damage_told: 0,
            is_unknown_told: false,
            unkept: Unkept::default(),
            why_unkept: String::new(),
            is_caught_up: false,
        }
    }

    /// Adds to the file what was marked, with what could not be added before.
    fn write_marks(&mut self) -> Result<(), String> {
        let added = self.input.append(&self.unkept.edits()).map_err(|error| format!("{error:#}"));
        match &added {
            Ok(()) => self.unkept.clear(),
            Err(why) => self.why_unkept.clone_from(why),
        }
        added
    }
}

/// How long a file is read between two looks at the keys.
const A_ROUND: Duration = Duration::from_millis(12);

const FIXED: &str = "this is a recording: it can be looked through, and not run";

impl Program for Recorded {
    fn update(&mut self, log: &mut Log) -> News {
        if self.failure.is_some() {
            return News::Nothing;
        }
        // Between two pictures: the first comes before the last block is read.
        let (before, was_ended) = (self.input.progress().0, self.input.is_ended());
        let has_come = self.input.read_for(log, A_ROUND).unwrap_or_else(|error| {
            self.failure = Some(error);
            false
        });
        // Damage that is passed over is no event, and is more all the same.
        let (done, all) = self.input.progress();
        self.is_caught_up = !has_come && done == before && (self.input.foreign().is_none() || done >= all);
        if !was_ended && self.input.is_ended() && self.unkept.told(String::new).is_some() {
            // Who was writing it has ended. If it cannot be added now either, that stays as it was said.
            let _ = self.write_marks();
        }
        if has_come { News::More } else { News::Nothing }
    }

    fn progress(&self) -> Option<Progress> {
        let (done, all) = self.input.progress();
        (self.failure.is_none() && !self.is_caught_up).then_some(Progress { done, all })
    }

    fn status(&mut self) -> Status {
        Status { run: Run::Over, held: Vec::new(), detached: true, ..Status::default() }
    }

    fn command(&mut self, _command: Command) {}

    fn stop(&mut self) -> Result<(), String> {
        Err(FIXED.to_owned())
    }

    fn restart(&mut self, _restart: Restart) -> Result<(), String> {
        Err(FIXED.to_owned())
    }

    fn started_with(&self) -> Restart {
        Restart::default()
    }

    fn clients(&self) -> Clients {
        Clients::Impossible("this is a recording: there is no server that a client could talk to")
    }

    fn send(&mut self, _scene: Scene) -> Result<(), String> {
        Err(FIXED.to_owned())
    }

    fn address(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn remark(&self) -> Option<String> {
        let damaged = self.input.damage().iter().filter(|damage| damage.events.is_some()).count();
        let damaged = match damaged {
            0 => None,
            1 => Some("1 stretch damaged".to_owned()),
            count => Some(format!("{count} stretches damaged")),
        };
        let is_closed = self.input.is_ended() || !self.is_caught_up;
        let foreign = self.input.foreign().map(|import| format!("from {}", import.what().name()));
        let parts: Vec<String> =
            damaged.into_iter().chain(foreign).chain((!is_closed).then(|| "not closed".to_owned())).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    fn mark(&mut self, edit: &BookmarkEdit) -> Result<(), String> {
        self.unkept.add(edit.clone());
        self.write_marks()
    }

    fn unkept(&self) -> Option<tui::Unkept> {
        self.unkept.told(|| self.why_unkept.clone())
    }

    fn notice(&mut self) -> Option<String> {
        if let Some(unknown) = self.input.unknown().filter(|_| self.is_caught_up && !self.is_unknown_told) {
            self.is_unknown_told = true;
            return Some(unknown.to_string());
        }
        if let Some(failure) = self.failure.as_ref().filter(|_| self.damage_told < usize::MAX) {
            self.damage_told = usize::MAX;
            return Some(format!("{failure:#}"));
        }
        // The end of a file that grows is no damage: only what lies between blocks is told.
        let damage: Vec<_> = self.input.damage().into_iter().filter(|damage| damage.events.is_some()).collect();
        let told = damage.get(self.damage_told)?.to_string();
        self.damage_told += 1;
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Recording, Ways};
    use crate::record::Recorder;

    #[test]
    fn a_file_that_was_cut_off_is_loaded_when_nothing_more_can_be_read_of_it() {
        let path = std::env::temp_dir().join(format!("spanwalk-cut-{}.spanwalk", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let recorder = Recorder::builder().chunk(256).build();
        let recording = Recording::start(&path, Ways::default(), recorder.chunks(), |_| {}).unwrap();
        tracing::subscriber::with_default(recorder.subscriber(), || {
            (0..200).for_each(|number| tracing::info_span!("work", number).in_scope(|| {}));
        });
        recording.finish().unwrap();
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
        let input = Input::open(&path).unwrap();
        let mut file = Recorded::new(input, path.clone());
        let mut log = Log::new();
        assert!(file.progress().is_some() && file.remark().is_none());
        while file.update(&mut log) == News::More {}
        assert!(log.len() > 100);
        assert_eq!((file.progress(), file.remark()), (None, Some("not closed".to_owned())));
        let (read, all) = file.input.progress();
        assert!(read < all, "some of a block is left over");
        std::fs::remove_file(&path).unwrap();
    }
}
