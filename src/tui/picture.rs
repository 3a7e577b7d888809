//! A drawn buffer as a picture of a terminal: SVG for pages, PNG for slides.
//!
//! ```text
//!   draw(buffer, &Ui) ──► Buffer + Paper ──┬─► svg    text in the viewer's own fixed-width font
//!                                          └─► png    glyphs of the font that is built in
//! ```

mod png;
mod svg;

use ratatui::style::Color;

pub use png::png;
pub use svg::svg;

/// What is behind the letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paper {
    /// A dark terminal.
    #[default]
    Dark,
    /// A light one, or paper.
    Light,
}

/// Red, green, blue.
type Rgb = [u8; 3];

/// The 16 colours of a terminal, as the SVG has them.
const SIXTEEN: [Rgb; 16] = [
    [12, 12, 12],
    [197, 15, 31],
    [19, 161, 14],
    [193, 156, 0],
    [0, 55, 218],
    [136, 23, 152],
    [58, 150, 221],
    [204, 204, 204],
    [118, 118, 118],
    [231, 72, 86],
    [22, 198, 12],
    [249, 241, 165],
    [59, 120, 255],
    [180, 0, 158],
    [97, 214, 214],
    [242, 242, 242],
];

impl Paper {
    /// The paper itself, and the ink of what has no colour.
    fn colours(self) -> (Rgb, Rgb) {
        match self {
            Self::Dark => (SIXTEEN[0], SIXTEEN[7]),
            Self::Light => ([255, 255, 255], [28, 28, 28]),
        }
    }

    /// What is dim and has no colour: about halfway between ink and paper, as terminals have it.
    fn dim(self) -> Rgb {
        match self {
            Self::Dark => [128; 3],
            Self::Light => [118; 3],
        }
    }
}

/// The place of one of the 16 colours among them.
fn number(colour: Color) -> Option<u8> {
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
    order.iter().position(|other| *other == colour).map(|at| at as u8)
}

/// A colour as red, green and blue; `None` is the ink, or the paper.
fn rgb(colour: Color) -> Option<Rgb> {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match colour {
        Color::Reset => None,
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(number @ 0..16) => Some(SIXTEEN[usize::from(number)]),
        Color::Indexed(number @ 16..=231) => {
            let at = number - 16;
            Some([level(at / 36), level(at / 6 % 6), level(at % 6)])
        }
        Color::Indexed(number) => Some([8 + 10 * (number - 232); 3]),
        named => number(named).map(|at| SIXTEEN[usize::from(at)]),
    }
}
