//! The screens: pure functions of (log, cursor), and the keys that move the cursor or ask the program for something.
//!
//! ```text
//!   terminal ─► keymap ─► Action ─► Ui ─► Effect ─► Program (command, restart, scene)
//!                                   │ ▲
//!              draw(buffer, &Ui) ◄──┘ └── log, status, notices ◄── Program
//! ```
//!
//! [`run()`] is the loop; [`Ui`] is the state, and what every action does to it; [`draw()`] makes one picture of it and
//! changes nothing, so a picture of a recorded run needs no terminal. What lessons and source files say comes in
//! through [`Material`]. The program is reached through [`Program`] alone: the screens do not know
//! whether it is live, attached or a file.

mod act;
mod against;
mod arrange;
mod asked;
mod bar;
mod bars;
mod blank;
mod break_list;
mod breaks;
mod claims;
mod class;
mod command;
mod copy;
mod draw;
mod event_loop;
mod fields;
#[cfg(test)]
mod fixture;
mod help;
mod hints;
mod keymap;
mod keys;
mod known;
mod lane_label;
mod layout;
mod lesson_pane;
mod lists;
mod loading;
mod matches;
mod material;
mod minimap;
mod moments;
mod moves;
mod notes;
mod overlay;
mod page;
mod palette;
mod pane_help;
mod path;
pub mod picture;
mod play;
mod predict;
mod program;
mod prompt;
mod range;
mod restart;
mod run;
mod scene;
mod scenes;
mod screens;
mod source;
mod stack;
mod statistics;
mod steps;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod time_pane;
mod time_window;
mod timeline;
mod ui;

pub use against::Against;
pub use command::{Action, COMMANDS, CommandRow, GROUPS, markdown_table};
pub use copy::{Clipboard, Excerpt};
pub use draw::draw;
pub use keymap::Mode;
pub use keys::{FIXED, Keys, is_key};
pub use layout::{Arrangement, Pane, Preset};
pub use material::{Material, Sources};
pub use picture::Paper;
pub use program::{News, Program, Progress, Resolver, Restart, Unkept};
pub use run::{Options, Remember, run};
pub use scene::{Clients, SCENES, Scene, SceneRow, scenes_table};
pub use screens::{SCREENS, ScreenRow};
pub use source::{Listing, listing};
pub use stack::RowId;
pub use terminal::restore;
pub use theme::{Base, COLOURED, COLOURS, Role, Theme, colour};
pub use ui::{Effect, Ui};
