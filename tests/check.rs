//! `spanwalk check` as a person runs it: recordings in, a table and an exit status out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn spanwalk(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = spanwalk(args).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn json(args: &[&str]) -> (i32, Value) {
    let (code, out, err) = run(&[args, &["--json"]].concat());
    assert_eq!(err, "");
    (code, serde_json::from_str(&out).unwrap())
}

/// A directory of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-check-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A recording of a start.
    fn start(&self) -> String {
        let file = self.path("start.spanwalk");
        let (code, _, err) = run(&["demo", "--plain", "--port", "0", "--until", "loop", "--record", &file]);
        assert_eq!((code, &*err), (0, ""));
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_start_is_as_its_pages_say_and_the_table_shows_what_decides_it() {
    let scratch = Scratch::new("start");
    let file = scratch.start();
    let (code, out, err) = run(&["check", &file]);
    assert_eq!((code, &*err), (0, ""));
    for said in
        ["14-spawn.md · ", "\n  14.1 ", "  contradicted  as said    event ", "  not run  ", ", 0 are otherwise\n"]
    {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert!(!out.contains("OTHERWISE") && !out.contains("not closed"), "{out}");

    let (code, all) = json(&["check", &file]);
    assert_eq!((code, &all["ended"], &all["otherwise"]), (0, &true.into(), &0.into()));
    let claims = all["claims"].as_array().unwrap();
    let pages = spanwalk::lesson::Book::embedded();
    assert_eq!(claims.len(), pages.pages().iter().map(|page| page.claims.len()).sum::<usize>());
    let count = |key: &str| all[key].as_u64().unwrap() as usize;
    assert_eq!(count("as_said") + count("not_run"), claims.len());
    let order = claims.iter().find(|claim| claim["predicate"] == "order spawn < hub.run").unwrap();
    assert_eq!((&order["outcome"], &order["as_said"], &order["by"]), (&"holds".into(), &true.into(), &"lesson".into()));
    // The events are those of the recording, in its own numbers.
    let events = order["events"].as_array().unwrap();
    let names: Vec<_> = events.iter().map(|event| (&event["name"], &event["kind"], &event["lane"])).collect();
    let (enter, name) = (&Value::from("enter"), |name: &str| Value::from(name));
    assert_eq!(names, [(&name("spawn"), enter, &name("main")), (&name("run"), enter, &name("hub"))]);
    assert!(events.iter().all(|event| event["seq"].as_u64().unwrap() + 1 == event["event"].as_u64().unwrap()));

    assert_eq!(run(&["check", &file, "--all"]).0, 1, "no request was in it");
}

#[test]
fn a_page_that_the_run_contradicts_fails_and_is_named() {
    let scratch = Scratch::new("otherwise");
    let file = scratch.start();
    let pages = scratch.0.join("pages");
    std::fs::create_dir(&pages).unwrap();
    for page in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("walkthrough")).unwrap() {
        let page = page.unwrap();
        let text = std::fs::read_to_string(page.path()).unwrap();
        let text = text.replace("order spawn < hub.run", "order hub.run < spawn");
        std::fs::write(pages.join(page.file_name()), text).unwrap();
    }
    let args = ["check", &file, "--walkthrough", pages.to_str().unwrap()];
    let (code, out, err) = run(&args);
    assert_eq!((code, &*err), (1, ""), "{out}");
    assert!(out.contains("  contradicted  OTHERWISE  "), "{out}");
    assert!(out.contains("\nOTHERWISE ") && out.contains("its page says that this holds; spawn entered"), "{out}");
    let (code, all) = json(&args);
    assert_eq!(code, 1);
    assert!(all["otherwise"].as_u64() > Some(0), "{all}");
}

#[test]
fn a_file_that_was_cut_off_or_damaged_is_checked_as_far_as_it_goes_and_says_so() {
    let scratch = Scratch::new("cut");
    let whole = std::fs::read(scratch.start()).unwrap();
    let file = scratch.path("other.spanwalk");
    std::fs::write(&file, &whole[..whole.len() - 50]).unwrap();
    let (code, out, _) = run(&["check", &file]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("the recording is not closed: ") && out.contains(", 0 are otherwise"), "{out}");

    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 0xff;
    std::fs::write(&file, &damaged).unwrap();
    let (_, out, _) = run(&["check", &file]);
    assert!(out.contains("the recording is damaged: "), "{out}");
    let (_, all) = json(&["check", &file]);
    assert_ne!(all["damage"], Value::Array(Vec::new()));
}

#[test]
fn a_recording_is_checked_while_it_grows() {
    let scratch = Scratch::new("grows");
    let file = scratch.path("growing.spanwalk");
    let mut child = spanwalk(&["serve", "--port", "0", "--record", &file]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    // As often as it takes until the start is on disk.
    loop {
        let (code, out, err) = run(&["check", &file]);
        if err.contains("cut off in its first") || err.contains("it is empty") {
            continue;
        }
        assert!(out.contains("is still writing"), "{out} {err}");
        if out.contains("holds         as said") {
            assert_eq!(code, 0, "{out}");
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_recording_of_another_program_decides_nothing_which_is_no_success() {
    let scratch = Scratch::new("foreign");
    let recorder = spanwalk::record::Recorder::new();
    tracing::subscriber::with_default(recorder.subscriber(), || tracing::info_span!("work").in_scope(|| ()));
    let file = scratch.path("foreign.spanwalk");
    let ways = spanwalk::file::Ways::default();
    spanwalk::file::Recording::start(Path::new(&file), ways, recorder.chunks(), |_| {}).unwrap().finish().unwrap();
    let (code, out, _) = run(&["check", &file]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("nothing was decided: no step of these pages is in the recording"), "{out}");
}

#[test]
fn what_cannot_be_checked_is_one_line() {
    #[track_caller]
    fn check(args: &[&str], code: i32, words: &str) {
        let (got, out, err) = run(args);
        assert_eq!((got, &*out, err.lines().count()), (code, "", 1), "{err}");
        assert!(err.contains(words), "{err}");
    }
    check(&["check", "no/such.spanwalk"], 1, "no such file");
    check(&["check", "README.md"], 1, "no recording");
    check(&["check"], 2, "FILE");
    let scratch = Scratch::new("refused");
    let file = scratch.start();
    check(&["check", &file, "--walkthrough", "no/such/dir"], 1, "no/such/dir");
}
