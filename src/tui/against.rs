//! Two recordings side by side: the stacks of this one at the cursor, and those of another one where it is as far.
//!
//! ```text
//!  A  thread.spanwalk · 1.20 ms            │ B  block.spanwalk · 0.98 ms   at the same call
//!  main   PAUSED ON STEP                   │ main   RUNNING
//!  + spawn            threadpool.rs        │
//!    apply            pool.rs              │   …
//! ```
//!
//! Where the other one is, is [`Counterpart`]'s answer; what is in one alone is marked on its side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{framed, put_lines};
use super::overlay::Overlay;
use super::stack;
use super::text::{cut, pad, width};
use super::theme::Role;
use super::ui::Ui;
use crate::trace::{Counterpart, LanePair, Log, PairedCall, PairedLane, State, Time, side_by_side};

/// Another recording to look at beside this one.
#[derive(Clone)]
pub struct Against {
    /// What it is called.
    pub name: String,
    /// All of it.
    pub log: Log,
}

/// What is known of it.
pub(super) struct Other {
    against: Against,
    both: Counterpart,
    /// How long this recording was when both were taken in.
    of: usize,
    seen: Option<Seen>,
}

/// Both at the cursor.
struct Seen {
    cursor: usize,
    pairs: Vec<LanePair>,
    /// The other's time, and what is to be said of the place.
    at: Time,
    said: String,
    is_same: bool,
}

impl Other {
    pub(super) fn new(against: Against) -> Self {
        Self { against, both: Counterpart::default(), of: 0, seen: None }
    }
}

impl Ui<'_> {
    /// Looks at another recording beside this one from now on.
    pub fn set_against(&mut self, against: Against) {
        self.other = Some(Other::new(against));
        self.overlay = Some(Overlay::Against { scroll: 0 });
        self.refresh();
    }

    /// Finds where the other recording is, while that is looked at.
    pub(super) fn look_against(&mut self) {
        let cursor = self.cursor();
        let is_shown = matches!(self.overlay, Some(Overlay::Against { .. }));
        let Some(other) = self.other.as_mut().filter(|_| is_shown) else { return };
        // A file that is being read is compared when it has been.
        if other.of != self.log.len() && !self.loading.is_under_way() {
            other.both = Counterpart::new(&self.log, &other.against.log);
            (other.of, other.seen) = (self.log.len(), None);
        }
        if other.seen.as_ref().is_some_and(|seen| seen.cursor == cursor) {
            return;
        }
        let here = self.known.here;
        let log = &other.against.log;
        let is_over = here
            .and_then(|span| self.log.span(span))
            .is_some_and(|span| span.close.is_some_and(|close| close.0.0 < cursor as u64));
        let found = here.and_then(|span| other.both.of((&self.log, log), span, is_over));
        let is_before = self.log.spans().next().is_none_or(|first| first.open.0.0 >= cursor as u64);
        let called = |span| self.log.span(span).map_or_else(String::new, |span| span.callsite.name.to_string());
        let (there, said, is_same) = match (here, found) {
            (None, _) if is_before => (0, "before the first call".to_owned(), true),
            (_, Some(found)) if found.is_same => (found.cursor, "at the same call".to_owned(), true),
            (Some(here), Some(found)) if found.of == here => {
                (found.cursor, format!("it makes {} fewer times: its last", called(here)), false)
            }
            (Some(here), Some(found)) => {
                (found.cursor, format!("it does not call {} here: in {}", called(here), called(found.of)), false)
            }
            (Some(here), None) => match other.both.last_common((&self.log, log), cursor) {
                Some(last) => {
                    let said = format!("no {} there; last common call: {}", called(here), called(last.of));
                    (last.cursor, said, false)
                }
                None => (0, format!("it does not call {}, nor what was called before", called(here)), false),
            },
            (None, _) => (log.len(), "at its end".to_owned(), false),
        };
        let state: State = log.state_at(there);
        let at = log.clock().program(log.time_at(there));
        let pairs = side_by_side(&self.known.state, &state);
        other.seen = Some(Seen { cursor, pairs, at, said, is_same });
    }

    /// The longest way to scroll.
    pub(super) fn against_rows(&self) -> usize {
        let seen = self.other.as_ref().and_then(|other| other.seen.as_ref());
        seen.map_or(0, |seen| seen.pairs.iter().map(|pair| pair.frames.len() + 2).sum())
    }
}

