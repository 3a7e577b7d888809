//! Where a run is to stop, by itself.
//!
//! ```text
//!   step:spawn  step:14        a documented call, by its id or number
//!   name:spawn  target:server::hub  lane:conn  file:hub.rs  field.size>4096  !word     as in a search
//!   … #3   #3+   #%3           at the third hit only; from the third on; at every third
//! ```
//!
//! A hit is a call that begins: it is entered for the first time, and all words hold. What is not known then (`dur`,
//! `self`, `open:`) is refused; a field counts with what it was until then. Whoever stops there, and counts, is
//! `record`'s gate or, in a recording, [`Hits`](super::Hits).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{BreakpointId, Callsite, Candidate, Chain, ChainStep, Query, QueryError, StepError};

/// A place where a run stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakpoint {
    /// Its number, which no other ever gets.
    pub id: BreakpointId,
    /// At which calls.
    pub condition: Condition,
    /// At which of its hits.
    pub rule: HitRule,
    /// Those that are off neither stop nor count.
    pub is_on: bool,
}

/// At which calls a run stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    step: Option<ChainStep>,
    query: Query,
}

/// At which of its hits a breakpoint stops, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HitRule {
    /// At each.
    #[default]
    Every,
    /// At this one alone.
    At(u64),
    /// At this one and all that follow.
    From(u64),
    /// At each whose number is a multiple of this.
    Multiple(u64),
}

/// Why a text is no breakpoint. Names the word and says what to write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum BreakError {
    #[error("say where to stop: step:spawn, name:spawn, target:server::hub or field.size>4096; #3 is the third hit")]
    Nothing,
    #[error(
        "`{0}` is not known yet when a call begins, which is where a breakpoint stops; ask for step name target lane \
         file field.NAME, or search for it"
    )]
    Late(String),
    #[error("`{0}`: there is no `{1}`; stop by step name target lane file field.NAME, or quote a name: \"{0}\"")]
    Key(String, String),
    #[error(
        "`#{0}`: write #3 (the third hit), #3+ (from the third on) or #%3 (every third); quote a text that has a #"
    )]
    Hits(String),
    #[error("no call is two steps: set a breakpoint for `step:{0}` and one for `step:{1}`")]
    TwoSteps(String, String),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Query(QueryError),
}

impl Condition {
    /// At this call: as a step if it is one, else by its name and target.
    #[must_use]
    pub fn of(callsite: &Callsite, chain: &Chain) -> Self {
        match chain.step_of(callsite) {
            Some(at) => Self::of_step(&chain.steps()[at]),
            None => Self { step: None, query: Query::of(callsite) },
        }
    }

    /// At this step.
    #[must_use]
    pub fn of_step(step: &ChainStep) -> Self {
        Self { step: Some(step.clone()), query: Query::default() }
    }

    /// What a person has typed: words, and at the end a rule for its hits if there is one.
    ///
    /// # Errors
    /// If it is nothing that is known when a call begins.
    pub fn parse(text: &str, chain: &Chain) -> Result<(Self, HitRule), BreakError> {
        let (text, rule) = take_rule(text)?;
        let (mut step, mut rest) = (None::<ChainStep>, String::new());
        for word in words(text) {
            let Some(name) = word.strip_prefix("step:").or_else(|| word.strip_prefix("step=")) else {
                rest.push_str(word);
                rest.push(' ');
                continue;
            };
            let found = &chain.steps()[chain.called(name)?];
            if let Some(other) = step.replace(found.clone()) {
                return Err(BreakError::TwoSteps(other.id, found.id.clone()));
            }
        }
        let query: Query = rest.parse().map_err(|error| match error {
            QueryError::Key(word, key) => BreakError::Key(word, key),
            error => BreakError::Query(error),
        })?;
        if let Some(word) = query.known_late() {
            return Err(BreakError::Late(word));
        }
        if step.is_none() && query.is_empty() {
            return Err(BreakError::Nothing);
        }
        Ok((Self { step, query }, rule))
    }

    /// Whether a call that begins is one.
    #[must_use]
    pub fn matches(&self, call: &Candidate<'_>) -> bool {
        self.step.as_ref().is_none_or(|step| step.key.matches(call.callsite)) && self.query.matches(call)
    }

