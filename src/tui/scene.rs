//! What the clients inside the program can do: the one table of scenes that the menu, the help and the README are read off.

/// A thing that a client of the program does, for a person to step through on the server's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table of scenes says what each is")]
pub enum Scene {
    #[default]
    Get,
    Connect,
    Message,
    Broadcast,
    SlowClient,
    VanishingClient,
    Disconnect,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct SceneRow {
    /// Which it is.
    pub scene: Scene,
    /// A word or two for the menu.
    pub name: &'static str,
    /// What it does, in one line of a small screen.
    pub doc: &'static str,
    /// What has just begun, for the last line.
    pub begun: &'static str,
    /// Only for those who are connected already.
    pub needs_somebody: bool,
}

const fn row(scene: Scene, name: &'static str, doc: &'static str, begun: &'static str) -> SceneRow {
    SceneRow { scene, name, doc, begun, needs_somebody: false }
}

/// Every scene there is. One that needs somebody stands at the end: the others keep their digits.
pub const SCENES: &[SceneRow] = &[
    row(Scene::Get, "GET", "one request and its answer", "GET / sent"),
    row(Scene::Connect, "connect", "by polling, then upgraded to WebSocket; stays", "a client connects"),
    row(Scene::Message, "message", "emits message \"hi\", waits for message-back", "a client emits message"),
    row(Scene::Broadcast, "broadcast", "one of two emits all, and everybody gets it", "a client emits all"),
    row(Scene::SlowClient, "slow client", "is sent much and reads nothing, then reads on", "a slow client connects"),
    row(
        Scene::VanishingClient,
        "vanishing client",
        "connects, and is gone without a close",
        "a client connects, and will vanish",
    ),
    SceneRow {
        needs_somebody: true,
        ..row(Scene::Disconnect, "disconnect", "everybody who is connected leaves", "the clients say goodbye")
    },
];

/// The row of a scene.
pub(super) fn scene(scene: Scene) -> &'static SceneRow {
    SCENES.iter().find(|row| row.scene == scene).expect("every scene has a row")
}

/// The scenes as a Markdown table, for the README.
#[must_use]
pub fn scenes_table() -> String {
    let mut out = String::from("| scene | what the client does |\n|---|---|\n");
    for row in SCENES {
        out.push_str(&format!("| {} | {} |\n", row.name, row.doc));
    }
    out
}

/// The clients that a program has of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// It can have none, and says why.
    Impossible(&'static str),
    /// So many are connected and stay.
    Connected(usize),
}

impl Clients {
    /// The scenes that can be chosen now, in the order of their digits.
    pub(super) fn scenes(self) -> impl Iterator<Item = &'static SceneRow> {
        let (are_possible, is_somebody_there) = match self {
            Self::Impossible(_) => (false, false),
            Self::Connected(count) => (true, count > 0),
        };
        SCENES.iter().filter(move |row| are_possible && (is_somebody_there || !row.needs_somebody))
    }
}
