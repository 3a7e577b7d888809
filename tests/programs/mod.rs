//! Random logs of programs that could have run.

use std::sync::Arc;

use proptest::prelude::*;
use spanwalk::trace::{
    Callsite, Edge, Event, Field, Kind, LaneId, LaneKind, Log, Seq, SpanId, Thread, ThreadId, Time, Value,
};

/// What a random program does next; indexes are taken modulo what there is.
#[derive(Clone, Debug)]
enum Act {
    OpenLane,
    Open {
        thread: usize,
        lane: usize,
        name: usize,
    },
    /// A call with nothing in it.
    Call {
        thread: usize,
        lane: usize,
        name: usize,
    },
    Enter {
        thread: usize,
        span: usize,
    },
    Exit {
        thread: usize,
    },
    Close {
        span: usize,
    },
    Record {
        span: usize,
    },
    Hold {
        span: usize,
    },
    Release,
    Wait,
}

fn act() -> impl Strategy<Value = Act> {
    let n = 0..64_usize;
    prop_oneof![
        1 => Just(Act::OpenLane),
        6 => (n.clone(), n.clone(), n.clone()).prop_map(|(thread, lane, name)| Act::Open { thread, lane, name }),
        4 => (n.clone(), n.clone(), n.clone()).prop_map(|(thread, lane, name)| Act::Call { thread, lane, name }),
        8 => (n.clone(), n.clone()).prop_map(|(thread, span)| Act::Enter { thread, span }),
        6 => n.clone().prop_map(|thread| Act::Exit { thread }),
        4 => n.clone().prop_map(|span| Act::Close { span }),
        2 => n.clone().prop_map(|span| Act::Record { span }),
        1 => n.prop_map(|span| Act::Hold { span }),
        2 => Just(Act::Release),
        2 => Just(Act::Wait),
    ]
}

pub const NAMES: [&str; 5] = ["run", "poll", "spawn", "start_accepting", "run_task"];
/// Turns acts into the events of a program that could have run.
#[derive(Default)]
struct Maker {
    events: Vec<Event>,
    now: u64,
    lanes: u32,
    /// Open spans: id, lane, times entered.
    open: Vec<(SpanId, LaneId, usize)>,
    spans: u64,
    entered: [Vec<usize>; 2],
    held: Vec<(SpanId, LaneId)>,
}

impl Maker {
    fn push(&mut self, thread: usize, lane: LaneId, kind: Kind) {
        self.now += 7;
        let name = format!("thread-{thread}").into();
        let thread = Arc::new(Thread { id: ThreadId(thread as u32 + 1), name });
        let seq = Seq(self.events.len() as u64);
        self.events.push(Event { seq, time: Time(self.now), thread, lane, kind });
    }

    /// Opens a span in what its thread is in, or in a lane.
    fn open(&mut self, thread: usize, lane: usize, name: usize) -> (SpanId, LaneId) {
        let around = self.entered[thread].last().map(|at| self.open[*at]);
        let lane = around.map_or(LaneId(lane as u32 % self.lanes + 1), |around| around.1);
        self.spans += 1;
        let span = SpanId(self.spans);
        let name = NAMES[name % NAMES.len()];
        let callsite = Callsite { name: name.into(), target: "t".into(), file: None, line: Some(1) };
        let fields = match name {
            "poll" => vec![Field { name: "blocks".into(), value: Value::from("poll") }],
            _ => Vec::new(),
        };
        let parent = around.map(|around| around.0);
        self.push(thread, lane, Kind::Open { span, parent, callsite: Arc::new(callsite), fields });
        (span, lane)
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::OpenLane if self.lanes < 5 => {
                self.lanes += 1;
                let lane = LaneId(self.lanes);
                self.push(0, lane, Kind::LaneOpen { name: format!("lane-{lane}").into(), kind: LaneKind::Thread });
            }
            Act::Open { thread, lane, name } if self.lanes > 0 => {
                let (span, lane) = self.open(thread % 2, lane, name);
                self.open.push((span, lane, 0));
            }
            Act::Call { thread, lane, name } if self.lanes > 0 => {
                let (span, lane) = self.open(thread % 2, lane, name);
                for kind in [Kind::Enter { span }, Kind::Exit { span }, Kind::Close { span }] {
                    self.push(thread % 2, lane, kind);
                }
            }
            Act::Enter { thread, span } if !self.open.is_empty() => {
                let at = span % self.open.len();
                let (span, lane, entered) = self.open[at];
                if span.0 != 0 && entered == 0 {
                    self.open[at].2 += 1;
                    self.entered[thread % 2].push(at);
                    self.push(thread % 2, lane, Kind::Enter { span });
                }
            }
            Act::Exit { thread } => {
                if let Some(at) = self.entered[thread % 2].pop() {
                    let (span, lane, _) = self.open[at];
                    self.open[at].2 -= 1;
                    self.push(thread % 2, lane, Kind::Exit { span });
                }
            }
            Act::Close { span } if !self.open.is_empty() => {
                let at = span % self.open.len();
                let (span, lane, entered) = self.open[at];
                if span.0 != 0 && entered == 0 {
                    self.open[at].0 = SpanId(0);
                    self.push(0, lane, Kind::Close { span });
                }
            }
            Act::Record { span } if !self.open.is_empty() => {
                let (span, lane, _) = self.open[span % self.open.len()];
                let fields = vec![Field { name: "n".into(), value: Value::U64(self.now) }];
                if span.0 != 0 {
                    self.push(0, lane, Kind::Record { span, fields });
                }
            }
            Act::Hold { span } if !self.open.is_empty() => {
                let (span, lane, _) = self.open[span % self.open.len()];
                if span.0 != 0 {
                    self.held.push((span, lane));
                    self.push(0, lane, Kind::Hold { span, edge: Edge::Enter, is_shown: true });
                }
            }
            Act::Release => {
                if let Some((span, lane)) = self.held.pop() {
                    self.push(0, lane, Kind::Release { span, edge: Edge::Enter });
                }
            }
            Act::Wait => self.now += 1_000,
            _ => {}
        }
    }
}

pub fn log() -> impl Strategy<Value = Log> {
    prop::collection::vec(act(), 0..600).prop_map(|acts| {
        let mut maker = Maker::default();
        for act in &acts {
            maker.act(act);
        }
        let mut log = Log::new();
        for event in maker.events {
            log.push(event);
        }
        log
    })
}
