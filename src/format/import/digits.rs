//! Numbers as they are written in JSON.

/// A number of so many digits and its thousandth part are numbers of 64 bits.
pub(super) const MOST_DIGITS: usize = 15;

/// The number that begins there, and how many digits it has. One of more than [`MOST_DIGITS`] is not right.
#[inline]
pub(super) fn digits(letters: &[u8]) -> (u64, usize) {
    let (first, count) = eight_digits(letters);
    if count < 8 {
        return (first, count);
    }
    let (second, more) = eight_digits(&letters[8..]);
    (first * POWERS[more] + second, 8 + more)
}

const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number of the digits that begin there, eight at the most, and how many they are: all of them in one step.
#[inline]
fn eight_digits(letters: &[u8]) -> (u64, usize) {
    let Some(letters) = letters.first_chunk() else { return few_digits(letters) };
    let word = u64::from_le_bytes(*letters) ^ ZEROS;
    // The highest bit is set in all letters that are no digits, up to the first of them at the least.
    let others = (word.wrapping_add(ONES * 0x76) | word) & (ONES << 7);
    let count = others.trailing_zeros() as usize / 8;
    // The first letter counts most: those that are missing are zeros in front.
    let word = word.checked_shl(64 - 8 * count as u32).unwrap_or(0);
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    (low.wrapping_add(high) >> 32, count)
}

/// The same, one by one.
#[cold]
fn few_digits(letters: &[u8]) -> (u64, usize) {
    let digits = letters.iter().take(8).map_while(|letter| char::from(*letter).to_digit(10));
    digits.fold((0, 0), |(number, count), digit| (number * 10 + u64::from(digit), count + 1))
}

/// One in each letter.
pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
const ZEROS: u64 = ONES * b'0' as u64;

/// Microseconds as they are written, in ns: beyond a thousandth they are rounded.
pub(super) fn nanoseconds(text: &[u8]) -> Option<i64> {
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

    #[test]
    fn digits_are_counted_wherever_they_end() {
        for text in
            ["", "x", "7", "7,", "123456789012345", "12345678", "12345678 and more", "00000001.5", "9/:0", "1\u{ff}2"]
        {
            let digits_of = text.bytes().take_while(u8::is_ascii_digit).count();
            let number = text[..digits_of].parse().unwrap_or(0);
            assert_eq!(digits(text.as_bytes()), (number, digits_of), "{text}");
            assert_eq!(
                digits(format!("{text}        ").as_bytes()),
                (number, digits_of),
                "{text}, with something behind"
            );
        }
    }
}
