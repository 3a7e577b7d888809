//! What can be asked on the command line.

mod breaks;
mod clients;
mod diff;
mod export;
mod limits;
mod server;
mod shot;
mod units;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::Styles;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, ValueEnum};

use self::breaks::BreakArgs;
pub(super) use self::diff::DiffArgs;
pub(super) use self::export::ExportArgs;
pub(super) use self::limits::Held;
pub(super) use self::server::ServerArgs;
pub(super) use self::shot::ShotArgs;
use self::units::{duration, pace};
use super::version;
use crate::tui::Preset;

/// Step through the call chain of a running server.
///
/// Without a subcommand this is `spanwalk demo`: a complete server in the shape of Flask-SocketIO on gevent starts, held
/// at its first call, and is stepped by key from `run` to the serving loop, with the stack of every lane, the timeline and
/// the lesson of each step on screen.
#[derive(Debug, Parser)]
#[command(
    name = "spanwalk",
    version,
    long_version = version::FACTS.as_str(),
    styles = Styles::plain(),
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  spanwalk                                 step through the start of a server
  spanwalk demo --resolver block           without a worker thread: it still serves
  spanwalk demo --interactive              by typed commands, without a screen
  spanwalk demo --plain --until loop       the whole chain as text
  spanwalk demo --jsonl --until loop       the log, one JSON object a line
  spanwalk demo --record lesson.spanwalk   the demo, kept in a file
  spanwalk open lesson.spanwalk            the file, in the same screens
  spanwalk check lesson.spanwalk           whether it bears the lessons out
  spanwalk diff a.spanwalk b.spanwalk      what another run does otherwise
  spanwalk export lesson.spanwalk --to csv  a row per call; --list has more
  spanwalk shot lesson.spanwalk --at loop -o loop.png   a screen, as a picture
  spanwalk worksheet -o sheet.md           questions to print, with the answers
  spanwalk serve --console                 the server alone, for tokio-console
  spanwalk config > my.toml                keys and colours, for --config

Exit codes: 0 ok, 1 failed, 2 wrong use."
)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Subcommand>,

    #[command(flatten)]
    pub(super) demo: DemoArgs,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Start the server held at its first step, and step through it (the default).
    Demo(DemoArgs),
    /// Run the server without a screen.
    Serve(ServeArgs),
    /// Look at a recording with the screens of the demo; also while it is being written.
    Open(OpenArgs),
    /// Print what is in a recording.
    Info(InfoArgs),
    /// Compare two recordings by what calls what.
    ///
    /// Prints a merged tree of the paths that differ: calls added (+), removed (-), moved to another parent or lane (> and <),
    /// reordered (^), or with another number of calls, other fields or another time (~). Lanes of a kind, such as conn-1 and
    /// conn-2, are one. The exit status is 0 whatever differs, unless --fail-on names it: then it is 1.
    Diff(DiffArgs),
    /// Write a recording, or a part of it, in the format of another tool.
    ///
    /// Spans that are not over stay open where the format can say so; elsewhere they end with the recording, and are marked.
    /// Times are the program's: what passed while it was held is left out, unless --wall is given.
    Export(ExportArgs),
    /// Draw a screen over a recording into a picture, SVG or PNG.
    Shot(ShotArgs),
    /// Print a file of settings to begin with, and where it is looked for.
    Config,
    /// Check what the lessons claim against a recording.
    ///
    /// Prints every claim of every page, the predicate that stands for it, how it comes out, and the events that decide it. A
    /// claim that its page calls wrong is as its page says if the run contradicts it.
    Check(CheckArgs),
    /// Write a worksheet in Markdown: questions to print, and the answers of the same run.
    ///
    /// The questions of the lessons, the order of the calls, blank stacks to fill in, and sentences to judge; then, beginning on
    /// another page, the answers with the times of the run, the stacks before, during and after, and the verdicts. Without a
    /// file the server is run for it, with a few clients.
    Worksheet(WorksheetArgs),
    /// Print the manual page of the program or of a command.
    Man(ManArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk demo --port 0                   on any free port
  spanwalk demo --slow-dns 2s              clients connect, and are kept waiting
  spanwalk demo --break step:spawn         c runs to it
  spanwalk demo --break name:emit#3        the third time that is called
  spanwalk demo --interactive              by typed commands; help lists them
  spanwalk demo --interactive < walk.txt   a script, answered as a conversation
  spanwalk demo --plain --until loop       the whole chain as text")]
pub struct DemoArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,

    /// Print the walk as lines of text instead of opening a screen. This is what happens anyway when standard output is
    /// not a terminal.
    #[arg(long, conflicts_with = "jsonl")]
    pub(super) plain: bool,

    /// Step by typed commands, answered in short lines: the whole tool without a screen, for screen readers and scripts.
    /// `help` lists the commands; the end of the input is `quit`.
    #[arg(long, conflicts_with_all = ["jsonl", "until", "for_"])]
    pub(super) interactive: bool,

    /// Print the log instead, one JSON object a line.
    #[arg(long)]
    pub(super) jsonl: bool,

    /// Without a screen: stop the server once the loop starts, or once it serves.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) until: Option<Until>,

    /// Without a screen: stop the server after this time, such as 300ms or 2s.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    pub(super) for_: Option<Duration>,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(super) walkthrough: Option<PathBuf>,

    /// On the screen: take a step every so often, such as 3s; W stops it and begins again.
    #[arg(long, value_name = "DURATION", value_parser = pace, allow_hyphen_values = true, conflicts_with_all = ["plain", "jsonl", "interactive"])]
    pub(super) step_every: Option<Duration>,

    /// Draw with plain ASCII characters.
    #[arg(long)]
    pub(super) ascii: bool,

    #[command(flatten)]
    pub(super) breaks: BreakArgs,

    #[command(flatten)]
    pub(super) screen: ScreenArgs,
}

