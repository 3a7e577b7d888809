//! Bytes as what a client sends of HTTP, in pieces: how they are cut must not matter, and no more is changed than one byte.

use spanwalk::server::pywsgi::framing::Framing;

/// The first byte is how many come at once.
pub fn run(bytes: &[u8]) {
    let Some((at_once, sent)) = bytes.split_first() else { return };
    let (mut whole, mut cut) = (sent.to_vec(), sent.to_vec());
    let (mut of_whole, mut of_cut) = (Framing::default(), Framing::default());
    of_whole.read(&mut whole);
    cut.chunks_mut(usize::from(*at_once).max(1)).for_each(|part| of_cut.read(part));
    assert_eq!(whole, cut);
    let told = |framing: &Framing| (framing.heads(), framing.is_in_head(), framing.is_between());
    assert_eq!(told(&of_whole), told(&of_cut));
    let changed: Vec<_> = whole.iter().zip(sent).filter(|(seen, sent)| seen != sent).collect();
    assert!(changed.len() <= 1 && changed.iter().all(|(seen, _)| **seen == 0));
}

/// To begin with: requests with every kind of body.
pub fn seeds() -> Vec<Vec<u8>> {
    let large = format!(
        "POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\n{}GET / HTTP/1.1\r\n\r\n",
        "Content-Length: 1\r\n\r\n".repeat(2)
    );
    [
        &*large,
        "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}",
    ]
    .map(|text| [&[7], text.as_bytes()].concat())
    .to_vec()
}
