//! A drawn buffer as SVG: it is written as a terminal would be sent it, and a library draws that.

use std::fmt::Write as _;

use anstyle::RgbColor;
use anstyle_svg::Term;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use super::{Paper, number};

/// Columns from which on a picture is as wide as a page wants it.
const COLUMNS: u16 = 80;

/// The picture.
#[must_use]
pub fn svg(buffer: &Buffer, paper: Paper) -> String {
    let term = Term::new().palette(anstyle_svg::WIN10_CONSOLE);
    // Few columns are not to stand in a wide picture.
    let term = if buffer.area.width < COLUMNS { term.min_width_px(0) } else { term };
    let colour = |[red, green, blue]: super::Rgb| RgbColor(red, green, blue).into();
    let (behind, ink) = paper.colours();
    let term = if paper == Paper::Light { term.fg_color(colour(ink)).bg_color(colour(behind)) } else { term };
    term.render_svg(&ansi(buffer, paper))
}

/// A drawn buffer as a terminal would be sent it.
fn ansi(buffer: &Buffer, paper: Paper) -> String {
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut style = None;
        for cell in row {
            if style != Some(cell.style()) {
                let codes = codes(cell.style(), paper);
                write!(text, "\x1b[0{codes}m").expect("writing to a string succeeds");
                style = Some(cell.style());
            }
            text.push_str(cell.symbol());
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

fn codes(style: Style, paper: Paper) -> String {
    let mut codes = String::new();
    let mut push = |code: String| {
        codes.push(';');
        codes.push_str(&code);
    };
    let modifiers = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
    ];
    for (modifier, code) in modifiers {
        if !style.add_modifier.contains(modifier) {
            continue;
        }
        // In a picture nothing is dimmed: this is halfway between the ink and the paper, as terminals have it.
        if modifier == Modifier::DIM {
            if matches!(style.fg, None | Some(Color::Reset)) {
                let [red, green, blue] = paper.dim();
                push(format!("38;2;{red};{green};{blue}"));
            }
        } else {
            push(code.to_string());
        }
    }
    for (colour, base) in [(style.fg, 30_u8), (style.bg, 40)] {
        match colour {
            Some(Color::Indexed(number)) => push(format!("{};5;{number}", base + 8)),
            Some(Color::Rgb(red, green, blue)) => push(format!("{};2;{red};{green};{blue}", base + 8)),
            Some(named) => match number(named) {
                Some(number @ 0..8) => push((base + number).to_string()),
                Some(number) => push((base + 60 + number - 8).to_string()),
                None => {}
            },
            None => {}
        }
    }
    codes
}
