//! JSON as it lies there: values are found by where they begin and end, and most are never looked into.
//!
//! The input may end anywhere, and may be anything. Nothing here allocates, and nesting takes no stack.

use std::ops::Range;
use std::sync::Arc;

use super::Malformed;

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

/// A place in JSON.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A value by its first letter, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Without its quotes; `is_plain` says that nothing in it is escaped.
    Text { range: Range<usize>, is_plain: bool },
    /// A number, `true`, `false` or `null`; also `NaN` and `Infinity`, which Python writes.
    Word(Range<usize>),
    /// An object or an array, with its brackets.
    Nested(Range<usize>),
}

impl Token {
    /// Where it is.
    #[inline]
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            Self::Text { range, .. } | Self::Word(range) | Self::Nested(range) => range.clone(),
        }
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
    pub(super) fn skip(&mut self, expected: &[u8]) -> bool {
        let is_there = self.bytes[self.at..].starts_with(expected);
        if is_there {
            self.at += expected.len();
        }
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
    #[inline]
    pub(super) fn nanoseconds(&mut self) -> Result<Result<i64, NoTime>, Stop> {
        if let Some(ns) = self.thousandths() {
            return Ok(Ok(ns));
        }
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
    #[inline]
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
    #[inline]
    pub(super) fn value(&mut self) -> Result<Token, Stop> {
        match self.peek()? {
            b'"' => self.text().map(|(range, is_plain)| Token::Text { range, is_plain }),
            b'{' | b'[' => self.nested().map(Token::Nested),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'N' | b'I' => {
                let begin = self.at;
                let length = self.bytes[begin..].iter().position(|letter| !WORD[usize::from(*letter)]);
                // A number may go on where the input ends.
                self.at = begin + length.ok_or(Stop::End)?;
                Ok(Token::Word(begin..self.at))
            }
            _ => self.bad("a value"),
        }
    }

    /// Takes an object or an array by its brackets; what is between them is not judged.
    fn nested(&mut self) -> Result<Range<usize>, Stop> {
        let begin = self.at;
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
                return Ok(begin..self.at);
            }
        }
    }
}

/// A number of so many digits and its thousandth part are numbers of 64 bits.
const MOST_DIGITS: usize = 15;

/// The number that begins there, and how many digits it has. One of more than [`MOST_DIGITS`] is not right.
#[inline]
fn digits(letters: &[u8]) -> (u64, usize) {
    let mut number = 0_u64;
    for (at, letter) in letters.iter().enumerate() {
        let digit = letter.wrapping_sub(b'0');
        if digit > 9 {
            return (number, at);
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    (number, letters.len())
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
    const ONES: u64 = 0x0101_0101_0101_0101;
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
pub(super) fn raw<'a>(bytes: &'a [u8], token: &Token) -> &'a [u8] {
    &bytes[token.range()]
}

/// What a token says.
pub(super) fn text(bytes: &[u8], token: &Token) -> Arc<str> {
    if let Token::Text { range, is_plain: false } = token {
        let quoted = &bytes[range.start - 1..=range.end];
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

/// Microseconds as they are written, in ns: beyond a thousandth they are rounded.
fn nanoseconds(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut ns, mut places) = (0_i64, None);
    for &digit in digits {
        match (digit, places) {
            (b'0'..=b'9', None) => ns = ns.checked_mul(10)?.checked_add(i64::from(digit - b'0') * 1000)?,
            (b'0'..=b'9', Some(place @ 0..3)) => {
                ns = ns.checked_add(i64::from(digit - b'0') * [100, 10, 1][place])?;
                places = Some(place + 1);
            }
            (b'0'..=b'9', Some(3)) => {
                ns = ns.checked_add(i64::from(digit >= b'5'))?;
                places = Some(4);
            }
            (b'0'..=b'9', Some(_)) => {}
            (b'.', None) => places = Some(0),
            // With an exponent: as a float.
            _ => {
                let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
                let ns = (number * 1e3).round();
                return (ns.abs() < 9e18).then_some(ns as i64);
            }
        }
    }
    (!digits.is_empty()).then_some(if is_negative { -ns } else { ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, usize), Stop>) {
        let mut scan = Scan::new(text.as_bytes(), 0);
        let found = scan.value().map(|token| match token {
            Token::Text { range, .. } | Token::Word(range) | Token::Nested(range) => (&text[range], scan.at()),
        });
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
