//! The program on a terminal, typed at as a person would, read as a terminal would show it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Longer than anything takes here; only a failure waits for it.
const LONG: Duration = Duration::from_secs(20);

/// The end of a synchronized update.
const END_OF_PICTURE: &[u8] = b"\x1b[?2026l";

/// No directory, and none can be made there: neither settings nor layouts of whoever runs the tests.
const NOWHERE: &str = "/dev/null/nowhere";

struct Terminal {
    pty: Arc<pty_process::blocking::Pty>,
    child: Child,
    shown: Arc<(Mutex<Shown>, Condvar)>,
}

struct Shown {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    is_over: bool,
}

impl Terminal {
    fn new((columns, rows): (u16, u16), args: &[&str]) -> Self {
        Self::with_env((columns, rows), args, &[])
    }

    fn with_env((columns, rows): (u16, u16), args: &[&str], env: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
        let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_spanwalk"))
            .args(args)
            .env_remove("NO_COLOR")
            .env_remove("TMUX")
            .env("XDG_CONFIG_HOME", NOWHERE)
            .env("XDG_STATE_HOME", NOWHERE)
            .env("TERM", "xterm-256color")
            // No hint for the first run, and nothing written into anybody's home.
            .env("CI", "true")
            .envs(env.iter().copied());
        let child = command.spawn(pts).unwrap();
        let parser = vt100::Parser::new(not_zero(rows), not_zero(columns), 0);
        let shown = Shown { parser, bytes: Vec::new(), is_over: false };
        let (pty, shown) = (Arc::new(pty), Arc::new((Mutex::new(shown), Condvar::new())));
        let reader = (pty.clone(), shown.clone());
        std::thread::spawn(move || {
            let (pty, shown) = reader;
            let mut buffer = [0; 8192];
            let mut processed = 0;
            loop {
                let read = (&*pty).read(&mut buffer).unwrap_or(0);
                let mut state = shown.0.lock().unwrap();
                let Shown { parser, bytes, is_over } = &mut *state;
                *is_over = read == 0;
                bytes.extend_from_slice(&buffer[..read]);
                // Whole pictures only, as a terminal that knows synchronized updates shows them.
                let whole = bytes.windows(END_OF_PICTURE.len()).rposition(|end| end == END_OF_PICTURE);
                let whole = whole.map_or(0, |at| at + END_OF_PICTURE.len()).max(processed);
                let until = if *is_over { bytes.len() } else { whole };
                parser.process(&bytes[processed..until]);
                processed = until;
                shown.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { pty, child, shown }
    }

    fn demo(size: (u16, u16)) -> Self {
        let terminal = Self::new(size, &["demo", "--port", "0"]);
        terminal.wait_for("1/36 run");
        terminal
    }

    fn type_(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen is as it should be, and gives it.
    #[track_caller]
    fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        let mut state = self.shown.0.lock().unwrap();
        loop {
            let screen = state.parser.screen().contents();
            if is_so(&screen) {
                return screen;
            }
            assert!(began.elapsed() < LONG && !state.is_over, "the screen does not show {what}:\n{screen}");
            state = self.shown.1.wait_timeout(state, Duration::from_millis(200)).unwrap().0;
        }
    }

    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Types, and waits until the screen shows another stop than `before`.
    #[track_caller]
    fn step(&self, keys: &str, before: &str) -> String {
        self.type_(keys);
        self.wait_until("another stop", |screen| {
            screen != before && (header(screen).contains("PAUSED") || header(screen).contains("polling"))
        })
    }

    /// Waits for the end: the exit code, and whether the terminal is as it was.
    #[track_caller]
    fn end(mut self) -> Option<i32> {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < LONG, "it does not end");
            std::thread::yield_now();
        };
        let mut state = self.shown.0.lock().unwrap();
        while !state.is_over {
            assert!(began.elapsed() < LONG, "the terminal stays open");
            state = self.shown.1.wait_timeout(state, Duration::from_millis(200)).unwrap().0;
        }
        let screen = state.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is let go");
        status.code()
    }
}

fn not_zero(length: u16) -> NonZero<u16> {
    NonZero::new(length).unwrap()
}

/// The first line without the times that change while nothing happens.
fn header(screen: &str) -> String {
    let line = screen.lines().next().unwrap_or_default();
    line.split("program").next().unwrap_or_default().trim().to_owned()
}

/// The chain down to the loop, as the first line names its steps.
const STEPS: [&str; 17] = [
    "run",
    "new",
    "serve_forever",
    "start",
    "pywsgi.init_socket",
    "stream_server.init_socket",
    "get_listener",
    "tcp_listener",
    "update_environ",
    "getfqdn",
    "socketcommon.gethostbyaddr",
    "resolver.gethostbyaddr",
    "apply",
    "spawn",
    "get",
    "hub.run",
    "loop.run",
];

#[test]
fn c_runs_to_a_breakpoint_of_the_command_line_and_a_new_run_has_it_too() {
    let terminal = Terminal::new((100, 30), &["demo", "--port", "0", "--break", "step:spawn", "--break", "step:stop"]);
    terminal.wait_for("1/36 run");
    terminal.type_("c");
    let screen = terminal.wait_for("PAUSED ON BREAKPOINT 1");
    assert!(screen.contains("● → spawn") && header(&screen).contains("14/36 spawn"), "{screen}");
    terminal.type_("$");
    terminal.wait_for("1  ● on         1  every hit  step:spawn");
    // Its stop on the way to a new run is none for a person.
    terminal.type_("$R\r");
    terminal.wait_for("1/36 run");
    terminal.type_("c");
    terminal.wait_for("PAUSED ON BREAKPOINT 1");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn stepping_shows_the_steps_in_order_from_run_to_the_loop_at_every_size() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let terminal = Terminal::demo(size);
        let mut seen: Vec<usize> = vec![0];
        let mut screen = terminal.wait_for("1/36 run");
        for _ in 0..80 {
            // Pauses on the way back out repeat the number of the step around.
            let number = |header: &str| {
                let at = header.split_whitespace().find_map(|word| word.strip_suffix("/36"))?;
                at.parse::<usize>().ok()
            };
            screen = terminal.step("s", &screen);
            if let Some(step) = number(&header(&screen))
                && step - 1 > *seen.last().unwrap()
                && step <= STEPS.len()
            {
                seen.push(step - 1);
            }
            if seen.len() == STEPS.len() {
                break;
            }
        }
        assert_eq!(seen, (0..STEPS.len()).collect::<Vec<_>>(), "{size:?}");
        terminal.type_("q");
        assert_eq!(terminal.end(), Some(0));
    }
}

