//! `spanwalk man` and `spanwalk completions`: made of the same arguments that are parsed, so that they cannot say something
//! else.

use std::fs;
use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::UsageError;
use super::args::{Args, CompletionsArgs, ManArgs};

/// What is said of every command.
const MANUAL: &str = "spanwalk manual";

/// Prints a page, or writes them all into a directory.
pub(super) fn man(args: &ManArgs) -> anyhow::Result<()> {
    let mut all = Args::command();
    all.build();
    if let Some(directory) = &args.dir {
        let cannot = || format!("cannot write manual pages into `{}`; name another directory", directory.display());
        fs::create_dir_all(directory).with_context(cannot)?;
        let names = all.get_subcommands().map(|command| command.get_name().to_owned());
        let pages: Vec<Option<String>> = names.filter(|name| name != "help").map(Some).chain([None]).collect();
        for name in pages {
            let file = name.as_ref().map_or("spanwalk.1".to_owned(), |name| format!("spanwalk-{name}.1"));
            fs::write(directory.join(file), page(&all, name.as_deref())?).with_context(cannot)?;
        }
        return Ok(());
    }
    let page = page(&all, args.command.as_deref())?;
    Ok(io::stdout().lock().write_all(&page)?)
}

/// The page of a command, or of the program.
fn page(all: &clap::Command, name: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let command = match name {
        None => all.clone(),
        Some(name) => {
            let found = all.get_subcommands().find(|command| command.get_name() == name);
            let names = || all.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join(", ");
            let found =
                found.ok_or_else(|| UsageError(format!("there is no command `{name}`; name one of {}", names())))?;
            found.clone()
        }
    };
    let after = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let has_subcommands = command.has_subcommands();
    let man = Man::new(command).manual(MANUAL).source(concat!("spanwalk ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    page.extend(after.into_iter().flat_map(|after| as_it_is(&after).into_bytes()));
    Ok(page)
}

/// Examples and what follows them, line by line: filled, as the library would have them, commands are not to be told apart.
fn as_it_is(after_help: &str) -> String {
    let mut text = ".SH EXAMPLES\n.nf\n".to_owned();
    for line in after_help.strip_prefix("Examples:\n").unwrap_or(after_help).lines() {
        if line.starts_with(['.', '\'']) {
            text += "\\&";
        }
        text += &line.replace('\\', "\\e").replace('-', "\\-");
        text.push('\n');
    }
    text + ".fi\n"
}

/// Prints the completions for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "spanwalk", &mut text);
    Ok(io::stdout().lock().write_all(&text)?)
}
