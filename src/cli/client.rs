//! Real clients inside the program, so that nobody needs a second window: they speak HTTP, Engine.IO v4 and Socket.IO v5 to
//! the server as a browser would.
//!
//! ```text
//!   Session ─ play(scene) ─► a thread per scene ─┬─ wire, http, polling, socket ─► the server
//!                                                └─ a sentence for the screen
//!   who stays connected: a thread each, which answers heartbeats and keeps what comes
//! ```
//!
//! Input is a scene and an address, output are sentences. Nothing here opens a span or is asked by the gate: stepping
//! holds the server alone. No wait for the server has a short end, as a person may hold it for an hour; what ends a wait is
//! the end of the run, which cuts every connection. The packets are written and read by code of its own and not by the
//! codecs of the server: a mistake there is not made twice.

mod connected;
mod http;
mod packet;
mod polling;
mod scenes;
mod socket;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Instant;

use crate::tui::{SCENES, Scene};
use connected::Connected;
use wire::Wires;

/// The clients of one run of the server.
pub(super) struct Clients {
    crowd: Arc<Crowd>,
}

impl Clients {
    /// Nobody yet. Sentences go to `notify`.
    pub(super) fn new(notify: mpsc::Sender<String>) -> Self {
        let crowd = Crowd {
            wires: Arc::default(),
            connected: Mutex::default(),
            numbers: Mutex::new(0),
            broadcasts: AtomicUsize::new(0),
            is_held: AtomicBool::new(false),
            notify,
        };
        Self { crowd: Arc::new(crowd) }
    }

    /// How many are connected and stay.
    pub(super) fn count(&self) -> usize {
        self.crowd.connected().len()
    }

    /// Says whether a person holds the server: then it is not the server that is slow.
    pub(super) fn set_held(&self, is_held: bool) {
        self.crowd.is_held.store(is_held, Ordering::Relaxed);
    }

    /// Plays a scene in a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn play(&self, scene: Scene, address: SocketAddr) -> Result<(), String> {
        let crowd = self.crowd.clone();
        let client = move || {
            let began = Instant::now();
            let said = match crowd.play(scene, address) {
                Ok(said) => format!("{said}, after {:.1?}", began.elapsed()),
                Err(failed) => format!("{}: {failed}, after {:.1?}", name(scene), began.elapsed()),
            };
            crowd.tell(said);
        };
        let started = std::thread::Builder::new().name("client".to_owned()).spawn(client);
        started.map(drop).map_err(|error| format!("cannot start a client: {error}"))
    }

    /// The run is over: nothing that a client meets from now on is said.
    pub(super) fn hush(&self) {
        self.crowd.wires.close();
    }

    /// Cuts every connection when it is called, so that every thread ends. Nobody connects after that.
    pub(super) fn cutter(&self) -> impl Fn() + Send + 'static {
        let wires = self.crowd.wires.clone();
        move || {
            wires.close();
            wires.cut();
        }
    }
}

/// What the threads of one run share.
struct Crowd {
    wires: Arc<Wires>,
    connected: Mutex<Vec<Arc<Connected>>>,
    /// How many have been connected. Locked while one connects, so that two scenes do not both bring the one that is missing.
    numbers: Mutex<usize>,
    broadcasts: AtomicUsize,
    is_held: AtomicBool,
    notify: mpsc::Sender<String>,
}

impl Crowd {
    fn connected(&self) -> MutexGuard<'_, Vec<Arc<Connected>>> {
        lock(&self.connected)
    }

    /// Shows a sentence, unless it is about a run that is over.
    fn tell(&self, said: String) {
        if !self.wires.is_closed() {
            let _ = self.notify.send(said);
        }
    }
}

/// What did not work, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{during} failed: {why}")]
struct Failed {
    during: String,
    why: String,
}

fn failed(during: impl Into<String>, why: impl fmt::Display) -> Failed {
    Failed { during: during.into(), why: why.to_string() }
}

fn name(scene: Scene) -> &'static str {
    SCENES.iter().find(|row| row.scene == scene).map_or("", |row| row.name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
