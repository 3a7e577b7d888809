//! From `tracing` to the log: what a program does becomes events, in order, and a gate may hold its threads.
//!
//! ```text
//!   span!, #[instrument], event! ──► Layer ──► Store (the log so far) ──drain──► whoever watches
//!                                      │
//!                                      └──► Gate: hold this thread here?  ◄──commands── whoever watches
//! ```
//!
//! The recorded program does not know that it is watched, and imports nothing from here. What the log needs beyond
//! plain spans it reads from **conventions on field names**, which any program may follow:
//!
//! | field | on | meaning |
//! |---|---|---|
//! | `lane = "hub"` | a span | it belongs to this lane; without it a span takes the lane of the entered span around it, else of its task, else of its thread. The root span of a lane may be left and entered again: its *close* is its end |
//! | `reason = "…"` | a span | what its lane waits for while another lane has control; the latest value counts |
//! | `blocks = "poll"` | a span | while it is entered its thread is blocked in the operating system: in the event loop's poll, or for what the text says |
//! | `opens_lane = "conn-1"` | an event | the lane exists from here on and has not run; with `task = true` it will be a task |
//! | `wakes = "main"` | an event | the lane makes another ready to run; `reason` says why |
//!
//! Entering a span of another lane on a thread *is* a switch; so is leaving it.
//!
//! The recorder keeps whatever nobody has drained, and a [`Log`](crate::trace::Log) keeps all of it: memory grows with what
//! happens, some hundred bytes an event. It is made for a demo of minutes; a bounded store is not built yet.
//!
//! What is deliberately absent: no formatting of text beyond `Debug` fields, no I/O, no events of its own, and no
//! lock or span guard held while a thread waits at the gate.

mod fields;
mod gate;
mod layer;
mod store;

pub use gate::{Gate, HoldMode};
pub use layer::RecorderLayer;
pub use store::{Batch, Control, Recorder};
