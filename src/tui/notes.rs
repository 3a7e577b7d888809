//! Notes and bookmarks: places that a person marks, with a line of text or without.
//!
//! What is marked is in the log at once, and handed to the program, which keeps it with the recording if it can.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{framed, inside, put_lines};
use super::lists::{chosen, rows_between};
use super::overlay::{Overlay, centred};
use super::prompt::typed;
use super::stack::RowId;
use super::text::{cut, pad, width, wrap};
use super::theme::{Role, Theme};
use super::ui::{Effect, Ui};
use crate::trace::{Bookmark, BookmarkEdit, BookmarkKey, Bookmarks, Log, SpanId, Time, Window};

/// What marks a bookmark wherever there is one.
pub(super) const MARK: char = '⚑';

/// A text that is being typed, and what it is to be said of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) text: String,
    /// The place and the call.
    pub(super) key: BookmarkKey,
    /// Raw time there.
    time: Time,
    /// The row of the list from which it was begun.
    row: Option<usize>,
}

impl Draft {
    pub(super) fn push(&mut self, letter: char) {
        // What is too long would be cut.
        if self.text.len() + letter.len_utf8() <= Bookmark::LONGEST {
            self.text.push(letter);
        }
    }

    pub(super) fn erase(&mut self) {
        self.text.pop();
    }

    /// The list from which it was begun, which comes back.
    pub(super) fn list_below(&self) -> Option<Overlay> {
        self.row.map(|at| Overlay::Notes { at })
    }
}

impl Ui<'_> {
    /// The row of the list at which the cursor is, or the last before it.
    pub(super) fn note_now(&self) -> usize {
        let all = self.log.bookmarks().all();
        let cursor = self.cursor();
        let before = all.partition_point(|bookmark| self.log.from_recording(bookmark.at) < cursor);
        let is_here = all.get(before).is_some_and(|bookmark| self.log.from_recording(bookmark.at) == cursor);
        if is_here { before } else { before.saturating_sub(1) }
    }

    /// Whether one may leave: if something would be lost with the screens, it is said, and whoever says it again may.
    pub(super) fn may_leave(&mut self) -> bool {
        let Some(unkept) = self.unkept.as_ref().filter(|_| !self.is_leaving) else { return true };
        let text = format!("{} again leaves; {}: {}", self.key("quit"), unkept.text(), unkept.why);
        self.is_leaving = true;
        self.notify(text);
        false
    }

    /// Begins a note at the cursor, or goes on with the one that is there.
    pub(super) fn write_note(&mut self) {
        let new = self.log.bookmark_at(self.cursor(), self.selected_span(), "");
        let known = self.log.bookmarks().get(new.key()).map_or_else(String::new, |known| known.text().to_owned());
        let draft = Draft { text: known, key: new.key(), time: new.time, row: None };
        self.overlay = Some(Overlay::Note(draft));
    }

    /// Begins to write a note of the list anew.
    pub(super) fn rewrite_note(&mut self, row: usize) {
        let Some(known) = self.log.bookmarks().all().get(row) else { return };
        let draft = Draft { text: known.text().to_owned(), key: known.key(), time: known.time, row: Some(row) };
        self.overlay = Some(Overlay::Note(draft));
    }

    /// The text is complete: there is a bookmark now.
    pub(super) fn accept_note(&mut self, draft: Draft) -> Effect {
        let bookmark = Bookmark::new(draft.key, draft.time, &draft.text);
        self.overlay = draft.list_below();
        let what = if bookmark.text().is_empty() { "bookmark" } else { "note" };
        let at = self.log.clock().program(bookmark.time);
        let edit = BookmarkEdit::Set(bookmark);
        if !self.log.edit_bookmarks(edit.clone()) {
            self.notify(format!("a recording has {} notes at the most: remove some first", Bookmarks::MOST));
            return Effect::None;
        }
        self.notify(format!("{what} at {at}; {} lists all, {} removes it", self.key("notes"), self.key("remove-note")));
        Effect::Mark(edit)
    }

    /// Takes away the note of a row of the list.
    pub(super) fn remove_note(&mut self, row: usize) -> Effect {
        let Some(bookmark) = self.log.bookmarks().all().get(row) else { return Effect::None };
        let what = match bookmark.text() {
            "" => "bookmark".to_owned(),
            text => format!("note “{text}”"),
        };
        let edit = BookmarkEdit::Remove(bookmark.key());
        self.log.edit_bookmarks(edit.clone());
        self.notify(format!("removed: {what}"));
        Effect::Mark(edit)
    }

    /// Takes away the note at the cursor: the one about the selected call, or the only one.
    pub(super) fn remove_note_here(&mut self) -> Effect {
        let cursor = self.cursor();
        let all = self.log.bookmarks().all();
        let here = |bookmark: &Bookmark| self.log.from_recording(bookmark.at) == cursor;
        let about = |bookmark: &Bookmark| bookmark.span == self.selected_span();
        let mut rows = (0..all.len()).filter(|row| here(&all[*row]));
        let (first, second) = (rows.next(), rows.next());
        let selected = (0..all.len()).find(|row| here(&all[*row]) && about(&all[*row]));
        match selected.or(first.filter(|_| second.is_none())) {
            Some(row) => self.remove_note(row),
            None => {
                let text = format!("no note is here; {} lists all", self.key("notes"));
                self.notify(text);
                Effect::None
            }
        }
    }

    /// To the next note, or to the one before.
    pub(super) fn move_by_note(&mut self, is_forth: bool) {
        let row = self.log.bookmark_beside(self.cursor(), is_forth);
        match row.map(|row| self.move_to_note(row)) {
            Some(Ok(())) => {}
            Some(Err(why)) => self.notify(why),
            None if self.log.bookmarks().all().is_empty() => {
                let text = format!("nothing is marked yet; {} writes a note here", self.key("note"));
                self.notify(text);
            }
            None => self.notify(format!("no note is {} this", if is_forth { "after" } else { "before" })),
        }
    }

    /// To the note of a row of the list, with its call selected.
    pub(super) fn move_to_note(&mut self, row: usize) -> Result<(), String> {
        let all = self.log.bookmarks().all();
        let Some(bookmark) = all.get(row).cloned() else {
            return Err(match all.len() {
                0 => "there are no notes".to_owned(),
                1 => "there is 1 note".to_owned(),
                count => format!("there are {count} notes"),
            });
        };
        let count = all.len();
        match place(&self.log, &bookmark) {
            Place::Earlier => return Err("that place is in a file before this one".to_owned()),
            Place::Later => return Err("that place is behind the end of what there is".to_owned()),
            Place::Here => {}
        }
        self.move_to(self.log.from_recording(bookmark.at));
        self.refresh();
        if let Some(row) = bookmark.span.map(RowId::Frame).filter(|id| self.known.rows.iter().any(|row| row.id == *id))
        {
            self.selected = Some(row);
            self.lines.chosen = None;
        }
        self.notify(format!("{MARK} {} of {count}  {}", row + 1, said(&bookmark)));
        Ok(())
    }

    /// The program has kept a note, or not: then the last line says why.
    pub(super) fn told_of_note(&mut self, kept: Result<(), String>) {
        if let Err(why) = kept {
            self.notify(format!("not saved: {why}"));
        }
    }

    fn key(&self, id: &str) -> String {
        self.keys.shown(id)
    }
}