    /// Whether calls of this callsite can be, in whichever lane and with whatever fields.
    #[must_use]
    pub fn allows(&self, callsite: &Callsite) -> bool {
        self.step.as_ref().is_none_or(|step| step.key.matches(callsite)) && self.query.allows_callsite(callsite)
    }

    /// Whether it says which call it means, not only in which lane or with which fields.
    #[must_use]
    pub fn names_call(&self) -> bool {
        self.step.is_some() || self.query.names_call()
    }

    /// Whether it asks for fields.
    #[must_use]
    pub fn wants_fields(&self) -> bool {
        self.query.wants_fields()
    }
}

/// Takes the rule off the end of a text.
fn take_rule(text: &str) -> Result<(&str, HitRule), BreakError> {
    let text = text.trim();
    let last = text.rfind(char::is_whitespace).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    match text[last..].rfind('#') {
        Some(at) if !text.ends_with('"') && !text[last + at..].contains('"') => {
            let rule = text[last + at + 1..].parse()?;
            Ok((text[..last + at].trim_end(), rule))
        }
        _ => Ok((text, HitRule::Every)),
    }
}

/// The words of a text; a quoted one may have blanks in it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |letter: char| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        !is_quoted && letter.is_whitespace()
    })
    .filter(|word| !word.is_empty())
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) if self.query.is_empty() => write!(f, "step:{}", step.id),
            Some(step) => write!(f, "step:{} {}", step.id, self.query),
            None => self.query.fmt(f),
        }
    }
}

impl HitRule {
    /// Whether it stops at the hit of this number.
    #[must_use]
    pub fn stops_at(self, hit: u64) -> bool {
        match self {
            Self::Every => true,
            Self::At(number) => hit == number,
            Self::From(number) => hit >= number,
            Self::Multiple(number) => hit.is_multiple_of(number),
        }
    }

    /// The first hit that stops, of those after so many.
    pub(super) fn next(self, after: u64) -> Option<u64> {
        let next = after + 1;
        match self {
            Self::Every => Some(next),
            Self::At(number) => (number >= next).then_some(number),
            Self::From(number) => Some(next.max(number)),
            Self::Multiple(number) => Some(next.next_multiple_of(number)),
        }
    }

    /// The last hit that stops, of the first so many.
    pub(super) fn last(self, of: u64) -> Option<u64> {
        let last = match self {
            Self::Every => of,
            Self::At(number) if number > of => 0,
            Self::At(number) => number,
            Self::From(number) if number > of => 0,
            Self::From(_) => of,
            Self::Multiple(number) => of - of % number,
        };
        (last > 0).then_some(last)
    }

    /// In words, such as `from hit 3 on`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Every => "every hit".to_owned(),
            Self::At(number) => format!("hit {number} only"),
            Self::From(number) => format!("from hit {number} on"),
            Self::Multiple(number) => format!("every {number} hits"),
        }
    }
}

impl FromStr for HitRule {
    type Err = BreakError;

    /// Reads what stands behind a `#`: `3`, `3+` or `%3`.
    fn from_str(text: &str) -> Result<Self, BreakError> {
        let number = |digits: &str| {
            let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
            let number = digits.parse::<u64>().ok().filter(|number| is_number && *number > 0);
            number.ok_or_else(|| BreakError::Hits(text.to_owned()))
        };
        Ok(match (text.strip_prefix('%'), text.strip_suffix('+')) {
            (Some("1"), _) | (_, Some("1")) => Self::Every,
            (Some(rest), _) => Self::Multiple(number(rest)?),
            (_, Some(rest)) => Self::From(number(rest)?),
            _ => Self::At(number(text)?),
        })
    }
}

/// `#3`, `#3+`, `#%3`, or nothing for every hit.
impl fmt::Display for HitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => Ok(()),
            Self::At(number) => write!(f, "#{number}"),
            Self::From(number) => write!(f, "#{number}+"),
            Self::Multiple(number) => write!(f, "#%{number}"),
        }
    }
}

/// As it is typed.
impl fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)?;
        if self.rule != HitRule::Every {
            write!(f, " {}", self.rule)?;
        }
        Ok(())
    }
}
