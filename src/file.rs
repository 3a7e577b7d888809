//! The log on disk: `.spanwalk` files, written while recording, readable while being written, and after whatever cut or
//! spoilt them.
//!
//! ```text
//!   header   "SPANWALK" · version u16 · zero × 6                                       16 bytes
//!   block    "BLK1" · length u32 · raw length u32 · first seq u64 · events u32 · crc32 u32 · payload
//!   …        payload, lz4 of:  the open set, as events that rebuild it · the events
//!   end      "END1" · events u64 · crc32 u32                                           only if it was closed in order
//! ```
//!
//! Numbers are little-endian. A block stands alone: its strings, threads and callsites are in it, and it begins with what
//! was open then, so a stack needs nothing older. After damage the reader looks for the next block whose checksum is right,
//! says what is missing, closes what was open and is not any more, and goes on.
//!
//! What is deliberately absent: an index (a file is read whole), rotation, and any thought of who shows the log.

mod codec;
mod error;
mod reader;
mod writer;

pub use error::FileError;
pub use reader::{Damage, Reader};
pub use writer::{Existing, Writer};

/// The first bytes of every file.
const MAGIC: &[u8; 8] = b"SPANWALK";
/// What this program writes, and the newest it reads.
const VERSION: u16 = 1;
/// Bytes of the file's header.
const HEADER: usize = 16;
/// What a block begins with.
const BLOCK: &[u8; 4] = b"BLK1";
/// Bytes of a block's header.
const BLOCK_HEADER: usize = 4 + 4 + 4 + 8 + 4 + 4;
/// What a file that was closed in order ends with.
const END: &[u8; 4] = b"END1";
/// Bytes of the end.
const END_LENGTH: usize = 4 + 8 + 4;
/// A payload is never longer than this, unpacked: what a reader must be ready to hold.
const LONGEST: usize = 32 << 20;