enum Place {
    Earlier,
    Here,
    Later,
}

/// Whether a log has the place of a bookmark.
fn place(log: &Log, bookmark: &Bookmark) -> Place {
    match bookmark.at {
        at if at < log.begins_at() => Place::Earlier,
        at if at > log.in_recording(log.len()) => Place::Later,
        _ => Place::Here,
    }
}

fn said(bookmark: &Bookmark) -> &str {
    if bookmark.text().is_empty() { "(bookmark)" } else { bookmark.text() }
}

/// `main › spawn`, as far as it is known.
fn about(log: &Log, span: Option<SpanId>) -> String {
    let Some(span) = span else { return String::new() };
    let Some(record) = log.span(span) else { return "a call that is not here".to_owned() };
    let lane = log.lane(record.lane).map_or("?", |lane| &lane.name);
    format!("{lane} › {}", record.callsite.name)
}

/// Draws what is being typed.
pub(super) fn draw_draft(buffer: &mut Buffer, body: Rect, ui: &Ui, draft: &Draft) {
    let theme = &ui.theme;
    let inner = framed(buffer, centred(body, 76, 5), ui, "Note", "enter marks the place", true);
    let room = usize::from(inner.width.saturating_sub(2));
    let at = ui.log.clock().program(draft.time);
    let about = about(&ui.log, draft.key.1);
    let about = if about.is_empty() { format!("at {at}") } else { format!("at {at}, about {about}") };
    let hint = "Nothing typed is a bookmark.";
    let dim = |text: &str| Line::styled(format!(" {}", cut(text, room)), theme.style(Role::Dim));
    let lines = [typed(&draft.text, usize::from(inner.width), theme), dim(&about), dim(hint)];
    put_lines(buffer, inner, &lines, 0);
}

/// How wide the list is, where there is room.
pub(super) const WIDTH: u16 = 110;

