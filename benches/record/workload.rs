//! What is recorded when recording is measured, and how its time is taken. Shared by `benches/record.rs` and
//! `benches/peers/`: both measure the same.

use std::future::Future;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tracing::{Instrument as _, info_span};

/// A way to make spans, on so many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// As it stands in tables: `d4f1t2` is depth 4, one field, two threads.
    pub name: &'static str,
    /// The way.
    pub shape: Shape,
    /// How many threads do it at once.
    pub threads: u64,
}

/// A way to make spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Calls inside each other, again and again: how deep, and how many fields each has.
    Calls { depth: u64, fields: u8 },
    /// 64 instrumented futures, polled in turn; each is pending twice.
    Futures,
}

const fn calls(name: &'static str, depth: u64, fields: u8, threads: u64) -> Workload {
    Workload { name, shape: Shape::Calls { depth, fields }, threads }
}

/// All of them.
pub const WORKLOADS: [Workload; 8] = [
    calls("d1f0", 1, 0, 1),
    calls("d1f1", 1, 1, 1),
    calls("d1f3", 1, 3, 1),
    calls("d4f1", 4, 1, 1),
    calls("d64f1", 64, 1, 1),
    calls("d1f1t2", 1, 1, 2),
    calls("d4f1t2", 4, 1, 2),
    Workload { name: "async", shape: Shape::Futures, threads: 1 },
];

impl Shape {
    /// Makes about so many spans on this thread; how many it were.
    pub fn make(self, spans: u64) -> u64 {
        match self {
            Self::Calls { depth, fields } => {
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
            Self::Futures => {
                let rounds = spans / FUTURES as u64;
                (0..rounds).for_each(futures);
                rounds * FUTURES as u64
            }
        }
    }
}

fn call<const FIELDS: u8>(depth: u64, number: u64) {
    if depth == 0 {
        return;
    }
    let span = match FIELDS {
        0 => info_span!("work"),
        1 => info_span!("work", number),
        _ => info_span!("work", number, kind = "ordinary", ratio = 0.5),
    };
    let _entered = span.entered();
    call::<FIELDS>(depth - 1, number);
}

const FUTURES: usize = 64;

fn futures(round: u64) {
    let mut turn: [_; FUTURES] =
        std::array::from_fn(|number| Some(Twice(0).instrument(info_span!("work", number = round + number as u64))));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        for place in &mut turn {
            if let Some(future) = place
                && Pin::new(future).poll(&mut context).is_ready()
            {
                *place = None;
            }
        }
    }
}

/// Pending twice.
struct Twice(u8);

impl Future for Twice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0 += 1;
        if self.0 > 2 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// All spans, of all threads, those made to warm up among them.
    pub spans: u64,
    /// Spans that one thread made while the time was taken.
    pub timed: u64,
    /// The time of the slowest thread.
    pub time: Duration,
}

impl Made {
    /// Nanoseconds of a thread's time for each of its spans.
    pub fn ns_per_span(&self) -> f64 {
        self.time.as_nanos() as f64 / self.timed as f64
    }
}

/// Makes about so many spans on each thread, all beginning at once, a tenth before to warm up. `make` is called on each
/// thread with what is to be made, and `leave` when it is done.
pub fn measure(
    workload: Workload,
    spans: u64,
    make: &(dyn Fn(Shape, u64) -> u64 + Sync),
    leave: &(dyn Fn() + Sync),
) -> Made {
    let begin = Barrier::new(workload.threads as usize);
    let one = || {
        let warmed = make(workload.shape, spans / 10);
        begin.wait();
        let began = Instant::now();
        let timed = make(workload.shape, spans);
        let time = began.elapsed();
        leave();
        Made { spans: warmed + timed, timed, time }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workload.threads).map(|_| scope.spawn(one)).collect();
        let made = threads.into_iter().map(|thread| thread.join().expect("a workload does not panic"));
        made.reduce(|all, one| Made { spans: all.spans + one.spans, timed: one.timed, time: all.time.max(one.time) })
            .expect("every workload has a thread")
    })
}
