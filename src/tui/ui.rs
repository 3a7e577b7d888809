//! What the screens know, and what each action does to it.
//!
//! ```text
//!   key ─keymap─► Action ─► Ui::act ─► Effect (for the program)
//!   program ──► Ui::absorb, set_status ─┘└─► draw(&Ui)
//! ```
//!
//! Nothing here draws, reads a clock or talks to the program: time is told, effects are carried out by the loop.

use std::time::Duration;

use super::against::Other;
use super::asked::Asked;
use super::breaks::Breaks;
use super::class::Walk;
use super::copy::Clipboard;
use super::keymap::Mode;
use super::keys::Keys;
use super::known::Known;
use super::layout::{Arrangement, Border, Layout, Pane, Preset, Story};
use super::loading::Loading;
use super::material::Material;
use super::moves::Seek;
use super::overlay::Overlay;
use super::play::{Play, Speed};
use super::predict::Guess;
use super::program::{News, Progress, Restart, Unkept};
use super::range::Range;
use super::scene::{Clients, Scene};
use super::stack::{Folds, RowId};
use super::theme::Theme;
use super::time_pane::{Grip, Lines};
use super::timeline;
use crate::lesson::Score;
use crate::trace::{Activity, BookmarkEdit, Command, Log, Run, Status, Window};

/// A sentence in the last line.
struct Notice {
    text: String,
    /// When it goes by itself.
    until: Duration,
    /// It speaks of a run that is under way.
    is_of_run: bool,
}

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(6);

/// What the loop has to do for an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing but drawing.
    None,
    /// Leave.
    Quit,
    /// Ask the gate.
    Command(Command),
    /// Ask the program to stop.
    Stop,
    /// Start the program again.
    Restart(Restart),
    /// Let a client do something.
    Send(Scene),
    /// Keep with the recording what was marked.
    Mark(BookmarkEdit),
    /// Put a text into the clipboard.
    Copy(String),
}

/// Everything that the screens show.
pub struct Ui<'a> {
    pub(super) log: Log,
    pub(super) material: Material<'a>,
    pub(super) theme: Theme,
    pub(super) keys: Keys,
    pub(super) clipboard: Clipboard,
    pub(super) arrangement: Arrangement,
    /// The mouse button went down on this border, and moves it.
    pub(super) held_border: Option<Border>,
    pub(super) size: (u16, u16),
    pub(super) status: Status,
    pub(super) address: String,
    pub(super) started_with: Restart,
    pub(super) clients: Clients,
    /// What a client was told to do last.
    pub(super) last_scene: Scene,
    /// `None` is live: the end, wherever it is.
    pub(super) cursor: Option<usize>,
    pub(super) focus: Pane,
    pub(super) is_zoomed: bool,
    pub(super) overlay: Option<Overlay>,
    pub(super) folds: Folds,
    pub(super) selected: Option<RowId>,
    pub(super) stack_top: usize,
    pub(super) window: Option<Window>,
    /// The timeline's lines, as they were arranged.
    pub(super) lines: Lines,
    /// A stretch of time that was chosen.
    pub(super) range: Option<Range>,
    pub(super) lesson_scroll: usize,
    pub(super) source_scroll: usize,
    pub(super) fields_scroll: usize,
    pub(super) shows_answer: bool,
    /// The event loop is seen instead of the panes.
    pub(super) shows_loop: bool,
    /// A page that belongs to no step, shown instead of the step's.
    pub(super) page: Option<usize>,
    pub(super) known: Known,
    /// Another recording, to look at beside this one.
    pub(super) other: Option<Other>,
    /// The recording runs on by itself.
    pub(super) play: Option<Play>,
    pub(super) speed: Speed,
    /// What a person has guessed, until it has come.
    pub(super) guess: Option<Guess>,
    pub(super) score: Score,
    /// The walk goes on by itself.
    pub(super) walk: Option<Walk>,
    /// How often it does when it does.
    pub(super) walks_every: Option<Duration>,
    /// One idea at a time is shown.
    pub(super) is_class: bool,
    /// A move of the cursor that has not arrived.
    pub(super) seek: Option<Seek>,
    pub(super) asked: Asked,
    pub(super) breaks: Breaks,
    /// What the mouse holds, since a button went down in the timeline.
    pub(super) grip: Option<Grip>,
    /// How much of a file is read.
    pub(super) loading: Loading,
    /// What is to be known of the log as a whole.
    pub(super) remark: Option<String>,
    /// What was marked and goes with the screens.
    pub(super) unkept: Option<Unkept>,
    /// Somebody wanted to leave, and was told what would be lost.
    pub(super) is_leaving: bool,
    pub(super) now: Duration,
    notice: Option<Notice>,
}

