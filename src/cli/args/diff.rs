//! What can be asked of `diff`: two recordings, and what must not be different.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::units::duration;
use crate::trace::Difference;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanwalk diff thread.spanwalk block.spanwalk          what is different
  spanwalk diff old.spanwalk new.spanwalk --json        for programs
  spanwalk diff old.spanwalk new.spanwalk --fail-on removed,moved
  spanwalk diff old.spanwalk new.spanwalk --ignore-field port")]
pub struct DiffArgs {
    /// The first recording: what it was.
    #[arg(value_name = "A")]
    pub(in crate::cli) a: PathBuf,

    /// The second recording: what it has become.
    #[arg(value_name = "B")]
    pub(in crate::cli) b: PathBuf,

    /// One JSON object instead of a tree.
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Show paths that are the same, too.
    #[arg(long)]
    pub(in crate::cli) all: bool,

    /// Exit with status 1 if there is such a difference.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(in crate::cli) fail_on: Vec<FailOn>,

    /// Do not look at this field; may be given again. Ports, file descriptors and ids are others in each run.
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(in crate::cli) ignore_field: Vec<String>,

    /// Times differ if one is at least so many times the other.
    #[arg(long, value_name = "RATIO", default_value = "2", value_parser = ratio)]
    pub(in crate::cli) ratio: f64,

    /// Times differ if it is by at least so much.
    #[arg(long, value_name = "DURATION", default_value = "1ms", value_parser = duration)]
    pub(in crate::cli) min_time: Duration,
}

/// A difference that fails a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A call that is in the second recording alone.
    Added,
    /// A call that is in the first recording alone.
    Removed,
    /// A call with another parent, or in another kind of lane.
    Moved,
    /// A call in another order among its neighbours.
    Reordered,
    /// Another number of calls.
    Count,
    /// Other fields.
    Fields,
    /// Another time.
    Time,
    /// Any of them.
    Any,
}

impl FailOn {
    /// Whether it is among the differences that there are.
    pub(in crate::cli) fn is_among<V>(self, there: &BTreeMap<Difference, V>) -> bool {
        let difference = match self {
            Self::Added => Difference::Added,
            Self::Removed => Difference::Removed,
            Self::Moved => Difference::Moved,
            Self::Reordered => Difference::Reordered,
            Self::Count => Difference::Count,
            Self::Fields => Difference::Fields,
            Self::Time => Difference::Time,
            Self::Any => return !there.is_empty(),
        };
        there.contains_key(&difference)
    }
}

/// How many times a time is another.
fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().map_err(|_| "not a number; write how many times, such as 2 or 1.2".to_owned())?;
    if (1.0..1e9).contains(&ratio) {
        Ok(ratio)
    } else {
        Err("smaller than 1; write how many times, such as 2".to_owned())
    }
}
