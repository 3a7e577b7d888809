//! What stands in the box of the pool: its semaphore, its queue, its workers, what came back.

use super::Picture;
use super::boxes::Said;
use crate::trace::{Activity, Job, JobState, Time, Worker, WorkerDoing};
use crate::tui::text::wrap_plain;
use crate::tui::theme::Role;

/// How wide the words before a value are.
const POOL_LABEL: usize = 10;

impl Picture<'_> {
    pub(super) fn pool(&self, columns: usize) -> Said {
        let pool = &self.state.pool;
        let mut lines = Said::default();
        if pool.spawned == 0 {
            let is_blocking = pool.resolver.as_deref() == Some("block");
            let text = match is_blocking {
                true => "main looks names up itself (resolver block)",
                false => "no job so far: nothing is known of a pool",
            };
            if is_blocking {
                lines.push(self.plain("no pool, no worker thread", Role::Plain, columns));
            }
            wrap_plain(text, self.theme.style(Role::Dim), columns, "").into_iter().for_each(|line| lines.push(line));
            return lines;
        }
        let places =
            pool.places.map_or_else(|| "not recorded".to_owned(), |(free, all)| format!("{free} of {all} free"));
        let is_taken = pool.places.is_some_and(|(free, all)| free < all);
        let role = if is_taken { Role::Accent } else { Role::Plain };
        lines.push(self.beside(("semaphore", POOL_LABEL), &places, role, columns));
        let of = |state: JobState| pool.jobs.iter().filter(move |job| job.state == state);
        let queued: Vec<&Job> = of(JobState::Queued).collect();
        let queue = match queued.first() {
            None => "empty".to_owned(),
            Some(job) => format!("{}: {}", queued.len(), job.func),
        };
        let role = if queued.is_empty() { Role::Dim } else { Role::Accent };
        lines.push(self.beside(("queue", POOL_LABEL), &queue, role, columns));
        for worker in &pool.workers {
            self.worker(&mut lines, worker, columns);
        }
        if self.state.has_gaps {
            lines.push(self.plain("events are missing: may be old", Role::Doubt, columns));
        }
        if of(JobState::Written).next().is_some() {
            lines.push(self.plain("→ the answer is written", Role::Good, columns));
        }
        if let Some(job) = of(JobState::Done).next_back() {
            let argument = job.argument.as_deref().unwrap_or_default();
            lines.push(self.plain(&format!("✓ {} {argument}", job.func), Role::Dim, columns));
            if let Some(result) = &job.result {
                let by = job.worker.map_or_else(String::new, |lane| format!(", by {}", self.name(lane)));
                lines.push_minor(self.plain(&format!("  → {result}{by}"), Role::Plain, columns));
            }
        }
        lines
    }

    fn worker(&self, lines: &mut Said, worker: &Worker, columns: usize) {
        let row = |text: &str, role: Role| self.beside((&worker.name, POOL_LABEL), text, role, columns);
        let below = |text: &str| self.beside(("", POOL_LABEL), text, Role::Plain, columns);
        match &worker.doing {
            WorkerDoing::Starting => lines.push(row("being started", Role::Accent)),
            WorkerDoing::Runs { func, argument, since } => {
                lines.push(row(&format!("RUNS {func}"), Role::Good));
                lines.push_minor(below(argument.as_deref().unwrap_or_default()));
                lines.push(below(&self.so_far(*since).unwrap_or_else(|| format!("since {since}"))));
            }
            WorkerDoing::Waits { what, at_most_ms, .. } => {
                lines.push(row(&format!("waits for {what}"), Role::Plain));
                if let Some(ms) = at_most_ms {
                    lines.push_minor(below(&format!("{} at most", Time(ms.saturating_mul(1_000_000)))));
                }
            }
            WorkerDoing::Between => {
                let state = &self.ui.known.state;
                let activity = state.lane_named(&worker.name).map(|lane| state.activity(lane));
                let is_held = matches!(activity, Some(Activity::Held(_) | Activity::Paused(_)));
                lines.push(row(if is_held { "is held" } else { "between jobs" }, Role::Plain));
            }
            WorkerDoing::Left { why } => {
                let why = why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
                lines.push(row(&format!("has left{why}"), Role::Dim));
            }
        }
    }
}
