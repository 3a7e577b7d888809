//! The table of commands: what can be typed, what it does, and how little of it is enough.

use super::{Answer, Lines, Prompt};

/// A command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Enough to type although other commands begin so too: the keys of the screens.
    short: &'static str,
    arguments: &'static str,
    doc: &'static str,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Step,
    Over,
    Out,
    NextLane,
    RunTo,
    Continue,
    Pause,
    Break,
    Breaks,
    Delete,
    Enable,
    Disable,
    Wait,
    Restart,
    Client,
    Stop,
    Guess,
    Where,
    Stack,
    Fields,
    Source,
    Lesson,
    Page,
    Answer,
    Why,
    Claims,
    Steps,
    Timeline,
    Loop,
    ToWhom,
    FromWhom,
    BeforeAfter,
    Events,
    Search,
    Stats,
    Path,
    Back,
    Forth,
    GoTo,
    Note,
    Notes,
    Help,
    Quit,
}

const fn row(name: &'static str, short: &'static str, arguments: &'static str, what: What, doc: &'static str) -> Row {
    Row { name, short, arguments, doc, what }
}

/// Every command there is, in the order of the help.
const COMMANDS: &[Row] = &[
    row("step", "s", "[TIMES]", What::Step, "to the next beginning or end of a call, in whichever lane"),
    row("over", "n", "", What::Over, "to the end of this call"),
    row("out", "o", "", What::Out, "to the end of the call around this one"),
    row("next-lane", "", "", What::NextLane, "to another lane"),
    row("run-to", "r", "STEP|loop|serves|call NAME", What::RunTo, "on until a step begins, or the loop does"),
    row(
        "continue",
        "c",
        "[back]",
        What::Continue,
        "on until a breakpoint, or without a stop; in a recording to the next hit, or to its end; back looks at the hit before",
    ),
    row("pause", "p", "", What::Pause, "hold the program at its next call"),
    row(
        "break",
        "",
        "QUERY",
        What::Break,
        "stop where a call begins, such as break step:spawn, break name:emit lane:conn or break field.size>4096 #3 for the \
         third hit; fields count as they are then",
    ),
    row("breaks", "$", "", What::Breaks, "the breakpoints, and how often each was hit"),
    row("delete", "", "NUMBER", What::Delete, "remove a breakpoint"),
    row("enable", "", "NUMBER", What::Enable, "turn a breakpoint on"),
    row("disable", "", "NUMBER", What::Disable, "turn a breakpoint off"),
    row("wait", "", "", What::Wait, "wait some more for the next stop"),
    row("client", "g", "KIND", What::Client, "let a client of the program do something; alone it lists what"),
    row(
        "stop",
        "",
        "",
        What::Stop,
        "ask the server to stop; it is held at every step of that too, and its record stays",
    ),
    row(
        "restart",
        "R",
        "[thread|block] [slow DURATION]",
        What::Restart,
        "stop the server and hold it at its first call",
    ),
    row(
        "guess",
        "P",
        "[NUMBER]",
        What::Guess,
        "what may come next; with the number of an answer, take the step and see",
    ),
    row("where", "", "", What::Where, "where we are, and the address of the server"),
    row("stack", "", "[LANE|all]", What::Stack, "the calls of this lane, or of another, innermost first"),
    row("fields", "", "[CALL|#NUMBER]", What::Fields, "what this call recorded, or another that is named"),
    row("source", "", "", What::Source, "the function in its file"),
    row(
        "lesson",
        "l",
        "[STEP|PAGE]",
        What::Lesson,
        "what the report says of this step, what is true, and what this run shows",
    ),
    row("page", "", "[STEP|PAGE]", What::Page, "the whole text of a lesson"),
    row("answer", "a", "", What::Answer, "the answer to the question of the lesson read last"),
    row("why", "", "CLAIM", What::Why, "what decides a claim, such as 14.2; lesson numbers them"),
    row("claims", "A", "[all]", What::Claims, "how the claims of all lessons stand; all says it of each"),
    row("steps", "i", "", What::Steps, "the steps of the chain, and which of them have run"),
    row("timeline", "t", "[LANE] [all]", What::Timeline, "when each lane began and what it did, or the calls of one"),
    row(
        "loop",
        "w",
        "[next|before]",
        What::Loop,
        "the event loop: poll, watchers, who is ready, the pool, its turns; next and before go from turn to turn",
    ),
    row("to-whom", ";", "", What::ToWhom, "look at where this lane next passes control or wakes another, and go along"),
    row("from-whom", "'", "", What::FromWhom, "look at where this lane last was given control or woken, and by whom"),
    row("before-after", "B", "", What::BeforeAfter, "the stacks before, during and after the start of the loop"),
    row("events", "e", "[COUNT] [LANE]", What::Events, "the last events, of a lane or of all, one a line"),
    row(
        "search",
        "/",
        "[QUERY]",
        What::Search,
        "calls that match, such as name:spawn dur>1ms lane:hub; alone, more of them",
    ),
    row(
        "stats",
        "S",
        "[FROM TO] [all]",
        What::Stats,
        "how often each call was made, and how long it took; between two places, such as stats loop serves or stats 1ms 3ms",
    ),
    row("path", "C", "[CALL]", What::Path, "what had to be waited for until this call was over"),
    row("back", "b", "[TIMES]", What::Back, "look back to where the call before began or ended"),
    row("forth", "f", "[TIMES]", What::Forth, "look forth again"),
    row(
        "goto",
        ":",
        "PLACE",
        What::GoTo,
        "look at 1.2ms, +10us, 50%, #12 (a call), @340 (an event), note 2, loop, serves, end",
    ),
    row("note", "J", "[TEXT]", What::Note, "mark this place, with a text or none; again changes the text"),
    row("notes", "O", "[all|remove N]", What::Notes, "what is marked, or remove one; goto note 2 goes to the second"),
    row("help", "?", "[COMMAND|WORD]", What::Help, "the commands, one of them, or those that have to do with a word"),
    row("quit", "q", "", What::Quit, "leave; a server is stopped"),
];

