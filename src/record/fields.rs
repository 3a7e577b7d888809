//! Field values as `tracing` hands them over, written as words.
//!
//! Formatting a value runs the program's own code, which may open spans of its own: while that happens nothing of the
//! recorder may be half done. So plain values go straight into the page, in either form; a record with a value that must be
//! formatted is written down apart first, and then copied.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::field::{Field, Visit};

use super::words::{self, Kinds, Sink};
use crate::trace::ValueRef;

/// Longest text of one field that is kept, in bytes; the cut is marked with `…` and counted.
pub(super) const LONGEST_TEXT: usize = 64 * 1024;

/// Writes plain values into free words of a page, as far as they go: few of them (`FEW`) in the short form, or in the general
/// one.
pub(super) struct PlainFields<'a, const FEW: bool> {
    words: &'a [AtomicU64],
    /// What few are.
    pub(super) kinds: Kinds,
    /// Words written; beyond what there is if it is too many.
    pub(super) used: usize,
    /// There are too many, or one must be formatted or cut: what was written is of no use.
    is_more: bool,
}

impl<'a, const FEW: bool> PlainFields<'a, FEW> {
    #[inline]
    pub(super) fn new(words: &'a [AtomicU64]) -> Self {
        Self { words, kinds: Kinds::default(), used: 0, is_more: false }
    }

    /// Whether everything has been written.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        !self.is_more && self.used <= self.words.len()
    }

    #[inline(always)]
    fn put(&mut self, field: &Field, value: ValueRef<'_>) {
        if !FEW {
            return words::put(self, field.index(), value);
        }
        let mut kinds = self.kinds;
        self.is_more |= !words::put_plain(self, &mut kinds, field.index(), value);
        self.kinds = kinds;
    }
}

impl<const FEW: bool> Sink for PlainFields<'_, FEW> {
    #[inline(always)]
    fn push(&mut self, word: u64) {
        if let Some(place) = self.words.get(self.used) {
            place.store(word, Ordering::Relaxed);
        }
        self.used += 1;
    }

    /// Asks once whether there is room for all of it.
    #[inline(always)]
    fn push_text(&mut self, head: u64, text: &str) {
        let (whole, rest) = text.as_bytes().as_chunks::<8>();
        let many = 1 + text.len().div_ceil(8);
        if let Some([first, places @ ..]) = self.words.get(self.used..self.used + many) {
            first.store(head, Ordering::Relaxed);
            let words = whole.iter().map(|bytes| u64::from_le_bytes(*bytes));
            places.iter().zip(words).for_each(|(place, word)| place.store(word, Ordering::Relaxed));
            if !rest.is_empty()
                && let Some(place) = places.last()
            {
                place.store(words::last_word(text), Ordering::Relaxed);
            }
        }
        self.used += many;
    }
}

impl<const FEW: bool> Visit for PlainFields<'_, FEW> {
    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, ValueRef::Bool(value));
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, ValueRef::I64(value));
    }

    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, ValueRef::U64(value));
    }

    #[inline]
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, ValueRef::F64(value));
    }

    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        if value.len() > LONGEST_TEXT {
            self.is_more = true;
        } else if FEW {
            self.is_more |= !self.kinds.push_text(field.index());
            self.push_text(value.len() as u64, value);
        } else {
            self.put(field, ValueRef::Str(value));
        }
    }

    fn record_i128(&mut self, _field: &Field, _value: i128) {
        self.is_more = true;
    }

    fn record_u128(&mut self, _field: &Field, _value: u128) {
        self.is_more = true;
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {
        self.is_more = true;
    }
}

/// Writes any value into words of its own.
#[derive(Default)]
pub(super) struct AnyFields {
    pub(super) words: Vec<u64>,
    text: String,
    /// How many texts were cut.
    pub(super) cut: u64,
}

impl AnyFields {
    fn text(&mut self, field: &Field, text: &str) {
        if text.len() <= LONGEST_TEXT {
            words::put(&mut self.words, field.index(), ValueRef::Str(text));
            return;
        }
        self.cut += 1;
        let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        words::put(&mut self.words, field.index(), ValueRef::Str(&format!("{}…", &text[..end])));
    }

    fn put(&mut self, field: &Field, value: ValueRef<'_>) {
        words::put(&mut self.words, field.index(), value);
    }
}

impl Visit for AnyFields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, ValueRef::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, ValueRef::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, ValueRef::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, ValueRef::I128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, ValueRef::U128(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, ValueRef::F64(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        // A value that fails to be formatted is kept as far as it came.
        let _ = write!(text, "{value:?}");
        self.text(field, &text);
        self.text = text;
    }
}
