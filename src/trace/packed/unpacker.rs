//! A chunk into items, and items into events. What is read may be anything.

use std::borrow::Cow;
use std::sync::Arc;

use super::bytes::{Bytes, is_text};
use super::packer::Packable;
use super::*;
use crate::trace::{Callsite, Edge, Event, Field, Kind, LaneKind, ThreadId};

/// What a chunk has defined so far: the things that its items name by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Names of lanes and fields, reasons, and the parts of callsites.
    pub strings: Vec<Arc<str>>,
    /// Threads.
    pub threads: Vec<Arc<Thread>>,
    /// Callsites.
    pub callsites: Vec<Arc<Callsite>>,
}

/// An event, or a part of the open set, as it stands in a chunk: names are numbers into [`Tables`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item<'a> {
    /// Raw monotonic time.
    pub time: Time,
    /// Number of the thread.
    pub thread: u32,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// What happened.
    pub kind: ItemKind<'a>,
}

/// What happened, as [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are those of `Kind`; numbers are into `Tables`")]
pub enum ItemKind<'a> {
    /// In an open set it says how many events the lane had before, if that was known.
    LaneOpen {
        name: u32,
        kind: LaneKind,
        before: Option<u64>,
    },
    LaneClose,
    Open {
        span: SpanId,
        parent: Option<SpanId>,
        callsite: u32,
        fields: ItemFields<'a>,
    },
    Enter {
        span: SpanId,
    },
    Exit {
        span: SpanId,
    },
    Close {
        span: SpanId,
    },
    Record {
        span: SpanId,
        fields: ItemFields<'a>,
    },
    Note {
        span: Option<SpanId>,
        callsite: u32,
        fields: ItemFields<'a>,
    },
    Switch {
        to: LaneId,
        reason: Option<u32>,
    },
    Wake {
        to: LaneId,
        reason: Option<u32>,
    },
    Hold {
        span: SpanId,
        edge: Edge,
        is_shown: bool,
    },
    Release {
        span: SpanId,
        edge: Edge,
    },
    Dropped {
        count: u64,
    },
}

impl ItemKind<'_> {
    /// The span that is opened, entered, left or closed, or gets fields.
    #[inline]
    pub(crate) fn moved(&self) -> Option<SpanId> {
        match *self {
            Self::Open { span, .. }
            | Self::Enter { span }
            | Self::Exit { span }
            | Self::Close { span }
            | Self::Record { span, .. } => Some(span),
            _ => None,
        }
    }
}

/// The fields of an item, not looked at yet beyond that they are well-formed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ItemFields<'a>(&'a [u8]);

impl<'a> ItemFields<'a> {
    /// Adds a field to bytes that are of fields alone: the number is its name's, in a table of whose bytes they are.
    #[inline]
    pub fn put(bytes: &mut Vec<u8>, name: u32, value: ValueRef<'_>) {
        value.put(bytes, name);
    }

    /// The same of what may be a text; false, and nothing is added, if it is none.
    #[inline]
    pub fn put_text(bytes: &mut Vec<u8>, name: u32, text: &[u8]) -> bool {
        let is_text = is_text(text);
        if is_text {
            packer::put_text_field(bytes, name, text);
        }
        is_text
    }

    /// The fields that were [put](Self::put) into bytes. What is no field ends them.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The same with values that are not looked at.
    pub fn packed(self) -> impl Iterator<Item = (u32, PackedValue<'a>)> + Clone {
        let mut rest = Bytes { bytes: self.0, at: 0 };
        std::iter::from_fn(move || rest.packed_field().ok())
    }

    /// Names, as numbers of strings, and values.
    pub fn iter(self) -> impl Iterator<Item = (u32, ValueRef<'a>)> + Clone {
        let mut rest = Bytes { bytes: self.0, at: 0 };
        std::iter::from_fn(move || rest.field().ok())
    }
}

