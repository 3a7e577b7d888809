//! What follows from the log and the cursor, worked out once per change and not once per frame.
//!
//! Nothing here walks the log. Landmarks are looked for in what is new, until the loop serves; then they are final.

use super::claims::Claims;
use super::event_loop;
use super::layout::Pane;
use super::material::Material;
use super::minimap::Minimap;
use super::moments::{self, Moment};
use super::overlay::Overlay;
use super::source::Source;
use super::stack::{self, Row, RowId};
use super::ui::Ui;
use crate::lesson::{Checked, Claim, Evidence};
use crate::trace::{Chain, Landmarks, Lookout, LoopState, SpanId, State, Stop, here};

/// Calls that claims look at for one picture.
const LOOKED_AT: usize = 4_000;

/// Answers that several views share.
#[derive(Default)]
pub(super) struct Known {
    /// The state at the cursor.
    pub(super) state: State,
    /// The instants of the whole log, those after the cursor too.
    pub(super) landmarks: Landmarks,
    /// Per step of the chain: it has run at some time.
    pub(super) seen: Vec<bool>,
    /// The rows of the call stack.
    pub(super) rows: Vec<Row>,
    /// The span we are at: where the shown lane is paused, else the one entered last.
    pub(super) here: Option<SpanId>,
    /// The step we are in.
    pub(super) step: Option<usize>,
    /// The step of the selected frame: what the lesson tells about.
    pub(super) shown_step: Option<usize>,
    /// What this run says about that step.
    pub(super) evidence: Vec<(String, Evidence)>,
    /// The file of the selected frame.
    pub(super) source: Option<Source>,
    /// The line of its attribute.
    pub(super) source_line: usize,
    /// The comparison, while it is looked at.
    pub(super) moments: Option<[Moment; 3]>,
    /// The event loop, while it is looked at.
    pub(super) event_loop: Option<LoopState>,
    /// The whole recording in a row.
    pub(super) minimap: Minimap,
    /// Every claim, while the table is looked at.
    pub(super) claims: Option<Claims>,
    /// The stop that the selection has followed.
    followed: Option<Stop>,
    lookout: Lookout,
    evidence_of: Option<(usize, usize)>,
    checked: Checked,
    moments_of: Option<Landmarks>,
    event_loop_of: Option<(usize, usize, (u16, u16))>,
}

impl Known {
    /// Works out again what was read off a log that is a shorter one now. What has been seen, has been.
    pub(super) fn begin_again(&mut self) {
        (self.lookout, self.checked) = (Lookout::default(), Checked::default());
        (self.evidence_of, self.moments_of, self.event_loop_of) = (None, None, None);
    }

    /// Whether claims have not looked at all there is.
    pub(super) fn is_weighing(&self) -> bool {
        self.evidence.iter().any(|(_, evidence)| evidence.left > 0)
            || self.claims.as_ref().is_some_and(Claims::is_weighing)
    }

    /// Whether a step has run.
    pub(super) fn has_run(&self, chain: &Chain, id: &str) -> bool {
        let at = chain.steps().iter().position(|step| step.id == id);
        at.and_then(|at| self.seen.get(at)).copied().unwrap_or(false)
    }
}

