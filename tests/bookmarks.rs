//! Bookmarks in files: what was marked comes back, whatever happens to the file, and takes nothing from the recording.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chunks;
mod harm;
mod programs;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use chunks::pack;
use harm::harm;
use programs::log;
use proptest::prelude::*;
use spanwalk::file::{Existing, FileError, Reader, Recording, Ways, Writer};
use spanwalk::record::Recorder;
use spanwalk::trace::{Bookmark, BookmarkEdit, Event, Log, SpanId, Time};
use tracing::info_span;

/// A directory of its own that goes when the test does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("spanwalk-bookmarks-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> (Log, Reader) {
    let mut reader = Reader::open(path).unwrap();
    let mut log = Log::new();
    reader.read(&mut log).unwrap();
    (log, reader)
}

fn events(log: &Log) -> Vec<Event> {
    log.events_in(..).collect()
}

/// What the edits leave.
fn result<'a>(edits: impl IntoIterator<Item = &'a BookmarkEdit>) -> Vec<Bookmark> {
    let mut log = Log::new();
    for edit in edits {
        log.edit_bookmarks(edit.clone());
    }
    log.bookmarks().all().to_vec()
}

fn set(at: u64, span: Option<u64>, text: &str) -> BookmarkEdit {
    BookmarkEdit::Set(Bookmark::new((at, span.map(SpanId)), Time(at * 7), text))
}

/// Edits of few places, so that they meet.
fn edits() -> impl Strategy<Value = Vec<BookmarkEdit>> {
    let key = (0..4_u64, proptest::option::of(1..3_u64));
    let edit = (key, proptest::option::weighted(0.8, "[a-z⚑ ]{0,12}")).prop_map(|((at, span), text)| match text {
        Some(text) => set(at, span, &text),
        None => BookmarkEdit::Remove((at, span.map(SpanId))),
    });
    proptest::collection::vec(edit, 1..8)
}

/// Where something is in a file: an edit, or events of the log.
#[derive(Clone, Debug)]
struct Part {
    from: usize,
    to: usize,
    events: Option<(usize, usize)>,
}

/// Writes a log in blocks of so many events with an edit behind each as long as there are any, closes the file, and adds the
/// rest of the edits one by one.
fn write(log: &Log, edits: &[BookmarkEdit], path: &Path, each: usize) -> Vec<Part> {
    let mut writer = Writer::create(path, Existing::Replace).unwrap();
    let (mut parts, mut left) = (Vec::new(), edits.iter());
    for (number, chunk) in pack(&events(log), each).iter().enumerate() {
        let from = writer.length() as usize;
        writer.push(chunk).unwrap();
        let events = Some((number * each, ((number + 1) * each).min(log.len())));
        parts.push(Part { from, to: writer.length() as usize, events });
        if let Some(edit) = left.next() {
            let from = writer.length() as usize;
            writer.mark(edit).unwrap();
            parts.push(Part { from, to: writer.length() as usize, events: None });
        }
    }
    writer.finish().unwrap();
    let size = || fs::metadata(path).unwrap().len() as usize;
    for edit in left {
        let from = size();
        Reader::open(path).unwrap().append(std::slice::from_ref(edit)).unwrap();
        // The end is said again.
        parts.push(Part { from, to: size() - 24, events: None });
    }
    parts
}

