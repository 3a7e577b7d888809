//! The screens: pure functions of (log, cursor), and the keys that move the cursor or ask the program for something.

mod program;

pub use program::{Program, Resolver, Restart};
