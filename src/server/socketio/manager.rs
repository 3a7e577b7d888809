//! Mirrors `socketio/base_manager.py`: who is connected to which namespace, and in which room.

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
    sockets: BTreeMap<Sid, Socket>,
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
        rooms.sockets.insert(socket.id(), socket.clone());
    }

    /// Mirrors `BaseManager.disconnect`: out of every room.
    pub(super) fn disconnect(&self, socket: &Socket) {
        let mut namespaces = self.namespaces();
        let Some(rooms) = namespaces.get_mut(socket.namespace()) else { return };
        rooms.sockets.remove(&socket.id());
        rooms.rooms.retain(|_, members| {
            members.remove(&socket.id());
            !members.is_empty()
        });
    }

    /// Mirrors `BaseManager.enter_room`. Nothing happens if the socket is not connected any more.
    #[instrument(skip_all, fields(sid = shortened(socket.id()), namespace = &**socket.namespace(), room = room, members))]
    pub(super) fn enter_room(&self, socket: &Socket, room: &str) {
        let mut namespaces = self.namespaces();
        let Some(rooms) = namespaces.get_mut(socket.namespace()) else { return };
        if rooms.sockets.contains_key(&socket.id()) {
            let members = rooms.rooms.entry(room.to_owned()).or_default();
            members.insert(socket.id());
            Span::current().record("members", members.len());
        }
    }

    /// Mirrors `BaseManager.leave_room`.
    #[instrument(skip_all, fields(sid = shortened(socket.id()), namespace = &**socket.namespace(), room = room, members = 0))]
    pub(super) fn leave_room(&self, socket: &Socket, room: &str) {
        let mut namespaces = self.namespaces();
        let Some(rooms) = namespaces.get_mut(socket.namespace()) else { return };
        if let Some(members) = rooms.rooms.get_mut(room) {
            members.remove(&socket.id());
            Span::current().record("members", members.len());
            if members.is_empty() {
                rooms.rooms.remove(room);
            }
        }
    }

    /// Mirrors `BaseManager.get_participants`: everybody in the room, or in the namespace.
    pub(super) fn get_participants(&self, namespace: &str, room: Option<&str>) -> Vec<Socket> {
        let namespaces = self.namespaces();
        let Some(rooms) = namespaces.get(namespace) else { return Vec::new() };
        match room {
            None => rooms.sockets.values().cloned().collect(),
            Some(room) => {
                let members = rooms.rooms.get(room).into_iter().flatten();
                members.filter_map(|sid| rooms.sockets.get(sid)).cloned().collect()
            }
        }
    }
}
