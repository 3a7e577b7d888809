//! The event loop as a picture: poll, watchers and callbacks in the order of a turn, the pool beside them, the turns below.
//!
//! ```text
//!   ┌ ▶ 1 Poll ┬ 2 Watchers ┬ 3 Callbacks ┬ Pool ──┐     the part of the turn we are in is lit
//!   ├ Turns ───┴────────────┴─────────────┴────────┤
//!   │ ▶ 3   1.19 s   io watcher on fd 8   do_read …│     the last turns, the present one last
//! ```
//!
//! Everything is of the cursor. What was not recorded is said to be not recorded.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::command::Action;
use super::draw::{frame_as, framed, put_lines};
use super::text::{count, cut, pad, width, wrap_plain};
use super::theme::{Role, Theme};
use super::ui::{Effect, Ui};
use crate::trace::{
    Activity, Callback, Job, JobState, LaneId, LoopState, LoopTurn, Phase, Run, Time, Waiter, Watcher, WatcherState,
    Why, Worker, WorkerDoing,
};

/// Turns that page up and page down go.
const PAGE: usize = 10;
/// How wide the words before a value are.
const LABEL: usize = 8;
/// The same beside what is said of the pool.
const POOL_LABEL: usize = 10;
/// Columns of the boxes at 120, without the border that each shares with the one before.
const SHARES: [u16; 4] = [32, 31, 27, 30];

/// Where the parts stand.
struct Areas {
    sentence: Rect,
    /// Poll, watchers, callbacks, pool; `None` where there is no room for boxes.
    boxes: Option<[Rect; 4]>,
    below: Rect,
}

impl Areas {
    fn of(body: Rect) -> Self {
        let sentence = Rect { height: 1.min(body.height), ..body };
        let rest = Rect { y: sentence.bottom(), height: body.height - sentence.height, ..body };
        let upper = if rest.width >= 112 && rest.height >= 14 {
            let height = (rest.height * 40 / 100).clamp(9, 16);
            Some((height, side_by_side(Rect { height, ..rest })))
        } else if rest.width >= 60 && rest.height >= 18 {
            let each = (rest.height * 32 / 100).clamp(7, 10);
            let [poll, watchers] = halves(Rect { height: each, ..rest });
            let [callbacks, pool] = halves(Rect { y: rest.y + each - 1, height: each, ..rest });
            Some((2 * each - 1, [poll, watchers, callbacks, pool]))
        } else {
            None
        };
        // The border between the boxes and the turns is shared.
        let below = upper.map_or(rest, |(height, _)| Rect {
            y: rest.y + height - 1,
            height: rest.height - (height - 1),
            ..rest
        });
        Self { sentence, boxes: upper.map(|upper| upper.1), below }
    }
}

/// Four boxes that share borders, as wide as what is said in each.
fn side_by_side(area: Rect) -> [Rect; 4] {
    let mut x = area.x;
    let all: u16 = SHARES.iter().sum();
    let mut taken = 0;
    SHARES.map(|share| {
        taken += share;
        let end = area.x + (u32::from(area.width) * u32::from(taken) / u32::from(all)) as u16;
        let begin = x.saturating_sub(u16::from(x > area.x));
        x = end;
        Rect { x: begin, width: end - begin, ..area }
    })
}

/// Two halves that share a border.
fn halves(area: Rect) -> [Rect; 2] {
    let left = area.width.div_ceil(2);
    [Rect { width: left, ..area }, Rect { x: area.x + left - 1, width: area.width - left + 1, ..area }]
}

impl Ui<'_> {
    /// Keys while the loop is looked at: what they are elsewhere, but for the arrows, which go from turn to turn, and for
    /// what is of the panes.
    pub(super) fn act_in_loop(&mut self, action: Action) -> Effect {
        let (action, times) = match action {
            Action::Left | Action::Up | Action::Wheel(_, _, false) => (Action::TurnBack, 1),
            Action::Right | Action::Down | Action::Wheel(_, _, true) => (Action::TurnForth, 1),
            Action::PageUp => (Action::TurnBack, PAGE),
            Action::PageDown => (Action::TurnForth, PAGE),
            Action::Click(column, row) => {
                if let Some(at) = self.turn_at(Position::new(column, row)) {
                    self.move_to(at);
                }
                return Effect::None;
            }
            Action::Toggle
            | Action::NextPane
            | Action::PreviousPane
            | Action::ZoomPane
            | Action::Answer
            | Action::Drag(..) => return Effect::None,
            action => (action, 1),
        };
        let mut effect = Effect::None;
        for _ in 0..times {
            effect = self.act_in_panes(action);
        }
        effect
    }

    /// The end of the turn whose row is at a place of the screen.
    fn turn_at(&self, place: Position) -> Option<usize> {
        let state = self.known.event_loop.as_ref()?;
        let areas = Areas::of(self.layout().body);
        areas.boxes?;
        let rows = rows(self.layout().body);
        let row = usize::from(place.y.checked_sub(areas.below.y + 2)?);
        let turns = seen(state, rows);
        (areas.below.contains(place)).then(|| turns.get(row).map(|turn| turn.range.1)).flatten()
    }
}

