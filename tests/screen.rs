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
            .env("TERM", "xterm-256color")
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
        terminal.wait_for("1/29 run");
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
fn stepping_shows_the_steps_in_order_from_run_to_the_loop_at_every_size() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let terminal = Terminal::demo(size);
        let mut seen: Vec<usize> = vec![0];
        let mut screen = terminal.wait_for("1/29 run");
        for _ in 0..80 {
            // Pauses on the way back out repeat the number of the step around.
            let number = |header: &str| {
                let at = header.split_whitespace().find_map(|word| word.strip_suffix("/29"))?;
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
    terminal.wait_for("13/29 apply");
    terminal.type_("n");
    let screen = terminal.wait_until("the end of apply", |s| header(s).contains("RETURNING") && s.contains("result"));
    assert!(header(&screen).contains("13/29 apply"), "{screen}");
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
    terminal.wait_for("16/29 hub.run");
    terminal.type_("r");
    terminal.wait_for("serving");
    terminal.type_("g");
    let mut seen = terminal.wait_for("GET / sent");
    for _ in 0..60 {
        seen = terminal.step("s", &seen);
        if seen.contains("27/29 app") {
            break;
        }
    }
    assert!(seen.contains("27/29 app") && seen.contains("conn-1"), "{seen}");
    terminal.type_("c");
    terminal.wait_for("200 OK");
    // More connections that are over than lanes that are alive.
    for done in 2..7 {
        terminal.type_("g");
        terminal.wait_until("another that is done", |screen| screen.contains(&format!("{done} lanes are done")));
    }
    terminal.type_("R");
    terminal.wait_for("Start again");
    // The right arrow chooses the other resolver.
    terminal.type_("\x1b[C\r");
    let screen = terminal.wait_for("1/29 run");
    assert!(!screen.contains("conn-1"), "{screen}");
    terminal.type_("r");
    terminal.wait_for("16/29 hub.run");
    let screen = terminal.wait_for("WAITING for stop_event");
    assert!(!screen.contains("worker-1"), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn back_and_forth_move_the_cursor_while_the_program_stays_held() {
    let terminal = Terminal::demo((120, 40));
    terminal.type_("utcp_listener\r");
    terminal.wait_for("8/29 tcp_listener");
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
    terminal.wait_for("1/29 run");
    terminal.type_("r");
    terminal.wait_for("16/29 hub.run");
    terminal.type_("r");
    terminal.wait_for("serving");
    terminal.type_("B");
    let said = ["BEFORE", "DURING", "AFTER", "created, not run", "WAITING for AsyncResult.get", "worker-1", "armed by"];
    terminal.wait_until("all three moments", |screen| said.iter().all(|said| screen.contains(said)));
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_recording_opens_in_the_same_screens_and_cannot_be_stepped() {
    let file = std::env::temp_dir().join(format!("spanwalk-screen-{}.spanwalk", std::process::id()));
    let path = file.to_str().unwrap();
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_spanwalk"))
        .args(["demo", "--plain", "--port", "0", "--until", "loop", "--force", "--record", path])
        .output()
        .unwrap();
    assert!(made.status.success());
    let terminal = Terminal::new((120, 40), &["open", path]);
    terminal.wait_until("the recording", |screen| screen.contains("RECORDED") && screen.contains("THE END"));
    terminal.type_("s");
    terminal.wait_for("this is a recording");
    // Enter on a step that has been goes to it.
    terminal.type_("i");
    terminal.wait_for("Steps");
    terminal.type_(&"k".repeat(40));
    terminal.type_(&"j".repeat(13));
    terminal.type_("\r");
    let screen = terminal.wait_until("spawn", |screen| header(screen).contains("14/29 spawn"));
    assert!(header(&screen).contains("LOOKING BACK") && screen.contains("created, not run"), "{screen}");
    terminal.type_("q");
    assert_eq!(terminal.end(), Some(0));
    std::fs::remove_file(file).unwrap();
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
    let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_spanwalk")).args(["--port", "0"]);
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
        terminal.wait_for("1/29 run");
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
