//! The program as a person runs it: arguments in, text and exit codes out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn spanwalk(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = spanwalk(args).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn plain_prints_the_chain_in_the_order_of_the_design_and_exits_0() {
    let (code, out, err) = run(&["demo", "--plain", "--port", "0", "--until", "loop"]);
    assert_eq!((code, &*err), (0, ""));
    // Main's calls with their depth, which no other lane can change.
    let main: Vec<(usize, &str)> = out
        .lines()
        .filter_map(|line| {
            let call = line.get(4..)?.strip_prefix("main")?.split_once('→')?;
            Some((call.0.len() / 2, call.1.split_whitespace().next()?))
        })
        .collect();
    let first = main[0].0;
    let chain: Vec<(usize, &str)> = main.into_iter().map(|(depth, name)| (depth - first, name)).collect();
    let expected = [
        (0, "run"),
        (1, "new"),
        (1, "serve_forever"),
        (2, "start"),
        (3, "init_socket"),
        (4, "init_socket"),
        (5, "get_listener"),
        (6, "tcp_listener"),
        (4, "update_environ"),
        (5, "getfqdn"),
        (6, "gethostbyaddr"),
        (7, "gethostbyaddr"),
        (8, "apply"),
        (9, "spawn"),
        (10, "put"),
        (9, "get"),
        (3, "clear"),
        (3, "start_accepting"),
        (2, "wait"),
        (2, "stop"),
        (3, "close"),
        (4, "set"),
        (3, "drain"),
        (3, "join"),
    ];
    assert_eq!(chain, expected);
    for said in ["the loop starts", "the loop serves", "main ⇄ hub", "hub ⇄ main", "WRONG:", "report: “"] {
        assert!(out.contains(said), "{said}");
    }
    assert!(out.find("the loop starts") < out.find("the loop serves"));
}

