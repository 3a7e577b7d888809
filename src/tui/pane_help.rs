//! What works in each pane: the first thing that help shows.

use super::layout::Pane;

/// Commands by id, and what they do in this pane.
type Entry = (&'static [&'static str], &'static str);

/// What a pane is called in help, and the question it answers.
pub(super) fn title(pane: Pane) -> (&'static str, &'static str) {
    match pane {
        Pane::Stack => ("Call stack", "who is where?"),
        Pane::Lesson => ("Lesson", "what does this step do, and is the report right?"),
        Pane::Source => ("Source", "what code is that?"),
        Pane::Fields => ("Fields", "with which values?"),
        Pane::Timeline => ("Timeline", "when?"),
    }
}

/// What works in a pane, the most used first.
pub(super) fn entries(pane: Pane) -> &'static [Entry] {
    match pane {
        Pane::Stack => &[
            (&["up", "down"], "select a frame or a lane; fields, source and page follow"),
            (&["left", "right"], "fold the lane, unfold it"),
            (&["toggle"], "fold or unfold; show the frames that were cut, the lanes that are done"),
            (&["lane-back", "lane-forth"], "to the event before, the event after in the selected lane"),
            (&["break-here"], "set a breakpoint on the frame, or remove it; a click left of it does too"),
            (&["critical-path"], "what had to be waited for until the selected call was over"),
            (&["copy"], "copy the frame or the stack"),
            (&["note", "notes"], "mark this place and the selected call; all that is marked"),
        ],
        Pane::Lesson => &[
            (&["up", "down"], "scroll"),
            (&["page-up", "page-down"], "scroll by ten rows"),
            (&["answer", "toggle"], "show the answer, hide it"),
            (&["steps"], "all steps and pages"),
            (&["break-here"], "set a breakpoint on the step, or remove it"),
            (&["copy"], "copy the claims, with what this run shows"),
        ],
        Pane::Source => &[
            (&["up", "down"], "scroll; the next selection scrolls back"),
            (&["page-up", "page-down"], "scroll by ten rows"),
        ],
        Pane::Fields => &[
            (&["up", "down"], "scroll"),
            (&["page-up", "page-down"], "scroll by ten rows"),
            (&["copy"], "copy the frame with its fields"),
        ],
        Pane::Timeline => &[
            (&["zoom-in", "zoom-out", "fit"], "show less, show more, fit and follow"),
            (&["left", "right"], "earlier, later"),
            (&["up", "down"], "the lane above, the lane below"),
            (&["slice-back", "slice-forth"], "the call before in the lane, the next"),
            (&["from-whom", "to-whom"], "along a switch or a wake, back and forth"),
            (&["range", "zoom-range", "fold-lanes"], "choose a range, zoom to it; fold lanes of a kind"),
            (&["scrub-back", "scrub-forth"], "the cursor a little earlier, later; the mouse drags it"),
            (&["toggle"], "fold or unfold a group; else play the recording, or pause"),
            (&["note-back", "note-forth"], "the place before that is marked, the next"),
            (&["start", "live"], "to the beginning, back to now"),
        ],
    }
}

/// What works in the picture of the event loop, which takes the place of the panes.
pub(super) const LOOP: &[Entry] = &[
    (&["left", "right"], "to the turn before, to the next turn"),
    (&["page-up", "page-down"], "by many turns"),
    (&["event-loop", "close"], "back to the panes"),
    (&["palette"], "find any command by its name or what it does"),
];

/// What works while the screen is that for a class.
pub(super) const CLASS: &[Entry] = &[
    (&["into", "back", "forth"], "the next step, and to and fro in what has been"),
    (&["predict"], "guess what comes next, then take the step"),
    (&["walk"], "let the walk go on by itself, or stop it"),
    (&["answer"], "show the answer, hide it"),
    (&["up", "down"], "scroll"),
    (&["class"], "all panes again"),
    (&["palette"], "find any command by its name or what it does"),
];

/// What works in all of them.
pub(super) const EVERYWHERE: &[Entry] = &[
    (&["larger", "smaller", "zoom-pane"], "more room, less room, all of the screen"),
    (&["next-pane", "next-layout"], "the next pane, the next layout"),
    (&["palette"], "find any command by its name or what it does"),
];

#[cfg(test)]
mod tests {
    use super::super::command::command;
    use super::*;

    #[test]
    fn every_entry_is_of_commands() {
        for (ids, _) in Pane::ALL.into_iter().flat_map(entries).chain(EVERYWHERE).chain(LOOP).chain(CLASS) {
            assert!(ids.iter().all(|id| command(id).is_some()), "{ids:?}");
        }
    }
}
