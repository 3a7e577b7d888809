//! The command line: one file per subcommand, and the only place that wires the rooms together.

mod args;
mod check;
mod client;
mod companion;
mod config;
mod demo;
mod diff;
mod export;
mod fresh_run;
mod heap;
mod hint;
mod info;
mod input;
mod live;
mod manual;
mod open;
mod output;
mod plain;
mod progress;
mod prompt;
mod push;
mod recording;
mod sentences;
mod serve;
mod session;
mod settings;
mod shot;
mod signals;
mod sources;
mod unkept;
mod version;
mod watch;
mod worksheet;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

pub use args::{Args, Subcommand};

use crate::file::FileError;

/// Runs the program with the arguments of this process.
///
/// Exit codes: 0 ok (a closed standard output is ok too), 1 failed, 2 wrong use.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and version are answers, not errors.
        Err(answer) if !answer.use_stderr() => answer.exit(),
        Err(error) => {
            complain(&in_one_line(&error.to_string()));
            return ExitCode::from(2);
        }
    };
    let result = match &args.command {
        None => demo::run(&args.demo),
        Some(Subcommand::Demo(demo)) => demo::run(demo),
        Some(Subcommand::Serve(serve)) => serve::run(serve),
        Some(Subcommand::Open(open)) => open::run(open),
        Some(Subcommand::Info(info)) => info::run(info),
        Some(Subcommand::Diff(diff)) => diff::run(diff),
        Some(Subcommand::Export(export)) => export::run(export),
        Some(Subcommand::Shot(shot)) => shot::run(shot),
        Some(Subcommand::Config) => config::print(),
        Some(Subcommand::Check(check)) => check::run(check),
        Some(Subcommand::Worksheet(worksheet)) => worksheet::run(worksheet),
        Some(Subcommand::Man(man)) => manual::man(man),
        Some(Subcommand::Completions(completions)) => manual::completions(completions),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if is_said(&error) => ExitCode::from(1),
        Err(error) => {
            complain(&format!("{error:#}{}", remedy(&error)));
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

/// Whether it has been told where the answer was.
fn is_said(error: &anyhow::Error) -> bool {
    error.is::<AlreadySaid>() || error.is::<check::NotAsSaid>() || error.is::<diff::Differ>()
}

/// What can be done about a file, by the arguments of this program.
fn remedy(error: &anyhow::Error) -> &'static str {
    match error.chain().find_map(|cause| cause.downcast_ref()) {
        Some(FileError::Exists { .. }) => "; name another file, or add --force to replace it",
        Some(FileError::NotARecording { .. } | FileError::Short { .. }) => "; make one with --record FILE",
        _ => "",
    }
}

/// What clap says of wrong arguments, without its layout: the value, what is right, the tip.
fn in_one_line(error: &str) -> String {
    let said = error.split("\nUsage:").next().unwrap_or(error).split("\nFor more information").next().unwrap_or(error);
    let parts: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = parts.join(" ");
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end_matches(':').to_owned();
    format!("{text}; --help says more")
}

/// Arguments that cannot be used together, or not in this build.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

/// A failure that a line on standard error was about when it happened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct AlreadySaid(FileError);

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.into_iter().any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// One line to standard error, under the program's name. If that is closed too there is nobody left to tell.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "spanwalk: {text}");
}
