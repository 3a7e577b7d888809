//! Files: what was written comes back, whatever happens to them on the way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chunks;
mod harm;
mod programs;

use std::fs;
use std::path::{Path, PathBuf};

use chunks::pack;
use harm::harm;
use programs::log;
use proptest::prelude::*;
use spanwalk::file::{Existing, FileError, Reader, Writer};
use spanwalk::trace::{Activity, Event, Kind, Log, Packer, SpanId, State, Value};

/// A file of its own that goes when the test does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("spanwalk-test-{}-{count}.spanwalk", std::process::id())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// All events of a log.
fn events(log: &Log) -> Vec<Event> {
    log.events_in(..).collect()
}

/// Writes a log in blocks of so many events; where each block begins in the file, and the first event in it.
fn write(log: &Log, path: &Path, each: usize) -> Vec<(usize, usize)> {
    let mut writer = Writer::create(path, Existing::Replace).unwrap();
    let mut blocks = Vec::new();
    for (number, chunk) in pack(&events(log), each).iter().enumerate() {
        blocks.push((writer.length() as usize, number * each));
        writer.push(chunk).unwrap();
    }
    writer.finish().unwrap();
    blocks
}

/// Bytes of the index and the end of a file of so many blocks.
fn tail(blocks: usize) -> usize {
    8 + 32 * blocks + 4 + 24
}

fn read(path: &Path) -> (Log, Reader) {
    let mut reader = Reader::open(path).unwrap();
    let mut log = Log::new();
    reader.read(&mut log).unwrap();
    (log, reader)
}

/// An open call: whether it is on a thread, and the latest of a field.
type Open = (SpanId, bool, Option<Value>);

