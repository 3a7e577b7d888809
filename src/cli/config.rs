//! The file of settings: which keys, colours and layout a person wants. What is wrong in it is said in one line that names the
//! file, the line, the value and what to write instead.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use etcetera::BaseStrategy as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::tui::{self, Base, COLOURED, COLOURS, COMMANDS, FIXED, GROUPS, Keys, Preset, Theme};

/// What a person wants.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) layout: Option<Preset>,
    pub(super) is_ascii: bool,
    /// tmux is asked to pass on what is copied.
    pub(super) passes_through_tmux: bool,
    pub(super) keys: Keys,
    pub(super) theme: Theme,
}

/// Reads the file that was named, or this person's, if there is one.
///
/// # Errors
/// If it cannot be read, or something in it is wrong.
pub(super) fn read(named: Option<&Path>) -> anyhow::Result<Config> {
    let Some(path) = named.map(Path::to_owned).or_else(place) else { return Ok(Config::default()) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && is_absent(&error) => return Ok(Config::default()),
        Err(error) => {
            let remedy = "`spanwalk config` prints one to begin with";
            anyhow::bail!("cannot read the settings `{}`: {error}; {remedy}", path.display());
        }
    };
    parse(&text).map_err(|wrong| {
        let line = text[..wrong.at.min(text.len())].matches('\n').count() + 1;
        anyhow::anyhow!("{}:{line}: {}", path.display(), wrong.text)
    })
}

/// Nobody has written one.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Where this person's file is looked for.
fn place() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("spanwalk").join("config.toml"))
}

/// What is wrong, and at which byte.
#[derive(Debug)]
struct Wrong {
    at: usize,
    text: String,
}

fn wrong<T>(span: &Range<usize>, text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { at: span.start, text: text.into() })
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

/// The entries of a table in the order of the file, so that the first thing that is wrong is told.
fn entries<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Entry<'a, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|entry| entry.0.span().start);
    entries
}

fn parse(text: &str) -> Result<Config, Wrong> {
    let file = DeTable::parse(text).map_err(|error| Wrong {
        at: error.span().map_or(0, |span| span.start),
        text: format!("{}; `spanwalk config` shows how settings are written", error.message().replace('\n', ", ")),
    })?;
    let mut config = Config::default();
    for (name, value) in entries(file.get_ref()) {
        match name.get_ref().as_ref() {
            "layout" => {
                let text = string(value, "layout")?;
                let names = Preset::ALL.map(Preset::name);
                let unknown = || {
                    let nearest = nearest(text, names.into_iter());
                    format!("`{text}` is no layout{nearest}; there are {}", names.join(", "))
                };
                config.layout = match Preset::named(text) {
                    Some(preset) => Some(preset),
                    None => return wrong(&value.span(), unknown()),
                };
            }
            "ascii" => config.is_ascii = boolean(value, "ascii")?,
            "tmux-passthrough" => config.passes_through_tmux = boolean(value, "tmux-passthrough")?,
            "keys" => config.keys = keys(table(value, "keys")?)?,
            "theme" => config.theme = theme(table(value, "theme")?)?,
            other => {
                let known = ["layout", "ascii", "tmux-passthrough", "keys", "theme"];
                // A command that stands outside its table, most likely.
                let remedy = if COMMANDS.iter().any(|row| row.id == other) {
                    "; it is a command: write it below [keys]".to_owned()
                } else {
                    format!("{}; there are {}", nearest(other, known.into_iter()), known.join(", "))
                };
                return wrong(&name.span(), format!("`{other}` is no setting{remedy}"));
            }
        }
    }
    Ok(config)
}

