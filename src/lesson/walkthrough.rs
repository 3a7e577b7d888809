//! The built-in pages held to what they must be: whole, in order, of readable length, and right about names.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Author, Book, Call, Page, Verdict, embedded, upstream};

/// The documented calls, in order: what the pages must be about.
const STEPS: [&str; 36] = [
    "run",
    "new",
    "serve_forever",
    "start",
    "pywsgi.init_socket",
    "stream_server.init_socket",
    "get_listener",
    "tcp_listener",
    "update_environ",
    "getfqdn",
    "socketcommon.gethostbyaddr",
    "resolver.gethostbyaddr",
    "apply",
    "spawn",
    "get",
    "hub.run",
    "loop.run",
    "loop.poll",
    "worker.run_task",
    "on_async",
    "run_callbacks",
    "start_accepting",
    "wait",
    "do_read",
    "handle",
    "handle_one_request",
    "app",
    "engineio.handle_request",
    "engineio.handle_connect",
    "upgrade_websocket",
    "handle_event_internal",
    "socketio.emit",
    "send_ping",
    "stop",
    "close",
    "drain",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn steps(book: &Book) -> impl Iterator<Item = (&Page, &Call)> {
    book.pages().iter().filter_map(|page| Some((page, page.call.as_ref()?)))
}

/// Words of running text and the targets of links. Code and the texts of links are no running text.
fn read(prose: &str) -> (usize, Vec<String>) {
    let (mut words, mut links) = (0, Vec::new());
    let (mut in_link, mut in_code) = (false, false);
    for event in Parser::new_ext(prose, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                in_link = true;
                links.push(dest_url.into_string());
            }
            Event::End(TagEnd::Link) => in_link = false,
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if !in_link && !in_code => {
                let is_word = |word: &&str| word.contains(char::is_alphanumeric);
                words += text.split_whitespace().filter(is_word).count();
            }
            _ => {}
        }
    }
    (words, links)
}

#[test]
fn the_table_of_built_in_pages_is_the_directory() {
    let entries = fs::read_dir(root().join("walkthrough")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(embedded::PAGES.iter().map(|(file, _)| *file).collect::<Vec<_>>(), files);
    assert_eq!(Book::read_dir(&root().join("walkthrough")).unwrap(), Book::embedded());
}

#[test]
fn every_step_has_a_page_and_the_pages_are_in_the_order_of_the_chain() {
    let book = Book::embedded();
    assert_eq!(steps(&book).map(|(_, call)| &*call.step).collect::<Vec<_>>(), STEPS);
    for (index, (page, _)) in steps(&book).enumerate() {
        assert!(
            page.file.starts_with(&format!("{:02}-", index + 1)),
            "{} is the page of step {}",
            page.file,
            index + 1
        );
    }
    let others: Vec<_> = book.other_pages().map(|page| &*page.file).collect();
    let expected =
        ["00-about.md", "37-resolver-block.md", "38-slow-dns.md", "39-block-handler.md", "40-tokio-console.md"];
    assert_eq!(others, expected);
}

#[test]
fn a_page_is_read_in_two_minutes() {
    for page in Book::embedded().pages() {
        let words = read(&page.prose).0;
        assert!((150..=300).contains(&words), "{} has {words} words", page.file);
    }
}

#[test]
fn every_page_says_where_to_look_and_every_step_asks_a_question() {
    for page in Book::embedded().pages() {
        assert!(page.look.is_some(), "{} has no `look`", page.file);
        let is_step = page.call.is_some();
        let asks = page.question.is_some() && page.answer.is_some();
        assert!(!is_step || (asks && page.truth.is_some() && !page.claims.is_empty()), "{} lacks something", page.file);
        assert_eq!(page.question.is_some(), page.answer.is_some(), "{}", page.file);
    }
}

#[test]
fn the_original_is_linked_by_release_and_line() {
    for (page, call) in steps(&Book::embedded()) {
        let line = upstream::line(&call.upstream, &call.upstream_file);
        let line = line.unwrap_or_else(|| panic!("{}: `{}` is not in the list", page.file, call.upstream));
        let tree = match call.upstream_file.split_once('/') {
            Some(("gevent", _)) => "https://github.com/gevent/gevent/blob/26.9.0/src",
            Some(("engineio", _)) => "https://github.com/miguelgrinberg/python-engineio/blob/v4.15.1/src",
            Some(("socketio", _)) => "https://github.com/miguelgrinberg/python-socketio/blob/v5.18.1/src",
            _ => "https://github.com/miguelgrinberg/Flask-SocketIO/blob/v5.7.0/src",
        };
        assert_eq!(call.link, format!("{tree}/{}#L{line}", call.upstream_file), "{}", page.file);
        assert!(read(&page.prose).1.contains(&call.link), "{} does not link the original", page.file);
    }
}

#[test]
fn a_steps_source_is_the_file_of_its_module() {
    for (page, call) in steps(&Book::embedded()) {
        let module = call.key.target.strip_prefix("spanwalk::").unwrap();
        assert_eq!(call.source, format!("src/{}.rs", module.replace("::", "/")), "{}", page.file);
        assert!(read(&page.prose).1.contains(&format!("../{}", call.source)), "{} does not link it", page.file);
    }
}

#[test]
fn every_link_into_the_repository_resolves() {
    let mut broken = Vec::new();
    for page in Book::embedded().pages() {
        for link in read(&page.prose).1.iter().filter(|link| !link.contains("://")) {
            let path = link.split('#').next().unwrap_or_default();
            if !root().join("walkthrough").join(Path::new(path)).is_file() {
                broken.push(format!("{}: {link}", page.file));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn where_the_report_is_wrong_there_is_a_claim_that_a_run_contradicts() {
    for (page, _) in steps(&Book::embedded()) {
        let contradicted = |claim: &super::Claim| (claim.by, claim.verdict) == (Author::Report, Verdict::Wrong);
        assert_eq!(page.claims.iter().any(contradicted), page.verdict == Some(Verdict::Wrong), "{}", page.file);
        let of_ours = page.claims.iter().filter(|claim| claim.by == Author::Lesson);
        assert!(of_ours.clone().count() > 0 && of_ours.clone().all(|c| c.verdict == Verdict::True), "{}", page.file);
    }
}

#[test]
fn the_ordered_pairs_of_a_start_are_claimed() {
    let book = Book::embedded();
    let claimed: Vec<_> = book.pages().iter().flat_map(|page| &page.claims).map(|c| c.predicate.to_string()).collect();
    for pair in [
        "order end(tcp_listener) < spawn",
        "order spawn < hub.run",
        "order spawn < worker.run_task",
        "order hub.run < on_async",
        "order worker.run_task < on_async",
        "order on_async < end(get)",
        "order end(get) < end(update_environ)",
        "order end(update_environ) < start_accepting",
        "order start_accepting < wait",
        "order wait < do_read",
    ] {
        assert!(claimed.iter().any(|claim| claim == pair), "no page claims `{pair}`");
    }
    let unordered = ["order hub.run < worker.run_task", "order worker.run_task < hub.run"];
    assert!(!claimed.iter().any(|claim| unordered.contains(&&**claim)), "two threads, and no wait orders them");
}
