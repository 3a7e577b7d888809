//! Help: the table of commands by group, the scenes of a client, and what the timeline's marks mean.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::command::{COMMANDS, CommandRow, GROUPS, command};
use super::scene::SCENES;
use super::text::{pad, width, wrap_plain};
use super::theme::Role;
use super::ui::Ui;

/// How wide the text is.
pub(super) fn columns(body: Rect) -> usize {
    usize::from(body.width.saturating_sub(4)).min(92)
}

/// All commands with their keys, then the marks of the timeline.
pub(super) fn lines(ui: &Ui, columns: usize) -> Vec<Line<'static>> {
    let theme = &ui.theme;
    let keys = |row: &CommandRow| row.keys.join(" ");
    let wide = COMMANDS.iter().map(|row| width(&keys(row))).max().unwrap_or(0);
    let mut lines = Vec::new();
    for group in GROUPS {
        lines.push(Line::styled(format!(" {group}"), theme.style(Role::Heading)));
        for row in COMMANDS.iter().filter(|row| row.group == group) {
            let room = columns.saturating_sub(wide + 5);
            for (index, line) in wrap_plain(row.doc, Style::new(), room, "").into_iter().enumerate() {
                let keys = if index == 0 { keys(row) } else { String::new() };
                let mut spans = vec![Span::styled(format!("   {}  ", pad(&keys, wide)), theme.style(Role::Key))];
                spans.extend(line.spans);
                lines.push(Line::from(spans));
            }
        }
    }
    let again = command("request").map_or("", |row| row.keys[0]);
    lines.push(Line::styled(format!(" What a client may do: {again}, then"), theme.style(Role::Heading)));
    let names = SCENES.iter().map(|row| width(row.name)).max().unwrap_or(0);
    for (index, row) in SCENES.iter().enumerate() {
        lines.push(Line::from(vec![
            Span::styled(format!("   {}  ", pad(&(index + 1).to_string(), wide)), theme.style(Role::Key)),
            Span::raw(format!("{}  {}", pad(row.name, names), row.doc)),
        ]));
    }
    let legend = [
        (" Timeline", ""),
        ("   ▐name━━▌", "open and on its thread"),
        ("   ▐name╌╌▌", "open and waiting"),
        ("   ╌▐━▌╌┃╌", "polls of a call that is open all the time"),
        ("   ┃  ▓", "one call, several calls in one column"),
        ("   ⇣  ⇡", "the thread passes from one lane to another"),
        ("   ┊  │", "the loop starts or serves; the cursor"),
        ("   ○ → ▶ ✓", "event loop: armed; ready; running now; done in this turn"),
        ("   ├──┤", "the chosen range; below, [ ] is what is seen of the whole recording"),
        ("   ▸  ▾", "lanes of a kind in one line, and unfolded"),
        (" ", "not instrumented: the lane was there, and no call was open"),
        ("   ◆", "a match of the search; what is dim is later than the cursor"),
    ];
    let mouse = [
        (" Mouse, in the timeline", ""),
        ("   click", "sets the cursor there and chooses the lane; on the name of a group, unfolds it"),
        ("   drag", "moves the window; along the axis, the cursor; in the lower border, what is seen of the whole"),
        ("   shift-drag", "chooses a range (or the right button, where the terminal keeps shift for itself)"),
        ("   wheel", "zooms around the pointer; over the names it scrolls; with ctrl it moves the window"),
    ];
    let legend = legend.into_iter().chain(mouse);
    lines.extend(legend.into_iter().map(|(mark, text)| {
        let role = if text.is_empty() { Role::Heading } else { Role::Plain };
        Line::styled(format!("{}{text}", pad(mark, wide + 5)), theme.style(role))
    }));
    lines
}
