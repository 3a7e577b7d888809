//! A drawn buffer as PNG: cell by cell, in the font that is built in, so that it looks the same everywhere.
//!
//! The font is DejaVu Sans Mono, of which the letters of Latin, Greek and Cyrillic, arrows, boxes and marks are kept. What it
//! has not is an empty box. Italics are upright. `LICENSE-DejaVu` is the font's licence.

use std::sync::OnceLock;

use fontdue::{Font, FontSettings};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::{Paper, Rgb, rgb};

const BOOK: &[u8] = include_bytes!("DejaVuSansMono.ttf");
const BOLD: &[u8] = include_bytes!("DejaVuSansMono-Bold.ttf");

/// A cell, in pixels.
const CELL: (usize, usize) = (12, 23);
/// From the top of a cell to the line that letters stand on.
const BASE: i32 = 18;
/// The size at which a letter is as wide as a cell: of 2048 units it has 1233.
const SIZE: f32 = CELL.0 as f32 * 2048.0 / 1233.0;
/// Around everything.
const MARGIN: usize = 12;

/// The picture, as the bytes of a file.
#[must_use]
pub fn png(buffer: &Buffer, paper: Paper) -> Vec<u8> {
    let columns = usize::from(buffer.area.width);
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, usize::from(buffer.area.height) * CELL.1 + 2 * MARGIN);
    let mut canvas = Canvas { width, pixels: paper.colours().0.repeat(width * height) };
    for (at, cell) in buffer.content.iter().enumerate() {
        canvas.cell((MARGIN + at % columns * CELL.0, MARGIN + at / columns * CELL.1), cell, paper);
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&canvas.pixels));
    written.expect("there is a pixel for each, and memory takes them all");
    bytes
}

struct Canvas {
    width: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn cell(&mut self, (x, y): (usize, usize), cell: &Cell, paper: Paper) {
        let (mut behind, mut ink) = colours(cell, paper);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut behind, &mut ink);
        }
        if behind != paper.colours().0 {
            self.fill((x, y), CELL, behind);
        }
        let face = if cell.modifier.contains(Modifier::BOLD) { face(&BOLD_FACE, BOLD) } else { face(&BOOK_FACE, BOOK) };
        for letter in cell.symbol().chars().filter(|letter| *letter != ' ') {
            self.letter((x, y), face, letter, ink);
        }
        if cell.modifier.contains(Modifier::UNDERLINED) {
            self.fill((x, y + BASE as usize + 2), (CELL.0, 1), ink);
        }
    }

    /// Puts a letter into a cell. What goes beyond the cell is cut: the ends of lines meet at its border.
    fn letter(&mut self, (x, y): (usize, usize), face: &Font, letter: char, ink: Rgb) {
        let (metrics, coverage) = face.rasterize(letter, SIZE);
        let top = BASE - metrics.ymin - metrics.height as i32;
        for (at, share) in coverage.iter().enumerate() {
            let column = metrics.xmin + (at % metrics.width) as i32;
            let row = top + (at / metrics.width) as i32;
            let is_inside = (0..CELL.0 as i32).contains(&column) && (0..CELL.1 as i32).contains(&row);
            if is_inside && *share > 0 {
                self.blend((x + column as usize, y + row as usize), ink, *share);
            }
        }
    }

    fn fill(&mut self, (x, y): (usize, usize), (width, height): (usize, usize), colour: Rgb) {
        for row in y..y + height {
            let begin = (row * self.width + x) * 3;
            self.pixels[begin..begin + width * 3].copy_from_slice(&colour.repeat(width));
        }
    }

    fn blend(&mut self, (x, y): (usize, usize), ink: Rgb, share: u8) {
        let begin = (y * self.width + x) * 3;
        for (pixel, ink) in self.pixels[begin..begin + 3].iter_mut().zip(ink) {
            let (share, rest) = (u32::from(share), 255 - u32::from(share));
            *pixel = ((u32::from(*pixel) * rest + u32::from(ink) * share + 127) / 255) as u8;
        }
    }
}

/// What is behind a cell's letter, and its ink.
fn colours(cell: &Cell, paper: Paper) -> (Rgb, Rgb) {
    let (behind, ink) = paper.colours();
    let is_dim = cell.modifier.contains(Modifier::DIM) && cell.fg == Color::Reset;
    let ink = if is_dim { paper.dim() } else { rgb(cell.fg).unwrap_or(ink) };
    (rgb(cell.bg).unwrap_or(behind), ink)
}

static BOOK_FACE: OnceLock<Font> = OnceLock::new();
static BOLD_FACE: OnceLock<Font> = OnceLock::new();

fn face(known: &'static OnceLock<Font>, bytes: &[u8]) -> &'static Font {
    known.get_or_init(|| {
        let settings = FontSettings { scale: SIZE, ..FontSettings::default() };
        Font::from_bytes(bytes, settings).expect("a test reads the built-in fonts")
    })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    /// The colour of the pixel in the middle of a cell, of a picture that is read back.
    fn middle(bytes: &[u8], column: usize) -> Rgb {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (x, y) = (MARGIN + column * CELL.0 + CELL.0 / 2, MARGIN + CELL.1 / 2);
        let at = (y * info.width as usize + x) * 3;
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    }

    #[test]
    fn a_picture_has_the_colours_of_its_cells() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        buffer.set_string(0, 0, "█", Style::new().fg(Color::Indexed(25)));
        buffer.set_string(1, 0, "█", Style::new().add_modifier(Modifier::DIM));
        buffer.set_string(2, 0, " ", Style::new().add_modifier(Modifier::REVERSED));
        let bytes = png(&buffer, Paper::Light);
        let found = [0, 1, 2, 3].map(|column| middle(&bytes, column));
        assert_eq!(found, [[0, 95, 175], [118; 3], [28; 3], [255; 3]]);
        assert_eq!(middle(&png(&buffer, Paper::Dark), 3), [12; 3]);
    }

    #[test]
    fn the_font_has_every_mark_of_the_screens() {
        let mut marks: Vec<char> = (' '..='~').collect();
        let files = std::fs::read_dir("src/tui").unwrap().map(|entry| entry.unwrap().path());
        for file in files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
            // What tests write in wide letters is no mark.
            let text = std::fs::read_to_string(file).unwrap();
            marks.extend(text.chars().filter(|letter| ('\u{a0}'..'\u{2e80}').contains(letter)));
        }
        assert!(marks.contains(&'┊') && marks.contains(&'⇣'));
        for bytes in [BOOK, BOLD] {
            let font = Font::from_bytes(bytes, FontSettings::default()).unwrap();
            for mark in &marks {
                assert_ne!(font.lookup_glyph_index(*mark), 0, "{mark}");
            }
        }
    }
}
