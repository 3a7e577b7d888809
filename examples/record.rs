//! Records a program of your own into a file: `cargo run --example record -- work.spanwalk`, then
//! `cargo run -- open work.spanwalk`.
//!
//! The recorder is a layer like any other. Lanes come from threads and tokio tasks; a field `lane` names one, as `main` does
//! here. What has been recorded is drained whenever it suits, here by a thread that writes it down.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use spanwalk::file::{Existing, FileError, Writer};
use spanwalk::record::Recorder;
use spanwalk::trace::Log;
use tracing::{debug, instrument};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(std::env::args().nth(1).ok_or("name the file to write, such as work.spanwalk")?);

    let recorder = Recorder::new();
    tracing::subscriber::set_global_default(recorder.subscriber())?;

    let is_over = Arc::new(AtomicBool::new(false));
    let writer = {
        let (writer, is_over) = (Writer::create(&path, Existing::Keep)?, is_over.clone());
        std::thread::spawn(move || write_down(&recorder, writer, &is_over))
    };
    work();
    is_over.store(true, Ordering::Release);
    writer.join().map_err(|_| "the writer failed")??;
    Ok(())
}

/// Drains the recorder into the file until the work is over and everything is written.
fn write_down(recorder: &Recorder, mut writer: Writer, is_over: &AtomicBool) -> Result<(), FileError> {
    let (mut reader, mut log) = (recorder.reader(), Log::new());
    loop {
        let was_over = is_over.load(Ordering::Acquire);
        let known = log.len();
        reader.read_into(&mut log, if was_over { Duration::ZERO } else { Duration::from_millis(50) });
        for event in log.events_in(known..log.len()) {
            writer.push(&event)?;
        }
        writer.tick()?;
        if was_over {
            return writer.finish();
        }
    }
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