/// The edits among the parts that are kept, in their order.
fn kept(parts: &[Part], edits: &[BookmarkEdit], is_kept: impl Fn(&Part) -> bool) -> Vec<Bookmark> {
    let marks = parts.iter().filter(|part| part.events.is_none());
    result(marks.zip(edits).filter(|(part, _)| is_kept(part)).map(|(_, edit)| edit))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_marked_is_read_and_the_last_edit_wins(whole in log(), edits in edits(), each in 1..60_usize) {
        let scratch = Scratch::new();
        let path = scratch.file("a");
        write(&whole, &edits, &path, each);
        let (back, mut reader) = read(&path);
        prop_assert_eq!(back.bookmarks().all(), result(&edits));
        prop_assert_eq!(events(&back), events(&whole));
        prop_assert!(reader.is_ended() && reader.damage().is_empty());
        let indexed = reader.extent().unwrap().clone();
        prop_assert_eq!(indexed.events, whole.len() as u64);
        // Without its last end it has no index, and the same blocks.
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        reader = Reader::open(&path).unwrap();
        prop_assert!(reader.extent().is_none());
        prop_assert_eq!(reader.survey().unwrap(), indexed);
    }

    #[test]
    fn a_file_that_was_cut_gives_every_whole_mark_and_takes_more(
        whole in log(), edits in edits(), each in 1..60_usize, at in 0.0..1.0_f64,
    ) {
        let scratch = Scratch::new();
        let path = scratch.file("a");
        let parts = write(&whole, &edits, &path, each);
        let bytes = fs::read(&path).unwrap();
        let cut = 16 + ((bytes.len() - 16) as f64 * at) as usize;
        fs::write(&path, &bytes[..cut]).unwrap();
        let (back, reader) = read(&path);
        prop_assert_eq!(back.bookmarks().all(), kept(&parts, &edits, |part| part.to <= cut));
        let least = parts.iter().filter(|part| part.to <= cut).filter_map(|part| part.events).map(|events| events.1);
        prop_assert!(back.len() >= least.max().unwrap_or(0) && events(&back) == events(&whole)[..back.len()]);
        // It is gone on from there.
        let more = set(77, None, "after the cut");
        reader.append(std::slice::from_ref(&more)).unwrap();
        let (again, reader) = read(&path);
        let mut all = back.clone();
        all.edit_bookmarks(more);
        prop_assert_eq!(again.bookmarks().all(), all.bookmarks().all());
        prop_assert_eq!(events(&again), events(&back));
        let damage = reader.damage();
        prop_assert!(damage.len() <= 1 && (!reader.is_ended() || damage.iter().all(|damage| damage.events == Some(0))));
    }

    #[test]
    fn a_spoilt_byte_costs_its_mark_and_no_event(
        whole in log(), edits in edits(), each in 1..60_usize, at in 0.0..1.0_f64, flip in 1..=255_u8, nth in 0..8_usize,
    ) {
        let scratch = Scratch::new();
        let path = scratch.file("a");
        let parts = write(&whole, &edits, &path, each);
        let marks: Vec<&Part> = parts.iter().filter(|part| part.events.is_none()).collect();
        let hit = marks[nth % marks.len()].clone();
        let mut bytes = fs::read(&path).unwrap();
        bytes[hit.from + ((hit.to - hit.from) as f64 * at) as usize] ^= flip;
        fs::write(&path, &bytes).unwrap();
        let (back, reader) = read(&path);
        prop_assert_eq!(events(&back), events(&whole));
        prop_assert_eq!(back.bookmarks().all(), kept(&parts, &edits, |part| part.from != hit.from));
        prop_assert_eq!(reader.damage().len(), 1, "it is named, once: {:?}", reader.damage());
        let damage = reader.damage()[0];
        prop_assert_eq!((damage.offset as usize, damage.bytes as usize), (hit.from, hit.to - hit.from));
        prop_assert_eq!((damage.events, back.dropped(), reader.is_ended()), (Some(0), 0, true));
    }

    #[test]
    fn whatever_happened_to_a_file_no_mark_comes_from_nowhere_and_every_byte_is_accounted_for(
        whole in log(), edits in edits(), each in 1..60_usize, harms in proptest::collection::vec(harm(), 1..5),
    ) {
        let scratch = Scratch::new();
        let path = scratch.file("a");
        write(&whole, &edits, &path, each);
        let mut bytes = fs::read(&path).unwrap();
        harms.iter().for_each(|harm| harm.apply(&mut bytes));
        fs::write(&path, &bytes).unwrap();
        let (back, reader) = read(&path);
        for bookmark in back.bookmarks().all() {
            prop_assert!(edits.contains(&BookmarkEdit::Set(bookmark.clone())), "{bookmark:?}");
        }
        let damage = reader.damage();
        prop_assert!(damage.windows(2).all(|two| two[0].offset + two[0].bytes <= two[1].offset), "{damage:?}");
        prop_assert!(damage.iter().all(|damage| damage.bytes > 0 && damage.offset >= 16));
        prop_assert!(damage.iter().all(|damage| damage.offset + damage.bytes <= bytes.len() as u64));
    }

    #[test]
    fn a_file_that_grows_is_followed_beyond_its_end(whole in log(), edits in edits(), each in 1..60_usize) {
        let scratch = Scratch::new();
        let (path, growing) = (scratch.file("a"), scratch.file("growing"));
        write(&whole, &edits, &path, each);
        let bytes = fs::read(&path).unwrap();
        fs::write(&growing, &bytes[..16]).unwrap();
        let mut reader = Reader::open(&growing).unwrap();
        let mut back = Log::new();
        for piece in bytes[16..].chunks(29) {
            let mut file = fs::OpenOptions::new().append(true).open(&growing).unwrap();
            file.write_all(piece).unwrap();
            let before = back.bookmarks().changes();
            let has_come = reader.read(&mut back).unwrap();
            prop_assert!(has_come || back.bookmarks().changes() == before, "a bookmark is news");
        }
        prop_assert_eq!(back.bookmarks().all(), result(&edits));
        prop_assert_eq!(events(&back), events(&whole));
        prop_assert!(reader.is_ended() && reader.damage().is_empty());
    }
}