fn keys(table: &DeTable<'_>) -> Result<Keys, Wrong> {
    let mut chosen: Vec<(String, Vec<String>)> = Vec::new();
    let mut taken: HashMap<String, String> = HashMap::new();
    for (id, value) in entries(table) {
        let name = id.get_ref().as_ref();
        if !COMMANDS.iter().any(|row| row.id == name) {
            let nearest = nearest(name, COMMANDS.iter().map(|row| row.id));
            return wrong(&id.span(), format!("`{name}` is no command{nearest}; `spanwalk config` lists all"));
        }
        let mut list = Vec::new();
        for (span, key) in strings(value, name)? {
            if !tui::is_key(key) {
                let how = "write it like s, G, space, tab, f5, pageup, ctrl-x or alt-x";
                return wrong(&span, format!("`{key}` for `{name}` is no key; {how}"));
            }
            if let Some((_, fixed)) = FIXED.iter().find(|fixed| fixed.0 == key && fixed.1 != name) {
                return wrong(&span, format!("`{key}` always means `{fixed}`; choose another key for `{name}`"));
            }
            match taken.insert(key.to_owned(), name.to_owned()) {
                Some(other) if other == name => {
                    return wrong(&span, format!("`{key}` stands twice for `{name}`; remove one"));
                }
                Some(other) => {
                    let remedy = format!("choose another key for `{name}` or `{other}`");
                    return wrong(&span, format!("`{key}` for `{name}` is the key of `{other}` already; {remedy}"));
                }
                None => list.push(key.to_owned()),
            }
        }
        chosen.push((name.to_owned(), list));
    }
    Ok(Keys::with(&chosen))
}

fn theme(table: &DeTable<'_>) -> Result<Theme, Wrong> {
    let mut theme = Theme::default();
    for (name, value) in entries(table) {
        let name_text = name.get_ref().as_ref();
        if name_text == "base" {
            let text = string(value, "base")?;
            match Base::ALL.into_iter().find(|base| base.name() == text) {
                Some(base) => theme.base = base,
                None => {
                    let names = Base::ALL.map(Base::name);
                    let nearest = nearest(text, names.into_iter());
                    return wrong(
                        &value.span(),
                        format!("`{text}` is no base{nearest}; there are {}", names.join(", ")),
                    );
                }
            }
        } else if let Some((_, role, _)) = COLOURED.iter().find(|entry| entry.0 == name_text) {
            let text = string(value, name_text)?;
            match tui::colour(text) {
                Some(colour) => theme = theme.with(*role, colour),
                None => {
                    let nearest = nearest(text, COLOURS.iter().map(|entry| entry.0));
                    let how = "write default, one of the 16 names such as bright-blue, or #rrggbb";
                    return wrong(&value.span(), format!("`{text}` for `{name_text}` is no colour{nearest}; {how}"));
                }
            }
        } else {
            let nearest = nearest(name_text, COLOURED.iter().map(|entry| entry.0));
            let how = "`spanwalk config` lists all";
            return wrong(&name.span(), format!("`{name_text}` is nothing that has a colour{nearest}; {how}"));
        }
    }
    Ok(theme)
}

/// `; did you mean …`, if something is near enough.
fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|name| (strsim::jaro_winkler(text, name), name)).filter(|near| near.0 > 0.8);
    let near = near.max_by(|a, b| a.0.total_cmp(&b.0));
    near.map_or_else(String::new, |near| format!("; did you mean `{}`", near.1))
}

fn table<'a, 'i>(value: &'a Spanned<DeValue<'i>>, name: &str) -> Result<&'a DeTable<'i>, Wrong> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => wrong(
            &value.span(),
            format!("`{name}` is a table; write [{name}] in a line of its own, and settings below"),
        ),
    }
}

fn string<'a>(value: &'a Spanned<DeValue<'_>>, name: &str) -> Result<&'a str, Wrong> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => wrong(&value.span(), format!("`{name}` needs a text; write it in quotes")),
    }
}

fn boolean(value: &Spanned<DeValue<'_>>, name: &str) -> Result<bool, Wrong> {
    match value.get_ref() {
        DeValue::Boolean(is_so) => Ok(*is_so),
        _ => wrong(&value.span(), format!("`{name}` is either true or false, without quotes")),
    }
}

