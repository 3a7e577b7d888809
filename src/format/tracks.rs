//! Lanes as viewers of traces draw them: as tracks, on which slices nest.
//!
//! ```text
//!   lane     handle ├──────────────┤           a span that outlives the one around it cannot be drawn inside it:
//!              app    ├────┤                   it gets a further track of its lane, and what is inside it follows
//!              push      ├────────────┤
//!
//!   track 0  handle ├──────────────┤
//!              app    ├────┤
//!   track 1  push        ├────────────┤
//! ```
//!
//! A slice is inside another on its track if, and only if, the span is inside the other in the log. What has the same time is in
//! the order of the log: on program time all that happened during a hold has the same.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use super::marks::Mark;
use super::{Excerpt, Poll, Span};
use crate::trace::{LaneId, LaneKind, Seq, SpanId, Time};

/// A time, and the place in the log that tells what has the same time apart.
pub(super) type Instant = (Time, Seq);

/// What has not ended in the log.
const NEVER: Seq = Seq(u64::MAX);
/// What ends after the excerpt: before what does not end at all.
const LATER: Seq = Seq(u64::MAX - 1);

/// Something to be laid on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    begin: Instant,
    end: Instant,
    /// The number of the piece it is inside of.
    within: Option<usize>,
}

/// What is met on a track from its begin to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// The piece of this number begins.
    Begin(usize),
    /// The piece of this number ends: the one that has begun last of those that have not ended.
    End(usize),
}

impl Edge {
    /// When it is.
    fn at(self, pieces: &[Piece]) -> Instant {
        match self {
            Self::Begin(number) => pieces[number].begin,
            Self::End(number) => pieces[number].end,
        }
    }
}

/// Lays pieces on as few tracks as it takes, looking at each once.
fn lay_out(pieces: &[Piece]) -> Vec<Vec<Edge>> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|number| pieces[*number].begin);
    let mut tracks: Vec<Track> = Vec::new();
    let mut track_of: Vec<usize> = vec![0; pieces.len()];
    for number in order {
        let piece = &pieces[number];
        // Beside what it is inside of, or else on the first track that is free.
        let around = piece.within.map(|within| track_of[within]);
        let at = around.into_iter().chain(0..tracks.len()).find(|at| {
            let track = tracks.get_mut(*at);
            track.is_some_and(|track| {
                track.come_to(piece.begin, pieces);
                track.has_room(piece, pieces)
            })
        });
        let at = at.unwrap_or_else(|| {
            tracks.push(Track::default());
            tracks.len() - 1
        });
        track_of[number] = at;
        tracks[at].open.push(number);
        tracks[at].edges.push(Edge::Begin(number));
    }
    let rest = |mut track: Track| {
        track.edges.extend(track.open.iter().rev().map(|number| Edge::End(*number)));
        track.edges
    };
    tracks.into_iter().map(rest).collect()
}

/// A track that is being laid.
#[derive(Default)]
struct Track {
    edges: Vec<Edge>,
    /// Pieces that have not ended, outermost first.
    open: Vec<usize>,
}

impl Track {
    /// Ends what has ended by then.
    fn come_to(&mut self, at: Instant, pieces: &[Piece]) {
        while let Some(number) = self.open.pop_if(|number| pieces[*number].end <= at) {
            self.edges.push(Edge::End(number));
        }
    }

    fn has_room(&self, piece: &Piece, pieces: &[Piece]) -> bool {
        self.open.last().is_none_or(|top| piece.within == Some(*top) && piece.end <= pieces[*top].end)
    }
}

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
pub(super) fn lanes(excerpt: &Excerpt<'_>, others: impl Iterator<Item = LaneId>) -> Vec<Lane> {
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

/// The polls of the lanes in which being open and being on a thread are two things, by lane: those of tasks, and those that gave
/// a thread away inside a call. What a poll is within is told by its number in the lane.
pub(super) fn polls(excerpt: &Excerpt<'_>) -> HashMap<LaneId, Vec<Poll>> {
    let all = excerpt.polls();
    let mut seen: HashSet<SpanId> = HashSet::new();
    let is_task = |lane| excerpt.log().lane(lane).is_some_and(|lane| lane.kind == LaneKind::Task);
    let wanted: HashSet<LaneId> =
        all.iter().filter(|poll| !seen.insert(poll.span) || is_task(poll.lane)).map(|poll| poll.lane).collect();
    let mut by_lane: HashMap<LaneId, Vec<Poll>> = HashMap::new();
    let mut numbers: Vec<usize> = Vec::with_capacity(all.len());
    for poll in all {
        let of_lane = by_lane.entry(poll.lane).or_default();
        numbers.push(of_lane.len());
        of_lane.push(Poll { within: poll.within.map(|within| numbers[within]), ..poll });
    }
    by_lane.retain(|lane, _| wanted.contains(lane));
    by_lane
}

/// What is met on each of the tracks that polls of one lane take: more than one if they were on several threads at once.
pub(super) fn poll_steps(polls: &[Poll]) -> Vec<Vec<Step<'_>>> {
    let piece = |poll: &Poll| Piece::new((poll.begin, poll.at), (poll.end, poll.over.unwrap_or(NEVER)), poll.within);
    let step = |edge: Edge| match edge {
        Edge::Begin(number) => Step::BeginPoll(&polls[number]),
        Edge::End(number) => Step::EndPoll(&polls[number]),
    };
    let tracks = lay_out(&polls.iter().map(piece).collect::<Vec<_>>());
    tracks.into_iter().map(|edges| edges.into_iter().map(step).collect()).collect()
}

