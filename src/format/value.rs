//! Values of fields as JSON.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
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

/// Fields as an object, written as they are: what [`object`] makes, without making it.
pub(super) struct Object<'a>(pub(super) &'a [Field]);

/// Fields of which each is looked for among those before it.
const FEW: usize = 16;

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let fields = self.0;
        if fields.len() > FEW {
            return object(fields).serialize(to);
        }
        let mut map = to.serialize_map(None)?;
        for (at, field) in fields.iter().enumerate() {
            if fields[..at].iter().all(|before| before.name != field.name) {
                let last = fields.iter().rfind(|other| other.name == field.name).unwrap_or(field);
                map.serialize_entry(&*field.name, &Scalar(&last.value))?;
            }
        }
        map.end()
    }
}

struct Scalar<'a>(&'a Value);

impl Serialize for Scalar<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => to.serialize_bool(*value),
            Value::I64(value) => to.serialize_i64(*value),
            Value::U64(value) => to.serialize_u64(*value),
            Value::Str(text) => to.serialize_str(text),
            other => json(other).serialize(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::I64),
            any::<u64>().prop_map(Value::U64),
            any::<i128>().prop_map(Value::I128),
            any::<u128>().prop_map(Value::U128),
            any::<f64>().prop_map(Value::F64),
            ".{0,4}".prop_map(|text| Value::from(text.as_str())),
        ]
    }

    proptest! {
        #[test]
        fn fields_are_written_as_the_object_they_make(
            fields in prop::collection::vec(("[a-d\"]{1,2}", value()), 0..24),
        ) {
            let fields: Vec<Field> =
                fields.into_iter().map(|(name, value)| Field { name: name.as_str().into(), value }).collect();
            prop_assert_eq!(serde_json::to_string(&Object(&fields)).ok(), Some(object(&fields).to_string()));
        }
    }
}
