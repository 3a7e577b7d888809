//! The dialog of a restart: who looks names up, how much slower, and what goes with the run that is stopped.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::command::Action;
use super::draw::{framed, inside, put_lines};
use super::overlay::centred;
use super::program::{Resolver, Restart};
use super::text::{pad, wrap_plain};
use super::theme::Role;
use super::ui::{Effect, Ui};

/// The delays that the restart dialog offers.
const DELAYS: [Option<Duration>; 4] =
    [None, Some(Duration::from_millis(300)), Some(Duration::from_secs(2)), Some(Duration::from_secs(5))];

/// Where it lies.
fn area(body: Rect) -> Rect {
    centred(body, 64, 8)
}

/// What an action does to the row and the choice; something is returned where the dialog is left.
pub(super) fn act((row, choice): (&mut usize, &mut Restart), action: Action, body: Rect) -> Option<Effect> {
    match (*row, action) {
        (_, Action::Toggle) => return Some(Effect::Restart(*choice)),
        (_, Action::Up | Action::Down | Action::NextPane) => *row = 1 - *row,
        (_, Action::Click(column, line)) => {
            let inner = inside(area(body));
            let clicked = usize::from(line.saturating_sub(inner.y));
            if inner.contains(Position::new(column, line)) && clicked < 2 {
                // The first click selects the row, another gives its next value.
                if std::mem::replace(row, clicked) == clicked {
                    return act((row, choice), Action::Right, body);
                }
            }
        }
        (0, Action::Left | Action::Right) => {
            choice.resolver = match choice.resolver {
                Resolver::Thread => Resolver::Block,
                Resolver::Block => Resolver::Thread,
            };
        }
        (_, Action::Left | Action::Right) => {
            let at = DELAYS.iter().position(|delay| *delay == choice.slow_dns).unwrap_or(0);
            let by = if action == Action::Right { 1 } else { DELAYS.len() - 1 };
            choice.slow_dns = DELAYS[(at + by) % DELAYS.len()];
        }
        _ => {}
    }
    None
}

/// Draws it.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, row: usize, choice: Restart) {
    let inner = framed(buffer, area(body), ui, "Start again", "enter starts", true);
    put_lines(buffer, inner, &lines(ui, row, choice, usize::from(inner.width)), 0);
}

fn lines(ui: &Ui, row: usize, choice: Restart, columns: usize) -> Vec<Line<'static>> {
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
