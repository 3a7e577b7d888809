//! `spanwalk worksheet` as a teacher uses it, read as a Markdown renderer reads it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output, Stdio};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

fn run(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let Output { status, stdout, stderr } = command.args(args).stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[track_caller]
fn worksheet(args: &[&str]) -> String {
    let (code, out, err) = run(&[&["worksheet"], args].concat());
    assert_eq!((code, &*err), (0, ""));
    out
}

/// What a renderer sees: headings, tables as rows of cells, rules to write on.
#[derive(Default)]
struct Rendered {
    headings: Vec<(HeadingLevel, String)>,
    tables: Vec<Vec<Vec<String>>>,
    rules: usize,
    html: Vec<String>,
}

impl Rendered {
    fn table(&self, head: &[&str]) -> &[Vec<String>] {
        self.tables.iter().find(|table| table[0] == head).unwrap_or_else(|| panic!("no table {head:?}"))
    }
}

fn render(text: &str) -> Rendered {
    let mut seen = Rendered::default();
    let mut words = String::new();
    let mut level = HeadingLevel::H1;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level: found, .. }) => {
                level = found;
                words.clear();
            }
            Event::End(TagEnd::Heading(_)) => seen.headings.push((level, words.clone())),
            Event::Start(Tag::Table(_)) => seen.tables.push(Vec::new()),
            Event::Start(Tag::TableHead | Tag::TableRow) => seen.tables.last_mut().unwrap().push(Vec::new()),
            Event::Start(Tag::TableCell) => words.clear(),
            Event::End(TagEnd::TableCell) => seen.tables.last_mut().unwrap().last_mut().unwrap().push(words.clone()),
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::Rule => seen.rules += 1,
            Event::Html(html) => seen.html.push(html.trim().to_owned()),
            _ => {}
        }
    }
    seen
}

#[test]
fn a_sheet_of_a_fresh_run_has_questions_blank_stacks_and_on_other_pages_the_answers() {
    let text = worksheet(&[]);
    let seen = render(&text);
    // Headings nest: none is deeper than the one before by more than a level, and there is one title.
    assert_eq!(seen.headings.iter().filter(|heading| heading.0 == HeadingLevel::H1).count(), 1);
    for pair in seen.headings.windows(2) {
        assert!(pair[1].0 as usize <= pair[0].0 as usize + 1, "{pair:?}");
    }
    // Tables are tables: no line with cells is left as text, and every row has the cells of its head.
    let rows: usize = seen.tables.iter().map(Vec::len).sum();
    let lines = text.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(lines, rows + seen.tables.len(), "every line is a row, or below a head");
    assert!(seen.tables.iter().all(|table| table.iter().all(|row| row.len() == table[0].len())));
    assert_eq!(seen.html, ["<div style=\"page-break-before: always\"></div>"]);

    // The order of the calls is asked in the alphabet's order, and told in the run's.
    let asked = seen.table(&["number", "call", "file of the original", "lane"]);
    let told = seen.table(&["number", "call", "lane", "begins at", "inside"]);
    assert_eq!(asked.len(), told.len());
    assert!(asked[1..].windows(2).all(|pair| pair[0][1] < pair[1][1]));
    assert_eq!(told[1][..3], ["1", "run", "main"]);
    let begins: Vec<spanwalk::trace::Time> = told[1..].iter().map(|row| row[3].parse().unwrap()).collect();
    assert!(begins.is_sorted(), "{begins:?}");
    let row = |call: &str| told.iter().position(|row| row[1] == call).unwrap();
    let pairs = [
        ("spawn", "hub.run"),
        ("hub.run", "on_async"),
        ("worker.run_task", "on_async"),
        ("on_async", "start_accepting"),
    ];
    for (first, then) in pairs {
        assert!(row(first) < row(then), "{first} before {then}");
    }
    assert_eq!(told[row("spawn")][2..], ["main".to_owned(), told[row("spawn")][3].clone(), "apply".to_owned()]);
    assert_eq!((&*told[row("hub.run")][2], &*told[row("worker.run_task")][2]), ("hub", "worker-1"));

    // Every question of the lessons, with lines to write on, and every answer.
    let book = spanwalk::lesson::Book::embedded();
    let questions: Vec<_> = book.pages().iter().filter(|page| page.question.is_some()).collect();
    assert!(seen.rules >= 2 * questions.len());
    let (sheet, answers) = text.split_once("<div").unwrap();
    assert_eq!(sheet.matches("\n### ").count(), questions.len() + 3);
    assert_eq!(answers.matches("\nIn this run: began at ").count(), book.chain().steps().len(), "every call was made");
    for said in ["No. There is no socket yet", "Who accepts clients? the io watcher on fd "] {
        assert!(answers.contains(said) && !sheet.contains(said), "{said}");
    }

    // Three stacks, blank and as they were.
    let blank: Vec<_> = seen.tables.iter().filter(|table| table[0] == ["lane", "main", "hub", "worker"]).collect();
    assert_eq!(blank.len(), 3);
    assert!(blank.iter().all(|table| table.iter().skip(1).flat_map(|row| &row[1..]).all(String::is_empty)));
    let told: Vec<_> = seen.tables.iter().filter(|table| table[0].ends_with(&["worker-1".to_owned()])).collect();
    assert_eq!(told.len(), 2, "during and after");
    assert_eq!(told[0][2][..], ["innermost call", "get", "poll", "gethostbyaddr"]);
    assert_eq!(told[1][2][1], "wait");
    assert!(seen.table(&["lane", "main", "hub"])[2].contains(&"spawn".to_owned()));

    // The report's sentences with their verdicts, all of which the run decides.
    let told = seen.table(&["no.", "the report says", "verdict", "in this run", "decided by"]);
    assert_eq!(told.len(), seen.table(&["no.", "the report says", "T or W", "because"]).len());
    for row in &told[1..] {
        assert_eq!(row[3], if row[2] == "wrong" { "contradicted" } else { "holds" }, "{row:?}");
        assert!(row[4].contains("event "), "{row:?}");
    }
}

