//! One page: a front matter of TOML between `+++` lines, then Markdown.
//!
//! ```text
//!   +++
//!   title = "Hand a blocking job to another thread"
//!   step = "spawn"          ← binds the page to span + target: absent for pages about no single step
//!   …
//!   [[claim]]               ← sentences that a run can bear out or contradict
//!   +++
//!   The report says …       ← prose, Markdown
//! ```

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{LessonError, Outcome, Predicate, predicate};
use crate::trace::Key;

/// A page of the walkthrough.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The file's name, such as `14-spawn.md`.
    pub file: String,
    /// Its heading.
    pub title: String,
    /// The documented call it is about; `None` for pages about the whole, experiments, tools.
    pub call: Option<Call>,
    /// What the report says about it, word for word.
    pub report: Option<String>,
    /// How the report's sentence fares; `None` on pages that judge nothing.
    pub verdict: Option<Verdict>,
    /// What really happens, in a sentence.
    pub truth: Option<String>,
    /// What to look at on the screen.
    pub look: Option<String>,
    /// Names of the span's fields that are evidence, in the order to show them.
    pub fields: Vec<String>,
    /// A question to the reader.
    pub question: Option<String>,
    /// Its answer.
    pub answer: Option<String>,
    /// Sentences with predicates.
    pub claims: Vec<Claim>,
    /// The text, Markdown.
    pub prose: String,
}

/// A documented call: here and in the Python original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The step's id, such as `hub.run`.
    pub step: String,
    /// Span name and module path.
    pub key: Key,
    /// Path of the Rust source from the repository's root.
    pub source: String,
    /// The lane it runs in.
    pub lane: String,
    /// Qualified name of the function in the original.
    pub upstream: String,
    /// The file it is in, from the package's root.
    pub upstream_file: String,
    /// Where to read it, pinned to a release and a line.
    pub link: String,
}

impl Page {
    /// What its claims are called by: the number its file name begins with, or else the name, such as `14` of `14-spawn.md`.
    #[must_use]
    pub fn number(&self) -> &str {
        let stem = self.file.strip_suffix(".md").unwrap_or(&self.file);
        let digits = stem.bytes().take_while(u8::is_ascii_digit).count();
        match stem[..digits].trim_start_matches('0') {
            "" if digits > 0 => "0",
            "" => stem,
            number => number,
        }
    }
}

impl Claim {
    /// How it comes out in a run that is as its page says.
    #[must_use]
    pub fn expected(&self) -> Outcome {
        if self.verdict == Verdict::Wrong { Outcome::Contradicted } else { Outcome::Holds }
    }
}

impl Call {
    /// The mirrored function for people, such as `gevent/threadpool.py · ThreadPool.spawn`.
    #[must_use]
    pub fn upstream_name(&self) -> String {
        format!("{} · {}", self.upstream_file, self.upstream)
    }
}

/// A sentence about the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The sentence.
    pub says: String,
    /// Who says so.
    pub by: Author,
    /// What is true of it, known beforehand from the original.
    pub verdict: Verdict,
    /// The claim as made, in a form that a run can be asked. Where the verdict is `wrong` a run contradicts it.
    pub predicate: Predicate,
}

/// Who makes a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The report that is checked.
    Report,
    /// These lessons.
    Lesson,
}

/// How a sentence fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is so.
    True,
    /// Right in the main, or in part.
    Imprecise,
    /// It is not so.
    Wrong,
    /// The report says nothing here.
    Missing,
    /// The report has the heading and nothing under it.
    Empty,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::Imprecise => "imprecise",
            Self::Wrong => "wrong",
            Self::Missing => "missing",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Report => "report",
            Self::Lesson => "lesson",
        })
    }
}

/// The front matter as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    step: Option<Spanned<String>>,
    span: Option<String>,
    target: Option<String>,
    source: Option<String>,
    lane: Option<String>,
    upstream: Option<String>,
    upstream_file: Option<String>,
    link: Option<String>,
    report: Option<String>,
    verdict: Option<Verdict>,
    truth: Option<String>,
    look: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    question: Option<String>,
    answer: Option<String>,
    #[serde(default, rename = "claim")]
    claims: Vec<RawClaim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClaim {
    says: String,
    by: Author,
    verdict: Spanned<Verdict>,
    predicate: Spanned<String>,
}

