//! What lies on top of the panes: help, the list of steps, run until, restart, the comparison, the menu of scenes, prompts and
//! what was asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::command::Action;
use super::draw::{framed, put_lines};
use super::notes::Draft;
use super::predict;
use super::program::Restart;
use super::theme::Role;
use super::ui::{Effect, Ui};
use super::{
    against, break_list, claims, copy, help, lists, matches, moments, notes, palette, path, prompt, restart, scenes,
    statistics, steps,
};
use crate::lesson::Choice;
use crate::trace::BreakpointId;

/// What is open on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    Help {
        scroll: usize,
    },
    Steps {
        at: usize,
    },
    Until {
        text: String,
    },
    Restart {
        row: usize,
        choice: Restart,
    },
    Moments {
        column: usize,
        scroll: usize,
    },
    /// This recording and another, side by side.
    Against {
        scroll: usize,
    },
    GoTo {
        text: String,
    },
    Search {
        text: String,
    },
    Copy {
        at: usize,
    },
    Palette {
        text: String,
        at: usize,
    },
    /// `None` until somebody moves: the match at the cursor.
    Matches {
        at: Option<usize>,
    },
    Statistics {
        at: usize,
    },
    Path {
        at: usize,
    },
    Claims {
        at: usize,
    },
    /// A note that is being written.
    Note(Draft),
    Notes {
        at: usize,
    },
    Breaks {
        at: usize,
    },
    /// A breakpoint that is typed: a new one, or what that one is to be.
    Break {
        text: String,
        of: Option<BreakpointId>,
    },
    /// What may come next.
    Predict {
        at: usize,
        choices: Vec<Choice>,
    },
    /// Opened on top of another, which comes back.
    Scenes {
        at: usize,
        below: Option<Box<Overlay>>,
    },
}

impl Overlay {
    /// Whether the moments side by side are seen, which hide what is below.
    pub(super) fn compares_moments(&self) -> bool {
        match self {
            Self::Moments { .. } => true,
            Self::Scenes { below, .. } => below.as_ref().is_some_and(|below| below.compares_moments()),
            _ => false,
        }
    }
}

