//! A recording as a tree of paths.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Calls;
use super::alike::{call_of, kind_of};
use crate::trace::{Callsite, Field, LaneId, Log, SpanId, SpanRecord, Value};

/// Spans of a path whose fields are looked at.
const LOOKED_AT: u64 = 64;
/// The field that names another span: numbers of spans are those of a run.
const FOLLOWS_FROM: &str = "follows_from";

/// The values of the fields of a path, as texts: for each name those that the first spans ended with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    values: BTreeMap<Arc<str>, BTreeSet<String>>,
}

impl Fields {
    fn add(&mut self, fields: &[Field]) {
        let mut last: BTreeMap<&Arc<str>, &Value> = BTreeMap::new();
        for field in fields.iter().filter(|field| *field.name != *FOLLOWS_FROM) {
            last.insert(&field.name, &field.value);
        }
        for (name, value) in last {
            self.values.entry(name.clone()).or_default().insert(value.to_string());
        }
    }

    /// The values of a name, in the order of their texts.
    pub fn of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Names that are in one alone, or have other values.
    pub(super) fn differ<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Arc<str>> + 'a {
        let names: BTreeSet<&Arc<str>> = self.values.keys().chain(other.values.keys()).collect();
        names.into_iter().filter(|name| self.values.get(*name) != other.values.get(*name)).cloned()
    }
}

/// What a path is called by among its neighbours.
pub(super) type KeyRef<'a> = (&'a str, &'a str, &'a str);

/// The path around, the kind of lane, the target and the name.
type Key = (Option<usize>, Arc<str>, Arc<str>, Arc<str>);

/// A path.
pub(super) struct TreeNode {
    pub(super) lane: Arc<str>,
    pub(super) callsite: Arc<Callsite>,
    pub(super) calls: Calls,
    children: Vec<usize>,
}

impl TreeNode {
    pub(super) fn key(&self) -> KeyRef<'_> {
        (&self.lane, &self.callsite.target, &self.callsite.name)
    }
}

/// All paths of a recording, in the order in which each came first.
#[derive(Default)]
pub(super) struct Tree {
    nodes: Vec<TreeNode>,
    roots: Vec<usize>,
}

impl Tree {
    pub(super) fn of(log: &Log) -> Self {
        let mut tree = Self::default();
        let clock = log.clock();
        let end = clock.program(log.time_at(log.len()));
        place(log, &mut Numbers::default(), |&Placed { span, path: at, around, lane, callsite }| {
            if at == tree.nodes.len() {
                let (lane, callsite) = (lane.clone(), callsite.clone());
                let calls = Calls { count: 0, open: 0, total: 0, first: span.id, fields: Fields::default() };
                tree.nodes.push(TreeNode { lane, callsite, calls, children: Vec::new() });
                match around {
                    Some(around) => tree.nodes[around].children.push(at),
                    None => tree.roots.push(at),
                }
            }
            let calls = &mut tree.nodes[at].calls;
            calls.count += 1;
            calls.open += u64::from(span.close.is_none());
            let close = span.close.map_or(end, |close| clock.program(close.1));
            calls.total = calls.total.saturating_add(close.since(clock.program(span.open.1)));
            if calls.count <= LOOKED_AT {
                calls.fields.add(&log.fields(span.id, log.len()));
            }
        });
        tree
    }

    pub(super) fn node(&self, at: usize) -> &TreeNode {
        &self.nodes[at]
    }

    pub(super) fn children(&self, at: usize) -> &[usize] {
        &self.nodes[at].children
    }

    pub(super) fn roots(&self) -> &[usize] {
        &self.roots
    }
}

/// Paths by number.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<Key, usize>,
}

/// A span, and the path that it is of.
pub(super) struct Placed<'a> {
    pub(super) span: &'a SpanRecord,
    pub(super) path: usize,
    /// The path around it.
    pub(super) around: Option<usize>,
    /// Its kind of lane.
    pub(super) lane: &'a Arc<str>,
    /// What is called.
    pub(super) callsite: &'a Arc<Callsite>,
}

/// Tells of every span of a log which path it is of, in the order of opening. Paths that are new get the next numbers.
pub(super) fn place(log: &Log, numbers: &mut Numbers, mut told: impl FnMut(&Placed<'_>)) {
    let mut lanes: HashMap<LaneId, Arc<str>> = HashMap::new();
    let mut calls: HashMap<Arc<Callsite>, Arc<Callsite>> = HashMap::new();
    let mut path_of: HashMap<SpanId, usize> = HashMap::new();
    for span in log.spans() {
        let lane = lanes
            .entry(span.lane)
            .or_insert_with(|| log.lane(span.lane).map_or_else(|| "?".into(), |lane| kind_of(&lane.name)));
        // Who is around it in another lane made it, and does not call it.
        let around = span.parent.filter(|parent| log.span(*parent).is_some_and(|parent| parent.lane == span.lane));
        let around = around.and_then(|parent| path_of.get(&parent).copied());
        let callsite = calls.entry(span.callsite.clone()).or_insert_with(|| call_of(&span.callsite));
        let key = (around, lane.clone(), callsite.target.clone(), callsite.name.clone());
        let next = numbers.known.len();
        let path = *numbers.known.entry(key).or_insert(next);
        path_of.insert(span.id, path);
        told(&Placed { span: &span, path, around, lane, callsite });
    }
}
