//! Events in few bytes: runs that stand alone, in memory and on disk the same.
//!
//! ```text
//!   events ──► Packer ──► Chunk: what is open at its beginning · events      Chunk ──► Unpacker ──► items, events
//!
//!   record   tag and flags (1 byte) · ns since the record before · thread, lane if they are others · what is particular
//!   open     callsite · fields · [ns until it is entered]        number and parent only if they are not the usual ones
//!   exit     [ns until it is closed]                             its span only if it is not the newest
//!   lane     name · in the open set [how many events of the recording the lane had before this chunk]
//! ```
//!
//! With those counts whoever has missed a stretch knows how much of it was in which lane.
//!
//! Numbers are LEB128. Strings, threads and callsites are defined once a chunk, before the first record that names them,
//! and go by small numbers from then on. An enter right after its open, and a close right after its exit, are part of
//! the record before: a call without anything inside it is two records. What is read may be anything: then the answer
//! is [`Corrupt`].

mod bytes;
mod counts;
mod names;
mod packer;
mod unpacker;

use std::sync::Arc;

use super::{LaneId, Seq, SpanId, Thread, Time, Value};

pub(super) use counts::LaneCounts;
pub use packer::{Packable, Packer};
pub use unpacker::{Item, ItemFields, ItemKind, Tables, Unpacker};

/// A run of consecutive events. Most need nothing before them, as they begin with what was open then; one of a few events,
/// when much is open, may go on where the one before ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The place in the recording of its first event.
    pub first: Seq,
    /// It begins with what was open. Else it is of use only to who has all before it.
    pub has_open_set: bool,
    /// How many of its items are the open set: events that rebuild what was open when it began.
    pub open: u32,
    /// How many events follow the open set.
    pub count: u32,
    /// The earliest and the latest time of those events.
    pub times: (Time, Time),
    /// The open set and the events.
    pub bytes: Arc<[u8]>,
}

/// Bytes that are no chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a run of events")]
pub struct Corrupt;

const LANE_OPEN: u8 = 0;
const LANE_CLOSE: u8 = 1;
const OPEN: u8 = 2;
const ENTER: u8 = 3;
const EXIT: u8 = 4;
const CLOSE: u8 = 5;
const RECORD: u8 = 6;
const NOTE: u8 = 7;
const SWITCH: u8 = 8;
const WAKE: u8 = 9;
const HOLD: u8 = 10;
const RELEASE: u8 = 11;
const DROPPED: u8 = 12;
/// Not events: the next span's number, a step back in time, and a name for what follows.
const SPAN: u8 = 13;
const BACK: u8 = 14;
const DEFINE: u8 = 15;

const TAG: u8 = 0x0f;
/// Thread and lane follow; else they are those of the record before.
const CONTEXT: u8 = 0x10;
/// What these two mean depends on the tag.
const A: u8 = 0x20;
const B: u8 = 0x40;
/// The enter of this open, or the close of this exit, follows as nothing but its time.
const FUSED: u8 = 0x80;
/// The lane that opens is of async calls of which nobody knows when they run.
const ASYNC: u8 = 0x80;

const DEFINE_STRING: u8 = DEFINE;
const DEFINE_THREAD: u8 = DEFINE | 0x10;
const DEFINE_CALLSITE: u8 = DEFINE | 0x20;

/// When and where something happened.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Raw monotonic time.
    pub time: Time,
    /// The thread that did it.
    pub thread: &'a Arc<Thread>,
    /// The lane it belongs to.
    pub lane: LaneId,
}

/// A value that is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are those of `Value`")]
pub enum ValueRef<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Str(&'a str),
    Span(SpanId),
}

/// A value that is packed already, and not looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackedValue<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::I64(value) => Self::I64(*value),
            Value::U64(value) => Self::U64(*value),
            Value::I128(value) => Self::I128(*value),
            Value::U128(value) => Self::U128(*value),
            Value::F64(value) => Self::F64(*value),
            Value::Str(text) => Self::Str(text),
            Value::Span(span) => Self::Span(*span),
        }
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Bool(value) => Self::Bool(value),
            ValueRef::I64(value) => Self::I64(value),
            ValueRef::U64(value) => Self::U64(value),
            ValueRef::I128(value) => Self::I128(value),
            ValueRef::U128(value) => Self::U128(value),
            ValueRef::F64(value) => Self::F64(value),
            ValueRef::Str(text) => Self::Str(text.into()),
            ValueRef::Span(span) => Self::Span(span),
        }
    }
}

/// What one record is relative to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Context {
    time: u64,
    thread: u32,
    lane: u32,
    /// The span opened last.
    span: u64,
}

/// A place between two items of a chunk, from which reading may begin. Belongs to the chunk it was asked of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    at: u32,
    context: Context,
}
