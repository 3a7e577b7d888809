//! How a picture looks, and a drawn buffer as SVG.

use ratatui::buffer::Buffer;
use spanwalk::tui::{Base, Paper, Theme};

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
    spanwalk::tui::picture::svg(buffer, if is_light { Paper::Light } else { Paper::Dark })
}
