//! Where one request ends and the next begins, as the bytes say it: pure, it knows no socket and no time.
//!
//! A proxy and a server that read the same bytes as different requests let a client smuggle one past the proxy. RFC 9112
//! (section 6.3) lets a server mend some of what can be read in two ways; this refuses all of it.
//!
//! ```text
//!   Content-Length: 5           one, of digits alone                       a body of 5 bytes, then the next head
//!   Transfer-Encoding: chunked  one, of that word alone                    the last request of its connection
//!   Upgrade: …                                                             the last one, too
//!   both, either twice, `xchunked`, `chunked, chunked`, `+5`, `5, 5`       refused
//! ```
//!
//! gevent's `Input` and `read_request` had to learn this after the fact (CVE-2023-41419). hyper reads requests here, and
//! what is not in its hands any more, since it mends some silently, is refused before: the byte that makes a head ambiguous
//! becomes NUL, which no head may have, and hyper answers 400 and ends the connection.

use memchr::memchr_iter;

/// What was sent so far, of one connection.
#[derive(Debug, Default)]
pub struct Framing {
    at: At,
    /// Of this head.
    length: Option<u64>,
    is_chunked: bool,
    is_upgrade: bool,
    heads: u64,
}

/// Where in a request it is.
#[derive(Debug, Default, PartialEq)]
enum At {
    /// Before the first byte of a head. Empty lines may stand there.
    #[default]
    Between,
    /// In the request line.
    Line,
    /// At the beginning of a line of the head, or within a name: as many of its bytes as matter.
    Name { name: [u8; LONGEST], length: usize },
    /// In a value.
    Value(Value),
    /// So many bytes of a body are to come.
    Body(u64),
    /// Nothing is looked at any more: no other head follows.
    Rest,
}

/// Whose value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Any,
    Length { digits: u32, is_over: bool },
    Encoding { matched: usize, is_over: bool },
}

const LENGTH: &[u8] = b"content-length";
const ENCODING: &[u8] = b"transfer-encoding";
const UPGRADE: &[u8] = b"upgrade";
const CHUNKED: &[u8] = b"chunked";
/// The longest name that matters, and one byte more.
const LONGEST: usize = ENCODING.len() + 1;
/// At the beginning of a line of the head.
const NEXT_LINE: At = At::Name { name: [0; LONGEST], length: 0 };
/// A length of more digits does not fit.
const DIGITS: u32 = 18;

impl Framing {
    /// Whether a head has begun and not ended.
    #[must_use]
    pub fn is_in_head(&self) -> bool {
        matches!(self.at, At::Line | At::Name { .. } | At::Value(_))
    }

