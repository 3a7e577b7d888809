//! JSON as it lies there: values are found by where they begin and end, and most are never looked into.
//!
//! The input may end anywhere, and may be anything. Nothing here allocates, and nesting takes no stack.

use std::ops::Range;
use std::sync::Arc;

use super::Malformed;
use super::digits::{MOST_DIGITS, ONES, digits, nanoseconds};

/// Why a value could not be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The input ended before the value did.
    End,
    /// It is no JSON.
    Bad(Malformed),
}

/// What is no number of microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoTime;

/// A place in JSON of less than 4 GiB.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Letters that are expected to be somewhere.
#[derive(Clone, Copy, Default)]
pub(super) struct Expected<'a> {
    letters: &'a [u8],
    /// The first of them as a number, and which bits of it they are.
    first: u128,
    mask: u128,
}

/// So many letters are compared at once.
const AT_ONCE: usize = 16;

impl<'a> Expected<'a> {
    pub(super) fn new(letters: &'a [u8]) -> Self {
        let mut first = [0; AT_ONCE];
        let length = letters.len().min(AT_ONCE);
        first[..length].copy_from_slice(&letters[..length]);
        let mask = u128::MAX.checked_shr((8 * (AT_ONCE - length)) as u32).unwrap_or(0);
        Self { letters, first: u128::from_le_bytes(first), mask }
    }

    #[inline]
    fn begins(&self, letters: &[u8]) -> bool {
        let Some(first) = letters.first_chunk() else { return letters.starts_with(self.letters) };
        (u128::from_le_bytes(*first) ^ self.first) & self.mask == 0
            && (self.letters.len() <= AT_ONCE || letters.starts_with(self.letters))
    }
}

/// A value by its first letter, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    begin: u32,
    end: u32,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A text in which nothing is escaped. It is without its quotes.
    Plain,
    /// Another text.
    Escaped,
    /// A number, `true`, `false` or `null`; also `NaN` and `Infinity`, which Python writes.
    Word,
    /// An object or an array, with its brackets.
    Nested,
}

impl Token {
    #[inline]
    fn new(kind: TokenKind, range: Range<usize>) -> Self {
        Self { kind, begin: range.start as u32, end: range.end as u32 }
    }

    /// Where it is.
    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.begin as usize..self.end as usize
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn bad<T>(&self, expected: &'static str) -> Result<T, Stop> {
        Err(Stop::Bad(Malformed { expected, at: self.at }))
    }

