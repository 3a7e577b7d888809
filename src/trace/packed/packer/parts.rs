//! What records are made of: numbers, texts, fields, and the things that are defined once a chunk.

use super::*;

impl Packer {
    #[inline]
    pub(super) fn number(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(value as u8);
        } else if value < 1 << 14 {
            self.bytes.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
        } else {
            self.long_number(value);
        }
    }

    fn long_number(&mut self, mut value: u64) {
        let mut bytes = [0; 10];
        let mut used = 0;
        while value >= 0x80 {
            bytes[used] = value as u8 | 0x80;
            value >>= 7;
            used += 1;
        }
        bytes[used] = value as u8;
        self.bytes.extend_from_slice(&bytes[..=used]);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn string(&mut self, text: &Arc<str>) -> u32 {
        let (number, is_new) = self.strings.number(text);
        if is_new {
            self.bytes.push(DEFINE_STRING);
            self.number(number.into());
            self.text(text);
        }
        number
    }

    pub(super) fn thread(&mut self, thread: &Arc<Thread>) -> u32 {
        if let Some(number) = self.threads.get(&thread.id) {
            return *number;
        }
        let name = self.string(&thread.name);
        let number = self.threads.len() as u32;
        self.threads.insert(thread.id, number);
        self.bytes.push(DEFINE_THREAD);
        self.number(number.into());
        self.number(thread.id.0.into());
        self.number(name.into());
        number
    }

    #[inline]
    pub(super) fn callsite(&mut self, callsite: &Arc<Callsite>) -> u32 {
        let (number, is_new) = self.callsites.number(callsite);
        if is_new {
            let name = self.string(&callsite.name);
            let target = self.string(&callsite.target);
            let file = callsite.file.as_ref().map(|file| self.string(file));
            self.bytes.push(DEFINE_CALLSITE);
            self.number(number.into());
            self.number(name.into());
            self.number(target.into());
            // Nothing is 0.
            self.number(file.map_or(0, |file| u64::from(file) + 1));
            self.number(callsite.line.map_or(0, |line| u64::from(line) + 1));
        }
        number
    }

    /// Defines the names of fields that have not been used in this chunk; how many fields there are.
    #[inline]
    pub(super) fn define_names<'f>(&mut self, fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)>) -> u64 {
        let mut count = 0;
        for (name, _) in fields {
            self.string(name);
            count += 1;
        }
        count
    }

    #[inline]
    pub(super) fn fields<'f>(&mut self, count: u64, fields: impl Iterator<Item = (&'f Arc<str>, ValueRef<'f>)>) {
        self.number(count);
        for (name, value) in fields {
            let name = self.strings.number(name).0;
            self.field(name, value);
        }
    }

    #[inline(always)]
    pub(super) fn field(&mut self, name: u32, value: ValueRef<'_>) {
        let name = u64::from(name) << 3;
        match value {
            ValueRef::Bool(value) => self.number(name | u64::from(value)),
            ValueRef::U64(value) => {
                self.number(name | 2);
                self.number(value);
            }
            ValueRef::I64(value) => {
                self.number(name | 3);
                self.number(((value << 1) ^ (value >> 63)) as u64);
            }
            ValueRef::Str(text) => {
                self.number(name | 4);
                self.text(text);
            }
            ValueRef::F64(value) => {
                self.number(name | 5);
                self.bytes.extend(value.to_le_bytes());
            }
            ValueRef::Span(span) => {
                self.number(name | 6);
                self.number(span.0);
            }
            ValueRef::I128(value) => {
                self.number(name | 7);
                self.bytes.push(0);
                self.bytes.extend(value.to_le_bytes());
            }
            ValueRef::U128(value) => {
                self.number(name | 7);
                self.bytes.push(1);
                self.bytes.extend(value.to_le_bytes());
            }
        }
    }
}
