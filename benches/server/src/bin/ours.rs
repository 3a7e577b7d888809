//! Ours: the program as it is, `serve` with or without `--record FILE`; and with `memory PORT`, which the program has no use
//! for, the same server under the same recorder, whose ring nobody reads.

use std::io::{self, Read as _};
use std::process::ExitCode;

use spanwalk::record::Recorder;
use spanwalk::server::{Server, Settings};
use tracing_subscriber::filter::{LevelFilter, Targets};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["memory", port] => match memory(port) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("ours: {error}");
                ExitCode::FAILURE
            }
        },
        _ => spanwalk::cli::main(),
    }
}

/// Serves until the end of the input, and says how much of what happened was lost.
fn memory(port: &str) -> Result<(), String> {
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    // As `spanwalk serve --record` has it.
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    let recorder = Recorder::builder().filter(filter).build();
    tracing::subscriber::set_global_default(recorder.subscriber()).map_err(|error| error.to_string())?;
    let server = Server::start(Settings { port, ..Settings::default() }).map_err(|error| error.to_string())?;
    io::stdin().read_to_end(&mut Vec::new()).map_err(|error| error.to_string())?;
    let counts = recorder.counts();
    // The ring forgets what is oldest, which is no loss; what was never recorded is.
    println!("{{\"events\":{},\"dropped\":{}}}", counts.events, counts.unnumbered);
    server.stopper()();
    server.join().map_err(|error| error.to_string())
}
