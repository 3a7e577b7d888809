//! Random programs of spans, and who runs them.
#![allow(dead_code, reason = "each test uses a part of this")]

pub mod reference;

use std::fmt;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tracing::{Dispatch, Span, dispatcher};

/// Threads of a program.
pub const THREADS: usize = 3;

/// One thing that a program does. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub enum Op {
    New {
        parent: Parent,
        what: What,
        number: i64,
        in_task: bool,
    },
    Enter {
        span: usize,
    },
    /// Leaves what was entered, the last or one before it.
    Exit {
        back: usize,
    },
    Clone {
        span: usize,
    },
    Drop {
        span: usize,
    },
    Record {
        span: usize,
        number: i64,
    },
    Follow {
        span: usize,
        cause: usize,
    },
    Say {
        parent: Parent,
        number: i64,
        in_task: bool,
    },
    /// A call with nothing inside it.
    Call {
        number: i64,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Parent {
    Around,
    Root,
    Of(usize),
}

/// Which callsite.
#[derive(Clone, Copy, Debug)]
pub enum What {
    Bare,
    Plain,
    Texts,
    Many,
    Wide,
    Loud,
    Lane(usize),
    Blocks,
    Later,
}

/// A program: what each step does, and on which thread.
pub type Program = Vec<(usize, Op)>;

fn parent() -> impl Strategy<Value = Parent> {
    prop_oneof![4 => Just(Parent::Around), 1 => Just(Parent::Root), 1 => (0..50_usize).prop_map(Parent::Of)]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        Just(What::Bare),
        Just(What::Plain),
        Just(What::Texts),
        Just(What::Many),
        Just(What::Wide),
        Just(What::Loud),
        (0..3_usize).prop_map(What::Lane),
        Just(What::Blocks),
        Just(What::Later),
    ]
}

pub fn program(longest: usize) -> impl Strategy<Value = Program> {
    let span = || 0..1_000_usize;
    let op = prop_oneof![
        6 => (parent(), what(), any::<i64>(), prop::bool::weighted(0.2))
            .prop_map(|(parent, what, number, in_task)| Op::New { parent, what, number, in_task }),
        6 => span().prop_map(|span| Op::Enter { span }),
        6 => prop_oneof![4 => Just(0), 1 => 0..4_usize].prop_map(|back| Op::Exit { back }),
        1 => span().prop_map(|span| Op::Clone { span }),
        5 => span().prop_map(|span| Op::Drop { span }),
        2 => (span(), any::<i64>()).prop_map(|(span, number)| Op::Record { span, number }),
        1 => (span(), span()).prop_map(|(span, cause)| Op::Follow { span, cause }),
        2 => (parent(), any::<i64>(), prop::bool::weighted(0.2))
            .prop_map(|(parent, number, in_task)| Op::Say { parent, number, in_task }),
        2 => any::<i64>().prop_map(|number| Op::Call { number }),
    ];
    prop::collection::vec((0..THREADS, op), 0..longest)
}

/// Opens spans of its own while it is formatted.
struct Loud(i64);

impl fmt::Debug for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _inner = tracing::info_span!("inner", number = self.0).entered();
        tracing::info!("formatting");
        write!(f, "Loud({})", self.0)
    }
}

fn open(parent: Option<Option<&Span>>, what: What, number: i64) -> Span {
    macro_rules! span {
        ($name:literal, $($field:tt)*) => {
            match parent {
                None => tracing::info_span!($name, $($field)*),
                Some(None) => tracing::info_span!(parent: None, $name, $($field)*),
                Some(Some(parent)) => tracing::info_span!(parent: parent, $name, $($field)*),
            }
        };
    }
    let text = "0123456789abcdefghijklmnopqrstuvwxyz";
    match what {
        What::Bare => span!("bare",),
        What::Plain => span!("plain", number, half = number as f64 / 2.0, is_even = number % 2 == 0, natural = 7_u64),
        What::Texts => span!("texts", empty = "", text = &text[..number.unsigned_abs() as usize % 36], shown = %number),
        What::Many => span!("many", a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = "eight", i = number),
        What::Wide => span!("wide", wide = i128::from(number) << 60, natural = u128::MAX),
        What::Loud => span!("loud", value = ?Loud(number), number),
        What::Lane(at) => span!("lane", lane = ["hub", "main", "conn-1"][at], number),
        What::Blocks => span!("blocks", blocks = "poll", reason = "the world"),
        What::Later => span!("later", number, reason = tracing::field::Empty),
    }
}

