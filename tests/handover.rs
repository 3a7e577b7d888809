//! The hand-over of pages in every order that the memory model allows: the recorder's own source, with loom's atomics in
//! the place of the processor's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;

use loom::sync::atomic::Ordering::Relaxed;
use loom::sync::{Arc, Mutex};

/// What is around the file in the recorder.
#[path = "."]
mod page {
    use loom::sync;

    #[path = "../src/record/page/handover.rs"]
    mod handover;

    pub(super) use handover::Page;

    pub(super) struct Pages(handover::Pool);

    impl Pages {
        pub(super) fn new() -> Self {
            Self(handover::Pool { free: sync::Mutex::new(Vec::new()) })
        }

        /// One word is a whole page.
        pub(super) fn take(&self) -> &'static Page {
            self.0.take(1).unwrap_or_else(|| Box::leak(Box::new(Page::new(1))))
        }

        pub(super) fn give_back(&self, page: &'static Page) {
            self.0.give_back(page);
        }
    }
}

use page::{Page, Pages};

/// Pages of a thread, oldest first; the last is being written.
type Stream = Mutex<VecDeque<&'static Page>>;

/// The collector's end.
struct Input {
    /// The word that is to come.
    next: u64,
    /// The first page has been read.
    is_read: bool,
}

impl Input {
    /// Reads what is there, in order, and gives back pages that are read to their ends.
    fn look(&mut self, stream: &Stream, pages: &Pages) {
        let there: Vec<_> = stream.lock().unwrap().iter().map(|page| (*page, page.published())).collect();
        for (at, &(page, end)) in there.iter().enumerate() {
            if end == 0 {
                return;
            }
            if !std::mem::take(&mut self.is_read) {
                assert_eq!(page.words[0].load(Relaxed), self.next, "a word is what was written last");
                self.next += 1;
            }
            if at + 1 == there.len() {
                // It may be written further.
                self.is_read = true;
                return;
            }
            stream.lock().unwrap().pop_front();
            pages.give_back(page);
        }
    }
}

#[test]
fn what_is_published_is_read_as_it_was_written_also_from_pages_that_were_used_before() {
    const WORDS: u64 = 3;
    static REUSED: AtomicBool = AtomicBool::new(false);
    loom::model(|| {
        let (stream, pages) = (Arc::new(Stream::default()), Arc::new(Pages::new()));
        let writer = loom::thread::spawn({
            let (stream, pages) = (stream.clone(), pages.clone());
            move || {
                for number in 1..=WORDS {
                    let page = pages.take();
                    if page.words[0].load(Relaxed) != 0 {
                        REUSED.store(true, Relaxed);
                    }
                    stream.lock().unwrap().push_back(page);
                    page.words[0].store(number, Relaxed);
                    page.publish(1);
                }
            }
        });
        let mut input = Input { next: 1, is_read: false };
        for _ in 0..2 {
            input.look(&stream, &pages);
        }
        writer.join().unwrap();
        input.look(&stream, &pages);
        assert_eq!(input.next, WORDS + 1, "nothing is lost");
    });
    assert!(REUSED.load(Relaxed), "some order uses a page again");
}
