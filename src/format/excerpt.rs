//! What of a log is exported: a stretch of time, some lanes, some spans; and on which clock.
//!
//! ```text
//!   Log + Which ──► Excerpt ──► lanes, spans, points, flows      every format is made of these and of nothing else,
//!                                                                so all formats of one recording say the same
//! ```
//!
//! A span is in if it was open at some time of the stretch, if its lane is wanted, if it is not too deep, and if it answers
//! the query. It is cut at the ends of the stretch, and says so. The parent of a span is the nearest around it that is in too.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use thiserror::Error;

use super::Companion;
use crate::trace::{
    Callsite, Event, Field, Finder, Kind, LaneId, LaneRecord, Log, Query, Seq, SpanId, SpanRecord, Thread, ThreadId,
    Time, Turns,
};

/// Events that a search reads at a time.
const AT_A_TIME: usize = 1 << 16;
/// Lanes that an error names.
const NAMED: usize = 8;

/// Which clock tells the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Program time: what passed while the program was held is left out.
    #[default]
    Program,
    /// The clock on the wall: holds are in it, and shown.
    Wall,
}

/// What is wanted of a log. The default is all of it.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// From this time on, on the clock.
    pub from: Option<Time>,
    /// Up to and with this time, on the clock.
    pub until: Option<Time>,
    /// Of lanes with these names alone; of all, if none is named.
    pub lanes: Vec<String>,
    /// Spans that answer this.
    pub query: Query,
    /// Spans with fewer than so many of their lane around them.
    pub depth: Option<usize>,
    /// The clock.
    pub clock: Clock,
}

/// Why there is no such excerpt.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoExcerpt {
    /// A lane that is not there.
    #[error("no lane is called `{name}`; there are {}", known.join(", "))]
    NoLane {
        /// What was asked for.
        name: String,
        /// Lanes that there are, the first of them.
        known: Vec<String>,
    },
    /// A stretch that ends before it begins.
    #[error("`{from}` is later than `{until}`; the stretch would end before it begins")]
    Backwards {
        /// Its begin.
        from: Time,
        /// Its end.
        until: Time,
    },
}

/// What is known of a recording beside its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What was recorded.
    pub name: String,
    /// When its clock began.
    pub epoch: Epoch,
}

/// When the clock of a recording began. Its log does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epoch {
    /// Nobody knows: times count from 1970.
    #[default]
    Unknown,
    /// Somebody says it was then, in ns since 1970.
    Said(u64),
    /// Its file was last written so long after 1970, in ns, and what happened last was not later.
    Written(u64),
}

impl Default for Origin {
    fn default() -> Self {
        Self { name: "recording".to_owned(), epoch: Epoch::Unknown }
    }
}

/// A part of a log, as all formats see it.
pub struct Excerpt<'a> {
    log: &'a Log,
    origin: Origin,
    clock: Clock,
    /// The stretch, raw.
    from: Time,
    until: Time,
    lanes: Option<HashSet<LaneId>>,
    depth: usize,
    /// Those that answer the query, if something is asked.
    found: Option<HashSet<SpanId>>,
    tell: Option<Tell<'a>>,
}

/// What tells about an excerpt, when a format asks: it may take long, and most do not.
type Tell<'a> = &'a dyn Fn(&Excerpt<'_>) -> Companion;

/// A span of an excerpt. Times are ns on its clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its id.
    pub id: SpanId,
    /// The nearest span around it that is in the excerpt.
    pub parent: Option<SpanId>,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// How many spans of its lane are around it.
    pub depth: usize,
    /// Its opening, or the begin of the excerpt.
    pub begin: Time,
    /// Its end, or the end of the excerpt.
    pub end: Time,
    /// It was not over when the recording ended.
    pub is_open: bool,
    /// It had begun before the excerpt.
    pub begins_before: bool,
    /// It ended, but after the excerpt.
    pub ends_after: bool,
    /// The place of its opening in the log.
    pub at: Seq,
    /// The place of its close, if that is in the excerpt.
    pub over: Option<Seq>,
}

