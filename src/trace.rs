//! The model: what happened, as one append-only log, and every question a screen asks of it.
//!
//! ```text
//!   record ──chunks──► Log ──┬─► state_at(cursor)   stacks of all lanes, lane states, fields recorded by then
//!   file, format (later) ─┘  ├─► timeline           rows of bars for a window and a width, of the lanes there is room for
//!                            ├─► chain, calls       the documented step we are in, loop starts, loop serves, every call of a step
//!                            ├─► event_loop         poll, watchers, ready callbacks, pool; the turns of the loop
//!                            ├─► hits               where a breakpoint stops
//!                            ├─► stats              counts and times by callsite
//!                            ├─► compare            two logs, or two moments of one, side by side, by call path
//!                            └─► bookmarks          places that a person has marked, with what they say of them
//!
//!   inside   store: packed events · index: spans, lanes, calls, outlines of states, all kept up to date event by event
//! ```
//!
//! Every answer is a pure function of (log, cursor); *live* is the cursor at the end. Nothing here reads a
//! clock, a file or a screen, knows a colour, or emits spans. It imports nothing else of this crate.

mod append;
mod bookmark;
mod breakpoint;
mod breakpoints;
mod calls;
mod chain;
mod choice;
mod compare;
mod control;
mod critical;
mod durations;
mod event;
mod event_loop;
mod find;
mod found;
mod group;
mod hits;
mod holders;
mod ids;
mod index;
mod lanes;
mod log;
mod outline;
mod outlines;
mod packed;
mod place;
mod query;
mod rebuild;
mod records;
mod retained;
mod rows;
mod source;
mod spans;
mod state;
mod stats;
mod stops;
mod store;
mod tally;
mod time;
mod timeline;
mod turns;

pub use bookmark::{Bookmark, BookmarkEdit, BookmarkKey, Bookmarks};
pub use breakpoint::{BreakError, Breakpoint, Condition, HitRule};
pub use breakpoints::Breakpoints;
pub use calls::{Call, CallsOf};
pub use chain::{Chain, ChainStep, Key, Landmarks, Lookout, StepError, here};
pub use choice::{LaneChoice, Line, LineChoice, Wanted};
pub use compare::{
    Calls as PathCalls, Comparison, Counterpart, Difference, Fields as PathFields, LanePair, Node as PathNode,
    Opposite, PairedCall, PairedLane, Tolerance, before_and_after, side_by_side,
};
pub use control::{Command, Edge, Run, Status, Stop, Target};
pub use critical::{Because, CriticalPath, Doing, How, Part, Stage, TooLong};
pub use event::{Callsite, Event, Field, Kind, LaneKind, Thread, Value, field};
pub use event_loop::{
    Callback, Doing as WorkerDoing, Fired, Job, JobState, LoopState, LoopTurn, LoopTurns, Phase, Pool, Waiter, Waiting,
    Watcher, WatcherState, Why, Worker,
};
pub use find::{Finder, Match};
pub use group::{GroupId, LaneGroup};
pub use hits::Hits;
pub use ids::{BreakpointId, LaneId, Seq, SpanId, ThreadId};
pub use lanes::LaneRecord;
pub use log::{Gap, Log, Memory, SpanRecord};
pub use packed::{
    At, Chunk, Corrupt, Item, ItemFields, ItemKind, Packable, PackedValue, Packer, Position, Tables, Unpacker, ValueRef,
};
pub use place::{Place, PlaceError};
pub use query::{Candidate, Query, QueryError};
pub use retained::Retained;
pub use source::{Batch, Source};
pub use state::{Activity, Frame, Lane, State};
pub use stats::{CallStats, call_stats};
pub use stops::{Look, Stops};
pub use tally::Tally;
pub use time::{NoTime, ProgramClock, Stretch, Time};
pub use timeline::{Bar, Cell, Mark, MarkKind, Row, Timeline, Window};
pub use turns::{Turn, Turns};
