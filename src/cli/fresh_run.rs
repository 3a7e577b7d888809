//! A whole run without a screen, for what is made of one: the server starts, serves a few clients of its own, and stops.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::client::Clients;
use super::watch;
use crate::lesson::Book;
use crate::record::HoldMode;
use crate::server::{Server, Settings, engineio};
use crate::trace::Log;
use crate::tui::Scene;

/// The lookup takes so long that the loop polls meanwhile: the picture in which all three lanes are alive.
const LOOKUP: Duration = Duration::from_millis(20);
/// How soon a client is sent a ping: the heartbeat is a step too.
const PING: Duration = Duration::from_millis(100);
/// How long any part of it may take. A machine that is busy takes longer than one that is not.
const PATIENCE: Duration = Duration::from_secs(20);
/// Who asks, who stays, who talks: what makes every documented call happen.
const SCENES: [Scene; 4] = [Scene::Get, Scene::Connect, Scene::Message, Scene::Broadcast];

/// The log of one. Sets the subscriber of the process.
pub(super) fn fresh_run(book: &Book) -> anyhow::Result<Log> {
    let recorder = watch::recorder(HoldMode::Follow);
    watch::install(Some(&recorder), None)?;
    let engineio = engineio::Options { ping_interval: PING, ..engineio::Options::default() };
    let server = Server::start(Settings { port: 0, slow_dns: Some(LOOKUP), engineio, ..Settings::default() })?;
    let stop = server.stopper();
    let chain = book.chain();
    let (mut log, mut reader) = (Log::new(), recorder.reader());
    let (notify, notices) = mpsc::channel();
    let clients = Clients::new(notify);
    let began = Instant::now();
    let mut play = || -> anyhow::Result<()> {
        let mut until = |log: &mut Log, is_reached: &dyn Fn(&Log) -> bool| {
            while !is_reached(log) && began.elapsed() < PATIENCE && !server.is_ended() {
                reader.read_into(log, Duration::from_millis(20));
            }
        };
        until(&mut log, &|log| chain.landmarks(log).loop_serves.is_some());
        let Some(address) = server.address() else { return Ok(()) };
        for scene in SCENES {
            clients.play(scene, address).map_err(anyhow::Error::msg)?;
            let said = notices.recv_timeout(PATIENCE).context("a client of the run does not come to an end")?;
            if said.contains(" failed: ") {
                bail!("a client of the run met this: {said}");
            }
        }
        until(&mut log, &|log| chain.key("send_ping").is_none_or(|key| log.has_entered(key)));
        Ok(())
    };
    let played = play();
    stop();
    if !server.wait(Duration::from_secs(3)) {
        clients.cutter()();
    }
    let ended = server.join();
    clients.hush();
    reader.read_into(&mut log, Duration::ZERO);
    ended?;
    played?;
    Ok(log)
}
