//! What recording threads write: records of 64-bit words, as little as will do.
//!
//! ```text
//!   every record   ticks << 8 | tag
//!   new            id · flags | words that follow << 8 · [callsite] · [parent] · [task] · fields
//!   event          flags | words behind the callsite << 8 · callsite · [parent] · [task] · fields
//!   record         id ·         words that follow << 8 · fields
//!   follows        id · cause
//!   others         id
//!   plain          as new, but few fields of few words: id · flags | fields << 8 | 6 × (type | index << 3) << 16 · … · values
//!   enter newest, exit last, drop or close left
//!                  nothing: the span this thread opened last, entered last, left last
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

/// A new span whose fields are few and plain.
pub(super) const PLAIN: u8 = 10;
/// The thread enters the span that it opened last.
pub(super) const ENTER_NEWEST: u8 = 11;
/// The thread leaves the span that it entered last of those it is in.
pub(super) const EXIT_LAST: u8 = 12;
/// A handle is gone on the span that the thread left last.
pub(super) const DROP_LEFT: u8 = 13;
/// The span that the thread left last is over.
pub(super) const CLOSE_LEFT: u8 = 14;

/// How many fields a plain record has at the most, and what their indexes stay below.
const FEW: usize = 6;
const LOW: usize = 32;

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

    /// A word, and a text behind it: words of eight bytes each, and one that is not full.
    #[inline]
    fn push_text(&mut self, head: u64, text: &str) {
        let (whole, rest) = text.as_bytes().as_chunks::<8>();
        self.push(head);
        whole.iter().for_each(|bytes| self.push(u64::from_le_bytes(*bytes)));
        if !rest.is_empty() {
            self.push(last_word(text));
        }
    }
}

impl Sink for Vec<u64> {
    fn push(&mut self, word: u64) {
        Vec::push(self, word);
    }
}

/// Writes one field.
#[inline(always)]
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
        ValueRef::Str(text) => sink.push_text(index as u64 | STR << 16 | (text.len() as u64) << 32, text),
    }
}

fn put_wide(sink: &mut impl Sink, index: usize, of: u64, value: u128) {
    sink.push(index as u64 | of << 16);
    sink.push(value as u64);
    sink.push((value >> 64) as u64);
}

/// The fields of a plain record: what they are in one word, and their values behind each other.
#[derive(Clone, Copy, Default)]
pub(super) struct Kinds {
    word: u64,
    count: usize,
}

impl Kinds {
    /// Notes one more field; false if that is one too many.
    #[inline(always)]
    fn push(&mut self, index: usize, of: u64) -> bool {
        if self.count == FEW || index >= LOW {
            return false;
        }
        self.word |= (of | (index as u64) << 3) << (16 + 8 * self.count);
        self.count += 1;
        true
    }

    /// Notes a text; false if that is one field too many.
    #[inline(always)]
    pub(super) fn push_text(&mut self, index: usize) -> bool {
        self.push(index, STR)
    }

    /// Whether the fields of a plain record are one word each.
    #[inline]
    pub(super) fn are_words(word: u64) -> bool {
        // Of all that is in a plain record only a text has both bits.
        let kinds = word >> 16;
        kinds & kinds >> 1 & 0x0202_0202_0202 == 0
    }

    /// What the field at a place in a plain record is: its index, and its value if it is one word.
    #[inline(always)]
    pub(super) fn value(word: u64, place: usize, value: u64) -> (usize, ValueRef<'static>) {
        let kind = word >> (16 + 8 * place);
        let value = match kind & 7 {
            BOOL => ValueRef::Bool(value != 0),
            I64 => ValueRef::I64(value as i64),
            F64 => ValueRef::F64(f64::from_bits(value)),
            _ => ValueRef::U64(value),
        };
        ((kind >> 3 & 31) as usize, value)
    }

    /// How many fields a plain record has.
    #[inline]
    pub(super) fn count(word: u64) -> usize {
        (word >> 8 & 0xff) as usize
    }

    /// The word, for a record with these flags.
    #[inline]
    pub(super) fn word(self, flags: u64) -> u64 {
        self.word | (self.count as u64) << 8 | flags
    }
}

