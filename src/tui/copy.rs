//! Copying: a frame, a stack, all stacks or a page's claims as text, for the clipboard of the terminal.
//!
//! The text goes out by OSC 52, which terminals also take over ssh. Nothing comes back: whether a terminal heeds it cannot
//! be known, so what is said is what was sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::command::Action;
use super::draw::{framed, inside, put_lines};
use super::fields;
use super::lists::chosen;
use super::overlay::{Overlay, centred};
use super::stack::{self, RowId};
use super::text::{count, pad, width};
use super::theme::Role;
use super::ui::{Effect, Ui};
use crate::lesson::{Author, Outcome, Verdict};
use crate::trace::{Frame, Lane};

/// The most bytes of text that are sent: 100,000 in base64, which is where the strictest of the terminals in use stops.
const LIMIT: usize = 74_994;

/// What can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excerpt {
    /// The selected frame: name, place, fields.
    Frame,
    /// The stack of the selected lane.
    Stack,
    /// The stacks of all lanes.
    Stacks,
    /// What is claimed on the page that is shown, and what this run says of it.
    Claims,
}

impl Excerpt {
    const ALL: [Self; 4] = [Self::Frame, Self::Stack, Self::Stacks, Self::Claims];

    fn name(self) -> &'static str {
        match self {
            Self::Frame => "this frame",
            Self::Stack => "this stack",
            Self::Stacks => "all stacks",
            Self::Claims => "the claims",
        }
    }

    fn doc(self) -> &'static str {
        match self {
            Self::Frame => "name, file and line, fields",
            Self::Stack => "the open calls of the lane, innermost first",
            Self::Stacks => "of every lane that is not over",
            Self::Claims => "of the lesson's page, with what this run shows",
        }
    }
}

/// Who stands between these screens and the clipboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clipboard {
    /// The terminal itself.
    #[default]
    Terminal,
    /// tmux, which hands it on if its option `set-clipboard` is `on`.
    Tmux,
    /// tmux, which is asked to pass it through as it is: its option `allow-passthrough` must be `on`.
    TmuxPassthrough,
}

impl Clipboard {
    /// The bytes that put a text into the clipboard.
    pub(super) fn sequence(self, text: &str) -> String {
        let plain = format!("\x1b]52;c;{}\x1b\\", STANDARD.encode(text));
        match self {
            Self::Terminal | Self::Tmux => plain,
            Self::TmuxPassthrough => format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        }
    }

    fn remark(self) -> &'static str {
        match self {
            Self::Terminal => "",
            Self::Tmux => "; tmux needs set-clipboard on",
            Self::TmuxPassthrough => "; tmux needs allow-passthrough on",
        }
    }
}

impl Ui<'_> {
    /// Says who stands between these screens and the clipboard.
    pub fn set_clipboard(&mut self, clipboard: Clipboard) {
        self.clipboard = clipboard;
    }

    /// Copies it, or says why there is none.
    pub(super) fn copy(&mut self, what: Excerpt) -> Effect {
        match excerpt(self, what) {
            Ok((name, text)) => {
                let (text, remark) = bounded(&text);
                let lines = text.lines().count();
                let lines = if lines == 1 { "1 line".to_owned() } else { format!("{} lines", count(lines as u64)) };
                self.notify(format!("copied {name}: {lines}{remark}{}", self.clipboard.remark()));
                Effect::Copy(text)
            }
            Err(why) => {
                self.notify(why);
                Effect::None
            }
        }
    }

    /// In the list of what can be copied, which has been taken out.
    pub(super) fn act_in_copy(&mut self, at: usize, action: Action, by: isize) -> Effect {
        let picked = match action {
            Action::Toggle => Some(at),
            // Twice the key is the first: the frame.
            Action::Copy => Some(0),
            Action::Type(digit) => digit.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1)),
            Action::Click(column, row) => {
                let inside = inside(area(self.layout().body));
                inside.contains(Position::new(column, row)).then(|| usize::from(row - inside.y))
            }
            _ => None,
        };
        if let Some(what) = picked.and_then(|picked| Excerpt::ALL.get(picked)) {
            return self.copy(*what);
        }
        self.overlay = Some(Overlay::Copy { at: at.saturating_add_signed(by).min(Excerpt::ALL.len() - 1) });
        Effect::None
    }
}

