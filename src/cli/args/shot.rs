//! What can be asked of `shot`: a screen, a place, a size, a look.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::tui::{Base, SCREENS};

/// Arguments of `shot`.
#[derive(Debug, clap::Args)]
#[command(after_help = SHOT_HELP.as_str())]
pub struct ShotArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,

    /// The picture to write: SVG or PNG, as its name ends.
    #[arg(short, long, value_name = "OUT")]
    pub(in crate::cli) output: PathBuf,

    /// Replace the picture if it exists.
    #[arg(long)]
    pub(in crate::cli) force: bool,

    /// The screen; the list is below.
    #[arg(long, value_name = "NAME", default_value = "lesson")]
    pub(in crate::cli) screen: String,

    /// Where the cursor is: a step's id such as hub.run, the name of a call, a time such as 1.2ms, a share such as 50%, #12 (a
    /// span), @340 (an event), loop, or serves. Without it, at the end.
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub(in crate::cli) at: Option<String>,

    /// Columns and rows, from 20x5 to 400x200.
    #[arg(long, value_name = "COLSxROWS", value_parser = screen_size, default_value = "120x40")]
    pub(in crate::cli) size: (u16, u16),

    /// The colours: auto (the 16 of a dark terminal), dark, or on white light or mono.
    #[arg(long, value_name = "NAME", value_parser = bases(), default_value = "auto")]
    pub(in crate::cli) theme: Base,

    /// Mark the calls that this query finds, such as 'name:spawn dur>1ms'.
    #[arg(long, value_name = "QUERY")]
    pub(in crate::cli) search: Option<String>,

    /// Read the lesson pages from this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) walkthrough: Option<PathBuf>,

    /// Draw with plain ASCII characters.
    #[arg(long)]
    pub(in crate::cli) ascii: bool,
}

/// Examples, and the table of screens.
static SHOT_HELP: LazyLock<String> = LazyLock::new(|| {
    let widest = SCREENS.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let screens = SCREENS.iter().map(|row| format!("\n  {:widest$}  {}", row.name, row.doc));
    let examples = "Examples:
  spanwalk shot a.spanwalk --at spawn -o spawn.svg      in the call of a step
  spanwalk shot a.spanwalk --screen moments -o three.png
  spanwalk shot a.spanwalk --theme light --size 200x60 --at loop -o loop.png";
    format!("{examples}\n\nScreens:{}", screens.collect::<String>())
});

fn bases() -> impl TypedValueParser<Value = Base> {
    let names = PossibleValuesParser::new(Base::ALL.map(Base::name));
    names.map(|name| Base::ALL.into_iter().find(|base| base.name() == name).expect("those are the names of all bases"))
}

/// Columns and rows of a picture.
fn screen_size(text: &str) -> Result<(u16, u16), String> {
    let parts =
        text.split_once(['x', 'X']).and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    let (columns, rows) = parts.ok_or("not a size; write columns and rows, such as 120x40")?;
    if !(20..=400).contains(&columns) || !(5..=200).contains(&rows) {
        return Err("no size of a picture; write one from 20x5 to 400x200".to_owned());
    }
    Ok((columns, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_columns_and_rows_within_limits() {
        assert_eq!(screen_size("120x40"), Ok((120, 40)));
        assert_eq!((screen_size("20x5"), screen_size("400x200")), (Ok((20, 5)), Ok((400, 200))));
        for bad in ["120", "x40", "120x", "19x40", "120x4", "401x40", "99999x40", "-1x5", "1.5x5"] {
            assert!(screen_size(bad).is_err(), "{bad:?}");
        }
    }
}
