//! The event loop in sentences: what it does, its watchers, who is ready, the pool, and what each of its turns did.

use super::words::counted;
use super::{Answer, Lines, Prompt};
use crate::cli::sentences;
use crate::trace::{
    Activity, JobState, LaneId, LoopState, LoopTurn, LoopTurns, Phase, Time, Watcher, WatcherState, Why, Worker,
    WorkerDoing,
};

/// Turns before the present one that are told.
const TURNS: usize = 3;
/// Of those who wait or are ready, so many are named.
const NAMED: usize = 8;

impl Prompt<'_> {
    /// `loop`, and `loop next` and `loop before` from turn to turn.
    pub(super) fn event_loop(&mut self, text: &str) -> Answer {
        if !text.is_empty() {
            self.move_by_turn(text)?;
        }
        let (cursor, state) = (self.cursor(), self.state());
        let picture = LoopState::new(&self.log, &self.chain, &state, cursor, TURNS);
        if picture.phase == Phase::Absent {
            return Err("nothing of an event loop is recorded here".to_owned());
        }
        let mut lines = Lines::new();
        if cursor < self.log.len() {
            let now = self.log.clock().program(self.log.time_at(cursor));
            lines.push(format!("Event {cursor} of {}, at {now}.", self.log.len()));
        }
        lines.push(self.phase(&picture));
        lines.extend(self.instants_text());
        lines.extend(self.poll(&picture));
        lines.extend(picture.watchers.iter().map(|watcher| watcher_text(watcher, picture.has_gaps)));
        if !picture.watchers.iter().any(|watcher| watcher.kind == "io") {
            lines.push("Accepting: not armed; start_accepting has not been called.".to_owned());
        }
        lines.extend(self.ready(&picture));
        lines.extend(self.pool(&picture));
        let turns: Vec<&LoopTurn> = picture.before.iter().chain(&picture.turn).collect();
        lines.extend(turns.iter().map(|turn| self.turn(turn)));
        lines.push("loop before and loop next go from turn to turn.".to_owned());
        lines.push("Timers and the watchers of single sockets are not recorded.".to_owned());
        Ok(lines)
    }

    fn move_by_turn(&mut self, text: &str) -> Result<(), String> {
        let cursor = self.cursor();
        let turns = LoopTurns::of(&self.log, &self.chain).ok_or("no turn of an event loop has been recorded")?;
        let at = match text {
            "next" => turns.next(cursor).ok_or("this is the last turn so far")?,
            "before" | "back" => turns.previous(cursor).ok_or("before this the loop had not polled")?,
            _ => return Err(format!("`{text}` is neither `next` nor `before`")),
        };
        self.cursor = (self.is_recording || at < self.log.len()).then_some(at);
        self.told = at;
        Ok(())
    }

    fn who(&self, lane: LaneId) -> &str {
        sentences::lane(&self.log, lane)
    }

    /// What the loop does, in one sentence.
    fn phase(&self, picture: &LoopState) -> String {
        let number = picture.turn.as_ref().map_or(0, |turn| turn.number);
        let running = picture.running.map(|(lane, span)| {
            let state = self.state();
            let is_held = state
                .lane(lane)
                .is_some_and(|lane| matches!(state.activity(lane), Activity::Paused(_) | Activity::Held(_)));
            let verb = if is_held { "is held in" } else { "runs" };
            format!("{} {verb} {}", self.who(lane), sentences::name(&self.log, span))
        });
        let running = |else_: &str| running.unwrap_or_else(|| else_.to_owned());
        match picture.phase {
            Phase::Absent | Phase::Created if picture.pool.spawned > 0 => {
                "hub: the loop has not run. main has its thread, and a job is with the pool.".to_owned()
            }
            Phase::Absent | Phase::Created => "hub: the loop has not run. main has its thread.".to_owned(),
            Phase::Starts => "hub: the loop has begun to run, and has not polled.".to_owned(),
            Phase::Polls => {
                format!("hub: turn {number}, polling. Nothing runs on this thread until something happens.")
            }
            Phase::Watchers => {
                let call =
                    picture.turn.as_ref().and_then(|turn| turn.fired.last()).and_then(|fired| fired.call.clone());
                let is_open = |span| self.state().frame(span).is_some();
                match call {
                    Some((span, name)) if is_open(span) => format!("hub: turn {number}, calls {name} for a watcher."),
                    Some((_, name)) => format!("hub: turn {number}, has called {name} for a watcher."),
                    None => format!("hub: turn {number}, the poll is over; nothing has followed yet."),
                }
            }
            Phase::Callbacks => format!("hub: turn {number}, callbacks: {}.", running("they have run")),
            Phase::Away => {
                format!("hub: turn {number}, stands still until its thread comes back: {}.", running("nobody runs"))
            }
            Phase::Over => format!("The loop is over, after {number} turns."),
        }
    }

    fn poll(&self, picture: &LoopState) -> Option<String> {
        let turn = picture.turn.as_ref()?;
        let (from, to) = turn.polled?;
        let armed = turn.watchers.map_or_else(String::new, |count| {
            format!(", with {} armed", counted(usize::try_from(count).unwrap_or(usize::MAX), "watcher"))
        });
        Some(match to {
            None => format!("Poll: since {from}{armed}; woken by nothing yet."),
            Some(to) => {
                let woke = turn.woke.as_deref().unwrap_or("what is not recorded");
                format!("Poll: at {from}, for {}{armed}; woke for {woke}.", Time(to.since(from)))
            }
        })
    }

    fn ready(&self, picture: &LoopState) -> Lines {
        let mut lines = Lines::new();
        let waiting = &picture.waiting;
        for waiter in waiting.first.iter().take(NAMED) {
            let fd = waiter.fd.map_or_else(String::new, |fd| format!(", descriptor {fd}"));
            lines.push(format!("Waits: {}{fd}, for {}.", waiter.name, waiter.reason));
        }
        let more = waiting.count.saturating_sub(NAMED);
        lines.extend((more > 0).then(|| format!("{more} more handlers wait.")));
        for ready in picture.ready.iter().take(NAMED) {
            let why = match &ready.why {
                Why::Made => "it is new".to_owned(),
                Why::Woken { reason: Some(reason), .. } => reason.to_string(),
                Why::Woken { reason: None, by } => format!("woken by {}", self.who(*by)),
            };
            lines.push(format!("Ready: {}, {why}.", ready.name));
        }
        let more = picture.ready_count.saturating_sub(NAMED);
        lines.extend((more > 0).then(|| format!("{more} more are ready.")));
        if picture.ready.is_empty() {
            lines.push("Ready: nobody.".to_owned());
        }
        lines
    }

    fn pool(&self, picture: &LoopState) -> Lines {
        let pool = &picture.pool;
        if pool.spawned == 0 {
            let is_blocking = pool.resolver.as_deref() == Some("block");
            return vec![match is_blocking {
                true => "Pool: none, and no worker; main looks names up itself, by resolver block.".to_owned(),
                false => "Pool: nothing was handed to it so far.".to_owned(),
            }];
        }
        let mut lines = Lines::new();
        if let Some((free, all)) = pool.places {
            lines.push(format!("Pool: the semaphore is at {free} of {all}."));
        }
        lines.extend(pool.jobs.iter().map(|job| {
            let argument = job.argument.as_ref().map_or_else(String::new, |argument| format!(" of {argument}"));
            let by = job.worker.map_or_else(String::new, |lane| format!(" by {}", self.who(lane)));
            let how = match job.state {
                JobState::Spawning => "spawn prepares it".to_owned(),
                JobState::Queued => "on the queue".to_owned(),
                JobState::Running => format!("being done{by}"),
                JobState::Written => format!("done{by}, and written to the async watcher; the loop has not seen it"),
                JobState::Done => {
                    let result = job.result.as_ref().map_or_else(String::new, |result| format!("; it gave {result}"));
                    format!("done{by}, and taken by the loop{result}")
                }
                JobState::Refused => "refused".to_owned(),
                JobState::Lost => "what became of it is not recorded".to_owned(),
            };
            format!("Job: {}{argument}, {how}.", job.func)
        }));
        lines.extend(pool.workers.iter().map(|worker| self.worker(worker)));
        if picture.has_gaps {
            lines.push("Events before this are missing: some of it may be old.".to_owned());
        }
        lines
    }

    fn worker(&self, worker: &Worker) -> String {
        let doing = match &worker.doing {
            WorkerDoing::Starting => "being started".to_owned(),
            WorkerDoing::Runs { func, since, .. } => format!("runs {func}, since {since}"),
            WorkerDoing::Waits { what, at_most_ms: Some(ms), .. } => {
                format!("waits for {what}, {} at most", Time(ms.saturating_mul(1_000_000)))
            }
            WorkerDoing::Waits { what, .. } => format!("waits for {what}"),
            WorkerDoing::Between => {
                let state = self.state();
                state.lane_named(&worker.name).map_or("between jobs".to_owned(), |lane| sentences::doing(&state, lane))
            }
            WorkerDoing::Left { why } => {
                format!("has left{}", why.as_ref().map_or_else(String::new, |why| format!(": {why}")))
            }
        };
        format!("{}: {doing}.", worker.name)
    }

    fn turn(&self, turn: &LoopTurn) -> String {
        let polled = match turn.polled {
            Some((from, Some(to))) => format!("polled for {}", Time(to.since(from))),
            Some((_, None)) => return format!("Turn {}: polling.", turn.number),
            None => "before the first poll".to_owned(),
        };
        let woke = match (&turn.woke, turn.polled) {
            (Some(woke), Some(_)) => format!(", woke for {woke}"),
            _ => String::new(),
        };
        let mut calls: Vec<(&str, usize)> = Vec::new();
        for fired in &turn.fired {
            let name = fired.call.as_ref().map_or("a call that is not known", |call| &call.1);
            match calls.iter_mut().find(|call| call.0 == name) {
                Some(call) => call.1 += 1,
                None => calls.push((name, 1)),
            }
        }
        let calls: Vec<String> = calls
            .into_iter()
            .map(|(name, times)| if times == 1 { name.to_owned() } else { format!("{name} {times} times") })
            .collect();
        let fired = match turn.fired.len() {
            0 => "no watcher fired".to_owned(),
            count => format!("{} fired: {}", counted(count, "watcher"), calls.join(", ")),
        };
        let names: Vec<&str> = turn.ran.iter().map(|lane| self.who(*lane)).collect();
        let ran = match names.is_empty() {
            true if turn.callbacks == 0 => "nobody ran".to_owned(),
            true => format!("{} ran", counted(usize::try_from(turn.callbacks).unwrap_or(usize::MAX), "callback")),
            false => format!("ran {}", names.join(", ")),
        };
        let cut = if turn.is_cut { "; of its middle not all was looked at" } else { "" };
        format!("Turn {}: {polled}{woke}; {fired}; {ran}{cut}.", turn.number)
    }
}

fn watcher_text(watcher: &Watcher, has_gaps: bool) -> String {
    let fd = if watcher.fd < 0 { String::new() } else { format!(" on descriptor {}", watcher.fd) };
    let callback = watcher.callback.as_deref().unwrap_or("a call that is not known");
    let state = match watcher.state {
        WatcherState::Armed => "armed",
        WatcherState::Written => "written to, and not seen by the loop yet",
        WatcherState::Fires => "fires now",
        WatcherState::Closed if watcher.fired > 0 => "has fired, and is closed",
        WatcherState::Closed => "closed",
    };
    let least = if has_gaps { "at least " } else { "" };
    let fired = match watcher.fired {
        0 => String::new(),
        1 => format!("; {callback} ran {least}once"),
        count => format!("; {callback} ran {least}{count} times"),
    };
    let purpose = match watcher.kind {
        "io" if watcher.state == WatcherState::Closed => "accepted",
        "io" => "accepts",
        _ => "wakes the loop, once",
    };
    let said: Vec<String> = watcher.said.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let said = if said.is_empty() { String::new() } else { format!("; {}", said.join(", ")) };
    format!("Watcher: {}{fd}, {state}, since {}; it {purpose}{fired}{said}.", watcher.kind, watcher.since)
}
