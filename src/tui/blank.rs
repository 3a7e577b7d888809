//! What stands where there is nothing to draw, or no room: why that is so, and which key does something about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::draw::put_lines;
use super::layout::Pane;
use super::text::wrap_plain;
use super::theme::Role;
use super::ui::Ui;
use crate::trace::Run;

/// Fewer columns or rows show less than a pane.
const LEAST: (u16, u16) = (40, 10);

impl Ui<'_> {
    /// A program that has run, and in which nothing is alive any more.
    pub(super) fn has_ended(&self) -> bool {
        let lanes = self.known.state.lanes();
        self.is_live() && self.status.run != Run::Over && !lanes.is_empty() && lanes.iter().all(|lane| lane.is_done)
    }

    /// What a pane says while it is empty; nothing where it says something of its own.
    pub(super) fn blank(&self, pane: Pane) -> Option<String> {
        match pane {
            Pane::Stack if self.known.rows.is_empty() => {
                Some(self.nothing("Each lane will stand here, with its open calls."))
            }
            // Why that is so stands in the other pane, if that is seen.
            Pane::Timeline if self.log.is_empty() && self.layout().pane(Pane::Stack).is_some() => {
                Some("Each lane will stand here, and time will go to the right.".to_owned())
            }
            Pane::Timeline if self.log.is_empty() => Some(self.nothing("Each lane will stand here, in its time.")),
            Pane::Fields if self.selected_span().is_none() && self.selected_lane().is_none() => {
                Some("The values of the frame that is selected in the call stack stand here.".to_owned())
            }
            Pane::Source if self.known.source.is_none() => {
                let call = self.selected_span().and_then(|span| self.log.span(span)).map(|span| span.callsite);
                Some(match call {
                    Some(call) => {
                        let file = call.file.as_deref().unwrap_or(&call.target);
                        let line = call
                            .line
                            .map_or_else(String::new, |line| format!(" {} is in line {line} of it.", call.name));
                        format!("The text of {file} is not at hand.{line}")
                    }
                    None => "The code of the frame that is selected in the call stack stands here.".to_owned(),
                })
            }
            _ => None,
        }
    }

    /// What stands below the lanes where all of them are over: where there is something to see.
    pub(super) fn all_over(&self) -> Option<String> {
        let lanes = self.known.state.lanes();
        if lanes.is_empty() || lanes.iter().any(|lane| !lane.is_done) || self.loading.is_under_way() {
            return None;
        }
        let [start, back, play, restart] = ["start", "back", "play", "restart"].map(|id| self.keys.shown(id));
        let again = match self.has_ended() {
            true => format!(" To start the program again: {restart}."),
            false => String::new(),
        };
        Some(format!(
            "No call is open any more. To see what has been: {back} goes back, {start} to the beginning, {play} plays it.{again}"
        ))
    }

    /// Why nothing is there, and what to do; `later` is what will be there.
    fn nothing(&self, later: &str) -> String {
        let [forth, live, restart, quit] = ["forth", "live", "restart", "quit"].map(|id| self.keys.shown(id));
        match (&self.remark, self.status.run) {
            _ if self.loading.is_under_way() => format!("The file is being read. {later} To leave: {quit}."),
            (Some(remark), Run::Over) if self.log.is_empty() => {
                format!(
                    "Nothing could be read of this file: {remark}. `spanwalk info` says what is in it. To leave: {quit}."
                )
            }
            (None, Run::Over) if self.log.is_empty() => {
                format!(
                    "Nothing was recorded into this file, so far. What is added to it appears here. To leave: {quit}."
                )
            }
            (Some(remark), _) if self.log.is_empty() => {
                format!("The program has ended: {remark}. To start it again: {restart}; to leave: {quit}.")
            }
            _ if self.log.is_empty() => {
                format!(
                    "The program is starting. {later} If nothing comes, to start it again: {restart}; to leave: {quit}."
                )
            }
            _ if self.is_live() => "No lane is alive.".to_owned(),
            _ => format!("Nothing has happened yet at this place. To go forth: {forth}; to the end: {live}."),
        }
    }

    /// Where one pane is all that is seen: behind its title, which key leads to the others.
    pub(super) fn others(&self) -> String {
        let [zoom, next] = ["zoom-pane", "next-pane"].map(|id| self.keys.shown(id));
        let at = Pane::ALL.iter().position(|pane| *pane == self.focus).unwrap_or(0) + 1;
        match self.layout().panes.len() {
            1 if self.is_zoomed => format!(" · zoomed, {zoom} ends it"),
            1 => format!(" · {at} of {}, {next}", Pane::ALL.len()),
            _ => String::new(),
        }
    }

    /// What the last line says where a screen is too small to be of use, in the words that there is room for.
    pub(super) fn too_small(&self, room: usize) -> Option<String> {
        let (columns, rows) = self.size;
        let texts = [
            format!("{columns}×{rows} is too small: {}×{} shows a pane", LEAST.0, LEAST.1),
            format!("needs {}×{} or more", LEAST.0, LEAST.1),
            "too small".to_owned(),
        ];
        let is_small = columns < LEAST.0 || rows < LEAST.1;
        texts.into_iter().find(|text| is_small && super::text::width(text) < room)
    }
}

/// Draws it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, ui: &Ui, text: &str) {
    let columns = usize::from(area.width.saturating_sub(2)).max(1);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }.intersection(area);
    let lines: Vec<Line<'_>> = wrap_plain(text, ui.theme.style(Role::Dim), columns, "");
    put_lines(buffer, inner, &lines, 0);
}
