//! Small numbers for callsites, the same for every recorder of the process.
//!
//! A span's id carries the number of its callsite, so that `Span::current()` finds the metadata with neither a lock nor a
//! table of spans. Numbers begin at 1; 0 is a callsite beyond the last number, whose spans are not recorded but counted.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use tracing_core::Metadata;

use super::fork;
use crate::trace::Callsite;

/// Bits of a number.
pub(super) const BITS: u32 = 18;
const SEGMENT: usize = 512;
const SEGMENTS: usize = (1 << BITS) / SEGMENT;

type Meta = &'static Metadata<'static>;

/// A callsite, as a recording thread knows it.
#[derive(Clone, Copy)]
pub(super) struct Numbered {
    /// Its number.
    pub(super) number: u32,
    /// It has a field `lane`.
    pub(super) has_lane: bool,
}

impl Numbered {
    pub(super) const NONE: Self = Self { number: 0, has_lane: false };
}

static NUMBERS: Mutex<Option<HashMap<usize, Numbered>>> = Mutex::new(None);
static BY_NUMBER: [OnceLock<Box<[OnceLock<Meta>]>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];

/// The number of a callsite.
pub(super) fn number(metadata: Meta) -> Numbered {
    let Some(mut numbers) = fork::lock(&NUMBERS) else { return Numbered::NONE };
    let numbers = numbers.get_or_insert_default();
    let address = std::ptr::from_ref(metadata) as usize;
    if let Some(numbered) = numbers.get(&address) {
        return *numbered;
    }
    let number = numbers.len() + 1;
    if number >= 1 << BITS {
        return Numbered::NONE;
    }
    let segment = BY_NUMBER[number / SEGMENT].get_or_init(|| (0..SEGMENT).map(|_| OnceLock::new()).collect());
    let _ = segment[number % SEGMENT].set(metadata);
    let numbered = Numbered { number: number as u32, has_lane: metadata.fields().field("lane").is_some() };
    numbers.insert(address, numbered);
    numbered
}

/// The callsite of a number.
pub(super) fn metadata(number: u32) -> Option<Meta> {
    let number = number as usize;
    BY_NUMBER.get(number / SEGMENT)?.get()?[number % SEGMENT].get().copied()
}

/// A callsite in the words of the log.
pub(super) fn callsite(metadata: Meta) -> Callsite {
    Callsite {
        name: metadata.name().into(),
        target: metadata.target().into(),
        file: metadata.file().map(Into::into),
        line: metadata.line(),
    }
}
