//! What waits for one client, and who waits for room among it, first come first served.

use std::collections::VecDeque;
use std::task::Waker;

use engineioxide_core::Packet;

/// Packets on their way to a client.
pub(super) struct Queue {
    packets: VecDeque<Packet>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
    /// Who waits for room, by the number that each has drawn.
    senders: VecDeque<(u64, Waker)>,
    drawn: u64,
}

impl Queue {
    /// A queue for so many packets and bytes.
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self { packets: VecDeque::new(), bytes: 0, most, most_bytes, senders: VecDeque::new(), drawn: 0 }
    }

    /// How many packets wait.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Whether it is more than half full: what would make it longer had better wait.
    pub(super) fn is_long(&self) -> bool {
        self.packets.len() > self.most / 2 || self.bytes > self.most_bytes / 2
    }

    /// Puts packets in, all or none. Not if there is no room, or others wait for it who came before whoever has drawn this
    /// number. A message that is larger than the queue passes when nothing else is in it.
    pub(super) fn put(&mut self, packets: &[Packet], number: Option<u64>) -> bool {
        let bytes: usize = packets.iter().map(size).sum();
        let has_room =
            self.is_empty() || self.packets.len() + packets.len() <= self.most && self.bytes + bytes <= self.most_bytes;
        if !has_room || self.senders.front().is_some_and(|first| Some(first.0) != number) {
            return false;
        }
        if number.is_some() {
            self.senders.pop_front();
        }
        self.packets.extend(packets.iter().cloned());
        self.bytes += bytes;
        true
    }

    /// Puts a packet in that is not held up by anything.
    pub(super) fn push(&mut self, packet: Packet) {
        self.bytes += size(&packet);
        self.packets.push_back(packet);
    }

    /// The next packet.
    pub(super) fn pop(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.bytes -= size(&packet);
        Some(packet)
    }

    /// Whoever has drawn this number, or draws one now, waits for room.
    pub(super) fn wait(&mut self, number: &mut Option<u64>, waker: &Waker) {
        match number.and_then(|number| self.senders.iter_mut().find(|sender| sender.0 == number)) {
            Some(sender) => sender.1.clone_from(waker),
            None => {
                self.drawn += 1;
                *number = Some(self.drawn);
                self.senders.push_back((self.drawn, waker.clone()));
            }
        }
    }

    /// Whoever has drawn this number waits no longer.
    pub(super) fn give_up(&mut self, number: u64) {
        self.senders.retain(|sender| sender.0 != number);
    }

    /// Who may try next.
    pub(super) fn next_sender(&self) -> Option<Waker> {
        self.senders.front().map(|sender| sender.1.clone())
    }

    /// Everybody who waits, since there will be no room any more.
    pub(super) fn take_senders(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.senders).into_iter().map(|sender| sender.1)
    }
}

fn size(packet: &Packet) -> usize {
    packet.get_size_hint(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(count: usize) -> Vec<Packet> {
        vec![Packet::Message("12345678".into()); count]
    }

    #[test]
    fn whoever_waits_for_much_is_not_overtaken_by_whoever_brings_little() {
        let mut queue = Queue::new(4, 1000);
        assert!(queue.put(&packets(3), None));
        let (mut first, mut second) = (None, None);
        assert!(!queue.put(&packets(3), first));
        queue.wait(&mut first, Waker::noop());
        assert!(!queue.put(&packets(1), second), "there would be room");
        queue.wait(&mut second, Waker::noop());
        queue.pop();
        assert!(!queue.put(&packets(3), first) && !queue.put(&packets(1), second));
        queue.pop();
        assert!(queue.put(&packets(3), first) && !queue.put(&packets(1), second));
        queue.give_up(second.unwrap());
        assert_eq!((queue.len(), queue.next_sender().is_none()), (4, true));
    }

    #[test]
    fn bytes_count_as_packets_do_and_a_giant_passes_when_it_is_alone() {
        let mut queue = Queue::new(100, 20);
        let giant = [Packet::Message("x".repeat(1000).into())];
        assert!(queue.put(&giant, None) && queue.is_long());
        assert!(!queue.put(&packets(1), None));
        queue.pop();
        assert!(queue.put(&packets(2), None) && !queue.put(&giant, None) && queue.is_long());
        while queue.pop().is_some() {}
        assert!(!queue.is_long() && queue.put(&giant, None));
    }
}
