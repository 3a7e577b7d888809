//! Arguments of events, as fields of a recording: numbers, texts and truths as they are, what is nested as JSON.

use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

use super::scan::{Scan, Stop, Token, text};
use crate::trace::{ItemFields, ValueRef};

/// Fields one after the other, with their names by number.
#[derive(Default)]
pub(super) struct Args<'w> {
    pub(super) bytes: Vec<u8>,
    /// Names as they lie in the file.
    pub(super) names: Vec<&'w [u8]>,
    numbers: HashTable<u32>,
    hash: DefaultHashBuilder,
    /// Which name came behind each the last time; behind none, the last of all.
    next: Vec<u32>,
}

impl<'w> Args<'w> {
    /// Takes an object, whose first bracket is next: where its fields are.
    pub(super) fn take(&mut self, scan: &mut Scan<'w>) -> Result<Range<usize>, Stop> {
        let begin = self.bytes.len();
        scan.take(b'{', "an object")?;
        let (mut is_first, mut before) = (true, 0);
        while let Some(key) = scan.key(is_first)? {
            is_first = false;
            before = self.name(&scan.bytes()[key], before);
            let token = scan.value()?;
            self.put(scan.bytes(), before, &token);
        }
        Ok(begin..self.bytes.len())
    }

    /// The number of a name that comes behind another; the first is behind number 0, which is nobody's.
    fn name(&mut self, name: &'w [u8], before: u32) -> u32 {
        if self.next.is_empty() {
            (self.names, self.next) = (vec![b"".as_slice()], vec![0]);
        }
        let guess = self.next[before as usize];
        if guess > 0 && self.names[guess as usize] == name {
            return guess;
        }
        let Self { names, numbers, hash, next, .. } = self;
        let of = |name: &[u8]| hash.hash_one(name);
        let found = numbers.entry(of(name), |at| names[*at as usize] == name, |at| of(names[*at as usize]));
        let number = *found.or_insert(names.len() as u32).get();
        if number as usize == names.len() {
            names.push(name);
            next.push(0);
        }
        next[before as usize] = number;
        number
    }

    fn put(&mut self, bytes: &[u8], name: u32, token: &Token) {
        let range = token.range();
        let to = &mut self.bytes;
        match token {
            Token::Word(_) => match whole(&bytes[range.clone()]) {
                Some(number) => ItemFields::put(to, name, ValueRef::U64(number)),
                None => put_word(to, name, std::str::from_utf8(&bytes[range]).unwrap_or_default()),
            },
            Token::Text { is_plain: true, .. } | Token::Nested(_)
                if let Ok(text) = std::str::from_utf8(&bytes[range.clone()]) =>
            {
                ItemFields::put(to, name, ValueRef::Str(text));
            }
            token => ItemFields::put(to, name, ValueRef::Str(&text(bytes, token))),
        }
    }
}

/// A number of few digits, as most are.
fn whole(word: &[u8]) -> Option<u64> {
    if word.len() > 18 {
        return None;
    }
    word.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
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
