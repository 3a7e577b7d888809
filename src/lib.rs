//! spanwalk
pub mod record;
#[cfg(feature = "app")]
pub mod server;
pub mod trace;
#[cfg(feature = "app")]
pub mod tui;
