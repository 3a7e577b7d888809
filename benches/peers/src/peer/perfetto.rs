//! perfetto-recorder: not a subscriber but a macro of its own, for synchronous code. Everything stays in memory until each
//! thread hands it over.

use std::sync::Mutex;
use std::time::Instant;

use perfetto_recorder::{ThreadTraceData, TraceBuilder, scope};

use super::{Delivered, Recorder};
use crate::workload::Shape;

#[derive(Default)]
struct Perfetto {
    threads: Mutex<Vec<ThreadTraceData>>,
    encoded: Vec<u8>,
}

pub fn start() -> Box<dyn Recorder> {
    perfetto_recorder::start().expect("its feature is on");
    Box::new(Perfetto::default())
}

impl Recorder for Perfetto {
    fn make(&self, shape: Shape, spans: u64) -> u64 {
        let Shape::Calls { depth, fields } = shape else { return 0 };
        let rounds = spans / depth;
        for round in 0..rounds {
            match fields {
                0 => call::<0>(depth, round),
                1 => call::<1>(depth, round),
                _ => call::<3>(depth, round),
            }
        }
        rounds * depth
    }

    fn leave(&self) {
        let data = ThreadTraceData::take_current_thread();
        self.threads.lock().expect("nobody panics").push(data);
    }

    fn end(&mut self) -> Instant {
        let mut builder = TraceBuilder::new().expect("it was started");
        for thread in self.threads.get_mut().expect("nobody panics").iter() {
            builder.process_thread_data(thread);
        }
        self.encoded = builder.encode_to_vec();
        Instant::now()
    }

    fn delivered(&mut self) -> Delivered {
        // A trace is a list of packets (field 1), one with a track event (11) of type (9) slice end (2) for each span.
        let packets = fields(&self.encoded).filter(|(number, _)| *number == 1);
        let is_end = |event: &[u8]| fields(event).any(|(number, value)| number == 9 && value == [2]);
        let ends = packets.filter(|(_, packet)| fields(packet).any(|(number, event)| number == 11 && is_end(event)));
        Delivered { spans: Some(ends.count() as u64), disk: Some(self.encoded.len() as u64), ..Delivered::default() }
    }
}

fn call<const FIELDS: u8>(depth: u64, number: u64) {
    if depth == 0 {
        return;
    }
    match FIELDS {
        0 => {
            scope!("work");
            call::<FIELDS>(depth - 1, number);
        }
        1 => {
            scope!("work", number = number);
            call::<FIELDS>(depth - 1, number);
        }
        _ => {
            scope!("work", number = number, kind = "ordinary", ratio = 0.5);
            call::<FIELDS>(depth - 1, number);
        }
    }
}

/// The fields of a protobuf message: number and bytes. A number's bytes are those it is written in.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let (head, after) = varint(bytes)?;
        let (value, rest) = match head & 7 {
            0 => after.split_at(varint(after).map(|(_, rest)| after.len() - rest.len())?),
            1 => after.split_at_checked(8)?,
            2 => {
                let (length, after) = varint(after)?;
                after.split_at_checked(length as usize)?
            }
            _ => after.split_at_checked(4)?,
        };
        bytes = rest;
        Some((head >> 3, value))
    })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at(length);
    let value = number.iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
}
