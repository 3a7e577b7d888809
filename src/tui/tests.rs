//! What the screens promise, checked on pictures of a run written by hand.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::fixture::{Until, with_ui};
use super::*;

fn picture(ui: &Ui<'_>) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, ui.size.0, ui.size.1));
    draw(&mut buffer, ui);
    buffer
}

fn text(ui: &Ui<'_>) -> String {
    let buffer = picture(ui);
    let width = usize::from(buffer.area.width).max(1);
    let rows = buffer
        .content
        .chunks(width)
        .map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
    rows.map(|row| row.trim_end().to_owned() + "\n").collect()
}

#[test]
fn look() {
    let size = std::env::var("LOOK").unwrap_or_default();
    let Some((width, height)) = size.split_once('x') else {
        return;
    };
    let size = (width.parse().unwrap(), height.parse().unwrap());
    for until in [Until::Spawn, Until::Serving, Until::Request] {
        with_ui(until, size, Theme::default(), |ui| {
            println!("{until:?}\n{}", text(ui));
            if until == Until::Request {
                for action in [
                    Action::Moments,
                    Action::Help,
                    Action::Steps,
                    Action::Restart,
                    Action::RunUntil,
                ] {
                    ui.overlay = None;
                    ui.act(action);
                    println!("{}", text(ui));
                }
            }
        });
    }
}
