//! The server's own source text, built in: what the source pane shows.

macro_rules! sources {
    ($($file:literal),+ $(,)?) => {
        /// Every file of the server, with its text.
        const SOURCES: &[(&str, &str)] =
            &[$((concat!("src/server/", $file), include_str!(concat!("../server/", $file)))),+];
    };
}

sources![
    "baseserver.rs",
    "event.rs",
    "event_loop.rs",
    "flask.rs",
    "greenlet.rs",
    "hub.rs",
    "netdb.rs",
    "pool.rs",
    "pywsgi.rs",
    "resolver.rs",
    "resolver/blocking.rs",
    "resolver/thread.rs",
    "socketcommon.rs",
    "socketio.rs",
    "stream_server.rs",
    "threading.rs",
    "threadpool.rs",
    "watcher.rs",
];

/// The built-in sources, for the screens.
pub(super) struct BuiltIn;

impl crate::tui::Sources for BuiltIn {
    fn source(&self, file: &str) -> Option<&str> {
        source(file)
    }
}

/// The text of a file, by the name its callsites carry.
fn source(file: &str) -> Option<&'static str> {
    let file = file.replace('\\', "/");
    SOURCES.iter().find(|(name, _)| file.ends_with(name)).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_server_is_built_in() {
        fn count(directory: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        assert_eq!(SOURCES.len(), count(std::path::Path::new("src/server")));
        assert!(source("src/server/threadpool.rs").is_some_and(|text| text.contains("fn spawn")));
    }
}
