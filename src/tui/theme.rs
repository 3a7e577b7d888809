//! Every colour, and what is drawn where there is no colour or no Unicode.
//!
//! Roles are named by meaning and mapped to the terminal's own 16 colours, so that light and dark backgrounds both
//! stay readable: no white, no black, no yellow on its own. One accent says *where we are*. State is never told by
//! colour alone; each view also writes a word or a shape. Without colour (`NO_COLOR`) only modifiers are used.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What something on the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Plain,
    /// Where we are: the paused lane, its innermost frame, the cursor.
    Accent,
    /// The border and title of the pane that has the keys.
    Focus,
    /// The border of the other panes.
    Border,
    /// A heading.
    Heading,
    /// Less important: labels, file names, what is over.
    Dim,
    /// It runs, it holds, it is true.
    Good,
    /// It is wrong, it is gone.
    Bad,
    /// It needs a second look.
    Doubt,
    /// It is new, or missing from the report.
    New,
    /// The selected row of the pane that has the keys.
    Selected,
    /// The selected row of another pane.
    SelectedElsewhere,
    /// A stretch on a thread.
    Busy,
    /// A stretch of waiting.
    Waiting,
    /// The lines where the loop starts and serves.
    Landmark,
    /// The status line and the hint line.
    Bar,
    /// A key in the hint line and in help.
    Key,
    /// A keyword of the source.
    Keyword,
    /// A string of the source, or code in a page.
    Text,
    /// A comment of the source.
    Comment,
    /// A type of the source.
    Type,
    /// A number of the source.
    Number,
    /// An attribute or a macro of the source.
    Macro,
}

/// How roles look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Colours may be used.
    pub has_colour: bool,
    /// Only ASCII may be drawn.
    pub is_ascii: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self { has_colour: true, is_ascii: false }
    }
}

impl Theme {
    /// The theme that the environment asks for: any non-empty `NO_COLOR` switches colours off.
    #[must_use]
    pub fn from_env(is_ascii: bool) -> Self {
        let has_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { has_colour, is_ascii }
    }

    /// How a role looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let (colour, modifier) = match role {
            Role::Plain => (None, Modifier::empty()),
            Role::Accent => (Some(Color::Cyan), Modifier::BOLD),
            Role::Focus => (Some(Color::Cyan), Modifier::BOLD),
            Role::Border | Role::Dim => (None, Modifier::DIM),
            Role::Heading => (None, Modifier::BOLD),
            Role::Good | Role::Busy => (Some(Color::Green), Modifier::empty()),
            Role::Bad => (Some(Color::Red), Modifier::BOLD),
            Role::Doubt => (Some(Color::Magenta), Modifier::BOLD),
            Role::New => (Some(Color::Green), Modifier::BOLD),
            Role::Selected => (None, Modifier::REVERSED),
            Role::SelectedElsewhere => (None, Modifier::BOLD.union(Modifier::UNDERLINED)),
            Role::Waiting => (None, Modifier::DIM),
            Role::Landmark => (Some(Color::Magenta), Modifier::empty()),
            Role::Bar => (None, Modifier::empty()),
            Role::Key => (Some(Color::Cyan), Modifier::BOLD),
            Role::Keyword => (Some(Color::Magenta), Modifier::empty()),
            Role::Text => (Some(Color::Green), Modifier::empty()),
            Role::Comment => (None, Modifier::DIM.union(Modifier::ITALIC)),
            Role::Type => (Some(Color::Cyan), Modifier::empty()),
            Role::Number => (Some(Color::Blue), Modifier::empty()),
            Role::Macro => (Some(Color::Red), Modifier::empty()),
        };
        match colour {
            // Grey already is dim; both together vanish on many terminals.
            Some(Color::DarkGray) if self.has_colour => {
                Style::new().fg(Color::DarkGray).add_modifier(modifier - Modifier::DIM)
            }
            Some(colour) if self.has_colour => Style::new().fg(colour).add_modifier(modifier),
            _ => Style::new().add_modifier(modifier),
        }
    }

    /// The last touch on a drawn buffer: nothing but ASCII where that is asked for.
    pub(super) fn finish(&self, buffer: &mut Buffer) {
        if !self.is_ascii {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let plain = cell.symbol().chars().next().map_or(' ', ascii);
                cell.set_char(plain);
            }
        }
    }
}

fn ascii(mark: char) -> char {
    match mark {
        '─' | '—' | '–' | '−' | '╴' | '╶' => '-',
        '│' | '┃' | '▌' if mark != '▌' => '|',
        '▐' => '[',
        '▌' => ']',
        '━' => '=',
        '╌' | '·' | '…' => '.',
        '⇣' | '▾' | '▼' | '↓' => 'v',
        '⇡' | '▴' | '↑' => '^',
        '┊' => ':',
        '┆' => '!',
        '▁' | '▂' => '_',
        '▃' | '▄' | '▅' => 'o',
        '▆' | '▇' => '#',
        '▓' | '█' | '■' | '◆' => '#',
        '░' => '.',
        '▸' | '→' | '▶' | '›' => '>',
        '◂' | '◀' | '←' | '‹' => '<',
        '‖' => '=',
        '✓' => '*',
        '✗' | '×' => 'x',
        '≈' => '~',
        '“' | '”' | '„' => '"',
        '‘' | '’' => '\'',
        '•' => '*',
        '○' => 'o',
        'µ' | 'μ' => 'u',
        '\u{2500}'..='\u{257f}' => '+',
        _ => '?',
    }
}
