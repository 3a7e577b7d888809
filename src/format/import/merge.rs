//! Rows in the order of time, as the events of a log.
//!
//! ```text
//!   rows ──► edges: begins, ends, points, arrows ──sorted──► open enter … exit close, packed ──chunk by chunk──► Log
//! ```
//!
//! Who is inside whom is not written in trace events: of a line, what is open when a call begins is around it, unless it ends
//! before that does. A line of a thread has the thread while a call is open, unless the file has polls of it. Of an async line nobody
//! knows; its calls are put on a thread for no time at all, which such a lane says nothing by.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use super::edges::{Edge, Edges};
use super::polls::{Polls, Runs};
use super::rows::{BESIDE, Line, PARENT, POLLED, Row, Rows, SPAN, What};
use super::stack::Stack;
use crate::trace::{
    At, Chunk, Event, Kind, LaneId, LaneKind, Log, Packer, Seq, SpanId, Thread, ThreadId, Time, ValueRef,
};

/// Bytes of a chunk, about.
const CHUNK: usize = 1 << 18;
/// Edges between two looks at the time.
const ROUND: usize = 1 << 15;
/// So few are told where they are needed.
const FEW: usize = 1 << 10;

/// A line while it is told.
pub(super) struct Lane {
    pub(super) id: LaneId,
    /// The one it was on last.
    pub(super) thread: Arc<Thread>,
    name: Arc<str>,
    kind: LaneKind,
    runs: Runs,
    /// Its open spans.
    open: Stack,
    /// Edges that are still to come, if it is not of a thread.
    left: u64,
    is_told: bool,
}

/// Rows that are being told.
pub(super) struct Merge {
    pub(super) rows: Rows,
    edges: Edges,
    pub(super) lanes: Vec<Lane>,
    /// The earliest time.
    base: i64,
    pub(super) packer: Packer,
    /// Packed, and not part of the log yet.
    ready: Vec<Chunk>,
    spans: u64,
    /// By row the number of its span, if that does not end at once. There are no more spans than rows.
    pub(super) span_of: Vec<u32>,
    /// By the number of a name which of those it is that are beside fields in our own files.
    beside: Vec<Option<&'static str>>,
    /// In our own files the spans by the ids that they had.
    pub(super) known: HashMap<u64, SpanId>,
    pub(super) polls: Polls,
    is_over: bool,
}

impl Merge {
    pub(super) fn new(rows: Rows) -> Self {
        let all = &rows.all;
        let edges = Edges::new(all);
        // Times of our own files are those of the recording already.
        let first = edges.peek().map_or(0, |edge| edge.time);
        let base = if rows.is_ours { first.min(0) } else { first };
        let mut left = vec![0_u64; rows.lanes.len()];
        if rows.lanes.iter().any(|line| line.kind != LaneKind::Thread) {
            all.iter().for_each(|row| left[row.lane as usize] += 1 + u64::from(row.has_end()));
        }
        let processes = rows.lanes.iter().map(|line| &line.pid).collect::<std::collections::HashSet<_>>().len();
        let past = rows.threads.past();
        let lanes = rows.lanes.iter().enumerate().map(|(at, line)| {
            let name = name_of(line, &rows, processes > 1);
            let (id, thread) = (LaneId(at as u32 + 1), ThreadId(at as u32 + past));
            let own = || Arc::new(Thread { id: thread, name: name.clone() });
            let thread = line.thread.and_then(|thread| rows.threads.get(thread).cloned()).unwrap_or_else(own);
            let (kind, runs) = (line.kind, line.runs());
            Lane { id, thread, name, kind, runs, open: Stack::default(), left: left[at], is_told: false }
        });
        let lanes = lanes.collect();
        let beside = |name: &Arc<str>| BESIDE.into_iter().find(|beside| rows.is_ours && **beside == **name);
        let beside = rows.names.iter().map(beside).collect();
        let span_of = vec![0; all.len()];
        let mut packer = Packer::default();
        packer.begin(Seq(0));
        packer.begin_events();
        let (spans, is_over, ready, known, polls) = (0, false, Vec::new(), HashMap::new(), Polls::default());
        Self { rows, edges, lanes, base, packer, ready, spans, span_of, beside, known, polls, is_over }
    }

