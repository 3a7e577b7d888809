//! `spanwalk shot`: a screen over a recording, as a picture.

use std::io::Write as _;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::args::ShotArgs;
use super::input::Input;
use super::output::Output;
use super::sources::BuiltIn;
use super::{UsageError, demo};
use crate::trace::{Log, Run, Status};
use crate::tui::{Base, Clients, Material, Paper, Restart, SCREENS, ScreenRow, Theme, Ui, draw, picture};

/// Draws it into a file.
pub(super) fn run(args: &ShotArgs) -> anyhow::Result<()> {
    let write = picture_of(&args.output)?;
    let screen = ScreenRow::named(&args.screen).ok_or_else(|| {
        let names: Vec<&str> = SCREENS.iter().map(|row| row.name).collect();
        UsageError(format!("no screen `{}`; there are {}", args.screen, names.join(", ")))
    })?;
    if screen.name == "matches" && args.search.is_none() {
        return Err(UsageError("`matches` lists what a query finds; give one with --search".to_owned()).into());
    }
    // What is wrong with the output is said before a long file is read.
    let mut output = Output::create(&args.output, args.force)?;
    let mut log = Log::new();
    Input::open(&args.file)?.read(&mut log)?;
    let book = demo::book(args.walkthrough.as_deref())?;
    let chain = book.chain();
    let material = Material { chain: &chain, book: &book, sources: &BuiltIn };
    let theme = Theme { base: args.theme, is_ascii: args.ascii, ..Theme::default() };
    let mut ui = Ui::new(log, material, args.size, theme);
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ui.set_program(name, Restart::default());
    ui.set_status(Status { run: Run::Over, detached: true, ..Status::default() });
    ui.set_clients(Clients::Impossible("this is a recording: there is no server that a client could talk to"));
    ui.show(screen, args.at.as_deref(), args.search.as_deref()).map_err(|why| anyhow::anyhow!(why))?;
    let mut buffer = Buffer::empty(Rect::new(0, 0, args.size.0, args.size.1));
    draw(&mut buffer, &ui);
    let paper = if matches!(args.theme, Base::Light | Base::Mono) { Paper::Light } else { Paper::Dark };
    output.write_all(&write(&buffer, paper)).map_err(|error| output.error(error))?;
    output.finish()
}

type Picture = fn(&Buffer, Paper) -> Vec<u8>;

/// How a picture with this file name is made.
fn picture_of(path: &Path) -> anyhow::Result<Picture> {
    match path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).as_deref() {
        Some("svg") => Ok(|buffer, paper| picture::svg(buffer, paper).into_bytes()),
        Some("png") => Ok(picture::png),
        _ => {
            let text = format!("`{}` is no name of a picture; name a file that ends in .svg or .png", path.display());
            Err(UsageError(text).into())
        }
    }
}