/// Reads a chunk item by item.
#[derive(Clone, Debug)]
pub struct Unpacker<'a> {
    tables: Cow<'a, Tables>,
    bytes: Bytes<'a>,
    context: Context,
    /// The second half of a record that stands for two items.
    fused: Option<(u8, SpanId)>,
}

impl<'a> Unpacker<'a> {
    /// Reads the bytes of a chunk from their beginning. `tables` is what is known of its names already: nothing, or what an
    /// earlier reader of the same chunk has gathered.
    #[must_use]
    pub fn new(bytes: &'a [u8], tables: Tables) -> Self {
        let tables = Cow::Owned(tables);
        Self { tables, bytes: Bytes { bytes, at: 0 }, context: Context::default(), fused: None }
    }

    /// Reads the one item that begins at an offset and opens a span, out of its context: its time and its lane mean nothing.
    pub(in crate::trace) fn open_at(
        bytes: &'a [u8],
        tables: &'a Tables,
        at: u32,
        span: SpanId,
    ) -> Option<ItemKind<'a>> {
        let context = Context { span: span.0.wrapping_sub(1), ..Context::default() };
        let item = Self::resume(bytes, tables, Position { at, context }).next_item();
        item.ok().flatten().map(|item| item.kind)
    }

    /// Reads the bytes of a chunk whose names are all known from a place on.
    pub(in crate::trace) fn resume(bytes: &'a [u8], tables: &'a Tables, position: Position) -> Self {
        let Position { at, context } = position;
        Self { tables: Cow::Borrowed(tables), bytes: Bytes { bytes, at: at as usize }, context, fused: None }
    }

    /// What has been defined so far.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// How many bytes have been read.
    #[inline]
    pub(in crate::trace) fn offset(&self) -> u32 {
        self.bytes.at as u32
    }

    /// What has been defined so far, to put what is shared in the place of what is equal to it.
    #[inline]
    pub(in crate::trace) fn tables_mut(&mut self) -> &mut Tables {
        match &mut self.tables {
            Cow::Owned(tables) => tables,
            borrowed @ Cow::Borrowed(_) => borrowed.to_mut(),
        }
    }

    /// Takes the rest of a call whose opening was the last item, if nothing else is in it: when it was entered, left and closed.
    /// Else nothing is taken.
    #[inline]
    pub(in crate::trace) fn rest_of_call(&mut self) -> Option<[Time; 3]> {
        let Some((OPEN, _)) = self.fused else { return None };
        let mut rest = self.bytes.clone();
        let enter = self.context.time.wrapping_add(rest.number().ok()?);
        if rest.byte().ok()? != EXIT | A | FUSED {
            return None;
        }
        let exit = enter.wrapping_add(rest.number().ok()?);
        let close = exit.wrapping_add(rest.number().ok()?);
        (self.bytes, self.context.time, self.fused) = (rest, close, None);
        Some([Time(enter), Time(exit), Time(close)])
    }

    /// What has been defined, for a later reader of the chunk.
    #[must_use]
    pub fn into_tables(self) -> Tables {
        self.tables.into_owned()
    }

    /// Where the next item begins; nothing in the middle of a record that stands for two.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.fused.is_none().then_some(Position { at: self.bytes.at as u32, context: self.context })
    }

    /// Goes to a place that was asked of the same chunk.
    pub fn seek(&mut self, position: Position) {
        (self.bytes.at, self.context, self.fused) = (position.at as usize, position.context, None);
    }

    /// The next item; nothing at the end.
    ///
    /// # Errors
    /// If the bytes are no chunk. What follows is then of no meaning.
    #[inline]
    pub fn next_item(&mut self) -> Result<Option<Item<'a>>, Corrupt> {
        if let Some((tag, span)) = self.fused.take() {
            self.context.time = self.context.time.wrapping_add(self.bytes.number()?);
            let kind = if tag == OPEN { ItemKind::Enter { span } } else { ItemKind::Close { span } };
            return Ok(Some(self.item(kind)));
        }
        let head = loop {
            if self.bytes.is_at_end() {
                return Ok(None);
            }
            let head = self.bytes.byte()?;
            match head & TAG {
                SPAN => self.context.span = self.bytes.number()?.wrapping_sub(1),
                BACK => self.context.time = self.context.time.wrapping_sub(self.bytes.number()?),
                DEFINE => self.define(head)?,
                _ => break head,
            }
        };
        self.context.time = self.context.time.wrapping_add(self.bytes.number()?);
        if head & CONTEXT != 0 {
            self.context.thread = self.bytes.index(self.tables.threads.len())?;
            self.context.lane = self.bytes.small()?;
        } else if self.context.thread as usize >= self.tables.threads.len() {
            return Err(Corrupt);
        }
        let kind = self.kind(head)?;
        Ok(Some(self.item(kind)))
    }

    #[inline]
    fn item(&self, kind: ItemKind<'a>) -> Item<'a> {
        let Context { time, thread, lane, .. } = self.context;
        Item { time: Time(time), thread, lane: LaneId(lane), kind }
    }

    #[inline]
    fn kind(&mut self, head: u8) -> Result<ItemKind<'a>, Corrupt> {
        let (a, b) = (head & A != 0, head & B != 0);
        let edge = if a { Edge::Exit } else { Edge::Enter };
        let tables = &self.tables;
        Ok(match head & TAG {
            LANE_OPEN => ItemKind::LaneOpen {
                name: self.bytes.index(tables.strings.len())?,
                kind: match (a, head & ASYNC != 0) {
                    (_, true) => LaneKind::Async,
                    (true, false) => LaneKind::Task,
                    (false, false) => LaneKind::Thread,
                },
                before: if b { Some(self.bytes.number()?) } else { None },
            },
            LANE_CLOSE => ItemKind::LaneClose,
            OPEN => {
                self.context.span = self.context.span.wrapping_add(1);
                let span = SpanId(self.context.span);
                let parent = if a { Some(SpanId(span.0.wrapping_sub(self.bytes.number()?))) } else { None };
                let callsite = self.bytes.index(tables.callsites.len())?;
                let fields =
                    if b { ItemFields(self.bytes.fields(tables.strings.len())?) } else { ItemFields::default() };
                self.fused = (head & FUSED != 0).then_some((OPEN, span));
                ItemKind::Open { span, parent, callsite, fields }
            }
            tag @ (ENTER | EXIT | CLOSE) => {
                let span = if a { SpanId(self.context.span) } else { self.span()? };
                self.fused = (tag == EXIT && head & FUSED != 0).then_some((EXIT, span));
                match tag {
                    ENTER => ItemKind::Enter { span },
                    EXIT => ItemKind::Exit { span },
                    _ => ItemKind::Close { span },
                }
            }
            RECORD => ItemKind::Record {
                span: self.span()?,
                fields: ItemFields(self.bytes.fields(self.tables.strings.len())?),
            },
            NOTE => {
                let span = if a { Some(self.span()?) } else { None };
                let callsite = self.bytes.index(self.tables.callsites.len())?;
                ItemKind::Note { span, callsite, fields: ItemFields(self.bytes.fields(self.tables.strings.len())?) }
            }
            tag @ (SWITCH | WAKE) => {
                let to = LaneId(self.bytes.small()?);
                let reason = if a { Some(self.bytes.index(tables.strings.len())?) } else { None };
                if tag == SWITCH { ItemKind::Switch { to, reason } } else { ItemKind::Wake { to, reason } }
            }
            HOLD => ItemKind::Hold { span: self.span()?, edge, is_shown: b },
            RELEASE => ItemKind::Release { span: self.span()?, edge },
            DROPPED => ItemKind::Dropped { count: self.bytes.number()? },
            _ => return Err(Corrupt),
        })
    }

    /// A span by its distance from the newest.
    fn span(&mut self) -> Result<SpanId, Corrupt> {
        Ok(SpanId(self.context.span.wrapping_sub(self.bytes.number()?)))
    }

    #[cold]
    fn define(&mut self, head: u8) -> Result<(), Corrupt> {
        let Self { tables, bytes, .. } = self;
        match head {
            DEFINE_STRING => {
                let number = bytes.number()?;
                let text = bytes.text()?;
                if is_next(&tables.strings, number)? {
                    tables.to_mut().strings.push(text.into());
                }
                Ok(())
            }
            DEFINE_THREAD => {
                let number = bytes.number()?;
                let id = ThreadId(bytes.small()?);
                let name = bytes.index(tables.strings.len())? as usize;
                if is_next(&tables.threads, number)? {
                    let name = tables.strings[name].clone();
                    tables.to_mut().threads.push(Arc::new(Thread { id, name }));
                }
                Ok(())
            }
            DEFINE_CALLSITE => {
                let number = bytes.number()?;
                let name = bytes.index(tables.strings.len())? as usize;
                let target = bytes.index(tables.strings.len())? as usize;
                let file = (bytes.index(tables.strings.len() + 1)? as usize).checked_sub(1);
                let line = bytes.number()?.checked_sub(1);
                let line = line.map(u32::try_from).transpose().map_err(|_| Corrupt)?;
                if is_next(&tables.callsites, number)? {
                    let string = |number: usize| tables.strings[number].clone();
                    let callsite =
                        Callsite { name: string(name), target: string(target), file: file.map(string), line };
                    tables.to_mut().callsites.push(Arc::new(callsite));
                }
                Ok(())
            }
            _ => Err(Corrupt),
        }
    }

    /// An item of this chunk as an event in its own right.
    #[must_use]
    pub fn event(&self, item: &Item<'_>, seq: Seq) -> Event {
        self.tables.event(item, seq)
    }
}

