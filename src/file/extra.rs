//! Blocks that are beside the events: what a person has marked, and whatever a later version has to add.
//!
//! ```text
//!   extra    "EXT2" · kind, four letters · length u32 · crc32 u32 of those twelve bytes and the payload · payload
//!   mark     at u64 · raw time u64 · span u64, or 0 for none · 1 to remove it, else 0, u8 · text, UTF-8
//! ```
//!
//! A reader passes over kinds that it does not know, and says so: they take nothing from what it does know.

use std::fmt;

use super::EXTRA;
use crate::trace::{Bookmark, BookmarkEdit, SpanId, Time};

/// Bytes before the payload.
pub(super) const EXTRA_HEADER: usize = 4 + 4 + 4 + 4;
/// A payload is never longer.
const LONGEST: usize = 1 << 20;
/// The kind that has a bookmark, or takes one away.
pub(super) const MARK: [u8; 4] = *b"mark";
/// Bytes of that before its text.
const BEFORE_TEXT: usize = 8 + 8 + 8 + 1;

/// What such a block says of itself.
pub(super) struct Extra {
    pub(super) kind: [u8; 4],
    pub(super) length: usize,
    check: u32,
}

impl Extra {
    /// The header of a block that could be one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.get(..EXTRA_HEADER)?.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (check, _) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let is_sane = magic == EXTRA && length <= LONGEST;
        is_sane.then_some(Self { kind: *kind, length, check: u32::from_le_bytes(*check) })
    }

    /// Bytes of all of it.
    pub(super) fn size(&self) -> usize {
        EXTRA_HEADER + self.length
    }

    /// The payload, if it is there and as it was written.
    pub(super) fn checked<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let payload = bytes.get(EXTRA_HEADER..self.size())?;
        (sum(&bytes[..EXTRA_HEADER - 4], payload) == self.check).then_some(payload)
    }
}

fn sum(header: &[u8], payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(header);
    sum.update(payload);
    sum.finalize()
}

/// The block of an edit.
pub(super) fn write(edit: &BookmarkEdit) -> Vec<u8> {
    let (at, span) = edit.key();
    let (time, is_removed, text) = match edit {
        BookmarkEdit::Set(bookmark) => (bookmark.time, 0, bookmark.text()),
        BookmarkEdit::Remove(_) => (Time(0), 1, ""),
    };
    let mut payload = Vec::with_capacity(BEFORE_TEXT + text.len());
    for number in [at, time.0, span.map_or(0, |span| span.0)] {
        payload.extend(number.to_le_bytes());
    }
    payload.push(is_removed);
    payload.extend(text.as_bytes());
    let mut bytes = EXTRA.to_vec();
    bytes.extend(MARK);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(sum(&bytes, &payload).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// The edit in a payload, if it is one.
pub(super) fn edit(payload: &[u8]) -> Option<BookmarkEdit> {
    let (before, text) = payload.split_at_checked(BEFORE_TEXT)?;
    let number = |at: usize| before.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let (at, time, span) = (number(0)?, Time(number(8)?), number(16)?);
    let key = (at, (span > 0).then_some(SpanId(span)));
    match before[BEFORE_TEXT - 1] {
        0 => Some(BookmarkEdit::Set(Bookmark::new(key, time, std::str::from_utf8(text).ok()?))),
        1 => Some(BookmarkEdit::Remove(key)),
        _ => None,
    }
}

/// Blocks that were passed over, as nobody here knows what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The kind of the first of them.
    pub kind: [u8; 4],
    /// How many there are.
    pub blocks: u64,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.escape_ascii();
        match self.blocks {
            1 => write!(f, "1 block of a kind that this spanwalk does not know (`{kind}`): a newer one wrote it"),
            many => {
                write!(f, "{many} blocks of kinds that this spanwalk does not know (`{kind}`): a newer one wrote them")
            }
        }
    }
}
