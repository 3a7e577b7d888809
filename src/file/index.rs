//! The index at the end of a file: what there is in it, found without reading the blocks. Where it is missing, the headers of
//! the blocks say the same.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::extra::Extra;
use super::reader::Header;
use super::{BLOCK_HEADER, END, END_LENGTH, HEADER, INDEX};
use crate::trace::{Seq, Time};

/// A block, as the index has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where in the file it begins.
    pub offset: u64,
    /// The place in the recording of its first event.
    pub first: Seq,
    /// Raw times of its earliest and its latest event.
    pub times: (Time, Time),
}

/// Bytes of an entry.
const ENTRY: usize = 8 * 4;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many events the recording had when the file was closed, or behind the last block that was found.
    pub events: u64,
    /// Its blocks.
    pub blocks: Vec<Block>,
}

/// The index and the end of a file with these blocks and so many events. `offset`: where in the file they will stand.
pub(super) fn write(blocks: &[Block], events: u64, offset: u64) -> Vec<u8> {
    let mut bytes = INDEX.to_vec();
    bytes.extend((blocks.len() as u32).to_le_bytes());
    for block in blocks {
        for number in [block.offset, block.first.0, block.times.0.0, block.times.1.0] {
            bytes.extend(number.to_le_bytes());
        }
    }
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let mut end = END.to_vec();
    end.extend(events.to_le_bytes());
    end.extend(offset.to_le_bytes());
    end.extend(crc32fast::hash(&end).to_le_bytes());
    bytes.extend(end);
    bytes
}

/// What the end of a file says, if these bytes are one: events, and where the index is.
pub(super) fn end_of(bytes: &[u8]) -> Option<(u64, u64)> {
    let (said, check) = bytes.get(..END_LENGTH)?.split_at(END_LENGTH - 4);
    let is_good = said.starts_with(END) && crc32fast::hash(said).to_le_bytes() == check;
    let number = |at: usize| said.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    if is_good { Some((number(4)?, number(12)?)) } else { None }
}

/// How long an index is, by what it says itself, if these bytes begin with one.
pub(super) fn said_length(bytes: &[u8]) -> Option<usize> {
    let count = bytes.strip_prefix(INDEX)?.get(..4)?.try_into().map(u32::from_le_bytes).ok()?;
    (count as usize).checked_mul(ENTRY)?.checked_add(12)
}

/// Whether these bytes begin an index that goes on behind them.
pub(super) fn is_cut(bytes: &[u8]) -> bool {
    bytes.starts_with(INDEX) && said_length(bytes).is_none_or(|length| length > bytes.len())
}

/// How long an index is, if these bytes begin with a whole one.
pub(super) fn length_of(bytes: &[u8]) -> Option<usize> {
    let length = said_length(bytes)?;
    let (said, check) = bytes.get(..length)?.split_at(length - 4);
    (crc32fast::hash(said).to_le_bytes() == check).then_some(length)
}

/// Reads the index of a file that was closed in order; nothing if there is none, or it is spoilt.
pub(super) fn read(file: &mut File) -> Option<Extent> {
    let length = file.metadata().ok()?.len();
    let mut end = [0; END_LENGTH];
    file.seek(SeekFrom::Start(length.checked_sub(END_LENGTH as u64)?)).ok()?;
    file.read_exact(&mut end).ok()?;
    let (events, offset) = end_of(&end)?;
    let size = length.checked_sub(END_LENGTH as u64)?.checked_sub(offset)?;
    if offset < HEADER as u64 {
        return None;
    }
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = vec![0; 8];
    file.read_exact(&mut bytes).ok()?;
    // Between the index and the last end there may be what was added later.
    let rest = (said_length(&bytes)? as u64).min(size).checked_sub(8)?;
    file.take(rest).read_to_end(&mut bytes).ok()?;
    let entries = &bytes[8..length_of(&bytes)?.checked_sub(4)?];
    let number = |entry: &[u8], at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or_default());
    let block = |entry: &[u8]| Block {
        offset: number(entry, 0),
        first: Seq(number(entry, 8)),
        times: (Time(number(entry, 16)), Time(number(entry, 24))),
    };
    Some(Extent { events, blocks: entries.chunks_exact(ENTRY).map(block).collect() })
}

/// Finds the blocks of a file that has no index, from one header to the next, up to what is no block or is not there in
/// full. Their contents are not looked at.
pub(super) fn rebuild(file: &mut File) -> io::Result<Extent> {
    let length = file.metadata()?.len();
    let mut extent = Extent::default();
    let mut offset = HEADER as u64;
    let mut bytes = [0; BLOCK_HEADER];
    while offset < length {
        file.seek(SeekFrom::Start(offset))?;
        let there = bytes.len().min((length - offset).try_into().unwrap_or(usize::MAX));
        file.read_exact(&mut bytes[..there])?;
        if let Some(extra) = Extra::read(&bytes[..there]) {
            offset += extra.size() as u64;
            continue;
        }
        let Some(header) = Header::read(&bytes[..there]) else { break };
        let behind = offset + (BLOCK_HEADER + header.length) as u64;
        if behind > length {
            break;
        }
        extent.blocks.push(Block { offset, first: header.first, times: header.times });
        extent.events = header.first.0.saturating_add(header.count.into());
        offset = behind;
    }
    Ok(extent)
}