    /// The next letter that is no blank, which is not taken.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Stop> {
        while let Some(&letter) = self.bytes.get(self.at) {
            if !matches!(letter, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(letter);
            }
            self.at += 1;
        }
        Err(Stop::End)
    }

    /// Takes a letter that has to be there.
    #[inline]
    pub(super) fn take(&mut self, letter: u8, expected: &'static str) -> Result<(), Stop> {
        if self.peek()? != letter {
            return self.bad(expected);
        }
        self.at += 1;
        Ok(())
    }

    /// Takes what is expected, letter by letter, if it is there.
    #[inline]
    pub(super) fn skip(&mut self, expected: &Expected<'_>) -> bool {
        let is_there = expected.begins(&self.bytes[self.at..]);
        if is_there {
            self.at += expected.letters.len();
        }
        is_there
    }

    /// Takes a letter, if it is there.
    #[inline]
    pub(super) fn skip_letter(&mut self, letter: u8) -> bool {
        let is_there = self.bytes.get(self.at) == Some(&letter);
        self.at += usize::from(is_there);
        is_there
    }

    /// Takes a whole number of few digits. Nothing, and nothing is taken, if what is there is something else.
    #[inline]
    pub(super) fn whole(&mut self) -> Option<u64> {
        let letters = &self.bytes[self.at..];
        let (number, length) = digits(letters);
        if !(1..=MOST_DIGITS).contains(&length) || !matches!(letters.get(length), Some(b',' | b'}')) {
            return None;
        }
        self.at += length;
        Some(number)
    }

    /// Takes a number of microseconds, in ns; or what is there and is none.
    #[inline(always)]
    pub(super) fn nanoseconds(&mut self) -> Result<Result<i64, NoTime>, Stop> {
        if let Some(ns) = self.thousandths() {
            return Ok(Ok(ns));
        }
        self.other_nanoseconds()
    }

    #[inline(never)]
    fn other_nanoseconds(&mut self) -> Result<Result<i64, NoTime>, Stop> {
        let number = self.value()?;
        Ok(nanoseconds(&self.bytes[number.range()]).ok_or(NoTime))
    }

    /// Takes a number of few digits, as most are, with at most three behind a point: it in thousandths. Nothing, and nothing is taken,
    /// if what is there is something else.
    #[inline]
    fn thousandths(&mut self) -> Option<i64> {
        let letters = &self.bytes[self.at..];
        let (number, mut length) = digits(letters);
        if !(1..=MOST_DIGITS).contains(&length) {
            return None;
        }
        let mut number = number as i64 * 1000;
        if letters.get(length) == Some(&b'.') {
            let (part, places) = digits(&letters[length + 1..]);
            number += part as i64 * [0, 100, 10, 1].get(places)?;
            length += 1 + places;
        }
        if !matches!(letters.get(length), Some(b',' | b'}')) {
            return None;
        }
        self.at += length;
        Some(number)
    }

    /// Takes the next key of an object with its colon, or the end of the object. `is_first` says that no key was before.
    #[inline]
    pub(super) fn key(&mut self, is_first: bool) -> Result<Option<Range<usize>>, Stop> {
        let mut letter = self.peek()?;
        if letter == b'}' {
            self.at += 1;
            return Ok(None);
        }
        if !is_first {
            self.take(b',', "`,` or `}`")?;
            letter = self.peek()?;
        }
        if letter != b'"' {
            return self.bad("the name of a member");
        }
        let (range, _) = self.text()?;
        self.take(b':', "`:`")?;
        Ok(Some(range))
    }

    /// Takes a text; its first letter is known to be a quote.
    #[inline(always)]
    fn text(&mut self) -> Result<(Range<usize>, bool), Stop> {
        let begin = self.at + 1;
        let mut at = begin;
        let mut is_plain = true;
        loop {
            let rest = self.bytes.get(at..).ok_or(Stop::End)?;
            at += end_of_text(rest).ok_or(Stop::End)?;
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Ok((begin..at, is_plain));
            }
            is_plain = false;
            at += 2;
        }
    }

    /// Takes a value.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Token, Stop> {
        match self.peek()? {
            b'"' => {
                let (range, is_plain) = self.text()?;
                Ok(Token::new(if is_plain { TokenKind::Plain } else { TokenKind::Escaped }, range))
            }
            b'{' | b'[' => {
                let begin = self.at;
                self.nested()?;
                Ok(Token::new(TokenKind::Nested, begin..self.at))
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'N' | b'I' => {
                let begin = self.at;
                let length = self.bytes[begin..].iter().position(|letter| !WORD[usize::from(*letter)]);
                // A number may go on where the input ends.
                self.at = begin + length.ok_or(Stop::End)?;
                Ok(Token::new(TokenKind::Word, begin..self.at))
            }
            _ => self.bad("a value"),
        }
    }

    /// Takes an object or an array by its brackets; what is between them is not judged.
    #[inline(never)]
    fn nested(&mut self) -> Result<(), Stop> {
        let mut depth = 0_usize;
        loop {
            // Most of what is in there is words, commas and colons.
            let rest = &self.bytes[self.at..];
            self.at += rest.iter().position(|letter| !PLAIN[usize::from(*letter)]).ok_or(Stop::End)?;
            match self.bytes[self.at] {
                b'"' => {
                    self.text()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// Letters of numbers and of words that stand without quotes.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = (at as u8).is_ascii_alphanumeric() || matches!(at as u8, b'+' | b'-' | b'.');
        at += 1;
    }
    table
};

/// Letters that neither open nor close anything.
const PLAIN: [bool; 256] = {
    let mut table = [true; 256];
    let letters = b"\"{}[]";
    let mut at = 0;
    while at < letters.len() {
        table[letters[at] as usize] = false;
        at += 1;
    }
    table
};

/// Where the first quote or backslash is, eight letters at a time.
#[inline]
fn end_of_text(letters: &[u8]) -> Option<usize> {
    // The lowest bit that is set is that of the first zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, rest) = letters.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|letter| matches!(letter, b'"' | b'\\'))?;
    Some(words.len() * 8 + found)
}

/// A token as it lies there.
#[inline]
pub(super) fn raw(bytes: &[u8], token: Token) -> &[u8] {
    &bytes[token.range()]
}

/// What a token says.
pub(super) fn text(bytes: &[u8], token: Token) -> Arc<str> {
    if token.kind == TokenKind::Escaped {
        let Range { start, end } = token.range();
        let quoted = &bytes[start - 1..=end];
        if let Ok(text) = serde_json::from_slice::<String>(quoted) {
            return text.into();
        }
    }
    String::from_utf8_lossy(raw(bytes, token)).into()
}

/// A member of an object.
pub(super) fn member(bytes: &[u8], object: Range<usize>, name: &[u8]) -> Option<Token> {
    let mut scan = Scan::new(&bytes[..object.end], object.start + 1);
    let mut is_first = true;
    while let Ok(Some(key)) = scan.key(is_first) {
        is_first = false;
        let token = scan.value().ok()?;
        if &bytes[key] == name {
            return Some(token);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, usize), Stop>) {
        let mut scan = Scan::new(text.as_bytes(), 0);
        let found = scan.value().map(|token| (&text[token.range()], scan.at()));
        assert_eq!(found, expected);
    }

    #[test]
    fn values_are_found_by_their_ends() {
        check(r#" "spawn","#, Ok(("spawn", 8)));
        check(r#""say \"hi\"","#, Ok((r#"say \"hi\""#, 12)));
        check("12.5e3,", Ok(("12.5e3", 6)));
        check(r#"{"a":[1,"]}"]} x"#, Ok((r#"{"a":[1,"]}"]}"#, 14)));
        check("null]", Ok(("null", 4)));
    }

    #[test]
    fn an_input_may_end_anywhere_and_be_anything() {
        for text in ["", "  ", "\"", "\"\\", "12", "{", "[{\"a\":", "[\"]"] {
            check(text, Err(Stop::End));
        }
        check(" }", Err(Stop::Bad(Malformed { expected: "a value", at: 1 })));
        // Deeper than any stack.
        check(&"[".repeat(1_000_000), Err(Stop::End));
    }

    #[test]
    fn what_is_expected_is_found_letter_by_letter() {
        let text = br#","name of a member":1 and so on"#;
        for length in 0..text.len() {
            let (expected, mut other) = (Expected::new(&text[..length]), text.to_vec());
            assert!(Scan::new(text, 0).skip(&expected), "{length}");
            assert!(Scan::new(&text[..length], 0).skip(&expected), "{length}, and nothing behind");
            if length > 0 {
                other[length - 1] = b'_';
                assert!(!Scan::new(&other, 0).skip(&expected), "{length}, and the last is another");
                assert!(!Scan::new(&text[..length - 1], 0).skip(&expected), "{length}, and the last is not there");
            }
        }
    }

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        let texts = ["0", "1893.042", "-2.5", "1.0004", "1.0005", "12e2", "9007199254740993.007", "", "x", "1e300"];
        let ns = texts.map(|text| nanoseconds(text.as_bytes()));
        let expected = [
            Some(0),
            Some(1_893_042),
            Some(-2_500),
            Some(1_000),
            Some(1_001),
            Some(1_200_000),
            Some(9_007_199_254_740_993_007),
            None,
            None,
            None,
        ];
        assert_eq!(ns, expected);
        // In a file, whichever way they are read.
        for (text, expected) in texts.into_iter().zip(expected).filter(|(text, _)| !text.is_empty() && *text != "x") {
            let found = Scan::new(format!("{text},").as_bytes(), 0).nanoseconds();
            assert_eq!(found, Ok(expected.ok_or(NoTime)), "{text}");
        }
    }
}
