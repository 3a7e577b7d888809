//! Which room may import which: the table of the design, held to the source.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, and what of ours each may import.
const MAY_IMPORT: [(&str, &[&str]); 8] = [
    ("trace", &[]),
    ("record", &["trace"]),
    ("file", &["trace"]),
    ("format", &["trace"]),
    ("lesson", &["trace"]),
    ("server", &[]),
    ("tui", &["trace", "lesson"]),
    ("cli", &["trace", "record", "file", "format", "lesson", "server", "tui"]),
];

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a source text names as `crate::room`, comments and lone braces taken apart.
fn imports(text: &str) -> Vec<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.trim_start().strip_prefix('{') else {
            found.push(word(after));
            continue;
        };
        // The names at the outermost level of the braces.
        let (mut depth, mut begins) = (1, true);
        for (at, letter) in list.char_indices() {
            if begins && !letter.is_whitespace() {
                found.push(word(&list[at..]));
                begins = false;
            }
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn a_room_imports_only_what_the_table_allows() {
    let rooms: Vec<&str> = MAY_IMPORT.iter().map(|(room, _)| *room).collect();
    let mut seen = 0;
    for (room, allowed) in MAY_IMPORT {
        let mut sources = vec![PathBuf::from(format!("src/{room}.rs"))];
        files(Path::new(&format!("src/{room}")), &mut sources);
        for path in sources {
            seen += 1;
            for import in imports(&fs::read_to_string(&path).unwrap()) {
                let is_fine = import == room || allowed.contains(&&*import) || !rooms.contains(&&*import);
                assert!(is_fine, "{}: the room `{room}` may not import `{import}`", path.display());
            }
        }
    }
    let mut all = Vec::new();
    files(Path::new("src"), &mut all);
    assert_eq!(seen + 2, all.len(), "a source file is in no room (lib.rs and main.rs aside)");
}

#[test]
fn imports_are_found_in_paths_and_lists() {
    let text = "use crate::trace::Log; // crate::tui\nuse crate::{record::{Gate, Key}, lesson}; crate::server::run()";
    assert_eq!(imports(text), ["trace", "record", "lesson", "server"]);
}