const FENCE: &str = "+++\n";

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// If the front matter is missing, is no TOML, lacks a key, or has one that is unknown or holds what it cannot.
    pub fn parse(file: &str, text: &str) -> Result<Self, LessonError> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let error = |line, problem| LessonError::Page { file: file.to_owned(), line, problem };
        let Some(rest) = text.strip_prefix(FENCE) else {
            return Err(error(
                1,
                "no front matter; expected a line `+++`, keys such as `title`, and a line `+++`".into(),
            ));
        };
        let Some((front, prose)) = rest.split_once(&format!("\n{FENCE}")) else {
            return Err(error(1, "the front matter does not end; expected a second line `+++`".into()));
        };
        // The first line of the front matter is the second of the file.
        let line_of = |at: usize| 2 + front[..at.min(front.len())].matches('\n').count();
        let raw: FrontMatter = toml::from_str(front).map_err(|e| {
            let line = e.span().map_or(1, |span| line_of(span.start));
            error(line, e.message().replace("unknown field", "unknown key").replace("missing field", "missing key"))
        })?;

        let mut claims = Vec::new();
        for claim in raw.claims {
            let line = line_of(claim.predicate.span().start);
            let predicate = claim.predicate.get_ref().parse().map_err(|e| error(line, format!("{e}")))?;
            let verdict = *claim.verdict.get_ref();
            if matches!(verdict, Verdict::Missing | Verdict::Empty) {
                let line = line_of(claim.verdict.span().start);
                return Err(error(
                    line,
                    format!("a claim cannot be `{verdict}`; expected `true`, `imprecise` or `wrong`"),
                ));
            }
            claims.push(Claim { says: claim.says, by: claim.by, verdict, predicate });
        }

        let call = match raw.step {
            None => None,
            Some(step) => {
                let line = line_of(step.span().start);
                let step = step.into_inner();
                let need = |key: &str, value: Option<String>| {
                    value.ok_or_else(|| error(line, format!("missing key `{key}`; a page with `step` has one")))
                };
                predicate::step(&step).map_err(|e| error(line, e.to_string()))?;
                let call = Call {
                    key: Key { name: need("span", raw.span)?, target: need("target", raw.target)? },
                    source: need("source", raw.source)?,
                    lane: need("lane", raw.lane)?,
                    upstream: need("upstream", raw.upstream)?,
                    upstream_file: need("upstream_file", raw.upstream_file)?,
                    link: need("link", raw.link)?,
                    step,
                };
                let verdict = raw
                    .verdict
                    .ok_or_else(|| error(line, "missing key `verdict`; a page with `step` has one".into()))?;
                match (verdict, &raw.report) {
                    (Verdict::Missing, Some(_)) => {
                        return Err(error(line, "verdict `missing` and a `report`; expected one of the two".into()));
                    }
                    (Verdict::Missing, None) | (_, Some(_)) => {}
                    (verdict, None) => {
                        return Err(error(
                            line,
                            format!("missing key `report`; verdict `{verdict}` needs what is judged"),
                        ));
                    }
                }
                Some(call)
            }
        };
        Ok(Self {
            file: file.to_owned(),
            title: raw.title,
            call,
            report: raw.report,
            verdict: raw.verdict,
            truth: raw.truth,
            look: raw.look,
            fields: raw.fields,
            question: raw.question,
            answer: raw.answer,
            claims,
            prose: prose.trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_called_by_the_number_of_its_file_or_by_its_name() {
        #[track_caller]
        fn check(file: &str, expected: &str) {
            assert_eq!(Page::parse(file, "+++\ntitle = \"t\"\n+++\n").unwrap().number(), expected);
        }
        check("14-spawn.md", "14");
        check("00-about.md", "0");
        check("03.md", "3");
        check("spawn.md", "spawn");
    }

    const WHOLE: &str = r#"+++
title = "Hand a job over"
step = "spawn"
span = "spawn"
target = "app::pool"
source = "src/pool.rs"
lane = "main"
upstream = "ThreadPool.spawn"
upstream_file = "gevent/threadpool.py"
link = "https://example.org/threadpool.py#L533"
report = "a thread that watches"
verdict = "wrong"
truth = "It runs one lookup."
look = "The semaphore."
fields = ["semaphore_after"]
question = "Who?"
answer = "The worker."
[[claim]]
says = "it accepts"
by = "report"
verdict = "wrong"
predicate = "inside do_read worker.run_task"
+++

The *prose*.
"#;

    #[track_caller]
    fn check_error(from: &str, to: &str, expected: &str) {
        assert!(WHOLE.contains(from));
        assert_eq!(Page::parse("a.md", &WHOLE.replacen(from, to, 1)).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_page_is_front_matter_and_prose() {
        let page = Page::parse("a.md", WHOLE).unwrap();
        let call = page.call.unwrap();
        assert_eq!((&*call.step, &*call.key.name, &*call.key.target), ("spawn", "spawn", "app::pool"));
        assert_eq!(page.verdict, Some(Verdict::Wrong));
        assert_eq!(page.claims[0].by, Author::Report);
        assert_eq!(page.claims[0].predicate.to_string(), "inside do_read worker.run_task");
        assert_eq!(page.prose, "The *prose*.");
    }

    #[test]
    fn a_page_saved_on_windows_is_the_same_page() {
        let windows = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
        assert_eq!(Page::parse("a.md", &windows).unwrap(), Page::parse("a.md", WHOLE).unwrap());
    }

    #[test]
    fn a_page_without_a_step_needs_a_title_only() {
        let page = Page::parse("a.md", "+++\ntitle = \"About\"\n+++\nText.\n").unwrap();
        assert_eq!((page.call, page.verdict, &*page.prose), (None, None, "Text."));
    }

    #[test]
    fn a_bad_page_names_file_line_and_what_is_expected() {
        check_error(
            "+++\ntitle",
            "title",
            "`a.md`, line 1: no front matter; expected a line `+++`, keys such as `title`, and a line `+++`",
        );
        check_error(
            "+++\n\nThe",
            "\nThe",
            "`a.md`, line 1: the front matter does not end; expected a second line `+++`",
        );
        check_error("lane = \"main\"\n", "", "`a.md`, line 3: missing key `lane`; a page with `step` has one");
        check_error("verdict = \"wrong\"\n", "", "`a.md`, line 3: missing key `verdict`; a page with `step` has one");
        check_error(
            "report = \"a thread that watches\"\n",
            "",
            "`a.md`, line 3: missing key `report`; verdict `wrong` needs what is judged",
        );
        check_error(
            "verdict = \"wrong\"",
            "verdict = \"missing\"",
            "`a.md`, line 3: verdict `missing` and a `report`; expected one of the two",
        );
        check_error(
            "inside do_read worker",
            "within do_read worker",
            "`a.md`, line 22: unknown predicate `within`; expected `order a < b`, `inside a b`, `lane a = x`, \
             `never a on x`, `count a = n` or `field a.f = v`",
        );
        check_error(
            "step = \"spawn\"",
            "step = \"Spawn\"",
            "`a.md`, line 3: `Spawn` is no step id; expected small letters, digits, `_` and dots, such as `hub.run`",
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_that_lists_the_known_ones() {
        let error = Page::parse("a.md", &WHOLE.replacen("look =", "looks =", 1)).unwrap_err().to_string();
        assert!(error.starts_with("`a.md`, line 14: unknown key `looks`, expected one of `title`, `step`"), "{error}");
        let error = Page::parse("a.md", &WHOLE.replacen("says =", "said =", 1)).unwrap_err().to_string();
        assert!(error.starts_with("`a.md`, line 19: unknown key `said`, expected one of `says`"), "{error}");
    }
}
