//! Sequence diagrams, as Mermaid itself reads them: every step of the excerpt, in its order.

use serde_json::{Value as Json, json};
use spanwalk::format::{Excerpt, Span};
use spanwalk::trace::{LaneId, Seq};

/// Holds a diagram to the calls, ends and flows of its excerpt, and says what does not end in it.
#[track_caller]
pub fn check(excerpt: &Excerpt<'_>, stem: &str, reading: &Json) {
    let id = |lane: LaneId| format!("l{}", lane.0);
    let mut steps: Vec<(Seq, Json)> = Vec::new();
    let (mut begun_before, mut open) = (Vec::new(), Vec::new());
    for span in excerpt.spans() {
        let Span { lane, over, begins_before, is_open, .. } = span;
        let (lane, name) = (id(lane), drawn(&span.callsite.name));
        let before = if begins_before { " (begun before)" } else { "" };
        let call = json!(["call", lane, lane, drawn(&format!("{name}{before}"))]);
        if begins_before {
            begun_before.push(call);
        } else {
            steps.push((span.at, call));
        }
        match over {
            Some(over) => steps.push((over, json!(["end", lane, lane, ""]))),
            None => {
                let state = if is_open { "is open" } else { "ends later" };
                open.push(json!(["note", lane, lane, drawn(&format!("{name} {state}"))]));
                open.push(json!(["end", lane, lane, ""]));
            }
        }
    }
    for flow in excerpt.flows() {
        let what = if flow.is_switch { "switch" } else { "wake" };
        let reason = flow.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        steps.push((flow.place, json!([what, id(flow.from), id(flow.to), drawn(&format!("{what}{reason}"))])));
    }
    steps.sort_by_key(|step| step.0);
    let steps = begun_before.into_iter().chain(steps.into_iter().map(|step| step.1)).chain(open);
    let (steps, found): (Vec<Json>, _) = (steps.collect(), reading["steps"].as_array().unwrap());
    for (found, step) in found.iter().zip(&steps) {
        assert_eq!(found, step, "{stem}.mmd");
    }
    assert_eq!(found.len(), steps.len(), "{stem}.mmd");
    let actors = reading["actors"].as_array().unwrap();
    for lane in excerpt.lanes() {
        assert!(actors.contains(&json!([id(lane.id), drawn(&lane.name)])), "{stem}.mmd: {} is not there", lane.name);
    }
}

/// A text in one line, as it is drawn.
fn drawn(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>().trim().to_owned()
}
