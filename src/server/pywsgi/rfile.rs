//! Mirrors `rfile`, the connection as a handler of gevent's reads it. What is read here is hyper's to parse; in between stands
//! what hyper does not do: the time that a client may take, and what no head may say ([`Framing`]).
//!
//! ```text
//!   accept ──── header timeout ────► first head ► answer ─── idle timeout ───► first byte ── header timeout ──► head ► …
//!                                                   └─ idle timeout, whenever the client takes nothing of it
//! ```
//!
//! How long a body may take is up to who reads it: [`super::super::engineio::polling`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::framing::Framing;
use crate::server::Limits;
use crate::server::greenlet::Draining;

/// How long, and how much, is read of what nobody wants before the connection is dropped. Dropped with bytes unread, it
/// would be reset, and the client might lose the answer that says why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 256 << 10;

/// Whether a request is being handled.
#[derive(Clone, Default)]
pub(in crate::server) struct Flight(Arc<AtomicBool>);

impl Flight {
    /// From now until what this gives is dropped.
    pub(in crate::server) fn begin(&self) -> impl Drop + Send + use<> {
        struct Landed(Flight);
        impl Drop for Landed {
            fn drop(&mut self) {
                self.0.0.store(false, Ordering::Relaxed);
            }
        }
        self.0.store(true, Ordering::Relaxed);
        Landed(self.clone())
    }

    fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection, as hyper has it.
pub(in crate::server) struct RFile {
    stream: TcpStream,
    framing: Framing,
    flight: Flight,
    drain: Draining,
    limits: Limits,
    waits_for: WaitsFor,
    /// When what it waits for must have come. Made when it is first needed.
    reading: Timer,
    writing: Timer,
    lingered: Option<usize>,
}

/// What the client is waited for.
#[derive(Clone, Copy, PartialEq)]
enum WaitsFor {
    /// Nothing that has a limit here.
    Nothing,
    /// The rest of a head.
    Head,
    /// The first byte of the next.
    Request,
}

impl RFile {
    pub(in crate::server) fn new(stream: TcpStream, flight: Flight, drain: Draining, limits: Limits) -> Self {
        // Whoever connects is about to say something: the first byte is waited for as the rest is.
        let mut reading = Timer::default();
        reading.set(limits.header_timeout);
        Self {
            stream,
            framing: Framing::default(),
            flight,
            drain,
            limits,
            waits_for: WaitsFor::Head,
            reading,
            writing: Timer::default(),
            lingered: None,
        }
    }

    /// The connection alone, for what is not HTTP any more.
    pub(in crate::server) fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Nothing has come. Whether it has been waited for long enough.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waits_for = match () {
            () if self.flight.is_under_way() => WaitsFor::Nothing,
            () if self.framing.is_in_head() => WaitsFor::Head,
            // Of the first request, too.
            () if self.framing.is_between() && self.waits_for == WaitsFor::Head && self.reading.is_set() => {
                WaitsFor::Head
            }
            () if self.framing.is_between() => WaitsFor::Request,
            () => WaitsFor::Nothing,
        };
        if self.waits_for != waits_for {
            self.waits_for = waits_for;
            self.reading.set(match waits_for {
                WaitsFor::Nothing => None,
                WaitsFor::Head => self.limits.header_timeout,
                WaitsFor::Request => self.limits.idle_timeout,
            });
        }
        if self.drain.has_begun() && self.framing.is_between() && !self.flight.is_under_way() && !self.has_bytes() {
            // As if the client had closed: nothing of it is under way.
            return Poll::Ready(Ok(()));
        }
        ready!(self.reading.poll(cx));
        let what = if waits_for == WaitsFor::Head { "the headers" } else { "another request" };
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, format!("{what} did not come in time"))))
    }

    /// Whether the kernel has something that was sent, whatever the loop knows of it by now.
    fn has_bytes(&self) -> bool {
        let peeked = socket2::SockRef::from(&self.stream).peek(&mut [std::mem::MaybeUninit::uninit()]);
        peeked.is_ok_and(|bytes| bytes > 0)
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing.set(None);
            if self.waits_for == WaitsFor::Request {
                // What hyper has of an answer is still on its way: until it is, nobody is idle.
                self.reading.set(self.limits.idle_timeout);
            }
            return written;
        }
        if !self.writing.is_set() {
            self.writing.set(self.limits.idle_timeout);
        }
        ready!(self.writing.poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take the answer")))
    }
}

