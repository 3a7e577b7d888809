//! What was marked and is in no file yet.

use std::collections::BTreeMap;

use crate::trace::{BookmarkEdit, BookmarkKey};
use crate::tui;

/// The last edit of each bookmark that is not written.
#[derive(Clone, Debug, Default)]
pub(super) struct Unkept(BTreeMap<BookmarkKey, BookmarkEdit>);

impl Unkept {
    /// This is not written.
    pub(super) fn add(&mut self, edit: BookmarkEdit) {
        self.0.insert(edit.key(), edit);
    }

    /// This is, unless it has been edited again since.
    pub(super) fn is_written(&mut self, edit: &BookmarkEdit) {
        if self.0.get(&edit.key()) == Some(edit) {
            self.0.remove(&edit.key());
        }
    }

    /// There is nothing to be written of this one any more.
    pub(super) fn is_gone(&mut self, edit: &BookmarkEdit) {
        self.0.remove(&edit.key());
    }

    /// Nothing of it is missed.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is to be written, at the most once for each bookmark.
    pub(super) fn edits(&self) -> Vec<BookmarkEdit> {
        self.0.values().cloned().collect()
    }

    /// What a person is told of it, and why it is so.
    pub(super) fn told(&self, why: impl FnOnce() -> String) -> Option<tui::Unkept> {
        let count = self.0.len();
        (count > 0).then(|| tui::Unkept { count, why: why() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Bookmark, Time};

    #[test]
    fn an_edit_that_was_written_late_does_not_hide_a_later_one() {
        let set = |text| BookmarkEdit::Set(Bookmark::new((3, None), Time(0), text));
        let mut unkept = Unkept::default();
        unkept.add(set("a"));
        unkept.add(set("b"));
        unkept.is_written(&set("a"));
        assert_eq!(unkept.edits(), [set("b")]);
        unkept.is_written(&set("b"));
        assert_eq!(unkept.told(String::new), None);
    }
}
