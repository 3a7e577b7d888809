//! Before | during | after: the stacks of all lanes at three instants, each compared with the one before.
//!
//! The instants, and who accepts at each, are the lesson's. One that the run has not reached is said to be missing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::draw::{framed, put_lines};
use super::layout::Story;
use super::stack;
use super::text::{cut, pad, width};
use super::theme::{Role, Theme};
use super::ui::Ui;
use crate::lesson::{Instant, instants};
use crate::trace::{Chain, Landmarks, LanePair, Log, PairedCall, Run, State, before_and_after};

/// More removed frames than this in a row are one line.
const FEW: usize = 2;

/// One of the three.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Which instant it is, in a few words.
    pub(super) what: &'static str,
    /// The instant exists in this run; else why it does not.
    pub(super) lanes: Result<Vec<LanePair>, &'static str>,
    /// Who accepts, and what becomes of clients.
    pub(super) accepting: Vec<String>,
}

/// The headings.
pub(super) const TITLES: [&str; 3] = ["BEFORE", "DURING", "AFTER"];

/// Compares the three instants.
pub(super) fn compare(log: &Log, chain: &Chain, marks: &Landmarks) -> [Moment; 3] {
    let mut earlier: Option<State> = None;
    instants(log, chain, marks).map(|Instant { what, cursor, accepting, .. }| {
        let lanes = cursor.map(|cursor| {
            let state = log.state_at(cursor);
            // Nothing is new in the first.
            let lanes = before_and_after(earlier.as_ref().unwrap_or(&state), &state);
            earlier = Some(state);
            lanes
        });
        Moment { what, lanes, accepting }
    })
}

/// The lines of a moment, for a width.
pub(super) fn lines(moment: &Moment, ui: &Ui, columns: usize) -> Vec<Line<'static>> {
    let (mut lines, theme) = (Vec::new(), &ui.theme);
    let lanes = match &moment.lanes {
        Ok(lanes) => lanes,
        Err(why) => {
            let text = missing(why, ui);
            let lines = super::text::wrap_plain(&text, theme.style(Role::Dim), columns.saturating_sub(1), "");
            let indented = lines.into_iter().map(|mut line| {
                line.spans.insert(0, Span::raw(" "));
                line
            });
            return indented.collect();
        }
    };
    let calls = lanes.iter().flat_map(|pair| pair.frames.iter().flatten().flatten());
    let names = calls.map(|call| width(&call.callsite.name)).max().unwrap_or(0);
    for pair in lanes {
        let [before, Some(lane)] = &pair.lanes else { continue };
        let innermost = pair.frames.iter().find_map(|frame| frame[1].as_ref());
        let word = stack::word(&lane.activity, innermost.map(|call| &*call.callsite.name));
        let style = theme.style(Role::Heading).patch(theme.style(stack::role(&lane.activity)));
        let name = pad(&lane.name, width(&lane.name).max(8));
        let new = if before.is_none() { "+ " } else { "  " };
        lines.push(Line::from(vec![
            Span::styled(new, theme.style(Role::New)),
            Span::styled(cut(&format!("{name} {word}"), columns.saturating_sub(2)), style),
        ]));
        frames(&mut lines, &pair.frames, theme, names, columns);
        lines.push(Line::default());
    }
    lines.pop();
    lines
}

/// Why this run has no such instant, and which key leads to it while there is something to run.
fn missing(why: &str, ui: &Ui) -> String {
    let mut letters = why.chars();
    let why = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    if ui.story() == Story::Foreign {
        return format!(
            "Nothing of the documented chain is in this recording. Back to the panes: {}.",
            ui.keys.shown("close")
        );
    }
    let is_final = ui.known.landmarks.loop_serves.is_some();
    if ui.status.run == Run::Over {
        let why = if is_final { why } else { format!("{why}, and the recording ends here") };
        return format!("{why}. Back to the panes: {}.", ui.keys.shown("close"));
    }
    match ui.known.landmarks.loop_serves {
        Some(_) => format!("{why}. {} with a slower lookup shows it.", ui.keys.shown("restart")),
        None => format!("{why}: press {}.", ui.keys.shown("run-to-loop")),
    }
}

/// The lines that answer who accepts, for a width.
pub(super) fn accepting_lines(moment: &Moment, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    if moment.accepting.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::styled("who accepts?", theme.style(Role::Heading))];
    for sentence in &moment.accepting {
        lines.extend(super::text::wrap_plain(sentence, Style::new(), columns, "  "));
    }
    lines
}

/// A call in the moment before and in this one.
type Frame = [Option<PairedCall>; 2];

