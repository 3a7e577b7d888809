//! What is known of a callsite: its names, and which of its fields mean something to the log.

use std::sync::Arc;

use super::super::callsites;
use super::super::words::Read;
use crate::trace::{Callsite, Packer, Seq, Value, ValueRef};

/// A callsite, with where its fields of special meaning are.
pub(super) struct Known {
    pub(super) callsite: Arc<Callsite>,
    pub(super) names: Vec<Arc<str>>,
    /// Its number and those of its names in the chunk that begins here.
    pub(super) number: u32,
    pub(super) numbers: Vec<u32>,
    pub(super) chunk: Option<Seq>,
    pub(super) lane: Option<usize>,
    reason: Option<usize>,
    /// What it told last: most tell the same each time.
    told: Option<Arc<str>>,
    pub(super) blocks: Option<usize>,
    pub(super) opens_lane: Option<usize>,
    pub(super) task: Option<usize>,
    pub(super) wakes: Option<usize>,
    /// It has one of them that matters to a span.
    pub(super) is_special: bool,
}

impl Known {
    pub(super) fn new(number: u32) -> Option<Self> {
        let metadata = callsites::metadata(number)?;
        let index = |name: &str| metadata.fields().field(name).map(|field| field.index());
        let is_special = ["lane", "reason", "blocks"].into_iter().any(|name| index(name).is_some());
        Some(Self {
            is_special,
            number: 0,
            numbers: Vec::new(),
            chunk: None,
            callsite: Arc::new(callsites::callsite(metadata)),
            names: metadata.fields().iter().map(|field| field.name().into()).collect(),
            lane: index("lane"),
            reason: index("reason"),
            told: None,
            blocks: index("blocks"),
            opens_lane: index("opens_lane"),
            task: index("task"),
            wakes: index("wakes"),
        })
    }

    /// Has numbers in the growing chunk from now on.
    #[inline]
    pub(super) fn define(&mut self, packer: &mut Packer) {
        if self.chunk != Some(packer.first()) {
            self.number = packer.define(&self.callsite, self.names.iter(), &mut self.numbers);
            self.chunk = Some(packer.first());
        }
    }

    /// The reason, if a record tells one.
    pub(super) fn reason(&mut self, fields: &[(usize, Read)], texts: &str) -> Option<Arc<str>> {
        let value = value(fields, texts, self.reason)?;
        if let (ValueRef::Str(text), Some(told)) = (value, &self.told)
            && **told == *text
        {
            return Some(told.clone());
        }
        self.told = Some(as_text(value));
        self.told.clone()
    }
}

/// The text of a field, if the callsite has it and the record sets it.
pub(super) fn text(fields: &[(usize, Read)], texts: &str, index: Option<usize>) -> Option<Arc<str>> {
    value(fields, texts, index).map(as_text)
}

fn value<'a>(fields: &[(usize, Read)], texts: &'a str, index: Option<usize>) -> Option<ValueRef<'a>> {
    let index = index?;
    fields.iter().rev().find(|(at, _)| *at == index).map(|(_, value)| value.value(texts))
}

fn as_text(value: ValueRef<'_>) -> Arc<str> {
    match value {
        ValueRef::Str(text) => text.into(),
        other => Value::from(other).to_string().into(),
    }
}
