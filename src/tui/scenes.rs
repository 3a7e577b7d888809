//! The menu of scenes: which of them a client of the program is to play.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::command::Action;
use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, listed};
use super::overlay::{Overlay, centred};
use super::scene::{Clients, SCENES, Scene, SceneRow, scene};
use super::text::{pad, width};
use super::theme::Role;
use super::ui::{Effect, Ui};

impl Ui<'_> {
    /// Opens the menu on top of what there is, or says why there is none.
    pub(super) fn open_scenes(&mut self, below: Option<Box<Overlay>>) {
        match self.clients {
            Clients::Impossible(why) => {
                self.overlay = below.map(|below| *below);
                self.notify(why);
            }
            Clients::Connected(_) => {
                let at = self.clients.scenes().position(|row| row.scene == self.last_scene).unwrap_or(0);
                self.overlay = Some(Overlay::Scenes { at, below });
            }
        }
    }

    /// In the menu. The overlay has been taken out; what was below comes back with the choice.
    pub(super) fn act_in_scenes(
        &mut self,
        at: usize,
        below: Option<Box<Overlay>>,
        action: Action,
        by: isize,
    ) -> Effect {
        let rows: Vec<&SceneRow> = self.clients.scenes().collect();
        let picked = match action {
            Action::Toggle => Some(at),
            // Again what was chosen last, if that is still there.
            Action::Request => rows.iter().position(|row| row.scene == self.last_scene),
            Action::Type(digit) => digit.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1)),
            Action::Click(column, row) => {
                let inside = inside(area(self.layout().body, self.clients));
                let is_in = inside.contains(Position::new(column, row));
                is_in.then(|| usize::from(row - inside.y) + listed(at, usize::from(inside.height), rows.len()))
            }
            _ => None,
        };
        if let Some(row) = picked.and_then(|picked| rows.get(picked)) {
            self.overlay = below.map(|below| *below);
            return self.play_scene(row.scene);
        }
        let last = rows.len().saturating_sub(1);
        let at = match action {
            Action::ToStart => 0,
            Action::ToLive => last,
            _ => at.saturating_add_signed(by),
        };
        self.overlay = Some(Overlay::Scenes { at: at.min(last), below });
        Effect::None
    }

    fn play_scene(&mut self, scene: Scene) -> Effect {
        self.last_scene = scene;
        // What comes of it is seen at the end.
        (self.cursor, self.play, self.seek) = (None, None, None);
        Effect::Send(scene)
    }
}

/// Where the menu lies.
fn area(body: Rect, clients: Clients) -> Rect {
    centred(body, 74, clients.scenes().count() as u16 + 2)
}

/// Draws the menu.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let connected = match ui.clients {
        Clients::Connected(1) => "A client, 1 is connected".to_owned(),
        Clients::Connected(count) if count > 1 => format!("A client, {count} are connected"),
        _ => "A client".to_owned(),
    };
    let again = format!("{} again: {}", ui.keys.shown("request"), scene(ui.last_scene).name);
    let inner = framed(buffer, area(body, ui.clients), ui, &connected, &again, true);
    let theme = &ui.theme;
    let names = SCENES.iter().map(|row| width(row.name)).max().unwrap_or(0);
    let lines = ui.clients.scenes().enumerate().map(|(index, row)| {
        let mark = if index == at { "→" } else { " " };
        let key = Span::styled(format!(" {mark} {}  ", index + 1), theme.style(Role::Key));
        let name = Span::raw(pad(row.name, names));
        let room = usize::from(inner.width).saturating_sub(names + 8);
        let line =
            Line::from(vec![key, name, Span::raw("  "), Span::styled(pad(row.doc, room), theme.style(Role::Dim))]);
        if index == at { chosen(line, ui) } else { line }
    });
    let lines: Vec<Line<'static>> = lines.collect();
    put_lines(buffer, inner, &lines, listed(at, usize::from(inner.height), lines.len()));
}
