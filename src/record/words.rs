//! What recording threads write: records of 64-bit words, as little as will do.
//!
//! ```text
//!   every record   ticks << 8 | tag      a clone: 0 << 8 | tag, the time of the record before
//!   new            id · flags | words that follow << 8 · [callsite] · [parent] · [task] · fields
//!   event          flags | words behind the callsite << 8 · callsite · [parent] · [task] · fields
//!   record         id ·         words that follow << 8 · fields
//!   follows        id · cause
//!   others         id
//!   field          index in the callsite | type << 16 | bytes << 32 · value, 1 word or as many as the bytes take
//! ```

use crate::trace::ValueRef;

pub(super) const NEW: u8 = 1;
pub(super) const ENTER: u8 = 2;
pub(super) const EXIT: u8 = 3;
/// A handle is gone; the span is over if it was the last.
pub(super) const DROP: u8 = 4;
/// The span is over, whoever still has a handle: a registry has counted.
pub(super) const CLOSE: u8 = 5;
pub(super) const CLONE: u8 = 6;
pub(super) const RECORD: u8 = 7;
pub(super) const FOLLOWS: u8 = 8;
pub(super) const EVENT: u8 = 9;

/// The parent is a word of its own; else it is what the thread has entered.
pub(super) const HAS_PARENT: u64 = 1;
/// There is no parent.
pub(super) const IS_ROOT: u64 = 2;
/// The task is a word of its own.
pub(super) const HAS_TASK: u64 = 4;

/// The callsite is a word of its own, before the others: the id does not carry it.
pub(super) const HAS_CALLSITE: u64 = 8;

/// Words of a record before its fields, at the most.
pub(super) const HEAD: usize = 6;

const BOOL: u64 = 0;
const I64: u64 = 1;
const U64: u64 = 2;
const F64: u64 = 3;
const I128: u64 = 4;
const U128: u64 = 5;
const STR: u64 = 6;
const SPAN: u64 = 7;

/// The index of a field that is no field of the callsite: what the span follows from.
pub(super) const FOLLOWS_FROM: usize = 0xffff;

/// Where words go.
pub(super) trait Sink {
    fn push(&mut self, word: u64);
}

impl Sink for Vec<u64> {
    fn push(&mut self, word: u64) {
        Vec::push(self, word);
    }
}

/// Writes one field.
#[inline]
pub(super) fn put(sink: &mut impl Sink, index: usize, value: ValueRef<'_>) {
    let mut one = |of: u64, word: u64| {
        sink.push(index as u64 | of << 16);
        sink.push(word);
    };
    match value {
        ValueRef::Bool(value) => one(BOOL, value.into()),
        ValueRef::I64(value) => one(I64, value as u64),
        ValueRef::U64(value) => one(U64, value),
        ValueRef::F64(value) => one(F64, value.to_bits()),
        ValueRef::Span(span) => one(SPAN, span.0),
        ValueRef::I128(value) => put_wide(sink, index, I128, value as u128),
        ValueRef::U128(value) => put_wide(sink, index, U128, value),
        ValueRef::Str(text) => {
            sink.push(index as u64 | STR << 16 | (text.len() as u64) << 32);
            for bytes in text.as_bytes().chunks(8) {
                let mut word = [0; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                sink.push(u64::from_le_bytes(word));
            }
        }
    }
}

fn put_wide(sink: &mut impl Sink, index: usize, of: u64, value: u128) {
    sink.push(index as u64 | of << 16);
    sink.push(value as u64);
    sink.push((value >> 64) as u64);
}

/// Fields, as they were written, read one by one. Texts are copied: words are no bytes.
pub(super) struct FieldReader<F> {
    word: F,
    at: usize,
    end: usize,
}

/// A value that was read; a text is in the buffer that was given, from here to its end.
#[derive(Clone, Copy)]
pub(super) enum Read {
    Plain(ValueRef<'static>),
    Text { begin: usize, end: usize },
}

impl Read {
    pub(super) fn value(self, texts: &str) -> ValueRef<'_> {
        match self {
            Self::Plain(value) => value,
            Self::Text { begin, end } => ValueRef::Str(&texts[begin..end]),
        }
    }
}

impl<F: Fn(usize) -> u64> FieldReader<F> {
    /// Reads the words from `at` to `end`.
    pub(super) fn new(word: F, at: usize, end: usize) -> Self {
        Self { word, at, end }
    }

    fn take(&mut self) -> u64 {
        let word = (self.word)(self.at);
        self.at += 1;
        word
    }

    /// The next field: its index and its value.
    #[inline]
    pub(super) fn next(&mut self, texts: &mut String) -> Option<(usize, Read)> {
        if self.at >= self.end {
            return None;
        }
        let head = self.take();
        let index = (head & 0xffff) as usize;
        let value = match head >> 16 & 0xff {
            BOOL => ValueRef::Bool(self.take() != 0),
            I64 => ValueRef::I64(self.take() as i64),
            U64 => ValueRef::U64(self.take()),
            F64 => ValueRef::F64(f64::from_bits(self.take())),
            SPAN => ValueRef::Span(crate::trace::SpanId(self.take())),
            I128 => ValueRef::I128(self.wide() as i128),
            U128 => ValueRef::U128(self.wide()),
            _ => return Some((index, self.text((head >> 32) as usize, texts))),
        };
        Some((index, Read::Plain(value)))
    }

    fn wide(&mut self) -> u128 {
        let low = self.take();
        u128::from(low) | u128::from(self.take()) << 64
    }

    fn text(&mut self, length: usize, texts: &mut String) -> Read {
        let mut bytes = Vec::with_capacity(length.next_multiple_of(8));
        for _ in 0..length.div_ceil(8) {
            bytes.extend(self.take().to_le_bytes());
        }
        bytes.truncate(length);
        let begin = texts.len();
        texts.push_str(&String::from_utf8_lossy(&bytes));
        Read::Text { begin, end: texts.len() }
    }
}
