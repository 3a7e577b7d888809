//! spanwalk
#[cfg(feature = "app")]
pub mod cli;
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