/// How many turns there is room for.
pub(super) fn rows(body: Rect) -> usize {
    let areas = Areas::of(body);
    areas.boxes.map_or(0, |_| usize::from(areas.below.height.saturating_sub(3)))
}

/// The turns that there is room for, the present one last.
fn seen(state: &LoopState, rows: usize) -> Vec<&LoopTurn> {
    let all: Vec<&LoopTurn> = state.before.iter().chain(&state.turn).collect();
    all[all.len().saturating_sub(rows)..].to_vec()
}

/// Draws the picture over the whole body.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, ui: &Ui) {
    let Some(state) = &ui.known.event_loop else { return };
    let picture = Picture { ui, state, theme: &ui.theme };
    if state.phase == Phase::Absent {
        let inner = framed(buffer, body, ui, "Event loop", "", true);
        let columns = usize::from(inner.width.saturating_sub(2)).max(1);
        let lines = wrap_plain(&picture.absent(), ui.theme.style(Role::Plain), columns, "");
        put_lines(
            buffer,
            Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner }.intersection(inner),
            &lines,
            0,
        );
        return;
    }
    let areas = Areas::of(body);
    let (sentence, role) = picture.sentence();
    let Some(boxes) = areas.boxes else {
        put_lines(buffer, body, &picture.stacked(usize::from(body.width)), 0);
        return;
    };
    let sentence = Line::styled(cut(&format!(" {sentence}"), usize::from(body.width)), ui.theme.style(role));
    put_lines(buffer, areas.sentence, &[sentence], 0);
    picture.turns(buffer, areas.below);
    let lit = picture.lit();
    let mut order: Vec<usize> = (0..4).filter(|at| Some(*at) != lit).collect();
    order.extend(lit);
    for at in order {
        let is_lit = Some(at) == lit;
        let (title, remark) = picture.title(at);
        let title = if is_lit { format!("▶ {title}") } else { title.to_owned() };
        let area = boxes[at];
        let inner = frame_as(buffer, area, ui, (&title, &remark), is_lit, false).intersection(area);
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
        let (said, foot) = picture.lines(at, usize::from(inner.width));
        // What was not recorded is said on the last row, where there is room.
        let rows = usize::from(inner.height);
        let pinned = usize::from(foot.is_some() && rows > 3);
        let (mut lines, left_out) = said.fitting(rows - pinned);
        if left_out > 0 {
            lines.push(picture.plain(&format!("… {left_out} more"), Role::Dim, usize::from(inner.width)));
        }
        put_lines(buffer, Rect { height: inner.height - pinned as u16, ..inner }, &lines, 0);
        if let Some(foot) = foot.filter(|_| pinned > 0) {
            let area = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            put_lines(buffer, area, &[picture.plain(foot, Role::Dim, usize::from(inner.width))], 0);
        }
    }
}

