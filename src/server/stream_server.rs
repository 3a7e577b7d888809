//! Mirrors `gevent/server.py`: the TCP half of a server, from the address to the listening socket, and `accept`.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tracing::{Span, debug, instrument};

use super::ServerError;
use super::pywsgi::WSGIServer;
use super::watcher::IoWatcher;

/// How many connections the kernel queues for us. gevent's `StreamServer.backlog`.
pub const BACKLOG: i32 = 128;

/// Mirrors `StreamServer.init_socket`: a server that was not given a socket gets one from its address.
///
/// # Errors
/// What `tcp_listener` says.
#[instrument(skip_all, fields(fresh = server.socket.is_none(), ssl = false, fd, sockname))]
pub(super) fn init_socket(server: &mut WSGIServer) -> Result<(), ServerError> {
    if server.socket.is_some() {
        return Ok(());
    }
    let address = (server.settings.host.clone(), server.settings.port);
    let listener = get_listener(&address, BACKLOG)?;
    let span = Span::current();
    span.record("fd", fileno(&listener));
    if let Ok(name) = listener.local_addr() {
        span.record("sockname", name.to_string());
        // A port of 0 has become a real one.
        let _ = server.address.set(name);
    }
    server.socket = Some(listener);
    Ok(())
}

/// Mirrors `StreamServer.get_listener`.
///
/// # Errors
/// What `tcp_listener` says.
#[instrument(skip_all, fields(address = %spelled(&address.0, address.1), backlog = backlog, family))]
fn get_listener(address: &(String, u16), backlog: i32) -> Result<TcpListener, ServerError> {
    Span::current().record("family", family(&address.0));
    tcp_listener(address, backlog, true)
}

/// Mirrors `_tcp_listener`: `socket`, `SO_REUSEADDR`, `bind`, `listen`, non-blocking. When it returns, the kernel
/// completes handshakes and queues clients, though nobody accepts yet.
///
/// # Errors
/// [`ServerError::Listen`], with the address and what to try.
#[instrument(skip_all, fields(
    address = %spelled(&address.0, address.1), backlog = backlog, reuse_addr,
    fd, sockname, accept_conn, nonblocking,
))]
fn tcp_listener(address: &(String, u16), backlog: i32, reuse_addr: bool) -> Result<TcpListener, ServerError> {
    let span = Span::current();
    let (socket, resolved) = bind(address)?;
    let refuse = |error: io::Error| refused(address, &error);
    socket.listen(backlog).map_err(refuse)?;
    debug!(backlog, "listen");
    socket.set_nonblocking(true).map_err(refuse)?;
    // What is recorded is read back from the kernel, not taken from what was asked.
    span.record("fd", fileno(&socket));
    span.record("reuse_addr", socket.reuse_address().unwrap_or(reuse_addr));
    let name = socket.local_addr().ok().and_then(|name| name.as_socket()).unwrap_or(resolved);
    span.record("sockname", name.to_string());
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    if let Ok(listens) = socket.is_listener() {
        span.record("accept_conn", listens);
    }
    #[cfg(unix)]
    if let Ok(nonblocking) = socket.nonblocking() {
        span.record("nonblocking", nonblocking);
    }
    Ok(socket.into())
}

/// `socket`, `SO_REUSEADDR`, `bind`: all of [`tcp_listener`] that can fail for a wrong address.
pub(super) fn bind(address: &(String, u16)) -> Result<(Socket, SocketAddr), ServerError> {
    let refuse = |error: io::Error| refused(address, &error);
    // As gevent does: a name, like an address without colons, means IPv4 where there is the choice.
    let is_six = family(&address.0) == "AF_INET6";
    let mut found: Vec<_> = (address.0.as_str(), address.1).to_socket_addrs().map_err(refuse)?.collect();
    found.sort_by_key(|found| found.is_ipv6() != is_six);
    let resolved = found.first().copied();
    let resolved = resolved.ok_or_else(|| refuse(io::Error::other("the name has no address")))?;
    let socket = Socket::new(Domain::for_address(resolved), Type::STREAM, Some(Protocol::TCP)).map_err(refuse)?;
    debug!(fd = fileno(&socket), "socket");
    socket.set_reuse_address(true).map_err(refuse)?;
    debug!(value = true, "SO_REUSEADDR");
    socket.bind(&SockAddr::from(resolved)).map_err(refuse)?;
    debug!(address = %resolved, "bind");
    Ok((socket, resolved))
}

fn refused((host, port): &(String, u16), error: &io::Error) -> ServerError {
    let (reason, remedy) = match error.kind() {
        io::ErrorKind::AddrInUse => ("address already in use".to_owned(), "try --port 0 for any free port"),
        io::ErrorKind::PermissionDenied => {
            ("permission denied".to_owned(), "try --port 5000, or --port 0 for any free port")
        }
        io::ErrorKind::AddrNotAvailable => {
            ("not an address of this machine".to_owned(), "try --host 127.0.0.1, or --host 0.0.0.0 for all of them")
        }
        _ if host.parse::<std::net::IpAddr>().is_err() => {
            ("no such host".to_owned(), "try an address such as --host 127.0.0.1")
        }
        _ => (error.to_string(), "try --host 127.0.0.1 --port 0"),
    };
    ServerError::Listen { address: spelled(host, *port), reason, remedy }
}

/// The address family that a host stands for.
pub(super) fn family(host: &str) -> &'static str {
    if host.contains(':') { "AF_INET6" } else { "AF_INET" }
}

/// A host and a port in one word; an IPv6 address goes in brackets.
pub fn spelled(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Mirrors `StreamServer.do_read`: one `accept`, or `None` when nobody waits any more (EAGAIN).
///
/// # Errors
/// What `accept` says otherwise.
#[instrument(skip_all, fields(fd, peer, last))]
pub(super) fn do_read(watcher: &mut IoWatcher) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    let span = Span::current();
    match watcher.accept() {
        Ok((stream, peer)) => {
            span.record("fd", fileno(&stream));
            span.record("peer", peer.to_string());
            Ok(Some((stream, peer)))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            span.record("last", "EAGAIN");
            Ok(None)
        }
        Err(error) => {
            span.record("last", error.to_string());
            Err(error)
        }
    }
}

/// The number of a socket, as the system calls it.
#[cfg(unix)]
pub(super) fn fileno(socket: &impl std::os::fd::AsRawFd) -> i64 {
    socket.as_raw_fd().into()
}

/// The number of a socket, as the system calls it.
#[cfg(windows)]
pub(super) fn fileno(socket: &impl std::os::windows::io::AsRawSocket) -> i64 {
    socket.as_raw_socket() as i64
}