impl Ui<'_> {
    pub(super) fn act_in_overlay(&mut self, action: Action) -> Effect {
        let Some(mut overlay) = self.overlay.take() else {
            return Effect::None;
        };
        let by: isize = match action {
            Action::Up => -1,
            Action::Down => 1,
            Action::PageUp => -10,
            Action::PageDown => 10,
            Action::Wheel(_, _, is_down) => {
                if is_down {
                    3
                } else {
                    -3
                }
            }
            _ => 0,
        };
        if let Overlay::Scenes { at, below } = overlay {
            if action == Action::Close {
                self.overlay = below.map(|below| *below);
                return Effect::None;
            }
            return self.act_in_scenes(at, below, action, by);
        }
        if let (Overlay::Copy { at }, true) = (&overlay, action != Action::Close) {
            return self.act_in_copy(*at, action, by);
        }
        if let (Overlay::Palette { text, at }, true) = (&mut overlay, action != Action::Close) {
            return self.act_in_palette(std::mem::take(text), *at, action, by);
        }
        if let Overlay::Predict { at, choices } = overlay {
            return match action {
                Action::Close | Action::Predict => Effect::None,
                _ => self.act_in_prediction(at, choices, action, by),
            };
        }
        if let (Overlay::Note(draft), Action::Close) = (&overlay, action) {
            self.overlay = draft.list_below();
            return Effect::None;
        }
        if let Overlay::Breaks { at } = overlay {
            return self.act_in_breaks(at, action, by);
        }
        if let (Overlay::Break { of: Some(of), .. }, Action::Close) = (&overlay, action) {
            // Back to the list that it was opened from.
            self.overlay = Some(Overlay::Breaks { at: self.break_row(*of) });
            return Effect::None;
        }
        let body = self.layout().body;
        match (&mut overlay, &action) {
            (_, Action::Palette) => {
                (self.asked.statistics, self.asked.path) = (None, None);
                return self.act_without_overlay(action);
            }
            (_, Action::Close)
            | (Overlay::Help { .. }, Action::Help)
            | (Overlay::Steps { .. }, Action::Steps)
            | (Overlay::Moments { .. }, Action::Moments)
            | (Overlay::Against { .. }, Action::Against)
            | (Overlay::Restart { .. }, Action::Restart)
            | (Overlay::Matches { .. }, Action::Matches)
            | (Overlay::Statistics { .. }, Action::Statistics)
            | (Overlay::Path { .. }, Action::CriticalPath)
            | (Overlay::Notes { .. }, Action::Notes)
            | (Overlay::Claims { .. }, Action::Claims) => {
                // What is not looked at is not worked at.
                (self.asked.statistics, self.asked.path, self.known.claims) = (None, None, None);
                return Effect::None;
            }
            (Overlay::Help { scroll }, _) => {
                let rows = usize::from(body.height.saturating_sub(2));
                let limit = help::lines(self, help::columns(body)).len().saturating_sub(rows);
                *scroll = scroll.saturating_add_signed(by).min(limit);
            }
            (Overlay::Against { scroll }, _) if by != 0 => {
                *scroll = scroll.saturating_add_signed(by).min(self.against_rows().saturating_sub(4));
            }
            // Moving while comparing is moving: both sides follow.
            (Overlay::Against { .. }, _) => {
                let effect = self.act_without_overlay(action);
                self.overlay = self.overlay.take().or(Some(overlay));
                self.refresh();
                return effect;
            }
            (Overlay::Moments { column, scroll }, _) => {
                let longest = self.known.moments.as_ref().map_or(0, |all| {
                    let lines = all.iter().map(|moment| moments::lines(moment, self, 80).len());
                    lines.max().unwrap_or(0)
                });
                *scroll = scroll.saturating_add_signed(by).min(longest.saturating_sub(4));
                match action {
                    Action::Left => (*column, *scroll) = (column.saturating_sub(1), 0),
                    Action::Right => (*column, *scroll) = ((*column + 1).min(2), 0),
                    // Stepping while comparing is stepping; the picture stays and grows.
                    Action::RunToLoop
                    | Action::Into
                    | Action::Over
                    | Action::Out
                    | Action::NextLane
                    | Action::Continue
                    | Action::Pause => {
                        let effect = self.act_without_overlay(action);
                        self.overlay = Some(overlay);
                        return effect;
                    }
                    Action::Request => {
                        self.open_scenes(Some(Box::new(overlay)));
                        return Effect::None;
                    }
                    _ => {}
                }
            }
            (Overlay::Until { text }, Action::Type(letter)) => text.push(*letter),
            (Overlay::Until { text }, Action::Erase) => drop(text.pop()),
            (Overlay::Until { text }, Action::Toggle) => {
                let text = text.trim().to_owned();
                return if text.is_empty() { Effect::None } else { self.run_until(&text) };
            }
            (Overlay::Note(draft), Action::Type(letter)) => draft.push(*letter),
            (Overlay::Note(draft), Action::Erase) => draft.erase(),
            (Overlay::Note(draft), Action::Toggle) => return self.accept_note(draft.clone()),
            (Overlay::GoTo { text } | Overlay::Search { text } | Overlay::Break { text, .. }, Action::Type(letter)) => {
                text.push(*letter);
            }
            (Overlay::GoTo { text } | Overlay::Search { text } | Overlay::Break { text, .. }, Action::Erase) => {
                text.pop();
            }
            (Overlay::Break { text, of }, Action::Toggle) => {
                let of = *of;
                return self.accept_break(std::mem::take(text), of);
            }
            (Overlay::Steps { at }, Action::BreakHere) => {
                let effect = self.break_at_step(*at);
                self.overlay = Some(overlay);
                return effect;
            }
            (Overlay::GoTo { text }, Action::Toggle) => {
                self.accept_place(std::mem::take(text));
                return Effect::None;
            }
            (Overlay::Search { text }, Action::Toggle) => {
                self.accept_query(std::mem::take(text));
                return Effect::None;
            }
            (
                Overlay::Matches { .. }
                | Overlay::Statistics { .. }
                | Overlay::Path { .. }
                | Overlay::Claims { .. }
                | Overlay::Notes { .. },
                _,
            ) => {
                return self.act_in_list(overlay, action, by);
            }
            (Overlay::Steps { at }, _) => {
                let (was, count) = (*at, self.material.chain.steps().len() + self.material.book.other_pages().count());
                let clicked = self.clicked(&Overlay::Steps { at: was }, action, was).filter(|row| *row < count);
                // A click on the selected row is what enter is.
                if action == Action::Toggle || clicked == Some(was) {
                    return self.choose_step(was);
                }
                *at = clicked.unwrap_or(was).saturating_add_signed(by).min(count.saturating_sub(1));
            }
            (Overlay::Restart { row, choice }, _) => {
                if let Some(effect) = restart::act((row, choice), action, body) {
                    return effect;
                }
            }
            _ => {}
        }
        self.overlay = Some(overlay);
        Effect::None
    }

    pub(super) fn act_without_overlay(&mut self, action: Action) -> Effect {
        debug_assert!(self.overlay.is_none(), "the overlay was taken out first");
        self.act(action)
    }
}

