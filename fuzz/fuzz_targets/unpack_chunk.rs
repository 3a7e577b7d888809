//! Chunks of any bytes, one or two after each other, put into a log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanwalk::trace::{Chunk, Log, Seq, Tables, Time, Unpacker};

#[path = "../../tests/fuzzed/ask.rs"]
mod ask;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, bytes)) = bytes.split_at_checked(6) else { return };
    let [open, count, again, gap, cut, is_live] = *head else { return };
    let cut = bytes.len() * usize::from(cut) / 256;
    let chunk = |first: u64, open: u8, count: u8, bytes: &[u8]| Chunk {
        first: Seq(first),
        has_open_set: open != 255,
        open: open.into(),
        count: u32::from(count) * 4,
        times: (Time(0), Time(u64::MAX)),
        bytes: bytes.into(),
    };
    let mut log = Log::new();
    if is_live & 1 == 0 {
        // One, and another behind a gap or none.
        let _ = log.append(&chunk(0, open, count, &bytes[..cut]));
        let _ = log.append(&chunk(u64::from(count) * 4 + u64::from(gap), again, count, &bytes[cut..]));
    } else {
        // One that grows.
        let _ = log.append(&chunk(u64::from(gap), open, count / 2, &bytes[..cut]));
        let _ = log.append(&chunk(u64::from(gap), open, count, bytes));
    }
    ask::everything(&log);

    let mut unpacker = Unpacker::new(bytes, Tables::default());
    while let Ok(Some(item)) = unpacker.next_item() {
        let _ = unpacker.event(&item, Seq(0));
    }
});
