//! The program `spanwalk`: see `spanwalk --help`, and the crate's documentation for how it is built.

use std::process::ExitCode;

fn main() -> ExitCode {
    spanwalk::cli::main()
}
