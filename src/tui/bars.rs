//! The first line, which says where we are, and the last, which says what the next keys do.
//!
//! Both are made of parts that go one by one as the screen gets narrow; what matters most goes last. Keys and their
//! words come from the table of commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::command::command;
use super::hints::*;
use super::keymap::Mode;
use super::keys::short;
use super::layout::{Pane, Story};
use super::matches;
use super::overlay::Overlay;
use super::text::{count, cut, pad, width};
use super::theme::Role;
use super::timeline::LineId;
use super::ui::Ui;
use crate::trace::{Edge, Finder, Kind, Log, Phase, Run};

/// Where we are, in one line: the parts that matter most survive a narrow screen.
pub(super) fn status_line(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    let state = &ui.known.state;
    let playing = ui.play.map(|_| format!("{} PLAYING {}", if ui.speed.is_back { '◀' } else { '▶' }, ui.speed.text()));
    let on = ui.on_breakpoint().map(|on| format!("‖ PAUSED ON BREAKPOINT {on}"));
    let loading = ui.loading.text();
    let (word, role) = match (state.paused(), ui.is_live(), ui.status.run) {
        _ if playing.is_none() && ui.is_live() && loading.is_some() => {
            (loading.as_deref().unwrap_or_default(), Role::Good)
        }
        _ if playing.is_some() => (playing.as_deref().unwrap_or_default(), Role::Good),
        (_, false, _) => ("◂ LOOKING BACK", Role::Doubt),
        (_, _, Run::Over) => ("■ RECORDED", Role::Heading),
        (Some(_), ..) if on.is_some() => (on.as_deref().unwrap_or_default(), Role::Accent),
        (Some(stop), ..) if stop.edge == Edge::Exit => ("‖ PAUSED, RETURNING", Role::Accent),
        (Some(_), ..) => ("‖ PAUSED ON STEP", Role::Accent),
        (None, true, _) if ui.log.is_empty() && ui.remark.is_some() => ("■ ENDED", Role::Bad),
        (None, true, _) if ui.log.is_empty() => ("… STARTING", Role::Dim),
        (None, true, _) if ui.has_ended() => ("■ ENDED", Role::Heading),
        (None, true, Run::Stepping) if ui.is_waiting_for_the_world() => ("▶ STEPPING, polling", Role::Good),
        (None, true, Run::Stepping) => ("▶ STEPPING", Role::Good),
        (None, true, _) if ui.is_waiting_for_the_world() => ("▶ RUNNING, polling", Role::Good),
        (None, ..) => ("▶ RUNNING", Role::Good),
    };
    let steps = ui.material.chain.steps();
    let step = ui.known.step.and_then(|at| Some((at, steps.get(at)?)));
    let outside = || {
        let span = ui.known.here.and_then(|span| ui.log.span(span))?;
        Some(format!("{} › {}", ui.log.lane(span.lane)?.name, span.callsite.name))
    };
    let step = step.map(|(at, step)| {
        let name = format!("{}/{} {}", at + 1, steps.len(), step.id);
        // In a call that has no page of its own the step is the one around it.
        let call = ui.known.here.and_then(|span| ui.log.span(span)).map(|record| record.callsite);
        match call.filter(|call| !step.key.matches(call)) {
            Some(call) => format!("{name} › {}", call.name),
            None => name,
        }
    });
    let cursor = ui.cursor();
    let place = if ui.is_live() && loading.is_some() {
        "so far".to_owned()
    } else if ui.status.run == Run::Over && ui.is_live() {
        "THE END".to_owned()
    } else if ui.is_live() {
        "LIVE".to_owned()
    } else {
        format!("event {} of {}", count(cursor as u64), count(ui.log.len() as u64))
    };
    let is_past = |mark: Option<usize>| mark.is_some_and(|mark| mark <= cursor);
    let has_stopped = ui.material.chain.key("stop").is_some_and(|key| ui.log.has_opened(key, cursor));
    let phase = match ui.known.landmarks {
        // A program that has nothing of the chain has no loop of the chain.
        _ if !ui.known.seen.contains(&true) => "",
        _ if has_stopped => "after stop",
        marks if is_past(marks.loop_serves) => "serving",
        marks if is_past(marks.loop_starts) => "loop started",
        _ => "before the loop",
    };
    let time = ui.play.map_or_else(|| ui.time_now(), |play| play.at);
    let dropped = ui.log.dropped();
    // The state and the step keep their columns from one stop to the next.
    let word = pad(word, width(word).max(19));
    let widest = steps.iter().map(|step| width(&step.id)).max().unwrap_or(0) + 6;
    let step = step.or_else(outside).unwrap_or_default();
    let step = if step.is_empty() { step } else { pad(&step, widest.max(width(&step))) };
    // In a search which match it is says more than which event, and in playing what time it is.
    let goes_first = u8::from(ui.is_live() || ui.play.is_some() || ui.asked.search.is_some()) * 2;
    // Text, colour, and when it goes: the highest first.
    let mut parts = vec![
        ("spanwalk".to_owned(), Role::Heading, 6),
        (ui.address.clone(), Role::Plain, 4),
        (word.clone(), role, 0),
        (step, Role::Heading, 1),
        (place, if ui.is_live() { Role::Plain } else { Role::Doubt }, goes_first),
        (phase.to_owned(), Role::Plain, 3),
        (format!("program {time}"), Role::Dim, if ui.play.is_some() { 1 } else { 5 }),
    ];
    if let Some(search) = &ui.asked.search {
        let text = match ui.current_match() {
            Some(number) => format!("◆ match {} of {}", count(number as u64 + 1), count(search.len() as u64)),
            None => format!("◆ {}", matches::remark(search, &ui.log)),
        };
        parts.push((text, Role::Doubt, 1));
    }
    if let Some((id, number)) = ui.breaks.stops.at(cursor).filter(|_| ui.play.is_none()) {
        let text = format!("● breakpoint {id}, hit {}", count(number as u64));
        parts.push((text, Role::Doubt, 1));
    }
    if let Some(loading) = loading.clone().filter(|loading| *loading != word.trim_end()) {
        parts.insert(3, (loading, Role::Good, 1));
    }
    let forgotten: u64 = ui.log.gaps().iter().filter(|gap| gap.is_forgotten).map(|gap| gap.missing).sum();
    if forgotten > 0 {
        parts.push((format!("{} events forgotten", count(forgotten)), Role::Doubt, 1));
    }
    if dropped > 0 {
        parts.push((format!("{} events dropped", count(dropped)), Role::Bad, 1));
    }
    if let Some(unkept) = &ui.unkept {
        parts.push((unkept.text(), Role::Doubt, 1));
    }
    if let Some(remark) = &ui.remark {
        parts.push((remark.clone(), Role::Bad, 1));
    }
    parts.retain(|part| !part.0.is_empty());
    let room = usize::from(area.width);
    let total = |parts: &[(String, Role, u8)], gap: usize| parts.iter().map(|part| width(&part.0) + gap).sum::<usize>();
    while parts.len() > 1 && total(&parts, 2) > room {
        let worst = parts.iter().enumerate().max_by_key(|(_, part)| part.2).map_or(0, |worst| worst.0);
        // Columns that stay where they are matter less than what would have to go for them.
        if parts[worst].2 <= 1 && parts.iter().any(|part| part.0.ends_with(' ')) {
            parts.iter_mut().for_each(|part| part.0.truncate(part.0.trim_end().len()));
            continue;
        }
        parts.remove(worst);
    }
    let gap = 2;
    let mut spans = vec![Span::raw(" ")];
    for (index, (text, role, _)) in parts.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::raw(" ".repeat(gap)));
        }
        spans.push(Span::styled(text, ui.theme.style(role)));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

