//! Makes the pictures of `screenshots/` from real runs: the server is started, stepped to each moment, and what the screens
//! draw is written as SVG. Run by `screenshots/make`; takes the directory to write to.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use spanwalk::lesson::Book;
use spanwalk::record::{Control, HoldMode, Reader, Recorder};
use spanwalk::server::{Server, Settings};
use spanwalk::trace::{Chain, Command, Log, Run, Status, Target};
use spanwalk::tui::picture::svg;
use spanwalk::tui::{Action, Material, Paper, Preset, Restart, Sources, Theme, Ui, draw};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Longer than any step takes.
const LONG: Duration = Duration::from_secs(20);

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("the directory to write to"));
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    let recorder = Recorder::builder().filter(filter).build();
    tracing::subscriber::set_global_default(recorder.subscriber()).expect("no other subscriber is set");
    let book = Book::embedded();
    let studio = Studio { chain: book.chain(), book, sources: Files::read("src/server"), directory };

    let mut run = Walk::start(&recorder, None);
    run.stop();
    studio.take("first-step", &run, (120, 40), &[]);
    run.to(Target::Call(studio.key("spawn")));
    studio.take("in-spawn", &run, (120, 40), &[]);
    studio.take("small", &run, (80, 24), &[]);
    studio.take("palette", &run, (120, 40), &typed(Action::Palette, "lay"));
    studio.take("layout-code", &run, (120, 40), &[Action::Arrange(Preset::Code), Action::Close]);
    studio.take("copy", &run, (80, 24), &[Action::Copy, Action::Down]);
    run.to(Target::After { first: studio.key("start_accepting"), call: studio.key("loop.poll") });
    studio.take("serving", &run, (120, 40), &[]);
    studio.take("menu", &run, (80, 24), &[Action::Request]);
    let client = run.client();
    run.to(Target::Name("do_handle".into()));
    // At its end the handler is made, and has not run.
    run.step(Command::Over);
    studio.take("event-loop", &run, (120, 30), &[Action::EventLoop]);
    run.to(Target::Call(studio.key("app")));
    studio.take("request", &run, (120, 40), &[]);
    run.end();
    client.join().expect("the client got its answer");

    // A slower lookup, so that all three are alive for long enough to be seen, and nobody is held while they are.
    let mut run = Walk::start(&recorder, Some(Duration::from_millis(400)));
    run.stop();
    run.to(Target::Call(studio.key("spawn")));
    run.control.command(Command::Continue);
    while studio.chain.landmarks(&run.log).during.is_none() {
        run.read(LONG);
    }
    studio.take("all-alive", &run, (120, 40), &[]);
    while studio.chain.landmarks(&run.log).loop_serves.is_none() {
        run.read(LONG);
    }
    studio.take("before-during-after", &run, (120, 40), &[Action::Moments]);
    studio.take("matches", &run, (120, 40), &search("gethostbyaddr dur>1ms"));
    studio.take("statistics", &run, (120, 40), &[Action::Statistics]);
    // Of the main lane: the first row of the call stack.
    studio.take("critical-path", &run, (120, 40), &[Action::PageUp, Action::PageUp, Action::CriticalPath]);
    // A crowd: the last of what it did, in the timeline alone.
    let crowd: Vec<_> = (0..24).map(|_| run.client()).collect();
    crowd.into_iter().for_each(|client| client.join().expect("the client got its answer"));
    run.read(Duration::from_millis(300));
    let timeline = [Action::NextPane, Action::NextPane, Action::ZoomPane];
    let near: Vec<Action> = timeline.into_iter().chain([Action::ZoomIn; 4]).collect();
    studio.take("timeline", &run, (120, 40), &near);
    run.end();
}

/// The keys of a search.
fn search(query: &str) -> Vec<Action> {
    typed(Action::Search, query).into_iter().chain([Action::Toggle]).collect()
}

/// A key, and a text that is typed then.
fn typed(first: Action, text: &str) -> Vec<Action> {
    [first].into_iter().chain(text.chars().map(Action::Type)).collect()
}

/// A server that is stepped.
struct Walk {
    reader: Reader,
    control: Control,
    server: Server,
    log: Log,
}

impl Walk {
    fn start(recorder: &Recorder, slow_dns: Option<Duration>) -> Self {
        recorder.restart(HoldMode::Hold { silence: LONG, settle: LONG });
        let control = recorder.control();
        let server = Server::start(Settings { port: 0, slow_dns, ..Settings::default() }).expect("the server starts");
        Self { reader: recorder.reader(), control, server, log: Log::new() }
    }

    fn read(&mut self, at_most: Duration) {
        self.reader.read_into(&mut self.log, at_most);
    }

    fn stop(&mut self) -> Status {
        let status = self.control.wait_for_stop(LONG);
        assert!(matches!(status.run, Run::Paused(_)), "it did not come to a stop: {status:?}");
        self.read(Duration::ZERO);
        status
    }

    fn to(&mut self, target: Target) {
        self.step(Command::RunTo(target));
    }

    fn step(&mut self, command: Command) {
        self.control.command(command);
        self.stop();
    }

    fn address(&self) -> Option<SocketAddr> {
        self.server.address()
    }

    fn client(&self) -> std::thread::JoinHandle<()> {
        let address = self.address().expect("it listens");
        std::thread::spawn(move || {
            let mut stream = TcpStream::connect(address).expect("it accepts");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
        })
    }

    fn end(self) {
        self.control.detach();
        self.server.stopper()();
        self.server.join().expect("it ends in good order");
    }
}

/// Where pictures are taken.
struct Studio {
    chain: Chain,
    book: Book,
    sources: Files,
    directory: PathBuf,
}

impl Studio {
    fn key(&self, step: &str) -> spanwalk::trace::Key {
        self.chain.key(step).expect("the step is in the chain").clone()
    }

    /// What the screen shows of a run now, after some keys.
    fn take(&self, name: &str, run: &Walk, size: (u16, u16), actions: &[Action]) {
        let material = Material { chain: &self.chain, book: &self.book, sources: &self.sources };
        let mut ui = Ui::new(run.log.clone(), material, size, Theme::default());
        let address = run.address().map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        ui.set_program(address, Restart::default());
        ui.set_status(run.control.status());
        for action in actions {
            ui.act(*action);
        }
        ui.work(|| true);
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        draw(&mut buffer, &ui);
        let svg = svg(&buffer, Paper::Dark);
        let path = self.directory.join(format!("{name}.svg"));
        std::fs::write(&path, svg).expect("the picture can be written");
    }
}

/// The server's source files, by the names that callsites carry.
struct Files(HashMap<String, String>);

impl Files {
    fn read(directory: &str) -> Self {
        let mut files = HashMap::new();
        let mut directories = vec![PathBuf::from(directory)];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).expect("run this in the repository") {
                let path = entry.expect("the directory can be read").path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let text = std::fs::read_to_string(&path).expect("sources are text");
                    files.insert(name(&path), text);
                }
            }
        }
        Self(files)
    }
}

impl Sources for Files {
    fn source(&self, file: &str) -> Option<&str> {
        self.0.get(&name(Path::new(file))).map(String::as_str)
    }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
