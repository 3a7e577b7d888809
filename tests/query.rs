//! The language of searches: what is read, what is refused and how, and what matches.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use spanwalk::trace::{Callsite, Candidate, Field, Query, Value};

fn callsite() -> Callsite {
    Callsite {
        name: "get_listener".into(),
        target: "spanwalk::server::stream_server".into(),
        file: Some("src/server/stream_server.rs".into()),
        line: Some(70),
    }
}

fn fields() -> Vec<Field> {
    let field = |name: &str, value: Value| Field { name: name.into(), value };
    vec![
        field("fd", Value::U64(5)),
        field("semaphore", Value::Str("11".into())),
        field("semaphore", Value::U64(10)),
        field("path", "/a b".into()),
        field("ok", Value::Bool(true)),
        field("empty", "".into()),
        field("odd", "NaN".into()),
    ]
}

fn matches(query: &str) -> bool {
    matches_of_own(query, Some(20_000))
}

/// Whether it matches the span if its own time is this.
fn matches_of_own(query: &str, own: Option<u64>) -> bool {
    let (callsite, fields) = (callsite(), fields());
    let candidate =
        Candidate { callsite: &callsite, lane: "worker-1", fields: &fields, total: 1_500_000, own, is_open: false };
    let query: Query = query.parse().unwrap();
    let answer = query.matches(&candidate);
    assert!(!answer || query.allows(&callsite, "worker-1"), "what matches is allowed: {query}");
    answer
}

#[test]
fn words_say_what_a_span_must_be() {
    #[track_caller]
    fn check(yes: &[&str], no: &[&str]) {
        for query in yes {
            assert!(matches(query), "{query} should match");
        }
        for query in no {
            assert!(!matches(query), "{query} should not match");
        }
    }
    check(&["", "get", "LISTEN", "\"get_l\"", "get listener"], &["put", "get put", "\"get listener\""]);
    check(&["name:get", "name=get_listener", "!name=get", "name!=get"], &["name=get", "name=GET_LISTENER"]);
    check(&["target:server::stream", "file:stream_server.rs", "lane:worker"], &["lane=worker", "lane:hub"]);
    check(&["-put", "!lane:hub", "!!get"], &["!get", "-lane:worker-1"]);
    check(&["field.fd:5", "field.fd=5.0", "field.fd>4", "field.fd<=5"], &["field.fd:50", "field.fd>5", "field.df:5"]);
    check(&["field.semaphore:11", "field.semaphore:10", "field.semaphore>=11"], &["field.semaphore:1"]);
    check(&["field.path:\"a b\"", "field.path=\"/a b\"", "field.ok:true"], &["field.path:b\\", "field.ok:1"]);
    check(&["field.fd:", "!field.df:", "field.empty=", "field.odd:nan"], &["field.df:", "field.fd=\"\""]);
    check(&["dur>1ms", "dur>=1.5ms", "self<=20us", "dur<2s"], &["dur>2ms", "self>20us", "open:"]);
    check(&["!open: lane:worker-1 field.fd:5 dur>1ms get"], &["!open: lane:worker-1 field.fd:6 dur>1ms get"]);
}

#[test]
fn what_is_no_query_is_refused_with_what_to_write() {
    #[track_caller]
    fn check(query: &str, expected: &str) {
        assert_eq!(query.parse::<Query>().unwrap_err().to_string(), expected);
    }
    check(
        "get hub::run",
        "`hub::run`: there is no `hub`; ask for name target lane file field.NAME dur self open, or quote a name: \"hub::run\"",
    );
    check(
        "field.:1",
        "`field.:1`: there is no `field.`; ask for name target lane file field.NAME dur self open, or quote a name: \"field.:1\"",
    );
    check("name:", "`name:` wants a value behind it, such as name:spawn");
    check("dur:1ms", "`dur:1ms`: a time is compared with < <= > >=, as in dur>1ms");
    check("lane>hub", "`lane>hub`: a text is compared with : or =, as in lane:hub");
    check("dur>1", "`dur>1`: write a number and its unit, such as dur>12.3us, dur>1.9ms or dur>2s");
    check("field.fd>five", "`field.fd>five`: `five` is no number; < and > compare numbers, : and = also words");
    check("x name:\"a b", "`name:\"a b` has no closing quote; write name:\"a b\"");
    check("get !", "`!` stands alone; write it before a word, as in !name:spawn");
    check("open:yes", "`open:yes`: `open:` takes no value; write open: or !open:");
}

/// A word of a query, and how to say it.
fn word() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z_:.*/-]{1,8}",
        "[ -~äß→]{0,8}".prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
    ];
    let text = ("(name|target|lane|file|field\\.[a-z.]{1,4})", "(:|=|!=)", value.clone())
        .prop_map(|(key, sign, value)| format!("{key}{sign}{value}"));
    let number = ("field\\.[a-z]{1,4}", "(<|<=|>|>=)", -1e6..1e9_f64).prop_map(|(key, s, n)| format!("{key}{s}{n}"));
    let time = ("(dur|self)", "(<|<=|>|>=)", 0..1_u64 << 52).prop_map(|(key, sign, ns)| format!("{key}{sign}{ns}ns"));
    let bare = prop_oneof!["[a-z]{1,6}", Just("open:".to_owned()), Just("field.x:".to_owned()), value];
    // `a::b` and `-` alone are nothing to ask for.
    let is_query = |text: &String| text.parse::<Query>().is_ok();
    ("[!-]{0,2}", prop_oneof![text, number, time, bare])
        .prop_map(|(not, word)| format!("{not}{word}"))
        .prop_filter("refused", is_query)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_query_printed_and_read_again_is_the_same(words in proptest::collection::vec(word(), 0..5)) {
        let query: Query = words.join(" ").parse().unwrap();
        let printed = query.to_string();
        prop_assert_eq!(printed.parse::<Query>().unwrap(), query.clone(), "{}", printed);
        prop_assert_eq!(query.is_empty(), words.is_empty());
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[ -~ä→\\n\"]{0,40}") {
        if let Ok(query) = text.parse::<Query>() {
            prop_assert_eq!(query.to_string().parse::<Query>().unwrap(), query);
        }
    }

    #[test]
    fn all_words_must_hold(words in proptest::collection::vec(word(), 0..5)) {
        let each = words.iter().all(|word| matches(word));
        prop_assert_eq!(matches(&words.join(" ")), each);
        for word in words {
            prop_assert_ne!(matches(&word), matches(&format!("!{word}")));
        }
    }
}

#[test]
fn a_time_that_is_not_known_is_neither_more_nor_less() {
    assert!(matches_of_own("dur>1ms", None));
    for query in ["self>0ns", "self<=20us", "self<1s"] {
        assert!(!matches_of_own(query, None), "{query}");
    }
}
