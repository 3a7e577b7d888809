//! Lanes of a kind: those whose names differ in a number or an id at the end only, such as `conn-1` to `conn-500`.
//!
//! ```text
//!   conn-1   ▐━━╌╌╌━━▌
//!   conn-2      ▐━━━╌╌╌╌━━▌
//!   conn-*   ▐━━━━━━━━╌╌━━▌      some lane ran, some lane was there: kept as lanes come, go and run
//! ```
//!
//! A screen that shows five hundred of them as one row looks at that row's two lists, and at none of the lanes.

use std::collections::HashMap;
use std::sync::Arc;

use super::{LaneKind, Stretch, Time};

/// So many lanes of a kind, or more, are a group.
const GROUP: usize = 5;
/// A lane of no kind: its name does not end in a number or an id.
const NONE: u32 = u32::MAX;

/// Which group of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub(super) u32);

/// Lanes whose names differ in a number, or an id, at the end only.
#[derive(Clone, Debug)]
pub struct LaneGroup {
    /// Its id.
    pub id: GroupId,
    /// What the names begin with, such as `conn-`.
    pub stem: Arc<str>,
    /// Places of its lanes among all, in the order in which they came to be.
    pub(super) members: Vec<u32>,
    /// When any of its lanes was there.
    pub(super) lives: Spells,
    /// When any of its lanes ran.
    pub(super) runs: Spells,
    /// That is known of all of them.
    pub(super) tells_runs: bool,
}

impl LaneGroup {
    /// How many lanes of it there have been.
    #[must_use]
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// What it is called: `conn-*`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}*", self.stem)
    }

    fn is_group(&self) -> bool {
        self.members.len() >= GROUP
    }
}

/// When there was at least one of something, in stretches that do not overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Spells {
    pub(super) all: Vec<Stretch>,
    now: u32,
}

impl Spells {
    fn begin(&mut self, time: Time) {
        self.now += 1;
        if self.now > 1 {
            return;
        }
        match self.all.last_mut() {
            // One ends, another begins: it goes on.
            Some(last) if last.1.is_some_and(|end| end >= time) => last.1 = None,
            _ => self.all.push((time, None)),
        }
    }

    fn end(&mut self, time: Time) {
        self.now = self.now.saturating_sub(1);
        if self.now == 0
            && let Some(last) = self.all.last_mut()
        {
            last.1.get_or_insert(time);
        }
    }
}

/// All kinds of lanes, those of less than a group too.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    all: Vec<LaneGroup>,
    of_stem: HashMap<Arc<str>, u32>,
    /// Places of the lanes that are in no group, in the order in which they came to be.
    loose: Vec<u32>,
}

impl Groups {
    /// A lane comes to be at a place among all; says which group it is of.
    pub(super) fn open(&mut self, place: u32, name: &str, kind: LaneKind, time: Time) -> u32 {
        let stem = stem(name);
        if stem.len() == name.len() || stem.is_empty() {
            self.loose.push(place);
            return NONE;
        }
        let number = match self.of_stem.get(stem) {
            Some(number) => *number,
            None => {
                let (number, stem) = (self.all.len() as u32, Arc::<str>::from(stem));
                self.of_stem.insert(stem.clone(), number);
                let (lives, runs) = (Spells::default(), Spells::default());
                let members = Vec::new();
                self.all.push(LaneGroup { id: GroupId(number), stem, members, lives, runs, tells_runs: true });
                number
            }
        };
        let group = &mut self.all[number as usize];
        let was_group = group.is_group();
        group.tells_runs &= kind.tells_runs();
        group.members.push(place);
        group.lives.begin(time);
        if !group.is_group() {
            self.loose.push(place);
        } else if !was_group {
            // Once for every group: with so many, they are one.
            self.loose.retain(|loose| !group.members.contains(loose));
        }
        number
    }

    pub(super) fn close(&mut self, kind: u32, time: Time) {
        if let Some(group) = self.all.get_mut(kind as usize) {
            group.lives.end(time);
        }
    }

    #[inline]
    pub(super) fn begin_run(&mut self, kind: u32, time: Time) {
        if let Some(group) = self.all.get_mut(kind as usize) {
            group.runs.begin(time);
        }
    }

    #[inline]
    pub(super) fn end_run(&mut self, kind: u32, time: Time) {
        if let Some(group) = self.all.get_mut(kind as usize) {
            group.runs.end(time);
        }
    }

