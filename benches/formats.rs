//! What it costs to write a recording in each format, and to read those back that can be: time, size, the most memory that was taken.
//!
//! `cargo bench --bench formats` prints two tables; a number is another number of spans than a million. The recording is made up, in
//! memory: requests on four lanes, each with calls inside and fields. The second table is of a file as a tracer of functions writes it:
//! whole events with arguments, each at its end. `foreign` prints that table alone.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwalk::format::{Excerpt, FORMATS, Foreign, Import};
use spanwalk::trace::{
    Callsite, Event, Field, Kind, LaneId, LaneKind, Log, Packer, Seq, SpanId, Thread, ThreadId, Time, Value,
};

/// Lanes that take turns.
const LANES: u64 = 4;
/// Calls inside a request.
const INSIDE: u64 = 4;

fn main() {
    let spans = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let path = std::env::temp_dir().join(format!("spanwalk-formats-{}", std::process::id()));
    if std::env::args().all(|word| word != "foreign") {
        ours(spans, &path);
    }
    foreign(spans, &path);
    let _ = std::fs::remove_file(path);
}

/// A made-up recording in every format, and back.
fn ours(spans: u64, path: &Path) {
    let log = recording(spans);
    println!("{} spans, {} events, {} lanes", log.span_count(), log.len(), log.lanes().len());
    println!("\n| | write, s | M spans/s | B a span | peak, B a span | read, s | M spans/s | peak, B a span |");
    println!("|-|-|-|-|-|-|-|-|");
    for format in FORMATS {
        let mut written = Written(0);
        let before = reset_peak();
        let begin = Instant::now();
        format.write(&Excerpt::whole(&log), &mut written).expect("nothing is written to");
        let took = begin.elapsed().as_secs_f64();
        let each = |bytes: u64| bytes as f64 / log.span_count() as f64;
        let rate = |took: f64| log.span_count() as f64 / took / 1e6;
        let peak = each(peak().saturating_sub(before));
        print!("| {} | {took:.2} | {:.2} | {:.1} | {peak:.0} ", format.name, rate(took), each(written.0));
        if matches!(format.name, "chrome" | "jsonl") {
            let mut file = io::BufWriter::new(std::fs::File::create(path).expect("a file can be made"));
            format.write(&Excerpt::whole(&log), &mut file).expect("it can be written to");
            file.into_inner().expect("it can be written to");
            let before = reset_peak();
            let begin = Instant::now();
            let again = read(path);
            let took = begin.elapsed().as_secs_f64();
            assert_eq!(again.span_count(), log.span_count(), "all spans come back");
            println!("| {took:.2} | {:.2} | {:.0} |", rate(took), each(peak_since(before)));
        } else {
            println!("| – | – | – |");
        }
    }
}

/// What another tool wrote.
fn foreign(spans: u64, path: &Path) {
    let mut file = io::BufWriter::new(std::fs::File::create(path).expect("a file can be made"));
    functions(spans, &mut file).expect("it can be written to");
    file.into_inner().expect("it can be written to");
    let bytes = std::fs::metadata(path).map_or(0, |data| data.len());
    println!("\n{spans} whole events of functions with arguments, {:.0} B each", bytes as f64 / spans as f64);
    println!("\n| | read, s | M spans/s | peak, B a span |\n|-|-|-|-|");
    for round in 1..=5 {
        let before = reset_peak();
        let begin = Instant::now();
        let log = read(path);
        let took = begin.elapsed().as_secs_f64();
        assert_eq!(log.span_count() as u64, spans, "all spans come back");
        let (rate, peak) = (spans as f64 / took / 1e6, peak_since(before) as f64 / spans as f64);
        println!("| round {round} | {took:.2} | {rate:.2} | {peak:.0} |");
    }
}

