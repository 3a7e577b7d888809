//! What is asked of all of the log: searches, statistics, the critical path.

use super::words::counted;
use super::{Answer, Lines, Prompt, Search};
use crate::cli::sentences;
use crate::trace::{
    CallStats, CriticalPath, Doing, Finder, How, Part, Place, Query, QueryError, SpanId, Stage, Tally, Time, Window,
    call_stats,
};

/// Matches, and rows of the statistics, that are listed at once.
const LISTED: usize = 10;
/// Events that are read between two signs of life.
const SLICE: usize = 200_000;

impl Prompt<'_> {
    pub(super) fn search(&mut self, text: &str) -> Answer {
        if !text.is_empty() {
            let query: Query = text.parse().map_err(|error: QueryError| error.to_string())?;
            self.search = Some(Search { finder: Finder::new(query), listed: 0 });
        }
        let Some(mut search) = self.search.take() else {
            return Err(
                "say what to look for, such as search name:spawn, search dur>1ms or search lane:hub poll".to_owned()
            );
        };
        while search.finder.is_behind(&self.log) {
            search.finder.read(&self.log, SLICE);
            // A sign of life.
            self.program.status();
        }
        let all = search.finder.len();
        let mut lines = Lines::new();
        if search.listed == 0 {
            let plural = if all == 1 { "1 call matches".to_owned() } else { format!("{all} calls match") };
            lines.push(format!("{plural} {}.", search.finder.query()));
        }
        let end = all.min(search.listed + LISTED);
        for number in search.listed..end {
            let Some(found) = search.finder.get(number) else { continue };
            let Some(span) = self.log.span(found.span) else { continue };
            let lane = sentences::lane(&self.log, span.lane);
            lines.push(format!("{lane}: {} goto #{} looks at it.", self.call_text(&span), span.id.0));
        }
        if search.listed > 0 && end == search.listed {
            lines.push("That were all.".to_owned());
        } else if end < all {
            lines.push(format!("{} more; search alone lists them.", all - end));
        }
        search.listed = end;
        self.search = Some(search);
        Ok(lines)
    }

    pub(super) fn stats(&mut self, text: &str) -> Answer {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let is_all = words.pop_if(|word| *word == "all").is_some();
        let (all, mut lines) = match words[..] {
            [] => (call_stats(&self.log), vec!["By the time of their own, over all that has happened.".to_owned()]),
            [from, to] => self.stats_between(from, to)?,
            _ => {
                return Err(
                    "write stats, or two places behind it, such as stats loop serves or stats 1ms 3ms".to_owned()
                );
            }
        };
        if all.is_empty() {
            return Err("no call has been made there".to_owned());
        }
        let shown = if is_all { all.len() } else { LISTED };
        lines.extend(all.iter().take(shown).map(|call| {
            let p50 = call.p50.filter(|_| call.count > 1);
            let p50 = p50.map_or_else(String::new, |p50| format!(", half of them within {}", Time(p50)));
            let p99 = call.p99.filter(|_| call.count > 1);
            let p99 = p99.map_or_else(String::new, |p99| format!(", 99 of 100 within {}", Time(p99)));
            let open = if call.open > 0 { format!(", {} not over", call.open) } else { String::new() };
            let file =
                call.callsite.file.as_ref().map_or_else(String::new, |_| format!(" in {}", call.callsite.file_name()));
            let own = call.own.map_or_else(|| "an unknown part".to_owned(), |own| Time(own).to_string());
            let total = Time(call.total);
            let times = if call.count == 1 { "once".to_owned() } else { format!("{} times", call.count) };
            format!("{}{file}: {times}, {own} of its own, {total} in all{p50}{p99}{open}.", call.callsite.name)
        }));
        if all.len() > shown {
            lines.push(format!("{} more; stats all lists them.", all.len() - shown));
        }
        Ok(lines)
    }

    /// The calls of a stretch, what was in them inside of it, and what it is.
    fn stats_between(&mut self, from: &str, to: &str) -> Result<(Vec<CallStats>, Lines), String> {
        let time = |prompt: &Self, text: &str| {
            let at = match text.parse() {
                Ok(Place::At(time)) => time,
                _ => prompt.log.clock().program(prompt.log.time_at(prompt.place(text)?)),
            };
            Ok::<Time, String>(at)
        };
        let (from, to) = (time(self, from)?, time(self, to)?);
        if from == to {
            return Err("these are the same time".to_owned());
        }
        let window = Window { from: from.min(to), to: from.max(to) };
        let mut tally = Tally::new(window);
        while tally.is_behind(&self.log) {
            tally.read(&self.log, SLICE);
            // A sign of life.
            self.program.status();
        }
        let mut calls = tally.calls(&self.log);
        calls.sort_by(|a, b| (b.own, b.count, &a.callsite.name).cmp(&(a.own, a.count, &b.callsite.name)));
        let sum = |of: fn(&CallStats) -> u64| Time(calls.iter().map(of).fold(0, u64::saturating_add));
        let count = calls.iter().map(|call| call.count).sum::<u64>();
        let long = Time(window.to.since(window.from));
        let own = sum(|call| call.own.unwrap_or(0));
        let own = match calls.iter().filter(|call| call.own.is_none()).count() {
            0 => own.to_string(),
            all if all == calls.len() => "an unknown part".to_owned(),
            _ => format!("{own}, and of some an unknown part"),
        };
        let lines = vec![
            format!("From {} to {}, {long}: {}.", window.from, window.to, counted(count as usize, "call")),
            format!("In all {}, of their own {own}.", sum(|call| call.total)),
        ];
        Ok((calls, lines))
    }

    pub(super) fn path(&mut self, text: &str) -> Answer {
        let span = self.path_of(text)?;
        let record = self.log.span(span).ok_or("that call is not known")?;
        let now = self.log.time_at(self.log.len());
        let (from, to) = (record.entered.unwrap_or(record.open.1), record.close.map_or(now, |close| close.1));
        let mut path = CriticalPath::new(&self.log, Stage { lane: record.lane, from, to });
        while path.is_behind() {
            path.read(&self.log, SLICE);
            self.program.status();
        }
        let parts = path.parts().map_err(|error| error.to_string())?;
        let clock = self.log.clock();
        let length = |from: Time, to: Time| clock.program(to).since(clock.program(from));
        let whole = length(from, to);
        let mut lines = vec![format!("{}, {} in all, in {} parts.", record.callsite.name, Time(whole), parts.len())];
        lines.extend(parts.iter().map(|part| {
            let took = length(part.from, part.to);
            let share = took as f64 * 100.0 / whole.max(1) as f64;
            let share = if share < 0.5 { "less than 1 percent".to_owned() } else { format!("{share:.0} percent") };
            let lane = sentences::lane(&self.log, part.lane);
            format!("{lane}: {}, for {}, {share}{}.", self.part_text(part), Time(took), self.because(part))
        }));
        Ok(lines)
    }

    /// The call whose path is asked for: one that is named may be over.
    fn path_of(&self, text: &str) -> Result<SpanId, String> {
        if text.is_empty() {
            return self.here().ok_or_else(|| "no call has begun yet; path spawn asks for another".to_owned());
        }
        if let Some(number) = text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            return Ok(SpanId(number));
        }
        let key = self.key(self.step_called(text)?);
        let last = self.log.calls(key, self.log.len()).last();
        last.map(|call| call.span).ok_or_else(|| format!("the step {text} has not run yet"))
    }

    fn part_text(&self, part: &Part) -> String {
        let call = part.span.map(|span| sentences::name(&self.log, span));
        match (part.doing, call) {
            (Doing::Works, Some(call)) => format!("works in {call}"),
            (Doing::Works, None) => "works".to_owned(),
            (Doing::Starts, _) => "could go on and has not got its thread yet".to_owned(),
            (Doing::Waits, Some(call)) => format!("waits in {call}, for whom is not recorded"),
            (Doing::Waits, None) => "waits, for whom is not recorded".to_owned(),
            (Doing::Unknown, _) => "runs or waits, which is not recorded".to_owned(),
        }
    }

    fn because(&self, part: &Part) -> String {
        let Some(because) = &part.because else { return String::new() };
        let by = sentences::lane(&self.log, because.by);
        let how = match because.how {
            How::Woken => "woken by",
            How::Given => "given the thread by",
            How::Made => "made by",
        };
        let reason = because.reason.as_ref().map_or_else(String::new, |reason| format!(" with {reason}"));
        format!("; {how} {by}{reason}")
    }
}
