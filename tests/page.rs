//! The chat page, by node and in a browser: what its panel says of each frame, and three windows that chat.
//!
//! The scripts are in `tests/page/`. Without node or Chromium there is a line on standard error instead, but where `CI` is
//! `true` node must be there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");

/// A program on the path.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).flat_map(|place| names.iter().map(move |name| place.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// Says that a test has not been run. Not by `eprintln`: the harness hides that of a test that passes.
#[expect(clippy::explicit_write, reason = "the harness takes what `eprintln` writes")]
fn skip(why: &str) {
    writeln!(std::io::stderr(), "tests/page.rs: skipped: {why}").unwrap();
}

/// As `skip`, but a failure where everything must run.
#[track_caller]
fn skip_outside_ci(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "required where CI is `true`: {why}");
    skip(why);
}

fn run(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (status.success(), text)
}

/// The server, until it is dropped.
struct Server {
    child: Child,
    address: String,
    /// Kept open: the server may write more.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
        command.args(["serve", "--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("spanwalk: serving ").unwrap();
        let address = address.split(' ').next().unwrap().to_owned();
        Self { child, address, _stdout: stdout }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_modules_of_the_page_do_what_their_tables_say() {
    let Some(node) = find(&["node"]) else {
        return skip_outside_ci("no node on the path");
    };
    let mut tests: Vec<PathBuf> = fs::read_dir(SCRIPTS).unwrap().map(|entry| entry.unwrap().path()).collect();
    tests.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    tests.sort();
    assert!(!tests.is_empty());
    let (is_fine, text) = run(Command::new(node).arg("--test").args(tests));
    assert!(is_fine, "{text}");
}

#[test]
fn three_windows_chat_and_their_panels_show_the_wire() {
    let (Some(node), Some(npm)) = (find(&["node"]), find(&["npm"])) else {
        return skip_outside_ci("no node or npm on the path");
    };
    let Some(chromium) = find(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]) else {
        return skip(
            "no Chromium on the path, so nobody has looked at the chat page (this is not required in CI either)",
        );
    };
    // What npm installs stays out of the source.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../page");
    fs::create_dir_all(&place).unwrap();
    for name in ["package.json", "package-lock.json", "chat.mjs"] {
        fs::copy(Path::new(SCRIPTS).join(name), place.join(name)).unwrap();
    }
    let install = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    let (is_installed, text) = run(Command::new(npm).args(install).current_dir(&place));
    if !is_installed {
        return skip_outside_ci(&format!("npm ci has failed: {text}"));
    }
    let server = Server::start();
    let script = place.join("chat.mjs");
    let (is_fine, text) = run(Command::new(node).arg(script).arg(&server.address).arg(chromium));
    assert!(is_fine, "{text}");
}
