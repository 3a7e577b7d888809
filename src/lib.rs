//! spanwalk
#[cfg(feature = "app")]
pub mod lesson;
pub mod trace;
#[cfg(feature = "app")]
pub mod tui;
