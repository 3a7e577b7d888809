//! Places of a recording that a person has marked, each with what they had to say of it, if anything.
//!
//! A bookmark with a text is a note. What the program says of itself is no bookmark but an event of the log, [`Kind::Note`]:
//! this is said by whoever looks at it, and changes nothing of what happened. There is one bookmark for a place and a call;
//! to set it again is to write its text anew, and of several edits the last one wins. So two people who work on one
//! recording need no numbers to agree on.
//!
//! [`Kind::Note`]: super::Kind::Note

use std::collections::HashMap;

use super::{Log, SpanId, Time};

/// A place that is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// How many events of the recording are before it, as [`Log::in_recording`] counts them.
    pub at: u64,
    /// Raw time there.
    pub time: Time,
    /// The call that it is about.
    pub span: Option<SpanId>,
    /// One line, or nothing.
    text: Box<str>,
}

/// What tells bookmarks apart: the place, and the call that it is about.
pub type BookmarkKey = (u64, Option<SpanId>);

/// What is done to the bookmarks of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookmarkEdit {
    /// There is this one, with this text.
    Set(Bookmark),
    /// This one is there no longer.
    Remove(BookmarkKey),
}

impl Bookmark {
    /// Bytes of a text, at the most.
    pub const LONGEST: usize = 1_000;

    /// A bookmark. What a terminal might obey, and what turns the direction of writing, becomes blank, and what is too long
    /// is cut.
    #[must_use]
    pub fn new((at, span): BookmarkKey, time: Time, text: &str) -> Self {
        let mut line = String::new();
        for letter in text.trim().chars().map(|letter| if is_harmless(letter) { letter } else { ' ' }) {
            if line.len() + letter.len_utf8() > Self::LONGEST {
                break;
            }
            line.push(letter);
        }
        Self { at, time, span, text: line.trim().into() }
    }

    /// What it says; nothing if it only marks the place.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What tells it from others.
    #[must_use]
    pub fn key(&self) -> BookmarkKey {
        (self.at, self.span)
    }
}

impl BookmarkEdit {
    /// Which bookmark it is about.
    #[must_use]
    pub fn key(&self) -> BookmarkKey {
        match self {
            Self::Set(bookmark) => bookmark.key(),
            Self::Remove(key) => *key,
        }
    }
}

/// Whether a letter is only itself wherever it is printed.
fn is_harmless(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !turns && !matches!(letter, '\u{2028}' | '\u{2029}')
}

/// The bookmarks of a recording, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Bookmarks {
    all: Vec<Bookmark>,
    /// How many there are about a call.
    about: HashMap<SpanId, u32>,
    /// How many were to be set when there was no room.
    left_out: u64,
    /// How often anything was changed.
    changes: u64,
}

impl Bookmarks {
    /// How many a recording may have: what a file may bring is bounded.
    pub const MOST: usize = 10_000;

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Bookmark] {
        &self.all
    }

    /// The one for a place and a call.
    #[must_use]
    pub fn get(&self, key: BookmarkKey) -> Option<&Bookmark> {
        self.find(key).ok().map(|at| &self.all[at])
    }

    /// Whether any is about a call.
    #[must_use]
    pub fn is_about(&self, span: SpanId) -> bool {
        self.about.contains_key(&span)
    }

    /// Those about a call.
    pub fn about(&self, span: SpanId) -> impl Iterator<Item = &Bookmark> {
        let known = self.is_about(span).then_some(&self.all);
        known.into_iter().flatten().filter(move |bookmark| bookmark.span == Some(span))
    }

    /// How many were to be set when there were as many as there may be, and were not.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How often anything was changed: the same number is the same bookmarks.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    fn find(&self, key: BookmarkKey) -> Result<usize, usize> {
        self.all.binary_search_by_key(&key, Bookmark::key)
    }

    /// False if there is no room for it.
    fn edit(&mut self, edit: BookmarkEdit) -> bool {
        self.changes += 1;
        match (self.find(edit.key()), edit) {
            (Ok(at), BookmarkEdit::Set(bookmark)) => self.all[at] = bookmark,
            (Err(_), BookmarkEdit::Set(_)) if self.all.len() >= Self::MOST => {
                self.left_out = self.left_out.saturating_add(1);
                return false;
            }
            (Err(at), BookmarkEdit::Set(bookmark)) => {
                if let Some(span) = bookmark.span {
                    *self.about.entry(span).or_default() += 1;
                }
                self.all.insert(at, bookmark);
            }
            (Ok(at), BookmarkEdit::Remove(_)) => {
                let gone = self.all.remove(at);
                if let Some((span, count)) = gone.span.and_then(|span| Some((span, self.about.get_mut(&span)?))) {
                    *count -= 1;
                    if *count == 0 {
                        self.about.remove(&span);
                    }
                }
            }
            (Err(_), BookmarkEdit::Remove(_)) => {}
        }
        true
    }
}

