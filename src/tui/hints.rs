//! Which keys the last line names, by what is on the screen. Keys and words are those of the table of commands.

/// What the next keys do, by id; a word of its own where the table's is too general here.
pub(super) type Hint = (&'static str, &'static str);

pub(super) const HELD: &[Hint] = &[
    ("into", ""),
    ("over", ""),
    ("out", ""),
    ("run-to-loop", ""),
    ("continue", ""),
    ("back", ""),
    ("moments", ""),
    ("event-loop", ""),
    ("request", ""),
    ("next-lane", ""),
    ("predict", ""),
    ("steps", ""),
    ("run-until", ""),
    ("break-here", ""),
    ("next-pane", ""),
    ("restart", ""),
    ("palette", ""),
    ("next-layout", ""),
];
pub(super) const FREE: &[Hint] = &[
    ("request", ""),
    ("pause", ""),
    ("back", ""),
    ("moments", ""),
    ("event-loop", ""),
    ("steps", ""),
    ("restart", ""),
    ("next-pane", ""),
    ("palette", ""),
    ("next-layout", ""),
];
/// Nothing of the program has come yet.
pub(super) const STARTING: &[Hint] = &[("steps", ""), ("restart", ""), ("palette", "")];
/// A file in which nothing is, or is yet.
pub(super) const NOTHING: &[Hint] = &[("steps", ""), ("palette", "")];
/// The program has run to its end.
pub(super) const ENDED: &[Hint] = &[
    ("back", ""),
    ("start", ""),
    ("play", ""),
    ("search", ""),
    ("statistics", ""),
    ("moments", ""),
    ("steps", ""),
    ("next-pane", ""),
    ("palette", ""),
];
pub(super) const PAST: &[Hint] = &[
    ("back", ""),
    ("forth", ""),
    ("live", ""),
    ("play", ""),
    ("go-to", ""),
    ("search", ""),
    ("call-forth", "next call"),
    ("lane-forth", ""),
    ("event-forth", "next event"),
    ("note", ""),
    ("moments", ""),
    ("event-loop", ""),
    ("next-pane", ""),
];
pub(super) const PLAYING: &[Hint] =
    &[("play", "pause"), ("slower", ""), ("faster", ""), ("reverse", ""), ("live", ""), ("start", ""), ("zoom-in", "")];
pub(super) const SEARCHED: &[Hint] = &[
    ("over", "next match"),
    ("previous-match", "before"),
    ("matches", "all"),
    ("search", "change"),
    ("close", "end the search"),
    ("critical-path", ""),
    ("play", ""),
];
pub(super) const GO_TO: &[Hint] = &[("toggle", "go there"), ("close", "")];
pub(super) const FIND: &[Hint] = &[("toggle", "list the matches"), ("close", "")];
pub(super) const MATCHES: &[Hint] = &[
    ("toggle", "go there"),
    ("up", ""),
    ("down", ""),
    ("search", "change"),
    ("critical-path", "its critical path"),
    ("close", ""),
];
pub(super) const NO_MATCHES: &[Hint] = &[("search", "change"), ("close", "end the search")];
pub(super) const STATISTICS: &[Hint] = &[
    ("toggle", "its calls"),
    ("right", "sort"),
    ("next-pane", "everything|window"),
    ("close", ""),
    ("up", ""),
    ("down", ""),
];
pub(super) const PATH: &[Hint] =
    &[("toggle", "go there"), ("next-pane", "call|window"), ("close", ""), ("up", ""), ("down", "")];
pub(super) const SCENES: &[Hint] =
    &[("up", ""), ("down", ""), ("toggle", "choose"), ("request", "the last again"), ("close", "")];
pub(super) const CLAIMS: &[Hint] = &[("toggle", "to the event"), ("up", ""), ("down", ""), ("close", "")];
pub(super) const NOTE: &[Hint] = &[("toggle", "mark"), ("close", "")];
pub(super) const NOTES: &[Hint] =
    &[("toggle", "go there"), ("note", "edit"), ("remove-note", ""), ("up", ""), ("down", ""), ("close", "")];