/// A recorder, and some calls in it.
fn recorded(calls: u64) -> Recorder {
    let recorder = Recorder::builder().chunk(256).build();
    work(&recorder, calls);
    recorder
}

fn work(recorder: &Recorder, calls: u64) {
    let work = || (0..calls).for_each(|number| info_span!("work", number).in_scope(|| {}));
    tracing::subscriber::with_default(recorder.subscriber(), work);
}

/// A closed recording.
fn recording(path: &Path) {
    let recorder = recorded(50);
    Recording::start(path, Ways::default(), recorder.chunks(), |_| ()).unwrap().finish().unwrap();
}

#[test]
fn two_who_work_on_one_file_see_what_the_other_marks_and_the_last_wins() {
    let scratch = Scratch::new();
    let path = scratch.file("a");
    recording(&path);
    let ((mut mine, my), (mut theirs, their)) = (read(&path), read(&path));
    let (mut my, mut their) = (my, their);
    my.append(&[set(5, Some(1), "mine"), set(9, None, "")]).unwrap();
    assert!(their.read(&mut theirs).unwrap());
    assert_eq!(theirs.bookmarks().all().len(), 2);
    their.append(&[set(5, Some(1), "theirs"), set(5, Some(2), "beside it")]).unwrap();
    my.append(&[BookmarkEdit::Remove((9, None))]).unwrap();
    my.read(&mut mine).unwrap();
    their.read(&mut theirs).unwrap();
    let (third, reader) = read(&path);
    for log in [&mine, &theirs, &third] {
        let texts: Vec<&str> = log.bookmarks().all().iter().map(Bookmark::text).collect();
        assert_eq!(texts, ["theirs", "beside it"]);
    }
    assert!(reader.extent().is_some() && reader.is_ended() && reader.damage().is_empty());
}

#[test]
fn many_who_add_at_once_lose_nothing() {
    let scratch = Scratch::new();
    let path = scratch.file("a");
    recording(&path);
    std::thread::scope(|scope| {
        for who in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let reader = Reader::open(path).unwrap();
                for at in 0..25 {
                    // Who finds it taken for long is told so, and tries again.
                    while let Err(error) = reader.append(&[set(at, Some(who + 1), "x")]) {
                        assert!(matches!(error, FileError::Busy { .. }), "{error}");
                    }
                }
            });
        }
    });
    let (log, reader) = read(&path);
    assert_eq!(log.bookmarks().all().len(), 100);
    assert!(reader.is_ended() && reader.damage().is_empty());
}

#[track_caller]
fn check_refused(path: &Path, reader: &Reader, why: &str) {
    let before = fs::read(path).unwrap();
    let error = reader.append(&[set(1, None, "no")]).unwrap_err().to_string();
    assert!(error.contains(why) && error.contains(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::read(path).unwrap(), before, "nothing is changed");
}

#[test]
fn a_file_that_is_read_only_or_still_written_or_another_by_now_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.file("a");
    recording(&path);
    let reader = Reader::open(&path).unwrap();
    let permissions = |is_readonly| {
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(is_readonly);
        fs::set_permissions(&path, permissions).unwrap();
    };
    permissions(true);
    check_refused(&path, &reader, "is read-only");
    fs::remove_file(&path).unwrap();
    recording(&path);
    #[cfg(unix)]
    check_refused(&path, &reader, "another file now");

    let path = scratch.file("b");
    let recorder = recorded(50);
    let writing = Recording::start(&path, Ways::default(), recorder.chunks(), |_| ()).unwrap();
    writing.catch_up();
    let (mut log, mut reader) = read(&path);
    check_refused(&path, &reader, "still being written by another program");
    writing.finish().unwrap();
    reader.append(&[set(1, None, "now")]).unwrap();
    reader.read(&mut log).unwrap();
    assert_eq!(log.bookmarks().all()[0].text(), "now");
}

