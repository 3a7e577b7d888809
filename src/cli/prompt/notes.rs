//! Notes and bookmarks: setting them, their list, and their places.

use super::{Answer, Lines, Prompt};
use crate::cli::sentences;
use crate::trace::{Bookmark, BookmarkEdit, Bookmarks, Log};

/// Notes that are listed at once.
const LISTED: usize = 30;

impl Prompt<'_> {
    /// Marks where we are, with a text or none.
    pub(super) fn note(&mut self, text: &str) -> Answer {
        let bookmark = self.log.bookmark_at(self.cursor(), self.here(), text);
        let is_edit = self.log.bookmarks().get(bookmark.key()).is_some();
        let what = if bookmark.text().is_empty() { "Bookmark" } else { "Note" };
        let edit = BookmarkEdit::Set(bookmark.clone());
        if !self.log.edit_bookmarks(edit.clone()) {
            return Err(format!("a recording has {} notes at the most; remove some first", Bookmarks::MOST));
        }
        let number = self.log.bookmarks().all().iter().position(|other| other.key() == bookmark.key());
        let number = number.map_or(0, |at| at + 1);
        let verb = if is_edit { "changed" } else { "set" };
        Ok(self.marked(&edit, format!("{what} {number} {verb}, {}.", place(&self.log, &bookmark))))
    }

    /// `notes`, `notes remove N`.
    pub(super) fn notes(&mut self, rest: &str) -> Answer {
        let all = self.log.bookmarks().all();
        if let Some(number) = rest.strip_prefix("remove").filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            let number = super::commands::number(number.trim())?;
            let key =
                number.checked_sub(1).and_then(|at| all.get(at)).map(Bookmark::key).ok_or_else(|| self.how_many())?;
            let edit = BookmarkEdit::Remove(key);
            self.log.edit_bookmarks(edit.clone());
            return Ok(self.marked(&edit, format!("Note {number} removed.")));
        }
        if !rest.is_empty() && rest != "all" {
            return Err(format!(
                "notes lists them, notes all every one, notes remove 2 removes the second; not `{rest}`"
            ));
        }
        if all.is_empty() {
            return Err("nothing is marked; note, and a text, marks this place".to_owned());
        }
        let shown = if rest == "all" { all.len() } else { LISTED };
        let numbered = all.iter().enumerate().take(shown);
        let mut lines: Lines = numbered
            .map(|(at, bookmark)| {
                format!("{}. {}: {}", at + 1, sentence_case(&place(&self.log, bookmark)), said(bookmark))
            })
            .collect();
        let more = all.len().saturating_sub(shown);
        lines.extend((more > 0).then(|| format!("{more} more; notes all lists every one.")));
        lines.extend(self.program.unkept().map(|unkept| format!("{}: {}.", unkept.text(), unkept.why)));
        Ok(lines)
    }

    /// The cursor at a note, counted from one.
    pub(super) fn place_of_note(&self, number: usize) -> Result<usize, String> {
        let found = number.checked_sub(1).and_then(|at| self.log.bookmarks().all().get(at));
        let bookmark = found.ok_or_else(|| self.how_many())?;
        if bookmark.at < self.log.begins_at() {
            return Err("that place is in a file before this one".to_owned());
        }
        if bookmark.at > self.log.in_recording(self.log.len()) {
            return Err("that place is behind the end of what there is".to_owned());
        }
        Ok(self.log.from_recording(bookmark.at))
    }

    /// Whether one may do what loses something that was marked: it is said once, and who says it again may.
    pub(super) fn may_leave(&mut self, word: &str) -> Result<(), String> {
        match self.program.unkept() {
            Some(unkept) if !std::mem::replace(&mut self.warned, true) => {
                Err(format!("{}: {}; {word} again goes on without", unkept.text(), unkept.why))
            }
            _ => Ok(()),
        }
    }

    /// What is lost by leaving now, if anything, and nobody has said it.
    pub(super) fn farewell(&self) -> Lines {
        if self.warned {
            return Lines::new();
        }
        self.program.unkept().map(|unkept| format!("{}: {}.", unkept.text(), unkept.why)).into_iter().collect()
    }

    /// Hands it to the program, and says what came of it.
    fn marked(&mut self, edit: &BookmarkEdit, done: String) -> Lines {
        self.warned = false;
        let kept = self.program.mark(edit);
        let mut lines = vec![done];
        lines.extend(kept.err().map(|why| format!("It is not saved: {why}.")));
        lines
    }

    fn how_many(&self) -> String {
        match self.log.bookmarks().all().len() {
            0 => "there are no notes".to_owned(),
            1 => "there is 1 note".to_owned(),
            count => format!("there are {count} notes"),
        }
    }
}

/// `at 1.2 ms, in spawn of main`
fn place(log: &Log, bookmark: &Bookmark) -> String {
    let at = log.clock().program(bookmark.time);
    match bookmark.span.map(|span| log.span(span)) {
        Some(Some(span)) => format!("at {at}, in {} of {}", span.callsite.name, sentences::lane(log, span.lane)),
        Some(None) => format!("at {at}, in a call that is not here"),
        None => format!("at {at}"),
    }
}

fn said(bookmark: &Bookmark) -> &str {
    if bookmark.text().is_empty() { "a bookmark" } else { bookmark.text() }
}

/// It begins with `at`, which is ours.
fn sentence_case(text: &str) -> String {
    text.strip_prefix("at").map_or_else(|| text.to_owned(), |rest| format!("At{rest}"))
}
