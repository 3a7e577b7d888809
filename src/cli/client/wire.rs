//! The TCP connections of the clients, all of which can be cut from outside.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use socket2::SockRef;

use super::lock;

/// How long an answer is waited for. A person may hold the server meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_secs(3600);

/// Every connection of a run, weakly: one is closed when its client lets it go, not when the run ends.
#[derive(Default)]
pub(super) struct Wires {
    open: Mutex<Vec<Weak<TcpStream>>>,
    is_closed: AtomicBool,
}

impl Wires {
    /// From now on nobody connects.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Ends every connection; whoever reads or writes on one comes back.
    pub(super) fn cut(&self) {
        for stream in lock(&self.open).drain(..).filter_map(|stream| stream.upgrade()) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// A new connection.
    pub(super) fn connect(&self, address: SocketAddr) -> io::Result<Wire> {
        let stream = Arc::new(TcpStream::connect(address)?);
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_nodelay(true)?;
        let mut open = lock(&self.open);
        // Looked at under the lock: a cut comes before, and is seen here, or after, and meets the new one.
        if self.is_closed() {
            return Err(io::Error::other("the server is being stopped"));
        }
        open.retain(|stream| stream.strong_count() > 0);
        open.push(Arc::downgrade(&stream));
        Ok(Wire(stream))
    }
}

/// One connection. A clone is the same connection, for a second thread.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<TcpStream>);

impl Wire {
    /// Waits without an end, for those who stay connected.
    pub(super) fn wait_for_ever(&self) -> io::Result<()> {
        self.0.set_read_timeout(None)
    }

    /// Lets the system end it with a reset instead of a goodbye, once its last clone is dropped.
    pub(super) fn reset_at_the_end(&self) -> io::Result<()> {
        SockRef::from(&*self.0).set_linger(Some(Duration::ZERO))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