impl Piece {
    fn new(begin: Instant, end: Instant, within: Option<usize>) -> Self {
        Self { begin, end: end.max(begin), within }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of these begins and ends, and the numbers of those around them.
    fn pieces_of(of: &[(u64, u64, Option<usize>)]) -> Vec<Piece> {
        let place = |at: usize| Seq(at as u64);
        let piece = |(at, &(begin, end, within)): (usize, &(u64, u64, Option<usize>))| {
            Piece::new((Time(begin), Seq(at as u64)), (Time(end), place(100 + at)), within)
        };
        of.iter().enumerate().map(piece).collect()
    }

    /// Each track as a line: `0(1()) 2()`.
    #[track_caller]
    fn check(of: &[(u64, u64, Option<usize>)], expected: &[&str]) {
        let lines = lay_out(&pieces_of(of)).into_iter().map(|track| {
            let word = |edge: Edge| match edge {
                Edge::Begin(number) => format!("{number}("),
                Edge::End(_) => ")".to_owned(),
            };
            track.into_iter().map(word).collect::<String>()
        });
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn calls_that_nest_are_on_one_track() {
        check(&[], &[]);
        check(&[(0, 9, None), (1, 4, Some(0)), (2, 3, Some(1)), (5, 6, Some(0)), (10, 12, None)], &["0(1(2())3())4()"]);
    }

    #[test]
    fn what_outlives_the_call_around_it_has_a_track_of_its_own_with_what_is_inside_it() {
        check(&[(0, 4, None), (1, 3, Some(0)), (2, 9, Some(0)), (5, 6, Some(2))], &["0(1())", "2(3())"]);
    }

    #[test]
    fn calls_side_by_side_are_not_drawn_inside_each_other() {
        check(&[(0, 9, None), (1, 5, Some(0)), (2, 4, Some(0)), (6, 7, Some(0))], &["0(1()3())", "2()"]);
    }

    #[test]
    fn a_track_that_is_free_again_is_used_again() {
        check(&[(0, 9, None), (1, 5, None), (6, 8, None), (7, 9, None)], &["0()", "1()2()", "3()"]);
    }

    #[test]
    fn what_has_one_time_is_told_apart_by_its_place() {
        let piece = |begin, end, within| Piece::new((Time(5), Seq(begin)), (Time(5), Seq(end)), within);
        let tracks = lay_out(&[piece(0, 3, None), piece(1, 2, Some(0)), piece(4, 5, None)]);
        let edges = [Edge::Begin(0), Edge::Begin(1), Edge::End(1), Edge::End(0), Edge::Begin(2), Edge::End(2)];
        assert_eq!(tracks, [edges]);
    }

    proptest! {
        #[test]
        fn slices_nest_on_their_track_as_in_the_log_and_none_is_lost(
            of in prop::collection::vec((0..40_u64, 0..40_u64, prop::option::weighted(0.7, 0..60_usize)), 0..60),
        ) {
            let of: Vec<_> = of.iter().enumerate().map(|(at, &(begin, length, within))| {
                (begin, begin + length, within.filter(|_| at > 0).map(|within| within % at))
            }).collect();
            let pieces = pieces_of(&of);
            let mut begun = vec![0; pieces.len()];
            for track in lay_out(&pieces) {
                let mut open: Vec<usize> = Vec::new();
                let mut last = (Time(0), Seq(0));
                for edge in track {
                    prop_assert!(last <= edge.at(&pieces), "times on a track do not go back");
                    last = edge.at(&pieces);
                    match edge {
                        Edge::Begin(number) => {
                            prop_assert!(open.last().is_none_or(|top| pieces[number].within == Some(*top)));
                            begun[number] += 1;
                            open.push(number);
                        }
                        Edge::End(number) => prop_assert_eq!(open.pop(), Some(number)),
                    }
                }
                prop_assert!(open.is_empty());
            }
            prop_assert_eq!(begun, vec![1; pieces.len()]);
        }
    }
}
