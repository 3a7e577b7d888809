//! Real clients against the server: npm's socket.io-client and python-socketio, as their users have them.
//!
//! They are installed under `target/clients/` from the lock files in `tests/clients/`, once for each state of these. Where
//! node, npm or python3 is missing, or the installation fails, a line says so and the test ends; where the environment
//! has `CI=true`, that is a failure.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "--nocapture shows each check")]

mod wire;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use wire::Server;

/// Pings come all the time; a pong has so much time that a busy machine does not end a session.
const FLAGS: [&str; 4] = ["--ping-interval", "500ms", "--ping-timeout", "20s"];

/// Longer than a check takes that waits for its own limit, and several times so.
const LIMIT: Duration = Duration::from_secs(60);

/// Why there is nothing to run.
struct Missing(String);

/// Says on the terminal, past the test harness, that a test did not run.
fn skip(what: &str, Missing(why): &Missing) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI=true asks for {what}: {why}");
    let _ = writeln!(std::io::stderr(), "\nskipped: {what}: {why}");
}

fn run(command: &mut Command) -> Result<(), Missing> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Missing(format!("`{name}` failed: {}", said.trim())))
        }
        Err(error) => Err(Missing(format!("`{name}` is not here: {error}"))),
    }
}

/// A directory in which something was installed from these files of `tests/clients/`, if they have not changed since.
fn installed(
    name: &str,
    files: &[&str],
    install: impl FnOnce(&Path) -> Result<(), Missing>,
) -> Result<PathBuf, Missing> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("target/clients").join(name);
    let wanted: Vec<_> = files.iter().map(|file| fs::read(root.join("tests/clients").join(file)).unwrap()).collect();
    // Written last, so that half an installation is none.
    let done = directory.join("installed-from");
    if fs::read(&done).is_ok_and(|from| from == wanted.concat()) {
        return Ok(directory);
    }
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    for (file, bytes) in files.iter().zip(&wanted) {
        fs::write(directory.join(file), bytes).unwrap();
    }
    install(&directory)?;
    fs::write(&done, wanted.concat()).unwrap();
    Ok(directory)
}

/// Runs a script of checks against a server and restarts that when the script asks for it.
#[track_caller]
fn check(name: &str, command: &mut Command, script: &str, more: &[&Path]) {
    let mut server = Server::with(&FLAGS);
    let address = server.address;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    command.arg(script).arg(format!("http://{address}")).args(more).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut tells = child.stdin.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (says, hears) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).all(|line| says.send(line).is_ok()));
    let mut said = String::new();
    let mut checks = 0;
    loop {
        match hears.recv_timeout(LIMIT) {
            Ok(line) if line == "restart" => {
                drop(server);
                server = Server::on(address.port(), &FLAGS);
                tells.write_all(b"done\n").unwrap();
            }
            Ok(line) => {
                checks += usize::from(line.starts_with("ok "));
                said += &format!("{line}\n");
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                panic!("{name} does not go on:\n{said}");
            }
        }
    }
    let code = child.wait().unwrap().code();
    assert!(code == Some(0), "{name} ended with {code:?}:\n{said}");
    assert!(checks > 40, "{name} checked too little:\n{said}");
    println!("{said}");
}

#[test]
fn the_official_client_finds_all_that_it_asks_for() {
    let installed = run(Command::new("node").arg("--version")).and_then(|()| {
        installed("node", &["package.json", "package-lock.json"], |directory| {
            let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
            run(Command::new("npm").args(npm).current_dir(directory))
        })
    });
    match installed {
        Ok(directory) => check("socket.io-client", &mut Command::new("node"), "node.mjs", &[&directory]),
        Err(missing) => skip("socket.io-client", &missing),
    }
}

#[test]
fn the_python_client_finds_all_that_it_asks_for() {
    let installed = run(Command::new("python3").arg("--version")).and_then(|()| {
        installed("python", &["requirements.txt"], |directory| {
            let venv = directory.join("venv");
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
            let pip = ["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r"];
            run(Command::new(venv.join("bin/python")).args(pip).arg(directory.join("requirements.txt")))
        })
    });
    match installed {
        Ok(directory) => {
            check("python-socketio", &mut Command::new(directory.join("venv/bin/python")), "python.py", &[]);
        }
        Err(missing) => skip("python-socketio", &missing),
    }
}