/// What the screens of `demo` and `open` are like.
#[derive(Debug, clap::Args)]
pub struct ScreenArgs {
    /// How the panes share the screen at first. Without it as it was left, or as the settings say.
    #[arg(long, value_name = "NAME", value_parser = layouts(), help_heading = SCREEN)]
    pub(super) layout: Option<Preset>,

    /// Read the settings, such as keys and colours, from this file instead of your own.
    #[arg(long, value_name = "FILE", help_heading = SCREEN)]
    pub(super) config: Option<PathBuf>,
}

/// Where the flags about the screens stand in the help.
const SCREEN: &str = "Screen";

fn layouts() -> impl TypedValueParser<Value = Preset> {
    let names = PossibleValuesParser::new(Preset::ALL.map(Preset::name));
    names.map(|name| Preset::named(&name).expect("those are the names of all layouts"))
}

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk serve --port 8000               a chat at http://127.0.0.1:8000/
  spanwalk serve --record work.spanwalk --rotate 100MB --keep 10
  spanwalk serve --break name:emit         says each; enter lets it go on
  spanwalk serve --console                 then: tokio-console")]
pub struct ServeArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,

    #[command(flatten)]
    pub(super) breaks: BreakArgs,
}

/// Arguments of `open`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk open lesson.spanwalk            in the screens of the demo
  spanwalk open lesson.spanwalk --plain    by typed commands; help lists them
  spanwalk open a.spanwalk --against b.spanwalk         two runs side by side
  spanwalk open lesson.spanwalk --break field.path:/   c and Z go to its hits")]
pub struct OpenArgs {
    /// The recording. Notes that are set in it are added to it.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Show the stacks of this recording beside it, at the same call. `spanwalk diff` says all that is different.
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    pub(super) against: Option<PathBuf>,

    /// Walk through it by typed commands, answered in short lines, as in `spanwalk demo --interactive`.
    #[arg(long)]
    pub(super) plain: bool,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(super) walkthrough: Option<PathBuf>,

    /// Draw with plain ASCII characters.
    #[arg(long)]
    pub(super) ascii: bool,

    #[command(flatten)]
    pub(super) breaks: BreakArgs,

    #[command(flatten)]
    pub(super) screen: ScreenArgs,
}

/// Arguments of `info`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk info lesson.spanwalk                  how long, how much, how whole
  spanwalk info lesson.spanwalk --json | jq .calls
  spanwalk info lesson.spanwalk --json | jq -r '.bookmarks[].text'")]
pub struct InfoArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// As one JSON object, with every callsite and every note.
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk demo --plain --until loop --record a.spanwalk   a recording
  spanwalk check a.spanwalk                                every claim
  spanwalk check a.spanwalk --json | jq .claims            for programs
  spanwalk check a.spanwalk --walkthrough pages            your own pages

A file that is still being written is checked as far as it has come.
What has not run decides nothing, unless --all is given.

Exit codes: 0 what was decided came out as its page says; 1 something came out
otherwise, or nothing was decided; 2 wrong use.")]
pub struct CheckArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// As one JSON object.
    #[arg(long)]
    pub(super) json: bool,

    /// Fail for claims that nothing in the recording decides, too.
    #[arg(long)]
    pub(super) all: bool,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(super) walkthrough: Option<PathBuf>,
}

/// Arguments of `worksheet`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk worksheet -o sheet.md                 of a run of its own
  spanwalk worksheet --no-answers -o sheet.md    for the class
  spanwalk worksheet lesson.spanwalk --answers   of a run that you have shown
  spanwalk worksheet | pandoc -o sheet.html      to print")]
pub struct WorksheetArgs {
    /// The recording that answers; without one the server is run.
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,

    /// Only the answers.
    #[arg(long, conflicts_with = "no_answers")]
    pub(super) answers: bool,

    /// Only the questions.
    #[arg(long)]
    pub(super) no_answers: bool,

    /// Write it into this file instead of to standard output.
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: Option<PathBuf>,

    /// Replace that file if it exists.
    #[arg(long, requires = "output")]
    pub(super) force: bool,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(super) walkthrough: Option<PathBuf>,
}

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk man | man -l -                      read it
  spanwalk man demo | man -l -                 the page of a command
  spanwalk man --dir ~/.local/share/man/man1   install all: man spanwalk-demo")]
pub struct ManArgs {
    /// The command whose page is printed; without one it is the program's.
    #[arg(value_name = "COMMAND")]
    pub(super) command: Option<String>,

    /// Write all pages into this directory instead.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(super) dir: Option<PathBuf>,
}

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk completions bash >> ~/.bash_completion
  spanwalk completions zsh > ~/.zfunc/_spanwalk     in fpath, before compinit
  spanwalk completions fish > ~/.config/fish/completions/spanwalk.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

/// When a walk without a screen ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// The hub runs for the first time, inside `apply`.
    Start,
    /// The loop polls, and accepting is armed.
    Loop,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::server::Settings;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_subcommand_is_the_demo_with_its_flags() {
        let demo = Args::try_parse_from(["spanwalk"]).unwrap().demo;
        assert_eq!(demo.server.settings().port, Settings::default().port);
        assert_eq!(demo.server.settings().worker_idle, Duration::from_secs(5));
        assert!(!demo.plain);
        let args = Args::try_parse_from(["spanwalk", "--port", "7", "--plain"]).unwrap();
        assert!(args.command.is_none() && args.demo.plain && args.demo.server.port == 7);
        assert!(Args::try_parse_from(["spanwalk", "--plain", "serve"]).is_err());
    }
}
