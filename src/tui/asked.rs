//! What is asked of the whole recording: a search, statistics, a critical path. Each is worked at in slices between
//! pictures, so that the screen stays quick however long the recording is, and goes on as it grows.

use super::stack::RowId;
use super::ui::Ui;
use crate::trace::{
    CallStats, CriticalPath, Finder, LaneId, Log, Match, Part, Query, SpanId, Stage, Tally, TooLong, Window, call_stats,
};

/// Events that are read between two looks at the clock.
const SLICE: usize = 4096;

/// Everything that is worked at.
#[derive(Default)]
pub(super) struct Asked {
    /// The search, until `esc` ends it.
    pub(super) search: Option<Finder>,
    /// The match that was gone to last, and the cursor there.
    pub(super) last_match: Option<(SpanId, usize)>,
    /// Statistics, while they are looked at.
    pub(super) statistics: Option<Statistics>,
    /// A path, while it is looked at.
    pub(super) path: Option<Path>,
}

/// Statistics, and their rows as of the last look at the log.
pub(super) struct Statistics {
    /// The count of a stretch; of everything the log keeps count itself.
    pub(super) tally: Option<Tally>,
    pub(super) calls: Vec<CallStats>,
    pub(super) sort: Column,
    /// How much of the log the rows are of.
    as_of: Option<usize>,
}

impl Statistics {
    fn new(window: Option<Window>, sort: Column) -> Self {
        Self { tally: window.map(Tally::new), calls: Vec::new(), sort, as_of: None }
    }

    pub(super) fn window(&self) -> Option<Window> {
        self.tally.as_ref().map(Tally::window)
    }

    /// Whether there is something that has not been counted.
    pub(super) fn is_behind(&self, log: &Log) -> bool {
        match &self.tally {
            Some(tally) => tally.is_behind(log),
            None => self.as_of != Some(log.len()),
        }
    }

    /// Makes the rows of what has been counted.
    fn look(&mut self, log: &Log) {
        if self.as_of != Some(log.len()) || self.tally.is_some() {
            self.calls = self.tally.as_ref().map_or_else(|| call_stats(log), |tally| tally.calls(log));
            self.sort.sort(&mut self.calls);
            self.as_of = Some(log.len());
        }
    }
}

/// What statistics are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Count,
    Own,
    Total,
    P50,
    P99,
}

impl Column {
    pub(super) const ALL: [Self; 6] = [Self::Name, Self::Count, Self::Own, Self::Total, Self::P50, Self::P99];

    /// The column `by` places further.
    pub(super) fn moved(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|column| *column == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }

    fn sort(self, calls: &mut [CallStats]) {
        calls.sort_by(|a, b| {
            let by_number = match self {
                Self::Name => std::cmp::Ordering::Equal,
                Self::Count => b.count.cmp(&a.count),
                Self::Own => b.own.cmp(&a.own),
                Self::Total => b.total.cmp(&a.total),
                Self::P50 => b.p50.cmp(&a.p50),
                Self::P99 => b.p99.cmp(&a.p99),
            };
            let name = |call: &CallStats| (call.callsite.name.clone(), call.callsite.target.clone());
            by_number.then_with(|| name(a).cmp(&name(b)))
        });
    }
}

/// A path under way, and what it is of.
pub(super) struct Path {
    search: CriticalPath,
    /// The call; `None` is the timeline's window.
    pub(super) span: Option<SpanId>,
    pub(super) stage: Stage,
    /// The parts, once all is read.
    pub(super) parts: Option<Result<Vec<Part>, TooLong>>,
}

impl Path {
    pub(super) fn progress(&self) -> (usize, usize) {
        self.search.progress()
    }
}