/// What is sent of a text: whole lines, as many as terminals take, and nothing that would do something when it is pasted.
fn bounded(text: &str) -> (String, String) {
    let harmless = |letter: char| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter };
    let text: String = text.chars().map(harmless).collect();
    if text.len() <= LIMIT {
        return (text, String::new());
    }
    let all = text.lines().count();
    let end = (0..=LIMIT).rfind(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let end = text[..end].rfind('\n').map_or(end, |end| end + 1);
    let remark = format!(" of {}, as terminals take no more than 75 kB", count(all as u64));
    (text[..end].to_owned(), remark)
}

/// A name for what is copied, and its text.
fn excerpt(ui: &Ui<'_>, what: Excerpt) -> Result<(String, String), String> {
    let state = &ui.known.state;
    let lane =
        || ui.selected_lane().and_then(|id| state.lane(id)).ok_or("select a call or a lane in the call stack first");
    match what {
        Excerpt::Frame => {
            let frame = match ui.selected {
                Some(RowId::Frame(span)) => state.frame(span).map(|found| found.1),
                _ => lane()?.frames().last(),
            };
            let frame = frame.ok_or("no call is open in this lane")?;
            Ok((format!("the frame {}", frame.callsite.name), frame_text(ui, frame)))
        }
        Excerpt::Stack => {
            let lane = lane()?;
            Ok((format!("the stack of {}", lane.name), stack_text(ui, lane)))
        }
        Excerpt::Stacks => {
            let lanes: Vec<_> = state.lanes().iter().filter(|lane| !lane.is_done).collect();
            if lanes.is_empty() {
                return Err("there is no lane yet".to_owned());
            }
            let texts: Vec<String> = lanes.iter().map(|lane| stack_text(ui, lane)).collect();
            let name = if lanes.len() == 1 {
                "the stack of 1 lane".into()
            } else {
                format!("the stacks of {} lanes", lanes.len())
            };
            Ok((name, texts.join("\n")))
        }
        Excerpt::Claims => {
            let page = ui.known.shown_step.and_then(|at| Some((at, ui.material.book.step_page(at)?)));
            let (at, _) =
                page.filter(|_| ui.page.is_none()).ok_or("no page of a step is shown: select one of its calls")?;
            let id = ui.material.chain.steps().get(at).map_or("", |step| &step.id);
            Ok((format!("the claims of {id}"), claims_text(ui, at)))
        }
    }
}

fn place(frame: &Frame) -> String {
    let call = &frame.callsite;
    match (&call.file, call.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_string(),
        // As good as there is: where no line is known, the module is.
        _ => call.target.to_string(),
    }
}

fn frame_text(ui: &Ui<'_>, frame: &Frame) -> String {
    let mut text = format!("{}  {}\n", frame.callsite.name, place(frame));
    for (name, value, _) in fields::frame_entries(ui, frame).iter().filter(|entry| entry.2) {
        text.push_str(&format!("    {name} = {}\n", value.replace('\n', "\n        ")));
    }
    text
}

fn stack_text(ui: &Ui<'_>, lane: &Lane) -> String {
    let mut text =
        format!("{}  {}\n", stack::lane_title(lane), stack::lane_word(&ui.known.state, lane, ui.on_breakpoint()));
    let names = lane.frames().map(|frame| width(&frame.callsite.name)).max().unwrap_or(0);
    for frame in lane.frames().rev() {
        text.push_str(&format!("    {}  {}\n", pad(&frame.callsite.name, names), place(frame)));
    }
    text
}

fn claims_text(ui: &Ui<'_>, at: usize) -> String {
    let (book, steps) = (ui.material.book, ui.material.chain.steps());
    let Some((page, step)) = book.step_page(at).zip(steps.get(at)) else { return String::new() };
    let mut text = format!("Step {}, {}: {}\n", at + 1, step.id, page.title);
    let mut say = |label: &str, said: &str| {
        let said: Vec<&str> = said.split_whitespace().collect();
        text.push_str(&format!("{label}{}\n", said.join(" ")));
    };
    if let Some(report) = &page.report {
        say("The report says: ", report);
    }
    let verdict = page.verdict.map(|verdict| match verdict {
        Verdict::True => "that is true",
        Verdict::Imprecise => "that is imprecise",
        Verdict::Wrong => "that is wrong",
        Verdict::Missing => "the report leaves this out",
        Verdict::Empty => "the report has the place, and nothing in it",
    });
    if let Some(verdict) = verdict {
        say("Verdict: ", verdict);
    }
    if let Some(truth) = &page.truth {
        say("What happens: ", truth);
    }
    if !ui.known.evidence.is_empty() {
        say("In this run:", "");
    }
    for (index, (claim, evidence)) in ui.known.evidence.iter().enumerate() {
        let by = page.claims.get(index).map(|claim| claim.by);
        let by = if by == Some(Author::Lesson) || by.is_none() { "" } else { " (the report's claim)" };
        match evidence.outcome {
            Outcome::Holds => say("    holds: ", &format!("{claim}{by} ({})", evidence.detail)),
            Outcome::Contradicted => say("    not so: ", &format!("{claim}{by} ({})", evidence.detail)),
            Outcome::NotRun => say("    not yet: ", &format!("{claim}{by}")),
        }
    }
    if let Some(call) = &page.call {
        say("", &call.link);
    }
    text
}