/// Draws both.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, scroll: usize) {
    let inner = framed(buffer, body, ui, "A | B", "", true);
    let Some(other) = &ui.other else { return };
    let theme = &ui.theme;
    let Some(seen) = &other.seen else {
        put_lines(
            buffer,
            inner,
            &[Line::styled("Both are compared once this one has been read.", theme.style(Role::Dim))],
            0,
        );
        return;
    };
    // The border between them takes a column.
    let left = usize::from(inner.width.saturating_sub(1) / 2);
    let right = usize::from(inner.width).saturating_sub(left + 1);
    let here = ui.log.clock().program(ui.log.time_at(ui.cursor()));
    let heads = [format!(" A  {} · {here}", ui.address), format!(" B  {} · {}", other.against.name, seen.at)];
    let mut lines = vec![
        row(heads.map(|head| (head, Role::Heading)), [left, right], ui),
        row(
            [
                (String::new(), Role::Plain),
                (format!("    {}", seen.said), if seen.is_same { Role::Dim } else { Role::Doubt }),
            ],
            [left, right],
            ui,
        ),
    ];
    let names = seen.pairs.iter().flat_map(|pair| pair.frames.iter().flatten().flatten());
    let names = names.map(|call| width(&call.callsite.name)).max().unwrap_or(0);
    for pair in &seen.pairs {
        lines.push(row([(String::new(), Role::Plain), (String::new(), Role::Plain)], [left, right], ui));
        let innermost = |side: usize| pair.frames.iter().find_map(|row| row[side].as_ref());
        let titles = [0, 1].map(|side| match &pair.lanes[side] {
            Some(PairedLane { name, activity, .. }) => {
                let word = stack::word(activity, innermost(side).map(|call| &*call.callsite.name));
                (format!(" {name}  {word}"), stack::role(activity))
            }
            None => (" no such lane".to_owned(), Role::Dim),
        });
        lines.push(row(titles, [left, right], ui));
        for frame in &pair.frames {
            let texts = [0, 1].map(|side| frame_text(frame, side, names, [left, right][side]));
            lines.push(row(texts, [left, right], ui));
        }
    }
    put_lines(buffer, inner, &lines, scroll);
    let hidden = lines.len().saturating_sub(scroll + usize::from(inner.height));
    if hidden > 0 && inner.height > 0 {
        let text = pad(&format!(" … {hidden} more lines below"), usize::from(inner.width));
        buffer.set_stringn(inner.x, inner.bottom() - 1, text, usize::from(inner.width), theme.style(Role::Dim));
    }
}

/// A frame on its side: `-` if the first alone has it, `+` if the second alone has.
fn frame_text(frame: &[Option<PairedCall>; 2], side: usize, names: usize, columns: usize) -> (String, Role) {
    let (mark, role) = match (frame, side) {
        ([Some(_), Some(_)], _) => (' ', Role::Plain),
        ([Some(_), None], 0) => ('−', Role::Bad),
        ([None, Some(_)], 1) => ('+', Role::New),
        _ => return (String::new(), Role::Plain),
    };
    let Some(PairedCall { callsite, .. }) = &frame[side] else { return (String::new(), Role::Plain) };
    let text = format!(" {mark} {}", pad(&callsite.name, names));
    let file = callsite.file_name();
    let text = if width(&text) + width(file) + 2 <= columns { format!("{text}  {file}") } else { text };
    (text, role)
}

/// Two texts side by side.
fn row(texts: [(String, Role); 2], columns: [usize; 2], ui: &Ui) -> Line<'static> {
    let [(a, of_a), (b, of_b)] = texts;
    let column = |text: &str, columns: usize| pad(&cut(text, columns), columns);
    Line::from(vec![
        Span::styled(column(&a, columns[0]), ui.theme.style(of_a)),
        Span::styled("│", ui.theme.style(Role::Border)),
        Span::styled(column(&b, columns[1]), ui.theme.style(of_b)),
    ])
}
