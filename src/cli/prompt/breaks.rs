//! Breakpoints by typed commands: of a program that runs, through its gate; of a recording, by looking for their hits.

use super::{Answer, Lines, Prompt};
use crate::cli::sentences;
use crate::trace::{Breakpoint, BreakpointId, Command, Condition, Hits, Look, Status};

/// Events that are read between two signs of life.
const SLICE: usize = 200_000;

impl Prompt<'_> {
    /// Sets one.
    pub(super) fn set_break(&mut self, text: &str) -> Answer {
        let (condition, rule) = Condition::parse(text, &self.chain).map_err(|error| error.to_string())?;
        let id = self.breaks.add(condition, rule);
        self.breaks_changed();
        let set = self.breaks.get(id).map(described).unwrap_or_default();
        Ok(vec![format!("Breakpoint {id}: {set}. A hit is a call that begins.")])
    }

    /// Lists them.
    pub(super) fn list_breaks(&mut self) -> Answer {
        let status = self.attend();
        self.look_for_hits();
        if self.breaks.all().is_empty() {
            return Err("there is no breakpoint; break step:spawn sets one".to_owned());
        }
        let said = |breakpoint: &Breakpoint| {
            let off = if breakpoint.is_on { "" } else { "off, " };
            let hits = self.hits_of(breakpoint.id, &status);
            let last = self.stops.hits(breakpoint.id).and_then(Hits::last);
            let goto = last.map_or_else(String::new, |cursor| format!(" goto @{cursor} looks at the last."));
            let times = if hits == 1 { "once".to_owned() } else { format!("{hits} times") };
            format!("Breakpoint {}, {off}hit {times}: {}.{goto}", breakpoint.id, described(breakpoint))
        };
        Ok(self.breaks.all().iter().map(said).collect())
    }

    /// Takes one away.
    pub(super) fn delete_break(&mut self, text: &str) -> Answer {
        let id = self.break_called(text, "delete")?;
        self.breaks.remove(id);
        self.breaks_changed();
        Ok(vec![format!("Breakpoint {id} is gone.")])
    }

    /// Turns one on or off.
    pub(super) fn turn_break(&mut self, text: &str, is_on: bool) -> Answer {
        let (command, word) = if is_on { ("enable", "on") } else { ("disable", "off") };
        let id = self.break_called(text, command)?;
        self.breaks.turn(id, is_on);
        self.breaks_changed();
        Ok(vec![format!("Breakpoint {id} is {word}.")])
    }

    fn break_called(&self, text: &str, command: &str) -> Result<BreakpointId, String> {
        if text.is_empty() {
            return Err(format!("say which breakpoint, such as {command} 1; breaks lists them"));
        }
        let id = BreakpointId(u32::try_from(super::commands::number(text)?).unwrap_or(0));
        self.breaks
            .get(id)
            .map(|found| found.id)
            .ok_or_else(|| format!("there is no breakpoint {text}; breaks lists them"))
    }

    /// Tells the program, or looks at the recording anew.
    pub(super) fn breaks_changed(&mut self) {
        self.stops.follow(&self.breaks);
        self.program.command(Command::Breakpoints(self.breaks.all().to_vec()));
    }

    /// Reads on for hits, up to the end of the log.
    fn look_for_hits(&mut self) {
        while self.stops.is_behind(&self.log) {
            self.stops.read(&self.log, SLICE);
            // A sign of life.
            self.program.status();
        }
    }

    fn hits_of(&self, id: BreakpointId, status: &Status) -> u64 {
        match self.is_recording {
            true => self.stops.hits(id).map_or(0, |hits| hits.len() as u64),
            false => status.hits_of(id),
        }
    }

    /// In a recording: to the next hit that stops, or back to the one before.
    pub(super) fn move_to_hit(&mut self, is_forth: bool) -> Answer {
        if !self.breaks.is_any_on() {
            return Err("no breakpoint is on; break step:spawn sets one".to_owned());
        }
        if self.is_recording {
            self.read_on();
        }
        self.look_for_hits();
        let (cursor, state) = (self.cursor(), self.state());
        let held = state.paused().filter(|_| cursor == self.log.len() && !is_forth);
        let standing = held.and_then(|stop| self.stops.standing(&self.log, stop.span));
        match self.stops.look(standing.unwrap_or(cursor), is_forth, &self.log) {
            Look::At(cursor) => {
                self.cursor = (self.is_recording || cursor < self.log.len()).then_some(cursor);
                if is_forth {
                    return Ok(self.tell());
                }
                self.told = cursor;
                Ok(self.whereabouts())
            }
            Look::Nowhere | Look::Later if is_forth => {
                Err("no breakpoint stops after this; goto end goes there".to_owned())
            }
            Look::Nowhere | Look::Later => Err("no breakpoint stops before this".to_owned()),
        }
    }

    /// That we are at a hit: where the program stands, or where the cursor does.
    pub(super) fn hit_line(&mut self) -> Option<String> {
        let cursor = self.cursor();
        if cursor == self.log.len() && !self.is_recording {
            let status = self.program.status();
            let on = status.on?;
            return Some(format!("Stopped at breakpoint {on}, hit {}.", status.hits_of(on)));
        }
        self.look_for_hits();
        self.stops.at(cursor).map(|(id, number)| format!("At breakpoint {id}, hit {number}."))
    }

    /// A breakpoint that was met while nobody asked for anything: said once, before the next answer.
    pub(super) fn note_hit(&mut self, status: &Status) {
        let hit = status.on.map(|on| (on, status.hits_of(on)));
        if hit.is_some() && hit != self.hit_told && self.is_on_its_own {
            let held = self.log.latest().paused();
            let place = held.map_or_else(String::new, |stop| {
                format!(": {} in {}", sentences::name(&self.log, stop.span), sentences::lane(&self.log, stop.lane))
            });
            let number = hit.map_or(0, |hit| hit.0.0);
            self.notices.push(format!("breakpoint {number} is met{place}; where says more"));
            self.is_on_its_own = false;
        }
        self.hit_told = hit;
    }
}

/// A breakpoint in words.
fn described(breakpoint: &Breakpoint) -> String {
    format!("{}, {}", breakpoint.condition, breakpoint.rule.words())
}

/// Lines that say which breakpoints there are from the beginning.
pub(super) fn greeting(breakpoints: &[Breakpoint]) -> Lines {
    breakpoints.iter().map(|breakpoint| format!("Breakpoint {}: {}.", breakpoint.id, described(breakpoint))).collect()
}
