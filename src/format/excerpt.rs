//! What of a log is exported: a stretch of time, some lanes, some spans; and on which clock.
//!
//! ```text
//!   Log + Which ──► Excerpt ──► lanes, spans, points, flows      every format is made of these and of nothing else,
//!                                                                so all formats of one recording say the same
//! ```
//!
//! A span is in if it was open at some time of the stretch, if its lane is wanted, if it is not too deep, and if it answers
//! the query. It is cut at the ends of the stretch, and says so. The parent of a span is the nearest around it that is in too.

mod origin;
mod parts;
mod polls;
mod which;

use std::collections::HashSet;

pub use self::origin::{Epoch, Origin};
pub use self::parts::{Flow, Point, Span};
pub use self::polls::Poll;
use self::which::lanes_called;
pub use self::which::{Clock, NoExcerpt, Which};
use super::Companion;
use crate::trace::{Event, Field, Finder, Kind, LaneId, LaneRecord, Log, SpanId, SpanRecord, Time};

/// Events that a search reads at a time.
const AT_A_TIME: usize = 1 << 16;

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

    /// What was said in its lanes, in order. With a query: inside its spans alone.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        self.events().filter_map(|event| {
            let Kind::Note { span, callsite, fields } = event.kind else { return None };
            let span = span.and_then(|span| self.nearest(span));
            let is_in = self.has_lane(event.lane) && (self.found.is_none() || span.is_some());
            let at = self.time(event.time);
            is_in.then_some(Point { place: event.seq, at, lane: event.lane, span, callsite, fields })
        })
    }

    /// What passed between its lanes, in order.
    pub fn flows(&self) -> impl Iterator<Item = Flow> + '_ {
        self.events().filter_map(|event| {
            let is_switch = matches!(event.kind, Kind::Switch { .. });
            let (Kind::Switch { to, reason } | Kind::Wake { to, reason }) = event.kind else { return None };
            let (place, at, from) = (event.seq, self.time(event.time), event.lane);
            (self.has_lane(from) && self.has_lane(to)).then_some(Flow { place, at, from, to, is_switch, reason })
        })
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
