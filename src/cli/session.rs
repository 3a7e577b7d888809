//! A server under the recorder, started, stopped and started again: what a screen talks to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use super::client::Clients;
use super::live::{LIMITS, Live};
use super::unkept::Unkept;
use super::watch;
use crate::file::Recording;
use crate::record::{Control, HoldMode, Recorder};
use crate::server::stream_server::spelled;
use crate::server::{ResolverKind, Server, ServerError, Settings};
use crate::trace::{BookmarkEdit, Breakpoint, Command, Log, Run, Status};
use crate::tui::{self, News, Program, Resolver, Restart, Scene};

/// How long a server that is being stopped may take before the person is told why nothing happens.
const TELL_AFTER: Duration = Duration::from_secs(1);
/// How long a server that is being stopped has its clients, who see how it does that. Then they are cut.
const GOODBYE: Duration = Duration::from_millis(300);
/// How much longer than what is waited for a server may take to end.
const AND_A_LITTLE: Duration = Duration::from_secs(1);
/// How long a picture waits for the stop that a command leads to.
const STOP_WITHIN: Duration = Duration::from_millis(4);

/// Why what is marked goes with the session.
const NOT_RECORDED: &str = "this run is not recorded; --record FILE keeps notes";
/// The same, where it was to be kept.
const STOPPED: &str = "recording has stopped";

/// Something to call from another thread.
type Call = Box<dyn Fn() + Send>;

/// The running server and everything that watches it.
pub(super) struct Session {
    recorder: Recorder,
    live: Live,
    recording: Option<Recording>,
    /// What was marked and is not in the recording's file.
    unkept: Arc<Mutex<Unkept>>,
    control: Control,
    settings: Settings,
    /// How long the server has for what is under way when the person leaves.
    leave_within: Duration,
    server: Option<Server>,
    /// The end of the server that is being stopped for a restart.
    stopping: Option<mpsc::Receiver<()>>,
    /// Stops the server that runs now, whichever that is.
    stop: Arc<Mutex<Option<Call>>>,
    /// The clients of this run.
    clients: Clients,
    /// Whether it has been looked whether the recording lacks anything.
    is_looked_at: bool,
    notices: mpsc::Receiver<String>,
    notify: mpsc::Sender<String>,
    /// What the gate is told of anew when the server was started again.
    breakpoints: Vec<Breakpoint>,
    failure: Option<ServerError>,
}

impl Session {
    /// A server held at its first step. The recorder's layer must be installed.
    pub(super) fn start(
        recorder: Recorder,
        recording: Option<Recording>,
        settings: Settings,
        leave_within: Duration,
        (notify, notices): (mpsc::Sender<String>, mpsc::Receiver<String>),
    ) -> Result<Self, ServerError> {
        let control = recorder.control();
        let mut session = Self {
            live: Live::new(recorder.reader(), LIMITS),
            recorder,
            recording,
            unkept: Arc::default(),
            control,
            settings,
            leave_within,
            server: None,
            stopping: None,
            stop: Arc::default(),
            clients: Clients::new(notify.clone()),
            is_looked_at: false,
            notices,
            notify,
            breakpoints: Vec::new(),
            failure: None,
        };
        session.launch()?;
        Ok(session)
    }

    fn launch(&mut self) -> Result<(), ServerError> {
        let server = Server::start(self.settings.clone())?;
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(server.stopper()));
        self.server = Some(server);
        Ok(())
    }

    /// Lets everybody go and stops the server that runs when it is called.
    pub(super) fn ender(&self) -> impl Fn() + Send + Clone + 'static {
        let (detach, stop) = (self.control.detacher(), self.stop.clone());
        move || {
            detach();
            if let Some(stop) = &*stop.lock().unwrap_or_else(PoisonError::into_inner) {
                stop();
            }
        }
    }

    /// Ends the server in good order. Whoever waits for it may say, on the terminal that was given back, what it waits for.
    pub(super) fn end(mut self, waits: impl FnOnce()) -> anyhow::Result<()> {
        self.clients.hush();
        self.ender()();
        if let Some(stopping) = self.stopping.take() {
            // A restart was under way: the old run is the last.
            let _ = stopping.recv_timeout(self.leave_within + AND_A_LITTLE);
        }
        let ended = self.end_server(waits);
        if let Some(recording) = self.recording.take() {
            recording.finish()?;
        }
        Ok(ended?)
    }

    fn end_server(&mut self, waits: impl FnOnce()) -> Result<(), ServerError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let Some(server) = self.server.take() else { return Ok(()) };
        if !server.wait(GOODBYE) {
            self.clients.cutter()();
            waits();
            if !server.wait(self.leave_within) {
                // The second time it does not wait for what is under way.
                server.stopper()();
                if !server.wait(AND_A_LITTLE) {
                    // It is blocked in its own code; the process ends without it.
                    return Ok(());
                }
            }
        }
        server.join()
    }

    fn address_of_server(&self) -> Option<SocketAddr> {
        self.server.as_ref().and_then(Server::address)
    }

    fn unkept(&self) -> MutexGuard<'_, Unkept> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The second half of a restart, once the old server has ended.
    fn restart_if_stopped(&mut self) {
        if self.stopping.as_ref().is_some_and(|stopping| stopping.try_recv().is_ok()) {
            self.stopping = None;
            self.failure = None;
            self.clients = Clients::new(self.notify.clone());
            if let Some(recording) = &self.recording {
                // How the old run ended belongs to its recording.
                recording.catch_up();
            }
            // What was marked in the old run without a file went with it.
            self.unkept().clear();
            self.recorder.restart(HoldMode::stepping());
            self.control.command(Command::Breakpoints(self.breakpoints.clone()));
            if let Err(error) = self.launch() {
                let _ = self.notify.send(error.to_string());
            }
        }
    }

    /// A server that ended by itself: why, once.
    fn look_for_failure(&mut self) {
        if self.server.as_ref().is_some_and(Server::is_ended)
            && let Some(Err(error)) = self.server.take().map(Server::join)
        {
            let _ = self.notify.send(error.to_string());
            self.failure = Some(error);
        }
    }
}

