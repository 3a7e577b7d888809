//! What the panes show, as sentences: stacks, fields, source, timeline, before and after.

use super::places::{LANES, more_lanes};
use super::words::{counted, sentence};
use super::{Answer, Lines, Prompt};
use crate::cli::sentences;
use crate::lesson::instants;
use crate::trace::{Field, Frame, LaneId, LanePair, SpanId, SpanRecord, State, Time, before_and_after};

/// Calls of a lane that are listed unasked.
const LISTED: usize = 20;
/// Shorter gaps between two calls are not told.
const GAP: Time = Time(10_000);
/// Stretches on a thread of one call that are told.
const STRETCHES: usize = 8;

impl Prompt<'_> {
    pub(super) fn stack(&mut self, text: &str) -> Answer {
        let state = self.state();
        if state.lanes().is_empty() {
            return Err("there is no lane yet".to_owned());
        }
        let shown = match text {
            "all" | "" => self.lane_here(),
            name => {
                let id = self.lane_called(name)?;
                let lane = state.lane(id).ok_or_else(|| format!("the lane {name} is not there at this place"))?;
                return Ok(sentences::stack(&state, lane));
            }
        };
        let mut lines = Lines::new();
        // Where we are comes first.
        let (ours, others): (Vec<_>, Vec<_>) = state.lanes().iter().partition(|lane| Some(lane.id) == shown);
        lines.extend(ours.iter().flat_map(|lane| sentences::stack(&state, lane)));
        let others: Vec<_> = others.into_iter().filter(|lane| !lane.is_done).collect();
        if text == "all" || ours.is_empty() {
            lines.extend(others.iter().flat_map(|lane| sentences::stack(&state, lane)));
        } else {
            lines.extend(others.iter().take(LANES).map(|lane| {
                let doing = sentences::doing(&state, lane);
                match lane.frames().last().filter(|frame| !doing.ends_with(&*frame.callsite.name)) {
                    Some(frame) => format!("{}: {doing}, in {}.", lane.name, frame.callsite.name),
                    None => format!("{}: {doing}.", lane.name),
                }
            }));
            lines.extend(more_lanes(others.len()));
        }
        Ok(lines)
    }

    /// The open call of that name in our lane, or in any; ours if none is named.
    fn call_named(&self, text: &str) -> Result<SpanId, String> {
        if text.is_empty() {
            return self.here().ok_or_else(|| "no call has begun yet".to_owned());
        }
        if let Some(number) = text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            let span = self.log.span(SpanId(number)).map(|span| span.id);
            return span.ok_or_else(|| format!("there is no call {text}"));
        }
        let state = self.state();
        let here = self.lane_here();
        let mut lanes: Vec<_> = state.lanes().iter().collect();
        lanes.sort_by_key(|lane| Some(lane.id) != here);
        let is_it = |frame: &&Frame| *frame.callsite.name == *text;
        let open = lanes.iter().find_map(|lane| lane.frames().rev().find(is_it)).map(|frame| frame.span);
        let key = self.chain.key(text);
        let last = key.and_then(|key| self.log.calls(key, self.cursor()).last()).map(|call| call.span);
        open.or(last)
            .ok_or_else(|| format!("no call named `{text}` is open; stack lists those that are, search finds others"))
    }

    pub(super) fn fields(&mut self, text: &str) -> Answer {
        let span = self.call_named(text)?;
        let name = sentences::name(&self.log, span);
        let all = self.log.fields(span, self.cursor());
        let known = sentences::fields(&all);
        let mut lines = match known.len() {
            0 => vec![format!("{name} has recorded nothing so far.")],
            count => vec![format!("{name} has {}.", counted(count, "field"))],
        };
        lines.extend(known.into_iter().map(|line| {
            // Recorded again: what it was before.
            let named = |field: &&Field| line.split(": ").next() == Some(&*field.name);
            let mut values: Vec<String> = all.iter().filter(named).map(|field| field.value.to_string()).collect();
            values.dedup();
            values.pop();
            if values.is_empty() { line } else { format!("{line}, before that {}", values.join(", then ")) }
        }));
        lines.extend(self.life(span));
        Ok(lines)
    }

    /// When a call was opened, how long it was on its thread, where it is written, and what a person has noted of it.
    fn life(&self, span: SpanId) -> Lines {
        let Some(record) = self.log.span(span) else { return Lines::new() };
        let (clock, cursor) = (self.log.clock(), self.cursor());
        let now = clock.program(self.log.time_at(cursor));
        let opened = clock.program(record.open.1);
        let open = match record.close.filter(|close| (close.0.0 as usize) < cursor) {
            Some((_, end)) => format!("over after {}", Time(clock.program(end).since(opened))),
            None => format!("open for {} so far", Time(now.since(opened))),
        };
        let lane = sentences::lane(&self.log, record.lane);
        let mut lines = vec![format!("Call {} of {lane}, opened at {opened}, {open}.", record.id.0)];
        let is_seen = |enter: &Time| clock.program(*enter) <= now;
        let on: Vec<(Time, Option<Time>)> = self.log.stretches(span).filter(|on| is_seen(&on.0)).collect();
        if on.len() > 1 {
            let all = |(from, to): &(Time, Option<Time>)| {
                let end = to.map_or(now, |to| clock.program(to).min(now));
                end.since(clock.program(*from))
            };
            let busy = Time(on.iter().map(all).fold(0, u64::saturating_add));
            let last = &on[on.len().saturating_sub(STRETCHES)..];
            let told: Vec<String> =
                last.iter().map(|on| format!("{} for {}", clock.program(on.0), Time(all(on)))).collect();
            let some = if on.len() > last.len() { "the last of them " } else { "" };
            lines.push(format!("On its thread {} times, {busy} in all, {some}at {}.", on.len(), told.join(", at ")));
        }
        let target = &record.callsite.target;
        lines.extend((!target.is_empty()).then(|| format!("In {target}, {}.", sentences::call(&record.callsite))));
        let notes = self.log.bookmarks().about(span).filter(|bookmark| !bookmark.text().is_empty());
        lines.extend(notes.map(|note| format!("Note at {}: {}", clock.program(note.time), note.text())));
        lines
    }

    pub(super) fn source(&mut self) -> Answer {
        let span = self.call_named("")?;
        let record = self.log.span(span).ok_or("that call is not known")?;
        let (Some(file), Some(line)) = (&record.callsite.file, record.callsite.line) else {
            return Err(format!("nobody recorded where {} is", record.callsite.name));
        };
        let text =
            self.sources.source(file).ok_or_else(|| format!("the text of {file} is not here; line {line} is it"))?;
        let all: Vec<&str> = text.lines().collect();
        let range = function(&all, line as usize);
        let mut lines = vec![format!("{}, lines {} to {} of {file}.", record.callsite.name, range.0, range.1)];
        lines.extend((range.0..=range.1).filter_map(|number| Some(format!("{number}: {}", all.get(number - 1)?))));
        Ok(lines)
    }

    pub(super) fn timeline(&mut self, text: &str) -> Answer {
        // A lane's name may have blanks.
        let (name, is_all) = match text.strip_suffix("all") {
            Some(name) if name.is_empty() || name.ends_with(' ') => (name.trim(), true),
            _ => (text, false),
        };
        if name.is_empty() {
            return Ok(self.lanes(is_all));
        }
        let lane = self.lane_called(name)?;
        Ok(self.calls_of(lane, is_all))
    }

    /// The lanes one after the other, then the two instants.
    fn lanes(&self, is_all: bool) -> Lines {
        let (cursor, state, clock) = (self.cursor(), self.state(), self.log.clock());
        let at = |time: Time| clock.program(time);
        let end = at(self.log.time_at(self.log.len()));
        let mut lines = vec![format!("{end} so far; we are at {}.", at(self.log.time_at(cursor)))];
        let all: Vec<_> = self.log.lanes().iter().filter(|lane| (lane.open.0.0 as usize) < cursor).collect();
        let skipped = if is_all { 0 } else { all.len().saturating_sub(LISTED) };
        if skipped > 0 {
            lines.push(format!("{skipped} lanes before these; timeline all tells them too."));
        }
        let mut calls = std::collections::HashMap::<LaneId, usize>::new();
        for span in self.log.spans().take_while(|span| (span.open.0.0 as usize) < cursor) {
            *calls.entry(span.lane).or_default() += 1;
        }
        for lane in all.into_iter().skip(skipped) {
            let doing = match (state.lane(lane.id), lane.close.filter(|close| (close.0.0 as usize) < cursor)) {
                (_, Some((_, time))) => format!("over since {}", at(time)),
                (Some(lane), None) => format!("now {}", sentences::doing(&state, lane)),
                (None, None) => "not there now".to_owned(),
            };
            let count = calls.get(&lane.id).copied().unwrap_or(0);
            let calls = if count == 1 { "1 call".to_owned() } else { format!("{count} calls") };
            lines.push(format!("{}: from {} on, {calls}; {doing}.", lane.name, at(lane.open.1)));
        }
        let missed: u64 = self.log.gaps().iter().map(|gap| gap.missing).sum();
        lines.extend((missed > 0).then(|| format!("{missed} events are missing between these.")));
        lines.extend(self.instants_text());
        lines.push("timeline LANE tells the calls of a lane, events the last events.".to_owned());
        lines
    }

    /// Where the loop starts and serves.
    pub(super) fn instants_text(&self) -> Lines {
        if self.log.len() == self.cursor() && !self.chain.steps().iter().any(|step| self.log.has_entered(&step.key)) {
            // A program that has nothing of the chain has no such loop.
            return Lines::new();
        }
        let marks = self.marks();
        let time = |at: usize| self.log.clock().program(self.log.time_at(at));
        let text = |mark: Option<usize>, what: &str| match mark {
            Some(at) if at <= self.cursor() => format!("The loop {what} at {}, event {at}.", time(at)),
            _ => format!("The loop {what} later, or not at all."),
        };
        vec![text(marks.loop_starts, "starts"), text(marks.loop_serves, "serves")]
    }

    fn calls_of(&self, lane: LaneId, is_all: bool) -> Lines {
        let cursor = self.cursor();
        let spans = self.log.spans().take_while(|span| (span.open.0.0 as usize) < cursor);
        let spans: Vec<SpanRecord> = spans.filter(|span| span.lane == lane && span.entered.is_some()).collect();
        let skipped = if is_all { 0 } else { spans.len().saturating_sub(LISTED) };
        let name = sentences::lane(&self.log, lane);
        let mut lines =
            vec![format!("{name}: {}. goto and a number such as #12 looks at a call.", counted(spans.len(), "call"))];
        if skipped > 0 {
            lines.push(format!("The last {LISTED}; timeline {name} all tells the {skipped} before."));
        }
        let gaps = self.gaps(lane);
        let mut gaps = gaps.iter().peekable();
        let clock = self.log.clock();
        for span in &spans[skipped..] {
            let began = clock.program(span.entered.unwrap_or(span.open.1));
            while let Some((from, to)) = gaps.next_if(|gap| gap.0 < began) {
                let is_told = skipped == 0 || clock.program(spans[skipped].open.1) <= *from;
                lines.extend(is_told.then(|| not_instrumented(*from, *to)));
            }
            lines.push(self.call_text(span));
        }
        lines.extend(gaps.map(|(from, to)| not_instrumented(*from, *to)));
        lines
    }

    /// Where a lane was there and no call of it was open: nobody knows what it did. In program time, what is not worth a word
    /// left out.
    fn gaps(&self, lane: LaneId) -> Vec<(Time, Time)> {
        let (cursor, clock) = (self.cursor(), self.log.clock());
        let Some(record) = self.log.lane(lane) else { return Vec::new() };
        let now = clock.program(self.log.time_at(cursor));
        let end = record.close.map_or(now, |close| clock.program(close.1).min(now));
        let outermost = self.log.spans().take_while(|span| (span.open.0.0 as usize) < cursor);
        let outermost = outermost.filter(|span| span.lane == lane && span.depth == 0 && span.entered.is_some());
        let (mut at, mut gaps) = (record.first_run().map_or(end, |run| clock.program(run)), Vec::new());
        for span in outermost {
            let began = clock.program(span.open.1);
            if began.since(at) >= GAP.0 {
                gaps.push((at, began));
            }
            at = at.max(span.close.map_or(end, |close| clock.program(close.1)));
        }
        if end.since(at) >= GAP.0 {
            gaps.push((at, end));
        }
        gaps
    }

    /// `Call 14, at 697.7 µs, for 391.9 µs: spawn, inside apply.`
    pub(super) fn call_text(&self, span: &SpanRecord) -> String {
        let (clock, cursor) = (self.log.clock(), self.cursor());
        let began = clock.program(span.entered.unwrap_or(span.open.1));
        let took = match span.close.filter(|close| (close.0.0 as usize) < cursor) {
            Some((_, end)) => format!("for {}", Time(clock.program(end).since(began))),
            None => "not over".to_owned(),
        };
        let around = sentences::around(&self.log, span.id, 1);
        let around = around.trim_end_matches(" and more");
        let comma = if around.is_empty() { "" } else { ", " };
        format!("Call {}, at {began}, {took}: {}{comma}{around}.", span.id.0, span.callsite.name)
    }

    pub(super) fn before_after(&mut self) -> Answer {
        let mut lines = Lines::new();
        let mut earlier: Option<State> = None;
        for instant in instants(&self.log, &self.chain, &self.marks()) {
            let title = sentence(instant.title).trim_end_matches('.').to_owned();
            let cursor = match instant.cursor {
                Ok(cursor) => cursor,
                Err(why) => {
                    lines.push(format!("{title}, {}: {why}.", instant.what));
                    continue;
                }
            };
            let now = self.log.clock().program(self.log.time_at(cursor));
            lines.push(format!("{title}, {}, at {now}. goto @{cursor} looks at it.", instant.what));
            let state = self.log.state_at(cursor);
            let still = if earlier.is_some() { "still" } else { "calls" };
            // Nothing is new in the first.
            let pairs = before_and_after(earlier.as_ref().unwrap_or(&state), &state);
            lines.extend(pairs.iter().filter_map(|pair| changed(&state, pair, still)));
            lines.push(format!("Who accepts? {}", sentence(&instant.accepting.join("; "))));
            earlier = Some(state);
        }
        Ok(lines)
    }
}

