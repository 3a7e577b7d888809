//! What can be asked of a running program, and what it answers. Plain data: who carries it out is `record`'s gate,
//! who asks is a screen.

use super::{Breakpoint, BreakpointId, Key, LaneId, SpanId, ThreadId};

/// Which end of a call a thread stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// The call has begun and nothing of it has run.
    Enter,
    /// The call has done its work; what it recorded is there to see.
    Exit,
}

impl Edge {
    /// `enter` or `exit`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Exit => "exit",
        }
    }
}

/// A thread that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stop {
    /// The lane that runs on it.
    pub lane: LaneId,
    /// The thread.
    pub thread: ThreadId,
    /// The span at whose edge it stands.
    pub span: SpanId,
    /// Which edge.
    pub edge: Edge,
}

/// Where a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The next enter of this call.
    Call(Key),
    /// The next enter of a span whose name is this.
    Name(String),
    /// The first enter of `call` after an enter of `first`.
    After {
        /// What has to come before.
        first: Key,
        /// Where the run ends.
        call: Key,
    },
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The next watched point, wherever it is; the current lane goes first.
    Into,
    /// To the end of the call we stand at the beginning of, or to the next point that is no deeper.
    Over,
    /// To the end of the call around the one we stand in.
    Out,
    /// To another lane: one that is held already, or else the first that arrives.
    NextLane,
    /// On until the target is reached.
    RunTo(Target),
    /// On, holding nobody, until a breakpoint or until somebody says pause.
    Continue,
    /// Hold at the next watched point.
    Pause,
    /// Have these breakpoints from now on. Whoever is held stays so. One that keeps its number, condition and rule keeps its
    /// count.
    Breakpoints(Vec<Breakpoint>),
}

/// How the program stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Run {
    /// Held; this lane is the one shown.
    Paused(Stop),
    /// On its way to the next stop, which has not come.
    #[default]
    Stepping,
    /// Nobody is held and nobody will be until a breakpoint, or until asked.
    Free,
    /// There is nothing to control: the log is a recording.
    Over,
}

/// How the program stands, and who is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Held, stepping or free.
    pub run: Run,
    /// Every held thread, the shown one among them, in the order in which they arrived.
    pub held: Vec<Stop>,
    /// The gate was taken down: it will never hold again.
    pub detached: bool,
    /// The breakpoint that the shown thread has stopped at.
    pub on: Option<BreakpointId>,
    /// How often each breakpoint was hit.
    pub hits: Vec<(BreakpointId, u64)>,
}

impl Status {
    /// How often a breakpoint was hit; 0 of one that is not there.
    #[must_use]
    pub fn hits_of(&self, id: BreakpointId) -> u64 {
        self.hits.iter().find(|hits| hits.0 == id).map_or(0, |hits| hits.1)
    }
}