/// The number of the first row that is seen, and where the rows are; `at` is the selected one.
pub(super) fn rows(body: Rect, ui: &Ui, at: usize) -> (usize, Rect) {
    let (inner, all) = (inside(body), ui.log.bookmarks().all());
    let foot = all.get(at).map(|bookmark| foot(ui, bookmark, usize::from(inner.width))).unwrap_or_default();
    let foot = (foot.len() as u16).min(inner.height / 3);
    rows_between(inner, 1, foot, at, all.len())
}

/// Draws the list; `at` is the selected row.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui, at: usize) {
    let (all, theme) = (ui.log.bookmarks().all(), &ui.theme);
    let notes = all.iter().filter(|bookmark| !bookmark.text().is_empty()).count();
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        count => Some(format!("{count} {what}s")),
    };
    let remark: Vec<String> =
        [counted(notes, "note"), counted(all.len() - notes, "bookmark")].into_iter().flatten().collect();
    let inner = framed(buffer, body, ui, "Notes and bookmarks", &remark.join(", "), true);
    let columns = usize::from(inner.width);
    if all.is_empty() {
        let text = format!(
            "Nothing is marked yet. {} marks the place at the cursor and asks for a line of text, which may be empty; {} and \
             {} go from one to the next.",
            ui.key("note"),
            ui.key("note-back"),
            ui.key("note-forth")
        );
        let room = Rect { x: inner.x + 1.min(inner.width), width: inner.width.saturating_sub(2), ..inner };
        put_lines(buffer, room, &wrap(&[(text, theme.style(Role::Dim))], columns.saturating_sub(2), ""), 0);
        return;
    }
    let at = at.min(all.len() - 1);
    let foot = foot(ui, &all[at], columns);
    let foot_rows = (foot.len() as u16).min(inner.height / 3);
    let (top, area) = rows(body, ui, at);
    let seen = top..all.len().min(top + usize::from(area.height));
    let abouts: Vec<String> = all[seen.clone()].iter().map(|bookmark| about(&ui.log, bookmark.span)).collect();
    let widest = abouts.iter().map(|about| width(about)).max().unwrap_or(0).clamp(5, 30.min(columns / 3).max(5));
    let numbers = all.len().to_string().len().max(2);
    let head = format!(" {:>numbers$}  {:>9}  {}  text", "", "at", pad("about", widest));
    let mut lines = vec![Line::styled(head, theme.style(Role::Dim))];
    for (row, about) in seen.zip(abouts) {
        let bookmark = &all[row];
        let time = ui.log.clock().program(bookmark.time);
        let left = format!(" {:>numbers$}  {time:>9}  {}  ", row + 1, pad(&about, widest));
        let room = columns.saturating_sub(width(&left));
        let style = theme.style(if bookmark.text().is_empty() { Role::Dim } else { Role::Plain });
        let line = Line::from(vec![
            Span::styled(left, theme.style(Role::Plain)),
            Span::styled(pad(said(bookmark), room), style),
        ]);
        lines.push(if row == at { chosen(line, ui) } else { line });
    }
    put_lines(buffer, Rect { height: area.height + 1, ..inner }.intersection(inner), &lines, 0);
    put_lines(buffer, Rect { y: inner.bottom() - foot_rows, height: foot_rows, ..inner }, &foot, 0);
}

/// The selected one, whole.
fn foot(ui: &Ui, bookmark: &Bookmark, columns: usize) -> Vec<Line<'static>> {
    let (dim, plain) = (ui.theme.style(Role::Dim), ui.theme.style(Role::Plain));
    let mut lines = vec![Line::styled("─".repeat(columns), ui.theme.style(Role::Border))];
    let text = wrap(&[(said(bookmark).to_owned(), plain)], columns.saturating_sub(2), "");
    lines.extend(text.into_iter().map(|mut line| {
        line.spans.insert(0, Span::raw(" "));
        line
    }));
    let missing = match place(&ui.log, bookmark) {
        Place::Earlier => Some("this place is in a file before this one"),
        Place::Later => Some("this place is behind the end of what there is"),
        Place::Here => None,
    };
    let call = bookmark.span.and_then(|span| ui.log.span(span)).map(|span| {
        let line = span.callsite.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{} · {}{line}", span.callsite.target, span.callsite.file_name())
    });
    let facts = missing.map(str::to_owned).or(call).unwrap_or_else(|| format!("event {}", bookmark.at));
    lines.push(Line::styled(format!(" {}", cut(&facts, columns.saturating_sub(2))), dim));
    lines
}

/// A mark in every column of the ruler in which a place is marked.
pub(super) fn mark_ruler(buffer: &mut Buffer, area: Rect, theme: &Theme, log: &Log, window: Window) {
    for bookmark in log.bookmarks().all() {
        if let Some(column) = window.column(log.clock().program(bookmark.time), area.width) {
            buffer[(area.x + column, area.y)].set_char(MARK).set_style(theme.style(Role::Doubt));
        }
    }
}
