//! How a picture looks, and a drawn buffer as SVG.

use std::fmt::Write as _;

use anstyle::RgbColor;
use anstyle_svg::Term;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use spanwalk::tui::{Base, Theme};

/// A size in columns and rows, a theme, and the terminal's background.
#[derive(Clone, Copy)]
pub struct Look {
    pub size: (u16, u16),
    pub theme: Theme,
    pub is_light: bool,
    name: &'static str,
}

impl Look {
    /// On a dark terminal.
    pub fn dark(columns: u16, rows: u16) -> Self {
        Self { size: (columns, rows), theme: Theme::default(), is_light: false, name: "16-on-dark" }
    }

    /// On a light terminal.
    pub fn light(columns: u16, rows: u16) -> Self {
        let theme = Theme { base: Base::Light, ..Theme::default() };
        Self { size: (columns, rows), theme, is_light: true, name: "light" }
    }

    /// Every look at every size.
    pub fn every() -> impl Iterator<Item = Self> {
        let of = |base| Theme { base, ..Theme::default() };
        let looks = [
            ("light", of(Base::Light), true),
            ("dark", of(Base::Dark), false),
            ("16-on-light", Theme::default(), true),
            ("16-on-dark", Theme::default(), false),
            ("mono", of(Base::Mono), false),
            ("ascii", Theme { is_ascii: true, ..Theme::default() }, false),
        ];
        let sizes = [(20, 5), (80, 24), (120, 40), (200, 60)];
        sizes
            .into_iter()
            .flat_map(move |size| looks.map(|(name, theme, is_light)| Self { size, theme, is_light, name }))
    }

    /// `80x24-light`.
    pub fn name(&self) -> String {
        format!("{}x{}-{}", self.size.0, self.size.1, self.name)
    }
}

/// A drawn buffer as a picture of a terminal.
pub fn svg(buffer: &Buffer, is_light: bool) -> String {
    let term = Term::new().palette(anstyle_svg::WIN10_CONSOLE).min_width_px(0);
    let (ink, paper) = (RgbColor(28, 28, 28), RgbColor(255, 255, 255));
    let term = if is_light { term.fg_color(ink.into()).bg_color(paper.into()) } else { term };
    term.render_svg(&ansi(buffer, is_light))
}

/// A drawn buffer as a terminal would be sent it.
fn ansi(buffer: &Buffer, is_light: bool) -> String {
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut style = None;
        for cell in row {
            if style != Some(cell.style()) {
                write!(text, "\x1b[0{}m", codes(cell.style(), is_light)).expect("writing to a string succeeds");
                style = Some(cell.style());
            }
            text.push_str(cell.symbol());
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

fn codes(style: Style, is_light: bool) -> String {
    let mut codes = String::new();
    let modifiers = [(Modifier::BOLD, 1), (Modifier::ITALIC, 3), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)];
    for (modifier, code) in modifiers {
        if style.add_modifier.contains(modifier) {
            write!(codes, ";{code}").expect("writing to a string succeeds");
        }
    }
    // In a picture nothing is dimmed: this is halfway between the ink and the paper, as terminals have it.
    if style.add_modifier.contains(Modifier::DIM) && matches!(style.fg, None | Some(Color::Reset)) {
        codes.push_str(if is_light { ";38;2;118;118;118" } else { ";38;2;128;128;128" });
    }
    for (colour, base) in [(style.fg, 30), (style.bg, 40)] {
        if let Some(Color::Indexed(number)) = colour {
            write!(codes, ";{};5;{number}", base + 8).expect("writing to a string succeeds");
        } else if let Some(number) = colour.and_then(number) {
            let code = if number < 8 { base + number } else { base + 60 + number - 8 };
            write!(codes, ";{code}").expect("writing to a string succeeds");
        }
    }
    codes
}

/// The number of one of the 16 colours.
fn number(colour: Color) -> Option<u16> {
    use Color::{
        Black, Blue, Cyan, DarkGray, Gray, Green, LightBlue, LightCyan, LightGreen, LightMagenta, LightRed,
        LightYellow, Magenta, Red, White, Yellow,
    };
    let order = [
        Black,
        Red,
        Green,
        Yellow,
        Blue,
        Magenta,
        Cyan,
        Gray,
        DarkGray,
        LightRed,
        LightGreen,
        LightYellow,
        LightBlue,
        LightMagenta,
        LightCyan,
        White,
    ];
    order.iter().position(|other| *other == colour).map(|at| at as u16)
}
