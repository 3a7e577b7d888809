//! Bytes as what happens to a session of Engine.IO.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

fuzz_target!(|bytes: &[u8]| fuzzed::session::run(bytes));
