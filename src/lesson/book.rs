//! All pages of a walkthrough, in order. The steps of the chain are what its front matter says they are.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::{Call, LessonError, Page, embedded};
use crate::trace::{Chain, ChainStep};

/// A walkthrough.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    /// The pages, in the order of their file names.
    pages: Vec<Page>,
}

impl Book {
    /// The pages that are part of the program.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn embedded() -> Self {
        let pages = embedded::PAGES.iter().map(|(file, text)| Page::parse(file, text));
        let book = pages.collect::<Result<_, _>>().and_then(Self::new);
        book.expect("the built-in pages are read by a test")
    }

    /// The pages of a directory: its files whose names end in `.md`.
    ///
    /// # Errors
    /// If the directory or a file cannot be read, if there is no page, or if one is not as it should be.
    pub fn read_dir(directory: &Path) -> Result<Self, LessonError> {
        let read_error = |path: &Path| {
            let path = path.to_owned();
            |cause| LessonError::Read { path, cause }
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(read_error(directory))? {
            let path = entry.map_err(read_error(directory))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.extension().is_some_and(|ending| ending == "md") && !name.starts_with('.') {
                files.push((name, path));
            }
        }
        if files.is_empty() {
            return Err(LessonError::Empty { path: directory.to_owned() });
        }
        files.sort();
        let mut pages = Vec::new();
        for (name, path) in files {
            let text = fs::read_to_string(&path).map_err(read_error(&path))?;
            pages.push(Page::parse(&name, &text)?);
        }
        Self::new(pages)
    }

    /// A book of these pages, in this order.
    ///
    /// # Errors
    /// If two pages are about one step, or a claim speaks of a step that has no page.
    pub fn new(pages: Vec<Page>) -> Result<Self, LessonError> {
        let book = Self { pages };
        let error = |page: &Page, problem| LessonError::Page { file: page.file.clone(), line: 1, problem };
        let mut by_step = HashMap::new();
        let mut by_key = HashMap::new();
        for (page, call) in book.calls() {
            if let Some(other) = by_step.insert(&call.step, page) {
                let problem =
                    format!("step `{}` has a page already, `{}`; expected one page each", call.step, other.file);
                return Err(error(page, problem));
            }
            if let Some(other) = by_key.insert(&call.key, page) {
                let (name, target) = (&call.key.name, &call.key.target);
                let problem = format!(
                    "span `{name}` of `{target}` is a step already, in `{}`; expected one page each",
                    other.file
                );
                return Err(error(page, problem));
            }
        }
        for page in &book.pages {
            for claim in &page.claims {
                if let Some(step) = claim.predicate.steps().find(|step| !by_step.contains_key(&(*step).to_owned())) {
                    let problem = format!("no page has the step `{step}` of the predicate `{}`", claim.predicate);
                    return Err(error(page, format!("{problem}; expected the id of a step")));
                }
            }
        }
        Ok(book)
    }

    /// All pages, in order.
    #[must_use]
    pub fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// The steps, in the order of their pages.
    #[must_use]
    pub fn chain(&self) -> Chain {
        let step = |(_, call): (&Page, &Call)| ChainStep { id: call.step.clone(), key: call.key.clone() };
        Chain::new(self.calls().map(step).collect())
    }

    /// The page of the step with this index in [`chain`](Self::chain).
    #[must_use]
    pub fn step_page(&self, index: usize) -> Option<&Page> {
        self.calls().nth(index).map(|(page, _)| page)
    }

    /// The pages about no single step: about, experiments, tools.
    pub fn other_pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().filter(|page| page.call.is_none())
    }

    fn calls(&self) -> impl Iterator<Item = (&Page, &Call)> {
        self.pages.iter().filter_map(|page| Some((page, page.call.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(file: &str, step: &str, target: &str, predicate: &str) -> Page {
        let text = format!(
            "+++\ntitle = \"t\"\nstep = \"{step}\"\nspan = \"run\"\ntarget = \"{target}\"\nsource = \"s\"\nlane = \"main\"\n\
             upstream = \"u\"\nupstream_file = \"f\"\nlink = \"l\"\nverdict = \"missing\"\n\
             [[claim]]\nsays = \"c\"\nby = \"lesson\"\nverdict = \"true\"\npredicate = \"{predicate}\"\n+++\n"
        );
        Page::parse(file, &text).unwrap()
    }

    #[track_caller]
    fn check_error(pages: Vec<Page>, expected: &str) {
        assert_eq!(Book::new(pages).unwrap_err().to_string(), expected);
    }

    #[test]
    fn the_chain_is_the_pages_that_have_a_step() {
        let about = Page::parse("00.md", "+++\ntitle = \"About\"\n+++\n").unwrap();
        let pages = vec![
            about,
            page("01.md", "run", "a", "count run = 1"),
            page("02.md", "hub.run", "b", "lane hub.run = hub"),
        ];
        let book = Book::new(pages).unwrap();
        let ids: Vec<_> = book.chain().steps().iter().map(|step| step.id.clone()).collect();
        assert_eq!(ids, ["run", "hub.run"]);
        assert_eq!(book.step_page(1).unwrap().file, "02.md");
        assert_eq!(book.step_page(2), None);
        assert_eq!(book.other_pages().map(|page| &*page.file).collect::<Vec<_>>(), ["00.md"]);
    }

    #[test]
    fn two_pages_cannot_be_about_one_step() {
        let claim = "count run = 1";
        check_error(
            vec![page("01.md", "run", "a", claim), page("02.md", "run", "b", claim)],
            "`02.md`, line 1: step `run` has a page already, `01.md`; expected one page each",
        );
        check_error(
            vec![page("01.md", "run", "a", claim), page("02.md", "walk", "a", claim)],
            "`02.md`, line 1: span `run` of `a` is a step already, in `01.md`; expected one page each",
        );
    }

    #[test]
    fn a_claim_speaks_of_steps_that_have_pages() {
        check_error(
            vec![page("01.md", "run", "a", "order run < jump")],
            "`01.md`, line 1: no page has the step `jump` of the predicate `order run < jump`; expected the id of a step",
        );
    }

    #[test]
    fn an_unreadable_directory_is_named_with_the_remedy() {
        let missing = Path::new("/no/such/pages");
        assert_eq!(
            Book::read_dir(missing).unwrap_err().to_string(),
            "cannot read the walkthrough in `/no/such/pages`: no such directory; name a directory that holds the Markdown \
             pages, or leave --walkthrough out to use the built-in ones"
        );
        let no_pages = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
        let error = Book::read_dir(no_pages).unwrap_err().to_string();
        assert!(error.ends_with("; a page is a file whose name ends in `.md`"), "{error}");
    }
}