#[test]
fn serve_says_each_stop_at_a_breakpoint_and_goes_on() {
    let args = ["serve", "--port", "0", "--break", "step:spawn", "--break", "field.path:/here lane:conn #2"];
    let mut child = spanwalk(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line
    };
    // Which of the first two comes first is the machine's affair.
    let first = [next(), next()];
    let stop = first.iter().find(|line| line.contains("breakpoint")).unwrap();
    assert!(stop.starts_with("spanwalk: breakpoint 1, hit 1 of step:spawn: main: spawn at threadpool.rs:"), "{stop}");
    assert!(stop.contains(", inside apply, ") && stop.contains("func: gethostbyaddr"), "{stop}");
    let serving = first.iter().find(|line| line.contains("serving http://")).unwrap();
    let address = serving.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    for path in ["/here", "/", "/here"] {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    let stop = next();
    assert!(stop.starts_with("spanwalk: breakpoint 2, hit 2 of field.path:/here lane:conn: conn-"), "{stop}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn until_start_ends_before_anything_accepts() {
    let (code, out, _) = run(&["demo", "--plain", "--port", "0", "--until", "start"]);
    assert_eq!(code, 0);
    assert!(out.contains("the loop starts") && out.contains("← run"), "{out}");
    assert!(!out.contains("the loop serves"));
}

#[test]
fn every_line_of_jsonl_has_every_key_and_seq_has_no_gaps() {
    let (code, out, _) = run(&["demo", "--jsonl", "--port", "0", "--until", "loop"]);
    assert_eq!(code, 0);
    let mut kinds = std::collections::BTreeSet::new();
    for (at, line) in out.lines().enumerate() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let expected = [
            "fields",
            "file",
            "kind",
            "lane",
            "lane_id",
            "line",
            "name",
            "parent",
            "seq",
            "span",
            "t_ns",
            "target",
            "thread",
            "thread_id",
        ];
        assert_eq!(keys, expected);
        assert_eq!(line["seq"].as_u64(), Some(at as u64));
        kinds.insert(line["kind"].as_str().unwrap().to_owned());
    }
    let expected = [
        "close",
        "enter",
        "exit",
        "hold",
        "lane_close",
        "lane_open",
        "note",
        "open",
        "record",
        "release",
        "switch",
        "wake",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn no_terminal_means_plain_and_for_ends_it() {
    let (code, out, _) = run(&["--port", "0", "--for", "50ms"]);
    assert_eq!(code, 0);
    // How far it has come in that time is the machine's affair; it stops in good order wherever it is.
    assert!(out.contains("→ run") && out.trim_end().ends_with("lane closed"), "{out}");
}

#[track_caller]
fn check_refusal(args: &[&str], code: i32, words: &[&str]) {
    let (got, out, err) = run(args);
    assert_eq!(got, code, "{err}");
    assert_eq!(out, "", "nothing on standard output");
    for word in words {
        assert!(err.contains(word), "{word:?} is not in {err:?}");
    }
    assert_eq!(err.lines().count(), 1, "one line: {err:?}");
}

#[test]
fn refusals_name_the_value_and_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let address = format!("127.0.0.1:{port}");
    for mode in ["serve", "demo"] {
        check_refusal(&[mode, "--port", &port], 1, &[&address, "address already in use", "--port 0"]);
    }
    check_refusal(
        &["serve", "--host", "no.such.host.invalid", "--port", "0"],
        1,
        &["no.such.host.invalid", "no such host", "--host"],
    );
    check_refusal(&["serve", "--port", "70000"], 2, &["70000", "65535"]);
    check_refusal(&["demo", "--slow-dns", "2"], 2, &["'2'", "2s"]);
    check_refusal(&["demo", "--slow-dns", "-1s"], 2, &["'-1s'", "2s"]);
    check_refusal(&["serve", "--console", "127.0.0.1:0"], 2, &["127.0.0.1:0", "6669"]);
    check_refusal(&["demo", "--for", "fast"], 2, &["fast", "300ms"]);
    check_refusal(&["demo", "--resolver", "magic"], 2, &["magic", "thread, block"]);
    check_refusal(&["demo", "--break", "dur>1ms"], 2, &["--break dur>1ms", "`dur>1ms` is not known yet", "field.NAME"]);
    check_refusal(&["serve", "--break", "step:jump"], 2, &["--break step:jump", "no step is called `jump`"]);
    check_refusal(&["demo", "--plain", "--break", "spawn"], 2, &["`--break`", "--interactive", "--until"]);
    check_refusal(&["serve", "--plain"], 2, &["--plain", "--help"]);
    check_refusal(&["open"], 2, &["FILE"]);
    check_refusal(&["info", "README.md"], 1, &["README.md", "no recording", "--record"]);
    check_refusal(&["open", "no/such.spanwalk"], 1, &["no/such.spanwalk", "no such file"]);
    check_refusal(&["demo", "--walkthrough", "no/such/dir"], 1, &["no/such/dir", "no such"]);
    check_refusal(&["dmo"], 2, &["dmo", "demo"]);
}

#[test]
fn an_empty_walkthrough_directory_is_refused() {
    let empty = std::env::temp_dir().join(format!("spanwalk-empty-{}", std::process::id()));
    std::fs::create_dir_all(&empty).unwrap();
    check_refusal(&["demo", "--walkthrough", empty.to_str().unwrap()], 1, &[empty.to_str().unwrap()]);
    std::fs::remove_dir(&empty).unwrap();
}

#[test]
fn a_closed_standard_output_is_success() {
    let mut child =
        spanwalk(&["demo", "--jsonl", "--port", "0", "--worker-idle", "300ms"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with('{'));
    // The reader is dropped. The next thing that happens, the worker's leaving at the latest, finds nobody there.
    assert_eq!(wait(&mut child), Some(0));
}

/// The exit code of a child that ends by itself.
#[track_caller]
fn wait(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::yield_now();
    }
}

#[cfg(unix)]
#[test]
fn serve_says_where_it_serves_and_ends_in_good_order_at_a_signal() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let mut child = spanwalk(&["serve", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("spanwalk: serving http://").and_then(|rest| rest.split('/').next()).unwrap();
        for (request, status, body) in [
            ("GET /static/hello.txt", "200 OK", "hello\n"),
            ("GET /", "200 OK", "run_callbacks"),
            ("GET /nothing", "404 Not Found", ""),
            ("POST /", "405 Method Not Allowed", ""),
            ("GET /socket.io/", "400 Bad Request", r#"{"code":0,"message":"Transport unknown"}"#),
        ] {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(body), "{request}: {answer}");
        }
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert_eq!(wait(&mut child), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_though_nobody_reads_what_it_writes() {
    // A pipe that is full: more is written than it holds, and nothing is read.
    let mut child = spanwalk(&["demo", "--jsonl", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
    let mut address = String::new();
    while !address.contains("sockname") {
        address.clear();
        out.read_line(&mut address).unwrap();
    }
    let address = address.split("\"sockname\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    for _ in 0..30 {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
    }
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    }
    assert_eq!(wait(&mut child), Some(0));
    drop(out);
}

/// A place for a recording, emptied before and after.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-{name}-{}.spanwalk", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_recording_holds_what_was_printed_and_is_never_overwritten_unasked() {
    let file = Scratch::new("recorded");
    let args = ["demo", "--jsonl", "--port", "0", "--until", "loop", "--record", file.path()];
    let (code, out, err) = run(&args);
    assert_eq!((code, &*err), (0, ""));
    let (code, info, _) = run(&["info", file.path(), "--json"]);
    assert_eq!(code, 0);
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["events"].as_u64(), Some(out.lines().count() as u64));
    assert!(info["indexed"] == true && info["blocks"].as_u64() >= Some(1) && info["bytes"].as_u64() > Some(100));
    assert_eq!((&info["ended"], info["damage"].as_array().unwrap().len()), (&true.into(), 0));
    let spawn = info["calls"].as_array().unwrap().iter().find(|call| call["name"] == "spawn").unwrap();
    assert_eq!(spawn["count"], 1);
    let before = std::fs::read(&file.0).unwrap();
    let (code, _, err) = run(&args);
    assert!(code == 1 && err.contains("exists") && err.contains("--force"), "{err}");
    assert_eq!(std::fs::read(&file.0).unwrap(), before);
    let mut forced = args.to_vec();
    forced.push("--force");
    assert_eq!(run(&forced).0, 0);
    let (code, text, _) = run(&["info", file.path()]);
    // Which spans are on top is a matter of time.
    assert!(code == 0 && text.contains("closed in order") && text.contains(" (spanwalk::server::"), "{text}");
}

#[test]
fn info_says_which_lanes_lost_what() {
    let recorder = spanwalk::record::Recorder::builder().chunk(256).counted_clock().build();
    tracing::subscriber::with_default(recorder.subscriber(), || {
        let lane = |lane: &str| tracing::info_span!(parent: None, "outer", lane);
        let (hub, worker) = (lane("hub"), lane("worker-1"));
        for number in 0..100 {
            tracing::info_span!(parent: &worker, "job", number).in_scope(|| ());
            if number % 10 == 0 {
                tracing::info!(parent: &hub, number, "done");
                lane("short").in_scope(|| ());
            }
        }
    });
    let chunks = spanwalk::trace::Source::finish(&mut recorder.chunks()).chunks;
    assert!(chunks.len() > 4, "{}", chunks.len());
    let file = Scratch::new("lost");
    let mut writer = spanwalk::file::Writer::create(&file.0, spanwalk::file::Existing::Replace).unwrap();
    let last = chunks.len() - 1;
    [0, last].iter().for_each(|at| writer.push(&chunks[*at]).unwrap());
    writer.finish().unwrap();
    let (code, info, _) = run(&["info", file.path(), "--json"]);
    assert_eq!(code, 0);
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    let missing: u64 = chunks[1..last].iter().map(|chunk| u64::from(chunk.count)).sum();
    assert_eq!(info["dropped"].as_u64(), Some(missing));
    let lost = info["dropped_in"].as_array().unwrap();
    let names: Vec<Option<&str>> = lost.iter().map(|lost| lost["name"].as_str()).collect();
    assert_eq!(names, [Some("worker-1"), Some("hub"), None]);
    let counts: Vec<u64> = lost.iter().map(|lost| lost["events"].as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), missing);
    let (_, text, _) = run(&["info", file.path()]);
    let [worker, hub, rest] = counts[..] else { panic!("{counts:?}") };
    let said = [format!("dropped   {missing}\n"), format!("{worker} in worker-1\n"), format!("{hub} in hub\n")];
    assert!(said.iter().all(|said| text.contains(said)) && text.contains(&format!("{rest} in lanes that")), "{text}");
}

#[test]
fn what_cannot_be_read_is_one_line_of_info_and_of_open() {
    let file = Scratch::new("unreadable");
    #[track_caller]
    fn check(path: &str, words: &str) {
        for command in ["info", "open"] {
            check_refusal(&[command, path], 1, &[path, words]);
        }
        check_refusal(&["info", path, "--json"], 1, &[path, words]);
    }
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"SPANW", "no recording"),
        (b"SPANWALK\x02\0\0", "cut off in its first 16 bytes"),
        (b"#!/bin/sh\necho something else\n", "no recording"),
        (b"SPANWALK\x63\0\0\0\0\0\0\0", "version 99"),
        (b"SPANWALK\x01\0\0\0\0\0\0\0", "version 1"),
    ] {
        std::fs::write(&file.0, bytes).unwrap();
        check(file.path(), words);
    }
    check(std::env::temp_dir().to_str().unwrap(), "it is a directory");
    check("no/such/file.spanwalk", "no such file");
}

/// The program in a shell that does this first.
#[cfg(unix)]
fn run_after(shell: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_spanwalk")]).args(args);
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn without_permission_it_is_one_line() {
    // Even root may not: these belong to the kernel.
    check_refusal(&["info", "/proc/self/mem"], 1, &["/proc/self/mem"]);
    let args = ["demo", "--plain", "--port", "0", "--force", "--record"];
    check_refusal(&[&args[..], &["/proc/version"]].concat(), 1, &["`/proc/version`"]);
    check_refusal(&[&args[..], &["/proc/new.spanwalk"]].concat(), 1, &["`/proc/new.spanwalk`"]);
    let file = Scratch::new("forbidden");
    std::fs::write(&file.0, "precious").unwrap();
    std::fs::set_permissions(&file.0, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(&file.0).is_err() {
        check_refusal(&["info", file.path()], 1, &[file.path(), "permission denied"]);
        check_refusal(&[&args[..], &[file.path()]].concat(), 1, &[file.path(), "permission denied"]);
        std::fs::set_permissions(&file.0, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    assert_eq!(std::fs::read(&file.0).unwrap(), b"precious");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_from_the_start_is_said_before_anything_runs() {
    let args = ["demo", "--plain", "--port", "0", "--until", "loop", "--force", "--record", "/dev/full"];
    check_refusal(&args, 1, &["`/dev/full`", "the disk is full"]);
    check_refusal(&["serve", "--port", "0", "--force", "--record", "/dev/full"], 1, &["the disk is full"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_can_grow_no_further_stops_the_recording_and_not_the_program() {
    let file = Scratch::new("grown");
    let args = ["demo", "--plain", "--port", "0", "--until", "loop", "--record", file.path()];
    // A kilobyte at the most, and no signal for wanting more.
    let (code, out, err) = run_after("trap '' XFSZ; ulimit -f 2", &args);
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("the loop serves") && out.contains("← run"), "the program went on: {out}");
    assert_eq!(err.lines().count(), 1, "one line: {err}");
    assert!(
        err.contains(file.path()) && err.contains("no larger file") && err.contains("recording has stopped"),
        "{err}"
    );
    // What was written before opens.
    let (code, info, _) = run(&["info", file.path()]);
    assert!(
        code == 0 && info.contains("not closed") && info.contains("blocks, counted") && info.contains("damage    none"),
        "{info}"
    );
}

#[test]
fn only_the_last_files_of_a_rotation_are_kept_if_that_is_asked_for() {
    check_refusal(&["serve", "--record", "x", "--keep", "2"], 2, &["--rotate"]);
    check_refusal(&["serve", "--record", "x", "--rotate", "1MB", "--keep", "0"], 2, &["'0'", "--keep"]);
}

#[test]
fn what_was_on_disk_before_a_kill_opens_after_it() {
    for _ in 0..5 {
        let file = Scratch::new("killed");
        let args = ["serve", "--port", "0", "--record", file.path()];
        let mut child = spanwalk(&args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("spanwalk: serving http://").and_then(|rest| rest.split('/').next()).unwrap();
        let mut reader = spanwalk::file::Reader::open(&file.0).unwrap();
        let mut seen = spanwalk::trace::Log::new();
        // Read while it is written, until a request is in it.
        while !seen.has_call_named("handle_one_request") {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            reader.read(&mut seen).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut after = spanwalk::trace::Log::new();
        let mut reader = spanwalk::file::Reader::open(&file.0).unwrap();
        reader.read(&mut after).unwrap();
        assert!(after.len() >= seen.len() && after.events_in(..seen.len()).eq(seen.events_in(..)));
        assert!(!reader.is_ended() && reader.damage().iter().all(|damage| damage.events.is_none()));
    }
}

#[test]
fn help_says_what_it_is_and_gives_examples() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for said in ["Step through the call chain", "spanwalk demo --plain --until loop", "Exit codes"] {
        assert!(out.contains(said), "{said}");
    }
    let (code, out, _) = run(&["demo", "--help"]);
    assert_eq!(code, 0);
    for flag in [
        "--host",
        "--port",
        "--resolver",
        "--slow-dns",
        "--block-handler",
        "--worker-idle",
        "--console",
        "--plain",
        "--jsonl",
        "--until",
        "--for",
        "--walkthrough",
    ] {
        assert!(out.contains(flag), "{flag}");
    }
}

#[test]
fn config_prints_settings_that_change_nothing() {
    let (code, out, err) = run(&["config"]);
    assert_eq!((code, &*err), (0, ""));
    for line in ["#layout = \"lesson\"", "[theme]", "#base = \"auto\"", "[keys]", "#into = \"s\""] {
        assert!(out.lines().any(|said| said.starts_with(line)), "{line}");
    }
}