impl<'a> Ui<'a> {
    /// Screens over a log, for a size in columns and rows. The cursor is at the end.
    #[must_use]
    pub fn new(log: Log, material: Material<'a>, size: (u16, u16), theme: Theme) -> Self {
        let mut ui = Self {
            log,
            material,
            theme,
            keys: Keys::default(),
            clipboard: Clipboard::default(),
            arrangement: Arrangement::default(),
            held_border: None,
            size,
            status: Status::default(),
            address: String::new(),
            started_with: Restart::default(),
            clients: Clients::Connected(0),
            last_scene: Scene::default(),
            cursor: None,
            focus: Pane::Stack,
            is_zoomed: false,
            overlay: None,
            folds: Folds::default(),
            selected: None,
            stack_top: 0,
            window: None,
            lines: Lines::default(),
            range: None,
            lesson_scroll: 0,
            source_scroll: 0,
            fields_scroll: 0,
            shows_answer: false,
            shows_loop: false,
            page: None,
            known: Known::default(),
            other: None,
            play: None,
            guess: None,
            score: Score::default(),
            walk: None,
            walks_every: None,
            is_class: false,
            speed: Speed::default(),
            seek: None,
            asked: Asked::default(),
            breaks: Breaks::default(),
            grip: None,
            loading: Loading::default(),
            remark: None,
            unkept: None,
            is_leaving: false,
            now: Duration::ZERO,
            notice: None,
        };
        ui.refresh();
        ui
    }

    /// Has these keys do what the table of commands says.
    pub fn set_keys(&mut self, keys: Keys) {
        self.keys = keys;
    }

    /// Arranges the panes like this.
    pub fn set_arrangement(&mut self, arrangement: Arrangement) {
        self.shows_loop = arrangement.preset == Preset::Loop;
        self.arrangement = arrangement;
        self.refresh();
    }

    /// How the panes are arranged.
    #[must_use]
    pub fn arrangement(&self) -> &Arrangement {
        &self.arrangement
    }

    /// Lets the program add to the log, or replace it. Says whether there is something to draw.
    pub fn absorb(&mut self, update: impl FnOnce(&mut Log) -> News) -> bool {
        // Places in the recording stay what they are when the log gets shorter.
        let cursor = self.cursor.map(|cursor| self.log.in_recording(cursor));
        let news = update(&mut self.log);
        match news {
            News::Nothing => return false,
            News::More => {}
            News::Another => self.forget(),
            News::Shorter => self.follow_shorter(cursor),
        }
        self.refresh();
        true
    }

    /// The log has lost some of its middle: the cursor goes to where it was, or to the oldest that is kept behind that.
    fn follow_shorter(&mut self, cursor: Option<u64>) {
        self.cursor = cursor.map(|cursor| self.log.from_recording(cursor)).filter(|cursor| *cursor < self.log.len());
        self.seek = None;
        self.known.begin_again();
        self.ask_again();
        if let Some(gap) = self.log.gaps().iter().rfind(|gap| gap.is_forgotten) {
            let time = |at: usize| self.log.clock().program(self.log.time_at(at));
            let text = format!(
                "what happened from {} to {} is forgotten, to bound the memory; --record keeps it",
                time(gap.at),
                time(gap.resumed),
            );
            self.notify(text);
        }
    }

    /// Says how the gate stands. Returns whether that is new.
    pub fn set_status(&mut self, status: Status) -> bool {
        let is_new = self.status != status;
        if is_new && matches!(status.run, Run::Paused(_)) && self.notice.as_ref().is_some_and(|notice| notice.is_of_run)
        {
            self.notice = None;
        }
        let hit = |status: &Status| status.on.map(|on| (on, status.hits_of(on)));
        let before = hit(&self.status);
        self.status = status;
        if hit(&self.status) != before {
            self.tell_hit();
            self.refresh();
        }
        is_new
    }

    /// Says what the program listens on and how it was started. Returns whether that is new.
    pub fn set_program(&mut self, address: String, started_with: Restart) -> bool {
        let is_new = self.address != address || self.started_with != started_with;
        (self.address, self.started_with) = (address, started_with);
        is_new
    }

    /// Says which clients the program has. Returns whether that is new.
    pub fn set_clients(&mut self, clients: Clients) -> bool {
        let is_new = self.clients != clients;
        self.clients = clients;
        is_new
    }

