//! Two recordings compared by the program: what a blocking resolver changes, and the exit status that a chain is held by.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// Fields that are others in every run.
const IGNORED: [&str; 2] =
    ["--ignore-field", "port,fd,sockname,server_port,took_us,os_thread,turn,watchers,idle_ms,address"];

fn spanwalk(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_spanwalk")).args(args).stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A recorded start of the server, removed after the test.
struct Recording(PathBuf);

impl Recording {
    fn new(name: &str, resolver: &str) -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-diff-{}-{name}.spanwalk", std::process::id()));
        let record = path.to_str().unwrap();
        let (code, _, err) = spanwalk(&[
            "demo",
            "--plain",
            "--port",
            "0",
            "--until",
            "loop",
            "--resolver",
            resolver,
            "--record",
            record,
            "--force",
        ]);
        assert_eq!(code, 0, "{err}");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The paths with a difference, as `NAME: where it is`.
fn with(json: &Json, difference: &str) -> Vec<String> {
    let paths = json["paths"].as_array().unwrap().iter();
    let has = paths.filter(|path| path["differences"].as_array().unwrap().contains(&Json::from(difference)));
    let mut found: Vec<String> = has.map(|path| path["path"].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

#[test]
fn a_blocking_resolver_takes_the_worker_away_and_moves_the_lookup_into_main() {
    let (thread, block) = (Recording::new("thread", "thread"), Recording::new("block", "block"));
    let (code, out, err) = spanwalk(&[&["diff", thread.path(), block.path(), "--json"][..], &IGNORED].concat());
    assert_eq!((code, &*err), (0, ""));
    let json: Json = serde_json::from_str(&out).unwrap();
    let lookup = "main: run > serve_forever > start > init_socket > update_environ > getfqdn > gethostbyaddr";
    assert_eq!(with(&json, "moved"), [format!("{lookup} > gethostbyaddr > gethostbyaddr")]);
    let moved = json["paths"].as_array().unwrap().iter().find(|path| path["moved_from"].is_string()).unwrap();
    assert_eq!(moved["moved_from"], "worker-*: run > run_task > gethostbyaddr");
    let removed = with(&json, "removed");
    for gone in [
        "worker-*: run",
        "worker-*: run > run_task",
        "hub: run > run > on_async",
        &format!("{lookup} > gethostbyaddr > apply"),
        &format!("{lookup} > gethostbyaddr > apply > spawn"),
        &format!("{lookup} > gethostbyaddr > apply > get"),
    ] {
        assert!(removed.contains(&gone.to_owned()), "{gone} is not among {removed:?}");
    }
    // It serves all the same.
    assert!(!removed.iter().any(|path| path.contains("start_accepting") || path.ends_with("wait")), "{removed:?}");
    assert_eq!(with(&json, "fields").iter().filter(|path| *path == "main: run").count(), 1, "the flag itself");
}

#[test]
fn the_tree_marks_each_difference_and_the_last_line_counts_them() {
    let (thread, block) = (Recording::new("tree-thread", "thread"), Recording::new("tree-block", "block"));
    let (code, out, _) = spanwalk(&[&["diff", thread.path(), block.path()][..], &IGNORED].concat());
    assert_eq!(code, 0);
    let line = |part: &str| out.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} in {out}"));
    assert!(line("moved from worker-*: run > run_task").starts_with('>'));
    assert!(line("moved to main: ").starts_with('<'));
    assert!(line(" spawn ").starts_with('-') && line(" on_async ").starts_with('-'));
    assert!(line("resolver thread → block").starts_with('~'));
    assert!(out.trim_end().lines().last().unwrap().contains("1 moved"), "{out}");
    // The same the other way round.
    let (_, back, _) = spanwalk(&[&["diff", block.path(), thread.path()][..], &IGNORED].concat());
    assert!(back.lines().any(|line| line.starts_with('+') && line.contains(" spawn ")), "{back}");
}

#[test]
fn the_exit_status_is_that_of_what_must_not_be() {
    let (a, b) = (Recording::new("a", "thread"), Recording::new("b", "thread"));
    let block = Recording::new("c", "block");
    let status = |b: &Recording, fails: &str| {
        spanwalk(&[&["diff", a.path(), b.path(), "--fail-on", fails][..], &IGNORED].concat()).0
    };
    assert_eq!(status(&b, "added,removed,moved"), 0, "a run and another");
    assert_eq!(status(&block, "moved"), 1);
    assert_eq!(status(&block, "added,removed"), 1);
    assert_eq!(spanwalk(&["diff", a.path(), a.path(), "--fail-on", "any"]).0, 0, "a recording and itself");
    let (code, _, err) = spanwalk(&["diff", a.path(), a.path(), "--fail-on", "everything"]);
    assert!(code == 2 && err.contains("everything"), "{err}");
    let (code, _, err) = spanwalk(&["diff", a.path(), "nowhere.spanwalk"]);
    assert!(code == 1 && err.contains("nowhere.spanwalk") && err.lines().count() == 1, "{err}");
    let (code, _, err) = spanwalk(&["diff", a.path(), a.path(), "--ratio", "0.5"]);
    assert!(code == 2 && err.contains("0.5"), "{err}");
}
