//! Breakpoints as text, and their hits in a log, held to answers that are slow and obvious.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod programs;

use std::collections::HashMap;

use proptest::prelude::*;
use spanwalk::trace::{
    Breakpoint, BreakpointId, Breakpoints, Callsite, Candidate, Chain, ChainStep, Condition, Field, HitRule, Hits, Key,
    Kind, Log, SpanId,
};

fn chain() -> Chain {
    let step = |id: &str, name: &str| ChainStep {
        id: id.to_owned(),
        key: Key { name: name.to_owned(), target: "chain".to_owned() },
    };
    Chain::new(vec![step("hub.run", "run"), step("loop.run", "run"), step("pool.spawn", "spawn")])
}

fn read(text: &str) -> Result<Breakpoint, String> {
    let (condition, rule) = Condition::parse(text, &chain()).map_err(|error| error.to_string())?;
    Ok(Breakpoint { id: BreakpointId(1), condition, rule, is_on: true })
}

#[test]
fn what_is_typed_is_printed_so_that_it_reads_the_same_again() {
    #[track_caller]
    fn check(text: &str, printed: &str) {
        let read_once = read(text).unwrap();
        assert_eq!(read_once.to_string(), printed);
        assert_eq!(read(printed).unwrap(), read_once);
    }
    check("spawn", "spawn");
    check("step:spawn", "step:pool.spawn");
    check("step:3#3", "step:pool.spawn #3");
    check(" field.n>4096  step=hub.run   lane:hub #3+ ", "step:hub.run field.n>4096 lane:hub #3+");
    check("name:spawn #%3", "spawn #%3");
    check("target:server::hub #1+", "target:server::hub");
    check("field.path:\"/a#3\"", "field.path:\"/a#3\"");
    check("\"a#b\" #2", "\"a#b\" #2");
    check("field.text:\"two step:words\"", "field.text:\"two step:words\"");
}

#[test]
fn what_is_not_known_when_a_call_begins_is_refused_with_what_to_write() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(read(text).unwrap_err(), expected);
    }
    let late = "is not known yet when a call begins, which is where a breakpoint stops; ask for step name target lane file field.NAME, or search for it";
    check("spawn dur>1ms", &format!("`dur>1ms` {late}"));
    check("self<=20us", &format!("`self<=20us` {late}"));
    check("!open:", &format!("`!open:` {late}"));
    let hits = "write #3 (the third hit), #3+ (from the third on) or #%3 (every third); quote a text that has a #";
    check("spawn#x", &format!("`#x`: {hits}"));
    check("spawn #0", &format!("`#0`: {hits}"));
    check("spawn #", &format!("`#`: {hits}"));
    let nothing =
        "say where to stop: step:spawn, name:spawn, target:server::hub or field.size>4096; #3 is the third hit";
    check("", nothing);
    check("#3", nothing);
    check("step:run", "`run` may be hub.run or loop.run");
    check("step:4", "there are 3 steps, and no step 4");
    check("step:jump", "no step is called `jump`");
    check("step:1 step:2", "no call is two steps: set a breakpoint for `step:hub.run` and one for `step:loop.run`");
    check(
        "hub::run",
        "`hub::run`: there is no `hub`; stop by step name target lane file field.NAME, or quote a name: \"hub::run\"",
    );
    check("field.n>many", "`field.n>many`: `many` is no number; < and > compare numbers, : and = also words");
}

#[test]
fn the_same_condition_is_one_breakpoint_and_numbers_are_not_given_twice() {
    let mut list = Breakpoints::default();
    let add = |list: &mut Breakpoints, text: &str| {
        let (condition, rule) = Condition::parse(text, &chain()).unwrap();
        list.add(condition, rule).0
    };
    assert_eq!([add(&mut list, "spawn"), add(&mut list, "step:3"), add(&mut list, "spawn #2")], [1, 2, 1]);
    assert_eq!(list.get(BreakpointId(1)).unwrap().rule, HitRule::At(2));
    assert!(list.remove(BreakpointId(2)).is_some() && list.remove(BreakpointId(2)).is_none());
    assert_eq!(add(&mut list, "step:3"), 3);
    assert!(list.is_any_on() && list.turn(BreakpointId(1), false) && list.turn(BreakpointId(3), false));
    assert!(!list.is_any_on() && !list.turn(BreakpointId(2), true));
}

