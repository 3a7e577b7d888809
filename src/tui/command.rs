//! The one table of commands, and what is read off it: keys, help, the palette, the last line, the README's list.

use super::copy::Excerpt;
use super::layout::Preset;

/// What a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table of commands says what each does")]
pub enum Action {
    Into,
    Over,
    Out,
    NextLane,
    Continue,
    Pause,
    HitBack,
    Breakpoints,
    BreakHere,
    BreakAdd,
    BreakEdit,
    BreakRemove,
    RunToLoop,
    RunUntil,
    Steps,
    Back,
    Forth,
    ToStart,
    ToLive,
    EventForth,
    EventBack,
    CallForth,
    CallBack,
    LaneForth,
    LaneBack,
    SliceForth,
    SliceBack,
    ToWhom,
    FromWhom,
    Range,
    ZoomRange,
    FoldLanes,
    ScrubForth,
    ScrubBack,
    GoTo,
    Play,
    Predict,
    Claims,
    Walk,
    Class,
    Faster,
    Slower,
    Reverse,
    Search,
    Matches,
    PreviousMatch,
    Note,
    Notes,
    RemoveNote,
    NoteForth,
    NoteBack,
    Statistics,
    CriticalPath,
    Stop,
    Restart,
    Request,
    Moments,
    Against,
    EventLoop,
    TurnForth,
    TurnBack,
    Answer,
    NextPane,
    PreviousPane,
    ZoomPane,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Toggle,
    ZoomIn,
    ZoomOut,
    Earlier,
    Later,
    Fit,
    Palette,
    Copy,
    /// Copies one thing.
    CopyOne(Excerpt),
    NextLayout,
    /// Arranges the panes like this.
    Arrange(Preset),
    Larger,
    Smaller,
    ResetLayout,
    Help,
    Close,
    Quit,
    /// A letter for the prompt.
    Type(char),
    /// The prompt's last letter goes.
    Erase,
    /// A click at column and row.
    Click(u16, u16),
    /// A button with which a range is chosen goes down at column and row.
    Choose(u16, u16),
    /// The mouse at column and row, its button still down.
    Drag(u16, u16),
    /// The button goes up.
    Drop,
    /// The wheel at column and row; true is down.
    Wheel(u16, u16, bool),
    /// The wheel sideways at column and row; true is right.
    WheelAside(u16, u16, bool),
    /// The screen has a new size.
    Resize(u16, u16),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct CommandRow {
    /// A name that does not change with the keys.
    pub id: &'static str,
    /// Its keys, unless somebody has chosen others; the first is the one that is shown.
    pub keys: &'static [&'static str],
    /// Two or three words for the last line.
    pub label: &'static str,
    /// A sentence for help.
    pub doc: &'static str,
    /// The heading it stands under.
    pub group: &'static str,
    pub(super) action: Action,
}

const fn row(
    group: &'static str,
    id: &'static str,
    keys: &'static [&'static str],
    label: &'static str,
    action: Action,
    doc: &'static str,
) -> CommandRow {
    CommandRow { id, keys, label, doc, group, action }
}

const STEP: &str = "Step";
const LOOK: &str = "Look";
const TIME: &str = "Time";
const ASK: &str = "Ask";
const PROGRAM: &str = "Program";

