//! Recordings in progress: what was recorded is in the files, each of which opens alone, and a file that cannot be written
//! stops nothing but its recording.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use spanwalk::file::{Existing, FileError, Reader, Recording, Ways};
use spanwalk::record::{HoldMode, Recorder};
use spanwalk::trace::{Event, Kind, Log, Seq, Value};
use tracing::info_span;
use tracing::subscriber::with_default;

/// A directory of its own that goes when the test does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("spanwalk-recording-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of all files, in the order of their numbers.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Many small chunks.
fn recorder() -> Recorder {
    Recorder::builder().chunk(2 << 10).build()
}

fn start(recorder: &Recorder, path: &Path, ways: Ways) -> Recording {
    Recording::start(path, ways, recorder.chunks(), |error| panic!("{error}")).unwrap()
}

/// A server that never returns, on a thread of its own, and so many requests in it.
fn serve(recorder: &Recorder, requests: u64) {
    let serve = || {
        let server = info_span!("serve", lane = "server", port = 5_000_u64).entered();
        (0..requests).for_each(|number| info_span!("request", number).in_scope(|| ()));
        std::mem::forget(server);
    };
    std::thread::scope(|scope| scope.spawn(|| with_default(recorder.subscriber(), serve)).join().unwrap());
}

/// A file that was closed in order and has no damage.
#[track_caller]
fn whole(path: &Path) -> Log {
    let mut reader = Reader::open(path).unwrap();
    let mut log = Log::new();
    reader.read(&mut log).unwrap();
    assert!(reader.is_ended() && reader.damage().is_empty(), "{}: {:?}", path.display(), reader.damage());
    log
}

/// The numbers of the requests that were opened in a log, without those that its first chunk found open.
fn requests(log: &Log) -> Vec<u64> {
    let number = |event: Event| match event.kind {
        Kind::Open { callsite, fields, .. } if &*callsite.name == "request" => match fields[0].value {
            Value::U64(number) => Some(number),
            _ => None,
        },
        _ => None,
    };
    log.events_in(..).filter_map(number).collect()
}

/// The port of the server that is open at the end of a log.
fn port(log: &Log) -> Option<Value> {
    let state = log.latest();
    let lane = state.lanes().iter().find(|lane| &*lane.name == "server")?;
    lane.stack.first()?.field("port").cloned()
}

#[test]
fn each_file_of_a_rotation_opens_alone_and_together_they_have_everything() {
    let (scratch, recorder) = (Scratch::new(), recorder());
    let ways = Ways::default().rotating(6_000);
    let recording = start(&recorder, &scratch.file("work.spanwalk"), ways);
    serve(&recorder, 5_000);
    recording.finish().unwrap();
    let names = scratch.names();
    assert!(names.len() > 3 && names[0] == "work.spanwalk" && names[1] == "work-2.spanwalk", "{names:?}");
    let (mut all, mut next) = (Vec::new(), 0);
    for name in names {
        assert!(fs::metadata(scratch.file(&name)).unwrap().len() < 12_000, "{name} has a chunk more than its size");
        let log = whole(&scratch.file(&name));
        assert_eq!(port(&log), Some(Value::U64(5000)), "{name} has what was open before it began");
        assert_eq!((log.dropped(), log.begins_at()), (0, next), "{name}: what is in another file is not lost");
        next = log.in_recording(log.len());
        // A call that a file found open was begun in the one before.
        for number in requests(&log) {
            if all.last() != Some(&number) {
                all.push(number);
            }
        }
    }
    assert_eq!(all, (0..5_000).collect::<Vec<_>>());
}

