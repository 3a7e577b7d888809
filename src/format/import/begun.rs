//! Calls of a track that have begun and not ended, for their ends to be found.

use std::collections::HashMap;
use std::ops::Range;

/// Rows by the bytes of their names.
type Named = HashMap<Box<[u8]>, Vec<u32>>;

/// Rows that have begun. An end takes about as long to be found however many there are, and in whatever order ends come.
#[derive(Default)]
pub(super) struct Begun {
    /// In the order of their begins, with the places of their names. One that ended out of order lies here until it is the last.
    open: Vec<(u32, Range<usize>)>,
    /// The same by name, from the first end that comes out of order.
    named: Option<Box<Named>>,
}

impl Begun {
    /// A row begins; its name is there.
    pub(super) fn begin(&mut self, bytes: &[u8], row: u32, name: Range<usize>) {
        if let Some(named) = &mut self.named {
            named.entry(bytes[name.clone()].into()).or_default().push(row);
        }
        self.open.push((row, name));
    }

    /// What an end belongs to: the last that has begun by this name, or the last. It is over as soon as the caller says so.
    pub(super) fn end(&mut self, bytes: &[u8], name: Option<&[u8]>, is_over: impl Fn(u32) -> bool) -> Option<u32> {
        while self.open.pop_if(|open| is_over(open.0)).is_some() {}
        let (_, of_last) = self.open.last()?;
        if let Some(name) = name.filter(|name| **name != bytes[of_last.clone()]) {
            let open = &self.open;
            let named = self.named.get_or_insert_with(|| {
                let mut named = Named::new();
                for (row, name) in open.iter().filter(|open| !is_over(open.0)) {
                    named.entry(bytes[name.clone()].into()).or_default().push(*row);
                }
                Box::new(named)
            });
            if let Some(rows) = named.get_mut(name) {
                while rows.pop_if(|row| is_over(*row)).is_some() {}
                if let Some(row) = rows.pop() {
                    return Some(row);
                }
            }
        }
        self.open.pop().map(|open| open.0)
    }
}
