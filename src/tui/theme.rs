//! Every colour, and what is drawn where there is no colour or no Unicode.
//!
//! Roles are named by meaning and mapped to the terminal's own 16 colours, so that light and dark backgrounds both
//! stay readable: no white, no black, no yellow on its own. One accent says *where we are*. State is never told by
//! colour alone; each view also writes a word or a shape. Without colour (`NO_COLOR`) only modifiers are used.
//!
//! A person may choose a base for a light or a dark background, which names its colours by their number among 256, and
//! a colour for each role.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What something on the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// Whose colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// The terminal's own 16, whatever they are: readable on light and dark.
    #[default]
    Auto,
    /// Colours for a light background.
    Light,
    /// Colours for a dark background.
    Dark,
    /// None: bold, dim, underlined and reversed alone.
    Mono,
}

impl Base {
    /// All bases.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Light, Self::Dark, Self::Mono];

    /// Its name in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Mono => "mono",
        }
    }
}

/// The roles that a colour can be chosen for, by their names in the settings, with a few words on each.
pub const COLOURED: &[(&str, Role, &str)] = &[
    ("accent", Role::Accent, "where we are: the paused lane, the cursor"),
    ("focus", Role::Focus, "the border of the pane that has the keys"),
    ("border", Role::Border, "the other borders"),
    ("heading", Role::Heading, "headings"),
    ("dim", Role::Dim, "labels, file names, what is over"),
    ("good", Role::Good, "it runs, it holds, it is true"),
    ("bad", Role::Bad, "it is wrong, it is gone"),
    ("doubt", Role::Doubt, "it needs a second look; notices"),
    ("new", Role::New, "it is new"),
    ("busy", Role::Busy, "a stretch on a thread"),
    ("waiting", Role::Waiting, "a stretch of waiting"),
    ("landmark", Role::Landmark, "the lines where the loop starts and serves"),
    ("key", Role::Key, "a key in the last line and in help"),
    ("keyword", Role::Keyword, "a keyword of the source"),
    ("string", Role::Text, "a string of the source, code in a page"),
    ("comment", Role::Comment, "a comment of the source"),
    ("type", Role::Type, "a type of the source"),
    ("number", Role::Number, "a number of the source"),
    ("macro", Role::Macro, "a macro or an attribute of the source"),
];

/// The names of the 16 colours in the settings.
pub const COLOURS: &[(&str, Color)] = &[
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// A colour by its name in the settings: one of the 16, `default` for the terminal's own foreground, or `#rrggbb`.
#[must_use]
pub fn colour(name: &str) -> Option<Color> {
    if name == "default" {
        return Some(Color::Reset);
    }
    if let Some(digits) = name.strip_prefix('#') {
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(Color::from_u32);
    }
    COLOURS.iter().find(|entry| entry.0 == name).map(|entry| entry.1)
}

/// How many roles there are.
const ROLES: usize = Role::Macro as usize + 1;

/// How roles look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Colours may be used.
    pub has_colour: bool,
    /// Only ASCII may be drawn.
    pub is_ascii: bool,
    /// Whose colours are used.
    pub base: Base,
    /// What a person has chosen instead, by role.
    pub chosen: [Option<Color>; ROLES],
}

impl Default for Theme {
    fn default() -> Self {
        Self { has_colour: true, is_ascii: false, base: Base::Auto, chosen: [None; ROLES] }
    }
}

impl Role {
    /// What a piece of source text is, in a word; none for ordinary text.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Text => "string",
            Self::Comment => "comment",
            Self::Type => "type",
            Self::Number => "number",
            Self::Macro => "macro",
            _ => "",
        }
    }
}

impl Theme {
    /// This theme without colours if the environment asks for that: any non-empty `NO_COLOR` does.
    #[must_use]
    pub fn in_env(self) -> Self {
        let has_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { has_colour: self.has_colour && has_colour, ..self }
    }

    /// This theme with another colour for a role.
    #[must_use]
    pub fn with(mut self, role: Role, colour: Color) -> Self {
        self.chosen[role as usize] = Some(colour);
        self
    }