/// What every lane that is not over is doing, with its open calls, innermost last.
fn stacks(log: &Log) -> Vec<(String, Activity, Vec<Open>)> {
    let state = log.latest();
    let lanes = state.lanes().iter().filter(|lane| !lane.is_done);
    lanes
        .map(|lane| {
            let frames = lane.stack.iter().map(|frame| (frame.span, frame.is_entered, frame.field("n").cloned()));
            // Whether a lane without a call ever had one is not part of what is open.
            let activity = Some(state.activity(lane)).filter(|activity| *activity != Activity::Created);
            (lane.name.to_string(), activity.unwrap_or(Activity::Idle), frames.collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(whole in log(), each in 1..200_usize) {
        let scratch = Scratch::new();
        write(&whole, scratch.path(), each);
        let (back, reader) = read(scratch.path());
        prop_assert_eq!(events(&back), events(&whole));
        prop_assert!(reader.is_ended());
        prop_assert_eq!(reader.damage(), vec![]);
    }

    #[test]
    fn a_file_that_was_cut_gives_every_whole_block(whole in log(), each in 1..60_usize, at in 0.0..1.0_f64) {
        let scratch = Scratch::new();
        let blocks = write(&whole, scratch.path(), each);
        let bytes = fs::read(scratch.path()).unwrap();
        let cut = 16 + ((bytes.len() - 16) as f64 * at) as usize;
        fs::write(scratch.path(), &bytes[..cut]).unwrap();
        let (back, reader) = read(scratch.path());
        // A block is whole if the next begins before the cut; the last one's end is that of the file, less the end's.
        let ends = blocks.iter().skip(1).map(|block| block.0).chain([bytes.len() - tail(blocks.len())]);
        let whole_blocks = ends.filter(|end| *end <= cut).count();
        let least = (whole_blocks * each).min(whole.len());
        // On a slow machine a block may have been written earlier than asked for: then more of it is there.
        prop_assert!(back.len() >= least && events(&back) == events(&whole)[..back.len()]);
        prop_assert!(!reader.is_ended());
    }

    #[test]
    fn what_the_index_says_is_found_without_it(whole in log(), each in 1..60_usize, at in 0.0..1.0_f64) {
        let scratch = Scratch::new();
        let blocks = write(&whole, scratch.path(), each);
        let mut reader = Reader::open(scratch.path()).unwrap();
        let indexed = reader.survey().unwrap();
        prop_assert_eq!(Some(&indexed), reader.extent());
        prop_assert_eq!(indexed.events, whole.len() as u64);
        let begins: Vec<usize> = indexed.blocks.iter().map(|block| block.offset as usize).collect();
        prop_assert_eq!(&begins, &blocks.iter().map(|block| block.0).collect::<Vec<_>>());
        // Without the end, and without some of the blocks; before anything is read, and after.
        let bytes = fs::read(scratch.path()).unwrap();
        let cut = bytes.len() - 1 - ((bytes.len() - 17) as f64 * at) as usize;
        fs::write(scratch.path(), &bytes[..cut]).unwrap();
        let mut reader = Reader::open(scratch.path()).unwrap();
        prop_assert_eq!(reader.extent(), None);
        let found = reader.survey().unwrap();
        prop_assert!(indexed.blocks.starts_with(&found.blocks));
        let ends = begins.iter().skip(1).copied().chain([bytes.len() - tail(blocks.len())]);
        prop_assert_eq!(found.blocks.len(), begins.iter().zip(ends).filter(|(_, end)| *end <= cut).count());
        let mut back = Log::new();
        reader.read(&mut back).unwrap();
        prop_assert_eq!(back.len() as u64, found.events);
        prop_assert_eq!(reader.survey().unwrap(), found);
    }

    #[test]
    fn a_spoilt_byte_costs_its_block_and_no_other(
        whole in log(), each in 1..60_usize, at in 0.0..1.0_f64, flip in 1..=255_u8,
    ) {
        let scratch = Scratch::new();
        let blocks = write(&whole, scratch.path(), each);
        let mut bytes = fs::read(scratch.path()).unwrap();
        let spoilt = 16 + ((bytes.len() - 16) as f64 * at) as usize;
        bytes[spoilt] ^= flip;
        fs::write(scratch.path(), &bytes).unwrap();
        let (back, reader) = read(scratch.path());
        prop_assert_eq!(reader.damage().len(), 1, "it is named, once");
        let end = bytes.len() - tail(blocks.len());
        let hit = blocks.iter().rposition(|block| block.0 <= spoilt).filter(|_| spoilt < end);
        let Some(hit) = hit else {
            // Only the index or the end was hit.
            prop_assert_eq!(events(&back), events(&whole));
            return Ok(());
        };
        let before = blocks[hit].1;
        prop_assert_eq!(&events(&back)[..before], &events(&whole)[..before]);
        let after = blocks.get(hit + 1).map_or(whole.len(), |block| block.1);
        let tail: Vec<Kind> = whole.events_in(after..).map(|event| event.kind).collect();
        let kinds: Vec<Kind> = back.events_in(..).map(|event| event.kind).collect();
        prop_assert!(kinds.ends_with(&tail), "what follows is there");
        if after < whole.len() {
            prop_assert!((1..=(after - before) as u64).contains(&back.dropped()), "what is missing is counted");
            let lost = whole.events_in(after - back.dropped() as usize..after).map(|event| event.lane).collect::<Vec<_>>();
            for lane in whole.lanes() {
                let of = lost.iter().filter(|lost| **lost == lane.id).count() as u64;
                prop_assert_eq!(back.dropped_in(lane.id), of, "in its lane: {}", lane.name);
            }
            prop_assert_eq!(stacks(&back), stacks(&whole), "what is open survives");
            prop_assert_eq!(back.latest().paused(), whole.latest().paused());
        }
    }

    #[test]
    fn a_spoilt_block_costs_those_that_go_on_from_it_and_what_is_open_survives(
        whole in log(), each in 1..30_usize, apart in 2..6_usize, at in 0.0..1.0_f64,
    ) {
        let scratch = Scratch::new();
        let mut writer = Writer::create(scratch.path(), Existing::Replace).unwrap();
        let (mut state, mut packer, mut blocks) = (State::default(), Packer::default(), Vec::new());
        for (number, run) in events(&whole).chunks(each).enumerate() {
            blocks.push((writer.length() as usize, number * each));
            if number % apart == 0 {
                packer.begin(run[0].seq);
                state.open_set().iter().for_each(|event| packer.event(event));
                packer.begin_events();
            } else {
                packer.go_on();
            }
            for event in run {
                packer.event(event);
                state.apply(event);
            }
            writer.push(&packer.chunk()).unwrap();
        }
        writer.finish().unwrap();
        let (back, reader) = read(scratch.path());
        prop_assert_eq!(events(&back), events(&whole));
        prop_assert!(reader.damage().is_empty() && back.dropped() == 0);
        let Some(hit) = blocks.len().checked_sub(1).map(|last| (last as f64 * at) as usize) else { return Ok(()) };
        let mut bytes = fs::read(scratch.path()).unwrap();
        bytes[blocks[hit].0 + 50] ^= 1;
        fs::write(scratch.path(), &bytes).unwrap();
        let (back, reader) = read(scratch.path());
        prop_assert_eq!(reader.damage().len(), 1, "it is named, once");
        let before = blocks[hit].1;
        prop_assert_eq!(&events(&back)[..before], &events(&whole)[..before]);
        // The next that stands alone.
        if let Some(after) = blocks.get((hit / apart + 1) * apart).map(|block| block.1) {
            let tail: Vec<Kind> = whole.events_in(after..).map(|event| event.kind).collect();
            let kinds: Vec<Kind> = back.events_in(..).map(|event| event.kind).collect();
            prop_assert!(kinds.ends_with(&tail), "what follows is there");
            prop_assert!((1..=(after - before) as u64).contains(&back.dropped()), "what is missing is counted");
            prop_assert_eq!(stacks(&back), stacks(&whole), "what is open survives");
        }
    }

    #[test]
    fn a_file_that_grows_is_read_as_far_as_it_is_there(whole in log(), each in 1..60_usize) {
        let scratch = Scratch::new();
        write(&whole, scratch.path(), each);
        let bytes = fs::read(scratch.path()).unwrap();
        let growing = Scratch::new();
        fs::write(growing.path(), &bytes[..16]).unwrap();
        let mut reader = Reader::open(growing.path()).unwrap();
        let mut back = Log::new();
        for piece in bytes[16..].chunks(37) {
            let mut file = fs::OpenOptions::new().append(true).open(growing.path()).unwrap();
            std::io::Write::write_all(&mut file, piece).unwrap();
            reader.read(&mut back).unwrap();
        }
        prop_assert_eq!(events(&back), events(&whole));
        prop_assert!(reader.is_ended());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..2_000), marks in 0..4_usize) {
        for mark in 0..marks {
            let at = mark * bytes.len() / 4;
            bytes.splice(at..at, *b"BLK2");
        }
        let scratch = Scratch::new();
        let mut file = b"SPANWALK\x02\0\0\0\0\0\0\0".to_vec();
        file.extend(bytes);
        fs::write(scratch.path(), &file).unwrap();
        let (log, reader) = read(scratch.path());
        prop_assert!(log.is_empty());
        prop_assert_eq!(reader.damage().iter().map(|damage| damage.bytes).sum::<u64>(), file.len() as u64 - 16);
    }
}

/// A block around a payload that was not packed by the writer, sealed as if it were.
fn sealed(first: u64, count: u32, raw: &[u8]) -> Vec<u8> {
    let payload = lz4_flex::block::compress(raw);
    let mut block = b"BLK2".to_vec();
    block.extend((payload.len() as u32).to_le_bytes());
    block.extend((raw.len() as u32).to_le_bytes());
    block.extend(first.to_le_bytes());
    block.extend((count / 2).to_le_bytes());
    block.extend((count - count / 2).to_le_bytes());
    block.extend([0; 16]);
    let mut sum = crc32fast::Hasher::new();
    sum.update(&block);
    sum.update(&payload);
    block.extend(sum.finalize().to_le_bytes());
    block.extend(payload);
    block
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_payload_makes_the_reader_panic_though_its_checksum_is_right(
        blocks in prop::collection::vec((any::<u8>(), prop::collection::vec(0..14_u8, 0..200), 0..40_u32), 1..4),
    ) {
        let mut file = b"SPANWALK\x02\0\0\0\0\0\0\0".to_vec();
        for (first, raw, count) in &blocks {
            let first = if *first == 255 { u64::MAX } else { u64::from(*first) };
            file.extend(sealed(first, *count, raw));
        }
        let scratch = Scratch::new();
        fs::write(scratch.path(), &file).unwrap();
        let (log, _) = read(scratch.path());
        for event in log.events_in(..) {
            // Who is inside whom has an end.
            let mut around = event.kind.span();
            let mut depth = 0;
            while let Some(record) = around.and_then(|span| log.span(span)) {
                around = record.parent;
                depth += 1;
                prop_assert!(depth <= log.len());
            }
        }
    }
}

/// Whether bytes have some other bytes in them.
fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_to_a_file_what_is_whole_of_it_is_read(
        whole in log(), each in 1..60_usize, harms in prop::collection::vec(harm(), 1..5),
    ) {
        let scratch = Scratch::new();
        let blocks = write(&whole, scratch.path(), each);
        let good = fs::read(scratch.path()).unwrap();
        let mut bytes = good.clone();
        harms.iter().for_each(|harm| harm.apply(&mut bytes));
        fs::write(scratch.path(), &bytes).unwrap();
        let (back, reader) = read(scratch.path());
        // Every byte is accounted for: read, or named.
        let damage = reader.damage();
        prop_assert!(damage.windows(2).all(|two| two[0].offset + two[0].bytes <= two[1].offset));
        prop_assert!(damage.iter().all(|damage| damage.bytes > 0 && damage.offset >= 16));
        prop_assert!(damage.iter().all(|damage| damage.offset + damage.bytes <= bytes.len() as u64));
        // What is whole and in its order is read: what it was that was opened there, if not when.
        let ends = blocks.iter().skip(1).map(|block| block.0).chain([good.len() - tail(blocks.len())]);
        let mut opened = Vec::new();
        let mut from = 16;
        for ((begin, first), end) in blocks.iter().copied().zip(ends) {
            let behind = &bytes[from.min(bytes.len())..];
            if let Some(at) = behind.windows(end - begin).position(|window| window == &good[begin..end]) {
                from += at + end - begin;
                let events = whole.events_in(first..(first + each).min(whole.len()));
                opened.extend(events.filter(|event| matches!(event.kind, Kind::Open { .. })).filter_map(|event| event.kind.span()));
            }
        }
        for span in opened {
            prop_assert!(back.span(span).is_some(), "{span:?} is in a whole block");
        }
        if has(&bytes, &good[good.len() - 24..]) && bytes.ends_with(&good[good.len() - 24..]) {
            prop_assert!(reader.is_ended());
        }
    }
}

#[test]
fn a_file_that_was_made_to_waste_memory_takes_what_its_size_allows() {
    // One byte of lz4 can stand for 255, and three of those for a span.
    let mut raw = b"\x0f\0\x01x\x1f\0\x01\0\x2f\0\0\0\0\0".to_vec();
    raw.extend(b"\x12\0\0\x01\0");
    let begin = raw.len();
    (0..1_000_000).for_each(|_| raw.extend([0x02, 0, 0]));
    let block = sealed(0, 1_000_000, &raw);
    let scratch = Scratch::new();
    #[track_caller]
    fn check(path: &Path, block: &[u8], opened: bool) {
        let mut file = b"SPANWALK\x02\0\0\0\0\0\0\0".to_vec();
        file.extend(block);
        fs::write(path, &file).unwrap();
        let (log, _) = read(path);
        assert_eq!(log.span_count() > 0, opened);
        let memory = log.memory();
        let most = file.len() * 1_000 + 4_096;
        assert!(memory.packed + memory.index <= most, "{memory:?} for {} bytes", file.len());
    }
    assert!(block.len() < raw.len() / 200);
    check(scratch.path(), &block, false);
    // The same, as densely as a writer packs.
    let is_dense = |spans: &usize| {
        let raw = &raw[..begin + 3 * spans];
        lz4_flex::block::compress(raw).len() * 32 < raw.len()
    };
    let spans = (0..1_000).find(is_dense).unwrap() - 1;
    check(scratch.path(), &sealed(0, spans as u32, &raw[..begin + 3 * spans]), true);
}

#[test]
fn what_packs_too_well_is_written_as_it_is() {
    let scratch = Scratch::new();
    let mut packer = Packer::default();
    let text = "x".repeat(1 << 20);
    packer.begin(spanwalk::trace::Seq(0));
    packer.begin_events();
    let thread = std::sync::Arc::new(spanwalk::trace::Thread { id: spanwalk::trace::ThreadId(1), name: "main".into() });
    let name = text.as_str().into();
    let kind = Kind::LaneOpen { name, kind: spanwalk::trace::LaneKind::Thread };
    let (seq, time, lane) = (spanwalk::trace::Seq(0), spanwalk::trace::Time(1), spanwalk::trace::LaneId(1));
    packer.event(&Event { seq, time, thread, lane, kind });
    let mut writer = Writer::create(scratch.path(), Existing::Replace).unwrap();
    writer.push(&packer.chunk()).unwrap();
    assert!(writer.length() > 1 << 20);
    writer.finish().unwrap();
    let (log, reader) = read(scratch.path());
    assert!(reader.is_ended() && reader.damage().is_empty());
    assert_eq!(&*log.lanes()[0].name, text);
}

#[test]
fn a_file_that_was_made_to_waste_time_is_given_up() {
    // Blocks that go on for megabytes, one beginning in the other every few bytes, and all of them wrong.
    let mut file = b"SPANWALK\x02\0\0\0\0\0\0\0".to_vec();
    let mut header = b"BLK2".to_vec();
    header.extend(1_000_000_u32.to_le_bytes());
    header.extend(1_000_000_u32.to_le_bytes());
    header.resize(48, 0);
    (0..50_000).for_each(|_| file.extend(&header));
    let scratch = Scratch::new();
    fs::write(scratch.path(), &file).unwrap();
    let began = std::time::Instant::now();
    let (log, reader) = read(scratch.path());
    // Without a limit it is 30 GB that are checked, and more than once.
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(log.is_empty() && !reader.is_ended());
    assert_eq!(reader.damage().iter().map(|damage| damage.bytes).sum::<u64>(), file.len() as u64 - 16);
}

#[test]
fn what_is_no_recording_is_said_in_one_line() {
    #[track_caller]
    fn check(bytes: &[u8], words: &str) {
        let scratch = Scratch::new();
        fs::write(scratch.path(), bytes).unwrap();
        let Err(error) = Reader::open(scratch.path()) else { panic!("it was opened") };
        let said = error.to_string();
        assert!(said.contains(words) && said.contains(scratch.path().to_str().unwrap()), "{said}");
    }
    check(b"", "no recording");
    check(b"SPANWALK", "no recording");
    check(b"something else entirely, and long", "no recording");
    check(b"SPANWALK\x63\0\0\0\0\0\0\0", "version 99");
    let Err(error) = Reader::open(Path::new("no/such/file.spanwalk")) else { panic!("it was opened") };
    assert_eq!(error.to_string(), "cannot read `no/such/file.spanwalk`: no such file");
    let Err(error) = Reader::open(&std::env::temp_dir()) else { panic!("a directory was opened") };
    assert!(error.to_string().contains("it is a directory"), "{error}");
}

#[test]
fn a_file_that_exists_is_kept_unless_it_is_to_be_replaced() {
    let scratch = Scratch::new();
    fs::write(scratch.path(), "precious").unwrap();
    assert!(matches!(Writer::create(scratch.path(), Existing::Keep), Err(FileError::Exists { .. })));
    assert_eq!(fs::read(scratch.path()).unwrap(), b"precious");
    Writer::create(scratch.path(), Existing::Replace).unwrap().finish().unwrap();
    assert!(Reader::open(scratch.path()).is_ok());
}
