//! Help: what works in the focused pane, then the table of commands by group, the scenes of a client, and what the timeline's marks mean.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::command::{COMMANDS, CommandRow, GROUPS};
use super::pane_help;
use super::scene::SCENES;
use super::text::{pad, width, wrap_plain};
use super::theme::{Role, Theme};
use super::ui::Ui;

/// How wide the text is.
pub(super) fn columns(body: Rect) -> usize {
    usize::from(body.width.saturating_sub(4)).min(92)
}

/// What works in the focused pane, all commands with their keys, then the marks of the timeline.
pub(super) fn lines(ui: &Ui, columns: usize) -> Vec<Line<'static>> {
    let theme = &ui.theme;
    let keys = |row: &CommandRow| ui.keys.of(row).join(" ");
    let wide = COMMANDS.iter().map(|row| width(&keys(row))).max().unwrap_or(0);
    let (name, question) = match ui.focus {
        _ if ui.shows_loop => ("Event loop", "what is it doing, and for whom?"),
        _ if ui.is_class => ("For a class", "one idea at a time"),
        pane => pane_help::title(pane),
    };
    let here: Vec<_> = match ui.focus {
        _ if ui.shows_loop => pane_help::LOOP.iter().collect(),
        _ if ui.is_class => pane_help::CLASS.iter().collect(),
        pane => pane_help::entries(pane).iter().chain(pane_help::EVERYWHERE).collect(),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(format!(" Here: {name}"), theme.style(Role::Heading)),
        Span::styled(format!("  {question}"), theme.style(Role::Dim)),
    ])];
    for (ids, text) in here {
        let keys: Vec<String> = ids.iter().map(|id| ui.keys.shown(id)).collect();
        put_entry(&mut lines, &keys.join(" "), text, (wide, columns), theme);
    }
    let palette = ui.keys.shown("palette");
    for group in GROUPS {
        lines.push(Line::default());
        lines.push(Line::styled(format!(" {group}"), theme.style(Role::Heading)));
        for row in COMMANDS.iter().filter(|row| row.group == group) {
            match ui.keys.of(row) {
                // Found by its name.
                [] => put_entry(
                    &mut lines,
                    &palette,
                    &format!("{}: {}", row.label, ui.keys.told(row.doc)),
                    (wide, columns),
                    theme,
                ),
                _ => put_entry(&mut lines, &keys(row), &ui.keys.told(row.doc), (wide, columns), theme),
            }
        }
    }
    let again = ui.keys.shown("request");
    lines.push(Line::default());
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
        ("   ▐name??▌", "open; whether it runs or waits is not in the file"),
        ("   ╌▐━▌╌┃╌", "polls of a call that is open all the time"),
        ("   ┃  ▓", "one call, several calls in one column"),
        ("   ⇣  ⇡", "the thread passes from one lane to another"),
        ("   ┊  │", "the loop starts or serves; the cursor"),
        ("   ○ → ▶ ✓", "event loop: armed; ready; running now; done in this turn"),
        ("   ├──┤", "the chosen range; below, [ ] is what is seen of the whole recording"),
        ("   ▸  ▾", "lanes of a kind in one line, and unfolded"),
        (" ", "not instrumented: the lane was there, and no call was open"),
        ("   ●  ○", "left of a frame or a step: a breakpoint that is on, that is off"),
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
    lines.push(Line::default());
    lines.extend(legend.into_iter().map(|(mark, text)| {
        let role = if text.is_empty() { Role::Heading } else { Role::Plain };
        Line::styled(format!("{}{text}", pad(mark, wide + 5)), theme.style(role))
    }));
    lines
}

/// Keys in `wide` columns and what they do, in `columns` altogether.
fn put_entry(lines: &mut Vec<Line<'static>>, keys: &str, text: &str, (wide, columns): (usize, usize), theme: &Theme) {
    let room = columns.saturating_sub(wide + 5);
    for (index, line) in wrap_plain(text, Style::new(), room, "").into_iter().enumerate() {
        let keys = if index == 0 { keys } else { "" };
        let mut spans = vec![Span::styled(format!("   {}  ", pad(keys, wide)), theme.style(Role::Key))];
        spans.extend(line.spans);
        lines.push(Line::from(spans));
    }
}
