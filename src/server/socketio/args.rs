//! What an event carries: any number of arguments, of any JSON, with binary attachments in any place.
//!
//! ```text
//!   42["message","hi",{"n":1}]                                  an event's packet: name, then arguments
//!   451-["file",{"_placeholder":true,"num":0}]  ◄ attachment    binary is a frame of its own
//! ```
//!
//! They stay text until a handler asks for values: an answer with the same arguments is a copy.

use std::collections::VecDeque;

use bytes::Bytes;
use engineioxide_core::Str;
use serde::{Deserialize, Serialize};
use socketioxide_core::Value;
use socketioxide_core::parser::{Parse as _, ParserError};
use socketioxide_parser_common::CommonParser;

/// Bytes of arguments that are told to whoever watches.
const TOLD: usize = 96;

/// Names that are a protocol's own and not a client's to use (socket.io-parser, `RESERVED_EVENTS`).
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// The arguments of an event or of an ack.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// A JSON array.
    json: Str,
    attachments: VecDeque<Bytes>,
}

/// A value that cannot be written or read as arguments.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ArgsError(#[from] ParserError);

impl Default for Args {
    /// None.
    fn default() -> Self {
        Self { json: Str::from("[]"), attachments: VecDeque::new() }
    }
}

impl Args {
    /// Any value as arguments: the parts of a tuple or of an array `[T; N]` are one argument each, another value is the only
    /// one. Binary is [`bytes::Bytes`].
    ///
    /// # Errors
    /// If the value cannot be JSON.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, ArgsError> {
        Ok(Self::from_value(CommonParser.encode_value(value, None)?))
    }

    /// The arguments as values: a tuple takes as many as it has parts, another type the first.
    ///
    /// # Errors
    /// If they are not of that type.
    pub fn get<T: for<'de> Deserialize<'de>>(&self) -> Result<T, ArgsError> {
        let mut value = Value::Str(self.json.clone(), Some(self.attachments.clone()));
        Ok(CommonParser.decode_value(&mut value, false)?)
    }

    /// The first argument, and the others.
    ///
    /// # Errors
    /// If there is none.
    pub fn split_first(&self) -> Result<(Self, Self), ArgsError> {
        let mut parts: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(&self.json).map_err(ParserError::new)?;
        if parts.is_empty() {
            return Err(ParserError::new(std::io::Error::other("there is no argument")).into());
        }
        let rest = parts.split_off(1);
        let join = |parts: &[&serde_json::value::RawValue]| {
            let parts: Vec<&str> = parts.iter().map(|part| part.get()).collect();
            Self { json: format!("[{}]", parts.join(",")).into(), attachments: self.attachments.clone() }
        };
        Ok((join(&parts), join(&rest)))
    }

    /// How many bytes they have on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// How many attachments there are.
    #[must_use]
    pub fn attachments(&self) -> usize {
        self.attachments.len()
    }

    /// The beginning of them, for whoever watches.
    #[must_use]
    pub fn told(&self) -> &str {
        let end = (0..=TOLD.min(self.json.len())).rev().find(|end| self.json.is_char_boundary(*end));
        self.json.as_str().get(..end.unwrap_or_default()).unwrap_or_default()
    }

    pub(super) fn from_value(value: Value) -> Self {
        match value {
            Value::Str(json, attachments) => Self { json, attachments: attachments.unwrap_or_default() },
            Value::Bytes(_) => Self::default(),
        }
    }

    /// The arguments as an ack carries them.
    pub(super) fn into_value(self) -> Value {
        Value::Str(self.json, (!self.attachments.is_empty()).then_some(self.attachments))
    }

    /// The arguments as an event of that name carries them.
    pub(super) fn with_event(&self, event: &str) -> Value {
        let mut json = String::with_capacity(self.json.len() + event.len() + 4);
        json.push('[');
        push_string(&mut json, event);
        let arguments = self.json.as_str().get(1..).unwrap_or("]");
        if arguments.trim_start() != "]" {
            json.push(',');
        }
        json.push_str(arguments);
        let attachments = (!self.attachments.is_empty()).then(|| self.attachments.clone());
        Value::Str(json.into(), attachments)
    }

    /// The name and the arguments of an event's packet. `None` if it is not an array that begins with a name.
    pub(super) fn of_event(value: Value) -> Option<(String, Self)> {
        let Self { json, attachments } = Self::checked(value)?;
        let inside = json.as_str().get(1..)?;
        let mut names = serde_json::Deserializer::from_str(inside).into_iter::<serde_json::Value>();
        // In JavaScript a name may be a number.
        let name = match names.next()?.ok()? {
            serde_json::Value::String(name) if !RESERVED.contains(&&*name) => name,
            serde_json::Value::Number(name) => name.to_string(),
            _ => return None,
        };
        let rest = inside.get(names.byte_offset()..)?.trim_start();
        let rest = rest.strip_prefix(',').unwrap_or(rest);
        Some((name, Self { json: ["[", rest].concat().into(), attachments }))
    }

    /// The arguments of an ack's packet. `None` if they are not an array.
    pub(super) fn checked(value: Value) -> Option<Self> {
        let args = Self::from_value(value);
        // The parser leaves the text as it came.
        let is_array = args.json.as_bytes().first() == Some(&b'[');
        let is_whole = if args.attachments.is_empty() {
            is_json(&args.json)
        } else {
            let json: Option<serde_json::Value> = serde_json::from_str(&args.json).ok();
            json.is_some_and(|json| has_its_attachments(&json, args.attachments.len()))
        };
        (is_array && is_whole).then_some(args)
    }
}