    /// How a role looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let modifier = match role {
            Role::Plain | Role::Good | Role::Busy | Role::Landmark | Role::Bar => Modifier::empty(),
            Role::Keyword | Role::Text | Role::Type | Role::Number | Role::Macro => Modifier::empty(),
            Role::Accent | Role::Focus | Role::Heading | Role::Key => Modifier::BOLD,
            Role::Bad | Role::Doubt | Role::New => Modifier::BOLD,
            Role::Border | Role::Dim | Role::Waiting => Modifier::DIM,
            Role::Comment => Modifier::DIM.union(Modifier::ITALIC),
            Role::Selected => Modifier::REVERSED,
            Role::SelectedElsewhere => Modifier::BOLD.union(Modifier::UNDERLINED),
        };
        let style = Style::new();
        if !self.has_colour || self.base == Base::Mono {
            return style.add_modifier(modifier);
        }
        match self.chosen[role as usize].or_else(|| self.base.colour(role)) {
            // A colour of its own already is quieter; both together vanish on many terminals.
            Some(colour) if colour != Color::Reset => style.fg(colour).add_modifier(modifier - Modifier::DIM),
            _ => style.add_modifier(modifier),
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

impl Base {
    fn colour(self, role: Role) -> Option<Color> {
        // Auto, light, dark. The last two by number among the 256, as more terminals have those than have all.
        let (auto, light, dark) = match role {
            Role::Accent | Role::Focus | Role::Key => (Some(Color::Cyan), 25, 81),
            Role::Type => (Some(Color::Cyan), 24, 116),
            Role::Good | Role::Busy | Role::New => (Some(Color::Green), 28, 114),
            Role::Text => (Some(Color::Green), 22, 150),
            Role::Bad => (Some(Color::Red), 124, 203),
            Role::Macro => (Some(Color::Red), 130, 216),
            Role::Doubt | Role::Landmark => (Some(Color::Magenta), 90, 177),
            Role::Keyword => (Some(Color::Magenta), 54, 176),
            Role::Number => (Some(Color::Blue), 18, 111),
            Role::Border | Role::Dim | Role::Waiting | Role::Comment => (None, 241, 246),
            Role::Plain | Role::Heading | Role::Selected | Role::SelectedElsewhere | Role::Bar => return None,
        };
        match self {
            Self::Auto => auto,
            Self::Light => Some(Color::Indexed(light)),
            Self::Dark => Some(Color::Indexed(dark)),
            Self::Mono => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The sRGB luminance of one of the 256 colours behind the first 16, by WCAG.
    fn luminance(colour: Color) -> f64 {
        let Color::Indexed(number) = colour else { panic!("{colour:?}") };
        let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
        let parts = match number {
            16..=231 => [(number - 16) / 36, (number - 16) / 6 % 6, (number - 16) % 6].map(level),
            _ => [8 + 10 * (number - 232); 3],
        };
        let [red, green, blue] = parts.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn light_and_dark_are_readable_on_their_backgrounds() {
        for (name, role, _) in COLOURED {
            for (base, background) in [(Base::Light, 1.0), (Base::Dark, 0.0)] {
                let Some(colour) = base.colour(*role) else { continue };
                let (a, b) = (luminance(colour) + 0.05, background + 0.05);
                let contrast = f64::max(a, b) / f64::min(a, b);
                assert!(contrast >= 4.5, "{name} in {base:?}: {contrast:.1}");
            }
        }
    }

    #[test]
    fn colours_have_names_and_numbers() {
        assert_eq!(colour("cyan"), Some(Color::Cyan));
        assert_eq!(colour("#ff8000"), Some(Color::Rgb(255, 128, 0)));
        for bad in ["", "#", "#ff800", "#ff80000", "#gg0000", "#+f8000", "teal", "Cyan"] {
            assert_eq!(colour(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_chosen_colour_goes_before_the_base_and_mono_has_none() {
        let theme = Theme::default().with(Role::Accent, Color::Yellow);
        assert_eq!(theme.style(Role::Accent), Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD));
        assert_eq!(theme.style(Role::Key).fg, Some(Color::Cyan));
        assert_eq!(theme.with(Role::Dim, Color::Reset).style(Role::Dim), Theme::default().style(Role::Dim));
        let mono = Theme { base: Base::Mono, ..theme };
        assert_eq!(mono.style(Role::Accent), Style::new().add_modifier(Modifier::BOLD));
    }
}
