//! A bare Engine.IO application: every message goes back as it came.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tracing::{Instrument as _, debug_span};

use super::Message;
use super::service::Application;
use super::session::Reason;
use super::socket::Socket;

/// The most messages that wait to be sent back.
const BEHIND: usize = 64;

/// Sends every message back.
pub(in crate::server) struct Echo {
    socket: Arc<Socket>,
    waiting: VecDeque<Message>,
    sending: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Echo {
    pub(in crate::server) fn new(socket: Arc<Socket>) -> Self {
        Self { socket, waiting: VecDeque::new(), sending: None }
    }
}

impl Application for Echo {
    fn receive(&mut self, message: Message) -> Result<(), Reason> {
        self.waiting.push_back(message);
        Ok(())
    }

    fn poll(&mut self, may_begin: bool, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(sending) = &mut self.sending {
                std::task::ready!(sending.as_mut().poll(cx));
                self.sending = None;
            }
            if !may_begin {
                return Poll::Ready(());
            }
            let Some(message) = self.waiting.pop_front() else { return Poll::Ready(()) };
            let socket = self.socket.clone();
            let span = debug_span!("echo", bytes = message.len(), reason = "room in the queue");
            let send = async move {
                // If the client is gone, the session says so.
                let _ = socket.send(&[message.into()]).await;
            };
            self.sending = Some(Box::pin(send.instrument(span)));
        }
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= BEHIND
            || self.waiting.iter().map(Message::len).sum::<usize>() as u64 > self.socket.max_payload()
    }

    fn connect_due(&self) -> Option<Duration> {
        None
    }

    fn end(&mut self, _: Reason) {
        self.waiting.clear();
    }
}