    /// How many heads have come to their end.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether no request has begun since the last one ended.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.at == At::Between
    }

    /// Takes what was read next. A byte that makes a head ambiguous becomes NUL.
    pub fn read(&mut self, mut bytes: &mut [u8]) {
        loop {
            let passed = self.pass(bytes);
            bytes = &mut bytes[passed..];
            let Some(first) = bytes.first_mut() else { return };
            if !self.step(*first) {
                *first = 0;
                self.at = At::Rest;
            }
            bytes = &mut bytes[1..];
        }
    }

    /// How many bytes there are before one that has to be looked at.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        match &mut self.at {
            At::Rest => bytes.len(),
            At::Body(left) => {
                let many = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= many as u64;
                if *left == 0 {
                    self.at = At::Between;
                }
                many
            }
            At::Line | At::Value(Value::Any) => other_lines(bytes),
            // The line of another header.
            At::Name { length: 0, .. } if bytes.first().is_some_and(|first| !begins_a_name(*first)) => {
                self.at = At::Value(Value::Any);
                other_lines(bytes)
            }
            At::Name { name, length } if *length > 0 => {
                let many = bytes.iter().position(|byte| matches!(byte, b':' | b'\n')).unwrap_or(bytes.len());
                for (place, byte) in name[*length..].iter_mut().zip(&bytes[..many]) {
                    *place = byte.to_ascii_lowercase();
                }
                *length = LONGEST.min(*length + many);
                many
            }
            At::Between | At::Name { .. } | At::Value(_) => 0,
        }
    }

    /// One byte of a head; whether it may stand there.
    fn step(&mut self, byte: u8) -> bool {
        match &mut self.at {
            At::Between if byte == b'\r' || byte == b'\n' => {}
            At::Between => self.at = At::Line,
            At::Line if byte == b'\n' => self.at = NEXT_LINE,
            At::Name { length: 0, .. } if byte == b'\r' => {}
            At::Name { length: 0, .. } if byte == b'\n' => self.at = self.after_head(),
            At::Name { name, length } if byte == b':' => {
                let value = match &name[..*length] {
                    LENGTH => Value::Length { digits: 0, is_over: false },
                    ENCODING => Value::Encoding { matched: 0, is_over: false },
                    name => {
                        self.is_upgrade |= name == UPGRADE;
                        Value::Any
                    }
                };
                self.at = At::Value(value);
                let has_one = self.length.is_some() || self.is_chunked;
                match value {
                    Value::Any => {}
                    _ if has_one => return false,
                    Value::Length { .. } => self.length = Some(0),
                    Value::Encoding { .. } => self.is_chunked = true,
                }
            }
            // No name: hyper says so.
            At::Name { .. } if byte == b'\n' => self.at = NEXT_LINE,
            At::Name { name, length } => {
                if let Some(place) = name.get_mut(*length) {
                    *place = byte.to_ascii_lowercase();
                    *length += 1;
                }
            }
            At::Value(_) if byte == b'\n' => self.at = NEXT_LINE,
            At::Value(value) => return value.takes(byte, &mut self.length),
            At::Line | At::Body(_) | At::Rest => {}
        }
        true
    }

    /// The head is over.
    fn after_head(&mut self) -> At {
        self.heads += 1;
        let is_last = std::mem::take(&mut self.is_chunked) | std::mem::take(&mut self.is_upgrade);
        match self.length.take() {
            _ if is_last => At::Rest,
            None | Some(0) => At::Between,
            Some(length) => At::Body(length),
        }
    }
}

/// Whether a name that matters may begin with this byte; or a head end with it.
fn begins_a_name(byte: u8) -> bool {
    let begins = [LENGTH, ENCODING, UPGRADE].map(|name| name[0]);
    begins.contains(&byte.to_ascii_lowercase()) || byte == b'\r' || byte == b'\n'
}

/// How many bytes there are before the end of the line that one after another is the first to matter after; in all, if none
/// ends here. One that is over is over by its end.
fn other_lines(bytes: &[u8]) -> usize {
    for end in memchr_iter(b'\n', bytes) {
        // What has not come yet may matter.
        if bytes.get(end + 1).is_none_or(|next| begins_a_name(*next)) {
            return end;
        }
    }
    bytes.len()
}