#[test]
fn of_a_later_file_only_what_is_spoilt_is_missing() {
    let (scratch, recorder) = (Scratch::new(), recorder());
    let ways = Ways::default().rotating(6_000);
    let recording = start(&recorder, &scratch.file("work.spanwalk"), ways);
    serve(&recorder, 5_000);
    recording.finish().unwrap();
    let path = scratch.file("work-2.spanwalk");
    let begins_at = whole(&path).begins_at();
    let mut reader = Reader::open(&path).unwrap();
    let blocks = reader.survey().unwrap().blocks;
    let mut bytes = fs::read(&path).unwrap();
    bytes[blocks[1].offset as usize - 1] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (mut reader, mut log) = (Reader::open(&path).unwrap(), Log::new());
    reader.read(&mut log).unwrap();
    let missing = blocks[1].first.0 - begins_at;
    assert!(begins_at > 0);
    assert_eq!((log.begins_at(), log.dropped()), (begins_at, missing));
    assert_eq!(reader.damage().iter().map(|damage| damage.events).collect::<Vec<_>>(), [Some(missing)]);
    assert_eq!(log.from_recording(0), 0);
    assert_eq!(port(&log), Some(Value::U64(5000)));
}

#[test]
fn only_the_newest_files_of_this_recording_are_kept() {
    let (scratch, recorder) = (Scratch::new(), recorder());
    fs::write(scratch.file("other.spanwalk"), "precious").unwrap();
    fs::write(scratch.file("work-1000.spanwalk"), "precious").unwrap();
    let ways = Ways::default().rotating(6_000).keeping(NonZero::new(2).unwrap());
    let recording = start(&recorder, &scratch.file("work.spanwalk"), ways);
    serve(&recorder, 5_000);
    recording.finish().unwrap();
    let (precious, kept): (Vec<_>, Vec<_>) =
        scratch.names().into_iter().partition(|name| fs::read(scratch.file(name)).unwrap() == b"precious");
    assert_eq!(precious, ["other.spanwalk", "work-1000.spanwalk"]);
    assert_eq!(kept.len(), 2, "{kept:?}");
    let last = requests(&whole(&scratch.file(&kept[1])));
    assert_eq!(last.last(), Some(&4_999), "the newest");
    assert_eq!(port(&whole(&scratch.file(&kept[0]))), Some(Value::U64(5000)));
}

#[test]
fn a_program_that_is_started_anew_goes_on_in_the_next_file() {
    let (scratch, recorder) = (Scratch::new(), recorder());
    let recording = start(&recorder, &scratch.file("work.spanwalk"), Ways::default());
    serve(&recorder, 10);
    recording.catch_up();
    recorder.restart(HoldMode::Follow);
    serve(&recorder, 3);
    recording.finish().unwrap();
    assert_eq!(scratch.names(), ["work.spanwalk", "work-2.spanwalk"]);
    assert_eq!(requests(&whole(&scratch.file("work.spanwalk"))), (0..10).collect::<Vec<_>>());
    assert_eq!(requests(&whole(&scratch.file("work-2.spanwalk"))), [0, 1, 2]);
}

#[test]
fn what_is_asked_for_before_its_chunk_is_complete_is_in_the_file_once() {
    let (scratch, recorder) = (Scratch::new(), Recorder::new());
    let path = scratch.file("work.spanwalk");
    let recording = start(&recorder, &path, Ways::default());
    with_default(recorder.subscriber(), || {
        for number in 0..20_u64 {
            info_span!("request", number).in_scope(|| ());
            recording.catch_up();
            // There when it is asked for.
            let mut log = Log::new();
            Reader::open(&path).unwrap().read(&mut log).unwrap();
            assert_eq!(requests(&log).last(), Some(&number));
        }
    });
    recording.finish().unwrap();
    let log = whole(&path);
    assert_eq!(requests(&log), (0..20).collect::<Vec<_>>());
    assert!(log.events_in(..).map(|event| event.seq).eq((0..log.len() as u64).map(Seq)));
}

