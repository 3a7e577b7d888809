//! The list of breakpoints that a person keeps.

use super::{Breakpoint, BreakpointId, Condition, HitRule};

/// Breakpoints, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakpoints {
    list: Vec<Breakpoint>,
    /// The last number that was given.
    given: u32,
}

impl Breakpoints {
    /// Adds one, which is on. If there is one of the same condition already, that gets the rule.
    pub fn add(&mut self, condition: Condition, rule: HitRule) -> BreakpointId {
        if let Some(same) = self.list.iter_mut().find(|other| other.condition == condition) {
            (same.rule, same.is_on) = (rule, true);
            return same.id;
        }
        self.given += 1;
        let id = BreakpointId(self.given);
        self.list.push(Breakpoint { id, condition, rule, is_on: true });
        id
    }

    /// Gives one another condition and rule. If there is another of that condition already, that gets the rule, and this one
    /// goes.
    pub fn change(&mut self, id: BreakpointId, condition: Condition, rule: HitRule) -> BreakpointId {
        let is_taken = self.of(&condition).is_some_and(|other| other.id != id);
        match self.list.iter_mut().find(|breakpoint| breakpoint.id == id) {
            Some(found) if !is_taken => {
                (found.condition, found.rule) = (condition, rule);
                id
            }
            _ => {
                self.remove(id);
                self.add(condition, rule)
            }
        }
    }

    /// Takes one away.
    pub fn remove(&mut self, id: BreakpointId) -> Option<Breakpoint> {
        let at = self.list.iter().position(|breakpoint| breakpoint.id == id)?;
        Some(self.list.remove(at))
    }

    /// Turns one on or off. Says whether there is such a one.
    pub fn turn(&mut self, id: BreakpointId, is_on: bool) -> bool {
        let found = self.list.iter_mut().find(|breakpoint| breakpoint.id == id);
        found.map(|found| found.is_on = is_on).is_some()
    }

    /// One by its number.
    #[must_use]
    pub fn get(&self, id: BreakpointId) -> Option<&Breakpoint> {
        self.list.iter().find(|breakpoint| breakpoint.id == id)
    }

    /// The one of exactly this condition.
    #[must_use]
    pub fn of(&self, condition: &Condition) -> Option<&Breakpoint> {
        self.list.iter().find(|breakpoint| breakpoint.condition == *condition)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Breakpoint] {
        &self.list
    }

    /// Whether any is on.
    #[must_use]
    pub fn is_any_on(&self) -> bool {
        self.list.iter().any(|breakpoint| breakpoint.is_on)
    }
}
