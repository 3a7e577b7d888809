//! Arguments of events, as fields of a recording: numbers, texts and truths as they are, what is nested as JSON.

use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::scan::{Expected, Scan, Stop, Token, TokenKind, raw, text};
use crate::trace::{ItemFields, ValueRef};

/// Behind so many names the next is expected.
const EXPECTED: usize = 1024;

/// Fields one after the other, with their names by number.
#[derive(Default)]
pub(super) struct Args<'w> {
    pub(super) bytes: Vec<u8>,
    /// Names as they lie in the file.
    pub(super) names: Vec<&'w [u8]>,
    numbers: HashTable<u32>,
    hash: DefaultHashBuilder,
    /// Which name came behind each of the first the last time, and how it lay there, with its quotes and the colon; behind none, the
    /// first.
    next: Vec<(u32, Expected<'w>)>,
}

impl<'w> Args<'w> {
    /// Takes an object, whose first bracket is next: where its fields are.
    pub(super) fn take(&mut self, scan: &mut Scan<'w>) -> Result<Range<usize>, Stop> {
        let begin = self.bytes.len();
        scan.take(b'{', "an object")?;
        let mut before = None;
        while let Some(name) = self.name(scan, before)? {
            before = Some(name);
            if let Some(number) = scan.whole() {
                ItemFields::put(&mut self.bytes, name, ValueRef::U64(number));
            } else {
                let token = scan.value()?;
                self.put(scan.bytes(), name, token);
            }
        }
        Ok(begin..self.bytes.len())
    }

    /// Takes the name of the next field, behind another or none, and the colon: its number. Number 0 is nobody's.
    #[inline]
    fn name(&mut self, scan: &mut Scan<'w>, before: Option<u32>) -> Result<Option<u32>, Stop> {
        let begin = *scan;
        if (before.is_none() || scan.skip_letter(b','))
            && let Some((guess, expected)) = self.next.get(before.unwrap_or(0) as usize)
            && *guess > 0
            && scan.skip(expected)
        {
            return Ok(Some(*guess));
        }
        *scan = begin;
        if before.is_some() && scan.skip_letter(b'}') {
            return Ok(None);
        }
        self.other_name(scan, before)
    }

    #[inline(never)]
    fn other_name(&mut self, scan: &mut Scan<'w>, before: Option<u32>) -> Result<Option<u32>, Stop> {
        let Some(key) = scan.key(before.is_none())? else { return Ok(None) };
        let bytes = scan.bytes();
        let (name, expected) = (&bytes[key.clone()], &bytes[key.start - 1..scan.at()]);
        if self.next.is_empty() {
            (self.names, self.next) = (vec![b"".as_slice()], vec![(0, Expected::default())]);
        }
        let Self { names, numbers, hash, next, .. } = self;
        let of = |name: &[u8]| hash.hash_one(name);
        let found = numbers.entry(of(name), |at| names[*at as usize] == name, |at| of(names[*at as usize]));
        let number = *found.or_insert(names.len() as u32).get();
        if number as usize == names.len() {
            names.push(name);
            if next.len() < EXPECTED {
                next.push((0, Expected::default()));
            }
        }
        if let Some(next) = next.get_mut(before.unwrap_or(0) as usize) {
            *next = (number, Expected::new(expected));
        }
        Ok(Some(number))
    }

    /// Behind how many names the next is expected.
    #[cfg(test)]
    pub(super) fn expected(&self) -> usize {
        self.next.len()
    }

    #[inline]
    fn put(&mut self, bytes: &[u8], name: u32, token: Token) {
        let (raw, to) = (raw(bytes, token), &mut self.bytes);
        match token.kind {
            TokenKind::Word => put_word(to, name, std::str::from_utf8(raw).unwrap_or_default()),
            TokenKind::Plain | TokenKind::Nested if ItemFields::put_text(to, name, raw) => {}
            _ => ItemFields::put(to, name, ValueRef::Str(&text(bytes, token))),
        }
    }
}

fn put_word(to: &mut Vec<u8>, name: u32, word: &str) {
    let value = match word {
        "true" => ValueRef::Bool(true),
        "false" => ValueRef::Bool(false),
        word => {
            let whole = word.parse().map(ValueRef::U64).or_else(|_| word.parse().map(ValueRef::I64));
            whole.or_else(|_| word.parse().map(ValueRef::F64)).unwrap_or(ValueRef::Str(word))
        }
    };
    ItemFields::put(to, name, value);
}
