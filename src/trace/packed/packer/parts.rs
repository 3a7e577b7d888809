//! What records are made of: numbers, texts, fields, and the things that are defined once a chunk.

use super::*;

impl Packer {
    #[inline]
    pub(super) fn number(&mut self, value: u64) {
        put_number(&mut self.bytes, value);
    }

    fn text(&mut self, text: &str) {
        put_text(&mut self.bytes, text);
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

    /// Packs fields aside, and defines their names that have not been used in this chunk; how many they are.
    #[inline]
    pub(super) fn gather<'f, V: Packable>(&mut self, fields: impl Iterator<Item = (&'f Arc<str>, V)>) -> u64 {
        self.fields.clear();
        let mut count = 0;
        for (name, value) in fields {
            let number = self.string(name);
            value.put(&mut self.fields, number);
            count += 1;
        }
        count
    }

    /// The fields that have just been packed, of which there are so many.
    #[inline]
    pub(super) fn gathered(&mut self, count: u64) {
        self.number(count);
        self.bytes.extend_from_slice(&self.fields);
    }

    /// Fields whose names have numbers.
    #[inline(always)]
    pub(super) fn fields_known<'f>(&mut self, fields: impl ExactSizeIterator<Item = (u32, ValueRef<'f>)>) {
        self.number(fields.len() as u64);
        for (name, value) in fields {
            value.put(&mut self.bytes, name);
        }
    }
}

#[inline]
fn put_number(bytes: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        bytes.push(value as u8);
    } else if value < 1 << 14 {
        bytes.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
    } else {
        put_long_number(bytes, value);
    }
}

fn put_long_number(bytes: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 10];
    let mut used = 0;
    while value >= 0x80 {
        digits[used] = value as u8 | 0x80;
        value >>= 7;
        used += 1;
    }
    digits[used] = value as u8;
    bytes.extend_from_slice(&digits[..=used]);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Adds a field that is a text.
#[inline]
pub(in crate::trace::packed) fn put_text_field(bytes: &mut Vec<u8>, name: u32, text: &[u8]) {
    put_number(bytes, u64::from(name) << 3 | 4);
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

/// What a field may be made of.
pub trait Packable {
    /// Adds a field to bytes: the number is its name's.
    fn put(self, bytes: &mut Vec<u8>, name: u32);
}

impl Packable for ValueRef<'_> {
    #[inline(always)]
    fn put(self, bytes: &mut Vec<u8>, name: u32) {
        put_field(bytes, name, self);
    }
}

impl Packable for PackedValue<'_> {
    #[inline]
    fn put(self, bytes: &mut Vec<u8>, name: u32) {
        put_number(bytes, u64::from(name) << 3 | u64::from(self.kind));
        bytes.extend_from_slice(self.rest);
    }
}

#[inline(always)]
fn put_field(bytes: &mut Vec<u8>, number: u32, value: ValueRef<'_>) {
    let name = u64::from(number) << 3;
    match value {
        ValueRef::Bool(value) => put_number(bytes, name | u64::from(value)),
        ValueRef::U64(value) => {
            put_number(bytes, name | 2);
            put_number(bytes, value);
        }
        ValueRef::I64(value) => {
            put_number(bytes, name | 3);
            put_number(bytes, ((value << 1) ^ (value >> 63)) as u64);
        }
        ValueRef::Str(text) => put_text_field(bytes, number, text.as_bytes()),
        ValueRef::F64(value) => {
            put_number(bytes, name | 5);
            bytes.extend(value.to_le_bytes());
        }
        ValueRef::Span(span) => {
            put_number(bytes, name | 6);
            put_number(bytes, span.0);
        }
        ValueRef::I128(value) => {
            put_number(bytes, name | 7);
            bytes.push(0);
            bytes.extend(value.to_le_bytes());
        }
        ValueRef::U128(value) => {
            put_number(bytes, name | 7);
            bytes.push(1);
            bytes.extend(value.to_le_bytes());
        }
    }
}
