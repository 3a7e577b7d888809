//! Events as bytes: small numbers in few bytes, every string, thread and callsite once a block.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::trace::{Callsite, Edge, Event, Field, Kind, LaneId, LaneKind, Seq, SpanId, Thread, ThreadId, Time, Value};

/// Writes events one after another.
#[derive(Default)]
pub(super) struct Encoder {
    pub(super) bytes: Vec<u8>,
    strings: Known<Arc<str>>,
    threads: Known<ThreadId>,
    callsites: Known<Arc<Callsite>>,
    last_time: u64,
}

/// What has been written already, by number.
struct Known<T>(HashMap<T, u64>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Hash + Eq + Clone> Known<T> {
    /// The number of a thing, and whether it is new.
    fn number(&mut self, thing: &T) -> (u64, bool) {
        if let Some(number) = self.0.get(thing) {
            return (*number, false);
        }
        let number = self.0.len() as u64;
        self.0.insert(thing.clone(), number);
        (number, true)
    }
}

impl Encoder {
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn string(&mut self, text: &Arc<str>) {
        let (number, is_new) = self.strings.number(text);
        self.number(number);
        if is_new {
            self.number(text.len() as u64);
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bytes.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn thread(&mut self, thread: &Thread) {
        let (number, is_new) = self.threads.number(&thread.id);
        self.number(number);
        if is_new {
            self.number(thread.id.0.into());
            self.string(&thread.name);
        }
    }

    fn callsite(&mut self, callsite: &Arc<Callsite>) {
        let (number, is_new) = self.callsites.number(callsite);
        self.number(number);
        if is_new {
            self.string(&callsite.name);
            self.string(&callsite.target);
            self.option(callsite.file.as_ref(), Self::string);
            self.option(callsite.line, |this, line| this.number(line.into()));
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        self.number(fields.len() as u64);
        for field in fields {
            self.string(&field.name);
            match &field.value {
                Value::Bool(value) => self.bytes.extend([0, u8::from(*value)]),
                Value::I64(value) => {
                    self.bytes.push(1);
                    self.number(((value << 1) ^ (value >> 63)) as u64);
                }
                Value::U64(value) => {
                    self.bytes.push(2);
                    self.number(*value);
                }
                Value::I128(value) => {
                    self.bytes.push(3);
                    self.bytes.extend(value.to_le_bytes());
                }
                Value::U128(value) => {
                    self.bytes.push(4);
                    self.bytes.extend(value.to_le_bytes());
                }
                Value::F64(value) => {
                    self.bytes.push(5);
                    self.bytes.extend(value.to_le_bytes());
                }
                Value::Str(text) => {
                    self.bytes.push(6);
                    self.string(text);
                }
                Value::Span(span) => {
                    self.bytes.push(7);
                    self.number(span.0);
                }
            }
        }
    }

    fn edge(&mut self, edge: Edge) {
        self.bytes.push(u8::from(edge == Edge::Exit));
    }

    /// Writes an event without its place in the log, which follows from the block's.
    pub(super) fn event(&mut self, event: &Event) {
        self.bytes.push(tag(&event.kind));
        // Events come in the order of time, the open set need not.
        let step = event.time.0.wrapping_sub(self.last_time) as i64;
        self.last_time = event.time.0;
        self.number(((step << 1) ^ (step >> 63)) as u64);
        self.thread(&event.thread);
        self.number(event.lane.0.into());
        match &event.kind {
            Kind::LaneOpen { name, kind } => {
                self.string(name);
                self.bytes.push(u8::from(*kind == LaneKind::Task));
            }
            Kind::LaneClose => {}
            Kind::Open { span, parent, callsite, fields } => {
                self.number(span.0);
                self.option(*parent, |this, parent| this.number(parent.0));
                self.callsite(callsite);
                self.fields(fields);
            }
            Kind::Enter { span } | Kind::Exit { span } | Kind::Close { span } => self.number(span.0),
            Kind::Record { span, fields } => {
                self.number(span.0);
                self.fields(fields);
            }
            Kind::Note { span, callsite, fields } => {
                self.option(*span, |this, span| this.number(span.0));
                self.callsite(callsite);
                self.fields(fields);
            }
            Kind::Switch { to, reason } | Kind::Wake { to, reason } => {
                self.number(to.0.into());
                self.option(reason.as_ref(), Self::string);
            }
            Kind::Hold { span, edge, is_shown } => {
                self.number(span.0);
                self.edge(*edge);
                self.bytes.push(u8::from(*is_shown));
            }
            Kind::Release { span, edge } => {
                self.number(span.0);
                self.edge(*edge);
            }
            Kind::Dropped { count } => self.number(*count),
        }
    }
}

fn tag(kind: &Kind) -> u8 {
    match kind {
        Kind::LaneOpen { .. } => 0,
        Kind::LaneClose => 1,
        Kind::Open { .. } => 2,
        Kind::Enter { .. } => 3,
        Kind::Exit { .. } => 4,
        Kind::Close { .. } => 5,
        Kind::Record { .. } => 6,
        Kind::Note { .. } => 7,
        Kind::Switch { .. } => 8,
        Kind::Wake { .. } => 9,
        Kind::Hold { .. } => 10,
        Kind::Release { .. } => 11,
        Kind::Dropped { .. } => 12,
    }
}

/// Reads events one after another. Everything it is given may be wrong: then it gives `None`.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    strings: Vec<Arc<str>>,
    threads: Vec<Arc<Thread>>,
    callsites: Vec<Arc<Callsite>>,
    last_time: u64,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, strings: Vec::new(), threads: Vec::new(), callsites: Vec::new(), last_time: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    fn string(&mut self) -> Option<Arc<str>> {
        let number = usize::try_from(self.number()?).ok()?;
        if number < self.strings.len() {
            return Some(self.strings[number].clone());
        }
        let length = usize::try_from(self.number()?).ok()?;
        let text: Arc<str> = std::str::from_utf8(self.take(length)?).ok()?.into();
        (number == self.strings.len()).then(|| self.strings.push(text.clone()))?;
        Some(text)
    }

    fn thread(&mut self) -> Option<Arc<Thread>> {
        let number = usize::try_from(self.number()?).ok()?;
        if number < self.threads.len() {
            return Some(self.threads[number].clone());
        }
        let thread = Arc::new(Thread { id: ThreadId(self.small()?), name: self.string()? });
        (number == self.threads.len()).then(|| self.threads.push(thread.clone()))?;
        Some(thread)
    }

    fn callsite(&mut self) -> Option<Arc<Callsite>> {
        let number = usize::try_from(self.number()?).ok()?;
        if number < self.callsites.len() {
            return Some(self.callsites[number].clone());
        }
        let callsite = Arc::new(Callsite {
            name: self.string()?,
            target: self.string()?,
            file: self.option(Self::string)?,
            line: self.option(Self::small)?,
        });
        (number == self.callsites.len()).then(|| self.callsites.push(callsite.clone()))?;
        Some(callsite)
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn span(&mut self) -> Option<SpanId> {
        self.number().map(SpanId)
    }

    fn fields(&mut self) -> Option<Vec<Field>> {
        let count = self.number()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let name = self.string()?;
            let value = match self.byte()? {
                0 => Value::Bool(self.flag()?),
                1 => Value::I64(self.signed()?),
                2 => Value::U64(self.number()?),
                3 => Value::I128(i128::from_le_bytes(self.array()?)),
                4 => Value::U128(u128::from_le_bytes(self.array()?)),
                5 => Value::F64(f64::from_le_bytes(self.array()?)),
                6 => Value::Str(self.string()?),
                7 => Value::Span(self.span()?),
                _ => return None,
            };
            fields.push(Field { name, value });
        }
        Some(fields)
    }

    fn edge(&mut self) -> Option<Edge> {
        Some(if self.flag()? { Edge::Exit } else { Edge::Enter })
    }

    /// The next event, in that place of the log.
    pub(super) fn event(&mut self, seq: u64) -> Option<Event> {
        let tag = self.byte()?;
        let time = self.last_time.wrapping_add(self.signed()? as u64);
        self.last_time = time;
        let thread = self.thread()?;
        let lane = LaneId(self.small()?);
        let kind = match tag {
            0 => Kind::LaneOpen {
                name: self.string()?,
                kind: if self.flag()? { LaneKind::Task } else { LaneKind::Thread },
            },
            1 => Kind::LaneClose,
            2 => Kind::Open {
                span: self.span()?,
                parent: self.option(Self::span)?,
                callsite: self.callsite()?,
                fields: self.fields()?,
            },
            3 => Kind::Enter { span: self.span()? },
            4 => Kind::Exit { span: self.span()? },
            5 => Kind::Close { span: self.span()? },
            6 => Kind::Record { span: self.span()?, fields: self.fields()? },
            7 => Kind::Note { span: self.option(Self::span)?, callsite: self.callsite()?, fields: self.fields()? },
            8 => Kind::Switch { to: LaneId(self.small()?), reason: self.option(Self::string)? },
            9 => Kind::Wake { to: LaneId(self.small()?), reason: self.option(Self::string)? },
            10 => Kind::Hold { span: self.span()?, edge: self.edge()?, is_shown: self.flag()? },
            11 => Kind::Release { span: self.span()?, edge: self.edge()? },
            12 => Kind::Dropped { count: self.number()? },
            _ => return None,
        };
        Some(Event { seq: Seq(seq), time: Time(time), thread, lane, kind })
    }
}