/// Every command there is.
pub const COMMANDS: &[CommandRow] = &[
    row(STEP, "into", &["s"], "into", Action::Into, "To the next step, wherever it is: the paused lane goes first."),
    row(
        STEP,
        "over",
        &["n"],
        "over",
        Action::Over,
        "To the end of this call. Other lanes run meanwhile. With a search: to the next match.",
    ),
    row(
        STEP,
        "predict",
        &["P"],
        "guess",
        Action::Predict,
        "Guess what comes next, then take the step and see. The score is kept while the screen is open, and nowhere else.",
    ),
    row(
        STEP,
        "walk",
        &["W"],
        "walk",
        Action::Walk,
        "Let the walk go on by itself, a step every 3 seconds or what --step-every says; or stop that.",
    ),
    row(STEP, "out", &["o"], "out", Action::Out, "To the end of the call around this one."),
    row(
        STEP,
        "next-lane",
        &["t"],
        "next lane",
        Action::NextLane,
        "To another lane: one that is held, or the first that arrives.",
    ),
    row(
        STEP,
        "run-to-loop",
        &["r"],
        "to the loop",
        Action::RunToLoop,
        "Run until the loop starts; once it has started, until it serves.",
    ),
    row(STEP, "run-until", &["u"], "run until", Action::RunUntil, "Run until a step or a span whose name you type."),
    row(STEP, "steps", &["i"], "steps", Action::Steps, "The list of all steps and pages. Enter runs to a step."),
    row(
        STEP,
        "continue",
        &["c"],
        "continue",
        Action::Continue,
        "Let everybody run until a breakpoint, or until you say pause. In a recording: to the next hit of a breakpoint.",
    ),
    row(STEP, "pause", &["p"], "pause", Action::Pause, "Hold at the next step that anybody reaches."),
    row(
        STEP,
        "breakpoints",
        &["$"],
        "breakpoints",
        Action::Breakpoints,
        "The list of breakpoints: where a run stops by itself, and how often each was hit. Enter goes to the last hit.",
    ),
    row(
        STEP,
        "break-here",
        &["!", "f9"],
        "breakpoint",
        Action::BreakHere,
        "Set a breakpoint on the selected frame or step, or remove it; in the list: on or off. A click left of the frame too.",
    ),
    row(
        STEP,
        "break-add",
        &["@"],
        "add a breakpoint",
        Action::BreakAdd,
        "Type a breakpoint: step:spawn, name: target: lane: file: or field.size>4096, as it is when the call begins; #3 is the third hit.",
    ),
    row(
        STEP,
        "break-edit",
        &["#"],
        "change it",
        Action::BreakEdit,
        "In the list of breakpoints: change the selected one, such as at which hit it stops: #3, #3+ or #%3.",
    ),
    row(
        STEP,
        "break-remove",
        &["delete"],
        "remove it",
        Action::BreakRemove,
        "In the list of breakpoints: remove the selected one.",
    ),
    row(
        TIME,
        "hit-back",
        &["Z"],
        "hit before",
        Action::HitBack,
        "Back to the last hit of a breakpoint before the cursor.",
    ),
    row(TIME, "back", &["b"], "back", Action::Back, "One step back in the recording. The program stays where it is."),
    row(TIME, "forth", &["f"], "forth", Action::Forth, "One step forth in the recording."),
    row(TIME, "event-forth", &["e"], "event", Action::EventForth, "To the next event, whatever it is."),
    row(TIME, "event-back", &["E"], "event back", Action::EventBack, "To the event before."),
    row(TIME, "call-forth", &["d"], "call", Action::CallForth, "To where a call begins or ends next: a stack changes."),
    row(TIME, "call-back", &["D"], "call back", Action::CallBack, "To where a call began or ended before."),
    row(TIME, "lane-forth", &["L"], "in this lane", Action::LaneForth, "To the next event of the selected lane."),
    row(TIME, "lane-back", &["H"], "back in this lane", Action::LaneBack, "To the event before in the selected lane."),
    row(
        TIME,
        "turn-forth",
        &["}"],
        "next turn",
        Action::TurnForth,
        "To the end of this turn of the event loop; from there to the end of the next.",
    ),
    row(TIME, "turn-back", &["{"], "turn before", Action::TurnBack, "To the end of the turn before."),
    row(
        TIME,
        "slice-forth",
        &["."],
        "next slice",
        Action::SliceForth,
        "To the next call of the lane, as deep as the selected one.",
    ),
    row(
        TIME,
        "slice-back",
        &[","],
        "slice before",
        Action::SliceBack,
        "To the call before in the lane, as deep as the selected one.",
    ),
    row(
        TIME,
        "to-whom",
        &[";"],
        "to whom",
        Action::ToWhom,
        "Along the next switch or wake of the lane, to the lane that it was given to.",
    ),
    row(
        TIME,
        "from-whom",
        &["'"],
        "from whom",
        Action::FromWhom,
        "Back along the last switch or wake, to the lane that it came from.",
    ),
    row(
        TIME,
        "go-to",
        &["T"],
        "go to",
        Action::GoTo,
        "To a time, a share, a span, an event, a note, or a call you name.",
    ),
    row(TIME, "note-forth", &["I"], "next note", Action::NoteForth, "To the next place that has a note or a bookmark."),
    row(
        TIME,
        "note-back",
        &["U"],
        "note before",
        Action::NoteBack,
        "To the place before that has a note or a bookmark.",
    ),
    row(TIME, "scrub-forth", &[")"], "1 % later", Action::ScrubForth, "The cursor 1 % of the timeline's window later."),
    row(
        TIME,
        "scrub-back",
        &["("],
        "1 % earlier",
        Action::ScrubBack,
        "The cursor 1 % of the timeline's window earlier.",
    ),
    row(TIME, "play", &["V"], "play", Action::Play, "Let the recording run on from the cursor, or stop it there."),
    row(TIME, "faster", &["]"], "faster", Action::Faster, "Play ten times faster."),
    row(TIME, "slower", &["["], "slower", Action::Slower, "Play ten times slower."),
    row(TIME, "reverse", &["v"], "backwards", Action::Reverse, "Play in the other direction."),
    row(TIME, "start", &["home"], "first event", Action::ToStart, "To the beginning of the recording."),
    row(TIME, "live", &["end", "G"], "live", Action::ToLive, "Back to now."),
    row(TIME, "zoom-in", &["+", "="], "zoom in", Action::ZoomIn, "Show less of the timeline, larger."),
    row(TIME, "zoom-out", &["-"], "zoom out", Action::ZoomOut, "Show more of the timeline."),
    row(TIME, "earlier", &["<"], "earlier", Action::Earlier, "Move the timeline's window to earlier times."),
    row(TIME, "later", &[">"], "later", Action::Later, "Move the timeline's window to later times."),
    row(TIME, "fit", &["0"], "fit", Action::Fit, "Fit the start-up into the timeline, and follow what happens."),
    row(
        TIME,
        "range",
        &["x"],
        "range",
        Action::Range,
        "Begin a range of time at the cursor, or end it there: its calls are counted, `S` lists them. Shift-drag does it too.",
    ),
    row(TIME, "zoom-range", &["X"], "zoom to range", Action::ZoomRange, "Let the chosen range fill the timeline."),
    row(
        TIME,
        "fold-lanes",
        &["F"],
        "fold lanes",
        Action::FoldLanes,
        "Fold lanes of a kind, such as conn-1 to conn-500, into a line each, or unfold them. Enter does it with one.",
    ),
    row(
        ASK,
        "search",
        &["/"],
        "search",
        Action::Search,
        "Search calls by name, target, lane, field and time. Enter lists the matches.",
    ),
    row(ASK, "matches", &["m"], "matches", Action::Matches, "The list of matches, each with the calls around it."),
    row(
        ASK,
        "previous-match",
        &["N"],
        "match before",
        Action::PreviousMatch,
        "With a search: to the match before; `n` goes to the next, `esc` ends the search.",
    ),
    row(
        ASK,
        "statistics",
        &["S"],
        "statistics",
        Action::Statistics,
        "How often each call was made and how long it took: of everything, of the chosen range, or of the timeline's window.",
    ),
    row(
        ASK,
        "note",
        &["J"],
        "note",
        Action::Note,
        "Mark this place and the selected call, with a line of text or none. It is kept in the recording. Again edits it.",
    ),
    row(ASK, "notes", &["O"], "notes", Action::Notes, "The list of notes and bookmarks. Enter goes there."),
    row(
        ASK,
        "remove-note",
        &["backspace"],
        "remove",
        Action::RemoveNote,
        "Remove the note at the cursor, or the selected one of the list.",
    ),
    row(
        ASK,
        "claims",
        &["A"],
        "claims",
        Action::Claims,
        "Every claim of every page, as this run has it so far. Enter goes to the event that decides it.",
    ),
    row(
        ASK,
        "critical-path",
        &["C"],
        "critical path",
        Action::CriticalPath,
        "What had to be waited for, through all lanes, until the selected call was over.",
    ),
    row(
        LOOK,
        "moments",
        &["B"],
        "before/after",
        Action::Moments,
        "The stacks before, during and after the loop starts, side by side.",
    ),
    row(
        LOOK,
        "against",
        &["|"],
        "A | B",
        Action::Against,
        "The stacks of this recording and of the one after --against, side by side at the same call. Moves go on there.",
    ),
    row(
        LOOK,
        "event-loop",
        &["w"],
        "event loop",
        Action::EventLoop,
        "The event loop: poll, watchers, ready callbacks and pool, and its turns; left and right go from turn to turn.",
    ),
    row(LOOK, "answer", &["a"], "answer", Action::Answer, "Show or hide the answer to the lesson's question."),
    row(LOOK, "next-pane", &["tab"], "next pane", Action::NextPane, "Give the keys to the next pane."),
    row(
        LOOK,
        "previous-pane",
        &["shift-tab"],
        "previous pane",
        Action::PreviousPane,
        "Give the keys to the previous pane.",
    ),
    row(
        LOOK,
        "zoom-pane",
        &["z"],
        "zoom",
        Action::ZoomPane,
        "Let the pane that has the keys fill the screen, or no longer.",
    ),
    row(
        LOOK,
        "next-layout",
        &["M"],
        "layout",
        Action::NextLayout,
        "Another layout: lesson, stack, timeline, loop, code. It is remembered.",
    ),
    row(
        LOOK,
        "layout-lesson",
        &[],
        "layout lesson",
        Action::Arrange(Preset::Lesson),
        "Everything at once, the page beside the stack.",
    ),
    row(
        LOOK,
        "layout-stack",
        &[],
        "layout stack",
        Action::Arrange(Preset::Stack),
        "The stacks of all lanes in full height.",
    ),
    row(
        LOOK,
        "layout-timeline",
        &[],
        "layout timeline",
        Action::Arrange(Preset::Timeline),
        "The timeline has most of the screen.",
    ),
    row(LOOK, "layout-loop", &[], "layout loop", Action::Arrange(Preset::Loop), "The picture of the event loop."),
    row(LOOK, "layout-code", &[], "layout code", Action::Arrange(Preset::Code), "The source text in full height."),
    row(
        LOOK,
        "larger",
        &["*", "ctrl-up"],
        "larger",
        Action::Larger,
        "More room for the pane that has the keys. A border is also dragged by mouse. Remembered for this size of screen.",
    ),
    row(LOOK, "smaller", &["_", "ctrl-down"], "smaller", Action::Smaller, "Less room for the pane that has the keys."),
    row(
        LOOK,
        "reset-layout",
        &[],
        "reset layout",
        Action::ResetLayout,
        "Put the borders of this layout back to where they were at first.",
    ),
    row(LOOK, "up", &["up", "k"], "up", Action::Up, "Up: select the frame above, scroll."),
    row(LOOK, "down", &["down", "j"], "down", Action::Down, "Down: select the frame below, scroll."),
    row(LOOK, "left", &["left", "h"], "left", Action::Left, "Left: fold a lane, move the timeline, the moment before."),
    row(
        LOOK,
        "right",
        &["right", "l"],
        "right",
        Action::Right,
        "Right: unfold a lane, move the timeline, the moment after.",
    ),
    row(LOOK, "page-up", &["pageup"], "page up", Action::PageUp, "Ten rows up."),
    row(LOOK, "page-down", &["pagedown"], "page down", Action::PageDown, "Ten rows down."),
    row(
        LOOK,
        "toggle",
        &["enter", "space"],
        "fold",
        Action::Toggle,
        "Fold or unfold a lane, show the frames that were cut, accept.",
    ),
    row(
        ASK,
        "copy",
        &["y"],
        "copy",
        Action::Copy,
        "Copy a frame, a stack or a page's claims to the terminal's clipboard, also over ssh. `y` again copies the frame.",
    ),
    row(
        ASK,
        "copy-frame",
        &[],
        "copy frame",
        Action::CopyOne(Excerpt::Frame),
        "Copy the selected frame: name, file and line, fields.",
    ),
    row(ASK, "copy-stack", &[], "copy stack", Action::CopyOne(Excerpt::Stack), "Copy the stack of the selected lane."),
    row(
        ASK,
        "copy-stacks",
        &[],
        "copy all stacks",
        Action::CopyOne(Excerpt::Stacks),
        "Copy the stacks of all lanes that are not over.",
    ),
    row(
        ASK,
        "copy-claims",
        &[],
        "copy claims",
        Action::CopyOne(Excerpt::Claims),
        "Copy what is claimed on the lesson's page, with what this run shows of it.",
    ),
    row(
        LOOK,
        "palette",
        &[":"],
        "commands",
        Action::Palette,
        "Find a command by what it does or is called, and run it. A place does too, such as 50% or +10us.",
    ),
    row(
        LOOK,
        "class",
        &["K"],
        "for a class",
        Action::Class,
        "One idea on the screen, large, with the chain as a checklist beside it; or all panes again.",
    ),
    row(LOOK, "help", &["?"], "help", Action::Help, "This list."),
    row(LOOK, "close", &["esc"], "close", Action::Close, "Close what is open on top; back from a zoomed pane."),
    row(
        PROGRAM,
        "request",
        &["g"],
        "be a client",
        Action::Request,
        "Let a client inside the program send something, to step through the answer: a menu. `g` again repeats the last.",
    ),
    row(
        PROGRAM,
        "stop",
        &["Q"],
        "stop the server",
        Action::Stop,
        "Ask the server to stop, as ctrl-c in its terminal does, and step through that too. Its record stays.",
    ),
    row(
        PROGRAM,
        "restart",
        &["R"],
        "restart",
        Action::Restart,
        "Stop the server and start it again at its first step, with other settings if you like.",
    ),
    row(PROGRAM, "quit", &["q", "ctrl-c"], "quit", Action::Quit, "Let everybody go and leave."),
];

