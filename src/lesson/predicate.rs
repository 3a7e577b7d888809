//! The closed language of claims.
//!
//! ```text
//!   order a < b     a happened before b; end(a) is the end of a's call
//!   inside a b      every call of a is inside a call of b, at any depth
//!   lane a = x      every call of a is on lane x; worker-* is any lane that begins so
//!   never a on x    no call of a is on lane x
//!   count a = n     a was called n times
//!   field a.f = v   field f of every call of a has the value v
//! ```
//!
//! `a` and `b` are step ids. What a predicate means for a log is said in [`evaluate`](super::evaluate()).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Something that is true of a run or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Predicate {
    /// `order a < b`
    Order {
        /// What comes first.
        first: Moment,
        /// What comes later.
        then: Moment,
    },
    /// `inside a b`
    Inside {
        /// The step of the inner call.
        inner: String,
        /// The step of a call around it.
        outer: String,
    },
    /// `lane a = x`
    Lane {
        /// The step.
        step: String,
        /// Where all its calls are.
        lane: LanePattern,
    },
    /// `never a on x`
    Never {
        /// The step.
        step: String,
        /// Where none of its calls is.
        lane: LanePattern,
    },
    /// `count a = n`
    Count {
        /// The step.
        step: String,
        /// How often it is called.
        count: u64,
    },
    /// `field a.f = v`
    Field {
        /// The step.
        step: String,
        /// The field of its span.
        field: String,
        /// The value as it is printed.
        value: String,
    },
}

/// An instant of a step: the first enter of its first call, or the end of that call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The step.
    pub step: String,
    /// The end of the call, not its beginning.
    pub is_end: bool,
}

/// A lane's name, or the beginning of one followed by `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LanePattern(String);

/// A predicate that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PredicateError {
    /// The first word is none of ours.
    #[error(
        "unknown predicate `{0}`; expected `order a < b`, `inside a b`, `lane a = x`, `never a on x`, `count a = n` or \
         `field a.f = v`"
    )]
    Word(String),
    /// The words after the first are not what they should be.
    #[error("cannot read the predicate `{text}`; expected `{form}`")]
    Form {
        /// The predicate.
        text: String,
        /// How one of its kind is written.
        form: &'static str,
    },
    /// A name is not written as it should be.
    #[error("`{name}` is no {what}; expected {expected}")]
    Name {
        /// The name.
        name: String,
        /// What stands there.
        what: &'static str,
        /// How such a name is written.
        expected: &'static str,
    },
}

impl Predicate {
    /// The steps it speaks of.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        let (one, other) = match self {
            Self::Order { first, then } => (&first.step, Some(&then.step)),
            Self::Inside { inner, outer } => (inner, Some(outer)),
            Self::Lane { step, .. }
            | Self::Never { step, .. }
            | Self::Count { step, .. }
            | Self::Field { step, .. } => (step, None),
        };
        std::iter::once(one).chain(other).map(String::as_str)
    }
}

impl FromStr for Predicate {
    type Err = PredicateError;

    fn from_str(text: &str) -> Result<Self, PredicateError> {
        let text = text.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let form = |form| PredicateError::Form { text: text.to_owned(), form };
        let sides = |by, expected| {
            let (left, right) = rest.split_once(by).ok_or_else(|| form(expected))?;
            Ok::<_, PredicateError>((left.trim(), right.trim()))
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        match word {
            "order" => {
                let (first, then) = sides('<', "order a < b")?;
                Ok(Self::Order { first: first.parse()?, then: then.parse()? })
            }
            "inside" => match *words {
                [inner, outer] => Ok(Self::Inside { inner: step(inner)?, outer: step(outer)? }),
                _ => Err(form("inside a b")),
            },
            "lane" => {
                let (of, lane) = sides('=', "lane a = x")?;
                Ok(Self::Lane { step: step(of)?, lane: lane.parse()? })
            }
            "never" => match *words {
                [of, "on", lane] => Ok(Self::Never { step: step(of)?, lane: lane.parse()? }),
                _ => Err(form("never a on x")),
            },
            "count" => {
                let (of, count) = sides('=', "count a = n")?;
                let count = count.parse().map_err(|_| form("count a = n"))?;
                Ok(Self::Count { step: step(of)?, count })
            }
            "field" => {
                let (of, value) = sides('=', "field a.f = v")?;
                let (of, field) = of.rsplit_once('.').ok_or_else(|| form("field a.f = v"))?;
                if value.is_empty() || value.contains(char::is_control) {
                    return Err(form("field a.f = v"));
                }
                Ok(Self::Field { step: step(of)?, field: field_name(field)?, value: value.to_owned() })
            }
            _ => Err(PredicateError::Word(word.to_owned())),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { first, then } => write!(f, "order {first} < {then}"),
            Self::Inside { inner, outer } => write!(f, "inside {inner} {outer}"),
            Self::Lane { step, lane } => write!(f, "lane {step} = {lane}"),
            Self::Never { step, lane } => write!(f, "never {step} on {lane}"),
            Self::Count { step, count } => write!(f, "count {step} = {count}"),
            Self::Field { step, field, value } => write!(f, "field {step}.{field} = {value}"),
        }
    }
}

impl FromStr for Moment {
    type Err = PredicateError;

