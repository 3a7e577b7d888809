//! What is typed: where to go, and what to search. What is wrong with it is said while it is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{framed, put_lines};
use super::overlay::{Overlay, centred};
use super::text::wrap_plain;
use super::theme::{Role, Theme};
use super::ui::Ui;
use crate::trace::{Condition, Place, Query};

const PLACES: &str = "1.2ms  +10us  -10us  50%    a time, later, earlier, a share
#12  @340  note 2           a span, an event, a note, by number
loop  serves                where the loop starts, where it serves
spawn                       the next call of that name, or that step";

const WORDS: &str = "spawn  \"two words\"         a part of a name
name= target: lane: file:  : is a part, = is the whole
field.fd:5  field.n>4096   a field, as text or number
dur>1ms  self<=20us        its time, its time of its own
open:  !word               not over yet; not that";

const BREAKS: &str = "step:spawn  step:14        a step of the chain
spawn  name= target: lane: file:  as in a search
field.fd:5  field.n>4096   as it is when the call begins
!word                      not that
#3  #3+  #%3               at the third hit, from it on, at every third";

/// Draws the prompt for a breakpoint.
pub(super) fn draw_break(buffer: &mut Buffer, body: Rect, ui: &Ui, text: &str) {
    let error = Condition::parse(text, ui.material.chain).err().map(|error| error.to_string());
    draw(buffer, body, ui, ("Stop where", "enter sets it"), text, error, BREAKS);
}

/// Draws the prompt for a place.
pub(super) fn draw_go_to(buffer: &mut Buffer, body: Rect, ui: &Ui, text: &str) {
    let error = text.parse::<Place>().err().map(|error| error.to_string());
    draw(buffer, body, ui, ("Go to", "enter goes there"), text, error, PLACES);
}

/// Draws the prompt for a search.
pub(super) fn draw_search(buffer: &mut Buffer, body: Rect, ui: &Ui, text: &str) {
    let error = text.parse::<Query>().err().map(|error| error.to_string());
    draw(buffer, body, ui, ("Search", "enter lists the matches"), text, error, WORDS);
}

fn draw(
    buffer: &mut Buffer,
    body: Rect,
    ui: &Ui,
    titles: (&str, &str),
    text: &str,
    error: Option<String>,
    examples: &str,
) {
    let theme = &ui.theme;
    let examples: Vec<&str> = examples.lines().collect();
    let error = error.filter(|_| !text.trim().is_empty());
    let said = |columns: usize| {
        error.as_ref().map_or(Vec::new(), |text| wrap_plain(text, theme.style(Role::Doubt), columns, ""))
    };
    let columns = body.width.min(76);
    let more = said(usize::from(columns.saturating_sub(4))).len();
    // The box keeps its place while an error comes and goes.
    let area = centred(body, columns, examples.len() as u16 + 6);
    let inner = framed(buffer, area, ui, titles.0, titles.1, true);
    let room = usize::from(inner.width.saturating_sub(2));
    let mut lines = vec![typed(text, usize::from(inner.width), theme)];
    let mut below = said(room);
    below.resize(more.max(2), Line::default());
    lines.extend(
        below
            .into_iter()
            .chain(examples.into_iter().map(|text| Line::styled(text.to_owned(), theme.style(Role::Dim))))
            .map(|mut line| {
                line.spans.insert(0, Span::raw(" "));
                line
            }),
    );
    put_lines(buffer, inner, &lines, 0);
}

/// The line of what is typed and where the next letter goes. The end of a long text is what is being typed.
pub(super) fn typed(text: &str, columns: usize, theme: &Theme) -> Line<'static> {
    let room = columns.saturating_sub(2);
    let mut shown = text;
    while super::text::width(shown) + 1 > room && !shown.is_empty() {
        shown = shown.char_indices().nth(1).map_or("", |(at, _)| &shown[at..]);
    }
    Line::from(vec![Span::raw(format!(" {shown}")), Span::styled(" ", theme.style(Role::Selected))])
}

impl Ui<'_> {
    /// Goes to the place that was typed; the prompt stays if it is none.
    pub(super) fn accept_place(&mut self, text: String) {
        if let Err(why) = self.go_to(&text) {
            self.notify(why);
            self.overlay = Some(Overlay::GoTo { text });
        }
    }

    /// Searches for what was typed and lists it; the prompt stays if it is no query.
    pub(super) fn accept_query(&mut self, text: String) {
        match text.parse::<Query>() {
            Ok(query) if query.is_empty() => self.asked.search = None,
            Ok(query) => {
                self.search(query);
                self.overlay = Some(Overlay::Matches { at: None });
            }
            // What is wrong stands in the prompt.
            Err(_) => self.overlay = Some(Overlay::Search { text }),
        }
    }
}
