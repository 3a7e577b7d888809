//! Mirrors `socketio/manager.py` and what it inherits from `base_manager.py`: who is connected to which namespace, and in which room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engineioxide_core::Sid;
use tracing::{Span, instrument};

use super::socket::Socket;
use crate::server::engineio::shortened;

/// Everybody who is connected.
#[derive(Default)]
pub(super) struct Manager {
    namespaces: Mutex<HashMap<Arc<str>, Rooms>>,
}

#[derive(Default)]
struct Rooms {
    /// With the rooms that each is in.
    sockets: BTreeMap<Sid, (Socket, BTreeSet<String>)>,
    rooms: HashMap<String, BTreeSet<Sid>>,
}

impl Manager {
    fn namespaces(&self) -> MutexGuard<'_, HashMap<Arc<str>, Rooms>> {
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mirrors `BaseManager.connect`.
    pub(super) fn connect(&self, socket: &Socket) {
        let mut namespaces = self.namespaces();
        let rooms = namespaces.entry(socket.namespace().clone()).or_default();
        rooms.sockets.insert(socket.id(), (socket.clone(), BTreeSet::new()));
    }

    /// Mirrors `Manager.disconnect`: out of every room.
    pub(super) fn disconnect(&self, socket: &Socket) {
        let mut namespaces = self.namespaces();
        let Some(rooms) = namespaces.get_mut(socket.namespace()) else { return };
        let (_, of) = rooms.sockets.remove(&socket.id()).unzip();
        for room in of.into_iter().flatten() {
            rooms.remove(&room, socket.id());
        }
    }

    /// Mirrors `Manager.enter_room`. Nothing happens if the socket is not connected any more.
    #[instrument(skip_all, fields(sid = &*shortened(socket.id()), namespace = &**socket.namespace(), room = room, members))]
    pub(super) fn enter_room(&self, socket: &Socket, room: &str) {
        let mut namespaces = self.namespaces();
        let Some(rooms) = namespaces.get_mut(socket.namespace()) else { return };
        if let Some((_, of)) = rooms.sockets.get_mut(&socket.id()) {
            of.insert(room.to_owned());
            let members = rooms.rooms.entry(room.to_owned()).or_default();
            members.insert(socket.id());
            Span::current().record("members", members.len());
        }
    }

    /// Mirrors `Manager.leave_room`.
    #[instrument(skip_all, fields(sid = &*shortened(socket.id()), namespace = &**socket.namespace(), room = room, members = 0))]
    pub(super) fn leave_room(&self, socket: &Socket, room: &str) {
        let mut namespaces = self.namespaces();
        let Some(rooms) = namespaces.get_mut(socket.namespace()) else { return };
        if let Some((_, of)) = rooms.sockets.get_mut(&socket.id()) {
            of.remove(room);
        }
        Span::current().record("members", rooms.remove(room, socket.id()));
    }

    /// Mirrors `BaseManager.get_participants`: everybody in the room, or in the namespace, who has been told that it is
    /// connected.
    pub(super) fn get_participants(&self, namespace: &str, room: Option<&str>) -> Vec<Socket> {
        let namespaces = self.namespaces();
        let Some(rooms) = namespaces.get(namespace) else { return Vec::new() };
        let mut sockets: Vec<_> = match room {
            None => rooms.sockets.values().map(|(socket, _)| socket.clone()).collect(),
            Some(room) => {
                let members = rooms.rooms.get(room).into_iter().flatten();
                members.filter_map(|sid| Some(rooms.sockets.get(sid)?.0.clone())).collect()
            }
        };
        sockets.retain(Socket::is_connected);
        sockets
    }
}

impl Rooms {
    /// Takes somebody out of a room; how many are left in it.
    fn remove(&mut self, room: &str, sid: Sid) -> usize {
        let Some(members) = self.rooms.get_mut(room) else { return 0 };
        members.remove(&sid);
        let left = members.len();
        if left == 0 {
            self.rooms.remove(room);
        }
        left
    }
}
