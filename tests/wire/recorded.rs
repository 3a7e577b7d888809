//! A server that records, and its recording as it grows.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spanwalk::file::Reader;
use spanwalk::trace::Log;

use super::Server;

/// Longer than anybody needs to leave.
const LONG: Duration = Duration::from_secs(30);

/// A server that records, and its file, which is removed at the end.
pub struct Recorded {
    pub server: Server,
    path: PathBuf,
    pub log: Log,
    reader: Reader,
}

impl Recorded {
    /// With these flags.
    pub fn start(name: &str, flags: &[&str]) -> Self {
        let path = std::env::temp_dir().join(format!("spanwalk-{name}-{}.spanwalk", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let server = Server::with(&[flags, &["--record", path.to_str().unwrap()]].concat());
        let reader = Reader::open(&path).unwrap();
        Self { server, path, log: Log::new(), reader }
    }

    /// Reads while it is written, until so many connections have come and all have gone.
    #[track_caller]
    pub fn wait_until_all_have_gone(&mut self, count: usize) {
        // However much there is by now to be read: that is no time in which they may go.
        self.reader.read(&mut self.log).unwrap();
        let began = Instant::now();
        loop {
            self.reader.read(&mut self.log).unwrap();
            let came = self.log.lanes().iter().filter(|lane| lane.name.starts_with("conn-"));
            let (gone, left): (Vec<_>, Vec<_>) = came.partition(|lane| lane.close.is_some());
            if left.is_empty() && gone.len() >= count {
                return;
            }
            let names: Vec<_> = left.iter().map(|lane| &*lane.name).collect();
            assert!(began.elapsed() < LONG, "{} have gone, {} lanes are left: {names:?}", gone.len(), names.len());
            std::thread::yield_now();
        }
    }

    /// Reads while it is written, until it is so.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Log) -> bool) {
        let began = Instant::now();
        while !is_so(&self.log) {
            assert!(began.elapsed() < LONG, "the recording does not show {what}");
            self.reader.read(&mut self.log).unwrap();
            std::thread::yield_now();
        }
    }

    /// Stops the server in good order: nothing is missing in its file.
    #[track_caller]
    pub fn stop(&mut self) {
        self.server.ask_to_stop();
        assert_eq!(self.server.exit_code(), Some(0));
        self.reader.read(&mut self.log).unwrap();
        assert!(self.reader.is_ended() && self.reader.damage().is_empty(), "{:?}", self.reader.damage());
        assert_eq!(self.log.dropped(), 0);
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
