//! Folded stacks, one a line with its time, and the flame graph that is made of them.
//!
//! ```text
//!   main;run;serve_forever;start;init_socket;init_socket 41211
//!   hub;run (open);run (open);poll 1183902
//! ```
//!
//! The outermost frame is the lane. The number is the time in ns in which the call was the innermost of its lane, also waiting: the
//! width of a frame is the time that it was open, as everywhere else.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use inferno::flamegraph::{self, Options, TextTruncateDirection};

use super::{Clock, Excerpt, Span};
use crate::trace::{LaneId, SpanId};

/// Writes the lines, in the order of their texts.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    Tree::of(excerpt).tell(&mut |stack, ns| writeln!(out, "{stack} {ns}"))
}

/// Writes the picture.
pub(super) fn write_svg(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (mut lines, mut is_empty) = (Vec::new(), true);
    Tree::of(excerpt).tell(&mut |stack, ns| {
        lines.push(format!("{stack} {ns}"));
        // Nothing can be drawn of what took no time.
        is_empty &= ns == 0;
        Ok(())
    })?;
    let mut options = Options::default();
    options.title = "Calls by lane".to_owned();
    options.subtitle = Some(match excerpt.clock() {
        Clock::Program => "time open, waiting too, in which the program was not held".to_owned(),
        Clock::Wall => "time open, waiting too, by the clock".to_owned(),
    });
    options.count_name = "ns".to_owned();
    options.text_truncate_direction = TextTruncateDirection::Right;
    // Colours that are the same each time.
    options.hash = true;
    if is_empty {
        let what = if lines.is_empty() { "No calls" } else { "No calls that took time" };
        options.title = format!("{what} in this excerpt");
    }
    // Drawn in memory: what the reader of the picture says is to be known as what it is.
    let mut picture = Vec::new();
    let lines = if is_empty { vec!["nothing 1".to_owned()] } else { lines };
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut picture).map_err(io::Error::other)?;
    out.write_all(&picture)
}

/// Stacks by what is in them: a node for each, below that of the stack without its innermost frame. Lanes are the outermost
/// frames, and those of one name are one.
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    /// The time of the stack itself.
    ns: u64,
    inside: BTreeMap<String, usize>,
}

/// What is told next, of a frame behind so many letters: its line, or what is inside of it.
struct Next {
    behind: usize,
    text: String,
    node: usize,
    is_line: bool,
}

impl Tree {
    const ROOT: usize = 0;

    fn of(excerpt: &Excerpt<'_>) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        let mut inside: HashMap<SpanId, u64> = HashMap::new();
        let lane_of = |span: SpanId| excerpt.log().span(span).map(|span| span.lane);
        let around = |span: &Span| span.parent.filter(|parent| lane_of(*parent) == Some(span.lane));
        for span in excerpt.spans() {
            if let Some(parent) = around(&span) {
                *inside.entry(parent).or_default() += span.duration();
            }
        }
        let name = |lane: LaneId| excerpt.log().lane(lane).map_or_else(|| "?".to_owned(), |lane| plain(&lane.name));
        let mut node_of: HashMap<SpanId, usize> = HashMap::new();
        for span in excerpt.spans() {
            let under = around(&span).and_then(|parent| node_of.get(&parent).copied());
            let under = under.unwrap_or_else(|| tree.inside(Self::ROOT, name(span.lane)));
            let node = tree.inside(under, frame(&span));
            let own = span.duration().saturating_sub(inside.get(&span.id).copied().unwrap_or(0));
            tree.nodes[node].ns += own;
            node_of.insert(span.id, node);
        }
        tree
    }

    /// The node of a frame in a stack.
    fn inside(&mut self, under: usize, frame: String) -> usize {
        let next = self.nodes.len();
        let node = *self.nodes[under].inside.entry(frame).or_insert(next);
        if node == next {
            self.nodes.push(Node::default());
        }
        node
    }

    /// Tells every stack with its time, in the order of their texts. Of deep stacks no more is in memory than one text.
    fn tell(&self, told: &mut dyn FnMut(&str, u64) -> io::Result<()>) -> io::Result<()> {
        let (mut stack, mut todo) = (String::new(), self.next_in(Self::ROOT, 0));
        while let Some(Next { behind, text, node, is_line }) = todo.pop() {
            stack.truncate(behind);
            stack += &text;
            if is_line {
                told(&stack, self.nodes[node].ns)?;
            } else {
                todo.extend(self.next_in(node, stack.len()));
            }
        }
        Ok(())
    }

    /// What there is to tell of the frames in a stack whose text is so long, last first. A text with more frames is behind one
    /// that goes on with a blank.
    fn next_in(&self, node: usize, behind: usize) -> Vec<Next> {
        let mut next: Vec<Next> = Vec::new();
        for (frame, &node) in &self.nodes[node].inside {
            let of = &self.nodes[node];
            // A frame that only holds others has a line of its own only if it had time of its own.
            if of.ns > 0 || of.inside.is_empty() {
                next.push(Next { behind, text: frame.clone(), node, is_line: true });
            }
            if !of.inside.is_empty() {
                next.push(Next { behind, text: format!("{frame};"), node, is_line: false });
            }
        }
        next.sort_by(|a, b| b.text.cmp(&a.text));
        next
    }
}

/// A frame's text, with what must be said of its end.
fn frame(span: &Span) -> String {
    let mark = span.mark().map(|mark| format!(" ({mark})")).unwrap_or_default();
    format!("{}{mark}", plain(&span.callsite.name))
}

/// Without what would end a frame or a line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c == ';' || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_told_in_the_order_of_their_texts_however_deep_they_are() {
        let mut tree = Tree { nodes: vec![Node::default()] };
        for stack in ["b;x", "a", "a b;c", "a;b;c", "a;b", "a;b c", "a!;z", "b"] {
            let node = stack.split(';').fold(Tree::ROOT, |under, frame| tree.inside(under, frame.to_owned()));
            tree.nodes[node].ns = 1;
        }
        let deepest = (0..100_000).fold(Tree::ROOT, |under, _| tree.inside(under, "f".to_owned()));
        tree.nodes[deepest].ns = 7;
        let mut told = Vec::new();
        tree.tell(&mut |stack, ns| {
            told.push((stack.to_owned(), ns));
            Ok(())
        })
        .unwrap();
        assert!(told.is_sorted(), "{:?}", &told[..8]);
        assert_eq!(told.len(), 9);
        assert_eq!(told[8], (vec!["f"; 100_000].join(";"), 7));
    }
}