/// How many lines of what would be copied are shown.
const PREVIEW: u16 = 12;

fn area(body: Rect) -> Rect {
    centred(body, 84, Excerpt::ALL.len() as u16 + 3 + PREVIEW)
}

/// Draws the list, and below it what would be copied.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let theme = &ui.theme;
    let again = format!("{} again: this frame", ui.keys.shown("copy"));
    let inner = framed(buffer, area(body), ui, "Copy", &again, true);
    let columns = usize::from(inner.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, what) in Excerpt::ALL.into_iter().enumerate() {
        let mark = if index == at { "→" } else { " " };
        let line = Line::from(vec![
            Span::styled(format!(" {mark} {}  ", index + 1), theme.style(Role::Key)),
            Span::raw(format!("{}  ", what.name())),
            Span::styled(pad(what.doc(), columns.saturating_sub(18)), theme.style(Role::Dim)),
        ]);
        lines.push(if index == at { chosen(line, ui) } else { line });
    }
    lines.push(Line::styled("─".repeat(columns), theme.style(Role::Border)));
    let what = Excerpt::ALL[at.min(Excerpt::ALL.len() - 1)];
    let room = usize::from(PREVIEW);
    match excerpt(ui, what) {
        Ok((_, text)) => {
            let text = bounded(&text).0;
            let all: Vec<&str> = text.lines().collect();
            let shown = if all.len() > room { room - 1 } else { all.len() };
            lines.extend(all[..shown].iter().map(|line| Line::raw(format!(" {line}"))));
            if shown < all.len() {
                let more = format!(" … {} more lines", count((all.len() - shown) as u64));
                lines.push(Line::styled(more, theme.style(Role::Dim)));
            }
        }
        Err(why) => lines.push(Line::styled(format!(" {why}"), theme.style(Role::Dim))),
    }
    let room = usize::from(inner.width);
    let lines: Vec<Line<'static>> = lines.into_iter().map(|line| fitted(line, room)).collect();
    put_lines(buffer, inner, &lines, 0);
}

/// A line that is cut says so.
fn fitted(mut line: Line<'static>, columns: usize) -> Line<'static> {
    if line.width() > columns
        && let [span] = &mut line.spans[..]
    {
        span.content = super::text::cut(&span.content, columns).into();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sent_in_base64_and_through_tmux_only_if_asked() {
        assert_eq!(Clipboard::Terminal.sequence("run\n"), "\x1b]52;c;cnVuCg==\x1b\\");
        assert_eq!(Clipboard::Tmux.sequence("run\n"), "\x1b]52;c;cnVuCg==\x1b\\");
        let passed = "\x1bPtmux;\x1b\x1b]52;c;cnVuCg==\x1b\x1b\\\x1b\\";
        assert_eq!(Clipboard::TmuxPassthrough.sequence("run\n"), passed);
    }

    #[test]
    fn a_long_text_ends_with_a_whole_line_and_says_so() {
        let text = "é".repeat(49) + "\n";
        let (sent, remark) = bounded(&text.repeat(1000));
        assert!(sent.len() <= LIMIT && sent.len() > LIMIT - 100 && sent.ends_with("é\n"));
        assert_eq!(remark, " of 1,000, as terminals take no more than 75 kB");
        assert!(STANDARD.encode(&sent).len() <= 100_000);
        let (sent, _) = bounded(&"x".repeat(LIMIT + 1));
        assert_eq!(sent.len(), LIMIT, "a line without an end is cut");
    }

    #[test]
    fn what_is_pasted_does_nothing() {
        assert_eq!(bounded("a\x1b[2Jb\r\nc\n").0, "a\u{fffd}[2Jb\u{fffd}\nc\n");
    }
}
