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
        let mut is_in_word = false;
        for cell in &mut buffer.content {
            let first = cell.symbol().chars().next().unwrap_or(' ');
            if !cell.symbol().is_ascii() {
                // A word that was cut must not look like the end of a sentence.
                cell.set_char(if first == '…' && is_in_word { '~' } else { ascii(first) });
            }
            is_in_word = !first.is_whitespace();
        }
    }
}

impl Base {
    fn colour(self, role: Role) -> Option<Color> {
        // Auto, light, dark. Of the 16 the shade that is the more readable where it is read worst: bright red, and no bright
        // green. The last two by number among the 256, as more terminals have those than have all.
        let (auto, light, dark) = match role {
            Role::Accent | Role::Focus => (Some(Color::Cyan), 25, 81),
            Role::Type => (Some(Color::LightBlue), 23, 109),
            Role::Good | Role::Busy | Role::New => (Some(Color::Green), 22, 114),
            Role::Text => (Some(Color::Green), 22, 150),
            Role::Bad => (Some(Color::LightRed), 124, 210),
            Role::Macro => (Some(Color::LightRed), 94, 216),
            Role::Doubt | Role::Landmark => (Some(Color::LightMagenta), 90, 177),
            Role::Keyword => (Some(Color::LightMagenta), 54, 176),
            Role::Number => (Some(Color::LightBlue), 18, 111),
            Role::Border | Role::Dim | Role::Waiting | Role::Comment => (None, 241, 247),
            Role::Plain | Role::Heading | Role::Key | Role::Selected | Role::SelectedElsewhere | Role::Bar => {
                return None;
            }
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
        '⚑' => 'P',
        '≈' => '~',
        '“' | '”' | '„' => '"',
        '‘' | '’' => '\'',
        '•' => '*',
        '○' => 'o',
        '●' => '@',
        'µ' | 'μ' => 'u',
        '\u{2500}'..='\u{257f}' => '+',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue of one of the 256 colours behind the first 16.
    fn rgb(number: u8) -> [u8; 3] {
        let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
        match number {
            16..=231 => [(number - 16) / 36, (number - 16) / 6 % 6, (number - 16) % 6].map(level),
            _ => [8 + 10 * (number - 232); 3],
        }
    }

    /// How a pair of colours can be told apart, by WCAG: from 1 to 21.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let luminance = |colour: [u8; 3]| {
            let [red, green, blue] = colour.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        f64::max(a, b) / f64::min(a, b)
    }

    fn hex(colour: u32) -> [u8; 3] {
        let [_, red, green, blue] = colour.to_be_bytes();
        [red, green, blue]
    }

    /// Backgrounds that terminals come with: pure, and those of themes that many use.
    const PAPER: [u32; 3] = [0xff_ffff, 0xfd_f6e3, 0xee_eeee];
    const NIGHT: [u32; 5] = [0x00_0000, 0x1e_1e1e, 0x28_2c34, 0x2e_3436, 0x00_2b36];

    #[test]
    fn light_and_dark_are_readable_on_their_backgrounds() {
        for (name, role, _) in COLOURED {
            for (base, backgrounds) in [(Base::Light, &PAPER[..]), (Base::Dark, &NIGHT[..])] {
                let Some(colour) = base.colour(*role) else { continue };
                let Color::Indexed(number) = colour else { panic!("{name}: {colour:?}") };
                // Marks need less; text what WCAG asks of it.
                let is_mark = matches!(role, Role::Border | Role::Busy | Role::Waiting | Role::Landmark);
                let least = if is_mark { 3.0 } else { 4.5 };
                for background in backgrounds {
                    let contrast = contrast(rgb(number), hex(*background));
                    assert!(contrast >= least, "{name} in {base:?} on {background:06x}: {contrast:.1}");
                }
            }
        }
    }

    /// The 16 colours of some terminals in the order of their numbers, and a dark and a light background of each.
    #[rustfmt::skip]
    const TERMINALS: [(&str, [u32; 16], [u32; 2]); 5] = [
        ("xterm", [0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5, 0x7f_7f7f,
            0xff_0000, 0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff], [0x00_0000, 0xff_ffff]),
        ("Windows", [0x0c_0c0c, 0xc5_0f1f, 0x13_a10e, 0xc1_9c00, 0x00_37da, 0x88_1798, 0x3a_96dd, 0xcc_cccc, 0x76_7676,
            0xe7_4856, 0x16_c60c, 0xf9_f1a5, 0x3b_78ff, 0xb4_009e, 0x61_d6d6, 0xf2_f2f2], [0x0c_0c0c, 0xff_ffff]),
        ("tango", [0x2e_3436, 0xcc_0000, 0x4e_9a06, 0xc4_a000, 0x34_65a4, 0x75_507b, 0x06_989a, 0xd3_d7cf, 0x55_5753,
            0xef_2929, 0x8a_e234, 0xfc_e94f, 0x72_9fcf, 0xad_7fa8, 0x34_e2e2, 0xee_eeec], [0x2e_3436, 0xff_ffff]),
        ("macOS", [0x00_0000, 0xc2_3621, 0x25_bc24, 0xad_ad27, 0x49_2ee1, 0xd3_38d3, 0x33_bbc8, 0xcb_cccd, 0x81_8383,
            0xfc_391f, 0x31_e722, 0xea_ec23, 0x58_33ff, 0xf9_35f8, 0x14_f0f0, 0xe9_ebeb], [0x00_0000, 0xff_ffff]),
        ("solarized", [0x07_3642, 0xdc_322f, 0x85_9900, 0xb5_8900, 0x26_8bd2, 0xd3_3682, 0x2a_a198, 0xee_e8d5, 0x00_2b36,
            0xcb_4b16, 0x58_6e75, 0x65_7b83, 0x83_9496, 0x6c_71c4, 0x93_a1a1, 0xfd_f6e3], [0x00_2b36, 0xfd_f6e3]),
    ];

    /// The worst that a colour by its number is on any of those.
    fn worst(number: usize) -> f64 {
        let all = TERMINALS.iter().flat_map(|(_, colours, backgrounds)| {
            backgrounds.map(|background| contrast(hex(colours[number]), hex(background)))
        });
        all.fold(21.0, f64::min)
    }

    #[test]
    fn of_the_16_colours_the_shade_is_taken_that_is_read_best_where_it_is_read_worst() {
        for (name, role, _) in COLOURED {
            let Some(colour) = Base::Auto.colour(*role) else { continue };
            let number = COLOURS.iter().position(|entry| entry.1 == colour).expect("one of the 16");
            // The same hue, dark or bright.
            assert!(worst(number) >= worst(number ^ 8), "{name}: {:.1}, not {:.1}", worst(number), worst(number ^ 8));
            // What the terminal's own colours allow; words and shapes say the same.
            assert!(worst(number) >= 1.95, "{name}: {:.2}", worst(number));
        }
    }

    #[test]
    fn nothing_else_has_the_colour_of_where_we_are() {
        for base in Base::ALL {
            for (name, role, _) in COLOURED.iter().filter(|entry| !matches!(entry.1, Role::Accent | Role::Focus)) {
                let colour = base.colour(*role);
                assert!(colour.is_none() || colour != base.colour(Role::Accent), "{name} in {base:?}");
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
        assert_eq!(theme.style(Role::Focus).fg, Some(Color::Cyan));
        assert_eq!(theme.with(Role::Dim, Color::Reset).style(Role::Dim), Theme::default().style(Role::Dim));
        let mono = Theme { base: Base::Mono, ..theme };
        assert_eq!(mono.style(Role::Accent), Style::new().add_modifier(Modifier::BOLD));
    }
}