/// The row with this id.
pub(super) fn command(id: &str) -> Option<&'static CommandRow> {
    COMMANDS.iter().find(|row| row.id == id)
}

/// The groups, in the order of the table's first mention.
pub const GROUPS: [&str; 5] = [STEP, TIME, ASK, LOOK, PROGRAM];

/// The keys as a Markdown table, for the README.
#[must_use]
pub fn markdown_table() -> String {
    let mut out = String::from("| key | does |\n|---|---|\n");
    for group in GROUPS {
        for row in COMMANDS.iter().filter(|row| row.group == group) {
            let mut keys: Vec<String> = row.keys.iter().map(|key| format!("`{key}`")).collect();
            if keys.is_empty() {
                keys.push(format!("`:{}`", row.id));
            }
            out.push_str(&format!("| {} | {} |\n", keys.join(" "), row.doc));
        }
    }
    out
}

/// The action of a row of the table.
#[cfg(test)]
pub(super) fn nth_action(at: usize) -> Action {
    COMMANDS[at].action
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings() {
        let mut seen = std::collections::HashMap::new();
        for row in COMMANDS {
            for key in row.keys {
                assert_eq!(seen.insert(key, row.id), None, "`{key}` means two things");
            }
        }
    }

    #[test]
    fn the_readme_table_has_a_row_per_command() {
        assert_eq!(markdown_table().lines().count(), COMMANDS.len() + 2);
    }
}