impl Tables {
    /// An item as an event in its own right. The item must be of the chunk whose names these are.
    #[must_use]
    pub fn event(&self, item: &Item<'_>, seq: Seq) -> Event {
        let string = |number: u32| self.strings[number as usize].clone();
        let callsite = |number: u32| self.callsites[number as usize].clone();
        let fields = |fields: ItemFields<'_>| -> Vec<Field> {
            fields.iter().map(|(name, value)| Field { name: string(name), value: value.into() }).collect()
        };
        let kind = match item.kind {
            ItemKind::LaneOpen { name, kind, .. } => Kind::LaneOpen { name: string(name), kind },
            ItemKind::LaneClose => Kind::LaneClose,
            ItemKind::Open { span, parent, callsite: at, fields: of } => {
                Kind::Open { span, parent, callsite: callsite(at), fields: fields(of) }
            }
            ItemKind::Enter { span } => Kind::Enter { span },
            ItemKind::Exit { span } => Kind::Exit { span },
            ItemKind::Close { span } => Kind::Close { span },
            ItemKind::Record { span, fields: of } => Kind::Record { span, fields: fields(of) },
            ItemKind::Note { span, callsite: at, fields: of } => {
                Kind::Note { span, callsite: callsite(at), fields: fields(of) }
            }
            ItemKind::Switch { to, reason } => Kind::Switch { to, reason: reason.map(string) },
            ItemKind::Wake { to, reason } => Kind::Wake { to, reason: reason.map(string) },
            ItemKind::Hold { span, edge, is_shown } => Kind::Hold { span, edge, is_shown },
            ItemKind::Release { span, edge } => Kind::Release { span, edge },
            ItemKind::Dropped { count } => Kind::Dropped { count },
        };
        Event { seq, time: item.time, thread: self.threads[item.thread as usize].clone(), lane: item.lane, kind }
    }
}

/// Whether a definition is the next of its table. If not, it is known already, or of no chunk.
fn is_next<T>(table: &[T], number: u64) -> Result<bool, Corrupt> {
    let length = table.len() as u64;
    if number > length { Err(Corrupt) } else { Ok(number == length) }
}