impl Program for Session {
    fn update(&mut self, log: &mut Log) -> News {
        self.restart_if_stopped();
        self.live.update(log)
    }

    fn status(&mut self) -> Status {
        self.look_for_failure();
        let status = self.control.status();
        self.clients.set_held(!status.held.is_empty());
        status
    }

    fn command(&mut self, command: Command) {
        if let Command::Breakpoints(breakpoints) = &command {
            self.breakpoints.clone_from(breakpoints);
            if self.stopping.is_some() {
                // The next run has them.
                return;
            }
        }
        self.control.command(command);
        // A step is over within microseconds: its stop is in the next picture, not in the one after.
        let _ = self.control.wait_for_stop(STOP_WITHIN);
    }

    fn stop(&mut self) -> Result<(), String> {
        if self.stopping.is_some() {
            return Err("the server is being stopped already".to_owned());
        }
        let Some(server) = self.server.as_ref().filter(|server| !server.is_ended()) else {
            return Err("the server has ended".to_owned());
        };
        if self.control.status().run == Run::Free {
            // Its way down is to be seen.
            self.control.command(Command::Pause);
        }
        server.stopper()();
        Ok(())
    }

    fn restart(&mut self, restart: Restart) -> Result<(), String> {
        if self.stopping.is_some() {
            return Err("the server is being stopped already".to_owned());
        }
        self.settings.resolver = match restart.resolver {
            Resolver::Thread => ResolverKind::Thread,
            Resolver::Block => ResolverKind::Block,
        };
        self.settings.slow_dns = restart.slow_dns;
        // A run that is being stopped stops nowhere on its way.
        self.control.command(Command::Breakpoints(Vec::new()));
        self.control.command(Command::Continue);
        let (ended, is_ended) = mpsc::channel();
        self.stopping = Some(is_ended);
        let server = self.server.take();
        let notify = self.notify.clone();
        // What a client of an older run meets no longer matters.
        self.clients.hush();
        let cut = self.clients.cutter();
        let wait = move || {
            if let Some(server) = server {
                // Twice: the second does not wait for what is in flight.
                let stop = server.stopper();
                stop();
                stop();
                let is_over = server.wait(GOODBYE);
                cut();
                if !is_over && !server.wait(TELL_AFTER) {
                    let _ = notify.send(
                        "the server is still in its own code and stops after it; whoever leaves does not wait for that"
                            .to_owned(),
                    );
                }
                // How the old run ended does not matter to the new one.
                let _ = server.join();
            }
            let _ = ended.send(());
        };
        let waiter = std::thread::Builder::new().name("restart".to_owned()).spawn(wait);
        waiter.map(drop).map_err(|error| format!("cannot restart: {error}"))
    }

    fn started_with(&self) -> Restart {
        let resolver = match self.settings.resolver {
            ResolverKind::Thread => Resolver::Thread,
            ResolverKind::Block => Resolver::Block,
        };
        Restart { resolver, slow_dns: self.settings.slow_dns }
    }

    fn clients(&self) -> tui::Clients {
        tui::Clients::Connected(self.clients.count())
    }

    fn send(&mut self, scene: Scene) -> Result<(), String> {
        let Some(mut address) = self.address_of_server() else {
            return Err("nothing listens yet: step over tcp_listener first".to_owned());
        };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        self.clients.play(scene, address)
    }

    fn remark(&self) -> Option<String> {
        self.failure.as_ref().map(ToString::to_string)
    }

    fn address(&self) -> String {
        self.address_of_server()
            .map_or_else(|| spelled(&self.settings.host, self.settings.port), |address| address.to_string())
    }

    fn mark(&mut self, edit: &BookmarkEdit) -> Result<(), String> {
        let Some(recording) = &self.recording else {
            match edit {
                BookmarkEdit::Set(_) => self.unkept().add(edit.clone()),
                BookmarkEdit::Remove(_) => self.unkept().is_gone(edit),
            }
            return Err(NOT_RECORDED.to_owned());
        };
        self.unkept().add(edit.clone());
        if recording.has_stopped() {
            return Err(STOPPED.to_owned());
        }
        let (unkept, written) = (self.unkept.clone(), edit.clone());
        recording.mark(edit.clone(), move || {
            unkept.lock().unwrap_or_else(PoisonError::into_inner).is_written(&written);
        });
        Ok(())
    }

    fn unkept(&self) -> Option<tui::Unkept> {
        let why = match &self.recording {
            None => NOT_RECORDED,
            Some(recording) if recording.has_stopped() => STOPPED,
            // What is not written yet is about to be.
            Some(_) => return None,
        };
        Session::unkept(self).told(|| why.to_owned())
    }

    fn notice(&mut self) -> Option<String> {
        if !self.is_looked_at && self.address_of_server().is_some() {
            self.is_looked_at = true;
            if let Some(text) = watch::hidden(&self.recorder) {
                return Some(text);
            }
        }
        self.notices.try_recv().ok()
    }
}
