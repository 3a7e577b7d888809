//! spanwalk
pub mod trace;
#[cfg(feature = "app")]
pub mod tui;
