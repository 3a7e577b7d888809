//! Makes the pictures of `screenshots/` from real runs: the server is started, stepped to each moment, and what the screens
//! draw is written as SVG. Run by `screenshots/make`; takes the directory to write to. With `--every` behind it each
//! screen is had at each size, light, dark, in 16 colours, mono and in ASCII: look at them before changing how things look.

mod picture;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use spanwalk::lesson::Book;
use spanwalk::record::{Control, HoldMode, Reader, Recorder};
use spanwalk::server::{ResolverKind, Server, Settings};
use spanwalk::trace::{Chain, Command, Log, Run, Status, Target};
use spanwalk::tui::{Action, Against, Material, Preset, Progress, Restart, Sources, Ui, draw};
use tracing_subscriber::filter::{LevelFilter, Targets};

use picture::{Look, svg};

/// Longer than any step takes.
const LONG: Duration = Duration::from_secs(20);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("the directory to write to"));
    let is_every = arguments.next().is_some_and(|argument| argument == "--every");
    let filter = Targets::new().with_target("spanwalk::server", LevelFilter::TRACE);
    let recorder = Recorder::builder().filter(filter).build();
    tracing::subscriber::set_global_default(recorder.subscriber()).expect("no other subscriber is set");
    let book = Book::embedded();
    let studio = Studio { chain: book.chain(), book, sources: Files::read("src/server"), directory, is_every };

    without_a_run(&studio);
    step_by_step(&studio, &recorder);
    all_alive(&studio, &recorder);
}

/// What is seen where there is nothing to see yet, or nothing any more.
fn without_a_run(studio: &Studio) {
    let file = || Shown { status: over(), address: "run.spanwalk".to_owned(), ..Shown::default() };
    studio.show("starting", &Shown::default(), Look::dark(80, 24), &[]);
    let progress = Some(Progress { done: 42, all: 100 });
    studio.show("loading", &Shown { progress, ..file() }, Look::light(80, 24), &[]);
    studio.show("empty", &file(), Look::dark(80, 24), &[]);
}

/// The start-up and one request, held at each moment.
fn step_by_step(studio: &Studio, recorder: &Recorder) {
    let mut run = Walk::start(recorder, Settings::default());
    run.stop();
    studio.take("first-step", &run, Look::dark(120, 40), &[]);
    studio.take("help", &run, Look::light(80, 24), &[Action::Help]);
    studio.take("go-to", &run, Look::dark(80, 24), &typed(Action::GoTo, "50"));
    studio.take("steps", &run, Look::light(120, 40), &[Action::Steps]);
    run.to(Target::Call(studio.key("spawn")));
    studio.take("in-spawn", &run, Look::dark(120, 40), &[]);
    studio.take("in-spawn-light", &run, Look::light(120, 40), &[]);
    studio.take("small", &run, Look::dark(80, 24), &[]);
    studio.take("too-small", &run, Look::dark(20, 5), &[]);
    studio.take("stack", &run, Look::light(120, 40), &[Action::Arrange(Preset::Stack), Action::Close]);
    studio.take("class", &run, Look::light(120, 40), &[Action::Class]);
    studio.take("guess", &run, Look::light(80, 24), &[Action::Predict]);
    studio.take("claims", &run, Look::dark(120, 40), &[Action::Claims]);
    studio.take("restart", &run, Look::dark(80, 24), &[Action::Restart]);
    studio.take("palette", &run, Look::dark(120, 40), &typed(Action::Palette, "lay"));
    studio.take("layout-code", &run, Look::dark(120, 40), &[Action::Arrange(Preset::Code), Action::Close]);
    let breakpoints = [Action::BreakHere, Action::Down, Action::BreakHere, Action::Breakpoints];
    studio.take("breakpoints", &run, Look::light(120, 40), &breakpoints);
    let notes = with(typed(Action::Note, "who wakes main here, and how?"), &[Action::Toggle, Action::Notes]);
    studio.take("notes", &run, Look::dark(120, 40), &notes);
    studio.take("copy", &run, Look::dark(80, 24), &[Action::Copy, Action::Down]);
    run.to(Target::After { first: studio.key("start_accepting"), call: studio.key("loop.poll") });
    studio.take("serving", &run, Look::dark(120, 40), &[]);
    studio.take("menu", &run, Look::dark(80, 24), &[Action::Request]);
    let client = run.client();
    run.to(Target::Name("do_handle".into()));
    // At its end the handler is made, and has not run.
    run.step(Command::Over);
    studio.take("event-loop", &run, Look::dark(120, 30), &[Action::EventLoop]);
    run.to(Target::Call(studio.key("app")));
    studio.take("request", &run, Look::dark(120, 40), &[]);
    studio.take("looking-back", &run, Look::light(120, 40), &[Action::Back, Action::Back]);
    let ended = Shown {
        status: Status { run: Run::Free, held: Vec::new(), detached: true, on: None, hits: Vec::new() },
        ..Shown::default()
    };
    let log = run.end();
    studio.show("ended", &Shown { log, ..ended }, Look::dark(80, 24), &[]);
    client.join().expect("the client got its answer");
}