/// Writes a text as JSON.
fn push_string(json: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
        return;
    }
    // As it is, like almost all.
    json.push('"');
    json.push_str(text);
    json.push('"');
}

/// Whether a text is JSON, and nothing else.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether every `{"_placeholder":true,"num":0}` in a value names one of so many attachments.
fn has_its_attachments(json: &serde_json::Value, count: usize) -> bool {
    match json {
        serde_json::Value::Object(map) if map.get("_placeholder") == Some(&true.into()) => {
            let number = map.get("num").and_then(serde_json::Value::as_u64);
            number.is_some_and(|number| number < count as u64)
        }
        serde_json::Value::Object(map) => map.values().all(|value| has_its_attachments(value, count)),
        serde_json::Value::Array(values) => values.iter().all(|value| has_its_attachments(value, count)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Value {
        Value::Str(json.to_owned().into(), None)
    }

    #[track_caller]
    fn check(packet: &str, expected: Option<(&str, &str)>) {
        let event = Args::of_event(text(packet));
        let event = event.as_ref().map(|(name, args)| (&**name, &*args.json));
        assert_eq!(event, expected, "{packet}");
        if let Some((name, _)) = expected {
            let (_, args) = Args::of_event(text(packet)).unwrap();
            let Value::Str(again, _) = args.with_event(name) else { panic!("text") };
            let parse = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
            assert_eq!(parse(&again), parse(packet));
        }
    }

    #[test]
    fn an_event_is_a_name_and_arguments() {
        check(r#"["message"]"#, Some(("message", "[]")));
        check(r#"["message","hi"]"#, Some(("message", r#"["hi"]"#)));
        check(r#"[ "message" , 1, {"a":[2]} ]"#, Some(("message", r#"[ 1, {"a":[2]} ]"#)));
        check(r#"["m\"\u00e9",[]]"#, Some(("m\"é", "[[]]")));
        for wrong in
            ["", "{}", "[]", "[{}]", r#"["a""#, r#"["a",]"#, r#"["a"] x"#, r#"["a" "b"]"#, r#"["connect"]"#, "[null]"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn values_go_in_and_come_out() {
        let args = Args::of(&("hi", 3, Bytes::from_static(b"\x01\x02"))).unwrap();
        assert_eq!(args.attachments(), 1);
        let (text, number, bytes): (String, u8, Bytes) = args.get().unwrap();
        assert_eq!((&*text, number, &*bytes), ("hi", 3, &b"\x01\x02"[..]));
        assert_eq!(args.get::<String>().unwrap(), "hi");
        assert!(args.get::<(u8,)>().is_err());
        assert_eq!(&*Args::of(&serde_json::json!({"a": 1})).unwrap().json, r#"[{"a":1}]"#);
    }

    #[test]
    fn what_is_told_is_cut_between_characters() {
        let args = Args::of(&"é".repeat(100)).unwrap();
        assert!(args.told().len() <= TOLD && args.told().ends_with('é'));
    }
}