impl Prompt<'_> {
    /// Does what a line says. Nothing says goodbye.
    pub(super) fn obey(&mut self, line: &str) -> Option<Answer> {
        // `/query` and `:place` need no blank.
        let (word, rest) = match line.strip_prefix(['/', ':']) {
            Some(rest) => (&line[..1], rest),
            None => line.split_once(char::is_whitespace).unwrap_or((line, "")),
        };
        let rest = rest.trim();
        let row = match find(word) {
            Ok(row) => row,
            Err(why) => return Some(Err(why)),
        };
        if row.arguments.is_empty() && !rest.is_empty() {
            return Some(Err(format!("`{}` takes nothing behind it, and there is `{rest}`", row.name)));
        }
        Some(match row.what {
            What::Step => self.times(rest, Self::step),
            What::Over => self.over(),
            What::Out => self.out(),
            What::NextLane => self.next_lane(),
            What::RunTo => self.run_to(rest),
            What::Continue => self.go_on(rest),
            What::Pause => self.pause(),
            What::Break if rest.is_empty() => self.list_breaks(),
            What::Break => self.set_break(rest),
            What::Breaks => self.list_breaks(),
            What::Delete => self.delete_break(rest),
            What::Enable => self.turn_break(rest, true),
            What::Disable => self.turn_break(rest, false),
            What::Wait => self.wait(),
            What::Client => self.client(rest),
            What::Stop => self.stop(),
            What::Guess => self.guess(rest),
            What::Restart => self.restart(rest),
            What::Where => Ok(self.where_we_are()),
            What::Stack => self.stack(rest),
            What::Fields => self.fields(rest),
            What::Source => self.source(),
            What::Lesson => self.lesson(rest),
            What::Page => self.page_text(rest),
            What::Answer => self.lesson_answer(),
            What::Why => self.why(rest),
            What::Claims => self.claims(rest),
            What::Steps => Ok(self.steps()),
            What::Timeline => self.timeline(rest),
            What::Loop => self.event_loop(rest),
            What::ToWhom => self.go_to_whom(),
            What::FromWhom => self.go_from_whom(),
            What::BeforeAfter => self.before_after(),
            What::Events => self.events(rest),
            What::Search => self.search(rest),
            What::Stats => self.stats(rest),
            What::Path => self.path(rest),
            What::Back => self.times(rest, |prompt| prompt.look(false)),
            What::Forth => self.times(rest, |prompt| prompt.look(true)),
            What::GoTo => self.go_to(rest),
            What::Note => self.note(rest),
            What::Notes => self.notes(rest),
            What::Help => help(rest),
            What::Quit => match self.may_leave("quit") {
                Ok(()) => return None,
                Err(why) => Err(why),
            },
        })
    }

    /// Does something so many times, or until it cannot be done, and says where that has led.
    fn times(&mut self, count: &str, mut once: impl FnMut(&mut Self) -> Answer) -> Answer {
        let count = if count.is_empty() { 1 } else { number(count)? };
        let mut lines = Lines::new();
        for _ in 0..count.max(1) {
            let before = (self.cursor(), self.log.len());
            match once(self) {
                Ok(now) => lines = now,
                Err(why) if lines.is_empty() => return Err(why),
                // As far as it goes.
                Err(_) => break,
            }
            if before == (self.cursor(), self.log.len()) {
                break;
            }
        }
        Ok(lines)
    }
}

