//! Field values as `tracing` hands them over, made into the log's own.

use std::fmt::Debug;
use std::sync::Arc;

use tracing_core::field::{Field as TracingField, Visit};

use crate::trace::{Field, Value};

/// Longest text of one field that is kept, in bytes; the cut is marked with `…`.
const LONGEST_TEXT: usize = 64 * 1024;

/// The fields of one span or event.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<Field>);

impl Fields {
    fn add(&mut self, field: &TracingField, value: Value) {
        self.0.push(Field { name: field.name().into(), value });
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<Arc<str>> {
        self.0.iter().find(|field| &*field.name == name).map(|field| match &field.value {
            Value::Str(text) => text.clone(),
            other => other.to_string().into(),
        })
    }
}

fn cut(text: &str) -> Value {
    if text.len() <= LONGEST_TEXT {
        return Value::from(text);
    }
    let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    Value::Str(format!("{}…", &text[..end]).into())
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &TracingField, value: bool) {
        self.add(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &TracingField, value: i64) {
        self.add(field, Value::I64(value));
    }

    fn record_u64(&mut self, field: &TracingField, value: u64) {
        self.add(field, Value::U64(value));
    }

    fn record_i128(&mut self, field: &TracingField, value: i128) {
        self.add(field, Value::I128(value));
    }

    fn record_u128(&mut self, field: &TracingField, value: u128) {
        self.add(field, Value::U128(value));
    }

    fn record_f64(&mut self, field: &TracingField, value: f64) {
        self.add(field, Value::F64(value));
    }

    fn record_str(&mut self, field: &TracingField, value: &str) {
        self.add(field, cut(value));
    }

    fn record_debug(&mut self, field: &TracingField, value: &dyn Debug) {
        self.add(field, cut(&format!("{value:?}")));
    }
}