type Order = (Op, mpsc::Sender<()>);

/// What a program has at one instant: handles, by whoever has them, and what each thread has entered.
struct World {
    spans: Vec<Span>,
    entered: Vec<Vec<Span>>,
}

/// Runs a program step by step, each on its thread, and calls `at_end` while the threads are still there.
pub fn run(program: &Program, dispatch: &Dispatch, at_end: impl FnOnce()) {
    let world = Arc::new(Mutex::new(World { spans: Vec::new(), entered: vec![Vec::new(); THREADS] }));
    let threads = (0..THREADS).map(|number| {
        let (orders, ordered) = mpsc::channel::<Order>();
        let (world, dispatch) = (world.clone(), dispatch.clone());
        let work = move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            dispatcher::with_default(&dispatch, || {
                for (op, done) in ordered {
                    world.lock().unwrap().act(&op, number, &runtime);
                    done.send(()).unwrap();
                }
            });
        };
        (orders, thread::Builder::new().name(format!("thread {number}")).spawn(work).unwrap())
    });
    let threads: Vec<_> = threads.collect();
    for (thread, op) in program {
        let (done, is_done) = mpsc::channel();
        threads[*thread].0.send((op.clone(), done)).unwrap();
        is_done.recv().unwrap();
    }
    at_end();
    for (orders, thread) in threads {
        drop(orders);
        thread.join().unwrap();
    }
}

/// Runs something in a task of tokio's, on this thread.
fn in_task<R: Send + 'static>(runtime: &Runtime, run: impl FnOnce() -> R + Send + 'static) -> R {
    runtime.block_on(async { tokio::spawn(async { run() }).await.unwrap() })
}

impl World {
    fn act(&mut self, op: &Op, thread: usize, runtime: &Runtime) {
        let count = self.spans.len();
        let is_there = count > 0;
        match *op {
            Op::New { parent, what, number, in_task: is_task } => {
                let parent = match parent {
                    Parent::Around => None,
                    Parent::Of(span) if is_there => Some(Some(self.spans[span % count].clone())),
                    Parent::Root | Parent::Of(_) => Some(None),
                };
                let make = move || open(parent.as_ref().map(Option::as_ref), what, number);
                let made = if is_task { in_task(runtime, make) } else { make() };
                self.spans.push(made);
            }
            Op::Enter { span } if is_there => {
                let span = self.spans[span % count].clone();
                span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
                self.entered[thread].push(span);
            }
            Op::Exit { back } if !self.entered[thread].is_empty() => {
                let entered = &mut self.entered[thread];
                let span = entered.remove(entered.len() - 1 - back % entered.len());
                span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
            }
            Op::Clone { span } if is_there => self.spans.push(self.spans[span % count].clone()),
            Op::Drop { span } if is_there => drop(self.spans.swap_remove(span % count)),
            Op::Record { span, number } if is_there => {
                self.spans[span % count].record("number", number).record("reason", "later");
            }
            Op::Follow { span, cause } if is_there => {
                self.spans[span % count].follows_from(&self.spans[cause % count]);
            }
            Op::Say { parent, number, in_task: is_task } => {
                let parent = match parent {
                    Parent::Of(span) if is_there => self.spans[span % count].id(),
                    _ => None,
                };
                let say = move || match parent {
                    Some(parent) => tracing::info!(parent: parent, number, "said of it"),
                    None => tracing::info!(number, text = "a", "said"),
                };
                if is_task { in_task(runtime, say) } else { say() }
            }
            Op::Call { number } => tracing::info_span!("call", number).in_scope(|| ()),
            _ => {}
        }
    }
}
