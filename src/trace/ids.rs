//! Identities. They count from one in the order of first appearance and are never reused, unlike the span ids
//! of `tracing`, which are slots.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A span, numbered in the order of creation.
    SpanId(u64)
}
id! {
    /// A lane: one line of execution with a stack of its own.
    LaneId(u32)
}
id! {
    /// An operating-system thread, numbered in the order in which the recorder met it.
    ThreadId(u32)
}
id! {
    /// The place of an event in its log, from 0.
    Seq(u64)
}

id! {
    /// A breakpoint, numbered as they are set.
    BreakpointId(u32)
}

impl LaneId {
    /// No lane, as lanes count from one: of what is not known to be in any.
    pub const NONE: Self = Self(0);
}
