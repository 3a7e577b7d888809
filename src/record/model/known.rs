//! What is known of a callsite: its names, and which of its fields mean something to the log.

use std::sync::Arc;

use super::super::callsites;
use super::super::words::Read;
use crate::trace::{Callsite, Seq, Value, ValueRef};

/// A callsite, with where its fields of special meaning are.
pub(super) struct Known {
    pub(super) callsite: Arc<Callsite>,
    pub(super) names: Vec<Arc<str>>,
    /// Its number and those of its names in the chunk that begins here.
    pub(super) number: u32,
    pub(super) numbers: Vec<u32>,
    pub(super) chunk: Option<Seq>,
    pub(super) lane: Option<usize>,
    pub(super) reason: Option<usize>,
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
            blocks: index("blocks"),
            opens_lane: index("opens_lane"),
            task: index("task"),
            wakes: index("wakes"),
        })
    }
}

/// The text of a field, if the callsite has it and the record sets it.
pub(super) fn text(fields: &[(usize, Read)], texts: &str, index: Option<usize>) -> Option<Arc<str>> {
    let index = index?;
    let (_, value) = fields.iter().rev().find(|(at, _)| *at == index)?;
    Some(match value.value(texts) {
        ValueRef::Str(text) => text.into(),
        other => Value::from(other).to_string().into(),
    })
}
