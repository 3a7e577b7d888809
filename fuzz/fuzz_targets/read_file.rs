//! A whole file of any bytes.
#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use spanwalk::file::Reader;
use spanwalk::trace::Log;

#[path = "../../tests/fuzzed/ask.rs"]
mod ask;

/// What blocks begin with, and the bytes of their header, whose last four are the checksum.
const BLOCKS: [(&[u8], usize, usize); 2] = [(b"BLK2", 48, 4), (b"EXT2", 16, 8)];

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").or_else(|_| tempfile::NamedTempFile::new()).unwrap();
    file.write_all(&bytes).unwrap();
    let Ok(mut reader) = Reader::open(file.path()) else { return };
    let mut log = Log::new();
    reader.read(&mut log).unwrap();
    reader.survey().unwrap();
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
    while at < bytes.len() {
        let begins = |block: &&(&[u8], usize, usize)| bytes[at..].starts_with(block.0) && at + block.1 <= bytes.len();
        let Some(&(_, header, length_at)) = BLOCKS.iter().find(begins) else {
            at += 1;
            continue;
        };
        let length = bytes[at + length_at..at + length_at + 4].try_into().map_or(0, u32::from_le_bytes) as usize;
        let Some(end) = at.checked_add(header + length).filter(|end| *end <= bytes.len()) else {
            at += 4;
            continue;
        };
        // One in sixteen stays wrong.
        if bytes[at + header - 4] & 0xf0 != 0x50 {
            let mut sum = crc32fast::Hasher::new();
            sum.update(&bytes[at..at + header - 4]);
            sum.update(&bytes[at + header..end]);
            bytes[at + header - 4..at + header].copy_from_slice(&sum.finalize().to_le_bytes());
        }
        at = end;
    }
}
