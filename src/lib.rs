//! A step debugger and flight recorder for the call chain of a running server.
//!
//! ```text
//!   server ─┐                                            ┌─► tui      screens over (log, cursor)
//!           ├─ tracing ─► record ─► trace::Log ──────────┼─► format   export, import  file: the log on disk
//!   any app ┘              ▲ gate   (the one model)  ▲   └─► lesson   pages, claims
//!                          └──── control ◄───────────┴────── tui
//!                                                  cli wires the rooms together
//! ```
//!
//! Read in this order:
//!
//! - [`trace`] is the model: one append-only log of what happened, and every question a screen asks of it as a pure
//!   function of (log, cursor). It imports nothing of ours and does no I/O.
//! - [`record`] makes that log out of `tracing` spans: a subscriber or a layer, a collector, and a gate that may hold a
//!   thread at the beginning or the end of a call, or where a breakpoint says. What another program depends on are these two rooms and `file`;
//!   `default-features = false` builds nothing else.
//! - [`mod@file`] is the log on disk, with what a person has marked in it: written while recording, added to later, read back
//!   whatever happened to it.
//! - `server` is what is watched: Flask-SocketIO on gevent, mirrored call by call on tokio, hyper and axum, with Engine.IO
//!   and Socket.IO above. It is teaching material and reads top to bottom.
//! - `lesson` reads `walkthrough/*.md`, binds each page to a span, and asks the log whether a claim holds.
//! - `tui` draws, and turns keys into moves of the cursor or into commands for the gate.
//! - `format` writes the log in the formats of others, and as a page to step through, and reads what other tools have recorded;
//!   what lessons say of it comes as plain data.
//! - `cli` has one file per subcommand and is the only room that knows all the others.
//!
//! Invariants, stated as what is absent:
//!
//! - The server never learns that it is watched: `server` imports nothing of this crate.
//! - `trace` knows no screen, no file, no clock. Nobody imports `cli`.
//! - A screen never asks whether its log is live: live is the cursor at the end.
//! - Nothing is drawn, printed or exported that was not recorded.
//! - No lock and no span guard is held while a thread waits at the gate, and no thread waits for a viewer that is gone.

#[cfg(feature = "app")]
pub mod cli;
pub mod file;
#[cfg(feature = "app")]
pub mod format;
#[cfg(feature = "app")]
pub mod lesson;
pub mod record;
#[cfg(feature = "app")]
pub mod server;
pub mod trace;
#[cfg(feature = "app")]
pub mod tui;