#[test]
fn a_call_is_a_step_if_it_is_one_and_else_its_name_and_target() {
    let callsite = |name: &str| Callsite { name: name.into(), target: "chain".into(), file: None, line: None };
    assert_eq!(Condition::of(&callsite("spawn"), &chain()).to_string(), "step:pool.spawn");
    assert_eq!(Condition::of(&callsite("put"), &chain()).to_string(), "name=put target=chain");
}

/// Every hit, by looking at each call at its first enter with all that was said of it until then. As cursors behind them.
fn hits_slowly(log: &Log, condition: &Condition) -> Vec<usize> {
    let mut known: HashMap<SpanId, (Callsite, String, Vec<Field>)> = HashMap::new();
    let mut hits = Vec::new();
    for (at, event) in log.events_in(..).enumerate() {
        match event.kind {
            Kind::Open { span, callsite, fields, .. } => {
                let lane = log.lane(event.lane).unwrap().name.to_string();
                known.insert(span, ((*callsite).clone(), lane, fields));
            }
            Kind::Record { span, fields } => {
                known.entry(span).and_modify(|known| known.2.extend(fields));
            }
            Kind::Enter { span } => {
                // It is known once: the next enter is not the first.
                let Some((callsite, lane, fields)) = known.remove(&span) else { continue };
                let call = Candidate {
                    callsite: &callsite,
                    lane: &lane,
                    fields: &fields,
                    total: 0,
                    own: Some(0),
                    is_open: true,
                };
                if condition.matches(&call) {
                    hits.push(at + 1);
                }
            }
            _ => {}
        }
    }
    hits
}

fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "(run|poll|spawn|start)",
        "lane:lane-[1-5]",
        "field\\.n(<|>)[0-9]{1,4}",
        Just("field.n:".to_owned()),
        Just("target:server".to_owned()),
    ];
    let rule = prop_oneof![Just(String::new()), " #[1-4]", " #[2-4]\\+", " #%[2-3]"];
    (proptest::collection::vec(("!?", word).prop_map(|(not, word)| format!("{not}{word}")), 1..3), rule)
        .prop_map(|(words, rule)| words.join(" ") + &rule)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_and_the_previous_hit_of_a_growing_log_are_those_of_a_slow_scan(
        whole in programs::log(),
        text in texts(),
        slice in 1_usize..200,
        grown in 1_usize..50,
    ) {
        let Breakpoint { condition, rule, .. } = read(&text).unwrap();
        let (mut log, mut hits) = (Log::new(), Hits::new(condition.clone()));
        for (at, event) in whole.events_in(..).enumerate() {
            log.push(event);
            if at % grown == 0 {
                hits.read(&log, slice);
            }
        }
        while hits.is_behind(&log) {
            hits.read(&log, slice);
        }
        let all = hits_slowly(&whole, &condition);
        prop_assert_eq!(hits.len(), all.len());
        prop_assert_eq!(hits.last(), all.last().copied());
        let stops: Vec<usize> =
            (1..).zip(&all).filter(|(number, _)| rule.stops_at(*number)).map(|(_, at)| *at).collect();
        for cursor in 0..=log.len() {
            prop_assert_eq!(hits.before(cursor), all.iter().filter(|at| **at <= cursor).count());
            prop_assert_eq!(hits.next(cursor, rule), stops.iter().find(|at| **at > cursor).copied());
            prop_assert_eq!(hits.previous(cursor, rule), stops.iter().rfind(|at| **at < cursor).copied());
        }
    }
}
