//! What stands in the boxes of the picture: the poll, the watchers, the callbacks that are ready.

use ratatui::text::{Line, Span};

use super::Picture;
use crate::trace::{Callback, Phase, Run, Time, Waiter, Watcher, WatcherState, Why};
use crate::tui::text::{count, cut, pad, width};
use crate::tui::theme::Role;

/// How wide the words before a value are.
const LABEL: usize = 8;

/// The lines of a box, those among them that can be done without marked.
#[derive(Default)]
pub(super) struct Said(pub(super) Vec<(Line<'static>, bool)>);

impl Said {
    pub(super) fn push(&mut self, line: Line<'static>) {
        self.0.push((line, false));
    }

    /// Something that goes first where there is no room.
    pub(super) fn push_minor(&mut self, line: Line<'static>) {
        self.0.push((line, true));
    }

    /// What fits into so many rows, and how many lines that matter do not: for those one row is left.
    pub(super) fn fitting(mut self, rows: usize) -> (Vec<Line<'static>>, usize) {
        while self.0.len() > rows
            && let Some(minor) = self.0.iter().rposition(|line| line.1)
        {
            self.0.remove(minor);
        }
        let all = self.0.len();
        let kept = if all > rows { rows.saturating_sub(1) } else { all };
        (self.0.into_iter().take(kept).map(|line| line.0).collect(), all - kept)
    }
}

impl Picture<'_> {
    pub(super) fn poll(&self, columns: usize) -> Said {
        let words = match self.state.phase {
            Phase::Polls => ("POLLING", Role::Good),
            Phase::Created => ("has not run", Role::Dim),
            Phase::Starts => ("has not polled", Role::Accent),
            Phase::Over => ("over", Role::Dim),
            Phase::Away => ("stands still", Role::Plain),
            _ => ("has polled", Role::Plain),
        };
        let mut lines = Said::default();
        lines.push(self.plain(words.0, words.1, columns));
        let Some((turn, polled)) = self.state.turn.as_ref().and_then(|turn| Some((turn, turn.polled?))) else {
            return lines;
        };
        let since = self.labelled("since", &polled.0.to_string(), Role::Plain, columns);
        match polled.1 {
            Some(to) => {
                lines.push_minor(since);
                lines.push(self.labelled("took", &Time(to.since(polled.0)).to_string(), Role::Plain, columns));
            }
            None => {
                lines.push(since);
                if let Some(so_far) = self.so_far(polled.0) {
                    lines.push(self.labelled("took", &so_far, Role::Plain, columns));
                }
            }
        }
        if let Some(watchers) = turn.watchers {
            let text = if watchers == 1 { "1 watcher".to_owned() } else { format!("{watchers} watchers") };
            lines.push(self.labelled("armed", &text, Role::Plain, columns));
        }
        let woke = match (&turn.woke, polled.1) {
            (Some(woke), _) => (woke.to_string(), Role::Accent),
            (None, None) => ("nothing yet".to_owned(), Role::Dim),
            (None, Some(_)) => ("not recorded".to_owned(), Role::Dim),
        };
        if 9 + width(&woke.0) <= columns {
            lines.push(self.beside(("woke for", 0), &woke.0, woke.1, columns));
        } else {
            lines.push(self.plain("woke for", Role::Dim, columns));
            lines.push(self.plain(&format!("  {}", woke.0), woke.1, columns));
        }
        lines
    }

    pub(super) fn watchers(&self, columns: usize) -> Said {
        let mut lines = Said::default();
        for watcher in &self.state.watchers {
            self.watcher(&mut lines, watcher, columns);
        }
        if lines.0.is_empty() {
            lines.push(self.plain("none is armed", Role::Dim, columns));
        }
        let waiting = &self.state.waiting;
        if waiting.count > 0 {
            let text = match waiting.count {
                1 => "1 handler waits".to_owned(),
                more => format!("{} handlers wait", count(more as u64)),
            };
            lines.push(self.plain(&text, Role::Plain, columns));
            for Waiter { name, fd, reason, .. } in &waiting.first {
                let fd = fd.map_or_else(String::new, |fd| format!(" fd {fd}"));
                lines.push_minor(self.plain(&format!("  {name}{fd}: {reason}"), Role::Dim, columns));
            }
        }
        lines
    }

    fn watcher(&self, lines: &mut Said, watcher: &Watcher, columns: usize) {
        let mut fired = self.state.turn.iter().flat_map(|turn| &turn.fired);
        let has_fired = fired.any(|fired| fired.watcher.starts_with(watcher.kind) && fired.fd == Some(watcher.fd));
        let callback = watcher.callback.as_deref().unwrap_or("?");
        let (mark, word, role) = match watcher.state {
            WatcherState::Fires => ('▶', format!("FIRES: {callback}"), Role::Accent),
            WatcherState::Written => ('→', "written to".to_owned(), Role::Good),
            WatcherState::Armed if has_fired => ('✓', format!("fired: {callback}"), Role::Good),
            WatcherState::Armed => ('○', "armed".to_owned(), Role::Good),
            WatcherState::Closed if watcher.fired > 0 => ('✓', "fired, closed".to_owned(), Role::Dim),
            WatcherState::Closed => ('×', "closed".to_owned(), Role::Dim),
        };
        let fd = if watcher.fd < 0 { String::new() } else { format!("fd {}", watcher.fd) };
        lines.push(self.plain(&format!("{mark} {:<5} {fd:<5} {word}", watcher.kind), role, columns));
        let said: Vec<String> = watcher
            .said
            .iter()
            .map(|(name, value)| match &**name {
                "value" => value.to_string(),
                name => format!("{name} {value}"),
            })
            .collect();
        let said = said.join(", ");
        let indented = |text: String, role| self.plain(&format!("  {text}"), role, columns);
        match (watcher.state, watcher.kind) {
            (WatcherState::Closed, "async") => {
                lines.push_minor(indented(format!("woke the loop: {said}"), Role::Dim));
            }
            (WatcherState::Closed, _) => lines.push_minor(indented(format!("fired {}×", watcher.fired), Role::Dim)),
            (_, "async") => {
                lines.push(indented("to wake the loop, once".to_owned(), Role::Plain));
                lines.push_minor(indented(format!("since {}", watcher.since), Role::Dim));
            }
            _ => {
                let least = if self.state.has_gaps { "+" } else { "" };
                lines.push(indented(format!("accepts: {callback} ran {}×{least}", watcher.fired), Role::Plain));
                if !said.is_empty() {
                    lines.push_minor(indented(said, Role::Dim));
                }
                lines.push_minor(indented(format!("since {}", watcher.since), Role::Dim));
            }
        }
    }

    pub(super) fn callbacks(&self, columns: usize) -> Said {
        let mut lines = Said::default();
        let running = self.state.running.map(|running| running.0);
        let mut told = |text: String, more: &str, role: Role| {
            // On a line of its own where it does not fit.
            if width(&text) + 1 + width(more) <= columns {
                lines.push(self.plain(&format!("{text} {more}"), role, columns));
            } else {
                lines.push(self.plain(&text, role, columns));
                lines.push(self.plain(&format!("  {more}"), role, columns));
            }
        };
        if let Some((who, what)) = self.running() {
            told(format!("▶ {who}"), &what, Role::Accent);
        }
        for Callback { lane, name, why } in &self.state.ready {
            let why = match why {
                Why::Made => "is new".to_owned(),
                Why::Woken { reason: Some(reason), .. } => reason.to_string(),
                Why::Woken { reason: None, by } => format!("woken by {}", self.name(*by)),
            };
            // While it has control, what wakes it is for its next time.
            let again = if running == Some(*lane) { "ready again" } else { "READY" };
            told(format!("→ {name} {again}:"), &why, Role::Good);
        }
        let more = self.state.ready_count - self.state.ready.len();
        if more > 0 {
            lines.push(self.plain(&format!("  and {} more", count(more as u64)), Role::Good, columns));
        }
        if lines.0.is_empty() {
            lines.push(self.plain("nobody is ready", Role::Dim, columns));
        }
        for lane in self.state.turn.iter().flat_map(|turn| &turn.ran).filter(|lane| Some(**lane) != running) {
            lines.push(self.plain(&format!("✓ {} has run", self.name(*lane)), Role::Dim, columns));
        }
        lines
    }

    fn labelled(&self, label: &str, value: &str, role: Role, columns: usize) -> Line<'static> {
        self.beside((label, LABEL), value, role, columns)
    }

    pub(super) fn beside(
        &self,
        (label, least): (&str, usize),
        value: &str,
        role: Role,
        columns: usize,
    ) -> Line<'static> {
        let label = pad(label, least.max(width(label) + 1));
        let room = columns.saturating_sub(width(&label));
        Line::from(vec![
            Span::styled(label, self.theme.style(Role::Dim)),
            Span::styled(cut(value, room), self.theme.style(role)),
        ])
    }

    /// How long something has gone on at the cursor. Of a program that runs nothing is known since its last event.
    pub(super) fn so_far(&self, since: Time) -> Option<String> {
        let is_known = !self.ui.is_live() || self.ui.status.run == Run::Over || self.ui.known.state.paused().is_some();
        is_known.then(|| format!("{} so far", Time(self.ui.time_now().since(since))))
    }
}