impl Ui<'_> {
    /// Whether there is something that [`Ui::work`] would do.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let asked = &self.asked;
        self.seek.is_some()
            || self.known.is_weighing()
            || self.breaks.stops.is_behind(&self.log)
            || asked.search.as_ref().is_some_and(|search| search.is_behind(&self.log))
            || asked.statistics.as_ref().is_some_and(|statistics| statistics.is_behind(&self.log))
            || self.range.as_ref().is_some_and(|range| range.is_behind(&self.log))
            || asked.path.as_ref().is_some_and(|path| path.parts.is_none())
    }

    /// Works at what takes long, a slice at a time, for as long as it may go on and there is something to do.
    pub fn work(&mut self, mut may_go_on: impl FnMut() -> bool) {
        while self.has_work() && may_go_on() {
            self.seek_on(SLICE);
            self.breaks.stops.read(&self.log, SLICE);
            self.arrive_at_hit();
            self.weigh_evidence(self.cursor());
            self.weigh_claims();
            if let Some(range) = &mut self.range {
                range.read(&self.log, SLICE);
            }
            let Asked { search, statistics, path, .. } = &mut self.asked;
            if let Some(search) = search {
                search.read(&self.log, SLICE);
            }
            match statistics {
                Some(Statistics { tally: Some(tally), .. }) => tally.read(&self.log, SLICE),
                Some(statistics) => statistics.look(&self.log),
                None => {}
            }
            if let Some(path) = path.as_mut().filter(|path| path.parts.is_none()) {
                path.search.read(&self.log, SLICE);
                if !path.search.is_behind() {
                    path.parts = Some(path.search.parts());
                }
            }
        }
        if let Some(statistics) = &mut self.asked.statistics {
            statistics.look(&self.log);
        }
        self.refresh();
    }

    /// Begins what was asked once more: the recording is another.
    pub(super) fn ask_again(&mut self) {
        if let Some(range) = &mut self.range {
            range.ask_again();
        }
        self.breaks.stops.begin_again();
        self.breaks.stop_going();
        let asked = &mut self.asked;
        asked.search = asked.search.take().map(|search| Finder::new(search.query().clone()));
        asked.statistics = asked.statistics.take().map(|before| Statistics::new(before.window(), before.sort));
        (asked.path, asked.last_match) = (None, None);
    }

    pub(super) fn search(&mut self, query: Query) {
        self.asked.search = Some(Finder::new(query));
        self.asked.last_match = None;
    }

    /// The number of the match that was gone to last; else of the first that is not before the cursor, or of the first of all.
    pub(super) fn match_at_cursor(&self) -> usize {
        let Some(search) = &self.asked.search else { return 0 };
        let number = self.asked.last_match.and_then(|(span, _)| self.match_number(span));
        number.unwrap_or_else(|| search.before(self.cursor()) % search.len().max(1))
    }

    fn match_number(&self, span: SpanId) -> Option<usize> {
        let search = self.asked.search.as_ref()?;
        let at = self.log.span(span)?.open.0.0 as usize;
        let number = search.before(at);
        search.get(number).filter(|found| found.span == span).map(|_| number)
    }

    /// The number of the match that was gone to, while the cursor stays there.
    pub(super) fn current_match(&self) -> Option<usize> {
        self.asked.last_match.filter(|last| last.1 == self.cursor()).and_then(|last| self.match_number(last.0))
    }

    /// To the next match or the one before; round the end.
    pub(super) fn move_by_match(&mut self, is_forth: bool) {
        let Some(search) = &self.asked.search else {
            {
                let [search, next, before] = ["search", "over", "previous-match"].map(|id| self.keys.shown(id));
                self.notify(format!("{search} searches; then {next} and {before} go from match to match"));
            }
            return;
        };
        let count = search.len();
        if count == 0 {
            let until = if search.is_behind(&self.log) { " so far" } else { "" };
            self.notify(format!("nothing matches `{}`{until}", search.query()));
            return;
        }
        let here = self.current_match();
        let before = search.before(self.cursor());
        let number = match (here, is_forth) {
            (Some(here), true) => (here + 1) % count,
            (Some(here), false) => (here + count - 1) % count,
            (None, true) => before % count,
            (None, false) => (before + count - 1) % count,
        };
        self.move_to_match(number);
    }

    pub(super) fn move_to_match(&mut self, number: usize) {
        let found: Option<Match> = self.asked.search.as_ref().and_then(|search| search.get(number));
        if let Some(found) = found {
            self.move_to_span(found.span);
            self.asked.last_match = Some((found.span, self.cursor()));
            // At a stop in another lane the frame is not the one we are at.
            self.selected = Some(RowId::Frame(found.span));
        }
    }

    /// Counts all calls, or those in the timeline's window.
    pub(super) fn count_calls(&mut self, window: Option<Window>) {
        let sort = self.asked.statistics.as_ref().map_or(Column::Own, |statistics| statistics.sort);
        let statistics = self.asked.statistics.insert(Statistics::new(window, sort));
        if window.is_none() {
            statistics.look(&self.log);
        }
    }

    pub(super) fn sort_calls(&mut self, by: usize) {
        if let Some(statistics) = &mut self.asked.statistics {
            statistics.sort = statistics.sort.moved(by);
            statistics.sort.sort(&mut statistics.calls);
        }
    }

    /// Looks for the path of a call.
    pub(super) fn path_of_span(&mut self, span: SpanId) {
        let Some(record) = self.log.span(span) else { return };
        let to = record.close.map_or(self.log.time_at(self.log.len()), |close| close.1);
        let from = record.entered.unwrap_or(record.open.1);
        self.look_for_path(Some(span), Stage { lane: record.lane, from, to });
    }

    /// Looks for the path of a lane through the timeline's window.
    pub(super) fn path_of_window(&mut self, lane: LaneId) {
        let window = self.window_now();
        let raw = |cursor: usize| self.log.time_at(cursor);
        let (from, to) = (raw(self.log.cursor_at(window.from)), raw(self.log.cursor_at(window.to)));
        self.look_for_path(None, Stage { lane, from, to });
    }

    fn look_for_path(&mut self, span: Option<SpanId>, stage: Stage) {
        let search = CriticalPath::new(&self.log, stage);
        self.asked.path = Some(Path { search, span, stage, parts: None });
    }
}
