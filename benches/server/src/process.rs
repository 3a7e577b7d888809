//! A server's process: what it takes of processor and memory, as the kernel counts it.

use std::collections::BTreeMap;
use std::fs;

/// Threads whose time is stated apart: they write what has been recorded, and could run on another core.
const APART: [&str; 2] = ["spanwalk-collec", "recording"];

/// A process that runs.
pub struct Process(pub u32);

/// What it has taken, or took between two looks.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Nanoseconds on the processor, user and system, thread by thread.
    threads: BTreeMap<u32, (String, u64)>,
    /// Bytes that are resident.
    pub resident: f64,
}

impl Process {
    /// What it has taken until now.
    pub fn usage(&self) -> Result<Usage, String> {
        let unknown = |error: std::io::Error| format!("the server has gone: {error}");
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{}/task", self.0)).map_err(unknown)? {
            let entry = entry.map_err(unknown)?;
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A thread may end meanwhile.
            let read = |file| fs::read_to_string(entry.path().join(file));
            let (Ok(name), Ok(times)) = (read("comm"), read("schedstat")) else { continue };
            let time = times.split(' ').next().and_then(|time| time.parse().ok());
            let time = time.ok_or("this kernel does not tell the time of threads in /proc/PID/task/TID/schedstat")?;
            threads.insert(id, (name.trim().to_owned(), time));
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).map_err(unknown)?;
        let found = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = found.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        Ok(Usage { threads, resident: kilobytes.ok_or("the server has ended")? * 1024.0 })
    }
}

impl Usage {
    /// What was taken since then.
    pub fn since(mut self, before: &Self) -> Self {
        for (id, (_, time)) in &mut self.threads {
            *time = time.saturating_sub(before.threads.get(id).map_or(0, |(_, before)| *before));
        }
        self.resident -= before.resident;
        self
    }

    /// Microseconds of those that serve.
    pub fn served(&self) -> f64 {
        self.sum(|name| !APART.contains(&name))
    }

    /// Microseconds of those that write what has been recorded.
    pub fn apart(&self) -> f64 {
        self.sum(|name| APART.contains(&name))
    }

    fn sum(&self, counts: impl Fn(&str) -> bool) -> f64 {
        self.threads.values().filter(|(name, _)| counts(name)).map(|(_, time)| *time).sum::<u64>() as f64 / 1e3
    }
}