#[test]
fn a_next_file_that_cannot_be_made_is_told_once_and_the_program_goes_on() {
    let (scratch, recorder) = (Scratch::new(), recorder());
    let (tell, told) = mpsc::channel();
    let ways = Ways::default().rotating(6_000);
    let tell = move |error: &FileError| tell.send(error.to_string()).unwrap();
    let recording = Recording::start(&scratch.file("work.spanwalk"), ways, recorder.chunks(), tell).unwrap();
    // Somebody takes the directory away.
    let away = Scratch::new();
    fs::rename(&scratch.0, away.file("away")).unwrap();
    serve(&recorder, 5_000);
    // Nobody is kept waiting by a recording that has stopped.
    recording.catch_up();
    serve(&recorder, 5_000);
    assert!(matches!(recording.finish(), Err(FileError::Io { .. })));
    let told: Vec<String> = told.into_iter().collect();
    assert!(told.len() == 1 && told[0].contains("work-2.spanwalk`: no such file"), "{told:?}");
    // What was written before is whole.
    assert_eq!(requests(&whole(&away.file("away/work.spanwalk")))[..3], [0, 1, 2]);
}

#[test]
fn a_later_run_stops_at_no_file_of_an_earlier_one() {
    let scratch = Scratch::new();
    let run = |existing: Existing, keep: Option<NonZero<usize>>| {
        let recorder = recorder();
        let mut ways = Ways::default().rotating(6_000);
        (ways.existing, ways.keep) = (existing, keep);
        let recording = start(&recorder, &scratch.file("work.spanwalk"), ways);
        serve(&recorder, 5_000);
        recording.finish().unwrap();
    };
    fs::write(scratch.file("work-3.spanwalk"), "precious").unwrap();
    fs::write(scratch.file("work-20240229.spanwalk"), "SPANWALK of a day").unwrap();
    let others = ["work-3.spanwalk", "work-20240229.spanwalk"];
    let is_other = |name: &String| others.contains(&&**name);
    run(Existing::Keep, NonZero::new(2));
    let first: Vec<String> = scratch.names().into_iter().filter(|name| !is_other(name)).collect();
    assert_eq!(first.len(), 2, "{first:?}");
    // The name it begins with is free again, and others on its way are not.
    assert!(!first.contains(&"work.spanwalk".to_owned()));
    let before: Vec<_> = first.iter().map(|name| fs::read(scratch.file(name)).unwrap()).collect();
    run(Existing::Keep, None);
    let after: Vec<_> = first.iter().map(|name| fs::read(scratch.file(name)).unwrap()).collect();
    assert!(before == after, "a file that is to be kept was written to");
    assert!(scratch.names().len() > first.len() + 3, "{:?}", scratch.names());
    // What is replaced is all of the earlier recordings, and nothing else.
    run(Existing::Replace, NonZero::new(2));
    let last: Vec<String> = scratch.names().into_iter().filter(|name| !is_other(name)).collect();
    assert_eq!(last.len(), 2, "{last:?}");
    assert_eq!(requests(&whole(&scratch.file(&last[1]))).last(), Some(&4_999));
    assert_eq!(fs::read(scratch.file(others[0])).unwrap(), b"precious");
    assert_eq!(fs::read(scratch.file(others[1])).unwrap(), b"SPANWALK of a day");
}

#[test]
fn a_file_that_cannot_be_made_is_said_before_anything_starts() {
    let scratch = Scratch::new();
    #[track_caller]
    fn check(path: &Path, existing: Existing, words: &str) {
        let mut ways = Ways::default();
        ways.existing = existing;
        let recording = Recording::start(path, ways, Recorder::new().chunks(), |_| panic!("it is returned"));
        let Err(error) = recording.map(drop) else { panic!("it was begun") };
        let said = error.to_string();
        assert!(said.contains(words) && said.contains(path.to_str().unwrap()), "{said}");
    }
    fs::write(scratch.file("work.spanwalk"), "precious").unwrap();
    check(&scratch.file("work.spanwalk"), Existing::Keep, "exists");
    assert_eq!(fs::read(scratch.file("work.spanwalk")).unwrap(), b"precious");
    check(&scratch.file("no/such/work.spanwalk"), Existing::Keep, "no such file");
    check(&scratch.0, Existing::Keep, "exists");
    check(&scratch.0, Existing::Replace, "it is a directory");
    #[cfg(target_os = "linux")]
    check(Path::new("/dev/full"), Existing::Replace, "the disk is full");
}
