//! The log on disk: `.spanwalk` files, written while recording, readable while being written, and after whatever cut or
//! spoilt them.
//!
//! ```text
//!   header   "SPANWALK" · version u16 · zero × 6                                                        16 bytes
//!   block    "BLK2" · length u32 · raw length u32 · first seq u64 · open set u32 · events u32 · earliest, latest ns u64
//!            · crc32 u32 · payload, lz4 of a chunk: what was open, then the events                      one after another
//!            (the chunk itself if the two lengths are the same; the highest bit of the open set: there is none, and
//!            it goes on where the block before ends)
//!   extra    "EXT2" · kind, four letters · length u32 · crc32 u32 · payload                         anywhere in between
//!   index    "IDX2" · blocks u32 · per block: offset u64 · first seq u64 · earliest, latest ns u64 · crc32 u32
//!   end      "END2" · events u64 · offset of the index u64 · crc32 u32                 only if it was closed in order
//! ```
//!
//! Numbers are little-endian. A block is one [`Chunk`](crate::trace::Chunk) and stands alone: its strings, threads and
//! callsites are in it, and it begins with what was open then, so a stack needs nothing older. Where that would take more
//! than what happened a block may go without, and needs the one before it; the first of a file never does. After damage
//! the reader looks for the next block whose checksum is right and that stands alone, says what is missing, closes what was
//! open and is not any more, and goes on. The index repeats what the blocks say, and is not needed to read them.
//!
//! What a person has marked is in blocks of the kind `mark`, one for each edit, the last of which wins. They may come later
//! than the end, which is then said again behind them. Kinds that a reader does not know are passed over and counted; one
//! that knows no extras at all calls them bytes that cannot be read, for which 0 events are missing, and reads the rest.
//!
//! What is deliberately absent: any thought of who records and who shows the log.

mod append;
mod error;
mod extra;
mod index;
mod lock;
mod reader;
mod recording;
mod writer;

pub use error::FileError;
pub use extra::Unknown;
pub use index::{Block, Extent};
pub use reader::{Damage, Reader};
pub use recording::{Recording, Ways};
pub use writer::{Existing, Writer};

/// The first bytes of every file.
const MAGIC: &[u8; 8] = b"SPANWALK";
/// What this program writes and reads.
const VERSION: u16 = 3;
/// What it reads too: in that every block stands alone.
const OLDEST: u16 = 2;
/// In the count of the open set: there is none.
const GOES_ON: u32 = 1 << 31;
/// Bytes of the file's header.
const HEADER: usize = 16;
/// What a block begins with.
const BLOCK: &[u8; 4] = b"BLK2";
/// Bytes of a block's header.
const BLOCK_HEADER: usize = 4 + 4 + 4 + 8 + 4 + 4 + 8 + 8 + 4;
/// What a block beside the events begins with.
const EXTRA: &[u8; 4] = b"EXT2";
/// What the index begins with.
const INDEX: &[u8; 4] = b"IDX2";
/// What a file that was closed in order ends with.
const END: &[u8; 4] = b"END2";
/// Bytes of the end.
const END_LENGTH: usize = 4 + 8 + 8 + 4;
/// A payload is never longer than this, unpacked: what a reader must be ready to hold.
const LONGEST: usize = 32 << 20;
/// A payload is never packed to less than one byte in so many: what a file takes in memory is a matter of its size. Real ones
/// are packed two to one.
const DENSEST: usize = 32;