/// The lines of a box, those among them that can be done without marked.
#[derive(Default)]
struct Said(Vec<(Line<'static>, bool)>);

impl Said {
    fn push(&mut self, line: Line<'static>) {
        self.0.push((line, false));
    }

    /// Something that goes first where there is no room.
    fn push_minor(&mut self, line: Line<'static>) {
        self.0.push((line, true));
    }

    /// What fits into so many rows, and how many lines that matter do not: for those one row is left.
    fn fitting(mut self, rows: usize) -> (Vec<Line<'static>>, usize) {
        while self.0.len() > rows
            && let Some(minor) = self.0.iter().rposition(|line| line.1)
        {
            self.0.remove(minor);
        }
        let all = self.0.len();
        let kept = if all > rows { rows.saturating_sub(1) } else { all };
        (self.0.into_iter().take(kept).map(|line| line.0).collect(), all - kept)
    }
}

struct Picture<'a> {
    ui: &'a Ui<'a>,
    state: &'a LoopState,
    theme: &'a Theme,
}

impl Picture<'_> {
    fn absent(&self) -> String {
        let key = self.ui.keys.shown("event-loop");
        format!(
            "Nothing of an event loop is recorded here: there is no call of the chain's polls in it. \
             `spanwalk demo`, then {key}, shows one."
        )
    }

    /// Which box is the part of the turn we are in.
    fn lit(&self) -> Option<usize> {
        match self.state.phase {
            Phase::Starts | Phase::Polls => Some(0),
            Phase::Watchers => Some(1),
            Phase::Callbacks | Phase::Away => Some(2),
            Phase::Absent | Phase::Created | Phase::Over => None,
        }
    }

    fn title(&self, at: usize) -> (&'static str, String) {
        let turn = self.state.turn.as_ref();
        match at {
            0 => ("1 Poll", turn.map_or_else(String::new, |turn| format!("turn {}", count(turn.number)))),
            1 => {
                let fired = turn.map_or(0, |turn| turn.fired.len());
                ("2 Watchers", if fired > 0 { format!("fired {fired}") } else { String::new() })
            }
            2 => {
                let ran = turn.map_or(0, |turn| turn.callbacks);
                ("3 Ready callbacks", if ran > 0 { format!("ran {}", count(ran)) } else { String::new() })
            }
            _ => ("Pool", "other threads".to_owned()),
        }
    }

    fn name(&self, lane: LaneId) -> &str {
        self.ui.log.lane(lane).map_or("?", |lane| &lane.name)
    }

    /// Who has the loop's thread, and what it does there.
    fn running(&self) -> Option<(String, String)> {
        let (lane, span) = self.state.running?;
        let call = self.ui.log.span(span);
        let call = call.as_ref().map_or("?", |call| &call.callsite.name);
        Some((self.name(lane).to_owned(), format!("{} {call}", self.verb(lane))))
    }

    fn verb(&self, lane: LaneId) -> &'static str {
        let state = &self.ui.known.state;
        match state.lane(lane).map(|lane| state.activity(lane)) {
            Some(Activity::Paused(_) | Activity::Held(_)) => "is held in",
            _ => "runs",
        }
    }

    /// What the loop does, in one sentence.
    fn sentence(&self) -> (String, Role) {
        let turn = self.state.turn.as_ref();
        let number = turn.map_or(0, |turn| turn.number);
        // A watcher wakes the loop; a handler is what it woke to run.
        let woke = turn.and_then(|turn| turn.woke.as_deref());
        let fired = turn.and_then(|turn| turn.fired.first());
        let is_watcher = fired.is_some_and(|fired| woke.is_some_and(|woke| woke.starts_with(&*fired.watcher)));
        let how = if is_watcher { "woken by" } else { "woken for" };
        let woke = woke.map_or_else(String::new, |woke| format!(", {how} {woke}"));
        match self.state.phase {
            Phase::Absent => (self.absent(), Role::Plain),
            Phase::Created if self.state.pool.spawned > 0 => {
                ("The loop has not run: main has its thread, and a job is with the pool.".into(), Role::Plain)
            }
            Phase::Created => ("The loop has not run: main has its thread.".into(), Role::Plain),
            Phase::Starts => ("The loop has begun to run, and has not polled.".into(), Role::Accent),
            Phase::Polls => {
                (format!("Turn {number}: polling. Nothing runs on this thread until something happens."), Role::Good)
            }
            Phase::Watchers => {
                let call = turn.and_then(|turn| turn.fired.last()).and_then(|fired| fired.call.as_ref());
                let is_open = |span| self.ui.known.state.frame(span).is_some();
                let what = match call {
                    Some((span, name)) if is_open(*span) => format!("the hub calls {name}"),
                    Some((_, name)) => format!("the hub has called {name}"),
                    None => "the poll is over; nothing has followed yet".to_owned(),
                };
                (format!("Turn {number}{woke}: {what}."), Role::Accent)
            }
            Phase::Callbacks => {
                let who = self
                    .running()
                    .map_or_else(|| "the callbacks have run".to_owned(), |(who, what)| format!("{who} {what}"));
                (format!("Turn {number}{woke}: {who}."), Role::Accent)
            }
            Phase::Away => {
                let who =
                    self.running().map_or_else(|| "nobody runs".to_owned(), |(who, what)| format!("{who} {what}"));
                (format!("Turn {number}: the loop stands still until its thread comes back: {who}."), Role::Accent)
            }
            Phase::Over => (format!("The loop is over, after {number} turns."), Role::Plain),
        }
    }

    /// The lines of a box, and what is to be said of what is not in it.
    fn lines(&self, at: usize, columns: usize) -> (Said, Option<&'static str>) {
        match at {
            0 => (self.poll(columns), None),
            1 => (self.watchers(columns), Some("timers, sockets: not recorded")),
            2 => (self.callbacks(columns), Some("socket wakes not recorded")),
            _ => (self.pool(columns), None),
        }
    }

    fn labelled(&self, label: &str, value: &str, role: Role, columns: usize) -> Line<'static> {
        self.beside((label, LABEL), value, role, columns)
    }

    fn beside(&self, (label, least): (&str, usize), value: &str, role: Role, columns: usize) -> Line<'static> {
        let label = pad(label, least.max(width(label) + 1));
        let room = columns.saturating_sub(width(&label));
        Line::from(vec![
            Span::styled(label, self.theme.style(Role::Dim)),
            Span::styled(cut(value, room), self.theme.style(role)),
        ])
    }

    fn plain(&self, text: &str, role: Role, columns: usize) -> Line<'static> {
        Line::styled(cut(text, columns), self.theme.style(role))
    }

    /// How long something has gone on at the cursor. Of a program that runs nothing is known since its last event.
    fn so_far(&self, since: Time) -> Option<String> {
        let is_known = !self.ui.is_live() || self.ui.status.run == Run::Over || self.ui.known.state.paused().is_some();
        is_known.then(|| format!("{} so far", Time(self.ui.time_now().since(since))))
    }

    fn poll(&self, columns: usize) -> Said {
        let words = match self.state.phase {
            Phase::Polls => ("POLLING", Role::Good),
            Phase::Created => ("has not run", Role::Dim),
            Phase::Starts => ("has not polled", Role::Accent),
            Phase::Over => ("over", Role::Dim),
            Phase::Away => ("stands still", Role::Plain),
            _ => ("has polled", Role::Plain),
        };
        let mut lines = Said::default();
        lines.push(self.plain(words.0, words.1, columns));
        let Some((turn, polled)) = self.state.turn.as_ref().and_then(|turn| Some((turn, turn.polled?))) else {
            return lines;
        };
        let since = self.labelled("since", &polled.0.to_string(), Role::Plain, columns);
        match polled.1 {
            Some(to) => {
                lines.push_minor(since);
                lines.push(self.labelled("took", &Time(to.since(polled.0)).to_string(), Role::Plain, columns));
            }
            None => {
                lines.push(since);
                if let Some(so_far) = self.so_far(polled.0) {
                    lines.push(self.labelled("took", &so_far, Role::Plain, columns));
                }
            }
        }
        if let Some(watchers) = turn.watchers {
            let text = if watchers == 1 { "1 watcher".to_owned() } else { format!("{watchers} watchers") };
            lines.push(self.labelled("armed", &text, Role::Plain, columns));
        }
        let woke = match (&turn.woke, polled.1) {
            (Some(woke), _) => (woke.to_string(), Role::Accent),
            (None, None) => ("nothing yet".to_owned(), Role::Dim),
            (None, Some(_)) => ("not recorded".to_owned(), Role::Dim),
        };
        if 9 + width(&woke.0) <= columns {
            lines.push(self.beside(("woke for", 0), &woke.0, woke.1, columns));
        } else {
            lines.push(self.plain("woke for", Role::Dim, columns));
            lines.push(self.plain(&format!("  {}", woke.0), woke.1, columns));
        }
        lines
    }

    fn watchers(&self, columns: usize) -> Said {
        let mut lines = Said::default();
        for watcher in &self.state.watchers {
            self.watcher(&mut lines, watcher, columns);
        }
        if lines.0.is_empty() {
            lines.push(self.plain("none is armed", Role::Dim, columns));
        }
        let waiting = &self.state.waiting;
        if waiting.count > 0 {
            let text = match waiting.count {
                1 => "1 handler waits".to_owned(),
                more => format!("{} handlers wait", count(more as u64)),
            };
            lines.push(self.plain(&text, Role::Plain, columns));
            for Waiter { name, fd, reason, .. } in &waiting.first {
                let fd = fd.map_or_else(String::new, |fd| format!(" fd {fd}"));
                lines.push_minor(self.plain(&format!("  {name}{fd}: {reason}"), Role::Dim, columns));
            }
        }
        lines
    }

    fn watcher(&self, lines: &mut Said, watcher: &Watcher, columns: usize) {
        let mut fired = self.state.turn.iter().flat_map(|turn| &turn.fired);
        let has_fired = fired.any(|fired| fired.watcher.starts_with(watcher.kind) && fired.fd == Some(watcher.fd));
        let callback = watcher.callback.as_deref().unwrap_or("?");
        let (mark, word, role) = match watcher.state {
            WatcherState::Fires => ('▶', format!("FIRES: {callback}"), Role::Accent),
            WatcherState::Written => ('→', "written to".to_owned(), Role::Good),
            WatcherState::Armed if has_fired => ('✓', format!("fired: {callback}"), Role::Good),
            WatcherState::Armed => ('○', "armed".to_owned(), Role::Good),
            WatcherState::Closed if watcher.fired > 0 => ('✓', "fired, closed".to_owned(), Role::Dim),
            WatcherState::Closed => ('×', "closed".to_owned(), Role::Dim),
        };
        let fd = if watcher.fd < 0 { String::new() } else { format!("fd {}", watcher.fd) };
        lines.push(self.plain(&format!("{mark} {:<5} {fd:<5} {word}", watcher.kind), role, columns));
        let said: Vec<String> = watcher
            .said
            .iter()
            .map(|(name, value)| match &**name {
                "value" => value.to_string(),
                name => format!("{name} {value}"),
            })
            .collect();
        let said = said.join(", ");
        let indented = |text: String, role| self.plain(&format!("  {text}"), role, columns);
        match (watcher.state, watcher.kind) {
            (WatcherState::Closed, "async") => {
                lines.push_minor(indented(format!("woke the loop: {said}"), Role::Dim));
            }
            (WatcherState::Closed, _) => lines.push_minor(indented(format!("fired {}×", watcher.fired), Role::Dim)),
            (_, "async") => {
                lines.push(indented("to wake the loop, once".to_owned(), Role::Plain));
                lines.push_minor(indented(format!("since {}", watcher.since), Role::Dim));
            }
            _ => {
                let least = if self.state.has_gaps { "+" } else { "" };
                lines.push(indented(format!("accepts: {callback} ran {}×{least}", watcher.fired), Role::Plain));
                if !said.is_empty() {
                    lines.push_minor(indented(said, Role::Dim));
                }
                lines.push_minor(indented(format!("since {}", watcher.since), Role::Dim));
            }
        }
    }

    fn callbacks(&self, columns: usize) -> Said {
        let mut lines = Said::default();
        let running = self.state.running.map(|running| running.0);
        let mut told = |text: String, more: &str, role: Role| {
            // On a line of its own where it does not fit.
            if width(&text) + 1 + width(more) <= columns {
                lines.push(self.plain(&format!("{text} {more}"), role, columns));
            } else {
                lines.push(self.plain(&text, role, columns));
                lines.push(self.plain(&format!("  {more}"), role, columns));
            }
        };
        if let Some((who, what)) = self.running() {
            told(format!("▶ {who}"), &what, Role::Accent);
        }
        for Callback { lane, name, why } in &self.state.ready {
            let why = match why {
                Why::Made => "is new".to_owned(),
                Why::Woken { reason: Some(reason), .. } => reason.to_string(),
                Why::Woken { reason: None, by } => format!("woken by {}", self.name(*by)),
            };
            // While it has control, what wakes it is for its next time.
            let again = if running == Some(*lane) { "ready again" } else { "READY" };
            told(format!("→ {name} {again}:"), &why, Role::Good);
        }
        let more = self.state.ready_count - self.state.ready.len();
        if more > 0 {
            lines.push(self.plain(&format!("  and {} more", count(more as u64)), Role::Good, columns));
        }
        if lines.0.is_empty() {
            lines.push(self.plain("nobody is ready", Role::Dim, columns));
        }
        for lane in self.state.turn.iter().flat_map(|turn| &turn.ran).filter(|lane| Some(**lane) != running) {
            lines.push(self.plain(&format!("✓ {} has run", self.name(*lane)), Role::Dim, columns));
        }
        lines
    }

    fn pool(&self, columns: usize) -> Said {
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

    fn turns(&self, buffer: &mut Buffer, area: Rect) {
        let number = self.state.turn.as_ref().map_or(0, |turn| turn.number);
        let remark = if number > 0 { format!("{} so far", count(number)) } else { String::new() };
        let inner = frame_as(buffer, area, self.ui, ("Turns", &remark), false, false).intersection(area);
        let columns = usize::from(inner.width);
        let rows = usize::from(inner.height).saturating_sub(1);
        let mut lines =
            vec![self.plain(&turn_row(["turn", "polled", "woke for", "fired", "ran"], columns), Role::Dim, columns)];
        let turns = seen(self.state, rows);
        for (at, turn) in turns.iter().enumerate() {
            lines.push(self.turn(turn, at + 1 == turns.len(), columns));
        }
        if turns.is_empty() {
            lines.push(self.plain("   no turn yet", Role::Dim, columns));
        }
        put_lines(buffer, inner, &lines, 0);
    }

    fn turn(&self, turn: &LoopTurn, is_here: bool, columns: usize) -> Line<'static> {
        let polled = match turn.polled {
            Some((from, Some(to))) => Time(to.since(from)).to_string(),
            Some((_, None)) => "POLLING".to_owned(),
            None => "–".to_owned(),
        };
        let is_polling = matches!(turn.polled, Some((_, None)));
        let woke = match &turn.woke {
            Some(woke) => woke.to_string(),
            None if is_polling => String::new(),
            None if turn.polled.is_none() => "before the first poll".to_owned(),
            None => "not recorded".to_owned(),
        };
        let mut calls: Vec<(&str, usize)> = Vec::new();
        for fired in &turn.fired {
            let name = fired.call.as_ref().map_or("?", |call| &call.1);
            match calls.iter_mut().find(|call| call.0 == name) {
                Some(call) => call.1 += 1,
                None => calls.push((name, 1)),
            }
        }
        let calls =
            calls.into_iter().map(|(name, times)| if times > 1 { format!("{name} {times}×") } else { name.into() });
        let fired = match turn.fired.len() {
            0 => "–".to_owned(),
            fired => format!("{fired} → {}", calls.collect::<Vec<_>>().join(", ")),
        };
        let names: Vec<&str> = turn.ran.iter().map(|lane| self.name(*lane)).collect();
        let mut ran = match turn.callbacks {
            0 if names.is_empty() => "–".to_owned(),
            callbacks => format!("{}: {}", count(callbacks.max(1)), names.join(", ")),
        };
        if turn.is_cut {
            ran.push_str(" …");
        }
        let mark = if is_here { '▶' } else { ' ' };
        let number = format!("{mark} {}", count(turn.number));
        let role = if is_here { Role::Accent } else { Role::Plain };
        self.plain(&turn_row([&number, &polled, &woke, &fired, &ran], columns), role, columns)
    }

    /// Everything in lines, where there is no room for boxes: what is lit comes first.
    fn stacked(&self, columns: usize) -> Vec<Line<'static>> {
        let (sentence, role) = self.sentence();
        let mut lines = wrap_plain(&sentence, self.theme.style(role), columns, "");
        let lit = self.lit();
        for at in lit.into_iter().chain((0..4).filter(|at| Some(*at) != lit)) {
            let (title, remark) = self.title(at);
            let mark = if Some(at) == lit { "▶ " } else { "" };
            let role = if Some(at) == lit { Role::Focus } else { Role::Heading };
            lines.push(self.plain(format!("{mark}{title}  {remark}").trim_end(), role, columns));
            let (said, _) = self.lines(at, columns.saturating_sub(2));
            lines.extend(said.0.into_iter().map(|(mut line, _)| {
                line.spans.insert(0, Span::raw("  "));
                line
            }));
        }
        lines
    }
}

/// A row of the list of turns, in columns.
fn turn_row(cells: [&str; 5], columns: usize) -> String {
    let rest = columns.saturating_sub(7 + 9 + 2 + 1);
    let (woke, fired) = if rest >= 90 { (26, 30) } else { (rest * 40 / 100, rest * 28 / 100) };
    let polled = format!("{}{}", " ".repeat(9_usize.saturating_sub(width(cells[1]))), cut(cells[1], 9));
    let ran = columns.saturating_sub(7 + 9 + 2 + woke + fired + 1);
    format!(
        " {}{polled}  {}{}{}",
        pad(cells[0], 6),
        pad(&format!("{} ", cut(cells[2], woke.saturating_sub(1))), woke),
        pad(&format!("{} ", cut(cells[3], fired.saturating_sub(1))), fired),
        cut(cells[4], ran)
    )
}