fn frames(lines: &mut Vec<Line<'static>>, frames: &[Frame], theme: &Theme, names: usize, columns: usize) {
    let mut at = 0;
    while at < frames.len() {
        let gone: Vec<&PairedCall> = frames[at..].iter().map_while(gone).collect();
        if let (Some(first), Some(last)) = (gone.first(), gone.last())
            && gone.len() > FEW
        {
            let (first, last, gone) = (&first.callsite.name, &last.callsite.name, gone.len());
            let text = format!("  − {first} … {last}  ({gone} frames gone)");
            lines.push(Line::styled(cut(&text, columns), theme.style(Role::Bad)));
            at += gone;
            continue;
        }
        lines.extend(frame_line(&frames[at], theme, names, columns));
        at += 1;
    }
}

/// A call that is not under way any more.
fn gone(frame: &Frame) -> Option<&PairedCall> {
    if let [Some(call), None] = frame { Some(call) } else { None }
}

fn frame_line(frame: &Frame, theme: &Theme, names: usize, columns: usize) -> Option<Line<'static>> {
    let (mark, role, PairedCall { callsite, .. }) = match frame {
        [Some(_), Some(call)] => (' ', Role::Plain, call),
        [None, Some(call)] => ('+', Role::New, call),
        [Some(call), None] => ('−', Role::Bad, call),
        [None, None] => return None,
    };
    let name = pad(&callsite.name, names);
    let text = cut(&format!("  {mark} {name}"), columns);
    let room = columns.saturating_sub(width(&text) + 2);
    let file = if room >= width(callsite.file_name()) { callsite.file_name() } else { "" };
    let file = Span::styled(format!("  {file}"), theme.style(Role::Dim));
    Some(Line::from(vec![Span::styled(text, theme.style(role)), file]))
}

/// Draws the three side by side, or the one that is chosen where there is no room.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, column: usize, scroll: usize) {
    let inner = framed(buffer, body, ui, "Before | during | after", "", true);
    let Some(all) = &ui.known.moments else { return };
    let theme = &ui.theme;
    let is_wide = inner.width >= 96;
    let shown: Vec<usize> = if is_wide { (0..3).collect() } else { vec![column.min(2)] };
    let each = inner.width / shown.len() as u16;
    if !is_wide && inner.height > 0 {
        // One at a time: all headings, the open one marked.
        let tabs: Vec<Span> = (0..3)
            .map(|at| {
                let (title, what) = (TITLES[at], all[at].what);
                let role = if at == column { Role::Selected } else { Role::Dim };
                Span::styled(format!(" {title} {what} "), theme.style(role))
            })
            .collect();
        buffer.set_line(inner.x, inner.y, &Line::from(tabs), inner.width);
    }
    for (place, &at) in shown.iter().enumerate() {
        let x = inner.x + place as u16 * each;
        // Lanes have a column of marks in front of them, which is a margin as well.
        let (marks, margin) = if is_wide && place > 0 { (1, 2) } else { (0, 1) };
        let indented = |by: u16| Rect { x: x + by, width: each.saturating_sub(by), ..inner }.intersection(inner);
        let (area, listing) = (indented(margin), indented(marks));
        if is_wide && area.height > 0 {
            let (title, what) = (TITLES[at], all[at].what);
            let heading = Line::from(vec![
                Span::styled(format!("{title}  "), theme.style(Role::Heading)),
                Span::styled(what, theme.style(Role::Plain)),
            ]);
            buffer.set_line(area.x, area.y, &heading, area.width);
            if place > 0 {
                for y in inner.y..inner.bottom() {
                    buffer[(x, y)].set_char('│').set_style(theme.style(Role::Border));
                }
            }
        }
        let columns = usize::from(area.width);
        let answer = accepting_lines(&all[at], theme, columns);
        let pinned = (answer.len() as u16).min(area.height / 2);
        let answer_area = Rect { y: area.bottom() - pinned, height: pinned, ..area };
        put_lines(buffer, answer_area, &answer, 0);
        let top = 2.min(area.height);
        let height = area.height.saturating_sub(top + pinned + u16::from(pinned > 0));
        let below = Rect { y: area.y + top, height, ..listing };
        let mut lines = lines(&all[at], ui, usize::from(listing.width));
        if lines.len() > usize::from(height) {
            // Better without blank lines than without the last lane.
            lines.retain(|line| line.width() > 0);
        }
        put_lines(buffer, below, &lines, scroll);
        let hidden = lines.len().saturating_sub(scroll + usize::from(below.height));
        if hidden > 0 && below.bottom() < answer_area.y {
            let text = format!("… {hidden} more lines below");
            buffer.set_stringn(area.x, below.bottom(), text, columns, theme.style(Role::Dim));
        }
    }
}
