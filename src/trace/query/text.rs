//! Queries as text: read, with errors that say what to write, and printed so that they read the same again.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Order, Query, Span, Test, Text, Word, finite};
use crate::trace::Time;

/// Why a text is no query. Names the word and says what to write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum QueryError {
    #[error(
        "`{0}`: there is no `{1}`; ask for name target lane file field.NAME dur self open, or quote a name: \"{0}\""
    )]
    Key(String, String),
    #[error("`{0}` wants a value behind it, such as {0}{1}")]
    NoValue(String, &'static str),
    #[error("`{0}`: {1}, as in {2}")]
    Operator(String, &'static str, &'static str),
    #[error("`{0}`: write a number and its unit, such as dur>12.3us, dur>1.9ms or dur>2s")]
    Time(String),
    #[error("`{0}`: `{1}` is no number; < and > compare numbers, : and = also words")]
    Number(String, String),
    #[error("`{0}` has no closing quote; write {0}\"")]
    Quote(String),
    #[error("`{0}` stands alone; write it before a word, as in {0}name:spawn")]
    Not(char),
    #[error("`{0}`: `open:` takes no value; write open: or !open:")]
    Open(String),
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (word, after) = read_word(rest)?;
            words.push(word);
            rest = after.trim_start();
        }
        Ok(Self { words })
    }
}

/// One word, and what follows it.
fn read_word(text: &str) -> Result<(Word, &str), QueryError> {
    if let Some(mark @ ('!' | '-')) = text.chars().next() {
        let after = &text[1..];
        if after.is_empty() || after.starts_with(char::is_whitespace) {
            return Err(QueryError::Not(mark));
        }
        let (word, rest) = read_word(after)?;
        return Ok((Word { is_not: !word.is_not, ..word }, rest));
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | ':' | '=' | '<' | '>')).unwrap_or(text.len());
    let (mut key, rest) = text.split_at(end);
    let operators = [":", "!=", "=", "<=", ">=", "<", ">"];
    let mut found = operators.iter().find(|sign| rest.starts_with(**sign)).copied();
    let mut is_not = false;
    if let (Some("="), Some(shorter)) = (found, key.strip_suffix('!')) {
        (key, is_not) = (shorter, true);
    }
    if rest.starts_with('"') && key.is_empty() {
        found = None;
    }
    let Some(sign) = found else {
        // A bare word is part of a name; quotes may stand around it.
        let (wanted, _, rest) = read_value(text, text)?;
        let test = Test::Text { of: Text::Name, is_whole: false, wanted };
        return Ok((Word { is_not: false, test }, rest));
    };
    let (value, is_quoted, after) = read_value(&rest[sign.len()..], text)?;
    let shown = text[..text.len() - after.len()].to_owned();
    let test = test(key, sign, value, is_quoted, shown)?;
    Ok((Word { is_not, test }, after))
}

fn test(key: &str, sign: &str, value: String, is_quoted: bool, shown: String) -> Result<Test, QueryError> {
    let order = Order::ALL.iter().find(|entry| entry.0 == sign).map(|entry| entry.1);
    let is_whole = sign == "=";
    let text = |of, example: &'static str| {
        if order.is_some() {
            Err(QueryError::Operator(shown.clone(), "a text is compared with : or =", example))
        } else if value.is_empty() && !is_quoted {
            Err(QueryError::NoValue(shown.clone(), example.split_once(':').map_or("", |parts| parts.1)))
        } else {
            Ok(Test::Text { of, is_whole, wanted: value.clone() })
        }
    };
    match key {
        "name" => text(Text::Name, "name:spawn"),
        "target" => text(Text::Target, "target:server::hub"),
        "lane" => text(Text::Lane, "lane:hub"),
        "file" => text(Text::File, "file:hub.rs"),
        "dur" | "self" => {
            let Some(order) = order else {
                return Err(QueryError::Operator(shown, "a time is compared with < <= > >=", "dur>1ms"));
            };
            let than: Time = value.parse().map_err(|_| QueryError::Time(shown))?;
            Ok(Test::Time { of: if key == "self" { Span::Own } else { Span::Whole }, order, than: than.0 })
        }
        "open" if sign == ":" && value.is_empty() => Ok(Test::Open),
        "open" => Err(QueryError::Open(shown)),
        _ => {
            let Some(name) = key.strip_prefix("field.").filter(|name| !name.is_empty()) else {
                return Err(QueryError::Key(shown, key.to_owned()));
            };
            let name = name.to_owned();
            match order {
                None => Ok(Test::Field { name, is_whole, wanted: value }),
                Some(order) => match finite(&value) {
                    Some(than) => Ok(Test::Number { name, order, than }),
                    None => Err(QueryError::Number(shown, value)),
                },
            }
        }
    }
}

/// A value up to the next blank, or a quoted one; whether it was quoted; what follows.
fn read_value<'a>(text: &'a str, word: &str) -> Result<(String, bool, &'a str), QueryError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Ok((text[..end].to_owned(), false, &text[end..]));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, true, &quoted[at + 1..])),
            '\\' => value.extend(letters.next().map(|next| next.1)),
            letter => value.push(letter),
        }
    }
    Err(QueryError::Quote(word.to_owned()))
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.words.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            write!(f, "{blank}{word}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_not { "!" } else { "" }, self.test)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = |is_whole: bool| if is_whole { '=' } else { ':' };
        match self {
            // The commonest is the shortest, where it cannot be read as something else.
            Self::Text { of: Text::Name, is_whole: false, wanted } => {
                let is_bare = !wanted.is_empty()
                    && !wanted.starts_with(['!', '-'])
                    && !wanted.contains(|c: char| c.is_whitespace() || "\":=<>#".contains(c));
                if is_bare { f.write_str(wanted) } else { write!(f, "\"{}\"", escaped(wanted)) }
            }
            Self::Text { of, is_whole, wanted } => {
                let key = match of {
                    Text::Name => "name",
                    Text::Target => "target",
                    Text::Lane => "lane",
                    Text::File => "file",
                };
                write!(f, "{key}{}{}", sign(*is_whole), quoted(wanted))
            }
            Self::Field { name, is_whole: false, wanted } if wanted.is_empty() => write!(f, "field.{name}:"),
            Self::Field { name, is_whole, wanted } => write!(f, "field.{name}{}{}", sign(*is_whole), quoted(wanted)),
            Self::Number { name, order, than } => write!(f, "field.{name}{}{than}", order.sign()),
            Self::Time { of, order, than } => {
                let key = if *of == Span::Own { "self" } else { "dur" };
                write!(f, "{key}{}{}", order.sign(), exact(*than))
            }
            Self::Open => f.write_str("open:"),
        }
    }
}

/// A duration without rounding.
fn exact(ns: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let fits = units.iter().find(|(unit, _)| ns > 0 && ns.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{ns}ns"), |(unit, name)| format!("{}{name}", ns / unit))
}

fn quoted(text: &str) -> String {
    // Behind a `#` a breakpoint has its rule.
    let is_plain =
        !text.is_empty() && !text.starts_with('"') && !text.contains(|c: char| c.is_whitespace() || c == '#');
    if is_plain { text.to_owned() } else { format!("\"{}\"", escaped(text)) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
