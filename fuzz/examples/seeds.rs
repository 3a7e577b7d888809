//! What the fuzzer begins with: small real recordings, as files and as bare chunks; and what real clients and tools say.

use std::fs;
use std::path::Path;

use spanwalk::file::{Reader, Recording, Ways};
use spanwalk::record::{HoldMode, Recorder};
use spanwalk::trace::{Bookmark, BookmarkEdit, Chunk, Source, SpanId, Time};
use tracing::{field, info, info_span};

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let (files, chunks) = (corpus.join("read_file"), corpus.join("unpack_chunk"));
    fs::create_dir_all(&files)?;
    fs::create_dir_all(&chunks)?;
    for (name, _, seeds) in fuzzed::TARGETS {
        fs::create_dir_all(corpus.join(name))?;
        for (number, seed) in seeds().iter().enumerate() {
            fs::write(corpus.join(name).join(format!("seed-{number}")), seed)?;
        }
    }
    for (number, calls) in [0, 1, 3, 20].into_iter().enumerate() {
        // Small chunks: a file has some, each with something open.
        let recorder = Recorder::builder().chunk(200).hold(HoldMode::Follow).counted_clock().build();
        let ways = Ways::default().replacing();
        let recording = Recording::start(&files.join(format!("recorded-{number}")), ways, recorder.chunks(), |_| ())?;
        tracing::subscriber::with_default(recorder.subscriber(), || work(calls));
        for (at, text) in [(3, "a note"), (3, "another text"), (7, "")] {
            let edit = BookmarkEdit::Set(Bookmark::new((at, Some(SpanId(at))), Time(at), text));
            recording.mark(edit, || ());
        }
        recording.mark(BookmarkEdit::Remove((7, Some(SpanId(7)))), || ());
        recording.finish()?;
        // One that came later.
        let path = files.join(format!("recorded-{number}"));
        Reader::open(&path)?.append(&[BookmarkEdit::Set(Bookmark::new((0, None), Time(0), "later"))])?;
        let batch = recorder.reader().read(std::time::Duration::ZERO);
        for (at, chunk) in batch.chunks.into_iter().enumerate() {
            let Chunk { open, count, bytes, .. } = chunk;
            let mut seed = vec![open as u8, count.div_ceil(4) as u8, 0, 0, 255, at as u8];
            seed.extend(&*bytes);
            fs::write(chunks.join(format!("recorded-{number}-{at}")), seed)?;
        }
    }
    Ok(())
}

/// Some of everything: lanes, switches, wakes, waits, notes, fields of all kinds.
fn work(calls: u64) {
    let main = info_span!(parent: None, "serve", lane = "main", reason = field::Empty).entered();
    info!(opens_lane = "hub");
    let hub = info_span!(parent: None, "run", lane = "hub");
    for number in 0..calls {
        let call = info_span!("call", number, name = "x", share = 0.5, is_late = false, less = -3, rows = field::Empty);
        call.in_scope(|| info_span!("part").in_scope(|| info!(wakes = "hub", reason = "done")));
        main.record("reason", "the hub");
        hub.in_scope(|| info_span!("poll", blocks = "poll").in_scope(|| ()));
        call.in_scope(|| call.record("rows", u64::MAX));
        if number % 3 == 0 {
            std::mem::forget(call);
        }
    }
}
