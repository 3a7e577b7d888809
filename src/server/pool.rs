//! Mirrors `gevent/pool.py`: `GroupMappingMixin.apply`, which makes waiting for a job look like a call.

use tracing::{Span, instrument};

use super::netdb::{Host, LookupError};
use super::threadpool::{Job, ThreadPool};

impl ThreadPool {
    /// Mirrors `GroupMappingMixin.apply`: `return self.spawn(func, *args, **kwds).get()`. `spawn` returns at once with a
    /// promise; `get` is where the caller waits, and where the loop starts to run.
    ///
    /// # Errors
    /// What the job says, or that somebody stops the server.
    #[instrument(skip_all, fields(func = job.func(), result))]
    pub(super) fn apply(&mut self, job: Job) -> Result<Host, LookupError> {
        let promise = self.spawn(job)?;
        let result = promise.get(self.hub()).map_err(|_| LookupError::Interrupted)?;
        Span::current().record("result", result.as_ref().map_or_else(ToString::to_string, |host| host.name.clone()));
        result
    }
}