    fn from_str(text: &str) -> Result<Self, PredicateError> {
        let end = text.strip_prefix("end(").and_then(|rest| rest.strip_suffix(')'));
        Ok(Self { step: step(end.map_or(text, str::trim))?, is_end: end.is_some() })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_end { write!(f, "end({})", self.step) } else { f.write_str(&self.step) }
    }
}

impl LanePattern {
    /// Whether a lane of this name is meant.
    #[must_use]
    pub fn matches(&self, lane: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => lane.starts_with(beginning),
            None => lane == self.0,
        }
    }
}

impl FromStr for LanePattern {
    type Err = PredicateError;

    fn from_str(text: &str) -> Result<Self, PredicateError> {
        let name = text.strip_suffix('*').unwrap_or(text);
        let is_name = name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) && !text.is_empty();
        let error = || PredicateError::Name {
            name: text.to_owned(),
            what: "lane",
            expected: "a name such as `hub`, or the beginning of one such as `worker-*`",
        };
        is_name.then(|| Self(text.to_owned())).ok_or_else(error)
    }
}

impl fmt::Display for LanePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step id: words of small letters, digits and `_`, joined by dots.
pub(super) fn step(text: &str) -> Result<String, PredicateError> {
    let error = || PredicateError::Name {
        name: text.to_owned(),
        what: "step id",
        expected: "small letters, digits, `_` and dots, such as `hub.run`",
    };
    text.split('.').all(is_word).then(|| text.to_owned()).ok_or_else(error)
}

fn field_name(text: &str) -> Result<String, PredicateError> {
    let error = || PredicateError::Name {
        name: text.to_owned(),
        what: "field name",
        expected: "small letters, digits and `_`, such as `semaphore_after`",
    };
    is_word(text).then(|| text.to_owned()).ok_or_else(error)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(text.parse::<Predicate>().unwrap().to_string(), expected);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(text.parse::<Predicate>().unwrap_err().to_string(), expected);
    }

    #[test]
    fn predicates_are_read_whatever_their_spacing() {
        check("order end(apply) < hub.run", "order end(apply) < hub.run");
        check(" order  end( apply )<hub.run ", "order end(apply) < hub.run");
        check("inside do_read  worker.run_task", "inside do_read worker.run_task");
        check("lane worker.run_task = worker-*", "lane worker.run_task = worker-*");
        check("never do_read on worker-*", "never do_read on worker-*");
        check("count start_accepting=1", "count start_accepting = 1");
        check("field hub.run.lane = a = b", "field hub.run.lane = a = b");
    }

    #[test]
    fn an_unreadable_predicate_says_what_was_expected() {
        check_error(
            "before a b",
            "unknown predicate `before`; expected `order a < b`, `inside a b`, `lane a = x`, `never a on x`, \
             `count a = n` or `field a.f = v`",
        );
        check_error("order a b", "cannot read the predicate `order a b`; expected `order a < b`");
        check_error("inside a", "cannot read the predicate `inside a`; expected `inside a b`");
        check_error("never a in x", "cannot read the predicate `never a in x`; expected `never a on x`");
        check_error("count a = many", "cannot read the predicate `count a = many`; expected `count a = n`");
        check_error("field a = 1", "cannot read the predicate `field a = 1`; expected `field a.f = v`");
        check_error("field a.f =", "cannot read the predicate `field a.f =`; expected `field a.f = v`");
        check_error(
            "order Hub.run < a",
            "`Hub.run` is no step id; expected small letters, digits, `_` and dots, such as `hub.run`",
        );
        check_error(
            "lane a = two words",
            "`two words` is no lane; expected a name such as `hub`, or the beginning of one such as `worker-*`",
        );
    }

    #[test]
    fn a_star_stands_for_the_rest_of_a_lanes_name() {
        let any: LanePattern = "worker-*".parse().unwrap();
        assert!(any.matches("worker-1") && any.matches("worker-12") && !any.matches("hub"));
        let one: LanePattern = "conn-1".parse().unwrap();
        assert!(one.matches("conn-1") && !one.matches("conn-12"));
    }

    fn any_predicate() -> impl Strategy<Value = Predicate> {
        let step = || "[a-z0-9_]{1,6}(\\.[a-z0-9_]{1,6}){0,2}";
        let lane = || "[a-z]{1,6}(-[0-9]{1,2}|-\\*)?".prop_map(LanePattern);
        let moment = || (step(), any::<bool>()).prop_map(|(step, is_end)| Moment { step, is_end });
        prop_oneof![
            (moment(), moment()).prop_map(|(first, then)| Predicate::Order { first, then }),
            (step(), step()).prop_map(|(inner, outer)| Predicate::Inside { inner, outer }),
            (step(), lane()).prop_map(|(step, lane)| Predicate::Lane { step, lane }),
            (step(), lane()).prop_map(|(step, lane)| Predicate::Never { step, lane }),
            (step(), any::<u64>()).prop_map(|(step, count)| Predicate::Count { step, count }),
            (step(), "[a-z_]{1,8}", "[!-~]([ -~]{0,12}[!-~])?").prop_map(|(step, field, value)| Predicate::Field {
                step,
                field,
                value
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_the_same(predicate in any_predicate()) {
            prop_assert_eq!(predicate.to_string().parse::<Predicate>().unwrap(), predicate);
        }
    }
}
