//! HTTP/1.1 requests on a connection that is kept, and their answers.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use super::wire::{Wire, Wires};

/// Requests to one address, one after the other.
pub(super) struct Http {
    wires: Arc<Wires>,
    address: SocketAddr,
    /// `None` before the first, and after the server has closed it.
    stream: Option<BufReader<Wire>>,
}

/// What came back.
pub(super) struct Answer {
    /// As in `200 OK`.
    pub(super) status: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn is_ok(&self) -> bool {
        self.status.starts_with("200")
    }

    /// The status, and the beginning of a body that may say why.
    pub(super) fn complaint(&self) -> String {
        complaint(&self.status, &self.body)
    }
}

/// A status, and the beginning of a body that may say why.
pub(super) fn complaint(status: &str, body: &str) -> String {
    let body: String =
        body.trim().chars().take(48).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if body.is_empty() { status.to_owned() } else { format!("{status}, {body}") }
}

impl Http {
    pub(super) fn new(wires: Arc<Wires>, address: SocketAddr) -> Self {
        Self { wires, address, stream: None }
    }

    /// Sends a request. `headers` are whole lines.
    pub(super) fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(BufReader::new(self.wires.connect(self.address)?)),
        };
        // In one write: a request that comes in two pieces is read in two.
        let address = self.address;
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: spanwalk\r\n{headers}\r\n{body}");
        stream.get_mut().write_all(request.as_bytes())
    }

    /// Reads the answer to what was asked.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let stream = self.stream.as_mut().ok_or_else(|| io::Error::other("nothing was asked"))?;
        let status = line(stream)?;
        let Some(status) = status.strip_prefix("HTTP/1.1 ").map(str::to_owned) else {
            return Err(io::Error::other(if status.is_empty() {
                "closed without an answer"
            } else {
                "no HTTP answer"
            }));
        };
        let (mut length, mut is_chunked, mut is_last) = (None, false, false);
        loop {
            let line = line(stream)?.to_ascii_lowercase();
            let Some((name, value)) = line.split_once(':') else { break };
            match (name, value.trim()) {
                ("content-length", value) => length = value.parse().ok(),
                ("transfer-encoding", value) => is_chunked = value.contains("chunked"),
                ("connection", value) => is_last = value.contains("close"),
                _ => {}
            }
        }
        let mut body = Vec::new();
        match length {
            Some(length) => {
                stream.take(length).read_to_end(&mut body)?;
                if (body.len() as u64) < length {
                    return Err(io::Error::other("closed within its answer"));
                }
            }
            None if is_chunked => read_chunks(stream, &mut body)?,
            None => {
                stream.read_to_end(&mut body)?;
                is_last = true;
            }
        }
        if is_last {
            self.stream = None;
        }
        Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// A line without its end; empty at the end of the stream.
fn line(stream: &mut BufReader<Wire>) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(64 * 1024).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn read_chunks(stream: &mut BufReader<Wire>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let size = line(stream)?;
        let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(|_| io::Error::other("no size of a chunk"))?;
        stream.take(size).read_to_end(body)?;
        // The end of the chunk, or of the whole.
        line(stream)?;
        if size == 0 {
            return Ok(());
        }
    }
}
