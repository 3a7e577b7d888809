//! The last turns of the loop, a row each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Picture;
use crate::trace::{LoopState, LoopTurn, Time};
use crate::tui::draw::{frame_as, put_lines};
use crate::tui::text::{count, cut, pad, width};
use crate::tui::theme::Role;

/// The turns that there is room for, the present one last.
pub(super) fn seen(state: &LoopState, rows: usize) -> Vec<&LoopTurn> {
    let all: Vec<&LoopTurn> = state.before.iter().chain(&state.turn).collect();
    all[all.len().saturating_sub(rows)..].to_vec()
}

impl Picture<'_> {
    pub(super) fn turns(&self, buffer: &mut Buffer, area: Rect) {
        let number = self.state.turn.as_ref().map_or(0, |turn| turn.number);
        let remark = if number > 0 { format!("{} so far", count(number)) } else { String::new() };
        let inner = frame_as(buffer, area, self.ui, ("Turns", &remark), false, false).intersection(area);
        let columns = usize::from(inner.width);
        let rows = usize::from(inner.height).saturating_sub(1);
        let mut lines =
            vec![self.plain(&turn_row(["turn", "polled", "woke for", "fired", "ran"], columns), Role::Dim, columns)];
        let turns = seen(self.state, rows);
        for (at, turn) in turns.iter().enumerate() {
            lines.push(self.turn(turn, at + 1 == turns.len(), columns));
        }
        if turns.is_empty() {
            lines.push(self.plain("   no turn yet", Role::Dim, columns));
        }
        put_lines(buffer, inner, &lines, 0);
    }

    fn turn(&self, turn: &LoopTurn, is_here: bool, columns: usize) -> Line<'static> {
        let polled = match turn.polled {
            Some((from, Some(to))) => Time(to.since(from)).to_string(),
            Some((_, None)) => "POLLING".to_owned(),
            None => "–".to_owned(),
        };
        let is_polling = matches!(turn.polled, Some((_, None)));
        let woke = match &turn.woke {
            Some(woke) => woke.to_string(),
            None if is_polling => String::new(),
            None if turn.polled.is_none() => "before the first poll".to_owned(),
            None => "not recorded".to_owned(),
        };
        let mut calls: Vec<(&str, usize)> = Vec::new();
        for fired in &turn.fired {
            let name = fired.call.as_ref().map_or("?", |call| &call.1);
            match calls.iter_mut().find(|call| call.0 == name) {
                Some(call) => call.1 += 1,
                None => calls.push((name, 1)),
            }
        }
        let calls =
            calls.into_iter().map(|(name, times)| if times > 1 { format!("{name} {times}×") } else { name.into() });
        let fired = match turn.fired.len() {
            0 => "–".to_owned(),
            fired => format!("{fired} → {}", calls.collect::<Vec<_>>().join(", ")),
        };
        let names: Vec<&str> = turn.ran.iter().map(|lane| self.name(*lane)).collect();
        let mut ran = match turn.callbacks {
            0 if names.is_empty() => "–".to_owned(),
            callbacks => format!("{}: {}", count(callbacks.max(1)), names.join(", ")),
        };
        if turn.is_cut {
            ran.push_str(" …");
        }
        let mark = if is_here { '▶' } else { ' ' };
        let number = format!("{mark} {}", count(turn.number));
        let role = if is_here { Role::Accent } else { Role::Plain };
        self.plain(&turn_row([&number, &polled, &woke, &fired, &ran], columns), role, columns)
    }
}

/// A row of the list of turns, in columns.
fn turn_row(cells: [&str; 5], columns: usize) -> String {
    let rest = columns.saturating_sub(7 + 9 + 2 + 1);
    let (woke, fired) = if rest >= 90 { (26, 30) } else { (rest * 40 / 100, rest * 28 / 100) };
    let polled = format!("{}{}", " ".repeat(9_usize.saturating_sub(width(cells[1]))), cut(cells[1], 9));
    let ran = columns.saturating_sub(7 + 9 + 2 + woke + fired + 1);
    format!(
        " {}{polled}  {}{}{}",
        pad(cells[0], 6),
        pad(&format!("{} ", cut(cells[2], woke.saturating_sub(1))), woke),
        pad(&format!("{} ", cut(cells[3], fired.saturating_sub(1))), fired),
        cut(cells[4], ran)
    )
}
