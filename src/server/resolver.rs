//! Mirrors `gevent/resolver/`: who looks names up. gevent's default is a thread of the pool; `GEVENT_RESOLVER=block`
//! does it on the spot. The choice decides whether a worker thread ever exists, and nothing about who accepts.

mod blocking;
mod thread;

use std::sync::Arc;
use std::time::Duration;

use super::event::Interrupt;
use super::hub::Hub;
use super::netdb::{Host, LookupError};
use super::threadpool::ThreadPool;

/// The hub's resolver.
pub(super) enum Resolver {
    /// On a thread of the pool, while the loop runs.
    Thread(thread::Resolver),
    /// On the calling thread, while nothing else runs.
    Block(blocking::Resolver),
}

impl Resolver {
    /// A resolver on a pool of its own.
    pub(super) fn thread(hub: Arc<Hub>, worker_idle: Duration, slow: Option<Duration>) -> Self {
        Self::Thread(thread::Resolver::new(ThreadPool::new(hub, worker_idle), slow))
    }

    /// A resolver without a pool.
    pub(super) fn blocking(interrupt: Interrupt, slow: Option<Duration>) -> Self {
        Self::Block(blocking::Resolver::new(interrupt, slow))
    }

    /// The host of an address.
    pub(super) fn gethostbyaddr(&mut self, address: &str) -> Result<Host, LookupError> {
        match self {
            Self::Thread(resolver) => resolver.gethostbyaddr(address),
            Self::Block(resolver) => resolver.gethostbyaddr(address),
        }
    }

    /// Ends its threads.
    pub(super) fn close(&mut self) {
        if let Self::Thread(resolver) = self {
            resolver.close();
        }
    }
}