/// A text, or a list of texts.
fn strings<'a>(value: &'a Spanned<DeValue<'_>>, name: &str) -> Result<Vec<(Range<usize>, &'a str)>, Wrong> {
    match value.get_ref() {
        DeValue::Array(list) => list.iter().map(|item| Ok((item.span(), string(item, name)?))).collect(),
        DeValue::String(text) => Ok(vec![(value.span(), text)]),
        _ => wrong(&value.span(), format!("`{name}` needs a key such as \"s\", or a list such as [\"s\", \"f5\"]")),
    }
}

/// Prints a file to begin with.
pub(super) fn print() -> anyhow::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(example().as_bytes()).context("cannot write to standard output")
}

/// A file of settings that changes nothing: everything in it is commented out, as it is without it.
pub(super) fn example() -> String {
    let mut out = String::from(
        "# Settings of spanwalk. Every line shows what is so without it; take the # before a name away to change it.\n",
    );
    if let Some(place) = place() {
        let _ = writeln!(out, "# Read from {} or from the file of --config.", place.display());
    }
    let names = |names: &[&str]| names.join(", ");
    let _ = write!(
        out,
        "
# The layout at first: {}. Without it the panes are as they were left.
#layout = \"lesson\"

# Draw with plain ASCII characters, as --ascii does.
#ascii = false

# Inside tmux: ask it to pass on what is copied as it is, which needs `set -g allow-passthrough on` there.
# Without this, `set -g set-clipboard on` does it.
#tmux-passthrough = false

[theme]
# Whose colours: {}. auto is the terminal's own 16. NO_COLOR in the environment is mono, always.
#base = \"auto\"
# A colour for each role: default, #rrggbb, or one of
#   {},
#   {}.
",
        names(&Preset::ALL.map(Preset::name)),
        names(&Base::ALL.map(Base::name)),
        names(&COLOURS[..8].iter().map(|entry| entry.0).collect::<Vec<_>>()),
        names(&COLOURS[8..].iter().map(|entry| entry.0).collect::<Vec<_>>()),
    );
    for (name, role, doc) in COLOURED {
        let colour = Theme::default().style(*role).fg;
        let colour = COLOURS.iter().find(|entry| Some(entry.1) == colour).map_or("default", |entry| entry.0);
        let setting = format!("#{name} = \"{colour}\"");
        let _ = writeln!(out, "{setting:24}# {doc}");
    }
    out.push_str("\n[keys]\n# A key or a list of keys for each command; [] takes its keys away, and the palette still has it. A key that you\n");
    out.push_str(
        "# choose is taken from the command that has it here. Keys are written like s, G, space, tab, shift-tab, f5,\n",
    );
    out.push_str("# pageup, ctrl-x, alt-x. Three are fixed: enter accepts, esc closes, ctrl-c leaves.\n");
    for group in GROUPS {
        let _ = writeln!(out, "\n# {group}");
        for row in COMMANDS.iter().filter(|row| row.group == group) {
            let list: Vec<String> = row.keys.iter().map(|key| format!("\"{key}\"")).collect();
            let keys = if let [key] = &list[..] { key.clone() } else { format!("[{}]", list.join(", ")) };
            let setting = format!("#{} = {keys}", row.id);
            let _ = writeln!(out, "{setting:32}# {}", row.doc.replace('`', ""));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;
    use crate::tui::Role;

    #[track_caller]
    fn refuses(text: &str, line: usize, said: &str) {
        let wrong = parse(text).expect_err("that is wrong");
        let at = text[..wrong.at].matches('\n').count() + 1;
        assert_eq!((at, &*wrong.text), (line, said));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_the_remedy() {
        refuses(
            "\n[keys]\nintoo = \"x\"\n",
            3,
            "`intoo` is no command; did you mean `into`; `spanwalk config` lists all",
        );
        refuses(
            "[keys]\ninto = \"s\"\nover = [\"n\", \"s\"]",
            3,
            "`s` for `over` is the key of `into` already; choose another key for `over` or `into`",
        );
        refuses("[keys]\ninto = [\"s\",\n\"s\"]", 3, "`s` stands twice for `into`; remove one");
        refuses(
            "[keys]\ninto = \"Ctrl-S\"",
            2,
            "`Ctrl-S` for `into` is no key; write it like s, G, space, tab, f5, pageup, ctrl-x or alt-x",
        );
        refuses("[keys]\ninto = \"esc\"", 2, "`esc` always means `close`; choose another key for `into`");
        refuses("[keys]\ninto = 5", 2, "`into` needs a key such as \"s\", or a list such as [\"s\", \"f5\"]");
        refuses(
            "[theme]\n\naccent = \"cian\"",
            3,
            "`cian` for `accent` is no colour; did you mean `cyan`; write default, one of the 16 names such as bright-blue, or #rrggbb",
        );
        refuses(
            "[theme]\naccent = \"#12345\"",
            2,
            "`#12345` for `accent` is no colour; write default, one of the 16 names such as bright-blue, or #rrggbb",
        );
        refuses(
            "[theme]\nacent = \"red\"",
            2,
            "`acent` is nothing that has a colour; did you mean `accent`; `spanwalk config` lists all",
        );
        refuses("[theme]\nbase = \"gloom\"", 2, "`gloom` is no base; there are auto, light, dark, mono");
        refuses(
            "layout = \"tiemline\"",
            1,
            "`tiemline` is no layout; did you mean `timeline`; there are lesson, stack, timeline, loop, code",
        );
        refuses("ascii = \"yes\"", 1, "`ascii` is either true or false, without quotes");
        refuses("keys = \"s\"", 1, "`keys` is a table; write [keys] in a line of its own, and settings below");
        refuses("\ninto = \"x\"", 2, "`into` is no setting; it is a command: write it below [keys]");
        refuses(
            "theem = 1",
            1,
            "`theem` is no setting; did you mean `theme`; there are layout, ascii, tmux-passthrough, keys, theme",
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_in_one_line() {
        let wrong = parse("ascii = true\nlayout = \n").expect_err("that is wrong");
        assert!(
            !wrong.text.contains('\n') && wrong.text.ends_with("`spanwalk config` shows how settings are written"),
            "{wrong:?}"
        );
        assert_eq!(parse("a = 1\na = 2").unwrap_err().at, 6);
    }

    #[test]
    fn what_is_right_is_taken() {
        let text = "layout = \"code\"\nascii = true\ntmux-passthrough = true\n[theme]\nbase = \"light\"\naccent = \"#ff8000\"\n[keys]\ninto = [\"J\", \"f11\"]\npause = []\n";
        let config = parse(text).unwrap();
        assert_eq!((config.layout, config.is_ascii, config.passes_through_tmux), (Some(Preset::Code), true, true));
        assert_eq!(config.theme.style(Role::Accent).fg, Some(Color::Rgb(255, 128, 0)));
        assert_eq!(config.theme.base, Base::Light);
        let into = COMMANDS.iter().find(|row| row.id == "into").unwrap();
        assert_eq!(config.keys.of(into), ["J", "f11"]);
    }

    #[test]
    fn the_example_changes_nothing_whether_commented_out_or_not() {
        let text = example();
        let defaults = format!("{:?}", Config::default());
        assert_eq!(format!("{:?}", parse(&text).unwrap()), defaults);
        let uncommented: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let config = parse(&uncommented).unwrap();
        assert_eq!((config.layout, &config.keys), (Some(Preset::Lesson), &Keys::default()));
        for (name, role, _) in COLOURED {
            assert_eq!(config.theme.style(*role), Theme::default().style(*role), "{name}");
        }
        assert_eq!(
            COLOURED.len() + COMMANDS.len() + 4,
            uncommented.lines().filter(|line| line.contains(" = ")).count()
        );
    }

    #[test]
    fn the_settings_of_the_readme_are_right() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("```toml\n").expect("the README shows settings");
        let config = parse(rest.split_once("```").expect("and ends them").0).unwrap();
        assert_eq!((config.layout, config.theme.base), (Some(Preset::Timeline), Base::Light));
    }
}
