//! Bytes as a recording of another tool: read to its end or refused, and the log that comes of it is asked everything.

use std::path::Path;
use std::time::Duration;

use spanwalk::format::{Excerpt, Foreign, Format, Import};
use spanwalk::trace::Log;

use super::ask;

/// The first byte is which format; the rest the file.
pub fn run(bytes: &[u8]) {
    let Some((what, bytes)) = bytes.split_first() else { return };
    let what = if what & 1 == 0 { Foreign::Chrome } else { Foreign::Lines };
    let _ = Foreign::of(bytes);
    let mut import = Import::new(Path::new("fuzzed"), what, bytes.to_vec());
    let mut log = Log::new();
    while !import.is_done() {
        let (done, all) = import.progress();
        assert!(done <= all && all == bytes.len() as u64);
        if import.read_for(&mut log, Duration::from_millis(100)).is_err() {
            break;
        }
    }
    let _ = import.remarks();
    // What is made of a file is no larger than the file accounts for.
    assert!(log.len() <= 4 * bytes.len() + 4, "{} events of {} bytes", log.len(), bytes.len());
    ask::everything(&log);
}

/// To begin with: a file of each.
pub fn seeds() -> Vec<Vec<u8>> {
    let chrome = [
        include_bytes!("../foreign/viztracer.json").as_slice(),
        include_bytes!("../foreign/tracing-chrome-async.json"),
        include_bytes!("../foreign/tracing-chrome-threaded.json"),
        br#"[{"ph":"X","name":"a","ts":1,"dur":2,"pid":1,"tid":1},{"ph":"B","name":"b","ts":1.5,"pid":1,"tid":1,"args":{"x":1}},{"ph":"E","ts":1.7,"pid":1,"tid":1}]"#,
        br#"{"otherData":{"exporter":"spanwalk 0"},"traceEvents":[{"ph":"M","pid":1,"tid":2,"name":"thread_name","args":{"name":"a","kind":"task","thread.id":1,"thread":"t"}},{"ph":"M","pid":1,"tid":3,"name":"thread_name","args":{"name":"a polls","polls_of":2}},{"ph":"B","pid":1,"tid":2,"ts":1,"name":"b","args":{"span.id":7,"span.polled":true}},{"ph":"B","pid":1,"tid":3,"ts":2,"name":"b","args":{"span.id":7,"thread.id":1,"thread":"t"}},{"ph":"E","pid":1,"tid":3,"ts":3},{"ph":"E","pid":1,"tid":2,"ts":3}]}"#,
        br#"{"traceEvents":[{"ph":"s","id":1,"ts":1,"pid":1,"tid":1},{"ph":"f","id":1,"ts":2,"pid":1,"tid":2}]}"#,
    ];
    let chrome = chrome.iter().map(|file| [&[0], *file].concat());
    // Our own lines of the same, as they are exported.
    let lines = chrome.clone().map(|file| {
        let mut import = Import::new(Path::new("seed"), Foreign::Chrome, file[1..].to_vec());
        let mut log = Log::new();
        while !import.is_done() {
            import.read_for(&mut log, Duration::from_secs(1)).expect("a seed can be read");
        }
        let mut text = vec![1];
        Format::named("jsonl").expect("it exists").write(&Excerpt::whole(&log), &mut text).expect("memory takes all");
        text
    });
    chrome.clone().chain(lines).collect()
}
