//! How much of a file is read, told while that takes longer than a moment.

use std::time::Duration;

use super::program::Progress;

/// Loading that is over sooner is not told: a bar that only flashes says nothing.
const MOMENT: Duration = Duration::from_millis(200);
/// Cells of the bar.
const CELLS: u64 = 10;

/// A file on its way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loading {
    progress: Option<Progress>,
    since: Option<Duration>,
    is_shown: bool,
}

impl Loading {
    /// Says how far it is, or that nothing is on its way. Returns whether that changes the picture.
    pub(super) fn set(&mut self, progress: Option<Progress>, now: Duration) -> bool {
        let before = self.text();
        let progress = progress.filter(|progress| progress.done < progress.all);
        let since = progress.map(|_| self.since.unwrap_or(now));
        *self = Self { progress, since, is_shown: self.is_shown && progress.is_some() };
        self.tick(now);
        self.text() != before
    }

    /// Says what time it is. Returns whether that changes the picture.
    pub(super) fn tick(&mut self, now: Duration) -> bool {
        let was_shown = self.is_shown;
        self.is_shown = self.since.is_some_and(|since| now.saturating_sub(since) >= MOMENT);
        was_shown != self.is_shown
    }

    /// Whether something is on its way.
    pub(super) fn is_under_way(&self) -> bool {
        self.progress.is_some()
    }

    /// `LOADING ████░░░░░░ 42 %`, after a moment.
    pub(super) fn text(&self) -> Option<String> {
        let progress = self.progress.filter(|_| self.is_shown)?;
        let share = u128::from(progress.done) * 100 / u128::from(progress.all.max(1));
        let full = (share as u64 * CELLS / 100) as usize;
        Some(format!("LOADING {}{} {share} %", "█".repeat(full), "░".repeat(CELLS as usize - full)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loading_is_told_after_a_moment_until_it_is_over() {
        let mut loading = Loading::default();
        let at = |ms| Duration::from_millis(ms);
        let progress = |done| Some(Progress { done, all: 200 });
        assert!(!loading.set(progress(20), at(1_000)));
        assert_eq!(loading.text(), None);
        assert!(loading.tick(at(1_200)));
        assert_eq!(loading.text().unwrap(), "LOADING █░░░░░░░░░ 10 %");
        assert!(loading.set(progress(199), at(1_300)));
        assert_eq!(loading.text().unwrap(), "LOADING █████████░ 99 %");
        assert!(loading.set(progress(200), at(1_400)));
        assert_eq!(loading.text(), None);
    }
}
