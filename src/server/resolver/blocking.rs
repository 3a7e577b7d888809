//! Mirrors `gevent/resolver/blocking.py`: the lookup on the calling thread. While it takes, nothing else happens: no
//! worker, no switch, no loop.

use std::time::Duration;

use tracing::instrument;

use crate::server::event::Interrupt;
use crate::server::netdb::{self, Host, LookupError};

/// Mirrors `Resolver`.
pub struct Resolver {
    interrupt: Interrupt,
    slow: Option<Duration>,
}

impl Resolver {
    pub(super) fn new(interrupt: Interrupt, slow: Option<Duration>) -> Self {
        Self { interrupt, slow }
    }

    /// Mirrors `Resolver.gethostbyaddr` of the blocking resolver.
    ///
    /// # Errors
    /// What the lookup says.
    #[instrument(skip_all, fields(resolver = "block", address = address))]
    pub(super) fn gethostbyaddr(&self, address: &str) -> Result<Host, LookupError> {
        netdb::gethostbyaddr(address, self.slow, &self.interrupt)
    }
}