/// Calls of functions on four threads as whole events, each written when it ends, with arguments of several kinds.
fn functions(spans: u64, to: &mut impl Write) -> io::Result<()> {
    write!(to, "{{\"traceEvents\":[")?;
    let (mut written, mut now, mut random) = (0, 0_u64, 1_u64);
    // Calls under way: when each began, and how many are still to be made in it.
    let mut open: Vec<(u64, u64)> = Vec::new();
    while written < spans {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = random >> 33;
        now += 50 + chance % 1_000;
        let may_call = open.last().is_none_or(|call| call.1 > 0) && open.len() < 8;
        if may_call && written + (open.len() as u64) < spans {
            if let Some(call) = open.last_mut() {
                call.1 -= 1;
            }
            open.push((now, chance % 3));
        } else if let Some((begin, _)) = open.pop() {
            let (comma, thread) = (if written > 0 { ",\n" } else { "" }, 4_711 + written / 1_000 % 4);
            let (module, function) = (chance % 20, chance % 200);
            let took = now - begin;
            write!(
                to,
                "{comma}{{\"pid\":4711,\"tid\":{thread},\"ts\":{}.{:03},\"dur\":{}.{:03},\"ph\":\"X\",\"name\":\"call{function} \
                 (/srv/app/module{module}.py:{})\",\"cat\":\"fee\",\"args\":{{\"func_args\":{{\"self\":\"<obj at 0x7f>\",\"n\":{}}},\
                 \"rows\":{written},\"ok\":true}}}}",
                1_893_000_000 + begin / 1_000,
                begin % 1_000,
                took / 1_000,
                took % 1_000,
                function * 7 + 3,
                chance % 97,
            )?;
            written += 1;
        }
    }
    writeln!(to, "],\"displayTimeUnit\":\"ns\"}}")
}

fn read(path: &Path) -> Log {
    let what = Foreign::of_file(path).expect("it is told by its content");
    let mut import = Import::open(path, what).expect("it can be read");
    let mut log = Log::new();
    while !import.is_done() {
        import.read_for(&mut log, Duration::from_millis(100)).expect("it is well-formed");
    }
    log
}

/// Counts bytes.
struct Written(u64);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The memory that is taken now, from which the peak is counted on. Nothing where the system does not say.
fn reset_peak() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

fn peak_since(before: u64) -> u64 {
    peak().saturating_sub(before)
}

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn recording(spans: u64) -> Log {
    let callsite = |name: &str, line| {
        let (name, target, file) = (name.into(), "shop::orders".into(), Some("src/orders.rs".into()));
        Arc::new(Callsite { name, target, file, line: Some(line) })
    };
    let request = callsite("request", 10);
    let inside: Vec<_> = (0..INSIDE).map(|at| callsite(&format!("query{at}"), 20 + at as u32)).collect();
    let field = |name: &str, value| Field { name: name.into(), value };
    let (mut packer, mut log, mut now, mut next) = (Packer::default(), Log::new(), 0_u64, 0_u64);
    packer.begin(Seq(0));
    packer.begin_events();
    let threads: Vec<_> = (1..=LANES)
        .map(|number| Arc::new(Thread { id: ThreadId(number as u32), name: format!("worker-{number}").into() }))
        .collect();
    let mut push = |log: &mut Log, now: u64, lane: u64, kind: Kind| {
        let (thread, lane) = (threads[lane as usize].clone(), LaneId(lane as u32 + 1));
        packer.event(&Event { seq: Seq(0), time: Time(now), thread, lane, kind });
        if packer.len() > 1 << 16 {
            log.append(&packer.chunk()).expect("what was packed is a chunk");
            packer.go_on();
        }
    };
    for lane in 0..LANES {
        push(&mut log, now, lane, Kind::LaneOpen { name: threads[lane as usize].name.clone(), kind: LaneKind::Thread });
    }
    while next < spans {
        let lane = next / (INSIDE + 1) % LANES;
        next += 1;
        let around = SpanId(next);
        let fields = vec![field("path", Value::from("/api/orders")), field("id", Value::U64(now))];
        push(&mut log, now, lane, Kind::Open { span: around, parent: None, callsite: request.clone(), fields });
        push(&mut log, now + 100, lane, Kind::Enter { span: around });
        now += 1_500;
        for (rows, callsite) in inside.iter().enumerate() {
            let fields = vec![field("table", Value::from("orders")), field("rows", Value::U64(rows as u64))];
            next += 1;
            let (span, callsite) = (SpanId(next), callsite.clone());
            push(&mut log, now, lane, Kind::Open { span, parent: Some(around), callsite, fields });
            push(&mut log, now + 100, lane, Kind::Enter { span });
            now += 1_500;
            push(&mut log, now, lane, Kind::Exit { span });
            push(&mut log, now + 10, lane, Kind::Close { span });
            now += 300;
        }
        push(&mut log, now, lane, Kind::Exit { span: around });
        push(&mut log, now + 10, lane, Kind::Close { span: around });
        now += 400;
    }
    log.append(&packer.chunk()).expect("what was packed is a chunk");
    log
}
