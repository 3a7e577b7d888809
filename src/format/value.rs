//! Values of fields as JSON.

use serde_json::{Map, Value as Json};

use crate::trace::{Field, Value};

/// Fields as an object: of a name that was recorded again the last value.
pub(super) fn object(fields: &[Field]) -> Json {
    let pairs = fields.iter().map(|field| (field.name.to_string(), json(&field.value)));
    Json::Object(pairs.collect::<Map<_, _>>())
}

/// Whole numbers beyond 64 bits and floats that are no numbers become text: JSON has no room for them.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::I64(value) => Json::from(*value),
        Value::U64(value) => Json::from(*value),
        Value::I128(value) => i64::try_from(*value).map_or_else(|_| Json::from(value.to_string()), Json::from),
        Value::U128(value) => u64::try_from(*value).map_or_else(|_| Json::from(value.to_string()), Json::from),
        Value::F64(value) => {
            serde_json::Number::from_f64(*value).map_or_else(|| Json::from(value.to_string()), Json::Number)
        }
        Value::Str(text) => Json::from(&**text),
        Value::Span(span) => Json::from(span.0),
    }
}
