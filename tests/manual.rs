//! Help, manual pages, completions and the version: what a new user looks at first.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output, Stdio};

fn run(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let Output { status, stdout, stderr } = command.args(args).stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let (_, help, _) = run(&["--help"]);
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

/// The long flags that a text of help has.
fn flags(help: &str) -> Vec<String> {
    let words = help.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let lines: Vec<&str> = lines.collect();
    let of_lines = |word: &&str| lines.iter().any(|line| line.contains(word));
    words
        .filter(of_lines)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-').to_owned())
        .collect()
}

#[test]
fn every_command_has_a_manual_page_with_every_flag_and_its_examples_line_by_line() {
    let scratch = std::env::temp_dir().join(format!("spanwalk-man-{}", std::process::id()));
    let directory = scratch.join("man1");
    let (code, out, err) = run(&["man", "--dir", directory.to_str().unwrap()]);
    assert_eq!((code, &*out, &*err), (0, "", ""));
    let names = commands();
    assert!(names.len() >= 8 && names.contains(&"worksheet".to_owned()), "{names:?}");
    for name in names {
        let page = std::fs::read_to_string(directory.join(format!("spanwalk-{name}.1"))).unwrap();
        assert_eq!(run(&["man", &name]), (0, page.clone(), String::new()));
        assert!(page.contains(&format!(".TH spanwalk-{name} 1")), "{page}");
        let (_, help, _) = run(&[&name, "--help"]);
        let flags = flags(&help);
        assert!(flags.contains(&"--help".to_owned()), "{help}");
        for flag in flags {
            assert!(page.contains(&flag.replace('-', "\\-")), "{flag} is not in the page of {name}");
        }
        if let Some((_, examples)) = help.split_once("Examples:\n") {
            for line in examples.lines() {
                assert!(line.chars().count() <= 80, "{line}");
                assert!(page.contains(&line.replace('\\', "\\e").replace('-', "\\-")), "{line}");
            }
            assert!(page.contains(".nf\n") && page.ends_with(".fi\n"));
        }
    }
    let page = std::fs::read_to_string(directory.join("spanwalk.1")).unwrap();
    assert!(page.contains("spanwalk\\-check(1)") && page.contains("Exit codes"), "{page}");
    std::fs::remove_dir_all(&scratch).unwrap();

    let (code, _, err) = run(&["man", "dance"]);
    assert!(code == 2 && err.contains("`dance`") && err.contains("worksheet") && err.lines().count() == 1, "{err}");
    let (code, _, err) = run(&["man", "--dir", "/proc/nowhere"]);
    assert!(code == 1 && err.contains("/proc/nowhere") && err.lines().count() == 1, "{err}");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, text, err) = run(&["completions", shell]);
        assert_eq!((code, &*err), (0, ""));
        for word in commands().iter().map(String::as_str).chain(["interactive", "slow-dns", "no-answers"]) {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
    let (code, _, err) = run(&["completions", "tcsh"]);
    assert!(code == 2 && err.contains("'tcsh'") && err.contains("bash"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_shell_completes_a_command_and_a_value() {
    // Where there is no bash there is nothing to try it with.
    if !Command::new("bash").arg("-c").arg("true").status().is_ok_and(|status| status.success()) {
        return;
    }
    let (_, completions, _) = run(&["completions", "bash"]);
    #[track_caller]
    fn check(completions: &str, words: &[&str], expected: &str) {
        let (word, before) = (words[words.len() - 1], words[words.len() - 2]);
        let script = format!(
            "{completions}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_spanwalk spanwalk '{word}' '{before}'\necho \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1,
        );
        let output = Command::new("bash").args(["--norc", "-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{words:?}");
    }
    check(&completions, &["spanwalk", "che"], "check");
    check(&completions, &["spanwalk", "demo", "--inter"], "--interactive");
    check(&completions, &["spanwalk", "demo", "--until", ""], "start loop");
}

#[test]
fn the_version_says_how_it_was_built() {
    let (code, short, _) = run(&["-V"]);
    assert_eq!((code, short.trim()), (0, concat!("spanwalk ", env!("CARGO_PKG_VERSION"))));
    let (code, long, _) = run(&["--version"]);
    assert_eq!(code, 0);
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(lines[0], short.trim());
    let fact = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{long}"));
    assert!(fact("features: ").contains("app"));
    assert_eq!(fact("tokio_unstable: ").starts_with("yes"), cfg!(tokio_unstable));
    assert!(fact("target: ").contains(std::env::consts::OS) && fact("target: ").contains(std::env::consts::ARCH));
    assert!(["debug", "release"].contains(&fact("build: ")));
}

#[test]
fn every_example_of_the_help_is_a_command_line_that_is_understood() {
    let mut seen = 0;
    let names = commands();
    for args in names.iter().map(|name| vec![&**name]).chain([vec![]]) {
        let (_, help, _) = run(&[&args[..], &["--help"]].concat());
        let Some((_, examples)) = help.split_once("Examples:\n") else { continue };
        for line in examples.lines().take_while(|line| line.starts_with("  spanwalk")) {
            // The comment is behind two blanks; a pipe and what is behind it belongs to the shell.
            let command = line.trim().split("  ").next().unwrap();
            let command = command.split(['|', '>', '<']).next().unwrap().trim();
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            // `--help` behind it: parsed, and not run.
            let (code, _, err) = run(&[&words[..], &["--help"]].concat());
            assert_eq!((code, &*err), (0, ""), "{line}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn the_readme_names_every_typed_command() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    command.args(["demo", "--interactive", "--port", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"help\n").unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let help = out.split_once("> help\n").unwrap().1;
    let readme = std::fs::read_to_string("README.md").unwrap();
    let section = readme.split_once("## By typed commands").unwrap().1.split_once("\n## ").unwrap().0;
    let words: Vec<&str> = section.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
    // What begins with blanks goes on from the line before.
    let lines = help.lines().filter(|line| !line.starts_with(' '));
    let names: Vec<&str> = lines.filter_map(|line| line.split_once([' ', ':'])).map(|found| found.0).collect();
    assert!(names.len() > 30 && names.contains(&"before-after"), "{names:?}");
    for name in names.iter().filter(|name| !["The", "A", "quit"].contains(name)) {
        assert!(words.contains(name), "{name} is not in the README");
    }
}