    /// Tells on while there is time: what has been told goes into the log while the next is told.
    pub(super) fn read(&mut self, log: &mut Log, is_time: &dyn Fn() -> bool) {
        while !self.is_over {
            let ready = std::mem::take(&mut self.ready);
            let (all, told) = self.edges.count();
            if all - told <= FEW {
                append(log, ready);
                self.tell_on();
                append(log, std::mem::take(&mut self.ready));
                self.is_over = true;
            } else {
                let is_beside = thread::scope(|scope| {
                    let is_beside = thread::Builder::new().spawn_scoped(scope, || self.tell_on()).is_ok();
                    append(log, ready);
                    is_beside
                });
                if !is_beside {
                    self.tell_on();
                }
            }
            if self.is_over {
                self.rows.forget();
                (self.edges, self.span_of, self.known) = (Edges::default(), Vec::new(), HashMap::new());
                return;
            }
            if !is_time() {
                return;
            }
        }
    }

    fn tell_on(&mut self) {
        for _ in 0..ROUND {
            let Some(edge) = self.edges.take(&self.rows.all) else {
                self.hand_over();
                return;
            };
            self.tell(edge);
            if self.packer.len() >= CHUNK {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        if !self.packer.is_empty() {
            self.ready.push(self.packer.chunk());
            self.packer.go_on();
        }
    }

    fn tell(&mut self, edge: Edge) {
        let number = edge.number();
        let row = self.rows.all[number as usize];
        let mut time = Time(edge.time.abs_diff(self.base));
        if matches!(row.what, What::Switch | What::Wake) {
            self.lane(row.other, time);
        }
        self.lane(row.lane, time);
        let lane = &mut self.lanes[row.lane as usize];
        lane.left = lane.left.saturating_sub(1);
        let at = At { time, thread: &lane.thread, lane: lane.id };
        if edge.is_end() && row.what == What::Poll {
            self.end_poll(number, &row, time);
        } else if edge.is_end() {
            let span = SpanId(self.span_of[number as usize].into());
            lane.open.end(span);
            match lane.runs {
                Runs::WhileOpen => self.packer.exit(at, span),
                Runs::Polled => self.end_polls_of(span, time),
                Runs::Unknown => {}
            }
            let lane = &self.lanes[row.lane as usize];
            self.packer.close(At { time, thread: &lane.thread, lane: lane.id }, span);
        } else {
            match row.what {
                What::Whole | What::Begun => time = self.begin(number, &row, time),
                What::Poll if lane.runs == Runs::Polled => self.begin_poll(number, &row, time),
                What::Poll => {}
                What::Point => {
                    let site = &self.rows.sites[row.site as usize];
                    let names = &self.rows.names;
                    let fields = self.rows.fields(row.args).map(|(name, value)| (&names[name as usize], value));
                    self.packer.note(at, lane.open.last(), site, fields);
                }
                What::Switch | What::Wake => self.arrow(&row, time),
            }
        }
        let lane = &self.lanes[row.lane as usize];
        if lane.kind != LaneKind::Thread && lane.left == 0 && lane.open.is_empty() {
            let (lane, thread) = (lane.id, lane.thread.clone());
            self.packer.event(&Event { seq: Seq(0), time, thread, lane, kind: Kind::LaneClose });
        }
    }

    /// A call begins. Nothing is in it if it takes no time, or if its end is the next edge, which then is told with it:
    /// until when is told.
    fn begin(&mut self, number: u32, row: &Row, time: Time) -> Time {
        let Self { rows, edges, lanes, packer, beside, known, .. } = self;
        let lane = &mut lanes[row.lane as usize];
        let at = At { time, thread: &lane.thread, lane: lane.id };
        let site = &rows.sites[row.site as usize];
        self.spans += 1;
        let span = SpanId(self.spans);
        let ends_at_once = row.what == What::Whole && row.end == row.begin;
        let is_end = |edge: Edge| edge.is_end() && edge.number() == number;
        let ends_next = !ends_at_once && lane.runs != Runs::Polled && edges.peek().is_some_and(is_end);
        if ends_next {
            edges.take(&rows.all);
            lane.left = lane.left.saturating_sub(1);
        }
        let end = Time(row.end.abs_diff(self.base));
        let exit = if lane.runs == Runs::WhileOpen { end } else { time };
        let whole = (ends_next || ends_at_once && lane.runs != Runs::Polled).then_some([time, exit, end]);
        let mut was_polled = false;
        if rows.is_ours {
            let fields = rows.fields(row.args);
            let id = |wanted| {
                fields.clone().find_map(|(name, value)| match value {
                    ValueRef::U64(id) if beside[name as usize] == Some(wanted) => Some(id),
                    _ => None,
                })
            };
            let parent = id(PARENT).and_then(|parent| known.get(&parent).copied());
            known.extend(id(SPAN).map(|id| (id, span)));
            was_polled =
                lane.runs == Runs::Polled && fields.clone().any(|(name, _)| beside[name as usize] == Some(POLLED));
            let fields = fields.filter(|(name, _)| beside[*name as usize].is_none());
            packer.open(at, span, parent, site, fields.map(|(name, value)| (&rows.names[name as usize], value)), whole);
        } else {
            packer.open(at, span, lane.open.around(row.end), site, rows.packed_fields(row.args), whole);
        }
        if let Some([.., close]) = whole {
            return close;
        }
        if lane.runs != Runs::Polled || was_polled {
            packer.enter(at, span);
            if lane.runs != Runs::WhileOpen {
                packer.exit(at, span);
            }
        }
        if ends_at_once {
            packer.close(at, span);
            return time;
        }
        lane.open.push(span, row.end);
        self.span_of[number as usize] = self.spans as u32;
        time
    }

    /// Something goes from one lane to another.
    fn arrow(&mut self, row: &Row, time: Time) {
        let Self { rows, lanes, packer, .. } = self;
        let name = Some(&rows.sites[row.site as usize].name).filter(|name| !name.is_empty() && !rows.is_ours);
        let said = || {
            rows.fields(row.args).find_map(|(name, value)| match value {
                ValueRef::Str(text) if rows.is_ours && &*rows.names[name as usize] == "reason" => Some(text.into()),
                _ => None,
            })
        };
        let reason = name.cloned().or_else(said);
        let lane = &lanes[row.lane as usize];
        let (lane, thread, to) = (lane.id, lane.thread.clone(), LaneId(row.other + 1));
        let is_switch = row.what == What::Switch;
        let kind = if is_switch { Kind::Switch { to, reason } } else { Kind::Wake { to, reason } };
        packer.event(&Event { seq: Seq(0), time, thread, lane, kind });
    }

    /// Opens a lane before the first thing that happens in it.
    fn lane(&mut self, number: u32, time: Time) {
        let lane = &mut self.lanes[number as usize];
        if !lane.is_told {
            lane.is_told = true;
            let (id, thread) = (lane.id, lane.thread.clone());
            let kind = Kind::LaneOpen { name: lane.name.clone(), kind: lane.kind };
            self.packer.event(&Event { seq: Seq(0), time, thread, lane: id, kind });
        }
    }

    /// Which share of the edges has been told.
    pub(super) fn share(&self) -> f64 {
        let (all, told) = self.edges.count();
        if self.is_over { 1.0 } else { told as f64 / all.max(1) as f64 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_over
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let Rows { cut, ends, others, lanes, threadless, .. } = &self.rows;
        let mut remarks = Vec::new();
        if let Some(at) = cut {
            remarks.push(format!("cut off in the event at byte {at}; what is before it is here"));
        }
        if *ends > 0 {
            remarks.push(format!("{ends} ends without a beginning are left out"));
        }
        let mut others: Vec<(u8, u64)> = others.iter().map(|(phase, count)| (*phase, *count)).collect();
        others.sort_unstable();
        for (phase, count) in others {
            let what = match phase {
                b'C' => "counters".to_owned(),
                b'N' | b'O' | b'D' => "objects".to_owned(),
                b'P' => "samples".to_owned(),
                phase => format!("events of phase `{}`", char::from(phase).escape_default()),
            };
            remarks.push(format!("{count} {what} are left out"));
        }
        if lanes.iter().any(|lane| lane.runs() == Runs::Unknown && !lane.has_polls) {
            remarks.push("when async spans were on a thread is not in the file".to_owned());
        }
        if *threadless > 0 {
            remarks.push(format!(
                "{threadless} polls do not say which thread they took: when their lanes ran is not known"
            ));
        }
        remarks
    }
}

fn name_of(line: &Line, rows: &Rows, has_processes: bool) -> Arc<str> {
    let name = line.name.clone().unwrap_or_else(|| format!("thread {}", line.tid).into());
    if !has_processes {
        return name;
    }
    match rows.processes.get(&line.pid) {
        Some(process) => format!("{process} {}/{name}", line.pid).into(),
        None => format!("{}/{name}", line.pid).into(),
    }
}

/// Adds chunks that were packed here, each behind the one before.
fn append(log: &mut Log, chunks: Vec<Chunk>) {
    for chunk in chunks {
        let _ = log.append(&chunk);
    }
}