/// A slower lookup, so that all three are alive for long enough to be seen, and nobody is held while they are.
fn all_alive(studio: &Studio, recorder: &Recorder) {
    let blocking = blocking(studio, recorder);
    let mut run = Walk::start(recorder, Settings { slow_dns: Some(Duration::from_millis(400)), ..Settings::default() });
    run.stop();
    run.to(Target::Call(studio.key("spawn")));
    run.control.command(Command::Continue);
    while studio.chain.landmarks(&run.log).during.is_none() {
        run.read(LONG);
    }
    studio.take("all-alive", &run, Look::dark(120, 40), &[]);
    while studio.chain.landmarks(&run.log).loop_serves.is_none() {
        run.read(LONG);
    }
    studio.take("before-during-after", &run, Look::dark(120, 40), &[Action::Moments]);
    studio.take("matches", &run, Look::dark(120, 40), &search("gethostbyaddr dur>1ms"));
    studio.take("searched", &run, Look::light(120, 40), &with(search("gethostbyaddr"), &[Action::Close]));
    studio.take("statistics", &run, Look::dark(120, 40), &[Action::Statistics]);
    // Of the main lane, the first row of the call stack; in its path the lookup, which is most of it.
    let path = [&[Action::PageUp, Action::PageUp, Action::CriticalPath][..], &[Action::Down; 26]].concat();
    studio.take("critical-path", &run, Look::dark(120, 40), &path);
    // While the lookup runs, beside a run that made it itself.
    let lookup = with(typed(Action::GoTo, "worker.run_task"), &[Action::Toggle, Action::Against]);
    let log = run.log.clone();
    let both =
        Shown { log, status: over(), address: "thread.spanwalk".into(), against: Some(blocking), ..Shown::default() };
    studio.show("against", &both, Look::light(120, 40), &with(vec![Action::Close], &lookup));
    // A crowd: the last of what it did, in the timeline alone.
    let crowd: Vec<_> = (0..24).map(|_| run.client()).collect();
    crowd.into_iter().for_each(|client| client.join().expect("the client got its answer"));
    run.read(Duration::from_millis(300));
    let timeline = [Action::NextPane, Action::NextPane, Action::ZoomPane];
    let near = with(timeline.to_vec(), &[Action::ZoomIn; 4]);
    studio.take("timeline", &run, Look::dark(120, 40), &near);
    let range = [&[Action::Range][..], &[Action::ScrubBack; 12], &[Action::Range]].concat();
    let range = with(near, &range);
    studio.take("range", &run, Look::light(120, 40), &range);
    // Of a recording: the last of it, and what is said of a file that was damaged and never closed.
    let remark = Some("1 stretch damaged, not closed".to_owned());
    let file =
        Shown { log: run.log.clone(), status: over(), address: "run.spanwalk".to_owned(), remark, ..Shown::default() };
    studio.show("damaged", &file, Look::light(120, 40), &[]);
    studio.show("help-timeline", &file, Look::dark(120, 40), &with(timeline.to_vec(), &[Action::Help]));
    run.end();
}