/// A whole number.
pub(super) fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is no number; write one, such as 5"))
}

/// The command that a word is, or is the beginning of.
pub(super) fn find(word: &str) -> Result<&'static Row, String> {
    let exact = COMMANDS.iter().find(|row| row.name == word || (!row.short.is_empty() && row.short == word));
    let lower = word.to_lowercase();
    let begin: Vec<&Row> = COMMANDS.iter().filter(|row| row.name.starts_with(&lower)).collect();
    match (exact, &begin[..]) {
        (Some(row), _) => Ok(row),
        (None, [row]) => Ok(*row),
        (None, []) => Err(format!("there is no command `{word}`; help lists them")),
        (None, several) => {
            // The whole name of one may be the beginning of another.
            if let Some(row) = several.iter().find(|row| row.name == lower) {
                return Ok(row);
            }
            let names: Vec<&str> = several.iter().map(|row| row.name).collect();
            Err(format!("`{word}` may be {}; write more of it", names.join(", ")))
        }
    }
}

fn usage(row: &Row) -> String {
    let short = if row.short.is_empty() { String::new() } else { format!(" or {}", row.short) };
    let arguments = if row.arguments.is_empty() { String::new() } else { format!(" {}", row.arguments) };
    format!("{}{short}{arguments}: {}", row.name, row.doc)
}

fn help(word: &str) -> Answer {
    if !word.is_empty() {
        return match find(word) {
            Ok(row) => Ok(vec![format!("{}.", usage(row))]),
            Err(why) => {
                let about = |row: &&Row| usage(row).to_lowercase().contains(&word.to_lowercase());
                let found: Lines = COMMANDS.iter().filter(about).map(|row| format!("{}.", usage(row))).collect();
                if found.is_empty() { Err(why) } else { Ok(found) }
            }
        };
    }
    let mut lines: Lines = COMMANDS.iter().map(|row| format!("{}.", usage(row))).collect();
    lines.push("The beginning of a name is enough where no other begins so. An empty line repeats.".to_owned());
    lines.push("A line that begins with two blanks goes on from the one before.".to_owned());
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_is_enough_where_no_other_begins_so() {
        #[track_caller]
        fn check(word: &str, expected: Result<&str, &str>) {
            let found = find(word).map(|row| row.name);
            assert_eq!(found, expected.map_err(str::to_owned).as_ref().map(|name| *name).map_err(Clone::clone));
        }
        check("step", Ok("step"));
        check("s", Ok("step"));
        check("S", Ok("stats"));
        check("STACK", Ok("stack"));
        check("steps", Ok("steps"));
        check("next", Ok("next-lane"));
        check("before", Ok("before-after"));
        check("B", Ok("before-after"));
        check("b", Ok("back"));
        check("sea", Ok("search"));
        check("st", Err("`st` may be step, stop, stack, steps, stats; write more of it"));
        check("jump", Err("there is no command `jump`; help lists them"));
    }

    #[test]
    fn no_two_commands_have_one_name() {
        let names = COMMANDS.iter().flat_map(|row| [row.name, row.short]).filter(|name| !name.is_empty());
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
