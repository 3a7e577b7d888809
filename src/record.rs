//! From `tracing` to the log: what a program does becomes events, in order, and a gate may hold its threads.
//!
//! ```text
//!   span!, #[instrument], event! ──► Subscriber or Layer ──words──► Collector ──chunks──► Reader: whoever watches
//!                                      │
//!                                      └──► Gate: hold this thread here?  ◄──commands── whoever watches
//! ```
//!
//! The recorded program does not know that it is watched, and imports nothing from here. What the log needs beyond
//! plain spans it reads from **conventions on field names**, which any program may follow:
//!
//! | field | on | meaning |
//! |---|---|---|
//! | `lane = "hub"` | a span | it belongs to this lane; without it a span takes the lane of the entered span around it, else of its task, else of its thread (`name#2` if another thread has the name). The root span of a lane may be left and entered again: its *close* is its end |
//! | `reason = "…"` | a span | what its lane waits for while another lane has control; the latest value counts |
//! | `blocks = "poll"` | a span | while it is entered its thread is blocked in the operating system: in the event loop's poll, or for what the text says |
//! | `opens_lane = "conn-1"` | an event | the lane exists from here on and has not run; with `task = true` it will be a task |
//! | `wakes = "main"` | an event | the lane makes another ready to run; `reason` says why |
//!
//! Entering a span of another lane on a thread *is* a switch; so is leaving it.
//!
//! A recording thread takes the time, writes a few words into a page of its own, and goes on: no lock, no allocation, no
//! formatting but of values that are given as `Debug`. What the words mean is found out by the collector, off the recorded
//! threads; what it makes of them is a ring of packed chunks, bounded in bytes. The oldest begins with what was
//! open, and so does each but those that would repeat more than what happened.
//!
//! What is deliberately absent: no I/O, no events of its own, and no lock or span guard held while a thread waits at the
//! gate. A forked child records nothing: neither into the parent's log nor into its file.

mod callsites;
mod clock;
mod collector;
mod fields;
mod filter;
mod fork;
mod gate;
mod hidden;
mod lanes;
mod layer;
mod local;
mod model;
mod own;
mod page;
mod recorder;
mod shared;
mod spans;
mod stand;
mod store;
mod stream;
mod subscriber;
mod task;
mod tsc;
mod words;
mod write;

pub use filter::RecorderFilter;
pub use gate::HoldMode;
pub use hidden::{Hidden, HiddenCallsites};
pub use layer::RecorderLayer;
pub use recorder::{Builder, Control, Counts, Reader, Recorder};
pub use subscriber::RecorderSubscriber;