/// A stretch in which a span was on a thread: of a future a poll. Times are ns on the excerpt's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Poll {
    /// The span.
    pub span: SpanId,
    /// The lane it belongs to.
    pub lane: LaneId,
    /// Where that comes from.
    pub callsite: Arc<Callsite>,
    /// The thread.
    pub thread: Arc<Thread>,
    /// Its begin, or that of the excerpt.
    pub begin: Time,
    /// Its end, or that of the excerpt.
    pub end: Time,
    /// The place of its begin in the log.
    pub at: Seq,
    /// The place of its end, if that is in the excerpt.
    pub over: Option<Seq>,
    /// The number of the poll it is inside of, if that is of the same lane.
    pub within: Option<usize>,
}

impl Span {
    /// Its time, in ns of the excerpt's clock.
    #[must_use]
    pub fn duration(&self) -> u64 {
        self.end.since(self.begin)
    }

    /// What has to be said of its end, where a format cannot leave a span open or cut: `open` or `cut`.
    #[must_use]
    pub fn mark(&self) -> Option<&'static str> {
        if self.is_open {
            Some("open")
        } else if self.begins_before || self.ends_after {
            Some("cut")
        } else {
            None
        }
    }
}

/// Something that was said inside a span: a `tracing` event.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its place in the log.
    pub place: Seq,
    /// When, on the excerpt's clock.
    pub at: Time,
    /// In which lane.
    pub lane: LaneId,
    /// The nearest span around it that is in the excerpt.
    pub span: Option<SpanId>,
    /// Where it comes from.
    pub callsite: Arc<Callsite>,
    /// What was said.
    pub fields: Vec<Field>,
}

/// Control or a wake-up that passes from lane to lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its place in the log.
    pub place: Seq,
    /// When, on the excerpt's clock.
    pub at: Time,
    /// The lane that gives.
    pub from: LaneId,
    /// The lane that gets.
    pub to: LaneId,
    /// Control of the thread passed; otherwise the lane was only made ready.
    pub is_switch: bool,
    /// Why, if the program said so.
    pub reason: Option<Arc<str>>,
}

/// What changes from one moment to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A span begins, or is there when the excerpt begins.
    Begin(Span),
    /// A span ends, at this time of the clock.
    End(SpanId, Time),
    /// Something is said.
    Point(Point),
    /// Control or a wake-up passes.
    Flow(Flow),
}

impl<'a> Excerpt<'a> {
    /// An excerpt of a log. Reads the log once if there is a query.
    ///
    /// # Errors
    ///
    /// A lane of that name is not there, or the stretch ends before it begins.
    pub fn new(log: &'a Log, which: &Which) -> Result<Self, NoExcerpt> {
        let raw = |time: Time| match which.clock {
            Clock::Program => log.clock().raw(time),
            Clock::Wall => time,
        };
        let end = log.time_at(log.len());
        if let (Some(from), Some(until)) = (which.from, which.until)
            && from > until
        {
            return Err(NoExcerpt::Backwards { from, until });
        }
        let lanes = which.lanes.iter().map(|name| lanes_called(log, name)).collect::<Result<Vec<_>, _>>()?;
        let mut excerpt = Self {
            log,
            origin: Origin::default(),
            clock: which.clock,
            from: which.from.map_or(Time(0), raw),
            // The last raw time that is not later.
            until: which
                .until
                .map_or(end, |until| Time(raw(Time(until.0.saturating_add(1))).0.saturating_sub(1)))
                .min(end),
            lanes: (!lanes.is_empty()).then(|| lanes.into_iter().flatten().collect()),
            depth: which.depth.unwrap_or(usize::MAX),
            found: None,
            tell: None,
        };
        if !which.query.is_empty() {
            let mut finder = Finder::new(which.query.clone());
            while finder.is_behind(log) {
                finder.read(log, AT_A_TIME);
            }
            excerpt.found = Some((0..finder.len()).filter_map(|at| finder.get(at)).map(|found| found.span).collect());
        }
        Ok(excerpt)
    }

    /// All of a log.
    #[must_use]
    pub fn whole(log: &'a Log) -> Self {
        let (lanes, found, tell) = (None, None, None);
        let until = log.time_at(log.len());
        Self {
            log,
            origin: Origin::default(),
            clock: Clock::Program,
            from: Time(0),
            until,
            lanes,
            depth: usize::MAX,
            found,
            tell,
        }
    }

