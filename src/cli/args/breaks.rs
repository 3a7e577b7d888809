//! The flag that sets breakpoints.

use crate::cli::UsageError;
use crate::trace::{Breakpoints, Chain, Condition};

/// Where a run is to stop by itself.
#[derive(Debug, Default, clap::Args)]
pub struct BreakArgs {
    /// Stop where a call begins; may be given again and again.
    ///
    /// QUERY is words as in a search, of what is known when a call begins: step:spawn or step:14 (a step of the chain),
    /// name:spawn, target:server::hub, lane:hub, file:hub.rs, field.size>4096 (as it is then: what a call records later
    /// does not count), !word. All must hold. Behind them may stand at which hit: #3 the third, #3+ from the third on, #%3
    /// every third.
    #[arg(long = "break", value_name = "QUERY")]
    queries: Vec<String>,
}

impl BreakArgs {
    /// Whether there is none.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// The breakpoints, numbered from 1 in the order in which they were given.
    pub(in crate::cli) fn breakpoints(&self, chain: &Chain) -> anyhow::Result<Breakpoints> {
        let mut list = Breakpoints::default();
        for text in &self.queries {
            let (condition, rule) = Condition::parse(text, chain)
                .map_err(|error| UsageError(format!("cannot stop at `--break {text}`: {error}")))?;
            list.add(condition, rule);
        }
        Ok(list)
    }
}