/// What a lane does now, and which calls came, went and stayed; nothing of one that is over.
fn changed(state: &State, pair: &LanePair, still: &str) -> Option<String> {
    let [before, Some(now)] = &pair.lanes else { return None };
    let new = if before.is_none() { "new, " } else { "" };
    let mut text = format!("{}: {new}{}", now.name, sentences::doing(state, state.lane(now.id)?));
    for (what, sides) in [("added", [false, true]), ("gone", [true, false]), (still, [true, true])] {
        let calls = pair.frames.iter().filter(|frame| [0, 1].map(|side| frame[side].is_some()) == sides);
        let names: Vec<&str> = calls.filter_map(|frame| Some(&*frame.iter().flatten().next()?.callsite.name)).collect();
        if !names.is_empty() {
            text += &format!("; {what}: {}", names.join(", "));
        }
    }
    Some(format!("{text}."))
}

fn not_instrumented(from: Time, to: Time) -> String {
    format!("At {from}, for {}: not instrumented, no call was open.", Time(to.since(from)))
}

/// First and last line, from 1, of the function that a span of a line stands for, with the comment above it. The sources
/// are formatted: a function ends at the first brace that is indented as it is.
fn function(lines: &[&str], line: usize) -> (usize, usize) {
    let text = |number: usize| number.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default();
    let is_fn = |number: &usize| {
        let text = text(*number).trim_start();
        let text = text.strip_prefix("pub").map_or(text, |text| text.split_once(' ').map_or("", |text| text.1));
        text.starts_with("fn ") || text.starts_with("async fn ") || text.starts_with("unsafe fn ")
    };
    let is_attribute = text(line).trim_start().starts_with("#[");
    let found = if is_attribute { (line..=lines.len()).find(is_fn) } else { (1..=line).rev().find(is_fn) };
    let Some(start) = found else { return (line, line) };
    let indent = text(start).len() - text(start).trim_start().len();
    let is_end = |number: &usize| {
        let text = text(*number);
        text.trim_start().starts_with('}') && text.len() - text.trim_start().len() == indent
    };
    let end = if text(start).ends_with('}') { start } else { (start..=lines.len()).find(is_end).unwrap_or(start) };
    let mut first = start.min(if is_attribute { line } else { start });
    while text(first - 1).trim_start().starts_with("///") || text(first - 1).trim_start().starts_with("#[") {
        first -= 1;
    }
    (first, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_shown_with_its_comment_and_to_its_own_brace() {
        let text = "use a;\n\n/// Doc.\n#[instrument]\npub(super) fn one(a: u8) -> u8 {\n    if a {\n    }\n    a\n}\n\n\
                    impl B {\n    /// Two.\n    async fn two() {\n        span!();\n    }\n}\n";
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(function(&lines, 4), (3, 9));
        assert_eq!(function(&lines, 14), (12, 15));
        assert_eq!(function(&lines, 99), (12, 15));
        assert_eq!(function(&["no function"], 1), (1, 1));
    }
}