impl Value {
    /// Whether a byte may come next in it.
    fn takes(&mut self, byte: u8, total: &mut Option<u64>) -> bool {
        let is_blank = matches!(byte, b' ' | b'\t' | b'\r');
        match self {
            Self::Any => true,
            Self::Length { digits, is_over } => {
                if is_blank {
                    *is_over = *digits > 0;
                    return true;
                }
                *digits += 1;
                if *is_over || !byte.is_ascii_digit() || *digits > DIGITS {
                    return false;
                }
                *total = Some(total.unwrap_or_default() * 10 + u64::from(byte - b'0'));
                true
            }
            Self::Encoding { matched, is_over } => {
                if is_blank {
                    *is_over = *matched > 0;
                    return true;
                }
                let is_next = !*is_over && CHUNKED.get(*matched) == Some(&byte.to_ascii_lowercase());
                *matched += 1;
                is_next
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What hyper gets to see, however the bytes are cut; and whether a head may follow.
    #[track_caller]
    fn check(sent: &str, seen: &str, is_between: bool) {
        for at_once in [1, 2, 3, 7, usize::MAX] {
            let mut framing = Framing::default();
            let mut bytes = sent.as_bytes().to_vec();
            bytes.chunks_mut(at_once.min(sent.len())).for_each(|part| framing.read(part));
            assert_eq!(String::from_utf8_lossy(&bytes), seen, "{at_once} at once");
            assert_eq!(framing.is_between(), is_between, "{at_once} at once");
        }
    }

    /// What comes before these lines of a head, and after.
    #[track_caller]
    fn check_lines(lines: &str, seen: &str) {
        let head = |lines: &str| format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n");
        check(&head(lines), &head(seen), false);
    }

    #[test]
    fn whatever_can_be_read_in_two_ways_is_spoiled() {
        check_lines(
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Content-Length: 5\r\nTransfer-Encoding\0 chunked",
        );
        check_lines(
            "Transfer-Encoding: chunked\r\ncontent-length: 5",
            "Transfer-Encoding: chunked\r\ncontent-length\0 5",
        );
        check_lines("Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length\0 5");
        check_lines("Content-Length: 5\nContent-Length: 6", "Content-Length: 5\nContent-Length\0 6");
        check_lines("Transfer-Encoding: xchunked", "Transfer-Encoding: \0chunked");
        check_lines("Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked\0 chunked");
        check_lines("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: \0zip, chunked");
        check_lines("Transfer-Encoding: chunked x", "Transfer-Encoding: chunked \0");
        check_lines("Transfer-Encoding: chunkedx", "Transfer-Encoding: chunked\0");
        for wrong in ["+5", "-5", "0x5"] {
            let spoiled = wrong.replace(['+', '-', 'x'], "\0");
            check_lines(&format!("Content-Length: {wrong}"), &format!("Content-Length: {spoiled}"));
        }
        check_lines("Content-Length: 5 5", "Content-Length: 5 \0");
        check_lines("Content-Length: 5,5", "Content-Length: 5\x005");
        check_lines("Content-Length: 9999999999999999999", "Content-Length: 999999999999999999\0");
    }

    #[test]
    fn bodies_are_passed_over_and_the_head_after_them_is_looked_at() {
        let twice = "Content-Length: 1\r\nContent-Length: 1\r\n\r\n";
        let length = twice.len();
        let first = format!("POST / HTTP/1.1\r\ncontent-LENGTH:\t{length} \r\n\r\n{twice}");
        check(&first, &first, true);
        let get =
            "GET / HTTP/1.1\r\nHost: x\r\nX-Content-Length: 5\r\nContent-Length-X: 7\r\nA: Content-Length: 5\r\n\r\n";
        check(&format!("{first}\r\n{get}{first}{get}"), &format!("{first}\r\n{get}{first}{get}"), true);
        let spoiled = twice.replacen("h: 1\r\n\r", "h\0 1\r\n\r", 1);
        check(&format!("{first}GET / HTTP/1.1\r\n{twice}"), &format!("{first}GET / HTTP/1.1\r\n{spoiled}"), false);
    }

    #[test]
    fn after_chunks_or_an_upgrade_nothing_is_touched() {
        for last in ["Transfer-Encoding: Chunked ", "upgrade: websocket"] {
            let sent = format!("GET / HTTP/1.1\r\n{last}\r\n\r\nA\r\nContent-Length: +\r\nContent-Length: 1\r\n\r\n");
            check(&sent, &sent, false);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_at_most_one_byte_is_spoiled_and_the_cuts_do_not_matter(
            parts in prop::collection::vec(prop::sample::select(vec![
                "GET / HTTP/1.1\r\n", "\r\n", "\n", "\r", "Content-Length", "transfer-encoding", ":", " ", "5", "0", "chunked", ",", "x",
                "Upgrade: x\r\n", "Host: x\r\n", "\0", "Content-Length: 3\r\n\r\nabc",
            ]), 0..40),
            cuts in prop::collection::vec(1..9_usize, 1..40),
        ) {
            let sent = parts.concat().into_bytes();
            let (mut whole, mut cut) = (sent.clone(), sent.clone());
            Framing::default().read(&mut whole);
            let (mut framing, mut rest) = (Framing::default(), &mut cut[..]);
            for at in cuts.iter().cycle() {
                let (part, after) = rest.split_at_mut((*at).min(rest.len()));
                framing.read(part);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(&whole, &cut);
            prop_assert!(whole.iter().zip(&sent).filter(|(seen, sent)| seen != sent).count() <= 1);
        }
    }
}
