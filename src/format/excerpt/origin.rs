//! What is known of a recording and is not in its log.

/// What is known of a recording beside its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What was recorded.
    pub name: String,
    /// When its clock began.
    pub epoch: Epoch,
}

/// When the clock of a recording began. Its log does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Epoch {
    /// Nobody knows: times count from 1970.
    #[default]
    Unknown,
    /// Somebody says it was then, in ns since 1970.
    Said(u64),
    /// Its file was last written so long after 1970, in ns, and what happened last was not later.
    Written(u64),
}

impl Default for Origin {
    fn default() -> Self {
        Self { name: "recording".to_owned(), epoch: Epoch::Unknown }
    }
}
