//! A client that stays: a thread of its own reads, answers heartbeats and keeps what comes for whoever waits for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::packet::{Event, Packet};
use super::socket::{Socket, Writer};
use super::{Crowd, Failed, failed, lock};

/// Events that nobody has waited for are kept up to here, the oldest go.
const KEPT: usize = 256;

/// A connected client, as the scenes see it.
pub(super) struct Connected {
    /// Counted from 1 in each run.
    pub(super) number: usize,
    writer: Arc<Writer>,
    inbox: Mutex<Inbox>,
    has_changed: Condvar,
    /// It has said goodbye itself.
    leaves: AtomicBool,
}

#[derive(Default)]
struct Inbox {
    events: VecDeque<Event>,
    /// Why nothing will come any more.
    ended: Option<String>,
}

impl Connected {
    /// Lets a client whose session is open stay, in a thread of its own, and puts it into the crowd.
    pub(super) fn stay(crowd: &Arc<Crowd>, socket: Socket, number: usize) -> Result<Arc<Self>, Failed> {
        let during = "staying connected";
        socket.wire().wait_for_ever().map_err(|error| failed(during, error))?;
        let client = Arc::new(Self {
            number,
            writer: socket.writer(),
            inbox: Mutex::default(),
            has_changed: Condvar::new(),
            leaves: AtomicBool::new(false),
        });
        crowd.connected().push(client.clone());
        let read = {
            let (client, crowd) = (client.clone(), crowd.clone());
            move || client.read_all(socket, &crowd)
        };
        let thread = std::thread::Builder::new().name(format!("client-{number}"));
        if let Err(error) = thread.spawn(read) {
            // Nobody will ever say that it has gone.
            crowd.connected().retain(|other| !Arc::ptr_eq(&client, other));
            return Err(failed(during, error));
        }
        Ok(client)
    }

    fn read_all(self: &Arc<Self>, mut socket: Socket, crowd: &Crowd) {
        let began = Instant::now();
        let ended = loop {
            match socket.next() {
                Ok(Packet::Event(event)) => self.keep(event),
                Ok(_) => {}
                Err(ended) => break ended,
            }
        };
        // Gone from the crowd before anybody hears of its end.
        crowd.connected().retain(|other| !Arc::ptr_eq(self, other));
        let number = self.number;
        if !self.leaves.load(Ordering::SeqCst) {
            crowd.tell(format!("client {number} is disconnected: {ended}, {:.1?} after it connected", began.elapsed()));
        }
        lock(&self.inbox).ended = Some(ended);
        self.has_changed.notify_all();
    }

    fn keep(&self, event: Event) {
        let mut inbox = lock(&self.inbox);
        if inbox.events.len() == KEPT {
            inbox.events.pop_front();
        }
        inbox.events.push_back(event);
        drop(inbox);
        self.has_changed.notify_all();
    }

    /// Emits an event.
    pub(super) fn emit(&self, event: &Event) -> Result<(), Failed> {
        self.writer.emit(event).map_err(|why| failed(format!("emitting {} of client {}", event.name, self.number), why))
    }

    /// Waits for an event like this and takes it out: whoever else waits for such a one gets the next.
    pub(super) fn take(&self, wanted: &Event) -> Result<Event, Failed> {
        let mut inbox = lock(&self.inbox);
        loop {
            if let Some(at) = inbox.events.iter().position(|event| event == wanted) {
                return Ok(inbox.events.remove(at).expect("it was found there"));
            }
            if let Some(ended) = &inbox.ended {
                return Err(failed(format!("waiting for {} of client {}", wanted.name, self.number), ended));
            }
            inbox = self.has_changed.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says goodbye.
    pub(super) fn leave(&self) -> Result<(), Failed> {
        self.leaves.store(true, Ordering::SeqCst);
        self.writer.say_goodbye().map_err(|why| failed(format!("the goodbye of client {}", self.number), why))
    }

    /// Waits until the server has closed, and gives what it did last.
    pub(super) fn end(&self) -> String {
        let mut inbox = lock(&self.inbox);
        loop {
            if let Some(ended) = &inbox.ended {
                return ended.clone();
            }
            inbox = self.has_changed.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
