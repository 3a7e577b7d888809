//! Mirrors `gevent/_socketcommon.py`: the name functions of the socket module.

use tracing::{Span, instrument};

use super::ServerError;
use super::netdb::{self, Host, LookupError};
use super::pywsgi::WSGIServer;

/// Mirrors `getfqdn`: Python's rule, which is simpler than its name. Ask for the host's name and aliases, and take the
/// first that has a dot in it; if none has, the host name. So `127.0.0.1` usually becomes `localhost`, which is no
/// domain name at all. A lookup that fails leaves the name as it was.
///
/// # Errors
/// Only [`ServerError::Interrupted`].
#[instrument(skip_all, fields(name, hostname, aliases, fqdn, has_dot))]
pub(super) fn getfqdn(name: &str, server: &mut WSGIServer) -> Result<String, ServerError> {
    let span = Span::current();
    let asked = match name.trim() {
        "" | "0.0.0.0" | "::" => netdb::gethostname(),
        name => name.to_owned(),
    };
    span.record("name", &asked);
    let fqdn = match gethostbyaddr(&asked, server) {
        Ok(host) => {
            span.record("hostname", &host.name);
            span.record("aliases", host.aliases.join(" "));
            let mut names = std::iter::once(&host.name).chain(&host.aliases);
            names.find(|name| name.contains('.')).unwrap_or(&host.name).clone()
        }
        Err(LookupError::Interrupted) => return Err(ServerError::Interrupted),
        Err(LookupError::NotFound | LookupError::NotAsked(_)) => asked,
    };
    span.record("fqdn", &fqdn);
    span.record("has_dot", fqdn.contains('.'));
    Ok(fqdn)
}

/// Mirrors `gethostbyaddr`: asks the hub's resolver, which is made here if this is its first question.
///
/// # Errors
/// If nobody knows the address, or somebody stops the server.
#[instrument(skip_all, fields(address = address, hostname, aliases, addresses))]
fn gethostbyaddr(address: &str, server: &mut WSGIServer) -> Result<Host, LookupError> {
    let span = Span::current();
    let host = server.resolver().gethostbyaddr(address)?;
    span.record("hostname", &host.name);
    span.record("aliases", host.aliases.join(" "));
    span.record("addresses", host.addresses_text());
    Ok(host)
}
