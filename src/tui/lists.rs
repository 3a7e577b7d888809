//! What the lists of what was asked share: their keys, where they lie, and which of their rows are seen.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::asked::Column;
use super::command::Action;
use super::overlay::{Overlay, centred};
use super::theme::Role;
use super::ui::{Effect, Ui};
use super::{claims, matches, notes, path, statistics, steps};
use crate::trace::{Finder, Part, Query};

impl Ui<'_> {
    /// In a list of what was asked: the keys that all of them share, then those of each.
    pub(super) fn act_in_list(&mut self, mut overlay: Overlay, action: Action, by: isize) -> Effect {
        let (count, at) = match overlay {
            Overlay::Matches { at } => {
                (self.asked.search.as_ref().map_or(0, Finder::len), at.unwrap_or_else(|| self.match_at_cursor()))
            }
            Overlay::Statistics { at } => (self.asked.statistics.as_ref().map_or(0, |all| all.calls.len()), at),
            Overlay::Path { at } => (self.path_parts().len(), at),
            Overlay::Claims { at } => (self.known.claims.as_ref().map_or(0, |claims| claims.rows.len()), at),
            Overlay::Notes { at } => (self.log.bookmarks().all().len(), at),
            _ => return Effect::None,
        };
        let last = count.saturating_sub(1);
        let clicked = self.clicked(&overlay, action, at).filter(|row| *row < count);
        // A click on the selected row is what enter is.
        let action = if clicked == Some(at) { Action::Toggle } else { action };
        let moved = match action {
            Action::Click(..) => clicked.unwrap_or(at),
            Action::ToStart => 0,
            Action::ToLive => last,
            Action::Over => at + 1,
            Action::PreviousMatch => at.saturating_sub(1),
            _ => at.saturating_add_signed(by),
        };
        let moved = moved.min(last);
        match (&mut overlay, action) {
            (Overlay::Matches { .. }, Action::Toggle) => {
                self.move_to_match(at.min(last));
                return Effect::None;
            }
            (Overlay::Matches { .. }, Action::Search) => return self.act_without_overlay(action),
            (Overlay::Matches { .. }, Action::CriticalPath) => {
                let found = self.asked.search.as_ref().and_then(|search| search.get(at));
                if let Some(found) = found {
                    self.path_of_span(found.span);
                    self.overlay = Some(Overlay::Path { at: 0 });
                    return Effect::None;
                }
            }
            (Overlay::Statistics { .. }, Action::Left) => self.sort_calls(Column::ALL.len() - 1),
            (Overlay::Statistics { .. }, Action::Right) => self.sort_calls(1),
            (Overlay::Statistics { .. }, Action::NextPane) => {
                let is_whole = self.asked.statistics.as_ref().is_some_and(|all| all.window().is_none());
                let window = is_whole.then(|| self.stretch_now());
                self.count_calls(window);
                overlay = Overlay::Statistics { at: 0 };
            }
            (Overlay::Statistics { .. }, Action::Toggle) => {
                let call = self.asked.statistics.as_ref().and_then(|all| all.calls.get(at));
                if let Some(query) = call.map(|call| Query::of(&call.callsite)) {
                    self.search(query);
                    self.overlay = Some(Overlay::Matches { at: None });
                    return Effect::None;
                }
            }
            (Overlay::Claims { .. }, Action::Toggle) => {
                self.go_to_evidence(at.min(last));
                self.known.claims = None;
                return Effect::None;
            }
            (Overlay::Notes { .. }, Action::Toggle) => {
                if let Err(why) = self.move_to_note(at.min(last)) {
                    self.notify(why);
                }
                return Effect::None;
            }
            (Overlay::Notes { .. }, Action::Note) => {
                self.overlay = Some(overlay);
                self.rewrite_note(at.min(last));
                return Effect::None;
            }
            (Overlay::Notes { .. }, Action::RemoveNote) => {
                let effect = self.remove_note(at.min(last));
                self.overlay = Some(Overlay::Notes { at: at.min(last.saturating_sub(1)) });
                return effect;
            }
            (Overlay::Path { .. }, Action::NextPane) => {
                self.turn_path();
                overlay = Overlay::Path { at: 0 };
            }
            (Overlay::Path { .. }, Action::Toggle) => {
                let from = self.path_parts().get(at).map(|part| self.log.clock().program(part.from));
                if let Some(from) = from {
                    self.move_to(self.log.cursor_at(from));
                    return Effect::None;
                }
            }
            (Overlay::Matches { at }, _) if moved != at.unwrap_or(usize::MAX) => *at = Some(moved),
            (Overlay::Statistics { at } | Overlay::Path { at } | Overlay::Claims { at } | Overlay::Notes { at }, _) => {
                *at = moved;
            }
            _ => {}
        }
        self.overlay = Some(overlay);
        Effect::None
    }

    /// The row of a list that a click is on.
    pub(super) fn clicked(&self, overlay: &Overlay, action: Action, at: usize) -> Option<usize> {
        let Action::Click(column, row) = action else { return None };
        let body = self.layout().body;
        let (first, area) = match overlay {
            Overlay::Matches { .. } => matches::rows(list_area(body, matches::WIDTH), self, at),
            Overlay::Statistics { .. } => statistics::rows(list_area(body, statistics::WIDTH), self, at),
            Overlay::Path { .. } => path::rows(list_area(body, path::WIDTH), self, at),
            Overlay::Claims { .. } => claims::rows(list_area(body, claims::WIDTH), self, at),
            Overlay::Notes { .. } => notes::rows(list_area(body, notes::WIDTH), self, at),
            Overlay::Steps { .. } => steps::rows(body, self, at),
            _ => return None,
        };
        area.contains(Position::new(column, row)).then(|| first + usize::from(row - area.y))
    }

    fn path_parts(&self) -> &[Part] {
        match self.asked.path.as_ref().and_then(|path| path.parts.as_ref()) {
            Some(Ok(parts)) => parts,
            _ => &[],
        }
    }
}

/// A row of a list as the selected one: all of it alike, whatever its parts looked like.
pub(super) fn chosen(line: Line<'static>, ui: &Ui) -> Line<'static> {
    let style = ui.theme.style(Role::Selected);
    Line::from(line.spans.into_iter().map(|span| Span::styled(span.content, style)).collect::<Vec<_>>())
}

/// The first row of a list that is seen: the selected one stands in the middle, where that is possible.
pub(super) fn listed(at: usize, rows: usize, count: usize) -> usize {
    at.saturating_sub(rows / 2).min(count.saturating_sub(rows))
}

/// The rows of a list in its box, between rows of heading and rows below: the number of the first that is seen, and where.
pub(super) fn rows_between(inner: Rect, head: u16, foot: u16, at: usize, count: usize) -> (usize, Rect) {
    let head = head.min(inner.height);
    let area = Rect { y: inner.y + head, height: (inner.height - head).saturating_sub(foot), ..inner };
    (listed(at, usize::from(area.height), count), area)
}

/// Where a list lies: over all, unless it leaves enough beside it that what is there can be read.
pub(super) fn list_area(body: Rect, width: u16) -> Rect {
    if body.width < width + 40 { body } else { centred(body, width, body.height) }
}