    /// The group of a kind, if there are enough of it.
    pub(super) fn get(&self, kind: u32) -> Option<&LaneGroup> {
        self.all.get(kind as usize).filter(|group| group.is_group())
    }

    /// All that are groups, in the order in which the first of their lanes came to be.
    pub(super) fn groups(&self) -> impl Iterator<Item = &LaneGroup> {
        self.all.iter().filter(|group| group.is_group())
    }

    /// Places of the lanes that are in none.
    pub(super) fn loose(&self) -> &[u32] {
        &self.loose
    }

    pub(super) fn bytes(&self) -> usize {
        let spells = |spells: &Spells| spells.all.capacity() * size_of::<Stretch>();
        let of = |group: &LaneGroup| group.members.capacity() * 4 + spells(&group.lives) + spells(&group.runs);
        self.loose.capacity() * 4 + self.all.iter().map(of).sum::<usize>()
    }
}

/// A name without the number or the id at its end, or without what stands behind its last mark if there is a digit in it:
/// `conn-12` is a `conn-`, and so are `conn-3f2a` and `conn-0x7f10`.
pub(super) fn stem(name: &str) -> &str {
    let word = name.rfind(|letter: char| !letter.is_ascii_alphanumeric()).map_or(0, |mark| mark + mark_len(name, mark));
    if is_id(&name[word..]) && word > 0 {
        return &name[..word];
    }
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if stem.len() < name.len() {
        return stem;
    }
    let is_mark = |letter: char| matches!(letter, '-' | '_' | ':' | '#' | '/' | ' ');
    match name.rfind(is_mark) {
        Some(mark) if name[mark..].contains(|letter: char| letter.is_ascii_digit()) => &name[..=mark],
        _ => name,
    }
}

/// How many bytes the letter at a place takes.
fn mark_len(name: &str, at: usize) -> usize {
    name[at..].chars().next().map_or(0, char::len_utf8)
}

/// Whether a word is an id in hexadecimal digits: `0x` and some, or four and more with a decimal among them.
pub(super) fn is_id(word: &str) -> bool {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let is_marked = digits.is_some_and(|digits| !digits.is_empty());
    let digits = digits.unwrap_or(word);
    let is_long = digits.len() >= 4 && digits.contains(|letter: char| letter.is_ascii_digit());
    (is_marked || is_long) && digits.chars().all(|letter| letter.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_of_a_kind_are_a_group_and_no_longer_loose() {
        let mut groups = Groups::default();
        let names = ["main", "conn-1", "hub", "conn-2", "conn-30", "worker-1", "conn-4", "conn-5", "7"];
        let kinds: Vec<u32> =
            (0..).zip(names).map(|(at, name)| groups.open(at, name, LaneKind::Task, Time(at.into()))).collect();
        let group = groups.groups().next().unwrap();
        assert_eq!((&*group.stem, group.members.as_slice()), ("conn-", &[1, 3, 4, 6, 7][..]));
        assert_eq!((groups.groups().count(), groups.loose()), (1, &[0, 2, 5, 8][..]));
        assert!(groups.get(kinds[1]).is_some() && groups.get(kinds[0]).is_none() && groups.get(kinds[5]).is_none());
    }

    #[test]
    fn a_kind_is_what_stands_before_a_number_or_an_id() {
        let stems =
            ["conn-12", "conn-3f2a", "127.0.0.1:49152", "main", "hub", "a task", "7", "größe-1ü", "x1y"].map(stem);
        assert_eq!(stems, ["conn-", "conn-", "127.0.0.1:", "main", "hub", "a task", "", "größe-", "x1y"]);
        let ids =
            ["conn-3f21", "task 0x55d0", "task 0x7", "task→0x55d1", "stage-b2", "0x55d0", "face", "a-face"].map(stem);
        assert_eq!(ids, ["conn-", "task ", "task ", "task→", "stage-b", "0x55d", "face", "a-face"]);
    }

    #[test]
    fn what_any_of_a_group_did_is_kept_in_stretches_that_do_not_overlap() {
        let mut spells = Spells::default();
        spells.begin(Time(1));
        spells.begin(Time(2));
        spells.end(Time(3));
        spells.end(Time(5));
        spells.begin(Time(5));
        spells.end(Time(6));
        spells.begin(Time(8));
        assert_eq!(spells.all, [(Time(1), Some(Time(6))), (Time(8), None)]);
    }
}
