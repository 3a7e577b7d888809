//! Everything the screens need to know beside the log.

use crate::lesson::Book;
use crate::trace::Chain;

/// The program's source text.
pub trait Sources {
    /// The text of a file, by the name that callsites carry, such as `src/server/threadpool.rs`.
    fn source(&self, file: &str) -> Option<&str>;
}

/// What is told about the program: the chain, its pages, its source.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The documented chain: that of the book.
    pub chain: &'a Chain,
    /// The pages of its steps, and those of no step.
    pub book: &'a Book,
    /// The program's source text.
    pub sources: &'a dyn Sources,
}
