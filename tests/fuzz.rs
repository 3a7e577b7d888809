//! The fuzz targets on their seeds and near them, without a fuzzer: so that they are built and run with every other test.
//!
//! `PROPTEST_CASES=100000 cargo test --release --test fuzz` goes on for longer; `fuzz/README.md` says how to look where coverage
//! leads.

mod fuzzed;

use proptest::prelude::*;

use fuzzed::{TARGETS, Target};

/// How often each is tried, if nobody says how often.
const CASES: u32 = 1_500;

/// A change of a file.
#[derive(Clone, Debug)]
enum Edit {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    /// A part of it once more, somewhere else.
    Again(usize, usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let words = prop::sample::select(vec![
        "\n",
        "\u{1e}",
        "4",
        "b",
        "0",
        "1",
        "2probe",
        "5",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "-1",
        "1e999",
        "null",
        "\\u0000",
        "\r\n\r\n",
        "Content-Length: 9\r\n",
        "Transfer-Encoding: chunked\r\n",
        "99999999999999999999",
        "/custom",
        "\"ph\":\"E\"",
    ]);
    let at = || 0..4_000_usize;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (at(), words).prop_map(|(at, word)| Edit::Insert(at, word.as_bytes().to_vec())),
        (at(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at(), 1..200_usize, at()).prop_map(|(from, length, to)| Edit::Again(from, length, to)),
    ]
}

/// A seed after some changes.
fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        // Places are counted around: most files are short.
        let place = |at: usize| at % (bytes.len() + 1);
        let range = |from: usize, length: usize| place(from)..bytes.len().min(place(from) + length);
        match *edit {
            Edit::Set(at, byte) => {
                let at = place(at);
                bytes.get_mut(at).into_iter().for_each(|place| *place = byte);
            }
            Edit::Insert(at, ref inserted) => {
                let at = place(at);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Edit::Remove(from, length) => drop(bytes.drain(range(from, length))),
            Edit::Again(from, length, to) => {
                let (part, to) = (bytes[range(from, length)].to_vec(), place(to));
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}

#[track_caller]
fn check(name: &str) {
    let (_, run, seeds): Target =
        TARGETS.into_iter().find(|target| target.0 == name).expect("it is one of the targets");
    let seeds = seeds();
    seeds.iter().for_each(|seed| run(seed));
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    });
    let near = (prop::sample::select(seeds), prop::collection::vec(edit(), 0..12))
        .prop_map(|(seed, edits)| edited(seed, &edits));
    let any = prop_oneof![4 => near, 1 => prop::collection::vec(any::<u8>(), 0..300)];
    let ran = runner.run(&any, |bytes| {
        run(&bytes);
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[test]
fn any_packets_and_bodies_leave_a_session_by_its_rules() {
    check("session");
}

#[test]
fn any_messages_ask_nothing_of_a_namespace_that_is_not_connected() {
    check("namespaces");
}

#[test]
fn any_bytes_of_http_are_passed_on_but_for_one_however_they_are_cut() {
    check("framing");
}

#[test]
fn any_file_of_another_tool_is_read_to_its_end_or_refused() {
    check("import");
}
