//! Mirrors `gevent/resolver/thread.py`: every question becomes a job of the thread pool.

use std::time::Duration;

use tracing::instrument;

use crate::server::netdb::{self, Host, LookupError};
use crate::server::threadpool::{Job, ThreadPool};

/// Mirrors `Resolver`.
pub struct Resolver {
    pool: ThreadPool,
    slow: Option<Duration>,
}

impl Resolver {
    pub(super) fn new(pool: ThreadPool, slow: Option<Duration>) -> Self {
        Self { pool, slow }
    }

    /// Mirrors `Resolver.gethostbyaddr`: `return self.pool.apply(_socket.gethostbyaddr, args, kwargs)`, and not a word
    /// more. The thread does the lookup, and that is all it will ever do here.
    ///
    /// # Errors
    /// What the lookup says, or that somebody stops the server.
    #[instrument(skip_all, fields(resolver = "thread", address = address))]
    pub(super) fn gethostbyaddr(&mut self, address: &str) -> Result<Host, LookupError> {
        let (question, slow) = (address.to_owned(), self.slow);
        let job = Job::new("gethostbyaddr", address, move |interrupt| netdb::gethostbyaddr(&question, slow, interrupt));
        self.pool.apply(job)
    }

    pub(super) fn close(&mut self) {
        self.pool.close();
    }
}