impl Ui<'_> {
    /// Brings everything that is known up to the log and the cursor.
    pub(super) fn refresh(&mut self) {
        let cursor = self.cursor();
        let chain = self.material.chain;
        self.read_on();
        self.known.state = self.log.state_at(cursor);
        let state = &self.known.state;
        let here = here(&self.log, state, cursor);
        self.known.step = here.and_then(|span| chain.step_around(&self.log, span));
        self.arrange_rows(here);
        let span = self.selected_span();
        let shown = match span {
            Some(span) => chain.step_around(&self.log, span),
            None => self.known.step,
        };
        if shown != self.known.shown_step {
            (self.known.shown_step, self.lesson_scroll, self.shows_answer) = (shown, 0, false);
        }
        self.find_source(span);
        self.weigh_evidence(cursor);
        self.compare();
        self.look_against();
        self.weigh_claims();
        self.look_at_loop(cursor);
        if let Some((chart, _)) = self.chart() {
            self.known.minimap.look(&self.log, usize::from(chart.width));
        }
        let now = self.time_now();
        if let Some(range) = &mut self.range {
            range.look(now);
        }
    }

    /// The span that the selected row stands for: of a lane the innermost.
    pub(super) fn selected_span(&self) -> Option<SpanId> {
        match self.selected {
            Some(RowId::Frame(span)) => Some(span),
            Some(RowId::Lane(lane) | RowId::More(lane)) => {
                self.known.state.lane(lane).and_then(|lane| lane.stack.last()).map(|frame| frame.span)
            }
            _ => None,
        }
    }

    fn read_on(&mut self) {
        let chain = self.material.chain;
        let known = &mut self.known;
        known.seen.resize(chain.steps().len(), false);
        for (step, seen) in chain.steps().iter().zip(&mut known.seen) {
            *seen = *seen || self.log.has_entered(&step.key);
        }
        // A chain without a loop has no instants to look for.
        if chain.key("loop.poll").is_some() {
            known.lookout.read(chain, &self.log);
            known.landmarks = known.lookout.landmarks();
        }
    }

    /// Makes the rows of the call stack and keeps the selection where it makes sense.
    fn arrange_rows(&mut self, here: Option<SpanId>) {
        let layout = self.layout();
        // While another pane has the whole screen the rows are not seen; any height will do.
        let room = layout.pane(Pane::Stack).map_or(20, |rect| usize::from(rect.height.saturating_sub(2)));
        let all = self.log.lane_count(self.cursor());
        let marks = stack::Marks { notes: self.log.bookmarks(), breaks: &self.breaks, on: self.on_breakpoint() };
        self.known.rows = stack::rows((&self.known.state, all), &self.folds, here, room, marks);
        // A new stop takes the selection along, and so does every move of who had not chosen another row; else it
        // stays on what the person chose, while that exists.
        let stop = self.known.state.paused();
        let was_here = self.selected == self.known.here.map(RowId::Frame);
        let moved = was_here
            || (stop.is_some() && stop != self.known.followed)
            || (self.cursor.is_some() && here != self.known.here);
        self.known.here = here;
        self.known.followed = stop;
        let has = |id: RowId| self.known.rows.iter().any(|row| row.id == id);
        let wanted = here.map(RowId::Frame).filter(|id| has(*id));
        let kept = self.selected.filter(|id| has(*id));
        self.selected = if moved { wanted.or(kept) } else { kept.or(wanted) };
        self.selected = self.selected.or_else(|| self.known.rows.first().map(|row| row.id));
        let at = self.selected.and_then(|id| self.known.rows.iter().position(|row| row.id == id)).unwrap_or(0);
        let lowest = (at + 1).saturating_sub(room);
        let highest = self.known.rows.len().saturating_sub(room).min(at);
        self.stack_top = self.stack_top.clamp(lowest, highest.max(lowest));
    }

    fn find_source(&mut self, span: Option<SpanId>) {
        let record = span.and_then(|span| self.log.span(span));
        let place = record.and_then(|record| Some((record.callsite.file.clone()?, record.callsite.line?)));
        let Some((file, line)) = place else {
            self.known.source = None;
            return;
        };
        if self.known.source.as_ref().is_none_or(|source| *source.file != *file) {
            self.known.source = self.material.sources.source(&file).map(|text| Source::new(&file, text));
            self.source_scroll = 0;
        }
        if self.known.source_line != line as usize {
            (self.known.source_line, self.source_scroll) = (line as usize, 0);
        }
    }

    /// Asks the claims about the shown step, and goes on where they have not looked at everything.
    pub(super) fn weigh_evidence(&mut self, cursor: usize) {
        let Some(step) = self.known.shown_step else {
            (self.known.evidence, self.known.evidence_of) = (Vec::new(), None);
            return;
        };
        if self.known.evidence_of == Some((step, cursor)) && !self.known.is_weighing() {
            return;
        }
        let Material { chain, book, .. } = self.material;
        let claims = book.step_page(step).into_iter().flat_map(|page| &page.claims);
        let (checked, log, mut budget) = (&mut self.known.checked, &self.log, LOOKED_AT);
        let mut weigh =
            |claim: &Claim| (claim.says.clone(), checked.evaluate(&claim.predicate, (log, cursor), chain, &mut budget));
        self.known.evidence = claims.map(&mut weigh).collect();
        self.known.evidence_of = Some((step, cursor));
    }

    fn look_at_loop(&mut self, cursor: usize) {
        let wanted = (cursor, self.log.len(), self.size);
        if !self.shows_loop {
            (self.known.event_loop, self.known.event_loop_of) = (None, None);
        } else if self.known.event_loop_of != Some(wanted) {
            let rows = event_loop::rows(self.layout().body);
            let state = LoopState::new(&self.log, self.material.chain, &self.known.state, cursor, rows);
            (self.known.event_loop, self.known.event_loop_of) = (Some(state), Some(wanted));
        }
    }

    fn compare(&mut self) {
        if !self.overlay.as_ref().is_some_and(Overlay::compares_moments) {
            (self.known.moments, self.known.moments_of) = (None, None);
        } else if self.known.moments_of != Some(self.known.landmarks) {
            self.known.moments = Some(moments::compare(&self.log, self.material.chain, &self.known.landmarks));
            self.known.moments_of = Some(self.known.landmarks);
        }
    }
}
