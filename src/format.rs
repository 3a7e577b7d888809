//! The log in the formats of others, one file per format.

pub mod jsonl;
