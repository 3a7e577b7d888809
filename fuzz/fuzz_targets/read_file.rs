//! A whole file of any bytes.
#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use spanwalk::file::Reader;
use spanwalk::trace::Log;

#[path = "../ask.rs"]
mod ask;

/// Bytes of a block's header.
const HEADER: usize = 48;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").or_else(|_| tempfile::NamedTempFile::new()).unwrap();
    file.write_all(&bytes).unwrap();
    let Ok(mut reader) = Reader::open(file.path()) else { return };
    let mut log = Log::new();
    reader.read(&mut log).unwrap();
    let damaged: u64 = reader.damage().iter().map(|damage| damage.bytes).sum();
    assert!(damaged <= bytes.len() as u64);
    // The whole of a log takes a bounded multiple of what could be unpacked from the file.
    let memory = log.memory();
    assert!(memory.packed <= bytes.len() * 300 + (1 << 20), "{memory:?} of {} bytes", bytes.len());
    ask::everything(&log);
});

/// Gives blocks that begin as such the checksum of what is in them.
fn seal(bytes: &mut [u8]) {
    if bytes.len() >= 10 {
        bytes[..10].copy_from_slice(b"SPANWALK\x02\0");
    }
    let mut at = 16;
    while at + HEADER <= bytes.len() {
        if &bytes[at..at + 4] != b"BLK2" {
            at += 1;
            continue;
        }
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let Some(end) = at.checked_add(HEADER + length).filter(|end| *end <= bytes.len()) else {
            at += 4;
            continue;
        };
        // One in sixteen stays wrong.
        if bytes[at + HEADER - 4] & 0xf0 != 0x50 {
            let mut sum = crc32fast::Hasher::new();
            sum.update(&bytes[at..at + HEADER - 4]);
            sum.update(&bytes[at + HEADER..end]);
            bytes[at + HEADER - 4..at + HEADER].copy_from_slice(&sum.finalize().to_le_bytes());
        }
        at = end;
    }
}
