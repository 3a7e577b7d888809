//! The calls of a line that may be around the next.

use crate::trace::SpanId;

/// Calls under way, in the order of their begins.
///
/// Who has begun before another and ends before it is around nothing more: it is not kept. So their ends do not rise, and who is
/// around a call is found by its end, however many overlap.
#[derive(Default)]
pub(super) struct Stack {
    open: Vec<Open>,
}

struct Open {
    span: SpanId,
    end: i64,
    is_over: bool,
}

impl Stack {
    /// A call begins: one of a higher number than those before, which ends then.
    pub(super) fn push(&mut self, span: SpanId, end: i64) {
        while self.open.pop_if(|open| open.end < end).is_some() {}
        self.open.push(Open { span, end, is_over: false });
    }

    /// A call ends.
    pub(super) fn end(&mut self, span: SpanId) {
        if let Ok(at) = self.open.binary_search_by_key(&span, |open| open.span) {
            self.open[at].is_over = true;
        }
        while self.open.pop_if(|open| open.is_over).is_some() {}
    }

    /// The last call that is under way and does not end before this.
    pub(super) fn around(&self, end: i64) -> Option<SpanId> {
        let longer = self.open.partition_point(|open| open.end >= end);
        longer.checked_sub(1).map(|at| self.open[at].span)
    }

    /// The last call that is under way.
    pub(super) fn last(&self) -> Option<SpanId> {
        self.open.last().map(|open| open.span)
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn who_is_around_is_the_last_under_way_that_does_not_end_before(
            of in prop::collection::vec((0..3_i64, prop::option::weighted(0.8, 0..12_i64)), 0..60),
        ) {
            let (mut stack, mut plain, mut now) = (Stack::default(), Vec::<(SpanId, i64)>::new(), 0);
            for (number, (later, length)) in (1..).zip(of) {
                now += later;
                // Those that end by now, in any order that their ends allow.
                plain.sort_by_key(|open| open.1);
                while plain.first().is_some_and(|open| open.1 < now) {
                    stack.end(plain.remove(0).0);
                }
                plain.sort();
                let end = length.map_or(i64::MAX, |length| now + length);
                let around = plain.iter().rev().find(|open| open.1 >= end).map(|open| open.0);
                prop_assert_eq!(stack.around(end), around);
                prop_assert_eq!(stack.last(), plain.last().map(|open| open.0));
                prop_assert_eq!(stack.is_empty(), plain.is_empty());
                stack.push(SpanId(number), end);
                plain.push((SpanId(number), end));
            }
        }
    }
}
