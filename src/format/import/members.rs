//! What a trace event says of itself, member by member.

use std::ops::Range;

use super::args::Args;
use super::scan::{Expected, NoTime, Scan, Stop, Token};

/// What a member of an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Phase,
    Name,
    Category,
    Pid,
    Tid,
    Id,
    File,
    Line,
    Other,
    Time,
    Duration,
    Args,
}

/// So many members are expected at the most.
const EXPECTED: usize = 64;
/// Members whose values are kept as they lie there are those up to this.
const TOKENS: usize = Member::Other as usize + 1;

impl Member {
    fn of(key: &[u8]) -> Self {
        match key {
            b"ph" => Self::Phase,
            b"name" => Self::Name,
            b"cat" => Self::Category,
            b"ts" => Self::Time,
            b"dur" => Self::Duration,
            b"pid" => Self::Pid,
            b"tid" => Self::Tid,
            b"id" | b"id2" | b"bind_id" => Self::Id,
            b"args" => Self::Args,
            b".file" => Self::File,
            b".line" => Self::Line,
            _ => Self::Other,
        }
    }
}

/// The first members of the event before, as most events have the same: what lies before their values, and what they are.
#[derive(Default)]
pub(super) struct Shape<'w>(Vec<(Expected<'w>, Member)>);

impl<'w> Shape<'w> {
    /// Takes the name of an event's next member and what else is before its value. Nothing if the event ends.
    #[inline(always)]
    fn next(&mut self, scan: &mut Scan<'w>, at: usize) -> Result<Option<Member>, Stop> {
        if let Some((before, member)) = self.0.get(at)
            && scan.skip(before)
        {
            return Ok(Some(*member));
        }
        self.other(scan, at)
    }

    #[inline(never)]
    fn other(&mut self, scan: &mut Scan<'w>, at: usize) -> Result<Option<Member>, Stop> {
        let begin = scan.at();
        let Some(key) = scan.key(at == 0)? else { return Ok(None) };
        scan.peek()?;
        let member = Member::of(&scan.bytes()[key]);
        if at < EXPECTED {
            self.0.truncate(at);
            self.0.push((Expected::new(&scan.bytes()[begin..scan.at()]), member));
        }
        Ok(Some(member))
    }
}

/// The members of an event that matter.
#[derive(Default)]
pub(super) struct Parts {
    tokens: [Option<Token>; TOKENS],
    /// In ns; what is there and no time is `Err`.
    pub(super) time: Option<Result<i64, NoTime>>,
    pub(super) duration: Option<Result<i64, NoTime>>,
    /// Where its fields are among those that were taken.
    pub(super) args: Option<Range<usize>>,
    /// The same as JSON.
    pub(super) object: Option<Range<usize>>,
}

impl Parts {
    /// Takes the members of an event whose first bracket has been taken, and its last bracket. Of a member that is there twice
    /// the last counts.
    #[inline]
    pub(super) fn take<'w>(
        &mut self,
        scan: &mut Scan<'w>,
        shape: &mut Shape<'w>,
        args: &mut Args<'w>,
    ) -> Result<(), Stop> {
        let mut at = 0;
        while let Some(member) = shape.next(scan, at)? {
            at += 1;
            match member {
                Member::Time => self.time = Some(scan.nanoseconds()?),
                Member::Duration => self.duration = Some(scan.nanoseconds()?),
                Member::Args if scan.peek()? == b'{' => {
                    let begin = scan.at();
                    self.args = Some(args.take(scan)?);
                    self.object = Some(begin..scan.at());
                }
                member => {
                    let token = scan.value()?;
                    if let Some(part) = self.tokens.get_mut(member as usize) {
                        *part = Some(token);
                    }
                }
            }
        }
        Ok(())
    }

    /// The value of a member, if it is there and of those that are kept as they lie there.
    #[inline]
    pub(super) fn get(&self, member: Member) -> Option<Token> {
        self.tokens.get(member as usize).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_many_members_is_read_and_not_all_of_them_are_expected_again() {
        let many =
            |from: &str| (0..5_000).map(|number| format!(r#""{from}{number}":{number}"#)).collect::<Vec<_>>().join(",");
        let text = format!(r#"{},"args":{{{}}},"ts":1.5}} "#, many("a"), many("b"));
        let (mut shape, mut args) = (Shape::default(), Args::default());
        for _ in 0..2 {
            let mut parts = Parts::default();
            let taken = parts.take(&mut Scan::new(text.as_bytes(), 0), &mut shape, &mut args);
            assert_eq!((taken, parts.time), (Ok(()), Some(Ok(1_500))));
        }
        assert_eq!((shape.0.len(), args.expected(), args.names.len()), (EXPECTED, 1024, 5_001));
    }
}
