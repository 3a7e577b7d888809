//! Two recordings, or two moments of one, laid side by side by what calls what, not by time.
//!
//! ```text
//!   A  main: run > start > apply > spawn          merged   main: run > start > apply
//!      worker-*: run > run_task > gethostbyaddr                            − spawn
//!                                                                          → gethostbyaddr  moved, from worker-*: run > run_task
//!   B  main: run > start > apply > gethostbyaddr           − worker-*: run > run_task
//! ```
//!
//! A *path* is a kind of lane and the calls around a call, from the outermost in; ids in names are those of a run, and left out. All spans of one path are one node: how many
//! there were, how long they took, what their fields were. The trees of both recordings are merged; what is in one of them alone was
//! added or removed, unless the same call is missed at another place: then it moved, and what is below it moved along.
//!
//! Costs a walk over the spans of both, and memory for the paths. What depends on chance, such as the order of lanes, is not
//! compared.

mod alike;
mod counterpart;
mod moves;
mod stacks;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use counterpart::{Counterpart, Opposite};
pub use stacks::{LanePair, PairedCall, PairedLane, before_and_after, side_by_side};
pub use tree::Fields;
use tree::{KeyRef, Tree};

use super::{Callsite, Log, SpanId};

/// What is different about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// In the second recording alone.
    Added,
    /// In the first recording alone.
    Removed,
    /// In both, with another parent or in another kind of lane.
    Moved,
    /// In both below the same call, in another order among its neighbours.
    Reordered,
    /// In both, so and so many times.
    Count,
    /// In both, and it took longer or shorter than what is taken as the same.
    Time,
    /// In both, with other fields.
    Fields,
}

impl Difference {
    /// All there are, the gravest first.
    pub const ALL: [Self; 7] =
        [Self::Added, Self::Removed, Self::Moved, Self::Reordered, Self::Count, Self::Fields, Self::Time];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Moved => "moved",
            Self::Reordered => "reordered",
            Self::Count => "count",
            Self::Time => "time",
            Self::Fields => "fields",
        }
    }
}

/// What is taken as the same.
#[derive(Clone, Debug)]
pub struct Tolerance {
    /// Times that differ by less than this factor.
    pub ratio: f64,
    /// Times that differ by less than this, in ns.
    pub ns: u64,
    /// Fields that are not looked at.
    pub ignored: BTreeSet<String>,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { ratio: 2.0, ns: 1_000_000, ignored: BTreeSet::new() }
    }
}

/// All spans of one path in one recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Calls {
    /// How many there were.
    pub count: u64,
    /// How many of them were not over.
    pub open: u64,
    /// Program time from their openings to their ends, or to the end of the recording, in ns.
    pub total: u64,
    /// The first of them.
    pub first: SpanId,
    /// Their fields: values of the first few.
    pub fields: Fields,
}

/// A path in two recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The path around it; without one it is the outermost call of its lane.
    pub parent: Option<usize>,
    /// The paths below it, in the order of the first recording, those of the second where they came.
    pub children: Vec<usize>,
    /// Its kind of lane, such as `main` or `conn-*`.
    pub lane: Arc<str>,
    /// What is called.
    pub callsite: Arc<Callsite>,
    /// The calls in the first recording and in the second.
    pub calls: [Option<Calls>; 2],
    /// Where it is in the other recording, if it moved: a node that has the calls of the other side.
    pub moved: Option<usize>,
    /// It moved because what is around it did.
    pub moved_along: bool,
    /// What is different.
    pub differences: BTreeSet<Difference>,
    /// Names of the fields that differ.
    pub fields: Vec<Arc<str>>,
}

/// Two recordings, compared.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

impl Comparison {
    /// Compares two recordings.
    #[must_use]
    pub fn new(a: &Log, b: &Log, tolerance: &Tolerance) -> Self {
        let mut merged = Self::default();
        let (a, b) = (Tree::of(a), Tree::of(b));
        merged.merge(&a, &b);
        moves::find(&mut merged);
        merged.judge(tolerance);
        merged
    }