    /// Says how much of the log has been read. Returns whether that changes the picture.
    pub fn set_progress(&mut self, progress: Option<Progress>) -> bool {
        self.loading.set(progress, self.now)
    }

    /// Whether there is more of the log to be read at once.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.loading.is_under_way()
    }

    /// Says what is to be known of the log as a whole. Returns whether that is new.
    pub fn set_remark(&mut self, remark: Option<String>) -> bool {
        let is_new = self.remark != remark;
        self.remark = remark;
        is_new
    }

    /// Says what was marked and is in no file. Returns whether that is new.
    pub fn set_unkept(&mut self, unkept: Option<Unkept>) -> bool {
        let is_new = self.unkept != unkept;
        self.unkept = unkept;
        is_new
    }

    /// Says what time it is, since the screens came up. Returns whether that changes the picture.
    pub fn tick(&mut self, now: Duration) -> bool {
        self.now = now;
        let is_over = self.notice.as_ref().is_some_and(|notice| notice.until <= now);
        if is_over {
            self.notice = None;
        }
        self.loading.tick(now) | self.play_on() | self.reveal() | is_over
    }

    /// Shows a sentence in the last line for a moment.
    pub fn notify(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), until: self.now + NOTICE, is_of_run: false });
    }

    /// Shows a sentence about where the program is running to, until it is there.
    pub(super) fn say_of_run(&mut self, text: String) {
        self.notice = Some(Notice { text, until: self.now + NOTICE, is_of_run: true });
    }

    /// A new command: what was said of the one before is over.
    pub(super) fn hush(&mut self) {
        self.notice = None;
    }

    pub(super) fn notice(&self) -> Option<&str> {
        self.notice.as_ref().map(|notice| &*notice.text)
    }

    /// Puts the cursor after the first `cursor` events; at or behind the end it is live.
    pub fn set_cursor(&mut self, cursor: usize) {
        self.cursor = (cursor < self.log.len()).then_some(cursor);
        self.refresh();
    }

    /// Where the cursor stands: how many events are before it.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor.unwrap_or(self.log.len())
    }

    /// Whether the cursor is at the end.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.cursor.is_none()
    }

    /// Who gets the keys.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self.overlay {
            Some(Overlay::Scenes { .. } | Overlay::Copy { .. } | Overlay::Predict { .. }) => Mode::Menu,
            Some(
                Overlay::Until { .. }
                | Overlay::GoTo { .. }
                | Overlay::Search { .. }
                | Overlay::Palette { .. }
                | Overlay::Note(_)
                | Overlay::Break { .. },
            ) => Mode::Text,
            _ => Mode::Commands,
        }
    }

    /// Forgets everything about the run, as a new one begins.
    pub(super) fn forget(&mut self) {
        self.cursor = None;
        self.folds = Folds::default();
        self.selected = None;
        self.stack_top = 0;
        self.window = None;
        (self.lines.chosen, self.lines.skipped) = (None, 0);
        (self.range, self.grip) = (None, None);
        self.page = None;
        (self.play, self.seek, self.guess) = (None, None, None);
        self.known = Known::default();
        self.ask_again();
        self.refresh();
    }

    /// Nobody is held, and the loop waits for something to happen.
    pub(super) fn is_waiting_for_the_world(&self) -> bool {
        let state = &self.known.state;
        let is = |wanted: Activity| state.lanes().iter().any(|lane| state.activity(lane) == wanted);
        self.is_live()
            && self.status.run != Run::Over
            && state.held().is_empty()
            && is(Activity::Polling)
            && !is(Activity::Running)
    }

    /// The timeline as it is now.
    pub(super) fn timeline(&self) -> timeline::View<'_> {
        timeline::View {
            log: &self.log,
            landmarks: &self.known.landmarks,
            state: &self.known.state,
            cursor: self.cursor,
            now: self.play.map_or_else(|| self.time_now(), |play| play.at),
            window: self.window,
            skip: self.lines.skipped,
            current: self.known.here,
            search: self.asked.search.as_ref(),
            opened: &self.lines.opened,
            chosen: self.chosen_line(),
            here: self.lanes_here(),
            range: self.range_now(),
        }
    }

    /// Whether anything of the chain has run, as far as the log goes.
    pub(super) fn story(&self) -> Story {
        let is_foreign = !self.log.is_empty() && !self.known.seen.contains(&true) && self.page.is_none();
        if is_foreign { Story::Foreign } else { Story::Taught }
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::new(self.size, self.focus, self.is_zoomed, self.story(), &self.arrangement)
    }
}
