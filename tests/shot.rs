//! `spanwalk shot`: every screen as a picture of a recording.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use spanwalk::tui::SCREENS;

fn run(args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanwalk"));
    let Output { status, stderr, .. } = command.args(args).stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8(stderr).unwrap())
}

/// A recording of the start, and a place for pictures of it.
struct Studio(PathBuf);

impl Studio {
    fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("shot-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let studio = Self(directory);
        let file = studio.path("a.spanwalk");
        let (code, err) = run(&["demo", "--plain", "--until", "loop", "--port", "0", "--record", &file]);
        assert_eq!(code, 0, "{err}");
        studio
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn shoot(&self, name: &str, args: &[&str]) -> Vec<u8> {
        let (file, picture) = (self.path("a.spanwalk"), self.path(name));
        let all = [&["shot", &file, "--force", "-o", &picture], args].concat();
        assert_eq!(run(&all), (0, String::new()), "{args:?}");
        fs::read(picture).unwrap()
    }

    /// What is written in a picture, without markup.
    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        let svg = String::from_utf8(self.shoot("a.svg", args)).unwrap();
        let body = svg.split_once("</style>").unwrap().1;
        let parts = body.split('<').filter_map(|part| part.split_once('>')).map(|part| part.1);
        parts.collect::<String>().replace("&gt;", ">").replace('\u{a0}', " ")
    }

    #[track_caller]
    fn refuses(&self, args: &[&str], code: i32, expected: &str) {
        let (file, picture) = (self.path("a.spanwalk"), self.path("refused.svg"));
        let (found, err) = run(&[&["shot", &file, "-o", &picture], args].concat());
        assert!(found == code && err.contains(expected) && err.lines().count() == 1, "{args:?}: {found} {err}");
        let names: Vec<_> = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("refused")), "{names:?}");
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_screen_of_the_table_can_be_drawn_and_no_two_are_alike() {
    let studio = Studio::new("every");
    let mut seen: Vec<(Vec<u8>, &str)> = Vec::new();
    for screen in SCREENS {
        let picture = studio.shoot("a.svg", &["--at", "spawn", "--search", "gethost", "--screen", screen.name]);
        let same = seen.iter().find(|other| other.0 == picture);
        assert_eq!(same.map(|same| same.1), None, "{}", screen.name);
        seen.push((picture, screen.name));
    }
    let output = Command::new(env!("CARGO_BIN_EXE_spanwalk")).args(["shot", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for screen in SCREENS {
        assert!(help.contains(&format!("\n  {:13}  {}", screen.name, screen.doc)), "{}", screen.name);
    }
}

#[test]
fn a_picture_stands_where_it_was_asked_to() {
    let studio = Studio::new("places");
    let check = |at: &str, expected: &str| {
        let text = studio.text(&["--at", at]);
        assert!(text.contains(expected), "{at}: {text}");
    };
    check("spawn", "14/36 spawn");
    check("hub.run", "16/36 hub.run");
    check("loop", "loop started");
    check("serves", "serving");
    check("@3", "event 3 of");
    check("#1", "1/36 run");
    check("0%", "before the loop");
    assert!(studio.text(&[]).contains("THE END"));
    let text = studio.text(&["--at", "spawn", "--screen", "moments"]);
    assert!(text.contains("BEFORE") && text.contains("who accepts?"), "{text}");
}

#[test]
fn a_picture_of_pixels_has_the_size_of_its_cells() {
    let studio = Studio::new("pixels");
    let size = |args: &[&str]| {
        let png = studio.shoot("a.png", args);
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
    };
    assert_eq!(size(&["--size", "80x24"]), [80 * 12 + 24, 24 * 23 + 24]);
    assert_eq!(size(&["--size", "20x5", "--theme", "light", "--ascii"]), [20 * 12 + 24, 5 * 23 + 24]);
    assert_ne!(studio.shoot("a.png", &["--theme", "light"]), studio.shoot("a.png", &["--theme", "dark"]));
}

#[test]
fn what_cannot_be_drawn_is_refused_with_what_can_and_leaves_nothing_behind() {
    let studio = Studio::new("refused");
    studio.refuses(&["--screen", "cinema"], 2, "no screen `cinema`; there are lesson, stack, timeline");
    studio.refuses(&["--screen", "matches"], 2, "--search");
    studio.refuses(&["--screen", "predict"], 1, "this is the end of the recording");
    studio.refuses(&["--at", "nowhere"], 1, "no call so far is named `nowhere`");
    studio.refuses(&["--at", "12"], 1, "12ms is a time");
    studio.refuses(&["--search", "dur>x"], 1, "write a number and its unit");
    studio.refuses(&["--size", "5x5"], 2, "from 20x5 to 400x200");
    studio.refuses(&["--theme", "gloom"], 2, "auto, light, dark, mono");
    let (code, err) = run(&["shot", &studio.path("a.spanwalk"), "-o", &studio.path("a.gif")]);
    assert!(code == 2 && err.contains(".svg or .png"), "{err}");
    studio.shoot("a.svg", &[]);
    let (code, err) = run(&["shot", &studio.path("a.spanwalk"), "-o", &studio.path("a.svg")]);
    assert!(code == 1 && err.contains("--force"), "{err}");
}
