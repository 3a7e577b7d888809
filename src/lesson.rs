//! The lessons: what each step of the chain is, what a report claims about it, and whether this run bears that out.
//!
//! A claim is asked anew of (log, cursor): nothing here remembers an answer.

mod evaluate;
mod predicate;

pub use evaluate::{Evidence, Outcome, evaluate};
pub use predicate::{LanePattern, Moment, Predicate, PredicateError};