#[test]
fn over_apply_comes_back_and_the_runs_end_at_the_loop() {
    let terminal = Terminal::demo((120, 40));
    terminal.type_("uapply\r");
    terminal.wait_for("13/36 apply");
    terminal.type_("n");
    let screen = terminal.wait_until("the end of apply", |s| header(s).contains("RETURNING") && s.contains("result"));
    assert!(header(&screen).contains("13/36 apply"), "{screen}");
    terminal.type_("r");
    let screen = terminal.wait_for("serving");
    assert!(screen.contains("WAITING for stop_event"), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_request_is_sent_and_stepped_without_leaving_and_restart_begins_at_step_1() {
    let terminal = Terminal::demo((120, 40));
    terminal.type_("r");
    terminal.wait_for("16/36 hub.run");
    terminal.type_("r");
    terminal.wait_for("serving");
    terminal.type_("g");
    terminal.wait_for("vanishing client");
    terminal.type_("g");
    let mut seen = terminal.wait_for("GET / sent");
    for _ in 0..60 {
        seen = terminal.step("s", &seen);
        if seen.contains("27/36 app") {
            break;
        }
    }
    assert!(seen.contains("27/36 app") && seen.contains("conn-1"), "{seen}");
    terminal.type_("c");
    terminal.wait_for("200 OK");
    // More connections that are over than lanes that are alive.
    for done in 2..7 {
        terminal.type_("gg");
        terminal.wait_until("another that is done", |screen| screen.contains(&format!("{done} lanes are done")));
    }
    terminal.type_("R");
    terminal.wait_for("Start again");
    // The right arrow chooses the other resolver.
    terminal.type_("\x1b[C\r");
    let screen = terminal.wait_for("1/36 run");
    assert!(!screen.contains("conn-1"), "{screen}");
    terminal.type_("r");
    terminal.wait_for("16/36 hub.run");
    let screen = terminal.wait_for("WAITING for stop_event");
    assert!(!screen.contains("worker-1"), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn the_clients_inside_the_program_play_their_scenes_with_the_server() {
    let terminal = Terminal::demo((80, 24));
    terminal.type_("g3");
    terminal.wait_for("nothing listens yet");
    terminal.type_("r");
    terminal.wait_for("hub.run");
    terminal.type_("r");
    terminal.wait_for("serving");
    terminal.type_("c");
    terminal.wait_for("running freely");
    for (digit, said) in [
        ("2", "client 1 connected by polling, then WebSocket; pings every 25s, after"),
        ("3", r#"client 1 sent 42["message","hi"], got 42["message-back","hi"], after"#),
        ("4", r#"client 1 sent 42["all","hello 1"]; 2 of 2 got it, after"#),
        ("5", "texts, then waited; read on: all came, after"),
        ("6", "a client connected and vanished: a TCP reset, no close frame, after"),
    ] {
        terminal.type_("g");
        terminal.wait_for("g again");
        terminal.type_(digit);
        terminal.wait_for(said);
    }
    terminal.type_("g");
    terminal.wait_for("2 are connected");
    terminal.type_("7");
    let screen = terminal.wait_for("2 clients said 41 and close; the server sent a close frame");
    assert!(!screen.contains("client-"), "nobody watches the clients: {screen}");
    // One that waits for a server that is held ends with the run.
    terminal.type_("pg2");
    terminal.wait_for("a client connects");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn back_and_forth_move_the_cursor_while_the_program_stays_held() {
    let terminal = Terminal::demo((120, 40));
    terminal.type_("utcp_listener\r");
    terminal.wait_for("8/36 tcp_listener");
    terminal.type_("b");
    let screen = terminal.wait_until("the past", |screen| header(screen).contains("event "));
    assert!(!header(&screen).contains("LIVE"), "{screen}");
    terminal.type_("f");
    terminal.wait_until("the end", |screen| header(screen).contains("LIVE"));
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn before_during_and_after_stand_side_by_side() {
    // Slow enough for the loop to be running while the lookup does.
    let terminal = Terminal::new((120, 40), &["--port", "0", "--slow-dns", "1s"]);
    terminal.wait_for("1/36 run");
    terminal.type_("r");
    terminal.wait_for("16/36 hub.run");
    terminal.type_("r");
    terminal.wait_for("serving");
    terminal.type_("B");
    let said = ["BEFORE", "DURING", "AFTER", "created, not run", "WAITING for AsyncResult.get", "worker-1", "armed by"];
    terminal.wait_until("all three moments", |screen| said.iter().all(|said| screen.contains(said)));
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn the_event_loop_is_watched_from_its_start_to_a_request_and_its_turns_are_gone_through() {
    for size in [(80, 24), (120, 40)] {
        let terminal = Terminal::demo(size);
        terminal.type_("w");
        terminal.wait_for("The loop has not run");
        terminal.type_("r");
        let said = ["16/36 hub.run", "semaphore 10 of 11 free", "async fd", "has not polled"];
        terminal.wait_until("the loop begins", |screen| said.iter().all(|said| screen.contains(said)));
        terminal.type_("r");
        let said =
            ["serving", "semaphore 11 of 11 free", "✓ gethostbyaddr 127.0.0.1", "do_read ran 0×", "1 → on_async"];
        terminal.wait_until("it serves", |screen| said.iter().all(|said| screen.contains(said)));
        terminal.type_("cg");
        terminal.wait_for("vanishing client");
        terminal.type_("g");
        let said = ["200 OK", "▶ 1 Poll", "do_read ran 1×", "1 → do_read", "1: conn-1"];
        terminal.wait_until("it has accepted", |screen| said.iter().all(|said| screen.contains(said)));
        // Up, and down again: past the turns too that come while the request ends.
        terminal.type_("\x1b[A");
        terminal.wait_for("LOOKING BACK");
        terminal.type_(&"\x1b[B".repeat(4));
        terminal.wait_until("live", |screen| !screen.contains("LOOKING BACK") && screen.contains("POLLING"));
        terminal.type_("w");
        terminal.wait_for("Call stack");
        terminal.type_("q");
        assert_eq!(terminal.end(), Some(0));
    }
}

/// A recording of the demo's start, removed when it is dropped.
struct Recording(std::path::PathBuf);

impl Recording {
    fn new(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("spanwalk-{name}-{}.spanwalk", std::process::id()));
        Self(file)
    }

    fn of_the_demo(name: &str) -> Self {
        let made = Self::new(name);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_spanwalk"))
            .args(["demo", "--plain", "--port", "0", "--until", "loop", "--force", "--record", made.path()])
            .output()
            .unwrap();
        assert!(output.status.success());
        made
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

/// A server that does not outlive its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The cursor, as the first line has it: `event 41 of 246`.
fn event(screen: &str) -> Option<usize> {
    header(screen).split_once("event ")?.1.split(' ').next()?.parse().ok()
}

#[test]
fn a_recording_opens_in_the_same_screens_and_cannot_be_stepped() {
    let file = Recording::of_the_demo("opened");
    let terminal = Terminal::new((120, 40), &["open", file.path()]);
    terminal.wait_until("the recording", |screen| screen.contains("RECORDED") && screen.contains("THE END"));
    terminal.type_("s");
    terminal.wait_for("this is a recording");
    terminal.type_("g");
    terminal.wait_for("there is no server that a client could talk to");
    // Enter on a step that has been goes to it.
    terminal.type_("i");
    terminal.wait_for("Steps");
    terminal.type_(&"k".repeat(40));
    terminal.type_(&"j".repeat(13));
    terminal.type_("\r");
    let screen = terminal.wait_until("spawn", |screen| header(screen).contains("14/36 spawn"));
    assert!(header(&screen).contains("LOOKING BACK") && screen.contains("created, not run"), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn every_key_of_replay_does_at_a_terminal_what_the_last_line_says() {
    let file = Recording::of_the_demo("replay");
    let terminal = Terminal::new((120, 40), &["open", file.path()]);
    terminal.wait_for("THE END");
    let is_at = |at: usize| move |screen: &str| event(screen) == Some(at);
    let go = |keys: &str, at: usize| {
        terminal.type_(keys);
        terminal.wait_until(&format!("event {at} after {keys}"), is_at(at))
    };
    // To a place that is typed: an event, a time, a share, a call; escape leaves the prompt.
    go("T@20\r", 20);
    go("e", 21);
    go("EE", 19);
    terminal.type_("T");
    terminal.wait_for("Go to");
    terminal.type_("\x1b");
    terminal.wait_until("no prompt", |screen| !screen.contains("Go to"));
    terminal.type_("Tspawn\r");
    let spawn = event(&terminal.wait_until("spawn", |screen| header(screen).contains("14/36 spawn"))).unwrap();
    // By call and back, by lane and back: the lane is the selected one.
    for (there, back) in [("d", "D"), ("L", "H"), (")", "("), ("f", "b")] {
        terminal.type_(there);
        let after = terminal.wait_until("a later event", |screen| event(screen) > Some(spawn));
        assert!(!after.contains("looking for"), "{after}");
        terminal.type_(back);
        terminal.wait_until("an earlier one", |screen| event(screen) < event(&after));
        go(&format!("T@{spawn}\r"), spawn);
    }
    // Playing: forth, faster, slower, backwards, until it is stopped.
    terminal.type_("V");
    let speed =
        |screen: &str| header(screen).split_once("PLAYING ").map(|after| after.1.split('×').next().unwrap().to_owned());
    let normal = speed(&terminal.wait_for("▶ PLAYING")).unwrap();
    terminal.type_("]");
    let fast = terminal.wait_until("ten times faster", |screen| speed(screen).is_some_and(|speed| speed != normal));
    assert!(speed(&fast).unwrap().parse::<f64>().unwrap() > normal.parse::<f64>().unwrap(), "{fast}");
    terminal.type_("[");
    terminal.wait_until("the speed before", |screen| speed(screen).as_ref() == Some(&normal));
    terminal.type_("v");
    terminal.wait_for("◀ PLAYING");
    terminal.type_("V");
    terminal.wait_until("a stop", |screen| header(screen).contains("LOOKING BACK"));
    // A search: the matches as a list, one after the other, and in the timeline.
    go("T@1\r", 1);
    terminal.type_("/name=gethostbyaddr\r");
    terminal.wait_until("the list", |screen| {
        screen.contains("Search · name=gethostbyaddr") && screen.contains("3 matches")
    });
    terminal.type_("\x1b");
    terminal.wait_until("no list", |screen| screen.contains("◆ 3 matches") && !screen.contains("Search ·"));
    terminal.type_("n");
    terminal.wait_for("◆ match 1 of 3");
    terminal.type_("n");
    terminal.wait_for("◆ match 2 of 3");
    terminal.type_("NN");
    let last = terminal.wait_for("◆ match 3 of 3");
    assert!(last.lines().any(|line| line.starts_with("│matches ") && line.contains('◆')), "{last}");
    terminal.type_("m");
    terminal.wait_for("Search · name=gethostbyaddr");
    terminal.type_("\x1b");
    terminal.wait_until("no list", |screen| !screen.contains("Search ·"));
    terminal.type_("\x1b");
    terminal.wait_until("no search", |screen| !screen.contains('◆'));
    // Statistics of everything, of the window; the critical path of a call.
    terminal.type_("S");
    let all = terminal.wait_for("Statistics of everything");
    assert!(all.contains("different calls") && all.contains("▾self"), "{all}");
    terminal.type_("\t");
    terminal.wait_for("the timeline's window");
    terminal.type_("\x1b");
    terminal.wait_until("no statistics", |screen| !screen.contains("the timeline's window"));
    go(&format!("T@{spawn}\r"), spawn);
    terminal.type_("C");
    terminal.wait_for("Critical path of spawn");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_file_that_grows_is_followed_to_its_end() {
    use std::io::{BufRead as _, BufReader};
    let file = Recording::new("growing");
    let command = std::process::Command::new(env!("CARGO_BIN_EXE_spanwalk"))
        .args(["serve", "--port", "0", "--force", "--record", file.path()])
        .stdout(std::process::Stdio::piped())
        .spawn();
    let mut server = Server(command.unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("spanwalk: serving http://").and_then(|rest| rest.split('/').next()).unwrap();
    let terminal = Terminal::new((120, 40), &["open", file.path()]);
    terminal.wait_until("what there is so far", |screen| screen.contains("not closed") && screen.contains("serving"));
    let get = || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
    };
    get();
    terminal.wait_for("conn-1");
    // Whoever looks back stays there while it grows.
    terminal.type_("T@20\r");
    let before = terminal.wait_until("event 20", |screen| event(screen) == Some(20));
    get();
    let of =
        |screen: &str| header(screen).split_once(" of ").and_then(|of| of.1.split(' ').next()?.parse::<usize>().ok());
    terminal.wait_until("more events", |screen| event(screen) == Some(20) && of(screen) > of(&before));
    terminal.type_("\x1b[F");
    terminal.wait_for("THE END");
    assert!(std::process::Command::new("kill").args(["-TERM", &server.0.id().to_string()]).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
    terminal.wait_until("a closed file", |screen| screen.contains("THE END") && !screen.contains("not closed"));
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_note_that_is_typed_at_a_recording_is_there_the_next_time() {
    let file = Recording::of_the_demo("noted");
    let terminal = Terminal::new((120, 40), &["open", file.path()]);
    terminal.wait_for("THE END");
    terminal.type_("Tspawn\r");
    terminal.wait_until("spawn", |screen| header(screen).contains("14/36 spawn"));
    terminal.type_("J");
    terminal.wait_for("about main › spawn");
    terminal.type_("q is a letter here\r");
    let screen = terminal.wait_for("note at ");
    assert!(!screen.contains("not saved") && screen.contains("⚑  spawn"), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
    let terminal = Terminal::new((80, 24), &["open", file.path()]);
    terminal.wait_for("THE END");
    terminal.type_("U");
    let screen = terminal.wait_for("⚑ 1 of 1  q is a letter here");
    assert!(header(&screen).contains("14/36 spawn"), "{screen}");
    terminal.type_("\x7f");
    terminal.wait_for("removed: note “q is a letter here”");
    terminal.type_("O");
    terminal.wait_for("Nothing is marked yet");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn signals_give_the_terminal_back_though_the_server_is_held() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let terminal = Terminal::demo((80, 24));
        let id = terminal.child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(terminal.end(), Some(0), "{signal}");
    }
}

#[test]
fn a_terminal_that_is_closed_ends_the_program() {
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(24, 80)).unwrap();
    let command =
        pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_spanwalk")).args(["--port", "0"]).env("CI", "true");
    let mut child = command.spawn(pts).unwrap();
    let mut shown = Vec::new();
    while !shown.windows(END_OF_PICTURE.len()).any(|end| end == END_OF_PICTURE) {
        let mut buffer = [0; 8192];
        let read = (&pty).read(&mut buffer).unwrap();
        shown.extend_from_slice(&buffer[..read]);
    }
    // The window is closed: the kernel hangs up.
    drop(pty);
    let began = Instant::now();
    let code = child.wait().unwrap().code();
    // With the terminal gone there is no screen to end in good order, and nobody to hear of it.
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "it ended by itself, not by the last resort");
}

#[test]
fn the_screen_follows_the_size_of_its_terminal() {
    let terminal = Terminal::demo((120, 40));
    for (columns, rows) in [(20, 5), (1, 1), (80, 24)] {
        terminal.shown.0.lock().unwrap().parser.screen_mut().set_size(not_zero(rows), not_zero(columns));
        terminal.pty.resize(pty_process::Size::new(rows, columns)).unwrap();
    }
    let screen = terminal.wait_until("the last line", |screen| {
        screen.lines().nth(23).is_some_and(|line| line.contains("s into") && line.chars().count() <= 80)
    });
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn no_color_means_no_colour() {
    #[track_caller]
    fn check(env: &[(&str, &str)], is_coloured: bool) {
        let terminal = Terminal::with_env((80, 24), &["demo", "--port", "0"], env);
        terminal.wait_for("1/36 run");
        terminal.type_("q");
        let shown = terminal.shown.clone();
        assert_eq!(terminal.end(), Some(0));
        let bytes = String::from_utf8_lossy(&shown.0.lock().unwrap().bytes).into_owned();
        let colours = bytes.split("\x1b[").filter(|after| {
            let Some((codes, _)) = after.split_once('m') else { return false };
            let mut codes = codes.split(';').filter_map(|code| code.parse::<u16>().ok());
            codes.any(|code| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107))
        });
        assert_eq!(colours.count() > 0, is_coloured, "{env:?}");
    }
    check(&[], true);
    check(&[("NO_COLOR", "1")], false);
}

#[test]
fn a_taken_port_is_said_before_the_screen_opens() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let terminal = Terminal::new((120, 40), &["demo", "--port", &port]);
    let shown = terminal.shown.clone();
    assert_eq!(terminal.end(), Some(1));
    let state = shown.0.lock().unwrap();
    let screen = state.parser.screen().contents();
    assert!(screen.contains("address already in use; try --port 0"), "{screen}");
    assert!(!state.bytes.windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "the screen was never taken");
}

/// What was put into the clipboard, as base64, once there is something.
fn clipboard(terminal: &Terminal, begins: &str) -> String {
    let began = Instant::now();
    loop {
        let bytes = terminal.shown.0.lock().unwrap().bytes.clone();
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, rest)) = text.split_once(begins)
            && let Some((sent, _)) = rest.split_once('\x1b')
        {
            return sent.to_owned();
        }
        assert!(began.elapsed() < LONG, "nothing was put into the clipboard");
        std::thread::yield_now();
    }
}

#[test]
fn a_stack_is_put_into_the_clipboard_of_the_terminal() {
    use base64::Engine as _;
    let terminal = Terminal::demo((80, 24));
    terminal.type_("y");
    terminal.wait_for("the open calls of the lane");
    terminal.type_("2");
    let sent = base64::engine::general_purpose::STANDARD.decode(clipboard(&terminal, "\x1b]52;c;")).unwrap();
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.starts_with("MainThread · main  PAUSED ON STEP\n    run  src/server/"), "{sent}");
    terminal.wait_for("copied the stack of main: 2 lines");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

/// A directory of this test alone.
fn directory(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("spanwalk-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_layout_is_remembered_unless_a_flag_says_otherwise_and_never_fails() {
    let state = directory("state");
    let env = [("XDG_STATE_HOME", state.to_str().unwrap())];
    let code = |screen: &str| screen.lines().nth(1).unwrap_or_default().contains("┬ socketio.rs ─");
    let demo = |args: &[&str]| Terminal::with_env((80, 24), &[&["demo", "--port", "0"], args].concat(), &env);
    let first = demo(&[]);
    assert!(!code(&first.wait_for("1/36 run")));
    first.type_("MMMM*");
    first.wait_until("the layout code", code);
    first.type_("q");
    assert_eq!(first.end(), Some(0));
    let kept = std::fs::read_to_string(state.join("spanwalk/layout")).unwrap();
    assert!(kept.starts_with("layout = \"code\"\ncode.small.left = "), "{kept}");
    let second = demo(&[]);
    second.wait_until("the layout code", code);
    second.type_("q");
    assert_eq!(second.end(), Some(0));
    let third = demo(&["--layout", "lesson"]);
    assert!(!code(&third.wait_for("1/36 run")));
    third.type_("q");
    assert_eq!(third.end(), Some(0));
    assert_eq!(
        std::fs::read_to_string(state.join("spanwalk/layout")).unwrap(),
        kept,
        "nothing was changed by a person"
    );
    std::fs::remove_dir_all(state).unwrap();
    // Where nothing can be kept, nothing is said and nothing fails.
    let nowhere = Terminal::demo((80, 24));
    nowhere.type_("M");
    nowhere.wait_for("layout stack");
    nowhere.type_("q");
    assert_eq!(nowhere.end(), Some(0));
}

#[test]
fn settings_choose_keys_colours_and_layout() {
    let home = directory("config");
    std::fs::create_dir_all(home.join("spanwalk")).unwrap();
    let text =
        "layout = \"timeline\"\nascii = true\n[theme]\naccent = \"#ff8000\"\n[keys]\ninto = \"J\"\nquit = \"Q\"\n";
    std::fs::write(home.join("spanwalk/config.toml"), text).unwrap();
    let env = [("XDG_CONFIG_HOME", home.to_str().unwrap())];
    let terminal = Terminal::with_env((120, 40), &["demo", "--port", "0"], &env);
    let screen = terminal.wait_for("1/36 run");
    assert!(screen.is_ascii(), "{screen}");
    let keys = screen.lines().last().unwrap();
    assert!(keys.contains("J into") && keys.contains("Q quit"), "{screen}");
    terminal.type_("J");
    terminal.wait_for("2/36 new");
    let bytes = terminal.shown.0.lock().unwrap().bytes.clone();
    assert!(String::from_utf8_lossy(&bytes).contains("38;2;255;128;0"), "the accent is orange");
    terminal.type_("q");
    terminal.type_("Q");
    assert_eq!(terminal.end(), Some(0));
    // The file of a flag is read instead.
    let other = home.join("other.toml");
    std::fs::write(&other, "[keys]\nquit = \"X\"\n").unwrap();
    let terminal = Terminal::with_env((120, 40), &["demo", "--port", "0", "--config", other.to_str().unwrap()], &env);
    terminal.wait_for("X quit");
    terminal.type_("X");
    assert_eq!(terminal.end(), Some(0));
    std::fs::remove_dir_all(home).unwrap();
}

#[test]
fn wrong_settings_are_said_in_one_line_before_the_screen_opens() {
    let home = directory("wrong");
    let file = home.join("config.toml");
    let check = |text: &str, args: &[&str], code: i32, said: &str| {
        std::fs::write(&file, text).unwrap();
        let terminal = Terminal::new((200, 24), &[&["demo", "--port", "0"], args].concat());
        let shown = terminal.shown.clone();
        assert_eq!(terminal.end(), Some(code));
        let screen = shown.0.lock().unwrap().parser.screen().contents();
        let lines: Vec<&str> = screen.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(lines.len(), 1, "{screen}");
        assert!(lines[0].starts_with("spanwalk: ") && lines[0].contains(said), "{screen}");
    };
    let path = file.to_str().unwrap();
    let named = ["--config", path];
    check("[keys]\nintoo = \"s\"\n", &named, 1, &format!("{path}:2: `intoo` is no command; did you mean `into`"));
    check("[theme]\naccent = \"cian\"\n", &named, 1, "config.toml:2: `cian` for `accent` is no colour");
    check("[keys]\ninto=\"x\"\nover=\"x\"\n", &named, 1, "config.toml:3: `x` for `over` is the key of `into` already");
    check("", &["--config", "/nowhere/at/all"], 1, "cannot read the settings `/nowhere/at/all`");
    check("", &["--layout", "cinema"], 2, "cinema");
    std::fs::remove_dir_all(home).unwrap();
}
#[test]
fn the_mouse_chooses_a_range_of_the_timeline_with_shift_or_the_right_button() {
    for button in [4, 2] {
        let terminal = Terminal::demo((120, 40));
        terminal.type_("r");
        terminal.wait_for("loop starts");
        // Down, moved with the button down, up: as terminals write it.
        terminal.type_(&format!("\x1b[<{button};20;34M\x1b[<{};60;34M\x1b[<{button};60;34m", button + 32));
        terminal.wait_for(" chosen: ");
        // The wheel zooms: there is more than is seen, and the lower border shows where.
        terminal.type_("\x1b[<64;30;34M\x1b[<64;30;34M\x1b[<64;30;34M");
        terminal.wait_until("the minimap", |screen| {
            screen.lines().rev().nth(1).is_some_and(|border| border.contains('[') && border.contains(']'))
        });
    }
}

#[test]
fn the_server_is_asked_to_stop_and_stepped_through_to_its_end() {
    let terminal = Terminal::new((80, 24), &["demo", "--port", "0"]);
    terminal.wait_for("1/36 run");
    terminal.type_("c");
    terminal.wait_for("RUNNING, polling");
    terminal.type_("Q");
    terminal.wait_for("‖ PAUSED");
    terminal.type_("ustop\r");
    terminal.wait_until("stop", |screen| header(screen).contains("34/36 stop"));
    terminal.type_("udrain\r");
    terminal.wait_until("drain", |screen| header(screen).contains("36/36 drain"));
    terminal.type_("c");
    terminal.wait_for("■ ENDED");
    assert!(header(&terminal.wait_for("after stop")).contains("after stop"));
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}
