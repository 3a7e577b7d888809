//! What a terminal sends, as an action: the table of commands read by key.
//!
//! While text is typed, letters are text and the keys that move and accept are fixed, whatever a person has chosen.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use super::command::Action;
use super::keys::Keys;

/// Who gets the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keys are commands.
    Commands,
    /// Keys are commands, digits are rows of a menu.
    Menu,
    /// Keys are text.
    Text,
}

/// The action of something that a terminal sent.
#[must_use]
pub fn action(event: &Event, mode: Mode, keys: &Keys) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => key_action(*key, mode, keys),
        Event::Resize(width, height) => Some(Action::Resize(*width, *height)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) if mouse.modifiers.contains(KeyModifiers::SHIFT) => {
                Some(Action::Choose(mouse.column, mouse.row))
            }
            // Many terminals keep shift for themselves.
            MouseEventKind::Down(MouseButton::Right) => Some(Action::Choose(mouse.column, mouse.row)),
            MouseEventKind::Down(MouseButton::Left) => Some(Action::Click(mouse.column, mouse.row)),
            MouseEventKind::Drag(MouseButton::Left | MouseButton::Right) => Some(Action::Drag(mouse.column, mouse.row)),
            MouseEventKind::Up(MouseButton::Left | MouseButton::Right) => Some(Action::Drop),
            MouseEventKind::ScrollLeft => Some(Action::WheelAside(mouse.column, mouse.row, false)),
            MouseEventKind::ScrollRight => Some(Action::WheelAside(mouse.column, mouse.row, true)),
            MouseEventKind::ScrollUp if mouse.modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Action::WheelAside(mouse.column, mouse.row, false))
            }
            MouseEventKind::ScrollDown if mouse.modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Action::WheelAside(mouse.column, mouse.row, true))
            }
            MouseEventKind::ScrollUp => Some(Action::Wheel(mouse.column, mouse.row, false)),
            MouseEventKind::ScrollDown => Some(Action::Wheel(mouse.column, mouse.row, true)),
            _ => None,
        },
        _ => None,
    }
}

fn key_action(key: KeyEvent, mode: Mode, keys: &Keys) -> Option<Action> {
    let name = key_name(key)?;
    if mode == Mode::Text {
        return match (key.code, &*name) {
            (KeyCode::Char(letter), _) if !name.starts_with("ctrl-") && !name.starts_with("alt-") => {
                Some(Action::Type(letter))
            }
            (KeyCode::Backspace, _) => Some(Action::Erase),
            (_, "enter") => Some(Action::Toggle),
            (_, "esc") => Some(Action::Close),
            (_, "ctrl-c") => Some(Action::Quit),
            (_, "up" | "ctrl-p" | "ctrl-k" | "shift-tab") => Some(Action::Up),
            (_, "down" | "ctrl-n" | "ctrl-j" | "tab") => Some(Action::Down),
            (_, "pageup") => Some(Action::PageUp),
            (_, "pagedown") => Some(Action::PageDown),
            _ => None,
        };
    }
    if mode == Mode::Menu
        && let KeyCode::Char(digit @ '1'..='9') = key.code
    {
        return Some(Action::Type(digit));
    }
    keys.action(&name)
}

/// A key as the table writes it: `s`, `G`, `tab`, `shift-tab`, `ctrl-c`, `alt-x`.
fn key_name(key: KeyEvent) -> Option<String> {
    let base = match key.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(letter) => letter.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => "shift-tab".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::BackTab => "shift-tab".to_owned(),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::PageUp => "pageup".to_owned(),
        KeyCode::PageDown => "pagedown".to_owned(),
        KeyCode::Insert => "insert".to_owned(),
        KeyCode::Delete => "delete".to_owned(),
        KeyCode::F(number) => format!("f{number}"),
        _ => return None,
    };
    let held = |modifier, name: &'static str| if key.modifiers.contains(modifier) { name } else { "" };
    Some(format!("{}{}{base}", held(KeyModifiers::CONTROL, "ctrl-"), held(KeyModifiers::ALT, "alt-")))
}

#[cfg(test)]
mod tests {
    use super::super::command::COMMANDS;
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn every_row_is_reached_by_each_of_its_keys() {
        for row in COMMANDS {
            for key in row.keys {
                let (modifiers, base) =
                    key.strip_prefix("ctrl-").map_or((KeyModifiers::NONE, *key), |base| (KeyModifiers::CONTROL, base));
                let code = match base {
                    "space" => KeyCode::Char(' '),
                    "enter" => KeyCode::Enter,
                    "esc" => KeyCode::Esc,
                    "tab" => KeyCode::Tab,
                    "shift-tab" => KeyCode::BackTab,
                    "up" => KeyCode::Up,
                    "down" => KeyCode::Down,
                    "left" => KeyCode::Left,
                    "right" => KeyCode::Right,
                    "home" => KeyCode::Home,
                    "end" => KeyCode::End,
                    "pageup" => KeyCode::PageUp,
                    "pagedown" => KeyCode::PageDown,
                    "backspace" => KeyCode::Backspace,
                    "delete" => KeyCode::Delete,
                    "f9" => KeyCode::F(9),
                    letter => KeyCode::Char(letter.chars().next().unwrap()),
                };
                assert_eq!(
                    action(&press(code, modifiers), Mode::Commands, &Keys::default()),
                    Some(row.action),
                    "`{key}`"
                );
            }
        }
    }

    #[test]
    fn letters_are_text_while_something_is_typed() {
        assert_eq!(
            action(&press(KeyCode::Char('q'), KeyModifiers::NONE), Mode::Text, &Keys::default()),
            Some(Action::Type('q'))
        );
        assert_eq!(
            action(&press(KeyCode::Char(' '), KeyModifiers::NONE), Mode::Text, &Keys::default()),
            Some(Action::Type(' '))
        );
        assert_eq!(action(&press(KeyCode::Esc, KeyModifiers::NONE), Mode::Text, &Keys::default()), Some(Action::Close));
        assert_eq!(
            action(&press(KeyCode::Char('c'), KeyModifiers::CONTROL), Mode::Text, &Keys::default()),
            Some(Action::Quit)
        );
    }
}
