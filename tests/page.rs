//! Pages, by node and in a browser: the chat, what its panel says of each frame, and three windows that chat; and the page
//! that a recording is exported to, which is stepped through by key and held to the log.
//!
//! The scripts are in `tests/page/`. Without node or Chromium there is a line on standard error instead, but where `CI` is
//! `true` node must be there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use spanwalk::file::{Recording, Ways};
use spanwalk::record::Recorder;
use tracing::info_span;

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
fn every_script_of_the_exported_page_can_be_read() {
    let Some(node) = find(&["node"]) else {
        return skip_outside_ci("no node on the path");
    };
    for name in ["model.js", "timeline.js", "view.js"] {
        let script = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/format/html").join(name)).unwrap();
        let check = ["--input-type=module", "--check", "-"];
        let output = Command::new(&node).args(check).stdin(script).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn three_windows_chat_and_their_panels_show_the_wire() {
    let Some(browser) = Browser::find("the chat page") else { return };
    let Browser { node, chromium, place, .. } = &browser;
    let server = Server::start();
    let script = place.join("chat.mjs");
    let (is_fine, text) = run(Command::new(node).arg(script).arg(&server.address).arg(chromium));
    assert!(is_fine, "{text}");
}

/// What drives a page.
struct Browser {
    node: PathBuf,
    chromium: PathBuf,
    /// Where the scripts are with what they import.
    place: PathBuf,
    /// One at a time: pages wait for what others do, and a busy machine keeps them waiting.
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// Node, Chromium and the packages; without one of them there is a word instead.
    fn find(what: &str) -> Option<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let (Some(node), Some(npm)) = (find(&["node"]), find(&["npm"])) else {
            skip_outside_ci("no node or npm on the path");
            return None;
        };
        let Some(chromium) = find(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]) else {
            skip(&format!(
                "no Chromium on the path, so nobody has looked at {what} (this is not required in CI either)"
            ));
            return None;
        };
        match INSTALLED.get_or_init(|| install(&npm)) {
            Ok(place) => {
                let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
                Some(Self { node, chromium, place: place.clone(), _turn: turn })
            }
            Err(text) => {
                skip_outside_ci(&format!("npm ci has failed: {text}"));
                None
            }
        }
    }
}

/// What npm installs stays out of the source.
fn install(npm: &Path) -> Result<PathBuf, String> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../page");
    fs::create_dir_all(&place).unwrap();
    for name in ["package.json", "package-lock.json", "browser.mjs", "chat.mjs", "export.mjs"] {
        fs::copy(Path::new(SCRIPTS).join(name), place.join(name)).unwrap();
    }
    let install = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    let (is_installed, text) = run(Command::new(npm).args(install).current_dir(&place));
    if is_installed { Ok(place) } else { Err(text) }
}

fn spanwalk(args: &[&str]) -> String {
    let (is_fine, text) = run(Command::new(env!("CARGO_BIN_EXE_spanwalk")).args(args));
    assert!(is_fine, "{args:?}: {text}");
    text
}

/// Records what is done, into a file.
fn record(path: &Path, work: impl FnOnce()) {
    let recorder = Recorder::new();
    let recording = Recording::start(path, Ways::default().replacing(), recorder.chunks(), |_| ()).unwrap();
    tracing::subscriber::with_default(recorder.subscriber(), work);
    recording.finish().unwrap();
}

fn hostile() {
    let markup = "</script><script>alert(2)</script><b>";
    let outer = info_span!(parent: None, "<img src=x onerror=alert(1)>", lane = "<b>lane</b>", "<i>field</i>" = markup);
    outer.in_scope(|| {
        info_span!("'\"`${alert(3)}").in_scope(|| tracing::info!(said = markup, "<svg onload=alert(4)>"));
        // Longer than any window, with nowhere to break.
        info_span!("wide", text = "w".repeat(5_000)).in_scope(|| ());
    });
}

fn foreign() {
    info_span!(parent: None, "work", lane = "main").in_scope(|| {
        for order in 1..=3 {
            info_span!("serve", order).in_scope(|| ());
        }
    });
}

#[test]
fn an_exported_page_is_stepped_by_key_and_shows_what_the_log_says() {
    let Some(browser) = Browser::find("the exported page") else { return };
    let Browser { node, chromium, place, .. } = &browser;
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("html-{}", std::process::id()));
    fs::create_dir_all(&scratch).unwrap();
    let path = |name: &str| scratch.join(name).to_str().unwrap().to_owned();
    let [start, evil, other] = ["start.spanwalk", "<b>.spanwalk", "other.spanwalk"].map(path);
    // Slow enough that the lookup is seen while the hub polls.
    let run_of = ["demo", "--plain", "--until", "loop", "--port", "0", "--slow-dns", "50ms", "--record", &start];
    spanwalk(&run_of);
    record(Path::new(&evil), hostile);
    record(Path::new(&other), foreign);
    let pages = ["start.html", "start.jsonl", "hostile.html", "foreign.html", "part.html"].map(path);
    for (file, page) in [(&start, &pages[0]), (&start, &pages[1]), (&evil, &pages[2]), (&other, &pages[3])] {
        assert_eq!(spanwalk(&["export", file, "-o", page]), "");
    }
    fs::write(path("check.json"), spanwalk(&["check", &start, "--json"])).unwrap();
    for at in (5..200).step_by(23) {
        let (picture, at) = (path(&format!("at-{at}.svg")), format!("@{at}"));
        let shot = ["shot", &start, "--at", &at, "--screen", "pane-stack", "--size", "120x60", "-o", &picture];
        assert_eq!(spanwalk(&shot), "");
    }
    spanwalk(&["export", &start, "-o", &pages[4], "--from", "spawn", "--until", "serves", "--lane", "main"]);
    let (is_fine, text) = run(Command::new(node).arg(place.join("export.mjs")).args(&pages).arg(chromium));
    assert!(is_fine, "{text}");
    fs::remove_dir_all(scratch).unwrap();
}
