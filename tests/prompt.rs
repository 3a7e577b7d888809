//! The walk by typed commands, as a script types them: everything the screens say comes out in lines.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

/// What `help quit` answers: the end of the answer before it.
const END: &str = "quit or q: leave; a server is stopped.";

/// A conversation with the program.
struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Talk {
    fn new(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
        command.env("NO_COLOR", "1").env("COLUMNS", "80");
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn demo(args: &[&str]) -> Self {
        Self::new(&[&["demo", "--interactive", "--port", "0"], args].concat())
    }

    /// Types a line, and gives what is answered.
    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}\nhelp quit").unwrap();
        input.flush().unwrap();
        let mut answer = String::new();
        loop {
            let mut read = String::new();
            assert_ne!(self.output.read_line(&mut read).unwrap(), 0, "it ended after {line:?}: {answer}");
            if read.trim_end() == END {
                let (before, after) = answer.split_once(&format!("> {line}\n")).unwrap_or(("", &answer));
                assert!(before.is_empty() || before.contains("step goes on"), "{before:?} before {line:?}");
                return after.trim_end_matches("> help quit\n").to_owned();
            }
            // A line that goes on from the one before is read as one with it.
            match read.strip_prefix("  ").filter(|rest| !rest.starts_with(' ') && !line.starts_with("source")) {
                Some(rest) => {
                    answer.pop();
                    answer += &format!(" {rest}");
                }
                None => answer += &read,
            }
            check_readable(line, &read);
        }
    }

    #[track_caller]
    fn check(&mut self, line: &str, words: &[&str]) {
        let answer = self.ask(line);
        for word in words {
            assert!(answer.contains(word), "{line}: {word:?} is not in {answer}");
        }
    }

    /// Ends the input, and gives the rest of the output, what was complained of, and the exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        self.input = None;
        let (mut out, mut err) = (String::new(), String::new());
        self.output.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (out, err, self.child.wait().unwrap().code())
    }
}

/// No line is wider than 80 columns unless it is one word, and none has a sign that only says something to the eye.
#[track_caller]
fn check_readable(line: &str, read: &str) {
    let read = read.trim_end_matches('\n');
    let is_one_word = !read.trim().contains(' ');
    assert!(read.chars().count() <= 80 || is_one_word || read.starts_with("> "), "{line}: too wide: {read:?}");
    // What is typed, and source texts, are as they are.
    if line.starts_with("source") || read.starts_with("> ") {
        return;
    }
    let is_sign = |letter: &char| letter.is_control() || ('\u{2190}'..='\u{2bff}').contains(letter) || *letter == '·';
    assert_eq!(read.chars().find(is_sign), None, "{line}: {read:?}");
}

