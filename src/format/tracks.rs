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
//! A slice is drawn inside another only where the span is inside the other in the log. What has the same time is in
//! the order of the log: on program time all that happened during a hold has the same.

use crate::trace::{Seq, Time};

/// A time, and the place in the log that tells what has the same time apart.
pub(super) type Instant = (Time, Seq);

/// Something to be laid on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    begin: Instant,
    end: Instant,
    /// The number of the piece it is inside of.
    within: Option<usize>,
}

impl Piece {
    /// From here to there, or without an extent if that would be backwards.
    pub(super) fn new(begin: Instant, end: Instant, within: Option<usize>) -> Self {
        Self { begin, end: end.max(begin), within }
    }
}

/// What is met on a track from its begin to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// The piece of this number begins.
    Begin(usize),
    /// The piece of this number ends: the one that has begun last of those that have not ended.
    End(usize),
}

impl Edge {
    /// When it is.
    pub(super) fn at(self, pieces: &[Piece]) -> Instant {
        match self {
            Self::Begin(number) => pieces[number].begin,
            Self::End(number) => pieces[number].end,
        }
    }
}

/// Lays pieces on as few tracks as it takes, looking at each once.
pub(super) fn lay_out(pieces: &[Piece]) -> Vec<Vec<Edge>> {
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