impl Log {
    /// What has been marked in the recording.
    #[must_use]
    pub fn bookmarks(&self) -> &Bookmarks {
        &self.bookmarks
    }

    /// Sets a bookmark or removes one. False if there are as many as there may be.
    pub fn edit_bookmarks(&mut self, edit: BookmarkEdit) -> bool {
        self.bookmarks.edit(edit)
    }

    /// The bookmarks of another log of the same recording become those of this one.
    pub fn adopt_bookmarks(&mut self, other: &Self) {
        self.bookmarks = other.bookmarks.clone();
    }

    /// A bookmark at a cursor, about a call.
    #[must_use]
    pub fn bookmark_at(&self, cursor: usize, span: Option<SpanId>, text: &str) -> Bookmark {
        Bookmark::new((self.in_recording(cursor), span), self.time_at(cursor), text)
    }

    /// The number of the next bookmark behind a cursor, or of the last before it.
    #[must_use]
    pub fn bookmark_beside(&self, cursor: usize, is_forth: bool) -> Option<usize> {
        let all = self.bookmarks.all();
        let cursor_of = |bookmark: &Bookmark| self.from_recording(bookmark.at);
        if is_forth {
            let behind = all.partition_point(|bookmark| cursor_of(bookmark) <= cursor);
            (behind < all.len()).then_some(behind)
        } else {
            // Of several at one place the first.
            let last = all.partition_point(|bookmark| cursor_of(bookmark) < cursor).checked_sub(1)?;
            Some(all.partition_point(|bookmark| cursor_of(bookmark) < cursor_of(&all[last])))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(at: u64, span: Option<u64>, text: &str) -> BookmarkEdit {
        BookmarkEdit::Set(Bookmark::new((at, span.map(SpanId)), Time(at), text))
    }

    fn texts(log: &Log) -> Vec<&str> {
        log.bookmarks().all().iter().map(Bookmark::text).collect()
    }

    #[test]
    fn the_last_edit_of_a_place_and_a_call_wins_and_others_stay() {
        let mut log = Log::new();
        for edit in [set(9, None, "late"), set(3, Some(1), "a"), set(3, Some(2), "b"), set(3, Some(1), "c")] {
            assert!(log.edit_bookmarks(edit));
        }
        assert_eq!(texts(&log), ["c", "b", "late"]);
        assert!(log.bookmarks().is_about(SpanId(1)) && log.bookmarks().about(SpanId(2)).count() == 1);
        log.edit_bookmarks(BookmarkEdit::Remove((3, Some(SpanId(1)))));
        log.edit_bookmarks(BookmarkEdit::Remove((4, None)));
        assert_eq!(texts(&log), ["b", "late"]);
        assert!(!log.bookmarks().is_about(SpanId(1)));
    }

    #[test]
    fn a_text_is_one_line_that_no_terminal_obeys() {
        let text = |text: &str| Bookmark::new((0, None), Time(0), text).text().to_owned();
        assert_eq!(text(" a\u{1b}[2J\nb\u{202e}c\u{9b}d "), "a [2J b c d");
        assert_eq!(text(&"é".repeat(700)).len(), Bookmark::LONGEST);
    }

    #[test]
    fn there_are_so_many_at_the_most_and_the_rest_is_counted() {
        let mut log = Log::new();
        for at in 0..Bookmarks::MOST as u64 + 5 {
            log.edit_bookmarks(set(at, None, ""));
        }
        assert_eq!((log.bookmarks().all().len(), log.bookmarks().left_out()), (Bookmarks::MOST, 5));
        assert!(log.edit_bookmarks(set(7, None, "still edited")) && !log.edit_bookmarks(set(u64::MAX, None, "")));
    }
}
