//! A sequence diagram for Mermaid: lanes, their calls, and what passes between them.
//!
//! ```text
//!   sequenceDiagram
//!     participant l1 as main
//!     participant l2 as hub
//!     l1->>+l1: run
//!     l1->>l2: switch: AsyncResult.get
//!     deactivate l1
//! ```
//!
//! A call is an arrow of a lane to itself, and a bar until it is over. Most viewers draw a few hundred arrows at the most: `--depth`,
//! `--lane` and the stretch make it as short as a slide.

use std::io::{self, Write};

use super::{Excerpt, Flow, Span, lanes};
use crate::trace::{LaneId, Seq};

/// A line, or two.
enum Step {
    Begin(Span),
    End(LaneId),
    Flow(Flow),
}

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "sequenceDiagram")?;
    for lane in lanes::all(excerpt, excerpt.flows().flat_map(|flow| [flow.from, flow.to])) {
        writeln!(out, "    participant {} as {}", id(lane.id), text(&lane.name))?;
    }
    let mut steps: Vec<(Seq, Step)> = excerpt.flows().map(|flow| (flow.place, Step::Flow(flow))).collect();
    // With what is said of them.
    let mut open: Vec<(LaneId, String)> = Vec::new();
    for span in excerpt.spans() {
        match span.over {
            Some(over) => steps.push((over, Step::End(span.lane))),
            None => {
                let state = if span.is_open { "is open" } else { "ends later" };
                open.push((span.lane, format!("{} {state}", text(&span.callsite.name))));
            }
        }
        steps.push((span.at, Step::Begin(span)));
    }
    steps.sort_unstable_by_key(|step| step.0);
    steps.iter().try_for_each(|(_, step)| write_step(step, out))?;
    // A bar that is never ended is not drawn; that it goes on is said instead.
    for (lane, said) in open {
        let lane = id(lane);
        writeln!(out, "    Note over {lane}: {said}\n    deactivate {lane}")?;
    }
    Ok(())
}

fn write_step(step: &Step, out: &mut dyn Write) -> io::Result<()> {
    match step {
        Step::Begin(span) => {
            let (lane, name) = (id(span.lane), text(&span.callsite.name));
            let before = if span.begins_before { " (begun before)" } else { "" };
            writeln!(out, "    {lane}->>+{lane}: {name}{before}")
        }
        Step::End(lane) => writeln!(out, "    deactivate {}", id(*lane)),
        Step::Flow(flow) => {
            let (from, to) = (id(flow.from), id(flow.to));
            let (arrow, what) = if flow.is_switch { ("->>", "switch") } else { ("-)", "wake") };
            let reason = flow.reason.as_deref().map(|reason| format!(": {}", text(reason))).unwrap_or_default();
            writeln!(out, "    {from}{arrow}{to}: {what}{reason}")
        }
    }
}

fn id(lane: LaneId) -> String {
    format!("l{}", lane.0)
}

/// A text of which Mermaid makes nothing else: its own signs as entities.
fn text(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '#' | ';' | '<' | '>' | '%' => {
                plain += &format!("#{};", u32::from(letter));
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    // A word that ends a block, and those that say where lines are to be broken, are none behind a blank of no width.
    let begins = |word: &str| plain.trim_start_matches([':', ' ']).starts_with(word);
    let is_taken = plain.eq_ignore_ascii_case("end") || begins("wrap:") || begins("nowrap:");
    if is_taken { format!("#8203;{plain}") } else { plain }
}