pub(super) fn hint_line(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    let room = usize::from(area.width);
    let theme = &ui.theme;
    let held = ui.known.state.paused().is_some();
    let is_empty = ui.log.is_empty();
    let hints = match &ui.overlay {
        Some(Overlay::Help { .. }) => READ,
        Some(Overlay::Steps { .. }) => CHOOSE,
        Some(Overlay::Until { .. }) => TYPE,
        Some(Overlay::Restart { .. }) => RESTART,
        Some(Overlay::Moments { .. }) => COMPARE,
        Some(Overlay::Against { .. }) => AGAINST,
        Some(Overlay::GoTo { .. }) => GO_TO,
        Some(Overlay::Search { .. }) => FIND,
        Some(Overlay::Matches { .. }) if ui.asked.search.as_ref().is_some_and(Finder::is_empty) => NO_MATCHES,
        Some(Overlay::Matches { .. }) => MATCHES,
        Some(Overlay::Statistics { .. }) => STATISTICS,
        Some(Overlay::Path { .. }) => PATH,
        Some(Overlay::Scenes { .. }) => SCENES,
        Some(Overlay::Palette { .. }) => PALETTE,
        Some(Overlay::Copy { .. }) => COPY,
        Some(Overlay::Predict { .. }) => GUESS,
        Some(Overlay::Claims { .. }) => CLAIMS,
        Some(Overlay::Note(_)) => NOTE,
        Some(Overlay::Notes { .. }) => NOTES,
        Some(Overlay::Breaks { .. }) => BREAKS,
        Some(Overlay::Break { .. }) => BREAK,
        None if is_empty && ui.status.run == Run::Over => NOTHING,
        None if is_empty => STARTING,
        None if ui.play.is_some() => PLAYING,
        None if ui.asked.search.is_some() => SEARCHED,
        None if ui.shows_loop && ui.known.event_loop.as_ref().is_some_and(|state| state.phase == Phase::Absent) => {
            ABSENT
        }
        None if ui.shows_loop => LOOP,
        None if ui.range.is_some() => RANGE,
        None if ui.focus == Pane::Timeline && matches!(ui.lines.chosen, Some(LineId::Group(_))) => GROUP,
        None if !ui.is_live() && ui.focus == Pane::Timeline => TIMES,
        None if !ui.is_live() => PAST,
        None if ui.status.run == Run::Over && ui.focus == Pane::Stack => RECORDED,
        None if ui.focus == Pane::Timeline => TIMES,
        None if ui.focus == Pane::Lesson => LESSON,
        None if held => HELD,
        None if ui.has_ended() => ENDED,
        None => FREE,
    };
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    // The sentence names the key for a request already.
    let mut is_told = false;
    let seeking = ui.seek.as_ref().map(|seek| seek.text(&ui.log)).or_else(|| {
        let share = || format!("looking for a hit: {} % of the recording; esc stops", ui.breaks.share(&ui.log));
        ui.breaks.is_going().then(share)
    });
    if let Some(notice) = seeking.as_deref().or(ui.notice()) {
        let text = cut(notice, room.saturating_sub(4));
        used += width(&text) + 3;
        spans.push(Span::styled(text, theme.style(Role::Doubt)));
        spans.push(Span::raw("   "));
    } else if let Some(text) = ui.too_small(room) {
        used += width(&text) + 2;
        spans.push(Span::styled(text, theme.style(Role::Doubt)));
        spans.push(Span::raw("  "));
    } else if ui.overlay.is_none() && ui.has_ended() {
        let text = format!("the program has ended: {} starts it again   ", ui.keys.shown("restart"));
        used += width(&text);
        spans.push(Span::styled(text, theme.style(Role::Doubt)));
    } else if ui.overlay.is_none()
        && ui.asked.search.is_none()
        && !ui.shows_loop
        && ui.focus != Pane::Timeline
        && ui.is_waiting_for_the_world()
    {
        let text = match ui.status.run {
            Run::Free => format!(
                "running freely: {} stops at the next call, {} sends a request   ",
                ui.keys.shown("pause"),
                ui.keys.shown("request")
            ),
            _ => format!(
                "running: nothing to step until something arrives — {} sends a request   ",
                ui.keys.shown("request")
            ),
        };
        spans.push(Span::styled(cut(&text, room.saturating_sub(1)), theme.style(Role::Good)));
        used += width(&text);
        is_told = true;
    } else if ui.overlay.is_none() && !ui.is_live() && ui.play.is_none() && room >= 90 {
        let text = format!("{}   ", happened(&ui.log, ui.cursor()));
        used += width(&text);
        spans.push(Span::styled(text, theme.style(Role::Doubt)));
    }
    let is_typing = ui.mode() == Mode::Text;
    let item = |&(id, label): &Hint| {
        let row = command(id)?;
        let key = match id {
            // While text is typed, these are fixed.
            "toggle" if is_typing => "enter",
            "close" if is_typing => "esc",
            "up" if is_typing => "up",
            "down" if is_typing => "down",
            _ => ui.keys.of(row).first()?,
        };
        Some((short(key), if label.is_empty() { row.label } else { label }))
    };
    let last: Vec<_> = if is_typing { Vec::new() } else { ALWAYS.iter().filter_map(item).collect() };
    let size = |item: &(&str, &str)| width(item.0) + width(item.1) + 3;
    let mut left = room.saturating_sub(used + last.iter().map(size).sum::<usize>());
    let mut items = Vec::new();
    let is_foreign = ui.story() == Story::Foreign;
    // A recording cannot be run.
    let is_over = ui.status.run == Run::Over;
    let is_idle = |id: &str| {
        (is_told && id == "request")
            || (is_foreign && matches!(id, "moments" | "steps" | "event-loop"))
            || (is_over
                && ui.asked.search.is_none()
                && matches!(id, "into" | "over" | "out" | "run-to-loop" | "request"))
    };
    for item in hints.iter().filter(|hint| !is_idle(hint.0)).filter_map(item) {
        if size(&item) > left {
            break;
        }
        left -= size(&item);
        items.push(item);
    }
    // A long notice leaves no room even for those.
    let mut left = room.saturating_sub(used + items.iter().map(size).sum::<usize>());
    let last: Vec<_> = last
        .into_iter()
        .filter(|item| {
            // The blanks behind the last one may be cut.
            let fits = size(item) <= left + 2;
            left = left.saturating_sub(size(item));
            fits
        })
        .collect();
    for (key, label) in items.into_iter().chain(last) {
        spans.push(Span::styled(key, theme.style(Role::Key)));
        spans.push(Span::raw(format!(" {label}  ")));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// What the event just before the cursor was, in a few words.
fn happened(log: &Log, cursor: usize) -> String {
    let Some(event) = cursor.checked_sub(1).and_then(|at| log.event(at)) else {
        return "before the first event".into();
    };
    let lane = log.lane(event.lane).map_or("?", |lane| &lane.name);
    let span = event.kind.span().and_then(|span| log.span(span));
    let span = span.as_ref().map_or("", |span| &span.callsite.name);
    let name = |lane| log.lane(lane).map_or("?", |lane| &lane.name);
    let what = match &event.kind {
        Kind::LaneOpen { .. } => return format!("a new lane: {lane}"),
        Kind::LaneClose => return format!("{lane} is over"),
        Kind::Switch { to, .. } => return format!("{lane} gives way to {}", name(*to)),
        Kind::Wake { to, .. } => return format!("{lane} wakes {}", name(*to)),
        Kind::Dropped { count: missing } => {
            let is_forgotten =
                log.gaps().iter().any(|gap| gap.is_forgotten && (gap.at..gap.resumed).contains(&(cursor - 1)));
            let of = log.lane(event.lane).map_or_else(String::new, |lane| format!(" of {}", lane.name));
            let what = if is_forgotten { "forgotten" } else { "dropped" };
            return format!("{} events{of} were {what} here", count(*missing));
        }
        Kind::Open { .. } => "opens",
        Kind::Enter { .. } => "enters",
        Kind::Exit { .. } if !log.tells_runs(event.lane) => "goes on in",
        Kind::Exit { .. } => "leaves",
        Kind::Close { .. } => "ends",
        Kind::Record { .. } => "records a value of",
        Kind::Note { .. } => "says something in",
        Kind::Hold { .. } => "is held at",
        Kind::Release { .. } => "goes on at",
    };
    format!("{lane} {what} {span}").trim_end().to_owned()
}