/// A place for a file, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-prompt-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let Output { status, stdout, stderr } = command.args(args).stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The numbers of the steps that begin in an answer.
fn begun(answer: &str) -> Vec<usize> {
    let steps = answer.split(" begins. Step ").skip(1);
    steps.map(|rest| rest.split(',').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_script_walks_the_whole_chain_step_by_step_and_hears_every_lesson() {
    let mut talk = Talk::demo(&["--ping-interval", "200ms"]);
    let mut seen = std::collections::BTreeSet::from([1]);
    let mut walk = |talk: &mut Talk| {
        loop {
            let answer = talk.ask("step");
            assert!(answer.lines().count() < 16, "short: {answer}");
            seen.extend(begun(&answer));
            if answer.contains("Nothing to step: the loop waits") {
                return seen.len();
            }
        }
    };
    assert_eq!(walk(&mut talk), 23, "the start");
    talk.check("client get", &["GET / sent.", "hub: poll ends"]);
    assert_eq!(walk(&mut talk), 27, "a request");
    for scene in ["connect", "message", "broadcast"] {
        talk.ask(&format!("client {scene}"));
        walk(&mut talk);
    }
    // The heartbeat comes by itself, sooner or later.
    talk.ask("continue");
    while talk.ask("steps").contains("33. send_ping, lane conn-2: has not run") {}
    let steps = talk.ask("steps");
    let open: Vec<&str> = steps.lines().filter(|line| line.contains("has not run")).collect();
    let expected = ["stop", "close", "drain"].map(|step| format!(" {step}, lane main: has not run."));
    assert!(open.len() == 3 && open.iter().zip(&expected).all(|(line, end)| line.ends_with(end)), "{steps}");

    let book = spanwalk::lesson::Book::embedded();
    for page in book.pages() {
        let answer = talk.ask(&format!("lesson {}", page.number()));
        assert!(answer.contains(&page.title), "{answer}");
        for (at, claim) in page.claims.iter().enumerate() {
            let number = format!("{}.{}", page.number(), at + 1);
            assert!(answer.contains(&format!("Claim {number}: {}", claim.says)), "{answer}");
        }
        if let (Some(question), Some(said)) = (&page.question, &page.answer) {
            assert!(answer.contains(&**question), "{answer}");
            assert!(talk.ask("answer").contains(&said[1..said.len() - 1]));
        }
        let text = talk.ask("page");
        assert!(text.starts_with(&answer[..answer.find('\n').unwrap()]), "{text}");
        assert!(text.lines().count() > 3 && !text.contains("screen"), "{text}");
        for at in 1..=page.claims.len() {
            talk.check(&format!("why {at}"), &["As a question to a run: "]);
        }
    }
    talk.check("claims", &[", 0 are otherwise.", "Contradicted, 14.1: the thread watches for requests."]);

    // Down again, held at every step of that too.
    talk.check("continue", &["The program runs on its own."]);
    talk.check("note it served", &["Note 1 set"]);
    talk.check("stop", &["The server is asked to stop."]);
    let mut seen = Vec::new();
    loop {
        let answer = talk.ask("step");
        seen.extend(begun(&answer));
        if answer.contains("The program has ended.") {
            break;
        }
    }
    seen.retain(|step| *step > 33);
    assert_eq!(seen, [34, 35, 36]);
    let claims = talk.ask("claims all");
    assert!(claims.contains(", 0 are otherwise.") && claims.contains("\nHolds so far, 35.1: close is part of stop."));
    talk.check("where", &["The program has ended; restart starts it again."]);
    talk.check("loop", &["The loop is over, after ", "it accepted; do_read ran"]);
    talk.check("stop", &["The server has ended."]);
    talk.check("goto stop", &["main: stop begins. Step 34, Stop the server."]);
    talk.check("lesson", &["Lesson 34, stop: "]);
    // A note in no file is not lost without a word.
    talk.check("quit", &["1 note not saved: ", "quit again goes on without."]);
    let (out, err, code) = talk.end();
    assert_eq!((&*out, &*err, code), ("", "", Some(0)));
}

#[test]
fn held_in_spawn_everything_that_the_screens_say_can_be_asked() {
    let mut talk = Talk::demo(&["--slow-dns", "50ms"]);
    talk.check("where", &["main: run begins. Step 1, Start the server.", "At socketio.rs line "]);
    talk.check(
        "run-to spawn",
        &["main: spawn begins. Step 14, ", "inside apply, gethostbyaddr", "semaphore_before: 11"],
    );
    talk.check(
        "stack",
        &["main: paused at the beginning of spawn; 10 calls", "\n1. spawn, threadpool.rs line ", "hub: created"],
    );
    talk.check("fields", &["spawn has ", "\nsemaphore_before: 11\n"]);
    talk.check("fields run", &["run has ", "async_mode: tokio"]);
    talk.check("source", &["spawn, lines ", "src/server/threadpool.rs.", "fn spawn(", "#[instrument("]);
    talk.check("lesson", &["Lesson 14, spawn: ", "The report is wrong here.", "Claim 14.1: ", "Question: "]);
    talk.check("answer", &["Answer: The worker writes to the async watcher's descriptor"]);
    talk.check("why 2", &["Claim 14.2, ", "field spawn.semaphore_after = 10", "Not decided yet: "]);
    talk.check("before", &["Before, in spawn, at ", "Who accepts? Nobody: ", "the run has not come so far"]);
    talk.check("timeline", &["main: from ", "The loop starts later, or not at all."]);
    talk.check("timeline main", &["spawn, inside apply."]);
    talk.check("where", &["Before the loop, ", "The server's address is 127.0.0.1:"]);
    let not_run = "hub: the loop has not run. main has its thread, and a job is with the pool.";
    talk.check("loop", &[not_run, "Accepting: not armed", "the semaphore is at 11 of 11.", "Ready: nobody."]);
    talk.check("loop before", &["No turn of an event loop"]);
    talk.check("events 2", &["Event ", ": is held at the beginning of spawn"]);
    talk.check("over", &["main: spawn ends, after ", "semaphore_after: 10", "worker-1: the lane begins."]);
    talk.check("why 14.2", &["Holds in this run so far", "main: spawn records semaphore_after: 10", "goto @"]);
    talk.check(
        "run-to loop",
        &["The loop starts.", "hub: run begins. Step 16", "main: control passes to hub, because of AsyncResult.get."],
    );
    talk.check("run-to serves", &["The loop serves.", "hub: poll begins."]);
    talk.check(
        "before-after",
        &[
            "During, the lookup runs, at ",
            "hub: polling",
            "added: get; gone: spawn",
            "Who accepts? The io watcher on fd ",
        ],
    );
    talk.check("path apply", &["worker-1: works in gethostbyaddr", "percent", "woken by worker-1 with async watcher"]);
    talk.check("search name=spawn", &["1 call matches", "main: Call ", "goto #"]);
    talk.check("stats", &["of its own", "gethostbyaddr in netdb.rs: once, "]);
    talk.check("goto spawn", &["looking back.", "main: spawn begins. Step 14"]);
    talk.check("back", &["main: apply begins."]);
    talk.check("forth 2", &["looking back.", "main: put begins."]);
    talk.check("goto end", &["hub: poll begins."]);

    // What cannot be is a sentence with the way out.
    talk.check("st", &["`st` may be step, stop, stack, steps, stats"]);
    talk.check("jump", &["There is no command `jump`; help lists them."]);
    talk.check("out now", &["`out` takes nothing behind it"]);
    talk.check("step often", &["`often` is no number"]);
    talk.check("run-to gethostbyaddr", &["socketcommon.gethostbyaddr or resolver.gethostbyaddr"]);
    talk.check("run-to loop", &["That was already; goto loop looks at it."]);
    talk.check("stack nobody", &["No lane is called `nobody`; there are main, hub, worker-1"]);
    talk.check("client dance", &["`dance` is none of get, connect"]);
    talk.check("client disconnect", &["Nobody is connected; client connect comes first."]);
    talk.check("search dur>fast", &["fast"]);
    talk.check("goto 12", &["12ms is a time"]);
    talk.check("why 99.9", &["There is no claim `99.9`"]);

    talk.check("restart block", &["held at its first call", "resolver: block"]);
    talk.check("run-to serves", &["The loop serves."]);
    talk.check("before-after", &["in main's own lookup", "it did not happen in this run"]);
    talk.check("continue", &["The program runs on its own."]);
    talk.check("client get", &["GET / was answered: 200 OK"]);
    let (out, err, code) = talk.end();
    assert_eq!((&*out, &*err, code), ("", "", Some(0)));
}

#[test]
fn a_recording_is_walked_by_the_same_commands_to_its_end() {
    let scratch = Scratch::new("recording");
    let file = scratch.path("start.spanwalk");
    assert_eq!(run(&["demo", "--plain", "--port", "0", "--until", "loop", "--record", &file]).0, 0);
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    let mut seen = Vec::new();
    loop {
        let answer = talk.ask("step");
        seen.extend(begun(&answer));
        if answer == "Nothing of this kind comes until the end of the recording.\n" {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (1..=23).chain(34..=36).collect::<Vec<_>>());
    talk.check("goto 0%", &["Nothing has happened yet."]);
    talk.check("run-to apply", &["main: apply begins."]);
    talk.check("over", &["main: apply ends, after ", "The loop starts.", "result: localhost"]);
    talk.check("out", &["main: gethostbyaddr ends"]);
    talk.check("run-to serves", &["hub: poll begins."]);
    talk.check("next-lane", &[": "]);
    talk.check("continue", &["This is the end of the recording."]);
    talk.check("client get", &["there is no server that a client could talk to"]);
    talk.check("pause", &["stands still anyway"]);
    talk.check("restart", &["there is nothing to start again"]);
    talk.check("claims", &[", 0 are otherwise."]);
    talk.check("guess", &["This is the end of the recording; back goes back."]);
    talk.check("stop", &["it can be looked through, and not run"]);
    talk.check("where", &["After the loop serves, ", "Of the recording "]);
    let (_, err, code) = talk.end();
    assert_eq!((&*err, code), ("", Some(0)));

    // What is wrong with a file is said first.
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 50]).unwrap();
    let (out, _, code) = Talk::new(&["open", &file, "--plain"]).end();
    assert!(out.contains("It is not closed.") && code == Some(0), "{out}");
}

#[test]
fn breakpoints_are_set_met_listed_turned_off_and_removed_by_typed_commands() {
    let mut talk = Talk::demo(&["--break", "step:spawn", "--break", "step:stop"]);
    talk.check("break dur>1ms", &["`dur>1ms` is not known yet when a call begins"]);
    talk.check("break step:start_accepting #1", &["Breakpoint 3: step:start_accepting, hit 1 only."]);
    talk.check("break field.path:/ lane:conn #2", &["Breakpoint 4: "]);
    talk.check("continue", &["Stopped at breakpoint 1, hit 1.", "main: spawn begins."]);
    talk.check("where", &["Stopped at breakpoint 1, hit 1."]);
    talk.check("breaks", &["Breakpoint 1, hit once: step:spawn, every hit. goto @", "Breakpoint 3, hit 0 times"]);
    talk.check("c", &["Stopped at breakpoint 3, hit 1.", "main: start_accepting begins."]);
    talk.check("c", &["No breakpoint is met so far. The program runs on its own."]);
    talk.check("client get", &["GET / sent."]);
    talk.check("client get", &["Breakpoint 4 is met: handle_one_request in conn-"]);
    talk.check("where", &["Stopped at breakpoint 4, hit 2.", "handle_one_request begins."]);
    talk.check("delete 4", &["Breakpoint 4 is gone."]);
    talk.check("delete 4", &["There is no breakpoint 4"]);
    talk.check("disable 1", &["Breakpoint 1 is off."]);
    // A server that is stopped to be started again is held nowhere on its way, not even at its stop.
    talk.check("restart", &["main: run begins."]);
    talk.check("breaks", &["Breakpoint 1, off, hit 0 times", "Breakpoint 2, hit 0 times", "Breakpoint 3, hit 0 times"]);
    talk.check("c", &["Stopped at breakpoint 3, hit 1."]);
    talk.check("enable 1", &["Breakpoint 1 is on."]);
    talk.check("continue back", &["Event 56 of", "looking back", "At breakpoint 1, hit 1.", "main: spawn begins."]);
    talk.check("delete", &["Say which breakpoint, such as delete 1"]);
    let (_, err, code) = talk.end();
    assert_eq!((&*err, code), ("", Some(0)), "the end is held nowhere either");
}

#[test]
fn in_a_recording_continue_goes_from_hit_to_hit_and_back() {
    let scratch = Scratch::new("hits");
    let file = scratch.path("hits.spanwalk");
    run(&["demo", "--plain", "--port", "0", "--until", "loop", "--record", &file]);
    let mut talk = Talk::new(&["open", &file, "--plain", "--break", "name=gethostbyaddr"]);
    talk.check("c", &["At breakpoint 1, hit 1.", "main: gethostbyaddr begins. Step 11"]);
    talk.check("c", &["At breakpoint 1, hit 2.", "main: gethostbyaddr begins. Step 12"]);
    talk.check("c", &["At breakpoint 1, hit 3.", "worker-1: gethostbyaddr begins."]);
    talk.check("c", &["No breakpoint stops after this; goto end goes there."]);
    talk.check("c back", &["At breakpoint 1, hit 2."]);
    talk.check("break name=gethostbyaddr #3", &["Breakpoint 1: "]);
    talk.check("c back", &["No breakpoint stops before this."]);
    talk.check("breaks", &["Breakpoint 1, hit 3 times: name=gethostbyaddr, hit 3 only. goto @"]);
    talk.check("c", &["At breakpoint 1, hit 3."]);
    talk.check("delete 1", &["Breakpoint 1 is gone."]);
    talk.check("c", &["This is the end of the recording."]);
    talk.check("c back", &["No breakpoint is on"]);
    assert_eq!(talk.end().2, Some(0));
}

#[test]
fn a_recording_that_grows_is_read_on() {
    let scratch = Scratch::new("grows");
    let file = scratch.path("growing.spanwalk");
    let mut server = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    server.args(["serve", "--port", "0", "--record", &file]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = server.spawn().unwrap();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    while std::fs::metadata(&file).map_or(0, |file| file.len()) < 16 {}
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    while talk.ask("goto serves").contains("nowhere in what has happened so far") {}
    talk.check("where", &["hub: poll begins. Step 18"]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(talk.end().2, Some(0));
}

#[test]
fn a_person_may_think_for_longer_than_the_gate_waits_for_a_viewer_that_is_gone() {
    let mut talk = Talk::demo(&[]);
    talk.check("run-to spawn", &["main: spawn begins."]);
    // A gate that hears of nobody for a second lets everybody go: that second has to pass, and nothing else is waited for.
    let (_nobody, nothing) = std::sync::mpsc::channel::<()>();
    assert!(nothing.recv_timeout(std::time::Duration::from_millis(1_500)).is_err());
    talk.check("where", &["main: spawn begins."]);
    talk.check("step", &["main: put begins."]);
}

#[test]
fn whoever_steps_through_the_stop_may_take_their_time_unless_a_time_is_given() {
    for (flags, milliseconds) in [(&[][..], 3_600_000), (&["--stop-timeout", "3s"], 3_000)] {
        let mut talk = Talk::demo(flags);
        talk.check("run-to start_accepting", &["main: start_accepting begins."]);
        talk.check("stop", &["The server is asked to stop."]);
        talk.check("run-to stop", &["main: stop begins."]);
        talk.check("fields", &[&format!("\ntimeout_ms: {milliseconds}\n")]);
        talk.input.as_mut().unwrap().write_all(b"quit\n").unwrap();
        assert_eq!(talk.end().2, Some(0));
    }
}

/// Half a request is under way, and nobody will send the rest.
#[test]
fn whoever_leaves_does_not_wait_for_what_is_under_way_for_as_long_as_whoever_steps() {
    let scratch = Scratch::new("leave");
    let path = scratch.path("leave.spanwalk");
    let mut talk = Talk::demo(&["--record", &path]);
    talk.check("run-to start_accepting", &["main: start_accepting begins."]);
    let fields = talk.ask("fields tcp_listener");
    let address = fields.lines().find_map(|line| line.strip_prefix("sockname: ")).unwrap();
    let mut half = std::net::TcpStream::connect(address).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    talk.check("continue", &["The program runs on its own."]);
    talk.input.as_mut().unwrap().write_all(b"quit\n").unwrap();
    let (_, err, code) = talk.end();
    assert_eq!(code, Some(0));
    assert!(err.contains("waiting for what the server has in flight"), "{err}");
    // In good order all the same: its end is in the recording.
    let mut log = spanwalk::trace::Log::new();
    spanwalk::file::Reader::open(path.as_ref()).unwrap().read(&mut log).unwrap();
    let stop = log.spans().find(|span| &*span.callsite.name == "stop").unwrap();
    assert!(stop.close.is_some(), "{stop:?}");
    assert!(log.fields(stop.id, log.len()).iter().any(|field| &*field.name == "cut"), "nothing is said to be cut");
}

#[test]
fn quit_ends_it_and_an_empty_line_repeats() {
    let mut talk = Talk::demo(&[]);
    talk.ask("s");
    talk.input.as_mut().unwrap().write_all(b"step\n\n\nq\nstep\n").unwrap();
    let (out, err, code) = talk.end();
    assert_eq!((out.matches("> step\n").count(), out.ends_with("> q\n")), (3, true), "{out}");
    assert_eq!((&*err, code), ("", Some(0)));
    for other in [&["--jsonl"][..], &["--until", "loop"], &["--for", "2s"]] {
        let (code, _, err) = run(&[&["demo", "--interactive"], other].concat());
        assert!(code == 2 && err.contains("--interactive") && err.lines().count() == 1, "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_person_at_a_terminal_is_given_a_hint_once_and_asked_behind_a_sign() {
    let scratch = Scratch::new("terminal");
    let talk = |env: &[(&str, &str)]| {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_spanwalk"))
            .args(["demo", "--interactive", "--port", "0"])
            .env_remove("CI")
            .env("XDG_STATE_HOME", scratch.path("state"))
            .envs(env.iter().copied());
        let mut child = command.spawn(pts).unwrap();
        let (mut said, mut buffer, mut is_asked) = (Vec::new(), [0; 4096], false);
        // At the end of a terminal there is nothing, or an error.
        while let Ok(read @ 1..) = (&pty).read(&mut buffer) {
            said.extend_from_slice(&buffer[..read]);
            if said.ends_with(b"> ") && !std::mem::replace(&mut is_asked, true) {
                (&pty).write_all(b"quit\n").unwrap();
            }
        }
        assert_eq!(child.wait().unwrap().code(), Some(0));
        String::from_utf8(said).unwrap()
    };
    let hint = "This is said once.";
    assert!(!talk(&[("CI", "true")]).contains(hint), "not to machines");
    let first = talk(&[]);
    assert!(first.starts_with("New here? step takes a step") && first.contains(hint), "{first}");
    assert!(first.contains("\r\n> "), "{first}");
    let again = talk(&[]);
    assert!(!again.contains(hint) && again.contains("The server is held at its first call."), "{again}");
    // A place that cannot be written is no reason to fail.
    let nowhere = talk(&[("XDG_STATE_HOME", "/proc/nowhere")]);
    assert!(nowhere.contains("The server is held at its first call.") && !nowhere.contains(hint), "{nowhere}");
    // And nobody who is no person gets any of it.
    let (_, err, _) = Talk::demo(&[]).end();
    assert_eq!(err, "");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_while_it_waits_for_a_line() {
    let mut talk = Talk::demo(&[]);
    talk.ask("step");
    assert!(Command::new("kill").args(["-TERM", &talk.child.id().to_string()]).status().unwrap().success());
    assert_eq!(talk.child.wait().unwrap().code(), Some(0));
}

#[test]
fn notes_are_set_listed_gone_to_and_removed_and_stay_in_the_file() {
    let scratch = Scratch::new("notes");
    let file = scratch.path("noted.spanwalk");
    let mut talk = Talk::demo(&["--record", &file]);
    talk.check("notes", &["Nothing is marked; note, and a text, marks this place."]);
    talk.check("note", &["Bookmark 1 set, at ", ", in run of main."]);
    talk.check("run-to spawn", &["main: spawn begins."]);
    talk.check("note who takes the job?", &["Note 2 set, at ", ", in spawn of main."]);
    talk.check("note who takes it?", &["Note 2 changed, at "]);
    let list = talk.ask("notes");
    assert!(list.contains("1. At ") && list.contains(", in run of main: a bookmark\n2. At "), "{list}");
    assert!(list.ends_with(", in spawn of main: who takes it?\n"), "nothing is unsaved: {list}");
    talk.check("goto note 1", &["looking back.", "main: run begins."]);
    talk.check("goto note 3", &["There are 2 notes."]);
    talk.check("notes remove 9", &["There are 2 notes."]);
    talk.check("notes remove", &["`` is no number"]);
    talk.check("notes of mine", &["notes remove 2 removes the second"]);
    talk.check("notes remove 1", &["Note 1 removed."]);
    let (out, err, code) = talk.end();
    assert_eq!((&*out, &*err, code), ("", "", Some(0)), "nothing is lost by leaving");

    // They are in the file; what is set there later is too.
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    talk.check("goto note 1", &["main: spawn begins."]);
    talk.check("note the worker, worker-1", &["Note 1 changed"]);
    talk.check("continue", &["This is the end"]);
    talk.check("note the end", &["Note 2 set"]);
    assert_eq!(talk.end().2, Some(0));
    let info = run(&["info", &file]).1;
    assert!(info.contains("\n  notes     2\n") && info.contains("main › spawn  the worker, worker-1\n"), "{info}");
    let json: serde_json::Value = serde_json::from_str(&run(&["info", &file, "--json"]).1).unwrap();
    let notes = json["bookmarks"].as_array().unwrap();
    assert_eq!((notes.len(), &notes[0]["name"], &notes[0]["lane"]), (2, &"spawn".into(), &"main".into()));
    assert_eq!((&notes[1]["text"], &notes[1]["at"]), (&"the end".into(), &json["events"]));
    assert!(json["damage"].as_array().unwrap().is_empty() && json["indexed"] == true && json["ended"] == true);
}

#[test]
fn a_note_that_is_in_no_file_is_said_at_once_and_before_one_leaves() {
    let mut talk = Talk::demo(&[]);
    let why = "this run is not recorded; --record FILE keeps notes.";
    talk.check("note lost", &["Note 1 set", &format!("It is not saved: {why}")]);
    talk.check("notes", &[&format!("1 note not saved: {why}")]);
    let (out, _, code) = talk.end();
    assert_eq!((out, code), (format!("1 note not saved: {why}\n"), Some(0)));
    // What was taken back is not missed.
    let mut talk = Talk::demo(&[]);
    talk.ask("note lost");
    talk.ask("notes remove 1");
    assert_eq!(talk.end().0, "");

    let scratch = Scratch::new("read-only");
    let file = scratch.path("fixed.spanwalk");
    assert_eq!(run(&["demo", "--plain", "--port", "0", "--until", "start", "--record", &file]).0, 0);
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    let before = std::fs::read(&file).unwrap();
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    talk.check("note x", &["Note 1 set", &format!("It is not saved: `{file}` is read-only.")]);
    talk.check("notes", &["1. At ", "1 note not saved"]);
    assert!(talk.end().0.starts_with("1 note not saved: "));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_note_in_a_file_that_is_still_written_is_saved_when_that_ends() {
    let scratch = Scratch::new("growing");
    let file = scratch.path("growing.spanwalk");
    let mut writer = Talk::demo(&["--record", &file]);
    writer.ask("run-to spawn");
    let mut reader = Talk::new(&["open", &file, "--plain"]);
    reader.check("note mine", &["Note 1 set", "is still being written by another program."]);
    writer.check("note theirs", &["Note 1 set"]);
    assert_eq!(writer.end().2, Some(0));
    while reader.ask("notes").contains("not saved") {}
    reader.check("notes", &["mine", "theirs"]);
    assert_eq!(reader.end().0, "");
    let info = run(&["info", &file]).1;
    assert!(info.contains("closed in order") && info.contains("\n  notes     2\n"), "{info}");
}

#[test]
fn the_pool_and_the_watcher_that_accepts_are_told_turn_by_turn() {
    let mut talk = Talk::demo(&[]);
    talk.check("run-to spawn", &["main: spawn begins."]);
    talk.check("over", &["main: spawn ends"]);
    // How far the worker is by now is its own affair.
    let job = "Job: gethostbyaddr of 127.0.0.1, ";
    talk.check("loop", &["Watcher: async on descriptor ", job, "the semaphore is at 10 of 11.", "worker-1: "]);
    talk.check("run-to serves", &["The loop serves."]);
    let job = "Job: gethostbyaddr of 127.0.0.1, done by worker-1, and taken by the loop; it gave localhost.";
    talk.check("w", &["hub: turn ", ", polling.", "Watcher: io on descriptor ", "it accepts.", job, ": polling."]);
    talk.check("loop before", &["Event ", "hub: turn ", "woke for async watcher", "on_async; ran main."]);
    talk.check("loop next", &["hub: turn ", ", polling."]);
    talk.check("loop next", &["This is the last turn so far."]);
    talk.check("loop twice", &["`twice` is neither `next` nor `before`"]);
    talk.check("client 1", &["GET / sent."]);
    talk.check("run-to do_read", &["hub: do_read begins."]);
    talk.check("loop", &[", calls do_read for a watcher.", "Watcher: io on descriptor ", "fires now"]);
    assert_eq!(talk.end().2, Some(0));
}

#[test]
fn what_comes_next_is_guessed_and_the_score_is_kept() {
    let mut talk = Talk::demo(&[]);
    let ask = talk.ask("guess");
    assert!(ask.starts_with("To think about: ") && ask.contains("\nWhat comes next?\n1. "), "{ask}");
    let right = ask.lines().find(|line| line.ends_with(". new is called.")).unwrap();
    let (number, _) = right.split_once('.').unwrap();
    talk.check(&format!("guess {number}"), &["Right: on main, new is called.", "1 of 1 right so far.", "Step 2"]);
    let ask = talk.ask("guess");
    let wrong = ask.lines().find(|line| line.ends_with(". something else.")).unwrap();
    let (number, _) = wrong.split_once('.').unwrap();
    talk.check(
        &format!("P {number}"),
        &["Not so: on main, new ends, and not: something else.", "1 of 2 right so far."],
    );
    talk.check("guess 9", &["There is no 9; guess lists what may come."]);
    talk.check("continue", &["The program runs on its own."]);
    talk.check("guess", &["Nobody is held: pause holds the program"]);
    assert_eq!(talk.end().2, Some(0));
}

#[test]
fn a_stretch_is_counted_a_lane_is_told_with_its_gaps_and_switches_are_gone_along() {
    let scratch = Scratch::new("stretch");
    let file = scratch.path("stretch.spanwalk");
    run(&["demo", "--plain", "--port", "0", "--until", "loop", "--record", &file]);
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    talk.check("stats loop serves", &["From ", "calls.\nIn all ", "run in event_loop.rs: once, "]);
    talk.check("stats 0ms 1ms all", &["From 0 ns to 1.00 ms, 1.00 ms: ", "run in socketio.rs: once"]);
    talk.check("stats 1ms", &["Write stats, or two places behind it"]);
    talk.check("stats loop nowhere", &["No call so far is named `nowhere`"]);
    talk.check("run-to loop", &["hub: run begins."]);
    talk.check("from-whom", &["main: control passes to hub, because of AsyncResult.get.", "main: "]);
    talk.check("to-whom", &["main: control passes to hub, because of AsyncResult.get.", "hub: "]);
    talk.check("to-whom", &["hub: wakes main, because of AsyncResult.set.", "main: "]);
    talk.check("events 2 worker-1", &["worker-1: "]);
    talk.check("events 1 main", &["main: "]);
    // Whose call it is depends on who was the last to come to that place.
    talk.check("fields", &["Call ", ", opened at ", "\nIn spanwalk::server::"]);
    talk.check("goto end", &["This is the end"]);
    talk.check("help turn", &["loop or w [next|before]: "]);
    assert_eq!(talk.end().2, Some(0));
}

#[test]
fn a_restart_says_which_notes_go_with_the_run() {
    let mut talk = Talk::demo(&[]);
    talk.ask("note mine");
    talk.check("restart", &["1 note not saved: this run is not recorded", "restart again goes on without."]);
    talk.check("restart", &["The server was started again"]);
    talk.check("restart", &["The server was started again"]);
    assert_eq!(talk.end().0, "");
}

#[test]
fn a_file_of_another_program_says_what_was_not_instrumented_and_guesses_nothing() {
    let scratch = Scratch::new("foreign");
    let file = scratch.path("foreign.json");
    let calls = [("work", 1, 500), ("inner", 100, 50), ("again", 900, 50)];
    let calls =
        calls.map(|(name, ts, dur)| format!(r#"{{"name":"{name}","ph":"X","ts":{ts},"dur":{dur},"pid":1,"tid":7}}"#));
    std::fs::write(&file, format!("[{}]", calls.join(","))).unwrap();
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    talk.check("guess", &["The documented chain says nothing about this place."]);
    talk.check("goto inner", &["thread 7: inner begins.\nInside work."]);
    talk.check("goto end", &["This is the end of the recording."]);
    let gap = "At 500.0 µs, for 399.0 µs: not instrumented, no call was open.";
    for lane in ["7", "thread 7", "thread 7 all"] {
        talk.check(&format!("timeline {lane}"), &["Call 2, at 99.0 µs, for 50.0 µs: inner, inside work.", gap]);
    }
    assert_eq!(talk.ask("events 2 thread 7").lines().count(), 2);
    talk.check("loop", &["Nothing of an event loop is recorded here."]);
    talk.check("stats 0ms 1ms", &["From 0 ns to 1.00 ms, 1.00 ms: 3 calls.", "\nwork: once, 450.0 µs of its own"]);
    assert_eq!(talk.end().2, Some(0));
}

/// Of async spans of another tool it is not known when they were on a thread: no time of their own is said, none is summed as none.
#[test]
fn a_stretch_with_calls_of_which_nobody_knows_when_they_ran_says_so() {
    let scratch = Scratch::new("unknown");
    let file = scratch.path("unknown.json");
    let text = r#"[{"ph":"X","name":"work","ts":0,"dur":600,"pid":1,"tid":1},
        {"ph":"b","name":"request","cat":"c","id":5,"ts":500,"pid":1,"tid":1},
        {"ph":"e","name":"request","cat":"c","id":5,"ts":900,"pid":1,"tid":1}]"#;
    std::fs::write(&file, text).unwrap();
    let mut talk = Talk::new(&["open", &file, "--plain"]);
    let request = "\nrequest: once, an unknown part of its own, ";
    let of_some =
        "\nIn all 1.00 ms, of their own 600.0 µs, and of some an unknown part.\nwork: once, 600.0 µs of its own, ";
    talk.check("stats 0ms 1ms", &["From 0 ns to 1.00 ms, 1.00 ms: 2 calls.", of_some, request]);
    let of_all = "1 call.\nIn all 200.0 µs, of their own an unknown part.";
    talk.check("stats 700us 900us", &[of_all, request]);
    talk.check(
        "stats 0us 400us",
        &["1 call.\nIn all 400.0 µs, of their own 400.0 µs.\nwork: once, 400.0 µs of its own, "],
    );
    talk.check("stats", &["work: once, 600.0 µs of its own", request]);
    assert_eq!(talk.end().2, Some(0));
}
