//! Mirrors gevent's watchers: a descriptor the loop keeps an eye on.
//!
//! ```text
//!   async watcher   eventfd (a pipe elsewhere)   a worker writes, the loop reads: one-shot, worker → hub
//!   io watcher      the listening socket         a client arrives, the loop accepts: for ever
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

#[cfg(not(unix))]
pub(super) use portable::{AsyncSender, AsyncWatcher, IoWatcher};
#[cfg(unix)]
pub(super) use unix::{AsyncSender, AsyncWatcher, IoWatcher};

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsRawFd, OwnedFd};

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{SocketAddr, TcpListener, TcpStream, io};

    /// Mirrors `loop.async_()`: fires once somebody has sent.
    pub(in crate::server) struct AsyncWatcher(AsyncFd<OwnedFd>);

    /// The other end of an [`AsyncWatcher`], for another thread.
    pub(in crate::server) struct AsyncSender {
        end: OwnedFd,
        watched: i64,
    }

    impl AsyncWatcher {
        /// A watcher that is registered with the runtime the caller has entered.
        pub(in crate::server) fn new() -> io::Result<(Self, AsyncSender)> {
            let (read, write) = ends()?;
            let watched = read.as_raw_fd().into();
            let watcher = register(read)?;
            Ok((Self(watcher), AsyncSender { end: write, watched }))
        }

        /// Ready once somebody has sent; takes what was sent.
        pub(in crate::server) async fn fired(&self) {
            loop {
                let Ok(mut ready) = self.0.readable().await else { return };
                let mut bytes = [0; 8];
                match ready.try_io(|fd| Ok(rustix::io::read(fd, &mut bytes)?)) {
                    Ok(_) => return,
                    Err(_would_block) => {}
                }
            }
        }
    }

    impl AsyncSender {
        /// The descriptor the loop watches.
        pub(in crate::server) fn fd(&self) -> i64 {
            self.watched
        }

        /// Mirrors `async_.send()`: wakes the loop. How many bytes that took.
        pub(in crate::server) fn send(&self) -> io::Result<usize> {
            Ok(rustix::io::write(&self.end, &1_u64.to_ne_bytes())?)
        }
    }

    /// A descriptor that the loop of the runtime around us watches for reading.
    #[expect(unsafe_code, reason = "tokio asks for a promise about the descriptor's life")]
    fn register<T: AsRawFd + Owned>(owner: T) -> io::Result<AsyncFd<T>> {
        // SAFETY: `Owned` is implemented only for types that own one open descriptor and keep it until they are dropped.
        Ok(unsafe { AsyncFd::register_with_interest(owner, Interest::READABLE) }?)
    }

    /// Owns one open descriptor, the same from its making to its drop.
    trait Owned {}
    impl Owned for OwnedFd {}
    impl Owned for TcpListener {}

    /// The end to watch and the end to write to: of an eventfd they are the same descriptor, twice.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn ends() -> io::Result<(OwnedFd, OwnedFd)> {
        use rustix::event::{EventfdFlags, eventfd};
        let read = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let write = read.try_clone()?;
        Ok((read, write))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn ends() -> io::Result<(OwnedFd, OwnedFd)> {
        let (read, write) = rustix::pipe::pipe()?;
        rustix::io::ioctl_fionbio(&read, true)?;
        Ok((read, write))
    }

    /// Mirrors `loop.io(fd, READ)` on a listening socket.
    pub(in crate::server) struct IoWatcher(AsyncFd<TcpListener>);

    impl IoWatcher {
        /// A watcher that is registered with the runtime the caller has entered.
        pub(in crate::server) fn new(listener: TcpListener) -> io::Result<Self> {
            register(listener).map(Self)
        }

        /// Ready when a connection waits.
        pub(in crate::server) async fn readable(&mut self) {
            // Fails only when the runtime goes down, and then nobody polls this any more.
            let _ = self.0.readable().await.map(|mut ready| ready.retain_ready());
        }

        /// `accept`; `WouldBlock` when nobody waits any more.
        pub(in crate::server) fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
            let accepted = self.0.get_ref().accept();
            match accepted {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    Ok((stream, peer))
                }
                Err(error) => {
                    if error.kind() == io::ErrorKind::WouldBlock {
                        self.clear();
                    }
                    Err(error)
                }
            }
        }

        /// Whether a connection waits now, whatever the loop knows of it by now.
        pub(in crate::server) fn has_waiting(&mut self) -> bool {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let mut listener = [PollFd::new(self.0.get_ref(), PollFlags::IN)];
            poll(&mut listener, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
        }

        /// Asks the loop to say again when a connection waits.
        fn clear(&mut self) {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            if let std::task::Poll::Ready(Ok(mut ready)) = self.0.poll_read_ready(&mut context) {
                ready.clear_ready();
            }
        }
    }
}

/// Where descriptors cannot be registered: tokio's own notification and listener stand in.
#[cfg(not(unix))]
mod portable {
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use tokio::sync::Notify;

    use super::{SocketAddr, TcpListener, TcpStream, io};

    /// Mirrors `loop.async_()`.
    pub(in crate::server) struct AsyncWatcher(Arc<Notify>);

    /// The other end of an [`AsyncWatcher`], for another thread.
    pub(in crate::server) struct AsyncSender(Arc<Notify>);

    impl AsyncWatcher {
        pub(in crate::server) fn new() -> io::Result<(Self, AsyncSender)> {
            let notify = Arc::new(Notify::new());
            Ok((Self(notify.clone()), AsyncSender(notify)))
        }

        pub(in crate::server) async fn fired(&self) {
            self.0.notified().await;
        }
    }

    impl AsyncSender {
        /// There is no descriptor.
        pub(in crate::server) fn fd(&self) -> i64 {
            -1
        }

        pub(in crate::server) fn send(&self) -> io::Result<usize> {
            self.0.notify_one();
            Ok(0)
        }
    }

    /// Mirrors `loop.io(fd, READ)` on a listening socket. Readiness is known only by accepting, so the first connection of
    /// a wake-up is taken before `do_read` asks for it.
    pub(in crate::server) struct IoWatcher {
        listener: tokio::net::TcpListener,
        taken: Option<io::Result<(TcpStream, SocketAddr)>>,
    }

    impl IoWatcher {
        pub(in crate::server) fn new(listener: TcpListener) -> io::Result<Self> {
            Ok(Self { listener: tokio::net::TcpListener::from_std(listener)?, taken: None })
        }

        pub(in crate::server) async fn readable(&mut self) {
            if self.taken.is_none() {
                let accepted = self.listener.accept().await;
                self.taken = Some(accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))));
            }
        }

        pub(in crate::server) fn has_waiting(&mut self) -> bool {
            if self.taken.is_none()
                && let Poll::Ready(accepted) = self.listener.poll_accept(&mut Context::from_waker(Waker::noop()))
            {
                self.taken = Some(accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))));
            }
            self.taken.is_some()
        }

        pub(in crate::server) fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
            if let Some(taken) = self.taken.take() {
                return taken;
            }
            match self.listener.poll_accept(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(accepted) => accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))),
                Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            }
        }
    }
}
