//! Calls of a track that have begun and not ended, for their ends to be found.

use std::collections::HashMap;

/// Rows by the numbers of their names.
type Named = HashMap<u32, Vec<u32>>;

/// Rows that have begun. An end takes about as long to be found however many there are, and in whatever order ends come.
#[derive(Default)]
pub(super) struct Begun {
    /// Names and rows in the order of their begins. One that ended out of order lies here until it is the last.
    open: Vec<(u32, u32)>,
    /// The same by name, from the first end that comes out of order.
    named: Option<Box<Named>>,
}

impl Begun {
    /// A row begins that has a name of this number.
    pub(super) fn begin(&mut self, name: u32, row: u32) {
        if let Some(named) = &mut self.named {
            named.entry(name).or_default().push(row);
        }
        self.open.push((name, row));
    }

    /// What an end belongs to: the last that has begun by this name, or the last. It is over as soon as the caller says so.
    pub(super) fn end(&mut self, name: Option<u32>, is_over: impl Fn(u32) -> bool) -> Option<u32> {
        while self.open.pop_if(|open| is_over(open.1)).is_some() {}
        let of_last = self.open.last()?.0;
        if let Some(name) = name.filter(|name| *name != of_last) {
            let open = &self.open;
            let named = self.named.get_or_insert_with(|| {
                let mut named = Named::new();
                for (name, row) in open.iter().filter(|open| !is_over(open.1)) {
                    named.entry(*name).or_default().push(*row);
                }
                Box::new(named)
            });
            if let Some(rows) = named.get_mut(&name) {
                while rows.pop_if(|row| is_over(*row)).is_some() {}
                if let Some(row) = rows.pop() {
                    return Some(row);
                }
            }
        }
        self.open.pop().map(|open| open.1)
    }
}
