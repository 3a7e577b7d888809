//! The program on the other side of the screen.

use std::time::Duration;

use super::scene::{Clients, Scene};
use crate::trace::{BookmarkEdit, Command, Log, Status};

/// A program that is watched. The screens never ask whether it is live, attached or a file: what it cannot do
/// answers with a reason.
pub trait Program {
    /// Appends what has happened since the last call, or replaces the log, and says which.
    fn update(&mut self, log: &mut Log) -> News;

    /// How the gate stands. Calling this at least every 200 ms is also the viewer's sign of life: a gate that does not
    /// hear of its viewer for a second lets everybody go.
    fn status(&mut self) -> Status;

    /// Asks the gate.
    fn command(&mut self, command: Command);

    /// Asks the program to stop, as a person does who presses ctrl-c: it goes its way down, held at every step of it. Once more does not wait for what is in flight.
    ///
    /// # Errors
    /// A sentence for the status line, if there is nothing that could stop.
    fn stop(&mut self) -> Result<(), String>;

    /// Has the program stopped and started again, held at its first step. Returns at once: the old run goes on until it has
    /// ended, and then [`Program::update`] begins an empty log. What goes wrong meanwhile arrives as a notice.
    ///
    /// # Errors
    /// A sentence for the status line, if that is under way already.
    fn restart(&mut self, restart: Restart) -> Result<(), String>;

    /// How it was started last.
    fn started_with(&self) -> Restart;

    /// Which real clients it has inside, on threads that are not watched.
    fn clients(&self) -> Clients;

    /// Has one of those clients play a scene. Returns at once; what came of it arrives as a notice.
    ///
    /// # Errors
    /// A sentence for the status line, if there is nothing to send to.
    fn send(&mut self, scene: Scene) -> Result<(), String>;

    /// What it listens on, once it does, or what it will listen on.
    fn address(&self) -> String;

    /// Keeps with the recording what a person has marked in it, which the log has already.
    ///
    /// # Errors
    /// Why it is not kept, in a sentence.
    fn mark(&mut self, edit: &BookmarkEdit) -> Result<(), String>;

    /// What was marked and would be lost if the program ended now.
    fn unkept(&self) -> Option<Unkept>;

    /// Something to tell the person, once.
    fn notice(&mut self) -> Option<String>;

    /// How much of its log has been read, while there is more to come at once; what grows as it happens has none.
    fn progress(&self) -> Option<Progress> {
        None
    }

    /// What is to be known of the log as a whole for as long as it is looked at, in a few words, such as `2 blocks damaged` or
    /// `not closed`. Shown in the first line.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// What has become of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing is new.
    Nothing,
    /// It has grown.
    More,
    /// The program was started again: it is another log.
    Another,
    /// It is the same recording, and some of what was between its beginning and what is newest has been let go.
    Shorter,
}

/// What a person has marked and no file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// How many places.
    pub count: usize,
    /// Why, in a sentence.
    pub why: String,
}

impl Unkept {
    /// `2 notes not saved`.
    #[must_use]
    pub fn text(&self) -> String {
        match self.count {
            1 => "1 note not saved".to_owned(),
            count => format!("{count} notes not saved"),
        }
    }
}

/// How much of a file has been read, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has been read.
    pub done: u64,
    /// What there is.
    pub all: u64,
}

/// Who looks names up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// A thread of the pool, while the loop runs.
    #[default]
    Thread,
    /// The calling thread itself.
    Block,
}

/// What a restart may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restart {
    /// Who looks names up.
    pub resolver: Resolver,
    /// How much slower the lookup is made.
    pub slow_dns: Option<Duration>,
}
