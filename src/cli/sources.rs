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
    "call.rs",
    "chat.rs",
    "engineio.rs",
    "engineio/echo.rs",
    "engineio/origin.rs",
    "engineio/polling.rs",
    "engineio/queue.rs",
    "engineio/refusal.rs",
    "engineio/server.rs",
    "engineio/service.rs",
    "engineio/session.rs",
    "engineio/socket.rs",
    "engineio/websocket.rs",
    "event.rs",
    "event_loop.rs",
    "flask.rs",
    "greenlet.rs",
    "hub.rs",
    "netdb.rs",
    "pool.rs",
    "pywsgi.rs",
    "pywsgi/framing.rs",
    "pywsgi/rfile.rs",
    "resolver.rs",
    "resolver/blocking.rs",
    "resolver/thread.rs",
    "socketcommon.rs",
    "socketio.rs",
    "socketio/args.rs",
    "socketio/handlers.rs",
    "socketio/manager.rs",
    "socketio/namespaces.rs",
    "socketio/server.rs",
    "socketio/socket.rs",
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
            let is_source = |path: &std::path::Path| path.extension().is_some_and(|extension| extension == "rs");
            entries.map(|path| if path.is_dir() { count(&path) } else { usize::from(is_source(&path)) }).sum()
        }
        assert_eq!(SOURCES.len(), count(std::path::Path::new("src/server")));
        assert!(source("src/server/threadpool.rs").is_some_and(|text| text.contains("fn spawn")));
    }
}
