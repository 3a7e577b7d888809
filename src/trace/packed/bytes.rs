//! What chunks are made of, read: numbers, texts, fields.

use super::*;

/// Whether bytes are UTF-8. Most are ASCII, which is soon seen.
#[inline]
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

/// Bytes, of which some have been read.
#[derive(Clone, Debug)]
pub(super) struct Bytes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Corrupt> {
        let byte = *self.bytes.get(self.at).ok_or(Corrupt)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Corrupt> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length)).ok_or(Corrupt)?;
        let taken = self.bytes.get(self.at..end).ok_or(Corrupt)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        self.take(N as u64)?.try_into().map_err(|_| Corrupt)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Corrupt> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Corrupt)
    }

    pub(super) fn small(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.number()?).map_err(|_| Corrupt)
    }

    /// A number into a table of this length.
    pub(super) fn index(&mut self, length: usize) -> Result<u32, Corrupt> {
        self.small().and_then(|number| if (number as usize) < length { Ok(number) } else { Err(Corrupt) })
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Corrupt> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Corrupt)
    }

    /// A list of fields, looked through once, so that it can be read without errors later. Their names are of so many.
    pub(super) fn fields(&mut self, names: usize) -> Result<&'a [u8], Corrupt> {
        let count = self.number()?;
        let begin = self.at;
        for _ in 0..count {
            let (name, _) = self.packed_field()?;
            if name as usize >= names {
                return Err(Corrupt);
            }
        }
        Ok(&self.bytes[begin..self.at])
    }

    /// A field whose value is only looked at for whether it is one.
    #[inline]
    pub(super) fn packed_field(&mut self) -> Result<(u32, PackedValue<'a>), Corrupt> {
        let head = self.number()?;
        let name = u32::try_from(head >> 3).map_err(|_| Corrupt)?;
        let (begin, kind) = (self.at, (head & 7) as u8);
        match kind {
            0 | 1 => {}
            4 => {
                let length = self.number()?;
                if !is_text(self.take(length)?) {
                    return Err(Corrupt);
                }
            }
            5 => {
                self.take(8)?;
            }
            7 => {
                if self.take(17)?[0] > 1 {
                    return Err(Corrupt);
                }
            }
            _ => {
                self.number()?;
            }
        }
        Ok((name, PackedValue { kind, rest: &self.bytes[begin..self.at] }))
    }

    pub(super) fn field(&mut self) -> Result<(u32, ValueRef<'a>), Corrupt> {
        let head = self.number()?;
        let name = u32::try_from(head >> 3).map_err(|_| Corrupt)?;
        let value = match head & 7 {
            0 => ValueRef::Bool(false),
            1 => ValueRef::Bool(true),
            2 => ValueRef::U64(self.number()?),
            3 => {
                let value = self.number()?;
                ValueRef::I64((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            4 => ValueRef::Str(self.text()?),
            5 => ValueRef::F64(f64::from_le_bytes(self.array()?)),
            6 => ValueRef::Span(SpanId(self.number()?)),
            _ => match self.byte()? {
                0 => ValueRef::I128(i128::from_le_bytes(self.array()?)),
                1 => ValueRef::U128(u128::from_le_bytes(self.array()?)),
                _ => return Err(Corrupt),
            },
        };
        Ok((name, value))
    }
}
