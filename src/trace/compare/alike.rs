//! Names that differ in an id alone: `task 0x55d0c0ff` of one run is the `task 0x7f31aa02` of another, both are `task *`.

use std::borrow::Cow;
use std::sync::Arc;

use crate::trace::Callsite;
use crate::trace::group::{is_id, stem};

/// A word is taken for an id of the run from this many digits on, if `0x` does not say that it is one.
const LONG: usize = 8;

/// The kind of a lane: `conn-*` of `conn-17`.
pub(super) fn kind_of(name: &Arc<str>) -> Arc<str> {
    let stem = stem(name);
    let kind = if stem.len() < name.len() { Cow::from(format!("{stem}*")) } else { Cow::from(&**name) };
    match without_ids(&kind) {
        Some(kind) => kind.into(),
        None if kind == **name => name.clone(),
        None => kind.into(),
    }
}

/// A call without ids in its name.
pub(super) fn call_of(callsite: &Arc<Callsite>) -> Arc<Callsite> {
    match without_ids(&callsite.name) {
        Some(name) => Arc::new(Callsite { name: name.into(), ..(**callsite).clone() }),
        None => callsite.clone(),
    }
}

/// A name with a star for each id in it; nothing if there is none.
fn without_ids(name: &str) -> Option<String> {
    if !name.contains(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let is_id = |word: &str| is_id(word) && (word.len() >= LONG || word[..2].eq_ignore_ascii_case("0x"));
    let (mut kept, mut rest, mut has_ids) = (String::new(), name, false);
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_id = is_id(word);
        has_ids |= is_id;
        kept += if is_id { "*" } else { word };
        let next = after.find(is_of_word).unwrap_or(after.len());
        kept += &after[..next];
        rest = &after[next..];
    }
    has_ids.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_left_out_and_other_numbers_are_not() {
        let names = ["task 0x55d0c0ff", "0x7f→0x80 (poll)", "id=4f3c9a21e0", "request 2251799813685249"];
        let kept = names.map(|name| without_ids(name).unwrap_or_default());
        assert_eq!(kept, ["task *", "*→* (poll)", "id=*", "request *"]);
        for name in ["poll", "sha256", "utf8", "step 12", "deadbeef", "x0x1", "h2_frame", "größe 7", "", "0x"] {
            assert_eq!(without_ids(name), None, "{name}");
        }
    }

    #[test]
    fn lanes_of_a_kind_have_one_name() {
        let kinds =
            ["conn-17", "conn-3f21", "task 0x55d1", "task 0x55da (poll)", "main"].map(|name| kind_of(&name.into()));
        assert_eq!(kinds.each_ref().map(|kind| &**kind), ["conn-*", "conn-*", "task *", "task * (poll)", "main"]);
    }
}
