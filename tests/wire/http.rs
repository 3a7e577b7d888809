//! HTTP/1.1 on a connection that stays open.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Instant;

use super::LIMIT;

/// A connection to the server.
pub struct Http {
    pub stream: BufReader<TcpStream>,
    address: SocketAddr,
    /// The server has said that this connection is over.
    is_over: bool,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The number that tells this mistake from others, and whether the body has the form of an error.
    #[track_caller]
    pub fn code(&self) -> u64 {
        let body: serde_json::Value =
            serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text()));
        assert!(body["message"].is_string(), "no message: {body}");
        body["code"].as_u64().unwrap_or_else(|| panic!("no number as code: {body}"))
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, LIMIT).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

impl Http {
    pub fn connect(address: SocketAddr) -> Self {
        Self { stream: BufReader::new(connect(address)), address, is_over: false }
    }

    /// Bytes as they are. The server may have ended the connection: that is seen when its answer is read.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
        if self.is_over {
            *self = Self::connect(self.address);
        }
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method != "GET" && method != "OPTIONS" {
            head += &format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n", body.len());
        }
        self.write(&[head.as_bytes(), b"\r\n", body].concat());
    }

    /// The next answer.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        match self.try_answer() {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// The next answer; an error where the server ended the connection instead, or kept silent.
    pub fn try_answer(&mut self) -> io::Result<Answer> {
        let line = line(&mut self.stream)?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {line:?}")))?;
        let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
        while let Some((name, value)) = self::line(&mut self.stream)?.split_once(':') {
            answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&self::line(&mut self.stream)?, 16).map_err(io::Error::other)?;
                let from = answer.body.len();
                answer.body.resize(from + length, 0);
                self.stream.read_exact(&mut answer.body[from..])?;
                self::line(&mut self.stream)?;
                if length == 0 {
                    break;
                }
            }
        } else if let Some(length) = answer.header("content-length") {
            answer.body.resize(length.parse().map_err(io::Error::other)?, 0);
            self.stream.read_exact(&mut answer.body)?;
        }
        self.is_over |= answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Ok(answer)
    }

    #[track_caller]
    pub fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(method, target, headers, body);
        self.answer()
    }

    #[track_caller]
    pub fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, &[], &[])
    }

    #[track_caller]
    pub fn post(&mut self, target: &str, body: &[u8]) -> Answer {
        self.request("POST", target, &[], body)
    }

    /// Waits until the server has read all that was sent, so that what others send now comes after it.
    ///
    /// The kernel says so in its table of sockets: nothing is left in the queue of the server's end.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn wait_until_read(&self) {
        let mine = self.stream.get_ref().local_addr().unwrap().port();
        let (local, remote) = (format!(":{:04X}", self.address.port()), format!(":{mine:04X}"));
        let limit = Instant::now() + LIMIT;
        loop {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let row = table
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>())
                .find(|columns| columns.len() > 4 && columns[1].ends_with(&local) && columns[2].ends_with(&remote));
            if row.is_none_or(|columns| columns[4].ends_with(":00000000")) {
                return;
            }
            assert!(Instant::now() < limit, "the server does not read");
            std::thread::yield_now();
        }
    }

    /// Elsewhere nobody says so: the test holds if the server is no slower than a round trip of another connection.
    #[cfg(not(target_os = "linux"))]
    pub fn wait_until_read(&self) {
        let _ = Self::connect(self.address).get("/");
    }

    pub fn hang_up(self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(_) if line.ends_with("\r\n") => {
            line.truncate(line.len() - 2);
            Ok(line)
        }
        Ok(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("it ended after {line:?}"))),
        Err(error) => Err(io::Error::new(error.kind(), format!("{error} after {line:?}"))),
    }
}
