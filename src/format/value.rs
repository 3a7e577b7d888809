//! Values of fields as JSON.

use std::collections::{HashMap, HashSet};

use serde::ser::{Serialize, Serializer};

use crate::trace::{Field, Value};

/// Fields as an object: of a name that was recorded again the last value.
pub(super) struct Object<'a>(pub(super) &'a [Field]);

impl Object<'_> {
    /// Each name where it was recorded first, with the value that it was given last.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, Scalar<'_>)> {
        let fields = self.0;
        // Of many the names are looked up, of few they are looked for.
        let last =
            (fields.len() > FEW).then(|| fields.iter().map(|field| (&*field.name, field)).collect::<HashMap<_, _>>());
        let mut told: HashSet<&str> = HashSet::new();
        fields.iter().enumerate().filter_map(move |(at, field)| {
            let name = &*field.name;
            let (is_first, latest) = match &last {
                Some(last) => (told.insert(name), last.get(name).copied()),
                None => {
                    let is_first = fields[..at].iter().all(|before| before.name != field.name);
                    (is_first, fields.iter().rfind(|other| other.name == field.name))
                }
            };
            is_first.then(|| (name, Scalar(&latest.unwrap_or(field).value)))
        })
    }
}

/// Fields of which each is looked for among those before it.
const FEW: usize = 16;

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.entries())
    }
}

/// A value.
pub(super) struct Scalar<'a>(&'a Value);

/// Whole numbers beyond 64 bits and floats that are no numbers become text: JSON has no room for them.
impl Serialize for Scalar<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => to.serialize_bool(*value),
            Value::I64(value) => to.serialize_i64(*value),
            Value::U64(value) => to.serialize_u64(*value),
            Value::I128(value) => match i64::try_from(*value) {
                Ok(value) => to.serialize_i64(value),
                Err(_) => to.collect_str(value),
            },
            Value::U128(value) => match u64::try_from(*value) {
                Ok(value) => to.serialize_u64(value),
                Err(_) => to.collect_str(value),
            },
            Value::F64(value) if value.is_finite() => to.serialize_f64(*value),
            Value::F64(value) => to.collect_str(value),
            Value::Str(text) => to.serialize_str(text),
            Value::Span(span) => to.serialize_u64(span.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json};

    use super::*;

    /// What a map of them would be.
    fn object(fields: &[Field]) -> Json {
        let json = |value: &Value| match value {
            Value::Bool(value) => Json::from(*value),
            Value::I64(value) => Json::from(*value),
            Value::U64(value) => Json::from(*value),
            Value::I128(value) => i64::try_from(*value).map_or_else(|_| Json::from(value.to_string()), Json::from),
            Value::U128(value) => u64::try_from(*value).map_or_else(|_| Json::from(value.to_string()), Json::from),
            Value::F64(value) if value.is_finite() => Json::from(*value),
            value => Json::from(value.to_string()),
        };
        let pairs = fields.iter().map(|field| (field.name.to_string(), json(&field.value)));
        Json::Object(pairs.collect::<Map<_, _>>())
    }

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