/// Writes the value of a plain record's field; what it is goes into `kinds`. False if there are too many.
#[inline(always)]
pub(super) fn put_plain(sink: &mut impl Sink, kinds: &mut Kinds, index: usize, value: ValueRef<'_>) -> bool {
    let mut one = |of: u64, word: u64| {
        sink.push(word);
        kinds.push(index, of)
    };
    match value {
        ValueRef::Bool(value) => one(BOOL, value.into()),
        ValueRef::I64(value) => one(I64, value as u64),
        ValueRef::U64(value) => one(U64, value),
        ValueRef::F64(value) => one(F64, value.to_bits()),
        // A text is written by itself, for less.
        ValueRef::Str(_) | ValueRef::Span(_) | ValueRef::I128(_) | ValueRef::U128(_) => false,
    }
}

/// The word of a text that is not full: there must be one.
#[inline]
pub(super) fn last_word(text: &str) -> u64 {
    let bytes = text.as_bytes();
    if let Some(last) = bytes.last_chunk::<8>() {
        // Without those that are in the word before.
        return u64::from_le_bytes(*last) >> (64 - 8 * (bytes.len() % 8));
    }
    let (length, last) = (bytes.len(), bytes.last_chunk::<4>());
    match (bytes.first_chunk::<4>(), last) {
        // Those that are in both are the same in both.
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (length - 4))
        }
        _ => [0, length / 2, length - 1].into_iter().fold(0, |word, at| word | u64::from(bytes[at]) << (8 * at)),
    }
}

/// Lets go of values that a later one of the same field has taken the place of. What a span follows from is kept, all of it.
pub(super) fn keep_latest(fields: &mut Vec<u64>) {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(head) = fields.get(at) {
        let index = (head & 0xffff) as usize;
        let length = match head >> 16 & 0xff {
            STR => 1 + ((head >> 32) as usize).div_ceil(8),
            I128 | U128 => 3,
            _ => 2,
        };
        all.push((index, at, at + length));
        at += length;
    }
    let mut latest = Vec::new();
    let mut known: Vec<usize> = Vec::new();
    for field in all.into_iter().rev() {
        if field.0 == FOLLOWS_FROM {
            latest.push(field);
        } else if !known.contains(&field.0) {
            known.push(field.0);
            latest.push(field);
        }
    }
    let mut end = 0;
    for (_, from, to) in latest.into_iter().rev() {
        fields.copy_within(from..to, end);
        end += to - from;
    }
    fields.truncate(end);
}

/// Fields, as they were written, read one by one. Texts are copied: words are no bytes.
pub(super) struct FieldReader<F> {
    word: F,
    at: usize,
    end: usize,
}

/// Texts that were read, one behind the other.
#[derive(Default)]
pub(super) struct Texts(Vec<u8>);

impl Texts {
    /// None yet, in the memory of others that are not needed any more.
    #[inline]
    pub(super) fn again(before: &mut String) -> Self {
        let mut bytes = std::mem::take(before).into_bytes();
        bytes.clear();
        Self(bytes)
    }

    /// All of them. They were texts when they were written.
    #[inline]
    pub(super) fn done(self) -> String {
        String::from_utf8(self.0).unwrap_or_else(|broken| {
            // Each is as long as it was.
            broken.into_bytes().iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()
        })
    }
}

/// A value that was read; a text is among those that were read, from here to its end.
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

    /// Where the next word is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next field of a plain record, from the rest of its kinds.
    #[inline]
    pub(super) fn next_plain(&mut self, kinds: &mut u64, texts: &mut Texts) -> (usize, Read) {
        let (of, index) = (*kinds & 7, (*kinds >> 3 & 31) as usize);
        *kinds >>= 8;
        let word = self.take();
        let value = match of {
            BOOL => ValueRef::Bool(word != 0),
            I64 => ValueRef::I64(word as i64),
            U64 => ValueRef::U64(word),
            F64 => ValueRef::F64(f64::from_bits(word)),
            _ => return (index, self.text(word as usize, texts)),
        };
        (index, Read::Plain(value))
    }

    fn take(&mut self) -> u64 {
        let word = (self.word)(self.at);
        self.at += 1;
        word
    }

    /// The next field: its index and its value.
    #[inline]
    pub(super) fn next(&mut self, texts: &mut Texts) -> Option<(usize, Read)> {
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

    fn text(&mut self, length: usize, Texts(bytes): &mut Texts) -> Read {
        let begin = bytes.len();
        bytes.reserve(length.next_multiple_of(8));
        (0..length.div_ceil(8)).for_each(|_| bytes.extend_from_slice(&self.take().to_le_bytes()));
        bytes.truncate(begin + length);
        Read::Text { begin, end: begin + length }
    }
}
