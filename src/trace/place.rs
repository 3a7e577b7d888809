//! Where in a recording a person wants to be.
//!
//! ```text
//!   1.2ms  50%         at a program time, at a share of all of it
//!   +10us  -10us       later, earlier than now
//!   #12  @340          at the opening of span 12, behind event 340
//!   loop  serves       where the loop starts, where it serves
//!   note 2             at the second bookmark
//!   spawn              at the next call of that name
//! ```

use std::str::FromStr;

use thiserror::Error;

use super::Time;

/// Where to.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// At a program time.
    At(Time),
    /// This much later.
    Later(Time),
    /// This much earlier.
    Earlier(Time),
    /// At a share of the whole program time, in percent.
    Share(f64),
    /// At the opening of a span, by its number.
    Span(u64),
    /// Behind so many events.
    Event(usize),
    /// Where the loop starts.
    LoopStarts,
    /// Where the loop serves.
    LoopServes,
    /// At a bookmark, counted from one.
    Note(usize),
    /// At the next call of this name.
    Call(String),
}

/// Why a text is no place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum PlaceError {
    #[error(
        "write where to: 1.2ms, +10us, 50%, #12 (a span), @340 (an event), note 2, loop, serves, or the name of a call"
    )]
    Nothing,
    #[error("`{0}` is a number of what? {0}ms is a time, {0}% a share, #{0} a span, @{0} an event")]
    Bare(String),
    #[error("`{0}`: write a number and its unit, such as 740ns, +12.3us or -1.9ms")]
    Time(String),
    #[error("`{0}`: write a share from 0% to 100%")]
    Share(String),
    #[error("`{0}`: write a number behind `{1}`, such as {1}12")]
    Number(String, char),
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let text = text.trim();
        let time = |number: &str| number.parse::<Time>().map_err(|_| PlaceError::Time(text.to_owned()));
        let number = |rest: &str, mark| rest.parse::<u64>().map_err(|_| PlaceError::Number(text.to_owned(), mark));
        let is_number = text.starts_with(|c: char| c.is_ascii_digit());
        match text.chars().next() {
            None => Err(PlaceError::Nothing),
            Some('+') => Ok(Self::Later(time(&text[1..])?)),
            Some('-') => Ok(Self::Earlier(time(&text[1..])?)),
            Some('#') => Ok(Self::Span(number(&text[1..], '#')?)),
            Some('@') => Ok(Self::Event(number(&text[1..], '@')? as usize)),
            _ if text.ends_with('%') && is_number => match text[..text.len() - 1].trim().parse::<f64>() {
                Ok(share) if (0.0..=100.0).contains(&share) => Ok(Self::Share(share)),
                _ => Err(PlaceError::Share(text.to_owned())),
            },
            _ if is_number && text.parse::<f64>().is_ok() => Err(PlaceError::Bare(text.to_owned())),
            _ if is_number => Ok(Self::At(time(text)?)),
            _ => Ok(match text {
                "loop" | "loop starts" => Self::LoopStarts,
                "serves" | "loop serves" => Self::LoopServes,
                name => match name.strip_prefix("note ").map(|rest| rest.trim().parse()) {
                    Some(Ok(number)) => Self::Note(number),
                    _ => Self::Call(name.to_owned()),
                },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        #[track_caller]
        fn check(text: &str, expected: Place) {
            assert_eq!(text.parse(), Ok(expected));
        }
        check("1.2ms", Place::At(Time(1_200_000)));
        check(" +10us ", Place::Later(Time(10_000)));
        check("-2 s", Place::Earlier(Time(2_000_000_000)));
        check("50%", Place::Share(50.0));
        check("#12", Place::Span(12));
        check("@0", Place::Event(0));
        check("note 2", Place::Note(2));
        check("note two", Place::Call("note two".into()));
        check("loop", Place::LoopStarts);
        check("loop serves", Place::LoopServes);
        check("get_listener", Place::Call("get_listener".into()));
        check("start_accepting", Place::Call("start_accepting".into()));
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_to_write() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(text.parse::<Place>().unwrap_err().to_string(), expected);
        }
        check("12", "`12` is a number of what? 12ms is a time, 12% a share, #12 a span, @12 an event");
        check("1.2xs", "`1.2xs`: write a number and its unit, such as 740ns, +12.3us or -1.9ms");
        check("+", "`+`: write a number and its unit, such as 740ns, +12.3us or -1.9ms");
        check("120%", "`120%`: write a share from 0% to 100%");
        check("#x", "`#x`: write a number behind `#`, such as #12");
        assert!("".parse::<Place>().unwrap_err().to_string().starts_with("write where to"));
    }
}