    /// All paths.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The outermost paths, in the order in which they began.
    #[must_use]
    pub fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// How often each difference is there.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Difference, usize> {
        let mut counts = BTreeMap::new();
        for difference in self.nodes.iter().flat_map(|node| &node.differences) {
            *counts.entry(*difference).or_default() += 1;
        }
        counts
    }

    /// A path in words: `main: run > start > apply`.
    #[must_use]
    pub fn path(&self, at: usize) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut next = Some(at);
        while let Some(at) = next {
            names.push(&self.nodes[at].callsite.name);
            next = self.nodes[at].parent;
        }
        names.reverse();
        format!("{}: {}", self.nodes[at].lane, names.join(" > "))
    }

    /// Puts two trees into one.
    fn merge(&mut self, a: &Tree, b: &Tree) {
        // Pairs of nodes whose children are to be merged, and the merged node.
        let mut todo: Vec<(Option<usize>, [Option<usize>; 2])> = vec![(None, [None, None])];
        let mut is_first = true;
        while let Some((parent, [of_a, of_b])) = todo.pop() {
            let of = |tree: &Tree, node: Option<usize>| match node {
                Some(node) => tree.children(node).to_vec(),
                None if is_first => tree.roots().to_vec(),
                None => Vec::new(),
            };
            let (left, right) = (of(a, of_a), of(b, of_b));
            is_first = false;
            let pairs = pairs(a, &left, b, &right);
            for sides in pairs {
                let number = self.nodes.len();
                let [in_a, in_b] = sides;
                let tree_node = in_a.map(|at| a.node(at)).or_else(|| in_b.map(|at| b.node(at)));
                let Some(tree_node) = tree_node else { continue };
                self.nodes.push(Node {
                    parent,
                    children: Vec::new(),
                    lane: tree_node.lane.clone(),
                    callsite: tree_node.callsite.clone(),
                    calls: [in_a.map(|at| a.node(at).calls.clone()), in_b.map(|at| b.node(at).calls.clone())],
                    moved: None,
                    moved_along: false,
                    differences: BTreeSet::new(),
                    fields: Vec::new(),
                });
                match parent {
                    Some(parent) => self.nodes[parent].children.push(number),
                    None => self.roots.push(number),
                }
                todo.push((Some(number), sides));
            }
            if let Some(parent) = parent {
                self.mark_reordered(parent, a, b, [of_a, of_b]);
            }
        }
    }

    /// Children of a call that was made once in both come in an order; those that do not keep it are marked.
    fn mark_reordered(&mut self, parent: usize, a: &Tree, b: &Tree, sides: [Option<usize>; 2]) {
        let once = |calls: &Option<Calls>| calls.as_ref().is_some_and(|calls| calls.count == 1);
        let [Some(in_a), Some(in_b)] = sides else { return };
        if !self.nodes[parent].calls.iter().all(once) {
            return;
        }
        // Places in the second recording, in the order of the first.
        let of_b = places_of(b, b.children(in_b));
        let places = a.children(in_a).iter().filter_map(|at| of_b.get(&a.node(*at).key()).copied());
        let places: Vec<usize> = places.collect();
        let kept = longest_rising(&places);
        let both = self.nodes[parent].children.iter().copied();
        let both: Vec<usize> = both.filter(|at| self.nodes[*at].calls.iter().all(Option::is_some)).collect();
        for (at, node) in both.into_iter().enumerate() {
            if !kept.contains(&at) {
                self.nodes[node].differences.insert(Difference::Reordered);
            }
        }
    }

    /// Says of every path what is different.
    fn judge(&mut self, tolerance: &Tolerance) {
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            let other = node.moved.map(|other| &self.nodes[other]);
            // A path that moved is judged where it came to.
            let (found, fields) = match (&node.calls, other) {
                ([Some(a), Some(b)], _) => compared(a, b, tolerance),
                ([None, Some(b)], Some(other)) => {
                    let (mut found, fields) =
                        other.calls[0].as_ref().map(|a| compared(a, b, tolerance)).unwrap_or_default();
                    if !node.moved_along {
                        found.push(Difference::Moved);
                    }
                    (found, fields)
                }
                ([Some(_), None], Some(_)) => continue,
                ([None, _], None) => (vec![Difference::Added], Vec::new()),
                ([_, None], None) => (vec![Difference::Removed], Vec::new()),
                ([None, None], _) => continue,
            };
            let node = &mut self.nodes[at];
            node.differences.extend(found);
            node.fields = fields;
        }
    }
}

/// What is different about the calls of a path that is in both.
fn compared(a: &Calls, b: &Calls, tolerance: &Tolerance) -> (Vec<Difference>, Vec<Arc<str>>) {
    let mut found = Vec::new();
    if (a.count, a.open) != (b.count, b.open) {
        found.push(Difference::Count);
    }
    let (short, long) = (a.total.min(b.total), a.total.max(b.total));
    if long - short >= tolerance.ns && long as f64 >= short as f64 * tolerance.ratio {
        found.push(Difference::Time);
    }
    let fields: Vec<Arc<str>> =
        a.fields.differ(&b.fields).filter(|name| !tolerance.ignored.contains(&**name)).collect();
    if !fields.is_empty() {
        found.push(Difference::Fields);
    }
    (found, fields)
}

/// Children of both by what they call: those of the first in their order, those of the second alone behind the one that is
/// before them.
fn pairs(a: &Tree, left: &[usize], b: &Tree, right: &[usize]) -> Vec<[Option<usize>; 2]> {
    let (of_a, of_b) = (places_of(a, left), places_of(b, right));
    // What is in the second alone, by how many of the first are before it.
    let mut alone: Vec<Vec<usize>> = vec![Vec::new(); left.len() + 1];
    let mut behind = 0;
    for at in right {
        match of_a.get(&b.node(*at).key()) {
            Some(place) => behind = place + 1,
            None => alone[behind].push(*at),
        }
    }
    let mut pairs = Vec::new();
    for (place, alone) in alone.into_iter().enumerate() {
        if let Some(at) = place.checked_sub(1).map(|place| left[place]) {
            pairs.push([Some(at), of_b.get(&a.node(at).key()).map(|place| right[*place])]);
        }
        pairs.extend(alone.into_iter().map(|at| [None, Some(at)]));
    }
    pairs
}

/// The place of each in a list, by what it calls.
fn places_of<'a>(tree: &'a Tree, list: &[usize]) -> BTreeMap<KeyRef<'a>, usize> {
    list.iter().enumerate().map(|(place, at)| (tree.node(*at).key(), place)).collect()
}

/// Places of a longest part of a list that rises.
fn longest_rising(list: &[usize]) -> BTreeSet<usize> {
    // For each length the place at which such a part ends lowest, and for each place the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        let length = ends.partition_point(|end| list[*end] < *value);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() { ends.push(at) } else { ends[length] = at }
    }
    let mut next = ends.last().copied();
    let mut kept = BTreeSet::new();
    while let Some(at) = next {
        kept.insert(at);
        next = before[at];
    }
    kept
}

#[cfg(test)]
mod tests;
