//! The lanes of an excerpt with all that is drawn in them, step by step.
//!
//! ```text
//!   Excerpt ──► spans of a lane ──► tracks ──┐
//!           ──► points and flows ────────────┼──► steps: begin, end, mark ──► in the order of the log, over all lanes
//!           ──► polls of a lane ──► tracks ──┘
//! ```

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use super::marks::Mark;
use super::tracks::{Edge, Instant, Piece, lay_out};
use super::{Excerpt, Poll, Span};
use crate::trace::{LaneId, LaneKind, Seq, SpanId, Thread};

/// What has not ended in the log.
const NEVER: Seq = Seq(u64::MAX);
/// What ends after the excerpt: before what does not end at all.
const LATER: Seq = Seq(u64::MAX - 1);

/// A lane of an excerpt with all its spans.
pub(super) struct Lane {
    /// What it is called; nothing if it is not known.
    pub(super) name: Arc<str>,
    /// Thread or task, if that is known.
    pub(super) kind: Option<LaneKind>,
    /// Its id.
    pub(super) id: LaneId,
    /// Its spans, in the order of opening.
    pub(super) spans: Vec<Span>,
}

/// What is met on a track.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    /// A span begins.
    Begin(&'a Span),
    /// A span ends, or the excerpt does before it.
    End(&'a Span),
    /// A poll begins.
    BeginPoll(&'a Poll),
    /// A poll ends, or the excerpt does before it.
    EndPoll(&'a Poll),
    /// Something happens at one time.
    Mark(&'a Mark),
}

impl Step<'_> {
    /// When it is; what gets a flow comes after what gives it.
    fn at(self) -> (Instant, bool) {
        match self {
            Self::Begin(span) => ((span.begin, span.at), false),
            Self::End(span) => (end(span), false),
            Self::BeginPoll(poll) => ((poll.begin, poll.at), false),
            Self::EndPoll(poll) => ((poll.end, poll.over.unwrap_or(NEVER)), false),
            Self::Mark(mark) => (mark.at(), matches!(mark, Mark::Gets(_))),
        }
    }
}

/// The steps of all tracks as they happened, each with the number of its track.
pub(super) fn in_order<'a>(tracks: &[Vec<Step<'a>>]) -> impl Iterator<Item = (usize, Step<'a>)> {
    let next = |track: usize, place: usize| tracks[track].get(place).map(|step| Reverse((step.at(), track, place)));
    let mut nexts: BinaryHeap<_> = (0..tracks.len()).filter_map(|track| next(track, 0)).collect();
    std::iter::from_fn(move || {
        let Reverse((_, track, place)) = nexts.pop()?;
        nexts.extend(next(track, place + 1));
        Some((track, tracks[track][place]))
    })
}

impl Lane {
    /// What is met on each of its tracks, in order; there is at least one. A mark is on the track of its span, or on the first.
    pub(super) fn steps<'a>(&'a self, marks: &'a [Mark]) -> Vec<Vec<Step<'a>>> {
        let pieces = pieces(&self.spans);
        let mut tracks = lay_out(&pieces);
        tracks.resize(tracks.len().max(1), Vec::new());
        let mut track_of: HashMap<SpanId, usize> = HashMap::new();
        for (track, edges) in tracks.iter().enumerate().skip(1) {
            for edge in edges {
                if let Edge::Begin(number) = edge {
                    track_of.insert(self.spans[*number].id, track);
                }
            }
        }
        let track_of = |mark: &Mark| mark.span().and_then(|span| track_of.get(&span).copied()).unwrap_or(0);
        let mut marks_of: Vec<Vec<&Mark>> = vec![Vec::new(); tracks.len()];
        marks.iter().for_each(|mark| marks_of[track_of(mark)].push(mark));
        let merged = |(edges, marks): (Vec<Edge>, Vec<&'a Mark>)| {
            let mut marks = marks.into_iter().peekable();
            let mut steps: Vec<Step<'a>> = Vec::with_capacity(edges.len() + marks.len());
            for edge in edges {
                let at = edge.at(&pieces);
                steps.extend(std::iter::from_fn(|| marks.next_if(|mark| mark.at() < at)).map(Step::Mark));
                steps.push(match edge {
                    Edge::Begin(number) => Step::Begin(&self.spans[number]),
                    Edge::End(number) => Step::End(&self.spans[number]),
                });
            }
            steps.extend(marks.map(Step::Mark));
            steps
        };
        tracks.into_iter().zip(marks_of).map(merged).collect()
    }
}

/// The lanes of an excerpt, in the order in which they came to be. Every span of the excerpt is in one of them; these others are
/// among them too.
pub(super) fn all(excerpt: &Excerpt<'_>, others: impl Iterator<Item = LaneId>) -> Vec<Lane> {
    let mut by_lane: HashMap<LaneId, Vec<Span>> = others.map(|lane| (lane, Vec::new())).collect();
    for span in excerpt.spans() {
        by_lane.entry(span.lane).or_default().push(span);
    }
    let mut lanes: Vec<Lane> = Vec::new();
    for lane in excerpt.lanes() {
        let spans = by_lane.remove(&lane.id).unwrap_or_default();
        lanes.push(Lane { name: lane.name.clone(), kind: Some(lane.kind), id: lane.id, spans });
    }
    // Lanes that ended before their spans, or that something is said of later, or whose begin is missing.
    let mut rest: Vec<(LaneId, Vec<Span>)> = by_lane.into_iter().collect();
    rest.sort_by_key(|lane| lane.0);
    for (id, spans) in rest {
        let record = excerpt.log().lane(id);
        let name = record.map_or_else(|| "?".into(), |record| record.name.clone());
        lanes.push(Lane { name, kind: record.map(|record| record.kind), id, spans });
    }
    lanes
}

fn end(span: &Span) -> Instant {
    (span.end, span.over.unwrap_or(if span.is_open { NEVER } else { LATER }))
}

/// Spans of one lane as pieces.
fn pieces(spans: &[Span]) -> Vec<Piece> {
    let numbers: HashMap<SpanId, usize> = spans.iter().enumerate().map(|(number, span)| (span.id, number)).collect();
    let piece = |span: &Span| {
        let within = span.parent.and_then(|parent| numbers.get(&parent).copied());
        Piece::new((span.begin, span.at), end(span), within)
    };
    spans.iter().map(piece).collect()
}

/// Where the calls of a lane were.
pub(super) struct Ran {
    /// On this thread first.
    pub(super) first: Arc<Thread>,
    /// And on others.
    is_on_others: bool,
}

/// Where the lanes of an excerpt ran, by lane; of async calls it is not known. Reads the log once.
pub(super) fn ran(excerpt: &Excerpt<'_>) -> HashMap<LaneId, Ran> {
    let mut ran: HashMap<LaneId, Ran> = HashMap::new();
    for (lane, thread) in excerpt.enters() {
        let ran = ran.entry(lane).or_insert_with(|| Ran { first: thread.clone(), is_on_others: false });
        ran.is_on_others |= ran.first.id != thread.id;
    }
    ran.retain(|lane, _| excerpt.log().lane(*lane).is_none_or(|lane| lane.kind.tells_runs()));
    ran
}

/// The polls of the lanes in which being open and being on a thread are two things, by lane: those of tasks, and those that gave
/// a thread away inside a call or ran on several. Of async calls they are not known. What a poll is within is told by its number in
/// the lane.
pub(super) fn polls(excerpt: &Excerpt<'_>, lanes: &[Lane], ran: &HashMap<LaneId, Ran>) -> HashMap<LaneId, Vec<Poll>> {
    let is_on_several = |lane: LaneId| ran.get(&lane).is_some_and(|ran| ran.is_on_others);
    let is_again = |span: &Span| excerpt.was_polled(span) || excerpt.stretches(span.id).nth(1).is_some();
    let is_wanted = |lane: &&Lane| match lane.kind {
        Some(LaneKind::Task) => true,
        Some(LaneKind::Async) => false,
        Some(LaneKind::Thread) | None => is_on_several(lane.id) || lane.spans.iter().any(is_again),
    };
    let wanted: HashSet<LaneId> = lanes.iter().filter(is_wanted).map(|lane| lane.id).collect();
    let mut by_lane: HashMap<LaneId, Vec<Poll>> = HashMap::new();
    let mut numbers: Vec<usize> = Vec::new();
    for poll in if wanted.is_empty() { Vec::new() } else { excerpt.polls(&wanted) } {
        let of_lane = by_lane.entry(poll.lane).or_default();
        numbers.push(of_lane.len());
        of_lane.push(Poll { within: poll.within.map(|within| numbers[within]), ..poll });
    }
    // That there were some before, and are none, is said too.
    for lane in lanes.iter().filter(|lane| lane.spans.iter().any(|span| excerpt.was_polled(span))) {
        by_lane.entry(lane.id).or_default();
    }
    by_lane
}

/// What is met on each of the tracks that polls of one lane take: at least one, more if they were on several threads at once.
pub(super) fn poll_steps(polls: &[Poll]) -> Vec<Vec<Step<'_>>> {
    let piece = |poll: &Poll| Piece::new((poll.begin, poll.at), (poll.end, poll.over.unwrap_or(NEVER)), poll.within);
    let step = |edge: Edge| match edge {
        Edge::Begin(number) => Step::BeginPoll(&polls[number]),
        Edge::End(number) => Step::EndPoll(&polls[number]),
    };
    let mut tracks = lay_out(&polls.iter().map(piece).collect::<Vec<_>>());
    tracks.resize(tracks.len().max(1), Vec::new());
    tracks.into_iter().map(|edges| edges.into_iter().map(step).collect()).collect()
}