/// A start in which main looks the name up itself.
fn blocking(studio: &Studio, recorder: &Recorder) -> Log {
    let mut run = Walk::start(recorder, Settings { resolver: ResolverKind::Block, ..Settings::default() });
    run.stop();
    run.control.command(Command::Continue);
    while studio.chain.landmarks(&run.log).loop_serves.is_none() {
        run.read(LONG);
    }
    run.end()
}

/// How a recording stands.
fn over() -> Status {
    Status { run: Run::Over, held: Vec::new(), detached: true, on: None, hits: Vec::new() }
}

/// Some keys, and then others.
fn with(first: Vec<Action>, then: &[Action]) -> Vec<Action> {
    first.into_iter().chain(then.iter().copied()).collect()
}

/// The keys of a search.
fn search(query: &str) -> Vec<Action> {
    with(typed(Action::Search, query), &[Action::Toggle])
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
    fn start(recorder: &Recorder, settings: Settings) -> Self {
        recorder.restart(HoldMode::Hold { silence: LONG, settle: LONG });
        let control = recorder.control();
        let server = Server::start(Settings { port: 0, ..settings }).expect("the server starts");
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

    /// Lets it end; gives what it did to its end.
    fn end(mut self) -> Log {
        self.control.detach();
        self.server.stopper()();
        self.server.join().expect("it ends in good order");
        self.reader.read_into(&mut self.log, Duration::from_millis(50));
        self.log
    }
}

/// Where pictures are taken.
struct Studio {
    chain: Chain,
    book: Book,
    sources: Files,
    directory: PathBuf,
    /// Every size and look, for a person to go through.
    is_every: bool,
}

impl Studio {
    fn key(&self, step: &str) -> spanwalk::trace::Key {
        self.chain.key(step).expect("the step is in the chain").clone()
    }

    /// What the screen shows of a run now, after some keys.
    fn take(&self, name: &str, run: &Walk, look: Look, actions: &[Action]) {
        let address = run.address().map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        let (log, status) = (run.log.clone(), run.control.status());
        self.show(name, &Shown { log, status, address, ..Shown::default() }, look, actions);
    }

    /// One picture, or one for each size and look.
    fn show(&self, name: &str, shown: &Shown, look: Look, actions: &[Action]) {
        if !self.is_every {
            return self.draw(name, shown, look, actions);
        }
        for look in Look::every() {
            self.draw(&format!("{name}-{}", look.name()), shown, look, actions);
        }
    }

    fn draw(&self, name: &str, shown: &Shown, look: Look, actions: &[Action]) {
        let material = Material { chain: &self.chain, book: &self.book, sources: &self.sources };
        let mut ui = Ui::new(shown.log.clone(), material, look.size, look.theme);
        ui.set_program(shown.address.clone(), Restart::default());
        ui.set_status(shown.status.clone());
        ui.set_remark(shown.remark.clone());
        ui.set_progress(shown.progress);
        ui.tick(Duration::from_secs(1));
        if let Some(log) = &shown.against {
            ui.set_against(Against { name: "block.spanwalk".to_owned(), log: log.clone() });
        }
        for action in actions {
            ui.act(*action);
            ui.work(|| true);
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, look.size.0, look.size.1));
        draw(&mut buffer, &ui);
        let path = self.directory.join(format!("{name}.svg"));
        std::fs::write(&path, svg(&buffer, look.is_light)).expect("the picture can be written");
    }
}

/// What a screen is told.
struct Shown {
    log: Log,
    status: Status,
    address: String,
    remark: Option<String>,
    progress: Option<Progress>,
    /// Another recording beside it.
    against: Option<Log>,
}

impl Default for Shown {
    fn default() -> Self {
        let status = Status { run: Run::Stepping, held: Vec::new(), detached: false, on: None, hits: Vec::new() };
        Self {
            log: Log::new(),
            status,
            address: "127.0.0.1:5000".to_owned(),
            remark: None,
            progress: None,
            against: None,
        }
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