impl AsyncRead for RFile {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if Pin::new(&mut this.stream).poll_read(cx, buffer)?.is_ready() {
            let heads = this.framing.heads();
            this.framing.read(&mut buffer.filled_mut()[before..]);
            if this.framing.heads() > heads {
                // What was waited for has come.
                this.waits_for = WaitsFor::Nothing;
                this.reading.set(None);
            }
            return Poll::Ready(Ok(()));
        }
        this.wait(cx)
    }
}

impl AsyncWrite for RFile {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes its half, and takes for a moment what the client has not been kept from sending.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingered.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if this.framing.is_between() {
                return Poll::Ready(Ok(()));
            }
            this.lingered = Some(0);
            this.reading.set(Some(LINGER));
        }
        let mut bytes = [std::mem::MaybeUninit::uninit(); 4096];
        loop {
            let mut buffer = ReadBuf::uninit(&mut bytes);
            let read = Pin::new(&mut this.stream).poll_read(cx, &mut buffer);
            let lingered = this.lingered.get_or_insert(0);
            *lingered += buffer.filled().len();
            let is_done = *lingered > LINGER_BYTES || this.reading.poll(cx).is_ready();
            match read {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && !is_done => {}
                Poll::Pending if !is_done => return Poll::Pending,
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// A limit that is set or not.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    is_set: bool,
}

impl Timer {
    fn set(&mut self, within: Option<Duration>) {
        self.is_set = within.is_some();
        let Some(at) = within.map(|within| Instant::now() + within) else { return };
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }

    fn is_set(&self) -> bool {
        self.is_set
    }

    /// Ready when the time has come; never if none is set.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) if self.is_set => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};

    use super::*;

    /// A connection with its client, and a runtime for it.
    fn connected(limits: Limits) -> (RFile, std::net::TcpStream, tokio::runtime::Runtime) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _guard = runtime.enter();
        let rfile = RFile::new(TcpStream::from_std(stream).unwrap(), Flight::default(), Draining::never(), limits);
        (rfile, client, runtime)
    }

    #[test]
    fn what_is_written_and_not_taken_is_an_error_when_the_time_is_over() {
        let limits = Limits { idle_timeout: Some(Duration::from_millis(100)), ..Limits::default() };
        let (mut rfile, _client, runtime) = connected(limits);
        let error = runtime.block_on(async {
            let write = async {
                loop {
                    if let Err(error) = poll_fn(|cx| Pin::new(&mut rfile).poll_write(cx, &[0; 65536])).await {
                        return error;
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(10), write).await.expect("it is waited for ever")
        });
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    /// Nothing is waited for here but the kernel: when the time would be over is asked, not lived.
    #[test]
    fn who_takes_a_part_of_an_answer_has_all_of_the_time_again() {
        const LONG: Duration = Duration::from_secs(3_600);
        let limits = Limits { header_timeout: Some(LONG), idle_timeout: Some(LONG), ..Limits::default() };
        let (mut rfile, mut client, runtime) = connected(limits);
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        runtime.block_on(async {
            let mut head = [0; 1024];
            poll_fn(|cx| Pin::new(&mut rfile).poll_read(cx, &mut ReadBuf::new(&mut head))).await.unwrap();
            let mut before = None;
            for part in 0..25 {
                poll_fn(|cx| {
                    while Pin::new(&mut rfile).poll_write(cx, &[0; 65536])?.is_ready() {}
                    // hyper looks for another request meanwhile.
                    let read = Pin::new(&mut rfile).poll_read(cx, &mut ReadBuf::new(&mut head));
                    assert!(read.is_pending() && rfile.waits_for == WaitsFor::Request, "{read:?}");
                    Poll::Ready(io::Result::Ok(()))
                })
                .await
                .unwrap();
                let ends = [&rfile.writing, &rfile.reading].map(|timer| {
                    assert!(timer.is_set());
                    timer.sleep.as_ref().unwrap().deadline()
                });
                if let Some(before) = before.replace(ends) {
                    assert!(ends[0] > before[0] && ends[1] > before[1], "part {part}: {ends:?} after {before:?}");
                }
                // Until the kernel has room for more of it.
                let mut taken = vec![0; 1 << 16];
                client.set_nonblocking(true).unwrap();
                poll_fn(|cx| {
                    while client.read(&mut taken).is_ok() {}
                    let written = Pin::new(&mut rfile).poll_write(cx, &[0; 1]);
                    if written.is_pending() {
                        cx.waker().wake_by_ref();
                    }
                    written
                })
                .await
                .unwrap();
                assert!(!rfile.writing.is_set());
            }
        });
    }
}