pub(super) const BREAKS: &[Hint] = &[
    ("break-here", "on|off"),
    ("break-add", "add"),
    ("break-edit", "change"),
    ("break-remove", "remove"),
    ("toggle", "to its last hit"),
    ("continue", ""),
    ("close", ""),
];
pub(super) const BREAK: &[Hint] = &[("toggle", "set it"), ("close", "")];
pub(super) const GUESS: &[Hint] = &[("up", ""), ("down", ""), ("toggle", "that, and step"), ("close", "")];
pub(super) const CHOOSE: &[Hint] =
    &[("up", ""), ("down", ""), ("toggle", "go there"), ("break-here", ""), ("close", "")];
pub(super) const RESTART: &[Hint] =
    &[("toggle", "start"), ("right", "another value"), ("down", "another row"), ("close", "")];
pub(super) const TYPE: &[Hint] = &[("toggle", "run"), ("close", "")];
pub(super) const READ: &[Hint] = &[("up", ""), ("down", ""), ("page-down", ""), ("close", "")];
pub(super) const COMPARE: &[Hint] =
    &[("close", ""), ("run-to-loop", ""), ("left", "moment before"), ("right", "after"), ("up", ""), ("down", "")];
pub(super) const AGAINST: &[Hint] = &[
    ("close", "the panes"),
    ("forth", ""),
    ("back", ""),
    ("event-forth", ""),
    ("event-back", ""),
    ("go-to", ""),
    ("up", ""),
    ("down", ""),
];
/// There is no event loop to look at.
pub(super) const ABSENT: &[Hint] = &[("close", "back to the panes"), ("palette", "")];
pub(super) const LOOP: &[Hint] = &[
    ("left", "turn before"),
    ("right", "next turn"),
    ("event-forth", "event"),
    ("close", ""),
    ("into", ""),
    ("request", ""),
    ("live", ""),
    ("event-back", ""),
    ("play", ""),
    ("run-to-loop", ""),
];
pub(super) const RECORDED: &[Hint] = &[
    ("back", ""),
    ("start", ""),
    ("play", ""),
    ("go-to", ""),
    ("search", ""),
    ("statistics", ""),
    ("critical-path", ""),
    ("note", ""),
    ("notes", ""),
    ("moments", ""),
    ("event-loop", ""),
    ("steps", ""),
    ("break-here", ""),
    ("next-pane", ""),
    ("zoom-pane", ""),
    ("palette", ""),
    ("next-layout", ""),
];
pub(super) const TIMES: &[Hint] = &[
    ("zoom-in", ""),
    ("zoom-out", ""),
    ("left", "earlier"),
    ("right", "later"),
    ("fit", ""),
    ("slice-forth", ""),
    ("slice-back", ""),
    ("range", ""),
    ("to-whom", ""),
    ("from-whom", ""),
    ("toggle", "play"),
    ("fold-lanes", ""),
    ("scrub-back", ""),
    ("scrub-forth", ""),
    ("back", ""),
    ("forth", ""),
    ("into", ""),
    ("zoom-pane", ""),
    ("next-pane", ""),
];
/// A line of many lanes is chosen.
pub(super) const GROUP: &[Hint] = &[
    ("toggle", "fold or unfold"),
    ("fold-lanes", "all"),
    ("up", ""),
    ("down", ""),
    ("zoom-in", ""),
    ("zoom-out", ""),
    ("left", "earlier"),
    ("right", "later"),
    ("next-pane", ""),
];
/// A range is being chosen, or is.
pub(super) const RANGE: &[Hint] = &[
    ("range", "end it, or another"),
    ("statistics", "its calls"),
    ("zoom-range", ""),
    ("close", "no range"),
    ("forth", ""),
    ("scrub-forth", ""),
    ("slice-forth", ""),
    ("zoom-in", ""),
    ("zoom-out", ""),
];
pub(super) const LESSON: &[Hint] =
    &[("up", ""), ("down", ""), ("answer", ""), ("zoom-pane", ""), ("into", ""), ("over", ""), ("next-pane", "")];
pub(super) const PALETTE: &[Hint] = &[("up", ""), ("down", ""), ("toggle", "run it"), ("close", "")];
pub(super) const COPY: &[Hint] = &[("up", ""), ("down", ""), ("toggle", "copy"), ("copy", "this frame"), ("close", "")];
pub(super) const ALWAYS: &[Hint] = &[("help", ""), ("quit", "")];