#[test]
fn questions_and_answers_come_apart_and_a_file_that_exists_is_kept() {
    let scratch = std::env::temp_dir().join(format!("spanwalk-worksheet-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&scratch);
    std::fs::create_dir_all(&scratch).unwrap();
    let path = |name: &str| scratch.join(name).to_str().unwrap().to_owned();
    let file = path("start.spanwalk");
    assert_eq!(run(&["demo", "--plain", "--port", "0", "--until", "loop", "--record", &file]).0, 0);

    let both = worksheet(&[&file]);
    let (asked, told) = (worksheet(&[&file, "--no-answers"]), worksheet(&[&file, "--answers"]));
    assert!(asked.contains("## 2. Questions") && !asked.contains("## Answers") && !asked.contains("<div"));
    assert!(told.contains("## Answers") && !told.contains("T or W") && told.starts_with("# Worksheet"));
    assert!(both.contains(asked.trim_end()) && both.ends_with(told.split_once("## Answers").unwrap().1));
    // A start without a client: what was not called is said, and nothing is made up.
    assert!(told.contains("In this run: not called.") && told.contains("start.spanwalk`"), "{told}");

    let out = path("sheet.md");
    let args = ["worksheet", &file, "-o", &out];
    assert_eq!(run(&args), (0, String::new(), String::new()));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), both);
    let (code, _, err) = run(&args);
    assert!(code == 1 && err.contains(&out) && err.contains("--force") && err.lines().count() == 1, "{err}");
    assert_eq!(run(&[&args[..], &["--force"]].concat()).0, 0);
    let (code, _, err) = run(&["worksheet", &file, "--answers", "--no-answers"]);
    assert!(code == 2 && err.contains("--no-answers"), "{err}");
    let (code, _, err) = run(&["worksheet", &file, "-o", "/no/such/dir/sheet.md"]);
    assert!(code == 1 && err.contains("/no/such/dir/sheet.md") && err.contains("-o"), "{err}");
    std::fs::remove_dir_all(&scratch).unwrap();
}