    /// The same, of a recording of which more is known.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// What is known of the recording beside its log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Has this tell what there is to say beside the log.
    #[must_use]
    pub fn told_by(self, tell: Tell<'a>) -> Self {
        Self { tell: Some(tell), ..self }
    }

    /// What there is to say beside the log.
    #[must_use]
    pub fn companion(&self) -> Companion {
        self.tell.map(|tell| tell(self)).unwrap_or_default()
    }

    /// The log it is of.
    #[must_use]
    pub fn log(&self) -> &'a Log {
        self.log
    }

    /// The clock that tells its times.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// A raw time on its clock.
    #[must_use]
    pub fn time(&self, raw: Time) -> Time {
        match self.clock {
            Clock::Program => self.log.clock().program(raw),
            Clock::Wall => raw,
        }
    }

    /// Its begin and its end, on its clock.
    #[must_use]
    pub fn bounds(&self) -> (Time, Time) {
        (self.time(self.from), self.time(self.until))
    }

    /// Its lanes, in the order in which they came to be: those that existed at some time of the stretch.
    pub fn lanes(&self) -> impl Iterator<Item = &'a LaneRecord> + '_ {
        let is_in = |lane: &&LaneRecord| {
            self.has_lane(lane.id) && lane.open.1 <= self.until && lane.close.is_none_or(|close| close.1 >= self.from)
        };
        self.log.lanes().iter().filter(is_in)
    }

    /// Whether a lane is wanted.
    #[must_use]
    pub fn has_lane(&self, lane: LaneId) -> bool {
        self.lanes.as_ref().is_none_or(|lanes| lanes.contains(&lane))
    }

    /// Its spans, in the order of opening.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.log.spans().filter(|record| self.has(record)).map(|record| self.cut(record))
    }

    /// How many spans it has. Looks at each.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.log.spans().filter(|record| self.has(record)).count()
    }

    /// Whether a span is in.
    fn has(&self, record: &SpanRecord) -> bool {
        self.has_lane(record.lane)
            && record.depth < self.depth
            && record.open.1 <= self.until
            && record.close.is_none_or(|close| close.1 >= self.from)
            && self.found.as_ref().is_none_or(|found| found.contains(&record.id))
    }

    fn cut(&self, record: SpanRecord) -> Span {
        let close = record.close.map(|close| close.1);
        Span {
            id: record.id,
            parent: record.parent.and_then(|parent| self.nearest(parent)),
            lane: record.lane,
            begin: self.time(record.open.1.max(self.from)),
            end: self.time(close.map_or(self.until, |close| close.min(self.until))),
            is_open: close.is_none(),
            begins_before: record.open.1 < self.from,
            ends_after: close.is_some_and(|close| close > self.until),
            at: record.open.0,
            over: record.close.filter(|close| close.1 <= self.until).map(|close| close.0),
            depth: record.depth,
            callsite: record.callsite,
        }
    }

    /// A span if it is in, or else the nearest around it that is.
    #[must_use]
    pub fn nearest(&self, span: SpanId) -> Option<SpanId> {
        let mut record = self.log.span(span)?;
        while !self.has(&record) {
            record = self.log.span(record.parent?)?;
        }
        Some(record.id)
    }

    /// The fields of a span at the end of the excerpt, later values last.
    #[must_use]
    pub fn fields(&self, span: SpanId) -> Vec<Field> {
        self.log.fields(span, self.log.cursor_at_raw(self.until))
    }

    /// The stretches of a span on a thread within the excerpt, on its clock: of a future one per poll. The last may be cut by
    /// the end.
    pub fn stretches(&self, span: SpanId) -> impl Iterator<Item = (Time, Time)> + '_ {
        let within = self.log.stretches(span).filter_map(|(begin, end)| {
            let (begin, end) = (begin.max(self.from), end.unwrap_or(self.until).min(self.until));
            (begin <= end).then_some((begin, end))
        });
        within.map(|(begin, end)| (self.time(begin), self.time(end)))
    }

    /// The stretches on threads of its spans in some lanes, in order of their begin; they nest as they did there. Reads the log
    /// once.
    #[must_use]
    pub fn polls(&self, lanes: &HashSet<LaneId>) -> Vec<Poll> {
        let mut polls: Vec<Poll> = Vec::new();
        let mut is_before: Vec<bool> = Vec::new();
        // Per thread what is on it, outermost first: the number of the poll, if it is wanted.
        let mut threads: HashMap<ThreadId, Vec<(SpanId, Option<usize>)>> = HashMap::new();
        for event in self.log.events_in(..self.log.cursor_at_raw(self.until)) {
            match event.kind {
                Kind::Enter { span } => {
                    let stack = threads.entry(event.thread.id).or_default();
                    let record = self.log.span(span).filter(|record| lanes.contains(&record.lane) && self.has(record));
                    let number = record.map(|record| {
                        let around = stack.iter().rev().find_map(|entered| entered.1);
                        is_before.push(false);
                        polls.push(Poll {
                            span,
                            lane: record.lane,
                            callsite: record.callsite,
                            thread: event.thread.clone(),
                            begin: self.time(event.time.max(self.from)),
                            end: self.time(self.until),
                            at: event.seq,
                            over: None,
                            within: around.filter(|around| polls[*around].lane == record.lane),
                        });
                        polls.len() - 1
                    });
                    stack.push((span, number));
                }
                Kind::Exit { span } | Kind::Close { span } => {
                    // Where events are missing a span may be closed that has not been exited.
                    let is_close = matches!(event.kind, Kind::Close { .. });
                    for (_, stack) in threads.iter_mut().filter(|of| is_close || *of.0 == event.thread.id) {
                        let Some(at) = stack.iter().rposition(|entered| entered.0 == span) else { continue };
                        let Some(number) = stack.remove(at).1 else { continue };
                        polls[number].end = self.time(event.time.max(self.from));
                        polls[number].over = Some(event.seq);
                        is_before[number] = event.time < self.from;
                    }
                }
                _ => {}
            }
        }
        // Those before the stretch were needed for what is around what.
        let mut kept = 0..;
        let numbers: Vec<Option<usize>> =
            is_before.iter().map(|is_before| if *is_before { None } else { kept.next() }).collect();
        let kept = polls.into_iter().zip(is_before).filter(|(_, is_before)| !is_before);
        kept.map(|(poll, _)| Poll { within: poll.within.and_then(|within| numbers[within]), ..poll }).collect()
    }

    /// For each span the time in which it, or a call inside it that is not in the excerpt, was the innermost of its thread
    /// and did not block it, in ns of the clock. Reads the log once.
    #[must_use]
    pub fn own_times(&self) -> HashMap<SpanId, u64> {
        let mut own: HashMap<SpanId, u64> = HashMap::new();
        let mut turns = Turns::default();
        // Of what is left out the nearest around it, once found: calls may be deep.
        let mut known: HashMap<SpanId, Option<SpanId>> = HashMap::new();
        let mut nearest = |span: SpanId| {
            let (mut left_out, mut next) = (Vec::new(), Some(span));
            let found = loop {
                let Some(record) = next.and_then(|span| self.log.span(span)) else { break None };
                if self.has(&record) {
                    break Some(record.id);
                }
                if let Some(found) = known.get(&record.id) {
                    break *found;
                }
                left_out.push(record.id);
                next = record.parent;
            };
            known.extend(left_out.into_iter().map(|span| (span, found)));
            found
        };
        let mut count = |turn: crate::trace::Turn| {
            let (from, to) = (turn.from.max(self.from), turn.to.min(self.until));
            if from < to
                && !turn.is_blocked
                && let Some(span) = nearest(turn.span)
            {
                *own.entry(span).or_default() += self.time(to).since(self.time(from));
            }
        };
        for event in self.log.events_in(..) {
            if let Some(turn) = turns.feed(&event) {
                count(turn);
            }
        }
        turns.under_way(self.log.time_at(self.log.len())).for_each(count);
        own
    }

    /// All that changes, in the order of the log. What is open at the end does not end.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let before = self.spans().take_while(|span| span.begins_before).map(Change::Begin);
        before.chain(self.events().filter_map(|event| self.change(event)))
    }

    fn change(&self, event: Event) -> Option<Change> {
        let at = self.time(event.time);
        let has = |lane: LaneId| self.has_lane(lane);
        let record = |span: SpanId| self.log.span(span).filter(|record| self.has(record));
        match event.kind {
            Kind::Open { span, .. } => Some(Change::Begin(self.cut(record(span)?))),
            Kind::Close { span } => Some(Change::End(record(span)?.id, at)),
            Kind::Note { span, callsite, fields } => {
                let span = span.and_then(|span| self.nearest(span));
                // With a query: what was said inside its spans alone.
                let is_in = has(event.lane) && (self.found.is_none() || span.is_some());
                is_in.then_some(Change::Point(Point { place: event.seq, at, lane: event.lane, span, callsite, fields }))
            }
            Kind::Switch { to, reason } => (has(event.lane) && has(to)).then_some(Change::Flow(Flow {
                place: event.seq,
                at,
                from: event.lane,
                to,
                is_switch: true,
                reason,
            })),
            Kind::Wake { to, reason } => (has(event.lane) && has(to)).then_some(Change::Flow(Flow {
                place: event.seq,
                at,
                from: event.lane,
                to,
                is_switch: false,
                reason,
            })),
            _ => None,
        }
    }

    /// What was said in its lanes, in order. With a query: inside its spans alone.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        self.changes().filter_map(|change| if let Change::Point(point) = change { Some(point) } else { None })
    }

    /// What passed between its lanes, in order.
    pub fn flows(&self) -> impl Iterator<Item = Flow> + '_ {
        self.changes().filter_map(|change| if let Change::Flow(flow) = change { Some(flow) } else { None })
    }

    /// When the program was held, on the clock; nothing unless that is the one on the wall.
    pub fn holds(&self) -> impl Iterator<Item = (Time, Time)> + '_ {
        let stops = self.log.clock().stops().filter(|_| self.clock == Clock::Wall);
        let cut = stops.map(|(begin, end)| (begin.max(self.from), end.unwrap_or(self.until).min(self.until)));
        cut.filter(|(begin, end)| begin < end)
    }

    /// Its part of the log: what happened in the stretch, and before it to what is in.
    pub fn lines(&self) -> impl Iterator<Item = Event> + '_ {
        self.so_far().filter(|event| self.has_line(event))
    }

    /// All of the log, up to the end of the stretch.
    pub fn so_far(&self) -> impl Iterator<Item = Event> + '_ {
        self.log.events_in(..self.log.cursor_at_raw(self.until))
    }

    /// Whether an event is one of its part of the log.
    #[must_use]
    pub fn has_line(&self, event: &Event) -> bool {
        match (&event.kind, event.kind.span()) {
            (Kind::LaneOpen { .. } | Kind::LaneClose, _) => self.has_lane(event.lane),
            (Kind::Switch { to, .. } | Kind::Wake { to, .. }, _) => {
                self.has_lane(event.lane) && self.has_lane(*to) && event.time >= self.from
            }
            // Without its holds a log has no program time.
            (Kind::Hold { .. } | Kind::Release { .. } | Kind::Dropped { .. }, _) => true,
            (Kind::Note { .. }, None) => self.has_lane(event.lane) && self.found.is_none() && event.time >= self.from,
            (Kind::Note { .. }, Some(span)) => {
                event.time >= self.from && self.log.span(span).is_some_and(|record| self.has(&record))
            }
            (_, Some(span)) => self.log.span(span).is_some_and(|record| self.has(&record)),
            (_, None) => true,
        }
    }

    fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let from = self.log.cursor_at_raw(Time(self.from.0.saturating_sub(1)));
        let from = if self.from == Time(0) { 0 } else { from };
        self.log.events_in(from..self.log.cursor_at_raw(self.until))
    }
}

/// The lanes of a name; several connections may have been called the same.
fn lanes_called(log: &Log, name: &str) -> Result<Vec<LaneId>, NoExcerpt> {
    let called = log.lanes().iter().filter(|lane| &*lane.name == name);
    let lanes: Vec<LaneId> = called.map(|lane| lane.id).collect();
    if lanes.is_empty() {
        let mut known: Vec<String> = log.lanes().iter().take(NAMED).map(|lane| format!("`{}`", lane.name)).collect();
        if log.lanes().len() > NAMED {
            known.push(format!("and {} more", log.lanes().len() - NAMED));
        }
        return Err(NoExcerpt::NoLane { name: name.to_owned(), known });
    }
    Ok(lanes)
}