#[test]
fn a_mark_of_a_running_recording_is_in_its_file_behind_what_it_is_about() {
    let scratch = Scratch::new();
    let path = scratch.file("a");
    let recorder = recorded(50);
    let recording = Recording::start(&path, Ways::default(), recorder.chunks(), |_| ()).unwrap();
    let (send, done) = mpsc::channel();
    let mark = |edit| {
        let send = send.clone();
        recording.mark(edit, move || send.send(()).unwrap());
        done.recv().unwrap();
    };
    mark(set(100, Some(3), "first"));
    let (log, reader) = read(&path);
    assert!(log.len() >= 100 && !reader.is_ended());
    assert_eq!(log.bookmarks().all()[0].text(), "first");
    work(&recorder, 10);
    mark(BookmarkEdit::Remove((100, Some(SpanId(3)))));
    mark(set(2, None, "second"));
    recording.finish().unwrap();
    let (log, reader) = read(&path);
    assert!(reader.is_ended() && reader.damage().is_empty());
    assert_eq!(log.bookmarks().all().iter().map(Bookmark::text).collect::<Vec<_>>(), ["second"]);
}

#[test]
fn in_a_rotation_a_mark_goes_into_the_file_that_has_its_place() {
    let scratch = Scratch::new();
    let recorder = recorded(2_000);
    let ways = Ways::default().rotating(4_000);
    let recording = Recording::start(&scratch.file("a.spanwalk"), ways, recorder.chunks(), |_| ()).unwrap();
    recording.catch_up();
    let second = Reader::open(&scratch.file("a-2.spanwalk")).unwrap().extent().unwrap().blocks[0].first.0;
    let (send, done) = mpsc::channel();
    for at in [0, second, second + 1] {
        let send = send.clone();
        recording.mark(set(at, None, &at.to_string()), move || send.send(()).unwrap());
        done.recv().unwrap();
    }
    recording.finish().unwrap();
    let texts = |name: &str| {
        let (log, reader) = read(&scratch.file(name));
        assert!(reader.is_ended() && reader.damage().is_empty() && reader.extent().is_some());
        log.bookmarks().all().iter().map(|bookmark| bookmark.text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts("a.spanwalk"), ["0".to_owned(), second.to_string()]);
    assert_eq!(texts("a-2.spanwalk"), [(second + 1).to_string()]);
    assert!(texts("a-3.spanwalk").is_empty());
}

/// A block beside the events, with a good checksum.
fn extra(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"EXT2".to_vec();
    bytes.extend(kind);
    bytes.extend((payload.len() as u32).to_le_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(&bytes);
    sum.update(payload);
    bytes.extend(sum.finalize().to_le_bytes());
    bytes.extend(payload);
    bytes
}

#[test]
fn a_kind_of_block_that_is_not_known_is_passed_over_and_said() {
    let scratch = Scratch::new();
    let path = scratch.file("a");
    recording(&path);
    let (whole, _) = read(&path);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes[bytes.len() - 24..].to_vec();
    // In front, and behind the end.
    bytes.splice(16..16, extra(b"\x1bnew", &[7; 100]));
    bytes.extend([extra(b"more", b""), end].concat());
    fs::write(&path, &bytes).unwrap();
    let (back, mut reader) = read(&path);
    assert_eq!(events(&back), events(&whole));
    assert!(reader.damage().is_empty() && reader.is_ended());
    let said = reader.unknown().unwrap().to_string();
    assert_eq!(said, "2 blocks of kinds that this spanwalk does not know (`\\x1bnew`): a newer one wrote them");
    assert!(reader.survey().unwrap().blocks.len() > 1);
}

#[test]
fn a_mark_that_is_none_is_damage_though_its_checksum_is_right() {
    let mut removed = vec![0; 25];
    removed[24] = 2;
    let mut text = vec![0; 25];
    text.extend([0xff, 0xfe]);
    for payload in [vec![], vec![0; 24], removed, text] {
        let scratch = Scratch::new();
        let path = scratch.file("a");
        recording(&path);
        let (whole, _) = read(&path);
        let mut bytes = fs::read(&path).unwrap();
        let bad = extra(b"mark", &payload);
        bytes.splice(16..16, bad.iter().copied());
        fs::write(&path, &bytes).unwrap();
        let (back, reader) = read(&path);
        assert_eq!(events(&back), events(&whole));
        assert_eq!(reader.damage().len(), 1);
        assert_eq!((reader.damage()[0].bytes, reader.damage()[0].events), (bad.len() as u64, Some(0)));
    }
}

#[test]
fn a_file_of_nothing_but_marks_takes_what_is_bounded() {
    let scratch = Scratch::new();
    let path = scratch.file("a");
    let mut bytes = b"SPANWALK\x03\0\0\0\0\0\0\0".to_vec();
    for at in 0..200_000_u64 {
        let mut payload = (u64::MAX - at).to_le_bytes().to_vec();
        payload.extend([0; 17]);
        bytes.extend(extra(b"mark", &payload));
    }
    fs::write(&path, &bytes).unwrap();
    let (log, reader) = read(&path);
    assert_eq!((log.bookmarks().all().len(), log.bookmarks().left_out()), (10_000, 190_000));
    assert!(reader.damage().is_empty());
}

/// Names the file, in the environment of a program that is to be killed.
const FILE: &str = "SPANWALK_MARKED_FILE";

/// Not a test in itself: the program that is killed. It says on its standard output which of its marks are in the file.
#[test]
fn the_program_that_marks_and_is_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let recorder = recorded(10);
    let recording = Recording::start(Path::new(&path), Ways::default(), recorder.chunks(), |_| ()).unwrap();
    let (send, done) = mpsc::channel();
    for number in 1.. {
        work(&recorder, 3);
        let send = send.clone();
        recording.mark(set(number, None, &number.to_string()), move || send.send(()).unwrap());
        done.recv().unwrap();
        // Whoever listens has gone: the test has failed.
        if std::io::stdout().write_all(format!("\nmarked {number}\n").as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn what_was_said_to_be_marked_is_in_the_file_after_a_kill_and_more_is_added() {
    for marks in [1, 7, 60] {
        let scratch = Scratch::new();
        let path = scratch.file("killed");
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", "the_program_that_marks_and_is_killed", "--nocapture", "--test-threads", "1"]);
        let mut program = program.env(FILE, &path).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
        let heard = lines.filter(|line| line.starts_with("marked ")).take(marks).count();
        program.kill().unwrap();
        program.wait().unwrap();
        let (log, reader) = read(&path);
        let found: Vec<u64> = log.bookmarks().all().iter().map(|bookmark| bookmark.at).collect();
        assert_eq!((heard, &found[..marks]), (marks, &*(1..=marks as u64).collect::<Vec<_>>()));
        // Each behind what happened before it.
        assert!(log.len() > 10 + 3 * marks && !reader.is_ended());
        reader.append(&[set(0, None, "later")]).unwrap();
        let (again, reader) = read(&path);
        assert_eq!(again.bookmarks().all().len(), found.len() + 1);
        assert!(events(&again) == events(&log) && !reader.is_ended());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mark_makes_the_reader_panic_though_its_checksum_is_right(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..6), cut in 0..40_usize,
    ) {
        let mut bytes = b"SPANWALK\x03\0\0\0\0\0\0\0".to_vec();
        for payload in &payloads {
            let mut payload = payload.clone();
            // Most of them are one of both kinds.
            if let Some(kind) = payload.get_mut(24) {
                *kind %= 3;
            }
            bytes.extend(extra(b"mark", &payload));
        }
        bytes.truncate(bytes.len().saturating_sub(cut).max(16));
        let scratch = Scratch::new();
        let path = scratch.file("a");
        fs::write(&path, &bytes).unwrap();
        let (log, mut reader) = read(&path);
        reader.survey().unwrap();
        for bookmark in log.bookmarks().all() {
            prop_assert!(!bookmark.text().contains(char::is_control));
            prop_assert_eq!(log.from_recording(bookmark.at), 0);
        }
        prop_assert!(log.bookmark_beside(0, true).is_none() && log.bookmark_beside(0, false).is_none());
    }
}
