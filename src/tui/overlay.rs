//! What lies on top of the panes: help, the list of steps, run until, restart, the comparison, the menu of scenes, prompts and
//! what was asked.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::command::Action;
use super::draw::{framed, put_lines};
use super::lesson_pane::badge;
use super::lists::{chosen, listed};
use super::notes::Draft;
use super::predict::{self, Choice};
use super::program::{Resolver, Restart};
use super::text::{cut, pad, width, wrap_plain};
use super::theme::Role;
use super::ui::{Effect, Ui};
use super::{
    against, break_list, claims, copy, help, lists, matches, moments, notes, palette, path, prompt, scenes, statistics,
};
use crate::trace::{BreakpointId, Command, Target};

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

/// The delays that the restart dialog offers.
const DELAYS: [Option<Duration>; 4] =
    [None, Some(Duration::from_millis(300)), Some(Duration::from_secs(2)), Some(Duration::from_secs(5))];

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
                let body = self.layout().body;
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
            (Overlay::Steps { at }, Action::Toggle) => {
                let at = *at;
                return self.choose_step(at);
            }
            (Overlay::Steps { at }, _) => {
                let count = self.material.chain.steps().len() + self.material.book.other_pages().count();
                *at = at.saturating_add_signed(by).min(count.saturating_sub(1));
            }
            (Overlay::Restart { choice, .. }, Action::Toggle) => return Effect::Restart(*choice),
            (Overlay::Restart { row, .. }, Action::Up | Action::Down | Action::NextPane) => {
                *row = 1 - *row;
            }
            (Overlay::Restart { row: 0, choice }, Action::Left | Action::Right) => {
                choice.resolver = match choice.resolver {
                    Resolver::Thread => Resolver::Block,
                    Resolver::Block => Resolver::Thread,
                };
            }
            (Overlay::Restart { choice, .. }, Action::Left | Action::Right) => {
                let at = DELAYS.iter().position(|delay| *delay == choice.slow_dns).unwrap_or(0);
                let by = if action == Action::Right { 1 } else { DELAYS.len() - 1 };
                choice.slow_dns = DELAYS[(at + by) % DELAYS.len()];
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

    /// Runs to the step with this id, or else to a span of this name.
    fn run_until(&mut self, text: &str) -> Effect {
        let chain = self.material.chain;
        let is_known = self.log.has_call_named(text) || chain.steps().iter().any(|step| step.key.name == text);
        let target = match chain.key(text) {
            Some(key) => Target::Call(key.clone()),
            None if is_known => Target::Name(text.to_owned()),
            None => {
                let steps = self.keys.shown("steps");
                self.notify(format!("no step and no call so far is named `{text}`; {steps} lists the steps"));
                return Effect::None;
            }
        };
        let effect = self.step(Command::RunTo(target));
        self.say_of_run(format!("running until `{text}`; {} pauses", self.keys.shown("pause")));
        effect
    }

    fn choose_step(&mut self, at: usize) -> Effect {
        let steps = self.material.chain.steps();
        match steps.get(at) {
            // What has been is looked at in the recording; what has not is run to.
            Some(step) if self.known.has_run(self.material.chain, &step.id) => {
                self.move_to_first(&step.id, step.key.clone());
                Effect::None
            }
            Some(step) => self.run_until(&step.id),
            None => {
                self.page = Some(at - steps.len());
                self.shows_loop = false;
                self.lesson_scroll = 0;
                Effect::None
            }
        }
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
        Some(Overlay::Claims { at }) => claims::draw(buffer, lists::list_area(body, 130), ui, *at),
        Some(Overlay::Predict { at, choices }) => predict::draw(buffer, ui, *at, choices),
        Some(Overlay::Help { scroll }) => {
            let lines = help::lines(ui, help::columns(body));
            let area = centred(body, 96, lines.len() as u16 + 2);
            let is_cut = lines.len() > usize::from(area.height.saturating_sub(2)) + scroll;
            let remark = if is_cut { "more ↓" } else { "esc closes" };
            let inner = framed(buffer, area, ui, "Help", remark, true);
            put_lines(buffer, inner, &lines, *scroll);
        }
        Some(Overlay::Steps { at }) => draw_steps(buffer, body, ui, *at),
        Some(Overlay::Until { text }) => {
            let area = centred(body, 64, 4);
            let inner = framed(buffer, area, ui, "Run until", "enter runs", true);
            let line =
                Line::from(vec![Span::raw(format!(" {text}")), Span::styled(" ", ui.theme.style(Role::Selected))]);
            let ids: Vec<&str> = ui.material.chain.steps().iter().map(|step| &*step.id).collect();
            let matching: Vec<&str> = ids.into_iter().filter(|id| id.contains(text.trim())).collect();
            let hint = if matching.is_empty() { "no step is named like that".into() } else { matching.join("  ") };
            let hint = Line::styled(cut(&format!(" {hint}"), usize::from(inner.width)), ui.theme.style(Role::Dim));
            put_lines(buffer, inner, &[line, hint], 0);
        }
        Some(Overlay::Restart { row, choice }) => {
            let area = centred(body, 64, 8);
            let inner = framed(buffer, area, ui, "Start again", "enter starts", true);
            put_lines(buffer, inner, &restart(ui, *row, *choice, usize::from(inner.width)), 0);
        }
        Some(Overlay::Moments { column, scroll }) => {
            moments::draw(buffer, body, ui, *column, *scroll);
        }
        Some(Overlay::Note(draft)) => {
            draw_one(buffer, body, ui, draft.list_below().as_ref());
            notes::draw_draft(buffer, body, ui, draft);
        }
        Some(Overlay::Notes { at }) => notes::draw(buffer, lists::list_area(body, 110), ui, *at),
        Some(Overlay::Against { scroll }) => against::draw(buffer, body, ui, *scroll),
        Some(Overlay::GoTo { text }) => prompt::draw_go_to(buffer, body, ui, text),
        Some(Overlay::Search { text }) => prompt::draw_search(buffer, body, ui, text),
        Some(Overlay::Break { text, .. }) => prompt::draw_break(buffer, body, ui, text),
        Some(Overlay::Breaks { at }) => break_list::draw(buffer, body, ui, *at),
        Some(Overlay::Copy { at }) => copy::draw(buffer, body, ui, *at),
        Some(Overlay::Palette { text, at }) => palette::draw(buffer, body, ui, text, *at),
        Some(Overlay::Matches { at }) => {
            let at = at.unwrap_or_else(|| ui.match_at_cursor());
            matches::draw(buffer, lists::list_area(body, 140), ui, at);
        }
        Some(Overlay::Statistics { at }) => statistics::draw(buffer, lists::list_area(body, 110), ui, *at),
        Some(Overlay::Path { at }) => path::draw(buffer, lists::list_area(body, 130), ui, *at),
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

/// The head of the list, and its rows.
fn steps(ui: &Ui, at: usize, columns: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let theme = &ui.theme;
    let steps = ui.material.chain.steps();
    let ids = steps.iter().map(|step| width(&step.id)).max().unwrap_or(0);
    let room = columns.saturating_sub(6 + ids + 2 + 13);
    let head = format!("      {}  {} the report", pad("step", ids), pad("what it does", room));
    let head = Line::styled(pad(&head, columns), theme.style(Role::Dim));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let page = ui.material.book.step_page(index);
        let (verdict, role) = page.map_or(("", Role::Dim), badge);
        let has_run = ui.known.seen.get(index).copied().unwrap_or(false);
        let is_here = ui.known.step == Some(index);
        let mark = match (is_here, has_run) {
            (true, _) => "→",
            (false, true) => "•",
            (false, false) => " ",
        };
        let title = page.map_or("", |page| &page.title);
        let stops = ui.breaks.mark_of_step(step).char();
        let left = format!("{stops}{mark} {:>2} {}  ", index + 1, pad(&step.id, ids));
        lines.push(Line::from(vec![
            Span::styled(left, theme.style(if is_here { Role::Accent } else { Role::Plain })),
            Span::styled(pad(title, room), theme.style(if has_run { Role::Plain } else { Role::Dim })),
            Span::styled(format!(" {}", pad(verdict, 12)), theme.style(role)),
        ]));
    }
    for page in ui.material.book.other_pages() {
        lines.push(Line::from(pad(&format!("   page  {}", page.title), columns)));
    }
    if let Some(line) = lines.get_mut(at) {
        *line = chosen(std::mem::take(line), ui);
    }
    (head, lines)
}

fn draw_steps(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let count = ui.material.chain.steps().len() + ui.material.book.other_pages().count();
    let area = centred(body, 84, count as u16 + 3);
    let inner = framed(buffer, area, ui, "Steps", "→ here   • has run", true);
    let (head, lines) = steps(ui, at, usize::from(inner.width));
    // Where there are few rows the steps need them.
    let heads = u16::from(inner.height > 4);
    put_lines(buffer, Rect { height: heads, ..inner }, &[head], 0);
    let list = Rect { y: inner.y + heads, height: inner.height - heads, ..inner };
    put_lines(buffer, list, &lines, listed(at, usize::from(list.height), lines.len()));
}

fn restart(ui: &Ui, row: usize, choice: Restart, columns: usize) -> Vec<Line<'static>> {
    let theme = &ui.theme;
    let option = |text: String, is_chosen: bool| {
        let role = if is_chosen { Role::Selected } else { Role::Dim };
        let text = if is_chosen { format!("[{text}]") } else { format!(" {text} ") };
        [Span::styled(text, theme.style(role)), Span::raw(" ")]
    };
    let label = |at: usize, text: &str| {
        let (mark, role) = if at == row { ("→", Role::Accent) } else { (" ", Role::Plain) };
        Span::styled(format!(" {mark} {}", pad(text, 18)), theme.style(role))
    };
    let mut resolver = vec![label(0, "names looked up")];
    for (value, text) in [(Resolver::Thread, "by a worker"), (Resolver::Block, "by main itself")] {
        resolver.extend(option(text.into(), choice.resolver == value));
    }
    let mut delay = vec![label(1, "lookup slower by")];
    for value in DELAYS {
        let text = value.map_or("off".into(), |delay| format!("{delay:?}"));
        delay.extend(option(text, choice.slow_dns == value));
    }
    let notes = ui.unkept.as_ref().map_or_else(String::new, |unkept| format!(", and with it {}", unkept.text()));
    let text = format!("The server stops and starts again, held at its first step. This recording goes{notes}.");
    let mut lines = vec![Line::from(resolver), Line::from(delay), Line::default()];
    let told = wrap_plain(&text, theme.style(Role::Dim), columns.saturating_sub(2), "");
    lines.extend(told.into_iter().map(|mut line| {
        line.spans.insert(0, Span::raw(" "));
        line
    }));
    lines
}
