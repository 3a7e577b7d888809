//! Records a program of your own into a file: `cargo run --example record -- work.spanwalk`, then
//! `cargo run -- open work.spanwalk`.
//!
//! Lanes come from threads and tokio tasks; a field `lane` names one, as `main` does here. Beside other layers,
//! `registry().with(recorder.layer())` takes the place of `recorder.subscriber()`.

use std::path::PathBuf;
use std::time::Duration;

use spanwalk::file::{Recording, Ways};
use spanwalk::record::Recorder;
use tracing::{debug, instrument};

#[expect(clippy::print_stderr, reason = "somebody has to be told")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(std::env::args().nth(1).ok_or("name the file to write, such as work.spanwalk")?);

    // The three lines: a recorder, the file, the subscriber. Dropped or finished, the recording ends the file.
    let recorder = Recorder::new();
    let recording = Recording::start(&path, Ways::default(), recorder.chunks(), |error| eprintln!("{error}"))?;
    tracing::subscriber::set_global_default(recorder.subscriber())?;

    work();
    Ok(recording.finish()?)
}

#[instrument(parent = None, fields(lane = "main"))]
fn work() {
    let helpers: Vec<_> = (1..=2).map(|number| std::thread::spawn(move || help(number))).collect();
    for order in 1..=3 {
        serve(order);
    }
    for helper in helpers {
        let _ = helper.join();
    }
}

#[instrument(fields(price))]
fn serve(order: u32) {
    std::thread::sleep(Duration::from_millis(2));
    tracing::Span::current().record("price", order * 7);
    debug!(order, "served");
}

#[instrument]
fn help(number: u32) {
    for order in 1..=2 {
        serve(order);
    }
}
