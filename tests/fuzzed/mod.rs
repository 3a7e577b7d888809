//! What is fuzzed: bytes in, and what must hold whatever they are. `fuzz/` runs these under libFuzzer, `tests/fuzz.rs` over
//! their seeds and what is near them.
#![allow(dead_code, reason = "each target uses a part of this")]

pub mod ask;
pub mod framing;
pub mod import;
pub mod namespaces;
pub mod session;

/// A target: its name, what it does with bytes, and what to begin with.
pub type Target = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>);

/// All whose seeds are made here.
pub const TARGETS: [Target; 4] = [
    ("session", session::run, session::seeds),
    ("namespaces", namespaces::run, namespaces::seeds),
    ("framing", framing::run, framing::seeds),
    ("import", import::run, import::seeds),
];
