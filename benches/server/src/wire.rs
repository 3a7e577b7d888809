//! What goes over the wire: requests and frames to send, and where an answer ends.

/// A request for a page, on a connection that is kept.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: spanwalk-servers\r\nAccept: */*\r\n\r\n")
        .into_bytes()
}

/// A request for a Socket.IO session over a WebSocket from the beginning.
pub fn upgrade() -> Vec<u8> {
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n\
     Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c3BhbndhbGsgc2VydmVycw==\r\n\r\n"
        .into()
}

/// A text frame, masked as a client's must be.
pub fn frame(text: &str) -> Vec<u8> {
    const MASK: [u8; 4] = [0x53, 0x70, 0x61, 0x6e];
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("what a client says is short");
    let mut bytes = vec![0x81, 0x80 | length];
    bytes.extend(MASK);
    bytes.extend(text.bytes().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// How long the answer is that these bytes begin with, if its end is known: its head, and as much as that announces.
pub fn response_length(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
    let refused = || format!("answered `{}`", String::from_utf8_lossy(bytes).lines().next().unwrap_or_default());
    match bytes.get(9..12) {
        Some(b"101") => return Ok(Some(head)),
        Some(b"200") => {}
        _ => return Err(refused()),
    }
    let mut lines = bytes[..head].split(|byte| *byte == b'\n');
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        name.eq_ignore_ascii_case(b"content-length:").then(|| std::str::from_utf8(value).ok()?.trim().parse().ok())?
    });
    let length: usize = length.ok_or("answered without a content-length")?;
    Ok(Some(head + length).filter(|length| *length <= bytes.len()))
}

/// How long the frame is that these bytes begin with, if all of it is there. A server's frames are not masked.
pub fn frame_length(bytes: &[u8]) -> Option<usize> {
    let (head, length) = head(bytes)?;
    Some(head + length).filter(|length| *length <= bytes.len())
}

/// The text of a complete frame; `None` if it is another kind of frame.
pub fn text(frame: &[u8]) -> Option<&[u8]> {
    let (head, _) = head(frame).filter(|_| frame[0] == 0x81)?;
    Some(&frame[head..])
}

/// The lengths of a frame's head and of what follows it.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    Some(match *bytes.get(1)? & 0x7f {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into()),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?).try_into().ok()?),
        short => (2, short.into()),
    })
}