/// Draws what is on top of the panes, if anything is.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui) {
    draw_one(buffer, body, ui, ui.overlay.as_ref());
}

fn draw_one(buffer: &mut Buffer, body: Rect, ui: &Ui, overlay: Option<&Overlay>) {
    match overlay {
        None | Some(Overlay::Scenes { .. } | Overlay::Moments { .. }) => {}
        // What lies below is not what is asked.
        Some(_) => subdue(buffer, body, ui),
    }
    match overlay {
        None => {}
        Some(Overlay::Scenes { at, below }) => {
            draw_one(buffer, body, ui, below.as_deref());
            subdue(buffer, body, ui);
            scenes::draw(buffer, body, ui, *at);
        }
        Some(Overlay::Claims { at }) => claims::draw(buffer, lists::list_area(body, claims::WIDTH), ui, *at),
        Some(Overlay::Predict { at, choices }) => predict::draw(buffer, ui, *at, choices),
        Some(Overlay::Help { scroll }) => {
            let lines = help::lines(ui, help::columns(body));
            let area = centred(body, 96, lines.len() as u16 + 2);
            let is_cut = lines.len() > usize::from(area.height.saturating_sub(2)) + scroll;
            let remark = if is_cut { "more ↓" } else { "esc closes" };
            let inner = framed(buffer, area, ui, "Help", remark, true);
            put_lines(buffer, inner, &lines, *scroll);
        }
        Some(Overlay::Steps { at }) => steps::draw(buffer, body, ui, *at),
        Some(Overlay::Until { text }) => steps::draw_until(buffer, body, ui, text),
        Some(Overlay::Restart { row, choice }) => restart::draw(buffer, body, ui, *row, *choice),
        Some(Overlay::Moments { column, scroll }) => {
            moments::draw(buffer, body, ui, *column, *scroll);
        }
        Some(Overlay::Note(draft)) => {
            draw_one(buffer, body, ui, draft.list_below().as_ref());
            notes::draw_draft(buffer, body, ui, draft);
        }
        Some(Overlay::Notes { at }) => notes::draw(buffer, lists::list_area(body, notes::WIDTH), ui, *at),
        Some(Overlay::Against { scroll }) => against::draw(buffer, body, ui, *scroll),
        Some(Overlay::GoTo { text }) => prompt::draw_go_to(buffer, body, ui, text),
        Some(Overlay::Search { text }) => prompt::draw_search(buffer, body, ui, text),
        Some(Overlay::Break { text, .. }) => prompt::draw_break(buffer, body, ui, text),
        Some(Overlay::Breaks { at }) => break_list::draw(buffer, body, ui, *at),
        Some(Overlay::Copy { at }) => copy::draw(buffer, body, ui, *at),
        Some(Overlay::Palette { text, at }) => palette::draw(buffer, body, ui, text, *at),
        Some(Overlay::Matches { at }) => {
            let at = at.unwrap_or_else(|| ui.match_at_cursor());
            matches::draw(buffer, lists::list_area(body, matches::WIDTH), ui, at);
        }
        Some(Overlay::Statistics { at }) => {
            statistics::draw(buffer, lists::list_area(body, statistics::WIDTH), ui, *at);
        }
        Some(Overlay::Path { at }) => path::draw(buffer, lists::list_area(body, path::WIDTH), ui, *at),
    }
}

/// Takes the colours and the weight off all that is drawn, so that what comes on top of it stands out.
fn subdue(buffer: &mut Buffer, area: Rect, ui: &Ui) {
    buffer.set_style(area.intersection(buffer.area), Style::reset().patch(ui.theme.style(Role::Dim)));
}

/// Columns beside a box in which nothing could be read: it takes them too.
const SCRAP: u16 = 20;

/// A rectangle in the middle, as large as asked for or as there is room.
pub(super) fn centred(body: Rect, width: u16, height: u16) -> Rect {
    let width = if body.width < width + SCRAP { body.width } else { width };
    let height = height.min(body.height);
    Rect::new(body.x + (body.width - width) / 2, body.y + (body.height - height) / 2, width, height)
}
